"""The pages of results in a real browser: both widths, light and dark, on paper, and tagging a comment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.words import Role
from tests.browser.looks import look, picture
from tests.survey.released import add_campaign, counts, released, taken_over

LogIn = Callable[..., Actor]


def fill(runtime: Runtime) -> int:
    """Add a campaign of each kind: released, taken over, too few, open; return the number of the first."""
    number = released(runtime, "spring 2026")
    released(runtime, "autumn 2025", comments=())
    taken_over(runtime, "2017 (taken over)")
    with runtime.store.writing() as session:
        add_campaign(session, "tiny", counts=counts(40, 30, 4, 4), ballots_destroyed=4, ballots_read=0)
        last = {"closes_on": date(2026, 12, 5), "closed_at": None, "released_at": None, "key_destroyed_at": None}
        add_campaign(session, "winter 2026", **last)
    return number


@pytest.mark.parametrize("width", ["page", "phone"])
def test_pages_of_results_are_clean_at_both_widths(
    request: pytest.FixtureRequest, width: str, live_runtime: Runtime, log_in: LogIn
) -> None:
    """Figures of each kind of campaign, side by side, and what people wrote: clean for axe and as wide as the window."""
    window: Page = request.getfixturevalue(width)
    number = fill(live_runtime)
    log_in(window, Role.SURVEY_READER)
    pages = {
        "results-figures": f"/campaigns/{number}/results",
        "results-past": f"/campaigns/{number + 2}/results",
        "results-few": f"/campaigns/{number + 3}/results",
        "results-sealed": f"/campaigns/{number + 4}/results",
        "results-compare": "/campaigns/compare",
        "results-answers": f"/campaigns/{number}/answers",
        "results-answers-none": f"/campaigns/{number}/answers?q=zzz",
        "results-answers-sealed": f"/campaigns/{number + 4}/answers",
    }
    for name, address in pages.items():
        window.goto(address, wait_until="networkidle")
        look(window, name)


def test_the_figures_fit_on_paper(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """Printed from a dark page: dark on white, with the light picture, without the links to files."""
    number = fill(live_runtime)
    log_in(page, Role.MANAGER)
    page.goto(f"/campaigns/{number}/results")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("img.chart-light")).to_be_visible()
    expect(page.locator("img.chart-dark")).to_be_hidden()
    expect(page.get_by_text("Take it along")).to_be_hidden()
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator("body")).to_have_css("color", "rgb(27, 34, 38)")
    picture(page, "results-on-paper")


def test_a_comment_is_tagged_found_and_untagged(plain_page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """Without JavaScript: type a tag, press Enter, find the comment by it, undo from the message."""
    number = fill(live_runtime)
    log_in(plain_page, Role.SURVEY_READER)
    plain_page.goto(f"/campaigns/{number}/answers?q=pipeline")
    plain_page.get_by_label("Tags for this comment").fill("Products")
    plain_page.get_by_label("Tags for this comment").press("Enter")
    expect(plain_page.locator(".message-done")).to_contain_text("Tagged “products”")
    expect(plain_page.locator(".comment-words")).to_have_count(1)
    plain_page.goto(f"/campaigns/{number}/answers?tag=products")
    expect(plain_page.locator(".list-count")).to_have_text("1 comment of 6")
    plain_page.get_by_role("button", name="remove the tag products").click()
    expect(plain_page.get_by_text("No comment like that")).to_be_visible()
    plain_page.get_by_role("button", name="Undo").click()
    expect(plain_page.locator(".comment-words")).to_have_count(1)
