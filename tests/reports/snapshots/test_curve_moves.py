"""Who moved a point of a curve: those that published, came or went, and never the project at which the curve steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from reports.document import Report
from reports.facts.model import Paper
from reports.snapshots.difference import Difference, Moved, difference
from reports.snapshots.hiding import PROJECT, Hidden, difference_without_hidden
from tests.reports.facts_made import AS_OF, appeared, counted, project, unit
from tests.reports.files.made import of

START = date(2016, 11, 22)


def _report(after: Sequence[int | None], through: date = AS_OF, delivered: date = START) -> Report:
    """Return a report of projects 1, 2 …, each delivered on one day and published so many years later (None: not)."""
    projects = [project(n, units=(unit(n, delivered=delivered),)) for n, _ in enumerate(after, start=1)]
    papers = [_paper(n, years) for n, years in enumerate(after, start=1) if years is not None]
    return of(counted(projects, papers, [(one.id, one.id) for one in papers], as_of=through, complete_through=through))


def _paper(number: int, years: int) -> Paper:
    return appeared(number, START + timedelta(days=round(years * 365.25)))


def _half(found: Difference, table: str = "points-all", row: str = "delivery") -> Moved:
    (speed,) = [theme for theme in found.themes if theme.key == "speed"]
    return next(one for one in speed.moved if (one.at.table, one.at.row, one.at.column) == (table, row, "p50"))


def test_the_project_that_published_is_named_and_not_the_one_at_the_step() -> None:
    """Half of six had published after 5 years; project 6 publishes after 2, and half is reached with project 2's paper."""
    old, new = _report((1, 4, 5, None, None, None)), _report((1, 4, 5, None, None, 2))
    found = difference(old, new)
    moved = _half(found)
    assert (moved.old and moved.old.value, moved.new and moved.new.value) != (None, None)
    assert (moved.came, moved.went, moved.base_came, moved.base_went, moved.shifted) == ((6,), (), (), (), ())
    assert [said for said, _ in moved.parts] == ["Published since"]
    (cycle,) = [
        one for theme in found.themes for one in theme.moved if (one.at.table, one.at.column) == ("by-cycle", "p50")
    ]
    assert (cycle.came, cycle.went) == ((6,), ())


def test_of_those_that_published_the_new_one_is_named() -> None:
    """The median over publishing projects moves by the one that joined them."""
    moved = _half(difference(_report((1, 4, 5, None)), _report((1, 4, 5, 2))), "points-published")
    assert (moved.came, moved.went, moved.shifted) == ((4,), (), ())


def test_an_earlier_paper_is_a_time_that_changed() -> None:
    """Project 2 published all along; an earlier paper of it was found."""
    moved = _half(difference(_report((1, 4, None)), _report((1, 3, None))))
    assert (moved.came, moved.base_came, moved.shifted) == ((), (), (2,))
    assert [said for said, _ in moved.parts] == ["Time to a first paper is another one than was known"]


def test_projects_that_were_not_there_are_newly_timed() -> None:
    """Two more projects without a paper: the median is gone later, and both are named."""
    moved = _half(difference(_report((1, 2, 4)), _report((1, 2, 4, None))))
    assert (moved.came, moved.base_came) == ((), (4,))


def test_time_alone_is_told_as_such() -> None:
    """Nobody came or went, everybody was watched for a year more: the sentence says it."""
    old, new = _report((1, None, None), AS_OF - timedelta(days=365)), _report((1, None, None))
    found = difference(old, new)
    moved = next(one for theme in found.themes for one in theme.moved if one.indicator.key == "share_published_after")
    assert found.why(moved).startswith("Those without a paper were watched until 2026-11-22, before until 2025-11-22")


def test_a_hidden_project_moves_a_point_without_a_name() -> None:
    """Of a project with a paper under second reading nobody learns that it published."""
    found = difference(_report((1, 4, 5, None, None, None)), _report((1, 4, 5, None, None, 2)))
    moved = _half(difference_without_hidden(found, Hidden(projects=frozenset({6}))))
    assert moved.came == (-1,)
    shifted = _half(
        difference_without_hidden(
            difference(_report((1, 4, None)), _report((1, 3, None))), Hidden(projects=frozenset({2}))
        )
    )
    assert shifted.shifted == (-1,)
    assert PROJECT in difference_without_hidden(found, Hidden(projects=frozenset({6}))).projects.values()


def test_software_alone_is_said_to_have_moved_a_number() -> None:
    """The same rows of the same day and another value: another version counted, and nothing else happened."""
    old = _report((1, 2, None))
    theme = old.theme("speed")
    table = theme.table("points-all")
    row = table.rows[0]
    figures = tuple(figure and replace(figure, value=figure.value and figure.value + 1) for figure in row.figures)
    other = replace(
        theme,
        tables=tuple(
            replace(t, rows=(replace(row, figures=figures), *t.rows[1:])) if t is table else t for t in theme.tables
        ),
    )
    new = replace(old, version="99", themes=tuple(other if t is theme else t for t in old.themes))
    found = difference(old, new)
    assert found.is_of_software_alone
    assert (
        found.why(_half(found))
        == f"The same rows of the same day: another version of biblio ({old.version} before, 99 now) counted."
    )
    assert not difference(old, _report((1, 3, None))).is_of_software_alone
