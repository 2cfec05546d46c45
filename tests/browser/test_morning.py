"""A librarian's whole morning in a real browser by keyboard alone: nothing in here clicks, hovers or touches.

The mouse is never used: `Hands` knows keys only, and goes from field to field with Tab as a person does. Every state on
the way is scanned with axe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.papers import absorb_records
from biblio.clock import FixedClock
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import (
    Claim,
    Decision,
    Link,
    MergeProposal,
    Paper,
    PaperCorrection,
    PaperNote,
    PaperRelation,
    PaperTag,
)
from biblio.store.words import ClaimEnd, RelationKind, Role, Verdict
from biblio.verify.proposing.match import match
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.conftest import NOW
from tests.verify.factories import SEEN, add_mention, add_project
from tests.web.visitors import PASSWORD

Scan = Callable[[Page], list[str]]

MOST_TABS = 120
"""Fields, links and buttons that a person would go through before giving up."""


class RunningClock(FixedClock):
    """A clock that goes on by a second whenever somebody looks: what is done one after the other is no one act."""

    def now(self) -> datetime:
        """Return the moment, a second after the one before."""
        self.move(timedelta(seconds=1))
        return super().now()


@pytest.fixture
def live_runtime(sqlite_runtime: Runtime) -> Runtime:
    """The runtime behind the live server, with a clock that runs."""
    return replace(sqlite_runtime, clock=RunningClock(NOW))


@dataclass
class Hands:
    """Two hands on a keyboard, and eyes on the page."""

    page: Page
    scan: Scan

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Type into the field that has the focus."""
        self.page.keyboard.type(text)

    def tab_to(self, target: Locator, key: str = "Tab") -> None:
        """Press Tab until the focus is there; a focus that cannot be seen, or is hidden by the bar, is no focus."""
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            self.press(key)
            if target.evaluate("one => one === document.activeElement"):
                expect(target).to_be_in_viewport()
                return
        raise AssertionError(f"Tab never comes to {target}")

    def sees(self, words: str) -> None:
        """The page says that something was done."""
        expect(self.page.locator(".message")).to_contain_text(words)

    def look(self, state: str) -> None:
        """The state is clean for axe."""
        assert self.scan(self.page) == [], state


@pytest.fixture
def papers(live_runtime: Runtime) -> list[int]:
    """Eight papers that print the codes of eight projects; two of them look alike."""
    targets = ("Tamsin 7", "Qix 3", "Orla 12", "Vey 9", "Rho 4", "Ulm 2", "Zed 5", "Nim 8")
    with live_runtime.store.writing() as session:
        ids = []
        for number, target in enumerate(targets, start=1):
            add_project(session, f"2016.1.{number:05}.S", title=f"Gas in the disc of {target}", targets=(target,))
            record = HarvestedRecord(
                source="ads",
                key=f"2019ApJ...87{number}...10O",
                arxiv_id=f"1901.{number:05}",
                kind="article",
                journal="ApJ",
                title=f"The gas mass of {target}",
                abstract=f"We weigh the gas around {target} with new images.",
                authors=(HarvestedAuthor(name="Oduya, M."), HarvestedAuthor(name="Stranger, A.")),
                year=2019,
            )
            paper = absorb_records(session, [record], payload_sha256=None, now=SEEN)[0].paper_id
            add_mention(session, paper, f"2016.1.{number:05}.S", line=100 + number)
            ids.append(paper)
        session.add(
            MergeProposal(paper_id=ids[6], twin_id=ids[7], probability=0.9, reasons=["titles alike"], proposed_at=SEEN)
        )
    run_job(live_runtime, match)
    return ids


def test_a_whole_morning_by_keyboard_alone(
    page: Page, person: Callable[..., Actor], scan: Scan, live_runtime: Runtime, papers: list[int]
) -> None:
    """Log in, filter, decide each way, undo, find, tag, note, correct, share, merge, confirm together, log out."""
    person(Role.LIBRARIAN)
    person(Role.HEAD_LIBRARIAN)
    hands = Hands(page, scan)
    _log_in(hands)
    _filter_and_open(hands)
    _decide(hands)
    _write(hands)
    _correct(hands)
    handed = _share(hands)
    _merge(hands, papers)
    _confirm_together(hands, handed)
    _log_out(hands)
    _check(live_runtime, papers)


def _log_in(hands: Hands) -> None:
    hands.page.goto("/login")
    user = hands.page.get_by_label("User name")
    if not user.evaluate("one => one === document.activeElement"):
        hands.tab_to(user)
    hands.write(Role.LIBRARIAN.value)
    hands.press("Tab")
    hands.write(PASSWORD)
    hands.press("Enter")
    expect(hands.page.locator(".lead")).to_contain_text("8 certain, 0 likely")


def _filter_and_open(hands: Hands) -> None:
    band = hands.page.locator("#f-band")
    hands.tab_to(band)
    hands.write("cert")
    hands.press("Enter")
    hands.page.wait_for_url("**band=certain**")
    hands.look("the queue, filtered")
    hands.press("j")
    expect(hands.page.locator("h1")).to_contain_text("The gas mass of")
    expect(hands.page.locator(".passage .place").first).to_contain_text("main.tex, line 10")
    hands.look("a paper")


