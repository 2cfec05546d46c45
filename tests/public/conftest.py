"""An application and a small bibliography for the tests of the public pages."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import relate
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.words import RelationKind, Role, Scheme
from biblio.web import create_app
from tests.factories import accept, add_paper, add_project
from tests.web.visitors import add_person


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with the public pages, on a fresh database of each kind."""
    return create_app(runtime, features=[public])


@dataclass(frozen=True)
class Shelf:
    """What stands in the small bibliography: ids of papers and projects by what they are for."""

    librarian: Actor
    rings: int
    torus: int
    mention: int
    unjudged: int
    project: int
    silent: int


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    """Two public papers, one that only mentions us, one nobody judged; a project with papers and one without."""
    librarian = add_person(runtime, Role.LIBRARIAN)
    with runtime.store.writing() as session:
        project = add_project(session, "2013.1.00020.S", title="Discs at high resolution", pi="Çelik, Deniz")
        silent = add_project(session, "2015.1.00300.S", title="Nothing came of this")
        rings = add_paper(
            session,
            "Rings in the disc of a 100% fictional star",
            authors=("Çelik, D.", "Berg, L.", "Müller, K.", "Ahn, B.", "Díaz, E."),
            year=2019,
            identifiers={
                Scheme.DOI: "10.9999/rings.1",
                Scheme.ARXIV: "1901.00001",
                Scheme.BIBCODE: "2019JTest.123...45C",
            },
            abstract="SECRET ABSTRACT of the rings",
        )
        torus = add_paper(session, "=A dusty torus, resolved", authors=("Berg, L.",), year=2021, is_refereed=False)
        mention = add_paper(session, "We mention the observatory", year=2020)
        unjudged = add_paper(session, "Nobody has read this", year=2022)
        accept(session, librarian, rings, project)
        accept(session, librarian, torus, project)
        accept(session, librarian, mention, project)
        relate(session, librarian, paper_id=mention, relation=RelationKind.MENTION, now=runtime.clock.now())
    return Shelf(librarian, rings, torus, mention, unjudged, project, silent)
