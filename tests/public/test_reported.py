"""Reported papers on the librarians' page: one row for each paper, taken up, declined and taken back, many at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlmodel import Session, select

from biblio.catalogue.identity import Identifier
from biblio.catalogue.reported import count_waiting, of_papers
from biblio.ingest import add_views
from biblio.public import service
from biblio.public.feature import feature as public
from biblio.public.service import Report, Told, report_paper
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, Candidate, PaperReport, SecondReading, WantedPaper
from biblio.store.words import ReportState, Role, Scheme
from biblio.web import create_app
from demo.replay import ReplayServer
from tests.factories import accept, add_paper, add_project, add_user
from tests.ingest.conftest import addresses
from tests.web.visitors import Visitor, logged_in

CODE = "2016.1.00001.S"


@pytest.fixture
def small_runtime(sqlite_runtime: Runtime) -> Runtime:
    """A runtime on SQLite alone, for what no database can change."""
    return sqlite_runtime


@pytest.fixture
def small_app(small_runtime: Runtime) -> Flask:
    """The web door with the public pages, on SQLite alone."""
    return create_app(small_runtime, features=[public])


def _told(session: Session, runtime: Runtime, number: int, code: str = CODE, note: str = "") -> Told:
    paper = Identifier(Scheme.ARXIV, f"2101.{number:05}")
    return report_paper(session, Report(paper, code, note), now=runtime.clock.now())


def _reports(runtime: Runtime, *numbers: int, code: str = CODE) -> None:
    with runtime.store.writing() as session:
        for number in numbers:
            _told(session, runtime, number, code)


def _states(runtime: Runtime) -> list[ReportState]:
    with runtime.store.reading() as session:
        return list(session.exec(select(PaperReport.state).order_by(PaperReport.id)))  # type: ignore[arg-type]


def test_projects_of_one_paper_are_one_row(small_app: Flask, small_runtime: Runtime) -> None:
    """However many reports name a paper, it is one row; the newest is first; a search finds notes and codes."""
    _reports(small_runtime, 1, 2)
    _reports(small_runtime, 1, code="2017.1.00002.S")
    vera = logged_in(small_app, small_runtime)
    page = vera.get("/desk/reported").get_data(as_text=True)
    assert "2 papers" in page
    assert "waiting (2)" in page
    assert page.index("2101.00001") < page.index("2101.00002")
    assert "2017.1.00002.S" in page
    found = vera.get("/desk/reported?q=2017.1").get_data(as_text=True)
    assert "1 paper" in found
    assert "No reported paper matches" in vera.get("/desk/reported?q=nowhere").get_data(as_text=True)


def test_ten_thousand_reports_are_pages_and_declined_in_one_act(app: Flask, runtime: Runtime) -> None:
    """A flood stays a list of pages; one button declines all, one undoes that, and the log holds each."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        session.add_all(
            PaperReport(scheme=Scheme.ARXIV, identifier=f"2101.{n % 2000:05}", project_code=f"2016.1.{n:05}.S",
                        made_at=now, state=ReportState.WAITING)
            for n in range(3_000)
        )  # fmt: skip
        assert count_waiting(session) == 2_000
    vera = logged_in(app, runtime)
    assert "1–50 shown" in vera.get("/desk/reported").get_data(as_text=True)
    answer = vera.post(
        "/desk/reported/decline?all=yes",
        {"reason": "=spam"},
        form_on="/desk/reported",
        follow_redirects=True,
    )
    page = answer.get_data(as_text=True)
    assert "2000 reported papers are declined" in page
    assert set(_states(runtime)) == {ReportState.DECLINED}
    declined = vera.get("/desk/reported?state=declined").get_data(as_text=True)
    assert "=spam" in declined
    undo = page.split('action="/desk/reported/reopen?at=')[1].split('"')[0].replace("&amp;", "&")
    vera.post(f"/desk/reported/reopen?at={undo}", form_on="/desk/reported")
    assert set(_states(runtime)) == {ReportState.WAITING}
    with runtime.store.reading() as session:
        assert len(session.exec(select(AuditEntry).where(AuditEntry.action == "reported_paper.handled")).all()) == 6_000


def test_ticked_papers_are_declined(small_app: Flask, small_runtime: Runtime) -> None:
    """Those and no others; none ticked, or nonsense, changes nothing."""
    _reports(small_runtime, 1, 2, 3)
    vera = logged_in(small_app, small_runtime)
    ticked = {"paper": ["arxiv 2101.00001", "arxiv 2101.00003"], "reason": "a comet"}
    vera.post("/desk/reported/decline", ticked, form_on="/desk/reported")
    assert _states(small_runtime) == [ReportState.DECLINED, ReportState.WAITING, ReportState.DECLINED]
    assert vera.post("/desk/reported/decline", {}, form_on="/desk/reported").status_code == 400
    for wrong in ("nonsense", "isbn 1", "arxiv "):
        answer = vera.post("/desk/reported/decline", {"paper": wrong}, form_on="/desk/reported")
        assert answer.status_code == 404
    again = vera.post("/desk/reported/decline", ticked, form_on="/desk/reported")
    assert again.status_code == 409
    for wrong in ("", "yesterday", "2026-11-22"):
        assert vera.post(f"/desk/reported/reopen?at={wrong}", form_on="/account").status_code == 404


