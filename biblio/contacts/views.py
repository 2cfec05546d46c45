"""The pages before press: what preprints lack, the letter beside the fault it names, and what became of each letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.catalogue.actor import Actor
from biblio.contacts import queries, service
from biblio.contacts.cases import Case
from biblio.contacts.faults import Standing
from biblio.contacts.forms import LetterForm, NoteForm
from biblio.contacts.letters import About, checked_body, checked_subject, clean_line, render, sentence
from biblio.contacts.queries import LABELS, LETTERS, LetterRow, PreprintRow, Wanted
from biblio.contacts.recipients import PERSON, Recipient, recipients
from biblio.contacts.service import Draft
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.mail import Prepared, compose, message_id
from biblio.runtime import Runtime
from biblio.store.current import survivor_of
from biblio.store.models import ContactEvent, OutboxMail
from biblio.store.words import ContactFault, MailState

blueprint = Blueprint("contacts", __name__, url_prefix="/desk/contacts")

_HEADERS = ("From", "To", "Subject")
_OF_PREPRINTS = (
    "press_on", "press_reason", "title", "arxiv_id", "version", "missing", "finding", "quote", "why", "codes",
    "recipient", "address", "address_from",
)  # fmt: skip
_OF_LETTERS = (
    "letter", "title", "missing", "codes", "recipient", "address", "address_from", "sent_by", "made_at", "state",
    "outbox", "last", "mended_in", "ended_at",
)  # fmt: skip


@blueprint.get("")
@webkit.action("contacts.read")
def index() -> ResponseReturnValue:
    """List what preprints lack in the order of their press dates, or the letters in one state."""
    wanted = Wanted.from_address(request.args)
    filters = {"show": wanted.show, **wanted.filters()}
    known = {**wanted.filters(), "show": request.args.get("show") in LABELS}
    webkit.say_what_was_left_out(known, ("show", "fault", "judged"))
    wired = webkit.runtime()
    with webkit.reading() as session:
        if wanted.show in LETTERS:
            page = webkit.paginate(session, queries.letters(wanted), filters=filters)
            rows: Sequence[LetterRow | PreprintRow] = queries.letter_rows(session, wired, page.items)
        else:
            page = webkit.paginate(session, queries.preprints(wanted), filters=filters)
            rows = queries.preprint_rows(session, wired, page.items)
        if webkit.wants_table():
            return _table(wanted, rows)
        overview = queries.overview(session, wired)
    return render_template(
        "contacts/index.html", page=page, rows=rows, wanted=wanted, overview=overview, labels=LABELS,
        is_letters=wanted.show in LETTERS, faults=queries.FAULTS,
    )  # fmt: skip


def _table(wanted: Wanted, rows: Sequence[LetterRow | PreprintRow]) -> ResponseReturnValue:
    name = f"before-press-{wanted.show}"
    if wanted.show in LETTERS:
        return webkit.table_response(name, _OF_LETTERS, [_letter_cells(r) for r in rows if isinstance(r, LetterRow)])
    return webkit.table_response(name, _OF_PREPRINTS, [_cells(r) for r in rows if isinstance(r, PreprintRow)])


def _cells(row: PreprintRow) -> tuple[object, ...]:
    case, to = row.case, row.recipient
    if case is None:
        return (row.press_on, row.press_reason, row.title, *[None] * 10)
    quote = case.finding.quote
    return (
        row.press_on, row.press_reason, row.title, case.arxiv_id, case.finding.version,
        queries.FAULTS[case.finding.fault] if case.finding.fault else None, case.finding.sentence,
        f"{quote.before}{quote.mark}{quote.after}" if quote else None, case.why, " ".join(sorted(case.believed.sure)),
        to.name if to else None, to.email if to else None, to.words if to else None,
    )  # fmt: skip


def _letter_cells(row: LetterRow) -> tuple[object, ...]:
    one = row.contact
    return (
        one.id, row.title, queries.FAULTS[one.fault], " ".join(one.codes), one.recipient, one.email, one.email_from,
        row.made_by, one.made_at.isoformat(timespec="seconds"), one.state.value, row.outbox, row.last_words,
        one.mended_in, one.ended_at.isoformat(timespec="seconds") if one.ended_at else None,
    )  # fmt: skip


# -- writing ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the page of one letter stands on."""

    case: Case
    offered: list[Recipient]


