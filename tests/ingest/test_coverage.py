"""Which days were fetched, and which are missing."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from biblio.ingest.coverage import Span, fetched_spans, holes, joined
from biblio.store import Store
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun, Payload
from biblio.store.words import Outcome, Trigger

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
days = st.dates(FIRST, LAST)
spans = st.lists(st.tuples(days, days).map(lambda p: (min(p), max(p))), max_size=8)


def covered(listed: list[Span]) -> set[int]:
    """The days of some spans, as numbers."""
    return {day for first, last in listed for day in range(first.toordinal(), last.toordinal() + 1)}


@given(spans)
def test_spans_and_holes_share_no_day_and_leave_none(listed: list[Span]) -> None:
    """Every day is either fetched or in a hole, never both, whatever was fetched in whatever order."""
    found = joined(listed)
    missing = holes(found, FIRST, LAST)
    assert covered(found) == covered(listed)
    assert covered(missing) | covered(found) == set(range(FIRST.toordinal(), LAST.toordinal() + 1))
    assert not covered(missing) & covered(found)


def test_spans_that_touch_are_one() -> None:
    """Days that follow one another make one span, so that a hole is what it says."""
    assert joined([(date(2024, 2, 1), date(2024, 2, 29)), (FIRST, date(2024, 1, 31))]) == [(FIRST, date(2024, 2, 29))]
    assert holes([], FIRST, LAST) == [(FIRST, LAST)]


NOW = datetime(2024, 6, 1, tzinfo=UTC)


def page(run_id: int | None, place: str, days: Span | None, **facts: object) -> HarvestPage:
    """One stored page of arXiv, unless ``facts`` say otherwise."""
    first, last = days or (None, None)
    values = {"source": "arxiv", "promised": 5, "records": 5} | facts
    return HarvestPage(
        job_run_id=run_id, place=place, payload_sha256="a" * 64, content_type="x", fetched_at=NOW,
        window_from=first, window_to=last, **values,
    )  # fmt: skip


def test_only_days_of_which_everything_came_are_fetched(store: Store) -> None:
    """Missing entries, a page read twice and a search that did not end leave holes; refused entries did come."""
    whole, missing, twice, refused = ((date(2024, m, 1), date(2024, m, 20)) for m in (1, 3, 5, 7))
    with store.writing() as session:
        session.add(Payload(sha256="a" * 64, body=b"", size=0, first_seen_at=NOW))
        run = JobRun(
            job="harvest",
            started_by=Trigger.HAND,
            outcome=Outcome.SUCCEEDED,
            started_at=NOW,
            lease_until=NOW,
            version="0",
        )
        session.add(run)
        session.flush()
        session.add_all(
            [
                page(run.id, "a 0", whole, promised=10),
                page(run.id, "a 5", whole, promised=10),
                page(run.id, "b 0", missing, records=4, refused=1),
                HarvestRefusal(
                    job_run_id=run.id, source="arxiv", place="b 0", reason="1 of 5 promised are missing", refused_at=NOW
                ),
                page(run.id, "c 0", twice, promised=10),
                page(run.id, "c 0", twice, promised=10),
                page(run.id, "d 0", refused, records=4, refused=1),
                HarvestRefusal(
                    job_run_id=run.id, source="arxiv", place="d 0 entry 3", reason="no title", key="x", refused_at=NOW
                ),
                page(run.id, "search 1", None, source="ads", is_last=False),
                page(run.id, "search 1", whole, source="ads", is_last=False),
                page(run.id, "search 2", missing, source="ads", is_last=True),
            ]
        )
    with store.reading() as session:
        assert fetched_spans(session, "arxiv", FIRST) == [whole, refused]
        assert fetched_spans(session, "ads", FIRST) == [missing]
