"""What a PI sees, as a browser without a screen sees it: the questionnaire, its languages, its promise, its silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.utils import parseaddr
from html import unescape
from io import RawIOBase
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from biblio.errors import StartRefused
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import (
    Answer,
    Ballot,
    Campaign,
    CampaignStratum,
    Comment,
    Invitation,
    OptOut,
    PaperReport,
    WrongPerson,
)
from biblio.store.words import Role
from biblio.web import create_app
from survey.feature import feature as survey
from survey.page.anonymity import promises
from survey.page.answering import NOTE_MAX
from survey.page.language import languages
from survey.page.views import FORM_BYTES
from tests.factories import accept, add_paper, add_user
from tests.survey.people import answer_all, let_it_end, letters_in, make_campaign, open_and_send, said, tokens_of
from tests.web.visitors import Visitor, logged_in

CODES = list(languages())


@pytest.fixture
def small_app(sqlite_runtime: Runtime) -> Flask:
    """The same web door, on SQLite alone: for what no database has a part in."""
    return create_app(sqlite_runtime, features=[survey, public])


def opened(runtime: Runtime, projects: int = 6) -> tuple[int, list[str]]:
    """Make a campaign and send its letters; return its number and the tokens."""
    campaign = make_campaign(runtime, projects=projects)
    open_and_send(runtime, campaign)
    return campaign, tokens_of(runtime, campaign)


def count(runtime: Runtime, model: type) -> int:
    """Return how many rows a table has."""
    with runtime.store.reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()


def used(runtime: Runtime) -> list[bool]:
    """Return whether each link was used, in order."""
    with runtime.store.reading() as session:
        return list(session.exec(select(Invitation.is_used).order_by(col(Invitation.id))))


def text_of(answer: TestResponse) -> str:
    """Return a page as its reader sees its characters."""
    return unescape(answer.get_data(as_text=True))


# -- the questionnaire ------------------------------------------------------------------------------------------------


def test_the_page_shows_the_questionnaire_to_the_letter(app: Flask, runtime: Runtime) -> None:
    """Title, introduction, twelve answers, three fields, comment and both buttons stand on the page, as worded."""
    _campaign, tokens = opened(runtime)
    page = text_of(Visitor(app).get(f"/survey/{tokens[0]}"))
    words = runtime.profile.questionnaire
    for text in (words.title, *words.introduction, *(q.text for q in words.questions), words.status.hint):
        assert runtime.profile.filled(text) in page
    for reason in words.reasons:
        assert f'id="status-choice-{reason.number}" value="{reason.number}"' in page
        assert reason.text in page
    assert re.findall(r'<input[^>]* type="text"[^>]* name="([^"]+)"', page) == ["status-1", "status-10", "status-12"]
    assert re.findall(r'<textarea[^>]* name="([^"]+)"', page) == ["comment"]
    assert f">{words.submit}</button>" in page
    assert f'href="/survey/left">{words.leave}</a>' in page


def test_a_hint_stands_beside_each_text_field(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """Every field to write in names, as its description, the line that asks not to name project, target or oneself."""
    _campaign, tokens = opened(sqlite_runtime)
    page = text_of(Visitor(small_app).get(f"/survey/{tokens[0]}"))
    fields = re.findall(r'<(?:textarea|input)[^>]*id="(comment|status-\d+)"[^>]*aria-describedby="([^"]+)"', page)
    assert [field for field, _ in fields] == ["status-1", "status-10", "status-12", "comment"]
    for _field, described in fields:
        hint = page.split(f'id="{described}">')[1].split("</div>")[0]
        assert "Please do not name yourself, your project or your target here." in hint


def test_an_answer_is_taken(app: Flask, runtime: Runtime) -> None:
    """Submit marks the link as used, puts one ballot into the box, and leads to an address without a token."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    answer = Visitor(app).post(address, {"status": "1", "status-1": "A journal", "comment": "x"}, form_on=address)
    assert (answer.status_code, answer.location) == (303, "/survey/thanks")
    assert used(runtime) == [True] + [False] * 5
    assert count(runtime, Ballot) == 1


