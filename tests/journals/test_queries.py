"""What journals yield: counted once per paper, whatever the journal is called, and anew when anything changed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from biblio.catalogue.journals import journal_key, monitored, note_coverage
from biblio.catalogue.links import undo
from biblio.journals import queries
from biblio.journals.queries import YieldKeeper, count_journals, elsewhere, yields
from biblio.runtime import Runtime
from biblio.store.models import Decision
from tests.factories import accept, add_project
from tests.journals.conftest import ANNALS, Shelf, paper_in

APJ = journal_key("ApJ")


def test_a_journal_counts_under_all_its_names(runtime: Runtime, shelf: Shelf) -> None:
    """Held, with our data, per year, and read add over its spellings; a paper merged into another counts once."""
    with runtime.store.reading() as session:
        line = count_journals(session)[APJ]
    assert (line.name, line.held, line.science, line.read) == ("The Astrophysical Journal", 4, 2, 1)
    assert line.by_year == {2018: 1, 2020: 1}
    assert line.last_paper_id == shelf.last_apj


def test_the_line_of_a_journal(runtime: Runtime, shelf: Shelf) -> None:
    """Share, papers that wait, last paper, coverage and the little chart are those of the journal."""
    with runtime.store.writing() as session:
        note_coverage(session, [("ApJ", date(2025, 12, 31), 2)], runtime.clock.now())
        lines = yields(session, count_journals(session), monitored(session, runtime.profile), years=range(2017, 2023))
    by_key = {line.key: line for line in lines}
    apj, annals = by_key[APJ], by_key[journal_key(ANNALS)]
    assert apj.share == pytest.approx(2 / 3)
    assert (apj.waiting, annals.waiting) == (1, 1)
    assert apj.last is not None
    assert apj.last.title == "A mention"
    assert apj.coverage is not None
    assert (apj.coverage.complete_until, apj.coverage.missing) == (date(2025, 12, 31), 2)
    assert [bar.height for bar in apj.bars] == [0, 1, 0, 1, 0, 0]
    assert "from 2018 to 2020" in apj.in_words
    assert apj.watch is not None
    assert annals.watch is None
    assert by_key[journal_key("Icarus")].in_words.endswith("no paper with our data yet")


def test_preprint_servers_and_meetings_are_no_journals(runtime: Runtime, shelf: Shelf) -> None:
    """Accepted preprints, talks and theses stand in no line and suggest nothing."""
    with runtime.store.reading() as session:
        names = {line.name for line in count_journals(session).values()}
        found = elsewhere(session)
    assert names == {"The Astrophysical Journal", ANNALS}
    assert found == {APJ: ("The Astrophysical Journal", 3), journal_key(ANNALS): (ANNALS, 2)}


def test_counts_are_kept_until_something_is_stored(
    runtime: Runtime, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look counts nothing; after a decision, or one that is taken back, the counts are new."""
    monkeypatch.setattr(queries, "LONG_S", float("inf"))
    keeper, now = YieldKeeper(), runtime.clock.now()
    with runtime.store.reading() as session:
        first = keeper.current(session, now)
        assert keeper.current(session, now) is first
    with runtime.store.writing() as session:
        paper = paper_in(session, "ApJ", "One more")
        decision = accept(session, shelf.librarian, paper, add_project(session, "2015.1.00001.S"))
    with runtime.store.reading() as session:
        assert keeper.current(session, now)[APJ].science == 3
    with runtime.store.writing() as session:
        assert session.get(Decision, decision) is not None
        undo(session, shelf.librarian, decision, now=now)
    with runtime.store.reading() as session:
        assert keeper.current(session, now)[APJ].science == 2


def test_counts_that_take_long_are_kept_for_ten_minutes(
    runtime: Runtime, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision does not make the next look slow; the page says when it was counted, and later counts anew."""
    monkeypatch.setattr(queries, "LONG_S", -1.0)
    keeper, now = YieldKeeper(), runtime.clock.now()
    with runtime.store.writing() as session:
        keeper.current(session, now)
        accept(session, shelf.librarian, paper_in(session, "ApJ", "New"), add_project(session, "2015.1.00001.S"))
    with runtime.store.reading() as session:
        assert keeper.current(session, now + timedelta(minutes=9))[APJ].science == 2
        assert keeper.counted_at == now
        assert keeper.current(session, now + timedelta(minutes=10))[APJ].science == 3
