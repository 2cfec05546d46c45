"""What a process keeps of reports has one limit, by size: what was used least lately goes."""

from __future__ import annotations

import gc
from collections import OrderedDict
from datetime import timedelta

import pytest

from biblio.runtime import Runtime
from reports import room, service
from reports.filters import chosen
from reports.pages import latest
from reports.pages.latest import Latest
from reports.room import FACTS, Room
from reports.service import load_snapshot
from tests.reports.pages.conftest import fill
from tests.reports.snapshots.test_service import frozen


def test_what_was_used_least_lately_goes_until_the_rest_fits() -> None:
    """Sizes count, not numbers; looking at something again keeps it."""
    gone: list[str] = []
    mine = Room(100)

    def use(what: str, size: int, keeper: int = 1) -> None:
        mine.use(keeper, what, size, lambda: gone.append(what))

    for what in "abcd":
        use(what, 25)
    mine.look(1, "a")
    use("e", 40)
    assert (gone, mine.taken) == (["b", "c"], 90)
    use("small", 5)
    assert gone == ["b", "c"]
    use("huge", 1000)
    assert (gone, mine.taken) == (["b", "c", "d", "a", "e", "small"], 1000)


def test_a_part_keeps_its_facts_and_what_is_collected_takes_nothing() -> None:
    """The facts of what is looked at do not go, whatever it takes; a keeper that is no more leaves room."""
    gone: list[str] = []
    mine = Room(100)
    mine.use(1, FACTS, 80, lambda: gone.append("facts"))
    mine.use(2, FACTS, 10, lambda: gone.append("others"))
    mine.use(1, "part", 90, lambda: gone.append("part"))
    assert gone == ["others"]
    mine.leave(1)
    assert mine.taken == 0


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Room:
    """The room of a process that has almost none."""
    mine = Room(1)
    for module in (latest, service, room):
        monkeypatch.setattr(module, "ROOM", mine)
    monkeypatch.setattr(service, "_kept", OrderedDict())  # another test may have read the same report in this process
    return mine


def test_days_parts_and_frozen_reports_share_the_room(sqlite_runtime: Runtime, small: Room) -> None:
    """Whatever is looked at is all that is kept, and it is right; another look at it counts nothing anew."""
    fill(sqlite_runtime)
    number = frozen(sqlite_runtime).snapshot.id
    reports = Latest()
    today = sqlite_runtime.clock.today()
    with sqlite_runtime.store.reading() as session:
        for day in (None, today - timedelta(days=1)):
            for asked in (chosen([]), chosen([("cycle", "2015.1")]), chosen([("partner", "eu")])):
                found = reports.live(sqlite_runtime, session, day, asked)
                assert found.asked == asked
                assert reports.live(sqlite_runtime, session, day, asked) is found
                (kept,) = reports._days.values()
                assert [part.value for part in kept.parts.values()] == [found]
        assert load_snapshot(session, number) is load_snapshot(session, number)
    assert reports._days == {}
    assert small.taken > 0
    before = small.taken
    with sqlite_runtime.store.reading() as session:
        reports.live(sqlite_runtime, session, None, chosen([]))
    assert small.taken != before
    del reports, kept, found
    gc.collect()
    assert small.taken == 0
