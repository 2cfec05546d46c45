"""The pages about journals: what a librarian sees, changes and undoes."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlmodel import select

from biblio.catalogue.journals import journal_key, monitored
from biblio.jobs import run_job
from biblio.journals.jobs import JOURNALS
from biblio.runtime import Runtime
from biblio.store.models import JournalSuggestion, JournalWatch
from biblio.store.words import Role
from tests.journals.conftest import ANNALS, Shelf
from tests.web.visitors import Visitor, logged_in


def test_the_list_shows_what_each_yields(librarian: Visitor) -> None:
    """Monitored ones first asked for; the others stand apart; titles of strangers are escaped."""
    page = librarian.get("/journals").get_data(as_text=True)
    assert "The Astrophysical Journal" in page
    assert ANNALS not in page
    others = librarian.get("/journals?show=others").get_data(as_text=True)
    assert ANNALS in others
    assert "<script>alert" not in others
    sheet = librarian.get("/journals?show=all&format=csv").get_data(as_text=True)
    assert "The Astrophysical Journal,ApJ,yes,2,0.6667,4,1,1," in sheet


def test_beginning_and_ending_say_what_they_did_and_can_be_undone(librarian: Visitor, runtime: Runtime) -> None:
    """A journal is begun with a reason, stands in the history, and undo ends it; the same for an ended one."""
    form = {"name": ANNALS, "reason": "Six papers of ours."}
    answer = librarian.post("/journals/begin", form, form_on="/journals/begin", follow_redirects=True)
    assert f"{ANNALS} is monitored from now on." in answer.get_data(as_text=True)
    history = librarian.get("/journals/changes").get_data(as_text=True)
    assert "Six papers of ours." in history
    with runtime.store.reading() as session:
        watch = session.exec(select(JournalWatch)).one()
    assert f'action="/journals/changes/{watch.id}/undo?of=begun"' in history
    answers = [librarian.post(f"/journals/changes/{watch.id}/undo?of=begun", form_on="/journals") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 409]  # pressed twice, it does not begin again
    with runtime.store.reading() as session:
        assert journal_key(ANNALS) not in monitored(session, runtime.profile)
    ended = librarian.post("/journals/end?name=ApJ", {"reason": "Others read it."}, form_on="/journals/end?name=ApJ")
    assert ended.status_code == 302
    with runtime.store.reading() as session:
        assert journal_key("ApJ") not in monitored(session, runtime.profile)


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [("", "x", "Type the journal"), (ANNALS, "", "Say why"), ("!!", "x", "Type the journal"), ("ApJ", "x", "already")],
    ids=["no name", "no reason", "signs", "monitored"],
)
def test_what_cannot_be_begun_is_said_at_the_form(librarian: Visitor, name: str, reason: str, said: str) -> None:
    """422 with the reason, and what was typed is kept."""
    answer = librarian.post("/journals/begin", {"name": name, "reason": reason}, form_on="/journals/begin")
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_a_suggestion_is_answered_once(librarian: Visitor, runtime: Runtime) -> None:
    """Accepting monitors it; a second answer from a stale page is told 409; undo lets it wait again."""
    run_job(runtime, JOURNALS)
    assert ANNALS in librarian.get("/journals/suggestions").get_data(as_text=True)
    with runtime.store.reading() as session:
        row = session.exec(select(JournalSuggestion)).one()
    address = f"/journals/suggestions/{row.id}"
    form = {"reason": "Papers of ours.", "answer": "accept"}
    assert librarian.post(address, form, form_on="/journals/suggestions").status_code == 302
    assert librarian.post(address, form, form_on="/journals/suggestions").status_code == 409
    with runtime.store.reading() as session:
        assert journal_key(ANNALS) in monitored(session, runtime.profile)
    assert "Papers of ours." in librarian.get("/journals/suggestions?state=accepted").get_data(as_text=True)
    assert librarian.post(f"{address}/reopen", form_on="/journals/suggestions?state=accepted").status_code == 302
    with runtime.store.reading() as session:
        assert journal_key(ANNALS) not in monitored(session, runtime.profile)


def test_an_answer_without_a_reason_changes_nothing(librarian: Visitor, runtime: Runtime) -> None:
    """The librarian is told to say why; the suggestion waits."""
    run_job(runtime, JOURNALS)
    answer = librarian.post(
        "/journals/suggestions/1", {"answer": "refuse"}, form_on="/journals/suggestions", follow_redirects=True
    )
    assert "Say why" in answer.get_data(as_text=True)
    assert ANNALS in librarian.get("/journals/suggestions").get_data(as_text=True)


def test_a_librarian_suggests_a_journal_with_a_hostile_name(librarian: Visitor) -> None:
    """It is shown as text; in an export it does not run; suggested again it is one; refused it does not come back."""
    name = '=cmd|"<script>alert(1)</script>" Journal\u202e'
    for _ in range(2):
        librarian.post("/journals/suggest", {"name": name}, form_on="/journals/suggestions")
    page = librarian.get("/journals/suggestions").get_data(as_text=True)
    assert "<script>alert" not in page
    assert "1 suggestion" in page
    assert "'=cmd" in librarian.get("/journals/suggestions?format=csv").get_data(as_text=True)
    form = {"answer": "refuse", "reason": "No journal."}
    librarian.post("/journals/suggestions/1", form, form_on="/journals/suggestions")
    again = librarian.post("/journals/suggest", {"name": name}, form_on="/journals/suggestions", follow_redirects=True)
    assert "was refused before" in again.get_data(as_text=True)


def test_who_may_only_look_changes_nothing(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """An admin sees the list without its buttons."""
    admin = logged_in(app, runtime, Role.ADMIN)
    page = admin.get("/journals")
    assert page.status_code == 200
    assert "Monitor a journal</a>" not in page.get_data(as_text=True)
    assert admin.get("/journals/begin").status_code == 403
