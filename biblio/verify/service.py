"""What people do at the desk: each writes through the catalogue and puts the queue in step in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue import merges
from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide, relate, undo
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.observatory import Profile
from biblio.store.current import group_ids, survivor_of
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    Link,
    PaperMerge,
)
from biblio.store.words import Band, RelationKind, Verdict
from biblio.verify.queue import papers_with_project, refresh

MOST_AT_ONCE = 100
"""Decisions taken in one go: as many as a person can look at on one page."""


@dataclass(frozen=True, slots=True)
class Today:
    """The profile and the moment that a request acts in."""

    profile: Profile
    now: datetime

    @property
    def date(self) -> date:
        """The day, in UTC."""
        return self.now.date()


def judge(session: Session, actor: Actor, ruling: Ruling, today: Today) -> Decision:
    """Store one verdict. Raises as ``catalogue.links.decide`` does."""
    decision = decide(session, actor, ruling, now=today.now)
    in_step(session, today, [decision])
    return decision


def judge_many(session: Session, actor: Actor, rulings: Sequence[Ruling], today: Today) -> list[Decision]:
    """Store several verdicts as one: either all are stored or, when one of them is stale, none."""
    if len(rulings) > MOST_AT_ONCE:
        raise RequestRefused(f"At most {MOST_AT_ONCE} decisions can be taken in one go.")
    _check_certain(session, rulings)
    decisions = [decide(session, actor, ruling, now=today.now) for ruling in rulings]
    in_step(session, today, decisions)
    return decisions


def _check_certain(session: Session, rulings: Sequence[Ruling]) -> None:
    """Only what is certain now, and was shown as such, can be confirmed with others."""
    shown = {ruling.candidate_revision_id for ruling in rulings}
    certain = session.exec(
        select(CandidateRevision.id).where(
            col(CandidateRevision.id).in_([s for s in shown if s is not None]),
            col(CandidateRevision.band) == Band.CERTAIN,
            col(CandidateRevision.superseded_at).is_(None),
        )
    ).all()
    if shown - set(certain):
        raise Stale("Some of these are no longer certain: look at the list again.")


def dismiss(
    session: Session, actor: Actor, *, paper_id: int, relation: RelationKind, reason: str, today: Today
) -> list[Decision]:
    """Say of the whole paper how it relates, and reject every candidate that nobody has judged.

    Raises ``RequestRefused`` for "science": such a paper has projects, or is not dismissed. Without candidates only
    the relation is stored.
    """
    if relation is RelationKind.SCIENCE:
        raise RequestRefused(
            "A science paper used data of some project: find the project, or say how else the paper relates."
        )
    survivor = survivor_of(session, paper_id)
    if survivor is None:
        raise NotFound(f"There is no paper number {paper_id}.")
    rulings = [
        Ruling(
            paper_id=survivor,
            project_id=project_id,
            verdict=Verdict.REJECT,
            version_seen=0,
            relation=relation,
            reason=reason,
            candidate_revision_id=revision_id,
        )
        for project_id, revision_id in _unjudged(session, survivor)
    ]
    if not rulings:
        relate(session, actor, paper_id=survivor, relation=relation, now=today.now, reason=reason)
        refresh(session, today.profile, [survivor], today=today.date)
        return []
    decisions = [decide(session, actor, ruling, now=today.now) for ruling in rulings]
    in_step(session, today, decisions)
    return decisions


def _unjudged(session: Session, survivor: int) -> list[tuple[int, int]]:
    """Return (project, current revision) of a paper's candidates without a verdict, best first."""
    group = group_ids(session, survivor)
    judged = select(Link.project_id).where(col(Link.paper_id).in_(group), col(Link.ended_at).is_(None))
    rows = session.execute(
        sa.select(col(Candidate.project_id), col(CandidateRevision.id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(
            col(Candidate.paper_id) == survivor,
            col(CandidateRevision.superseded_at).is_(None),
            col(Candidate.project_id).not_in(judged),
        )
        .order_by(col(CandidateRevision.score).desc(), col(Candidate.id))
    )
    return [(project_id, revision_id) for project_id, revision_id in rows]


def take_back(session: Session, actor: Actor, decision_ids: Sequence[int], today: Today) -> list[Decision]:
    """Undo decisions that were taken together, all or none. Raises as ``catalogue.links.undo`` does."""
    if len(decision_ids) > MOST_AT_ONCE:
        raise RequestRefused(f"At most {MOST_AT_ONCE} decisions can be taken back in one go.")
    undone = [undo(session, actor, one, now=today.now) for one in sorted(set(decision_ids), reverse=True)]
    in_step(session, today, undone)
    return undone


def forget_relation(session: Session, actor: Actor, paper_id: int, today: Today) -> None:
    """Take back how a paper was judged to relate, where no decision on a project rests on it."""
    relate(session, actor, paper_id=paper_id, relation=None, now=today.now, reason="undone")
    refresh(session, today.profile, [paper_id], today=today.date)


def answer_twin(session: Session, actor: Actor, proposal_id: int, verdict: Verdict, today: Today) -> PaperMerge | None:
    """Answer whether two papers are one; return the merge if they are, so that it can be taken back."""
    row = merges.decide_proposal(session, actor, proposal_id, verdict, now=today.now)
    refresh(session, today.profile, [row.paper_id, row.twin_id], today=today.date)
    if verdict is not Verdict.ACCEPT:
        return None
    return session.exec(
        select(PaperMerge)
        .where(
            sa.or_(
                col(PaperMerge.merged_id).in_([row.paper_id, row.twin_id]),
                col(PaperMerge.kept_id).in_([row.paper_id, row.twin_id]),
            ),
            col(PaperMerge.undone_at).is_(None),
        )
        .order_by(col(PaperMerge.id).desc())
    ).first()


def part_again(session: Session, actor: Actor, merge_id: int, today: Today) -> PaperMerge:
    """Make two papers of one again."""
    row = merges.undo_merge(session, actor, merge_id, now=today.now)
    refresh(session, today.profile, [row.kept_id, row.merged_id], today=today.date)
    return row


def in_step(session: Session, today: Today, decisions: Sequence[Decision]) -> None:
    """Bring the queue in step: the papers decided on, and those that wait for the same projects."""
    if not decisions:
        return
    projects = sorted({d.project_id for d in decisions})
    papers = {d.paper_id for d in decisions} | set(papers_with_project(session, projects))
    refresh(session, today.profile, papers, today=today.date)
