"""Letters of a campaign: one per person, looked at once more as they go, reminders only where they are due."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.errors import RequestRefused, StartRefused
from biblio.jobs import run_job
from biblio.mail.bounces import WORKS, say, take_in
from biblio.mail.mailboxes import FolderMailbox
from biblio.runtime import Runtime
from biblio.store.models import Campaign, Invitation, MailBounce, OutboxMail
from biblio.store.words import MailState, Outcome
from survey.asking.rule import Ground
from survey.box.ballots import key_path
from survey.campaign.sending import preview, queue_batch, queue_reminders, send
from survey.campaign.service import create_campaign, discard, exclude, pause, resume
from survey.feature import check, feature
from survey.page.answering import opt_out
from tests.factories import accept, add_paper, add_project, add_user
from tests.mail.reports import report
from tests.mail.test_bounces import back
from tests.mailserver import smtp_server
from tests.survey.asking.test_due import standing
from tests.survey.people import (
    add_silent_projects,
    answer_all,
    letters_in,
    make_campaign,
    open_and_send,
    said,
    tokens_of,
)


def mails(runtime: Runtime) -> list[OutboxMail]:
    """Return the outbox in order."""
    with runtime.store.reading() as session:
        return list(session.exec(select(OutboxMail).order_by(col(OutboxMail.id))))


def project_of(session: Session, number: int) -> int:
    """Return the project of the campaign's n-th invitation."""
    return session.exec(select(Invitation.project_id).order_by(col(Invitation.id))).all()[number]


def test_one_person_gets_one_letter_with_one_link_each(runtime: Runtime) -> None:
    """Six projects of two persons: two letters, three codes and three different links in each."""
    campaign = make_campaign(runtime, projects=6, per_person=3)
    assert open_and_send(runtime, campaign) == 2
    links = []
    for letter in letters_in(runtime.settings.outgoing_mail):
        body = letter.get_content()
        assert len(re.findall(r"2016\.1\.\d{5}\.S", body)) == 3
        found = re.findall(r"/survey/([A-Za-z0-9_-]{32})\r?$", body, re.MULTILINE)
        assert len(found) == 3
        links += found
    assert sorted(links) == sorted(tokens_of(runtime, campaign))


def test_a_draft_sends_nothing_and_can_be_discarded(runtime: Runtime) -> None:
    """A draft leaves no letter; discarded, its projects are due again and its key is destroyed."""
    campaign = make_campaign(runtime)
    assert send(runtime).sent == 0
    with runtime.store.writing() as session:
        discard(session, runtime, MACHINE, campaign)
    assert not key_path(runtime.settings.survey_keys, campaign).exists()
    assert standing(runtime, "2016.1.00000.S") is None
    with pytest.raises(RequestRefused), runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)


def test_a_campaign_that_is_rolled_back_leaves_no_key(runtime: Runtime) -> None:
    """If making a campaign fails after the key was written, the key is gone again and the next campaign works."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 3)
    with pytest.raises(RuntimeError), runtime.store.writing() as session:
        made = create_campaign(session, runtime, MACHINE, name="never")
        assert key_path(runtime.settings.survey_keys, made.campaign_id).exists()
        raise RuntimeError
    assert list(runtime.settings.survey_keys.iterdir()) == []
    with runtime.store.writing() as session:
        made = create_campaign(session, runtime, MACHINE, name="then")
    assert key_path(runtime.settings.survey_keys, made.campaign_id).exists()


def test_names_are_taken_once_and_nobody_due_makes_no_campaign(runtime: Runtime) -> None:
    """A second campaign of the same name, an empty name, or one without anybody to ask is refused."""
    with pytest.raises(RequestRefused, match="No project is due"), runtime.store.writing() as session:
        create_campaign(session, runtime, MACHINE, name="early")
    make_campaign(runtime, name="autumn")
    for name in ("autumn", " autumn ", "", "x" * 101):
        with pytest.raises(RequestRefused), runtime.store.writing() as session:
            add_silent_projects(session, 1, start=50)
            create_campaign(session, runtime, MACHINE, name=name)


def test_an_address_no_letter_can_reach_is_left_out_and_named(runtime: Runtime) -> None:
    """A project whose address has the right shape but cannot work is not invited; it stays to be asked later."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
        add_project(session, "2016.1.00900.S", pi_email="ines@-x.example.org")
        made = create_campaign(session, runtime, MACHINE, name="autumn")
    assert (made.projects, made.unreachable) == (2, ("2016.1.00900.S",))


