"""The time to a first paper counts those who still wait, says from which day it runs, and never what nobody watched."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.definitions import INDICATORS
from reports.document import Table, Theme
from reports.facts.counted import Counted, From, first_on
from reports.facts.model import Bibliography, Facts, Project
from reports.themes import theme_of
from reports.themes.durations import timed
from tests.reports.facts_made import appeared, facts, paper, profile, project, unit

WATCHED = date(2020, 1, 1)


def _theme(known: Facts, **asking: Any) -> Theme:
    """Return the theme; ``asking`` changes the profile's section of that name."""
    told = profile()
    return theme_of(Counted(known, told.model_copy(update={"asking": told.asking.model_copy(update=asking)})), "speed")


def _waiting(*years: tuple[float, float | None], **changes: Any) -> Facts:
    """Return facts of projects (years watched, years to a first paper or None), watched until ``WATCHED``."""
    projects, papers, links = [], [], []
    for number, (watched, published) in enumerate(years, 1):
        begun = _begun(watched)
        projects.append(project(number, units=(unit(number, begun, begun + timedelta(365)),)))
        if published is not None:
            papers.append(appeared(number, begun + _days(published)))
            links.append((number, number))
    return facts(projects, papers, links, complete_through=WATCHED, **changes)


def _begun(watched: float) -> date:
    """Return the day that was so many years, and a part of a day, before the last day watched."""
    return WATCHED - timedelta(math.ceil(watched * 365.25))


def _days(years: float) -> timedelta:
    """Return so many years in whole days, a part of a day less."""
    return timedelta(math.floor(years * 365.25))


FOUR = ((9, 1), (9, 3), (2, None), (4, None))
"""The projects of the definitions' examples: papers after 1 and 3 years, two without one, watched for 2 and 4 years."""


def _values(table: Table, row: str) -> dict[str, float]:
    """Return the values of a row by column; those that it has."""
    found = zip(table.columns, table.row(row).figures, strict=True)
    return {column.key: figure.value for column, figure in found if figure is not None and figure.value is not None}


def test_the_example_of_the_share_published_can_be_counted_by_hand() -> None:
    """25 % by year 1, 62.5 % by year 3, three at risk at year 2: those who wait count for as long as they were watched."""
    curve = _theme(_waiting(*FOUR)).table("curve")
    assert [curve.figure(str(year), "share").value for year in range(5)] == [0, 0.25, 0.25, 0.625, 0.625]
    assert [curve.figure(str(year), "at_risk").value for year in range(5)] == [4, 3, 3, 1, 1]


def test_the_rows_behind_the_share_are_those_who_published_and_all_others() -> None:
    """By year 1 the first had published; the others, watched or no longer, are the rest. Who is at risk is named."""
    curve = _theme(_waiting(*FOUR)).table("curve")
    share = curve.figure("1", "share")
    assert (share.ids, share.rest) == ((1,), (2, 3, 4))
    assert curve.figure("2", "at_risk").ids == (2, 3, 4)


def test_the_example_of_all_projects_is_not_that_of_the_published_ones() -> None:
    """Over all: 50 % at 3 years, 80 % not reached; over the two that published: 50 % at 1 year, 80 % at 3."""
    theme = _theme(_waiting(*FOUR))
    over_all, published = (theme.table(f"points-{which}") for which in ("all", "published"))
    assert over_all.figure("delivery", "p50").value == pytest.approx(3, abs=0.003)
    late = over_all.figure("delivery", "p80")
    assert (late.value, late.note) == (None, "not reached")
    assert published.figure("delivery", "p50").value == pytest.approx(1, abs=0.003)
    assert published.figure("delivery", "p80").value == pytest.approx(3, abs=0.003)
    assert (published.figure("delivery", "p50").ids, published.figure("delivery", "p50").rest) == ((1,), (2,))
    assert published.figure("delivery", "projects").value == 2


