"""What the rule looks at of papers: verdicts, relations, certain candidates, and what the archive names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import date
from functools import cache

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.identity import arxiv_of_bibcode
from biblio.catalogue.references import papers_of_bibcodes
from biblio.store.current import in_force, papers_under_second_reading, survivor_id
from biblio.store.models import (
    ArchiveReference,
    Candidate,
    CandidateRevision,
    Link,
    Paper,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
)
from biblio.store.words import NEVER_PREPRINTS, Band, RelationKind, Scheme, Verdict
from survey.asking.asked_for import AT_ONCE, Question, Shape, Statement

Links = dict[tuple[int, int], str]
"""(paper, project) → the verdict in force, as text: words by the ten thousand take long to become members of an enum.

The paper is the survivor of those that were found to be one."""


def links_of(session: Session, asked: Question) -> Links:
    """Return the verdicts in force, as ``store.current.live_links`` gives them.

    Where two papers that became one were judged apart, the later decision counts: it is read last. The same select
    sorts by pair for that, which takes three times as long over a whole bibliography.
    """
    rows = asked.rows(session, _verdicts(asked.shape))
    return {(paper, project): verdict for paper, project, verdict in rows.all()}


@cache
def _verdicts(shape: Shape) -> Statement:
    return (
        sa.select(survivor_id(), col(Link.project_id), sa.type_coerce(col(Link.verdict), sa.String))
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .where(
            in_force(col(Link.decided_at), col(Link.ended_at), shape.known_by),
            shape.among(col(Link.project_id)),
        )
        .order_by(col(Link.id))
    )


def papers_of(session: Session, asked: Question, links: Links) -> dict[int, tuple[bool, date | None]]:
    """Per project: whether an accepted science paper is refereed, and the day of the youngest such preprint."""
    accepted = [pair for pair, verdict in links.items() if verdict == Verdict.ACCEPT]
    science = _science(session, asked, {paper for paper, _ in accepted})
    found: dict[int, tuple[bool, date | None]] = {}
    for paper, project in accepted:
        facts = science.get(paper)
        if facts is None:
            continue
        before = found.get(project)
        if before is None:
            found[project] = facts
        else:
            preprints = [day for day in (before[1], facts[1]) if day is not None]
            found[project] = before[0] or facts[0], max(preprints, default=None)
    return found


def _science(session: Session, asked: Question, papers: Collection[int]) -> dict[int, tuple[bool, date | None]]:
    """Of these papers those that are science with our data: whether refereed, and the day of the preprint, if it counts.

    Of the relations of papers that became one the later counts, as with links.
    """
    if not papers:
        return {}
    few = len(papers) <= AT_ONCE
    named = {"papers": tuple(papers)} if few else {}
    relations = asked.rows(session, _relations(asked.shape, few), **named)
    science = {
        paper for paper, relation in dict(map(tuple, relations.all())).items() if relation == RelationKind.SCIENCE
    }
    hidden = set(asked.rows(session, _read_again(asked.shape)).scalars()) if asked.is_blind else set()
    rows = asked.rows(session, _kinds(asked.shape, few), **named)
    return {
        paper: (bool(refereed), preprint)
        for paper, refereed, preprint in rows.all()
        if paper in science and paper not in hidden
    }


@cache
def _relations(shape: Shape, few: bool) -> Statement:
    papers: sa.BindParameter[int] = sa.bindparam("papers", expanding=True)
    return (
        sa.select(survivor_id(), sa.type_coerce(col(PaperRelation.relation), sa.String))
        .select_from(PaperRelation)
        .join(Paper, col(Paper.id) == col(PaperRelation.paper_id))
        .where(
            in_force(col(PaperRelation.decided_at), col(PaperRelation.ended_at), shape.known_by),
            sa.or_(col(Paper.id).in_(papers), col(Paper.merged_into_id).in_(papers)) if few else sa.true(),
        )
        .order_by(col(PaperRelation.id))
    )


@cache
def _read_again(shape: Shape) -> Statement:
    return papers_under_second_reading(shape.known_by)


@cache
def _kinds(shape: Shape, few: bool) -> Statement:
    revision = PaperRevision
    counts = sa.or_(col(revision.kind).is_(None), col(revision.kind).not_in(NEVER_PREPRINTS))
    return sa.select(
        col(revision.paper_id),
        col(revision.is_refereed),
        sa.case((counts, col(revision.preprint_on)), else_=None),
    ).where(
        in_force(col(revision.learned_at), col(revision.superseded_at), shape.known_by),
        col(revision.paper_id).in_(sa.bindparam("papers", expanding=True)) if few else sa.true(),
    )


def undecided_certain(session: Session, asked: Question, links: Links) -> dict[int, int]:
    """Per project: how many papers are certain candidates that nobody has accepted or rejected.

    Of few projects the band is looked at here: asked for it, SQLite would go through all certain candidates instead.
    """
    rows = asked.rows(session, _candidates(asked.shape))
    certain = ((paper, project) for paper, project, found in rows if found == Band.CERTAIN)
    waiting = {pair for pair in certain if links.get(pair) in _UNDECIDED}
    return Counter(project for _paper, project in waiting)


_UNDECIDED = frozenset({None, Verdict.UNSURE})


@cache
def _candidates(shape: Shape) -> Statement:
    band = sa.type_coerce(col(CandidateRevision.band), sa.String)
    return (
        sa.select(survivor_id(), col(Candidate.project_id), band)
        .join(Paper, col(Paper.id) == col(Candidate.paper_id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(
            in_force(col(CandidateRevision.suggested_at), col(CandidateRevision.superseded_at), shape.known_by),
            shape.among(col(Candidate.project_id)),
            sa.true() if shape.is_few else col(CandidateRevision.band) == Band.CERTAIN,
        )
    )


def unverified_references(session: Session, asked: Question, links: Links) -> dict[int, tuple[str, ...]]:
    """Per project: the bibcodes the archive lists that nobody has accepted or rejected here.

    A preprint's bibcode may name a paper that is known here by its article's: the arXiv number in it tells.
    """
    rows = asked.rows(session, _references(asked.shape)).all()
    if not rows:
        return {}
    survivors = _survivors(session)
    settled: set[tuple[int, str]] = set()
    pending: dict[tuple[int, str], bool] = {}
    for project, bibcode, paper in rows:
        if links.get((survivors.get(paper, paper), project)) in _UNDECIDED:
            pending[project, bibcode] = pending.get((project, bibcode), False) or paper is not None
        else:
            settled.add((project, bibcode))
    unknown = {bibcode for (_, bibcode), is_known in pending.items() if not is_known and arxiv_of_bibcode(bibcode)}
    spelled = papers_of_bibcodes(session, unknown) if unknown else {}
    found: dict[int, list[str]] = defaultdict(list)
    for project, bibcode in pending.keys() - settled if settled else pending:
        if links.get((spelled.get(bibcode, 0), project)) in _UNDECIDED:
            found[project].append(bibcode)
    return {project: tuple(sorted(bibcodes)) for project, bibcodes in found.items()}


@cache
def _references(shape: Shape) -> Statement:
    return (
        sa.select(col(ArchiveReference.project_id), col(ArchiveReference.bibcode), col(PaperIdentifier.paper_id))
        .outerjoin(
            PaperIdentifier,
            sa.and_(
                col(PaperIdentifier.value) == col(ArchiveReference.bibcode),
                col(PaperIdentifier.scheme) == Scheme.BIBCODE,
            ),
        )
        .where(shape.learned(col(ArchiveReference.learned_at)), shape.among(col(ArchiveReference.project_id)))
    )


def _survivors(session: Session) -> dict[int, int]:
    """Of papers that were found to be another: which. They are few; a join would look every other paper up for them."""
    rows = session.connection().execute(
        sa.select(col(Paper.id), col(Paper.merged_into_id)).where(col(Paper.merged_into_id).is_not(None))
    )
    return {merged: survivor for merged, survivor in rows if merged and survivor}
