"""Differences of lists acted on, and a suggested journal answered, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from tests.browser.lists import B, fill_lists

LogIn = Callable[..., Actor]


def test_differences_are_acted_on_by_keys_alone(
    page: Page, live_runtime: Runtime, log_in: LogIn, tmp_path: Path
) -> None:
    """j goes to a row, t takes it over, Undo brings it back, s and a reason set one aside, a goes to add a paper."""
    fill_lists(live_runtime, log_in(page), tmp_path)
    page.goto("/compare/telbib")
    expect(page.locator("h1")).to_have_text("Compared with telbib")
    page.keyboard.press("j")
    expect(page.locator("tr[data-row]").first).to_be_focused()
    page.keyboard.press("t")
    expect(page.locator(".message-done")).to_contain_text(f"is accepted for {B}, as telbib says.")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".message-done")).to_contain_text("is as it was before")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.keyboard.type("Not about our data: j k t.")
    page.keyboard.press("Enter")
    expect(page.locator(".message-done")).to_contain_text("The difference is set aside")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_role("button", name="Undo").press("Enter")
    page.goto("/compare/telbib")
    page.keyboard.press("k")
    expect(page.locator("tr[data-row]").last).to_be_focused()
    page.keyboard.press("a")
    expect(page).to_have_url("/papers/add?identifier=2022Natur.600....1E")


def test_without_scripts_a_difference_is_set_aside(
    plain_page: Page, live_runtime: Runtime, log_in: LogIn, tmp_path: Path
) -> None:
    """The same with links and buttons; keys are not promised where they do not work."""
    fill_lists(live_runtime, log_in(plain_page), tmp_path)
    plain_page.goto("/compare/telbib?show=differing")
    expect(plain_page.locator("[data-keys]")).to_be_hidden()
    plain_page.locator("summary[data-key=s]").click()
    plain_page.get_by_label("Why, about").fill("Known.")
    plain_page.locator("details[open]").get_by_role("button", name="Set aside").click()
    expect(plain_page.locator(".message-done")).to_contain_text("set aside")


def test_a_suggested_journal_is_answered_by_keys(
    page: Page, live_runtime: Runtime, log_in: LogIn, tmp_path: Path
) -> None:
    """The reason is typed, Enter on Refuse answers, and the journal stands among the refused ones."""
    fill_lists(live_runtime, log_in(page), tmp_path)
    page.goto("/journals/suggestions")
    page.get_by_label("Why, about Annals of the Southern Sky").focus()
    page.keyboard.type("Two papers in ten years.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Refuse Annals of the Southern Sky")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".message-done")).to_contain_text("is refused, and will not be suggested again")
    page.goto("/journals/suggestions?state=refused")
    expect(page.locator("tbody")).to_contain_text("Two papers in ten years.")
