"""Made-up papers to absorb: plainly fictional people, real shapes of identifiers."""

from __future__ import annotations

from datetime import date
from typing import Any

from harvesters.records import HarvestedAuthor, HarvestedRecord

AUTHORS = (HarvestedAuthor("Doe, Jane"), HarvestedAuthor("Roe, Richard"))
OTHERS = (HarvestedAuthor("Mustermann, Erika"), HarvestedAuthor("Fulano, Zutano"))


def preprint(**changes: Any) -> HarvestedRecord:
    """A paper as arXiv describes it."""
    facts: dict[str, Any] = {
        "source": "arxiv", "key": "2101.00001", "arxiv_id": "2101.00001", "arxiv_version": 1, "kind": "eprint",
        "title": "Cold dust in a made-up galaxy", "abstract": "We invent a galaxy.", "year": 2021,
        "submitted_on": date(2021, 1, 1), "updated_on": date(2021, 1, 1),
        "authors": (HarvestedAuthor("Jane Doe"), HarvestedAuthor("Richard Roe")),
    }  # fmt: skip
    return HarvestedRecord(**(facts | changes))


def article(**changes: Any) -> HarvestedRecord:
    """The same paper as ADS describes it once it is printed."""
    facts: dict[str, Any] = {
        "source": "ads", "key": "2021ApJ...900....1D", "bibcode": "2021ApJ...900....1D", "kind": "article",
        "doi": "10.3847/1538-4357/AB0001", "is_refereed": True, "title": "Cold Dust in a Made-up Galaxy",
        "abstract": "We invent a galaxy; printed.", "journal": "The Astrophysical Journal", "volume": "900", "page": "1",
        "year": 2021, "published_on": date(2021, 3, 1), "published_precision": "month", "authors": AUTHORS,
        "arxiv_id": "arXiv:2101.00001", "citation_count": 3,
    }  # fmt: skip
    return HarvestedRecord(**(facts | changes))
