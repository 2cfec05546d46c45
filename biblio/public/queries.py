"""The public bibliography, read into dataclasses: papers with an accepted project whose relation is science.

Only what may be public is read here: no abstract, no contact data, no verdict but "accepted".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.identity import normal_arxiv, normal_bibcode, normal_doi
from biblio.store.current import accepted_science, paper_revisions, survivor_id, survivor_of
from biblio.store.models import (
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperReport,
    PaperRevision,
    Project,
    ProjectRevision,
)
from biblio.store.words import Scheme
from biblio.webkit import holds

MOST_WORDS = 12
"""Words of a query that are used; a title pasted whole is found by fewer."""

_TOKENS = re.compile(r'"([^"]+)"|(\S+)')
_MANY = 500
"""Ids handed to one statement (SQLite's oldest limit is 999 parameters)."""


@dataclass(frozen=True, slots=True)
class PublicPaper:
    """A paper as anyone may see it. ``projects`` are codes in order; ``identifiers`` by scheme, one each."""

    paper_id: int
    title: str
    authors: tuple[str, ...]
    year: int | None
    journal: str | None
    volume: str | None
    page: str | None
    published_on: date | None
    is_refereed: bool
    is_withdrawn: bool
    identifiers: dict[Scheme, str] = field(default_factory=dict)
    projects: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """Journal, volume and page as far as known."""
        return ", ".join(part for part in (self.journal, self.volume, self.page) if part)

    def short_authors(self, most: int = 3) -> str:
        """The first authors, "and 12 more" where the list is long."""
        if len(self.authors) <= most + 1:
            return "; ".join(self.authors)
        return "; ".join(self.authors[:most]) + f" and {len(self.authors) - most} more"


@dataclass(frozen=True, slots=True)
class PublicProject:
    """A project as anyone may see it."""

    project_id: int
    code: str
    cycle: str | None
    title: str | None
    pi: str | None
    category: str | None


@dataclass(frozen=True, slots=True)
class ProjectCount:
    """A project in the list of projects: how many papers used it, and the year of the newest."""

    code: str
    title: str | None
    papers: int
    newest: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for: words (all must be found), a year, a project code, refereed papers alone."""

    words: str = ""
    year: int | None = None
    project: str = ""
    refereed: bool = False

    @property
    def is_anything(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.words or self.year or self.project or self.refereed)


def papers(wanted: Wanted) -> sa.Select[Any]:
    """Select the shown revisions of public papers that match ``wanted``, newest first."""
    accepted = accepted_science()
    public = sa.select(accepted.c.paper_id)
    if wanted.project:
        public = public.join(Project, col(Project.id) == accepted.c.project_id).where(
            sa.func.upper(Project.code) == wanted.project.upper()
        )
    statement = paper_revisions().where(col(PaperRevision.paper_id).in_(public))
    if wanted.year:
        statement = statement.where(col(PaperRevision.year) == wanted.year)
    if wanted.refereed:
        statement = statement.where(col(PaperRevision.is_refereed))
    for word in tokens(wanted.words):
        statement = statement.where(_has_word(word, accepted))
    return newest_first(statement)


def newest_first(statement: sa.Select[Any]) -> sa.Select[Any]:
    """Order papers by year and journal date, newest first; ties by number, so that pages never repeat a paper."""
    return statement.order_by(
        col(PaperRevision.year).desc().nulls_last(),
        col(PaperRevision.published_on).desc().nulls_last(),
        col(PaperRevision.paper_id).desc(),
    )


def tokens(query: str) -> list[str]:
    """Split a query into words and "quoted phrases", at most ``MOST_WORDS``."""
    return [quoted or plain for quoted, plain in _TOKENS.findall(query.replace("\x00", ""))][:MOST_WORDS]


def _has_word(word: str, accepted: sa.Subquery) -> sa.ColumnElement[bool]:
    """A word is found in the title, an author's name, an identifier or a project code; a year is the paper's."""
    authored = sa.select(col(PaperAuthor.revision_id)).where(holds(PaperAuthor.name, word))
    coded = (
        sa.select(accepted.c.paper_id)
        .join(Project, col(Project.id) == accepted.c.project_id)
        .where(holds(Project.code, word))
    )
    ways: list[sa.ColumnElement[bool]] = [
        holds(PaperRevision.title, word),
        col(PaperRevision.id).in_(authored),
        col(PaperRevision.paper_id).in_(coded),
    ]
    known = _identifier_values(word)
    if known:
        named = (
            sa.select(survivor_id())
            .join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
            .where(
                sa.or_(*(sa.and_(col(PaperIdentifier.scheme) == s, col(PaperIdentifier.value) == v) for s, v in known))
            )
        )
        ways.append(col(PaperRevision.paper_id).in_(named))
    if re.fullmatch(r"(19|20)\d\d", word):
        ways.append(col(PaperRevision.year) == int(word))
    return sa.or_(*ways)


def _identifier_values(word: str) -> list[tuple[Scheme, str]]:
    found = (
        (Scheme.DOI, normal_doi(word)),
        (Scheme.BIBCODE, normal_bibcode(word)),
        (Scheme.ARXIV, normal_arxiv(word)),
    )
    return [(scheme, value) for scheme, value in found if value]


def filled(session: Session, revisions: Sequence[PaperRevision]) -> list[PublicPaper]:
    """Add authors, identifiers and projects to the papers of one page, in three queries however many there are."""
    paper_ids = [r.paper_id for r in revisions]
    authors = _authors(session, [r.id for r in revisions if r.id is not None])
    identifiers = _identifiers(session, paper_ids)
    projects = _projects(session, paper_ids)
    return [
        PublicPaper(
            paper_id=r.paper_id,
            title=r.title or "(no title known)",
            authors=tuple(authors.get(r.id or 0, ())),
            year=r.year,
            journal=r.journal,
            volume=r.volume,
            page=r.page,
            published_on=r.published_on,
            is_refereed=r.is_refereed,
            is_withdrawn=r.is_withdrawn,
            identifiers=identifiers.get(r.paper_id, {}),
            projects=tuple(projects.get(r.paper_id, ())),
        )
        for r in revisions
    ]


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[i : i + _MANY] for i in range(0, len(ids), _MANY))


def _authors(session: Session, revision_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for part in _chunks(revision_ids):
        rows = session.exec(
            select(PaperAuthor.revision_id, PaperAuthor.name)
            .where(col(PaperAuthor.revision_id).in_(part))
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        )
        for revision_id, name in rows:
            found.setdefault(revision_id, []).append(name)
    return found


def _identifiers(session: Session, paper_ids: Sequence[int]) -> dict[int, dict[Scheme, str]]:
    """One identifier of each scheme per paper: of bibcodes the journal's rather than the preprint's."""
    found: dict[int, dict[Scheme, str]] = {}
    for part in _chunks(paper_ids):
        survivor = survivor_id()
        rows = session.execute(
            sa.select(survivor, col(PaperIdentifier.scheme), col(PaperIdentifier.value))
            .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
            .where(survivor.in_(part))
            .order_by(col(PaperIdentifier.id))
        )
        for paper_id, scheme, value in rows:
            mine = found.setdefault(paper_id, {})
            if scheme not in mine or (scheme is Scheme.BIBCODE and "arXiv" in mine[scheme] and "arXiv" not in value):
                mine[scheme] = value
    return found


def _projects(session: Session, paper_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for part in _chunks(paper_ids):
        accepted = accepted_science()
        rows = session.execute(
            sa.select(accepted.c.paper_id, col(Project.code))
            .join(Project, col(Project.id) == accepted.c.project_id)
            .where(accepted.c.paper_id.in_(part))
            .order_by(col(Project.code))
        )
        for paper_id, code in rows:
            found.setdefault(paper_id, []).append(code)
    return found


def papers_by_year(session: Session) -> list[tuple[int, int]]:
    """Return (year, papers) from the first year with a paper to the last, years without one included."""
    public = sa.select(accepted_science().c.paper_id)
    rows = session.execute(
        sa.select(col(PaperRevision.year), sa.func.count())
        .where(
            col(PaperRevision.superseded_at).is_(None),
            col(PaperRevision.paper_id).in_(public),
            col(PaperRevision.year).is_not(None),
        )
        .group_by(col(PaperRevision.year))
    )
    counts = {int(year): number for year, number in rows if year is not None}
    return [(year, counts.get(year, 0)) for year in range(min(counts), max(counts) + 1)] if counts else []


def totals(session: Session) -> tuple[int, int]:
    """Return how many public papers there are, and how many projects they used."""
    accepted = accepted_science()
    row = session.execute(
        sa.select(
            sa.func.count(sa.distinct(accepted.c.paper_id)), sa.func.count(sa.distinct(accepted.c.project_id))
        ).select_from(accepted)
    ).one()
    return int(row[0]), int(row[1])


def projects_with_papers(words: str = "") -> sa.Select[Any]:
    """Select code, title, papers and newest year of every project that a public paper used; most papers first."""
    accepted = accepted_science()
    count = sa.func.count(sa.distinct(accepted.c.paper_id)).label("papers")
    newest = sa.func.max(PaperRevision.year).label("newest")
    statement: Any = (
        sa.select(col(Project.code), col(ProjectRevision.title), count, newest)
        .join(accepted, accepted.c.project_id == col(Project.id))
        .join(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == accepted.c.paper_id, col(PaperRevision.superseded_at).is_(None)),
        )
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .group_by(col(Project.id), col(Project.code), col(ProjectRevision.title))
    )
    for word in tokens(words):
        columns = (Project.code, ProjectRevision.title, ProjectRevision.pi)
        statement = statement.where(sa.or_(*(holds(column, word) for column in columns)))
    selected: sa.Select[Any] = statement
    return selected


def project_sorts() -> dict[str, sa.ColumnElement[Any]]:
    """Return what the list of projects may be sorted by."""
    return {
        "code": sa.literal_column("project.code"),
        "papers": sa.literal_column("papers"),
        "newest": sa.literal_column("newest"),
    }


def find_project(session: Session, code: str) -> PublicProject | None:
    """Return the project with this code (case does not matter), or None."""
    row = session.execute(
        sa.select(Project, ProjectRevision)
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(sa.func.upper(Project.code) == code.upper())
        .order_by(col(Project.id))
    ).first()
    if row is None:
        return None
    project, facts = row
    return PublicProject(
        project_id=project.id,
        code=project.code,
        cycle=project.cycle,
        title=facts.title if facts else None,
        pi=facts.pi if facts else None,
        category=facts.category if facts else None,
    )


def find_paper(session: Session, paper_id: int) -> PublicPaper | None:
    """Return the public paper that stands for ``paper_id``, or None when there is none that may be shown."""
    survivor = survivor_of(session, paper_id)
    if survivor is None:
        return None
    statement = papers(Wanted()).where(col(PaperRevision.paper_id) == survivor)
    revision = session.execute(statement).scalars().first()
    return filled(session, [revision])[0] if revision is not None else None


def papers_of_reports(session: Session, reports: Sequence[PaperReport]) -> dict[int, int]:
    """Return, by report, the number of the paper it names, where the catalogue has that paper."""

    rows = session.execute(
        sa.select(col(PaperIdentifier.scheme), col(PaperIdentifier.value), survivor_id())
        .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
        .where(col(PaperIdentifier.value).in_([r.identifier for r in reports]))
    )
    found = {(scheme, value): paper_id for scheme, value, paper_id in rows}
    return {r.id: found[r.scheme, r.identifier] for r in reports if r.id and (r.scheme, r.identifier) in found}
