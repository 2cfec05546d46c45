"""The application: loops over the features, checks that every route declares an action, and refuses who may not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from jinja2 import FileSystemLoader, StrictUndefined
from werkzeug.routing import IntegerConverter, Map

from biblio import webkit
from biblio.errors import NotAllowed, RequestRefused
from biblio.feature import Feature, load_features
from biblio.paths import template_dir
from biblio.runtime import Runtime, build_runtime
from biblio.web import errors, rates, security
from biblio.web.accounts import login, oidc, permissions
from biblio.web.accounts.views import blueprint as accounts
from biblio.web.admin.views import attach_features
from biblio.web.admin.views import blueprint as admin
from biblio.web.assets import asset_blueprint, load_assets
from biblio.web.jinja import install as install_jinja


class RowNumber(IntegerConverter):
    """A number in an address: larger ones than both databases can hold name nothing (404), rather than break."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**31 - 1)


class Application(Flask):
    """Flask, but for what it logs: the error page's handler writes the one line, with a reference and no address."""

    def log_exception(self, exc_info: Any) -> None:
        """Write nothing: ``biblio.web.errors`` does."""


def create_app(runtime: Runtime, *, features: Sequence[Feature] | None = None) -> Flask:
    """Return the web application on ``runtime``, with all features unless some are given.

    Raises ``ValueError`` when a route declares no action, or one that the table of permissions does not know, and
    ``StartRefused`` when the login through an institution is set up by halves.
    """
    features = load_features() if features is None else tuple(features)
    app = Application("biblio", root_path=str(template_dir()), static_folder=None, template_folder=None)
    app.jinja_loader = FileSystemLoader(template_dir())
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.strict_slashes = False
    app.url_map.converters["int"] = RowNumber
    webkit.attach_runtime(app, runtime)
    attach_features(app, features)
    security.configure_security(app, runtime.settings)
    errors.install(app)
    login.install(app)
    _install_guard(app)
    CSRFProtect(app)
    assets = load_assets()
    for blueprint in (asset_blueprint(assets), accounts, admin):
        app.register_blueprint(blueprint)
    oidc.install(app, runtime)
    for feature in features:
        app.register_blueprint(feature.blueprint())
    install_jinja(app, assets, features)
    _install_rates(app, runtime)
    _check_actions(app)
    return app


def create_app_from_environment() -> Flask:
    """Return the application as the environment sets it up: ``gunicorn 'biblio.web:create_app_from_environment()'``."""
    from biblio.logs import configure
    from biblio.settings import load_settings

    settings = load_settings()
    configure(as_json=settings.log_json, level=settings.log_level)
    return start(create_app(build_runtime(settings)))


def start(app: Flask) -> Flask:
    """Begin what features do when a server starts, and return ``app``; tests and commands have no need of it."""
    for feature in load_features():
        for begin in feature.starts:
            begin(app)
    return app


def action_of(app: Flask, endpoint: str) -> str | None:
    """Return the action that the view behind ``endpoint`` declares, or None."""
    return getattr(app.view_functions[endpoint], "biblio_action", None)


def _install_guard(app: Flask) -> None:
    @app.before_request
    def guard() -> ResponseReturnValue | None:
        person = login.logged_in() if request.endpoint != security.ASSET_ENDPOINT else None
        webkit.attach_actor(person)
        _refuse_nul()
        if request.endpoint is None:
            return None  # routing has found nothing; Flask answers 404 or 405
        needed = action_of(app, request.endpoint) or ""
        if permissions.may(person.role if person else None, needed):
            return None
        if person is None:
            target = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("accounts.login", next=target))
        role = person.role.label if person.role else "nobody"
        raise NotAllowed(f"The role {role} does not include this page. An admin can change roles.")


def _refuse_nul() -> None:
    """Refuse the character NUL in addresses and forms: no word holds it, and PostgreSQL cannot."""
    texts = [request.path]
    for given in (request.args, request.form):
        for name, values in given.lists():
            texts += [name, *values]
    if any("\0" in text for text in texts):
        raise RequestRefused("What you sent holds a character that no text has (NUL). Nothing was changed.")


def _install_rates(app: Flask, runtime: Runtime) -> None:
    """Throttle the views that ask for it (``@webkit.throttled``)."""
    kept = rates.storage(runtime.settings.ratelimit_storage)
    limiter = Limiter(get_remote_address, app=app, storage_uri=kept, strategy="moving-window")
    for endpoint, view in list(app.view_functions.items()):
        limited: Any = view
        for rate in getattr(view, "biblio_rates", ()):
            limited = limiter.limit(rate.limit, key_func=rate.key, methods=list(rate.methods))(limited)
        app.view_functions[endpoint] = limited


def _check_actions(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        declared = action_of(app, rule.endpoint)
        if declared is None:
            raise ValueError(f"The route {rule.rule} ({rule.endpoint}) declares no action: add @webkit.action(…).")
        if not permissions.is_known(declared):
            raise ValueError(f"The route {rule.rule} needs the action {declared!r}, which no table knows.")
