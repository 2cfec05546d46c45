"""Finding a project that the machine did not propose: by code, PI, title or target."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.store.models import Project, ProjectRevision

MOST_FOUND = 12
"""Projects that a search at the desk shows."""


def find_projects(session: Session, words: str, *, canonical: str | None = None) -> list[int]:
    """Return the projects whose code, PI, title or targets hold all of ``words``; at most ``MOST_FOUND``.

    ``canonical`` is what the code grammar makes of the words, if they are a code. A code's beginning or number is
    enough.
    """
    if canonical is not None:
        exact = session.exec(select(Project.id).where(col(Project.code) == canonical)).first()
        if exact is not None:
            return [exact]
    terms = words.split()[:6]
    if not terms:
        return []
    conditions = [
        sa.or_(
            *(
                column.ilike(f"%{_escaped(term)}%", escape="\\")
                for column in (
                    col(Project.code),
                    col(ProjectRevision.pi),
                    col(ProjectRevision.title),
                    sa.cast(col(ProjectRevision.targets), sa.Text),
                )
            )
        )
        for term in terms
    ]
    query = (
        select(Project.id)
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(*conditions)
        .order_by(col(Project.code).desc())
        .limit(MOST_FOUND)
    )
    return [i for i in session.exec(query) if i is not None]


def _escaped(term: str) -> str:
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
