"""Citations: totals, means, medians, h-index and rates by age, of papers whose counts are known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from reports.document import Figure, Table
from reports.facts.model import Bibliography, Paper
from reports.themes.citations import tables
from tests.reports.facts_made import AS_OF, appeared, counted, paper, project


def _tables(papers: Sequence[Paper], **changes: Any) -> dict[str, Table]:
    """Return the theme's tables for papers that are all linked to project 1."""
    links = [(one.id, 1) for one in papers]
    return {table.key: table for table in tables(counted([project(1)], papers, links, **changes))}


def _all(papers: Sequence[Paper], column: str) -> Figure:
    return _tables(papers)["by-year"].figure("all", column)


def test_a_paper_without_a_count_is_not_known_and_never_0() -> None:
    """The example of the definitions: papers cited 9 and 0 times, and one without a count."""
    papers = [paper(1, citations=9), paper(2, citations=0), paper(3, citations=None)]
    assert _all(papers, "papers").ids == (1, 2)
    assert _all(papers, "not-known").ids == (3,)
    total, mean = _all(papers, "total"), _all(papers, "mean")
    assert (total.value, total.ids) == (9, (1, 2))
    assert (mean.value, mean.numerator, mean.denominator) == (4.5, 9, 2)


@pytest.mark.parametrize(
    ("counts", "mean", "median", "h_index"),
    [((9, 3, 0), 4.0, 3, 2), ((9, 3, 2, 0), 3.5, 2.5, 2), ((0, 0), 0.0, 0, 0), ((5, 5, 5, 5, 5), 5.0, 5, 5)],
)
def test_the_figures_of_a_few_counts_are_as_counted_by_hand(
    counts: tuple[int, ...], mean: float, median: float, h_index: int
) -> None:
    """Mean, median and h-index of counts that fit on one hand."""
    papers = [paper(n, citations=count) for n, count in enumerate(counts, start=1)]
    found = [_all(papers, column).value for column in ("mean", "median", "h-index")]
    assert found == [mean, median, h_index]


def test_the_h_index_leads_to_the_papers_that_make_it() -> None:
    """Of 9, 3, 2 and 0 citations the first two papers make the h-index of 2; the others are the rest."""
    papers = [paper(4, citations=9), paper(3, citations=3), paper(2, citations=2), paper(1, citations=0)]
    figure = _all(papers, "h-index")
    assert (figure.ids, figure.rest) == ((3, 4), (1, 2))


def test_citations_per_paper_and_year_are_a_ratio_of_sums() -> None:
    """Out for four years and cited 18 times, for two years less half a day and 6 times: nearly 4.0."""
    papers = [
        appeared(1, AS_OF - timedelta(days=1461), citations=18),
        appeared(2, AS_OF - timedelta(days=730), citations=6),
    ]
    figure = _all(papers, "per-year")
    assert figure.value == pytest.approx(24 / (4 + 730 / 365.25))
    assert (figure.numerator, figure.ids, figure.note) == (24, (1, 2), "")


def test_papers_out_for_less_than_a_year_or_of_unknown_day_have_no_rate() -> None:
    """They stand beside the number, which says so, and are not divided by next to nothing."""
    papers = [
        appeared(1, AS_OF - timedelta(days=1461), citations=8),
        appeared(2, AS_OF - timedelta(days=365), citations=500),
        paper(3, citations=7, year=None, published_on=None, published_precision="", preprint_on=None),
    ]
    figure = _all(papers, "per-year")
    assert (figure.value, figure.ids, figure.rest) == (2.0, (1,), (2, 3))
    assert figure.note.startswith("2 left out")


def test_without_any_count_nothing_has_a_value() -> None:
    """Neither no papers nor papers without counts divide by zero."""
    for papers in ([], [paper(1)]):
        row = _tables(papers)["by-year"].row("all")
        assert [figure.value for figure in row.figures if figure] == [0, len(papers), *[None] * 5]
        assert all(figure.note for figure in row.figures[2:] if figure)


