"""``biblio mail``: what it prints, what it changes, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlmodel import select

from biblio.jobs import run_job
from biblio.letters.commands import mail_group
from biblio.letters.feature import check, feature
from biblio.runtime import Runtime
from biblio.store.models import MailBounce
from biblio.store.words import MailState, Outcome
from tests.mail.letters import queue, rows, send, states
from tests.mail.reports import report
from tests.mail.test_bounces import back, put

Run = Callable[..., Result]


@pytest.fixture
def run(runtime: Runtime) -> Run:
    """Return a function that runs a command on the test's runtime, as the command line would."""

    def call(*arguments: str, on: Runtime = runtime) -> Result:
        return CliRunner().invoke(mail_group, list(arguments), obj=lambda: on)

    return call


def test_letters_are_listed_and_decided(run: Run, runtime: Runtime, one_of_each: dict[MailState, int]) -> None:
    """The list names number, state and Message-ID; arrived, resend and give-up each do what they say."""
    listed = run("list", "--json")
    assert [json.loads(line)["state"] for line in listed.stdout.splitlines()] == [
        "cancelled", "sent", "uncertain", "waiting",
    ]  # fmt: skip
    assert "1 uncertain" in listed.stderr
    assert rows(runtime)[1].message_id in run("list", "--state", "uncertain").stdout
    number = str(one_of_each[MailState.UNCERTAIN])
    assert run("arrived", number).output == f"Letter {number} counts as sent.\n"
    assert states(runtime) == ["waiting", "sent", "sent", "cancelled"]
    assert "only uncertain ones can be called arrived" in str(run("arrived", number).exception)
    run("resend", str(one_of_each[MailState.CANCELLED]))
    run("give-up", str(one_of_each[MailState.WAITING]), "--reason", "left the field")
    assert states(runtime) == ["cancelled", "sent", "sent", "waiting"]


def test_bounces_reads_a_folder(run: Run, runtime: Runtime, tmp_path: Path) -> None:
    """A dry run tells and keeps nothing; the run keeps and marks; a second run finds nothing."""
    queue(runtime)
    send(runtime)
    folder = put(tmp_path / "returned", a=back(report(), rows(runtime)[0].message_id), b=b"X: " + b"y" * 20_000)
    dry = run("bounces", "--folder", str(folder), "--dry-run")
    assert dry.exit_code == 0
    assert "2 messages: 1 for good" in dry.stdout
    assert "Nothing was kept" in dry.stdout
    assert "! b.eml was left out" in dry.stderr
    with runtime.store.reading() as session:
        assert session.exec(select(MailBounce)).all() == []
    assert "1 for good" in run("bounces", "--folder", str(folder)).stdout
    assert run("bounces", "--folder", str(folder)).stdout.startswith("0 messages")


def test_bounces_without_a_place_says_what_to_set(run: Run) -> None:
    """Without a folder or a mailbox it says which settings there are."""
    assert "BIBLIO_BOUNCE_FOLDER" in str(run("bounces").exception)


def test_the_job_reads_what_is_set(runtime: Runtime, tmp_path: Path) -> None:
    """The job reads the folder that is set; without one it says so; with one that is gone it fails with the sentence."""
    job = feature.jobs[0]
    row = run_job(runtime, job)
    assert row.outcome is Outcome.SUCCEEDED
    assert "No folder or mailbox" in row.counts["notes"][0]
    queue(runtime)
    send(runtime)
    folder = put(tmp_path / "returned", a=back(report(), rows(runtime)[0].message_id))
    reading = replace(runtime, settings=runtime.settings.model_copy(update={"bounce_folder": folder}))
    assert run_job(reading, job).counts["hard"] == 1
    assert list(check(reading)) == ["1 address does not work, by what came back: look on the page Letters."]
    gone = replace(runtime, settings=runtime.settings.model_copy(update={"bounce_folder": tmp_path / "gone"}))
    failed = run_job(gone, job)
    assert failed.outcome is Outcome.FAILED
    assert "BIBLIO_BOUNCE_FOLDER" in (failed.error or "")


def test_uncertain_letters_are_told_of(runtime: Runtime, one_of_each: dict[MailState, int]) -> None:
    """The admin page says how many letters wait for a person."""
    (told,) = check(runtime)
    assert told.startswith("1 letter may or may not have left")
