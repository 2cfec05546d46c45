"""The paper page says whether a paper used its authors' own data, and why; only once a project is accepted."""

from __future__ import annotations

from biblio.runtime import Runtime
from tests.verify.conftest import Login
from tests.verify.factories import add_mention, add_paper, add_project


def test_the_page_says_whose_data_and_why(runtime: Runtime, login: Login) -> None:
    """Before a verdict nothing is said; after it, who of the team is among the authors."""
    with runtime.store.writing() as session:
        project = add_project(session)
        paper = add_paper(session, doi="10.5555/tamsin")
        add_mention(session, paper, "2016.1.00001.S")
    client = login()
    assert "PI or archive data" not in client.get(f"/desk/paper/{paper}?project={project}").get_data(as_text=True)
    ruling = {"project": project, "version": 0, "verdict": "accept", "relation": "science"}
    client.post(f"/desk/paper/{paper}/decide", data=ruling)
    page = client.get(f"/desk/paper/{paper}").get_data(as_text=True)
    assert "<strong>PI data</strong> (archival: none)" in page
    assert "Author 1 of 3, Oduya, M., is PI of 2016.1.00001.S, and 1 more of the team is an author." in page
