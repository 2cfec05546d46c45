"""The audit log's pages: search, paging by keys, CSV, the evidence of a decision, and who may see it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import select

from biblio.catalogue.links import Ruling, decide
from biblio.mail import give_up
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, CandidateRevision, SecondReading
from biblio.store.words import RelationKind, Role, Verdict
from tests.factories import add_candidate, add_paper, add_project, add_user
from tests.mail.letters import queue, rows
from tests.web.visitors import Visitor, logged_in

CODE = "2016.1.00001.S"


def _decided(runtime: Runtime, reason: str = "a code in the acknowledgements") -> tuple[int, int]:
    """A decision with evidence; return paper and decision."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        ines = add_user(session)
        project, paper = add_project(session, CODE), add_paper(session, title="A disc <script>alert(1)</script>")
        add_candidate(session, paper, project)
        revision = session.exec(select(CandidateRevision.id)).one()
        ruling = Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE, reason, revision)
        made = decide(session, ines, ruling, now=now)
        assert made.id is not None
        return paper, made.id


def _rows(page: str) -> list[str]:
    return re.findall(r"<tr>\s*<td>.*?</tr>", page, re.DOTALL)


def test_one_search_finds_what_was_done(app: Flask, runtime: Runtime) -> None:
    """By person, kind, day, paper, project and words, each alone and together; all in the address."""
    paper, decision = _decided(runtime)
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    whole = head.get("/admin/audit").get_data(as_text=True)
    assert "accepted" in whole
    assert "Ines" in whole
    assert "&lt;script&gt;" in whole
    assert "<script>alert" not in whole
    for query in (
        "kind=decision", f"paper={paper}", f"project={CODE.lower()}", "q=acknowledgements", "who=1&kind=decision",
        "from=2026-11-22&to=2026-11-22&kind=decision",
    ):  # fmt: skip
        page = head.get(f"/admin/audit?{query}").get_data(as_text=True)
        assert "1 act" in page, query
        assert f"/admin/audit/decision/{decision}" in page, query
    for query in ("kind=merge", "q=nowhere", "to=2020-01-01", "from=2030-01-01"):
        assert "No act matches" in head.get(f"/admin/audit?{query}").get_data(as_text=True), query


def test_what_was_decided_of_a_letter_is_told_in_words(app: Flask, runtime: Runtime) -> None:
    """The log says which letter and how it stood before, and no key of the outbox."""
    queue(runtime, 1)
    (letter,) = rows(runtime)
    with runtime.store.writing() as session:
        give_up(session, add_user(session, "lena"), letter.id or 0, now=runtime.clock.now())
    page = logged_in(app, runtime, Role.HEAD_LIBRARIAN).get("/admin/audit?q=letter").get_data(as_text=True)
    assert f"gave a letter up: letter {letter.id}" in page
    assert "it was: waiting" in page
    assert letter.key not in page
    assert "key:" not in page


def test_the_evidence_seen_then_stays(app: Flask, runtime: Runtime) -> None:
    """The decision's page shows score, rules and quotes of the revision that was on the screen, not of today's."""
    _, decision = _decided(runtime)
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = head.get(f"/admin/audit/decision/{decision}").get_data(as_text=True)
    assert "Evidence seen" in page
    assert CODE in page
    assert "the profile’s weights" in page
    assert head.get("/admin/audit/decision/999").status_code == 404


def test_pages_go_on_by_keys(app: Flask, runtime: Runtime) -> None:
    """Every act stands on exactly one page, also where many were made at one moment."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        for number in range(120):
            moment = now + timedelta(seconds=number // 70)
            session.add(AuditEntry(made_at=moment, action="harvest.set_aside", subject=f"thing-{number:03}"))
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    address: str | None = "/admin/audit?kind=other"
    seen: list[str] = []
    pages = 0
    while address:
        page = head.get(address).get_data(as_text=True)
        seen += re.findall(r"thing-\d{3}", page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else None
        pages += 1
    assert pages == 3
    assert seen == [f"thing-{number:03}" for number in reversed(range(120))]


def test_the_log_is_taken_away_as_csv(app: Flask, runtime: Runtime) -> None:
    """The file holds what is searched for, with rule version and score; no cell runs as a formula."""
    _decided(runtime, reason="=HYPERLINK(1)")
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    rows = head.get("/admin/audit?kind=decision&format=csv").get_data(as_text=True).splitlines()
    assert rows[0].startswith("when,who,kind,what,reason,paper,project")
    assert len(rows) == 2
    assert ",'=HYPERLINK(1)," in rows[1]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=yesterday", "is no day such as"),
        ("paper=nonsense", "no DOI, ADS bibcode or arXiv number"),
        ("paper=99", "There is no paper 99"),
        ("project=2099.1.00001.S", "There is no project"),
        ("before=xyz", "no place in the audit log"),
        ("before=99999999T999999999999.decision.1", "no place in the audit log"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(app: Flask, runtime: Runtime, query: str, words: str) -> None:
    """A wrong filter gets a sentence above the form, never an error page; what was typed is kept."""
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    answer = head.get(f"/admin/audit?{query}")
    assert answer.status_code == 400
    assert words in answer.get_data(as_text=True)


def test_what_a_second_reader_must_not_see_is_masked(app: Flask, runtime: Runtime) -> None:
    """Verdict, reason, relation and score are on no page, found by no search, and in no file until both have judged."""
    paper, decision = _decided(runtime, reason="most telling words")
    with runtime.store.writing() as session:
        session.add(
            SecondReading(paper_id=paper, project_id=1, decision_id=decision, first_reader_id=1,
                          drawn_at=runtime.clock.now())
        )  # fmt: skip
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = head.get("/admin/audit?kind=decision").get_data(as_text=True)
    assert "judged the project" in page
    assert "hidden until a second reader has judged" in page
    table = "".join(_rows(page))
    assert "accepted" not in table
    assert "telling" not in table
    assert "score" not in table
    assert "No act matches" in head.get("/admin/audit?q=telling").get_data(as_text=True)
    assert "telling" not in head.get("/admin/audit?kind=decision&format=csv").get_data(as_text=True)
    assert head.get(f"/admin/audit/decision/{decision}").status_code == 403


def test_who_may_see_the_log(small_app: Flask, small_runtime: Runtime) -> None:
    """Head librarians and admins; the head librarian finds it in the navigation, and no other page of the admin's."""
    librarian: Visitor = logged_in(small_app, small_runtime, Role.LIBRARIAN)
    assert librarian.get("/admin/audit").status_code == 403
    assert librarian.get("/admin/audit/decision/1").status_code == 403
    head = logged_in(small_app, small_runtime, Role.HEAD_LIBRARIAN)
    page = head.get("/admin/audit").get_data(as_text=True)
    assert page.count(">Audit log<") >= 2
    assert 'href="/admin/runs"' not in page
    admin = logged_in(small_app, small_runtime, Role.ADMIN)
    assert 'href="/admin/runs"' in admin.get("/admin/audit").get_data(as_text=True)
