"""Who sees what of papers that a second reader is to judge without knowing the first verdict, and of their projects.

Whoever may be that second reader, and everybody without a login, sees reports that are counted without such papers
(``reports.filters.without_second_readings``): the same bytes whatever the first reader decided. A frozen document counts
them and can be counted no other way, so it is closed to second readers until they have judged (``is_told``).

Everybody else sees them counted and not named, at the moment of showing: the frozen document names every row, and who
waits for a second reader changes. The old and the new number of a figure stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.models import SecondReading
from biblio.store.words import LIBRARIANS, Role
from reports.definitions.model import Indicator
from reports.document import Figure, Report, Row, RowKind, Table, Theme, paper_key
from reports.snapshots.difference import Difference, Moved, ThemeMoves

PAPER = "(a paper under second reading)"
PROJECT = "(a project with a paper under second reading)"
UNNAMED = (PAPER, PROJECT)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Numbers of the papers and projects that must not be named now."""

    papers: frozenset[int] = frozenset()
    projects: frozenset[int] = frozenset()

    def of(self, rows: RowKind) -> frozenset[int]:
        """Return those of one kind."""
        return {"papers": self.papers, "projects": self.projects, "": frozenset[int]()}[rows]


def may_read_second(role: Role | None) -> bool:
    """Whether somebody may be drawn as second reader; a stranger (None) sees no more than one."""
    return role is None or role in LIBRARIANS


def secret_since(session: Session) -> datetime | None:
    """Return when the oldest decision was made that a second reader has yet to judge, or None."""
    reading = SecondReading
    found: datetime | None = session.execute(
        sa.select(col(reading.drawn_at))
        .where(col(reading.ended_at).is_(None))
        .order_by(col(reading.drawn_at), col(reading.id))
        .limit(1)
    ).scalar()
    return found


def is_told(as_of: date, made_at: datetime, secret: datetime | None) -> bool:
    """Whether a frozen report may be seen by second readers: it knows nothing of the time since ``secret`` (``secret_since``).

    That is so whatever was decided, so that a report which is closed tells nothing either.
    """
    known_by = min(datetime.combine(as_of, time.max, tzinfo=UTC), made_at)
    return secret is None or known_by < secret


def without_hidden(report: Report, hidden: Hidden) -> Report:
    """Return the report as it may be shown: in each figure a hidden row becomes -1, -2 …, whose name says why.

    Numbers are given anew in every figure, so that nobody can follow one row from table to table.
    """
    if not hidden.papers and not hidden.projects:
        return report
    themes = tuple(
        replace(theme, tables=tuple(_table(table, report.definitions, hidden) for table in theme.tables))
        for theme in report.themes
    )
    return replace(
        report,
        themes=themes,
        projects=_names(report.projects, hidden.projects, PROJECT),
        papers=_names(report.papers, hidden.papers, PAPER),
    )


def difference_without_hidden(found: Difference, hidden: Hidden) -> Difference:
    """Return the difference as it may be shown, likewise."""
    if not hidden.papers and not hidden.projects:
        return found
    return replace(
        found,
        headline=tuple(_moved(one, hidden) for one in found.headline),
        themes=tuple(
            ThemeMoves(
                theme.key,
                theme.name,
                tuple(_moved(one, hidden) for one in theme.moved if one.at.row not in _keys(hidden)),
                theme.points,
            )
            for theme in found.themes
        ),
        projects=_names(found.projects, hidden.projects, PROJECT),
        papers=_names(found.papers, hidden.papers, PAPER),
    )


def without_hidden_rows(theme: Theme, hidden: Hidden) -> Theme:
    """Return a theme without the rows that stand for one hidden paper each; its figures keep the numbers of their rows.

    For pages, which ask for each row they list whether it may be named.
    """
    keys = _keys(hidden)
    if not any(row.key in keys for table in theme.tables for row in table.rows):
        return theme
    tables = (replace(one, rows=tuple(row for row in one.rows if row.key not in keys)) for one in theme.tables)
    return replace(theme, tables=tuple(tables))


def _table(table: Table, definitions: Mapping[str, Indicator], hidden: Hidden) -> Table:
    rows: list[Row] = []
    for row in table.rows:
        if row.key in _keys(hidden):
            continue
        figures = tuple(f and _figure(f, hidden.of(definitions[f.indicator].rows)) for f in row.figures)
        rows.append(row if figures == row.figures else replace(row, figures=figures))
    return replace(table, rows=tuple(rows))


def _keys(hidden: Hidden) -> frozenset[str]:
    """Return the keys of rows that stand for one hidden paper each: they go, as their numbers alone would tell it."""
    return frozenset(paper_key(paper) for paper in hidden.papers)


def _figure(figure: Figure, hidden: frozenset[int]) -> Figure:
    if hidden.isdisjoint(figure.ids) and hidden.isdisjoint(figure.rest):
        return figure
    ids, rest = _unnamed((figure.ids, figure.rest), hidden)
    return replace(figure, ids=ids, rest=rest)


def _moved(moved: Moved, hidden: Hidden) -> Moved:
    concerned = hidden.of(moved.rows_are)
    parts = (moved.came, moved.went, moved.base_came, moved.base_went, moved.shifted)
    old, new = (f and _figure(f, concerned) for f in (moved.old, moved.new))
    if concerned.isdisjoint(number for part in parts for number in part):
        return replace(moved, old=old, new=new)
    came, went, base_came, base_went, shifted = _unnamed(parts, concerned)
    base = replace(moved, old=old, new=new, base_came=base_came, base_went=base_went)
    return replace(base, came=came, went=went, shifted=shifted)


def _unnamed(parts: Collection[tuple[int, ...]], hidden: frozenset[int]) -> list[tuple[int, ...]]:
    """Put -1, -2 … in place of hidden rows: no number twice among the parts, each part sorted."""
    given = 0
    found = []
    for part in parts:
        kept = [number for number in part if number not in hidden]
        left = len(part) - len(kept)
        found.append((*range(-given - left, -given), *kept))
        given += left
    return found


def _names(names: Mapping[int, str], hidden: frozenset[int], words: str) -> Mapping[int, str]:
    """Return the names without those of hidden rows, and with a stand-in for as many."""
    kept = {number: name for number, name in names.items() if number not in hidden}
    count = len(names) - len(kept)
    return {**{-number: words for number in range(count, 0, -1)}, **kept}