def test_a_curve_is_a_table_of_points_that_hold_until_the_next() -> None:
    """Rows are "series|years", from 0 to the longest time watched; first papers between points add up to all of them."""
    points = _theme(_waiting(*FOUR)).table("curve-points")
    years = [float(row.key.removeprefix("all|")) for row in points.rows]
    assert years == sorted(years)
    assert years[0] == 0
    assert years[-1] == pytest.approx(4, abs=0.003)
    known = [_values(points, row.key) for row in points.rows]
    steps = [now for before, now in pairwise(known) if now["share"] > before["share"]]
    assert [(now["share"], now["at_risk"], now["papers"]) for now in steps] == [(0.25, 4, 1), (0.625, 2, 1)]
    assert [figure.ids for row in points.rows if (figure := row.figures[2]) is not None and figure.ids] == [(1,), (2,)]
    assert all(row.name.count(",") == 1 for row in points.rows)
    assert points.charts[0].kind == "steps"


def test_a_long_curve_is_thinned_without_changing_a_value() -> None:
    """Of a curve of very many steps half months are shown; whole years show what the table of whole years shows."""
    many = _waiting(*[(20, day / 365.25) for day in range(1, 1500)], *[(20, None)] * 100)
    theme = _theme(many)
    points, curve = theme.table("curve-points"), theme.table("curve")
    assert len(points.rows) < 500
    for year in range(5):
        assert points.figure(f"all|{year}.000", "share").value == curve.figure(str(year), "share").value
    assert sum(_values(points, row.key)["papers"] for row in points.rows) == 1499
    assert any("half month" in note for note in points.notes)


def test_a_paper_after_the_last_day_watched_is_no_event_yet() -> None:
    """Watched until the day through which sources are complete: a paper on it counts, one on the day after does not."""
    known = _waiting((5, 5), (5, None))
    late = replace(known, papers={1: appeared(1, WATCHED), 2: appeared(2, WATCHED + timedelta(1))})
    late = replace(late, links=(known.links[0], known.links[0]._replace(paper_id=2, project_id=2)))
    basis = _values(_theme(late).table("basis"), "delivery")
    assert (basis["timed"], basis["timed-published"], basis["timed-waiting"]) == (2, 1, 1)
    assert _theme(late).table("basis").figure("delivery", "timed-waiting").ids == (2,)


def test_without_complete_sources_projects_are_watched_until_the_reports_day_and_it_is_said() -> None:
    """No day of complete coverage: the report's day, with a warning beside the numbers."""
    known = replace(_waiting(*FOUR), complete_through=None, as_of=WATCHED)
    table = _theme(known).table("curve")
    assert table.figure("3", "share").value == 0.625
    assert "no day through which" in table.notes[0]
    assert str(WATCHED) in _theme(_waiting(*FOUR)).table("curve").notes[0]


def test_an_old_hole_in_the_harvest_is_told_beside_the_numbers() -> None:
    """Sources complete only to years ago: the table says that a hole hides what came since; not where it is days."""
    for as_of, is_told in ((WATCHED + timedelta(30), False), (WATCHED + timedelta(3000), True)):
        notes = _theme(_waiting(*FOUR, as_of=as_of)).table("curve").notes
        assert ("a hole in the harvest" in notes[0]) is is_told


def test_a_project_without_a_delivery_runs_from_its_release_and_is_counted_so() -> None:
    """The release stands as it is, a proprietary period is never taken off; note and figure say how many."""
    known = facts(
        [project(1, units=(unit(1, None, date(2018, 5, 1)),)), project(2)],
        [appeared(1, date(2019, 5, 1))],
        [(1, 1)],
    )
    theme = _theme(known)
    assert _values(theme.table("basis"), "delivery")["from-release"] == 1
    assert theme.table("points-all").figure("delivery", "from-release").ids == (1,)
    assert theme.table("points-published").figure("delivery", "p50").value == pytest.approx(365 / 365.25)
    assert _values(theme.table("points-all"), "delivery-known")["projects"] == 1
    assert any("first release date: 1." in note for note in theme.table("curve").notes)


