"""Reads who does what into dataclasses, for the paper page, the lists of claims and of what is escalated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from biblio.catalogue.actor import Actor
from biblio.catalogue.readable import readable
from biblio.observatory import Profile
from biblio.store.current import survivor_id
from biblio.store.models import (
    Claim,
    Decision,
    Escalation,
    LibraryAssignment,
    Paper,
    PaperRevision,
    Project,
    SecondReading,
    UserAccount,
)
from biblio.store.words import LIBRARIANS, RelationKind, Verdict
from biblio.verify.sharing.claims import Held, held_by
from biblio.verify.sharing.library_rules import library_names
from biblio.verify.sharing.second_readings import hidden_from


@dataclass(frozen=True, slots=True)
class Colleague:
    """A librarian to whom a paper can be handed."""

    user_id: int
    name: str
    library: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a head librarian is to settle about a paper, or has settled. ``by`` is None where two readers disagreed."""

    escalation_id: int
    paper_id: int
    reason: str
    by_id: int | None
    by: str | None
    at: datetime
    settled_by: str | None = None
    settled_at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who does what about one paper."""

    held: Held | None
    is_mine: bool
    until: str
    asked: Asked | None
    library: str | None
    library_note: str
    library_by: str | None
    colleagues: tuple[Colleague, ...]
    libraries: tuple[str, ...]
    own_readings: tuple[int, ...]
    """Second readings of this person's own decisions on the paper that are open."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What people did to share the work on one paper, all of it in the order in which it was done."""

    paper_id: int
    claims: list[tuple[Claim, UserAccount, str | None]]
    """Claims that nobody ended, and hand-overs: with the holder and the name of who gave it."""
    assignments: list[tuple[LibraryAssignment, str]]
    """Libraries it was given to, with who did it."""
    escalations: list[Asked]
    readings: list[tuple[SecondReading, str, str | None]]
    """Second readings, with the project's code and the second reader."""

    @property
    def open_readings(self) -> list[SecondReading]:
        """The second readings that have not ended: while there is one, decisions are hidden."""
        return [row for row, _, _ in self.readings if row.ended_at is None]

    def held(self, now: datetime) -> Held | None:
        """Return the claim in force, as ``claims.held_now`` does (``claims.in_force``)."""
        for row, holder, giver in self.claims:
            is_there = holder.is_active and holder.role in LIBRARIANS
            if row.ended_at is None and row.until > now and is_there:
                who = row.holder_id, holder.name, holder.library
                return Held(
                    row.id or 0, self.paper_id, *who, row.claimed_at, row.until, row.note, row.given_by_id, giver
                )
        return None


def shares_of(session: Session, group: Sequence[int]) -> Shares:
    """Return what was done to share a paper: ``group`` are its number and those of papers merged into it."""
    giver: Any = aliased(UserAccount)
    claims = session.execute(
        sa.select(Claim, UserAccount, giver.name)
        .join(UserAccount, col(UserAccount.id) == col(Claim.holder_id))
        .outerjoin(giver, giver.id == col(Claim.given_by_id))
        .where(
            col(Claim.paper_id).in_(group), sa.or_(col(Claim.ended_at).is_(None), col(Claim.given_by_id).is_not(None))
        )
        .order_by(col(Claim.id))
    )
    assignments = session.execute(
        sa.select(LibraryAssignment, col(UserAccount.name))
        .join(UserAccount, col(UserAccount.id) == col(LibraryAssignment.made_by_id))
        .where(col(LibraryAssignment.paper_id).in_(group))
        .order_by(col(LibraryAssignment.id))
    )
    escalations = session.execute(_asked().where(col(Escalation.paper_id).in_(group)).order_by(col(Escalation.id)))
    readings = session.execute(
        sa.select(SecondReading, col(Project.code), col(UserAccount.name))
        .join(Project, col(Project.id) == col(SecondReading.project_id))
        .outerjoin(UserAccount, col(UserAccount.id) == col(SecondReading.second_reader_id))
        .where(col(SecondReading.paper_id).in_(group))
        .order_by(col(SecondReading.id))
    )
    return Shares(
        paper_id=group[0],
        claims=[(row, holder, given_by) for row, holder, given_by in claims],
        assignments=[(row, who) for row, who in assignments],
        escalations=[Asked(*row) for row in escalations],
        readings=[(row, code, who) for row, code, who in readings],
    )


