"""The only place that asks what time it is. Everything else is handed a ``Clock``, so tests and reports choose theirs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache


class Clock:
    """The system's clock, in aware UTC."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Return today's date in UTC."""
        return self.now().date()


class FixedClock(Clock):
    """A clock that stands still until it is moved: for tests, and for replaying what was done on an earlier day."""

    def __init__(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("a clock needs an aware moment (with a time zone)")
        self._moment = moment.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment this clock stands at."""
        return self._moment

    def move(self, by: timedelta) -> None:
        """Move the clock forward (or back)."""
        self._moment += by


@lru_cache(maxsize=20_000)
def years_after(day: date, years: int) -> date:
    """Return the same calendar day ``years`` later; 29 February becomes 1 March where the year has none.

    Past the calendar's end it is its last day, so that a date no registry can mean stops nothing.
    """
    if day.year + years > date.max.year:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


@lru_cache(maxsize=20_000)
def months_after(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later, or the first of the next one where the month has no such day.

    Past the calendar's end it is its last day.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    try:
        return day.replace(year=year, month=month + 1)
    except ValueError:
        year, month = divmod(year * 12 + month + 1, 12)
        return date(year, month + 1, 1)
