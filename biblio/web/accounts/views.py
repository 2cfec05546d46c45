"""Logging in and out, one's own password, and the users page."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import logout_user
from sqlmodel import col, or_, select

from biblio import webkit
from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused
from biblio.logs import get_logger
from biblio.store.models import UserAccount
from biblio.store.words import Role
from biblio.web.accounts import service
from biblio.web.accounts.forms import AddressForm, DigestForm, LoginForm, NewUserForm, PasswordForm, RoleForm
from biblio.web.accounts.login import begin_session, landing, let_in
from biblio.web.accounts.permissions import may

blueprint = Blueprint("accounts", __name__)
log = get_logger(__name__)


def _asked_name() -> str:
    return request.form.get("username", "").strip().casefold()[:64] or "-"


@blueprint.route("/login", methods=["GET", "POST"])
@webkit.action(webkit.PUBLIC)
@webkit.throttled("20 per minute")
@webkit.throttled("10 per 5 minutes", key=_asked_name)
def login() -> ResponseReturnValue:
    """Log in with a local account."""
    form = LoginForm()
    if request.method == "GET":
        form.next.data = webkit.same_site(request.args.get("next"))
        person = webkit.visitor()
        if person is not None:
            return redirect(form.next.data or landing(person))
        return _login_page(form)
    if not form.validate():
        return _login_page(form), 422
    account = _checked_login(form.username.data or "", form.password.data or "")
    if account is None:
        form.form_errors.append(
            "User name and password do not belong together, or the account is deactivated. Check both and try again."
        )
        return _login_page(form), 422
    return let_in(account, way="password", target=form.next.data)


def _checked_login(username: str, password: str) -> UserAccount | None:
    """Return the account that these two belong to; the answer takes as long when there is none."""
    with webkit.reading() as unit:
        account = service.find(unit, username)
    if not service.password_matches(account, password):
        log.info("login refused", known=account is not None)
        if account is not None:
            with webkit.writing() as unit:
                nobody = Actor(None, "nobody")
                service.note(unit, nobody, "login.refused", account, now=webkit.runtime().clock.now())
        return None
    assert account is not None
    assert account.id is not None
    if service.outdated(account):
        renewed = service.hash_password(password)
        with webkit.writing() as unit:
            service.renew_hash(unit, account.id, renewed)
    return account


def _login_page(form: LoginForm) -> str:
    other = None
    if "institution.begin" in current_app.view_functions:
        other = url_for("institution.begin", next=webkit.same_site(form.next.data))
    return render_template("accounts/login.html", form=form, institution_url=other)


@blueprint.route("/logout", methods=["POST"])
@webkit.action("account.own")
def logout() -> ResponseReturnValue:
    """End every session of this account."""
    person = webkit.actor()
    with webkit.writing() as unit:
        account = service.get(unit, person.person_id())
        service.log_out_everywhere(unit, person, account, now=webkit.runtime().clock.now())
    logout_user()
    session.clear()
    webkit.done("You are logged out, here and on every other device.")
    return redirect(url_for("accounts.login"))


@blueprint.route("/account", methods=["GET", "POST"])
@webkit.action("account.own")
@webkit.throttled("20 per hour", key=lambda: str(webkit.actor().person_id()))
def own() -> ResponseReturnValue:
    """One's own account: what one may do, and a new password."""
    form = PasswordForm()
    person = webkit.actor()
    with webkit.reading() as unit:
        account = service.get(unit, person.person_id())
    if form.validate_on_submit():
        refusal = _change_password(person, account, form)
        if refusal is None:
            webkit.done("Your password is changed. Every other session of yours has ended.")
            return redirect(url_for("accounts.own"))
        form.form_errors.append(refusal)
    digest = DigestForm(formdata=None, wanted=account.wants_digest) if may(account.role, "desk.share") else None
    page = render_template("accounts/own.html", form=form, account=account, digest=digest)
    return page, 422 if form.summary() else 200


@blueprint.route("/account/digest", methods=["POST"])
@webkit.action("account.own")
@webkit.throttled("60 per hour", key=lambda: str(webkit.actor().person_id()))
def digest() -> ResponseReturnValue:
    """Ask for the daily mail about what waits at the desk, or for no more of it."""
    form = DigestForm(request.values)  # an undo button says in its address what is wanted
    wanted, person = bool(form.wanted.data), webkit.actor()
    try:
        with webkit.writing() as unit:
            account = service.get(unit, person.person_id())
            service.set_digest(unit, person, account, wanted=wanted, now=webkit.runtime().clock.now())
    except RequestRefused as refusal:
        webkit.problem(str(refusal))
        return redirect(url_for("accounts.own"))
    said = "A mail tells you each morning what waits." if wanted else "No daily mail is sent to you."
    webkit.done(said, undo_url=url_for("accounts.digest", wanted=None if wanted else "y"))
    return redirect(url_for("accounts.own"))


def _change_password(person: Actor, account: UserAccount, form: PasswordForm) -> str | None:
    """Change the password and keep this one session; return why not, if it cannot be done."""
    if not service.password_matches(account, form.current.data or ""):
        return "That is not the password you have now: nothing was changed."
    try:
        password_hash = service.hash_password(form.new.data or "", username=account.username)
    except RequestRefused as refusal:
        return str(refusal)
    with webkit.writing() as unit:
        changed = service.get(unit, person.person_id())
        service.set_password(unit, person, changed, password_hash, now=webkit.runtime().clock.now())
    begin_session(changed)
    return None


