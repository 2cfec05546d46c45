"""Erasing what is no longer needed of a campaign: addresses, names, letters, links, a set time after it has closed.

What stays: which project was asked in which campaign, the frozen counts, and the answers, which belong to nobody. An
opt-out stays as the hash it is. After the erasing not even which links were used is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.clock import months_after
from biblio.mail.transports import FolderTransport
from biblio.runtime import Runtime
from biblio.store.models import Ballot, Campaign, Invitation, InvitationLetter, MailBounce, OutboxMail, WrongPerson
from biblio.store.words import MailState
from survey.box.ballots import key_path
from survey.box.counts import freeze_counts
from survey.box.release import empty_journal, without_traces
from survey.campaign.service import discard, note
from survey.campaigns import State, state_of
from survey.tokens import new_nonce, token_hash


@dataclass(frozen=True, slots=True)
class Due:
    """A campaign whose addresses may be erased from ``since`` on, with what it still holds."""

    campaign_id: int
    name: str
    since: date
    addresses: int
    letters: int


def due_for_purging(session: Session, runtime: Runtime) -> list[Due]:
    """Return the closed campaigns whose time has come, oldest first; discarded drafts are among them."""
    today = runtime.clock.today()
    found = []
    for campaign in session.exec(select(Campaign).where(col(Campaign.purged_at).is_(None)).order_by(col(Campaign.id))):
        if campaign.past is not None or campaign.closed_at is None or campaign.id is None:
            continue
        since = months_after(campaign.closed_at.date(), runtime.settings.survey_keep_months)
        is_discarded = state_of(campaign, today) is State.DISCARDED
        is_settled = campaign.key_destroyed_at is not None or is_discarded or _is_lost(campaign, runtime)
        if since <= today and is_settled:
            invitations = col(Invitation.campaign_id) == campaign.id
            addresses = session.execute(sa.select(sa.func.count()).where(invitations)).scalar_one()
            letters = len(_letters(session, campaign.id))
            found.append(Due(campaign.id, campaign.name, since, addresses, letters))
    return found


def _is_lost(campaign: Campaign, runtime: Runtime) -> bool:
    """Whether the box can never be opened: its key is not here (the job opens a box that it has a key for first)."""
    assert campaign.id is not None
    return not campaign.is_released and not key_path(runtime.settings.survey_keys, campaign.id).exists()


def discard_old_drafts(runtime: Runtime, actor: Actor) -> int:
    """Discard drafts that nobody opened in the time that addresses are kept; return how many."""
    today = runtime.clock.today()
    with runtime.store.reading() as session:
        drafts = session.exec(
            select(Campaign).where(
                col(Campaign.opened_at).is_(None), col(Campaign.closed_at).is_(None), col(Campaign.past).is_(None)
            )
        ).all()
    old = [d for d in drafts if months_after(d.created_at.date(), runtime.settings.survey_keep_months) <= today]
    for draft in old:
        with runtime.store.writing() as session:
            discard(session, runtime, actor, draft.id or 0)
    return len(old)


def _letters(session: Session, campaign_id: int) -> dict[int, str]:
    """Return the letters of a campaign: their number and key."""
    rows = session.execute(
        sa.select(col(OutboxMail.id), col(OutboxMail.key))
        .join(InvitationLetter, col(InvitationLetter.outbox_mail_id) == col(OutboxMail.id))
        .join(Invitation, col(Invitation.id) == col(InvitationLetter.invitation_id))
        .where(col(Invitation.campaign_id) == campaign_id)
        .distinct()
    )
    return dict(rows.all())


def purge(runtime: Runtime, actor: Actor) -> list[Due]:
    """Erase what is due; return what was. Each campaign is one unit of work; run again, it erases nothing twice.

    The ballots of a box whose key is lost are destroyed unread then; drafts as old are discarded, and erased later.
    """
    discard_old_drafts(runtime, actor)
    with runtime.store.reading() as session:
        waiting = due_for_purging(session, runtime)
    for each in waiting:
        with runtime.store.reading() as session:
            keys = list(_letters(session, each.campaign_id).values())
        _remove_files(runtime, keys)
        with without_traces(runtime) as session:
            _erase(session, runtime, actor, each.campaign_id)
    empty_journal(runtime)  # also what an earlier run, cut off here, left in it
    return waiting


def _remove_files(runtime: Runtime, keys: list[str]) -> None:
    """Remove the letters that lie in the mail folder; rows go after them, so that a kill between leaves no file behind."""
    folder = FolderTransport(runtime.settings.outgoing_mail)
    for key in keys:
        folder.path(key).unlink(missing_ok=True)


def _erase(session: Session, runtime: Runtime, actor: Actor, campaign_id: int) -> None:
    campaign = session.get_one(Campaign, campaign_id, with_for_update=True)
    if campaign.purged_at is not None:
        return
    if _is_lost(campaign, runtime):
        lost = session.execute(sa.delete(Ballot).where(col(Ballot.campaign_id) == campaign_id))
        campaign.ballots_destroyed = (campaign.ballots_destroyed or 0) + int(lost.rowcount)  # type: ignore[attr-defined]
        campaign.released_at = campaign.key_destroyed_at = runtime.clock.now()
        campaign.is_released = True
        note(
            session,
            runtime,
            actor,
            campaign,
            "ballots of a lost key destroyed",
            {"destroyed": campaign.ballots_destroyed},
        )
    if campaign.released_at is not None:
        freeze_counts(session, campaign)  # what came back late is in the figures as well
    letters = list(_letters(session, campaign_id))
    mail, bounce = col(OutboxMail.id).in_(letters), col(MailBounce.outbox_mail_id).in_(letters)
    session.execute(sa.update(OutboxMail).where(mail).values(recipient="", email="", body="", headers={}, reason=None))
    session.execute(
        sa.update(OutboxMail)
        .where(mail, col(OutboxMail.state).in_([MailState.WAITING, MailState.UNCERTAIN]))
        .values(state=MailState.CANCELLED)
    )
    session.execute(sa.update(MailBounce).where(bounce).values(words=""))
    ours = sa.select(col(Invitation.id)).where(col(Invitation.campaign_id) == campaign_id)
    session.execute(sa.update(WrongPerson).where(col(WrongPerson.invitation_id).in_(ours)).values(note=""))
    for invitation in session.exec(select(Invitation).where(col(Invitation.campaign_id) == campaign_id)):
        nonce = new_nonce()
        invitation.recipient = invitation.email = ""
        invitation.nonce, invitation.token_hash = nonce, token_hash(nonce)
        invitation.is_used = invitation.is_released = False
        session.add(invitation)
    campaign.purged_at = runtime.clock.now()
    session.add(campaign)
    note(session, runtime, actor, campaign, "campaign addresses erased", {"letters": len(letters)})


def next_purge(campaign: Campaign, runtime: Runtime) -> date | None:
    """Return the day from which a campaign's addresses are erased; None while it is running or when they are."""
    if campaign.closed_at is None or campaign.purged_at is not None:
        return None
    return months_after(campaign.closed_at.date(), runtime.settings.survey_keep_months)
