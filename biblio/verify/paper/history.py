"""What happened to a paper: decisions, relations, merges, notes, tags and corrections in one list, and the twins that ask for an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.catalogue.readable import readable
from biblio.store.current import survivor_id
from biblio.store.models import (
    MergeProposal,
    Paper,
    PaperAuthor,
    PaperCorrection,
    PaperIdentifier,
    PaperMerge,
    PaperRelation,
    PaperRevision,
    UserAccount,
)
from biblio.store.words import RelationKind, Verdict
from biblio.verify.paper.corrections import LABELS, shown_value
from biblio.verify.paper.notes import Act
from biblio.verify.paper.read import Decided, PaperRead
from biblio.verify.sharing.queries import sharing_events

VERDICT_WORDS = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNSURE: "unsure"}
"""A verdict in force, in one word."""

_ACTS = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNSURE: "was unsure about"}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a person (or the machine: ``who`` is "biblio") did. ``undo`` says what can be taken back, and how."""

    at: datetime
    who: str
    what: str
    reason: str
    relation: RelationKind | None = None
    decision_id: int | None = None
    merge_id: int | None = None
    parted_id: int | None = None
    """The merge whose parting can be taken back."""


@dataclass(frozen=True, slots=True)
class Record:
    """One of two papers that may be one, in brief."""

    paper_id: int
    title: str
    first_author: str | None
    year: int | None
    journal: str | None
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Twin:
    """A question for a person: are these two one paper? ``this`` is the one on the page."""

    proposal_id: int
    probability: float
    reasons: tuple[str, ...]
    this: Record
    other: Record


def history(session: Session, read: PaperRead, written: Sequence[Act] = ()) -> list[Event]:
    """Return all that people decided about a paper (or wrote on it) and whatever was merged into it, latest first."""
    events = [
        *_decisions(read.decisions),
        *_relations(read.relations),
        *_merges(session, read.ids),
        *(Event(act.at, act.who, act.what, act.text) for act in written),
        *_corrections(session, read.ids),
        *(Event(*told) for told in sharing_events(read.shares)),
    ]
    return sorted(events, key=lambda e: e.at, reverse=True)


def _decisions(decided: Sequence[Decided]) -> list[Event]:
    latest: set[int] = set()
    events = []
    for one in decided:
        decision = one.decision
        is_latest = decision.project_id not in latest
        latest.add(decision.project_id)
        can_undo = is_latest and decision.undoes_id is None and decision.verdict is not None
        if decision.undoes_id is not None:
            what = f"took back the decision on {one.code}"
            what += f", {VERDICT_WORDS[decision.verdict]} again" if decision.verdict else ""
        else:
            what = f"{_ACTS[decision.verdict]} {one.code}" if decision.verdict else f"decided on {one.code}"
        reason = "" if decision.undoes_id is not None else decision.reason
        undo = decision.id if can_undo else None
        events.append(Event(decision.made_at, one.who, what, reason, decision.relation, decision_id=undo))
    return events


def _relations(judged: Sequence[tuple[PaperRelation, str]]) -> list[Event]:
    """Judgements of the relation that came without a decision on a project."""
    return [
        Event(row.decided_at, who, "judged the paper", row.reason, row.relation)
        for row, who in reversed(judged)
        if row.decision_id is None
    ]


def _merges(session: Session, group: Sequence[int]) -> list[Event]:
    undoer: Any = aliased(UserAccount)
    rows = session.execute(
        sa.select(PaperMerge, col(UserAccount.name), undoer.name)
        .outerjoin(UserAccount, col(UserAccount.id) == col(PaperMerge.actor_id))
        .outerjoin(undoer, undoer.id == col(PaperMerge.undone_by_id))
        .where(sa.or_(col(PaperMerge.kept_id).in_(group), col(PaperMerge.merged_id).in_(group)))
        .order_by(col(PaperMerge.id))
    ).all()
    latest = {frozenset((merge.kept_id, merge.merged_id)): merge.id for merge, _, _ in rows}.values()
    papers = {i for merge, _, _ in rows for i in (merge.kept_id, merge.merged_id)}
    standing = sa.select(col(Paper.id), survivor_id()).where(col(Paper.id).in_(papers))
    roots = dict(session.execute(standing).all()) if papers else {}
    events = []
    for merge, who, undone_by in rows:
        if merge.made_at == merge.undone_at:
            what = f"split paper {merge.merged_id} off from paper {merge.kept_id}"
            parted = merge.id if merge.id in latest and not _is_one(merge, roots) else None
            events.append(Event(merge.made_at, who or "biblio", what, readable(merge.reason), parted_id=parted))
            continue
        live = merge.id if merge.undone_at is None else None
        what = f"made paper {merge.merged_id} one with paper {merge.kept_id}"
        events.append(Event(merge.made_at, who or "biblio", what, merge.reason, merge_id=live))
        if merge.undone_at is not None:
            what = f"made two papers of {merge.kept_id} and {merge.merged_id} again"
            parted = merge.id if merge.id in latest and not _is_one(merge, roots) else None
            events.append(Event(merge.undone_at, undone_by or "biblio", what, "", parted_id=parted))
    return events


