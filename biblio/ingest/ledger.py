"""Per source: when it was last asked, where it goes on, what holds it back; the schedule; requests and quotas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.ingest.held import HeldBack, held_pages
from biblio.jobs import Job, next_start, periods_done
from biblio.store.models import HarvestCursor, HarvestPage, HarvestRefusal, JobRun, Quota, RequestCount

SOURCES = {
    "registry": "Project list",
    "arxiv": "arXiv API",
    "arxiv-oai": "arXiv OAI-PMH",
    "arxiv-rss": "arXiv RSS",
    "ads": "ADS",
}
"""The services that are harvested, with the names pages show, in the order in which they are asked."""

ASKED_AS = {"registry": "projects"}
"""Sources that the harvest knows by another name."""

TEXTS = "fulltext"
"""What refusals of full texts are kept under; they are read, not harvested."""

SERVICES = {"arxiv": "arXiv", "ads": "ADS", "tap": "Project list (TAP)"}
"""Services as requests are counted: all doors of arXiv are one."""

LEDGER_DAYS = 14

_YEARS = re.compile(r"^ads-resweep(?P<years>( \d{4})*)$")


def label_of(source: str) -> str:
    """Return the name of a source as pages show it."""
    if source == TEXTS:
        return "Full texts"
    return SOURCES.get(source, f"List “{source}”")


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source stands; the counts are those of its last run.

    ``has_failed``: what it was asked last did not come, and ``last_at`` is when that was; nothing came since.
    """

    source: str
    label: str
    last_at: datetime | None = None
    last_new_at: datetime | None = None
    run: JobRun | None = None
    is_complete: bool = False
    has_failed: bool = False
    pages: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    refused: int = 0
    ignored: int = 0
    refused_ever: int = 0
    quotas: tuple[Quota, ...] = ()
    goes_on: tuple[str, ...] = ()
    held_back: tuple[HeldBack, ...] = ()


def source_states(session: Session) -> list[SourceState]:
    """Return the state of every service, and of every file list that was imported."""
    latest = sa.select(
        col(HarvestPage.source),
        sa.func.max(col(HarvestPage.id)),
        sa.func.max(sa.case((col(HarvestPage.new) > 0, col(HarvestPage.fetched_at)))),
    )
    last_pages = {source: (page, new_at) for source, page, new_at in session.execute(latest.group_by("source"))}
    refused = dict(
        session.execute(sa.select(col(HarvestRefusal.source), sa.func.count()).group_by(HarvestRefusal.source)).all()
    )
    quotas = session.exec(select(Quota).order_by(col(Quota.endpoint))).all()
    places, held, failures = _places(session), held_back(session), _failures(session)
    states = []
    for source in [*SOURCES, *sorted({*last_pages, *failures} - set(SOURCES))]:
        known = SourceState(
            source,
            label_of(source),
            refused_ever=refused.get(source, 0),
            quotas=tuple(q for q in quotas if q.service == source),
            goes_on=tuple(places.get(source, ())),
            held_back=tuple(one for one in held if one.source == source),
        )
        page_id, new_at = last_pages.get(source, (None, None))
        known = replace(known, last_new_at=new_at)
        if source in failures:
            run_id, at = failures[source]
            states.append(_of_run(session, replace(known, last_at=at, has_failed=True), run_id))
        elif page_id is not None:
            page = session.get_one(HarvestPage, page_id)
            known = replace(known, last_at=page.fetched_at, is_complete=page.is_last)
            states.append(_of_run(session, known, page.job_run_id))
        else:
            states.append(known)
    return states


def _failures(session: Session) -> dict[str, tuple[int | None, datetime]]:
    """Return for each source of which a page was asked for and did not come, and none came since: the run, and when.

    A refusal without a key that is younger than the newest page is of a page: an entry's is as old as the page it is on.
    """
    row, page = HarvestRefusal, HarvestPage
    is_whole_refused = sa.and_(col(page.records) == 0, col(page.ignored) == 0, col(page.refused) > 0)
    came_at = sa.select(col(page.source), sa.func.max(col(page.fetched_at))).where(~is_whole_refused)
    came: dict[str, datetime] = dict(session.execute(came_at.group_by(page.source)).all())
    newest = (
        sa.select(sa.func.max(col(row.id))).where(col(row.key).is_(None), col(row.source) != TEXTS).group_by(row.source)
    )
    refused = session.exec(select(row).where(col(row.id).in_(newest))).all()
    return {
        one.source: (one.job_run_id, one.refused_at)
        for one in refused
        if one.source not in came or one.refused_at > came[one.source]
    }


