"""A real Chromium, a live server on loopback, people who log in, screenshots and accessibility scans.

A missing Chromium fails the tests with the command that installs it; nothing is skipped. Every page that a test opens
is watched: an error on its console, a refusal of the content security policy, a script error or a request to anywhere
but the live server fails the test.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.web import create_app
from tests.browser.looks import picture, violations
from tests.web.visitors import PASSWORD, add_person

LAUNCH = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder as a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


def find_chromium() -> str:
    """Return the path of Chromium. Fails the test, with what to do, when there is none."""
    given = os.environ.get("BIBLIO_CHROMIUM")
    found = given if given and Path(given).is_file() else None
    found = found or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail(
            "Chromium is missing, and the browser tests need it: run `sudo apt-get install -y chromium`, "
            "or set BIBLIO_CHROMIUM to the path of one.",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    path = find_chromium()
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=LAUNCH)
        yield chromium
        chromium.close()


@pytest.fixture
def live_runtime(sqlite_runtime: Runtime) -> Runtime:
    """The runtime behind the live server, on a fresh SQLite database; tests fill it through ``store.writing()``."""
    return sqlite_runtime


@pytest.fixture
def live_app(live_runtime: Runtime) -> Flask:
    """The application that the live server serves: every feature there is."""
    return create_app(live_runtime)


@pytest.fixture
def live_url(live_app: Flask) -> Iterator[str]:
    """The address of a server on loopback that serves ``live_app`` while the test runs."""
    server = make_server("127.0.0.1", 0, live_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


@dataclass
class Watch:
    """What went wrong on a page while a test used it. ``expected`` are parts of messages that the test provokes."""

    site: str
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Note console errors, script errors and requests that leave the site."""
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, kind: str, text: str) -> None:
        if kind == "error":
            self.problems.append(f"console: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self.site, "data:", "blob:", "about:")):
            self.problems.append(f"request to another site: {url}")

    def unexpected(self) -> list[str]:
        """Return the problems that the test did not announce."""
        return [p for p in self.problems if not any(part in p for part in self.expected)]


@pytest.fixture
def watch(live_url: str) -> Watch:
    """What the page of this test may not do; add to ``watch.expected`` what a test provokes on purpose."""
    return Watch(live_url)


@pytest.fixture
def page(browser: Browser, live_url: str, watch: Watch) -> Iterator[Page]:
    """A fresh window of 1280 × 800 in light colours; relative addresses lead to the live server."""
    yield from _window(browser, live_url, watch, width=1280, height=800)


@pytest.fixture
def phone(browser: Browser, live_url: str, watch: Watch) -> Iterator[Page]:
    """A fresh window as wide as a phone, 390 × 844."""
    yield from _window(browser, live_url, watch, width=390, height=844)


@pytest.fixture
def plain_page(browser: Browser, live_url: str, watch: Watch) -> Iterator[Page]:
    """A fresh window without JavaScript."""
    yield from _window(browser, live_url, watch, width=1280, height=800, java_script_enabled=False)


def _window(
    browser: Browser, url: str, watch: Watch, *, width: int, height: int, java_script_enabled: bool = True
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        color_scheme="light",
        java_script_enabled=java_script_enabled,
    )
    context.set_default_timeout(15_000)
    window = context.new_page()
    watch.attach(window)
    _press_when_loaded(window)
    yield window
    context.close()
    assert watch.unexpected() == []


def _press_when_loaded(window: Page) -> None:
    """Let keys wait until the page has loaded: on a busy machine a test presses them sooner than anybody could."""
    press = window.keyboard.press

    def pressed(key: str, *, delay: float | None = None) -> None:
        window.wait_for_load_state()
        press(key, delay=delay)

    window.keyboard.press = pressed  # type: ignore[method-assign]


@pytest.fixture
def person(live_runtime: Runtime) -> Callable[..., Actor]:
    """Make people who can log in: ``person(Role.LIBRARIAN)``; the user name is the role's unless given."""

    def make(role: Role = Role.LIBRARIAN, username: str | None = None) -> Actor:
        return add_person(live_runtime, role, username)

    return make


@pytest.fixture
def log_in(person: Callable[..., Actor]) -> Callable[..., Actor]:
    """Add somebody with a role and log them in on a page: ``log_in(page, Role.LIBRARIAN)``."""

    def enter(window: Page, role: Role = Role.LIBRARIAN) -> Actor:
        actor = person(role)
        window.goto("/login")
        window.get_by_label("User name").fill(role.value)
        window.get_by_label("Password").fill(PASSWORD)
        window.get_by_role("button", name="Log in").click()
        window.get_by_role("button", name="Log out").wait_for()
        return actor

    return enter


@pytest.fixture
def screenshot() -> Callable[..., Path]:
    """Take a picture of a page into test-output/: ``screenshot(page, "desk-1280-light")``."""

    return picture


@pytest.fixture
def scan() -> Callable[[Page], list[str]]:
    """Scan a page with axe for WCAG 2.2 A and AA and good practice; returns one line per violation, none if clean."""
    return violations