def _desk(session: Session, wired: Runtime, paper_id: int) -> _Desk:
    case = service.the_case(session, wired, paper_id)
    return _Desk(case, recipients(case.texts.addresses, case.authors, case.teams))


@blueprint.get("/<int:paper_id>/write")
@webkit.action("contacts.read")
def write(paper_id: int) -> ResponseReturnValue:
    """Show the prepared letter beside the fault it names."""
    with webkit.reading() as session:
        if survivor_of(session, paper_id) is None:
            raise NotFound(f"There is no paper number {paper_id}.")
        try:
            desk = _desk(session, webkit.runtime(), paper_id)
        except NotFound as none:
            return render_template("contacts/nothing.html", paper_id=paper_id, why=str(none))
        form = _form(desk)
        _prepare(form, desk)
        return _page(session, desk, form)


@blueprint.post("/<int:paper_id>/write")
@webkit.action("contacts.write")
def send(paper_id: int) -> ResponseReturnValue:
    """Prepare the letter anew, show it as it would leave, or put it into the outbox: only the last changes anything."""
    what = request.form.get("do", "preview")
    wired = webkit.runtime()
    with webkit.reading() as session:
        desk = _desk(session, wired, paper_id)
        form = _form(desk)
        if what == "renew":
            _prepare(form, desk, keep_person=True)
            return _page(session, desk, form)
        if not form.validate():
            return _page(session, desk, form), 422
    draft = _draft(form, desk)
    try:
        if what != "send":
            return _preview(desk, form, draft)
        with webkit.writing() as session:
            contact = service.send_letter(session, wired, webkit.actor(), draft)
            said = f"The letter to {contact.recipient or contact.email} is in the outbox. It leaves with the next run of the job “contacts”, in {service.UNDO_MINUTES} minutes at the earliest; until then you can take it back."
            undo_url = url_for("contacts.take_back", contact_id=contact.id)
    except RequestRefused as refused:
        return _refused(desk.case.paper_id, form, refused)
    webkit.done(said, undo_url=undo_url)
    return redirect(url_for("contacts.index"), 303)


def _refused(paper_id: int, form: LetterForm, refused: RequestRefused) -> ResponseReturnValue:
    """Show the page again with what was typed, and why it was not taken."""
    form.form_errors.append(str(refused))
    with webkit.reading() as session:
        return _page(session, _desk(session, webkit.runtime(), paper_id), form), 409 if isinstance(
            refused, Stale
        ) else 422


def _form(desk: _Desk) -> LetterForm:
    form = LetterForm()
    believed = desk.case.believed
    offered = [(code, "accepted by a librarian") for code in sorted(believed.accepted)]
    offered += [(code, "certain candidate") for code in sorted(believed.certain)]
    offered += [(code, "likely candidate: tick it only if you are sure") for code in sorted(believed.likely)]
    form.offer(offered)
    return form


def _prepare(form: LetterForm, desk: _Desk, *, keep_person: bool = False) -> None:
    """Fill the form with the profile's letter; with ``keep_person`` for the name and codes that were chosen."""
    case, finding = desk.case, desk.case.finding
    form.fault.data = finding.fault.value if finding.fault else ""
    form.reading.data = str(finding.reading_id or "")
    if not keep_person:
        draft = service.prepared(webkit.runtime(), case)
        form.name.data, form.email.data, form.codes.data = draft.name, draft.email, list(draft.codes)
        form.subject.data, form.body.data = draft.subject, draft.body
        return
    about = About(form.name.data or "", case.title, case.arxiv_id, form.named())
    form.subject.data, form.body.data = render(webkit.runtime().profile, about, finding)


def _draft(form: LetterForm, desk: _Desk) -> Draft:
    fault, reading = form.fault.data or "", form.reading.data or ""
    if fault not in set(ContactFault) or not (reading.isdecimal() and len(reading) < 19):
        raise RequestRefused("The page was not sent whole: open the letter again.")
    email = (form.email.data or "").strip()
    known = next((one for one in desk.offered if one.email == email.casefold()), None)
    return Draft(
        paper_id=desk.case.paper_id,
        fault=ContactFault(fault),
        reading_id=int(reading),
        name=form.name.data or "",
        email=email,
        email_from=known.origin if known else PERSON,
        codes=form.named(),
        subject=form.subject.data or "",
        body=form.body.data or "",
    )


