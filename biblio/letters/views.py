"""The pages of letters: where each stands, what to do about those in doubt, and which addresses do not work any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from biblio import mail, webkit
from biblio.errors import NotFound
from biblio.feature import load_features
from biblio.letters import queries
from biblio.letters.queries import RETURNED_PARTS, STATE_WORDS
from biblio.mail import LetterKind
from biblio.mail.bounces import DEAD, WORKS, say, unsay
from biblio.store.models import AuditEntry
from biblio.store.words import MailState

Decide = Callable[..., AuditEntry]

_DECISIONS: dict[str, tuple[Decide, str]] = {
    "arrived": (mail.arrived, "counts as sent"),
    "resend": (mail.resend, "waits to be sent again, with the same Message-ID"),
    "give-up": (mail.give_up, "is given up"),
}
"""What a person may decide of a letter, by the last part of the address, and how it is told."""

blueprint = Blueprint("letters", __name__)


def make_blueprint() -> Blueprint:
    """Return the blueprint of the pages of letters."""
    return blueprint


def kinds() -> dict[str, LetterKind]:
    """Return every kind of letter that a feature sends, by its name."""
    return {kind.name: kind for feature in load_features() for kind in feature.letters}


@blueprint.route("/letters")
@webkit.action("mail.read")
def index() -> ResponseReturnValue:
    """All letters by state."""
    known = kinds()
    with webkit.reading() as unit:
        counts = queries.counts(unit)
        returned = queries.unseen_addresses(unit)
        campaigns = queries.campaigns(unit)
        taken = _filters(known, campaigns)
        webkit.say_what_was_left_out(taken, taken)
        chosen = MailState(taken["state"]) if taken["state"] else None
        campaign = int(taken["campaign"]) if taken["campaign"] else None
        selected = queries.letters(chosen, taken["kind"], taken["q"], campaign)
        page = webkit.paginate(unit, selected, sorts=queries.SORTS, filters=taken)
        of = queries.campaigns_of(unit, [row.id for row in page.items]) if campaigns else {}
    if webkit.wants_table():
        header = ("number", "kind", "campaign", "to", "subject", "state", "written", "sent", "reason", "message-id")
        rows = (
            (r.id, queries.words_of(known, r.kind), campaigns.get(of.get(r.id, 0)), r.recipient, r.subject,
             STATE_WORDS[r.state], r.created_at, r.sent_at, r.reason, r.message_id)
            for r in page.items
        )  # fmt: skip
        return webkit.table_response("letters", header, rows)
    return render_template(
        "letters/index.html",
        page=page,
        counts=counts,
        in_doubt=counts[MailState.UNCERTAIN],
        returned=returned,
        kinds=known,
        states=STATE_WORDS,
        campaigns=campaigns,
        campaign_of=of,
    )


def _filters(known: Mapping[str, LetterKind], campaigns: Mapping[int, str]) -> dict[str, str]:
    """Return what the address asks for; a word that is none of a filter's is left empty."""
    asked = {name: " ".join(request.args.get(name, "").split()) for name in ("state", "kind", "campaign", "q")}
    there: dict[str, Collection[str]] = {"state": set(MailState), "kind": known, "campaign": set(map(str, campaigns))}
    return {name: word[:200] if name == "q" or word in there[name] else "" for name, word in asked.items()}


@blueprint.route("/letters/<int:mail_id>")
@webkit.action("mail.read")
def show(mail_id: int) -> ResponseReturnValue:
    """One letter: where it stands, its text without links, what came back, who decided what."""
    known = kinds()
    with webkit.reading() as unit:
        found = queries.shown(unit, mail_id)
        kind = known.get(found.mail.kind)
        is_erased = not found.mail.email
        text = kind.preview(unit, webkit.runtime(), found.mail) if kind and kind.preview and not is_erased else None
    return render_template(
        "letters/show.html",
        letter=found.mail,
        found=found,
        text=text,
        is_erased=is_erased,
        words=queries.words_of(known, found.mail.kind),
        states=STATE_WORDS,
    )


def _to_letter(mail_id: int, **_given: object) -> ResponseReturnValue:
    if request.args.get("back") == "list":
        return redirect(url_for("letters.index", state=MailState.UNCERTAIN.value))
    return redirect(url_for("letters.show", mail_id=mail_id))


