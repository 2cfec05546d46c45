"""Ages in whole calendar years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.clock import years_after
from reports.themes.ages import full_years, horizon, years_until
from tests.reports.facts_made import AS_OF, counted

days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@given(days, days)
def test_full_years_are_anniversaries_that_came(start: date, day: date) -> None:
    """So many anniversaries, and not one more, lie on or before the day."""
    if start <= day:
        years = full_years(start, day)
        assert years_after(start, years) <= day < years_after(start, years + 1)


@given(days, days, st.integers(0, 12))
def test_a_day_had_come_by_an_anniversary_or_not(start: date, day: date, years: int) -> None:
    """Within so many years: on or before that anniversary."""
    assert (years_until(start, day) <= years) == (day <= years_after(start, years))


@pytest.mark.parametrize(
    ("start", "day", "years"),
    [
        pytest.param(date(2017, 5, 1), date(2021, 5, 1), 4, id="on the anniversary"),
        pytest.param(date(2017, 5, 1), date(2021, 5, 2), 5, id="a day later"),
        pytest.param(date(2020, 2, 29), date(2021, 3, 1), 1, id="leap day"),
        pytest.param(date(2017, 5, 1), date(1, 1, 1), 0, id="the first day there is"),
        pytest.param(date(9999, 12, 31), date(9999, 12, 31), 0, id="the last"),
    ],
)
def test_years_until_a_paper(start: date, day: date, years: int) -> None:
    """Anniversaries, leap days and the calendar's ends."""
    assert years_until(start, day) == years


@pytest.mark.parametrize(
    ("through", "end"), [(None, AS_OF), (AS_OF + timedelta(days=9), AS_OF), (date(2025, 1, 1), date(2025, 1, 1))]
)
def test_the_horizon_is_coverage_or_the_day(through: date | None, end: date) -> None:
    """Complete-through where it is known and before the report's day."""
    assert horizon(counted(complete_through=through)) == end