def test_what_was_reported_anew_is_not_put_back_twice(small_app: Flask, small_runtime: Runtime) -> None:
    """Undo leaves a declined report where the same one waits again."""
    _reports(small_runtime, 1)
    vera = logged_in(small_app, small_runtime)
    vera.post("/desk/reported/decline?paper=arxiv+2101.00001", form_on="/desk/reported")
    _reports(small_runtime, 1)
    at = small_runtime.clock.now().isoformat().replace("+", "%2B")
    assert vera.post(f"/desk/reported/reopen?at={at}", form_on="/account").status_code == 409
    assert _states(small_runtime) == [ReportState.DECLINED, ReportState.WAITING]


def test_add_and_open_leads_to_the_desk(
    small_runtime: Runtime, served: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One button fetches the paper, makes the reported project a candidate, and opens it with that project chosen."""
    monkeypatch.setattr(add_views, "WAIT_S", 60.0)
    settings = small_runtime.settings.model_copy(update={**addresses(served.url), "ads_token": SecretStr("demo")})
    runtime = replace(small_runtime, settings=settings)
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = Identifier(Scheme.ARXIV, "1504.90137")
        report_paper(session, Report(paper, CODE, "see footnote 3"), now=runtime.clock.now())
    app = create_app(runtime)
    vera = logged_in(app, runtime)
    assert "Add and open" in vera.get("/desk/reported").get_data(as_text=True)
    token = vera.token("/desk/reported")
    taken = vera.client.post("/desk/reported/take?paper=arxiv+1504.90137", data={"csrf_token": token})
    assert taken.status_code == 307  # a browser sends the same form there; this client lost its body
    answer = vera.client.post(taken.headers["Location"], data={"csrf_token": token}, follow_redirects=True)
    assert answer.request.path == "/desk/paper/1"
    assert answer.request.args["project"] == str(project)
    page = answer.get_data(as_text=True)
    assert "A reader reported that the paper used data of this project" in page
    assert _states(runtime) == [ReportState.TAKEN]
    with runtime.store.reading() as session:
        assert session.exec(select(Candidate.project_id)).one() == project
        assert session.exec(select(WantedPaper)).one().paper_id == 1
    queue = vera.get("/desk").get_data(as_text=True)
    assert "1 paper" in queue
    assert CODE in queue


def test_without_the_harvest_pages_a_report_is_noted_as_taken(small_app: Flask, small_runtime: Runtime) -> None:
    """The button still notes it, and undo brings it back."""
    _reports(small_runtime, 1)
    vera = logged_in(small_app, small_runtime)
    answer = vera.post("/desk/reported/take?paper=arxiv+2101.00001", form_on="/desk/reported")
    assert answer.headers["Location"] == "/desk/reported"
    assert _states(small_runtime) == [ReportState.TAKEN]
    assert vera.post(
        "/desk/reported/take?paper=arxiv+2101.00001", form_on="/desk/reported"
    ).status_code == 409  # fmt: skip


def test_nothing_is_told_of_what_is_not_listed(small_runtime: Runtime) -> None:
    """Who reports an undecided, rejected or doubly read paper hears what everybody hears."""
    now = small_runtime.clock.now()
    with small_runtime.store.writing() as session:
        ines = add_user(session)
        project = add_project(session, CODE)
        paper = add_paper(session, identifiers={Scheme.ARXIV: "2101.00001"})
        assert _told(session, small_runtime, 1) is Told.NEW
        assert _told(session, small_runtime, 1) is Told.WAITING
        decision = accept(session, ines, paper, project)
        session.flush()
        assert _told(session, small_runtime, 1) is Told.LISTED
        session.add(
            SecondReading(paper_id=paper, project_id=project, decision_id=decision,
                          first_reader_id=ines.person_id(), drawn_at=now)
        )  # fmt: skip
        session.flush()
        assert _told(session, small_runtime, 1) is Told.WAITING


def test_one_paper_cannot_drown_the_list(small_runtime: Runtime) -> None:
    """Of one paper a score of projects wait; more is answered politely and kept nowhere."""
    with small_runtime.store.writing() as session:
        told = [_told(session, small_runtime, 1, f"2016.1.{n:05}.S") for n in range(service.MOST_CODES + 5)]
        assert told.count(Told.NEW) == service.MOST_CODES
        assert len(session.exec(select(PaperReport)).all()) == service.MOST_CODES


def test_what_fills_in_the_hidden_field_is_no_reader(small_app: Flask, small_runtime: Runtime) -> None:
    """The answer is the same thank-you; nothing is kept, and nobody sees the field."""
    visitor = Visitor(small_app)
    page = visitor.get("/publication").get_data(as_text=True)
    assert "<div hidden>" in page
    sent = {"identifier": "2101.00001", "project_code": CODE, "website": "https://buy.example"}
    answer = visitor.post("/publication", sent, form_on="/publication")
    assert answer.headers["Location"] == "/publication/thanks"
    assert _states(small_runtime) == []


def test_declined_reports_are_no_evidence(small_runtime: Runtime) -> None:
    """What was declined is nothing to the matcher; what waits or was taken up is."""
    with small_runtime.store.writing() as session:
        ines = add_user(session, role=Role.LIBRARIAN)
        project, paper = add_project(session, CODE), add_paper(session, identifiers={Scheme.ARXIV: "2101.00001"})
        _told(session, small_runtime, 1)
        _told(session, small_runtime, 1, "2099.1.00009.S")
        found = of_papers(session, [paper])[paper]
        assert [(one.project_code, one.project_id) for one in found] == [(CODE, project), ("2099.1.00009.S", None)]
        service.handle(session, ines, 1, ReportState.DECLINED, now=small_runtime.clock.now(), reason="a comet")
        assert [one.project_code for one in of_papers(session, [paper])[paper]] == ["2099.1.00009.S"]
        row = session.get_one(PaperReport, 1)
        assert row.reason == "a comet"
