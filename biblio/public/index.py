"""The public bibliography as it is searched: in memory, folded, and made anew when anything it rests on has changed.

Which papers are public follows from links, relations and merges; working that out takes 0.2 s for 50,000 papers, too
long for every request and impossible to index. So each process keeps the outcome with the folded words of the papers
(about 1 kB each), and asks the database with every request, in a few milliseconds, whether it still holds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from anyascii import anyascii
from sqlmodel import Session, col

from biblio.store.current import accepted_science
from biblio.store.models import (
    Decision,
    Link,
    Paper,
    PaperAuthor,
    PaperMerge,
    PaperRelation,
    PaperRevision,
    Project,
    ProjectRevision,
)

_MANY = 2_000
"""Ids handed to one statement; SQLite takes 32,766 since 3.32, PostgreSQL 65,535."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One public paper. ``words`` are its title and authors folded, ``codes`` its projects' codes folded."""

    paper_id: int
    year: int | None
    published_on: date | None
    is_refereed: bool
    title: str
    words: str
    codes: str
    project_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """One project that a public paper used. ``words`` are its code, title and PI folded."""

    project_id: int
    code: str
    title: str | None
    words: str
    papers: int
    newest: int | None


@dataclass(frozen=True)
class PublicIndex:
    """All public papers, newest first, and the projects they used, most papers first."""

    papers: tuple[Entry, ...]
    projects: tuple[ProjectEntry, ...]
    by_id: dict[int, Entry] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)

    def codes_of(self, paper_id: int) -> tuple[str, ...]:
        """Return the codes of the projects that a paper used, in order; none for a paper that is not public."""
        entry = self.by_id.get(paper_id)
        return tuple(sorted(self.codes[number] for number in entry.project_ids)) if entry else ()

    def by_year(self) -> list[tuple[int, int]]:
        """Return (year, papers) from the first year with a paper to the last, years without one included."""
        counts: dict[int, int] = {}
        for entry in self.papers:
            if entry.year is not None:
                counts[entry.year] = counts.get(entry.year, 0) + 1
        return [(year, counts.get(year, 0)) for year in range(min(counts), max(counts) + 1)] if counts else []


def fold(text: str) -> str:
    """Return ``text`` in lower case, without accents: "Çelik" and "celik" are one."""
    return (text if text.isascii() else str(anyascii(text))).lower()


class IndexKeeper:
    """Keeps the index of one process, and makes it anew when the database says that it no longer holds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: tuple[Any, ...] | None = None
        self._index = PublicIndex((), ())
        self._texts: dict[int, tuple[str, str]] = {}

    def current(self, session: Session) -> PublicIndex:
        """Return the index as of now."""
        state = _state(session)
        with self._lock:
            if state != self._state:
                self._index = self._build(session)
                self._state = state
            return self._index

    def _build(self, session: Session) -> PublicIndex:
        rows = session.execute(_accepted_papers()).all()
        self._texts = _texts(session, {row.revision_id for row in rows}, self._texts)
        facts = _project_facts(session)
        grouped: dict[int, list[Any]] = {}
        for row in rows:
            grouped.setdefault(row.paper_id, []).append(row)
        papers = sorted((self._entry(group, facts) for group in grouped.values()), key=_newest_first)
        projects = _projects(papers, facts)
        codes = {project.project_id: project.code for project in projects}
        return PublicIndex(tuple(papers), projects, {entry.paper_id: entry for entry in papers}, codes)

    def _entry(self, rows: Sequence[Any], facts: dict[int, tuple[str, str | None, str]]) -> Entry:
        first = rows[0]
        title, words = self._texts[first.revision_id]
        projects = tuple(sorted(row.project_id for row in rows))
        return Entry(
            paper_id=first.paper_id,
            year=first.year,
            published_on=first.published_on,
            is_refereed=first.is_refereed,
            title=title,
            words=words,
            codes=" ".join(facts[p][0].lower() for p in projects),
            project_ids=projects,
        )


def _newest_first(entry: Entry) -> tuple[int, int, int]:
    published = entry.published_on.toordinal() if entry.published_on else 0
    return (-(entry.year or 0), -published, -entry.paper_id)


def _state(session: Session) -> tuple[Any, ...]:
    """Return a few numbers of which at least one differs after anything that the index rests on has changed."""
    numbers = (
        sa.func.max(Decision.id),
        sa.func.max(Link.id),
        sa.func.count(col(Link.ended_at)),
        sa.func.max(PaperRelation.id),
        sa.func.count(col(PaperRelation.ended_at)),
        sa.func.max(PaperMerge.id),
        sa.func.count(col(PaperMerge.undone_at)),
        sa.func.count(col(Paper.merged_into_id)),
        sa.func.max(PaperRevision.id),
        sa.func.max(ProjectRevision.id),
    )
    return tuple(session.execute(sa.select(*(sa.select(n).scalar_subquery() for n in numbers))).one())


def _accepted_papers() -> sa.Select[Any]:
    accepted = accepted_science()
    columns: tuple[Any, ...] = (
        accepted.c.paper_id,
        accepted.c.project_id,
        col(PaperRevision.id).label("revision_id"),
        col(PaperRevision.year),
        col(PaperRevision.published_on),
        col(PaperRevision.is_refereed),
    )
    return (
        sa.select(*columns)
        .join(PaperRevision, col(PaperRevision.paper_id) == accepted.c.paper_id)
        .where(col(PaperRevision.superseded_at).is_(None))
    )


def _texts(session: Session, wanted: set[int], known: dict[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """Return (folded title, folded title and authors) by revision; only those not known are read."""
    texts = {revision: known[revision] for revision in wanted & known.keys()}
    missing = sorted(wanted - known.keys())
    for part in (missing[i : i + _MANY] for i in range(0, len(missing), _MANY)):
        titles = session.execute(
            sa.select(col(PaperRevision.id), col(PaperRevision.title)).where(col(PaperRevision.id).in_(part))
        ).all()
        names: dict[int, list[str]] = {}
        for revision, name in session.execute(
            sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name)).where(col(PaperAuthor.revision_id).in_(part))
        ):
            names.setdefault(revision, []).append(fold(name))
        for revision, title in titles:
            folded = fold(title or "")
            texts[revision] = (folded, "\n".join((folded, *names.get(revision, ()))))
    return texts


def _project_facts(session: Session) -> dict[int, tuple[str, str | None, str]]:
    """Return code, title and folded words of every project, by number."""
    rows = session.execute(
        sa.select(col(Project.id), col(Project.code), col(ProjectRevision.title), col(ProjectRevision.pi)).outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
    )
    return {
        number: (code, title, "\n".join((code.lower(), fold(title or ""), fold(pi or ""))))
        for number, code, title, pi in rows
    }


def _projects(papers: Iterable[Entry], facts: dict[int, tuple[str, str | None, str]]) -> tuple[ProjectEntry, ...]:
    years: dict[int, list[int]] = {}
    for entry in papers:
        for project in entry.project_ids:
            years.setdefault(project, []).append(entry.year or 0)
    found = [
        ProjectEntry(project, *facts[project], papers=len(of), newest=max(of) or None) for project, of in years.items()
    ]
    return tuple(sorted(found, key=lambda project: (-project.papers, project.code)))
