"""Jobs of the desk that are killed as a power cut would, at a chosen moment, in a process of their own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.warm import WarmProcess

SITE = """
import os, signal, sys
from contextlib import contextmanager
from datetime import UTC, datetime
from biblio.clock import FixedClock
from biblio.jobs import run_job
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine

url, place, number = sys.argv[1], sys.argv[2], int(sys.argv[3])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def site(kind):
    return Runtime(settings=Settings(database_url=url), profile=checked_profile(None), store=kind(make_engine(url)),
                   clock=FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)))
"""
"""How each child begins: its arguments, ``die()``, and ``site(kind)``, a runtime whose store is of that kind."""


def run_and_kill(program: str, database_url: str, place: str, number: int, home: Path) -> None:
    """Run ``program`` after ``SITE``; it must kill itself at the ``number``-th time it comes to ``place``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BIBLIO_")}
    child = WarmProcess(
        ["-c", SITE + program, database_url, place, str(number)], environment | {"BIBLIO_HOME": str(home)}
    )
    printed, _ = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL, printed.decode()[-2000:]
