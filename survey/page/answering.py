"""The questionnaire's way through the house: a link is looked up, the page is shown, one ballot is put in.

GET never changes anything. On Submit one transaction marks the invitation used and stores the sealed ballot; the
row-level condition lets exactly one of two tabs, two clicks or two racing requests through.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
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
from survey.campaigns import takes_answers
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

    ``strata`` are the names by which answers are also counted, in their order.
    """

    campaign_id: int
    questionnaire: Questionnaire
    closes_on: date | None
    minimum_persons: int
    wave_persons: int
    stratify_by: str | None
    strata: tuple[str, ...]


def open_page(session: Session, runtime: Runtime, token: str, *, to_submit: bool = False) -> OpenPage:
    """Return the page behind a link. Raises ``LinkClosed``, or ``PublicationFound`` when silence has ended.

    ``to_submit``: whether silence has ended is left to ``submit``, which looks in its own unit of work.
    """
    behind = _behind(session, runtime, _SHOWN, token)
    if not to_submit:
        _check_still_asked(session, runtime, behind.project_id)
    strata = _strata_of(session, behind.campaign_id) if behind.stratify_by else ()
    return OpenPage(
        behind.campaign_id,
        _thawed(behind.questionnaire),
        behind.closes_on,
        behind.minimum_persons,
        behind.wave_persons,
        behind.stratify_by,
        strata,
    )


def _strata_of(session: Session, campaign_id: int) -> tuple[str, ...]:
    return tuple(session.connection().execute(_STRATA, {"campaign": campaign_id}).scalars())


@lru_cache(maxsize=32)
def _thawed(text: str) -> Questionnaire:
    """Return the questionnaire that a campaign stored: the same for all its links, and never changed once it was opened."""
    return thaw(json.loads(text))


def _what_is_behind(*columns: Any) -> sa.Select[*tuple[Any, ...]]:
    """Select a link's invitation and campaign: what says whether it is open, and these columns.

    Such statements are made once: making one takes longer than running it.
    """
    return (
        sa.select(
            col(Invitation.is_used),
            col(Invitation.withdrawn_at),
            col(Campaign.opened_at),
            col(Campaign.paused_at),
            col(Campaign.closes_on),
            col(Campaign.closed_at),
            *columns,
        )
        .join(Campaign, col(Campaign.id) == col(Invitation.campaign_id))
        .where(col(Invitation.token_hash) == sa.bindparam("token_hash"))
    )


_SHOWN = _what_is_behind(
    col(Invitation.campaign_id),
    col(Invitation.project_id),
    sa.cast(col(Campaign.questionnaire), sa.Text).label("questionnaire"),
    col(Campaign.minimum_persons),
    col(Campaign.wave_persons),
    col(Campaign.stratify_by),
)

_TO_SUBMIT = _what_is_behind(
    col(Invitation.id),
    col(Invitation.campaign_id),
    col(Invitation.project_id),
    col(Invitation.stratum),
    col(Campaign.public_key),
).with_for_update(read=True, of=Campaign)
"""Shared with others who answer; the campaign cannot be closed meanwhile."""

_STRATA = (
    sa.select(col(CampaignStratum.name))
    .where(col(CampaignStratum.campaign_id) == sa.bindparam("campaign"))
    .order_by(col(CampaignStratum.id))
)


def _behind(session: Session, runtime: Runtime, statement: sa.Select[*tuple[Any, ...]], token: str) -> Any:
    """Return the row behind a link. Raises ``LinkClosed`` unless its campaign takes answers and it may be used."""
    found: Any = session.connection().execute(statement, {"token_hash": token_hash(token)}).first()
    if found is None or found.is_used or found.withdrawn_at is not None:
        raise LinkClosed
    if not takes_answers(found, runtime.clock.today()):
        raise LinkClosed
    return found


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
    behind = _behind(session, runtime, _TO_SUBMIT, token)
    _check_still_asked(session, runtime, behind.project_id)
    connection = session.connection()
    if connection.execute(_MARK_USED, {"invitation": behind.id}).rowcount != 1:
        raise LinkClosed
    sealed = seal(behind.public_key, filled, behind.stratum)
    connection.execute(_PUT_IN, {"id": random_id(), "campaign_id": behind.campaign_id, "sealed": sealed})


_MARK_USED = (
    sa.update(Invitation)
    .where(col(Invitation.id) == sa.bindparam("invitation"), col(Invitation.is_used).is_(False))
    .values(is_used=True)
)

_PUT_IN = sa.insert(Ballot)


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
