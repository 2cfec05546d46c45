"""``biblio decisions``: a known bibliography comes in once, contradicts nobody, and goes out whole."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlmodel import col, select

from biblio.catalogue.links import Ruling, decide
from biblio.runtime import Runtime
from biblio.store.models import Decision, DeskItem, Link, PaperIdentifier
from biblio.store.words import RelationKind, Role, Scheme, Verdict
from biblio.verify.lists.commands import decisions
from tests.verify.factories import SEEN, add_paper, add_project, add_user

BIBCODE = "2019ApJ...871..123O"


@pytest.fixture
def filled(runtime: Runtime) -> tuple[int, int]:
    """A paper with a bibcode and a project."""
    with runtime.store.writing() as session:
        add_user(session)
        paper, project = add_paper(session, doi="10.5555/tamsin", arxiv="1901.00001"), add_project(session)
        session.add(
            PaperIdentifier(paper_id=paper, scheme=Scheme.BIBCODE, value=BIBCODE, source="test", learned_at=SEEN)
        )
    return paper, project


def _run(runtime: Runtime, *arguments: str) -> Result:
    return CliRunner().invoke(decisions, arguments, obj=lambda: runtime)


def test_a_known_list_becomes_decisions_once(runtime: Runtime, filled: tuple[int, int], tmp_path: Path) -> None:
    """Rows become accepted links of science papers under the named librarian; a second run adds nothing."""
    file = tmp_path / "known.csv"
    file.write_text(f"code,bibcode\n2016.1.00001.S,{BIBCODE}\n")
    first = _run(runtime, "import", str(file), "--as", "vera")
    assert first.exit_code == 0, first.output
    assert "accepted              1" in first.output
    again = _run(runtime, "import", str(file), "--as", "vera")
    assert "unchanged             1" in again.output
    with runtime.store.reading() as session:
        decision = session.exec(select(Decision)).one()
        assert (decision.verdict, decision.relation) == (Verdict.ACCEPT, RelationKind.SCIENCE)
        assert decision.reason == "imported from known.csv"
        assert session.exec(select(DeskItem)).all() == []


def test_a_dry_run_changes_nothing(runtime: Runtime, filled: tuple[int, int], tmp_path: Path) -> None:
    """It says what would be accepted and stores no decision."""
    file = tmp_path / "known.jsonl"
    file.write_text(json.dumps({"code": "2016.1.00001.S", "doi": "https://doi.org/10.5555/TAMSIN"}) + "\n")
    result = _run(runtime, "import", str(file), "--as", "vera", "--dry-run")
    assert "accepted              1" in result.output
    with runtime.store.reading() as session:
        assert session.exec(select(Decision)).all() == []


def test_bad_rows_are_named_and_lose_nothing_else(runtime: Runtime, filled: tuple[int, int], tmp_path: Path) -> None:
    """Unknown papers, projects, codes and words are each one sentence with the row; the good row is stored."""
    file = tmp_path / "known.csv"
    file.write_text(
        "code,bibcode,verdict\n"
        f"nonsense,{BIBCODE},\n"
        f"2016.1.99999.S,{BIBCODE},\n"
        "2016.1.00001.S,2020ApJ...871..123O,\n"
        "2016.1.00001.S,,\n"
        f"2016.1.00001.S,{BIBCODE},maybe\n"
        f"2016.1.00001.S,{BIBCODE},\n"
    )
    result = _run(runtime, "import", str(file), "--as", "vera")
    assert result.exit_code == 0
    for row, words in (
        (2, "no project code"),
        (3, "not in the project list"),
        (4, "no paper has"),
        (5, "names no paper"),
    ):
        assert any(line.startswith(f"row {row}:") and words in line for line in result.output.splitlines()), (
            result.output
        )
    assert "refused               5" in result.output
    assert "accepted              1" in result.output


def test_a_verdict_in_force_is_never_changed(runtime: Runtime, filled: tuple[int, int], tmp_path: Path) -> None:
    """Where a person has rejected what the list accepts, the row is reported and the verdict stays."""
    paper, project = filled
    with runtime.store.writing() as session:
        hanna = add_user(session, "hanna", Role.HEAD_LIBRARIAN)
        decide(session, hanna, Ruling(paper, project, Verdict.REJECT, 0), now=SEEN)
    file = tmp_path / "known.csv"
    file.write_text(f"code,bibcode\n2016.1.00001.S,{BIBCODE}\n")
    result = _run(runtime, "import", str(file), "--as", "vera")
    assert "contradicted          1" in result.output
    assert "rejected here since 2026-11-01" in result.output
    with runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.ended_at).is_(None))).one().verdict is Verdict.REJECT


def test_a_preprints_bibcode_finds_the_article(runtime: Runtime, filled: tuple[int, int], tmp_path: Path) -> None:
    """A list may name a paper by its preprint's bibcode; the arXiv number in it is the paper's."""
    file = tmp_path / "known.csv"
    file.write_text("code,bibcode\n2016.1.00001.S,2019arXiv190100001O\n")
    assert "accepted              1" in _run(runtime, "import", str(file), "--as", "vera").output


@pytest.mark.parametrize("between", [" ", ";", " | "])
def test_several_bibcodes_in_one_cell_are_several_papers(
    runtime: Runtime, filled: tuple[int, int], tmp_path: Path, between: str
) -> None:
    """Archives write them so, separated by blanks or other signs."""
    other = "2020MNRAS.499..123O"
    with runtime.store.writing() as session:
        paper = add_paper(session, title="A second one")
        session.add(PaperIdentifier(paper_id=paper, scheme=Scheme.BIBCODE, value=other, source="t", learned_at=SEEN))
    file = tmp_path / "known.csv"
    file.write_text(f"code,bibcode\n2016.1.00001.S,{BIBCODE}{between}{other}\n")
    assert "accepted              2" in _run(runtime, "import", str(file), "--as", "vera").output


@pytest.mark.parametrize("username", ["nobody", "max"])
def test_only_a_librarian_can_stand_for_an_import(
    runtime: Runtime, filled: tuple[int, int], tmp_path: Path, username: str
) -> None:
    """An unknown user and a manager are refused, and nothing is stored."""
    with runtime.store.writing() as session:
        add_user(session, "max", Role.MANAGER)
    file = tmp_path / "known.csv"
    file.write_text(f"code,bibcode\n2016.1.00001.S,{BIBCODE}\n")
    assert _run(runtime, "import", str(file), "--as", username).exit_code == 1
    with runtime.store.reading() as session:
        assert session.exec(select(Decision)).all() == []


def test_an_export_comes_back_as_an_import(runtime: Runtime, filled: tuple[int, int], tmp_path: Path) -> None:
    """What is exported holds all columns, runs no formula, and is unchanged when read back."""
    paper, project = filled
    with runtime.store.writing() as session:
        hanna = add_user(session, "hanna")
        ruling = Ruling(paper, project, Verdict.ACCEPT, 0, relation=RelationKind.SCIENCE, reason="=1+1")
        decide(session, hanna, ruling, now=SEEN)
    file = tmp_path / "out.csv"
    assert _run(runtime, "export", "--output", str(file)).exit_code == 0
    row = next(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert (row["code"], row["bibcode"], row["decided_by"], row["reason"]) == (
        "2016.1.00001.S",
        BIBCODE,
        "hanna",
        "'=1+1",
    )
    assert "unchanged             1" in _run(runtime, "import", str(file), "--as", "vera").output
    assert json.loads(_run(runtime, "export", "--format", "jsonl").stdout)["verdict"] == "accept"
