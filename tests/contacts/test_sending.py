"""Letters to authors over a real SMTP server: what it takes, refuses, or leaves in doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from biblio.contacts.queries import one_letter
from biblio.contacts.tracking import follow_outbox, send
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail
from biblio.store.words import ContactState, MailState
from tests.contacts.preprints import ADDRESS, add_preprint
from tests.contacts.test_service import leave, put
from tests.factories import add_user
from tests.mailserver import Box


@pytest.fixture
def mailing(sqlite_runtime: Runtime, box: Box) -> Runtime:
    """A runtime that sends to that server."""
    more = {
        "smtp_host": "127.0.0.1",
        "smtp_port": box.port,
        "smtp_starttls": False,
        "mail_from": "Library <lib@example.org>",
    }
    return replace(sqlite_runtime, settings=sqlite_runtime.settings.model_copy(update=more))


def _put(runtime: Runtime) -> int:
    with runtime.store.writing() as session:
        librarian = add_user(session, "ines")
        paper_id = add_preprint(session, judged_by=librarian)
    return put(runtime, librarian, paper_id, name="Ahn, Bora\u202e\r\nBcc: b@example.org")


def _state(runtime: Runtime, contact_id: int) -> tuple[ContactState, str]:
    with runtime.store.writing() as session:
        follow_outbox(session, runtime)
        one = one_letter(session, runtime, contact_id)
        return one.contact.state, one.outbox


def test_what_arrives_is_the_letter_to_one_person(mailing: Runtime, box: Box) -> None:
    """One message, one recipient, whatever stood in the name; the text as the librarian left it."""
    contact_id = _put(mailing)
    leave(mailing)
    assert _state(mailing, contact_id) == (ContactState.SENT, "")
    [message] = box.accepted
    assert [a.addr_spec for a in message["To"].addresses] == [ADDRESS]
    assert message["Bcc"] is None
    assert message["Subject"] == "ALMA data in your preprint"
    assert "please add the statement" in message.get_content()
    send(mailing)
    assert len(box.accepted) == 1


def test_a_refused_recipient_is_a_bounce(mailing: Runtime, box: Box) -> None:
    """550 at RCPT: the letter ends as bounced, and nothing is tried again."""
    box.answers["RCPT"] = "550 no such user here"
    contact_id = _put(mailing)
    leave(mailing)
    assert _state(mailing, contact_id)[0] is ContactState.BOUNCED
    assert box.accepted == []


def test_a_server_that_breaks_off_leaves_the_letter_uncertain(mailing: Runtime, box: Box) -> None:
    """It took the letter and died before it said so: shown as uncertain, never sent again by the machine."""
    box.answers["DATA"] = "drop after"
    contact_id = _put(mailing)
    leave(mailing)
    state, words = _state(mailing, contact_id)
    assert state is ContactState.PREPARED
    assert words.startswith("uncertain")
    box.answers.clear()
    send(mailing)
    assert len(box.accepted) == 1
    with mailing.store.reading() as session:
        assert session.exec(select(OutboxMail.state)).one() is MailState.UNCERTAIN
