"""A report as a workbook: a cover, a sheet for each theme with its tables and native charts, and the definitions.

Points of curves stand on sheets of their own at the end. The same report gives the same bytes: nothing in it is of today.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import xlsxwriter

from biblio.tables import clean
from reports.definitions.model import Form
from reports.document import Chart, Column, Figure, Report, Table, Theme
from reports.files.addresses import below, definition_of, definitions_in_order, headline, headline_name, leads_to_rows
from reports.files.drawn_values import Drawing, colours_of
from reports.files.summary import summary
from reports.if_accepted import words_beside
from reports.words import completeness, form_of

NUMBERS: dict[Form, str] = {
    "share": "0.0%",
    "decimal": "#,##0.0",
    "ratio": "#,##0.00",
    "probability": "0.000",
    "years": "0.00",
}
"""How a spreadsheet writes values of a form; all others whole."""

_NATIVE = {
    "bars": {"type": "column"},
    "stacked": {"type": "column", "subtype": "stacked"},
    "lines": {"type": "line"},
    "points": {"type": "line"},
}
_CHART_ROWS = 18
"""Rows of a sheet that a chart covers."""
_MOST_CHARTED = 40
_WIDEST = 60
_DEFINED = ("numerator", "denominator", "dates", "caveat", "example")


@dataclass(frozen=True, slots=True)
class _Part:
    """One column of a sheet that a column of the table has: its heading, and which of a figure's numbers it holds."""

    place: int
    head: str
    attribute: str


class _Book:
    """A workbook being written."""

    def __init__(self, report: Report, base: str) -> None:
        self.report = report
        self.base = base
        self.out = io.BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.book = xlsxwriter.Workbook(self.out, options)
        day = datetime.combine(report.as_of, time(), UTC)
        title = f"{report.observatory}: what became of the telescope time"
        self.book.set_properties({"title": clean(title), "created": day, "comments": f"biblio {report.version}"})
        self.bold = self.book.add_format({"bold": True})
        self.head = self.book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self.title = self.book.add_format({"bold": True, "font_size": 16})
        self.section = self.book.add_format({"bold": True, "font_size": 12})
        self.quiet = self.book.add_format({"font_color": "#666666"})
        self.wrapped = self.book.add_format({"text_wrap": True, "valign": "top"})
        self._numbers: dict[tuple[str, bool], Any] = {}
        self._names: set[str] = set()

    def number(self, form: Form, *, growing: bool = False) -> Any:
        """Return the format of a number; one that is still growing is in italics."""
        key = (NUMBERS.get(form, "#,##0"), growing)
        if key not in self._numbers:
            self._numbers[key] = self.book.add_format({"num_format": key[0], "italic": growing})
        return self._numbers[key]

    def sheet(self, name: str) -> Any:
        """Add a sheet; what a spreadsheet forbids in a name is left out, and no two are called the same."""
        plain = re.sub(r"[^A-Za-z0-9 ._-]+", " ", name).strip(" '")[:28] or "sheet"
        number, free = 2, plain
        while free.lower() in self._names:
            free, number = f"{plain[:26]} {number}", number + 1
        self._names.add(free.lower())
        return self.book.add_worksheet(free)


def as_xlsx(report: Report, base: str = "") -> bytes:
    """Return the workbook. ``base``: the address of the report's pages, to which the titles of tables lead ("": none)."""
    made = _Book(report, base)
    with made.book:
        _cover(made)
        for theme in report.themes:
            _theme(made, theme)
        _definitions(made)
        for theme in report.themes:
            for table in theme.tables:
                if table.is_long and table.rows:
                    _long(made, theme, table)
    return made.out.getvalue()


