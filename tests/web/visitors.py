"""People who use the pages in tests: they log in through the login page and send forms with the page's own token."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.web.accounts import service

PASSWORD = "a long enough test password"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@cache
def _hashed() -> str:
    """The password's hash, made once, when the first person is added."""
    return service.hash_password(PASSWORD)


def add_person(runtime: Runtime, role: Role = Role.LIBRARIAN, username: str | None = None) -> Actor:
    """Add somebody who can log in with ``PASSWORD``; the user name is the role's unless given."""
    name = username or role.value
    new = service.NewAccount(username=name, name=f"{name.title()} Example", role=role, password_hash=_hashed())
    with runtime.store.writing() as session:
        account = service.add(session, service.COMMAND_LINE, new, now=runtime.clock.now())
    return Actor(account.id, account.name, account.role, account.library)


class Visitor:
    """A browser without a screen: keeps cookies, and sends the token of a page that it asks for first."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path, **more)

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, form_on: str = "/login", **more: Any
    ) -> TestResponse:
        """Send a form, with the token of the page ``form_on``."""
        return self.client.post(path, data={**(data or {}), "csrf_token": self.token(form_on)}, **more)

    def token(self, page: str) -> str:
        """Return the token that stands in the forms of ``page``."""
        found = _TOKEN.search(self.client.get(page, follow_redirects=True).get_data(as_text=True))
        assert found is not None, f"{page} has no form"
        return found[1]

    def log_in(self, username: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        """Log in through the page."""
        return self.post("/login", {"username": username, "password": password, **more})


def logged_in(app: Flask, runtime: Runtime, role: Role = Role.LIBRARIAN) -> Visitor:
    """Return a visitor who has just been added with ``role`` and has logged in."""
    person = add_person(runtime, role)
    visitor = Visitor(app)
    answer = visitor.log_in(role.value)
    assert answer.status_code == 302, f"{person.name} could not log in"
    return visitor
