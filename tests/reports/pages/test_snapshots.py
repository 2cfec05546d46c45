"""Frozen reports on pages: freezing, looking, and what moved since, with the papers and projects that moved it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlmodel import col

from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import PaperRevision, SecondReading
from biblio.store.words import Role
from tests.factories import accept, add_paper
from tests.reports.pages.conftest import CYCLE_3, Shelf, put_under_second_reading
from tests.reports.pages.test_pages import WITHIN_4, rows_linked, text
from tests.web.visitors import Visitor, logged_in

FROZEN_4 = WITHIN_4.replace("/reports/", "/reports/snapshots/1/")


def freeze(visitor: Visitor, day: str = "") -> str:
    """Freeze the report of a day with the page's button; return what the page says then."""
    answer = visitor.post("/reports/freeze", {"as_of": day}, form_on="/reports/snapshots", follow_redirects=True)
    return answer.get_data(as_text=True)


@pytest.fixture
def moved(manager: Visitor, runtime: Runtime, shelf: Shelf, clock: FixedClock) -> Shelf:
    """A frozen report, and a day later one paper more: the third project published."""
    assert "The report of 2026-11-22 is frozen as snapshot 1" in freeze(manager)
    clock.move(timedelta(days=1))
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, add_paper(session, "At last", year=2026), shelf.projects[2],
               now=runtime.clock.now())  # fmt: skip
    return shelf


def test_before_the_first_one_the_list_says_how(manager: Visitor) -> None:
    """An empty list names the button and the command; the first page compares with nothing."""
    assert "biblio report build --as-of DAY" in text(manager, "/reports/snapshots")


@pytest.mark.usefixtures("moved")
def test_a_frozen_report_stays_as_it_was(manager: Visitor) -> None:
    """The live number moves; the frozen one does not, on its page, in its rows and in its files."""
    assert "60.0\u202f%" in text(manager, "/reports/")
    frozen = text(manager, "/reports/snapshots/1/")
    assert "40.0\u202f%" in frozen
    assert "Frozen" in frozen
    rows = text(manager, FROZEN_4)
    assert "1 of 4" in rows
    assert all(code in rows for code in CYCLE_3)
    assert manager.get("/reports/snapshots/1/fraction/now/1.dark.svg").status_code == 200
    assert json.loads(text(manager, "/reports/snapshots/1/report.json"))["report"]["as_of"] == "2026-11-22"
    assert text(manager, f"{FROZEN_4}?format=csv").count("\n") == 5
    assert "when snapshot 1 was frozen" in text(manager, "/reports/snapshots/1/definitions")


@pytest.mark.usefixtures("moved")
def test_every_link_of_a_frozen_page_stays_in_the_snapshot(manager: Visitor) -> None:
    """Numbers of a frozen theme lead to frozen rows, not to live ones; a filter has no place there."""
    page = text(manager, "/reports/snapshots/1/fraction")
    linked = rows_linked(page, "fraction")
    assert len(linked) > 20
    assert all(address.startswith("/reports/snapshots/1/") for address in linked)
    assert 'name="as_of"' not in page


@pytest.mark.usefixtures("moved")
def test_what_moved_is_told_with_who_moved_it(manager: Visitor) -> None:
    """The first page says by how much; the page of changes names the project and the paper; rows are one click on."""
    assert "+20.0 points since 2026-11-22" in re.sub(r"\s+", " ", text(manager, "/reports/"))
    page = text(manager, "/reports/snapshots/1/changes")
    assert f'href="/project/{CYCLE_3[2]}"' in page
    assert "10.9999/" in page
    assert CYCLE_3[0] not in page
    freeze(manager)
    both = text(manager, "/reports/snapshots/1/changes/2")
    assert f'href="/project/{CYCLE_3[2]}"' in both
    assert '"/reports/snapshots/2/fraction/now/all/fraction"' in both
    assert "since snapshot 1" in text(manager, "/reports/snapshots")
    assert "choose two" in text(manager, "/reports/snapshots/1/changes/1", 404)


def test_nothing_changed_is_said(manager: Visitor, shelf: Shelf) -> None:
    """Frozen twice on one day there is one snapshot; compared with itself alive nothing moved."""
    freeze(manager)
    assert "Nothing is new: snapshot 1 holds this very report" in freeze(manager)
    assert "Nothing changed" in text(manager, "/reports/snapshots/1/changes")
    assert shelf.early


