"""What ADS gives for lists rather than searches: records by bibcode, the bibcodes of a library, counts per journal.

The ``ads`` package has no class for any of these; they go through the same session by requests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harvesters.ads_port import BASE_URL, MAX_QUERY_CHARS, MAX_ROWS, AdsPort, clause, judged
from harvesters.ads_records import (
    FIELDS,
    SOURCE,
    answer_of,
    is_count,
    json_of,
    names_of,
    parse_page,
    shown,
    told,
)
from harvesters.errors import PageRefused, SourceStopped, naming
from harvesters.http import PoliteSession
from harvesters.protocol import Page, ParsedPage
from harvesters.records import Refusal

BATCH = 1_000
"""Bibcodes per request: ADS takes 2,000, but 2,000 whole records of large collaborations pass 64 MB."""

BIGQUERIES_A_DAY = 100
"""Requests ADS allows a user per day (adsabs-dev-api, openapi/services/solr.yaml)."""

LIBRARIES_A_DAY = 1_000
"""Requests for libraries ADS allows a user per day (adsabs/biblib-service, biblib/views/library_view.py)."""

_BIBCODE = re.compile(r"[12]\d{3}[!-~]{14}[A-Za-z.:]")
"""Nineteen signs: year, journal, volume, page, and the first letter of an author's name or none."""

_LIBRARY_ID = re.compile(r"[A-Za-z0-9_-]{16,40}")
_LIBRARY_ROWS = 100
"""What biblib gives at most to most users (adsabs/biblib-service, BIBLIB_MAX_ROWS); pages go by what came."""

_FACET_ROWS = 2_000
"""Values per request, as ADS's own page asks (adsabs/nectar, src/api/search/models.ts)."""


_MOST_FACET_PAGES = 50
"""A hundred thousand journals in one year: far more than there are."""


