"""What the address asks the desk's queue for: filters and the order. Every field is a query parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from biblio.store.current import survivor_id
from biblio.store.models import Claim, DeskItem, Paper, PaperTag, UserAccount
from biblio.store.words import Band
from biblio.verify.queue.items import RANKS
from biblio.verify.sharing.claims import in_force

LEARN = "learn"
"""How an address asks for the order that teaches the matcher most."""

LONGEST = 200
"""Characters of one parameter that are looked at."""

_ITEM: Any = DeskItem.__table__.c  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the queue: the words for it, and the columns that one index gives in it.

    All columns go up, or all go down; the last is the paper's number, which settles ties. Rows without the first
    column's value, where it may have none, are not in this order at all (``only_with``).
    """

    words: str
    columns: tuple[sa.Column[Any], ...]
    is_down: bool = False
    only_with: sa.Column[Any] | None = None

    def by(self, *, backwards: bool = False) -> tuple[sa.ColumnElement[Any], ...]:
        """Return what to order by, from the other end if ``backwards``."""
        return tuple(c.desc() if self.is_down != backwards else c.asc() for c in self.columns)

    def beyond(self, item: DeskItem, *, backwards: bool = False) -> sa.ColumnElement[bool]:
        """Return the condition for rows that come after ``item``; before it if ``backwards``."""
        place = sa.tuple_(*self.columns)
        here = sa.tuple_(*(sa.bindparam(None, getattr(item, c.key), type_=c.type) for c in self.columns))
        return place < here if self.is_down != backwards else place > here

    def holds(self, item: DeskItem) -> bool:
        """Whether a row has a place in this order."""
        return self.only_with is None or getattr(item, self.only_with.key) is not None


ORDERS: Mapping[str, Order] = {
    "": Order("most consequential first", (_ITEM.rank, _ITEM.doubt, _ITEM.waiting_since, _ITEM.paper_id)),
    "oldest": Order("waiting longest first", (_ITEM.waiting_since, _ITEM.paper_id)),
    "newest": Order("newest first", (_ITEM.waiting_since, _ITEM.paper_id), is_down=True),
    "score": Order("highest score first", (_ITEM.score, _ITEM.paper_id), is_down=True, only_with=_ITEM.score),
    "press": Order("soonest in print first", (_ITEM.press_on, _ITEM.paper_id), only_with=_ITEM.press_on),
    LEARN: Order("what teaches the matcher most", ()),
}
"""The orders by how an address asks for them; that of ``learn`` is made in ``biblio.verify.queue.teaching``."""

