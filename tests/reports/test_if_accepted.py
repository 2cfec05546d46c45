"""What stands beside the first page's numbers of what waits: how far it could move them, and nothing where it could not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from reports.building import HEADLINE
from reports.document import Report
from reports.files.paper import as_html
from reports.files.plain import as_csv, as_table
from reports.if_accepted import words_beside
from tests.reports.facts_made import appeared, counted, paper, project, undecided
from tests.reports.files.made import of, small


def _waiting() -> Report:
    """Two projects, one published; the other, silent, waits with a certain paper."""
    state = undecided({(2, 2): "certain"}, [appeared(2, date(2025, 6, 1))])
    return of(counted([project(1), project(2)], [paper(1)], [(1, 1)], bibliography=state))


def _said(report: Report) -> list[str]:
    return [words.replace("\u202f", " ") for at in HEADLINE if (words := words_beside(report, at))]


def test_the_fraction_the_silent_and_the_papers_say_how_far_they_could_move() -> None:
    """Each in its own words; the number observed says nothing."""
    assert _said(_waiting()) == [
        "50.0 to 100.0 % once the certain one that waits is decided",
        "1 of them waits with a certain candidate",
        "1 that waits with a certain candidate counts as unpublished",
        "1 to 2 once the certain one that waits is decided",
    ]


def test_where_nothing_waits_or_it_was_not_counted_nothing_is_said() -> None:
    """As in a report that was frozen before there were such figures."""
    assert _said(small()) == []
    old = replace(_waiting(), themes=tuple(one for one in _waiting().themes if one.key != "bibliography"))
    assert _said(old) == []


def test_files_say_it_too() -> None:
    """The text for a terminal, the CSV's rows with a large backlog, and the report on paper."""
    report = _waiting()
    assert "1 to 2 once the certain one that waits is decided" in as_table(report)
    line = next(line for line in as_csv(report).splitlines() if line.startswith("fraction,now,all,fraction,"))
    assert (
        ',waits,"1 more project waits with a candidate that is certain; if accepted, 100.0\u202f% published so far."'
        in line
    )
    printed = as_html(report)
    assert "1 more project waits with a candidate that is certain" in printed
    assert "50.0 to 100.0\u202f% once the certain one that waits is decided" in printed
