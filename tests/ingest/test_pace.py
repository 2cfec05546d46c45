"""The pace over all processes that share a database."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from biblio.clock import FixedClock
from biblio.errors import StartRefused
from biblio.ingest.pace import StorePace, pauses
from biblio.settings import Settings
from biblio.store import Store
from biblio.store.models import PaceTurn

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Ticking(FixedClock):
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        super().__init__(START)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Sleep by moving the clock."""
        self.slept.append(seconds)
        self.move(timedelta(seconds=seconds))


def test_two_requests_are_the_pause_apart(store: Store) -> None:
    """The second turn begins no earlier than the pause after the first ended; other services do not wait."""
    clock = Ticking()
    pace = StorePace(store, {"arxiv": 3.0}, clock=clock, sleep=clock.sleep)
    with pace.turn("arxiv"):
        clock.move(timedelta(seconds=10))
    with pace.turn("ads"):
        assert clock.slept == []
    with pace.turn("arxiv"):
        assert clock.now() >= START + timedelta(seconds=13)


def test_a_deferred_service_is_left_in_peace(store: Store) -> None:
    """After ``Retry-After`` nobody asks before the time is over, from whatever process."""
    clock = Ticking()
    StorePace(store, {}, clock=clock, sleep=clock.sleep).defer("ads", 40)
    with StorePace(store, {}, clock=clock, sleep=clock.sleep).turn("ads"):
        assert clock.now() >= START + timedelta(seconds=40)


def test_a_clock_that_is_put_back_stops_nobody_for_hours(store: Store) -> None:
    """What was written in a future that is none is not waited for; the pause and ``Retry-After`` hold all the same."""
    clock = Ticking()
    pace = StorePace(store, {"arxiv": 3.0}, clock=clock, sleep=clock.sleep)
    with pace.turn("arxiv"):
        pass
    clock.move(timedelta(hours=-5))
    put_back = clock.now()
    with pace.turn("arxiv"):
        assert clock.now() == put_back
    with pace.turn("arxiv"):
        assert clock.now() >= put_back + timedelta(seconds=3)
    clock.move(timedelta(hours=-5))
    pace.defer("arxiv", 40)
    with pace.turn("arxiv"):
        assert clock.now() >= put_back + timedelta(hours=-5, seconds=43)


def test_one_connection_at_a_time(store: Store) -> None:
    """Four threads never hold the turn together, and all get theirs."""
    inside = 0
    seen: list[int] = []
    guard = threading.Lock()

    def ask() -> None:
        nonlocal inside
        for _ in range(3):
            with StorePace(store, {}).turn("arxiv"):
                with guard:
                    inside += 1
                    seen.append(inside)
                time.sleep(0.002)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert seen == [1] * 12


def test_a_killed_holder_blocks_nobody(store: Store, database_url: str) -> None:
    """The turn of a process that was killed while it held it is taken over."""
    code = (
        "import sys, time\n"
        "from biblio.ingest.pace import StorePace\n"
        "from biblio.store import Store, make_engine\n"
        "with StorePace(Store(make_engine(sys.argv[1])), {}).turn('arxiv'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen([sys.executable, "-c", code, database_url], stdout=subprocess.PIPE, cwd=root)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        holder.wait()
        clock = Ticking()
        with StorePace(store, {}, sleep=clock.sleep).turn("arxiv"):
            assert clock.slept == []
    finally:
        holder.kill()
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()


def test_a_holder_elsewhere_blocks_for_its_lease_only(store: Store) -> None:
    """Of a holder on another machine only the lease is known; after it the turn is free."""
    clock = Ticking()
    with store.writing() as session:
        until = START + timedelta(seconds=5)
        session.add(PaceTurn(service="arxiv", holder="elsewhere:1:x", held_until=until, next_at=START))
    with StorePace(store, {}, clock=clock, sleep=clock.sleep).turn("arxiv"):
        assert clock.now() >= until
    with store.reading() as session:
        assert session.exec(select(PaceTurn.holder)).one() is None


def test_a_faster_pace_than_arxiv_asks_for_is_refused() -> None:
    """Less than three seconds is refused, but for a server on this machine."""
    with pytest.raises(StartRefused, match="3 seconds"):
        pauses(Settings(arxiv_pace_s=1.0))
    here = "http://127.0.0.1:9999"
    with pytest.raises(StartRefused):
        pauses(Settings(arxiv_pace_s=0.0, arxiv_url=here))
    quick = Settings(arxiv_pace_s=0.0, arxiv_url=here, arxiv_oai_url=here, arxiv_rss_url=here)
    assert pauses(quick) == {"arxiv": 0.0}
    assert pauses(Settings()) == {"arxiv": 3.0}
