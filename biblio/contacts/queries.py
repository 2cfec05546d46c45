"""What the pages show of preprints before press, letters and their outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.contacts.cases import Case, cases_of
from biblio.contacts.faults import Standing
from biblio.contacts.recipients import Recipient, recipients
from biblio.contacts.waiting import why_they_wait
from biblio.errors import NotFound
from biblio.runtime import Runtime
from biblio.store.current import papers_under_second_reading, survivor_id
from biblio.store.models import Contact, ContactCase, ContactEvent, OutboxMail, Paper, PaperRevision, UserAccount
from biblio.store.words import ContactFault, ContactState, MailState
from biblio.webkit import holds

FAULTS: Mapping[ContactFault, str] = {
    ContactFault.NO_STATEMENT: "no statement",
    ContactFault.NO_CODE: "statement, but no code",
    ContactFault.WRONG_CODE: "wrong or unknown code",
}
"""Fault → what is missing, in words."""

PREPRINTS = {
    "write": Standing.FAULT,
    "unread": Standing.UNREAD,
    "untold": Standing.UNTOLD,
    "in_order": Standing.IN_ORDER,
}
"""Parts of the page that list preprints, by the word in the address."""

LETTERS = {
    "waiting": ContactState.PREPARED,
    "sent": ContactState.SENT,
    "answered": ContactState.ANSWERED,
    "bounced": ContactState.BOUNCED,
    "mended": ContactState.MENDED,
    "ended": ContactState.ENDED,
}
"""Parts of the page that list letters."""

LABELS = {
    "write": "to write",
    "waiting": "in the outbox",
    "sent": "waiting for an answer",
    "answered": "answered",
    "mended": "mended",
    "bounced": "bounced",
    "ended": "ended",
    "unread": "text not read",
    "untold": "cannot be told",
    "in_order": "in order",
}
"""Part of the page → its name, in the order in which they stand."""

OUTBOX = {
    MailState.WAITING: "waits in the outbox",
    MailState.SENDING: "is being sent",
    MailState.SENT: "left",
    MailState.UNCERTAIN: "uncertain: it may or may not have left; the mail queue asks a person to decide",
    MailState.CANCELLED: "did not leave",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for: the part of the page, and filters."""

    show: str = "write"
    fault: ContactFault | None = None
    journal: str = ""
    judged: str = ""
    words: str = ""

    @classmethod
    def from_address(cls, values: Mapping[str, str]) -> Wanted:
        """Read the address; what is unknown is left out."""
        show, fault, judged = values.get("show", "write"), values.get("fault", ""), values.get("judged", "")
        return cls(
            show if show in LABELS else "write",
            ContactFault(fault) if fault in set(ContactFault) else None,
            values.get("journal", "")[:200],
            judged if judged in ("yes", "no") else "",
            " ".join(values.get("q", "").replace("\0", " ").split())[:200],
        )

    def filters(self) -> dict[str, str]:
        """The filters that are set, as the address writes them."""
        given = {"fault": self.fault.value if self.fault else "", "journal": self.journal, "judged": self.judged}
        return {name: value for name, value in {**given, "q": self.words}.items() if value}


@dataclass(frozen=True, slots=True)
class PreprintRow:
    """One preprint of the list with what is found of it now; ``case`` None: it is none any more."""

    paper_id: int
    title: str
    press_on: date | None
    press_reason: str
    is_overdue: bool
    case: Case | None
    recipient: Recipient | None


@dataclass(frozen=True, slots=True)
class LetterRow:
    """One letter of the list. ``outbox`` says where it stands in the mail queue while it has not left."""

    contact: Contact
    title: str
    made_by: str
    press_on: date | None
    is_overdue: bool
    outbox: str
    why_waiting: str
    last_words: str
    last_at: datetime | None
    quote: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a letter; ``event_id`` where a person may take it back."""

    at: datetime
    who: str
    state: ContactState
    words: str
    version: str
    quote: Mapping[str, str] | None
    undo_id: int | None = None


@dataclass(frozen=True, slots=True)
class OneLetter:
    """A letter with its history."""

    contact: Contact
    title: str
    made_by: str
    mail: OutboxMail | None
    outbox: str
    why_waiting: str
    """Why it does not leave though it might, and what can be done; empty where nothing keeps it."""
    may_take_back: bool
    may_note: bool
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Success:
    """How many letters that left led to a mended paper; ``days`` from the letter to what mended it (median)."""

    sent: int = 0
    mended: int = 0
    open: int = 0
    days: int | None = None

    @property
    def share(self) -> float | None:
        """Mended of those whose outcome is known."""
        known = self.sent - self.open
        return self.mended / known if known else None


@dataclass(frozen=True, slots=True)
class Overview:
    """What stands above the list: how many there are in each part, how many are overdue, and how letters did."""

    counts: Mapping[str, int] = field(default_factory=dict)
    overdue: int = 0
    success: Success = Success()
    looked_at: datetime | None = None
    journals: Sequence[str] = ()


# -- lists --------------------------------------------------------------------------------------------------------------


def preprints(wanted: Wanted) -> sa.Select[Any]:
    """Select the list's preprints in the order of their press dates, the longest overdue first."""
    statement = sa.select(ContactCase).where(
        col(ContactCase.standing) == PREPRINTS[wanted.show].value,
        col(ContactCase.paper_id).not_in(papers_under_second_reading()),
    )
    if wanted.show == "write":
        statement = statement.where(~_is_written())
    if wanted.fault:
        statement = statement.where(col(ContactCase.fault) == wanted.fault)
    if wanted.journal:
        statement = statement.where(col(ContactCase.journal) == wanted.journal)
    if wanted.judged:
        statement = statement.where(col(ContactCase.is_judged).is_(wanted.judged == "yes"))
    if wanted.words:
        statement = statement.where(holds(col(ContactCase.title), wanted.words))
    return statement.order_by(col(ContactCase.press_on).asc().nulls_last(), col(ContactCase.paper_id))


