"""What a bibliographic record says, read once: title words, numbers, part, kind, people, identifiers.

``Work`` is a record as given; ``read`` makes of it what two records are compared by. Everything may be missing, and
nothing a stranger's record holds is an error.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from matching.name_text import fold
from matching.people import Name, is_group, parse, repair, split_authors

__all__ = ["Reading", "Work", "plain", "read", "title_words"]

LONGEST_TITLE = 2000
LONGEST_ABSTRACT = 20_000
MOST_AUTHORS = 5000
AUTHORS_READ = 300
"""Authors compared one by one; who stands behind them is only counted."""

_TEX = re.compile(r"\\[A-Za-z]+(?![A-Za-z])|\\[,;:! ]|~")
_GLUE = re.compile(r"[\\{}$^_]")
_DOUBLE = re.compile(r"\\textbackslash\s?|\\\\")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,40}>")
_WORD = re.compile(r"[^\W_]+(?:[.][0-9]+)*")
_COLUMN = re.compile(r"\bCOL \w{1,20} VAL\b")  # the mark of an empty field in records flattened for a language model
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(.+)", re.IGNORECASE)
_ARXIV = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5}|[a-z-]{2,20}(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?(?!\d)", re.IGNORECASE)
_DOI_VERSION = re.compile(r"(?:\.v\d{1,3}|/v\d{1,3})$")
_DOI_COMPONENT = re.compile(r"\.(?:[sgtfe]\d{3}|mm\d|suppl?)$")
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_BIBCODE = re.compile(r"(1[89]\d\d|20\d\d)([A-Za-z&.]{5})[\w.&]{9,10}")
_KINDS = {
    "thesis": "thesis", "phdthesis": "thesis", "mastersthesis": "thesis", "dissertation": "thesis",
    "dataset": "data", "data": "data", "component": "data", "software": "data", "figure": "data", "graphic": "data", "stub": "data",
    "proceedings": "meeting", "inproceedings": "meeting", "paper-conference": "meeting", "conference": "meeting", "abstract": "meeting", "proceedings-article": "meeting",
    "book": "book", "chapter": "chapter", "inbook": "chapter", "incollection": "chapter", "proposal": "proposal",
    "article-journal": "article", "journal": "article", "journal-article": "article", "article": "article", "book-chapter": "chapter", "preprint": "preprint", "eprint": "preprint",
    "post": "preprint", "posted-content": "preprint", "submittedversion": "preprint", "standard": "standard",
}  # fmt: skip
_OF_JOURNALS = frozenset({"article-journal", "journal", "journal-article"})
_MEETING_STEMS = (
    "AAS.", "AGUFM", "AIPC", "ASPC", "ASSP", "DPS.", "EPSC", "IAUFM", "IAUGA", "IAUS", "SPIE", "conf", "cosp",
)  # fmt: skip
"""How the bibcodes of meetings' series go on after the year."""
_JOURNAL = re.compile(
    r"\b(journal|j(?=\.|\W*$)|trans|transactions|letters|annals|record|rec|review|reviews|magazine|bulletin|newsletter|computing surveys"
    r"|astrophys|mnras|apj|monthly notices|astronomy)\b",
    re.IGNORECASE,
)
_MEETING = re.compile(
    r"\b(conference|conf|proceedings|proc|symposium|symp|workshop|meeting|congress|colloquium)\b", re.IGNORECASE
)
_ROMAN = {
    roman: value + 1
    for value, roman in enumerate(
        ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi"]
    )
}
_SPELT = {
    word: value + 1
    for value, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
}
_PART = re.compile(
    rf"\b(?:part|paper|chapter|vol|volume|no|teil|partie|parte|deel|del)\.?\s+(\d{{1,3}}|[ivx]{{1,5}}|{'|'.join(_SPELT)})\b"
    r"|(?:^|[.:;,\-\u2013\u2014)]|\s)\s*([ivx]{2,5})(?=\s*[.:]|\s*$|\s+[-\u2013\u2014])"
    r"|(?<=[^\W_]{3})\s?[.:;\-\u2013\u2014]\s*([ivx])(?=\s*[.:]|\s*$)|\s([ivx])(?=\s*:|\s*$)",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"\b(erratum|errata|corrigend(?:um|a)|addendum|retraction|retracted|correction (?:to|for)|publisher'?s? (?:correction|note)"
    r"|author correction|reply to|response to|comments? on)\b",
    re.IGNORECASE,
)
_PIECE = re.compile(
    r"^\W*(additional file|supplement(?:ary|al)? (?:material|information|data|file|table|figure)|supplementary|data (?:from|for|presented in)"
    r"|replication data|dataset|moesm\d+|table s?\d+|figure s?\d+|appendix|faculty (?:of 1000|opinions))\b",
    re.IGNORECASE,
)
_PIECE_NUMBER = re.compile(r"^\D{0,25}(\d{1,3})")
# Who registers data sets alone, by the DOI; and what a catalogue of tables calls itself.
_DATA_DOI = re.compile(r"10\.(?:26093/cds/|17909/|26131/irsa|5061/dryad|17876/)")
_CATALOGUE = re.compile(r"\bvizier\b.{0,40}\bcatalog|\[(?:data ?set|data|software)\]", re.IGNORECASE)
_THESIS = re.compile(r"\b(?:this|in the|the present|doctoral|ph\.?\s?d\.?|master'?s) (?:thesis|dissertation)\b", re.I)


