"""The report in a real browser: two clicks from the question to the projects, a manager's journey, looks, paper, keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from biblio.catalogue.actor import Actor
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import SecondReading
from biblio.store.words import Role
from tests.browser.conftest import Watch
from tests.browser.looks import OVERFLOW, look, picture
from tests.factories import accept, add_paper, add_project, add_user

LogIn = Callable[..., Actor]

DID = [f"2015.1.{n:05d}.S" for n in range(1, 9)]
DID_NOT = [f"2015.1.{n:05d}.S" for n in range(9, 13)]
"""Cycle 3: twelve projects delivered on 2016-03-01. Eight published by 2018, one in 2022, three never."""


def fill(runtime: Runtime) -> Actor:
    """Add projects of two cycles and their papers; return who decided."""
    with runtime.store.writing() as session:
        actor = add_user(session, "vera")
        for n, code in enumerate([*DID, *DID_NOT]):
            project = add_project(session, code, title=f"Gas around Qix {n + 1}", partner=("EU", "NA", "EA")[n % 3],
                                  category="Discs" if n % 2 else "Galaxies; Discs", delivered_on=date(2016, 3, 1),
                                  released_on=date(2017, 3, 1))  # fmt: skip
            if n < 9:
                paper = add_paper(session, f"Qix {n + 1}, resolved", year=2017 + n % 2 if n < 8 else 2022)
                accept(session, actor, paper, project)
        for n in range(1, 5):
            add_project(session, f"2018.1.{n:05d}.S", title="A quiet galaxy", delivered_on=date(2019, 5, 1))
    return actor


def test_two_clicks_lead_from_the_report_to_the_projects_that_did_not(
    page: Page, live_runtime: Runtime, log_in: LogIn
) -> None:
    """From /reports: the theme, then the number. There stand fraction, interval and the codes of those that did not."""
    fill(live_runtime)
    log_in(page, Role.MANAGER)
    page.goto("/reports")
    page.get_by_role("link", name="Publication fraction", exact=True).first.click()
    table = page.locator("#fixed-age").get_by_role("table")
    place = table.get_by_role("columnheader").all_inner_texts().index("Within 4 years")
    table.get_by_role("row", name=re.compile("^Cycle 3")).get_by_role("cell").nth(place - 1).get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("Within 4 years: Cycle 3")
    expect(page.locator(".behind-value")).to_have_text("66.7\u202f%")
    expect(page.locator(".behind-more")).to_contain_text("95 % interval 39.1 to 86.2\u202f%")
    expect(page.locator(".behind-more")).to_contain_text("8 of 12")
    listed = page.locator("tbody").first.locator("th.code")
    assert listed.all_inner_texts() == DID_NOT
    for place in range(4):
        expect(listed.nth(place)).to_be_in_viewport()


def test_a_manager_filters_reads_takes_freezes_and_compares(
    page: Page, live_runtime: Runtime, log_in: LogIn, clock: FixedClock
) -> None:
    """A part of the projects, its rows, a picture to take along; a frozen report, and who moved the numbers since."""
    actor = fill(live_runtime)
    log_in(page, Role.MANAGER)
    page.goto("/reports/")
    page.get_by_text("Another day, or a part of the projects").click()
    page.get_by_label("Partner").select_option(label="Europe (8)")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".chip", has_text="partner: Europe")).to_be_visible()
    page.locator(".key-number", has_text="Projects observed").get_by_role("link").click()
    expect(page.locator(".list-count")).to_have_text("8 projects")
    page.get_by_role("link", name=re.compile("partner: Europe")).click()
    expect(page.locator(".list-count")).to_have_text("16 projects")

    page.get_by_role("link", name="Publication fraction").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name=re.compile("^PNG of Projects published as of")).first.click()
    assert taken.value.suggested_filename == "fraction-now-1-2026-11-22.png"

    page.goto("/reports/snapshots")
    page.get_by_role("button", name="Freeze the report of this day").click()
    expect(page.locator(".message-done")).to_contain_text("is frozen as snapshot 1")
    clock.move(timedelta(days=1))
    with live_runtime.store.writing() as session:
        paper = add_paper(session, "Qix 12, at last", year=2026)
        project = add_project(session, "2016.1.00001.S", title="New")
        accept(session, actor, paper, project, now=live_runtime.clock.now())
    page.goto("/reports/")
    expect(page.locator(".key-number", has_text="Projects observed")).to_contain_text("+1 since 2026-11-22")
    page.get_by_role("link", name="Which papers and projects moved each number").click()
    expect(page.get_by_role("region", name="The first page’s numbers")).to_contain_text("2016.1.00001.S")
    page.get_by_role("link", name="snapshot 1").first.click()
    expect(page.locator(".badge-frozen")).to_be_visible()
    expect(page.locator(".key-number", has_text="Projects observed").locator(".key-number-value")).to_have_text("16")


ADDRESSES = {
    "report": "/reports/",
    "report-filtered": "/reports/?partner=eu&as_of=2026-11-20",
    "report-fraction": "/reports/fraction",
    "report-speed": "/reports/speed",
    "report-papers": "/reports/papers",
    "report-citations": "/reports/citations",
    "report-people": "/reports/people",
    "report-data": "/reports/data",
    "report-silence": "/reports/silence",
    "report-bibliography": "/reports/bibliography",
    "report-table": "/reports/speed/curve-points",
    "report-rows": "/reports/fraction/fixed-age/2015.1/y4",
    "report-rows-papers": "/reports/papers/by-year/all/papers",
    "report-definitions": "/reports/definitions",
    "report-snapshots": "/reports/snapshots",
    "report-frozen": "/reports/snapshots/1/",
    "report-frozen-rows": "/reports/snapshots/1/fraction/now/all/fraction",
    "report-changes": "/reports/snapshots/1/changes",
    "report-public": "/success",
}


SAME_TEMPLATE = {"report-filtered", "report-citations", "report-people", "report-data", "report-silence",
                 "report-bibliography", "report-frozen", "report-frozen-rows", "report-rows-papers"}  # fmt: skip
"""Pages on which there is nothing that another one does not show too, at a phone's width and in dark."""

