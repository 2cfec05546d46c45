"""The reach of the data on examples small enough to count by hand, and on random facts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.definitions.data import INDICATORS
from reports.document import Figure, Table
from reports.facts.counted import Counted
from reports.facts.model import Facts
from reports.themes import data
from tests.reports.facts_made import appeared, counted, facts, figures_of, paper, profile, project, unit

DORN = ("Dorn, Karl",)


def table(known: Counted, key: str) -> Table:
    """One table of the theme."""
    return next(one for one in data.tables(known) if one.key == key)


def reach(known: Counted, column: str, row: str = "all") -> Figure:
    """One figure of the table by cycle."""
    return table(known, "reach").figure(row, column)


def release(known: Counted, column: str, row: str = "2018") -> Figure:
    """One figure of the table by year of release."""
    return table(known, "release").figure(row, column)


def two(**changes: object) -> Counted:
    """Two projects of 2018's release, of 3 h and 1 h; their own team published the first."""
    projects = [project(n, units=(unit(n, hours=hours),)) for n, hours in ((1, 3), (2, 1))]
    return counted(projects, [paper(1)], [(1, 1)], **changes)


# -- the examples of the definitions ----------------------------------------------------------------------------------


def test_example_of_delivered_units() -> None:
    """Two delivered and one to come, and one delivered: three units of two projects."""
    units = (unit(1), unit(2), unit(3, None, None))
    found = reach(counted([project(1, units=units), project(2, units=(unit(4),))]), "units")
    assert (found.value, found.ids) == (3, (1, 2))


def test_example_of_units_used() -> None:
    """Three units of a published project and one of another: 75 %."""
    projects = [project(1, units=(unit(1), unit(2), unit(3))), project(2, units=(unit(4),))]
    found = reach(counted(projects, [paper(1)], [(1, 1)]), "units_used")
    assert (found.value, found.numerator, found.denominator) == (0.75, 3, 4)
    assert (found.ids, found.rest) == ((1,), (2,))


def test_example_of_units_without_time() -> None:
    """One unit of 2 h and one of unknown exposure: one."""
    found = reach(counted([project(1, units=(unit(1), unit(2, hours=None)))]), "without_time")
    assert (found.value, found.ids) == (1, (1,))
    assert reach(counted([project(1, units=(unit(1), unit(2, hours=None)))]), "hours").value == 2.0


def test_example_of_released_projects() -> None:
    """Released on 2018-05-01 and 2019-02-01: one project, of 2018."""
    units = (unit(1), unit(2, released=date(2019, 2, 1)))
    known = counted([project(1, units=units)])
    assert [row.key for row in table(known, "release").rows] == ["2018", "all"]
    assert release(known, "released").ids == (1,)


def test_example_of_released_hours() -> None:
    """Units of 1 h and 2 h: three hours."""
    assert release(counted([project(1, units=(unit(1, hours=1), unit(2, hours=2)))]), "hours").value == 3.0


def test_example_of_released_used() -> None:
    """One of two published by its own team: 50 %."""
    found = release(two(), "used")
    assert (found.value, found.ids, found.rest) == (0.5, (1,), (2,))


def test_example_of_released_time_used() -> None:
    """3 h of 4 h: 75 %."""
    assert release(two(), "hours_used").value == 0.75


def test_example_of_reused() -> None:
    """A paper by Dorn used one project of Ahn's, a paper by Ahn and Dorn the other: 1 of 2."""
    papers = [paper(1, authors=DORN), paper(2, authors=("Ahn, Bora", *DORN))]
    found = release(counted([project(1), project(2)], papers, [(1, 1), (2, 2)]), "reused")
    assert (found.numerator, found.denominator, found.ids) == (1, 2, (1,))


def test_example_of_reused_time() -> None:
    """The one used by Dorn was observed for 1 h, the other for 3 h: 25 %."""
    projects = [project(n, units=(unit(n, hours=hours),)) for n, hours in ((1, 1), (2, 3))]
    papers = [paper(1, authors=DORN), paper(2, authors=("Ahn, Bora", *DORN))]
    assert release(counted(projects, papers, [(1, 1), (2, 2)]), "hours_reused").value == 0.25


@pytest.mark.parametrize("indicator", [one.key for one in INDICATORS])
def test_every_definition_has_its_example_tested(indicator: str) -> None:
    """What a definition tells as an example is one of the tests above."""
    assert callable(globals()[f"test_example_of_{indicator}"])


# -- what else it promises --------------------------------------------------------------------------------------------


def test_a_paper_on_its_own_and_on_anothers_data_reuses_the_others() -> None:
    """Ahn's paper on Ahn's project and on Cole's: Cole's was used again, Ahn's was not."""
    coles = project(2, pi="Cole, Nina", team=("Cole, Nina", "Eze, Ada"))
    assert release(counted([project(1), coles], [paper(1)], [(1, 1), (1, 2)]), "reused").ids == (2,)


def test_a_project_without_a_team_is_not_said_to_be_reused() -> None:
    """Nobody can tell whether the authors are its team: used, but not known to be used by others."""
    known = counted([project(1, pi="", team=())], [paper(1, authors=DORN)], [(1, 1)])
    assert release(known, "used").numerator == 1
    assert release(known, "reused").numerator == 0


