"""``biblio projects``: what a dry run shows, what a real run keeps, and how an archive's list compares with our work."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlmodel import col, select

from biblio.catalogue.projects import record_projects
from biblio.clock import FixedClock
from biblio.ingest.project_commands import projects
from biblio.runtime import Runtime
from biblio.store.models import HarvestCursor, JobRun, ObservationUnit, Project, ProjectRevision, UnitRevision
from demo.replay import ReplayServer
from demo.replay_arxiv import Answer
from harvesters import tap_job
from harvesters.projects import HEADER
from harvesters.records import HarvestedProject
from reports.facts.counted import Counted
from reports.facts.reading import read_facts
from reports.themes import fraction
from survey.asking.due import due
from survey.asking.rule import Ground
from tests.ingest.conftest import Asking

Row = dict[str, Any]


@pytest.fixture
def runtime(runtime: Runtime) -> Runtime:
    """A runtime whose profile does not mind a registry of a dozen projects."""
    harvest = runtime.profile.harvest.model_copy(update={"plausible": {}})
    return replace(runtime, profile=runtime.profile.model_copy(update={"harvest": harvest}))


def call(runtime: Runtime, *arguments: str | Path) -> Result:
    """Call a command as the command line does."""
    return CliRunner().invoke(projects, [str(a) for a in arguments], obj=lambda: runtime)


@dataclass
class Archive:
    """A replayed archive of a few projects whose list a test rewrites between two visits."""

    folder: Path
    rows: list[Row]
    server: ReplayServer | None = None

    @contextmanager
    def open(self) -> Iterator[str]:
        """Serve the list as it is now; give the address."""
        lines = "".join(json.dumps(row) + "\n" for row in self.rows)
        (self.folder / "projects.jsonl").write_text(lines, encoding="utf-8")
        with ReplayServer(self.folder, with_faults=False) as self.server:
            yield self.server.url


@pytest.fixture
def archive(observatory: Path, tmp_path: Path) -> Archive:
    """An archive of twelve projects of PIs of the demo observatory, all observed."""
    folder = tmp_path / "archive"
    shutil.copytree(observatory, folder)
    lines = (folder / "projects.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    observed = [row for row in rows if row["units"] and all(unit["observed_on"] for unit in row["units"])]
    return Archive(folder, [row for row in observed if row["code"].endswith(".S")][:12])


@pytest.fixture
def moved(archive: Archive, asking: Asking) -> tuple[Archive, Runtime]:
    """The archive was read once; since then a project came, one went, a release date moved and a title was mended."""
    gone, slow, mended = archive.rows[0], archive.rows[1], archive.rows[2]
    slow["units"][0]["released_on"] = "2016-02-15"
    newcomer = archive.rows.pop()
    with archive.open() as url:
        assert call(asking(url), "fetch", "--quiet").exit_code == 0
    archive.rows = [*archive.rows[1:], newcomer]
    slow["units"][0]["released_on"] = "2027-03-01"
    mended["title"] = "A title that was mended"
    archive.rows.sort(key=lambda row: str(row["code"]))
    assert gone not in archive.rows
    return archive, asking("http://127.0.0.1:1")


def facts(runtime: Runtime) -> list[object]:
    """Everything a dry run could have changed."""
    with runtime.store.reading() as session:
        return [
            sorted(str(row) for row in session.exec(select(table)))
            for table in (Project, ProjectRevision, ObservationUnit, UnitRevision, JobRun)
        ]


def test_a_dry_run_names_what_would_change(moved: tuple[Archive, Runtime], asking: Asking, tmp_path: Path) -> None:
    """New, moved, changed and vanished projects stand in tables and in the JSON file; nothing changes, exit code 0."""
    archive, runtime = moved
    before = facts(runtime)
    out = tmp_path / "changes.json"
    with archive.open() as url:
        result = call(asking(url), "fetch", "--dry-run", "--json", out)
    assert result.exit_code == 0, result.output
    told = json.loads(out.read_text("utf-8"))
    assert told["counts"] == {
        "seen": 11, "new": 1, "changed": 2, "unchanged": 8, "vanished": 1, "moved_release_dates": 1,
        "other_changed_facts": 1, "refused": 0, "ignored": 0,
    }  # fmt: skip
    (moved_date,) = told["moved_release_dates"]
    assert (moved_date["from"], moved_date["to"]) == ("2016-02-15", "2027-03-01")
    assert told["other_changed_facts"][0]["to"] == "A title that was mended"
    lines = [line.split() for line in result.output.splitlines()]
    assert [moved_date["code"], moved_date["unit"], "2016-02-15", "2027-03-01"] in lines
    assert told["vanished"] in lines
    assert any(line[:1] == [told["new"][0]["code"]] for line in lines)
    assert "Nothing was changed" in result.output
    assert facts(runtime) == before


def test_a_real_run_notes_the_vanished_and_keeps_them(moved: tuple[Archive, Runtime], asking: Asking) -> None:
    """What is given no longer is counted and named in the run, and stays."""
    archive, runtime = moved
    with runtime.store.reading() as session:
        known = set(session.exec(select(Project.code)))
    (gone,) = known - {row["code"] for row in archive.rows}
    with archive.open() as url:
        result = call(asking(url), "fetch", "--quiet")
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun).order_by(col(JobRun.id).desc())).first()
        assert run is not None
        assert run.counts["vanished"] == 1
        assert any(gone in note and "Nothing was deleted" in note for note in run.counts["notes"])
        assert gone in set(session.exec(select(Project.code)))


def test_a_moved_release_is_current_and_the_old_one_history(
    moved: tuple[Archive, Runtime], asking: Asking, clock: FixedClock
) -> None:
    """After the next reading the new date is in force, the old one is kept, and the clock of the due rule follows."""
    archive, runtime = moved
    slow = archive.rows[0]
    with runtime.store.reading() as session:
        yesterday = next(s for s in due(session, runtime) if s.code == slow["code"])
    clock.move(timedelta(days=2))
    with archive.open() as url:
        later = replace(asking(url), clock=clock)
        assert call(later, "fetch", "--quiet").exit_code == 0
    with runtime.store.reading() as session:
        days = session.exec(
            select(UnitRevision.released_on, UnitRevision.superseded_at)
            .join(ObservationUnit, col(ObservationUnit.id) == col(UnitRevision.unit_id))
            .where(ObservationUnit.uid == slow["units"][0]["uid"])
            .order_by(col(UnitRevision.id))
        ).all()
        today = next(s for s in due(session, later) if s.code == slow["code"])
    assert [day for day, _ in days] == [date(2016, 2, 15), date(2027, 3, 1)]
    assert [ended is None for _, ended in days] == [False, True]
    assert yesterday.judgement.ground is not Ground.STILL_PROPRIETARY
    assert today.judgement.ground is Ground.STILL_PROPRIETARY


def test_an_archive_that_makes_nobody_wait_is_read_by_jobs(
    archive: Archive, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where queries time out they are handed over, looked at until they are done, and cleared away."""
    monkeypatch.setattr(tap_job, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: None))
    with archive.open() as url:
        assert archive.server is not None
        archive.server.services.tap.longest_sync = 5
        runtime = asking(url)
        result = call(runtime, "fetch", "--quiet")
        assert archive.server.services.tap.jobs_left == 0
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        assert set(session.exec(select(Project.code))) == {row["code"] for row in archive.rows}


