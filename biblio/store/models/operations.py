"""What keeps the house running: people with logins, job runs, harvest pages, pace, quota, outgoing mail."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, json_column, live_index, moment
from biblio.store.words import MailState, Outcome, Role, Trigger


def new_session_stamp() -> str:
    """Return a stamp that no earlier session holds."""
    return secrets.token_hex(16)


class UserAccount(SQLModel, table=True):
    """A person with a login. Deactivated, never deleted: their decisions stay theirs."""

    __tablename__ = "user_account"
    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(unique=True, max_length=64)
    name: str
    email: str | None = Field(default=None, max_length=254)
    password_hash: str | None = None
    role: Role = Field(sa_column=choice(Role, name="role"))
    library: str | None = Field(default=None, max_length=64)
    is_active: bool = True
    created_at: datetime = Field(sa_column=moment())
    wants_digest: bool = False
    """Whether a mail tells them each morning what waits."""
    session_stamp: str = Field(default_factory=new_session_stamp, max_length=32)
    """Part of every session's cookie; changed when sessions must end: log-out, new password, new role."""


class AuditEntry(SQLModel, table=True):
    """Something done that leaves no trace elsewhere (logins, roles, settings of campaigns); never edited."""

    __tablename__ = "audit_entry"
    __table_args__ = (sa.Index("ix_audit_entry_action", "action", "made_at"),)
    id: int | None = Field(default=None, primary_key=True)
    made_at: datetime = Field(sa_column=moment(index=True))
    actor_id: int | None = Field(default=None, foreign_key="user_account.id")
    action: str = Field(max_length=64)
    subject: str
    details: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())


class JobRun(SQLModel, table=True):
    """One attempt to run a job. One row per job may be running; one scheduled success per (job, period)."""

    __tablename__ = "job_run"
    __table_args__ = (
        live_index("uq_job_run_running", "job", where="outcome = 'running'"),
        live_index("uq_job_run_period", "job", "period", where="outcome = 'succeeded' AND started_by = 'schedule'"),
    )
    id: int | None = Field(default=None, primary_key=True)
    job: str = Field(index=True, max_length=64)
    period: str | None = Field(default=None, max_length=32)
    started_by: Trigger = Field(sa_column=choice(Trigger, name="started_by"))
    actor_id: int | None = Field(default=None, foreign_key="user_account.id")
    arguments: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    outcome: Outcome = Field(sa_column=choice(Outcome, name="outcome"))
    started_at: datetime = Field(sa_column=moment(index=True))
    lease_until: datetime = Field(sa_column=moment())
    holder: str = Field(default="", max_length=128)
    """host:process that runs it, so that a run whose process died can be taken over at once."""
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    progress: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    """Of a running job: ``what`` it does, ``done`` of ``total`` (null: not known), ``at`` which moment."""
    error: str | None = None
    version: str = Field(max_length=32)


class HarvestCursor(SQLModel, table=True):
    """Where a source goes on; committed together with the records of the page before it."""

    __tablename__ = "harvest_cursor"
    source: str = Field(primary_key=True, max_length=64)
    cursor: dict[str, Any] = Field(sa_column=json_column())
    updated_at: datetime = Field(sa_column=moment())
    asked_for: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    """What the place belongs to (``store.asked_for``): where the profile asks for more, the place is no use."""
    tally: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    """What the reading that is under way has given so far (``limits.Tally``), and the last whole one in all."""


class HarvestPage(SQLModel, table=True):
    """One answer of a service: what was asked, promised and got."""

    __tablename__ = "harvest_page"
    id: int | None = Field(default=None, primary_key=True)
    job_run_id: int | None = Field(default=None, foreign_key="job_run.id", index=True)
    source: str = Field(max_length=32, index=True)
    place: str
    payload_sha256: str = Field(foreign_key="payload.sha256", max_length=64)
    content_type: str = Field(max_length=128)
    fetched_at: datetime = Field(sa_column=moment(index=True))
    promised: int | None = None
    records: int = 0
    refused: int = 0
    ignored: int = 0
    new: int = 0
    changed: int = 0
    window_from: date | None = None
    window_to: date | None = None
    is_last: bool = False
    next_cursor: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    """Where the harvest went on after this page; some pages cannot be parsed again without it."""
    asked_for: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    """What the page was part of (``store.asked_for``); None where a source is asked for all it has."""


class HarvestRefusal(SQLModel, table=True):
    """Something that could not be read: which, where and why."""

    __tablename__ = "harvest_refusal"
    id: int | None = Field(default=None, primary_key=True)
    job_run_id: int | None = Field(default=None, foreign_key="job_run.id", index=True)
    source: str = Field(max_length=32, index=True)
    place: str
    key: str | None = None
    reason: str
    refused_at: datetime = Field(sa_column=moment())


class PaceTurn(SQLModel, table=True):
    """Whose turn it is to ask a service, over all processes."""

    __tablename__ = "pace_turn"
    service: str = Field(primary_key=True, max_length=32)
    holder: str | None = Field(default=None, max_length=64)
    held_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    next_at: datetime = Field(sa_column=moment())


