"""What the campaign pages and commands show: plain rows, never a person beside a used link. Results: ``survey.results.figures``."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.mail.addresses import AddressBook
from biblio.runtime import Runtime
from biblio.store.answers import was_asked
from biblio.store.found import found
from biblio.store.models import (
    Campaign,
    CampaignStratum,
    Invitation,
    InvitationLetter,
    MailBounce,
    OptOut,
    OutboxMail,
    Project,
    WrongPerson,
)
from biblio.store.words import MailState
from survey.campaign.sending import INVITATION, REMINDER
from survey.campaigns import State, state_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is, as counts of persons, letters and links; no row says who answered.

    ``persons`` and ``projects`` are on its list; ``asked`` and ``persons_asked`` those of them whose letter left (or is
    uncertain). ``delivered`` letters left and did not come back; ``came_back`` ones did, for good. None: nobody knows,
    of totals taken over from earlier times.
    """

    projects: int | None = None
    persons: int | None = None
    asked: int | None = None
    persons_asked: int | None = None
    withdrawn: int | None = None
    delivered: int | None = None
    came_back: int | None = None
    waiting: int | None = None
    uncertain: int | None = None
    failed: int | None = None
    answered: int | None = None
    reminders: int | None = None


_NONE = Progress(**dict.fromkeys(Progress.__slots__, 0))


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
    is_past: bool
    """Taken over from earlier times: totals only."""
    stratify_by: str | None
    minimum_persons: int
    is_released: bool
    """The ballot box was opened for good."""

    @property
    def standing(self) -> str:
        """The state in words that tell a campaign that has ended, its box sealed, from one whose box was opened."""
        if self.is_past:
            return "earlier"
        return "ended" if self.state is State.CLOSED and not self.is_released else self.state.value


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
        id=campaign.id,
        name=campaign.name,
        state=state_of(campaign, today),
        as_of=campaign.as_of,
        created_at=campaign.created_at,
        opened_at=campaign.opened_at,
        closes_on=campaign.closes_on,
        closed_at=campaign.closed_at,
        key_destroyed_at=campaign.key_destroyed_at,
        progress=_as_frozen(campaign, progress or _NONE),
        is_past=campaign.past is not None,
        stratify_by=campaign.stratify_by,
        minimum_persons=campaign.minimum_persons,
        is_released=campaign.is_released,
    )


def _as_frozen(campaign: Campaign, progress: Progress) -> Progress:
    """Put in the counts that were frozen when the box was opened for good: addresses may be erased since.

    Closing took back whom no letter reached, so from then on all that are left were asked.
    """
    if campaign.past is not None:
        sent, persons = campaign.past.get("questionnaires_sent"), campaign.past.get("persons_asked")
        answered = campaign.past.get("questionnaires_completed")
        return Progress(projects=sent, persons=persons, asked=sent, persons_asked=persons, answered=answered)
    if campaign.is_released and campaign.counts is not None:
        counts = campaign.counts
        progress = replace(
            progress, projects=counts["projects"], persons=counts["persons"], answered=counts["completed"]
        )
    if campaign.closed_at is not None and campaign.opened_at is not None:
        progress = replace(progress, asked=progress.projects, persons_asked=progress.persons)
    return progress


@dataclass(frozen=True, slots=True)
class StratumRow:
    """A stratum of a campaign, and what becomes of it.

    ``reported_as`` is the name under which its answers stand, None before the box was opened. Too small: it has so few
    persons that it will be merged whoever answers.
    """

    name: str
    persons: int
    reported_as: str | None
    is_small: bool


def strata(session: Session, campaign: CampaignRow) -> list[StratumRow]:
    """Return the strata of a campaign in their order."""
    persons = dict(
        session.execute(
            sa.select(col(Invitation.stratum), sa.func.count(sa.distinct(sa.func.lower(col(Invitation.email)))))
            .where(col(Invitation.campaign_id) == campaign.id, col(Invitation.withdrawn_at).is_(None))
            .group_by(col(Invitation.stratum))
        )
        .all()
    )  # fmt: skip
    rows = session.exec(
        select(CampaignStratum).where(col(CampaignStratum.campaign_id) == campaign.id).order_by(col(CampaignStratum.id))
    ).all()
    is_ahead = not campaign.is_released and campaign.state is not State.DISCARDED and len(rows) > 1
    return [
        StratumRow(
            row.name,
            count := persons.get(row.name, 0),
            row.reported_as,
            is_ahead and count < campaign.minimum_persons,
        )
        for row in rows
    ]


