"""arXiv: preprints by day of submission from its API, and the source of one paper from its e-print service.

Rules and known faults of the API (info.arxiv.org/help/api/user-manual.html and tou.html): one request per three
seconds over everything an operator runs; at most 2,000 entries a page and 30,000 a query; errors come as a feed with
one entry whose id contains ``/api/errors``; now and then a page is empty although entries are promised; a "Rate
exceeded" page is HTML with status 200, which a feed parser takes for an empty feed.

"Nothing was submitted" is taken on no single word of the service, or one bad minute of its index would pass for years
without papers. It is believed when it is said twice and arXiv's own counts agree: as many papers from its first day to
the window's last as to the eve of its first. That holds for a category of ten papers as for one of ten thousand.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # trees come from xmltree, which reads nothing with a DTD
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import requests
import stamina

from harvesters.arxiv_atom import entry_keys, parse_feed, read_entries, total_results
from harvesters.arxiv_ids import IDENTIFIER, split_identifier
from harvesters.errors import HarvestError, PageRefused, RecordRefused, SourceStopped, naming
from harvesters.http import PoliteSession, media_type, place_of
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedRecord, Refusal

__all__ = ["ArxivQuery", "ArxivSource", "EprintService", "split_identifier"]

SERVICE = "arxiv"
"""The name under which every request to arXiv takes its turn: API, OAI-PMH, RSS and e-prints together."""

MAX_PAGE_SIZE = 2_000
MAX_WINDOW = 30_000
FIRST_DAY, NEVER = date(1986, 1, 1), date(2100, 1, 1)
"""Between these days lies every submission: some papers came to arXiv with days from before it was founded (1991)."""
MAX_RESTARTS = 2
"""How often a run begins a window anew because it changed while it was paged."""


@dataclass(frozen=True, slots=True)
class ArxivQuery:
    """What to ask for: ``categories`` of papers first submitted from ``since`` to ``until`` (both included).

    ``window_days`` is how many days one query covers at first; windows that promise ``MAX_WINDOW`` entries or more
    are halved. ``overlap_days`` are asked for again by the next run, because a paper appears some days after its
    submission (weekends, holidays, moderation). ``terms`` is a further clause in arXiv's query language.
    """

    categories: tuple[str, ...]
    since: date
    until: date
    page_size: int = 500
    window_days: int = 7
    overlap_days: int = 14
    terms: str | None = None
    page_attempts: int = 3
    page_wait_s: float = 3.0

    def __post_init__(self) -> None:
        if not self.categories:
            raise ValueError("arXiv needs at least one category")
        if not 1 <= self.page_size <= MAX_PAGE_SIZE:
            raise ValueError(f"a page of arXiv holds 1 to {MAX_PAGE_SIZE} entries, not {self.page_size}")


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a harvest stands: within the window ``first``–``last`` at entry ``start`` of ``promised``."""

    first: date
    last: date
    start: int = 0
    promised: int | None = None
    restarts: int = 0
    doubts: int = 0
    """How many runs gave the window up because some of its entries never came."""

    def cursor(self) -> dict[str, object]:
        """Where to go on; the run that gives a window up leaves the next one its whole patience."""
        is_stuck = self.restarts > MAX_RESTARTS
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "start": self.start,
            "promised": None if is_stuck else self.promised,
            "restarts": 0 if is_stuck else self.restarts,
            "doubts": self.doubts,
        }


@dataclass(frozen=True, slots=True)
class _Fetched:
    body: bytes
    content_type: str
    total: int
    keys: tuple[str, ...]


@dataclass(slots=True)
class _Window:
    """The entries met so far in the window being read; ``is_whole`` when this run saw every page of it whole."""

    is_whole: bool
    met: set[str] = field(default_factory=set)

    def missing(self, total: int) -> int:
        """How many entries never came although every page was full: others came twice in their place."""
        return max(0, total - len(self.met)) if self.is_whole else 0


