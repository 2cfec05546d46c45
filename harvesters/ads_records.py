"""One ADS document → one record: what each field means, which are used, and which are known and left.

The same reading serves searches, lists of bibcodes (bigquery) and stored pages. Only bytes go in; nothing here speaks
to a network or a database.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeGuard, cast

from harvesters.arxiv_ids import split_identifier
from harvesters.errors import PageRefused, RecordRefused
from harvesters.http import media_type
from harvesters.protocol import Page, ParsedPage
from harvesters.records import MOST, HarvestedAuthor, HarvestedRecord, Refusal
from harvesters.rows import unreadable, unreadable_json

SOURCE = "ads"
"""The name of the source of every record of ADS, whichever door it came through."""

FIELDS = (
    *("bibcode", "identifier", "alternate_bibcode", "doi", "title", "abstract", "author", "aff", "orcid_pub"),
    *("doctype", "property", "pub", "volume", "issue", "page", "year", "pubdate", "entry_date", "keyword"),
    *("citation_count", "arxiv_class", "bibgroup", "bibstem", "data", "database"),
)
"""The fields asked for; ``id`` comes with them (the package adds it) and joins the highlights."""

HIGHLIGHTED = ("ack", "body", "abstract", "title")

IGNORED_FIELDS = frozenset(
    [
        "read_count",  # of the last ninety days: it moves for every paper and says nothing of what was published
        *("id", "recid", "pub_raw", "first_author", "first_author_norm", "author_norm", "date", "email"),
        *("_version_", "indexstamp", "links_data", "simbtype", "simbad_object_facet_hier", "simbid"),
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

MAX_BIBCODE_CHARS = 64
"""A bibcode has 19 characters; what has many more is none."""

_SHOWN_CHARS = 60
"""A field name or kind nobody knows is reported as far as this: it may be a stranger's whole page."""


_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""NUL bytes and halves of characters come into JSON by these escapes alone."""

_KNOWN_FIELDS = IGNORED_FIELDS | frozenset(FIELDS)


def answer_of(body: bytes, content_type: str, place: str) -> dict[str, Any]:
    """A search answer with ``numFound`` and ``docs`` of the right types. Raises ``PageRefused``."""
    answer = json_of(body, content_type, place)
    if "error" in answer:
        raise PageRefused(f"{place}: ADS refuses the query{told(body)}")
    response = answer.get("response")
    if not isinstance(response, dict) or not isinstance(response.get("docs"), list):
        raise PageRefused(f"{place}: the answer is no search result (it holds no records)")
    found = response.get("numFound")
    if not is_count(found):
        raise PageRefused(f"{place}: the answer does not say how many records there are")
    header = answer.get("responseHeader")
    if isinstance(header, dict) and header.get("partialResults") is True:
        # ADS sets Solr's timeAllowed on what has no cursorMark (adsabs/solr-service, solr/sanitize.py): a slow query
        # then ends early with status 200 and with the numFound of what it had seen.
        raise PageRefused(f"{place}: ADS ran out of time and gave only part of the result; ask again later")
    return answer


def is_count(value: object) -> TypeGuard[int]:
    """Is it a number of things that both databases can store? JSON has negative and endless ones as well."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def json_of(body: bytes, content_type: str, place: str) -> dict[str, Any]:
    """The JSON object of an answer. Raises ``PageRefused`` for HTML, broken JSON and anything that is no object."""
    media = media_type(content_type)
    if media and "json" not in media:
        raise PageRefused(f"{place}: the answer is {media[:_SHOWN_CHARS]}, not JSON")
    try:
        # Decoded here: ``json`` would take UTF-16 as well, and let halves of characters pass that no database takes.
        answer = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as broken:
        raise PageRefused(f"{place}: the JSON is broken or cut off") from broken
    if not isinstance(answer, dict):
        raise PageRefused(f"{place}: the answer is no search result (it is no JSON object)")
    return cast("dict[str, Any]", answer)