def _cover(made: _Book) -> None:
    sheet, report = made.sheet("report"), made.report
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 6, 14)
    sheet.write_string(0, 0, clean(f"{report.observatory}: what became of the telescope time"), made.title)
    facts = [
        ("As known at the end of (UTC)", report.as_of),
        ("Bibliography complete through", report.complete_through or "no day: no source was ever harvested completely"),
        ("Candidates that wait for a decision", sum(report.undecided.values())),
        ("Made by", f"biblio {report.version}"),
        ("Profile of the observatory (SHA-256)", report.profile_hash),
    ]
    for row, (name, value) in enumerate(facts, start=2):
        sheet.write_string(row, 0, name)
        sheet.write(row, 1, value if isinstance(value, int) else str(value))
    row = len(facts) + 4
    for place, head in enumerate(("", "value", "low (95 %)", "high (95 %)", "numerator", "denominator", "complete")):
        sheet.write_string(row - 1, place, head, made.head)
    for at, figure in headline(report):
        definition = definition_of(report, figure.indicator)
        sheet.write_string(row, 0, clean(headline_name(report, at)))
        style = made.number(definition.form, growing=figure.is_incomplete)
        for place, number in enumerate((figure.value, figure.low, figure.high), start=1):
            _number(sheet, row, place, number, style)
        for place, number in enumerate((figure.numerator, figure.denominator), start=4):
            _number(sheet, row, place, number, made.number("count"))
        sheet.write_string(row, 6, figure.note or ("no" if figure.is_incomplete else "yes"))
        sheet.write_string(row, 7, clean(words_beside(report, at)), made.quiet)
        row += 1
    notes = (
        "Shares are between 0 and 1, shown as percent. Numbers in italics can still grow: young cycles, the running year.",
        "Only what librarians verified is counted. What each number means stands on the sheet “definitions”.",
    )
    for extra, sentence in enumerate(summary(report), start=row + 1):
        sheet.write_string(extra, 0, clean(sentence))
        row = extra
    for extra, note in enumerate(notes, start=row + 2):
        sheet.write_string(extra, 0, note, made.quiet)


def _theme(made: _Book, theme: Theme) -> None:
    sheet = made.sheet(theme.name)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 40, 13)
    sheet.write_string(0, 0, theme.name, made.title)
    sheet.write_string(1, 0, theme.question, made.quiet)
    row = 3
    shown = [table for table in theme.tables if table.rows and not table.is_long]
    if not shown:
        sheet.write_string(row, 0, "Nothing yet.", made.quiet)
    for table in shown:
        row = _table(made, sheet, theme, table, row)


def _long(made: _Book, theme: Theme, table: Table) -> None:
    sheet = made.sheet(f"{theme.key} {table.key}")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 40, 13)
    _table(made, sheet, theme, table, 0)


def _table(made: _Book, sheet: Any, theme: Theme, table: Table, start: int) -> int:
    """Write a table with its charts from row ``start`` on; return the row where the next may begin."""
    title = clean(table.title)
    if made.base and _leads(made.report, table):
        sheet.write_url(start, 0, f"{below(made.base, theme.key)}#{table.key}", made.section, title)
    else:
        sheet.write_string(start, 0, title, made.section)
    top = start + 1
    if table.says:
        sheet.write_string(top, 0, clean(table.says), made.quiet)
        top += 1
    parts = [list(_parts(table, at)) for at in range(len(table.columns))]
    _heads(made, sheet, table, parts, top)
    for number, row in enumerate(table.rows, start=top + 1):
        sheet.write_string(number, 0, clean(row.name))
        place = 1
        states = set[str]()
        for figure, mine in zip(row.figures, parts, strict=True):
            if figure is not None:
                states.add(completeness(row, figure))
                _figure(made, sheet, (number, place), figure, mine)
            place += len(mine)
        sheet.write_string(number, place, next((state for state in ("no", "waits") if state in states), "yes"))
        notes = "; ".join(
            dict.fromkeys(
                [*(f.note for f in row.figures if f is not None and f.note), *filter(None, [row.says, row.backlog])]
            )
        )
        if notes:
            sheet.write_string(number, place + 1, clean(notes), made.quiet)
    end = top + 1 + len(table.rows)
    for note in table.notes:
        sheet.write_string(end, 0, clean(note), made.quiet)
        end += 1
    return _charts(made, sheet, table, parts, (top, end)) + 1


def _leads(report: Report, table: Table) -> bool:
    return any(f is not None and leads_to_rows(report, f) for row in table.rows for f in row.figures)


