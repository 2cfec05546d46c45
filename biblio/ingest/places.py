"""Where each harvest goes on, what that place belongs to, and what the reading under way has given so far.

A place is only good for what was asked when it was reached. A profile that asks for more (another category, another
search, an earlier first year) begins anew, because nobody ever asked for the past of what is new; one that asks for
less goes on where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory.profile import Harvest
from biblio.store.asked_for import AskedFor, parts_of
from biblio.store.models import HarvestCursor, HarvestPage, JobRun
from harvesters.protocol import ParsedPage


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
