"""Outgoing mail: every letter leaves at most once, to a real SMTP server or into a folder, whatever dies on the way."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from biblio import mail
from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.errors import NotFound, RequestRefused
from biblio.mail.outbox import one_line
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store.models import OutboxMail
from biblio.store.words import MailState
from tests.conftest import NOW
from tests.mail.letters import KIND, queue, rows, send, states
from tests.mailserver import Box

CLOCK = FixedClock(NOW)
SETTINGS = Settings(secret_key="0123456789abcdef0123456789abcdef")


def test_letters_arrive_once_and_are_marked(smtp: Runtime, box: Box) -> None:
    """Three letters are accepted once each with their own Message-ID; a second sending sends nothing."""
    queue(smtp, 3)
    assert send(smtp).sent == 3
    assert send(smtp).sent == 0
    assert states(smtp) == ["sent"] * 3
    assert list(box.ids.values()) == [1, 1, 1]
    message = box.accepted[0]
    assert message["To"] == "Ines Person0 <ines0@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == rows(smtp)[0].message_id
    assert message.get_content().splitlines() == ["Dear Ines,", "how are you?"]


def test_names_and_texts_of_all_scripts_arrive_whole(smtp: Runtime, box: Box) -> None:
    """Names in any script, long lines and dots at line starts come out as they went in."""
    body = "日本語 é\n.\n" + "x" * 1500 + "\n"
    queue(smtp, recipient="Søren 安藤, 三奈", subject="¿Qué pasó? 日本", body=body)
    send(smtp)
    message = box.accepted[0]
    assert message["To"].addresses[0].display_name == "Søren 安藤, 三奈"
    assert message["Subject"] == "¿Qué pasó? 日本"
    assert message.get_content().replace("\r\n", "\n") == body


def test_a_limit_makes_batches(smtp: Runtime, box: Box) -> None:
    """With a limit of two, five letters leave in three batches, oldest first."""
    queue(smtp, 5)
    assert [send(smtp, 2).sent for _ in range(3)] == [2, 2, 1]
    assert [m["To"].addresses[0].username for m in box.accepted] == [f"ines{n}" for n in range(5)]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_later_means_waiting_longer_each_time(smtp: Runtime, box: Box, clock: FixedClock, verb: str) -> None:
    """A 4xx answer leaves the letter waiting; it is tried again after the pause, not before, and then arrives once."""
    queue(smtp)
    box.answers[verb] = "451 come back later"
    assert send(smtp).later == 1
    assert send(smtp).later == 0
    clock.move(timedelta(minutes=6))
    assert send(smtp).later == 1
    clock.move(timedelta(minutes=6))
    assert send(smtp).later == 0
    box.answers.clear()
    clock.move(timedelta(minutes=6))
    assert send(smtp).sent == 1
    assert list(box.ids.values()) == [1]


def test_later_for_ever_is_given_up(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """A server that always says later gets ten tries; then the letter is cancelled with what it said."""
    queue(smtp)
    box.answers["RCPT"] = "450 greylisted"
    for _ in range(12):
        send(smtp)
        clock.move(timedelta(hours=7))
    assert states(smtp) == ["cancelled"]
    assert "greylisted" in (rows(smtp)[0].reason or "")
    assert rows(smtp)[0].attempts == 10


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_cancels_one_letter_and_the_others_go(smtp: Runtime, box: Box, verb: str) -> None:
    """A 5xx answer ends one letter with the reason; the next letter uses the same connection and arrives."""
    queue(smtp, 2)
    calls: list[int] = []

    def second_time_fine() -> None:
        calls.append(1)
        box.answers[verb] = "550 no such user" if len(calls) == 1 else "250 OK"

    box.on[verb] = second_time_fine
    counts = send(smtp)
    assert (counts.refused, counts.sent) == (1, 1)
    assert states(smtp) == ["cancelled", "sent"]
    assert "550" in (rows(smtp)[0].reason or "")


@pytest.mark.parametrize(("said", "accepted"), [("drop before", 0), ("drop after", 1)])
def test_a_break_in_data_is_for_a_person(smtp: Runtime, box: Box, said: str, accepted: int) -> None:
    """If the talk breaks in DATA nobody knows; the letter is uncertain and never sent again by the machine."""
    queue(smtp)
    box.answers["DATA"] = said
    assert send(smtp).uncertain == 1
    box.answers.clear()
    assert send(smtp).sent == 0
    assert states(smtp) == ["uncertain"]
    assert len(box.accepted) == accepted


def test_without_a_server_letters_wait(smtp: Runtime) -> None:
    """If nobody listens, no letter is touched and the sentence says what to check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        elsewhere = replace(smtp, settings=smtp.settings.model_copy(update={"smtp_port": port}))
        queue(elsewhere)
        counts = send(elsewhere)
    assert "No letter was sent" in counts.notes[0]
    assert states(smtp) == ["waiting"]
    assert rows(smtp)[0].attempts == 0


def test_a_server_without_tls_is_refused_when_tls_is_asked(smtp: Runtime) -> None:
    """With STARTTLS on, a server that lacks it gets no letter in clear."""
    queue(smtp)
    safe = replace(smtp, settings=smtp.settings.model_copy(update={"smtp_starttls": True}))
    assert "STARTTLS" in send(safe).notes[0]
    assert states(smtp) == ["waiting"]


