"""Other lists of papers and projects, imported to be compared with ours, and what people did about the differences."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import json_column, live_index, moment


class ComparisonList(SQLModel, table=True):
    """One imported list: of another library, of ADS, of the archive. ``name`` says whose; a later import replaces it.

    A list that is being imported, or whose import broke off, is not in force: ``is_whole`` is false.
    """

    __tablename__ = "comparison_list"
    __table_args__ = (live_index("uq_comparison_list_current", "name", where="superseded_at IS NULL AND is_whole"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64)
    origin: str
    """The file or service it came from."""
    names_projects: bool = True
    """Whether the list says which projects a paper used."""
    imported_at: datetime = Field(sa_column=moment())
    imported_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    superseded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    is_whole: bool = False
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())


class ComparisonRow(SQLModel, table=True):
    """One paper of an imported list, by all the identifiers that the list gives; ``key`` is the first of them."""

    __tablename__ = "comparison_row"
    __table_args__ = (sa.UniqueConstraint("list_id", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    list_id: int = Field(foreign_key="comparison_list.id", index=True)
    key: str = Field(max_length=255)
    doi: str | None = Field(default=None, max_length=255)
    bibcode: str | None = Field(default=None, max_length=19)
    arxiv: str | None = Field(default=None, max_length=32)
    """As written, or as the bibcode of a preprint spells it."""
    codes: str = ""
    """Project codes in their one spelling, blanks between; a list may give one paper in several rows."""
    title: str | None = None
    year: int | None = None
    place: str
    """Where in the list it stands, e.g. "row 17"."""


class ComparisonAside(SQLModel, table=True):
    """A difference that a person looked at and set aside, with the reason; it stays so over later imports."""

    __tablename__ = "comparison_aside"
    __table_args__ = (live_index("uq_comparison_aside_live", "list_name", "subject", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    list_name: str = Field(max_length=64)
    subject: str = Field(max_length=400)
    """The difference: what kind, which identifier, which project code."""
    reason: str
    actor_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")
