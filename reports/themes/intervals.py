"""Intervals of fractions: Wilson's of a share of projects, and a bootstrap over projects of a share of observing time.

Both are 95 % intervals. SciPy is loaded when the first one is asked for: that takes longer than most commands.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from reports.themes.places import Vector

CONFIDENCE = 0.95
RESAMPLES = 1000
"""How often the projects of a row are drawn anew."""

BEYOND = 25
"""So many of the shares drawn lie at or beyond each bound: 2.5 %."""

SEED = 20111
"""Starts the draws, anew for every row: a row's interval depends on nothing but its own projects."""

MOST_DRAWN = 500
"""Of more projects than these, so many bundles of projects, put together at random, are drawn instead of projects: time
and memory then grow no further, and the interval's width is that of single projects within some 3 %."""

Interval = tuple[float, float]


@lru_cache(maxsize=50_000)
def wilson(hits: int, total: int) -> Interval | None:
    """Return Wilson's score interval of ``hits`` of ``total``; None of nothing.

    Raises ``ValueError`` for more hits than there are, or fewer than none.
    """
    if not 0 <= hits <= total:
        raise ValueError(f"{hits} of {total} is no share")
    if total == 0:
        return None
    from scipy.stats import binomtest

    # The test's own hypothesis does not enter the interval; this one spares the search for a p-value.
    test = binomtest(hits, total, p=hits / total)
    found = test.proportion_ci(confidence_level=CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def share_interval(seconds: Vector, is_hit: Vector) -> Interval | None:
    """Return the percentile bootstrap interval of the share of time that belongs to the hits.

    ``seconds`` are whole and not negative, one per project, in an order that does not depend on how they were read
    (sorted by id), ``is_hit`` in step with them. Projects are drawn with replacement, as many as there are, and the
    share is a ratio of sums, so long projects weigh more. Sums of whole seconds are exact: the same on every machine.
    None where the draws cannot differ: fewer than two projects with time, or all of their time or none is the hits'.
    """
    has_time = seconds > 0
    whole, hit = seconds[has_time].astype(np.float64), is_hit[has_time]
    if len(whole) < 2 or hit.all() or not hit.any():
        return None
    parts = np.stack((whole, whole * hit))
    if len(whole) > MOST_DRAWN:
        parts = _bundled(parts)
    # A matrix product would start threads of BLAS, which take ten times as long where the cores are busy.
    totals, hits = np.einsum("ij,kj->ki", _draws(parts.shape[1]), parts)
    shares = np.sort(hits / totals)
    return float(shares[BEYOND - 1]), float(shares[-BEYOND])


@lru_cache(maxsize=16)
def _draws(size: int) -> Vector:
    """Return how often each of ``size`` things was drawn: one row per resample, each of which sums to ``size``."""
    drawn = np.random.default_rng(SEED).integers(0, size, size=(RESAMPLES, size))
    drawn += np.arange(RESAMPLES)[:, None] * size
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * size).reshape(RESAMPLES, size).astype(np.float64)


def _bundled(parts: Vector) -> Vector:
    """Return the sums of ``MOST_DRAWN`` bundles of columns, put together at random and equally large but for one."""
    size = parts.shape[1]
    order = np.random.default_rng(SEED).permutation(size)
    return np.add.reduceat(parts[:, order], np.arange(MOST_DRAWN) * size // MOST_DRAWN, axis=1)
