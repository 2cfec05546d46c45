"""The pages that compare lists: which there are, how one differs from ours, and what to do about each difference."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.compare import acting
from biblio.compare.forms import ImportForm
from biblio.compare.importing import ListCounts, Wanted, check_name, import_list, take_import_back
from biblio.compare.lines import COLUMNS, lines, matching
from biblio.compare.lists import OtherList, all_lists, find_list
from biblio.compare.reading import open_list
from biblio.compare.reckon import Comparison, ComparisonKeeper, Difference
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.feature import deciding
from harvesters.errors import HarvestError

SMALL = 20_000
"""Papers of a list whose differences are counted for the page of all lists at once."""

REFUSALS_SHOWN = 5
"""Rows that could not be read which are named after an import."""

ADDING = "ingest.add_paper"
"""The page that fetches a paper by its identifier."""

blueprint = Blueprint("compare", __name__)


def make_blueprint() -> Blueprint:
    """Return the blueprint of the pages that compare lists."""
    return blueprint


def _compared(unit: Session, one: OtherList) -> Comparison:
    keeper: ComparisonKeeper = current_app.extensions.setdefault("biblio_comparisons", ComparisonKeeper())
    return keeper.current(unit, one, webkit.runtime().clock.now())


@blueprint.route("/compare", methods=["GET"])
@webkit.action("compare.read")
def overview() -> ResponseReturnValue:
    """The lists that ours can be compared with."""
    with webkit.reading() as unit:
        there = all_lists(unit)
        rows = [(one, _compared(unit, one) if one.papers <= SMALL else None) for one in there]
    page = webkit.paginate_list(rows, sorts={"name": lambda e: e[0].name, "papers": lambda e: e[0].papers})
    if webkit.wants_table():
        header = ("list", "papers", "as of", *(kind.value for kind in Difference))
        cells = (
            (one.name, one.papers, one.as_of, *(found.count(kind) if found else None for kind in Difference))
            for one, found in page.items
        )
        return webkit.table_response("lists", header, cells)
    return render_template("compare/overview.html", page=page, kinds=list(Difference), form=ImportForm(formdata=None))


@blueprint.route("/compare/import", methods=["GET", "POST"])
@webkit.action("compare.write")
@webkit.throttled("60 per hour")
def import_page() -> ResponseReturnValue:
    """Bring another library's list in."""
    form = ImportForm()
    if form.validate_on_submit():
        try:
            return _import(form)
        except (RequestRefused, HarvestError) as refusal:
            form.form_errors.append(str(refusal))
    return render_template("compare/import.html", form=form), 422 if form.summary() else 200


def _import(form: ImportForm) -> ResponseReturnValue:
    wired = webkit.runtime()
    label = Path(str(form.file.data.filename or "the file").replace("\\", "/")).name[:100]
    name = check_name(form.name.data or "")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        form.file.data.save(path)
        with open_list(path, label=label) as opened:
            list_id, counts = import_list(wired, opened, Wanted(name, label, webkit.actor()))
    said = f"{counts.kept} {'paper of' if counts.kept == 1 else 'papers of'} {label} {'is' if counts.kept == 1 else 'are'} in the list {name}"
    if counts.refused:
        said += f"; {counts.refused} {'row was' if counts.refused == 1 else 'rows were'} refused"
    if counts.refusals:
        webkit.problem(_refused_words(label, counts))
    if counts.promised is not None and counts.promised > counts.read:
        said += f"; the file says that there are {counts.promised}"
    webkit.done(f"{said}.", undo_url=url_for("compare.undo_import", list_id=list_id))
    return redirect(url_for("compare.show", name=name))


def _refused_words(label: str, counts: ListCounts) -> str:
    """The first rows in which something could not be read, each with its reason, and how many more there are."""
    shown = "; ".join(f"{place}: {reason[:160]}" for place, reason in counts.refusals[:REFUSALS_SHOWN])
    more = counts.refused + counts.wrong_codes - REFUSALS_SHOWN
    rest = f"; and up to {more} more: “biblio compare import --refused FILE” writes all of them" if more > 0 else ""
    return f"Could not be read in {label}: {shown}{rest}."


@blueprint.route("/compare/import/<int:list_id>/undo", methods=["POST"])
@webkit.action("compare.write")
def undo_import(list_id: int) -> ResponseReturnValue:
    """Take an import back: the list before it is in force again."""
    with webkit.writing() as unit:
        before = take_import_back(unit, webkit.actor(), list_id, now=webkit.runtime().clock.now())
        name = before.name if before else None
    webkit.done("The list is as it was before the import." if name else "The list is gone.")
    return redirect(url_for("compare.show", name=name) if name else url_for("compare.overview"))


