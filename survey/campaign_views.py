"""The campaign pages of the librarians: who will be asked and why, before anything is sent; then how it goes."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from biblio.errors import RequestRefused
from biblio.store.models import Campaign
from biblio.webkit import (
    action,
    actor,
    done,
    paginate_list,
    problem,
    reading,
    runtime,
    table_response,
    throttled,
    wants_table,
    writing,
)
from survey import queries, service
from survey.campaigns import State
from survey.closing import close_campaign
from survey.due import due
from survey.forms import CampaignForm, ExcludeForm, SendForm
from survey.letters import Addressee, Line, load_texts, render, text_of
from survey.rule import Ground
from survey.sending import queue_batch, send

campaigns = Blueprint("campaigns", __name__, url_prefix="/campaigns")

SORTS = {
    "code": lambda s: s.code,
    "pi": lambda s: s.pi,
    "cycle": lambda s: s.cycle,
    "due": lambda s: s.judgement.due_from,
}


def register(blueprint: Blueprint) -> None:
    """Hang the campaign pages below the survey's blueprint."""
    blueprint.register_blueprint(campaigns)


def _asked_day() -> date | None:
    text = request.args.get("as_of", "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(f"{text!r} is no day; write it like 2026-01-31.") from error


@campaigns.get("/")
@action("campaigns.read")
def index() -> str:
    """List the campaigns, and what a new one would do."""
    with reading() as session:
        rows = queries.campaigns(session, runtime())
        ahead = queries.preview(session, runtime())
        told = queries.wrong_persons(session)
    return render_template("survey/campaigns.html", campaigns=rows, ahead=ahead, told=told, states=State)


@campaigns.get("/due")
@action("campaigns.read")
def due_list() -> ResponseReturnValue:
    """Show where every project stands with the survey, with the reason."""
    day = _asked_day()
    ground, code = request.args.get("ground", ""), request.args.get("code", "").strip()
    with reading() as session:
        standings = due(session, runtime(), day)
    shown = [
        s
        for s in standings
        if (not ground or (s.judgement.ground or "eligible") == ground) and code.lower() in s.code.lower()
    ]
    page = paginate_list(shown, sorts=SORTS, default_sort="code", filters={"ground": ground, "code": code})
    if wants_table():
        return table_response(
            "due",
            ("code", "cycle", "pi", "standing", "because", "due_from"),
            (
                (s.code, s.cycle, s.pi, s.judgement.ground or "eligible", s.judgement.because, s.judgement.due_from)
                for s in page.items
            ),
        )
    return render_template(
        "survey/due.html", page=page, grounds=list(Ground), form=ExcludeForm(), as_of=request.args.get("as_of", "")
    )


@campaigns.post("/exclusions")
@action("campaigns.write")
def exclude() -> ResponseReturnValue:
    """Take a project off the list of those to ask."""
    form = ExcludeForm()
    if not form.validate():
        problem("Name the project and the reason: nothing was changed.")
        return redirect(url_for("survey.campaigns.due_list"))
    code = form.code.data.strip()
    with writing() as session:
        service.exclude(session, runtime(), actor(), code, form.reason.data)
    done(f"{code} will not be asked.", undo_url=url_for("survey.campaigns.include", code=code))
    return redirect(url_for("survey.campaigns.due_list", code=code))


@campaigns.post("/exclusions/<code>/end")
@action("campaigns.write")
def include(code: str) -> ResponseReturnValue:
    """Put a project back on the list."""
    with writing() as session:
        service.include(session, runtime(), actor(), code)
    done(f"{code} is back on the list.")
    return redirect(url_for("survey.campaigns.due_list", code=code))


@campaigns.route("/new", methods=["GET", "POST"])
@action("campaigns.write")
def new() -> ResponseReturnValue:
    """Show who would be asked and the letter they would get; make the draft. Nothing is sent by this page."""
    form = CampaignForm()
    day = form.as_of.data if form.is_submitted() else _asked_day()
    if request.method == "GET":
        form.as_of.data = day
    with reading() as session:
        ahead = queries.preview(session, runtime(), day)
    if form.is_submitted() and form.validate():
        if ahead.warnings and not form.seen.data:
            form.seen.errors = ["Read the warnings, then tick this box if you still want to ask."]
        else:
            with writing() as session:
                made = service.create_campaign(session, runtime(), actor(), name=form.name.data, as_of=day)
            done(f"The draft asks {made.persons} persons about {made.projects} projects. Nothing was sent yet.")
            return redirect(url_for("survey.campaigns.show", campaign_id=made.campaign_id))
    if not ahead.warnings:
        del form.seen
    status = 422 if form.is_submitted() else 200
    return render_template("survey/new.html", form=form, ahead=ahead, letter=_sample_letter(ahead)), status


def _sample_letter(ahead: queries.Preview) -> tuple[str, str]:
    wired = runtime()
    lines = [Line(s.code, s.title, f"{wired.settings.base_url}/survey/…") for s in ahead.asked[:2]]
    return render(
        wired.profile,
        text_of(load_texts(wired.profile), "survey_invitation"),
        Addressee("(name)", lines, f"{wired.settings.base_url}/survey/…/stop", None, wired.settings.base_url),
    )


@campaigns.get("/<int:campaign_id>")
@action("campaigns.read")
def show(campaign_id: int) -> ResponseReturnValue:
    """Show a campaign: its progress, its letters, its results once it is closed."""
    with reading() as session:
        row = queries.campaign_row(session, runtime(), campaign_id)
        rows = queries.invited(session, campaign_id)
        campaign = session.get_one(Campaign, campaign_id)
        results = queries.results(session, campaign) if campaign.released_at else None
    page = paginate_list(rows, sorts={"code": lambda r: r.code, "letter": lambda r: r.letter}, default_sort="code")
    if wants_table():
        table = ((r.code, r.recipient, r.letter, r.note) for r in page.items)
        return table_response(f"campaign-{campaign_id}", ("code", "pi", "letter", "note"), table)
    return render_template(
        "survey/campaign.html", campaign=row, page=page, results=results, form=SendForm(), states=State
    )


@campaigns.get("/<int:campaign_id>/answers")
@action("answers.read")
def answers(campaign_id: int) -> str:
    """Show what people wrote, apart from their choices and in an order that is new each time."""
    with reading() as session:
        row = queries.campaign_row(session, runtime(), campaign_id)
        said = queries.words(session, session.get_one(Campaign, campaign_id))
    return render_template("survey/answers.html", campaign=row, words=said)


@campaigns.post("/<int:campaign_id>/send")
@action("campaigns.write")
@throttled("30 per minute")
def send_batch(campaign_id: int) -> ResponseReturnValue:
    """Open the campaign if it is a draft, and send the next batch of letters."""
    form = SendForm()
    if not form.validate():
        problem("Say how many letters to send, between 1 and 500. Nothing was sent.")
        return redirect(url_for("survey.campaigns.show", campaign_id=campaign_id))
    with writing() as session:
        queued = queue_batch(session, runtime(), actor(), campaign_id, batch=form.batch.data)
    counts = send(runtime(), limit=form.batch.data)
    said = f"{queued} letters were queued, {counts.sent} sent."
    if counts.cancelled:
        said += f" {counts.cancelled} were stopped because there is nothing to ask any more."
    done(said)
    for sentence in counts.notes:
        problem(sentence)
    if counts.later or counts.refused or counts.uncertain:
        problem(
            f"{counts.later} wait to be tried again, {counts.refused} were refused, {counts.uncertain} are uncertain."
        )
    return redirect(url_for("survey.campaigns.show", campaign_id=campaign_id))


@campaigns.post("/<int:campaign_id>/<any(pause, resume, discard):what>")
@action("campaigns.write")
def change(campaign_id: int, what: str) -> ResponseReturnValue:
    """Pause, resume or discard a campaign."""
    act = {"pause": service.pause, "resume": service.resume, "discard": service.discard}[what]
    with writing() as session:
        act(session, runtime(), actor(), campaign_id)
    said = {
        "pause": "No letters go out until you resume; links still work.",
        "resume": "Letters go out again.",
        "discard": "The draft was discarded; nobody was asked.",
    }
    undo = {"pause": "resume", "resume": "pause"}.get(what)
    done(said[what], undo_url=url_for("survey.campaigns.change", campaign_id=campaign_id, what=undo) if undo else None)
    return redirect(url_for("survey.campaigns.show", campaign_id=campaign_id))


@campaigns.route("/<int:campaign_id>/close", methods=["GET", "POST"])
@action("campaigns.write")
def close(campaign_id: int) -> ResponseReturnValue:
    """Say what closing does, then close: the box is opened, the answers are shuffled, the key is destroyed."""
    if request.method == "POST":
        release = close_campaign(runtime(), actor(), campaign_id)
        done(f"The campaign is closed. {release.sentence}")
        return redirect(url_for("survey.campaigns.show", campaign_id=campaign_id))
    with reading() as session:
        row = queries.campaign_row(session, runtime(), campaign_id)
    return render_template("survey/close.html", campaign=row)


@campaigns.post("/wrong-persons/<int:told_id>")
@action("campaigns.write")
def handled(told_id: int) -> ResponseReturnValue:
    """Mark a message "not the right person" as seen to."""
    with writing() as session:
        service.handle_wrong_person(session, runtime(), actor(), told_id)
    done("Marked as seen to.")
    return redirect(url_for("survey.campaigns.index"))
