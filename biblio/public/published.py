"""The links that feeds hand out, and a stamp by which a client knows that nothing has changed since it asked last.

A feed is read by machines, whole, once a day: it is made from the database in slices, apart from the index that pages
are searched by, so that a feed of a million rows takes no more memory than one of a thousand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.runtime import biblio_version
from biblio.store.current import accepted_science, live_relations, papers_under_second_reading
from biblio.store.models import (
    Decision,
    Link,
    ObservationUnit,
    Paper,
    PaperIdentifier,
    PaperMerge,
    PaperRelation,
    PaperRevision,
    Project,
    ProjectRevision,
)

SLICE = 2_000
"""Rows fetched from the database at once."""


class PublicLink(NamedTuple):
    """One public paper and a project whose data it used; ``learned_at`` is when both of that became known."""

    code: str
    project_id: int
    paper_id: int
    learned_at: datetime


def public_links(
    session: Session, *, refereed: bool = False, since: datetime | None = None, of: Any = None
) -> Iterator[PublicLink]:
    """Yield every accepted project of every paper that is science with our data, by code and paper, in slices.

    Papers under blind second reading are left out. ``since`` gives links learned at that moment or later, ``refereed``
    those of refereed papers, ``of`` is a further condition over ``accepted_science``'s columns.
    """
    statement = _links(refereed=refereed)
    if since is not None:
        statement = statement.where(statement.selected_columns.learned_at >= since)
    if of is not None:
        statement = statement.where(of(statement.selected_columns))
    ordered = statement.order_by(col(Project.code), statement.selected_columns.paper_id)
    for row in session.execute(ordered.execution_options(yield_per=SLICE)):
        yield PublicLink(*row)


def _links(*, refereed: bool) -> sa.Select[Any]:
    science, relations = accepted_science(), live_relations()
    later = sa.case((relations.c.decided_at > science.c.decided_at, relations.c.decided_at), else_=science.c.decided_at)
    statement = (
        sa.select(
            col(Project.code),
            science.c.project_id,
            science.c.paper_id,
            later.label("learned_at"),
        )
        .join(Project, col(Project.id) == science.c.project_id)
        .join(relations, relations.c.paper_id == science.c.paper_id)
        .where(science.c.paper_id.not_in(papers_under_second_reading()))
    )
    if refereed:
        statement = statement.join(
            PaperRevision,
            sa.and_(
                col(PaperRevision.paper_id) == science.c.paper_id,
                col(PaperRevision.superseded_at).is_(None),
                col(PaperRevision.is_refereed),
            ),
        )
    return statement


_KEPT: tuple[tuple[Any, Any], ...] = (
    (Decision, None),
    (Link, Link.ended_at),
    (PaperRelation, PaperRelation.ended_at),
    (PaperMerge, PaperMerge.undone_at),
    (Paper, Paper.merged_into_id),
    (PaperRevision, PaperRevision.superseded_at),
    (PaperIdentifier, None),
    (Project, None),
    (ProjectRevision, ProjectRevision.superseded_at),
    (ObservationUnit, None),
)
"""What feeds rest on: tables to which rows are added, and the columns that end them."""


def stamp(session: Session, *about: str) -> str:
    """Return a word that is another one after anything has changed that a feed rests on; ``about`` names the feed.

    Rows are counted and not only their highest number taken: two transactions may commit in another order than they
    took their numbers.
    """
    counts: list[Any] = []
    for table, ends in _KEPT:
        counted = [sa.func.count(), sa.func.max(table.id), *([sa.func.count(ends)] if ends is not None else [])]
        counts += [sa.select(one).select_from(table).scalar_subquery() for one in counted]
    numbers = session.execute(sa.select(*counts)).one()
    hidden = sorted(session.execute(papers_under_second_reading()).scalars())
    told = repr((biblio_version(), about, tuple(numbers), hidden))
    return hashlib.sha256(told.encode()).hexdigest()[:32]
