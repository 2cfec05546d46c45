"""Suggesting and deciding which paper used which project: the only writer of candidates, decisions and links.

A machine never overwrites a person: ``suggest`` changes no link, and where a person has judged, what a newer text or
record brings only raises the flag "look again" (``catalogue.memory``). ``decide`` appends; nothing is ever edited away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.memory import USES_DATA, Memory, Reason, remember
from biblio.catalogue.undoing import restores_relation, verdict_without
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.store.current import group_ids, group_of, survivor_of
from biblio.store.found import found, found_paper, hold_papers
from biblio.store.models import (
    AuditEntry,
    Candidate,
    CandidateRevision,
    Decision,
    EvidenceItem,
    Link,
    PaperMatch,
    PaperRelation,
    Project,
)
from biblio.store.words import Band, RelationKind, Verdict

RELATION_WITHDRAWN = "relation.withdrawn"
"""The audit log's word for a relation that a person took back; its details name the paper."""


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """One reason as it will be stored; fields as in ``EvidenceItem``."""

    kind: str
    value: str
    contribution: float
    sentence: str
    quote: str | None = None
    part: str | None = None
    page: int | None = None
    stands_in: str | None = None
    start: int | None = None
    end: int | None = None
    context: str | None = None
    context_start: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the machine proposes for one project of a paper: score 0–1, band, and its evidence, strongest first.

    ``model_version`` says which model gave the score (None: the profile's weights), ``feature_version`` what it read.
    """

    project_id: int
    score: float
    band: Band
    evidence: tuple[EvidenceFacts, ...]
    model_version: str | None = None
    feature_version: str | None = None

    def digest(self) -> str:
        """Return a hash of everything a person would see, so that an unchanged suggestion adds no history.

        The model is part of it, so that a stored score is never under the name of another model than gave it.
        """
        told = [{k: v for k, v in asdict(e).items() if k != "line" or v is not None} for e in self.evidence]
        plain: list[Any] = [round(self.score, 4), self.band.value, told]
        if self.model_version is not None:
            plain.append(self.model_version)
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person decides about one paper and one project.

    ``version_seen`` is the version of the link the person saw (0: none yet); ``relation`` is needed to accept, unless
    the paper has one. ``shown_for_s`` is how long the paper was on the screen.
    """

    paper_id: int
    project_id: int
    verdict: Verdict
    version_seen: int
    relation: RelationKind | None = None
    reason: str = ""
    candidate_revision_id: int | None = None
    shown_for_s: float | None = None


@dataclass(slots=True)
class SuggestCounts:
    """How a paper's suggestions differed from before."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    look_again: int = 0


def suggest(
    session: Session, *, paper_id: int, suggestions: Sequence[Suggestion], rules_digest: str, now: datetime
) -> SuggestCounts:
    """Store what the machine now thinks of ``paper_id``: all of its candidates, in one go.

    Candidates that are no longer proposed are superseded (their history stays). Links and relations are not touched.
    A flag that was raised stays until a person looks.
    """
    counts = SuggestCounts()
    known = {c.project_id: c for c in session.exec(select(Candidate).where(col(Candidate.paper_id) == paper_id))}
    current = _current_revisions(session, list(known.values()))
    memory = remember(session, group_ids(session, paper_id)) if suggestions else None
    proposed = {s.project_id for s in suggestions}
    for suggestion in suggestions:
        candidate = known.get(suggestion.project_id)
        if candidate is None:
            candidate = Candidate(paper_id=paper_id, project_id=suggestion.project_id, first_suggested_at=now)
            session.add(candidate)
            session.flush()
        before = current.get(suggestion.project_id)
        _revise(session, candidate, before, suggestion, rules_digest, now, counts)
        if memory is not None and _raise_flag(session, memory, candidate, suggestion.band, suggestion.evidence):
            counts.look_again += 1
    for project_id, revision in current.items():
        if project_id not in proposed:
            revision.superseded_at = now
            session.add(revision)
            counts.withdrawn += 1
    session.flush()
    return counts


def _current_revisions(session: Session, candidates: list[Candidate]) -> dict[int, CandidateRevision]:
    projects = {c.id: c.project_id for c in candidates}
    rows = session.exec(
        select(CandidateRevision).where(
            col(CandidateRevision.candidate_id).in_([c for c in projects if c is not None]),
            col(CandidateRevision.superseded_at).is_(None),
        )
    )
    return {projects[row.candidate_id]: row for row in rows}


def _revise(
    session: Session,
    candidate: Candidate,
    before: CandidateRevision | None,
    suggestion: Suggestion,
    rules_digest: str,
    now: datetime,
    counts: SuggestCounts,
) -> None:
    digest = suggestion.digest()
    if before is not None and before.digest == digest:
        counts.unchanged += 1
        return
    if before is not None:
        before.superseded_at = now
        session.add(before)
        session.flush()
    assert candidate.id is not None
    revision = CandidateRevision(
        candidate_id=candidate.id,
        score=suggestion.score,
        band=suggestion.band,
        digest=digest,
        rules_digest=rules_digest,
        model_version=suggestion.model_version,
        feature_version=suggestion.feature_version,
        suggested_at=now,
    )
    session.add(revision)
    session.flush()
    assert revision.id is not None
    for ordinal, facts in enumerate(suggestion.evidence):
        session.add(EvidenceItem(revision_id=revision.id, ordinal=ordinal, **asdict(facts)))
    if before is None:
        counts.new += 1
    else:
        counts.changed += 1


def _raise_flag(session: Session, memory: Memory, candidate: Candidate, band: Band, evidence: Sequence[Reason]) -> bool:
    """Say "look again" where something new speaks against what was judged; return whether it was not said before."""
    if candidate.look_again or not memory.new_reasons(candidate.project_id, band, evidence):
        return False
    candidate.look_again = True
    session.add(candidate)
    return True


def decide(session: Session, actor: Actor, ruling: Ruling, *, now: datetime) -> Decision:
    """Store a person's verdict; return the decision. The link and the paper's relation follow it at once.

    Raises ``Stale`` (with the live link in ``current``) when somebody else judged this pair meanwhile, ``NotFound``
    for an unknown paper or project, ``RequestRefused`` for accepting without saying how the paper relates.
    """
    person = actor.person_id()
    paper_id = found_paper(session, ruling.paper_id)
    if session.get(Project, ruling.project_id) is None:
        raise NotFound(f"There is no project number {ruling.project_id}.")
    hold_papers(session, [paper_id])
    live = live_link(session, paper_id, ruling.project_id)
    if (live.version if live else 0) != ruling.version_seen:
        raise Stale("Somebody else judged this paper and project while it was on your screen.", current=live)
    _check_relation(session, paper_id, ruling)
    outdated = _check_evidence(session, paper_id, ruling)
    decision = Decision(
        paper_id=paper_id,
        project_id=ruling.project_id,
        actor_id=person,
        made_at=now,
        verdict=ruling.verdict,
        relation=ruling.relation,
        reason=ruling.reason.strip(),
        candidate_revision_id=ruling.candidate_revision_id,
        shown_for_s=ruling.shown_for_s,
        seen_until=outdated.suggested_at if outdated else _matched_at(session, paper_id),
    )
    session.add(decision)
    session.flush()
    _replace_link(session, decision, ruling.verdict, now)
    if ruling.relation is not None:
        relate(session, actor, paper_id=paper_id, relation=ruling.relation, now=now, decision_id=decision.id)
    _lower_flag(session, paper_id, ruling.project_id)
    if outdated is not None:
        _look_at_what_came_meanwhile(session, paper_id, ruling.project_id)
    return decision


def _check_relation(session: Session, paper_id: int, ruling: Ruling) -> None:
    if ruling.verdict is not Verdict.ACCEPT:
        return
    relation = ruling.relation or live_relation(session, paper_id)
    if relation is None:
        raise RequestRefused("Say how the paper relates to the observatory before you accept a project for it.")
    if relation not in USES_DATA:
        raise RequestRefused(
            f"A paper that relates as “{relation.value.replace('_', ' ')}” uses none of the data, so no project can be "
            "accepted for it: choose how it relates, or reject."
        )


def _check_evidence(session: Session, paper_id: int, ruling: Ruling) -> CandidateRevision | None:
    """Check that the evidence named is that of this paper and project; return it where newer evidence took its place.

    The history must not say otherwise than what was on the screen. Raises ``Stale``.
    """
    if ruling.candidate_revision_id is None:
        return None
    shown = session.execute(
        sa.select(Candidate, CandidateRevision)
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(CandidateRevision.id) == ruling.candidate_revision_id)
    ).first()
    own = shown is not None and shown[0].project_id == ruling.project_id
    if not own or shown is None or not _is_of(session, shown[0].paper_id, paper_id):
        raise Stale("The evidence on your screen is not that of this paper and project: load the page again.")
    revision: CandidateRevision = shown[1]
    return revision if revision.superseded_at is not None else None


def _is_of(session: Session, member: int, survivor: int) -> bool:
    return member == survivor or survivor_of(session, member) == survivor


def _matched_at(session: Session, paper_id: int) -> datetime | None:
    """Return until when what was read and recorded of a paper stands in its candidates; None: it was never matched."""
    matched = session.get(PaperMatch, paper_id)
    return matched.matched_at if matched is not None else None


def _look_at_what_came_meanwhile(session: Session, paper_id: int, project_id: int) -> None:
    """Raise the flag at once where newer evidence came while the older was on the screen."""
    group = group_ids(session, paper_id)
    row = session.execute(
        sa.select(Candidate, CandidateRevision)
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(
            col(Candidate.paper_id).in_(group),
            col(Candidate.project_id) == project_id,
            col(CandidateRevision.superseded_at).is_(None),
        )
    ).first()
    if row is None:
        return
    evidence = session.exec(select(EvidenceItem).where(col(EvidenceItem.revision_id) == row[1].id)).all()
    _raise_flag(session, remember(session, group), row[0], row[1].band, evidence)
    session.flush()


def live_link(session: Session, paper_id: int, project_id: int) -> Link | None:
    """Return the link in force for a paper (or any paper merged into it) and a project."""
    return session.exec(
        select(Link)
        .where(
            col(Link.paper_id).in_(group_of(paper_id)),
            col(Link.project_id) == project_id,
            col(Link.ended_at).is_(None),
        )
        .order_by(col(Link.id).desc())
    ).first()


def live_relation(session: Session, paper_id: int) -> RelationKind | None:
    """Return how a paper (or any paper merged into it) was judged to relate to the observatory."""
    row = session.exec(
        select(PaperRelation)
        .where(col(PaperRelation.paper_id).in_(group_of(paper_id)), col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id).desc())
    ).first()
    return row.relation if row else None


def _replace_link(session: Session, decision: Decision, verdict: Verdict | None, now: datetime) -> None:
    """End the links in force for the decision's pair and, with a verdict, put a new one in their place."""
    rows = session.exec(
        select(Link).where(
            col(Link.paper_id).in_(group_of(decision.paper_id)),
            col(Link.project_id) == decision.project_id,
        )
    ).all()
    for row in rows:
        if row.ended_at is None:
            row.ended_at = now
            session.add(row)
    session.flush()
    if verdict is None:
        return
    assert decision.id is not None
    version = max((row.version for row in rows), default=0) + 1
    session.add(
        Link(
            paper_id=decision.paper_id,
            project_id=decision.project_id,
            verdict=verdict,
            decision_id=decision.id,
            version=version,
            decided_at=now,
        )
    )
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else judged this paper and project at the same moment.") from error


def relate(
    session: Session,
    actor: Actor,
    *,
    paper_id: int,
    relation: RelationKind | None,
    now: datetime,
    reason: str = "",
    decision_id: int | None = None,
) -> None:
    """Store how a paper relates to the observatory, as a person judged it (None: take the judgement back)."""
    person = actor.person_id()
    live = session.exec(
        select(PaperRelation).where(
            col(PaperRelation.paper_id).in_(group_of(paper_id)), col(PaperRelation.ended_at).is_(None)
        )
    ).all()
    if len(live) == 1 and live[0].relation is relation:
        return
    for row in live:
        row.ended_at = now
        session.add(row)
    if relation is None and live:
        _note_withdrawal(session, person, paper_id, live[-1].relation, now)
    session.flush()
    if relation is not None:
        session.add(
            PaperRelation(
                paper_id=paper_id,
                relation=relation,
                actor_id=person,
                decision_id=decision_id,
                reason=reason.strip(),
                decided_at=now,
                seen_until=_matched_at(session, paper_id),
            )
        )
        session.flush()


def _note_withdrawal(session: Session, person: int, paper_id: int, was: RelationKind, now: datetime) -> None:
    """Say who took a relation back: no row takes its place, so nothing else would. The public index reads it too."""
    details = {"paper": paper_id, "relation": was.value}
    subject = f"paper {paper_id}"
    session.add(AuditEntry(made_at=now, actor_id=person, action=RELATION_WITHDRAWN, subject=subject, details=details))


def undo(session: Session, actor: Actor, decision_id: int, *, now: datetime) -> Decision:
    """Take a decision back: the verdict and relation before it are in force again. The history keeps all of it.

    Raises ``Stale`` when it is not the latest decision of its paper and project, ``NotFound`` for an unknown one.
    """
    person = actor.person_id()
    undone = found(session, Decision, decision_id, "decision")
    paper_id = survivor_of(session, undone.paper_id) or undone.paper_id
    hold_papers(session, [paper_id])
    latest = session.exec(
        select(Decision)
        .where(col(Decision.paper_id).in_(group_ids(session, paper_id)), col(Decision.project_id) == undone.project_id)
        .order_by(col(Decision.id).desc())
    ).first()
    if latest is None or latest.id != undone.id:
        raise Stale("There is a later decision about this paper and project; undo that one first.", current=latest)
    if undone.undoes_id is not None:
        raise RequestRefused("This already took a decision back; decide anew instead.")
    verdict = verdict_without(session, undone, group_ids(session, paper_id))
    decision = Decision(
        paper_id=paper_id,
        project_id=undone.project_id,
        actor_id=person,
        made_at=now,
        verdict=verdict,
        reason="undone",
        undoes_id=undone.id,
    )
    session.add(decision)
    session.flush()
    _replace_link(session, decision, verdict, now)
    falls, relation = restores_relation(session, undone, group_ids(session, paper_id))
    if falls:
        relate(session, actor, paper_id=paper_id, relation=relation, now=now)
    return decision


def _lower_flag(session: Session, paper_id: int, project_id: int) -> None:
    for candidate in session.exec(
        select(Candidate).where(
            col(Candidate.paper_id).in_(group_of(paper_id)), col(Candidate.project_id) == project_id
        )
    ):
        if candidate.look_again:
            candidate.look_again = False
            session.add(candidate)