def test_batches_go_on_where_the_last_one_ended(runtime: Runtime) -> None:
    """Three batches of two persons write to five persons once each."""
    campaign = make_campaign(runtime, projects=5)
    assert [open_and_send(runtime, campaign, batch=2) for _ in range(4)] == [2, 2, 1, 0]
    assert len({m.email for m in mails(runtime)}) == 5


@pytest.mark.parametrize("what", ["paper", "opt out", "excluded"])
def test_what_happens_between_queueing_and_sending_stops_the_letter(runtime: Runtime, what: str) -> None:
    """A paper verified, an opt-out or an exclusion meanwhile: the letter is cancelled and its project was not asked."""
    campaign = make_campaign(runtime, projects=2)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)
    with runtime.store.writing() as session:
        actor = add_user(session)
        if what == "paper":
            accept(session, actor, add_paper(session), project_of(session, 0))
        elif what == "opt out":
            opt_out(session, runtime, tokens_of(runtime, campaign)[0])
        else:
            exclude(session, runtime, actor, "2016.1.00000.S", "has moved on")
    counts = send(runtime)
    assert (counts.cancelled, counts.sent) == (1, 1)
    first = mails(runtime)[0]
    assert first.state is MailState.CANCELLED
    assert first.reason
    with runtime.store.reading() as session:
        invitation = session.exec(select(Invitation).order_by(col(Invitation.id))).first()
        assert invitation is not None
        assert invitation.withdrawn_reason == first.reason
    ground = {"paper": Ground.NOT_SILENT, "opt out": Ground.OPTED_OUT, "excluded": Ground.EXCLUDED}[what]
    assert standing(runtime, "2016.1.00000.S") is ground


def test_a_letter_leaves_out_the_project_that_published(runtime: Runtime) -> None:
    """Of three projects of one person one publishes meanwhile: the letter goes with the links of the other two."""
    campaign = make_campaign(runtime, projects=3, per_person=3)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)
        accept(session, add_user(session), add_paper(session), project_of(session, 1))
    assert send(runtime).sent == 1
    body = letters_in(runtime.settings.outgoing_mail)[0].get_content()
    assert re.findall(r"2016\.1\.\d{5}\.S", body) == ["2016.1.00000.S", "2016.1.00002.S"]


def test_a_paused_campaign_sends_nothing_until_resumed(runtime: Runtime) -> None:
    """Letters that were queued wait while the campaign is paused, and go when it goes on."""
    campaign = make_campaign(runtime)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)
        pause(session, runtime, MACHINE, campaign)
    assert send(runtime).sent == 0
    assert {m.state for m in mails(runtime)} == {MailState.WAITING}
    with runtime.store.writing() as session:
        resume(session, runtime, MACHINE, campaign)
    assert send(runtime).sent == 6


def test_reminders_go_to_unused_links_once_per_turn(runtime: Runtime, clock: FixedClock) -> None:
    """After 14 and 28 days those who have not answered are reminded, each once; who answered or opted out is not."""
    campaign = make_campaign(runtime, projects=6)
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    job = feature.jobs[0]

    def reminders() -> int:
        row = run_job(runtime, job)
        assert row.outcome is Outcome.SUCCEEDED
        return len([m for m in mails(runtime) if m.kind == "survey-reminder" and m.state is MailState.SENT])

    clock.move(timedelta(days=13))
    assert reminders() == 0
    answer_all(runtime, tokens[:2], [said(3), said(4)])
    clock.move(timedelta(days=1))
    assert reminders() == 4
    clock.move(timedelta(days=1))
    assert reminders() == 4
    with runtime.store.writing() as session:
        opt_out(session, runtime, tokens[2])
    clock.move(timedelta(days=13))
    assert reminders() == 4 + 3
    clock.move(timedelta(days=7))
    assert reminders() == 7
    body = letters_in(runtime.settings.outgoing_mail)[-1].get_content()
    assert any(token in body for token in tokens[3:])


