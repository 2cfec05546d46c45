"""What the matcher is told: projects, papers and mentions as the store knows them now, in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.reported import of_papers
from biblio.observatory import Profile
from biblio.store.current import survivor_id
from biblio.store.models import (
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRevision,
    Project,
    ProjectRevision,
    SourceRecord,
    TextMention,
    TextReading,
    UnitRevision,
)
from biblio.store.words import Scheme
from matching.codes import Mention, Registry, resolve
from matching.evidence import PaperFacts, ProjectFacts


@dataclass(frozen=True, slots=True)
class Projects:
    """The project list as the matcher sees it, and the row of each code."""

    facts: tuple[ProjectFacts, ...]
    ids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a mention stands and the words around it; ``start`` and ``context_start`` count code points in ``part``."""

    part: str
    page: int | None
    start: int
    end: int
    as_written: str
    stands_in: str
    context: str
    context_start: int
    line: int | None = None


@dataclass(slots=True)
class PaperInput:
    """One paper with the mentions in its texts; ``members`` are all papers it stands for, itself first."""

    paper_id: int
    facts: PaperFacts
    members: list[int] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    """The passage around each of ``mentions``, in the same order."""


def load_projects(session: Session, profile: Profile) -> Projects:
    """Return all projects with their current facts, by code."""
    units = _unit_dates(session, profile)
    query = (
        sa.select(Project, ProjectRevision)
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .order_by(col(Project.code))
    )
    facts, ids = [], {}
    for project, revision in session.execute(query):
        ids[project.code] = project.id
        facts.append(_project(project, revision, profile, units.get(project.id, (None, None))))
    return Projects(tuple(facts), ids)


def _project(
    project: Project, revision: ProjectRevision | None, profile: Profile, dates: tuple[date | None, date | None]
) -> ProjectFacts:
    observed, released = dates
    cycle = profile.cycle(project.cycle) if project.cycle else None
    year = observed.year if observed else cycle.starts_on.year if cycle else None
    if revision is None:
        return ProjectFacts(code=project.code, year=year, release_date=released)
    return ProjectFacts(
        code=project.code,
        title=revision.title,
        abstract=revision.abstract,
        pi=revision.pi,
        co_is=tuple(revision.co_is),
        targets=tuple(revision.targets),
        year=year,
        release_date=released,
        category=revision.category,
        keywords=tuple(revision.keywords),
    )


def _unit_dates(session: Session, profile: Profile) -> dict[int, tuple[date | None, date | None]]:
    """Return project → (first day observed, last release date); release dates that mean "none" are left out."""
    unusable = col(UnitRevision.released_on).in_(profile.asking.no_release_date)
    rows = session.execute(
        sa.select(
            col(ObservationUnit.project_id),
            sa.func.min(sa.func.coalesce(col(UnitRevision.observed_on), col(UnitRevision.delivered_on))),
            sa.func.max(sa.case((unusable, None), else_=col(UnitRevision.released_on))),
        )
        .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
        .where(col(UnitRevision.superseded_at).is_(None))
        .group_by(col(ObservationUnit.project_id))
    )
    return {project: (observed, released) for project, observed, released in rows}


def load_papers(session: Session, paper_ids: Sequence[int], registry: Registry) -> list[PaperInput]:
    """Return these papers (survivors that have facts) with their mentions read against ``registry``, in order."""
    revisions = {
        revision.paper_id: revision
        for revision in session.exec(
            select(PaperRevision).where(
                col(PaperRevision.paper_id).in_(paper_ids), col(PaperRevision.superseded_at).is_(None)
            )
        )
    }
    group = members_of(session, paper_ids)
    archives = _archives(session, group)
    authors = _authors(session, [r.id for r in revisions.values() if r.id is not None])
    identifiers = _identifiers(session, group)
    papers = {
        paper_id: PaperInput(
            paper_id, _paper(revision, authors, identifiers.get(paper_id, {}), tuple(archives.get(paper_id, ())))
        )
        for paper_id, revision in revisions.items()
    }
    for member, survivor in group.items():
        if survivor in papers:
            papers[survivor].members.append(member)
    _add_mentions(session, papers, group, registry)
    return [papers[paper_id] for paper_id in paper_ids if paper_id in papers]


def members_of(session: Session, survivors: Sequence[int]) -> dict[int, int]:
    """Return paper → survivor for all papers that ``survivors`` stand for, survivors first."""
    rows = session.execute(
        sa.select(col(Paper.id), survivor_id())
        .where(sa.or_(col(Paper.id).in_(survivors), col(Paper.merged_into_id).in_(survivors)))
        .order_by(col(Paper.merged_into_id).is_not(None), col(Paper.id))
    )
    return dict(rows.all())


