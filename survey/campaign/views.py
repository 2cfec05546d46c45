"""The campaign pages of the librarians: who will be asked before anything is sent, then how it goes, and how it ends."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from biblio.store.found import found
from biblio.store.models import Campaign
from biblio.webkit import (
    action,
    actor,
    done,
    paginate_list,
    problem,
    reading,
    refusals_told,
    runtime,
    runtime_of,
    table_response,
    throttled,
    wants_table,
    writing,
)
from survey.asking.views import asked_day
from survey.box.closing import end_asking
from survey.box.strata import StratifyBy
from survey.campaign import previewing, queries, service
from survey.campaign.forms import CampaignForm, SendForm
from survey.campaign.lookout import SHOWN, Lookout
from survey.campaign.sending import BATCH, queue_in_turns, send
from survey.campaign.told import reopen_wrong_person, wrong_persons
from survey.campaigns import State
from survey.questionnaire import frozen, thaw

campaigns = Blueprint("campaigns", __name__, url_prefix="/campaigns")

SORTS = {
    "code": lambda r: r.code,
    "recipient": lambda r: r.recipient.lower() or None,
    "letter": lambda r: r.letter,
}


def register(blueprint: Blueprint) -> None:
    """Hang the campaign pages below the survey's blueprint."""
    blueprint.register_blueprint(campaigns)


@campaigns.record_once
def _keep_watch(state: BlueprintSetupState) -> None:
    """Give the app its lookout."""
    state.app.extensions[_LOOKOUT] = Lookout(runtime_of(cast("Flask", state.app)))


_LOOKOUT = "survey_lookout"


def lookout() -> Lookout:
    """Return the app's lookout."""
    found: Lookout = current_app.extensions[_LOOKOUT]
    return found


def _to_campaign(campaign_id: int, **_given: object) -> ResponseReturnValue:
    return redirect(url_for("survey.campaigns.show", campaign_id=campaign_id))


@campaigns.get("/")
@action("campaigns.read")
def index() -> str:
    """List the campaigns, and what a new one would do: of a large project list as counted before, or when asked to."""
    with reading() as session:
        rows = queries.campaigns(session, runtime())
        seen = lookout().now(session) if request.args.get("count") == "now" else lookout().lately(session)
        told, seen_to = wrong_persons(session), wrong_persons(session, handled=True)
    return render_template("survey/campaigns.html", campaigns=rows, seen=seen, told=told, seen_to=seen_to, states=State)


@campaigns.route("/new", methods=["GET", "POST"])
@action("campaigns.write")
def new() -> ResponseReturnValue:
    """Show who would be asked and the letter they would get; make the draft. Nothing is sent by this page."""
    form = CampaignForm()
    day = form.as_of.data if form.is_submitted() else asked_day()
    if request.method == "GET":
        form.as_of.data = day
        by = request.args.get("stratify_by", "")
        form.stratify_by.data = by if by in set(StratifyBy) else ""
    with reading() as session:
        seen = lookout().now(session, day, form.stratify_by.data or None)
    ahead = seen.ahead
    if form.is_submitted() and form.validate() and _is_seen(form, ahead):
        made = service.make_draft(
            runtime(), actor(), name=form.name.data, as_of=day, stratify_by=form.stratify_by.data or None
        )
        done(
            f"The draft asks {made.persons} persons about {made.projects} projects. Nothing was sent yet.",
            undo_url=url_for("survey.campaigns.change", campaign_id=made.campaign_id, what="discard"),
        )
        return _to_campaign(made.campaign_id)
    if not ahead.warnings:
        del form.seen
    status = 422 if form.is_submitted() else 200
    smallest = service.SMALLEST_CAMPAIGN
    return render_template(
        "survey/new.html", form=form, ahead=ahead, letter=seen.letter, most=SHOWN, smallest=smallest
    ), status


def _is_seen(form: CampaignForm, ahead: previewing.Preview) -> bool:
    """Whether nothing stands against making the draft; else the form says what."""
    if ahead.refusal:
        form.form_errors.append(f"{ahead.refusal} Nothing was made.")
        return False
    if ahead.warnings and not form.seen.data:
        form.seen.errors = ["Read the warnings, then tick this box if you still want to ask."]
        return False
    return True


@campaigns.get("/<int:campaign_id>")
@action("campaigns.read")
def show(campaign_id: int) -> ResponseReturnValue:
    """Show a campaign: its progress, its days, its wording, and who is on its list."""
    sought, letter = request.args.get("q", "").strip(), request.args.get("letter", "")
    with reading() as session:
        row = queries.campaign_row(session, runtime(), campaign_id)
        campaign = found(session, Campaign, campaign_id, "campaign")
        rows = queries.invited(session, runtime(), campaign_id)
        strata = queries.strata(session, row)
        wording = previewing.wording_of(runtime(), campaign)
        reminders = previewing.reminder_days(runtime(), campaign)
    words = sought.lower()
    shown = [
        r
        for r in rows
        if (not letter or r.letter == letter) and (words in r.code.lower() or words in r.recipient.lower())
    ]
    page = paginate_list(shown, sorts=SORTS, default_sort="code", filters={"q": sought, "letter": letter})
    if wants_table():
        table = ((r.code, r.recipient, r.letter, r.note) for r in page.items)
        return table_response(f"campaign-{campaign_id}", ("code", "pi", "letter", "note"), table)
    return render_template(
        "survey/campaign.html",
        campaign=row,
        page=page,
        kinds=sorted({r.letter for r in rows}),
        strata=strata,
        wording=wording,
        reminders=reminders,
        form=SendForm(),
        states=State,
    )


