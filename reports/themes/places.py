"""Projects as columns of numbers, so that a report of many thousands is counted in vectors.

A *place* is a project's position among a pool's projects, which are sorted by id; places of a group ascend.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.facts.counted import Counted

Vector = np.ndarray[Any, np.dtype[Any]]
Places = NDArray[np.intp]

SECONDS_PER_HOUR = 3600

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
        ordered, seconds = sorted(ids), counted.observed_s
        return cls(
            np.array(ordered, dtype=np.int64),
            np.array([UNKNOWN if (known := seconds[i]) is None else known for i in ordered], dtype=np.int64),
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
