"""Where one process counts how often a route was used: no thread, no search through what others did.

The memory storage of ``limits`` starts a thread at almost every request, which looks through all keys there ever were:
whoever asks for many links that do not exist makes every later request dearer. This one looks at one key, and forgets
keys whose time is over once a minute.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from limits.storage import Storage
from limits.storage.base import MovingWindowSupport

OURS = "counts://"

_SWEPT_EVERY_S = 60


def storage(configured: str) -> str:
    """Return the storage to use for the configured one: ours in place of the library's own memory."""
    return OURS if configured.startswith("memory:") else configured


class Counts(Storage, MovingWindowSupport):
    """Moving windows in the memory of one process."""

    STORAGE_SCHEME = [OURS.removesuffix("://")]  # noqa: RUF012 (the library reads a list of the class)

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_options: str) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._lock = threading.Lock()
        self.uses: dict[str, deque[float]] = {}
        """Key → the moments at which it was used."""
        self._ends: dict[str, float] = {}
        self._sweep_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors of this storage: there are none of its own."""
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` uses of a key unless they would be more than ``limit`` within ``expiry`` seconds."""
        now = time.time()
        with self._lock:
            if now >= self._sweep_at:
                self._sweep(now)
            uses = self.uses.get(key)
            if uses is None:
                uses = self.uses[key] = deque()
            _forget(uses, now - expiry)
            if len(uses) + amount > limit:
                return False
            uses.extend([now] * amount)
            self._ends[key] = max(self._ends.get(key, 0.0), now + expiry)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the oldest use within the window was, and how many there are."""
        now = time.time()
        with self._lock:
            within = [use for use in self.uses.get(key, ()) if use > now - expiry]
        return (within[0] if within else now), len(within)

    def _sweep(self, now: float) -> None:
        over = [key for key in self.uses if self._ends.get(key, 0.0) <= now]
        for key in over:
            del self.uses[key]
            self._ends.pop(key, None)
        self._sweep_at = now + _SWEPT_EVERY_S

    def get(self, key: str) -> int:
        """Return how many uses of a key are kept."""
        return len(self.uses.get(key, ()))

    def get_expiry(self, key: str) -> float:
        """Return when the last use of a key is over."""
        return self._ends.get(key, time.time())

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count uses without a limit, as the other strategies of the library do; biblio has none of them."""
        raise NotImplementedError

    def check(self) -> bool:
        """Whether the storage works."""
        return True

    def reset(self) -> int:
        """Forget everything; return how many keys there were."""
        with self._lock:
            forgotten = len(self.uses)
            self.uses.clear()
            self._ends.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self.uses.pop(key, None)
            self._ends.pop(key, None)


def _forget(uses: deque[float], until: float) -> None:
    while uses and uses[0] <= until:
        uses.popleft()
