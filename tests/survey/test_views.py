"""The pages of the questionnaire and of the campaigns, as browsers without a screen see them."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot, Campaign, Invitation, OptOut, SurveyExclusion, WrongPerson
from biblio.store.words import Role
from survey.closing import close_campaign
from survey.questionnaire import COMMENT_MAX, Filled
from tests.factories import accept, add_paper, add_user
from tests.survey.people import add_silent_projects, answer_all, letters_in, make_campaign, open_and_send, tokens_of
from tests.web.visitors import Visitor, logged_in


def opened(runtime: Runtime, projects: int = 6) -> tuple[int, list[str]]:
    """Make a campaign and send its letters; return its number and the tokens."""
    campaign = make_campaign(runtime, projects=projects)
    open_and_send(runtime, campaign)
    return campaign, tokens_of(runtime, campaign)


def count(runtime: Runtime, model: type) -> int:
    """Return how many rows a table has."""
    with runtime.store.reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()


def used(session: Session) -> list[bool]:
    """Return whether each link was used, in order."""
    return list(session.exec(select(Invitation.is_used).order_by(col(Invitation.id))))


def test_the_page_shows_the_questionnaire_to_the_letter(app: Flask, runtime: Runtime) -> None:
    """Title, introduction, twelve answers, three fields, comment and both buttons stand on the page, as worded."""
    _campaign, tokens = opened(runtime)
    page = Visitor(app).get(f"/survey/{tokens[0]}").get_data(as_text=True)
    words = runtime.profile.questionnaire
    for text in (words.title, *words.introduction, words.status.text, words.status.hint, words.comment.text):
        assert runtime.profile.filled(text) in page
    for reason in words.reasons:
        assert f'value="{reason.number}"' in page
        assert reason.text in page
    assert re.findall(r'name="(detail_\d+)"', page) == ["detail_1", "detail_10", "detail_12"]
    assert f">{words.submit}</button>" in page
    assert f'href="/survey/left">{words.leave}</a>' in page


def test_an_answer_is_taken_and_everybody_gets_the_same_thanks(app: Flask, runtime: Runtime) -> None:
    """Two different answers lead to thank-you pages of the same bytes, at an address without a token."""
    _campaign, tokens = opened(runtime)
    pages = []
    for token, data in zip(
        tokens, ({"reason": "1", "detail_1": "A journal"}, {"reason": "9", "comment": "x" * 900}), strict=False
    ):
        visitor = Visitor(app)
        answer = visitor.post(f"/survey/{token}", data, form_on=f"/survey/{token}")
        assert answer.status_code == 303
        assert answer.location == "/survey/thanks"
        pages.append(visitor.get(answer.location).data)
    assert pages[0] == pages[1] == Visitor(app).get("/survey/thanks").data
    assert count(runtime, Ballot) == 2


def test_errors_keep_what_was_typed_and_store_nothing(app: Flask, runtime: Runtime) -> None:
    """Without a choice, or with too long a text, the page comes again with a summary that links to the field."""
    _campaign, tokens = opened(runtime)
    visitor = Visitor(app)
    address = f"/survey/{tokens[0]}"
    answer = visitor.post(address, {"comment": "kept <b>words</b>", "detail_10": "a dish"}, form_on=address)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#reason-0"' in page
    assert "kept &lt;b&gt;words&lt;/b&gt;" in page
    assert 'value="a dish"' in page
    answer = visitor.post(address, {"reason": "3", "comment": "y" * (COMMENT_MAX + 1)}, form_on=address)
    assert answer.status_code == 422
    assert 'href="#comment"' in answer.get_data(as_text=True)
    assert re.search(r'value="3"[^>]*checked', answer.get_data(as_text=True))
    assert count(runtime, Ballot) == 0


def test_a_choice_outside_the_list_is_refused(app: Flask, runtime: Runtime) -> None:
    """Only the twelve numbers are answers."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    visitor = Visitor(app)
    for reason in ("0", "13", "-1", "1 ", "one", "１", "9" * 5000):
        assert visitor.post(address, {"reason": reason}, form_on=address).status_code == 422
    assert count(runtime, Ballot) == 0


