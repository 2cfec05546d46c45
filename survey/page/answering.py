"""The questionnaire's way through the house: a link is looked up, the page is shown, one ballot is put in.

GET never changes anything. On Submit one transaction marks the invitation used and stores the sealed ballot; the
row-level condition lets exactly one of two tabs, two clicks or two racing requests through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.errors import NotFound
from biblio.mail.addresses import AddressBook
from biblio.observatory import Questionnaire
from biblio.runtime import Runtime
from biblio.store.models import Ballot, Campaign, CampaignStratum, Invitation, OptOut, WrongPerson
from survey.asking.due import what_ended_asking
from survey.asking.rule import Ground
from survey.box.ballots import random_id, seal
from survey.campaigns import locked, takes_answers
from survey.questionnaire import Filled, thaw
from survey.tokens import token_hash

NOTE_MAX = 500
"""Characters of the note beside "I am not the right person"."""


class LinkClosed(NotFound):
    """The link is unknown or was used, its campaign takes no answers, or its project is off the list again.

    One error for all of them, so that nothing is told apart.
    """

    def __init__(self) -> None:
        super().__init__("This link is not open.")


class LinkUnknown(LinkClosed):
    """Nobody is behind a link any more, or never was: its campaign's addresses were erased, or it was miscopied."""


class PublicationFound(NotFound):
    """A publication of the project was verified meanwhile, so nothing is asked."""

    def __init__(self) -> None:
        super().__init__("We have found a publication of this project meanwhile: nothing is asked any more.")


@dataclass(frozen=True, slots=True)
class OpenPage:
    """What the page needs to show: the campaign's frozen questionnaire and promise. It knows no project and no person.

    ``plain`` is the questionnaire as it was frozen, with the observatory's translations; ``strata`` are the names by
    which answers are also counted, in their order.
    """

    campaign_id: int
    questionnaire: Questionnaire
    plain: Mapping[str, Any]
    closes_on: date | None
    minimum_persons: int
    wave_persons: int
    stratify_by: str | None
    strata: tuple[str, ...]


def open_page(session: Session, runtime: Runtime, token: str, *, to_submit: bool = False) -> OpenPage:
    """Return the page behind a link. Raises ``LinkClosed``, or ``PublicationFound`` when silence has ended.

    ``to_submit``: whether silence has ended is left to ``submit``, which looks in its own unit of work.
    """
    invitation, campaign = _find(session, runtime, token)
    if not to_submit:
        _check_still_asked(session, runtime, invitation.project_id)
    assert campaign.id is not None
    strata = session.exec(
        select(CampaignStratum.name)
        .where(col(CampaignStratum.campaign_id) == campaign.id)
        .order_by(col(CampaignStratum.id))
    )
    return OpenPage(
        campaign.id,
        thaw(campaign.questionnaire),
        campaign.questionnaire,
        campaign.closes_on,
        campaign.minimum_persons,
        campaign.wave_persons,
        campaign.stratify_by,
        tuple(strata),
    )


def _find(session: Session, runtime: Runtime, token: str) -> tuple[Invitation, Campaign]:
    found = session.exec(
        select(Invitation, Campaign)
        .join(Campaign, col(Campaign.id) == col(Invitation.campaign_id))
        .where(col(Invitation.token_hash) == token_hash(token))
    ).first()
    if found is None:
        raise LinkClosed
    invitation, campaign = found
    if invitation.is_used or invitation.withdrawn_at is not None:
        raise LinkClosed
    if not takes_answers(campaign, runtime.clock.today()):
        raise LinkClosed
    return invitation, campaign


def _check_still_asked(session: Session, runtime: Runtime, project_id: int) -> None:
    """Raise ``PublicationFound``, or ``LinkClosed`` when the project is off the list for now: its data stay proprietary."""
    ended = what_ended_asking(session, runtime, project_id)
    if ended is Ground.NOT_SILENT:
        raise PublicationFound
    if ended is not None:
        raise LinkClosed


def submit(session: Session, runtime: Runtime, token: str, filled: Filled) -> None:
    """Put one ballot into the box and mark the invitation used, in the caller's one transaction.

    Raises ``LinkClosed`` (also when another tab was faster) or ``PublicationFound``; nothing is stored then.
    """
    invitation, campaign = _find(session, runtime, token)
    assert campaign.id is not None
    campaign = locked(session, campaign.id, shared=True)
    if not takes_answers(campaign, runtime.clock.today()):
        raise LinkClosed
    _check_still_asked(session, runtime, invitation.project_id)
    marked = session.execute(
        sa.update(Invitation)
        .where(col(Invitation.id) == invitation.id, col(Invitation.is_used).is_(False))
        .values(is_used=True)
        .execution_options(synchronize_session=False)
    )
    if marked.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkClosed
    sealed = seal(campaign.public_key, filled, invitation.stratum)
    session.add(Ballot(id=random_id(), campaign_id=invitation.campaign_id, sealed=sealed))
    session.flush()


def addressed(session: Session, token: str) -> Invitation:
    """Return the invitation of a link for its "no more letters" page; used ones and closed campaigns count as well.

    Raises ``LinkUnknown`` for an unknown link. Nothing about an answer is behind it.
    """
    found = session.exec(select(Invitation).where(col(Invitation.token_hash) == token_hash(token))).first()
    if found is None:
        raise LinkUnknown
    return found


def opt_out(session: Session, runtime: Runtime, token: str) -> None:
    """Never write to this address again. Only a keyed hash of it is kept. Twice is the same as once."""
    invitation = addressed(session, token)
    if not invitation.email:
        return  # the addresses of this campaign were erased: nobody can be written to because of it
    book = AddressBook(runtime.settings)
    try:
        with session.begin_nested():
            session.add(
                OptOut(address_hash=book.hash(invitation.email), key_id=book.key_id, made_at=runtime.clock.now())
            )
    except IntegrityError:
        return  # they had opted out already


def wrong_person(session: Session, runtime: Runtime, token: str, note: str) -> None:
    """Tell a librarian that another person should be asked; no answer is involved, and a second word replaces none."""
    invitation = addressed(session, token)
    assert invitation.id is not None
    session.add(WrongPerson(invitation_id=invitation.id, note=note.strip()[:NOTE_MAX], told_at=runtime.clock.now()))
    session.flush()
