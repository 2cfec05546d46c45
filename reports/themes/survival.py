"""The statistics of waiting times: how many have published after so long, and how sure one can be of it.

Pure: plain arrays in, plain values out. *Event* is what is waited for (a first paper); a project that was only watched
for a while without one is *censored*. The Kaplan–Meier curve, its intervals and the log-rank test are those of
``scipy.stats``; what it has not (the curve's quantiles with intervals, a competing end, Holm's adjustment) is here.
Durations are numbers ≥ 0 in one unit, here days.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEVEL = 0.95
"""Of all intervals."""

_NORMAL = 1.959963984540054
"""Of the normal distribution 95 % lie within so many standard deviations."""

_EQUAL = 1e-9
"""A product of fractions that should be 0.5 misses it by less."""


@dataclass(frozen=True, slots=True)
class Times:
    """Durations, and for each whether it ended with the event (False: censored)."""

    durations: Floats
    is_event: Bools

    @classmethod
    def of(cls, durations: Iterable[float], is_event: Iterable[bool]) -> Times:
        """Return times of two sequences in step. Raises ``ValueError`` for unequal lengths or a negative duration."""
        times = cls(np.array(list(durations), dtype=np.float64), np.array(list(is_event), dtype=np.bool_))
        if times.durations.shape != times.is_event.shape or bool((times.durations < 0).any()):
            raise ValueError("Durations are ≥ 0, each with whether it ended with the event.")
        return times

    def __len__(self) -> int:
        return len(self.durations)

    def only(self, which: Bools | NDArray[np.int64]) -> Times:
        """Return some of them."""
        return Times(self.durations[which], self.is_event[which])


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate and its 95 % interval; None: not known, or not reached."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function of time: the share still waiting, after each of ``times`` (ascending), with a pointwise band.

    ``low`` and ``high`` are NaN where the log-log interval is undefined: where the share is 1 or 0. ``last`` is the
    longest duration watched: beyond it nothing is known, unless everybody had the event. An empty curve has no times.
    """

    times: Floats
    waiting: Floats
    low: Floats
    high: Floats
    durations: Floats
    """All durations, sorted."""

    def at_risk(self, time: float) -> int:
        """Return how many were still waiting, and watched, just before ``time``."""
        return len(self.durations) - int(np.searchsorted(self.durations, time, side="left"))

    def published(self, time: float) -> Estimate:
        """Return the share that had the event by ``time``, with its interval; unknown beyond the last duration."""
        if not len(self.times) or (time > self.times[-1] and self.waiting[-1] > 0):
            return Estimate(None)
        before = int(np.searchsorted(self.times, time, side="right")) - 1
        if before < 0:
            return Estimate(0.0)
        share = 1.0 - float(self.waiting[before])
        return Estimate(share, *_flipped(float(self.low[before]), float(self.high[before])))

    def quantile(self, share: float) -> Estimate:
        """Return the first time by which ``share`` had the event, with an interval from the pointwise band.

        The limits are the first times at which the lower, and the upper, limit of the share still waiting have come
        down to 1 - ``share`` (Brookmeyer and Crowley 1982, with the log-log transformation, as ``survfit`` in R does
        it, which takes the middle where the curve lies at the share for a while); None where one never does. Where
        nobody waits any longer, the lower limit of those waiting is 0.
        """
        waiting = 1.0 - share
        low = np.where(self.waiting == 0.0, 0.0, self.low)
        return Estimate(*(self._first(band, waiting) for band in (self.waiting, low, self.high)))

    def _first(self, band: Floats, waiting: float) -> float | None:
        with np.errstate(invalid="ignore"):
            reached = np.flatnonzero(band <= waiting + _EQUAL)
        return float(self.times[reached[0]]) if len(reached) else None


