"""The scheduler: one leads, another takes over when it dies, and what is scheduled can run."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from apscheduler.triggers.cron import CronTrigger

from biblio import scheduler
from biblio.feature import all_jobs
from biblio.runtime import Runtime
from biblio.settings import Settings

HOLD = textwrap.dedent(
    """
    import sys, time
    from biblio.clock import Clock
    from biblio.runtime import Runtime, checked_profile
    from biblio.scheduler import _leadership
    from biblio.settings import Settings
    from biblio.store import Store, make_engine

    settings = Settings(home=sys.argv[1], database_url=sys.argv[2])
    runtime = Runtime(settings, checked_profile(None), Store(make_engine(settings.database)), Clock())
    with _leadership(runtime) as lead:
        print("leading" if lead else "standing by", flush=True)
        time.sleep(60)
    """
)


def test_only_one_leads_and_the_next_one_takes_over(runtime: Runtime) -> None:
    """While one holds the lock another stands by; when it lets go the other leads."""
    with scheduler._leadership(runtime) as first:
        assert first is not None
        assert first.is_held()
        with scheduler._leadership(runtime) as second:
            assert second is None
    with scheduler._leadership(runtime) as third:
        assert third is not None


def test_a_killed_leader_is_succeeded(runtime: Runtime, settings: Settings) -> None:
    """The lock falls with the process that held it, even by SIGKILL."""
    arguments = [sys.executable, "-c", HOLD, str(settings.home), settings.database]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "leading"
        with scheduler._leadership(runtime) as lead:
            assert lead is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    free = threading.Event()
    for _ in range(100):
        with scheduler._leadership(runtime) as lead:
            if lead is not None:
                free.set()
                break
        threading.Event().wait(0.1)
    assert free.is_set()


def test_the_leader_stops_when_told(runtime: Runtime) -> None:
    """Setting ``stop`` ends the loop and the lock is free again."""
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run_for_ever, args=(runtime,), kwargs={"stop": stop})
    thread.start()
    stop.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
    with scheduler._leadership(runtime) as lead:
        assert lead is not None


def test_every_schedule_can_be_read() -> None:
    """Each job's crontab line is one that the scheduler understands; the daily path is scheduled."""
    scheduled = {job.name: job.schedule for job in all_jobs().values() if job.schedule}
    for line in scheduled.values():
        CronTrigger.from_crontab(line, timezone="UTC")
    assert {"harvest", "read", "match"} <= set(scheduled)


def test_a_job_that_has_succeeded_is_no_error(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler passes over a job that another leader ran in this period."""
    from biblio.jobs import Job

    ran: list[int] = []
    job = Job("count", "Counts", lambda _context: ran.append(1), schedule="0 3 * * *")
    scheduler._run(runtime, job)
    scheduler._run(runtime, job)
    assert ran == [1]
