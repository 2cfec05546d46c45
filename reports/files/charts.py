"""The pictures of a report: a table and how it is drawn, as Vega-Lite, SVG, PNG; and the table itself as CSV.

They are handed finished figures and do no arithmetic. One thing has one colour everywhere; what is not complete is
hatched, dashed or hollow, and the picture says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from textwrap import wrap
from typing import Any

import vl_convert

from biblio.bulk import outcome
from biblio.charts import drawn, drawn_as, written
from biblio.tables import csv_file
from reports.definitions import INDICATORS
from reports.definitions.model import Indicator
from reports.document import Chart, Table
from reports.files import compared, marks
from reports.files.drawn_values import Drawing, columns_of, extremes, series_of, values_of
from reports.words import cells, shown

KINDS = {
    "bars": marks.bars,
    "stacked": marks.stacked,
    "lines": marks.lines,
    "steps": marks.steps,
    "points": marks.points,
    "compared": compared.compared,
}
"""What draws each kind of chart."""

CSV_HEADER = ("row", "column", "value", "numerator", "denominator", "interval low", "interval high", "complete", "note")

_ROOM = {"left": 20, "right": 16, "top": 8, "bottom": 8}
"""Around a picture: browsers' letters are wider than those it is laid out with."""
ON_DARK = {
    "#0072B2": "#2F86CC",
    "#00548A": "#2B74B8",
    "#3D9BD6": "#2B74B8",
    "#2F7FBC": "#4C92CC",
    "#1A66A0": "#78B3DE",
    "#0A4A7D": "#A8CDE9",
    "#062F52": "#DCEAF6",
}
"""Colours too dark for a dark page, and the same ones lighter; of a sequence all, so that it ends with what is seen best."""
_IS_DARK = re.compile(f'"({"|".join(ON_DARK)})"')
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_SCALE = 2


def spec(table: Table, chart: Chart, definitions: Mapping[str, Indicator] = INDICATORS) -> dict[str, Any]:
    """Return a picture as Vega-Lite, with its title and its data inside.

    ``definitions`` are those of the report, as all here. Raises ``KeyError`` for a column there is not.
    """
    drawing = Drawing(table, chart, definitions)
    title = {"text": wrap(chart.title, 62) or [""], "anchor": "start", "fontSize": 15, "offset": 12}
    return {"$schema": _SCHEMA, "title": title, "description": _described(drawing), **_spec(drawing)}


def svg(
    table: Table,
    chart: Chart,
    theme: str = "light",
    definitions: Mapping[str, Indicator] = INDICATORS,
    *,
    is_narrow: bool = False,
) -> str:
    """Draw a picture for a light or dark page; its title and description are for those who do not see it.

    ``is_narrow``: to fit across a phone; of a comparison, which is mostly words, it is the same. Raises ``KeyError`` for a column or a theme there is not.
    """
    drawing = Drawing(table, chart, definitions, is_narrow)
    picture = drawn(_spec(drawing), theme, title=chart.title, description=_described(drawing))
    return _IS_DARK.sub(lambda found: f'"{ON_DARK[found[1]]}"', picture) if theme == "dark" else picture


def begin_svg(
    table: Table, chart: Chart, definitions: Mapping[str, Indicator], process: Executor | None
) -> tuple[str, Callable[[], str]]:
    """Begin to draw a picture for a light page without a title in another process.

    Return all that it shows, and what waits for it; without a process, or where it is lost, it is drawn here.
    """
    told = written(_spec(Drawing(table, chart, definitions)))
    if process is None:
        return told, lambda: drawn_as(told)
    begun = process.submit(drawn_as, told)
    return told, lambda: outcome(begun) or drawn_as(told)


def png(table: Table, chart: Chart, definitions: Mapping[str, Indicator] = INDICATORS) -> bytes:
    """Draw a picture on white, its title above it: the same bytes for the same table."""
    picture = drawn(spec(table, chart, definitions), "light")
    start = picture.index(">") + 1
    white = picture[:start] + '<rect width="100%" height="100%" fill="white"/>' + picture[start:]
    made: bytes = vl_convert.svg_to_png(white, scale=_SCALE)
    return made


def as_csv(table: Table) -> str:
    """Return a table as CSV, one line per figure: value, counts, interval, whether complete. Nothing in it is run."""
    rows = (
        (row.name, column.name, *cells(row, figure))
        for row in table.rows
        for column, figure in zip(table.columns, row.figures, strict=True)
        if figure is not None
    )
    return csv_file(CSV_HEADER, rows).decode()


def described(table: Table, chart: Chart, definitions: Mapping[str, Indicator] = INDICATORS) -> str:
    """Say in words what a picture shows: what is drawn, the highest and the lowest complete value, where the table is."""
    return _described(Drawing(table, chart, definitions))


def _described(drawing: Drawing) -> str:
    chart = drawing.chart
    if chart.kind == "steps":
        curves = series_of(drawing)
        ends = [f"{name} ends at {line[-1]['said']}" for name, line in curves.items()][:6]
        said = [f"{_count(len(curves), 'curve')}.", ("; ".join(ends) + ".") if ends else ""]
    elif chart.kind == "compared":
        said = list(compared.said_in_words(drawing))
    else:
        said = [f"{_count(len(drawing.rows), 'row')} from the table.", *_extremes(drawing)]
    said += [f"{key.capitalize()}." for key in marks.keys_of(drawing)]
    return " ".join(filter(None, (*said, "The table of the same name has every number.")))


def _extremes(drawing: Drawing) -> Iterator[str]:
    for place, column in columns_of(drawing)[:4]:
        if pair := extremes(drawing, place):
            ends = (
                f"{word} {row.name} ({shown(figure, drawing.definitions)})"
                for word, row in zip(("highest", "lowest"), pair, strict=True)
                if (figure := row.figures[place]) is not None
            )
            which = ", of what no longer grows" if marks.has_growing(drawing) else ""
            yield f"{column.name}{which}: {', '.join(ends)}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def shows_something(table: Table, chart: Chart, definitions: Mapping[str, Indicator] = INDICATORS) -> bool:
    """Whether there is anything to draw; otherwise the picture says "Nothing yet"."""
    return _has_values(Drawing(table, chart, definitions))


def _has_values(drawing: Drawing) -> bool:
    if drawing.chart.kind == "compared":
        return bool(drawing.rows)
    return bool(series_of(drawing) if drawing.chart.kind == "steps" else values_of(drawing))


def _spec(drawing: Drawing) -> dict[str, Any]:
    made = KINDS[drawing.chart.kind](drawing) if _has_values(drawing) else marks.empty()
    return {"padding": _ROOM, **made}
