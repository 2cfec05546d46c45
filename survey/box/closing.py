"""Ending a campaign: first the asking, then, after its last day, its ballot box is opened (``survey.box.release``).

By hand one can only end the asking early. The box waits for the day that was printed on the page, and the ``survey``
job opens it, in a process that serves no pages. The order lets a crash at any point lose nothing: first nobody can
answer any more (committed); then ballots become answers in one transaction; only after that is the key destroyed, and
the destruction noted. Running it again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.errors import BiblioError, RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import Ballot, Campaign, Invitation, InvitationLetter, OutboxMail
from biblio.store.words import MailState
from survey.box.ballots import destroy_key, key_path, read_key
from survey.box.persons import distinct_persons
from survey.box.release import Release, empty_journal, open_box, people_in_the_box, release_of, without_traces
from survey.campaign.service import note, withdraw_all
from survey.campaigns import State, is_over, locked, state_of


def end_asking(session: Session, runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Let nobody answer any more; the box stays closed until the campaign's last day is over.

    Letters that wait are cancelled, and whom no letter reached was not asked. Ended before: nothing changes. Raises
    ``RequestRefused`` for a draft.
    """
    campaign = locked(session, campaign_id)
    if campaign.opened_at is None:
        raise RequestRefused("A draft has nothing to close; discard it instead.")
    if campaign.closed_at is None:
        _end(session, runtime, actor, campaign)
    return campaign


def _end(session: Session, runtime: Runtime, actor: Actor, campaign: Campaign) -> None:
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


def close_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Release:
    """Close a campaign whose last day is over: open the box, then destroy its key. May be run again after a crash.

    Raises ``RequestRefused`` for a draft, before the day after its last one, when the key is not there or cannot be
    destroyed, or when the database refuses (the ballots then stay sealed and safe).
    """
    with runtime.store.writing() as session:
        campaign = locked(session, campaign_id)
        if campaign.opened_at is not None and not is_over(campaign, runtime.clock.today()):
            raise RequestRefused(
                f"The ballot box of {campaign.name} is opened after its last day ({campaign.closes_on}), never before: "
                "so it was promised to those who answered. Nothing was changed."
            )
        campaign = end_asking(session, runtime, actor, campaign_id)
        is_released, public_key = campaign.is_released, campaign.public_key
    path = key_path(runtime.settings.survey_keys, campaign_id)
    if not is_released:
        private = read_key(path, public_key)
        with _without_words(), without_traces(runtime) as session:
            campaign = locked(session, campaign_id)
            if not campaign.is_released:
                open_box(session, runtime, actor, campaign, private)
                campaign.is_released = True
                session.add(campaign)
    empty_journal(runtime)  # also what an earlier run, cut off here, left in it
    with runtime.store.reading() as session:
        if session.exec(select(Ballot.id).where(col(Ballot.campaign_id) == campaign_id)).first() is not None:
            raise RequestRefused("There are ballots in a box that was opened for good: its key is kept. Find out why.")
    destroy_key(path)
    with runtime.store.writing() as session:
        campaign = locked(session, campaign_id)
        if campaign.key_destroyed_at is None:
            campaign.key_destroyed_at = runtime.clock.now()
            session.add(campaign)
            note(session, runtime, actor, campaign, "campaign key destroyed", {})
        return release_of(session, campaign)


@contextmanager
def _without_words() -> Iterator[None]:
    """Turn what the database says of a refused row into a sentence: PostgreSQL would quote the row, words and all."""
    try:
        yield
    except DBAPIError as error:
        kind = type(error.orig).__name__
        raise RequestRefused(
            f"The database refused what was in the box ({kind}). The ballots are safe and stay sealed; find out why in "
            "the database's own log, and run the job again."
        ) from None


def close_overdue(runtime: Runtime) -> list[tuple[str, Release | str]]:
    """Close every campaign whose last day is over, or whose closing was cut short; (name, release or problem)."""
    today = runtime.clock.today()
    with runtime.store.reading() as session:
        due_ones = [c for c in _ours(session) if is_over(c, today) and c.key_destroyed_at is None]
    return _each(due_ones, lambda campaign_id: close_campaign(runtime, MACHINE, campaign_id))


def open_waves(runtime: Runtime) -> list[tuple[str, Release | str]]:
    """Open the box of campaigns that go on, where so many more persons have answered as their wave takes."""
    with runtime.store.reading() as session:
        running = [c for c in _ours(session) if _is_running(c, runtime)]
    return _each(running, lambda campaign_id: _open_wave(runtime, campaign_id))


def _each(campaigns: Sequence[Campaign], act: Callable[[int], Release | None]) -> list[tuple[str, Release | str]]:
    """Do ``act`` with each; what stands against one is told and holds up no other, and nothing that comes after."""
    found: list[tuple[str, Release | str]] = []
    for campaign in campaigns:
        assert campaign.id is not None
        try:
            done = act(campaign.id)
        except BiblioError as problem:
            found.append((campaign.name, str(problem)))
        else:
            if done is not None:
                found.append((campaign.name, done))
    return found


def _is_running(campaign: Campaign, runtime: Runtime) -> bool:
    return bool(campaign.wave_persons) and state_of(campaign, runtime.clock.today()) in (State.OPEN, State.PAUSED)


def _open_wave(runtime: Runtime, campaign_id: int) -> Release | None:
    with runtime.store.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        if not _is_wave(session, campaign):
            return None
        public_key = campaign.public_key
    private = read_key(key_path(runtime.settings.survey_keys, campaign_id), public_key)
    with _without_words(), without_traces(runtime) as session:
        campaign = locked(session, campaign_id)
        if not _is_running(campaign, runtime) or not _is_wave(session, campaign):
            return None
        return open_box(session, runtime, MACHINE, campaign, private)


def _is_wave(session: Session, campaign: Campaign) -> bool:
    assert campaign.id is not None
    persons = distinct_persons(people_in_the_box(session, campaign.id))
    return persons >= max(campaign.wave_persons, campaign.minimum_persons)


def _ours(session: Session) -> list[Campaign]:
    """Return the campaigns that were opened here, oldest first."""
    query = select(Campaign).where(col(Campaign.opened_at).is_not(None), col(Campaign.past).is_(None))
    return list(session.exec(query.order_by(col(Campaign.id))))
