"""Intervals against published worked examples, and the bootstrap against an independent one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.themes.intervals import Interval, wilson
from reports.themes.intervals import share_interval as interval_of


def share_interval(seconds: list[int], is_hit: list[bool]) -> Interval | None:
    """The interval of plain lists."""
    return interval_of(np.array(seconds, dtype=np.int64), np.array(is_hit, dtype=np.bool_))


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods",
        # Statistics in Medicine 17 (1998) 857, table I, method 3 (score without continuity correction).
        pytest.param(81, 263, 0.2553, 0.3662, id="81-263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15-148"),
        pytest.param(0, 20, 0.0000, 0.1611, id="0-20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1-29"),
    ],
)
def test_wilson_gives_the_published_intervals(hits: int, total: int, low: float, high: float) -> None:
    """The four examples of the paper that compared the methods come out to its four decimals."""
    found = wilson(hits, total)
    assert found is not None
    assert (round(found[0], 4), round(found[1], 4)) == (low, high)


def test_nothing_has_no_interval_and_impossible_shares_are_refused() -> None:
    """There is no share of nothing, and no three of two."""
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_holds_its_share(hits: int, total: int) -> None:
    """The interval lies in 0 to 1 and holds the share itself."""
    found = wilson(min(hits, total), total)
    assert found is not None
    low, high = found
    share = min(hits, total) / total
    assert -1e-12 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1 + 1e-12


def test_the_bootstrap_agrees_with_an_independent_one() -> None:
    """A hundred projects of two hours on average: the bounds are those of plainly drawing project after project."""
    rng = random.Random(7)
    seconds = [rng.randint(600, 14_000) for _ in range(100)]
    hits = [rng.random() < 0.6 for _ in seconds]
    shares = []
    for _ in range(4000):
        drawn = rng.choices(range(100), k=100)
        shares.append(sum(seconds[i] for i in drawn if hits[i]) / sum(seconds[i] for i in drawn))
    shares.sort()
    found = share_interval(seconds, hits)
    assert found == pytest.approx((shares[100], shares[3900]), abs=0.012)


def test_bundles_of_many_projects_give_the_width_of_single_ones() -> None:
    """Of 5,000 projects of equal time the width is that of the binomial share, 2 × 1.96 sqrt(p q / n)."""
    hits = [i % 4 == 0 for i in range(5000)]
    random.Random(3).shuffle(hits)
    found = share_interval([3600] * 5000, hits)
    assert found is not None
    assert found[1] - found[0] == pytest.approx(2 * 1.96 * (0.25 * 0.75 / 5000) ** 0.5, rel=0.1)
    assert found[0] < 0.25 < found[1]


def test_equal_questions_have_equal_answers() -> None:
    """The draws are seeded: the same projects give the same interval to the last digit."""
    seconds, hits = [100, 5000, 700, 60, 2400], [True, False, True, True, False]
    assert share_interval(seconds, hits) == share_interval(list(seconds), list(hits))


@pytest.mark.parametrize(
    ("seconds", "hits"),
    [
        pytest.param([], [], id="none"),
        pytest.param([3600], [True], id="one project"),
        pytest.param([0, 0, 3600], [True, False, True], id="one with time"),
        pytest.param([0, 0], [True, False], id="no time"),
        pytest.param([60, 90], [True, True], id="all"),
        pytest.param([60, 90], [False, False], id="none of them"),
    ],
)
def test_where_draws_cannot_differ_there_is_no_interval(seconds: list[int], hits: list[bool]) -> None:
    """One project, no time, all or nothing: an interval of no width would promise what nobody knows."""
    assert share_interval(seconds, hits) is None