_SERIES = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "apj": r"astro(?:physical|phys\.?|\.) ?j(?:ournal|\.)|^\\?apj[ls]?\b",
        "mnras": r"monthly notices|^\\?mnras\b|mon\. ?not\.",
        "aap": r"astronomy (?:and|&|\\&) astrophysics|^\\?aap\b|^a&a\b|astron\. ?astrophys\.",
        "aj": r"astronomical journal|^\\?aj\b|astron\. ?j\.",
        "pasp": r"publications of the astronomical society of the pacific|^\\?pasp\b",
        "pasj": r"publications of the astronomical society of japan|^\\?pasj\b",
        "icarus": r"^\\?icarus\b",
        "nature astronomy": r"^nature astronomy",
        "nature": r"^\\?nat(?:ure)?$",
        "science": r"^science$",
        "sigmod record": r"sigmod rec",
        "tods": r"trans\w*[ .]*(?:on )?database syst|\btods\b",
        "vldb journal": r"vldb j|journal on very large",
        "vldb": r"\bvldb\b|conf\w*[ .]*on very\b|very large data ?bases",
        "sigmod": r"\bsigmod\b|(?:conf\w*[ .]*on )management of data|conf\w*[ .]*on management of\b",
    }.items()
}
"""Series that are printed in ways which share no word; the first that fits names it."""
_MEETINGS = ("vldb", "sigmod")


