"""ADS as the replay server plays it: search with facets, bigquery, libraries, metrics, all behind a bearer token.

Kept from the real service: rows default to 10 and stop at 2,000, ``body`` and ``ack`` can be searched but not handed
out, highlights are at most four snippets of about 100 characters under the record's internal id, and asking for
``hl.fragsize`` loses them all (adsabs-dev-api #112). Each endpoint has its own quota a day; one that is spent answers
429. A paper with ``fulltext_on`` is searchable by body and acknowledgement from that day on only.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from demo.replay_arxiv import Answer
from demo.replay_libraries import Libraries
from demo.replay_query import Both, Either, Node, Not, QueryError, Range, Term, contains, matches, parse, words_of

Json = dict[str, Any]

JSON = "application/json; charset=utf-8"
DAILY_LIMIT = 5_000
DAILY_LIMITS = {"search/bigquery": 100, "biblib/libraries": 1_000, "biblib/documents": 1_000}
"""Endpoints of which ADS allows less than of the others."""
MAX_ROWS = 2_000
DEFAULT_ROWS = 10
SNIPPETS = 4
SNIPPET_LENGTH = 100
_DAY_S = 86_400
_HIDDEN = frozenset({"work", "body", "ack", "fulltext_on"})
_LISTS = frozenset({"property", "bibgroup", "doi", "identifier", "alternate_bibcode", "database", "doctype", "bibstem"})
_DATES = {"entdate": "entdate", "entry_date": "entdate", "pubdate": "pubdate", "date": "date"}
_DATES |= {"metadata_mtime": "metadata_mtime", "fulltext_mtime": "fulltext_mtime", "indexstamp": "indexstamp"}
_HIGHLIGHTED = ("title", "abstract", "body", "ack")


class Document:
    """One ADS document with its hidden full text, searchable by the fields ADS has."""

    def __init__(self, facts: Json, body: str, acknowledgement: str) -> None:
        self.facts = facts
        self.texts = {"title": facts["title"][0], "abstract": facts["abstract"], "body": body, "ack": acknowledgement}
        self._words = {name: words_of(text) for name, text in self.texts.items()}
        keywords = words_of(" | ".join(facts["keyword"]))
        self._words["keyword"] = keywords
        self._words["abs"] = self._words["title"] + self._words["abstract"] + keywords
        self._words["full"] = self._words["abs"] + self._words["body"] + self._words["ack"]
        self._words["author"] = words_of(" | ".join(facts["author"]))
        self._words["first_author"] = words_of(facts["first_author"])
        self._words["aff"] = words_of(" | ".join(facts["aff"]))
        self._words[""] = self._words["full"] + self._words["author"]

    def has(self, term: Term) -> bool:
        """Match one term. Raises ``QueryError`` for a field ADS does not have."""
        name = {"orcid": "orcid_pub"}.get(term.field, term.field)
        if name == "" and term.text in ("*", "*:*"):
            return True
        if name in self._words:
            return contains(self._words[name], term)
        if name in ("year", *_DATES) and "-" in term.text and len(term.text) == 9:
            return self.within(Range(name, *term.text.split("-")))
        if name in ("bibcode", "identifier", "year", "volume", "id", "pub", "orcid_pub", "data", *_LISTS, *_DATES):
            values = self.facts.get(_DATES.get(name, name)) or []
            known = [values] if isinstance(values, str) else values
            if name == "property":
                wanted = {"notrefereed": "not refereed"}.get(term.text.lower(), term.text.lower())
                return wanted in [value.lower() for value in known]
            return any(_same(value, term.text) for value in known)
        raise QueryError(f"undefined field {term.field}")

    def within(self, span: Range) -> bool:
        """Match a range of years, dates or numbers; ``*`` is open, dates are compared as far as they are written."""
        if span.field in ("citation_count", "read_count", "author_count"):
            low, high = (float(end) if end != "*" else None for end in (span.low, span.high))
            number = float(self.facts[span.field])
            return (low is None or low <= number) and (high is None or number <= high)
        name = "year" if span.field == "year" else _DATES.get(span.field)
        if name is None:
            raise QueryError(f"undefined field {span.field}")
        value = str(self.facts[name])
        low_end, high_end = span.low.strip('"'), span.high.strip('"')
        return (low_end == "*" or value >= low_end[: len(value)]) and (
            high_end == "*" or value[: len(high_end)] <= high_end
        )


def _same(value: str, wanted: str) -> bool:
    value, wanted = value.lower(), wanted.lower()
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


class Ads:
    """The folder's documents behind the ADS API; ``requests`` counts what each endpoint was asked.

    ``daily_limits`` (endpoint → requests a day) may be changed at any time; ``has_limit_headers`` False leaves the
    rate-limit headers out, as ADS did at times.
    """

    def __init__(self, folder: Path, day: date, daily_limits: Mapping[str, int] | None = None) -> None:
        texts = {}
        for line in (folder / "papers" / "fulltext.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            texts[row["work"]] = row
        lines = (folder / "papers" / "ads.jsonl").read_text("utf-8").splitlines()
        self._stored = [(facts, texts[facts["work"]]) for facts in map(json.loads, lines)]
        self.documents: list[Document] = []
        self.libraries = Libraries()
        self.daily_limits = {**DAILY_LIMITS, **(daily_limits or {})}
        self.has_limit_headers = True
        self._kept: tuple[tuple[object, ...], list[Document]] = (), []
        self.show(day)
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()

    def show(self, day: date) -> None:
        """Know only what had entered by ``day``: an article that came later is still its preprint."""
        today = day.isoformat()
        seen = ((_as_of(facts, today), text) for facts, text in self._stored)
        self.documents = [_document(facts, text, today) for facts, text in seen if facts]
        self.libraries.show([document.facts for document in self.documents])
        self._kept = (), []

    def answer(self, path: str, parameters: Mapping[str, Sequence[str]], body: bytes, token: str) -> Answer:
        """Answer one request under its quota.

        ``path`` is "search/query", "search/bigquery", "metrics", "biblib/libraries[/ID]" or "biblib/documents/ID".
        """
        if not token.startswith("Bearer ") or not token[7:].strip():
            return Answer(401, JSON, b'{"error": "Unauthorized"}')
        endpoint = "/".join(path.split("/")[:2])
        limit = self.daily_limits.get(endpoint, DAILY_LIMIT)
        with self._lock:
            self.requests[endpoint] += 1
            left = limit - self.requests[endpoint]
        headers = self._limit_headers(limit, max(left, 0))
        if left < 0:
            return Answer(429, JSON, b'{"error": "Too many requests"}', 0, headers)
        try:
            if endpoint in ("biblib/libraries", "biblib/documents"):
                library = path.removeprefix(endpoint).strip("/")
                with self._lock:
                    if endpoint == "biblib/documents":
                        status, told, records = self.libraries.change(library, body)
                    else:
                        status, told, records = self.libraries.answer(library, parameters)
                return Answer(status, JSON, json.dumps(told, ensure_ascii=False).encode(), records, headers)
            value, records = self._value(endpoint, parameters, body)
        except (QueryError, ValueError) as wrong:
            problem = json.dumps({"error": {"msg": str(wrong), "code": 400}, "responseHeader": {"status": 400}})
            return Answer(400, JSON, problem.encode(), 0, headers)
        return Answer(200, JSON, json.dumps(value, ensure_ascii=False).encode(), records, headers)

    def _limit_headers(self, limit: int, left: int) -> tuple[tuple[str, str], ...]:
        if not self.has_limit_headers:
            return ()
        reset = (int(time.time()) // _DAY_S + 1) * _DAY_S
        values = {"Limit": limit, "Remaining": left, "Reset": reset}
        return tuple((f"X-RateLimit-{name}", str(value)) for name, value in values.items())

    def _value(self, endpoint: str, parameters: Mapping[str, Sequence[str]], body: bytes) -> tuple[Json, int]:
        if endpoint == "metrics":
            return self._metrics(json.loads(body or b"{}")), 1
        asked = {name: values[-1] for name, values in parameters.items()}
        fields = [field.strip() for value in parameters.get("fl", ["id"]) for field in value.split(",")]
        tree = parse(asked.get("q") or "*")
        found = self._found(endpoint, parameters, body)
        rows = min(int(asked.get("rows") or DEFAULT_ROWS), MAX_ROWS)
        start = _offset(asked["cursorMark"]) if "cursorMark" in asked else int(asked.get("start") or 0)
        page = found[start : start + rows]
        echoed = {**asked, "fl": ",".join(fields), "rows": str(rows), "start": str(start), "wt": "json"}
        value: Json = {
            "responseHeader": {"status": 0, "QTime": 7, "params": echoed},
            "response": {"numFound": len(found), "start": start, "docs": [_shown(d, fields) for d in page]},
        }
        if "cursorMark" in asked:
            value["nextCursorMark"] = _cursor(start + len(page)) if page else asked["cursorMark"]
        if asked.get("hl", "").lower() in ("true", "on"):
            wanted_fields = [f.strip() for v in parameters.get("hl.fl", _HIGHLIGHTED) for f in v.split(",")]
            lost = "hl.fragsize" in asked
            most = min(int(asked.get("hl.snippets") or 1), SNIPPETS)
            value["highlighting"] = {
                d.facts["id"]: {} if lost else _highlights(d, _terms(tree), wanted_fields, most) for d in page
            }
        if asked.get("facet", "").lower() in ("true", "on"):
            value["facet_counts"] = {"facet_queries": {}, "facet_fields": _facets(found, parameters)}
        return value, len(page)

    def _found(self, endpoint: str, parameters: Mapping[str, Sequence[str]], body: bytes) -> list[Document]:
        """What a search finds, in its order; kept from page to page."""
        text, filters = (parameters.get("q") or ["*"])[-1], tuple(parameters.get("fq", ()))
        order = parameters.get("sort", ["score desc,id desc"])[-1]
        asked = (endpoint, text, filters, order, body)
        kept, found = self._kept
        if kept != asked:
            documents = self.documents
            if endpoint == "search/bigquery":
                wanted = _bibcodes(body)
                documents = [
                    d for d in documents if not wanted.isdisjoint([d.facts["bibcode"], *d.facts["identifier"]])
                ]
            query: Node = Both((parse(text or "*"), *(parse(value) for value in filters if not value.startswith("{!"))))
            found = _sorted([d for d in documents if matches(query, d)], order)
            self._kept = asked, found
        return found

    def _metrics(self, asked: Json) -> Json:
        known = {document.facts["bibcode"]: document for document in self.documents}
        bibcodes = asked.get("bibcodes") or []
        if not bibcodes:
            raise QueryError("no bibcodes found in POST body")
        found = [known[bibcode] for bibcode in bibcodes if bibcode in known]
        counts = sorted(document.facts["citation_count"] for document in found)
        refereed = [d.facts["citation_count"] for d in found if "REFEREED" in d.facts["property"]]
        return {
            "skipped bibcodes": [bibcode for bibcode in bibcodes if bibcode not in known],
            "basic stats": {
                "number of papers": len(found),
                "total number of reads": sum(document.facts["read_count"] for document in found),
            },
            "basic stats refereed": {"number of papers": len(refereed)},
            "citation stats": {
                "total number of citations": sum(counts),
                "average number of citations": sum(counts) / len(counts) if counts else 0.0,
                "median number of citations": counts[len(counts) // 2] if counts else 0,
            },
            "citation stats refereed": {"total number of citations": sum(refereed)},
        }


def _document(facts: Json, text: Json, day: str) -> Document:
    """Return the document; before its full text was indexed it has neither body nor acknowledgement, nor their date."""
    if facts.get("fulltext_on", "") <= day:
        return Document(facts, text["body"], text["ack"])
    return Document(facts | {"fulltext_mtime": facts["metadata_mtime"]}, "", "")


def _facets(found: list[Document], parameters: Mapping[str, Sequence[str]]) -> Json:
    """Return field → [value, number, value, number, …] as Solr does: by number, or by value for facet.sort=index."""
    asked = {name: values[-1] for name, values in parameters.items()}
    limit, offset = int(asked.get("facet.limit") or 100), int(asked.get("facet.offset") or 0)
    fewest = int(asked.get("facet.mincount") or 0)
    facets: Json = {}
    for field in parameters.get("facet.field", ()):
        if field not in _FACETS:
            raise QueryError(f'undefined field: "{field}"')
        counts = Counter(value for document in found for value in _FACETS[field](document.facts))
        by_value = asked.get("facet.sort") == "index"
        ordered = sorted(counts.items(), key=lambda pair: pair if by_value else (-pair[1], pair[0]))
        shown = [pair for pair in ordered if pair[1] >= fewest][offset : None if limit < 0 else offset + limit]
        facets[field] = [item for pair in shown for item in pair]
    return facets


_FACETS: dict[str, Callable[[Json], list[str]]] = {
    "bibstem_facet": lambda facts: facts["bibstem"][:1],
    "bibgroup_facet": lambda facts: facts["bibgroup"],
    "property": lambda facts: [value.lower() for value in facts["property"]],
    "year": lambda facts: [facts["year"]],
}


def _as_of(facts: Json, day: str) -> Json | None:
    """Return the record as it stood on ``day``: itself, the preprint it was before the article came, or nothing."""
    if facts["entdate"] > day:
        return None
    if facts["entry_date"][:10] <= day:
        return facts
    bibcode, month = facts["alternate_bibcode"][0], facts["entdate"][:7]
    identifier = facts["identifier"][-1].removeprefix("arXiv:")
    doi = f"10.48550/arXiv.{identifier}"
    gone = {"volume", "issue"}
    return {name: value for name, value in facts.items() if name not in gone} | {
        "bibcode": bibcode,
        "alternate_bibcode": [],
        "identifier": [f"arXiv:{identifier}", identifier, bibcode, doi],
        "doi": [doi],
        "doctype": "eprint",
        "pub": "arXiv e-prints",
        "bibstem": ["arXiv", "arXiv"],
        "page": [f"arXiv:{identifier}"],
        "year": month[:4],
        "pubdate": f"{month}-00",
        "date": f"{month}-01T00:00:00Z",
        "property": ["ARTICLE", "EPRINT_OPENACCESS", "ESOURCE", "NOT REFEREED", "OPENACCESS"],
        "bibgroup": [],
        "citation_count": 0,
        **dict.fromkeys(("entry_date", "metadata_mtime", "fulltext_mtime"), f"{facts['entdate']}T01:00:00.000Z"),
    }


def _bibcodes(body: bytes) -> set[str]:
    text = body.decode("utf-8")
    if text.lstrip().startswith("{"):
        value = json.loads(text).get("bibcode") or []
        text = value if isinstance(value, str) else "\n".join(value)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or len(lines) > MAX_ROWS + 1:
        raise QueryError(f"bigquery takes 1 to {MAX_ROWS} bibcodes")
    return set(lines) - {"bibcode"}


def _shown(document: Document, fields: list[str]) -> Json:
    """Return the asked fields the document has; what is empty is left out, as Solr does."""
    facts = document.facts
    names = facts if "*" in fields else fields
    return {name: facts[name] for name in names if name not in _HIDDEN and facts.get(name) not in (None, [], "")}


def _sorted(documents: list[Document], order: str) -> list[Document]:
    ordered = sorted(documents, key=lambda document: int(document.facts["id"]), reverse=True)
    for clause in reversed([clause.strip() for clause in order.split(",") if clause.strip()]):
        name, _, direction = clause.partition(" ")
        if name == "score":
            continue
        field = _DATES.get(name, name)
        if documents and field not in documents[0].facts:
            raise QueryError(f"sort param could not be parsed as a query, and is not a field that exists: {name}")
        number = field in ("citation_count", "read_count", "author_count", "id")
        ordered.sort(
            key=lambda d, f=field, n=number: int(d.facts[f]) if n else str(d.facts[f]),  # type: ignore[misc]
            reverse=direction.strip() != "asc",
        )
    return ordered


def _cursor(offset: int) -> str:
    return base64.b64encode(f"demo:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if cursor == "*":
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("demo:"))
    except (binascii.Error, ValueError) as wrong:
        raise QueryError(
            f"Unable to parse 'cursorMark' totem: value must either be '*' or the 'nextCursorMark': {cursor}"
        ) from wrong


def _terms(node: Node) -> list[Term]:
    """Return the terms a match may rest on, those under NOT left out."""
    match node:
        case Term():
            return [node]
        case Both(parts) | Either(parts):
            return [term for part in parts for term in _terms(part)]
        case Not() | Range():
            return []


def _highlights(document: Document, terms: list[Term], fields: Sequence[str], most: int) -> Json:
    """Return field → at most ``most`` snippets of about 100 characters with the matched words between ``<em>`` and ``</em>``."""
    found: Json = {}
    for field in fields:
        if field not in _HIGHLIGHTED:
            continue
        scope = {"full", "", field} | ({"abs"} if field in ("title", "abstract") else set())
        snippets: list[str] = []
        for term in terms:
            words = re.findall(r"[^\W_]+", term.text)
            if term.field not in scope or not words:
                continue
            pattern = r"[\W_]+".join(re.escape(word) for word in words)
            text = document.texts[field]
            hits = re.finditer(rf"(?<![^\W_]){pattern}(?![^\W_])", text, re.IGNORECASE)
            snippets += [_snippet(text, hit.start(), hit.end()) for hit in hits]
        if snippets:
            found[field] = list(dict.fromkeys(snippets))[:most]
    return found


def _snippet(text: str, start: int, end: int) -> str:
    room = max(SNIPPET_LENGTH - (end - start), 20)
    low, high = max(start - room // 3, 0), min(end + room * 2 // 3, len(text))
    marked = re.sub(r"([^\W_]+)", r"<em>\1</em>", text[start:end])
    return f"{text[low:start]}{marked}{text[end:high]}"
