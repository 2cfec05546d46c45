"""``biblio harvest`` and ``biblio reparse`` as an operator types them."""

from __future__ import annotations

import itertools
import re
import shlex
from datetime import timedelta
from typing import Any

import click
import pytest
import sqlalchemy as sa
from sqlmodel import select

from biblio.cli import main
from biblio.cli.run import status
from biblio.ingest import absorb
from biblio.ingest.asked import KNOWN
from biblio.ingest.list_links import LOAD_PROJECTS
from biblio.ingest.run_commands import harvest, reparse
from biblio.ingest.texts_folder import NO_PAPER
from biblio.runtime import Runtime
from biblio.store.models import HarvestCursor, HarvestPage, JobRun, Paper
from biblio.store.words import Outcome, Trigger
from demo.replay import ReplayServer
from tests.ingest.conftest import Asking
from tests.ingest.test_harvest import count
from tests.ingest.test_importing import call


@pytest.fixture
def runtime(sqlite_runtime: Runtime) -> Runtime:
    """A runtime on SQLite alone: what a database can change is tested where pages are stored."""
    return sqlite_runtime


def test_a_dry_run_says_what_would_be_asked_and_asks_nobody(asking: Asking) -> None:
    """Every source is named with what it would be asked; nothing listens at its address, and nothing is written."""
    runtime = asking("http://127.0.0.1:9")
    result = call(runtime, harvest, "--dry-run")
    assert result.exit_code == 0, result.output
    for name in ("projects", "arxiv", "arxiv-oai", "ads"):
        assert any(line.startswith(f"{name} ") for line in result.output.splitlines())
    assert "from the beginning" in result.output
    assert "Nobody was asked" in result.output
    assert (count(runtime, HarvestPage), count(runtime, JobRun)) == (0, 0)


def test_days_of_one_source_are_fetched_and_then_read_again(asking: Asking, served: ReplayServer) -> None:
    """A span of days is fetched once more; its stored answers can be read again when nobody answers any more."""
    runtime = asking(served.url)
    days = ("--source", "arxiv", "--since", "2024-01-01", "--until", "2024-03-31")
    result = call(runtime, harvest, *days, "--quiet")
    assert result.exit_code == 0, result.output
    assert "harvest: succeeded" in result.output
    held = count(runtime, Paper)
    assert held > 5
    gone = asking("http://127.0.0.1:9")
    result = call(gone, reparse, "--dry-run", "--quiet")
    assert f"unchanged{held:>28}"[-8:] in result.output
    assert "Nothing was changed" in result.output
    assert call(gone, reparse, "--source", "arxiv", "--quiet").exit_code == 0
    assert count(runtime, Paper) == held


def test_the_second_harvest_leaves_the_api_to_holes(asking: Asking, served: ReplayServer) -> None:
    """Once the past is filled, the daily run asks OAI-PMH; the API is asked by name, and its place stays."""
    runtime = asking(served.url)
    call(runtime, harvest, "--source", "arxiv", "--source", "arxiv-oai", "--quiet")

    def pages(source: str) -> int:
        with runtime.store.reading() as session:
            return session.exec(select(sa.func.count()).where(HarvestPage.source == source)).one()

    filled, changes = pages("arxiv"), pages("arxiv-oai")
    assert min(filled, changes) > 0
    assert call(runtime, harvest, "--quiet").exit_code == 0
    assert (pages("arxiv"), pages("arxiv-oai") > changes) == (filled, True)
    call(runtime, harvest, "--source", "arxiv", "--quiet")
    assert pages("arxiv") > filled
    with runtime.store.reading() as session:
        places = set(session.exec(select(HarvestCursor.source)))
    assert {"arxiv", "arxiv-oai physics:astro-ph"} <= places


def test_a_source_there_is_not_is_refused_with_those_there_are(runtime: Runtime) -> None:
    """A typing mistake costs nothing and names the choices."""
    result = call(runtime, harvest, "--source", "usenet")
    assert result.exit_code == 2
    assert "arxiv-oai" in result.output
    wrong = call(runtime, harvest, "--until", "2026-01-01", "--dry-run")
    assert "Say with --since from which day on" in wrong.output
    assert wrong.exit_code == 2


def test_a_day_is_written_as_a_day(runtime: Runtime) -> None:
    """Words for days are refused with how a day is written."""
    for option in ("--since", "--until"):
        result = call(runtime, harvest, option, "last week", "--dry-run")
        assert result.exit_code == 2
        assert "'last week' is no day; write it as year-month-day: 2026-11-22." in " ".join(result.output.split())


def test_a_dry_run_says_which_days_each_source_is_asked_for(asking: Asking) -> None:
    """Days that a source knows are named; a source that knows none says that they are ignored."""
    runtime = asking("http://127.0.0.1:9")
    named = [word for name in KNOWN for word in ("--source", name)]
    days = ("--since", "2024-01-01", "--until", "2024-03-31")
    lines = [line.strip() for line in call(runtime, harvest, *named, *days, "--dry-run").output.splitlines()]
    said = {name: lines[at + 1] for name in KNOWN for at, line in enumerate(lines) if line.startswith(f"{name} ")}
    assert said["arxiv"] == said["ads"] == "days asked: 2024-01-01 to 2024-03-31"
    assert said["arxiv-oai"].startswith("days asked: from 2024-01-01 on; --until is ignored")
    assert "--since and --until are ignored" in said["projects"]
    assert "--since and --until are ignored" in said["arxiv-rss"]
    assert "days" not in call(runtime, harvest, "--source", "projects", "--dry-run").output


