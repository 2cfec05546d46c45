"""What was asked of each source and what came: which days of it are fetched, which are missing; now, or as known once.

Every line adds up: expected = fetched + refused + missing. A span of days counts as fetched when everything its pages
promised came and the span was over when it was asked; one that was begun and not finished is a hole like one that was
never asked for. arXiv is one calendar though it has several doors: windows of submission days from the API, and the
days between two answers of OAI-PMH.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.asked_for import AskedFor
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun

CALENDARS = {"arxiv": ("arxiv", "arxiv-oai"), "ads": ("ads",)}
"""Calendars, each with the sources whose days fill it."""

_ENDS = frozenset({"ads", "arxiv-oai"})
"""Sources that go from one page to the next and say where the list ends: all of a span came when its last page did."""

_LISTS = frozenset({"arxiv-oai"})
"""Sources whose pages are numbered anew in each run: only their lists' own ends say whether everything came."""

_PART = re.compile(r"^arXiv OAI (\S+) changes since ")

_ALL_AT_ONCE = frozenset({"registry", "arxiv-rss"})
"""Sources that give all they have (today) at every run."""

_SHIFTING = frozenset({"arxiv"})
"""Sources of one query per window, paged by number: when the total changes, entries move from one page to another."""

_DAILY_JOB = "harvest"
"""Only the daily harvest asks for everything; re-sweeps and refreshes ask for a part without saying days."""

_PLACE_IN_LIST = re.compile(r",? (?:entries from|records from|page|from row|from) .*$")

_LACKING = re.compile(r"\b(\d+) of \d+ \w* ?(?:entries|records) are missing")
"""How the sources say that a page, or a window all of whose pages were full, lacks entries."""

Span = tuple[date, date]
"""First and last day, both included."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """What one line counts. ``counted`` is what the service says it has, None where it does not say.

    Where more came than it says (its total shrank meanwhile), what came is what was to be expected.
    """

    counted: int | None = None
    fetched: int = 0
    refused: int = 0

    @property
    def expected(self) -> int:
        """How many entries there should be: fetched, refused and missing together."""
        return max(self.counted or 0, self.fetched + self.refused)

    @property
    def missing(self) -> int:
        """How many entries did not come; never negative."""
        return self.expected - self.fetched - self.refused

    def __add__(self, other: Tally) -> Tally:
        """Return the line of both together; nothing that one lacks is made up for by the other."""
        known = self.counted is not None or other.counted is not None
        return Tally(
            self.expected + other.expected if known else None,
            self.fetched + other.fetched,
            self.refused + other.refused,
        )


@dataclass(frozen=True, slots=True)
class AskedPage:
    """What is kept of one stored page.

    ``refused`` counts entries, not the page itself; ``lacking`` is how many entries the source found to be missing
    when it came to this page, be it short or full of entries that had come before.
    """

    source: str
    job: str
    place: str
    asked_at: datetime
    first: date | None
    last: date | None
    promised: int | None
    fetched: int
    refused: int
    is_last: bool
    lacking: int = 0
    run: int | None = None
    asked_for: AskedFor | None = None


@dataclass(slots=True)
class Asking:
    """One thing that was asked of a source: a window of days, its searches, one list; over all runs that asked for it."""

    source: str
    job: str
    first: date | None
    last: date | None
    asked_for: AskedFor | None = None
    """What it was part of: categories, searches, a set; None where a source has no parts."""
    wanted: frozenset[str] | None = None
    """The parts that today's profile asks this source for; None: all that it was ever asked for."""
    has_ended: bool = False
    _promised: dict[str, int] = field(default_factory=dict)
    _pages: dict[tuple[str, int | None], AskedPage] = field(default_factory=dict)
    _tally: Tally | None = None

    @property
    def tally(self) -> Tally:
        """What was promised and came. A list that was read to its end lacks what its pages say they lack."""
        if self._tally is None:
            self._tally = self._counted()
        return self._tally

    def _counted(self) -> Tally:
        pages = self._pages.values()
        fetched, refused = sum(p.fetched for p in pages), sum(p.refused for p in pages)
        lacking = sum(p.lacking for p in pages)
        if not self._promised:
            return Tally(fetched + refused + lacking if lacking else None, fetched, refused)
        counted = sum(self._promised.values())
        twice = min(max(0, lacking - max(0, counted - fetched - refused)), fetched)
        return Tally(max(counted, fetched + refused), fetched - twice, refused)

    @property
    def is_whole(self) -> bool:
        """Whether everything came."""
        return self.tally.missing == 0 and (self.has_ended or self.source not in _ENDS)

    @property
    def began_at(self) -> datetime:
        """When its oldest page was asked for."""
        return min(page.asked_at for page in self._pages.values())

    @property
    def asked_at(self) -> datetime:
        """When its newest page was asked for."""
        return max(page.asked_at for page in self._pages.values())

    @property
    def days(self) -> Span | None:
        """The days this covers for certain: one that was not over when it was asked does not count."""
        if self.first is None or self.last is None:
            return None
        last = min(self.last, self.began_at.date() - DAY)
        return (self.first, last) if self.first <= last else None

    def add(self, page: AskedPage) -> None:
        """Take a page in. One asked for twice counts once, as it was the last time."""
        is_shifting, is_listed = self.source in _SHIFTING, self.source in _LISTS
        stem = "" if is_shifting else _stem(page.place)
        if is_shifting and self._promised.get(stem, page.promised) != page.promised:
            self._pages.clear()  # the total changed, so entries moved between pages: what came before proves nothing
        if page.promised is not None and not is_listed:
            self._promised[stem] = page.promised
        self._pages[page.place, page.run if is_listed else None] = page
        self.has_ended = self.has_ended or page.is_last
        self._tally = None


