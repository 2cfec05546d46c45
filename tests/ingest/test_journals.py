"""Until when each journal is complete, as the weekly count finds it."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, select

from biblio.clock import FixedClock
from biblio.ingest.journals import completeness
from biblio.runtime import Runtime
from biblio.store.models import ExpectedCount, SourceRecord
from tests.factories import LEARNED, add_paper

YEARS = range(2023, 2027)


def _hold(session: Session, bibcode: str) -> None:
    paper = add_paper(session, bibcode)
    record = {"title": bibcode}
    session.add(
        SourceRecord(paper_id=paper, source="ads", key=bibcode, record=record, digest=bibcode, learned_at=LEARNED)
    )


def _expect(session: Session, part: str, year: int, expected: int, clock: FixedClock) -> None:
    session.add(ExpectedCount(source="ads", part=part, year=year, expected=expected, counted_at=clock.now()))


def test_a_journal_is_complete_until_something_is_missing(runtime: Runtime, clock: FixedClock) -> None:
    """ApJ lacks one of 2025, AJ nothing up to the day of the count; Nature one of 2024."""
    with runtime.store.writing() as session:
        for year in YEARS:
            _expect(session, "AJ", year, 1, clock)
            _hold(session, f"{year}AJ....900....1C")
            _hold(session, f"{year}ApJ...900....1C")
            _expect(session, "ApJ", year, 2 if year == 2025 else 1, clock)
        _expect(session, "Natur", 2024, 1, clock)
    today = clock.today() + timedelta(days=3)
    with runtime.store.reading() as session:
        found = {stem: (until, missing) for stem, until, missing in completeness(session, YEARS, today)}
    assert found == {
        "AJ": (clock.today(), 0),
        "ApJ": (date(2024, 12, 31), 1),
        "Natur": (date(2023, 12, 31), 1),
    }


def test_a_year_that_was_not_counted_is_not_complete(runtime: Runtime, clock: FixedClock) -> None:
    """Where ADS was never asked, nobody knows; without any count there is no day at all."""
    with runtime.store.writing() as session:
        _hold(session, "2023AJ....900....1C")
        _hold(session, "2024AJ....900....1C")
        assert completeness(session, YEARS, clock.today()) == [("AJ", None, 0)]
        _expect(session, "AJ", 2023, 1, clock)
    with runtime.store.reading() as session:
        assert completeness(session, YEARS, clock.today()) == [("AJ", date(2023, 12, 31), 0)]
        assert len(session.exec(select(ExpectedCount)).all()) == 1
