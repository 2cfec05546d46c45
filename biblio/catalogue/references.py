"""The links that archives list themselves: which of them are about a paper we have, and what became of those.

An archive's list is somebody else's finished work: it measures ours, and an operator may take it over as confirmed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.catalogue.identity import arxiv_of_bibcode
from biblio.store.current import live_links, survivor_id
from biblio.store.models import ArchiveReference, Candidate, CandidateRevision, Paper, PaperIdentifier, Project
from biblio.store.words import Band, Scheme, Verdict

Pair = tuple[int, int]
"""(paper that stands for its group, project)."""


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A paper that an archive lists for a project; ``paper_id`` is ours (the survivor), None where we have none."""

    project_id: int
    code: str
    bibcode: str
    source: str
    learned_at: datetime
    paper_id: int | None


@dataclass(slots=True)
class Reckoning:
    """How the known links compare with ours. ``pairs`` are the different (paper, project) among those we hold.

    ``bands`` and ``verdicts`` count pairs; the key None is "no candidate of ours" and "nobody has decided".
    """

    links: int = 0
    held: int = 0
    pairs: int = 0
    bands: Counter[Band | None] = field(default_factory=Counter)
    verdicts: Counter[Verdict | None] = field(default_factory=Counter)
    missing: list[KnownLink] = field(default_factory=list)


def known_links(session: Session, source: str | None = None) -> list[KnownLink]:
    """Return what archives list (one of them: ``source``), by code and bibcode, each with our paper if we hold it.

    A paper is found by the bibcode or, as an article may be held under another one, by any alternate bibcode that a
    source gave for it or by the arXiv number that a preprint's bibcode spells.
    """
    query = (
        sa.select(
            col(ArchiveReference.project_id),
            col(Project.code),
            col(ArchiveReference.bibcode),
            col(ArchiveReference.source),
            col(ArchiveReference.learned_at),
        )
        .join(Project, col(Project.id) == col(ArchiveReference.project_id))
        .order_by(col(Project.code), col(ArchiveReference.bibcode))
    )
    if source is not None:
        query = query.where(col(ArchiveReference.source) == source)
    rows = session.execute(query).all()
    papers = papers_of_bibcodes(session, {row.bibcode for row in rows})
    return [
        KnownLink(row.project_id, row.code, row.bibcode, row.source, row.learned_at, papers.get(row.bibcode))
        for row in rows
    ]


def papers_of_bibcodes(session: Session, bibcodes: Iterable[str]) -> dict[str, int]:
    """Return bibcode → paper (the survivor), for those that are known under it or under the arXiv number in it."""
    wanted = set(bibcodes)
    found = _papers(session, Scheme.BIBCODE, wanted)
    spelled = {bibcode: arxiv for bibcode in wanted - set(found) if (arxiv := arxiv_of_bibcode(bibcode)) is not None}
    by_arxiv = _papers(session, Scheme.ARXIV, set(spelled.values()))
    return found | {bibcode: by_arxiv[arxiv] for bibcode, arxiv in spelled.items() if arxiv in by_arxiv}


def _papers(session: Session, scheme: Scheme, values: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in chunks(sorted(values)):
        rows = session.execute(
            sa.select(col(PaperIdentifier.value), survivor_id())
            .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
            .where(col(PaperIdentifier.scheme) == scheme, col(PaperIdentifier.value).in_(chunk))
            .order_by(col(PaperIdentifier.id).desc())
        )
        found |= dict(rows.all())
    return found


def reckon(session: Session, links: Sequence[KnownLink]) -> Reckoning:
    """Compare known links with our papers, candidates and decisions."""
    pairs = {(link.paper_id, link.project_id) for link in links if link.paper_id is not None}
    missing = [link for link in links if link.paper_id is None]
    told = Reckoning(len(links), len(links) - len(missing), len(pairs), missing=missing)
    projects = {project for _, project in pairs}
    bands = _bands(session, projects)
    verdicts = _verdicts(session, projects)
    for pair in pairs:
        told.bands[bands.get(pair)] += 1
        told.verdicts[verdicts.get(pair)] += 1
    return told


def _bands(session: Session, projects: set[int]) -> dict[Pair, Band]:
    found: dict[Pair, Band] = {}
    for chunk in chunks(sorted(projects)):
        rows = session.execute(
            sa.select(survivor_id(), col(Candidate.project_id), col(CandidateRevision.band))
            .join(Paper, col(Paper.id) == col(Candidate.paper_id))
            .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
            .where(col(CandidateRevision.superseded_at).is_(None), col(Candidate.project_id).in_(chunk))
            .order_by(col(CandidateRevision.score))
        )
        found |= {(paper, project): band for paper, project, band in rows}
    return found


def _verdicts(session: Session, projects: set[int]) -> dict[Pair, Verdict]:
    live = live_links()
    found: dict[Pair, Verdict] = {}
    for chunk in chunks(sorted(projects)):
        rows = session.execute(
            sa.select(live.c.paper_id, live.c.project_id, live.c.verdict).where(live.c.project_id.in_(chunk))
        )
        found |= {(paper, project): Verdict(verdict) for paper, project, verdict in rows}
    return found
