"""What biblio may refuse, from the smallest to the largest harm. Harvesting has its own tree (``harvesters.errors``).

    BiblioError
    ├── RequestRefused          what was asked cannot be done; the message says why and what to do (HTTP 400)
    │   ├── NotAllowed          this actor may not do this (403)
    │   ├── NotFound            there is no such thing (404)
    │   └── Stale               somebody else changed it meanwhile; ``current`` holds their version (409)
    ├── NotReady                what is asked for is being made and will be there in a minute (503)
    ├── TooOften                more was asked for from one address than it may in a while (429)
    ├── JobRunning              the same job is running already, in this or another process
    └── StartRefused            biblio cannot start: settings, profile or database are not in order

Catch only where you can act. The doors (web, command line, scheduler) turn these into pages and exit codes.
"""

from __future__ import annotations


class BiblioError(Exception):
    """Base of everything biblio refuses on purpose; the message is a sentence for a person."""


class RequestRefused(BiblioError):
    """What was asked cannot be done; nothing was changed."""


class NotAllowed(RequestRefused):
    """You may not do this with the role you have."""


class NotFound(RequestRefused):
    """There is no such thing."""


class Stale(RequestRefused):
    """Somebody else changed this meanwhile; nothing of yours was stored."""

    def __init__(self, message: str, *, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class NotReady(BiblioError):
    """What is asked for is being made; it will be there in a minute."""


class TooOften(BiblioError):
    """More was asked for from one address than it may in a while; from ``wait_s`` seconds on there is more."""

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class JobRunning(BiblioError):
    """The same job is running already."""


class StartRefused(BiblioError):
    """biblio cannot start; the message says what to put in order."""


def database_sentence(error: Exception) -> str:
    """Say that the database could not go on (disk full, locked, gone), without the statement and its values."""
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    return f"The database could not go on: {reason}. What was stored before is safe; mend the cause and run again."
