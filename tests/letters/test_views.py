"""The pages of letters: where each stands, decisions about those in doubt with undo, and what came back."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import select

from biblio.mail.bounces import dead_addresses
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, Campaign, MailBounce, OutboxMail
from biblio.store.words import MailState, Role
from tests.mail.letters import queue, rows, send
from tests.survey.people import make_campaign, open_and_send, tokens_of
from tests.web.visitors import logged_in


def state(runtime: Runtime, number: int) -> MailState:
    """Return the state of a letter."""
    with runtime.store.reading() as session:
        return session.get_one(OutboxMail, number).state


def page_of(visitor: object, path: str) -> str:
    """Return a page as text."""
    answer = visitor.get(path)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def test_the_list_filters_sorts_and_exports(app: Flask, runtime: Runtime, one_of_each: dict[MailState, int]) -> None:
    """By state, kind and words; the file holds what the list holds, and no address or text."""
    librarian = logged_in(app, runtime)
    page = page_of(librarian, "/letters")
    assert "4 letters" in page
    assert "1 letter is uncertain" in page
    assert "1 being sent" not in page
    for words in ("1 waiting", "1 uncertain", "1 sent", "1 cancelled"):
        assert words in page
    assert "@example.org" not in page
    assert "how are you" not in page
    assert "Ines Person1" in page_of(librarian, "/letters?state=uncertain")
    assert "Ines Person0" not in page_of(librarian, "/letters?state=uncertain")
    assert "No letter matches this" in page_of(librarian, "/letters?q=nobody")
    assert "the address asks for, so it was left out" in page_of(librarian, "/letters?state=lost")
    table = list(csv.DictReader(io.StringIO(page_of(librarian, "/letters?format=csv&sort=number"))))
    assert [row["to"] for row in table] == [f"Ines Person{n}" for n in range(4)]
    assert "@" not in "".join(row["to"] + row["reason"] + row["subject"] for row in table)


def test_an_empty_list_says_what_fills_it(app: Flask, runtime: Runtime) -> None:
    """Without a letter the pages say when there are some."""
    librarian = logged_in(app, runtime)
    assert "Letters appear when a campaign is opened" in page_of(librarian, "/letters")
    assert "Nothing has come back." in page_of(librarian, "/letters/returned")


def test_an_uncertain_letter_is_explained(app: Flask, runtime: Runtime, one_of_each: dict[MailState, int]) -> None:
    """List and page say what uncertain means, which Message-ID to look for, and offer the three ways on."""
    librarian = logged_in(app, runtime)
    number = one_of_each[MailState.UNCERTAIN]
    (row,) = (row for row in rows(runtime) if row.id == number)
    for path in ("/letters?state=uncertain", f"/letters/{number}"):
        page = page_of(librarian, path)
        assert "may or may not have this letter" in page
        assert row.message_id.strip("<>") in page
        for button in ("It arrived", "Send again", "Give up"):
            assert f">{button} " in page


@pytest.mark.parametrize(
    ("what", "then"),
    [("arrived", MailState.SENT), ("resend", MailState.WAITING), ("give-up", MailState.CANCELLED)],
)
def test_a_person_decides_and_takes_it_back(
    app: Flask, runtime: Runtime, one_of_each: dict[MailState, int], what: str, then: MailState
) -> None:
    """Each decision moves the letter, is kept in the audit log, and can be undone once."""
    librarian = logged_in(app, runtime)
    number = one_of_each[MailState.UNCERTAIN]
    before = next(row.model_dump() for row in rows(runtime) if row.id == number)
    answer = librarian.post(f"/letters/{number}/{what}", form_on=f"/letters/{number}")
    assert answer.status_code == 302
    assert state(runtime, number) is then
    with runtime.store.reading() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.subject == f"letter {number}")).one()
        assert entry.actor_id is not None
    undo = f"/letters/{number}/undo/{entry.id}"
    assert undo in page_of(librarian, f"/letters/{number}")
    librarian.post(undo, form_on=f"/letters/{number}")
    after = next(row.model_dump() for row in rows(runtime) if row.id == number)
    kept = ("state", "sent_at", "attempts", "reason", "message_id")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    librarian.post(undo, form_on=f"/letters/{number}")
    assert "Something happened to this letter since" in page_of(librarian, f"/letters/{number}")
    assert "took that back" in page_of(librarian, f"/letters/{number}")


def test_sent_again_it_keeps_its_message_id_and_undo_comes_too_late(
    app: Flask, runtime: Runtime, one_of_each: dict[MailState, int]
) -> None:
    """Once the letter left, taking "send again" back is refused, and the letter stays as it is."""
    librarian = logged_in(app, runtime)
    number = one_of_each[MailState.UNCERTAIN]
    before = next(row.message_id for row in rows(runtime) if row.id == number)
    librarian.post(f"/letters/{number}/resend", form_on=f"/letters/{number}")
    send(runtime)
    assert state(runtime, number) is MailState.SENT
    with runtime.store.reading() as session:
        entry = session.exec(select(AuditEntry.id).where(AuditEntry.action == "mail resend")).one()
    librarian.post(f"/letters/{number}/undo/{entry}", form_on=f"/letters/{number}")
    assert state(runtime, number) is MailState.SENT
    assert next(row.message_id for row in rows(runtime) if row.id == number) == before


def test_what_cannot_be_decided_is_told(app: Flask, runtime: Runtime, one_of_each: dict[MailState, int]) -> None:
    """A letter that was sent is not sent again; the page says why, and nothing changes. Others are not there."""
    librarian = logged_in(app, runtime)
    number = one_of_each[MailState.SENT]
    librarian.post(f"/letters/{number}/resend", form_on="/letters")
    assert f"Letter {number} is sent; only" in page_of(librarian, f"/letters/{number}")
    assert state(runtime, number) is MailState.SENT
    assert librarian.post("/letters/999/arrived", form_on="/letters").status_code == 404
    assert librarian.get("/letters/999").status_code == 404


def test_a_survey_letter_is_previewed_without_its_links(app: Flask, runtime: Runtime) -> None:
    """The page renders the letter from the campaign's text; no token stands on it, before or after it left."""
    campaign = make_campaign(runtime, projects=20)
    open_and_send(runtime, campaign)
    page = page_of(logged_in(app, runtime), "/letters/1")
    assert "2016.1.00000.S" in page
    assert "(link)" in page
    assert "invitation to the questionnaire" in page.lower()
    assert not any(token in page for token in tokens_of(runtime, campaign))


