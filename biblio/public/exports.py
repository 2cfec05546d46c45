"""Papers as files and JSON for other programs.

CSV and BibTeX hold facts and links alone; JSON holds abstract and keywords as well where a ``PublicPaper`` has them, which
is where their source lets us serve them (``catalogue.terms``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from biblio.public.queries import PublicPaper
from biblio.store.words import Scheme

CSV_HEADER = (
    "title",
    "authors",
    "year",
    "journal",
    "volume",
    "page",
    "refereed",
    "doi",
    "bibcode",
    "arxiv",
    "projects",
)

_ADDRESSES = {
    Scheme.DOI: "https://doi.org/{}",
    Scheme.BIBCODE: "https://ui.adsabs.harvard.edu/abs/{}/abstract",
    Scheme.ARXIV: "https://arxiv.org/abs/{}",
}
_SAFE = "/:.()-_;~"
_TEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$"}


def address_of(scheme: Scheme, value: str) -> str:
    """Return where an identifier leads."""
    from urllib.parse import quote

    return _ADDRESSES[scheme].format(quote(value, safe=_SAFE))


def csv_row(paper: PublicPaper) -> Sequence[object]:
    """Return a paper as a row under ``CSV_HEADER``."""
    return (
        paper.title,
        "; ".join(paper.authors),
        paper.year,
        paper.journal,
        paper.volume,
        paper.page,
        "yes" if paper.is_refereed else "no",
        paper.identifiers.get(Scheme.DOI),
        paper.identifiers.get(Scheme.BIBCODE),
        paper.identifiers.get(Scheme.ARXIV),
        " ".join(paper.projects),
    )


def as_json(paper: PublicPaper) -> dict[str, Any]:
    """Return a paper as the API gives it."""
    return {
        "id": paper.paper_id,
        "title": paper.title,
        "authors": list(paper.authors),
        "year": paper.year,
        "journal": paper.journal,
        "volume": paper.volume,
        "page": paper.page,
        "refereed": paper.is_refereed,
        "identifiers": {scheme.value: value for scheme, value in paper.identifiers.items()},
        "projects": list(paper.projects),
        "abstract": paper.abstract,
        "abstract_from": paper.abstract_from,
        "keywords": list(paper.keywords),
    }


def bibtex(papers: Iterable[PublicPaper]) -> str:
    """Return papers as BibTeX (UTF-8), with the keys ADS users know: the bibcode where there is one."""
    return "\n".join(_bibtex_entry(paper) for paper in papers)


def _bibtex_entry(paper: PublicPaper) -> str:
    key = paper.identifiers.get(Scheme.BIBCODE) or f"paper{paper.paper_id}"
    values = {
        "author": " and ".join(_tex(name) for name in paper.authors),
        "title": f"{{{_tex(paper.title)}}}",
        "journal": _tex(paper.journal or ""),
        "volume": _tex(paper.volume or ""),
        "pages": _tex(paper.page or ""),
        "year": str(paper.year or ""),
        "doi": paper.identifiers.get(Scheme.DOI, ""),
        "eprint": paper.identifiers.get(Scheme.ARXIV, ""),
        "archiveprefix": "arXiv" if Scheme.ARXIV in paper.identifiers else "",
        "note": _tex("Projects: " + ", ".join(paper.projects)) if paper.projects else "",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in values.items() if value]
    kind = "article" if paper.journal else "misc"
    return "\n".join([f"@{kind}{{{re.sub(r'[^A-Za-z0-9.&:+-]', '', key)},", *lines, "}", ""])


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text)
