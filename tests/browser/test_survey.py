"""From the letter to the thanks in a real browser: by keyboard, on a phone, without JavaScript, clean for axe."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect
from sqlmodel import select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot
from biblio.store.words import Role
from survey.closing import close_campaign
from survey.questionnaire import Filled
from tests.browser.conftest import Watch
from tests.browser.looks import look
from tests.survey.people import add_silent_projects, answer_all, letters_in, make_campaign, open_and_send, tokens_of

Scan = Callable[[Page], list[str]]
LogIn = Callable[..., Actor]


def link_in_letter(runtime: Runtime, number: int = 0) -> str:
    """Send a campaign's letters and return the path of the link in one of them, as a PI would find it."""
    if not runtime.settings.outgoing_mail.is_dir():
        open_and_send(runtime, make_campaign(runtime, projects=6))
    body = letters_in(runtime.settings.outgoing_mail)[number].get_content()
    found = re.search(r"^ +http://[^/]+(/survey/[A-Za-z0-9_-]{32})\r?$", body, re.MULTILINE)
    assert found is not None
    return found[1]


def ballots(runtime: Runtime) -> int:
    """Return how many ballots lie in the box."""
    with runtime.store.reading() as session:
        return len(session.exec(select(Ballot.id)).all())


def test_answering_by_keyboard(page: Page, live_runtime: Runtime, watch: Watch) -> None:
    """Tab to the answers, choose with the arrows, write the facilities, submit: thanks, at an address without token."""
    link = link_in_letter(live_runtime)
    page.goto(link)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    tenth = page.get_by_role("radio", name=re.compile("wait for data from other facilities"))
    page.keyboard.press("Space")
    expect(tenth).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_label(re.compile("The facilities"))).to_be_focused()
    page.keyboard.type("A dish on the Moon")
    page.keyboard.press("Tab")
    page.keyboard.type("Thank you for asking.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you", level=1)).to_be_visible()
    assert page.url.endswith("/survey/thanks")
    assert ballots(live_runtime) == 1
    watch.expected.append("404")
    page.goto(link)
    expect(page.get_by_role("heading", name="This link is not open")).to_be_visible()


def test_an_answer_goes_all_the_way(page: Page, live_runtime: Runtime) -> None:
    """What was typed in the browser comes out of the box after closing, and only what belongs to the answer."""
    link = link_in_letter(live_runtime)
    page.goto(link)
    page.get_by_role("radio", name="Other:").check()
    page.get_by_label(re.compile("^Other.*belongs to answer 12")).fill("Lost in the post")
    page.get_by_role("radio", name=re.compile("There is a publication")).check()
    page.get_by_label(re.compile("The journal")).fill("Journal of Tests")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/survey/thanks")
    tokens = [token for token in tokens_of(live_runtime, 1) if token not in link]
    answer_all(live_runtime, tokens, [Filled(2)] * 5)
    close_campaign(live_runtime, MACHINE, 1)
    with live_runtime.store.reading() as session:
        ours = [a for a in session.exec(select(Answer)) if a.reason == 1]
    assert [(a.detail, a.comment) for a in ours] == [("Journal of Tests", "")]


def test_errors_take_the_focus_and_keep_what_was_typed(
    page: Page, live_runtime: Runtime, watch: Watch, scan: Scan
) -> None:
    """Submit without a choice: the summary has the focus and leads to the first answer; the comment is still there."""
    watch.expected.append("422")
    page.goto(link_in_letter(live_runtime))
    page.get_by_label(re.compile("any other comments")).fill("Still here.")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.get_by_label(re.compile("any other comments"))).to_have_value("Still here.")
    assert scan(page) == []
    page.get_by_role("link", name=re.compile("Question 1")).click()
    expect(page.get_by_role("radio").first).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/survey/thanks")


def test_leaving_keeps_the_link_and_stores_nothing(page: Page, live_runtime: Runtime) -> None:
    """Exit and clear: a page without a token; the same link shows an empty questionnaire afterwards."""
    link = link_in_letter(live_runtime)
    page.goto(link)
    page.get_by_role("radio", name="Personal reasons.").check()
    page.get_by_label(re.compile("any other comments")).fill("Never sent.")
    page.get_by_role("link", name="Exit and clear survey").click()
    expect(page.get_by_role("heading", name="You have left the questionnaire")).to_be_visible()
    assert link not in page.content()
    page.goto(link)
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    expect(page.get_by_label(re.compile("any other comments"))).to_have_value("")
    assert ballots(live_runtime) == 0


