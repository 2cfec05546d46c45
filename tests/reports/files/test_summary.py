"""What the report in words promises: sentences that are true for none, one and many, and young cycles named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from reports.document import Report
from reports.files.summary import summary
from tests.reports.facts_made import appeared, counted, paper, project, undecided, unit
from tests.reports.files.made import nothing, of, small


def _said(report: Report) -> str:
    return " ".join(summary(report)).replace("\u202f", " ")


def test_of_nothing_it_says_that_nothing_was_observed() -> None:
    """No share of nothing, no median of nothing."""
    said = _said(nothing())
    assert said.startswith("By the end of 2026-11-22, no project had been observed.")
    assert "There is no refereed paper yet." in said
    assert "%" not in said


def test_one_project_is_spoken_of_in_the_singular() -> None:
    """One project with a paper, one without."""
    with_paper = _said(of(counted([project(1)], [paper(1)], [(1, 1)])))
    assert "one project had been observed, and it had a refereed paper." in with_paper
    assert "1 refereed paper uses the observatory’s data" in with_paper
    without = _said(of(counted([project(1)])))
    assert "one project had been observed, and it had no refereed paper." in without
    assert "1 project is silent: its time to publish has ended without a paper." in without
    assert "Half of" not in with_paper + without


def test_many_projects_are_counted_with_their_interval() -> None:
    """Four of six: two thirds, and Wilson's interval beside it."""
    said = _said(small())
    assert "4 of the 6 observed projects had a refereed paper: 66.7 % (95 % interval 30.0 to 90.3 %)." in said
    assert "1 project without a paper is still within its time" in said


def test_young_cycles_are_named_and_not_judged() -> None:
    """A cycle in which no project is four years old is left out of the share within four years, and said to be."""
    said = _said(small())
    assert "Within four years of their first data 75.0 %" in said
    assert "Cycle 12 is not old enough to say." in said


def test_when_no_project_is_old_enough_nothing_is_said_of_four_years() -> None:
    """A young observatory has no share at four years."""
    young = project(1, units=(unit(1, delivered=date(2026, 1, 1), released=date(2027, 1, 1)),))
    assert "No project is four years old yet" in _said(of(counted([young])))


def test_a_median_that_was_not_reached_is_not_given() -> None:
    """One of three published: there is no time by which half had."""
    said = _said(of(counted([project(n) for n in (1, 2, 3)], [paper(1)], [(1, 1)])))
    assert "Half of all observed projects have not published yet" in said


def test_the_last_complete_year_is_told_and_the_running_one_marked() -> None:
    """A running year is never compared."""
    papers = [appeared(1, date(2024, 5, 1)), appeared(2, date(2026, 5, 1))]
    said = _said(of(counted([project(1)], papers, [(1, 1), (2, 1)])))
    assert "Numbers of 2026 can still grow." in said
    assert "2026, the last complete year" not in said


def test_what_waits_stands_beside_the_fraction_and_the_last_complete_year() -> None:
    """One of two projects is published, the other waits with a certain paper of the last complete year."""
    papers = [appeared(1, date(2025, 5, 1))]
    old, new = appeared(3, date(2019, 6, 1)), appeared(2, date(2025, 6, 1))
    waiting = undecided({(2, 2): "certain", (3, 2): "certain"}, [old, new])
    said = _said(of(counted([project(1), project(2)], papers, [(1, 1)], bibliography=waiting)))
    assert "1 project without a paper waits with a candidate of which the matching is certain" in said
    assert "accepted, they would make it 100.0 %" in said
    assert "With the certain candidates that wait it would be 50.0 %." in said
    assert "2025, the last year that was harvested in full, brought 1 refereed paper, and 1 more waits" in said
    decided = _said(of(counted([project(1), project(2)], papers, [(1, 1)])))
    assert "candidate of which" not in decided
    assert "2025, the last complete year, brought 1 refereed paper." in decided


def test_what_waits_is_counted_and_the_harvest_dated() -> None:
    """One candidate, several, none; and no day of completeness."""
    report = small()
    assert "2026-11-01, and no candidate waits for a decision." in _said(replace(report, undecided={}))
    assert "1 candidate waits for a decision and is counted nowhere." in _said(replace(report, undecided={"likely": 1}))
    assert "3 candidates wait for a decision and are counted nowhere." in _said(
        replace(report, undecided={"likely": 1, "certain": 2})
    )
    assert "No source of papers was ever harvested without a hole" in _said(replace(report, complete_through=None))


def test_a_report_without_its_themes_still_has_a_sentence() -> None:
    """An old snapshot may lack a table; what it lacks is not spoken of."""
    assert _said(replace(small(), themes=())).startswith("All sources of papers were harvested")