@campaigns.get("/questionnaire", defaults={"campaign_id": None})
@campaigns.get("/<int:campaign_id>/questionnaire")
@action("campaigns.read")
def questionnaire(campaign_id: int | None) -> str:
    """Show the wording that a campaign asks, or that a new one would; nothing can be answered here."""
    with reading() as session:
        campaign = found(session, Campaign, campaign_id, "campaign") if campaign_id is not None else None
        wording = thaw(campaign.questionnaire if campaign else frozen(runtime().profile))
        name = campaign.name if campaign else None
    return render_template("survey/wording.html", wording=wording, name=name, campaign_id=campaign_id)


@campaigns.get("/<int:campaign_id>/letters")
@action("campaigns.read")
def letters(campaign_id: int) -> str:
    """Show the letters that the next batch would make, without their links. Nothing is sent by this page."""
    asked = request.args.get("batch", "")
    batch = min(int(asked), 500) if asked.isascii() and asked.isdecimal() and len(asked) < 6 and int(asked) else BATCH
    with reading() as session:
        row = queries.campaign_row(session, runtime(), campaign_id)
        ahead = previewing.next_letters(session, runtime(), campaign_id, batch)
    return render_template("survey/letters.html", campaign=row, page=paginate_list(ahead, exports=()), batch=batch)


@campaigns.post("/<int:campaign_id>/send")
@action("campaigns.write")
@throttled("30 per minute")
@refusals_told(_to_campaign)
def send_batch(campaign_id: int) -> ResponseReturnValue:
    """Open the campaign if it is a draft, and send the next batch of letters."""
    form = SendForm()
    if not form.validate():
        problem("Say how many letters to send, between 1 and 500. Nothing was sent.")
        return _to_campaign(campaign_id)
    queued = queue_in_turns(runtime(), actor(), campaign_id, batch=form.batch.data)
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
    return _to_campaign(campaign_id)


_ACTS = {
    "pause": (service.pause, "No letters go out until you resume; links still work.", "resume"),
    "resume": (service.resume, "Letters go out again.", "pause"),
    "discard": (service.discard, "The draft was discarded; nobody was asked.", None),
    "wording": (service.refresh_wording, "The draft has the present wording of questionnaire and letters.", None),
}
"""What is done, what is said of it, and what undoes it."""


@campaigns.post("/<int:campaign_id>/<any(pause, resume, discard, wording):what>")
@action("campaigns.write")
@refusals_told(_to_campaign)
def change(campaign_id: int, what: str) -> ResponseReturnValue:
    """Pause, resume or discard a campaign, or let a draft take over the present wording."""
    act, said, undo = _ACTS[what]
    with writing() as session:
        act(session, runtime(), actor(), campaign_id)
    done(said, undo_url=url_for("survey.campaigns.change", campaign_id=campaign_id, what=undo) if undo else None)
    return _to_campaign(campaign_id)


@campaigns.route("/<int:campaign_id>/close", methods=["GET", "POST"])
@action("campaigns.write")
@refusals_told(_to_campaign)
def close(campaign_id: int) -> ResponseReturnValue:
    """Say what ending the asking does, then end it; the ballot box waits for the campaign's last day."""
    if request.method == "POST":
        with writing() as session:
            campaign = end_asking(session, runtime(), actor(), campaign_id)
        done(f"Nobody can answer any more. The ballot box is opened after {campaign.closes_on}, as was promised.")
        return _to_campaign(campaign_id)
    with reading() as session:
        row = queries.campaign_row(session, runtime(), campaign_id)
    return render_template("survey/close.html", campaign=row, states=State)


@campaigns.post("/wrong-persons/<int:told_id>")
@action("campaigns.write")
def handled(told_id: int) -> ResponseReturnValue:
    """Mark a message "not the right person" as seen to."""
    with writing() as session:
        service.handle_wrong_person(session, runtime(), actor(), told_id)
    done("Marked as seen to.", undo_url=url_for("survey.campaigns.reopened", told_id=told_id))
    return redirect(url_for("survey.campaigns.index"))


@campaigns.post("/wrong-persons/<int:told_id>/again")
@action("campaigns.write")
@refusals_told(lambda **_given: redirect(url_for("survey.campaigns.index")))
def reopened(told_id: int) -> ResponseReturnValue:
    """Put a message that was marked as seen to back on the list."""
    with writing() as session:
        reopen_wrong_person(session, runtime(), actor(), told_id)
    done("It is on the list again.", undo_url=url_for("survey.campaigns.handled", told_id=told_id))
    return redirect(url_for("survey.campaigns.index"))
