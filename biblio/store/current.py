"""Reads that several features share: what is in force now, or was on a day, as plain selects to join with.

Papers found to be one are read through their survivor: ``survivor_id`` of every row that carries a ``paper_id``.
``as_of`` None means now; a moment means what was known then.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.store.models import (
    Link,
    Paper,
    PaperRelation,
    PaperRevision,
    ProjectRevision,
    SecondReading,
    SecondReadingPause,
    UnitRevision,
)
from biblio.store.words import RelationKind, Verdict

_AT_ONCE = 1000
"""Ids handed to a database in one statement; with more, all open second readings are read, which are few."""


def in_force(began: Any, ended: Any, as_of: datetime | None) -> Any:
    """Return the condition that a row was in force at ``as_of`` (None: is in force now)."""
    if as_of is None:
        return ended.is_(None)
    return sa.and_(began <= as_of, sa.or_(ended.is_(None), ended > as_of))


def survivor_id(paper: type[Paper] | Any = Paper) -> Any:
    """Return the expression for the paper that stands for ``paper``: itself, or the one it was merged into."""
    return sa.func.coalesce(paper.merged_into_id, paper.id)


def paper_revisions(as_of: datetime | None = None) -> Any:
    """Select the paper revisions in force."""
    return select(PaperRevision).where(in_force(col(PaperRevision.learned_at), col(PaperRevision.superseded_at), as_of))


def project_revisions(as_of: datetime | None = None) -> Any:
    """Select the project revisions in force."""
    return select(ProjectRevision).where(
        in_force(col(ProjectRevision.learned_at), col(ProjectRevision.superseded_at), as_of)
    )


def unit_revisions(as_of: datetime | None = None) -> Any:
    """Select the unit revisions in force."""
    return select(UnitRevision).where(in_force(col(UnitRevision.learned_at), col(UnitRevision.superseded_at), as_of))


def live_links(as_of: datetime | None = None) -> sa.Subquery:
    """Return a subquery of the links in force: paper_id (survivor), project_id, verdict, decision_id, version, decided_at.

    One row per (survivor, project): where two papers that became one were judged apart, the later decision counts.
    """
    paper = survivor_id()
    ranked = (
        sa.select(
            paper.label("paper_id"),
            col(Link.project_id),
            col(Link.verdict),
            col(Link.decision_id),
            col(Link.version),
            col(Link.decided_at),
            sa.func.row_number()
            .over(partition_by=(paper, col(Link.project_id)), order_by=col(Link.id).desc())
            .label("place"),
        )
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .where(in_force(col(Link.decided_at), col(Link.ended_at), as_of))
        .subquery()
    )
    columns = [c for c in ranked.c if c.name != "place"]
    return sa.select(*columns).where(ranked.c.place == 1).subquery("live_link")


def live_relations(as_of: datetime | None = None) -> sa.Subquery:
    """Return a subquery of the relations in force: paper_id (survivor), relation, decided_at; one row per survivor."""
    paper = survivor_id()
    ranked = (
        sa.select(
            paper.label("paper_id"),
            col(PaperRelation.relation),
            col(PaperRelation.decided_at),
            sa.func.row_number().over(partition_by=paper, order_by=col(PaperRelation.id).desc()).label("place"),
        )
        .join(Paper, col(Paper.id) == col(PaperRelation.paper_id))
        .where(in_force(col(PaperRelation.decided_at), col(PaperRelation.ended_at), as_of))
        .subquery()
    )
    return (
        sa.select(ranked.c.paper_id, ranked.c.relation, ranked.c.decided_at)
        .where(ranked.c.place == 1)
        .subquery("live_relation")
    )


def accepted_science(as_of: datetime | None = None) -> sa.Subquery:
    """Return a subquery (paper_id, project_id, decided_at): accepted links of papers that are science with our data.

    Both words that reports and the due rule rest on start here: "published" asks further for a refereed paper,
    "not silent" also takes a young preprint.
    """
    links, relations = live_links(as_of), live_relations(as_of)
    return (
        sa.select(links.c.paper_id, links.c.project_id, links.c.decided_at)
        .join(relations, relations.c.paper_id == links.c.paper_id)
        .where(links.c.verdict == Verdict.ACCEPT, relations.c.relation == RelationKind.SCIENCE)
        .subquery("accepted_science")
    )


def papers_under_second_reading(as_of: datetime | None = None) -> sa.Select[tuple[int]]:
    """Select the survivors' ids of papers with an open second reading, for ``NOT IN`` in a select of lists."""
    return (
        sa.select(survivor_id())
        .select_from(SecondReading)
        .join(Paper, col(Paper.id) == col(SecondReading.paper_id))
        .where(_reads_again(as_of))
    )


