"""A whole report: its headline, and the names of what it leads to."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from reports.building import HEADLINE, build, report_of
from reports.facts.counted import Counted
from reports.facts.model import Facts
from reports.files.plain import as_csv, as_table
from reports.files.summary import summary
from reports.snapshots.canonical import from_json, to_json
from reports.themes import theme_of
from tests.reports.facts_made import AS_OF, facts, paper, profile, project


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


@pytest.mark.parametrize("since", [AS_OF + timedelta(days=1), None])
def test_a_day_before_anything_was_known_is_all_zero_and_says_so(since: date | None) -> None:
    """Every shape of the report says that its zeros say nothing."""
    report = build(Facts(AS_OF, known_since=since), profile())
    assert not any(report.figure(at).value for at in report.headline)
    (note,) = report.notes
    assert f"biblio knew nothing before {since}" in note if since else "biblio knew nothing yet" in note
    assert all(note in said for said in (as_table(report), as_csv(report), next(summary(report))))
    assert from_json(to_json(report)).notes == report.notes


def test_a_day_on_which_something_was_known_needs_no_such_note() -> None:
    """From the very day of the first record on."""
    assert build(Facts(AS_OF, known_since=AS_OF), profile()).notes == ()
    assert '"notes":["' not in to_json(build(facts([project(1)]), profile())).decode().partition('"projects"')[0]