def test_a_missing_answer_is_told_and_what_was_typed_is_kept(app: Flask, runtime: Runtime) -> None:
    """The page comes again with a summary that takes the focus and leads to the field, which is marked and described."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    typed = {"comment": "\nkept <b>words</b>\n", "status-10": 'a "dish"'}
    answer = Visitor(app).post(address, typed, form_on=address)
    raw, page = answer.get_data(as_text=True), text_of(answer)
    assert answer.status_code == 422
    assert re.search(r'class="error-summary" role="alert" tabindex="-1" autofocus data-focus-first', page)
    assert '<a href="#status-choice-1">Question 1: Choose exactly one of these answers.</a>' in page
    assert re.search(r'<fieldset[^>]*aria-describedby="status-hint status-error"', page)
    assert 'id="status-error"><span class="visually-hidden">Error:</span> Choose exactly one' in page
    assert len(re.findall(r'name="status" [^>]*aria-invalid="true"', page)) == 12
    assert "<title>Error: ALMA project status questionnaire" in page
    assert ">\n\nkept &lt;b&gt;words&lt;/b&gt;\n</textarea>" in raw
    assert 'name="status-10" value="a &#34;dish&#34;"' in raw
    assert count(runtime, Ballot) == 0


def test_a_text_that_is_too_long_is_told_with_its_length(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """Both texts are told at once, each at its field, with how long they are; the choice is kept."""
    _campaign, tokens = opened(sqlite_runtime)
    address = f"/survey/{tokens[0]}"
    typed = {"status": "1", "status-1": "j" * 301, "comment": "y" * 3001}
    answer = Visitor(small_app).post(address, typed, form_on=address)
    page = text_of(answer)
    assert answer.status_code == 422
    assert "2 things need your attention" in page
    assert '<a href="#status-1">Question 1, The journal: This text has 301 characters, and 300 fit.' in page
    assert '<a href="#comment">Question 2: This text has 3001 characters, and 3000 fit.' in page
    assert 'aria-describedby="status-1-hint status-1-error" aria-invalid="true"' in page
    assert 'aria-describedby="comment-hint comment-error" aria-invalid="true"' in page
    assert re.search(r'value="1"[^>]* checked', page)
    assert "y" * 3001 in page
    assert count(sqlite_runtime, Ballot) == 0


@pytest.mark.parametrize(
    "choices",
    [["0"], ["13"], ["-1"], ["1 "], ["one"], ["１"], ["9" * 5000], ["1", "2"], ["1", "x"], [""]],
    ids=["0", "13", "minus", "blank", "word", "wide", "huge", "two", "one-and-more", "nothing"],
)
def test_only_one_of_the_list_is_an_answer(small_app: Flask, sqlite_runtime: Runtime, choices: list[str]) -> None:
    """A choice outside the list, and two choices where one is asked for, are refused with the page."""
    _campaign, tokens = opened(sqlite_runtime, projects=1)
    address = f"/survey/{tokens[0]}"
    assert Visitor(small_app).post(address, {"status": choices}, form_on=address).status_code == 422
    assert count(sqlite_runtime, Ballot) == 0


def test_a_stale_form_keeps_what_was_typed_and_the_next_press_works(app: Flask, runtime: Runtime) -> None:
    """Without the form's token nothing is stored; the page comes back filled in, and sending it again works."""
    _campaign, tokens = opened(runtime)
    visitor = Visitor(app)
    address = f"/survey/{tokens[0]}"
    answer = visitor.client.post(address, data={"status": "5", "comment": "still here", "csrf_token": "old"})
    assert answer.status_code == 422
    assert "press the button once more" in text_of(answer)
    assert "still here" in text_of(answer)
    assert count(runtime, Ballot) == 0
    assert visitor.post(address, {"status": "5", "comment": "still here"}, form_on=address).status_code == 303


