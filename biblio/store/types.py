"""Column types and constraint names that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC. SQLite gives times back without a zone; this type refuses naive ones and restores it."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Store as UTC. Raises ``ValueError`` for a moment without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("moments are stored aware, with a time zone; this one has none")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the zone back that SQLite drops."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def choice(enum: type[StrEnum], *, name: str, nullable: bool = False, index: bool = False) -> Any:
    """Return a column that holds an enum by value, checked by the database (``native_enum`` would need migrations)."""
    kind = sa.Enum(
        enum,
        name=name,
        native_enum=False,
        length=32,
        create_constraint=False,  # a new word must not need a migration of every column that may hold it
        validate_strings=True,
        values_callable=lambda members: [m.value for m in members],
    )
    return sa.Column(kind, nullable=nullable, index=index)


def live_index(name: str, *columns: str, where: str) -> sa.Index:
    """Return a unique index over the rows that match ``where`` only, spelled for both databases."""
    return sa.Index(name, *columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def moment(*, nullable: bool = False, index: bool = False) -> Any:
    """Return a column for an aware moment."""
    return sa.Column(UTCDateTime(), nullable=nullable, index=index)


def json_column(*, nullable: bool = False) -> Any:
    """Return a column for plain JSON."""
    return sa.Column(sa.JSON(none_as_null=True), nullable=nullable)