class AdsBibcodes:
    """The records ADS has now of papers whose bibcodes are known: how counts, properties and bibcodes are refreshed.

    ADS finds a record under its alternate bibcodes too (the article, asked for by its preprint's), so a bibcode that
    became another is found, and the record says which. A bibcode that ADS does not know becomes a refusal under it.

    The cursor is ``{"batch": batches that are done, "of": hash of the list}``; for another list it begins anew. After
    the last page it is empty. A batch is one page, or several where ADS gives fewer rows than there are; a run killed
    between them begins the batch anew.
    """

    name = SOURCE

    def __init__(
        self,
        session: PoliteSession,
        bibcodes: Iterable[str],
        *,
        token: str | None,
        base_url: str = BASE_URL,
        batch: int = BATCH,
    ) -> None:
        if not 1 <= batch <= MAX_ROWS:
            raise ValueError(f"bigquery takes 1 to {MAX_ROWS} bibcodes, not {batch}")
        self._port = AdsPort(session, token, base_url)
        listed = tuple(dict.fromkeys(code.strip() for code in bibcodes if code.strip()))
        codes = tuple(code for code in listed if is_bibcode(code))
        self._nonsense = tuple(code for code in listed if not is_bibcode(code))
        self._of = hashlib.sha256("\n".join(codes).encode()).hexdigest()[:16]
        self._batches = {
            f"ADS bibcodes {start + 1} to {min(start + batch, len(codes))} of {len(codes)}": codes[
                start : start + batch
            ]
            for start in range(0, len(codes), batch)
        }
        self._asked: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {}

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield one page per batch from ``cursor`` on. Raises ``PageRefused`` naming the batch, or ``SourceStopped``."""
        self._port.open()
        self._port.assume("search/bigquery", BIGQUERIES_A_DAY)
        if self._nonsense and not self._batches:
            raise PageRefused(f"ADS bibcodes: none of the {len(self._nonsense)} entries is a bibcode")
        known = cursor.get("batch") if cursor.get("of") == self._of else 0
        done = known if isinstance(known, int) and 0 <= known <= len(self._batches) else 0
        for number, (place, codes) in enumerate(self._batches.items(), start=1):
            if number <= done:
                continue
            for page in self._batch_pages(place, codes):
                is_over = page.place in self._asked
                is_last = is_over and number == len(self._batches)
                following = {} if is_last else {"batch": number if is_over else number - 1, "of": self._of}
                yield replace(page, next_cursor=following, is_last=is_last)

    def parse(self, page: Page) -> ParsedPage:
        """Read one page; with a batch's last also say which bibcodes ADS does not know. Raises ``PageRefused``."""
        parsed = parse_page(page)
        if page.place not in self._asked:
            return parsed
        codes, found = self._asked[page.place]
        found = found.union(*(names_of(document) for document in _documents(page)))
        missing = [(code, "ADS has no record under this bibcode") for code in codes if code not in found]
        if codes == next(iter(self._batches.values())):
            missing += [(code, "is no bibcode (19 signs, a year first)") for code in self._nonsense]
        unknown = tuple(Refusal(SOURCE, page.place, reason, shown(code, 64)[:64]) for code, reason in missing)
        return replace(parsed, refusals=parsed.refusals + unknown)

    def _batch_pages(self, place: str, codes: tuple[str, ...]) -> Iterator[Page]:
        """The pages of one batch; the last is noted in ``_asked`` with what the others hold."""
        got, found = 0, frozenset[str]()
        while True:
            page = self._page(place if not got else f"{place}, records from {got + 1}", codes, got)
            documents = _documents(page)
            got += len(documents)
            if got < (page.promised or 0):
                if not documents:
                    raise PageRefused(f"{page.place}: ADS gave {got} of {page.promised} records; ask again later")
                found = found.union(*map(names_of, documents))
                yield page
                continue
            self._asked[page.place] = codes, found
            yield page
            return

    def _page(self, place: str, codes: tuple[str, ...], start: int) -> Page:
        params = {
            "q": "*:*",
            "fq": "{!bitset}",
            "fl": ",".join(("id", *FIELDS)),
            "rows": MAX_ROWS,
            "start": start,
            "sort": "id asc",
            "wt": "json",
        }
        body = "\n".join(("bibcode", *codes)).encode()
        with naming(place):
            response = self._port.post("search/bigquery", params, body, "big-query/csv", place)
        content_type = response.headers.get("Content-Type", "")
        answer = answer_of(response.content, content_type, place)
        found, count = answer["response"]["numFound"], len(answer["response"]["docs"])
        if found > 2 * len(codes) + 10:
            raise PageRefused(f"{place}: ADS answers with {found} records: it did not take the list of bibcodes")
        return Page(SOURCE, place, response.content, content_type, {}, False, promised=found, expected=count)


def _documents(page: Page) -> list[Any]:
    documents: list[Any] = answer_of(page.body, page.content_type, page.place)["response"]["docs"]
    return documents


def is_bibcode(text: str) -> bool:
    """Has the text the form of a bibcode? Whether ADS knows it is another question."""
    return _BIBCODE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class LibraryList:
    """What a library of ADS holds: each bibcode once, as ADS writes it today, in the order of bibcodes.

    ``updates`` are bibcodes of the library that became others since (old → new); ``duplicates_removed`` says how many of
    its entries turned out to be one. ``unknown`` are bibcodes (among ``bibcodes``) that ADS's index does not hold.
    """

    name: str
    bibcodes: tuple[str, ...]
    updates: Mapping[str, str] = field(default_factory=dict)
    duplicates_removed: int = 0
    unknown: tuple[str, ...] = ()


def library_bibcodes(
    session: PoliteSession, library_id: str, token: str | None, base_url: str = BASE_URL
) -> LibraryList:
    """Return the bibcodes of a library by its id (or its address at ADS), all of them, and what became of old ones.

    ADS answers with the canonical bibcodes of a page's papers; what its index does not hold is missing there and is
    fetched from the library as stored. Facts of the service: adsabs/biblib-service, biblib/views/library_view.py.
    Raises ``PageRefused`` where the library is not there, not ours to read, or does not come whole; ``SourceStopped``
    for a token that is missing or refused.
    """
    port = AdsPort(session, token, base_url)
    port.open()
    port.assume("biblib/libraries", LIBRARIES_A_DAY)
    reading = _Library(port, library_identifier(library_id))
    reading.read()
    return reading.result()


