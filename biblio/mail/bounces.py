"""What came back: each report is matched to its letter by our Message-ID and kept once; a hard one marks the address.

An address is dead from the first hard report on, until a librarian says that it works; whoever writes letters asks
``dead_addresses``. Reports are known by their bytes, so reading a mailbox twice adds nothing. What matches no letter of
ours is counted and left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parseaddr
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.logs import get_logger
from biblio.mail.addresses import AddressBook
from biblio.mail.dsn import ARRIVED, WORDS_MOST, Action, Group, Read, Sort, read, status_in
from biblio.mail.mailboxes import Item, Mailbox
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store.found import found
from biblio.store.models import AuditEntry, MailBounce, OutboxMail

log = get_logger(__name__)

DEAD, WORKS = "dead", "works"
"""What a librarian says of an address that a letter came back from."""

SAYS = {DEAD: "mail address dead", WORKS: "mail address works"}
"""A librarian's word → the action under which the audit log keeps it."""

_NOTES_MOST = 20

Progress = Callable[[str, int], None]
"""Called with (what, how many so far) after each batch."""


@dataclass(slots=True)
class ReadCounts:
    """What was in a mailbox. Each message is in one of these, but one that tells of several recipients may add more reports.

    ``hard`` and ``soft``: new reports that were kept; ``known``: reports that were kept before; ``arrived``: reports that
    a letter went on its way; ``unmatched``: reports of no letter of ours; ``replies``: somebody's answers, also absences;
    ``other``: no reports; ``refused``: not readable, each named in ``notes``.
    """

    messages: int = 0
    hard: int = 0
    soft: int = 0
    known: int = 0
    arrived: int = 0
    unmatched: int = 0
    replies: int = 0
    other: int = 0
    refused: int = 0
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, int]:
        """Return the counts by name."""
        names = ("messages", "hard", "soft", "known", "arrived", "unmatched", "replies", "other", "refused")
        return {name: getattr(self, name) for name in names}

    def note(self, sentence: str) -> None:
        """Keep a sentence unless there are many."""
        if len(self.notes) < _NOTES_MOST:
            self.notes.append(sentence)
        elif len(self.notes) == _NOTES_MOST:
            self.notes.append("There are more such sentences; these are the first.")


def take_in(
    runtime: Runtime, mailbox: Mailbox, *, dry_run: bool = False, progress: Progress = lambda _what, _done: None
) -> ReadCounts:
    """Read what came back and keep it; with ``dry_run`` nothing is stored or marked. Return what there was.

    Each batch is stored in one unit of work and marked after it, so that a kill loses nothing and doubles nothing.
    Raises ``RequestRefused`` when the mailbox cannot be opened; when it breaks off later, a note says so.
    """
    counts = ReadCounts()
    book = AddressBook(runtime.settings)
    mailbox.open()
    try:
        for batch in mailbox.batches():
            messages = [(item, told) for item in batch if (told := _read(item, counts)) is not None]
            with runtime.store.trying() if dry_run else runtime.store.writing() as session:
                _keep(session, runtime, book, messages, counts)
            if not dry_run and (left := mailbox.mark(batch)):
                counts.note(f"{left} messages could not be marked as read: they are read again each time.")
            progress("messages", counts.messages)
    except RequestRefused as error:
        counts.note(str(error))
    finally:
        mailbox.close()
    log.info("returned mail read", **counts.plain())
    return counts


def _read(item: Item, counts: ReadCounts) -> Read | None:
    counts.messages += 1
    try:
        if item.refused:
            raise RequestRefused(item.refused)
        return read(item.content)
    except RequestRefused as refusal:
        counts.refused += 1
        counts.note(f"{item.shown} was left out: {refusal}.")
        return None


def _keep(
    session: Session,
    runtime: Runtime,
    book: AddressBook,
    messages: Sequence[tuple[Item, Read]],
    counts: ReadCounts,
) -> None:
    """Keep the reports of a batch, in the caller's transaction."""
    letters = _letters(session, runtime.settings, [told for _item, told in messages])
    rows: dict[str, dict[str, Any]] = {}
    for item, told in messages:
        if told.sort is not Sort.BOUNCE:
            counts.replies += told.sort is Sort.REPLY
            counts.other += told.sort is Sort.OTHER
            continue
        letter = next(
            (letters[name] for one in told.ids for name in _names(runtime.settings, one) if name in letters), None
        )
        if letter is None or not letter.email:  # an address that was erased is not learned again from what came back
            counts.unmatched += 1
            continue
        bounces = _bounces(told.groups, letter.email)
        counts.arrived += not bounces
        for group in bounces:
            digest = _digest(item.content, group)
            if digest in rows:
                counts.known += 1
            rows.setdefault(digest, _row(digest, letter, group, told, book, runtime.clock.now()))
    _store(session, rows, counts)


