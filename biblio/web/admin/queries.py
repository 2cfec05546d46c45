"""What the admin pages show, read into dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlmodel import Session, col, func, select

from biblio.catalogue.audit import Wanted, hidden_papers
from biblio.catalogue.audit_streams import Kind
from biblio.catalogue.pasted import find_paper, read_identifier
from biblio.errors import NotAllowed, NotFound, RequestRefused
from biblio.jobs import Job, is_at_work, next_start, periods_done
from biblio.store.current import group_ids, survivor_of
from biblio.store.models import (
    CandidateRevision,
    Decision,
    EvidenceItem,
    JobRun,
    OutboxMail,
    Paper,
    PaperRevision,
    Project,
    UserAccount,
)
from biblio.store.words import MailState, Outcome


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


AUDIT_FILTERS = ("who", "kind", "from", "to", "paper", "project", "q")
"""What the audit log can be searched by, as its address names them."""


def people(session: Session) -> list[tuple[int, str]]:
    """Return everybody who has or had a login, by name."""
    rows = session.execute(sa.select(col(UserAccount.id), col(UserAccount.name)).order_by(col(UserAccount.name)))
    return [(row[0], row[1]) for row in rows]


def audit_wanted(session: Session, filters: Mapping[str, str]) -> Wanted:
    """Return what the filters ask for. Raises ``RequestRefused`` with a sentence for one that cannot be meant."""
    who, kind = filters.get("who", ""), filters.get("kind", "")
    project = filters.get("project", "")
    project_id = session.exec(select(Project.id).where(func.upper(Project.code) == project.upper())).first()
    if project and project_id is None:
        raise RequestRefused(f"There is no project {project[:64]}: check the code.")
    return Wanted(
        who=int(who) if who.isdecimal() and len(who) < 10 else None,
        kind=Kind(kind) if kind in set(Kind) else None,
        first=_day(filters.get("from", "")),
        last=_day(filters.get("to", "")),
        papers=_papers(session, filters.get("paper", "")),
        project=project_id if project else None,
        words=filters.get("q", ""),
    )


def _day(written: str) -> date | None:
    if not written:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise RequestRefused(f"{written[:20]} is no day such as 2026-11-22.") from error


def _papers(session: Session, written: str) -> tuple[int, ...] | None:
    """Return the numbers of a paper and of what was merged into it, asked for by our number or any identifier."""
    if not written:
        return None
    if written.isdecimal() and len(written) < 10:
        survivor = survivor_of(session, int(written))
    else:
        survivor = find_paper(session, read_identifier(written))
    if survivor is None:
        raise RequestRefused(f"There is no paper {written[:80]} in the catalogue.")
    return tuple(group_ids(session, survivor))


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision with what was on the screen: the act, and the evidence of the revision that was shown."""

    decision: Decision
    who: str
    code: str
    paper_id: int
    title: str
    revision: CandidateRevision | None
    evidence: tuple[EvidenceItem, ...]


def decided(session: Session, decision_id: int, *, viewer: int) -> Decided:
    """Return a decision with its evidence. Raises ``NotFound``, or ``NotAllowed`` while a second reader has to judge."""
    row = session.execute(
        sa.select(Decision, col(UserAccount.name), col(Project.code))
        .join(UserAccount, col(UserAccount.id) == col(Decision.actor_id))
        .join(Project, col(Project.id) == col(Decision.project_id))
        .where(col(Decision.id) == decision_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no decision number {decision_id}.")
    decision, who, code = row
    if session.execute(hidden_papers(viewer).where(col(Paper.id) == decision.paper_id)).first() is not None:
        raise NotAllowed("A second reader has yet to judge this paper; until then only its first reader sees this.")
    paper_id = survivor_of(session, decision.paper_id) or decision.paper_id
    title = session.exec(
        select(PaperRevision.title).where(
            col(PaperRevision.paper_id) == paper_id, col(PaperRevision.superseded_at).is_(None)
        )
    ).first()
    revision = (
        session.get(CandidateRevision, decision.candidate_revision_id) if decision.candidate_revision_id else None
    )
    items = (
        session.exec(
            select(EvidenceItem).where(col(EvidenceItem.revision_id) == revision.id).order_by(col(EvidenceItem.ordinal))
        ).all()
        if revision is not None
        else ()
    )
    return Decided(decision, who, code, paper_id, title or "", revision, tuple(items))
