"""Starting a harvest from a page: it works in a thread of its own and goes on when the page is closed."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from sqlmodel import Session, col, select

from biblio.errors import JobRunning
from biblio.ingest.jobs import HARVEST
from biblio.ingest.asked import Asked
from biblio.jobs import run_job
from biblio.logs import get_logger
from biblio.runtime import Runtime
from biblio.store.models import JobRun
from biblio.store.words import Outcome

log = get_logger(__name__)


def start_harvest(
    session: Session, runtime: Runtime, arguments: Mapping[str, str], *, actor_id: int
) -> threading.Thread:
    """Start the harvest in the background. Raises ``RequestRefused`` for wrong arguments, ``JobRunning`` if it runs."""
    asked = Asked.of(arguments, runtime.clock.today())
    running = session.exec(
        select(JobRun).where(col(JobRun.job) == HARVEST.name, col(JobRun.outcome) == Outcome.RUNNING)
    ).first()
    if running is not None and running.lease_until > runtime.clock.now():
        raise JobRunning(f"The harvest is running since {running.started_at:%Y-%m-%d %H:%M} UTC; wait for it to end.")
    log.info("harvest asked for", sources=asked.sources)

    def work() -> None:
        try:
            run_job(runtime, HARVEST, arguments=dict(arguments), actor_id=actor_id)
        except JobRunning as reason:
            log.info("harvest not started", reason=str(reason))

    thread = threading.Thread(target=work, name="job-harvest", daemon=True)
    thread.start()
    return thread
