"""What a campaign is at a moment: its state is computed from its moments, never stored."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from sqlmodel import Session, col, select

from biblio.errors import NotFound, RequestRefused
from biblio.store.models import Campaign


class State(StrEnum):
    """Where a campaign stands. Paused: no letters go out, links still work. Closed: nobody can answer any more."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    DISCARDED = "discarded"


class HasMoments(Protocol):
    """A campaign, or a row that holds its moments."""

    @property
    def opened_at(self) -> datetime | None:
        """When its first letter could leave."""

    @property
    def paused_at(self) -> datetime | None:
        """Since when no letters go out."""

    @property
    def closes_on(self) -> date | None:
        """Its last day."""

    @property
    def closed_at(self) -> datetime | None:
        """When it was ended or discarded."""


def state_of(campaign: HasMoments, today: date) -> State:
    """Return where a campaign stands on ``today``; its last day is ``closes_on``."""
    if campaign.closed_at is not None:
        return State.DISCARDED if campaign.opened_at is None else State.CLOSED
    if campaign.opened_at is None:
        return State.DRAFT
    if campaign.closes_on is not None and campaign.closes_on < today:
        return State.CLOSED
    return State.PAUSED if campaign.paused_at is not None else State.OPEN


def is_over(campaign: Campaign, today: date) -> bool:
    """Whether the last day of an opened campaign is past: only then may its ballot box be opened for good."""
    return campaign.opened_at is not None and campaign.closes_on is not None and campaign.closes_on < today


def takes_answers(campaign: HasMoments, today: date) -> bool:
    """Whether the links of a campaign work on ``today``."""
    return state_of(campaign, today) in (State.OPEN, State.PAUSED)


def find_campaign(session: Session, name: str) -> Campaign:
    """Return the campaign with this name or number (``#2`` is always the number).

    Raises ``NotFound`` naming those there are, ``RequestRefused`` for one that is the name of one and number of another.
    """
    query = select(Campaign).where(col(Campaign.name) == name)
    found = session.exec(query).first()
    number = name.removeprefix("#")
    if number.isascii() and number.isdecimal() and len(number) < 10:
        numbered = session.get(Campaign, int(number))
        if found is not None and numbered is not None and found.id != numbered.id:
            raise RequestRefused(
                f"{name!r} is the name of campaign #{found.id} and the number of another, {numbered.name!r}. Nothing was "
                f"changed: write #{found.id} or #{number}."
            )
        found = found or numbered
    if found is None:
        names = session.exec(select(Campaign.name).order_by(col(Campaign.id))).all()
        there = f"there are: {', '.join(names)}" if names else "there is none yet"
        raise NotFound(f"There is no campaign {name!r}; {there}.")
    return found


def locked(session: Session, campaign_id: int, *, shared: bool = False) -> Campaign:
    """Return a campaign, locked: for change, or ``shared`` so that it cannot be closed meanwhile. Raises ``NotFound``."""
    query = select(Campaign).where(col(Campaign.id) == campaign_id).with_for_update(read=shared)
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(f"There is no campaign number {campaign_id}.")
    return found
