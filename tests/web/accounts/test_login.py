"""Logging in: whom it lets in, what it tells nobody, and how a session ends."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlmodel import select

from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, UserAccount
from biblio.store.words import Role
from biblio.web.accounts import service
from tests.web.visitors import PASSWORD, Visitor, add_person, logged_in


def _account(runtime: Runtime, username: str) -> UserAccount:
    with runtime.store.reading() as session:
        return service.named(session, username)


def test_a_person_logs_in_and_out(app: Flask, runtime: Runtime) -> None:
    """The way of every day, kept in the audit log."""
    visitor = logged_in(app, runtime)
    assert "Librarian Example" in visitor.get("/account").get_data(as_text=True)
    assert visitor.post("/logout", form_on="/account").status_code == 302
    assert visitor.get("/account").status_code == 302
    with runtime.store.reading() as session:
        entries = session.exec(select(AuditEntry.action).order_by(AuditEntry.id)).all()  # type: ignore[arg-type]
    assert entries == ["account.added", "login", "account.logged_out"]


def test_log_out_is_not_a_link(small_app: Flask, small_runtime: Runtime) -> None:
    """An image on another site cannot log anybody out."""
    visitor = logged_in(small_app, small_runtime)
    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/account").status_code == 200


def test_a_wrong_password_and_an_unknown_name_look_the_same(small_app: Flask, small_runtime: Runtime) -> None:
    """Nobody learns which names exist."""
    add_person(small_runtime)
    pages = []
    for username in ("librarian", "nobody-here"):
        answer = Visitor(small_app).log_in(username, "not the password")
        assert answer.status_code == 422
        pages.append(answer.get_data(as_text=True).split("error-summary")[1].split("</div>")[0])
    assert pages[0] == pages[1]


def test_an_unknown_name_costs_a_hash_all_the_same(
    small_app: Flask, small_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer for an unknown name takes as long: a hash is compared there too."""
    compared: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
            compared.append(str(hash))
            return super().verify(hash, password)  # type: ignore[return-value]

    monkeypatch.setattr(service, "_hasher", Counting())
    Visitor(small_app).log_in("nobody-here")
    assert len(compared) == 1
    assert compared[0].startswith("$argon2id$")


def test_what_was_typed_is_kept_but_the_password(small_app: Flask) -> None:
    """A mistyped password costs one field, not two."""
    page = Visitor(small_app).log_in("ines.example", "mistyped password").get_data(as_text=True)
    assert 'value="ines.example"' in page
    assert "mistyped password" not in page


def test_the_login_leads_on_to_the_page_asked_for(small_app: Flask, small_runtime: Runtime) -> None:
    """Who was sent to the login page arrives where they wanted to go."""
    add_person(small_runtime, Role.ADMIN)
    visitor = Visitor(small_app)
    refused = visitor.get("/admin/users?role=admin")
    assert refused.headers["Location"] == "/login?next=/admin/users?role%3Dadmin"
    assert visitor.log_in("admin", next="/admin/users?role=admin").headers["Location"] == "/admin/users?role=admin"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ],
)
def test_the_login_leads_to_no_other_site(small_app: Flask, small_runtime: Runtime, elsewhere: str) -> None:
    """``next`` holds a path of this site or is left out."""
    add_person(small_runtime, Role.ADMIN)
    assert Visitor(small_app).log_in("admin", next=elsewhere).headers["Location"] == "/admin"


def test_a_deactivated_person_is_out_at_once(app: Flask, runtime: Runtime) -> None:
    """The next click after the deactivation ends at the login page, and no login works."""
    visitor = logged_in(app, runtime)
    with runtime.store.writing() as session:
        account = service.named(session, "librarian")
        service.set_active(session, service.COMMAND_LINE, account, active=False, now=runtime.clock.now())
    assert visitor.get("/account").status_code == 302
    assert visitor.log_in("librarian").status_code == 422


