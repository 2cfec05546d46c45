"""What was refused and is still missing: each record, page and file once, however often it was refused.

A refusal is closed by what came since: the record itself, the place it stood at read again without it, the mended file.
What nothing closes a person sets aside (``aside``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.identity import normal_arxiv
from biblio.ingest import coverage, journals, ledger, limits
from biblio.ingest.aside import Asides
from biblio.ingest.coverage import Span
from biblio.ingest.held import Asking, asking_of, list_of
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun, Project, ProjectRevision, SourceRecord

FULL_TEXTS = "fulltext"
"""Source of refused texts: they are counted with the e-prints, not here."""

WRONG = "wrong"
"""Pile of records that a source gives wrongly each time it is asked."""

_DAYS_IN_PLACE = re.compile(r"\b(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)\b")
_ENTRY_OF_PAGE = re.compile(r" (?:entry|record|row|item) \d+$")
_PLACE_IN_FILE = re.compile(r",? (?:(?:from )?(?:row|line|entry|record|item) \d+|records from \d+)$")

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Refused:
    """The newest refusal of one record, page or file, with the runs in which it was refused for the same reason."""

    number: int
    source: str
    place: str
    key: str | None
    reason: str
    run: int
    at: datetime
    runs: int = 1

    @property
    def subject(self) -> str:
        """What was refused, by one name."""
        return self.key or self.place

    @property
    def page(self) -> str:
        """The place of the page it was on."""
        return _ENTRY_OF_PAGE.sub("", self.place)

    @property
    def days(self) -> Span | None:
        """The days its page was asked for, where its place names them."""
        found = _DAYS_IN_PLACE.search(self.place)
        try:
            return (date.fromisoformat(found[1]), date.fromisoformat(found[2])) if found else None
        except ValueError:
            return None

    @property
    def is_of_list(self) -> bool:
        """Whether it stands in a list that was imported."""
        return self.source not in ledger.SOURCES

    @property
    def is_wrong(self) -> bool:
        """Whether its source gives it so: a registry is read whole each time; others were asked again in vain."""
        return bool(self.key) and not self.is_of_list and (self.source == "registry" or self.runs > 1)

    @property
    def pile(self) -> str:
        """With what it is set aside: its file, its page, or all that its source gives wrongly."""
        if self.is_of_list:
            return file_of(self.place)
        return WRONG if self.is_wrong else self.page


def file_of(place: str) -> str:
    """Return the name of the file, without its folder, that a place of an imported list is in."""
    stem = place
    while (shorter := _PLACE_IN_FILE.sub("", stem)) != stem:
        stem = shorter
    return PurePath(stem).name or stem


def once(source: str | None = None) -> Select[Any]:
    """Select what was refused (None: by any source), the newest first: when first and last, how often, where, why.

    The same record or page refused for the same reason stands once, with the place at which it stood last.
    """
    row = HarvestRefusal
    what = sa.func.coalesce(col(row.key), col(row.place))
    query: Any = (
        sa.select(
            col(row.source).label("source"),
            sa.func.max(col(row.place)).label("place"),
            sa.func.max(col(row.key)).label("key"),
            col(row.reason).label("reason"),
            sa.func.min(col(row.refused_at)).label("first_at"),
            sa.func.max(col(row.refused_at)).label("refused_at"),
            sa.func.count().label("times"),
        )
        .group_by(col(row.source), what, col(row.reason))
        .order_by(sa.func.max(col(row.id)).desc())
    )
    chosen: Select[Any] = query if source is None else query.where(col(row.source) == source)
    return chosen


def outstanding(session: Session, arxiv_spans: Sequence[Span]) -> list[Refused]:
    """Return the newest refusal of each record, page and file that did not come since and is not set aside.

    Pages held back are not among them: they are no mistake of a source, and have a place of their own (``held``).
    """
    newest = _newest(session)
    keyed = [r for r in newest if r.key]
    pages = [r for r in newest if not r.key and not r.is_of_list]
    files = [r for r in newest if not r.key and r.is_of_list]
    came = _came(session, {k for r in keyed for k in _spellings(r.key or "")})
    missing = [r for r in keyed if not any(came.get(k, _LONG_AGO) >= r.at for k in _spellings(r.key or ""))]
    imported = _imported(session, {r.source for r in (*missing, *files) if r.is_of_list})
    found = [
        r
        for r in (*missing, *files)
        if (imported.get((r.source, file_of(r.place)), 0) <= r.run if r.is_of_list else not _asked_again(session, r))
    ]
    return found + _open_pages(session, pages, arxiv_spans)


def _newest(session: Session) -> list[Refused]:
    """Return the newest refusal of each record and page that nobody has set aside."""
    rows = session.execute(
        sa.select(
            col(HarvestRefusal.id), col(HarvestRefusal.source), col(HarvestRefusal.place), col(HarvestRefusal.key),
            col(HarvestRefusal.reason), col(HarvestRefusal.job_run_id), col(HarvestRefusal.refused_at),
        )
        .where(
            col(HarvestRefusal.source) != FULL_TEXTS,
            ~sa.and_(
                col(HarvestRefusal.key).is_(None),
                col(HarvestRefusal.reason).contains(limits.HELD_BACK, autoescape=True),
            ),
        )
        .order_by(col(HarvestRefusal.id))
    ).all()  # fmt: skip
    runs: dict[tuple[str, str, str], set[int]] = {}
    for _, source, place, key, reason, run, _ in rows:
        runs.setdefault((source, key or place, reason), set()).add(run or 0)
    asides = Asides.of(session)
    newest: dict[tuple[str, str], Refused | None] = {}
    for number, source, place, key, reason, run, at in rows:
        if journals.ASKED_BY_BIBCODE.match(place):
            continue  # ADS does not know what we asked for: known links say so, and the weekly refresh asks again
        times = len(runs[source, key or place, reason])
        one = Refused(number, source, place, key, reason, run or 0, at, times)
        is_aside = asides.takes(number, source, one.pile, one.subject, reason)
        newest[source, one.subject] = None if is_aside else one
    return [one for one in newest.values() if one is not None]


def _imported(session: Session, sources: Iterable[str]) -> dict[tuple[str, str], int]:
    """Return the newest run in which each file of these lists was read."""
    rows = session.execute(
        sa.select(col(HarvestPage.source), col(HarvestPage.place), sa.func.max(col(HarvestPage.job_run_id)))
        .where(col(HarvestPage.source).in_(sorted(sources)))
        .group_by(col(HarvestPage.source), col(HarvestPage.place))
    )
    found: dict[tuple[str, str], int] = {}
    for source, place, run in rows:
        name = source, file_of(place)
        found[name] = max(run or 0, found.get(name, 0))
    return found


def _asked_again(session: Session, refused: Refused) -> bool:
    """Whether a later run asked for what held this record, and neither got nor refused it: it is not there any more."""
    if refused.source in ("arxiv", "registry"):
        again = col(HarvestPage.place) == refused.page
    elif refused.source == "ads" and (part := journals.journal_of(refused.key or "")) is not None:
        again = col(HarvestPage.place).like(f"ADS search % {part[1]}, records from %")  # a re-sweep of its year
    else:
        return False
    later = select(HarvestPage.id).where(
        col(HarvestPage.source) == refused.source,
        again,
        col(HarvestPage.job_run_id) > refused.run,
        col(HarvestPage.records) > 0,
    )
    return session.exec(later.limit(1)).first() is not None


def _spellings(key: str) -> set[str]:
    """Return the keys a refused record may have come under since."""
    tail = key.rpartition("/abs/")[2].rpartition("oai:arXiv.org:")[2]
    arxiv = normal_arxiv(tail)
    return {key[:255], *([arxiv] if arxiv else [])}


def _came(session: Session, keys: Iterable[str]) -> dict[str, datetime]:
    """Return when each of these records or projects last came with something new."""
    found: dict[str, datetime] = {}
    for chunk in chunks(sorted(keys)):
        papers = sa.select(col(SourceRecord.key), col(SourceRecord.learned_at)).where(col(SourceRecord.key).in_(chunk))
        projects = (
            sa.select(col(Project.code), col(ProjectRevision.learned_at))
            .join(ProjectRevision, col(ProjectRevision.project_id) == col(Project.id))
            .where(col(Project.code).in_(chunk))
        )
        for query in (papers, projects):
            for key, at in session.execute(query):
                found[key] = max(at, found.get(key, at))
    return found


def _open_pages(session: Session, pages: Sequence[Refused], arxiv_spans: Sequence[Span]) -> list[Refused]:
    """Return the refused pages that were not passed since: days of arXiv by their days, others by what was asked."""
    passed = _passed(session, pages)
    found = []
    for page in pages:
        of_days = page.source == "arxiv" and page.days is not None
        if of_days and not coverage.holes(arxiv_spans, *(page.days or ())):
            continue
        asking = passed.askings.get(page.run, asking_of(None, None))
        later = passed.pages.get((page.source, asking, page.place), 0)
        if not of_days:
            later = max(later, passed.lists.get((page.source, asking, list_of(page.place)), 0))
        if later <= page.run:
            found.append(page)
    return found


@dataclass(slots=True)
class _Passed:
    """What each run asked for; the newest run that gave a page, and that read a list to its end, by source and asking."""

    askings: dict[int, Asking]
    pages: dict[tuple[str, Asking, str], int] = field(default_factory=dict)
    lists: dict[tuple[str, Asking, str], int] = field(default_factory=dict)


def _passed(session: Session, refused: Sequence[Refused]) -> _Passed:
    given = session.execute(sa.select(col(JobRun.id), col(JobRun.job), col(JobRun.arguments)))
    found = _Passed({run: asking_of(job, arguments) for run, job, arguments in given})
    first = min((one.run for one in refused), default=0)
    of_source = sa.and_(
        col(HarvestPage.source).in_(sorted({one.source for one in refused})), col(HarvestPage.job_run_id) > first
    )
    for chunk in chunks(sorted({one.place for one in refused})):
        rows = session.execute(
            sa.select(
                col(HarvestPage.source), col(HarvestPage.place), col(HarvestPage.job_run_id), col(HarvestPage.is_last)
            )
            .where(of_source, sa.or_(col(HarvestPage.is_last), col(HarvestPage.place).in_(chunk)))
            .where(sa.or_(col(HarvestPage.is_last), col(HarvestPage.records) > 0))
            .order_by(col(HarvestPage.job_run_id))
        )
        for source, place, run, is_last in rows:
            asking = found.askings.get(run, asking_of(None, None))
            found.pages[source, asking, place] = run
            if is_last:
                found.lists[source, asking, list_of(place)] = found.lists[source, asking, ""] = run
    return found
