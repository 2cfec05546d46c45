"""What waits for a decision, on the report's pages: beside the first numbers, at marked rows, and in lists of projects."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from flask import Flask

from biblio.runtime import Runtime
from biblio.store.words import Band, Role, Scheme
from reports.service import build_report, freeze
from tests.factories import add_candidate, add_paper, add_project
from tests.reports.pages.conftest import CYCLE_3, Shelf
from tests.reports.pages.test_pages import text
from tests.web.visitors import Visitor, logged_in


@pytest.fixture
def desk(runtime: Runtime, shelf: Shelf) -> Shelf:
    """The shelf with a refereed paper that waits, certain, for the third project of the cycle."""
    with runtime.store.writing() as session:
        paper = add_paper(session, "Dust, undecided", year=2018, identifiers={Scheme.DOI: "10.9999/waits"})
        add_candidate(session, paper, shelf.projects[2], score=0.99, band=Band.CERTAIN)
    return shelf


@pytest.mark.usefixtures("desk")
def test_the_first_page_says_how_far_the_fraction_could_move(manager: Visitor) -> None:
    """Two of five are published; a third would be. It leads to what waits, and what waits to its paper and project."""
    page = text(manager, "/reports/")
    assert "40.0 to 60.0\u202f% once the certain one that waits is decided" in page
    assert 'href="/reports/bibliography#projects-waiting"' in page
    assert "10.9999/waits" in text(manager, "/reports/bibliography/undecided/certain/candidates")
    assert CYCLE_3[2] in text(manager, "/reports/bibliography/projects-waiting/2015.1/certain")


@pytest.mark.usefixtures("desk")
def test_a_row_with_a_large_backlog_is_marked(manager: Visitor) -> None:
    """On the theme's page, with the sentence in the open, and at the number itself."""
    said = "1 more project waits with a candidate that is certain; if accepted, 75.0\u202f% published so far."
    assert text(manager, "/reports/fraction").count(said) > 1
    assert "much of it waits for a decision" in text(manager, "/reports/fraction/now")
    assert said in text(manager, "/reports/fraction/now/2015.1/fraction")
    rows = list(csv.reader(io.StringIO(manager.get("/reports/fraction/now.csv").get_data(as_text=True))))
    assert any(row[0] == "Cycle 3" and row[-2:] == ["waits", said] for row in rows), rows


def test_lists_of_projects_say_which_wait(runtime: Runtime, desk: Shelf, manager: Visitor) -> None:
    """Live and frozen, on the page and in the file."""
    with runtime.store.writing() as session:
        report = build_report(runtime, session, runtime.clock.today())
        freeze(session, desk.librarian, report, now=runtime.clock.now())
    for place in ("/reports", "/reports/snapshots/1"):
        address = f"{place}/fraction/now/2015.1/fraction"
        page = text(manager, address)
        assert "Waits for a decision" in page
        file = csv.DictReader(io.StringIO(manager.get(f"{address}?format=csv").get_data(as_text=True)))
        found = {row["project"]: row["waits for a decision"] for row in file}
        assert found == {code: "certain" if code == CYCLE_3[2] else "" for code in CYCLE_3}


@pytest.mark.usefixtures("desk")
def test_a_part_of_the_projects_has_what_waits_for_it(app: Flask, runtime: Runtime) -> None:
    """Another cycle has nothing that waits."""
    manager = logged_in(app, runtime, Role.MANAGER)
    assert "that waits is decided" not in text(manager, "/reports/?cycle=2016.1")
    assert "50.0 to 75.0\u202f%" in text(manager, "/reports/?cycle=2015.1")


def test_the_public_page_marks_what_waits_without_its_numbers(app: Flask, runtime: Runtime, desk: Shelf) -> None:
    """How many of a cycle wait could tell of single projects; the range of the whole stands beside its fraction."""
    with runtime.store.writing() as session:
        for n in range(10, 16):
            add_project(session, f"2015.1.000{n}.S", delivered_on=date(2016, 3, 1))
        paper = add_paper(session, "More dust, undecided", year=2018)
        add_candidate(session, paper, desk.projects[3], score=0.99, band=Band.CERTAIN)
    page = text(Visitor(app), "/success")
    assert "many of its papers wait to be judged" in page
    assert "more project" not in page
    assert "18.2 to 36.4\u202f% once the 2 certain ones that wait are decided" in page
