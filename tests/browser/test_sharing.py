"""The pages of the shared work in a real browser: clean in both themes and widths, and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.words import RelationKind, Role, Verdict
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.second_readings import View
from tests.browser.looks import look
from tests.verify.shared_work import TITLE, Work, drawn_ruling, today, two_papers

LogIn = Callable[..., Actor]


def shared(runtime: Runtime) -> Work:
    """One paper read twice with another outcome, one under second reading; claimed, handed over and escalated ones."""
    work = two_papers(runtime)
    _, reading = drawn_ruling(runtime, work)
    with runtime.store.writing() as session:
        sharing.judge_second(session, work.hanna, reading, View(Verdict.REJECT, RelationKind.MENTION), today(runtime))
    drawn_ruling(runtime, work, paper_id=work.other, candidate_revision_id=None)
    with runtime.store.writing() as session:
        sharing.add_rule(session, work.ines, ("ApJ", ""), "NRAO", today(runtime))
        sharing.hand_to_person(session, work.hanna, work.paper, work.vera.person_id(), "yours?", today(runtime))
    return work


@pytest.mark.parametrize("width", ["page", "phone"])
def test_the_pages_are_clean_at_both_widths(
    request: pytest.FixtureRequest,
    width: str,
    live_runtime: Runtime,
    log_in: LogIn,
) -> None:
    """Each passes axe and fits the window, light and dark, at 1280 and 390 pixels."""
    work = shared(live_runtime)
    window: Page = request.getfixturevalue(width)
    log_in(window, Role.HEAD_LIBRARIAN)
    pages = {
        "mine": "/desk/mine",
        "second": "/desk/second",
        "blind": f"/desk/paper/{work.other}",
        "escalated": "/desk/escalated",
        "libraries": "/desk/libraries?journal=PASJ&source=&library=NAOJ",
        "quality": "/desk/quality",
        "taken": f"/desk/paper/{work.paper}",
    }
    for name, address in pages.items():
        window.goto(address)
        look(window, f"sharing-{name}")


def test_a_paper_is_claimed_escalated_and_released_by_keyboard(
    page: Page, live_runtime: Runtime, log_in: LogIn
) -> None:
    """c claims, g asks a head librarian, c again releases."""
    work = two_papers(live_runtime)
    log_in(page, Role.LIBRARIAN)
    page.goto(f"/desk/paper/{work.paper}")
    page.keyboard.press("c")
    expect(page.get_by_text("You work on this until 12:30 UTC.")).to_be_visible()
    page.keyboard.press("g")
    page.get_by_label("Why a head librarian should settle it").fill("two telescopes of one name")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Who does what").get_by_text("two telescopes of one name")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_text("The paper is free for others.")).to_be_visible()


def test_a_second_reader_judges_by_keyboard_alone(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """From the list to the verdict without the mouse; then the two views are told."""
    work = two_papers(live_runtime)
    drawn_ruling(live_runtime, work)
    log_in(page, Role.LIBRARIAN)
    page.goto("/desk/second")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("a")
    expect(page.get_by_text(re.compile("You agree with the first reader"))).to_be_visible()
    expect(page.get_by_text("Nothing is to be read a second time by you.")).to_be_visible()