def test_a_paper_before_the_start_counts_as_zero_and_is_counted_so() -> None:
    """First paper before the end of the proprietary period: 0 years from there, a year from the delivery."""
    known = facts([project(1)], [appeared(1, date(2018, 3, 1))], [(1, 1)])  # delivered 2017-05-01, released 2018-05-01
    theme = _theme(known)
    points = theme.table("points-published")
    assert points.figure("proprietary-end", "p50").value == 0
    assert points.figure("delivery", "p50").value == pytest.approx(304 / 365.25)
    zero = {row: theme.table("points-all").figure(row, "as-zero").ids for row in ("delivery", "proprietary-end")}
    assert zero == {"delivery": (), "proprietary-end": (1,)}


def test_the_last_delivery_is_another_start() -> None:
    """Two units delivered a year apart: the time from the last delivery is a year less than from the first."""
    units = (unit(1, date(2015, 1, 1)), unit(2, date(2016, 1, 1)))
    theme = _theme(facts([project(1, units=units)], [appeared(1, date(2018, 1, 1))], [(1, 1)]))
    points = theme.table("points-published")
    assert points.figure("delivery", "p50").value == pytest.approx(1096 / 365.25)
    assert points.figure("last-delivery", "p50").value == pytest.approx(731 / 365.25)


def test_published_without_a_date_is_left_out_and_counted() -> None:
    """A project whose only paper has no date can be timed by nobody: it is counted as left out, and observed adds up."""
    undated = paper(1, year=None, published_on=None, published_precision="", preprint_on=None)
    known = facts([project(1), project(2)], [undated], [(1, 1)])
    basis = _theme(known).table("basis")
    assert basis.figure("delivery", "published-undated").ids == (1,)
    assert basis.figure("delivery", "timed").ids == (2,)


def test_a_project_delivered_after_the_last_day_watched_has_not_begun() -> None:
    """Delivered after complete coverage ended but before the report's day: observed, not timed, and counted so."""
    known = _waiting((5, 1), (-0.5, None))
    basis = _theme(known).table("basis")
    assert basis.figure("delivery", "not-begun").ids == (2,)
    assert basis.figure("delivery", "timed").ids == (1,)


def test_the_day_of_a_journals_month_is_its_middle_and_a_preprint_comes_first() -> None:
    """An issue of March appeared on the 15th; a preprint in January was the first appearance."""
    month = paper(1, preprint_on=None)
    known = facts([project(1)], [month], [(1, 1)])
    took = timed(Counted(known, profile()))[From.DELIVERY].times.durations.tolist()
    assert took == [(date(2019, 3, 15) - date(2017, 5, 1)).days]
    known = facts([project(1)], [paper(1)], [(1, 1)])
    took = timed(Counted(known, profile()))[From.DELIVERY].times.durations.tolist()
    assert took == [(date(2019, 1, 5) - date(2017, 5, 1)).days]


@pytest.mark.parametrize(
    ("issued", "precision", "preprint", "expected"),
    [
        (date(2019, 3, 1), "month", None, date(2019, 3, 15)),
        (date(2019, 3, 1), "month", date(2019, 3, 20), date(2019, 3, 15)),
        (date(2019, 3, 4), "day", date(2019, 3, 20), date(2019, 3, 4)),
        (date(2019, 1, 1), "year", None, date(2019, 7, 1)),
        (date(2019, 1, 1), "year", date(2019, 11, 5), date(2019, 11, 5)),
        (date(2019, 1, 1), "year", date(2018, 11, 5), date(2018, 11, 5)),
        (date(2019, 1, 1), "year", date(2021, 2, 1), date(2019, 7, 1)),
        (None, "", date(2019, 11, 5), date(2019, 11, 5)),
        (None, "", None, date(2019, 7, 1)),
    ],
)
def test_a_paper_appears_with_its_preprint_or_its_issue(
    issued: date | None, precision: str, preprint: date | None, expected: date
) -> None:
    """The earlier of both; a month is its 15th, a year 1 July unless a preprint of that year or before says better."""
    one = paper(1, year=2019, published_on=issued, published_precision=precision, preprint_on=preprint)
    assert first_on(one) == expected


