"""The public pages and the API: search, papers, projects, and "your list misses my paper"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select
from wtforms import StringField

from biblio import webkit
from biblio.catalogue.pasted import read_identifier
from biblio.errors import NotFound, RequestRefused
from biblio.public import exports, queries, service
from biblio.public.forms import ReportForm
from biblio.store.models import PaperReport
from biblio.store.words import ReportState

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


@blueprint.route("/publication/reported")
@webkit.action("desk.read")
def reports() -> ResponseReturnValue:
    """The papers that readers told us of, for librarians."""
    asked = request.args.get("state", ReportState.WAITING.value)
    state = ReportState(asked) if asked in set(ReportState) else ReportState.WAITING
    statement = select(PaperReport).where(col(PaperReport.state) == state).order_by(col(PaperReport.id))
    with webkit.reading() as unit:
        page = webkit.paginate(unit, statement, filters={"state": state.value}, exports=())
        papers = queries.papers_of_reports(unit, page.items)
    desk = "verify.paper" if "verify.paper" in current_app.view_functions else None
    rows = [
        (report, papers.get(report.id), exports.address_of(report.scheme, report.identifier)) for report in page.items
    ]
    return render_template(
        "public/reports.html", page=page, rows=rows, state=state, states=list(ReportState), desk=desk
    )


@blueprint.route("/publication/reported/<int:report_id>/<state>", methods=["POST"])
@webkit.action("desk.decide")
def handle(report_id: int, state: str) -> ResponseReturnValue:
    """Note what was done about a reported paper."""
    if state not in set(ReportState):
        raise NotFound("There is no such state of a reported paper.")
    wanted = ReportState(state)
    with webkit.writing() as unit:
        report = service.handle(unit, webkit.actor(), report_id, wanted, now=webkit.runtime().clock.now())
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
