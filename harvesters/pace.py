"""The pace within one process. Several processes share the one that the application keeps in its store.

Whoever keeps a pace keeps services in peace, too: a wait that a service asks for holds for all of its doors. One that is
longer than a run waits is not slept through: whoever asks for a turn is told ``LeftAlone`` until it is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from harvesters.errors import LeftAlone

LONGEST_WAIT_S = 300.0
"""Seconds: the longest wait that is slept through within a run."""

LONGEST_DEFERRAL_S = 86_400.0
"""Seconds: a day. A service that asks to be left alone for longer is asked again after it: it may have been a mistake."""


@dataclass(slots=True)
class _Service:
    turn: threading.Lock = field(default_factory=threading.Lock)
    free_at_s: float = 0.0


class LocalPace:
    """Keeps the threads of one process apart: one connection per service, and ``pauses_s`` seconds between two.

    A service that is not named in ``pauses_s`` gets one connection at a time and no pause. arXiv asks for three
    seconds (info.arxiv.org/help/api/tou.html).
    """

    def __init__(
        self,
        pauses_s: Mapping[str, float],
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pauses_s = dict(pauses_s)
        self._sleep = sleep
        self._monotonic = monotonic
        self._services: dict[str, _Service] = {}
        self._guard = threading.Lock()

    @contextmanager
    def turn(self, service: str) -> Iterator[None]:
        """Wait for this caller's turn; leaving the block starts the pause before the next.

        Raises ``LeftAlone`` at once when the service asked to be left alone for longer than a run waits.
        """
        state = self._state(service)
        with state.turn:
            while (wait_s := state.free_at_s - self._monotonic()) > 0:
                if wait_s > LONGEST_WAIT_S:
                    raise left_alone(service, f"for {wait_s / 60:.0f} minutes", wait_s)
                self._sleep(wait_s)
            try:
                yield
            finally:
                self._not_before(state, self._pauses_s.get(service, 0.0))

    def defer(self, service: str, seconds: float) -> None:
        """Nobody gets a turn at ``service`` for ``seconds``, a day at most; a longer wait already set stays."""
        self._not_before(self._state(service), min(seconds, LONGEST_DEFERRAL_S))

    def _state(self, service: str) -> _Service:
        with self._guard:
            return self._services.setdefault(service, _Service())

    def _not_before(self, state: _Service, seconds: float) -> None:
        with self._guard:
            state.free_at_s = max(state.free_at_s, self._monotonic() + seconds)


def left_alone(service: str, how_long: str, wait_s: float) -> LeftAlone:
    """The error that says why a service is not asked; ``how_long`` is "until …" or "for …"."""
    return LeftAlone(
        f"{service} told us not to ask, at whatever door, and is left alone {how_long}. Nothing was asked and nothing is "
        "lost; the first run after that goes on from here.",
        retry_after_s=wait_s,
    )
