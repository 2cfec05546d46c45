"""What the admin pages show, read into dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlmodel import Session, col, func, select

from biblio.jobs import Job, is_at_work, next_start, periods_done
from biblio.store.models import AuditEntry, JobRun, OutboxMail, UserAccount
from biblio.store.words import MailState, Outcome
from biblio.webkit import holds


@dataclass(frozen=True, slots=True)
class JobState:
    """One job as the admin page shows it."""

    name: str
    title: str
    schedule: str | None
    next_at: datetime | None
    running_since: datetime | None
    last_success_at: datetime | None
    last: JobRun | None

    @property
    def failed(self) -> bool:
        """Whether the latest attempt that ended did not succeed."""
        return self.last is not None and self.last.outcome in (Outcome.FAILED, Outcome.ABANDONED)


def job_states(session: Session, jobs: Iterable[Job], now: datetime) -> list[JobState]:
    """Return every job with its latest attempts, in three queries."""
    latest = select(func.max(JobRun.id)).group_by(col(JobRun.job))
    last = {run.job: run for run in session.exec(select(JobRun).where(col(JobRun.id).in_(latest)))}
    success = dict(
        session.execute(
            select(JobRun.job, func.max(JobRun.ended_at))
            .where(col(JobRun.outcome) == Outcome.SUCCEEDED)
            .group_by(col(JobRun.job))
        ).all()
    )
    done = periods_done(session)
    return [
        JobState(
            name=job.name,
            title=job.title,
            schedule=job.schedule,
            next_at=next_start(job, now, done.get(job.name)),
            running_since=run.started_at if (run := last.get(job.name)) and is_at_work(run, now) else None,
            last_success_at=success.get(job.name),
            last=run,
        )
        for job in jobs
    ]


def runs(job: str | None = None, outcome: Outcome | None = None) -> Select[Any]:
    """Select job runs, latest first."""
    statement: Select[Any] = select(JobRun)
    if job:
        statement = statement.where(col(JobRun.job) == job)
    if outcome:
        statement = statement.where(col(JobRun.outcome) == outcome)
    return statement.order_by(col(JobRun.id).desc())


def mail_counts(session: Session) -> Mapping[MailState, int]:
    """Return how many letters stand where."""
    rows = session.execute(select(OutboxMail.state, func.count()).group_by(col(OutboxMail.state)))
    found = dict(rows.all())
    return {state: found.get(state, 0) for state in MailState}


def letters(state: MailState | None, kind: str | None = None) -> Select[Any]:
    """Select letters, latest first, without their bodies: those hold survey links."""
    columns = (
        col(OutboxMail.id),
        col(OutboxMail.kind),
        col(OutboxMail.recipient),
        col(OutboxMail.subject),
        col(OutboxMail.state),
        col(OutboxMail.created_at),
        col(OutboxMail.sent_at),
        col(OutboxMail.reason),
    )
    statement: Select[Any] = select(*columns)  # type: ignore[call-overload]
    if state:
        statement = statement.where(col(OutboxMail.state) == state)
    if kind:
        statement = statement.where(col(OutboxMail.kind) == kind)
    return statement.order_by(col(OutboxMail.id).desc())


def audit(action: str | None, subject: str | None) -> Select[Any]:
    """Select audit entries with the name of who acted, latest first."""
    statement: Any = select(AuditEntry, UserAccount.name).outerjoin(
        UserAccount, col(UserAccount.id) == col(AuditEntry.actor_id)
    )
    if action:
        statement = statement.where(col(AuditEntry.action) == action)
    if subject:
        statement = statement.where(holds(AuditEntry.subject, subject))
    ordered: Select[Any] = statement.order_by(col(AuditEntry.id).desc())
    return ordered


def audit_actions(session: Session) -> list[str]:
    """Return the kinds of entries there are."""
    return list(session.exec(select(AuditEntry.action).distinct().order_by(col(AuditEntry.action))))
