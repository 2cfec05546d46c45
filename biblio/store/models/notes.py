"""What librarians write on a paper for one another: notes and tags. Taken away, they stay in the history."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from biblio.store.types import live_index, moment


class PaperNote(SQLModel, table=True):
    """A note on a paper; never edited, only taken away."""

    __tablename__ = "paper_note"
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    text: str
    actor_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment(index=True))
    removed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    removed_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class PaperTag(SQLModel, table=True):
    """A tag on a paper: one word or a few, lower-case."""

    __tablename__ = "paper_tag"
    __table_args__ = (live_index("uq_paper_tag_live", "paper_id", "tag", where="removed_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    tag: str = Field(max_length=40, index=True)
    actor_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    removed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    removed_by_id: int | None = Field(default=None, foreign_key="user_account.id")
