"""A questionnaire of every kind of question in a real browser: boxes with words, a required text, taking back a choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from biblio.runtime import Runtime, checked_profile
from tests.browser.conftest import Watch
from tests.browser.looks import look
from tests.survey.page.test_forms import add_profile
from tests.survey.people import make_campaign, open_and_send, tokens_of

Scan = Callable[[Page], list[str]]


@pytest.fixture
def live_runtime(sqlite_runtime: Runtime, tmp_path: Path) -> Runtime:
    """The runtime behind the live server, with a profile that asks a question of every kind, in two languages."""
    return replace(sqlite_runtime, profile=checked_profile(str(add_profile(tmp_path))))


@pytest.fixture
def link(live_runtime: Runtime) -> str:
    """The path of one open link."""
    campaign = make_campaign(live_runtime, projects=20)
    open_and_send(live_runtime, campaign)
    return f"/survey/{tokens_of(live_runtime, campaign)[0]}"


def test_boxes_open_and_fold_their_words(page: Page, link: str) -> None:
    """Each box that is ticked opens its own field, whatever else is ticked; a choice made by mistake is taken back."""
    page.goto(link)
    desk, other = page.get_by_label("With what"), page.get_by_label("What (belongs to answer 3)")
    expect(desk).to_be_hidden()
    page.get_by_role("checkbox", name="The help desk").check()
    page.get_by_role("checkbox", name="Something else").check()
    expect(desk).to_be_visible()
    expect(other).to_be_visible()
    page.get_by_role("checkbox", name="The help desk").uncheck()
    expect(desk).to_be_hidden()
    expect(other).to_be_visible()
    page.get_by_role("radio", name="Yes").check()
    page.get_by_role("radio", name="No answer").check()
    expect(page.get_by_role("radio", name="Yes")).not_to_be_checked()


def test_everything_missing_is_told_and_mended_by_keyboard(phone: Page, link: str, watch: Watch, scan: Scan) -> None:
    """Three lines lead to three fields; with them filled in the form goes through, in the observatory's own Spanish."""
    watch.expected.append("422")
    phone.goto(f"{link}?lang=es")
    look(phone, "survey-kinds")
    phone.get_by_role("button", name="Enviar").press("Enter")
    expect(phone.locator(".error-summary")).to_be_focused()
    look(phone, "survey-kinds-errors")
    assert scan(phone) == []
    for line, key in (("Pregunta 1", "Space"), ("Pregunta 2", "Space")):
        phone.get_by_role("link", name=line).press("Enter")
        phone.keyboard.press(key)
    expect(phone.get_by_role("radio", name="Publicado")).to_be_checked()
    expect(phone.get_by_role("checkbox", name="La ayuda")).to_be_checked()
    phone.get_by_role("link", name="Pregunta 3").press("Enter")
    expect(phone.get_by_role("textbox", name="¿Y por qué?")).to_be_focused()
    phone.keyboard.type("porque sí")
    phone.get_by_role("button", name="Enviar").press("Enter")
    phone.wait_for_url("**/survey/thanks")
    expect(phone.get_by_text("Gracias de parte de ALMA.")).to_be_visible()
