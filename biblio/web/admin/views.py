"""The admin page with its jobs, runs, counts of letters and audit log; and ``/health`` for whoever watches the server."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from biblio import webkit
from biblio.errors import JobRunning
from biblio.feature import Feature
from biblio.jobs import Job, find_job, run_at_work, run_job
from biblio.logs import get_logger
from biblio.runtime import Runtime, biblio_version
from biblio.store.schema import current_revision, head_revision
from biblio.store.words import Outcome
from biblio.web.admin import audit_views, queries

log = get_logger(__name__)


blueprint = Blueprint("admin", __name__)
audit_views.add_to(blueprint)

_FEATURES = "biblio_features"


def attach_features(app: Flask, features: Sequence[Feature]) -> None:
    """Tell the admin pages of ``app`` whose jobs and checks they show. Called once, by the web door."""
    app.extensions[_FEATURES] = tuple(features)


def _features() -> tuple[Feature, ...]:
    known: tuple[Feature, ...] = current_app.extensions[_FEATURES]
    return known


def _jobs() -> dict[str, Job]:
    return {job.name: job for feature in _features() for job in feature.jobs}


@blueprint.route("/admin")
@webkit.action("admin.read")
def overview() -> ResponseReturnValue:
    """Jobs, letters, and what is not in order."""
    wired = webkit.runtime()
    with webkit.reading() as unit:
        states = queries.job_states(unit, _jobs().values(), wired.clock.now())
        recent = unit.execute(queries.runs().limit(10)).scalars().all()
        mail = queries.mail_counts(unit)
    warnings = [sentence for feature in _features() for check in feature.checks for sentence in check(wired)]
    return render_template(
        "admin/overview.html",
        jobs=states,
        recent=recent,
        mail=mail,
        has_letters="letters.index" in current_app.view_functions,
        warnings=warnings,
        settings=wired.settings,
    )


@blueprint.route("/admin/jobs/<name>/run", methods=["POST"])
@webkit.action("admin.write")
def run_now(name: str) -> ResponseReturnValue:
    """Start a job by hand; it goes on when the page is closed."""
    job = find_job(_jobs(), name)
    with webkit.reading() as unit:
        if run_at_work(unit, name, webkit.runtime().clock.now()):
            raise JobRunning(f"The job “{job.title}” is running already: its row below shows since when.")
    start_in_background(webkit.runtime(), job, actor_id=webkit.actor().person_id())
    webkit.done(f"Started: {job.title}. It works in the background; reload this page to see how it ends.")
    return redirect(url_for("admin.overview"))


@blueprint.route("/admin/runs")
@webkit.action("admin.read")
def runs() -> ResponseReturnValue:
    """All attempts to run jobs."""
    job, outcome = request.args.get("job", ""), request.args.get("outcome", "")
    chosen = Outcome(outcome) if outcome in set(Outcome) else None
    with webkit.reading() as unit:
        page = webkit.paginate(unit, queries.runs(job or None, chosen), filters={"job": job, "outcome": outcome})
    if webkit.wants_table():
        header = ("job", "started", "ended", "started by", "outcome", "counts", "error")
        rows = [(r.job, r.started_at, r.ended_at, r.started_by, r.outcome, r.counts, r.error) for r in page.items]
        return webkit.table_response("job-runs", header, rows)
    return render_template("admin/runs.html", page=page, jobs=sorted(_jobs()), outcomes=list(Outcome))


@blueprint.route("/health")
@webkit.action(webkit.PUBLIC)
def health() -> ResponseReturnValue:
    """Whether the database answers and is at this version's schema: 200, else 503."""
    state = health_of(webkit.runtime())
    return jsonify(state), 200 if state["status"] == "ok" else 503


def start_in_background(runtime: Runtime, job: Job, *, actor_id: int) -> threading.Thread:
    """Run ``job`` in a thread of its own, with units of work of its own; how it ends stands in its row."""

    def work() -> None:
        try:
            run_job(runtime, job, actor_id=actor_id)
        except JobRunning as reason:
            log.info("job not started", job=job.name, reason=str(reason))

    thread = threading.Thread(target=work, name=f"job-{job.name}", daemon=True)
    thread.start()
    return thread


def health_of(runtime: Runtime) -> dict[str, Any]:
    """Return the state of database and schema, for machines."""
    state: dict[str, Any] = {"status": "ok", "version": biblio_version(), "database": "reachable", "schema": "current"}
    try:
        current, head = current_revision(runtime.store.engine), head_revision(runtime.store.engine)
    except sa.exc.SQLAlchemyError:
        return {**state, "status": "failing", "database": "unreachable", "schema": "unknown"}
    if current != head:
        return {**state, "status": "failing", "schema": "outdated: run `biblio db upgrade`"}
    return state
