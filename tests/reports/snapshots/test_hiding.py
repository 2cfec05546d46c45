"""Who sees what of papers under second reading: a row that stands for one goes with it, a snapshot that may count one is closed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from biblio.runtime import Runtime
from biblio.store.models import SecondReading
from reports.building import build
from reports.document import Report
from reports.snapshots.difference import difference
from reports.snapshots.hiding import Hidden, difference_without_hidden, is_told, secret_since, without_hidden
from tests.factories import accept, add_paper, add_project, add_user
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


@pytest.mark.parametrize(
    ("as_of", "made_on", "is_seen"),
    [
        (date(2026, 5, 31), 9, True),
        (date(2026, 6, 1), 9, False),
        (date(2026, 9, 1), 5, True),
        (date(2026, 9, 1), 9, False),
    ],
)
def test_a_snapshot_is_told_if_it_knows_nothing_of_what_is_secret(as_of: date, made_on: int, *, is_seen: bool) -> None:
    """What it knows ends with its day, or when it was made if that was earlier; nothing secret closes nothing."""
    made_at = datetime(2026, made_on, 20, tzinfo=UTC)
    assert is_told(as_of, made_at, datetime(2026, 6, 1, 9, tzinfo=UTC)) is is_seen
    assert is_told(as_of, made_at, None)


def test_the_oldest_open_reading_says_since_when(runtime: Runtime) -> None:
    """Those that have ended count no more."""
    moments = [datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3, 4)]
    with runtime.store.writing() as session:
        assert secret_since(session) is None
        reader, paper = add_user(session), add_paper(session)
        for number, at in enumerate(moments, start=1):
            project = add_project(session, f"2015.1.0000{number}.S")
            decision = accept(session, reader, paper, project, now=at)
            ended_at = moments[2] if number == 1 else None
            session.add(SecondReading(paper_id=paper, project_id=project, decision_id=decision,
                                      first_reader_id=reader.person_id(), drawn_at=at, ended_at=ended_at))  # fmt: skip
        session.flush()
        assert secret_since(session) == moments[1]
