"""What people write on one paper: notes, tags, corrections; and saying that two papers are one, or a record is not of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.catalogue.actor import Actor
from biblio.catalogue.corrections import correct, withdraw_correction
from biblio.catalogue.pasted import find_paper, read_identifier
from biblio.catalogue.readable import readable
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.verify.forms import CorrectionForm, NoteForm, OtherPaperForm, TagForm
from biblio.verify.paper import corrections, notes, one_or_two
from biblio.verify.queue.items import refresh
from biblio.verify.queue.queries import title_of
from biblio.verify.queue.views import now, to_paper
from biblio.verify.queue.wanted import QueueFilter

_PAPER = "/desk/paper/<int:paper_id>"


def add_rules(blueprint: Blueprint) -> None:
    """Put these pages into the desk's URL map."""
    for rule, view, name in (
        (f"{_PAPER}/note", add_note, "add_note"),
        ("/desk/note/<int:note_id>/remove", remove_note, "remove_note"),
        ("/desk/note/<int:note_id>/restore", restore_note, "restore_note"),
        (f"{_PAPER}/tag", add_tag, "add_tag"),
        ("/desk/tag/<ids>/remove", remove_tag, "remove_tag"),
        ("/desk/tag/<ids>/restore", restore_tag, "restore_tag"),
        (f"{_PAPER}/correct", store_correction, "store_correction"),
        (f"{_PAPER}/correct/<field>/withdraw", withdraw, "withdraw_correction"),
        ("/desk/correction/<int:correction_id>/undo", undo_correction, "undo_correction"),
        ("/desk/correction/<int:correction_id>/restore", restore_correction, "restore_correction"),
        (f"{_PAPER}/merge", merge_by_hand, "merge_by_hand"),
        ("/desk/record/<int:record_id>/split", split_record, "split_record"),
        ("/desk/merge/<int:merge_id>/again", merge_again, "merge_again"),
    ):
        blueprint.add_url_rule(rule, name, view, methods=["POST"])
    blueprint.add_url_rule(f"{_PAPER}/correct", "correct", correct_page, methods=["GET"])


def _back(paper_id: int) -> ResponseReturnValue:
    return to_paper(paper_id, QueueFilter.from_address(request.args))


def _query() -> dict[str, Any]:
    return dict(QueueFilter.from_address(request.args).address())


# -- notes and tags -------------------------------------------------------------------------------------------------------


@webkit.action("desk.decide")
def add_note(paper_id: int) -> ResponseReturnValue:
    """Put a note on a paper."""
    form = NoteForm()
    return _written(
        paper_id,
        lambda session, actor: notes.add_note(session, actor, paper_id, form.text.data or "", now=now().now).id,
        "Noted.",
        lambda note_id: url_for("verify.remove_note", note_id=note_id, **_query()),
    )


@webkit.action("desk.decide")
def add_tag(paper_id: int) -> ResponseReturnValue:
    """Put one or more tags on a paper."""
    form = TagForm()

    def write(session: Session, actor: Actor) -> str:
        rows = notes.add_tags(session, actor, paper_id, form.tag.data or "", now=now().now)
        return ",".join(str(row.id) for row in rows)

    return _written(
        paper_id,
        write,
        "Tagged.",
        lambda ids: url_for("verify.remove_tag", ids=ids, **_query()) if ids else None,
    )


def _written(
    paper_id: int,
    write: Callable[[Session, Actor], Any],
    words: str,
    undo: Callable[[Any], str | None],
) -> ResponseReturnValue:
    """Write something on a paper and go back to it; a refusal is said there, and what was typed is kept in the address."""
    try:
        with webkit.writing() as session:
            made = write(session, webkit.actor())
    except NotFound:
        raise
    except (RequestRefused, Stale) as refusal:
        webkit.problem(str(refusal))
        return _back(paper_id)
    webkit.done(words, undo_url=undo(made))
    return _back(paper_id)


@webkit.action("desk.decide")
def remove_note(note_id: int) -> ResponseReturnValue:
    """Take a note away."""
    return _taken(
        lambda session, actor: notes.remove_note(session, actor, note_id, now=now().now).paper_id,
        "The note was taken away.",
        url_for("verify.restore_note", note_id=note_id, **_query()),
    )


