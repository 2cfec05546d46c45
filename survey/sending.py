"""Letters of a campaign: queued in batches, one per person; looked at once more when they go; reminders after days.

The outbox never holds a link: its rows keep the text with "(link)" in place, and the sender fills the links in after
it has computed, in the claim's own unit of work, that each project is still to be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import RequestRefused
from biblio.mail import WAIT, Letter, Prepared, SendCounts, Stop, Wait, queue, send_waiting
from biblio.runtime import Runtime
from biblio.store.models import Campaign, Invitation, InvitationLetter, OutboxMail, Project
from biblio.store.words import MailState
from survey.campaigns import State, state_of
from survey.due import Standing, due
from survey.letters import Addressee, Line, render, text_of
from survey.service import note, open_campaign, withdraw_all
from survey.tokens import make_token, token_hash

INVITATION = "survey-invitation"
REMINDER = "survey-reminder"
LETTER_OF = {INVITATION: "survey_invitation", REMINDER: "survey_reminder"}
"""Kind of letter in the outbox → the campaign's text for it."""

BATCH = 50
"""Persons per batch unless told otherwise."""

_LINK = "(link)"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One invitation with what a letter says of its project."""

    invitation: Invitation
    code: str


def queue_batch(session: Session, runtime: Runtime, actor: Actor, campaign_id: int, *, batch: int = BATCH) -> int:
    """Open the campaign if it is a draft and queue letters for the next ``batch`` persons; return how many letters.

    Raises ``RequestRefused`` for a campaign that is paused, closed or discarded.
    """
    campaign = open_campaign(session, runtime, actor, campaign_id)
    if state_of(campaign, runtime.clock.today()) is State.PAUSED:
        raise RequestRefused("The campaign is paused: resume it first. Nothing was queued.")
    told = sa.select(col(InvitationLetter.invitation_id))
    waiting = session.execute(
        sa.select(col(Invitation.email))
        .where(
            col(Invitation.campaign_id) == campaign_id,
            col(Invitation.withdrawn_at).is_(None),
            col(Invitation.id).not_in(told),
        )
        .group_by(col(Invitation.email))
        .order_by(sa.func.min(col(Invitation.id)))
        .limit(batch)
    ).scalars()
    addresses = list(waiting)
    for address in addresses:
        _queue_letter(session, runtime, campaign, address, INVITATION, "invitation")
    if addresses:
        note(session, runtime, actor, campaign, "letters queued", {"letters": len(addresses)})
    return len(addresses)


def _queue_letter(
    session: Session, runtime: Runtime, campaign: Campaign, address: str, kind: str, turn: str
) -> OutboxMail | None:
    """Queue one person's letter about all of their open invitations, in the caller's transaction."""
    assert campaign.id is not None
    asked = _invitations(session, campaign.id, address, unused_only=kind == REMINDER)
    if not asked:
        return None
    lines = [Line(each.code, None, _LINK) for each in asked]
    first = asked[0].invitation
    subject, body = render(
        runtime.profile,
        text_of(campaign.letters, LETTER_OF[kind]),
        Addressee(first.recipient, lines, _LINK, campaign.closes_on, runtime.settings.base_url),
    )
    key = f"survey-{campaign.id}-{first.id}-{turn}"
    letter = Letter(key, kind, first.recipient, first.email, subject, body)
    mail = queue(session, runtime.settings, letter, now=runtime.clock.now())
    assert mail.id is not None
    for each in asked:
        assert each.invitation.id is not None
        session.add(InvitationLetter(invitation_id=each.invitation.id, outbox_mail_id=mail.id))
    session.flush()
    return mail


def _invitations(session: Session, campaign_id: int, address: str, *, unused_only: bool) -> list[_Asked]:
    rows = session.exec(
        select(Invitation, Project.code)
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .where(
            col(Invitation.campaign_id) == campaign_id,
            col(Invitation.email) == address,
            col(Invitation.withdrawn_at).is_(None),
            sa.not_(sa.and_(sa.true() if unused_only else sa.false(), col(Invitation.is_used))),
        )
        .order_by(col(Project.code))
    )
    return [_Asked(invitation, code) for invitation, code in rows]


def prepare(runtime: Runtime, session: Session, mail: OutboxMail) -> Prepared | Stop | Wait:
    """Look once more, in the claim's transaction, whether a letter's projects are to be asked; fill in the links."""
    rows = session.exec(
        select(Invitation)
        .join(InvitationLetter, col(InvitationLetter.invitation_id) == col(Invitation.id))
        .where(col(InvitationLetter.outbox_mail_id) == mail.id)
        .order_by(col(Invitation.id))
    ).all()
    campaign = session.get(Campaign, rows[0].campaign_id) if rows else None
    if campaign is None or campaign.id is None:
        return Stop("It belongs to no campaign.")
    state = state_of(campaign, runtime.clock.today())
    if state in (State.CLOSED, State.DISCARDED):
        return Stop("The campaign is closed.")
    if state is not State.OPEN:
        return WAIT
    open_ones = [row for row in rows if row.withdrawn_at is None and not (mail.kind == REMINDER and row.is_used)]
    standings = {
        s.project_id: s
        for s in due(session, runtime, projects=[row.project_id for row in open_ones], ignoring=campaign.id)
    }
    kept = _keep(session, runtime, mail, open_ones, standings)
    if not kept:
        return Stop(_why_none(open_ones, standings))
    return _filled(runtime, campaign, mail, kept)


def _keep(
    session: Session,
    runtime: Runtime,
    mail: OutboxMail,
    rows: Sequence[Invitation],
    standings: dict[int, Standing],
) -> list[tuple[Invitation, Standing]]:
    """Return the invitations still to be asked; those that no letter told of before are taken back."""
    kept = []
    for row in rows:
        standing = standings.get(row.project_id)
        if standing is not None and standing.is_eligible:
            kept.append((row, standing))
        elif mail.kind == INVITATION and row.id is not None:
            because = standing.judgement.because if standing else "The project is gone from the list."
            withdraw_all(session, row.campaign_id, because, runtime, only=[row.id])
    return kept


def _why_none(rows: Sequence[Invitation], standings: dict[int, Standing]) -> str:
    if not rows:
        return "Nothing is left to ask: the links were used or taken back."
    found = [standings[row.project_id].judgement.because for row in rows if row.project_id in standings]
    return found[0] if found else "The projects are gone from the list."


def _filled(
    runtime: Runtime, campaign: Campaign, mail: OutboxMail, kept: Sequence[tuple[Invitation, Standing]]
) -> Prepared:
    secret, base = runtime.settings.secret(), runtime.settings.base_url
    tokens = [make_token(secret, campaign.public_key, row.project_id) for row, _standing in kept]
    for (row, _standing), token in zip(kept, tokens, strict=True):
        row.token_hash = token_hash(token)  # the server secret may have been renewed since the campaign was made
    lines = [
        Line(standing.code, standing.title, f"{base}/survey/{token}")
        for (_row, standing), token in zip(kept, tokens, strict=True)
    ]
    stop_url = f"{base}/survey/{tokens[0]}/stop"
    to = Addressee(kept[0][0].recipient, lines, stop_url, campaign.closes_on, base)
    _subject, body = render(runtime.profile, text_of(campaign.letters, LETTER_OF[mail.kind]), to)
    headers = {
        "List-Unsubscribe": f"<{base}/survey/{tokens[0]}/unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return Prepared(body, headers)


def send(runtime: Runtime, *, limit: int | None = None) -> SendCounts:
    """Send what waits, invitations first, then reminders; at most ``limit`` letters of each kind."""
    total = SendCounts()
    for kind in (INVITATION, REMINDER):
        counts = send_waiting(runtime, kind, lambda session, mail: prepare(runtime, session, mail), limit=limit)
        for name, value in counts.plain().items():
            setattr(total, name, getattr(total, name) + value)
        total.notes += [n for n in counts.notes if n not in total.notes]
    return total


def queue_reminders(session: Session, runtime: Runtime, campaign_id: int) -> int:
    """Queue the reminders that are due by the profile's days after each first letter; return how many letters.

    Only persons with an unused link are reminded, each once per turn; a turn that was missed is not made up for.
    """
    campaign = session.get_one(Campaign, campaign_id)
    if state_of(campaign, runtime.clock.today()) is not State.OPEN:
        return 0
    now = runtime.clock.now()
    queued = 0
    days = sorted(runtime.profile.asking.reminder_days)
    for turn, after in enumerate(days, start=1):
        until = now - timedelta(days=after)
        since = now - timedelta(days=days[turn]) if turn < len(days) else None
        for address, sent_at in _first_letters(session, campaign_id):
            if sent_at > until or (since is not None and sent_at <= since):
                continue
            queued += _remind(session, runtime, campaign, address, turn)
    return queued


def _first_letters(session: Session, campaign_id: int) -> list[tuple[str, datetime]]:
    rows = session.execute(
        sa.select(col(Invitation.email), sa.func.min(col(OutboxMail.sent_at)))
        .join(InvitationLetter, col(InvitationLetter.invitation_id) == col(Invitation.id))
        .join(OutboxMail, col(OutboxMail.id) == col(InvitationLetter.outbox_mail_id))
        .where(
            col(Invitation.campaign_id) == campaign_id,
            col(Invitation.is_used).is_(False),
            col(Invitation.withdrawn_at).is_(None),
            col(OutboxMail.kind) == INVITATION,
            col(OutboxMail.state) == MailState.SENT,
        )
        .group_by(col(Invitation.email))
        .order_by(sa.func.min(col(Invitation.id)))
    )
    return [(row[0], row[1]) for row in rows]


def _remind(session: Session, runtime: Runtime, campaign: Campaign, address: str, turn: int) -> int:
    """Queue one person's reminder of this turn unless there was one; return 1 or 0."""
    already = session.execute(
        sa.select(sa.func.count())
        .select_from(OutboxMail)
        .join(InvitationLetter, col(InvitationLetter.outbox_mail_id) == col(OutboxMail.id))
        .join(Invitation, col(Invitation.id) == col(InvitationLetter.invitation_id))
        .where(
            col(Invitation.campaign_id) == campaign.id,
            col(Invitation.email) == address,
            col(OutboxMail.kind) == REMINDER,
            col(OutboxMail.key).like(f"%-reminder{turn}"),
        )
    ).scalar_one()
    if already:
        return 0
    return int(_queue_letter(session, runtime, campaign, address, REMINDER, f"reminder{turn}") is not None)
