"""Figures and tables of curves of waiting times: shares, points in time, numbers at risk, each with its projects."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reports.definitions.model import Indicator
from reports.definitions.speed import (
    CURVE_EVENTS,
    CURVE_SHARE,
    CURVE_WAITING,
    SHARE_AFTER,
    STILL_WAITING,
    YEARS_ALL,
)
from reports.document import Column, Figure, Row
from reports.facts.counted import DAYS_PER_YEAR
from reports.themes.durations import Timed
from reports.themes.survival import Curve, Estimate, Floats, curve

FEW = 10
"""Where fewer projects of a larger group could be watched so long, a figure says so."""

MOST_STEPS = 400
"""A curve of more steps than this is shown by its values on a grid of half months, which no eye can tell apart."""

MOST_YEARS = 60
"""Nothing was watched for longer: a date is wrong, and a row for each year since would tell nobody anything."""

NOT_REACHED = "not reached"
NOBODY = "no projects"
NOT_WATCHED = "nobody without a paper was watched so long"

POINTS = (
    Column("share", "Share published", CURVE_SHARE.key),
    Column("at_risk", "At risk", CURVE_WAITING.key),
    Column("papers", "First papers since the point before", CURVE_EVENTS.key),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Projects with their times, and the curve of them."""

    timed: Timed
    curve: Curve

    @classmethod
    def of(cls, timed: Timed) -> Waiting:
        """Return the projects with their Kaplan–Meier curve."""
        return cls(timed, curve(timed.times))

    @property
    def longest(self) -> float:
        """Longest time that is shown, in days: the longest watched; 0 of nobody."""
        return shown_until(self.timed.times.durations)


def shown_until(durations: Floats) -> float:
    """Return up to which day a curve is shown: the longest duration, but no mistyped century."""
    return min(float(durations.max()), MOST_YEARS * DAYS_PER_YEAR) if len(durations) else 0.0


def whole_years(durations: Floats) -> range:
    """Return the whole years of a curve, from 0."""
    return range(int(shown_until(durations) / DAYS_PER_YEAR) + 1)


def counting(indicator: Indicator, ids: tuple[int, ...], rest: tuple[int, ...] = ()) -> Figure:
    """Return the number of ``ids``."""
    return Figure(indicator.key, len(ids), ids, rest)


def rounded(value: float | None) -> float | None:
    """Return a value to nine decimals: the last bits of logarithms differ between processors, a report may not."""
    return None if value is None else round(float(value), 9) + 0.0


def share_after(waiting: Waiting, years: float, *, marks: bool = True) -> Figure:
    """Return the share published after so many years. ``marks``: a group not watched so long is incomplete."""
    timed = waiting.timed
    estimate = waiting.curve.published(years * DAYS_PER_YEAR)
    published = timed.published_by(years)
    watched = int((timed.watchable >= years * DAYS_PER_YEAR).sum())
    note = "" if len(timed) else NOBODY
    if len(timed) and estimate.value is None:
        note = NOT_WATCHED
    elif watched < FEW <= len(timed):
        note = f"only {watched} could be watched so long"
    return Figure(
        SHARE_AFTER.key,
        rounded(estimate.value),
        timed.those(published),
        timed.those(~published),
        low=rounded(estimate.low),
        high=rounded(estimate.high),
        is_incomplete=marks and bool(len(timed)) and not timed.is_watched(years),
        note=note,
    )


def at_risk_after(waiting: Waiting, years: float) -> Figure:
    """Return the number at risk after so many years."""
    return counting(STILL_WAITING, waiting.timed.those(waiting.timed.waiting_at(years)))


def years_until(waiting: Waiting, share: float, indicator: Indicator = YEARS_ALL) -> Figure:
    """Return the years until ``share`` had published, with those that had by then and those that had not."""
    timed = waiting.timed
    found = waiting.curve.quantile(share)
    years = Estimate(*(None if one is None else one / DAYS_PER_YEAR for one in (found.value, found.low, found.high)))
    by_then = timed.times.is_event
    if found.value is not None:
        by_then = by_then & (timed.times.durations <= found.value)
    note = "" if years.value is not None else NOT_REACHED if len(timed) else NOBODY
    return Figure(
        indicator.key,
        rounded(years.value),
        timed.those(by_then),
        timed.those(~by_then),
        low=rounded(years.low),
        high=rounded(years.high),
        note=note,
        beyond=rounded(waiting.longest / DAYS_PER_YEAR) if note == NOT_REACHED else None,
    )


def points(key: str, name: str, waiting: Waiting, *, marks: bool) -> tuple[Row, ...]:
    """Return a curve as rows ``key|years``: each step, each whole year, and the end. None of nobody.

    ``marks``: points beyond the time for which nearly all of the group were watched are incomplete.
    """
    if not len(waiting.timed):
        return ()
    days = _moments(waiting)
    published = [waiting.curve.published(day) for day in days]
    at_risk = [waiting.curve.at_risk(day) for day in days]
    papers = _first_papers(waiting.timed, days)
    until = waiting.timed.watched_until
    series = name.replace(",", "")
    rows = []
    for day, estimate, left, ids in zip(days, published, at_risk, papers, strict=True):
        years = day / DAYS_PER_YEAR
        young = marks and day > until
        share = Figure(
            CURVE_SHARE.key,
            rounded(estimate.value),
            low=rounded(estimate.low),
            high=rounded(estimate.high),
            is_incomplete=young,
        )
        figures = (share, Figure(CURVE_WAITING.key, left), counting(CURVE_EVENTS, ids))
        rows.append(Row(f"{key}|{years:.3f}", f"{series}, {years:.2f} yr", figures, is_incomplete=young))
    return tuple(rows)


def steps(waiting: Waiting) -> int:
    """Return how many steps a curve has."""
    return int(np.count_nonzero(np.diff(np.concatenate(([1.0], waiting.curve.waiting)))))


def _moments(waiting: Waiting) -> list[float]:
    """Return the days of the points of a curve, ascending."""
    last = waiting.longest
    whole = np.arange(0.0, last / DAYS_PER_YEAR) * DAYS_PER_YEAR
    if steps(waiting) > MOST_STEPS:
        between = np.arange(0.0, last, DAYS_PER_YEAR / 24)
    else:
        ends = waiting.timed.times.durations[waiting.timed.times.is_event]
        between = ends[ends <= last]
    found: list[float] = np.unique(np.concatenate((whole, between, [0.0, last]))).tolist()
    return found


def _first_papers(timed: Timed, days: list[float]) -> list[tuple[int, ...]]:
    """Return for each day the projects whose first paper came after the day before it in the list, and not after it."""
    ends = timed.times.durations[timed.times.is_event]
    ids = timed.ids[timed.times.is_event]
    order = np.argsort(ends, kind="stable")
    cuts = [0, *np.searchsorted(ends[order], days, side="right").tolist()]
    sorted_ids = ids[order]
    return [tuple(sorted(sorted_ids[a:b].tolist())) for a, b in pairwise(cuts)]
