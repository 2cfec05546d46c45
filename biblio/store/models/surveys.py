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
    stratify_by: str | None = Field(default=None, max_length=16)
    """What the answers are also counted by: category, cycle or partner; None: by nothing. Fixed when it is made."""
    minimum_persons: int = Field(default=5)
    """How many distinct persons a released batch and each of its strata must come from; fixed when it is made."""
    wave_persons: int = Field(default=0)
    """The box is opened during the campaign each time so many more persons have answered; 0: at its end only."""
    public_key: str = Field(max_length=64)
    questionnaire: dict[str, Any] = Field(sa_column=json_column())
    letters: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    """The texts of invitation and reminder as they were when the campaign was made: {name: {subject, body}}."""
    opened_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closes_on: date | None = None
    paused_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    released_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the box was opened last: for a wave, or for good."""
    is_released: bool = False
    """Whether the box was opened for good; a fact of its own, because clocks of two machines can be set apart."""
    key_destroyed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ballots_read: int | None = None
    """How many ballots became answers when the box was opened."""
    ballots_unreadable: int | None = None
    """How many ballots could not be opened or held nonsense; they are counted and lost."""
    ballots_destroyed: int | None = None
    """How many ballots were destroyed unread because too few persons had answered."""
    counts: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    """What became of the invitations, frozen at closing, so that erasing addresses loses no figure."""
    past: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    """Of a campaign taken over from earlier times: its totals, as its source gives them; None for our own."""
    purged_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the addresses and letters of a closed campaign were erased."""


class CampaignStratum(SQLModel, table=True):
    """One of the groups that a campaign's answers are counted by, named before anybody answered.

    The counts are frozen at closing. ``reported_as`` is the name under which its answers stand: its own, or that of the
    strata it was merged with because too few persons of it answered; None until the box was opened, or when the
    answers stand under no stratum.
    """

    __tablename__ = "campaign_stratum"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    name: str = Field(max_length=120)
    reported_as: str | None = Field(default=None, max_length=2000)
    counts: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))


class Invitation(SQLModel, table=True):
    """One project whose PI is asked in one campaign. It knows only whether its link was used, not when, not how."""

    __tablename__ = "invitation"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "project_id"),)
    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    recipient: str
    email: str = Field(max_length=254)
    nonce: str = Field(max_length=32)
    """Random; the link is made from it, the number of the invitation and the server's secret."""
    token_hash: str = Field(unique=True, max_length=64)
    stratum: str | None = Field(default=None, max_length=120)
    is_used: bool = False
    is_released: bool = False
    """Whether the box it voted into was opened: true of all used invitations of a release at once."""
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
    """One choice after the box was opened and shuffled: random key, no time, no project, no person, no comment."""

    __tablename__ = "answer"
    __table_args__ = {"sqlite_with_rowid": False}
    id: str = Field(primary_key=True, max_length=32)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    stratum: str | None = Field(default=None, max_length=2000)
    question: str = Field(max_length=40)
    choice: int
    word: str = ""


class Comment(SQLModel, table=True):
    """One free text after the box was opened, shuffled apart from the choices: nothing tells whose choice it goes with."""

    __tablename__ = "comment"
    __table_args__ = {"sqlite_with_rowid": False}
    id: str = Field(primary_key=True, max_length=32)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    question: str = Field(max_length=40)
    words: str


class CommentTag(SQLModel, table=True):
    """A reader's word on what a comment is about."""

    __tablename__ = "comment_tag"
    __table_args__ = (live_index("uq_comment_tag_live", "comment_id", "tag", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    comment_id: str = Field(foreign_key="comment.id", index=True, max_length=32)
    tag: str = Field(max_length=40)
    made_by_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class PastTotal(SQLModel, table=True):
    """How often one choice was made in a campaign taken over from earlier times."""

    __tablename__ = "past_total"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "question", "choice"),)
    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    question: str = Field(max_length=40)
    choice: int
    answers: int


class OptOut(SQLModel, table=True):
    """An address that never wants to be asked again, kept only as a keyed hash; ``key_id`` tells which key."""

    __tablename__ = "opt_out"
    address_hash: str = Field(primary_key=True, max_length=64)
    key_id: str = Field(max_length=16)
    made_at: datetime = Field(sa_column=moment())


class AskingAgain(SQLModel, table=True):
    """A manager's leave to ask about a project once more, with the reason; it holds for one further asking."""

    __tablename__ = "asking_again"
    __table_args__ = (live_index("uq_asking_again_live", "project_id", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    reason: str
    actor_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When it was taken back, or the project was asked about again."""
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")


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
