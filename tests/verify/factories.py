"""Rows for desk tests: plain functions that add to a session and return ids. All people are invented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.store.models import (
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRevision,
    Project,
    ProjectRevision,
    TextMention,
    TextReading,
    UnitRevision,
    UserAccount,
)
from biblio.store.words import Role, Scheme

SEEN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


def add_user(session: Session, username: str = "vera", role: Role = Role.LIBRARIAN) -> Actor:
    """Add a person with a login; return them as an actor."""
    row = UserAccount(username=username, name=username.title(), role=role, library="ESO", created_at=SEEN)
    session.add(row)
    session.flush()
    return Actor(user_id=row.id, name=row.name, role=role, library="ESO")


def add_project(
    session: Session,
    code: str = "2016.1.00001.S",
    *,
    title: str = "Gas in the disc of Tamsin 7",
    pi: str = "Oduya, Marit",
    co_is: tuple[str, ...] = ("Quill, Jonas", "Brandvold, Ilse"),
    released_on: date | None = date(2018, 5, 1),
    partner: str = "EU",
    targets: tuple[str, ...] = ("Tamsin 7",),
) -> int:
    """Add a project with one unit; return its id."""
    project = Project(code=code, cycle=f"{code[:4]}.1", call="regular", first_seen_at=SEEN)
    session.add(project)
    session.flush()
    assert project.id is not None
    session.add(
        ProjectRevision(
            project_id=project.id,
            source="test",
            learned_at=SEEN,
            title=title,
            abstract=f"We will observe {targets[0] if targets else 'the field'} to weigh its gas.",
            pi=pi,
            co_is=list(co_is),
            targets=list(targets),
            partner=partner,
        )
    )
    unit = ObservationUnit(project_id=project.id, uid=f"uid://{code}", first_seen_at=SEEN)
    session.add(unit)
    session.flush()
    assert unit.id is not None
    session.add(UnitRevision(unit_id=unit.id, source="test", learned_at=SEEN, released_on=released_on))
    session.flush()
    return project.id


def add_paper(
    session: Session,
    *,
    title: str = "The gas mass of Tamsin 7",
    authors: tuple[str, ...] = ("Oduya, M.", "Quill, J.", "Stranger, A."),
    year: int = 2019,
    journal: str | None = "ApJ",
    preprint_on: date | None = None,
    arxiv: str | None = None,
    doi: str | None = None,
    abstract: str = "We weigh the gas around Tamsin 7 with new images.",
    is_refereed: bool = True,
    kind: str | None = None,
) -> int:
    """Add a paper with its current facts; return its id."""
    paper = Paper(first_seen_at=SEEN)
    session.add(paper)
    session.flush()
    assert paper.id is not None
    add_revision(
        session,
        paper.id,
        title=title,
        authors=authors,
        abstract=abstract,
        year=year,
        journal=journal,
        preprint_on=preprint_on,
        is_refereed=is_refereed,
        kind=kind,
    )
    for scheme, value in ((Scheme.ARXIV, arxiv), (Scheme.DOI, doi)):
        if value:
            session.add(PaperIdentifier(paper_id=paper.id, scheme=scheme, value=value, source="test", learned_at=SEEN))
    session.flush()
    return paper.id


def add_revision(session: Session, paper_id: int, *, authors: tuple[str, ...], **values: object) -> None:
    """Give a paper its (first) current facts."""
    plain = {"learned_at": SEEN, "provenance": {"title": "ads"}, "keywords": [], **values}
    revision = PaperRevision(paper_id=paper_id, **plain)  # type: ignore[arg-type]
    session.add(revision)
    session.flush()
    assert revision.id is not None
    for position, name in enumerate(authors, start=1):
        session.add(PaperAuthor(revision_id=revision.id, position=position, name=name))
    session.flush()


def add_mention(
    session: Session,
    paper_id: int,
    code: str,
    *,
    in_registry: bool = True,
    certain: bool = True,
    before: str = "This paper makes use of the following data: ADS/JAO.ALMA#",
    after: str = ". We thank everybody.",
    stands_in: str = "acknowledgement",
    as_written: str | None = None,
    read_at: datetime = SEEN,
    line: int | None = None,
) -> None:
    """Add a reading of a text in which ``code`` is printed once; it takes the place of an e-print read before."""
    written = as_written or code
    for row in session.exec(
        select(TextReading).where(
            TextReading.paper_id == paper_id, TextReading.origin == "eprint", col(TextReading.superseded_at).is_(None)
        )
    ):
        row.superseded_at = read_at
        session.add(row)
    session.flush()
    number = len(session.exec(select(TextReading.id).where(TextReading.paper_id == paper_id)).all())
    reading = TextReading(
        paper_id=paper_id,
        origin="eprint",
        place="main.tex",
        format="tex",
        sha256=f"{number:064x}",
        characters=5000,
        read_at=read_at,
    )
    session.add(reading)
    session.flush()
    assert reading.id is not None
    start = 4000 + len(before)
    session.add(
        TextMention(
            reading_id=reading.id,
            part="main.tex",
            start=start,
            end=start + len(written),
            as_written=written,
            code=code,
            in_registry=in_registry,
            certain=certain,
            candidates=[],
            stands_in=stands_in,
            is_use=True,
            context=before + written + after,
            context_start=4000,
            line=line,
        )
    )
    session.flush()


def add_text(session: Session, paper_id: int, printed: Sequence[tuple[str, str]], *, read_at: datetime = SEEN) -> None:
    """Add a new version of a paper's e-print that prints these codes, each given with its place, and nothing else."""
    before = session.exec(select(TextReading).where(TextReading.paper_id == paper_id)).all()
    for row in before:
        row.superseded_at = row.superseded_at or read_at
        session.add(row)
    session.flush()
    reading = TextReading(
        paper_id=paper_id,
        origin="eprint",
        place=f"arXiv:1901.00001v{len(before) + 1}",
        version=f"v{len(before) + 1}",
        format="tex",
        sha256=f"{len(before) + 1:064x}",
        characters=5000,
        read_at=read_at,
    )
    session.add(reading)
    session.flush()
    assert reading.id is not None
    for number, (place, code) in enumerate(printed, start=1):
        session.add(
            TextMention(
                reading_id=reading.id,
                part="main.tex",
                start=100 * number,
                end=100 * number + len(code),
                as_written=code,
                code=code,
                in_registry=True,
                certain=True,
                candidates=[],
                stands_in=place,
                is_use=True,
                context=code,
                context_start=100 * number,
                line=number,
            )
        )
    session.flush()