def test_the_job_closes_an_overdue_campaign_and_says_so(runtime: Runtime, clock: FixedClock) -> None:
    """After the last day the job opens the box; the run's row holds the sentence."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), [said(3)] * 6)
    clock.move(timedelta(weeks=7))
    row = run_job(runtime, feature.jobs[0])
    assert row.counts["boxes_opened"] == 1
    assert "6 ballots were opened" in row.counts["notes"][0]
    with runtime.store.reading() as session:
        assert session.get_one(Campaign, campaign).ballots_read == 6


def test_letters_by_smtp_hold_what_the_folder_holds(runtime: Runtime) -> None:
    """Sent to a real server, the letters carry links, Message-IDs and the one-click header."""
    campaign = make_campaign(runtime, projects=4)
    with smtp_server() as box:
        change = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_starttls": False}
        smtp = replace(runtime, settings=runtime.settings.model_copy(update=change))
        assert open_and_send(smtp, campaign) == 4
    assert Counter(box.ids.values()) == {1: 4}
    token = tokens_of(runtime, campaign)[0]
    assert f"/survey/{token}" in box.accepted[0].get_content()
    assert box.accepted[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"/survey/{token}/unsubscribe" in box.accepted[0]["List-Unsubscribe"]


def test_a_new_server_secret_makes_no_dead_links(runtime: Runtime) -> None:
    """If the secret is renewed between making the campaign and sending, the links in the letters still work."""
    campaign = make_campaign(runtime)
    renewed = replace(
        runtime,
        settings=runtime.settings.model_copy(update={"secret_key": SecretStr("another secret of 32 characters!")}),
    )
    assert open_and_send(renewed, campaign) == 6
    answer_all(renewed, tokens_of(renewed, campaign), [said(2)] * 6)


def test_what_is_not_in_order_is_said_at_start(runtime: Runtime) -> None:
    """A missing key of an open campaign gives a sentence; in order there is none."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    assert list(check(runtime)) == []
    key_path(runtime.settings.survey_keys, campaign).unlink()
    (told,) = check(runtime)
    assert "put it back" in told


def test_without_the_key_of_opt_outs_nothing_is_sent(runtime: Runtime) -> None:
    """If those who opted out cannot be recognised, no letter leaves, and a sentence says which file to put back."""
    campaign = make_campaign(runtime, projects=2)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)
        opt_out(session, runtime, tokens_of(runtime, campaign)[0])
    runtime.settings.opt_out_key_file.write_text("0" * 64, encoding="ascii")
    with pytest.raises(StartRefused, match="put the old file back"):
        send(runtime)
    assert {m.state for m in mails(runtime)} == {MailState.WAITING}
    assert any("put the old file back" in sentence for sentence in check(runtime))


def test_the_outbox_holds_no_text_project_or_link(runtime: Runtime) -> None:
    """Before and after sending a row says which letter to whom: no code, title, token or text stands in it."""
    campaign = make_campaign(runtime, projects=4, per_person=2)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)
    waiting = mails(runtime)
    assert send(runtime).sent == 2
    for row in (*waiting, *mails(runtime)):
        written = str(row.model_dump())
        assert row.body == ""
        for part in ("2016.1.", "Fictional discs", "/survey/", "http", "Dear"):
            assert part not in written
        assert row.subject.startswith("ALMA")
    tokens = tokens_of(runtime, campaign)
    assert not any(token in str(row.model_dump()) for token in tokens for row in mails(runtime))


def test_a_preview_shows_the_letter_without_its_links(runtime: Runtime) -> None:
    """The text as it would leave, "(link)" in place of each link; looking changes nothing and makes no link."""
    campaign = make_campaign(runtime, projects=2, per_person=2)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)
    with runtime.store.reading() as session:
        subject, body = preview(session, runtime, mails(runtime)[0])
    assert subject == mails(runtime)[0].subject
    assert re.findall(r"2016\.1\.\d{5}\.S", body) == ["2016.1.00000.S", "2016.1.00001.S"]
    assert body.count("(link)") == 3
    assert not any(token in body for token in tokens_of(runtime, campaign))
    send(runtime)
    (letter,) = letters_in(runtime.settings.outgoing_mail)
    sent = re.sub(r"http\S+/survey/[A-Za-z0-9_-]{32}(?:/stop)?", "(link)", letter.get_content().replace("\r\n", "\n"))
    assert sent == body


def test_one_person_is_one_address_however_it_is_spelt(runtime: Runtime) -> None:
    """Two projects of one address in capital and small letters: one letter, and one reminder."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S", pi="Person, Ines", pi_email="Ines.Person@example.org")
        add_project(session, "2016.1.00002.S", pi="Person, Ines", pi_email="ines.person@EXAMPLE.org")
        campaign = create_campaign(session, runtime, MACHINE, name="autumn").campaign_id
    assert open_and_send(runtime, campaign) == 1
    (letter,) = letters_in(runtime.settings.outgoing_mail)
    assert len(set(re.findall(r"/survey/([A-Za-z0-9_-]{32})\r?$", letter.get_content(), re.MULTILINE))) == 2
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(days=15))
    with runtime.store.writing() as session:
        assert queue_reminders(session, runtime, campaign) == 1
        assert queue_reminders(session, runtime, campaign) == 0


def came_back(runtime: Runtime, number: int, folder: Path) -> None:
    """Let the campaign's n-th letter come back for good."""
    folder.mkdir()
    row = mails(runtime)[number]
    (folder / "a.eml").write_bytes(back(report(), row.message_id, row.email))
    assert take_in(runtime, FolderMailbox(folder)).hard == 1


