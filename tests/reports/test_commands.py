"""``biblio report``: printed, written, frozen, listed, checked and compared on the command line."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from biblio.cli import LazyGroup
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import SecondReading
from biblio.store.words import Role
from reports.commands import report
from reports.snapshots.canonical import from_json
from tests.factories import accept, add_paper, add_project, add_user


class _Doors(LazyGroup):
    """The command line with this one command: what biblio refuses becomes a sentence, as there."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command."""
        return report if cmd_name == "report" else None


DOORS = _Doors("biblio")


def biblio(runtime: Runtime, *words: str) -> Result:
    """Run ``biblio report`` with these words, as the command line does."""
    return CliRunner().invoke(DOORS, ["report", *words], obj=lambda: runtime, catch_exceptions=False)


def said(runtime: Runtime, *words: str) -> str:
    """Return what it printed on stdout; it must have succeeded."""
    result = biblio(runtime, *words)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def filled(sqlite_runtime: Runtime) -> Runtime:
    """A database with an observed project that was published and one that was not."""
    with sqlite_runtime.store.writing() as session:
        actor = add_user(session, "hiro", Role.HEAD_LIBRARIAN)
        first, _ = add_project(session, "2016.1.00001.S"), add_project(session, "2016.1.00002.S")
        accept(session, actor, add_paper(session), first, now=sqlite_runtime.clock.now() - timedelta(days=100))
    return sqlite_runtime


def publish_second(runtime: Runtime, clock: FixedClock) -> tuple[int, int]:
    """Let the second project be published now; return the numbers of project and paper."""
    with runtime.store.writing() as session:
        actor = add_user(session, "vera", Role.HEAD_LIBRARIAN)
        project = add_project(session, "2016.1.00003.S", learned_at=clock.now())
        paper = add_paper(session, "Another")
        accept(session, actor, paper, project, now=clock.now())
    return project, paper


def test_bare_it_prints_the_numbers_and_the_cycles(filled: Runtime) -> None:
    """The first page's numbers with their intervals, and a line for each cycle."""
    text = said(filled)
    assert "as of 2026-11-22" in text
    assert re.search(r"Projects observed +2\n", text)
    assert re.search(r"Cycle 4 +2 +1 ", text)


def test_each_kind_of_file_is_written(filled: Runtime, tmp_path: Path) -> None:
    """CSV, JSON and HTML are printed or written; a workbook needs a file, and the mistake is named."""
    assert said(filled, "--format", "csv").startswith("theme,table,row,column")
    assert from_json(said(filled, "--format", "json").strip().encode()).as_of.isoformat() == "2026-11-22"
    assert "<html" in said(filled, "--format", "html")
    target = tmp_path / "report.xlsx"
    result = biblio(filled, "--format", "xlsx", "-o", str(target))
    assert (result.exit_code, target.read_bytes()[:2]) == (0, b"PK")
    assert f"Wrote {target}." in result.stderr
    assert "--output FILE.xlsx" in biblio(filled, "--format", "xlsx").output
    assert "name another file" in biblio(filled, "--format", "csv", "-o", str(tmp_path / "no" / "x.csv")).output


def test_a_report_is_frozen_listed_shown_and_checked(filled: Runtime, clock: FixedClock, tmp_path: Path) -> None:
    """The whole way: built of a past day, the same again is nothing new, shown as files, built again bit for bit."""
    document = tmp_path / "frozen.json"
    text = said(filled, "build", "--as-of", "2026-10-31", "--as", "hiro", "-o", str(document))
    digest = hashlib.sha256(document.read_bytes()).hexdigest()
    assert f"Froze the report of 2026-10-31 as snapshot 1 (SHA-256 {digest})" in text
    assert "Nothing is new: snapshot 1 holds this very report" in said(filled, "build", "--as-of", "2026-10-31")
    assert "as snapshot 2" in said(filled, "build", "--as-of", "2026-10-31", "--force")
    listed = said(filled, "list").splitlines()
    assert [line.split()[0] for line in listed] == ["number", "2", "1"]
    assert "hiro" in listed[2].lower()
    publish_second(filled, clock)
    assert re.search(r"Projects observed +2\n", said(filled, "show", "1"))
    workbooks = [tmp_path / f"{n}.xlsx" for n in (1, 2)]
    for path in workbooks:
        said(filled, "show", "latest", "--format", "xlsx", "-o", str(path))
    assert workbooks[0].read_bytes() == workbooks[1].read_bytes()
    copy = tmp_path / "copy.json"
    assert f"was built again bit for bit: SHA-256 {digest}" in said(filled, "check", "1", "-o", str(copy))
    assert copy.read_bytes() == document.read_bytes()


