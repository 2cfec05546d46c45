"""``biblio compare`` from the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from click.testing import CliRunner, Result

from biblio.compare.commands import compare
from biblio.runtime import Runtime
from biblio.store.models import ComparisonList
from tests.compare.conftest import A, C, Shelf
from tests.factories import add_user

LIST = f"bibcode,title,programid\n2019ApJ...900....1C,Rings,{A}\n2022Natur.600....1E,=1+1,{C}\nno bibcode,x,\n"


def run(runtime: Runtime, *arguments: str) -> Result:
    """Run ``biblio compare`` with these arguments."""
    return CliRunner().invoke(compare, list(arguments), obj=lambda: runtime)


def test_a_list_is_imported_compared_and_exported(runtime: Runtime, shelf: Shelf, tmp_path: Path) -> None:
    """The dry run changes nothing; the import counts; the list is a command of its own; exports hold all lines."""
    file, refused = tmp_path / "telbib.csv", tmp_path / "refused.csv"
    file.write_text(LIST)
    dry = run(runtime, "import", str(file), "--name", "telbib", "--dry-run")
    assert dry.exit_code == 0
    assert "would be" in dry.stdout
    assert "telbib" not in run(runtime).stdout
    done = run(runtime, "import", str(file), "--name", "Telbib", "--as", "librarian", "--refused", str(refused))
    assert done.exit_code == 0
    assert "telbib.csv row 4: 'no bibcode' is no bibcode" in done.stderr
    assert [line.split()[-1] for line in done.stdout.splitlines()[1:6]] == ["3", "2", "0", "0", "1"]
    assert refused.read_text().splitlines() == ["row,reason", "row 4,'no bibcode' is no bibcode"]
    with runtime.store.reading() as session:
        assert session.get_one(ComparisonList, 1).imported_by_id == shelf.librarian.user_id
    assert "telbib" in run(runtime).stdout
    said = run(runtime, "telbib").stdout
    assert "telbib: 2 papers there, 4 here" in said
    lines = [json.loads(line) for line in run(runtime, "telbib", "--missing-here", "--json").stdout.splitlines()]
    assert [(line["identifier"], line["theirs"]) for line in lines] == [("2022Natur.600....1E", C)]
    rows = list(csv.DictReader(io.StringIO(run(runtime, "telbib", "--csv").stdout)))
    assert [row["difference"] for row in rows] == ["missing-here", *["missing-there"] * 3]
    assert rows[0]["title"] == "'=1+1"
    assert "2022Natur.600....1E" in run(runtime, "telbib", "--missing-here").stdout


def test_what_cannot_be_done_is_said(runtime: Runtime, tmp_path: Path) -> None:
    """A file that is no list, a person who is none, an unknown list, and two formats at once."""
    file = tmp_path / "list.csv"
    file.write_text("title\nx\n")
    with runtime.store.writing() as session:
        add_user(session)
    assert "list.csv: the header has no column" in run(runtime, "import", str(file), "--name", "x").stderr
    assert "no user" in run(runtime, "import", str(file), "--name", "x", "--as", "nobody").stderr
    file.write_text("bibcode\nnone\n")
    answer = run(runtime, "import", str(file), "--name", "x")
    assert answer.exit_code == 1
    assert "nothing was changed" in answer.stderr
    assert "There is no list" in run(runtime, "nowhere").stderr
    assert run(runtime, "nowhere", "--json", "--csv").exit_code == 2
    assert "There is no list yet" in run(runtime).stdout


def test_pages_of_xml_are_one_list(runtime: Runtime, shelf: Shelf, tmp_path: Path) -> None:
    """Several files are one import; a page that is missing is told by the number that the file promises."""
    pages = []
    for number, bibcode in enumerate(("2019ApJ...900....1C", "2022Natur.600....1E", "not one")):
        pages.append(tmp_path / f"page-{number}.xml")
        pages[-1].write_text(f"<r><numFound>4</numFound><record><bibcode>{bibcode}</bibcode></record></r>")
    done = run(runtime, "import", *map(str, pages), "--name", "telbib")
    assert done.exit_code == 0
    assert "page-2.xml row 1: 'not one' is no bibcode" in done.stderr
    assert "says that there are 4 papers, and holds 3" in done.stderr
    assert [line.split()[-1] for line in done.stdout.splitlines()[1:3]] == ["3", "2"]
    pages[1].write_text("<r>cut")
    broken = run(runtime, "import", *map(str, pages), "--name", "telbib")
    assert broken.exit_code == 1
    assert "page-1.xml" in broken.stderr
    assert "telbib: 2 papers there" in run(runtime, "telbib").stdout


def test_the_help_shows_examples(runtime: Runtime) -> None:
    """Of the command, of importing and of one list."""
    for arguments in (["--help"], ["import", "--help"], ["telbib", "--help"]):
        assert "Examples:" in run(runtime, *arguments).stdout
