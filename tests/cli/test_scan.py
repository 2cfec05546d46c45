"""``biblio scan``: what it prints, what it refuses, how it exits, and what it does not import."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from biblio.cli.scan import scan

CODE = "2013.1.00123.S"
SENTENCE = f"This paper makes use of the following ALMA data: ADS/JAO.ALMA#{CODE}."


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """A small project list."""
    path = tmp_path / "projects.jsonl"
    path.write_text(
        "".join(json.dumps({"code": code}) + "\n" for code in (CODE, "2011.0.00340.S", "2016.1.00340.S")), "utf-8"
    )
    return path


def run(*arguments: object) -> Result:
    """Call the command as a shell would."""
    return CliRunner().invoke(scan, [str(argument) for argument in arguments])


def lines(result: Result) -> list[dict[str, Any]]:
    """The JSON lines on stdout."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def tar(path: Path, members: dict[str, bytes]) -> Path:
    """A compressed tar archive with these members."""
    with tarfile.open(path, "w:gz") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


def pdf(pages: list[str]) -> bytes:
    """A small PDF with one line of text per page."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for place, text in enumerate(pages):
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        shown = " ".join(f"({line}) Tj 0 -14 Td" for line in escaped.split("\n"))
        stream = f"BT /F1 10 Tf 40 700 Td {shown} ET".encode()
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * place} 0 R"
        objects.append(f"{page} /Resources << /Font << /F1 3 0 R >> >> >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % count
    return body + head + table + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))


def test_one_line_per_mention(tmp_path: Path, projects: Path) -> None:
    """A mention is printed with the keys promised, in order, and nothing else stands on stdout."""
    file = tmp_path / "paper.txt"
    file.write_text(SENTENCE, "utf-8")
    result = run("--projects", projects, file)
    assert result.exit_code == 0
    assert lines(result) == [
        {
            "file": str(file),
            "start": SENTENCE.index(CODE),
            "end": SENTENCE.index(CODE) + len(CODE),
            "as_written": CODE,
            "code": CODE,
            "in_registry": True,
            "certain": True,
            "candidates": [CODE],
            "where": "acknowledgement",
        }
    ]
    assert "1 of 1 files read" in result.stderr


def test_without_a_project_list(tmp_path: Path) -> None:
    """in_registry is null, nothing is certain, no candidates."""
    file = tmp_path / "paper.txt"
    file.write_text(SENTENCE, "utf-8")
    [line] = lines(run(file))
    assert (line["code"], line["in_registry"], line["certain"], line["candidates"]) == (CODE, None, False, [])


def test_offsets_are_in_the_file_as_decoded(tmp_path: Path, projects: Path) -> None:
    """Bytes that are no UTF-8, emoji and Windows line ends do not move the offsets."""
    body = b"\xe9\xff caf\xc3\xa9 \xf0\x9f\x98\x80\r\nADS/JAO.ALMA#2013.1.00-\r\n123.S\r\n"
    file = tmp_path / "paper.txt"
    file.write_bytes(body)
    [line] = lines(run("--projects", projects, file))
    text = body.decode("utf-8", errors="replace")
    assert text[line["start"] : line["end"]] == line["as_written"] == "2013.1.00-\r\n123.S"
    assert (line["code"], line["certain"]) == (CODE, True)


def test_folders_are_read_recursively_in_path_order(tmp_path: Path, projects: Path) -> None:
    """Files of known kinds are read, the others are counted; lines are sorted by file and start."""
    folder = tmp_path / "papers"
    (folder / "b").mkdir(parents=True)
    for name in ("z.txt", "a.tex", "b/c.xml", "b/d.html", "b/a.TXT"):
        (folder / name).write_text(f"{SENTENCE} and ADS/JAO.ALMA#2011.0.00340.S", "utf-8")
    (folder / "e.txt.gz").write_bytes(gzip.compress(SENTENCE.encode(), mtime=0))
    (folder / "notes.odt").write_text(SENTENCE, "utf-8")
    result = run("--projects", projects, folder)
    found = [(line["file"], line["start"]) for line in lines(result)]
    assert found == sorted(found)
    assert [name for name, _ in dict(found).items()] == [
        f"{folder}/{name}" for name in ("a.tex", "b/a.TXT", "b/c.xml", "b/d.html", "e.txt.gz", "z.txt")
    ]
    assert "1 of other kinds passed over" in result.stderr


def test_a_file_named_outright_is_always_read(tmp_path: Path) -> None:
    """Whatever its suffix; named twice it is read once."""
    file = tmp_path / "paper.weird"
    file.write_text(SENTENCE, "utf-8")
    assert len(lines(run(file, file))) == 1


def test_archive_members_are_named(tmp_path: Path) -> None:
    """A member is called archive!member, and a member outside the archive is refused with one line."""
    archive = tar(tmp_path / "p.tar.gz", {"src/ms.tex": SENTENCE.encode(), "../evil.tex": SENTENCE.encode()})
    result = run(archive)
    assert [line["file"] for line in lines(result)] == [f"{archive}!src/ms.tex"]
    assert [line for line in result.stderr.splitlines() if "evil.tex" in line and str(archive) in line]


def test_pdf_pages(tmp_path: Path, projects: Path) -> None:
    """Lines of a PDF carry the page; a heading on an earlier page says where the code stands."""
    file = tmp_path / "paper.pdf"
    file.write_bytes(pdf(["1. Introduction\nNothing here.", "Acknowledgements\nWe thank all.", f"ALMA data {CODE}."]))
    [line] = lines(run("--projects", projects, file))
    assert (line["page"], line["code"], line["where"]) == (3, CODE, "acknowledgement")
    assert line["as_written"] == CODE


def test_a_number_alone(tmp_path: Path, projects: Path) -> None:
    """A mention of the number alone has all codes with it as candidates."""
    file = tmp_path / "paper.txt"
    file.write_text("the ALMA visibilities of project 340.S", "utf-8")
    [line] = lines(run("--projects", projects, file))
    assert set(line["candidates"]) == {"2011.0.00340.S", "2016.1.00340.S"}
    assert isinstance(line["code"], str)
    assert line["certain"] is False


def test_another_observatory(tmp_path: Path) -> None:
    """--observatory chooses the profile."""
    file = tmp_path / "paper.txt"
    file.write_text("ESO programme 0102.B-0553(A)", "utf-8")
    assert lines(run(file)) == []
    assert [line["code"] for line in lines(run("--observatory", "eso", file))] == ["0102.B-0553(A)"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("zeros.txt.gz", gzip.compress(bytes(50_000_000), mtime=0)),
        ("cut.gz", gzip.compress(SENTENCE.encode() * 50)[:-10]),
        ("broken.pdf", b"%PDF-1.4 and nothing"),
        ("binary.txt", bytes(4000) + os.urandom(100)),
        ("empty.pdf", b""),
    ],
)
def test_bad_files_are_told_and_the_run_goes_on(tmp_path: Path, name: str, body: bytes) -> None:
    """Each gives one line on stderr naming the file; the good file beside it is read."""
    (tmp_path / name).write_bytes(body)
    (tmp_path / "good.txt").write_text(SENTENCE, "utf-8")
    result = run(tmp_path)
    assert result.exit_code == 0
    assert [line["code"] for line in lines(result)] == [CODE]
    assert len([line for line in result.stderr.splitlines() if name in line]) == 1
    assert "1 refused" in result.stderr


def test_a_missing_file_beside_a_good_one(tmp_path: Path) -> None:
    """The run finishes with 0 and says which file was not there."""
    (tmp_path / "good.txt").write_text(SENTENCE, "utf-8")
    result = run(tmp_path / "good.txt", tmp_path / "gone.txt")
    assert result.exit_code == 0
    assert "gone.txt" in result.stderr


@pytest.mark.parametrize("path", ["gone.txt", "emptyfolder"])
def test_nothing_readable_is_exit_one(tmp_path: Path, path: str) -> None:
    """When no file could be read, the exit code is 1 and stdout is empty."""
    (tmp_path / "emptyfolder").mkdir()
    result = run(tmp_path / path)
    assert (result.exit_code, result.stdout) == (1, "")


def test_usage_is_exit_two(tmp_path: Path) -> None:
    """No path, an unknown option, an unknown observatory: 2."""
    assert run().exit_code == 2
    assert run("--colour", "red", tmp_path).exit_code == 2
    result = run("--observatory", "nowhere", tmp_path)
    assert result.exit_code == 2
    assert "nowhere" in result.stderr


@pytest.mark.parametrize("body", [None, b"not json\n[1]\n", b"\x1f\x8bbroken"])
def test_an_unreadable_project_list_is_exit_two(tmp_path: Path, body: bytes | None) -> None:
    """Absent, without any code, or broken: one clear sentence naming it, and nothing is scanned."""
    projects = tmp_path / ("list.jsonl.gz" if body and body[:1] == b"\x1f" else "list.jsonl")
    if body is not None:
        projects.write_bytes(body)
    (tmp_path / "good.txt").write_text(SENTENCE, "utf-8")
    result = run("--projects", projects, tmp_path / "good.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert projects.name in result.stderr


def test_bad_rows_of_the_project_list_are_told(tmp_path: Path) -> None:
    """Each bad row is one line naming file and row; the good ones count."""
    projects = tmp_path / "list.jsonl"
    projects.write_text(f'not json\n{{"code": 5}}\n\n{{"code": "nonsense"}}\n{{"code": "{CODE}"}}\n', "utf-8")
    (tmp_path / "good.txt").write_text(SENTENCE, "utf-8")
    result = run("--projects", projects, tmp_path / "good.txt")
    assert [line["certain"] for line in lines(result)] == [True]
    for row in (1, 2, 4):
        assert len([line for line in result.stderr.splitlines() if f"row {row}:" in line]) == 1


def test_a_csv_project_list(tmp_path: Path) -> None:
    """A table with a code column does as well."""
    projects = tmp_path / "list.csv"
    projects.write_text(f"title,code\nA disk,{CODE}\n", "utf-8")
    (tmp_path / "good.txt").write_text(SENTENCE, "utf-8")
    assert [line["certain"] for line in lines(run("--projects", projects, tmp_path / "good.txt"))] == [True]


def test_names_of_files_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """Control characters in a file name are made harmless on stderr and escaped on stdout."""
    (tmp_path / "bad\x1b[2Jname.txt").write_bytes(b"")
    (tmp_path / "good\x1b[2Jname.txt").write_text(SENTENCE, "utf-8")
    result = run(tmp_path)
    assert "\x1b" not in result.stderr + result.stdout
    assert len(lines(result)) == 1


def test_it_stands_alone(tmp_path: Path) -> None:
    """Run as a program in a bare environment it loads neither Flask nor SQLModel and writes nothing beside the file."""
    (tmp_path / "good.txt").write_text(SENTENCE, "utf-8")
    program = (
        "import sys\nfrom biblio.cli import main\n"
        "try:\n    main(['scan', 'good.txt'])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'flask', 'sqlmodel', 'sqlalchemy', 'requests'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["code"] == CODE
    assert [path.name for path in tmp_path.iterdir()] == ["good.txt"]


def test_workers_print_the_same_lines_in_the_same_order(tmp_path: Path) -> None:
    """Two processes give byte for byte what one gives, refusals included."""
    for number in range(30):
        (tmp_path / f"{number:02d}.txt").write_text(
            f"ALMA data: ADS/JAO.ALMA#2016.1.{number:05d}.S.\n" * (1 + number % 3)
        )
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    command = [sys.executable, "-m", "biblio", "scan", "--quiet", str(tmp_path)]
    one, two = (
        subprocess.run([*command, "--workers", workers], capture_output=True, check=True) for workers in ("1", "2")
    )
    assert one.stdout == two.stdout
    assert one.stdout.count(b"\n") == 60
    assert one.stderr == two.stderr
    assert b"broken.pdf" in one.stderr


def test_every_line_is_ascii_whatever_the_names_and_texts_hold(tmp_path: Path) -> None:
    """File names that are no UTF-8 and strange line ends in a quote give JSON that any reader takes."""
    (tmp_path / os.fsdecode(b"b\xff.txt")).write_text("ALMA 2013.1.\u202800123.S", "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "biblio.cli.scan", "--quiet", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert done.stdout.isascii()
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (line["code"], line["as_written"]) == (CODE, "2013.1.\u202800123.S")


@pytest.mark.parametrize(("closed", "sentence"), [(True, "is no longer read"), (False, "cannot be written")])
def test_output_that_nobody_takes_ends_the_run_with_a_sentence(tmp_path: Path, closed: bool, sentence: str) -> None:
    """A closed pipe and a full disk end the run with code 1 and one line, without a traceback."""
    (tmp_path / "a.txt").write_text(SENTENCE, "utf-8")
    command = [sys.executable, "-m", "biblio.cli.scan", "--quiet", str(tmp_path)]
    reader, writer = os.pipe()
    os.close(reader)
    target = writer if closed else os.open("/dev/full", os.O_WRONLY)
    done = subprocess.run(command, stdout=target, stderr=subprocess.PIPE, text=True, check=False)
    for number in {writer, target}:
        os.close(number)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert sentence in line


def test_without_a_project_list_it_is_said_that_nothing_is_certain(tmp_path: Path) -> None:
    """Who forgets --projects reads why no code is certain."""
    (tmp_path / "a.txt").write_text(SENTENCE, "utf-8")
    result = CliRunner().invoke(scan, ["--quiet", str(tmp_path)])
    assert {line["certain"] for line in lines(result)} == {False}
    assert "No project list was given (--projects)" in result.stderr


def test_an_empty_text_is_read(tmp_path: Path) -> None:
    """It has no mention, is not refused, and the run has read something."""
    (tmp_path / "empty.txt").touch()
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 of 1 files read, 0 refused" in result.stderr


def test_a_text_of_fifty_megabytes_is_refused_by_name(tmp_path: Path) -> None:
    """More than is read as one text gives one line with the file and the bound; the file beside it is read."""
    (tmp_path / "huge.txt").write_bytes(b"word " * 10_000_000 + SENTENCE.encode())
    (tmp_path / "good.txt").write_text(SENTENCE, "utf-8")
    result = run(tmp_path)
    assert result.exit_code == 0
    assert [line["file"] for line in lines(result)] == [f"{tmp_path}/good.txt"]
    (told,) = [line for line in result.stderr.splitlines() if "huge.txt" in line]
    assert "MB" in told


@pytest.mark.parametrize("strange", [b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"\x1b[2J"])
def test_strange_bytes_amid_a_text_do_no_harm(tmp_path: Path, projects: Path, strange: bytes) -> None:
    """A NUL, invalid UTF-8, half a surrogate or a control sequence here and there: the code is found at its place."""
    body = b"A plain sentence. " * 40 + strange + b" words " + strange + SENTENCE.encode() + strange
    (tmp_path / "paper.txt").write_bytes(body)
    [line] = lines(run("--projects", projects, tmp_path / "paper.txt"))
    text = body.decode("utf-8", errors="replace")
    assert (line["code"], line["certain"], text[line["start"] : line["end"]]) == (CODE, True, CODE)


def test_a_project_list_of_one_code_named_often(tmp_path: Path) -> None:
    """The same project twenty times over, in several spellings, is one project."""
    path = tmp_path / "projects.jsonl"
    path.write_text(
        "".join(json.dumps({"code": code}) + "\n" for code in [CODE, f" {CODE} ", CODE.lower()] * 7), "utf-8"
    )
    (tmp_path / "paper.txt").write_text(SENTENCE.replace("00123", "OO123"), "utf-8")
    [line] = lines(run("--projects", path, tmp_path / "paper.txt"))
    assert (line["code"], line["certain"], line["candidates"]) == (CODE, True, [CODE])
