"""BibTeX as people write it: a tolerant reader, and papers out of its entries.

A broken entry is refused with its line; reading goes on at the next ``@`` that begins a line or follows a brace. TeX in fields is
turned into text by pylatexenc; mathematics stays as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from urllib.parse import unquote

from pylatexenc.latex2text import LatexNodes2Text

from harvesters.arxiv import split_identifier
from harvesters.errors import RecordRefused
from harvesters.records import HarvestedAuthor, HarvestedRecord
from harvesters.rows import unreadable

KINDS = {
    "article": "article",
    "inproceedings": "proceedings",
    "conference": "proceedings",
    "proceedings": "proceedings",
    "book": "book",
    "inbook": "book",
    "incollection": "book",
    "booklet": "book",
    "phdthesis": "thesis",
    "mastersthesis": "thesis",
    "thesis": "thesis",
    "dataset": "dataset",
    "software": "software",
    "misc": "other",
    "unpublished": "other",
    "techreport": "other",
    "manual": "other",
    "online": "other",
    "electronic": "other",
    "eprint": "eprint",
}
"""BibTeX's and biblatex's entry types; any other is reported, never guessed."""

READ_FIELDS = frozenset(
    [
        *("title", "author", "year", "month", "journal", "booktitle", "volume", "pages", "eid", "doi", "eprint"),
        *("adsurl", "abstract", "keywords", "archiveprefix", "primaryclass", "note", "bibcode", "date", "language"),
    ]
)
IGNORED_FIELDS = frozenset(
    [
        *("publisher", "address", "editor", "series", "number", "issn", "isbn", "url", "adsnote", "school", "edition"),
        *("organization", "institution", "howpublished", "type", "file", "owner", "timestamp", "annote", "crossref"),
        *("month_numeric", "date-added", "date-modified", "bdsk-url-1", "bdsk-url-2", "bdsk-url-3", "issue", "urldate"),
        *(
            "mendeley-tags",
            "pmid",
            "copyright",
            "location",
            "eprinttype",
            "eprintclass",
            "day",
            "chapter",
            "slaccitation",
        ),
        *("journaltitle", "shorttitle", "groups", "key", "translator", "reportnumber", "collaboration", "archive"),
    ]
)

JOURNAL_MACROS = {
    "aap": "Astronomy and Astrophysics",
    "aapr": "Astronomy and Astrophysics Review",
    "aaps": "Astronomy and Astrophysics Supplement Series",
    "aj": "The Astronomical Journal",
    "apj": "The Astrophysical Journal",
    "apjl": "The Astrophysical Journal Letters",
    "apjlett": "The Astrophysical Journal Letters",
    "apjs": "The Astrophysical Journal Supplement Series",
    "apss": "Astrophysics and Space Science",
    "araa": "Annual Review of Astronomy and Astrophysics",
    "icarus": "Icarus",
    "jcap": "Journal of Cosmology and Astroparticle Physics",
    "mnras": "Monthly Notices of the Royal Astronomical Society",
    "nat": "Nature",
    "nar": "New Astronomy Reviews",
    "pasa": "Publications of the Astronomical Society of Australia",
    "pasj": "Publications of the Astronomical Society of Japan",
    "pasp": "Publications of the Astronomical Society of the Pacific",
    "planss": "Planetary and Space Science",
    "prd": "Physical Review D",
    "prl": "Physical Review Letters",
    "psj": "The Planetary Science Journal",
    "procspie": "Proceedings of SPIE",
    "rmxaa": "Revista Mexicana de Astronomía y Astrofísica",
    "solphys": "Solar Physics",
    "ssr": "Space Science Reviews",
}
"""Journal macros of the AASTeX and A&A styles, which ADS writes into BibTeX."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_START = re.compile(r"(?:^|(?<=[})]))[ \t]*@[ \t]*([A-Za-z]+)[ \t\r\n]*([{(])", re.MULTILINE)
_NAME = re.compile(r"[ \t\r\n,]*([^\s=,{}()\"]+)[ \t\r\n]*=[ \t\r\n]*")
_KEY = re.compile(r"[ \t\r\n]*([^\s,{}]*)[ \t\r\n]*(?:,|(?=[)}]))")
_BIBCODE = re.compile(r"^[12]\d{3}[A-Za-z0-9&.]{14}[A-Z.:]$")
_YEAR = re.compile(r"\b(?:1[6-9]|2[01])\d\d\b")
_MAX_FIELD_CHARS = 200_000
_MAX_ENTRY_CHARS = 2_000_000
"""Characters of all fields of an entry, and of all @strings together: a kilobyte of these that name each other twice
would become more than any memory holds."""
_MAX_NESTING = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as written: its line (1 = first), type, key and fields; or the ``reason`` why it cannot be read."""

    line: int
    kind: str
    key: str
    fields: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None


def entries(text: str) -> Iterator[Entry]:
    """The entries of a BibTeX file in order, ``@string`` put in, ``@comment`` and ``@preamble`` left out."""
    strings: dict[str, str] = {}
    at, line, counted_to, held = 0, 1, 0, 0
    while (start := _START.search(text, at)) is not None:
        begin = text.index("@", start.start())
        line, counted_to = line + text.count("\n", counted_to, begin), begin
        kind = start[1].lower()
        following = _START.search(text, start.end())
        # The next entry ends this one whatever its braces say, so an unclosed one swallows no neighbour.
        body = text[start.end() : following.start() if following else len(text)]
        at = following.start() if following else len(text)
        if kind in ("comment", "preamble"):
            continue
        if kind == "string":
            told = _try_fields(body, strings)
            held += sum(map(len, told.values()))
            if held <= _MAX_ENTRY_CHARS:
                strings.update(told)
            continue
        try:
            yield _entry(line, kind, body, strings)
        except RecordRefused as refused:
            key = _KEY.match(body)
            yield Entry(line, kind, key[1] if key else "", reason=str(refused))


def _try_fields(body: str, strings: Mapping[str, str]) -> dict[str, str]:
    try:
        return _fields(body, 0, strings)
    except RecordRefused:
        return {}


def _entry(line: int, kind: str, body: str, strings: Mapping[str, str]) -> Entry:
    if (reason := unreadable(body)) is not None:
        raise RecordRefused(reason)
    key = _KEY.match(body)
    if key is None:
        raise RecordRefused("has no key")
    return Entry(line, kind, key[1], _fields(body, key.end(), strings))


def _fields(body: str, at: int, strings: Mapping[str, str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    held = 0
    while (name := _NAME.match(body, at)) is not None:
        value, at = _value(body, name.end(), strings)
        held += len(value)
        if held > _MAX_ENTRY_CHARS:
            raise RecordRefused(f"is longer than {_MAX_ENTRY_CHARS} characters once its @strings are put in")
        fields.setdefault(name[1].lower(), value)
    rest = body[at:].lstrip(" \t\r\n,")
    if not rest:
        raise RecordRefused("is not closed by a brace")
    if rest[0] not in "})":
        raise RecordRefused(f"cannot be read from {rest[:30]!r} on")
    return fields


def _value(body: str, at: int, strings: Mapping[str, str]) -> tuple[str, int]:
    parts: list[str] = []
    held = 0
    while True:
        part, at = _value_part(body, at, strings)
        parts.append(part)
        held += len(part)
        if held > _MAX_FIELD_CHARS:
            raise RecordRefused(f"has a field of more than {_MAX_FIELD_CHARS} characters once its @strings are put in")
        joined = re.compile(r"[ \t\r\n]*#[ \t\r\n]*").match(body, at)
        if joined is None:
            return " ".join("".join(parts).split()), at
        at = joined.end()


def _value_part(body: str, at: int, strings: Mapping[str, str]) -> tuple[str, int]:
    if at >= len(body):
        raise RecordRefused("is cut off")
    if body[at] in '{"':
        end = _closing(body, at)
        return body[at + 1 : end], end + 1
    bare = re.compile(r"[^\s,{}()#\"]+").match(body, at)
    if bare is None:
        raise RecordRefused(f"has a field without a value near {body[at : at + 30]!r}")
    return strings.get(bare[0].lower(), bare[0]), bare.end()


def _closing(body: str, at: int) -> int:
    """Where the value that opens at ``at`` ends; a quote within braces does not end a quoted value."""
    quoted, depth, index = body[at] == '"', 0, at + 1
    while index < min(len(body), at + _MAX_FIELD_CHARS):
        char = body[index]
        if char == "\\":
            index += 2
            continue
        if depth == 0 and char == ('"' if quoted else "}"):
            return index
        depth += (char == "{") - (char == "}")
        if depth < 0:
            break
        index += 1
    raise RecordRefused("has a field that is not closed")


def record_of(source: str, name: str, entry: Entry) -> HarvestedRecord:
    """One paper from one entry. Raises ``RecordRefused`` where it has no title or its numbers cannot be read."""
    if entry.reason is not None:
        raise RecordRefused(entry.reason)
    fields = entry.fields
    title = plain(fields.get("title", ""))
    if not title:
        raise RecordRefused("has no title")
    arxiv_id, version = _arxiv(fields)
    doi = re.sub(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", "", plain(fields.get("doi", "")), flags=re.IGNORECASE)
    bibcode = _bibcode(entry)
    journal = _journal(fields)
    published_on, precision = _published(fields)
    year = _YEAR.search(fields.get("year") or fields.get("date") or "")
    kind = KINDS.get(entry.kind)
    if arxiv_id and (kind == "other" or (kind == "article" and "arxiv" in (journal or "").lower())):
        kind = "eprint"  # arXiv's own export writes @misc, that of ADS @article
    names = authors_of(fields.get("author", ""))
    return HarvestedRecord(
        source=source,
        key=bibcode or (f"doi:{doi}" if doi else None) or (f"arXiv:{arxiv_id}" if arxiv_id else f"{name}#{entry.key}"),
        title=title,
        abstract=plain(fields.get("abstract", "")) or None,
        authors=tuple(HarvestedAuthor(author) for author in names if author.lower() != "others"),
        doi=doi or None,
        bibcode=bibcode,
        arxiv_id=arxiv_id,
        arxiv_version=version,
        kind=kind,
        journal=journal,
        volume=plain(fields.get("volume", "")) or None,
        page=re.split(r"[-–—,]", plain(fields.get("pages") or fields.get("eid") or ""))[0].strip() or None,
        year=int(year[0]) if year else None,
        published_on=published_on,
        published_precision=precision,
        categories=tuple(filter(None, [plain(fields.get("primaryclass", ""))])),
        keywords=tuple(filter(None, (word.strip() for word in re.split(r"[,;]", plain(fields.get("keywords", "")))))),
        comment=plain(fields.get("note", "")) or None,
        language=plain(fields.get("language", "")) or None,
        extra=_extra(entry, names),
    )


def _extra(entry: Entry, names: list[str]) -> dict[str, str]:
    extra = {"entry_key": entry.key}
    if "others" in map(str.lower, names):
        extra["authors_truncated"] = "yes"
    if "adsabs" in entry.fields.get("adsurl", "") or "Astrophysics Data System" in entry.fields.get("adsnote", ""):
        extra["taken_from"] = "ads"  # its abstract is theirs, whoever hands the file over
    return extra


def _arxiv(fields: Mapping[str, str]) -> tuple[str | None, int | None]:
    prefix = fields.get("archiveprefix", fields.get("eprinttype", "arxiv")).strip().lower()
    found = split_identifier(fields.get("eprint", "").strip()) if prefix == "arxiv" else None
    found = found or split_identifier(_after(fields.get("journal", ""), "arXiv:"))
    return found or (None, None)


def _after(text: str, mark: str) -> str:
    parts = text.partition(mark)[2].split()
    return parts[0] if parts else ""


def _bibcode(entry: Entry) -> str | None:
    address = unquote(entry.fields.get("adsurl", "")).rstrip("/").replace("\\", "")
    for candidate in (entry.fields.get("bibcode", "").strip(), address.rpartition("/")[2], entry.key):
        if _BIBCODE.match(candidate):
            return candidate
    return None


def _journal(fields: Mapping[str, str]) -> str | None:
    written = (fields.get("journal") or fields.get("journaltitle") or fields.get("booktitle") or "").strip()
    macro = written.strip("{} ").removeprefix("\\").lower()
    return JOURNAL_MACROS.get(macro) or plain(written) or None


def _published(fields: Mapping[str, str]) -> tuple[date | None, str | None]:
    day = re.fullmatch(r"\d{4}-\d\d-\d\d", fields.get("date", "").strip())
    if day is not None:
        try:
            return date.fromisoformat(day[0]), "day"
        except ValueError as wrong:
            raise RecordRefused(f"has a date that is none: {day[0]}") from wrong
    year = _YEAR.search(fields.get("year", ""))
    month = fields.get("month", "").strip().strip("{}").lower()
    number = (
        _MONTHS.index(month[:3]) + 1 if month[:3] in _MONTHS else int(month) if month in map(str, range(1, 13)) else 0
    )
    if year is None:
        return None, None
    if number:
        return date(int(year[0]), number, 1), "month"
    return date(int(year[0]), 1, 1), "year"


def authors_of(written: str) -> list[str]:
    """The names between ``and`` that stand outside braces, as text; "Last, First" where written so."""
    names, depth, word = [], 0, ""
    for piece in re.split(r"(\s+and\s+|[{}])", written):
        depth += (piece == "{") - (piece == "}")
        if depth == 0 and piece.strip() == "and":
            names.append(word)
            word = ""
        else:
            word += piece
    return [name for name in (plain(name) for name in (*names, word)) if name]


def plain(written: str) -> str:
    """TeX as text on one line; what cannot be decoded stays as it is, without its braces."""
    if re.search(r"[\\$]", written):
        return _decoded(written)
    # Braces, ties and dashes alone need no TeX reader: pylatexenc takes a millisecond a field, this a microsecond.
    text = re.sub(r"[{}]", "", written).replace("~", " ").replace("---", "—").replace("--", "–")
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def _decoded(written: str) -> str:
    if written.count("{") <= 2000 and _nesting(written) <= _MAX_NESTING:
        try:
            # A bare % begins a comment in TeX; in a title it is a per cent sign somebody forgot to escape.
            text = _decoder().latex_to_text(re.sub(r"(?<!\\)%", r"\\%", written))
        except (ValueError, IndexError, KeyError, RecursionError, AttributeError, TypeError):
            text = written.replace("{", "").replace("}", "")
    else:
        text = written.replace("{", "").replace("}", "")
    return " ".join(text.replace("\u00a0", " ").split())


@lru_cache(maxsize=1)
def _decoder() -> LatexNodes2Text:
    return LatexNodes2Text(math_mode="verbatim", strict_latex_spaces=True)


def _nesting(written: str) -> int:
    depth = deepest = 0
    for char in written:
        depth += (char == "{") - (char == "}")
        deepest = max(deepest, depth)
    return deepest
