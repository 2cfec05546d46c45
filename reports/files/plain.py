"""A report as text for a terminal, as CSV with one line per figure, and as canonical JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from biblio.tables import csv_file
from reports.document import Report, Row, Table
from reports.files.addresses import headline, headline_name
from reports.if_accepted import words_beside
from reports.snapshots.canonical import to_json
from reports.snapshots.hiding import Hidden, without_hidden
from reports.words import cells, interval, shown

CSV_HEADER = (
    "theme", "table", "row", "column", "name of the row", "name of the column", "indicator",
    "value", "numerator", "denominator", "interval low", "interval high", "complete", "note",
)  # fmt: skip
"""The first four are a figure's address; the numbers are as counted, shares between 0 and 1."""

_IN_TEXT = (("fraction", "cycle"), ("papers", "year"))
"""What the text shows beside the headline: of these themes the first table whose rows are such."""


# -- text -------------------------------------------------------------------------------------------------------------


def as_table(report: Report) -> str:
    """Return what matters most as plain text for a terminal: the headline, by cycle, by year."""
    through = f"complete through {report.complete_through}" if report.complete_through else "never harvested completely"
    lines = [f"{report.observatory}: what became of the telescope time, as of {report.as_of} ({through})", ""]
    if report.notes:
        lines += [*report.notes, ""]
    for at, figure in headline(report):
        name = headline_name(report, at)
        number, span = shown(figure, report.definitions), interval(figure, report.definitions)
        lines.append(f"  {name:<44} {number:>10}  {span or figure.note}".rstrip())
        if waits := words_beside(report, at):
            lines.append(f"  {'':<44} {'':>10}  {waits}")
    for theme, rows_are in _IN_TEXT:
        table = _first(report, theme, rows_are)
        if table is not None and table.rows:
            lines += ["", f"  {table.title}", *_text_of(report, table)]
    waiting = sum(report.undecided.values())
    lines += ["", f"  Waiting for a decision, and counted in nothing above: {waiting}"]
    return "\n".join(lines)


def _first(report: Report, key: str, rows_are: str) -> Table | None:
    tables = next((theme.tables for theme in report.themes if theme.key == key), ())
    return next((table for table in tables if table.rows_are.lower() == rows_are and not table.is_long), None)


def _text_of(report: Report, table: Table) -> Iterator[str]:
    cells = [
        [row.name, *(shown(f, report.definitions) if f is not None else "" for f in row.figures)] for row in table.rows
    ]
    heads = [table.rows_are, *(column.name for column in table.columns)]
    widths = [max(len(line[place]) for line in (heads, *cells)) for place in range(len(heads))]
    yield _line(heads, widths)
    for row, line in zip(table.rows, cells, strict=True):
        yield _line(line, widths) + _standing(row)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "    " + "  ".join((first, *rest)).rstrip()


def _standing(row: Row) -> str:
    """Return whether anything in a row can still grow without anything being found late, and whether much of it waits."""
    growing = row.is_incomplete or any(figure is not None and figure.is_incomplete for figure in row.figures)
    said = [word for word, is_so in (("still growing", growing), ("much of it waits", row.backlog)) if is_so]
    return f"   {', '.join(said)}" if said else ""


# -- CSV --------------------------------------------------------------------------------------------------------------


def as_csv(report: Report) -> str:
    """Return one line per figure (RFC 4180, UTF-8), its address first; no cell of it is run as a formula."""
    header = [
        *CSV_HEADER,
        f"as of {report.as_of}",
        f"complete through {report.complete_through or 'never'}",
        *report.notes,
    ]
    return csv_file(header, _csv_rows(report)).decode()


def _csv_rows(report: Report) -> Iterator[list[object]]:
    for theme in report.themes:
        for table in theme.tables:
            for row in table.rows:
                for column, figure in zip(table.columns, row.figures, strict=True):
                    if figure is not None:
                        at = [theme.key, table.key, row.key, column.key, row.name, column.name, figure.indicator]
                        yield [*at, *cells(row, figure)]


# -- JSON -------------------------------------------------------------------------------------------------------------


def as_json(report: Report, hidden: Hidden | None = None) -> str:
    """Return the report as canonical JSON, in which rows that are hidden have no name; the numbers stay what they are.

    Without ``hidden`` these are the bytes that a snapshot is kept as.
    """
    return to_json(without_hidden(report, hidden) if hidden else report).decode()
