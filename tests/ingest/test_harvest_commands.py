"""``biblio coverage``: the numbers, the check for cron, and filling holes from the command line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta

from click.testing import CliRunner, Result
from sqlmodel import select

from biblio.ingest.harvest_commands import coverage
from biblio.runtime import Runtime
from biblio.store.models import HarvestRefusal, JobRun, Paper, PaperIdentifier, PaperRevision, TextReading
from biblio.store.words import Scheme
from demo.replay import ReplayServer
from tests.ingest.conftest import TODAY, Asking
from tests.ingest.test_holes import NOW, a_page, a_run, a_window, whole_ads


def call(runtime: Runtime, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(coverage, list(arguments), obj=lambda: runtime, catch_exceptions=False)


def all_but(runtime: Runtime, first: date, last: date) -> None:
    """Note that everything was asked and came, but for arXiv's days from ``first`` to ``last``."""
    with runtime.store.writing() as session:
        whole_ads(session)
        a_page(session, a_run(session), "registry", "table from the first code", is_last=True)
        a_window(session, date(runtime.profile.harvest.first_year, 1, 1), first, promised=2, records=2)
        a_window(session, last, TODAY, promised=3, records=1, refused=2)


def test_the_numbers_stand_in_lines_that_add_up(runtime: Runtime) -> None:
    """Sources, days and holes are printed, and given as JSON for other programs."""
    all_but(runtime, date(2024, 1, 1), date(2024, 2, 1))
    told = call(runtime)
    assert told.exit_code == 0
    assert "arXiv: 30 days missing since" in told.output
    assert "→ biblio harvest --source arxiv --since 2024-01-02 --until 2024-01-31" in told.output
    found = json.loads(call(runtime, "--json").output)
    arxiv = next(line for line in found["sources"] if line["source"] == "arxiv")
    assert (arxiv["expected"], arxiv["fetched"], arxiv["refused"], arxiv["missing"]) == (5, 3, 2, 0)
    assert [hole["kind"] for hole in found["holes"]] == ["days"]
    assert found["holes"][0]["is_old"] is True


def test_one_source_and_later_days_alone(runtime: Runtime) -> None:
    """Holes before the day, and of other sources, are left out."""
    all_but(runtime, date(2024, 1, 1), date(2024, 2, 1))
    assert "No hole." in call(runtime, "--source", "ads").output
    assert "No hole." in call(runtime, "--source", "arxiv", "--since", "2024-03-01").output
    assert call(runtime, "--since", "2030-01-01").exit_code == 2


def test_the_check_fails_while_an_old_hole_is_open(runtime: Runtime) -> None:
    """Cron hears of holes older than a week, and of nothing else."""
    with runtime.store.writing() as session:
        whole_ads(session)
        a_page(session, a_run(session), "registry", "table from the first code", is_last=True)
        at = datetime.combine(date(2026, 11, 18), time(5), UTC)
        a_window(session, date(runtime.profile.harvest.first_year, 1, 1), date(2026, 11, 18), fetched_at=at)
    young = call(runtime, "--check")
    assert "2026-11-18 to 2026-11-20" in young.output
    assert young.exit_code == 0
    assert call(runtime, "--check", "--quiet").output == "No hole older than 7 days (1 younger).\n"
    with runtime.store.writing() as session:
        session.add(
            HarvestRefusal(
                job_run_id=a_run(session), source="ads", place="page record 3", key="2024ApJ...900....1D",
                reason="has no title", refused_at=at,
            )
        )  # fmt: skip
    assert call(runtime, "--check").exit_code == 0
    with runtime.store.writing() as session:
        for refusal in session.exec(select(HarvestRefusal)):
            refusal.refused_at = at - timedelta(days=9)
            session.add(refusal)
    old = call(runtime, "--check", "--quiet")
    assert old.exit_code == 1
    assert "2024ApJ...900....1D" in old.output
    assert "2026-11-18 to 2026-11-20" not in old.output


def test_filling_runs_what_each_hole_names(asking: Asking, served: ReplayServer) -> None:
    """The days that are missing are asked for, and then nothing is missing."""
    runtime = asking(served.url)
    all_but(runtime, date(2024, 1, 1), date(2024, 2, 1))
    assert call(runtime, "--check", "--quiet").exit_code == 1
    told = call(runtime, "--fill", "--source", "arxiv", "--check", "--quiet")
    assert told.exit_code == 0, told.output
    with runtime.store.reading() as session:
        runs = [run for run in session.exec(select(JobRun)) if run.arguments]
    assert [run.arguments for run in runs] == [{"sources": "arxiv", "since": "2024-01-02", "until": "2024-01-31"}]
    assert "No hole." in call(runtime).output


def test_sources_have_the_names_that_people_type(runtime: Runtime) -> None:
    """Whoever reads the JSON can give what stands there to a command: the registry is asked as projects."""
    with runtime.store.writing() as session:
        a_page(session, a_run(session), "registry", "table from the first code")
    found = json.loads(call(runtime, "--json", "--source", "projects").output)
    assert {line["source"] for line in (*found["sources"], *found["holes"])} == {"projects"}
    assert "→ biblio harvest --source projects" in call(runtime).output


def test_filling_says_when_there_is_nothing_that_asking_fills(runtime: Runtime) -> None:
    """A hole that a person must see to is no reason to be silent."""
    all_but(runtime, date(2024, 1, 1), date(2024, 1, 1))
    with runtime.store.writing() as session:
        session.add(HarvestRefusal(job_run_id=a_run(session), source="kpub", place="a.csv row 2", key="x",
                                   reason="has no title", refused_at=NOW))  # fmt: skip
    told = call(runtime, "--fill", "--quiet")
    assert "Nothing here can be filled by asking again." in told.output
    assert "Mend the file" in told.output


def test_e_prints_are_counted_by_their_state(runtime: Runtime) -> None:
    """Those that wait name what reads them; they belong to arXiv."""
    with runtime.store.writing() as session:
        paper = Paper(first_seen_at=NOW)
        session.add(paper)
        session.flush()
        assert paper.id is not None
        session.add(PaperRevision(paper_id=paper.id, title="x", arxiv_version=1, learned_at=NOW))
        session.add(
            PaperIdentifier(paper_id=paper.id, scheme=Scheme.ARXIV, value="2401.00001", source="arxiv", learned_at=NOW)
        )
    assert (
        "0 read, 0 with a newer version, 1 not fetched yet, 0 could not be read  → biblio run read"
        in call(runtime).output
    )
    assert "e-prints" not in call(runtime, "--source", "ads").output
    found = json.loads(call(runtime, "--json").output)
    assert found["eprints"] == {"read": 0, "again": 0, "newer": 0, "waiting": 1, "refused": 0}
    with runtime.store.writing() as session:
        session.add(
            TextReading(paper_id=1, origin="eprint", place="p", version="2401.00001v1", phrases_digest="0", read_at=NOW)
        )
    assert "e-prints: 1 read, 0 with a newer version, 0 not fetched yet" in call(runtime).output
    with runtime.store.writing() as session:
        session.exec(select(PaperRevision)).one().arxiv_version = 2
    assert "e-prints: 0 read, 1 with a newer version" in call(runtime).output
