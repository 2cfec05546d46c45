"""Processes of Python that need not import biblio: each is forked from one that has.

A start of ``biblio run`` takes two seconds of imports, and tests that kill what they start do so a hundred times. What
runs is the same program in a process of its own, which a signal ends as it ends any other.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import TimeoutExpired

from biblio.loading import FEATURES

ROOT = Path(__file__).resolve().parents[1]

IMPORTED = (
    "pytest",
    "psycopg",
    "biblio.cli.run",
    "harvesters.tap",
    "tests.warm",
    *(f"{name}.feature" for name in FEATURES),
)
"""What every process finds imported. Python runs pytest's own main module again in each."""


class WarmProcess:
    """A process that runs, or has ended; it offers what the tests use of ``subprocess.Popen``."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start ``python ARGUMENTS`` in the folder of the checkout, with this environment and no other."""
        handle, name = tempfile.mkstemp(prefix="biblio-warm-")
        os.close(handle)
        self.args = [sys.executable, *arguments]
        self._output = Path(name)
        self._process: BaseProcess = _context().Process(target=_run, args=(list(arguments), dict(environment), name))
        self._looking = threading.Lock()
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it runs."""
        with self._looking:  # it can be read once: two threads would not both see it
            return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code. Raises ``TimeoutExpired``."""
        if not connection.wait([self._process.sentinel], timeout):
            raise TimeoutExpired(self.args, timeout or 0.0)
        ended = self.returncode
        assert ended is not None
        return ended

    def communicate(self, timeout: float | None = None) -> tuple[bytes, None]:
        """Wait for its end and return what it printed on both streams, once. Raises ``TimeoutExpired``."""
        self.wait(timeout)
        printed = self._output.read_bytes()
        self._output.unlink()
        return printed, None


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def _run(arguments: list[str], environment: dict[str, str], output: str) -> None:
    """Be ``python -c PROGRAM ARGUMENTS`` or ``python -m MODULE ARGUMENTS``."""
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    with Path(output).open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    kind, program, *rest = arguments
    sys.argv = [kind, *rest]
    if kind == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        exec(program, {"__name__": "__main__"})
