"""Which papers were one, and which accepted links were in force, at the end of a day.

Merges have a history of their own: ``Paper.merged_into_id`` says only how it is today.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import starmap
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.current import in_force
from biblio.store.models import Link as StoredLink
from biblio.store.models import PaperMerge, PaperRelation
from biblio.store.words import RelationKind, Verdict
from reports.facts.model import Link


@dataclass(frozen=True, slots=True)
class End:
    """The end of a report's day: ``day`` itself and its last moment (UTC), or an earlier one of the same day."""

    day: date
    moment: datetime

    @classmethod
    def of(cls, day: date, known_by: datetime | None = None) -> End:
        """Return the end of a day, or ``known_by`` where that came before it."""
        moment = datetime.combine(day, time.max, tzinfo=UTC)
        return cls(day, moment if known_by is None else min(moment, known_by))

    def holds(self, began: Any, ended: Any) -> Any:
        """Return the condition that a row was in force."""
        return in_force(began, ended, self.moment)


@dataclass(frozen=True, slots=True)
class Merges:
    """Which papers were one: ``roots`` has each that was merged away with the paper that stood for it."""

    roots: dict[int, int] = field(default_factory=dict)

    def root(self, paper: int) -> int:
        """Return the paper that stood for this one."""
        return self.roots.get(paper, paper)

    def members(self, wanted: Collection[int]) -> set[int]:
        """Return these papers with all that were one with them."""
        members = set(wanted)
        members.update(paper for paper, root in self.roots.items() if root in members)
        return members


def read_merges(session: Session, end: End) -> Merges:
    """Read which papers were one."""
    rows: Any = session.connection().execute(
        sa.select(
            col(PaperMerge.merged_id), col(PaperMerge.kept_id)
        )
        .where(end.holds(col(PaperMerge.made_at), col(PaperMerge.undone_at)))
        .order_by(col(PaperMerge.made_at), col(PaperMerge.merged_id))
    )  # fmt: skip
    above: dict[int, int] = dict(rows.all())
    return Merges({paper: _top(above, paper) for paper in above})


def _top(above: dict[int, int], paper: int) -> int:
    """Follow a chain to its end. The catalogue keeps it a forest; a ring, which only a hand could make, ends as well."""
    seen = {paper}
    while (higher := above.get(paper)) is not None and higher not in seen:
        seen.add(higher)
        paper = higher
    return paper


def in_groups(end: End) -> Any:
    """Select the papers that were one with others."""
    live = end.holds(col(PaperMerge.made_at), col(PaperMerge.undone_at))
    return sa.union(
        sa.select(col(PaperMerge.kept_id)).where(live),
        sa.select(col(PaperMerge.merged_id)).where(live),
    )


def read_science(session: Session, end: End, merges: Merges) -> tuple[Link, ...]:
    """Return the accepted links of papers that were science with our data, sorted by paper and project."""
    found = _alone(session, end)
    if merges.roots:
        found += _of_groups(session, end, merges)
    return tuple(starmap(Link, sorted(found)))


def _alone(session: Session, end: End) -> list[tuple[int, int]]:
    """Return those of papers that stood alone: such a paper has one link per project and one relation in force."""
    link, relation = StoredLink, PaperRelation
    rows: Any = session.connection().execute(
        sa.select(col(link.paper_id), col(link.project_id))
        .join(
            relation,
            sa.and_(
                col(relation.paper_id) == col(link.paper_id),
                end.holds(col(relation.decided_at), col(relation.ended_at)),
                col(relation.relation) == RelationKind.SCIENCE,
            ),
        )
        .where(
            end.holds(col(link.decided_at), col(link.ended_at)),
            col(link.verdict) == Verdict.ACCEPT,
            col(link.paper_id).not_in(in_groups(end)),
        )
    )
    return list(map(tuple, rows.all()))


def _of_groups(session: Session, end: End, merges: Merges) -> list[tuple[int, int]]:
    """Return those of papers that were one with others: of several verdicts and relations the latest counts."""
    link, relation = StoredLink, PaperRelation
    judged = session.connection().execute(
        sa.select(col(link.paper_id), col(link.project_id), sa.type_coerce(link.verdict, sa.String))
        .where(end.holds(col(link.decided_at), col(link.ended_at)), col(link.paper_id).in_(in_groups(end)))
        .order_by(col(link.decided_at), col(link.id))
    )
    related = session.connection().execute(
        sa.select(col(relation.paper_id), sa.type_coerce(relation.relation, sa.String))
        .where(end.holds(col(relation.decided_at), col(relation.ended_at)), col(relation.paper_id).in_(in_groups(end)))
        .order_by(col(relation.decided_at), col(relation.id))
    )
    relations = _by_root(related, merges)
    verdicts: dict[tuple[int, int], str] = {}
    for paper, project, verdict in judged:
        verdicts[merges.root(paper), project] = verdict
    return [
        (paper, project)
        for (paper, project), verdict in verdicts.items()
        if verdict == Verdict.ACCEPT and relations.get(paper) == RelationKind.SCIENCE
    ]


def _by_root(related: Iterable[Any], merges: Merges) -> dict[int, str]:
    return {merges.root(paper): relation for paper, relation in related}
