"""The audit log, adding a paper and reported papers in a real browser: both themes and widths, keys alone, no scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from biblio.catalogue.actor import Actor
from biblio.catalogue.identity import Identifier
from biblio.catalogue.links import Ruling, decide
from biblio.public.service import Report, report_paper
from biblio.runtime import Runtime
from biblio.store.models import WantedPaper
from biblio.store.words import RelationKind, Role, Scheme, Verdict, WantedState
from biblio.web import create_app
from demo.replay import ReplayServer
from tests.browser.looks import look
from tests.factories import add_candidate, add_paper, add_project
from tests.ingest.conftest import addresses

LogIn = Callable[..., Actor]
Person = Callable[..., Actor]

CODE = "2016.1.00001.S"
ARXIV = "1504.90137"

PAGES = {
    "audit-filled": "/admin/audit",
    "audit-nothing": "/admin/audit?q=zzzz",
    "audit-refused": "/admin/audit?paper=zzzz",
    "audit-decision": "/admin/audit/decision/1",
    "reported": "/desk/reported",
    "reported-declined": "/desk/reported?state=declined",
    "add-paper": "/papers/add",
    "add-waits": "/papers/add/1",
}


@pytest.fixture
def live_runtime(sqlite_runtime: Runtime, served: ReplayServer) -> Runtime:
    """A runtime that asks that server."""
    settings = sqlite_runtime.settings.model_copy(update={**addresses(served.url), "ads_token": SecretStr("demo")})
    return replace(sqlite_runtime, settings=settings)


@pytest.fixture
def live_app(live_runtime: Runtime) -> Flask:
    """The whole site over it."""
    return create_app(live_runtime)


def _fill(runtime: Runtime, ines: Actor) -> None:
    """A decision with evidence, reports, and a paper that waits; titles and notes of strangers."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = add_paper(session, title="Rings <script>alert(1)</script> of \u202eecilA and a very long name " * 4)
        add_candidate(session, paper, project)
        ruling = Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE, "a quote in the acknowledgements", 1)
        decide(session, ines, ruling, now=now)
        for number in range(1, 4):
            identifier = Identifier(Scheme.ARXIV, f"2101.{number:05}")
            note = "see <b>footnote</b> 3 " + "x" * 200
            report_paper(session, Report(identifier, CODE, note), now=now)
        report_paper(session, Report(Identifier(Scheme.ARXIV, ARXIV), CODE), now=now)
        session.add(
            WantedPaper(scheme=Scheme.DOI, identifier="10.5555/waits", asked_by_id=ines.user_id, asked_at=now, tries=2,
                        state=WantedState.WAITING, words="ADS answers 503. It is kept, and tried again every night.")
        )  # fmt: skip


@pytest.mark.parametrize("width", ["page", "phone"])
def test_pages_are_clean_at_both_widths(
    request: pytest.FixtureRequest, width: str, live_runtime: Runtime, log_in: LogIn
) -> None:
    """The log, a decision's evidence, reported papers and the pages of adding pass axe and fit, light and dark."""
    window: Page = request.getfixturevalue(width)
    head = log_in(window, Role.HEAD_LIBRARIAN)
    _fill(live_runtime, head)
    for name, address in PAGES.items():
        if name == "audit-refused":
            continue
        window.goto(address)
        look(window, name)


def test_a_reported_paper_is_opened_and_accepted_by_keyboard(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """From the report to the verdict without a mouse: the project that was reported is the one chosen."""
    head = log_in(page, Role.HEAD_LIBRARIAN)
    _fill(live_runtime, head)
    page.goto("/desk")
    expect(page.get_by_role("link", name="Reported (4)")).to_be_visible()
    page.get_by_role("link", name="Reported (4)").press("Enter")
    page.get_by_role("button", name=f"Add and open {ARXIV}").press("Enter")
    page.wait_for_url("**/desk/paper/**", timeout=60_000)
    expect(page.locator("body")).to_contain_text("A reader reported that the paper used data of this project")
    page.keyboard.press("1")
    page.keyboard.press("a")
    expect(page.locator(".messages")).to_contain_text(CODE)


def test_a_paper_is_added_by_keyboard_from_the_desk(page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """The key + opens the form with the field focused; Enter adds, waits and opens."""
    head = log_in(page, Role.HEAD_LIBRARIAN)
    _fill(live_runtime, head)
    page.goto("/desk")
    page.keyboard.press("+")
    page.wait_for_url("**/papers/add")
    page.keyboard.type(f"https://arxiv.org/abs/{ARXIV}v1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/paper/**", timeout=60_000)
    expect(page.locator(".messages")).to_contain_text("was added")


def test_many_reports_are_declined_without_scripts(plain_page: Page, live_runtime: Runtime, log_in: LogIn) -> None:
    """Ticks, a reason, one button, and one undo; nothing of it needs JavaScript."""
    head = log_in(plain_page, Role.HEAD_LIBRARIAN)
    _fill(live_runtime, head)
    plain_page.goto("/desk/reported")
    plain_page.get_by_label("Tick 2101.00001").check()
    plain_page.get_by_label("Tick 2101.00003").check()
    plain_page.get_by_label("Reason for declining").fill("not ours")
    plain_page.get_by_role("button", name="Decline the ticked").click()
    expect(plain_page.locator(".messages")).to_contain_text("2 reported papers are declined")
    plain_page.get_by_role("button", name="Undo").click()
    expect(plain_page.locator(".messages")).to_contain_text("2 reports wait again")