def _decide(hands: Hands) -> None:
    page = hands.page
    hands.press("?")
    expect(page.get_by_text("leave it unsure")).to_be_visible()
    hands.look("the list of keys")
    hands.press("Escape", "h")
    expect(page.locator(".rules dl")).to_be_visible()
    hands.look("the rules of the classes")
    hands.press("Escape", "1", "a")
    hands.sees("Accepted 2016.1.")
    hands.press("w")
    hands.write("another object of that name")
    hands.press("Escape", "r")
    hands.sees("Rejected 2016.1.")
    hands.press("u")
    hands.sees("Unsure 2016.1.")
    hands.press("z")
    hands.sees("taken back")
    code = page.locator(".candidate .code").first.inner_text()
    other = "2016.1.00008.S" if code != "2016.1.00008.S" else "2016.1.00007.S"
    hands.press("/")
    hands.write(other)
    hands.press("Enter")
    expect(page.get_by_role("radio", name=other)).to_be_checked()
    hands.look("a project that was found")
    hands.press("s")
    expect(page.get_by_role("radio", name=code)).to_be_checked()
    hands.press("3", "n")
    hands.sees("mention")


def _write(hands: Hands) -> None:
    page = hands.page
    hands.press("t")
    hands.write("Band 7, ask the PI")
    hands.look("the form of tags")
    hands.press("Enter")
    hands.sees("Tagged")
    expect(page.locator(".tags")).to_contain_text("band 7")
    hands.press("m")
    hands.write("Table 2 names the units.")
    hands.press("Control+Enter")
    hands.sees("Noted")
    expect(page.locator(".note")).to_contain_text("Table 2 names the units.")
    hands.look("a paper with tags and a note")


def _correct(hands: Hands) -> None:
    page = hands.page
    hands.press("e")
    expect(page.locator("h1")).to_contain_text("Correct what is shown")
    hands.tab_to(page.locator("table.fields").get_by_role("link", name="Journal"))
    hands.press("Enter")
    expect(page.locator("#value")).to_be_focused()
    hands.press("Control+a")
    hands.write("A&A")
    hands.press("Enter")
    hands.sees("The journal is yours now")
    hands.look("the page of corrections")
    hands.press("o")
    expect(page.locator(".desk-meta")).to_contain_text("A&A")


def _share(hands: Hands) -> str:
    """Claim, release, hand over; return the title of the paper that is somebody else's now."""
    page = hands.page
    title = page.locator("h1").inner_text()
    hands.press("c")
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    hands.press("c")
    expect(page.get_by_role("button", name="Claim")).to_be_visible()
    hands.press("v")
    hands.write("head")
    hands.press("Tab")
    hands.write("please look at figure 3")
    hands.look("the form that hands over")
    hands.press("Enter")
    expect(page.locator(".message")).to_be_visible()
    return title


def _merge(hands: Hands, papers: list[int]) -> None:
    page = hands.page
    for _ in papers:
        if page.locator(".twin").count():
            break
        here = page.url
        hands.press("j")
        expect(page).not_to_have_url(here)
    hands.look("two papers that look like one")
    hands.tab_to(page.get_by_role("button", name="One paper: merge"))
    hands.press("Enter")
    hands.sees("one paper now")
    hands.look("two papers made one")


def _confirm_together(hands: Hands, handed: str) -> None:
    """Confirm all that are certain but the one that was handed over."""
    page = hands.page
    hands.tab_to(page.get_by_role("link", name="Desk", exact=True))
    hands.press("Enter")
    hands.tab_to(page.get_by_role("link", name="Confirm certain ones together"))
    hands.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    hands.look("certain candidates, together")
    row = page.locator("li", has_text=handed)
    box = row.get_by_role("checkbox")
    expect(box).not_to_be_checked()  # somebody else works on it
    hands.tab_to(page.get_by_role("button", name="Accept all that are ticked"))
    hands.press("Enter")
    hands.sees("Accepted")


def _log_out(hands: Hands) -> None:
    hands.tab_to(hands.page.get_by_role("button", name="Log out"))
    hands.press("Enter")
    expect(hands.page.get_by_role("link", name="Log in")).to_be_visible()


def _check(runtime: Runtime, papers: list[int]) -> None:
    """What the keys did is stored."""
    with runtime.store.reading() as session:
        reasons = {row.reason for row in session.exec(select(Decision))}
        verdicts = {row.verdict for row in session.exec(select(Link).where(col(Link.ended_at).is_(None)))}
        assert "another object of that name" in reasons
        assert verdicts >= {Verdict.ACCEPT, Verdict.REJECT}
        assert RelationKind.MENTION in {row.relation for row in session.exec(select(PaperRelation))}
        assert {row.tag for row in session.exec(select(PaperTag))} == {"band 7", "ask the pi"}
        assert [row.text for row in session.exec(select(PaperNote))] == ["Table 2 names the units."]
        assert [(row.field, row.value) for row in session.exec(select(PaperCorrection))] == [("journal", "A&A")]
        assert session.get_one(Paper, papers[7]).merged_into_id == papers[6]
        ends = [row.end for row in session.exec(select(Claim).order_by(col(Claim.id)))]
        assert ends[0] is ClaimEnd.RELEASED
        assert session.exec(select(Claim.note)).all()[-1] == "please look at figure 3"