def test_a_stale_form_keeps_what_was_typed_and_the_next_press_works(app: Flask, runtime: Runtime) -> None:
    """Without the form's token nothing is stored; the page comes back filled in, and sending it again works."""
    _campaign, tokens = opened(runtime)
    visitor = Visitor(app)
    address = f"/survey/{tokens[0]}"
    answer = visitor.client.post(address, data={"reason": "5", "comment": "still here", "csrf_token": "old"})
    assert answer.status_code == 422
    assert "still here" in answer.get_data(as_text=True)
    assert count(runtime, Ballot) == 0
    assert visitor.post(address, {"reason": "5", "comment": "still here"}, form_on=address).status_code == 303


def test_ten_megabytes_are_refused(app: Flask, runtime: Runtime) -> None:
    """A giant field is refused before it is read; nothing is stored and the link stays open."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    assert Visitor(app).post(address, {"comment": "z" * 10_000_000}, form_on=address).status_code == 413
    assert Visitor(app).get(address).status_code == 200


def test_unknown_used_and_closed_links_are_one_page(app: Flask, runtime: Runtime) -> None:
    """Same status, same bytes, same headers, same statements: nobody can tell a used link from a wrong one."""
    campaign, tokens = opened(runtime, projects=8)
    answer_all(runtime, tokens[:6], [Filled(2)] * 6)

    def look(path: str) -> tuple[int, bytes, dict[str, str], int]:
        seen: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        sa.event.listen(runtime.store.engine, "before_cursor_execute", note)
        answer = Visitor(app).get(path)
        sa.event.remove(runtime.store.engine, "before_cursor_execute", note)
        return answer.status_code, answer.data, dict(answer.headers), len(seen)

    shown = [look(f"/survey/{token}") for token in (tokens[0], "A" * 32, "short", "x" * 300)]
    close_campaign(runtime, MACHINE, campaign)
    shown.append(look(f"/survey/{tokens[7]}"))
    assert all(each == shown[0] for each in shown)
    assert shown[0][0] == 404
    assert b"answer" not in shown[0][1].split(b"<h1>")[1].split(b"</h1>")[0]


def test_a_second_press_is_told_calmly_and_changes_nothing(app: Flask, runtime: Runtime) -> None:
    """A form that is sent again from another tab finds the link closed; one ballot stays."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    visitor = Visitor(app)
    token = visitor.token(address)
    data = {"reason": "4", "csrf_token": token}
    assert visitor.client.post(address, data=data).status_code == 303
    assert visitor.client.post(address, data=data).status_code == 404
    assert count(runtime, Ballot) == 1


