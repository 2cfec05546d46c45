"""The public pages and the API: search, papers, projects, and "your list misses my paper"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select
from wtforms import StringField

from biblio import webkit
from biblio.catalogue.pasted import read_identifier
from biblio.errors import NotFound, RequestRefused
from biblio.public import exports, queries, service
from biblio.public.forms import ReportForm
from biblio.public.index import IndexKeeper, PublicIndex
from biblio.public.queries import PublicPaper, PublicProject, Wanted
from biblio.store.models import PaperReport
from biblio.store.words import ReportState, Scheme

T = TypeVar("T")

API_PAGE = 100
"""Papers on one page of the API."""

_EXPORTS = ("csv", "bib")
blueprint = Blueprint("public", __name__)


def make_blueprint() -> Blueprint:
    """Return the blueprint of the public pages."""
    return blueprint


def _index(unit: Session) -> PublicIndex:
    """Return this process's index of the public bibliography, as of now."""
    keeper: IndexKeeper = current_app.extensions.setdefault("biblio_public_index", IndexKeeper())
    return keeper.current(unit)


def _wanted() -> Wanted:
    year = request.args.get("year", "")
    return Wanted(
        words=request.args.get("q", "").strip()[:300],
        year=int(year) if year.isdecimal() and len(year) == 4 else None,
        project=request.args.get("project", "").strip()[:64],
        refereed=request.args.get("refereed") == "yes",
    )


def _filters(wanted: Wanted) -> dict[str, str]:
    return {
        "q": wanted.words,
        "year": str(wanted.year or ""),
        "project": wanted.project,
        "refereed": "yes" if wanted.refereed else "",
    }


@blueprint.app_template_global("identifier_links")
def identifier_links(paper: PublicPaper) -> list[tuple[str, str]]:
    """Return (label, address) of every place where the paper can be read."""
    labels = {Scheme.DOI: "DOI", Scheme.BIBCODE: "ADS", Scheme.ARXIV: "arXiv"}
    return [(labels[s], exports.address_of(s, v)) for s, v in paper.identifiers.items()]


@blueprint.route("/")
@webkit.action(webkit.PUBLIC)
def search() -> ResponseReturnValue:
    """The start page; with a query, what it finds."""
    wanted = _wanted()
    if not wanted.is_anything and not request.args.get("format") and "q" not in request.args:
        return _start_page()
    sorts = {"year": lambda entry: entry.year, "title": lambda entry: entry.title}
    with webkit.reading() as unit:
        index = _index(unit)
        found = queries.matching(unit, index, wanted)
        page = webkit.paginate_list(found, sorts=sorts, filters=_filters(wanted), exports=_EXPORTS)
        papers = queries.filled(unit, index, [entry.paper_id for entry in page.items])
    if webkit.wants("csv"):
        return webkit.csv_response("papers", exports.CSV_HEADER, (exports.csv_row(p) for p in papers))
    if webkit.wants("bib"):
        return _bibtex_file("papers", papers)
    return render_template("public/results.html", page=page, papers=papers, wanted=wanted)


def _start_page() -> ResponseReturnValue:
    wired = webkit.runtime()
    with webkit.reading() as unit:
        index = _index(unit)
        newest = queries.filled(unit, index, [entry.paper_id for entry in index.papers[:8]])
    return render_template(
        "public/start.html",
        totals=(len(index.papers), len(index.projects)),
        years=index.by_year(),
        this_year=wired.clock.today().year,
        papers=newest,
        projects=index.projects[:10],
    )