LIBRARIANS = {
    "report-without": "/reports/",
    "report-snapshots-closed": "/reports/snapshots",
    "report-closed": "/reports/snapshots/1/",
}
"""What whoever may be a second reader sees otherwise than a manager."""

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


THIN = """for (const part of document.querySelectorAll("tbody, main:has(.definition)"))
  for (const one of [...part.querySelectorAll(":scope > tr, :scope > section")].slice(6)) one.remove()"""
"""JavaScript: leaves six rows of each table, and six definitions: the others are like them."""


def look_at(window: Page, addresses: Mapping[str, str]) -> None:
    """Each page passes axe whole at 1280 pixels and fits 390; one of each template also passes there, light and dark."""
    for name, address in addresses.items():
        window.set_viewport_size(WIDE)  # type: ignore[arg-type]
        window.goto(address)
        look(window, name, dark=False)
        window.set_viewport_size(NARROW)  # type: ignore[arg-type]
        assert window.evaluate(OVERFLOW) <= 0, f"{name} is wider than a phone"
        if name not in SAME_TEMPLATE:
            window.evaluate(THIN)
            look(window, name)


def test_pages_of_the_report_are_clean_at_both_widths(
    page: Page, live_runtime: Runtime, log_in: LogIn, watch: Watch
) -> None:
    """Every page passes axe at 1280 pixels and fits a phone; every kind of page passes there too, light and dark."""
    actor = fill(live_runtime)
    log_in(page, Role.MANAGER)
    look_at(page, {"report-snapshots-none": "/reports/snapshots"})
    page.get_by_role("button", name="Freeze the report of this day").click()
    with live_runtime.store.writing() as session:
        paper = add_paper(session, "One more", year=2020)
        project = add_project(session, "2017.1.00001.S")
        decision = accept(session, actor, paper, project, now=live_runtime.clock.now())
        session.add(SecondReading(paper_id=paper, project_id=project, decision_id=decision, first_reader_id=actor.person_id(),
                                  drawn_at=live_runtime.clock.now()))  # fmt: skip
    look_at(page, ADDRESSES)
    page.context.clear_cookies()
    watch.expected.append("403")
    log_in(page, Role.LIBRARIAN)
    look_at(page, LIBRARIANS)


