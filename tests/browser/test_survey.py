"""From the letter to the thanks in a real browser: by keyboard, on a phone, without JavaScript, clean for axe."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot, Comment, Invitation, PaperReport
from biblio.store.words import Role
from survey.page.language import ORIGINAL, languages
from tests.browser.conftest import Watch
from tests.browser.looks import look
from tests.survey.people import (
    add_silent_projects,
    answer_all,
    let_it_end,
    letters_in,
    make_campaign,
    open_and_send,
    said,
    tokens_of,
)

Scan = Callable[[Page], list[str]]
LogIn = Callable[..., Actor]


def link_in_letter(runtime: Runtime, number: int = 0) -> str:
    """Send a campaign's letters and return the path of the link in one of them, as a PI would find it."""
    if not runtime.settings.outgoing_mail.is_dir():
        open_and_send(runtime, make_campaign(runtime, projects=20))
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
    expect(page.get_by_role("link", name="What anonymous means here")).to_be_focused()
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
    answer_all(live_runtime, tokens, [said(2)] * 5)
    let_it_end(live_runtime, 1)
    with live_runtime.store.reading() as session:
        ours = [a.word for a in session.exec(select(Answer)) if a.choice == 1]
        comments = list(session.exec(select(Comment)))
    assert (ours, comments) == (["Journal of Tests"], [])


def _is_in_focus(window: Page, selector: str) -> bool:
    return bool(window.evaluate(f"document.activeElement === document.querySelector({selector!r})"))


@pytest.mark.parametrize("window", ["page", "plain_page"])
def test_errors_take_the_focus_and_keep_what_was_typed(
    request: pytest.FixtureRequest, window: str, live_runtime: Runtime, watch: Watch
) -> None:
    """Submit without a choice, with and without JavaScript: the summary has the focus and leads to the first answer."""
    watch.expected.append("422")
    page: Page = request.getfixturevalue(window)
    page.goto(link_in_letter(live_runtime))
    page.get_by_label(re.compile("any other comments")).fill("Still here.")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("One thing needs your attention")
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_label(re.compile("any other comments"))).to_have_value("Still here.")
    group = page.get_by_role("radiogroup", name=re.compile("Please describe the status"))
    expect(group).to_have_accessible_description(
        re.compile("Choose one of the following.*Choose exactly one", re.DOTALL)
    )
    page.get_by_role("link", name=re.compile("Question 1")).press("Enter")
    if window == "page":
        expect(page.get_by_role("radio").first).to_be_focused()
    else:
        assert page.url.endswith("#status-choice-1")
        page.keyboard.press("Tab")  # a browser goes on from the place that the address names
    page.get_by_role("radio", name="Personal reasons.").check()
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/survey/thanks")
    assert ballots(live_runtime) == 1


def test_a_field_with_an_error_says_so_to_a_screen_reader(
    page: Page, live_runtime: Runtime, watch: Watch, scan: Scan
) -> None:
    """A word that is too long: its field is open, invalid, and described by hint and error; axe finds nothing."""
    watch.expected.append("422")
    page.goto(link_in_letter(live_runtime))
    page.get_by_role("radio", name="Other:").check()
    field = page.get_by_label(re.compile("^Other.*belongs to answer 12"))
    expect(field).to_have_accessible_description(re.compile("do not name yourself"))
    field.fill("x" * 301)
    page.get_by_role("button", name="Submit").click()
    expect(field).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        re.compile("do not name yourself.*Error: This text has 301", re.DOTALL)
    )
    assert scan(page) == []
    page.get_by_role("link", name=re.compile("Question 1, Other")).click()
    expect(field).to_be_focused()


def test_leaving_sends_nothing_and_stores_nothing(page: Page, live_runtime: Runtime) -> None:
    """Exit and clear: no request but the next page's own, nothing kept in the browser; the same link is empty again."""
    link = link_in_letter(live_runtime)
    page.goto(link)
    sent: list[tuple[str, str, str | None]] = []
    page.on("request", lambda asked: sent.append((asked.method, asked.url, asked.post_data)))
    page.get_by_role("radio", name="Other:").check()
    page.get_by_label(re.compile("belongs to answer 12")).press_sequentially("Never sent")
    page.get_by_label(re.compile("any other comments")).press_sequentially("Never sent either.")
    page.evaluate("window.dispatchEvent(new Event('blur')); document.dispatchEvent(new Event('visibilitychange'))")
    assert [asked for asked in sent if not asked[1].endswith(".svg")] == []  # an icon may come late
    page.get_by_role("link", name="Exit and clear survey").click()
    expect(page.get_by_role("heading", name="You have left the questionnaire")).to_be_visible()
    assert {(method, body) for method, _, body in sent} == {("GET", None)}
    addresses = [url.removeprefix(page.url.removesuffix("/survey/left")) for _, url, _ in sent]
    assert [path for path in addresses if not re.fullmatch(r"/static/[\w.]+", path)] == ["/survey/left"]
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert page.evaluate(kept) == [0, 0, ""]
    assert page.evaluate("indexedDB.databases()") == []
    assert [cookie["name"] for cookie in page.context.cookies()] == ["biblio"]
    assert link not in page.content()
    for come_again in (page.go_back, lambda: page.goto(link)):
        come_again()
        expect(page.get_by_role("radio", checked=True)).to_have_count(0)
        expect(page.get_by_label(re.compile("any other comments"))).to_have_value("")
    assert ballots(live_runtime) == 0


