"""The counts and choices above and beside the queue: what waits in each band, what can be filtered by, what is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory import Profile
from biblio.store.models import Claim, DeskItem, PaperTag
from biblio.store.words import Band
from biblio.verify import language
from biblio.verify.queries import WHY_WORDS
from biblio.verify.wanted import DATES, Onlooker, QueueFilter, claimed

MOST_JOURNALS = 40
MOST_TAGS = 100


@dataclass(frozen=True, slots=True)
class Counts:
    """The desk in one sentence: papers by the band of their best candidate, and some that a person looks for.

    ``others`` wait without a candidate of these bands: for an unknown code, new evidence, or the head librarian.
    ``mine`` are those I have claimed.
    """

    certain: int
    likely: int
    others: int
    press: int
    escalated: int
    mine: int
    total: int


def counts(session: Session, onlooker: Onlooker) -> Counts:
    """Return how much waits. Unlikely ones are not counted."""
    bands = session.execute(
        sa.select(col(DeskItem.band), sa.func.count())
        .where(col(DeskItem.is_shown).is_(True))
        .group_by(col(DeskItem.band))
    ).all()
    by_band: dict[Band | None, int] = dict(bands)
    shown = sa.select(sa.func.count()).select_from(DeskItem).where(col(DeskItem.is_shown).is_(True))
    mine = claimed(onlooker, col(Claim.holder_id) == onlooker.user_id)
    press, escalated, own = session.execute(
        sa.select(
            shown.where(col(DeskItem.is_at_press).is_(True)).scalar_subquery(),
            shown.where(col(DeskItem.is_escalated).is_(True)).scalar_subquery(),
            shown.where(col(DeskItem.paper_id).in_(mine)).scalar_subquery(),
        )
    ).one()
    total = sum(by_band.values())
    certain, likely = by_band.get(Band.CERTAIN, 0), by_band.get(Band.LIKELY, 0)
    return Counts(certain, likely, total - certain - likely, press, escalated, own, total)


@dataclass(frozen=True, slots=True)
class Offer:
    """One filter of the queue: its query parameter, label, (value, words) to choose from, and the one chosen."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    now: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is set: what it says, and the query parameters of the queue without it."""

    label: str
    words: str
    without: Mapping[str, Any]


DATE_LABELS: Mapping[str, str] = {
    "waiting_from": "Waiting since, from",
    "waiting_to": "Waiting since, to",
    "published_from": "Published, from",
    "published_to": "Published, to",
}


def offers(session: Session, profile: Profile, wanted: QueueFilter, *, today: date) -> list[Offer]:
    """Return the filters: what the profile knows, and else what waits. What is set is always among the choices."""
    journals = _values(session, col(DeskItem.journal), MOST_JOURNALS)
    libraries = dict.fromkeys([p.library for p in profile.partners])
    languages = [(code, language.NAMES.get(code, code)) for code in _values(session, col(DeskItem.language), 40)]
    tags = session.execute(
        sa.select(col(PaperTag.tag)).where(col(PaperTag.removed_at).is_(None)).distinct().order_by(col(PaperTag.tag))
        .limit(MOST_TAGS)
    ).scalars()  # fmt: skip
    options: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "band": ("Band", [(b.value, b.value) for b in Band]),
        "why": ("Why it is here", [(name, words) for name, (words, _) in WHY_WORDS.items()]),
        "holder": ("Claimed", [("mine", "by me"), ("free", "by nobody"), ("others", "by others")]),
        "escalated": ("Escalated", [("yes", "only those")]),
        "library": ("Library", _same(libraries)),
        "press": ("Going to press", [("yes", "only those")]),
        "cycle": ("Cycle", [(c.key, c.name) for c in reversed(profile.cycles)]),
        "journal": ("Journal", _same(journals)),
        "source": ("Source", _same(_values(session, col(DeskItem.source), 20))),
        "language": ("Language", [*languages, ("none", "not known")]),
        "year": ("Year", _same(range(today.year, profile.harvest.first_year - 1, -1))),
        "text": ("Full text", [("yes", "read"), ("no", "not read")]),
        "again": ("Look again", [("yes", "only those")]),
        "tag": ("Tag", _same(tags)),
    }
    return [
        Offer(name, label, _with(rows, getattr(wanted, name)), getattr(wanted, name))
        for name, (label, rows) in options.items()
    ]


def _with(rows: list[tuple[str, str]], now: str) -> tuple[tuple[str, str], ...]:
    return (*rows, *([(now, now)] if now and now not in [value for value, _ in rows] else []))


def _same(values: Iterable[Any]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


def chips(offered: Iterable[Offer], wanted: QueueFilter) -> list[Chip]:
    """Return the filters that are set, each with the way to take it away."""
    found = [
        Chip(offer.label, dict(offer.options)[offer.now], wanted.without(offer.name)) for offer in offered if offer.now
    ]
    dates = [(name, getattr(wanted, name)) for name in DATES]
    return [*found, *(Chip(DATE_LABELS[name], day, wanted.without(name)) for name, day in dates if day)]


def _values(session: Session, column: Any, limit: int) -> list[Any]:
    """Return the commonest values of a column among the papers in the queue, commonest first."""
    query = (
        sa.select(column)
        .where(col(DeskItem.is_shown).is_(True), column.is_not(None))
        .group_by(column)
        .order_by(sa.func.count().desc(), column)
        .limit(limit)
    )
    return list(session.execute(query).scalars())
