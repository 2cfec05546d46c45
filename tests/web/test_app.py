"""The application promises that no route is open by oversight, and that every template can be rendered."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask import Blueprint, Flask
from jinja2 import StrictUndefined
from sqlalchemy.exc import IntegrityError

from biblio import webkit
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.feature import Feature
from biblio.paths import template_dir
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.web import create_app
from tests.web.visitors import Visitor


def _feature(action: str | None) -> Feature:
    """A feature with one page, /probe, that needs ``action`` (None: declares none)."""
    blueprint = Blueprint("probe", __name__)

    def probe() -> str:
        return "seen"

    blueprint.add_url_rule("/probe", view_func=webkit.action(action)(probe) if action else probe)
    return Feature(name="probe", blueprint=lambda: blueprint)


def test_a_route_without_an_action_stops_the_start(small_runtime: Runtime) -> None:
    """A forgotten @action is found before anybody can use the page."""
    with pytest.raises(ValueError, match=r"/probe.*declares no action"):
        create_app(small_runtime, features=[public, _feature(None)])


def test_an_action_that_no_table_knows_stops_the_start(small_runtime: Runtime) -> None:
    """A misspelt action is found at start, not by whom it locks out."""
    with pytest.raises(ValueError, match=r"desk\.raed"):
        create_app(small_runtime, features=[public, _feature("desk.raed")])


def test_a_public_route_needs_no_login(small_runtime: Runtime) -> None:
    """The action "public" opens a page to everybody."""
    app = create_app(small_runtime, features=[public, _feature("public")])
    assert app.test_client().get("/probe").get_data(as_text=True) == "seen"


def test_every_template_compiles(whole_app: Flask) -> None:
    """No template has a syntax error, and an unknown name in one is an error, not a blank."""
    names = [path.relative_to(template_dir()).as_posix() for path in template_dir().rglob("*.html") if path.is_file()]
    assert "base.html" in names
    for name in names:
        whole_app.jinja_env.get_template(name)
    assert whole_app.jinja_env.undefined is StrictUndefined


def test_templates_hold_no_inline_script_or_style() -> None:
    """The content security policy allows none, so none may stand there."""
    on_paper = {template_dir() / "survey" / "print.html", template_dir() / "reports" / "paper.html"}  # made into PDF
    pages = [path for path in template_dir().rglob("*.html") if path not in on_paper]
    assert len(pages) > 10
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert "<style" not in text, path
        assert " style=" not in text, path
        assert "onclick=" not in text, path
        assert "<script>" not in text, path


def _app_that_raises(runtime: Runtime, error: Exception) -> Flask:
    blueprint = Blueprint("probe", __name__)

    @blueprint.route("/probe")
    @blueprint.route("/api/probe.json")
    @webkit.action(webkit.PUBLIC)
    def probe() -> str:
        raise error

    return create_app(runtime, features=[public, Feature(name="probe", blueprint=lambda: blueprint)])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RequestRefused("The date lies in the future."), 400),
        (NotFound("There is no paper number 7."), 404),
        (Stale("Somebody else judged this."), 409),
    ],
)
def test_a_refusal_becomes_a_page_that_says_why(small_runtime: Runtime, error: Exception, status: int) -> None:
    """The sentence of the refusal reaches the person, as a page or as JSON."""
    client = _app_that_raises(small_runtime, error).test_client()
    page = client.get("/probe")
    assert page.status_code == status
    assert str(error) in page.get_data(as_text=True)
    answer = client.get("/api/probe.json")
    assert answer.status_code == status
    assert answer.get_json()["detail"] == str(error)


def test_two_who_store_the_same_at_once_are_told_so(small_runtime: Runtime) -> None:
    """The slower of two gets a page that says so, not one that says that something broke; other failures still do."""
    unique = sqlite3.IntegrityError("UNIQUE constraint failed")
    unique.sqlite_errorname = "SQLITE_CONSTRAINT_UNIQUE"
    for cause, status in ((unique, 409), (sqlite3.IntegrityError("NOT NULL constraint failed"), 500)):
        failed = IntegrityError("INSERT", {}, cause)
        assert _app_that_raises(small_runtime, failed).test_client().get("/probe").status_code == status


def test_a_broken_page_gives_a_number_and_no_details(
    small_runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    """What broke stands in the log under the number that the person sees; the page tells nothing of it."""
    client = _app_that_raises(small_runtime, RuntimeError("inner workings")).test_client()
    answer = client.get("/api/probe.json")
    assert answer.status_code == 500
    reference = answer.get_json()["reference"]
    assert "inner workings" not in answer.get_data(as_text=True)
    logged = capsys.readouterr()
    assert reference in logged.out + logged.err
    page = client.get("/probe")
    assert page.status_code == 500
    assert "inner workings" not in page.get_data(as_text=True)


def test_an_unknown_address_offers_the_search(small_app: Flask) -> None:
    """A 404 is a page of ours with a way on, below /api it is JSON."""
    visitor = Visitor(small_app)
    page = visitor.get("/no/such/page")
    assert page.status_code == 404
    assert 'role="search"' in page.get_data(as_text=True)
    answer = visitor.get("/api/nothing.json")
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json()
    assert (problem["type"], problem["status"]) == ("about:blank", 404)
    assert problem["title"] == "There is no such page"
    assert "nothing.json" in problem["detail"]


def test_a_wrong_method_is_refused_with_the_right_ones(small_app: Flask) -> None:
    """405 says which methods there are."""
    answer = Visitor(small_app).client.delete("/login")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_health_says_ok_and_what_is_wrong(small_runtime: Runtime, small_app: Flask, tmp_path: Path) -> None:
    """A watcher gets 200 while database and schema are in order, 503 with the reason otherwise."""
    visitor = Visitor(small_app)
    assert visitor.get("/health").get_json()["status"] == "ok"
    with small_runtime.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = visitor.get("/health")
    assert answer.status_code == 503
    assert "biblio db upgrade" in answer.get_json()["schema"]


@pytest.mark.parametrize(
    "address", ["/paper/99999999999999999999", "/paper/2147483648", "/project/a%00b", "/api/projects/%00.json"]
)
def test_what_no_database_holds_is_answered_with_a_page(app: Flask, address: str) -> None:
    """Numbers beyond any row and the character NUL name nothing; neither database breaks over them."""
    answer = app.test_client().get(address)
    assert answer.status_code in (400, 404)
    assert "reference" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("query", ["author=%00", "author=Berg&author=a%00b", "a%00b=1"])
def test_the_character_nul_is_refused_wherever_it_stands(app: Flask, query: str) -> None:
    """In the second value of a parameter too, and in a parameter's name."""
    assert app.test_client().get(f"/?q=disc&{query}").status_code == 400
