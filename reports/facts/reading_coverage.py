"""Up to which day everything had been harvested, and which days had not, as known at the end of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlmodel import Session

from biblio.observatory import Profile
from biblio.store.asked_for import parts_of
from biblio.store.coverage import CALENDARS, DAY, Asking, Span, askings, holes, last_due_day, spans_of
from reports.facts.model import Hole
from reports.facts.reading_links import End

NAMES: Mapping[str, str] = {"arxiv": "arXiv", "ads": "ADS"}
"""The services whose days are counted, as pages write them."""


def read_coverage(session: Session, end: End, profile: Profile) -> tuple[date | None, tuple[Hole, ...]]:
    """Return the last day up to which each service had given everything since the profile's first year, and all holes.

    A service that nobody had asked anything by then is none that this bibliography is made from: many sites go without
    a key to ADS. None: no service was asked, or one lacks the very first day.
    """
    sources = [source for doors in CALENDARS.values() for source in doors]
    since = date(profile.harvest.first_year, 1, 1)
    listed = askings(session, sources, parts_of(profile.harvest), end.moment)
    through: list[date | None] = []
    missing: list[Hole] = []
    for service, doors in CALENDARS.items():
        mine = [asking for asking in listed if asking.source in doors]
        if mine:
            spans = _ended(mine, since, end.day)
            through.append(_through(spans, since))
            lacking = holes(spans, since, last_due_day(end.day))
            missing += [Hole(NAMES.get(service, service), first, last) for first, last in lacking]
    days = [day for day in through if day is not None]
    return min(days) if days and len(days) == len(through) else None, tuple(missing)


def _ended(mine: Sequence[Asking], since: date, day: date) -> list[Span]:
    """Return the spans of days of which everything came, in order, none of them after the report's day."""
    return [(first, min(last, day)) for first, last in spans_of(mine, since) if first <= day]


def _through(spans: Sequence[Span], since: date) -> date | None:
    """Return the day before the first one that is missing."""
    last = max((last for first, last in spans if first <= since), default=None)
    return last if last is not None and last >= since - DAY else None