def test_two_senders_at_once_send_each_letter_once(smtp: Runtime, box: Box) -> None:
    """Four senders share twelve letters; each is accepted exactly once."""
    queue(smtp, 12)
    threads = [threading.Thread(target=send, args=(smtp,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states(smtp) == ["sent"] * 12
    assert sorted(box.ids.values()) == [1] * 12


@pytest.mark.parametrize("holder", ["elsewhere:1:ab", f"{socket.gethostname()}-0123456789:99999999:1:ab"])
def test_a_claim_of_another_machine_is_believed_for_a_while(
    smtp: Runtime, box: Box, clock: FixedClock, holder: str
) -> None:
    """A letter another machine or container is sending is left alone; after a quarter of an hour it is uncertain."""
    queue(smtp)
    with smtp.store.writing() as session:
        row = session.exec(select(OutboxMail)).one()
        row.state, row.claimed_by, row.transport = MailState.SENDING, holder, "smtp"
        row.claimed_at = clock.now()
        session.add(row)
    send(smtp)
    assert states(smtp) == ["sending"]
    clock.move(timedelta(minutes=16))
    assert send(smtp).uncertain == 1
    assert states(smtp) == ["uncertain"]
    assert box.accepted == []


def test_the_folder_holds_each_letter_once(runtime: Runtime) -> None:
    """Without SMTP letters are files named by their key, for their owner's eyes only; a second sending adds none."""
    queue(runtime, 2)
    assert send(runtime).sent == 2
    folder = runtime.settings.outgoing_mail
    assert sorted(p.name for p in folder.iterdir()) == ["letter-0.eml", "letter-1.eml"]
    assert (folder / "letter-0.eml").stat().st_mode & 0o077 == 0
    message = message_from_bytes((folder / "letter-0.eml").read_bytes(), policy=policy.default)
    assert message["Message-ID"] == rows(runtime)[0].message_id


def test_a_letter_that_is_not_wanted_any_more_is_cancelled(smtp: Runtime, box: Box) -> None:
    """The last look may stop a letter, or leave it waiting; links are filled in at that moment only."""
    queue(smtp, 3, body="see (link)")

    def look(_session: Session, row: OutboxMail) -> mail.Prepared | mail.Stop | mail.Wait:
        if row.key == "letter-0":
            return mail.Stop("A paper was verified.")
        return (
            mail.WAIT if row.key == "letter-1" else mail.Prepared("see https://x/secret", {"List-Unsubscribe": "<x>"})
        )

    counts = mail.send_waiting(smtp, KIND, look)
    assert (counts.cancelled, counts.sent) == (1, 1)
    assert states(smtp) == ["cancelled", "waiting", "sent"]
    assert "https://x/secret" in box.accepted[0].get_content()
    assert box.accepted[0]["List-Unsubscribe"] == "<x>"
    assert all("secret" not in row.body for row in rows(smtp))


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b@c.org", "x@example.org\nBcc: y@example.org", "<x@example.org>", "x@example.org, y@z.org"],
)
def test_addresses_that_cannot_work_are_refused(runtime: Runtime, address: str) -> None:
    """Nonsense, lists and header injection are refused when the letter is queued; nothing is stored."""
    with pytest.raises(RequestRefused):
        queue(runtime, email=address)
    assert rows(runtime) == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_or_subject_can_add_a_header(name: str, subject: str) -> None:
    """Whatever stands in a name or subject, the message has the headers we meant and no other."""
    row = OutboxMail(
        key="k", message_id="<a@b>", kind=KIND, recipient=mail.display_name(name), email="x@example.org", subject="",
        body="", state=MailState.WAITING, created_at=NOW,
    )  # fmt: skip
    try:
        row.subject = one_line(subject)
    except RequestRefused:
        return
    message = mail.compose(SETTINGS, row, mail.Prepared("hello"), now=CLOCK.now())
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert [a.addr_spec for a in read["To"].addresses] == ["x@example.org"]
    assert read.keys() == message.keys()
    assert read.get_content().strip() == "hello"


def test_a_person_decides_about_uncertain_letters(smtp: Runtime, box: Box) -> None:
    """Resend lets it wait again with the same Message-ID; give up cancels; a sent letter takes neither."""
    queue(smtp, 2)
    box.answers["DATA"] = "drop before"
    send(smtp)
    box.answers.clear()
    first, second = (row.id or 0 for row in rows(smtp))
    now = smtp.clock.now()
    with smtp.store.writing() as session:
        mail.resend(session, MACHINE, first, now=now)
        mail.give_up(session, MACHINE, second, now=now, reason="left the field")
    assert send(smtp).sent == 1
    assert states(smtp) == ["sent", "cancelled"]
    assert list(box.ids) == [rows(smtp)[0].message_id]
    with pytest.raises(RequestRefused, match="is sent"), smtp.store.writing() as session:
        mail.resend(session, MACHINE, first, now=now)
    with pytest.raises(NotFound), smtp.store.writing() as session:
        mail.give_up(session, MACHINE, 999, now=now)


def test_a_key_never_repeats(runtime: Runtime) -> None:
    """Queueing a letter a second time under its key adds none."""
    queue(runtime)
    queue(runtime)
    assert len(rows(runtime)) == 1
