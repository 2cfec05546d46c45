"""Theme: reach of the data: how much of what was delivered was used at least once, and by others again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from biblio.clock import years_after
from reports.definitions.data import (
    DELIVERED_UNITS,
    RELEASED,
    RELEASED_HOURS,
    RELEASED_TIME_USED,
    RELEASED_USED,
    REUSED,
    REUSED_TIME,
    UNITS_USED,
    UNITS_WITHOUT_TIME,
)
from reports.definitions.projects import OBSERVED_HOURS, TIME_FRACTION
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import BANDS, Counted, has_exposure, is_delivered, span
from reports.themes import backlog
from reports.themes.ages import horizon
from reports.themes.backlog import projects_notes
from reports.themes.figures import Figures
from reports.themes.groups import ALL, Group, by_cycle, everything
from reports.themes.intervals import share_interval
from reports.themes.places import Places, Pool, Vector

KEY = "data"
NAME = "Reach of the data"
QUESTION = "How much of the delivered data was used at least once, and how much was used again?"

YOUNG = 4
"""Years after its release for which a project's use is called young."""

_MOST_BETWEEN = 10
"""Years without a release between two with some that have a row; more come of a mistaken date."""

_REACH = (
    Column("units", "Units delivered", DELIVERED_UNITS.key),
    Column("units_used", "Units used", UNITS_USED.key),
    Column("hours", "Hours observed", OBSERVED_HOURS.key),
    Column("hours_used", "Hours used", TIME_FRACTION.key),
    Column("without_time", "Units of unknown time", UNITS_WITHOUT_TIME.key),
)
_RELEASE = (
    Column("released", "Released", RELEASED.key),
    Column("used", "Used at least once", RELEASED_USED.key),
    Column("reused", "Re-used by others", REUSED.key),
    Column("hours", "Hours released", RELEASED_HOURS.key),
    Column("hours_used", "Hours used", RELEASED_TIME_USED.key),
    Column("hours_reused", "Hours re-used", REUSED_TIME.key),
)


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme."""
    return (_reach(counted), _release(counted))


@dataclass(frozen=True, slots=True)
class _Units:
    """How many units of each project of a pool were delivered, and of how many of these the time is not known."""

    delivered: Vector
    without_time: Vector

    @classmethod
    def of(cls, counted: Counted, pool: Pool) -> _Units:
        projects, as_of = counted.facts.projects, counted.facts.as_of
        delivered = [[u for u in projects[i].units if is_delivered(u, as_of)] for i in pool.ids.tolist()]
        return cls(
            np.array([len(units) for units in delivered], dtype=np.int64),
            np.array([sum(not has_exposure(u) for u in units) for units in delivered], dtype=np.int64),
        )


def _reach(counted: Counted) -> Table:
    pool = Pool.of(counted, counted.observed)
    make, units = Figures(pool), _Units.of(counted, pool)
    published, silent = pool.are_in(counted.published), pool.are_in(counted.silent)
    certain = pool.are_in(counted.undecided.unpublished[BANDS[0]])

    def row(group: Group) -> Row:
        is_hit = published[group.places]
        hits, rest = group.places[is_hit], group.places[~is_hit]
        young = not silent[rest].all()
        unknown = group.places[units.without_time[group.places] > 0]
        delivered = int(units.delivered[group.places].sum())
        figures = (
            Figure(DELIVERED_UNITS.key, delivered, pool.rows(group.places)),
            _share_of_units(pool, units.delivered, hits, rest, is_incomplete=young),
            make.hours(OBSERVED_HOURS, group.places),
            make.share_of_time(TIME_FRACTION, hits, rest, is_incomplete=young),
            Figure(UNITS_WITHOUT_TIME.key, int(units.without_time[unknown].sum()), pool.rows(unknown)),
        )
        waits = backlog.of_shares(int(certain[group.places].sum()), len(group.places), "rise")
        return Row(group.key, group.name, figures, backlog=waits)

    return Table(
        key="reach",
        title="Delivered data used at least once, by cycle",
        rows_are="Cycle",
        columns=_REACH,
        rows=tuple(row(group) for group in (*by_cycle(counted, pool), everything(pool))),
        says="A project's data count as used once it has a refereed paper, by its own team or by others.",
        charts=(
            Chart(
                "points",
                "Fraction of observing time used at least once, by cycle, with 95 % intervals",
                ("hours_used",),
                x="Cycle",
                y="Fraction of hours observed",
                without=(ALL,),
            ),
        ),
        notes=(
            "Papers are linked to projects: all units of a published project count as used.",
            *projects_notes(counted),
        ),
    )


def _share_of_units(pool: Pool, delivered: Vector, hits: Places, rest: Places, *, is_incomplete: bool) -> Figure:
    """Return the share of units that is the hits', with a bootstrap interval over their projects."""
    both = np.sort(np.concatenate((hits, rest)))
    used, total = int(delivered[hits].sum()), int(delivered[both].sum())
    low, high = share_interval(delivered[both], np.isin(both, hits, assume_unique=True)) or (None, None)
    return Figure(
        UNITS_USED.key,
        used / total if total else None,
        pool.rows(hits),
        pool.rows(rest),
        used,
        total,
        low,
        high,
        is_incomplete,
        "" if total else "No unit.",
    )


