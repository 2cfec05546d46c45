"""What runs at this moment and how far it is, and how what ran just now has ended: for the page and for its script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.feature import all_jobs
from biblio.ingest.by_hand import advised_once
from biblio.ingest.ledger import ASKED_AS, label_of
from biblio.jobs import is_at_work
from biblio.store.models import JobRun
from biblio.store.words import Outcome

WATCHED = ("harvest", "resweep", "refresh", "count", "read", "reparse", "twins", "import", "push")
"""The jobs of ingest, as rows name them."""

JUST_ENDED = timedelta(minutes=3)
"""How long a page tells of a run that has ended: whoever pressed a button has seen by then what came of it."""

MOST_WATCHED = 20
"""Runs asked after at once."""

_TOLD = {
    "records": "records",
    "new": "new",
    "changed": "changed",
    "refused": "refused",
    "pages_refused": "pages refused",
    "texts_read": "texts read",
    "short_texts_read": "abstracts and snippets read",
    "mentions": "codes seen",
    "papers_expected": "papers counted",
    "added": "papers put into the ADS library",
    "removed": "papers taken out of it",
}
"""Counts worth telling when a run has ended, with their words."""


@dataclass(frozen=True, slots=True)
class RunState:
    """One run: "running" with what it does (``done`` of ``total``; None: not known), else how it ended."""

    id: int
    job: str
    title: str
    started_at: datetime
    state: str
    what: str = ""
    done: int | None = None
    total: int | None = None
    words: str = ""
    ended_at: datetime | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is at work."""
        return self.state == "running"

    def as_json(self) -> dict[str, Any]:
        """Return the state as the page's script reads it."""
        told = asdict(self)
        for name in ("started_at", "ended_at"):
            told[name] = told[name].isoformat(timespec="seconds") if told[name] else None
        return told


def running_now(session: Session, now: datetime) -> list[RunState]:
    """Return the runs of ingest's jobs that are at work, the oldest first; one whose process died is not."""
    rows = session.exec(
        select(JobRun)
        .where(col(JobRun.outcome) == Outcome.RUNNING, col(JobRun.job).in_(WATCHED))
        .order_by(col(JobRun.id))
    )
    return [state_of(row, now) for row in rows if is_at_work(row, now)]


def just_ended(session: Session, now: datetime) -> list[RunState]:
    """Return the newest run of each job that ended a moment ago, the oldest first."""
    rows = session.exec(
        select(JobRun)
        .where(col(JobRun.job).in_(WATCHED), col(JobRun.ended_at) > now - JUST_ENDED)
        .order_by(col(JobRun.id))
    )
    newest = {row.job: state_of(row, now) for row in rows}
    return sorted(newest.values(), key=lambda state: state.id)


def last_runs(session: Session, now: datetime) -> dict[str, RunState]:
    """Return the newest run of each job of ingest that ran ever, by job."""
    newest = select(sa.func.max(JobRun.id)).where(col(JobRun.job).in_(WATCHED)).group_by(col(JobRun.job))
    rows = session.exec(select(JobRun).where(col(JobRun.id).in_(newest)))
    return {row.job: state_of(row, now) for row in rows}


def newest_run(session: Session) -> int:
    """Return the number of the run that began last; 0 before the first."""
    return session.exec(select(sa.func.max(JobRun.id))).one() or 0


def begun_after(session: Session, number: int) -> list[int]:
    """Return the numbers of the runs of ingest's jobs that began after run ``number``, the newest first."""
    rows = session.exec(
        select(JobRun.id)
        .where(col(JobRun.id) > number, col(JobRun.job).in_(WATCHED))
        .order_by(col(JobRun.id).desc())
        .limit(MOST_WATCHED)
    )
    return [found for found in rows if found is not None]


def states(session: Session, ids: Iterable[int], now: datetime) -> list[RunState]:
    """Return the state of these runs and of all that are at work, each once."""
    found = {state.id: state for state in running_now(session, now)}
    asked = list(ids)[:MOST_WATCHED]
    rows = session.exec(select(JobRun).where(col(JobRun.id).in_(asked), col(JobRun.job).in_(WATCHED)))
    found |= {row.id: state_of(row, now) for row in rows if row.id is not None}
    return [found[run_id] for run_id in sorted(found)]


def state_of(row: JobRun, now: datetime) -> RunState:
    """Return how a run stands, in words."""
    job = all_jobs().get(row.job)
    title = job.title if job else row.job.capitalize()
    assert row.id is not None
    if is_at_work(row, now):
        told = row.progress or {}
        done, total = told.get("done"), told.get("total")
        what = _named(str(told.get("what") or ""))
        return RunState(
            row.id, row.job, title, row.started_at, "running", what, done, total, _so_far(what, done, total)
        )
    if row.outcome is Outcome.RUNNING:
        return RunState(
            row.id, row.job, title, row.started_at, "abandoned",
            words="Its process died; the next run goes on where it stopped.", ended_at=row.ended_at,
        )  # fmt: skip
    return RunState(row.id, row.job, title, row.started_at, row.outcome.value, words=_ended(row), ended_at=row.ended_at)


def _named(what: str) -> str:
    """Return what a job says it does with the source's name as pages write it."""
    first, _, rest = what.partition(" ")
    source = {name: source for source, name in ASKED_AS.items()}.get(first, first)
    label = label_of(source)
    return what if label.startswith("List ") else f"{label} {rest}".strip()


def _so_far(what: str, done: int | None, total: int | None) -> str:
    if done is None:
        return "at work"
    if not done and total is None:
        return what or "at work"  # nothing came yet
    return f"{what} {done:,}" + (f" of {total:,}" if total is not None else "")


def _ended(row: JobRun) -> str:
    """Return how a run ended, with its counts."""
    counts = ", ".join(f"{row.counts[name]:,} {words}" for name, words in _TOLD.items() if row.counts.get(name))
    if row.outcome is Outcome.SUCCEEDED:
        return f"Ended: {counts or 'nothing new'}.{_missed(row)}"
    told = advised_once((row.error or "").strip()) or "It did not end well."
    return f"{told}{f' Stored before: {counts}.' if counts else ''}"


def _missed(row: JobRun) -> str:
    """Say of a re-sweep what it is there to find out: whether the daily runs had missed anything."""
    if "missed" not in row.counts:
        return ""
    return f" The daily runs had missed {row.counts['missed'] or 'none'}."
