"""Letters to authors: queued, taken back, and what people note of them. Nothing here is sent without a person's click.

Every function takes the session and the person first and never commits. Two rules hold whoever works at once, because
the database holds them: one open letter per person (address, case-folded) over all papers, and never a second about the
same fault of the same paper to the same person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.contacts.cases import Case, cases_of
from biblio.contacts.faults import Standing
from biblio.contacts.letters import About, checked_body, checked_subject, clean_line, render
from biblio.contacts.recipients import PERSON, Recipient, recipients
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.mail import Letter, give_up, queue, usable_address
from biblio.runtime import Runtime
from biblio.store.current import group_ids, under_second_reading
from biblio.store.found import found, found_paper
from biblio.store.models import Contact, ContactEvent, OutboxMail, Project, UserAccount
from biblio.store.words import ContactFault, ContactState, MailState

KIND = "contact"
"""Kind of these letters in the outbox."""

UNDO_MINUTES = 10
"""A letter waits so long in the outbox at least, so that it can be taken back."""

NOTE_MOST = 1_000

OPEN_STATES = (ContactState.PREPARED, ContactState.SENT, ContactState.ANSWERED)
"""States of a contact that is open."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter as a librarian leaves it. ``fault`` and ``reading_id`` are what the page showed: they must still hold."""

    paper_id: int
    fault: ContactFault
    reading_id: int
    name: str
    email: str
    email_from: str
    codes: Sequence[str]
    subject: str
    body: str


def the_case(session: Session, runtime: Runtime, paper_id: int) -> Case:
    """Return the case of a paper as it stands now. Raises ``NotFound`` with why there is none."""
    survivor = found_paper(session, paper_id)
    case = cases_of(session, runtime, [survivor]).get(survivor)
    if case is not None:
        return case
    if under_second_reading(session, [survivor]):
        raise NotFound("This paper is with a second reader; its authors can be written to when both have judged.")
    raise NotFound(
        "There is nothing to write about: only preprints without an article, which use our data by a librarian's word or "
        "a certain or likely candidate, are written about."
    )


def prepared(runtime: Runtime, case: Case) -> Draft:
    """Return the letter as it is prepared for a librarian: to the first that may be written to, naming the sure codes.

    Without a known address its ``email`` is empty.
    """
    offered = recipients(case.texts.addresses, case.authors, case.teams)
    to = offered[0] if offered else Recipient("", "", PERSON, "")
    codes = sorted(case.believed.sure)
    subject, body = render(runtime.profile, About(to.name, case.title, case.arxiv_id, codes), case.finding)
    return Draft(
        paper_id=case.paper_id,
        fault=case.finding.fault or ContactFault.NO_STATEMENT,
        reading_id=case.finding.reading_id or 0,
        name=to.name,
        email=to.email,
        email_from=to.origin,
        codes=codes,
        subject=subject,
        body=body,
    )


def check_draft(session: Session, runtime: Runtime, draft: Draft) -> tuple[Case, str]:
    """Return the case and the address as it goes on the wire, if this letter may be sent now.

    Raises ``RequestRefused`` for what is typed wrong, ``Stale`` where the paper or somebody else has changed things.
    """
    case = the_case(session, runtime, draft.paper_id)
    finding = case.finding
    if finding.standing is not Standing.FAULT:
        raise Stale(f"Meanwhile this changed: {finding.sentence} Nothing was sent.")
    if (finding.fault, finding.reading_id) != (draft.fault, draft.reading_id):
        raise Stale(f"Meanwhile the paper was read anew: {finding.sentence} Look at the letter again.")
    email = usable_address(draft.email).casefold()
    checked_subject(draft.subject)
    checked_body(draft.body)
    _check_codes(session, draft.codes)
    if (standing_in_the_way := who_waits(session, case.paper_id, draft.fault, email)) is not None:
        raise Stale(standing_in_the_way)
    return case, email


