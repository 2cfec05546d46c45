"""Letters of a campaign: queued in batches, one per person; looked at once more when they go; reminders after days.

A row of the outbox says which letter to whom; no text, project or link stands in it. The sender makes the text after it
has computed, in the claim's own unit of work, that each project is still to be asked and that its person may be written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import RequestRefused
from biblio.mail import WAIT, Letter, LetterKind, Prepared, SendCounts, Stop, Wait, queue, send_waiting
from biblio.mail.addresses import AddressBook
from biblio.mail.bounces import dead_addresses, dead_since
from biblio.runtime import Runtime
from biblio.store.locks import Turn, take_turn
from biblio.store.models import Campaign, Invitation, InvitationLetter, OptOut, OutboxMail, Project, ProjectRevision
from biblio.store.words import MailState
from survey.asking.asking_again import spend_leave
from survey.asking.due import Standing, due
from survey.campaign.letters import Addressee, Line, render, text_of, title
from survey.campaign.service import note, open_campaign, withdraw_all
from survey.campaigns import State, state_of
from survey.tokens import make_token, token_hash

INVITATION = "survey-invitation"
REMINDER = "survey-reminder"
LETTER_OF = {INVITATION: "survey_invitation", REMINDER: "survey_reminder"}
"""Kind of letter in the outbox → the campaign's text for it."""

BATCH = 50
"""Persons per batch unless told otherwise."""

_AT_ONCE = 500
"""Persons whose invitations one statement reads."""

_LINK = "(link)"
_PERSON = sa.func.lower(col(Invitation.email))
"""One person is one address, however it is spelt; addresses are ASCII, so both databases agree on small letters."""

_UNTOLD = col(Invitation.id).not_in(sa.select(col(InvitationLetter.invitation_id)))


_AT_A_TIME = 200
"""Letters queued in one unit of work: those who answer meanwhile wait for it."""


def queue_in_turns(runtime: Runtime, actor: Actor, campaign_id: int, *, batch: int = BATCH) -> int:
    """Queue letters for the next ``batch`` persons, some hundreds in one unit of work; return how many letters.

    Raises ``RequestRefused`` as ``queue_batch`` does; what was queued before stays queued.
    """
    queued = 0
    while queued < batch:
        with runtime.store.writing() as session:
            found = queue_batch(session, runtime, actor, campaign_id, batch=min(_AT_A_TIME, batch - queued))
        queued += found
        if not found:
            break
    return queued


def queue_batch(session: Session, runtime: Runtime, actor: Actor, campaign_id: int, *, batch: int = BATCH) -> int:
    """Open the campaign if it is a draft and queue letters for the next ``batch`` persons; return how many letters.

    Raises ``RequestRefused`` for a campaign that is paused, closed or discarded.
    """
    take_turn(session, Turn.ASKING)
    campaign = open_campaign(session, runtime, actor, campaign_id)
    if state_of(campaign, runtime.clock.today()) is State.PAUSED:
        raise RequestRefused("The campaign is paused: resume it first. Nothing was queued.")
    persons = next_persons(session, campaign_id, batch)
    letters = untold(session, campaign_id, persons)
    for asked in letters.values():
        _queue_letter(session, runtime, campaign, asked, INVITATION, "invitation")
    told = [invitation.project_id for asked in letters.values() for invitation in asked]
    spend_leave(session, told, runtime.clock.now())
    if persons:
        note(session, runtime, actor, campaign, "letters queued", {"letters": len(persons)})
    return len(persons)


def next_persons(session: Session, campaign_id: int, batch: int) -> list[str]:
    """Return the next persons of a campaign of whom something is asked that no letter told of, as small letters."""
    waiting = session.execute(
        sa.select(_PERSON)
        .where(col(Invitation.campaign_id) == campaign_id, col(Invitation.withdrawn_at).is_(None), _UNTOLD)
        .group_by(_PERSON)
        .order_by(sa.func.min(col(Invitation.id)))
        .limit(batch)
    )
    return list(waiting.scalars())


