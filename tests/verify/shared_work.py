"""Papers that wait, people of several libraries, and what they do, for tests of the shared work."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import CandidateRevision, Decision, SecondReading, UserAccount
from biblio.store.words import RelationKind, Role, Verdict
from biblio.verify import service
from biblio.verify.proposing.match import match
from tests.verify.factories import add_mention, add_paper, add_project, add_user

CODE = "2016.1.00001.S"
TITLE = "The gas mass of Tamsin 7"


@dataclass(frozen=True, slots=True)
class Work:
    """Two papers that wait for one project, and people."""

    paper: int
    other: int
    project: int
    vera: Actor
    hanna: Actor
    ines: Actor
    """The head librarian."""


def two_papers(runtime: Runtime) -> Work:
    """Store and match two papers of one project; Vera, Hanna and the head librarian Ines are there."""
    with runtime.store.writing() as session:
        project = add_project(session)
        paper = add_paper(session, title=TITLE, doi="10.5555/tamsin", arxiv="1901.00001")
        other = add_paper(session, title="More on Tamsin 7", arxiv="1902.00002", journal="PASJ")
        for one in (paper, other):
            add_mention(session, one, CODE)
        people = [add_user(session, name, role) for name, role in _PEOPLE]
    run_job(runtime, match)
    return Work(paper, other, project, *people)


_PEOPLE = (("vera", Role.LIBRARIAN), ("hanna", Role.LIBRARIAN), ("ines", Role.HEAD_LIBRARIAN))


def today(runtime: Runtime, share: float = 0.0) -> service.Today:
    """The moment of the test's clock, with a share of decisions that are read a second time."""
    return service.Today(runtime.profile, runtime.clock.now(), share)


def ruling(session: Session, work: Work, **changes: object) -> Ruling:
    """Accept the first paper's candidate as science, unless told otherwise."""
    revision = session.exec(select(CandidateRevision.id).order_by(col(CandidateRevision.id))).first()
    made = Ruling(
        paper_id=work.paper,
        project_id=work.project,
        verdict=Verdict.ACCEPT,
        version_seen=0,
        relation=RelationKind.SCIENCE,
        reason="it prints the code",
        candidate_revision_id=revision,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def drawn_ruling(runtime: Runtime, work: Work, **changes: object) -> tuple[Decision, int]:
    """Let Vera decide so that the decision is drawn for a second reader; return it and the reading's number."""
    with runtime.store.writing() as session:
        decision = service.judge(session, work.vera, ruling(session, work, **changes), today(runtime, 1.0))
        reading = session.exec(select(SecondReading.id).where(col(SecondReading.decision_id) == decision.id)).one()
    assert reading is not None
    return decision, reading


def as_client(app: Flask, runtime: Runtime, person: Actor) -> FlaskClient:
    """Return a client logged in as somebody who is there already."""
    with runtime.store.reading() as session:
        stamp = session.get_one(UserAccount, person.person_id()).session_stamp
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = f"{person.user_id}.{stamp}"
    return client


def somebody(session: Session, username: str) -> Actor:
    """Return a person by user name."""
    row = session.exec(select(UserAccount).where(col(UserAccount.username) == username)).one()
    return Actor(row.id, row.name, row.role, row.library)
