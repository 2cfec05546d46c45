"""``biblio survey`` and ``biblio mail``: what they print, what they change, and what they leave alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlmodel import SQLModel, select

from biblio.runtime import Runtime
from biblio.store.models import AskedBefore, Campaign, OutboxMail
from biblio.store.words import MailState
from survey.commands import mail_group, survey
from survey.questionnaire import Filled
from tests.factories import add_project
from tests.survey.people import add_silent_projects, answer_all, letters_in, tokens_of

Run = Callable[..., Result]


@pytest.fixture
def run(runtime: Runtime) -> Run:
    """Return a function that runs a command on the test's runtime, as the command line would."""

    def call(*arguments: str, group: click.Group = survey) -> Result:
        return CliRunner().invoke(group, list(arguments), obj=lambda: runtime)

    return call


def rows(runtime: Runtime, model: type[SQLModel]) -> int:
    """Return how many rows a table has."""
    with runtime.store.reading() as session:
        return len(session.exec(select(model)).all())


def test_due_lists_explains_and_counts(run: Run, runtime: Runtime) -> None:
    """The list holds those who are due, JSON is one line each, and explain shows every fact."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
        add_project(session, "2016.1.00900.S", is_pi_project=False)
    listed = run("due")
    assert listed.exit_code == 0
    assert listed.stdout.count("due from") == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["2016.1.00000.S", "2016.1.00001.S"]
    assert "2 of 3 projects are due" in listed.stderr
    assert "1  not a PI project" in listed.stderr
    lines = [json.loads(line) for line in run("due", "--all", "--json").stdout.splitlines()]
    assert [line["eligible"] for line in lines] == [True, True, False]
    told = run("due", "--explain", "2016.1.00900.S").stdout
    assert "not a PI project" in told
    assert "last usable release            2018-05-01" in told
    assert "person0@example.org" not in run("due", "--explain", "2016.1.00000.S").stdout


def test_due_of_a_past_day_and_of_an_unknown_code(run: Run, runtime: Runtime) -> None:
    """As of a day before the project was known nothing is listed; an unknown code is an error that says so."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 1)
    assert run("due", "--as-of", "2020-01-01").stdout == ""
    assert "was not known on that day" in run("due", "--as-of", "2020-01-01", "--explain", "2016.1.00000.S").stdout
    failed = run("due", "--explain", "2099.1.00001.S")
    assert failed.exit_code == 1
    assert "no project" in str(failed.exception)


def test_a_campaign_by_commands(run: Run, runtime: Runtime) -> None:
    """Dry runs change nothing; create needs --yes where it warns; send, list, close and results do what they say."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 8)
    assert "8 persons would be asked about 8 projects" in run("campaign", "preview").stdout
    assert "Would ask 8 persons" in run("campaign", "create", "autumn", "--dry-run").stdout
    refused = run("campaign", "create", "autumn")
    assert refused.exit_code == 1
    assert rows(runtime, Campaign) == 0
    assert "Campaign 1, a draft: 8 persons, 8 projects." in run("campaign", "create", "autumn", "--yes").stdout
    assert "Would write to 3 persons" in run("campaign", "send", "autumn", "--batch", "3", "--dry-run").stdout
    assert rows(runtime, OutboxMail) == 0
    assert "3 letters queued; 3 sent" in run("campaign", "send", "autumn", "--batch", "3").stdout
    assert "5 letters queued; 5 sent" in run("campaign", "send", "1").stdout
    assert len(letters_in(runtime.settings.outgoing_mail)) == 8
    answer_all(runtime, tokens_of(runtime, 1), [Filled(8)] * 6)
    assert "6 answered" in run("campaign", "list").stdout
    assert run("campaign", "results", "autumn").exit_code == 1
    assert "with 6 ballots" in run("campaign", "close", "autumn", "--dry-run").stdout
    assert "6 ballots were opened" in run("campaign", "close", "autumn").stdout
    found = json.loads(run("campaign", "results", "autumn", "--json").stdout)
    assert found["by_reason"]["8"] == found["answers"] == 6
    assert found["by_group"]["The science"] == 6
    assert "75.0 %" in run("campaign", "results", "autumn").stdout


def test_pausing_by_command(run: Run, runtime: Runtime) -> None:
    """Pause stops sending with a clear error, resume lets it go on; an unknown campaign is told with those there are."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
    run("campaign", "create", "autumn", "--yes")
    run("campaign", "send", "autumn", "--batch", "1")
    assert run("campaign", "pause", "autumn").exit_code == 0
    assert "paused" in str(run("campaign", "send", "autumn").exception)
    assert run("campaign", "resume", "autumn").exit_code == 0
    assert "there are: autumn" in str(run("campaign", "pause", "spring").exception)


def test_history_is_taken_over_once(run: Run, runtime: Runtime, tmp_path: Path) -> None:
    """Good rows are stored, bad ones named by line; a dry run and a second run store nothing more."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
    file = tmp_path / "asked.csv"
    file.write_text(
        "\ufeffcode,asked_on,note\n2016.1.00000.S,2019-04-01,x\n2016.1.00001.S,1.4.2019,\n,2019-04-01,\n"
        "2099.1.00001.S,2019-04-01,\n",
        encoding="utf-8",
    )
    dry = run("import-history", str(file), "--dry-run")
    assert "1 new, 0 known before, 3 refused. Nothing was stored." in dry.stdout
    assert rows(runtime, AskedBefore) == 0
    told = run("import-history", str(file))
    for part in ("line 3", "line 4", "line 5", "2099.1.00001.S"):
        assert part in told.stderr
    assert "0 new, 1 known before" in run("import-history", str(file)).stdout
    assert rows(runtime, AskedBefore) == 1
    assert [line.split()[0] for line in run("due").stdout.splitlines()] == ["2016.1.00001.S"]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"<html>", b'code,asked_on\n"unclosed'])
def test_a_file_that_is_no_history_changes_nothing(run: Run, runtime: Runtime, tmp_path: Path, content: bytes) -> None:
    """Empty, foreign, binary or broken files end with exit code 1, a sentence, and nothing stored."""
    file = tmp_path / "asked.csv"
    file.write_bytes(content)
    failed = run("import-history", str(file))
    assert failed.exit_code == 1
    assert failed.stderr or str(failed.exception)
    assert rows(runtime, AskedBefore) == 0


def test_uncertain_letters_by_command(run: Run, runtime: Runtime) -> None:
    """List shows state and Message-ID but no address; resend and give up do as told; a wrong number is an error."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
    run("campaign", "create", "autumn", "--yes")
    run("campaign", "send", "autumn")
    with runtime.store.writing() as session:
        for row in session.exec(select(OutboxMail)):
            row.state = MailState.UNCERTAIN
            session.add(row)
    listed = run("list", "--state", "uncertain", group=mail_group)
    assert listed.stdout.count("uncertain") == 2
    assert listed.stdout.count("@example.org>") == 2
    assert "person0@example.org" not in listed.stdout
    assert "2 uncertain" in listed.stderr
    assert run("resend", "1", group=mail_group).exit_code == 0
    assert run("give-up", "2", "--reason", "has left", group=mail_group).exit_code == 0
    assert run("resend", "77", group=mail_group).exit_code == 1
    lines = [json.loads(line) for line in run("list", "--json", group=mail_group).stdout.splitlines()]
    assert {line["id"]: line["state"] for line in lines} == {1: "waiting", 2: "cancelled"}
