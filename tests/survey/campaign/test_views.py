"""The pages of the campaigns, as browsers without a screen see them: who may do what, and that none says who answered."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import col, select

from biblio.runtime import Runtime
from biblio.store.models import Answer, Campaign, ProjectRevision
from biblio.store.words import Role
from survey.page.answering import wrong_person
from tests.survey.campaign.test_queries import came_back
from tests.survey.people import (
    add_silent_projects,
    answer_all,
    let_it_end,
    letters_in,
    make_campaign,
    open_and_send,
    said,
    tokens_of,
)
from tests.web.visitors import logged_in


def opened(runtime: Runtime, projects: int = 20) -> tuple[int, list[str]]:
    """Make a campaign and send its letters; return its number and the tokens."""
    campaign = make_campaign(runtime, projects=projects)
    open_and_send(runtime, campaign)
    return campaign, tokens_of(runtime, campaign)


def count(runtime: Runtime, model: type) -> int:
    """Return how many rows a table has."""
    with runtime.store.reading() as session:
        found: int = session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()
        return found


def test_a_head_librarian_runs_a_campaign_from_the_pages(app: Flask, runtime: Runtime) -> None:
    """Preview, warnings, draft, a batch, pause and resume, the end of asking: each page says what it did."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 22)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    new = visitor.get("/campaigns/new").get_data(as_text=True)
    assert "22 persons" in new
    assert "only 0 of 22 projects" in new
    answer = visitor.post("/campaigns/new", {"name": "2026 autumn"}, form_on="/campaigns/new")
    assert answer.status_code == 422
    assert count(runtime, Campaign) == 0
    answer = visitor.post("/campaigns/new", {"name": "2026 autumn", "seen": "y"}, form_on="/campaigns/new")
    assert answer.location == "/campaigns/1"
    ahead = visitor.get("/campaigns/1/letters?batch=8").get_data(as_text=True)
    assert "8 letters" in ahead
    assert "2016.1.00007.S" in ahead
    assert "2016.1.00008.S" not in ahead
    assert letters_in(runtime.settings.outgoing_mail) == []
    answer = visitor.post("/campaigns/1/send", {"batch": "8"}, form_on="/campaigns/1", follow_redirects=True)
    assert "8 letters were queued, 8 sent" in answer.get_data(as_text=True)
    assert len(letters_in(runtime.settings.outgoing_mail)) == 8
    answer = visitor.post("/campaigns/1/pause", form_on="/campaigns/1", follow_redirects=True)
    assert "No letters go out" in answer.get_data(as_text=True)
    answer = visitor.post("/campaigns/1/send", {"batch": "8"}, form_on="/campaigns/1", follow_redirects=True)
    assert "The campaign is paused" in answer.get_data(as_text=True)
    assert len(letters_in(runtime.settings.outgoing_mail)) == 8
    visitor.post("/campaigns/1/resume", form_on="/campaigns/1")
    answer_all(runtime, tokens_of(runtime, 1), [said(9)] * 7)
    page = visitor.get("/campaigns/1").get_data(as_text=True)
    assert re.search(r'step-value">7</span>\s+answered', page)
    assert "never by hand" in visitor.get("/campaigns/1/close").get_data(as_text=True)
    answer = visitor.post("/campaigns/1/close", form_on="/campaigns/1/close", follow_redirects=True)
    assert "opened after 2027-01-03" in answer.get_data(as_text=True)
    assert count(runtime, Answer) == 0
    let_it_end(runtime, 1)
    assert count(runtime, Answer) == 7