def test_years_of_release_are_marked_while_they_are_young() -> None:
    """Four years after the release of its last project a year's use is no longer marked."""
    early = project(1, units=(unit(1, date(2021, 1, 1), date(2022, 3, 1)),))
    late = project(2, units=(unit(2, date(2021, 1, 1), date(2022, 12, 1)),))
    assert release(counted([early, late]), "used", "2022").is_incomplete
    assert not release(counted([early]), "used", "2022").is_incomplete


def test_the_running_year_of_release_is_marked() -> None:
    """More projects will be released this year; last year's are all there."""
    known = counted([project(n, units=(unit(n, date(2024, 1, 1), date(2024 + n, 2, 1)),)) for n in (1, 2)])
    assert release(known, "released", "2026").is_incomplete
    assert not release(known, "released", "2025").is_incomplete


def test_what_is_not_released_is_told_and_not_counted() -> None:
    """A release to come, and one that means "not known": neither is a year, and the table says how many."""
    coming = project(1, units=(unit(1, released=date(2027, 1, 1)),))
    never = project(2, units=(unit(2, released=date(3000, 1, 1)),))
    known = counted([coming, never, project(3)])
    assert [row.key for row in table(known, "release").rows] == ["2018", "all"]
    assert table(known, "release").notes == ("2 observed projects are not released yet.",)


def test_a_year_without_a_release_keeps_its_row_and_a_mistaken_one_makes_no_hundred() -> None:
    """2018 and 2020: three rows; a release of 1901 by mistake: one more, not a hundred."""
    days = (date(1901, 1, 1), date(2018, 5, 1), date(2020, 5, 1))
    known = counted([project(n, units=(unit(n, date(2017, 5, 1), day),)) for n, day in enumerate(days, 1)])
    assert [row.key for row in table(known, "release").rows] == ["1901", "2018", "2019", "2020", "all"]
    assert release(known, "used", "2019").value is None


def test_impossible_exposures_are_not_known() -> None:
    """A negative, infinite, absurd or missing exposure is no observing time; zero is one."""
    hours = (-1.0, float("inf"), float("nan"), None, 0.0, 1e300)
    known = counted([project(n, units=(unit(n, hours=h),)) for n, h in enumerate(hours, 1)], [paper(1)], [(1, 5)])
    assert reach(known, "without_time").value == 5
    assert (reach(known, "hours").value, reach(known, "hours").ids) == (0.0, (5,))
    assert reach(known, "hours_used").value is None


# -- random facts -----------------------------------------------------------------------------------------------------

days = st.dates(date(2012, 1, 1), date(2029, 1, 1))
maybe_days = st.one_of(st.none(), days, st.just(date(3000, 1, 1)))
units = st.builds(unit, st.just(1), maybe_days, maybe_days, st.one_of(st.none(), st.floats(0, 9)))
random_projects = st.builds(
    project,
    st.integers(1, 9),
    units=st.lists(units, max_size=3).map(tuple),
    cycle=st.sampled_from(["2015.1", "2016.1", None]),
)
random_papers = st.builds(
    paper, st.integers(1, 9), is_refereed=st.booleans(), authors=st.sampled_from([DORN, ("Ahn, Bora",), ()])
)
random_links = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12)
random_facts = st.builds(
    facts, st.lists(random_projects, max_size=8), st.lists(random_papers, max_size=6), random_links
)
checked = settings(max_examples=20, deadline=None)


def everything(known: Facts) -> dict[tuple[str, str, str], Figure]:
    """Every figure of the theme."""
    return figures_of(data.tables(Counted(known, profile())))


@checked
@given(random_facts)
def test_parts_sum_to_the_whole(known: Facts) -> None:
    """Cycles sum to all units, years of release to all projects released, and what is used is part of what there is."""
    found = everything(known)
    for at, column in (("reach", "units"), ("reach", "without_time"), ("release", "released")):
        parts = [float(f.value or 0) for (t, row, c), f in found.items() if (t, c) == (at, column) and row != "all"]
        assert sum(parts) == found[at, "all", column].value
    for (_, row, column), figure in found.items():
        assert not set(figure.ids) & set(figure.rest)
        if column == "reused":
            assert set(figure.ids) <= set(found["release", row, "used"].ids)
        if figure.value is not None and figure.denominator is not None:
            assert 0 <= figure.value <= 1


@checked
@given(random_facts, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(known: Facts, rng: random.Random) -> None:
    """The same facts in another order give the same figures to the last digit."""
    projects, papers, links = list(known.projects.items()), list(known.papers.items()), list(known.links)
    for listed in (projects, papers, links):
        rng.shuffle(listed)
    other = replace(known, projects=dict(projects), papers=dict(papers), links=tuple(links))
    assert everything(other) == everything(known)


@checked
@given(random_facts, days, st.integers(1, 9))
def test_a_later_paper_never_lowers_what_was_used(known: Facts, day: date, to: int) -> None:
    """One more paper lets no share fall."""
    later = facts([], [appeared(99, day, authors=DORN)], [(99, to)])
    more = replace(known, papers={**known.papers, **later.papers}, links=(*known.links, *later.links))
    after = everything(more)
    for at, figure in everything(known).items():
        assert (after[at].value or 0.0) >= (figure.value or 0.0)


def test_before_everything_there_is_nothing() -> None:
    """A day before the first delivery: zeros and no shares."""
    known = two(as_of=date(2000, 1, 1))
    for one in data.tables(known):
        assert all(not figure.value for row in one.rows for figure in row.figures if figure is not None)
