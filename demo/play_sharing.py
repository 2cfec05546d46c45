"""Plays how the demo's librarians share the work: claims, a hand-over, an escalation, and second readings.

All through the product's own services. What chance decides is drawn from the day, so that a demo made twice is the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, time

from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.models import Claim, Decision, DeskItem, Escalation, SecondReading
from biblio.store.words import RelationKind, Verdict
from biblio.verify.queue.items import refresh
from biblio.verify.service import Today
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.claims import held_now
from biblio.verify.sharing.second_readings import View, put_to_readers

SHARE = 0.06
"""Of the day's decisions, drawn for a second reader."""

LEFT_OPEN = 3
"""Second readings that wait for whoever plays with the demo."""

AGREE = 0.9
"""How often the second reader thinks as the first one did."""


@dataclass(frozen=True, slots=True)
class People:
    """Who shares the work."""

    first: Actor
    second: Actor
    head: Actor


def play_sharing(runtime: Runtime, people: People) -> int:
    """Play what happened besides decisions on this day, once; return how many decisions were read a second time."""
    today = Today(runtime.profile, runtime.clock.now())
    rng = random.Random(today.date.toordinal())
    morning = datetime.combine(today.date, time(), today.now.tzinfo)
    with runtime.store.writing() as session:
        if session.exec(select(Claim.id).where(col(Claim.claimed_at) >= morning).limit(1)).first():
            return 0
        made = session.exec(
            select(Decision)
            .where(col(Decision.made_at) >= morning, col(Decision.actor_id) == people.first.user_id)
            .order_by(col(Decision.id))
        ).all()
        rows = put_to_readers(session, people.first, made, SHARE, rng.random)
        for row in rows[LEFT_OPEN:]:
            sharing.judge_second(session, people.second, row.id or 0, _view(session, row, rng), today)
        refresh(session, today.profile, [row.paper_id for row in rows], today=today.date)
        _settle_old(session, people.head, morning, today)
        _play_claims(session, runtime, people, today)
    return max(len(rows) - LEFT_OPEN, 0)


def _settle_old(session: Session, head: Actor, morning: datetime, today: Today) -> None:
    """The head librarian has settled since what was asked on an earlier day."""
    for row in session.exec(
        select(Escalation).where(col(Escalation.settled_at).is_(None), col(Escalation.raised_at) < morning)
    ).all():
        sharing.settle(session, head, row.id or 0, "Looked at it with both: the first verdict stands.", today)


def _view(session: Session, row: SecondReading, rng: random.Random) -> View:
    """What the second reader thinks: mostly the same."""
    first = session.get_one(Decision, row.decision_id)
    seconds = round(rng.lognormvariate(3.2, 0.5), 1)
    relation = row.first_relation
    if rng.random() < AGREE and first.verdict is not None:
        return View(first.verdict, relation, "", seconds)
    if first.verdict is Verdict.ACCEPT:
        return View(
            Verdict.REJECT, RelationKind.MENTION, "Compares with published results, no data of its own.", seconds
        )
    return View(Verdict.UNSURE, relation, "The team fits, the targets do not.", seconds)


def _play_claims(session: Session, runtime: Runtime, people: People, today: Today) -> None:
    """The second librarian works on one paper, hands one over, and asks the head librarian about a third."""
    shown = session.exec(
        select(DeskItem.paper_id)
        .where(col(DeskItem.is_shown), col(DeskItem.is_escalated).is_(False))
        .order_by(col(DeskItem.rank), col(DeskItem.paper_id))
        .limit(20)
    ).all()
    held = held_now(session, shown, today.now)
    waiting = [paper for paper in shown if paper not in held][:3]
    if len(waiting) < 3:
        return
    minutes = runtime.settings.claim_minutes
    sharing.claim(session, people.second, waiting[0], today, minutes=minutes)
    note = "You know this group: is it their own project?"
    sharing.hand_to_person(session, people.second, waiting[1], people.first.person_id(), note, today)
    sharing.escalate(session, people.second, waiting[2], "Two projects of one team fit equally well.", today)
