"""The pace at which services are asked, kept in the store so that it holds over all processes of a site.

One row per service says whose turn it is and when the next may begin. A turn is a lease: a holder that was killed
blocks nobody for longer than ``LEASE_S`` (on the same machine for no time at all). No transaction is open while
anybody waits or asks.

A service that asks to be left alone for longer than a run waits (a long ``Retry-After``, a 403 that shuts us out) holds
its own turn until then: ``holder`` is ``DEFERRED``, ``next_at`` says until when. All of its doors share the row, in this
run and in later ones.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from biblio.alive import holder_here, may_be_alive
from biblio.clock import Clock
from biblio.errors import StartRefused
from biblio.ingest import absorb
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store import Store
from biblio.store.models import PaceTurn
from harvesters.http import PoliteSession
from harvesters.pace import LONGEST_DEFERRAL_S, LONGEST_WAIT_S, left_alone

LEASE_S = 90.0
"""Seconds after which a holder of another machine that was not heard of is taken for dead; it renews in time."""

ARXIV_PACE_S = 3.0
"""Seconds between two requests that arXiv asks for, over all machines of an operator (info.arxiv.org/help/api/tou)."""

DEFERRED = "deferred"
"""Stands in place of a holder while a service wants to be left alone; ``next_at`` and ``held_until`` say until when."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LONGEST_NAP_S = 1.0
_LONGEST_BELIEVED_S = 2 * LONGEST_WAIT_S
"""No pause and no ``Retry-After`` that is waited for is as long."""


def pauses(settings: Settings) -> dict[str, float]:
    """Return the pause after each service's requests, in seconds.

    Raises ``StartRefused`` for less than arXiv asks for, unless all of its doors are on this machine.
    """
    doors = (settings.arxiv_url, settings.arxiv_oai_url, settings.arxiv_rss_url)
    if settings.arxiv_pace_s < ARXIV_PACE_S and any(urlsplit(door).hostname not in _LOOPBACK for door in doors):
        raise StartRefused(
            f"BIBLIO_ARXIV_PACE_S is {settings.arxiv_pace_s:g}: arXiv asks for {ARXIV_PACE_S:g} seconds between two "
            "requests and shuts out who asks more often. Unset it."
        )
    return {"arxiv": settings.arxiv_pace_s}


def keeping(runtime: Runtime) -> Callable[[PoliteSession], None]:
    """Return what writes a session's requests into the ledger as they leave, each in a transaction of its own.

    What is asked between two pages (a count, a question after a job, an answer that is refused) is in the ledger however
    the process ends; how a request ended is added with the next one or with the page.
    """

    def keep(asked: PoliteSession) -> None:
        with runtime.store.writing() as session:
            absorb.note_asked(session, asked, runtime.clock.now())

    return keep


