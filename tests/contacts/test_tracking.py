"""What became of letters: left, refused, mended in a version or in the article, ended without."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.texts import Reading, SeenMention, store_reading
from biblio.clock import FixedClock
from biblio.contacts.feature import feature
from biblio.jobs import run_job
from biblio.mail import give_up
from biblio.mail.bounces import take_in
from biblio.mail.mailboxes import FolderMailbox
from biblio.runtime import Runtime
from biblio.store.models import Contact, ContactCase, ContactEvent, JobRun, OutboxMail
from biblio.store.words import ContactState, MailState, Outcome
from matching.codes import Mention
from tests.contacts.preprints import CODE, add_preprint, read, set_version
from tests.contacts.test_service import leave, put


def run(runtime: Runtime) -> JobRun:
    """Run the job."""
    row = run_job(runtime, feature.jobs[0])
    assert row.outcome is Outcome.SUCCEEDED, row.error
    return row


def contact(runtime: Runtime, contact_id: int) -> Contact:
    """A contact as it is now."""
    with runtime.store.reading() as session:
        return session.get_one(Contact, contact_id)


def later(runtime: Runtime, **span: int) -> None:
    """Let time pass."""
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(**span))


@pytest.fixture
def sent(runtime: Runtime, librarian: Actor, preprint: int) -> int:
    """A letter that left, about version 1."""
    contact_id = put(runtime, librarian, preprint)
    leave(runtime)
    return contact_id


def test_the_next_version_has_it(runtime: Runtime, preprint: int, sent: int) -> None:
    """v2 is read with statement and code: mended in v2, with the quote; the list has it no more."""
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
    run(runtime)
    assert contact(runtime, sent).state is ContactState.SENT
    with runtime.store.writing() as session:
        read(session, preprint, version=2, code=CODE)
    run(runtime)
    row = contact(runtime, sent)
    assert (row.state, row.mended_in) == (ContactState.MENDED, "v2")
    assert row.ended_at is not None
    with runtime.store.reading() as session:
        event = session.exec(select(ContactEvent).order_by(col(ContactEvent.id).desc())).first()
        assert event is not None
        assert event.actor_id is None
        assert event.details["version"] == "2610.00001v2"
        assert event.details["quote"]["mark"] == CODE
        assert session.get_one(ContactCase, preprint).standing == "in_order"


def test_a_version_that_still_lacks_it_is_noted_once(runtime: Runtime, preprint: int, sent: int) -> None:
    """v2 has the statement but no code: the letter stays open, and its history says what v2 says, once."""
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
        read(session, preprint, version=2, statement=True)
    run(runtime)
    run(runtime)
    assert contact(runtime, sent).state is ContactState.SENT
    with runtime.store.reading() as session:
        words = session.exec(select(ContactEvent.words).where(col(ContactEvent.words).startswith("Looked at"))).all()
    assert words == ["Looked at 2610.00001v2: It states that our data were used, but names no project code."]


def test_the_article_has_it(runtime: Runtime, preprint: int, sent: int) -> None:
    """ADS shows a passage of the article's acknowledgements with the code: mended in the article."""
    printed = f"ADS/JAO.ALMA#{CODE}"
    mention = Mention(13, 13 + len(CODE), CODE, CODE, True, True, (), "acknowledgement", True)
    with runtime.store.writing() as session:
        set_version(
            session, preprint, 1, journal="ApJ", kind="article", is_refereed=True, published_on=date(2026, 11, 20)
        )
        passage = SeenMention("ack", None, mention, printed, 0)
        store_reading(
            session,
            Reading(preprint, "snippet", "the record", sha256="s", mentions=(passage,)),
            now=runtime.clock.now(),
        )
    run(runtime)
    row = contact(runtime, sent)
    assert (row.state, row.mended_in) == (ContactState.MENDED, "the article in ApJ")


def test_an_article_without_it_ends_the_letter_after_a_while(runtime: Runtime, preprint: int, sent: int) -> None:
    """The article appears and nothing is read that has it: after two months the letter ends, not mended."""
    with runtime.store.writing() as session:
        set_version(
            session, preprint, 1, journal="ApJ", kind="article", is_refereed=True, published_on=date(2026, 12, 1)
        )
    later(runtime, days=30)
    run(runtime)
    assert contact(runtime, sent).state is ContactState.SENT
    later(runtime, days=60)
    run(runtime)
    row = contact(runtime, sent)
    assert (row.state, row.mended_in) == (ContactState.ENDED, None)


