"""The numbers of the first page: each with its place, and with the column and row that say what it is."""

from __future__ import annotations

from dataclasses import dataclass

from reports.definitions.model import Indicator
from reports.document import Address, Column, Figure, Row, Table
from reports.if_accepted import words_beside
from reports.pages.shown import Shown
from reports.themes.groups import ALL


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """One of the five numbers: its place, its figure, and the column and row that say what it is.

    ``waits``: how far what waits for a decision could move it, in words; nothing where it could not.
    """

    at: Address
    figure: Figure
    table: Table
    column: Column
    row: Row
    meaning: Indicator
    waits: str = ""

    @property
    def name(self) -> str:
        """What it is called: as its definition, and which column where several have the same."""
        several = [column.indicator for column in self.table.columns].count(self.column.indicator) > 1
        return f"{self.meaning.name}: {self.column.name}" if several else self.meaning.name

    @property
    def words(self) -> str:
        """What it is of, where that is not everything."""
        return "" if self.row.key == ALL else self.row.name


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
        meaning, waits = shown.define(figure.indicator), words_beside(shown.report, at)
        found.append(KeyNumber(at, figure, table, column, table.row(at.row), meaning, waits))
    return found