def _letters(session: Session, settings: Settings, reads: Iterable[Read]) -> Mapping[str, OutboxMail]:
    """Return the letters that messages may speak of, by Message-ID, in one statement."""
    names = {name for told in reads for one in told.ids for name in _names(settings, one)}
    if not names:
        return {}
    return {
        mail.message_id: mail for mail in session.exec(select(OutboxMail).where(col(OutboxMail.message_id).in_(names)))
    }


def _names(settings: Settings, one: tuple[str, str]) -> tuple[str, ...]:
    """Return how a Message-ID may be written in the outbox: its domain in small letters, or as the sender's is set."""
    digits, domain = one
    ours = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    return (f"<{digits}@{domain}>", f"<{digits}@{ours}>") if ours.lower() == domain else (f"<{digits}@{domain}>",)


def _bounces(groups: Sequence[Group], address: str) -> list[Group]:
    """Return what is told of a letter's own address, without what arrived.

    Where a report names only others, the address leads on to them: it is not dead as long as one of them got it.
    """
    own = [group for group in groups if address.casefold() in group.addresses]
    told = own or list(groups)
    some_arrived = any(group.action in ARRIVED for group in told)
    return [
        Group(Action.DELAYED, group.status, group.words, group.addresses) if some_arrived else group
        for group in told
        if group.action not in ARRIVED
    ]


def _digest(content: bytes, group: Group) -> str:
    recipient = ",".join(sorted(group.addresses)).encode("utf-8", "replace")
    return hashlib.sha256(hashlib.sha256(content).digest() + recipient).hexdigest()


def _row(digest: str, letter: OutboxMail, group: Group, told: Read, book: AddressBook, now: datetime) -> dict[str, Any]:
    told_at = told.told_at if told.told_at is not None and letter.created_at <= told.told_at <= now else now
    return {
        "digest": digest,
        "outbox_mail_id": letter.id,
        "address_hash": book.hash(letter.email),
        "key_id": book.key_id,
        "is_hard": group.is_hard,
        "status": group.status,
        "words": group.words,
        "told_at": told_at,
        "learned_at": now,
    }


def _store(session: Session, rows: Mapping[str, dict[str, Any]], counts: ReadCounts) -> None:
    known = set(session.exec(select(MailBounce.digest).where(col(MailBounce.digest).in_(rows)))) if rows else set()
    fresh = [row for digest, row in rows.items() if digest not in known]
    counts.known += len(known)
    counts.hard += sum(row["is_hard"] for row in fresh)
    counts.soft += sum(not row["is_hard"] for row in fresh)
    if fresh:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(MailBounce).on_conflict_do_nothing(), fresh)  # another reader may have it as well


def note_refusal(session: Session, settings: Settings, letter: OutboxMail, words: str, *, now: datetime) -> None:
    """Keep that a server refused a letter's address at once: the same as if it had come back. Kept once per letter."""
    group = Group(
        Action.FAILED, status_in(words), " ".join(words.split())[:WORDS_MOST], frozenset({letter.email.casefold()})
    )
    told = Read(Sort.BOUNCE, groups=(group,), told_at=now)
    digest = _digest(f"refused {letter.message_id}".encode(), group)
    _store(session, {digest: _row(digest, letter, group, told, AddressBook(settings), now)}, ReadCounts())


# -- addresses --------------------------------------------------------------------------------------------------------


def dead_addresses(session: Session) -> set[tuple[str, str]]:
    """Return the addresses, as (key_id, hash), that a letter came back from for good and that nobody says work."""
    return set(died_on(session))


