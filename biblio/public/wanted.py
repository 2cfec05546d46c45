"""What somebody looks for: the query as it is typed, and the filters as they stand in the address.

A query is words, "quoted phrases", words of one field (``author:berg``, ``title:disc``, ``abstract:"cold gas"``), years,
project codes in any spelling that the code grammar reads, and identifiers; ``-word`` leaves out. All must be found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from biblio.catalogue.identity import normal_arxiv, normal_bibcode, normal_doi
from biblio.public.facets import FACETS
from biblio.public.words import words
from biblio.store.words import Scheme
from matching.codes import CodeFinder
from matching.grammar import Grammar

MOST_TERMS = 12
"""Words of a query that are used; a title pasted whole is found by fewer."""
MOST_CHOSEN = 50
"""Values of one facet that one address may ask for."""
LONGEST_QUERY = 300

FIELDS = ("author", "title", "abstract")
SORTS = ("newest", "oldest", "relevance", "title")

_BEGUN = 4
"""Letters from which a word also finds longer ones that begin with it: "disc" finds "discs", "co" no "comet"."""
_TERM = re.compile(r'(-?)(?:(author|title|abstract|project|year):)?(?:"([^"]*)"|(\S+))', re.I)
_YEAR = re.compile(r"(19|20)\d\d")
_YEARS = re.compile(r"((?:19|20)\d\d)\s*[-–.]{1,2}\s*((?:19|20)\d\d)")
_LEAD = re.compile(r'(-?)(?:project:)?"?(?:[^\s"]*[#:/=])?$', re.I)
"""What may stand right before a code: a minus, the field's name, a quotation mark, a prefix that ends like ``ADS/X#``."""
_PART_OF_CODE = re.compile(r"(?=.*\d)(?=.*[./-])[\w./()-]{4,}")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must be found (or, ``is_not``, must not). ``words`` in a row; ``field`` "" means any.

    ``is_begun``: the last word may be the beginning of a longer one. ``codes``: project codes, one of which the paper
    used; ``part``: what a code may hold. ``years``: first and last. ``names``: what the term is as an identifier.
    """

    written: str
    words: tuple[str, ...] = ()
    field: str = ""
    is_begun: bool = False
    is_not: bool = False
    codes: tuple[str, ...] = ()
    part: str = ""
    years: tuple[int, int] | None = None
    names: tuple[tuple[Scheme, str], ...] = ()

    def is_begun_in(self, field: str) -> bool:
        """Whether the last word may be the beginning of a longer one there: a letter alone is one in names only."""
        return self.is_begun and (field == "author" or len(self.words[-1]) > 1)

    @property
    def is_readable(self) -> bool:
        """Whether there is anything in it to look for."""
        return bool(self.words or self.codes or self.part or self.years or self.names)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query with its filters: ``chosen`` values by facet (any of them), years from … to, and the order.

    ``paging`` apart, this is all that a page of results depends on; ``address`` gives it back as it stood.
    """

    words: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first_year: int | None = None
    last_year: int | None = None
    sort: str = "newest"

    @property
    def is_anything(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.words or self.is_filtered)

    @property
    def is_filtered(self) -> bool:
        """Whether there are filters."""
        return bool(self.chosen or self.first_year or self.last_year)

    def address(self) -> dict[str, str | list[str]]:
        """Return the parameters of an address that asks for this."""
        values: dict[str, str | list[str]] = {"q": self.words} if self.words else {}
        values |= {name: list(chosen) for name, chosen in self.chosen.items()}
        values |= {"from": str(self.first_year)} if self.first_year else {}
        values |= {"to": str(self.last_year)} if self.last_year else {}
        return values | ({"sort": self.sort} if self.sort != "newest" else {})

    def hidden_fields(self) -> list[tuple[str, str]]:
        """Return (name, value) of everything but the words, for a form that asks for other words within the same filters."""
        return [
            (name, one)
            for name, value in self.address().items()
            if name != "q"
            for one in ([value] if isinstance(value, str) else value)
        ]


