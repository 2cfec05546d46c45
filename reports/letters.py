"""The letter that brings a report to a reader: made as it leaves, of the frozen report, by its number alone.

The outbox holds the reader's address and the snapshot's number, no figure. What a second reader has yet to judge is
named neither in the letter nor in its PDF.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.errors import NotFound, RequestRefused
from biblio.logs import get_logger
from biblio.mail import Attachment, Letter, LetterKind, Prepared, SendCounts, Stop, Wait, send_waiting, usable_address
from biblio.mail.sender import WAIT
from biblio.mail.texts import LetterText, greeting, path_of, read_text
from biblio.observatory import Recipe
from biblio.printing import can_write_pdf
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail, UserAccount
from biblio.store.words import MailState, Role
from reports import words
from reports.document import Report
from reports.files.paper import as_pdf
from reports.files.summary import summary
from reports.service import Snapshot, difference, hidden_now, load_snapshot, snapshot_called, snapshots
from reports.snapshots import told
from reports.snapshots.canonical import SnapshotUnreadable
from reports.snapshots.difference import Difference
from reports.snapshots.hiding import difference_without_hidden, is_told, may_read_second, secret_since, without_hidden

KIND = "report"
"""As which letters lie in the outbox."""

ATTACHED_MOST = 8 * 1024 * 1024
"""Bytes of a PDF beyond which it is not attached: mail servers commonly refuse letters of more than ten megabytes."""

PLACEHOLDERS = frozenset(
    {"observatory", "observatory_name", "report", "period", "greeting", "as_of", "numbers", "changes", "url", "attached", "contact"}
)  # fmt: skip
"""What the text of the letter may hold in braces."""

_NEEDED = frozenset({"as_of", "numbers", "changes", "url"})
_KEY = re.compile(rf"{KIND}-(\d{{1,9}})-[0-9a-f]{{16}}")
_WIDTH = 72
_FIGURES = 3
"""Figures of a theme of which a letter says how they moved."""

_NAMED = 5

log = get_logger(__name__)


def letter_text(runtime: Runtime) -> LetterText:
    """Return the letter's text, the profile's own or the general one. Raises ``StartRefused`` where it is not in order."""
    return read_text(path_of(runtime.profile, KIND), known=PLACEHOLDERS, needed=_NEEDED)


def letter_to(runtime: Runtime, snapshot: Snapshot, name: str, address: str) -> Letter:
    """Return the letter to be queued: for one reader and one snapshot always the same one."""
    mark = hashlib.sha256(usable_address(address).lower().encode()).hexdigest()[:16]
    return Letter(
        key=f"{KIND}-{snapshot.id}-{mark}",
        kind=KIND,
        recipient=name,
        email=address,
        subject=f"{runtime.profile.observatory.short}: {title(runtime, snapshot)}",
        body="",
    )


def title(runtime: Runtime, snapshot: Snapshot) -> str:
    """Return what a frozen report is called: "Yearly report 2026"; of a recipe that is gone its key."""
    if snapshot.made is None:
        return f"Report as of {snapshot.as_of}"
    recipe = recipe_called(runtime, snapshot.made.recipe)
    return f"{recipe.name if recipe else snapshot.made.recipe} {snapshot.made.period}"


def recipe_called(runtime: Runtime, key: str) -> Recipe | None:
    """Return a recipe of the profile, or None."""
    return next((recipe for recipe in runtime.profile.reports.recipes if recipe.key == key), None)


# -- what it says -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What a letter tells of: the frozen report as it may be shown, and how it differs from the one before."""

    snapshot: Snapshot
    report: Report
    before: Snapshot | None
    moved: Difference | None


def gather(runtime: Runtime, session: Session, number: int) -> Told:
    """Read what a letter about a snapshot tells. Raises ``NotFound`` or ``SnapshotUnreadable``."""
    snapshot = snapshot_called(session, number)
    hidden = hidden_now(session)
    whole = load_snapshot(session, number)
    before = _before(session, snapshot)
    moved = None
    if before is not None:
        try:
            moved = difference_without_hidden(difference(load_snapshot(session, before.id), whole), hidden)
        except SnapshotUnreadable as error:  # the new report is whole: its readers must not wait for the old one
            log.warning("the report before cannot be compared with", snapshot=before.id, reason=str(error))
    shown = without_hidden(whole, hidden)
    recipe = recipe_called(runtime, snapshot.made.recipe) if snapshot.made else None
    if recipe is not None and recipe.themes:
        shown = replace(
            shown,
            themes=tuple(theme for theme in shown.themes if theme.key in recipe.themes),
            headline=tuple(at for at in shown.headline if at.theme in recipe.themes),
        )
        moved = moved and replace(
            moved,
            themes=tuple(theme for theme in moved.themes if theme.key in recipe.themes),
            headline=tuple(one for one in moved.headline if one.at.theme in recipe.themes),
        )
    return Told(snapshot, shown, before, moved)