def curve(times: Times) -> Curve:
    """Return the Kaplan–Meier curve with its pointwise 95 % log-log intervals (the "exponential Greenwood" formula).

    Those censored at a time count as at risk at it.
    """
    durations = np.sort(times.durations)
    if not len(times):
        return Curve(*(durations for _ in range(5)))
    stats = _stats()
    survival = stats.ecdf(_censored(times)).sf
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # undefined at 1 and 0, which the caller is told by NaN
        band = survival.confidence_interval(LEVEL, method="log-log")
    # No variance (nobody had the event yet) is no certainty: the limits of nothing are not known.
    unknown = (survival.probabilities <= 0.0) | (survival.probabilities >= 1.0)
    low, high = (np.where(unknown, np.nan, one.probabilities) for one in (band.low, band.high))
    return Curve(survival.quantiles, survival.probabilities, low, high, durations)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more of a first group had the event than of a second, its 95 % interval, and the p of none."""

    value: float
    low: float | None = None
    high: float | None = None
    p: float | None = None


def difference(first: Times, second: Times, time: float) -> Difference | None:
    """Return how much more of the first group than of the second had the event by ``time``.

    The interval is normal, with Greenwood's variances of two independent groups; there is none where neither varies.
    The two-sided p supposes that both are one group, and takes the variance of both together: where everybody was
    watched so long it is that of Pearson's χ² test, also if nobody of a small group had the event. None where nobody of
    a group was watched so long.
    """
    one, other = waiting_at(first, time), waiting_at(second, time)
    both = waiting_at(_joined(first, second), time)
    if one is None or other is None or both is None:
        return None
    more, spread = other[0] - one[0], _NORMAL * math.sqrt(one[1] + other[1])
    error = math.sqrt(both[1] * (len(first) + len(second)) * (1.0 / len(first) + 1.0 / len(second)))
    return Difference(
        more,
        low=max(-1.0, more - spread) if spread > 0.0 else None,
        high=min(1.0, more + spread) if spread > 0.0 else None,
        p=math.erfc(abs(more) / error / math.sqrt(2.0)) if error > 0.0 else None,
    )


def _joined(first: Times, second: Times) -> Times:
    return Times(np.concatenate((first.durations, second.durations)), np.concatenate((first.is_event, second.is_event)))


def waiting_at(times: Times, time: float) -> tuple[float, float] | None:
    """Return the Kaplan–Meier share still waiting at one time, and its variance by Greenwood's formula; else None.

    As ``curve`` has it, for who needs no more of it.
    """
    moments, events = np.unique(times.durations[times.is_event & (times.durations <= time)], return_counts=True)
    at_risk = len(times) - np.searchsorted(np.sort(times.durations), moments, side="left").astype(float)
    share = float(np.prod(1.0 - events / at_risk))
    if share > 0.0 and not bool((times.durations >= time).any()):
        return None
    left = at_risk - events
    terms = np.divide(events, at_risk * left, out=np.zeros_like(at_risk), where=left > 0)
    return share, share**2 * float(np.sum(terms))


@dataclass(frozen=True, slots=True)
class Compared:
    """Two groups by the log-rank test: chi-square with one degree of freedom, its p, and what the first one had.

    ``observed`` and ``expected`` are events of the first group: more than expected means that it was faster.
    """

    chi_square: float
    p: float
    observed: int
    expected: float


def compare(first: Times, second: Times) -> Compared | None:
    """Return the two-sided log-rank test of two groups; None where no event happened while both were watched."""
    if not len(first) or not len(second):
        return None
    expected, variance = _expected(first, second)
    if variance <= 0.0:
        return None
    result = _stats().logrank(_censored(first), _censored(second))
    return Compared(
        chi_square=float(result.statistic) ** 2,
        p=float(result.pvalue),
        observed=int(first.is_event.sum()),
        expected=expected,
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the p-values adjusted for being several, in their order (Holm 1979: step-down, holds for any dependence)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return tuple(adjusted)


@dataclass(frozen=True, slots=True)
class Incidence:
    """Of two ends that exclude one another, the share that came to the first (``share``) and to the other by each time."""

    times: Floats
    share: Floats
    other: Floats
    low: Floats
    high: Floats

    def at(self, time: float) -> Estimate:
        """Return the share that came to the first end by ``time``, with its interval; unknown beyond the last time."""
        if not len(self.times) or (time > self.times[-1] and self.share[-1] + self.other[-1] < 1.0 - _EQUAL):
            return Estimate(None)
        before = int(np.searchsorted(self.times, time, side="right")) - 1
        if before < 0:
            return Estimate(0.0)
        return Estimate(float(self.share[before]), _known(self.low[before]), _known(self.high[before]))

    def other_at(self, time: float) -> float | None:
        """Return the share that came to the other end by ``time``; unknown beyond the last time."""
        if self.at(time).value is None:
            return None
        before = int(np.searchsorted(self.times, time, side="right")) - 1
        return 0.0 if before < 0 else float(self.other[before])


def incidence(times: Times, is_other: Bools) -> Incidence:
    """Return the Aalen–Johansen cumulative incidence of the event where another end competes with it.

    ``is_other``: in step with ``times``, whether it ended with the other end (then it is no event). The interval is
    pointwise, log-log, with the delta-method variance (Marubini and Valsecchi 1995), which without a
    competing end is Greenwood's. Raises ``ValueError`` where one project has both ends.
    """
    if is_other.shape != times.is_event.shape or bool((is_other & times.is_event).any()):
        raise ValueError("A project has one end: the event, the other end, or none.")
    unique, slots = np.unique(times.durations, return_inverse=True)
    counts = [np.bincount(slots[which], minlength=len(unique)).astype(float) for which in (times.is_event, is_other)]
    everybody = np.bincount(slots, minlength=len(unique))
    at_risk = (len(times) - np.concatenate(([0], np.cumsum(everybody)[:-1])) if len(unique) else unique).astype(float)
    ends = counts[0] + counts[1]
    waiting = np.cumprod(1.0 - ends / at_risk) if len(unique) else unique
    before = np.concatenate(([1.0], waiting[:-1])) if len(unique) else unique
    share, other = (np.cumsum(before * one / at_risk) for one in counts)
    low, high = _log_log(share, _variance(share, before, at_risk, counts[0], ends))
    return Incidence(unique, share, other, low, high)


def _variance(share: Floats, before: Floats, at_risk: Floats, events: Floats, ends: Floats) -> Floats:
    """Return the variance of a cumulative incidence at each time, its sums over earlier times expanded."""
    left = at_risk - ends
    # Where all that were left came to an end nothing follows, and the factor (share - share) of this term is 0.
    a = np.divide(ends, at_risk * left, out=np.zeros_like(share), where=left > 0)
    b = before**2 * events * (at_risk - events) / at_risk**3
    c = before * events / at_risk**2
    first = share**2 * np.cumsum(a) - 2.0 * share * np.cumsum(share * a) + np.cumsum(share**2 * a)
    third = share * np.cumsum(c) - np.cumsum(share * c)
    variance: Floats = np.maximum(first + np.cumsum(b) - 2.0 * third, 0.0)
    return variance


def _log_log(share: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return limits of a share that stay between 0 and 1: normal on the scale log(-log(1 - share))."""
    waiting = 1.0 - share
    known = (share > _EQUAL) & (waiting > _EQUAL)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(waiting)
        spread = _NORMAL * np.sqrt(variance) / np.abs(waiting * logs)
        low, high = (np.where(known, 1.0 - np.exp(logs * np.exp(s)), np.nan) for s in (-spread, spread))
    return low, high