@webkit.action("desk.decide")
def restore_note(note_id: int) -> ResponseReturnValue:
    """Write a note that was taken away once more."""
    return _taken(
        lambda session, actor: notes.restore_note(session, actor, note_id, now=now().now).paper_id,
        "The note is there again.",
        None,
    )


@webkit.action("desk.decide")
def remove_tag(ids: str) -> ResponseReturnValue:
    """Take tags away."""
    numbers = _numbers(ids)
    return _taken(
        lambda session, actor: notes.remove_tags(session, actor, numbers, now=now().now)[0].paper_id,
        "The tag was taken away." if len(numbers) == 1 else "The tags were taken away.",
        url_for("verify.restore_tag", ids=ids, **_query()),
    )


@webkit.action("desk.decide")
def restore_tag(ids: str) -> ResponseReturnValue:
    """Put tags that were taken away on their paper once more."""
    numbers = _numbers(ids)
    return _taken(
        lambda session, actor: notes.restore_tags(session, actor, numbers, now=now().now),
        "The tag is there again." if len(numbers) == 1 else "The tags are there again.",
        None,
    )


def _numbers(ids: str) -> list[int]:
    numbers = [int(part) for part in ids.split(",") if part.isdecimal() and len(part) < 10]
    if not numbers:
        raise NotFound("There is no such tag.")
    return numbers[: notes.MOST_TAGS]


def _taken(write: Callable[[Session, Actor], int], words: str, undo_url: str | None) -> ResponseReturnValue:
    """Take something away (or put it back), say so, and go to the paper it stands on."""
    try:
        with webkit.writing() as session:
            paper_id = write(session, webkit.actor())
    except Stale as stale:
        webkit.problem(str(stale))
        on_paper = getattr(stale.current, "paper_id", None)
        return _back(on_paper) if on_paper else redirect(url_for("verify.desk"))
    webkit.done(words, undo_url=undo_url)
    return _back(paper_id)


# -- corrections ----------------------------------------------------------------------------------------------------------


@webkit.action("desk.read")
def correct_page(paper_id: int) -> ResponseReturnValue:
    """Show what each source says of every field, and the form for one of them."""
    return _correct_page(paper_id, None)


def _correct_page(paper_id: int, form: CorrectionForm | None, other: OtherPaperForm | None = None) -> str:
    with webkit.reading() as session:
        page = corrections.correct_page(session, paper_id)
    name = (form.field.data if form else request.args.get("field")) or page.fields[0].name
    chosen = next((field for field in page.fields if field.name == name), page.fields[0])
    if form is None:
        form = CorrectionForm(formdata=None, field=chosen.name, value=chosen.plain)
    return render_template(
        "verify/correct.html",
        page=page,
        form=form,
        other=other or OtherPaperForm(formdata=None),
        chosen=chosen,
        choices=corrections.choices(chosen.name),
        query=_query(),
    )


@webkit.action("desk.decide")
def store_correction(paper_id: int) -> ResponseReturnValue:
    """Put a person's value above what the sources say."""
    form = CorrectionForm()
    name = form.field.data or ""
    try:
        value = corrections.read_value(name, form.value.data or "")
        with webkit.writing() as session:
            row = correct(session, webkit.actor(), paper_id, name, value, now=now().now)
            refresh(session, now().profile, [row.paper_id], today=now().date)
            made = row.id
    except NotFound:
        raise
    except RequestRefused as refusal:
        form.value.errors = [*form.value.errors, str(refusal)]
        return _correct_page(paper_id, form), 422
    words = f"The {corrections.LABELS[name].lower()} is yours now, whatever a source says later."
    webkit.done(words, undo_url=url_for("verify.undo_correction", correction_id=made, **_query()))
    return redirect(url_for("verify.correct", paper_id=paper_id, **_query()))


