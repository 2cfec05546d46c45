"""arXiv: preprints by day of submission from its API, and the source of one paper from its e-print service.

Rules and known faults of the API (info.arxiv.org/help/api/user-manual.html and tou.html): one request per three
seconds over everything an operator runs; at most 2,000 entries a page and 30,000 a query; errors come as a feed with
one entry whose id contains ``/api/errors``; now and then a page is empty although entries are promised; a "Rate
exceeded" page is HTML with status 200, which a feed parser takes for an empty feed.

feedparser keeps no affiliations of several authors, so none are given here: they come from ADS.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import feedparser
import stamina

from harvesters.errors import HarvestError, PageRefused, RecordRefused, SourceStopped
from harvesters.http import PoliteSession, media_type, place_of
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord, Refusal

SERVICE = "arxiv"
"""The name under which every request to arXiv takes its turn: API, OAI-PMH and e-prints together."""

MAX_PAGE_SIZE = 2_000
MAX_WINDOW = 30_000

_IDENTIFIER = re.compile(r"/abs/((?:[a-z-]+(?:\.[A-Z]{2})?/\d{7})|(?:\d{4}\.\d{4,5}))(?:v(\d+))?$")
_WITHDRAWN = re.compile(
    r"\b(?:paper|article|submission|manuscript|preprint)\s+(?:has\s+been|is|was)\s+(?:temporarily\s+)?withdrawn"
    r"|^\W*withdrawn\b",
    re.IGNORECASE,
)
_READ_FIELDS = frozenset(
    [
        "id",
        "title",
        "summary",
        "authors",
        "published",
        "updated",
        "tags",
        "arxiv_comment",
        "arxiv_doi",
        "arxiv_journal_ref",
        "arxiv_primary_category",
    ]
)
_IGNORED_FIELDS = frozenset(
    # Derived by feedparser from fields that are read, or addresses that follow from the identifier.
    [
        "guidislink",
        "link",
        "links",
        "title_detail",
        "summary_detail",
        "author",
        "author_detail",
        "published_parsed",
        "updated_parsed",
        "arxiv_affiliation",
    ]
)


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

    def cursor(self) -> dict[str, object]:
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "start": self.start,
            "promised": self.promised,
            "restarts": self.restarts,
        }


@dataclass(frozen=True, slots=True)
class _Fetched:
    body: bytes
    content_type: str
    total: int
    count: int


class ArxivSource:
    """Preprints from arXiv's API, by windows of submission days.

    An empty cursor begins at ``query.since``; the cursor after the last page is ``{"day": …}``, ``overlap_days``
    before ``query.until``. ``base_url`` is the service's root, without ``/api/query``.
    """

    name = "arxiv"
    MAX_RESTARTS = 2
    """How often a window is begun anew because its total changed while it was paged."""

    def __init__(
        self, session: PoliteSession, query: ArxivQuery, *, base_url: str = "https://export.arxiv.org"
    ) -> None:
        self._session = session
        self._query = query
        self._url = f"{base_url.rstrip('/')}/api/query"
        self._just_read: tuple[bytes, Any] | None = None

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming the page, or ``SourceStopped``."""
        position = self._begin(cursor)
        while position.first <= self._query.until:
            fetched = self._fetch_whole(position)
            total = fetched.total
            if total >= MAX_WINDOW and position.start == 0:
                position = self._halved(position, total)
                continue
            following = self._following(position, total)
            is_last = following.first > self._query.until
            yield Page(
                source=self.name,
                place=self._place(position),
                body=fetched.body,
                content_type=fetched.content_type,
                next_cursor=self._end_cursor() if is_last else following.cursor(),
                is_last=is_last,
                promised=total,
                expected=_expected(total, position.start, self._query.page_size),
                window=(position.first.isoformat(), position.last.isoformat()),
            )
            position = following

    def parse(self, page: Page) -> ParsedPage:
        """Read one Atom page. Raises ``PageRefused`` for HTML, error feeds, broken XML and feeds without a total."""
        if self._just_read is not None and self._just_read[0] is page.body:
            feed = self._just_read[1]
        else:
            feed = parse_feed(page.body, page.content_type, page.place)
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        unread: set[str] = set()
        for number, entry in enumerate(feed.entries, start=1):
            try:
                records.append(_record(self.name, entry))
            except RecordRefused as refused:
                refusals.append(Refusal(self.name, f"{page.place} entry {number}", str(refused), entry.get("id")))
            unread.update(set(entry) - _READ_FIELDS - _IGNORED_FIELDS)
        if page.expected is not None and len(feed.entries) < page.expected:
            missing = page.expected - len(feed.entries)
            refusals.append(
                Refusal(self.name, page.place, f"{missing} of {page.expected} promised entries are missing")
            )
        return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))

    def _begin(self, cursor: Mapping[str, object]) -> _Position:
        try:
            if "first" in cursor:
                promised = cursor.get("promised")
                return _Position(
                    date.fromisoformat(str(cursor["first"])),
                    date.fromisoformat(str(cursor["last"])),
                    int(str(cursor.get("start", 0))),
                    None if promised is None else int(str(promised)),
                    int(str(cursor.get("restarts", 0))),
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

    def _following(self, position: _Position, total: int) -> _Position:
        changed = position.promised is not None and position.promised != total
        if changed and position.restarts < self.MAX_RESTARTS:
            # Entries move between pages when the total changes, so the window is read again from its beginning.
            return _Position(position.first, position.last, 0, total, position.restarts + 1)
        start = position.start + self._query.page_size
        if start < total:
            return _Position(position.first, position.last, start, total, position.restarts)
        return self._window(position.last + timedelta(days=1))

    def _end_cursor(self) -> dict[str, object]:
        day = self._query.until - timedelta(days=self._query.overlap_days - 1)
        return {"day": max(day, self._query.since).isoformat()}

    def _fetch_whole(self, position: _Position) -> _Fetched:
        """One page, asked for again while it is no feed or holds less than it promises.

        A page that stays short is given as it is (``parse`` reports what is missing); one that stays empty or
        unreadable raises ``PageRefused``.
        """
        short: _Fetched | None = None
        attempts = stamina.retry_context(
            on=PageRefused,
            attempts=self._query.page_attempts,
            timeout=None,
            wait_initial=self._query.page_wait_s,
            wait_max=8 * self._query.page_wait_s,
            wait_jitter=self._query.page_wait_s / 3,
        )
        try:
            for attempt in attempts:
                with attempt:
                    fetched = self._fetch(position)
                    due = _expected(fetched.total, position.start, self._query.page_size)
                    if fetched.count >= due:
                        return fetched
                    short = fetched if fetched.count else None
                    raise PageRefused(
                        f"{self._place(position)}: holds {fetched.count} entries where {due} are promised, "
                        f"{self._query.page_attempts} times over; the harvest goes on from this page next time"
                    )
        except PageRefused:
            if short is None:
                raise
        assert short is not None
        return short

    def _fetch(self, position: _Position) -> _Fetched:
        place = self._place(position)
        response = self._session.get(self._url, params=self._params(position))
        content_type = response.headers.get("Content-Type", "")
        _stop_if_forbidden(response.status_code)
        if response.status_code != 200:
            raise PageRefused(f"{place}: status {response.status_code}{_told(response.content)}")
        feed = parse_feed(response.content, content_type, place)
        # A page is read once to be checked; keeping it saves the second reading when it is parsed next (1 ms an entry).
        self._just_read = (response.content, feed)
        return _Fetched(response.content, content_type, total_results(feed, place), len(feed.entries))

    def _params(self, position: _Position) -> dict[str, str | int]:
        days = f"submittedDate:[{position.first:%Y%m%d}0000 TO {position.last:%Y%m%d}2359]"
        clauses = [f"({' OR '.join(f'cat:{category}' for category in self._query.categories)})", days]
        if self._query.terms:
            clauses.append(f"({self._query.terms})")
        return {
            "search_query": " AND ".join(clauses),
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
            "start": position.start,
            "max_results": self._query.page_size,
        }

    def _place(self, position: _Position) -> str:
        return f"arXiv {position.first} to {position.last}, entries from {position.start}"


def _expected(total: int, start: int, page_size: int) -> int:
    return max(0, min(page_size, total - start))


def parse_feed(body: bytes, content_type: str, place: str) -> Any:
    """Read an Atom answer of arXiv. Raises ``PageRefused`` for anything that is not a whole feed of results."""
    media = media_type(content_type)
    if media and "xml" not in media:
        words = " ".join(re.sub(rb"<[^>]*>", b" ", body[:2000]).decode("utf-8", errors="replace").split())[:120]
        raise PageRefused(f'{place}: the answer is {media}, not a feed ("{words}")')
    if b"<!ENTITY" in body:
        raise PageRefused(f"{place}: the feed declares entities, which can grow without bound; not read")
    # A stream, never the bytes themselves: feedparser takes a short string for an address and would fetch it. The
    # document declares its own encoding, so a wrong charset in the header does no harm.
    try:
        feed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except Exception as broken:  # feedparser promises never to raise, and does on encodings that are no names (fuzzed)
        raise PageRefused(f"{place}: the feed cannot be read ({type(broken).__name__})") from broken
    if feed.bozo:
        raise PageRefused(f"{place}: the feed is broken or cut off ({type(feed.bozo_exception).__name__})")
    if len(feed.entries) == 1 and "/api/errors" in str(feed.entries[0].get("id", "")):
        raise PageRefused(
            f"{place}: arXiv refuses the query: {feed.entries[0].get('summary', 'no reason given')[:200]}"
        )
    total_results(feed, place)
    return feed


def total_results(feed: Any, place: str) -> int:
    """How many entries the whole query has. Raises ``PageRefused`` where the feed does not say."""
    value = str(feed.feed.get("opensearch_totalresults", ""))
    if not value.isdigit():
        raise PageRefused(f"{place}: the answer is no feed of results (it does not say how many there are)")
    return int(value)


def is_withdrawn(comment: str | None, abstract: str | None) -> bool:
    """True when the paper says of itself that it has been withdrawn; arXiv has no field for it."""
    return bool(_WITHDRAWN.search(comment or "") or _WITHDRAWN.search((abstract or "")[:200]))


def _told(body: bytes) -> str:
    try:
        parse_feed(body, "", "")
    except HarvestError as refused:
        return str(refused) if "refuses the query" in str(refused) else ""
    return ""


def _record(source: str, entry: Any) -> HarvestedRecord:
    arxiv_id, version = _identifier(str(entry.get("id", "")))
    title, abstract = _words(entry.get("title")), _words(entry.get("summary"))
    if title is None:
        raise RecordRefused("the entry has no title")
    comment = _words(entry.get("arxiv_comment"))
    dois = str(entry.get("arxiv_doi") or "").split()
    submitted_on = _day(entry.get("published"))
    extra = {
        "journal_ref": _words(entry.get("arxiv_journal_ref")) or "",
        "primary_category": str((entry.get("arxiv_primary_category") or {}).get("term") or ""),
        "further_dois": " ".join(dois[1:]),
    }
    return HarvestedRecord(
        source=source,
        key=arxiv_id,
        title=title,
        abstract=abstract,
        authors=tuple(
            HarvestedAuthor(name) for author in entry.get("authors", []) if (name := _words(author.get("name")))
        ),
        doi=dois[0] if dois else None,
        arxiv_id=arxiv_id,
        arxiv_version=version,
        kind="eprint",
        year=submitted_on.year if submitted_on else None,
        submitted_on=submitted_on,
        updated_on=_day(entry.get("updated")),
        categories=tuple(str(tag.get("term")) for tag in entry.get("tags", []) if tag.get("term")),
        comment=comment,
        is_withdrawn=is_withdrawn(comment, abstract),
        extra={key: value for key, value in extra.items() if value},
    )


def split_identifier(text: str) -> tuple[str, int | None] | None:
    """Identifier and version of ``2601.00007v2``, ``arXiv:astro-ph/0601001`` or an address of arXiv; None for others."""
    bare = text.strip().rpartition("/abs/")[2].removesuffix(".pdf")
    bare = bare[6:].strip() if bare.lower().startswith("arxiv:") else bare
    match = _IDENTIFIER.search(f"/abs/{bare}")
    return (match[1], int(match[2]) if match[2] else None) if match else None


def _identifier(address: str) -> tuple[str, int | None]:
    match = _IDENTIFIER.search(address)
    if match is None:
        raise RecordRefused(f"the entry's id {address[:80]!r} is no arXiv address")
    return match[1], int(match[2]) if match[2] else None


def _words(value: object) -> str | None:
    """The text on one line; titles come broken over several."""
    return " ".join(str(value).split()) or None if value is not None else None


def _day(value: object) -> date | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError as wrong:
        raise RecordRefused(f"the date {str(value)[:40]!r} cannot be read") from wrong


class EprintService:
    """The source of one paper as its authors gave it to arXiv (TeX archive, single file or PDF), one at a time.

    E-prints may be read but neither kept nor served again (arXiv's terms of use): the caller keeps quotes only.
    ``base_url`` is the service's root, without ``/e-print``.
    """

    def __init__(self, session: PoliteSession, *, base_url: str = "https://export.arxiv.org") -> None:
        self._session = session
        self._url = f"{base_url.rstrip('/')}/e-print"

    def fetch(self, arxiv_id: str, version: int | None = None) -> tuple[bytes, str]:
        """The bytes and their content type. Raises ``RecordRefused`` where arXiv has no source of this paper.

        ``SourceStopped`` is raised when arXiv cannot be asked at all, or says that it is asked too often.
        """
        name = f"{arxiv_id}v{version}" if version else arxiv_id
        if not _IDENTIFIER.search(f"/abs/{name}"):
            raise RecordRefused(f"{name!r} is no arXiv identifier")
        url = f"{self._url}/{name}"
        response = self._session.get(url)
        content_type = response.headers.get("Content-Type", "")
        _stop_if_forbidden(response.status_code)
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


def _stop_if_forbidden(status: int) -> None:
    """arXiv answers 403 to clients it has shut out, and takes going on asking for an attack (its terms of use)."""
    if status == 403:
        raise SourceStopped(
            "arXiv refuses to answer us (status 403). Do not ask again before writing to help@arxiv.org."
        )