@blueprint.route("/letters/<int:mail_id>/<any('arrived', 'resend', 'give-up'):what>", methods=["POST"])
@webkit.action("mail.decide")
@webkit.refusals_told(_to_letter)
def decide(mail_id: int, what: str) -> ResponseReturnValue:
    """Decide about a letter that may or may not have left, or give up one that waits."""
    act, words = _DECISIONS[what]
    with webkit.writing() as unit:
        entry = act(unit, webkit.actor(), mail_id, now=webkit.runtime().clock.now())
    undo = url_for("letters.undo", mail_id=mail_id, entry_id=entry.id)
    webkit.done(f"Letter {mail_id} {words}.", undo_url=undo)
    return _to_letter(mail_id)


@blueprint.route("/letters/<int:mail_id>/undo/<int:entry_id>", methods=["POST"])
@webkit.action("mail.decide")
@webkit.refusals_told(_to_letter)
def undo(mail_id: int, entry_id: int) -> ResponseReturnValue:
    """Take back what was decided about a letter, as long as nothing came after it."""
    with webkit.writing() as unit:
        letter = mail.undo(unit, webkit.actor(), entry_id, now=webkit.runtime().clock.now())
    webkit.done(f"Letter {letter.id} is {STATE_WORDS[letter.state]} again.")
    return _to_letter(mail_id)


# -- what came back ---------------------------------------------------------------------------------------------------


@blueprint.route("/letters/returned")
@webkit.action("mail.read")
def returned() -> ResponseReturnValue:
    """What came back: which letter, from whom, why, and what is known of the address."""
    part, words = request.args.get("show", "") or "new", " ".join(request.args.get("q", "").split())[:200]
    taken = {"show": part if part in RETURNED_PARTS else "", "q": words}
    webkit.say_what_was_left_out(taken, taken)
    chosen = taken["show"] or "new"
    with webkit.reading() as unit:
        counts = queries.returned_counts(unit)
        page = webkit.paginate(
            unit, queries.returned(chosen, words), sorts=queries.RETURNED_SORTS, filters={"show": chosen, "q": words}
        ).map(queries.as_returned)
    if webkit.wants_table():
        header = ("letter", "to", "address", "kind", "status", "the server said", "told at", "address is", "said by")
        rows = (
            (
                r.letter_id,
                r.recipient,
                r.email,
                r.kind,
                r.bounce.status,
                r.bounce.words,
                r.bounce.told_at,
                r.standing,
                r.by,
            )
            for r in page.items
        )
        return webkit.table_response("returned-letters", header, rows)
    return render_template("letters/returned.html", page=page, counts=counts, chosen=chosen, kinds=kinds())


def _to_returned(**_given: object) -> ResponseReturnValue:
    part = request.args.get("show", "")
    return redirect(url_for("letters.returned", show=part if part in RETURNED_PARTS else None))


@blueprint.route("/letters/returned/<int:bounce_id>/<any('dead', 'works'):outcome>", methods=["POST"])
@webkit.action("mail.decide")
@webkit.refusals_told(_to_returned)
def say_of_address(bounce_id: int, outcome: str) -> ResponseReturnValue:
    """Say that an address does not work, or that it works again."""
    said = {
        DEAD: "The address counts as dead. Ask whoever keeps the project list for another one; nothing is sent until then.",
        WORKS: "The address counts as working: letters are sent to it again.",
    }
    with webkit.writing() as unit:
        entry = say(unit, webkit.actor(), bounce_id, outcome, now=webkit.runtime().clock.now())
    undo = url_for("letters.unsay_of_address", entry_id=entry.id, show=request.args.get("show"))
    webkit.done(said[outcome], undo_url=undo)
    return _to_returned()


@blueprint.route("/letters/returned/undo/<int:entry_id>", methods=["POST"])
@webkit.action("mail.decide")
@webkit.refusals_told(_to_returned, NotFound)
def unsay_of_address(entry_id: int) -> ResponseReturnValue:
    """Take back what was said of an address."""
    with webkit.writing() as unit:
        unsay(unit, webkit.actor(), entry_id, now=webkit.runtime().clock.now())
    webkit.done("Taken back: the address stands as before.")
    return _to_returned()
