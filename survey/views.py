"""What a PI sees: the questionnaire behind a link, without login; the pages around it hold no token and no cookie of ours.

GET changes nothing and notes nothing: mail scanners open links. A link that is unknown, used or closed gets one page,
the same to the byte.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from biblio.webkit import PUBLIC, action, reading, runtime, throttled, writing
from survey.anonymity import promises
from survey.answering import LinkClosed, OpenPage, PublicationFound, addressed, open_page, opt_out, submit, wrong_person
from survey.campaign_views import register
from survey.forms import PRIVACY_HINT, QuestionnaireForm, WrongPersonForm, questionnaire_form

blueprint = Blueprint("survey", __name__)
register(blueprint)


@blueprint.errorhandler(LinkClosed)
def link_closed(_error: LinkClosed) -> ResponseReturnValue:
    """Show the one page for links that are not open."""
    return render_template("survey/closed.html"), 404


@blueprint.errorhandler(PublicationFound)
def publication_found(_error: PublicationFound) -> ResponseReturnValue:
    """Say that a publication was found, so nothing is asked any more."""
    return render_template("survey/found.html")


@blueprint.get("/survey/anonymity")
@action(PUBLIC)
def anonymity() -> str:
    """Show what is stored and what is not, read from the tables themselves."""
    return render_template("survey/anonymity.html", promise=promises())


@blueprint.get("/survey/thanks")
@action(PUBLIC)
def thanks() -> str:
    """Thank: the same page for every answer and everybody."""
    return render_template(
        "survey/thanks.html", thanks=runtime().profile.filled(runtime().profile.questionnaire.thanks)
    )


@blueprint.get("/survey/left")
@action(PUBLIC)
def left() -> str:
    """The page behind "Exit and clear survey": nothing was stored, and the address holds no token."""
    return render_template("survey/left.html")


@blueprint.get("/survey/done")
@action(PUBLIC)
def stopped() -> str:
    """Say that it was noted, whatever it was; the address holds no token."""
    return render_template("survey/stopped.html")


@blueprint.get("/survey/<token>")
@action(PUBLIC)
@throttled("60 per minute", methods=["GET"])
def questionnaire(token: str) -> ResponseReturnValue:
    """Show the questionnaire."""
    with reading() as session:
        page = open_page(session, runtime(), token)
    return _page(page, questionnaire_form(page.questionnaire), token)


@blueprint.post("/survey/<token>")
@action(PUBLIC)
@throttled("20 per minute")
def answer(token: str) -> ResponseReturnValue:
    """Take one answer: put a sealed ballot into the box, or show the page again with what was typed."""
    with reading() as session:
        page = open_page(session, runtime(), token)
    form = questionnaire_form(page.questionnaire)
    filled = form.checked()
    if filled is None:
        return _page(page, form, token), 422
    with writing() as session:
        submit(session, runtime(), token, filled)
    return redirect(url_for("survey.thanks"), 303)


def _page(page: OpenPage, form: QuestionnaireForm, token: str) -> str:
    return render_template(
        "survey/questionnaire.html",
        questionnaire=page.questionnaire,
        form=form,
        address=url_for("survey.answer", token=token),
        hint=PRIVACY_HINT,
    )


@blueprint.get("/survey/<token>/stop")
@action(PUBLIC)
@throttled("60 per minute", methods=["GET"])
def stop(token: str) -> ResponseReturnValue:
    """Offer "not the right person" and "no more letters"; both are done by buttons, never by opening the page."""
    with reading() as session:
        addressed(session, token)
    return render_template("survey/stop.html", form=WrongPersonForm(), token=token)


@blueprint.post("/survey/<token>/stop")
@action(PUBLIC)
@throttled("20 per minute")
def stop_letters(token: str) -> ResponseReturnValue:
    """Never write to this address again."""
    with writing() as session:
        opt_out(session, runtime(), token)
    return redirect(url_for("survey.stopped"), 303)


@blueprint.post("/survey/<token>/unsubscribe")
@action(PUBLIC)
@throttled("20 per minute")
def one_click(token: str) -> ResponseReturnValue:
    """Opt out by the mail program's own button (RFC 8058): a POST without cookies, so without a form's token."""
    if request.form.get("List-Unsubscribe") != "One-Click":
        return redirect(url_for("survey.stop", token=token), 303)
    with writing() as session:
        opt_out(session, runtime(), token)
    return "", 204


@blueprint.post("/survey/<token>/wrong-person")
@action(PUBLIC)
@throttled("10 per minute")
def not_me(token: str) -> ResponseReturnValue:
    """Tell a librarian that somebody else should be asked."""
    form = WrongPersonForm()
    if not form.validate():
        with reading() as session:
            addressed(session, token)
        return render_template("survey/stop.html", form=form, token=token), 422
    with writing() as session:
        wrong_person(session, runtime(), token, form.note.data or "")
    return redirect(url_for("survey.stopped"), 303)


@blueprint.record_once
def _own_csrf(state: BlueprintSetupState) -> None:
    """Let the questionnaire check its form token itself, so that a stale one keeps what was typed; mail programs have none."""
    protect = state.app.extensions.get("csrf")
    if protect is not None:
        for view in (answer, one_click):
            protect.exempt(f"{view.__module__}.{view.__name__}")
