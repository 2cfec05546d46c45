"""Whether every verdict and relation in the store is what somebody decided, and ended by what somebody decided next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from biblio.catalogue.audit_merges import Merges
from biblio.catalogue.links import RELATION_WITHDRAWN
from biblio.store.models import AuditEntry, Decision, Link, PaperRelation, Project


@dataclass(frozen=True, slots=True)
class Difference:
    """One state that the log does not explain. ``paper`` and ``project`` where it is about one."""

    what: str
    paper: int | None = None
    project: str | None = None

    def __str__(self) -> str:
        """The difference as the command prints it."""
        about = [f"paper {self.paper}" if self.paper else "", f"project {self.project}" if self.project else ""]
        return f"{', '.join(part for part in about if part) or 'store'}: {self.what}"


@dataclass(slots=True)
class Checked:
    """What one check found: how many states there are, and which of them are not explained."""

    name: str
    states: int = 0
    differences: list[Difference] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What is explained, and odd all the same."""


def count_rows(session: Session, model: type[SQLModel]) -> int:
    """Return how many rows a table has."""
    return int(session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one())


def _project_codes(session: Session, ids: Iterable[int]) -> dict[int, str]:
    wanted = sorted(set(ids))[:30_000]
    rows = session.execute(sa.select(col(Project.id), col(Project.code)).where(col(Project.id).in_(wanted)))
    return {row[0]: row[1] for row in rows}


def check_links(session: Session) -> Checked:
    """Every link is what exactly one decision said; it ended by the next about the same pair, and by nothing else."""
    checked = Checked("links", count_rows(session, Link))
    wrong = [
        *_links_unlike_their_decision(session),
        *_decisions_without_their_link(session),
        *_links_ended_by_nobody(session),
        *_links_that_should_have_ended(session),
    ]
    codes = _project_codes(session, (project for _, project, _ in wrong))
    checked.differences += [Difference(what, paper, codes.get(project, str(project))) for paper, project, what in wrong]
    return checked


_Wrong = tuple[int, int, str]


def _links_unlike_their_decision(session: Session) -> Iterator[_Wrong]:
    rows = session.execute(
        sa.select(Link, Decision)
        .outerjoin(Decision, col(Decision.id) == col(Link.decision_id))
        .where(
            sa.or_(
                col(Decision.id).is_(None),
                col(Decision.paper_id) != col(Link.paper_id),
                col(Decision.project_id) != col(Link.project_id),
                col(Decision.verdict).is_(None),
                col(Decision.verdict) != col(Link.verdict),
                col(Decision.made_at) != col(Link.decided_at),
            )
        )
    )
    for link, decision in rows:
        said = (
            "is not there" if decision is None else f"says {decision.verdict.value if decision.verdict else 'nothing'}"
        )
        what = f"link {link.id} says {link.verdict.value}, its decision {link.decision_id} {said}"
        if decision is not None and decision.verdict is link.verdict:
            what = f"link {link.id} and its decision {decision.id} differ in paper, project or moment"
        yield link.paper_id, link.project_id, what


def _decisions_without_their_link(session: Session) -> Iterator[_Wrong]:
    made = sa.func.count(col(Link.id))
    rows = session.execute(
        sa.select(col(Decision.id), col(Decision.paper_id), col(Decision.project_id), made)
        .outerjoin(Link, col(Link.decision_id) == col(Decision.id))
        .group_by(col(Decision.id), col(Decision.paper_id), col(Decision.project_id), col(Decision.verdict))
        .having(made != sa.case((col(Decision.verdict).is_(None), 0), else_=1))
    )
    for decision, paper, project, number in rows:
        yield paper, project, f"decision {decision} made {number or 'no'} link{'s' if number > 1 else ''}"


def _links_ended_by_nobody(session: Session) -> Iterator[_Wrong]:
    """Ended links without a later decision at that moment on the paper, or on one that was the same paper then."""
    later: Any = aliased(Decision)
    same_end = (later.project_id == col(Link.project_id), later.id > col(Link.decision_id),
                later.made_at == col(Link.ended_at))  # fmt: skip
    own = sa.exists().where(later.paper_id == col(Link.paper_id), *same_end)
    rows = session.exec(select(Link).where(col(Link.ended_at).is_not(None), ~own)).all()
    merges = Merges.of(session) if rows else None
    for link in rows:
        others = sa.select(later.paper_id).where(
            later.project_id == link.project_id, later.id > link.decision_id, later.made_at == link.ended_at
        )
        assert merges is not None
        assert link.ended_at is not None
        if not any(merges.joined(link.paper_id, other, link.ended_at) for other in session.execute(others).scalars()):
            yield (
                link.paper_id,
                link.project_id,
                f"link {link.id} ended at {link.ended_at:%Y-%m-%d %H:%M} by no decision",
            )