def read_address(values: Mapping[str, Sequence[str]]) -> Wanted:
    """Return what an address asks for; what cannot be read is as if it were not there."""
    first, last = (_year((values.get(name) or [""])[0]) for name in ("from", "to"))
    if first and last and first > last:
        first, last = last, first
    chosen = {}
    for name in FACETS:
        some = tuple(dict.fromkeys(value.strip()[:200] for value in values.get(name, ()) if value.strip()))
        if name == "year":
            some = tuple(value for value in some if _year(value))
        if some:
            chosen[name] = some[:MOST_CHOSEN]
    sort = (values.get("sort") or [""])[0]
    return Wanted(
        words=(values.get("q") or [""])[0].strip()[:LONGEST_QUERY],
        chosen=chosen,
        first_year=first,
        last_year=last,
        sort=sort if sort in SORTS else "newest",
    )


def _year(text: str) -> int | None:
    return int(text) if _YEAR.fullmatch(text.strip()) else None


def read_query(query: str, grammar: Grammar | None = None) -> tuple[Term, ...]:
    """Cut a query into what must be found, at most ``MOST_TERMS``. Codes are read by ``grammar``, whatever their spelling."""
    query = query.replace("\x00", "")
    terms, rest = _codes(query, grammar) if grammar else ([], query)
    for minus, name, quoted, plain in _TERM.findall(rest):
        written = quoted or plain
        if written:
            terms.append(_term(written, name.lower(), is_quoted=bool(quoted), is_not=bool(minus)))
    return tuple(terms[:MOST_TERMS])


def _codes(query: str, grammar: Grammar) -> tuple[list[Term], str]:
    """Take the project codes out of a query; a code in quotes, or after ``project:``, is one too."""
    rest, terms = query, []
    for mention in sorted(CodeFinder(grammar, None).find(query), key=lambda m: -m.start):
        before, after = rest[: mention.start], rest[mention.end :]
        lead = _LEAD.search(before)
        assert lead is not None
        terms.append(
            Term(mention.as_written, codes=(mention.code, *mention.candidates), is_not=bool(lead[1]), words=())
        )
        rest = before[: lead.start()] + " " + (after[1:] if '"' in lead[0] and after[:1] == '"' else after)
    return terms[::-1], rest


def _term(written: str, name: str, *, is_quoted: bool, is_not: bool) -> Term:
    years = _years(written) if name in ("", "year") and not is_quoted else None
    if name == "year":
        return Term(written, is_not=is_not, years=years)
    if name == "project":
        return Term(written, is_not=is_not, part=written.lower())
    listed = tuple(words(written))
    is_begun = bool(listed) and not is_quoted and (len(listed) > 1 or len(listed[-1]) >= _BEGUN or name == "author")
    if name == "author":
        is_begun = bool(listed)
    if name:
        return Term(written, listed, name, is_begun, is_not)
    names = () if is_quoted else tuple(_identifiers(written))
    part = written.lower() if not is_quoted and not names and _PART_OF_CODE.fullmatch(written) else ""
    return Term(written, listed, "", is_begun, is_not, part=part, years=years, names=names)


def _years(written: str) -> tuple[int, int] | None:
    span = _YEARS.fullmatch(written)
    if span:
        first, last = int(span[1]), int(span[2])
        return min(first, last), max(first, last)
    year = _year(written)
    return (year, year) if year else None


def _identifiers(word: str) -> Iterator[tuple[Scheme, str]]:
    readers = ((Scheme.DOI, normal_doi), (Scheme.BIBCODE, normal_bibcode), (Scheme.ARXIV, normal_arxiv))
    for scheme, read in readers:
        value = read(word)
        if value:
            yield scheme, value


def identifier_in(query: str) -> tuple[tuple[Scheme, str], ...]:
    """Return what a query is as an identifier, where it is one and nothing else (an address of one included)."""
    text = query.strip().strip('"')
    if not text or " " in text.removeprefix("arXiv:").strip():
        return ()
    last = text.rstrip("/").removesuffix("/abstract").rpartition("/")[2]
    found = list(_identifiers(text))
    bibcode = normal_bibcode(last)
    return tuple(dict.fromkeys([*found, *([(Scheme.BIBCODE, bibcode)] if bibcode else [])]))