def _is_one(merge: PaperMerge, roots: Mapping[int, int]) -> bool:
    """Whether the two papers of a merge that was taken back are one by another merge."""
    return roots.get(merge.kept_id) == roots.get(merge.merged_id)


def _corrections(session: Session, group: Sequence[int]) -> list[Event]:
    """What people corrected, with the value, and what they took back; replacing a correction is no taking back."""
    withdrawer: Any = aliased(UserAccount)
    rows = session.execute(
        sa.select(PaperCorrection, col(UserAccount.name), withdrawer.name)
        .join(UserAccount, col(UserAccount.id) == col(PaperCorrection.actor_id))
        .outerjoin(withdrawer, withdrawer.id == col(PaperCorrection.withdrawn_by_id))
        .where(col(PaperCorrection.paper_id).in_(group))
        .order_by(col(PaperCorrection.id))
    ).all()
    made = {(row.field, row.made_at) for row, _, _ in rows}
    events = []
    for row, who, withdrawn_by in rows:
        label = LABELS.get(row.field, row.field).lower()
        value = shown_value(row.value)
        value = value if len(value) <= 300 else value[:299] + "…"
        events.append(Event(row.made_at, who, f"corrected the {label}", value or "no value"))
        if row.withdrawn_at is not None and (row.field, row.withdrawn_at) not in made:
            what = f"took the correction of the {label} back"
            events.append(Event(row.withdrawn_at, withdrawn_by or who, what, ""))
    return events


def twins(session: Session, group: Sequence[int]) -> list[Twin]:
    """Return the open questions whether this paper and another are one, likeliest first."""
    rows = session.exec(
        select(MergeProposal)
        .where(
            sa.or_(col(MergeProposal.paper_id).in_(group), col(MergeProposal.twin_id).in_(group)),
            col(MergeProposal.verdict).is_(None),
        )
        .order_by(col(MergeProposal.probability).desc())
        .limit(5)
    ).all()
    pairs = [
        (row, *((row.paper_id, row.twin_id) if row.paper_id in group else (row.twin_id, row.paper_id))) for row in rows
    ]
    pairs = [(row, this, other) for row, this, other in pairs if other not in group]
    records = _records(session, {i for _, this, other in pairs for i in (this, other)}) if pairs else {}
    return [
        Twin(row.id or 0, row.probability, tuple(row.reasons), records[this], records[other])
        for row, this, other in pairs
        if this in records and other in records
    ]


def _records(session: Session, paper_ids: set[int]) -> dict[int, Record]:
    identifiers: dict[int, list[str]] = {}
    for row in session.exec(
        select(PaperIdentifier).where(col(PaperIdentifier.paper_id).in_(paper_ids)).order_by(col(PaperIdentifier.id))
    ):
        identifiers.setdefault(row.paper_id, []).append(row.value)
    query = (
        sa.select(PaperRevision, col(PaperAuthor.name))
        .outerjoin(
            PaperAuthor, sa.and_(col(PaperAuthor.revision_id) == col(PaperRevision.id), col(PaperAuthor.position) == 1)
        )
        .where(col(PaperRevision.paper_id).in_(paper_ids), col(PaperRevision.superseded_at).is_(None))
    )
    return {
        r.paper_id: Record(
            r.paper_id,
            readable(r.title) or "Untitled paper",
            name,
            r.year,
            r.journal,
            tuple(identifiers.get(r.paper_id, ())),
        )
        for r, name in session.execute(query)
    }
