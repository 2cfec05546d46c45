"""``biblio survey``: what its commands print, what they change, and what they leave alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlmodel import SQLModel, col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import Answer, AskedBefore, AuditEntry, Campaign, OutboxMail
from biblio.store.words import Role
from survey.asking.rule import Ground
from survey.campaign.service import create_campaign
from survey.commands import survey
from tests.factories import add_project, add_user
from tests.survey.people import (
    add_silent_projects,
    answer_all,
    let_it_end,
    letters_in,
    make_campaign,
    open_and_send,
    said,
    tokens_of,
)
from tests.survey.released import add_campaign

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
    assert "2016.1.00900.S on 2026-11-22 (UTC): not a PI project." in told
    assert " -> not a PI project" in told
    assert "What would change it: Nothing: it has no PI to ask." in told
    assert "Last usable release date: 2018-05-01." in told
    assert [line[4:].split("  ")[0] for line in told.splitlines() if line[:4] in (" -> ", "    ", "  ! ")] == [
        ground.label for ground in Ground
    ]
    assert "person0@example.org" not in run("due", "--explain", "2016.1.00000.S").stdout
    plain = json.loads(run("due", "--explain", "2016.1.00000.S", "--json").stdout)
    assert (plain["eligible"], plain["due_from"], len(plain["steps"])) == (True, "2020-05-01", len(Ground))


def test_due_of_a_past_day_and_of_an_unknown_code(run: Run, runtime: Runtime) -> None:
    """As of a day before the project was known nothing is listed; an unknown code is an error that says so."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 1)
    assert run("due", "--as-of", "2020-01-01").stdout == ""
    assert "was not known on that day" in run("due", "--as-of", "2020-01-01", "--explain", "2016.1.00000.S").stdout
    failed = run("due", "--explain", "2099.1.00001.S")
    assert failed.exit_code == 1
    assert "no project" in str(failed.exception)


@pytest.mark.smallest
def test_a_campaign_by_commands(run: Run, runtime: Runtime) -> None:
    """Dry runs change nothing; create needs --yes where it warns; send, list, close and results do what they say."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 22)
    ahead = run("campaign", "preview", "--stratify-by", "category").stdout
    assert "22 persons would be asked about 22 projects" in ahead
    assert "2016.1" in ahead
    assert "0 of 22 (0 %)" in ahead
    assert "category not known: 22 persons, 22 projects" in ahead
    assert "/survey/…" in ahead
    assert "Would ask 22 persons" in run("campaign", "create", "autumn", "--dry-run").stdout
    assert run("campaign", "create", "autumn").exit_code == 1
    assert rows(runtime, Campaign) == 0
    made = run("campaign", "create", "autumn", "--yes", "--stratify-by", "partner")
    assert "Campaign 1, a draft: 22 persons, 22 projects." in made.stdout
    dry = run("campaign", "send", "autumn", "--batch", "3", "--dry-run").stdout
    assert "Would write to 3 persons" in dry
    assert "Person2, Ines: 2016.1.00002.S" in dry
    assert "Fictional discs 0" in dry
    assert rows(runtime, OutboxMail) == 0
    assert "3 letters queued; 3 sent" in run("campaign", "send", "autumn", "--batch", "3").stdout
    assert "19 letters queued; 19 sent" in run("campaign", "send", "1").stdout
    assert len(letters_in(runtime.settings.outgoing_mail)) == 22
    answer_all(runtime, tokens_of(runtime, 1), [said(8)] * 6)
    assert "6 answered" in run("campaign", "list").stdout
    told = run("campaign", "close", "autumn", "--dry-run").stdout
    assert "with 6 ballots in the box, which is opened after 2027-01-03" in told
    assert "opened after 2027-01-03, as was promised" in run("campaign", "close", "autumn").stdout
    assert rows(runtime, Answer) == 0
    let_it_end(runtime, 1)
    assert "27.3" in run("campaign", "results", "autumn").stdout


def test_what_a_person_does_by_command_bears_their_name(run: Run, runtime: Runtime) -> None:
    """With --as the audit log names the head librarian, without it nobody; others are refused, and nothing is changed."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 20)
        head = add_user(session, "hana", Role.HEAD_LIBRARIAN).user_id
        add_user(session, "lars", Role.LIBRARIAN)
    assert "no head librarian" in str(run("campaign", "create", "autumn", "--yes", "--as", "lars").exception)
    assert "no user 'nobody'" in str(run("campaign", "create", "autumn", "--yes", "--as", "nobody").exception)
    assert rows(runtime, Campaign) == 0
    assert run("campaign", "create", "autumn", "--yes", "--as", "hana").exit_code == 0
    for words in (("wording",), ("send",), ("pause",), ("resume",), ("close",)):
        assert run("campaign", *words, "autumn", "--as", "hana").exit_code == 0
    with runtime.store.writing() as session:
        add_silent_projects(session, 20, start=100)
    assert run("campaign", "create", "winter", "--yes").exit_code == 0
    assert run("campaign", "discard", "winter", "--as", "hana").exit_code == 0
    with runtime.store.reading() as session:
        found = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    assert {entry.actor_id for entry in found if entry.subject == "autumn"} == {head}
    assert [(entry.action, entry.actor_id) for entry in found if entry.subject == "winter"] == [
        ("campaign created", None),
        ("campaign discarded", head),
    ]