def sharing(session: Session, profile: Profile, actor: Actor, shares: Shares, now: datetime) -> Sharing:
    """Return who does what about a paper."""
    held = shares.held(now)
    given = next(((row, who) for row, who in reversed(shares.assignments) if row.ended_at is None), None)
    return Sharing(
        held=held,
        is_mine=held is not None and held.holder_id == actor.user_id,
        until=until_words(held.until, now) if held else "",
        asked=next((one for one in shares.escalations if one.settled_at is None), None),
        library=given[0].library if given else None,
        library_note=given[0].note if given else "",
        library_by=given[1] if given else None,
        colleagues=tuple(colleagues(session, actor)),
        libraries=tuple(library_names(profile)),
        own_readings=tuple(row.id or 0 for row in shares.open_readings if row.first_reader_id == actor.user_id),
    )


def colleagues(session: Session, actor: Actor) -> list[Colleague]:
    """Return the other active librarians, by name."""
    rows = session.execute(
        sa.select(col(UserAccount.id), col(UserAccount.name), col(UserAccount.library))
        .where(
            col(UserAccount.is_active).is_(True),
            col(UserAccount.role).in_(LIBRARIANS),
            col(UserAccount.id) != (actor.user_id or 0),
        )
        .order_by(col(UserAccount.name), col(UserAccount.id))
    )
    return [Colleague(*row) for row in rows]


def until_words(until: datetime, now: datetime) -> str:
    """Return "10:45 UTC", with the day in front where it is not today."""
    same_day = until.date() == now.date()
    return f"{until:%H:%M} UTC" if same_day else f"{until:%Y-%m-%d %H:%M} UTC"


_OPEN = col(Escalation.settled_at).is_(None)
_raiser: Any = aliased(UserAccount)
_settler: Any = aliased(UserAccount)


def _asked() -> sa.Select[Any]:
    return (
        sa.select(
            col(Escalation.id),
            survivor_id(),
            col(Escalation.reason),
            col(Escalation.raised_by_id),
            _raiser.name,
            col(Escalation.raised_at),
            _settler.name,
            col(Escalation.settled_at),
            col(Escalation.words),
        )
        .select_from(Escalation)
        .join(Paper, col(Paper.id) == col(Escalation.paper_id))
        .outerjoin(_raiser, _raiser.id == col(Escalation.raised_by_id))
        .outerjoin(_settler, _settler.id == col(Escalation.settled_by_id))
    )


# -- lists ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mine:
    """A paper that a person works on or was handed."""

    held: Held
    title: str
    until: str


def my_papers(session: Session, actor: Actor, now: datetime) -> list[Mine]:
    """Return what a person works on or was handed, latest first."""
    held = held_by(session, actor.person_id(), now)
    names = titles(session, {one.paper_id for one in held})
    return [Mine(one, names.get(one.paper_id, "Untitled paper"), until_words(one.until, now)) for one in held]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one of two readers thought of a paper and a project."""

    who: str
    at: datetime
    verdict: Verdict
    relation: RelationKind | None
    reason: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two readers' views of one project of a paper."""

    code: str
    first: Opinion
    second: Opinion


@dataclass(frozen=True, slots=True)
class EscalationRow:
    """One paper on the list of what is escalated. ``is_hidden``: its reason and views must not be seen now."""

    asked: Asked
    title: str
    is_hidden: bool
    disagreements: tuple[Disagreement, ...]


def escalations_asked(*, settled: bool) -> sa.Select[Any]:
    """Select what waits for a head librarian, oldest first, or what was settled, latest first."""
    if settled:
        return _asked().where(col(Escalation.settled_at).is_not(None)).order_by(col(Escalation.settled_at).desc())
    return _asked().where(_OPEN).order_by(col(Escalation.raised_at), col(Escalation.id))


