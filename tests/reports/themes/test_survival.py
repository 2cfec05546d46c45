"""Waiting times are estimated as the textbooks and the statistics packages do, and say what they do not know.

The leukaemia trial: Freireich et al. 1963, Blood 21, 699, as printed by Gehan 1965 and analysed by Cox 1972 (weeks in
remission; 6-MP against placebo). Its log-log limits are printed by G. Rodríguez, "The Gehan Survival Data" (Princeton,
data.princeton.edu/pop509/gehan.html: ``sts list, by(group)``); R gives the same with ``survfit(Surv(weeks, relapse) ~
group, conf.type = "log-log")``. All of them were also worked out from Greenwood's formula by hand.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency

from reports.themes.survival import Difference, Estimate, Times, compare, curve, difference, holm, incidence, waiting_at

DRUG_WEEKS = (6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35)
DRUG_RELAPSED = (1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0)
PLACEBO_WEEKS = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)

DRUG = Times.of(DRUG_WEEKS, map(bool, DRUG_RELAPSED))
PLACEBO = Times.of(PLACEBO_WEEKS, [True] * 21)


def _times(*watched: tuple[float, bool]) -> Times:
    return Times.of([duration for duration, _ in watched], [is_event for _, is_event in watched])


@pytest.mark.parametrize(
    ("week", "at_risk", "remission", "low", "high"),
    [
        (6, 21, 0.8571, 0.6197, 0.9516),
        (7, 17, 0.8067, 0.5631, 0.9228),
        (10, 15, 0.7529, 0.5032, 0.8894),
        (13, 12, 0.6902, 0.4316, 0.8491),
        (16, 11, 0.6275, 0.3675, 0.8049),
        (22, 7, 0.5378, 0.2678, 0.7468),
        (23, 6, 0.4482, 0.1881, 0.6801),
    ],
)
def test_the_6mp_arm_of_the_leukaemia_trial_has_its_published_curve_and_limits(
    week: int, at_risk: int, remission: float, low: float, high: float
) -> None:
    """Survival, log-log limits and numbers at risk are those printed for the trial, censored patients included."""
    drug = curve(DRUG)
    assert drug.at_risk(week) == at_risk
    relapsed = drug.published(week)
    assert relapsed.value == pytest.approx(1 - remission, abs=5e-5)
    assert (relapsed.low, relapsed.high) == pytest.approx((1 - high, 1 - low), abs=5e-5)


@pytest.mark.parametrize(
    ("week", "remission", "low", "high"),
    [
        (1, 0.9048, 0.6700, 0.9753),
        (2, 0.8095, 0.5689, 0.9239),
        (3, 0.7619, 0.5194, 0.8933),
        (8, 0.3810, 0.1831, 0.5778),
        (12, 0.1905, 0.0595, 0.3774),
        (22, 0.0476, 0.0033, 0.1970),
    ],
)
def test_the_placebo_arm_has_its_published_curve_and_limits(
    week: int, remission: float, low: float, high: float
) -> None:
    """Without censoring the curve is the share of the 21 patients, and the limits are those printed."""
    relapsed = curve(PLACEBO).published(week)
    assert relapsed.value == pytest.approx(1 - remission, abs=5e-5)
    assert (relapsed.low, relapsed.high) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_medians_of_the_trial_are_those_of_survfit() -> None:
    """R prints 23 [13, NA] for 6-MP and 8 [4, 11] for placebo (survfit with conf.type="log-log")."""
    assert curve(DRUG).quantile(0.5) == Estimate(23, 13, None)
    assert curve(PLACEBO).quantile(0.5) == Estimate(8, 4, 11)


def test_log_rank_of_the_trial_is_the_published_one() -> None:
    """Chi-square 16.79 with 9 relapses where 19.25 were expected (Cox 1972; ``survdiff`` of R prints 16.8, 9, 19.3)."""
    found = compare(DRUG, PLACEBO)
    assert found is not None
    assert found.chi_square == pytest.approx(16.79, abs=5e-3)
    assert found.observed == 9
    assert found.expected == pytest.approx(19.25, abs=5e-3)
    assert found.p == pytest.approx(4.17e-5, rel=1e-3)
    assert found.p == pytest.approx(chi2.sf(found.chi_square, 1))
    assert chi2.sf(3.84, 1) == pytest.approx(0.050, abs=5e-4)
    assert found.observed / found.expected == pytest.approx(0.47, abs=5e-3)


@pytest.mark.parametrize(("week", "error"), [(1, 0.0641), (2, 0.0857), (10, 0.106)])
def test_standard_errors_of_the_placebo_arm_are_the_published_ones(week: int, error: float) -> None:
    """Greenwood's: 0.0641 and 0.0857 (Rodríguez, as above), 0.106 for S(10) = 8/21 (Cox and Oakes 1984, Table 1.1)."""
    found = waiting_at(PLACEBO, week)
    assert found is not None
    assert found[1] ** 0.5 == pytest.approx(error, abs=5e-4)