def test_no_reminder_goes_to_an_address_that_does_not_work(runtime: Runtime, tmp_path: Path) -> None:
    """Whose letter came back is not reminded; once a librarian says that the address works, the next turn is sent."""
    campaign = make_campaign(runtime, projects=3)
    open_and_send(runtime, campaign)
    came_back(runtime, 0, tmp_path / "returned")
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(days=15))
    with runtime.store.writing() as session:
        assert queue_reminders(session, runtime, campaign) == 2
    runtime.clock.move(timedelta(days=14))
    with runtime.store.writing() as session:
        bounce = session.exec(select(MailBounce.id)).one()
        say(session, add_user(session), bounce or 0, WORKS, now=runtime.clock.now())
        assert queue_reminders(session, runtime, campaign) == 3


def test_a_letter_to_a_dead_or_unwilling_address_takes_its_invitations_back(runtime: Runtime, tmp_path: Path) -> None:
    """The registry has a new address, the letter the old one that came back or opted out: it stays, and was no asking."""
    campaign = make_campaign(runtime, projects=2)
    open_and_send(runtime, campaign, batch=1)
    came_back(runtime, 0, tmp_path / "returned")
    with runtime.store.writing() as session:
        for number, invitation in enumerate(session.exec(select(Invitation).order_by(col(Invitation.id)))):
            if number == 1:
                invitation.email = "Person0@example.org"
            session.add(invitation)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)
    assert send(runtime).cancelled == 1
    last = mails(runtime)[-1]
    assert "came back on 2026-11-22" in (last.reason or "")
    assert "person0" not in (last.reason or "").lower()
    with runtime.store.reading() as session:
        second = session.exec(select(Invitation).order_by(col(Invitation.id))).all()[1]
        assert second.withdrawn_reason == last.reason
    assert standing(runtime, "2016.1.00001.S") is None


@pytest.mark.parametrize("name", ["Person\r\nBcc: x@example.org, Ines", "Ines\x07\x1b[31m", "{stop_url}", "x" * 500])
def test_a_name_or_title_adds_no_header(runtime: Runtime, name: str) -> None:
    """Whatever the registry has for a name or title, the letter has the headers we meant, and leaves."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S", pi=name, pi_email="ines@example.org", title=f"Discs\r\n\r\n{name}")
        campaign = create_campaign(session, runtime, MACHINE, name="autumn").campaign_id
    assert open_and_send(runtime, campaign) == 1
    (letter,) = letters_in(runtime.settings.outgoing_mail)
    assert letter["Bcc"] is None
    assert [a.addr_spec for a in letter["To"].addresses] == ["ines@example.org"]
    assert set(letter.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip


def test_a_letter_says_how_to_say_no(runtime: Runtime) -> None:
    """Each letter tells where one says "not the right person", where publications are told, and what is stored."""
    campaign = make_campaign(runtime, projects=1)
    open_and_send(runtime, campaign)
    (token,) = tokens_of(runtime, campaign)
    body = letters_in(runtime.settings.outgoing_mail)[0].get_content()
    for part in ("not the right person", f"/survey/{token}/stop", "/survey/anonymity", "8000/publication"):
        assert part in body


def test_two_drafts_made_at_once_share_nobody(runtime: Runtime) -> None:
    """The second draft sees whom the first lists, however close they are made: no project stands on two lists."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 4)
    refusals: list[str] = []

    def second() -> None:
        try:
            with runtime.store.writing() as session:
                create_campaign(session, runtime, MACHINE, name="second")
        except RequestRefused as error:
            refusals.append(str(error))

    waiting = threading.Thread(target=second)
    with runtime.store.writing() as session:
        create_campaign(session, runtime, MACHINE, name="first")
        waiting.start()
        waiting.join(0.2)
    waiting.join(20)
    assert refusals
    assert refusals[0].startswith("No project is due")
    with runtime.store.reading() as session:
        assert len(session.exec(select(Invitation.project_id)).all()) == 4