def test_a_dry_run_keeps_nothing_and_says_what_moved(filled: Runtime, clock: FixedClock) -> None:
    """The report as it would be, and what came since the last frozen one; afterwards there is no other snapshot."""
    said(filled, "build", "--as-of", "2026-10-31")
    publish_second(filled, clock)
    text = said(filled, "build", "--dry-run")
    assert "Since snapshot 1, as of 2026-10-31:" in text
    assert "came: 2016.1.00003.S" in text
    assert "Nothing was frozen" in text
    assert len(said(filled, "list").splitlines()) == 2


def test_two_snapshots_are_compared_by_name(filled: Runtime, clock: FixedClock) -> None:
    """Each number that moved, then and now, with the papers and projects that came; and with the report of now."""
    said(filled, "build", "--as-of", "2026-10-31")
    publish_second(filled, clock)
    said(filled, "build")
    text = said(filled, "diff", "1", "latest")
    assert text.startswith("From 2026-10-31 to 2026-11-22:\n  Projects observed: 2 -> 3 (+1)\n")
    assert "came: 2016.1.00003.S" in text
    assert "No number moved." in said(filled, "diff", "latest", "now")


def test_what_differs_is_shown_and_ends_with_1(filled: Runtime) -> None:
    """A history that somebody changed by hand does not pass: figures then and now, and what to do."""
    said(filled, "build", "--as-of", "2026-10-31")
    with filled.store.writing() as session:
        session.execute(sa.text("UPDATE link SET verdict = 'reject'"))
    result = biblio(filled, "check", "latest")
    assert result.exit_code == 1
    assert "built again, is not the same:" in result.stdout
    assert "went: 2016.1.00001.S" in result.stdout
    assert "biblio audit check" in result.stdout


def test_all_snapshots_are_checked_at_once(filled: Runtime) -> None:
    """Each is told; one that is not what was frozen is named with what to do, and ends the command with 1."""
    said(filled, "build", "--as-of", "2026-10-31")
    said(filled, "build", "--as-of", "2026-11-20")
    text = said(filled, "check", "all")
    assert re.findall(r"Snapshot (\d) \(as of [0-9-]+\) was built again bit for bit", text) == ["2", "1"]
    with filled.store.writing() as session:
        session.execute(sa.text("DROP TRIGGER report_snapshot_no_update"))
        session.execute(sa.text("UPDATE report_snapshot SET document = x'00' WHERE id = 1"))
    result = biblio(filled, "check", "all")
    assert result.exit_code == 1
    assert "Snapshot 2 (as of 2026-11-20) was built again bit for bit" in result.stdout
    assert "Snapshot 1 (as of 2026-10-31): The snapshot's document cannot be unpacked" in result.stdout
    assert "number of one snapshot" in biblio(filled, "check", "all", "-o", "x").output


def test_nobody_under_second_reading_is_named(filled: Runtime, clock: FixedClock) -> None:
    """In what is shown and compared the project is counted, and neither named nor numbered."""
    said(filled, "build", "--as-of", "2026-10-31")
    project, paper = publish_second(filled, clock)
    with filled.store.writing() as session:
        session.add(
            SecondReading(paper_id=paper, project_id=project, decision_id=1, first_reader_id=1, drawn_at=clock.now())
        )
    said(filled, "build")
    text = said(filled, "diff", "1", "latest")
    assert "came: (a project with a paper under second reading)" in text
    plain = json.loads(said(filled, "show", "latest", "--format", "json"))
    assert "2016.1.00003.S" not in json.dumps(plain)
    assert "2016.1.00003.S" not in text


