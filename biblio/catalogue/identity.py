"""Which paper a record is about: identifiers in one spelling, and whether two descriptions can be of one paper.

Papers are found by DOI, then bibcode, then arXiv id, never by title. Titles and authors only *object*: lists written
by hand carry wrong DOIs (often that of the entry above), and an identifier that joins two clearly different papers is
the thing that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from anyascii import anyascii
from rapidfuzz import fuzz

from biblio.store.words import Scheme
from matching.people import parse

SIMILAR_TITLE = 0.6
"""Titles (token-sort ratio, 0–1) below this are clearly different. Of 286 real preprint–article pairs, whose titles
authors do change, 285 lie above; of 132 pairs of different papers by the same first author on like subjects, 12."""

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(.+)")
_ARXIV_NEW = re.compile(r"(\d{4}\.\d{4,5})(?:v\d+)?")
_ARXIV_OLD = re.compile(r"([a-z-]+)(?:\.[a-z]{2})?/(\d{7})(?:v\d+)?")
_BIBCODE = re.compile(r"(?:1[5-9]|20)\d\d[A-Za-z0-9.&]{14}[A-Za-z0-9.]")
_BIBCODE_NEW = re.compile(r"\d{4}arXiv(\d{4})\.?(\d{4,5})[A-Z]")
_BIBCODE_OLD = re.compile(
    r"\d{2}(\d{2})(astro\.ph|gr\.qc|hep\.ph|hep\.th|hep\.ex|quant\.ph|cond\.mat)\.*(\d{3,5})[A-Z.]"
)
_TEX = re.compile(r"\\[A-Za-z]+|[{}$\\]")
_FIRST_PAGE = re.compile(r"[-–—,\s]")
_WORDS = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier in its one spelling."""

    scheme: Scheme
    value: str

    def __str__(self) -> str:
        """The identifier as a person writes it: ``doi 10.1/x``."""
        return f"{self.scheme.value} {self.value}"


def normal_doi(written: str | None) -> str | None:
    """Return a DOI in lower case without address or prefix, or None when there is none in ``written``."""
    if not written:
        return None
    text = written.strip()
    text = unquote(text) if "%" in text else text
    found = _DOI.search(text.lower())
    if found is None:
        return None
    doi = found[0].rstrip(".,;")
    # An unbalanced bracket at the end belongs to the sentence around; SICI-like DOIs have balanced ones inside.
    while doi and doi[-1] in ")]}" and doi.count(doi[-1]) > doi.count({")": "(", "]": "[", "}": "{"}[doi[-1]]):
        doi = doi[:-1].rstrip(".,;")
    # "%00" in an address becomes a sign that no database takes: such a text names nothing.
    return doi if len(doi) <= 255 and doi.isprintable() else None


def normal_bibcode(written: str | None) -> str | None:
    """Return a bibcode (19 characters), its ampersand unescaped, or None for anything else."""
    if not written:
        return None
    text = written.strip().replace("&amp;", "&").replace("\\&", "&")
    text = unquote(text) if "%" in text else text
    return text if _BIBCODE.fullmatch(text) else None


def normal_arxiv(written: str | None) -> str | None:
    """Return an arXiv id without address, prefix, version and subject class (``2101.00001``, ``astro-ph/0309136``)."""
    if not written:
        return None
    if (plain := _ARXIV_NEW.fullmatch(written)) is not None:
        return plain[1]
    text = written.strip()
    text = re.sub(r"(?i)^(?:https?://(?:\w+\.)?arxiv\.org/(?:abs|pdf)/|arxiv:\s*)", "", text)
    text = text.removesuffix(".pdf").partition(" ")[0].partition("[")[0].strip()
    new = _ARXIV_NEW.fullmatch(text)
    if new is not None:
        return new[1]
    old = _ARXIV_OLD.fullmatch(text.lower())
    return f"{old[1]}/{old[2]}" if old is not None else None


def arxiv_of_bibcode(bibcode: str) -> str | None:
    """Return the arXiv id that a preprint's bibcode spells out (``2015arXiv150102345A``), or None."""
    new = _BIBCODE_NEW.fullmatch(bibcode)
    if new is not None:
        return f"{new[1]}.{new[2]}"
    old = _BIBCODE_OLD.fullmatch(bibcode)
    return f"{old[2].replace('.', '-')}/{old[1]}{old[3].zfill(5)}" if old is not None else None


