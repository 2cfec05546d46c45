"""How many files one address may take in a while: making one of all papers takes a processor for a quarter of a minute."""

from __future__ import annotations

import math
import time
from typing import Any

from flask_limiter.util import get_remote_address
from limits import parse

from biblio import webkit
from biblio.errors import TooOften

FILES = 120
"""Files a minute, as many as answers of the API."""
LARGE_FILES = 20
"""Files an hour that hold more than ``LARGE`` rows."""
LARGE = 2_000

_ALL, _LARGE = parse(f"{FILES} per minute"), parse(f"{LARGE_FILES} per hour")


def count_file(rows: int) -> None:
    """Count a file of so many rows that is about to be made. Raises ``TooOften``, before any work, where it is one too many."""
    _count(_ALL, f"One address may take {FILES} files a minute.")
    if rows > LARGE:
        _count(_LARGE, f"One address may take {LARGE_FILES} files an hour that hold more than {LARGE:,} rows.")


def _count(rate: Any, words: str) -> None:
    window = webkit.limiter().limiter
    names = ("public-files", get_remote_address())
    if window.hit(rate, *names):
        return
    wait_s = max(1, math.ceil(window.get_window_stats(rate, *names).reset_time - time.time()))
    when = f"{wait_s} seconds" if wait_s < 120 else f"{math.ceil(wait_s / 60)} minutes"
    raise TooOften(f"{words} The next one can be had in {when}; what you have is good.", wait_s=wait_s)
