"""The harvest page: what was fetched, what is missing, what could not be read, and buttons to fetch it."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from biblio import webkit
from biblio.errors import RequestRefused
from biblio.ingest import coverage
from biblio.ingest.forms import DaysForm
from biblio.ingest.service import start_harvest

blueprint = Blueprint("ingest", __name__)

MOST_HOLES = 12
"""Holes listed with a button each; a source with more has not been harvested at all, and one run fills them."""


@blueprint.route("/harvest")
@webkit.action("harvest.read")
def harvest() -> ResponseReturnValue:
    """Show what was fetched from where, with holes in plain sight."""
    return _page(DaysForm(formdata=None))


def _page(form: DaysForm, status: int = 200) -> ResponseReturnValue:
    wired = webkit.runtime()
    since = date(wired.profile.harvest.first_year, 1, 1)
    today = wired.clock.today()
    with webkit.reading() as unit:
        states = coverage.source_states(unit)
        calendars = [coverage.source_calendar(unit, source, since, today) for source in ("arxiv", "ads")]
        page = webkit.paginate(unit, coverage.refusals(), size=10)
    html = render_template(
        "ingest/harvest.html",
        states=states,
        calendars=calendars,
        refusals=page,
        form=form,
        since=since,
        most_holes=MOST_HOLES,
        has_token=wired.settings.ads_token is not None,
        is_empty=all(state.last_at is None for state in states),
    )
    return html, status


@blueprint.route("/harvest/run", methods=["POST"])
@webkit.action("harvest.run")
def run_now() -> ResponseReturnValue:
    """Fetch what is new from every source, in the background."""
    with webkit.reading() as unit:
        start_harvest(unit, webkit.runtime(), {}, actor_id=webkit.actor().person_id())
    webkit.done("The harvest has begun. It works in the background; reload this page to see how far it is.")
    return redirect(url_for("ingest.harvest"))


@blueprint.route("/harvest/fill", methods=["POST"])
@webkit.action("harvest.run")
def fill() -> ResponseReturnValue:
    """Fetch some days of one source once more, in the background."""
    form = DaysForm()
    if not form.validate():
        return _page(form, 422)
    since, until = form.since.data, form.until.data
    if since is None or until is None:
        raise RequestRefused("Give both days.")
    arguments = {"sources": form.source.data, "since": since.isoformat(), "until": until.isoformat()}
    with webkit.reading() as unit:
        start_harvest(unit, webkit.runtime(), arguments, actor_id=webkit.actor().person_id())
    webkit.done(
        f"Fetching {coverage.SOURCES.get(form.source.data, form.source.data)} from {since} to {until} in the "
        "background; reload this page to see how it ends."
    )
    return redirect(url_for("ingest.harvest"))


@blueprint.route("/harvest/refused")
@webkit.action("harvest.read")
def refused() -> ResponseReturnValue:
    """List everything that could not be read, with its place and reason."""
    source = request.args.get("source", "")
    with webkit.reading() as unit:
        page = webkit.paginate(unit, coverage.refusals(source or None), filters={"source": source})
        sources = [state.source for state in coverage.source_states(unit)]
    if webkit.wants("csv"):
        rows = [(r.refused_at, r.source, r.place, r.key, r.reason) for r in page.items]
        return webkit.csv_response("refused", ("when", "source", "place", "key", "reason"), rows)
    return render_template("ingest/refused.html", page=page, sources=[*sources, "fulltext"])
