"""The desk's pages about one paper, and what people decide there. All rules are in service and catalogue."""

from __future__ import annotations

import math
from dataclasses import replace

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.catalogue.archival import archival_class
from biblio.catalogue.links import Ruling
from biblio.catalogue.readable import harmless
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.store.models import Decision, DeskItem, Project
from biblio.store.words import RelationKind, Verdict
from biblio.verify import refusals, service
from biblio.verify.forms import DecisionForm, TwinForm
from biblio.verify.paper import writing_views as paper_views
from biblio.verify.paper.history import VERDICT_WORDS
from biblio.verify.paper.page import PaperPage, paper_page
from biblio.verify.paper.project_words import ProjectWords
from biblio.verify.paper.read import PaperRead, read_paper
from biblio.verify.paper.relation_proposal import relation_proposal
from biblio.verify.paper.search import find_projects
from biblio.verify.queue import queries, teaching
from biblio.verify.queue import views as queue_views
from biblio.verify.queue.items import is_in_audit
from biblio.verify.queue.views import around, now, to_paper
from biblio.verify.queue.wanted import QueueFilter
from biblio.verify.sharing import quality_views, second_views
from biblio.verify.sharing import views as sharing_views
from biblio.verify.sharing.claims import Claimed
from biblio.verify.sharing.second_readings import UnderSecondReading


def make_blueprint() -> Blueprint:
    """Return the desk's URL map."""
    blueprint = Blueprint("verify", __name__)
    blueprint.add_app_template_filter(score_words)
    blueprint.add_app_template_filter(odds_words)
    blueprint.add_app_template_filter(signed)
    blueprint.add_app_template_filter(harmless)
    for rule, view, name, methods in (
        ("/desk/paper/<int:paper_id>", paper, "paper", ["GET"]),
        ("/desk/paper/<int:paper_id>/decide", decide, "decide", ["POST"]),
        ("/desk/paper/<int:paper_id>/relation/undo", undo_relation, "undo_relation", ["POST"]),
        ("/desk/decision/<ids>/undo", undo, "undo", ["POST"]),
        ("/desk/twin/<int:proposal_id>", twin, "twin", ["POST"]),
        ("/desk/merge/<int:merge_id>/undo", undo_merge, "undo_merge", ["POST"]),
    ):
        blueprint.add_url_rule(rule, name, view, methods=methods)
    queue_views.add_rules(blueprint)
    sharing_views.add_rules(blueprint)
    second_views.add_rules(blueprint)
    quality_views.add_rules(blueprint)
    paper_views.add_rules(blueprint)
    return blueprint


def score_words(score: float | None) -> str:
    """Return a score as a percentage that never claims 0 or 100."""
    if score is None:
        return "no score"
    if score >= 0.9995:
        return "> 99.9 %"
    if score < 0.001:
        return "< 0.1 %"
    return f"{100 * score:.1f} %" if score >= 0.99 or score < 0.1 else f"{100 * score:.0f} %"


def odds_words(score: float | None) -> str:
    """Return the log-odds of a score that a percentage no longer tells from others, with their sign; else nothing."""
    if score is None or 0.001 <= score < 0.9995:
        return ""
    kept = min(max(score, 1e-12), 1 - 1e-12)
    return signed(math.log(kept / (1 - kept)))


def signed(log_odds: float) -> str:
    """Return log-odds with their sign (a true minus), to one digit, or to two where one would show nothing."""
    return (f"{log_odds:+.1f}" if abs(log_odds) >= 0.05 else f"{log_odds:+.2f}").replace("-", "\u2212")


# -- one paper ----------------------------------------------------------------------------------------------------------


@webkit.action("desk.read")
def paper(paper_id: int) -> ResponseReturnValue:
    """Show one paper beside its candidate projects."""
    with webkit.reading() as session:
        return _render_paper(session, read_paper(session, paper_id), DecisionForm(formdata=None))


def _render_paper(session: Session, read: PaperRead, form: DecisionForm) -> str:
    """Return the paper's page, or the blind one for somebody who must not see its decisions, whatever they sent."""
    if (blind := second_views.instead(session, read)) is not None:
        return blind
    wired = webkit.runtime()
    wanted = QueueFilter.from_address(request.args)
    words = request.args.get("find", "").strip()[:100]
    found = _found_projects(session, words)
    chosen = form.project.data or request.args.get("project", type=int)
    also = [*found, *([chosen] if chosen and chosen > 0 and chosen not in found else [])]
    if chosen is None and found:
        chosen = found[0] if len(found) == 1 else 0  # several: nobody should accept one by a key pressed too soon
    shown = paper_page(session, wired.profile, wired.rules, read, also=also, selected=chosen)
    item = read.item
    neighbours = around(session, wanted, item)
    return render_template(
        "verify/paper.html",
        page=shown,
        form=form,
        wanted=wanted,
        words=words,
        found=set(found),
        relations=wired.profile.relations,
        profile=wired.profile,
        relation_names={r.key: r.name for r in wired.profile.relations},
        next_id=neighbours.following,
        previous_id=neighbours.previous,
        is_in_audit=wanted.teaches and item is not None and is_in_audit(item),
        pace=queries.pace(session, webkit.actor().user_id),
        why_words=queries.WHY_WORDS,
        verdict_words=VERDICT_WORDS,
        twin_form=TwinForm(formdata=None),
        sharing=sharing_views.of_paper(session, read.shares),
        relation_seen=shown.relation_id,
        proposal=relation_proposal(session, wired.profile, wired.relation_rules, read),
        data_use=archival_class(read.paper_id, [name for _, name, _ in read.authors], shown.used),
    )


