"""What the store holds of one paper and people's acts about it, read once and handed on to all parts of its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.errors import NotFound
from biblio.store.models import (
    Decision,
    DeskItem,
    Link,
    Paper,
    PaperAuthor,
    PaperRelation,
    PaperRevision,
    Project,
    TextMention,
    TextReading,
    UserAccount,
)
from biblio.verify.sharing.queries import Shares, shares_of


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A code seen in a text, and whether the project list holds it today."""

    mention: TextMention
    is_known: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision with who took it and on which project; ``link`` is the verdict in force if it is this decision's."""

    decision: Decision
    who: str
    code: str
    link: Link | None


@dataclass(frozen=True, slots=True)
class PaperRead:
    """One paper. ``ids``: the paper that stands for it, then those that were merged into it."""

    ids: list[int]
    revision: PaperRevision
    """The facts in force; empty where there are none."""
    item: DeskItem | None
    authors: list[tuple[int, str, str | None]]
    """Position, name and affiliation, in order."""
    readings: list[TextReading]
    mentions: list[Mentioned]
    decisions: list[Decided]
    """Latest first."""
    relations: list[tuple[PaperRelation, str]]
    """Judgements of the relation, in force or not, with who made them; latest first."""
    shares: Shares

    @property
    def paper_id(self) -> int:
        """The paper that stands for the group."""
        return self.ids[0]

    @property
    def relation(self) -> tuple[PaperRelation, str] | None:
        """The relation in force, and who judged it."""
        return next((one for one in self.relations if one[0].ended_at is None), None)


def read_paper(session: Session, paper_id: int) -> PaperRead:
    """Return what is known of the paper that stands for ``paper_id``. Raises ``NotFound`` for an unknown one."""
    rows = _group(session, paper_id)
    if not rows:
        raise NotFound(f"There is no paper number {paper_id}.")
    survivor, facts, item = rows[0]
    ids: list[int] = [paper.id for paper, _, _ in rows]
    return PaperRead(
        ids=ids,
        revision=facts or PaperRevision(paper_id=survivor.id, learned_at=survivor.first_seen_at),
        item=item,
        authors=_authors(session, facts),
        readings=_readings(session, ids),
        mentions=_mentions(session, ids),
        decisions=_decisions(session, ids),
        relations=_relations(session, ids),
        shares=shares_of(session, ids),
    )


def _group(session: Session, paper_id: int) -> Sequence[Any]:
    """Return the papers that are one, the one that stands for all first, with their facts and places in the queue."""
    one = (
        sa.select(sa.func.coalesce(col(Paper.merged_into_id), col(Paper.id)))
        .where(col(Paper.id) == paper_id)
        .scalar_subquery()
    )
    return session.execute(
        sa.select(Paper, PaperRevision, DeskItem)
        .outerjoin(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == col(Paper.id), col(PaperRevision.superseded_at).is_(None)),
        )
        .outerjoin(DeskItem, col(DeskItem.paper_id) == col(Paper.id))
        .where(sa.or_(col(Paper.id) == one, col(Paper.merged_into_id) == one))
        .order_by(col(Paper.merged_into_id).is_not(None), col(Paper.id))
    ).all()


def _authors(session: Session, facts: PaperRevision | None) -> list[tuple[int, str, str | None]]:
    rows = session.execute(
        sa.select(col(PaperAuthor.position), col(PaperAuthor.name), col(PaperAuthor.affiliation))
        .where(col(PaperAuthor.revision_id) == (facts.id if facts else None))
        .order_by(col(PaperAuthor.position))
    )
    return [(position, name, affiliation) for position, name, affiliation in rows]


def _readings(session: Session, ids: Sequence[int]) -> list[TextReading]:
    return list(
        session.exec(
            select(TextReading)
            .where(col(TextReading.paper_id).in_(ids), col(TextReading.superseded_at).is_(None))
            .order_by(col(TextReading.id))
        )
    )


def _mentions(session: Session, ids: Sequence[int]) -> list[Mentioned]:
    rows = session.execute(
        sa.select(TextMention, col(Project.id))
        .join(TextReading, col(TextReading.id) == col(TextMention.reading_id))
        .outerjoin(Project, col(Project.code) == col(TextMention.code))
        .where(col(TextReading.paper_id).in_(ids), col(TextReading.superseded_at).is_(None))
        .order_by(col(TextMention.id))
    )
    return [Mentioned(mention, project is not None) for mention, project in rows]


def _decisions(session: Session, ids: Sequence[int]) -> list[Decided]:
    rows = session.execute(
        sa.select(Decision, col(UserAccount.name), col(Project.code), Link)
        .join(UserAccount, col(UserAccount.id) == col(Decision.actor_id))
        .join(Project, col(Project.id) == col(Decision.project_id))
        .outerjoin(
            Link,
            sa.and_(
                col(Link.decision_id) == col(Decision.id),
                col(Link.paper_id) == col(Decision.paper_id),
                col(Link.project_id) == col(Decision.project_id),
                col(Link.ended_at).is_(None),
            ),
        )
        .where(col(Decision.paper_id).in_(ids))
        .order_by(col(Decision.id).desc())
    )
    return [Decided(*row) for row in rows]


def _relations(session: Session, ids: Sequence[int]) -> list[tuple[PaperRelation, str]]:
    rows = session.execute(
        sa.select(PaperRelation, col(UserAccount.name))
        .join(UserAccount, col(UserAccount.id) == col(PaperRelation.actor_id))
        .where(col(PaperRelation.paper_id).in_(ids))
        .order_by(col(PaperRelation.id).desc())
    )
    return [(row, who) for row, who in rows]
