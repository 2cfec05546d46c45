"""Writes of the reports: freezing a report as a dated snapshot to compare later ones with."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from biblio.store.models import ReportSnapshot
from reports.build import Report


def freeze(session: Session, report: Report, *, now: datetime) -> ReportSnapshot:
    """Keep the report's five numbers as they are now; a snapshot is never changed."""
    snapshot = ReportSnapshot(
        as_of=report.as_of,
        made_at=now,
        figures={f.indicator.key: f.value for f in report.headline if f.value == f.value},
    )
    session.add(snapshot)
    session.flush()
    return snapshot


def last_snapshot(session: Session) -> ReportSnapshot | None:
    """Return the newest snapshot, if there is one."""
    return session.exec(select(ReportSnapshot).order_by(col(ReportSnapshot.id).desc())).first()
