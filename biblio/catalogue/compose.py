"""Which of the values that sources give for a paper is shown: one table, read from top to bottom.

A person's correction stands above every source. Sources are named by the kind of harvest ("ads", "arxiv"); whatever
comes from anywhere else is somebody's file and ranks between the two. Within a source the record of the
printed article goes before that of its preprint, then the one learned later. What only the printed article has
(journal, volume, date of issue …) is taken from no preprint's record while there is another. arXiv has several doors
that learn of a replacement at different hours: its version is the highest that any of them has told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from biblio.catalogue.terms import ADS, ARXIV, FACTS, PERSON, family

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
_OF_THE_LATEST_VERSION = frozenset({"arxiv_version", "updated_on"})
_SOURCE_FIELD = {"preprint_on": "submitted_on"}
_DATES = frozenset({"published_on", "preprint_on", "updated_on"})
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
    records = sorted(told, key=lambda t: (t.learned_at, t.source, t.key), reverse=True)
    orders = {order: _ranked(records, *order) for order in _ORDERS}
    for name, order in _ORDER_OF.items():
        chosen = _choose(name, orders[order])
        if chosen is None:
            continue
        value, source = chosen
        shown.provenance[name] = source.origin_of(name)
        if name == "authors":
            shown.authors = list(value)
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


def _ranked(records: list[Told], sources: tuple[str, ...], article_first: bool) -> list[Told]:
    """Put the records in the table's order; the sort is stable, so of equals the one learned last stays first."""
    if len(records) < 2:
        return records

    def rank(told: Told) -> tuple[bool, int, bool]:
        return article_first and told.is_preprint, sources.index(family(told.source)), told.is_preprint

    return sorted(records, key=rank)


_ORDER_OF = {name: (sources, name in _OF_THE_ARTICLE) for name, sources in PRECEDENCE.items()}
_ORDERS = tuple(dict.fromkeys(_ORDER_OF.values()))
"""The few orders in which records are asked: sorting them for every field anew took a third of all absorbing."""


def _choose(name: str, ranked: Sequence[Told]) -> tuple[Any, Told] | None:
    key = _SOURCE_FIELD.get(name, name)
    if name == "is_withdrawn":
        return next(((True, t) for t in ranked if t.record.get(key)), None)
    if name == "preprint_on":  # two preprints of one paper: the first counts
        dated = [t for t in ranked if t.record.get(key)]
        first = min(dated, key=lambda t: str(t.record[key]), default=None)
        return None if first is None else (first.record[key], first)
    if name in _OF_THE_LATEST_VERSION and len(ranked) > 1:
        ranked = sorted(ranked, key=_version, reverse=True)
    for told in ranked:
        value = told.record.get(key)
        if (not value and value in _NOTHING) or (name in _ARTICLE_ONLY and told.is_preprint):
            continue
        return value, told
    return None


_NOTHING: tuple[Any, ...] = (None, "", [], ())


def _version(told: Told) -> int:
    """Return the version that one of arXiv's doors speaks of; -1 for what is not arXiv's."""
    return (told.record.get("arxiv_version") or 0) if family(told.source) == ARXIV else -1
