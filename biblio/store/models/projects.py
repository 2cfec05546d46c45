"""Projects and their observation units. What can change is kept as revisions with the time we learned it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import json_column, live_index, moment


class Project(SQLModel, table=True):
    """One observing project. The facets follow from its code by the profile's grammar and never change with facts."""

    __tablename__ = "project"
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True, max_length=64)
    cycle: str | None = Field(default=None, index=True, max_length=32)
    call: str | None = Field(default=None, max_length=32)
    kind: str | None = Field(default=None, max_length=32)
    is_pi_project: bool = True
    first_seen_at: datetime = Field(sa_column=moment())


class ProjectRevision(SQLModel, table=True):
    """What was known of a project from ``learned_at`` until ``superseded_at`` (open: now)."""

    __tablename__ = "project_revision"
    __table_args__ = (live_index("uq_project_revision_current", "project_id", where="superseded_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    source: str = Field(max_length=32)
    learned_at: datetime = Field(sa_column=moment())
    superseded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    title: str | None = None
    abstract: str | None = None
    pi: str | None = Field(default=None, index=True)
    pi_email: str | None = Field(default=None, max_length=254)
    co_is: list[str] = Field(default_factory=list, sa_column=json_column())
    category: str | None = None
    keywords: list[str] = Field(default_factory=list, sa_column=json_column())
    targets: list[str] = Field(default_factory=list, sa_column=json_column())
    partner: str | None = Field(default=None, max_length=32)
    state: str | None = Field(default=None, max_length=64)
    extra: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())


class ObservationUnit(SQLModel, table=True):
    """One observation unit of a project (in some archives a member OUS)."""

    __tablename__ = "observation_unit"
    __table_args__ = (sa.UniqueConstraint("project_id", "uid"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    uid: str = Field(max_length=64)
    first_seen_at: datetime = Field(sa_column=moment())


class UnitRevision(SQLModel, table=True):
    """A unit's dates as known from ``learned_at`` on. ``released_on``: the day its data become everyone's."""

    __tablename__ = "unit_revision"
    __table_args__ = (live_index("uq_unit_revision_current", "unit_id", where="superseded_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="observation_unit.id", index=True)
    source: str = Field(max_length=32)
    learned_at: datetime = Field(sa_column=moment())
    superseded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    delivered_on: date | None = None
    released_on: date | None = None
    observed_on: date | None = None
    exposure_s: float | None = None


class ArchiveReference(SQLModel, table=True):
    """A paper that the archive itself lists for a project: a hint for the desk and for the due rule, not a link."""

    __tablename__ = "archive_reference"
    __table_args__ = (sa.UniqueConstraint("project_id", "bibcode"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    bibcode: str = Field(index=True, max_length=32)
    source: str = Field(max_length=32)
    learned_at: datetime = Field(sa_column=moment())
