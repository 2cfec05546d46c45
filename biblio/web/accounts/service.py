"""Accounts: the only writer of people with logins. Nothing here commits; every change leaves an audit entry."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused
from biblio.store.found import found
from biblio.store.models import AuditEntry, UserAccount
from biblio.store.models.operations import new_session_stamp
from biblio.store.words import Role

PASSWORD_MIN_LENGTH = 12
"""Characters; NIST SP 800-63B asks for length, not for kinds of characters."""

PASSWORD_MAX_LENGTH = 256
"""Characters; long enough for any phrase, short enough that hashing one costs nothing."""

_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._@-]{0,63}$")
_hasher = PasswordHasher()
_NOBODY = _hasher.hash("no account has this password")
"""What an unknown user's password is compared with, so that the answer takes as long as for a known one."""

COMMAND_LINE = Actor(user_id=None, name="command line", role=Role.ADMIN)
"""Who acts when an operator uses ``biblio users``: whoever can reach the database may do this."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a new account starts with. ``password_hash`` None: it can only log in elsewhere (OpenID Connect)."""

    username: str
    name: str
    role: Role
    password_hash: str | None = None
    email: str | None = None
    library: str | None = None


def hash_password(password: str, *, username: str = "") -> str:
    """Return the Argon2id hash of ``password``. Raises ``RequestRefused`` saying what is wrong with it.

    Slow on purpose (tens of milliseconds): call it before opening a unit of work.
    """
    if len(password) < PASSWORD_MIN_LENGTH:
        raise RequestRefused(f"The password is too short: use at least {PASSWORD_MIN_LENGTH} characters.")
    if len(password) > PASSWORD_MAX_LENGTH:
        raise RequestRefused(f"The password is too long: use at most {PASSWORD_MAX_LENGTH} characters.")
    if username and password.casefold().strip("0123456789!?. ") == username.casefold():
        raise RequestRefused("The password must not be the user name.")
    return _hasher.hash(password)


