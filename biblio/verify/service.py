"""What people do at the desk: each writes through the catalogue and puts the queue in step in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from random import SystemRandom

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue import merges
from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide, relate, undo
from biblio.errors import RequestRefused, Stale
from biblio.observatory import Profile
from biblio.store.current import group_ids, survivor_of
from biblio.store.found import found_paper, hold_papers
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    DeskItem,
    Link,
    PaperMerge,
    PaperRelation,
)
from biblio.store.words import Band, RelationKind, Verdict
from biblio.verify.queue.items import papers_with_project, refresh, turned
from biblio.verify.sharing import claims, second_readings

MOST_AT_ONCE = 100
"""Decisions taken in one go: as many as a person can look at on one page."""


@dataclass(frozen=True, slots=True)
class Today:
    """The profile and the moment that a request acts in, and which share of its decisions is to be read again.

    ``random`` gives numbers from 0 to 1 that nobody can foretell.
    """

    profile: Profile
    now: datetime
    second_reading_share: float = 0.0
    random: Callable[[], float] = SystemRandom().random

    @property
    def date(self) -> date:
        """The day, in UTC."""
        return self.now.date()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person who decides was aware of, besides the version of the link.

    ``claims`` are numbers of other people's claims that they were told of; ``relation_id`` the number of the judgement of
    the paper's class on their screen (0: there was none; None: it is not known, and not asked).
    """

    claims: frozenset[int] = frozenset()
    relation_id: int | None = None


def judge(session: Session, actor: Actor, ruling: Ruling, today: Today, seen: Seen | None = None) -> Decision:
    """Store one verdict. Raises as ``catalogue.links.decide`` and ``_check_unawares`` do."""
    _check_unawares(session, actor, [ruling.paper_id], today, seen or Seen(), ruling.relation)
    decision = decide(session, actor, ruling, now=today.now)
    _after(session, actor, today, [decision])
    return decision


def judge_many(
    session: Session, actor: Actor, rulings: Sequence[Ruling], today: Today, seen: Seen | None = None
) -> list[Decision]:
    """Store verdicts on certain candidates as one: either all are stored or, when one of them is stale, none."""
    return judge_together(session, actor, rulings, today, seen, check=_check_certain)


def judge_together(
    session: Session,
    actor: Actor,
    rulings: Sequence[Ruling],
    today: Today,
    seen: Seen | None = None,
    *,
    check: Callable[[Session, Sequence[Ruling]], None] | None = None,
) -> list[Decision]:
    """Store several verdicts, all or none; ``check`` looks at them once nobody else can decide about their papers."""
    if len(rulings) > MOST_AT_ONCE:
        raise RequestRefused(f"At most {MOST_AT_ONCE} decisions can be taken in one go.")
    _check_unawares(session, actor, [r.paper_id for r in rulings], today, seen or Seen(), None)
    if check is not None:
        check(session, rulings)
    decisions = [decide(session, actor, ruling, now=today.now) for ruling in rulings]
    _after(session, actor, today, decisions)
    return decisions


def _check_unawares(
    session: Session,
    actor: Actor,
    paper_ids: Collection[int],
    today: Today,
    seen: Seen,
    relation: RelationKind | None,
) -> None:
    """Nobody decides what they must not see, or what somebody else works on or has judged, unawares.

    Raises ``UnderSecondReading``, ``claims.Claimed``, or ``Stale`` where somebody else said meanwhile that the paper
    relates otherwise than ``relation`` (None: nothing is said of it). From here on the papers are this transaction's.
    """
    survivors = _held(session, paper_ids)
    second_readings.check_may_decide(session, actor, survivors)
    unknown = [c for c in claims.others_claims(session, actor, survivors, today.now) if c.claim_id not in seen.claims]
    if unknown:
        raise claims.Claimed(unknown)
    if relation is not None and seen.relation_id is not None:
        live = _relation_in_force(session, survivors)
        if (live.id if live else 0) != seen.relation_id and (live is None or live.relation is not relation):
            raise Stale("Somebody else said meanwhile how this paper relates to the observatory.", current=live)


