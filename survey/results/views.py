"""The pages of results: figures for everybody with a login, and what people wrote, for survey readers alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from biblio.charts import THEMES
from biblio.errors import NotFound
from biblio.printing import can_write_pdf
from biblio.store.answers import GROUPS, answers_of_closed_campaigns
from biblio.store.found import found
from biblio.store.models import Campaign, Comment, CommentTag
from biblio.tables import csv_file
from biblio.webkit import (
    action,
    actor,
    done,
    file_response,
    paginate_list,
    reading,
    refusals_told,
    runtime,
    table_response,
    wants,
    wants_table,
    writing,
)
from survey.results import files
from survey.results.figures import Results, compared, results_of
from survey.results.reading import (
    TAG_MAX,
    Sought,
    add_tag,
    campaign_of,
    end_tag,
    reading_of,
    tag_again,
)

results = Blueprint("results", __name__, url_prefix="/campaigns")

_KEPT = ("order", "q", "tag", "question", "page")
"""What the address of a list of comments says; kept when a tag is added or taken off."""


def register(blueprint: Blueprint) -> None:
    """Hang the pages of results below the survey's blueprint."""
    blueprint.register_blueprint(results)


# -- figures ----------------------------------------------------------------------------------------------------------


def _results(campaign_id: int) -> Results:
    with reading() as session:
        return results_of(session, found(session, Campaign, campaign_id, "campaign"), runtime().clock.today())


@results.get("/<int:campaign_id>/results")
@action("figures.read")
def show(campaign_id: int) -> ResponseReturnValue:
    """Show what a campaign found: both rates, reasons, groups, strata; or why there is nothing to show (yet)."""
    one = _results(campaign_id)
    name = f"results-{one.figures.name}"
    if wants_table():
        return table_response(name, files.HEADER, files.rows([one]))
    if wants("json"):
        plain = json.dumps(files.plain(one), ensure_ascii=False, indent=1)
        return file_response(plain, f"{name}.json", "application/json")
    if wants("pdf"):
        return file_response(files.as_pdf(one, _made()), f"{name}.pdf", "application/pdf")
    return render_template(
        "survey/results.html", one=one, groups=GROUPS, exports=_exports("json"), **files.page_values([one])
    )


def _made() -> files.Made:
    return files.Made(runtime().profile.observatory.name, runtime().clock.today())


def _exports(*more: str) -> tuple[str, ...]:
    """Return the kinds of files that a page of figures is offered as."""
    return ("csv", "xlsx", *(("pdf",) if can_write_pdf() else ()), *more)


@results.get("/<int:campaign_id>/results/chart.<theme>.svg")
@action("figures.read")
def chart(campaign_id: int, theme: str) -> Response:
    """Draw the answers by reason, for a light or dark page."""
    one = _results(campaign_id)
    if theme not in THEMES or not one.reasons:
        abort(404)
    return Response(files.chart(one, theme), mimetype="image/svg+xml", headers={"Cache-Control": "private, max-age=60"})


@results.get("/compare")
@action("figures.read")
def compare() -> ResponseReturnValue:
    """Show the campaigns side by side over the years, apart by their wording."""
    with reading() as session:
        comparison = compared(answers_of_closed_campaigns(session))
        running = [results_of(session, each, runtime().clock.today()) for each in _running(session)]
    if wants_table():
        return table_response("campaigns", files.HEADER, files.rows(comparison.results))
    if wants("pdf"):
        return file_response(files.compared_pdf(comparison, _made()), "campaigns.pdf", "application/pdf")
    return render_template(
        "survey/compare.html",
        comparison=comparison,
        running=running,
        exports=_exports(),
        **files.page_values(comparison.results),
    )


@results.get("/compare/chart.<theme>.svg")
@action("figures.read")
def compared_chart(theme: str) -> Response:
    """Draw the five groups of all campaigns, for a light or dark page."""
    with reading() as session:
        comparison = compared(answers_of_closed_campaigns(session))
    if theme not in THEMES or not any(each.groups for each in comparison.results):
        abort(404)
    drawn = files.compared_chart(comparison, theme)
    return Response(drawn, mimetype="image/svg+xml", headers={"Cache-Control": "private, max-age=60"})


def _running(session: Session) -> list[Campaign]:
    """Return the campaigns that were opened here and whose box is not opened for good yet."""
    query = select(Campaign).where(col(Campaign.opened_at).is_not(None), col(Campaign.past).is_(None))
    return list(session.exec(query.where(col(Campaign.is_released).is_(False)).order_by(col(Campaign.id).desc())))