def test_a_new_role_counts_at_once(app: Flask, runtime: Runtime) -> None:
    """Nobody keeps an old role in an open session."""
    visitor = logged_in(app, runtime, Role.ADMIN)
    add_person(runtime, Role.ADMIN, "second")
    with runtime.store.writing() as session:
        account = service.named(session, "admin")
        service.set_role(session, service.COMMAND_LINE, account, Role.MANAGER, now=runtime.clock.now())
    assert visitor.get("/admin").status_code == 302
    visitor.log_in("admin")
    assert visitor.get("/admin").status_code == 403


def test_a_new_password_ends_every_other_session(app: Flask, runtime: Runtime) -> None:
    """Who changes the password stays in; whoever else was in is out."""
    here = logged_in(app, runtime)
    there = Visitor(app)
    there.log_in("librarian")
    new = "another long enough password"
    answer = here.post("/account", {"current": PASSWORD, "new": new, "again": new}, form_on="/account")
    assert answer.status_code == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert there.log_in("librarian", PASSWORD).status_code == 422
    assert there.log_in("librarian", new).status_code == 302


def test_a_copied_cookie_dies_with_the_log_out(small_app: Flask, small_runtime: Runtime) -> None:
    """Logging out ends the session itself, not only this browser's copy."""
    visitor = logged_in(small_app, small_runtime)
    cookie = visitor.client.get_cookie("biblio")
    assert cookie is not None
    thief = Visitor(small_app)
    thief.client.set_cookie("biblio", cookie.value)
    assert thief.get("/account").status_code == 200
    visitor.post("/logout", form_on="/account")
    assert thief.get("/account").status_code == 302


@pytest.mark.parametrize(
    ("current", "new", "again", "says"),
    [
        ("wrong password here", "a perfectly good one", "a perfectly good one", "not the password you have now"),
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "a perfectly good one", "a perfectly good two", "new passwords differ"),
        (PASSWORD, "librarian123", "librarian123", "must not be the user name"),
    ],
)
def test_a_password_change_says_what_is_wrong(
    small_app: Flask, small_runtime: Runtime, current: str, new: str, again: str, says: str
) -> None:
    """Each mistake has its sentence, and the old password goes on working."""
    visitor = logged_in(small_app, small_runtime)
    answer = visitor.post("/account", {"current": current, "new": new, "again": again}, form_on="/account")
    assert answer.status_code == 422
    assert says in answer.get_data(as_text=True)
    assert Visitor(small_app).log_in("librarian").status_code == 302


def test_guessing_is_slowed_down(small_app: Flask, small_runtime: Runtime) -> None:
    """After ten tries at one name the answer is 429, also for the right password."""
    add_person(small_runtime)
    visitor = Visitor(small_app)
    answers = [visitor.log_in("librarian", f"guess number {n}").status_code for n in range(10)]
    assert answers == [422] * 10
    assert visitor.log_in("librarian").status_code == 429


def test_a_weaker_hash_is_made_anew_at_login(small_app: Flask, small_runtime: Runtime) -> None:
    """Hashes of earlier years get today's strength when their owner logs in, and the session holds."""
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    new = service.NewAccount("old", "Old Example", Role.LIBRARIAN, weak)
    with small_runtime.store.writing() as session:
        service.add(session, service.COMMAND_LINE, new, now=small_runtime.clock.now())
    visitor = Visitor(small_app)
    assert visitor.log_in("old").status_code == 302
    renewed = _account(small_runtime, "old").password_hash
    assert renewed is not None
    assert renewed != weak
    assert not service.outdated(_account(small_runtime, "old"))
    assert visitor.get("/account").status_code == 200


def test_an_account_without_a_password_cannot_log_in_here(small_app: Flask, small_runtime: Runtime) -> None:
    """Accounts that log in elsewhere have no password that could be guessed."""
    new = service.NewAccount("outside", "Outside Example", Role.LIBRARIAN)
    with small_runtime.store.writing() as session:
        service.add(session, service.COMMAND_LINE, new, now=small_runtime.clock.now())
    assert Visitor(small_app).log_in("outside", "no account has this password").status_code == 422
