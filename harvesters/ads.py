"""NASA ADS, searched through the ``ads`` package, which is used for one page at a time and for nothing else.

What was measured of ads 0.12.7 and is avoided here: it stops at 50 records by default, each attribute that was not
asked for costs a hidden request, it sets no time-out, and an error loses its status. So every query names its fields
and rows, the session is ours (time-outs, retries, status, quota), the raw answer is kept and read at once, and the
number of records got is compared with ``numFound``. ``hl.fragsize`` is never sent: with it ADS returns no highlights
(adsabs-dev-api issue 112).

The package keeps the address in a class attribute; ``_Search`` is our own subclass with the address of one source, so
two sources with different addresses do not disturb each other.
"""

from __future__ import annotations

import html
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from ads.exceptions import APIResponseError, SolrResponseParseError
from ads.search import SearchQuery

from harvesters.arxiv import split_identifier
from harvesters.errors import PageRefused, RecordRefused, SourceStopped
from harvesters.http import PoliteSession, media_type
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord, Refusal
from harvesters.rows import unreadable_json

SERVICE = "ads"

MAX_ROWS = 2_000
"""Rows ADS gives at most per page."""

MAX_QUERY_CHARS = 1_000
"""Characters of a query ADS takes at most."""

FIELDS = (
    *("bibcode", "identifier", "alternate_bibcode", "doi", "title", "abstract", "author", "aff", "orcid_pub"),
    *("doctype", "property", "pub", "volume", "issue", "page", "year", "pubdate", "entry_date", "keyword"),
    *("citation_count", "arxiv_class", "bibgroup", "data", "database"),
)
"""The fields asked for; ``id`` comes with them (the package adds it) and joins the highlights."""

HIGHLIGHTED = ("ack", "body", "abstract", "title")

IGNORED_FIELDS = frozenset(
    [
        *("id", "recid", "bibstem", "pub_raw", "first_author", "first_author_norm", "author_norm", "date", "email"),
        *("read_count", "_version_", "indexstamp", "links_data", "simbtype", "simbad_object_facet_hier", "simbid"),
        *("classic_factor", "cite_read_boost", "page_range", "eid", "copyright", "citation", "publisher", "issn"),
        *("aff_canonical", "aff_abbrev", "aff_id", "page_count", "isbn", "[citations]", "keyword_norm", "reference"),
        *("keyword_schema", "keyword_facet", "ack", "comment", "version", "editor", "series", "author_count"),
        *("doctype_facet_hier", "institution", "citation_count_norm", "metadata_mtime", "nonbib_mtime", "orcid"),
        *("metrics_mtime", "update_timestamp", "scix_id", "doctype_boost", "has", "pubnote", "esources", "score"),
        *("num_references", "num_citations"),
    ]
)
"""Fields ADS gives when asked for everything; none is a fact this application keeps."""

KINDS = {
    "article": "article",
    "eprint": "eprint",
    "inproceedings": "proceedings",
    "proceedings": "proceedings",
    "phdthesis": "thesis",
    "mastersthesis": "thesis",
    "erratum": "erratum",
    "review": "review",
    "book": "book",
    "inbook": "book",
    "dataset": "dataset",
    "catalog": "dataset",
    "software": "software",
    "proposal": "proposal",
    "abstract": "abstract",
    "bookreview": "other",
    "circular": "other",
    "editorial": "other",
    "instrument": "other",
    "intechreport": "other",
    "misc": "other",
    "newsletter": "other",
    "nonarticle": "other",
    "obituary": "other",
    "pressrelease": "other",
    "service": "other",
    "talk": "other",
    "techreport": "other",
}
"""ADS's document types (its search syntax help, "doctype"); any other is reported, never guessed."""


@dataclass(frozen=True, slots=True)
class AdsQuery:
    """What to ask for: each of ``searches`` (name → query in ADS's language, without dates), one after the other.

    ``since`` limits an incremental run to records that entered, or whose full text or metadata changed, on or after
    that day; None asks for everything from ``first_year`` on. ``until`` is today: the next run's ``since`` is
    ``overlap_days`` before it, because ADS indexes astronomy weekly.
    """

    searches: Mapping[str, str]
    until: date
    since: date | None = None
    first_year: int | None = None
    rows: int = 500
    overlap_days: int = 10

    def __post_init__(self) -> None:
        if not self.searches:
            raise ValueError("ADS needs at least one search")
        if not 1 <= self.rows <= MAX_ROWS:
            raise ValueError(f"a page of ADS holds 1 to {MAX_ROWS} records, not {self.rows}")