def _held(session: Session, paper_ids: Collection[int]) -> set[int]:
    """Return the papers that stand for these, and let nobody else decide about them before this transaction ends."""
    survivors = {s for paper_id in set(paper_ids) if (s := survivor_of(session, paper_id)) is not None}
    hold_papers(session, survivors)
    return survivors


def _relation_in_force(session: Session, survivors: Collection[int]) -> PaperRelation | None:
    members = [member for survivor in survivors for member in group_ids(session, survivor)]
    return session.exec(
        select(PaperRelation)
        .where(col(PaperRelation.paper_id).in_(members), col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id).desc())
    ).first()


def _after(session: Session, actor: Actor, today: Today, decisions: Sequence[Decision]) -> None:
    """What follows from decisions: readings that end or begin, the queue in step, claims on what is done with ended."""
    second_readings.end_changed(session, actor, decisions, today.now)
    second_readings.put_to_readers(session, actor, decisions, today.second_reading_share, today.random)
    in_step(session, today, decisions)
    papers = {d.paper_id for d in decisions}  # a decision is stored for the paper that stands for its group
    waiting = session.exec(
        select(DeskItem.paper_id).where(
            col(DeskItem.paper_id).in_(papers), col(DeskItem.is_shown), col(DeskItem.open_count) > 0
        )
    )
    claims.end_decided(session, actor, papers - set(waiting), today.now)


def _check_certain(session: Session, rulings: Sequence[Ruling]) -> None:
    """Only what is certain now, and was shown as such, can be confirmed with others."""
    if {ruling.candidate_revision_id for ruling in rulings} - certain_now(session, rulings):
        raise Stale("Some of these are no longer certain: look at the list again.")


def certain_now(session: Session, rulings: Sequence[Ruling]) -> set[int]:
    """Return the numbers of the evidence that these decisions rest on, as far as it is in force and certain."""
    shown = {ruling.candidate_revision_id for ruling in rulings}
    certain = session.exec(
        select(CandidateRevision.id).where(
            col(CandidateRevision.id).in_([s for s in shown if s is not None]),
            col(CandidateRevision.band) == Band.CERTAIN,
            col(CandidateRevision.superseded_at).is_(None),
        )
    )
    return {number for number in certain if number is not None}


@dataclass(frozen=True, slots=True)
class Dismissal:
    """What a person says of a whole paper: how it relates, and why."""

    paper_id: int
    relation: RelationKind
    reason: str = ""


def dismiss(session: Session, actor: Actor, said: Dismissal, today: Today, seen: Seen | None = None) -> list[Decision]:
    """Say of the whole paper how it relates, and reject every candidate that nobody has judged or that was re-opened.

    Raises ``RequestRefused`` for "science": such a paper has projects, or is not dismissed. Without candidates only
    the relation is stored. Otherwise raises as ``judge`` does.
    """
    if said.relation is RelationKind.SCIENCE:
        raise RequestRefused(
            "A science paper used data of some project: find the project, or say how else the paper relates."
        )
    survivor = found_paper(session, said.paper_id)
    _check_unawares(session, actor, [survivor], today, seen or Seen(), said.relation)
    rulings = [
        Ruling(
            paper_id=survivor,
            project_id=project_id,
            verdict=Verdict.REJECT,
            version_seen=version,
            relation=said.relation,
            reason=said.reason,
            candidate_revision_id=revision_id,
        )
        for project_id, revision_id, version in _open_pairs(session, survivor)
    ]
    if not rulings:
        relate(session, actor, paper_id=survivor, relation=said.relation, now=today.now, reason=said.reason)
        bring_in_step(session, today, [survivor])
        claims.end_decided(session, actor, [survivor], today.now)
        return []
    decisions = [decide(session, actor, ruling, now=today.now) for ruling in rulings]
    _after(session, actor, today, decisions)
    return decisions