def test_a_replayed_form_is_told_calmly_and_changes_nothing(app: Flask, runtime: Runtime) -> None:
    """A form that is sent again from another tab finds the link closed; one ballot stays."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    visitor = Visitor(app)
    data = {"status": "4", "csrf_token": visitor.token(address)}
    assert visitor.client.post(address, data=data).status_code == 303
    assert [visitor.client.post(address, data=data).status_code for _ in range(3)] == [404] * 3
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
        visitor.client.post(address, data={"status": "4", "csrf_token": form_token}),
    ):
        assert answer.status_code == 200
        assert "A publication has been found" in text_of(answer)
    assert count(runtime, Ballot) == 0


# -- what it promises -------------------------------------------------------------------------------------------------


def test_the_promise_stands_on_the_page(app: Flask, runtime: Runtime) -> None:
    """The promise in the words that were agreed, the fewest persons, when the box is opened, and what is not counted."""
    campaign, tokens = opened(runtime)
    page = text_of(Visitor(app).get(f"/survey/{tokens[0]}"))
    with runtime.store.reading() as session:
        closes_on = session.get_one(Campaign, campaign).closes_on
    assert (
        "Without the key, no one holding the database, any backups, all logs and the mail can tell who answered what; "
        "after closing, no one at all can. Outside the promise: someone who controls the running web server while you "
        "answer, and what your own words give away." in page
    )
    assert "If fewer than 5 persons answer, all ballots are destroyed unread." in page
    assert f"opened once, after the last day of the campaign, {closes_on}; then the key is destroyed" in page
    assert "not by category, cycle or partner" in page


def test_strata_and_waves_are_named_before_anybody_answers(runtime: Runtime) -> None:
    """A campaign that is also counted by something says by what, names the groups, and says when a wave is opened."""
    changed = replace(runtime, settings=runtime.settings.model_copy(update={"survey_wave_persons": 25}))
    campaign, tokens = opened(changed)
    with changed.store.writing() as session:
        session.get_one(Campaign, campaign).stratify_by = "category"
        for name in ("Discs & planets", "Galaxies"):
            session.add(CampaignStratum(campaign_id=campaign, name=name))
    page = text_of(Visitor(create_app(changed, features=[survey, public])).get(f"/survey/{tokens[0]}"))
    assert "whenever at least 25 persons have answered" in page
    assert "Answers are also counted by scientific category:" in page
    assert re.findall(r'<li lang="en">([^<]+)</li>', page.split('class="strata"')[1]) == ["Discs & planets", "Galaxies"]
    assert "Groups in which fewer than 5 persons answered are merged before anything is written." in page


def test_the_anonymity_page_names_every_column(app: Flask) -> None:
    """The page lists the columns of invitation, ballot, answer and comment as the tables have them, all with words."""
    page = text_of(Visitor(app).get("/survey/anonymity"))
    for model in (Invitation, Ballot, Answer, Comment, OptOut):
        for column in model.__table__.columns:  # type: ignore[attr-defined]
            assert f"<code>{column.name}</code>" in page
    assert "not described yet" not in page
    assert "do not keep the promise" not in page


def test_the_anonymity_page_says_which_tables_hold_times(small_app: Flask) -> None:
    """Invitations and opt-outs do; ballots, answers and comments do not, and refer to the campaign alone."""
    page = text_of(Visitor(small_app).get("/survey/anonymity"))
    said_of = {name: rest.split("</p>")[0] for name, rest in re.findall(r"<p>Table (\w+)(.*)", page)}
    assert set(said_of) >= {"invitation", "ballot", "answer", "comment", "opt_out"}
    for name in ("invitation", "opt_out"):
        assert "It holds times." in said_of[name]
    for name in ("ballot", "answer", "comment"):
        assert "It holds no time." in said_of[name]
        assert "It refers to the campaign only" in said_of[name]


def test_the_anonymity_page_says_where_the_promise_is_broken(small_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tables tie an answer to something, the page warns instead of promising in peace."""
    kept = promises(5)
    assert languages()["ja"]("anonymity.broken") not in text_of(Visitor(small_app).get("/survey/anonymity?lang=ja"))
    monkeypatch.setattr("survey.page.views.promises", lambda _minimum: replace(kept, holds=False))
    assert languages()["ja"]("anonymity.broken") in text_of(Visitor(small_app).get("/survey/anonymity?lang=ja"))


# -- one page for everybody -------------------------------------------------------------------------------------------


def test_everybody_gets_the_same_thanks(app: Flask, runtime: Runtime) -> None:
    """Whatever was answered, in whatever language, by whomever: the same bytes and the same headers."""
    _campaign, tokens = opened(runtime)
    shown = []
    for token, lang, data in zip(
        tokens, ("en", "ja", "es"), ({"status": "1", "status-1": "A"}, {"status": "9"}, {"status": "2"}), strict=False
    ):
        visitor = Visitor(app)
        visitor.client.set_cookie("theme", "dark" if lang == "ja" else "light")
        address = f"/survey/{token}?lang={lang}"
        answer = visitor.post(address, data, form_on=address, headers={"Accept-Language": lang})
        assert answer.status_code == 303
        shown.append(visitor.get(answer.location, headers={"Accept-Language": lang}))
    shown.append(Visitor(app).get("/survey/thanks?lang=ko"))
    shown.append(logged_in(app, runtime, Role.LIBRARIAN).get("/survey/thanks"))
    assert {answer.data for answer in shown} == {shown[0].data}
    headers = [[(name, value) for name, value in answer.headers if name != "Date"] for answer in shown]
    assert headers == [headers[0]] * len(shown)


