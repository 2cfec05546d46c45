"""How Alembic runs our migrations: on the engine it is handed, one transaction per migration.

On SQLite the foreign keys are switched off before BEGIN (inside a transaction the pragma is ignored) and checked
afterwards: a batch migration of a parent table with foreign keys on once deleted every row that referred to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel

import biblio.store.models  # noqa: F401  (fills SQLModel.metadata)


def run() -> None:
    """Run the migrations that ``command`` asks for."""
    engine: sa.Engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            render_as_batch=True,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if is_sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            connection.rollback()
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = ON")  # type: ignore[union-attr]
            if broken:
                raise RuntimeError(f"rows refer to rows that are gone: {broken[:5]}")


run()
