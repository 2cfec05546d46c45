"""The job ``digest``: tells people who asked for it each morning, in one mail, what waits for them at the desk.

Once per person and day, whoever runs it and however often it is killed: the letter's key is the person and the day, and
a letter that a dead sender had in its hands is never sent again by itself. No mail where nothing waits. Titles are told,
nothing else of papers; addresses stand in no log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.readable import readable
from biblio.errors import RequestRefused
from biblio.jobs import Job, JobContext, require_running
from biblio.mail.outbox import Letter, Prepared, queue
from biblio.mail.sender import Stop, send_waiting
from biblio.runtime import Runtime
from biblio.store.current import survivor_id
from biblio.store.models import Claim, Contact, DeskItem, Escalation, OutboxMail, Paper, PaperRevision, UserAccount
from biblio.store.words import LIBRARIANS, Band, ContactState, MailState, Role

KIND = "digest"
"""As which letters lie in the outbox."""

PRESS_DAYS = 14
"""A preprint that is expected in print within so many days is told."""

NAMED = 5
"""Papers of a heading that are named; the others are counted."""

TITLE_MAX = 90

_FIRST_LOOK_BACK = timedelta(days=1)
_LONGEST_LOOK_BACK = timedelta(days=7)
_MAY_HAVE_ARRIVED = (MailState.SENT, MailState.SENDING, MailState.UNCERTAIN)
_KEY = re.compile(r"digest-(\d{1,12})-(\d{4}-\d\d-\d\d)")
_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading of the mail: how many papers, some of them (number, title), and where all of them stand."""

    words: str
    count: int
    papers: tuple[tuple[int, str], ...]
    path: str


@dataclass(slots=True)
class Digest:
    """What waits for one person; ``waiting`` papers in all in the view of their library."""

    waiting: int = 0
    headings: list[Heading] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, so that no mail goes out."""
        return not self.waiting and not self.headings


# -- what waits -------------------------------------------------------------------------------------------------------


def gather(session: Session, person: UserAccount, since: datetime, now: datetime) -> Digest:
    """Return what waits for a person; "new" is what came after ``since``.

    The queue's own rows are asked, which say nothing of a paper that is being read a second time.
    """
    item = DeskItem
    shown: list[Any] = [col(item.is_shown).is_(True)]
    if person.library:
        shown.append(col(item.library) == person.library)
    library = f"&library={_quoted(person.library)}" if person.library else ""
    soon = now.date() + timedelta(days=PRESS_DAYS)
    digest = Digest(waiting=_count(session, sa.select(col(item.paper_id)).where(*shown)))
    certain = [*shown, col(item.band) == Band.CERTAIN, col(item.waiting_since) > since]
    press = [*shown, col(item.press_on) >= now.date(), col(item.press_on) <= soon]
    asked: list[tuple[str, Any, str]] = [
        ("handed to you", _handed(person, now), "/desk/mine"),
        (
            "certain, new",
            sa.select(col(item.paper_id)).where(*certain).order_by(col(item.rank), col(item.paper_id)),
            f"/desk?band=certain{library}",
        ),
        (
            f"expected in print within {PRESS_DAYS} days",
            sa.select(col(item.paper_id)).where(*press).order_by(col(item.press_on), col(item.paper_id)),
            f"/desk?order=press{library}",
        ),
    ]
    if person.role is Role.HEAD_LIBRARIAN:
        asked.insert(0, ("for the head librarian to settle", _escalated(), "/desk/escalated"))
    asked.append(("with an answer to your letter", _answered(person), "/desk/contacts"))
    for words, query, path in asked:
        if (count := _count(session, query)) > 0:
            papers = _titles(session, list(session.execute(query.limit(NAMED)).scalars()))
            digest.headings.append(Heading(words, count, papers, path))
    return digest


def _count(session: Session, query: Any) -> int:
    return int(session.execute(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())).scalar_one())


def _handed(person: UserAccount, now: datetime) -> Any:
    return (
        sa.select(survivor_id())
        .join(Claim, col(Claim.paper_id) == col(Paper.id))
        .where(
            col(Claim.holder_id) == person.id,
            col(Claim.given_by_id).is_not(None),
            col(Claim.ended_at).is_(None),
            col(Claim.until) > now,
        )
        .order_by(col(Claim.id).desc())
    )


def _escalated() -> Any:
    return (
        sa.select(survivor_id())
        .join(Escalation, col(Escalation.paper_id) == col(Paper.id))
        .where(col(Escalation.settled_at).is_(None))
        .order_by(col(Escalation.id))
    )


def _answered(person: UserAccount) -> Any:
    return (
        sa.select(survivor_id())
        .join(Contact, col(Contact.paper_id) == col(Paper.id))
        .where(
            col(Contact.made_by_id) == person.id,
            col(Contact.state) == ContactState.ANSWERED,
            col(Contact.ended_at).is_(None),
        )
        .order_by(col(Contact.id))
    )


def _titles(session: Session, papers: list[int]) -> tuple[tuple[int, str], ...]:
    rows = session.execute(
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.title)).where(
            col(PaperRevision.paper_id).in_(papers), col(PaperRevision.superseded_at).is_(None)
        )
    )
    found = {paper: title or "" for paper, title in rows}
    return tuple((paper, _short(found.get(paper, ""))) for paper in papers)


def _short(title: str) -> str:
    """A title on one line, without signs that only pages understand, cut where it is long."""
    plain = " ".join(readable(title).split())
    return (plain if len(plain) <= TITLE_MAX else f"{plain[: TITLE_MAX - 1].rstrip()}…") or "(no title yet)"


def _quoted(text: str) -> str:
    return quote(text, safe="")


# -- the mail ---------------------------------------------------------------------------------------------------------


def letter_of(runtime: Runtime, person: UserAccount, digest: Digest, today: date) -> Letter:
    """Return the mail that tells a person what waits: plain text, a link for each thing."""
    base = runtime.settings.base_url.rstrip("/")
    view = f"the view of {person.library}" if person.library else "the queue"
    papers = "1 paper waits" if digest.waiting == 1 else f"{digest.waiting} papers wait"
    lines = [f"Dear {person.name},", ""]
    library = f"?library={_quoted(person.library)}" if person.library else ""
    lines += [f"{papers} in {view}:", f"{base}/desk{library}", ""] if digest.waiting else []
    for heading in digest.headings:
        title = f"{heading.count} {heading.words}"
        lines += [title, "-" * min(len(title), _WIDTH)]
        for paper, name in heading.papers:
            lines += [f"* {name}", f"  {base}/desk/paper/{paper}"]
        rest = heading.count - len(heading.papers)
        lines += [f"and {rest} more: {base}{heading.path}" if rest > 0 else f"All: {base}{heading.path}", ""]
    lines += ["You asked for this mail once a day. It can be switched off here:", f"{base}/account"]
    return Letter(
        key=_key(person.id, today),
        kind=KIND,
        recipient=person.name,
        email=person.email or "",
        subject=f"{runtime.profile.observatory.short} bibliography, {today.isoformat()}: {_subject(digest, papers)}",
        body="\n".join(lines) + "\n",
    )


def _subject(digest: Digest, papers: str) -> str:
    return papers if digest.waiting else f"{digest.headings[0].count} {digest.headings[0].words}"


# -- the job ----------------------------------------------------------------------------------------------------------


def run_digest(context: JobContext) -> None:
    """Queue today's mail for everybody who wants one and has none yet, then send what waits."""
    runtime = context.runtime
    for user_id in _wanting(runtime):
        context.count(_queue_one(context, user_id))
    sent = send_waiting(runtime, KIND, lambda session, mail: prepare(runtime, session, mail))
    for name, number in sent.plain().items():
        if number:
            context.count(name, number)
    for sentence in sent.notes:
        context.note(sentence)


