"""One page per theme, one per table, and what each number means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from flask import Response

from biblio.tables import csv_file, xlsx_file
from biblio.webkit import XLSX, file_response, paginate_list
from reports.definitions import INDICATORS
from reports.definitions.bibliography import WITHIN_IF
from reports.definitions.model import Indicator
from reports.definitions.projects import PUBLISHED_WITHIN, PUBLISHED_WITHIN_TIME
from reports.definitions.speed import SHARE_AFTER, YEARS_ALL
from reports.document import Row, Table
from reports.pages.shown import Shown, page, shown_of
from reports.words import cells

FIRST_ROWS = 40
"""Rows of a long table that stand on its theme's page; the table's own page has them all."""

TABLE_HEADER = ("row", "column", "value", "numerator", "denominator", "low", "high", "complete", "note")

GROWS = "can rise without anything being found late."
_NOT_ALL_OLD = "fewer projects count at this age than were observed, for some are not that old yet; each counts from the day it is."
_NOT_ALL_WATCHED = "fewer than 95 % of its projects could be watched for so long, so the value rests on the earliest ones and may change."
GROWS_OTHERWISE = {
    **dict.fromkeys((PUBLISHED_WITHIN.key, PUBLISHED_WITHIN_TIME.key, WITHIN_IF.key), _NOT_ALL_OLD),
    **dict.fromkeys((SHARE_AFTER.key, YEARS_ALL.key), _NOT_ALL_WATCHED),
}
"""By which rule a figure is marked as still growing, by its indicator, where that is another one than ``GROWS`` says."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table as it stands on a page: the rows that are shown, and what its columns mean.

    ``rules`` say why figures are marked as still growing, one sentence for each rule; ``waiting`` are those of the rows of which much waits for a decision.
    ``told_before``: keys of definitions that stand whole at an earlier table of the page.
    """

    table: Table
    rows: Sequence[Row]
    meanings: tuple[Indicator, ...]
    rules: tuple[str, ...] = ()
    waiting: tuple[Row, ...] = ()
    told_before: frozenset[str] = frozenset()

    @property
    def is_cut(self) -> bool:
        """Whether the table has more rows than stand here."""
        return len(self.rows) < len(self.table.rows)


def theme(theme: str, snapshot: int | None = None) -> str:
    """Show one theme: its tables, their pictures and what they mean."""
    shown = shown_of(snapshot)
    found = shown.theme(theme)
    sections: list[Section] = []
    told: set[str] = set()
    for table in found.tables:
        sections.append(replace(_section(shown, table), told_before=frozenset(told)))
        told.update(indicator.key for indicator in sections[-1].meanings)
    return page("reports/theme.html", shown, subject=found, sections=sections, is_empty=_is_empty(shown, theme))


OF_ITSELF = ("comparison", "bibliography")
"""Themes that say something where nothing was counted: what others published, and what was harvested."""


def _is_empty(shown: Shown, theme: str) -> bool:
    """Whether a theme has nothing but zeros to show: no project was observed, no paper is counted and nobody answered."""
    if shown.live is None or theme in OF_ITSELF:
        return False
    counted = shown.live.counted
    return not (counted.observed or counted.refereed or counted.facts.answers)


def table(theme: str, table: str, snapshot: int | None = None) -> str:
    """Show one table with all its rows."""
    shown = shown_of(snapshot)
    found = shown.table(theme, table)
    listed = paginate_list(found.rows, size=200, exports=())
    return page(
        "reports/table.html",
        shown,
        subject=shown.theme(theme),
        section=_section(shown, found, listed.items),
        page=listed,
    )


def table_file(theme: str, table: str, kind: str, snapshot: int | None = None) -> Response:
    """Give a table as a file: one line per figure, with its counts, interval and notes."""
    shown = shown_of(snapshot)
    found = shown.table(theme, table)
    day = shown.report.as_of
    lines = [
        (row.name, column.name, *cells(row, figure))
        for row in found.rows
        for column, figure in zip(found.columns, row.figures, strict=True)
        if figure is not None
    ]
    name, header = f"{theme}-{table}-{day}", (*TABLE_HEADER, f"as of {day}")
    if kind == "xlsx":
        return file_response(xlsx_file(name, header, lines), f"{name}.xlsx", XLSX)
    return file_response(csv_file(header, lines), f"{name}.csv", "text/csv")


def definitions(snapshot: int | None = None) -> str:
    """Show what each number means."""
    if snapshot is None:
        return page("reports/definitions.html", indicators=INDICATORS.values())
    shown = shown_of(snapshot)
    return page("reports/definitions.html", shown, indicators=shown.report.definitions.values())


def _section(shown: Shown, table: Table, rows: Sequence[Row] | None = None) -> Section:
    if rows is None:
        rows = table.rows[:FIRST_ROWS] if table.is_long else table.rows
    waiting = tuple(row for row in rows if row.backlog)
    return Section(table, rows, meanings(shown, table), tuple(dict.fromkeys(growing(rows))), waiting)


def meanings(shown: Shown, table: Table) -> tuple[Indicator, ...]:
    """Return the definitions of a table's columns, each once."""
    return tuple(shown.define(key) for key in dict.fromkeys(column.indicator for column in table.columns))


def growing(rows: Iterable[Row]) -> Iterable[str]:
    """Yield for every row and figure that can still grow by which rule it is said to."""
    for row in rows:
        for figure in row.figures:
            if figure is not None and (figure.is_incomplete or row.is_incomplete):
                yield GROWS_OTHERWISE.get(figure.indicator, GROWS)
