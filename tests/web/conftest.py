"""Applications for the tests of the web door."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from biblio.clock import FixedClock
from biblio.public.feature import feature as public
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.web import create_app


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the public pages, on a fresh database of each kind."""
    return create_app(runtime, features=[public])


@pytest.fixture
def small_runtime(sqlite_template: Path, tmp_path: Path, clock: FixedClock) -> Iterator[Runtime]:
    """A runtime on SQLite alone, for what no database can change."""
    path = tmp_path / "small.db"
    shutil.copyfile(sqlite_template, path)
    settings = Settings(
        home=tmp_path / "home",
        database_url=f"sqlite:///{path}",
        environment="development",
        secret_key="0123456789abcdef0123456789abcdef",  # type: ignore[arg-type]
    )
    engine = make_engine(settings.database)
    yield Runtime(settings=settings, profile=checked_profile(None), store=Store(engine), clock=clock)
    engine.dispose()


@pytest.fixture
def small_app(small_runtime: Runtime) -> Flask:
    """The web door with the public pages, on SQLite alone."""
    return create_app(small_runtime, features=[public])


@pytest.fixture
def https_app(small_runtime: Runtime) -> Flask:
    """The web door as it runs behind https."""
    settings = small_runtime.settings.model_copy(update={"base_url": "https://biblio.example.org"})
    return create_app(replace(small_runtime, settings=settings), features=[public])


@pytest.fixture
def whole_app(small_runtime: Runtime) -> Flask:
    """The web door with every feature there is."""
    return create_app(small_runtime)
