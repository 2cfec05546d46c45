"""What the machine last matched, and the desk's queue. Both are worked out of other tables and can be made anew."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, moment
from biblio.store.words import Band


class PaperMatch(SQLModel, table=True):
    """What a paper was last matched with: a hash of its facts, its readings, the project list and the rules.

    A paper is matched again when the hash of what is in force now differs. Committed together with the candidates.
    """

    __tablename__ = "paper_match"
    paper_id: int = Field(primary_key=True, foreign_key="paper.id")
    digest: str = Field(max_length=64)
    matched_at: datetime = Field(sa_column=moment())


class DeskItem(SQLModel, table=True):
    """One paper that waits for a person, with what the queue sorts and filters by, so that one index serves a page.

    ``why`` says what hangs on it and ``rank`` orders by that, 1 first (see ``biblio/verify/queue.py``); ``doubt`` is
    how far the best score is from one half (small: uncertain). ``is_shown``: in the queue unless asked otherwise.
    ``lot`` is a number from 0 to 1 drawn by the paper's id: the lowest are the random sample that is asked about to keep
    figures honest.
    """

    __tablename__ = "desk_item"
    __table_args__ = (
        sa.Index("ix_desk_item_order", "is_shown", "rank", "doubt", "waiting_since", "paper_id"),
        sa.Index("ix_desk_item_band", "is_shown", "band"),
        sa.Index("ix_desk_item_press", "is_shown", "is_at_press"),
        sa.Index("ix_desk_item_journal", "is_shown", "journal"),
        sa.Index("ix_desk_item_source", "is_shown", "source"),
        sa.Index("ix_desk_item_score", "is_shown", "score", "paper_id"),
        sa.Index("ix_desk_item_doubt", "is_shown", "doubt", "paper_id"),
        sa.Index("ix_desk_item_lot", "lot", "paper_id"),
        sa.Index("ix_desk_item_library", "is_shown", "library"),
    )
    paper_id: int = Field(primary_key=True, foreign_key="paper.id")
    candidate_id: int | None = Field(default=None, foreign_key="candidate.id", index=True)
    open_count: int = 0
    band: Band | None = Field(default=None, sa_column=choice(Band, name="band", nullable=True))
    score: float | None = None
    why: str = Field(max_length=16)
    rank: int = 9
    doubt: float = 0.5
    waiting_since: datetime = Field(sa_column=moment())
    is_shown: bool = True
    is_at_press: bool = False
    look_again: bool = False
    has_text: bool = False
    source: str | None = Field(default=None, max_length=32)
    journal: str | None = None
    year: int | None = None
    cycle: str | None = Field(default=None, max_length=32)
    partner: str | None = Field(default=None, max_length=32)
    lot: float = 1.0
    library: str | None = Field(default=None, max_length=64)
    """The library whose turn it is: by hand, else by rule, else the partner's."""
    language: str | None = Field(default=None, max_length=8)
    """ISO 639-1 code of the paper's language; None: not known."""
    published_on: date | None = None
    """The journal's date, else the first preprint's."""
    press_on: date | None = None
    """When a preprint is expected in print; None where it is not about to go to press."""
    is_escalated: bool = False
