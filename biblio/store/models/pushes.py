"""What we put into libraries of other services, so that we take out what we put in and nothing else."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from biblio.store.types import live_index, moment


class LibraryPush(SQLModel, table=True):
    """One bibcode that we put, or were about to put, into a library of ADS that did not hold it.

    Written before ADS is asked; ``pushed_at`` None: whether it arrived is seen when the library is next read.
    ``ended_at``: it is no longer there, or is there under another bibcode.
    """

    __tablename__ = "library_push"
    __table_args__ = (live_index("uq_library_push_live", "library", "bibcode", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    library: str = Field(max_length=40)
    bibcode: str = Field(max_length=32)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    job_run_id: int | None = Field(default=None, foreign_key="job_run.id", index=True)
    asked_at: datetime = Field(sa_column=moment())
    pushed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ending: str | None = Field(default=None, max_length=16)
    """"removed" by us, "gone" when we looked, "renamed" by ADS, "refused"."""
