"""The report's pages: five numbers, three pictures, tables; each number leads to its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from biblio.errors import NotFound, RequestRefused
from biblio.store.answers import answers_of_closed_campaigns
from biblio.store.current import projects_under_second_reading, under_second_reading
from biblio.webkit import action, done, paginate_list, reading, runtime, table_response, wants_table, writing
from reports import render
from reports.build import Figure, Report
from reports.charts import CHARTS, THEMES, svg
from reports.definitions import INDICATORS
from reports.latest import report_of
from reports.queries import PaperFacts, ProjectFacts
from reports.service import freeze, last_snapshot

EXPORTS: dict[str, tuple[Callable[..., str | bytes], str]] = {
    "pdf": (render.as_pdf, "application/pdf"),
    "xlsx": (render.as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": (render.as_csv, "text/csv"),
    "json": (render.as_json, "application/json"),
}
"""The files that the page offers: what writes each, and its media type."""

blueprint = Blueprint("reports", __name__, url_prefix="/reports")


def asked_day() -> date | None:
    """Return the day that the address asks for (``?as_of=2026-01-31``). Raises ``RequestRefused`` when it is none."""
    text = request.args.get("as_of", "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(f"{text!r} is no day; write it like 2026-01-31.") from error
    if day > runtime().clock.today():
        raise RequestRefused("A report of a day to come cannot be made; leave the day empty for today.")
    return day


@blueprint.get("/")
@action("reports.read")
def index() -> str:
    """Show what became of the telescope time."""
    with reading() as session:
        report = report_of(runtime(), session, asked_day())
        snapshot = last_snapshot(session)
        answers = answers_of_closed_campaigns(session)
    return render_template(
        "reports/index.html",
        report=report,
        answers=answers,
        snapshot=snapshot,
        indicators=INDICATORS,
        shown=render.shown,
        interval=render.interval,
        origins=render.origins_used(report),
        exports=[kind for kind in EXPORTS if kind != "pdf" or render.can_write_pdf()],
        change=lambda figure: change(figure, snapshot.figures if snapshot else {}),
        as_of=request.args.get("as_of", ""),
    )


def change(figure: Figure, before: dict[str, Any]) -> str:
    """Return how a number differs from the last snapshot, as people read it; nothing when it was not there."""
    then = before.get(figure.indicator.key)
    if then is None or figure.value != figure.value:
        return ""
    if figure.denominator is None:
        return f"{figure.value - then:+.0f}"
    return f"{100 * (figure.value - then):+.1f} points"


@blueprint.get("/chart/<name>.<theme>.svg")
@action("reports.read")
def chart(name: str, theme: str) -> Response:
    """Draw one of the pictures."""
    if name not in CHARTS or theme not in THEMES:
        abort(404)
    with reading() as session:
        report = report_of(runtime(), session, asked_day())
    response = make_response(svg(report, name, theme))
    response.mimetype = "image/svg+xml"
    response.headers["Cache-Control"] = "private, max-age=60"
    return response


@blueprint.get("/rows/<key>")
@action("reports.read")
def rows(key: str) -> str | Response:
    """Show the projects or papers behind one number."""
    indicator = INDICATORS.get(key)
    if indicator is None or not indicator.rows:
        raise NotFound("Nothing stands behind this number, or there is no such number.")
    label = request.args.get("of", "")
    with reading() as session:
        report = report_of(runtime(), session, asked_day())
        hidden = render.Hidden(under_second_reading(session), projects_under_second_reading(session))
    figure = next((f for f in render.figures(report) if f.indicator.key == key and f.label == label), None)
    if figure is None:
        raise NotFound(f"The report has no number {indicator.name!r} of {label!r} on {report.as_of}.")
    if indicator.rows == "projects":
        return _project_rows(report, figure, hidden.projects)
    return _paper_rows(report, figure, hidden.papers)


def _project_rows(report: Report, figure: Figure, hidden: Collection[int]) -> str | Response:
    """Show the projects; of one with a paper under blind second reading only that it is counted, as ``_paper_rows``."""
    papers: dict[int, int] = {}
    for _, project_id in report.facts.links:
        papers[project_id] = papers.get(project_id, 0) + 1
    found = [_UNNAMED_PROJECT if i in hidden else report.facts.projects[i] for i in figure.row_ids]
    if wants_table():
        lines = [
            (p.code, p.cycle, p.title, p.pi, p.category, p.partner, papers.get(p.id, 0) if p.id else None)
            for p in found
        ]
        return table_response(
            figure.indicator.key, ("code", "cycle", "title", "PI", "category", "partner", "papers"), lines
        )
    page = paginate_list(
        found, sorts={"code": lambda p: p.code, "pi": lambda p: p.pi, "title": lambda p: p.title}, default_sort="code"
    )
    return render_template("reports/project_rows.html", report=report, figure=figure, page=page, papers=papers)


def _paper_rows(report: Report, figure: Figure, hidden: Collection[int]) -> str | Response:
    """Show the papers; of one under blind second reading only that it is counted, or the list would tell its verdict."""
    codes: dict[int, list[str]] = {}
    for paper_id, project_id in report.facts.links:
        codes.setdefault(paper_id, []).append(report.facts.projects[project_id].code)
    found = [_UNNAMED if i in hidden else report.facts.papers[i] for i in figure.row_ids]
    if wants_table():
        lines = [
            (
                p.identifiers.get("bibcode"),
                p.identifiers.get("doi"),
                p.identifiers.get("arxiv"),
                p.year,
                p.journal,
                p.title,
                " ".join(codes.get(p.id, [])),
            )
            for p in found
        ]
        return table_response(
            figure.indicator.key, ("bibcode", "DOI", "arXiv", "year", "journal", "title", "projects"), lines
        )
    page = paginate_list(
        found,
        sorts={"year": lambda p: p.year, "title": lambda p: p.title, "journal": lambda p: p.journal},
        default_sort="-year",
    )
    return render_template("reports/paper_rows.html", report=report, figure=figure, page=page, codes=codes)


_UNNAMED = PaperFacts(
    id=0,
    title="under second reading",
    authors=(),
    year=None,
    is_refereed=False,
    kind="",
    journal="",
    published_on=None,
    preprint_on=None,
    identifiers={},
)
"""Stands for a paper that is counted and must not be named now."""

_UNNAMED_PROJECT = ProjectFacts(
    id=0,
    code="",
    cycle=None,
    is_pi_project=True,
    title="a paper of it is under second reading",
    pi="",
    team=(),
    category="",
    partner="",
    state="",
    units=(),
)
"""Stands for a project that is counted and must not be named now."""


@blueprint.get("/definitions")
@action("reports.read")
def definitions() -> str:
    """Show what each number means."""
    return render_template("reports/definitions.html", indicators=INDICATORS)


@blueprint.get("/export.<kind>")
@action("reports.read")
def export(kind: str) -> Response:
    """Give the whole report as a file."""
    with reading() as session:
        report = report_of(runtime(), session, asked_day())
        answers = answers_of_closed_campaigns(session)
        hidden = render.Hidden(under_second_reading(session), projects_under_second_reading(session))
    if kind not in EXPORTS:
        raise NotFound(f"A report is given as {', '.join(EXPORTS)}.")
    write, mimetype = EXPORTS[kind]
    response = make_response(render.as_json(report, answers, hidden) if kind == "json" else write(report, answers))
    response.mimetype = mimetype
    response.headers["Content-Disposition"] = f'attachment; filename="report-{report.as_of}.{kind}"'
    return response


@blueprint.post("/freeze")
@action("reports.freeze")
def freeze_now() -> Any:
    """Keep today's five numbers as a snapshot to compare with."""
    with writing() as session:
        report = report_of(runtime(), session)
        freeze(session, report, now=runtime().clock.now())
    done(f"Kept the numbers of {report.as_of}; later reports show the change since then.")
    return redirect(url_for("reports.index"))