class AdsSource:
    """Papers from ADS by the searches of the profile.

    The cursor within a run is ``{"search": name, "mark": cursorMark, "got": n, "since": day}``, after the last page
    ``{"since": day}``. Without a token nothing is asked and ``SourceStopped`` says what to do.
    """

    name = "ads"

    def __init__(
        self,
        session: PoliteSession,
        query: AdsQuery,
        *,
        token: str | None,
        base_url: str = "https://api.adsabs.harvard.edu/v1",
    ) -> None:
        self._session = session
        self._query = query
        self._token = token
        self._search_class = type(
            "_Search", (SearchQuery,), {"HTTP_ENDPOINT": f"{base_url.rstrip('/')}/search/query", "_session": session}
        )

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming search and page, or ``SourceStopped``."""
        if not self._token:
            raise SourceStopped(
                "ADS is left out: there is no token. Make one at https://ui.adsabs.harvard.edu/user/settings/token and "
                "set BIBLIO_ADS_TOKEN; the other sources are not affected."
            )
        self._session.headers["Authorization"] = f"Bearer {self._token}"
        since = self._since(cursor)
        names = list(self._query.searches)
        first = str(cursor.get("search", names[0]))
        if first not in names:
            raise SourceStopped(f'ADS: the stored place names a search "{first}" that is gone; clear it to begin anew')
        for name in names[names.index(first) :]:
            resumed = cursor if name == cursor.get("search") else {}
            yield from self._search_pages(name, since, resumed, is_last_search=name == names[-1])

    def parse(self, page: Page) -> ParsedPage:
        """Read one page. Raises ``PageRefused`` for anything that is not a search answer."""
        answer = _answer(page.body, page.content_type, page.place)
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        unread: set[str] = set()
        highlights = answer.get("highlighting")
        highlights = highlights if isinstance(highlights, dict) else {}
        for number, document in enumerate(answer["response"]["docs"], start=1):
            key = document.get("bibcode") if isinstance(document, dict) else None
            try:
                records.append(_record(self.name, document, highlights, page.body))
            except RecordRefused as refused:
                refusals.append(Refusal(self.name, f"{page.place} record {number}", str(refused), key))
                continue
            unread.update(set(document) - set(FIELDS) - IGNORED_FIELDS)
            if (kind := document.get("doctype")) is not None and kind not in KINDS:
                unread.add(f"doctype:{kind}")
        if page.expected is not None and len(answer["response"]["docs"]) < page.expected:
            missing = page.expected - len(answer["response"]["docs"])
            refusals.append(
                Refusal(self.name, page.place, f"{missing} of {page.expected} promised records are missing")
            )
        return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))

    def _since(self, cursor: Mapping[str, object]) -> date | None:
        value = cursor.get("since")
        try:
            return date.fromisoformat(str(value)) if value else self._query.since
        except ValueError as wrong:
            raise SourceStopped(f"ADS: the stored place {value!r} is no day; clear it to begin anew") from wrong

    def _search_pages(
        self, name: str, since: date | None, cursor: Mapping[str, object], *, is_last_search: bool
    ) -> Iterator[Page]:
        mark, got = str(cursor.get("mark", "*")), int(str(cursor.get("got", 0)))
        text = self._text(name, since)
        while True:
            place = f"ADS search {name}, records from {got + 1}"
            body, content_type = self._fetch(text, mark, place)
            answer = _answer(body, content_type, place)
            found, count = answer["response"]["numFound"], len(answer["response"]["docs"])
            next_mark = answer.get("nextCursorMark")
            # The cursor that repeats itself is the end Solr speaks of. A full page is never taken for the end, even
            # when numFound is reached: it shrinks when ADS merges records that were given already.
            over = count == 0 or not isinstance(next_mark, str) or next_mark == mark
            at_end = over or (got + count >= found and count < self._query.rows)
            if at_end and got + count < found:
                raise PageRefused(
                    f"{place}: ends after {got + count} of {found} records; the harvest goes on from this page next time"
                )
            following: dict[str, object] = {"search": name, "mark": next_mark, "got": got + count}
            if at_end:
                following = self._after(name, is_last_search=is_last_search)
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
                expected=max(0, min(self._query.rows, found - got)),
                window=(since.isoformat(), self._query.until.isoformat()) if since else None,
            )
            if at_end:
                return
            mark, got = str(next_mark), got + count

    def _after(self, name: str, *, is_last_search: bool) -> dict[str, object]:
        if is_last_search:
            return {"since": (self._query.until - timedelta(days=self._query.overlap_days)).isoformat()}
        names = list(self._query.searches)
        return {"search": names[names.index(name) + 1], "mark": "*", "got": 0}

    def _text(self, name: str, since: date | None) -> str:
        text = f"({self._query.searches[name]})"
        if since is not None:
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

    def _fetch(self, text: str, mark: str, place: str) -> tuple[bytes, str]:
        search = self._search_class(
            q=text,
            fl=list(FIELDS),
            rows=self._query.rows,
            max_pages=1,
            cursorMark=mark,
            sort="id asc",
            hl=list(HIGHLIGHTED),
            token=self._token,
        )
        heard = _Heard(self._session, place)
        search._session = heard
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "rows did not match": the number of records is compared instead
                search.execute()
        except (APIResponseError, SolrResponseParseError, ValueError, KeyError, TypeError, AttributeError) as wrong:
            # _Heard has judged the status already, so what is left is an answer of another shape.
            raise PageRefused(f"{place}: the answer is no search result ({type(wrong).__name__})") from wrong
        return heard.body, heard.content_type


class _Heard:
    """The session as the package sees it; keeps the raw answer, and judges its status before the package loses it."""

    def __init__(self, session: PoliteSession, place: str) -> None:
        self._session = session
        self._place = place
        self.body = b""
        self.content_type = ""

    def get(self, url: str, params: Mapping[str, Any]) -> Any:
        """Ask as the package wants, with lists written as ADS's own page writes them (``fl=a,b``).

        The package hands ``hl.fl`` over in another order each time; ADS echoes it, and the same answer would be kept
        twice. So what is a set is sorted.
        """
        joined = {key: ",".join(value) if isinstance(value, (list, tuple)) else value for key, value in params.items()}
        joined = {key: ",".join(sorted(str(v).split(","))) if key == "hl.fl" else v for key, v in joined.items()}
        response = self._session.get(url, params=joined)
        self.body, self.content_type = response.content, response.headers.get("Content-Type", "")
        told = _told(response.content)
        if response.status_code in (401, 403):
            raise SourceStopped(
                f"ADS does not accept the token (status {response.status_code}{told}). Make a new one at "
                "https://ui.adsabs.harvard.edu/user/settings/token and set BIBLIO_ADS_TOKEN."
            )
        if response.status_code != 200:
            raise PageRefused(f"{self._place}: status {response.status_code}{told}")
        return response


def _told(body: bytes) -> str:
    """What a JSON error says, as ``: words``, or nothing. ADS has three shapes of it."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    words = error.get("msg") if isinstance(error, dict) else error
    return f": {str(words)[:200]}" if words else ""


