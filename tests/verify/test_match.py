"""The match job: what it proposes, keeps, counts and leaves alone."""

from __future__ import annotations

from sqlmodel import col, select

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Candidate, CandidateRevision, DeskItem, EvidenceItem, PaperMatch
from biblio.store.words import Band, Outcome
from biblio.verify.match import match
from tests.verify.factories import add_mention, add_paper, add_project


def _filled(runtime: Runtime) -> tuple[int, int]:
    with runtime.store.writing() as session:
        project = add_project(session)
        add_project(
            session, "2015.1.00400.S", title="Dust in Nowhere", pi="Ferreira, Sol", co_is=(), targets=("Qix 3",)
        )
        paper = add_paper(session)
        add_mention(session, paper, "2016.1.00001.S")
        add_paper(session, title="Another sky", authors=("Nobody, N.",), abstract="Nothing of the kind.")
    return paper, project


def test_a_printed_code_makes_a_certain_candidate_with_its_quote_in_context(runtime: Runtime) -> None:
    """A code printed in the acknowledgements gives a certain candidate whose evidence keeps the passage around it."""
    paper, project = _filled(runtime)
    row = run_job(runtime, match)
    assert row.outcome is Outcome.SUCCEEDED, row.error
    with runtime.store.reading() as session:
        candidate = session.exec(
            select(Candidate).where(col(Candidate.paper_id) == paper, col(Candidate.project_id) == project)
        ).one()
        revision = session.exec(
            select(CandidateRevision).where(col(CandidateRevision.candidate_id) == candidate.id)
        ).one()
        assert revision.band is Band.CERTAIN
        quoted = session.exec(
            select(EvidenceItem).where(col(EvidenceItem.revision_id) == revision.id, col(EvidenceItem.kind) == "code")
        ).one()
        assert quoted.context is not None
        assert quoted.start is not None
        assert quoted.context_start is not None
        at = quoted.start - quoted.context_start
        assert quoted.context[at : at + len(quoted.quote or "")] == quoted.quote == "2016.1.00001.S"
        item = session.get(DeskItem, paper)
        assert item is not None
        assert (item.band, item.why, item.is_shown) == (Band.CERTAIN, "silent", True)
        assert len(session.exec(select(PaperMatch)).all()) == 2
