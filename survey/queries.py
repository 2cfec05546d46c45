"""What the campaign pages and commands show: plain rows, never a person beside an answer or a used link."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from secrets import SystemRandom
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.errors import NotFound
from biblio.observatory import Reason
from biblio.runtime import Runtime
from biblio.store.answers import SMALLEST_SHOWN, answers_of_closed_campaigns
from biblio.store.found import found
from biblio.store.models import Answer, Campaign, Invitation, InvitationLetter, OutboxMail, Project, WrongPerson
from biblio.store.words import MailState
from survey.campaigns import State, state_of
from survey.closing import release_of
from survey.due import Standing, due
from survey.questionnaire import thaw
from survey.rule import Ground
from survey.sending import INVITATION, REMINDER
from survey.service import plan

FEW_VERIFIED = 0.2
"""Where fewer of a cycle's old projects have a verified paper, the bibliography is not filled rather than the
projects silent: published figures of large observatories are between 50 % and 70 %."""

FEW_PROJECTS = 10
"""Cycles with fewer old projects than this give no warning; their share means nothing."""

SMALL_CAMPAIGN = 20
"""Persons below which a campaign is likely to end with too few answers to be opened."""

GROUPS = ("published", "data", "science", "resources", "other")
GROUP_NAMES = {
    "published": "Published or coming",
    "data": "The data",
    "science": "The science",
    "resources": "Resources",
    "other": "Other",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is, as counts of persons, letters and links; no row says who answered."""

    projects: int
    persons: int
    withdrawn: int
    delivered: int
    waiting: int
    uncertain: int
    failed: int
    answered: int
    reminders: int


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign with its state and progress."""

    id: int
    name: str
    state: State
    as_of: date
    created_at: datetime
    opened_at: datetime | None
    closes_on: date | None
    closed_at: datetime | None
    key_destroyed_at: datetime | None
    progress: Progress


@dataclass(frozen=True, slots=True)
class CycleShare:
    """One cycle's projects past their grace, and how many of them have a verified paper."""

    cycle: str
    old: int
    verified: int

    @property
    def share(self) -> float:
        """The share of old projects with a verified paper, 0–1."""
        return self.verified / self.old if self.old else 0.0


@dataclass(frozen=True, slots=True)
class Preview:
    """Who would be asked on a day, why the others not, and what should make one think before sending."""

    as_of: date
    standings: Sequence[Standing] = field(repr=False)
    by_ground: Sequence[tuple[Ground | None, int]] = ()
    asked: Sequence[Standing] = ()
    persons: int = 0
    unreachable: Sequence[str] = ()
    cycles: Sequence[CycleShare] = ()
    warnings: Sequence[str] = ()


def preview(session: Session, runtime: Runtime, as_of: date | None = None) -> Preview:
    """Return what a campaign made now would do. Nothing is changed."""
    day = as_of or runtime.clock.today()
    standings = due(session, runtime, day)
    found = plan(standings)
    counts = Counter(s.judgement.ground for s in standings)
    asked = [standing for standing, _address in found.asked]
    cycles = _shares(standings)
    return Preview(
        as_of=day,
        standings=standings,
        by_ground=[(ground, counts.get(ground, 0)) for ground in (None, *Ground)],
        asked=asked,
        persons=found.persons,
        unreachable=found.unreachable,
        cycles=cycles,
        warnings=_warnings(found.persons, {s.cycle for s in asked}, cycles),
    )


_AFTER_GRACE = tuple(Ground)[tuple(Ground).index(Ground.NOT_SILENT) :]


def _shares(standings: Sequence[Standing]) -> list[CycleShare]:
    old: Counter[str] = Counter()
    verified: Counter[str] = Counter()
    for standing in standings:
        ground = standing.judgement.ground
        if ground is None or ground in _AFTER_GRACE:
            old[standing.cycle or "no cycle"] += 1
            verified[standing.cycle or "no cycle"] += ground is Ground.NOT_SILENT
    return [CycleShare(cycle, old[cycle], verified[cycle]) for cycle in sorted(old)]


def _warnings(persons: int, asked_cycles: set[str | None], cycles: Sequence[CycleShare]) -> list[str]:
    warnings = [
        f"Cycle {c.cycle}: only {c.verified} of {c.old} projects past their grace have a verified paper. Most projects "
        "publish, so the bibliography is probably not filled for this cycle yet, and many who did publish would be asked."
        for c in cycles
        if c.old >= FEW_PROJECTS and c.share < FEW_VERIFIED and c.cycle in {a or "no cycle" for a in asked_cycles}
    ]
    if 0 < persons < SMALL_CAMPAIGN:
        warnings.append(
            f"Only {persons} persons would be asked. If fewer than five of them answer, the ballots are destroyed "
            "unread; it is better to wait and ask more at a time."
        )
    return warnings


