"""Whether the process that holds something (a run, a turn) still lives, as far as this process can see.

A host's name and a process number do not say that: containers share the names that their image gives them, each counts
its processes from one, and a number is given again after a restart. So a holder is named by what tells them apart: the
machine's boot, its space of process numbers and the host's name together, then the number, then when it was started.
Of a process in another space nothing is known but the lease that it renews.
"""

from __future__ import annotations

import functools
import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path

_HOST_CHARS = 16
_ENDED = ("Z", "X")
"""States of a process that has ended and whose parent did not ask how (proc(5)): common where a container has no init."""


def holder_here() -> str:
    """Return the name of this process as a holder, 63 characters at most: ``host-space:number:start``."""
    return f"{_space()}:{os.getpid()}:{_told(os.getpid())[1]}"


def may_be_alive(holder: str) -> bool:
    """Whether the process that ``holder_here`` named (what follows its third part is left) may still live.

    False only for one of this very space that has ended, or whose number was given to a process started later.
    """
    space, number, started, *_ = [*holder.split(":"), "", ""]
    if space != _space() or not (number.isascii() and number.isdigit()) or len(number) > 18:
        return True
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    state, now = _told(int(number))
    if state in _ENDED:
        return False
    return not (started and now) or started == now


@functools.cache
def _space() -> str:
    """Return what no process of another machine, boot or container has: the host's name and a hash of all of them."""
    host = socket.gethostname()
    boot = namespace = ""
    with suppress(OSError):  # no such files but on Linux; there the name of the host has to do
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    digest = hashlib.sha256(f"{host}\n{boot}\n{namespace}".encode()).hexdigest()[:10]
    shown = "".join(sign for sign in host[:_HOST_CHARS] if sign.isprintable() and sign != ":")
    return f"{shown}-{digest}"


def _told(number: int) -> tuple[str, str]:
    """Return the state of a process and when it was started, in ticks since the boot; ("", "") where nothing is told."""
    try:
        told = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    # The name of the command stands in brackets and may hold anything; state and start are the 1st and 20th fact after
    # it (proc(5)).
    facts = told.rpartition(")")[2].split()
    return (facts[0], facts[19]) if len(facts) > 19 and facts[19].isdigit() else ("", "")
