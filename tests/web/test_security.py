"""Every answer carries the headers that keep a page to our own files, and no log keeps a token."""

from __future__ import annotations

import gzip
from urllib.parse import urlsplit

import pytest
from flask import Blueprint, Flask

from biblio import webkit
from biblio.feature import Feature
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.web import create_app
from biblio.web.assets import following_the_system, load_assets
from tests.web.visitors import Visitor, add_person, logged_in

TOKEN = "q3Zk8vXw1LrT6yBn0PcD5sHj9MfG2aUe"


def _survey_app(runtime: Runtime) -> Flask:
    """An application with a page whose address carries a token, as the survey's does."""
    blueprint = Blueprint("survey", __name__)

    @blueprint.route("/survey/<token>")
    @webkit.action(webkit.PUBLIC)
    def questionnaire(token: str) -> str:
        return f"{token} " * 100

    return create_app(runtime, features=[public, Feature(name="survey", blueprint=lambda: blueprint)])


@pytest.mark.parametrize("path", ["/", "/login", "/nothing", "/api/papers.json", "/health"])
def test_every_answer_is_kept_to_our_own_files(small_app: Flask, path: str) -> None:
    """Nothing inline, nothing from elsewhere, no frame, no sniffing."""
    headers = Visitor(small_app).get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "img-src 'self' data:" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_https_brings_hsts_and_secure_cookies(https_app: Flask) -> None:
    """Behind https no cookie travels in the clear, and the browser is told to stay with https."""
    answer = https_app.test_client().get("/login", base_url="https://biblio.example.org")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-")
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie


def test_the_session_cookie_is_hidden_from_scripts(small_app: Flask) -> None:
    """Also without https, a script cannot read the session."""
    cookie = Visitor(small_app).get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_post_without_a_token_is_refused(small_app: Flask, small_runtime: Runtime) -> None:
    """No other site can send a form in a person's name."""
    logged_in(small_app, small_runtime, Role.ADMIN)
    for path in ("/login", "/publication", "/logout"):
        visitor = Visitor(small_app)
        visitor.log_in("admin")
        answer = visitor.client.post(path, data={"username": "admin", "password": "x"})
        assert answer.status_code == 400, path


def test_a_request_that_is_too_large_is_refused(small_app: Flask) -> None:
    """Two megabytes are more than any form here holds."""
    visitor = Visitor(small_app)
    answer = visitor.post("/publication", {"note": "x" * 3_000_000}, form_on="/publication")
    assert answer.status_code == 413


def test_a_page_with_a_token_tells_nobody(small_runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither referrer nor cache nor log nor length of a survey page keeps its token."""
    client = _survey_app(small_runtime).test_client()
    answer = client.get(f"/survey/{TOKEN}?next={TOKEN}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in answer.headers
    assert client.get(f"/survey/{TOKEN}/more").status_code == 404
    logged = capsys.readouterr()
    assert "/survey/<token>" in logged.out + logged.err
    assert TOKEN not in logged.out + logged.err


def test_the_log_line_holds_no_query(small_app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """What people search for, and where a login leads, stays out of the log."""
    Visitor(small_app).get("/?q=secretword")
    logged = capsys.readouterr()
    assert "path=/ " in logged.out + logged.err
    assert "secretword" not in logged.out + logged.err


def test_pages_of_logged_in_people_are_not_kept(small_app: Flask, small_runtime: Runtime) -> None:
    """After log-out the back button shows nothing."""
    assert logged_in(small_app, small_runtime).get("/account").headers["Cache-Control"] == "no-store"


def test_a_forwarded_address_counts_only_behind_a_known_proxy(small_runtime: Runtime) -> None:
    """X-Forwarded-For is believed exactly as often as the operator says there are proxies."""
    seen: list[str | None] = []
    for hops in (0, 1):
        settings = small_runtime.settings.model_copy(update={"trusted_proxies": hops})
        blueprint = Blueprint("probe", __name__)

        @blueprint.route("/probe")
        @webkit.action(webkit.PUBLIC)
        def probe() -> str:
            from flask import request

            seen.append(request.remote_addr)
            return ""

        runtime = Runtime(settings, small_runtime.profile, small_runtime.store, small_runtime.clock)
        app = create_app(runtime, features=[public, Feature(name="probe", blueprint=lambda b=blueprint: b)])
        app.test_client().get("/probe", headers={"X-Forwarded-For": "192.0.2.7"})
    assert seen == ["127.0.0.1", "192.0.2.7"]


# -- assets -----------------------------------------------------------------------------------------------------------


def _asset_addresses(html: str) -> list[str]:
    return [part.split('"')[0] for part in html.split('="')[1:] if part.startswith("/static/")]


def test_a_first_visit_is_small_and_kept(small_app: Flask) -> None:
    """Page, styles, script and icon together travel as at most 100 kB, all from here, kept for a year."""
    client = small_app.test_client()
    packed = {"Accept-Encoding": "gzip"}
    page = client.get("/", headers=packed)
    assert "Content-Encoding" not in client.get(page.request.path, headers={"Accept-Encoding": "gzip;q=0"}).headers
    html = gzip.decompress(page.data).decode()
    addresses = _asset_addresses(html)
    assert any("bootstrap." in address for address in addresses)
    total = len(page.data)
    for address in addresses:
        answer = client.get(address, headers=packed)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        total += len(answer.data)
    assert total <= 100_000
    assert all(not urlsplit(a).netloc for a in addresses)


def test_an_asset_is_the_same_packed_and_plain(small_app: Flask) -> None:
    """Who cannot unpack gets the plain file, and caches are told that there are two."""
    client = small_app.test_client()
    address = load_assets().address("app.css")
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
    assert client.get("/static/app.000000000000.css").status_code == 404


def test_dark_rules_also_follow_the_system() -> None:
    """Without a script, a system that prefers dark gets the dark rules; a choice for light wins over it."""
    css = following_the_system(":root{--x:1}[data-bs-theme=dark]{--x:2}[data-bs-theme=dark] a,b{color:red}")
    assert "@media (prefers-color-scheme:dark){" in css
    assert ":root:not([data-bs-theme]){--x:2}" in css
    assert ":root:not([data-bs-theme]) a{color:red}" in css


@pytest.mark.parametrize(("cookie", "expected"), [("dark", True), ("light", True), ("purple", False)])
def test_the_chosen_colours_stand_in_the_page(small_app: Flask, cookie: str, expected: bool) -> None:
    """A choice is in the page from its first byte, so nothing flashes; nonsense in the cookie is no choice."""
    visitor = Visitor(small_app)
    visitor.client.set_cookie("theme", cookie)
    assert (f'data-bs-theme="{cookie}"' in visitor.get("/").get_data(as_text=True)) is expected


def test_text_answers_are_packed(small_app: Flask, small_runtime: Runtime) -> None:
    """A page of some length travels compressed to whoever can unpack it."""
    add_person(small_runtime)
    answer = small_app.test_client().get("/publication", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"<!doctype html>" in gzip.decompress(answer.data)
