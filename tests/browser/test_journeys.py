"""Whole journeys through the house in a real browser: from the desk to the report, from the letter to the thanks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from biblio.catalogue.actor import Actor
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.verify.proposing.match import match
from tests.factories import add_paper, add_project
from tests.verify.factories import add_mention

LogIn = Callable[..., Actor]
Scan = Callable[[Page], list[str]]


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
    assert (number(page, "Projects published"), number(page, "Projects silent")) == ("0", "2")
    page.goto("/desk")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_contain_text("The gas mass of Tamsin 7")
    page.keyboard.press("1")
    page.keyboard.press("a")
    expect(page.locator(".message")).to_contain_text("Accepted 2016.1.00001.S")
    page.goto("/reports/")
    assert (number(page, "Projects published"), number(page, "Projects silent")) == ("1", "1")
    assert number(page, "Publication fraction") == "50 %"
    page.locator(".key-number", has=page.get_by_text("Projects published", exact=True)).get_by_role("link").click()
    expect(page.get_by_role("rowheader", name="2016.1.00001.S")).to_be_visible()
    page.get_by_role("link", name="Download as CSV").wait_for()


def test_the_report_page_is_clean_for_axe_and_fits_a_phone(
    page: Page, phone: Page, log_in: LogIn, live_runtime: Runtime, scan: Scan, screenshot: Callable[..., Path]
) -> None:
    """Report, its rows and definitions: no violation, no sideways scrolling, pictures drawn in light and dark."""
    fill(live_runtime)
    log_in(page, Role.MANAGER)
    for address in ("/reports/", "/reports/definitions", "/reports/rows/observed?of=all+cycles"):
        page.goto(address)
        assert scan(page) == []
    page.goto("/reports/")
    for scheme, drawn in (("light", ".chart-light"), ("dark", ".chart-dark")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        picture = page.locator(drawn).first
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
        assert scan(page) == []
        screenshot(page, f"report-1280-{scheme}")
    phone.goto("/login")
    phone.get_by_label("User name").fill("manager")
    phone.get_by_label("Password").fill("a long enough test password")
    phone.get_by_role("button", name="Log in").click()
    phone.get_by_role("button", name="Log out").wait_for()
    phone.goto("/reports/")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    screenshot(phone, "report-390-light")


def test_freezing_shows_the_change_since_then(page: Page, log_in: LogIn, live_runtime: Runtime) -> None:
    """A manager freezes the numbers; the page says what was done and compares from then on."""
    fill(live_runtime)
    log_in(page, Role.MANAGER)
    page.goto("/reports/")
    page.get_by_role("button", name=re.compile("Freeze these numbers")).click()
    expect(page.locator(".message")).to_contain_text("Kept the numbers of 2026-11-22")
    expect(page.get_by_text("+0 since 2026-11-22").first).to_be_visible()


def test_a_report_of_an_earlier_day(page: Page, log_in: LogIn, live_runtime: Runtime) -> None:
    """ "As known on" a day before anything was learned shows the empty state, with what would fill it."""
    fill(live_runtime)
    log_in(page, Role.MANAGER)
    page.goto("/reports/")
    page.get_by_label("As known on").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No project has been observed yet")).to_be_visible()