@dataclass(frozen=True, slots=True)
class Work:
    """What a record says of a paper; everything may be missing. ``kind`` is one of thesis, data, meeting, book, article …"""

    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    kind: str | None = None
    doi: str | None = None
    arxiv: str | None = None
    venue: str | None = None
    volume: str | None = None
    pages: str | None = None
    abstract: str | None = None
    stated: str | None = None
    """"meeting" or "article" where the type or the bibcode says so, not only the words of a venue."""

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Work":
        """A work from a record of any source; fields of an unknown or wrong kind are left aside."""
        doi = _DOI.search(_text(data.get("doi"))[:LONGEST_TITLE])
        bibcode = _BIBCODE.match(_text(data.get("bibcode") or data.get("id")))
        named = _ARXIV_DOI.fullmatch(doi[0].rstrip(".,;")) if doi else None
        arxiv = _ARXIV.search(_text(data.get("arxiv") or data.get("arxiv_id") or data.get("eprint"))[:LONGEST_TITLE])
        number = arxiv[1] if arxiv else named[1].partition("v")[0] if named else None
        written = _text(data.get("venue") or data.get("container") or data.get("journal"))[: 2 * LONGEST_TITLE]
        venue = _COLUMN.sub(" ", written).strip(" ,;")
        subtitle = _text(data.get("subtitle"))
        title = _text(data.get("title"))[:LONGEST_TITLE]
        kind_written = _text(data.get("type")).lower()
        is_bare = bool(number) and not (doi and not named) and not data.get("volume")
        is_catalogue = bool(_CATALOGUE.search(venue) or _CATALOGUE.search(title))
        return cls(
            title=f"{title}{': ' if subtitle else ''}{subtitle[:LONGEST_TITLE]}",
            authors=_authors(data.get("authors")),
            year=_year(data.get("year")),
            kind=_kind(
                kind_written,
                bibcode,
                venue,
                is_bare=is_bare,
                is_data=bool(doi and _DATA_DOI.match(doi[0].lower())) or is_catalogue,
            ),
            doi=doi[0].lower().rstrip(".,;") if doi and not named else None,
            arxiv=number.lower() if number else None,
            venue=venue[:LONGEST_TITLE] or None,
            volume=_text(data.get("volume"))[:100] or None,
            pages=_text(data.get("pages") or data.get("page"))[:100] or None,
            abstract=_text(data.get("abstract"))[:LONGEST_ABSTRACT] or None,
            stated=_stated(kind_written, bibcode, is_bare=is_bare and not venue),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A record as it is compared. ``version_of`` is the DOI without the mark of a version."""

    work: Work
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    part: int | None
    notice: str | None
    piece: str | None
    kind: str | None
    people: tuple[Name, ...]
    count: int
    """How many people are named, those beyond ``AUTHORS_READ`` too."""
    year: int | None
    venue: tuple[str, ...]
    series: str | None
    is_journal: bool
    version_of: str | None
    component: str | None
    volume: str | None
    page: str | None
    abstract: frozenset[str]


def _text(value: Any) -> str:
    """A field as text: the first of a list, a number as written, anything else nothing."""
    if isinstance(value, list | tuple):
        value = next((v for v in value if isinstance(v, str) and v.strip()), "")
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
    return str(value) if is_number else ""


def _authors(value: Any) -> tuple[str, ...]:
    """Names from a list of texts or of ``{name}`` / ``{family, given}``, or from one text."""
    if isinstance(value, str):
        value = split_authors(value[: 200 * MOST_AUTHORS])
    if not isinstance(value, list | tuple):
        return ()
    found = []
    for author in value[:MOST_AUTHORS]:
        name = author if isinstance(author, str) else ""
        if isinstance(author, Mapping):
            parts = (_text(author.get("family")), _text(author.get("given")))
            name = _text(author.get("name")) or ", ".join(part for part in parts if part)
        if any(c.isalpha() for c in name[:200]):
            found.append(name[:200])
    return tuple(found)


def _year(value: Any) -> int | None:
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > 40):
        return None
    try:
        year = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(year) if math.isfinite(year) and 1000 <= year <= 3000 else None


def _kind(written: str, bibcode: re.Match[str] | None, venue: str, *, is_bare: bool, is_data: bool) -> str | None:
    """The kind of a record by its type, else by its bibcode or the words of its venue.

    ``is_bare``: an arXiv number is all that says where it appeared; then "article" means a preprint. ``is_data``: the
    record says by its DOI or its name that it is a data set, whatever its type.
    """
    given = _KINDS.get(written)
    stem = bibcode[2] if bibcode else ""
    if is_data or stem.startswith("yCat"):
        return "data"
    if stem.startswith(("PhDT", "MsT")):
        return "thesis"
    if given is None and stem == "arXiv":
        return "preprint"
    if given not in (None, "article") or written in _OF_JOURNALS:
        return given
    if is_bare and not venue:
        return "preprint"
    series = _series(venue) if venue else None
    if series:
        return "meeting" if series in _MEETINGS else "article"
    if _MEETING.search(venue) and not re.search(r"\b(journal|transactions|trans)\b", venue, re.IGNORECASE):
        return "meeting"
    if _JOURNAL.search(venue):
        return "article"
    return given or ("preprint" if re.search(r"\barxiv\b", venue, re.IGNORECASE) else None)


def _stated(written: str, bibcode: re.Match[str] | None, *, is_bare: bool) -> str | None:
    """Whether a record says itself that it is of a meeting or of a journal; a bibcode knows better than a type."""
    if bibcode and bibcode[2].startswith(_MEETING_STEMS):
        return "meeting"
    given = _KINDS.get(written)
    return given if given == "meeting" or (given == "article" and not is_bare) else None


def plain(title: str) -> str:
    """A title without mark-up; braces and signs go without leaving a blank, commands leave one. Idempotent."""
    for _ in range(4):
        before = title
        title = _GLUE.sub("", _TEX.sub(" ", _TAG.sub("", repair(_DOUBLE.sub(r"\\", title)))))
        if title == before:
            break
    return title


def title_words(title: str) -> tuple[str, ...]:
    """The words of a title as they are compared: folded to lower-case ASCII, decimal numbers whole."""
    return tuple(_folded(word) for word in _WORD.findall(plain(title).lower()))


@lru_cache(maxsize=200_000)
def _folded(word: str) -> str:
    return word if word.isascii() else (fold(word) if word.isalpha() else "".join(fold(c) or c for c in word)) or word


@lru_cache(maxsize=20_000)
def read(work: Work) -> Reading:
    """Read a record; the result is kept, because a record is compared with several others."""
    title = plain(work.title)
    words = title_words(work.title)
    people = tuple(parse(a) for a in work.authors[:AUTHORS_READ] if not is_group(a))
    doi = work.doi or ""
    component = _DOI_COMPONENT.search(doi)
    notice = _NOTICE.search(title)
    piece = _PIECE.search(title)
    is_thesis = work.kind is None or work.kind in ("preprint", "article")
    kind = "thesis" if is_thesis and _THESIS.search(f"{title} {(work.abstract or '')[:2000]}") else work.kind
    return Reading(
        work=work,
        words=words,
        numbers=tuple(n for n in re.findall(r"\d+(?:\.\d+)?", " ".join(words))),
        part=_part(title),
        notice=notice[1].lower() if notice else None,
        piece=_piece(title, piece) if piece else None,
        kind=kind,
        people=tuple(p for p in people if p.surname),
        count=len(people) + max(0, len(work.authors) - AUTHORS_READ),
        year=work.year or _written_year(work),
        venue=title_words(work.venue or ""),
        series=_series(work.venue or ""),
        is_journal=bool(_JOURNAL.search(work.venue or "")),
        version_of=_DOI_VERSION.sub("", doi) or None,
        component=component[0] if component else "",
        volume=_digits(work.volume),
        page=_digits(re.split(r"[-\u2013\u2014?]", work.pages)[0]) if work.pages else None,
        abstract=frozenset(title_words(work.abstract[:4000])) if work.abstract else frozenset(),
    )


def _part(title: str) -> int | None:
    """The number of a part that a title names: "II.", "Part 3"."""
    found = None
    for match in _PART.finditer(title):
        written = (match[1] or match[2] or match[3] or match[4]).lower()
        number = int(written) if written.isdecimal() else _ROMAN.get(written) or _SPELT.get(written)
        found = number if number is not None else found
    return found


def _piece(title: str, match: re.Match[str]) -> str:
    """What a title says it is a piece of or a word about, with its number: "additional file 2"."""
    number = _PIECE_NUMBER.match(title)
    return match[1].lower() + (f" {number[1]}" if number else "")


def _written_year(work: Work) -> int | None:
    """A year that stands in the venue or at the end of the title where the record has none."""
    found = _YEAR.findall(work.venue or "") or _YEAR.findall(work.title[-12:])
    return int(found[-1]) if len(set(found)) == 1 else None


@lru_cache(maxsize=20_000)
def _series(venue: str) -> str | None:
    return next((name for name, pattern in _SERIES.items() if pattern.search(venue)), None)


def _digits(written: str | None) -> str | None:
    """Volume or page as compared: letters and figures, no leading zero."""
    found = re.search(r"[A-Za-z]{0,3}\d[\dA-Za-z]*", written or "")
    return found[0].lower().lstrip("0") or "0" if found else None
