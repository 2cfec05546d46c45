"""What can go wrong while harvesting, from the smallest to the largest harm.

HarvestError
├── RecordRefused    this entry cannot be read; go on with the next
├── PageRefused      this page is not what the service promises; nothing of it is stored; try again later
└── SourceStopped    this source cannot be used now (no token, service down); other sources go on
    └── QuotaSpent   today's requests are used but for the reserve; the harvest goes on when the count begins anew
        └── LeftAlone   the service told us to keep away until later; nobody asks it before, by whatever door
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class HarvestError(Exception):
    """Something went wrong while harvesting; the message is a sentence a librarian can act on."""


class RecordRefused(HarvestError):
    """This entry cannot be read; the others of its page can."""


class PageRefused(HarvestError):
    """This page is not what the service promises; nothing of it may be stored as records."""


class SourceStopped(HarvestError):
    """This source cannot be used any further in this run; ``retry_after_s`` says when it may be asked again."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QuotaSpent(SourceStopped):
    """Today's requests are used but for the reserve: nothing is wrong, the harvest goes on when the count begins anew."""


class LeftAlone(QuotaSpent):
    """The service told us, here or in another process, to keep away until later: nothing was asked, nothing is wrong."""


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Let a ``SourceStopped`` say at which page it was: the session that raises it knows addresses only."""
    try:
        yield
    except SourceStopped as stopped:
        if not str(stopped).startswith(place):
            stopped.args = (f"{place}: {stopped}",)
        raise
