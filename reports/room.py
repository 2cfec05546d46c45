"""How much of reports a process keeps in memory: one limit for all of them, by what they take, not by their number.

Facts of days, filtered reports and frozen ones are kept so that nothing is counted or read twice. A part of a large
observatory takes as much as the whole of a small one, so numbers of them say nothing: what was used least lately goes
until the rest fits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import count

FACTS = "facts"
"""What a day's reports are counted of; they go before it does."""

LIMIT = 1024 * 1024 * 1024
"""Bytes, about; what somebody looks at this very moment is kept even where it alone takes more."""


class Room:
    """Knows how large what is kept is, and lets go of what was used least lately."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.RLock()  # what keeps something may be collected, and leave, in the midst of a use
        self._kept: OrderedDict[tuple[int, Hashable], tuple[int, Callable[[], object]]] = OrderedDict()
        self._keepers = count(1)

    @property
    def taken(self) -> int:
        """Bytes of everything that is kept."""
        with self._lock:
            return sum(size for size, _ in self._kept.values())

    def keeper(self) -> int:
        """Return the number of one who keeps several things: a day with its facts and their parts."""
        return next(self._keepers)

    def use(self, keeper: int, what: Hashable, size: int, let_go: Callable[[], object]) -> None:
        """Note that something, and the facts that it was counted of, is used now.

        Where all is too much, the ``let_go`` of others is called.
        """
        with self._lock:
            self._kept[keeper, what] = size, let_go
            self.look(keeper, what)
            left, gone = self.taken, []
            for key, (each, leave) in list(self._kept.items()):
                if left <= self.limit or key in ((keeper, FACTS), (keeper, what)):
                    break
                left -= each
                gone.append(leave)
                del self._kept[key]
        for leave in gone:  # outside the lock: they take locks of their own
            leave()

    def look(self, keeper: int, what: Hashable) -> None:
        """Note that something which is kept is used again."""
        with self._lock:
            for key in ((keeper, FACTS), (keeper, what)):
                if key in self._kept:
                    self._kept.move_to_end(key)

    def leave(self, keeper: int) -> None:
        """Forget everything of a keeper who is no more."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == keeper]:
                del self._kept[key]


ROOM = Room(LIMIT)
"""The room of this process."""
