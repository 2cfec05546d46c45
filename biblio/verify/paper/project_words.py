"""The folded words of all projects, kept in each process, so that a search at the desk reads one row of the database.

20,000 projects take 8 MB and, to read, a third of a second; a search looks through all of them in some milliseconds. Each
search asks first whether projects changed, and reads them anew if they did.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.folding import fold
from biblio.store.models import Project, ProjectRevision

Mark = tuple[int, int, int]
"""Greatest revision, number of revisions, number of projects: a revision whose writer was slow may have a lower number
than one that was seen, but adds to their number. Neither projects nor revisions are ever deleted."""


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """What a search looks through of one project, folded, and lines of it apart; ``words`` holds all of it."""

    project_id: int
    code: str
    pi: str
    words: str

    def rank(self, terms: Sequence[str]) -> int:
        """Return how well a project that holds all ``terms`` is meant by them; less is better.

        Each term adds 0 where the code begins with it, 1 where it stands in the code, 2 in the PI, 3 elsewhere.
        """
        return sum(
            0 if self.code.startswith(term) else 1 if term in self.code else 2 if term in self.pi else 3
            for term in terms
        )


class ProjectWords:
    """Keeps the lines of all projects of one store; several threads may ask at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[Mark | None, tuple[ProjectLine, ...]] = (None, ())

    def find(self, session: Session, terms: Sequence[str]) -> list[ProjectLine]:
        """Return the projects that hold all ``terms`` (any case, accents or none), the best first, then the newest code."""
        folded = [term for term in map(fold, terms) if term]
        if not folded:
            return []
        found = list(self._lines(session))
        for term in folded:
            found = [line for line in found if term in line.words]
        found.sort(key=lambda line: line.code, reverse=True)
        return sorted(found, key=lambda line: line.rank(folded))

    def _lines(self, session: Session) -> tuple[ProjectLine, ...]:
        """Return the lines as of now. The mark is read before them: what comes between is read once more, never missed."""
        mark = _read_mark(session)
        if self._kept[0] != mark:
            with self._lock:  # one thread reads them; the others wait for it
                if self._kept[0] != mark:
                    self._kept = (mark, _read_lines(session))
        return self._kept[1]


def _read_mark(session: Session) -> Mark:
    last = sa.select(sa.func.max(col(ProjectRevision.id))).scalar_subquery()
    number = sa.select(sa.func.count()).select_from(ProjectRevision).scalar_subquery()
    projects = sa.select(sa.func.count()).select_from(Project).scalar_subquery()
    mark = session.execute(sa.select(sa.func.coalesce(last, 0), number, projects)).one()
    return mark[0], mark[1], mark[2]


def _read_lines(session: Session) -> tuple[ProjectLine, ...]:
    facts = ProjectRevision
    rows = session.execute(
        sa.select(col(Project.id), col(Project.code), col(facts.pi), col(facts.title), col(facts.targets)).outerjoin(
            facts, sa.and_(col(facts.project_id) == col(Project.id), col(facts.superseded_at).is_(None))
        )
    )
    return tuple(_line(*row) for row in rows)


def _line(project_id: int, code: str, pi: str | None, title: str | None, targets: list[str] | None) -> ProjectLine:
    words = fold("\n".join((code, pi or "", title or "", *(targets or ()))))
    return ProjectLine(project_id, fold(code), fold(pi or ""), words)
