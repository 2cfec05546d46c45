"""The publication fraction on examples small enough to count by hand, and on random facts."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biblio.observatory import Facet
from reports.definitions.projects import INDICATORS
from reports.document import Figure, Table
from reports.facts.counted import Counted
from reports.facts.model import Bibliography, Facts, Project
from reports.themes import fraction
from reports.themes.survival import holm
from tests.reports.facts_made import appeared, counted, facts, figures_of, paper, profile, project, unit

YEARS = ("y1", "y2", "y3", "y4", "y5", "y7", "y10")


def table(known: Counted, key: str) -> Table:
    """One table of the theme."""
    return next(one for one in fraction.tables(known) if one.key == key)


def now(known: Counted, column: str, row: str = "all") -> Figure:
    """One figure of the first table."""
    return table(known, "now").figure(row, column)


def aged(number: int, delivered: date, hours: float | None = 1.0) -> Project:
    """A project with one unit delivered on that day."""
    return project(number, units=(unit(number, delivered, delivered + timedelta(days=365), hours),))


# -- the examples of the definitions ----------------------------------------------------------------------------------


def test_example_of_observed() -> None:
    """One delivered, one still to come, one science verification: one observed."""
    verification = project(3, is_pi_project=False)
    coming = project(2, units=(unit(2, None, None),))
    found = now(counted([project(1, units=(unit(1), unit(2))), coming, verification]), "observed")
    assert (found.value, found.ids) == (1, (1,))


def test_example_of_published() -> None:
    """A refereed paper publishes, a preprint does not: one of two."""
    preprint = paper(2, is_refereed=False, kind="eprint")
    found = now(counted([project(1), project(2)], [paper(1), preprint], [(1, 1), (2, 2)]), "published")
    assert (found.value, found.ids) == (1, (1,))


def test_example_of_silent() -> None:
    """Released on 29 February 2020 with two years of grace: silent from 1 March 2022 on."""
    leap = project(1, units=(unit(1, date(2019, 2, 28), date(2020, 2, 29)),))
    before, after = (now(counted([leap], as_of=day), "silent") for day in (date(2022, 2, 28), date(2022, 3, 1)))
    assert (before.value, after.value, after.ids) == (0, 1, (1,))


def test_example_of_within_time() -> None:
    """Released last month without a paper: within its time."""
    fresh = project(1, units=(unit(1, date(2025, 10, 20), date(2026, 10, 20)),))
    found = now(counted([fresh]), "within_time")
    assert (found.value, found.ids) == (1, (1,))


def test_example_of_publication_fraction() -> None:
    """2 of 4: 50 % with an interval of 15.0 to 85.0 %, and who did and who did not."""
    found = now(counted([project(n) for n in (1, 2, 3, 4)], [paper(1), paper(2)], [(1, 1), (2, 2)]), "fraction")
    assert (found.value, found.numerator, found.denominator) == (0.5, 2, 4)
    assert (round(found.low or 0, 3), round(found.high or 0, 3)) == (0.150, 0.850)
    assert (found.ids, found.rest) == ((1, 2), (3, 4))


def test_example_of_observed_hours() -> None:
    """1 h and 2 h delivered, 5 h to come, a project of unknown exposure: 3 hours without one project."""
    known = project(1, units=(unit(1, hours=1), unit(2, hours=2), unit(3, None, None, hours=5)))
    found = now(counted([known, project(2, units=(unit(4, hours=None),))]), "hours")
    assert (found.value, found.ids) == (3.0, (1,))
    assert found.note == "Without 1 project whose observing time is not known."


def test_example_of_published_time() -> None:
    """3 h published and 1 h not: 75 % of the time, half of the projects."""
    projects = [project(1, units=(unit(1, hours=3),)), project(2, units=(unit(2, hours=1),))]
    known = counted(projects, [paper(1)], [(1, 1)])
    of_time = now(known, "fraction_of_time")
    assert (of_time.value, of_time.numerator, of_time.denominator) == (0.75, 3.0, 4.0)
    assert now(known, "fraction").value == 0.5


def test_example_of_published_within() -> None:
    """On the fourth anniversary, a day later, never, and too young: 1 of 3, incomplete."""
    start = date(2017, 5, 1)
    projects = [*(aged(n, start) for n in (1, 2, 3)), aged(4, date(2025, 11, 1))]
    papers = [appeared(1, date(2021, 5, 1)), appeared(2, date(2021, 5, 2))]
    found = table(counted(projects, papers, [(1, 1), (2, 2)]), "fixed-age").figure("2016.1", "y4")
    assert (found.numerator, found.denominator, found.ids, found.rest) == (1, 3, (1,), (2, 3))
    assert found.is_incomplete
    assert found.note == "1 project not that old yet, not counted."


def test_example_of_published_within_time() -> None:
    """3 h after two years and 1 h after six: 75 % within four years, all within seven."""
    start = date(2015, 5, 1)
    known = counted(
        [aged(1, start, 3), aged(2, start, 1)],
        [appeared(1, date(2017, 5, 1)), appeared(2, date(2021, 4, 1))],
        [(1, 1), (2, 2)],
    )
    assert table(known, "fixed-age-of-time").figure("2016.1", "y4").value == 0.75
    assert table(known, "fixed-age-of-time").figure("2016.1", "y7").value == 1.0


def graded(*within: tuple[str, int, int], first: int = 1, cycle: str = "2016.1") -> tuple[list[Project], list[int]]:
    """Projects of a cycle by grade, so many in all and so many of them published within four years; and which did."""
    projects: list[Project] = []
    published: list[int] = []
    for grade, total, hits in within:
        for n in range(total):
            number = first + len(projects)
            projects.append(aged(number, date(2016, 5, 1))._replace(cycle=cycle, facets={"grade": grade}))
            published += [number] * (n < hits)
    return projects, published


def helps(projects: list[Project], published: list[int]) -> Table:
    """The table of what helps, of projects published by a paper each of 2018."""
    papers = [appeared(number, date(2018, 1, 1)) for number in published]
    known = facts(projects, papers, [(number, number) for number in published])
    return table(with_facets(known, Facet(key="grade", name="grade")), "helps")


def test_example_of_values_compared() -> None:
    """20 of grade A, 20 of grade B and 9 of grade C: two are compared."""
    found = helps(*graded(("A", 20, 10), ("B", 20, 5), ("C", 9, 9))).figure("grade", "values")
    assert (found.value, len(found.ids)) == (2, 40)


def test_example_of_difference_p() -> None:
    """10 of 20 and 5 of 20: χ² 2.60, p 0.107."""
    found = helps(*graded(("A", 20, 10), ("B", 20, 5)))
    assert round(found.figure("grade", "p").value or 0, 3) == 0.107
    assert (found.figure("grade", "lowest").value, found.figure("grade", "highest").value) == (0.25, 0.5)
    assert found.row("grade").name == "Grade: lowest B, highest A"


def test_example_of_difference_p_adjusted() -> None:
    """Of two facets compared the smaller p counts twice, the larger once (at least the smaller's)."""
    assert [round(p, 2) for p in holm((0.02, 0.30))] == [0.04, 0.30]
    projects, published = graded(("A", 20, 15), ("B", 20, 5))
    projects = [one._replace(category="Stars" if one.id % 2 else "Disks") for one in projects]
    found = helps(projects, published)
    p = {row: found.figure(row, "p").value or 0 for row in ("grade", "category")}
    assert found.figure("grade", "p-adjusted").value == pytest.approx(2 * p["grade"])
    assert found.figure("category", "p-adjusted").value == pytest.approx(p["category"])


def test_a_grade_of_good_cycles_only_is_not_called_better() -> None:
    """Grades that differ as cycles do, and not within any cycle, are not different."""
    early, hits = graded(("A", 40, 32), ("B", 10, 8))
    late, more = graded(("A", 10, 2), ("B", 40, 8), first=len(early) + 1, cycle="2017.1")
    found = helps([*early, *late], [*hits, *more])
    assert found.figure("grade", "highest").value == 0.68
    assert found.figure("grade", "lowest").value == 0.32
    assert found.figure("grade", "p").value == 1.0


def test_a_value_most_of_whose_projects_are_young_is_not_compared() -> None:
    """Ten old projects of grade C beside twenty young ones are no sample of it, here as in its own table."""
    projects, published = graded(("A", 20, 10), ("B", 20, 5), ("C", 10, 10))
    young = [
        aged(n, date(2025, 5, 1))._replace(cycle="2016.1", facets={"grade": "C"}) for n in range(51, 71)
    ]  # fmt: skip
    found = helps([*projects, *young], published)
    assert found.figure("grade", "values").value == 2
    assert found.row("grade").name == "Grade: lowest B, highest A"


def test_too_few_projects_are_not_compared_and_it_is_said() -> None:
    """One value, or few projects: no p, and a note why."""
    found = helps(*graded(("A", 9, 3), ("B", 9, 3)))
    assert found.figure("grade", "p").value is None
    assert found.figure("grade", "p").note == "Too few projects, or nothing that differs within a cycle."
    assert found.figure("grade", "values").value == 0


def test_example_of_past_proprietary_end() -> None:
    """Two years ago to the day counts, a day less does not."""
    projects = [project(n, units=(unit(n, date(2023, 11, 1), date(2024, 11, 21 + n)),)) for n in (1, 2)]
    found = table(counted(projects), "unpublished").figure("all", "ended")
    assert (found.value, found.ids, found.is_incomplete) == (1, (1,), True)


def test_example_of_unpublished_fraction() -> None:
    """A paper in time and one too late: 1 of 2 unpublished at that age."""
    found = table(_two_released(), "unpublished").figure("all", "unpublished")
    assert (found.numerator, found.denominator, found.ids, found.rest) == (1, 2, (2,), (1,))


def test_example_of_unpublished_time() -> None:
    """Of 3 h in time and 1 h too late a quarter was unpublished at that age."""
    assert table(_two_released(), "unpublished").figure("all", "unpublished_time").value == 0.25


def _two_released() -> Counted:
    """Both released on 2018-05-01, of 3 h and 1 h; one has a paper of 2019, the other one of 2021."""
    projects = [project(n, units=(unit(n, hours=hours),)) for n, hours in ((1, 3), (2, 1))]
    return counted(projects, [paper(1), appeared(2, date(2021, 1, 9))], [(1, 1), (2, 2)])


@pytest.mark.parametrize("indicator", [one.key for one in INDICATORS])
def test_every_definition_has_its_example_tested(indicator: str) -> None:
    """What a definition tells as an example is one of the tests above."""
    assert callable(globals()[f"test_example_of_{indicator}"])


# -- who is silent ----------------------------------------------------------------------------------------------------


def test_a_young_preprint_keeps_a_project_off_the_silent_list() -> None:
    """A science preprint of last year counts against silence, but not as published; one of years ago does neither."""
    young, old = (
        now(
            counted([project(1)], [paper(1, is_refereed=False, kind="eprint", preprint_on=day)], [(1, 1)]),
            "within_time",
        )
        for day in (date(2025, 12, 1), date(2020, 1, 1))
    )
    assert (young.value, old.value) == (1, 0)


def test_a_project_without_a_usable_release_date_is_never_silent() -> None:
    """The registry's date for "undated" does not start the clock."""
    known = counted([project(1, units=(unit(1, date(2017, 6, 1), date(3000, 1, 1)),))])
    assert (now(known, "silent").value, now(known, "within_time").value) == (0, 1)


def test_an_open_project_is_not_silent_and_an_incomplete_ended_one_is() -> None:
    """While deliveries are expected the clock does not start; a unit that never came does not stop it for ever."""
    units = (unit(1), unit(2, None, None))
    states = ("InProgress", "PartiallyCompleted")
    assert [now(counted([project(1, units=units, state=state)]), "silent").value for state in states] == [0, 1]


def test_what_is_no_pi_project_is_in_no_figure() -> None:
    """Science verification with a refereed paper: not observed, not published, in no row."""
    known = counted([project(1, is_pi_project=False)], [paper(1)], [(1, 1)])
    assert all(
        not figure.value and not figure.ids for row in table(known, "now").rows for figure in row.figures if figure
    )


# -- ages -------------------------------------------------------------------------------------------------------------


def test_cycle_3_within_four_years_names_who_published_and_who_did_not() -> None:
    """The question of the report: the fraction, its interval, and the projects on both sides."""
    start = date(2016, 6, 1)
    projects = [aged(n, start)._replace(cycle="2015.1") for n in (1, 2, 3, 4)]
    papers = [appeared(1, date(2018, 1, 1)), appeared(2, date(2022, 1, 1))]
    found = table(counted(projects, papers, [(1, 1), (2, 2)]), "fixed-age").figure("2015.1", "y4")
    assert (found.value, found.ids, found.rest, found.is_incomplete) == (0.25, (1,), (2, 3, 4), False)
    assert found.low is not None
    assert found.high is not None
    assert round(found.low, 4) == 0.0456
    assert round(found.high, 4) == 0.6994


def test_a_cell_of_which_nobody_is_old_enough_is_empty_and_says_so() -> None:
    """Delivered a year ago: there is no fraction within four years, and nothing is divided by zero."""
    found = table(counted([aged(1, date(2025, 6, 1))]), "fixed-age").figure("2016.1", "y4")
    assert (found.value, found.ids, found.rest, found.is_incomplete) == (None, (), (), True)
    assert found.note == "Most of its projects are not that old yet."


def test_the_first_few_of_a_cycle_are_no_sample_of_it() -> None:
    """One of three projects is ten years old, and published: not "100 % within ten years", but nothing yet."""
    known = counted(
        [aged(1, date(2016, 10, 1)), aged(2, date(2017, 5, 1)), aged(3, date(2017, 6, 1))], [paper(1)], [(1, 1)]
    )
    found = table(known, "fixed-age").figure("2016.1", "y10")
    assert (found.value, found.ids, found.is_incomplete) == (None, (), True)
    assert table(known, "fixed-age-of-time").figure("2016.1", "y10").value is None


def test_ages_end_where_coverage_ends() -> None:
    """Old enough by the report's day but not by the day up to which papers were harvested: not counted."""
    known = counted([aged(1, date(2017, 5, 1))], complete_through=date(2021, 4, 30))
    assert table(known, "fixed-age").figure("all", "y4").denominator == 0
    assert table(known, "fixed-age").figure("all", "y3").denominator == 1
    assert "2021-04-30" in table(known, "fixed-age").notes[0]


def test_without_coverage_ages_end_on_the_day_and_the_table_says_so() -> None:
    """No source was ever harvested without a hole: counted to the report's day, with a warning."""
    known = counted([aged(1, date(2017, 5, 1))], complete_through=None)
    assert table(known, "fixed-age").figure("all", "y7").denominator == 1
    assert "papers may be missing" in table(known, "fixed-age").notes[0]


def test_a_paper_before_the_delivery_counts_as_within_every_age() -> None:
    """A paper older than the first delivery (earlier data, a wrong date) is within the first year."""
    known = counted([aged(1, date(2017, 5, 1))], [appeared(1, date(2016, 1, 1))], [(1, 1)])
    assert [table(known, "fixed-age").figure("all", year).numerator for year in YEARS] == [1, 1, 1, 1, 1, 1, 0]


def test_a_published_project_without_a_dated_paper_counts_as_not_within() -> None:
    """Nobody can say when it published; it stays in the denominator, and the table tells of it."""
    undated = paper(1, year=None, published_on=None, preprint_on=None)
    known = counted([aged(1, date(2017, 5, 1))], [undated], [(1, 1)])
    fixed = table(known, "fixed-age")
    assert (fixed.figure("all", "y4").numerator, fixed.figure("all", "y4").denominator) == (0, 1)
    assert "1 project with papers of no known date: counted as not within." in fixed.notes


def test_years_run_from_the_release_where_no_delivery_is_known() -> None:
    """Released on 2018-05-01 without a delivery date: a paper of May 2022 is within four years, and it is told."""
    known = counted([project(1, units=(unit(1, None),))], [appeared(1, date(2022, 5, 1))], [(1, 1)])
    fixed = table(known, "fixed-age")
    assert fixed.figure("all", "y4").numerator == 1
    assert "1 project without a date of delivery: their years run from the first release." in fixed.notes


def test_a_later_paper_does_not_undo_the_unpublished_fraction_at_fixed_age() -> None:
    """Two years after its release it had no paper; one of the year after changes today's fraction only."""
    known = counted([project(1)], [appeared(1, date(2021, 1, 1))], [(1, 1)])
    assert table(known, "unpublished").figure("all", "unpublished").value == 1.0
    assert now(known, "fraction").value == 1.0


def test_a_proprietary_period_ends_with_the_last_release_even_one_to_come() -> None:
    """One unit long released, another to be released next year: the period still runs."""
    units = (unit(1), unit(2, date(2026, 5, 1), date(2027, 5, 1)))
    assert table(counted([project(1, units=units)]), "unpublished").figure("all", "ended").value == 0


def test_a_young_cycle_is_marked_until_every_project_had_its_time() -> None:
    """A project without a paper whose grace runs can still publish: the row's fraction grows."""
    fresh = project(2, units=(unit(2, date(2025, 10, 20), date(2026, 10, 20)),))
    assert now(counted([project(1), fresh], [paper(1)], [(1, 1)]), "fraction", "2016.1").is_incomplete
    assert not now(counted([project(1), project(2)], [paper(1)], [(1, 1)]), "fraction", "2016.1").is_incomplete


# -- facets -----------------------------------------------------------------------------------------------------------


def with_facets(known: Facts, *facets: Facet) -> Counted:
    """The facts with a profile that has these facets."""
    return Counted(known, profile().model_copy(update={"facets": facets}))


def rows_of(table: Table) -> list[tuple[str, str, object]]:
    """Key, name and number of observed projects of each row."""
    return [(row.key, row.name, row.figures[0].value) for row in table.rows if row.figures[0] is not None]


def test_a_column_of_the_project_list_becomes_a_table() -> None:
    """Grades A, B and none: a row each, what is not known named so, and the whole."""
    projects = [project(n, facets={"grade": grade} if grade else {}) for n, grade in enumerate(("A", "A", "B", ""), 1)]
    known = with_facets(facts(projects, [paper(1)], [(1, 1)]), Facet(key="grade", name="grade"))
    by_grade = table(known, "by-grade")
    assert rows_of(by_grade) == [("a", "A", 2), ("b", "B", 1), ("not-known", "Not known", 1), ("all", "All", 4)]
    assert by_grade.figure("a", "y4").ids == (1,)
    assert by_grade.figure("a", "y4").rest == (2,)
    assert by_grade.figure("a", "fraction_of_time").value == 0.5
    assert by_grade.rows_are == "Grade"


def test_a_project_with_several_values_counts_under_each_and_that_is_said() -> None:
    """Bands "3 6" and "6": two in band 6, one in band 3; numbers are sorted as numbers."""
    projects = [project(1, facets={"band": "10 6"}), project(2, facets={"band": "6; 3"})]
    known = with_facets(facts(projects), Facet(key="band", name="band", between=" "))
    by_band = table(known, "by-band")
    assert rows_of(by_band) == [("3", "3", 1), ("6", "6", 2), ("10", "10", 1), ("all", "All", 2)]
    assert by_band.notes[0] == "2 projects have several values and count in the row of each."


def test_rows_that_the_profile_names_come_first_and_by_name() -> None:
    """Names are the profile's; a value that it does not name follows under its own."""
    projects = [project(1, kind="L"), project(2, kind="X"), project(3, kind="S")]
    facet = Facet(key="kind", name="kind of project", names={"S": "Standard", "L": "Large programme", "V": "VLBI"})
    by_kind = table(with_facets(facts(projects), facet), "by-kind")
    assert [row.name for row in by_kind.rows] == ["Standard", "Large programme", "VLBI", "X", "All"]


def test_signs_tell_values_apart_and_spelling_does_not() -> None:
    """ "A" and "A+" are two grades; "Galaxy evolution" and "galaxy  evolution" are one, spelt as most do."""
    grades = [project(n, facets={"grade": grade}) for n, grade in enumerate(("A", "A+", "A+"), 1)]
    by_grade = table(with_facets(facts(grades), Facet(key="grade", name="grade")), "by-grade")
    assert [row.name for row in by_grade.rows] == ["A", "A+", "All"]
    assert len({row.key for row in by_grade.rows}) == 3
    spelt = [
        project(n, category=c) for n, c in enumerate(("Galaxy evolution", "galaxy  evolution", "Galaxy evolution"), 1)
    ]
    by_category = table(with_facets(facts(spelt)), "by-category")
    assert [row.name for row in by_category.rows] == ["Galaxy evolution", "All"]


def test_a_column_of_a_thousand_values_does_not_make_a_thousand_rows() -> None:
    """An ill-chosen column: the values with most projects have rows, the others share one."""
    projects = [project(n, facets={"target": f"NGC {n // 2}"}) for n in range(1, 201)]
    by_target = table(with_facets(facts(projects), Facet(key="target", name="target")), "by-target")
    assert len(by_target.rows) == 42
    assert by_target.row("other-values").name == "61 other values"
    assert sum(row.figures[0].value for row in by_target.rows[:-1] if row.figures[0]) == 200  # type: ignore[misc]


def test_a_facet_that_no_project_has_has_no_table() -> None:
    """A list without the column: no table full of what is not known."""
    keys = [one.key for one in fraction.tables(with_facets(facts([project(1)]), Facet(key="grade", name="grade")))]
    assert "by-grade" not in keys
    assert "by-partner" in keys


def test_a_value_called_all_is_not_the_row_of_all() -> None:
    """Reserved keys stay the report's own."""
    known = with_facets(facts([project(1, facets={"grade": "all"}), project(2)]), Facet(key="grade", name="grade"))
    keys = [row.key for row in table(known, "by-grade").rows]
    assert len(keys) == len(set(keys)) == 3


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=12))
def test_whatever_a_column_holds_its_rows_have_addresses(values: list[str]) -> None:
    """Any text in any script: keys are unique and fit an address, and every project is in one row or more."""
    projects = [project(n, facets={"grade": value}) for n, value in enumerate(values, 1)]
    found = [
        one
        for one in fraction.tables(with_facets(facts(projects), Facet(key="grade", name="grade")))
        if one.key == "by-grade"
    ]
    for by_grade in found:
        keys = [row.key for row in by_grade.rows]
        assert len(keys) == len(set(keys))
        assert all(re.fullmatch(r"[a-z0-9_.|-]+", key) for key in keys)
        listed = {i for row in by_grade.rows[:-1] for figure in row.figures[:1] if figure for i in figure.ids}
        assert listed == {one.id for one in projects}
    assert bool(found) == any(part.strip() for value in values for part in value.split(";"))