def _before(session: Session, snapshot: Snapshot) -> Snapshot | None:
    """Return the recipe's report of the period before; without any the newest whole one of an earlier day.

    What was frozen later than it, of whatever day, changes nothing: its readers' letters all say the same.
    """
    earlier = [s for s in snapshots(session) if s.is_whole and s.id < snapshot.id and s.as_of < snapshot.as_of]
    same = [s for s in earlier if s.made and snapshot.made and s.made.recipe == snapshot.made.recipe]
    return next(iter(same or earlier), None)


def written(runtime: Runtime, about: Told, *, name: str = "", attached: str = "") -> tuple[str, str]:
    """Return subject and body of the letter."""
    names = runtime.profile.observatory
    made = about.snapshot.made
    recipe = recipe_called(runtime, made.recipe) if made else None
    values = {
        "observatory": names.short,
        "observatory_name": names.name,
        "report": (recipe.name if recipe else made.recipe if made else "Report"),
        "period": made.period if made else f"as of {about.snapshot.as_of}",
        "greeting": f"Dear {greeting(name)},",
        "as_of": str(about.snapshot.as_of),
        "numbers": "\n".join(_numbers(about.report)) or "(It has no numbers that can be said in words.)",
        "changes": "\n".join(_changes(about)),
        "url": f"{page_of(runtime, about.snapshot)}/",
        "attached": attached or "The same on paper can be downloaded there.",
        "contact": runtime.settings.contact_email,
    }
    subject, body = letter_text(runtime).filled(values)
    return subject, "\n\n".join(map(_wrapped, body.split("\n\n")))


def _wrapped(block: str) -> str:
    """A paragraph laid out anew where what was filled in made a line too long; not one of lines set in, or of items."""
    lines = block.split("\n")
    if max(map(len, lines)) <= _WIDTH or any(line.startswith((" ", "* ")) for line in lines):
        return block
    return textwrap.fill(" ".join(lines), _WIDTH, break_long_words=False, break_on_hyphens=False)


def page_of(runtime: Runtime, snapshot: Snapshot) -> str:
    """Return the address below which a snapshot's pages lie."""
    return f"{runtime.settings.base_url}/reports/snapshots/{snapshot.id}"


def _numbers(report: Report) -> Iterator[str]:
    """Yield the report in words, a sentence or two as one item."""
    for sentence in summary(report):
        yield _line(f"* {sentence}", "  ")


def _changes(about: Told) -> Iterator[str]:
    """Yield what moved since the report before."""
    if about.before is None:
        yield "It is the first of its kind: there is none to compare it with."
        return
    if about.moved is None:
        yield f"The report as of {about.before.as_of} is damaged and cannot be compared with; biblio report check says how."
        return
    yield f"Since the report as of {about.before.as_of}:"
    for line in told.lines(about.moved, most=_FIGURES, named=_NAMED):
        yield _line(line)


def _line(text: str, more: str = "    ") -> str:
    """One line of the letter with plain blanks; broken where it is long, further lines set in by ``more``."""
    plain = text.replace(words.THIN, " ")
    indent = " " * (len(plain) - len(plain.lstrip()))
    return "\n".join(textwrap.wrap(plain, _WIDTH, subsequent_indent=indent + more, break_on_hyphens=False))


# -- sending ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """What letters about one snapshot say and bring, made before any of them is claimed: a PDF takes seconds."""

    about: Told
    attached: tuple[Attachment, ...]


def send(runtime: Runtime) -> SendCounts:
    """Send the letters that wait; none is being claimed, and no transaction open, while one is rendered."""
    made = {number: _ready(runtime, number) for number in _waiting(runtime)}
    ready = {number: one for number, one in made.items() if isinstance(one, Ready)}
    readers = _addresses(runtime)
    counts = send_waiting(runtime, KIND, lambda session, mail: _prepared(runtime, session, ready, readers, mail))
    unread = {number: one for number, one in made.items() if isinstance(one, str)}
    counts.notes += _still_waiting(runtime, unread)
    return counts


_MAY_WAIT = (MailState.WAITING, MailState.SENDING)


def _waiting(runtime: Runtime) -> list[int]:
    """The numbers of the snapshots about which letters wait, or will once it is seen that their sender died."""
    with runtime.store.reading() as session:
        keys = session.exec(
            select(OutboxMail.key).where(col(OutboxMail.kind) == KIND, col(OutboxMail.state).in_(_MAY_WAIT))
        ).all()
    return sorted({int(named[1]) for named in map(_KEY.fullmatch, keys) if named})