@pytest.mark.parametrize("year", [None, 0, -3, 20190])
def test_a_year_that_cannot_be_is_no_date(year: int | None) -> None:
    """Nothing breaks on a mistyped year: the paper has no day."""
    assert first_on(paper(1, year=year, published_on=None, published_precision="", preprint_on=None)) is None


@pytest.mark.parametrize("origin", From)
def test_times_run_from_where_the_counting_says(origin: From) -> None:
    """Every project's time is that from the start of ``Counted.start``, whatever is known of its units."""
    units = [
        (unit(1, date(2015, 1, 1), date(2016, 1, 1)), unit(2, date(2016, 6, 1), date(2017, 6, 1))),
        (unit(3, None, date(2016, 1, 1)), unit(4, None, date(2017, 6, 1))),
        (unit(5, date(2015, 1, 1), None),),
        (unit(6, None, date(2016, 1, 1)), unit(7, date(2016, 6, 1), date(3000, 1, 1))),
    ]
    counted = Counted(facts([project(i, units=some) for i, some in enumerate(units, 1)]), profile())
    found = timed(counted)[origin]
    starts = {i: counted.start(i, origin) for i in range(1, 5)}
    expected = {i: (counted.facts.as_of - one.on).days for i, one in starts.items() if one}
    assert dict(zip(found.ids.tolist(), found.times.durations.tolist(), strict=True)) == expected
    assert found.those(found.from_release) == tuple(i for i, one in starts.items() if one and one.is_release)


def test_cycles_have_their_own_shares_and_young_ones_are_marked() -> None:
    """A cycle watched for less than four years is incomplete there, and where nobody was watched there is no value."""
    known = _waiting(*[(8, 1)] * 6, *[(8, None)] * 4, *[(3, 1)] * 6, *[(3, None)] * 4)
    projects = {i: p._replace(cycle="2011.0" if i <= 10 else "2016.1") for i, p in known.projects.items()}
    table = _theme(replace(known, projects=projects)).table("by-cycle")
    assert [row.key for row in table.rows] == ["2011.0", "2016.1"]
    assert not any(figure and figure.is_incomplete for figure in table.row("2011.0").figures)
    assert table.figure("2011.0", "after-2").value == 0.6
    assert not table.figure("2016.1", "after-2").is_incomplete
    young = table.figure("2016.1", "after-4")
    assert (young.value, young.is_incomplete, young.note) == (None, True, "nobody without a paper was watched so long")
    assert table.figure("2011.0", "p50").value == pytest.approx(1, abs=0.003)


def test_where_all_were_watched_the_curve_is_the_fraction_at_fixed_age() -> None:
    """Two themes, one truth: without anybody who is too young, the estimate after 2 and 4 years is the plain fraction."""
    known = _waiting(*[(9, 0.3 + i / 4) for i in range(14)], *[(8, None)] * 6)
    theme, fractions = _theme(known), theme_of(Counted(known, profile()), "fraction")
    for years in (2, 4):
        share = theme.table("by-cycle").figure("2016.1", f"after-{years}")
        fraction = fractions.table("fixed-age").figure("2016.1", f"y{years}")
        assert share.value == pytest.approx(fraction.value)
        assert (share.ids, share.rest) == (fraction.ids, fraction.rest)


def test_one_late_delivery_makes_no_old_cycle_young() -> None:
    """A cycle is watched for so long when nearly all of its projects were."""
    table = _theme(_waiting(*[(9, 1)] * 20, (1, None))).table("by-cycle")
    assert not table.figure("2016.1", "after-4").is_incomplete
    table = _theme(_waiting(*[(9, 1)] * 18, *[(1, None)] * 2)).table("by-cycle")
    assert table.figure("2016.1", "after-4").is_incomplete
    assert not table.figure("2016.1", "p50").is_incomplete


