"""The paper page as a second reader sees it: the paper and one project, without what anybody thought of them.

Left out are verdicts, classes, reasons and the history, and all that tells the machine's opinion: bands, scores, how much
a reason weighs, the order of candidates, and who is marked because of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.readable import readable
from biblio.observatory import Profile
from biblio.store.models import PaperRevision, Project, ProjectRevision, SecondReading
from biblio.verify.paper.authors import Author, Team, marked, split
from biblio.verify.paper.page import Identifier, PaperPage, Reading, paper_page
from biblio.verify.paper.proposed import KIND_WORDS, Shown
from biblio.verify.paper.quotes import Passage
from biblio.verify.paper.read import PaperRead
from biblio.webkit import holds
from matching.rules import Rules

_OF_WEIGHING = frozenset(KIND_WORDS[kind] for kind in ("rivals", "limit", "unknown", "prior"))
"""Labels of reasons that say how the machine weighed, not what stands in the paper."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that speaks of the paper and the project, in words; ``mark`` is the quote, ``author`` the place in the
    author list that it rests on."""

    label: str
    sentence: str
    mark: str | None
    author: int | None


@dataclass(frozen=True, slots=True)
class BlindProject:
    """A project without score and verdict."""

    project_id: int
    code: str
    title: str
    pi: str | None
    co_is: tuple[str, ...]
    cycle: str | None
    partner: str | None
    targets: tuple[str, ...]
    released_on: date | None
    archive_url: str | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class BlindPage:
    """A paper that is read a second time. ``reading_id`` None: this person is the first reader of all that is open."""

    reading_id: int | None
    paper_id: int
    title: str
    abstract: str
    authors: list[Author]
    more_authors: list[Author]
    where_published: str
    is_refereed: bool
    is_withdrawn: bool
    identifiers: list[Identifier]
    readings: list[Reading]
    passages: list[Passage]
    project: BlindProject
    others: list[BlindProject]
    open_url: str | None


def blind_page(
    session: Session, profile: Profile, rules: Rules, actor: Actor, read: PaperRead, *, reading_id: int | None = None
) -> BlindPage | None:
    """Return the page for somebody who must not see the decisions on a paper; None where nothing is hidden from them.

    It asks about the reading ``reading_id`` where that is open and somebody else's, else about the oldest such one.
    """
    hidden = [row for row in read.shares.open_readings if row.first_reader_id != actor.user_id]
    if not hidden:
        return None
    reading = next((row for row in hidden if row.id == reading_id), hidden[0])
    page = paper_page(session, profile, rules, read, also=[reading.project_id], selected=reading.project_id)
    chosen = next(c for c in page.candidates if c.project_id == reading.project_id)
    return _stripped(page, chosen, reading)


def _stripped(page: PaperPage, chosen: Shown, reading: SecondReading) -> BlindPage:
    authors = [*page.authors, *page.more_authors]
    names = sorted((a.position, a.name, a.affiliation) for a in authors)
    first, more = split(marked(names, [Team(chosen.code, chosen.pi, chosen.co_is)]))
    others = [c for c in page.candidates if c.project_id != chosen.project_id and c.score is not None]
    return BlindPage(
        reading_id=reading.id,
        paper_id=page.paper_id,
        title=page.title,
        abstract=page.abstract,
        authors=first,
        more_authors=more,
        where_published=page.where_published,
        is_refereed=page.is_refereed,
        is_withdrawn=page.is_withdrawn,
        identifiers=page.identifiers,
        readings=page.readings,
        passages=page.passages,
        project=_blind(chosen),
        others=sorted((replace(_blind(c), facts=()) for c in others), key=lambda p: p.code),
        open_url=page.open_url,
    )


def _blind(one: Shown) -> BlindProject:
    facts = (Fact(e.label, e.sentence, e.mark, e.author) for e in one.evidence if e.label not in _OF_WEIGHING)
    return BlindProject(
        project_id=one.project_id,
        code=one.code,
        title=one.title,
        pi=one.pi,
        co_is=one.co_is,
        cycle=one.cycle,
        partner=one.partner,
        targets=one.targets,
        released_on=one.released_on,
        archive_url=one.archive_url,
        facts=tuple(sorted(facts, key=lambda f: (f.label, f.sentence))),
    )


# -- the second reader's own list -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One open second reading on the list: what is to be judged, and nothing of what was."""

    reading_id: int
    paper_id: int
    title: str
    journal: str | None
    year: int | None
    code: str
    project_title: str


SORTS = {"title": col(PaperRevision.title), "project": col(Project.code), "year": col(PaperRevision.year)}
"""What the list can be sorted by; never by when it was drawn, which is when it was decided."""


def readings_for(actor: Actor, words: str = "") -> sa.Select[Any]:
    """Select the open second readings that a person may do, by project and paper; ``words`` are in title or code."""
    statement: Any = (
        sa.select(
            col(SecondReading.id),
            col(SecondReading.paper_id),
            col(PaperRevision.title),
            col(PaperRevision.journal),
            col(PaperRevision.year),
            col(Project.code),
            col(ProjectRevision.title),
        )
        .select_from(SecondReading)
        .join(Project, col(Project.id) == col(SecondReading.project_id))
        .outerjoin(
            PaperRevision,
            sa.and_(
                col(PaperRevision.paper_id) == col(SecondReading.paper_id), col(PaperRevision.superseded_at).is_(None)
            ),
        )
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(col(SecondReading.ended_at).is_(None), col(SecondReading.first_reader_id) != (actor.user_id or 0))
        .order_by(col(Project.code), col(SecondReading.paper_id), col(SecondReading.id))
    )
    if words:
        statement = statement.where(sa.or_(holds(col(PaperRevision.title), words), holds(col(Project.code), words)))
    selected: sa.Select[Any] = statement
    return selected


def reading_rows(rows: Sequence[Any]) -> list[ReadingRow]:
    """Return one page of ``readings_for``."""
    return [
        ReadingRow(
            reading_id, paper_id, readable(title) or "Untitled paper", journal, year, code, readable(named) or ""
        )
        for reading_id, paper_id, title, journal, year, code, named in rows
    ]


def next_reading(session: Session, actor: Actor) -> int | None:
    """Return the first open second reading that a person may do."""
    return session.execute(readings_for(actor).with_only_columns(col(SecondReading.id)).limit(1)).scalar()


def own_count(session: Session, actor: Actor) -> int:
    """Return how many of a person's own decisions are with a second reader."""
    return session.exec(
        select(sa.func.count())
        .select_from(SecondReading)
        .where(col(SecondReading.ended_at).is_(None), col(SecondReading.first_reader_id) == actor.user_id)
    ).one()