def _check_codes(session: Session, codes: Sequence[str]) -> None:
    known = set(session.exec(select(Project.code).where(col(Project.code).in_(list(codes)))))
    if unknown := [code for code in codes if code not in known]:
        raise RequestRefused(f"The project list holds no {unknown[0][:64]!r}; a letter names projects that it holds.")


def who_waits(session: Session, paper_id: int, fault: ContactFault, email: str) -> str | None:
    """Say which letter stands in the way of another one to this address; None where none does."""
    row = session.execute(
        sa.select(Contact, col(UserAccount.name))
        .join(UserAccount, col(UserAccount.id) == col(Contact.made_by_id))
        .where(
            col(Contact.email) == email,
            sa.or_(
                col(Contact.ended_at).is_(None),
                sa.and_(
                    col(Contact.paper_id).in_(group_ids(session, paper_id)),
                    col(Contact.fault) == fault,
                    col(Contact.state) != ContactState.WITHDRAWN,
                ),
            ),
        )
        .order_by(col(Contact.ended_at).is_not(None), col(Contact.id))
    ).first()
    if row is None:
        return None
    contact, name = row
    when = f"{contact.made_at:%Y-%m-%d}"
    if contact.ended_at is None:
        return f"{name} wrote to this person on {when} (letter {contact.id}), and that letter is still open: one at a time."
    return f"{name} wrote to this person about the same on {when} (letter {contact.id}): nobody is asked twice."


def send_letter(session: Session, runtime: Runtime, actor: Actor, draft: Draft) -> Contact:
    """Put a letter into the outbox; it leaves in UNDO_MINUTES at the earliest. Raises as ``check_draft``."""
    person = actor.person_id()
    now = runtime.clock.now()
    case, email = check_draft(session, runtime, draft)
    contact = Contact(
        paper_id=case.paper_id,
        fault=draft.fault,
        codes=list(draft.codes),
        recipient=clean_line(draft.name)[:120],
        email=email,
        email_from=draft.email_from,
        subject=checked_subject(draft.subject),
        body=checked_body(draft.body),
        state=ContactState.PREPARED,
        arxiv_version=case.finding.number,
        reading_id=case.finding.reading_id,
        made_at=now,
        made_by_id=person,
    )
    _store(session, contact)
    letter = Letter(f"{KIND}-{contact.id}", KIND, contact.recipient, email, contact.subject, contact.body)
    mail = queue(session, runtime.settings, letter, now=now)
    mail.not_before = now + timedelta(minutes=UNDO_MINUTES)
    contact.outbox_mail_id = mail.id
    session.add_all([mail, contact])
    details = {"finding": case.finding.sentence, "version": case.finding.version, "why": case.why}
    add_event(session, contact, now, actor=actor, words="The letter was put into the outbox.", details=details)
    return contact


def _store(session: Session, contact: Contact) -> None:
    """Write a contact; where somebody else was first by a moment, the database says so. Raises ``Stale``."""
    try:
        with session.begin_nested():
            session.add(contact)
            session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else wrote to this person at the same moment. Nothing of yours was sent.") from error


def add_event(
    session: Session,
    contact: Contact,
    at: datetime,
    *,
    actor: Actor | None = None,
    words: str = "",
    details: Mapping[str, object] | None = None,
) -> ContactEvent:
    """Append what happened to a contact, with the state it is in now; without an actor the machine noticed it."""
    event = ContactEvent(
        contact_id=contact.id or 0,
        state=contact.state,
        at=at,
        actor_id=actor.user_id if actor else None,
        words=words,
        details=dict(details or {}),
    )
    session.add(event)
    session.flush()
    return event


# -- what people do with a letter ------------------------------------------------------------------------------------------


