"""A PostgreSQL database that every test finds empty, as a new one would be, in a tenth of the time."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

_SHAPE = """
SELECT md5(string_agg(part, '|' ORDER BY part)) FROM (
  SELECT c.relname || ' ' || a.attname || ' ' || a.atttypid || ' ' || a.attnotnull AS part
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
  UNION ALL SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT conrelid::regclass || ' ' || conname FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'version ' || version_num FROM alembic_version
) AS parts
"""
"""What tells one schema from another: a test that migrates leaves another, and the database is made anew."""


_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_NUMBERS = """
SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
"""


class PostgresDatabase:
    """One database on ``server``, a copy of ``template``; ``fresh`` gives it as the template is.

    It is emptied through one connection that is kept: a new one learns every table anew, which takes longer.
    """

    def __init__(self, server: sa.URL, template: str) -> None:
        self._server, self._template = server, template
        self._name: str | None = None
        self._engine: sa.Engine | None = None
        self._shape: str | None = None
        self._tables: list[str] = []

    def fresh(self) -> str:
        """Return the address of the database, empty; nobody else is connected to it."""
        if self._engine is None or not self._emptied(self._engine):
            self._make()
        return self._url().render_as_string(hide_password=False)

    def drop(self) -> None:
        """Remove the database from the server."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._name is not None:
            self._administer(f'DROP DATABASE "{self._name}" WITH (FORCE)')
            self._name = None

    def _url(self) -> sa.URL:
        return self._server.set(database=self._name)

    def _make(self) -> None:
        self.drop()
        self._name = f"test_{uuid.uuid4().hex[:12]}"
        self._administer(f'CREATE DATABASE "{self._name}" TEMPLATE "{self._template}"')
        self._engine = sa.create_engine(self._url(), pool_size=1, pool_pre_ping=True)
        with self._engine.connect() as connection:
            self._shape = connection.execute(sa.text(_SHAPE)).scalar_one()
            tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
            names = connection.execute(sa.text(tables)).scalars()
            self._tables = [name for name in names if name != "alembic_version"]

    def _emptied(self, engine: sa.Engine) -> bool:
        """Empty every table and begin all numbers anew; false where that cannot be done, or the schema is another."""
        try:
            with engine.begin() as connection:
                connection.execute(sa.text(_OTHERS))
                connection.execute(
                    sa.text("SET LOCAL session_replication_role = replica")
                )  # no trigger, no foreign key
                if connection.execute(sa.text(_SHAPE)).scalar_one() != self._shape:
                    return False
                held = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in self._tables)
                for name in connection.execute(sa.text(held)).scalars().all():
                    connection.execute(sa.text(f"DELETE FROM {name}"))
                connection.execute(sa.text(_NUMBERS))
        except sa.exc.DBAPIError:  # a schema that a test has broken, or a server where we may not do so
            return False
        return True

    def _administer(self, statement: str) -> None:
        engine = sa.create_engine(self._server.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()
