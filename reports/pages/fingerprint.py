"""Whether anything that a report counts was stored since: told by a dozen look-ups, not by counting rows."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.links import RELATION_WITHDRAWN
from biblio.store.models import (
    Answer,
    AuditEntry,
    Campaign,
    Candidate,
    CandidateRevision,
    Decision,
    DeskTally,
    HarvestCursor,
    HarvestPage,
    JobRun,
    Link,
    Paper,
    PaperIdentifier,
    PaperMatch,
    PaperMerge,
    PaperRelation,
    PaperRevision,
    PastTotal,
    ProjectRevision,
    SecondReading,
    SecondReadingPause,
    TextReading,
    UnitRevision,
)
from biblio.store.words import Outcome

_HISTORIES = (
    Decision,
    Link,
    PaperRelation,
    Paper,
    PaperRevision,
    PaperIdentifier,
    PaperMerge,
    ProjectRevision,
    UnitRevision,
    Candidate,
    CandidateRevision,
    TextReading,
    SecondReading,
    SecondReadingPause,
    HarvestPage,
    PastTotal,
    DeskTally,
)
"""What reports read that grows with every change; a decision that is taken back is a new decision."""

_ENDINGS = (
    (PaperMerge, PaperMerge.undone_at),
    (SecondReading, SecondReading.ended_at),
    (Campaign, Campaign.released_at),
    (Campaign, Campaign.closed_at),
    (Campaign, Campaign.purged_at),
)
"""What ends in place, in tables of a few thousand rows."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Two that are equal saw the same facts, if ``under_way`` of the earlier have not ended since (``is_of_now``).

    ``under_way``: transactions that were writing at the moment. PostgreSQL hands out row numbers before it commits, so
    one of them may add a row with a smaller number than the newest that was seen. SQLite has one writer and none of it.
    """

    newest: tuple[object, ...]
    under_way: frozenset[str] = frozenset()

    def is_of_now(self, now: Fingerprint) -> bool:
        """Whether what was counted under this fingerprint still holds under the one of now."""
        return self.newest == now.newest and self.under_way <= now.under_way


def fingerprint(session: Session) -> Fingerprint:
    """Take the fingerprint of what is stored. Take it before reading the facts: then it can only be too old."""
    under_way: frozenset[str] = frozenset()
    if session.get_bind().dialect.name == "postgresql":
        _, _, writers = str(session.execute(sa.text("SELECT pg_current_snapshot()::text")).scalar_one()).split(":")
        under_way = frozenset(writers.split(",")) - {""}
    newest = [sa.select(sa.func.max(col(table.id))).scalar_subquery() for table in _HISTORIES]
    ended = [
        sa.select(sa.func.count()).select_from(table).where(col(column).is_not(None)).scalar_subquery()
        for table, column in _ENDINGS
    ]
    others = [
        sa.select(sa.func.sum(col(DeskTally.papers))).where(col(DeskTally.facet) == "all").scalar_subquery(),
        sa.select(sa.func.count()).select_from(Campaign).where(col(Campaign.is_released)).scalar_subquery(),
        sa.select(sa.func.count()).select_from(Answer).scalar_subquery(),
        sa.select(sa.func.max(col(HarvestCursor.updated_at))).scalar_subquery(),
        # A candidate that is proposed no more gets no new row: it is withdrawn when its paper is matched again.
        sa.select(sa.func.max(col(PaperMatch.matched_at))).scalar_subquery(),
        sa.select(sa.func.max(col(AuditEntry.id)))
        .where(col(AuditEntry.action) == RELATION_WITHDRAWN)
        .scalar_subquery(),
        sa.select(sa.func.max(col(JobRun.id)))
        .where(col(JobRun.job).in_(("match", "rematch")), col(JobRun.outcome) == Outcome.SUCCEEDED)
        .scalar_subquery(),
    ]
    return Fingerprint(tuple(session.execute(sa.select(*newest, *ended, *others)).one()), under_way)
