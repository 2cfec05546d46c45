"""What keeping the pace within one process promises."""

from __future__ import annotations

import threading

import pytest

from harvesters.errors import LeftAlone
from harvesters.pace import LocalPace
from harvesters.protocol import Pace


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds


def test_two_turns_are_a_pause_apart() -> None:
    """The pause runs from the end of one request to the start of the next."""
    clock = FakeTime()
    pace: Pace = LocalPace({"arxiv": 3.0}, sleep=clock.sleep, monotonic=lambda: clock.now)
    with pace.turn("arxiv"):
        clock.now += 10
    with pace.turn("arxiv"):
        pass
    assert clock.slept == [3.0]


def test_services_do_not_wait_for_one_another() -> None:
    """A pause at one service holds up no other."""
    clock = FakeTime()
    pace = LocalPace({"arxiv": 3.0}, sleep=clock.sleep, monotonic=lambda: clock.now)
    with pace.turn("arxiv"), pace.turn("ads"):
        pass
    with pace.turn("ads"):
        pass
    assert clock.slept == []


def test_deferring_holds_everybody_and_never_shortens() -> None:
    """After "come back in a minute" nobody asks for a minute, even when a shorter wait is told later."""
    clock = FakeTime()
    pace = LocalPace({"arxiv": 3.0}, sleep=clock.sleep, monotonic=lambda: clock.now)
    with pace.turn("arxiv"):
        pace.defer("arxiv", 60.0)
        pace.defer("arxiv", 5.0)
    with pace.turn("arxiv"):
        pass
    assert clock.slept == [60.0]


def test_a_long_deferral_is_not_slept_through() -> None:
    """Whoever asks is told for how long the service is left alone; after a day at most it is asked again."""
    clock = FakeTime()
    pace = LocalPace({}, sleep=clock.sleep, monotonic=lambda: clock.now)
    pace.defer("arxiv", 30 * 86_400.0)
    for _ in range(2):
        with pytest.raises(LeftAlone, match=r"arxiv told us not to ask.*left alone for 1440 minutes") as left:
            pace.turn("arxiv").__enter__()
    assert left.value.retry_after_s == 86_400
    with pace.turn("ads"):
        assert clock.slept == []
    clock.now += 86_400 - 10
    with pace.turn("arxiv"):
        assert clock.slept == [10.0]


def test_pause_starts_also_after_an_error() -> None:
    """A failed request counts as a request."""
    clock = FakeTime()
    pace = LocalPace({"arxiv": 3.0}, sleep=clock.sleep, monotonic=lambda: clock.now)
    try:
        with pace.turn("arxiv"):
            raise OSError
    except OSError:
        pass
    with pace.turn("arxiv"):
        pass
    assert clock.slept == [3.0]


def test_only_one_thread_has_its_turn() -> None:
    """However many threads ask, one connection is open at a time."""
    pace = LocalPace({})
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(50):
            with pace.turn("arxiv"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
