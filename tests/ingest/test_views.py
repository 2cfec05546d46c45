"""The harvest page: what was fetched, what is missing, and the buttons that fetch it."""

from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlmodel import select

from biblio.runtime import Runtime
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun, Payload, Quota
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
    for thread in threading.enumerate():
        if thread.name == "job-harvest":
            thread.join(timeout=60)
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