def test_a_publication_found_meanwhile_is_said(app: Flask, runtime: Runtime) -> None:
    """Page and Submit both say that a publication was found; nothing is stored."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    visitor = Visitor(app)
    form_token = visitor.token(address)
    with runtime.store.writing() as session:
        project = session.exec(select(Invitation.project_id).order_by(col(Invitation.id))).first() or 0
        accept(session, add_user(session), add_paper(session), project)
    for answer in (
        visitor.get(address),
        visitor.client.post(address, data={"reason": "4", "csrf_token": form_token}),
    ):
        assert answer.status_code == 200
        assert "A publication has been found" in answer.get_data(as_text=True)
    assert count(runtime, Ballot) == 0


def test_looking_changes_nothing(app: Flask, runtime: Runtime) -> None:
    """GET and HEAD on every address of a letter leave the whole database as it was: scanners open links."""
    campaign, tokens = opened(runtime)
    with runtime.store.reading() as session:
        before = [row.model_dump() for row in session.exec(select(Invitation))]
    visitor = Visitor(app)
    for path in (f"/survey/{tokens[0]}", f"/survey/{tokens[0]}/stop", "/survey/left", "/survey/anonymity"):
        assert visitor.get(path).status_code == 200
        assert visitor.client.head(path).status_code == 200
    assert visitor.get(f"/survey/{tokens[0]}/unsubscribe").status_code == 405
    with runtime.store.reading() as session:
        assert [row.model_dump() for row in session.exec(select(Invitation))] == before
        assert session.get_one(Campaign, campaign).closed_at is None
    assert (count(runtime, OptOut), count(runtime, WrongPerson), count(runtime, Ballot)) == (0, 0, 0)


def test_the_pages_of_a_link_leave_no_trace(app: Flask, runtime: Runtime) -> None:
    """No store, no referrer, no index; the token is in no cookie, no hidden field and no address that leads away."""
    _campaign, tokens = opened(runtime)
    answer = Visitor(app).get(f"/survey/{tokens[0]}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = answer.get_data(as_text=True)
    assert "noindex" in page
    assert page.count(tokens[0]) == page.count(f'action="/survey/{tokens[0]}"') == 1
    assert not any(tokens[0] in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_opting_out_and_the_wrong_person_are_buttons(app: Flask, runtime: Runtime) -> None:
    """Both are done by POST, lead to a page without a token, and leave the link open."""
    _campaign, tokens = opened(runtime)
    visitor = Visitor(app)
    page = f"/survey/{tokens[0]}/stop"
    answer = visitor.post(f"/survey/{tokens[0]}/wrong-person", {"note": "Ask Mina."}, form_on=page)
    assert (answer.status_code, answer.location) == (303, "/survey/done")
    assert visitor.post(page, form_on=page).status_code == 303
    assert (count(runtime, OptOut), count(runtime, WrongPerson)) == (1, 1)
    assert visitor.get(f"/survey/{tokens[0]}").status_code == 200


def test_a_mail_program_unsubscribes_without_cookies(app: Flask, runtime: Runtime) -> None:
    """The address in List-Unsubscribe takes one POST as RFC 8058 has it; any other POST only leads to the page."""
    opened(runtime)
    header = str(letters_in(runtime.settings.outgoing_mail)[0]["List-Unsubscribe"])
    path = header.strip("<>").removeprefix(runtime.settings.base_url)
    client = app.test_client()
    assert client.post(path).status_code == 303
    assert count(runtime, OptOut) == 0
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 204
    assert count(runtime, OptOut) == 1


def test_the_anonymity_page_names_every_column(app: Flask) -> None:
    """The page lists the columns of invitation, ballot and answer as the tables have them, all with words."""
    page = Visitor(app).get("/survey/anonymity").get_data(as_text=True)
    for model in (Invitation, Ballot, Answer):
        for column in model.__table__.columns:  # type: ignore[attr-defined]
            assert f"<code>{column.name}</code>" in page
    assert "not described yet" not in page
    assert "do not keep the promise" not in page


def test_a_head_librarian_runs_a_campaign_from_the_pages(app: Flask, runtime: Runtime) -> None:
    """Preview, warnings, draft, a batch, pause and resume, closing: each page says what it did."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 12)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    assert "2016.1.00003.S" in visitor.get("/campaigns/due?ground=eligible").get_data(as_text=True)
    new = visitor.get("/campaigns/new").get_data(as_text=True)
    assert "12 persons" in new
    assert "only 0 of 12 projects" in new
    answer = visitor.post("/campaigns/new", {"name": "2026 autumn"}, form_on="/campaigns/new")
    assert answer.status_code == 422
    assert count(runtime, Campaign) == 0
    answer = visitor.post("/campaigns/new", {"name": "2026 autumn", "seen": "y"}, form_on="/campaigns/new")
    assert answer.location == "/campaigns/1"
    assert letters_in(runtime.settings.outgoing_mail) == []
    answer = visitor.post("/campaigns/1/send", {"batch": "8"}, form_on="/campaigns/1", follow_redirects=True)
    assert "8 letters were queued, 8 sent" in answer.get_data(as_text=True)
    assert len(letters_in(runtime.settings.outgoing_mail)) == 8
    answer = visitor.post("/campaigns/1/pause", form_on="/campaigns/1", follow_redirects=True)
    assert "No letters go out" in answer.get_data(as_text=True)
    assert visitor.post("/campaigns/1/send", {"batch": "8"}, form_on="/campaigns/1").status_code == 400
    visitor.post("/campaigns/1/resume", form_on="/campaigns/1")
    answer_all(runtime, tokens_of(runtime, 1), [Filled(9)] * 7)
    page = visitor.get("/campaigns/1").get_data(as_text=True)
    assert re.search(r'step-value">7</span>\s+answered', page)
    answer = visitor.post("/campaigns/1/close", form_on="/campaigns/1/close", follow_redirects=True)
    assert "7 ballots were opened" in answer.get_data(as_text=True)
    assert count(runtime, Answer) == 7