def test_a_difference_of_two_groups_by_hand() -> None:
    """At week 10 24.7 % and 61.9 % had relapsed: -37.2 % ± 1.96 × sqrt(0.0963² + 0.106²); unknown beyond either end."""
    found = difference(DRUG, PLACEBO, 10)
    assert found is not None
    assert found.value == pytest.approx(0.2471 - 0.6190, abs=5e-4)
    assert found.low == pytest.approx(-0.3720 - 0.2807, abs=2e-3)
    assert found.high == pytest.approx(-0.3720 + 0.2807, abs=2e-3)
    assert difference(DRUG, PLACEBO, 36) is None
    assert difference(DRUG, PLACEBO, 0) == Difference(0.0)


@pytest.mark.parametrize(("one", "other"), [((10, 10), (15, 5)), ((0, 12), (30, 40)), ((20, 0), (3, 17))])
def test_where_nobody_left_a_difference_is_tested_as_by_pearson(one: tuple[int, int], other: tuple[int, int]) -> None:
    """Two-sided p is that of the χ² test of the 2 × 2 table without correction, also where a group has no event."""
    groups = [_times(*[(1, True)] * had, *[(9, False)] * had_not) for had, had_not in (one, other)]
    found = difference(groups[0], groups[1], 5)
    assert found is not None
    assert found.p == pytest.approx(chi2_contingency([one, other], correction=False).pvalue)


def test_log_rank_does_not_depend_on_which_group_comes_first() -> None:
    """Exchanging the groups leaves chi-square, and the events expected of both add up to those there were."""
    one, other = compare(DRUG, PLACEBO), compare(PLACEBO, DRUG)
    assert one is not None
    assert other is not None
    assert one.chi_square == pytest.approx(other.chi_square)
    assert one.expected + other.expected == pytest.approx(9 + 21)


def test_deaths_with_others_competing_have_their_published_incidence() -> None:
    """The worked table of Satagopan et al. 2004 (Br. J. Cancer 91, 1229, Table 2): 305 patients, two causes of death.

    Its steps are printed with one decimal (and added up so rounded, so only steps and survival are compared).
    """
    months = (7, 10, 14, 16, 18, 23, 24, 26, 27)
    causes = "CECERECRE"  # C censored, E of the cancer, R of another cause
    watched = [*zip(months, causes, strict=True), *[(30, "C")] * 296]
    times = Times.of([month for month, _ in watched], [cause == "E" for _, cause in watched])
    found = incidence(times, np.array([cause == "R" for _, cause in watched]))
    shares = [100 * (found.at(month).value or 0) for month in (0, 10, 16, 23, 27)]
    assert np.diff(shares) == pytest.approx([0.3] * 4, abs=0.05)
    survived = [100 * (1 - (found.at(m).value or 0) - (found.other_at(m) or 0)) for m in (10, 16, 18, 23, 26, 27)]
    assert survived == pytest.approx([99.7, 99.3, 99.0, 98.7, 98.3, 98.0], abs=0.051)


