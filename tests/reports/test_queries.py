"""What a report reads: decided facts only, as known on the day asked for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from biblio.catalogue.links import Ruling, decide, relate, undo
from biblio.runtime import Runtime
from biblio.store.models import Paper
from biblio.store.words import RelationKind, Verdict
from reports.commands import report as report_command
from reports.latest import report_of
from reports.service import freeze, last_snapshot
from tests.factories import LEARNED, accept, add_candidate, add_paper, add_project, add_user


def numbers(runtime: Runtime, as_of: date | None = None) -> dict[str, float]:
    """The five numbers of the report of a day."""
    with runtime.store.reading() as session:
        return {f.indicator.key: f.value for f in report_of(runtime, session, as_of).headline}


def test_a_candidate_changes_no_number_and_a_verdict_does(runtime: Runtime) -> None:
    """However certain the machine is, only a person's verdict counts; undoing takes it back."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
    before = numbers(runtime)
    with runtime.store.writing() as session:
        add_candidate(session, paper, project, score=0.999)
    assert numbers(runtime) == before
    with runtime.store.writing() as session:
        decision = accept(session, actor, paper, project, now=runtime.clock.now())
    after = numbers(runtime)
    assert (before["published"], before["silent"]) == (0, 1)
    assert (after["published"], after["silent"], after["papers"]) == (1, 0, 1)
    with runtime.store.writing() as session:
        undo(session, actor, decision, now=runtime.clock.now() + timedelta(seconds=1))
    assert numbers(runtime)["published"] == 0


def test_a_mention_and_an_unrefereed_paper_are_not_published(runtime: Runtime) -> None:
    """A paper that only mentions the observatory, or is not refereed, publishes no project."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        first, second = add_project(session, "2016.1.00001.S"), add_project(session, "2016.1.00002.S")
        mention, proceedings = add_paper(session), add_paper(session, is_refereed=False, kind="proceedings")
        accept(session, actor, mention, first)
        relate(session, actor, paper_id=mention, relation=RelationKind.MENTION, now=runtime.clock.now())
        accept(session, actor, proceedings, second)
    assert numbers(runtime)["published"] == 0
    assert numbers(runtime)["papers"] == 0


def test_the_report_of_a_day_knows_what_was_known_then(runtime: Runtime) -> None:
    """Accepted today: yesterday's report does not count it, today's does."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
        accept(session, actor, paper, project, now=runtime.clock.now())
    yesterday = runtime.clock.today() - timedelta(days=1)
    assert numbers(runtime, yesterday)["published"] == 0
    assert numbers(runtime)["published"] == 1
    assert numbers(runtime, date(2025, 12, 31)) | {"publication_fraction": 0} == {
        "observed": 0,
        "published": 0,
        "silent": 0,
        "publication_fraction": 0,
        "papers": 0,
    }


def test_a_paper_and_the_one_merged_into_it_count_once(runtime: Runtime) -> None:
    """Decisions on a preprint and on its article survive the merge as one paper."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project = add_project(session, "2016.1.00001.S")
        article, preprint = add_paper(session), add_paper(session, is_refereed=False, kind="eprint")
        accept(session, actor, article, project)
        accept(session, actor, preprint, project)
        merged = session.get_one(Paper, preprint)
        merged.merged_into_id = article
        session.add(merged)
    assert numbers(runtime)["papers"] == 1
    assert numbers(runtime)["published"] == 1


def test_a_changed_relation_takes_the_paper_out(runtime: Runtime) -> None:
    """When a person judges that the paper is only a mention, its project is no longer published."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
        accept(session, actor, paper, project)
    assert numbers(runtime)["published"] == 1
    with runtime.store.writing() as session:
        relate(session, actor, paper_id=paper, relation=RelationKind.MENTION, now=runtime.clock.now())
    assert numbers(runtime)["published"] == 0


def test_a_rejected_project_is_not_published(runtime: Runtime) -> None:
    """Rejecting an accepted project takes it out of the numbers."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
        accept(session, actor, paper, project)
        now: datetime = runtime.clock.now()
        decide(session, actor, Ruling(paper, project, Verdict.REJECT, version_seen=1), now=now)
    assert numbers(runtime)["published"] == 0


def test_a_snapshot_keeps_the_numbers_of_its_day(runtime: Runtime) -> None:
    """Freezing stores the five numbers; a later change does not touch them."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
        freeze(session, report_of(runtime, session), now=runtime.clock.now())
    with runtime.store.writing() as session:
        accept(session, actor, paper, project, now=LEARNED)
    with runtime.store.reading() as session:
        snapshot = last_snapshot(session)
    assert snapshot is not None
    assert snapshot.figures["published"] == 0
    assert numbers(runtime)["published"] == 1


def test_the_command_writes_each_kind_of_file(runtime: Runtime, tmp_path: Path) -> None:
    """Table and JSON go to the terminal, a workbook needs a file, a wrong pair of options is named."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S")
    runner = CliRunner()
    table = runner.invoke(report_command, [], obj=lambda: runtime)
    assert "Projects silent" in table.output
    target = tmp_path / "report.xlsx"
    assert runner.invoke(report_command, ["--format", "xlsx", "-o", str(target)], obj=lambda: runtime).exit_code == 0
    assert target.read_bytes()[:2] == b"PK"
    assert runner.invoke(report_command, ["--format", "xlsx"], obj=lambda: runtime).exit_code == 2
    assert runner.invoke(report_command, ["--freeze", "--as-of", "2026-01-01"], obj=lambda: runtime).exit_code == 2
