"""Who does what: claim, release, hand over, escalate and settle; one's own papers and what is escalated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.errors import NotAllowed, RequestRefused
from biblio.verify.paper.history import VERDICT_WORDS
from biblio.verify.queue.views import now, to_paper
from biblio.verify.queue.wanted import QueueFilter
from biblio.verify.sharing import claims
from biblio.verify.sharing import queries as sharing_queries
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.forms import EscalateForm, HandOverForm, SettleForm
from biblio.verify.sharing.queries import until_words

_PAPER = "/desk/paper/<int:paper_id>"


def add_rules(blueprint: Blueprint) -> None:
    """Add these addresses to the desk's URL map."""
    for rule, view, name in (
        (f"{_PAPER}/claim", claim, "claim"),
        (f"{_PAPER}/release", release, "release"),
        (f"{_PAPER}/hand-over", hand_over, "hand_over"),
        ("/desk/claim/<int:claim_id>/back", take_back_claim, "take_back_claim"),
        ("/desk/assignment/<int:assignment_id>/back", take_back_assignment, "take_back_assignment"),
        (f"{_PAPER}/escalate", escalate, "escalate"),
        ("/desk/escalation/<int:escalation_id>/back", take_back_escalation, "take_back_escalation"),
        ("/desk/escalation/<int:escalation_id>/settle", settle, "settle"),
        ("/desk/escalation/<int:escalation_id>/reopen", reopen, "reopen"),
    ):
        blueprint.add_url_rule(rule, name, view, methods=["POST"])
    blueprint.add_url_rule("/desk/mine", "mine", mine, methods=["GET"])
    blueprint.add_url_rule("/desk/escalated", "escalated", escalated, methods=["GET"])


def _back(paper_id: int) -> ResponseReturnValue:
    """Go where the form was sent from, else to the paper."""
    target = webkit.same_site(request.form.get("back"))
    return redirect(target) if target else to_paper(paper_id, QueueFilter.from_address(request.args))


def _to_mine(**_: int) -> ResponseReturnValue:
    return redirect(url_for("verify.mine"))


def _to_escalated(**_: int) -> ResponseReturnValue:
    """Go where the form was sent from, else to the list of what is escalated."""
    return redirect(webkit.same_site(request.form.get("back")) or url_for("verify.escalated"))


def of_paper(session: Session, shares: sharing_queries.Shares) -> sharing_queries.Sharing:
    """Return who does what about a paper, for its page."""
    wired = webkit.runtime()
    return sharing_queries.sharing(session, wired.profile, webkit.actor(), shares, wired.clock.now())


# -- claims ---------------------------------------------------------------------------------------------------------------


@webkit.action("desk.share")
@webkit.refusals_told(_back)
def claim(paper_id: int) -> ResponseReturnValue:
    """Note that this person works on a paper."""
    today = now()
    with webkit.writing() as session:
        minutes = webkit.runtime().settings.claim_minutes
        row = sharing.claim(session, webkit.actor(), paper_id, today, minutes=minutes)
    release_url = url_for("verify.release", paper_id=row.paper_id)
    webkit.done(
        f"You work on this paper until {until_words(row.until, today.now)}; others see it.", undo_url=release_url
    )
    return _back(paper_id)


@webkit.action("desk.share")
@webkit.refusals_told(_back, NotAllowed)
def release(paper_id: int) -> ResponseReturnValue:
    """End a claim."""
    with webkit.writing() as session:
        row = claims.release(session, webkit.actor(), paper_id, now=now().now)
    undo = url_for("verify.claim", paper_id=row.paper_id) if row.holder_id == webkit.actor().user_id else None
    webkit.done("The paper is free for others.", undo_url=undo)
    return _back(paper_id)


@webkit.action("desk.share")
@webkit.refusals_told(_back, NotAllowed)
def hand_over(paper_id: int) -> ResponseReturnValue:
    """Give a paper to a person or to a library, with a note."""
    form = HandOverForm()
    form.check()
    note = form.note.data or ""
    with webkit.writing() as session:
        if form.library:
            given = sharing.hand_to_library(session, webkit.actor(), paper_id, form.library, note, now())
            words, undo = form.library, url_for("verify.take_back_assignment", assignment_id=given.id)
        elif form.person_id is not None:
            row = sharing.hand_to_person(session, webkit.actor(), paper_id, form.person_id, note, now())
            colleagues = {c.user_id: c.name for c in sharing_queries.colleagues(session, webkit.actor())}
            words, undo = colleagues[row.holder_id], url_for("verify.take_back_claim", claim_id=row.id)
        else:
            raise RequestRefused("Choose a person or a library to hand the paper to.")
    webkit.done(f"Handed over to {words}.", undo_url=undo)
    return _back(paper_id)


@webkit.action("desk.share")
@webkit.refusals_told(_to_mine)
def take_back_claim(claim_id: int) -> ResponseReturnValue:
    """Take back a paper that was handed to a person."""
    with webkit.writing() as session:
        row = claims.take_back(session, webkit.actor(), claim_id, now=now().now)
    webkit.done("Taken back: the paper is not theirs any more.")
    return to_paper(row.paper_id, QueueFilter())


