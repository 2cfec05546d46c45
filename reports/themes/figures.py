"""Makes figures of projects: counts, hours, and shares of projects and of observing time, with intervals and rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.definitions.model import Indicator
from reports.document import Figure
from reports.themes.intervals import share_interval, wilson
from reports.themes.places import Places, Pool

_NO_INTERVAL = "No interval: all of the time is on one side."


@dataclass(frozen=True, slots=True)
class Figures:
    """Makes figures of the projects of a pool; each leads to the rows that it was counted from."""

    pool: Pool

    def count(self, indicator: Indicator, places: Places, *, is_incomplete: bool = False, note: str = "") -> Figure:
        """Return how many projects there are."""
        return Figure(indicator.key, len(places), self.pool.rows(places), is_incomplete=is_incomplete, note=note)

    def hours(self, indicator: Indicator, places: Places, *, is_incomplete: bool = False, note: str = "") -> Figure:
        """Return for how many hours projects were observed; None where that is known of none of them."""
        known = self.pool.with_time(places)
        note = _joined(note, _without(len(places) - len(known)))
        value = self.pool.hours(known) if len(known) else None
        return Figure(indicator.key, value, self.pool.rows(known), is_incomplete=is_incomplete, note=note)

    def share(
        self, indicator: Indicator, hits: Places, rest: Places, *, is_incomplete: bool = False, note: str = ""
    ) -> Figure:
        """Return the share of projects that are hits, with Wilson's interval; None of no projects."""
        total = len(hits) + len(rest)
        low, high = wilson(len(hits), total) or (None, None)
        return Figure(
            indicator.key,
            len(hits) / total if total else None,
            self.pool.rows(hits),
            self.pool.rows(rest),
            len(hits),
            total,
            low,
            high,
            is_incomplete,
            note or ("" if total else "No project."),
        )

    def share_of_time(
        self, indicator: Indicator, hits: Places, rest: Places, *, is_incomplete: bool = False, note: str = ""
    ) -> Figure:
        """Return the share of observing time that is the hits', with its bootstrap interval; None where there is none."""
        pool = self.pool
        part, other = pool.with_time(hits), pool.with_time(rest)
        both = np.sort(np.concatenate((part, other)))
        whole, hit = pool.hours(both), pool.hours(part)
        low, high = share_interval(pool.seconds[both], np.isin(both, part, assume_unique=True)) or (None, None)
        return Figure(
            indicator.key,
            hit / whole if whole else None,
            pool.rows(part),
            pool.rows(other),
            hit,
            whole,
            low,
            high,
            is_incomplete,
            _joined(
                note,
                _without(len(hits) + len(rest) - len(both)),
                _NO_INTERVAL if whole and low is None else "",
                "" if whole or note else "No observing time.",
            ),
        )


def _without(projects: int) -> str:
    if not projects:
        return ""
    what = "1 project whose observing time is" if projects == 1 else f"{projects} projects whose observing time is"
    return f"Without {what} not known."


def _joined(*notes: str) -> str:
    return " ".join(filter(None, notes))
