"""Pages that were held back because they are not plausible: open until they are taken, or a person has set them aside.

A page belongs to what was asked: the daily harvest, some days of it, a re-sweep of a year, a refresh. Only the same
asking takes it: another one that ended, though it was of the same source, has not been at this page. An asking stops at
the first page that is held back, so each has one at most: the newest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.ingest.aside import Asides
from biblio.ingest.by_hand import command_of
from biblio.ingest.limits import HELD_BACK
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun

_ASKED_BY = ("since", "until", "year")
"""Arguments of jobs that say what is asked of a source; the others say of which, or how."""

_LIST = re.compile(r"^(.*) changes since ")
"""Which of a service's lists (the sets of OAI-PMH) a page is of: each goes on from a place of its own."""

_SINGLE = "arxiv-rss"
"""A source whose every page is an end: that of another day has not been at the one held back."""

_BY_DAYS = "arxiv"
"""A source whose pages are named by their days: whatever asks for these days asks for the page."""

Asking = tuple[str, tuple[tuple[str, str], ...]]
"""A job and those of its arguments that say what is asked."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A page that was not taken because it is not plausible, and the job with arguments that takes it.

    ``number`` is that of its newest refusal.
    """

    number: int
    source: str
    place: str
    reason: str
    at: datetime
    job: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """What a person types to take it."""
        return command_of(self.job, self.arguments)

    @property
    def asked(self) -> str:
        """In what it came, in words; empty for the daily harvest."""
        days = " to ".join(self.arguments[name] for name in ("since", "until") if name in self.arguments)
        if self.job == "harvest":
            return f"days {days}" if days else ""
        named = {"resweep": "re-sweep"}.get(self.job, self.job)
        return f"{named} of {self.arguments['year']}" if "year" in self.arguments else named


@dataclass(frozen=True, slots=True)
class _Refused:
    """The newest refusal of one page in one asking; ``run`` is the one it came in."""

    number: int
    source: str
    place: str
    reason: str
    at: datetime
    run: int | None
    asking: Asking


def held_pages(session: Session, called: Mapping[str, str], source: str | None = None) -> list[HeldBack]:
    """Return the pages that are held back, oldest first. ``called`` gives a source's name in jobs where it has another."""
    asides = Asides.of(session)
    newest: dict[tuple[str, str, Asking], _Refused | None] = {}
    for refused in _refused(session, source):
        is_aside = asides.takes(refused.number, refused.source, refused.place, refused.place, refused.reason)
        newest[refused.source, list_of(refused.place), refused.asking] = None if is_aside else refused
    found = [one for one in newest.values() if one is not None and not _was_taken(session, one)]
    return [_described(one, called.get(one.source, one.source)) for one in sorted(found, key=lambda one: one.number)]


def list_of(place: str) -> str:
    """Return which of a service's lists a page is of; empty where the service has one."""
    found = _LIST.match(place)
    return found[1] if found else ""


def _refused(session: Session, source: str | None) -> list[_Refused]:
    query = (
        sa.select(HarvestRefusal, col(JobRun.job), col(JobRun.arguments))
        .join(JobRun, col(JobRun.id) == col(HarvestRefusal.job_run_id), isouter=True)
        .where(col(HarvestRefusal.reason).contains(HELD_BACK, autoescape=True), col(HarvestRefusal.key).is_(None))
        .order_by(col(HarvestRefusal.id))
    )
    if source is not None:
        query = query.where(col(HarvestRefusal.source) == source)
    return [
        _Refused(row.id or 0, row.source, row.place, row.reason, row.refused_at, row.job_run_id, asking_of(job, given))
        for row, job, given in session.execute(query)
    ]


def asking_of(job: str | None, arguments: Mapping[str, object] | None) -> Asking:
    """Return what a run asked for; a page that belongs to no run counts as one of the daily harvest."""
    given = arguments or {}
    return job or "harvest", tuple((name, str(given[name])) for name in _ASKED_BY if given.get(name))


def _described(refused: _Refused, name: str) -> HeldBack:
    job, asked = refused.asking
    arguments = {"sources": name} if job == "harvest" else {}
    reason = refused.reason.partition(HELD_BACK)[2].partition(". Nothing of this page")[0]
    return HeldBack(
        refused.number,
        refused.source,
        refused.place,
        reason,
        refused.at,
        job,
        {**arguments, **dict(asked), "accept": name},
    )


def _was_taken(session: Session, refused: _Refused) -> bool:
    """Whether the same asking came through this page later: it stored it, or it came to its end."""
    stopped = session.exec(
        select(sa.func.max(HarvestPage.id)).where(
            col(HarvestPage.source) == refused.source,
            col(HarvestPage.place) == refused.place,
            col(HarvestPage.job_run_id) == refused.run,
            col(HarvestPage.records) == 0,
        )
    ).one()
    ends = sa.and_(col(HarvestPage.is_last), col(HarvestPage.place).startswith(list_of(refused.place), autoescape=True))
    same = col(HarvestPage.place) == refused.place
    later = session.execute(
        sa.select(col(HarvestPage.place), col(JobRun.job), col(JobRun.arguments))
        .select_from(HarvestPage)
        .join(JobRun, col(JobRun.id) == col(HarvestPage.job_run_id), isouter=True)
        .where(
            col(HarvestPage.source) == refused.source,
            col(HarvestPage.id) > stopped if stopped else col(HarvestPage.job_run_id) > (refused.run or 0),
            col(HarvestPage.records) > 0,
            same if refused.source == _SINGLE else sa.or_(same, ends),
        )
    )
    return any(
        asking_of(job, given) == refused.asking or (refused.source == _BY_DAYS and place == refused.place)
        for place, job, given in later
    )
