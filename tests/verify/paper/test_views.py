"""The desk's pages: what they show, what they store, and who may see them."""

from __future__ import annotations

import re
from datetime import date

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import col, select

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Decision, DeskItem, Link, PaperIdentifier, PaperRelation
from biblio.store.words import RelationKind, Role, Scheme, Verdict
from biblio.verify.proposing.match import match
from tests.verify.conftest import Login
from tests.verify.factories import SEEN, add_mention, add_paper, add_project

CODE = "2016.1.00001.S"
MOST_OF_A_PAPER = 29
"""Statements of a paper page at most, the beginning of its transactions (on SQLite) among them."""


def _filled(runtime: Runtime) -> tuple[int, int]:
    with runtime.store.writing() as session:
        project = add_project(session)
        paper = add_paper(session, doi="10.5555/tamsin", arxiv="1901.00001")
        add_mention(session, paper, CODE)
        other = add_paper(session, title="More on Tamsin 7", arxiv="1902.00002")
        add_mention(session, other, CODE)
    run_job(runtime, match)
    return paper, project


def test_the_desk_says_what_waits_and_why(runtime: Runtime, login: Login) -> None:
    """The first sentence counts, and each row says why it is here, what was found and for which project."""
    _filled(runtime)
    page = login().get("/desk")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "2 certain, 0 likely, 0 about to go to press" in text
    assert "silent project" in text
    assert f"<mark>{CODE}</mark>" in text
    assert "The gas mass of Tamsin 7" in text


def test_the_paper_page_marks_the_quote_and_the_team(runtime: Runtime, login: Login) -> None:
    """The quote is marked in its context, the PI among the authors, the evidence in words with its contribution."""
    paper, _ = _filled(runtime)
    text = login().get(f"/desk/paper/{paper}").get_data(as_text=True)
    assert f'data-mark="quote-1">{CODE}</mark>' in text
    assert "We thank everybody." in text
    assert ">PI" in text
    assert f"The code {CODE} is printed" in text
    assert "https://arxiv.org/abs/1901.00001" in text


def test_two_addresses_of_one_service_are_told_apart(runtime: Runtime, login: Login) -> None:
    """A preprint's bibcode beside the article's: each link says where it leads; one alone needs no more than its name."""
    with runtime.store.writing() as session:
        paper = add_paper(session, doi="10.5555/tamsin")
        for bibcode in ("2019ApJ...870...10O", "2018arXiv181200001O"):
            identifier = PaperIdentifier(
                paper_id=paper, scheme=Scheme.BIBCODE, value=bibcode, source="test", learned_at=SEEN
            )
            session.add(identifier)
    page = login().get(f"/desk/paper/{paper}").get_data(as_text=True)
    for bibcode in ("2019ApJ...870...10O", "2018arXiv181200001O"):
        assert f'ADS <span class="place">{bibcode}</span>' in page
    assert '<span class="place">10.5555/tamsin' not in page


def test_accepting_goes_on_to_the_next_paper_and_can_be_undone(runtime: Runtime, login: Login) -> None:
    """Accept stores link and relation, leaves the queue, leads to the next paper; undo brings all of it back."""
    paper, project = _filled(runtime)
    client = login()
    answer = client.post(
        f"/desk/paper/{paper}/decide",
        data={
            "project": project,
            f"version-{project}": 0,
            "verdict": "accept",
            "relation": "science",
            "seconds": "7.5",
        },
    )
    assert answer.status_code == 302
    after = client.get(answer.location).get_data(as_text=True)
    assert "Accepted 2016.1.00001.S for “The gas mass of Tamsin 7”" in after
    assert "More on Tamsin 7" in after
    with runtime.store.reading() as session:
        link = session.exec(select(Link)).one()
        assert (link.verdict, link.paper_id, link.project_id) == (Verdict.ACCEPT, paper, project)
        assert session.exec(select(PaperRelation)).one().relation is RelationKind.SCIENCE
        assert session.get(DeskItem, paper) is None
        decision = link.decision_id
        other = session.exec(select(DeskItem)).one()
        assert other.why == "more"  # its project has a paper now
    assert client.post(f"/desk/decision/{decision}/undo").status_code == 302
    with runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.ended_at).is_(None))).all() == []
        assert session.get(DeskItem, paper) is not None