def test_cumulative_incidence_by_hand() -> None:
    """Four projects: paper after 1, closed after 2, paper after 3, watched for 4: published 1/4, 1/4, 1/2; closed 1/4."""
    times = _times((1, True), (2, False), (3, True), (4, False))
    found = incidence(times, np.array([False, True, False, False]))
    assert [found.at(year).value for year in (0, 1, 2, 3, 4)] == pytest.approx([0, 0.25, 0.25, 0.5, 0.5])
    assert [found.other_at(year) for year in (0, 1, 2, 3, 4)] == pytest.approx([0, 0, 0.25, 0.25, 0.25])
    assert (found.at(5), found.other_at(5)) == (Estimate(None), None)


def test_cumulative_incidence_without_a_rival_is_kaplan_meier() -> None:
    """Estimate and limits agree where nothing competes: the variance is then Greenwood's."""
    alone, both = curve(DRUG), incidence(DRUG, np.zeros(21, dtype=np.bool_))
    for week in (6, 7, 10, 13, 16, 22, 23, 30):
        one, other = alone.published(week), both.at(week)
        assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high))


def test_one_project_cannot_have_both_ends() -> None:
    """An event that is also the other end is refused, as are lists of different lengths and negative times."""
    with pytest.raises(ValueError, match="one end"):
        incidence(_times((1, True)), np.array([True]))
    with pytest.raises(ValueError, match="≥ 0"):
        Times.of([1.0, 2.0], [True])
    with pytest.raises(ValueError, match="≥ 0"):
        Times.of([-1.0], [True])


def test_holm_by_hand() -> None:
    """0.01, 0.04 and 0.03 become 3 × 0.01, 0.06 and 2 × 0.03: the largest may not fall below the one before it."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.5, 0.9]) == (1.0, 1.0)
    assert holm([]) == ()
    assert holm([0.2]) == (0.2,)


def test_nobody_says_nothing() -> None:
    """Of no projects every estimate is unknown, and no comparison is made."""
    nobody = _times()
    assert curve(nobody).published(1) == Estimate(None)
    assert curve(nobody).quantile(0.5) == Estimate(None)
    assert curve(nobody).at_risk(0) == 0
    assert incidence(nobody, np.zeros(0, dtype=np.bool_)).at(1) == Estimate(None)
    assert compare(nobody, DRUG) is None


def test_without_events_the_share_is_zero_without_an_interval() -> None:
    """No variance is no certainty: 0 % so far, no limits, no quantile, and nothing known beyond the longest time."""
    waiting = curve(_times((1, False), (3, False)))
    assert waiting.published(2) == Estimate(0.0)
    assert waiting.published(3) == Estimate(0.0)
    assert waiting.published(3.1) == Estimate(None)
    assert waiting.quantile(0.5) == Estimate(None)
    assert compare(_times((1, False)), _times((2, False))) is None


def test_when_all_have_published_the_share_is_one_without_an_interval() -> None:
    """At 100 % the log-log interval is undefined, the value known for ever, and a quantile's upper end open."""
    done = curve(_times((1, True), (2, True)))
    assert done.published(2) == Estimate(1.0)
    assert done.published(100) == Estimate(1.0)
    assert done.quantile(1.0) == Estimate(2, 2, None)
    assert done.published(1).low is not None


def test_one_project_that_published_at_once() -> None:
    """A single project with a time of 0: published from the beginning, median 0."""
    one = curve(_times((0, True)))
    assert one.published(0) == Estimate(1.0)
    assert one.quantile(0.5) == Estimate(0, 0, None)


def test_all_censored_at_zero() -> None:
    """Projects delivered on the last day watched are at risk at 0 and say nothing of later."""
    young = curve(_times((0, False), (0, False)))
    assert young.at_risk(0) == 2
    assert young.published(0) == Estimate(0.0)
    assert young.published(0.5) == Estimate(None)


def test_who_is_censored_at_a_time_was_at_risk_at_it() -> None:
    """One published and one was last watched on the same day: one of two, not one of one."""
    tied = curve(_times((5, True), (5, False)))
    assert tied.published(5).value == 0.5


