"""The public page: numbers and no rows, nothing that could be told apart, nothing a second reader must not know."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask import Flask

from biblio.clock import FixedClock
from biblio.runtime import Runtime
from tests.factories import accept, add_paper, add_project
from tests.reports.pages.conftest import CYCLE_3, Shelf, put_under_second_reading
from tests.reports.pages.test_pages import text
from tests.web.visitors import Visitor


@pytest.fixture
def crowd(runtime: Runtime, shelf: Shelf) -> Shelf:
    """Eight more projects of the cycle and eleven of another, so that there are enough of them to be told of."""
    with runtime.store.writing() as session:
        for n in range(10, 18):
            add_project(session, f"2015.1.000{n}.S", title="A secret aim", delivered_on=date(2016, 3, 1))
        for n in range(10, 21):
            add_project(session, f"2017.1.000{n}.S", title="A secret aim", delivered_on=date(2018, 3, 1))
    return shelf


@pytest.mark.usefixtures("crowd")
def test_anybody_reads_numbers_and_no_rows(app: Flask) -> None:
    """Without a login: the fraction by cycle and papers by year; no code, title, PI or silent project."""
    visitor = Visitor(app)
    answer = visitor.get("/success")
    page = answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "public, max-age=600"
    assert "Cycle 3" in page
    assert "16.7" in page
    assert re.search(r'href="/\?[^"]*from=2017[^"]*"', page)
    for secret in (*CYCLE_3, "Qix", "A secret aim", "Bora", ">Silent<", "Projects silent", "/reports/"):
        assert secret not in page, secret


def rows_of(page: str) -> dict[str, tuple[int, int]]:
    """The rows of the table by cycle: how many were observed, and published."""
    table = page[page.index('id="h-fraction"') : page.index('id="h-papers"')]
    rows = re.findall(r'<th scope="row">([^<]+?)(?: <span.*?)?</th><td>(\d+)[^/]*</td><td>(\d+)', table)
    return {name: (int(observed), int(published)) for name, observed, published in rows}


@pytest.mark.usefixtures("crowd")
def test_a_cycle_of_few_projects_cannot_be_told_by_subtracting(app: Flask) -> None:
    """Whether the one project of Cycle 4 published: it stands with the smallest other cycle, and the rows add up to all."""
    page = text(Visitor(app), "/success")
    rows = rows_of(page)
    assert rows == {"Cycle 3": (12, 2), "Small cycles together": (12, 0), "All": (24, 2)}
    assert (
        "Small cycles together: Cycle 4. Fewer than 10 projects do not stand alone, so Cycle 5 stands with them."
        in page
    )


@pytest.mark.usefixtures("shelf")
def test_of_fewer_than_ten_projects_nothing_is_told(app: Flask) -> None:
    """Five observed projects: no number of them, no table; the papers, which are public, are counted."""
    page = text(Visitor(app), "/success")
    assert "Fewer than 10 projects were observed so far" in page
    assert "Cycle 3" not in page
    assert "Publication fraction" not in page
    assert re.search(r'key-number-value">2', page)


def test_what_a_second_reader_is_to_judge_is_not_counted(app: Flask, runtime: Runtime, crowd: Shelf) -> None:
    """The paper is missing in the number itself: the page must not tell that it was accepted."""
    put_under_second_reading(runtime, crowd)
    page = text(Visitor(app), "/success")
    assert re.search(r"Cycle 3</th><td>12</td><td>1[ <]", page)


def test_the_page_is_made_once_an_hour(app: Flask, runtime: Runtime, crowd: Shelf, clock: FixedClock) -> None:
    """A verdict does not show before the hour is over."""
    visitor = Visitor(app)
    before = text(visitor, "/success")
    with runtime.store.writing() as session:
        accept(session, crowd.librarian, add_paper(session, year=2020), crowd.projects[2], now=runtime.clock.now())
    assert text(visitor, "/success") == before
    clock.move(timedelta(hours=1))
    assert text(visitor, "/success") != before


def test_before_anything_is_counted_it_says_so(app: Flask) -> None:
    """An empty bibliography has a page."""
    assert "Nothing has been counted yet" in text(Visitor(app), "/success")


@pytest.mark.parametrize("path", ["/success/silence.light.svg", "/success/people.dark.svg"])
def test_no_other_picture_is_public(app: Flask, path: str) -> None:
    """Only what stands on the page is drawn for anybody."""
    assert "no such picture" in text(Visitor(app), path, 404)