def _stem(place: str) -> str:
    """Return a page's place without its place in the list: what its service calls one query."""
    return _PLACE_IN_LIST.sub("", place)


def gathered(pages: Iterable[AskedPage], wanted: Mapping[str, frozenset[str]] | None = None) -> list[Asking]:
    """Put pages, in the order in which they came, together to what was asked.

    Windows of days are one asking each. A source that gives all it has at every run counts as it was the last time it
    came to its end (or as far as it came, if it never did). ``wanted`` are the parts that each source is to be asked
    for (``asked_for.parts_of``).
    """
    found: dict[tuple[object, ...], Asking] = {}
    rounds: dict[str, int] = {}
    for page in pages:
        turn = rounds.get(page.source, 0) if page.source in _ALL_AT_ONCE else 0
        asked_for = page.asked_for
        if asked_for is None and (named := _PART.match(page.place)):
            asked_for = AskedFor(frozenset({named[1]}))  # rows from before it was kept
        # A window of days is the same whoever asked for it; a search without days reaches back to its own beginning.
        of = asked_for if page.first is None else asked_for and asked_for.parts
        key = (page.source, page.job, page.first, page.last, turn, of)
        if key not in found:
            mine = wanted.get(page.source) if wanted is not None else None
            found[key] = Asking(page.source, page.job, page.first, page.last, asked_for, mine)
        found[key].add(page)
        if page.is_last:
            rounds[page.source] = turn + 1
    latest = {a.source: a for a in found.values() if a.source in _ALL_AT_ONCE and a.has_ended}
    return [a for a in found.values() if latest.get(a.source, a) is a]


def askings(
    session: Session,
    sources: Sequence[str] | None = None,
    wanted: Mapping[str, frozenset[str]] | None = None,
    known_by: datetime | None = None,
) -> list[Asking]:
    """Return all that was asked of these sources (None: of every one), in the order in which it was first asked.

    With ``wanted``, the parts each source is to be asked for by today's profile, days of which a part was never asked
    for are not fetched. ``known_by``: what had come by this moment (None: until now).
    """
    query = sa.select(
        col(HarvestPage.source), col(HarvestPage.place), col(HarvestPage.job_run_id), col(JobRun.job),
        col(HarvestPage.fetched_at), col(HarvestPage.window_from), col(HarvestPage.window_to),
        col(HarvestPage.promised), col(HarvestPage.records), col(HarvestPage.ignored), col(HarvestPage.refused),
        col(HarvestPage.is_last), col(HarvestPage.asked_for),
    ).join(JobRun, col(JobRun.id) == col(HarvestPage.job_run_id), isouter=True)  # fmt: skip
    if sources is not None:
        query = query.where(col(HarvestPage.source).in_(sources))
    if known_by is not None:
        query = query.where(col(HarvestPage.fetched_at) <= known_by)
    of_page = _refused_pages(session, known_by)
    rows = session.execute(query.order_by(col(HarvestPage.id)))
    return gathered((page for row in rows if (page := _asked_page(row, of_page)) is not None), wanted)