def test_a_day_in_the_past_can_be_frozen(manager: Visitor, shelf: Shelf) -> None:
    """What was known then is kept; a day to come is refused."""
    assert "The report of 2026-06-30 is frozen as snapshot 1" in freeze(manager, "2026-06-30")
    assert "day to come" in freeze(manager, "2027-01-01")
    assert shelf.early


CITED = "citations/most-cited"
CITED_WAYS = ("citations", CITED, f"{CITED}.csv", f"{CITED}.xlsx", "report.csv", "report.xlsx", "report.json")
"""Every way out by which the row of one paper could leave."""


def test_the_row_of_a_paper_goes_by_no_way_out_while_a_second_reader_judges_it(
    manager: Visitor, runtime: Runtime, shelf: Shelf, clock: FixedClock
) -> None:
    """Frozen before the reading was opened, or live: page, table, files and row say the same; afterwards all name it."""
    clock.move(timedelta(hours=1))
    with runtime.store.writing() as session:
        for paper, count in ((shelf.early, 4321), (shelf.late, 5)):
            session.execute(
                sa.update(PaperRevision).where(col(PaperRevision.paper_id) == paper).values(citation_count=count)
            )
    freeze(manager)
    frozen, live = (
        f"/reports/snapshots/1/{CITED}/p{shelf.early}/citations",
        f"/reports/{CITED}/p{shelf.early}/citations",
    )

    def telling() -> list[str]:
        """The ways out that name the paper."""
        ways = [f"{base}/{way}" for base in ("/reports", "/reports/snapshots/1") for way in CITED_WAYS]
        return [way for way in ways if _tells(manager.get(way).data)]

    assert len(telling()) == 2 * len(CITED_WAYS)
    assert (manager.get(frozen).status_code, manager.get(live).status_code) == (200, 200)
    put_under_second_reading(runtime, shelf)
    assert telling() == []
    assert (manager.get(frozen).status_code, manager.get(live).status_code) == (404, 404)
    assert "Dust, seen late" in text(manager, f"/reports/snapshots/1/{CITED}")
    with runtime.store.writing() as session:
        session.execute(sa.update(SecondReading).values(ended_at=clock.now(), agrees=True))
    clock.move(timedelta(hours=1))
    assert len(telling()) == 2 * len(CITED_WAYS)


def _tells(body: bytes) -> bool:
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            body = b"".join(book.read(name) for name in book.namelist())
    return b"Dust, seen early" in body


def test_a_second_reader_learns_nothing_of_what_moved(
    manager: Visitor, runtime: Runtime, moved: Shelf, clock: FixedClock
) -> None:
    """A paper that came and waits for a second reader moved the number, and neither it nor its project is named."""
    put_under_second_reading(runtime, moved)
    clock.move(timedelta(days=1))
    for address in (FROZEN_4, f"{FROZEN_4}?format=csv", "/reports/snapshots/1/report.json"):
        assert CYCLE_3[0] not in text(manager, address), address
    assert "2017Nowhr" not in text(manager, "/reports/snapshots/1/papers/by-year/all/papers")


@pytest.mark.parametrize(("role", "may"), [(Role.LIBRARIAN, False), (Role.HEAD_LIBRARIAN, True)])
def test_only_those_who_may_freeze_see_the_button(app: Flask, runtime: Runtime, role: Role, may: bool) -> None:
    """Librarians read snapshots; they do not make them."""
    visitor = logged_in(app, runtime, role)
    assert ("Freeze the report of this day" in text(visitor, "/reports/snapshots")) is may


def test_a_day_of_long_ago_is_not_the_latest(manager: Visitor, shelf: Shelf) -> None:
    """Today is compared with the last day before it, whenever that was frozen; a day before all says what it knew."""
    for day in ("2026-11-20", "2024-01-01", ""):
        freeze(manager, day)
    page = text(manager, "/reports/")
    assert "since snapshot 1 of 2026-11-20" in " ".join(page.split())
    assert "biblio knew nothing before" not in page
    early = text(manager, "/reports/?as_of=2010-01-01")
    assert "biblio knew nothing before" in early
    assert "0 since" not in early
    freeze(manager, "2010-01-01")
    assert "biblio knew nothing before" in text(manager, "/reports/snapshots/4/changes/3")