class Quota(SQLModel, table=True):
    """What a service says is left of today's requests, per endpoint."""

    __tablename__ = "quota"
    service: str = Field(primary_key=True, max_length=32)
    endpoint: str = Field(primary_key=True, max_length=64)
    allowed: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    read_at: datetime = Field(sa_column=moment())


class RequestCount(SQLModel, table=True):
    """How many requests we sent to one endpoint of a service on one day (UTC), by our own count."""

    __tablename__ = "request_count"
    service: str = Field(primary_key=True, max_length=32)
    endpoint: str = Field(primary_key=True, max_length=64)
    day: date = Field(primary_key=True)
    requests: int = 0
    refused: int = 0
    """Answered 429: the service said that it was asked too often."""
    failed: int = 0
    """Answered 5xx, broken, or not at all."""


class ExpectedCount(SQLModel, table=True):
    """How many records a service says it has for our searches in one part (a journal's bibstem) and year."""

    __tablename__ = "expected_count"
    source: str = Field(primary_key=True, max_length=32)
    part: str = Field(primary_key=True, max_length=64)
    year: int = Field(primary_key=True)
    expected: int
    counted_at: datetime = Field(sa_column=moment())


class OutboxMail(SQLModel, table=True):
    """A letter to be sent, written in the transaction that wants it. ``key`` says what it is for and never repeats."""

    __tablename__ = "outbox_mail"
    __table_args__ = (sa.Index("ix_outbox_mail_state_kind", "state", "kind"),)
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=128)
    message_id: str = Field(unique=True, max_length=255)
    kind: str = Field(max_length=32)
    recipient: str
    email: str = Field(max_length=254)
    subject: str
    body: str
    headers: dict[str, str] = Field(default_factory=dict, sa_column=json_column())
    state: MailState = Field(sa_column=choice(MailState, name="mail_state"))
    created_at: datetime = Field(sa_column=moment())
    not_before: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """Not tried again before this moment, after a server said "later"."""
    attempts: int = 0
    claimed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    claimed_by: str | None = Field(default=None, max_length=160)
    """host:process:random of the sender, so that a dead sender's row is found at once."""
    transport: str | None = Field(default=None, max_length=8)
    """How the sender that claimed it sends: "smtp" or "folder"."""
    sent_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reason: str | None = None


class MailBounce(SQLModel, table=True):
    """A mail server's word that one of our letters did not arrive; known by its bytes, so read twice it counts once.

    ``address_hash`` outlives the letter's address. A hard bounce marks its address until somebody says that it works.
    """

    __tablename__ = "mail_bounce"
    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(unique=True, max_length=64)
    """SHA-256 of the message that told, and of the recipient it told of."""
    outbox_mail_id: int = Field(foreign_key="outbox_mail.id", index=True)
    address_hash: str = Field(index=True, max_length=64)
    key_id: str = Field(max_length=16)
    is_hard: bool
    """The server will never take it (action "failed", status 5.x.x); else it was late or the mailbox was full."""
    status: str = Field(default="", max_length=16)
    words: str = Field(default="", max_length=500)
    """What the server said; erased with the campaign's addresses."""
    told_at: datetime = Field(sa_column=moment())
    learned_at: datetime = Field(sa_column=moment())
    outcome: str | None = Field(default=None, max_length=8)
    """A librarian's word: "dead" or "works"; None while nobody has looked."""
    handled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    handled_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class ReportSnapshot(SQLModel, table=True):
    """A report frozen on a day, never changed or deleted (the database refuses it).

    Snapshots of before migration 0020 have figures alone: no document, no version. Lists read the columns they show, as
    ``document`` may have megabytes.
    """

    __tablename__ = "report_snapshot"
    __table_args__ = (live_index("uq_report_snapshot_recipe", "recipe", "period", where="recipe IS NOT NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    as_of: date
    made_at: datetime = Field(sa_column=moment())
    figures: dict[str, Any] = Field(sa_column=json_column())
    """The numbers of the first page by their address; of a snapshot of before by their indicator."""
    made_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    """Who froze it; None: a command, or the machine by a recipe."""
    recipe: str | None = Field(default=None, max_length=64)
    period: str | None = Field(default=None, max_length=32)
    """Which of the recipe's periods it is of: it is made once for each."""
    version: str | None = Field(default=None, max_length=32)
    """Of biblio, that built it."""
    profile_hash: str | None = Field(default=None, max_length=64)
    sha256: str | None = Field(default=None, max_length=64)
    """Of the canonical JSON, before it is compressed."""
    document: bytes | None = Field(default=None, sa_column=sa.Column(sa.LargeBinary(), nullable=True))
    """The canonical JSON (``reports.snapshots.canonical``), compressed."""
    undecided: dict[str, int] | None = Field(default=None, sa_column=json_column(nullable=True))
    """What waited at the desk, by band."""


class ObservatoryChoice(SQLModel, table=True):
    """Which profile this database belongs to; one row. Another profile is refused at start."""

    __tablename__ = "observatory_choice"
    __table_args__ = (sa.CheckConstraint("id = 1", "one_row"),)
    id: int = Field(default=1, primary_key=True)
    profile: str = Field(max_length=64)
    chosen_at: datetime = Field(sa_column=moment())
