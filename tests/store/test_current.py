"""What several features read alike: which papers' decisions a second reader must not see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from biblio.store import Store
from biblio.store.current import papers_under_second_reading, projects_under_second_reading, under_second_reading
from biblio.store.models import Decision, Paper, Project, SecondReading, SecondReadingPause, UserAccount
from biblio.store.words import Role, Verdict

SEEN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


def papers_read_twice(session: Session) -> dict[str, int]:
    """Store four papers: one put to a second reader, one whose reading ended, one merged into a third; return ids."""
    reader = UserAccount(username="vera", name="Vera", role=Role.LIBRARIAN, created_at=SEEN)
    project = Project(code="2016.1.00001.S", cycle="2016.1", call="regular", first_seen_at=SEEN)
    papers = {name: Paper(first_seen_at=SEEN) for name in ("open", "ended", "kept", "merged", "other")}
    session.add_all([reader, project, *papers.values()])
    session.flush()
    papers["merged"].merged_into_id = papers["kept"].id
    for name, ended_at in (("open", None), ("ended", SEEN), ("merged", None)):
        decision = Decision(
            paper_id=papers[name].id or 0,
            project_id=project.id or 0,
            actor_id=reader.id or 0,
            made_at=SEEN,
            verdict=Verdict.ACCEPT,
        )
        session.add(decision)
        session.flush()
        session.add(
            SecondReading(
                paper_id=decision.paper_id,
                project_id=decision.project_id,
                decision_id=decision.id or 0,
                first_reader_id=decision.actor_id,
                drawn_at=SEEN,
                ended_at=ended_at,
            )
        )
    session.flush()
    return {name: paper.id or 0 for name, paper in papers.items()}


def test_open_second_readings_are_told_by_the_paper_that_stands_for_them(store: Store) -> None:
    """Only open ones count, and a paper that became part of another is named by the other."""
    with store.writing() as session:
        papers = papers_read_twice(session)
    with store.reading() as session:
        assert under_second_reading(session) == {papers["open"], papers["kept"]}


@pytest.mark.parametrize("more", [0, 2000], ids=["few", "many"])
def test_only_the_papers_asked_for_are_named(store: Store, more: int) -> None:
    """However many papers are asked for, none beside them is named."""
    with store.writing() as session:
        papers = papers_read_twice(session)
    asked = [papers["open"], papers["ended"], *range(10_000, 10_000 + more)]
    with store.reading() as session:
        assert under_second_reading(session, asked) == {papers["open"]}
        assert under_second_reading(session, []) == set()


def test_a_day_on_which_it_was_called_off_is_open_once_nobody_has_to_judge(store: Store) -> None:
    """As known on that day nothing was hidden; while it waits again, that day would tell its second reader the verdict."""
    hour = timedelta(hours=1)
    with store.writing() as session:
        papers = papers_read_twice(session)
        rows = {row.paper_id: row for row in session.exec(select(SecondReading))}
        rows[papers["ended"]].ended_at = SEEN + 4 * hour
        for name in ("open", "ended"):
            number = rows[papers[name]].id or 0
            session.add(SecondReadingPause(reading_id=number, called_off_at=SEEN + hour, resumed_at=SEEN + 2 * hour))
    with store.reading() as session:
        hidden = [set(session.execute(papers_under_second_reading(SEEN + n * hour)).scalars()) for n in range(5)]
        always, ended = {papers["open"], papers["kept"]}, papers["ended"]
        assert hidden == [always | {ended}, always, always | {ended}, always | {ended}, always]
        assert projects_under_second_reading(session, SEEN + hour) == {rows[ended].project_id}
