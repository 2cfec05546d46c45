"""The moment as known at which a report is frozen: everything that was written down by it is stored, and can be read.

A writer asks the clock what to write down and commits a moment later. What is frozen between the two would lack what
its histories say was known by then, and could never be built again. So whoever freezes asks the clock and then waits
for those who were writing: they end in a moment, and whoever begins later writes down a later one.
"""

from __future__ import annotations

from datetime import datetime
from threading import Event

from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.locks import writers

WAIT_S = 60.0
"""How long writers are waited for; a page of a harvest is stored in a second or two."""

_LOOK_S = 0.05


def settled_moment(runtime: Runtime, *, wait_s: float = WAIT_S) -> datetime:
    """Return the present moment, once all that was written down before it is stored.

    Ask in no unit of work that writes. Raises ``RequestRefused`` where somebody writes for longer than ``wait_s``.
    """
    if runtime.store.is_sqlite:
        with runtime.store.writing():  # there is one writer at a time: now it is we
            return runtime.clock.now()
    moment = runtime.clock.now()
    waited, pause = 0.0, Event()
    under_way = _writers(runtime)
    while under_way:
        if waited >= wait_s:
            raise RequestRefused(
                f"Something is being stored for more than {wait_s:.0f} seconds, so what is known at this moment cannot be "
                "frozen. Try again when the import or harvest has ended; `biblio status` shows what runs."
            )
        pause.wait(_LOOK_S)
        waited += _LOOK_S
        under_way &= _writers(runtime)
    return moment


def _writers(runtime: Runtime) -> frozenset[str]:
    with runtime.store.reading() as session:
        return writers(session)
