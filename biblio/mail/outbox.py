"""The outbox: letters are written in the transaction that wants them, and composed at the moment of sending.

A person decides about those that may or may not have left: ``resend``, ``arrived``, ``give_up``; each can be undone as long
as nothing came after it.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from urllib.parse import urlsplit

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused, Stale, StartRefused
from biblio.settings import Settings
from biblio.store.found import found
from biblio.store.models import AuditEntry, OutboxMail
from biblio.store.words import MailState

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_POLICY = SMTP_POLICY.clone(max_line_length=200)  # so that a line with a link stays whole and readable
_OWN_HEADERS = {"from", "to", "subject", "date", "message-id", "auto-submitted"}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to be queued. ``key`` says what it is for (letters, digits, ``._-``) and never repeats.

    ``body`` is empty where the text is made only as the letter leaves, because it holds links of one person's.
    """

    key: str
    kind: str
    recipient: str
    email: str
    subject: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter: its name there, its media type ("application/pdf"), its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """What really goes out: the body with its links, headers that hold links, a subject if not the row's, and files."""

    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    subject: str | None = None
    attachments: Sequence[Attachment] = ()


def queue(session: Session, settings: Settings, letter: Letter, *, now: datetime) -> OutboxMail:
    """Put a letter into the outbox, in the caller's transaction; a letter with this key is returned as it is.

    Raises ``RequestRefused`` for an address that no mail can reach, or text that would break a header.
    """
    if not _KEY.fullmatch(letter.key):
        raise ValueError("a letter's key holds letters, digits, dots, dashes and underscores only")
    there = session.exec(select(OutboxMail).where(col(OutboxMail.key) == letter.key)).first()
    if there is not None:
        return there
    row = OutboxMail(
        key=letter.key,
        message_id=message_id(settings, letter.key),
        kind=letter.kind,
        recipient=display_name(letter.recipient),
        email=usable_address(letter.email),
        subject=one_line(letter.subject),
        body=letter.body,
        headers=_checked_headers(letter.headers),
        state=MailState.WAITING,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def message_id(settings: Settings, key: str) -> str:
    """Return the Message-ID of the letter with this key: always the same, so that a letter can be recognised.

    It is keyed with the server's secret: nobody else can tell a letter by it, or make up that one came back.
    """
    sender = parseaddr(settings.mail_from)[1]
    domain = sender.rpartition("@")[2] or urlsplit(settings.base_url).hostname or "localhost"
    digest = hmac.digest(settings.secret().encode(), f"biblio letter\0{settings.base_url} {key}".encode(), "sha256")
    return f"<{digest.hex()[:40]}@{domain.lower()}>"


_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")
_LONGEST_LOCAL, _LONGEST = 64, 254


def usable_address(address: str) -> str:
    """Return an address in the form that goes on the wire. Raises ``RequestRefused`` for one that cannot work.

    Of an address with nothing unusual before the "@" its domain decides; each domain is asked about once.
    """
    address = address.strip()
    plain = _PLAIN.fullmatch(address)
    if plain is None or len(plain[1]) > _LONGEST_LOCAL or len(address) > _LONGEST:
        return _on_the_wire(address)
    return plain[1] + _domain_on_the_wire(plain[2])


@lru_cache(maxsize=10_000)
def _domain_on_the_wire(domain: str) -> str:
    return _on_the_wire(f"x@{domain}")[1:]


def _on_the_wire(address: str) -> str:
    try:
        checked = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise RequestRefused(f"This is not an e-mail address that letters can be sent to: {error}") from error
    return checked.ascii_email or checked.normalized


def display_name(name: str) -> str:
    """Return a name fit for a header: one line, no control characters, at most 120 characters."""
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in name).split())[:120]


def one_line(text: str) -> str:
    """Return a header's text without blanks at its ends. Raises ``RequestRefused`` for control characters in it."""
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise RequestRefused("A header of a letter must be one line without control characters.")
    return text.strip()


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name in headers:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name) or name.lower() in _OWN_HEADERS:
            raise RequestRefused(f"The header {name!r} is not one that a letter may set.")
    return {name: one_line(value) for name, value in headers.items()}


