"""``biblio propose`` as others call it: JSON lines, exit codes, and nothing lost by a bad row or text."""

import gzip
import io
import json
import math
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from biblio.cli.propose import propose
from tests.harvesters.pdfs import make_pdf

PROJECTS: list[dict[str, Any]] = [
    {
        "code": "2015.1.00101.S",
        "title": "The dust ring of XY Tau",
        "pi": "Vermeer, Anneke",
        "co_is": ["Tan, Richard", "Kirchmeier, Otto"],
        "targets": ["XY Tau"],
        "release_date": "2017-03-01",
    },
    {"code": "2016.1.00202.S", "proposal_authors": "Hathersage, Robert; Quill, Mara;", "title": "A jet in NGC 9253"},
]
PAPERS: list[dict[str, Any]] = [
    {"id": "b/2", "title": "The ring of XY Tau", "authors": ["A. Vermeer", "O. Kirchmeier"], "year": 2018},
    {"id": "nothing", "title": "Zzz"},
    {"id": "a1", "title": "Something else", "authors": ["R. Hathersage"], "year": "2019"},
]
ACKNOWLEDGED = "A text.\n\\section*{Acknowledgements}\nThis paper makes use of the following ALMA data: ADS/JAO.ALMA\\#2015.1.00101.S.\n"


def lines_file(path: Path, rows: list[Any]) -> Path:
    """Write rows as JSON lines; a text is written as it is."""
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def run(folder: Path, *options: str, projects: list[Any] = PROJECTS, papers: list[Any] = PAPERS) -> Result:
    """Run the command on rows."""
    known = lines_file(folder / "projects.jsonl", projects)
    asked = lines_file(folder / "papers.jsonl", papers)
    return CliRunner().invoke(propose, ["--projects", str(known), "--papers", str(asked), *options])


def rows(result: Result) -> list[dict[str, Any]]:
    """What was printed on stdout, each line parsed."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_candidates_come_in_the_order_of_the_papers(tmp_path: Path) -> None:
    """Papers in input order, ranks from 1, scores falling, all fields there, the silent paper counted."""
    result = run(tmp_path)
    assert result.exit_code == 0
    found = rows(result)
    assert list(dict.fromkeys(r["paper"] for r in found)) == ["b/2", "a1"]
    for paper in ("b/2", "a1"):
        own = [r for r in found if r["paper"] == paper]
        assert [r["rank"] for r in own] == list(range(1, len(own) + 1))
        assert [r["score"] for r in own] == sorted((r["score"] for r in own), reverse=True)
    assert [r["project"] for r in found if r["rank"] == 1] == ["2015.1.00101.S", "2016.1.00202.S"]
    for row in found:
        assert set(row) == {
            *("paper", "project", "rank", "score", "band", "evidence", "log_odds", "runner_up", "would_change")
        }
        for evidence in row["evidence"]:
            assert list(evidence) == ["kind", "value", "quote", "start", "end", "contribution", "sentence"]
        odds = math.fsum(e["contribution"] for e in row["evidence"])
        assert row["score"] == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-9)
        assert row["log_odds"] == pytest.approx(odds, abs=1e-9)
    assert "1 papers without a candidate" in result.stderr


def test_each_candidate_says_what_it_hangs_on_however_few_are_asked_for(tmp_path: Path) -> None:
    """Places named in the evidence change the band when their contributions go; one candidate knows its runner-up too."""
    projects = [*PROJECTS, {**PROJECTS[0], "code": "2016.1.00303.S", "title": "More of XY Tau"}]
    every, best = rows(run(tmp_path, projects=projects)), rows(run(tmp_path, "--top", "1", projects=projects))
    assert best == [row for row in every if row["rank"] == 1]
    assert best[0]["runner_up"]["project"] == "2016.1.00303.S"
    named = [(row, change) for row in every for change in row["would_change"]["without"]]
    assert named
    for row, change in named:
        left = row["log_odds"] - sum(row["evidence"][place]["contribution"] for place in change["evidence"])
        assert (left >= 0) == (change["band"] != "unlikely")
        assert change["band"] != row["band"]
    assert all(row["runner_up"]["sentence"] and row["would_change"]["sentences"] for row in every)


@pytest.mark.parametrize("suffix", ["txt", "tex"])
def test_texts_are_found_by_the_id(tmp_path: Path, suffix: str) -> None:
    """A slash in the id is an underscore in the name; the code's offsets lead into the file."""
    texts = tmp_path / "texts"
    texts.mkdir()
    file = texts / f"b_2.{suffix}"
    file.write_text("\u00e9\r\n" + ACKNOWLEDGED, encoding="utf-8", newline="")
    result = run(tmp_path, "--text-dir", str(texts))
    best = rows(result)[0]
    assert (best["project"], best["band"]) == ("2015.1.00101.S", "certain")
    code = next(e for e in best["evidence"] if e["kind"] == "code")
    whole = file.read_bytes().decode("utf-8")
    assert whole[code["start"] : code["end"]] == code["quote"] == "2015.1.00101.S"
    assert code["sentence"] == "The code 2015.1.00101.S is printed in the acknowledgements."