@blueprint.route("/compare/<name>")
@webkit.action("compare.read")
def show(name: str) -> ResponseReturnValue:
    """How one list differs from ours."""
    kind = _kind(request.args.get("show", ""))
    words = request.args.get("q", "").strip()[:100]
    asked = request.args.get("year", "")
    year = int(asked) if asked.isdecimal() and len(asked) == 4 else None
    aside = request.args.get("aside") == "yes"
    with webkit.reading() as unit:
        one = find_list(unit, name)
        found = _compared(unit, one)
        refs = found.refs(kind, aside=aside)
        among = matching(unit, one, kind, words, year)
        if among is not None:
            refs = [ref for ref in refs if ref in among]
        filters = {"show": kind.value, "q": words, "year": asked if year else "", "aside": "yes" if aside else ""}
        page = webkit.paginate_list(refs, filters=filters)
        rows = [
            line
            for start in range(0, len(page.items), 500)
            for line in lines(unit, one, found, kind, page.items[start : start + 500])
        ]
    if webkit.wants_table():
        return webkit.table_response(f"{one.name}-{kind.value}", COLUMNS, (list(row.plain().values()) for row in rows))
    return render_template(
        "compare/show.html",
        other=one,
        found=found,
        page=page,
        rows=rows,
        kind=kind,
        kinds=list(Difference),
        aside=aside,
        adding=ADDING if ADDING in current_app.view_functions else None,
    )


def _kind(asked: str) -> Difference:
    return Difference(asked) if asked in set(Difference) else Difference.MISSING_HERE


# -- what a person does -----------------------------------------------------------------------------------------------


def _back(name: str) -> ResponseReturnValue:
    return redirect(webkit.same_site(request.form.get("next")) or url_for("compare.show", name=name))


@blueprint.route("/compare/<name>/take/<int:ref>", methods=["POST"])
@webkit.action("compare.write")
def take(name: str, ref: int) -> ResponseReturnValue:
    """Take the projects that a list gives a paper over, as decisions."""
    wired = webkit.runtime()
    try:
        with webkit.writing() as unit:
            one = find_list(unit, name)
            taken = acting.take_over(unit, webkit.actor(), wired, one, ref, aware=deciding().aware())
    except NotFound:
        raise
    except Stale as stale:
        way_back = webkit.same_site(request.form.get("next")) or url_for("compare.show", name=name)
        if asked := deciding().ask(stale, url_for("compare.take", name=name, ref=ref), way_back):
            return asked
        webkit.problem(str(stale))
        return _back(name)
    except RequestRefused as refusal:
        webkit.problem(str(refusal))
        return _back(name)
    ids = ",".join(map(str, taken.decisions))
    left = f" Left: {' '.join(taken.left)}" if taken.left else ""
    webkit.done(
        f"Paper {taken.paper_id} is accepted for {', '.join(taken.codes)}, as {one.name} says.{left}",
        undo_url=url_for("compare.untake", name=one.name, ids=ids),
    )
    return _back(name)


@blueprint.route("/compare/<name>/take/undo/<ids>", methods=["POST"])
@webkit.action("compare.write")
def untake(name: str, ids: str) -> ResponseReturnValue:
    """Take back what was taken over."""
    wired = webkit.runtime()
    numbers = [int(one) for one in ids.split(",") if one.isdecimal() and len(one) < 10][:100]
    with webkit.writing() as unit:
        paper = acting.give_back(unit, webkit.actor(), wired, numbers)
    webkit.done(f"Paper {paper} is as it was before.")
    return redirect(url_for("compare.show", name=name))


@blueprint.route("/compare/<name>/aside", methods=["POST"])
@webkit.action("compare.write")
def aside(name: str) -> ResponseReturnValue:
    """Set a difference aside, with the reason."""
    reason, subject = request.form.get("reason", ""), request.form.get("subject", "")
    try:
        with webkit.writing() as unit:
            one = find_list(unit, name)
            row = acting.set_aside(
                unit, webkit.actor(), one.name, subject, reason=reason, now=webkit.runtime().clock.now()
            )
            aside_id = row.id
    except NotFound:
        raise
    except RequestRefused as refusal:
        webkit.problem(str(refusal))
        return _back(name)
    webkit.done(
        "The difference is set aside, and stays so when the list is imported again.",
        undo_url=url_for("compare.unaside", name=name, aside_id=aside_id),
    )
    return _back(name)


@blueprint.route("/compare/<name>/aside/<int:aside_id>/undo", methods=["POST"])
@webkit.action("compare.write")
def unaside(name: str, aside_id: int) -> ResponseReturnValue:
    """Show a difference again that was set aside."""
    with webkit.writing() as unit:
        acting.bring_back(unit, webkit.actor(), aside_id, now=webkit.runtime().clock.now())
    webkit.done("The difference is shown again.")
    return _back(name)
