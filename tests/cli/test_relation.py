"""``biblio relation``: use or mention from files, without settings or database."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from biblio.cli import main

PROSE = "The gas of the galaxy rotates and we fit a curve. " * 200
STATEMENT = "\n\nAcknowledgements\n\nThis paper makes use of the following ALMA data: ADS/JAO.ALMA#2013.1.00092.S. We thank all.\n"


def run(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["relation", *map(str, arguments)])


def lines(result: Result) -> list[dict[str, Any]]:
    """The JSON lines printed."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_full_text_is_judged_with_quotes(tmp_path: Path) -> None:
    """The quote stands at its offsets, and start and contributions sum to the score of each relation."""
    text = PROSE + STATEMENT
    path = tmp_path / "paper.txt"
    path.write_text(text, encoding="utf-8")
    result = run("--all", path)
    (line,) = lines(result)
    assert (result.exit_code, line["file"], line["relation"], line["band"]) == (0, str(path), "science", "certain")
    for relation, score in line["scores"].items():
        told = [reason["contribution"] for reason in line["reasons"] if reason["relation"] == relation]
        assert math.fsum([line["start"][relation], *told]) == pytest.approx(score, abs=1e-5)
    quoted = [reason for reason in line["reasons"] if "quote" in reason]
    assert quoted
    for reason in quoted:
        assert text[reason["start"] : reason["end"]] == reason["quote"]
    assert not any("{observatory}" in reason["sentence"] for reason in line["reasons"])


def test_rows_of_papers(tmp_path: Path) -> None:
    """Each row is a paper: of its record alone, with its text in the row, or with a file below the list's folder."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text(PROSE + STATEMENT, encoding="utf-8")
    rows = [
        {"id": "record", "title": "A ring", "abstract": "We present ALMA observations at 1.3 mm."},
        {"id": "silent", "title": "A ring", "abstract": "We model a ring."},
        {"id": "file", "path": "texts/a.txt"},
        {"id": "text", "text": PROSE + "Future observations with ALMA at 1.3 mm will settle it."},
        {"id": "instrument", "title": "A receiver for ALMA", "abstract": "It works.", "journal": "Proc. SPIE"},
    ]
    path = tmp_path / "papers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = run(path)
    assert "5 papers judged: 2 science, " in result.stderr
    assert "1 cannot be told" in result.stderr
    found = {line["id"]: (line["relation"], line["band"]) for line in lines(result)}
    assert found == {
        "record": ("science", "likely"),
        "silent": (None, "open"),
        "file": ("science", "certain"),
        "text": ("mention", "likely"),
        "instrument": ("engineering", "likely"),
    }


def test_another_observatory(tmp_path: Path) -> None:
    """The second profile judges by its own words."""
    path = tmp_path / "paper.txt"
    path.write_text(PROSE + "\n\nAcknowledgements\n\nBased on observations made with ESO telescopes. We thank all.\n")
    assert [line["relation"] for line in lines(run("--observatory", "eso", path))] == ["science"]
    assert [line["relation"] for line in lines(run("--observatory", "alma", path))] == ["not_ours"]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Bad rows, paths that lead out, missing files and rubbish are told on stderr; the rest is printed."""
    (tmp_path / "secret.txt").write_text("We observed with ALMA data at 1.3 mm.")
    folder = tmp_path / "list"
    folder.mkdir()
    path = folder / "papers.jsonl"
    path.write_text('nope\n[1]\n{"title": "no id"}\n{"id": 1, "path": "../secret.txt", "title": 3}\n')
    pdf = folder / "broken.pdf"
    pdf.write_bytes(b"%PDF-1.4 rubbish")
    result = run(path, pdf, folder / "missing.tex")
    assert [line["id"] for line in lines(result)] == ["1"]
    assert lines(result)[0]["relation"] is None
    for told in ("row 1: not JSON", "row 2", "row 3: no id", "leads out", "broken.pdf", "missing.tex"):
        assert told in result.stderr
    assert result.exit_code == 0


def test_nothing_read_and_unknown_profiles_fail(tmp_path: Path) -> None:
    """Exit code 1 when nothing could be read, 2 for a profile that is none."""
    assert run(tmp_path / "missing.txt").exit_code == 1
    assert run("--observatory", "nowhere", tmp_path).exit_code == 2
    assert "is a folder" in run(tmp_path).stderr
