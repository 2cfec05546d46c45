"""What the index holds of each public paper, read from the database: all that decides where the paper is found.

A paper is public where a person accepted a project for it, its relation is "science with our data" and no blind second
reading of it is open. The same functions read one paper after a decision and all papers when a process starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.archival import DATA_USE_NAMES, Teams
from biblio.catalogue.groups import chunks
from biblio.catalogue.journals import full_name
from biblio.catalogue.readable import harmless
from biblio.catalogue.science import public_science
from biblio.catalogue.terms import may_show
from biblio.store.current import papers_under_second_reading, survivor_id
from biblio.store.models import Link, Paper, PaperAuthor, PaperRelation, PaperRevision, Project, ProjectRevision
from biblio.store.words import RelationKind, Verdict


@dataclass(frozen=True, slots=True)
class PublicProject:
    """A project as anyone may see it.

    ``revision_id`` and ``is_proposed`` are there to be compared: where they are another one, so may its team be.
    """

    project_id: int
    code: str
    cycle: str | None
    title: str | None
    pi: str | None
    category: str | None
    revision_id: int | None = None
    is_proposed: bool = True


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """A public paper as the index knows it. ``abstract`` and ``keywords`` only where their source lets us show them.

    ``data_use`` is the tag of the published rule: PI data, archive only, both, or undetermined.
    """

    paper_id: int
    revision_id: int
    year: int | None
    published_on: date | None
    is_refereed: bool
    journal: str | None
    title: str
    authors: tuple[str, ...]
    abstract: str
    keywords: tuple[str, ...]
    projects: tuple[int, ...]
    data_use: str


def accepted_papers(session: Session) -> list[int]:
    """Return the survivors' ids of all papers with an accepted project; not all of them are public."""
    return list(
        session.execute(
            sa.select(survivor_id())
            .distinct()
            .join(Link, col(Link.paper_id) == col(Paper.id))
            .where(col(Link.ended_at).is_(None), col(Link.verdict) == Verdict.ACCEPT)
        ).scalars()
    )


def read_public(session: Session) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Return, for every public paper, its revision and the projects it used, in order: what is public now."""
    used: dict[int, list[int]] = {}
    for paper_id, project_id in public_science(session):
        used.setdefault(paper_id, []).append(project_id)
    shown = PaperRevision
    current = sa.select(col(shown.paper_id), col(shown.id)).where(col(shown.superseded_at).is_(None))
    return {
        paper_id: (revision_id, tuple(sorted(used[paper_id])))
        for paper_id, revision_id in _rows(session, current)
        if paper_id in used
    }


def read_samples(session: Session, revision_ids: Iterable[int]) -> list[list[Any]]:
    """Return what tells some revisions of papers from those of another database that have the same numbers."""
    shown = PaperRevision
    statement = sa.select(col(shown.id), col(shown.paper_id), col(shown.learned_at), col(shown.title))
    rows = _rows(session, statement.where(col(shown.id).in_(sorted(revision_ids))).order_by(col(shown.id)))
    return [[number, paper, moment.isoformat(), title] for number, paper, moment, title in rows]


def read_papers(session: Session, survivors: Iterable[int]) -> Iterator[PaperFacts]:
    """Yield the facts of those of ``survivors`` that are public; half a dozen queries per 900 papers.

    A team is read once for all of them: to read many papers at once takes less than to read them in parts.
    """
    hidden = set(session.execute(papers_under_second_reading()).scalars())
    teams = Teams()
    for some in chunks(sorted(set(survivors) - hidden)):
        used = _accepted_science(session, some)
        rows = _revisions(session, list(used))
        authors = _authors(session, [row.id for row in rows])
        teams.learn(session, {project for projects in used.values() for project in projects})
        for row in rows:
            printed, projects = authors.get(row.id, ()), used[row.paper_id]
            yield _facts(row, printed, projects, DATA_USE_NAMES[teams.data_use(printed, projects)])


def _facts(row: Any, authors: Sequence[str], projects: tuple[int, ...], data_use: str) -> PaperFacts:
    origin = row.provenance or {}
    return PaperFacts(
        paper_id=row.paper_id,
        revision_id=row.id,
        year=row.year,
        published_on=row.published_on,
        is_refereed=row.is_refereed,
        journal=harmless(full_name(row.journal)) or None if row.journal else None,
        title=harmless(row.title),
        authors=tuple(map(harmless, authors)),
        abstract=row.abstract or "" if may_show("abstract", origin.get("abstract", "")) else "",
        keywords=tuple(row.keywords or ()) if may_show("keywords", origin.get("keywords", "")) else (),
        projects=projects,
        data_use=data_use,
    )


def _rows(session: Session, statement: Any) -> Any:
    """Return the rows of a select of columns, past the session's own reading of rows, which takes twice as long."""
    return session.connection().execute(statement)


