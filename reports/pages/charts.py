"""The pictures of a report, drawn for light and dark pages, and each to take along as SVG, PNG, CSV or Vega-Lite."""

from __future__ import annotations

import json

from flask import Response, make_response

from biblio.charts import THEMES
from biblio.errors import NotFound
from biblio.webkit import file_response
from reports.document import Chart, Table
from reports.files import charts
from reports.pages.shown import Shown, shown_of

LOOKS = tuple(f"{theme}{width}" for theme in THEMES for width in ("", "-narrow"))
"""For which pages pictures are drawn: light and dark ones, on a laptop and on a phone."""

TAKEN = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv", "json": "application/json"}
"""What a picture is offered as, and the media type of each; "json" is Vega-Lite."""


def chart(theme: str, table: str, number: int, look: str, snapshot: int | None = None) -> Response:
    """Draw a picture for a light or dark page, or for one of them on a phone ("light-narrow")."""
    shown = shown_of(snapshot)
    found, drawn = _chart(shown, theme, table, number)
    page, _, narrow = look.partition("-")

    def draw() -> str:
        return charts.svg(found, drawn, page, shown.report.definitions, is_narrow=bool(narrow))

    kept_as = theme, table, number, look, shown.hidden.papers
    response = make_response(shown.live.kept(kept_as, draw) if shown.live else draw())
    response.mimetype = "image/svg+xml"
    response.headers["Cache-Control"] = "private, max-age=60" if shown.live else "private, max-age=86400"
    return response


def chart_file(theme: str, table: str, number: int, kind: str, snapshot: int | None = None) -> Response:
    """Give a picture, or the numbers it was drawn from, as a file."""
    shown = shown_of(snapshot)
    found, drawn = _chart(shown, theme, table, number)
    if kind not in TAKEN:
        raise NotFound(f"A picture is given as {', '.join(TAKEN)}.")
    content: str | bytes
    if kind == "svg":
        content = charts.svg(found, drawn, definitions=shown.report.definitions)
    elif kind == "png":
        content = charts.png(found, drawn, shown.report.definitions)
    elif kind == "csv":
        content = charts.as_csv(found)
    else:
        content = json.dumps(charts.spec(found, drawn, shown.report.definitions), ensure_ascii=False, indent=1)
    return file_response(content, f"{theme}-{table}-{number}-{shown.report.as_of}.{kind}", TAKEN[kind])


def _chart(shown: Shown, theme: str, table: str, number: int) -> tuple[Table, Chart]:
    found = shown.table(theme, table)
    if not 1 <= number <= len(found.charts):
        raise NotFound(f"“{found.title}” has {len(found.charts)} pictures; they are counted from 1.")
    return found, found.charts[number - 1]
