"""What survey tests share: the app with the survey, as people use it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from biblio.clock import FixedClock
from biblio.public.feature import feature as public
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.web import create_app
from survey.feature import feature as survey


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the survey and the public pages, on a fresh database of each kind; form tokens are on."""
    return create_app(runtime, features=[survey, public])


@pytest.fixture
def sqlite_runtime(sqlite_template: Path, tmp_path: Path, clock: FixedClock) -> Iterator[Runtime]:
    """A runtime on SQLite alone, for what is about its file."""
    path = tmp_path / "alone.db"
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