@pytest.mark.parametrize(
    ("before", "stored"),
    [("", [RelationKind.MENTION]), ("mention", []), ("science", [RelationKind.MENTION]), (None, [])],
)
def test_a_class_that_a_person_chose_is_kept_whatever_the_verdict(
    runtime: Runtime, login: Login, before: str | None, stored: list[RelationKind]
) -> None:
    """Choosing a class and rejecting says both; what the page had chosen beforehand nobody said."""
    paper, project = _filled(runtime)
    data = {"project": project, f"version-{project}": 0, "verdict": "reject", "relation": "mention"}
    client = login()
    answer = client.post(
        f"/desk/paper/{paper}/decide", data=data if before is None else {**data, "relation_before": before}
    )
    told = client.get(answer.location).get_data(as_text=True)
    assert ("“The gas mass of Tamsin 7”; mention." in told) is bool(stored)
    with runtime.store.reading() as session:
        assert [row.relation for row in session.exec(select(PaperRelation))] == stored
        assert session.exec(select(Link)).one().verdict is Verdict.REJECT


# -- refusing ---------------------------------------------------------------------------------------------------------


def test_a_stale_form_gets_both_views(runtime: Runtime, login: Login) -> None:
    """409: what I wanted, what is in force, by whom; nothing of mine was stored."""
    paper, project = _filled(runtime)
    login(username="vera").post(
        f"/desk/paper/{paper}/decide",
        data={"project": project, "version": 0, "verdict": "reject", "reason": "another object"},
    )
    answer = login(username="hanna").post(
        f"/desk/paper/{paper}/decide",
        data={"project": project, "version": 0, "verdict": "accept", "relation": "science", "reason": "printed code"},
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    for part in ("Vera", "another object", "printed code", "rejected", 'value="1"'):
        assert part in text
    with runtime.store.reading() as session:
        assert len(session.exec(select(Decision)).all()) == 1


def test_accepting_without_a_class_is_refused_and_keeps_what_was_typed(runtime: Runtime, login: Login) -> None:
    """422: the page comes back with an error that leads to the classes, and the reason is still there."""
    paper, project = _filled(runtime)
    answer = login().post(
        f"/desk/paper/{paper}/decide",
        data={"project": project, "version": 0, "verdict": "accept", "reason": "see section 2"},
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#relation"' in text
    assert "Say how the paper relates" in text
    assert 'value="see section 2"' in text
    with runtime.store.reading() as session:
        assert session.exec(select(Decision)).all() == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"verdict": "accept", "relation": "science"}, 422),
        ({"verdict": "perhaps", "project": "1"}, 422),
        ({"verdict": "accept", "project": "1", "relation": "ours"}, 422),
        ({"verdict": "accept", "project": "1", "relation": " \x0b"}, 422),
        ({"verdict": "reject", "project": "999"}, 404),
        ({"verdict": "reject", "project": "<b>"}, 422),
        ({"verdict": "reject", "project": "1", "reason": "x" * 1001}, 422),
        ({"verdict": "none", "relation": "science"}, 422),
    ],
)
def test_forms_that_make_no_sense_change_nothing(
    runtime: Runtime, login: Login, data: dict[str, str], status: int
) -> None:
    """Each is refused with a page, and no decision is stored."""
    paper, _ = _filled(runtime)
    assert login().post(f"/desk/paper/{paper}/decide", data=data).status_code == status
    with runtime.store.reading() as session:
        assert session.exec(select(Decision)).all() == []


def test_addresses_of_nothing_are_not_found(runtime: Runtime, login: Login) -> None:
    """Papers and decisions that do not exist answer 404; a box that cannot be read is refused."""
    client = login()
    assert client.get("/desk/paper/99").status_code == 404
    assert client.post("/desk/decision/99/undo").status_code == 404
    assert client.post("/desk/decision/x/undo").status_code == 404
    assert client.post("/desk/merge/99/undo").status_code == 404
    assert client.post("/desk/certain", data={"chosen": "1:2:x"}).status_code == 400


@pytest.mark.parametrize(
    ("role", "reads", "decides"),
    [
        (Role.LIBRARIAN, True, True),
        (Role.HEAD_LIBRARIAN, True, True),
        (Role.ADMIN, True, False),
        (Role.MANAGER, False, False),
        (Role.SURVEY_READER, False, False),
    ],
)
def test_librarians_decide_and_managers_do_not(
    runtime: Runtime, login: Login, role: Role, reads: bool, decides: bool
) -> None:
    """Who may read sees the desk; only librarians change anything."""
    paper, project = _filled(runtime)
    client = login(role)
    assert (client.get("/desk").status_code == 200) is reads
    page = client.get(f"/desk/paper/{paper}")
    assert (page.status_code == 200) is reads
    assert ('data-key="a"' in page.get_data(as_text=True)) is decides
    answer = client.post(
        f"/desk/paper/{paper}/decide",
        data={"project": project, "version": 0, "verdict": "reject"},
    )
    assert answer.status_code == (302 if decides else 403)


