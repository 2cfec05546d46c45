"""The librarians' desk in a real browser: decisions by keyboard alone, without a script, on a phone, clean for axe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.corrections import correct
from biblio.catalogue.links import Ruling, decide
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Link, MergeProposal, Paper, PaperRelation
from biblio.store.words import RelationKind, Role, Verdict
from biblio.verify.paper.notes import add_note, add_tags
from biblio.verify.proposing.match import match
from tests.browser.conftest import Watch
from tests.browser.looks import OVERFLOW, look
from tests.verify.factories import SEEN, add_mention, add_paper, add_project

LogIn = Callable[..., Actor]


@pytest.fixture
def filled(live_runtime: Runtime) -> list[int]:
    """Three papers that print codes, one of them two; the project list holds all of them."""
    with live_runtime.store.writing() as session:
        for number, target in ((1, "Tamsin 7"), (2, "Qix 3"), (3, "Orla 12")):
            add_project(session, f"2016.1.0000{number}.S", title=f"Gas in the disc of {target}", targets=(target,))
        ids = []
        for number, target in ((1, "Tamsin 7"), (2, "Qix 3"), (3, "Orla 12")):
            paper = add_paper(
                session,
                title=f"The gas mass of {target} from CO($J$=3--2) <script>alert(1)</script>",
                abstract=f"We weigh the gas around {target} with new images.",
                arxiv=f"1901.0000{number}",
            )
            add_mention(session, paper, f"2016.1.0000{number}.S")
            ids.append(paper)
    run_job(live_runtime, match)
    return ids


def _links(runtime: Runtime) -> list[tuple[int, Verdict]]:
    with runtime.store.reading() as session:
        rows = session.exec(select(Link).where(col(Link.ended_at).is_(None)).order_by(col(Link.id)))
        return [(row.paper_id, row.verdict) for row in rows]


def _said(window: Page) -> Locator:
    """What the page says was done."""
    return window.locator(".message")


def test_a_morning_by_keyboard_alone(page: Page, log_in: LogIn, live_runtime: Runtime, filled: list[int]) -> None:
    """Login, queue, open, accept, undo, unsure, mention: no mouse, and each key does what its button says."""
    log_in(page, Role.LIBRARIAN)
    page.goto("/desk")
    expect(page.locator(".lead")).to_contain_text("3 certain, 0 likely")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_contain_text("The gas mass of")
    first = page.locator("h1").inner_text()
    page.keyboard.press("a")
    expect(_said(page)).to_contain_text("Accepted 2016.1.")
    assert page.locator("h1").inner_text() != first
    assert [verdict for _, verdict in _links(live_runtime)] == [Verdict.ACCEPT]
    page.keyboard.press("z")
    expect(_said(page)).to_contain_text("taken back")
    assert _links(live_runtime) == []
    assert page.locator("h1").inner_text() == first
    page.keyboard.press("u")
    expect(_said(page)).to_contain_text("Unsure 2016.1.")
    page.keyboard.press("3")
    page.keyboard.press("n")
    expect(_said(page)).to_contain_text("mention")
    with live_runtime.store.reading() as session:
        assert session.exec(select(PaperRelation)).all()[-1].relation is RelationKind.MENTION
    page.keyboard.press("r")
    expect(_said(page)).to_contain_text("Rejected 2016.1.")
    expect(page.locator(".empty-title")).to_contain_text("Nothing waits")
    assert sorted(v for _, v in _links(live_runtime)) == sorted([Verdict.UNSURE, Verdict.REJECT, Verdict.REJECT])


def test_keys_find_a_project_and_never_act_while_somebody_types(
    page: Page, log_in: LogIn, live_runtime: Runtime, filled: list[int]
) -> None:
    """ "/" goes to the search; letters typed there decide nothing; the project found can be accepted."""
    log_in(page, Role.LIBRARIAN)
    page.goto(f"/desk/paper/{filled[0]}")
    page.keyboard.press("/")
    page.keyboard.type("Orla 12")
    assert _links(live_runtime) == []
    page.keyboard.press("Enter")
    expect(page.locator(".candidate").first).to_contain_text("2016.1.00003.S")
    expect(page.get_by_role("radio", name="2016.1.00003.S")).to_be_checked()
    page.keyboard.press("1")
    page.keyboard.press("a")
    expect(_said(page)).to_contain_text("Accepted 2016.1.00003.S")
    assert _links(live_runtime) == [(filled[0], Verdict.ACCEPT)]


def test_the_list_of_keys_opens_and_closes_by_keyboard(page: Page, log_in: LogIn, filled: list[int]) -> None:
    """ "?" shows the keys, Escape hides them; every key of the list is on a button or link of the page."""
    log_in(page, Role.LIBRARIAN)
    page.goto(f"/desk/paper/{filled[0]}")
    page.keyboard.press("?")
    expect(page.get_by_text("leave it unsure")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("leave it unsure")).to_be_hidden()
    for key in ("a", "r", "u", "n", "j", "/", "o", "1", "2", "3", "4", "5"):
        expect(page.locator(f'[data-key="{key}"]')).to_have_count(1)


def test_evidence_and_its_quote_light_up_together(page: Page, log_in: LogIn, filled: list[int]) -> None:
    """Hovering the evidence lights its quote; focusing the quote lights the evidence."""
    log_in(page, Role.LIBRARIAN)
    page.goto(f"/desk/paper/{filled[0]}")
    quote = page.locator("mark[id]").first
    line = page.locator(".candidate-more li[data-mark='quote-1']")
    line.hover()
    expect(quote).to_have_class("lit")
    page.mouse.move(0, 0)
    expect(quote).not_to_have_class("lit")
    quote.focus()
    expect(line).to_have_class("lit")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1440, 900)])
def test_the_median_decision_needs_no_scrolling(
    page: Page, log_in: LogIn, filled: list[int], width: int, height: int
) -> None:
    """On a laptop screen the quote, the chosen project with its evidence and the buttons are all in sight."""
    page.set_viewport_size({"width": width, "height": height})
    log_in(page, Role.LIBRARIAN)
    page.goto(f"/desk/paper/{filled[0]}")
    for element in (
        page.locator("mark[id]").first,
        page.locator(".candidate-more").first,
        page.get_by_text("Without the printed code it would be likely."),
        page.get_by_role("button", name="Accept"),
        page.get_by_role("button", name="Reject"),
        page.get_by_role("button", name="Unsure"),
    ):
        expect(element).to_be_in_viewport(ratio=1)


_COVERED = """one => {
  const box = one.getBoundingClientRect();
  const top = document.elementFromPoint(box.left + Math.min(box.width, 8) / 2, box.top + box.height / 2);
  return !(top && (one.contains(top) || top.contains(one) || (one.labels && [...one.labels].some((l) => l.contains(top)))));
}"""


def test_the_focus_is_never_hidden(page: Page, log_in: LogIn, filled: list[int]) -> None:
    """Tab through a long page on a small laptop: what has the focus is in the window and not below the bar."""
    page.set_viewport_size({"width": 1024, "height": 600})
    page.emulate_media(reduced_motion="reduce")  # the place is looked at once it has been scrolled to
    log_in(page, Role.LIBRARIAN)
    page.goto(f"/desk/paper/{filled[0]}")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.locator(":focus")
        if not focus.count():
            break
        name = focus.evaluate("one => one.outerHTML.slice(0, 120)")
        if focus.evaluate("one => one.matches('.btn-check')"):  # its label is the button, and shows the focus
            focus = page.locator(".btn-check:focus + label")
        expect(focus).to_be_in_viewport()
        assert not focus.evaluate(_COVERED), name
        seen.add(name)
    assert len(seen) > 25


def test_a_paper_reflows_at_double_size_and_on_a_phone(
    page: Page, phone: Page, log_in: LogIn, person: Callable[..., Actor], filled: list[int]
) -> None:
    """At 200 % nothing is wider than the window and all keys are in sight; on a phone the chosen project with its quote stands before the rest."""
    log_in(page, Role.LIBRARIAN)
    page.set_viewport_size({"width": 683, "height": 384})
    for address in (f"/desk/paper/{filled[0]}", f"/desk/paper/{filled[0]}/correct"):
        page.goto(address)
        assert page.evaluate(OVERFLOW) <= 0, address
    page.goto(f"/desk/paper/{filled[0]}")
    page.keyboard.press("?")
    for words in ("accept the chosen project", "this list"):
        expect(page.locator("[data-key-list] dd", has_text=words)).to_be_in_viewport(ratio=1)
    log_in(phone, Role.HEAD_LIBRARIAN)
    phone.goto(f"/desk/paper/{filled[0]}")
    expect(phone.locator(".candidate").first).to_be_in_viewport()
    quote = phone.locator(".candidate-quote mark")
    expect(quote).to_be_visible()
    assert quote.evaluate(
        "one => one.getBoundingClientRect().top < document.querySelector('.desk-left').getBoundingClientRect().top"
    )


def test_remarks_and_corrections_need_no_script(plain_page: Page, log_in: LogIn, filled: list[int]) -> None:
    """A tag and a note open in place, are sent by their buttons and taken away; the rules of the classes unfold."""
    log_in(plain_page, Role.LIBRARIAN)
    plain_page.goto(f"/desk/paper/{filled[0]}")
    plain_page.locator("summary[data-key=t]").click()
    plain_page.get_by_label("Tags, apart by commas").fill("Band 7")
    plain_page.get_by_role("button", name="Put on").click()
    expect(plain_page.locator(".tags")).to_contain_text("band 7")
    plain_page.get_by_role("button", name="Take the tag band 7 away").click()
    expect(_said(plain_page)).to_contain_text("taken away")
    plain_page.locator("summary[data-key=m]").click()
    plain_page.get_by_label("Note, for all librarians").fill("Look at table 2.")
    plain_page.get_by_role("button", name="Save the note").click()
    expect(plain_page.locator(".note")).to_contain_text("Look at table 2.")
    plain_page.locator("summary[data-key=h]").click()
    expect(plain_page.locator(".rules dl")).to_be_visible()
    plain_page.get_by_role("link", name="Correct").click()
    plain_page.get_by_role("link", name="Volume").click()
    plain_page.get_by_label("Volume: the right value").fill("870")
    plain_page.get_by_role("button", name="Correct the volume").click()
    expect(_said(plain_page)).to_contain_text("The volume is yours now")


def test_the_desk_works_without_a_script(
    plain_page: Page, log_in: LogIn, live_runtime: Runtime, filled: list[int]
) -> None:
    """Opening, ordering, choosing a class, accepting and undoing are buttons and links that need no JavaScript."""
    log_in(plain_page, Role.LIBRARIAN)
    plain_page.goto("/desk")
    plain_page.get_by_role("link", name="what teaches the matcher most").click()
    plain_page.get_by_role("link", name="Start with the next paper").click()
    plain_page.locator('label[for="relation-science"]').click()
    plain_page.get_by_role("button", name="Accept").click()
    expect(_said(plain_page)).to_contain_text("Accepted 2016.1.")
    assert "order=learn&turn=1" in plain_page.url
    _said(plain_page).get_by_role("button", name="Undo").click()
    expect(_said(plain_page)).to_contain_text("taken back")
    assert _links(live_runtime) == []


def test_who_comes_second_sees_both_views(
    page: Page, log_in: LogIn, person: Callable[..., Actor], live_runtime: Runtime, filled: list[int], watch: Watch
) -> None:
    """A form that is stale is answered with what was wanted, what is in force and by whom, and a way to decide again."""
    watch.expected.append("409")
    log_in(page, Role.LIBRARIAN)
    hanna = person(Role.HEAD_LIBRARIAN)
    page.goto(f"/desk/paper/{filled[0]}")
    with live_runtime.store.writing() as session:
        project = session.exec(select(Link)).first()
        assert project is None
        ruling = Ruling(filled[0], 1, Verdict.REJECT, 0, reason="another object of that name")
        decide(session, hanna, ruling, now=live_runtime.clock.now())
    page.keyboard.press("a")
    expect(page.locator("h1")).to_contain_text("Somebody else judged this meanwhile")
    expect(page.locator("main")).to_contain_text(hanna.name)
    expect(page.locator("main")).to_contain_text("another object of that name")
    page.get_by_role("button", name="Replace it with mine: accept").click()
    expect(_said(page)).to_contain_text("Accepted 2016.1.00001.S")
    assert _links(live_runtime) == [(filled[0], Verdict.ACCEPT)]


def test_certain_ones_are_confirmed_together_and_undone_as_one(
    page: Page, log_in: LogIn, live_runtime: Runtime, filled: list[int]
) -> None:
    """Each quote is on the page; what is unticked stays; one undo takes all of it back."""
    log_in(page, Role.LIBRARIAN)
    page.goto("/desk/certain")
    expect(page.locator("mark")).to_have_count(3)
    page.get_by_role("checkbox", name="2016.1.00002.S").uncheck()
    page.get_by_role("button", name="Accept all that are ticked").click()
    expect(_said(page)).to_contain_text("Accepted 2 certain candidates")
    assert len(_links(live_runtime)) == 2
    _said(page).get_by_role("button", name="Undo").click()
    expect(_said(page)).to_contain_text("taken back")
    assert _links(live_runtime) == []


def test_twins_are_shown_side_by_side_and_merged(
    page: Page, log_in: LogIn, live_runtime: Runtime, filled: list[int]
) -> None:
    """Both records stand on the page; "one paper" merges them, and parting them again is one button."""
    with live_runtime.store.writing() as session:
        session.add(
            MergeProposal(
                paper_id=filled[0], twin_id=filled[1], probability=0.9, reasons=["titles alike"], proposed_at=SEEN
            )
        )
    log_in(page, Role.LIBRARIAN)
    page.goto(f"/desk/paper/{filled[0]}")
    expect(page.locator(".twin")).to_contain_text("titles alike")
    page.get_by_role("button", name="One paper: merge").click()
    expect(_said(page)).to_contain_text("one paper now")
    with live_runtime.store.reading() as session:
        assert session.get_one(Paper, filled[1]).merged_into_id == filled[0]
    _said(page).get_by_role("button", name="Undo").click()
    expect(_said(page)).to_contain_text("two papers again")
    with live_runtime.store.reading() as session:
        assert session.get_one(Paper, filled[1]).merged_into_id is None


@pytest.mark.parametrize("width", ["page", "phone"])
def test_desk_pages_are_clean_at_both_widths(
    request: pytest.FixtureRequest,
    width: str,
    log_in: LogIn,
    live_runtime: Runtime,
    filled: list[int],
) -> None:
    """Queue, paper, confirm page and search fit a laptop and a phone and are clean for axe in light and dark."""
    window: Page = request.getfixturevalue(width)
    vera = log_in(window, Role.LIBRARIAN)
    with live_runtime.store.writing() as session:
        decide(session, vera, Ruling(filled[2], 3, Verdict.UNSURE, 0, reason="which epoch?"), now=SEEN)
        session.add(MergeProposal(paper_id=filled[1], twin_id=filled[2], probability=0.8, proposed_at=SEEN))
    pages = {
        "desk": "/desk",
        "desk-filtered": "/desk?band=unlikely",
        "desk-learn": "/desk?order=learn",
        "desk-paper": f"/desk/paper/{filled[0]}",
        "desk-decided": f"/desk/paper/{filled[2]}",
        "desk-find": f"/desk/paper/{filled[1]}?find=disc",
        "desk-certain": "/desk/certain",
        "desk-correct": f"/desk/paper/{filled[0]}/correct?field=journal",
    }
    with live_runtime.store.writing() as session:
        add_tags(session, vera, filled[0], "band 7, ask the PI", now=SEEN)
        add_note(session, vera, filled[0], "Table 2 names the units.", now=SEEN)
        correct(session, vera, filled[1], "volume", "870", now=SEEN)
    for name, address in pages.items():
        window.goto(address)
        look(window, name)
