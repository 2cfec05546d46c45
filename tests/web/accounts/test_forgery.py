"""Nothing is changed by looking, by a form of another page, or by somebody who may not: every route, on a filled store."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import SQLModel

from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.verify.paper import notes
from biblio.verify.sharing import service as sharing
from biblio.web.accounts.permissions import may
from biblio.web.app import action_of
from tests.verify.shared_work import Work, drawn_ruling, today, two_papers
from tests.web.visitors import Visitor, logged_in

_WITHOUT_TOKEN = {"survey.one_click"}
"""What a mail program sends by itself (RFC 8058): the address alone says who."""

_NUMBERS = {"GET": ("0", "1", str(2**31)), "POST": ("1",)}
"""Of things there are, and forged ones."""

_PART = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>")


@pytest.fixture
def work(small_runtime: Runtime) -> Work:
    """A paper that is read a second time, one that is claimed, escalated and noted on, and people."""
    made = two_papers(small_runtime)
    drawn_ruling(small_runtime, made)
    with small_runtime.store.writing() as session:
        sharing.claim(session, made.vera, made.other, today(small_runtime), minutes=600)
        sharing.escalate(session, made.vera, made.other, "Whose is it?", today(small_runtime))
        notes.add_note(session, made.vera, made.other, "See table 2.", now=small_runtime.clock.now())
        notes.add_tags(session, made.vera, made.other, "disc", now=small_runtime.clock.now())
    return made


def _addresses(app: Flask, method: str) -> list[tuple[str, str, str]]:
    """(endpoint, address, action) of every route that takes ``method``, with numbers there are, and forged ones."""
    found = []
    for rule in app.url_map.iter_rules():
        if method not in (rule.methods or ()) or rule.endpoint in ("assets.asset", "accounts.logout"):
            continue
        for number in _NUMBERS[method] if "<" in rule.rule else ("",):

            def example(part: re.Match[str], number: str = number) -> str:
                return part[2].split(",")[0].strip(" '\"") if part[1] == "any" else number

            found.append((rule.endpoint, _PART.sub(example, rule.rule), action_of(app, rule.endpoint) or ""))
    return found


def _contents(runtime: Runtime) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with runtime.store.reading() as session:
        tables = SQLModel.metadata.sorted_tables
        return {table.name: sorted(map(repr, session.execute(sa.select(table)).all())) for table in tables}


@pytest.mark.parametrize("role", [Role.HEAD_LIBRARIAN, None], ids=str)
def test_looking_changes_nothing(whole_app: Flask, small_runtime: Runtime, work: Work, role: Role | None) -> None:
    """Every page, with numbers of things there are and of things there are not: no row differs, and none breaks."""
    visitor = logged_in(whole_app, small_runtime, role) if role else Visitor(whole_app)
    before = _contents(small_runtime)
    for endpoint, address, _ in _addresses(whole_app, "GET"):
        if endpoint.startswith("institution."):
            continue  # asks the institution, which is down
        assert visitor.get(address).status_code != 500, address
    assert _contents(small_runtime) == before


@pytest.mark.parametrize("role", [Role.HEAD_LIBRARIAN, Role.MANAGER, None], ids=str)
def test_no_form_is_taken_from_elsewhere(
    whole_app: Flask, small_runtime: Runtime, work: Work, role: Role | None
) -> None:
    """Without a token, or with somebody else's; with one's own where one may not: no row differs."""
    visitor = logged_in(whole_app, small_runtime, role) if role else Visitor(whole_app)
    stranger = Visitor(whole_app).token("/login")
    own = visitor.token("/account" if role else "/login")
    before = _contents(small_runtime)
    for endpoint, address, action in _addresses(whole_app, "POST"):
        tokens = ["", stranger] if may(role, action) else [own]
        for token in tokens if endpoint not in _WITHOUT_TOKEN else ():
            answer = visitor.client.post(address, data={"csrf_token": token, "verdict": "accept", "text": "x"})
            assert answer.status_code in (302, 400, 403, 404, 405), (address, answer.status_code)
            assert answer.status_code != 302 or "/login" in answer.headers["Location"], address
    assert _contents(small_runtime) == before