def told(body: bytes) -> str:
    """What a JSON error says, as ``: words``, or nothing. ADS has three shapes of it."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    words = error.get("msg") if isinstance(error, dict) else error
    return f": {shown(words, 200)}" if words else ""


def parse_page(page: Page) -> ParsedPage:
    """Read one page of records. Raises ``PageRefused`` for anything that is not a search answer."""
    answer = answer_of(page.body, page.content_type, page.place)
    documents = answer["response"]["docs"]
    records: list[HarvestedRecord] = []
    refusals: list[Refusal] = []
    unread: set[str] = set()
    highlights = answer.get("highlighting")
    highlights = highlights if isinstance(highlights, dict) else {}
    is_suspect = _SUSPECT_ESCAPE.search(page.body) is not None
    for number, document in enumerate(documents, start=1):
        try:
            records.append(_record(document, highlights, is_suspect=is_suspect))
        except RecordRefused as refused:
            key = key_of(document)
            refusals.append(Refusal(SOURCE, f"{page.place} record {number}", str(refused), key))
            continue
        unread.update(_news(document))
    if page.expected is not None and len(documents) < page.expected:
        missing = page.expected - len(documents)
        refusals.append(Refusal(SOURCE, page.place, f"{missing} of {page.expected} promised records are missing"))
    return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))


def key_of(document: object) -> str | None:
    """The bibcode of a document that could not be read, where it has one that can be shown and stored."""
    key = document.get("bibcode") if isinstance(document, dict) else None
    return key if isinstance(key, str) and 0 < len(key) <= MAX_BIBCODE_CHARS and unreadable(key) is None else None


def names_of(document: object) -> Iterator[str]:
    """Every identifier under which ADS finds this document: its bibcode, the alternate ones, arXiv ids and DOIs."""
    if not isinstance(document, dict):
        return
    for field in ("bibcode", "alternate_bibcode", "identifier"):
        value = document.get(field)
        yield from (name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str))


def _news(document: Mapping[str, Any]) -> Iterator[str]:
    """What a document holds that nobody reads or knows, short enough to be shown."""
    for name in set(document) - _KNOWN_FIELDS:
        yield shown(name)
    if (kind := document.get("doctype")) is not None and str(kind) not in KINDS:
        yield f"doctype:{shown(kind)}"


def shown(value: object, most: int = _SHOWN_CHARS) -> str:
    """A stranger's value as it may be shown and stored: short, and on one line."""
    text = str(value)[:most]
    return text if text.isprintable() else ascii(text)


def _record(document: Any, highlights: Mapping[str, Any], *, is_suspect: bool) -> HarvestedRecord:
    if not isinstance(document, dict):
        raise RecordRefused("is no record")
    passages = highlights.get(str(document.get("id")))
    if is_suspect and (reason := unreadable_json([document, passages])) is not None:
        raise RecordRefused(reason)
    bibcode = _text_of(document, "bibcode")
    if bibcode is None:
        raise RecordRefused("has no bibcode")
    if len(bibcode) > MAX_BIBCODE_CHARS:
        raise RecordRefused(f"its bibcode {shown(bibcode, 30)} is none")
    identifiers = _texts(document, "identifier")
    properties = _texts(document, "property")
    arxiv = next((found for name in identifiers if (found := _arxiv(name)) is not None), None)
    published_on, precision = _published(_text_of(document, "pubdate"))
    dois = _texts(document, "doi") or tuple(name for name in identifiers if name.startswith("10."))
    return HarvestedRecord(
        source=SOURCE,
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
        extra=_extra(document, identifiers, properties),
    )


def _extra(document: Mapping[str, Any], identifiers: tuple[str, ...], properties: tuple[str, ...]) -> Mapping[str, str]:
    """Facts that are kept but not shown: ``data`` is "archive:number of links; …", ``bibstem`` the journal's short name.

    ``bibstem`` holds the name without and with the volume; only the first is a journal's.
    """
    facts = {
        "issue": _text_of(document, "issue"),
        "entry_date": _text_of(document, "entry_date"),
        "identifiers": " ".join(identifiers),
        "bibgroups": "; ".join(_texts(document, "bibgroup")),
        "bibstem": next(iter(_texts(document, "bibstem")), None),
        "data": "; ".join(_texts(document, "data")),
        "database": "; ".join(_texts(document, "database")),
        "properties": "; ".join(properties),
    }
    return {name: value for name, value in facts.items() if value}


def _is_refereed(properties: tuple[str, ...]) -> bool | None:
    """REFEREED and NOT REFEREED are both written out; neither means that ADS does not say."""
    if "REFEREED" in properties:
        return True
    return False if {"NOT REFEREED", "NOTREFEREED"} & set(properties) else None


def _authors(document: Mapping[str, Any]) -> tuple[HarvestedAuthor, ...]:
    """Names with the affiliation and ORCID at the same place of their lists; "-" stands for none."""
    names = tuple(map(_prose, _texts(document, "author")))
    count = len(names)
    affiliations, orcids = (_beside(_texts(document, field), count) for field in ("aff", "orcid_pub"))
    return tuple(map(HarvestedAuthor, names, affiliations, orcids))


def _beside(values: tuple[str, ...], count: int) -> Sequence[str | None]:
    """The values, if there is one for each author; else nobody can say whose they are."""
    if len(values) != count:
        return [None] * count
    return [None if value in ("-", "") else _prose(value) for value in values]


def _arxiv(identifier: str) -> tuple[str, int | None] | None:
    return split_identifier(_ARXIV_DOI.sub("", identifier))


_ARXIV_DOI = re.compile(r"^10\.48550/arxiv\.", re.IGNORECASE)


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
    return _one_line(text)


def _one_line(text: str) -> str:
    """The words with one blank between. Nearly all are so already, and looking is three times faster than parting."""
    if text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text
    return " ".join(text.split())


def _text_of(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordRefused(f"{name} is no text")
    return _one_line(value) or None


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    if value is None:
        return ()
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not set(map(type, value)) <= _TEXT:
        raise RecordRefused(f"{name} is no list of texts")
    return tuple(map(_one_line, value))


_TEXT = frozenset({str})


def _whole(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as wrong:
        raise RecordRefused(f"{name} is no number") from wrong
