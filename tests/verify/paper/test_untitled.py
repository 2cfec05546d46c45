"""Papers known by an identifier alone, from another library's list: every page stands them, and work on them goes on."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from flask import Flask
from sqlmodel import select

from biblio.catalogue.links import Ruling, decide
from biblio.catalogue.projects import record_projects
from biblio.ingest.paper_commands import papers
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Paper, Project
from biblio.store.words import Outcome, RelationKind, Role, Verdict
from biblio.verify.feature import feature
from harvesters.records import HarvestedProject
from tests.verify.conftest import Login
from tests.verify.factories import add_user

CODE, BIBCODE = "2013.1.00092.S", "2021ApJ...900....1D"


def test_a_paper_without_a_title_passes_every_page(app: Flask, login: Login, runtime: Runtime, tmp_path: Path) -> None:
    """It is matched, shown on the desk, decided upon and public under its identifier; exports name it by that too."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        record_projects(session, [HarvestedProject("registry", CODE, pi="Doe, Jane")], grammar=runtime.grammar, now=now)
    table = tmp_path / "list.csv"
    table.write_text(f"bibcode,programid\n{BIBCODE},{CODE}\n", encoding="utf-8")
    assert CliRunner().invoke(papers, ["import", str(table)], obj=lambda: runtime).exit_code == 0
    (match,) = (job for job in feature.jobs if job.name == "match")
    assert run_job(runtime, match).outcome is Outcome.SUCCEEDED
    with runtime.store.writing() as session:
        paper, project = session.exec(select(Paper.id)).one(), session.exec(select(Project.id)).one()
        assert paper is not None
        assert project is not None
        ruling = Ruling(paper, project, Verdict.ACCEPT, version_seen=0, relation=RelationKind.SCIENCE)
        decide(session, add_user(session, "anna", Role.LIBRARIAN), ruling, now=now)
    client = login()
    for address in ("/desk", "/desk/certain", f"/desk/paper/{paper}", f"/desk/paper/{paper}?project={project}"):
        assert client.get(address, follow_redirects=True).status_code == 200, address
    assert "Untitled paper" in client.get(f"/desk/paper/{paper}").get_data(as_text=True)
    for address in (
        "/",
        "/?q=2021",
        f"/paper/{paper}",
        f"/project/{CODE}",
        "/?q=&format=csv",
        "/?q=&format=bib",
        "/api/papers.json",
    ):
        text = app.test_client().get(address).get_data(as_text=True)
        assert BIBCODE in text, address
        assert "None" not in text.replace("None of", ""), address
