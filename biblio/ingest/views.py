"""The harvest and coverage pages: what was asked, what came, what is missing, what runs now, and buttons to fetch it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.errors import RequestRefused
from biblio.feature import all_jobs
from biblio.ingest import add_views, aside, coverage, journals, ledger, queries, refused, running
from biblio.ingest.forms import AsideForm, DaysForm, HoleForm
from biblio.ingest.holes import Hole, Kind, Scope, find_holes
from biblio.ingest.journals import JournalLine
from biblio.ingest.service import is_pressable, offered, start_job
from biblio.ingest.troubles import open_troubles

blueprint = Blueprint("ingest", __name__)
add_views.add_to(blueprint)

MOST_HOLES = 12
"""Holes of one kind listed at once; the others stand below a line that unfolds."""

_JOURNAL_SORTS = {
    "journal": lambda line: line.bibstem.lower(),
    "year": lambda line: line.year,
    "expected": lambda line: line.tally.expected if line.is_counted else None,
    "fetched": lambda line: line.tally.fetched,
    "read": lambda line: line.read,
    "refused": lambda line: line.tally.refused,
    "missing": lambda line: line.missing,
}


# -- the harvest page ---------------------------------------------------------------------------------------------------


@blueprint.route("/harvest")
@webkit.action("harvest.read")
def harvest() -> ResponseReturnValue:
    """Show how each source stands, what runs now, and what is left of the quotas."""
    wired = webkit.runtime()
    now, scope = wired.clock.now(), Scope.of(wired)
    with webkit.reading() as unit:
        states = coverage.source_states(unit)
        listed = coverage.askings(unit, wanted=scope.wanted)
        calendars = [coverage.source_calendar(listed, name, scope.since, scope.today) for name in coverage.CALENDARS]
        endpoints = ledger.ledger(unit, scope.today)
        page = webkit.paginate(unit, refused.once(), size=10)
        runs = running.running_now(unit, now)
        ended = running.just_ended(unit, now)
        jobs = all_jobs()
        planned = ledger.next_runs(unit, [jobs[name] for name in running.WATCHED if name in jobs], now)
        last = running.last_runs(unit, now)
        troubles = open_troubles(unit, running.WATCHED, now)
        newest = running.newest_run(unit)
    return render_template(
        "ingest/harvest.html",
        states=states,
        calendars=calendars,
        endpoints=endpoints,
        refusals=page,
        label_of=ledger.label_of,
        runs=runs,
        busy={run.job: run for run in runs},
        buttons=offered(),
        since=scope.since,
        planned=planned,
        last=last,
        ended=[run for run in ended if run.id not in {trouble.run for trouble in troubles}],
        troubles=troubles,
        is_pressable=is_pressable,
        has_token=scope.has_token,
        is_empty=all(state.last_at is None for state in states),
        watch=[run.id for run in runs],
        newest=newest,
    )


@blueprint.route("/harvest/progress")
@webkit.action("harvest.read")
def progress() -> ResponseReturnValue:
    """Say how far the running jobs are, and how others ended: those in ``?watch=12,13``, and all ``after=14``.

    JSON for the page's script. A job that began and ended between two of its questions is told of as well.
    """
    watched = [int(part) for part in request.args.get("watch", "").split(",") if part.isdecimal() and len(part) < 10]
    after = request.args.get("after", "")
    with webkit.reading() as unit:
        if after.isdecimal() and len(after) < 10:
            watched += running.begun_after(unit, int(after))
        states = running.states(unit, watched, webkit.runtime().clock.now())
    answer = jsonify(runs=[state.as_json() for state in states])
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/harvest/run", methods=["POST"])
@webkit.action("harvest.run")
def run_now() -> ResponseReturnValue:
    """Fetch what is new from every source, in the background."""
    return start("harvest")


@blueprint.route("/harvest/start/<name>", methods=["POST"])
@webkit.action("harvest.run")
def start(name: str) -> ResponseReturnValue:
    """Start one of the jobs that the page offers, in the background."""
    button = next((button for button in offered() if button.job == name), None)
    if button is None:
        abort(404)
    _start(name, {})
    webkit.done(f"{button.begun}. It works in the background; this page shows how far it is.")
    return redirect(url_for("ingest.harvest"))


@blueprint.route("/harvest/accept/<int:number>", methods=["POST"])
@webkit.action("harvest.run")
def accept(number: int) -> ResponseReturnValue:
    """Take a page that was held back though it is not plausible: a person has looked. The job that held it takes it."""
    with webkit.reading() as unit:
        held = next((one for one in ledger.held_back(unit) if one.number == number), None)
    if held is None:
        raise RequestRefused("This page is not held back any more; nothing was started.")
    _start(held.job, dict(held.arguments))
    webkit.done(f"Taking what {ledger.label_of(held.source)} gives, in the background; this page shows how far it is.")
    return redirect(url_for("ingest.harvest"))


# -- setting aside ------------------------------------------------------------------------------------------------------


@blueprint.route("/harvest/set-aside", methods=["POST"])
@webkit.action("harvest.run")
def set_aside() -> ResponseReturnValue:
    """Show a refusal, a page held back or a failed run no more as open; the audit log keeps who said so, and why."""
    form = AsideForm()
    if not form.validate():
        raise RequestRefused("Say in one sentence why it is set aside; nothing was changed.")
    what = form.what()
    wired = webkit.runtime()
    with webkit.writing() as unit:
        words = _open_words(unit, what)
        if words is None:
            raise RequestRefused("This is not open any more; nothing was changed. Load the page anew.")
        number = aside.set_aside(unit, webkit.actor(), what, words, form.why.data or "", wired.clock.now())
    webkit.done(f"Set aside: {words}", undo_url=url_for("ingest.take_back", number=number))
    return redirect(webkit.same_site(form.back.data) or url_for("ingest.harvest"))


def _open_words(unit: Session, what: aside.What) -> str | None:
    """Return in words what is open and would be set aside; None where it is not open."""
    wired = webkit.runtime()
    if what.run is not None:
        troubles = open_troubles(unit, running.WATCHED, wired.clock.now())
        return next((f"{one.title}, {one.at:%Y-%m-%d %H:%M}" for one in troubles if one.run == what.run), None)
    holes = find_holes(unit, Scope.of(wired))
    return next((f"{hole.label}: {hole.words}" for hole in holes if hole.aside == what), None)


@blueprint.route("/harvest/set-aside/<int:number>/undo", methods=["POST"])
@webkit.action("harvest.run")
def take_back(number: int) -> ResponseReturnValue:
    """Open again what was set aside."""
    with webkit.writing() as unit:
        words = aside.take_back(unit, webkit.actor(), number, webkit.runtime().clock.now())
    webkit.done(f"Open again: {words}")
    return redirect(url_for("ingest.harvest"))


# -- coverage -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """The holes of one kind."""

    kind: Kind
    holes: list[Hole]


@blueprint.route("/harvest/coverage")
@webkit.action("harvest.read")
def coverage_page() -> ResponseReturnValue:
    """Show what was expected, fetched, refused and missing per source, day and journal, and what fills each hole."""
    scope = Scope.of(webkit.runtime())
    years = _asked_years(scope)
    if webkit.wants_table():
        return _journals_as_csv(years)
    return _coverage(DaysForm(formdata=None), scope, years)


def _coverage(form: DaysForm, scope: Scope, years: list[int], status: int = 200) -> ResponseReturnValue:
    now = webkit.runtime().clock.now()
    with webkit.reading() as unit:
        listed = coverage.askings(unit, wanted=scope.wanted)
        counted = journals.journal_lines(unit, scope.years)
        holes = find_holes(unit, scope, listed, counted)
        eprints = queries.eprint_counts(unit)
        runs = running.running_now(unit, now)
        ended = running.just_ended(unit, now)
        newest = running.newest_run(unit)
    lines = [line for line in counted if line.year in years]
    html = render_template(
        "ingest/coverage.html",
        lines=coverage.source_lines(listed),
        calendars=[coverage.source_calendar(listed, name, scope.since, scope.today) for name in coverage.CALENDARS],
        groups=[_Group(kind, of) for kind in Kind if (of := [hole for hole in holes if hole.kind is kind])],
        old=sum(1 for hole in holes if hole.is_old(scope.today)),
        hole_count=len(holes),
        journals=_page_of(lines),
        total=_total(lines),
        years=years,
        all_years=scope.years,
        asked_year=request.args.get("year", ""),
        form=form,
        runs=runs,
        busy={run.job: run for run in runs},
        watch=[run.id for run in runs],
        ended=ended,
        newest=newest,
        eprints=eprints,
        since=scope.since,
        today=scope.today,
        has_token=scope.has_token,
        can_count="count" in all_jobs(),
        most_holes=MOST_HOLES,
    )
    return html, status


def _asked_years(scope: Scope) -> list[int]:
    """Return the years the address asks for: one, "all", or else this and the last."""
    asked = request.args.get("year", "")
    if asked == "all":
        return scope.years
    if asked.isdecimal() and len(asked) == 4 and int(asked) in scope.years:
        return [int(asked)]
    return scope.years[:2]


def _page_of(lines: Sequence[JournalLine]) -> webkit.Page[JournalLine]:
    return webkit.paginate_list(lines, sorts=_JOURNAL_SORTS, size=25, filters={"year": request.args.get("year", "")})


def _total(lines: Sequence[JournalLine]) -> coverage.Tally:
    """Return the sum of the lines that were counted."""
    total = coverage.Tally()
    for line in lines:
        if line.is_counted:
            total += line.tally
    return total


def _journals_as_csv(years: list[int]) -> ResponseReturnValue:
    with webkit.reading() as unit:
        lines = journals.journal_lines(unit, years)
    header = ("journal", "year", "expected", "fetched", "text read", "refused", "missing", "counted at")
    rows = [
        (
            line.bibstem, line.year, line.tally.expected if line.is_counted else None, line.tally.fetched, line.read,
            line.tally.refused, line.missing, line.counted_at,
        )
        for line in lines
    ]  # fmt: skip
    return webkit.table_response("journals", header, rows)


@blueprint.route("/harvest/fill", methods=["POST"])
@webkit.action("harvest.run")
def fill() -> ResponseReturnValue:
    """Fetch some days of one source once more, in the background."""
    form = DaysForm()
    if not form.validate():
        scope = Scope.of(webkit.runtime())
        return _coverage(form, scope, _asked_years(scope), 422)
    since, until = form.since.data, form.until.data
    if since is None or until is None:
        raise RequestRefused("Give both days.")
    _start("harvest", {"sources": form.source.data, "since": since.isoformat(), "until": until.isoformat()})
    webkit.done(
        f"Fetching {coverage.CALENDAR_LABELS[form.source.data]} from {since} to {until} in the background; "
        "this page shows how far it is."
    )
    return redirect(url_for("ingest.harvest"))


@blueprint.route("/harvest/fill-hole", methods=["POST"])
@webkit.action("harvest.run")
def fill_hole() -> ResponseReturnValue:
    """Start the job that fills a hole, with the arguments that its button carries."""
    form = HoleForm()
    if not form.validate():
        raise RequestRefused("This button is not of this page; load the coverage page anew and press again.")
    arguments = form.arguments()
    _start(form.job.data, arguments)
    said = ", ".join(f"{name} {value}" for name, value in arguments.items())
    title = all_jobs()[form.job.data].title
    webkit.done(f"Begun: {title}{f' ({said})' if said else ''}. This page shows how far it is.")
    return redirect(url_for("ingest.harvest"))


def _start(name: str, arguments: dict[str, str]) -> None:
    with webkit.reading() as unit:
        start_job(unit, webkit.runtime(), name, arguments, actor_id=webkit.actor().person_id())


# -- refusals -----------------------------------------------------------------------------------------------------------


@blueprint.route("/harvest/refused", endpoint="refused")
@webkit.action("harvest.read")
def refused_page() -> ResponseReturnValue:
    """List everything that could not be read, with its place and reason."""
    source = request.args.get("source", "")
    with webkit.reading() as unit:
        page = webkit.paginate(unit, refused.once(source or None), filters={"source": source})
        sources = _refused_sources(unit)
    if webkit.wants_table():
        rows = [(r.refused_at, r.source, r.place, r.key, r.reason, r.times, r.first_at) for r in page.items]
        header = ("when", "source", "place", "key", "reason", "times", "first")
        return webkit.table_response("refused", header, rows)
    return render_template("ingest/refused.html", page=page, sources=sources, label_of=ledger.label_of)


def _refused_sources(unit: Session) -> list[tuple[str, str]]:
    """Return every source with the name pages show, and full texts."""
    named: list[tuple[str, Any]] = [(state.source, state.label) for state in coverage.source_states(unit)]
    return [*named, ("fulltext", ledger.label_of("fulltext"))]
