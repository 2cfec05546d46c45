"""Starting the jobs of ingest from a page: they work in a thread of their own and go on when the page is closed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from biblio.errors import JobRunning
from biblio.feature import all_jobs
from biblio.jobs import Job, find_job, run_at_work, run_job
from biblio.logs import get_logger
from biblio.runtime import Runtime

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Button:
    """A job that the harvest page offers, with what the button says and what its message says has begun."""

    job: str
    label: str
    begun: str


BUTTONS = (
    Button("harvest", "Fetch what is new", "The harvest has begun"),
    Button("resweep", "Re-sweep ADS", "The re-sweep of ADS has begun"),
    Button("refresh", "Refresh citations", "Citations and bibcodes of known papers are being refreshed"),
    Button("count", "Count what ADS has", "Counting what ADS has of each journal has begun"),
    Button("read", "Read texts now", "Reading texts has begun"),
)
"""The first is the main one."""

FILLERS = ("harvest", "resweep", "refresh", "reparse", "count", "read")
"""Jobs that a button starts with arguments: they fill holes, or do again what failed."""

PRESSED = ("sources", "source", "since", "until", "year")
"""The arguments such a button may carry. What takes odd answers or begins anew is not pressed in passing."""


def offered() -> list[Button]:
    """Return the buttons whose job there is."""
    jobs = all_jobs()
    return [button for button in BUTTONS if button.job in jobs]


def is_pressable(job: str, arguments: Mapping[str, object]) -> bool:
    """Whether a button can start this job with these arguments."""
    return job in FILLERS and set(arguments) <= set(PRESSED)


def start_job(
    session: Session, runtime: Runtime, name: str, arguments: Mapping[str, str], *, actor_id: int
) -> threading.Thread:
    """Start a job in the background.

    Raises ``NotFound`` for a job there is not, ``RequestRefused`` for arguments it cannot use, ``JobRunning``.
    """
    job = find_job(all_jobs(), name)
    if job.check is not None:
        job.check(runtime, arguments)
    running = run_at_work(session, job.name, runtime.clock.now())
    if running is not None:
        raise JobRunning(
            f"“{job.title}” is running since {running.started_at:%Y-%m-%d %H:%M} UTC; wait for it to end, then press again."
        )
    log.info("job asked for", job=job.name)
    return _in_background(runtime, job, arguments, actor_id)


def _in_background(runtime: Runtime, job: Job, arguments: Mapping[str, str], actor_id: int) -> threading.Thread:
    def work() -> None:
        try:
            run_job(runtime, job, arguments=dict(arguments), actor_id=actor_id)
        except JobRunning as reason:
            log.info("job not started", job=job.name, reason=str(reason))

    thread = threading.Thread(target=work, name=f"job-{job.name}", daemon=True)
    thread.start()
    return thread
