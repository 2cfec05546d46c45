"""What the comparison promises: their figures as printed, ours as they stand under their own theme, the difference said."""

from __future__ import annotations

from datetime import date

import pytest

from reports.document import Address
from reports.other_observatories import published_figures
from reports.themes import comparison, theme_of
from reports.words import interval, shown
from tests.reports.facts_made import appeared, counted, paper, project, unit
from tests.reports.files.made import small

PROJECTS = [project(n) for n in (1, 2, 3, 4)]


def test_ours_is_the_figure_that_stands_under_its_own_theme() -> None:
    """Nothing is counted twice: the same value, interval and rows."""
    report = small()
    ours = report.theme("comparison").table("shares").figure("alma-published", "ours")
    assert ours == report.figure(Address("fraction", "now", "all", "fraction"))
    assert ours.rest


def test_theirs_is_what_was_printed_with_its_source() -> None:
    """Three years and a half, and where it stands."""
    figure = small().theme("comparison").table("times").figure("eso-half", "theirs")
    assert figure.value == 3.5
    assert "https://science.sciencemag.org/" in figure.note
    assert not figure.ids
    about = small().theme("comparison").table("shares").figure("alma-published", "theirs")
    assert about.note.startswith("about 70 %; ")


def test_the_shares_can_be_counted_by_hand() -> None:
    """Four projects, two of them published; of two papers of 2024 one is by others: 50 % beside 70 %, 50 % beside 40 %."""
    papers = [
        appeared(1, date(2024, 3, 1), authors=("Ahn, Bora",)),
        appeared(2, date(2024, 4, 1), authors=("Zorn, Q.",)),
    ]
    shares = theme_of(counted(PROJECTS, papers, [(1, 1), (2, 2)]), "comparison").table("shares")
    assert shares.figure("alma-published", "ours").value == 0.5
    assert shares.figure("alma-archival-2024", "ours").value == 0.5
    assert shares.figure("alma-archival-2024", "theirs").value == 0.4


def test_a_year_that_is_not_in_the_report_leaves_theirs_alone() -> None:
    """No paper of 2024: their figure stands, ours is absent, and nothing breaks."""
    shares = theme_of(counted(PROJECTS, [paper(1)], [(1, 1)]), "comparison").table("shares")
    assert shares.row("alma-archival-2024").figures[0] is None
    assert shares.figure("alma-archival-2024", "theirs").value == 0.4


def test_what_is_defined_differently_stands_apart() -> None:
    """It comes after what is defined alike, the picture is told of it, and each row says how the two differ."""
    theme = small().theme("comparison")
    for one in published_figures():
        table = next(table for table in theme.tables if any(row.key == one.key for row in table.rows))
        assert one.difference in table.row(one.key).says, one.key
        for chart in table.charts:
            assert (one.key in chart.otherwise) is not one.agrees, one.key
    for table in theme.tables[:-1]:
        said = [row.says.startswith("Defined alike") for row in table.rows]
        assert said == sorted(said, reverse=True)


def test_a_range_is_a_range() -> None:
    """What was printed as 30 to 50 % gets no middle: it has two ends, and is written with both."""
    figure = small().theme("comparison").table("shares").figure("eso-without-paper", "theirs")
    assert (figure.value, figure.low, figure.high) == (None, 0.3, 0.5)
    assert shown(figure).replace("\u202f", " ") == "30.0 to 50.0 %"
    assert interval(figure) == ""


def test_a_time_that_was_not_reached_is_there_and_says_in_how_long() -> None:
    """One of three published: half of all was not reached in the years that were watched; theirs is not alone."""
    projects = [project(n, units=(unit(n, delivered=date(2016, 11, 22)),)) for n in (1, 2, 3)]
    times = theme_of(counted(projects, [paper(1)], [(1, 1)]), "comparison").table("times")
    ours = times.figure("hst-half", "ours")
    assert (ours.value, ours.note) == (None, "not reached")
    assert ours.beyond == pytest.approx(10, abs=0.01)


def test_before_anything_was_observed_theirs_stand_alone() -> None:
    """Ours has no value yet; nothing is divided by nothing."""
    for table in comparison.tables(counted()):
        for row in table.rows:
            ours = row.figures[0] if len(row.figures) == 2 else None
            assert ours is None or not (ours.value or ours.beyond)
