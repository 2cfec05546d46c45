"""The campaign pages in a real browser: both widths, light and dark, and a campaign made and sent by keyboard and mouse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.runtime import Runtime
from biblio.store.models import ProjectRevision
from biblio.store.words import Band, Role
from survey.campaign.sending import queue_batch
from survey.campaign.service import create_campaign
from tests.browser.looks import look
from tests.factories import accept, add_candidate, add_paper, add_project, add_user
from tests.survey.people import add_silent_projects

LogIn = Callable[..., Actor]


def fill(runtime: Runtime) -> int:
    """Add projects under several grounds, verified papers in one cycle, a draft and an open campaign; return the draft."""
    with runtime.store.writing() as session:
        asked = add_silent_projects(session, 24, per_person=1)
        for row in session.exec(select(ProjectRevision).where(col(ProjectRevision.project_id).in_(asked[:3]))):
            row.category = "Discs and planet formation"
            session.add(row)
        campaign = create_campaign(session, runtime, MACHINE, name="2026 spring").campaign_id
        queue_batch(session, runtime, MACHINE, campaign, batch=20)
        add_silent_projects(session, 30, start=100)
        waits = add_project(session, "2013.1.00001.S", released_on=date(2016, 1, 1))
        add_candidate(session, add_paper(session, "A certain candidate"), waits, band=Band.CERTAIN)
        add_project(session, "2013.1.00002.S", released_on=date(2026, 1, 1))
        actor = add_user(session, "tom")
        for number in range(12):
            old = add_project(session, f"2015.1.{number:05}.S")
            if number % 3:
                accept(session, actor, add_paper(session, f"Rings {number}"), old, now=runtime.clock.now())
        draft = create_campaign(session, runtime, MACHINE, name="2026 autumn", stratify_by="category").campaign_id
        add_silent_projects(session, 22, start=200)
        return draft


@pytest.mark.parametrize("width", ["page", "phone"])
def test_campaign_pages_are_clean_at_both_widths(
    request: pytest.FixtureRequest, width: str, live_runtime: Runtime, log_in: LogIn
) -> None:
    """What a campaign would do, where projects stand and why, the next letters, the end: clean for axe, wide as the window."""
    window: Page = request.getfixturevalue(width)
    draft = fill(live_runtime)
    log_in(window, Role.HEAD_LIBRARIAN)
    pages = {
        "campaigns": "/campaigns/",
        "campaigns-new": "/campaigns/new?stratify_by=category",
        "campaigns-due": "/campaigns/due",
        "campaigns-project": "/campaigns/due/2013.1.00001.S",
        "campaigns-asked": "/campaigns/due/2016.1.00000.S",
        "campaigns-draft": f"/campaigns/{draft}",
        "campaigns-open": "/campaigns/1",
        "campaigns-letters": f"/campaigns/{draft}/letters?batch=3",
        "campaigns-close": "/campaigns/1/close",
        "campaigns-wording": "/campaigns/questionnaire",
    }
    for name, address in pages.items():
        window.goto(address)
        look(window, name)


def test_a_campaign_is_made_and_sent_without_javascript(plain_page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """From the list to the draft, its letters and the first batch, by links and buttons alone."""
    with live_runtime.store.writing() as session:
        add_silent_projects(session, 21)
    log_in(plain_page, Role.HEAD_LIBRARIAN)
    plain_page.goto("/campaigns/")
    plain_page.get_by_role("link", name="New campaign").click()
    plain_page.get_by_label("Name").fill("2026 autumn")
    plain_page.get_by_label("I have read the warnings above.").check()
    plain_page.get_by_role("button", name="Make a draft").click()
    expect(plain_page.get_by_text("The draft asks 21 persons")).to_be_visible()
    plain_page.get_by_role("link", name="Read the next letters").click()
    expect(plain_page.get_by_text("Fictional discs 0")).to_be_visible()
    plain_page.go_back()
    plain_page.get_by_label("Letters now").fill("5")
    plain_page.get_by_role("button", name="Send", exact=True).click()
    expect(plain_page.get_by_text("5 letters were queued, 5 sent.")).to_be_visible()
    plain_page.get_by_role("link", name="2016.1.00003.S").click()
    expect(plain_page.get_by_role("row", name="asked before")).to_contain_text("decides")