@webkit.action("desk.share")
@webkit.refusals_told(_to_mine)
def take_back_assignment(assignment_id: int) -> ResponseReturnValue:
    """Take back that a paper was handed to a library."""
    with webkit.writing() as session:
        row = sharing.take_from_library(session, webkit.actor(), assignment_id, now())
    webkit.done("Taken back: the paper is where rules and partners put it.")
    return to_paper(row.paper_id, QueueFilter())


@webkit.action("desk.share")
def mine() -> ResponseReturnValue:
    """Show what this person works on or was handed."""
    with webkit.reading() as session:
        rows = sharing_queries.my_papers(session, webkit.actor(), now().now)
    page = webkit.paginate_list(
        rows,
        sorts={"title": lambda r: r.title.lower(), "until": lambda r: r.held.until, "from": lambda r: r.held.given_by},
    )
    if webkit.wants_table():
        header = ("paper", "title", "from", "note", "since", "until")
        return webkit.table_response(
            "my-papers",
            header,
            [
                (r.held.paper_id, r.title, r.held.given_by, r.held.note, r.held.claimed_at, r.held.until)
                for r in page.items
            ],
        )
    return render_template("verify/mine.html", page=page)


# -- escalations ----------------------------------------------------------------------------------------------------------


@webkit.action("desk.share")
@webkit.refusals_told(_back, NotAllowed)
def escalate(paper_id: int) -> ResponseReturnValue:
    """Ask a head librarian to settle a paper."""
    form = EscalateForm()
    form.check()
    with webkit.writing() as session:
        row = sharing.escalate(session, webkit.actor(), paper_id, form.reason.data or "", now())
    undo = url_for("verify.take_back_escalation", escalation_id=row.id)
    webkit.done("A head librarian is asked to settle this paper.", undo_url=undo)
    return _back(paper_id)


@webkit.action("desk.share")
@webkit.refusals_told(_to_escalated)
def take_back_escalation(escalation_id: int) -> ResponseReturnValue:
    """Take back what one asked."""
    with webkit.writing() as session:
        row = sharing.take_back_escalation(session, webkit.actor(), escalation_id, now())
    webkit.done("Taken back: nobody is asked any more.")
    return _back(row.paper_id)


@webkit.action("desk.settle")
@webkit.refusals_told(_to_escalated, NotAllowed)
def settle(escalation_id: int) -> ResponseReturnValue:
    """Settle what was asked, in words."""
    form = SettleForm()
    form.check()
    with webkit.writing() as session:
        row = sharing.settle(session, webkit.actor(), escalation_id, form.words.data or "", now())
    webkit.done("Settled.", undo_url=url_for("verify.reopen", escalation_id=row.id))
    return _to_escalated()


@webkit.action("desk.settle")
@webkit.refusals_told(_to_escalated)
def reopen(escalation_id: int) -> ResponseReturnValue:
    """Open again what was settled."""
    with webkit.writing() as session:
        sharing.reopen(session, webkit.actor(), escalation_id, now())
    webkit.done("It waits for a head librarian again.")
    return _to_escalated()


@webkit.action("desk.read")
def escalated() -> ResponseReturnValue:
    """Show what waits for a head librarian, or what was settled."""
    is_settled = request.args.get("state") == "settled"
    profile = webkit.runtime().profile
    with webkit.reading() as session:
        page = webkit.paginate(
            session,
            sharing_queries.escalations_asked(settled=is_settled),
            filters={"state": "settled"} if is_settled else {},
            size=25,
        )
        rows = sharing_queries.escalation_rows(session, webkit.actor(), page.items)
    names = {r.key: r.name for r in profile.relations}
    if webkit.wants_table():
        return _escalated_csv(rows, names)
    shown = replace(page, items=rows)
    return render_template(
        "verify/escalated.html",
        page=shown,
        is_settled=is_settled,
        verdict_words=VERDICT_WORDS,
        relation_names=names,
        me=webkit.actor().user_id,
    )


def _escalated_csv(rows: Sequence[sharing_queries.EscalationRow], names: Mapping[Any, str]) -> ResponseReturnValue:
    header = ("paper", "title", "asked by", "asked at", "reason", "readers", "settled by", "settled at", "words")
    return webkit.table_response(
        "escalated",
        header,
        [
            (
                r.asked.paper_id,
                r.title,
                r.asked.by or "two readers disagree",
                r.asked.at,
                "" if r.is_hidden else r.asked.reason,
                "; ".join(_both(d, names) for d in r.disagreements),
                r.asked.settled_by,
                r.asked.settled_at,
                "" if r.is_hidden else r.asked.words,
            )
            for r in rows
        ],
    )


def _both(one: sharing_queries.Disagreement, names: Mapping[Any, str]) -> str:
    views = []
    for view in (one.first, one.second):
        relation = f", {names.get(view.relation.value, view.relation.value).lower()}" if view.relation else ""
        views.append(
            f"{view.who}: {VERDICT_WORDS[view.verdict]}{relation}" + (f" ({view.reason})" if view.reason else "")
        )
    return f"{one.code}: {' / '.join(views)}"
