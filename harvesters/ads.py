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
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

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
    it changed since; that finds what the increments missed. ``is_once``: a re-sweep, too, of a few years of publication.

    A search that finds nothing in all the past, in a re-sweep, or in a span of weeks while it finds nothing without days
    either, is doubted (an index that is being built again finds nothing as well); ``accepts_nothing`` believes it. A search may have exclusions (``full:"X" -ack:"Y"``): each
    is put in brackets before the days are joined to it.
    """

    searches: Mapping[str, str]
    until: date
    since: date | None = None
    entered_since: date | None = None
    first_year: int | None = None
    rows: int = 500
    overlap_days: int = 10
    is_once: bool = False
    accepts_nothing: bool = False

    @property
    def is_resweep(self) -> bool:
        """Whether it asks for what was asked for before, and leaves no place to go on from."""
        return self.is_once or self.entered_since is not None

    def __post_init__(self) -> None:
        if not self.searches:
            raise ValueError("ADS needs at least one search")
        if self.since is not None and self.entered_since is not None:
            raise ValueError("a run is an increment (since) or a re-sweep (entered_since), not both")
        if not 1 <= self.rows <= MAX_ROWS:
            raise ValueError(f"a page of ADS holds 1 to {MAX_ROWS} records, not {self.rows}")


@dataclass(slots=True)
class _Run:
    """One reading of all searches, which may take several runs: it promises the days up to ``began``.

    ``names`` are the searches left to ask. ``doubted`` found nothing when all the past was asked for in an earlier run,
    so that they are asked for all of it again; ``empty`` are those that found nothing so far. ``open_since`` is where
    the oldest reading began that left some of them open ("" where it had no first day): what ends now covers it too.
    """

    names: list[str]
    since: date | None
    began: date
    doubted: frozenset[str] = frozenset()
    empty: list[str] = field(default_factory=list)
    open_since: str | None = None

    @property
    def window(self) -> tuple[str, str] | None:
        """The days that the reading covers when it ends; None for all of the past."""
        first = self.open_since if self.open_since is not None else self.since.isoformat() if self.since else ""
        return (first, self.began.isoformat()) if first else None

    def kept(self) -> dict[str, object]:
        """What every place within the reading says."""
        days: dict[str, object] = {"began": self.began.isoformat()}
        return days | ({"since": self.since.isoformat()} if self.since is not None else {})


@dataclass(slots=True)
class _Search:
    """How far one search is: where its next page lies, what came, and what was promised when this run came to it."""

    name: str
    text: str
    mark: str
    got: int
    promised: int | None = None
    before: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        return f"ADS search {self.name}, records from {self.got + 1}"


class AdsSource:
    """Papers from ADS by the searches of the profile.

    The cursor within a run is ``{"search": name, "mark": cursorMark, "got": n, "since": day, "began": day}``, after the last page
    ``{"since": day}``. A re-sweep keeps its first day under "since" too, and leaves no cursor behind: the next one
    has another first day. "empty" names the searches that found nothing where something must be: the others go on, the
    run ends with ``PageRefused``, and the next one asks these for all the past once more (of a re-sweep: these alone,
    and believes them). Without a token nothing is asked and ``SourceStopped`` says what to do.
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
        run, resumed = self._begin(cursor)
        while run.names:
            name = run.names[0]
            mark, got = (
                (str(resumed.get("mark", "*")), _count_of(resumed)) if name == resumed.get("search") else ("*", 0)
            )
            yield from self._search_pages(run, _Search(name, self._text(name, self._since_of(run, name)), mark, got))
        if run.empty:
            raise PageRefused(self._found_nothing(run.empty))

    def parse(self, page: Page) -> ParsedPage:
        """Read one page. Raises ``PageRefused`` for anything that is not a search answer."""
        return parse_page(page)

    def _begin(self, cursor: Mapping[str, object]) -> tuple[_Run, Mapping[str, object]]:
        """Where to begin, and the place within a search to go on from."""
        query, names = self._query, list(self._query.searches)
        began = self._day_of(cursor, "began") or query.until
        if query.is_resweep and "search" not in cursor and query.until - began > _DOUBTED_FOR:
            cursor, began = {}, query.until  # what an older re-sweep left open is part of this one
        since = self._day_of(cursor, "since") or query.entered_since or query.since
        told = cursor.get("empty")
        empty = [name for name in names if name in told] if isinstance(told, list) else []
        first = cursor.get("search")
        if first in names:
            names = names[names.index(str(first)) :]
        elif first is None and query.is_resweep and empty:
            names = list(empty)
        # Searches changed halfway through: all are asked once more, which doubles nothing.
        open_since = cursor.get("open") if empty else None
        return _Run(
            names, since, began, frozenset(empty), empty, open_since if isinstance(open_since, str) else None
        ), cursor

    def _since_of(self, run: _Run, name: str) -> date | None:
        return None if name in run.doubted and not self._query.is_resweep else run.since

    def _day_of(self, cursor: Mapping[str, object], name: str) -> date | None:
        value = cursor.get(name)
        try:
            return date.fromisoformat(str(value)) if value else None
        except ValueError as wrong:
            raise SourceStopped(f"ADS: the stored place {value!r} is no day; clear it to begin anew") from wrong

    def _search_pages(self, run: _Run, search: _Search) -> Iterator[Page]:
        """Yield the pages of one search, and take its name off the run's."""
        while True:
            place = search.place
            body, content_type, answer = self._fresh(search, self._must_find(run, search))
            found, count = answer["response"]["numFound"], len(answer["response"]["docs"])
            next_mark, rows = _next_mark(answer, place), _granted(answer, self._query.rows)
            # The cursor that repeats itself is the end Solr speaks of. A full page is never taken for the end, even
            # when numFound is reached: it shrinks when ADS merges records that were given already.
            over = count == 0 or next_mark in (None, search.mark)
            at_end = over or (search.got + count >= found and count < rows)
            if at_end and search.got + count < found:
                raise PageRefused(
                    f"{place}: ends after {search.got + count} of {found} records; the harvest goes on from this page "
                    "next time"
                )
            expected, window = max(0, min(rows, found - search.got)), run.window
            search.before, search.got = _ids(answer), search.got + count
            endless = None if at_end else _endless(search, found, rows)
            if at_end:
                self._note_end(run, search, found)
            following = _following(run, search, None if endless else next_mark, at_end=at_end)
            yield Page(
                source=self.name,
                place=place,
                body=body,
                content_type=content_type,
                next_cursor=self._cursor(run, following),
                is_last=not run.names and not run.empty,
                promised=found,
                expected=expected,
                window=window,
                ends_reading=not run.names,
            )
            if endless:
                raise PageRefused(f"{place}: {endless}. What came is stored; the next run asks this search anew")
            if at_end:
                return
            search.mark = str(next_mark)

    def _must_find(self, run: _Run, search: _Search) -> bool:
        """Whether an answer that nothing was found is doubted: an increment may be empty, a past hardly."""
        is_past = self._query.is_resweep or self._since_of(run, search.name) is None
        return is_past and search.got == 0 and not self._query.accepts_nothing

    def _answers(self, run: _Run, search: _Search) -> bool:
        """Whether the search finds something without days, where it found nothing in a span in which that is odd."""
        since = self._since_of(run, search.name)
        if since is None or run.began - since < _ODDLY_LONG or self._query.accepts_nothing:
            return True
        body, content_type = self._fetch(self._text(search.name, None), "*", search.place)
        return bool(answer_of(body, content_type, search.place)["response"]["numFound"])

    def _note_end(self, run: _Run, search: _Search, found: int) -> None:
        """Take a search off the run, and keep in mind whether it found something where something must be."""
        run.names.remove(search.name)
        is_empty = found == 0 and (self._must_find(run, search) or not self._answers(run, search))
        is_known = search.name in run.empty
        if is_empty and self._query.is_resweep and search.name in run.doubted:
            is_empty = False  # told in two runs
        if is_empty and not is_known:
            run.empty.append(search.name)
        elif is_known and not is_empty:
            run.empty.remove(search.name)

    def _cursor(self, run: _Run, following: Mapping[str, object]) -> dict[str, object]:
        """The place after a page: within a search or before the next one, or after the last."""
        window = run.window
        empty: dict[str, object] = {"empty": list(run.empty), "open": window[0] if window else ""} if run.empty else {}
        if following:
            return {**following, **run.kept(), **empty}
        if self._query.is_resweep:
            return {**run.kept(), **empty} if empty else {}
        return {"since": (run.began - timedelta(days=self._query.overlap_days)).isoformat(), **empty}

    def _found_nothing(self, names: list[str]) -> str:
        others = f" (nor for {', '.join(names[1:])})" if names[1:] else ""
        done = (
            "the next run asks once more and then believes it"
            if self._query.is_resweep
            else "correct it in the profile; if there is truly nothing yet, accept it (`biblio harvest --accept ads`)"
        )
        return (
            f"ADS search {names[0]}, records from 1: ADS finds nothing at all for this search{others}, asked "
            f"{_FETCHES} times. The others went on and are stored; until something comes it is asked anew at each run: "
            f"{done}"
        )

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

    def _fresh(self, search: _Search, must_find: bool) -> tuple[bytes, str, dict[str, Any]]:
        """The next page. One that repeats records of the page before is asked for again, then refused.

        The order is by internal number, so a repeated one means that the order did not hold, and that records which
        should be here may never come. One that finds nothing where it must is asked for again, then given.
        """
        for attempt in range(1, _FETCHES + 1):
            body, content_type = self._fetch(search.text, search.mark, search.place)
            answer = answer_of(body, content_type, search.place)
            is_empty = must_find and answer["response"]["numFound"] == 0 and attempt < _FETCHES
            if search.before.isdisjoint(_ids(answer)) and not is_empty:
                return body, content_type, answer
        raise PageRefused(
            f"{search.place}: repeats records of the page before, so others may be missing; the harvest goes on from "
            "this page next time"
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
_ODDLY_LONG = timedelta(days=28)
"""An increment of a daily run, overlap and all, is shorter; a longer span comes after a pause or fills a hole."""
_DOUBTED_FOR = timedelta(days=30)
"""A re-sweep that left searches open for longer is begun anew with them."""
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


def _following(run: _Run, search: _Search, mark: str | None, *, at_end: bool) -> dict[str, object]:
    """Where to go on: in this search (without a mark: at its beginning), in the next one, or nowhere."""
    if at_end:
        return {"search": run.names[0], "mark": "*", "got": 0} if run.names else {}
    return {"search": search.name, "mark": mark or "*", "got": search.got if mark else 0}


def _endless(search: _Search, found: int, rows: int) -> str | None:
    """Why a search that goes on with ever new marks is left, or None.

    The promised number may move a little while the pages come; a search never ends that gives more than it promises, or
    promises more with every page.
    """
    if search.got > found + rows:
        return f"gives more records than the {found} it promises, and goes on"
    search.promised = found if search.promised is None else search.promised
    if found > 2 * search.promised + 10 * rows:
        return f"promises {found} records now, {search.promised} before"
    return None


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