def library_identifier(written: str) -> str:
    """Return the id of a library from its id or its address at ADS. Raises ``PageRefused`` for what is neither."""
    identifier = written.strip().rstrip("/").rpartition("/")[2]
    if not _LIBRARY_ID.fullmatch(identifier):
        raise PageRefused(
            f"{written.strip()[:60]!r} is no ADS library: give the last part of its address, letters and digits only"
        )
    return identifier


class _Library:
    """One library while its pages come."""

    def __init__(self, port: AdsPort, identifier: str) -> None:
        self._port = port
        self._id = identifier
        self._codes: dict[str, None] = {}
        self._unknown: list[str] = []
        self._updates: dict[str, str] = {}
        self._removed = 0
        self._name = ""
        self._promised = 0

    def read(self) -> None:
        """Fetch every page; then, if the index held not all of them, the library as it is stored."""
        for code in self._pages(is_raw=False):
            self._codes[code] = None
        if len(self._codes) < self._promised:
            for code in self._pages(is_raw=True):
                if code not in self._codes and code not in self._updates:
                    self._codes[code] = None
                    self._unknown.append(code)
        if len(self._codes) != self._promised:
            raise PageRefused(
                f"ADS library {self._id}: gave {len(self._codes)} of {self._promised} bibcodes; ask again later"
            )

    def result(self) -> LibraryList:
        """What was read."""
        codes = tuple(sorted(self._codes))
        return LibraryList(self._name, codes, dict(self._updates), self._removed, tuple(sorted(self._unknown)))

    def _pages(self, *, is_raw: bool) -> Iterator[str]:
        start, most = 0, 0
        seen: set[str] = set()
        while True:
            place = f"ADS library {self._id}, entries from {start + 1}"
            answer = self._fetch(start, place, is_raw=is_raw)
            codes = _codes_of(answer.get("documents"), place)
            self._note(answer, place)
            # The end is a page with nothing new, never the promised number: it may change from page to page.
            if seen.issuperset(codes):
                return
            most = most or 2 * self._promised + 10 * _LIBRARY_ROWS  # what may be added while its pages are read
            if start > most:
                raise PageRefused(f"{place}: the library grows while it is read and has no end; ask again later")
            yield from codes
            seen.update(codes)
            start += len(codes)

    def _fetch(self, start: int, place: str, *, is_raw: bool) -> dict[str, Any]:
        params: dict[str, Any] = {"start": start, "rows": _LIBRARY_ROWS, "sort": "bibcode asc", "fl": "bibcode"}
        if is_raw:
            params["raw"] = "true"
        with naming(place):
            response = self._port.fetch(f"biblib/libraries/{self._id}", params)
        if response.status_code in _LIBRARY_ERRORS:
            words = _LIBRARY_ERRORS[response.status_code]
            raise PageRefused(
                f"ADS library {self._id}: {words} (status {response.status_code}{told(response.content)})"
            )
        return json_of(judged(response, place).content, response.headers.get("Content-Type", ""), place)

    def _note(self, answer: dict[str, Any], place: str) -> None:
        about, updates = answer.get("metadata"), answer.get("updates")
        count = about.get("num_documents") if isinstance(about, dict) else None
        if not isinstance(about, dict) or not is_count(count):
            raise PageRefused(f"{place}: the answer does not say how many entries the library has")
        self._name = shown(about.get("name") or self._id, 200)
        removed = 0
        if isinstance(updates, dict):
            found = updates.get("duplicates_removed")
            removed = found if is_count(found) else 0
            self._updates.update(_changes(updates.get("update_list")))
        # The count is that of before this page's duplicates were removed from the library.
        self._removed += removed
        self._promised = count - removed


_LIBRARY_ERRORS = {
    400: "ADS does not take this id; give the last part of the library's address",
    403: "it is private and the token's account may not read it; make it public, or have it shared with that account",
    404: "there is none under this id; it may have been deleted",
    410: "there is none under this id; it may have been deleted",
}