def test_lists_and_previews_of_campaigns_say_where_they_stand(run: Run, runtime: Runtime) -> None:
    """Ended is not closed, the last day is told, wording and groups once each; reminders that are off are not."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 20)
        create_campaign(session, runtime, MACHINE, name="autumn", stratify_by="partner")
        add_campaign(session, "2015", opened_at=None, past={"questionnaires_completed": 965})
    run("campaign", "send", "autumn", "--batch", "12")
    told = run("campaign", "preview", "autumn").stdout
    assert "autumn: open; its last day is 2027-01-03" in told
    assert told.count("Wording: version") == told.count("Reminders for letters") == 1
    assert "counted also by: partner" in told
    assert "EU: 20 persons" in told
    run("campaign", "close", "autumn")
    told = run("campaign", "preview", "autumn").stdout
    assert "autumn: ended; nobody can answer any more" in told
    assert "Reminders" not in told
    listed = run("campaign", "list").stdout
    assert "autumn                       ended     last day 2027-01-03  12 persons, 12 projects, 12 letters" in listed
    assert (
        "earlier   last day 2026-04-05  - persons, - projects, - letters delivered, - came back, 965 answered" in listed
    )
    plain = [json.loads(line) for line in run("campaign", "list", "--json").stdout.splitlines()]
    assert [(each["state"], each["delivered"]) for each in plain] == [("earlier", None), ("ended", 12)]


@pytest.mark.smallest
def test_too_few_persons_are_refused_with_what_to_do(run: Run, runtime: Runtime) -> None:
    """Nineteen persons are told to wait and be asked with the next; --yes does not help."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 19)
    assert "Only 19 persons would be asked; a campaign needs 20" in run("campaign", "preview").stdout
    for name in ("", " ", "un\x07seen"):
        assert "needs 20" not in run("campaign", "create", name, "--yes").stderr
    refused = run("campaign", "create", "small", "--yes")
    assert refused.exit_code == 1
    assert "Wait until more projects are due" in refused.stderr
    assert rows(runtime, Campaign) == 0


def test_wording_is_taken_over_by_command(run: Run, runtime: Runtime) -> None:
    """A draft whose wording differs says so and takes the present one over; an opened campaign refuses."""
    make_campaign(runtime, projects=3)
    with runtime.store.writing() as session:
        row = session.get_one(Campaign, 1)
        row.questionnaire = {**row.questionnaire, "version": "1999-01"}
        session.add(row)
    assert "version 1999-01) is not the profile's" in run("campaign", "preview", "autumn").stdout
    assert run("campaign", "wording", "autumn").exit_code == 0
    assert "1999-01" not in run("campaign", "preview", "autumn").stdout
    run("campaign", "send", "autumn")
    assert "Reminders for letters of the first day: 2026-12-06" in run("campaign", "preview", "autumn").stdout
    assert "frozen" in str(run("campaign", "wording", "autumn").exception)


