"""What tests of letters share: a librarian, a preprint that lacks the statement, and the app."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from biblio.catalogue.actor import Actor
from biblio.contacts.feature import feature as contacts
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import UserAccount
from biblio.store.words import Role
from biblio.verify.feature import feature as desk
from biblio.web.app import create_app
from tests.contacts.preprints import add_preprint
from tests.factories import add_user


@pytest.fixture
def librarian(runtime: Runtime) -> Actor:
    """A librarian called Ines."""
    with runtime.store.writing() as session:
        return add_user(session, "ines")


@pytest.fixture
def preprint(runtime: Runtime, librarian: Actor) -> int:
    """A preprint that a librarian judged science, whose version 1 lacks the statement."""
    with runtime.store.writing() as session:
        return add_preprint(session, judged_by=librarian)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web application with the desk, the public pages and the letters; forms need no token here."""
    made = create_app(runtime, features=(desk, public, contacts))
    made.config["WTF_CSRF_ENABLED"] = False
    made.testing = True
    return made


@pytest.fixture
def login(app: Flask, runtime: Runtime) -> Callable[..., FlaskClient]:
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