def died_on(
    session: Session, known_by: datetime | None = None, *, among: Collection[str] | None = None
) -> dict[tuple[str, str], date]:
    """Return the dead addresses with the day their last such letter came back; as known at a moment (None: now).

    ``among`` narrows it to addresses of these hashes.
    """
    statement = _dead(known_by is not None, among is not None)
    rows = session.connection().execute(statement, {"known_by": known_by, "among": among})
    return {(key_id, address): told_at.date() for key_id, address, told_at in rows}


@cache
def _dead(is_past: bool, is_among: bool) -> sa.Select[*tuple[Any, ...]]:
    """Select them; made once, because the sender asks it of each letter."""
    bounce: Any = MailBounce
    known_by: Any = sa.bindparam("known_by")
    open_then: Any = sa.or_(col(bounce.outcome).is_(None), col(bounce.outcome) == DEAD)
    return (
        sa.select(col(bounce.key_id), col(bounce.address_hash), sa.func.max(col(bounce.told_at)))
        .where(
            col(bounce.is_hard),
            sa.or_(open_then, col(bounce.handled_at) > known_by) if is_past else open_then,
            col(bounce.learned_at) <= known_by if is_past else sa.true(),
            col(bounce.address_hash).in_(sa.bindparam("among", expanding=True)) if is_among else sa.true(),
        )
        .group_by(col(bounce.key_id), col(bounce.address_hash))
    )


def dead_since(session: Session, book: AddressBook, address: str) -> date | None:
    """Return the day a letter to this address last came back for good; None while it works, as far as is known."""
    values = {"key_id": book.key_id, "address_hash": book.hash(address)}
    told_at: datetime | None = session.connection().execute(_LAST_CAME_BACK, values).scalar_one()
    return told_at.date() if told_at is not None else None


_LAST_CAME_BACK = sa.select(sa.func.max(col(MailBounce.told_at))).where(
    col(MailBounce.key_id) == sa.bindparam("key_id"),
    col(MailBounce.address_hash) == sa.bindparam("address_hash"),
    col(MailBounce.is_hard),
    sa.or_(col(MailBounce.outcome).is_(None), col(MailBounce.outcome) == DEAD),
)
"""Made once: the sender asks it of each letter, and making a statement takes longer than running this one."""


def say(session: Session, actor: Actor, bounce_id: int, outcome: str, *, now: datetime) -> AuditEntry:
    """Note a person's word on an address, for all that came back from it so far; return the entry that undoes it.

    Raises ``NotFound``, or ``RequestRefused`` when this was said before.
    """
    person = actor.person_id()
    bounce = found(session, MailBounce, bounce_id, "returned letter", to_change=True)
    same = session.exec(
        select(MailBounce)
        .where(col(MailBounce.key_id) == bounce.key_id, col(MailBounce.address_hash) == bounce.address_hash)
        .with_for_update()
    ).all()
    changed = [row for row in same if row.outcome != outcome]
    if not changed:
        raise RequestRefused("This was said of the address already; nothing was changed.")
    before = {str(row.id): row.outcome for row in changed}
    for row in changed:
        row.outcome, row.handled_at, row.handled_by_id = outcome, now, person
        session.add(row)
    entry = AuditEntry(
        made_at=now,
        actor_id=person,
        action=SAYS[outcome],
        subject=f"letter {bounce.outbox_mail_id}",
        details={"before": before},
    )
    session.add(entry)
    session.flush()
    return entry


def unsay(session: Session, actor: Actor, entry_id: int, *, now: datetime) -> None:
    """Take a word on an address back. Raises ``NotFound``, or ``Stale`` when somebody said another since."""
    person = actor.person_id()
    entry = session.get(AuditEntry, entry_id)
    said = next((outcome for outcome, action in SAYS.items() if entry is not None and entry.action == action), None)
    if entry is None or said is None:
        raise NotFound("There is nothing to take back here.")
    before: dict[str, str | None] = entry.details["before"]
    rows = session.exec(select(MailBounce).where(col(MailBounce.id).in_(map(int, before))).with_for_update()).all()
    if any(row.outcome != said for row in rows):
        raise Stale("Somebody said another thing of this address since; nothing was changed.")
    for row in rows:
        row.outcome = before[str(row.id)]
        row.handled_at, row.handled_by_id = (None, None) if row.outcome is None else (now, person)
        session.add(row)
    session.add(
        AuditEntry(
            made_at=now, actor_id=person, action="mail address word taken back", subject=entry.subject, details={}
        )
    )
    session.flush()
