"""The pages of letters in a real browser: light and dark, wide and narrow; deciding and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.mail.bounces import take_in
from biblio.mail.mailboxes import FolderMailbox
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail
from biblio.store.words import MailState
from tests.browser.looks import look
from tests.mail.letters import queue, rows, send
from tests.mail.reports import report
from tests.mail.test_bounces import back, put

LogIn = Callable[..., Actor]


def fill_letters(runtime: Runtime, folder: Path) -> None:
    """Letters in every state; one came back for good, one is late, one address is of a long name and a long reason."""
    queue(runtime, 3)
    send(runtime)
    first, second, _third = rows(runtime)
    late = report(action="delayed", status="4.4.1", diagnostic="smtp; 451 4.4.1 " + "no answer from the server " * 12)
    put(folder, a=back(report(), first.message_id), b=back(late, second.message_id, second.email))
    take_in(runtime, FolderMailbox(folder))
    queue(runtime, 3, start=3, kind="contact", recipient="A Person of a Rather Long Name, " * 3)
    with runtime.store.writing() as session:
        letters = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        letters[3].state, letters[3].claimed_at = MailState.UNCERTAIN, runtime.clock.now()
        letters[3].reason = "The talk broke while the letter was handed over (Connection unexpectedly closed)."
        letters[4].state, letters[4].reason = MailState.CANCELLED, "The campaign is closed."


@pytest.mark.parametrize("width", ["page", "phone"])
def test_pages_of_letters_are_clean_at_both_widths(
    request: pytest.FixtureRequest, width: str, live_runtime: Runtime, log_in: LogIn, tmp_path: Path
) -> None:
    """The list, those in doubt, single letters, what came back and empty parts pass axe and fit the window."""
    window: Page = request.getfixturevalue(width)
    log_in(window)
    fill_letters(live_runtime, tmp_path / "returned")
    for name, address in {
        "letters": "/letters",
        "letters-uncertain": "/letters?state=uncertain",
        "letters-none": "/letters?state=sending",
        "letter-uncertain": "/letters/4",
        "letter-returned": "/letters/1",
        "letters-returned": "/letters/returned",
        "letters-late": "/letters/returned?show=late",
        "letters-returned-none": "/letters/returned?show=dead",
    }.items():
        window.goto(address)
        look(window, name)


def test_a_letter_in_doubt_is_decided_and_undone_by_key(
    page: Page, live_runtime: Runtime, log_in: LogIn, tmp_path: Path
) -> None:
    """ "It arrived" takes it off the list of those in doubt; Undo puts it back."""
    log_in(page)
    fill_letters(live_runtime, tmp_path / "returned")
    page.goto("/letters?state=uncertain")
    page.get_by_role("button", name="It arrived letter 4").press("Enter")
    expect(page.locator(".message-done")).to_contain_text("Letter 4 counts as sent.")
    expect(page.get_by_text("No letter is uncertain.")).to_be_visible()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".message-done")).to_contain_text("Letter 4 is uncertain again.")


def test_an_address_is_called_dead_and_undone(page: Page, live_runtime: Runtime, log_in: LogIn, tmp_path: Path) -> None:
    """What came back leaves the list when somebody says a word on it, and comes back with Undo."""
    log_in(page)
    fill_letters(live_runtime, tmp_path / "returned")
    page.goto("/letters/returned")
    page.get_by_role("button", name="The address is dead letter 1").click()
    expect(page.locator(".message-done")).to_contain_text("Ask whoever keeps the project list")
    expect(page.get_by_text("Nothing to look at here.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="It works again letter 1")).to_be_visible()
