"""What survey tests share: the app with the survey, as people use it."""

from __future__ import annotations

import pytest
from flask import Flask

from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.web import create_app


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the survey and the public pages, on a fresh database of each kind; form tokens are on."""
    from survey.feature import feature as survey

    return create_app(runtime, features=[survey, public])


@pytest.fixture(autouse=True)
def small_campaigns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Campaigns of a few persons, so that tests are quick; those about the smallest campaign say ``smallest``."""
    if request.node.get_closest_marker("smallest") is None:
        monkeypatch.setattr("survey.campaign.service.SMALLEST_CAMPAIGN", 1)
