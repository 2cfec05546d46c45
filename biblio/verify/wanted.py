"""What the address asks the desk's queue for: filters and the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlmodel import col

from biblio.observatory import Profile
from biblio.store.models import DeskItem
from biblio.store.words import Band
from biblio.verify.queue import WHYS

LEARN = "learn"
"""How an address asks for the order that teaches the matcher most."""


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What the address asks the queue for; every field is a query parameter of ``/desk`` and of the paper page."""

    band: str = ""
    why: str = ""
    source: str = ""
    cycle: str = ""
    year: str = ""
    journal: str = ""
    library: str = ""
    text: str = ""
    again: str = ""
    order: str = ""
    """"learn" for what teaches the matcher most; else what is most consequential."""
    turn: str = ""
    """How far somebody has come in that order (``biblio.verify.teaching``)."""

    @classmethod
    def from_address(cls, values: Mapping[str, str]) -> QueueFilter:
        """Read the filter from query parameters; unknown bands and reasons are taken for none."""
        asked = {f.name: values.get(f.name, "").strip()[:200] for f in fields(cls)}
        if asked["band"] not in list(Band):
            asked["band"] = ""
        if asked["why"] not in WHYS:
            asked["why"] = ""
        if not (asked["year"].isdecimal() and len(asked["year"]) == 4):
            asked["year"] = ""
        if asked["order"] != LEARN:
            asked["order"] = asked["turn"] = ""
        if not (asked["turn"].isdecimal() and len(asked["turn"]) < 3):
            asked["turn"] = ""
        return cls(**asked)

    def address(self) -> dict[str, Any]:
        """Return the query parameters that ask for this filter."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}

    def filters(self) -> dict[str, Any]:
        """Return those of its parameters that leave rows out."""
        return {name: value for name, value in self.address().items() if name not in ("order", "turn")}

    @property
    def teaches(self) -> bool:
        """Whether the order is asked for that teaches the matcher most."""
        return self.order == LEARN

    @property
    def turn_number(self) -> int:
        """The turn as a number; 0 at the beginning."""
        return int(self.turn or 0)

    @property
    def hides_weak(self) -> bool:
        """Whether unlikely and unsure ones are left out: they are, unless asked for by name."""
        return self.band != Band.UNLIKELY and self.why not in ("unlikely", "unsure")

    def conditions(self, profile: Profile) -> list[Any]:
        """Return what rows of ``desk_item`` must satisfy. Unlikely and unsure ones only when asked for by name."""
        return [*self.chosen(profile), *([col(DeskItem.is_shown).is_(True)] if self.hides_weak else [])]

    def chosen(self, profile: Profile) -> list[Any]:
        """Return what was asked for by name alone."""
        chosen: list[Any] = []
        if self.band:
            chosen.append(col(DeskItem.band) == Band(self.band))
        if self.why:
            chosen.append(col(DeskItem.why) == self.why)
        for column, value in (
            (col(DeskItem.source), self.source),
            (col(DeskItem.cycle), self.cycle),
            (col(DeskItem.journal), self.journal),
        ):
            if value:
                chosen.append(column == value)
        if self.year:
            chosen.append(col(DeskItem.year) == int(self.year))
        if self.library:
            keys = [p.key for p in profile.partners if self.library in (p.library, p.key)]
            chosen.append(col(DeskItem.partner).in_(keys))
        if self.text:
            chosen.append(col(DeskItem.has_text).is_(self.text == "yes"))
        if self.again:
            chosen.append(col(DeskItem.look_again).is_(True))
        return chosen
