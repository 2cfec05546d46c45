"""Logging in with one's institution: OpenID Connect beside the local accounts (extra ``oidc``).

The institution says, verified, which e-mail address a person has; the account with that address is theirs. Accounts
are made by admins: nobody gets one by logging in. The button is a link and not a form, because a form's redirect to
another site would need a looser content security policy.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from biblio import webkit
from biblio.catalogue.actor import Actor
from biblio.errors import StartRefused
from biblio.logs import get_logger
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store.models import UserAccount
from biblio.web.accounts import service
from biblio.web.accounts.login import landing, let_in

if TYPE_CHECKING:
    from biblio.web.accounts.provider import Provider

LOGIN_S = 600
"""Seconds a person has for logging in at the institution, second factor included."""

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_BACK = "/login/institution/back"
_PROVIDER = "biblio_institution"
_BEGUN = "institution_login"
_REFUSALS = {
    "unreachable": (503, "Your institution's login service cannot be reached, or does not answer as it should."),
    "state": (400, "This login was not begun in this browser, or it took more than ten minutes."),
    "refused": (403, "Your institution's login service did not let you in."),
    "unproved": (403, "What your institution's login service said about you could not be verified."),
    "unverified": (403, "Your institution's login service named no verified e-mail address of yours."),
    "unknown": (403, "Nobody with your e-mail address has an active account here: ask your administrator to add you."),
    "several": (403, "More than one account here has your e-mail address: ask your administrator to keep one."),
}

blueprint = Blueprint("institution", __name__)
log = get_logger(__name__)


class NotLetIn(Exception):
    """Why a login ends here: a key of ``_REFUSALS``. ``email`` is shown to its owner and never logged."""

    def __init__(self, reason: str, *, email: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.email = reason, email


def install(app: Flask, runtime: Runtime) -> None:
    """Add the login through an institution to ``app`` where one is configured.

    Raises ``StartRefused`` when it is configured by halves, without https, or without the extra ``oidc``.
    """
    configured = _configured(runtime.settings)
    if configured is None:
        return
    try:
        from biblio.web.accounts.provider import Provider
    except ModuleNotFoundError as error:
        raise StartRefused(
            "Logging in with an institution needs the extra oidc: "
            "`pip install --require-hashes -r requirements/oidc.txt`, or unset BIBLIO_OIDC_ISSUER."
        ) from error
    app.extensions[_PROVIDER] = Provider(*configured, runtime.settings.base_url + _BACK, runtime.clock)
    app.register_blueprint(blueprint)


def is_safe(address: object) -> bool:
    """Whether secrets may travel to ``address``: https, or plain http on this machine itself."""
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    )


def _configured(settings: Settings) -> tuple[str, str, str] | None:
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    values = ((settings.oidc_issuer or "").strip(), (settings.oidc_client_id or "").strip(), secret.strip())
    names = ("BIBLIO_OIDC_ISSUER", "BIBLIO_OIDC_CLIENT_ID", "BIBLIO_OIDC_CLIENT_SECRET")
    if not any(values):
        return None
    missing = [name for name, value in zip(names, values, strict=True) if not value]
    if missing:
        raise StartRefused(
            f"Logging in with an institution needs {' and '.join(missing)} too: set all three, or none of them."
        )
    if not is_safe(values[0]) or urlsplit(values[0]).query or urlsplit(values[0]).fragment:
        raise StartRefused("BIBLIO_OIDC_ISSUER must be an https:// address (http:// only on this machine itself).")
    return values


def _provider() -> Provider:
    provider: Provider = current_app.extensions[_PROVIDER]
    return provider


@blueprint.route("/login/institution")
@webkit.action(webkit.PUBLIC)
@webkit.throttled("20 per minute", methods=("GET", "HEAD"))
def begin() -> ResponseReturnValue:
    """Send the person to the institution's login page."""
    target = webkit.same_site(request.args.get("next"))
    person = webkit.visitor()
    if person is not None:
        return redirect(target or landing(person))
    address, begun = _provider().begin()
    session[_BEGUN] = {**begun, "next": target, "until": webkit.runtime().clock.now().timestamp() + LOGIN_S}
    return redirect(address)


@blueprint.route(_BACK)
@webkit.action(webkit.PUBLIC)
@webkit.throttled("20 per minute", methods=("GET", "HEAD"))
def back() -> ResponseReturnValue:
    """Take the person back from the institution, and let them in if it vouches for somebody known here."""
    begun, state = session.get(_BEGUN) or {}, request.args.get("state", "")
    if not hmac.compare_digest(begun.get("state", "").encode(), state.encode()) or not state:
        raise NotLetIn("state")
    session.pop(_BEGUN)
    if webkit.runtime().clock.now().timestamp() > begun["until"]:
        raise NotLetIn("state")
    if "error" in request.args or not request.args.get("code"):
        raise NotLetIn("refused")
    account = _account_of(_provider().verified_email(request.args["code"], begun))
    return let_in(account, way="institution", target=begun["next"])


def _account_of(email: str) -> UserAccount:
    """Return the one active account with this address. Raises ``NotLetIn`` for none, and for several."""
    with webkit.reading() as unit:
        found = service.with_address(unit, email)
    active = [account for account in found if account.is_active]
    if len(active) == 1:
        return active[0]
    with webkit.writing() as unit:
        for account in found:
            now = webkit.runtime().clock.now()
            service.note(unit, Actor(None, "nobody"), "login.refused", account, now=now, way="institution")
    raise NotLetIn("several" if active else "unknown", email=email)


@blueprint.errorhandler(NotLetIn)
def not_let_in(refusal: NotLetIn) -> ResponseReturnValue:
    """Say why the login ended, and which ways there are now."""
    status, sentence = _REFUSALS[refusal.reason]
    cause = refusal.__cause__
    code = getattr(cause, "error", None)
    is_word = isinstance(code, str) and len(code) <= 40 and code.isidentifier()
    log.warning(
        "institution login refused", reason=refusal.reason, cause=code if is_word else cause and type(cause).__name__
    )
    return render_template("accounts/not_let_in.html", sentence=sentence, email=refusal.email), status


@blueprint.after_request
def keep_nothing(response: Response) -> Response:
    """Have nobody keep an answer that stands at an address with a code, or sets a session."""
    response.headers["Cache-Control"] = "no-store"
    return response
