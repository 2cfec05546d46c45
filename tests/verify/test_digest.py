"""The daily mail: what waits for whom, once per person and day, to those who asked for it, through a real mail server."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import Session, col, select
from structlog.testing import capture_logs

from biblio.clock import FixedClock
from biblio.errors import JobRunning
from biblio.jobs import run_job
from biblio.mail import outbox
from biblio.runtime import Runtime
from biblio.store.models import (
    AuditEntry,
    Claim,
    Contact,
    DeskItem,
    Escalation,
    OutboxMail,
    PaperRevision,
    UserAccount,
)
from biblio.store.words import Band, ContactFault, ContactState, MailState, Outcome, Role, Trigger
from biblio.verify.digest import DIGEST, KIND
from biblio.web import create_app
from tests.factories import add_paper, add_user
from tests.mailserver import Box
from tests.web.visitors import Visitor, logged_in


def reader(
    session: Session, name: str, role: Role = Role.LIBRARIAN, *, wants: bool = True, library: str = "ESO"
) -> int:
    """Add somebody with an address who wants the mail (or does not); return their number."""
    user_id = add_user(session, name, role, library).person_id()
    account = session.get_one(UserAccount, user_id)
    account.email, account.wants_digest = f"{name}@example.org", wants
    return user_id


def waiting(session: Session, runtime: Runtime, title: str, **facts: object) -> int:
    """Put a paper into the queue; return its number."""
    paper = add_paper(session, title)
    values = {"why": "first", "waiting_since": runtime.clock.now(), "library": "ESO", "band": Band.LIKELY, **facts}
    session.add(DeskItem(paper_id=paper, **values))
    session.flush()
    return paper


def sent_to(box: Box, name: str) -> list[str]:
    """Return the texts of the mails that a person got."""
    mails = [m for m in box.accepted if f"{name}@example.org" in str(m["To"])]
    return [m.get_content().replace("\r\n", "\n") for m in mails]


def test_each_person_is_told_what_waits_for_them(smtp: Runtime, box: Box) -> None:
    """Their library's view, new certain ones, what goes to press, what was handed over, escalated, answered."""
    now = smtp.clock.now()
    with smtp.store.writing() as session:
        vera, hiro = reader(session, "vera"), reader(session, "hiro", Role.HEAD_LIBRARIAN, library="NAOJ")
        waiting(session, smtp, "Old and likely", waiting_since=now - timedelta(days=3))
        certain = waiting(session, smtp, "Certain since tonight", band=Band.CERTAIN)
        waiting(session, smtp, "Certain for long", band=Band.CERTAIN, waiting_since=now - timedelta(days=3))
        press = waiting(session, smtp, "Soon in print", press_on=now.date() + timedelta(days=3), is_at_press=True)
        waiting(session, smtp, "In print next year", press_on=now.date() + timedelta(days=300), is_at_press=True)
        other = waiting(session, smtp, "Theirs", library="NAOJ")
        waiting(session, smtp, "Not in the queue", is_shown=False)
        session.add(
            Claim(paper_id=press, holder_id=vera, given_by_id=hiro, claimed_at=now, until=now + timedelta(days=7))
        )
        session.add(Escalation(paper_id=other, raised_by_id=vera, raised_at=now))
        session.add(
            Contact(
                paper_id=certain,
                fault=ContactFault.NO_CODE,
                recipient="A",
                email="a@example.org",
                email_from="paper",
                subject="x",
                body="THE LETTER ITSELF",
                state=ContactState.ANSWERED,
                made_at=now,
                made_by_id=vera,
            )
        )
    assert run_job(smtp, DIGEST).counts == {"queued": 2, "sent": 2}
    (to_vera,), (to_hiro,) = sent_to(box, "vera"), sent_to(box, "hiro")
    base = smtp.settings.base_url
    assert f"5 papers wait in the view of ESO:\n{base}/desk?library=ESO\n" in to_vera
    assert f"1 certain, new\n--------------\n* Certain since tonight\n  {base}/desk/paper/{certain}\n" in to_vera
    assert "1 expected in print within 14 days" in to_vera
    assert "1 handed to you" in to_vera
    assert "1 with an answer to your letter" in to_vera
    assert "Certain for long" not in to_vera
    assert "head librarian" not in to_vera
    assert "LETTER ITSELF" not in to_vera
    assert f"{base}/account" in to_vera
    assert "1 paper waits in the view of NAOJ" in to_hiro
    assert "1 for the head librarian to settle" in to_hiro
    assert str(box.accepted[0]["Subject"]) == "ALMA bibliography, 2026-11-22: 5 papers wait"


