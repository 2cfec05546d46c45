"""Whole journeys through the house in a real browser: from the desk to the report, from the letter to the thanks."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from biblio.catalogue.actor import Actor
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.verify.proposing.match import match
from tests.factories import add_paper, add_project
from tests.verify.factories import add_mention

LogIn = Callable[..., Actor]


def fill(runtime: Runtime) -> None:
    """Two silent projects; a refereed paper prints the code of one."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S", title="Gas in the disc of Tamsin 7")
        add_project(session, "2016.1.00002.S", title="Dust around Qix 3", pi="Cole, Nina")
        paper = add_paper(session, "The gas mass of Tamsin 7", year=2019)
        add_mention(session, paper, "2016.1.00001.S")
    run_job(runtime, match)


def number(page: Page, name: str) -> str:
    """The report's number of this name, as it stands on the page."""
    figure = page.locator(".key-number", has=page.get_by_text(name, exact=True))
    return figure.locator(".key-number-value").inner_text().strip()


def test_a_verdict_at_the_desk_changes_the_report(page: Page, log_in: LogIn, live_runtime: Runtime) -> None:
    """Login, report, desk, accept by keyboard, report again: one project more is published, one fewer silent."""
    fill(live_runtime)
    log_in(page, Role.LIBRARIAN)
    page.goto("/reports/")
    assert (number(page, "Publication fraction"), number(page, "Projects silent")) == ("0.0\u202f%", "2")
    page.goto("/desk")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_contain_text("The gas mass of Tamsin 7")
    page.keyboard.press("1")
    page.keyboard.press("a")
    expect(page.locator(".message")).to_contain_text("Accepted 2016.1.00001.S")
    page.goto("/reports/")
    assert (number(page, "Publication fraction"), number(page, "Projects silent")) == ("50.0\u202f%", "1")
    page.locator(".key-number", has=page.get_by_text("Publication fraction", exact=True)).get_by_role("link").click()
    expect(page.get_by_role("rowheader", name="2016.1.00001.S")).to_be_visible()
    page.get_by_role("link", name="Download as CSV").wait_for()
