"""Who is logged in: the session cookie names an account and its stamp; both are checked on every request."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, redirect, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user

from biblio import webkit
from biblio.catalogue.actor import Actor
from biblio.store.models import UserAccount
from biblio.web.accounts import service
from biblio.web.accounts.permissions import may

_LANDINGS = (
    ("desk.read", "verify.desk"),
    ("reports.read", "reports.index"),
    ("campaigns.read", "survey.campaigns.index"),
    ("answers.read", "survey.results.compare"),
)
"""Where a person arrives after login: the first of these pages that there is and that they may see."""


@dataclass(frozen=True)
class Person(UserMixin):  # type: ignore[misc]
    """A logged-in person as the session knows them. ``stamp`` ends the session when the account's changes."""

    actor: Actor
    stamp: str

    def get_id(self) -> str:
        """Return what the cookie holds."""
        return f"{self.actor.person_id()}.{self.stamp}"


def person_of(account: UserAccount) -> Person:
    """Return the person that ``account`` belongs to."""
    actor = Actor(user_id=account.id, name=account.name, role=account.role, library=account.library)
    return Person(actor, account.session_stamp)


def begin_session(account: UserAccount) -> None:
    """Log the account in: a new session, nothing of the one before."""
    session.clear()
    session.permanent = True
    login_user(person_of(account))


def let_in(account: UserAccount, *, way: str, target: str | None) -> ResponseReturnValue:
    """Log in the account that was just proved to be this person's, whichever ``way`` ("password", "institution").

    Leaves an audit entry, begins the session, and leads on to ``target`` if that is a path of this site.
    """
    person = person_of(account).actor
    with webkit.writing() as unit:
        service.note(unit, person, "login", account, now=webkit.runtime().clock.now(), way=way)
    begin_session(account)
    return redirect(webkit.same_site(target) or landing(person))


def landing(person: Actor) -> str:
    """Return the address of the page where this person's work begins."""
    for needed, endpoint in _LANDINGS:
        if endpoint in current_app.view_functions and may(person.role, needed):
            return url_for(endpoint)
    if may(person.role, "admin.read"):
        return url_for("admin.overview")
    return url_for("accounts.own")


def install(app: Flask) -> None:
    """Have ``app`` find out, before every view, who makes the request."""
    manager = LoginManager()
    manager.session_protection = None  # it ends sessions when an address changes, as on trains; stamps are stronger
    manager.init_app(app)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(cookie: str) -> Person | None:
        number, _, stamp = cookie.partition(".")
        if not number.isdecimal() or len(number) > 12:
            return None
        with webkit.reading() as unit:
            account = unit.get(UserAccount, int(number))
            if account is None or not account.is_active or not service.same_stamp(account, stamp):
                return None
            return person_of(account)


def logged_in() -> Actor | None:
    """Return who makes this request, or None."""
    person = current_user._get_current_object()
    return person.actor if isinstance(person, Person) else None
