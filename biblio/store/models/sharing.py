"""Who does what at the desk: claims, rules that assign to libraries, escalations, and second readings.

All are histories: a row ends, it is never deleted or overwritten.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, live_index, moment
from biblio.store.words import ClaimEnd, RelationKind, Verdict


class Claim(SQLModel, table=True):
    """A person works on a paper, from ``claimed_at`` until ``ended_at``; without one it lapses at ``until``.

    ``given_by_id``: who handed it over, with ``note``; None where the holder took it.
    """

    __tablename__ = "claim"
    __table_args__ = (live_index("uq_claim_live", "paper_id", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    holder_id: int = Field(foreign_key="user_account.id", index=True)
    given_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    note: str = ""
    claimed_at: datetime = Field(sa_column=moment(index=True))
    until: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True, index=True))
    end: ClaimEnd | None = Field(default=None, sa_column=choice(ClaimEnd, name="claim_end", nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class LibraryRule(SQLModel, table=True):
    """Papers of this journal, or from this source, are one library's; a rule that names both wants both ("": any)."""

    __tablename__ = "library_rule"
    __table_args__ = (live_index("uq_library_rule_live", "journal", "source", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    library: str = Field(max_length=64)
    journal: str = ""
    source: str = Field(default="", max_length=32)
    made_by_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class LibraryAssignment(SQLModel, table=True):
    """A person gave one paper to a library, whatever the rules say."""

    __tablename__ = "library_assignment"
    __table_args__ = (live_index("uq_library_assignment_live", "paper_id", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    library: str = Field(max_length=64)
    note: str = ""
    made_by_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class SecondReading(SQLModel, table=True):
    """A decision that was drawn for a second reader, who must not see it before both have judged.

    Open while ``ended_at`` is None. ``verdict`` and ``relation`` are the second reader's; ``agrees`` is known with
    them. ``first_relation`` is how the paper related when the first reader had decided. The first verdict stays in
    force. Ended without a verdict: the decision was taken back or changed, or a head librarian called it off.
    """

    __tablename__ = "second_reading"
    __table_args__ = (sa.Index("ix_second_reading_open", "ended_at", "paper_id"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    decision_id: int = Field(foreign_key="decision.id", unique=True)
    first_reader_id: int = Field(foreign_key="user_account.id")
    first_relation: RelationKind | None = Field(
        default=None, sa_column=choice(RelationKind, name="first_relation", nullable=True)
    )
    drawn_at: datetime = Field(sa_column=moment())
    second_reader_id: int | None = Field(default=None, foreign_key="user_account.id")
    verdict: Verdict | None = Field(default=None, sa_column=choice(Verdict, name="verdict", nullable=True))
    relation: RelationKind | None = Field(default=None, sa_column=choice(RelationKind, name="relation", nullable=True))
    reason: str = ""
    shown_for_s: float | None = None
    agrees: bool | None = None
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class SecondReadingPause(SQLModel, table=True):
    """Between these two moments a second reading was called off; since ``resumed_at`` it is as if it never had been.

    Whether it is called off now its own row says.
    """

    __tablename__ = "second_reading_pause"
    id: int | None = Field(default=None, primary_key=True)
    reading_id: int = Field(foreign_key="second_reading.id", index=True)
    called_off_at: datetime = Field(sa_column=moment())
    called_off_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    resumed_at: datetime = Field(sa_column=moment())
    resumed_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class Escalation(SQLModel, table=True):
    """A paper that the head librarian is to settle: a person asked, or two readers disagreed (``second_reading_id``)."""

    __tablename__ = "escalation"
    __table_args__ = (live_index("uq_escalation_live", "paper_id", where="settled_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    second_reading_id: int | None = Field(default=None, foreign_key="second_reading.id")
    reason: str = ""
    raised_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    raised_at: datetime = Field(sa_column=moment())
    settled_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    settled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    words: str = ""
    """What the head librarian said when settling it."""
