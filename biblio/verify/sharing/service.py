"""What people do to share the work: each change puts the queue in step in the same transaction, like ``service``."""

from __future__ import annotations

from typing import TypeVar

from sqlmodel import Session

from biblio.catalogue.actor import Actor
from biblio.errors import RequestRefused
from biblio.store.current import survivor_of
from biblio.store.found import found_paper
from biblio.store.models import Claim, Escalation, LibraryAssignment, LibraryRule, SecondReading
from biblio.verify.queue.items import refresh
from biblio.verify.queue.libraries import Condition
from biblio.verify.service import Today, bring_in_step
from biblio.verify.sharing import claims, escalations, library_rules, second_readings
from biblio.verify.sharing.second_readings import View

_OfPaper = TypeVar("_OfPaper", LibraryAssignment, Escalation)


def claim(session: Session, actor: Actor, paper_id: int, today: Today, *, minutes: int) -> Claim:
    """Claim a paper. Raises as ``claims.claim`` does, and ``UnderSecondReading`` where it is hidden from this person."""
    _check_open(session, actor, paper_id)
    return claims.claim(session, actor, paper_id, now=today.now, minutes=minutes)


def hand_to_person(session: Session, actor: Actor, paper_id: int, to_id: int, note: str, today: Today) -> Claim:
    """Give a paper to another librarian. Raises as ``claims.hand_over`` does, and ``UnderSecondReading``."""
    _check_read(session, _check_open(session, actor, paper_id))
    return claims.hand_over(session, actor, paper_id, to_id=to_id, note=note, now=today.now)


def hand_to_library(
    session: Session, actor: Actor, paper_id: int, library: str, note: str, today: Today
) -> LibraryAssignment:
    """Give a paper to a library; one's own claim on it ends. Raises as ``library_rules.give`` does."""
    survivor = _check_open(session, actor, paper_id)
    _check_read(session, survivor)
    claims.free_to_give(session, actor, survivor, today.now)
    row = library_rules.give(session, actor, today.profile, survivor, library, note=note, now=today.now)
    claims.end_held(session, actor, survivor, today.now)
    refresh(session, today.profile, [survivor], today=today.date)
    return row


def take_from_library(session: Session, actor: Actor, assignment_id: int, today: Today) -> LibraryAssignment:
    """Take back that a paper was given to a library."""
    return _in_step(session, today, library_rules.take_back(session, actor, assignment_id, now=today.now))


def escalate(session: Session, actor: Actor, paper_id: int, reason: str, today: Today) -> Escalation:
    """Ask a head librarian to settle a paper. Raises as ``escalations.escalate`` does, and ``UnderSecondReading``."""
    _check_open(session, actor, paper_id)
    return _in_step(session, today, escalations.escalate(session, actor, paper_id, reason=reason, now=today.now))


def settle(session: Session, actor: Actor, escalation_id: int, words: str, today: Today) -> Escalation:
    """Settle what was asked, in words."""
    return _in_step(session, today, escalations.settle(session, actor, escalation_id, words=words, now=today.now))


def take_back_escalation(session: Session, actor: Actor, escalation_id: int, today: Today) -> Escalation:
    """Take back what one asked."""
    return _in_step(session, today, escalations.take_back(session, actor, escalation_id, now=today.now))


def reopen(session: Session, actor: Actor, escalation_id: int, today: Today) -> Escalation:
    """Open again what was settled."""
    return _in_step(session, today, escalations.reopen(session, actor, escalation_id, now=today.now))


def judge_second(session: Session, actor: Actor, reading_id: int, view: View, today: Today) -> SecondReading:
    """Store what the second reader thinks; the paper is back in the queue where something of it waits."""
    return _seen_again(session, today, second_readings.judge_second(session, actor, reading_id, view, now=today.now))


def call_off(session: Session, actor: Actor, reading_id: int, today: Today) -> SecondReading:
    """End a second reading that nobody is going to do."""
    return _seen_again(session, today, second_readings.call_off(session, actor, reading_id, now=today.now))


def resume(session: Session, actor: Actor, reading_id: int, today: Today) -> SecondReading:
    """Open again a second reading that was called off."""
    return _seen_again(session, today, second_readings.resume(session, actor, reading_id, now=today.now))


def add_rule(
    session: Session, actor: Actor, condition: Condition, library: str, today: Today
) -> tuple[LibraryRule, bool]:
    """Put a rule in force and move the first papers; return it and whether the job must move more."""
    row = library_rules.add_rule(session, actor, today.profile, condition, library, now=today.now)
    return row, library_rules.put_first_in_step(session, today.profile, condition)


def end_rule(session: Session, actor: Actor, rule_id: int, today: Today) -> tuple[LibraryRule, bool]:
    """End a rule and give the first of its papers back; return it and whether the job must do more."""
    row = library_rules.end_rule(session, actor, rule_id, now=today.now)
    return row, library_rules.put_first_in_step(session, today.profile, (row.journal, row.source))


def _in_step(session: Session, today: Today, row: _OfPaper) -> _OfPaper:
    """Return what was written about a paper, once the queue says so too."""
    refresh(session, today.profile, [row.paper_id], today=today.date)
    return row


def _seen_again(session: Session, today: Today, row: SecondReading) -> SecondReading:
    """As ``_in_step``; other papers wait for the same projects for another reason once this paper counts, or no more."""
    bring_in_step(session, today, [survivor_of(session, row.paper_id) or row.paper_id])
    return row


def _check_open(session: Session, actor: Actor, paper_id: int) -> int:
    """Return the paper that stands for this one. Raises ``NotFound``, ``UnderSecondReading``."""
    survivor = found_paper(session, paper_id)
    second_readings.check_may_decide(session, actor, [survivor])
    return survivor


def _check_read(session: Session, survivor: int) -> None:
    """Raise ``RequestRefused`` while a paper is read a second time: a first reader's note could tell their verdict."""
    if second_readings.open_readings(session, survivor):
        raise RequestRefused("This paper is with a second reader: hand it over when both have judged.")
