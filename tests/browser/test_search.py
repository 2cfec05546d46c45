"""The public search in a real browser: with keys alone, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from tests.browser.rows import fill

Person = Callable[..., Actor]


def go_to(page: Page, target: Locator) -> None:
    """Press Tab until the focus is on ``target``, as somebody without a mouse does."""
    for _ in range(120):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the focus never came there")


def test_search_facet_paper_project_and_export_with_keys_alone(
    page: Page, live_runtime: Runtime, person: Person
) -> None:
    """Type, narrow down, take a filter back, open a paper, its project, and download the list: no mouse."""
    fill(live_runtime, person())
    page.goto("/")
    go_to(page, page.get_by_role("searchbox"))
    page.keyboard.type("torus author:celik")
    page.keyboard.press("Enter")
    count = page.locator(".list-count")
    expect(count).to_have_text("5 papers")
    expect(page.locator(".paper-list mark").first).to_have_text("torus")
    refereed = page.locator("#facet-refereed").get_by_role("link", name="not refereed")
    go_to(page, refereed)
    page.keyboard.press("Enter")
    expect(count).to_have_text("1 paper")
    assert "refereed=no" in page.url
    chip = page.get_by_role("link", name=re.compile("Remove the filter Refereed"))
    go_to(page, chip)
    page.keyboard.press("Enter")
    expect(count).to_have_text("5 papers")
    go_to(page, page.locator(".paper-title a").first)
    title = page.locator(".paper-title a").first.inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(title)
    assert page.locator("link[rel=canonical]").get_attribute("href", timeout=5000)
    go_to(page, page.locator("dd .code").first)
    page.keyboard.press("Enter")
    expect(page.locator(".paper-list")).to_contain_text(title)
    export = page.get_by_role("link", name="BibTeX of this list")
    go_to(page, export)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert "@article{" in download.value.path().read_text(encoding="utf-8")


def test_everything_is_there_without_scripts(plain_page: Page, live_runtime: Runtime, person: Person) -> None:
    """Several values of one facet, a span of years, the bars, the order, a word nobody wrote: all are plain links and forms."""
    fill(live_runtime, person())
    plain_page.goto("/?q=")
    count = plain_page.locator(".list-count")
    expect(count).to_contain_text("24 papers")
    projects = plain_page.locator("#facet-project")
    for _ in range(2):
        projects.locator("a:not(.is-chosen)").first.click()
    assert plain_page.url.count("project=") == 2
    expect(plain_page.locator(".chip")).to_have_count(2)
    expect(count).to_contain_text("6 papers")
    plain_page.get_by_label("From").fill("2016")
    plain_page.get_by_role("button", name="Show these years").click()
    expect(plain_page.locator(".chip")).to_have_count(3)
    plain_page.get_by_role("link", name="Remove all filters").click()
    plain_page.locator(".bars").get_by_role("link").first.click()
    assert "year=" in plain_page.url
    plain_page.get_by_role("link", name="title", exact=True).click()
    titles = plain_page.locator(".paper-title").all_inner_texts()
    assert titles == sorted(titles)
    plain_page.goto("/?q=torsu")
    plain_page.get_by_role("link", name="torus").click()
    expect(count).to_contain_text("papers")


def test_a_number_typed_into_the_box_opens_its_paper(page: Page, live_runtime: Runtime, person: Person) -> None:
    """A DOI or arXiv number, however it is pasted, leads to the paper itself."""
    fill(live_runtime, person())
    for written in ("https://doi.org/10.9999/browser.3", "arXiv:2001.00003", "10.9999/BROWSER.3"):
        page.goto("/")
        page.get_by_role("searchbox").fill(written)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/paper/\d+$"))
        expect(page.locator("h1")).to_contain_text("(4)")