def _still_waiting(runtime: Runtime, unread: Mapping[int, str]) -> Iterator[str]:
    """Say how many letters were not sent, and why: their report cannot be read, or the mail server has yet to take them."""
    with runtime.store.reading() as session:
        left = session.exec(
            select(OutboxMail.key, OutboxMail.not_before).where(
                col(OutboxMail.kind) == KIND, col(OutboxMail.state) == MailState.WAITING
            )
        ).all()
    why = Counter(
        unread.get(int(named[1]), "") if (named := _KEY.fullmatch(key)) else "their keys are none of a report"
        for key, _ in left
    )
    until = min((moment for _, moment in left if moment is not None), default=None)
    for reason, letters in sorted(why.items()):
        said = reason or (
            f"tried again from {until:%Y-%m-%d %H:%M} (UTC) on." if until else "tried again by the next run."
        )
        yield f"{letters} {'letter waits' if letters == 1 else 'letters wait'}: {said}"


def _ready(runtime: Runtime, number: int) -> Ready | str:
    """Make what letters about a snapshot say, or return why it cannot be read: then they wait."""
    try:
        with runtime.store.reading() as session:
            about = gather(runtime, session, number)
    except (NotFound, RequestRefused) as error:
        log.error("report not readable", snapshot=number, reason=str(error))
        return str(error)
    return Ready(about, _on_paper(runtime, about))


def _on_paper(runtime: Runtime, about: Told) -> tuple[Attachment, ...]:
    """The report as PDF, where that can be made and is small enough for a letter."""
    if not can_write_pdf():
        return ()
    try:
        content = as_pdf(about.report, page_of(runtime, about.snapshot))
    except RequestRefused as error:
        log.warning("report not on paper", snapshot=about.snapshot.id, reason=str(error))
        return ()
    if len(content) > ATTACHED_MOST:
        return ()
    return (Attachment(f"report-{about.snapshot.as_of}.pdf", "application/pdf", content),)


def _addresses(runtime: Runtime) -> dict[str, str]:
    """The readers' addresses in the form of the outbox, with their names."""
    found = {}
    for name, address in runtime.settings.report_readers:
        try:
            found[usable_address(address)] = name
        except RequestRefused:
            continue
    return found


def _prepared(
    runtime: Runtime, session: Session, ready: Mapping[int, Ready], readers: Mapping[str, str], mail: OutboxMail
) -> Prepared | Stop | Wait:
    """Look once more, as a letter leaves, whether its reader is still one."""
    named = _KEY.fullmatch(mail.key)
    if mail.email not in readers:
        return Stop("The address is no longer among those of BIBLIO_REPORT_RECIPIENTS.")
    made = ready.get(int(named[1])) if named else None
    if made is None:
        return WAIT
    if _is_secret(session, made.about.snapshot) and _reads_second(session, mail.email):
        return Prepared(_without_numbers(runtime, made.about.snapshot, readers[mail.email]), subject=mail.subject)
    said = f"It is attached as PDF ({made.attached[0].name})." if made.attached else ""
    subject, body = written(runtime, made.about, name=readers[mail.email], attached=said)
    return Prepared(body, subject=subject, attachments=made.attached)


def _is_secret(session: Session, snapshot: Snapshot) -> bool:
    """Whether a report may count what second readers must not know."""
    return not is_told(snapshot.as_of, snapshot.made_at, secret_since(session))


def _reads_second(session: Session, address: str) -> bool:
    """Whether an address is that of an account that may be drawn as second reader."""
    row = UserAccount
    asked = col(row.is_active).is_(True), sa.func.lower(col(row.email)) == address.lower()
    return any(may_read_second(Role(role)) for role in session.exec(select(row.role).where(*asked)))


def _without_numbers(runtime: Runtime, snapshot: Snapshot, name: str) -> str:
    """Return the letter to somebody who may be asked to judge a paper unseen that the report counts."""
    paragraphs = (
        f"Dear {greeting(name)},",
        (
            f"{title(runtime, snapshot)} was made, as known at the end of {snapshot.as_of}. Its numbers are not in this "
            "letter: it may count papers that are being read a second time, and with your login you may be asked to judge "
            "one of them without knowing what the first reader said."
        ),
        f"The report of that day without these papers: {runtime.settings.base_url}/reports/?as_of={snapshot.as_of}",
        f"The report itself opens to you when both readers have judged: {page_of(runtime, snapshot)}/",
    )
    return "\n\n".join(map(_wrapped, paragraphs)) + "\n"


_CLOSED = (
    "What this letter says is not shown at present: its report counts papers that are being read a second time, and "
    "librarians, who see this page, may be asked to judge one of them unseen. It is shown when both readers have judged. "
    "The letter itself leaves as always."
)


def preview(session: Session, runtime: Runtime, mail: OutboxMail) -> tuple[str, str]:
    """Return subject and text of a letter as it would leave now, for the page of letters, which second readers see."""
    named = _KEY.fullmatch(mail.key)
    if named is None:
        return mail.subject, mail.body
    about = snapshot_called(session, int(named[1]))
    if _is_secret(session, about):
        return mail.subject, _CLOSED
    return written(runtime, gather(runtime, session, about.id), name=mail.recipient)


LETTERS = LetterKind(KIND, "reports to their readers", preview)
