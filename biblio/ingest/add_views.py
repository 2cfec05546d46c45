"""Adding a paper by its number: the form, and the page that waits until it can be opened on the desk."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select
from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired, Length

from biblio import webkit
from biblio.catalogue.identity import Identifier
from biblio.catalogue.pasted import read_identifier
from biblio.errors import RequestRefused
from biblio.ingest import by_identifier
from biblio.ingest.by_identifier import ADD
from biblio.jobs import run_at_work
from biblio.store.models import WantedPaper
from biblio.store.words import WantedState

WAIT_S = 4.0
"""How long the answer to the form waits for the paper; after that a page shows how far it is, and reloads itself."""

RELOAD_S = 2
"""How often that page reloads itself while the paper is being fetched, read and matched."""


class AddForm(webkit.Form):
    """One paper, by any of its numbers."""

    identifier = StringField(
        "Which paper",
        [DataRequired("Paste the paper's DOI, bibcode or arXiv number."), Length(max=300)],
        description="A DOI, an ADS bibcode, an arXiv number, or the address of one of its pages.",
        render_kw={"autocomplete": "off", "spellcheck": "false", "autofocus": True},
    )
    submit = SubmitField("Add and open")


@dataclass(frozen=True, slots=True)
class Waits:
    """One paper that waits, and whether it is being fetched at this moment."""

    row: WantedPaper
    is_at_work: bool


def add_to(blueprint: Blueprint) -> None:
    """Put these pages among those of ingest."""
    blueprint.add_url_rule("/papers/add", "add_paper", add_paper, methods=["GET", "POST"])
    blueprint.add_url_rule("/papers/add/<int:wanted_id>", "wanted", wanted)
    blueprint.add_url_rule("/papers/add/<int:wanted_id>/again", "ask_again", ask_again, methods=["POST"])
    blueprint.add_url_rule("/papers/add/<int:wanted_id>/drop", "drop_wanted", drop_wanted, methods=["POST"])
    blueprint.add_url_rule("/papers/add/<int:wanted_id>/keep", "keep_wanted", keep_wanted, methods=["POST"])


@webkit.action("desk.decide")
def add_paper() -> ResponseReturnValue:
    """Fetch a paper by its number and open it on the desk; one that is there is opened at once."""
    form = AddForm(request.values)  # a reported paper comes here with its number in the address, by 307
    if request.method == "POST" and form.validate():
        try:
            identifier = read_identifier(form.identifier.data or "")
            return _ask(identifier, again=bool(request.values.get("again")))
        except RequestRefused as refusal:
            form.identifier.errors = [*form.identifier.errors, str(refusal)]
    return _form(form), 422 if form.summary() else 200


def _form(form: AddForm) -> str:
    wired = webkit.runtime()
    with webkit.reading() as unit:
        rows = unit.exec(
            select(WantedPaper)
            .where(col(WantedPaper.state) == WantedState.WAITING)
            .order_by(col(WantedPaper.id).desc())
            .limit(webkit.PAGE_SIZE)
        ).all()
        is_at_work = run_at_work(unit, ADD.name, wired.clock.now()) is not None
    waiting = [Waits(row, is_at_work and not row.tries) for row in rows]
    return render_template(
        "ingest/add.html", form=form, waiting=waiting, has_token=wired.settings.ads_token is not None
    )


def _ask(identifier: Identifier, *, again: bool) -> ResponseReturnValue:
    """Ask for the paper; open it if it is there, or comes in a moment."""
    wired, person = webkit.runtime(), webkit.actor()
    with webkit.writing() as unit:
        asked = by_identifier.ask(unit, wired, person, identifier, now=wired.clock.now(), again=again)
    if asked.wanted_id is None:
        assert asked.paper_id is not None
        webkit.done(f"{identifier.value} is in the catalogue already.")
        return redirect(_paper(asked.paper_id))
    by_identifier.start_adding(wired, asked.wanted_id, person.person_id()).join(timeout=WAIT_S)
    return redirect(url_for("ingest.wanted", wanted_id=asked.wanted_id, project=_project()))


def _paper(paper_id: int) -> str:
    """Return where a paper is looked at: on the desk, where there is one."""
    if "verify.paper" in current_app.view_functions:
        return url_for("verify.paper", paper_id=paper_id, project=_project())
    return url_for("public.paper", paper_id=paper_id)


def _project() -> str | None:
    """Return the project that the paper is to be opened with: what a reader reported for it."""
    asked = request.values.get("project", "")
    return asked if asked.isdecimal() and len(asked) < 10 else None


@webkit.action("desk.decide")
def wanted(wanted_id: int) -> ResponseReturnValue:
    """Show how far a paper is that was asked for; leads to the desk when it is there."""
    wired = webkit.runtime()
    with webkit.reading() as unit:
        row = by_identifier.wanted(unit, wanted_id)
        is_at_work = run_at_work(unit, ADD.name, wired.clock.now()) is not None
    if row.state is WantedState.ADDED and row.paper_id is not None:
        webkit.done(f"{row.identifier} was added.{f' {row.words}' if row.words else ''}")
        return redirect(_paper(row.paper_id))
    is_coming = row.state is WantedState.WAITING and is_at_work and not row.tries
    page = render_template("ingest/wanted.html", row=row, is_coming=is_coming, reload_s=RELOAD_S)
    answer: Response = make_response(page)
    if is_coming:
        answer.headers["Refresh"] = str(RELOAD_S)
        answer.headers["Cache-Control"] = "no-store"
    return answer


@webkit.action("desk.decide")
def ask_again(wanted_id: int) -> ResponseReturnValue:
    """Try a paper that waits once more, now."""
    with webkit.reading() as unit:
        row = by_identifier.wanted(unit, wanted_id)
    return _ask(Identifier(row.scheme, row.identifier), again=row.paper_id is not None)


@webkit.action("desk.decide")
def drop_wanted(wanted_id: int) -> ResponseReturnValue:
    """Ask no more for a paper that waits."""
    with webkit.writing() as unit:
        row = by_identifier.give_up(unit, webkit.actor(), wanted_id, now=webkit.runtime().clock.now())
    webkit.done(
        f"{row.identifier} is not asked for any more.", undo_url=url_for("ingest.keep_wanted", wanted_id=row.id)
    )
    return redirect(url_for("ingest.add_paper"))


@webkit.action("desk.decide")
def keep_wanted(wanted_id: int) -> ResponseReturnValue:
    """Let a paper that was given up wait again, for the night."""
    wired = webkit.runtime()
    with webkit.writing() as unit:
        row = by_identifier.wanted(unit, wanted_id)
        identifier = Identifier(row.scheme, row.identifier)
        by_identifier.ask(unit, wired, webkit.actor(), identifier, now=wired.clock.now())
    webkit.done(f"{identifier.value} waits again.")
    return redirect(url_for("ingest.add_paper"))
