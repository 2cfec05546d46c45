"""The index that a start reads from disk says what a fresh one would, whatever happened while no server ran."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import Session, col, select
from structlog.testing import capture_logs

from biblio.catalogue.links import relate
from biblio.clock import FixedClock
from biblio.public import copies, facts, keeping
from biblio.public.copies import Copies, Copy
from biblio.public.feature import feature as public
from biblio.public.index import PublicIndex
from biblio.public.keeping import IndexKeeper, Kept
from biblio.runtime import Runtime
from biblio.store import Store, make_engine
from biblio.store.models import ProjectRevision
from biblio.web import create_app
from tests.conftest import runtime_on
from tests.factories import accept
from tests.public.contents import contents
from tests.public.test_incremental import History, check

READ = "public index read from its copy"
REFUSED = "copy of the public index not used; it is made anew"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the copy lies; even the smallest index is worth one here."""
    monkeypatch.setattr(keeping, "_WORTH_COPYING", 0)
    return tmp_path / "cache"


@pytest.fixture
def history(runtime: Runtime, clock: FixedClock) -> History:
    """A small store with four public papers, on each database."""
    return filled(runtime, clock)


@pytest.fixture
def shelf(sqlite_runtime: Runtime, clock: FixedClock) -> History:
    """The same on SQLite alone, for what is about files."""
    return filled(sqlite_runtime, clock)


def filled(runtime: Runtime, clock: FixedClock) -> History:
    """Fill a store with four public papers and two that nobody judged."""
    made = History(runtime, clock, 21)
    with runtime.store.writing() as session:
        for number, paper in enumerate(made.papers[:4]):
            accept(session, made.people[0], paper, made.projects[number % 2])
    return made


def start(runtime: Runtime, folder: Path) -> tuple[IndexKeeper, list[str]]:
    """Do what a server does that starts; return its keeper and the events logged."""
    keeper = IndexKeeper(folder=folder)
    with capture_logs() as logged, runtime.store.reading() as session:
        keeper.current(session)
    return keeper, [str(line["event"]) for line in logged]


def ids(runtime: Runtime, keeper: IndexKeeper) -> set[int]:
    """The public papers as the keeper has them."""
    with runtime.store.reading() as session:
        return set(keeper.current(session).revisions())


@pytest.mark.parametrize("seed", [1, 2])
def test_an_index_read_from_its_copy_equals_a_fresh_one(
    runtime: Runtime, clock: FixedClock, folder: Path, seed: int
) -> None:
    """Acts of all kinds while no server ran, again and again; and it goes on from there as any other."""
    history = History(runtime, clock, seed)
    start(runtime, folder)
    for _ in range(4):
        for _ in range(3):
            history.act()
        keeper, events = start(runtime, folder)
        assert events == [READ]
        check(runtime, keeper)
        history.act()
        check(runtime, keeper)
        with Session(runtime.store.engine) as session, runtime.store.reading():
            assert keeper._kept is not None
            Copies(folder).write(keeping.copied(session, keeper._kept.index.packed()))


def test_packing_loses_nothing(runtime: Runtime, clock: FixedClock) -> None:
    """What is unpacked says and finds the same; what is packed does not change with the index."""
    history = History(runtime, clock, 5)
    for _ in range(12):
        history.act()
    with Session(runtime.store.engine) as session:
        kept = Kept.made(session)
        before, packed = contents(kept.index), kept.index.packed()
        kept.index.drop(set(kept.index.revisions()))
        assert contents(PublicIndex.of(packed)) == before


