"""The pages of where projects stand: lists, one project's facts, and what people say of it, with undo."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import col, select

from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import AskingAgain, SurveyExclusion
from biblio.store.words import Band, Role
from biblio.web import create_app
from tests.factories import accept, add_candidate, add_paper, add_project, add_user
from tests.survey.people import add_silent_projects, make_campaign, open_and_send
from tests.web.visitors import logged_in

CODE = "2016.1.00001.S"


def live(runtime: Runtime, model: type[SurveyExclusion] | type[AskingAgain]) -> int:
    """Return how many rows of a table are in force."""
    with runtime.store.reading() as session:
        query = select(sa.func.count()).select_from(model).where(col(model.ended_at).is_(None))
        return session.exec(query).one()


def test_the_list_says_why_and_leads_to_each_project(app: Flask, runtime: Runtime) -> None:
    """Filters by standing, code and day; each row links to its project, and the file holds the reasons."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
        add_project(session, "2016.1.00900.S", is_pi_project=False)
    visitor = logged_in(app, runtime, Role.LIBRARIAN)
    page = visitor.get("/campaigns/due?ground=eligible").get_data(as_text=True)
    assert f'href="/campaigns/due/{CODE}"' in page
    assert "00900" not in page
    assert "No project here" in visitor.get("/campaigns/due?as_of=2020-01-01").get_data(as_text=True)
    assert visitor.get("/campaigns/due?as_of=tomorrow").status_code == 400
    lines = visitor.get("/campaigns/due?code=00900&format=csv").get_data(as_text=True).splitlines()
    assert [line[3] for line in csv.reader(lines)] == ["standing", "not_pi_project"]


def test_one_projects_page_shows_every_step(runtime: Runtime) -> None:
    """The decider is marked, papers and candidates lead to the desk for those who may see it, the day is in the address."""
    app = create_app(runtime)
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = add_paper(session, "Accepted <i>here</i>")
        accept(session, add_user(session), paper, project, now=runtime.clock.now())
        add_candidate(session, add_paper(session, "Waits"), project, band=Band.CERTAIN)
    page = logged_in(app, runtime, Role.LIBRARIAN).get(f"/campaigns/due/{CODE}").get_data(as_text=True)
    assert page.count(">decides<") == 1
    assert page.count(">against, too<") == 1
    assert f'href="/desk/paper/{paper}"' in page
    assert "Accepted &lt;i&gt;here&lt;/i&gt;" in page or "Accepted here" in page
    assert "bora.ahn@example.org" not in page
    manager = logged_in(app, runtime, Role.MANAGER)
    page = manager.get(f"/campaigns/due/{CODE}").get_data(as_text=True)
    assert "Waits" in page
    assert "/desk/paper/" not in page
    page = manager.get(f"/campaigns/due/{CODE}?as_of=2026-11-01").get_data(as_text=True)
    assert "It is not asked on 2026-11-01 (UTC): undecided candidate" in page
    assert "was not known on 2020-01-01" in manager.get(f"/campaigns/due/{CODE}?as_of=2020-01-01").get_data(
        as_text=True
    )
    assert manager.get("/campaigns/due/2099.1.00001.S").status_code == 404
    answer = manager.get(f"/campaigns/due/{CODE.lower()}?as_of=2026-11-01")
    assert (answer.status_code, answer.location) == (301, f"/campaigns/due/{CODE}?as_of=2026-11-01")


def test_projects_are_taken_off_and_put_back_with_undo(app: Flask, runtime: Runtime) -> None:
    """An exclusion needs a reason; putting back can be undone, with the reason that stood before."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    visitor.post("/campaigns/exclusions", {"code": CODE, "reason": ""}, form_on="/campaigns/due")
    assert live(runtime, SurveyExclusion) == 0
    form = {"code": CODE, "reason": "has left"}
    page = visitor.post("/campaigns/exclusions", form, form_on="/campaigns/due", follow_redirects=True)
    assert "Undo" in page.get_data(as_text=True)
    assert "Taken off the list by hand: has left" in page.get_data(as_text=True)
    page = visitor.post("/campaigns/exclusions", form, form_on="/campaigns/due", follow_redirects=True)
    assert "is off the list already" in page.get_data(as_text=True)
    visitor.post(f"/campaigns/exclusions/{CODE}/end", form_on="/campaigns/due")
    assert live(runtime, SurveyExclusion) == 0
    page = visitor.post(f"/campaigns/exclusions/{CODE}/again", form_on="/campaigns/due", follow_redirects=True)
    assert "Taken off the list by hand: has left" in page.get_data(as_text=True)


def test_leave_to_ask_again_is_a_button_of_managers(app: Flask, runtime: Runtime, clock: FixedClock) -> None:
    """With a reason it lifts the earlier asking; undo takes it back; librarians have no such button."""
    open_and_send(runtime, make_campaign(runtime, projects=2))
    clock.move(timedelta(days=1))
    address = f"/campaigns/due/{CODE}"
    assert "asked about once more" not in logged_in(app, runtime, Role.LIBRARIAN).get(address).get_data(as_text=True)
    manager = logged_in(app, runtime, Role.MANAGER)
    assert "Let it be asked about once more" in manager.get(address).get_data(as_text=True)
    page = manager.post(f"{address}/again", {"why": " "}, form_on=address, follow_redirects=True)
    assert "nothing was changed" in page.get_data(as_text=True)
    page = manager.post(f"{address}/again", {"why": "New data."}, form_on=address, follow_redirects=True)
    assert "It is due to be asked" in page.get_data(as_text=True)
    assert live(runtime, AskingAgain) == 1
    page = manager.post(f"{address}/again/end", form_on=address, follow_redirects=True)
    assert "taken back" in page.get_data(as_text=True)
    assert live(runtime, AskingAgain) == 0


def test_managers_find_the_way_and_a_draft_is_told_as_one(app: Flask, runtime: Runtime) -> None:
    """The comparison leads managers to who is due; of a project on a draft, discarding the draft would change it."""
    make_campaign(runtime, projects=2)
    manager = logged_in(app, runtime, Role.MANAGER)
    assert 'href="/campaigns/due">Who is due, and why' in manager.get("/campaigns/compare").get_data(as_text=True)
    page = manager.get(f"/campaigns/due/{CODE}").get_data(as_text=True)
    assert page.count("A head librarian discards the draft.") == 2
    assert "leave to ask once more" not in page
    assert "Whether a link was used is not shown here." in page
    reader = logged_in(app, runtime, Role.SURVEY_READER)
    assert "Who is due" not in reader.get("/campaigns/compare").get_data(as_text=True)


@pytest.mark.parametrize(
    ("role", "reads", "leaves"),
    [
        (Role.LIBRARIAN, 200, 403),
        (Role.HEAD_LIBRARIAN, 200, 302),
        (Role.SURVEY_READER, 403, 403),
        (Role.MANAGER, 200, 302),
        (Role.ADMIN, 200, 403),
    ],
)
def test_who_may_look_and_who_may_give_leave(app: Flask, runtime: Runtime, role: Role, reads: int, leaves: int) -> None:
    """All but those who read answers see why; managers and head librarians give leave."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 2)
    visitor = logged_in(app, runtime, role)
    assert visitor.get("/campaigns/due").status_code == reads
    assert visitor.get(f"/campaigns/due/{CODE}").status_code == reads
    assert visitor.post(f"/campaigns/due/{CODE}/again", {"why": "x"}, form_on="/campaigns/due").status_code == leaves
