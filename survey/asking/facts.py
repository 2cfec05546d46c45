"""The facts of projects that the rule looks at, as they were known on a day.

Every kind of fact is read by one statement over all projects, so the number of statements does not grow with the
registry. The past is honoured: with an earlier day only what was known by its end (UTC) counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from biblio.mail.addresses import AddressBook
from biblio.mail.bounces import died_on
from biblio.runtime import Runtime
from biblio.store.current import (
    in_force,
    projects_under_second_reading,
)
from biblio.store.models import (
    AskedBefore,
    AskingAgain,
    Campaign,
    Invitation,
    InvitationLetter,
    MailBounce,
    ObservationUnit,
    OptOut,
    OutboxMail,
    Project,
    ProjectRevision,
    SurveyExclusion,
    UnitRevision,
)
from biblio.store.words import MailState
from survey.asking.asked_for import Question, Shape, Statement
from survey.asking.paper_facts import links_of, papers_of, undecided_certain, unverified_references
from survey.asking.rule import ProjectFacts

_ADDRESS = re.compile(r"[^@\s,;<>]+@(?:[^@\s,;<>.]+\.)+[^@\s,;<>.]+")


def read_facts(session: Session, runtime: Runtime, asked: Question) -> Iterator[tuple[Any, ProjectFacts]]:
    """Yield each project's row (id, code, cycle, title, pi, pi_email, category, partner) and facts, by code.

    What is known of the address alone is left to ``read_persons``: it is dear, and few projects get that far.
    """
    links = links_of(session, asked)
    units = units_of(session, asked, runtime.profile.asking.no_release_date)
    papers = papers_of(session, asked, links)
    read_again = projects_under_second_reading(session, asked.known_by, among=asked.few) if asked.is_blind else set()
    certain = undecided_certain(session, asked, links)
    references = unverified_references(session, asked, links)
    askings, leaves = _askings(session, asked), _leaves(session, asked)
    excluded = _excluded(session, asked)
    ends = {cycle.key: cycle.ends_on for cycle in runtime.profile.cycles}
    for row in projects_of(session, asked):
        number, _, cycle, kind, is_pi_project, state, _, _, _, _, _ = row
        delivered, released = units.get(number, NO_UNITS)
        refereed, preprint = papers.get(number, NO_PAPERS)
        facts = ProjectFacts(
            is_pi_project,
            kind,
            delivered,
            state,
            ends.get(cycle),
            released,
            refereed,
            preprint,
            number in read_again,
            certain.get(number, 0),
            references.get(number, ()),
        )
        if number in askings:  # what few projects have is filled in only there: it saves a tenth of the time
            asking = askings[number]
            facts.asked_on, facts.is_drafted = asking.on, asking.is_drafted
            facts.may_ask_again = asking.is_before(leaves.get(number))
        if number in excluded:
            facts.excluded = excluded[number]
        yield row, facts


NO_UNITS: tuple[int, date | None] = (0, None)
NO_PAPERS: tuple[bool, date | None] = (False, None)


def read_persons(
    session: Session, runtime: Runtime, asked: Question
) -> Callable[[ProjectFacts, str | None], ProjectFacts]:
    """Return a function that adds to a project's facts what is known of its PI's address.

    Of few projects each address is asked about; of many all are read who opted out or from whom letters came back, two
    statements, and an address is hashed only where there are any.
    """
    told = _asked_of(session, AddressBook(runtime.settings), asked)

    def completed(facts: ProjectFacts, address: str | None) -> ProjectFacts:
        if not address or not _ADDRESS.fullmatch(address.strip()):
            return replace(facts, has_opted_out=bool(address) and told(address or "")[0], has_address=False)
        has_opted_out, is_dead = told(address)
        if not has_opted_out and not is_dead:
            return facts
        return replace(facts, has_opted_out=has_opted_out, is_dead_address=is_dead)

    return completed


_EACH = 20
"""Projects up to which each one's address is asked about by itself."""


def _asked_of(session: Session, book: AddressBook, asked: Question) -> Callable[[str], tuple[bool, bool]]:
    """Return a function that says of an address whether it opted out, and whether letters to it came back."""
    if asked.few is None or len(asked.few) > _EACH:
        opted_out, dead = _opted_out(session, asked), set(died_on(session, asked.known_by))
        return _recognised(book, opted_out, dead) if opted_out or dead else _nobody

    @cache
    def told(address: str) -> tuple[bool, bool]:
        kept = book.kept_as(address)
        hashes = [hashed for _key, hashed in kept]
        opted_out = _opted_out(session, asked, hashes)
        dead = died_on(session, asked.known_by, among=hashes)
        return not opted_out.isdisjoint(kept), not dead.keys().isdisjoint(kept)

    return told