def test_a_withdrawn_preprint_ends_the_letter(runtime: Runtime, preprint: int, sent: int) -> None:
    """There is nothing to mend any more."""
    with runtime.store.writing() as session:
        set_version(session, preprint, 1, is_withdrawn=True)
    run(runtime)
    assert contact(runtime, sent).state is ContactState.ENDED


def test_a_preprint_that_nobody_prints_ends_the_letter(runtime: Runtime, sent: int) -> None:
    """No article for as long as a preprint counts: the letter does not keep its author from others for ever."""
    later(runtime, days=700)
    run(runtime)
    assert contact(runtime, sent).state is ContactState.SENT
    later(runtime, days=60)
    run(runtime)
    assert contact(runtime, sent).state is ContactState.ENDED


def test_better_reading_of_the_same_version_is_no_mending(runtime: Runtime, preprint: int, sent: int) -> None:
    """Version 1 is read anew and has the code after all: the letter was a mistake, and is not counted as mended."""
    with runtime.store.writing() as session:
        read(session, preprint, version=1, code=CODE)
    run(runtime)
    assert contact(runtime, sent).state is ContactState.ENDED


def test_a_server_that_refuses_is_a_bounce(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """The outbox gave the letter up after the server's answer: bounced, with its reason."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        mail = session.exec(select(OutboxMail)).one()
        mail.state, mail.attempts, mail.reason = MailState.CANCELLED, 1, "550 no such user"
        session.add(mail)
    run(runtime)
    row = contact(runtime, contact_id)
    assert row.state is ContactState.BOUNCED
    assert row.ended_at is not None


def test_a_letter_that_came_back_ends(runtime: Runtime, sent: int, tmp_path: Path) -> None:
    """A report that the address does not work ends the letter as one that came back, with the day, and no address."""
    with runtime.store.reading() as session:
        mail = session.exec(select(OutboxMail)).one()
    folder = tmp_path / "returned"
    folder.mkdir()
    (folder / "a.eml").write_bytes(
        f"From: MAILER-DAEMON@x.org\nX-Failed-Recipients: {mail.email}\n\n550 5.1.1 no\n{mail.message_id}\n".encode()
    )
    assert take_in(runtime, FolderMailbox(folder)).hard == 1
    run(runtime)
    assert contact(runtime, sent).state is ContactState.BOUNCED
    with runtime.store.reading() as session:
        words = session.exec(select(ContactEvent.words).order_by(col(ContactEvent.id).desc())).first()
    assert words == f"The letter came back on {runtime.clock.today()}: the address does not work."


def test_an_uncertain_letter_waits_for_a_person(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """It stays open as it is; given up in the mail queue it ends, and counts as one that may have arrived."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        mail = session.exec(select(OutboxMail)).one()
        mail.state, mail.attempts = MailState.UNCERTAIN, 1
        session.add(mail)
    run(runtime)
    assert contact(runtime, contact_id).state is ContactState.PREPARED
    with runtime.store.writing() as session:
        give_up(session, librarian, session.exec(select(OutboxMail.id)).one() or 0, now=runtime.clock.now())
    run(runtime)
    assert contact(runtime, contact_id).state is ContactState.ENDED


def test_the_list_holds_what_qualifies(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Judged science is on it, an article and an old preprint are not; rows leave when things change."""
    with runtime.store.writing() as session:
        old = add_preprint(session, arxiv="2401.00001", code="2016.1.00002.S", judged_by=librarian)
        set_version(session, old, 1, preprint_on=date(2023, 1, 1))
        unread = add_preprint(session, arxiv="2610.00003", code="2016.1.00003.S", judged_by=librarian, is_read=False)
        unjudged = add_preprint(session, arxiv="2610.00004", code="2016.1.00004.S")
    run(runtime)
    with runtime.store.reading() as session:
        rows = {row.paper_id: row.standing for row in session.exec(select(ContactCase))}
    assert rows == {preprint: "fault", unread: "unread"}
    assert unjudged not in rows
    with runtime.store.writing() as session:
        set_version(session, preprint, 1, journal="ApJ", kind="article")
    assert run(runtime).counts["preprints_changed"] == 1
    with runtime.store.reading() as session:
        assert session.exec(select(ContactCase.paper_id)).all() == [unread]


def test_no_address_stands_in_the_log(
    runtime: Runtime, librarian: Actor, preprint: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is logged while a letter is written, sent and followed names nobody."""
    put(runtime, librarian, preprint)
    leave(runtime)
    run(runtime)
    told = capsys.readouterr()
    assert "@" not in told.out + told.err