def test_the_sentence_tells_page_and_member(tmp_path: Path) -> None:
    """Offsets count in a page of a PDF or a file of an archive: the sentence says in which."""
    packed = tmp_path / "source.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        member = tarfile.TarInfo("main.tex")
        member.size = len(ACKNOWLEDGED.encode())
        archive.addfile(member, io.BytesIO(ACKNOWLEDGED.encode()))
    thanks = "This paper makes use of the following ALMA data: ADS/JAO.ALMA#2015.1.00101.S."
    (tmp_path / "paper.pdf").write_bytes(make_pdf("Words.\nAcknowledgements\nWe thank the referee.", thanks))
    result = run(tmp_path, papers=[{"id": "tar", "path": packed.name}, {"id": "pdf", "path": "paper.pdf"}])
    said = [e["sentence"] for r in rows(result) for e in r["evidence"] if e["kind"] == "code"]
    assert said == [
        f"The code 2015.1.00101.S is printed in the acknowledgements ({at})." for at in ("main.tex", "page 2")
    ]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("abstract", "We report a ring. This paper uses the ALMA data ADS/JAO.ALMA#2016.1.00202.S of a jet."),
        ("title", "ALMA observations of a jet with data of 2016.1.00202.S"),
    ],
)
@pytest.mark.parametrize("authors", [[], ["Nobody, N."]])
def test_a_code_in_the_record_counts(tmp_path: Path, field: str, text: str, authors: list[str]) -> None:
    """A code printed in title or abstract needs no text file: quoted with its place, and certain where use is stated."""
    best = rows(run(tmp_path, papers=[{"id": "x", "title": "Gas", "authors": authors, field: text}]))[0]
    assert (best["project"], best["band"]) == ("2016.1.00202.S", "certain")
    (code,) = (e for e in best["evidence"] if e["kind"] == "code")
    assert text[code["start"] : code["end"]] == code["quote"] == "2016.1.00202.S"
    assert code["sentence"] == f"The code 2016.1.00202.S is printed in the {field}."


def test_a_second_row_of_a_paper_is_passed_over(tmp_path: Path) -> None:
    """Each paper is ranked once, by its first row; the second is one line on stderr."""
    result = run(tmp_path, papers=[*PAPERS, {**PAPERS[0], "title": "Another"}])
    assert rows(result) == rows(run(tmp_path))
    assert [line for line in result.stderr.splitlines() if "row 4" in line and "second time" in line]


def test_the_path_of_a_row_goes_first(tmp_path: Path) -> None:
    """``path`` wins over the folder of texts; a relative one may lie beside the papers' file."""
    (tmp_path / "mine.tex").write_text(ACKNOWLEDGED, encoding="utf-8")
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "x.txt").write_text("Nothing.", encoding="utf-8")
    result = run(tmp_path, "--text-dir", str(texts), papers=[{"id": "x", "path": "mine.tex"}])
    assert [r["band"] for r in rows(result)] == ["certain"]


