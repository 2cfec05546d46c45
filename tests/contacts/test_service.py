"""Letters to authors: one open one per person, never two about the same, taken back before they leave, notes undone."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.clock import FixedClock
from biblio.contacts.service import Draft, close, note_answer, note_bounce, send_letter, take_back, the_case, undo
from biblio.contacts.tracking import follow_outbox, send
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.mail import resend
from biblio.runtime import Runtime
from biblio.store.models import Contact, ContactEvent, Decision, OutboxMail, SecondReading
from biblio.store.words import ContactFault, ContactState, MailState
from tests.contacts.preprints import ADDRESS, CODE, NOW, add_preprint, read, set_version
from tests.factories import add_user


def draft(session: Session, runtime: Runtime, paper_id: int, **changes: object) -> Draft:
    """The letter that the page prepares for a paper, in short."""
    finding = the_case(session, runtime, paper_id).finding
    usual = Draft(
        paper_id, ContactFault.NO_STATEMENT, finding.reading_id or 0, "Ahn, Bora", ADDRESS, "paper", [CODE],
        "ALMA data in your preprint", "Dear Bora Ahn,\n\nplease add the statement.\n",
    )  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type]


def put(runtime: Runtime, actor: Actor, paper_id: int, **changes: object) -> int:
    """Put a letter into the outbox; return the contact's id."""
    with runtime.store.writing() as session:
        contact = send_letter(session, runtime, actor, draft(session, runtime, paper_id, **changes))
        assert contact.id is not None
        return contact.id


def state_of(runtime: Runtime, contact_id: int) -> ContactState:
    """The state a contact is in."""
    with runtime.store.reading() as session:
        return session.get_one(Contact, contact_id).state


def leave(runtime: Runtime) -> None:
    """Let the letters leave whose time to be taken back is over."""
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(minutes=11))
    send(runtime)
    with runtime.store.writing() as session:
        follow_outbox(session, runtime)


