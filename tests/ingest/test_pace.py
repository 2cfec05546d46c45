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
from biblio.ingest.harvest import harvest
from biblio.ingest.pace import DEFERRED, StorePace, pauses
from biblio.ingest.sources import eprint_service
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store import Store
from biblio.store.models import PaceTurn
from biblio.store.words import Outcome
from harvesters.errors import LeftAlone
from tests.harvesters.servers import Reply, serving
from tests.ingest.conftest import Asking

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


def test_a_long_deferral_is_told_to_every_process_and_waited_out_by_none(store: Store) -> None:
    """All doors of a service are shut until then, a day at most; other services are asked."""
    clock = Ticking()
    StorePace(store, {"arxiv": 3.0}, clock=clock, sleep=clock.sleep).defer("arxiv", 9 * 86_400)
    other = StorePace(store, {"arxiv": 3.0}, clock=clock, sleep=clock.sleep)
    other.defer("arxiv", 40)
    with pytest.raises(LeftAlone, match=r"arxiv told us not to ask.* until 2026-11-23 12:00 UTC") as left:
        other.turn("arxiv").__enter__()
    assert left.value.retry_after_s == 86_400
    with other.turn("ads"):
        pass
    with store.reading() as session:
        row = session.exec(select(PaceTurn).where(PaceTurn.service == "arxiv")).one()
        assert (row.holder, row.next_at) == (DEFERRED, START + timedelta(days=1))
        assert session.exec(select(PaceTurn.holder).where(PaceTurn.service == "ads")).one() is None
    assert clock.slept == []
    clock.move(timedelta(days=1, seconds=-20))
    with other.turn("arxiv"):
        assert clock.now() >= START + timedelta(days=1)
    with store.reading() as session:
        assert session.exec(select(PaceTurn.holder).where(PaceTurn.service == "arxiv")).one() is None


def test_a_deferral_holds_though_another_process_ends_its_turn_meanwhile(store: Store) -> None:
    """Who was asking when the wait came gives back a turn that is no longer its own."""
    clock = Ticking()
    pace = StorePace(store, {"arxiv": 3.0}, clock=clock, sleep=clock.sleep)
    with pace.turn("arxiv"):
        pace.defer("arxiv", 3_600)
    with pytest.raises(LeftAlone, match="until 2026-11-22 13:00 UTC"):
        pace.turn("arxiv").__enter__()


def test_a_deferral_from_before_the_clock_was_put_back_lasts_a_day_at_most(store: Store) -> None:
    """A moment that no service can have asked for is not believed."""
    clock = Ticking()
    pace = StorePace(store, {}, clock=clock, sleep=clock.sleep)
    pace.defer("arxiv", 86_400)
    clock.move(timedelta(days=-30))
    with pace.turn("arxiv"):
        assert clock.slept == []


@pytest.mark.parametrize("reply", [Reply(status=503, headers={"Retry-After": "7200"}), Reply(status=403)])
def test_one_door_of_arxiv_that_is_shut_shuts_all_of_them(runtime: Runtime, asking: Asking, reply: Reply) -> None:
    """The API says to keep away: OAI-PMH, RSS and e-prints are not asked, now or in the next run, and it is said."""
    with serving(lambda _: reply) as server:
        asked = asking(server.url)
        arxiv = Job("harvest", "Harvest", harvest)
        first = run_job(asked, arxiv, arguments={"sources": "arxiv,arxiv-oai,arxiv-rss"})
        again = run_job(asked, arxiv, arguments={"sources": "arxiv,arxiv-oai,arxiv-rss"})
        with pytest.raises(LeftAlone):
            eprint_service(asked).fetch("2101.00001")
    assert len([one for one in server.asked if one.path.startswith("/arxiv")]) == 1
    assert first.outcome is Outcome.FAILED
    assert "arxiv:" in (first.error or "")
    notes = " ".join(first.counts["notes"])
    assert notes.count("arxiv told us not to ask, at whatever door, and is left alone until") == 2
    assert again.outcome is Outcome.SUCCEEDED
    assert again.counts["sources_paused"] == 3
    assert all("and is left alone until" in note for note in again.counts["notes"])


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
