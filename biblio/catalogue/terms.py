"""What of a paper the public may see, by the terms of the source each value is from. Nothing else decides this.

Public pages, the API, exports and feeds are built from ``public_view``; people with a login see everything, because a
library may read what it asked for.

The terms, as their owners publish them:

- **arXiv** (help/api/tou): metadata, abstracts included, are CC0: anybody may serve them. E-prints are not ours to
  serve; their texts are not kept at all.
- **NASA ADS** (help/terms): its data may not be redistributed to third parties, nor copied systematically. Facts are
  no one's (who wrote what, when, where it stands, under which identifier), and we link to ADS for the rest: abstracts,
  keywords, affiliations, citation counts and whatever else ADS made stay inside.
- **A list that a library hands over** is the library's own, but for what it says itself that it has from ADS
  (``taken_from``, as in a BibTeX file that ADS exported): ADS's terms go with it.
- **A person's correction** is ours.

A value whose source is not known is treated as ADS's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ARXIV, ADS, PERSON = "arxiv", "ads", "person"

FACTS = frozenset(
    [
        *("title", "authors", "kind", "is_refereed", "journal", "volume", "page", "year", "published_on"),
        *("published_precision", "preprint_on", "updated_on", "arxiv_version", "is_withdrawn", "identifiers"),
    ]
)
"""Facts about a paper, which no terms can close. A field that is not named here is treated as somebody's work."""


def family(source: str) -> str:
    """Return the kind of harvest a source's name belongs to: "ads", "arxiv", "person", or "file" for any list.

    The doors of one service begin with its name ("arxiv-oai"); lists may not (``is_reserved``).
    """
    if source == PERSON:
        return PERSON
    for service in (ARXIV, ADS):
        if source == service or source.startswith(f"{service}-"):
            return service
    return "file"


def is_reserved(name: str) -> bool:
    """Whether a list may not be called ``name``, because its values would pass for a service's or a person's."""
    plain = name.strip().lower()
    return plain in (PERSON, "registry") or plain.startswith((ARXIV, ADS))


def may_show(field: str, source: str) -> bool:
    """Whether the public may see the value of ``field`` that is from ``source`` (empty: not known)."""
    if field in FACTS:
        return True
    return bool(source) and family(source) != ADS


def public_view(values: Mapping[str, Any], provenance: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a composed paper that the public may see; the others are left out.

    ``provenance`` says for each field which source its value is from. An author's affiliation is from where the list
    of authors is from.
    """
    return {
        name: value
        for name, value in values.items()
        if may_show(name, provenance.get("authors" if name == "affiliations" else name, ""))
    }
