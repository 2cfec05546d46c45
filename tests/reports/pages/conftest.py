"""An application with the report's pages, and a small bibliography whose numbers can be counted by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest
from flask import Flask

from biblio.catalogue.actor import Actor
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import SecondReading
from biblio.store.words import Role, Scheme
from biblio.web import create_app
from reports.feature import feature as reports
from tests.factories import LEARNED, accept, add_paper, add_project
from tests.web.visitors import Visitor, add_person, logged_in

CYCLE_3 = ("2015.1.00001.S", "2015.1.00002.S", "2015.1.00003.S", "2015.1.00004.S")
"""Four projects delivered on 2016-03-01: the first published in 2017, the second in 2022, the others never."""


@dataclass(frozen=True)
class Shelf:
    """Ids of what stands in the small bibliography, and who decided."""

    librarian: Actor
    projects: tuple[int, ...]
    early: int
    late: int
    decision: int


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    """Four projects of one cycle, one of another; two papers."""
    return fill(runtime)


def fill(runtime: Runtime) -> Shelf:
    """Add the small bibliography to a store."""
    librarian = add_person(runtime, Role.LIBRARIAN, "ines")
    with runtime.store.writing() as session:
        projects = [
            add_project(
                session,
                code,
                title=f"Dust around Qix {n}",
                partner="EU" if n < 3 else "NA",
                category="Discs; Dust" if n == 1 else "Discs",
                delivered_on=date(2016, 3, 1),
                released_on=date(2017, 3, 1),
            )
            for n, code in enumerate(CYCLE_3, start=1)
        ]
        projects.append(add_project(session, "2016.1.00009.S", title="=1+1", pi="Cole, Nina"))
        early = add_paper(session, "Dust, seen early", year=2017, identifiers={Scheme.BIBCODE: "2017Nowhr...1....1A"})
        late = add_paper(session, "Dust, seen late", year=2022, identifiers={Scheme.DOI: "10.9999/late"})
        decision = accept(session, librarian, early, projects[0])
        accept(session, librarian, late, projects[1])
    return Shelf(librarian, tuple(projects), early, late, decision)


def put_under_second_reading(runtime: Runtime, shelf: Shelf) -> None:
    """Let the early paper wait for a second reader, who must not know that it was accepted."""
    with runtime.store.writing() as session:
        reading = SecondReading(
            paper_id=shelf.early,
            project_id=shelf.projects[0],
            decision_id=shelf.decision,
            first_reader_id=shelf.librarian.user_id or 0,
            drawn_at=LEARNED,
        )
        session.add(reading)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the public pages and the report's, on a fresh database of each kind."""
    return create_app(runtime, features=[public, reports])


@pytest.fixture
def manager(app: Flask, runtime: Runtime) -> Visitor:
    """A manager who has logged in."""
    return logged_in(app, runtime, Role.MANAGER)