def test_only_those_who_asked_and_work_at_the_desk_get_one(smtp: Runtime, box: Box) -> None:
    """Off by default; not for managers, people who left, or without an address; and none where nothing waits."""
    with smtp.store.writing() as session:
        reader(session, "off", wants=False)
        reader(session, "maya", Role.MANAGER)
        gone = reader(session, "gone")
        session.get_one(UserAccount, gone).is_active = False
        silent = reader(session, "silent")
        session.get_one(UserAccount, silent).email = None
        reader(session, "idle", library="NRAO")
        waiting(session, smtp, "For ESO")
    assert run_job(smtp, DIGEST).counts == {"nothing waits": 1}
    assert box.accepted == []


def test_a_mail_goes_out_once_a_day_however_often_it_is_run(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """By hand, by the schedule and again; the next day there is one more, and what it calls new is new since then."""
    with smtp.store.writing() as session:
        reader(session, "vera")
        waiting(session, smtp, "First", band=Band.CERTAIN)
    run_job(smtp, DIGEST)
    run_job(smtp, DIGEST, started_by=Trigger.SCHEDULE)
    assert run_job(smtp, DIGEST).counts == {"there already": 1}
    with pytest.raises(JobRunning):
        run_job(smtp, DIGEST, started_by=Trigger.SCHEDULE)
    assert len(box.accepted) == 1
    clock.move(timedelta(days=1))
    with smtp.store.writing() as session:
        waiting(session, smtp, "Second", band=Band.CERTAIN)
    run_job(smtp, DIGEST, started_by=Trigger.SCHEDULE)
    _, second = sent_to(box, "vera")
    assert "* Second" in second
    assert "* First" not in second


def test_what_a_mail_told_that_never_left_is_new_the_next_day(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """The server was down for two days: the mail of the third tells all that came since the last one that arrived."""
    with smtp.store.writing() as session:
        reader(session, "vera")
        waiting(session, smtp, "Zeroth", band=Band.CERTAIN)
    run_job(smtp, DIGEST)
    box.answers["MAIL"] = "451 later"
    for title in ("First", "Second"):
        clock.move(timedelta(hours=23))
        with smtp.store.writing() as session:
            waiting(session, smtp, title, band=Band.CERTAIN)
        clock.move(timedelta(hours=1))
        run_job(smtp, DIGEST)
    box.answers.clear()
    clock.move(timedelta(days=1))
    run_job(smtp, DIGEST)
    _, told = sent_to(box, "vera")
    assert "2 certain, new" in told
    assert "* First" in told
    assert "* Zeroth" not in told


def test_two_schedulers_at_once_send_one(smtp: Runtime, box: Box) -> None:
    """One of them runs, or both see that it is there; each person has one mail."""
    with smtp.store.writing() as session:
        for name in ("vera", "hiro", "lena"):
            reader(session, name)
        waiting(session, smtp, "Something")
    refused: list[str] = []

    def schedule() -> None:
        try:
            run_job(smtp, DIGEST, started_by=Trigger.SCHEDULE)
        except JobRunning as error:
            refused.append(str(error))

    threads = [threading.Thread(target=schedule) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(m["To"]) for m in box.accepted) == sorted({str(m["To"]) for m in box.accepted})
    assert len(box.accepted) == 3
    assert len(refused) == 1


@pytest.mark.parametrize("step", ["compose", "ACCEPTED"], ids=["before it left", "after it was accepted"])
def test_a_kill_never_doubles_a_mail(smtp: Runtime, box: Box, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Killed before it left, the mail leaves with the next run; after the server had it, it is not sent again."""
    with smtp.store.writing() as session:
        reader(session, "vera")
        waiting(session, smtp, "Something")

    def kill(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        if step == "compose":
            broken.setattr("biblio.mail.sender.compose", kill)
        else:
            broken.setattr("biblio.mail.sender._finish", kill)
        with pytest.raises(KeyboardInterrupt):
            run_job(smtp, DIGEST)
    run_job(smtp, DIGEST)
    run_job(smtp, DIGEST)
    assert len(box.accepted) == 1


def test_a_mail_that_is_no_longer_wanted_stays(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """The server was down; meanwhile one person switched it off, and another day came: neither mail leaves."""
    box.answers["MAIL"] = "451 later"
    with smtp.store.writing() as session:
        vera = reader(session, "vera")
        reader(session, "hiro")
        waiting(session, smtp, "Something")
    run_job(smtp, DIGEST)
    box.answers.clear()
    clock.move(timedelta(hours=1))
    with smtp.store.writing() as session:
        session.get_one(UserAccount, vera).wants_digest = False
    assert run_job(smtp, DIGEST).counts == {"there already": 1, "cancelled": 1, "sent": 1}
    assert sent_to(box, "vera") == []
    assert len(sent_to(box, "hiro")) == 1


def test_yesterdays_mail_gives_way_to_todays(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """What could not be sent for a day is cancelled; today's says what waits now."""
    box.answers["MAIL"] = "451 later"
    with smtp.store.writing() as session:
        reader(session, "vera")
        waiting(session, smtp, "Something")
    run_job(smtp, DIGEST)
    box.answers.clear()
    clock.move(timedelta(days=1))
    assert run_job(smtp, DIGEST).counts == {"queued": 1, "cancelled": 1, "sent": 1}
    with smtp.store.reading() as session:
        states = list(session.exec(select(OutboxMail.state).where(col(OutboxMail.kind) == KIND)))
    assert sorted(states) == [MailState.CANCELLED, MailState.SENT]


def test_hostile_titles_are_one_line_of_text(smtp: Runtime, box: Box) -> None:
    """Line ends, right-to-left marks, mark-up and 10,000 characters make one short line; no header, no second mail."""
    title = "A\r\n.\r\nBcc: x@example.org\r\n\u202e<script>" + "x" * 10_000
    with smtp.store.writing() as session:
        reader(session, "vera")
        paper = waiting(session, smtp, "x", band=Band.CERTAIN)
        revision = session.exec(select(PaperRevision).where(col(PaperRevision.paper_id) == paper)).one()
        revision.title = title
    run_job(smtp, DIGEST)
    (text,) = sent_to(box, "vera")
    (line,) = [line for line in text.splitlines() if line.startswith("* A")]
    assert "Bcc: x@example.org" in line
    assert len(line) < 120
    assert "\u202e" not in text
    assert box.accepted[0]["Bcc"] is None


def test_no_address_is_logged(smtp: Runtime, box: Box) -> None:
    """Neither when mails leave nor when an address cannot be used, which is said by the user's number."""
    with smtp.store.writing() as session:
        reader(session, "vera")
        bad = reader(session, "bad")
        session.get_one(UserAccount, bad).email = "no address at all"
        waiting(session, smtp, "Something")
    with capture_logs() as logs:
        run = run_job(smtp, DIGEST)
    assert run.outcome is Outcome.SUCCEEDED
    assert run.counts["no usable address"] == 1
    said = f"{logs} {run.counts} {run.error}"
    assert "@" not in said
    assert "no address at all" not in said
    assert len(box.accepted) == 1


# -- one's own page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with every feature."""
    return create_app(runtime)


def _wants(runtime: Runtime) -> bool:
    with runtime.store.reading() as session:
        return session.exec(select(UserAccount.wants_digest)).one()


def test_a_person_switches_it_on_and_off(app: Flask, runtime: Runtime) -> None:
    """Off by default; saved with an audit entry; undo takes it back; without an address it is told what to do."""
    visitor: Visitor = logged_in(app, runtime, Role.LIBRARIAN)
    assert "There is no e-mail address in your account" in visitor.get("/account").get_data(as_text=True)
    refused = visitor.post("/account/digest", {"wanted": "y"}, form_on="/account", follow_redirects=True)
    assert "ask an admin" in refused.get_data(as_text=True)
    assert not _wants(runtime)
    with runtime.store.writing() as session:
        session.exec(select(UserAccount)).one().email = "vera@example.org"
    page = visitor.post("/account/digest", {"wanted": "y"}, form_on="/account", follow_redirects=True)
    assert "A mail tells you each morning" in page.get_data(as_text=True)
    assert _wants(runtime)
    with runtime.store.reading() as session:
        noted = session.exec(select(AuditEntry).where(col(AuditEntry.action) == "account.digest")).one()
    assert noted.details == {"wanted": True}
    visitor.post("/account/digest", form_on="/account")
    assert not _wants(runtime)
    visitor.post("/account/digest?wanted=y", form_on="/account")
    assert _wants(runtime)


def test_who_has_no_desk_is_not_asked(app: Flask, runtime: Runtime) -> None:
    """A manager's page does not offer the mail."""
    visitor = logged_in(app, runtime, Role.MANAGER)
    assert "Daily mail" not in visitor.get("/account").get_data(as_text=True)


def test_the_outbox_keeps_one_row_per_person_and_day(runtime: Runtime) -> None:
    """The key that the job uses is refused a second time by the outbox itself."""
    letter = outbox.Letter("digest-1-2026-11-22", KIND, "V", "vera@example.org", "s", "b")
    with runtime.store.writing() as session:
        first = outbox.queue(session, runtime.settings, letter, now=runtime.clock.now())
        assert outbox.queue(session, runtime.settings, letter, now=runtime.clock.now()).id == first.id
