"""The order of the queue that teaches the matcher most: half the best candidates, half the most uncertain, and a twentieth
of all papers at random.

Only asking about both halves makes a ranking better with few verdicts; only a random sample, in which stand papers nobody
would ask about, tells how good the figures really are. The database gives each of the three from an index, and no more
of it than the page needs; they are dealt out here, each paper once.

A *turn* counts what was decided in this order, so that a person who works from its beginning meets the three in turn
although what was decided leaves the queue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.models import DeskItem
from biblio.verify.queue import queries, tally
from biblio.verify.queue.items import in_audit
from biblio.verify.queue.wanted import Onlooker, QueueFilter

__all__ = ["CYCLE", "Around", "around", "count", "dealt", "items", "lane_at"]

Lane = Literal["top", "uncertain", "audit"]

EVERY = 20
"""Each so many-th paper is one of the random sample."""

CYCLE = 2 * EVERY
"""Turns after which the lanes come round."""

REACH = 4096
"""Papers among which the neighbours of one are looked for."""


def lane_at(turn: int) -> Lane:
    """Which of the three is asked at a turn (from 0)."""
    place = turn % CYCLE
    if place % EVERY == EVERY - 1:
        return "audit"
    return "uncertain" if (place - place // EVERY) % 2 else "top"


def dealt(lanes: Mapping[Lane, Iterable[int]], turn: int = 0) -> Iterator[tuple[int, Lane]]:
    """Give the papers of the three lanes in turn, each once, with the lane it was taken from; an empty one is passed."""
    left: dict[Lane, Iterator[int]] = {lane: iter(lanes[lane]) for lane in ("top", "uncertain", "audit")}
    seen: set[int] = set()
    while left:
        lane = lane_at(turn)
        if lane not in left:
            lane = next(iter(left))
        paper = next((one for one in left[lane] if one not in seen), None)
        if paper is None:
            del left[lane]
            continue
        seen.add(paper)
        turn += 1
        yield paper, lane


def _lanes(session: Session, onlooker: Onlooker, wanted: QueueFilter, most: int) -> dict[Lane, Sequence[int]]:
    """The first papers of each lane: ``most`` are enough for the first ``most`` of the order."""
    item: Any = DeskItem
    waiting = wanted.conditions(onlooker)
    paper = sa.select(col(DeskItem.paper_id)).limit(most)
    statements: dict[Lane, sa.Select[Any]] = {
        "top": paper.where(*waiting, item.score.is_not(None)).order_by(item.score.desc(), item.paper_id.desc()),
        "uncertain": paper.where(*waiting).order_by(item.doubt, item.paper_id),
        "audit": paper.where(*wanted.chosen(onlooker), *in_audit()).order_by(item.lot, item.paper_id),
    }
    return {lane: session.execute(statement).scalars().all() for lane, statement in statements.items()}


def count(
    session: Session, onlooker: Onlooker, wanted: QueueFilter, sums: Mapping[str, Counter[str]] | None = None
) -> int:
    """How many papers there are in this order: those that wait, and those of the sample that are not shown otherwise."""
    shown = queries.queue_count(session, onlooker, wanted, sums or {})
    if not wanted.hides_weak:
        return shown
    if sums and not wanted.filters():
        return shown + sums[tally.SAMPLE][""]
    number = sa.select(sa.func.count()).select_from(DeskItem)
    more = number.where(
        *wanted.chosen(onlooker), *in_audit(), col(DeskItem.is_shown).is_not(True)
    )  # by the lots' index
    return int(shown + session.execute(more).scalar_one())


def items(session: Session, onlooker: Onlooker, wanted: QueueFilter, limit: int, offset: int = 0) -> list[DeskItem]:
    """Return the queue's rows from ``offset`` on, in this order."""
    order = dealt(_lanes(session, onlooker, wanted, offset + limit), wanted.turn_number)
    return queries.items_of(session, [paper for paper, _ in islice(order, offset, offset + limit)])


@dataclass(frozen=True, slots=True)
class Around:
    """The neighbours of a paper in this order, and the turn that follows when it is decided."""

    previous: int | None
    following: int | None
    turn: int


def around(session: Session, onlooker: Onlooker, wanted: QueueFilter, paper_id: int | None) -> Around:
    """Find the neighbours of a paper, going round to the beginning; for one that stands elsewhere, the first."""
    turn, most = wanted.turn_number, 64
    while True:
        order = list(islice(dealt(_lanes(session, onlooker, wanted, most), turn), most))
        papers = [paper for paper, _ in order]
        place = papers.index(paper_id) if paper_id in papers else None
        is_found = paper_id is None or (place is not None and place + 1 < len(papers))
        if is_found or len(papers) < most or most >= REACH:
            break
        most *= 8
    first = next((paper for paper in papers if paper != paper_id), None)
    if place is None:
        return Around(None, first, turn)
    then = turn + 1 if order[place][1] == lane_at(turn) else turn
    return Around(
        papers[place - 1] if place else None,
        papers[place + 1] if place + 1 < len(papers) else first,
        then % CYCLE,
    )
