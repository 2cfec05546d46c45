"""What tests of letters share: the app with the pages of letters, as people use it, and letters in every state."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlmodel import col, select

from biblio.letters.feature import feature as letters
from biblio.mail.bounces import take_in
from biblio.mail.mailboxes import FolderMailbox
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail
from biblio.store.words import MailState
from biblio.web import create_app
from tests.mail.letters import queue, rows, send
from tests.mail.reports import report
from tests.mail.test_bounces import back, put

STATES = (MailState.WAITING, MailState.UNCERTAIN, MailState.SENT, MailState.CANCELLED)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the pages of letters and the public ones, on a fresh database of each kind."""
    return create_app(runtime, features=[letters, public])


@pytest.fixture
def one_of_each(runtime: Runtime) -> dict[MailState, int]:
    """A letter in each state that a person meets; return their numbers by state."""
    queue(runtime, len(STATES))
    with runtime.store.writing() as session:
        for row, state in zip(session.exec(select(OutboxMail).order_by(col(OutboxMail.id))), STATES, strict=True):
            row.state = state
            if state is not MailState.WAITING:
                row.claimed_at = runtime.clock.now()
            if state is MailState.SENT:
                row.sent_at = runtime.clock.now()
            session.add(row)
    return dict(zip(STATES, [row.id or 0 for row in rows(runtime)], strict=True))


@pytest.fixture
def came_back(runtime: Runtime, tmp_path: Path) -> list[int]:
    """Three letters that left: the first came back for good, the second is late; return their numbers."""
    queue(runtime, 3)
    send(runtime)
    first, second, _third = rows(runtime)
    folder = put(
        tmp_path / "returned",
        a=back(report(), first.message_id),
        b=back(report(action="delayed", status="4.4.1"), second.message_id, second.email),
    )
    assert take_in(runtime, FolderMailbox(folder)).hard == 1
    return [row.id or 0 for row in rows(runtime)]
