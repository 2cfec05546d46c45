"""Whether groups differ in a fraction by more than chance, where other things are held equal.

Groups may differ because they are of other times: one that was used in early cycles only is compared with itself. So the
comparison is made within each stratum (here: cycle) and added up, as Cochran, Mantel and Haenszel do for several groups
(A. Agresti, *Categorical Data Analysis*, 2nd edition 2002, section 7.5.3). Pure: arrays in, plain values out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.themes.places import Vector

LEAST = 5.0
"""Hits and misses that each group must be expected to have, or χ² is no measure of chance."""

_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """χ² of a stratified comparison, its degrees of freedom, and the probability of at least as much by chance."""

    chi_square: float
    degrees: int
    p: float


def stratified(counts: Vector) -> Difference | None:
    """Compare groups within strata: ``counts[stratum, group, 0 or 1]`` are the misses and hits of a group in a stratum.

    Of several groups the general association is tested, without continuity correction. None where nothing can differ,
    or where a group is too small: fewer than ``LEAST`` hits or misses expected over all strata.
    """
    counts = counts[counts.sum(axis=(1, 2)) > 1].astype(np.float64)
    totals = counts.sum(axis=(1, 2))
    groups, hits = counts.sum(axis=2), counts[:, :, 1].sum(axis=1)
    share = np.divide(hits, totals, out=np.zeros_like(totals), where=totals > 0)
    expected = groups * share[:, None]
    sums = expected.sum(axis=0)
    if len(sums) < 2 or min(sums.min(), (groups.sum(axis=0) - sums).min()) < LEAST:
        return None
    excess = (counts[:, :, 1] - expected).sum(axis=0)
    weight = share * (1 - share) / (totals - 1)
    spread = np.diag((groups * (weight * totals)[:, None]).sum(axis=0)) - np.einsum(
        "k,ki,kj->ij", weight, groups, groups
    )
    return _tested(excess, spread)


def _tested(excess: Vector, spread: Vector) -> Difference | None:
    """Return χ² of an excess with this covariance, in which one group follows from the others (or more do)."""
    from scipy.stats import chi2

    values, axes = np.linalg.eigh(spread)
    is_free = values > _NOTHING * max(values.max(), 1.0)
    degrees = int(is_free.sum())
    if not degrees:
        return None
    chi_square = float(((axes.T @ excess)[is_free] ** 2 / values[is_free]).sum())
    return Difference(round(chi_square, 9), degrees, float(f"{chi2.sf(chi_square, degrees):.9g}"))
