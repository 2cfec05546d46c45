"""Use or mention in a real browser: the proposal is read, taken by one key, and never taken by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.models import PaperRelation
from biblio.store.words import RelationKind, Role
from tests.browser.looks import look
from tests.verify.factories import add_paper, add_project
from tests.verify.paper.test_relation_proposal import PLAN, add_text


@pytest.fixture
def paper(live_runtime: Runtime) -> int:
    """A paper whose text announces observations and names the observatory; no project is proposed for it."""
    with live_runtime.store.writing() as session:
        add_project(session)
        paper = add_paper(session, title="Rings without codes", abstract="We model a ring.")
        add_text(session, paper, ("future", PLAN, "body"), ("named", "ALMA", "body"))
    return paper


@pytest.mark.parametrize("width", ["page", "phone"])
def test_the_proposal_is_taken_by_one_key(
    request: pytest.FixtureRequest,
    width: str,
    log_in: Callable[..., Actor],
    live_runtime: Runtime,
    paper: int,
) -> None:
    """No class is chosen until p is pressed; then the class is, and the decision stores it. Clean for axe, no overflow."""
    window: Page = request.getfixturevalue(width)
    log_in(window, Role.LIBRARIAN)
    window.goto(f"/desk/paper/{paper}")
    expect(window.locator(".relation-proposal mark")).to_contain_text([PLAN, "ALMA"])
    expect(window.locator("input[name=relation]:checked")).to_have_count(0)
    look(window, "relation")
    window.keyboard.press("p")
    expect(window.locator("#relation-mention")).to_be_checked()
    window.keyboard.press("n")
    expect(window.locator(".message")).to_contain_text("mention")
    with live_runtime.store.reading() as session:
        assert session.exec(select(PaperRelation)).one().relation is RelationKind.MENTION
