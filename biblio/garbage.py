"""Python's search for garbage, paused where it would find none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Pause the search while objects by the hundred thousand are made of which none is garbage.

    It would take as long as all else. Of two at once the first to leave starts it again, which costs the other time only.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
