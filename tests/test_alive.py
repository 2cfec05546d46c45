"""Whether the holder of a run or a turn still lives: never wrongly dead, seldom wrongly alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from biblio.alive import holder_here, may_be_alive

SAYS_WHO = "import biblio.alive as a, time; print(a.holder_here(), flush=True); time.sleep(60)"


@contextmanager
def another_process() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A process of this machine that lives, by the name it gives itself."""
    with subprocess.Popen([sys.executable, "-c", SAYS_WHO], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def test_this_process_lives() -> None:
    """Also when something follows its name; the name fits where it is kept, and holds no secret."""
    assert may_be_alive(holder_here())
    assert may_be_alive(f"{holder_here()}:0123abcd")
    assert len(holder_here()) <= 54
    assert str(os.getpid()) in holder_here().split(":")


def test_a_killed_process_is_dead_before_and_after_it_is_asked_how_it_ended() -> None:
    """A process without an attentive parent stays in the list of processes; it is dead all the same."""
    with another_process() as (holder, process):
        assert may_be_alive(holder)
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not may_be_alive(holder)
        process.wait()
        assert not may_be_alive(holder)


def test_a_number_given_again_is_another_process() -> None:
    """The same number, started at another moment, holds nothing for the one that died."""
    space, number, started = holder_here().split(":")
    assert started.isdigit(), "this test needs a system that says when a process was started"
    assert not may_be_alive(f"{space}:{number}:{int(started) - 1}")
    assert may_be_alive(f"{space}:{number}:")


@pytest.mark.parametrize(
    ("host", "digest"),
    [("biblio", "0123456789"), ("biblio-worker-0-of-a-long-name", "0123456789"), ("", "")],
)
def test_of_a_process_in_another_container_nothing_is_known(host: str, digest: str) -> None:
    """Containers share names and numbers; a number that is free here says nothing about there."""
    assert may_be_alive(f"{host}-{digest}:99999999:1")
    assert may_be_alive(f"{holder_here().split(':')[0]}x:99999999:1")


@pytest.mark.parametrize("holder", ["", ":", "::", "a:b:c", "elsewhere:1", f"{holder_here().split(':')[0]}:²:"])
def test_what_cannot_be_read_may_be_alive(holder: str) -> None:
    """Rows of an older version wait for the end of their lease."""
    assert may_be_alive(holder)


def test_a_free_number_of_this_machine_is_dead() -> None:
    """However large the number is."""
    space = holder_here().split(":")[0]
    assert not may_be_alive(f"{space}:99999999:1")
    assert not may_be_alive(f"{space}:{10**17}:1")
