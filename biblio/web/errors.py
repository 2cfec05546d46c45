"""Error pages: what happened, what is safe, what to do. Addresses below /api answer in JSON (RFC 9457)."""

from __future__ import annotations

import secrets
import time
from http import HTTPStatus

from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError
from werkzeug.exceptions import HTTPException

from biblio import webkit
from biblio.errors import BiblioError, JobRunning, NotAllowed, NotFound, NotReady, RequestRefused, Stale, TooOften
from biblio.logs import get_logger
from biblio.store import two_at_once
from biblio.web.security import masked_path

log = get_logger(__name__)

_WORDS = {
    400: ("This could not be done", "Nothing was changed.", "Go back, correct what you sent, and try again."),
    403: ("You may not do this", "Nothing was changed.", "Ask an admin if your role should allow it."),
    404: (
        "There is no such page",
        "Nothing is lost: the address is wrong, or what it showed has moved.",
        "Search below.",
    ),
    405: ("This page cannot be used like that", "Nothing was changed.", "Go back and use the buttons of the page."),
    409: ("Somebody else was faster", "Nothing of yours was stored.", "Look at the present state, then decide again."),
    413: ("This is too large", "Nothing was stored.", "Send less at a time, or use the command line for files."),
    415: ("This kind of content is not taken", "Nothing was stored.", "Use the form on the page."),
    503: ("Not yet", "Nothing is lost.", "Wait a minute, then load the page again."),
    429: ("Too many tries", "Nothing was changed.", "Wait a few minutes, then try again."),
}


def install(app: Flask) -> None:
    """Have ``app`` answer every refusal and failure with a page (or JSON) that says what to do."""

    @app.errorhandler(BiblioError)
    def refused(error: BiblioError) -> ResponseReturnValue:
        wait_s = error.wait_s if isinstance(error, TooOften) else 30 if isinstance(error, NotReady) else None
        headers = {"Retry-After": str(wait_s)} if wait_s else None
        return _answer(_status_of(error), str(error), headers=headers)

    @app.errorhandler(RateLimitExceeded)
    def too_often(_error: RateLimitExceeded) -> ResponseReturnValue:
        exceeded = webkit.limiter().current_limit
        wait_s = max(1, exceeded.reset_at - int(time.time())) if exceeded else 60
        return _answer(429, "", headers={"Retry-After": str(wait_s)})

    @app.errorhandler(CSRFError)
    def expired(_error: CSRFError) -> ResponseReturnValue:
        return _answer(
            400, "The form was open for too long, or you logged in or out meanwhile. Reload the page and send it again."
        )

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if status < 400:
            return error.get_response()  # a redirect that routing asked for
        return _answer(status, "", headers=_kept_headers(error))

    @app.errorhandler(DataError)
    @app.errorhandler(OverflowError)
    def too_large(_error: Exception) -> ResponseReturnValue:
        return _answer(400, "A number or text you sent is larger than anything there is.")

    @app.errorhandler(DBAPIError)
    def crossed(error: DBAPIError) -> ResponseReturnValue:
        if not two_at_once(error):
            return broke(error)
        log.warning("two at once", path=masked_path(request), error=type(error.orig).__name__)
        return _answer(409, "Somebody else stored the same, or what this rests on, at the same moment.")

    @app.errorhandler(Exception)
    def broke(error: Exception) -> ResponseReturnValue:
        reference = secrets.token_hex(4)
        log.exception("page broke", reference=reference, path=masked_path(request), exc_info=error)
        return _answer_broken(reference)


def _status_of(error: BiblioError) -> int:
    if isinstance(error, NotAllowed):
        return 403
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Stale | JobRunning):
        return 409
    if isinstance(error, NotReady):
        return 503
    if isinstance(error, TooOften):
        return 429
    return 400 if isinstance(error, RequestRefused) else 500


def _kept_headers(error: HTTPException) -> dict[str, str]:
    return {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}


def _wants_json() -> bool:
    return request.path.startswith("/api/") or request.path == "/health"


def _answer(status: int, message: str, *, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    known = status in _WORDS
    title, safe, advice = _WORDS.get(
        status, (HTTPStatus(status).phrase, "Nothing was changed.", "Go back and try again.")
    )
    if _wants_json():
        return _problem(status, title, message or f"{title}. {safe}", headers or {})
    page = render_template(
        "errors/refused.html",
        title=title,
        status=status,
        message=message,
        safe=safe,
        advice=advice,
        back=webkit.same_site(_way_back()),
        known=known,
    )
    return page, status, headers or {}


def _problem(status: int, title: str, detail: str, headers: dict[str, str], **more: str) -> ResponseReturnValue:
    """Return a refusal for a program, as RFC 9457 has it; pages of other sites may read it like the API's answers."""
    answer = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail, **more})
    answer.mimetype = "application/problem+json"
    if request.path.startswith("/api/"):
        headers = {**headers, "Access-Control-Allow-Origin": "*"}
    return answer, status, headers


def _answer_broken(reference: str) -> ResponseReturnValue:
    if _wants_json():
        return _problem(500, "Something broke on our side", f"Nothing was changed. Name {reference} when you ask.", {},
                        reference=reference)  # fmt: skip
    return render_template("errors/broken.html", reference=reference), 500


def _way_back() -> str | None:
    """The page the person came from, when it was one of ours."""
    here = request.host_url
    referrer = request.referrer or ""
    return "/" + referrer.removeprefix(here) if referrer.startswith(here) else None
