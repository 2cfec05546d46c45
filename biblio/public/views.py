"""The page "your list misses my paper", and what librarians do about it; ``search_views`` and ``api`` have the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from biblio import webkit
from biblio.catalogue.identity import Identifier
from biblio.catalogue.pasted import read_identifier
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.public import api, reported_papers, search_views, service
from biblio.public.forms import ReportForm
from biblio.store.words import ReportState, Scheme

T = TypeVar("T")

blueprint = Blueprint("public", __name__)


def make_blueprint() -> Blueprint:
    """Return the blueprint of the public pages."""
    return blueprint


# -- "your list misses my paper" --------------------------------------------------------------------------------------


@blueprint.route("/publication", methods=["GET", "POST"])
@webkit.action(webkit.PUBLIC)
@webkit.throttled("20 per hour")
def report_paper() -> ResponseReturnValue:
    """Tell the librarians of a paper that the list misses; no login, no sender."""
    form = ReportForm()
    if request.method == "GET":
        form.project_code.data = request.args.get("project", "")[:64]
    elif form.is_by_a_machine:
        return redirect(url_for("public.reported"))
    elif form.validate():
        told = _tell(form)
        if told is not None:
            return redirect(url_for("public.reported", told=told.value))
    return render_template("public/report.html", form=form), 422 if form.summary() else 200


def _tell(form: ReportForm) -> service.Told | None:
    """Keep what the form says; None when a field cannot be read, with the reason at the field."""
    wired = webkit.runtime()
    identifier = _read(form.identifier, read_identifier)
    code = _read(form.project_code, lambda written: service.read_code(written, wired.grammar))
    if identifier is None or code is None:
        return None
    report = service.Report(identifier=identifier, project_code=code, note=form.note.data or "")
    with webkit.writing() as unit:
        return service.report_paper(unit, report, now=wired.clock.now())


def _read(field: StringField, reader: Callable[[str], T]) -> T | None:
    """Return what ``reader`` makes of a field, or None with the reason at the field."""
    try:
        return reader(field.data or "")
    except RequestRefused as refusal:
        field.errors = [*field.errors, str(refusal)]
        return None


@blueprint.route("/publication/thanks")
@webkit.action(webkit.PUBLIC)
def reported() -> ResponseReturnValue:
    """What happens next with a reported paper."""
    told = request.args.get("told", "")
    return render_template("public/reported.html", told=told if told in set(service.Told) else "new")


@blueprint.route("/desk/reported")
@webkit.action("desk.read")
def reports() -> ResponseReturnValue:
    """The papers that readers told us of, for librarians: one row for each paper, the newest first."""
    asked = request.args.get("state", ReportState.WAITING.value)
    state = ReportState(asked) if asked in set(ReportState) else ReportState.WAITING
    words = request.args.get("q", "").strip()[:100]
    filters = {"state": state.value, "q": words}
    with webkit.reading() as unit:
        page = webkit.paginate(unit, reported_papers.papers(state, words), filters=filters, exports=())
        rows = reported_papers.filled(unit, page.items, state)
        waiting = reported_papers.count_waiting(unit)
    return render_template(
        "public/reports.html",
        page=page,
        rows=rows,
        state=state,
        states=list(ReportState),
        waiting=waiting,
        desk="verify.paper" if "verify.paper" in current_app.view_functions else None,
        adds="ingest.add_paper" in current_app.view_functions,
        most=service.MOST_PAPERS,
    )


@blueprint.route("/desk/reported/take", methods=["POST"])
@webkit.action("desk.decide")
def take() -> ResponseReturnValue:
    """Take a reported paper up: it is fetched, or matched anew, with what was reported, and opened on the desk."""
    wired, written = webkit.runtime(), request.args.get("paper", "")
    identifier = _named(written)
    with webkit.writing() as unit:
        now = wired.clock.now()
        taken = service.handle_papers(unit, webkit.actor(), [identifier], ReportState.TAKEN, now=now)
        if not taken:
            raise Stale("Somebody else handled this reported paper meanwhile.")
        project = reported_papers.only_project(unit, taken)
    webkit.done(f"{identifier.value} is taken up.", undo_url=_undo(now))
    if "ingest.add_paper" not in current_app.view_functions:
        return redirect(url_for("public.reports"))
    # 307: the browser sends the same form there, token and all.
    add = url_for("ingest.add_paper", identifier=identifier.value, again="yes", project=project)
    return redirect(add, 307)


@blueprint.route("/desk/reported/decline", methods=["POST"])
@webkit.action("desk.decide")
def decline() -> ResponseReturnValue:
    """Decline the reported papers that are ticked, or all that wait; one act, undone as one."""
    wired = webkit.runtime()
    ticked = [_named(written) for written in request.form.getlist("paper")[: service.MOST_PAPERS]]
    one = request.args.get("paper")
    everything = request.args.get("all") == "yes"
    papers = None if everything else [_named(one)] if one else ticked
    if papers is not None and not papers:
        raise RequestRefused("Tick the papers to decline first; nothing was changed.")
    now, reason = wired.clock.now(), request.form.get("reason", "")
    with webkit.writing() as unit:
        declined = service.handle_papers(
            unit, webkit.actor(), papers, ReportState.DECLINED, now=now, reason=reason[: service.NOTE_MAX_LENGTH]
        )
    if not declined:
        raise Stale("Somebody else handled these reported papers meanwhile.")
    number = len({(report.scheme, report.identifier) for report in declined})
    webkit.done(f"{number} reported {'paper is' if number == 1 else 'papers are'} declined.", undo_url=_undo(now))
    return redirect(url_for("public.reports"))


def _undo(moment: datetime) -> str:
    return url_for("public.reopen", at=moment.isoformat())


@blueprint.route("/desk/reported/reopen", methods=["POST"])
@webkit.action("desk.decide")
def reopen() -> ResponseReturnValue:
    """Let what this person handled in one act wait again."""
    wired = webkit.runtime()
    try:
        moment = datetime.fromisoformat(request.args.get("at", "").replace(" ", "+"))
    except ValueError as error:
        raise NotFound("There is no such act to take back.") from error
    if moment.tzinfo is None:
        raise NotFound("There is no such act to take back.")
    with webkit.writing() as unit:
        number = service.reopen(unit, webkit.actor(), moment, now=wired.clock.now())
    if not number:
        raise Stale("This was taken back already, or the same was reported anew since.")
    webkit.done(f"{number} {'report waits' if number == 1 else 'reports wait'} again.")
    return redirect(url_for("public.reports"))


def _named(written: str) -> Identifier:
    """Return the paper that a form or address of ours names, as "arxiv 2401.00001". Raises ``NotFound``."""
    scheme, _, value = written.partition(" ")
    if scheme not in set(Scheme) or not value or len(value) > 255:
        raise NotFound("There is no such reported paper.")
    return Identifier(Scheme(scheme), value)


@blueprint.route("/desk/reported/<int:report_id>/<state>", methods=["POST"])
@webkit.action("desk.decide")
def handle(report_id: int, state: str) -> ResponseReturnValue:
    """Note what was done about one reported project of a paper."""
    if state not in set(ReportState):
        raise NotFound("There is no such state of a reported paper.")
    wanted = ReportState(state)
    with webkit.writing() as unit:
        now = webkit.runtime().clock.now()
        reason = request.form.get("reason", "")[: service.NOTE_MAX_LENGTH]
        report = service.handle(unit, webkit.actor(), report_id, wanted, now=now, reason=reason)
    words = {
        ReportState.TAKEN: "is noted as taken up",
        ReportState.DECLINED: "is noted as not ours",
        ReportState.WAITING: "waits again",
    }
    undo = url_for("public.handle", report_id=report_id, state=ReportState.WAITING.value)
    webkit.done(
        f"The report of {report.identifier} {words[wanted]}.",
        undo_url=undo if wanted is not ReportState.WAITING else None,
    )
    return redirect(url_for("public.reports"))


search_views.add_rules(blueprint)
api.add_rules(blueprint)