# -- the users page ---------------------------------------------------------------------------------------------------


@blueprint.route("/admin/users")
@webkit.action("admin.read")
def users() -> ResponseReturnValue:
    """All accounts, with what an admin may change."""
    asked, role = request.args.get("q", "").strip(), request.args.get("role", "")
    statement = select(UserAccount)
    if asked:
        words = (col(UserAccount.username), col(UserAccount.name), col(UserAccount.library))
        statement = statement.where(or_(*(webkit.holds(c, asked) for c in words)))
    if role in set(Role):
        statement = statement.where(col(UserAccount.role) == Role(role))
    with webkit.reading() as unit:
        page = webkit.paginate(
            unit,
            statement.order_by(col(UserAccount.username)),
            sorts={
                "user": col(UserAccount.username),
                "name": col(UserAccount.name),
                "added": col(UserAccount.created_at),
            },
            default_sort="user",
            filters={"q": asked, "role": role},
        )
    if webkit.wants_table():
        return _users_csv(page.items)
    return render_template("accounts/users.html", page=page, roles=list(Role), form=webkit.Form())


def _users_csv(accounts: Sequence[UserAccount]) -> Response:
    header = ("user", "name", "role", "library", "active", "added")
    rows = (
        (a.username, a.name, a.role.label, a.library, "yes" if a.is_active else "no", a.created_at) for a in accounts
    )
    return webkit.table_response("users", header, rows)


@blueprint.route("/admin/users/new", methods=["GET", "POST"])
@webkit.action("admin.write")
def new_user() -> ResponseReturnValue:
    """Add a person."""
    form = NewUserForm()
    if form.validate_on_submit():
        try:
            hashed = service.hash_password(form.password.data or "", username=form.username.data or "")
            new = service.NewAccount(
                username=form.username.data or "",
                name=form.name.data or "",
                role=Role(form.role.data),
                password_hash=hashed,
                email=form.email.data,
                library=form.library.data,
            )
            with webkit.writing() as unit:
                account = service.add(unit, webkit.actor(), new, now=webkit.runtime().clock.now())
        except RequestRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            webkit.done(
                f"{account.name} ({account.username}) can log in as {account.role.label}.",
                undo_url=url_for("accounts.deactivate", user_id=account.id),
            )
            return redirect(url_for("accounts.users"))
    return render_template("accounts/new_user.html", form=form), 422 if form.summary() else 200


@blueprint.route("/admin/users/<int:user_id>/role", methods=["POST"])
@webkit.action("admin.write")
def change_role(user_id: int) -> ResponseReturnValue:
    """Give a person another role."""
    form = RoleForm(request.values)  # an undo button names the role in its address
    if not form.validate():
        raise RequestRefused("Choose one of the roles in the list.")
    person, now = webkit.actor(), webkit.runtime().clock.now()
    with webkit.writing() as unit:
        account = service.get(unit, user_id)
        before = account.role
        service.set_role(unit, person, account, Role(form.role.data), now=now)
    undo = url_for("accounts.change_role", user_id=user_id, role=before.value)
    webkit.done(f"{account.name} is now {account.role.label}; before: {before.label}.", undo_url=undo)
    return redirect(url_for("accounts.users"))


@blueprint.route("/admin/users/<int:user_id>/email", methods=["POST"])
@webkit.action("admin.write")
def change_address(user_id: int) -> ResponseReturnValue:
    """Give a person another e-mail address, or none."""
    form = AddressForm()
    try:
        with webkit.writing() as unit:
            account = service.get(unit, user_id)
            now = webkit.runtime().clock.now()
            service.set_address(unit, webkit.actor(), account, form.email.data, now=now)
    except NotFound:
        raise
    except RequestRefused as refusal:
        webkit.problem(str(refusal))
        return redirect(url_for("accounts.users"))
    webkit.done(f"{account.name} {'has the address you typed' if account.email else 'has no e-mail address'} now.")
    return redirect(url_for("accounts.users"))


@blueprint.route("/admin/users/<int:user_id>/deactivate", methods=["POST"])
@webkit.action("admin.write")
def deactivate(user_id: int) -> ResponseReturnValue:
    """Take a person's login away, at once."""
    _set_active(user_id, active=False)
    undo = url_for("accounts.reactivate", user_id=user_id)
    webkit.done("The account is deactivated; its sessions have ended. What the person decided stays.", undo_url=undo)
    return redirect(url_for("accounts.users"))


@blueprint.route("/admin/users/<int:user_id>/reactivate", methods=["POST"])
@webkit.action("admin.write")
def reactivate(user_id: int) -> ResponseReturnValue:
    """Let a person in again."""
    _set_active(user_id, active=True)
    undo = url_for("accounts.deactivate", user_id=user_id)
    webkit.done("The account can log in again, with the password it had.", undo_url=undo)
    return redirect(url_for("accounts.users"))


def _set_active(user_id: int, *, active: bool) -> None:
    person = webkit.actor()
    with webkit.writing() as unit:
        account = service.get(unit, user_id)
        service.set_active(unit, person, account, active=active, now=webkit.runtime().clock.now())
