"""arXiv's announcements of today over RSS: what is new, cross-listed or replaced, on the morning it appears.

Facts (info.arxiv.org/help/rss_specifications; github.com/arXiv/arxiv-feed): one feed holds one day's announcements of the
archives asked for, at most 2,000; it is empty on weekends and holidays; of replacements it names only versions up to 5,
and never those that change the abstract page alone. A day that was not asked for is gone. So this is the early path and
OAI-PMH the whole one. An item's ``pubDate`` is the day of its announcement, not of its submission, which is not told.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET  # trees come from xmltree, which reads nothing with a DTD
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import feedparser

from harvesters.arxiv import page_attempts, stop_if_forbidden
from harvesters.arxiv_ids import is_withdrawn, letter_day, split_identifier
from harvesters.arxiv_raw import authors_of
from harvesters.errors import PageRefused, RecordRefused, naming
from harvesters.http import PoliteSession
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord, Refusal
from harvesters.xmltree import read_repaired, read_tree, words_of

MAX_ITEMS = 2_000
ANNOUNCE_TYPES = ("new", "cross", "replace", "replace-cross")

_READ_FIELDS = frozenset(
    [
        *("id", "title", "summary", "author", "tags", "published"),
        *("arxiv_announce_type", "arxiv_doi", "arxiv_journal_reference"),
    ]
)
_IGNORED_FIELDS = frozenset(
    # Made by feedparser from fields that are read, addresses that follow from the identifier, and the licence.
    [
        *("title_detail", "summary_detail", "link", "links", "guidislink", "published_parsed", "authors"),
        *("author_detail", "rights", "rights_detail"),
    ]
)
_DESCRIPTION = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*\S+\s+Abstract:\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RssQuery:
    """What to ask for: today's announcements of ``archives``, each an archive or a category ("astro-ph.GA").

    ``today`` is the caller's day: a feed of a later one is refused. Without it the server is believed.
    """

    archives: tuple[str, ...] = ("astro-ph",)
    today: date | None = None
    page_attempts: int = 3
    page_wait_s: float = 3.0

    def __post_init__(self) -> None:
        wrong = [name for name in self.archives if re.fullmatch(r"[a-z-]+(\.[A-Za-z-]+)?", name) is None]
        if wrong or not self.archives:
            raise ValueError(f"arXiv's feeds are named after archives or categories, not {wrong or 'nothing'}")


class RssSource:
    """Today's announcements as one page.

    The cursor is ``{"announced": day}`` of the feed read last. It does not steer: a feed has no past, and asking twice
    on a day gives the same page. ``base_url`` is the service's address up to the archives.
    """

    name = "arxiv-rss"

    def __init__(self, session: PoliteSession, query: RssQuery, *, base_url: str = "https://rss.arxiv.org/rss") -> None:
        self._session = session
        self._query = query
        self._url = f"{base_url.rstrip('/')}/{'+'.join(query.archives)}"

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield the one page. Raises ``PageRefused`` naming the feed, or ``SourceStopped``."""
        body, content_type, day = self._fetch()
        yield Page(
            source=self.name,
            place=f"{self._place()} announced on {day}",
            body=body,
            content_type=content_type,
            next_cursor={"announced": day.isoformat()},
            is_last=True,
            window=(day.isoformat(), day.isoformat()),
        )

    def parse(self, page: Page) -> ParsedPage:
        """Read a feed. Raises ``PageRefused`` for HTML, broken XML and feeds that are not arXiv's announcements."""
        tree, body = read_repaired(page.body, page.content_type, page.place)
        announced_on = _announced_on(tree, page.place)
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        unread: set[str] = set()
        for number, entry in enumerate(_entries(body, page.place), start=1):
            try:
                records.append(_record(self.name, entry, announced_on, unread))
            except RecordRefused as refused:
                key = str(entry.get("id", ""))[:200] or None
                refusals.append(Refusal(self.name, f"{page.place} item {number}", str(refused), key))
        if len(records) + len(refusals) >= MAX_ITEMS:
            reason = f"holds {MAX_ITEMS} items, as many as a feed can; OAI-PMH has the rest"
            refusals.append(Refusal(self.name, page.place, reason))
        return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))

    def _place(self) -> str:
        return f"arXiv RSS {'+'.join(self._query.archives)}"

    def _fetch(self) -> tuple[bytes, str, date]:
        """The feed, asked for again while it is none, and the day of its announcements."""
        for attempt in page_attempts(self._query.page_attempts, self._query.page_wait_s):
            with attempt:
                place = self._place()
                with naming(place):
                    response = self._session.get(self._url)
                stop_if_forbidden(response.status_code)
                if response.status_code != 200:
                    place = f"{place}: status {response.status_code}"  # its feed of errors comes with status 400
                content_type = response.headers.get("Content-Type", "")
                tree = read_tree(response.content, content_type, place)
                announced_on = _announced_on(tree, place)
                if response.status_code != 200:
                    raise PageRefused(place)
                today = self._query.today
                if today is not None and announced_on > today + timedelta(days=1):  # it may be past midnight there
                    raise PageRefused(f"{place}: the feed is of {announced_on}, and here it is {today}; not read")
                return response.content, content_type, announced_on
        raise AssertionError("unreachable: the loop returns or raises")