def _bibtex_file(name: str, papers: list[PublicPaper]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.bib"'}
    return Response(exports.bibtex(papers), mimetype="text/plain", headers=headers)


@blueprint.route("/projects")
@webkit.action(webkit.PUBLIC)
def projects() -> ResponseReturnValue:
    """Projects and how many papers used them."""
    words = request.args.get("q", "").strip()[:300]
    sorts = {"code": lambda p: p.code, "papers": lambda p: p.papers, "newest": lambda p: p.newest}
    with webkit.reading() as unit:
        index = _index(unit)
        found = queries.matching_projects(index, words)
    page = webkit.paginate_list(found, sorts=sorts, default_sort="-papers", filters={"q": words})
    if webkit.wants("csv"):
        rows = ((p.code, p.title, p.papers, p.newest) for p in page.items)
        return webkit.csv_response("projects", ("project", "title", "papers", "newest paper"), rows)
    return render_template("public/projects.html", page=page)


@blueprint.route("/project/<path:code>")
@webkit.action(webkit.PUBLIC)
def project(code: str) -> ResponseReturnValue:
    """A project and the papers that used its data; the address is permanent."""
    with webkit.reading() as unit:
        index = _index(unit)
        found = _project(unit, code)
        if found.code != code:
            return redirect(url_for("public.project", code=found.code), 301)
        used = queries.matching(unit, index, Wanted(project=found.code))
        page = webkit.paginate_list(used, exports=_EXPORTS)
        papers = queries.filled(unit, index, [entry.paper_id for entry in page.items])
    if webkit.wants("csv"):
        return webkit.csv_response(found.code, exports.CSV_HEADER, (exports.csv_row(p) for p in papers))
    if webkit.wants("bib"):
        return _bibtex_file("papers-of-project", papers)
    profile = webkit.runtime().profile
    cycle = profile.cycle(found.cycle) if found.cycle else None
    pattern = profile.observatory.archive_project_url
    archive = pattern.replace("{code}", quote(found.code, safe="")) if pattern else None
    return render_template("public/project.html", project=found, cycle=cycle, archive=archive, page=page, papers=papers)


def _project(unit: Session, code: str) -> PublicProject:
    found = queries.find_project(unit, code)
    if found is None:
        raise NotFound(f"There is no project {code[:64]} in the observatory's list. Check the code, or search for it.")
    return found


@blueprint.route("/paper/<int:paper_id>")
@webkit.action(webkit.PUBLIC)
def paper(paper_id: int) -> ResponseReturnValue:
    """One paper: who wrote it, where to read it, whose data it used."""
    with webkit.reading() as unit:
        index = _index(unit)
        found = queries.find_paper(unit, index, paper_id) if paper_id < 2**31 else None
    if found is None:
        raise NotFound("There is no such paper in the public list.")
    if found.paper_id != paper_id:
        return redirect(url_for("public.paper", paper_id=found.paper_id), 301)
    if webkit.wants("bib"):
        return _bibtex_file(f"paper-{paper_id}", [found])
    return render_template("public/paper.html", paper=found)


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


# -- the API ----------------------------------------------------------------------------------------------------------


@blueprint.route("/api/papers.json")
@webkit.action(webkit.PUBLIC)
def api_papers() -> ResponseReturnValue:
    """Papers as JSON, with the same query as the search page."""
    with webkit.reading() as unit:
        index = _index(unit)
        found = queries.matching(unit, index, _wanted())
        page = webkit.paginate_list(found, size=API_PAGE, exports=())
        papers = queries.filled(unit, index, [entry.paper_id for entry in page.items])
    following = page.page_address(page.number + 1) if page.number < page.pages else None
    return jsonify(count=page.count, page=page.number, next=following, papers=[exports.as_json(p) for p in papers])


@blueprint.route("/api/projects/<path:code>.json")
@webkit.action(webkit.PUBLIC)
def api_project(code: str) -> ResponseReturnValue:
    """A project and its papers as JSON."""
    with webkit.reading() as unit:
        index = _index(unit)
        found = _project(unit, code)
        used = queries.matching(unit, index, Wanted(project=found.code))
        papers = queries.filled(unit, index, [entry.paper_id for entry in used])
    return jsonify(
        code=found.code,
        cycle=found.cycle,
        title=found.title,
        pi=found.pi,
        category=found.category,
        count=len(papers),
        papers=[exports.as_json(p) for p in papers],
    )
