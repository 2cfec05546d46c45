"""Finding words in text columns, the same on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def holds(column: Any, word: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text column holds ``word``, whatever its case; wildcards in it are plain characters.

    SQLite folds the case of ASCII letters only, so any other letter of the word matches any one character: "Çelik"
    finds "ÇELIK", and "Celik" too.
    """
    pattern = "".join(f"\\{c}" if c in "\\%_" else c if c.isascii() else "_" for c in word.lower())
    return sa.func.lower(column).like(f"%{pattern}%", escape="\\")
