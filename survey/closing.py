"""Closing a campaign: the box is opened, its ballots are shuffled into answers, and the key is destroyed.

The order lets a crash at any point lose nothing: first nobody can answer any more (committed); then ballots become
answers in one transaction; only after that is the key destroyed, and the destruction noted. Running ``close`` again
goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import SystemRandom

import sqlalchemy as sa
from nacl.public import PrivateKey
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.errors import RequestRefused
from biblio.logs import get_logger
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot, Campaign, Invitation, InvitationLetter, OutboxMail
from biblio.store.words import MailState
from survey.ballots import BallotUnreadable, destroy_key, key_path, random_id, read_key, unseal
from survey.campaigns import State, locked, state_of
from survey.journals import suggest_journals
from survey.questionnaire import Filled, cleaned, reason_of, thaw
from survey.service import note, withdraw_all

log = get_logger(__name__)

MINIMUM_PERSONS = 5
"""Where fewer persons answered, the ballots are destroyed unread: among so few, an answer could be guessed."""


@dataclass(frozen=True, slots=True)
class Release:
    """What became of the ballots. ``used`` is the number of links used; the others should add up to it."""

    used: int
    read: int
    unreadable: int
    destroyed: int

    @property
    def sentence(self) -> str:
        """What a person should know, with any disagreement said plainly."""
        if self.destroyed:
            said = f"Fewer than {MINIMUM_PERSONS} persons answered: {self.destroyed} ballots were destroyed unread."
        else:
            said = f"{self.read} ballots were opened, shuffled and stored as answers."
        if self.unreadable:
            said += f" {self.unreadable} could not be read and are lost."
        if self.read + self.unreadable + self.destroyed != self.used:
            said += f" But {self.used} links were used: the numbers do not agree, and somebody should find out why."
        return said


def close_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Release:
    """Close a campaign for good and release its answers. May be run again after a crash.

    Raises ``RequestRefused`` for a draft, or when the key is not there (the ballots then stay sealed and safe).
    """
    with runtime.store.writing() as session:
        campaign = locked(session, campaign_id)
        if campaign.opened_at is None:
            raise RequestRefused("A draft has nothing to close; discard it instead.")
        if campaign.closed_at is None:
            _end_asking(session, runtime, actor, campaign)
        released = campaign.released_at is not None
        public_key = campaign.public_key
    path = key_path(runtime.settings.survey_keys, campaign_id)
    if not released:
        private = read_key(path, public_key)
        with runtime.store.writing() as session:
            _secure_delete(runtime, session)
            campaign = locked(session, campaign_id)
            if campaign.released_at is None:
                _open_box(session, runtime, campaign, private)
                note(session, runtime, actor, campaign, "ballots released", _numbers(campaign))
        _empty_journal(runtime)
    destroy_key(path)
    with runtime.store.writing() as session:
        campaign = locked(session, campaign_id)
        if campaign.key_destroyed_at is None:
            campaign.key_destroyed_at = runtime.clock.now()
            session.add(campaign)
            note(session, runtime, actor, campaign, "campaign key destroyed", {})
        return release_of(session, campaign)


def _numbers(campaign: Campaign) -> dict[str, object]:
    return {
        "read": campaign.ballots_read,
        "unreadable": campaign.ballots_unreadable,
        "destroyed": campaign.ballots_destroyed,
    }


def release_of(session: Session, campaign: Campaign) -> Release:
    """Return what became of a closed campaign's ballots."""
    return Release(
        used=_used(session, campaign.id),
        read=campaign.ballots_read or 0,
        unreadable=campaign.ballots_unreadable or 0,
        destroyed=campaign.ballots_destroyed or 0,
    )


def _used(session: Session, campaign_id: int | None) -> int:
    used = sa.select(sa.func.count()).where(col(Invitation.campaign_id) == campaign_id, col(Invitation.is_used))
    return int(session.execute(used).scalar_one())


