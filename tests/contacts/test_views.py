"""The pages before press, as librarians and strangers meet them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlmodel import select

from biblio.catalogue.actor import Actor
from biblio.contacts.feature import feature
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Contact, OutboxMail
from biblio.store.words import ContactState, MailState, Role
from matching.addresses import Address
from tests.contacts.preprints import ADDRESS, CODE, add_preprint, read, set_version
from tests.contacts.test_service import leave, put

Login = Callable[..., FlaskClient]


def listed(runtime: Runtime) -> None:
    """Bring the list in step, as the job does."""
    run_job(runtime, feature.jobs[0])


def filled(page: str) -> dict[str, object]:
    """What the letter's form holds as the page shows it."""
    values: dict[str, object] = {}
    for name in ("fault", "reading", "name", "email", "subject"):
        found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)
        values[name] = found[1] if found else ""
    body = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", page, re.DOTALL)
    assert body is not None
    values["body"] = body[1].replace("&#39;", "'").replace("&#34;", '"')
    values["codes"] = re.findall(r'<input[^>]*checked[^>]*name="codes"[^>]*value="([^"]*)"', page)
    return values


def test_the_list_says_what_is_missing_and_to_whom_the_letter_goes(
    login: Login, runtime: Runtime, preprint: int
) -> None:
    """Fault in words, the version read, the quote that is there, the press date with its reason, the recipient."""
    listed(runtime)
    page = login().get("/desk/contacts").get_data(as_text=True)
    for part in (
        "Rings of a fictional star", "No statement.", "Read: 2610.00001v1", "<mark>observed the disc with ALMA</mark>",
        "judged science by a librarian", "submitted 2026-10-01", "Ahn, Bora, printed in the paper", "1 preprint lacks",
    ):  # fmt: skip
        assert part in page, part
    assert ADDRESS not in page