def take_back(session: Session, runtime: Runtime, actor: Actor, contact_id: int) -> Contact:
    """Take a letter back that has not left. Raises ``NotFound``, or ``RequestRefused`` when it is on its way."""
    actor.person_id()
    contact = locked(session, contact_id)
    mail = session.get(OutboxMail, contact.outbox_mail_id)
    if contact.state is not ContactState.PREPARED or mail is None or mail.state is not MailState.WAITING:
        raise RequestRefused("This letter has left, or may have: it cannot be taken back any more.")
    now = runtime.clock.now()
    give_up(session, actor, mail.id or 0, now=now, reason="Taken back before it left.")
    contact.state, contact.ended_at = ContactState.WITHDRAWN, now
    session.add(contact)
    add_event(session, contact, now, actor=actor, words="Taken back before it left.")
    return contact


def note_answer(session: Session, runtime: Runtime, actor: Actor, contact_id: int, note: str) -> ContactEvent:
    """Note that the author answered; the letter stays open until the paper is mended or somebody ends it."""
    return _noted(session, runtime, actor, contact_id, ContactState.ANSWERED, note)


def note_bounce(session: Session, runtime: Runtime, actor: Actor, contact_id: int, note: str) -> ContactEvent:
    """Note that the letter came back: it ends, and another address may be tried."""
    return _noted(session, runtime, actor, contact_id, ContactState.BOUNCED, note)


def close(session: Session, runtime: Runtime, actor: Actor, contact_id: int, note: str) -> ContactEvent:
    """End a contact by hand. Raises ``RequestRefused`` without a reason."""
    if not note.strip():
        raise RequestRefused("Say why this ends; the reason stays in its history.")
    return _noted(session, runtime, actor, contact_id, ContactState.ENDED, note)


_FROM = {
    ContactState.ANSWERED: (ContactState.SENT,),
    ContactState.BOUNCED: (ContactState.SENT, ContactState.ANSWERED),
    ContactState.ENDED: (ContactState.SENT, ContactState.ANSWERED),
}


def _noted(
    session: Session, runtime: Runtime, actor: Actor, contact_id: int, state: ContactState, note: str
) -> ContactEvent:
    actor.person_id()
    contact = locked(session, contact_id)
    before = contact.state
    if before is ContactState.PREPARED and _may_have_left(session, contact):
        before = ContactState.SENT
    if before not in _FROM[state]:
        raise RequestRefused(f"This letter is {contact.state.value}; it cannot be noted as {state.value} now.")
    now = runtime.clock.now()
    details = {"before": contact.state.value}
    contact.state = state
    contact.ended_at = None if state in OPEN_STATES else now
    session.add(contact)
    return add_event(session, contact, now, actor=actor, words=note.strip()[:NOTE_MOST], details=details)


def _may_have_left(session: Session, contact: Contact) -> bool:
    mail = session.get(OutboxMail, contact.outbox_mail_id)
    return mail is not None and mail.state in (MailState.SENT, MailState.UNCERTAIN)


def undo(session: Session, runtime: Runtime, actor: Actor, event_id: int) -> Contact:
    """Take back what a person noted last of a contact. Raises ``NotFound``, ``Stale`` or ``RequestRefused``."""
    actor.person_id()
    event = session.get(ContactEvent, event_id)
    if event is None or "before" not in event.details:
        raise NotFound("There is nothing to take back here.")
    contact = locked(session, event.contact_id)
    last = session.exec(
        select(ContactEvent.id).where(col(ContactEvent.contact_id) == contact.id).order_by(col(ContactEvent.id).desc())
    ).first()
    if last != event.id:
        raise Stale("Something happened to this letter since; look at it again.")
    now = runtime.clock.now()
    try:
        with session.begin_nested():
            contact.state, contact.ended_at = ContactState(event.details["before"]), None
            session.add(contact)
            session.flush()
    except IntegrityError as error:
        raise RequestRefused("Another letter to this person is open now; this one stays ended.") from error
    add_event(session, contact, now, actor=actor, words=f"Taken back: {event.state.value}.")
    return contact


def locked(session: Session, contact_id: int) -> Contact:
    """Return a contact, locked until the transaction ends. Raises ``NotFound``."""
    return found(session, Contact, contact_id, "letter", to_change=True)