def untold(session: Session, campaign_id: int, persons: Sequence[str]) -> dict[str, list[Invitation]]:
    """Return for each of these persons the invitations that their next letter tells of."""
    return _open_invitations(session, campaign_id, persons, _UNTOLD)


def _open_invitations(
    session: Session, campaign_id: int, persons: Sequence[str], which: sa.ColumnElement[bool]
) -> dict[str, list[Invitation]]:
    found: dict[str, list[Invitation]] = {person: [] for person in persons}
    for start in range(0, len(persons), _AT_ONCE):
        rows = session.exec(
            select(Invitation)
            .where(
                col(Invitation.campaign_id) == campaign_id,
                _PERSON.in_(persons[start : start + _AT_ONCE]),
                col(Invitation.withdrawn_at).is_(None),
                which,
            )
            .order_by(col(Invitation.id))
        )
        for row in rows:
            found[row.email.lower()].append(row)
    return {person: asked for person, asked in found.items() if asked}


def _queue_letter(
    session: Session, runtime: Runtime, campaign: Campaign, asked: Sequence[Invitation], kind: str, turn: str
) -> None:
    """Queue one letter to one person about these invitations, in the caller's transaction."""
    subject = title(runtime.profile, text_of(campaign.letters, LETTER_OF[kind]))
    key = f"survey-{campaign.id}-{asked[0].id}-{turn}"
    letter = Letter(key, kind, asked[0].recipient, asked[0].email, subject, body="")
    mail = queue(session, runtime.settings, letter, now=runtime.clock.now())
    assert mail.id is not None
    for invitation in asked:
        assert invitation.id is not None
        session.add(InvitationLetter(invitation_id=invitation.id, outbox_mail_id=mail.id))
    session.flush()


# -- the last look ----------------------------------------------------------------------------------------------------


def prepare(runtime: Runtime, book: AddressBook, session: Session, mail: OutboxMail) -> Prepared | Stop | Wait:
    """Look once more, in the claim's transaction, whether a letter's projects are to be asked; fill in the links."""
    rows = _told_of(session, mail)
    campaign = session.get(Campaign, rows[0].campaign_id) if rows else None
    if campaign is None or campaign.id is None:
        return Stop("It belongs to no campaign.")
    state = state_of(campaign, runtime.clock.today())
    if state in (State.CLOSED, State.DISCARDED):
        return Stop("The campaign is closed.")
    if state is not State.OPEN:
        return WAIT
    open_ones = [row for row in rows if row.withdrawn_at is None and not row.is_used]
    why_not = _why_not_to(session, book, mail.email)
    if why_not is not None:
        if mail.kind == INVITATION:
            withdraw_all(
                session, campaign.id, why_not, runtime, only=[row.id for row in open_ones if row.id is not None]
            )
        return Stop(why_not)
    standings = {
        s.project_id: s
        for s in due(session, runtime, projects=[row.project_id for row in open_ones], ignoring=campaign.id)
    }
    kept = _keep(session, runtime, mail, open_ones, standings)
    if not kept:
        return Stop(_why_none(open_ones, standings))
    return _filled(runtime, campaign, mail, kept)


def _told_of(session: Session, mail: OutboxMail) -> Sequence[Invitation]:
    """Return the invitations that a letter tells of, also those that were taken back."""
    return session.execute(_TOLD_OF, {"letter": mail.id}).scalars().all()


_TOLD_OF = (
    select(Invitation)
    .join(InvitationLetter, col(InvitationLetter.invitation_id) == col(Invitation.id))
    .where(col(InvitationLetter.outbox_mail_id) == sa.bindparam("letter"))
    .order_by(col(Invitation.id))
)
"""Made once, as the next: the sender asks them of each letter, and making a statement takes longer than running it."""