def _answer(body: bytes, content_type: str, place: str) -> dict[str, Any]:
    """A search answer with ``numFound`` and ``docs`` of the right types. Raises ``PageRefused``."""
    media = media_type(content_type)
    if media and "json" not in media:
        raise PageRefused(f"{place}: the answer is {media}, not JSON")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as broken:
        raise PageRefused(f"{place}: the JSON is broken or cut off") from broken
    if isinstance(answer, dict) and "error" in answer:
        raise PageRefused(f"{place}: ADS refuses the query{_told(body)}")
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict) or not isinstance(response.get("docs"), list):
        raise PageRefused(f"{place}: the answer is no search result (it holds no records)")
    if not isinstance(response.get("numFound"), int):
        raise PageRefused(f"{place}: the answer does not say how many records there are")
    return cast("dict[str, Any]", answer)


def _record(source: str, document: Any, highlights: Mapping[str, Any], body: bytes) -> HarvestedRecord:
    if not isinstance(document, dict):
        raise RecordRefused("is no record")
    passages = highlights.get(str(document.get("id")))
    if b"\\u" in body and (reason := unreadable_json([document, passages])) is not None:
        raise RecordRefused(reason)
    bibcode = _text_of(document, "bibcode")
    if bibcode is None:
        raise RecordRefused("has no bibcode")
    identifiers = _texts(document, "identifier")
    properties = _texts(document, "property")
    arxiv = next((found for name in identifiers if (found := _arxiv(name)) is not None), None)
    published_on, precision = _published(_text_of(document, "pubdate"))
    dois = _texts(document, "doi") or tuple(name for name in identifiers if name.startswith("10."))
    extra = {
        "issue": _text_of(document, "issue"),
        "entry_date": _text_of(document, "entry_date"),
        "identifiers": " ".join(identifiers),
        "bibgroups": "; ".join(_texts(document, "bibgroup")),
        "data": "; ".join(_texts(document, "data")),
        "database": "; ".join(_texts(document, "database")),
        "properties": "; ".join(properties),
    }
    return HarvestedRecord(
        source=source,
        key=bibcode,
        title=next((title for text in _texts(document, "title") if (title := _prose(text))), None),
        abstract=_prose(_text_of(document, "abstract") or "") or None,
        authors=_authors(document),
        doi=dois[0] if dois else None,
        bibcode=bibcode,
        alternate_bibcodes=_texts(document, "alternate_bibcode"),
        arxiv_id=arxiv[0] if arxiv else None,
        kind=KINDS.get(str(document.get("doctype"))),
        is_refereed=_is_refereed(properties),
        journal=_prose(_text_of(document, "pub") or "") or None,
        volume=_text_of(document, "volume"),
        page=next(iter(_texts(document, "page")), None),
        year=_whole(document, "year"),
        published_on=published_on,
        published_precision=precision,
        categories=_texts(document, "arxiv_class"),
        keywords=tuple(map(_prose, _texts(document, "keyword"))),
        citation_count=_whole(document, "citation_count"),
        snippets=_snippets(passages),
        extra={name: value for name, value in extra.items() if value},
    )