# -- random facts -----------------------------------------------------------------------------------------------------

days = st.dates(date(2012, 1, 1), date(2029, 1, 1))
maybe_days = st.one_of(st.none(), days, st.just(date(3000, 1, 1)))
units = st.builds(unit, st.just(1), maybe_days, maybe_days, st.one_of(st.none(), st.floats(0, 9)))
random_projects = st.builds(
    project,
    st.integers(1, 12),
    units=st.lists(units, max_size=3).map(tuple),
    is_pi_project=st.sampled_from([True, True, False]),
    cycle=st.sampled_from(["2015.1", "2016.1", "1999.9", None]),
    call=st.sampled_from(["regular", "ddt", ""]),
    category=st.sampled_from(["Stars", "Stars; Disks", ""]),
)
random_papers = st.builds(
    paper,
    st.integers(1, 12),
    is_refereed=st.booleans(),
    published_on=st.one_of(st.none(), days),
    preprint_on=st.one_of(st.none(), days),
)
random_links = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=16)
random_facts = st.builds(
    facts, st.lists(random_projects, max_size=10), st.lists(random_papers, max_size=8), random_links
)
checked = settings(max_examples=20, deadline=None)


def everything(known: Facts) -> dict[tuple[str, str, str], Figure]:
    """Every figure of the theme."""
    return figures_of(fraction.tables(Counted(known, profile())))