_OPT_OUTS = sa.select(col(OptOut.key_id), col(OptOut.address_hash)).where(
    col(OptOut.address_hash).in_(sa.bindparam("hashes", expanding=True))
)


def _why_not_to(session: Session, book: AddressBook, address: str) -> str | None:
    """Why nobody may write to this very address, whatever the registry says by now; None if one may."""
    kept = [hashed for _key, hashed in book.kept_as(address)]
    rows = session.connection().execute(_OPT_OUTS, {"hashes": kept})
    if book.among(address, {(row[0], row[1]) for row in rows}):
        return "The PI asked not to be written to again."
    day = dead_since(session, book, address)
    return None if day is None else f"A letter to this address came back on {day}: the address does not work."


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


_NOTHING_LEFT = "Nothing is left to ask about."
"""The one reason for a letter that is not needed: who answered is not told beside a name."""


def _why_none(rows: Sequence[Invitation], standings: dict[int, Standing]) -> str:
    if not rows:
        return _NOTHING_LEFT
    found = [standings[row.project_id].judgement.because for row in rows if row.project_id in standings]
    return found[0] if found else "The projects are gone from the list."


def _filled(
    runtime: Runtime, campaign: Campaign, mail: OutboxMail, kept: Sequence[tuple[Invitation, Standing]]
) -> Prepared:
    secret, base = runtime.settings.secret(), runtime.settings.base_url
    tokens = [make_token(secret, row.id or 0, row.nonce) for row, _standing in kept]
    for (row, _standing), token in zip(kept, tokens, strict=True):
        row.token_hash = token_hash(token)  # the server secret may have been renewed since the campaign was made
    lines = [
        Line(standing.code, standing.title, f"{base}/survey/{token}")
        for (_row, standing), token in zip(kept, tokens, strict=True)
    ]
    stop_url = f"{base}/survey/{tokens[0]}/stop"
    to = Addressee(kept[0][0].recipient, lines, stop_url, campaign.closes_on, base)
    subject, body = render(runtime.profile, text_of(campaign.letters, LETTER_OF[mail.kind]), to)
    headers = {
        "List-Unsubscribe": f"<{base}/survey/{tokens[0]}/unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return Prepared(body, headers, subject)


def preview(session: Session, runtime: Runtime, mail: OutboxMail) -> tuple[str, str]:
    """Return subject and text of a letter as it stands now, with "(link)" where a link will be. Nothing is changed."""
    rows = _told_of(session, mail)
    campaign = session.get(Campaign, rows[0].campaign_id) if rows else None
    if campaign is None:
        return mail.subject, "It belongs to no campaign."
    told = [row for row in rows if row.withdrawn_at is None] or list(rows)
    projects = session.execute(
        sa.select(col(Project.code), col(ProjectRevision.title))
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(col(Project.id).in_([row.project_id for row in told]))
        .order_by(col(Project.code))
    )
    lines = [Line(code, name, _LINK) for code, name in projects]
    to = Addressee(mail.recipient, lines, _LINK, campaign.closes_on, runtime.settings.base_url)
    return render(runtime.profile, text_of(campaign.letters, LETTER_OF[mail.kind]), to)


KINDS = (
    LetterKind(INVITATION, "invitation to the questionnaire", preview),
    LetterKind(REMINDER, "reminder of the questionnaire", preview),
)
"""The kinds of letters of the survey, for the page of all letters."""


# -- sending ----------------------------------------------------------------------------------------------------------


def checked_book(session: Session, runtime: Runtime) -> AddressBook:
    """Return the book of addresses that opted out. Raises ``StartRefused`` when they cannot be recognised by its key."""
    book = AddressBook(runtime.settings)
    book.check(session.exec(select(OptOut.key_id).distinct()))
    return book


def send(runtime: Runtime, *, limit: int | None = None) -> SendCounts:
    """Send what waits, invitations first, then reminders; at most ``limit`` letters of each kind.

    Raises ``StartRefused`` when those who opted out cannot be recognised; nothing is sent then.
    """
    with runtime.store.reading() as session:
        book = checked_book(session, runtime)
    total = SendCounts()
    for kind in (INVITATION, REMINDER):
        counts = send_waiting(runtime, kind, lambda session, mail: prepare(runtime, book, session, mail), limit=limit)
        for name, value in counts.plain().items():
            setattr(total, name, getattr(total, name) + value)
        total.notes += [n for n in counts.notes if n not in total.notes]
    return total


# -- reminders --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Nobody:
    """Who is not reminded: those who opted out, and whose letters came back."""

    book: AddressBook
    kept: set[tuple[str, str]]

    def may_be_written_to(self, address: str) -> bool:
        return not self.book.among(address, self.kept)


def queue_reminders(session: Session, runtime: Runtime, campaign_id: int) -> int:
    """Queue the reminders that are due by the profile's days after each first letter; return how many letters.

    Only persons with an unused link, an address that works and no opt-out are reminded, each once per turn; a turn that
    was missed is not made up for.
    """
    take_turn(session, Turn.ASKING)
    campaign = session.get_one(Campaign, campaign_id)
    if state_of(campaign, runtime.clock.today()) is not State.OPEN:
        return 0
    opted_out = {(row[0], row[1]) for row in session.execute(sa.select(col(OptOut.key_id), col(OptOut.address_hash)))}
    nobody = _Nobody(checked_book(session, runtime), opted_out | dead_addresses(session))
    now = runtime.clock.now()
    queued = 0
    days = sorted(runtime.profile.asking.reminder_days)
    for turn, after in enumerate(days, start=1):
        until = now - timedelta(days=after)
        since = now - timedelta(days=days[turn]) if turn < len(days) else None
        reminded = _reminded(session, campaign_id, turn)
        persons = [
            person
            for person, sent_at in _first_letters(session, campaign_id)
            if sent_at <= until
            and (since is None or sent_at > since)
            and person not in reminded
            and nobody.may_be_written_to(person)
        ]
        unused = col(Invitation.is_used).is_(False)
        for asked in _open_invitations(session, campaign_id, persons, unused).values():
            _queue_letter(session, runtime, campaign, asked, REMINDER, f"reminder{turn}")
            queued += 1
    return queued


def _first_letters(session: Session, campaign_id: int) -> list[tuple[str, datetime]]:
    """Return the persons with a link that is not used, and when their first letter left."""
    rows = session.execute(
        sa.select(_PERSON, sa.func.min(col(OutboxMail.sent_at)))
        .join(InvitationLetter, col(InvitationLetter.invitation_id) == col(Invitation.id))
        .join(OutboxMail, col(OutboxMail.id) == col(InvitationLetter.outbox_mail_id))
        .where(
            col(Invitation.campaign_id) == campaign_id,
            col(Invitation.is_used).is_(False),
            col(Invitation.withdrawn_at).is_(None),
            col(OutboxMail.kind) == INVITATION,
            col(OutboxMail.state) == MailState.SENT,
        )
        .group_by(_PERSON)
        .order_by(sa.func.min(col(Invitation.id)))
    )
    return [(row[0], row[1]) for row in rows]


def _reminded(session: Session, campaign_id: int, turn: int) -> set[str]:
    """Return the persons who have a reminder of this turn already, whatever became of it."""
    rows = session.execute(
        sa.select(_PERSON)
        .join(InvitationLetter, col(InvitationLetter.invitation_id) == col(Invitation.id))
        .join(OutboxMail, col(OutboxMail.id) == col(InvitationLetter.outbox_mail_id))
        .where(
            col(Invitation.campaign_id) == campaign_id,
            col(OutboxMail.kind) == REMINDER,
            col(OutboxMail.key).like(f"%-reminder{turn}"),
        )
        .distinct()
    )
    return {row[0] for row in rows}