def _wanting(runtime: Runtime) -> Iterator[int]:
    with runtime.store.reading() as session:
        ids = session.exec(select(UserAccount.id).where(*_wants()).order_by(col(UserAccount.id))).all()
    yield from (i for i in ids if i is not None)


def _wants() -> tuple[Any, ...]:
    return (
        col(UserAccount.wants_digest).is_(True),
        col(UserAccount.is_active).is_(True),
        col(UserAccount.email).is_not(None),
        col(UserAccount.role).in_(LIBRARIANS),
    )


def _queue_one(context: JobContext, user_id: int) -> str:
    """Put one person's mail into the outbox unless today's is there; return what became of it, in a word."""
    runtime, now = context.runtime, context.runtime.clock.now()
    today = now.date()
    try:
        with runtime.store.writing() as session:
            require_running(session, context.run_id)
            person = session.get_one(UserAccount, user_id)
            if _has_one(session, user_id, today):
                return "there already"
            digest = gather(session, person, _since(session, user_id, now), now)
            if digest.is_empty:
                return "nothing waits"
            queue(session, runtime.settings, letter_of(runtime, person, digest, today), now=now)
    except IntegrityError:  # another process queued it at the same moment
        return "there already"
    except RequestRefused:
        context.note(f"The address of user {user_id} cannot be used: an admin should put it right.")
        return "no usable address"
    return "queued"


def _key(user_id: int | None, today: date) -> str:
    return f"{KIND}-{user_id}-{today.isoformat()}"


def _has_one(session: Session, user_id: int, today: date) -> bool:
    return session.exec(select(OutboxMail.id).where(col(OutboxMail.key) == _key(user_id, today))).first() is not None


def _since(session: Session, user_id: int, now: datetime) -> datetime:
    """From when on something is new: since the last mail that may have arrived, a week at most."""
    told, first = session.execute(
        sa.select(
            sa.func.max(sa.case((col(OutboxMail.state).in_(_MAY_HAVE_ARRIVED), col(OutboxMail.created_at)))),
            sa.func.min(col(OutboxMail.created_at)),
        ).where(col(OutboxMail.kind) == KIND, col(OutboxMail.key).like(f"{KIND}-{user_id}-%"))
    ).one()
    return max(told or (first or now) - _FIRST_LOOK_BACK, now - _LONGEST_LOOK_BACK)


def prepare(runtime: Runtime, session: Session, mail: OutboxMail) -> Prepared | Stop:
    """Look once more, as a mail leaves, whether it is still wanted, and of today."""
    named = _KEY.fullmatch(mail.key)
    if named is None or named[2] != runtime.clock.today().isoformat():
        return Stop("A newer mail tells what waits.")
    wanted = select(UserAccount.id).where(col(UserAccount.id) == int(named[1]), *_wants())
    if session.exec(wanted).first() is None:
        return Stop("The person no longer wants it, or no longer works at the desk.")
    return Prepared(mail.body)


DIGEST = Job(
    KIND,
    "Mail to those who asked for it what waits at the desk",
    run_digest,
    schedule="5 7 * * *",
)
