"""Which of the values that sources give for a paper is shown: one table, read from top to bottom.

A person's correction stands above every source. Sources are named by the kind of harvest ("ads", "arxiv"); whatever
comes from anywhere else is somebody's file and ranks between the two. Within a source the record of the
printed article goes before that of its preprint, then the one learned later. What only the printed article has
(journal, volume, date of issue …) is taken from no preprint's record while there is another. arXiv has several doors
that learn of a replacement at different hours: its version is the highest that any of them has told. Of
authors one source's list is shown, and where it leaves out an affiliation or an ORCID, another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from biblio.catalogue.terms import ADS, ARXIV, FACTS, PERSON, family
from matching.people import parse

JOURNAL_FIRST = ("ads", "file", "arxiv")
"""Facts of the printed article: ADS keeps them best, then what a library's own files say."""
PREPRINT_FIRST = ("arxiv", "file", "ads")
"""Facts of the preprint; and abstracts, because arXiv's metadata are free (CC0) while those of ADS may not be re-served (``catalogue.terms``)."""

PRECEDENCE: Mapping[str, tuple[str, ...]] = {
    "title": JOURNAL_FIRST,
    "abstract": PREPRINT_FIRST,
    "authors": JOURNAL_FIRST,
    "kind": JOURNAL_FIRST,
    "is_refereed": JOURNAL_FIRST,
    "journal": JOURNAL_FIRST,
    "volume": JOURNAL_FIRST,
    "page": JOURNAL_FIRST,
    "year": JOURNAL_FIRST,
    "published_on": JOURNAL_FIRST,
    "preprint_on": PREPRINT_FIRST,
    "updated_on": PREPRINT_FIRST,
    "arxiv_version": PREPRINT_FIRST,
    "citation_count": JOURNAL_FIRST,
    "is_withdrawn": PREPRINT_FIRST,
    "keywords": JOURNAL_FIRST,
}

_OF_THE_ARTICLE = frozenset({"kind", "is_refereed", "journal", "volume", "page", "year", "published_on"})
"""Facts of the printed article: any article's record goes before any preprint's, whatever the source."""
_ARTICLE_ONLY = frozenset({"published_on", "volume", "page", "is_refereed"})
"""Facts that a preprint does not have: arXiv's own date or number in their place would be wrong."""
_DATES = frozenset({"published_on", "preprint_on", "updated_on"})
_PLACES = ("affiliation", "orcid")
_NOTHING: tuple[Any, ...] = (None, "", [], ())
CORRECTABLE = ("title", "abstract", "kind", "is_refereed", "journal", "volume", "page", "year", "published_on",
               "preprint_on", "is_withdrawn", "keywords")  # fmt: skip
"""The fields a person may correct. Authors and counts come from sources only."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one source says now: its plain record and when we learned it."""

    source: str
    key: str
    record: Mapping[str, Any]
    learned_at: datetime

    @property
    def is_preprint(self) -> bool:
        """Whether the record describes a preprint, not the printed article."""
        return self.record.get("kind") == "eprint"

    def origin_of(self, name: str) -> str:
        """Return where a field's value is from: this source, or ADS where a list says that it has its text from there."""
        taken = self.record.get("extra", {}).get("taken_from")
        return ADS if taken == ADS and name not in FACTS else self.source


@dataclass(slots=True)
class Shown:
    """The values shown for a paper and, per field, where each is from."""

    values: dict[str, Any] = field(default_factory=dict)
    authors: list[dict[str, str]] = field(default_factory=list)
    provenance: dict[str, str] = field(default_factory=dict)


def compose(told: Iterable[Told], corrections: Mapping[str, Any]) -> Shown:
    """Choose the values shown for a paper from what its sources say and what a person corrected (plain values)."""
    shown = Shown()
    records = sorted(told, key=_learned, reverse=True)
    orders = {order: _ranked(records, *order) for order in _ORDERS}
    for name, order, choose in _RULES:
        chosen = choose(name, orders[order])
        if chosen is None:
            continue
        value, source = chosen
        shown.provenance[name] = source.source if name in FACTS else source.origin_of(name)
        if name == "authors":
            shown.authors = _with_places(value, source, orders[order])
            continue
        shown.values[name] = date.fromisoformat(value) if name in _DATES else value
        if name == "published_on":
            shown.values["published_precision"] = source.record.get("published_precision") or "day"
    for name, value in corrections.items():
        shown.values[name] = date.fromisoformat(value) if name in _DATES and value else value
        shown.provenance[name] = PERSON
        if name == "published_on":
            shown.values["published_precision"] = "day" if value else None
    return shown


