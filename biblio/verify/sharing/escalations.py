"""Escalations: papers that a head librarian is to settle, because somebody asked or two readers disagreed.

A row ends when it is settled; settling again what was re-opened makes a new row, so that all words stay.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.store.current import group_ids, survivor_id, survivor_of
from biblio.store.found import found, found_paper
from biblio.store.models import Escalation, Paper, SecondReading
from biblio.store.words import Role

LONGEST_WORDS = 1000
"""Characters of a reason, and of the words that settle it."""


def escalated(session: Session, paper_ids: Collection[int]) -> set[int]:
    """Return which of these papers (survivors' ids) a head librarian is to settle."""
    rows = session.execute(
        sa.select(survivor_id())
        .select_from(Escalation)
        .join(Paper, col(Paper.id) == col(Escalation.paper_id))
        .where(col(Escalation.settled_at).is_(None))
    )
    return set(rows.scalars()) & set(paper_ids)


def open_escalation(session: Session, paper_id: int) -> Escalation | None:
    """Return what is to be settled about a paper, or about one that was merged into it."""
    survivor = survivor_of(session, paper_id) or paper_id
    return session.exec(
        select(Escalation)
        .where(col(Escalation.paper_id).in_(group_ids(session, survivor)), col(Escalation.settled_at).is_(None))
        .order_by(col(Escalation.id))
    ).first()


def escalate(session: Session, actor: Actor, paper_id: int, *, reason: str, now: datetime) -> Escalation:
    """Ask a head librarian to settle a paper.

    Raises ``RequestRefused`` without a reason, ``Stale`` where it was asked already, ``NotFound``.
    """
    if not reason.strip():
        raise RequestRefused("Say why a head librarian should look at it.")
    survivor = found_paper(session, paper_id)
    row = Escalation(
        paper_id=survivor, reason=reason.strip()[:LONGEST_WORDS], raised_by_id=actor.person_id(), raised_at=now
    )
    return _stored(session, row)


def escalate_disagreement(session: Session, reading: SecondReading, now: datetime) -> Escalation:
    """Put two readers' disagreement before a head librarian; where the paper waits for one already, it is added."""
    assert reading.id is not None
    before = open_escalation(session, reading.paper_id)
    if before is not None:
        if before.second_reading_id is None:
            before.second_reading_id = reading.id
            session.add(before)
            session.flush()
        return before
    survivor = survivor_of(session, reading.paper_id) or reading.paper_id
    return _stored(session, Escalation(paper_id=survivor, second_reading_id=reading.id, raised_at=now))


def settle(session: Session, actor: Actor, escalation_id: int, *, words: str, now: datetime) -> Escalation:
    """Settle what was asked, in words. Raises ``Stale`` where somebody has, ``RequestRefused`` without words."""
    if not words.strip():
        raise RequestRefused("Say how it is settled: whoever asked reads it.")
    row = _live(session, escalation_id)
    return _end(session, actor, row, words.strip()[:LONGEST_WORDS], now)


def take_back(session: Session, actor: Actor, escalation_id: int, *, now: datetime) -> Escalation:
    """Take back what one asked; a head librarian settles instead. Raises ``Stale`` where it is settled already."""
    row = _live(session, escalation_id)
    if row.raised_by_id != actor.user_id and actor.role is not Role.HEAD_LIBRARIAN:
        raise NotAllowed("Somebody else asked this: only they or a head librarian can take it back.")
    return _end(session, actor, row, "taken back", now)


def reopen(session: Session, actor: Actor, escalation_id: int, *, now: datetime) -> Escalation:
    """Open again what was settled, as a new row with the same reason. Raises ``Stale`` where the paper has one."""
    actor.person_id()
    row = session.get(Escalation, escalation_id)
    if row is None or row.settled_at is None:
        raise NotFound(f"Nothing was settled under number {escalation_id}.")
    same = row.model_dump(include={"paper_id", "second_reading_id", "reason", "raised_by_id"})
    return _stored(session, Escalation(**same, raised_at=now))


def _live(session: Session, escalation_id: int) -> Escalation:
    row = found(session, Escalation, escalation_id, "escalation", to_change=True)
    if row.settled_at is not None:
        raise Stale("Somebody has settled this already: look at it again.", current=row)
    return row


def _end(session: Session, actor: Actor, row: Escalation, words: str, now: datetime) -> Escalation:
    row.settled_at, row.settled_by_id, row.words = now, actor.person_id(), words
    session.add(row)
    session.flush()
    return row


def _stored(session: Session, row: Escalation) -> Escalation:
    if open_escalation(session, row.paper_id) is not None:
        raise Stale("This paper waits for a head librarian already.")
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else escalated this paper at the same moment.") from error
    return row
