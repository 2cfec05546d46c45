"""Letters to authors before their article goes to press, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, json_column, live_index, moment
from biblio.store.words import ContactFault, ContactState


class Contact(SQLModel, table=True):
    """One letter about one fault of one paper to one person; open until ``ended_at``.

    ``arxiv_version`` is the version that had the fault; ``mended_in`` the version or record that no longer has it.
    """

    __tablename__ = "contact"
    __table_args__ = (
        live_index("uq_contact_open", "email", where="ended_at IS NULL"),
        sa.UniqueConstraint("paper_id", "fault", "email"),
    )
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    fault: ContactFault = Field(sa_column=choice(ContactFault, name="contact_fault"))
    codes: list[str] = Field(default_factory=list, sa_column=json_column())
    """Project codes that the letter asks the authors to name."""
    recipient: str
    email: str = Field(max_length=254)
    """Lower-case."""
    email_from: str = Field(max_length=16)
    """Where the address is from: "paper", "project" or "person"."""
    subject: str
    body: str
    state: ContactState = Field(sa_column=choice(ContactState, name="contact_state", index=True))
    arxiv_version: int | None = None
    outbox_mail_id: int | None = Field(default=None, foreign_key="outbox_mail.id", index=True)
    made_at: datetime = Field(sa_column=moment())
    made_by_id: int = Field(foreign_key="user_account.id")
    mended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    mended_in: str | None = Field(default=None, max_length=255)
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ContactEvent(SQLModel, table=True):
    """What happened to a contact: sent, answered, bounced, mended, ended. ``actor_id`` None: the machine noticed."""

    __tablename__ = "contact_event"
    id: int | None = Field(default=None, primary_key=True)
    contact_id: int = Field(foreign_key="contact.id", index=True)
    state: ContactState = Field(sa_column=choice(ContactState, name="contact_state"))
    at: datetime = Field(sa_column=moment())
    actor_id: int | None = Field(default=None, foreign_key="user_account.id")
    words: str = ""
    details: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
