"""Whom to ask: the rule as a table of cases, and what holds for all facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.observatory import Asking
from survey.asking.rule import CHECKS, OF_THE_DATA, Ground, Judge, ProjectFacts, is_silent, judge

ASKING = Asking(
    grace_years=2,
    clock_source="two years after the end of the proprietary period",
    preprint_counts_months=24,
    no_release_date=(date(3000, 1, 1),),
    open_states=("Ready",),
    closed_states=("PartiallyCompleted", "Completed"),
    carry_over_months=12,
)
DUE = ProjectFacts(delivered_units=1, cycle_ends_on=date(2017, 9, 30), last_release_on=date(2018, 5, 1))
AS_OF = date(2026, 11, 22)

CASES: list[tuple[dict[str, Any], Ground | None]] = [
    ({}, None),
    ({"is_pi_project": False}, Ground.NOT_PI_PROJECT),
    ({"delivered_units": 0}, Ground.NOTHING_DELIVERED),
    ({"state": "Ready"}, Ground.STILL_OPEN),
    ({"state": "PartiallyCompleted"}, None),
    ({"state": "Completed", "cycle_ends_on": date(2026, 9, 30)}, None),
    ({"state": "Unheard of"}, None),
    ({"state": "Unheard of", "cycle_ends_on": date(2026, 1, 1)}, Ground.STILL_OPEN),
    ({"cycle_ends_on": None}, Ground.STILL_OPEN),
    ({"cycle_ends_on": date(2025, 11, 22)}, Ground.STILL_OPEN),
    ({"cycle_ends_on": date(2025, 11, 21)}, None),
    ({"last_release_on": None}, Ground.NO_RELEASE_DATE),
    ({"last_release_on": date(2026, 11, 23)}, Ground.STILL_PROPRIETARY),
    ({"last_release_on": date(2026, 11, 22)}, Ground.WITHIN_GRACE),
    ({"last_release_on": date(2024, 11, 23)}, Ground.WITHIN_GRACE),
    ({"last_release_on": date(2024, 11, 22)}, None),
    ({"has_refereed": True}, Ground.NOT_SILENT),
    ({"preprint_on": date(2024, 11, 22)}, Ground.NOT_SILENT),
    ({"preprint_on": date(2024, 11, 21)}, None),
    ({"is_read_again": True, "undecided_certain": 1}, Ground.READ_AGAIN),
    ({"is_read_again": True, "has_refereed": True}, Ground.NOT_SILENT),
    ({"undecided_certain": 1}, Ground.UNDECIDED_CERTAIN),
    ({"unverified_references": ("2019ApJ...999....1T",)}, Ground.ARCHIVE_REFERENCE),
    ({"asked_on": date(2020, 3, 1)}, Ground.ASKED_BEFORE),
    ({"asked_on": date(2020, 3, 1), "may_ask_again": True}, None),
    ({"asked_on": date(2026, 11, 20), "is_drafted": True}, Ground.ASKED_BEFORE),
    ({"has_opted_out": True}, Ground.OPTED_OUT),
    ({"asked_on": date(2020, 3, 1), "may_ask_again": True, "has_opted_out": True}, Ground.OPTED_OUT),
    ({"is_dead_address": True}, Ground.NO_ADDRESS),
    ({"last_release_on": date(9999, 12, 31)}, Ground.STILL_PROPRIETARY),
    ({"has_address": False}, Ground.NO_ADDRESS),
    ({"excluded": "the PI has died"}, Ground.EXCLUDED),
    ({"excluded": ""}, Ground.EXCLUDED),
]


@pytest.mark.parametrize(("changes", "ground"), CASES)
def test_each_ground_is_found(changes: dict[str, Any], ground: Ground | None) -> None:
    """One change to a project that is due gives the ground that the change is about, at the edge of each date."""
    assert judge(replace(DUE, **changes), ASKING, AS_OF).ground == ground


def test_the_first_ground_in_the_order_is_given() -> None:
    """Where everything stands against asking, the answer is the first ground; without it, the next, and so on."""
    facts = ProjectFacts(
        is_pi_project=False,
        delivered_units=0,
        state="Ready",
        last_release_on=None,
        has_refereed=True,
        is_read_again=True,
        undecided_certain=1,
        unverified_references=("x",),
        asked_on=AS_OF,
        has_opted_out=True,
        has_address=False,
        excluded="by hand",
    )
    steps: list[dict[str, Any]] = [
        {"is_pi_project": True},
        {"delivered_units": 1},
        {"state": "Completed"},
        {"last_release_on": AS_OF + timedelta(days=1)},
        {"last_release_on": AS_OF},
        {"last_release_on": date(2018, 1, 1)},
        {"has_refereed": False},
        {"is_read_again": False},
        {"undecided_certain": 0},
        {"unverified_references": ()},
        {"asked_on": None},
        {"has_opted_out": False},
        {"has_address": True},
        {"excluded": None},
    ]
    found = [judge(facts, ASKING, AS_OF).ground]
    for step in steps:
        facts = replace(facts, **step)
        found.append(judge(facts, ASKING, AS_OF).ground)
    assert found == [*Ground, None]


def test_the_leap_day_is_due_on_the_first_of_march() -> None:
    """29 February plus two years is 1 March: not due on 28 February, due the day after."""
    facts = replace(DUE, last_release_on=date(2020, 2, 29))
    assert judge(facts, ASKING, date(2022, 2, 28)).ground is Ground.WITHIN_GRACE
    assert judge(facts, ASKING, date(2022, 3, 1)).is_eligible
    assert judge(facts, ASKING, date(2022, 3, 1)).due_from == date(2022, 3, 1)


DAYS = st.dates(date(2011, 1, 1), date(2030, 12, 31))
FACTS = st.builds(
    ProjectFacts,
    is_pi_project=st.booleans(),
    delivered_units=st.integers(0, 3),
    state=st.sampled_from([None, "Ready", "Completed", "Odd"]),
    cycle_ends_on=st.none() | DAYS,
    last_release_on=st.none() | DAYS,
    has_refereed=st.booleans(),
    preprint_on=st.none() | DAYS,
    undecided_certain=st.integers(0, 2),
    unverified_references=st.lists(st.just("2019ApJ...999....1T"), max_size=2).map(tuple),
    is_read_again=st.booleans(),
    asked_on=st.none() | DAYS,
    is_drafted=st.booleans(),
    may_ask_again=st.booleans(),
    has_opted_out=st.booleans(),
    has_address=st.booleans(),
    is_dead_address=st.booleans(),
    excluded=st.none() | st.just("by hand"),
)


@given(FACTS, DAYS)
def test_a_refereed_paper_always_ends_it(facts: ProjectFacts, day: date) -> None:
    """Whoever has an accepted refereed science paper is never asked, whatever else is true."""
    assert not judge(replace(facts, has_refereed=True), ASKING, day).is_eligible


@given(FACTS, DAYS)
def test_nobody_is_asked_before_the_grace_has_passed(facts: ProjectFacts, day: date) -> None:
    """An eligible project is silent, has an address, and its due day is known and not after the day asked about."""
    judgement = judge(facts, ASKING, day)
    if judgement.is_eligible:
        assert judgement.due_from is not None
        assert judgement.due_from <= day
        assert facts.has_address
        assert not facts.has_opted_out
        assert is_silent(facts, ASKING, day)


@given(FACTS, DAYS, st.integers(1, 2000))
def test_a_later_release_never_makes_a_project_due(facts: ProjectFacts, day: date, days: int) -> None:
    """Moving the last release date later can take a project off the list and never puts it on."""
    if facts.last_release_on is None or judge(facts, ASKING, day).is_eligible:
        return
    later = replace(facts, last_release_on=facts.last_release_on + timedelta(days=days))
    assert not judge(later, ASKING, day).is_eligible


@given(FACTS, DAYS)
def test_every_judgement_says_why(facts: ProjectFacts, day: date) -> None:
    """Each judgement has a sentence for a librarian, and each ground a label."""
    judgement = judge(facts, ASKING, day)
    assert judgement.because
    assert judgement.ground is None or judgement.ground.label


def test_the_checks_stand_in_the_order_of_the_grounds() -> None:
    """Every ground has one check, in the order that the issue and the docs give; the first six are about the data."""
    assert [ground for ground, _check in CHECKS] == list(Ground)
    assert set(list(Ground)[:6]) == OF_THE_DATA


@given(FACTS, DAYS)
def test_the_answer_is_the_first_check_that_holds(facts: ProjectFacts, day: date) -> None:
    """No check before the given ground says anything against asking; of an eligible project none does at all."""
    judgement = judge(facts, ASKING, day)
    saying = [ground for ground, check in CHECKS if check(facts, ASKING, day) is not None]
    assert saying[:1] == ([] if judgement.ground is None else [judgement.ground])


@given(FACTS, DAYS, st.integers(1, 3000))
def test_time_alone_never_takes_a_project_off(facts: ProjectFacts, day: date, days: int) -> None:
    """Who is due on a day is due on every later one, as long as nothing else is learned."""
    if judge(facts, ASKING, day).is_eligible:
        assert judge(facts, ASKING, day + timedelta(days=days)).is_eligible


@given(st.dates(date(2012, 1, 1), date(2028, 12, 31)))
def test_the_grace_ends_on_one_day(released: date) -> None:
    """The day before ``due_from`` the project is within grace, on it it is due: two calendar years after the release."""
    facts = replace(DUE, last_release_on=released, state="Completed")
    due_from = judge(facts, ASKING, released).due_from
    assert due_from is not None
    assert (due_from.year, due_from.month) in {(released.year + 2, released.month), (released.year + 2, 3)}
    assert judge(facts, ASKING, due_from - timedelta(days=1)).ground is Ground.WITHIN_GRACE
    assert judge(facts, ASKING, due_from).is_eligible


@given(FACTS, DAYS)
def test_leave_lifts_nothing_but_the_earlier_asking(facts: ProjectFacts, day: date) -> None:
    """With leave to ask again the answer is what it would be had nobody asked before."""
    with_leave = judge(replace(facts, may_ask_again=True), ASKING, day)
    assert with_leave.ground == judge(replace(facts, asked_on=None), ASKING, day).ground


@given(st.lists(FACTS, max_size=30), st.lists(st.tuples(st.integers(0, 29), FACTS), max_size=10), DAYS)
def test_many_are_judged_as_each_alone(
    many: list[ProjectFacts], changes: list[tuple[int, ProjectFacts]], day: date
) -> None:
    """What is judged once for projects with the same data is what each of them would get alone."""
    alike = [
        replace(many[place], has_refereed=other.has_refereed, asked_on=other.asked_on, excluded=other.excluded)
        for place, other in changes
        if place < len(many)
    ]
    judged = Judge(ASKING, day)
    for facts in (*many, *alike, *many):
        assert judged(facts) == judge(facts, ASKING, day)