def test_without_a_login_the_desk_is_closed(runtime: Runtime, app: Flask) -> None:
    """A stranger is sent to the login page and changes nothing."""
    client = app.test_client()
    assert "/login" in client.get("/desk").location
    assert client.post("/desk/decision/1/undo").status_code in (302, 403)


# -- the whole paper ------------------------------------------------------------------------------------------------------


def test_a_mention_is_one_act_and_one_undo(runtime: Runtime, login: Login) -> None:
    """ "No project" sets the class, rejects every candidate nobody judged, and is taken back as one."""
    paper, _ = _filled(runtime)
    client = login()
    answer = client.post(f"/desk/paper/{paper}/decide", data={"verdict": "none", "relation": "mention"})
    after = client.get(answer.location).get_data(as_text=True)
    assert "”: mention, 1 proposed project rejected." in after
    undo = re.search(r'action="(/desk/decision/[^"]+)"', after)
    assert undo is not None
    with runtime.store.reading() as session:
        assert {link.verdict for link in session.exec(select(Link))} == {Verdict.REJECT}
        assert session.exec(select(PaperRelation)).one().relation is RelationKind.MENTION
        assert session.get(DeskItem, paper) is None
    client.post(undo[1])
    with runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.ended_at).is_(None))).all() == []
        assert session.exec(select(PaperRelation).where(col(PaperRelation.ended_at).is_(None))).all() == []
        assert session.get(DeskItem, paper) is not None