def password_matches(account: UserAccount | None, password: str) -> bool:
    """Whether ``password`` is the account's. Takes as long for nobody (None), so that names cannot be probed."""
    stored = account.password_hash if account is not None and account.password_hash else _NOBODY
    try:
        _hasher.verify(stored, password[: PASSWORD_MAX_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
    return account is not None and bool(account.password_hash) and account.is_active


def outdated(account: UserAccount) -> bool:
    """Whether the stored hash was made with weaker parameters than today's and should be made anew."""
    return bool(account.password_hash) and _hasher.check_needs_rehash(account.password_hash or "")


def find(session: Session, username: str) -> UserAccount | None:
    """Return the account called ``username`` (case does not matter), or None."""
    name = username.strip().casefold()
    return session.exec(select(UserAccount).where(col(UserAccount.username) == name)).one_or_none()


def with_address(session: Session, email: str) -> list[UserAccount]:
    """Return every account, active or not, with this e-mail address.

    The case of the letters a–z does not matter. That of others does: folding them makes different addresses alike
    (the Kelvin sign becomes a k), and an address decides here who somebody is.
    """
    asked = email.strip().encode().lower()
    stored = session.exec(select(UserAccount).where(col(UserAccount.email).is_not(None))).all()
    return [account for account in stored if (account.email or "").encode().lower() == asked]


def get(session: Session, user_id: int) -> UserAccount:
    """Return the account with this number. Raises ``NotFound``."""
    return found(session, UserAccount, user_id, "account")


def named(session: Session, username: str) -> UserAccount:
    """Return the account called ``username``. Raises ``NotFound``."""
    account = find(session, username)
    if account is None:
        raise NotFound(f"There is no account called {username!r}: `biblio users list` shows them.")
    return account


def add(session: Session, actor: Actor, new: NewAccount, *, now: datetime) -> UserAccount:
    """Make an account. Raises ``RequestRefused`` for a name that is taken or cannot be used, or a bad address."""
    username = new.username.strip().casefold()
    if not _USERNAME.match(username):
        raise RequestRefused(
            "A user name has up to 64 letters a–z, digits and . _ @ -, and begins with a letter or digit."
        )
    if find(session, username) is not None:
        raise RequestRefused(f"The user name {username} is taken.")
    account = UserAccount(
        username=username,
        name=new.name.strip() or username,
        email=_checked_address(new.email),
        password_hash=new.password_hash,
        role=new.role,
        library=(new.library or "").strip() or None,
        created_at=now,
    )
    session.add(account)
    session.flush()
    note(session, actor, "account.added", account, now=now, role=account.role.value)
    return account


def set_role(session: Session, actor: Actor, account: UserAccount, role: Role, *, now: datetime) -> None:
    """Give the account another role; its sessions end. Raises ``RequestRefused`` for the last admin."""
    if account.role is role:
        return
    if account.role is Role.ADMIN:
        _keep_an_admin(session, account)
    before, account.role = account.role, role
    _end_sessions(account)
    session.add(account)
    note(session, actor, "account.role", account, now=now, before=before.value, after=role.value)


def set_active(session: Session, actor: Actor, account: UserAccount, *, active: bool, now: datetime) -> None:
    """Deactivate an account (its sessions end at once) or let it in again. Nothing it did is lost.

    Raises ``RequestRefused`` for the last admin.
    """
    if account.is_active is active:
        return
    if not active and account.role is Role.ADMIN:
        _keep_an_admin(session, account)
    account.is_active = active
    _end_sessions(account)
    session.add(account)
    note(session, actor, "account.reactivated" if active else "account.deactivated", account, now=now)


def set_password(session: Session, actor: Actor, account: UserAccount, password_hash: str, *, now: datetime) -> None:
    """Store a new password hash; every session of the account ends."""
    account.password_hash = password_hash
    _end_sessions(account)
    session.add(account)
    note(session, actor, "account.password", account, now=now)


def set_address(session: Session, actor: Actor, account: UserAccount, email: str | None, *, now: datetime) -> None:
    """Store a person's e-mail address; none takes it away, and the daily mail with it.

    The institution's login finds people by it. Raises ``RequestRefused`` for a bad address, or somebody else's.
    """
    address = _checked_address(email)
    if address == account.email:
        return
    if address and any(other.id != account.id and other.is_active for other in with_address(session, address)):
        raise RequestRefused("Another active account has this address: log-ins with an institution go by it.")
    had, account.email = account.email is not None, address
    account.wants_digest = account.wants_digest and address is not None
    session.add(account)
    note(session, actor, "account.address", account, now=now, had=had, has=address is not None)


def set_digest(session: Session, actor: Actor, account: UserAccount, *, wanted: bool, now: datetime) -> None:
    """Have the daily mail about what waits sent to a person, or no longer.

    Raises ``RequestRefused`` where there is no address to send it to.
    """
    if wanted and not account.email:
        raise RequestRefused("There is no e-mail address in your account: ask an admin to add it.")
    if account.wants_digest is wanted:
        return
    account.wants_digest = wanted
    session.add(account)
    note(session, actor, "account.digest", account, now=now, wanted=wanted)


def renew_hash(session: Session, user_id: int, password_hash: str) -> None:
    """Store a stronger hash of the same password; sessions go on."""
    account = get(session, user_id)
    account.password_hash = password_hash
    session.add(account)


def log_out_everywhere(session: Session, actor: Actor, account: UserAccount, *, now: datetime) -> None:
    """End every session of the account, also those whose cookie somebody copied."""
    _end_sessions(account)
    session.add(account)
    note(session, actor, "account.logged_out", account, now=now)


def note(session: Session, actor: Actor, action: str, account: UserAccount, *, now: datetime, **details: Any) -> None:
    """Write an audit entry about an account."""
    session.add(
        AuditEntry(
            made_at=now,
            actor_id=actor.user_id,
            action=action,
            subject=account.username,
            details={**details, **({"by": actor.name} if actor.user_id is None else {})},
        )
    )


def same_stamp(account: UserAccount, stamp: str) -> bool:
    """Whether a session's stamp is still the account's."""
    return hmac.compare_digest(account.session_stamp.encode(), stamp.encode())


def _end_sessions(account: UserAccount) -> None:
    account.session_stamp = new_session_stamp()


def _keep_an_admin(session: Session, account: UserAccount) -> None:
    # All of them are held, in the order of their numbers: two admins who demote one another wait for each other here.
    admins = session.exec(
        select(UserAccount.id)
        .where(col(UserAccount.role) == Role.ADMIN, col(UserAccount.is_active))
        .order_by(col(UserAccount.id))
        .with_for_update()
    ).all()
    if not set(admins) - {account.id}:
        raise RequestRefused(f"{account.username} is the last admin: make somebody else admin first.")


def _checked_address(email: str | None) -> str | None:
    if email is None or not email.strip():
        return None
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise RequestRefused(f"This is no e-mail address: {error}") from error