def _expected(first: Times, second: Times) -> tuple[float, float]:
    """Return the events expected of the first group if both were alike, and the variance of what it had."""
    ends = np.concatenate((first.durations[first.is_event], second.durations[second.is_event]))
    moments, deaths = np.unique(ends, return_counts=True)
    mine, theirs = (
        len(one) - np.searchsorted(np.sort(one.durations), moments, side="left").astype(float)
        for one in (first, second)
    )
    everybody = mine + theirs
    several = everybody > 1
    terms = mine * theirs * deaths * (everybody - deaths)
    spread = np.divide(terms, everybody**2 * (everybody - 1), out=np.zeros_like(terms), where=several)
    return float(np.sum(mine * deaths / everybody)), float(np.sum(spread))


def _flipped(low: float, high: float) -> tuple[float | None, float | None]:
    """Turn the interval of those waiting into that of those who published."""
    return (None, None) if np.isnan(low) else (1.0 - high, 1.0 - low)


def _known(limit: float) -> float | None:
    return None if np.isnan(limit) else float(limit)


def _censored(times: Times) -> Any:
    return _stats().CensoredData(uncensored=times.durations[times.is_event], right=times.durations[~times.is_event])


def _stats() -> Any:
    """Return ``scipy.stats``, which takes most of a second to load."""
    from scipy import stats

    return stats
