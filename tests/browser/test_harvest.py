"""The harvest and coverage pages in a real browser: bars that move, how a run ended, clean for axe at both widths."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.models import ExpectedCount, HarvestRefusal, JobRun, Quota, RequestCount
from biblio.store.words import Outcome, Role, Trigger
from tests.browser.looks import look
from tests.ingest.test_holes import a_page, a_record, a_run, a_window, whole_ads

LogIn = Callable[..., Actor]


def fill(runtime: Runtime) -> None:
    """A harvest with holes of every kind, a source held back, counted journals and a ledger."""
    today, now = runtime.clock.today(), runtime.clock.now()
    first = today - timedelta(days=400)
    with runtime.store.writing() as session:
        whole_ads(session)
        a_window(session, first, first + timedelta(days=100), promised=900, records=880)
        a_window(session, first + timedelta(days=150), today)
        a_page(session, a_run(session), "kpub", "file from row 1", is_last=True)
        why = "page 1: held back, because abstract is given for 12% of 431 records. Nothing of this page was taken."
        for source, place, key, reason in (
            ("arxiv-oai", "page 1", None, why),
            ("ads", "ADS search name, records from 1 record 9", f"{today.year}ApJ...900....9D", "has no title"),
            ("registry", "table from the first code row 12", "2019.1.0XXX.S", "'2019.1.0XXX.S' is no project code"),
            ("kpub", "/lists/kpub-2026.csv row 17", "Wrong bibcode", "there is no bibcode, DOI or arXiv number"),
        ):
            run = a_run(session, "harvest")
            row = HarvestRefusal(source=source, place=place, key=key, reason=reason, refused_at=now, job_run_id=run)
            session.add(row)
        failed = session.get_one(JobRun, a_run(session, "resweep"))
        failed.outcome, failed.error = (
            Outcome.FAILED,
            "ADS search name, records from 2001: status 503 after 5 attempts.",
        )
        failed.arguments, failed.ended_at = {"year": "2024"}, now
        for number in range(30):
            stem = f"Jrn{number:02d}"
            a_record(session, f"{today.year}{stem}900....1D")
            session.add(ExpectedCount(source="ads", part=stem, year=today.year, expected=number % 4, counted_at=now))
        for day in range(14):
            session.add(
                RequestCount(
                    service="ads", endpoint="/v1/search/query", day=today - timedelta(days=day),
                    requests=20 + 7 * day, refused=day % 3, failed=day % 5,
                )
            )  # fmt: skip
        session.add(Quota(service="ads", endpoint="/v1/search/query", allowed=5000, remaining=4321, read_at=now))


def running(runtime: Runtime, **progress: Any) -> int:
    """A harvest at work; return its number."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        run = JobRun(
            job="harvest", started_by=Trigger.HAND, outcome=Outcome.RUNNING, started_at=now,
            lease_until=now + timedelta(minutes=5), version="0", progress=progress,
        )  # fmt: skip
        session.add(run)
        session.flush()
        assert run.id is not None
        return run.id


def look_at(page: Page, name: str) -> None:
    """The page looks as every page must, and is no longer than 100 kB."""
    look(page, name)
    assert len(page.content().encode()) <= 100_000, f"{name} is too long"


@pytest.mark.parametrize("width", ["page", "phone"])
def test_both_pages_are_clean_at_both_widths(
    request: pytest.FixtureRequest,
    width: str,
    live_runtime: Runtime,
    log_in: LogIn,
) -> None:
    """Empty, full and at work: axe finds nothing, nothing scrolls sideways, light and dark, at 1280 and 390 pixels."""
    window: Page = request.getfixturevalue(width)
    log_in(window, Role.HEAD_LIBRARIAN)
    for name in ("harvest", "harvest/coverage"):
        window.goto(f"/{name}")
        look_at(window, f"{name.replace('/', '-')}-empty")
    fill(live_runtime)
    running(live_runtime, what="arxiv (days)", done=812, total=5439)
    for name in ("harvest", "harvest/coverage", "harvest/refused"):
        window.goto(f"/{name}")
        look_at(window, name.replace("/", "-"))


def test_a_bar_moves_and_says_how_the_run_ended(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """What the job writes down shows without a reload, and so does its end with the counts."""
    number = running(live_runtime, what="arxiv (days)", done=1, total=10)
    log_in(page, Role.LIBRARIAN)
    page.goto("/harvest")
    bar = page.locator(f"#run-{number}")
    expect(bar).to_contain_text("arXiv API (days) 1 of 10")
    with live_runtime.store.writing() as session:
        session.get_one(JobRun, number).progress = {"what": "ads", "done": 7, "total": 10}
    expect(bar).to_contain_text("ADS 7 of 10")
    assert bar.locator("progress").evaluate("bar => bar.value") == 7
    with live_runtime.store.writing() as session:
        run = session.get_one(JobRun, number)
        run.outcome, run.counts = Outcome.SUCCEEDED, {"records": 1234, "new": 5}
    expect(bar).to_contain_text("Ended: 1,234 records, 5 new.")
    expect(page.get_by_role("status").filter(has_text="Ended")).to_have_count(1)
    bar.get_by_role("link", name="Show the page anew").click()
    expect(page.locator(f"#run-{number}")).to_have_count(0)


def test_a_run_that_began_later_gets_its_bar(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """A page that was loaded a moment too early shows what was started."""
    log_in(page, Role.LIBRARIAN)
    page.goto("/harvest")
    number = running(live_runtime, what="projects", done=3, total=None)
    expect(page.locator(f"#run-{number}")).to_contain_text("Project list 3")


def test_without_scripts_the_page_reloads_itself_while_something_runs(
    plain_page: Page, live_runtime: Runtime, log_in: LogIn
) -> None:
    """Progress, a link to reload and the refresh of the head are there; a page at rest has none of them."""
    log_in(plain_page, Role.LIBRARIAN)
    plain_page.goto("/harvest/coverage")
    assert "http-equiv" not in plain_page.content()
    running(live_runtime, what="arxiv (days)", done=812, total=5439)
    plain_page.goto("/harvest/coverage")
    expect(plain_page.locator(".run")).to_contain_text("812 of 5,439")
    expect(plain_page.get_by_role("link", name="Reload to see how far it is")).to_be_visible()
    assert 'http-equiv="refresh"' in plain_page.content()


def test_a_hole_is_filled_from_the_page(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """One press starts the job that the hole names; without a token the re-sweep says that it left ADS out."""
    fill(live_runtime)
    log_in(page, Role.HEAD_LIBRARIAN)
    page.goto("/harvest/coverage")
    page.get_by_role("button", name="Fill this hole of arXiv").first.click()
    expect(page.locator(".message-done")).to_contain_text("Begun: Fetch projects and papers")
    expect(page).to_have_url(re.compile(r"/harvest$"))
