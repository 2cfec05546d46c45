"""The scheduler door: an in-memory APScheduler in the one process that leads.

Three processes that shared one APScheduler job store ran a once-a-second job 16 times in 6 seconds, so nothing is
shared: a leader is chosen, by an advisory lock on PostgreSQL and a locked file on SQLite, and only it has a
scheduler. When the leader dies its lock falls and another process leads within ``STAND_BY_S``. Even two leaders by
mistake could not run a job twice: ``run_job`` allows one running row, and one scheduled success per period.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from biblio.errors import JobRunning
from biblio.feature import all_jobs
from biblio.jobs import Job, run_job
from biblio.logs import get_logger
from biblio.runtime import Runtime
from biblio.store.words import Trigger

log = get_logger(__name__)

STAND_BY_S = 5.0
"""How often a process that does not lead tries to, and a leader makes sure that it still does."""

_LOCK_KEY = 0x6269626C696F
"""The advisory lock's number: "biblio" in ASCII."""


def run_for_ever(runtime: Runtime, *, stop: threading.Event | None = None) -> None:
    """Lead or stand by until ``stop`` is set (or Ctrl-C)."""
    stop = stop or threading.Event()
    while not stop.is_set():
        with _leadership(runtime) as lead:
            if lead is None:
                log.info("standing by")
                stop.wait(STAND_BY_S)
                continue
            _lead(runtime, lead, stop)


def _lead(runtime: Runtime, lead: _Lead, stop: threading.Event) -> None:
    """Run the schedule while the lock is held."""
    scheduler = BackgroundScheduler(timezone="UTC")
    for job in all_jobs().values():
        if job.schedule:
            trigger = CronTrigger.from_crontab(job.schedule, timezone="UTC")
            scheduler.add_job(_run, trigger, args=(runtime, job), id=job.name, coalesce=True, misfire_grace_time=3600)
    scheduler.start()
    log.info("leading", jobs=[job.id for job in scheduler.get_jobs()])
    try:
        while not stop.wait(STAND_BY_S) and lead.is_held():
            pass
    finally:
        scheduler.shutdown(wait=True)
        log.info("no longer leading")


def _run(runtime: Runtime, job: Job) -> None:
    try:
        run_job(runtime, job, started_by=Trigger.SCHEDULE)
    except JobRunning as reason:
        log.info("job not started", job=job.name, reason=str(reason))


class _Lead:
    """The lock that makes this process the leader."""

    def is_held(self) -> bool:
        """Whether the lock still stands."""
        return True


class _PostgresLead(_Lead):
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def is_held(self) -> bool:
        """Whether the session that holds the advisory lock still lives."""
        try:
            self._connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError:
            return False
        return True


@contextmanager
def _leadership(runtime: Runtime) -> Iterator[_Lead | None]:
    """Hold the leader's lock for the block, or give None when another process leads."""
    if runtime.store.is_sqlite:
        runtime.settings.home.mkdir(parents=True, exist_ok=True)
        with (runtime.settings.home / "scheduler.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            yield _Lead()
        return
    with runtime.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        got = connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}).scalar()
        if not got:
            yield None
            return
        try:
            yield _PostgresLead(connection)
        finally:
            if not connection.invalidated:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
