"""What people said of a letter that was not for them: for a librarian, apart from all answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.actor import Actor
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.found import found
from biblio.store.models import Campaign, Invitation, Project, UserAccount, WrongPerson


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody said that another person should be asked. ``handled_by`` is who has seen to it."""

    id: int
    code: str
    campaign_id: int
    campaign: str
    recipient: str
    note: str
    told_at: datetime
    handled_at: datetime | None
    handled_by: str | None


def wrong_persons(session: Session, *, handled: bool = False) -> list[Told]:
    """Return what nobody has seen to yet, oldest first; ``handled``: what somebody has, newest first."""
    moment = col(WrongPerson.handled_at)
    rows = session.execute(
        sa.select(
            WrongPerson,
            col(Project.code),
            col(Campaign.id),
            col(Campaign.name),
            col(Invitation.recipient),
            col(UserAccount.name),
        )
        .join(Invitation, col(Invitation.id) == col(WrongPerson.invitation_id))
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .join(Campaign, col(Campaign.id) == col(Invitation.campaign_id))
        .outerjoin(UserAccount, col(UserAccount.id) == col(WrongPerson.handled_by_id))
        .where(moment.is_not(None) if handled else moment.is_(None))
        .order_by(moment.desc() if handled else col(WrongPerson.told_at), col(WrongPerson.id))
    )
    return [
        Told(row.id or 0, code, campaign_id, campaign, recipient, row.note, row.told_at, row.handled_at, person)
        for row, code, campaign_id, campaign, recipient, person in rows
    ]


def reopen_wrong_person(session: Session, runtime: Runtime, actor: Actor, told_id: int) -> WrongPerson:
    """Put a message that was marked as seen to back among the others. Raises ``NotFound`` or ``RequestRefused``."""
    actor.person_id()
    row = found(session, WrongPerson, told_id, "message")
    if row.handled_at is None:
        raise RequestRefused("Nobody has seen to this message yet; nothing was changed.")
    row.handled_at, row.handled_by_id = None, None
    session.add(row)
    session.flush()
    return row