def test_a_letter_waits_in_the_outbox_and_leaves_later(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """It is written with its contact in one transaction, does not leave at once, and is followed when it did."""
    contact_id = put(runtime, librarian, preprint)
    assert send(runtime).sent == 0
    assert state_of(runtime, contact_id) is ContactState.PREPARED
    leave(runtime)
    assert state_of(runtime, contact_id) is ContactState.SENT
    letters = list(runtime.settings.outgoing_mail.glob("*.eml"))
    assert len(letters) == 1
    assert ADDRESS in letters[0].read_text()


def test_a_letter_is_taken_back_before_it_leaves(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """It never leaves then, not even sent again from the mail queue; the person may be written to anew; one that left stays."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        take_back(session, runtime, librarian, contact_id)
    leave(runtime)
    with runtime.store.writing() as session:
        resend(session, librarian, session.exec(select(OutboxMail.id)).one() or 0, now=runtime.clock.now())
    leave(runtime)
    assert not list(runtime.settings.outgoing_mail.glob("*.eml"))
    again = put(runtime, librarian, preprint)
    leave(runtime)
    with pytest.raises(RequestRefused, match="cannot be taken back"), runtime.store.writing() as session:
        take_back(session, runtime, librarian, again)
    with runtime.store.reading() as session:
        assert len(set(session.exec(select(OutboxMail.key)))) == 2


def test_one_open_letter_per_person_over_all_papers(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """The address counts without its case; when the first letter ends, the second may be sent."""
    first = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        other = add_preprint(session, arxiv="2610.00002", code="2016.1.00002.S", judged_by=librarian)
    with pytest.raises(Stale, match="still open"):
        put(runtime, librarian, other, email=ADDRESS.upper())
    leave(runtime)
    with runtime.store.writing() as session:
        close(session, runtime, librarian, first, "She left astronomy.")
    put(runtime, librarian, other, email=ADDRESS.upper())


def test_nobody_is_asked_twice_about_the_same(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """A letter about this fault of this paper was ended: none follows to the same person; another person may be asked."""
    first = put(runtime, librarian, preprint)
    leave(runtime)
    with runtime.store.writing() as session:
        close(session, runtime, librarian, first, "No answer.")
    with pytest.raises(Stale, match="nobody is asked twice"):
        put(runtime, librarian, preprint)
    put(runtime, librarian, preprint, email="berg@example.org")


def test_two_librarians_at_once_send_one_letter(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Both look, both press send: one letter is in the outbox, the other is told, on both databases."""
    with runtime.store.writing() as session:
        others = [add_user(session, name) for name in ("otto", "pia", "rolf")]
        prepared = draft(session, runtime, preprint)
    ready, outcomes = threading.Barrier(len(others) + 1), []

    def press(actor: Actor) -> None:
        ready.wait(timeout=30)
        try:
            with runtime.store.writing() as session:
                send_letter(session, runtime, actor, prepared)
            outcomes.append("sent")
        except Stale:
            outcomes.append("stale")

    threads = [threading.Thread(target=press, args=(actor,)) for actor in (librarian, *others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["sent", "stale", "stale", "stale"]
    with runtime.store.reading() as session:
        assert len(session.exec(select(OutboxMail)).all()) == 1
        assert len(session.exec(select(Contact)).all()) == 1


def test_the_database_itself_holds_both_rules(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """A second row that looks past the first is refused by the tables, whoever writes it."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.reading() as session:
        row = session.get_one(Contact, contact_id).model_dump(exclude={"id", "outbox_mail_id"})
    for changes in ({}, {"ended_at": NOW}, {"fault": ContactFault.NO_CODE}):
        with pytest.raises(IntegrityError), runtime.store.writing() as session:
            session.add(Contact(**(row | changes)))


def test_what_changed_meanwhile_stops_a_letter(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """The paper was read anew, or is with a second reader, since the page was opened: nothing is sent."""
    with runtime.store.writing() as session:
        old = draft(session, runtime, preprint)
        set_version(session, preprint, 2)
    with pytest.raises(Stale, match="not read yet"), runtime.store.writing() as session:
        send_letter(session, runtime, librarian, old)
    with runtime.store.writing() as session:
        read(session, preprint, version=2)
    with pytest.raises(Stale, match="read anew"), runtime.store.writing() as session:
        send_letter(session, runtime, librarian, old)
    with runtime.store.writing() as session:
        now = draft(session, runtime, preprint)
        decision = session.exec(select(Decision)).one()
        session.add(
            SecondReading(
                paper_id=preprint,
                project_id=decision.project_id,
                decision_id=decision.id or 0,
                first_reader_id=librarian.person_id(),
                drawn_at=NOW,
            )
        )
    with pytest.raises(NotFound, match="second reader"), runtime.store.writing() as session:
        send_letter(session, runtime, librarian, now)


def test_a_letter_is_looked_at_once_more_as_it_leaves(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Version 2 has the statement before the letter left: it never leaves, and says why."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
        read(session, preprint, version=2, code=CODE)
    leave(runtime)
    assert not list(runtime.settings.outgoing_mail.glob("*.eml"))
    with runtime.store.reading() as session:
        assert session.get_one(Contact, contact_id).state is ContactState.WITHDRAWN
        assert "mended before" in (session.exec(select(OutboxMail.reason)).one() or "")


def test_a_letter_waits_for_the_newest_version_and_the_second_reader(
    runtime: Runtime, librarian: Actor, preprint: int
) -> None:
    """Version 2 is out but unread, then the paper is read blind: the letter leaves neither time, and leaves afterwards."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
    leave(runtime)
    with runtime.store.writing() as session:
        assert session.exec(select(OutboxMail.state)).one() is MailState.WAITING
        read(session, preprint, version=2)
        decision = session.exec(select(Decision)).one()
        reading = SecondReading(
            paper_id=preprint,
            project_id=decision.project_id,
            decision_id=decision.id or 0,
            first_reader_id=librarian.person_id(),
            drawn_at=NOW,
        )
        session.add(reading)
    leave(runtime)
    with runtime.store.writing() as session:
        assert session.exec(select(OutboxMail.state)).one() is MailState.WAITING
        reading = session.exec(select(SecondReading)).one()
        reading.ended_at, reading.ended_by_id = NOW, librarian.user_id
        session.add(reading)
    leave(runtime)
    with runtime.store.reading() as session:
        assert session.get_one(Contact, contact_id).state is ContactState.SENT


def test_a_letter_about_another_fault_than_the_newest_version_has_never_leaves(
    runtime: Runtime, librarian: Actor, preprint: int
) -> None:
    """Version 2 has the statement but no code: a letter that misses the statement would be wrong."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
        read(session, preprint, version=2, statement=True)
    leave(runtime)
    assert not list(runtime.settings.outgoing_mail.glob("*.eml"))
    with runtime.store.reading() as session:
        assert session.get_one(Contact, contact_id).state is ContactState.WITHDRAWN
        assert "not what is missing" in (session.exec(select(OutboxMail.reason)).one() or "")


def test_words_that_would_break_a_message_are_refused(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Line ends and hidden signs in headers, two addresses, projects that nobody knows: nothing is stored."""
    wrong: list[dict[str, object]] = [
        {"subject": "Hello\r\nBcc: all@example.org"},
        {"body": "Hidden\u200b words"},
        {"email": "no address"},
        {"email": "a@example.org\r\nBcc: b@example.org"},
        {"email": "a@example.org, b@example.org"},
        {"codes": ["2099.1.99999.S"]},
        {"codes": ["<script>"]},
    ]
    for changes in wrong:
        with pytest.raises(RequestRefused):
            put(runtime, librarian, preprint, **changes)
    with runtime.store.reading() as session:
        assert session.exec(select(Contact)).all() == []
        assert session.exec(select(OutboxMail)).all() == []


def test_a_name_that_would_break_a_header_is_cleaned(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """A stranger's name comes from the paper: what nobody sees is taken out, and the message has one recipient."""
    put(runtime, librarian, preprint, name="Bora\u202e Ahn\r\nBcc: b@example.org")
    leave(runtime)
    [letter] = list(runtime.settings.outgoing_mail.glob("*.eml"))
    text = letter.read_text()
    assert "\nBcc:" not in text
    assert "\u202e" not in text


def test_answers_and_bounces_are_noted_and_undone(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Answered stays open, bounced ends; the last note can be taken back, an earlier one cannot."""
    contact_id = put(runtime, librarian, preprint)
    with pytest.raises(RequestRefused), runtime.store.writing() as session:
        note_answer(session, runtime, librarian, contact_id, "She will.")
    leave(runtime)
    with runtime.store.writing() as session:
        answered = note_answer(session, runtime, librarian, contact_id, "She will.").id or 0
        bounced = note_bounce(session, runtime, librarian, contact_id, "No such user.").id or 0
    with runtime.store.reading() as session:
        assert session.get_one(Contact, contact_id).ended_at is not None
    with pytest.raises(Stale), runtime.store.writing() as session:
        undo(session, runtime, librarian, answered)
    with runtime.store.writing() as session:
        undo(session, runtime, librarian, bounced)
    with runtime.store.reading() as session:
        contact = session.get_one(Contact, contact_id)
        assert (contact.state, contact.ended_at) == (ContactState.ANSWERED, None)
        words = session.exec(select(ContactEvent.words).order_by(col(ContactEvent.id))).all()
    assert words == [
        "The letter was put into the outbox.", "The letter left.", "She will.", "No such user.", "Taken back: bounced.",
    ]  # fmt: skip


def test_undoing_an_end_waits_for_the_other_open_letter(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Another letter to the person is open meanwhile: the ended one stays ended, in words."""
    first = put(runtime, librarian, preprint)
    leave(runtime)
    with runtime.store.writing() as session:
        ended = close(session, runtime, librarian, first, "Settled by telephone.").id or 0
        other = add_preprint(session, arxiv="2610.00002", code="2016.1.00002.S", judged_by=librarian)
    put(runtime, librarian, other)
    with pytest.raises(RequestRefused, match="stays ended"), runtime.store.writing() as session:
        undo(session, runtime, librarian, ended)


def test_an_uncertain_letter_can_be_noted_but_not_taken_back(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """It may have left: an answer proves that it did; taking it back would be a lie."""
    contact_id = put(runtime, librarian, preprint)
    with runtime.store.writing() as session:
        mail = session.exec(select(OutboxMail)).one()
        mail.state, mail.attempts = MailState.UNCERTAIN, 1
        session.add(mail)
    with pytest.raises(RequestRefused, match="may have"), runtime.store.writing() as session:
        take_back(session, runtime, librarian, contact_id)
    with runtime.store.writing() as session:
        note_answer(session, runtime, librarian, contact_id, "Thanks for your letter.")
    assert state_of(runtime, contact_id) is ContactState.ANSWERED


def test_the_machine_sends_nothing_by_itself(runtime: Runtime, preprint: int) -> None:
    """Without a person there is no letter."""
    with pytest.raises(NotAllowed):
        put(runtime, MACHINE, preprint)


def test_ending_by_hand_needs_a_reason(runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """History must say why."""
    contact_id = put(runtime, librarian, preprint)
    leave(runtime)
    with pytest.raises(RequestRefused, match="Say why"), runtime.store.writing() as session:
        close(session, runtime, librarian, contact_id, "  ")
