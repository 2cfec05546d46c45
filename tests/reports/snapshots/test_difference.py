"""What moved between two reports, by figure, with the rows that came and went; answers are left out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from reports.definitions import answers
from reports.document import Address, Figure, Report
from reports.snapshots import told
from reports.snapshots.difference import difference
from reports.snapshots.hiding import PAPER, PROJECT, Hidden, difference_without_hidden, without_hidden
from tests.reports.snapshots.made import (
    HEADLINE,
    INDICATORS,
    PAPERS,
    REPORTS,
    counted,
    report,
    share,
    small,
    table,
    theme,
)


def test_a_paper_found_late_is_named_with_its_project() -> None:
    """Paper 4 and project 3 came, project 1 went: each at its figure, with numbers then and now."""
    found = difference(small(), small(published=(2, 3), papers=(1, 2, 3, 4)))
    (moves,) = found.themes
    papers, projects = moves.moved
    assert (projects.at, projects.old and projects.old.value, projects.new and projects.new.value) == (
        HEADLINE[0],
        2,
        2,
    )
    assert (projects.came, projects.went, projects.change, projects.rows_are) == ((3,), (1,), 0, "projects")
    assert (found.names(projects, projects.came), found.names(projects, projects.went)) == (["p3"], ["p1"])
    assert (papers.change, found.names(papers, papers.came), papers.went) == (1, ["P4"], ())
    assert (papers.table, papers.row, papers.column) == ("Table years", "Row 2019", "Column papers")
    assert [one.at for one in found.headline] == list(HEADLINE)


def test_of_a_fraction_its_denominators_rows_are_told_apart() -> None:
    """Project 3 was observed and published since, 5 only observed, 4 is not counted any more."""
    old = report(theme(table("t", "fraction", {"a": share((1,), (2, 3, 4))})))
    new = report(theme(table("t", "fraction", {"a": share((1, 3), (2, 5))})))
    (moved,) = difference(old, new).themes[0].moved
    assert (moved.came, moved.went, moved.base_came, moved.base_went) == ((3,), (), (5,), (4,))
    assert moved.change == 0.25


def test_two_papers_made_one_did_not_move() -> None:
    """A row that is counted under another number and has the same name came from nowhere."""
    new = replace(small(papers=(1, 5)), papers={1: "P1", 5: "P2"})
    assert difference(small(papers=(1, 2)), new).is_empty


def test_the_same_report_has_no_difference() -> None:
    """Nothing moved, nothing is new or gone; the first page's numbers are there all the same."""
    found = difference(small(), small())
    assert found.is_empty
    assert [one.change for one in found.headline] == [0, 0]
    assert (found.tables_new, found.tables_gone, found.redefined) == ((), (), ())


def test_what_machines_round_differently_did_not_move() -> None:
    """Figures that agree to ten digits are the same."""
    pair = [report(theme(table("t", "fraction", {"a": Figure("fraction", v)}))) for v in (1 / 3, 1 / 3 + 1e-14)]
    assert difference(*pair).is_empty


def test_tables_of_one_report_alone_and_new_definitions_are_named_once() -> None:
    """A table that is new is no hundred figures that are new; a changed definition is told, as are version and profile."""
    old = report(theme(table("gone", "papers", {"a": counted("papers", 1)})))
    said = {**INDICATORS, "papers": replace(PAPERS, sentence="Said anew.")}
    new = report(
        theme(table("new", "papers", {"a": counted("papers", 1)})), definitions=said, version="2", profile_hash="1"
    )
    found = difference(old, new)
    assert found.tables_gone == ("Theme first: Table gone",)
    assert found.tables_new == ("Theme first: Table new",)
    assert found.redefined == ("Papers",)
    assert found.is_empty
    assert found.is_other_version
    assert found.is_other_profile


def test_rows_that_are_new_stand_without_an_old_number() -> None:
    """A year that began since has a new number and no old one; one without a value then has no change."""
    old = report(theme(table("t", "papers", {"2025": counted("papers", 1)})))
    new = report(theme(table("t", "papers", {"2025": counted("papers", 1), "2026": counted("papers", 2)})))
    (moved,) = difference(old, new).themes[0].moved
    assert (moved.row, moved.old, moved.change, moved.came) == ("Row 2026", None, None, (2,))


def test_answers_are_never_compared() -> None:
    """Other answers are no difference: not by figure, not by row, not in the first numbers."""
    at = Address("first", "t", "a", "answers")
    pair = [report(theme(table("t", "answers", {"a": Figure("answers", value)})), headline=(at,)) for value in (3, 4)]
    found = difference(*pair)
    assert found.is_empty
    assert found.headline == ()


