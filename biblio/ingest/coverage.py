"""Coverage as pages show it: one line per source, and calendars of the days that were fetched and those that are missing.

What was asked and what came of it is worked out in ``biblio.store.coverage``, which the report reads as well.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import col, select

from biblio.ingest.ledger import SOURCES, SourceState, label_of, ledger_lines, source_states
from biblio.store.coverage import (
    CALENDARS,
    DAY,
    AskedPage,
    Asking,
    Span,
    Tally,
    askings,
    gathered,
    holes,
    joined,
    last_due_day,
    spans_of,
)
from biblio.store.models import HarvestRefusal

__all__ = [  # what `biblio status` and the pages need stands in one place
    "CALENDARS",
    "AskedPage",
    "Asking",
    "SourceState",
    "Span",
    "Tally",
    "askings",
    "gathered",
    "holes",
    "joined",
    "last_due_day",
    "ledger_lines",
    "source_states",
    "spans_of",
]

CALENDAR_LABELS = {"arxiv": "arXiv", "ads": "ADS"}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """What was asked of one source in all, and what came of it."""

    source: str
    label: str
    asked: int
    tally: Tally
    asked_at: datetime


def source_lines(listed: Sequence[Asking]) -> list[SourceLine]:
    """Return one line per source that was ever asked, in the order in which sources are asked.

    An asking that did not come whole counts no more once all of its days came otherwise.
    """
    spans = {source: spans_of([a for a in listed if a.source in doors], date.min)
             for doors in CALENDARS.values() for source in doors}  # fmt: skip
    by_source: dict[str, list[Asking]] = {}
    for asking in listed:
        days = asking.days
        if days is not None and not asking.is_whole and not holes(spans.get(asking.source, []), *days):
            continue
        by_source.setdefault(asking.source, []).append(asking)
    lines = []
    for source, found in by_source.items():
        total = Tally()
        for asking in found:
            total += asking.tally
        lines.append(SourceLine(source, label_of(source), len(found), total, max(a.asked_at for a in found)))
    order = {source: place for place, source in enumerate(SOURCES)}
    return sorted(lines, key=lambda line: (order.get(line.source, len(order)), line.source))


@dataclass(frozen=True, slots=True)
class Month:
    """One cell of the calendar: days fetched of the days there are (none before ``since`` or after today)."""

    month: int
    fetched: int
    days: int

    @property
    def state(self) -> str:
        """ "full", "part", "none", or "out" for a month outside the span asked about."""
        if self.days == 0:
            return "out"
        return "full" if self.fetched == self.days else "part" if self.fetched else "none"


@dataclass(frozen=True, slots=True)
class SourceCalendar:
    """Which days of a source were fetched, by year (newest first) and month, and what is missing."""

    source: str
    label: str
    years: list[tuple[int, list[Month]]]
    holes: list[Span] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @property
    def missing_days(self) -> int:
        """How many days are missing."""
        return sum((last - first).days + 1 for first, last in self.holes)


def source_calendar(listed: Sequence[Asking], name: str, since: date, today: date) -> SourceCalendar:
    """Return one calendar from ``since`` to yesterday."""
    spans = spans_of([a for a in listed if a.source in CALENDARS[name]], since)
    years = [
        (year, [_month(year, month, spans, since, today - DAY) for month in range(1, 13)])
        for year in range(today.year, since.year - 1, -1)
    ]
    return SourceCalendar(name, CALENDAR_LABELS[name], years, holes(spans, since, last_due_day(today)), spans)


def _month(year: int, month: int, spans: Sequence[Span], since: date, until: date) -> Month:
    first = max(date(year, month, 1), since)
    last = min(date(year, month, calendar.monthrange(year, month)[1]), until)
    if last < first:
        return Month(month, 0, 0)
    fetched = sum(max(0, (min(last, b) - max(first, a)).days + 1) for a, b in spans)
    return Month(month, fetched, (last - first).days + 1)


def refusals(source: str | None = None) -> Any:
    """Select what could not be read, newest first."""
    query = select(HarvestRefusal).order_by(col(HarvestRefusal.id).desc())
    return query if source is None else query.where(col(HarvestRefusal.source) == source)
