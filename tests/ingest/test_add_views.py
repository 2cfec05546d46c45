"""The page "Add a paper": paste, wait a moment, and the paper is open; what cannot be done is said in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from pydantic import SecretStr
from sqlmodel import select

from biblio.cli import main
from biblio.ingest import add_views
from biblio.runtime import Runtime
from biblio.store.models import JobRun, Paper, WantedPaper
from biblio.store.words import Outcome, Role, Trigger, WantedState
from biblio.web import create_app
from demo.replay import ReplayServer
from tests.ingest.conftest import addresses
from tests.web.visitors import Visitor, logged_in


@pytest.fixture
def site(sqlite_runtime: Runtime, served: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> tuple[Flask, Runtime]:
    """The whole site, asking a server that answers for the demo observatory."""
    monkeypatch.setattr(add_views, "WAIT_S", 30.0)
    settings = sqlite_runtime.settings.model_copy(update={**addresses(served.url), "ads_token": SecretStr("demo")})
    runtime = replace(sqlite_runtime, settings=settings)
    return create_app(runtime), runtime


def test_a_pasted_number_opens_the_paper(site: tuple[Flask, Runtime]) -> None:
    """From the form to the paper's page on the desk; pasted once more it opens what is there."""
    app, runtime = site
    vera = logged_in(app, runtime)
    assert 'value="2401.00001"' in vera.get("/papers/add?identifier=2401.00001").get_data(as_text=True)
    written = {"identifier": "  (arXiv:1504.90137v2) "}
    answer = vera.post("/papers/add", written, form_on="/papers/add", follow_redirects=True)
    assert answer.request.path == "/desk/paper/1"
    assert "was added" in answer.get_data(as_text=True)
    again = vera.post("/papers/add", {"identifier": "1504.90137"}, form_on="/papers/add", follow_redirects=True)
    assert again.request.path == "/desk/paper/1"
    assert "in the catalogue already" in again.get_data(as_text=True)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "Paste the paper"),
        ("nonsense", "no DOI, ADS bibcode or arXiv number"),
        ("<script>alert(1)</script>", "no DOI, ADS bibcode or arXiv number"),
        ("9" * 400, "Field cannot be longer"),
    ],
)
def test_what_is_no_number_is_said_at_the_field(site: tuple[Flask, Runtime], written: str, words: str) -> None:
    """What was typed is kept; nothing waits."""
    app, runtime = site
    vera = logged_in(app, runtime)
    answer = vera.post("/papers/add", {"identifier": written}, form_on="/papers/add")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert "<script>alert" not in page
    with runtime.store.reading() as session:
        assert session.exec(select(WantedPaper)).all() == []


def test_a_number_that_nobody_has_says_so(site: tuple[Flask, Runtime]) -> None:
    """A page in words, with a way back to the form."""
    app, runtime = site
    vera = logged_in(app, runtime)
    answer = vera.post("/papers/add", {"identifier": "2599.99999"}, form_on="/papers/add", follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "arXiv has no paper 2599.99999" in page
    assert "/papers/add?identifier=2599.99999" in page


def test_what_waits_is_listed_tried_and_given_up(site: tuple[Flask, Runtime], observatory: Path) -> None:
    """While arXiv is down the paper waits; the buttons try it again, give it up, and take that back."""
    app, runtime = site
    vera = logged_in(app, runtime)
    with runtime.store.writing() as session:
        session.add(
            WantedPaper(scheme="arxiv", identifier="1504.90137", asked_at=runtime.clock.now(), tries=1,
                        state=WantedState.WAITING, words="arXiv is down.")
        )  # fmt: skip
    page = vera.get("/papers/add").get_data(as_text=True)
    assert "arXiv is down." in page
    assert "could not be fetched now" in vera.get("/papers/add/1").get_data(as_text=True)
    dropped = vera.post("/papers/add/1/drop", form_on="/papers/add", follow_redirects=True).get_data(as_text=True)
    assert "/papers/add/1/keep" in dropped
    assert vera.post("/papers/add/1/drop", form_on="/papers/add").status_code == 409
    vera.post("/papers/add/1/keep", form_on="/papers/add")
    answer = vera.post("/papers/add/2/again", form_on="/papers/add", follow_redirects=True)
    assert answer.request.path == "/desk/paper/1"
    assert vera.get("/papers/add/99").status_code == 404
    assert vera.get("/papers/add/99999999999").status_code == 404


def test_a_slow_paper_shows_a_page_that_reloads(site: tuple[Flask, Runtime]) -> None:
    """While the run is at work the page says so and asks the browser to come back; nothing needs a script."""
    app, runtime = site
    vera: Visitor = logged_in(app, runtime)
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        session.add(WantedPaper(scheme="arxiv", identifier="1504.90137", asked_at=now, state=WantedState.WAITING))
        session.add(
            JobRun(job="add", started_by=Trigger.HAND, outcome=Outcome.RUNNING, version="1", started_at=now,
                   lease_until=now.replace(year=2099))
        )  # fmt: skip
    answer = vera.get("/papers/add/1")
    assert answer.headers["Refresh"] == str(add_views.RELOAD_S)
    assert "at work" in answer.get_data(as_text=True)


def test_only_librarians_add_papers(site: tuple[Flask, Runtime]) -> None:
    """Nobody else may make the site ask services."""
    app, runtime = site
    manager = logged_in(app, runtime, Role.MANAGER)
    assert manager.get("/papers/add").status_code == 403
    assert Visitor(app).get("/papers/add").status_code in (302, 403)


def test_the_command_adds_several(
    sqlite_runtime: Runtime,
    served: ReplayServer,
    observatory: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Each number with what became of it; exit code 1 where one was not added."""
    monkeypatch.setenv("BIBLIO_HOME", str(tmp_path / "site"))
    monkeypatch.setenv("BIBLIO_DATABASE_URL", sqlite_runtime.settings.database)
    for name, value in {**addresses(served.url), "ads_token": "demo"}.items():
        monkeypatch.setenv(f"BIBLIO_{name.upper()}", str(value))
    records = map(json.loads, (observatory / "papers" / "ads.jsonl").read_text("utf-8").splitlines())
    doi = next(one["doi"][0] for one in records if one["doi"] and not one["alternate_bibcode"])
    asked = ["papers", "add", "--quiet", "1504.90137", doi, "nonsense", "2599.99999"]
    told = CliRunner().invoke(main, asked)
    assert told.exit_code == 1
    assert "arxiv 1504.90137: paper 1, added" in told.output
    assert f"doi {doi}: paper 2, added" in told.output
    assert "nonsense: This is no DOI" in told.output
    assert "has no paper 2599.99999" in told.output
    again = CliRunner().invoke(main, ["papers", "add", "arXiv:1504.90137"])
    assert (again.exit_code, again.output.strip()) == (0, "arxiv 1504.90137: paper 1, known already")
    with sqlite_runtime.store.reading() as session:
        assert len(session.exec(select(Paper)).all()) == 2