class StorePace:
    """A ``harvesters.protocol.Pace`` over the table ``pace_turn``, for every process that shares the database.

    It lives by the machine's clock, not by the one of the runtime: services do not care which day we replay.
    """

    def __init__(
        self,
        store: Store,
        pauses_s: Mapping[str, float],
        *,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._pauses_s = dict(pauses_s)
        self._clock = clock or Clock()
        self._sleep = sleep

    @contextmanager
    def turn(self, service: str) -> Iterator[None]:
        """Wait for the turn at ``service``; leaving the block starts the pause before the next.

        Raises ``LeftAlone`` at once while the service wants to be left alone for longer than a run waits.
        """
        holder = f"{holder_here()[:54]}:{uuid.uuid4().hex[:8]}"
        while (wait_s := self._try(service, holder)) > 0:
            self._sleep(min(wait_s, _LONGEST_NAP_S))
        stop = threading.Event()
        beat = threading.Thread(target=self._renew, args=(service, holder, stop), daemon=True, name=f"pace-{service}")
        beat.start()
        try:
            yield
        finally:
            stop.set()
            beat.join()
            self._give_back(service, holder)

    def defer(self, service: str, seconds: float) -> None:
        """Nobody gets a turn at ``service`` for ``seconds``, a day at most; a longer wait already set stays."""
        with self._store.writing() as session:
            now = self._clock.now()
            row = _row(session, service, now)
            until = now + timedelta(seconds=min(seconds, LONGEST_DEFERRAL_S))
            row.next_at = max(_believed(row, now), until)
            if row.next_at - now > timedelta(seconds=LONGEST_WAIT_S):
                row.holder, row.held_until = DEFERRED, row.next_at
            session.add(row)

    def _try(self, service: str, holder: str) -> float:
        """Take the turn if it is free and return 0, else return the seconds until it may be."""
        with self._store.writing() as session:
            now = self._clock.now()
            row = _row(session, service, now)
            if (until := _deferred_until(row, now)) is not None:
                wait_s = (until - now).total_seconds()
                if wait_s > LONGEST_WAIT_S:
                    raise left_alone(service, f"until {until:%Y-%m-%d %H:%M} UTC", wait_s)
                return wait_s
            if row.holder == DEFERRED:
                row.holder, row.held_until, row.next_at = None, None, now
            if row.holder is not None and _holds(row, now):
                return min(0.1, (row.held_until - now).total_seconds()) if row.held_until else 0.1
            if row.holder is not None and (pause_s := self._pauses_s.get(service, 0.0)):
                # Its holder died, and may have asked at any moment until now: the pause begins here.
                row.holder, row.held_until, row.next_at = None, None, now + timedelta(seconds=pause_s)
                session.add(row)
                return pause_s
            if (next_at := _believed(row, now)) > now:
                return (next_at - now).total_seconds()
            row.holder, row.held_until = holder, now + timedelta(seconds=LEASE_S)
            row.next_at = now + timedelta(seconds=self._pauses_s.get(service, 0.0))
            session.add(row)
            return 0.0

    def _renew(self, service: str, holder: str, stop: threading.Event) -> None:
        while not stop.wait(LEASE_S / 3):
            with suppress(Exception), self._store.writing() as session:  # the next beat may do better
                row = _row(session, service, self._clock.now())
                if row.holder == holder:
                    row.held_until = self._clock.now() + timedelta(seconds=LEASE_S)
                    session.add(row)

    def _give_back(self, service: str, holder: str) -> None:
        with self._store.writing() as session:
            now = self._clock.now()
            row = _row(session, service, now)
            if row.holder == holder:
                row.holder, row.held_until = None, None
            row.next_at = max(row.next_at, now + timedelta(seconds=self._pauses_s.get(service, 0.0)))
            session.add(row)


def _row(session: Session, service: str, now: datetime) -> PaceTurn:
    """Return the service's row, locked for this transaction; it is made where there is none."""
    query = select(PaceTurn).where(col(PaceTurn.service) == service).with_for_update()
    row = session.exec(query).one_or_none()
    if row is None:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(PaceTurn).values(service=service, next_at=now).on_conflict_do_nothing())
        row = session.exec(query).one()
    return row


def _deferred_until(row: PaceTurn, now: datetime) -> datetime | None:
    if row.holder != DEFERRED or not now < row.next_at <= now + timedelta(seconds=LONGEST_DEFERRAL_S):
        return None
    return row.next_at


def _believed(row: PaceTurn, now: datetime) -> datetime:
    """When the next turn may begin; a time too far off was written before this machine's clock was put back."""
    if _deferred_until(row, now) is not None:
        return row.next_at
    return row.next_at if row.next_at - now <= timedelta(seconds=_LONGEST_BELIEVED_S) else now


def _holds(row: PaceTurn, now: datetime) -> bool:
    """Whether the turn's holder may still have it: of another machine or container nothing is known but its lease."""
    return row.holder is not None and row.held_until is not None and now < row.held_until and may_be_alive(row.holder)
