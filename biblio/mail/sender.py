"""The sender: claims one letter at a time, speaks, and marks it; what a dead sender left is never sent again by itself."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.alive import holder_here, may_be_alive
from biblio.errors import RequestRefused
from biblio.logs import get_logger
from biblio.mail.addresses import AddressBook
from biblio.mail.bounces import dead_since, note_refusal
from biblio.mail.outbox import Prepared, compose
from biblio.mail.transports import Delivery, FolderTransport, Transport, transport_for
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail
from biblio.store.words import MailState

log = get_logger(__name__)

CLAIM_S = 900
"""A claim of another machine that is older than this is taken for dead; all SMTP steps together take far less."""

MAX_ATTEMPTS = 10
"""After so many times "later" from the server (over about two days) a letter is given up, with the reason."""

_BACK_OFF_S = 300
_BACK_OFF_MAX_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Stop:
    """The letter must not go (any more); it is cancelled with this reason."""

    reason: str


class Wait:
    """The letter must not go now; it keeps waiting."""


WAIT = Wait()
"""Returned by ``prepare``: leave the letter waiting (a paused campaign)."""

Prepare = Callable[[Session, OutboxMail], Prepared | Stop | Wait]
"""Called in the claim's own unit of work: the last moment to look whether the letter is still wanted."""


@dataclass(slots=True)
class SendCounts:
    """What became of the letters of one sending. ``notes`` are sentences for whoever reads the run."""

    sent: int = 0
    cancelled: int = 0
    refused: int = 0
    later: int = 0
    uncertain: int = 0
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, int]:
        """Return the counts by name."""
        return {name: getattr(self, name) for name in ("sent", "cancelled", "refused", "later", "uncertain")}


def as_it_stands(_session: Session, mail: OutboxMail) -> Prepared:
    """Prepare a letter that needs no last look: it goes as it was queued."""
    return Prepared(mail.body, {})


@dataclass(frozen=True, slots=True)
class _Sending:
    """One sending: which kind of letters, the last look at each, who sends, and by which transport."""

    runtime: Runtime
    kind: str
    prepare: Prepare
    sender: str
    transport: str
    book: AddressBook


def send_waiting(
    runtime: Runtime, kind: str, prepare: Prepare, *, limit: int | None = None, transport: Transport | None = None
) -> SendCounts:
    """Send the waiting letters of ``kind``, oldest first, at most ``limit``; return what became of them.

    Any number of senders may run: each letter is claimed by one. A letter whose ``prepare`` says stop is cancelled, and so
    is one to an address that letters came back from.
    """
    counts = SendCounts()
    recover(runtime, counts)
    way = transport or transport_for(runtime.settings)
    sender = f"{holder_here()}:{secrets.token_hex(8)}"
    try:
        way.open()
    except RequestRefused as error:
        counts.notes.append(str(error))
        return counts
    try:
        sending = _Sending(runtime, kind, prepare, sender, way.name, AddressBook(runtime.settings))
        after = 0
        while limit is None or counts.sent + counts.refused + counts.later + counts.uncertain < limit:
            claimed = _claim(sending, after, counts)
            if claimed is None:
                break
            after, letter = claimed
            if letter is not None:
                mail, message = letter
                _finish(runtime, mail, sender, way.deliver(mail, message), counts)
    finally:
        way.close()
    log.info("letters sent", kind=kind, **counts.plain())
    return counts


def _claim(
    sending: _Sending, after: int, counts: SendCounts
) -> tuple[int, tuple[OutboxMail, EmailMessage] | None] | None:
    """Claim the next waiting letter after id ``after``; None: there is none. Without a letter it stopped or waits."""
    runtime = sending.runtime
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        asked = {"kind": sending.kind, "after": after, "now": now}
        mail = session.execute(_NEXT, asked).scalars().first()
        if mail is None or mail.id is None:
            return None
        ready = _last_look(sending, session, mail)
        if isinstance(ready, Wait):
            return mail.id, None
        if isinstance(ready, Stop):
            mail.state, mail.reason = MailState.CANCELLED, ready.reason
            session.add(mail)
            counts.cancelled += 1
            return mail.id, None
        try:
            message = compose(runtime.settings, mail, ready, now=now)
        except (RequestRefused, ValueError) as error:  # one broken letter must not stop the others
            mail.state, mail.reason = MailState.CANCELLED, f"It cannot be written as a message: {error}"
            session.add(mail)
            counts.refused += 1
            return mail.id, None
        mail.state, mail.claimed_at = MailState.SENDING, now
        mail.claimed_by, mail.transport = sending.sender, sending.transport
        mail.attempts += 1
        session.add(mail)
    return mail.id, (mail, message)