def test_top_limits_the_candidates_of_a_paper(tmp_path: Path) -> None:
    """No paper gets more than ``--top`` lines."""
    many = [{**PROJECTS[0], "code": f"2015.1.{n:05d}.S"} for n in range(30)]
    assert len(rows(run(tmp_path, "--top", "3", projects=many, papers=PAPERS[:1]))) == 3
    assert len(rows(run(tmp_path, projects=many, papers=PAPERS[:1]))) == 20


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ({"title": "No id"}, "no id"),
        ({"id": ""}, "no id"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_paper_row_loses_nothing_else(tmp_path: Path, row: Any, reason: str) -> None:
    """One line on stderr names file, row and reason; the other papers are proposed as before."""
    result = run(tmp_path, papers=[PAPERS[0], row, PAPERS[2]])
    assert result.exit_code == 0
    assert list(dict.fromkeys(r["paper"] for r in rows(result))) == ["b/2", "a1"]
    complaints = [line for line in result.stderr.splitlines() if "row 2" in line]
    assert len(complaints) == 1
    assert "papers.jsonl" in complaints[0]
    assert reason in complaints[0]


@pytest.mark.parametrize("row", [{"title": "no code"}, {"code": 7}, "{", PROJECTS[0]])
def test_a_bad_project_row_is_passed_over(tmp_path: Path, row: Any) -> None:
    """A project without a code, or a second time, is one line on stderr."""
    result = run(tmp_path, projects=[*PROJECTS, row])
    assert result.exit_code == 0
    assert len(rows(result)) == len(rows(run(tmp_path)))
    assert [line for line in result.stderr.splitlines() if "projects.jsonl, row 3" in line]


def test_a_bad_field_costs_neither_paper_nor_project(tmp_path: Path) -> None:
    """The rows are used without the field; file, row, field and reason are on stderr, one line each."""
    projects = [{**PROJECTS[0], "release_date": "garbage"}, {**PROJECTS[1], "year": "soon"}]
    result = run(tmp_path, projects=projects, papers=[{**PAPERS[0], "year": True}, {**PAPERS[2], "abstract": 5}])
    assert {r["paper"] for r in rows(result)} == {"b/2", "a1"}
    told = [line for line in result.stderr.splitlines() if "the field is ignored" in line]
    assert [("projects.jsonl, row 1: release_date" in told[0]), ("projects.jsonl, row 2: year" in told[1])] == [
        True
    ] * 2
    assert [("papers.jsonl, row 1: year" in told[2]), ("papers.jsonl, row 2: abstract" in told[3])] == [True] * 2
    assert "2 fields ignored" in result.stderr


def test_an_unreadable_text_is_told_and_the_record_judged(tmp_path: Path) -> None:
    """A text that is missing or no text leaves the paper to its record; the run goes on."""
    (tmp_path / "noise.txt").write_bytes(b"\x00" * 5000)
    papers = [{**PAPERS[0], "path": "gone.tex"}, {**PAPERS[2], "path": "noise.txt"}, {"id": "nul", "path": "a\u0000b"}]
    result = run(tmp_path, papers=papers)
    assert result.exit_code == 0
    assert {r["paper"] for r in rows(result)} == {"b/2", "a1"}
    assert result.stderr.count("its text cannot be read") == 3


def test_nothing_read_is_exit_1(tmp_path: Path) -> None:
    """Papers of which none can be read end with 1 and an empty stdout; a file without rows is a finished run."""
    for papers, code in (([], 0), (["{"], 1)):
        result = run(tmp_path, papers=papers)
        assert (result.exit_code, result.stdout) == (code, "")
    gone = CliRunner().invoke(
        propose, ["--projects", str(tmp_path / "projects.jsonl"), "--papers", str(tmp_path / "gone")]
    )
    assert (gone.exit_code, gone.stdout) == (1, "")


def test_wrong_usage_and_an_unreadable_list_are_exit_2(tmp_path: Path) -> None:
    """No papers named, an unknown observatory, a missing or useless project list: 2, and nothing on stdout."""
    asked = str(lines_file(tmp_path / "q.jsonl", PAPERS))
    useless = str(lines_file(tmp_path / "useless.jsonl", ["{", "{}"]))
    good = str(lines_file(tmp_path / "p.jsonl", PROJECTS))
    for options in (
        ["--projects", good],
        ["--projects", str(tmp_path / "gone.jsonl"), "--papers", asked],
        ["--projects", str(tmp_path), "--papers", asked],
        ["--projects", useless, "--papers", asked],
        ["--projects", good, "--papers", asked, "--observatory", "nowhere"],
        ["--projects", good, "--papers", asked, "--top", "0"],
    ):
        result = CliRunner().invoke(propose, options)
        assert (result.exit_code, result.stdout) == (2, ""), options


def test_broken_signs_are_printed_as_json(tmp_path: Path) -> None:
    """A lone surrogate, a NUL or a line separator in the input still gives one valid JSON line each."""
    paper = {**PAPERS[0], "id": "x\ud800\u2028\u0000y"}
    result = run(tmp_path, papers=[paper])
    lines = result.stdout_bytes.decode("utf-8").split("\n")
    assert json.loads(lines[0])["paper"] == paper["id"]
    assert result.stdout.isascii()


@pytest.mark.parametrize("reader", ["closed", "full"])
def test_a_lost_output_is_one_sentence(tmp_path: Path, reader: str) -> None:
    """A reader that stops, or a full disk, ends the run with 1 and says so once, without a traceback."""
    run(tmp_path)
    command = [sys.executable, "-c", "from biblio.cli import main; main()", "propose", "--projects"]
    command += [str(tmp_path / "projects.jsonl"), "--papers", str(tmp_path / "papers.jsonl")]
    if reader == "closed":
        read_end, out = os.pipe()
        os.close(read_end)
    else:
        out = os.open("/dev/full", os.O_WRONLY)
    done = subprocess.run(  # the program is ours
        command, stdout=out, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], check=False
    )
    os.close(out)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert ("stopped reading" if reader == "closed" else "cannot be written") in last
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_packed_lists_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    """Both files may be gzipped, and may begin as some editors write them."""
    for name, content in (("p", PROJECTS), ("q", PAPERS)):
        body = "\ufeff" + "".join(json.dumps(r) + "\n" for r in content)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(body.encode()))
    arguments = ["--projects", str(tmp_path / "p.jsonl.gz"), "--papers", str(tmp_path / "q.jsonl.gz")]
    assert rows(CliRunner().invoke(propose, arguments)) == rows(run(tmp_path))