def _end_asking(session: Session, runtime: Runtime, actor: Actor, campaign: Campaign) -> None:
    """From here on nobody can answer; letters that wait are cancelled, and whom no letter reached was not asked."""
    assert campaign.id is not None
    campaign.closed_at = runtime.clock.now()
    session.add(campaign)
    ours = (
        sa.select(col(InvitationLetter.outbox_mail_id))
        .join(Invitation, col(Invitation.id) == col(InvitationLetter.invitation_id))
        .where(col(Invitation.campaign_id) == campaign.id)
    )
    session.execute(
        sa.update(OutboxMail)
        .where(col(OutboxMail.state) == MailState.WAITING, col(OutboxMail.id).in_(ours))
        .values(state=MailState.CANCELLED, reason="The campaign closed.")
        .execution_options(synchronize_session=False)
    )
    reached = (
        sa.select(col(InvitationLetter.invitation_id))
        .join(OutboxMail, col(OutboxMail.id) == col(InvitationLetter.outbox_mail_id))
        .where(col(OutboxMail.state).in_([MailState.SENT, MailState.SENDING, MailState.UNCERTAIN]))
    )
    missed = session.exec(
        select(Invitation.id).where(
            col(Invitation.campaign_id) == campaign.id,
            col(Invitation.is_used).is_(False),
            col(Invitation.id).not_in(reached),
        )
    ).all()
    withdraw_all(
        session,
        campaign.id,
        "The campaign closed before a letter reached the PI.",
        runtime,
        only=[i for i in missed if i is not None],
    )
    note(session, runtime, actor, campaign, "campaign closed", {})


def _open_box(session: Session, runtime: Runtime, campaign: Campaign, private: PrivateKey) -> None:
    """Turn the ballots into answers: shuffled, with random keys and no time; or destroy them unread if too few."""
    assert campaign.id is not None
    sealed = (
        session.execute(sa.select(col(Ballot.sealed)).where(col(Ballot.campaign_id) == campaign.id)).scalars().all()
    )
    campaign.ballots_read = campaign.ballots_unreadable = campaign.ballots_destroyed = 0
    if _persons_who_answered(session, campaign.id) < MINIMUM_PERSONS:
        campaign.ballots_destroyed = len(sealed)
    else:
        filled = _opened(campaign, private, sealed)
        campaign.ballots_unreadable = len(sealed) - len(filled)
        SystemRandom().shuffle(filled)
        session.add_all(
            Answer(id=random_id(), campaign_id=campaign.id, reason=f.reason, detail=f.detail, comment=f.comment)
            for f in filled
        )
        campaign.ballots_read = len(filled)
        suggest_journals(session, runtime, thaw(campaign.questionnaire), filled)
    session.execute(sa.delete(Ballot).where(col(Ballot.campaign_id) == campaign.id))
    campaign.released_at = runtime.clock.now()
    session.add(campaign)
    session.flush()
    log.info("ballots released", campaign=campaign.id, read=campaign.ballots_read, lost=campaign.ballots_unreadable)


def _opened(campaign: Campaign, private: PrivateKey, sealed: Sequence[bytes]) -> list[Filled]:
    """Return what the readable ballots hold; one that is not for this questionnaire counts as unreadable."""
    questionnaire = thaw(campaign.questionnaire)
    found = []
    for each in sealed:
        try:
            filled = unseal(private, each)
        except BallotUnreadable:
            continue
        if reason_of(questionnaire, filled.reason) is not None:
            found.append(Filled(filled.reason, cleaned(filled.detail), cleaned(filled.comment)))
    return found


def _persons_who_answered(session: Session, campaign_id: int) -> int:
    persons = sa.select(sa.func.count(sa.distinct(sa.func.lower(col(Invitation.email))))).where(
        col(Invitation.campaign_id) == campaign_id, col(Invitation.is_used)
    )
    return int(session.execute(persons).scalar_one())


def _secure_delete(runtime: Runtime, session: Session) -> None:
    """On SQLite, overwrite what is deleted with zeros; on PostgreSQL dead rows hold sealed ballots without a key."""
    if runtime.store.is_sqlite:
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON")


def _empty_journal(runtime: Runtime) -> None:
    """On SQLite, move the write-ahead journal into the file and empty it, so that no old page stays there."""
    if runtime.store.is_sqlite:
        with runtime.store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def close_overdue(runtime: Runtime) -> list[tuple[str, Release | str]]:
    """Close every campaign whose last day is over, or whose closing was cut short; (name, release or problem)."""
    today = runtime.clock.today()
    with runtime.store.reading() as session:
        due_ones = [
            (c.id, c.name)
            for c in session.exec(
                select(Campaign).where(col(Campaign.opened_at).is_not(None)).order_by(col(Campaign.id))
            )
            if state_of(c, today) is State.CLOSED and c.key_destroyed_at is None and c.persons_asked_before is None
        ]
    found: list[tuple[str, Release | str]] = []
    for campaign_id, name in due_ones:
        assert campaign_id is not None
        try:
            found.append((name, close_campaign(runtime, MACHINE, campaign_id)))
        except RequestRefused as problem:
            found.append((name, str(problem)))
    return found
