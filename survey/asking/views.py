"""Where projects stand with the survey, and why; what people say of single projects: off the list, asked once more."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from biblio.errors import RequestRefused
from biblio.webkit import (
    action,
    actor,
    done,
    paginate_list,
    problem,
    reading,
    refusals_told,
    runtime,
    table_response,
    wants_table,
    writing,
)
from survey.asking.asking_again import give_leave, take_leave_back
from survey.asking.due import due
from survey.asking.explaining import explain, last_exclusion
from survey.asking.forms import AskAgainForm, ExcludeForm
from survey.asking.rule import Ground
from survey.campaign import service

standings = Blueprint("due", __name__, url_prefix="/campaigns")

SORTS = {
    "code": lambda s: s.code,
    "pi": lambda s: s.pi,
    "cycle": lambda s: s.cycle,
    "due": lambda s: s.judgement.due_from,
}


def register(blueprint: Blueprint) -> None:
    """Hang these pages below the survey's blueprint."""
    blueprint.register_blueprint(standings)


def asked_day() -> date | None:
    """Return the day that the address asks for, None for today. Raises ``RequestRefused`` for what is none."""
    text = request.args.get("as_of", "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(f"{text[:20]!r} is no day; write it like 2026-01-31.") from error


@standings.get("/due")
@action("campaigns.explain")
def index() -> ResponseReturnValue:
    """Show where every project stands with the survey, with the reason."""
    day = asked_day()
    ground, code = request.args.get("ground", ""), request.args.get("code", "").strip()
    with reading() as session:
        found = due(session, runtime(), day)
    shown = [
        s
        for s in found
        if (not ground or (s.judgement.ground or "eligible") == ground) and code.lower() in s.code.lower()
    ]
    page = paginate_list(
        shown, sorts=SORTS, default_sort="code", filters={"ground": ground, "code": code, "as_of": str(day or "")}
    )
    if wants_table():
        return table_response(
            "due",
            ("code", "cycle", "pi", "standing", "because", "due_from"),
            (
                (s.code, s.cycle, s.pi, s.judgement.ground or "eligible", s.judgement.because, s.judgement.due_from)
                for s in page.items
            ),
        )
    return render_template("survey/due.html", page=page, grounds=list(Ground), form=ExcludeForm(), as_of=str(day or ""))


@standings.get("/due/<code>")
@action("campaigns.explain")
def show(code: str) -> ResponseReturnValue:
    """Show every fact the rule looked at for one project, which one decided, and what would change it."""
    day = asked_day()
    with reading() as session:
        told = explain(session, runtime(), code, day)
    if told is not None and told.standing.code != code:
        return redirect(url_for("survey.due.show", code=told.standing.code, as_of=day), 301)
    return render_template(
        "survey/due_project.html", code=code, told=told, as_of=str(day or ""), form=ExcludeForm(), again=AskAgainForm()
    )


def _to_project(code: str, **_given: object) -> ResponseReturnValue:
    return redirect(url_for("survey.due.show", code=code))


@standings.post("/exclusions")
@action("campaigns.write")
@refusals_told(lambda: redirect(url_for("survey.due.index")))
def exclude() -> ResponseReturnValue:
    """Take a project off the list of those to ask."""
    form = ExcludeForm()
    if not form.validate():
        problem("Name the project and the reason: nothing was changed.")
        return redirect(url_for("survey.due.index"))
    code = form.code.data.strip()
    with writing() as session:
        service.exclude(session, runtime(), actor(), code, form.reason.data)
    done(f"{code} will not be asked.", undo_url=url_for("survey.due.include", code=code))
    return _to_project(code)


@standings.post("/exclusions/<code>/end")
@action("campaigns.write")
@refusals_told(_to_project)
def include(code: str) -> ResponseReturnValue:
    """Put a project back on the list."""
    with writing() as session:
        service.include(session, runtime(), actor(), code)
    done(f"{code} is back on the list.", undo_url=url_for("survey.due.exclude_again", code=code))
    return _to_project(code)


@standings.post("/exclusions/<code>/again")
@action("campaigns.write")
@refusals_told(_to_project)
def exclude_again(code: str) -> ResponseReturnValue:
    """Take a project off the list once more, for the reason it was off before."""
    with writing() as session:
        service.exclude(session, runtime(), actor(), code, last_exclusion(session, code))
    done(f"{code} will not be asked.", undo_url=url_for("survey.due.include", code=code))
    return _to_project(code)


@standings.post("/due/<code>/again")
@action("campaigns.ask_again")
@refusals_told(_to_project)
def ask_again(code: str) -> ResponseReturnValue:
    """Give leave to ask about a project once more."""
    form = AskAgainForm()
    if not form.validate():
        problem("Say why it is asked about again: nothing was changed.")
        return _to_project(code)
    with writing() as session:
        give_leave(session, runtime(), actor(), code, form.why.data)
    done(
        f"{code} may be asked about once more, if nothing else stands against it.",
        undo_url=url_for("survey.due.not_again", code=code),
    )
    return _to_project(code)


@standings.post("/due/<code>/again/end")
@action("campaigns.ask_again")
@refusals_told(_to_project)
def not_again(code: str) -> ResponseReturnValue:
    """Take the leave to ask again back."""
    with writing() as session:
        take_leave_back(session, runtime(), actor(), code)
    done(f"The leave to ask about {code} again is taken back.")
    return _to_project(code)