def campaigns(session: Session, runtime: Runtime) -> list[CampaignRow]:
    """Return all campaigns, newest first."""
    rows = session.exec(select(Campaign).order_by(col(Campaign.id).desc())).all()
    progress = _progress(session)
    today = runtime.clock.today()
    return [_row(c, today, progress.get(c.id or 0)) for c in rows]


def campaign_row(session: Session, runtime: Runtime, campaign_id: int) -> CampaignRow:
    """Return one campaign. Raises ``NotFound``."""
    campaign = found(session, Campaign, campaign_id, "campaign")
    return _row(campaign, runtime.clock.today(), _progress(session, campaign_id).get(campaign_id))


def _row(campaign: Campaign, today: date, progress: Progress | None) -> CampaignRow:
    assert campaign.id is not None
    return CampaignRow(
        campaign.id,
        campaign.name,
        state_of(campaign, today),
        campaign.as_of,
        campaign.created_at,
        campaign.opened_at,
        campaign.closes_on,
        campaign.closed_at,
        campaign.key_destroyed_at,
        progress or Progress(0, 0, 0, 0, 0, 0, 0, 0, 0),
    )


def _progress(session: Session, campaign_id: int | None = None) -> dict[int, Progress]:
    """Return the counts of every campaign (or one) in two statements."""
    among = sa.true() if campaign_id is None else col(Invitation.campaign_id) == campaign_id
    live = sa.case((col(Invitation.withdrawn_at).is_(None), col(Invitation.email)), else_=None)
    invitations = session.execute(
        sa.select(
            col(Invitation.campaign_id),
            sa.func.count(),
            sa.func.count(sa.distinct(live)),
            sa.func.sum(sa.case((col(Invitation.withdrawn_at).is_not(None), 1), else_=0)),
            sa.func.sum(sa.case((col(Invitation.is_used), 1), else_=0)),
        )
        .where(among)
        .group_by(col(Invitation.campaign_id))
    ).all()
    letters = _letters(session, among)
    found = {}
    for campaign, total, persons, withdrawn, used in invitations:
        counts = letters[campaign]
        found[campaign] = Progress(
            projects=total - withdrawn,
            persons=persons,
            withdrawn=withdrawn,
            delivered=counts[INVITATION, MailState.SENT],
            waiting=counts[INVITATION, MailState.WAITING] + counts[INVITATION, MailState.SENDING],
            uncertain=counts[INVITATION, MailState.UNCERTAIN],
            failed=counts[INVITATION, MailState.CANCELLED],
            answered=used,
            reminders=counts[REMINDER, MailState.SENT],
        )
    return found


def _letters(session: Session, among: Any) -> dict[int, Counter[tuple[str, MailState]]]:
    """Return per campaign how many letters of each kind are in each state."""
    letters: dict[int, Counter[tuple[str, MailState]]] = defaultdict(Counter)
    for campaign, kind, state, count in session.execute(
        sa.select(
            col(Invitation.campaign_id),
            col(OutboxMail.kind),
            col(OutboxMail.state),
            sa.func.count(sa.distinct(col(OutboxMail.id))),
        )
        .join(InvitationLetter, col(InvitationLetter.invitation_id) == col(Invitation.id))
        .join(OutboxMail, col(OutboxMail.id) == col(InvitationLetter.outbox_mail_id))
        .where(among)
        .group_by(col(Invitation.campaign_id), col(OutboxMail.kind), col(OutboxMail.state))
    ):
        letters[campaign][kind, state] = count
    return letters


@dataclass(frozen=True, slots=True)
class InvitedRow:
    """One invitation for the list of a campaign: who and about what; nothing of whether the link was used."""

    code: str
    recipient: str
    email: str
    letter: str
    note: str


