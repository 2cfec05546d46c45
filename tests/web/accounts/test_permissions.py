"""The table of permissions holds for every route and every role, and the docs print it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.routing import Rule

from biblio.feature import all_jobs
from biblio.runtime import Runtime
from biblio.store.models import JobRun
from biblio.store.words import Outcome, Role, Trigger
from biblio.web.accounts.permissions import PERMISSIONS, as_markdown, may
from biblio.web.app import action_of
from tests.web.visitors import Visitor, add_person, logged_in

_EXAMPLES = {"int": "999999", "path": "2011.0.00001.S", "string": "2011.0.00001.S", "float": "1.0", "uuid": "0"}
_PART = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?\w+>")


def _address(rule: Rule) -> str:
    """An address that the rule matches, of a thing that does not exist."""

    def example(part: re.Match[str]) -> str:
        if part[1] == "any":
            return part[2].split(",")[0].strip(" '\"")
        return _EXAMPLES.get(part[1] or "string", "999999")

    return _PART.sub(example, rule.rule)


def _routes(app: Flask) -> list[tuple[str, str, str]]:
    """(method, address, action) of every route."""
    found = []
    for rule in app.url_map.iter_rules():
        action = action_of(app, rule.endpoint)
        assert action is not None, rule
        found += [(m, _address(rule), action) for m in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def _say_that_jobs_run(runtime: Runtime) -> None:
    """Put a running row for every job, so that a button that starts one is answered 409 and starts nothing."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        for name in all_jobs():
            session.add(JobRun(job=name, started_by=Trigger.HAND, outcome=Outcome.RUNNING, started_at=now,
                               lease_until=now + timedelta(hours=1), holder="elsewhere:1", version="test"))  # fmt: skip


@pytest.mark.parametrize("role", [*Role, None])
def test_every_route_answers_every_role_as_the_table_says(
    whole_app: Flask, small_runtime: Runtime, role: Role | None
) -> None:
    """Who may not gets 403 (or the login page); who may gets past the guard, whatever the page then says."""
    visitor = logged_in(whole_app, small_runtime, role) if role else Visitor(whole_app)
    token = visitor.token("/account" if role else "/login")
    _say_that_jobs_run(small_runtime)
    walked = 0
    for method, address, action in _routes(whole_app):
        if address == "/logout":
            continue
        answer = visitor.client.open(address, method=method, data={"csrf_token": token} if method == "POST" else None)
        allowed = may(role, action)
        seen = f"{method} {address} as {role}: {answer.status_code}"
        if role is None and not allowed:
            assert answer.status_code in (302, 400), seen
            assert answer.status_code == 400 or "/login" in answer.headers["Location"], seen
        elif allowed:
            assert answer.status_code not in (401, 403, 500), seen
        else:
            assert answer.status_code == 403, seen
        walked += 1
    assert walked > 20


def test_only_survey_readers_read_answers() -> None:
    """Answers are not for librarians, managers or admins; they see released figures in reports."""
    assert [role for role in Role if may(role, "answers.read")] == [Role.SURVEY_READER]


def test_an_unknown_action_is_nobodys() -> None:
    """A word that is not in the table opens nothing."""
    assert not any(may(role, "desk.everything") for role in (*Role, None))


def test_the_machine_less_visitor_may_do_public_things_only() -> None:
    """Without a login the table opens nothing."""
    assert not any(may(None, action) for action in PERMISSIONS)
    assert may(None, "public")


def test_the_docs_print_every_action_and_role() -> None:
    """The table in the docs is the table of the code."""
    text = as_markdown()
    for name, permission in PERMISSIONS.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` "))
        assert line.count("| yes") == len(permission.roles)
        assert permission.words in line


def test_a_role_that_lacks_a_page_is_told_so(small_app: Flask, small_runtime: Runtime) -> None:
    """403 names the role and whom to ask."""
    page = logged_in(small_app, small_runtime, Role.MANAGER).get("/admin")
    assert page.status_code == 403
    assert "The role manager does not include this page" in page.get_data(as_text=True)


def test_the_navigation_shows_what_a_role_may_do(small_app: Flask, small_runtime: Runtime) -> None:
    """A link that would end in 403 is not shown."""
    admin = logged_in(small_app, small_runtime, Role.ADMIN)
    assert 'href="/admin"' in admin.get("/").get_data(as_text=True)
    add_person(small_runtime, Role.MANAGER)
    manager = Visitor(small_app)
    manager.log_in("manager")
    assert 'href="/admin"' not in manager.get("/").get_data(as_text=True)
