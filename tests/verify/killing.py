"""Jobs of the desk that are killed as a power cut would, at a chosen moment, in a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

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
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BIBLIO_")}
    child = subprocess.run(
        [sys.executable, "-c", SITE + program, database_url, place, str(number)],
        env={**environment, "BIBLIO_HOME": str(home)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
