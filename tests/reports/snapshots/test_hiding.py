"""What must not be named now: a row that stands for one paper goes with it."""

from __future__ import annotations

from reports.building import build
from reports.document import Report
from reports.snapshots.difference import difference
from reports.snapshots.hiding import Hidden, difference_without_hidden, without_hidden
from tests.reports.facts_made import facts, paper, profile, project


def _report(*citations: int) -> Report:
    papers = [paper(n, citations=count, title=f"Rings {n}") for n, count in enumerate(citations, start=1)]
    return build(facts([project(1)], papers, [(one.id, 1) for one in papers]), profile())


def test_the_list_of_the_papers_cited_most_holds_no_hidden_one() -> None:
    """Not even its number of citations, by which everybody could tell it; the others are as they were."""
    report = _report(9, 5)
    table = without_hidden(report, Hidden(papers=frozenset({1}))).theme("citations").table("most-cited")
    assert [(row.key, row.name) for row in table.rows] == [("p2", "Ahn 2019: Rings 2")]
    assert without_hidden(report, Hidden()).theme("citations").table("most-cited").rows[0].key == "p1"


def test_what_moved_of_a_hidden_paper_is_not_told() -> None:
    """A difference of two reports tells no more than the reports do."""
    whole = difference(_report(9, 5), _report(12, 6))
    found = difference_without_hidden(whole, Hidden(papers=frozenset({1})))
    rows = [
        [one.at.row for t in part.themes for one in t.moved if one.at.table == "most-cited"] for part in (whole, found)
    ]
    assert [sorted(set(part)) for part in rows] == [["p1", "p2"], ["p2"]]
