"""Files that a library hands over, through the commands an operator types."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlmodel import select

from biblio.ingest.paper_commands import papers
from biblio.ingest.project_commands import projects
from biblio.runtime import Runtime
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun, Paper, PaperRevision, Project, ProjectRevision
from tests.ingest.conftest import Asking

LIST = """code,title,pi,unit,unit_released_on
2013.1.00092.S,Cold dust,"Doe, Jane",uid://A1,2016-05-01
2013.1.00092.S,,,uid://A2,2016-06-01
not a code,Nothing,,,
2015.1.00001.S,Warm gas,"Roe, Richard",uid://B1,soon
2016.1.00002.S,Hot stars,"Mustermann, Erika",,
"""


def call(runtime: Runtime, group: click.Command, *arguments: str | Path) -> Result:
    """Call a command as the command line does."""
    return CliRunner().invoke(group, [str(a) for a in arguments], obj=lambda: runtime)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of projects with two bad rows."""
    path = tmp_path / "projects.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def test_bad_rows_cost_themselves_only(runtime: Runtime, listed: Path) -> None:
    """Each bad row is one refusal with file and row; everything else is loaded, and counts add up."""
    result = call(runtime, projects, "import", listed)
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        codes = set(session.exec(select(Project.code)))
        assert {"2013.1.00092.S", "2016.1.00002.S"} <= codes
        refusals = session.exec(select(HarvestRefusal)).all()
        assert {r.place.rpartition(" row ")[2] for r in refusals} == {"4", "5"}
        assert all(str(listed) in r.place for r in refusals)
        counts = session.exec(select(JobRun.counts)).one()
    assert counts["seen"] == counts["records"] + counts["refused"]
    assert "projects.csv: 2 new, 0 known, 0 changed, 2 refused" in result.output


def test_a_dry_run_changes_nothing(runtime: Runtime, listed: Path) -> None:
    """It says what would be new and what refused, and leaves no row behind."""
    result = call(runtime, projects, "import", listed, "--dry-run")
    assert "Nothing was changed" in result.output
    with runtime.store.reading() as session:
        for table in (Project, ProjectRevision, HarvestRefusal, JobRun):
            assert session.exec(select(table)).all() == []


def test_an_unreadable_file_costs_the_others_nothing(runtime: Runtime, listed: Path, tmp_path: Path) -> None:
    """A missing file and one without a header are named; the good file is loaded; the command fails."""
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"\x00\x01\x02 no header here\n")
    result = call(runtime, projects, "import", tmp_path / "missing.csv", bad, listed)
    assert result.exit_code == 1
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
        assert run.counts["files_refused"] == 2
        assert "missing.csv" in str(run.error)
        assert "bad.csv" in str(run.error)
        assert session.exec(select(Project)).first() is not None
        refused = session.exec(select(HarvestRefusal.place)).all()
    assert any("bad.csv" in place for place in refused)
    assert not any("missing.csv" in place for place in refused), "a name that was mistyped is nothing to mend"


@pytest.mark.parametrize("group", [projects, papers])
def test_a_file_that_does_not_exist_is_no_run(runtime: Runtime, group: click.Group, tmp_path: Path) -> None:
    """It is said, the command fails, and nothing remains to be made good for."""
    result = call(runtime, group, "import", tmp_path / "missing.csv")
    assert (result.exit_code, "There is no file" in result.output) == (1, True)
    with runtime.store.reading() as session:
        assert session.exec(select(JobRun)).all() == []
        assert session.exec(select(HarvestRefusal)).all() == []


