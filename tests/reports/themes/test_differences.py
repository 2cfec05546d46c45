"""Comparisons of groups within strata, against published figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from reports.themes.differences import stratified

# Men and women admitted and refused by the six largest departments of Berkeley in 1973 (P. J. Bickel, E. A. Hammel,
# J. W. O'Connell, Science 187 (1975) 398; R's data set UCBAdmissions): the example of groups that differ as a whole and
# not within strata.
BERKELEY = np.array(
    [
        [(313, 512), (19, 89)],
        [(207, 353), (8, 17)],
        [(205, 120), (391, 202)],
        [(279, 138), (244, 131)],
        [(138, 53), (299, 94)],
        [(351, 22), (317, 24)],
    ]
)


def test_what_differs_as_a_whole_need_not_differ_within_strata() -> None:
    """Berkeley: 92.21 as a whole; by department 1.5246, p 0.2169 (R: ``mantelhaen.test(…, correct = FALSE)``)."""
    found = stratified(BERKELEY)
    assert found is not None
    assert (round(found.chi_square, 4), found.degrees, round(found.p, 4)) == (1.5246, 1, 0.2169)
    pooled = stratified(BERKELEY.sum(axis=0, keepdims=True))
    assert pooled is not None
    assert round(pooled.chi_square * 4526 / 4525, 2) == 92.21
    assert pooled.p < 1e-20


@given(st.lists(st.tuples(st.integers(12, 60), st.integers(12, 60)), min_size=2, max_size=5))
def test_of_one_stratum_it_is_the_usual_chi_square(rows: list[tuple[int, int]]) -> None:
    """Of R groups in one stratum: Pearson's χ² times (n - 1) / n, with R - 1 degrees of freedom."""
    found = stratified(np.array([rows]))
    usual = chi2_contingency(np.array(rows), correction=False)
    total = sum(map(sum, rows))
    assert found is not None
    assert found.degrees == len(rows) - 1
    assert found.chi_square == pytest.approx(float(usual.statistic) * (total - 1) / total, abs=1e-6)


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param(np.zeros((0, 2, 2), dtype=int), id="no strata"),
        pytest.param(np.array([[(40, 50)]]), id="one group"),
        pytest.param(np.array([[(0, 40), (0, 50)]]), id="all hits"),
        pytest.param(np.array([[(40, 0), (50, 0)]]), id="no hits"),
        pytest.param(np.array([[(3, 4), (40, 50)]]), id="a group too small"),
    ],
)
def test_what_cannot_be_compared_is_not(counts: np.ndarray) -> None:
    """Nothing to compare, nothing that differs, or too few: no p-value."""
    assert stratified(counts) is None


def test_groups_that_never_meet_are_not_compared() -> None:
    """Each group in a stratum of its own: what differs may be the strata."""
    assert stratified(np.array([[(40, 50), (0, 0)], [(0, 0), (10, 90)]])) is None


def test_strata_of_one_project_say_nothing() -> None:
    """A stratum with a single project adds nothing, and divides nothing by zero."""
    with_one = np.concatenate((BERKELEY, [[(0, 1), (0, 0)]]))
    assert stratified(with_one) == stratified(BERKELEY)