def test_a_share_that_rests_on_few_says_so() -> None:
    """Where under ten of a larger group could be watched so long it is said; few left of many watched is no fault."""
    table = _theme(_waiting((9, 1), *[(9, None)] * 2, *[(1, None)] * 12)).table("by-cycle")
    assert table.figure("2016.1", "after-4").note == "only 3 could be watched so long"
    table = _theme(_waiting(*[(9, 1)] * 15)).table("by-cycle")
    assert table.figure("2016.1", "after-4").note == ""


def test_projects_of_no_known_cycle_have_a_row_of_their_own() -> None:
    """A cycle that the profile does not know is none of its cycles, and is compared with none."""
    known = _waiting(*[(9, 1)] * 12, *[(8, 3)] * 12)
    projects = {i: p._replace(cycle="2011.0" if i <= 12 else "1999.9") for i, p in known.projects.items()}
    theme = _theme(replace(known, projects=projects))
    assert [row.key for row in theme.table("by-cycle").rows] == ["2011.0", "no-cycle"]
    assert theme.table("cohorts").rows == ()


def test_a_mistyped_century_makes_no_row_for_each_year_since() -> None:
    """A delivery in the year 218: sixty years are shown, the table says of how many the dates may be wrong."""
    known = facts([project(1), project(2, units=(unit(2, date(218, 5, 1), date(2019, 5, 1)),))])
    theme = _theme(known, null_states=("Null",))
    assert len(theme.table("curve").rows) == len(theme.table("closed").rows) == 61
    assert len(theme.table("curve-points").rows) < 100
    assert any("a date may be wrong: 1." in note for note in theme.table("curve").notes)