def test_the_thanks_speak_all_languages_and_lead_to_the_public_page(app: Flask) -> None:
    """A short thank-you in each language, the observatory's own in its own; no token, no referrer leads away."""
    page = text_of(Visitor(app).get("/survey/thanks"))
    for code, say in languages().items():
        section = page.split(f'<section class="thanks" lang="{code}"')[1].split("</section>")[0]
        assert say("thanks.title") in section
        assert '<a href="/publication" rel="noreferrer">' in section
        assert (say("frame.unreviewed") in section) is not say.is_reviewed
    assert "Your answer has been put into the sealed ballot box." in page


@dataclass(frozen=True)
class Shown:
    """All that somebody without the database can see of an answer, and what the database was asked for it."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]
    statements: tuple[str, ...]


class Watched:
    """Asks for pages and notes which statements the database gets meanwhile."""

    def __init__(self, app: Flask, runtime: Runtime) -> None:
        self._app, self._engine = app, runtime.store.engine

    def see(self, method: str, path: str, **more: Any) -> Shown:
        """Ask for one page, as somebody new."""
        seen: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        sa.event.listen(self._engine, "before_cursor_execute", note)
        try:
            answer = Visitor(self._app).client.open(path, method=method, **more)
        finally:
            sa.event.remove(self._engine, "before_cursor_execute", note)
        headers = tuple((name, value) for name, value in answer.headers if name != "Date")
        return Shown(answer.status_code, answer.data, headers, tuple(seen))


def links_that_are_not_open(runtime: Runtime) -> list[str]:
    """Return links that were used, withdrawn, never made, far too long, and of a campaign that is closed."""
    closed, over = opened(runtime, projects=6)
    let_it_end(runtime, closed)
    campaign = make_campaign(runtime, projects=8, name="second", start=100)
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    answer_all(runtime, tokens[:6], [said(2)] * 6)
    with runtime.store.writing() as session:
        last = session.exec(select(Invitation).order_by(col(Invitation.id).desc())).first()
        assert last is not None
        last.withdrawn_at = runtime.clock.now()
    return [tokens[0], tokens[7], over[0], "A" * 32, "short", "x" * 10_000, "é" * 32]


@pytest.mark.parametrize("tail", ["", "?lang=ja"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_links_that_are_not_open_are_one_page(app: Flask, runtime: Runtime, method: str, tail: str) -> None:
    """Used, withdrawn, closed and unknown: same status, bytes, headers, and the same statements to the database."""
    watched = Watched(app, runtime)
    data = {"data": {"status": "4", "comment": "typed"}} if method == "POST" else {}
    shown = [watched.see(method, f"/survey/{token}{tail}", **data) for token in links_that_are_not_open(runtime)]
    assert shown == [shown[0]] * len(shown)
    assert shown[0].status == 404
    assert "Set-Cookie" not in dict(shown[0].headers)
    assert sum("SELECT" in statement for statement in shown[0].statements) == 1
    if method == "GET":
        assert languages()[tail.removeprefix("?lang=") or "en"]("closed.title") in shown[0].body.decode()


def test_a_form_sent_to_a_link_that_is_not_open_stores_nothing(app: Flask, runtime: Runtime) -> None:
    """Whether its answer and its token are right makes no difference either."""
    tokens = links_that_are_not_open(runtime)
    visitor, before = Visitor(app), count(runtime, Ballot)
    given = {"status": "4", "csrf_token": visitor.token("/publication")}
    for token in tokens:
        answers = [visitor.client.post(f"/survey/{token}", data=data) for data in (given, {}, {"status": "99"})]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({answer.data for answer in answers}) == 1
    assert count(runtime, Ballot) == before


def test_looking_changes_nothing(app: Flask, runtime: Runtime) -> None:
    """GET and HEAD on every address of a letter write nothing at all: scanners open links."""
    campaign, tokens = opened(runtime)
    watched = Watched(app, runtime)
    of_link = [f"/survey/{tokens[0]}{part}" for part in ("", "/stop", "/unsubscribe")]
    for path in (*of_link, "/survey/left", "/survey/done", "/survey/no-more-letters", "/survey/anonymity"):
        for method in ("GET", "HEAD"):
            shown = watched.see(method, path)
            assert shown.status == 200
            assert not [s for s in shown.statements if re.match(r"\s*(INSERT|UPDATE|DELETE)", s)]
    assert used(runtime) == [False] * 6
    with runtime.store.reading() as session:
        assert session.get_one(Campaign, campaign).closed_at is None
    assert (count(runtime, OptOut), count(runtime, WrongPerson), count(runtime, Ballot)) == (0, 0, 0)


def test_the_pages_of_a_link_leave_no_trace(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """No store, no referrer, no index; one cookie, the form's; the token stands in the form's address alone."""
    _campaign, tokens = opened(sqlite_runtime)
    answer = Visitor(small_app).get(f"/survey/{tokens[0]}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = answer.get_data(as_text=True)
    assert "noindex" in page
    assert page.count(tokens[0]) == page.count(f'action="/survey/{tokens[0]}"') == 1
    cookies = answer.headers.getlist("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["biblio"]
    assert tokens[0] not in cookies[0]
    assert "expires" not in cookies[0].lower()
    assert not re.findall(r'(?:src|href|action)="(?!/|#|\?lang=)', page)
    around_it = ("thanks", "left", "done", "no-more-letters", "anonymity", "no-link")
    for path in (f"/survey/{page}" for page in around_it):
        around = Visitor(small_app).get(path)
        assert "Set-Cookie" not in around.headers
        assert around.headers["Cache-Control"] == "no-store"
        assert around.headers["Referrer-Policy"] == "no-referrer"


# -- languages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [code for code in CODES if code != "en"])
def test_a_language_is_chosen_by_a_link_and_kept_by_links(small_app: Flask, sqlite_runtime: Runtime, code: str) -> None:
    """The page's words change, the questionnaire stays as worded and says so; form and exit keep the language."""
    _campaign, tokens = opened(sqlite_runtime, projects=1)
    say, visitor = languages()[code], Visitor(small_app)
    address = f"/survey/{tokens[0]}?lang={code}"
    page = text_of(visitor.get(address))
    assert f'<html lang="{code}">' in page
    assert f'<span aria-current="true">{say.name}</span>' in page
    assert re.findall(r'<a href="\?lang=([^"]+)" lang="\1" hreflang="\1">', page) == [c for c in CODES if c != code]
    for key in ("form.privacy", "form.required", "form.unnamed", "promise.core", "frame.unreviewed", "frame.original"):
        assert say(key) in page
    assert '<h1 lang="en">ALMA project status questionnaire</h1>' in page
    assert f'action="/survey/{tokens[0]}?lang={code}"' in page
    assert f'href="/survey/left?lang={code}"' in page
    refused = text_of(visitor.post(address, {"comment": "x"}, form_on=address))
    assert say("errors.choose_one") in refused
    around = {"left": "left.title", "done": "stopped.title", "no-more-letters": "no_more.said"}
    for path, key in {**around, "anonymity": "anonymity.way"}.items():
        assert say(key) in text_of(visitor.get(f"/survey/{path}?lang={code}"))
    assert say("stop.no_more_button") in text_of(visitor.get(f"/survey/{tokens[0]}/stop?lang={code}"))


