"""What a chart is drawn from: the figures of a table as plain values, with the words and colours that go beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from textwrap import wrap
from typing import Any

from reports import words
from reports.definitions import INDICATORS
from reports.definitions.bibliography import PAPERS_UNCOUNTED, PROJECTS_WAITING
from reports.definitions.model import Form, Indicator
from reports.document import Chart, Column, Figure, Row, Table

PALETTE = ("#0072B2", "#DB7916", "#289E9E", "#A818F0", "#C73214", "#9684F0", "#707070", "#8F6A4A")
"""Colours that the colour-blind tell apart, each with a contrast of at least 3 with a light page and with a dark one."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
"""What marks the points of lines, in the order of the lines, so that they are told apart in grey as well."""

_OF_WHAT_WAITS = frozenset({PROJECTS_WAITING.key, PAPERS_UNCOUNTED.key})
"""Indicators that are themselves of what waits: a picture of them needs no mark that it does."""

WRAP, WRAP_NARROW = 26, 15
"""Letters of a long name that go on one line beside its bar."""

Values = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A table, how it is drawn, and what its figures mean (a frozen report brings its own definitions)."""

    table: Table
    chart: Chart
    definitions: Mapping[str, Indicator] = field(default_factory=lambda: INDICATORS)
    is_narrow: bool = False
    """Drawn to fit across a phone."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are drawn."""
        return tuple(row for row in self.table.rows if row.key not in self.chart.without)


def columns_of(drawing: Drawing) -> list[tuple[int, Column]]:
    """Return the drawn columns with their places, in the chart's order. Raises ``KeyError`` for one there is not."""
    places = {column.key: place for place, column in enumerate(drawing.table.columns)}
    return [(places[key], drawing.table.columns[places[key]]) for key in drawing.chart.columns]


def form_of(drawing: Drawing) -> Form:
    """Return how the drawn values are written: as the first column's are."""
    return words.form_of(columns_of(drawing)[0][1].indicator, drawing.definitions)


def values_of(drawing: Drawing) -> Values:
    """Return one value for each drawn figure that has one, with its row, column, interval and state.

    Rows whose name another row has too are told apart by their keys.
    """
    return [
        {"place": place, "row": name, "column": column.name, "order": order, **_value(drawing, row, figure)}
        for place, (row, name) in enumerate(zip(drawing.rows, row_names(drawing), strict=True))
        for order, (at, column) in enumerate(columns_of(drawing))
        if (figure := row.figures[at]) is not None and figure.value is not None
    ]


def row_names(drawing: Drawing) -> list[str]:
    """Return the names of the rows as the axis has them, wrapped where they are long, no two the same."""
    names = [row.name for row in drawing.rows]
    told = (n if names.count(n) == 1 else f"{n} ({row.key})" for n, row in zip(names, drawing.rows, strict=True))
    room = WRAP_NARROW if drawing.is_narrow else WRAP
    return ["\n".join(wrap(name, room, max_lines=3, placeholder=" …")) for name in told]


def _value(drawing: Drawing, row: Row, figure: Figure) -> dict[str, Any]:
    return {
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "top": figure.value if figure.high is None else figure.high,
        "state": "growing" if figure.is_incomplete or row.is_incomplete else "complete",
        "waits": words.waits(row, figure) and figure.indicator not in _OF_WHAT_WAITS,
        "said": said(drawing, figure),
        "interval": words.interval(figure, drawing.definitions),
    }


def said(drawing: Drawing, figure: Figure) -> str:
    """Return a figure for a place with little room: of a share also the counts, which say how much it is worth."""
    form = words.form_of(figure.indicator, drawing.definitions)
    if figure.numerator is None or not figure.denominator or form != "share":
        return words.shown(figure, drawing.definitions)
    return words.counts(figure, drawing.definitions)


def colours_of(drawing: Drawing) -> dict[str, Any]:
    """Return the colours of the columns by their names, as a scale."""
    columns = [column for _, column in columns_of(drawing)]
    free = iter([c for c in PALETTE if c not in drawing.chart.colours.values()] * (1 + len(columns) // 2))
    colours = [drawing.chart.colours.get(column.key) or next(free) for column in columns]
    return {"domain": [column.name for column in columns], "range": colours}


def series_of(drawing: Drawing) -> Mapping[str, Values]:
    """Return the points of each curve of a table with rows ``series|x``, by the curve's name, in the order of rows.

    A row's name is "curve, x"; what stands before the last comma names the curve (without one: the whole name, or the
    key's first part). Rows whose ``x`` is no number are no points.
    """
    found: dict[str, Values] = {}
    at = columns_of(drawing)[0][0]
    for row in drawing.rows:
        key, _, x = row.key.rpartition("|")
        figure = row.figures[at]
        if figure is None or figure.value is None or not _is_number(x):
            continue
        name = row.name.rpartition(",")[0].strip() or row.name.strip() or key
        found.setdefault(name, []).append({"series": name, "x": float(x), **_value(drawing, row, figure)})
    for points in found.values():
        points.sort(key=lambda point: point["x"])
    return found


def at_risk(drawing: Drawing) -> Values:
    """Return how many were at risk at each whole year of each curve, where the table has a column ``at_risk``."""
    places = [place for place, column in enumerate(drawing.table.columns) if column.key == "at_risk"]
    found = []
    for row in drawing.rows if places else ():
        figure = row.figures[places[0]]
        x = row.key.rpartition("|")[2]
        if figure is not None and figure.value is not None and _is_number(x) and float(x).is_integer():
            name = row.name.rpartition(",")[0].strip() or row.name.strip()
            found.append({"series": name, "x": float(x), "at_risk": words.shown(figure, drawing.definitions)})
    return found


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def segments(values: Values) -> Iterator[dict[str, Any]]:
    """Yield the pieces between neighbouring points of each column, two values each; a row without a value breaks.

    A piece is complete where both its ends are, so that the way to a growing value is not drawn as if it were known.
    """
    by_column: dict[str, Values] = {}
    for value in values:
        by_column.setdefault(value["column"], []).append(value)
    for points in by_column.values():
        for number, (first, then) in enumerate(pairwise(points)):
            if then["place"] != first["place"] + 1:
                continue
            state = "complete" if first["state"] == then["state"] == "complete" else "growing"
            yield from ({**end, "piece": f"{number}", "state": state} for end in (first, then))


def extremes(drawing: Drawing, column: int) -> tuple[Row, Row] | None:
    """Return the rows with the highest and the lowest complete value of a column; None where fewer than two have one."""
    known: Sequence[tuple[float, Row]] = [
        (figure.value, row)
        for row in drawing.rows
        if (figure := row.figures[column]) is not None
        and figure.value is not None
        and not (figure.is_incomplete or row.can_rise)
    ]
    if len(known) < 2:
        return None
    return max(known, key=lambda pair: pair[0])[1], min(known, key=lambda pair: pair[0])[1]
