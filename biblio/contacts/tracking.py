"""What became of letters: whether they left, and whether the next version or the article has what was asked for.

Called by the job ``contacts`` after texts were read. The machine notes what it sees as events without a person; it
never takes back what a person noted, and never sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.press import has_journal_record
from biblio.clock import months_after
from biblio.contacts.cases import BATCH, Look, cases_of, look_at
from biblio.contacts.faults import Finding, Standing
from biblio.contacts.service import KIND, OPEN_STATES, add_event, locked
from biblio.contacts.waiting import held_up
from biblio.jobs import JobContext
from biblio.mail import WAIT, Prepared, SendCounts, Stop, Wait, send_waiting
from biblio.mail.bounces import DEAD
from biblio.runtime import Runtime
from biblio.store.current import survivor_of, under_second_reading
from biblio.store.models import AuditEntry, Contact, ContactEvent, MailBounce, OutboxMail
from biblio.store.words import ContactState, MailState, RelationKind

AFTER_PRESS_DAYS = 60
"""How long after the article appeared a text of it is waited for: ADS indexes most within weeks."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is to be noted of a contact: its new state, and the words, details and place that go with it."""

    state: ContactState
    words: str
    finding: Finding | None = None
    mended_in: str | None = None


# -- the outbox ---------------------------------------------------------------------------------------------------------


def prepare(runtime: Runtime, session: Session, mail: OutboxMail) -> Prepared | Stop | Wait:
    """Look once more, as a letter leaves, whether it is still wanted: not taken back, and the same fault still there.

    It waits while that cannot be told: a newer version is not read yet, or the paper is with a second reader.
    """
    contact = session.exec(select(Contact).where(col(Contact.outbox_mail_id) == mail.id)).first()
    if contact is None or contact.state is not ContactState.PREPARED:
        return Stop("The letter was taken back.")
    survivor = survivor_of(session, contact.paper_id) or contact.paper_id
    case = cases_of(session, runtime, [survivor]).get(survivor)
    if held_up(case, is_hidden=bool(under_second_reading(session, [survivor]))) is not None:
        return WAIT
    if case is None:
        return Stop("The paper is no preprint that uses our data any more.")
    finding = case.finding
    if finding.standing is Standing.IN_ORDER:
        return Stop(f"It was mended before the letter left: {finding.sentence}")
    if finding.standing is not Standing.FAULT or finding.fault is not contact.fault:
        return Stop(f"What it asks for is not what is missing by now: {finding.sentence}")
    return Prepared(mail.body, {})


def send(runtime: Runtime, *, limit: int | None = None) -> SendCounts:
    """Send the letters that a person put into the outbox and whose time to be taken back is over."""
    return send_waiting(runtime, KIND, lambda session, mail: prepare(runtime, session, mail), limit=limit)


def follow_outbox(session: Session, runtime: Runtime) -> int:
    """Note which prepared letters have left, were refused by the server, or were stopped; return how many."""
    rows = session.execute(
        sa.select(col(Contact.id), OutboxMail)
        .join(OutboxMail, col(OutboxMail.id) == col(Contact.outbox_mail_id))
        .where(
            col(Contact.state) == ContactState.PREPARED,
            col(OutboxMail.state).in_([MailState.SENT, MailState.CANCELLED]),
        )
        .order_by(col(Contact.id))
    ).all()
    for contact_id, mail in rows:
        contact = locked(session, contact_id)
        if contact.state is ContactState.PREPARED:
            _note(session, contact, _left(session, mail), mail.sent_at or runtime.clock.now())
    return len(rows)


def follow_returned(session: Session, runtime: Runtime) -> int:
    """Note which letters that left came back for good; return how many. An address that somebody says works is none."""
    rows = session.execute(
        sa.select(col(Contact.id), sa.func.max(col(MailBounce.told_at)))
        .join(MailBounce, col(MailBounce.outbox_mail_id) == col(Contact.outbox_mail_id))
        .where(
            col(Contact.state) == ContactState.SENT,
            col(MailBounce.is_hard),
            sa.or_(col(MailBounce.outcome).is_(None), col(MailBounce.outcome) == DEAD),
        )
        .group_by(col(Contact.id))
        .order_by(col(Contact.id))
    ).all()
    for contact_id, told_at in rows:
        contact = locked(session, contact_id)
        if contact.state is ContactState.SENT:
            words = f"The letter came back on {told_at:%Y-%m-%d}: the address does not work."
            _note(session, contact, _Outcome(ContactState.BOUNCED, words), runtime.clock.now())
    return len(rows)


def _left(session: Session, mail: OutboxMail) -> _Outcome:
    if mail.state is MailState.SENT:
        return _Outcome(ContactState.SENT, "The letter left.")
    if mail.attempts == 0:
        return _Outcome(ContactState.WITHDRAWN, f"It did not leave: {mail.reason or 'given up'}")
    by_hand = session.exec(
        select(AuditEntry.id).where(
            col(AuditEntry.action) == "mail give up", col(AuditEntry.subject) == f"letter {mail.id}"
        )
    ).first()
    if by_hand is not None:
        return _Outcome(ContactState.ENDED, "Given up in the mail queue; the letter may have arrived.")
    return _Outcome(ContactState.BOUNCED, f"The mail server refused it: {mail.reason or 'no reason given'}")


# -- the paper ----------------------------------------------------------------------------------------------------------