def test_the_thanks_lead_to_the_public_page_without_a_trace(page: Page, live_runtime: Runtime) -> None:
    """From the thanks to "your list misses my paper": no referrer, no token; what is told there waits at the desk."""
    link = link_in_letter(live_runtime)
    page.goto(link)
    page.get_by_role("radio", name=re.compile("There is a publication")).check()
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/survey/thanks")
    with page.expect_request("**/publication") as asked:
        page.locator(".thanks").first.get_by_role("link", name="Tell us of a publication that we missed").click()
    assert "referer" not in asked.value.all_headers()
    assert page.url.endswith("/publication")
    page.get_by_label("Which paper").fill("10.1234/fictional.5678")
    page.get_by_label("Project code").fill("2016.1.00001.S")
    page.get_by_role("button", name="Tell the librarians").click()
    page.wait_for_url("**/publication/thanks*")
    with live_runtime.store.reading() as session:
        told = session.exec(select(PaperReport)).one()
        marked = list(session.exec(select(Invitation.is_used)))
    assert (told.identifier, told.project_code) == ("10.1234/fictional.5678", "2016.1.00001.S")
    assert (ballots(live_runtime), marked.count(True)) == (1, 1)


def test_without_javascript_all_fields_stand_open(plain_page: Page, live_runtime: Runtime) -> None:
    """The three text fields are there without a script, and an answer goes through, in another language as well."""
    plain_page.goto(link_in_letter(live_runtime))
    plain_page.get_by_role("link", name="Español").click()
    for name in ("The journal", "The facilities", "corresponde a la respuesta 12"):
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


@pytest.mark.parametrize("width", ["page", "phone"])
def test_the_survey_pages_are_clean_at_both_widths(
    request: pytest.FixtureRequest, width: str, live_runtime: Runtime, watch: Watch
) -> None:
    """Questionnaire, thanks, leaving, closed link, stop, anonymity: clean for axe, nothing scrolls sideways."""
    watch.expected.append("404")
    window: Page = request.getfixturevalue(width)
    link = link_in_letter(live_runtime)
    pages = {"questions": link, "stop": f"{link}/stop"}
    pages |= {name: f"/survey/{name}" for name in ("thanks", "left", "nothing", "done", "anonymity")}
    for name, path in pages.items():
        window.goto(path)
        look(window, f"survey-{name}")


@pytest.mark.parametrize("code", [code for code in languages() if code != ORIGINAL])
def test_the_survey_pages_are_clean_in_every_language(
    phone: Page, live_runtime: Runtime, watch: Watch, code: str
) -> None:
    """The questionnaire with its errors and the anonymity page on a phone: clean for axe, nothing scrolls sideways."""
    watch.expected.append("422")
    link = link_in_letter(live_runtime)
    phone.goto(f"/survey/anonymity?lang={code}")
    look(phone, f"survey-anonymity-{code}")
    phone.goto(link)
    phone.get_by_role("link", name=languages()[code].name).click()
    phone.locator("#comment").fill("too long " * 400)
    phone.get_by_role("button", name="Submit").click()
    expect(phone.get_by_role("alert")).to_contain_text(languages()[code]("errors.several", count=2))
    look(phone, f"survey-errors-{code}")
    phone.get_by_role("link", name="Exit and clear survey").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text(languages()[code]("left.title"))


def test_the_campaign_pages_are_clean_and_fit_a_phone(
    page: Page, phone: Page, log_in: LogIn, live_runtime: Runtime, scan: Scan
) -> None:
    """List, preview, who is due, one open and one closed campaign: axe finds nothing, nothing scrolls sideways."""
    make = make_campaign(live_runtime, projects=20, name="first")
    open_and_send(live_runtime, make)
    answer_all(live_runtime, tokens_of(live_runtime, make), [said(n + 1) for n in range(6)])
    let_it_end(live_runtime, make)
    with live_runtime.store.writing() as session:
        add_silent_projects(session, 20, start=100)
    log_in(page, Role.HEAD_LIBRARIAN)
    phone.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    for path in ("/campaigns/", "/campaigns/new", "/campaigns/due", f"/campaigns/{make}"):
        for window, width in ((page, 1280), (phone, 390)):
            window.goto(path)
            assert scan(window) == [], path
            assert window.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_campaign_from_draft_to_results(page: Page, log_in: LogIn, live_runtime: Runtime) -> None:
    """A head librarian makes a draft and sends; when the box was opened after the last day, the figures stand on a page."""
    with live_runtime.store.writing() as session:
        add_silent_projects(session, 20)
    log_in(page, Role.HEAD_LIBRARIAN)
    page.goto("/campaigns/")
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Name", exact=True).fill("2026 autumn")
    page.get_by_label("I have read the warnings").check()
    page.get_by_role("button", name="Make a draft").click()
    expect(page.locator(".message")).to_contain_text("Nothing was sent yet")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message")).to_contain_text("20 letters were queued, 20 sent")
    answer_all(live_runtime, tokens_of(live_runtime, 1), [said(4)] * 6)
    let_it_end(live_runtime, 1)
    page.reload()
    page.get_by_role("link", name="Results", exact=True).click()
    row = page.get_by_role("row", name=re.compile("Only partly observed"))
    expect(row.get_by_role("cell").nth(1)).to_have_text(re.compile(r"^6\b"))
