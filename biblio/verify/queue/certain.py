"""Certain candidates with their quotes, to confirm many at once. A constant number of queries for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.catalogue.readable import readable
from biblio.store.current import survivor_id
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    EvidenceItem,
    Link,
    Paper,
    PaperRevision,
    Project,
    ProjectRevision,
)
from biblio.store.words import Band
from biblio.verify.queue.queries import authors_of

DOUBT = -1.5
"""Log-odds from which evidence against a certain candidate leaves its box unticked: odds against of 4 to 1."""

DOUBTING = ("stranger", "dates", "pi", "co_is")
"""The kinds of evidence that can speak against one project rather than against the paper as a whole."""


@dataclass(frozen=True, slots=True)
class CertainRow:
    """One certain candidate that can be confirmed together with others, with the quote that makes it certain."""

    candidate_id: int
    paper_id: int
    project_id: int
    revision_id: int
    title: str
    first_author: str | None
    author_count: int
    year: int | None
    score: float
    code: str
    project_title: str | None
    pi: str | None
    quote: str | None
    context: str | None
    context_start: int | None
    start: int | None
    stands_in: str | None
    doubt: str | None
    """The strongest evidence against it, if it weighs enough to read the paper before confirming."""


def certain_candidates(session: Session, paper_ids: Sequence[int]) -> list[CertainRow]:
    """Return the certain candidates of these papers that nobody has judged, with quotes and doubts, in their order."""
    linked: Any = aliased(Paper)
    judged = set(
        session.execute(
            sa.select(survivor_id(linked), col(Link.project_id))
            .join(Link, col(Link.paper_id) == linked.id)
            .where(sa.or_(linked.id.in_(paper_ids), linked.merged_into_id.in_(paper_ids)), col(Link.ended_at).is_(None))
        ).all()
    )
    rows = session.execute(
        sa.select(Candidate, CandidateRevision, PaperRevision, Project, ProjectRevision)
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .join(Project, col(Project.id) == col(Candidate.project_id))
        .outerjoin(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == col(Candidate.paper_id), col(PaperRevision.superseded_at).is_(None)),
        )
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(
            col(Candidate.paper_id).in_(paper_ids),
            col(CandidateRevision.superseded_at).is_(None),
        )
        .order_by(col(Candidate.id))
    ).all()
    place = {paper: number for number, paper in enumerate(paper_ids)}
    # The band is looked at here: asked for in the statement, it led a database to the index of all certain ones.
    waiting = [r for r in rows if r[1].band is Band.CERTAIN and (r[0].paper_id, r[0].project_id) not in judged]
    return _certain_rows(session, sorted(waiting, key=lambda row: place[row[0].paper_id]))


def _certain_rows(session: Session, rows: Sequence[Any]) -> list[CertainRow]:
    """Return one page of certain candidates with their quotes and the strongest doubt."""
    evidence: dict[int, list[EvidenceItem]] = {}
    for item in session.exec(
        select(EvidenceItem)
        .where(col(EvidenceItem.revision_id).in_([revision.id for _, revision, *_ in rows]))
        .order_by(col(EvidenceItem.revision_id), col(EvidenceItem.ordinal))
    ):
        evidence.setdefault(item.revision_id, []).append(item)
    authors = authors_of(session, sorted({row[0].paper_id for row in rows}))
    return [_certain_row(row, evidence.get(row[1].id, []), authors.get(row[0].paper_id, (None, 0))) for row in rows]


def _certain_row(row: Any, evidence: list[EvidenceItem], authors: tuple[str | None, int]) -> CertainRow:
    candidate, revision, paper, project, facts = row
    quoted = next((e for e in evidence if e.context and e.contribution > 0), None)
    against = next((e for e in evidence if e.contribution <= DOUBT and e.kind in DOUBTING), None)
    return CertainRow(
        candidate_id=candidate.id,
        paper_id=candidate.paper_id,
        project_id=candidate.project_id,
        revision_id=revision.id,
        title=readable(paper.title if paper else None) or "Untitled paper",
        first_author=authors[0],
        author_count=authors[1],
        year=paper.year if paper else None,
        score=revision.score,
        code=project.code,
        project_title=readable(facts.title if facts else None),
        pi=facts.pi if facts else None,
        quote=quoted.quote if quoted else None,
        context=quoted.context if quoted else None,
        context_start=quoted.context_start if quoted else None,
        start=quoted.start if quoted else None,
        stands_in=quoted.stands_in if quoted else None,
        doubt=against.sentence if against else None,
    )