def test_no_page_says_who_answered(app: Flask, runtime: Runtime) -> None:
    """With one link used, the campaign's list shows used and unused projects in the same words."""
    _campaign, tokens = opened(runtime)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    before, file_before = (
        visitor.get("/campaigns/1").get_data(as_text=True),
        visitor.get("/campaigns/1?format=csv").data,
    )
    answer_all(runtime, tokens[:1], [said(9)])
    after, file_after = visitor.get("/campaigns/1").get_data(as_text=True), visitor.get("/campaigns/1?format=csv").data
    assert file_before == file_after
    table = 'aria-label="Table of projects"'
    assert before.split(table)[1] == after.split(table)[1]


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        (Role.LIBRARIAN, 200, 403),
        (Role.HEAD_LIBRARIAN, 200, 200),
        (Role.SURVEY_READER, 403, 403),
        (Role.MANAGER, 403, 403),
    ],
)
def test_who_may_see_and_make_campaigns(app: Flask, runtime: Runtime, role: Role, reads: int, writes: int) -> None:
    """Librarians look, head librarians act; managers, and those who read answers, see no names of who is asked."""
    visitor = logged_in(app, runtime, role)
    assert visitor.get("/campaigns/").status_code == reads
    assert visitor.get("/campaigns/questionnaire").status_code == reads
    assert visitor.get("/campaigns/new").status_code == writes


