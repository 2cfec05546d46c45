"""Counting how often a route was used in one process: exact, without threads, and forgetting what is over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from biblio.web import rates
from biblio.web.rates import Counts

RATE = parse("3 per minute")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test moves: its one value is the time."""
    moment = [1_800_000_000.0]
    monkeypatch.setattr("biblio.web.rates.time.time", lambda: moment[0])
    return moment


def made() -> Counts:
    """Return the storage as the library makes it from its address."""
    storage = storage_from_string(rates.storage("memory://"))
    assert isinstance(storage, Counts)
    return storage


def test_another_storage_stays_what_was_set() -> None:
    """Only the library's memory is replaced; what several workers share is theirs."""
    assert rates.storage("redis://counts:6379") == "redis://counts:6379"


def test_a_window_moves_with_the_time(now: list[float]) -> None:
    """Three uses within any minute, each counted until it is a minute old; a refused one is not counted."""
    limiter = MovingWindowRateLimiter(made())
    for wait, is_allowed in ((0, True), (20, True), (20, True), (10, False), (9.9, False), (0.2, True), (1, False)):
        now[0] += wait
        assert limiter.hit(RATE, "link") is is_allowed
    now[0] += 19
    assert limiter.hit(RATE, "link")
    assert limiter.hit(RATE, "another link")


def test_it_is_told_when_the_next_use_is_free(now: list[float]) -> None:
    """The window's stand names the moment at which the oldest use is over, and how many are left."""
    limiter = MovingWindowRateLimiter(made())
    limiter.hit(RATE, "link")
    now[0] += 10
    limiter.hit(RATE, "link")
    stand = limiter.get_window_stats(RATE, "link")
    assert (stand.reset_time, stand.remaining) == (now[0] + 50, 1)
    assert limiter.get_window_stats(RATE, "nobody's").remaining == 3


def test_what_is_over_is_forgotten(now: list[float]) -> None:
    """Guessed links by the thousand are kept for their minute and no longer, and start no thread."""
    storage = made()
    limiter, threads = MovingWindowRateLimiter(storage), threading.active_count()
    for number in range(5000):
        limiter.hit(RATE, f"guessed {number}")
    assert threading.active_count() == threads
    now[0] += 61
    limiter.hit(RATE, "link")
    assert storage.reset() == 1


def test_many_at_once_get_no_more_than_one_after_the_other() -> None:
    """Of uses in several threads exactly as many pass as the rate allows."""
    limiter, rate = MovingWindowRateLimiter(made()), parse("40 per hour")
    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda _: limiter.hit(rate, "link"), range(200)))
    assert passed.count(True) == 40


def test_a_key_can_be_forgotten() -> None:
    """Who was let off begins anew."""
    storage = made()
    limiter = MovingWindowRateLimiter(storage)
    while limiter.hit(RATE, "link"):
        pass
    limiter.clear(RATE, "link")
    assert limiter.hit(RATE, "link")
    assert storage.check()
