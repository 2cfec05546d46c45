"""What all of arXiv's doors have in common: how papers are named and days written, and what says "withdrawn"."""

from __future__ import annotations

import re
from datetime import date
from email.utils import parsedate_to_datetime

from harvesters.records import FIRST_YEAR, LAST_YEAR

IDENTIFIER = re.compile(r"((?:[a-z-]+(?:\.[A-Z]{2})?/[0-9]{7})|(?:[0-9]{4}\.[0-9]{4,5}))(?:v([0-9]{1,4}))?")
"""Both kinds of identifier (info.arxiv.org/help/arxiv_identifier): before and since April 2007; then the version."""

_WITHDRAWN = re.compile(
    r"\b(?:paper|article|submission|manuscript|e-?print|preprint|reprint|(?:this|technical)\s+(?:version|report))"
    r"\s+(?:has|is|was)\s+(?:(?:been|now|temporarily)\s+)*withdrawn\b(?!\s+(?:from|before)\b)"
    r"|^\W*(?:(?:this\s+)?(?:paper|article|manuscript)\s+)?withdrawn?\b(?!\s+(?:from|before)\b)"
    r"|\s(?-i:Withdrawn)(?=\W*$|:|\s+(?:due|because|by)\b)",
    re.IGNORECASE,
)
"""How authors say it; tried on the comments of 133,000 papers of astro-ph (1992-2018), where some 160 do."""


_LETTER_YEAR = re.compile(r"\b[0-9]{1,2}[ -]+[A-Za-z]{3,9}[ -]+([0-9]{4})\b")


def letter_day(written: str) -> date:
    """The day of a date as letters write it (RFC 5322), in the writer's time zone. Raises ``ValueError`` for no day.

    The year is held against the one written: the library takes 0000 for 2000 and 0099 for 1999.
    """
    said = _LETTER_YEAR.search(written)
    try:
        day = parsedate_to_datetime(written).date()
    except (ValueError, TypeError, OverflowError) as wrong:
        raise ValueError("this is no day") from wrong
    if said is None or int(said[1]) != day.year or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError("its year is no year of a day that can be meant")
    return day


def split_identifier(text: str) -> tuple[str, int | None] | None:
    """Identifier and version of ``2601.00007v2``, ``arXiv:astro-ph/0601001`` or an address of arXiv; None for others."""
    bare = text.strip().rpartition("/abs/")[2].removesuffix(".pdf")
    bare = bare[6:].strip() if bare.lower().startswith("arxiv:") else bare
    match = IDENTIFIER.fullmatch(bare)
    return (match[1], int(match[2]) if match[2] else None) if match else None


def is_withdrawn(comment: str | None, abstract: str | None) -> bool:
    """True when the paper says of itself that it has been withdrawn; arXiv has no field for it."""
    return bool(_WITHDRAWN.search(comment or "") or _WITHDRAWN.search((abstract or "")[:200]))