def test_a_run_says_that_days_are_ignored(asking: Asking, served: ReplayServer) -> None:
    """Who asks a source that knows no days for some hears it from the run as from the trial."""
    told = call(asking(served.url), harvest, "--source", "arxiv-rss", "--since", "2026-11-01", "--quiet")
    assert "arxiv-rss: knows no days: --since and --until are ignored" in told.output
    assert count(asking(served.url), JobRun) == 1


def test_quiet_is_quiet_when_a_source_stops(asking: Asking) -> None:
    """What went wrong is said once, as a sentence, and not by a line of the log as well."""
    runtime = asking("http://127.0.0.1:9")
    told = call(runtime, harvest, "--source", "arxiv-rss", "--quiet")
    assert told.exit_code == 1
    assert "cannot be reached" in told.output
    assert "[warning" not in told.output
    assert "source stopped" not in told.output


def test_a_run_that_was_killed_is_abandoned_in_the_table_of_jobs(runtime: Runtime) -> None:
    """``biblio status`` says the same in its table as below."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        session.add(
            JobRun(
                job="harvest", started_by=Trigger.HAND, outcome=Outcome.RUNNING, started_at=now - timedelta(hours=1),
                lease_until=now - timedelta(minutes=59), holder="elsewhere:1", version="0",
            )
        )  # fmt: skip
    lines = call(runtime, status).output.splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("harvest ")] == ["abandoned"]


def test_a_dry_run_says_places_in_words(asking: Asking, served: ReplayServer) -> None:
    """Where a source goes on is a sentence, never the record that keeps it."""
    runtime = asking(served.url)
    assert call(runtime, harvest, "--source", "arxiv", "--source", "ads", "--quiet").exit_code == 0
    output = call(runtime, harvest, "--source", "arxiv", "--source", "ads", "--dry-run").output
    assert "goes on: days from 20" in output
    assert "goes on: entered or changed since 20" in output
    assert "{" not in output
    anew = call(runtime, harvest, "--begin-anew", "ads", "--dry-run").output
    assert "from the beginning" in anew


def test_a_dry_run_is_no_run(asking: Asking, served: ReplayServer) -> None:
    """Reading again on trial has no row in the list of runs, and says the same numbers."""
    runtime = asking(served.url)
    call(runtime, harvest, "--source", "arxiv", "--since", "2024-01-01", "--until", "2024-03-31", "--quiet")
    tried = call(runtime, reparse, "--dry-run", "--quiet")
    assert tried.exit_code == 0, tried.output
    assert count(runtime, JobRun) == 1
    done = call(runtime, reparse, "--quiet")
    assert count(runtime, JobRun) == 2
    assert [line for line in tried.output.splitlines() if line.startswith("  unchanged")] == [
        line for line in done.output.splitlines() if line.startswith("  unchanged")
    ]


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_misspelt_source_of_stored_answers_is_refused(runtime: Runtime, options: tuple[str, ...]) -> None:
    """It fails, names the sources there are, and is no run."""
    result = call(runtime, reparse, "--source", "nonsense", *options)
    assert result.exit_code == 1
    assert "there are: projects, arxiv, arxiv-oai, arxiv-rss, ads" in result.output
    assert count(runtime, JobRun) == 0


def test_wrong_days_are_refused_and_are_no_run(runtime: Runtime) -> None:
    """Days the wrong way round end the command in a sentence; the list of runs stays empty."""
    result = call(runtime, harvest, "--since", "2026-03-01", "--until", "2026-01-01")
    assert (result.exit_code, "wrong way round" in result.output) == (1, True)
    assert count(runtime, JobRun) == 0


def test_ctrl_c_says_what_is_stored_and_how_to_go_on(
    asking: Asking, served: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is that of an interruption; the counts are those of the run; the same command goes on."""
    runtime = asking(served.url)
    pages = itertools.count()
    store_page = absorb.store_page

    def interrupted(*given: Any) -> absorb.PageCounts:
        if next(pages) == 2:
            raise KeyboardInterrupt
        return store_page(*given)

    words = ("--source", "arxiv", "--source", "ads", "--quiet")
    with monkeypatch.context() as patch:
        patch.setattr(absorb, "store_page", interrupted)
        result = call(runtime, harvest, *words)
    assert result.exit_code == 130
    held = count(runtime, HarvestPage)
    assert f"{'pages':<28} {held:>8}" in result.output
    assert "stored and safe" in result.output
    assert "`harvest --source arxiv --source ads --quiet`" in result.output
    assert call(runtime, harvest, *words).exit_code == 0
    assert count(runtime, HarvestPage) > held == 2


@pytest.mark.parametrize("sentence", [LOAD_PROJECTS, NO_PAPER])
def test_remedies_are_commands_that_there_are(sentence: str) -> None:
    """What a refusal says to type can be typed: command, subcommand and options exist."""
    commands = re.findall(r"`biblio (.+?)`", sentence)
    assert commands
    for written in commands:
        name, *words = shlex.split(written)
        command = main.get_command(click.Context(main), name)
        while isinstance(command, click.Group):
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None
        command.make_context(name, words)