def _parts(table: Table, at: int) -> Iterable[_Part]:
    """Yield what a column of the table needs: its value, and counts and interval where any of its figures has them."""
    figures = [figure for row in table.rows if (figure := row.figures[at]) is not None]
    yield _Part(0, table.columns[at].name, "value")
    wanted = (("numerator", "numerator"), ("denominator", "of"), ("low", "low"), ("high", "high"))
    for place, (attribute, head) in enumerate(wanted, start=1):
        if any(getattr(figure, attribute) is not None for figure in figures):
            yield _Part(place, head, attribute)


def _heads(made: _Book, sheet: Any, table: Table, parts: list[list[_Part]], row: int) -> None:
    sheet.write_string(row, 0, clean(table.rows_are), made.head)
    place = 1
    for mine in parts:
        for part in mine:
            sheet.write_string(row, place, clean(part.head), made.head)
            place += 1
    sheet.write_string(row, place, "complete", made.head)


def _figure(made: _Book, sheet: Any, at: tuple[int, int], figure: Figure, parts: list[_Part]) -> None:
    form = form_of(figure.indicator, made.report.definitions)
    for place, part in enumerate(parts, start=at[1]):
        is_count = part.attribute in ("numerator", "denominator")
        style = made.number("count" if is_count else form, growing=figure.is_incomplete and not is_count)
        _number(sheet, at[0], place, getattr(figure, part.attribute), style)


def _number(sheet: Any, row: int, place: int, value: float | None, style: Any) -> None:
    if value is not None:
        sheet.write_number(row, place, value, style)


def _charts(made: _Book, sheet: Any, table: Table, parts: list[list[_Part]], rows: tuple[int, int]) -> int:
    """Draw what a spreadsheet can draw below the table; curves it cannot. Return the row where the next may begin."""
    top, end = rows
    if not table.rows or len(table.rows) > _MOST_CHARTED:
        return end
    drawn = [chart for chart in table.charts if chart.kind in _NATIVE]
    for number, chart in enumerate(drawn):
        made_chart = made.book.add_chart(_NATIVE[chart.kind])
        for place, column, colour in _drawn_columns(table, chart, parts):
            left_out = sum(row.key in chart.without for row in table.rows)  # these stand last
            cells = (top + 1, top + len(table.rows) - left_out)
            series = {
                "name": clean(column.name),
                "categories": [sheet.get_name(), cells[0], 0, cells[1], 0],
                "values": [sheet.get_name(), cells[0], place, cells[1], place],
                "line" if chart.kind in ("lines", "points") else "fill": {"color": colour},
            }
            if chart.kind == "points":
                series |= {"line": {"none": True}, "marker": {"type": "circle", "fill": {"color": colour}}}
            made_chart.add_series(series)
        made_chart.set_title({"name": clean(chart.title), "name_font": {"size": 11}})
        made_chart.set_x_axis({"name": clean(chart.x)})
        made_chart.set_y_axis({"name": clean(chart.y), "min": 0})
        made_chart.set_legend({"none": True} if len(chart.columns) == 1 else {"position": "bottom"})
        made_chart.set_size({"width": 640, "height": 330})
        sheet.insert_chart(end + 1 + number * _CHART_ROWS, 0, made_chart, {"description": clean(chart.title)})
    return end + 1 + len(drawn) * _CHART_ROWS if drawn else end


def _drawn_columns(table: Table, chart: Chart, parts: list[list[_Part]]) -> Iterable[tuple[int, Column, str]]:
    """Yield each drawn column with its place on the sheet and its colour."""
    colours = colours_of(Drawing(table, chart))["range"]
    keys = [column.key for column in table.columns]
    for key, colour in zip(chart.columns, colours, strict=True):
        at = keys.index(key)
        yield 1 + sum(map(len, parts[:at])), table.columns[at], colour


def _definitions(made: _Book) -> None:
    sheet = made.sheet("definitions")
    heads = ("name", "unit", "definition", *_DEFINED)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 16)
    sheet.set_column(2, len(heads) - 1, _WIDEST)
    sheet.freeze_panes(1, 1)
    for place, head in enumerate(heads):
        sheet.write_string(0, place, head, made.head)
    for row, indicator in enumerate(definitions_in_order(made.report), start=1):
        said = (indicator.name, indicator.unit, indicator.sentence, *(getattr(indicator, part) for part in _DEFINED))
        for place, text in enumerate(said):
            sheet.write_string(row, place, clean(text), made.wrapped)
