"""A person says that two papers are one, or that a record is none of this paper's; the queue follows at once."""

from __future__ import annotations

from sqlmodel import Session, col, select

from biblio.catalogue import merges, splits
from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused
from biblio.store.current import survivor_of
from biblio.store.found import found
from biblio.store.models import MergeProposal, PaperMerge
from biblio.store.words import Verdict
from biblio.verify.service import Today, answer_twin, bring_in_step


def make_one(session: Session, actor: Actor, paper_id: int, other_id: int, today: Today) -> PaperMerge:
    """Merge two papers by hand; the one seen first stands for both. An open question about the two is answered by it.

    Raises ``NotFound`` and, where they are one already, ``RequestRefused``.
    """
    here, other = survivor_of(session, paper_id), survivor_of(session, other_id)
    if here is None or other is None:
        raise NotFound(f"There is no paper number {paper_id if here is None else other_id}.")
    if here == other:
        raise RequestRefused("These two are one paper already.")
    asked = session.exec(
        select(MergeProposal).where(
            col(MergeProposal.paper_id) == min(here, other),
            col(MergeProposal.twin_id) == max(here, other),
            col(MergeProposal.verdict).is_(None) | (col(MergeProposal.verdict) == Verdict.UNSURE),
        )
    ).first()
    if asked is not None and asked.id is not None:
        merged = answer_twin(session, actor, asked.id, Verdict.ACCEPT, today)
        if merged is not None:
            return merged
    kept, gone = min(here, other), max(here, other)
    reason = "a librarian found them to be one paper"
    row = merges.merge(session, actor, kept_id=kept, merged_id=gone, reason=reason, now=today.now)
    bring_in_step(session, today, [kept, gone])
    return row


def split_record(session: Session, actor: Actor, record_id: int, today: Today) -> PaperMerge:
    """Make a record a paper of its own; raises as ``catalogue.splits.split_off``."""
    row = splits.split_off(session, actor, record_id, now=today.now)
    bring_in_step(session, today, [row.kept_id, row.merged_id])
    return row


def make_one_again(session: Session, actor: Actor, merge_id: int, today: Today) -> PaperMerge:
    """Take a parting back: the two are one again. Raises ``NotFound``, ``RequestRefused`` where they are one already."""
    parted = found(session, PaperMerge, merge_id, "merge")
    reason = "the parting was taken back"
    row = merges.merge(session, actor, kept_id=parted.kept_id, merged_id=parted.merged_id, reason=reason, now=today.now)
    bring_in_step(session, today, [row.kept_id, row.merged_id])
    return row