def _archives(session: Session, group: Mapping[int, int]) -> dict[int, list[str]]:
    """Return survivor → archives whose data ADS lists for it ("NAME:2" is two of its data sets), sorted."""
    found: dict[int, set[str]] = defaultdict(set)
    rows = session.execute(
        sa.select(col(SourceRecord.paper_id), col(SourceRecord.record)["extra"]["data"].as_string()).where(
            col(SourceRecord.paper_id).in_(list(group)),
            col(SourceRecord.source) == "ads",
            col(SourceRecord.superseded_at).is_(None),
        )
    )
    for member, listed in rows:
        found[group[member]].update(
            name for part in (listed or "").split(";") if (name := part.partition(":")[0].strip())
        )
    return {survivor: sorted(names) for survivor, names in found.items() if names}


def _paper(
    revision: PaperRevision, authors: Mapping[int, list[str]], ids: Mapping[Scheme, str], archives: tuple[str, ...]
) -> PaperFacts:
    assert revision.id is not None
    known = [day for day in (revision.preprint_on, revision.published_on) if day is not None]
    return PaperFacts(
        id=str(revision.paper_id),
        title=revision.title,
        authors=tuple(authors.get(revision.id, ())),
        year=revision.year,
        abstract=revision.abstract,
        doi=ids.get(Scheme.DOI),
        bibcode=ids.get(Scheme.BIBCODE),
        arxiv=ids.get(Scheme.ARXIV),
        published_on=min(known, default=None),  # the first day it was out is the day it must have had the data
        archives=archives,
    )


def _authors(session: Session, revision_ids: Sequence[int]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    for revision_id, name in session.execute(
        sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name))
        .where(col(PaperAuthor.revision_id).in_(revision_ids))
        .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
    ):
        names[revision_id].append(name)
    return names


def _identifiers(session: Session, group: Mapping[int, int]) -> dict[int, dict[Scheme, str]]:
    found: dict[int, dict[Scheme, str]] = defaultdict(dict)
    for row in session.exec(
        select(PaperIdentifier).where(col(PaperIdentifier.paper_id).in_(list(group))).order_by(col(PaperIdentifier.id))
    ):
        found[group[row.paper_id]].setdefault(row.scheme, row.value)
    return found


def _add_mentions(
    session: Session, papers: Mapping[int, PaperInput], group: Mapping[int, int], registry: Registry
) -> None:
    rows = session.execute(
        sa.select(TextMention, col(TextReading.paper_id))
        .join(TextReading, col(TextReading.id) == col(TextMention.reading_id))
        .where(col(TextReading.paper_id).in_(list(group)), col(TextReading.superseded_at).is_(None))
        .order_by(col(TextReading.id), col(TextMention.id))
    )
    for row, member in rows:
        paper = papers.get(group[member])
        if paper is not None:
            paper.mentions.append(_today(row, registry))
            paper.passages.append(
                Passage(
                    row.part,
                    row.page,
                    row.start,
                    row.end,
                    row.as_written,
                    row.stands_in,
                    row.context,
                    row.context_start,
                    row.line,
                )
            )


def _today(row: TextMention, registry: Registry) -> Mention:
    """A stored mention as today's project list reads it: lists grow, so a code unknown then may be known now."""
    read = None if row.certain and row.code in registry else resolve(row.as_written, registry)
    code, certain, candidates = read or (row.code, row.certain and row.code in registry, tuple(row.candidates))
    return Mention(
        start=row.start,
        end=row.end,
        as_written=row.as_written,
        code=code,
        in_registry=code in registry,
        certain=certain,
        candidates=tuple(c for c in candidates if c in registry),
        where=row.stands_in,
        is_use=row.is_use,
    )


def stored_digests(session: Session, survivors: Iterable[int]) -> dict[int, list[str]]:
    """Return, per survivor, what its match rests on: members, current revision and readings by their row numbers, archives.

    Facts are appended, never edited, so the number of the row in force stands for its content.
    """
    ids = list(survivors)
    group = members_of(session, ids)
    basis: dict[int, list[str]] = {survivor: [] for survivor in ids}
    for member, survivor in sorted(group.items()):
        basis[survivor].append(f"paper {member}")
    current = sa.select(col(PaperRevision.paper_id), col(PaperRevision.id)).where(
        col(PaperRevision.paper_id).in_(ids), col(PaperRevision.superseded_at).is_(None)
    )
    for paper_id, revision_id in session.execute(current):
        basis[paper_id].append(f"revision {revision_id}")
    readings = (
        sa.select(col(TextReading.paper_id), col(TextReading.id))
        .where(col(TextReading.paper_id).in_(list(group)), col(TextReading.superseded_at).is_(None))
        .order_by(col(TextReading.id))
    )
    for member, reading_id in session.execute(readings):
        basis[group[member]].append(f"reading {reading_id}")
    for survivor, names in _archives(session, group).items():
        basis[survivor].append(f"archives {' '.join(names)}")
    for survivor, reports in of_papers(session, ids).items():
        named = sorted({one.project_id for one in reports if one.project_id is not None})
        basis[survivor] += [f"reported {project_id}" for project_id in named]
    return basis
