"""Before an article goes to press: which preprints lack what, letters to their authors, and what became of these."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, json_column, live_index, moment
from biblio.store.words import ContactFault, ContactState


class Contact(SQLModel, table=True):
    """One letter about one fault of one paper to one person; open until ``ended_at``.

    ``arxiv_version`` is the version that had the fault; ``mended_in`` the version or record that no longer has it. A
    letter taken back before it left ("withdrawn") does not count: the person may be written to again.
    """

    __tablename__ = "contact"
    __table_args__ = (
        live_index("uq_contact_open", "email", where="ended_at IS NULL"),
        live_index("uq_contact_fault", "paper_id", "fault", "email", where="state <> 'withdrawn'"),
    )
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    fault: ContactFault = Field(sa_column=choice(ContactFault, name="contact_fault"))
    codes: list[str] = Field(default_factory=list, sa_column=json_column())
    """Project codes that the letter asks the authors to name."""
    recipient: str
    email: str = Field(max_length=254)
    """Case-folded."""
    email_from: str = Field(max_length=16)
    """Where the address is from: "paper", "project" or "person"."""
    subject: str
    body: str
    state: ContactState = Field(sa_column=choice(ContactState, name="contact_state", index=True))
    arxiv_version: int | None = None
    reading_id: int | None = Field(default=None, foreign_key="text_reading.id")
    """The reading that had the fault; only a later one can mend it."""
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


class ContactCase(SQLModel, table=True):
    """How a preprint that uses our data stands: what it lacks, as its newest reading says. Can be made anew any time.

    ``standing`` is a word of ``biblio.contacts.faults.Standing``; ``fault`` is given where that is "fault".
    """

    __tablename__ = "contact_case"
    __table_args__ = (sa.Index("ix_contact_case_standing", "standing", "press_on", "paper_id"),)
    paper_id: int = Field(primary_key=True, foreign_key="paper.id")
    standing: str = Field(max_length=16)
    fault: ContactFault | None = Field(
        default=None, sa_column=choice(ContactFault, name="contact_fault", nullable=True)
    )
    title: str
    journal: str | None = None
    """The journal that the authors name in the preprint's comment."""
    version: str | None = Field(default=None, max_length=32)
    """The version that was read, as in "2601.00001v1"."""
    press_on: date | None = None
    press_reason: str = ""
    is_judged: bool = False
    """Whether a librarian has said that it uses our data."""
    looked_at: datetime = Field(sa_column=moment())


class TextAddress(SQLModel, table=True):
    """An e-mail address printed in the title or author part of a text. ``is_marked``: as that of the corresponding author."""

    __tablename__ = "text_address"
    id: int | None = Field(default=None, primary_key=True)
    reading_id: int = Field(foreign_key="text_reading.id", index=True)
    ordinal: int
    email: str = Field(max_length=254)
    name: str = Field(default="", max_length=120)
    """The name printed with it; empty where none is."""
    is_marked: bool = False
    place: str = Field(max_length=255)


class PressMedian(SQLModel, table=True):
    """How many days papers take to print, of those in the store: from the preprint, or from the version "accepted".

    ``journal`` is the key of a journal's name (``biblio.catalogue.press_words.journal_key``), "" for all journals.
    """

    __tablename__ = "press_median"
    begins: str = Field(primary_key=True, max_length=16)
    """ "submitted" or "accepted"."""
    journal: str = Field(primary_key=True, max_length=255)
    days: int
    papers: int
    counted_at: datetime = Field(sa_column=moment())
