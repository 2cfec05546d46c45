"""The queue in a real browser: certain candidates by keyboard, filters taken away, the address copied."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import DeskItem, Link
from biblio.store.words import Role
from biblio.verify.proposing.match import match
from tests.browser.looks import look
from tests.verify.factories import add_mention, add_paper, add_project

LogIn = Callable[..., Actor]

VIEW = "/desk?journal=ApJ&text=yes&waiting_from=2020-01-01&order=oldest"


@pytest.fixture
def filled(live_runtime: Runtime) -> list[int]:
    """Four papers, each with a certain candidate; against the last one speaks its date."""
    papers = []
    with live_runtime.store.writing() as session:
        for number in range(1, 5):
            add_project(session, f"2016.1.0000{number}.S", title=f"Gas in the disc of Tamsin {number}")
            year = 2019 if number < 4 else 2012
            papers.append(add_paper(session, title=f"The gas mass of Tamsin {number}", year=year))
            add_mention(session, papers[-1], f"2016.1.0000{number}.S")
    run_job(live_runtime, match)
    return papers


def waiting(runtime: Runtime) -> int:
    """How many papers wait."""
    with runtime.store.reading() as session:
        return len(session.exec(select(DeskItem).where(col(DeskItem.is_shown))).all())


def test_a_filter_is_chosen_by_keyboard(page: Page, log_in: LogIn, filled: list[int]) -> None:
    """Arrow keys step through a filter without leaving the page; Enter uses it, and the address names it alone."""
    log_in(page, Role.LIBRARIAN)
    page.goto("/desk")
    page.get_by_label("Band").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Band")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/desk\?band=certain$"))


def test_each_page_of_the_queue_lists_its_keys(page: Page, log_in: LogIn, filled: list[int]) -> None:
    """The question mark opens the list of keys; a key leads from the queue to the certain ones and back."""
    log_in(page, Role.LIBRARIAN)
    page.goto("/desk")
    for words, key, leads_to in (
        ("confirm certain ones together", "C", r"/desk/certain"),
        ("accept all that are ticked", "q", r"/desk(\?|$)"),
    ):
        entry = page.locator("[data-key-list] dd", has_text=words)
        page.keyboard.press("?")
        expect(entry).to_be_visible()
        page.keyboard.press("Escape")
        expect(entry).to_be_hidden()
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(leads_to))


def test_certain_ones_by_keyboard_alone(page: Page, log_in: LogIn, live_runtime: Runtime, filled: list[int]) -> None:
    """Move, tick, all, none, accept as one; undo as one after another page was looked at."""
    log_in(page, Role.LIBRARIAN)
    page.goto("/desk/certain")
    boxes = page.locator("input[name=chosen]")
    there = boxes.count()
    ticked = page.locator("[data-ticked]")
    page.keyboard.press("N")
    expect(ticked).to_have_text("0")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(boxes.nth(1)).to_be_focused()
    page.keyboard.press("x")
    expect(boxes.nth(1)).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("Space")
    expect(boxes.nth(0)).to_be_checked()
    expect(ticked).to_have_text("2")
    page.keyboard.press("A")
    expect(ticked).to_have_text(str(there))
    page.keyboard.press("a")
    expect(page.locator(".message")).to_contain_text(f"Accepted {there} certain candidates")
    assert waiting(live_runtime) == len(filled) - there
    page.goto("/desk")
    page.goto("/desk/certain")
    page.keyboard.press("z")
    expect(page.locator(".message")).to_contain_text("taken back")
    assert waiting(live_runtime) == len(filled)
    with live_runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.ended_at).is_(None))).all() == []


def test_filters_are_taken_away_and_the_address_is_copied(page: Page, log_in: LogIn, filled: list[int]) -> None:
    """What is copied asks for the view from its first page; a chip takes its filter away and leaves the rest."""
    log_in(page, Role.LIBRARIAN)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{VIEW}&page=1")
    page.get_by_role("button", name="Copy link to this view").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(VIEW)
    page.get_by_role("link", name="Full text: read").click()
    expect(page).to_have_url(re.compile(re.escape(VIEW.replace("&text=yes", "")) + "$"))
    expect(page.get_by_role("link", name="Full text: read")).to_have_count(0)
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator(".chip")).to_have_count(0)


@pytest.mark.parametrize("width", ["page", "phone"])
def test_the_pages_look_right(request: pytest.FixtureRequest, log_in: LogIn, filled: list[int], width: str) -> None:
    """Filtered queue and certain candidates fit a laptop and a phone and are clean for axe in light and dark."""
    window: Page = request.getfixturevalue(width)
    log_in(window, Role.LIBRARIAN)
    for name, address in {"queue-filtered": VIEW, "queue-certain": "/desk/certain?journal=ApJ"}.items():
        window.goto(address)
        look(window, name)
