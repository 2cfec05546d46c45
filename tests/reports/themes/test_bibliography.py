"""The state of the bibliography: what waits, how long decisions take, agreement, missing facts, holes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from reports.definitions import INDICATORS
from reports.document import Column, Figure, Table
from reports.facts.model import Bibliography, Hole
from reports.themes import theme_of
from reports.themes.bibliography import tables
from tests.reports.facts_made import appeared, counted, paper, project, undecided, unit


def _tables(state: Bibliography | None = None, **changes: Any) -> dict[str, Table]:
    found = tables(counted(bibliography=state or Bibliography(), **changes))
    return {table.key: table for table in found}


def test_undecided_candidates_are_counted_by_band_and_lead_to_the_papers() -> None:
    """The examples of the definitions: candidates are pairs, each paper is in the row of its best band."""
    state = undecided({(4, 1): "certain", (4, 2): "unlikely", (9, 1): "unlikely", (7, 3): "unlikely"})
    table = _tables(state)["undecided"]
    assert [row.key for row in table.rows] == ["certain", "likely", "unlikely", "all"]
    assert [table.figure(row.key, "candidates").value for row in table.rows] == [1, 0, 3, 4]
    assert [table.figure(row.key, "candidates").ids for row in table.rows] == [(4,), (), (4, 7, 9), (4, 7, 9)]
    assert [table.figure(row.key, "papers").ids for row in table.rows] == [(4,), (), (7, 9), (4, 7, 9)]


WAITING = {
    (1, 2): "certain",
    (2, 3): "likely",
    (3, 3): "certain",
    (4, 4): "unlikely",
    (5, 1): "certain",
    (6, 4): "certain",
}
"""Paper 3 is a preprint, 6 was called engineering; project 1 is published, and 5 observed without anything that waits."""


def _waiting() -> dict[str, Table]:
    waiting = [appeared(n, date(2020, 5, 1)) for n in (1, 2, 4, 5)] + [paper(3, is_refereed=False)]
    state = undecided(WAITING, waiting)
    return _tables(state, projects=[project(n) for n in range(1, 6)], papers=[paper(9)], links=[(9, 1)])


def test_projects_that_wait_say_what_the_fraction_could_be() -> None:
    """One of five is published; with the certain candidate two, with the likely one three. All four years old or more."""
    row = {
        column.key: figure for column, figure in zip(*_columns_of(_waiting()["projects-waiting"], "all"), strict=True)
    }
    assert [row[key].ids for key in ("certain", "likely", "unlikely")] == [(2,), (3,), (4,)]
    assert [row[key].value for key in ("fraction", "if-certain", "if-likely", "y4", "y4-if-certain")] == [
        0.2,
        0.4,
        0.6,
        0.2,
        0.4,
    ]
    assert row["silent"].ids == (2, 3, 4)


def _columns_of(table: Table, key: str) -> tuple[tuple[Column, ...], list[Figure]]:
    return table.columns, [figure for figure in table.row(key).figures if figure is not None]


def test_papers_that_wait_stand_in_their_years_with_what_the_number_could_be() -> None:
    """A year of which everything waits has its row; paper 5 waits for a published project and is not counted either."""
    table = _waiting()["papers-waiting"]
    found = {row.key: [figure.value for figure in row.figures if figure] for row in table.rows}
    assert found == {"2019": [1, 0, 0, 0, 1, 1], "2020": [0, 2, 1, 1, 2, 3], "all": [1, 2, 1, 1, 3, 4]}


def test_rows_with_a_large_backlog_are_marked_where_the_numbers_stand() -> None:
    """More than a twentieth of a row that is certain and waits: at the fraction, the papers and the silent projects."""
    waiting = undecided({(1, 2): "certain"}, [appeared(1, date(2020, 5, 1))])
    for others, is_marked in ((10, True), (40, False)):
        made = counted([project(n) for n in range(1, others)], [paper(9)], [(9, 1)], bibliography=waiting)
        for theme, table, row in (
            ("fraction", "now", "all"),
            ("fraction", "fixed-age", "2016.1"),
            ("silence", "by-cycle", "all"),
        ):
            found = theme_of(made, theme).table(table).row(row)
            assert bool(found.backlog) == found.can_rise == is_marked, (theme, others)
    assert "1 more refereed paper waits" in theme_of(made, "papers").table("by-year").row("all").backlog
    assert not theme_of(made, "papers").table("by-year").row("2019").backlog
    assert "1 more refereed paper waits" in theme_of(made, "citations").table("by-year").row("all").backlog


def test_tables_of_what_waiting_may_change_say_so() -> None:
    """Beside fractions, silent projects and papers; without anything that waits they say nothing."""
    waiting = undecided({(1, 2): "certain"}, [paper(1)])
    places = (("fraction", "now"), ("fraction", "fixed-age"), ("silence", "backlog"), ("papers", "by-year"))
    for state, said in ((waiting, True), (Bibliography(), False)):
        made = counted([project(1), project(2)], [paper(9)], [(9, 1)], bibliography=state)
        for theme, table in places:
            notes = " ".join(theme_of(made, theme).table(table).notes)
            assert ("waits for a decision" in notes) == said, (theme, table)


def test_a_band_that_the_rules_no_longer_know_is_still_counted() -> None:
    """Candidates of older rules are not lost."""
    table = _tables(Bibliography(undecided={"perhaps": 2}))["undecided"]
    assert [row.key for row in table.rows] == ["certain", "likely", "unlikely", "perhaps", "all"]
    assert table.figure("all", "candidates").value == 2


def test_days_to_a_decision_have_a_median_and_quartiles_by_year() -> None:
    """The example of the definition in one year, and one paper in the running year, which is marked."""
    days = {1: 2, 2: 4, 3: 6, 4: 8, 5: 100, 6: 3}
    years = {**dict.fromkeys(range(1, 6), 2024), 6: 2026}
    state = Bibliography(
        paper_to_decision_days=days, decided_on={i: date(years[i], 5, 1) for i in days} | {7: date(2024, 5, 1)}
    )
    table = _tables(state)["decisions"]
    assert [(row.key, row.is_incomplete) for row in table.rows] == [
        ("2024", False),
        ("2025", False),
        ("2026", True),
        ("all", False),
    ]
    assert [figure.value for figure in table.row("2025").figures if figure] == [0, None, None, None]
    assert [figure.value for figure in table.row("2024").figures if figure] == [6, 4, 6, 8]
    assert [figure.value for figure in table.row("2026").figures if figure] == [1, 3, 3, 3]
    assert table.figure("2024", "papers").ids == (1, 2, 3, 4, 5, 7)
    assert table.figure("2024", "median").ids == (1, 2, 3, 4, 5)


def test_a_decision_before_the_journal_s_issue_took_no_time() -> None:
    """A paper accepted by its proofs was decided at once, not in a negative time."""
    state = Bibliography(paper_to_decision_days={1: -20}, decided_on={1: date(2024, 5, 1)})
    assert _tables(state)["decisions"].figure("2024", "median").value == 0


def test_readers_agreement_has_wilson_s_interval_and_no_rows() -> None:
    """The example of the definition: three of four. Nobody and no paper is named."""
    state = Bibliography(second_readings=4, agreed=3, under_second_reading=frozenset({8, 9}))
    table = _tables(state)["agreement"]
    figure = table.figure("all", "share")
    assert figure.value == 0.75
    assert figure.low == pytest.approx(0.3006, abs=1e-4)
    assert figure.high == pytest.approx(0.9544, abs=1e-4)
    assert table.figure("all", "under-way").value == 2
    assert all(f.ids == f.rest == () and INDICATORS[f.indicator].rows == "" for f in table.row("all").figures if f)


def test_papers_that_lack_a_fact_are_listed_with_it() -> None:
    """One paper that lacks everything, one that lacks two facts, and a preprint that is not counted."""
    papers = [
        paper(1, citations=3, first_affiliation="Institute, Tokyo"),
        paper(2),
        paper(3, authors=(), journal="", year=None, published_on=None, preprint_on=None),
        paper(4, is_refereed=False),
    ]
    table = _tables(projects=[project(1)], papers=papers, links=[(n, 1) for n in (1, 2, 3, 4)])["papers-lacking"]
    found = {row.key: table.figure(row.key, "papers").ids for row in table.rows}
    assert found == {
        "day": (3,),
        "year": (3,),
        "authors": (3,),
        "affiliation": (2, 3),
        "journal": (3,),
        "citations": (2, 3),
    }
    share = table.figure("affiliation", "share")
    assert share.value == pytest.approx(2 / 3)
    assert (share.ids, share.rest) == ((2, 3), (1,))


def test_projects_that_lack_a_fact_are_listed_with_it() -> None:
    """Of observed projects only: what was not observed lacks nothing yet."""
    undelivered = unit(2, delivered=None, hours=None)
    projects = [
        project(1, category="Stars"),
        project(2, units=(undelivered,), category="Stars"),
        project(3, cycle="1999.9", team=(), category="", partner="", units=(unit(3, released=date(3000, 1, 1)),)),
        project(4, units=()),
    ]
    table = _tables(projects=projects)["projects-lacking"]
    found = {row.key: table.figure(row.key, "projects").ids for row in table.rows}
    assert found == {
        "delivery": (2,),
        "release": (3,),
        "exposure": (2,),
        "cycle": (3,),
        "team": (3,),
        "category": (3,),
        "partner": (3,),
    }


def test_holes_are_counted_by_source_with_their_days() -> None:
    """The examples of the definitions: 3 to 5 May is one hole of three days."""
    holes = (
        Hole("arXiv", date(2026, 5, 3), date(2026, 5, 5)),
        Hole("ADS", date(2026, 6, 1), date(2026, 6, 1)),
        Hole("arXiv", date(2026, 1, 1), date(2026, 1, 2)),
    )
    found = _tables(Bibliography(holes=holes), complete_through=date(2025, 12, 31))
    table = found["coverage"]
    assert [row.name for row in table.rows] == ["ADS", "arXiv", "All sources"]
    assert [
        (row.figures[0].value, row.figures[1].value) for row in table.rows if row.figures[0] and row.figures[1]
    ] == [
        (1, 1),
        (2, 5),
        (3, 6),
    ]
    assert "2025-12-31" in table.says
    assert [row.key for row in found["coverage-holes"].rows] == [
        "ads.2026-06-01.2026-06-01",
        "arxiv.2026-01-01.2026-01-02",
        "arxiv.2026-05-03.2026-05-05",
    ]


def test_an_empty_bibliography_divides_by_nothing() -> None:
    """Zeros, and shares and days without a value; without a hole there is no list of them."""
    found = _tables(complete_through=None)
    assert "coverage-holes" not in found
    assert found["agreement"].figure("all", "share").value is None
    assert found["decisions"].figure("all", "median").value is None
    assert found["papers-lacking"].figure("day", "share").value is None
    assert found["coverage"].figure("all", "days").value == 0
    assert "no day" in found["coverage"].says
