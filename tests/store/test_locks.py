"""Taking turns: what two transactions must not do at the same moment."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from biblio.runtime import Runtime
from biblio.store.locks import Turn, take_turn
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