def _codes_of(documents: object, place: str) -> list[str]:
    if not isinstance(documents, list) or not all(
        isinstance(code, str) and code.isprintable() and 0 < len(code) <= 64 for code in documents
    ):
        raise PageRefused(f"{place}: the answer holds no list of bibcodes")
    return [code.strip() for code in documents]


def _changes(update_list: object) -> dict[str, str]:
    """Old → new from ``[{old: new}, …]``; what is of another shape is left."""
    changes = [change for change in update_list if isinstance(change, dict)] if isinstance(update_list, list) else []
    return {
        old: new
        for change in changes
        for old, new in change.items()
        if isinstance(new, str) and is_bibcode(old) and is_bibcode(new)
    }


def expected_counts(
    session: PoliteSession,
    searches: Mapping[str, str],
    first_year: int,
    last_year: int,
    token: str | None,
    base_url: str = BASE_URL,
) -> dict[int, dict[str, int]]:
    """Return year → bibstem → number of records ADS has for our searches; papers without a bibstem count under "".

    One request a year (more where a year has over 2,000 journals). The facet parameters are Solr's (Solr Reference
    Guide, "Faceting": facet, facet.field, facet.limit, facet.offset, facet.mincount, facet.sort), ``bibstem_facet`` is
    the field by which ADS's own page counts publications (adsabs/bumblebee, its "Publications" facet; adsabs/nectar,
    src/api/search/models.ts). A paper found by several searches counts once. Raises ``PageRefused`` naming the year,
    ``SourceStopped`` where the searches together are too long for one query or the token is refused.
    """
    if not searches:
        raise ValueError("ADS needs at least one search")
    port = AdsPort(session, token, base_url)
    port.open()
    any_of = " OR ".join(clause(name, search) for name, search in searches.items())
    return {year: _counts_of(port, any_of, year) for year in range(first_year, last_year + 1)}


def _counts_of(port: AdsPort, any_of: str, year: int) -> dict[str, int]:
    text = f"({any_of}) year:{year}"
    if len(text) > MAX_QUERY_CHARS:
        raise SourceStopped(
            f"ADS: the searches together have {len(text)} characters, more than {MAX_QUERY_CHARS}, and cannot be counted "
            "in one query; shorten them"
        )
    counts: dict[str, int] = {}
    for _ in range(_MOST_FACET_PAGES):
        place = f"ADS counts of {year}, journals from {len(counts) + 1}"
        params = {
            "q": text,
            "fl": "id",
            "rows": 1,
            "facet": "true",
            "facet.field": "bibstem_facet",
            "facet.limit": _FACET_ROWS,
            "facet.offset": len(counts),
            "facet.mincount": 1,
            "facet.sort": "index",
        }
        response = port.get("search/query", params, place)
        answer = answer_of(response.content, response.headers.get("Content-Type", ""), place)
        before = len(counts)
        counts |= _facets(answer, place)
        if len(counts) - before < _FACET_ROWS:  # the last page, or one that came before
            break
    else:
        raise PageRefused(f"{place}: the journals have no end; ask again later")
    rest = answer["response"]["numFound"] - sum(counts.values())
    return counts | ({"": rest} if rest > 0 else {})


def _facets(answer: Mapping[str, Any], place: str) -> dict[str, int]:
    """Journal → number from Solr's flat list ``[name, number, name, number, …]``. Raises ``PageRefused``."""
    counts = answer.get("facet_counts")
    fields = counts.get("facet_fields") if isinstance(counts, dict) else None
    flat = fields.get("bibstem_facet") if isinstance(fields, dict) else None
    if not isinstance(flat, list) or len(flat) % 2:
        raise PageRefused(f"{place}: the answer holds no counts by journal")
    names, numbers = flat[::2], flat[1::2]
    if not all(isinstance(n, str) and n.isprintable() and 0 < len(n) <= 64 for n in names) or not all(
        map(is_count, numbers)
    ):
        raise PageRefused(f"{place}: the counts by journal are no names and numbers")
    return dict(zip(names, numbers, strict=True))