def test_a_paper_without_candidates_can_be_classed_and_taken_back(runtime: Runtime, login: Login) -> None:
    """Where the machine proposes nothing only the class is stored; its undo removes it."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
    client = login()
    client.post(f"/desk/paper/{paper}/decide", data={"verdict": "none", "relation": "engineering"})
    with runtime.store.reading() as session:
        assert session.exec(select(PaperRelation)).one().relation is RelationKind.ENGINEERING
    client.post(f"/desk/paper/{paper}/relation/undo")
    with runtime.store.reading() as session:
        assert session.exec(select(PaperRelation).where(col(PaperRelation.ended_at).is_(None))).all() == []


def test_a_project_the_machine_did_not_propose_can_be_found_and_linked(runtime: Runtime, login: Login) -> None:
    """By code, PI, title and target; several hits choose none of them by themselves."""
    with runtime.store.writing() as session:
        paper = add_paper(session, title="Nothing alike", authors=("Nobody, N.",), abstract="Nothing.")
        project = add_project(
            session, "2017.1.00777.S", title="Ice 50% on moons", pi="Ferreira, Sol", targets=("Qix 3",)
        )
        add_project(session, "2018.1.00778.S", title="Ice on rings", pi="Ferreira, Sol", targets=("Qix 4",))
    client = login()
    for words in ("2017.1.00777.S", "ADS/JAO.ALMA#2017.1.00777.S", "ice moons", "qix 3", "50%"):
        text = client.get(f"/desk/paper/{paper}", query_string={"find": words}).get_data(as_text=True)
        assert f'value="{project}" id="project-{project}" checked' in text, words
    both = client.get(f"/desk/paper/{paper}", query_string={"find": "ferreira"}).get_data(as_text=True)
    assert "2017.1.00777.S" in both
    assert "2018.1.00778.S" in both
    assert not re.search(r'name="project"[^>]* checked', both)
    nothing = client.get(f"/desk/paper/{paper}", query_string={"find": "_____"}).get_data(as_text=True)
    assert "No project has" in nothing
    answer = client.post(
        f"/desk/paper/{paper}/decide",
        data={"project": project, "version": 0, "verdict": "accept", "relation": "science"},
    )
    assert answer.status_code == 302
    assert "linked by hand" in client.get(f"/desk/paper/{paper}").get_data(as_text=True)


# -- the queue --------------------------------------------------------------------------------------------------------------


def test_the_most_consequential_paper_comes_first(runtime: Runtime, login: Login) -> None:
    """A silent project, then a preprint about to go to press, then a first paper; the reason is on each row."""
    rows = (
        ("A first one", "2016.1.00001.S", "Ferreira, Sol", date(2026, 1, 1), None),
        ("A young one", "2016.1.00002.S", "Ngata, Rua", date(2026, 1, 1), date(2026, 11, 1)),
        ("A silent one", "2016.1.00003.S", "Oduya, Marit", date(2018, 1, 1), None),
    )
    with runtime.store.writing() as session:
        for number, (title, code, pi, released_on, preprint_on) in enumerate(rows):
            add_project(session, code, pi=pi, co_is=(), released_on=released_on, targets=(f"Orla {number}",))
            paper = add_paper(
                session,
                title=title,
                authors=(pi,),
                abstract="",
                journal=None if preprint_on else "ApJ",
                is_refereed=preprint_on is None,
                preprint_on=preprint_on,
                arxiv=f"2611.0000{number}",
            )
            add_mention(session, paper, code)
    run_job(runtime, match)
    text = login().get("/desk").get_data(as_text=True)
    assert text.index("A silent one") < text.index("A young one") < text.index("A first one")
    for words in ("silent project", "about to go to press", "first paper"):
        assert words in text


def test_filters_stand_in_the_address_and_hold_on_the_paper_page(runtime: Runtime, login: Login) -> None:
    """A filtered queue can be bookmarked; next, decide and find keep the filter; nothing matching says so."""
    paper, _ = _filled(runtime)
    client = login()
    assert "2 papers" in client.get("/desk?band=certain&journal=ApJ&text=yes&library=ESO").get_data(as_text=True)
    empty = client.get("/desk?band=likely").get_data(as_text=True)
    assert "Nothing here matches these filters" in empty
    page = client.get(f"/desk/paper/{paper}?band=certain").get_data(as_text=True)
    assert f"/desk/paper/{paper}/decide?band=certain" in page
    assert client.get("/desk?band=%22%3E&why=x&year=nineteen&page=-3").status_code == 200


def test_an_empty_desk_says_what_would_fill_it(runtime: Runtime, login: Login) -> None:
    """Nothing waits: the page names the job that brings papers here."""
    text = login().get("/desk").get_data(as_text=True)
    assert "Nothing waits" in text
    assert "biblio run match" in text


def test_pages_cost_the_same_number_of_statements_for_many_papers(runtime: Runtime, login: Login) -> None:
    """Two papers or thirty, one candidate or many: the queue and the paper page ask the same number of questions, the paper page few."""
    paper, _ = _filled(runtime)
    client = login()
    seen: list[str] = []
    sa.event.listen(runtime.store.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))

    def statements(address: str) -> int:
        seen.clear()
        assert client.get(address).status_code == 200
        return len(seen)

    few = statements("/desk"), statements(f"/desk/paper/{paper}"), statements("/desk/certain")
    # Each statement costs PostgreSQL's planner and the wire: what several parts of the page show is read once for all.
    assert few[1] <= MOST_OF_A_PAPER
    with runtime.store.writing() as session:
        for number in range(2, 30):
            add_project(session, f"2016.1.{number:05}.S")
            add_mention(
                session, add_paper(session, title=f"Paper {number}", arxiv=f"1903.{number:05}"), f"2016.1.{number:05}.S"
            )
    run_job(runtime, match)
    assert (statements("/desk"), statements(f"/desk/paper/{paper}"), statements("/desk/certain")) == few


# -- strangers' words -------------------------------------------------------------------------------------------------------


def test_what_strangers_write_is_shown_and_never_run(runtime: Runtime, login: Login) -> None:
    """Titles, names, quotes and file names with markup, TeX links, NUL and bidi marks are escaped on every page."""
    evil = "<script>alert(1)</script>\u202e\x01<img src=x onerror=alert(2)> \\href{javascript:alert(3)}{x}"
    with runtime.store.writing() as session:
        add_project(session, title=evil, pi='"><script>alert(4)</script>')
        paper = add_paper(session, title=evil + "y" * 10_000, authors=('Evil, <b onclick="x">',), abstract=evil)
        add_mention(session, paper, CODE, before=evil + " data: ADS/JAO.ALMA#", after=evil)
    run_job(runtime, match)
    client = login()
    for address in ("/desk", f"/desk/paper/{paper}", "/desk/certain", f"/desk/paper/{paper}?find=%3Cscript%3E"):
        text = client.get(address).get_data(as_text=True)
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "<b onclick" not in text
        assert "\u202e" not in text
        assert 'href="javascript' not in text
        assert len(text) < 100_000


def test_an_export_runs_no_formula(runtime: Runtime, login: Login) -> None:
    """The queue as CSV: one row per paper, cells that begin like a formula are made harmless."""
    with runtime.store.writing() as session:
        add_project(session)
        add_mention(session, add_paper(session, title="=cmd|'/c calc'!A1"), CODE)
    run_job(runtime, match)
    rows = login().get("/desk?format=csv").get_data(as_text=True).splitlines()
    assert len(rows) == 2
    assert "'=cmd" in rows[1]
