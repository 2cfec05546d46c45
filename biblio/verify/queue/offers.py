"""The counts and choices above and beside the queue: what waits in each band, what can be filtered by, what is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory import Profile
from biblio.store.current import members_under_second_reading
from biblio.store.models import Claim, DeskItem, PaperTag
from biblio.store.words import Band
from biblio.verify.queue import language, tally
from biblio.verify.queue.queries import WHY_WORDS
from biblio.verify.queue.wanted import DATES, Onlooker, QueueFilter, claimed

MOST_JOURNALS = 40
MOST_LANGUAGES = 40
MOST_SOURCES = 20
MOST_TAGS = 100

Sums = Mapping[str, Counter[str]]
"""What ``biblio.verify.queue.tally.sums`` returns: facet → value → papers in the queue."""


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


def counts(session: Session, onlooker: Onlooker, sums: Sums) -> Counts:
    """Return how much waits. Unlikely ones are not counted."""
    mine = claimed(onlooker, col(Claim.holder_id) == onlooker.user_id).subquery()
    own = session.execute(
        sa.select(sa.func.count())
        .select_from(mine)
        .join(DeskItem, col(DeskItem.paper_id) == mine.c[0])
        .where(col(DeskItem.is_shown).is_(True))
    ).scalar_one()
    total, certain, likely = sums["all"][""], sums["band"][Band.CERTAIN], sums["band"][Band.LIKELY]
    others = total - certain - likely
    return Counts(certain, likely, others, sums["press"]["yes"], sums["escalated"]["yes"], own, total)


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


def offers(session: Session, profile: Profile, wanted: QueueFilter, sums: Sums, *, today: date) -> list[Offer]:
    """Return the filters: what the profile knows, and else what waits, commonest first.

    What is set is always among the choices. While nothing is, each says how many papers it would leave.
    """
    libraries = dict.fromkeys([*(p.library for p in profile.partners), *sums["library"]])
    languages = [(code, language.NAMES.get(code, code)) for code in _first(sums["language"], MOST_LANGUAGES)]
    tags = session.execute(
        sa.select(col(PaperTag.tag))
        .where(col(PaperTag.removed_at).is_(None), col(PaperTag.paper_id).not_in(members_under_second_reading()))
        .distinct().order_by(col(PaperTag.tag)).limit(MOST_TAGS)
    ).scalars()  # fmt: skip
    options: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "band": ("Band", [(b.value, b.value) for b in Band]),
        "why": ("Why it is here", [(name, words) for name, (words, _) in WHY_WORDS.items()]),
        "holder": ("Claimed", [("mine", "by me"), ("free", "by nobody"), ("others", "by others")]),
        "escalated": ("Escalated", [("yes", "only those")]),
        "library": ("Library", _same(libraries)),
        "press": ("Going to press", [("yes", "only those")]),
        "cycle": ("Cycle", [(c.key, c.name) for c in reversed(profile.cycles)]),
        "journal": ("Journal", _same(_first(sums["journal"], MOST_JOURNALS))),
        "source": ("Source", _same(_first(sums["source"], MOST_SOURCES))),
        "language": ("Language", [*languages, ("none", "not known")]),
        "year": ("Year", _same(range(today.year, profile.harvest.first_year - 1, -1))),
        "text": ("Full text", [("yes", "read"), ("no", "not read")]),
        "again": ("Look again", [("yes", "only those")]),
        "tag": ("Tag", _same(tags)),
    }
    known = {} if wanted.filters() else sums
    return [
        Offer(name, label, _choices(rows, getattr(wanted, name), known.get(name)), getattr(wanted, name))
        for name, (label, rows) in options.items()
    ]


def _choices(rows: list[tuple[str, str]], now: str, papers: Counter[str] | None) -> tuple[tuple[str, str], ...]:
    """Return the choices, what is set among them, with how many papers there are of each where that is known."""
    if now and now not in [value for value, _ in rows]:
        rows = [*rows, (now, now)]
    if papers is None:
        return tuple(rows)
    return tuple((value, f"{words} ({papers[value]:,})") if papers[value] else (value, words) for value, words in rows)


def commonest(session: Session, facet: str, most: int) -> list[str]:
    """Return the commonest values of a facet (``tally.FACETS``) among the papers in the queue, commonest first."""
    return _first(tally.sums(session)[facet], most)


def _first(papers: Counter[str], most: int) -> list[str]:
    return sorted(papers, key=lambda value: (-papers[value], value))[:most]


def _same(values: Iterable[Any]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


def chips(offered: Iterable[Offer], wanted: QueueFilter) -> list[Chip]:
    """Return the filters that are set, each with the way to take it away."""
    found = [
        Chip(offer.label, dict(offer.options)[offer.now], wanted.without(offer.name)) for offer in offered if offer.now
    ]
    dates = [(name, getattr(wanted, name)) for name in DATES]
    return [*found, *(Chip(DATE_LABELS[name], day, wanted.without(name)) for name, day in dates if day)]
