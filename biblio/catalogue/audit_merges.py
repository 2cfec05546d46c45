"""Merges replayed: which papers were one at a moment, and which paper stands for which now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.store.models import AuditEntry, Decision, MergeProposal, Paper, PaperMerge, PaperRelation
from biblio.store.words import Verdict


@dataclass(slots=True)
class Merges:
    """All merges that ever were, by paper, with the time each was in force."""

    beside: dict[int, list[tuple[int, datetime, datetime | None]]] = field(default_factory=lambda: defaultdict(list))
    above: dict[int, int] = field(default_factory=dict)
    """Of merges in force: the paper merged → the paper kept."""
    is_steady: bool = True
    """Whether the clock always went on. Where it was set back, moments do not tell what came before what."""

    @classmethod
    def of(cls, session: Session) -> Merges:
        """Read every merge."""
        merges = cls(is_steady=_is_steady(session))
        for row in session.exec(select(PaperMerge)):
            merges.beside[row.kept_id].append((row.merged_id, row.made_at, row.undone_at))
            merges.beside[row.merged_id].append((row.kept_id, row.made_at, row.undone_at))
            if row.undone_at is None:
                merges.above[row.merged_id] = row.kept_id
        return merges

    def joined(self, one: int, other: int, at: datetime) -> bool:
        """Whether two papers were one at a moment (in doubt, where both changed at that very moment: yes).

        Where the clock was set back once, whether they ever were: nobody is accused of what a clock did.
        """
        return other in self._reached(one, at if self.is_steady else None)

    def ever_joined(self, one: int, other: int) -> bool:
        """Whether merges, undone or not, ever led from one paper to the other."""
        return other in self._reached(one, None)

    def root(self, paper: int) -> int:
        """Return the paper that stands for this one, by the merges in force."""
        seen = {paper}
        while paper in self.above and self.above[paper] not in seen:
            paper = self.above[paper]
            seen.add(paper)
        return paper

    def _reached(self, one: int, at: datetime | None) -> set[int]:
        met, waiting = {one}, [one]
        while waiting:
            for paper, made, undone in self.beside.get(waiting.pop(), ()):
                was = at is None or (made <= at and (undone is None or undone >= at))
                if was and paper not in met:
                    met.add(paper)
                    waiting.append(paper)
        return met


def _is_steady(session: Session) -> bool:
    """Whether rows that were written later say so: what people do is numbered in the order in which it is written."""
    histories: tuple[tuple[Any, Any], ...] = (
        (Decision.id, Decision.made_at),
        (PaperRelation.id, PaperRelation.decided_at),
        (PaperMerge.id, PaperMerge.made_at),
        (AuditEntry.id, AuditEntry.made_at),
    )
    for number, moment in histories:
        rows = sa.select(col(moment).label("at"), sa.func.lag(col(moment)).over(order_by=col(number)).label("before"))
        told = rows.subquery()
        if session.execute(sa.select(told.c.at).where(told.c.at < told.c.before).limit(1)).first() is not None:
            return False
    back = select(PaperMerge.id).where(col(PaperMerge.undone_at) < col(PaperMerge.made_at))
    return session.exec(back.limit(1)).first() is None


def check_merges(session: Session) -> tuple[int, list[tuple[int, str]]]:
    """Return how many papers were merged, and each that stands for another than its merges say."""
    merges = Merges.of(session)
    merged = sa.select(col(Paper.id), col(Paper.merged_into_id)).where(col(Paper.merged_into_id).is_not(None))
    told = {row[0]: row[1] for row in session.execute(merged)}
    wrong = [
        (paper, f"stands as paper {told.get(paper) or paper}, its merges say {merges.root(paper)}")
        for paper in sorted({*told, *merges.above})
        if (told.get(paper) or paper) != merges.root(paper)
    ]
    return len(told), wrong


def check_twins(session: Session) -> tuple[int, list[tuple[int, str]]]:
    """Return how many pairs a person found to be one paper, and each that no merge ever joined."""
    found = session.exec(select(MergeProposal).where(col(MergeProposal.verdict) == Verdict.ACCEPT)).all()
    merges = Merges.of(session) if found else Merges()
    return len(found), list(_never_joined(merges, list(found)))


def _never_joined(merges: Merges, found: list[MergeProposal]) -> Iterator[tuple[int, str]]:
    for row in found:
        if not merges.ever_joined(row.paper_id, row.twin_id):
            yield row.paper_id, f"was found to be one with paper {row.twin_id}, and was never merged"
