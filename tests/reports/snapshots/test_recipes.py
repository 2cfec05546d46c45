"""When a recipe's report is due, and of which day it is: on the calendar's odd days, too."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from biblio.observatory import Recipe, available, load
from biblio.observatory.profile import Reports
from reports.recipes import Turn, newest_turn, next_turn


def recipe(**changes: Any) -> Recipe:
    """Return a recipe for the end of each year."""
    return Recipe(**{"key": "r", "name": "Report", "as_of": "year_end", **changes})


CASES = [
    (recipe(), "2027-01-01", "2026", "2026-12-31"),
    (recipe(), "2026-12-31", "2025", "2025-12-31"),
    (recipe(month=3, day=10), "2027-03-09", "2025", "2025-12-31"),
    (recipe(month=3, day=10), "2027-03-10", "2026", "2026-12-31"),
    (recipe(as_of="quarter_end", day=15), "2027-01-15", "2026-Q4", "2026-12-31"),
    (recipe(as_of="quarter_end", day=15), "2027-01-14", "2026-Q3", "2026-09-30"),
    (recipe(as_of="quarter_end"), "2028-04-01", "2028-Q1", "2028-03-31"),
    (recipe(as_of="today", month=3, day=1), "2027-03-01", "2026", "2026-03-01"),
    (recipe(as_of="today", month=3, day=1), "2027-03-02", "2027", "2027-03-01"),
    (recipe(as_of="today", month=2, day=28), "2028-02-29", "2028", "2028-02-28"),
    (recipe(as_of="today", day=28), "2027-03-01", "2027-02", "2027-02-28"),
    (recipe(as_of="today", day=5), "2027-03-05", "2027-02", "2027-02-05"),
]


@pytest.mark.parametrize(("made", "today", "period", "as_of"), CASES, ids=[f"{c[0].as_of}-{c[1]}" for c in CASES])
def test_the_newest_turn_that_is_due(made: Recipe, today: str, period: str, as_of: str) -> None:
    """The period and the day of the report, reckoned by hand."""
    turn = newest_turn(made, date.fromisoformat(today))
    assert turn is not None
    assert (turn.period, turn.as_of) == (period, date.fromisoformat(as_of))


recipes = st.builds(
    recipe, as_of=st.sampled_from(["year_end", "today"]), month=st.none() | st.integers(1, 12), day=st.integers(1, 28)
) | st.builds(recipe, as_of=st.just("quarter_end"), day=st.integers(1, 28))


@given(recipes, st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_turns_follow_one_another_and_are_of_days_that_are_over(made: Recipe, today: date) -> None:
    """Always one is due; its day is over, so it can be built again; no period is skipped, none comes twice."""
    turn, coming = newest_turn(made, today), next_turn(made, today)
    assert turn is not None
    assert turn.as_of < turn.due_on <= today < coming.due_on
    assert turn.period != coming.period
    assert newest_turn(made, coming.due_on) == coming
    assert newest_turn(made, coming.due_on - timedelta(days=1)) == turn


def test_every_shipped_observatory_has_a_yearly_report() -> None:
    """The year's report needs no work of the operator but the list of its readers."""
    for name in available():
        (yearly,) = load(name).reports.recipes
        turn = newest_turn(yearly, date(2027, 6, 1))
        assert isinstance(turn, Turn)
        assert turn.due_on.year == 2027


@pytest.mark.parametrize(
    "wrong",
    [{"key": "Yearly report"}, {"as_of": "tomorrow"}, {"day": 29}, {"as_of": "quarter_end", "month": 2}, {"evil": 1}],
    ids=["key", "as_of", "day", "month", "unknown"],
)
def test_a_recipe_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """A day that not every month has, a month for a quarter, unknown words: the profile is refused."""
    with pytest.raises(ValidationError):
        recipe(**wrong)


def test_two_recipes_of_one_key_are_refused() -> None:
    """Their reports could not be told apart."""
    with pytest.raises(ValidationError, match="the same key: r"):
        Reports(recipes=(recipe(), recipe()))
