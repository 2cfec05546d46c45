"""Which projects moved a point of a curve: those that published since, that came or went, or whose time changed.

The rows behind "half had published after 2.1 years" are those that had published by then: they change with the point itself,
so that the project at which the curve happens to step would be named, and not the one that moved it. So the projects that
were timed are compared, and which of them published, as the report's own tables have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from reports.definitions.speed import CURVE_SHARE, SHARE_AFTER, TIMED_PUBLISHED, YEARS_ALL, YEARS_PUBLISHED
from reports.document import Figure, Report, Table

POINTS = frozenset({YEARS_ALL.key, YEARS_PUBLISHED.key})
"""Indicators of points in time of a curve."""

CENSORED = frozenset({YEARS_ALL.key, SHARE_AFTER.key, CURVE_SHARE.key})
"""Indicators that also move because those without a paper were watched for longer."""

_MAIN = "delivery"
_DAY = 0.002
"""Years (to three decimals) by which two times of different days differ at least."""


@dataclass(frozen=True, slots=True)
class CurveMoves:
    """Projects that moved a point of a curve, each in one part: published since, no longer, came, went, time changed."""

    published: frozenset[int]
    not_published: frozenset[int]
    came: frozenset[int]
    went: frozenset[int]
    shifted: frozenset[int]


class Timed:
    """Which projects of a report published, by where their time runs from, and when those of the main curve did."""

    def __init__(self, report: Report) -> None:
        tables = {table.key: table for theme in report.themes if theme.key == "speed" for table in theme.tables}
        self._published = _published(tables.get("basis"))
        self.times, self.is_exact = _times(tables.get("curve-points"))

    def published(self, row: str) -> frozenset[int]:
        """Return the projects that published, of a table's row; those of the main origin where the row is no origin."""
        return self._published.get(row, self._published.get(_MAIN, frozenset()))

    def has(self, row: str) -> bool:
        """Whether a row runs from an origin of its own, of which no single times are known."""
        return row in self._published and row != _MAIN


def curve_moves(row: str, old: Figure, new: Figure, then: Timed, now: Timed) -> CurveMoves:
    """Return who moved a point of a curve from ``old`` to ``new``: figures of one row of two reports."""
    before, after = frozenset((*old.ids, *old.rest)), frozenset((*new.ids, *new.rest))
    both = before & after
    if new.indicator == YEARS_PUBLISHED.key:
        ended_then = ended_now = both
        published, gone, came, went = after - before, before - after, frozenset[int](), frozenset[int]()
    else:
        ended_then, ended_now = then.published(row) & both, now.published(row) & both
        published, gone, came, went = ended_now - ended_then, ended_then - ended_now, after - before, before - after
    shifted = frozenset[int]()
    if not now.has(row) and then.is_exact is now.is_exact:
        shifted = frozenset(
            i
            for i in ended_then & ended_now
            if i in then.times and i in now.times and abs(then.times[i] - now.times[i]) > _DAY
        )
    return CurveMoves(published, gone, came, went, shifted)


def _published(table: Table | None) -> Mapping[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for row in table.rows if table else ():
        for figure in row.figures:
            if figure is not None and figure.indicator == TIMED_PUBLISHED.key:
                found[row.key] = frozenset(figure.ids)
    return found


def _times(table: Table | None) -> tuple[Mapping[int, float], bool]:
    """Return when each project's first paper came, in years, and whether to the day: a long curve is kept on a grid."""
    found: dict[int, float] = {}
    places = [place for place, column in enumerate(table.columns) if column.key == "papers"] if table else []
    if table is None or not places:
        return found, True
    points = [(float(row.key.rpartition("|")[2]), row.figures[places[0]]) for row in table.rows]
    for years, figure in points:
        found.update((i, years) for i in (figure.ids if figure else ()))
    steps = {round(b - a, 3) for (a, _), (b, _) in list(pairwise(points))[:-1]}
    return found, len(steps - {0.041, 0.042}) > 0
