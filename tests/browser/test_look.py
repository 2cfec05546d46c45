"""How the pages look and answer in a real browser: light and dark, wide and narrow, with keys alone, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from biblio.catalogue.actor import Actor
from biblio.feature import all_jobs
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.words import Role
from tests.browser.conftest import Watch
from tests.browser.lists import fill_lists
from tests.browser.looks import OVERFLOW, look
from tests.browser.rows import fill
from tests.contacts.preprints import add_preprint, set_version

LogIn = Callable[..., Actor]
Person = Callable[..., Actor]

PUBLIC = {
    "start": "/",
    "results": "/?q=rings",
    "results-filtered": "/?q=dusty+author%3Acelik&refereed=yes&from=2014&to=2026&more=author",
    "results-all": "/?q=&sort=title",
    "nothing-found": "/?q=zzzz",
    "nothing-like-it": "/?q=torsu",
    "api": "/api",
    "feeds": "/feeds",
    "projects": "/projects",
    "project": "/project/2012.1.00100.S",
    "paper": "/paper/2",
    "report": "/publication",
    "success": "/success",
    "login": "/login",
    "not-found": "/no/such/page",
}
ADMIN = {
    "admin": "/admin",
    "admin-runs": "/admin/runs",
    "admin-users": "/admin/users",
    "admin-new-user": "/admin/users/new",
    "admin-audit": "/admin/audit",
    "account": "/account",
}
LISTS = {
    "journals": "/journals",
    "journals-others": "/journals?show=others",
    "journals-suggestions": "/journals/suggestions",
    "journals-refused": "/journals/suggestions?state=refused",
    "journals-changes": "/journals/changes",
    "journals-begin": "/journals/begin",
    "journals-end": "/journals/end?name=ApJ",
    "compare": "/compare",
    "compare-import": "/compare/import",
    "compare-missing-here": "/compare/telbib",
    "compare-missing-there": "/compare/telbib?show=missing-there",
    "compare-differing": "/compare/telbib?show=differing",
    "compare-nothing": "/compare/telbib?q=zzzz",
    "account-digest": "/account",
}
_BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize("width", ["page", "phone"])
def test_public_pages_are_clean_at_both_widths(
    request: pytest.FixtureRequest,
    width: str,
    live_runtime: Runtime,
    person: Person,
    watch: Watch,
) -> None:
    """Every public page passes axe and fits the window, light and dark, at 1280 and 390 pixels."""
    fill(live_runtime, person())
    window: Page = request.getfixturevalue(width)
    watch.expected.append("404")
    for name, address in PUBLIC.items():
        window.goto(address)
        look(window, name)


@pytest.mark.parametrize("width", ["page", "phone"])
def test_admin_pages_are_clean_at_both_widths(request: pytest.FixtureRequest, width: str, log_in: LogIn) -> None:
    """Every page of the admin passes axe and fits the window, light and dark, at 1280 and 390 pixels."""
    window: Page = request.getfixturevalue(width)
    log_in(window, Role.ADMIN)
    for name, address in ADMIN.items():
        window.goto(address)
        look(window, name)


@pytest.mark.parametrize("width", ["page", "phone"])
def test_pages_before_press_are_clean_at_both_widths(
    request: pytest.FixtureRequest,
    width: str,
    live_runtime: Runtime,
    log_in: LogIn,
) -> None:
    """The list, the letter beside its fault, its preview, a letter that waits, and the empty parts."""
    window: Page = request.getfixturevalue(width)
    librarian = log_in(window)
    with live_runtime.store.writing() as session:
        preprints = [
            add_preprint(session, arxiv=f"2610.0000{n}", code=f"2016.1.0000{n}.S", judged_by=librarian) for n in (1, 2)
        ]
        set_version(session, preprints[0], 1, preprint_on=date(2026, 2, 1))
    run_job(live_runtime, all_jobs()["contacts"])
    window.goto("/desk/contacts")
    look(window, "before-press")
    window.get_by_role("link", name="Open the letter").first.click()
    look(window, "before-press-letter")
    window.get_by_role("button", name="Preview").click()
    expect(window.get_by_text("So it would leave. Nothing was sent.")).to_be_visible()
    look(window, "before-press-preview")
    window.get_by_role("button", name="Send").click()
    expect(window.locator(".message-done")).to_contain_text("is in the outbox")
    for part in ("waiting", "mended"):
        window.goto(f"/desk/contacts?show={part}")
        look(window, f"before-press-{part}")
    window.goto("/desk/contacts/letter/1")
    look(window, "before-press-sent")
    window.get_by_role("button", name="Take it back").click()
    expect(window.get_by_role("button", name="Send")).to_be_visible()


@pytest.mark.parametrize("width", ["page", "phone"])
def test_pages_of_journals_and_lists_are_clean_at_both_widths(
    request: pytest.FixtureRequest,
    width: str,
    live_runtime: Runtime,
    log_in: LogIn,
    tmp_path: Path,
) -> None:
    """What journals yield, suggestions and forms; lists, each kind of difference, one set aside, and empty parts."""
    window: Page = request.getfixturevalue(width)
    fill_lists(live_runtime, log_in(window), tmp_path)
    for name, address in LISTS.items():
        window.goto(address)
        look(window, name)
    window.goto("/compare/telbib")
    window.locator("summary[data-key=s]").first.click()
    look(window, "compare-aside-open")
    window.get_by_label("Why, about").first.fill("Known.")
    window.locator("details[open]").get_by_role("button", name="Set aside").click()
    expect(window.locator(".message-done")).to_contain_text("set aside")
    window.goto("/compare/telbib?aside=yes")
    look(window, "compare-set-aside")


def test_pages_stand_at_double_size(page: Page, live_runtime: Runtime, person: Person) -> None:
    """At 200 % zoom of a 1280 pixel window (640 by 400 CSS pixels) nothing must be scrolled sideways."""
    fill(live_runtime, person())
    page.set_viewport_size({"width": 640, "height": 400})
    for address in ("/", "/?q=rings", "/projects", "/publication", "/login"):
        page.goto(address)
        assert page.evaluate(OVERFLOW) <= 0, address


def test_colours_follow_the_system_and_can_be_switched(page: Page) -> None:
    """Dark where the system is dark; the button goes light, dark, system, and the choice outlives the page."""
    page.goto("/login")
    light = page.evaluate(_BACKGROUND)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(_BACKGROUND)
    assert light != dark
    button = page.locator("[data-theme-button]")
    button.click()
    assert page.evaluate(_BACKGROUND) == light
    page.reload()
    assert page.evaluate(_BACKGROUND) == light
    button.click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(_BACKGROUND) == dark
    button.click()
    page.reload()
    assert page.evaluate(_BACKGROUND) == light


def test_without_scripts_everything_public_works(
    plain_page: Page, live_runtime: Runtime, person: Person, watch: Watch
) -> None:
    """Dark follows the system, search finds, a form answers, with JavaScript switched off."""
    watch.expected.append("422")
    fill(live_runtime, person())
    plain_page.goto("/")
    # Without scripts the page cannot be asked for its colours; the pictures of both must differ.
    light = plain_page.screenshot()
    plain_page.emulate_media(color_scheme="dark")
    assert plain_page.screenshot() != light
    expect(plain_page.locator("[data-theme-button]")).to_be_hidden()
    plain_page.get_by_role("searchbox").fill('"dusty torus"')
    plain_page.get_by_role("button", name="Search").click()
    expect(plain_page.locator(".list-count")).to_contain_text("papers")
    plain_page.goto("/publication")
    plain_page.get_by_role("button", name="Tell the librarians").click()
    expect(plain_page.locator(".error-summary")).to_be_visible()


def test_keys_alone_reach_the_content_and_show_where_they_are(page: Page) -> None:
    """The first Tab shows the skip link; Enter on it puts the focus behind the navigation; the focus is visible."""
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    focused = "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth })()"
    assert page.evaluate(focused) == "solid3px"


def test_a_form_with_mistakes_takes_the_focus_to_them(page: Page, watch: Watch) -> None:
    """The summary has the focus, its link leads into the field, what was typed is still there, and axe is content."""
    watch.expected.append("422")
    page.goto("/publication")
    page.get_by_label("Which paper").fill("no identifier at all")
    page.get_by_label("Project code").fill("2012.1.00100.S")
    page.get_by_role("button", name="Tell the librarians").click()
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    summary.get_by_role("link").first.click()
    expect(page.get_by_label("Which paper")).to_be_focused()
    expect(page.get_by_label("Which paper")).to_have_value("no identifier at all")
    expect(page.get_by_label("Project code")).to_have_value("2012.1.00100.S")
    look(page, "form-with-mistakes")


def test_a_message_has_an_undo_that_works(page: Page, log_in: LogIn, person: Person) -> None:
    """Deactivating somebody says so at the top; one press on Undo lets them in again."""
    log_in(page, Role.ADMIN)
    person(Role.LIBRARIAN, "berta")
    page.goto("/admin/users")
    page.get_by_role("button", name="Deactivate Berta Example").click()
    expect(page.locator(".message-done")).to_contain_text("The account is deactivated")
    look(page, "message-with-undo")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Deactivate Berta Example")).to_be_visible()


def test_a_reader_finds_a_paper_and_its_project(page: Page, live_runtime: Runtime, person: Person) -> None:
    """Search, open the paper, go on to the project, and find the paper there; no abstract anywhere."""
    fill(live_runtime, person())
    page.goto("/")
    page.get_by_role("searchbox").fill("Çelik torus")
    page.keyboard.press("Enter")
    page.locator(".paper-title a").first.click()
    title = page.locator("h1").inner_text()
    assert "torus" in title
    page.locator("dd .code").first.click()
    expect(page.locator(".paper-list")).to_contain_text(title)
    assert "abstract must never" not in page.content()


def test_a_first_visit_is_small(browser: Browser, live_url: str, live_runtime: Runtime, person: Person) -> None:
    """What a browser really transfers for the start page is at most 100 kB; the second page loads no asset again."""
    fill(live_runtime, person(), papers=60)
    context = browser.new_context(base_url=live_url)
    page = context.new_page()
    sizes = "performance.getEntries().filter(e => e.transferSize !== undefined).map(e => e.transferSize)"
    page.goto("/", wait_until="load")
    first = sum(page.evaluate(sizes))
    page.goto("/projects", wait_until="load")
    second = sum(page.evaluate(sizes))
    context.close()
    assert 20_000 < first <= 100_000
    assert second <= 20_000
