"""Makes rows for tests: small functions with sensible defaults. People and titles are fictional."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count

from sqlmodel import Session

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import EvidenceFacts, Ruling, Suggestion, decide, suggest
from biblio.store.models import (
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRevision,
    Project,
    ProjectRevision,
    UnitRevision,
    UserAccount,
)
from biblio.store.words import Band, RelationKind, Role, Scheme, Verdict

LEARNED = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
"""The moment at which rows were learned unless told otherwise."""

_numbers = count(1)


def add_user(
    session: Session, username: str = "ines", role: Role = Role.LIBRARIAN, library: str | None = "ESO"
) -> Actor:
    """Add a person with a login (without a password) and return them as an actor."""
    user = UserAccount(username=username, name=username.title(), role=role, library=library, created_at=LEARNED)
    session.add(user)
    session.flush()
    return Actor(user_id=user.id, name=user.name, role=user.role, library=user.library)


def add_project(
    session: Session,
    code: str,
    *,
    pi: str | None = "Ahn, Bora",
    pi_email: str | None = "bora.ahn@example.org",
    co_is: Sequence[str] = (),
    title: str = "Rings of a young disc",
    released_on: date | None = date(2018, 5, 1),
    delivered_on: date | None = date(2017, 5, 1),
    is_pi_project: bool = True,
    state: str | None = None,
    targets: Sequence[str] = (),
    category: str | None = None,
    partner: str | None = "EU",
    learned_at: datetime = LEARNED,
) -> int:
    """Add a project with one observation unit; return its id."""
    project = Project(
        code=code, cycle=".".join(code.split(".")[:2]), kind="S", is_pi_project=is_pi_project, first_seen_at=learned_at
    )
    session.add(project)
    session.flush()
    assert project.id is not None
    session.add(
        ProjectRevision(
            project_id=project.id,
            source="test",
            learned_at=learned_at,
            title=title,
            pi=pi,
            pi_email=pi_email,
            co_is=list(co_is),
            targets=list(targets),
            category=category,
            partner=partner,
            state=state,
        )
    )
    unit = ObservationUnit(project_id=project.id, uid=f"uid://A001/X{next(_numbers):x}/X1", first_seen_at=learned_at)
    session.add(unit)
    session.flush()
    assert unit.id is not None
    session.add(
        UnitRevision(
            unit_id=unit.id, source="test", learned_at=learned_at, delivered_on=delivered_on, released_on=released_on
        )
    )
    session.flush()
    return project.id


def add_paper(
    session: Session,
    title: str = "Rings in the disc of a fictional star",
    *,
    authors: Sequence[str] = ("Ahn, B.", "Berg, L."),
    year: int = 2019,
    is_refereed: bool = True,
    kind: str = "article",
    identifiers: dict[Scheme, str] | None = None,
    preprint_on: date | None = None,
    abstract: str | None = None,
    learned_at: datetime = LEARNED,
) -> int:
    """Add a paper with its shown values and identifiers; return its id."""
    paper = Paper(first_seen_at=learned_at)
    session.add(paper)
    session.flush()
    assert paper.id is not None
    revision = PaperRevision(
        paper_id=paper.id,
        learned_at=learned_at,
        title=title,
        abstract=abstract,
        kind=kind,
        is_refereed=is_refereed,
        journal="Journal of Tests" if is_refereed else None,
        year=year,
        preprint_on=preprint_on,
    )
    session.add(revision)
    session.flush()
    assert revision.id is not None
    for position, name in enumerate(authors, start=1):
        session.add(PaperAuthor(revision_id=revision.id, position=position, name=name))
    for scheme, value in (identifiers or {Scheme.DOI: f"10.9999/test.{next(_numbers)}"}).items():
        session.add(
            PaperIdentifier(paper_id=paper.id, scheme=scheme, value=value, source="test", learned_at=learned_at)
        )
    session.flush()
    return paper.id


def add_candidate(
    session: Session, paper_id: int, project_id: int, *, score: float = 0.9, band: Band = Band.LIKELY
) -> None:
    """Let the machine propose ``project_id`` (alone) for ``paper_id``, with one piece of evidence."""
    evidence = EvidenceFacts(kind="pi", value="1", contribution=2.0, sentence="The PI is author 1 of 2.")
    suggest(
        session,
        paper_id=paper_id,
        suggestions=[Suggestion(project_id, score, band, (evidence,))],
        rules_digest="test",
        now=LEARNED,
    )


def accept(
    session: Session,
    actor: Actor,
    paper_id: int,
    project_id: int,
    *,
    relation: RelationKind = RelationKind.SCIENCE,
    now: datetime = LEARNED,
) -> int:
    """Let ``actor`` accept a project for a paper; return the decision's id."""
    decision = decide(
        session, actor, Ruling(paper_id, project_id, Verdict.ACCEPT, version_seen=0, relation=relation), now=now
    )
    assert decision.id is not None
    return decision.id