def test_years_add_up_to_all_and_the_running_one_is_marked() -> None:
    """Each paper is in one year; a year to come and none at all have a row of their own."""
    papers = [
        paper(1, year=2019, citations=1),
        paper(2, year=2026, citations=2),
        paper(3, year=2031, citations=4),
        paper(4, year=None, citations=8),
    ]
    table = _tables(papers)["by-year"]
    assert [(row.key, row.is_incomplete) for row in table.rows] == [
        ("2019", False),
        ("2026", True),
        ("undated", False),
        ("all", False),
    ]
    assert [row.figures[2].value for row in table.rows if row.figures[2]] == [1, 2, 12, 15]
    assert all(figure.is_incomplete for figure in table.row("2026").figures if figure)


def test_a_year_is_marked_until_the_bibliography_is_complete_for_it() -> None:
    """Sources complete to 20 December: on 5 January the year before can still get papers, as in the tables of papers."""
    papers = [appeared(1, date(2024, 5, 1), citations=3), appeared(2, date(2025, 5, 1), citations=1)]
    table = _tables(papers, as_of=date(2026, 1, 5), complete_through=date(2025, 12, 20))["by-year"]
    assert [(row.key, row.is_incomplete) for row in table.rows] == [("2024", False), ("2025", True), ("all", False)]


def test_a_paper_counts_in_every_category_of_its_projects_and_once_in_all() -> None:
    """The rows can add up to more than the row of all papers; names that differ in capitals are one category."""
    projects = [
        project(1, category="Disks and planets"),
        project(2, category="disks and planets "),
        project(3, category="Galaxies"),
        project(4),
    ]
    facts = counted(projects, [paper(1, citations=6), paper(2, citations=1)], [(1, 1), (1, 2), (1, 3), (2, 4)])
    table = {table.key: table for table in tables(facts)}["by-category"]
    assert [(row.key, row.name) for row in table.rows] == [
        ("disks_and_planets", "Disks and planets"),
        ("galaxies", "Galaxies"),
        ("not-known", "Not known"),
        ("all", "All papers"),
    ]
    assert [table.figure(row.key, "total").value for row in table.rows] == [6, 6, 1, 7]


def test_citations_by_origin_add_up() -> None:
    """PI data, archive data, and of unknown origin; every paper is in one of the rows."""
    projects = [project(1), project(2, pi="Cole, Dana", team=("Cole, Dana", "Dorn, Emil")), project(3, pi="", team=())]
    papers = [paper(n, citations=2 ** (n - 1), authors=("Ahn, Bora",)) for n in (1, 2, 3, 4)]
    facts = counted(projects, papers, [(1, 1), (2, 2), (3, 1), (3, 2), (4, 3)])
    table = {table.key: table for table in tables(facts)}["by-origin"]
    found = {row.key: table.figure(row.key, "total").value for row in table.rows}
    assert found == {"pi": 1, "archive_only": 2, "archive_and_pi": 4, "undetermined": 8, "all": 15}


def test_the_papers_cited_most_come_first_and_lead_to_themselves() -> None:
    """At most 25; of equally cited ones the earlier in the bibliography."""
    papers = [paper(n, citations=n % 20) for n in range(1, 41)]
    table = _tables(papers)["most-cited"]
    assert len(table.rows) == 25
    assert [row.key for row in table.rows[:4]] == ["p19", "p39", "p18", "p38"]
    assert table.rows[0].name == "Ahn 2019: Rings"
    assert table.figure("p19", "citations").ids == (19,)


def test_a_paper_under_second_reading_is_counted_and_not_listed() -> None:
    """That it stands in the list, even without a name, would tell the second reader the first verdict."""
    state = Bibliography(under_second_reading=frozenset({1}))
    found = _tables([paper(1, citations=5), paper(2, citations=3)], bibliography=state)
    assert [row.key for row in found["most-cited"].rows] == ["p2"]
    assert found["by-year"].figure("all", "total").value == 8


def test_papers_that_are_not_refereed_or_not_linked_are_not_counted() -> None:
    """Citations are of what the report counts as papers."""
    facts = counted([project(1)], [paper(1, citations=5, is_refereed=False), paper(2, citations=7)], [(1, 1)])
    assert tables(facts)[0].figure("all", "papers").value == 0


def test_a_paper_that_appears_after_the_report_s_day_has_no_age() -> None:
    """A journal's issue of next month is never divided by a negative time."""
    figure = _all([appeared(1, date(AS_OF.year, 12, 15), citations=1)], "per-year")
    assert (figure.value, figure.rest) == (None, (1,))
