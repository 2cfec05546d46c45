"""The journals that the observatory reads, and journals that somebody suggests to read."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from biblio.store.types import choice, live_index, moment
from biblio.store.words import SuggestionOrigin, SuggestionState


class Journal(SQLModel, table=True):
    """A journal that somebody has begun or ceased to monitor, by its full name (``catalogue.journals.full_name``)."""

    __tablename__ = "journal"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    folded: str = Field(unique=True, max_length=255)
    """The name as it is compared, the same for all its spellings (``catalogue.journals.journal_key``)."""
    first_seen_at: datetime = Field(sa_column=moment())


class JournalWatch(SQLModel, table=True):
    """A journal is monitored from ``made_at`` until ``ended_at`` (open: now), because a person said so."""

    __tablename__ = "journal_watch"
    __table_args__ = (live_index("uq_journal_watch_live", "journal_id", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    journal_id: int = Field(foreign_key="journal.id", index=True)
    reason: str = ""
    made_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    """None: it stands in the observatory's profile."""
    made_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    ended_reason: str = ""


class JournalCoverage(SQLModel, table=True):
    """How far the papers of a journal are all here, as the weekly count of the literature service found it.

    ``complete_until``: nothing was missing of any year up to that day; None: something is missing of the first year.
    """

    __tablename__ = "journal_coverage"
    bibstem: str = Field(primary_key=True, max_length=64)
    complete_until: date | None = None
    missing: int = 0
    counted_at: datetime = Field(sa_column=moment())


class JournalSuggestion(SQLModel, table=True):
    """Somebody, or papers found elsewhere, suggest to monitor a journal. ``name`` as it was suggested."""

    __tablename__ = "journal_suggestion"
    __table_args__ = (live_index("uq_journal_suggestion_waiting", "folded", where="state = 'waiting'"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str
    folded: str = Field(max_length=255)
    """The name as it is compared (as ``Journal.folded``), so that one journal is suggested once."""
    origin: SuggestionOrigin = Field(sa_column=choice(SuggestionOrigin, name="suggestion_origin"))
    times: int = 1
    """How many answers or papers suggested it."""
    made_at: datetime = Field(sa_column=moment())
    state: SuggestionState = Field(sa_column=choice(SuggestionState, name="suggestion_state", index=True))
    reason: str = ""
    handled_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    handled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    journal_id: int | None = Field(default=None, foreign_key="journal.id")