@dataclass(frozen=True, slots=True)
class _Released:
    """Observed projects of which data are everyone's, with the year of each one's first release."""

    pool: Pool
    years: Vector
    is_young: Vector
    used: Vector
    reused: Vector
    certain: Vector
    running_year: int

    @classmethod
    def of(cls, counted: Counted) -> _Released:
        facts, end = counted.facts, horizon(counted)
        spans = ((i, span(facts.projects[i], counted.profile, facts.as_of)) for i in counted.observed)
        releases = {i: days.first_release for i, days in spans if days.first_release is not None}
        pool = Pool.of(counted, releases)
        days = [releases[i] for i in pool.ids.tolist()]
        return cls(
            pool,
            np.array([day.year for day in days], dtype=np.int64),
            np.array([years_after(day, YOUNG) > end for day in days], dtype=np.bool_),
            pool.are_in(counted.published),
            pool.are_in(counted.reused),
            pool.are_in(counted.undecided.unpublished[BANDS[0]]),
            facts.as_of.year,
        )

    def groups(self) -> tuple[Group, ...]:
        """Return the projects by year of release, and all of them; years without any only where a few lie between."""
        known: list[int] = np.unique(self.years).tolist()
        between = (range(first + 1, then) for first, then in pairwise(known) if then - first <= _MOST_BETWEEN)
        listed = sorted({*known, *(year for gap in between for year in gap)})
        years = ((year, np.flatnonzero(self.years == year)) for year in listed)
        return (*(Group(str(year), str(year), places) for year, places in years), everything(self.pool))

    def row(self, group: Group) -> Row:
        """Return the figures of one year."""
        make, places = Figures(self.pool), group.places
        young = bool(self.is_young[places].any())
        running = bool((self.years[places] == self.running_year).any())
        used = places[self.used[places]], places[~self.used[places]]
        reused = places[self.reused[places]], places[~self.reused[places]]
        figures = (
            make.count(RELEASED, places, is_incomplete=running),
            make.share(RELEASED_USED, *used, is_incomplete=young),
            make.share(REUSED, *reused, is_incomplete=young),
            make.hours(RELEASED_HOURS, places, is_incomplete=running),
            make.share_of_time(RELEASED_TIME_USED, *used, is_incomplete=young),
            make.share_of_time(REUSED_TIME, *reused, is_incomplete=young),
        )
        waits = backlog.of_shares(int(self.certain[places].sum()), len(places), "rise")
        return Row(group.key, group.name, figures, backlog=waits)


def _release(counted: Counted) -> Table:
    released = _Released.of(counted)
    return Table(
        key="release",
        title="Released data used at least once, and used again by others, by year of release",
        rows_are="Year of release",
        columns=_RELEASE,
        rows=tuple(released.row(group) for group in released.groups()),
        says="Re-used: a refereed paper none of whose authors is of the project's team used the data.",
        charts=(
            Chart(
                "points",
                "Fraction of released projects that others used again, by year of release, with 95 % intervals",
                ("reused",),
                x="Year of release",
                y="Fraction of projects released",
                without=(ALL,),
            ),
        ),
        notes=(*_not_released(len(counted.observed) - len(released.pool.ids)), *projects_notes(counted)),
    )


def _not_released(projects: int) -> tuple[str, ...]:
    if not projects:
        return ()
    return (f"{'1 observed project is' if projects == 1 else f'{projects} observed projects are'} not released yet.",)
