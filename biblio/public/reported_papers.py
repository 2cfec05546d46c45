"""What the page of reported papers shows: one row for each paper, so that ten thousand reports are still a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.reported import count_waiting
from biblio.public.exports import address_of
from biblio.store.current import survivor_id
from biblio.store.models import Paper, PaperIdentifier, PaperReport, PaperRevision, Project, UserAccount
from biblio.store.search import holds
from biblio.store.words import ReportState, Scheme

__all__ = ["Named", "ReportedPaper", "count_waiting", "filled", "only_project", "papers"]


@dataclass(frozen=True, slots=True)
class Named:
    """One project that was reported for a paper: ``reason`` and ``who`` say how it was handled."""

    report_id: int
    code: str
    note: str
    made_at: datetime
    reason: str
    who: str | None


@dataclass(frozen=True, slots=True)
class ReportedPaper:
    """One paper that readers told us of, with every project they named, the newest report first."""

    scheme: Scheme
    identifier: str
    address: str
    newest_at: datetime
    named: tuple[Named, ...]
    paper_id: int | None
    title: str | None

    @property
    def key(self) -> str:
        """The paper as forms of the page name it."""
        return f"{self.scheme.value} {self.identifier}"


def papers(state: ReportState, words: str) -> sa.Select[Any]:
    """Select the reported papers in this state, the newest report first: scheme, identifier, newest row."""
    newest = sa.func.max(col(PaperReport.id))
    statement: Any = (
        sa.select(col(PaperReport.scheme), col(PaperReport.identifier), newest.label("newest"))
        .where(col(PaperReport.state) == state)
        .group_by(col(PaperReport.scheme), col(PaperReport.identifier))
    )
    for word in words.split():
        statement = statement.where(
            sa.or_(
                holds(PaperReport.identifier, word),
                holds(PaperReport.project_code, word),
                holds(PaperReport.note, word),
            )
        )
    ordered: sa.Select[Any] = statement.order_by(newest.desc())
    return ordered


def filled(session: Session, rows: Sequence[Any], state: ReportState) -> list[ReportedPaper]:
    """Return the papers of one page with their reports, in the page's order; three statements however many there are."""
    keys = [(scheme, value) for scheme, value, _ in rows]
    values = [value for _, value in keys]
    reports: dict[tuple[Scheme, str], list[Named]] = {}
    found = session.execute(
        sa.select(PaperReport, col(UserAccount.name))
        .outerjoin(UserAccount, col(UserAccount.id) == col(PaperReport.handled_by_id))
        .where(col(PaperReport.state) == state, col(PaperReport.identifier).in_(values))
        .order_by(col(PaperReport.id).desc())
    )
    for row, who in found:
        named = Named(row.id, row.project_code, row.note, row.made_at, row.reason, who)
        reports.setdefault((row.scheme, row.identifier), []).append(named)
    known = _known(session, values)
    return [
        ReportedPaper(
            scheme,
            value,
            address_of(scheme, value),
            reports[scheme, value][0].made_at,
            tuple(reports[scheme, value]),
            *known.get((scheme, value), (None, None)),
        )
        for scheme, value in keys
        if (scheme, value) in reports
    ]


def _known(session: Session, values: Sequence[str]) -> dict[tuple[Scheme, str], tuple[int, str | None]]:
    """Return paper and title of those that the catalogue has."""
    rows = session.execute(
        sa.select(col(PaperIdentifier.scheme), col(PaperIdentifier.value), survivor_id(), col(PaperRevision.title))
        .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
        .outerjoin(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == survivor_id(), col(PaperRevision.superseded_at).is_(None)),
        )
        .where(col(PaperIdentifier.value).in_(values))
    )
    return {(scheme, value): (paper_id, title) for scheme, value, paper_id, title in rows}


def only_project(session: Session, reports: Sequence[PaperReport]) -> int | None:
    """Return the project to open a paper with: the one that was reported, where it is one, and in our list."""
    codes = {report.project_code for report in reports}
    if len(codes) != 1:
        return None
    return session.exec(select(Project.id).where(col(Project.code) == codes.pop())).first()
