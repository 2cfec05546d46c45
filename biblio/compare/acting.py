"""What a person does about a difference: takes over their link as a decision, or sets the difference aside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, live_link, live_relation
from biblio.catalogue.memory import USES_DATA
from biblio.compare.lists import OtherList, listed_rows, paper_of_row
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.feature import deciding
from biblio.runtime import Runtime
from biblio.store.current import group_ids, under_second_reading
from biblio.store.models import ComparisonAside, Decision, Project
from biblio.store.words import RelationKind, Verdict

REASON_MAX = 500
_SUBJECT_MAX = 400


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking a paper's links over did: the decisions, and why codes were left, in sentences."""

    paper_id: int
    decisions: tuple[int, ...]
    codes: tuple[str, ...]
    left: tuple[str, ...]


def take_over(
    session: Session, actor: Actor, wired: Runtime, one: OtherList, ref: int, *, aware: Collection[int] = ()
) -> Taken:
    """Accept, as ``actor``, the projects that one row of a list gives its paper, with the list as the reason.

    What a person decided, or took back, stays as that person left it; otherwise it is a decision like those of the desk.
    Raises ``NotFound`` where the row or our paper is not there, ``RequestRefused`` where nothing can be taken over, with
    the reasons, and ``Stale`` where somebody else works on the paper (but for claims in ``aware``).
    """
    paper = paper_of_row(session, one, ref)
    if paper is None:
        raise NotFound("We do not have this paper: add it first.")
    if under_second_reading(session, [paper]):
        raise RequestRefused("This paper is being read a second time: what others say of it is taken over afterwards.")
    codes = listed_rows(session, one, [ref])[ref].codes
    if not codes:
        raise RequestRefused(f"The list {one.name} names no project for this paper: open it on the desk.")
    taken, left = {}, []
    for code in codes:
        project = _free(session, paper, code)
        if isinstance(project, str):
            left.append(f"{code}: {project}")
        else:
            taken[code] = project
    if not taken:
        raise RequestRefused(f"Nothing was taken over. {' '.join(left)}")
    rulings = _rulings(one, paper, list(taken.values()), live_relation(session, paper))
    decisions = deciding().judge(session, actor, rulings, wired, aware)
    return Taken(paper, tuple(d.id for d in decisions if d.id is not None), tuple(taken), tuple(left))


def _free(session: Session, paper: int, code: str) -> int | str:
    """Return the project that can be accepted for the paper, or say why it cannot."""
    project = session.exec(select(Project.id).where(col(Project.code) == code)).first()
    if project is None:
        return "there is no such project here yet."
    live = live_link(session, paper, project)
    if live is not None:
        return f"a librarian said {live.verdict.value} on {live.decided_at:%Y-%m-%d}; decide anew on the desk."
    decided = select(Decision.id).where(
        col(Decision.paper_id).in_(group_ids(session, paper)), col(Decision.project_id) == project
    )
    if session.exec(decided).first() is not None:
        return "a librarian took a verdict on it back; decide anew on the desk."
    relation = live_relation(session, paper)
    if relation is not None and relation not in USES_DATA:
        return f"the paper was judged “{relation.value.replace('_', ' ')}” here; judge that anew on the desk."
    return project


def _rulings(one: OtherList, paper: int, projects: Sequence[int], relation: RelationKind | None) -> list[Ruling]:
    """Accept each; the first says what class the paper is of, where nobody has said so."""
    accepted = Ruling(paper, 0, Verdict.ACCEPT, 0, reason=f"Taken over from the list {one.name}.")
    made = [replace(accepted, project_id=project) for project in projects]
    return made if relation is not None else [replace(made[0], relation=RelationKind.SCIENCE), *made[1:]]


def give_back(session: Session, actor: Actor, wired: Runtime, decision_ids: Sequence[int]) -> int:
    """Take back decisions that were taken over together; return their paper. Raises as undoing at the desk does."""
    undone = deciding().take_back(session, actor, decision_ids, wired)
    if not undone:
        raise NotFound("There is nothing to take back.")
    return undone[0].paper_id


def set_aside(
    session: Session, actor: Actor, list_name: str, subject: str, *, reason: str, now: datetime
) -> ComparisonAside:
    """Set a difference aside, over later imports too. Raises ``RequestRefused`` without a reason, ``Stale`` if it is."""
    words = " ".join(reason.split())[:REASON_MAX]
    if not words:
        raise RequestRefused("Say why this difference is set aside: others read it.")
    if not subject or len(subject) > _SUBJECT_MAX or not subject.isprintable():
        raise RequestRefused("That is no difference between two lists.")
    row = ComparisonAside(list_name=list_name, subject=subject, reason=words, actor_id=actor.person_id(), made_at=now)
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else set this difference aside meanwhile.") from error
    return row


def bring_back(session: Session, actor: Actor, aside_id: int, *, now: datetime) -> ComparisonAside:
    """Show a difference again that was set aside. Raises ``NotFound``, or ``Stale`` where it is shown already."""
    person = actor.person_id()
    row = session.exec(select(ComparisonAside).where(col(ComparisonAside.id) == aside_id).with_for_update()).first()
    if row is None:
        raise NotFound(f"There is no difference number {aside_id} that was set aside.")
    if row.ended_at is not None:
        raise Stale("This difference is shown again already.")
    row.ended_at, row.ended_by_id = now, person
    session.add(row)
    session.flush()
    return row