def test_more_workers_print_the_same(tmp_path: Path) -> None:
    """Two processes give the lines of one, in the same order, with the same counts."""
    papers = [{**PAPERS[n % 3], "id": f"p{n}"} for n in range(600)] + [{"id": "late", "path": "gone.tex"}]
    one, two = (run(tmp_path, "--workers", count, papers=papers) for count in ("1", "2"))
    assert (one.exit_code, two.exit_code) == (0, 0)
    assert len(rows(one)) >= 400
    assert (two.stdout, two.stderr) == (one.stdout, one.stderr)


def test_a_file_that_ends_too_soon_loses_nothing_before(tmp_path: Path) -> None:
    """A cut-off packed file ends with 1 and says so; the papers before the cut are proposed."""
    lines_file(tmp_path / "projects.jsonl", PROJECTS)
    body = "".join(json.dumps({**PAPERS[0], "id": f"p{n}", "abstract": f"{n * n} " * 50}) + "\n" for n in range(2000))
    packed = gzip.compress(body.encode())
    (tmp_path / "q.jsonl.gz").write_bytes(packed[: len(packed) * 3 // 4])
    arguments = ["--projects", str(tmp_path / "projects.jsonl"), "--papers", str(tmp_path / "q.jsonl.gz")]
    result = CliRunner().invoke(propose, arguments)
    assert result.exit_code == 1
    assert len({r["paper"] for r in rows(result)}) > 500
    assert "q.jsonl.gz cannot be read" in result.stderr


def test_it_stands_alone(tmp_path: Path) -> None:
    """Neither Flask nor SQLModel nor any setting is imported, and stdout holds JSON lines only."""
    known = lines_file(tmp_path / "p.jsonl", PROJECTS)
    asked = lines_file(tmp_path / "q.jsonl", PAPERS)
    program = (
        "import sys; from biblio.cli import main\n"
        f"try: main(['propose', '--projects', {str(known)!r}, '--papers', {str(asked)!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'flask', 'sqlmodel', 'sqlalchemy', 'biblio.settings', 'biblio.store'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(  # the program is ours
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(json.loads(line)["paper"] for line in done.stdout.splitlines())
    assert done.stdout
