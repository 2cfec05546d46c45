"""What desk tests share: the app on a fresh database, and a browser-less client for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient

from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import UserAccount
from biblio.store.words import Role
from biblio.verify.feature import feature as desk
from biblio.verify.learning import fitting as learning
from biblio.web.app import create_app
from matching.learning import HOW
from matching.learning import learn as fitted
from tests.verify.factories import add_user

Login = Callable[..., FlaskClient]


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web application with the desk and the public pages; forms need no token here."""
    made = create_app(runtime, features=(desk, public))
    made.config["WTF_CSRF_ENABLED"] = False
    made.testing = True
    return made


@pytest.fixture
def login(app: Flask, runtime: Runtime) -> Login:
    """Return a function that gives a client logged in as a new person of a role."""

    def as_role(role: Role = Role.LIBRARIAN, username: str = "vera") -> FlaskClient:
        with runtime.store.writing() as session:
            person = add_user(session, username, role)
            stamp = session.get_one(UserAccount, person.person_id()).session_stamp
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"] = f"{person.user_id}.{stamp}"
        return client

    return as_role


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of a dozen trees: enough for the few papers of a test."""
    how = replace(HOW, trees=12, leaves=4, least_rows=5, rate=0.3, folds=2)
    monkeypatch.setattr(learning, "fitted", partial(fitted, how=how))