def _asked_page(row: Sequence[Any], of_page: Mapping[tuple[str, str, int | None], int]) -> AskedPage | None:
    """Return a stored page; None for one that was refused as a whole: it gave nothing and stands among the refusals."""
    source, place, run, job, at, first, last, promised, records, ignored, refused, is_last, asked_for = row
    lacking = of_page.get((source, place, run))
    entries = refused - 1 if refused and lacking is not None else refused
    if not records and not ignored and not entries and refused:
        return None
    return AskedPage(
        source,
        job or "",
        place,
        at,
        first,
        last,
        promised,
        records + ignored,
        entries,
        is_last,
        lacking or 0,
        run,
        AskedFor.read(asked_for),
    )


def _refused_pages(session: Session, known_by: datetime | None) -> dict[tuple[str, str, int | None], int]:
    """Return (source, place, run) of refusals of a page itself, with how many entries they say are missing.

    Such a refusal is no entry that came; a refused entry names its own place within the page, or its key.
    """
    rows = session.execute(
        sa.select(
            col(HarvestRefusal.source),
            col(HarvestRefusal.place),
            col(HarvestRefusal.job_run_id),
            col(HarvestRefusal.reason),
        )
        .where(
            col(HarvestRefusal.key).is_(None),
            sa.true() if known_by is None else col(HarvestRefusal.refused_at) <= known_by,
        )
        .order_by(col(HarvestRefusal.id))
    )
    found = {}
    for source, place, run, reason in rows:
        told = _LACKING.search(reason)
        found[source, place, run] = int(told[1]) if told else 0
    return found


# -- days -------------------------------------------------------------------------------------------------------------


def spans_of(listed: Iterable[Asking], since: date) -> list[Span]:
    """Return the spans of days of which everything came.

    A search without days, read to its end by the daily harvest, covers all days from its own beginning (``since``
    where that is not known) to the one before it was asked. Of a source with several parts (categories, searches,
    sets), those days count that came of each part.
    """
    of_all: list[Span] = []
    by_part: dict[str, dict[str, list[Span]]] = {}
    for asking in listed:
        if asking.asked_for is None:
            of_all += _covered(asking, since)
            continue
        parts = by_part.setdefault(asking.source, {part: [] for part in asking.wanted or ()})
        for part in asking.asked_for.parts:
            if asking.wanted is None or part in asking.wanted:
                parts.setdefault(part, []).extend(_covered(asking, since))
    return joined([*of_all, *(span for parts in by_part.values() for span in _common(list(parts.values())))])


def _covered(asking: Asking, since: date) -> list[Span]:
    """Return the days that one asking covers."""
    if not asking.is_whole:
        return []
    if asking.first is not None:
        return [asking.days] if asking.days else []
    began = (asking.asked_for.since if asking.asked_for else None) or since
    until = asking.began_at.date() - DAY
    is_daily = asking.job == _DAILY_JOB and asking.has_ended
    return [(began, until)] if is_daily and began <= until else []


def _common(listed: Sequence[Sequence[Span]]) -> list[Span]:
    """Return the spans of days that stand in each of the lists."""
    if not listed:
        return []
    days = [day for spans in listed for span in spans for day in span]
    if not days:
        return []
    first, last = min(days), max(days)
    missing = [hole for spans in listed for hole in holes(joined(spans), first, last)]
    return holes(joined(missing), first, last)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans that touch or overlap; they come out in order."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + DAY:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def holes(spans: Sequence[Span], since: date, until: date) -> list[Span]:
    """Return the days between ``since`` and ``until`` that no span covers, as spans."""
    missing: list[Span] = []
    at = since
    for first, last in spans:
        if first > at:
            missing.append((at, min(first - DAY, until)))
        at = max(at, last + DAY)
    if at <= until:
        missing.append((at, until))
    return [(first, last) for first, last in missing if first <= last]


def last_due_day(today: date) -> date:
    """Return the last day that can be a hole: today is not over, and yesterday's papers are announced tonight."""
    return today - 2 * DAY