def escalation_rows(session: Session, actor: Actor, rows: Sequence[Any]) -> list[EscalationRow]:
    """Return one page of ``escalations_asked`` with titles and, where readers disagreed, both views."""
    asked = [Asked(*row) for row in rows]
    papers = {one.paper_id for one in asked}
    names = titles(session, papers)
    hidden = hidden_from(session, actor.user_id, papers)
    views = _disagreements(session, papers - hidden)
    return [
        EscalationRow(
            one,
            names.get(one.paper_id, "Untitled paper"),
            one.paper_id in hidden,
            tuple(views.get(one.paper_id, ())),
        )
        for one in asked
    ]


def _disagreements(session: Session, papers: Collection[int]) -> Mapping[int, list[Disagreement]]:
    """Return paper → the projects on which its two readers disagree."""
    second: Any = aliased(UserAccount)
    members = sa.or_(col(Paper.id).in_(papers), col(Paper.merged_into_id).in_(papers))
    rows = session.execute(
        sa.select(survivor_id(), SecondReading, Decision, col(Project.code), col(UserAccount.name), second.name)
        .select_from(SecondReading)
        .join(Paper, col(Paper.id) == col(SecondReading.paper_id))
        .join(Decision, col(Decision.id) == col(SecondReading.decision_id))
        .join(Project, col(Project.id) == col(SecondReading.project_id))
        .join(UserAccount, col(UserAccount.id) == col(SecondReading.first_reader_id))
        .join(second, second.id == col(SecondReading.second_reader_id))
        .where(members, col(SecondReading.agrees).is_(False))
        .order_by(col(SecondReading.id))
    )
    found: dict[int, list[Disagreement]] = {}
    for paper_id, reading, decision, code, first_name, second_name in rows:
        first = Opinion(first_name, decision.made_at, decision.verdict, reading.first_relation, decision.reason)
        other = Opinion(second_name, reading.ended_at, reading.verdict, reading.relation, reading.reason)
        found.setdefault(paper_id, []).append(Disagreement(code, first, other))
    return found


def titles(session: Session, paper_ids: Collection[int]) -> dict[int, str]:
    """Return paper → its title as a person can read it."""
    rows = session.execute(
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.title)).where(
            col(PaperRevision.paper_id).in_(paper_ids), col(PaperRevision.superseded_at).is_(None)
        )
    )
    return {paper_id: readable(title) or "Untitled paper" for paper_id, title in rows}


# -- history --------------------------------------------------------------------------------------------------------------


def sharing_events(shares: Shares) -> list[tuple[datetime, str, str, str]]:
    """Return (when, who, what, in which words) of hand-overs, escalations and second readings of a paper."""
    return [*_hand_overs(shares), *_escalations(shares), *_second_readings(shares)]


def _hand_overs(shares: Shares) -> list[tuple[datetime, str, str, str]]:
    to_people = [(row.claimed_at, giver, holder.name, row.note) for row, holder, giver in shares.claims if giver]
    to_libraries = [(row.made_at, who, row.library, row.note) for row, who in shares.assignments]
    return [(at, who, f"handed the paper to {whom}", note) for at, who, whom, note in [*to_people, *to_libraries]]


def _escalations(shares: Shares) -> list[tuple[datetime, str, str, str]]:
    events = []
    for asked in shares.escalations:
        what = "asked a head librarian" if asked.by else "put the readers’ disagreement before a head librarian"
        events.append((asked.at, asked.by or "biblio", what, asked.reason))
        if asked.settled_at is not None:
            taken = asked.words == "taken back"
            what = "took the question to a head librarian back" if taken else "settled the question"
            events.append((asked.settled_at, asked.settled_by or "biblio", what, "" if taken else asked.words))
    return events


def _second_readings(shares: Shares) -> list[tuple[datetime, str, str, str]]:
    """Finished ones alone: of an open one nothing may be told."""
    words = {Verdict.ACCEPT: "accept", Verdict.REJECT: "reject", Verdict.UNSURE: "is unsure about"}
    events = []
    for reading, code, who in shares.readings:
        if reading.ended_at is None or reading.verdict is None or who is None:
            continue
        would = "" if reading.verdict is Verdict.UNSURE else "would "
        said = (
            f"read it blind and {would}{words[reading.verdict]} {code}: {'agrees' if reading.agrees else 'disagrees'}"
        )
        events.append((reading.ended_at, who, said, reading.reason))
    return events
