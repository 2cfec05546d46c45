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
    """Eight more projects of the cycle, so that there are enough of them to be told of."""
    with runtime.store.writing() as session:
        for n in range(10, 18):
            add_project(session, f"2015.1.000{n}.S", title="A secret aim", delivered_on=date(2016, 3, 1))
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


@pytest.mark.usefixtures("crowd")
def test_a_cycle_of_few_projects_is_left_out(app: Flask) -> None:
    """Whether the one project of a cycle published would be told by its row."""
    page = text(Visitor(app), "/success")
    assert "Cycle 4" not in page
    for look in ("light", "dark"):
        assert "Cycle 4" not in text(Visitor(app), f"/success/fraction.{look}.svg")
        assert "Cycle 3" in text(Visitor(app), f"/success/fraction.{look}.svg")


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
