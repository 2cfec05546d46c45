"""Projects as columns of numbers, so that a report of many thousands is counted in vectors.

A *place* is a project's position among a pool's projects, which are sorted by id; places of a group ascend.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.facts.counted import Counted
from reports.facts.model import Project, Unit

Vector = np.ndarray[Any, np.dtype[Any]]
Places = NDArray[np.intp]

SECONDS_PER_HOUR = 3600

LONGEST = 366 * 24 * SECONDS_PER_HOUR
"""Seconds: no unit is observed for more than a year."""

UNKNOWN = -1
"""Stands for an observing time that is not known."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Some projects: their ids, sorted, and for how many whole seconds each was observed (``UNKNOWN``: not known)."""

    ids: Vector
    seconds: Vector

    @classmethod
    def of(cls, counted: Counted, ids: Iterable[int]) -> Pool:
        """Take the projects ``ids`` with the observing time of their units delivered by the report's day."""
        ordered = sorted(ids)
        projects, as_of = counted.facts.projects, counted.facts.as_of
        seconds = [seconds_of(projects[i], as_of) for i in ordered]
        return cls(
            np.array(ordered, dtype=np.int64),
            np.array([UNKNOWN if known is None else known for known in seconds], dtype=np.int64),
        )

    @property
    def everything(self) -> Places:
        """All places."""
        return np.arange(len(self.ids))

    def are_in(self, ids: Collection[int]) -> Vector:
        """Return for each project whether it is one of ``ids``."""
        return np.fromiter((i in ids for i in self.ids.tolist()), dtype=np.bool_, count=len(self.ids))

    def rows(self, places: Places) -> tuple[int, ...]:
        """Return the ids at some places."""
        return tuple(self.ids[places].tolist())

    def with_time(self, places: Places) -> Places:
        """Return those of the places whose observing time is known."""
        known: Places = places[self.seconds[places] != UNKNOWN]
        return known

    def hours(self, places: Places) -> float:
        """Return the known observing time of some projects in hours."""
        return int(self.seconds[self.with_time(places)].sum()) / SECONDS_PER_HOUR


def seconds_of(project: Project, as_of: date) -> int | None:
    """Return for how long a project's delivered units were observed; None where that is known of none of them."""
    known = [unit.exposure_s or 0.0 for unit in project.units if is_delivered(unit, as_of) and has_exposure(unit)]
    return round(math.fsum(known)) if known else None


def is_delivered(unit: Unit, as_of: date) -> bool:
    """Whether a unit's data had been delivered (where that is not known: released) by a day."""
    on = unit.delivered_on or unit.released_on
    return on is not None and on <= as_of


def has_exposure(unit: Unit) -> bool:
    """Whether the registry says how long a unit was observed, and not what no observation can last."""
    return unit.exposure_s is not None and 0 <= unit.exposure_s <= LONGEST
