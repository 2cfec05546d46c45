"""A project is closed as a null result from the day we learned it of the registry, as known on the report's day."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlmodel import Session, select

from biblio.runtime import Runtime
from biblio.store.models import ProjectRevision
from reports.facts.reading import read_facts
from tests.factories import add_project

FIRST = datetime(2019, 3, 1, 12, tzinfo=UTC)
SECOND = datetime(2020, 3, 1, 12, tzinfo=UTC)
THIRD = datetime(2021, 3, 1, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def _tell(session: Session, project_id: int, state: str | None, at: datetime) -> None:
    """Let the registry say another state of a project from a moment on."""
    live = session.exec(
        select(ProjectRevision).where(
            ProjectRevision.project_id == project_id,
            ProjectRevision.superseded_at == None,  # noqa: E711 - SQL
        )
    ).one()
    live.superseded_at = at
    session.flush()
    session.add(ProjectRevision(project_id=project_id, source="test", learned_at=at, title=live.title, state=state))
    session.flush()


def _closed_on(runtime: Runtime, project_id: int, on: date = TODAY, *states: str) -> date | None:
    asking = runtime.profile.asking.model_copy(update={"null_states": states or ("Null", "NoDetection")})
    with runtime.store.reading() as session:
        facts = read_facts(session, runtime.profile.model_copy(update={"asking": asking}), on, today=TODAY)
    return facts.projects[project_id].state_on


def test_a_project_is_closed_from_the_day_its_state_was_learned(runtime: Runtime) -> None:
    """Not from its delivery, nor from a later change of something else; before that day it was open."""
    with runtime.store.writing() as session:
        one = add_project(session, "2013.1.00001.S", state="Completed", learned_at=FIRST)
        _tell(session, one, "Null", SECOND)
        _tell(session, one, "Null", THIRD)
    assert _closed_on(runtime, one) == date(2020, 3, 1)
    assert _closed_on(runtime, one, date(2020, 2, 29)) is None


def test_two_such_states_in_a_row_are_one_closing(runtime: Runtime) -> None:
    """From one null state to another the project stays closed, since the first."""
    with runtime.store.writing() as session:
        one = add_project(session, "2013.1.00001.S", state="Null", learned_at=FIRST)
        _tell(session, one, "NoDetection", SECOND)
    assert _closed_on(runtime, one) == date(2019, 3, 1)


def test_a_project_opened_again_is_closed_from_the_second_time(runtime: Runtime) -> None:
    """What the registry took back did not happen; while open it has no day, and in the past it still had its own."""
    with runtime.store.writing() as session:
        one = add_project(session, "2013.1.00001.S", state="Null", learned_at=FIRST)
        _tell(session, one, None, SECOND)
    assert _closed_on(runtime, one) is None
    assert _closed_on(runtime, one, date(2019, 12, 31)) == date(2019, 3, 1)
    with runtime.store.writing() as session:
        _tell(session, one, "Null", THIRD)
    assert _closed_on(runtime, one) == date(2021, 3, 1)


def test_other_states_close_nothing(runtime: Runtime) -> None:
    """Only states that the profile names mean a null result."""
    with runtime.store.writing() as session:
        one = add_project(session, "2013.1.00001.S", state="Null", learned_at=FIRST)
    assert _closed_on(runtime, one, TODAY, "Withdrawn") is None