@webkit.action("desk.decide")
def withdraw(paper_id: int, field: str) -> ResponseReturnValue:
    """Take a correction back: what the sources say is shown again."""
    with webkit.writing() as session:
        page = corrections.correct_page(session, paper_id)
        shown = next((one for one in page.fields if one.name == field), None)
        if shown is None or shown.corrected is None:
            raise NotFound("Nobody has corrected this field.")
        withdraw_correction(session, webkit.actor(), paper_id, field, now=now().now)
        refresh(session, now().profile, [page.paper_id], today=now().date)
    undo_url = url_for("verify.restore_correction", correction_id=shown.corrected.correction_id, **_query())
    webkit.done(f"The {shown.label.lower()} is what the sources say again.", undo_url=undo_url)
    return redirect(url_for("verify.correct", paper_id=paper_id, **_query()))


@webkit.action("desk.decide")
def undo_correction(correction_id: int) -> ResponseReturnValue:
    """Undo a correction: what was shown before is shown again."""
    return _recorrected(corrections.take_back, correction_id, "What was shown before is shown again.")


@webkit.action("desk.decide")
def restore_correction(correction_id: int) -> ResponseReturnValue:
    """Put a correction that was withdrawn in force again."""
    return _recorrected(corrections.put_back, correction_id, "The correction is in force again.")


def _recorrected(change: Callable[..., Any], correction_id: int, words: str) -> ResponseReturnValue:
    with webkit.reading() as session:
        row = corrections.correction_of(session, correction_id)
    try:
        with webkit.writing() as session:
            change(session, webkit.actor(), correction_id, now=now().now)
            refresh(session, now().profile, [row.paper_id], today=now().date)
    except Stale as stale:
        webkit.problem(str(stale))
    else:
        webkit.done(words)
    return redirect(url_for("verify.correct", paper_id=row.paper_id, **_query()))


# -- one paper or two -----------------------------------------------------------------------------------------------------


@webkit.action("desk.merge")
def merge_by_hand(paper_id: int) -> ResponseReturnValue:
    """Say that this paper and another, named by an identifier, are one."""
    form = OtherPaperForm()
    try:
        with webkit.writing() as session:
            other = _named_paper(session, form.identifier.data or "")
            row = one_or_two.make_one(session, webkit.actor(), paper_id, other, now())
            kept, merged, title = row.kept_id, row.id, title_of(session, other)
    except NotFound:
        raise
    except RequestRefused as refusal:
        form.identifier.errors = [*form.identifier.errors, str(refusal)]
        return _correct_page(paper_id, None, form), 422
    undo_url = url_for("verify.undo_merge", merge_id=merged)
    webkit.done(f"One paper now, with “{readable(title)[:80]}”; decisions on both stay in force.", undo_url=undo_url)
    return _back(kept)


def _named_paper(session: Session, written: str) -> int:
    """Return the paper that a person named by an identifier. Raises ``RequestRefused``."""
    identifier = read_identifier(written)
    found = find_paper(session, identifier)
    if found is None:
        raise RequestRefused(f"No paper here is known under {identifier}: add it first, then say that they are one.")
    return found


def _to_sender(**_: int) -> ResponseReturnValue:
    """Go where the form was sent from, else to the queue: the paper is not known where nothing was done."""
    return redirect(webkit.same_site(request.form.get("back")) or url_for("verify.desk"))


@webkit.action("desk.merge")
@webkit.refusals_told(_to_sender)
def split_record(record_id: int) -> ResponseReturnValue:
    """Make a paper of its own of a record that is not of this paper."""
    with webkit.writing() as session:
        row = one_or_two.split_record(session, webkit.actor(), record_id, now())
        kept, merge_id, other = row.kept_id, row.id, row.merged_id
    undo_url = url_for("verify.merge_again", merge_id=merge_id)
    webkit.done(f"The record is paper {other} by itself now; decisions stayed here.", undo_url=undo_url)
    return _back(kept)


@webkit.action("desk.merge")
@webkit.refusals_told(_to_sender)
def merge_again(merge_id: int) -> ResponseReturnValue:
    """Undo a split: what was parted is one paper again."""
    with webkit.writing() as session:
        row = one_or_two.make_one_again(session, webkit.actor(), merge_id, now())
        kept, made = row.kept_id, row.id
    webkit.done("They are one paper again.", undo_url=url_for("verify.undo_merge", merge_id=made))
    return _back(kept)
