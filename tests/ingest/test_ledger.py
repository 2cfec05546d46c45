"""Where each source goes on, what holds it back, when jobs run next, and what was asked of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from biblio.ingest.jobs import COUNT, HARVEST, REFRESH, REPARSE, RESWEEP
from biblio.ingest.ledger import cursor_in_words, held_back, label_of, ledger, ledger_lines, next_runs, source_states
from biblio.store import Store
from biblio.store.models import HarvestCursor, HarvestRefusal, JobRun, Quota, RequestCount
from biblio.store.words import Outcome, Trigger
from tests.ingest.test_holes import a_page, a_run

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("name", "cursor", "words"),
    [
        (
            "arxiv",
            {"first": "2024-04-01", "last": "2024-06-30", "start": 1000, "promised": 5439, "restarts": 0},
            "window 2024-04-01 to 2024-06-30, from entry 1,001 of 5,439",
        ),
        ("arxiv", {"day": "2026-11-09"}, "days from 2026-11-09"),
        (
            "arxiv 2024-01-01 2024-01-31",
            {"first": "2024-01-01", "last": "2024-01-31", "start": 0, "promised": None},
            "days 2024-01-01 to 2024-01-31: window 2024-01-01 to 2024-01-31, from entry 1",
        ),
        ("arxiv-oai physics:astro-ph", {"from": "2026-11-20"}, "changes since 2026-11-20"),
        (
            "arxiv-oai physics:astro-ph",
            {"from": "2026-11-20", "until": "2026-11-22", "token": "t|1"},
            "changes since 2026-11-20, in the middle of the list",
        ),
        ("ads", {"since": "2026-11-12"}, "entered or changed since 2026-11-12"),
        (
            "ads",
            {"search": "prefix", "mark": "AoE", "got": 1500},
            "everything, search “prefix” from record 1,501",
        ),
        (
            "ads-resweep 2024 2025",
            {"search": "name 2024", "mark": "x", "got": 0},
            "re-sweep of 2024, 2025: everything, search “name 2024” from record 1",
        ),
        ("ads-refresh", {"at": 2000}, "refresh: at 2000"),
        ("registry", {"from_code": "2019.1.00100.S"}, "goes on from project 2019.1.00100.S"),
        ("arxiv-rss", {"announced": "2026-11-20"}, "today's; read last: 2026-11-20"),
        ("registry", {}, "all, from the first project"),
        ("a-list", {}, "from the beginning"),
    ],
)
def test_a_cursor_reads_as_a_person_says_it(name: str, cursor: dict[str, object], words: str) -> None:
    """Days, entries and searches in words; a token or mark, which tells a person nothing, is left out."""
    assert cursor_in_words(name, cursor) == words


def test_each_source_says_when_it_was_asked_last_gave_something_new_and_goes_on(store: Store) -> None:
    """The counts are those of the last run; sources never asked have their line too, and so have lists."""
    with store.writing() as session:
        first, second = a_run(session), a_run(session)
        a_page(session, first, "ads", "p 1", fetched_at=NOW - timedelta(days=3), new=4, is_last=True)
        a_page(session, second, "ads", "p 1", fetched_at=NOW, new=0, changed=2, is_last=True)
        a_page(session, second, "kpub", "file from row 1", fetched_at=NOW, is_last=True)
        session.add(HarvestCursor(source="ads", cursor={"since": "2026-11-12"}, updated_at=NOW))
        session.add(HarvestCursor(source="ads-resweep", cursor={"search": "a", "got": 0}, updated_at=NOW))
    with store.reading() as session:
        states = {state.source: state for state in source_states(session)}
    assert list(states) == ["registry", "arxiv", "arxiv-oai", "arxiv-rss", "ads", "kpub"]
    ads = states["ads"]
    assert (ads.last_at, ads.last_new_at, ads.new, ads.changed, ads.pages) == (NOW, NOW - timedelta(days=3), 0, 2, 1)
    assert ads.goes_on == (
        "entered or changed since 2026-11-12",
        "re-sweep: everything, search “a” from record 1",
    )
    assert states["arxiv-oai"].last_at is None
    assert states["kpub"].label == "List “kpub”"


def test_a_source_whose_page_never_came_has_failed_until_one_comes(store: Store) -> None:
    """A page that never came leaves a refusal only: its time is when the source was asked last, and nothing came then."""
    with store.writing() as session:
        good, bad = a_run(session), a_run(session)
        a_page(session, good, "ads", "p 1", fetched_at=NOW - timedelta(days=1), is_last=True)
        for source in ("ads", "arxiv-rss"):
            place = f"{source} page 1"
            session.add(
                HarvestRefusal(job_run_id=bad, source=source, place=place, reason=f"{place}: gone", refused_at=NOW)
            )
    with store.reading() as session:
        states = {state.source: state for state in source_states(session)}
    ads, rss = states["ads"], states["arxiv-rss"]
    assert (ads.has_failed, ads.last_at, ads.records, ads.is_complete, ads.run and ads.run.id) == (
        (True, NOW, 0, False, bad)
    )
    assert (rss.has_failed, rss.last_at) == (True, NOW)
    assert not states["arxiv"].has_failed

    later = NOW + timedelta(hours=1)
    with store.writing() as session:
        third = a_run(session)
        a_page(session, third, "ads", "p 1", fetched_at=later, is_last=True)
        # An entry without a name of its own, on a page that came.
        session.add(HarvestRefusal(job_run_id=third, source="ads", place="p 1", reason="no title", refused_at=later))
    with store.reading() as session:
        (ads,) = (state for state in source_states(session) if state.source == "ads")
    assert (ads.has_failed, ads.last_at, ads.is_complete) == (False, later, True)


def test_a_page_that_came_garbled_is_a_failure_though_its_body_is_kept(store: Store) -> None:
    """What was kept of it is no page that came."""
    with store.writing() as session:
        a_page(session, a_run(session), "ads", "p 1", fetched_at=NOW - timedelta(days=1), is_last=True)
        bad = a_run(session)
        a_page(session, bad, "ads", "p 1", records=0, refused=1, promised=None)
        session.add(HarvestRefusal(job_run_id=bad, source="ads", place="p 1", reason="p 1: is HTML", refused_at=NOW))
    with store.reading() as session:
        (ads,) = (state for state in source_states(session) if state.source == "ads")
    assert (ads.has_failed, ads.last_at) == (True, NOW)


def test_the_state_of_a_source_says_what_is_held_back(store: Store) -> None:
    """Each source has its own; ``test_held`` says how long."""
    place = "arXiv OAI physics changes since 2026-11-20, page 1"
    with store.writing() as session:
        reason = f"{place}: held back, because 9 is odd. Nothing of this page was taken."
        session.add(
            HarvestRefusal(job_run_id=a_run(session), source="arxiv-oai", place=place, reason=reason, refused_at=NOW)
        )
    with store.reading() as session:
        states = {state.source: state.held_back for state in source_states(session)}
        assert held_back(session, "ads") == []
    assert [(held.place, held.reason) for held in states["arxiv-oai"]] == [(place, "9 is odd")]
    assert states["ads"] == ()


def test_the_ledger_counts_fourteen_days_per_endpoint(store: Store) -> None:
    """Days without a request stand as none; what is older is left out; refused and failed are told apart."""
    with store.writing() as session:
        for day, requests, refused, failed in ((0, 10, 2, 1), (13, 7, 0, 0), (14, 99, 9, 9)):
            session.add(
                RequestCount(
                    service="ads", endpoint="/search", day=TODAY - timedelta(days=day), requests=requests,
                    refused=refused, failed=failed,
                )
            )  # fmt: skip
        session.add(Quota(service="ads", endpoint="/search", allowed=5000, remaining=4321, resets_at=NOW, read_at=NOW))
        session.add(Quota(service="tap", endpoint="/sync", allowed=None, remaining=None, read_at=NOW))
    with store.reading() as session:
        search, sync = ledger(session, TODAY)
        lines = ledger_lines(session)
    assert [day.requests for day in search.days] == [7, *[0] * 12, 10]
    assert (search.requests, search.refused, search.failed, search.days[-1].answered) == (17, 2, 1, 7)
    assert "17 requests in 14 days, most on 2026-11-22 (10); 2 refused, 1 failed" in search.words
    assert "no request" in sync.words
    assert (
        "4,321 of 5,000 left, anew at 2026-11-22 12:00 UTC; 17 requests in 14 days, 2 refused (429), 1 failed"
        in lines[0]
    )
    assert "? of ? left" in lines[1]


def test_an_empty_ledger_has_no_lines(store: Store) -> None:
    """Before the first request there is nothing to tell."""
    with store.reading() as session:
        assert ledger_lines(session) == []


def test_the_next_run_follows_from_the_schedule_and_the_period(store: Store) -> None:
    """A daily job comes tomorrow; one that succeeded in its quarter waits for the next; one by hand has no time."""
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with store.writing() as session:
        for job, period, trigger in (
            ("resweep", "2026-Q4", Trigger.SCHEDULE),
            ("refresh", "2026-W47", Trigger.SCHEDULE),
            ("count", None, Trigger.HAND),
        ):
            session.add(
                JobRun(
                    job=job, period=period, started_by=trigger, outcome=Outcome.SUCCEEDED, started_at=NOW,
                    lease_until=NOW, version="0",
                )
            )  # fmt: skip
    with store.reading() as session:
        found = {run.job: run.at for run in next_runs(session, [HARVEST, RESWEEP, REFRESH, COUNT, REPARSE], sunday)}
    tomorrow = date(2026, 11, 23)
    assert found["harvest"] is not None
    assert found["harvest"].date() == tomorrow
    assert found["resweep"] is not None
    assert found["resweep"].date() == date(2027, 1, 1)
    assert found["refresh"] is not None
    assert found["refresh"].date() == tomorrow  # a Monday: a new week
    assert found["count"] is not None
    assert found["count"].date() == tomorrow
    assert found["reparse"] is None


def test_full_texts_have_a_name_of_their_own() -> None:
    """They are no list that somebody imported."""
    assert label_of("fulltext") == "Full texts"
    assert label_of("kpub") == "List “kpub”"