def bibcodes(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the bibcodes of a plain record: its own first, then those it had before or is known by as well.

    ADS lists former bibcodes as ``alternate_bibcode``, and all names of a paper together as ``identifier``.
    """
    listed = (record.get("bibcode"), *record.get("alternate_bibcodes", ()))
    found = {code: None for code in map(normal_bibcode, listed) if code is not None}
    if names := record.get("extra", {}).get("identifiers"):
        found |= dict.fromkeys(name for name in names.split() if _BIBCODE.fullmatch(name))
    return tuple(found)


def identifiers(record: Mapping[str, Any]) -> tuple[Identifier, ...]:
    """Return the usable identifiers of a plain record, most trusted first, none twice."""
    found: dict[Identifier, None] = {}
    arxiv = normal_arxiv(record.get("arxiv_id"))
    doi = normal_doi(record.get("doi"))
    if doi is not None:
        of_arxiv = _ARXIV_DOI.fullmatch(doi)
        if of_arxiv is None:
            found[Identifier(Scheme.DOI, doi)] = None
        else:
            arxiv = arxiv or normal_arxiv(of_arxiv[1])
    for bibcode in bibcodes(record):
        found[Identifier(Scheme.BIBCODE, bibcode)] = None
        arxiv = arxiv or arxiv_of_bibcode(bibcode)
    if arxiv is not None:
        found[Identifier(Scheme.ARXIV, arxiv)] = None
    return tuple(found)


@lru_cache(maxsize=8192)
def plain_title(title: str) -> str:
    """Return a title as words in lower case, without mark-up, accents and signs, for comparing only."""
    return " ".join(_WORDS.findall(anyascii(_TEX.sub(" ", title)).lower()))


@lru_cache(maxsize=32768)
def surname(name: str) -> str:
    """Return an author's surname folded for comparing only."""
    return parse(name).surname


def title_similarity(a: str, b: str) -> float:
    """Return how alike two titles are, 0–1."""
    one, other = plain_title(a), plain_title(b)
    return 1.0 if one == other else fuzz.token_sort_ratio(one, other) / 100


@dataclass(slots=True)
class Likeness:
    """What is known of a paper for judging whether another description can be of it.

    ``places`` are the (volume, page) in which it was printed.
    """

    titles: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    arxiv: set[str] = field(default_factory=set)
    places: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Likeness:
        """Return the likeness of the paper that these plain records describe."""
        likeness = cls()
        for record in records:
            likeness.add(record)
        return likeness

    def add(self, record: Mapping[str, Any]) -> None:
        """Take another plain record of the same paper into account."""
        if title := record.get("title"):
            self.titles.append(title)
        self.authors += [author["name"] for author in record.get("authors", ())]
        self.arxiv |= {i.value for i in identifiers(record) if i.scheme is Scheme.ARXIV}
        if (volume := record.get("volume")) and (page := record.get("page")):
            self.places.add((volume.strip(), _FIRST_PAGE.split(page.strip())[0]))


def objection(a: Likeness, b: Likeness) -> str | None:
    """Say why two descriptions cannot be of one paper, or None.

    They cannot when their titles are clearly different and besides no author is shared, or both have arXiv numbers
    (or places in a journal) and share none. What is not known never objects.
    """
    if not a.titles or not b.titles:
        return None
    best = max(title_similarity(one, other) for one in a.titles for other in b.titles)
    if best >= SIMILAR_TITLE:
        return None
    if a.authors and b.authors and not {surname(n) for n in a.authors} & {surname(n) for n in b.authors}:
        return f"the titles differ (likeness {best:.2f}) and no author is shared"
    if a.arxiv and b.arxiv and not a.arxiv & b.arxiv:
        return f"the titles differ (likeness {best:.2f}) and so do the arXiv numbers"
    if a.places and b.places and not a.places & b.places:
        return f"the titles differ (likeness {best:.2f}) and so do volume and page"
    return None