def test_what_was_withdrawn_or_hidden_meanwhile_is_not_shown(
    runtime: Runtime, history: History, folder: Path, clock: FixedClock
) -> None:
    """The first index that anybody gets leaves it out, and has what became public."""
    keeper, _ = start(runtime, folder)
    before = ids(runtime, keeper)
    first, second, third, fourth, new, *_ = history.papers
    assert before == {first, second, third, fourth}
    with runtime.store.writing() as session:
        relate(session, history.people[0], paper_id=first, relation=None, now=clock.now())
        accept(session, history.people[0], new, history.projects[2], now=clock.now())
        history.draw(session, history.people[0])  # hides the paper just accepted
        accept(session, history.people[0], history.papers[5], history.projects[3], now=clock.now())
    keeper, events = start(runtime, folder)
    assert events == [READ]
    assert ids(runtime, keeper) == {second, third, fourth, history.papers[5]}
    with runtime.store.writing() as session:
        history.end_reading(session, history.people[0])
    keeper, events = start(runtime, folder)
    assert (events, ids(runtime, keeper)) == ([READ], {second, third, fourth, new, history.papers[5]})
    check(runtime, keeper)


def test_a_team_that_changed_meanwhile_counts(
    runtime: Runtime, history: History, folder: Path, clock: FixedClock
) -> None:
    """Papers are classed anew by the team that a project has now, though the papers are as they were."""
    start(runtime, folder)
    clock.move(timedelta(days=1))
    with runtime.store.writing() as session:
        old = session.exec(
            select(ProjectRevision).where(
                col(ProjectRevision.project_id) == history.projects[0], col(ProjectRevision.superseded_at).is_(None)
            )
        ).one()
        old.superseded_at = clock.now()
        session.add(old)
        session.flush()
        team = ["Berg, Lena", "Ahn, B.", "Çelik, D."]
        session.add(
            ProjectRevision(project_id=history.projects[0], source="test", learned_at=clock.now(), title=old.title,
                            pi="Stranger, Paula", co_is=team)
        )  # fmt: skip
    keeper, events = start(runtime, folder)
    assert events == [READ]
    check(runtime, keeper)


class _Trap:
    """A pickle that leaves a mark where it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.mark),)


def _flip(path: Path, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 0x5A
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _hide_a_part(path: Path) -> None:
    copy = Copies(path.parent).read()
    assert copy is not None
    del copy.packed.texts["title"]
    Copies(path.parent).write(copy)


def _stretch(path: Path) -> None:
    copy = Copies(path.parent).read()
    assert copy is not None
    copy.packed.arrays["ids"] = np.append(copy.packed.arrays["ids"], 7)
    Copies(path.parent).write(copy)


def _set_a_trap(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, about=np.array([_Trap(path.parent / "sprung")], dtype=object))


def _make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not at all", encoding="utf-8"),
    "a pickle": lambda path: path.write_bytes(pickle.dumps(_Trap(path.parent / "sprung"))),
    "a pickle inside": _set_a_trap,
    "cut": _cut,
    "flipped at a third": lambda path: _flip(path, 0.33),
    "flipped in the middle": lambda path: _flip(path, 0.5),
    "flipped near the end": lambda path: _flip(path, 0.9),
    "a part missing": _hide_a_part,
    "a row too many": _stretch,
    "others may write it": lambda path: path.chmod(0o620),
    "a folder": _make_a_folder,
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damaged_copy_is_as_if_it_were_not_there(shelf: History, folder: Path, damage: str) -> None:
    """Whatever lies there: it is said, nothing of it is run, the index is made anew, and the copy is whole again."""
    start(shelf.runtime, folder)
    path = Copies(folder).path
    DAMAGES[damage](path)
    keeper, events = start(shelf.runtime, folder)
    assert events[0] == REFUSED
    check(shelf.runtime, keeper)
    assert not (folder / "sprung").exists()
    if damage == "a folder":
        path.rmdir()
        start(shelf.runtime, folder)
    assert start(shelf.runtime, folder)[1] == [READ]


def test_no_flipped_byte_is_believed(shelf: History, folder: Path) -> None:
    """A byte that is another one anywhere is told, or is one that says nothing."""
    start(shelf.runtime, folder)
    here = Copies(folder)
    content, whole = here.path.read_bytes(), here.read()
    assert whole is not None
    told = 0
    for at in range(0, len(content), len(content) // 150):
        here.path.write_bytes(content[:at] + bytes([content[at] ^ 0x5A]) + content[at + 1 :])
        read = here.read()
        told += read is None
        if read is not None:
            assert (read.packed.texts, read.samples) == (whole.packed.texts, whole.samples)
            assert read.packed.arrays.keys() == whole.packed.arrays.keys()
            for name, numbers in whole.packed.arrays.items():
                assert np.array_equal(read.packed.arrays[name], numbers)
    assert told > 100


def test_a_copy_by_other_modules_is_not_used(shelf: History, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update the index is made anew, once; the word that tells is another one for each module and version."""
    start(shelf.runtime, folder)
    monkeypatch.setattr(copies, "made_by", lambda: "an older version")
    assert start(shelf.runtime, folder)[1] == [REFUSED, "public index copied to disk"]
    assert start(shelf.runtime, folder)[1] == [READ]