@pytest.mark.smallest
def test_too_few_persons_are_told_beforehand(app: Flask, runtime: Runtime) -> None:
    """With fewer than twenty persons the page says to wait and ask them with the next; pressing the button makes nothing."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 24, per_person=2)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    assert "Only 12 persons would be asked; a campaign needs 20" in visitor.get("/campaigns/new").get_data(as_text=True)
    assert "the button refuses" in visitor.get("/campaigns/new").get_data(as_text=True)
    answer = visitor.post("/campaigns/new", {"name": "un\x07seen", "seen": "y"}, form_on="/campaigns/new")
    assert "signs that cannot be seen" in answer.get_data(as_text=True)
    assert "Nothing was made." not in answer.get_data(as_text=True)
    answer = visitor.post("/campaigns/new", {"name": "small", "seen": "y"}, form_on="/campaigns/new")
    assert answer.status_code == 422
    assert "Nothing was made." in answer.get_data(as_text=True)
    assert count(runtime, Campaign) == 0


def test_the_groups_to_count_by_are_shown_before_they_are_chosen(app: Flask, runtime: Runtime) -> None:
    """By partner, the page names each group with its persons, and says which is too small to stand alone."""
    with runtime.store.writing() as session:
        numbers = add_silent_projects(session, 24)
        few = session.exec(select(ProjectRevision).where(col(ProjectRevision.project_id).in_(numbers[:3]))).all()
        for row in few:
            row.partner = "EA"
            session.add(row)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = visitor.get("/campaigns/new?stratify_by=partner").get_data(as_text=True)
    assert re.search(r"EA <span[^>]*>will be merged</span></th><td[^>]*>3</td><td[^>]*>3</td>", page)
    assert re.search(r"EU</th><td[^>]*>21</td><td[^>]*>21</td>", page)
    form = {"name": "autumn", "seen": "y", "stratify_by": "partner"}
    visitor.post("/campaigns/new", form, form_on="/campaigns/new")
    draft = visitor.get("/campaigns/1").get_data(as_text=True)
    assert re.search(r"<li>EA <span[^>]*>will be merged</span> 3 persons, fewer than 5</li><li>EU</li>", draft)
    assert page.count('name="stratify_by"') == 2  # the choice, and what it was when the page was made
    assert 'type="hidden" name="stratify_by" value="partner"' in page


def test_a_draft_takes_over_a_wording_that_changed(app: Flask, runtime: Runtime) -> None:
    """While nothing was sent the present wording is offered; after the first letter the page says which is frozen."""
    campaign = make_campaign(runtime, projects=20)
    with runtime.store.writing() as session:
        row = session.get_one(Campaign, campaign)
        row.questionnaire = {**row.questionnaire, "version": "1999-01"}
        session.add(row)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    assert "Take over the present wording" in visitor.get("/campaigns/1").get_data(as_text=True)
    visitor.post("/campaigns/1/wording", form_on="/campaigns/1")
    page = visitor.get("/campaigns/1").get_data(as_text=True)
    assert "Take over" not in page
    assert f"version {runtime.profile.questionnaire.version}" in page
    with runtime.store.writing() as session:
        row = session.get_one(Campaign, campaign)
        row.questionnaire = {**row.questionnaire, "version": "1999-01"}
        session.add(row)
    open_and_send(runtime, campaign)
    page = visitor.get("/campaigns/1").get_data(as_text=True)
    assert "version 1999-01</a>, frozen since the first letter; the profile has another wording now" in page
    assert "Take over" not in page


def test_the_list_is_filtered_sorted_and_exported(app: Flask, runtime: Runtime) -> None:
    """Code or name and the state of the letter narrow the list; the file holds what the page shows."""
    campaign = make_campaign(runtime, projects=20)
    open_and_send(runtime, campaign, batch=3)
    visitor = logged_in(app, runtime, Role.LIBRARIAN)
    assert "3 projects" in visitor.get("/campaigns/1?letter=sent").get_data(as_text=True)
    assert "1 project" in visitor.get("/campaigns/1?q=person19,").get_data(as_text=True)
    lines = visitor.get("/campaigns/1?letter=sent&sort=-code&format=csv").get_data(as_text=True).splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["2016.1.00002.S", "2016.1.00001.S", "2016.1.00000.S"]
    assert "@" not in "".join(lines)


def test_the_sample_is_one_persons_letter(app: Flask, runtime: Runtime) -> None:
    """It names all projects of the first person and of nobody else; with nobody due the page says so."""
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    assert "no letter to show" in visitor.get("/campaigns/new").get_data(as_text=True)
    with runtime.store.writing() as session:
        add_silent_projects(session, 9, per_person=3)
    letter = visitor.get("/campaigns/new").get_data(as_text=True).split('class="letter"')[1]
    assert [number for number in range(9) if f"Fictional discs {number}" in letter] == [0, 1, 2]


def test_letters_that_came_back_are_seen_and_found(app: Flask, runtime: Runtime) -> None:
    """The progress leads to those whose letter came back; an ended campaign lists no reminder that is off."""
    campaign, _tokens = opened(runtime)
    came_back(runtime, 4)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = visitor.get(f"/campaigns/{campaign}").get_data(as_text=True)
    assert "1 came back</a>" in page
    assert "2026-12-06" in page
    assert "1 project" in visitor.get(f"/campaigns/{campaign}?letter=came+back").get_data(as_text=True)
    visitor.post(f"/campaigns/{campaign}/close", form_on=f"/campaigns/{campaign}/close")
    page = visitor.get(f"/campaigns/{campaign}").get_data(as_text=True)
    assert "sealed until 2027-01-03 is over" in page
    assert "2026-12-06" not in page
    assert "ended, box sealed" in visitor.get("/campaigns/").get_data(as_text=True)


def test_messages_of_the_wrong_person_are_seen_to_with_undo(app: Flask, runtime: Runtime) -> None:
    """A message names project and campaign; marked as seen to it moves below, and can be taken back."""
    _campaign, tokens = opened(runtime)
    with runtime.store.writing() as session:
        wrong_person(session, runtime, tokens[0], "Ask Mina instead.")
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = visitor.get("/campaigns/").get_data(as_text=True)
    assert "Ask Mina instead." in page
    assert re.search(r'2016\.1\.00000\.S</a></th><td[^>]*><a href="/campaigns/1">autumn</a>', page)
    answer = visitor.post("/campaigns/wrong-persons/1", form_on="/campaigns/", follow_redirects=True)
    assert "1 message seen to" in answer.get_data(as_text=True)
    answer = visitor.post("/campaigns/wrong-persons/1/again", form_on="/campaigns/", follow_redirects=True)
    assert "seen to by" not in answer.get_data(as_text=True)
    answer = visitor.post("/campaigns/wrong-persons/1/again", form_on="/campaigns/", follow_redirects=True)
    assert "Nobody has seen to this message yet" in answer.get_data(as_text=True)
