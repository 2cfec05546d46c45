"""The admin pages: jobs and what became of them, the mail queue, the audit log."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta

from flask import Flask
from sqlmodel import col, select

from biblio.alive import holder_here
from biblio.clock import FixedClock
from biblio.feature import Feature
from biblio.jobs import Job, JobContext, run_job
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import JobRun
from biblio.store.words import Outcome, Role, Trigger
from biblio.web import create_app
from tests.web.visitors import Visitor, logged_in


def _app(runtime: Runtime, *jobs: Job, checks: tuple[str, ...] = ()) -> Flask:
    feature = Feature(
        name="probe", blueprint=public.blueprint, jobs=jobs, checks=(lambda _runtime: checks,) if checks else ()
    )
    return create_app(runtime, features=[feature])


def _wait_for_jobs() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("job-"):
            thread.join(timeout=30)


def test_run_now_runs_the_job_in_the_background(runtime: Runtime) -> None:
    """The button starts the job as this person; its row says how it ended."""

    def work(context: JobContext) -> None:
        context.count("papers", 3)
        context.note("One page was left out.")

    app = _app(runtime, Job("count", "Count the papers", work))
    admin = logged_in(app, runtime, Role.ADMIN)
    assert admin.post("/admin/jobs/count/run", form_on="/admin").status_code == 302
    _wait_for_jobs()
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
    assert run.outcome is Outcome.SUCCEEDED
    assert run.actor_id is not None
    page = admin.get("/admin").get_data(as_text=True)
    assert "Started: Count the papers" in page
    assert "papers <span" in page
    assert "One page was left out." in page


def test_a_failure_shows_its_sentence(small_runtime: Runtime) -> None:
    """What went wrong stands beside the job, not only in a log."""

    def work(context: JobContext) -> None:
        raise ValueError("the archive answered in Klingon")

    job = Job("fail", "Fail", work)
    admin = logged_in(_app(small_runtime, job), small_runtime, Role.ADMIN)
    run_job(small_runtime, job)
    page = admin.get("/admin").get_data(as_text=True)
    assert "the archive answered in Klingon" in page
    assert "never" in page


def test_a_running_job_is_not_started_twice(small_runtime: Runtime) -> None:
    """The second press gets 409 and the reason; one row runs."""
    go_on, began = threading.Event(), threading.Event()

    def work(context: JobContext) -> None:
        began.set()
        go_on.wait(30)

    app = _app(small_runtime, Job("slow", "Take long", work))
    admin = logged_in(app, small_runtime, Role.ADMIN)
    admin.post("/admin/jobs/slow/run", form_on="/admin")
    assert began.wait(30)
    try:
        answer = admin.post("/admin/jobs/slow/run", form_on="/admin")
    finally:
        go_on.set()
        _wait_for_jobs()
    assert answer.status_code == 409
    assert "is running already" in answer.get_data(as_text=True)
    with small_runtime.store.reading() as session:
        assert len(session.exec(select(JobRun)).all()) == 1


def test_a_run_whose_process_died_is_no_hindrance(small_runtime: Runtime) -> None:
    """After a kill the row still says "running"; the button works at once, and the row is taken over."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    now = small_runtime.clock.now()
    with small_runtime.store.writing() as session:
        session.add(
            JobRun(job="count", started_by=Trigger.HAND, outcome=Outcome.RUNNING, started_at=now, version="test",
                   lease_until=now + timedelta(minutes=1), holder=f"{holder_here().split(':')[0]}:{dead.pid}:1")
        )  # fmt: skip
    admin = logged_in(_app(small_runtime, Job("count", "Count", lambda _: None)), small_runtime, Role.ADMIN)
    assert admin.post("/admin/jobs/count/run", form_on="/admin").status_code == 302
    _wait_for_jobs()
    with small_runtime.store.reading() as session:
        outcomes = [row.outcome for row in session.exec(select(JobRun).order_by(col(JobRun.id)))]
    assert outcomes == [Outcome.ABANDONED, Outcome.SUCCEEDED]


def test_an_unknown_job_is_not_found(small_runtime: Runtime) -> None:
    """A job that does not exist is 404, not a broken page."""
    admin = logged_in(_app(small_runtime), small_runtime, Role.ADMIN)
    assert admin.post("/admin/jobs/nothing/run", form_on="/admin").status_code == 404


def test_what_is_not_in_order_stands_on_top(small_runtime: Runtime) -> None:
    """Sentences of the features' checks are shown to the admin."""
    app = _app(small_runtime, checks=("There is no ADS token.",))
    assert "There is no ADS token." in logged_in(app, small_runtime, Role.ADMIN).get("/admin").get_data(as_text=True)


def test_runs_are_filtered_and_exported(small_runtime: Runtime, clock: FixedClock) -> None:
    """Job and outcome stand in the address; the file is safe against formulas."""

    def work(context: JobContext) -> None:
        raise ValueError("=HYPERLINK(1)")

    jobs = (Job("fail", "Fail", work), Job("fine", "Work", lambda context: None))
    admin = logged_in(_app(small_runtime, *jobs), small_runtime, Role.ADMIN)
    for job in jobs:
        run_job(small_runtime, job)
        clock.move(timedelta(minutes=1))
    page = admin.get("/admin/runs?outcome=failed").get_data(as_text=True)
    assert "1 run" in page
    rows = admin.get("/admin/runs?job=fail&format=csv").get_data(as_text=True).splitlines()
    assert len(rows) == 2
    assert "ValueError: =HYPERLINK" in rows[1]


def test_the_admin_pages_are_the_admins(small_app: Flask, small_runtime: Runtime) -> None:
    """A librarian sees none of them."""
    visitor: Visitor = logged_in(small_app, small_runtime, Role.LIBRARIAN)
    for path in ("/admin", "/admin/runs", "/admin/users", "/admin/audit"):
        assert visitor.get(path).status_code == 403