def _preview(desk: _Desk, form: LetterForm, draft: Draft) -> ResponseReturnValue:
    """Show the message as it would leave; nothing is stored."""
    wired = webkit.runtime()
    with webkit.reading() as session:
        case, email = service.check_draft(session, wired, draft)
        mail = OutboxMail(
            key="preview", message_id=message_id(wired.settings, "preview"), kind=service.KIND,
            recipient=clean_line(draft.name), email=email, subject=checked_subject(draft.subject),
            body=checked_body(draft.body), state=MailState.WAITING, created_at=wired.clock.now(),
        )  # fmt: skip
        message = compose(wired.settings, mail, Prepared(mail.body, {}), now=wired.clock.now())
        shown = [(name, str(message[name])) for name in _HEADERS]
        return _page(session, _Desk(case, desk.offered), form, preview=(shown, mail.body))


def _page(
    session: Session, desk: _Desk, form: LetterForm, *, preview: tuple[list[tuple[str, str]], str] | None = None
) -> str:
    profile = webkit.runtime().profile
    finding = desk.case.finding
    in_the_way = None
    if finding.fault is not None and form.email.data:
        email = form.email.data.strip().casefold()
        in_the_way = service.who_waits(session, desk.case.paper_id, finding.fault, email)
    return render_template(
        "contacts/write.html",
        case=desk.case,
        finding=finding,
        has_fault=finding.standing is Standing.FAULT,
        faults=queries.FAULTS,
        offered=desk.offered,
        form=form,
        sentence=sentence(profile, form.named()),
        in_the_way=in_the_way,
        preview=preview,
        minutes=service.UNDO_MINUTES,
    )


# -- one letter ---------------------------------------------------------------------------------------------------------


@blueprint.get("/letter/<int:contact_id>")
@webkit.action("contacts.read")
def letter(contact_id: int) -> ResponseReturnValue:
    """Show a letter with what happened to it."""
    with webkit.reading() as session:
        one = queries.one_letter(session, webkit.runtime(), contact_id)
    return render_template("contacts/letter.html", one=one, form=NoteForm(), faults=queries.FAULTS, labels=LABELS)


@blueprint.post("/letter/<int:contact_id>/take-back")
@webkit.action("contacts.write")
def take_back(contact_id: int) -> ResponseReturnValue:
    """Take a letter back that waits in the outbox."""
    with webkit.writing() as session:
        contact = service.take_back(session, webkit.runtime(), webkit.actor(), contact_id)
        again = url_for("contacts.write", paper_id=contact.paper_id)
    webkit.done("The letter was taken back before it left; it can be written again.")
    return redirect(again, 303)


_Note = Callable[[Session, Runtime, Actor, int, str], ContactEvent]
_NOTES: dict[str, tuple[_Note, str]] = {
    "answered": (service.note_answer, "Noted: the author answered. The letter stays open until the paper is mended."),
    "bounced": (service.note_bounce, "Noted: the letter came back. Another address may be tried."),
    "end": (service.close, "The letter is ended."),
}


@blueprint.post("/letter/<int:contact_id>/<any(answered, bounced, end):what>")
@webkit.action("contacts.write")
def note(contact_id: int, what: str) -> ResponseReturnValue:
    """Note that an author answered, that a letter came back, or that it ends, with a note."""
    form = NoteForm()
    act, said = _NOTES[what]
    if not form.validate():
        webkit.problem(f"The note is too long: at most {service.NOTE_MOST} characters. Nothing was noted.")
        return redirect(url_for("contacts.letter", contact_id=contact_id), 303)
    with webkit.writing() as session:
        event = act(session, webkit.runtime(), webkit.actor(), contact_id, form.note.data or "")
        undo_url = url_for("contacts.undo", event_id=event.id)
    webkit.done(said, undo_url=undo_url)
    return redirect(url_for("contacts.letter", contact_id=contact_id), 303)


@blueprint.post("/event/<int:event_id>/undo")
@webkit.action("contacts.write")
def undo(event_id: int) -> ResponseReturnValue:
    """Take back what was noted last of a letter."""
    with webkit.writing() as session:
        contact_id = service.undo(session, webkit.runtime(), webkit.actor(), event_id).id
    webkit.done("Taken back.")
    return redirect(url_for("contacts.letter", contact_id=contact_id), 303)
