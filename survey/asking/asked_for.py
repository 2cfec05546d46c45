"""What is asked of the database when projects are judged: which day, which projects, and what to look away from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa

from biblio.runtime import Runtime

AT_ONCE = 1000
"""Ids handed to a database in one statement; with more, the facts of all projects are read and the others left out."""


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

    def among(self, column: Any) -> Any:
        """Return the condition that a row is about one of these projects."""
        return sa.true() if self.few is None else column.in_(self.few)

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
