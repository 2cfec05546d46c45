"""``--out`` and ``--executor`` of the bulk commands: one output wherever it is made, and runs that go on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from biblio.bulk import Lost
from biblio.cli import output
from biblio.cli.output import Done, Journal, OtherRun, OutputLost, opened
from biblio.cli.propose import Piece as Papers
from biblio.cli.propose import propose, without_deadly
from biblio.cli.scan import Piece as File
from biblio.cli.scan import given_up, scan

PROJECTS = [
    {"code": f"2016.1.{n:05}.S", "title": f"The ring of XY {n}", "pi": f"Vermeer{n}, Anneke", "targets": [f"XY {n}"]}
    for n in range(8)
]
PAPERS = [
    {"id": f"p{n}", "title": f"A ring around XY {n % 8}", "authors": [f"A. Vermeer{n % 8}"], "year": 2018}
    for n in range(20)
]

DYING = """
import os, signal, sys
from biblio.cli import main
from importlib import import_module
from biblio.cli.output import Journal
import_module("biblio.cli.propose")._PAPERS_AT_ONCE = 5
add, left = Journal.add, [int(sys.argv[1])]
def adding(self, piece, done):
    add(self, piece, done)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
Journal.add = adding
if __name__ == "__main__":
    main(sys.argv[2:])