def test_the_largest_comes_first_and_curves_are_counted() -> None:
    """The largest change in rows, then most rows moved; of a long table only how many points moved."""
    cells = {"a": counted("papers", 1), "b": counted("papers", 1), "c": Figure("papers", 10), "d": Figure("papers", 10)}
    later = {
        "a": counted("papers", 1, 2),
        "b": counted("papers", 1, 2, 3),
        "c": Figure("papers", 11),
        "d": Figure("papers", 15),
    }
    old = report(theme(table("t", "papers", cells), table("curve", "papers", cells, is_long=True)))
    new = report(theme(table("t", "papers", later), table("curve", "papers", later, is_long=True)))
    (moves,) = difference(old, new).themes
    assert [one.at.row for one in moves.moved] == ["d", "b", "a", "c"]
    assert moves.points == {"Table curve": 4}


def test_what_has_no_value_now_and_then_did_not_move() -> None:
    """A point that no curve reached says nothing by the rows behind it; a value that is new comes after those that moved."""
    cells = {"a": Figure("fraction", None, (1,)), "b": Figure("fraction", None), "c": share((1,), (2,))}
    later = {"a": Figure("fraction", None, (1, 2)), "b": share((1, 2, 3), (4,)), "c": share((1,), (2, 3))}
    pair = [report(theme(table("t", "fraction", one))) for one in (cells, later)]
    (moves,) = difference(*pair).themes
    assert [(one.at.row, one.weight > 0) for one in moves.moved] == [("c", True), ("b", False)]


@given(REPORTS, REPORTS)
@settings(max_examples=30)
def test_any_two_reports_can_be_compared(old: Report, new: Report) -> None:
    """Nothing breaks on odd reports; who came was not there, who went is not there; a report and itself do not differ."""
    assert difference(old, old).is_empty
    for moves in difference(old, new).themes:
        for moved in moves.moved:
            then, now = (set(f.ids) if f else set() for f in (moved.old, moved.new))
            assert set(moved.came) <= now - then
            assert set(moved.went) <= then - now
            assert not moved.indicator.of_answers


HIDDEN = Hidden(frozenset({2}), frozenset({3, 4}))


def test_a_report_names_nobody_who_is_hidden() -> None:
    """Papers and projects that a second reader is to judge are counted, and called so; others keep their names."""
    shown = without_hidden(small(published=(1, 3, 4)), HIDDEN)
    projects, papers = (shown.figure(at) for at in HEADLINE)
    assert (projects.value, projects.ids) == (3, (-2, -1, 1))
    assert [shown.projects[i] for i in projects.ids] == [PROJECT, PROJECT, "p1"]
    assert (papers.value, papers.ids) == (3, (-1, 1, 3))
    assert shown.papers[-1] == PAPER
    assert "P2" not in shown.papers.values()
    assert not {"p3", "p4"} & set(shown.projects.values())


def test_a_hidden_row_has_no_number_that_can_be_followed() -> None:
    """In each figure numbers are given anew: of two hidden rows nobody sees which one stands in both figures."""
    cells = {"a": counted("published", 3), "b": counted("published", 4)}
    shown = without_hidden(report(theme(table("t", "published", cells))), HIDDEN)
    assert [row.figures[0] and row.figures[0].ids for row in shown.themes[0].tables[0].rows] == [(-1,), (-1,)]


def test_a_difference_names_nobody_who_is_hidden() -> None:
    """Rows that came or went and are hidden are told as such, and the figures hold no number of theirs."""
    found = difference_without_hidden(difference(small(), small(published=(1, 3, 5), papers=(1, 2, 3))), HIDDEN)
    (moved,) = found.themes[0].moved
    assert found.names(moved, moved.came) == [PROJECT, "p5"]
    assert found.names(moved, moved.went) == ["p2"]
    assert moved.new is not None
    assert 3 not in moved.new.ids
    assert "p3" not in found.projects.values()


def test_hidden_rows_are_told_last_and_together() -> None:
    """Names come first; those that must not be named are counted; what is left out is counted with them."""
    assert told.listed(["P3", PROJECT, "P1", PROJECT], 5) == f"P1, P3, 2 × {PROJECT}"
    assert told.listed(["P3", PROJECT, "P1", PROJECT], 2) == "P1, P3 and 2 more"


def test_every_number_of_the_answers_is_marked() -> None:
    """Whatever is counted of the questionnaire and leads to no rows is kept out of differences."""
    unnamed = [one for one in answers.INDICATORS if not one.rows]
    assert unnamed
    assert all(one.of_answers for one in unnamed)


@given(REPORTS)
@settings(max_examples=30)
def test_hiding_changes_no_number(made: Report) -> None:
    """Whatever is hidden: every figure keeps its value and as many rows, sorted, none of them hidden."""
    hidden = Hidden(frozenset(range(1, 300, 2)), frozenset(range(1, 300, 3)))
    for (at, old), (same, new) in zip(made.figures(), without_hidden(made, hidden).figures(), strict=True):
        assert (at, old.value, len(old.ids), len(old.rest)) == (same, new.value, len(new.ids), len(new.rest))
        assert list(new.ids) == sorted(set(new.ids))
        assert hidden.of(INDICATORS[new.indicator].rows).isdisjoint({*new.ids, *new.rest})


def test_what_hides_nothing_is_the_report_itself() -> None:
    """Without anything to hide nothing is copied."""
    made = small()
    assert without_hidden(made, Hidden()) is made
