"""Reads what a report counts, as known on a day, into plain dataclasses; the arithmetic is in ``build``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.store.current import accepted_science, paper_revisions, project_revisions, survivor_id, unit_revisions
from biblio.store.models import (
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRevision,
    Project,
    ProjectRevision,
)


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """One observation unit's dates."""

    delivered_on: date | None
    released_on: date | None


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """One project as a report sees it; ``team`` is the PI and the co-Is, as written."""

    id: int
    code: str
    cycle: str | None
    is_pi_project: bool
    title: str
    pi: str
    team: tuple[str, ...]
    category: str
    partner: str
    state: str
    units: tuple[UnitFacts, ...]


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """One paper as a report sees it."""

    id: int
    title: str
    authors: tuple[str, ...]
    year: int | None
    is_refereed: bool
    kind: str
    journal: str
    published_on: date | None
    preprint_on: date | None
    identifiers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one report counts: projects, papers with an accepted science link, and the links (paper, project)."""

    as_of: date
    projects: dict[int, ProjectFacts]
    papers: dict[int, PaperFacts]
    links: tuple[tuple[int, int], ...]


def read_facts(session: Session, as_of: date, *, today: date) -> Facts:
    """Read what was known at the end of ``as_of`` (UTC)."""
    moment = None if as_of >= today else datetime.combine(as_of, time.max, tzinfo=UTC)
    accepted = accepted_science(moment)
    links = tuple(
        sorted(
            (row.paper_id, row.project_id)
            for row in session.execute(select(accepted.c.paper_id, accepted.c.project_id))
        )
    )
    return Facts(
        as_of=as_of,
        projects=_projects(session, moment),
        papers=_papers(session, accepted, moment),
        links=links,
    )


def _projects(session: Session, moment: datetime | None) -> dict[int, ProjectFacts]:
    units: dict[int, list[UnitFacts]] = defaultdict(list)
    current_units = unit_revisions(moment).subquery()
    rows = session.execute(
        select(col(ObservationUnit.project_id), current_units.c.delivered_on, current_units.c.released_on).join(
            current_units, current_units.c.unit_id == col(ObservationUnit.id)
        )
    )
    for project_id, delivered_on, released_on in rows:
        units[project_id].append(UnitFacts(delivered_on, released_on))
    revisions = {r.project_id: r for r in session.exec(project_revisions(moment)).all()}
    found = {}
    for project in session.exec(select(Project).order_by(col(Project.code))):
        revision: ProjectRevision | None = revisions.get(project.id or 0)
        if project.id is None or revision is None:
            continue
        found[project.id] = ProjectFacts(
            id=project.id,
            code=project.code,
            cycle=project.cycle,
            is_pi_project=project.is_pi_project,
            title=revision.title or "",
            pi=revision.pi or "",
            team=tuple(name for name in (revision.pi, *revision.co_is) if name),
            category=revision.category or "",
            partner=revision.partner or "",
            state=revision.state or "",
            units=tuple(units.get(project.id, ())),
        )
    return found


def _papers(session: Session, accepted: sa.Subquery, moment: datetime | None) -> dict[int, PaperFacts]:
    """Read the accepted papers as plain columns: 50,000 of them as objects took a gigabyte."""
    wanted = sa.select(accepted.c.paper_id).distinct().scalar_subquery()
    revision = paper_revisions(moment).where(col(PaperRevision.paper_id).in_(wanted)).subquery()
    authors: dict[int, list[str]] = defaultdict(list)
    for paper_id, name in session.execute(
        sa.select(revision.c.paper_id, col(PaperAuthor.name))
        .join(PaperAuthor, col(PaperAuthor.revision_id) == revision.c.id)
        .order_by(revision.c.paper_id, col(PaperAuthor.position))
    ):
        authors[paper_id].append(name)
    identifiers: dict[int, dict[str, str]] = defaultdict(dict)
    for paper_id, scheme, value in session.execute(
        sa.select(survivor_id(), col(PaperIdentifier.scheme), col(PaperIdentifier.value))
        .join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
        .where(survivor_id().in_(wanted))
        .order_by(col(PaperIdentifier.id))
    ):
        identifiers[paper_id][scheme.value] = value
    found = {}
    columns = ("paper_id", "title", "year", "is_refereed", "kind", "journal", "published_on", "preprint_on")
    for row in session.execute(sa.select(*[revision.c[name] for name in columns])):
        found[row.paper_id] = PaperFacts(
            id=row.paper_id,
            title=row.title or "",
            authors=tuple(authors.get(row.paper_id, ())),
            year=row.year or (row.preprint_on.year if row.preprint_on else None),
            is_refereed=row.is_refereed,
            kind=row.kind or "",
            journal=row.journal or "",
            published_on=row.published_on,
            preprint_on=row.preprint_on,
            identifiers=identifiers.get(row.paper_id, {}),
        )
    return found
