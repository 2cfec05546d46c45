"""Claims: who works on a paper, until when, and who handed it to them.

A claim is a word to others, not a lock: they see it, and are asked once more before they decide the same paper. One
that nobody released lapses by the clock; its row is ended by whoever takes the paper next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.store.current import group_ids, group_of, survivor_id
from biblio.store.found import found_paper, hold_papers
from biblio.store.models import Claim, Paper, UserAccount
from biblio.store.words import LIBRARIANS, ClaimEnd, Role

HANDED_FOR = timedelta(days=7)
"""How long a paper that was handed to a person stays theirs: they may be away when it comes."""

LONGEST_NOTE = 1000
"""Characters of a note."""

"""Who works at the desk."""


@dataclass(frozen=True, slots=True)
class Held:
    """A claim in force, as pages show it; ``paper_id`` is the paper that stands for the one claimed."""

    claim_id: int
    paper_id: int
    holder_id: int
    holder: str
    library: str | None
    claimed_at: datetime
    until: datetime
    note: str
    given_by_id: int | None
    given_by: str | None

    @property
    def who(self) -> str:
        """The holder with their library: Vera (her library)."""
        return f"{self.holder} ({self.library})" if self.library else self.holder


class Claimed(Stale):
    """Somebody else works on this; the person was not aware of it. ``claims`` say who."""

    def __init__(self, claims: Iterable[Held]) -> None:
        self.claims = list(claims)
        names = ", ".join(dict.fromkeys(one.who for one in self.claims))
        super().__init__(f"{names} works on this now. Nothing of yours was stored.", current=self.claims)


def in_force(now: datetime) -> tuple[Any, ...]:
    """The conditions on a claim and its holder's account that somebody works on the paper now.

    A claim ends with its time, and where its holder no longer works at the desk: nobody waits for who has left.
    """
    return (
        col(Claim.ended_at).is_(None),
        col(Claim.until) > now,
        col(UserAccount.is_active),
        col(UserAccount.role).in_(LIBRARIANS),
    )


def held_now(session: Session, paper_ids: Collection[int], now: datetime) -> dict[int, Held]:
    """Return survivor → the claim in force, for those of these papers (survivors' ids) that somebody works on."""
    return {one.paper_id: one for one in _all_held(session, paper_ids, now)}


def _all_held(session: Session, paper_ids: Collection[int], now: datetime) -> list[Held]:
    """Return all claims in force on these papers, latest first: two people may have claimed what became one paper since."""
    if not paper_ids:
        return []
    members = sa.or_(col(Paper.id).in_(paper_ids), col(Paper.merged_into_id).in_(paper_ids))
    return [Held(*row) for row in session.execute(_shown(now).where(members).order_by(col(Claim.id).desc()))]


def held_by(session: Session, user_id: int, now: datetime) -> list[Held]:
    """Return what a person works on or was handed, latest first."""
    rows = session.execute(_shown(now).where(col(Claim.holder_id) == user_id).order_by(col(Claim.id).desc()))
    return [Held(*row) for row in rows]


def _shown(now: datetime) -> sa.Select[Any]:
    giver: Any = aliased(UserAccount)
    return (
        sa.select(
            col(Claim.id),
            survivor_id(),
            col(Claim.holder_id),
            col(UserAccount.name),
            col(UserAccount.library),
            col(Claim.claimed_at),
            col(Claim.until),
            col(Claim.note),
            col(Claim.given_by_id),
            giver.name,
        )
        .select_from(Claim)
        .join(Paper, col(Paper.id) == col(Claim.paper_id))
        .join(UserAccount, col(UserAccount.id) == col(Claim.holder_id))
        .outerjoin(giver, giver.id == col(Claim.given_by_id))
        .where(*in_force(now))
    )


def others_claims(session: Session, actor: Actor, paper_ids: Collection[int], now: datetime) -> list[Held]:
    """Return the claims in force that other people have on these papers."""
    return [one for one in _all_held(session, paper_ids, now) if one.holder_id != actor.user_id]


def claim(session: Session, actor: Actor, paper_id: int, *, now: datetime, minutes: int) -> Claim:
    """Note that a person works on a paper for so many minutes from now; pressing again begins the time anew.

    Raises ``Claimed`` where somebody else works on it, ``NotFound`` for an unknown paper.
    """
    holder = actor.person_id()
    survivor = found_paper(session, paper_id)
    hold_papers(session, [survivor])
    if others := others_claims(session, actor, [survivor], now):
        raise Claimed(others)
    before = held_now(session, [survivor], now).get(survivor)
    until = now + timedelta(minutes=minutes)
    if before is not None and before.until >= until:  # handed over, for longer than a claim
        return session.get_one(Claim, before.claim_id)
    _end_live(session, survivor, ClaimEnd.RELEASED, holder, now)
    row = Claim(paper_id=survivor, holder_id=holder, claimed_at=now, until=until)
    return _stored(session, row)


def release(session: Session, actor: Actor, paper_id: int, *, now: datetime) -> Claim:
    """End a person's claim on a paper; a head librarian may end anybody's.

    Raises ``Stale`` where nobody has one any more, ``NotAllowed`` where it is somebody else's.
    """
    survivor = found_paper(session, paper_id)
    hold_papers(session, [survivor])
    held = _all_held(session, [survivor], now)
    if not held:
        raise Stale("Nobody works on this paper any more: the claim had ended.")
    own = [one for one in held if one.holder_id == actor.user_id]
    if not own and actor.role is not Role.HEAD_LIBRARIAN:
        raise NotAllowed(f"{held[0].who} works on this paper: only they or a head librarian can release it.")
    rows = [session.get_one(Claim, one.claim_id) for one in own or held]
    for row in rows:
        _end(row, ClaimEnd.RELEASED, actor.person_id(), now)
        session.add(row)
    session.flush()
    return rows[0]


def hand_over(session: Session, actor: Actor, paper_id: int, *, to_id: int, note: str, now: datetime) -> Claim:
    """Give a paper to another librarian, with a note; it is theirs for ``HANDED_FOR``.

    Raises ``Claimed`` where somebody else works on it (a head librarian may give it all the same), and
    ``RequestRefused`` where the other is no active librarian, or oneself.
    """
    survivor = found_paper(session, paper_id)
    person = session.get(UserAccount, to_id)
    if person is None or not person.is_active or person.role not in LIBRARIANS:
        raise RequestRefused("Choose a librarian to hand the paper to.")
    if person.id == actor.user_id:
        raise RequestRefused("You cannot hand a paper to yourself: claim it instead.")
    free_to_give(session, actor, survivor, now)
    _end_live(session, survivor, ClaimEnd.HANDED_OVER, actor.person_id(), now)
    row = Claim(
        paper_id=survivor,
        holder_id=to_id,
        given_by_id=actor.person_id(),
        note=note.strip()[:LONGEST_NOTE],
        claimed_at=now,
        until=now + HANDED_FOR,
    )
    return _stored(session, row)


def free_to_give(session: Session, actor: Actor, survivor: int, now: datetime) -> None:
    """Raise ``Claimed`` where somebody else works on the paper; a head librarian may give anything."""
    hold_papers(session, [survivor])
    others = others_claims(session, actor, [survivor], now)
    if others and actor.role is not Role.HEAD_LIBRARIAN:
        raise Claimed(others)


def take_back(session: Session, actor: Actor, claim_id: int, *, now: datetime) -> Claim:
    """Take back a paper that one handed over: it is the giver's again while their own claim would have held.

    Raises ``NotFound``, ``NotAllowed`` where somebody else gave it, ``Stale`` where that claim has ended.
    """
    row = session.get(Claim, claim_id, with_for_update=True)
    if row is None or row.given_by_id is None:
        raise NotFound(f"Nothing was handed over under number {claim_id}.")
    if row.given_by_id != actor.user_id and actor.role is not Role.HEAD_LIBRARIAN:
        raise NotAllowed("Somebody else handed this over.")
    if row.ended_at is not None or row.until <= now:
        raise Stale("It is too late to take this back: that claim has ended.", current=row)
    before = session.exec(
        select(Claim)
        .where(
            col(Claim.paper_id).in_(group_ids(session, found_paper(session, row.paper_id))),
            col(Claim.end) == ClaimEnd.HANDED_OVER,
            col(Claim.ended_at) == row.claimed_at,
            col(Claim.ended_by_id) == row.given_by_id,
        )
        .order_by(col(Claim.id).desc())
    ).first()
    _end(row, ClaimEnd.RELEASED, actor.person_id(), now)
    session.add(row)
    session.flush()
    if before is not None and before.until > now:
        again = before.model_dump(include={"paper_id", "holder_id", "until"})
        _stored(session, Claim(**again, claimed_at=now))
    return row


def end_decided(session: Session, actor: Actor, survivors: Collection[int], now: datetime) -> None:
    """End the claims on papers about which nothing is left to decide, whoever has them."""
    for survivor in survivors:
        _end_live(session, survivor, ClaimEnd.DECIDED, actor.user_id, now)


def end_held(session: Session, actor: Actor, survivor: int, now: datetime) -> None:
    """End the claim on a paper that was handed to a library: whoever of them is free takes it."""
    _end_live(session, survivor, ClaimEnd.RELEASED, actor.user_id, now)


def _end_live(session: Session, survivor: int, how: ClaimEnd, who: int | None, now: datetime) -> None:
    rows = session.exec(
        select(Claim).where(col(Claim.paper_id).in_(group_of(survivor)), col(Claim.ended_at).is_(None))
    ).all()
    for row in rows:
        _end(row, how, who, now)
        session.add(row)
    session.flush()


def _end(row: Claim, how: ClaimEnd, who: int | None, now: datetime) -> None:
    """End a claim; one whose time was over lapsed then, whoever finds it so."""
    if row.until <= now:
        row.ended_at, row.end = row.until, ClaimEnd.LAPSED
        return
    row.ended_at, row.end, row.ended_by_id = now, how, who


def _stored(session: Session, row: Claim) -> Claim:
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else claimed this paper at the same moment: look at it again.") from error
    return row
