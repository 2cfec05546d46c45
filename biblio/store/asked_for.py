"""What a source is asked for: which categories, sets or searches, and since when; and what a profile wants of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from biblio.observatory.profile import Harvest

_PHYSICS = "physics"
_OF_PHYSICS = frozenset(
    [
        "astro-ph",
        "cond-mat",
        "gr-qc",
        "hep-ex",
        "hep-lat",
        "hep-ph",
        "hep-th",
        "math-ph",
        "nlin",
        "nucl-ex",
        "nucl-th",
        "physics",
        "quant-ph",
    ]
)
"""The archives of arXiv's group of physics (arxiv.org/category_taxonomy); the other groups are archives of their own."""


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a source is asked for: each of ``parts``, and of them everything from the day ``since`` on.

    A part is a category, a set, or the hash of a search's text: whatever is asked for by itself.
    """

    parts: frozenset[str]
    since: date | None = None

    def covers(self, other: AskedFor) -> bool:
        """Whether who was asked for this was asked for the other as well."""
        is_early = self.since is None or (other.since is not None and self.since <= other.since)
        return is_early and other.parts <= self.parts

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"parts": sorted(self.parts), "since": self.since.isoformat() if self.since else None}

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Read what ``plain`` wrote; None of rows from before it was kept."""
        if stored is None:
            return None
        since = stored.get("since")
        return cls(frozenset(stored["parts"]), date.fromisoformat(since) if since else None)


def ads_searches(harvest: Harvest) -> dict[str, str]:
    """Return the searches of a profile by name in the order of their names, its bibgroup among them."""
    searches = dict(harvest.ads_queries)
    if harvest.ads_bibgroup:
        searches["bibgroup"] = f'bibgroup:"{harvest.ads_bibgroup}"'
    return dict(sorted(searches.items()))


def search_parts(searches: Mapping[str, str]) -> frozenset[str]:
    """Return the parts that searches of ADS are: hashes of name and text together.

    A new text under an old name is new; and a place names the search it lies in, so that another name is new as well.
    """
    return frozenset(hashlib.sha256(f"{name}\0{text}".encode()).hexdigest()[:16] for name, text in searches.items())


def outside_sets(harvest: Harvest) -> list[str]:
    """Return the categories that lie in none of the profile's sets of OAI-PMH (``group:archive`` or ``…:category``)."""
    held = {tuple(name.split(":")[1:]) for name in harvest.arxiv_sets}
    groups = {name for name in harvest.arxiv_sets if ":" not in name}
    return [
        category
        for category in harvest.arxiv_categories
        if (category.partition(".")[0],) not in held
        and tuple(category.split(".", 1)) not in held
        and category.partition(".")[0] not in groups
        and not (_PHYSICS in groups and category.partition(".")[0] in _OF_PHYSICS)
    ]


def parts_of(harvest: Harvest) -> dict[str, frozenset[str]]:
    """Return the parts each source is to be asked for by this profile.

    OAI-PMH can give whole days only where its sets hold all categories; a category outside them stands among its parts
    and is never given.
    """
    return {
        "arxiv": frozenset(harvest.arxiv_categories),
        "arxiv-oai": frozenset([*harvest.arxiv_sets, *outside_sets(harvest)]),
        "ads": search_parts(ads_searches(harvest)),
    }