@checked
@given(random_facts)
def test_parts_sum_to_the_whole(known: Facts) -> None:
    """Cycles sum to all; published, silent and within their time to observed; a fraction's two sides to its base."""
    found = everything(known)
    for column in ("observed", "published", "silent", "within_time"):
        parts = [f.value for (t, row, c), f in found.items() if (t, c) == ("now", column) and row != "all"]
        assert sum(map(int, map(float, parts))) == found["now", "all", column].value  # type: ignore[arg-type]
    for row in {row for t, row, _ in found if t == "now"}:
        ids = [i for c in ("published", "silent", "within_time") for i in found["now", row, c].ids]
        assert sorted(ids) == list(found["now", row, "observed"].ids)
    for (t, row, column), figure in found.items():
        assert list(figure.ids) == sorted(set(figure.ids))
        if t == "fixed-age":
            assert len(figure.ids) == figure.numerator
            assert len(figure.ids) + len(figure.rest) == figure.denominator
            assert not set(figure.ids) & set(figure.rest)
            assert {*figure.ids, *figure.rest} <= set(found["now", row, "observed"].ids), column


@checked
@given(random_facts, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(known: Facts, rng: random.Random) -> None:
    """The same projects, papers and links in another order give the same figures to the last digit."""
    projects, papers, links = list(known.projects.items()), list(known.papers.items()), list(known.links)
    for listed in (projects, papers, links):
        rng.shuffle(listed)
    assert everything(replace(known, projects=dict(projects), papers=dict(papers), links=tuple(links))) == everything(
        known
    )


@checked
@given(random_facts, days, st.integers(1, 12))
def test_a_later_paper_never_lowers_a_publication_fraction(known: Facts, day: date, to: int) -> None:
    """Now and at any age, by projects and by time, one more paper lets no publication fraction fall."""
    later = facts([], [appeared(99, day)], [(99, to)])
    more = replace(known, papers={**known.papers, **later.papers}, links=(*known.links, *later.links))
    before, after = everything(known), everything(more)
    for at, figure in before.items():
        if figure.indicator in ("publication_fraction", "published_time", "published_within", "published_within_time"):
            assert (after[at].value or 0.0) >= (figure.value or 0.0)
            assert (after[at].value is None) == (figure.value is None)


@checked
@given(random_facts)
def test_undecided_candidates_change_nothing(known: Facts) -> None:
    """However much waits at the desk, every figure is the same."""
    waiting = Bibliography(undecided={"certain": 40, "likely": 9}, undecided_papers={"certain": (1, 2), "likely": (3,)})
    assert everything(replace(known, bibliography=waiting)) == everything(known)


@checked
@given(random_facts)
def test_before_everything_there_is_nothing(known: Facts) -> None:
    """A day before the first delivery: all counts are zero, no fraction has a value, and nothing is divided by zero."""
    for figure in everything(replace(known, as_of=date(2000, 1, 1), links=())).values():
        assert not figure.value
        assert not figure.ids
        assert not figure.rest


def test_no_project_at_all() -> None:
    """An empty registry gives tables with nothing but the row of all."""
    rows = table(counted(), "now").rows
    assert [row.key for row in rows] == ["all"]
    assert all(figure is not None and not figure.value for row in rows for figure in row.figures)


def test_cycles_stand_in_their_order_from_the_first_observed_to_the_last() -> None:
    """A cycle between without projects keeps its row; those before and after have none; what has no cycle comes last."""
    projects = [project(1, cycle="2018.1"), project(2, cycle="2016.1"), project(3, cycle=None)]
    keys = [row.key for row in table(counted(projects), "now").rows]
    assert keys == ["2016.1", "2017.1", "2018.1", "no-cycle", "all"]
