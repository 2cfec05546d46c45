"""Taking turns: what two transactions must not do at the same moment."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from biblio.runtime import Runtime
from biblio.store.locks import Turn, see_one_moment, take_turn, writers
from biblio.store.models import Project


@pytest.mark.parametrize("turn", list(Turn), ids=lambda turn: turn.name)
def test_the_second_sees_what_the_first_did(runtime: Runtime, turn: Turn) -> None:
    """Who asks for the turn while another has it waits for that transaction's end, and then finds its rows."""
    has_it = threading.Event()
    found: list[str] = []

    def second() -> None:
        assert has_it.wait(10)
        with runtime.store.writing() as session:
            take_turn(session, turn)
            found.extend(session.exec(select(Project.code)).all())

    waiting = threading.Thread(target=second)
    with runtime.store.writing() as session:
        take_turn(session, turn)
        waiting.start()
        has_it.set()
        waiting.join(0.2)
        assert waiting.is_alive()
        session.add(Project(code="2019.1.00001.S", first_seen_at=datetime(2026, 1, 1, tzinfo=UTC)))
    waiting.join(10)
    assert found == ["2019.1.00001.S"]


def test_who_writes_is_seen_from_beginning_to_end(runtime: Runtime) -> None:
    """On PostgreSQL each writing unit by itself, before its first row; who reads is none. SQLite has one and needs no list."""

    def seen() -> frozenset[str]:
        with runtime.store.reading() as session:
            return writers(session)

    assert seen() == frozenset()
    with runtime.store.writing():
        first = seen()
        if not runtime.store.is_sqlite:
            with runtime.store.writing():
                both = seen()
            assert (len(first), len(both), first < both, seen()) == (1, 2, True, first)
    assert seen() == frozenset()


def test_a_unit_that_sees_one_moment_sees_no_later_row(runtime: Runtime) -> None:
    """What is stored between two of its questions is in neither answer; the next unit sees it."""
    with runtime.store.reading() as session:
        see_one_moment(session)
        assert session.exec(select(Project.code)).all() == []
        with runtime.store.writing() as other:
            other.add(Project(code="2019.1.00001.S", first_seen_at=datetime(2026, 1, 1, tzinfo=UTC)))
        assert session.exec(select(Project.code)).all() == []
    with runtime.store.reading() as session:
        assert session.exec(select(Project.code)).all() == ["2019.1.00001.S"]