# -- what people wrote ------------------------------------------------------------------------------------------------


def _sought() -> Sought:
    """Return what the address asks for; the words of a person who looks are nobody's answer, and are not kept."""
    asked = {name: " ".join(request.args.get(name, "").split()) for name in ("q", "tag", "question")}
    return Sought(asked["q"][:200], asked["tag"][:TAG_MAX], asked["question"][:TAG_MAX])


def _order() -> str:
    order = request.args.get("order", "")
    return order if order.isalnum() and order.isascii() and len(order) <= 32 else ""


@results.get("/<int:campaign_id>/answers")
@action("answers.read")
def answers(campaign_id: int) -> str:
    """Show what people wrote, apart from their choices and in an order that is new each time."""
    sought = _sought()
    with reading() as session:
        campaign = found(session, Campaign, campaign_id, "campaign")
        read = reading_of(session, campaign, sought, _order())
        one = results_of(session, campaign, runtime().clock.today())
    page = paginate_list(read.comments, exports=())
    kept = {"q": sought.words, "tag": sought.tag, "question": sought.question, "page": page.number}
    return render_template(
        "survey/answers.html",
        one=one,
        read=read,
        page=page,
        sought=sought,
        tag_max=TAG_MAX,
        kept={name: value for name, value in {"order": read.order, **kept}.items() if value},
    )


@results.get("/<int:campaign_id>/answers/<any(comments, words):what>.csv")
@action("answers.read")
def export(campaign_id: int, what: str) -> Response:
    """Give comments (those sought, with their tags) or the words beside choices as a file, in a new random order."""
    with reading() as session:
        read = reading_of(session, found(session, Campaign, campaign_id, "campaign"), _sought())
    name = f"{what}-{read.figures.name}.csv"
    if what == "comments":
        said = [(each.question, each.words, ", ".join(tag.word for tag in each.tags)) for each in read.comments]
        return file_response(csv_file(("question", "comment", "tags"), said), name, "text/csv")
    beside = [(b.question.key, b.choice.number, b.choice.short, word) for b in read.beside for word in b.words]
    return file_response(csv_file(("question", "number", "choice", "words"), beside), name, "text/csv")


def _back(campaign_id: int, comment_id: str = "") -> ResponseReturnValue:
    """Lead back to the list as it was, at the comment."""
    anchor = f"c{comment_id[:8]}" if comment_id else None
    return redirect(url_for("survey.results.answers", campaign_id=campaign_id, _anchor=anchor, **_kept()))


def _kept() -> dict[str, Any]:
    return {name: request.args[name] for name in _KEPT if request.args.get(name)}


@results.post("/<int:campaign_id>/comments/<comment_id>/tags")
@action("answers.read")
@refusals_told(_back)
def tag(campaign_id: int, comment_id: str) -> ResponseReturnValue:
    """Tag a comment; commas part several tags, as on the desk. All are added, or none."""
    written = request.form.get("tag", "")
    words = [each for each in written.split(",") if each.strip()] or [""]
    with writing() as session:
        comment = session.get(Comment, comment_id)
        if comment is None or comment.campaign_id != campaign_id:
            raise NotFound("There is no such comment in this campaign.")
        made = [add_tag(session, runtime(), actor(), comment_id, word) for word in words]
        said = ", ".join(f"“{each.tag}”" for each in made)
        undo = url_for("survey.results.change_tag", tag_id=made[0].id, what="end", **_kept())
    done(f"Tagged {said}.", undo_url=undo if len(words) == 1 else None)
    return _back(campaign_id, comment_id)


@results.post("/comment-tags/<int:tag_id>/<any(end, again):what>")
@action("answers.read")
def change_tag(tag_id: int, what: str) -> ResponseReturnValue:
    """Take a tag off its comment, or put it back."""
    act: Callable[..., CommentTag] = {"end": end_tag, "again": tag_again}[what]
    with writing() as session:
        changed = act(session, runtime(), actor(), tag_id)
        campaign_id, word, comment_id = campaign_of(session, changed), changed.tag, changed.comment_id
        number = changed.id
    other = "again" if what == "end" else "end"
    done(
        f"{'Taken off' if what == 'end' else 'Tagged'}: “{word}”.",
        undo_url=url_for("survey.results.change_tag", tag_id=number, what=other, **_kept()),
    )
    return _back(campaign_id, comment_id)
