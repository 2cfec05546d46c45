"""Campaigns, invitations, the sealed ballot box, and answers that belong to nobody.

Nothing here ties an answer to an invitation: ballots and answers have random keys and no time, their tables keep no
order on SQLite (WITHOUT ROWID), and an invitation knows only whether it was used.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import json_column, live_index, moment


class Campaign(SQLModel, table=True):
    """One round of asking. Its state (draft, open, paused, closed) is computed from the moments below."""

    __tablename__ = "campaign"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=100)
    created_at: datetime = Field(sa_column=moment())
    created_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    as_of: date
    public_key: str = Field(max_length=64)
    questionnaire: dict[str, Any] = Field(sa_column=json_column())
    letters: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    """The texts of invitation and reminder as they were when the campaign was made: {name: {subject, body}}."""
    opened_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closes_on: date | None = None
    paused_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    released_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    key_destroyed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ballots_read: int | None = None
    """How many ballots became answers when the box was opened."""
    ballots_unreadable: int | None = None
    """How many ballots could not be opened or held nonsense; they are counted and lost."""
    ballots_destroyed: int | None = None
    """How many ballots were destroyed unread because too few persons had answered."""
    persons_asked_before: int | None = None
    """Of a campaign taken over from earlier times: how many persons were asked (its invitations are not known)."""


class Invitation(SQLModel, table=True):
    """One project whose PI is asked in one campaign. It knows only whether its link was used, not when, not how."""

    __tablename__ = "invitation"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "project_id"),)
    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    recipient: str
    email: str = Field(max_length=254)
    token_hash: str = Field(unique=True, max_length=64)
    is_used: bool = False
    created_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When it was taken back before any letter told of it; it then does not count as asked."""
    withdrawn_reason: str | None = None


class WrongPerson(SQLModel, table=True):
    """Somebody who was asked told us that another person should be; for a librarian, apart from all answers."""

    __tablename__ = "wrong_person"
    id: int | None = Field(default=None, primary_key=True)
    invitation_id: int = Field(foreign_key="invitation.id", index=True)
    note: str = ""
    told_at: datetime = Field(sa_column=moment())
    handled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    handled_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class InvitationLetter(SQLModel, table=True):
    """Which letter told of which invitation: one letter may carry several links, and reminders follow."""

    __tablename__ = "invitation_letter"
    __table_args__ = (sa.UniqueConstraint("invitation_id", "outbox_mail_id"),)
    id: int | None = Field(default=None, primary_key=True)
    invitation_id: int = Field(foreign_key="invitation.id", index=True)
    outbox_mail_id: int = Field(foreign_key="outbox_mail.id", index=True)


class Ballot(SQLModel, table=True):
    """One sealed answer in the box: random key, no time, all of one length, readable only with the campaign's key."""

    __tablename__ = "ballot"
    __table_args__ = {"sqlite_with_rowid": False}
    id: str = Field(primary_key=True, max_length=32)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    sealed: bytes


class Answer(SQLModel, table=True):
    """One answer after the box was opened and shuffled: random key, no time, no project, no person."""

    __tablename__ = "answer"
    __table_args__ = {"sqlite_with_rowid": False}
    id: str = Field(primary_key=True, max_length=32)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    reason: int
    detail: str = ""
    comment: str = ""


class OptOut(SQLModel, table=True):
    """An address that never wants to be asked again, kept only as a keyed hash."""

    __tablename__ = "opt_out"
    address_hash: str = Field(primary_key=True, max_length=64)
    made_at: datetime = Field(sa_column=moment())


class SurveyExclusion(SQLModel, table=True):
    """A project that a person took off the list of those to ask, with the reason."""

    __tablename__ = "survey_exclusion"
    __table_args__ = (live_index("uq_survey_exclusion_live", "project_id", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    reason: str
    actor_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class AskedBefore(SQLModel, table=True):
    """A project whose PI was asked before biblio kept the list; it counts as asked."""

    __tablename__ = "asked_before"
    __table_args__ = (sa.UniqueConstraint("project_id", "asked_on"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    asked_on: date
    source: str
    learned_at: datetime = Field(sa_column=moment())