def _found_projects(session: Session, words: str) -> list[int]:
    """Return the projects that a search finds; their words are kept once for the whole application."""
    kept: ProjectWords = current_app.extensions.setdefault("biblio_project_words", ProjectWords())
    canonical = webkit.runtime().grammar.canonical(words)
    return find_projects(session, kept, words, canonical=canonical) if words else []


@webkit.action("desk.decide")
def decide(paper_id: int) -> ResponseReturnValue:
    """Store a verdict and go on to what waits next."""
    wanted = QueueFilter.from_address(request.args)
    form = _decision_form()
    with webkit.reading() as session:
        here = queries.queue_item(session, paper_id)
        ahead = around(session, wanted, here) if wanted.teaches else None
    try:
        form.check()
        if form.verdict.data == "none":
            decisions, words = _dismiss(paper_id, form)
        else:
            decisions, words = _judge(paper_id, form)
    except Claimed as claimed:
        here_again = url_for("verify.decide", paper_id=paper_id, **wanted.address())
        back = url_for("verify.paper", paper_id=paper_id, **wanted.address())
        return refusals.claimed_page(claimed, here_again, back)
    except UnderSecondReading as hidden:
        return second_views.hidden_page(paper_id, str(hidden))
    except Stale:
        return _stale_page(paper_id, form), 409
    except NotFound:
        raise
    except RequestRefused as refusal:
        if not form.errors:
            field = form.relation if "relates" in str(refusal) or "relation" in str(refusal) else form.project
            field.errors = [*field.errors, str(refusal)]
        with webkit.reading() as session:
            return _render_paper(session, read_paper(session, paper_id), form), 422
    if decisions:
        back = url_for("verify.undo", ids=",".join(str(d.id) for d in decisions), **wanted.address())
    else:
        back = url_for("verify.undo_relation", paper_id=paper_id, **wanted.address())
    webkit.done(words, undo_url=back)
    return _go_on(paper_id, here, wanted, ahead)


def _decision_form() -> DecisionForm:
    """Read the form; the version and evidence seen stand in fields of their own for each project."""
    form = DecisionForm()
    project = form.project.data
    for name, field in (("version", form.version), ("revision", form.revision)):
        value = request.form.get(f"{name}-{project}", "")
        if field.data is None and value.isdecimal() and len(value) < 10:
            field.data = int(value)
    return form


def _judge(paper_id: int, form: DecisionForm) -> tuple[list[Decision], str]:
    if form.project.data is None:
        raise RequestRefused("Choose the project this decision is about.")
    verdict = Verdict(form.verdict.data)
    relation = form.relation_kind if verdict is Verdict.ACCEPT else form.relation_said
    ruling = Ruling(
        paper_id=paper_id,
        project_id=form.project.data,
        verdict=verdict,
        version_seen=form.version.data or 0,
        relation=relation,
        reason=form.reason.data or "",
        candidate_revision_id=form.revision.data,
        shown_for_s=form.shown_for_s,
    )
    with webkit.writing() as session:
        decision = service.judge(session, webkit.actor(), ruling, now(), _seen())
        code = session.get_one(Project, ruling.project_id).code
        title = _title(session, paper_id)
    words = f"{VERDICT_WORDS[verdict].capitalize()} {code} for {title}"
    return [decision], f"{words}; {_class_name(relation)}." if relation and form.relation_said else f"{words}."


def _class_name(relation: RelationKind) -> str:
    return next(r.name for r in webkit.runtime().profile.relations if r.key == relation.value).lower()


def _dismiss(paper_id: int, form: DecisionForm) -> tuple[list[Decision], str]:
    relation = form.relation_kind
    if relation is None:
        raise RequestRefused("Say how the paper relates to the observatory: choose a class.")
    with webkit.writing() as session:
        said = service.Dismissal(paper_id, relation, form.reason.data or "")
        decisions = service.dismiss(session, webkit.actor(), said, now(), _seen())
        title = _title(session, paper_id)
    many = "project" if len(decisions) == 1 else "projects"
    rejected = f", {len(decisions)} proposed {many} rejected" if decisions else ""
    return decisions, f"{title}: {_class_name(relation)}{rejected}."


def _seen() -> service.Seen:
    return service.Seen(claims=refusals.aware_of(), relation_id=refusals.seen_relation())