class ArxivSource:
    """Preprints from arXiv's API, by windows of submission days.

    An empty cursor begins at ``query.since``; the cursor after the last page is ``{"day": …}``, ``overlap_days``
    before ``query.until``. ``base_url`` is the service's root, without ``/api/query``.
    """

    name = "arxiv"

    def __init__(
        self, session: PoliteSession, query: ArxivQuery, *, base_url: str = "https://export.arxiv.org"
    ) -> None:
        self._session = session
        self._query = query
        self._url = f"{base_url.rstrip('/')}/api/query"
        self._just_read: tuple[bytes, ET.Element] | None = None

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming the page, or ``SourceStopped``."""
        position = self._begin(cursor)
        window = _Window(is_whole=position.start == 0)
        has_given = position.start > 0
        while position.first <= self._query.until:
            fetched = self._fetch_whole(position, has_given)
            has_given |= fetched.total > 0
            total, due = fetched.total, _expected(fetched.total, position.start, self._query.page_size)
            if total >= MAX_WINDOW and position.start == 0:
                position, window = self._halved(position, total), _Window(is_whole=True)
                continue
            window.met.update(fetched.keys)
            window.is_whole &= len(fetched.keys) >= due
            following = self._following(position, total, window)
            is_stuck = following.restarts > MAX_RESTARTS
            is_done = following.first > position.last
            is_last = following.first > self._query.until
            yield Page(
                source=self.name,
                place=self._place(position),
                body=fetched.body,
                content_type=fetched.content_type,
                next_cursor=self._end_cursor() if is_last else following.cursor(),
                is_last=is_last,
                promised=total,
                expected=due + (window.missing(total) if is_done else 0),
                window=(position.first.isoformat(), position.last.isoformat()),
            )
            if is_stuck:
                raise self._given_up(position, total, window.missing(total))
            if is_done:
                window = _Window(is_whole=True)
            elif following.start == 0:
                window.is_whole = True
            position = following

    def parse(self, page: Page) -> ParsedPage:
        """Read one Atom page. Raises ``PageRefused`` for HTML, error feeds, broken XML and feeds without a total."""
        if self._just_read is not None and self._just_read[0] is page.body:
            feed = self._just_read[1]
        else:
            feed = parse_feed(page.body, page.content_type, page.place)
        self._just_read = None
        unread: set[str] = set()
        entries = list(read_entries(feed, self.name, page.place, unread))
        records = tuple(entry for entry in entries if isinstance(entry, HarvestedRecord))
        refusals = [entry for entry in entries if isinstance(entry, Refusal)]
        if page.expected is not None and len(entries) < page.expected:
            missing = page.expected - len(entries)
            refusals.append(
                Refusal(self.name, page.place, f"{missing} of {page.expected} promised entries are missing")
            )
        return ParsedPage(records, refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))

    def _begin(self, cursor: Mapping[str, object]) -> _Position:
        try:
            if "first" in cursor:
                names = ("start", "promised", "restarts", "doubts")
                start, promised, restarts, doubts = (cursor.get(name) for name in names)
                return _Position(
                    date.fromisoformat(str(cursor["first"])),
                    date.fromisoformat(str(cursor["last"])),
                    max(0, int(str(start or 0))),
                    None if promised is None else int(str(promised)),
                    min(MAX_RESTARTS, max(0, int(str(restarts or 0)))),
                    int(bool(doubts)),
                )
            day = date.fromisoformat(str(cursor["day"])) if "day" in cursor else self._query.since
        except (KeyError, ValueError) as wrong:
            raise SourceStopped(
                f"arXiv: the stored place {dict(cursor)} cannot be read; clear it to begin anew"
            ) from wrong
        return self._window(max(day, self._query.since))

    def _window(self, first: date) -> _Position:
        return _Position(first, min(first + timedelta(days=self._query.window_days - 1), self._query.until))

    def _halved(self, position: _Position, total: int) -> _Position:
        days = (position.last - position.first).days + 1
        if days < 2:
            raise PageRefused(
                f"{self._place(position)}: one day promises {total} entries, more than the {MAX_WINDOW} arXiv gives; "
                "ask for fewer categories"
            )
        return _Position(position.first, position.first + timedelta(days=days // 2 - 1))

    def _following(self, position: _Position, total: int, window: _Window) -> _Position:
        """The next page; or the window's first again, because entries moved between its pages while they were read.

        They did when the total changed, or when an entry came twice and another not at all. After ``MAX_RESTARTS`` the
        run ends here. The second may last (an index that lists a paper twice): the next run reports it and goes on.
        """
        if position.promised not in (None, total):
            return replace(position, start=0, promised=total, restarts=position.restarts + 1)
        start = position.start + self._query.page_size
        # A total that ends with a full page is looked behind: one that is told too small would cost all the rest.
        if start < total or 0 < start == total <= MAX_WINDOW - self._query.page_size:
            return replace(position, start=start, promised=total)
        if window.missing(total) and not position.doubts:
            is_doubted = position.restarts == MAX_RESTARTS
            return replace(position, start=0, promised=total, restarts=position.restarts + 1, doubts=int(is_doubted))
        return self._window(position.last + timedelta(days=1))

    def _given_up(self, position: _Position, total: int, missing: int) -> PageRefused:
        what = (
            f"{missing} of {total} entries never came, others twice" if missing else f"it promises {total} entries now"
        )
        return PageRefused(
            f"{self._place(position)}: the window changes while it is read ({what}). What came is stored; the next run "
            "reads the window anew"
        )

    def _end_cursor(self) -> dict[str, object]:
        day = self._query.until - timedelta(days=self._query.overlap_days - 1)
        return {"day": max(day, self._query.since).isoformat()}

    def _fetch_whole(self, position: _Position, has_given: bool) -> _Fetched:
        """One page, asked for again while it is no feed or holds less than it promises.

        A page that stays short is given as it is (``parse`` reports what is missing); one that stays empty or
        unreadable raises ``PageRefused``. ``has_given`` says that this run has met papers before.
        """
        short: _Fetched | None = None
        try:
            for attempt in page_attempts(self._query.page_attempts, self._query.page_wait_s):
                with attempt:
                    fetched = self._fetch(position)
                    due = _expected(fetched.total, position.start, self._query.page_size)
                    count = len(fetched.keys)
                    is_doubtful = fetched.total == 0 and attempt.num == 1 and self._query.page_attempts > 1
                    if count >= due and not is_doubtful:
                        if fetched.total == 0 and position.start == 0:
                            self._check_nothing(position, has_given)
                        return fetched
                    short = fetched if count else None
                    raise PageRefused(
                        f"{self._place(position)}: holds {count} entries where {due} are promised, "
                        f"{self._query.page_attempts} times over; the harvest goes on from this page next time"
                    )
        except PageRefused:
            if short is None:
                raise
        assert short is not None
        return short

    def _check_nothing(self, position: _Position, has_given: bool) -> None:
        """Raise ``PageRefused`` unless arXiv's counts agree that nothing was submitted in the window."""
        place, days = self._place(position), (position.last - position.first).days + 1
        told = f"{place}: arXiv says that nothing was submitted in {days} day{'s' * (days > 1)}"
        left = "They are not taken for read; the harvest goes on from here next time"
        before = self._count(place, position.first - timedelta(days=1), self._query.terms)
        through = self._count(place, position.last, self._query.terms)
        if through != before:
            raise PageRefused(f"{told}, but counts {through - before} more papers after them than before. {left}")
        if before:
            return
        if has_given:
            raise PageRefused(f"{told}, nor on any before, though papers came of days before. {left}")
        if not self._count(place, NEVER, None):
            raise PageRefused(
                f"{told}, and not one paper of {', '.join(self._query.categories)} ever. {left}; look whether a "
                "category is misspelt"
            )

    def _count(self, place: str, last: date, terms: str | None) -> int:
        """How many papers arXiv says were submitted from its beginning to ``last``."""
        _, feed = self._ask(self._params((FIRST_DAY, last), terms, 0, 1), place)
        return total_results(feed, place)

    def _fetch(self, position: _Position) -> _Fetched:
        place, size = self._place(position), self._query.page_size
        params = self._params((position.first, position.last), self._query.terms, position.start, size)
        response, feed = self._ask(params, place)
        # A page is read once to be checked; keeping the tree saves the second reading when it is parsed next.
        self._just_read = (response.content, feed)
        content_type = response.headers.get("Content-Type", "")
        return _Fetched(response.content, content_type, total_results(feed, place), entry_keys(feed))

    def _ask(self, params: Mapping[str, str | int], place: str) -> tuple[requests.Response, ET.Element]:
        with naming(place):
            response = self._session.get(self._url, params=dict(params))
        stop_if_forbidden(response.status_code)
        if response.status_code != 200:
            raise PageRefused(f"{place}: status {response.status_code}{_told(response.content)}")
        return response, parse_feed(response.content, response.headers.get("Content-Type", ""), place)

    def _params(self, days: tuple[date, date], terms: str | None, start: int, size: int) -> dict[str, str | int]:
        clauses = [
            f"({' OR '.join(f'cat:{category}' for category in self._query.categories)})",
            f"submittedDate:[{days[0]:%Y%m%d}0000 TO {days[1]:%Y%m%d}2359]",
        ]
        if terms:
            clauses.append(f"({terms})")
        return {
            "search_query": " AND ".join(clauses),
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
            "start": start,
            "max_results": size,
        }

    def _place(self, position: _Position) -> str:
        return f"arXiv {position.first} to {position.last}, entries from {position.start}"


