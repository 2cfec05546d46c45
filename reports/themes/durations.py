"""Each project's time from its data to its first paper, or the time it was watched without one, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from reports.facts.counted import DAYS_PER_YEAR, Counted, From, Span, span
from reports.themes.ages import horizon
from reports.themes.groups import cycle_key
from reports.themes.survival import Bools, Floats, Times

WATCHED = 0.95
"""A group was watched for so long when this share of its projects was (a late delivery makes no old cycle young)."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The times of projects, in step and in the order of ``ids`` (ascending).

    ``times`` are days; ``watchable`` the days from a project's start to the last day watched, whether it published or
    not. ``from_release``: its time runs from a release for want of a delivery. ``as_zero``: its paper came before its
    start. ``start_years``: the calendar year of its start. ``undated`` and ``not_begun`` are observed projects left
    out: published, but no paper has a date; no start by the last day watched.
    """

    ids: NDArray[np.int64]
    times: Times
    watchable: Floats
    from_release: Bools
    as_zero: Bools
    start_years: NDArray[np.int64]
    undated: tuple[int, ...] = ()
    not_begun: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, which: Bools) -> Timed:
        """Return some of the projects; of those left out none."""
        return Timed(
            self.ids[which],
            self.times.only(which),
            self.watchable[which],
            self.from_release[which],
            self.as_zero[which],
            self.start_years[which],
        )

    def those(self, which: Bools) -> tuple[int, ...]:
        """Return the ids of some of the projects, sorted."""
        return tuple(self.ids[which].tolist())

    def published_by(self, years: float) -> Bools:
        """Return which projects had published after so many years."""
        published: Bools = self.times.is_event & (self.times.durations <= days(years))
        return published

    def waiting_at(self, years: float) -> Bools:
        """Return which projects were watched for so many years, without a paper before."""
        waiting: Bools = self.times.durations >= days(years)
        return waiting

    @property
    def watched_until(self) -> float:
        """Days for which nearly all of the projects could be watched; 0 of none."""
        return float(np.sort(self.watchable)[int((1.0 - WATCHED) * len(self))]) if len(self) else 0.0

    def is_watched(self, years: float) -> bool:
        """Whether nearly all of the projects could be watched for so many years (False for none)."""
        return bool(len(self)) and days(years) <= self.watched_until


def days(years: float) -> float:
    """Return Julian years as days."""
    return years * DAYS_PER_YEAR


def timed(counted: Counted) -> dict[From, Timed]:
    """Return the times of all observed projects by where they run from (``facts.counted.start``, as of the last day).

    A first paper after the last day watched is no event yet. A paper before the start makes the time 0.
    """
    last = horizon(counted)
    ids = sorted(counted.observed)
    # One flat list of plain numbers: objects that are kept would set off the search for garbage over all the facts.
    ordinals = [_NONE if day is None else day.toordinal() for i in ids for day in _span(counted, i, last)]
    spans = np.array(ordinals, dtype=np.int64).reshape(-1, len(Span._fields))
    first_delivery, last_delivery, first_release, last_release = spans.T
    firsts = [_NONE if (on := counted.first_paper_on.get(i)) is None else on.toordinal() for i in ids]
    papers = _Papers(
        np.array(ids, dtype=np.int64),
        np.array(firsts, dtype=np.int64),
        np.array([i in counted.published for i in ids], dtype=np.bool_),
    )
    nothing = np.full(len(ids), _NONE)
    days = {
        From.DELIVERY: (first_delivery, first_release),
        From.LAST_DELIVERY: (last_delivery, last_release),
        From.PROPRIETARY_END: (last_release, nothing),
    }
    return {origin: _from(papers, *days[origin], last.toordinal()) for origin in From}


_NONE = -1
"""The ordinal of a day that there is not."""

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class _Papers:
    """Observed projects, the ordinals of the days of their first papers, and whether they published."""

    ids: NDArray[np.int64]
    first: NDArray[np.int64]
    is_published: Bools


def _span(counted: Counted, project: int, last: date) -> Span:
    return span(counted.facts.projects[project], counted.profile, last)


def _from(papers: _Papers, main: NDArray[np.int64], instead: NDArray[np.int64], last: int) -> Timed:
    """Return the times that run from ``main``, where it is not known from ``instead``."""
    begun = np.where(main == _NONE, instead, main)
    has_begun = begun != _NONE
    is_undated = papers.is_published & (papers.first == _NONE)
    is_timed = has_begun & ~is_undated
    first, start = papers.first[is_timed], begun[is_timed]
    is_event = (first != _NONE) & (first <= last)
    took = np.where(is_event, first, last) - start
    years = (start - _EPOCH).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return Timed(
        ids=papers.ids[is_timed],
        times=Times(np.maximum(took, 0).astype(np.float64), is_event),
        watchable=(last - start).astype(np.float64),
        from_release=main[is_timed] == _NONE,
        as_zero=took < 0,
        start_years=years,
        undated=tuple(papers.ids[has_begun & is_undated].tolist()),
        not_begun=tuple(papers.ids[~has_begun].tolist()),
    )


@dataclass(frozen=True, slots=True)
class Cohort:
    """Projects that began together, under a key and a name. ``is_known``: a cycle that the profile has."""

    key: str
    name: str
    timed: Timed
    is_known: bool = True


def by_cycle(counted: Counted, whole: Timed) -> tuple[Cohort, ...]:
    """Return the projects by cycle in the profile's order, those of no known cycle last; no empty cohorts."""
    cycles = counted.profile.cycles
    places = {cycle.key: place for place, cycle in enumerate(cycles)}
    projects = counted.facts.projects
    at = np.array([places.get(projects[i].cycle or "", len(cycles)) for i in whole.ids.tolist()], dtype=np.int64)
    named = [(cycle_key(cycle.key), cycle.name, True) for cycle in cycles] + [("no-cycle", "No cycle", False)]
    found = (Cohort(key, name, whole.only(at == place), known) for place, (key, name, known) in enumerate(named))
    return tuple(cohort for cohort in found if len(cohort.timed))


def together(whole: Timed, cohorts: Iterable[Cohort]) -> Timed:
    """Return the projects of several cohorts."""
    ids = [cohort.timed.ids for cohort in cohorts]
    return whole.only(np.isin(whole.ids, np.concatenate(ids)) if ids else np.zeros(len(whole), dtype=np.bool_))