def _reads_again(as_of: Any) -> Any:
    """Return the condition that a second reading is open. One that is open now is so in every pause it ever had.

    Else a day on which it was called off would tell its second reader what the first one had decided.
    """
    reading, pause = SecondReading, SecondReadingPause
    holds = in_force(col(reading.drawn_at), col(reading.ended_at), as_of)
    if as_of is None:
        return holds
    paused = sa.exists().where(
        col(pause.reading_id) == col(reading.id), in_force(col(pause.called_off_at), col(pause.resumed_at), as_of)
    )
    return sa.and_(holds, sa.or_(col(reading.ended_at).is_(None), ~paused))


def members_under_second_reading() -> Any:
    """Select the ids of those papers and of all that were merged into them, for ``NOT IN`` where many rows name a paper.

    Looking up the survivor of each such row instead took five times as long as all else on the page of the queue.
    """
    read: Any = aliased(Paper)
    merged = (
        sa.select(col(Paper.id))
        .join(read, col(Paper.merged_into_id) == survivor_id(read))
        .join(SecondReading, col(SecondReading.paper_id) == read.id)
        .where(col(SecondReading.ended_at).is_(None))
    )
    return sa.union_all(papers_under_second_reading(), merged)


def projects_under_second_reading(
    session: Session, as_of: datetime | None = None, *, among: Collection[int] | None = None
) -> set[int]:
    """Return the projects whose standing would tell a decision that must not be seen: a second reader has yet to judge.

    They are those that were put to a second reader, and those accepted for a paper of which another pair was. ``among``
    narrows it to these projects, of which there may be no more than a statement takes.
    """
    named = {} if among is None else {"among": tuple(among)}
    connection = session.connection()
    statement = _told_apart(as_of is not None, among is not None)
    return set(connection.execute(statement, {"as_of": as_of, **named}).scalars())


@cache
def _told_apart(is_past: bool, is_among: bool) -> Any:
    """Select these projects; made once, because making it takes longer than running it for one project."""
    as_of: Any = sa.bindparam("as_of") if is_past else None
    among: Any = sa.bindparam("among", expanding=True)
    asked = sa.and_(
        _reads_again(as_of),
        col(SecondReading.project_id).in_(among) if is_among else sa.true(),
    )
    # Behind coalesce no index is used: without statistics SQLite takes the verdict's, which most links share.
    verdict = sa.func.coalesce(sa.type_coerce(col(Link.verdict), sa.String), "")
    accepted = (
        sa.select(col(Link.project_id))
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .where(
            survivor_id().in_(papers_under_second_reading(as_of)),
            verdict == Verdict.ACCEPT.value,
            in_force(col(Link.decided_at), col(Link.ended_at), as_of),
            col(Link.project_id).in_(among) if is_among else sa.true(),
        )
    )
    return sa.union(sa.select(col(SecondReading.project_id)).where(asked), accepted)


def under_second_reading(session: Session, paper_ids: Collection[int] | None = None) -> set[int]:
    """Return which papers' decisions must not be seen now, as survivors' ids: a second reader has yet to judge them.

    ``paper_ids`` (survivors' ids) narrows it; None asks for all. One statement. The first reader alone may still see
    the decision.
    """
    statement = papers_under_second_reading()
    if paper_ids is None:
        return set(session.execute(statement).scalars())
    if len(paper_ids) <= _AT_ONCE:
        statement = statement.where(survivor_id().in_(paper_ids))
    return set(session.execute(statement).scalars()) & set(paper_ids)


def survivor_of(session: Session, paper_id: int) -> int | None:
    """Return the id of the paper that stands for ``paper_id``, or None when there is no such paper."""
    paper = session.get(Paper, paper_id)
    if paper is None:
        return None
    return paper.merged_into_id or paper.id


def group_of(survivor: int) -> Any:
    """Select the ids of all papers that ``survivor`` stands for, for an ``IN`` that costs no statement of its own."""
    return sa.select(col(Paper.id)).where(sa.or_(col(Paper.id) == survivor, col(Paper.merged_into_id) == survivor))


def group_ids(session: Session, survivor: int) -> list[int]:
    """Return the ids of all papers that ``survivor`` stands for, itself first."""
    others = session.exec(select(Paper.id).where(col(Paper.merged_into_id) == survivor).order_by(col(Paper.id)))
    return [survivor, *[i for i in others if i is not None]]
