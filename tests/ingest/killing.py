"""Killing ``biblio run`` as a power cut would, at chosen or random moments, and looking at what is left."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlmodel import SQLModel, select

from biblio.store import Store
from biblio.store.models import HarvestPage, JobRun, TextReading
from tests.ingest.conftest import addresses
from tests.warm import WarmProcess

Reached = Callable[[Store], bool]

PATIENCE_S = 1_800
"""How long a moment to kill at is waited for: an endurance run behind other work is slow, a hang is a failure."""


class Process(Protocol):
    """A process that was started, with what is used of it here."""

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it runs."""

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless it has ended."""

    def communicate(self, *, timeout: float | None = None) -> tuple[bytes, Any]:
        """Wait for its end and return what it printed."""


@dataclass(frozen=True)
class Site:
    """One installation: its database, home folder, and the server that plays all services.

    ``more`` are further settings, by name; ``starting`` starts Python with arguments and an environment.
    """

    store: Store
    url: str
    home: Path
    served: str
    more: Mapping[str, Any] = field(default_factory=dict)
    starting: Callable[[Sequence[str], Mapping[str, str]], Process] = WarmProcess


@dataclass(frozen=True)
class Kill:
    """One kill and where it hit: pages stored when it came, of which source the last one was, and the pause before it."""

    pages: int
    source: str
    pause_s: float


def pages_stored(source: str | None, count: int) -> Reached:
    """A harvest has stored so many pages (of one source)."""
    where = (HarvestPage.source == source,) if source else ()
    return lambda store: count_rows(store, HarvestPage, *where) >= count


def texts_stored(count: int) -> Reached:
    """A reading has stored so many texts."""
    return lambda store: count_rows(store, TextReading) >= count


def count_rows(store: Store, model: type[SQLModel], *where: object) -> int:
    """How many rows there are."""
    with store.reading() as session:
        return session.exec(select(sa.func.count()).select_from(model).where(*where)).one()  # type: ignore[arg-type]


def outcomes(store: Store) -> list[str]:
    """How each run ended, in order."""
    with store.reading() as session:
        return [row.outcome.value for row in session.exec(select(JobRun).order_by(sa.text("id")))]


def start(job: str, site: Site) -> Process:
    """Start ``biblio run JOB`` in a process of its own."""
    settings = addresses(site.served) | {"database_url": site.url, "home": site.home, "ads_token": "demo"} | site.more
    environment = {f"BIBLIO_{name.upper()}": str(value) for name, value in settings.items()}
    return site.starting(["-m", "biblio", "run", job, "--quiet"], environment | {"PATH": os.environ["PATH"]})


def run(job: str, site: Site, *, patience_s: float = 200) -> str:
    """Run a job to its end, which must be a good one; return what it printed."""
    process = start(job, site)
    output, _ = process.communicate(timeout=patience_s)
    assert process.returncode == 0, output.decode()
    return output.decode()


def kill_when(reached: Reached, site: Site, process: Process, *, pause_s: float = 0.0) -> None:
    """Kill the process, as a power cut would, ``pause_s`` after ``reached``."""
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and not reached(site.store):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(pause_s)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output.decode()


def kill_at_random(site: Site, *, pages: int, kills: int, seed: int, page_s: float = 0.15) -> list[Kill]:
    """Start the harvest ``kills`` times and kill it each time, spread over the ``pages`` of an undisturbed harvest.

    Each kill comes at a random part of ``page_s``, about the time one page takes, after a random page was stored: while
    the next one is fetched, read, or half stored. The last fifth of the pages is left to the run that ends undisturbed.
    """
    rng = random.Random(seed)
    done = []
    for target in sorted(rng.sample(range(1, pages * 4 // 5), kills)):
        pause_s = rng.uniform(0.0, page_s)
        least = max(target, count_rows(site.store, HarvestPage) + 1)
        kill_when(pages_stored(None, least), site, start("harvest", site), pause_s=pause_s)
        with site.store.reading() as session:
            last = session.exec(select(HarvestPage).order_by(sa.desc("id")).limit(1)).one()
        done.append(Kill(count_rows(site.store, HarvestPage), last.source, round(pause_s, 3)))
    return done
