"""Which papers are science with our data now, and by which projects: for reads of the whole list, which must be quick."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.current import papers_under_second_reading, survivor_id
from biblio.store.models import Link, Paper, PaperRelation
from biblio.store.words import RelationKind, Verdict


def public_science(session: Session) -> set[tuple[int, int]]:
    """Return (paper, project) of all accepted projects of papers that are science with our data and not under second reading.

    It is what ``store.current.accepted_science`` gives of now, in a third of the time: which link and which relation of
    several counts is asked only where papers were merged, as a paper alone has one in force.
    """
    alone = {(paper, project) for paper, project in session.connection().execute(science_alone())}
    return alone | science_of_merged(session)


def _merged() -> Any:
    """Select the papers that others were merged into."""
    return sa.select(col(Paper.merged_into_id)).where(col(Paper.merged_into_id).is_not(None))


def science_alone() -> Any:
    """Select those pairs (paper_id, project_id) of ``public_science`` whose papers were not merged with others."""
    of_it = sa.and_(
        col(PaperRelation.paper_id) == col(Link.paper_id),
        col(PaperRelation.ended_at).is_(None),
        col(PaperRelation.relation) == RelationKind.SCIENCE,
    )
    return (
        sa.select(col(Link.paper_id), col(Link.project_id))
        .join(PaperRelation, of_it)
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .where(
            col(Link.ended_at).is_(None),
            col(Link.verdict) == Verdict.ACCEPT,
            col(Paper.merged_into_id).is_(None),
            col(Paper.id).not_in(_merged()),
            col(Paper.id).not_in(papers_under_second_reading()),
        )
    )


def science_of_merged(session: Session) -> set[tuple[int, int]]:
    """Return those pairs of ``public_science`` whose papers became one: of several verdicts and relations the latest counts."""
    hidden = set(session.execute(papers_under_second_reading()).scalars())
    in_group = sa.or_(col(Paper.merged_into_id).is_not(None), col(Paper.id).in_(_merged()))
    judged = (
        sa.select(survivor_id(), col(Link.project_id), col(Link.verdict))
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .where(col(Link.ended_at).is_(None), in_group)
        .order_by(col(Link.id))
    )
    related = (
        sa.select(survivor_id(), col(PaperRelation.relation))
        .join(Paper, col(Paper.id) == col(PaperRelation.paper_id))
        .where(col(PaperRelation.ended_at).is_(None), in_group)
        .order_by(col(PaperRelation.id))
    )
    rows: Any = session.connection().execute(related)
    relations: dict[int, RelationKind] = dict(rows.all())
    verdicts = {(paper, project): verdict for paper, project, verdict in session.connection().execute(judged)}
    return {
        pair
        for pair, verdict in verdicts.items()
        if verdict is Verdict.ACCEPT and relations.get(pair[0]) is RelationKind.SCIENCE and pair[0] not in hidden
    }
