"""What every answer carries and every request must respect: headers, cookies, sizes, the log line.

The content security policy allows nothing inline and nothing from elsewhere: a page works from our own files alone.
"""

from __future__ import annotations

import gzip
import re
import time
from datetime import timedelta

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.middleware.proxy_fix import ProxyFix

from biblio.logs import get_logger
from biblio.settings import Settings

log = get_logger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

ASSET_ENDPOINT = "assets.asset"
HSTS = "max-age=31536000; includeSubDomains"
MAX_REQUEST_BYTES = 2 * 1024 * 1024
"""The largest request; forms here are small, and files come in through the command line."""

MAX_FORM_FIELD_BYTES = 256 * 1024
SESSION_HOURS = 12
"""A working day: who leaves a desk open overnight logs in again."""

COMPRESS_FROM_BYTES = 1024
_COMPRESSED_TYPES = {
    "text/html",
    "text/csv",
    "application/json",
    "application/problem+json",
    "image/svg+xml",
    "text/plain",
}
_LONG_SEGMENT = re.compile(r"[A-Za-z0-9_\-.~%]{24,}")


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, but an asset neither reads nor varies by the cookie, so that it is kept across logins."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Renew no login on a page of the survey: whoever opens it, its headers are the same."""
        return session.modified if holds_token(request) else super().should_set_cookie(app, session)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the session cookie where it changed, never with an asset."""
        if request.endpoint != ASSET_ENDPOINT:
            super().save_session(app, session, response)


def configure_security(app: Flask, settings: Settings) -> None:
    """Set cookies, limits and headers of ``app``. Cookies are Secure wherever the public address is https."""
    is_https = settings.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret(),
        SESSION_COOKIE_NAME="__Host-biblio" if is_https else "biblio",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=SESSION_HOURS),
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_FIELD_BYTES,
        MAX_FORM_PARTS=500,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session; a form left open over lunch still works
        WTF_CSRF_SSL_STRICT=False,  # it compares the referrer, which survey pages rightly withhold; tokens suffice
    )
    app.session_interface = Sessions()
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    @app.before_request
    def start_watch() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        _add_headers(response, is_https=is_https)
        _compress(response)
        _log_line(response)
        return response


def holds_token(asked: Request) -> bool:
    """Whether the address of this request carries a survey token, which no header, log or cache may keep."""
    return "token" in (asked.view_args or {}) or asked.path.startswith("/survey/")


def masked_path(asked: Request) -> str:
    """Return the path as the log may keep it: tokens, and anything as long as one, are blanked out."""
    if asked.url_rule is not None and "token" in asked.url_rule.arguments:
        return asked.url_rule.rule
    return _LONG_SEGMENT.sub("…", asked.path)[:200]


def _add_headers(response: Response, *, is_https: bool) -> None:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Referrer-Policy", "no-referrer" if holds_token(request) else "same-origin")
    if is_https:
        headers.setdefault("Strict-Transport-Security", HSTS)
    if "Cache-Control" not in headers:
        is_private = g.get("biblio_actor") is not None or holds_token(request)
        headers["Cache-Control"] = "no-store" if is_private else "private, no-cache"


def _compress(response: Response) -> None:
    """Pack text answers. Pages that carry a survey token stay as they are: their length must say nothing of it."""
    if (
        response.mimetype not in _COMPRESSED_TYPES
        or response.is_streamed
        or response.direct_passthrough
        or "Content-Encoding" in response.headers
        or request.accept_encodings.quality("gzip") <= 0
        or holds_token(request)
    ):
        return
    body = response.get_data()
    if len(body) < COMPRESS_FROM_BYTES:
        return
    response.set_data(gzip.compress(body, 5, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")


def _log_line(response: Response) -> None:
    """Write one line per request: no query, no token, no sender."""
    if request.endpoint == ASSET_ENDPOINT:
        return
    person = g.get("biblio_actor")
    log.info(
        "request",
        method=request.method,
        path=masked_path(request),
        status=response.status_code,
        ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
        user=person.user_id if person is not None and not holds_token(request) else None,
    )