def test_snapshots_of_before_show_their_numbers(filled: Runtime) -> None:
    """A snapshot from before whole reports were frozen is listed and shown as what it is."""
    with filled.store.writing() as session:
        session.execute(
            sa.text(
                "INSERT INTO report_snapshot (as_of, made_at, figures) "
                "VALUES ('2026-01-31', '2026-01-31 10:00:00.000000', '{\"published\": 7}')"
            )
        )
    assert "its first numbers alone" in said(filled, "list")
    assert re.search(r"published +7\n", said(filled, "show", "1"))
    assert "before whole reports were kept" in biblio(filled, "check", "1").output


def test_recipes_are_listed_planned_and_made(filled: Runtime) -> None:
    """The profile's yearly report: when it is due, what would be made, made once; an unknown one is named."""
    assert "is due on 2027-03-02" in said(filled, "run")
    assert "would be made, as of 2026-03-01" in said(filled, "run", "yearly", "--dry-run")
    assert "Yearly report 2026 was made, as of 2026-03-01: snapshot 1" in said(filled, "run", "yearly")
    assert "Yearly report 2026 was made before." in said(filled, "run", "yearly")
    result = biblio(filled, "run", "weekly")
    assert (result.exit_code, "there are: yearly" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["build", "--as-of", "2027-01-01"], "cannot be made before that day"),
        (["build", "--as", "nobody"], "There is no user"),
        (["show", "9"], "`biblio report list` shows those there are"),
        (["show", "latest"], "`biblio report build` freezes one"),
        (["show", "1", "--format", "pdf"], "--output FILE.pdf"),
        (["--as-of", "2026-01-01", "list"], "Give options after the command: biblio report list"),
    ],
    ids=["tomorrow", "nobody", "no such", "none yet", "no file", "misplaced"],
)
def test_mistakes_are_told_with_what_to_do(sqlite_runtime: Runtime, words: list[str], told: str) -> None:
    """One sentence, no traceback, an exit code that is not 0."""
    result = biblio(sqlite_runtime, *words)
    assert result.exit_code != 0
    assert told in result.output


@pytest.mark.parametrize("command", [report, *report.commands.values()], ids=["report", *report.commands])
def test_every_command_has_help_with_examples(command: click.Command) -> None:
    """What it does in a sentence, and how it is called."""
    text = CliRunner().invoke(command, ["--help"]).output
    assert "Example" in text
    assert f"biblio report {'' if command is report else command.name}" in text


def test_a_day_before_the_first_record_is_told_and_kept_apart(filled: Runtime) -> None:
    """Printed and frozen it says that nothing was known; frozen today it is not the latest, and is built again."""
    said(filled, "build")
    early = said(filled, "build", "--as-of", "2012-01-01")
    assert "biblio knew nothing before" in said(filled, "--as-of", "2012-01-01")
    assert "biblio knew nothing before" in said(filled, "show", "2")
    assert "biblio knew nothing" not in said(filled, "show", "latest")
    assert "as snapshot 2 " in early
    assert said(filled, "list").splitlines()[1].split()[:2] == ["1", "2026-11-22"]
    assert "Since snapshot" not in said(filled, "build", "--as-of", "2011-12-31", "--dry-run")
    assert "Since snapshot 2, as of 2012-01-01:" in said(filled, "build", "--dry-run")
    assert "! biblio knew nothing before" in said(filled, "diff", "2", "1")
    add_something_later(filled)
    assert said(filled, "check", "2").startswith("Snapshot 2 (as of 2012-01-01) was built again bit for bit")


def add_something_later(runtime: Runtime) -> None:
    """Record one project more."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00009.S", learned_at=runtime.clock.now())