def test_many_cycles_are_drawn_as_the_profiles_groups() -> None:
    """Up to six cycles have a curve each; of more, each group of the profile has one, and the table says so."""
    cycles = [cycle.key for cycle in profile().cycles]
    for many, curves in ((6, 6), (8, 3)):
        known = _waiting(*[(9, 1), (9, None)] * many)
        projects = {i: p._replace(cycle=cycles[(i - 1) // 2]) for i, p in known.projects.items()}
        table = _theme(replace(known, projects=projects)).table("cycle-points")
        assert len({row.key.rpartition("|")[0] for row in table.rows}) == curves
        assert any("groups" in note for note in table.notes) is (many > 6)


def test_many_cycles_without_groups_are_drawn_in_bunches_of_neighbours() -> None:
    """A profile without groups of cycles: six bunches, named by their first and last cycle, with every project in one."""
    told = profile()
    told = told.model_copy(update={"cycles": tuple(c.model_copy(update={"group": None}) for c in told.cycles)})
    known = _waiting(*[(9, 1), (9, None)] * 13)
    known = replace(
        known, projects={i: p._replace(cycle=told.cycles[(i - 1) // 2].key) for i, p in known.projects.items()}
    )
    table = theme_of(Counted(known, told), "speed").table("cycle-points")
    names = list(dict.fromkeys(row.name.rpartition(",")[0] for row in table.rows))
    assert names[0] == "Cycle 0 to Cycle 1"
    assert len(names) == 6
    assert sorted(i for row in table.rows if row.figures[2] for i in row.figures[2].ids) == list(range(1, 27, 2))
    assert "neighbours" in table.notes[0]


def test_projects_are_divided_by_the_year_they_began() -> None:
    """The year of the first delivery, in the order of years."""
    table = _theme(_waiting((9, 1), (4, 1), (9, None))).table("by-year")
    assert [(row.key, row.figures[0] and row.figures[0].ids) for row in table.rows] == [
        ("2010", (1, 3)),
        ("2016", (2,)),
    ]


def _three_cycles() -> Facts:
    """Return a first cycle that took about 4 years, one that took 1, one that took 4 again, and one of two projects."""
    slow = [(9, 3 + i / 10) for i in range(20)]
    fast = [(8, 0.5 + i / 20) for i in range(20)]
    alike = [(7, 3 + i / 10) for i in range(20)]
    known = _waiting(*slow, *fast, *alike, (6, 1), (6, None))
    keys = ["2011.0"] * 20 + ["2012.1"] * 20 + ["2013.1"] * 20 + ["2015.1"] * 2
    return replace(known, projects={i: p._replace(cycle=keys[i - 1]) for i, p in known.projects.items()})


def test_each_cycle_is_compared_with_all_earlier_ones_and_told_in_words() -> None:
    """Faster, slower and too few are said of the right cycles; the adjusted p is Holm's of the tests that were made."""
    table = _theme(_three_cycles()).table("cohorts")
    assert [row.key for row in table.rows] == ["2012.1", "2013.1", "2015.1"]
    assert [table.figure(row.key, "p-adjusted").note for row in table.rows] == [
        "faster",
        "slower",
        "too few to compare",
    ]
    fast, slow = (table.figure(row, "p").value or 0 for row in ("2012.1", "2013.1"))
    assert fast < slow < 0.05
    assert table.figure("2012.1", "p-adjusted").value == pytest.approx(2 * fast, abs=1e-9)
    assert table.figure("2013.1", "p-adjusted").value == pytest.approx(slow, abs=1e-9)
    assert (table.figure("2012.1", "pace").value or 0) > 1 > (table.figure("2013.1", "pace").value or 2)
    assert table.figure("2015.1", "chi-square").value is None
    assert table.figure("2013.1", "earlier").value == 40
    assert any(note.startswith("Published faster") and "Cycle 1" in note for note in table.notes)


def test_the_example_of_the_difference_can_be_counted_by_hand() -> None:
    """10 of 20 after two years and 15 of 20 before: -25 %, ± 1.96 × sqrt(0.25/20 + 0.1875/20) = -54 to 4 %."""
    known = _waiting(*[(9, 1)] * 15, *[(9, None)] * 5, *[(8, 1)] * 10, *[(8, None)] * 10)
    known = replace(
        known, projects={i: p._replace(cycle="2011.0" if i <= 20 else "2012.1") for i, p in known.projects.items()}
    )
    found = _theme(known).table("cohorts").figure("2012.1", "difference")
    assert (found.value, found.low, found.high) == pytest.approx((-0.25, -0.53989, 0.03989), abs=1e-5)


def test_a_cycle_that_was_late_and_caught_up_is_told() -> None:
    """All publish in the end, one cycle two years later: fewer after two years is said beside the share and in words."""
    early = [(9, 0.5 + i / 40) for i in range(40)]
    known = _waiting(*early, *[(9, None)] * 10, *[(8, 2.5 + i / 40) for i in range(40)], *[(8, None)] * 10)
    known = replace(
        known, projects={i: p._replace(cycle="2011.0" if i <= 50 else "2012.1") for i, p in known.projects.items()}
    )
    table = _theme(known).table("cohorts")
    found = table.figure("2012.1", "difference")
    assert found.value == pytest.approx(-0.8)
    assert found.note == "fewer than before"
    assert any(note.startswith("Fewer published after 2 years") and "Cycle 1" in note for note in table.notes)


def test_a_cycle_that_was_not_watched_for_two_years_has_no_difference() -> None:
    """Where nobody without a paper was watched so long there is nothing to compare, and it is said."""
    known = _waiting(*[(9, 1)] * 12, *[(1, 0.5)] * 6, *[(1, None)] * 6)
    known = replace(
        known, projects={i: p._replace(cycle="2011.0" if i <= 12 else "2012.1") for i, p in known.projects.items()}
    )
    found = _theme(known).table("cohorts").figure("2012.1", "difference")
    assert (found.value, found.is_incomplete, found.note) == (None, True, "nobody without a paper was watched so long")


def test_cycles_that_do_not_differ_are_not_said_to() -> None:
    """Two cycles with the same times: chi-square 0, p 1, no difference shown."""
    times = [(9, 1 + i / 10) for i in range(12)]
    known = _waiting(*times, *times)
    known = replace(
        known, projects={i: p._replace(cycle="2011.0" if i <= 12 else "2012.1") for i, p in known.projects.items()}
    )
    table = _theme(known).table("cohorts")
    assert table.figure("2012.1", "chi-square").value == pytest.approx(0, abs=1e-9)
    assert table.figure("2012.1", "p-adjusted").note == "no difference shown"


def _with_a_null_result() -> Facts:
    """Return the example: a paper after 1 year, closed after 2, a paper after 3, watched without either for 4."""
    known = _waiting((9, 1), (9, None), (9, 3), (4, None))
    closed = known.projects[2]._replace(state="Null", state_on=_begun(9) + _days(2))
    return replace(known, projects={**known.projects, 2: closed})


def test_null_results_of_the_registry_compete_with_publication() -> None:
    """Published 25, 25, 50 % and closed 0, 25, 25 % by years 1, 2, 3; had none been closed 62.5 % by year 3."""
    table = _theme(_with_a_null_result(), null_states=("Null",)).table("closed")
    published, closed, otherwise = (
        [table.figure(str(year), column).value for year in (1, 2, 3)]
        for column in ("published", "closed", "if-none-closed")
    )
    assert published == pytest.approx([0.25, 0.25, 0.5])
    assert closed == pytest.approx([0, 0.25, 0.25])
    assert otherwise == pytest.approx([0.25, 0.25, 0.625])
    assert table.figure("3", "closed").ids == (2,)


def test_without_null_states_nothing_competes() -> None:
    """A profile that names no such state, as the shipped ones, has no such table, whatever the registry says."""
    assert "closed" not in [table.key for table in _theme(_with_a_null_result()).tables]


@pytest.mark.parametrize("state_on", [None, WATCHED + timedelta(1)])
def test_a_null_result_that_is_not_known_by_the_last_day_does_not_count(state_on: date | None) -> None:
    """A project whose closing has no day, or came after the last day watched, still waits."""
    known = _with_a_null_result()
    open_still = known.projects[2]._replace(state_on=state_on)
    table = _theme(replace(known, projects={**known.projects, 2: open_still}), null_states=("Null",)).table("closed")
    assert table.figure("3", "closed").value == 0


def test_a_paper_before_the_closing_was_a_publication() -> None:
    """A project that published and was closed afterwards published."""
    known = _with_a_null_result()
    also = known.projects[3]._replace(state="Null", state_on=_begun(9) + _days(8))
    table = _theme(replace(known, projects={**known.projects, 3: also}), null_states=("Null",)).table("closed")
    assert table.figure("3", "published").value == pytest.approx(0.5)


def test_before_everything_there_is_nothing_and_nothing_is_divided() -> None:
    """No observed project: every table stands, with zeros and without values, and nothing is marked as known."""
    theme = _theme(facts(), null_states=("Null",))
    for table in theme.tables:
        for row in table.rows:
            for figure in row.figures:
                assert figure is not None
                assert figure.value in (None, 0)
                assert figure.ids == figure.rest == ()
    assert theme.table("points-all").figure("delivery", "p50").note == "no projects"


def test_every_figure_has_a_definition_and_leads_to_its_rows() -> None:
    """Keys are those of definitions; ids are sorted and apart; a count is that of its ids; keys fit an address."""
    theme = _theme(_three_cycles(), null_states=("Null",))
    for table in theme.tables:
        keys = [row.key for row in table.rows]
        assert len(keys) == len(set(keys))
        for row in table.rows:
            assert set(row.key) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.|-")
            for column, figure in zip(table.columns, row.figures, strict=True):
                assert figure is not None
                indicator = INDICATORS[figure.indicator]
                assert column.indicator == figure.indicator
                assert list(figure.ids) == sorted(set(figure.ids))
                assert not set(figure.ids) & set(figure.rest)
                if indicator.rows and indicator.form == "count":
                    assert figure.value == len(figure.ids)
                if not indicator.rows:
                    assert not figure.ids


KNOWN = st.lists(
    st.tuples(st.integers(0, 12), st.none() | st.integers(-2, 12), st.sampled_from(["2011.0", "2013.1", None])),
    min_size=1,
    max_size=14,
)


def _drawn(watched: list[tuple[int, int | None, str | None]]) -> Facts:
    known = _waiting(*[(years, published) for years, published, _ in watched])
    return replace(known, projects={i: p._replace(cycle=watched[i - 1][2]) for i, p in known.projects.items()})


@given(KNOWN)
@settings(max_examples=20, deadline=None)
def test_shares_rise_intervals_hold_and_parts_add_up(watched: list[tuple[int, int | None, str | None]]) -> None:
    """For any facts: shares never fall, lie in their intervals, numbers at risk fall, and parts make the whole."""
    theme = _theme(_drawn(watched))
    curve = theme.table("curve")
    for before, after in pairwise(_values(curve, row.key) for row in curve.rows):
        assert before.get("share", 0) <= after.get("share", 1)
        assert before["at_risk"] >= after["at_risk"]
    for table in theme.tables:
        for row in table.rows:
            for figure in row.figures:
                if figure and figure.value is not None and figure.low is not None and figure.high is not None:
                    assert figure.low <= figure.value <= figure.high
    basis = _values(theme.table("basis"), "delivery")
    assert basis["timed-published"] + basis["timed-waiting"] == basis["timed"]
    assert basis["timed"] + basis["published-undated"] + basis["not-begun"] == len(watched)
    assert (
        sum(int(row.figures[0].value or 0) for row in theme.table("by-cycle").rows if row.figures[0]) == basis["timed"]
    )


@given(KNOWN, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_changes_nothing(watched: list[tuple[int, int | None, str | None]], shuffler: Any) -> None:
    """Facts read in another order give the same tables, to the last digit."""
    known = _drawn(watched)
    mixed = replace(known, **{name: _mixed(getattr(known, name), shuffler) for name in ("projects", "papers", "links")})
    assert _theme(known) == _theme(mixed)


def _mixed(rows: Any, shuffler: Any) -> Any:
    items = list(rows.items() if isinstance(rows, dict) else rows)
    shuffler.shuffle(items)
    return dict(items) if isinstance(rows, dict) else tuple(items)


@given(KNOWN, st.integers(0, 13), st.integers(0, 12))
@settings(max_examples=20, deadline=None)
def test_one_more_paper_never_lowers_a_share(
    watched: list[tuple[int, int | None, str | None]], which: int, years: int
) -> None:
    """A first paper of a project without one, or a later one of any project, lowers no share of the curve.

    (That a project turns out to have published *earlier* may: Kaplan–Meier then shares its weight among more projects.)
    """
    known = _drawn(watched)
    number = which % len(watched) + 1
    first = Counted(known, profile()).first_paper_on.get(number, date.min)
    found = appeared(999, max(first, _begun(watched[number - 1][0]) + _days(years)))
    more = replace(
        known, papers={**known.papers, 999: found}, links=(*known.links, *facts(links=[(999, number)]).links)
    )
    before, after = (_theme(one).table("curve") for one in (known, more))
    for row in sorted({row.key for row in before.rows} & {row.key for row in after.rows}):
        assert _values(after, row).get("share", 1) >= _values(before, row).get("share", 0) - 1e-9


def test_undecided_candidates_change_nothing() -> None:
    """What waits at the desk is in no time to publication."""
    known = _three_cycles()
    waiting = replace(known, bibliography=Bibliography(undecided={"certain": 40}))
    assert _theme(known) == _theme(waiting)


def test_projects_that_are_no_pis_projects_are_not_timed() -> None:
    """Science verification and engineering are never observed, so never timed."""
    verification: Project = project(1, is_pi_project=False)
    assert _values(_theme(facts([verification, project(2)])).table("basis"), "delivery")["timed"] == 1