def _nobody(address: str) -> tuple[bool, bool]:
    return False, False


def _recognised(
    book: AddressBook, opted_out: set[tuple[str, str]], dead: set[tuple[str, str]]
) -> Callable[[str], tuple[bool, bool]]:
    """Return a function that says of an address whether it opted out, and whether letters to it came back."""
    (out_now, out_old), (dead_now, dead_old) = _by_key(opted_out, book.key_id), _by_key(dead, book.key_id)
    seen: dict[str, tuple[bool, bool]] = {}

    def told(address: str) -> tuple[bool, bool]:
        if address not in seen:
            hashed = book.hash(address)
            seen[address] = (
                hashed in out_now or book.among(address, out_old),
                hashed in dead_now or book.among(address, dead_old),
            )
        return seen[address]

    return told


def _by_key(kept: set[tuple[str, str]], key_id: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Split what is kept: the hashes of this key, and the others with theirs."""
    return {hashed for key, hashed in kept if key == key_id}, {each for each in kept if each[0] != key_id}


def projects_of(session: Session, asked: Question) -> Sequence[Any]:
    """Return the row of each project known on the day, by code.

    The columns: id, code, cycle, kind, is_pi_project, state, title, pi, pi_email, category, partner.
    """
    rows = asked.rows(session, _projects(asked.shape))
    wanted = None if asked.projects is None else set(asked.projects)
    found = rows.all()
    return sorted(found if wanted is None else (row for row in found if row[0] in wanted), key=itemgetter(1))


@cache
def _projects(shape: Shape) -> Statement:
    revision = ProjectRevision
    return (
        sa.select(
            col(Project.id),
            col(Project.code),
            col(Project.cycle),
            col(Project.kind),
            col(Project.is_pi_project),
            col(revision.state),
            col(revision.title),
            col(revision.pi),
            col(revision.pi_email),
            col(revision.category),
            col(revision.partner),
        )
        .select_from(Project)
        .outerjoin(
            revision,
            sa.and_(
                col(revision.project_id) == col(Project.id),
                in_force(col(revision.learned_at), col(revision.superseded_at), shape.known_by),
            ),
        )
        .where(shape.among(col(Project.id)), shape.learned(col(Project.first_seen_at)))
    )


def units_of(session: Session, asked: Question, unusable: tuple[date, ...]) -> dict[int, tuple[int, date | None]]:
    """Per project: how many units are delivered, and the last usable release date.

    Where the registry tells no delivery date, a unit with any release date counts as delivered: archives date what
    they hold, and give even undated data a far-off date.
    """
    rows = asked.rows(session, _units(asked.shape, unusable))
    return {project: (count, last) for project, count, last in rows.all()}


@cache
def _units(shape: Shape, unusable: tuple[date, ...]) -> Statement:
    delivered_on, released_on = col(UnitRevision.delivered_on), col(UnitRevision.released_on)
    delivered = sa.or_(shape.on_the_day(delivered_on), sa.and_(delivered_on.is_(None), released_on.is_not(None)))
    return (
        sa.select(
            col(ObservationUnit.project_id),
            sa.func.sum(sa.case((delivered, 1), else_=0)),
            sa.func.max(sa.case((released_on.not_in(unusable), released_on), else_=None)),
        )
        .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
        .where(
            in_force(col(UnitRevision.learned_at), col(UnitRevision.superseded_at), shape.known_by),
            shape.among(col(ObservationUnit.project_id)),
        )
        .group_by(col(ObservationUnit.project_id))
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """When a project was last asked about: a moment here, only a day from earlier lists."""

    on: date
    at: datetime | None = None
    is_drafted: bool = False

    def is_before(self, leave: datetime | None) -> bool:
        """Whether leave to ask again was given after this asking."""
        if leave is None:
            return False
        return leave > self.at if self.at is not None else leave.date() > self.on


def asked_without_leave(session: Session, asked: Question) -> set[int]:
    """Return the projects that were asked about, or stand on a list, and that nobody may ask about again."""
    leaves = _leaves(session, asked)
    return {
        project for project, asking in _askings(session, asked).items() if not asking.is_before(leaves.get(project))
    }


def _askings(session: Session, asked: Question) -> dict[int, _Asking]:
    """Per project: its last asking, here or before biblio kept the list."""
    invited = asked.rows(session, _invited(asked.shape))
    found = {project: _Asking(moment.date(), moment, bool(drafted)) for project, moment, drafted in invited}
    for project, day in asked.rows(session, _before(asked.shape)):
        if project not in found or found[project].on < day:
            found[project] = _Asking(day)
    return found


@cache
def _invited(shape: Shape) -> Statement:
    return (
        sa.select(
            col(Invitation.project_id),
            sa.func.max(col(Invitation.created_at)),
            sa.func.min(sa.case((col(Campaign.opened_at).is_(None), 1), else_=0)),
        )
        .join(Campaign, col(Campaign.id) == col(Invitation.campaign_id))
        .where(
            shape.learned(col(Invitation.created_at)),
            sa.or_(col(Invitation.withdrawn_at).is_(None), sa.not_(shape.learned(col(Invitation.withdrawn_at)))),
            shape.not_ignored(col(Invitation.campaign_id)),
            shape.among(col(Invitation.project_id)),
            col(Invitation.id).not_in(unreached(shape)),
        )
        .group_by(col(Invitation.project_id))
    )


@cache
def _before(shape: Shape) -> Statement:
    return (
        sa.select(col(AskedBefore.project_id), sa.func.max(col(AskedBefore.asked_on)))
        .where(
            shape.on_the_day(col(AskedBefore.asked_on)),
            shape.learned(col(AskedBefore.learned_at)),
            shape.among(col(AskedBefore.project_id)),
        )
        .group_by(col(AskedBefore.project_id))
    )


def unreached(asked: Question | Shape) -> Any:
    """Select the invitations whose letters all came back for good: nobody was asked. A cancelled letter reached nobody."""
    returned = (
        sa.select(col(MailBounce.outbox_mail_id))
        .where(col(MailBounce.is_hard), asked.learned(col(MailBounce.learned_at)))
        .distinct()
        .subquery("returned")
    )
    told: Any = aliased(InvitationLetter)
    concerned = sa.select(told.invitation_id).join(returned, returned.c.outbox_mail_id == told.outbox_mail_id)
    arrived = sa.and_(returned.c.outbox_mail_id.is_(None), col(OutboxMail.state) != MailState.CANCELLED)
    return (
        sa.select(col(InvitationLetter.invitation_id))
        .join(OutboxMail, col(OutboxMail.id) == col(InvitationLetter.outbox_mail_id))
        .outerjoin(returned, returned.c.outbox_mail_id == col(OutboxMail.id))
        .where(col(InvitationLetter.invitation_id).in_(concerned))
        .group_by(col(InvitationLetter.invitation_id))
        .having(sa.func.sum(sa.case((arrived, 1), else_=0)) == 0)
    )


def _leaves(session: Session, asked: Question) -> dict[int, datetime]:
    """Per project: when leave to ask about it once more was given.

    Looking away from a campaign, leave that its own letters used up still counts; what a person took back does not.
    """
    return {row[0]: row[1] for row in asked.rows(session, _leave(asked.shape))}


@cache
def _leave(shape: Shape) -> Statement:
    holds = in_force(col(AskingAgain.made_at), col(AskingAgain.ended_at), shape.known_by)
    if shape.is_ignoring:
        holds = sa.or_(holds, sa.and_(shape.learned(col(AskingAgain.made_at)), col(AskingAgain.ended_by_id).is_(None)))
    return (
        sa.select(col(AskingAgain.project_id), sa.func.max(col(AskingAgain.made_at)))
        .where(holds, shape.among(col(AskingAgain.project_id)))
        .group_by(col(AskingAgain.project_id))
    )


def _excluded(session: Session, asked: Question) -> dict[int, str]:
    return {row[0]: row[1] for row in asked.rows(session, _exclusions(asked.shape))}


@cache
def _exclusions(shape: Shape) -> Statement:
    return sa.select(col(SurveyExclusion.project_id), col(SurveyExclusion.reason)).where(
        in_force(col(SurveyExclusion.made_at), col(SurveyExclusion.ended_at), shape.known_by),
        shape.among(col(SurveyExclusion.project_id)),
    )


def _opted_out(session: Session, asked: Question, among: Sequence[str] | None = None) -> set[tuple[str, str]]:
    """Return the addresses, as (key_id, hash), that opted out; ``among`` narrows it to these hashes."""
    rows = asked.rows(session, _opt_outs(asked.shape, among is not None), hashes=among)
    return {(row[0], row[1]) for row in rows}


@cache
def _opt_outs(shape: Shape, is_among: bool) -> Statement:
    return sa.select(col(OptOut.key_id), col(OptOut.address_hash)).where(
        shape.learned(col(OptOut.made_at)),
        col(OptOut.address_hash).in_(sa.bindparam("hashes", expanding=True)) if is_among else sa.true(),
    )