def test_no_page_says_who_answered(app: Flask, runtime: Runtime) -> None:
    """With one link used, the campaign's list shows used and unused projects in the same words."""
    _campaign, tokens = opened(runtime)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    before, file_before = (
        visitor.get("/campaigns/1").get_data(as_text=True),
        visitor.get("/campaigns/1?format=csv").data,
    )
    answer_all(runtime, tokens[:1], [Filled(9)])
    after, file_after = visitor.get("/campaigns/1").get_data(as_text=True), visitor.get("/campaigns/1?format=csv").data
    assert file_before == file_after
    table = 'aria-label="Table of projects"'
    assert before.split(table)[1] == after.split(table)[1]


def test_projects_are_taken_off_with_undo(app: Flask, runtime: Runtime) -> None:
    """An exclusion needs a reason, shows on the list, and can be undone."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    code = "2016.1.00001.S"
    visitor.post("/campaigns/exclusions", {"code": code, "reason": ""}, form_on="/campaigns/due")
    assert count(runtime, SurveyExclusion) == 0
    answer = visitor.post(
        "/campaigns/exclusions", {"code": code, "reason": "left"}, form_on="/campaigns/due", follow_redirects=True
    )
    assert "Undo" in answer.get_data(as_text=True)
    assert "excluded by hand" in answer.get_data(as_text=True)
    visitor.post(f"/campaigns/exclusions/{code}/end", form_on="/campaigns/due")
    assert code in visitor.get("/campaigns/due?ground=eligible").get_data(as_text=True)


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        (Role.LIBRARIAN, 200, 403),
        (Role.HEAD_LIBRARIAN, 200, 200),
        (Role.SURVEY_READER, 200, 403),
        (Role.MANAGER, 403, 403),
    ],
)
def test_who_may_see_and_make_campaigns(app: Flask, runtime: Runtime, role: Role, reads: int, writes: int) -> None:
    """Librarians and survey readers look, head librarians act, managers see neither."""
    visitor = logged_in(app, runtime, role)
    assert visitor.get("/campaigns/").status_code == reads
    assert visitor.get("/campaigns/due").status_code == reads
    assert visitor.get("/campaigns/new").status_code == writes


def test_survey_readers_read_words_apart_from_choices(app: Flask, runtime: Runtime) -> None:
    """What people wrote is for survey readers only: escaped, complete, and no comment beside a choice."""
    campaign, tokens = opened(runtime)
    written = [Filled(1, "Journal <b>of</b> Tests", "First."), *(Filled(n, "", f"Comment {n}.") for n in range(2, 7))]
    answer_all(runtime, tokens, written)
    reader = logged_in(app, runtime, Role.SURVEY_READER)
    assert reader.get(f"/campaigns/{campaign}/answers").status_code == 404
    close_campaign(runtime, MACHINE, campaign)
    page = reader.get(f"/campaigns/{campaign}/answers").get_data(as_text=True)
    assert "Journal &lt;b&gt;of&lt;/b&gt; Tests" in page
    details, comments = page.split('id="comments"')
    for filled in written:
        assert filled.comment in comments
        assert filled.comment not in details
    visitor = Visitor(app)
    assert logged_in(app, runtime, Role.HEAD_LIBRARIAN).get(f"/campaigns/{campaign}/answers").status_code == 403
    assert visitor.get(f"/campaigns/{campaign}/answers").status_code == 302