def _accepted_science(session: Session, survivors: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Return the accepted projects of those papers that are science with our data, as ``store.current`` defines both.

    ``accepted_science`` works out the whole store; this reads the rows of these papers alone, the latest last.
    """
    group = dict(
        _rows(
            session,
            sa.select(col(Paper.id), survivor_id()).where(
                sa.or_(col(Paper.id).in_(survivors), col(Paper.merged_into_id).in_(survivors)),
                survivor_id().in_(survivors),
            ),
        ).all()
    )
    relations = {
        group[paper_id]: relation
        for paper_id, relation in _rows(
            session,
            sa.select(col(PaperRelation.paper_id), col(PaperRelation.relation))
            .where(col(PaperRelation.paper_id).in_(list(group)), col(PaperRelation.ended_at).is_(None))
            .order_by(col(PaperRelation.id)),
        )
    }
    verdicts: dict[int, dict[int, Verdict]] = {}
    for paper_id, project_id, verdict in _rows(
        session,
        sa.select(col(Link.paper_id), col(Link.project_id), col(Link.verdict))
        .where(col(Link.paper_id).in_(list(group)), col(Link.ended_at).is_(None))
        .order_by(col(Link.id)),
    ):
        verdicts.setdefault(group[paper_id], {})[project_id] = verdict
    found = {
        paper_id: tuple(sorted(p for p, verdict in judged.items() if verdict is Verdict.ACCEPT))
        for paper_id, judged in verdicts.items()
        if relations.get(paper_id) is RelationKind.SCIENCE
    }
    return {paper_id: projects for paper_id, projects in found.items() if projects}


def _revisions(session: Session, paper_ids: Sequence[int]) -> list[Any]:
    shown = PaperRevision
    columns: tuple[Any, ...] = (
        *(col(shown.id), col(shown.paper_id), col(shown.year), col(shown.published_on), col(shown.is_refereed)),
        *(col(shown.journal), col(shown.title), col(shown.abstract), col(shown.keywords), col(shown.provenance)),
    )
    return list(
        _rows(
            session, sa.select(*columns).where(col(shown.paper_id).in_(paper_ids), col(shown.superseded_at).is_(None))
        )
    )


def _authors(session: Session, revision_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for revision_id, name in _rows(
        session,
        sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name))
        .where(col(PaperAuthor.revision_id).in_(revision_ids))
        .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position)),
    ):
        found.setdefault(revision_id, []).append(name)
    return found


def read_projects(session: Session, project_ids: Iterable[int]) -> Iterator[PublicProject]:
    """Yield what is public of these projects."""
    for some in chunks(sorted(project_ids)):
        yield from _projects(session, col(Project.id).in_(some))


def find_project(session: Session, code: str) -> PublicProject | None:
    """Return the project with this code (case does not matter), or None."""
    found = list(_projects(session, sa.func.upper(Project.code) == code.upper()))
    return found[0] if found else None


def _projects(session: Session, condition: Any) -> Iterator[PublicProject]:
    facts = ProjectRevision
    columns: tuple[Any, ...] = (
        *(col(Project.id), col(Project.code), col(Project.cycle), col(facts.id), col(Project.is_pi_project)),
        *(col(facts.title), col(facts.pi), col(facts.category)),
    )
    statement = (
        sa.select(*columns)
        .outerjoin(facts, sa.and_(col(facts.project_id) == col(Project.id), col(facts.superseded_at).is_(None)))
        .where(condition)
        .order_by(col(Project.id))
    )
    for project_id, code, cycle, revision_id, is_proposed, *said in _rows(session, statement):
        title, pi, category = (harmless(one) or None for one in said)
        yield PublicProject(project_id, code, cycle, title, pi, category, revision_id, is_proposed)
