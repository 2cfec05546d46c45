"""What a harvester gives: frozen records, parsed from bytes, that know nothing of a database.

A record says what *one* source said. It never guesses: a field the source did not give is ``None`` (or empty), and
what a source gave but nobody uses yet is listed by the source's module as ignored, so that nothing is lost silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from harvesters.errors import RecordRefused

PAPER_KINDS = (
    "article",
    "eprint",
    "proceedings",
    "thesis",
    "erratum",
    "review",
    "book",
    "dataset",
    "software",
    "proposal",
    "abstract",
    "other",
)
"""What sort of document a record describes; unknown sorts are reported by the source, never mapped to a default."""


FIRST_YEAR, LAST_YEAR = 1600, 2200
"""Between the first journals and far beyond any publication date that is already known."""

MOST = 2**31 - 1
"""The largest count both databases store."""


LONGEST = {"title": 10_000, "abstract": 200_000}
"""Characters; the longest titles have some 700 with all their formulae, the longest abstracts (of theses) some 12,000."""

_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Signs that are no text: controls but tabs and line breaks; embeddings, overrides and isolates of direction (Unicode
UAX 9 §2), with which words show otherwise than they are. Joiners and marks of direction stay: some scripts need them."""


def _clean(text: str) -> str:
    """The text without signs that are none: most texts are printable as they are, which is quickly told."""
    return text if text.isprintable() else _UNSEEN.sub("", text)


def _cleaned(value: object) -> object:
    """The same of a text, and of all texts of a tuple or mapping, pairs too; what is clean is given back itself."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, tuple):
        inner = tuple([_cleaned(one) for one in value])
        return value if inner == value else inner
    if isinstance(value, Mapping):
        found = {key: _cleaned(one) for key, one in value.items()}
        return value if found == value else found
    return value


def _clean_texts(record: object, names: Iterable[str]) -> None:
    """Clean the texts of a frozen record while it is made."""
    for name in names:
        value = getattr(record, name)
        if value and (found := _cleaned(value)) is not value:
            object.__setattr__(record, name, found)


@dataclass(frozen=True, slots=True)
class HarvestedAuthor:
    """One author as printed by the source: ``name`` is "Last, First" where the source tells the parts apart."""

    name: str
    affiliation: str | None = None
    orcid: str | None = None

    def __post_init__(self) -> None:
        """Leave out signs that are no text."""
        _clean_texts(self, ("name", "affiliation"))


_TEXTS_OF_RECORD = (
    "title", "abstract", "kind", "journal", "volume", "page", "categories", "keywords", "comment", "language",
    "snippets", "extra",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HarvestedRecord:
    """One paper as one source describes it.

    ``key`` is the source's own stable identifier; (``source``, ``key``) names this record for ever. ``arxiv_id``
    carries no version. ``published_on`` is the journal's date and may be known to the month only: then its day is 1
    and ``published_precision`` is "month" (or "year"). ``extra`` holds further facts that are kept but not shown.
    """

    source: str
    key: str
    title: str | None = None
    abstract: str | None = None
    authors: tuple[HarvestedAuthor, ...] = ()
    doi: str | None = None
    bibcode: str | None = None
    alternate_bibcodes: tuple[str, ...] = ()
    arxiv_id: str | None = None
    arxiv_version: int | None = None
    kind: str | None = None
    is_refereed: bool | None = None
    journal: str | None = None
    volume: str | None = None
    page: str | None = None
    year: int | None = None
    published_on: date | None = None
    published_precision: str | None = None
    submitted_on: date | None = None
    updated_on: date | None = None
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    comment: str | None = None
    language: str | None = None
    citation_count: int | None = None
    is_withdrawn: bool = False
    path: str | None = None
    """Of a record from a file: where its full text lies, as written there."""
    snippets: tuple[tuple[str, str], ...] = ()
    """(field, text) passages in which the source itself found our search phrases (ADS highlights)."""
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers that no paper has: one absurd year would stretch every table and picture of years.

        So are titles and abstracts of any length. Of all texts those signs are left out that are none; what a record is
        known by, and where its text lies, stays as it is.
        """
        if self.year is not None and not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise RecordRefused(f"its year {str(self.year)[:20]} is no year of a paper")
        for day in (self.published_on, self.submitted_on, self.updated_on):
            if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
                raise RecordRefused(f"its date {day} is no day of a paper")
        for name, most in LONGEST.items():
            if len(getattr(self, name) or "") > most:
                raise RecordRefused(f"its {name} has {len(getattr(self, name)):,} characters, more than {most:,}")
        for name in ("citation_count", "arxiv_version"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= MOST:
                raise RecordRefused(f"its {name.replace('_', ' ')} {str(value)[:20]} cannot be")
        has_title = bool(self.title)
        _clean_texts(self, _TEXTS_OF_RECORD)
        if has_title and not (self.title or "").strip():
            raise RecordRefused("its title holds nothing that can be seen")

    @property
    def is_deletion(self) -> bool:
        """Whether this says no more than that the source has deleted the paper, which may never have been known."""
        return self.is_withdrawn and self.title is None and "deleted" in self.extra


@dataclass(frozen=True, slots=True)
class HarvestedUnit:
    """One observation unit (in some archives a member OUS): ``released_on`` is when its data become everyone's."""

    uid: str
    delivered_on: date | None = None
    released_on: date | None = None
    observed_on: date | None = None
    exposure_s: float | None = None


_TEXTS_OF_PROJECT = (
    "title", "abstract", "pi", "pi_email", "co_is", "category", "keywords", "targets", "partner", "state", "extra",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HarvestedProject:
    """One observing project as its registry describes it; names are "Last, First" where the registry tells."""

    source: str
    code: str
    title: str | None = None
    abstract: str | None = None
    pi: str | None = None
    pi_email: str | None = None
    co_is: tuple[str, ...] = ()
    category: str | None = None
    keywords: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    partner: str | None = None
    state: str | None = None
    """The registry's own word for where the project stands; the profile says which words mean "still open"."""
    units: tuple[HarvestedUnit, ...] = ()
    bib_references: tuple[str, ...] = ()
    """Bibcodes the archive itself lists for this project."""
    extra: Mapping[str, str] = field(default_factory=dict)
    place: str | None = field(default=None, compare=False)
    """Of a project from a file: the file and the row it began in, for whoever has to find it."""

    def __post_init__(self) -> None:
        """Leave out of all texts signs that are none; what a project and its units are known by stays as it is."""
        _clean_texts(self, _TEXTS_OF_PROJECT)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that could not be read: which, where and why. Refusals are counted and shown, never dropped.

    ``place`` is a page, file and row, or archive member a person can find again; ``key`` is the record's identifier
    where it could be made out.
    """

    source: str
    place: str
    reason: str
    key: str | None = None
