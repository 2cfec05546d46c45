"""Are two bibliographic records one paper? A probability, a verdict and the reasons.

One paper: a preprint and its article, versions of either. Two papers: numbered parts, an erratum, a thesis, a data set or
component, a proceedings contribution beside a journal article, two arXiv numbers. Identifiers come first but are checked
against title and authors, because records carry wrong ones. Vetoes have a reason of their own; the rest is a sum of
log-odds. Nothing here merges anything: the caller asks a person.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from matching.people import is_group, repair, similarity

__all__ = ["SameVerdict", "Work", "same_paper"]

SAME_AT = 0.5
ASK_AT = 0.4
"""At or above ``SAME_AT`` two records are called one paper, from ``ASK_AT`` on a person is asked, below they are two."""

_AUTHORS_READ = 60
_TEX = re.compile(r"\\[A-Za-z]+(?![A-Za-z])|\\[,;:! ]|~")
_GLUE = re.compile(r"[\\{}$^_]")
_DOUBLE = re.compile(r"\\textbackslash\s?|\\\\")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,40}>")
_WORD = re.compile(r"[^\W_]+")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(.+)", re.IGNORECASE)
_ARXIV = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?", re.IGNORECASE)
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
    "xii": 12,
}
_PART = re.compile(
    r"\b(?:part|paper|chapter|vol|volume|no)\.?\s+(\d{1,3}|[ivx]{1,4})\b|(?:^|[.:;,\-\u2013\u2014)]|\s)\s*([ivx]{1,4})(?=\s*[.:]|\s*$)",
    re.IGNORECASE,
)
_NOTICES = re.compile(
    r"\b(erratum|errata|corrigend(?:um|a)|addendum|retraction|retracted|correction (?:to|for)|publisher'?s? (?:correction|note)"
    r"|author correction|reply to|response to|comment on|editorial)\b",
    re.IGNORECASE,
)
_KINDS = {
    "thesis": "thesis", "phdthesis": "thesis", "mastersthesis": "thesis", "dissertation": "thesis",
    "dataset": "data", "data": "data", "component": "data", "software": "data", "figure": "data", "graphic": "data",
    "proceedings": "meeting", "inproceedings": "meeting", "paper-conference": "meeting", "conference": "meeting", "abstract": "meeting",
    "book": "book", "chapter": "chapter", "inbook": "chapter", "proposal": "proposal",
    "article": "article", "article-journal": "article", "journal": "article", "preprint": "preprint", "eprint": "preprint", "post": "preprint",
}  # fmt: skip
_APART = (frozenset({"thesis"}), frozenset({"data"}), frozenset({"proposal"}), frozenset({"book"}))


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

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Work":
        """A work from a record of any source; fields of an unknown or wrong kind are left aside."""
        doi = _DOI.search(_text(data.get("doi")))
        arxiv = _ARXIV.search(_text(data.get("arxiv")))
        named = _ARXIV_DOI.fullmatch(doi[0]) if doi else None
        authors = data.get("authors")
        venue = _text(data.get("venue") or data.get("container") or data.get("journal"))
        return cls(
            title=_text(data.get("title"))[:2000],
            authors=tuple(a for a in authors if isinstance(a, str) and a.strip())
            if isinstance(authors, list | tuple)
            else (),
            year=_year(data.get("year")),
            kind=_KINDS.get(_text(data.get("type")).lower()) or _kind_of_venue(venue),
            doi=doi[0].lower().rstrip(".,;") if doi and not named else None,
            arxiv=arxiv[1].lower() if arxiv else named[1].lower().partition("v")[0] if named else None,
            venue=venue or None,
            volume=_text(data.get("volume")) or None,
            pages=_text(data.get("pages")) or None,
        )


@dataclass(frozen=True, slots=True)
class SameVerdict:
    """``p``: probability that the records are one paper; ``verdict``: same, different or ask."""

    p: float
    verdict: str
    reasons: tuple[str, ...]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _kind_of_venue(venue: str) -> str | None:
    """A meeting or a journal by the words of its name; ``None`` where they do not tell."""
    if re.search(
        r"\b(journal|trans|transactions|letters|annals|astrophys|mnras|monthly notices)\b", venue, re.IGNORECASE
    ):
        return "article"
    if re.search(r"\b(conference|proceedings|proc|symposium|workshop|meeting)\b", venue, re.IGNORECASE):
        return "meeting"
    return "preprint" if re.search(r"\barxiv\b", venue, re.IGNORECASE) else None


def _year(value: Any) -> int | None:
    try:
        year = int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return year if 1000 <= year <= 3000 else None


def _plain(title: str) -> str:
    """A title without mark-up; braces and signs go without leaving a blank, commands leave one."""
    return _GLUE.sub("", _TEX.sub(" ", _TAG.sub("", repair(_DOUBLE.sub(r"\\", title)))))


def _words(title: str) -> list[str]:
    return _WORD.findall(_plain(title).lower())


def same_paper(a: Work, b: Work) -> SameVerdict:
    """Whether two records are one paper; symmetric, and sure of itself only with a reason."""
    first, second = _words(a.title), _words(b.title)
    alike = _titles(first, second)
    veto = _veto(a, b, first, second, alike)
    if veto:
        return SameVerdict(0.02, "different", (veto,))
    people = _authors(a.authors, b.authors)
    parts = [_title_odds(alike, min(len(first), len(second))), _people_odds(people), _year_odds(a, b)]
    parts += [_identifier_odds(a, b, alike, people), _place_odds(a, b)]
    odds = math.fsum(weight for weight, _ in parts)
    p = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))
    reasons = tuple(reason for weight, reason in sorted(parts, key=lambda part: -abs(part[0])) if reason)
    return SameVerdict(p, "same" if p >= SAME_AT else "ask" if p >= ASK_AT else "different", reasons)


def _titles(first: Sequence[str], second: Sequence[str]) -> float | None:
    """How alike two titles are, 0–1, whatever the order of their words; ``None`` where one is missing."""
    if not first or not second:
        return None
    one, other = " ".join(first), " ".join(second)
    ratio = max(
        fuzz.ratio(one, other),
        fuzz.token_sort_ratio(one, other),
        fuzz.ratio(one.replace(" ", ""), other.replace(" ", "")),
    )
    shorter, longer = sorted((first, second), key=len)
    if len(shorter) >= 5 and list(longer[: len(shorter)]) == list(shorter):
        ratio = max(ratio, 90.0)  # a subtitle was left out
    return ratio / 100.0


def _veto(a: Work, b: Work, first: Sequence[str], second: Sequence[str], alike: float | None) -> str | None:
    """A reason why the records cannot be one paper, however alike they look."""
    if a.arxiv and b.arxiv and a.arxiv != b.arxiv:
        return f"two arXiv numbers, {min(a.arxiv, b.arxiv)} and {max(a.arxiv, b.arxiv)}"
    notices = [(m := _NOTICES.search(w.title)) and m[1].lower() for w in (a, b)]
    if bool(notices[0]) != bool(notices[1]):
        return (
            f"only one is an {notices[0] or notices[1]}"
            if (notices[0] or "")[:1] in "ae"
            else f"only one is a {notices[0] or notices[1]}"
        )
    kinds = {k for k in (a.kind, b.kind) if k}
    if len(kinds) == 2 and any(apart & kinds for apart in _APART):
        return f"one is a {min(kinds)}, the other a {max(kinds)}"
    if alike is not None and alike > 0.6 and a.title and b.title:
        parts = _part(_plain(a.title)), _part(_plain(b.title))
        if parts[0] != parts[1] and (None not in parts or max(p or 0 for p in parts) > 1):
            return f"numbered parts differ ({_printed(parts[0])} and {_printed(parts[1])})"
        if alike > 0.85 and _other_numbers(first, second):
            return "the numbers in the titles differ"
    return None


def _part(title: str) -> int | None:
    """The number of a part that a title names: "II.", "Part 3"."""
    found = None
    for match in _PART.finditer(title):
        written = (match[1] or match[2]).lower()
        number = int(written) if written.isdecimal() else _ROMAN.get(written)
        found = number if number is not None else found
    return found


def _printed(part: int | None) -> str:
    return "none" if part is None else str(part)


def _other_numbers(first: Sequence[str], second: Sequence[str]) -> bool:
    """Each title has a number that the other lacks, not even as a piece of its digits ("2005-10" beside "2010")."""
    one, other = (re.findall(r"\d+", " ".join(words)) for words in (first, second))
    glued = "".join(one), "".join(other)
    return any(n not in glued[1] for n in one) and any(n not in glued[0] for n in other) and glued[0] != glued[1]


def _title_odds(alike: float | None, length: int) -> tuple[float, str]:
    """Titles say more the longer they are: two words agree by accident."""
    if alike is None:
        return -1.0, "a title is missing"
    steps = ((0.97, 4.0), (0.9, 2.6), (0.8, 0.0), (0.7, -2.6), (0.55, -4.0))
    weight = next((w for least, w in steps if alike >= least), -6.0)
    weight *= min(1.0, 0.4 + length / 8.0) if weight > 0 else 1.0
    return weight, f"titles {alike:.0%} alike"


def _authors(a: Sequence[str], b: Sequence[str]) -> tuple[float, float] | None:
    """Likeness of the first authors, and the share of the shorter list that is in the longer; ``None`` without people."""
    one, other = ([n for n in names[:_AUTHORS_READ] if not is_group(n)] for names in (a, b))
    if not one or not other:
        return None
    if (len(one), one) > (len(other), other):
        one, other = other, one
    free = list(other)
    found = 0.0
    for name in one:
        best = max(free, key=lambda n: similarity(name, n), default=None)
        if best is not None and (alike := similarity(name, best)) >= 0.5:
            found += 1.0 if alike >= 0.7 else 0.7
            free.remove(best)
    return similarity(one[0], other[0]), found / len(one)


def _people_odds(people: tuple[float, float] | None) -> tuple[float, str]:
    if people is None:
        return -0.8, "no authors to compare"
    first, share = people
    weight = 3.0 * share - 1.6 if share >= 0.5 else -4.5 + 3.0 * share
    weight += 0.7 if first >= 0.6 else -0.7
    return weight, f"{share:.0%} of the authors agree" + ("" if first >= 0.6 else ", the first does not")


def _year_odds(a: Work, b: Work) -> tuple[float, str]:
    """A preprint may be years older than its article; two published records of one paper have one year."""
    if a.year is None or b.year is None:
        return 0.0, ""
    apart = abs(a.year - b.year)
    steps = (0.8, -2.0, -3.5, -5.0) if _is_published(a) and _is_published(b) else (0.8, 0.1, -1.2, -2.5)
    weight = steps[min(apart, 3)] - 0.3 * max(0, min(apart, 10) - 3)
    return weight, "same year" if not apart else f"{apart} year{'s' if apart > 1 else ''} apart"


def _is_published(work: Work) -> bool:
    return work.kind != "preprint" and bool(work.venue or work.volume or work.kind in ("article", "meeting"))


def _identifier_odds(a: Work, b: Work, alike: float | None, people: tuple[float, float] | None) -> tuple[float, str]:
    """The same DOI or arXiv number, unless title and authors both contradict; two DOIs of publishers speak against."""
    agreed = "DOI" if a.doi and a.doi == b.doi else "arXiv number" if a.arxiv and a.arxiv == b.arxiv else None
    if agreed:
        contradicted = (alike is not None and alike < 0.5) and (people is None or people[1] < 0.3)
        if contradicted:
            return 2.0, f"same {agreed}, but title and authors differ"
        return 8.0, f"same {agreed}"
    if a.doi and b.doi:
        preprint = "preprint" in (a.kind, b.kind)
        return (-0.5, "another DOI, one of a preprint") if preprint else (-3.5, "two DOIs")
    return 0.0, ""


def _place_odds(a: Work, b: Work) -> tuple[float, str]:
    """A meeting contribution beside an article, or two volumes of one journal, are two papers."""
    kinds = {a.kind, b.kind}
    if kinds in ({"meeting", "article"}, {"chapter", "article"}):
        return -3.0, "one is a contribution to a meeting or book, the other an article"
    if a.pages and b.pages and a.volume and b.volume:
        if (a.volume, _start(a.pages)) == (b.volume, _start(b.pages)):
            return 2.5, "same volume and page"
        return -2.0, "another volume or page"
    return 0.0, ""


def _start(pages: str) -> str:
    return re.split(r"[-\u2013]", pages)[0].strip()
