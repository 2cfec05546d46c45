"""Splitting a record off that came to the wrong paper: it becomes a paper of its own, and stays one.

Decisions stay with the paper they were made about. A split is written down as a merge that a person took back, so
whatever keeps the machine from joining a parted pair again keeps it from joining these two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.identity import Identifier, identifiers
from biblio.catalogue.merges import undo_merge
from biblio.catalogue.revisions import recompose
from biblio.errors import RequestRefused, Stale
from biblio.store.current import group_ids, survivor_of
from biblio.store.found import found
from biblio.store.locks import Turn, take_turn
from biblio.store.models import (
    MergeProposal,
    Paper,
    PaperIdentifier,
    PaperIdentifierMove,
    PaperMerge,
    SourceRecord,
    TextReading,
)
from biblio.store.words import Scheme, Verdict


def split_off(session: Session, actor: Actor, record_id: int, *, now: datetime) -> PaperMerge:
    """Make a source's record a paper of its own; return the parted pair: ``kept_id`` the paper, ``merged_id`` the new one.

    Identifiers that no other record of the paper names go along; an e-print read under one of them is let go, and read
    again for the new paper. A record that came with a merged paper, and is all of it, is parted by taking back the merge.
    Raises ``NotFound``, ``Stale`` for a record that was superseded meanwhile, and ``RequestRefused`` for a paper's only
    record.
    """
    person = actor.person_id()
    take_turn(session, Turn.PAPERS)
    record = found(session, SourceRecord, record_id, "record")
    if record.superseded_at is not None:
        raise Stale("The source has said something newer of it meanwhile: look at its records again.", current=record)
    root = survivor_of(session, record.paper_id) or record.paper_id
    group = group_ids(session, root)
    others = session.exec(
        select(SourceRecord).where(
            col(SourceRecord.paper_id).in_(group),
            col(SourceRecord.superseded_at).is_(None),
            col(SourceRecord.id) != record_id,
        )
    ).all()
    if not others:
        raise RequestRefused("This record is all that is known of the paper, so there is nothing to split it from.")
    if (merge := _merge_that_brought(session, record, others)) is not None:
        return undo_merge(session, actor, merge, now=now)
    paper = Paper(first_seen_at=now)
    session.add(paper)
    session.flush()
    assert paper.id is not None
    _move_record(session, record, paper.id, now)
    _move_identifiers(session, group, record, others, paper.id, now)
    reason = f"the record {record.key[:100]} of {record.source} is of another paper"
    row = PaperMerge(kept_id=root, merged_id=paper.id, actor_id=person, reason=reason, made_at=now)
    row.undone_at, row.undone_by_id = now, person
    session.add(row)
    _answer(session, root, paper.id, person, now)
    session.flush()
    recompose(session, [root, paper.id], now=now)
    return row


def _merge_that_brought(session: Session, record: SourceRecord, others: Sequence[SourceRecord]) -> int | None:
    """Return the live merge by which a record's own paper came, if the record is all that paper has."""
    if any(other.paper_id == record.paper_id for other in others):
        return None
    return session.exec(
        select(PaperMerge.id)
        .where(col(PaperMerge.merged_id) == record.paper_id, col(PaperMerge.undone_at).is_(None))
        .order_by(col(PaperMerge.id).desc())
    ).first()


def _move_record(session: Session, record: SourceRecord, paper_id: int, now: datetime) -> None:
    """File the record under its own paper; what it was filed under before stays in the history."""
    plain = record.model_dump(exclude={"id", "paper_id", "learned_at", "superseded_at"})
    record.superseded_at = now
    session.add(record)
    session.flush()
    session.add(SourceRecord(**plain, paper_id=paper_id, learned_at=now))


def _move_identifiers(
    session: Session,
    group: Sequence[int],
    record: SourceRecord,
    others: Sequence[SourceRecord],
    paper_id: int,
    now: datetime,
) -> None:
    """Give the new paper what only its record names; which paper had it before stays in the history."""
    named: set[Identifier] = {i for other in others for i in identifiers(other.record)}
    own = set(identifiers(record.record)) - named
    for row in session.exec(select(PaperIdentifier).where(col(PaperIdentifier.paper_id).in_(group))):
        if Identifier(row.scheme, row.value) in own:
            assert row.id is not None
            session.add(PaperIdentifierMove(identifier_id=row.id, from_paper_id=row.paper_id, moved_at=now))
            row.paper_id = paper_id
            session.add(row)
    if any(i.scheme is Scheme.ARXIV for i in own):
        session.execute(
            sa.update(TextReading)
            .where(
                col(TextReading.paper_id).in_(group),
                col(TextReading.origin) == "eprint",
                col(TextReading.superseded_at).is_(None),
            )
            .values(superseded_at=now)
        )


def _answer(session: Session, root: int, paper_id: int, person: int, now: datetime) -> None:
    """Note that a person has said of these two that they are two, so that nobody is asked."""
    session.add(
        MergeProposal(
            paper_id=min(root, paper_id),
            twin_id=max(root, paper_id),
            probability=0.0,
            reasons=["a person split them"],
            proposed_at=now,
            verdict=Verdict.REJECT,
            actor_id=person,
            decided_at=now,
        )
    )