def test_letters_of_one_campaign_are_found_by_it(app: Flask, runtime: Runtime) -> None:
    """The list says of which campaign a letter is, and shows those of one; other letters are of none."""
    campaign = make_campaign(runtime, projects=20)
    open_and_send(runtime, campaign)
    queue(runtime, 1, kind="digest", start=90)
    librarian = logged_in(app, runtime)
    with runtime.store.reading() as session:
        name = session.get_one(Campaign, campaign).name
    table = list(csv.DictReader(io.StringIO(page_of(librarian, "/letters?format=csv"))))
    assert [row["campaign"] for row in table].count("") == 1
    assert {row["campaign"] for row in table} == {name, ""}
    page = page_of(librarian, f"/letters?campaign={campaign}")
    assert f"{len(table) - 1} letters" in page
    assert "the address asks for, so it was left out" in page_of(librarian, "/letters?campaign=99")


def test_the_text_of_a_colleagues_mail_is_not_shown(app: Flask, runtime: Runtime) -> None:
    """Kinds that say nothing of a preview show none; an erased letter says that it was."""
    queue(runtime, 1, kind="digest", body="private words")
    librarian = logged_in(app, runtime)
    assert "private words" not in page_of(librarian, "/letters/1")
    with runtime.store.writing() as session:
        session.get_one(OutboxMail, 1).email = ""
    assert "Its text was erased" in page_of(librarian, "/letters/1")