def _with_places(authors: Sequence[dict[str, str]], chosen: Told, ranked: Sequence[Told]) -> list[dict[str, str]]:
    """Return the chosen list of authors, what it lacks of affiliations and ORCIDs filled in from others of the same people.

    ADS gives an article without affiliations until it has read them, though its record of the preprint had them. What ADS
    made goes into no list of another source, whose affiliations the public may see.
    """
    listed = list(authors)
    if len(ranked) < 2 or all("affiliation" in author and "orcid" in author for author in listed):
        return listed
    for told in ranked:
        theirs = told.record.get("authors") or ()
        is_closed = told.origin_of("affiliations") == ADS and family(chosen.source) != ADS
        if told is chosen or is_closed or len(theirs) != len(listed):
            continue
        listed = [
            {**{k: other[k] for k in _PLACES if k in other}, **author} if _is_namesake(author, other) else author
            for author, other in zip(listed, theirs, strict=True)
        ]
    return listed


def _is_namesake(author: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two who stand at one place of two lists have one surname; asked only where there is something to fill in."""
    if not any(k in other and k not in author for k in _PLACES):
        return False
    return parse(author.get("name", "")).surname == parse(other.get("name", "")).surname


def _learned(told: Told) -> tuple[datetime, str, str]:
    return told.learned_at, told.source, told.key


def _ranked(records: list[Told], sources: tuple[str, ...], article_first: bool) -> list[Told]:
    """Put the records in the table's order; the sort is stable, so of equals the one learned last stays first."""
    if len(records) < 2:
        return records

    def rank(told: Told) -> tuple[bool, int, bool]:
        return article_first and told.is_preprint, sources.index(family(told.source)), told.is_preprint

    return sorted(records, key=rank)


_Choice = tuple[Any, Told] | None


def _first(name: str, ranked: Sequence[Told]) -> _Choice:
    """The first record that gives a value."""
    for told in ranked:
        value = told.record.get(name)
        if value or value not in _NOTHING:
            return value, told
    return None


def _first_article(name: str, ranked: Sequence[Told]) -> _Choice:
    """The first record of a printed article that gives a value."""
    return _first(name, [told for told in ranked if not told.is_preprint])


def _any(name: str, ranked: Sequence[Told]) -> _Choice:
    """The first record that says yes: a withdrawal is never hidden by a source that has not heard of it."""
    return next(((True, told) for told in ranked if told.record.get(name)), None)


def _first_submission(_name: str, ranked: Sequence[Told]) -> _Choice:
    """The earliest day any source gives: of two preprints of one paper the first counts."""
    dated = [(told.record["submitted_on"], told) for told in ranked if told.record.get("submitted_on")]
    return min(dated, key=lambda one: str(one[0]), default=None)


def _latest_version(name: str, ranked: Sequence[Told]) -> _Choice:
    """The record of the highest version that any of arXiv's doors has told; without arXiv the first that gives a value."""
    return _first(name, sorted(ranked, key=_version, reverse=True) if len(ranked) > 1 else ranked)


def _version(told: Told) -> int:
    return (told.record.get("arxiv_version") or 0) if family(told.source) == ARXIV else -1


_SPECIAL: Mapping[str, Callable[[str, Sequence[Told]], _Choice]] = {
    **dict.fromkeys(_ARTICLE_ONLY, _first_article),
    "is_withdrawn": _any,
    "preprint_on": _first_submission,
    "updated_on": _latest_version,
    "arxiv_version": _latest_version,
}
_RULES = tuple(
    (name, (sources, name in _OF_THE_ARTICLE), _SPECIAL.get(name, _first)) for name, sources in PRECEDENCE.items()
)
_ORDERS = tuple(dict.fromkeys(order for _, order, _ in _RULES))
"""The few orders in which records are asked: sorting them for every field anew took a third of all absorbing."""