def compose(settings: Settings, mail: OutboxMail, prepared: Prepared, *, now: datetime) -> EmailMessage:
    """Return the message as it goes out. The library refuses line breaks in headers; ours are checked before."""
    message = EmailMessage(policy=_POLICY)
    name, address = parseaddr(settings.mail_from)
    if "@" not in address:
        raise StartRefused("BIBLIO_MAIL_FROM must hold an address, as in: Library <library@example.org>")
    message["From"] = Address(display_name(name), addr_spec=address)
    message["To"] = Address(mail.recipient, addr_spec=mail.email)
    message["Subject"] = mail.subject if prepared.subject is None else one_line(prepared.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    for header, value in {**mail.headers, **_checked_headers(prepared.headers)}.items():
        message[header] = value
    message.set_content(prepared.body)
    for file in prepared.attachments:
        main, _, sub = file.media_type.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return message


# -- what a person decides --------------------------------------------------------------------------------------------

_UNDONE = {"mail resend": MailState.WAITING, "mail arrived": MailState.SENT, "mail give up": MailState.CANCELLED}
"""What a person may do with a letter → the state it leaves the letter in."""


def resend(session: Session, actor: Actor, mail_id: int, *, now: datetime) -> AuditEntry:
    """Let an uncertain or cancelled letter wait again, with the same Message-ID. A person takes the risk of a double.

    Like the next two it returns the entry of the audit log that ``undo`` takes, and raises ``NotFound``, or
    ``RequestRefused`` for a letter in another state.
    """
    mail = _of_person(session, mail_id, (MailState.UNCERTAIN, MailState.CANCELLED), "sent again")
    before = _kept(mail)
    mail.state, mail.attempts, mail.not_before = MailState.WAITING, 0, None
    mail.claimed_by, mail.claimed_at, mail.reason = None, None, None
    return _noted(session, actor, mail, "mail resend", now, before)


def arrived(session: Session, actor: Actor, mail_id: int, *, now: datetime) -> AuditEntry:
    """Mark an uncertain letter as sent, at the moment its sender claimed it: the mail server's log has it."""
    mail = _of_person(session, mail_id, (MailState.UNCERTAIN,), "called arrived")
    before = _kept(mail)
    mail.state, mail.sent_at, mail.reason = MailState.SENT, mail.claimed_at or now, "A person found that it left."
    return _noted(session, actor, mail, "mail arrived", now, before)


def give_up(session: Session, actor: Actor, mail_id: int, *, now: datetime, reason: str = "") -> AuditEntry:
    """Cancel a letter that waits or is uncertain."""
    mail = _of_person(session, mail_id, (MailState.UNCERTAIN, MailState.WAITING), "given up")
    before = _kept(mail)
    mail.state, mail.reason = MailState.CANCELLED, " ".join(reason.split())[:500] or "Given up by hand."
    return _noted(session, actor, mail, "mail give up", now, before)


def undo(session: Session, actor: Actor, entry_id: int, *, now: datetime) -> OutboxMail:
    """Put a letter back to where it stood before a person decided; a letter that left meanwhile stays as it is.

    Raises ``NotFound``, or ``Stale`` when something happened to the letter since.
    """
    entry = session.get(AuditEntry, entry_id)
    if entry is None or entry.action not in _UNDONE or "before" not in entry.details:
        raise NotFound("There is nothing to take back here.")
    mail = found(session, OutboxMail, int(entry.details["letter"]), "letter", to_change=True)
    later = sa.select(sa.func.max(col(AuditEntry.id))).where(
        col(AuditEntry.subject) == entry.subject, col(AuditEntry.action).in_((*_UNDONE, "mail undo"))
    )
    moved = mail.state is not _UNDONE[entry.action] or (mail.state is MailState.WAITING and mail.attempts > 0)
    if moved or session.execute(later).scalar_one() != entry.id:
        raise Stale("Something happened to this letter since; nothing was changed. Look at it again.")
    before = entry.details["before"]
    mail.state, mail.attempts, mail.reason = MailState(before["state"]), before["attempts"], before["reason"]
    mail.sent_at = None
    session.add(mail)
    session.add(
        AuditEntry(
            made_at=now, actor_id=actor.user_id, action="mail undo", subject=entry.subject, details={"key": mail.key}
        )
    )
    session.flush()
    return mail


def _of_person(session: Session, mail_id: int, states: tuple[MailState, ...], what: str) -> OutboxMail:
    mail = found(session, OutboxMail, mail_id, "letter", to_change=True)
    if mail.state not in states:
        raise RequestRefused(f"Letter {mail_id} is {mail.state.value}; only {' or '.join(states)} ones can be {what}.")
    return mail


def _kept(mail: OutboxMail) -> dict[str, object]:
    return {"state": mail.state.value, "attempts": mail.attempts, "reason": mail.reason}


def _noted(
    session: Session, actor: Actor, mail: OutboxMail, action: str, now: datetime, before: Mapping[str, object]
) -> AuditEntry:
    session.add(mail)
    details = {"key": mail.key, "letter": mail.id, "before": dict(before)}
    entry = AuditEntry(made_at=now, actor_id=actor.user_id, action=action, subject=f"letter {mail.id}", details=details)
    session.add(entry)
    session.flush()
    return entry


def counts_by_state(session: Session, kind: str | None = None) -> dict[str, int]:
    """Return how many letters are in each state, by the state's word; all states are named."""
    query = sa.select(col(OutboxMail.state), sa.func.count()).group_by(col(OutboxMail.state))
    if kind is not None:
        query = query.where(col(OutboxMail.kind) == kind)
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state.value: found.get(state, 0) for state in MailState}
