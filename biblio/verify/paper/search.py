"""Finding a project that the machine did not propose: by code, PI, title or target."""

from __future__ import annotations

from sqlmodel import Session, col, select

from biblio.store.models import Project
from biblio.verify.paper.project_words import ProjectWords

MOST_FOUND = 12
"""Projects that a search at the desk shows."""

MOST_TERMS = 6
"""Words of a search that count."""


def find_projects(session: Session, projects: ProjectWords, words: str, *, canonical: str | None = None) -> list[int]:
    """Return the projects whose code, PI, title or targets hold all of ``words``, the best first; at most ``MOST_FOUND``.

    ``canonical`` is what the code grammar makes of the words, if they are a code. A code's beginning or number is
    enough, and accents need not be typed.
    """
    if canonical is not None:
        exact = session.exec(select(Project.id).where(col(Project.code) == canonical)).first()
        if exact is not None:
            return [exact]
    terms = words.split()[:MOST_TERMS]
    return [line.project_id for line in projects.find(session, terms)[:MOST_FOUND]] if terms else []
