"""Applications for the tests of the web door."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from pydantic import SecretStr

from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.web import create_app


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the public pages, on a fresh database of each kind."""
    return create_app(runtime, features=[public])


@pytest.fixture
def small_runtime(sqlite_runtime: Runtime) -> Runtime:
    """A runtime on SQLite alone, for what no database can change."""
    return sqlite_runtime


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
    """The web door with every feature there is, and the login through an institution (which is down)."""
    institution = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "x", "oidc_client_secret": SecretStr("x")}
    settings = small_runtime.settings.model_copy(update=institution)
    return create_app(replace(small_runtime, settings=settings))