def _announced_on(tree: ET.Element, place: str) -> date:
    """The day of the feed's announcements, as arXiv counts days. Raises ``PageRefused`` for any other feed."""
    title = words_of(tree.find("channel/title")) or ""
    if tree.tag == "rss" and title.startswith("Feed error"):
        reason = words_of(tree.find("channel/description")) or "no reason given"
        raise PageRefused(f"{place}: arXiv refuses the feed: {reason[:200]}")
    if tree.tag != "rss" or not title.endswith("updates on arXiv.org"):
        raise PageRefused(f'{place}: the answer is no feed of arXiv\'s announcements (its title is "{title[:80]}")')
    return _day(
        words_of(tree.find("channel/pubDate")), PageRefused(f"{place}: the feed does not say of which day it is")
    )


def _entries(body: bytes, place: str) -> list[Any]:
    # A stream, never the bytes themselves: feedparser takes a short string for an address and would fetch it.
    try:
        feed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except Exception as broken:  # feedparser promises never to raise, and does on some damaged feeds (fuzzed)
        raise PageRefused(f"{place}: the feed cannot be read ({type(broken).__name__})") from broken
    if feed.bozo:
        raise PageRefused(f"{place}: the feed is broken or cut off ({type(feed.bozo_exception).__name__})")
    return list(feed.entries)


def _record(source: str, entry: Any, announced_on: date, unread: set[str]) -> HarvestedRecord:
    guid = str(entry.get("id", ""))
    known = split_identifier(guid.rpartition("arXiv.org:")[2])
    if known is None:
        raise RecordRefused(f"its guid {guid[:80]!r} is no identifier of arXiv")
    unread.update(set(entry) - _READ_FIELDS - _IGNORED_FIELDS)
    title = _words(entry.get("title"))
    if title is None:
        raise RecordRefused("has no title")
    announce_type = _words(entry.get("arxiv_announce_type")) or ""
    if announce_type not in ANNOUNCE_TYPES:
        unread.add(f"announce_type {announce_type[:40]!r}")
    description = _DESCRIPTION.fullmatch(str(entry.get("summary", "")))
    if description is None:
        unread.add("description in another form")
    abstract = _words(description[1]) if description is not None else None
    dois = str(entry.get("arxiv_doi") or "").split()
    if entry.get("published"):
        announced_on = _day(entry["published"], RecordRefused(f"the date {entry['published'][:40]!r} cannot be read"))
    extra = {
        "announce_type": announce_type[:40],
        "announced_on": announced_on.isoformat(),
        "journal_ref": _words(entry.get("arxiv_journal_reference")) or "",
        "further_dois": " ".join(dois[1:]),
    }
    return HarvestedRecord(
        source=source,
        key=known[0],
        title=title,
        abstract=abstract,
        authors=tuple(map(HarvestedAuthor, authors_of(_words(entry.get("author")) or ""))),
        doi=dois[0] if dois else None,
        arxiv_id=known[0],
        arxiv_version=known[1],
        kind="eprint",
        categories=tuple(str(tag.get("term")) for tag in entry.get("tags", []) if tag.get("term")),
        is_withdrawn=is_withdrawn(None, abstract),
        extra={name: value for name, value in extra.items() if value},
    )


def _words(value: object) -> str | None:
    return " ".join(str(value).split()) or None if value is not None else None


def _day(written: str | None, otherwise: Exception) -> date:
    """The day as written, in the writer's own time zone: arXiv announces at midnight in New York."""
    try:
        return letter_day(written or "")
    except ValueError as wrong:
        raise otherwise from wrong