def test_projects_are_taken_off_and_asked_again_by_named_persons(run: Run, runtime: Runtime) -> None:
    """Exclude, include and ask-again act in the name of a person whose role allows it, and refuse others."""
    campaign = make_campaign(runtime, projects=2)
    open_and_send(runtime, campaign)
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(days=1))
    with runtime.store.writing() as session:
        add_silent_projects(session, 1, start=50)
        add_user(session, "hana", Role.HEAD_LIBRARIAN)
        add_user(session, "ines", Role.LIBRARIAN)
    again = ("ask-again", "2016.1.00000.S", "--reason", "New data.", "--as")
    assert "neither manager nor head librarian" in str(run(*again, "ines").exception)
    assert run(*again, "hana").exit_code == 0
    assert "2016.1.00000.S" in run("due").stdout
    assert "leave to ask once more by Hana: New data." in run("due", "--explain", "2016.1.00000.S").stdout
    assert run("ask-again", "2016.1.00000.S", "--take-back", "--as", "hana").exit_code == 0
    assert "2016.1.00000.S" not in run("due").stdout
    off = ("exclude", "2016.1.00050.S", "--reason", "The PI is ill.", "--as")
    assert "no head librarian" in str(run(*off, "ines").exception)
    assert run(*off, "hana").exit_code == 0
    assert run("due").stdout == ""
    assert run("include", "2016.1.00050.S", "--as", "hana").exit_code == 0
    assert "2016.1.00050.S" in run("due").stdout


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
    assert "1 row new, 0 known before, 3 refused. Nothing was stored." in dry.stdout
    assert rows(runtime, AskedBefore) == 0
    told = run("import-history", str(file))
    assert (dry.exit_code, told.exit_code) == (1, 1)
    assert "line 3: asked_on is no day: '1.4.2019'; write it like 2015-03-01" in told.stderr
    for part in ("line 3", "line 4", "line 5", "2099.1.00001.S"):
        assert part in told.stderr
    assert "0 rows new, 1 known before" in run("import-history", str(file)).stdout
    assert rows(runtime, AskedBefore) == 1
    assert [line.split()[0] for line in run("due").stdout.splitlines()] == ["2016.1.00001.S"]


def test_totals_are_taken_over_by_their_columns(run: Run, runtime: Runtime, tmp_path: Path) -> None:
    """A file with the columns of totals makes campaigns of before; a dry run makes none, and a bad row is named."""
    file = tmp_path / "totals.csv"
    file.write_text(
        "campaign,closed_on,choice,answers,questionnaires_sent\n2015,2015-06-30,9,40,90\n2016,2016-06-30,77,1,\n",
        encoding="utf-8",
    )
    dry = run("import-history", str(file), "--dry-run")
    assert "2 rows read: 1 campaign new, 0 known before, 1 left out. Nothing was stored." in dry.stdout
    assert "totals.csv, line 3: the question status has no choice 77" in dry.stderr
    assert rows(runtime, Campaign) == 0
    assert [dry.exit_code, run("import-history", str(file)).exit_code] == [1, 1]
    assert "0 campaigns new, 1 known before" in run("import-history", str(file)).stdout
    assert "2015" in run("campaign", "list").stdout


@pytest.mark.parametrize(
    "content", [b"", b"code,code,asked_on\n", b"a,b\n1,2\n", b"\xff\xfe\x00", b"<html>", b'code,asked_on\n"unclosed']
)
def test_a_file_that_is_no_history_changes_nothing(run: Run, runtime: Runtime, tmp_path: Path, content: bytes) -> None:
    """Empty, foreign, binary or broken files end with exit code 1, a sentence, and nothing stored."""
    file = tmp_path / "asked.csv"
    file.write_bytes(content)
    failed = run("import-history", str(file))
    assert failed.exit_code == 1
    assert failed.stderr or str(failed.exception)
    assert rows(runtime, AskedBefore) == 0