def open_contacts(session: Session) -> list[int]:
    """Return the ids of letters that left and are open."""
    query = select(Contact.id).where(
        col(Contact.ended_at).is_(None), col(Contact.state).in_([ContactState.SENT, ContactState.ANSWERED])
    )
    return [i for i in session.exec(query.order_by(col(Contact.id))) if i is not None]


def look_after(session: Session, runtime: Runtime, contact_ids: Sequence[int]) -> dict[str, int]:
    """Compare the papers of these open contacts (at most BATCH) with what was asked; return how many ended how."""
    contacts = [locked(session, one) for one in contact_ids]
    survivors = {c.id: survivor_of(session, c.paper_id) or c.paper_id for c in contacts}
    papers = sorted(set(survivors.values()))
    hidden = under_second_reading(session, papers)
    looks = look_at(session, runtime, papers)
    counts: dict[str, int] = {}
    for contact in contacts:
        paper_id = survivors[contact.id]
        if contact.state not in OPEN_STATES or paper_id not in looks:
            continue
        outcome = _became(contact, looks[paper_id], runtime, is_hidden=paper_id in hidden)
        if outcome is not None:
            _note(session, contact, outcome, runtime.clock.now())
            counts[outcome.state.value] = counts.get(outcome.state.value, 0) + 1
        elif (look := looks[paper_id]).finding.reading_id not in (None, contact.reading_id):
            counts["looked_again"] = counts.get("looked_again", 0) + _note_reading(session, contact, look, runtime)
    return counts


def _became(contact: Contact, look: Look, runtime: Runtime, *, is_hidden: bool) -> _Outcome | None:
    """What became of a contact; None while it waits."""
    finding, revision = look.finding, look.revision
    if finding.standing is Standing.IN_ORDER:
        is_same = finding.reading_id == contact.reading_id or finding.number == (contact.arxiv_version or 0)
        if is_same and not finding.is_elsewhere:
            return _Outcome(
                ContactState.ENDED, f"By what is known now, nothing was missing. {finding.sentence}", finding
            )
        place = _place(look)
        return _Outcome(ContactState.MENDED, f"Mended in {place}. {finding.sentence}", finding, place)
    is_printed = has_journal_record(revision) or revision.is_refereed
    if revision.is_withdrawn:
        return _Outcome(ContactState.ENDED, "The preprint was withdrawn.")
    if look.relation not in (None, RelationKind.SCIENCE) and not is_hidden:
        return _Outcome(ContactState.ENDED, "A librarian judged that it does not use our data.")
    months = runtime.profile.asking.preprint_counts_months
    if not is_printed and runtime.clock.today() > months_after(contact.made_at.date(), months):
        return _Outcome(ContactState.ENDED, f"No article has appeared in {months} months.")
    if is_printed:
        appeared = max(revision.published_on or contact.made_at.date(), contact.made_at.date())
        if runtime.clock.today() >= appeared + timedelta(AFTER_PRESS_DAYS):
            where = revision.journal or "a journal"
            return _Outcome(
                ContactState.ENDED,
                f"The article appeared in {where}; no text of it that was read has what was asked for.",
            )
    return None


def _place(look: Look) -> str:
    """Where it was mended: the version, or the article where another text than the preprint shows it."""
    if look.finding.is_elsewhere:
        journal = look.revision.journal if has_journal_record(look.revision) else None
        return f"the article in {journal}"[:255] if journal else "another text of the paper"
    number = look.finding.number
    return f"v{number}" if number else (look.finding.version or "its text")[:255]


def _note(session: Session, contact: Contact, outcome: _Outcome, at: datetime) -> None:
    contact.state = outcome.state
    if outcome.state not in OPEN_STATES:
        contact.ended_at = at
    if outcome.state is ContactState.MENDED:
        contact.mended_at, contact.mended_in = at, outcome.mended_in
    session.add(contact)
    add_event(session, contact, at, words=outcome.words, details=_details(outcome.finding))


def _details(finding: Finding | None) -> dict[str, object]:
    if finding is None:
        return {}
    details: dict[str, object] = {"version": finding.version, "reading_id": finding.reading_id}
    if finding.quote is not None:
        quote = finding.quote
        details["quote"] = {
            "before": quote.before[-200:],
            "mark": quote.mark,
            "after": quote.after[:200],
            "place": quote.place,
            "stands_in": quote.stands_in,
        }
    return details


def _note_reading(session: Session, contact: Contact, look: Look, runtime: Runtime) -> int:
    """Note once of each later reading that it did not have what was asked for either; return 1 or 0."""
    finding = look.finding
    events = session.exec(select(ContactEvent).where(col(ContactEvent.contact_id) == contact.id))
    if any(event.details.get("reading_id") == finding.reading_id for event in events):
        return 0
    words = f"Looked at {finding.version}: {finding.sentence}"
    add_event(session, contact, runtime.clock.now(), words=words, details=_details(finding))
    return 1


def follow_papers(context: JobContext) -> None:
    """Look after all open contacts, a batch in each unit of work."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        waiting = open_contacts(session)
    for start in range(0, len(waiting), BATCH):
        context.progress("letters", start, len(waiting))
        with runtime.store.writing() as session:
            counts = look_after(session, runtime, waiting[start : start + BATCH])
        for name, value in counts.items():
            context.count(name, value)