def test_on_a_phone_the_themes_are_one_line_with_the_present_one_in_sight(
    phone: Page, live_runtime: Runtime, log_in: LogIn
) -> None:
    """The last theme is in sight as its page opens; the line can be scrolled away from it, and by keys to any other."""
    fill(live_runtime)
    log_in(phone, Role.MANAGER)
    phone.goto("/reports/bibliography")
    tabs = phone.get_by_role("navigation", name="Themes of the report")
    here, first = tabs.get_by_role("link", name="State of the bibliography"), tabs.get_by_role("link", name="Overview")
    expect(here).to_be_in_viewport(ratio=0.9)
    expect(first).not_to_be_in_viewport()
    assert phone.evaluate("document.querySelector('.report-tabs').clientHeight") < 60
    expect(tabs).to_have_css("scroll-snap-type", "none")
    tabs.evaluate("line => { line.scrollLeft = 0 }")
    expect(first).to_be_in_viewport(ratio=0.9)
    here.focus()
    expect(here).to_be_in_viewport(ratio=0.9)
    expect(phone.locator(".on-page ul")).to_be_hidden()
    phone.get_by_text("tables on this page").click()
    phone.get_by_role("navigation", name="On this page").get_by_role("link", name="How far readers agree").click()
    expect(phone.get_by_role("heading", name="How far readers agree")).to_be_in_viewport()


@pytest.mark.parametrize("theme", ["fraction", "papers", "data", "speed"])
def test_on_a_phone_pictures_are_in_sight_whole(phone: Page, live_runtime: Runtime, log_in: LogIn, theme: str) -> None:
    """None is wider than the phone: value axis, key and newest year are seen at once."""
    fill(live_runtime)
    log_in(phone, Role.MANAGER)
    phone.goto(f"/reports/{theme}")
    phone.evaluate("document.querySelectorAll('.chart img').forEach(one => { one.loading = 'eager' })")
    phone.wait_for_load_state("networkidle")
    drawn = phone.locator(".chart img").evaluate_all(
        "all => all.filter(one => one.clientWidth).map(one => [one.currentSrc, one.naturalWidth])"
    )
    assert drawn
    assert all("-narrow.svg" in address and 0 < wide <= 400 for address, wide in drawn), drawn
    assert phone.locator(".chart").evaluate_all("all => all.every(one => one.scrollWidth <= one.clientWidth)")


def test_an_empty_report_looks_like_one(page: Page, log_in: LogIn, watch: Watch) -> None:
    """Nothing to count yet: the pages say what fills them, and a wrong filter says which there are."""
    watch.expected.append("404")
    log_in(page, Role.MANAGER)
    for name, address in {"report-empty": "/reports/", "report-empty-theme": "/reports/fraction",
                          "report-empty-public": "/success", "report-no-such": "/reports/?cycle=none"}.items():  # fmt: skip
        page.goto(address)
        look(page, name)


def test_a_theme_fits_on_paper(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """Printed from a dark page: dark on white, the light pictures, without what only a screen can use."""
    fill(live_runtime)
    log_in(page, Role.MANAGER)
    page.goto("/reports/fraction", wait_until="networkidle")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("img.chart-light").first).to_be_visible()
    expect(page.locator("img.chart-dark").first).to_be_hidden()
    expect(page.locator(".report-tabs")).to_be_hidden()
    expect(page.locator(".takes").first).to_be_hidden()
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    picture(page, "report-on-paper")


def test_keys_alone_lead_to_the_rows(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """Tab and Enter open the filters and a number; a table that scrolls can be reached and scrolled."""
    fill(live_runtime)
    log_in(page, Role.MANAGER)
    page.goto("/reports/fraction")
    page.locator(".report-filters > summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("As known on")).to_be_visible()
    table = page.get_by_role("region", name="Projects published as of")
    table.focus()
    expect(table).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Cycle 3")


def test_the_report_works_without_scripts_and_at_double_size(
    plain_page: Page, page: Page, live_runtime: Runtime, log_in: LogIn
) -> None:
    """Filters, rows and definitions open without JavaScript; at 200 % nothing is scrolled sideways."""
    fill(live_runtime)
    log_in(plain_page, Role.MANAGER)
    plain_page.goto("/reports/")
    plain_page.get_by_text("Another day, or a part of the projects").click()
    plain_page.get_by_label("As known on").fill("2020-01-01")
    plain_page.get_by_role("button", name="Show").click()
    expect(plain_page.get_by_text("No project has been observed yet")).to_be_visible()
    page.context.add_cookies(plain_page.context.cookies())  # type: ignore[arg-type]
    page.set_viewport_size({"width": 640, "height": 400})
    for address in ("/reports/", "/reports/fraction", "/reports/fraction/fixed-age/2015.1/y4", "/success"):
        page.goto(address)
        assert page.evaluate(OVERFLOW) <= 0, address
