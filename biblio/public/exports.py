"""Papers as files and citations: table rows, BibTeX, bibcodes, and what the head of a paper's page tells machines.

All of it holds facts and links alone, which no source's terms can close (``catalogue.terms``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from biblio.catalogue.readable import readable
from biblio.public.queries import PublicPaper
from biblio.store.words import Scheme
from matching.people import is_group

FORMATS = ("csv", "xlsx", "bib", "bibcodes")
"""Formats in which every list of papers is offered."""

HEADER = (
    *("title", "authors", "year", "journal", "volume", "page", "refereed", "doi", "bibcode", "arxiv", "projects"),
    "url",
)

_ADDRESSES = {
    Scheme.DOI: "https://doi.org/{}",
    Scheme.BIBCODE: "https://ui.adsabs.harvard.edu/abs/{}/abstract",
    Scheme.ARXIV: "https://arxiv.org/abs/{}",
}
_LABELS = {Scheme.DOI: "DOI", Scheme.BIBCODE: "ADS", Scheme.ARXIV: "arXiv"}
_SAFE = "/:.()-_;~"
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "$": r"\$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
"""Braces by their names: BibTeX counts one behind a backslash too, and an odd one would swallow all entries after it."""
_NOT_KEY = re.compile(r"[^A-Za-z0-9.&:+/-]")
_AND = re.compile(r"\band\b", re.I)


def address_of(scheme: Scheme, value: str) -> str:
    """Return where an identifier leads."""
    return _ADDRESSES[scheme].format(quote(value, safe=_SAFE))


def identifier_links(paper: PublicPaper) -> list[tuple[str, str]]:
    """Return (label, address) of every place where the paper can be read."""
    return [(_LABELS[s], address_of(s, v)) for s, v in paper.identifiers.items()]


def row(paper: PublicPaper) -> Sequence[object]:
    """Return a paper as a row under ``HEADER``."""
    return (
        paper.title,
        "; ".join(paper.authors),
        paper.year,
        paper.journal,
        paper.volume,
        paper.page,
        paper.is_refereed,
        paper.identifiers.get(Scheme.DOI),
        paper.identifiers.get(Scheme.BIBCODE),
        paper.identifiers.get(Scheme.ARXIV),
        " ".join(paper.projects),
        next((address for _, address in identifier_links(paper)), None),
    )


def bibcodes(papers: Iterable[PublicPaper]) -> str:
    """Return the papers' bibcodes, one a line: what ADS takes as a list. Papers without one are left out."""
    found = (paper.identifiers.get(Scheme.BIBCODE) for paper in papers)
    return "".join(f"{bibcode}\n" for bibcode in found if bibcode)


def citation(paper: PublicPaper) -> str:
    """Return how a text cites the paper: authors, year, journal reference, identifier."""
    names = "; ".join(paper.authors[:3]) + (" et al." if len(paper.authors) > 3 else "")
    where = paper.reference or ("arXiv e-print" if Scheme.ARXIV in paper.identifiers else "")
    label = next((f"{s.value}:{paper.identifiers[s]}" for s in Scheme if s in paper.identifiers), "")
    return ", ".join(str(part) for part in (names, paper.year, f"“{readable(paper.title)}”", where, label) if part)


def citation_tags(paper: PublicPaper) -> list[tuple[str, str]]:
    """Return (name, content) of the meta tags by which reference managers and Google Scholar read a paper's page."""
    day = f"{paper.published_on:%Y/%m/%d}" if paper.published_on else str(paper.year or "")
    first, _, last = (paper.page or "").partition("-")
    tags = [
        ("citation_title", readable(paper.title)),
        *(("citation_author", name) for name in paper.authors),
        ("citation_publication_date", day),
        ("citation_journal_title", paper.journal or ""),
        ("citation_volume", paper.volume or ""),
        ("citation_firstpage", first.strip()),
        ("citation_lastpage", last.strip("- ")),
        ("citation_doi", paper.identifiers.get(Scheme.DOI, "")),
        ("citation_arxiv_id", paper.identifiers.get(Scheme.ARXIV, "")),
    ]
    return [(name, content) for name, content in tags if content]


def bibtex(papers: Iterable[PublicPaper]) -> str:
    """Return papers as BibTeX (UTF-8): the keys ADS users know, the bibcode where there is one; no key twice."""
    keys: set[str] = set()
    return "\n".join(_bibtex_entry(paper, keys) for paper in papers)


def _bibtex_entry(paper: PublicPaper, keys: set[str]) -> str:
    bibcode = paper.identifiers.get(Scheme.BIBCODE)
    values = {
        "author": " and ".join(_tex_name(name) for name in paper.authors),
        "title": f"{{{_tex(readable(paper.title))}}}",
        "journal": _tex(paper.journal or ""),
        "volume": _tex(paper.volume or ""),
        "pages": _tex(paper.page or ""),
        "year": str(paper.year or ""),
        "doi": _value(paper.identifiers.get(Scheme.DOI, "")),
        "eprint": _value(paper.identifiers.get(Scheme.ARXIV, "")),
        "archiveprefix": "arXiv" if Scheme.ARXIV in paper.identifiers else "",
        "adsurl": address_of(Scheme.BIBCODE, bibcode) if bibcode else "",
        "note": _tex("Projects: " + ", ".join(paper.projects)) if paper.projects else "",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in values.items() if value]
    kind = "article" if paper.journal else "misc"
    return "\n".join([f"@{kind}{{{_key(bibcode, paper.paper_id, keys)},", *lines, "}", ""])


def _key(bibcode: str | None, paper_id: int, keys: set[str]) -> str:
    """Return a key that BibTeX takes and that no entry before has."""
    key = _NOT_KEY.sub("", bibcode or "") or f"paper{paper_id}"
    if key.lower() in keys:
        key = f"{key}.{paper_id}"
    keys.add(key.lower())
    return key


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in " ".join(text.split()))


def _tex_name(name: str) -> str:
    """Return a name; one that holds the word "and" (a group's) is kept together by braces, or it would be two people's."""
    return f"{{{_tex(name)}}}" if _AND.search(name) or is_group(name) else _tex(name)


def _value(text: str) -> str:
    """Return an identifier as it is: the braces alone, by which a value ends, must not stand in it."""
    return text.replace("{", "%7B").replace("}", "%7D")
