"""The users page: adding, changing and deactivating people, with undo and a trace."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, UserAccount
from biblio.store.words import Role
from biblio.web.accounts import service
from tests.web.visitors import PASSWORD, Visitor, add_person, logged_in

_NEW = {"username": "Berta", "name": "Berta Example", "role": "librarian", "password": PASSWORD, "library": "NRAO"}


def _account(runtime: Runtime, username: str) -> UserAccount:
    with runtime.store.reading() as session:
        return service.named(session, username)


def _undo(visitor: Visitor, page: str = "/admin/users") -> str:
    """The address behind the undo button of the message on top of ``page``."""
    html = visitor.get(page).get_data(as_text=True)
    found = re.search(r'action="([^"]+)">(?:(?!</form>).)*Undo', html.split("message-done")[1])
    assert found is not None, "the message has no undo"
    return found[1].replace("&amp;", "&")


def test_an_admin_adds_a_person_who_can_log_in(app: Flask, runtime: Runtime) -> None:
    """The new person logs in with the first password; the log says who added them."""
    admin = logged_in(app, runtime, Role.ADMIN)
    assert admin.post("/admin/users/new", _NEW, form_on="/admin/users/new").status_code == 302
    assert "Berta Example (berta) can log in as librarian" in admin.get("/admin/users").get_data(as_text=True)
    assert Visitor(app).log_in("BERTA").status_code == 302
    with runtime.store.reading() as session:
        entry = session.exec(select(AuditEntry).where(col(AuditEntry.subject) == "berta")).first()
    assert entry is not None
    assert entry.actor_id == _account(runtime, "admin").id


def test_adding_can_be_undone(small_app: Flask, small_runtime: Runtime) -> None:
    """Undo takes the login away; the row stays, for history is never deleted."""
    admin = logged_in(small_app, small_runtime, Role.ADMIN)
    admin.post("/admin/users/new", _NEW, form_on="/admin/users/new")
    admin.post(_undo(admin))
    assert not _account(small_runtime, "berta").is_active
    assert Visitor(small_app).log_in("berta").status_code == 422


def test_a_taken_name_is_refused_and_what_was_typed_stays(small_app: Flask, small_runtime: Runtime) -> None:
    """The form comes back filled in, with the reason in the summary."""
    admin = logged_in(small_app, small_runtime, Role.ADMIN)
    answer = admin.post("/admin/users/new", {**_NEW, "username": "admin"}, form_on="/admin/users/new")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "The user name admin is taken" in page
    assert 'value="Berta Example"' in page
    assert PASSWORD not in page


def test_mistakes_are_listed_with_links_to_their_fields(small_app: Flask, small_runtime: Runtime) -> None:
    """The summary names each field, links to it, and each field names its error for screen readers."""
    admin = logged_in(small_app, small_runtime, Role.ADMIN)
    answer = admin.post("/admin/users/new", {"role": "librarian"}, form_on="/admin/users/new")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert '<a href="#username">User name: Type a user name.</a>' in page
    assert 'aria-describedby="username-hint username-error"' in page
    assert 'aria-invalid="true"' in page


def test_a_role_changes_and_changes_back(app: Flask, runtime: Runtime) -> None:
    """A new role is noted with the one before, and undo puts that one back."""
    admin = logged_in(app, runtime, Role.ADMIN)
    person = add_person(runtime, Role.LIBRARIAN, "berta")
    admin.post(f"/admin/users/{person.user_id}/role", {"role": "head_librarian"}, form_on="/admin/users")
    assert _account(runtime, "berta").role is Role.HEAD_LIBRARIAN
    admin.post(_undo(admin))
    assert _account(runtime, "berta").role is Role.LIBRARIAN


def test_the_last_admin_stays(app: Flask, runtime: Runtime) -> None:
    """Nobody can lock everybody out: neither by role nor by deactivation."""
    admin = logged_in(app, runtime, Role.ADMIN)
    number = _account(runtime, "admin").id
    for path, data in ((f"/admin/users/{number}/role", {"role": "manager"}), (f"/admin/users/{number}/deactivate", {})):
        answer = admin.post(path, data, form_on="/admin/users")
        assert answer.status_code == 400
        assert "last admin" in answer.get_data(as_text=True)
    assert _account(runtime, "admin").is_active
    assert _account(runtime, "admin").role is Role.ADMIN


def test_of_two_admins_who_demote_one_another_one_stays(runtime: Runtime) -> None:
    """Each sees the other when both begin; somebody must be left who can change roles."""
    admins = [add_person(runtime, Role.ADMIN, name) for name in ("ada", "bert")]
    both_are_there = threading.Barrier(2)

    def demote(actor: Actor, other: Actor) -> bool:
        both_are_there.wait(timeout=30)
        try:
            with runtime.store.writing() as session:
                account = service.get(session, other.person_id())
                service.set_role(session, actor, account, Role.MANAGER, now=runtime.clock.now())
        except RequestRefused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, admins, reversed(admins)))
    assert sorted(done) == [False, True]
    assert [_account(runtime, name).role for name in ("ada", "bert")].count(Role.ADMIN) == 1


def test_the_list_filters_and_exports(small_app: Flask, small_runtime: Runtime) -> None:
    """Name and role stand in the address; the file holds what the page shows."""
    admin = logged_in(small_app, small_runtime, Role.ADMIN)
    add_person(small_runtime, Role.LIBRARIAN, "berta")
    add_person(small_runtime, Role.MANAGER, "carlo")
    page = admin.get("/admin/users?role=librarian").get_data(as_text=True)
    assert "1 user" in page
    assert "carlo" not in page
    rows = admin.get("/admin/users?q=CARLO&format=csv").get_data(as_text=True).splitlines()
    assert rows[0] == "user,name,role,library,active,added"
    assert [row.split(",")[0] for row in rows[1:]] == ["carlo"]


def test_a_wildcard_in_the_filter_is_a_character(small_app: Flask, small_runtime: Runtime) -> None:
    """A percent sign finds names with a percent sign, not everybody."""
    admin = logged_in(small_app, small_runtime, Role.ADMIN)
    assert "0 users" in admin.get("/admin/users?q=%25").get_data(as_text=True)


def test_an_admin_gives_a_person_an_address(app: Flask, runtime: Runtime) -> None:
    """It is stored and noted without the address; a bad one or another's is refused; none takes the daily mail away."""
    admin = logged_in(app, runtime, Role.ADMIN)
    berta, carl = add_person(runtime, Role.LIBRARIAN, "berta"), add_person(runtime, Role.LIBRARIAN, "carl")

    def give(user_id: int | None, email: str) -> str:
        address = f"/admin/users/{user_id}/email"
        answer = admin.post(address, {"email": email}, form_on="/admin/users", follow_redirects=True)
        return answer.get_data(as_text=True)

    assert "has the address you typed now" in give(berta.user_id, "Berta@Example.org")
    assert "no e-mail address" in give(carl.user_id, "nonsense")
    assert "Another active account" in give(carl.user_id, "berta@example.ORG")
    with runtime.store.writing() as session:
        session.exec(select(UserAccount).where(col(UserAccount.username) == "berta")).one().wants_digest = True
    assert "has no e-mail address now" in give(berta.user_id, "")
    account = _account(runtime, "berta")
    assert (account.email, account.wants_digest) == (None, False)
    with runtime.store.reading() as session:
        entries = session.exec(select(AuditEntry).where(col(AuditEntry.action) == "account.address")).all()
    assert [entry.details for entry in entries] == [{"had": False, "has": True}, {"had": True, "has": False}]
