"""Senders in processes of their own, forked from the test so that nothing is imported again, and killed where it hurts."""

from __future__ import annotations

import gc
import os
import smtplib
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from biblio import mail
from biblio.runtime import Runtime
from tests.mail.letters import KIND

KILLED = 77
"""How a process ends that died where it was told to."""


def fork(runtime: Runtime, work: Callable[[Runtime], object], *, die_at: int = 0, reads: bool = True) -> int:
    """Start ``work`` in a process with connections of its own; at its ``die_at``-th step (0: never) it dies. Return its number.

    A step is a statement or commit of the database, bytes sent to the mail server, an answer waited for, or a change of
    a folder: the process dies just before it, without a word to anybody. Without ``reads`` a statement that only reads is
    no step: a kill before it leaves what a kill after it leaves.
    """
    runtime.store.engine.dispose()  # a connection must not live in two processes
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # the servers' threads hold nothing that the child waits for
        pid = os.fork()
    if pid:
        return pid
    gc.disable()  # it would copy the whole of the test's memory
    try:
        _die_at(runtime.store.engine, die_at, reads=reads)
        work(runtime)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ended(pid: int) -> int:
    """Wait for a process; return how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def send_all(runtime: Runtime) -> mail.SendCounts:
    """Send what waits, as it stands."""
    return mail.send_waiting(runtime, KIND, mail.as_it_stands)


def _die_at(engine: sa.Engine, number: int, *, reads: bool) -> None:
    left = number

    def step(*_given: Any, **_named: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(KILLED)

    def stated(_connection: Any, _cursor: Any, statement: str, *_given: Any) -> None:
        if reads or not statement.lstrip().upper().startswith("SELECT"):
            step()

    sa.event.listen(engine, "before_cursor_execute", stated)
    sa.event.listen(engine, "commit", step)
    for owner, name in (
        (smtplib.SMTP, "send"),
        (smtplib.SMTP, "getreply"),
        (os, "fsync"),
        (os, "link"),
        (Path, "unlink"),
    ):
        setattr(owner, name, _stepping(getattr(owner, name), step))


def _stepping(function: Callable[..., Any], step: Callable[[], None]) -> Callable[..., Any]:
    def stepping(*given: Any, **named: Any) -> Any:
        step()
        return function(*given, **named)

    return stepping
