"""Puts rows of few projects together, so that nobody can tell apart what is in them, not even by subtracting from the whole.

Pure. A row that is only left out follows from the others and the row of all. So small rows stand together; where even
together they are few, the smallest of the others joins them. The parts still add up to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.document import Figure, Row, Table
from reports.themes.groups import ALL
from reports.themes.intervals import wilson

FEWEST = 10
"""A row of fewer projects than these does not stand alone."""

TOGETHER = "together"
"""Key of the row of the small ones."""


def put_together(table: Table, count: str) -> Table | None:
    """Return a table whose rows have ``FEWEST`` or more each, or none at all, by the column ``count``; None where all have fewer.

    Each column must count the rows' own projects, or be a share of them; no project may stand in two rows. The note says
    which rows stand together.
    """
    sizes = {row.key: len(table.figure(row.key, count).ids) for row in table.rows}
    parts = [row for row in table.rows if row.key != ALL]
    if sum(sizes[row.key] for row in parts) < FEWEST:
        return None
    small = [row for row in parts if 0 < sizes[row.key] < FEWEST]
    larger = sorted((row for row in parts if sizes[row.key] >= FEWEST), key=lambda row: sizes[row.key])
    joined = larger[:1] if small and sum(sizes[row.key] for row in small) < FEWEST else []
    if not small:
        return table
    together = [row for row in parts if row in small or row in joined]
    rest = [row for row in table.rows if row not in together]
    place = next((i for i, row in enumerate(rest) if row.key == ALL), len(rest))
    kind = table.rows_are.lower()
    name = f"Small {kind}s together"
    note = f"{name}: {_listed([row.name for row in small])}. Fewer than {FEWEST} projects do not stand alone"
    note += f", so {_listed([row.name for row in joined])} stands with them." if joined else "."
    rows = (*rest[:place], _sum(name, together), *rest[place:])
    return replace(table, rows=rows, notes=(*table.notes, note))


def _sum(name: str, rows: Sequence[Row]) -> Row:
    figures = tuple(
        _figure([f for f in column if f is not None]) for column in zip(*(r.figures for r in rows), strict=True)
    )
    return Row(TOGETHER, name, figures, is_incomplete=any(row.is_incomplete for row in rows))


def _figure(parts: Sequence[Figure]) -> Figure | None:
    """Return the count or the share of all that these count."""
    if not parts:
        return None
    ids = tuple(sorted({i for part in parts for i in part.ids}))
    rest = tuple(sorted({i for part in parts for i in part.rest}))
    young = any(part.is_incomplete for part in parts)
    if all(part.denominator is None for part in parts):
        return Figure(parts[0].indicator, len(ids), ids, is_incomplete=young)
    total = len(ids) + len(rest)
    low, high = wilson(len(ids), total) or (None, None)
    value = len(ids) / total if total else None
    return Figure(parts[0].indicator, value, ids, rest, len(ids), total, low, high, young)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