def _of_run(session: Session, known: SourceState, run_id: int | None) -> SourceState:
    """Return a source's state with what one run brought of it."""
    summed = (HarvestPage.records, HarvestPage.new, HarvestPage.changed, HarvestPage.refused, HarvestPage.ignored)
    row = session.execute(
        sa.select(sa.func.count(), *(sa.func.coalesce(sa.func.sum(one), 0) for one in summed)).where(
            col(HarvestPage.source) == known.source, col(HarvestPage.job_run_id) == run_id
        )
    ).one()
    pages, records, new, changed, refused, ignored = map(int, row)
    return replace(
        known,
        run=session.get(JobRun, run_id) if run_id is not None else None,
        pages=pages,
        records=records,
        new=new,
        changed=changed,
        refused=refused,
        ignored=ignored,
    )


def held_back(session: Session, source: str | None = None) -> list[HeldBack]:
    """Return the pages at which a source (None: any) is held back, oldest first."""
    return held_pages(session, ASKED_AS, source)


# -- where a source goes on ---------------------------------------------------------------------------------------------


def _places(session: Session) -> Mapping[str, list[str]]:
    """Return for each source, in words, where it goes on."""
    found: dict[str, list[str]] = {}
    for row in session.exec(select(HarvestCursor).order_by(col(HarvestCursor.source))):
        source = next(
            (s for s in sorted(SOURCES, key=len, reverse=True) if row.source == s or row.source.startswith(f"{s} ")),
            "ads" if row.source.startswith("ads-") else row.source,
        )
        found.setdefault(source, []).append(cursor_in_words(row.source, row.cursor))
    return found


def cursor_in_words(name: str, cursor: Mapping[str, object]) -> str:
    """Return where a harvest goes on as a person says it; a cursor of a shape nobody knows is shown as it is."""
    if (resweep := _YEARS.match(name)) is not None:
        years = resweep["years"].split()
        return f"re-sweep{' of ' + ', '.join(years) if years else ''}: {_within_ads(cursor)}"
    if name == "ads-refresh":
        return f"refresh: {_plain(cursor)}"
    kind = name.partition(" ")[0]
    if kind == "arxiv-oai":
        return _of_oai(cursor)
    once = f"days {' to '.join(name.split()[1:])}: " if " " in name else ""
    if kind == "arxiv":
        return once + _of_arxiv(cursor)
    if kind == "ads":
        return once + _within_ads(cursor)
    if kind == "arxiv-rss":
        return f"today's; read last: {cursor.get('announced', 'none')}"
    if kind == "registry":
        return f"goes on from project {cursor['from_code']}" if "from_code" in cursor else "all, from the first project"
    return _plain(cursor)


def _of_arxiv(cursor: Mapping[str, object]) -> str:
    if "first" in cursor:
        entry = int(str(cursor.get("start") or 0)) + 1
        promised = cursor.get("promised")
        of = f" of {int(str(promised)):,}" if promised else ""
        return f"window {cursor['first']} to {cursor['last']}, from entry {entry:,}{of}"
    return f"days from {cursor['day']}" if "day" in cursor else _plain(cursor)


def _of_oai(cursor: Mapping[str, object]) -> str:
    if "from" not in cursor:
        return _plain(cursor)
    return f"changes since {cursor['from']}" + (", in the middle of the list" if cursor.get("token") else "")


def _within_ads(cursor: Mapping[str, object]) -> str:
    since = f"entered or changed since {cursor['since']}" if cursor.get("since") else "everything"
    if "search" not in cursor:
        return since
    return f"{since}, search “{cursor['search']}” from record {int(str(cursor.get('got') or 0)) + 1:,}"


def _plain(cursor: Mapping[str, object]) -> str:
    """Return a cursor's facts as they are, without tokens and marks, which tell a person nothing."""
    told = [f"{k} {v}" for k, v in cursor.items() if v not in (None, "") and k not in ("mark", "token")]
    return ", ".join(told) or "from the beginning"


