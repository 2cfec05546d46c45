"""The report's first page: five numbers, three pictures, what changed, and the themes."""

from __future__ import annotations

from dataclasses import dataclass

from reports.definitions.model import Indicator
from reports.document import Address, Chart, Column, Figure, Row, Table
from reports.pages.files import kinds
from reports.pages.latest import PICTURES
from reports.pages.shown import Shown, page, shown_of
from reports.pages.snapshots import since_last
from reports.themes.groups import ALL


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """One of the five numbers: its place, its figure, and the column and row that say what it is."""

    at: Address
    figure: Figure
    table: Table
    column: Column
    row: Row
    meaning: Indicator

    @property
    def name(self) -> str:
        """What it is called: as its definition, and which column where several have the same."""
        several = [column.indicator for column in self.table.columns].count(self.column.indicator) > 1
        return f"{self.meaning.name}: {self.column.name}" if several else self.meaning.name

    @property
    def words(self) -> str:
        """What it is of, where that is not everything."""
        return "" if self.row.key == ALL else self.row.name


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its theme, table and number among the table's pictures."""

    theme: str
    theme_name: str
    table: Table
    chart: Chart
    number: int


def index(snapshot: int | None = None) -> str:
    """Show what became of the telescope time."""
    shown = shown_of(snapshot)
    numbers = key_numbers(shown)
    return page(
        "reports/index.html",
        shown,
        numbers=numbers,
        pictures=pictures(shown),
        since=since_last(shown, [(number.at, number.figure) for number in numbers]),
        exports=kinds(),
        is_empty=not any(number.figure.value for number in numbers) and _is_empty(shown),
    )


def key_numbers(shown: Shown) -> list[KeyNumber]:
    """Return the numbers of the first page that this report has."""
    found = []
    for at in shown.report.headline:
        try:
            table = shown.report.theme(at.theme).table(at.table)
            figure = table.figure(at.row, at.column)
        except KeyError:
            continue
        column = next(one for one in table.columns if one.key == at.column)
        found.append(KeyNumber(at, figure, table, column, table.row(at.row), shown.define(figure.indicator)))
    return found


def pictures(shown: Shown) -> list[Picture]:
    """Return the first picture of each theme that has one on the first page."""
    found = []
    for key, name, _ in shown.contents:
        if key not in PICTURES:
            continue
        drawn = next((table for table in shown.theme(key).tables if table.charts and table.rows), None)
        if drawn is not None:
            found.append(Picture(key, name, drawn, drawn.charts[0], 1))
    return found


def _is_empty(shown: Shown) -> bool:
    """Whether there is nothing to count at all: no project was observed by the day."""
    if shown.live is not None:
        return not shown.live.counted.observed
    return not any(table.rows for key, _, _ in shown.contents for table in shown.theme(key).tables)