def _links_that_should_have_ended(session: Session) -> Iterator[_Wrong]:
    later: Any = aliased(Decision)
    after = sa.exists().where(
        later.paper_id == col(Link.paper_id),
        later.project_id == col(Link.project_id),
        later.id > col(Link.decision_id),
    )
    for link in session.exec(select(Link).where(col(Link.ended_at).is_(None), after)):
        yield link.paper_id, link.project_id, f"link {link.id} is in force though a later decision was made"


def check_relations(session: Session) -> Checked:
    """Every relation was judged by somebody, with its decision or alone, and ended by the next or by who took it back."""
    checked = Checked("relations", count_rows(session, PaperRelation))
    row, made = PaperRelation, Decision
    unlike = session.execute(
        sa.select(col(row.id), col(row.paper_id))
        .outerjoin(made, col(made.id) == col(row.decision_id))
        .where(
            col(row.decision_id).is_not(None),
            sa.or_(
                col(made.id).is_(None),
                col(made.relation).is_(None),
                col(made.relation) != col(row.relation),
                col(made.actor_id) != col(row.actor_id),
                col(made.made_at) != col(row.decided_at),
                col(made.paper_id) != col(row.paper_id),
            ),
        )
    )
    for number, paper in unlike:
        checked.differences.append(Difference(f"relation {number} is not what its decision said", paper))
    merges = Merges.of(session)
    checked.differences += _decisions_without_relation(session, merges)
    checked.differences += _relations_ended_by_nobody(session, merges)
    after: Any = aliased(PaperRelation)
    newer = sa.exists().where(after.paper_id == col(row.paper_id), after.id > col(row.id))
    for live in session.exec(select(row).where(col(row.ended_at).is_(None), newer)):
        what = f"relation {live.id} is in force though a later one was judged"
        checked.differences.append(Difference(what, live.paper_id))
    return checked


def _decisions_without_relation(session: Session, merges: Merges) -> Iterator[Difference]:
    """Decisions that said how the paper relates, of which nothing in force then says the same."""
    row: Any = aliased(PaperRelation)
    then = [
        row.decided_at <= col(Decision.made_at),
        sa.or_(row.ended_at.is_(None), row.ended_at >= col(Decision.made_at)),
    ]
    in_force = sa.and_(row.relation == col(Decision.relation), *(then if merges.is_steady else ()))
    own = sa.exists().where(row.paper_id == col(Decision.paper_id), in_force)
    rows = session.exec(select(Decision).where(col(Decision.relation).is_not(None), ~own)).all()
    for decision in rows:
        papers = session.execute(
            sa.select(row.paper_id).where(
                row.relation == decision.relation, *([row.decided_at <= decision.made_at] if merges.is_steady else [])
            )
        ).scalars()
        if not any(merges.joined(decision.paper_id, paper, decision.made_at) for paper in papers):
            yield Difference(f"decision {decision.id} judged a relation that is not kept", decision.paper_id)


def _relations_ended_by_nobody(session: Session, merges: Merges) -> Iterator[Difference]:
    row, after = PaperRelation, aliased(PaperRelation)
    later: Any = after
    own = sa.exists().where(
        later.paper_id == col(row.paper_id), later.id > col(row.id), later.decided_at == col(row.ended_at)
    )
    undone = sa.exists().where(
        col(Decision.paper_id) == col(row.paper_id),
        col(Decision.undoes_id).is_not(None),
        col(Decision.made_at) == col(row.ended_at),
    )
    for ended in session.exec(select(row).where(col(row.ended_at).is_not(None), ~own, ~undone)).all():
        assert ended.ended_at is not None
        papers = [
            *session.execute(sa.select(later.paper_id).where(later.decided_at == ended.ended_at)).scalars(),
            *(
                entry.details.get("paper")
                for entry in session.exec(
                    select(AuditEntry).where(
                        col(AuditEntry.made_at) == ended.ended_at,
                        sa.literal(RELATION_WITHDRAWN) == col(AuditEntry.action),
                    )
                )
            ),
            *session.execute(
                sa.select(col(Decision.paper_id)).where(
                    col(Decision.undoes_id).is_not(None), col(Decision.made_at) == ended.ended_at
                )
            ).scalars(),
        ]
        if not any(merges.joined(ended.paper_id, paper, ended.ended_at) for paper in papers if paper is not None):
            yield Difference(f"relation {ended.id} ended by no act", ended.paper_id)