def _progress(session: Session, campaign_id: int | None = None) -> dict[int, Progress]:
    """Return the counts of every campaign (or one) in three statements."""
    among = sa.true() if campaign_id is None else col(Invitation.campaign_id) == campaign_id
    person, is_live = sa.func.lower(col(Invitation.email)), col(Invitation.withdrawn_at).is_(None)
    is_asked = sa.and_(is_live, was_asked())
    invitations = session.execute(
        sa.select(
            col(Invitation.campaign_id),
            sa.func.count(),
            sa.func.count(sa.distinct(sa.case((is_live, person), else_=None))),
            sa.func.sum(sa.case((is_live, 0), else_=1)),
            sa.func.sum(sa.case((is_asked, 1), else_=0)),
            sa.func.count(sa.distinct(sa.case((is_asked, person), else_=None))),
            sa.func.sum(sa.case((col(Invitation.is_used), 1), else_=0)),
        )
        .where(among)
        .group_by(col(Invitation.campaign_id))
    ).all()
    letters, returned = _letters(session, among), _letters(session, sa.and_(among, _came_back()))
    found = {}
    for campaign, total, persons, withdrawn, asked, persons_asked, used in invitations:
        counts, came_back = letters[campaign], returned[campaign][INVITATION, MailState.SENT]
        found[campaign] = Progress(
            projects=total - withdrawn,
            persons=persons,
            asked=asked,
            persons_asked=persons_asked,
            withdrawn=withdrawn,
            delivered=counts[INVITATION, MailState.SENT] - came_back,
            came_back=came_back,
            waiting=counts[INVITATION, MailState.WAITING] + counts[INVITATION, MailState.SENDING],
            uncertain=counts[INVITATION, MailState.UNCERTAIN],
            failed=counts[INVITATION, MailState.CANCELLED],
            answered=used,
            reminders=counts[REMINDER, MailState.SENT],
        )
    return found


def _came_back() -> Any:
    """The condition that a letter came back for good."""
    return col(OutboxMail.id).in_(sa.select(col(MailBounce.outbox_mail_id)).where(col(MailBounce.is_hard)))


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


CAME_BACK = "came back"


def invited(session: Session, runtime: Runtime, campaign_id: int) -> list[InvitedRow]:
    """Return the invitations of a campaign with what became of their first letter, by code.

    The note says why it was taken back or stopped, that it came back, that the PI wants no more letters, or says that
    somebody else should be asked: all of it known beside any answer.
    """
    first = (
        sa.select(
            col(InvitationLetter.invitation_id).label("invitation_id"),
            sa.func.min(col(InvitationLetter.outbox_mail_id)).label("mail_id"),
        )
        .group_by(col(InvitationLetter.invitation_id))
        .subquery()
    )
    rows = session.execute(
        sa.select(Invitation, col(Project.code), col(OutboxMail.state), col(OutboxMail.reason), _came_back())
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .outerjoin(first, first.c.invitation_id == col(Invitation.id))
        .outerjoin(OutboxMail, col(OutboxMail.id) == first.c.mail_id)
        .where(col(Invitation.campaign_id) == campaign_id)
        .order_by(col(Project.code))
    )
    told = set(session.execute(sa.select(col(WrongPerson.invitation_id))).scalars())
    gone = _OptedOut(session, runtime)
    found = []
    for invitation, code, state, reason, came_back in rows:
        letter = CAME_BACK if came_back else state.value if state else "not yet"
        notes = [invitation.withdrawn_reason or reason]
        notes += ["The letter came back: its address does not work." if came_back else None]
        notes += ["The PI wants no more letters." if gone.has(invitation.email) else None]
        notes += ["Told us that somebody else should be asked." if invitation.id in told else None]
        if invitation.withdrawn_at is not None:
            letter = "taken back"
        said = " ".join(dict.fromkeys(note for note in notes if note))
        found.append(InvitedRow(code, invitation.recipient, invitation.email, letter, said))
    return found


class _OptedOut:
    """Recognises the addresses that opted out; each is hashed once, and none where nobody did."""

    def __init__(self, session: Session, runtime: Runtime) -> None:
        kept = session.execute(sa.select(col(OptOut.key_id), col(OptOut.address_hash)))
        self._kept = {(row[0], row[1]) for row in kept}
        self._book = AddressBook(runtime.settings) if self._kept else None
        self._known: dict[str, bool] = {}

    def has(self, address: str) -> bool:
        """Whether this address opted out; an erased one is not known to have."""
        if self._book is None or not address:
            return False
        if address not in self._known:
            self._known[address] = self._book.among(address, self._kept)
        return self._known[address]