def test_a_quantile_that_is_met_exactly_is_reached() -> None:
    """Shares that are products of fractions meet the asked one within rounding: 1 - 3/4 × 2/3 is 50 %."""
    four = curve(_times((1, True), (2, True), (3, False), (4, False)))
    assert four.quantile(0.5).value == 2
    ten = curve(_times(*[(day, True) for day in range(1, 11)]))
    assert [ten.quantile(share).value for share in (0.1, 0.3, 0.7, 0.8)] == [1, 3, 7, 8]


WATCHED = st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=40)


@given(WATCHED)
@settings(max_examples=60, deadline=None)
def test_the_share_published_never_falls_and_lies_within_its_interval(watched: list[tuple[int, bool]]) -> None:
    """For any times: shares rise from 0 to 1 at most, intervals contain them, numbers at risk fall."""
    found = curve(_times(*watched))
    shares = [found.published(day) for day in range(62)]
    known = [one.value for one in shares if one.value is not None]
    assert known == sorted(known)
    assert all(0 <= value <= 1 for value in known)
    assert all(one.low <= (one.value or 0) <= (one.high or 1) for one in shares if one.low is not None)
    alone = [waiting_at(_times(*watched), day) for day in range(62)]
    assert [one and 1 - one[0] for one in alone] == pytest.approx([one.value for one in shares])
    risks = [found.at_risk(day) for day in range(62)]
    assert risks == sorted(risks, reverse=True)
    assert risks[0] == len(watched)


@given(WATCHED, st.sampled_from([0.2, 0.5, 0.8, 0.95]))
@settings(max_examples=60, deadline=None)
def test_a_quantile_lies_within_its_interval_and_is_where_the_curve_reaches_it(
    watched: list[tuple[int, bool]], share: float
) -> None:
    """The time found is the first at which the share is reached, and its interval contains it."""
    found = curve(_times(*watched))
    point = found.quantile(share)
    if point.value is None:
        assert all((found.published(day).value or 0) < share for day in range(62))
        assert point.high is None
        return
    assert (found.published(point.value).value or 0) >= share - 1e-9
    assert point.value == 0 or (found.published(point.value - 1).value or 0) < share
    assert point.low is not None
    assert point.low <= point.value
    assert point.high is None or point.high >= point.value


@given(st.data(), WATCHED)
@settings(max_examples=40, deadline=None)
def test_the_order_of_projects_changes_nothing(data: st.DataObject, watched: list[tuple[int, bool]]) -> None:
    """Shuffled projects give the same curve, bit for bit."""
    shuffled = data.draw(st.permutations(watched))
    one, other = curve(_times(*watched)), curve(_times(*shuffled))
    assert [one.published(day) for day in range(62)] == [other.published(day) for day in range(62)]
    assert one.quantile(0.5) == other.quantile(0.5)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_without_censoring_the_curve_is_the_share_that_published(durations: list[int]) -> None:
    """When everybody published, the estimate at a time is simply the share that had by then."""
    found = curve(Times.of(durations, [True] * len(durations)))
    for day in range(62):
        assert found.published(day).value == pytest.approx(sum(d <= day for d in durations) / len(durations))


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("PNC")), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_both_ends_and_those_who_wait_add_up_to_everybody(watched: list[tuple[int, str]]) -> None:
    """Published, closed, and without either (Kaplan–Meier of any end) are a whole; publishing never exceeds 1 - S."""
    durations = [day for day, _ in watched]
    times = Times.of(durations, [end == "P" for _, end in watched])
    both = incidence(times, np.array([end == "N" for _, end in watched]))
    any_end = curve(Times.of(durations, [end != "C" for _, end in watched]))
    alone = curve(times)
    for day in range(max(durations) + 1):
        share, other, ended = both.at(day), both.other_at(day), any_end.published(day).value
        assert share.value is not None
        assert other is not None
        assert share.value + other == pytest.approx(ended)
        assert share.value <= (alone.published(day).value or 0) + 1e-9
        if share.low is not None and share.high is not None:
            assert 0 <= share.low <= share.value <= share.high <= 1