def test_the_modules_told_are_those_that_make_the_index() -> None:
    """A module imported by those that decide on the contents lies in one of the folders that are looked through."""
    told = {path.resolve() for name in copies._MADE_OF for path in (copies._OURS / name).rglob("*.py")}
    for name in ("facts", "index", "facets", "wordlists", "words"):
        for thing in vars(sys.modules[f"biblio.public.{name}"]).values():
            module = sys.modules.get(getattr(thing, "__module__", None) or "")
            file = getattr(module, "__file__", None)
            if module is not None and module.__name__.partition(".")[0] in ("biblio", "matching") and file:
                assert Path(file).resolve() in told, module.__name__


def test_a_copy_of_another_database_is_not_used(
    runtime: Runtime, history: History, folder: Path, clock: FixedClock
) -> None:
    """Papers of the same numbers that are others: known by when they were learned and what they are called."""
    start(runtime, folder)
    copy = Copies(folder).read()
    assert copy is not None
    assert copy.samples
    for place, other in ((2, "2020-01-01T00:00:00+00:00"), (3, "Another title")):
        samples = [*copy.samples[:-1], [*copy.samples[-1]]]
        samples[-1][place] = other
        Copies(folder).write(Copy(copy.packed, samples))
        keeper, events = start(runtime, folder)
        assert events == [REFUSED, "public index copied to disk"]
        check(runtime, keeper)


def test_a_database_that_went_back_to_a_backup_is_known(tmp_path: Path, shelf: History, folder: Path) -> None:
    """The copy knows papers that are no more, or are others by now: the index says what the database does."""
    runtime, database = shelf.runtime, Path(str(shelf.runtime.store.engine.url.database))
    with runtime.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = shutil.copy(database, tmp_path / "backup.db")
    with runtime.store.writing() as session:
        shelf._add(session, shelf.people[0])
    start(runtime, folder)
    restored = Store(make_engine(f"sqlite:///{backup}"))
    shelf.runtime = runtime_on(runtime.settings, restored, shelf.clock)
    keeper, _ = start(shelf.runtime, folder)
    check(shelf.runtime, keeper)
    shelf.clock.move(timedelta(hours=1))
    with restored.writing() as session:
        shelf._add(session, shelf.people[0])
    keeper, _ = start(shelf.runtime, folder)
    check(shelf.runtime, keeper)
    restored.engine.dispose()


OTHER = """
import os, signal, sys
from pathlib import Path
import numpy as np
from biblio.public.copies import Copies

from biblio.public import copies as module

module.made_by = lambda: sys.argv[2]
copies = Copies(Path(sys.argv[1]))
copy = copies.read()

def stopped(file, **arrays):
    file.write(b"PK half a file")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

for number in range(9):
    if number == 8:
        np.savez = stopped
    with copies.lock(60) as has_lock:
        assert has_lock and copies.write(copy)
"""