def invited(session: Session, campaign_id: int) -> list[InvitedRow]:
    """Return the invitations of a campaign with the state of their first letter, by code."""
    first = (
        sa.select(
            col(InvitationLetter.invitation_id).label("invitation_id"),
            sa.func.min(col(InvitationLetter.outbox_mail_id)).label("mail_id"),
        )
        .group_by(col(InvitationLetter.invitation_id))
        .subquery()
    )
    rows = session.execute(
        sa.select(Invitation, col(Project.code), col(OutboxMail.state), col(OutboxMail.reason))
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .outerjoin(first, first.c.invitation_id == col(Invitation.id))
        .outerjoin(OutboxMail, col(OutboxMail.id) == first.c.mail_id)
        .where(col(Invitation.campaign_id) == campaign_id)
        .order_by(col(Project.code))
    )
    found = []
    for invitation, code, state, reason in rows:
        taken_back = invitation.withdrawn_at is not None
        letter = "taken back" if taken_back else (state.value if state else "not yet")
        note = invitation.withdrawn_reason or reason or ""
        found.append(InvitedRow(code, invitation.recipient, invitation.email, letter, note))
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody said that another person should be asked."""

    id: int
    code: str
    recipient: str
    note: str
    told_at: datetime


def wrong_persons(session: Session) -> list[Told]:
    """Return what nobody has seen to yet, oldest first."""
    rows = session.execute(
        sa.select(WrongPerson, col(Project.code), col(Invitation.recipient))
        .join(Invitation, col(Invitation.id) == col(WrongPerson.invitation_id))
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .where(col(WrongPerson.handled_at).is_(None))
        .order_by(col(WrongPerson.told_at))
    )
    return [Told(row.id or 0, code, recipient, row.note, row.told_at) for row, code, recipient in rows]


@dataclass(frozen=True, slots=True)
class Results:
    """The figures of one closed campaign. ``by_reason`` is empty where too few answered to show them.

    ``questionnaires_sent`` and ``questionnaires_completed`` count links, ``persons_*`` people; neither rate can pass 1.
    """

    name: str
    closed_on: date
    by_reason: Sequence[tuple[Reason, int]]
    answers: int
    questionnaires_sent: int
    persons_asked: int
    persons_answered: int
    sentence: str

    @property
    def by_group(self) -> list[tuple[str, int]]:
        """The five groups in the order of the chain, by their names, with their answers."""
        counts: Counter[str] = Counter()
        for reason, count in self.by_reason:
            counts[reason.group] += count
        return [(GROUP_NAMES[group], counts[group]) for group in GROUPS]

    @property
    def questionnaire_rate(self) -> float | None:
        """Questionnaires completed / questionnaires sent."""
        return rate(self.answers, self.questionnaires_sent)

    @property
    def person_rate(self) -> float | None:
        """Persons with at least one completed questionnaire / persons asked."""
        return rate(self.persons_answered, self.persons_asked)


@dataclass(frozen=True, slots=True)
class Words:
    """What people wrote in a closed campaign, for survey readers: words per reason, and comments apart from choices."""

    name: str
    by_reason: Sequence[tuple[Reason, Sequence[str]]]
    comments: Sequence[str]


def words(session: Session, campaign: Campaign) -> Words:
    """Return the words of a closed campaign in an order that is new each time. Too few answers: none are shown.

    A comment never stands beside its choice: together they could give somebody away. Raises ``NotFound`` while open.
    """
    found = results(session, campaign)
    rows = list(session.exec(select(Answer).where(col(Answer.campaign_id) == campaign.id))) if found.by_reason else []
    dice = SystemRandom()
    dice.shuffle(rows)
    by_reason = [
        (r, [row.detail for row in rows if row.reason == r.number and row.detail]) for r, _count in found.by_reason
    ]
    comments = [row.comment for row in rows if row.comment]
    dice.shuffle(comments)
    return Words(found.name, [(reason, details) for reason, details in by_reason if details], comments)


def rate(complete: int, asked: int) -> float | None:
    """Return complete answers over those asked, 0–1; None when nobody was asked.

    A published user survey of 2018: 185 answers of which 32 were incomplete, 616 persons asked: (185 - 32) / 616 = 24.8 %.
    """
    return complete / asked if asked else None


def results(session: Session, campaign: Campaign) -> Results:
    """Return the figures of a closed campaign. Raises ``NotFound`` while it is open: nothing is known then."""
    found = next((a for a in answers_of_closed_campaigns(session) if a.campaign_id == campaign.id), None)
    if found is None or campaign.released_at is None:
        raise NotFound(f"The campaign {campaign.name} has no results yet: answers stay sealed until it is closed.")
    questionnaire = thaw(campaign.questionnaire)
    counts = {number: count for number, _short, count in found.by_reason}
    sent, answered = _links_and_persons(session, campaign)
    return Results(
        name=found.name,
        closed_on=found.closed_on,
        by_reason=[(r, counts.get(r.number, 0)) for r in questionnaire.reasons] if counts else [],
        answers=found.answers,
        questionnaires_sent=sent,
        persons_asked=found.asked,
        persons_answered=answered,
        sentence=_said(campaign, session, found.answers),
    )


def _links_and_persons(session: Session, campaign: Campaign) -> tuple[int, int]:
    used = sa.case((col(Invitation.is_used), sa.func.lower(col(Invitation.email))), else_=None)
    sent, answered = session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.distinct(used))).where(
            col(Invitation.campaign_id) == campaign.id, col(Invitation.withdrawn_at).is_(None)
        )
    ).one()
    return sent, answered


def _said(campaign: Campaign, session: Session, answers: int) -> str:
    if campaign.persons_asked_before is not None:
        return "Taken over from earlier times, as totals per reason."
    said = release_of(session, campaign).sentence
    if 0 < answers < SMALLEST_SHOWN:
        said += f" With fewer than {SMALLEST_SHOWN} answers they are not shown by reason."
    return said