def _open_pairs(session: Session, survivor: int) -> list[tuple[int, int, int]]:
    """Return (project, current revision, version of the link) of what waits for a verdict, best first.

    An accepted project that was re-opened is not among them: it takes a look of its own to reject it.
    """
    group = group_ids(session, survivor)
    live = {
        project_id: (verdict, version)
        for project_id, verdict, version in session.execute(
            sa.select(col(Link.project_id), col(Link.verdict), col(Link.version))
            .where(col(Link.paper_id).in_(group), col(Link.ended_at).is_(None))
            .order_by(col(Link.id))
        )
    }
    rows = session.execute(
        sa.select(col(Candidate.project_id), col(CandidateRevision.id), col(Candidate.look_again))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(Candidate.paper_id) == survivor, col(CandidateRevision.superseded_at).is_(None))
        .order_by(col(CandidateRevision.score).desc(), col(Candidate.id))
    )
    found = []
    for project_id, revision_id, look_again in rows:
        verdict, version = live.get(project_id, (None, 0))
        if verdict is None or (look_again and verdict is not Verdict.ACCEPT):
            found.append((project_id, revision_id, version))
    return found


def is_left_to(session: Session, actor: Actor, paper_id: int) -> bool:
    """Whether a paper that is under second reading has serious candidates left for its first reader, who may go on."""
    survivor = survivor_of(session, paper_id)
    readings = second_readings.open_readings(session, survivor) if survivor is not None else []
    if survivor is None or not readings or any(row.first_reader_id != actor.user_id for row in readings):
        return False
    revisions = [revision for _, revision, _ in _open_pairs(session, survivor)]
    serious = select(CandidateRevision.id).where(
        col(CandidateRevision.id).in_(revisions), col(CandidateRevision.band) != Band.UNLIKELY
    )
    return session.exec(serious.limit(1)).first() is not None


def take_back(session: Session, actor: Actor, decision_ids: Sequence[int], today: Today) -> list[Decision]:
    """Undo decisions that were taken together, all or none.

    Raises as ``catalogue.links.undo`` does, and ``UnderSecondReading`` where they are hidden from this person.
    """
    if len(decision_ids) > MOST_AT_ONCE:
        raise RequestRefused(f"At most {MOST_AT_ONCE} decisions can be taken back in one go.")
    papers = session.exec(select(Decision.paper_id).where(col(Decision.id).in_(decision_ids))).all()
    second_readings.check_may_decide(session, actor, _held(session, papers))
    undone = [undo(session, actor, one, now=today.now) for one in sorted(set(decision_ids), reverse=True)]
    second_readings.end_changed(session, actor, undone, today.now)
    in_step(session, today, undone)
    return undone


def forget_relation(session: Session, actor: Actor, paper_id: int, today: Today) -> None:
    """Take back how a paper was judged to relate, where no decision on a project rests on it."""
    second_readings.check_may_decide(session, actor, _held(session, [paper_id]))
    relate(session, actor, paper_id=paper_id, relation=None, now=today.now, reason="undone")
    bring_in_step(session, today, [survivor_of(session, paper_id) or paper_id])


def answer_twin(session: Session, actor: Actor, proposal_id: int, verdict: Verdict, today: Today) -> PaperMerge | None:
    """Answer whether two papers are one; return the merge if they are, so that it can be taken back."""
    row = merges.decide_proposal(session, actor, proposal_id, verdict, now=today.now)
    bring_in_step(session, today, [row.paper_id, row.twin_id])
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
    bring_in_step(session, today, [row.kept_id, row.merged_id])
    return row


def in_step(session: Session, today: Today, decisions: Sequence[Decision]) -> None:
    """Bring the queue in step: the papers decided on, and those that wait for a project which they turned."""
    if not decisions:
        return
    papers = {d.paper_id for d in decisions}  # a decision is stored for the paper that stands for its group
    bring_in_step(session, today, papers, {d.project_id for d in decisions})


def bring_in_step(session: Session, today: Today, papers: Collection[int], decided: Collection[int] = ()) -> None:
    """Bring the queue in step with papers that were judged, merged or parted, and with those that wait for what turned.

    ``decided``: projects decided on. The class of a paper alone, or which papers it is one with, turns projects, too.
    """
    projects = sorted(turned(session, sorted(papers), sorted(decided)))
    others = papers_with_project(session, projects) if projects else []
    refresh(session, today.profile, {*papers, *others}, today=today.date)
