"""Makes reports for tests of files: a small one of every kind of table, counted by the themes or made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from reports import building
from reports.definitions.projects import FRACTION, OBSERVED
from reports.document import Chart, Column, Figure, Report, Row, Table
from reports.facts.counted import Counted
from reports.themes import THEMES, theme_of
from tests.reports.facts_made import counted, paper, project, unit

BARS = Chart("bars", "Share of the observed projects that published", ("fraction",), x="Cycle", y="share")


def share(published: int, observed: int, **changes: Any) -> Figure:
    """Return a publication fraction with an interval of a tenth to each side."""
    if not observed:
        return Figure(FRACTION.key, None, numerator=0, denominator=0, note="no project", **changes)
    value = published / observed
    whole = Figure(FRACTION.key, value, numerator=published, denominator=observed, **changes)
    return replace(whole, low=max(0.0, value - 0.1), high=min(1.0, value + 0.1))


def shares(names: Sequence[str], *figures: Figure | None, chart: Chart = BARS, **changes: Any) -> Table:
    """Return a table of one column of fractions."""
    columns = (Column("fraction", "Fraction", FRACTION.key),)
    rows = tuple(Row(f"r{n}", name, (figure,)) for n, (name, figure) in enumerate(zip(names, figures, strict=True)))
    return Table("shares", "Fractions", "Cycle", columns, rows, charts=(chart,), **changes)


def counts(names: Sequence[str], *rows: tuple[int, ...], kind: Any = "stacked", growing: int = 0) -> Table:
    """Return a table of counts, a column for each number of a row; the last ``growing`` rows can still grow."""
    columns = tuple(Column(f"c{n}", f"Column {n}", OBSERVED.key) for n in range(len(rows[0])))
    chart = Chart(kind, "Counts", tuple(column.key for column in columns), x="Year", y="projects")
    made = (
        Row(f"r{n}", name, tuple(Figure(OBSERVED.key, value) for value in row), is_incomplete=n >= len(rows) - growing)
        for n, (name, row) in enumerate(zip(names, rows, strict=True))
    )
    return Table("counts", "Counts", "Year", columns, tuple(made), charts=(chart,))


def curves(**series: Sequence[tuple[float, float]]) -> Table:
    """Return a table of curves: of each its points (x, share)."""
    columns = (Column("share", "Share", FRACTION.key), Column("at_risk", "At risk", OBSERVED.key))
    rows = tuple(
        Row(
            f"{name}|{x}",
            f"{name.title()}, {x} yr",
            (Figure(FRACTION.key, y, low=y / 2, high=min(1.0, y * 1.2)), Figure(OBSERVED.key, 40)),
        )
        for name, points in series.items()
        for x, y in points
    )
    chart = Chart("steps", "Published after", ("share",), x="years", y="share")
    return Table("curves", "Curves", "Curve", columns, rows, charts=(chart,), is_long=True)


def of(counted: Counted) -> Report:
    """Return the report that the themes make of what was counted."""
    return building.report_of(counted, tuple(theme_of(counted, key) for key in THEMES))


@cache
def small() -> Report:
    """Return the report of six projects of two cycles, four published, by five papers, one young cycle; made once."""
    old = [project(n, category="Disks", units=(unit(n),)) for n in range(1, 5)]
    young = [
        project(
            n,
            code=f"2025.1.{n:05d}.S",
            cycle="2025.1",
            units=(unit(n, delivered=date(2026, 1, 5), released=date(2027, 1, 5)),),
        )
        for n in (5, 6)
    ]
    papers = [paper(n, citations=10 * n) for n in range(1, 6)]
    links = [(1, 1), (2, 1), (3, 2), (4, 3), (5, 5)]
    return of(counted([*old, *young], papers, links, complete_through=date(2026, 11, 1)))


@cache
def nothing() -> Report:
    """Return the report of an observatory that has not observed yet; made once."""
    return of(counted())
