"""What the pages of letters show, read into dataclasses. No text of a letter is read for a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.mail import LetterKind, counts_by_state
from biblio.mail.bounces import DEAD, SAYS, WORKS
from biblio.store.found import found
from biblio.store.models import (
    AuditEntry,
    Campaign,
    Invitation,
    InvitationLetter,
    MailBounce,
    OutboxMail,
    UserAccount,
)
from biblio.store.search import holds
from biblio.store.words import MailState

STATE_WORDS: Mapping[MailState, str] = {
    MailState.WAITING: "waiting",
    MailState.SENDING: "being sent",
    MailState.UNCERTAIN: "uncertain",
    MailState.SENT: "sent",
    MailState.CANCELLED: "cancelled",
}
"""The states of letters in the order in which the page shows them, and what people call them."""

_ACTS = {
    "mail resend": "let it wait again",
    "mail arrived": "found that it had left",
    "mail give up": "gave it up",
    "mail undo": "took that back",
    SAYS[DEAD]: "said that the address does not work",
    SAYS[WORKS]: "said that the address works",
    "mail address word taken back": "took that back",
}


@dataclass(frozen=True, slots=True)
class Returned:
    """One report of a letter that did not arrive, with the letter."""

    bounce: MailBounce
    letter_id: int
    kind: str
    recipient: str
    email: str
    sent_at: datetime | None
    by: str | None

    @property
    def standing(self) -> str:
        """What is known of the address: dead, said to be dead, working, or only late."""
        if self.bounce.outcome is not None:
            return self.bounce.outcome
        return "new" if self.bounce.is_hard else "late"


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person decided of a letter."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One letter with what came back of it and what people decided."""

    mail: OutboxMail
    returned: Sequence[Returned]
    acts: Sequence[Act]


def counts(session: Session) -> dict[MailState, int]:
    """Return how many letters are in each state."""
    return {MailState(word): count for word, count in counts_by_state(session).items()}


def uncertain_letters(session: Session) -> int:
    """Return how many letters may or may not have left."""
    return counts_by_state(session)[MailState.UNCERTAIN]


def unseen_addresses(session: Session) -> int:
    """Return how many addresses letters came back from for good, and nobody has said a word of."""
    addresses = (
        sa.select(col(MailBounce.key_id), col(MailBounce.address_hash))
        .where(col(MailBounce.is_hard), col(MailBounce.outcome).is_(None))
        .distinct()
        .subquery()
    )
    return int(session.execute(sa.select(sa.func.count()).select_from(addresses)).scalar_one())


SORTS: Mapping[str, Any] = {
    "number": col(OutboxMail.id),
    "to": col(OutboxMail.recipient),
    "kind": col(OutboxMail.kind),
    "written": col(OutboxMail.created_at),
    "sent": col(OutboxMail.sent_at),
}


def letters(state: MailState | None, kind: str, words: str, campaign_id: int | None = None) -> sa.Select[Any]:
    """Select letters, latest first, without their texts; ``campaign_id``: those of one campaign of the questionnaire."""
    mail = OutboxMail
    statement: Any = sa.select(
        col(mail.id),
        col(mail.kind),
        col(mail.recipient),
        col(mail.email),
        col(mail.subject),
        col(mail.state),
        col(mail.created_at),
        col(mail.sent_at),
        col(mail.reason),
        col(mail.message_id),
        sa.exists().where(col(MailBounce.outbox_mail_id) == col(mail.id)).label("came_back"),
    )
    if state is not None:
        statement = statement.where(col(mail.state) == state)
    if kind:
        statement = statement.where(col(mail.kind) == kind)
    if campaign_id is not None:
        told = sa.select(col(InvitationLetter.outbox_mail_id)).join(
            Invitation, col(Invitation.id) == col(InvitationLetter.invitation_id)
        )
        statement = statement.where(col(mail.id).in_(told.where(col(Invitation.campaign_id) == campaign_id)))
    if words:
        columns = (col(mail.recipient), col(mail.email), col(mail.subject), col(mail.message_id))
        statement = statement.where(sa.or_(*(holds(column, words) for column in columns)))
    selected: sa.Select[Any] = statement.order_by(col(mail.id).desc())
    return selected


