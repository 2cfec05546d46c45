"""The unit of work: returning commits, raising rolls back, and no update is lost."""

from __future__ import annotations

import threading

import pytest
from sqlmodel import Session, col, select

from biblio.store import Store
from biblio.store.models import HarvestCursor, Project
from tests.factories import LEARNED, add_project


def test_returning_commits_and_raising_rolls_back(store: Store) -> None:
    """What a unit wrote is there after it returned, and gone after it raised."""
    with store.writing() as session:
        add_project(session, "2016.1.00001.S")
    with pytest.raises(RuntimeError), store.writing() as session:
        add_project(session, "2016.1.00002.S")
        raise RuntimeError
    with store.reading() as session:
        assert session.exec(select(Project.code)).all() == ["2016.1.00001.S"]


def test_a_reading_unit_changes_nothing(store: Store) -> None:
    """Rows added in a reading unit are rolled back."""
    with store.reading() as session:
        add_project(session, "2016.1.00001.S")
    with store.reading() as session:
        assert session.exec(select(Project)).all() == []


def test_no_update_is_lost_among_four_writers(store: Store) -> None:
    """160 read-change-write units from four threads leave the counter at 160."""
    with store.writing() as session:
        session.add(HarvestCursor(source="counter", cursor={"n": 0}, updated_at=LEARNED))

    def count_up() -> None:
        for _ in range(40):
            with store.writing() as session:
                row = _locked(session)
                row.cursor = {"n": int(row.cursor["n"]) + 1}
                session.add(row)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as session:
        assert session.get_one(HarvestCursor, "counter").cursor == {"n": 160}


def _locked(session: Session) -> HarvestCursor:
    return session.exec(select(HarvestCursor).where(col(HarvestCursor.source) == "counter").with_for_update()).one()


def test_a_moment_without_zone_is_refused_and_zones_come_back(store: Store) -> None:
    """Naive moments cannot be stored; aware ones come back aware, in UTC, from both databases."""
    with pytest.raises(Exception, match="time zone"), store.writing() as session:
        session.add(Project(code="2016.1.00001.S", first_seen_at=LEARNED.replace(tzinfo=None)))
    with store.writing() as session:
        add_project(session, "2016.1.00001.S")
    with store.reading() as session:
        assert session.exec(select(Project)).one().first_seen_at == LEARNED
