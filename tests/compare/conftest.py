"""A small bibliography of ours, and lists of others as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from biblio.catalogue.actor import Actor
from biblio.compare.importing import ListCounts, Wanted, import_list
from biblio.compare.reading import open_list
from biblio.runtime import Runtime
from biblio.store.models import ArchiveReference, Paper
from biblio.store.words import RelationKind, Role, Scheme
from biblio.web import create_app
from tests.factories import LEARNED, accept, add_paper, add_project
from tests.web.visitors import Visitor, add_person

A, B, C = "2013.1.00020.S", "2015.1.00021.S", "2016.1.00022.S"

Bring = Callable[..., ListCounts]


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with every feature, on a fresh database of each kind."""
    return create_app(runtime)


@dataclass(frozen=True)
class Shelf:
    """What stands in the small bibliography: papers by what they are for."""

    librarian: Actor
    rings: int
    torus: int
    alone: int
    undecided: int
    mention: int
    projects: dict[str, int]


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    """Rings (A; preprint and article merged), a torus (A and B), one paper nobody else lists, one undecided, a mention."""
    librarian = add_person(runtime, Role.LIBRARIAN)
    with runtime.store.writing() as session:
        projects = {code: add_project(session, code) for code in (A, B, C)}
        rings = add_paper(
            session,
            "Rings",
            identifiers={Scheme.BIBCODE: "2019ApJ...900....1C", Scheme.DOI: "10.9999/rings"},
        )
        preprint = add_paper(session, "Rings (preprint)", identifiers={Scheme.ARXIV: "1901.00001"})
        session.get_one(Paper, preprint).merged_into_id = rings
        torus = add_paper(session, "A torus", identifiers={Scheme.DOI: "10.9999/torus"})
        alone = add_paper(session, "Alone", identifiers={Scheme.BIBCODE: "2020A&A...640A...1B"})
        undecided = add_paper(session, "Undecided <b>x</b>", identifiers={Scheme.ARXIV: "2001.00002"})
        mention = add_paper(session, "A mention", identifiers={Scheme.BIBCODE: "2021MNRAS.500....1D"})
        accept(session, librarian, rings, projects[A])
        accept(session, librarian, torus, projects[A])
        accept(session, librarian, torus, projects[B])
        accept(session, librarian, alone, projects[C])
        accept(session, librarian, mention, projects[C], relation=RelationKind.ENGINEERING)
        for code, bibcode in ((A, "2019arXiv190100001C"), (B, "2019arXiv190100001C"), (C, "2022Natur.600....1E")):
            session.add(
                ArchiveReference(project_id=projects[code], bibcode=bibcode, source="registry", learned_at=LEARNED)
            )
    return Shelf(librarian, rings, torus, alone, undecided, mention, projects)


@pytest.fixture
def bring(runtime: Runtime, tmp_path: Path) -> Bring:
    """Import a list from its text (or bytes) under a name."""

    def imported(
        body: str | bytes, name: str = "telbib", *, file: str = "list.csv", kind: str | None = None
    ) -> ListCounts:
        path = tmp_path / file
        path.write_bytes(body.encode() if isinstance(body, str) else body)
        with open_list(path, kind=kind) as opened:
            return import_list(runtime, opened, Wanted(name, file, Actor(None, "test")))[1]

    return imported


@pytest.fixture
def librarian(app: Flask, shelf: Shelf) -> Visitor:
    """The librarian, logged in."""
    visitor = Visitor(app)
    visitor.log_in(Role.LIBRARIAN.value)
    return visitor