@dataclass(frozen=True, slots=True)
class NextRun:
    """When the schedule starts a job next; None for one that is run by hand."""

    job: str
    title: str
    at: datetime | None


def next_runs(session: Session, jobs: Iterable[Job], now: datetime) -> list[NextRun]:
    """Return when the schedule starts each job next: one that has succeeded in this period waits for the following."""
    done = periods_done(session)
    return [NextRun(job.name, job.title, next_start(job, now, done.get(job.name))) for job in jobs]


# -- requests and quotas ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """Requests of one day: answered, refused with 429, and failed otherwise."""

    day: date
    requests: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def answered(self) -> int:
        """Requests that were answered as they should be."""
        return max(0, self.requests - self.refused - self.failed)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a service: what it says is left, and what we sent on each of the last days, oldest first."""

    service: str
    endpoint: str
    label: str
    quota: Quota | None
    days: tuple[Day, ...] = field(default_factory=tuple)

    @property
    def most(self) -> int:
        """Requests of the busiest day shown, at least one."""
        return max(1, *(day.requests for day in self.days)) if self.days else 1

    @property
    def requests(self) -> int:
        """Requests of all days shown."""
        return sum(day.requests for day in self.days)

    @property
    def refused(self) -> int:
        """Of these, refused with 429."""
        return sum(day.refused for day in self.days)

    @property
    def failed(self) -> int:
        """Of these, failed otherwise."""
        return sum(day.failed for day in self.days)

    @property
    def words(self) -> str:
        """What the picture of the days shows, in words."""
        busiest = max(self.days, key=lambda d: (d.requests, d.day), default=None)
        if busiest is None or not busiest.requests:
            return f"{self.label}, {self.endpoint}: no request in {len(self.days)} days"
        return (
            f"{self.label}, {self.endpoint}: {self.requests:,} requests in {len(self.days)} days, most on {busiest.day} "
            f"({busiest.requests:,}); {self.refused:,} refused, {self.failed:,} failed"
        )


def ledger(session: Session, today: date) -> list[Endpoint]:
    """Return every endpoint that was asked in the last days, or that told a quota."""
    first = today - timedelta(days=LEDGER_DAYS - 1)
    counts: dict[tuple[str, str], dict[date, RequestCount]] = {}
    for row in session.exec(select(RequestCount).where(col(RequestCount.day) >= first)):
        counts.setdefault((row.service, row.endpoint), {})[row.day] = row
    quotas = {(q.service, q.endpoint): q for q in session.exec(select(Quota))}
    found = []
    for service, endpoint in sorted({*counts, *quotas}):
        by_day = counts.get((service, endpoint), {})
        days = []
        for n in range(LEDGER_DAYS):
            day = first + timedelta(days=n)
            known = by_day.get(day)
            days.append(Day(day, known.requests, known.refused, known.failed) if known else Day(day))
        label = SERVICES.get(service, service)
        found.append(Endpoint(service, endpoint, label, quotas.get((service, endpoint)), tuple(days)))
    return found


def ledger_lines(session: Session, today: date | None = None) -> list[str]:
    """Return the ledger as lines of text: what is left per endpoint, and the requests of the latest day and of all days.

    ``today`` ends the days counted; left out, the latest day on which anything was asked does.
    """
    if today is None:
        today = session.exec(select(sa.func.max(RequestCount.day))).one() or date.min + timedelta(days=LEDGER_DAYS)
    lines = []
    for one in ledger(session, today):
        if one.quota is None:
            left = "no limit told"
        else:
            remaining, allowed = one.quota.remaining, one.quota.allowed
            left = (
                f"{'?' if remaining is None else f'{remaining:,}'} of {'?' if allowed is None else f'{allowed:,}'} left"
            )
            if one.quota.resets_at is not None:
                left += f", anew at {one.quota.resets_at:%Y-%m-%d %H:%M} UTC"
        sent = f"{one.requests:,} requests in {LEDGER_DAYS} days"
        odd = "".join(f", {n:,} {word}" for n, word in ((one.refused, "refused (429)"), (one.failed, "failed")) if n)
        lines.append(f"{one.label:<18} {one.endpoint:<24} {left}; {sent}{odd}")
    return lines
