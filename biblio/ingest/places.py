"""Where each harvest goes on, what that place belongs to, and what the reading under way has given so far.

A place is only good for what was asked when it was reached. A profile that asks for more (another category, another
search, an earlier first year) begins anew, because nobody ever asked for the past of what is new; one that asks for
less goes on where it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory.profile import Harvest
from biblio.store.models import HarvestCursor, HarvestPage, JobRun
from harvesters.protocol import ParsedPage

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


@dataclass(slots=True)
class Tally:
    """What one reading of a source has given so far, over all the runs it takes.

    ``given``: of each field with a least share, how many records have it and of how many. ``whole``: how many records
    the last reading gave that came to its end. ``from_beginning``: it began where a source's whole past lies before it.
    """

    records: int = 0
    from_beginning: bool = False
    given: dict[str, tuple[int, int]] = field(default_factory=dict)
    whole: int | None = None

    def with_page(self, parsed: ParsedPage, fields: Iterable[str]) -> Tally:
        """Return the tally with a page's records added."""
        entries = [*parsed.records, *parsed.projects]
        given = dict(self.given)
        for name in fields:
            values = [getattr(entry, name) for entry in entries if hasattr(entry, name)]
            having, of = given.get(name, (0, 0))
            given[name] = (having + sum(value not in (None, "", ()) for value in values), of + len(values))
        return Tally(self.records + len(entries), self.from_beginning, given, self.whole)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        given = {name: list(counts) for name, counts in self.given.items()}
        return {"records": self.records, "from_beginning": self.from_beginning, "given": given, "whole": self.whole}

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read what ``plain`` wrote; nothing yet, of rows from before it was kept."""
        if stored is None:
            return cls()
        given = {name: (int(having), int(of)) for name, (having, of) in stored["given"].items()}
        return cls(stored["records"], stored["from_beginning"], given, stored["whole"])


@dataclass(frozen=True, slots=True)
class HarvestPlace:
    """Where a harvest goes on: its cursor (empty at the very beginning), what it belongs to, and its tally."""

    cursor: Mapping[str, Any]
    asked_for: AskedFor | None = None
    tally: Tally = field(default_factory=Tally)

    def is_good_for(self, wanted: AskedFor | None) -> bool:
        """Whether what is wanted can go on from here. A place from before this was kept is taken to be good."""
        return self.asked_for is None or wanted is None or self.asked_for.covers(wanted)


def read_place(session: Session, name: str) -> HarvestPlace:
    """Return where a harvest goes on."""
    row = session.get(HarvestCursor, name)
    if row is None:
        return HarvestPlace({})
    return HarvestPlace(dict(row.cursor), AskedFor.read(row.asked_for), Tally.read(row.tally))


def move_place(session: Session, name: str, place: HarvestPlace, now: datetime) -> None:
    """Note where a harvest goes on."""
    asked_for = place.asked_for.plain() if place.asked_for else None
    session.merge(
        HarvestCursor(
            source=name, cursor=dict(place.cursor), asked_for=asked_for, tally=place.tally.plain(), updated_at=now
        )
    )


def stamp(session: Session, harvest: Harvest) -> None:
    """Note on what is stored from before it was kept that it was asked for by a profile like today's."""
    daily = sa.select(col(JobRun.id)).where(col(JobRun.job) == "harvest")
    for source in ("arxiv", "ads"):
        asked_for = AskedFor(parts_of(harvest)[source]).plain()
        old = col(HarvestPage.asked_for).is_(None) & (col(HarvestPage.source) == source)
        session.execute(
            sa.update(HarvestPage).where(old, col(HarvestPage.job_run_id).in_(daily)).values(asked_for=asked_for)
        )
        place = col(HarvestCursor.asked_for).is_(None) & (col(HarvestCursor.source) == source)
        session.execute(sa.update(HarvestCursor).where(place).values(asked_for=asked_for))


def forget_place(session: Session, name: str) -> None:
    """Forget where a harvest goes on."""
    if (row := session.get(HarvestCursor, name)) is not None:
        session.delete(row)