def _is_refereed(properties: tuple[str, ...]) -> bool | None:
    """REFEREED and NOT REFEREED are both written out; neither means that ADS does not say."""
    if "REFEREED" in properties:
        return True
    return False if {"NOT REFEREED", "NOTREFEREED"} & set(properties) else None


def _authors(document: Mapping[str, Any]) -> tuple[HarvestedAuthor, ...]:
    """Names with the affiliation and ORCID at the same place of their lists; "-" stands for none."""
    names = _texts(document, "author")
    affiliations, orcids = _texts(document, "aff"), _texts(document, "orcid_pub")
    return tuple(
        HarvestedAuthor(_prose(name), _at(affiliations, index, len(names)), _at(orcids, index, len(names)))
        for index, name in enumerate(names)
    )


def _at(values: tuple[str, ...], index: int, count: int) -> str | None:
    return _prose(values[index]) if len(values) == count and values[index] not in ("-", "") else None


def _arxiv(identifier: str) -> tuple[str, int | None] | None:
    bare = re.sub(r"^10\.48550/arxiv\.", "", identifier, flags=re.IGNORECASE)
    return split_identifier(bare)


def _published(pubdate: str | None) -> tuple[date | None, str | None]:
    """ADS writes an unknown month or day as 00: ``2019-03-00`` is known to the month."""
    if pubdate is None:
        return None, None
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", pubdate)
    if match is None or match[1] == "0000":
        raise RecordRefused(f"pubdate {pubdate[:20]!r} is no date")
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    precision = "year" if not month else "month" if not day else "day"
    try:
        return date(year, month or 1, day if month and day else 1), precision
    except ValueError as wrong:
        raise RecordRefused(f"pubdate {pubdate!r} is no date") from wrong


def _snippets(highlight: object) -> tuple[tuple[str, str], ...]:
    """(field, passage) in the order of ``HIGHLIGHTED``, the marks ``<em>`` taken out."""
    if not isinstance(highlight, dict):
        return ()
    return tuple(
        (name, words)
        for name in HIGHLIGHTED
        for passage in _listed(highlight.get(name))
        if (words := _prose(str(passage)))
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _prose(text: str) -> str:
    """Words without the markup ADS keeps in titles, abstracts and passages (SUB, SUP, P, ASTROBJ, MathML, em)."""
    if "<" in text:
        text = re.sub(r"<(?:P|BR)\s*/?>", " ", text, flags=re.IGNORECASE)
        text = re.sub(r"</?[A-Za-z][\w:.-]*(?:\s[^<>]*)?/?>", "", text)
    if "&" in text:
        text = html.unescape(text)
    return " ".join(text.split())


def _text_of(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordRefused(f"{name} is no text")
    return " ".join(value.split()) or None


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    if value is None:
        return ()
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RecordRefused(f"{name} is no list of texts")
    return tuple(" ".join(item.split()) for item in value)


def _whole(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as wrong:
        raise RecordRefused(f"{name} is no number") from wrong