def test_another_process_writes_and_is_killed_while_it_does(shelf: History, folder: Path) -> None:
    """Every reading meanwhile finds a whole copy; the last one stays, the lock is free, what was left goes with the next."""
    start(shelf.runtime, folder)
    here, first = Copies(folder), Copies(folder).stamp()
    other = subprocess.Popen([sys.executable, "-c", OTHER, str(folder), copies.made_by()], stderr=subprocess.DEVNULL)
    while other.poll() is None:
        assert here.read() is not None
    assert other.returncode == -9
    assert here.stamp() != first
    assert list(folder.glob("*.part"))
    keeper, events = start(shelf.runtime, folder)
    assert events == [READ]
    check(shelf.runtime, keeper)
    copy = here.read()
    assert copy is not None
    with here.lock(0) as has_lock:
        assert has_lock
        assert here.write(copy)
    assert not list(folder.glob("*.part"))


def test_of_several_processes_one_makes_the_index(
    shelf: History, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait for its copy, and read that."""
    begun, may_end, makings = threading.Event(), threading.Event(), []
    whole = facts.accepted_papers

    def slowly(session: Session) -> list[int]:
        makings.append(1)
        begun.set()
        may_end.wait(20)
        return whole(session)

    monkeypatch.setattr(keeping, "accepted_papers", slowly)
    keepers = [IndexKeeper(folder=folder) for _ in range(3)]
    keepers[0].begin(shelf.runtime.store.engine)
    assert begun.wait(20)
    for one in keepers[1:]:
        one.begin(shelf.runtime.store.engine)
    may_end.set()
    for one in keepers:
        assert ids(shelf.runtime, one) == set(shelf.papers[:4])
    assert makings == [1]


def test_a_process_that_cannot_wait_any_longer_makes_its_own(
    shelf: History, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the lock is held on and on, a server starts without it and leaves the copy alone."""
    monkeypatch.setattr(keeping, "_WAIT_S", 0.0)
    with Copies(folder).lock(0) as has_lock:
        assert has_lock
        keeper, events = start(shelf.runtime, folder)
    assert events == []
    assert Copies(folder).stamp() is None
    check(shelf.runtime, keeper)


def test_a_disk_that_cannot_be_written_is_said(shelf: History, folder: Path) -> None:
    """The site goes on without a copy."""
    folder.write_text("a file where the folder should be", encoding="utf-8")
    keeper, events = start(shelf.runtime, folder)
    assert events == ["public index not copied to disk"]
    check(shelf.runtime, keeper)


def test_the_copy_follows_the_index(
    runtime: Runtime, history: History, folder: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After many papers it is written again; not by the second process that saw the same, nor for a few."""
    keeper, _ = start(runtime, folder)
    other, _ = start(runtime, folder)
    stamps = [Copies(folder).stamp()]
    monkeypatch.setattr(keeping, "_COPY_AFTER", 2)
    for number, paper in enumerate(history.papers[4:6]):
        with runtime.store.writing() as session:
            accept(session, history.people[0], paper, history.projects[number], now=clock.now())
    for one in (keeper, other, keeper):
        ids(runtime, one)
        if one._copier is not None:
            one._copier.join()
        stamps.append(Copies(folder).stamp())
    assert stamps[0] != stamps[1] == stamps[2] == stamps[3]
    with capture_logs() as logged, runtime.store.reading() as session:
        IndexKeeper(folder=folder).current(session)
    assert [(line["event"], line["read_anew"]) for line in logged] == [(READ, 0)]


def test_a_site_keeps_its_copy_in_its_home(shelf: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that only its user can read; a small index is made within a second, and not copied."""
    place = shelf.runtime.settings.home / "cache"
    assert create_app(shelf.runtime, features=[public]).test_client().get("/").status_code == 200
    assert not list(place.glob("*.npz"))
    monkeypatch.setattr(keeping, "_WORTH_COPYING", 4)
    assert create_app(shelf.runtime, features=[public]).test_client().get("/").status_code == 200
    assert Copies(place).read() is not None
    assert (place.stat().st_mode & 0o777, Copies(place).path.stat().st_mode & 0o777) == (0o700, 0o600)