_NEXT = (
    select(OutboxMail)
    .where(
        col(OutboxMail.kind) == sa.bindparam("kind"),
        col(OutboxMail.state) == MailState.WAITING,
        col(OutboxMail.id) > sa.bindparam("after"),
        sa.or_(col(OutboxMail.not_before).is_(None), col(OutboxMail.not_before) <= sa.bindparam("now")),
    )
    .order_by(col(OutboxMail.id))
    .limit(1)
    .with_for_update(skip_locked=True)
)
"""The next waiting letter. Made once, as all statements here: making one takes longer than running it."""


def _last_look(sending: _Sending, session: Session, mail: OutboxMail) -> Prepared | Stop | Wait:
    ready = sending.prepare(session, mail)
    if isinstance(ready, Prepared) and (day := dead_since(session, sending.book, mail.email)) is not None:
        return Stop(f"A letter to this address came back on {day}: the address does not work.")
    return ready


def _finish(runtime: Runtime, mail: OutboxMail, sender: str, delivery: Delivery, counts: SendCounts) -> None:
    now = runtime.clock.now()
    values: dict[str, object] = {"reason": delivery.reason}
    if delivery.end == "sent":
        values |= {"state": MailState.SENT, "sent_at": now}
        counts.sent += 1
    elif delivery.end == "uncertain":
        values["state"] = MailState.UNCERTAIN
        counts.uncertain += 1
    elif delivery.end == "refused" or mail.attempts >= MAX_ATTEMPTS:
        values["state"] = MailState.CANCELLED
        counts.refused += 1
    else:
        wait = timedelta(seconds=min(_BACK_OFF_S * 2 ** (mail.attempts - 1), _BACK_OFF_MAX_S))
        values |= {"state": MailState.WAITING, "not_before": now + wait, "claimed_by": None}
        counts.later += 1
    with runtime.store.writing() as session:
        connection = session.connection()
        connection.execute(_OUR_CLAIM.values(**values), {"letter": mail.id, "sender": sender})
        if delivery.end == "refused" and delivery.of_recipient:
            note_refusal(session, runtime.settings, mail, delivery.reason or "", now=now)
    if delivery.end != "sent":
        log.warning("letter not sent", mail=mail.id, end=delivery.end, code=delivery.code)


_OUR_CLAIM = sa.update(OutboxMail).where(
    col(OutboxMail.id) == sa.bindparam("letter"),
    col(OutboxMail.claimed_by) == sa.bindparam("sender"),
    col(OutboxMail.state).in_([MailState.SENDING, MailState.UNCERTAIN]),
)


def recover(runtime: Runtime, counts: SendCounts | None = None) -> int:
    """Look at letters whose sender died: uncertain ones go to a person; of the folder it is known. Return how many."""
    now = runtime.clock.now()
    folder = FolderTransport(runtime.settings.outgoing_mail)
    found = 0
    with runtime.store.writing() as session:
        rows = session.exec(
            select(OutboxMail).where(col(OutboxMail.state) == MailState.SENDING).with_for_update(skip_locked=True)
        )
        for mail in rows:
            if _is_alive(mail, now):
                continue
            found += 1
            if mail.transport != FolderTransport.name:
                mail.state = MailState.UNCERTAIN
                mail.reason = "The sender died while it spoke to the mail server; the letter may have arrived."
                if counts is not None:
                    counts.uncertain += 1
            elif folder.path(mail.key).exists():
                mail.state, mail.sent_at = MailState.SENT, mail.claimed_at
            else:
                mail.state, mail.claimed_by = MailState.WAITING, None
            session.add(mail)
    return found


def _is_alive(mail: OutboxMail, now: datetime) -> bool:
    if mail.claimed_at is None or now - mail.claimed_at > timedelta(seconds=CLAIM_S):
        return False
    return may_be_alive(mail.claimed_by or "")
