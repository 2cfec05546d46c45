"""Running a named job: one at a time, with a lease, and one row per attempt that says what happened.

The command line, the scheduler and the admin page all call ``run_job``. A job opens its own units of work through
``context.runtime.store``: many short ones, none while the network or the matcher works, so that a kill loses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, col, select

from biblio.alive import holder_here, may_be_alive
from biblio.errors import BiblioError, JobRunning, NotFound, database_sentence
from biblio.logs import get_logger
from biblio.runtime import Runtime, biblio_version
from biblio.store.models import JobRun
from biblio.store.words import Outcome, Trigger

log = get_logger(__name__)

LEASE_S = 60
"""A running job whose lease was not renewed for so long is taken for dead and may be taken over."""

PROGRESS_S = 2.0
"""How often at most a running job's progress is written down; in between it is kept in memory."""

_MOST_STARTS_WAITED = 100
"""Times of a schedule that are looked at for one outside a period: a quarter has 92 days."""

Progress = Callable[[str, int, int | None], None]
"""Called with (what, done, total) while a job works; total is None where it is not known."""


def no_progress(_what: str, _done: int, _total: int | None) -> None:
    """Show nothing."""


@dataclass
class _Board:
    """Passes progress on and keeps the latest, for the heartbeat to write down: the job itself never waits for that."""

    show: Progress
    latest: tuple[str, int, int | None] | None = None

    def __call__(self, what: str, done: int, total: int | None) -> None:
        self.latest = (what, done, total)
        self.show(what, done, total)


