"""What is in force again when a decision is taken back: the verdict and the relation that it replaced or stood beside.

Papers that became one since may each have a verdict in force; taking one of them back leaves the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.memory import USES_DATA
from biblio.store.models import Decision, Link, PaperRelation
from biblio.store.words import RelationKind, Verdict


def verdict_without(session: Session, undone: Decision, group: Sequence[int]) -> Verdict | None:
    """Return the verdict on a decision's pair as it is without it; None where nobody else judged it."""
    row = session.exec(
        select(Link)
        .where(
            col(Link.paper_id).in_(group),
            col(Link.project_id) == undone.project_id,
            col(Link.decision_id) != undone.id,
            sa.or_(col(Link.ended_at).is_(None), col(Link.ended_at) == undone.made_at),
        )
        .order_by(col(Link.id).desc())
    ).first()
    return row.verdict if row is not None else None


def restores_relation(session: Session, undone: Decision, group: Sequence[int]) -> tuple[bool, RelationKind | None]:
    """Return whether the relation in force falls with a decision that was taken back, and which one is in force then.

    It stays where somebody judged it again since, or while another verdict in force rests on it: an accepted project
    of a paper that relates in no way would count nowhere.
    """
    rows = session.exec(
        select(PaperRelation).where(col(PaperRelation.paper_id).in_(group)).order_by(col(PaperRelation.id).desc())
    ).all()
    live = next((row for row in rows if row.ended_at is None), None)
    if live is None or live.decision_id is None:
        return False, None
    if live.decision_id != undone.id and not _is_undone(session, live.decision_id):
        return False, None
    if _carries(session, undone, live, group):
        return False, None
    before = next((row for row in rows if row.id != live.id and row.ended_at in (None, live.decided_at)), None)
    return True, before.relation if before else None


def _is_undone(session: Session, decision_id: int) -> bool:
    return session.exec(select(Decision.id).where(col(Decision.undoes_id) == decision_id)).first() is not None


def _carries(session: Session, undone: Decision, live: PaperRelation, group: Sequence[int]) -> bool:
    """Whether a verdict in force on another project said the same of the paper, or accepts what needs it."""
    said = col(Decision.relation) == live.relation
    rests = sa.or_(said, col(Link.verdict) == Verdict.ACCEPT) if live.relation in USES_DATA else said
    other = (
        select(Link.id)
        .join(Decision, col(Decision.id) == col(Link.decision_id))
        .where(
            col(Link.paper_id).in_(group),
            col(Link.ended_at).is_(None),
            col(Link.project_id) != undone.project_id,
            col(Decision.id) >= live.decision_id,
            rests,
        )
    )
    return session.exec(other.limit(1)).first() is not None
