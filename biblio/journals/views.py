"""The pages about journals: what each yields, suggestions to answer, and who changed what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.catalogue import journals
from biblio.catalogue.journals import Told, full_name, journal_key, monitored
from biblio.errors import NotFound, RequestRefused
from biblio.journals import queries
from biblio.journals.forms import AnswerForm, BeginForm, EndForm
from biblio.journals.queries import Counted, SuggestionLine, Yield, YieldKeeper
from biblio.store.words import SuggestionOrigin, SuggestionState

YEARS_SHOWN = 15
"""Years of the little charts, the running one included."""

_SHOWN = ("monitored", "others", "all")

_SORTS: Mapping[str, Callable[[Yield], Any]] = {
    "journal": lambda e: e.name.casefold(),
    "science": lambda e: e.science,
    "held": lambda e: e.held,
    "waiting": lambda e: e.waiting,
    "read": lambda e: e.read,
    "last": lambda e: e.last.came_at if e.last else None,
    "complete": lambda e: e.coverage.complete_until if e.coverage else None,
}

blueprint = Blueprint("journals", __name__)


def make_blueprint() -> Blueprint:
    """Return the blueprint of the pages about journals."""
    return blueprint


def _keeper() -> YieldKeeper:
    keeper: YieldKeeper = current_app.extensions.setdefault("biblio_journal_yields", YieldKeeper())
    return keeper


def _counted(unit: Session) -> dict[str, Counted]:
    return _keeper().current(unit, webkit.runtime().clock.now())


@blueprint.route("/journals")
@webkit.action("journals.read")
def overview() -> ResponseReturnValue:
    """The journals and what each yields."""
    wired = webkit.runtime()
    asked = request.args.get("show", "")
    show = asked if asked in _SHOWN else _SHOWN[0]
    today = wired.clock.today()
    with webkit.reading() as unit:
        counted, watched = _counted(unit), monitored(unit, wired.profile)
        lines = queries.yields(
            unit, counted, watched, years=range(max(today.year - YEARS_SHOWN + 1, 1990), today.year + 1)
        )
        waiting = queries.waiting_suggestions(unit)
    numbers = {
        "monitored": sum(line.watch is not None for line in lines),
        "others": sum(line.watch is None for line in lines),
        "all": len(lines),
    }
    if show != "all":
        lines = [line for line in lines if (line.watch is not None) == (show == "monitored")]
    page = webkit.paginate_list(
        lines,
        sorts=_SORTS,
        default_sort="-science",
        filters={"show": show},
    )
    if webkit.wants_table():
        return _yields_csv(page.items)
    return render_template(
        "journals/overview.html",
        page=page,
        show=show,
        numbers=numbers,
        waiting=waiting,
        counted_at=_keeper().counted_at,
    )


def _yields_csv(lines: Sequence[Yield]) -> Response:
    header = (
        "journal",
        "bibstem",
        "monitored",
        "papers with our data",
        "share",
        "papers held",
        "papers waiting",
        "full texts read",
        "last new paper",
        "complete until",
    )
    rows = (
        (
            line.name,
            line.bibstem,
            "yes" if line.watch else "no",
            line.science,
            None if line.share is None else round(line.share, 4),
            line.held,
            line.waiting,
            line.read,
            line.last.came_at.date() if line.last else None,
            line.coverage.complete_until if line.coverage else None,
        )
        for line in lines
    )
    return webkit.table_response("journals", header, rows)


@blueprint.route("/journals/begin", methods=["GET", "POST"])
@webkit.action("journals.decide")
def begin() -> ResponseReturnValue:
    """Monitor one more journal."""
    form = BeginForm()
    if request.method == "GET":
        form.name.data = request.args.get("name", "")[: journals.NAME_MAX]
    elif form.validate():
        wired = webkit.runtime()
        try:
            with webkit.writing() as unit:
                journal, watch = journals.begin(
                    unit,
                    webkit.actor(),
                    wired.profile,
                    form.name.data or "",
                    reason=form.reason.data or "",
                    now=wired.clock.now(),
                )
                name, watch_id = journal.name, watch.id
        except RequestRefused as refusal:
            form.form_errors.append(str(refusal))
        else:
            undo_url = url_for("journals.undo", watch_id=watch_id, of="begun")
            webkit.done(f"{name} is monitored from now on.", undo_url=undo_url)
            return redirect(url_for("journals.overview"))
    return render_template("journals/begin.html", form=form), 422 if form.summary() else 200


@blueprint.route("/journals/end", methods=["GET", "POST"])
@webkit.action("journals.decide")
def end() -> ResponseReturnValue:
    """Cease to monitor a journal."""
    wired, name = webkit.runtime(), full_name(request.args.get("name", ""))
    form = EndForm()
    with webkit.reading() as unit:
        if journal_key(name) not in monitored(unit, wired.profile):
            raise NotFound("This journal is not monitored, or somebody ended it meanwhile.")
    if form.validate_on_submit():
        with webkit.writing() as unit:
            watch = journals.end(
                unit, webkit.actor(), wired.profile, name, reason=form.reason.data or "", now=wired.clock.now()
            )
            watch_id = watch.id
        undo_url = url_for("journals.undo", watch_id=watch_id, of="ended")
        webkit.done(f"{name} is no longer monitored.", undo_url=undo_url)
        return redirect(url_for("journals.overview"))
    return render_template("journals/end.html", form=form, name=name), 422 if form.summary() else 200


@blueprint.route("/journals/changes/<int:watch_id>/undo", methods=["POST"])
@webkit.action("journals.decide")
def undo(watch_id: int) -> ResponseReturnValue:
    """Take the last change of a journal back."""
    with webkit.writing() as unit:
        ended = {"begun": False, "ended": True}.get(request.args.get("of", ""))
        name = journals.take_back(unit, webkit.actor(), watch_id, ended=ended, now=webkit.runtime().clock.now())
    webkit.done(f"{name} is as before.")
    return redirect(url_for("journals.changes"))


@blueprint.route("/journals/changes")
@webkit.action("journals.read")
def changes() -> ResponseReturnValue:
    """Who began or ended to monitor which journal, and why."""
    with webkit.reading() as unit:
        found = queries.changes(unit)
    page = webkit.paginate_list(
        found, sorts={"journal": lambda e: e.journal.casefold(), "at": lambda e: e.at}, default_sort=""
    )
    if webkit.wants_table():
        rows = ((e.at, e.journal, "begun" if e.began else "ended", e.by, e.reason) for e in page.items)
        return webkit.table_response("journal-changes", ("at", "journal", "what", "by", "reason"), rows)
    return render_template("journals/changes.html", page=page)


# -- suggestions ------------------------------------------------------------------------------------------------------


@blueprint.route("/journals/suggestions")
@webkit.action("journals.read")
def suggestions() -> ResponseReturnValue:
    """The journals that somebody, or papers found elsewhere, suggest."""
    asked = request.args.get("state", "")
    state = SuggestionState(asked) if asked in set(SuggestionState) else SuggestionState.WAITING
    with webkit.reading() as unit:
        found = queries.suggestions(unit, state, _counted(unit))
    page = webkit.paginate_list(
        found,
        sorts={
            "journal": lambda e: e.name.casefold(),
            "times": lambda e: e.row.times,
            "papers": lambda e: e.science,
            "made": lambda e: e.row.made_at,
        },
        filters={"state": state.value},
    )
    if webkit.wants_table():
        return _suggestions_csv(page.items)
    return render_template(
        "journals/suggestions.html", page=page, state=state, states=list(SuggestionState), origins=SuggestionOrigin
    )


def _suggestions_csv(lines: Sequence[SuggestionLine]) -> Response:
    header = (
        "journal",
        "suggested by",
        "times",
        "since",
        "papers with our data",
        "papers held",
        "state",
        "reason",
        "by",
    )
    rows = (
        (
            line.name,
            line.row.origin.value,
            line.row.times,
            line.row.made_at.date(),
            line.science,
            line.held,
            line.row.state.value,
            line.row.reason,
            line.handled_by,
        )
        for line in lines
    )
    return webkit.table_response("journal-suggestions", header, rows)


@blueprint.route("/journals/suggest", methods=["POST"])
@webkit.action("journals.decide")
def suggest() -> ResponseReturnValue:
    """Suggest a journal by hand, for somebody else to answer."""
    wired = webkit.runtime()
    name = request.form.get("name", "")[: journals.NAME_MAX]
    with webkit.writing() as unit:
        found = journals.suggest_journal(unit, wired.profile, name, SuggestionOrigin.PERSON, now=wired.clock.now())
    if found.told is Told.NO_NAME:
        webkit.problem("Type the journal's name.")
    elif found.told is Told.MONITORED:
        webkit.problem(f"{full_name(name)} is monitored already.")
    elif found.told is Told.REFUSED:
        webkit.problem(f"{full_name(name)} was refused before; look among the refused ones, and reopen it there.")
        return redirect(url_for("journals.suggestions", state=SuggestionState.REFUSED.value))
    else:
        webkit.done(f"{full_name(name)} is suggested.")
    return redirect(url_for("journals.suggestions"))


@blueprint.route("/journals/suggestions/<int:suggestion_id>", methods=["POST"])
@webkit.action("journals.decide")
def answer(suggestion_id: int) -> ResponseReturnValue:
    """Accept or refuse a suggestion, with the reason that was typed."""
    form, wired = AnswerForm(), webkit.runtime()
    accepts = request.form.get("answer") == "accept"
    if not form.validate():
        webkit.problem("Say why: others read it in the history. Nothing was changed.")
        return redirect(url_for("journals.suggestions", _anchor=f"s-{suggestion_id}"))
    reason, now = form.reason.data or "", wired.clock.now()
    with webkit.writing() as unit:
        if accepts:
            row = journals.accept_suggestion(unit, webkit.actor(), wired.profile, suggestion_id, reason=reason, now=now)
        else:
            row = journals.refuse_suggestion(unit, webkit.actor(), suggestion_id, reason=reason, now=now)
        name = row.name
    said = "is monitored from now on" if accepts else "is refused, and will not be suggested again"
    webkit.done(f"{name} {said}.", undo_url=url_for("journals.reopen", suggestion_id=suggestion_id))
    return redirect(url_for("journals.suggestions"))


@blueprint.route("/journals/suggestions/<int:suggestion_id>/reopen", methods=["POST"])
@webkit.action("journals.decide")
def reopen(suggestion_id: int) -> ResponseReturnValue:
    """Let an answered suggestion wait again."""
    wired = webkit.runtime()
    with webkit.writing() as unit:
        row = journals.reopen_suggestion(unit, webkit.actor(), wired.profile, suggestion_id, now=wired.clock.now())
        name = row.name
    webkit.done(f"The suggestion of {name} waits again.")
    return redirect(url_for("journals.suggestions"))
