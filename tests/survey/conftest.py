"""What survey tests share: the app with the survey, as people use it."""

from __future__ import annotations

import pytest
from flask import Flask

from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.web import create_app
from survey.feature import feature as survey


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the survey and the public pages, on a fresh database of each kind; form tokens are on."""
    return create_app(runtime, features=[survey, public])