HOLDERS = ("mine", "free", "others")
YES_NO = ("yes", "no")
DATES = ("waiting_from", "waiting_to", "published_from", "published_to")


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who looks at the queue, and when: what "claimed by me" and "unclaimed" mean."""

    user_id: int | None
    now: datetime


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
    language: str = ""
    """ISO 639-1 code, or "none" for papers whose language is not known."""
    text: str = ""
    again: str = ""
    press: str = ""
    escalated: str = ""
    holder: str = ""
    """"mine", "free" (claimed by nobody) or "others"."""
    tag: str = ""
    waiting_from: str = ""
    waiting_to: str = ""
    published_from: str = ""
    published_to: str = ""
    order: str = ""
    """A key of ``ORDERS``; empty for what is most consequential."""
    turn: str = ""
    """How far somebody has come in the order ``learn`` (``biblio.verify.queue.teaching``)."""

    @classmethod
    def from_address(cls, values: Mapping[str, str]) -> QueueFilter:
        """Read the filter from query parameters; what none of the choices is, is taken for not asked."""
        asked = {f.name: values.get(f.name, "").replace("\0", "").strip()[:LONGEST] for f in fields(cls)}
        choices: Mapping[str, Any] = {
            "band": list(Band),
            "why": RANKS,
            "text": YES_NO,
            "again": YES_NO[:1],
            "press": YES_NO[:1],
            "escalated": YES_NO[:1],
            "holder": HOLDERS,
            "order": ORDERS,
        }
        for name, known in choices.items():
            if asked[name] not in known:
                asked[name] = ""
        for name in DATES:
            asked[name] = _day_or_nothing(asked[name])
        if not (asked["year"].isdecimal() and len(asked["year"]) == 4):
            asked["year"] = ""
        asked["tag"] = asked["tag"].lower()
        if asked["order"] != LEARN or not (asked["turn"].isdecimal() and len(asked["turn"]) < 3):
            asked["turn"] = ""
        return cls(**asked)

    def address(self) -> dict[str, Any]:
        """Return the query parameters that ask for this filter."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}

    def filters(self) -> dict[str, Any]:
        """Return those of its parameters that leave rows out."""
        return {name: value for name, value in self.address().items() if name not in ("order", "turn")}

    def without(self, name: str) -> dict[str, Any]:
        """Return the query parameters that ask for the same but one of its filters."""
        return replace(self, **{name: ""}).address()

    @property
    def in_order(self) -> Order:
        """The order asked for."""
        return ORDERS[self.order]

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

    def conditions(self, onlooker: Onlooker) -> list[Any]:
        """Return what rows of ``desk_item`` must satisfy. Unlikely and unsure ones only when asked for by name."""
        if self.tag or self.holder in ("mine", "others"):
            # Few papers have a tag or a holder: begin with them. "Is not false" keeps a database off the queue's indexes.
            shown = [_ITEM.is_shown.is_not(False)]
        else:
            shown = [_ITEM.is_shown.is_(True)]
        return [*(shown if self.hides_weak else ()), *self.chosen(onlooker), *self._placed()]

    def _placed(self) -> list[Any]:
        needed = self.in_order.only_with
        return [needed.is_not(None)] if needed is not None else []

    def chosen(self, onlooker: Onlooker) -> list[Any]:
        """Return what was asked for by name alone."""
        return [*self._equal(), *self._flags(), *self._dates(), *self._held(onlooker)]

    def _equal(self) -> list[Any]:
        wanted: list[Any] = []
        if self.band:
            wanted.append(_ITEM.band == Band(self.band))
        if self.why:  # by its rank as well: that is what the order's index begins with
            wanted += [_ITEM.rank == RANKS[self.why], _ITEM.why == self.why]
        for column, value in (
            (_ITEM.source, self.source),
            (_ITEM.cycle, self.cycle),
            (_ITEM.journal, self.journal),
            (_ITEM.library, self.library),
        ):
            if value:
                wanted.append(column == value)
        if self.language:
            wanted.append(_ITEM.language.is_(None) if self.language == "none" else _ITEM.language == self.language)
        if self.year:
            wanted.append(_ITEM.year == int(self.year))
        return wanted

    def _flags(self) -> list[Any]:
        wanted = [_ITEM.has_text.is_(self.text == "yes")] if self.text else []
        for column, value in (
            (_ITEM.look_again, self.again),
            (_ITEM.is_at_press, self.press),
            (_ITEM.is_escalated, self.escalated),
        ):
            if value:
                wanted.append(column.is_(True))
        return wanted

    def _dates(self) -> list[Any]:
        wanted: list[Any] = []
        if self.waiting_from:
            wanted.append(col(DeskItem.waiting_since) >= _midnight(self.waiting_from))
        if self.waiting_to:
            wanted.append(col(DeskItem.waiting_since) < _midnight(self.waiting_to, days=1))
        if self.published_from:
            wanted.append(_ITEM.published_on >= date.fromisoformat(self.published_from))
        if self.published_to:
            wanted.append(_ITEM.published_on <= date.fromisoformat(self.published_to))
        return wanted

    def _held(self, onlooker: Onlooker) -> list[Any]:
        wanted: list[Any] = []
        if self.tag:
            tagged = sa.select(survivor_id()).join(PaperTag, col(PaperTag.paper_id) == col(Paper.id))
            wanted.append(
                _ITEM.paper_id.in_(tagged.where(col(PaperTag.tag) == self.tag, col(PaperTag.removed_at).is_(None)))
            )
        if self.holder == "mine":
            wanted.append(_ITEM.paper_id.in_(claimed(onlooker, col(Claim.holder_id) == onlooker.user_id)))
        elif self.holder == "others":
            wanted.append(_ITEM.paper_id.in_(claimed(onlooker, col(Claim.holder_id) != onlooker.user_id)))
        elif self.holder == "free":
            wanted.append(_ITEM.paper_id.not_in(claimed(onlooker)))
        return wanted


FILTERS = tuple(f.name for f in fields(QueueFilter) if f.name != "turn")
"""The query parameters of the queue that a person may write; a turn is the page's own."""


def claimed(onlooker: Onlooker, *which: Any) -> sa.Select[Any]:
    """Select the papers (survivors) that somebody works on now."""
    return (
        sa.select(survivor_id())
        .join(Claim, col(Claim.paper_id) == col(Paper.id))
        .join(UserAccount, col(UserAccount.id) == col(Claim.holder_id))
        .where(*in_force(onlooker.now), *which)
    )


def _day_or_nothing(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else ""
    except ValueError:
        return ""


def _midnight(day: str, *, days: int = 0) -> datetime:
    """Return the beginning of a day in UTC, or of one so many days later; the calendar's last day has none after it."""
    begun = date.fromisoformat(day)
    return datetime.combine(min(begun, date.max - timedelta(days=days)) + timedelta(days=days), time.min, UTC)
