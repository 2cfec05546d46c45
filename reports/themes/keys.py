"""Keys of rows that are named by data: short, stable, and safe in an address."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

_OTHER = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def key_of(name: str) -> str:
    """Return ``name`` as the key of a row: lower case, words joined by "_", accents dropped.

    "Disks and planet formation" and "disks  and Planet formation" have the same key. A name without a letter or figure
    of the Latin alphabet gets one made of its hash, so that two such names stay two rows.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    key = _OTHER.sub("_", plain).strip("_")
    return key or "x" + hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:8]
