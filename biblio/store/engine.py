"""The only place that makes a database engine, and the unit of work that every door opens.

SQLite: a default SQLAlchemy engine lost 120 of 160 concurrent read-change-write units *without an error*, because
each began deferred and read before it had the write lock. A writing unit here opens with BEGIN IMMEDIATE and the
journal is write-ahead, so writers queue and readers never wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlmodel import Session

from biblio.errors import StartRefused
from biblio.store.locks import mark_writer

SQLITE_BUSY_MS = 30_000
"""How long a SQLite writer waits for another one before it gives up."""

SQLITE_CACHE_KIB = 32 * 1024
"""Pages a connection may keep. SQLite's own 2 MiB make it read a page again for every look into a large index: judging
100,000 projects took a fifth longer."""

SQLITE_MAPPED_BYTES = 1 << 30
"""How much of the file may be read in place, without a copy of each page: a report of 50,000 papers takes a twentieth less
time. Writes go through the journal as ever. The pages belong to the system, though a process that reads them seems larger."""


def make_engine(url: str) -> sa.Engine:
    """Make the engine for ``url`` (sqlite:///… or postgresql+psycopg://…). The SQLite file and its folder are made.

    Raises ``StartRefused`` for an address that is none, of another database, or a file that cannot be written.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except sa.exc.ArgumentError as error:
        raise StartRefused(
            "BIBLIO_DATABASE_URL is no database address: sqlite:///… or postgresql+psycopg://…"
        ) from error
    if backend not in ("sqlite", "postgresql"):
        raise StartRefused(f"BIBLIO_DATABASE_URL names {backend!r}; biblio runs on sqlite and postgresql+psycopg.")
    if backend != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    if parsed.database and parsed.database != ":memory:":
        _make_file(Path(parsed.database))
    engine = sa.create_engine(parsed, hide_parameters=True)  # an error must not print addresses or answers
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)  # it holds addresses and password hashes; the journal beside it gets the same mode
    except OSError as error:
        raise StartRefused(
            f"The database {path} cannot be written ({error.strerror}). Give this user the right to write there, or "
            "name another place with BIBLIO_DATABASE_URL."
        ) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own rule begins too late
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{SQLITE_CACHE_KIB}")
    cursor.execute(f"PRAGMA mmap_size = {SQLITE_MAPPED_BYTES}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


_CROSSED = {"23505", "40001", "40P01"}
"""PostgreSQL's numbers for a value that may stand once, and for two transactions that stood in each other's way."""

_TWICE = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}


def two_at_once(error: sa.exc.DBAPIError) -> bool:
    """Whether a statement failed because somebody else stored the same, or worked on the same rows, at that moment."""
    found = error.orig
    return getattr(found, "sqlstate", None) in _CROSSED or getattr(found, "sqlite_errorname", None) in _TWICE


_READS_ONLY = "reads only"


def reads_only(session: Session) -> bool:
    """Whether a session changes nothing, so that another connection finds what it finds."""
    return _READS_ONLY in session.info


class Store:
    """The database: opens units of work. Leaving one normally commits, an exception rolls back."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(sqlite_begin="IMMEDIATE")

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a unit that may change things. One at a time on SQLite; never held while the network works.

        A moment that is stored is asked of the clock inside it: then whoever waits for the writers under way
        (``biblio.store.locks.writers``) has everything that happened by that moment.
        Rows stay readable after it, also where it is refused: a page shows what it was refused for.
        """
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            mark_writer(session)  # now, not with its first statement: the moment it writes down comes after this one
            try:
                yield session
            except BaseException:
                session.expunge_all()  # rolling back forgets what the session's rows hold
                raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a unit that only reads; closing it gives up whatever it changed by mistake. Rows stay readable."""
        with Session(self.engine, info={_READS_ONLY: True}) as session:
            yield session

    @contextmanager
    def trying(self) -> Iterator[Session]:
        """Open a unit that may change things and keeps none of them: what a dry run finds out by doing it.

        It holds the writer's place on SQLite: a unit that began as a reader could not write once somebody else had.
        """
        with Session(self._writer, expire_on_commit=False) as session:
            try:
                yield session
            finally:
                session.rollback()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the small-site database."""
        return self.engine.dialect.name == "sqlite"
