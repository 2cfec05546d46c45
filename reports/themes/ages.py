"""How old projects are, in whole calendar years, and at which age their first paper appeared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from biblio.clock import years_after
from reports.facts.counted import Counted, From
from reports.themes.places import Places, Pool, Vector


def horizon(counted: Counted) -> date:
    """Return the last day up to which a missing paper means that there is none: complete-through, else the report's."""
    return counted.watched_until


def full_years(start: date, day: date) -> int:
    """Return how many anniversaries of ``start`` had come by ``day``; negative before it.

    As ``biblio.clock.years_after``: the anniversary of 29 February is 1 March where the year has none.
    """
    return day.year - start.year - ((day.month, day.day) < (start.month, start.day))


def years_until(start: date, day: date) -> int:
    """Return the least whole number of years after ``start`` by whose end ``day`` had come: 0 on or before it."""
    if day <= start:
        return 0
    years = full_years(start, day)
    return years if years_after(start, years) == day else years + 1


def _took(start: date | None, paper: date | None) -> int:
    return _NEVER if start is None or paper is None else years_until(start, paper)


@dataclass(frozen=True, slots=True)
class Cell:
    """Projects at an age: published by then, not published by then, and those that are not that old yet."""

    within: Places
    later: Places
    younger: Places

    @property
    def old(self) -> Places:
        """Those that are old enough."""
        return np.sort(np.concatenate((self.within, self.later)))

    def counted(self) -> Cell:
        """Return the cell as it is counted: with nobody old enough where those that are not that old yet are the most.

        The first few projects of a cycle that were delivered are no sample of it.
        """
        if len(self.younger) <= len(self.within) + len(self.later):
            return self
        nobody = self.within[:0]
        return Cell(nobody, nobody, np.sort(np.concatenate((self.old, self.younger))))


_NEVER = 10_000
"""Years: no project gets that old."""


@dataclass(frozen=True, slots=True)
class Ages:
    """The ages of a pool's projects, one for each.

    ``reached``: full years from its start to the horizon (``-_NEVER`` without a start). ``took``: the least whole
    number of years by whose end its first paper had appeared: 0 on or before the start, ``_NEVER`` without a paper or
    where no paper has a date. ``by_release`` counts projects whose years run from a release, for want of a delivery.
    """

    reached: Vector
    took: Vector
    by_release: int = 0

    @classmethod
    def from_first_data(cls, counted: Counted, pool: Pool) -> Ages:
        """Count from the first delivery, else the first release."""
        starts = [counted.start(i, From.DELIVERY) for i in pool.ids.tolist()]
        ages = cls._since(counted, pool, [None if begins is None else begins.on for begins in starts])
        return replace(ages, by_release=sum(begins is not None and begins.is_release for begins in starts))

    @classmethod
    def from_proprietary_end(cls, counted: Counted, pool: Pool) -> Ages:
        """Count from the last usable release date of each project, be it past or to come."""
        no_date = frozenset(counted.profile.asking.no_release_date)
        projects = counted.facts.projects
        releases = ([u.released_on for u in projects[i].units] for i in pool.ids.tolist())
        usable = ([day for day in days if day is not None and day not in no_date] for days in releases)
        return cls._since(counted, pool, [max(days, default=None) for days in usable])

    def if_first_came(self, counted: Counted, pool: Pool, first: Mapping[int, date]) -> Ages:
        """Return the same ages from first data, with other days of first papers than the counted ones."""
        took = self.took.copy()
        for place, i in enumerate(pool.ids.tolist()):
            paper = first.get(i)
            if paper != counted.first_paper_on.get(i):
                start = counted.start(i, From.DELIVERY)
                took[place] = _took(start.on if start else None, paper)
        return replace(self, took=took)

    @classmethod
    def _since(cls, counted: Counted, pool: Pool, starts: list[date | None]) -> Ages:
        end, first = horizon(counted), counted.first_paper_on
        reached, took = [], []
        for i, start in zip(pool.ids.tolist(), starts, strict=True):
            reached.append(-_NEVER if start is None else full_years(start, end))
            took.append(_took(start, first.get(i)))
        return cls(np.array(reached, dtype=np.int64), np.array(took, dtype=np.int64))

    def without_start(self) -> int:
        """Return how many projects have no start; they are in no cell."""
        return int((self.reached == -_NEVER).sum())

    def at(self, places: Places, years: int) -> Cell:
        """Return how some projects stood ``years`` after their starts.

        A project whose papers have no date counts as not published by then: nobody can say that it was.
        """
        reached = self.reached[places]
        is_old, is_within = reached >= years, self.took[places] <= years
        is_younger = ~is_old & (reached != -_NEVER)
        return Cell(places[is_old & is_within], places[is_old & ~is_within], places[is_younger])
