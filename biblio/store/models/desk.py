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


_QUEUE = ("rank", "doubt", "waiting_since", "paper_id")
"""The queue's order, at the end of each index that it is filtered by: a page then comes out of one index, sorted."""

_FILTERS = (
    "is_shown", "library", "band", "has_text", "source", "journal", "cycle", "year", "language", "is_at_press",
    "is_escalated", "look_again", "why", "published_on", *_QUEUE,
)  # fmt: skip
"""All that the queue is filtered by: rows that match several filters are counted without reading the table."""


class DeskItem(SQLModel, table=True):
    """One paper that waits for a person, with what the queue sorts and filters by, so that one index serves a page.

    ``why`` says what hangs on it and ``rank`` orders by that, 1 first (see ``biblio/verify/queue/items.py``); ``doubt`` is
    how far the best score is from one half (small: uncertain). ``is_shown``: in the queue unless asked otherwise.
    ``lot`` is a number from 0 to 1 drawn by the paper's id: the lowest are the random sample that is asked about to keep
    figures honest.
    """

    __tablename__ = "desk_item"
    __table_args__ = (
        sa.Index("ix_desk_item_order", "is_shown", *_QUEUE),
        sa.Index("ix_desk_item_waiting", "is_shown", "waiting_since", "paper_id"),
        sa.Index("ix_desk_item_score", "is_shown", "score", "paper_id"),
        sa.Index("ix_desk_item_press_on", "is_shown", "press_on", "paper_id"),
        sa.Index("ix_desk_item_doubt", "is_shown", "doubt", "paper_id"),
        sa.Index("ix_desk_item_lot", "lot", "paper_id"),
        sa.Index("ix_desk_item_band", "is_shown", "band", *_QUEUE),
        sa.Index("ix_desk_item_source", "is_shown", "source", *_QUEUE),
        sa.Index("ix_desk_item_journal", "is_shown", "journal", *_QUEUE),
        sa.Index("ix_desk_item_cycle", "is_shown", "cycle", *_QUEUE),
        sa.Index("ix_desk_item_year", "is_shown", "year", *_QUEUE),
        sa.Index("ix_desk_item_library", "is_shown", "library", *_QUEUE),
        sa.Index("ix_desk_item_language", "is_shown", "language", *_QUEUE),
        sa.Index("ix_desk_item_press", "is_shown", "is_at_press", *_QUEUE),
        sa.Index("ix_desk_item_escalated", "is_shown", "is_escalated", *_QUEUE),
        sa.Index("ix_desk_item_filters", *_FILTERS),
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


class DeskTally(SQLModel, table=True):
    """How many papers in the queue have a value: the sum of ``papers`` over all rows of it.

    A transaction that changes rows of ``desk_item`` adds the differences as rows of its own, so that nobody waits for
    anybody; now and then they are summed into one row each. ``facet`` is a column that is counted, or "all".
    """

    __tablename__ = "desk_tally"
    id: int | None = Field(default=None, primary_key=True)
    facet: str = Field(max_length=16)
    value: str = ""
    papers: int
