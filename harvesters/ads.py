"""NASA ADS, searched through the ``ads`` package, which is used for one page at a time and for nothing else.

What was measured of ads 0.12.7 and is avoided here: it stops at 50 records by default, each attribute that was not
asked for costs a hidden request, it sets no time-out, an error loses its status, and one odd document loses its page.
So every query names its fields and rows, the session is ours (time-outs, retries, status, quota), the raw answer is
kept and read by ``ads_records``, and the number of records got is compared with ``numFound``.

Highlights are asked for as ADS's own page does (adsabs/nectar, src/api/search/models.ts): Solr's defaults would give
one passage per field and look at the first 51,200 characters of a body only. ``hl.fragsize`` is never sent: with it
ADS returns no highlights (adsabs-dev-api issue 112).
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from ads.exceptions import APIResponseError, SolrResponseParseError
from ads.search import SearchQuery

from harvesters.ads_port import BASE_URL, MAX_QUERY_CHARS, MAX_ROWS, AdsPort, clause, judged
from harvesters.ads_records import FIELDS, HIGHLIGHTED, SOURCE, answer_of, parse_page
from harvesters.errors import PageRefused, SourceStopped, naming
from harvesters.http import PoliteSession
from harvesters.protocol import Page, ParsedPage

SERVICE = "ads"

_HIGHLIGHT_OPTIONS = {
    "hl.snippets": "4",
    "hl.maxAnalyzedChars": "150000",
    "hl.requireFieldMatch": "true",
    "hl.usePhraseHighlighter": "true",
}
"""Four is the most ADS gives (adsabs/solr-service, solr/sanitize.py)."""


@dataclass(frozen=True, slots=True)
class AdsQuery:
    """What to ask for: each of ``searches`` (name → query in ADS's language, without dates), one after the other.

    ``since`` limits an incremental run to records that entered, or whose full text or metadata changed, on or after
    that day; None asks for everything from ``first_year`` on. ``until`` is today: the next run's ``since`` is
    ``overlap_days`` before it, because ADS indexes astronomy weekly.

    ``entered_since`` is for the re-sweep: everything that entered on or after that day, whether or not ADS says that
    it changed since; that finds what the increments missed. A search may have exclusions (``full:"X" -ack:"Y"``): each
    is put in brackets before the days are joined to it.
    """

    searches: Mapping[str, str]
    until: date
    since: date | None = None
    entered_since: date | None = None
    first_year: int | None = None
    rows: int = 500
    overlap_days: int = 10

    def __post_init__(self) -> None:
        if not self.searches:
            raise ValueError("ADS needs at least one search")
        if self.since is not None and self.entered_since is not None:
            raise ValueError("a run is an increment (since) or a re-sweep (entered_since), not both")
        if not 1 <= self.rows <= MAX_ROWS:
            raise ValueError(f"a page of ADS holds 1 to {MAX_ROWS} records, not {self.rows}")


class AdsSource:
    """Papers from ADS by the searches of the profile.

    The cursor within a run is ``{"search": name, "mark": cursorMark, "got": n, "since": day, "began": day}``, after the last page
    ``{"since": day}``. A re-sweep keeps its first day under "since" too, and leaves no cursor behind: the next one
    has another first day. Without a token nothing is asked and ``SourceStopped`` says what to do.
    """

    name = SOURCE

    def __init__(
        self,
        session: PoliteSession,
        query: AdsQuery,
        *,
        token: str | None,
        base_url: str = BASE_URL,
    ) -> None:
        self._query = query
        self._port = AdsPort(session, token, base_url)

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming search and page, or ``SourceStopped``."""
        self._port.open()
        since = self._since(cursor)
        names = list(self._query.searches)
        first = str(cursor.get("search", names[0]))
        if first not in names:  # the searches were changed halfway: all are asked once more, which doubles nothing
            first, cursor = names[0], {name: value for name, value in cursor.items() if name in ("since", "began")}
        began = self._day_of(cursor, "began") or self._query.until
        for name in names[names.index(first) :]:
            resumed = cursor if name == cursor.get("search") else {}
            yield from self._search_pages(name, since, {**resumed, "began": began}, is_last_search=name == names[-1])

    def parse(self, page: Page) -> ParsedPage:
        """Read one page. Raises ``PageRefused`` for anything that is not a search answer."""
        return parse_page(page)

    def _since(self, cursor: Mapping[str, object]) -> date | None:
        return self._day_of(cursor, "since") or self._query.entered_since or self._query.since

    def _day_of(self, cursor: Mapping[str, object], name: str) -> date | None:
        value = cursor.get(name)
        try:
            return date.fromisoformat(str(value)) if value else None
        except ValueError as wrong:
            raise SourceStopped(f"ADS: the stored place {value!r} is no day; clear it to begin anew") from wrong

    def _search_pages(
        self, name: str, since: date | None, cursor: Mapping[str, object], *, is_last_search: bool
    ) -> Iterator[Page]:
        mark, got = str(cursor.get("mark", "*")), _count_of(cursor)
        # A run may take days (quota, outages): what it promises to have asked ends with the day on which it began.
        began = cast("date", cursor["began"])
        text = self._text(name, since)
        before: frozenset[str] = frozenset()
        while True:
            place = f"ADS search {name}, records from {got + 1}"
            body, content_type, answer = self._fresh(text, mark, place, before)
            before = _ids(answer)
            found, count = answer["response"]["numFound"], len(answer["response"]["docs"])
            next_mark, rows = _next_mark(answer, place), _granted(answer, self._query.rows)
            # The cursor that repeats itself is the end Solr speaks of. A full page is never taken for the end, even
            # when numFound is reached: it shrinks when ADS merges records that were given already.
            over = count == 0 or next_mark in (None, mark)
            at_end = over or (got + count >= found and count < rows)
            if at_end and got + count < found:
                raise PageRefused(
                    f"{place}: ends after {got + count} of {found} records; the harvest goes on from this page next time"
                )
            following: dict[str, object] = {"search": name, "mark": next_mark, "got": got + count}
            if at_end:
                following = self._after(name, began, is_last_search=is_last_search)
            if not (at_end and is_last_search):
                following["began"] = began.isoformat()
            if since is not None and not (at_end and is_last_search):
                following["since"] = since.isoformat()
            yield Page(
                source=self.name,
                place=place,
                body=body,
                content_type=content_type,
                next_cursor=following,
                is_last=at_end and is_last_search,
                promised=found,
                expected=max(0, min(rows, found - got)),
                window=(since.isoformat(), began.isoformat()) if since else None,
            )
            if at_end:
                return
            mark, got = str(next_mark), got + count

    def _after(self, name: str, began: date, *, is_last_search: bool) -> dict[str, object]:
        if is_last_search and self._query.entered_since is not None:
            return {}
        if is_last_search:
            return {"since": (began - timedelta(days=self._query.overlap_days)).isoformat()}
        names = list(self._query.searches)
        return {"search": names[names.index(name) + 1], "mark": "*", "got": 0}

    def _text(self, name: str, since: date | None) -> str:
        text = clause(name, self._query.searches[name])
        if since is not None and self._query.entered_since is not None:
            text += f" entdate:[{since} TO *]"
        elif since is not None:
            # A record enters as a preprint; its body becomes searchable when the publisher's text is indexed, months
            # later: so changed full text and metadata count as well as entry.
            text += (
                f" (entdate:[{since} TO *] OR fulltext_mtime:[{since}T00:00:00Z TO *]"
                f" OR metadata_mtime:[{since}T00:00:00Z TO *])"
            )
        if self._query.first_year is not None:
            text += f" year:[{self._query.first_year} TO *]"
        if len(text) > MAX_QUERY_CHARS:
            raise SourceStopped(
                f"ADS: the search {name} has {len(text)} characters, more than {MAX_QUERY_CHARS}; split it"
            )
        return text

    def _fresh(self, text: str, mark: str, place: str, before: frozenset[str]) -> tuple[bytes, str, dict[str, Any]]:
        """The page at ``mark``. One that repeats records of the page before is asked for again, then refused.

        The order is by internal number, so a repeated one means that the order did not hold, and that records which
        should be here may never come.
        """
        for _ in range(_FETCHES):
            body, content_type = self._fetch(text, mark, place)
            answer = answer_of(body, content_type, place)
            if before.isdisjoint(_ids(answer)):
                return body, content_type, answer
        raise PageRefused(
            f"{place}: repeats records of the page before, so others may be missing; the harvest goes on from this page "
            "next time"
        )

    def _fetch(self, text: str, mark: str, place: str) -> tuple[bytes, str]:
        search = SearchQuery(
            q=text,
            fl=list(FIELDS),
            rows=self._query.rows,
            max_pages=1,
            cursorMark=mark,
            sort="id asc",
            hl=list(HIGHLIGHTED),
        )
        search.HTTP_ENDPOINT = "search/query"  # of this search only: the package keeps the address in the class
        heard = _Heard(self._port, place)
        search._session = heard
        # What the package stumbles over (one odd document is enough) is judged by ``answer_of``, which all pages pass.
        with (
            warnings.catch_warnings(),
            contextlib.suppress(APIResponseError, SolrResponseParseError, *_STUMBLES),
        ):
            warnings.simplefilter("ignore")  # "rows did not match": the number of records is compared instead
            search.execute()
        return heard.body, heard.content_type


_FETCHES = 3
_MARK_CHARS = 4_000
_STUMBLES = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class _Heard:
    """The session as the package sees it; keeps the raw answer, and judges its status before the package loses it."""

    def __init__(self, port: AdsPort, place: str) -> None:
        self._port = port
        self._place = place
        self.body = b""
        self.content_type = ""

    def get(self, url: str, params: Mapping[str, Any]) -> Any:
        """Ask as the package wants, with lists written as ADS's own page writes them (``fl=a,b``).

        The package hands ``hl.fl`` over in another order each time; ADS echoes it, and the same answer would be kept
        twice. So what is a set is sorted. It cannot say how many passages it wants and of what: that is added.
        """
        joined = {key: ",".join(value) if isinstance(value, (list, tuple)) else value for key, value in params.items()}
        joined = {key: ",".join(sorted(str(v).split(","))) if key == "hl.fl" else v for key, v in joined.items()}
        with naming(self._place):
            response = self._port.fetch(url, joined | _HIGHLIGHT_OPTIONS)
        self.body, self.content_type = response.content, response.headers.get("Content-Type", "")
        return judged(response, self._place)


def _next_mark(answer: Mapping[str, Any], place: str) -> str | None:
    mark = answer.get("nextCursorMark")
    if not isinstance(mark, str):
        return None
    if len(mark) > _MARK_CHARS or not mark.isprintable():
        raise PageRefused(f"{place}: the answer says where to go on in a way that cannot be stored")
    return mark


def _granted(answer: Mapping[str, Any], asked: int) -> int:
    """Rows a page holds: ADS gives some users fewer than are asked for, and says so in the parameters it echoes."""
    header = answer.get("responseHeader")
    params = header.get("params") if isinstance(header, dict) else None
    rows = str(params.get("rows")) if isinstance(params, dict) else ""
    return min(asked, int(rows)) if rows.isascii() and rows.isdecimal() and 0 < len(rows) < 9 and int(rows) else asked


def _ids(answer: Mapping[str, Any]) -> frozenset[str]:
    documents = answer["response"]["docs"]
    return frozenset(str(document["id"]) for document in documents if isinstance(document, dict) and "id" in document)


def _count_of(cursor: Mapping[str, object]) -> int:
    value = str(cursor.get("got", 0))
    if not (value.isascii() and value.isdecimal()):
        raise SourceStopped(f"ADS: the stored place counts {value[:20]!r} records; clear it to begin anew")
    return int(value)