def _expected(total: int, start: int, page_size: int) -> int:
    return max(0, min(page_size, total - start))


def _told(body: bytes) -> str:
    try:
        parse_feed(body, "", "")
    except HarvestError as refused:
        return str(refused) if "refuses the query" in str(refused) else ""
    return ""


class EprintService:
    """The source of one paper as its authors gave it to arXiv (TeX archive, single file or PDF), one at a time.

    E-prints may be read but neither kept nor served again (arXiv's terms of use): the caller keeps quotes only.
    ``base_url`` is the service's root, without ``/e-print``.
    """

    def __init__(self, session: PoliteSession, *, base_url: str = "https://export.arxiv.org") -> None:
        self.session = session
        self._url = f"{base_url.rstrip('/')}/e-print"

    def fetch(self, arxiv_id: str, version: int | None = None) -> tuple[bytes, str]:
        """The bytes and their content type. Raises ``RecordRefused`` where arXiv has no source of this paper.

        ``SourceStopped`` is raised when arXiv cannot be asked at all, or says that it is asked too often.
        """
        name = f"{arxiv_id}v{version}" if version else arxiv_id
        if not IDENTIFIER.fullmatch(name):
            raise RecordRefused(f"{name!r} is no arXiv identifier")
        url = f"{self._url}/{name}"
        response = self.session.get(url)
        content_type = response.headers.get("Content-Type", "")
        stop_if_forbidden(response.status_code)
        if response.status_code in (404, 410):
            raise RecordRefused(f"arXiv:{name} has no source that can be fetched (status {response.status_code})")
        if response.status_code != 200:
            raise SourceStopped(f"{place_of(url)}: status {response.status_code}; run again later")
        if media_type(content_type) == "text/html":
            if b"rate exceeded" in response.content[:10_000].lower():
                # Taken for "no source", this paper would never be asked for again.
                raise SourceStopped(f"{place_of(url)}: arXiv says it is asked too often; run again later")
            raise RecordRefused(f"arXiv:{name}: a page came in place of the source (withdrawn, or not given out)")
        if not response.content:
            raise RecordRefused(f"arXiv:{name}: the source is empty")
        return response.content, content_type


def page_attempts(attempts: int, wait_s: float) -> Iterator[stamina.Attempt]:
    """Up to ``attempts`` at a page that is refused, about ``wait_s`` seconds apart at first, eight times that at most."""
    context = stamina.retry_context(
        on=PageRefused,
        attempts=attempts,
        timeout=None,
        wait_initial=wait_s,
        wait_max=8 * wait_s,
        wait_jitter=wait_s / 3,
    )
    yield from context


def stop_if_forbidden(status: int) -> None:
    """arXiv answers 403 to clients it has shut out, and takes going on asking for an attack (its terms of use)."""
    if status == 403:
        raise SourceStopped(
            "arXiv refuses to answer us (status 403). Do not ask again before writing to help@arxiv.org."
        )
