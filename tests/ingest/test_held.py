"""Pages held back: what takes them, and what only looks as if it did."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from biblio.ingest.held import HeldBack, held_pages
from biblio.ingest.jobs import HARVEST, RESWEEP
from biblio.ingest.troubles import open_troubles
from biblio.jobs import Job, run_job
from biblio.observatory.profile import Plausible
from biblio.runtime import Runtime
from biblio.store import Store
from biblio.store.models import AuditEntry, HarvestRefusal, JobRun
from biblio.store.words import Outcome, Trigger
from demo.replay import ReplayServer
from tests.ingest.conftest import Asking
from tests.ingest.test_holes import a_page

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADS = "ADS search name, records from 1"
OAI = "arXiv OAI physics changes since 2026-11-20, page 1"


def run_of(session: Session, job: str = "harvest", **arguments: str) -> int:
    """One run of a job with arguments; return its number."""
    row = JobRun(
        job=job, started_by=Trigger.HAND, outcome=Outcome.SUCCEEDED, started_at=NOW, lease_until=NOW, version="0",
        arguments=arguments,
    )  # fmt: skip
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def hold(session: Session, source: str, place: str, why: str = "9 is odd", job: str = "harvest", **asked: str) -> int:
    """Hold a page back in a run of its own; return the refusal's number."""
    run = run_of(session, job, **asked)
    a_page(session, run, source, place, records=0, refused=1)
    reason = f"{place}: held back, because {why}. Nothing of this page was taken. Look at the source."
    row = HarvestRefusal(job_run_id=run, source=source, place=place, reason=reason, refused_at=NOW)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def held(session: Session) -> list[HeldBack]:
    """All that is held back."""
    return held_pages(session, {"registry": "projects"})


@pytest.mark.parametrize("job", ["refresh", "resweep", "harvest"])
def test_another_asking_that_ended_does_not_take_it(store: Store, job: str) -> None:
    """A re-sweep, a refresh and some days of the same source came to their end: none has been at the daily page."""
    with store.writing() as session:
        hold(session, "ads", ADS)
        asked = {"since": "2024-01-01", "until": "2024-01-31"} if job == "harvest" else {}
        a_page(session, run_of(session, job, **asked), "ads", "ADS search last, records from 1", is_last=True)
        a_page(session, run_of(session, job, **asked), "ads", ADS, is_last=True)
    with store.reading() as session:
        (page,) = held(session)
    assert (page.place, page.reason, page.arguments) == (ADS, "9 is odd", {"sources": "ads", "accept": "ads"})


@pytest.mark.parametrize(("place", "is_last"), [(ADS, False), ("ADS search other, records from 1", True)])
def test_the_same_asking_takes_it(store: Store, place: str, is_last: bool) -> None:
    """It stored the page, or it came to its end, which it reaches through the page only."""
    with store.writing() as session:
        hold(session, "ads", ADS)
        a_page(session, run_of(session, sources="ads", accept="ads"), "ads", place, is_last=is_last)
    with store.reading() as session:
        assert held(session) == []


def test_one_list_of_several_takes_only_its_own(store: Store) -> None:
    """The sets of OAI-PMH each have a place and an end."""
    with store.writing() as session:
        hold(session, "arxiv-oai", OAI)
        other = OAI.replace("physics", "cs")
        a_page(session, run_of(session), "arxiv-oai", other, is_last=True)
        assert len(held(session)) == 1
        a_page(session, run_of(session), "arxiv-oai", OAI.replace("page 1", "page 2"), is_last=True)
    with store.reading() as session:
        assert held(session) == []


def test_announcements_of_another_day_do_not_take_it(store: Store) -> None:
    """Each day's announcements are an end; those held back are gone from the feed the next day, and still not taken."""
    with store.writing() as session:
        hold(session, "arxiv-rss", "arXiv RSS announced on 2026-11-20")
        a_page(session, run_of(session), "arxiv-rss", "arXiv RSS announced on 2026-11-21", is_last=True)
    with store.reading() as session:
        assert [page.place for page in held(session)] == ["arXiv RSS announced on 2026-11-20"]


def test_days_that_came_in_another_run_are_taken(store: Store) -> None:
    """A page of arXiv's API names its days: the daily harvest and a hole ask for the same page."""
    place = "arXiv 2024-01-01 to 2024-01-31, entries from 0"
    with store.writing() as session:
        hold(session, "arxiv", place, since="2024-01-01", until="2024-01-31")
        a_page(session, run_of(session), "arxiv", place)
    with store.reading() as session:
        assert held(session) == []


def test_an_asking_has_one_page_at_most_and_others_their_own(store: Store) -> None:
    """The daily harvest and a re-sweep are held back apart; a page further on takes the place of the one before."""
    with store.writing() as session:
        hold(session, "ads", ADS)
        hold(session, "ads", ADS, job="resweep", year="2024")
        hold(session, "ads", "ADS search name, records from 2001", why="it is thin")
    with store.reading() as session:
        sweep, daily = held(session)
    assert (sweep.asked, sweep.command) == ("re-sweep of 2024", "biblio run resweep -a year=2024 -a accept=ads")
    assert (daily.reason, daily.command) == ("it is thin", "biblio harvest --source ads --accept ads")


def test_set_aside_holds_until_the_reason_is_another(store: Store) -> None:
    """The same figures held back once more were looked at already; other figures are not."""
    with store.writing() as session:
        number = hold(session, "ads", ADS)
        session.add(
            AuditEntry(
                made_at=NOW, action="harvest.set_aside", subject="x",
                details={"source": "ads", "page": ADS, "until": number, "why": "known"},
            )
        )  # fmt: skip
        assert held(session) == []
        hold(session, "ads", ADS)
        assert held(session) == []
        hold(session, "ads", ADS, why="10 is even")
    with store.reading() as session:
        assert [page.reason for page in held(session)] == ["10 is even"]


@pytest.mark.parametrize(
    ("job", "asked"),
    [
        (HARVEST, {"sources": "ads"}),
        (HARVEST, {"sources": "ads", "since": "2019-01-01", "until": "2026-11-20"}),
        (RESWEEP, {"year": "2024"}),
    ],
    ids=["daily", "days", "resweep"],
)
def test_what_a_real_run_holds_back_is_taken_by_what_the_page_names(
    asking: Asking, served: ReplayServer, sqlite_runtime: Runtime, job: Job, asked: dict[str, str]
) -> None:
    """Held back, shown though other jobs of the source end, taken by the arguments that are shown, and shown no more."""
    settings = asking(served.url).settings
    calm = replace(sqlite_runtime, settings=settings)
    harvest = calm.profile.harvest
    strict = harvest.model_copy(update={"plausible": {"ads": Plausible(maximum=1)}})
    runtime = replace(calm, profile=calm.profile.model_copy(update={"harvest": strict}))
    row = run_job(runtime, job, arguments=asked)
    assert row.outcome is Outcome.FAILED
    run_job(calm, HARVEST, arguments={"sources": "arxiv-rss"})
    run_job(calm, RESWEEP, arguments={"year": "2023"})
    with runtime.store.reading() as session:
        (page,) = held(session)
    taken = run_job(runtime, job, arguments=dict(page.arguments))
    assert (taken.outcome, taken.error) == (Outcome.SUCCEEDED, None)
    with runtime.store.reading() as session:
        assert held(session) == []
        assert open_troubles(session, [job.name], runtime.clock.now()) == []
