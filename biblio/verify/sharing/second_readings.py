"""Second readings: a random share of decisions is judged again by somebody who does not see the first verdict.

While one is open, its paper's decisions are hidden from everybody but the first reader, and nobody else decides about
that paper; the first verdict stays in force. Who is drawn cannot be told beforehand: the system's random numbers say it
in the transaction that stores the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import live_relation
from biblio.catalogue.memory import USES_DATA
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.runtime import Runtime
from biblio.store.current import group_ids, group_of, survivor_id, survivor_of
from biblio.store.found import found
from biblio.store.models import Decision, Paper, SecondReading, SecondReadingPause, UserAccount
from biblio.store.words import LIBRARIANS, RelationKind, Verdict
from biblio.verify.sharing.escalations import escalate_disagreement


class UnderSecondReading(Stale):
    """The paper is read a second time, blind: only its first reader may see or change what was decided."""

    def __init__(self, paper_id: int) -> None:
        self.paper_id = paper_id
        super().__init__(
            "This paper is read a second time, so its decisions are hidden until both readers have judged. Nothing of "
            "yours was stored; judge it as second reader, or leave it."
        )


@dataclass(frozen=True, slots=True)
class View:
    """What the second reader thinks. ``relation`` is needed to accept; ``shown_for_s`` as in ``Ruling``."""

    verdict: Verdict
    relation: RelationKind | None = None
    reason: str = ""
    shown_for_s: float | None = None


def drawn(decisions: Sequence[Decision], share: float, random: Callable[[], float]) -> list[Decision]:
    """Return the decisions that chance puts to a second reader: each with probability ``share``, by itself.

    Only accepted and rejected ones: who was unsure asks for another look anyway.
    """
    settled = [d for d in decisions if d.verdict in (Verdict.ACCEPT, Verdict.REJECT) and d.undoes_id is None]
    return [d for d in settled if random() < share]


def put_to_readers(
    session: Session, actor: Actor, decisions: Sequence[Decision], share: float, random: Callable[[], float]
) -> list[SecondReading]:
    """Draw from these decisions and open a second reading for each that is drawn.

    None where nobody else could read: a paper must not stay hidden for want of a second librarian.
    """
    chosen = drawn(decisions, share, random) if share > 0 else []
    if not chosen or not _somebody_else(session, actor):
        return []
    rows = []
    for decision in chosen:
        assert decision.id is not None
        row = SecondReading(
            paper_id=decision.paper_id,
            project_id=decision.project_id,
            decision_id=decision.id,
            first_reader_id=decision.actor_id,
            first_relation=decision.relation or live_relation(session, decision.paper_id),
            drawn_at=decision.made_at,
        )
        session.add(row)
        rows.append(row)
    session.flush()
    return rows


def _somebody_else(session: Session, actor: Actor) -> bool:
    others = select(UserAccount.id).where(
        col(UserAccount.id) != actor.user_id,
        col(UserAccount.is_active).is_(True),
        col(UserAccount.role).in_(LIBRARIANS),
    )
    return session.exec(others.limit(1)).first() is not None


def hidden_from(session: Session, user_id: int | None, paper_ids: Collection[int]) -> set[int]:
    """Return which of these papers (survivors' ids) a person must not see the decisions of."""
    if not paper_ids:
        return set()
    statement = (
        sa.select(survivor_id())
        .select_from(SecondReading)
        .join(Paper, col(Paper.id) == col(SecondReading.paper_id))
        .where(col(SecondReading.ended_at).is_(None))
    )
    if user_id is not None:
        statement = statement.where(col(SecondReading.first_reader_id) != user_id)
    if len(paper_ids) <= 1000:
        statement = statement.where(survivor_id().in_(paper_ids))
    return set(session.execute(statement).scalars()) & set(paper_ids)


def check_may_decide(session: Session, actor: Actor, survivors: Collection[int]) -> None:
    """Raise ``UnderSecondReading`` where one of these papers is hidden from this person."""
    hidden = hidden_from(session, actor.user_id, survivors)
    if hidden:
        raise UnderSecondReading(min(hidden))


def open_readings(session: Session, survivor: int, *, to_change: bool = False) -> list[SecondReading]:
    """Return the open second readings of a paper and of those merged into it, oldest first."""
    statement = (
        select(SecondReading)
        .where(col(SecondReading.paper_id).in_(group_of(survivor)), col(SecondReading.ended_at).is_(None))
        .order_by(col(SecondReading.id))
    )
    return list(session.exec(statement.with_for_update() if to_change else statement))


def end_changed(session: Session, actor: Actor, decisions: Sequence[Decision], now: datetime) -> None:
    """End the open readings of pairs that were decided anew or taken back: what was to be read again is gone."""
    projects = {d.project_id for d in decisions}
    ids = {d.id for d in decisions}
    for survivor in {d.paper_id for d in decisions}:
        for row in open_readings(session, survivor, to_change=True):
            if row.project_id in projects and row.decision_id not in ids:
                row.ended_at, row.ended_by_id = now, actor.user_id
                session.add(row)
    session.flush()


def judge_second(session: Session, actor: Actor, reading_id: int, view: View, *, now: datetime) -> SecondReading:
    """Store what the second reader thinks, and whether the two agree; a disagreement goes to a head librarian.

    They agree when their verdicts are the same and, where both said how the paper relates, these too. Raises
    ``NotFound``, ``NotAllowed`` for the first reader, ``Stale`` where somebody else has read it or the first decision
    was taken back, ``RequestRefused`` for accepting without a class that uses data.
    """
    person = actor.person_id()
    row = locked(session, reading_id)
    if row.first_reader_id == person:
        raise NotAllowed("You decided this yourself: the second reader must be somebody else.")
    if row.ended_at is not None:
        raise Stale("This second reading has ended meanwhile. Nothing of yours was stored.", current=row)
    if view.verdict is Verdict.ACCEPT and view.relation not in USES_DATA:
        raise RequestRefused(
            "Say how the paper relates to the observatory: a project is accepted for a paper that used its data."
        )
    first = session.get_one(Decision, row.decision_id)
    row.second_reader_id, row.verdict, row.relation = person, view.verdict, view.relation
    row.reason, row.shown_for_s = view.reason.strip(), view.shown_for_s
    row.agrees = view.verdict is first.verdict and same_class(row.first_relation, view.relation)
    row.ended_at, row.ended_by_id = now, person
    session.add(row)
    session.flush()
    if not row.agrees:
        escalate_disagreement(session, row, now)
    return row


def same_class(first: RelationKind | None, second: RelationKind | None) -> bool:
    """Whether two readers' classes agree; one that says nothing of it contradicts nobody."""
    return first is None or second is None or first is second


def call_off(session: Session, actor: Actor, reading_id: int, *, now: datetime) -> SecondReading:
    """End a second reading that nobody is going to do. Raises ``Stale`` where it has ended."""
    row = locked(session, reading_id)
    if row.ended_at is not None:
        raise Stale("This second reading has ended already.", current=row)
    row.ended_at, row.ended_by_id = now, actor.person_id()
    session.add(row)
    session.flush()
    return row


def resume(session: Session, actor: Actor, reading_id: int, *, now: datetime) -> SecondReading:
    """Open again a second reading that was called off, while its decision is still the one in force.

    The row is open again and forgets that it was not; when and by whom stays as a pause, so that a report of a day
    between can be counted again. It is no new row, because whoever looks for what is secret asks when the decision was
    drawn.

    Raises ``NotFound`` where none was called off, ``Stale`` where the pair was decided anew since.
    """
    person = actor.person_id()
    row = locked(session, reading_id)
    if row.ended_at is None or row.verdict is not None:
        raise NotFound("No second reading was called off under this number.")
    survivor = survivor_of(session, row.paper_id) or row.paper_id
    latest = session.exec(
        select(Decision.id)
        .where(col(Decision.paper_id).in_(group_ids(session, survivor)), col(Decision.project_id) == row.project_id)
        .order_by(col(Decision.id).desc())
    ).first()
    if latest != row.decision_id:
        raise Stale("The first decision was changed meanwhile: there is nothing to read a second time.")
    session.add(
        SecondReadingPause(
            reading_id=reading_id,
            called_off_at=row.ended_at,
            called_off_by_id=row.ended_by_id,
            resumed_at=now,
            resumed_by_id=person,
        )
    )
    row.ended_at = row.ended_by_id = None
    session.add(row)
    session.flush()
    return row


def status(runtime: Runtime) -> Iterator[str]:
    """Say how many second readings wait, and since when: their papers are not public meanwhile."""
    with runtime.store.reading() as session:
        count, oldest = session.execute(
            sa.select(sa.func.count(), sa.func.min(col(SecondReading.drawn_at))).where(
                col(SecondReading.ended_at).is_(None)
            )
        ).one()
    if count:
        waiting = "waits" if count == 1 else "wait, the oldest"
        yield f"second readings    {count} {waiting} since {oldest:%Y-%m-%d}; such papers are not public meanwhile"


def locked(session: Session, reading_id: int) -> SecondReading:
    """Return a second reading, so that nobody else changes it before this transaction ends. Raises ``NotFound``."""
    return found(session, SecondReading, reading_id, "second reading", to_change=True)
