"""The demo's campaign of today leaves people for another one."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from typing import Any

import pytest

from biblio.clock import FixedClock
from demo import due
from tests.demo.conftest import TODAY


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four persons are due today: one since each of these days."""
    days = [date(2026, 9, 1), date(2026, 5, 1), date(2025, 12, 1), date(2020, 1, 1)]

    def plan(day: date) -> Any:
        rows = zip(itertools.count(), days, strict=False)
        asked = [
            (SimpleNamespace(project_id=n, pi=f"P{n}, A."), f"p{n}@x.example") for n, since in rows if since <= day
        ]
        return SimpleNamespace(asked=asked)

    monkeypatch.setattr(due, "due", lambda _session, _runtime, day: day)
    monkeypatch.setattr(due, "plan", plan)


@pytest.mark.usefixtures("silent")
def test_the_latest_quarter_that_leaves_enough_is_taken() -> None:
    """Not earlier than needed, and over the turn of a year."""
    runtime: Any = SimpleNamespace(clock=FixedClock(datetime.combine(TODAY, time(9), UTC)))
    session: Any = None
    assert due.day_that_leaves(session, runtime, 0) == (date(2026, 10, 1), 0)
    assert due.day_that_leaves(session, runtime, 1) == (date(2026, 7, 1), 1)
    assert due.day_that_leaves(session, runtime, 3) == (date(2025, 10, 1), 3)
    with pytest.raises(ValueError, match="fewer than 5"):
        due.day_that_leaves(session, runtime, 5)
