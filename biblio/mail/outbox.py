"""The outbox: letters are written in the transaction that wants them, and composed at the moment of sending."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import RequestRefused, StartRefused
from biblio.settings import Settings
from biblio.store.found import found
from biblio.store.models import AuditEntry, OutboxMail
from biblio.store.words import MailState

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_POLICY = SMTP_POLICY.clone(max_line_length=200)  # so that a line with a link stays whole and readable
_OWN_HEADERS = {"from", "to", "subject", "date", "message-id", "auto-submitted"}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to be queued. ``key`` says what it is for (letters, digits, ``._-``) and never repeats."""

    key: str
    kind: str
    recipient: str
    email: str
    subject: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What really goes out: the body with its links, and headers that hold links."""

    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


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
    """Return the Message-ID of the letter with this key: always the same, so that a letter can be recognised."""
    sender = parseaddr(settings.mail_from)[1]
    domain = sender.rpartition("@")[2] or urlsplit(settings.base_url).hostname or "localhost"
    return f"<{hashlib.sha256(f'{settings.base_url} {key}'.encode()).hexdigest()[:40]}@{domain}>"


def usable_address(address: str) -> str:
    """Return an address in the form that goes on the wire. Raises ``RequestRefused`` for one that cannot work."""
    try:
        checked = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
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
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    for header, value in {**mail.headers, **_checked_headers(prepared.headers)}.items():
        message[header] = value
    message.set_content(prepared.body)
    return message


def resend(session: Session, actor: Actor, mail_id: int, *, now: datetime) -> OutboxMail:
    """Let an uncertain or cancelled letter wait again, with the same Message-ID. A person takes the risk of a double.

    Raises ``NotFound``, or ``RequestRefused`` for a letter that waits, is being sent or was sent.
    """
    mail = _of_person(session, mail_id, (MailState.UNCERTAIN, MailState.CANCELLED), "sent again")
    mail.state, mail.attempts, mail.not_before = MailState.WAITING, 0, None
    mail.claimed_by, mail.claimed_at, mail.reason = None, None, None
    return _noted(session, actor, mail, "mail resend", now)


def give_up(session: Session, actor: Actor, mail_id: int, *, now: datetime, reason: str = "") -> OutboxMail:
    """Cancel a letter that waits or is uncertain. Raises ``NotFound``, or ``RequestRefused`` for any other."""
    mail = _of_person(session, mail_id, (MailState.UNCERTAIN, MailState.WAITING), "given up")
    mail.state, mail.reason = MailState.CANCELLED, reason.strip() or "Given up by hand."
    return _noted(session, actor, mail, "mail give up", now)


def _of_person(session: Session, mail_id: int, states: tuple[MailState, ...], what: str) -> OutboxMail:
    mail = found(session, OutboxMail, mail_id, "letter", to_change=True)
    if mail.state not in states:
        raise RequestRefused(f"Letter {mail_id} is {mail.state.value}; only {' or '.join(states)} ones can be {what}.")
    return mail


def _noted(session: Session, actor: Actor, mail: OutboxMail, action: str, now: datetime) -> OutboxMail:
    session.add(mail)
    session.add(
        AuditEntry(
            made_at=now, actor_id=actor.user_id, action=action, subject=f"letter {mail.id}", details={"key": mail.key}
        )
    )
    session.flush()
    return mail


def counts_by_state(session: Session, kind: str | None = None) -> dict[str, int]:
    """Return how many letters are in each state, by the state's word; all states are named."""
    query = sa.select(col(OutboxMail.state), sa.func.count()).group_by(col(OutboxMail.state))
    if kind is not None:
        query = query.where(col(OutboxMail.kind) == kind)
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state.value: found.get(state, 0) for state in MailState}
