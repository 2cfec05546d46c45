"""Finding papers in the index: which match, in which order, and how many have which value of every facet.

A query is worked out with one mask over all rows for each term and each filter, so that the values of a facet are
counted under everything but the facet's own filter: what one would get by choosing another value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa
from rapidfuzz import fuzz, process
from sqlmodel import Session, col

from biblio.public.facets import Value
from biblio.public.index import PublicIndex
from biblio.public.wanted import Term, Wanted
from biblio.public.wordlists import Mask, WordList
from biblio.store.current import survivor_id
from biblio.store.models import Paper, PaperIdentifier
from biblio.store.words import Scheme

WEIGHTS = {"title": 4.0, "author": 3.0, "text": 1.0}
"""What a word counts for the order by relevance, by where it stands; a paper's best place counts."""

_LIKE = 75
"""Likeness (rapidfuzz ratio, 0–100) from which a word is offered instead of one that nobody has written."""


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """The values of one facet with most papers, and how many values there are."""

    name: str
    values: tuple[Value, ...]
    total: int


@dataclass(frozen=True)
class Found:
    """The papers found, in order, and what the page says beside them. ``years``: papers per year under all other filters.

    ``unread`` are the parts of the query in which there is nothing to look for. ``ages`` has the place of each paper in
    the order by age, by which a reader can go on where they stood although papers came meanwhile.
    """

    ids: np.ndarray[Any, Any]
    ages: np.ndarray[Any, Any]
    facets: Mapping[str, FacetCounts] = field(default_factory=dict)
    years: Sequence[tuple[int, int]] = ()
    unread: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many papers were found."""
        return len(self.ids)

    def take(self, size: int, before: int) -> list[int]:
        """Return ``size`` papers that come after the first ``before``."""
        return [int(n) for n in self.ids[before : before + size]]


def search(
    session: Session,
    index: PublicIndex,
    wanted: Wanted,
    terms: Sequence[Term],
    *,
    facets: Mapping[str, int] | None = None,
) -> Found:
    """Return what ``wanted`` finds; ``terms`` are its words, cut. ``facets`` says of which to count how many values."""
    named = {term: _named(session, term.names) for term in terms if term.names}
    with index.lock:
        seeker = _Seeker(index, named)
        base = seeker.all_of(terms)
        filters = seeker.filters(wanted)
        matches = base.copy()
        for mask in filters.values():
            matches &= mask
        counted = {}
        for name, most in (facets or {}).items():
            mask = _but(name, base, filters)
            counted[name] = FacetCounts(name, *_top(index, name, mask, most, wanted))
        rows = _ordered(index, np.flatnonzero(matches), wanted.sort, seeker, terms)
        years = index.by_year(_but("year", base, filters)) if facets else ()
        return Found(
            ids=index.ids.view[rows],
            ages=index.ages.view[rows],
            facets=counted,
            years=years,
            unread=tuple(term.written for term in terms if not term.is_readable),
        )


def _top(index: PublicIndex, name: str, mask: Mask, most: int, wanted: Wanted) -> tuple[tuple[Value, ...], int]:
    values, total = index.facets[name].top(mask, most, wanted.chosen.get(name, ()))
    return tuple(values), total


def _but(name: str, base: Mask, filters: Mapping[str, Mask]) -> Mask:
    mask = base.copy()
    for other, one in filters.items():
        if other != name and not (name == "year" and other == "span"):
            mask &= one
    return mask


def _ordered(
    index: PublicIndex, rows: np.ndarray[Any, Any], sort: str, seeker: _Seeker, terms: Iterable[Term]
) -> np.ndarray[Any, Any]:
    ages: Any = index.ages.view[rows]
    if sort == "oldest":
        # Papers without a year come last in both directions.
        return rows[np.lexsort((ages, index.years.view[rows] == 0))]
    if sort == "title":
        return rows[np.argsort(index.title_order()[rows])]
    if sort == "relevance":
        return rows[np.lexsort((-ages, -seeker.scores(terms)[rows]))]
    return rows[np.argsort(-ages)]


class _Seeker:
    """One query on one index, under its lock."""

    def __init__(self, index: PublicIndex, named: Mapping[Term, set[int]]) -> None:
        self._index = index
        self._named = named
        self._places: dict[Term, dict[str, Mask]] = {}

    def all_of(self, terms: Sequence[Term]) -> Mask:
        """Return the public papers that every term that can be read finds; none where no term can."""
        mask = self._index.live.copy()
        readable = [term for term in terms if term.is_readable]
        for term in readable:
            mask &= ~self.one(term) if term.is_not else self.one(term)
        return mask if readable or not terms else np.zeros_like(mask)

    def one(self, term: Term) -> Mask:
        """Return the rows that a term finds."""
        index = self._index
        mask = np.zeros(index.rows, dtype=np.bool_)
        for place in self._where(term).values():
            mask |= place
        if term.codes:
            mask |= index.facets["project"].mask(index.rows, term.codes)
        if term.part:
            mask |= index.facets["project"].holding(index.rows, term.part)
        if term.years:
            years: Any = index.years.view
            mask |= (years >= term.years[0]) & (years <= term.years[1])
        for paper_id in self._named.get(term, ()):
            row = index.row_of(paper_id)
            if row is not None:
                mask[row] = True
        return mask

    def scores(self, terms: Iterable[Term]) -> np.ndarray[Any, Any]:
        """Return how much the terms say of each row, for the order by relevance."""
        total = np.zeros(self._index.rows)
        for term in terms:
            best = np.zeros(self._index.rows)
            for name, place in {} if term.is_not else self._where(term).items():
                best = np.maximum(best, WEIGHTS[name] * place)
            total += best
        return total

    def _where(self, term: Term) -> dict[str, Mask]:
        """Return where the words of a term stand, by list of words."""
        if term not in self._places:
            lists = {"title": self._index.title, "author": self._index.author, "text": self._index.text}
            only = {"": tuple(lists), "title": ("title",), "author": ("author",), "abstract": ("text",)}[term.field]
            self._places[term] = {
                name: lists[name].find(term.words, is_begun=term.is_begun_in(name)) for name in only if term.words
            }
        return self._places[term]

    def filters(self, wanted: Wanted) -> dict[str, Mask]:
        """Return a mask for each filter, by facet; "span" is the years from … to."""
        index = self._index
        masks = {name: index.facets[name].mask(index.rows, chosen) for name, chosen in wanted.chosen.items()}
        if wanted.first_year or wanted.last_year:
            years: Any = index.years.view
            masks["span"] = (years >= (wanted.first_year or 1)) & (years <= (wanted.last_year or 9999))
        return masks


def _named(session: Session, names: Sequence[tuple[Scheme, str]]) -> set[int]:
    """Return the papers that have one of these identifiers."""
    ways = [sa.and_(col(PaperIdentifier.scheme) == s, col(PaperIdentifier.value) == v) for s, v in names]
    if not ways:
        return set()
    statement = sa.select(survivor_id()).join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
    return set(session.execute(statement.where(sa.or_(*ways))).scalars())


def named_paper(session: Session, index: PublicIndex, names: Sequence[tuple[Scheme, str]]) -> int | None:
    """Return the one public paper that has one of these identifiers, or None."""
    found = [paper_id for paper_id in _named(session, names) if paper_id in index]
    return found[0] if len(found) == 1 else None


def did_you_mean(index: PublicIndex, terms: Sequence[Term]) -> list[str]:
    """Return queries like this one that may find something: a word that no paper has is changed for the likest there is.

    Names of authors and words of titles are looked at, and codes of projects where the term looks like part of one.
    """
    with index.lock:
        changed = [_likest(index, term) for term in terms]
    if not any(changed):
        return []
    return [" ".join(new or term.written for new, term in zip(changed, terms, strict=True))]


def _likest(index: PublicIndex, term: Term) -> str | None:
    if term.is_not:
        return None
    if term.codes or term.part:
        return _likest_code(index, term)
    if len(term.words) != 1 or len(term.words[0]) < 4:
        return None
    word = term.words[0]
    lists = (
        {"author": index.author, "title": index.title} if not term.field else {term.field: _list_of(index, term.field)}
    )
    if any(_is_there(index, one.find((word,), is_begun=term.is_begun)) for one in (*lists.values(), index.text)):
        return None
    near = {other for one in lists.values() for other in one.like(word) if len(other) > 3}
    for other, _, _ in process.extract(word, near, scorer=fuzz.ratio, score_cutoff=_LIKE, limit=5):
        if any(_is_there(index, one.find((other,))) for one in lists.values()):
            return (f"{term.field}:" if term.field else "") + other
    return None


def _likest_code(index: PublicIndex, term: Term) -> str | None:
    projects = index.facets["project"]
    written = (term.codes[0] if term.codes else term.part).upper()
    if _is_there(index, projects.mask(index.rows, term.codes)) or (
        term.part and _is_there(index, projects.holding(index.rows, term.part))
    ):
        return None
    for code, _, _ in process.extract(written, projects.values, scorer=fuzz.ratio, score_cutoff=_LIKE, limit=5):
        if _is_there(index, projects.mask(index.rows, (code,))):
            return str(code)
    return None


def _list_of(index: PublicIndex, name: str) -> WordList:
    return {"author": index.author, "title": index.title, "abstract": index.text}[name]


def _is_there(index: PublicIndex, mask: Mask) -> bool:
    return bool((mask & index.live).any())