def test_a_registry_that_gives_less_than_it_counts_fails_the_run(
    archive: Archive, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is stored, the numbers are named, nothing is said to have vanished, and the next run reads all again."""
    with archive.open() as url:
        assert archive.server is not None
        tap = archive.server.services.tap
        honest = tap.sync

        def more(parameters: Mapping[str, str]) -> Answer:
            answer = honest(parameters)
            counted = "COUNT(" in parameters["QUERY"]
            return replace(answer, body=answer.body.replace(b">12<", b">14<")) if counted else answer

        monkeypatch.setattr(tap, "sync", more)
        runtime = asking(url)
        result = call(runtime, "fetch", "--quiet")
        assert result.exit_code == 1
        assert "counts 14 projects and gave 12" in result.output
        assert "vanished" not in result.output
        with runtime.store.reading() as session:
            assert len(session.exec(select(Project)).all()) == 12
            assert session.get_one(HarvestCursor, "registry").cursor == {}
        monkeypatch.undo()
        assert call(runtime, "fetch", "--quiet").exit_code == 0


def test_tables_are_cut_and_all_shows_all(runtime: Runtime, tmp_path: Path) -> None:
    """The first twenty rows of each table are printed, and said to be so; ``--all`` prints them all."""
    path = tmp_path / "many.csv"
    path.write_text("code\n" + "".join(f"2016.1.{n:05d}.S\n" for n in range(25)), encoding="utf-8")
    short = call(runtime, "import", path, "--dry-run").output
    assert "first 20 of 25" in short
    assert "2016.1.00024.S" not in short
    assert "2016.1.00024.S" in call(runtime, "import", path, "--dry-run", "--all").output


def test_a_list_of_one_cycle_says_nothing_of_the_others(runtime: Runtime, tmp_path: Path) -> None:
    """A project of an earlier list has vanished only where the new list has others of its cycle."""
    both, one = tmp_path / "both.csv", tmp_path / "one.csv"
    both.write_text("code\n2016.1.00001.S\n2016.1.00002.S\n2017.1.00001.S\n", encoding="utf-8")
    one.write_text("code\n2016.1.00002.S\n", encoding="utf-8")
    call(runtime, "import", both, "--quiet")
    result = call(runtime, "import", one, "--dry-run")
    assert "vanished                            1" in result.output
    assert "2016.1.00001.S" in result.output
    assert "2017.1.00001.S" not in result.output


def test_a_dry_run_of_contacts_prints_no_address(runtime: Runtime, tmp_path: Path) -> None:
    """That an address would change is told, which it is is not; a list of contacts lets nothing vanish."""
    known, contacts = tmp_path / "known.csv", tmp_path / "contacts.csv"
    known.write_text('code,pi\n2016.1.00001.S,"Doe, Jane"\n2016.1.00002.S,"Roe, Richard"\n', encoding="utf-8")
    call(runtime, "import", known, "--quiet")
    contacts.write_text("code,name,email\n2016.1.00001.S,J. Doe,jane@example.org\n", encoding="utf-8")
    call(runtime, "import", contacts, "--quiet")
    contacts.write_text("code,name,email\n2016.1.00001.S,J. Doe,doe@example.org\n", encoding="utf-8")
    result = call(runtime, "import", contacts, "--dry-run", "--json", tmp_path / "told.json")
    told = (tmp_path / "told.json").read_text("utf-8")
    assert "another address" in told
    assert "vanished                            0" in result.output
    assert "@example.org" not in result.output + told


def test_one_unreadable_file_costs_a_dry_run_only_itself(runtime: Runtime, tmp_path: Path) -> None:
    """It is named and the exit code is 1; the other file's changes are shown."""
    good = tmp_path / "good.csv"
    good.write_text("code\n2016.1.00001.S\n", encoding="utf-8")
    result = call(runtime, "import", tmp_path / "absent.csv", good, "--dry-run")
    assert result.exit_code == 1
    assert "absent.csv" in result.output
    assert "2016.1.00001.S" in result.output


def test_an_archive_that_is_down_ends_a_dry_run_in_a_sentence(asking: Asking, observatory: Path) -> None:
    """The service and the page are named, and that nothing was changed."""
    with ReplayServer(observatory, with_faults=False) as server:
        runtime = asking(f"{server.url}/nowhere")
        result = call(runtime, "fetch", "--dry-run")
    assert result.exit_code == 1
    assert "status 404" in result.output
    assert "Nothing was changed" in result.output


@pytest.mark.parametrize("arguments", [("fetch", "--all"), ("import", "x.csv", "--json", "y.json")])
def test_options_of_a_dry_run_need_one(runtime: Runtime, arguments: tuple[str, ...]) -> None:
    """Asking for the changes in detail and not for a dry run is a mistake, told before anything is read."""
    result = call(runtime, *arguments)
    assert result.exit_code == 2
    assert "--dry-run" in result.output


def test_the_help_of_the_import_documents_the_header() -> None:
    """Every column that is read stands there with a line of its own, and an example in each format."""
    told = CliRunner().invoke(projects, ["import", "--help"]).output
    lines = [line.split(maxsplit=1) for line in told.splitlines() if line.strip()]
    for name, meaning in HEADER.items():
        assert [name, meaning] in lines, name
    example = told.partition("code,title,pi,co_is")[2]
    assert example
    assert '{"code": ' in told


def test_the_example_in_the_help_can_be_imported(runtime: Runtime, tmp_path: Path) -> None:
    """What the help shows is what the import reads."""
    told = CliRunner().invoke(projects, ["import", "--help"]).output
    start = told.index("code,title,pi,co_is")
    path = tmp_path / "example.csv"
    path.write_text("\n".join(line.strip() for line in told[start:].splitlines()[:3]) + "\n", encoding="utf-8")
    assert call(runtime, "import", path, "--quiet").exit_code == 0
    with runtime.store.reading() as session:
        revision = session.exec(select(ProjectRevision)).one()
        assert (revision.pi, revision.co_is) == ("Doe, Jane", ["Roe, Richard", "Muster, Eva"])
        assert len(session.exec(select(ObservationUnit)).all()) == 2


def test_known_links_are_compared_and_the_missing_listed(runtime: Runtime, tmp_path: Path) -> None:
    """Numbers first; ``--missing`` gives the pairs as CSV or JSON lines, the count beside it."""
    path = tmp_path / "known.csv"
    path.write_text(
        'code,bib_references\n2016.1.00001.S,"2019ApJ...871..123O, 2020MNRAS.499..123O"\n', encoding="utf-8"
    )
    call(runtime, "import", path, "--quiet")
    result = call(runtime, "references")
    assert result.exception is None, result.exception
    told = result.output
    assert ["whose", "paper", "is", "not", "here", "2", "100.0%"] in [line.split() for line in told.splitlines()]
    rows = list(csv.DictReader(call(runtime, "references", "--missing").stdout.splitlines()))
    assert [row["bibcode"] for row in rows] == ["2019ApJ...871..123O", "2020MNRAS.499..123O"]
    listed = call(runtime, "references", "--missing", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["code"] for line in listed] == ["2016.1.00001.S"] * 2
    assert call(runtime, "references", "--source", "registry", "--missing").stdout.splitlines() == [
        "code,bibcode,source,learned_at"
    ]


@pytest.mark.parametrize("option", [("import", "--dry-run", "--json"), ("export", "-o")])
def test_a_file_that_cannot_be_written_is_told(runtime: Runtime, tmp_path: Path, option: tuple[str, ...]) -> None:
    """A folder that is not there ends the command in a sentence."""
    listed = tmp_path / "listed.csv"
    listed.write_text("code\n2016.1.00001.S\n", encoding="utf-8")
    files = [listed] if option[0] == "import" else []
    result = call(runtime, option[0], *files, *option[1:], tmp_path / "absent" / "out.json")
    assert result.exit_code == 1
    assert "cannot be written: No such file" in result.output


def test_a_misspelt_source_of_known_links_is_refused(runtime: Runtime) -> None:
    """It fails and says who lists papers of projects, the archive under the name that commands have for it."""
    listed = HarvestedProject("our-list", "2016.1.00001.S", bib_references=("2020ApJ...900....1D",))
    with runtime.store.writing() as session:
        record_projects(session, [listed], grammar=runtime.grammar, now=runtime.clock.now())
    wrong = call(runtime, "references", "--source", "nonsense")
    assert (wrong.exit_code, "there are: our-list, projects." in wrong.output) == (1, True)
    for name, links in (("projects", "0"), ("registry", "0"), ("our-list", "1")):
        first = call(runtime, "references", "--source", name).output.splitlines()[0]
        assert first.split()[-1] == links


LISTED = """code,partner,grade,reduction,unit,unit_delivered_on,unit_released_on,unit_exposure_s
2016.1.00001.S,EU,A,by hand,u1,2017-05-01,2018-05-01,3600
2016.1.00002.S,EU,B,pipeline,u2,2017-05-01,2018-05-01,3600
2016.1.00003.S,NA,,pipeline,u3,2017-05-01,2018-05-01,3600
2016.1.00003.S,NA,,by hand,u4,2017-05-01,2018-05-01,3600
"""


def test_a_column_of_the_list_divides_the_report(runtime: Runtime, tmp_path: Path) -> None:
    """What the profile names as a facet goes from the list into a table of the report, and back into the export."""
    path = tmp_path / "listed.csv"
    path.write_text(LISTED, encoding="utf-8")
    result = call(runtime, "import", path, "--quiet")
    assert result.exit_code == 0, result.output
    assert "nobody reads" not in result.output
    today = runtime.clock.today()
    with runtime.store.reading() as session:
        facts = read_facts(session, runtime.profile, today, today=today)
    tables = {table.key: table for table in fraction.tables(Counted(facts, runtime.profile))}
    by_grade = [(row.name, row.figures[0].value) for row in tables["by-grade"].rows if row.figures[0]]
    assert by_grade == [("A", 1), ("B", 1), ("Not known", 1), ("All", 3)]
    reduced = [(row.name, row.figures[0].value) for row in tables["by-reduction"].rows if row.figures[0]]
    assert reduced == [("by hand", 2), ("pipeline", 2), ("All", 3)]
    rows = list(csv.DictReader(call(runtime, "export", "--format", "csv").stdout.splitlines()))
    assert {(row["code"], row["grade"], row["reduction"]) for row in rows} == {
        ("2016.1.00001.S", "A", "by hand"),
        ("2016.1.00002.S", "B", "pipeline"),
        ("2016.1.00003.S", "", "by hand; pipeline"),
    }


def test_a_report_of_an_earlier_day_has_the_grade_of_that_day(runtime: Runtime, tmp_path: Path) -> None:
    """Facets have histories as all facts have: a grade that changes later changes no earlier report."""
    path, clock = tmp_path / "listed.csv", runtime.clock
    assert isinstance(clock, FixedClock)
    path.write_text(LISTED, encoding="utf-8")
    call(runtime, "import", path, "--quiet")
    before = clock.today()
    clock.move(timedelta(days=3))
    path.write_text("code,grade\n2016.1.00001.S,C\n", encoding="utf-8")
    call(runtime, "import", path, "--quiet")
    grades = []
    for day in (before, clock.today()):
        with runtime.store.reading() as session:
            facts = read_facts(session, runtime.profile, day, today=clock.today())
        grades.append({one.code: one.facets.get("grade") for one in facts.projects.values()}["2016.1.00001.S"])
    assert grades == ["A", "C"]