def _is_written() -> sa.ColumnElement[bool]:
    """A letter about this paper is open, or one about this very fault ended otherwise than by coming back."""
    settled = sa.and_(
        col(Contact.fault) == col(ContactCase.fault),
        col(Contact.state).not_in([ContactState.WITHDRAWN, ContactState.BOUNCED]),
    )
    return (
        sa.select(col(Contact.id))
        .join(Paper, col(Paper.id) == col(Contact.paper_id))
        .where(survivor_id() == col(ContactCase.paper_id), sa.or_(col(Contact.ended_at).is_(None), settled))
        .exists()
    )


def preprint_rows(session: Session, runtime: Runtime, rows: Sequence[ContactCase]) -> list[PreprintRow]:
    """Return the rows with what is found of them now: a decision taken since the list was made counts at once."""
    today = runtime.clock.today()
    cases = cases_of(session, runtime, [row.paper_id for row in rows])
    found = []
    for row in rows:
        case = cases.get(row.paper_id)
        people = recipients(case.texts.addresses, case.authors, case.teams) if case else []
        found.append(
            PreprintRow(
                row.paper_id,
                row.title,
                row.press_on,
                row.press_reason,
                row.press_on is not None and row.press_on < today,
                case,
                people[0] if people else None,
            )
        )
    return found


def letters(wanted: Wanted) -> Any:
    """Select (contact, title, who wrote, press date, mail) of the letters, those about to go to press first."""
    statement = (
        sa.select(Contact, col(PaperRevision.title), col(UserAccount.name), col(ContactCase.press_on), OutboxMail)
        .join(UserAccount, col(UserAccount.id) == col(Contact.made_by_id))
        .join(Paper, col(Paper.id) == col(Contact.paper_id))
        .outerjoin(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == survivor_id(), col(PaperRevision.superseded_at).is_(None)),
        )
        .outerjoin(ContactCase, col(ContactCase.paper_id) == survivor_id())
        .outerjoin(OutboxMail, col(OutboxMail.id) == col(Contact.outbox_mail_id))
        .where(_in_part(wanted.show))
    )
    if wanted.fault:
        statement = statement.where(col(Contact.fault) == wanted.fault)
    if wanted.words:
        words = wanted.words
        statement = statement.where(
            sa.or_(holds(col(PaperRevision.title), words), holds(col(Contact.recipient), words))
        )
    return statement.order_by(col(ContactCase.press_on).asc().nulls_last(), col(Contact.id).desc())


def _in_part(show: str) -> sa.ColumnElement[bool]:
    state = LETTERS[show]
    if state is ContactState.ENDED:
        return col(Contact.state).in_([ContactState.ENDED, ContactState.WITHDRAWN])
    return col(Contact.state) == state


def letter_rows(session: Session, runtime: Runtime, rows: Sequence[Any]) -> list[LetterRow]:
    """Return the letters with the last thing that happened to each."""
    today = runtime.clock.today()
    last: dict[int, ContactEvent] = {}
    ids = [row[0].id for row in rows]
    for event in session.exec(
        select(ContactEvent).where(col(ContactEvent.contact_id).in_(ids)).order_by(col(ContactEvent.id))
    ):
        last[event.contact_id] = event
    found = []
    held = why_they_wait(session, runtime, [(row[0], row[4]) for row in rows])
    for contact, title, made_by, press_on, mail in rows:
        latest = last.get(contact.id)
        found.append(
            LetterRow(
                contact,
                title or "(without a title)",
                made_by,
                press_on,
                contact.ended_at is None and press_on is not None and press_on < today,
                OUTBOX[mail.state] if mail and contact.state is ContactState.PREPARED else "",
                held.get(contact.id, ""),
                latest.words if latest else "",
                latest.at if latest else None,
                _quote(latest) if latest else None,
            )
        )
    return found