"""


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that name a project list and four pieces of papers."""
    monkeypatch.setattr("biblio.cli.propose._PAPERS_AT_ONCE", 5)
    for name, rows in (("projects", PROJECTS), ("papers", PAPERS)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return ["--projects", str(tmp_path / "projects.jsonl"), "--papers", str(tmp_path / "papers.jsonl")]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder of twelve texts, one of them no text."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.txt").write_text(f"ALMA data: ADS/JAO.ALMA#2016.1.{number:05}.S.\n", "utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    return folder


def proposed(lists: list[str], *options: str) -> Result:
    """Run ``biblio propose``."""
    return CliRunner().invoke(propose, [*lists, *options])


def dying(folder: Path, after: int, *arguments: str) -> None:
    """Run the command line in a process that is killed when so many pieces are in the journal."""
    program = folder / "dying.py"
    program.write_text(DYING, "utf-8")
    child = subprocess.run(  # the program is ours
        [sys.executable, str(program), str(after), *arguments],
        capture_output=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "DYING_IN": str(folder)},
        timeout=60,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(
    tmp_path: Path, lists: list[str], workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a SIGKILL the same command does what the journal lacks, and the file is what one clean run prints."""
    out = tmp_path / "candidates.jsonl"
    options = ["--workers", workers, "--out", str(out)]
    dying(tmp_path, 2, "propose", *lists, *options)
    assert not out.exists()
    with (tmp_path / "candidates.jsonl.journal").open("ab") as journal:
        journal.write(b'{"piece": 3, "lines": "cut o')
    done_anew: list[int] = []
    add = Journal.add

    def noted(self: Journal, piece: int, done: Done) -> None:
        done_anew.append(piece)
        add(self, piece, done)

    monkeypatch.setattr(Journal, "add", noted)
    result = proposed(lists, *options)
    assert result.exit_code == 0, result.output
    assert "2 pieces are done and not done again" in result.stderr
    assert len(done_anew) == 2
    clean = proposed(lists)
    assert out.read_bytes() == clean.stdout_bytes
    assert result.stderr.splitlines()[-1] == clean.stderr.splitlines()[-1]
    assert result.stdout == ""
    assert sorted(path.name for path in tmp_path.glob("candidates*")) == ["candidates.jsonl"]


def test_a_killed_driver_leaves_no_process_behind(tmp_path: Path, lists: list[str]) -> None:
    """Workers end with the process that started them."""
    dying(tmp_path, 2, "propose", *lists, "--workers", "2", "--out", str(tmp_path / "c.jsonl"))
    marker = str(tmp_path).encode()

    def left() -> list[str]:
        return [p.parent.name for p in Path("/proc").glob("[0-9]*/environ") if marker in _environment(p)]

    assert _until(lambda: not left()), left()


def _environment(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _until(holds: Any) -> bool:
    for _ in range(100):
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_a_scan_goes_on_where_it_was_killed(tmp_path: Path, texts: Path) -> None:
    """Refused files are told and counted in the second run too; the file holds what stdout would."""
    out = tmp_path / "mentions.jsonl"
    dying(tmp_path, 5, "scan", "--quiet", "--out", str(out), str(texts))
    result = CliRunner().invoke(scan, ["--quiet", "--out", str(out), str(texts)])
    clean = CliRunner().invoke(scan, ["--quiet", str(texts)])
    assert out.read_bytes() == clean.stdout_bytes
    assert result.stderr.splitlines()[1:] == clean.stderr.splitlines()
    assert "5 pieces are done" in result.stderr


def test_a_run_asked_otherwise_does_not_go_on(tmp_path: Path, lists: list[str]) -> None:
    """Another input, option or command: a usage error that names the journal and what to do; nothing is touched."""
    out = tmp_path / "c.jsonl"
    dying(tmp_path, 1, "propose", *lists, "--out", str(out))
    journal = (tmp_path / "c.jsonl.journal").read_bytes()
    result = proposed(lists, "--out", str(out), "--top", "3")
    assert result.exit_code == 2
    assert "delete the journal" in " ".join(result.stderr.replace("\u2502", " ").split())
    with (tmp_path / "papers.jsonl").open("a") as papers:
        papers.write('{"id": "one more", "title": "Gas"}\n')
    assert proposed(lists, "--out", str(out)).exit_code == 2
    assert (tmp_path / "c.jsonl.journal").read_bytes() == journal
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, lists: list[str]) -> None:
    """A folder that is not there ends the run with 1 and says so."""
    result = proposed(lists, "--out", str(tmp_path / "gone" / "c.jsonl"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr.splitlines()[-1]
    with pytest.raises(OutputLost, match="cannot be written"), opened(tmp_path / "gone" / "c.jsonl"):
        pass


def test_a_full_disk_keeps_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be noted is not taken for done."""
    journal = Journal(tmp_path / "o", ["x"])
    journal.add(0, Done("a\n"))

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(output.os, "fsync", full)
        with pytest.raises(OutputLost, match="No space left"):
            journal.add(1, Done("b\n"))
        assert 1 not in journal
    journal.close(is_done=False)
    with pytest.raises(OtherRun):
        Journal(tmp_path / "o", ["y"])


def test_the_paper_that_kills_is_found_and_the_others_are_proposed() -> None:
    """A lost piece is done by halves until the deadly paper stands alone; it is named and counted."""

    class Hands:
        def alone(self, _work: object, piece: Papers) -> Done | Lost[Papers]:
            ids = [paper.id for paper, _ in piece.rows]
            if "deadly" in ids:
                return Lost(piece)
            return Done("".join(f"{one}\n" for one in ids), {"silent": len(ids)})

    from matching.evidence import PaperFacts

    ids = ["a", "b", "c", "deadly", "e", "f", "g"]
    lost = Lost(Papers(0, [(PaperFacts(id=one, title="Gas"), None) for one in ids]))
    done = without_deadly(Hands(), lost)  # type: ignore[arg-type]
    assert done.lines == "a\nb\nc\ne\nf\ng\n"
    assert (done.counts["silent"], done.counts["lost"]) == (6, 1)
    assert [sentence.split(":")[0] for sentence in done.told] == ["paper deadly"]


def test_a_file_that_kills_is_refused_by_name() -> None:
    """It counts as refused."""
    done = given_up(Lost(File(0, Path("/x/bomb.pdf"), "x/bomb.pdf")))
    assert done.told[0].startswith("x/bomb.pdf: stopped the process that read it, 3 times")
    assert done.counts == {"mentions": 0, "refused": 1, "read": 0}


def test_a_word_that_is_no_executor_is_refused(lists: list[str]) -> None:
    """The message says what may stand there, before anything is read."""
    result = proposed(lists, "--executor", "slurm")
    assert result.exit_code == 2
    assert "not 'slurm'" in result.stderr
    assert "projects read" not in result.stderr


def test_a_missing_extra_is_named_before_anything_is_read(lists: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask without its extra: what to install, and how to go without."""
    monkeypatch.setattr("biblio.bulk.find_spec", lambda name: None)
    result = proposed(lists, "--executor", "dask")
    assert result.exit_code == 2
    assert "requirements/bulk.txt (or go without: --executor local)." in " ".join(result.stderr.split())
    assert "projects read" not in result.stderr


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a Dask cluster on this machine."""
    import distributed

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as here:
        yield here.scheduler_address


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_prints_the_same_bytes(cluster: str, tmp_path: Path, lists: list[str], texts: Path) -> None:
    """One process and the workers of a running cluster give the same lines, counts and refusals, one run after another."""
    for command, arguments in ((propose, lists), (scan, ["--quiet", str(texts)])):
        here, there = (CliRunner().invoke(command, [*arguments, *more]) for more in ([], ["--executor", cluster]))
        assert (there.stdout_bytes, there.stderr) == (here.stdout_bytes, here.stderr)
        assert here.stdout_bytes
    out = tmp_path / "o.jsonl"
    assert proposed(lists, "--executor", cluster, "--out", str(out)).exit_code == 0
    assert out.read_bytes() == proposed(lists).stdout_bytes
