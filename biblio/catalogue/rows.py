"""Writing very many rows of one table at once, the same on both databases.

A page of 1,000 papers has 5,300 authors. SQLAlchemy's bulk insert looks every column of every row up and binds it
anew, which took three times as long as SQLite's own work; here a table's statement is made once, and rows are tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from json import JSONEncoder
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

encoded = JSONEncoder(ensure_ascii=False, sort_keys=True).encode
"""Plain JSON as text, one text for equal values: what JSON columns are given here, and what digests are made of."""


@dataclass(frozen=True, slots=True)
class _Insert:
    """One table's statement, and for each column what turns a value into one the driver takes (None: nothing)."""

    statement: str
    binders: tuple[Callable[[Any], Any] | None, ...]


def insert_rows(
    session: Session, model: type[SQLModel], names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write rows of ``model``, each a tuple of the values of the columns ``names``; JSON columns take ``encoded`` text."""
    if not rows:
        return
    session.flush()
    connection = session.connection()
    plan = _plan(model, names, connection.dialect)
    columns = [
        values if bind is None else list(map(cache(bind), values))
        for bind, values in zip(plan.binders, zip(*rows, strict=True), strict=True)
    ]
    if connection.dialect.name == "postgresql":
        # One statement with an array per column: a statement per row costs PostgreSQL more than the row.
        connection.exec_driver_sql(plan.statement, tuple(list(values) for values in columns))
    elif any(plan.binders):
        connection.exec_driver_sql(plan.statement, list(zip(*columns, strict=True)))
    else:
        connection.exec_driver_sql(plan.statement, list(rows))


def _plan(model: type[SQLModel], names: tuple[str, ...], dialect: sa.Dialect) -> _Insert:
    key = (model, names, dialect.name)
    if key not in _plans:
        _plans[key] = _planned(model, names, dialect)
    return _plans[key]


_plans: dict[tuple[type[SQLModel], tuple[str, ...], str], _Insert] = {}


def _planned(model: type[SQLModel], names: tuple[str, ...], dialect: sa.Dialect) -> _Insert:
    table = model.__table__  # type: ignore[attr-defined]
    types = [table.c[name].type for name in names]
    binders = tuple(None if isinstance(t, sa.JSON) else t.dialect_impl(dialect).bind_processor(dialect) for t in types)
    listed = [dialect.identifier_preparer.quote(name) for name in names]
    # Only names of our own tables and columns go into the text; every value is bound.
    into = f"INSERT INTO {table.name} ({', '.join(listed)})"
    if dialect.name != "postgresql":
        return _Insert(f"{into} VALUES ({', '.join('?' * len(names))})", binders)
    # %b: psycopg quotes an array of long texts in 450 ms where it hands it over in binary form in 75.
    given = ", ".join(f"%b::{_array_type(t, dialect)}[]" for t in types)
    taken = ", ".join(f"{n}::json" if isinstance(t, sa.JSON) else n for n, t in zip(listed, types, strict=True))
    return _Insert(f"{into} SELECT {taken} FROM unnest({given}) AS given ({', '.join(listed)})", binders)  # noqa: S608


def _array_type(kind: Any, dialect: sa.Dialect) -> str:
    """Return the type in which a column's values are handed over.

    Texts come without their length: a cast to VARCHAR(32) would cut a longer one off without a word, where the
    column refuses it.
    """
    plain = kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind
    return "text" if isinstance(plain, (sa.JSON, sa.String)) else str(plain.compile(dialect=dialect))
