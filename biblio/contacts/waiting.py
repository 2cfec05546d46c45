"""Why a letter that a person put into the outbox does not leave, in words, with what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.contacts.cases import Case, cases_of
from biblio.contacts.faults import Standing
from biblio.runtime import Runtime
from biblio.store.current import survivor_id, under_second_reading
from biblio.store.models import Contact, OutboxMail, Paper
from biblio.store.words import ContactState, MailState


def held_up(case: Case | None, *, is_hidden: bool) -> str | None:
    """Why nobody can say now whether a letter is still wanted; None where that can be told.

    ``is_hidden``: the paper is with a second reader. Whoever says nothing here may send, or must stop.
    """
    if case is None:
        return "The paper is with a second reader; the letter leaves when both have judged." if is_hidden else None
    if case.finding.standing is not Standing.UNREAD:
        return None
    newest = f"version {case.newest} at arXiv" if case.newest else "the newest version at arXiv"
    return (
        f"{case.finding.sentence} It may have what the letter asks for, so the letter waits until it was read, which "
        f"every night tries. If it stays unread, look at {newest}: take the letter back if the paper is mended there; if "
        "it is not, take it back too, and write to the author yourself."
    )


def why_they_wait(
    session: Session, runtime: Runtime, letters: Iterable[tuple[Contact, OutboxMail | None]]
) -> dict[int, str]:
    """Return why these letters do not leave, by contact, for those that might have left by now: one look at their papers."""
    now = runtime.clock.now()
    due = [
        (contact, mail)
        for contact, mail in letters
        if contact.state is ContactState.PREPARED and mail is not None and mail.state is MailState.WAITING
    ]
    found = {
        contact.id or 0: f"{mail.reason} It is tried again after {mail.not_before:%Y-%m-%d %H:%M} UTC."
        for contact, mail in due
        if mail.attempts and mail.reason and mail.not_before is not None and mail.not_before > now
    }
    ready = [contact for contact, mail in due if mail.not_before is None or mail.not_before <= now]
    if not ready:
        return found
    survivors = dict(
        session.execute(
            sa.select(col(Paper.id), survivor_id()).where(col(Paper.id).in_({contact.paper_id for contact in ready}))
        ).all()
    )
    papers = {contact.id or 0: survivors[contact.paper_id] for contact in ready}
    cases = cases_of(session, runtime, papers.values())
    hidden = under_second_reading(session, list(papers.values()))
    for contact_id, paper_id in papers.items():
        why = held_up(cases.get(paper_id), is_hidden=paper_id in hidden)
        if why is not None:
            found[contact_id] = why
    return found