@dataclass
class JobContext:
    """What a running job is handed. ``count`` adds to the counts that end up in the run's row."""

    runtime: Runtime
    run_id: int
    arguments: Mapping[str, Any]
    progress: Progress = no_progress
    is_beside_pages: bool = False
    """Whether it runs in a process that serves pages: such a one must never read a survey's private key."""
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(self, name: str, by: int = 1) -> None:
        """Add ``by`` to the count called ``name``."""
        self.counts[name] = self.counts.get(name, 0) + by

    def note(self, sentence: str) -> None:
        """Keep a sentence for whoever reads the run: what was left out, and why."""
        self.notes.append(sentence)


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is run by name. ``schedule`` is a crontab line in UTC, or None for by hand only.

    ``period`` is how often one scheduled success is due: "hour", "day", "week" (Monday to Sunday) or "quarter". A job
    that is scheduled daily with a longer period is tried each day until it has succeeded once in it. ``check`` raises
    ``RequestRefused`` for arguments that the job cannot use: then there is no run.
    """

    name: str
    title: str
    run: Callable[[JobContext], None]
    schedule: str | None = None
    period: str = "day"
    check: Callable[[Runtime, Mapping[str, Any]], None] | None = None


def run_job(
    runtime: Runtime,
    job: Job,
    *,
    started_by: Trigger = Trigger.HAND,
    arguments: Mapping[str, Any] | None = None,
    actor_id: int | None = None,
    progress: Progress = no_progress,
    is_beside_pages: bool = False,
) -> JobRun:
    """Run ``job`` and return its closed row; a failure is in the row, with its sentence, and is not raised.

    Raises ``JobRunning`` when it is running already (in any process), or when a scheduled one has succeeded in
    this period, and ``RequestRefused`` for arguments it cannot use.
    """
    arguments = dict(arguments or {})
    if job.check is not None:
        job.check(runtime, arguments)
    run_id = _begin(runtime, job, started_by, arguments, actor_id)
    board = _Board(progress)
    context = JobContext(
        runtime=runtime, run_id=run_id, arguments=arguments, progress=board, is_beside_pages=is_beside_pages
    )
    error: str | None = None
    log.info("job started", job=job.name, run=run_id)
    try:
        with _heartbeat(runtime, run_id, board):
            job.run(context)
    except BiblioError as problem:
        error = str(problem)
    except OperationalError as problem:
        error = database_sentence(problem)
        log.error("database failed", job=job.name, run=run_id, reason=str(problem.orig))
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"
        log.exception("job broke", job=job.name, run=run_id)
    except BaseException:
        _end(runtime, run_id, context, "It was interrupted; the next run goes on where it stopped.")
        raise
    return _end(runtime, run_id, context, error)


def run_in_background(
    runtime: Runtime, job: Job, *, arguments: Mapping[str, Any] | None = None, actor_id: int | None = None
) -> threading.Thread:
    """Run ``job`` in a thread of its own, with units of work of its own; how it ends stands in its row."""

    def work() -> None:
        try:
            run_job(runtime, job, arguments=arguments, actor_id=actor_id, is_beside_pages=True)
        except JobRunning as reason:
            log.info("job not started", job=job.name, reason=str(reason))

    thread = threading.Thread(target=work, name=f"job-{job.name}", daemon=True)
    thread.start()
    return thread


def _begin(runtime: Runtime, job: Job, started_by: Trigger, arguments: dict[str, Any], actor_id: int | None) -> int:
    now = runtime.clock.now()
    period = None
    if started_by is Trigger.SCHEDULE:
        period = period_of(job.period, now)
    try:
        with runtime.store.writing() as session:
            _refuse_or_take_over(session, runtime, job.name, period)
            row = JobRun(
                job=job.name,
                period=period,
                started_by=started_by,
                actor_id=actor_id,
                arguments=arguments,
                outcome=Outcome.RUNNING,
                started_at=now,
                lease_until=now + timedelta(seconds=LEASE_S),
                holder=holder_here(),
                version=biblio_version(),
            )
            session.add(row)
            session.flush()
            assert row.id is not None
            return row.id
    except IntegrityError as error:
        raise JobRunning(f"The job {job.name} was started by another process at the same moment.") from error


def period_of(length: str, moment: datetime) -> str:
    """Return the name of the hour, day, week or quarter a moment lies in, as job rows keep it."""
    if length == "quarter":
        return f"{moment.year}-Q{(moment.month + 2) // 3}"
    return moment.strftime({"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V"}[length])


def periods_done(session: Session) -> dict[str, str | None]:
    """Return for each job the last of its periods in which its schedule had a success."""
    rows = session.execute(
        sa.select(col(JobRun.job), sa.func.max(col(JobRun.period)))
        .where(col(JobRun.outcome) == Outcome.SUCCEEDED, col(JobRun.started_by) == Trigger.SCHEDULE)
        .group_by(col(JobRun.job))
    )
    return dict(rows.all())


def next_start(job: Job, now: datetime, done: str | None) -> datetime | None:
    """Return when the schedule starts a job next, None for one run by hand; a period that is ``done`` is waited out."""
    if job.schedule is None:
        return None
    trigger = CronTrigger.from_crontab(job.schedule, timezone="UTC")
    fires: datetime | None = trigger.get_next_fire_time(None, now)
    for _ in range(_MOST_STARTS_WAITED):
        if fires is None or period_of(job.period, fires) != done:
            break
        fires = trigger.get_next_fire_time(fires, fires)
    return fires.astimezone(UTC) if fires else None


def _refuse_or_take_over(session: Session, runtime: Runtime, name: str, period: str | None) -> None:
    running = session.exec(
        select(JobRun).where(col(JobRun.job) == name, col(JobRun.outcome) == Outcome.RUNNING)
    ).one_or_none()
    if running is not None:
        if is_at_work(running, runtime.clock.now()):
            raise JobRunning(f"The job {name} is running since {running.started_at:%Y-%m-%d %H:%M} UTC.")
        running.outcome = Outcome.ABANDONED
        running.progress = None
        running.ended_at = runtime.clock.now()
        running.error = "Its process died; a later run went on where it stopped."
        session.add(running)
        session.flush()
    if period is not None:
        done = session.exec(
            select(JobRun.id).where(
                col(JobRun.job) == name,
                col(JobRun.period) == period,
                col(JobRun.outcome) == Outcome.SUCCEEDED,
                col(JobRun.started_by) == Trigger.SCHEDULE,
            )
        ).first()
        if done is not None:
            raise JobRunning(f"The job {name} has succeeded for {period} already.")


def is_at_work(row: JobRun, now: datetime) -> bool:
    """Whether this attempt is running; one whose process died or whose lease ran out may be taken over at once."""
    return row.outcome is Outcome.RUNNING and row.lease_until > now and may_be_alive(row.holder)


def run_at_work(session: Session, name: str, now: datetime) -> JobRun | None:
    """Return the attempt of the job ``name`` that is running, if any."""
    noted = session.exec(select(JobRun).where(col(JobRun.job) == name, col(JobRun.outcome) == Outcome.RUNNING))
    return next((row for row in noted if is_at_work(row, now)), None)


class RunSuperseded(BiblioError):
    """This run was taken for dead while it stood still (a suspended machine), and another took its place."""


def still_running(session: Session, run_id: int) -> bool:
    """Whether this attempt is still the running one of its job; false once it has ended or another took it over.

    Until the transaction ends nobody can take it over, so what is written in it is written in its turn: on PostgreSQL
    its row is locked for others' changes, on SQLite there is one writer anyway.
    """
    outcome = session.exec(select(JobRun.outcome).where(col(JobRun.id) == run_id).with_for_update(read=True)).first()
    return outcome is Outcome.RUNNING


def require_running(session: Session, run_id: int | None) -> None:
    """Raise ``RunSuperseded`` unless the attempt is still the running one; None belongs to no run and may go on."""
    if run_id is not None and not still_running(session, run_id):
        raise RunSuperseded(
            "This run stood still for so long that it was taken for dead, and a later run took its place. Nothing was "
            "written by it since; what it stored before is safe, and the later run goes on from there."
        )


@contextmanager
def _heartbeat(runtime: Runtime, run_id: int, board: _Board) -> Iterator[None]:
    """Renew the lease, and write down how far the job is, from a thread while the job works."""
    stop = threading.Event()

    def beat() -> None:
        written: tuple[str, int, int | None] | None = None
        renewed_s = time.monotonic()
        while not stop.wait(PROGRESS_S):
            latest = board.latest
            if latest == written and time.monotonic() - renewed_s < LEASE_S / 3:
                continue
            try:
                _note_alive(runtime, run_id, latest)
            except Exception as problem:  # a locked or lost database: the next beat may do better
                log.warning("heartbeat missed", run=run_id, kind=type(problem).__name__)
            else:
                written, renewed_s = latest, time.monotonic()

    thread = threading.Thread(target=beat, name=f"heartbeat-{run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def _note_alive(runtime: Runtime, run_id: int, latest: tuple[str, int, int | None] | None) -> None:
    """Renew the lease of a run and note its progress, in one statement that touches no run that has ended."""
    now = runtime.clock.now()
    values: dict[str, Any] = {"lease_until": now + timedelta(seconds=LEASE_S)}
    if latest is not None:
        what, done, total = latest
        values["progress"] = {"what": what, "done": done, "total": total, "at": now.isoformat(timespec="seconds")}
    running = sa.and_(col(JobRun.id) == run_id, col(JobRun.outcome) == Outcome.RUNNING)
    with runtime.store.writing() as session:
        session.execute(sa.update(JobRun).where(running).values(**values))


def _end(runtime: Runtime, run_id: int, context: JobContext, error: str | None) -> JobRun:
    with runtime.store.writing() as session:
        row = session.get_one(JobRun, run_id)
        if row.outcome is not Outcome.RUNNING:
            log.warning("job was taken over", job=row.job, run=run_id)
            return row
        row.outcome = Outcome.FAILED if error else Outcome.SUCCEEDED
        row.ended_at = runtime.clock.now()
        row.counts = {**context.counts, **({"notes": context.notes} if context.notes else {})}
        row.error = error
        row.progress = None
        session.add(row)
        session.flush()
    seconds = (row.ended_at - row.started_at).total_seconds() if row.ended_at else 0
    log.info("job ended", job=row.job, run=run_id, outcome=row.outcome.value, seconds=seconds, **context.counts)
    return row


def find_job(jobs: Mapping[str, Job], name: str) -> Job:
    """Return the job called ``name``. Raises ``NotFound`` listing the jobs there are."""
    if name not in jobs:
        raise NotFound(f"There is no job {name!r}; there are: {', '.join(sorted(jobs))}.")
    return jobs[name]
