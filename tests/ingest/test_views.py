"""The harvest page: what was fetched, what is missing, and the buttons that fetch it."""

from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import select

from biblio.runtime import Runtime
from biblio.store.models import (
    ExpectedCount,
    HarvestPage,
    HarvestRefusal,
    JobRun,
    Paper,
    Payload,
    Quota,
    RequestCount,
    SourceRecord,
)
from biblio.store.words import Outcome, Role, Trigger
from biblio.web import create_app
from demo.replay import ReplayServer
from tests.ingest.conftest import Asking
from tests.web.visitors import Visitor, logged_in

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with every feature."""
    return create_app(runtime)


def fetched(runtime: Runtime, *windows: tuple[date, date, int, int]) -> None:
    """Note that arXiv was asked for these days: (first, last, promised, got)."""
    with runtime.store.writing() as session:
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
        for first, last, promised, got in windows:
            session.add(
                HarvestPage(
                    job_run_id=run.id, source="arxiv", place="a page", payload_sha256="a" * 64, content_type="x",
                    fetched_at=NOW, promised=promised, records=got, window_from=first, window_to=last,
                )
            )  # fmt: skip


def test_before_the_first_harvest_the_page_says_what_fills_it(app: Flask, runtime: Runtime) -> None:
    """An empty page explains itself and names the command."""
    page = logged_in(app, runtime).get("/harvest").text
    assert "Nothing has been fetched yet" in page
    assert "biblio run harvest" in page
    assert "no token is set" in page


def test_holes_stand_in_plain_sight(app: Flask, runtime: Runtime) -> None:
    """Days never asked for, and days of which not everything came, are listed with a button each."""
    fetched(
        runtime,
        (date(2011, 1, 1), date(2024, 12, 31), 10, 10),
        (date(2025, 1, 1), date(2025, 1, 31), 10, 7),
        (date(2025, 2, 1), date(2026, 11, 22), 0, 0),
    )
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN).get("/harvest/coverage").text
    assert "3 of 10 did not come" in head
    assert 'name="since" value="2025-01-01"' in head
    assert 'name="until" value="2025-01-31"' in head
    librarian = logged_in(app, runtime, Role.LIBRARIAN).get("/harvest/coverage").text
    assert "2025-01-31" in librarian
    assert "Fill this hole" not in librarian


def test_what_was_refused_is_listed_and_exported(app: Flask, runtime: Runtime) -> None:
    """Refusals show place, key and reason, can be filtered by source, and leave as CSV without formulas."""
    with runtime.store.writing() as session:
        for source, key in (("arxiv", "=1+1"), ("ads", "2021ApJ...900....1D")):
            session.add(HarvestRefusal(source=source, place="page 1", key=key, reason="<b>broken</b>", refused_at=NOW))
        session.add(Quota(service="ads", endpoint="/v1/search/query", allowed=5000, remaining=4321, read_at=NOW))
    visitor = logged_in(app, runtime)
    page = visitor.get("/harvest").text
    assert "&lt;b&gt;broken" in page
    assert re.search(r"4\D?321", page)
    only = visitor.get("/harvest/refused?source=ads").text
    assert "2021ApJ...900....1D" in only
    assert "=1+1" not in only
    assert "'=1+1" in visitor.get("/harvest/refused?format=csv").text


def test_the_button_runs_the_harvest(asking: Asking, served: ReplayServer) -> None:
    """Filling a hole starts the same job as the command line, in the name of who pressed the button."""
    runtime = asking(served.url)
    app = create_app(runtime)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    answer = visitor.post(
        "/harvest/fill", {"source": "arxiv", "since": "2024-01-01", "until": "2024-01-31"}, form_on="/harvest"
    )
    assert answer.status_code == 302
    wait_for("harvest")
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
        assert (run.outcome, run.arguments["since"]) == (Outcome.SUCCEEDED, "2024-01-01")
        assert run.actor_id is not None
    assert "background" in visitor.get("/harvest").text


def test_days_the_wrong_way_round_are_explained(app: Flask, runtime: Runtime) -> None:
    """A form that cannot be used comes back with what was typed and starts nothing."""
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    answer = visitor.post(
        "/harvest/fill", {"source": "arxiv", "since": "2024-02-01", "until": "2024-01-31"}, form_on="/harvest"
    )
    assert answer.status_code == 422
    assert "before the first" in answer.text
    with runtime.store.reading() as session:
        assert session.exec(select(JobRun)).all() == []


def test_only_who_may_starts_a_harvest(app: Flask, runtime: Runtime) -> None:
    """A librarian sees the page and cannot start a harvest; a manager does not see it."""
    librarian = logged_in(app, runtime, Role.LIBRARIAN)
    assert librarian.post("/harvest/run", {}, form_on="/harvest").status_code in (400, 403)
    assert logged_in(app, runtime, Role.MANAGER).get("/harvest").status_code == 403
    assert Visitor(app).get("/harvest").status_code in (302, 401, 403)


def a_run(runtime: Runtime, job: str = "harvest", outcome: Outcome = Outcome.RUNNING, **facts: Any) -> int:
    """Note a run of a job; return its number."""
    with runtime.store.writing() as session:
        run = JobRun(
            job=job, started_by=Trigger.HAND, outcome=outcome, started_at=NOW,
            lease_until=runtime.clock.now() + timedelta(minutes=1), version="0", **facts,
        )  # fmt: skip
        session.add(run)
        session.flush()
        assert run.id is not None
        return run.id


def wait_for(job: str) -> None:
    """Wait until the background thread of a job has ended."""
    for thread in threading.enumerate():
        if thread.name == f"job-{job}":
            thread.join(timeout=60)


def test_a_running_job_is_shown_with_its_progress_and_its_button_waits(app: Flask, runtime: Runtime) -> None:
    """The bar, the words, a reload without scripts while something runs, and no second start."""
    number = a_run(runtime, progress={"what": "arxiv (days)", "done": 812, "total": 5439, "at": "x"})
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    for address in ("/harvest", "/harvest/coverage"):
        page = head.get(address).text
        assert '<progress aria-label="Fetch projects and papers (archive, arXiv, ADS)" max="5439" value="812">' in page
        assert "arXiv API (days) 812 of 5,439" in page
        assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in page
    page = head.get("/harvest").text
    assert f'disabled>Fetch what is new</button> <a href="#run-{number}">' in page
    assert "Re-sweep ADS" in page
    assert head.post("/harvest/start/harvest", {}, form_on="/harvest").status_code == 409
    with runtime.store.writing() as session:
        session.get_one(JobRun, number).outcome = Outcome.SUCCEEDED
    quiet = head.get("/harvest").text
    assert "http-equiv" not in quiet
    assert ">runs now</a>" not in quiet


def test_the_script_reads_progress_and_how_it_ended_as_json(app: Flask, runtime: Runtime) -> None:
    """Runs at work always, ended ones when asked after; jobs of others and odd numbers are left out."""
    now = a_run(runtime, "read", progress={"what": "e-prints", "done": 1, "total": None, "at": "x"})
    past = a_run(runtime, "harvest", Outcome.SUCCEEDED, counts={"records": 7})
    other = a_run(runtime, "match", Outcome.SUCCEEDED)
    librarian = logged_in(app, runtime)
    answer = librarian.get(f"/harvest/progress?watch={past},{other},x,99999999999999")
    assert answer.headers["Cache-Control"] == "no-store"
    assert [(r["id"], r["state"], r["words"]) for r in answer.get_json()["runs"]] == [
        (now, "running", "e-prints 1"),
        (past, "succeeded", "Ended: 7 records."),
    ]
    assert Visitor(app).get("/harvest/progress").status_code in (302, 401)
    assert logged_in(app, runtime, Role.MANAGER).get("/harvest/progress").status_code == 403


def test_what_is_held_back_can_be_taken_by_who_may(app: Flask, runtime: Runtime) -> None:
    """The page says why; the button starts the harvest of that source, accepted; nothing else can be accepted."""
    with runtime.store.writing() as session:
        reason = "page 1: held back, because 9 is odd. Nothing of this page was taken."
        session.add(HarvestRefusal(source="registry", place="page 1", reason=reason, refused_at=NOW))
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = head.get("/harvest").text
    assert "Project registry is held back" in page
    assert "9 is odd" in page
    assert "Take it anyway" not in logged_in(app, runtime, Role.LIBRARIAN).get("/harvest").text
    assert head.post("/harvest/accept/ads", {}, form_on="/harvest").status_code == 400
    assert head.post("/harvest/accept/registry", {}, form_on="/harvest").status_code == 302
    wait_for("harvest")
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
    assert run.arguments == {"sources": "projects", "accept": "projects"}


def test_a_hole_is_filled_by_its_own_button_only(app: Flask, runtime: Runtime) -> None:
    """A job that fills no hole, and arguments that no job takes, start nothing."""
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    for wrong in (
        {"job": "match"},
        {"job": "harvest", "sources": "usenet"},
        {"job": "harvest", "since": "2024-02-31"},
        {"job": "resweep", "year": "x"},
        {},
    ):
        assert head.post("/harvest/fill-hole", wrong, form_on="/harvest").status_code == 400, wrong
    assert head.post("/harvest/start/match", {}, form_on="/harvest").status_code == 404
    with runtime.store.reading() as session:
        assert session.exec(select(JobRun)).all() == []
    assert head.post("/harvest/fill-hole", {"job": "resweep", "year": "2024"}, form_on="/harvest").status_code == 302
    wait_for("resweep")
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
    assert (run.job, run.arguments) == ("resweep", {"year": "2024"})


def test_journals_show_what_is_missing_by_year(app: Flask, runtime: Runtime) -> None:
    """This year and the last unless a year is chosen; counted or not is said; the list leaves as CSV."""
    with runtime.store.writing() as session:
        for part, year, expected in (("ApJ", 2026, 3), ("A&A", 2024, 8)):
            session.add(ExpectedCount(source="ads", part=part, year=year, expected=expected, counted_at=NOW))
        paper = Paper(first_seen_at=NOW)
        session.add(paper)
        session.flush()
        assert paper.id is not None
        for key in ("2026ApJ...900....1D", "2025PASP..900....1D"):
            session.add(SourceRecord(paper_id=paper.id, source="ads", key=key, record={}, digest="d", learned_at=NOW))
    visitor = logged_in(app, runtime)
    page = visitor.get("/harvest/coverage").text
    assert 'aria-label="ApJ 2026: 0 fetched, 3 missing of 3"' in page
    assert 'aria-label="PASP 2025: 1 fetched, not counted yet"' in page
    assert "A&amp;A" not in page.split('id="journals"')[1]
    assert "A&amp;A 2024: 0 fetched, 8 missing of 8" in visitor.get("/harvest/coverage?year=2024").text
    assert "A&amp;A 2024" in visitor.get("/harvest/coverage?year=all").text
    exported = visitor.get("/harvest/coverage?format=csv").text.splitlines()
    assert exported[1].startswith("ApJ,2026,3,0,0,0,3,")
    assert exported[2] == "PASP,2025,,1,0,0,,"
    assert visitor.get("/harvest/coverage?year=9999&page=-1&sort=x").status_code == 200


def test_requests_and_quotas_are_shown_with_words_beside_the_bars(app: Flask, runtime: Runtime) -> None:
    """Whoever cannot see the bars reads what they show."""
    with runtime.store.writing() as session:
        today = runtime.clock.today()
        session.add(RequestCount(service="arxiv", endpoint="/oai", day=today, requests=5, refused=1, failed=0))
    page = logged_in(app, runtime).get("/harvest").text
    assert f"arXiv, /oai: 5 requests in 14 days, most on {today} (5); 1 refused, 0 failed" in page
    assert "bar-refused" in page
