"""An application with every feature, and papers in a few journals."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.models import Paper, PaperRevision, TextReading
from biblio.store.words import Band, RelationKind, Role
from biblio.verify.queue.items import refresh
from biblio.web import create_app
from tests.factories import LEARNED, accept, add_candidate, add_paper, add_project
from tests.web.visitors import Visitor, add_person

ANNALS = "Annals of the Southern Sky"


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with every feature, on a fresh database of each kind."""
    return create_app(runtime)


def paper_in(session: Session, journal: str | None, title: str, *, year: int = 2019, kind: str = "article") -> int:
    """Add a paper of a journal, as papers write its name."""
    paper = add_paper(session, title, year=year, kind=kind, is_refereed=kind == "article")
    revision = session.exec(select(PaperRevision).where(col(PaperRevision.paper_id) == paper)).one()
    revision.journal = journal
    session.add(revision)
    session.flush()
    return paper


@dataclass(frozen=True)
class Shelf:
    """What stands in the small bibliography."""

    librarian: Actor
    last_apj: int
    annals: int


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    """Four papers of ApJ under two names (two with our data, one merged away), two of a journal nobody monitors."""
    librarian = add_person(runtime, Role.LIBRARIAN)
    with runtime.store.writing() as session:
        project = add_project(session, "2013.1.00020.S")
        other = add_project(session, "2013.1.00021.S")
        rings = paper_in(session, "The Astrophysical Journal", "Rings", year=2018)
        torus = paper_in(session, "ApJ", "A torus", year=2020)
        waiting = paper_in(session, "ApJ", "Nobody judged this", year=2021)
        twin = paper_in(session, "ApJ", "Rings, once more", year=2018)
        mention = paper_in(session, "ApJ", "A mention", year=2021)
        annals = paper_in(session, ANNALS, "Southern rings <script>alert(1)</script>", year=2022)
        certain = paper_in(session, ANNALS, "Certain, not judged", year=2022)
        eprint = paper_in(session, "arXiv e-prints", "A preprint", kind="eprint")
        talk = paper_in(session, "Proceedings of a Meeting", "A talk", kind="proceedings")
        for paper in (rings, torus, annals, eprint, talk):
            accept(session, librarian, paper, project)
        accept(session, librarian, mention, other, relation=RelationKind.ENGINEERING)
        add_candidate(session, waiting, project)
        add_candidate(session, certain, project, score=0.99, band=Band.CERTAIN)
        session.get_one(Paper, twin).merged_into_id = rings
        for paper, refusal in ((rings, None), (twin, None), (torus, "no text")):
            session.add(TextReading(paper_id=paper, origin="eprint", place="x", read_at=LEARNED, refusal=refusal))
        session.flush()
        refresh(session, runtime.profile, range(1, talk + 1), today=runtime.clock.today())
    return Shelf(librarian, mention, annals)


@pytest.fixture
def librarian(app: Flask, shelf: Shelf) -> Visitor:
    """The librarian, logged in."""
    visitor = Visitor(app)
    visitor.log_in(Role.LIBRARIAN.value)
    return visitor