def test_contacts_set_addresses_of_known_projects(runtime: Runtime, listed: Path, tmp_path: Path) -> None:
    """Code, name and e-mail: the address is kept, the registry's name stays, unknown codes and no-addresses are refused."""
    call(runtime, projects, "import", listed)
    contacts = tmp_path / "contacts.csv"
    contacts.write_text(
        "Code,Name,E-mail\n2013.1.00092.S,J. Doe,jane@example.org\n2016.1.00002.S,E. M.,not-an-address\n"
        "2019.1.00003.S,Nobody,nobody@example.org\n",
        encoding="utf-8",
    )
    result = call(runtime, projects, "import", contacts)
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        current = {
            code: (revision.pi, revision.pi_email)
            for code, revision in session.exec(
                select(Project.code, ProjectRevision).join(ProjectRevision).where(ProjectRevision.superseded_at == None)  # noqa: E711
            )
        }
        refused = {r.key: r.reason for r in session.exec(select(HarvestRefusal)) if r.source == "contacts"}
    assert current["2013.1.00092.S"] == ("Doe, Jane", "jane@example.org")
    assert current["2016.1.00002.S"] == ("Mustermann, Erika", None)
    assert "2019.1.00003.S" not in current
    assert set(refused) == {"2016.1.00002.S", "2019.1.00003.S"}
    assert "not-an-address" not in str(refused) + result.output
    assert "contacts.csv: 0 new, 0 known, 1 changed, 2 refused" in result.output
    assert "0 new, 1 known, 0 changed, 2 refused" in call(runtime, projects, "import", contacts).output


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_contacts_are_known_packed_and_in_every_encoding(
    runtime: Runtime, listed: Path, tmp_path: Path, encoding: str
) -> None:
    """As spreadsheets write them, and packed with gzip."""
    call(runtime, projects, "import", listed)
    contacts = tmp_path / "contacts.csv.gz"
    contacts.write_bytes(gzip.compress("Code;E-Mail\n2013.1.00092.S;jane@example.org\n".encode(encoding)))
    result = call(runtime, projects, "import", contacts)
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        assert "jane@example.org" in session.exec(select(ProjectRevision.pi_email)).all()
        assert (
            session.exec(select(HarvestPage.content_type).where(HarvestPage.source == "contacts")).one()
            == "text/x-contacts"
        )


def test_what_is_exported_can_be_imported(runtime: Runtime, listed: Path, tmp_path: Path) -> None:
    """The exported list loads again without changing anything, and holds no address."""
    call(runtime, projects, "import", listed)
    for kind in ("jsonl", "csv"):
        out = tmp_path / f"out.{kind}"
        assert call(runtime, projects, "export", "--format", kind, "-o", out).exit_code == 0
        assert "pi_email" not in out.read_text("utf-8")
        result = call(runtime, projects, "import", out, "--dry-run")
        assert [line.split() for line in result.output.splitlines() if "changed  " in line and "un" not in line] == [
            ["changed", "0"]
        ]


def test_papers_from_bibtex_and_jsonl_are_joined(runtime: Runtime, tmp_path: Path) -> None:
    """Two lists with the same DOI are one paper; a broken row names file and row."""
    bib = tmp_path / "library.bib"
    bib.write_text(
        "@article{doe21, title={Cold dust}, author={Doe, Jane}, year=2021, doi={10.3847/1538-4357/ab0001}}\n",
        encoding="utf-8",
    )
    lines = tmp_path / "papers.jsonl"
    row = {"id": "p1", "title": "Cold Dust", "authors": ["Jane Doe"], "doi": "https://doi.org/10.3847/1538-4357/AB0001"}
    lines.write_text(json.dumps(row) + "\n{broken\n", encoding="utf-8")
    result = call(runtime, papers, "import", bib, lines)
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        assert len(session.exec(select(Paper)).all()) == 1
        assert f"{lines} row 2" in session.exec(select(HarvestRefusal.place)).one()
        assert session.exec(select(PaperRevision)).first() is not None


def test_a_list_cannot_pass_for_a_service(runtime: Runtime, tmp_path: Path) -> None:
    """The names of the services are theirs: their values rank higher than any list's, and other terms hold for them."""
    for name in ("ads", "arXiv-oai", "person", " ", "x" * 33):
        assert call(runtime, papers, "import", tmp_path / "x.bib", "--name", name).exit_code == 2


def test_projects_come_from_the_archive(asking: Asking, served: object) -> None:
    """``projects fetch`` loads the registry, first on trial, then for good."""
    runtime = asking(served.url)  # type: ignore[attr-defined]
    assert "Nothing was changed" in call(runtime, projects, "fetch", "--dry-run").output
    result = call(runtime, projects, "fetch", "--quiet")
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        assert len(session.exec(select(Project)).all()) > 400


@pytest.mark.parametrize(
    ("group", "name"), [(projects, n) for n in ("fetch", "import", "export")] + [(papers, "import")]
)
def test_every_command_shows_examples(group: click.Group, name: str) -> None:
    """The help of each command has examples to copy."""
    told = CliRunner().invoke(group, [name, "--help"]).output
    assert f"biblio {group.name} {name}" in told.partition("Examples:")[2]
