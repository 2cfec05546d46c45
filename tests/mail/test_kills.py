"""Whatever dies, at any step: every Message-ID is accepted at most once, and every letter is accepted or uncertain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes

import pytest
from sqlmodel import select

from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail
from biblio.store.words import MailState
from tests.mail.forks import KILLED, ended, fork, send_all
from tests.mail.letters import queue, rows, send, states
from tests.mailserver import Strict, strict_server

MOST_STEPS = 200
"""More than a sender of two letters takes; a test that comes here is wrong."""


@pytest.fixture
def strict() -> Iterator[Strict]:
    """A mail server whose every moment is counted."""
    with strict_server() as running:
        yield running


@pytest.fixture
def sender(runtime: Runtime, strict: Strict) -> Runtime:
    """The runtime, sending through that server."""
    change = {"smtp_host": "127.0.0.1", "smtp_port": strict.port, "smtp_starttls": False}
    return replace(runtime, settings=runtime.settings.model_copy(update=change))


def check(runtime: Runtime, strict: Strict, start: int, letters: int) -> int:
    """Check the letters from number ``start`` on: none is lost or doubled, at most one is uncertain; return how many are."""
    mine = rows(runtime)[start : start + letters]
    assert len(mine) == letters
    for row in mine:
        assert row.state in (MailState.SENT, MailState.UNCERTAIN)
        assert strict.ids[row.message_id] <= 1
        if row.state is MailState.SENT:
            assert strict.ids[row.message_id] == 1
    uncertain = sum(row.state is MailState.UNCERTAIN for row in mine)
    assert uncertain <= 1
    return uncertain


def test_a_sender_killed_at_any_step_doubles_nothing(sender: Runtime, strict: Strict) -> None:
    """For every n: killed before its n-th statement, commit, sending or waiting for an answer, then another sends on."""
    uncertain = 0
    for step in range(1, MOST_STEPS):
        queue(sender, 2, start=2 * step)
        end = ended(fork(sender, send_all, die_at=step))
        assert end in (0, KILLED)
        send(sender)
        uncertain += check(sender, strict, 2 * (step - 1), 2)
        if end == 0:
            break
    assert step > 30, "a sender of two letters takes more steps than that: they were not counted"
    assert step < MOST_STEPS - 1
    # Between the claim of a letter and the mark nobody knows; there are ten such steps of SMTP and two of SQL for each.
    assert 10 <= uncertain < step


def test_the_folder_is_exactly_once_killed_at_any_step(runtime: Runtime) -> None:
    """For every n: after a kill and one more sending every letter lies in the folder once, whole, and is marked sent."""
    folder = runtime.settings.outgoing_mail
    for step in range(1, MOST_STEPS):
        queue(runtime, 2, start=2 * step)
        end = ended(fork(runtime, send_all, die_at=step))
        assert end in (0, KILLED)
        send(runtime)
        if end == 0:
            break
    assert 15 < step < MOST_STEPS - 1
    there = rows(runtime)
    assert {row.state for row in there} == {MailState.SENT}
    files = sorted(folder.glob("*.eml"))
    assert {path.stem for path in files} == {row.key for row in there}
    found = [message_from_bytes(path.read_bytes()) for path in files]
    assert {m["Message-ID"] for m in found} == {row.message_id for row in there}
    assert all(str(m.get_payload()).split()[-3:] == ["how", "are", "you?"] for m in found)


def test_a_talk_that_breaks_at_any_moment_doubles_nothing(sender: Runtime, strict: Strict, clock: FixedClock) -> None:
    """For every moment: the server goes away before or after an answer or within the letter; the next talk goes on."""
    for moment in range(1, MOST_STEPS):
        queue(sender, 2, start=2 * moment)
        strict.again(moment)
        send(sender)
        broke = strict.passed() >= moment
        strict.again(0)
        clock.move(timedelta(hours=1))
        send(sender)
        check(sender, strict, 2 * (moment - 1), 2)
        if not broke:
            break
    assert 25 < moment < MOST_STEPS - 1
    told = [row.reason for row in rows(sender) if row.state is MailState.UNCERTAIN]
    # For each of the two letters: after the server asked for it, twice within it, after its dot, and before the answer.
    assert len(told) == 10
    assert all("broke while the letter was handed over" in (words or "") for words in told)


def test_senders_at_once_send_each_letter_once(sender: Runtime, strict: Strict) -> None:
    """Three processes share twelve letters, while two of them are killed on the way: none is doubled or lost."""
    queue(sender, 12)
    hears, tells = os.pipe()

    def together(own: Runtime) -> None:
        os.read(hears, 1)
        send_all(own)

    def to_the_end(own: Runtime) -> None:
        os.read(hears, 1)
        while True:  # the others may have left it nothing: it looks for letters until it dies
            send_all(own)

    pids = [fork(sender, together), *(fork(sender, to_the_end, die_at=step) for step in (12, 23))]
    os.write(tells, b"go!")
    assert [ended(pid) for pid in pids] == [0, KILLED, KILLED]
    os.close(hears)
    os.close(tells)
    send(sender)
    found = states(sender)
    assert found.count("sent") >= 10
    assert set(found) <= {"sent", "uncertain"}
    for row in rows(sender):
        assert strict.ids[row.message_id] == (1 if row.state is MailState.SENT else strict.ids[row.message_id])
        assert strict.ids[row.message_id] <= 1


def test_the_machine_never_sends_what_it_found_being_sent(sender: Runtime, strict: Strict, clock: FixedClock) -> None:
    """A letter whose sender died is uncertain for ever, however often and long the machine goes on sending."""
    queue(sender, 2)
    with sender.store.writing() as session:
        row = session.exec(select(OutboxMail)).first()
        assert row is not None
        row.state, row.transport, row.claimed_at = MailState.SENDING, "smtp", clock.now()
        row.claimed_by = "elsewhere:1:0:dead"
        session.add(row)
    for _ in range(5):
        send(sender)
        clock.move(timedelta(days=30))
    assert states(sender) == ["uncertain", "sent"]
    assert strict.ids[rows(sender)[0].message_id] == 0
    assert strict.ids.total() == 1