def test_without_javascript_all_fields_stand_open(plain_page: Page, live_runtime: Runtime) -> None:
    """The three text fields are there without a script, and an answer goes through."""
    plain_page.goto(link_in_letter(live_runtime))
    for name in ("The journal", "The facilities", "belongs to answer 12"):
        expect(plain_page.get_by_label(re.compile(name))).to_be_visible()
    plain_page.get_by_role("radio", name=re.compile("no effort was available")).check()
    plain_page.get_by_role("button", name="Submit").click()
    plain_page.wait_for_url("**/survey/thanks")
    assert ballots(live_runtime) == 1


def test_fields_fold_until_their_answer_is_chosen(page: Page, live_runtime: Runtime) -> None:
    """With a script a field shows when its answer is chosen and folds when another is."""
    page.goto(link_in_letter(live_runtime))
    journal = page.get_by_label(re.compile("The journal"))
    expect(journal).to_be_hidden()
    page.get_by_role("radio", name=re.compile("There is a publication")).check()
    expect(journal).to_be_visible()
    page.get_by_role("radio", name="Personal reasons.").check()
    expect(journal).to_be_hidden()


def test_the_survey_pages_are_clean_and_fit_a_phone(phone: Page, live_runtime: Runtime, watch: Watch) -> None:
    """Questionnaire, thanks, leaving, closed link, stop, anonymity: axe finds nothing, nothing scrolls sideways."""
    watch.expected.append("404")
    link = link_in_letter(live_runtime)
    pages = {"questions": link, "stop": f"{link}/stop"}
    pages |= {name: f"/survey/{name}" for name in ("thanks", "left", "nothing", "done", "anonymity")}
    for name, path in pages.items():
        phone.goto(path)
        look(phone, f"survey-{name}")


def test_the_campaign_pages_are_clean_and_fit_a_phone(
    page: Page, phone: Page, log_in: LogIn, live_runtime: Runtime, scan: Scan
) -> None:
    """List, preview, who is due, one open and one closed campaign: axe finds nothing, nothing scrolls sideways."""
    make = make_campaign(live_runtime, projects=6, name="first")
    open_and_send(live_runtime, make)
    answer_all(live_runtime, tokens_of(live_runtime, make), [Filled(n + 1) for n in range(6)])
    close_campaign(live_runtime, MACHINE, make)
    with live_runtime.store.writing() as session:
        add_silent_projects(session, 12, start=100)
    log_in(page, Role.HEAD_LIBRARIAN)
    phone.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    for path in ("/campaigns/", "/campaigns/new", "/campaigns/due", f"/campaigns/{make}"):
        for window, width in ((page, 1280), (phone, 390)):
            window.goto(path)
            assert scan(window) == [], path
            assert window.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_campaign_from_draft_to_results(page: Page, log_in: LogIn, live_runtime: Runtime) -> None:
    """A head librarian makes a draft, sends, and closes; after the answers the figures stand on the page."""
    with live_runtime.store.writing() as session:
        add_silent_projects(session, 8)
    log_in(page, Role.HEAD_LIBRARIAN)
    page.goto("/campaigns/")
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Name", exact=True).fill("2026 autumn")
    page.get_by_label("I have read the warnings").check()
    page.get_by_role("button", name="Make a draft").click()
    expect(page.locator(".message")).to_contain_text("Nothing was sent yet")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message")).to_contain_text("8 letters were queued, 8 sent")
    answer_all(live_runtime, tokens_of(live_runtime, 1), [Filled(4)] * 6)
    page.get_by_role("link", name="Close…").click()
    page.get_by_role("button", name="Close the campaign").click()
    expect(page.locator(".message")).to_contain_text("6 ballots were opened")
    row = page.get_by_role("row", name=re.compile("Only partly observed"))
    expect(row.get_by_role("cell").last).to_have_text("6")
