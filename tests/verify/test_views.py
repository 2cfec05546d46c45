"""The desk's pages: what they show, what they store, and who may see them."""

from __future__ import annotations

from sqlmodel import col, select

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import DeskItem, Link, PaperRelation
from biblio.store.words import RelationKind, Verdict
from biblio.verify.match import match
from tests.verify.conftest import Login
from tests.verify.factories import add_mention, add_paper, add_project

CODE = "2016.1.00001.S"


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