def campaigns(session: Session) -> dict[int, str]:
    """Return the campaigns that wrote letters, the newest first: number and name."""
    asked = sa.select(col(Invitation.campaign_id))
    rows = session.execute(
        sa.select(col(Campaign.id), col(Campaign.name))
        .where(col(Campaign.opened_at).is_not(None), col(Campaign.id).in_(asked))
        .order_by(col(Campaign.id).desc())
    )
    return {number: name for number, name in rows if number is not None}


def campaigns_of(session: Session, letters: Sequence[int]) -> dict[int, int]:
    """Return the campaign of each of these letters that told of an invitation: letter → campaign."""
    if not letters:
        return {}
    rows = session.execute(
        sa.select(col(InvitationLetter.outbox_mail_id), sa.func.min(col(Invitation.campaign_id)))
        .join(Invitation, col(Invitation.id) == col(InvitationLetter.invitation_id))
        .where(col(InvitationLetter.outbox_mail_id).between(min(letters), max(letters)))
        .group_by(col(InvitationLetter.outbox_mail_id))
    )
    return dict(rows.all())


RETURNED_SORTS: Mapping[str, Any] = {
    "told": col(MailBounce.told_at),
    "to": col(OutboxMail.recipient),
    "status": col(MailBounce.status),
}
RETURNED_PARTS = ("new", "dead", "works", "late", "all")
"""Which reports are shown: hard ones nobody has looked at, those somebody spoke of, soft ones, all."""


def returned(part: str, words: str = "") -> sa.Select[Any]:
    """Select what came back, latest first."""
    bounce = MailBounce
    unsaid = col(bounce.outcome).is_(None)
    chosen = {
        "new": sa.and_(col(bounce.is_hard), unsaid),
        "late": sa.and_(sa.not_(col(bounce.is_hard)), unsaid),
        "dead": col(bounce.outcome) == DEAD,
        "works": col(bounce.outcome) == WORKS,
    }.get(part, sa.true())
    statement: Any = (
        sa.select(
            MailBounce,
            col(OutboxMail.id),
            col(OutboxMail.kind),
            col(OutboxMail.recipient),
            col(OutboxMail.email),
            col(OutboxMail.sent_at),
            col(UserAccount.name),
        )
        .join(OutboxMail, col(OutboxMail.id) == col(bounce.outbox_mail_id))
        .outerjoin(UserAccount, col(UserAccount.id) == col(bounce.handled_by_id))
        .where(chosen)
        .order_by(col(bounce.told_at).desc(), col(bounce.id).desc())
    )
    if words:
        columns = (col(OutboxMail.recipient), col(OutboxMail.email), col(bounce.words), col(bounce.status))
        statement = statement.where(sa.or_(*(holds(column, words) for column in columns)))
    selected: sa.Select[Any] = statement
    return selected


def as_returned(row: Any) -> Returned:
    """Return a row of ``returned`` as what the page shows."""
    return Returned(*row)


def returned_counts(session: Session) -> dict[str, int]:
    """Return how many reports each part holds."""
    bounce = MailBounce
    rows = session.execute(
        sa.select(col(bounce.outcome), col(bounce.is_hard), sa.func.count()).group_by(
            col(bounce.outcome), col(bounce.is_hard)
        )
    )
    found_counts = dict.fromkeys(RETURNED_PARTS, 0)
    for outcome, is_hard, count in rows:
        found_counts[outcome or ("new" if is_hard else "late")] += count
        found_counts["all"] += count
    return found_counts


def shown(session: Session, mail_id: int) -> Shown:
    """Return one letter with its history. Raises ``NotFound``."""
    mail = found(session, OutboxMail, mail_id, "letter")
    back = [as_returned(row) for row in session.execute(returned("all").where(col(OutboxMail.id) == mail_id))]
    entries = session.execute(
        sa.select(col(AuditEntry.made_at), col(UserAccount.name), col(AuditEntry.action))
        .outerjoin(UserAccount, col(UserAccount.id) == col(AuditEntry.actor_id))
        .where(col(AuditEntry.subject) == f"letter {mail_id}", col(AuditEntry.action).in_(_ACTS))
        .order_by(col(AuditEntry.id))
    )
    acts = [Act(at, who or "by command", _ACTS[action]) for at, who, action in entries]
    return Shown(mail, back, acts)


def words_of(kinds: Mapping[str, LetterKind], kind: str) -> str:
    """Return what people call letters of a kind."""
    return kinds[kind].words if kind in kinds else kind