def test_nothing_but_the_address_says_the_language(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """The browser's own wish, an earlier visit and an unknown language make no difference; no cookie notes one."""
    _campaign, tokens = opened(sqlite_runtime)
    address = f"/survey/{tokens[0]}"
    visitor = Visitor(small_app)
    before = visitor.get(address)
    chosen = visitor.get(f"{address}?lang=ko")
    assert chosen.headers.getlist("Set-Cookie") == []
    others = [visitor.get(address), visitor.get(f"{address}?lang=xx"), visitor.get(f"{address}?lang=../en")]
    others.append(visitor.get(address, headers={"Accept-Language": "ko"}))
    token = re.compile(rb'(?<=name="csrf_token" type="hidden" value=")[^"]+')
    assert {token.sub(b"", answer.data) for answer in others} == {token.sub(b"", before.data)}


def test_a_ballot_is_the_same_in_every_language(app: Flask, runtime: Runtime) -> None:
    """What is sealed does not depend on the language: the box opens to the same answers."""
    campaign, tokens = opened(runtime, projects=len(CODES))
    for code, token in zip(CODES, tokens, strict=True):
        address = f"/survey/{token}?lang={code}"
        assert Visitor(app).post(address, {"status": "10", "status-10": "dish"}, form_on=address).status_code == 303
    let_it_end(runtime, campaign)
    with runtime.store.reading() as session:
        assert [(a.question, a.choice, a.word) for a in session.exec(select(Answer))] == [("status", 10, "dish")] * 5


def test_a_wording_that_no_page_can_show_is_refused_at_start(runtime: Runtime) -> None:
    """A questionnaire in a language that the page has no words of, or with an unknown placeholder, starts nothing."""
    words = runtime.profile.questionnaire
    for update, names in (({"language": "tlh"}, "tlh"), ({"title": "About {project}"}, r"\{project\}")):
        profile = runtime.profile.model_copy(update={"questionnaire": words.model_copy(update=update)})
        with pytest.raises(StartRefused, match=names):
            create_app(replace(runtime, profile=profile), features=[survey, public])


# -- letters, and the public page -------------------------------------------------------------------------------------


def test_opting_out_and_the_wrong_person_are_buttons(app: Flask, runtime: Runtime) -> None:
    """Both are done by POST, lead to a page without a token in the same language, and leave the link open."""
    _campaign, tokens = opened(runtime)
    visitor = Visitor(app)
    page = f"/survey/{tokens[0]}/stop"
    answer = visitor.post(f"/survey/{tokens[0]}/wrong-person?lang=es", {"note": "Ask Mina."}, form_on=page)
    assert (answer.status_code, answer.location) == (303, "/survey/done?lang=es")
    answer = visitor.post(page, form_on=page)
    assert (answer.status_code, answer.location) == (303, "/survey/no-more-letters")
    assert "We will not write to this address again. A link that you were sent still works" in text_of(
        visitor.get(answer.location)
    )
    assert (count(runtime, OptOut), count(runtime, WrongPerson)) == (1, 1)
    assert visitor.get(f"/survey/{tokens[0]}").status_code == 200


def test_a_note_that_is_too_long_is_told_and_kept(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """Its length is said beside the field and in the summary, in the page's language; nothing is stored."""
    _campaign, tokens = opened(sqlite_runtime)
    page = f"/survey/{tokens[0]}/stop"
    note = "<Ask> " * 100
    answer = Visitor(small_app).post(f"/survey/{tokens[0]}/wrong-person?lang=es", {"note": note}, form_on=page)
    told = languages()["es"]("errors.long", length=len(note), limit=NOTE_MAX)
    assert answer.status_code == 422
    assert text_of(answer).count(told) == 2
    assert f'value="{note}"' in text_of(answer)
    assert "<Ask>" not in answer.get_data(as_text=True)
    assert count(sqlite_runtime, WrongPerson) == 0


def test_a_mail_program_unsubscribes_without_cookies(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """The address in List-Unsubscribe takes one POST as RFC 8058 has it; any other POST only leads to the page."""
    opened(sqlite_runtime)
    header = str(letters_in(sqlite_runtime.settings.outgoing_mail)[0]["List-Unsubscribe"])
    path = header.strip("<>").removeprefix(sqlite_runtime.settings.base_url)
    client = small_app.test_client()
    assert client.post(path).status_code == 303
    assert count(sqlite_runtime, OptOut) == 0
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 204
    assert count(sqlite_runtime, OptOut) == 1


def test_a_mail_program_that_only_opens_addresses_gets_the_page_of_letters(
    small_app: Flask, sqlite_runtime: Runtime
) -> None:
    """GET on the address in List-Unsubscribe shows what /stop shows."""
    _campaign, tokens = opened(sqlite_runtime)
    visitor = Visitor(small_app)
    pages = [text_of(visitor.get(f"/survey/{tokens[0]}/{part}")) for part in ("stop", "unsubscribe")]
    assert re.sub('value="[^"]*"', "", pages[0]) == re.sub('value="[^"]*"', "", pages[1])
    assert f'action="/survey/{tokens[0]}/stop"' in pages[1]


@pytest.mark.parametrize("code", ["en", "es", "ja", "ko", "zh-Hant"])
def test_who_opts_out_by_a_link_of_long_ago_is_told_how_to_do_it(
    small_app: Flask, sqlite_runtime: Runtime, code: str
) -> None:
    """When a campaign's addresses were erased nobody knows whose link it was: the page says where to write instead."""
    visitor = Visitor(small_app)
    answers = [
        visitor.get(f"/survey/{link * 32}/{part}?lang={code}") for link in "AB" for part in ("stop", "unsubscribe")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub("/survey/[^/]*/[a-z]*", "", text_of(answer)) for answer in answers}) == 1
    page = text_of(answers[0])
    assert languages()[code]("unknown.title") in page
    assert parseaddr(sqlite_runtime.settings.mail_from)[1] in page
    assert str(sqlite_runtime.settings.survey_keep_months) in page
    one_click = small_app.test_client().post(f"/survey/{'A' * 32}/unsubscribe", data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 404


def test_letter_and_page_say_why_the_page_names_no_project(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """The letter puts each link under its project; the page names none and says so."""
    _campaign, tokens = opened(sqlite_runtime)
    letter = letters_in(sqlite_runtime.settings.outgoing_mail)[0].get_content()
    assert "Each link is for the project above it; the page itself does not name it." in letter
    page = text_of(Visitor(small_app).get(f"/survey/{tokens[0]}"))
    assert languages()["en"]("form.unnamed") in page
    assert not [code for code in re.findall(r"\d{4}\.\d\.\d{5}\.\w", letter) if code in page]


def test_the_public_page_makes_a_suggestion_and_nothing_else(app: Flask, runtime: Runtime) -> None:
    """Letter, page and footer lead to /publication; what is told there waits on the desk, and no link or ballot changes."""
    _campaign, tokens = opened(runtime)
    letter = letters_in(runtime.settings.outgoing_mail)[0].get_content()
    assert f"{runtime.settings.base_url}/publication" in letter
    visitor = Visitor(app)
    for path in (f"/survey/{tokens[0]}", "/survey/left", "/survey/nothing", "/survey/anonymity"):
        assert '<a href="/publication" rel="noreferrer">' in visitor.get(path).get_data(as_text=True)
    with runtime.store.reading() as session:
        rows = [row.model_dump() for row in session.exec(select(Invitation))]
    told = {"identifier": "10.1234/fictional.5678", "project_code": "2016.1.00003.S"}
    assert visitor.post("/publication", told, form_on="/publication").status_code == 302
    assert count(runtime, PaperReport) == 1
    with runtime.store.reading() as session:
        assert [row.model_dump() for row in session.exec(select(Invitation))] == rows
    assert (count(runtime, Ballot), count(runtime, WrongPerson), count(runtime, OptOut)) == (0, 0, 0)


# -- bad input --------------------------------------------------------------------------------------------------------


class Poured(RawIOBase):
    """A stream of so many bytes that counts how many of them were taken."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.left, self.taken = size, 0

    def readable(self) -> bool:
        """Whether it can be read: it can."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Give the next bytes."""
        given = min(len(buffer), self.left)
        buffer[:given] = b"z" * given
        self.left -= given
        self.taken += given
        return given


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
@pytest.mark.parametrize("length", ["told", "untold"])
def test_ten_megabytes_are_refused_before_they_are_read(
    small_app: Flask, sqlite_runtime: Runtime, kind: str, length: str
) -> None:
    """A giant form is refused: unread where it tells its length, else not read on past the limit; the link stays open."""
    _campaign, tokens = opened(sqlite_runtime, projects=1)
    address, poured = f"/survey/{tokens[0]}", Poured(10_000_000)
    environ = EnvironBuilder(address, method="POST", content_type=kind).get_environ()
    del environ["CONTENT_LENGTH"]
    told = {"CONTENT_LENGTH": "10000000"} if length == "told" else {"wsgi.input_terminated": True}
    _body, status, _headers = run_wsgi_app(small_app.wsgi_app, {**environ, "wsgi.input": poured, **told}, buffered=True)
    assert status[:3] in (("413",) if length == "told" else ("413", "422"))
    assert poured.taken <= (0 if length == "told" else FORM_BYTES)
    assert Visitor(small_app).get(address).status_code == 200
    assert (used(sqlite_runtime), count(sqlite_runtime, Ballot)) == ([False], 0)


@pytest.fixture
def rates(small_app: Flask) -> Iterator[dict[str, Any]]:
    """What the store of rates holds of this app, by key."""
    (limiter,) = small_app.extensions["limiter"]
    yield limiter.storage.uses
    limiter.reset()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_flood_on_one_link_is_stopped_and_keeps_nobody_else_out(
    small_app: Flask, sqlite_runtime: Runtime, rates: dict[str, Any], method: str
) -> None:
    """Of 200 requests the later ones get 429 with Retry-After and no statement; other links go on, from there as well."""
    _campaign, tokens = opened(sqlite_runtime)
    watched = Watched(small_app, sqlite_runtime)
    shown = [watched.see(method, f"/survey/{tokens[0]}") for _ in range(200)]
    refused = [each for each in shown if each.status == 429]
    assert len(refused) == 200 - (20 if method == "POST" else 60)
    assert refused == shown[-len(refused) :]
    for each in (refused[0], refused[-1]):
        assert each.statements == ()
        assert 1 <= int(dict(each.headers)["Retry-After"]) <= 61
    assert Visitor(small_app).get(f"/survey/{tokens[1]}").status_code == 200
    other = Visitor(small_app).get(f"/survey/{tokens[0]}/stop", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert other.status_code == 200
    kept = str(rates)
    assert "survey" in kept
    assert tokens[0] not in kept
    assert "127.0.0.1" not in kept
    assert "192.0.2.7" not in kept


def test_guessed_links_are_one_page_and_one_statement(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """Tokens guessed at random find nothing, and the sender's own link still works after a hundred of them."""
    _campaign, tokens = opened(sqlite_runtime)
    watched = Watched(small_app, sqlite_runtime)
    shown = {watched.see("GET", f"/survey/{number:032x}") for number in range(100)}
    assert len(shown) == 1
    assert next(iter(shown)).status == 404
    assert Visitor(small_app).get(f"/survey/{tokens[0]}").status_code == 200


def test_control_characters_are_left_out_and_nul_is_refused(app: Flask, runtime: Runtime) -> None:
    """Bells and escapes do not reach a ballot; a NUL in form or address is refused before the database is asked."""
    campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"
    watched, visitor = Watched(app, runtime), Visitor(app)
    for path, data in ((address, {"status": "12", "comment": "a\0b"}), (f"{address}%00", {}), (address, {"\0": "x"})):
        shown = watched.see("POST", path, data=data)
        assert (shown.status, shown.statements) == (400, ())
    typed = {"status": "12", "status-12": "be\x07ll\x1b[31m", "comment": "two\r\nlines\x00"[:-1] + "\x85"}
    assert visitor.post(address, typed, form_on=address).status_code == 303
    answer_all(runtime, tokens[1:], [said(2)] * 5)
    let_it_end(runtime, campaign)
    with runtime.store.reading() as session:
        assert sorted(session.exec(select(Answer.word)))[-1] == "bell[31m"
        assert list(session.exec(select(Comment.words))) == ["two\nlines"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"status": "4"}'),
        ("application/json", b"[1]"),
        ("application/json", b"\xff\0"),
        ("text/plain", b"status=4"),
        ("nonsense", b"status=4"),
        ("", b"status=4"),
    ],
    ids=["json", "json-list", "no-json", "text", "nonsense", "none"],
)
def test_another_kind_of_content_is_an_empty_form(
    small_app: Flask, sqlite_runtime: Runtime, kind: str, body: bytes
) -> None:
    """What is no form is not read: the page comes again, nothing is stored, the link stays open."""
    _campaign, tokens = opened(sqlite_runtime, projects=1)
    client = Visitor(small_app).client
    answers = [client.post(f"/survey/{token}", data=body, content_type=kind) for token in (tokens[0], "A" * 32)]
    assert [answer.status_code for answer in answers] == [422, 404]
    assert (used(sqlite_runtime), count(sqlite_runtime, Ballot)) == ([False], 0)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_refused_alike_for_every_link(small_app: Flask, sqlite_runtime: Runtime, method: str) -> None:
    """405 with the same bytes and no statement, whether the link is right or wrong."""
    _campaign, tokens = opened(sqlite_runtime, projects=1)
    watched = Watched(small_app, sqlite_runtime)
    shown = [watched.see(method, f"/survey/{token}") for token in (tokens[0], "A" * 32)]
    assert shown[0] == shown[1]
    assert (shown[0].status, shown[0].statements) == (405, ())


def test_no_log_line_holds_a_link_or_what_was_typed(
    small_app: Flask, sqlite_runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    """Right and wrong requests, refusals and floods leave lines without token, answer or query."""
    _campaign, tokens = opened(sqlite_runtime)
    visitor, address = Visitor(small_app), f"/survey/{tokens[0]}"
    visitor.post(f"{address}?lang=ja", {"comment": "a very own word"}, form_on=address)
    for _ in range(25):
        visitor.client.post(address, data={"comment": "a very own word"})
    visitor.get(f"{address}/stop")
    visitor.get(f"{address}/no/such/page")
    visitor.client.put(address)
    printed = "".join(capsys.readouterr())
    assert "/survey/<token>" in printed
    assert tokens[0] not in printed
    assert "very own" not in printed
    assert "lang=ja" not in printed


def test_a_busy_database_loses_nothing_that_was_typed(
    app: Flask, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the answer cannot be stored in time, the form comes back filled in with 503, and the link stays open."""
    _campaign, tokens = opened(runtime)
    address = f"/survey/{tokens[0]}"

    def held_up(*_arguments: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    with monkeypatch.context() as busy:
        busy.setattr("survey.page.views.submit", held_up)
        data = {"status": "4", "comment": "Words that took long."}
        answer = Visitor(app).post(address, data, form_on=address)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    page = answer.get_data(as_text=True)
    assert "nothing was sent" in page
    assert "Words that took long." in page
    assert count(runtime, Ballot) == 0
    assert Visitor(app).post(address, data, form_on=address).status_code == 303
