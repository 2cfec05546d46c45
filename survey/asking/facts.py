"""The facts of projects that the rule looks at, as they were known on a day.

Every kind of fact is read by one statement over all projects, so the number of statements does not grow with the
registry. The past is honoured: with an earlier day only what was known by its end (UTC) counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
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
from survey.asking.asked_for import Question
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
    """Return a function that adds to a project's facts what is known of its PI's address; two statements.

    An address is hashed only where somebody opted out or letters came back, and each only once.
    """
    opted_out, dead = _opted_out(session, asked), set(died_on(session, asked.known_by))
    told = _recognised(AddressBook(runtime.settings), opted_out, dead) if opted_out or dead else _nobody

    def completed(facts: ProjectFacts, address: str | None) -> ProjectFacts:
        if not address or not _ADDRESS.fullmatch(address.strip()):
            return replace(facts, has_opted_out=bool(address) and told(address or "")[0], has_address=False)
        has_opted_out, is_dead = told(address)
        if not has_opted_out and not is_dead:
            return facts
        return replace(facts, has_opted_out=has_opted_out, is_dead_address=is_dead)

    return completed


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
    revision = ProjectRevision
    rows = session.connection().execute(
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
                in_force(col(revision.learned_at), col(revision.superseded_at), asked.known_by),
            ),
        )
        .where(asked.among(col(Project.id)), asked.learned(col(Project.first_seen_at)))
    )
    wanted = None if asked.projects is None else set(asked.projects)
    found = rows.all()
    return sorted(found if wanted is None else (row for row in found if row[0] in wanted), key=itemgetter(1))


def units_of(session: Session, asked: Question, unusable: tuple[date, ...]) -> dict[int, tuple[int, date | None]]:
    """Per project: how many units are delivered, and the last usable release date.

    Where the registry tells no delivery date, a unit with any release date counts as delivered: archives date what
    they hold, and give even undated data a far-off date.
    """
    delivered_on, released_on = col(UnitRevision.delivered_on), col(UnitRevision.released_on)
    delivered = sa.or_(delivered_on <= asked.as_of, sa.and_(delivered_on.is_(None), released_on.is_not(None)))
    rows = session.connection().execute(
        sa.select(
            col(ObservationUnit.project_id),
            sa.func.sum(sa.case((delivered, 1), else_=0)),
            sa.func.max(sa.case((released_on.not_in(unusable), released_on), else_=None)),
        )
        .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
        .where(
            in_force(col(UnitRevision.learned_at), col(UnitRevision.superseded_at), asked.known_by),
            asked.among(col(ObservationUnit.project_id)),
        )
        .group_by(col(ObservationUnit.project_id))
    )
    return {project: (count, last) for project, count, last in rows.all()}


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


def _askings(session: Session, asked: Question) -> dict[int, _Asking]:
    """Per project: its last asking, here or before biblio kept the list."""
    invited = session.connection().execute(
        sa.select(
            col(Invitation.project_id),
            sa.func.max(col(Invitation.created_at)),
            sa.func.min(sa.case((col(Campaign.opened_at).is_(None), 1), else_=0)),
        )
        .join(Campaign, col(Campaign.id) == col(Invitation.campaign_id))
        .where(
            asked.learned(col(Invitation.created_at)),
            sa.or_(col(Invitation.withdrawn_at).is_(None), sa.not_(asked.learned(col(Invitation.withdrawn_at)))),
            sa.true() if asked.ignoring is None else col(Invitation.campaign_id) != asked.ignoring,
            asked.among(col(Invitation.project_id)),
            col(Invitation.id).not_in(unreached(asked)),
        )
        .group_by(col(Invitation.project_id))
    )
    found = {project: _Asking(moment.date(), moment, bool(drafted)) for project, moment, drafted in invited}
    before = session.connection().execute(
        sa.select(col(AskedBefore.project_id), sa.func.max(col(AskedBefore.asked_on)))
        .where(
            col(AskedBefore.asked_on) <= asked.as_of,
            asked.learned(col(AskedBefore.learned_at)),
            asked.among(col(AskedBefore.project_id)),
        )
        .group_by(col(AskedBefore.project_id))
    )
    for project, day in before:
        if project not in found or found[project].on < day:
            found[project] = _Asking(day)
    return found


def unreached(asked: Question) -> Any:
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
    holds = in_force(col(AskingAgain.made_at), col(AskingAgain.ended_at), asked.known_by)
    if asked.ignoring is not None:
        holds = sa.or_(holds, sa.and_(asked.learned(col(AskingAgain.made_at)), col(AskingAgain.ended_by_id).is_(None)))
    rows = session.connection().execute(
        sa.select(col(AskingAgain.project_id), sa.func.max(col(AskingAgain.made_at)))
        .where(holds, asked.among(col(AskingAgain.project_id)))
        .group_by(col(AskingAgain.project_id))
    )
    return {row[0]: row[1] for row in rows}


def _excluded(session: Session, asked: Question) -> dict[int, str]:
    rows = session.connection().execute(
        sa.select(col(SurveyExclusion.project_id), col(SurveyExclusion.reason)).where(
            in_force(col(SurveyExclusion.made_at), col(SurveyExclusion.ended_at), asked.known_by),
            asked.among(col(SurveyExclusion.project_id)),
        )
    )
    return {row[0]: row[1] for row in rows}


def _opted_out(session: Session, asked: Question) -> set[tuple[str, str]]:
    rows = session.connection().execute(
        sa.select(col(OptOut.key_id), col(OptOut.address_hash)).where(asked.learned(col(OptOut.made_at)))
    )
    return {(row[0], row[1]) for row in rows}
