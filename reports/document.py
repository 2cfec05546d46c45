"""What a report is: themes of tables of figures, each figure with its definition and the rows it was counted from.

It is frozen and plain: themes (``reports.themes``) make it, ``reports.snapshots`` keeps it as canonical JSON and reads
it back, and pages and files draw it. Those that draw it do no arithmetic, so that all of them show the same number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from reports.definitions.model import Indicator

RowKind = Literal["projects", "papers", ""]
"""What stands behind a figure; "": nothing may, or nothing does."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report.

    ``indicator`` is the key of its definition. ``value`` None: there is none (nothing to divide by, or a point in time
    not reached: ``note`` says which); then ``beyond`` is what it is known to be more than, and ``low`` and ``high``
    together what it lies between, where that is known. ``ids`` are the rows that were counted, ``rest`` those of the denominator that
    were not: of a fraction the projects that published, and those that did not. Both are sorted. ``is_incomplete``: it
    can still grow without anything being found late (young cycle, running year). ``low`` and ``high`` bound its 95 %
    interval, in the unit of ``value``.
    """

    indicator: str
    value: float | int | None
    ids: tuple[int, ...] = ()
    rest: tuple[int, ...] = ()
    numerator: float | int | None = None
    denominator: float | int | None = None
    low: float | None = None
    high: float | None = None
    is_incomplete: bool = False
    note: str = ""
    beyond: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: ``key`` is its part of a figure's address, ``indicator`` what its figures are."""

    key: str
    name: str
    indicator: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: what it is of, and a figure for each column (None: it has no such figure).

    ``backlog`` is a sentence on what waits for a decision where that is much: the row is marked as one that can still
    grow is. It belongs to the row, as undecided candidates change no figure. ``says`` is what must be read with the
    row's figures, and stands beside them wherever they are shown.
    """

    key: str
    name: str
    figures: tuple[Figure | None, ...]
    is_incomplete: bool = False
    backlog: str = ""
    says: str = ""

    @property
    def can_rise(self) -> bool:
        """Whether all of the row may rise without anything being found late: it is young, or much of it waits."""
        return self.is_incomplete or bool(self.backlog)


ChartKind = Literal["bars", "stacked", "lines", "steps", "points", "compared"]
"""bars: one column, with intervals; stacked: columns upon one another; lines: columns over the rows; steps: survival
curves, one per ``series`` of the rows; points: values with intervals; compared: ours (the first column) and what others
published (the second), each row on its own with what it says."""


@dataclass(frozen=True, slots=True)
class Chart:
    """How a table is drawn. ``columns`` are the keys of those that are; ``title`` is one sentence with what one sees."""

    kind: ChartKind
    title: str
    columns: tuple[str, ...]
    x: str = ""
    """What the rows are, as the axis says it."""
    y: str = ""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Column → colour (#rrggbb), where a thing has one colour everywhere."""
    without: tuple[str, ...] = ()
    """Keys of rows that are not drawn: a whole beside its parts."""
    otherwise: tuple[str, ...] = ()
    """Keys of rows whose two figures are not defined alike: they stand apart in the picture, and hollow."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and columns of figures. ``rows_are`` names the first column; ``says`` is one sentence on how to read it.

    ``is_long``: too long to stand open on a page (the points of a curve). Of a chart with steps each row is one point:
    its ``key`` is ``series|x``, its ``name`` "name of the curve, x" (the name holds no comma), its figure's ``low`` and
    ``high`` are the band, and the value holds from ``x`` on until the next point.
    """

    key: str
    title: str
    rows_are: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    says: str = ""
    charts: tuple[Chart, ...] = ()
    is_long: bool = False
    notes: tuple[str, ...] = ()

    def row(self, key: str) -> Row:
        """Return the row called ``key``. Raises ``KeyError``."""
        return next((row for row in self.rows if row.key == key), None) or _missing(key)

    def figure(self, row: str, column: str) -> Figure:
        """Return one figure. Raises ``KeyError`` where there is none."""
        for one, figure in zip(self.columns, self.row(row).figures, strict=True):
            if one.key == column and figure is not None:
                return figure
        raise KeyError(f"{self.key}/{row}/{column}")


@dataclass(frozen=True, slots=True)
class Theme:
    """One page of a report: the question it answers, and its tables."""

    key: str
    name: str
    question: str
    tables: tuple[Table, ...]

    def table(self, key: str) -> Table:
        """Return the table called ``key``. Raises ``KeyError``."""
        return next((table for table in self.tables if table.key == key), None) or _missing(key)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a figure stands, the same in a page's address, in a snapshot and in a difference of two."""

    theme: str
    table: str
    row: str
    column: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was counted, as known at the end of ``as_of`` (UTC).

    ``complete_through`` is the day up to which all sources were harvested without a hole (None: no source ever);
    ``headline`` the addresses of the first page's five numbers. ``projects`` and ``papers`` name every row that a
    figure leads to: id → code, id → bibcode, DOI or arXiv number. ``undecided`` counts what waits at the desk by band.
    ``definitions`` are those of its figures, as they were when it was counted: a frozen one keeps its own. ``notes`` are
    sentences that must be read with all of its numbers.
    """

    as_of: date
    complete_through: date | None
    observatory: str
    version: str
    profile_hash: str
    undecided: Mapping[str, int]
    headline: tuple[Address, ...]
    themes: tuple[Theme, ...]
    projects: Mapping[int, str] = field(repr=False)
    papers: Mapping[int, str] = field(repr=False)
    definitions: Mapping[str, Indicator] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    def theme(self, key: str) -> Theme:
        """Return the theme called ``key``. Raises ``KeyError``."""
        return next((theme for theme in self.themes if theme.key == key), None) or _missing(key)

    def figure(self, at: Address) -> Figure:
        """Return the figure at an address. Raises ``KeyError``."""
        return self.theme(at.theme).table(at.table).figure(at.row, at.column)

    def called(self, at: Address) -> str:
        """Return what a figure is called where it stands alone: its indicator, with its column where several have that.

        Raises ``KeyError`` for an address there is not.
        """
        table, figure = self.theme(at.theme).table(at.table), self.figure(at)
        name = self.definitions[figure.indicator].name
        alike = [column for column in table.columns if column.indicator == figure.indicator]
        column = next((column.name for column in alike if column.key == at.column), "")
        return f"{name}: {column}" if len(alike) > 1 and column else name

    def figures(self) -> Iterator[tuple[Address, Figure]]:
        """Yield every figure with its address, in the order of the pages."""
        for theme in self.themes:
            for table in theme.tables:
                for row in table.rows:
                    for column, figure in zip(table.columns, row.figures, strict=True):
                        if figure is not None:
                            yield Address(theme.key, table.key, row.key, column.key), figure


def _missing(key: str) -> Any:
    raise KeyError(key)


def paper_key(paper: int) -> str:
    """Return the key of a row that stands for one paper; its name must go where the paper may not be named."""
    return f"p{paper}"
