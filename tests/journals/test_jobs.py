"""The job that suggests journals in which papers of ours were found."""

from __future__ import annotations

from sqlmodel import select

from biblio.catalogue.journals import refuse_suggestion
from biblio.jobs import run_job
from biblio.journals.jobs import JOURNALS
from biblio.runtime import Runtime
from biblio.store.models import JournalSuggestion
from biblio.store.words import Outcome, SuggestionOrigin
from tests.journals.conftest import ANNALS, Shelf


def test_papers_suggest_the_journal_they_stand_in(runtime: Runtime, shelf: Shelf) -> None:
    """One accepted and one certain paper make two; a second run changes nothing, a refused journal stays away."""
    for word in ("new", "again"):
        run = run_job(runtime, JOURNALS)
        assert run.outcome is Outcome.SUCCEEDED
        assert run.counts == {word: 1, "journals": 2}
        with runtime.store.reading() as session:
            row = session.exec(select(JournalSuggestion)).one()
        assert (row.name, row.times, row.origin) == (ANNALS, 2, SuggestionOrigin.PAPERS)
    assert row.id is not None
    with runtime.store.writing() as session:
        refuse_suggestion(session, shelf.librarian, row.id, reason="No.", now=runtime.clock.now())
    assert run_job(runtime, JOURNALS).counts == {"refused": 1, "journals": 2}
