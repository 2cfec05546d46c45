"""The pace within one process. Several processes share the one that the application keeps in its store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


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
        """Wait for this caller's turn; leaving the block starts the pause before the next."""
        state = self._state(service)
        with state.turn:
            while (wait_s := state.free_at_s - self._monotonic()) > 0:
                self._sleep(wait_s)
            try:
                yield
            finally:
                self._not_before(state, self._pauses_s.get(service, 0.0))

    def defer(self, service: str, seconds: float) -> None:
        """Nobody gets a turn at ``service`` for ``seconds``; a longer wait already set stays."""
        self._not_before(self._state(service), seconds)

    def _state(self, service: str) -> _Service:
        with self._guard:
            return self._services.setdefault(service, _Service())

    def _not_before(self, state: _Service, seconds: float) -> None:
        with self._guard:
            state.free_at_s = max(state.free_at_s, self._monotonic() + seconds)
