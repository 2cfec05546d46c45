"""When a recipe's report is due: the newest of its periods that is over, and the day that the report is of. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from biblio.clock import months_after
from biblio.observatory import Recipe

_QUARTER = 3
"""Months."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One time that a recipe is made: for which period, of which day, and from when on."""

    recipe: str
    period: str
    as_of: date
    due_on: date

    @property
    def key(self) -> tuple[str, str]:
        """What is made once: recipe and period."""
        return self.recipe, self.period


def newest_turn(recipe: Recipe, today: date) -> Turn | None:
    """Return the newest turn that is due on ``today``; its day is over, so the report can be built again at any time.

    Only the newest is made up for after a pause. A report of the end of 2026 that is made in January 2027 is of the
    period "2026"; one that is made on 1 March 2027 as known on that day is of "2027".
    """
    month = date(today.year, today.month, 1)
    for back in range(13):
        turn = _made_in(recipe, months_after(month, -back))
        if turn is not None and turn.due_on <= today:
            return turn
    return None


def next_turn(recipe: Recipe, today: date) -> Turn:
    """Return the first turn that is not due yet."""
    month = date(today.year, today.month, 1)
    turns = (_made_in(recipe, months_after(month, ahead)) for ahead in range(-1, 26))
    return next(turn for turn in turns if turn is not None and turn.due_on > today)


def _made_in(recipe: Recipe, month: date) -> Turn | None:
    """Return the turn that is made in this month (its first day), if there is one."""
    on = month.replace(day=recipe.day)
    if recipe.as_of == "quarter_end":
        if month.month % _QUARTER != 1:
            return None
        ended = month - timedelta(days=1)
        return Turn(recipe.key, f"{ended.year}-Q{ended.month // _QUARTER}", ended, on)
    if recipe.as_of == "year_end":
        if month.month != (recipe.month or 1):
            return None
        return Turn(recipe.key, f"{month.year - 1}", date(month.year - 1, 12, 31), on)
    if recipe.month not in (None, month.month):
        return None
    period = f"{month.year}" if recipe.month else f"{month:%Y-%m}"
    return Turn(recipe.key, period, on, on + timedelta(days=1))