def test_the_most_overdue_stands_first(login: Login, runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Order of press dates; what is overdue is marked, and counted in the first sentence."""
    with runtime.store.writing() as session:
        late = add_preprint(session, arxiv="2603.00002", title="A late one", code="2016.1.00002.S", judged_by=librarian)

        set_version(session, late, 1, preprint_on=date(2026, 3, 1))
    listed(runtime)
    page = login().get("/desk/contacts").get_data(as_text=True)
    assert page.index("A late one") < page.index("Rings of a fictional star")
    assert "1 overdue before press" in page
    assert page.count("state-warn") == 1


def test_a_letter_is_prepared_previewed_sent_and_taken_back(login: Login, runtime: Runtime, preprint: int) -> None:
    """The page fills the letter; the preview sends nothing; Send puts it into the outbox; Undo takes it out again."""
    listed(runtime)
    client = login()
    address = f"/desk/contacts/{preprint}/write"
    form = filled(client.get(address).get_data(as_text=True))
    assert (form["name"], form["email"], form["codes"]) == ("Ahn, Bora", ADDRESS, [CODE])
    assert f"ADS/JAO.ALMA#{CODE}." in str(form["body"])
    shown = client.post(address, data={**form, "do": "preview"}).get_data(as_text=True)
    assert "Nothing was sent." in shown
    assert f"&lt;{ADDRESS}&gt;" in shown
    with runtime.store.reading() as session:
        assert session.exec(select(OutboxMail)).all() == []
    answer = client.post(address, data={**form, "do": "send"}, follow_redirects=True).get_data(as_text=True)
    assert "is in the outbox" in answer
    assert "No preprint lacks anything." in answer
    undo = re.search(r'action="(/desk/contacts/letter/\d+/take-back)"', answer)
    assert undo is not None
    back = client.post(undo[1], follow_redirects=True).get_data(as_text=True)
    assert "taken back before it left" in back
    with runtime.store.reading() as session:
        assert session.exec(select(OutboxMail.state)).one() is MailState.CANCELLED


def test_renewing_takes_the_ticked_codes(login: Login, runtime: Runtime, preprint: int) -> None:
    """Likely codes stand in the sentence only when ticked or typed; name and address stay as typed."""
    client = login()
    address = f"/desk/contacts/{preprint}/write"
    form = filled(client.get(address).get_data(as_text=True))
    changed = {**form, "codes": [], "more": "2019.1.00077.S, 2019.1.00078.S", "name": "Berg, Lars", "do": "renew"}
    again = filled(client.post(address, data=changed).get_data(as_text=True))
    assert "ADS/JAO.ALMA#2019.1.00077.S, ADS/JAO.ALMA#2019.1.00078.S." in str(again["body"])
    assert "Dear Lars Berg," in str(again["body"])
    assert again["email"] == ADDRESS


def test_what_is_refused_is_said_and_what_was_typed_is_kept(login: Login, runtime: Runtime, preprint: int) -> None:
    """A subject of two lines: 422, the page again, nothing stored; a stale page: 409."""
    client = login()
    address = f"/desk/contacts/{preprint}/write"
    form = filled(client.get(address).get_data(as_text=True))
    wrong = client.post(address, data={**form, "subject": "A\u202eB", "body": "My own words", "do": "send"})
    assert wrong.status_code == 422
    assert "My own words" in wrong.get_data(as_text=True)
    assert "must be one line" in wrong.get_data(as_text=True)
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
    stale = client.post(address, data={**form, "body": "My own words", "do": "send"})
    assert stale.status_code == 409
    with runtime.store.reading() as session:
        assert session.exec(select(Contact)).all() == []


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "Ri\u202engs\r\nBcc: a@example.org", "x" * 10_000, "\\href{javascript:1}{x}"],
    ids=["script", "header", "long", "tex"],
)  # fmt: skip
def test_strangers_titles_and_addresses_do_no_harm(
    login: Login, runtime: Runtime, librarian: Actor, hostile: str
) -> None:
    """Escaped on every page, cut where long, and no header of its own in the letter."""
    with runtime.store.writing() as session:
        paper_id = add_preprint(session, title=hostile, authors=(hostile, "Berg, L."), judged_by=librarian)
        set_version(session, paper_id, 2)
        read(session, paper_id, version=2, addresses=(Address("x@example.org", hostile[:80], True, hostile[:200]),))
    listed(runtime)
    client = login()
    for address in ("/desk/contacts", f"/desk/contacts/{paper_id}/write", "/desk/contacts?format=csv"):
        answer = client.get(address)
        assert answer.status_code == 200
        page = answer.get_data(as_text=True)
        assert "<script>alert" not in page or "csv" in address
        assert "\u202e" not in page
        assert len(page) < 100_000
    form = filled(client.get(f"/desk/contacts/{paper_id}/write").get_data(as_text=True))
    assert "\nBcc:" not in str(form["body"])


def test_letters_show_their_state_and_history(login: Login, runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Waiting, uncertain, sent, answered, undone: each in words, with who and when."""
    contact_id = put(runtime, librarian, preprint)
    client = login()
    assert "waits in the outbox" in client.get("/desk/contacts?show=waiting").get_data(as_text=True)
    with runtime.store.writing() as session:
        session.execute(sa.update(OutboxMail).values(state=MailState.UNCERTAIN))
    assert "may or may not have left" in client.get("/desk/contacts?show=waiting").get_data(as_text=True)
    with runtime.store.writing() as session:
        session.execute(sa.update(OutboxMail).values(state=MailState.WAITING))
    leave(runtime)
    address = f"/desk/contacts/letter/{contact_id}"
    page = client.get(address).get_data(as_text=True)
    assert "The letter left." in page
    assert "Take it back" not in page
    noted = client.post(f"{address}/answered", data={"note": "She will."}, follow_redirects=True).get_data(as_text=True)
    assert "Noted: the author answered." in noted
    undo = re.search(r'action="(/desk/contacts/event/\d+/undo)"', noted)
    assert undo is not None
    client.post(undo[1])
    with runtime.store.reading() as session:
        assert session.get_one(Contact, contact_id).state is ContactState.SENT
    ended = client.post(f"{address}/end", data={"note": ""})
    assert ended.status_code == 400
    client.post(f"{address}/bounced", data={"note": "No such user"})
    rows = csv.DictReader(io.StringIO(client.get("/desk/contacts?show=bounced&format=csv").get_data(as_text=True)))
    assert [row["state"] for row in rows] == ["bounced"]


def test_after_a_bounce_the_paper_is_to_write_again(
    login: Login, runtime: Runtime, librarian: Actor, preprint: int
) -> None:
    """The letter came back: another address may be tried, so the preprint is on the list once more."""
    listed(runtime)
    contact_id = put(runtime, librarian, preprint)
    client = login()
    assert "Open the letter" not in client.get("/desk/contacts").get_data(as_text=True)
    leave(runtime)
    client.post(f"/desk/contacts/letter/{contact_id}/bounced", data={"note": ""})
    assert "Open the letter" in client.get("/desk/contacts").get_data(as_text=True)


def test_how_many_letters_led_to_a_mended_paper(
    login: Login, runtime: Runtime, librarian: Actor, preprint: int
) -> None:
    """One of one: with the number of letters, and the days it took."""
    put(runtime, librarian, preprint)
    leave(runtime)
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
        read(session, preprint, version=2, code=CODE)
    listed(runtime)
    page = login().get("/desk/contacts?show=mended").get_data(as_text=True)
    assert "Of 1 letter that arrived, 1 led to a mended paper (100\u202f% of the 1 whose outcome is known)" in page
    assert "in v2" in page
    assert f"<mark>{CODE}</mark>" in page


def test_what_no_filter_knows_is_said(login: Login, preprint: int) -> None:
    """A part or a fault that there is not is left out, with a word; the list is shown all the same."""
    page = login().get("/desk/contacts?show=bogus&fault=none&journal=ApJ").get_data(as_text=True)
    assert "left out: show “bogus”, fault “none”." in page
    assert "left out" not in login(username="second").get("/desk/contacts?show=sent").get_data(as_text=True)


def test_filters_are_in_the_address(login: Login, runtime: Runtime, librarian: Actor, preprint: int) -> None:
    """Fault, judged, words; unknown values are left out; the count follows."""
    listed(runtime)
    client = login()
    for query, number in (
        ("fault=no_statement", 1), ("fault=no_code", 0), ("judged=no", 0), ("judged=yes", 1), ("q=fictional", 1),
        ("q=zzz", 0), ("fault=%27", 1), ("show=nonsense", 1), ("show=unread", 0),
    ):  # fmt: skip
        page = client.get(f"/desk/contacts?{query}").get_data(as_text=True)
        assert f'role="status">{number} preprint' in page, query


def test_the_number_of_statements_does_not_grow(
    login: Login, runtime: Runtime, librarian: Actor, preprint: int
) -> None:
    """The list of three preprints asks the database as often as that of one."""
    listed(runtime)
    client = login()
    counted: list[int] = []
    for more in (0, 3):
        with runtime.store.writing() as session:
            for number in range(more):
                arxiv, code = f"2610.0010{number}", f"2016.1.0010{number}.S"
                add_preprint(session, arxiv=arxiv, code=code, judged_by=librarian)
        listed(runtime)
        seen: list[str] = []

        def note(*arguments: object, seen: list[str] = seen) -> None:
            seen.append(str(arguments[2]))

        sa.event.listen(runtime.store.engine, "before_cursor_execute", note)
        client.get("/desk/contacts")
        sa.event.remove(runtime.store.engine, "before_cursor_execute", note)
        counted.append(len(seen))
    assert counted[0] == counted[1]
    assert counted[0] < 40


def test_the_paper_page_leads_to_the_letter(login: Login, runtime: Runtime, preprint: int) -> None:
    """A preprint's page on the desk has the link; without anything to write about the page says why."""
    client = login()
    assert f'href="/desk/contacts/{preprint}/write"' in client.get(f"/desk/paper/{preprint}").get_data(as_text=True)
    with runtime.store.writing() as session:
        set_version(session, preprint, 1, is_withdrawn=True)
    assert "Write to the author" not in client.get(f"/desk/paper/{preprint}").get_data(as_text=True)
    answer = client.get(f"/desk/contacts/{preprint}/write")
    assert answer.status_code == 200
    assert "There is nothing to write about" in answer.get_data(as_text=True)


def test_who_may_read_and_who_may_write(login: Login, runtime: Runtime, preprint: int) -> None:
    """An admin reads and cannot send; a manager sees nothing; a paper without a case is not found."""
    admin = login(Role.ADMIN, "ada")
    assert "librarians send" in admin.get(f"/desk/contacts/{preprint}/write").get_data(as_text=True)
    assert admin.post(f"/desk/contacts/{preprint}/write").status_code == 403
    assert login(Role.MANAGER, "maya").get("/desk/contacts").status_code == 403
    assert login().get("/desk/contacts/99999/write").status_code == 404
