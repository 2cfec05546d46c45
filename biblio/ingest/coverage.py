"""How the harvest stands: per source the last run, what was refused, what quota is left, and which days are missing.

A span of days counts as fetched when everything its pages promised came; a span that was begun and not finished is a
hole like one that was never asked for.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.store.models import HarvestPage, HarvestRefusal, JobRun, Quota

SOURCES = {"registry": "Project registry", "arxiv": "arXiv", "ads": "ADS"}
"""The services that are harvested, with the names pages show."""

_BY_RUN = frozenset({"ads"})
"""Sources whose window is that of a whole run of several searches: all of it came when the last page did."""

Span = tuple[date, date]
"""First and last day, both included."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source stands; the counts are those of its last run."""

    source: str
    label: str
    last_at: datetime | None = None
    run: JobRun | None = None
    is_complete: bool = False
    pages: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    refused: int = 0
    ignored: int = 0
    refused_ever: int = 0
    quotas: tuple[Quota, ...] = ()


def source_states(session: Session) -> list[SourceState]:
    """Return the state of every service, and of every file list that was imported."""
    last_pages = dict(
        session.execute(
            sa.select(col(HarvestPage.source), sa.func.max(col(HarvestPage.id))).group_by(HarvestPage.source)
        ).all()
    )
    refused = dict(
        session.execute(sa.select(col(HarvestRefusal.source), sa.func.count()).group_by(HarvestRefusal.source)).all()
    )
    quotas = session.exec(select(Quota).order_by(col(Quota.endpoint))).all()
    states = []
    for source in [*SOURCES, *sorted(set(last_pages) - set(SOURCES))]:
        left = tuple(q for q in quotas if q.service == source)
        if source not in last_pages:
            states.append(SourceState(source, _label(source), refused_ever=refused.get(source, 0), quotas=left))
            continue
        states.append(_state(session, source, last_pages[source], refused.get(source, 0), left))
    return states


def _label(source: str) -> str:
    return SOURCES.get(source, f"List “{source}”")


def _state(session: Session, source: str, page_id: int | None, refused: int, quotas: tuple[Quota, ...]) -> SourceState:
    page = session.get_one(HarvestPage, page_id)
    summed = ("records", "new", "changed", "refused", "ignored")
    row = session.execute(
        sa.select(
            sa.func.count(), *(sa.func.coalesce(sa.func.sum(getattr(HarvestPage, name)), 0) for name in summed)
        ).where(col(HarvestPage.source) == source, col(HarvestPage.job_run_id) == page.job_run_id)
    ).one()
    run = session.get(JobRun, page.job_run_id) if page.job_run_id is not None else None
    return SourceState(
        source=source,
        label=_label(source),
        last_at=page.fetched_at,
        run=run,
        is_complete=page.is_last,
        pages=int(row[0]),
        refused_ever=refused,
        quotas=quotas,
        **{name: int(value) for name, value in zip(summed, row[1:], strict=True)},
    )


def fetched_spans(session: Session, source: str, since: date) -> list[Span]:
    """Return the spans of days of which everything promised came, joined and in order.

    A source asked without days (its first full search) covers all days from ``since`` to the day it ended.
    """
    spans = _fetched_windows(session, source)
    whole = select(sa.func.max(col(HarvestPage.fetched_at))).where(
        col(HarvestPage.source) == source, col(HarvestPage.window_from).is_(None), col(HarvestPage.is_last)
    )
    ended_at = session.exec(whole).one()
    if ended_at is not None:
        spans.append((since, ended_at.date()))
    return joined(spans)


def _fetched_windows(session: Session, source: str) -> list[Span]:
    """Return the windows of which everything came.

    What came is counted once per place, so that a page asked for twice does not make up for another; a refusal of the
    page itself ("2 of 500 promised entries are missing") is no entry that came.
    """
    of_page = (
        sa.select(sa.func.count())
        .where(
            col(HarvestRefusal.source) == col(HarvestPage.source),
            col(HarvestRefusal.place) == col(HarvestPage.place),
            col(HarvestRefusal.job_run_id) == col(HarvestPage.job_run_id),
            col(HarvestRefusal.key).is_(None),
        )
        .correlate(HarvestPage)
        .scalar_subquery()
    )
    came = col(HarvestPage.records) + col(HarvestPage.refused) + col(HarvestPage.ignored) - of_page
    rows = session.execute(
        sa.select(
            col(HarvestPage.window_from),
            col(HarvestPage.window_to),
            sa.func.max(came),
            sa.func.max(col(HarvestPage.promised)),
            sa.func.max(sa.case((col(HarvestPage.is_last), 1), else_=0)),
        )
        .where(col(HarvestPage.source) == source, col(HarvestPage.window_from).is_not(None))
        .group_by(col(HarvestPage.window_from), col(HarvestPage.window_to), col(HarvestPage.place))
    )
    seen: dict[Span, tuple[int, int, int]] = {}
    for first, last, entries, promised, ended in rows:
        before = seen.get((first, last), (0, 0, 0))
        seen[first, last] = (before[0] + entries, max(before[1], promised or 0), max(before[2], ended))
    if source in _BY_RUN:
        return [span for span, (_, _, ended) in seen.items() if ended]
    return [span for span, (entries, promised, _) in seen.items() if entries >= promised]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans that touch or overlap; they come out in order."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + _DAY:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def holes(spans: Sequence[Span], since: date, until: date) -> list[Span]:
    """Return the days between ``since`` and ``until`` that no span covers, as spans."""
    missing: list[Span] = []
    at = since
    for first, last in spans:
        if first > at:
            missing.append((at, min(first - _DAY, until)))
        at = max(at, last + _DAY)
    if at <= until:
        missing.append((at, until))
    return [(first, last) for first, last in missing if first <= last]


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


def source_calendar(session: Session, source: str, since: date, today: date) -> SourceCalendar:
    """Return the calendar of one source from ``since`` to today."""
    spans = fetched_spans(session, source, since)
    # Today is not over, and yesterday's papers are announced tonight: neither is a hole yet.
    missing = holes(spans, since, today - 2 * _DAY)
    years = [
        (year, [_month(year, month, spans, since, today) for month in range(1, 13)])
        for year in range(today.year, since.year - 1, -1)
    ]
    return SourceCalendar(source, _label(source), years, missing, spans)


def _month(year: int, month: int, spans: Sequence[Span], since: date, today: date) -> Month:
    first = max(date(year, month, 1), since)
    last = min(date(year, month, calendar.monthrange(year, month)[1]), today)
    if last < first:
        return Month(month, 0, 0)
    fetched = sum(max(0, (min(last, b) - max(first, a)).days + 1) for a, b in spans)
    return Month(month, fetched, (last - first).days + 1)


def refusals(source: str | None = None) -> Any:
    """Select what could not be read, newest first."""
    query = sa.select(HarvestRefusal).order_by(col(HarvestRefusal.id).desc())
    return query if source is None else query.where(col(HarvestRefusal.source) == source)
