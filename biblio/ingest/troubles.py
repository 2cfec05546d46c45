"""Runs that did not end well, each until a later run of the same job has done what it should have done.

A run of everything makes good for all that failed before it. One that was asked for less (some sources, some days, a
year) makes good for what was asked for in the same words; a harvest of some sources also for those of a run of all
sources that stopped. An import is made good for by any later import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from biblio.feature import all_jobs
from biblio.ingest.aside import Asides
from biblio.ingest.asked import KNOWN
from biblio.ingest.by_hand import command_of, without_advice
from biblio.jobs import is_at_work
from biblio.store.models import JobRun
from biblio.store.words import Outcome

IMPORT = "import"

_MOST_LOOKED_AT = 200
"""Runs of one job looked at: half a year of nights."""

_DIED = "Its process died or was killed; what was stored is safe."

_HOW = ("accept", "begin_anew")
"""Arguments that say how, not what, is asked for."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A run that failed or was broken off, why, and what starts it again."""

    run: int
    job: str
    title: str
    at: datetime
    reason: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """What a person types to do it again; an import needs its files."""
        if self.job == IMPORT:
            return "biblio papers import FILE"
        return command_of(self.job, self.arguments)

    @property
    def sentence(self) -> str:
        """What happened, when, why, and what to do, in one line."""
        return f"{self.title}: did not succeed on {self.at:%Y-%m-%d %H:%M} UTC. {self.reason} Again: `{self.command}`."


def open_troubles(session: Session, jobs: Sequence[str], now: datetime) -> list[Trouble]:
    """Return the newest run of each job that ended badly and was not made good for, in the order of ``jobs``."""
    asides = Asides.of(session)
    found = []
    for job in jobs:
        rows = session.exec(
            select(JobRun).where(col(JobRun.job) == job).order_by(col(JobRun.id).desc()).limit(_MOST_LOOKED_AT)
        )
        if (trouble := _newest_open(rows.all(), asides, now)) is not None:
            found.append(trouble)
    return found


def _newest_open(rows: Sequence[JobRun], asides: Asides, now: datetime) -> Trouble | None:
    """Go back from the newest run to the last one that made good for everything."""
    good: list[JobRun] = []
    for row in rows:
        if row.outcome is Outcome.SUCCEEDED:
            if _is_whole(row):
                return None
            good.append(row)
        elif not is_at_work(row, now) and row.id not in asides.runs and not _is_made_good(row, good):
            return _trouble(row)
    return None


def _trouble(row: JobRun) -> Trouble:
    job = all_jobs().get(row.job)
    reason = without_advice((row.error or "").strip()) if row.outcome is Outcome.FAILED else _DIED
    assert row.id is not None
    return Trouble(
        row.id,
        row.job,
        job.title if job else row.job.capitalize(),
        row.ended_at or row.started_at,
        reason if reason.endswith((".", "!", "?")) else f"{reason or 'Nothing is known of why'}.",
        {name: value for name, value in row.arguments.items() if value not in (None, "")},
    )


def _asked(row: JobRun) -> dict[str, str]:
    """Return what a run was asked for; how it was to take it is left out."""
    return {name: str(value) for name, value in row.arguments.items() if value not in (None, "") and name not in _HOW}


def _is_whole(row: JobRun) -> bool:
    """Whether a run that succeeded did all its job can do; files are never all."""
    return row.job == IMPORT or not _asked(row)


def _is_made_good(failed: JobRun, good: Sequence[JobRun]) -> bool:
    """Whether these later runs, all of them successes for a part, did together what the failed one did not."""
    if any(_asked(row) == _asked(failed) for row in good):
        return True
    if failed.job != "harvest" or set(_asked(failed)) - {"sources"}:
        return False
    stopped = _stopped_sources(failed)
    later = {name for row in good if set(_asked(row)) == {"sources"} for name in _asked(row)["sources"].split(",")}
    return bool(stopped) and stopped <= later


def _stopped_sources(row: JobRun) -> set[str]:
    """Return the sources that a harvest says could not be read to their end; none where it failed otherwise."""
    named = [part.partition(": ")[0] for part in (row.error or "").split(" · ")]
    return set(named) if set(named) <= set(KNOWN) else set()
