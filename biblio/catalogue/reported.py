"""Papers that readers reported: what waits, and which projects they name, for the desk and the matcher.

A report is never a decision. It makes its project a candidate of the paper, with the words "reported by a reader" as
evidence, so that a librarian finds it on the desk although the matcher proposes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.store.current import survivor_id
from biblio.store.models import Paper, PaperIdentifier, PaperReport, Project
from biblio.store.words import ReportState


@dataclass(frozen=True, slots=True)
class Reported:
    """One project that a reader named for a paper we have; ``project_id`` None where the list does not hold the code."""

    report_id: int
    paper_id: int
    project_code: str
    project_id: int | None
    made_at: datetime
    note: str
    is_waiting: bool


def count_waiting(session: Session) -> int:
    """Return how many papers wait on the page of reported papers."""
    papers = (
        sa.select(col(PaperReport.scheme), col(PaperReport.identifier))
        .where(col(PaperReport.state) == ReportState.WAITING)
        .distinct()
        .subquery()
    )
    return int(session.execute(sa.select(sa.func.count()).select_from(papers)).scalar_one())


def of_papers(session: Session, survivors: Collection[int]) -> dict[int, list[Reported]]:
    """Return what readers reported of these papers (survivors' ids) and nobody declined, the oldest first."""
    found: dict[int, list[Reported]] = {}
    for some in chunks(sorted(survivors)):
        rows = session.execute(
            sa.select(PaperReport, survivor_id(), col(Project.id))
            .join(
                PaperIdentifier,
                sa.and_(
                    col(PaperIdentifier.scheme) == col(PaperReport.scheme),
                    col(PaperIdentifier.value) == col(PaperReport.identifier),
                ),
            )
            .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
            .outerjoin(Project, col(Project.code) == col(PaperReport.project_code))
            .where(col(PaperReport.state) != ReportState.DECLINED, survivor_id().in_(some))
            .order_by(col(PaperReport.id))
        )
        for row, survivor, project in rows:
            one = Reported(
                row.id, survivor, row.project_code, project, row.made_at, row.note, row.state is ReportState.WAITING
            )
            found.setdefault(survivor, []).append(one)
    return found