def _quote(event: ContactEvent) -> Mapping[str, str] | None:
    quote = event.details.get("quote")
    return {str(k): str(v) for k, v in quote.items()} if isinstance(quote, dict) else None


# -- above the list -----------------------------------------------------------------------------------------------------


def overview(session: Session, runtime: Runtime) -> Overview:
    """Return the counts of all parts, and how letters did, in a constant number of statements."""
    seen = col(ContactCase.paper_id).not_in(papers_under_second_reading())
    by_standing = sa.select(col(ContactCase.standing), sa.func.count()).where(seen).group_by(col(ContactCase.standing))
    by_state = sa.select(col(Contact.state), sa.func.count()).group_by(col(Contact.state))
    standings: dict[str, int] = dict(session.execute(by_standing).all())
    states: dict[ContactState, int] = dict(session.execute(by_state).all())
    to_write = preprints(Wanted()).order_by(None)
    counts = {show: standings.get(standing.value, 0) for show, standing in PREPRINTS.items()}
    counts["write"] = session.execute(sa.select(sa.func.count()).select_from(to_write.subquery())).scalar_one()
    counts |= {show: states.get(state, 0) for show, state in LETTERS.items()}
    counts["ended"] += states.get(ContactState.WITHDRAWN, 0)
    late = to_write.where(col(ContactCase.press_on) < runtime.clock.today())
    journals = session.execute(
        sa.select(col(ContactCase.journal)).where(seen, col(ContactCase.journal).is_not(None)).distinct()
    ).scalars()
    return Overview(
        counts={show: counts[show] for show in LABELS},
        overdue=session.execute(sa.select(sa.func.count()).select_from(late.subquery())).scalar_one(),
        success=_success(session),
        looked_at=session.execute(sa.select(sa.func.max(col(ContactCase.looked_at)))).scalar_one(),
        journals=sorted(name for name in journals if name),
    )


def _success(session: Session) -> Success:
    left = sa.select(col(ContactEvent.contact_id)).where(col(ContactEvent.state) == ContactState.SENT)
    rows = session.execute(
        sa.select(col(Contact.state), col(Contact.made_at), col(Contact.mended_at), col(Contact.ended_at)).where(
            col(Contact.id).in_(left), col(Contact.state) != ContactState.BOUNCED
        )
    ).all()
    mended = [(ended - made).days for state, made, ended, _ in rows if state is ContactState.MENDED and ended]
    still_open = sum(ended is None for _, _, _, ended in rows)
    return Success(len(rows), len(mended), still_open, round(median(mended)) if mended else None)


# -- one letter ---------------------------------------------------------------------------------------------------------


def one_letter(session: Session, runtime: Runtime, contact_id: int) -> OneLetter:
    """Return a letter with its history, the newest event first. Raises ``NotFound``."""
    row = session.execute(
        sa.select(Contact, col(PaperRevision.title), col(UserAccount.name), OutboxMail)
        .join(UserAccount, col(UserAccount.id) == col(Contact.made_by_id))
        .join(Paper, col(Paper.id) == col(Contact.paper_id))
        .outerjoin(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == survivor_id(), col(PaperRevision.superseded_at).is_(None)),
        )
        .outerjoin(OutboxMail, col(OutboxMail.id) == col(Contact.outbox_mail_id))
        .where(col(Contact.id) == contact_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no letter number {contact_id}.")
    contact, title, made_by, mail = row
    events = session.execute(
        sa.select(ContactEvent, col(UserAccount.name))
        .outerjoin(UserAccount, col(UserAccount.id) == col(ContactEvent.actor_id))
        .where(col(ContactEvent.contact_id) == contact_id)
        .order_by(col(ContactEvent.id).desc())
    ).all()
    is_waiting = mail is not None and contact.state is ContactState.PREPARED
    left = is_waiting and mail.state in (MailState.UNCERTAIN, MailState.SENT)
    return OneLetter(
        contact,
        title or "(without a title)",
        made_by,
        mail,
        OUTBOX[mail.state] if is_waiting else "",
        why_they_wait(session, runtime, [(contact, mail)]).get(contact_id, ""),
        is_waiting and mail.state is MailState.WAITING,
        contact.ended_at is None and (left or contact.state is not ContactState.PREPARED),
        [_event(event, name, is_last=place == 0) for place, (event, name) in enumerate(events)],
    )


def _event(event: ContactEvent, name: str | None, *, is_last: bool) -> Event:
    may_undo = is_last and "before" in event.details
    version = event.details.get("version")
    return Event(
        event.at,
        name or "biblio",
        event.state,
        event.words,
        str(version) if version else "",
        _quote(event),
        event.id if may_undo else None,
    )