def _title(session: Session, paper_id: int) -> str:
    title = queries.title_of(session, paper_id)
    return f"“{title if len(title) <= 80 else title[:79] + '…'}”"


def _go_on(
    paper_id: int, here: DeskItem | None, wanted: QueueFilter, ahead: teaching.Around | None
) -> ResponseReturnValue:
    """Stay while the paper has serious candidates without a verdict, else go to the next paper of the queue.

    ``ahead`` is what came after it before the decision, in an order where that cannot be told any more.
    """
    with webkit.reading() as session:
        item = queries.queue_item(session, paper_id)
        if item is not None and item.is_shown and item.candidate_id is not None:
            return to_paper(paper_id, wanted)
        if item is None and service.is_left_to(session, webkit.actor(), paper_id):
            return to_paper(paper_id, wanted)
        if ahead is not None:
            return to_paper(ahead.following, replace(wanted, turn=str(ahead.turn)))
        return to_paper(around(session, wanted, here).following, wanted)


def _stale_page(paper_id: int, form: DecisionForm) -> str:
    """Show both views: what this person wanted, and what is in force meanwhile."""
    wired = webkit.runtime()
    with webkit.reading() as session:
        project = form.project.data
        read = read_paper(session, paper_id)
        blind = second_views.instead(session, read)
        if blind is not None:
            return blind
        shown = paper_page(
            session, wired.profile, wired.rules, read, also=[project] if project else [], selected=project
        )
        return render_template(
            "verify/stale.html",
            page=shown,
            candidate=shown.candidate(project) if project else None,
            form=form,
            aware=sorted(refusals.aware_of()),
            relation_seen=shown.relation_id,
            wanted=QueueFilter.from_address(request.args),
            verdict_words=VERDICT_WORDS,
            relation_names={r.key: r.name for r in wired.profile.relations},
        )


# -- taking back ----------------------------------------------------------------------------------------------------------


@webkit.action("desk.decide")
def undo(ids: str) -> ResponseReturnValue:
    """Take decisions back that were taken together."""
    numbers = [int(part) for part in ids.split(",") if part.isdecimal() and len(part) < 10]
    if not numbers:
        raise NotFound("There is no such decision.")
    wanted = QueueFilter.from_address(request.args)
    try:
        with webkit.writing() as session:
            undone = service.take_back(session, webkit.actor(), numbers, now())
    except Stale as stale:
        webkit.problem(str(stale))
        with webkit.reading() as session:
            first = session.get(Decision, numbers[0])
            return to_paper(first.paper_id if first else None, wanted)
    papers = {d.paper_id for d in undone}
    what = "The decision was" if len(undone) == 1 else f"{len(undone)} decisions were"
    webkit.done(f"{what} taken back: what was in force before is in force again.")
    if back := webkit.same_site(request.args.get("back")):
        return redirect(back)
    if len(papers) == 1:
        return to_paper(papers.pop(), wanted, project=undone[-1].project_id)
    return redirect(url_for("verify.desk", **wanted.address()))


@webkit.action("desk.decide")
def undo_relation(paper_id: int) -> ResponseReturnValue:
    """Take back how a paper was judged to relate, where no decision rests on it."""
    try:
        with webkit.writing() as session:
            service.forget_relation(session, webkit.actor(), paper_id, now())
    except UnderSecondReading as hidden:
        return second_views.hidden_page(paper_id, str(hidden))
    webkit.done("The paper's class was taken back.")
    return to_paper(paper_id, QueueFilter.from_address(request.args))


# -- twins ----------------------------------------------------------------------------------------------------------------


@webkit.action("desk.merge")
def twin(proposal_id: int) -> ResponseReturnValue:
    """Store whether two papers are one."""
    form = TwinForm()
    if not form.validate():
        raise RequestRefused("Say whether the two are one paper: same, different or unsure.")
    verdict = Verdict(form.verdict.data)
    try:
        with webkit.writing() as session:
            merged = service.answer_twin(session, webkit.actor(), proposal_id, verdict, now())
    except Stale:
        back = webkit.same_site(request.form.get("back")) or url_for("verify.desk")
        return refusals.twin_page(proposal_id, verdict, back)
    if merged is not None:
        webkit.done("The two are one paper now.", undo_url=url_for("verify.undo_merge", merge_id=merged.id))
        return to_paper(merged.kept_id, QueueFilter())
    webkit.done("Noted: they stay two papers." if verdict is Verdict.REJECT else "Noted: unsure.")
    return redirect(webkit.same_site(request.form.get("back")) or url_for("verify.desk"))


@webkit.action("desk.merge")
def undo_merge(merge_id: int) -> ResponseReturnValue:
    """Make two papers of one again."""
    with webkit.writing() as session:
        row = service.part_again(session, webkit.actor(), merge_id, now())
    webkit.done("They are two papers again; decisions stayed with the paper they were made about.")
    return to_paper(row.kept_id, QueueFilter())


__all__ = ["PaperPage", "make_blueprint"]
