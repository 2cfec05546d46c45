"""The unit of work: returning commits, raising rolls back, and no update is lost."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.errors import Stale, StartRefused
from biblio.store import Store, make_engine, two_at_once
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


def test_what_a_refused_unit_read_stays_readable(store: Store) -> None:
    """A page shows what a change was refused for, when the unit that found it is gone."""
    with store.writing() as session:
        session.add(HarvestCursor(source="counter", cursor={"n": 7}, updated_at=LEARNED))
    with pytest.raises(Stale) as refused, store.writing() as session:
        row = _locked(session)
        raise Stale("Somebody else was faster.", current=row)
    assert isinstance(refused.value.current, HarvestCursor)
    assert refused.value.current.cursor == {"n": 7}


def test_two_who_store_the_same_are_told_from_other_failures(store: Store) -> None:
    """A value that may stand once is a crossing of two people; a value that must not be missing is not."""
    found = []
    for code in ("2016.1.00001.S", "2016.1.00001.S", None):
        try:
            with store.writing() as session:
                session.execute(sa.insert(Project).values(code=code, first_seen_at=LEARNED, is_pi_project=True))
        except sa.exc.IntegrityError as error:
            found.append(two_at_once(error))
    assert found == [True, False]


def test_a_place_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A file stands where a folder should be (a read-only disk answers alike): the sentence names place and remedy."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StartRefused, match=r"biblio.db cannot be written .* BIBLIO_DATABASE_URL"):
        make_engine(f"sqlite:///{tmp_path}/file/biblio.db")


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


def test_the_database_file_is_its_owner_alone(tmp_path: Path) -> None:
    """File, journal and folder that biblio makes can be read by nobody else."""
    engine = make_engine(f"sqlite:///{tmp_path / 'site' / 'biblio.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "site").iterdir()}
    engine.dispose()
    assert stat.S_IMODE((tmp_path / "site").stat().st_mode) == 0o700
    assert modes
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("address", ["foo", "mysql://x/y", ""])
def test_an_address_of_no_database_is_refused_in_words(address: str) -> None:
    """The setting is named, without a traceback."""
    with pytest.raises(StartRefused, match="BIBLIO_DATABASE_URL"):
        make_engine(address)
