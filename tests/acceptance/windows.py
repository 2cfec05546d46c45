"""Some people of a campaign act in a real Chromium: by keyboard on a phone, without JavaScript, in Japanese, undecided."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from tests.acceptance.players import (
    Said,
    Way,
)
from tests.acceptance.stage import Play
from tests.browser.conftest import LAUNCH, Watch, find_chromium


@contextmanager
def chromium(app: Flask) -> Iterator[Callable[[Callable[[Browser, str], None]], None]]:
    """Serve the pages on loopback and give a function that lets somebody act in a real browser.

    The browser has a thread of its own: the one that other tests of this process share may be open at the same time.
    """
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(lambda: sync_playwright().start()).result()
        launched = thread.submit(playwright.chromium.launch, executable_path=find_chromium(), args=LAUNCH)
        browser = launched.result()
        try:
            yield lambda act: thread.submit(act, browser, url).result()
        finally:
            thread.submit(browser.close).result()
            thread.submit(playwright.stop).result()
            server.shutdown()
            server.server_close()


@contextmanager
def window(browser: Browser, url: str, *, width: int = 1280, **more: Any) -> Iterator[Page]:
    """Open a window that watches what its pages do."""
    context = browser.new_context(base_url=url, viewport={"width": width, "height": 844}, **more)
    context.set_default_timeout(15_000)
    page, watch = context.new_page(), Watch(url)
    watch.attach(page)
    yield page
    assert {cookie["name"] for cookie in context.cookies()} <= {"biblio"}, "a cookie beside the form's"
    context.close()
    assert watch.unexpected() == []


def by_keyboard_on_a_phone(play: Play, browser: Browser, url: str) -> None:
    """A narrow window and no mouse: tab to the answers, choose the tenth, write the facilities, submit."""
    player = play.who(Way.AT_ONCE)[0]
    said = Said(10, "A dish on the Moon", "By keyboard.")
    with window(browser, url, width=390) as page:
        page.goto(player.links[player.code])
        page.get_by_role("radio").first.focus()
        for _ in range(9):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        expect(page.get_by_label(re.compile("The facilities"))).to_be_focused()
        page.keyboard.type(said.word)
        page.keyboard.press("Tab")
        page.keyboard.type(said.comment)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/survey/thanks")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    play.tally.took(player, player.code, said)


def without_javascript(play: Play, browser: Browser, url: str) -> None:
    """All fields stand open, and only the word beside the chosen answer is kept."""
    player = play.who(Way.AT_ONCE)[1]
    said = Said(1, "Annals of the Southern Sky")
    with window(browser, url, java_script_enabled=False) as page:
        page.goto(player.links[player.code])
        page.get_by_label(re.compile("^The facilities")).fill("Typed, but not chosen")
        page.get_by_label(re.compile("^The journal")).fill(said.word)
        page.get_by_role("radio").first.check()
        page.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/survey/thanks")
    play.tally.took(player, player.code, said)


def in_japanese(play: Play, browser: Browser, url: str) -> None:
    """The page around the questionnaire in Japanese; a comment in Japanese comes out as it went in."""
    player = play.who(Way.AT_ONCE)[2]
    said = Said(9, "", "データを解析する時間がありませんでした。")
    with window(browser, url, locale="ja-JP") as page:
        page.goto(player.links[player.code])
        page.get_by_role("link", name="日本語").click()
        expect(page.locator("html")).to_have_attribute("lang", "ja")
        page.locator('input[name="status"][value="9"]').check()
        page.locator("#comment").fill(said.comment)
        page.locator('button[type="submit"].btn-primary').click()
        page.wait_for_url("**/survey/thanks*")
    play.tally.took(player, player.code, said)


def changing_ones_mind(play: Play, browser: Browser, url: str) -> None:
    """Leave with "Exit and clear", come back to an empty page, forget to choose, then answer."""
    player = play.who(Way.AT_ONCE)[3]
    said = Said(12, "Lost in the post", "Still here.")
    with window(browser, url) as page:
        page.goto(player.links[player.code])
        page.get_by_role("radio", name="Personal reasons.").check()
        page.locator("#comment").fill("Never sent.")
        page.get_by_role("link", name="Exit and clear survey").click()
        page.goto(player.links[player.code])
        expect(page.get_by_role("radio", checked=True)).to_have_count(0)
        expect(page.locator("#comment")).to_have_value("")
        page.get_by_role("radio", name="Other:").check()
        page.locator("#status-12").fill(said.word)
        page.locator("#comment").fill(said.comment)
        page.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/survey/thanks")
    play.tally.took(player, player.code, said)
