"""A whole report: its headline, and the names of what it leads to."""

from __future__ import annotations

from reports.building import HEADLINE, build, report_of
from reports.facts.counted import Counted
from reports.themes import theme_of
from tests.reports.facts_made import facts, paper, profile, project


def test_all_five_numbers_of_the_first_page_are_there() -> None:
    """Observed, fraction, silent, median time, papers: each leads to a figure, and is what can be counted by hand."""
    report = build(facts([project(1), project(2)], [paper(1)], [(1, 1)]), profile())
    assert report.headline == HEADLINE
    observed, fraction, silent, median, papers = (report.figure(at) for at in report.headline)
    assert (observed.value, fraction.value, silent.value, papers.value) == (2, 0.5, 1, 1)
    assert (fraction.ids, fraction.rest) == ((1,), (2,))
    assert median.value is not None
    assert round(median.value, 2) == 1.68  # from 2017-05-01 to 2019-01-05


def test_a_report_of_one_theme_has_the_numbers_of_that_theme() -> None:
    """Numbers of the first page whose theme is not there are left out, not broken."""
    counted = Counted(facts([project(1)]), profile())
    report = report_of(counted, (theme_of(counted, "fraction"),))
    assert [at.theme for at in report.headline] == ["fraction"] * 3
    assert report.projects == {1: "2016.1.00001.S"}
