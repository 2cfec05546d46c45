"""What is asked of the database when projects are judged: which day, which projects, and what to look away from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from biblio.runtime import Runtime

AT_ONCE = 1000
"""Ids handed to a database in one statement; with more, the facts of all projects are read and the others left out."""


Statement = sa.Select[*tuple[Any, ...]]
"""A select whose rows are unpacked where they are read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A question without its values. Statements are made once for each shape: making one takes longer than running it.

    Conditions here hold names of values, which ``Question.rows`` hands over.
    """

    is_past: bool
    is_few: bool
    is_ignoring: bool

    @property
    def known_by(self) -> Any:
        """The moment by which something must have been known, None for now."""
        return sa.bindparam("known_by") if self.is_past else None

    def among(self, column: Any) -> Any:
        """Return the condition that a row is about one of the projects."""
        return column.in_(sa.bindparam("projects", expanding=True)) if self.is_few else sa.true()

    def learned(self, column: Any) -> Any:
        """Return the condition that a moment is not after the day."""
        return column <= sa.bindparam("known_by") if self.is_past else sa.true()

    def on_the_day(self, column: Any) -> Any:
        """Return the condition that a date is not after the day."""
        return column <= sa.bindparam("as_of")

    def not_ignored(self, column: Any) -> Any:
        """Return the condition that a campaign is not the one to look away from."""
        return column != sa.bindparam("ignoring") if self.is_ignoring else sa.true()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the database: which day, which projects (None: all), and which campaign to look away from.

    ``known_by`` is the day's last moment, None for now. ``is_blind``: the answer is seen by people who must not learn
    what a second reader has yet to judge.
    """

    as_of: date
    known_by: datetime | None
    projects: tuple[int, ...] | None = None
    ignoring: int | None = None
    is_blind: bool = True

    @property
    def few(self) -> tuple[int, ...] | None:
        """The projects asked about, where they are few enough to be named in a statement; else None."""
        return self.projects if self.projects is not None and len(self.projects) <= AT_ONCE else None

    @property
    def shape(self) -> Shape:
        """What statements that answer it look like."""
        return Shape(self.known_by is not None, self.few is not None, self.ignoring is not None)

    def rows(self, session: Session, statement: Statement, **more: object) -> sa.CursorResult[*tuple[Any, ...]]:
        """Run a statement that was made for this question's shape, with its values and ``more``."""
        values = {
            "as_of": self.as_of,
            "known_by": self.known_by,
            "projects": self.few,
            "ignoring": self.ignoring,
            **more,
        }
        return session.connection().execute(statement, values)

    def learned(self, column: Any) -> Any:
        """Return the condition that a moment is not after the day."""
        return sa.true() if self.known_by is None else column <= self.known_by


def question(
    runtime: Runtime,
    as_of: date | None,
    *,
    projects: Collection[int] | None = None,
    ignoring: int | None = None,
    is_blind: bool = True,
) -> Question:
    """Return the question for a day (None: today): what was known by its end, or is known now."""
    today = runtime.clock.today()
    day = as_of or today
    known_by = None if day >= today else datetime.combine(day, time.max, UTC)
    return Question(day, known_by, None if projects is None else tuple(projects), ignoring, is_blind)