def test_what_came_back_is_shown_with_letter_status_and_words(
    app: Flask, runtime: Runtime, came_back: list[int]
) -> None:
    """The hard report waits to be looked at, the late one stands apart; the letter's own page has both sides."""
    librarian = logged_in(app, runtime)
    page = page_of(librarian, "/letters/returned")
    for part in ("1 to look at", "1 late or full", "5.1.1", "User unknown", "Ines Person0", "ines0@example.org"):
        assert part in page
    assert "Ines Person1" not in page
    assert "4.4.1" in page_of(librarian, "/letters/returned?show=late")
    assert "5.1.1" in page_of(librarian, f"/letters/{came_back[0]}")
    assert 'What came back <span class="count">1</span>' in page_of(librarian, "/letters")
    table = page_of(librarian, "/letters/returned?show=all&format=csv")
    assert len(table.splitlines()) == 3


@pytest.mark.parametrize(("outcome", "dead"), [("dead", 1), ("works", 0)])
def test_a_librarian_speaks_of_an_address_and_takes_it_back(
    app: Flask, runtime: Runtime, came_back: list[int], outcome: str, dead: int
) -> None:
    """ "Dead" asks for another address, "works" lets letters leave again; undo puts it among those to look at."""
    librarian = logged_in(app, runtime)
    with runtime.store.reading() as session:
        number = session.exec(select(MailBounce.id).where(MailBounce.is_hard)).one()
    librarian.post(f"/letters/returned/{number}/{outcome}", form_on="/letters/returned")
    page = page_of(librarian, f"/letters/returned?show={outcome}")
    assert ("another one" if outcome == "dead" else "sent to it again") in page
    assert "says Librarian" in page
    with runtime.store.reading() as session:
        assert len(dead_addresses(session)) == dead
        entry = session.exec(select(AuditEntry.id).where(AuditEntry.action == f"mail address {outcome}")).one()
    librarian.post(f"/letters/returned/undo/{entry}", form_on="/letters/returned?show=all")
    assert "1 to look at" in page_of(librarian, "/letters/returned")
    librarian.post(f"/letters/returned/undo/{entry}", form_on="/letters/returned?show=all")
    assert "Somebody said another thing" in page_of(librarian, "/letters/returned")


def test_words_of_a_server_are_not_run(app: Flask, runtime: Runtime, came_back: list[int]) -> None:
    """What a stranger's server said stands on the page as text."""
    with runtime.store.writing() as session:
        session.exec(select(MailBounce)).first().words = "<script>alert(1)</script>"  # type: ignore[union-attr]
    librarian = logged_in(app, runtime)
    for path in ("/letters/returned?show=all", f"/letters/{came_back[0]}"):
        assert "<script>alert" not in page_of(librarian, path)


def test_the_lists_take_few_statements(app: Flask, runtime: Runtime) -> None:
    """The number of statements does not grow with the number of letters."""
    librarian = logged_in(app, runtime)
    seen = []
    for start in (0, 30):
        queue(runtime, 30, start=start)
        counted: list[str] = []
        sa.event.listen(runtime.store.engine, "before_cursor_execute", lambda *given, to=counted: to.append(given[2]))
        page_of(librarian, "/letters")
        seen.append(len(counted))
    assert seen[0] == seen[1]


def test_who_sees_and_decides(small_letters: Flask, sqlite_runtime: Runtime) -> None:
    """Librarians and admins see and decide; managers, survey readers and strangers see nothing."""
    for role in (Role.MANAGER, Role.SURVEY_READER):
        visitor = logged_in(small_letters, sqlite_runtime, role)
        assert visitor.get("/letters").status_code == 403
    assert logged_in(small_letters, sqlite_runtime, Role.ADMIN).get("/letters/returned").status_code == 200
    assert small_letters.test_client().get("/letters").status_code in (302, 401, 403)


@pytest.fixture
def small_letters(sqlite_runtime: Runtime) -> Flask:
    """The pages of letters on SQLite alone."""
    from biblio.letters.feature import feature as letters
    from biblio.public.feature import feature as public
    from biblio.web import create_app

    return create_app(sqlite_runtime, features=[letters, public])
