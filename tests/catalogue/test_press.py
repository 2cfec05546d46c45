"""When papers of the store are expected in print."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session, col, select

from biblio.catalogue.papers import absorb_records
from biblio.catalogue.press import count_medians, expectations, keep_medians, known_medians, press_dates
from biblio.catalogue.press_words import DEFAULT_DAYS, LEAST_PAPERS, Stage
from biblio.store import Store
from biblio.store.models import PaperIdentifier
from harvesters.records import HarvestedRecord
from tests.catalogue.records import article, preprint

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOW.date()


def _absorb(session: Session, *records: HarvestedRecord, now: datetime = NOW) -> int:
    absorb_records(session, list(records), payload_sha256=None, now=now)
    value = records[-1].arxiv_id or ""
    return session.exec(
        select(PaperIdentifier.paper_id).where(col(PaperIdentifier.value) == value.removeprefix("arXiv:"))
    ).one()


def _posted(
    number: int, on: date, comment: str | None = None, version: int = 1, updated: date | None = None
) -> HarvestedRecord:
    name = f"2610.{number:05d}"
    return preprint(
        key=name, arxiv_id=name, title=f"Dust {number} in a made-up galaxy", submitted_on=on, updated_on=updated or on,
        arxiv_version=version, comment=comment, year=on.year,
    )  # fmt: skip


def _printed(number: int, on: date, journal: str, **changes: object) -> HarvestedRecord:
    name = f"2610.{number:05d}"
    bibcode = f"2026ApJ...9{number:02d}....1D"
    return article(
        key=bibcode, bibcode=bibcode, doi=f"10.9999/{number}", arxiv_id=name, title=f"Dust {number} in a made-up galaxy",
        published_on=on, year=on.year, journal=journal, **changes,
    )  # fmt: skip


def test_an_accepted_preprint_is_expected_from_the_version_that_says_so(store: Store) -> None:
    """v1 was submitted, v2 is accepted: the day counts from v2, and the reason names it."""
    with store.writing() as session:
        paper = _absorb(session, _posted(1, date(2026, 9, 1), "submitted to ApJ"), now=NOW - timedelta(50))
        _absorb(session, _posted(1, date(2026, 9, 1), "accepted by ApJ", 2, date(2026, 10, 20)))
        found = expectations(session, [paper], TODAY)[paper]
    assert found.stage is Stage.ACCEPTED
    assert found.day == date(2026, 10, 20) + timedelta(DEFAULT_DAYS["accepted"])
    assert "comment of v2" in found.reason


def test_papers_that_no_article_will_follow_are_left_out(store: Store) -> None:
    """With a journal's record, withdrawn, without arXiv number, or of a later day than today: no press date."""
    with store.writing() as session:
        printed = _absorb(session, _posted(1, date(2026, 1, 1)), _printed(1, date(2026, 6, 1), "ApJ"))
        withdrawn = _absorb(session, preprint(key="2610.00002", arxiv_id="2610.00002", is_withdrawn=True))
        later = _absorb(session, _posted(3, date(2026, 12, 24)))
        waiting = _absorb(session, _posted(4, date(2026, 11, 1)))
        assert set(press_dates(session, [printed, withdrawn, later, waiting], TODAY)) == {waiting}


def test_medians_are_counted_by_journal_and_used(store: Store) -> None:
    """With enough printed papers the journal's own median gives the day; without, that of all journals."""
    with store.writing() as session:
        for number in range(10, 10 + LEAST_PAPERS):
            on = date(2025, 3, 1)
            _absorb(session, _posted(number, on), _printed(number, on + timedelta(100 + number % 3), "MNRAS"))
        _absorb(session, _posted(80, date(2025, 3, 1)), _printed(80, date(2025, 3, 31), "Icarus"))
        for _ in range(2):
            keep_medians(session, count_medians(session, today=TODAY), now=NOW)
        assert {key: d.papers for key, d in known_medians(session).items()} == {
            ("submitted", ""): LEAST_PAPERS + 1,
            ("submitted", "monthly notices of the royal astronomical society"): LEAST_PAPERS,
        }
        paper = _absorb(session, _posted(90, date(2026, 9, 1), "submitted to MNRAS"))
        found = expectations(session, [paper], TODAY)[paper]
    assert (found.day - date(2026, 9, 1)).days == 101
    assert found.reason.endswith(
        f"101 days, median of {LEAST_PAPERS} papers in Monthly Notices of the Royal Astronomical Society"
    )
