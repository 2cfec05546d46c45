"""The second reader's pages: the list, the blind page of one paper, and what comes of a second view."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.store.current import survivor_of
from biblio.store.found import found
from biblio.store.models import Decision, Project, SecondReading, UserAccount
from biblio.verify.paper.history import VERDICT_WORDS
from biblio.verify.paper.read import PaperRead, read_paper
from biblio.verify.queue.queries import title_of
from biblio.verify.queue.views import now
from biblio.verify.sharing import blind
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.forms import SecondForm
from biblio.verify.sharing.queries import Opinion
from biblio.verify.sharing.second_readings import hidden_from


def add_rules(blueprint: Blueprint) -> None:
    """Add these addresses to the desk's URL map."""
    for rule, view, name, method in (
        ("/desk/second", second, "second", "GET"),
        ("/desk/second/<int:reading_id>", read_second, "read_second", "GET"),
        ("/desk/second/<int:reading_id>", judge_second, "judge_second", "POST"),
        ("/desk/second/<int:reading_id>/call-off", call_off, "call_off", "POST"),
        ("/desk/second/<int:reading_id>/resume", resume, "resume", "POST"),
    ):
        blueprint.add_url_rule(rule, name, view, methods=[method])


@webkit.action("desk.share")
def second() -> ResponseReturnValue:
    """Show what this person can judge as second reader."""
    words = request.args.get("q", "").replace("\0", "").strip()[:100]
    actor = webkit.actor()
    with webkit.reading() as session:
        page = webkit.paginate(
            session,
            blind.readings_for(actor, words),
            sorts=blind.SORTS,
            filters={"q": words} if words else {},
        )
        own = blind.own_count(session, actor)
    rows = blind.reading_rows(page.items)
    if webkit.wants_table():
        header = ("paper", "title", "journal", "year", "project", "project title")
        cells = [(r.paper_id, r.title, r.journal, r.year, r.code, r.project_title) for r in rows]
        return webkit.table_response("second-readings", header, cells)
    shown = replace(page, items=rows)
    return render_template("verify/second.html", page=shown, words=words, own=own)


@webkit.action("desk.share")
def read_second(reading_id: int) -> ResponseReturnValue:
    """Show one paper and one project, and nothing of what others thought of them."""
    with webkit.reading() as session:
        row = _reading(session, reading_id)
        page = instead(session, read_paper(session, row.paper_id), reading_id=reading_id)
        if page is not None and row.ended_at is None and row.first_reader_id != webkit.actor().user_id:
            return page
        if row.ended_at is None:
            webkit.problem("You decided this yourself: the second reader must be somebody else.")
        else:
            webkit.problem("This second reading has ended.")
        return redirect(url_for("verify.paper", paper_id=row.paper_id))


def instead(
    session: Session, read: PaperRead, form: SecondForm | None = None, *, reading_id: int | None = None
) -> str | None:
    """Return the blind page for somebody who must not see a paper's decisions, None where nothing is hidden from them.

    Every page that would show them calls this first.
    """
    wired = webkit.runtime()
    page = blind.blind_page(session, wired.profile, wired.rules, webkit.actor(), read, reading_id=reading_id)
    if page is None:
        return None
    return render_template(
        "verify/blind.html",
        page=page,
        form=form or SecondForm(formdata=None),
        relations=wired.profile.relations,
        profile=wired.profile,
    )


def hidden_page(paper_id: int, message: str) -> ResponseReturnValue:
    """Say (409) that nothing was stored because the paper is read a second time, on the page to read it."""
    webkit.problem(message)
    with webkit.reading() as session:
        page = instead(session, read_paper(session, paper_id))
    return (page, 409) if page is not None else redirect(url_for("verify.paper", paper_id=paper_id))


@webkit.action("desk.share")
def judge_second(reading_id: int) -> ResponseReturnValue:
    """Store the second reader's view and say what the first one's was, if nothing of the paper is hidden any more."""
    form = SecondForm()
    try:
        form.check()
        with webkit.writing() as session:
            row = sharing.judge_second(session, webkit.actor(), reading_id, form.view(), now())
    except Stale as stale:
        return _stale_page(reading_id, form, str(stale)), 409
    except (NotFound, NotAllowed):
        raise
    except RequestRefused as refusal:
        if not form.errors:
            form.relation.errors = [*form.relation.errors, str(refusal)]
        with webkit.reading() as session:
            read = read_paper(session, _reading(session, reading_id).paper_id)
            page = instead(session, read, form, reading_id=reading_id)
        return (page, 422) if page is not None else redirect(url_for("verify.second"))
    with webkit.reading() as session:
        webkit.done(_outcome(session, row))
        following = blind.next_reading(session, webkit.actor())
    if following is None:
        return redirect(url_for("verify.second"))
    return redirect(url_for("verify.read_second", reading_id=following))


def _outcome(session: Session, row: SecondReading) -> str:
    """Say what came of it; where another reading of the paper is open, nothing of the first reader's view."""
    title = title_of(session, row.paper_id)
    code = session.get_one(Project, row.project_id).code
    about = f"{code} and “{title if len(title) <= 80 else title[:79] + '…'}”"
    survivor = survivor_of(session, row.paper_id) or row.paper_id
    if hidden_from(session, webkit.actor().user_id, {survivor}):
        return f"Your view of {about} is stored. Another decision on this paper is still to be read."
    first = session.get_one(Decision, row.decision_id)
    assert first.verdict is not None
    if row.agrees:
        return f"You agree with the first reader on {about}: {VERDICT_WORDS[first.verdict]}."
    return (
        f"The first reader thought otherwise of {about}: {VERDICT_WORDS[first.verdict]}. A head librarian settles it."
    )


def _reading(session: Session, reading_id: int) -> SecondReading:
    return found(session, SecondReading, reading_id, "second reading")


def _stale_page(reading_id: int, form: SecondForm, message: str) -> str:
    """Show both views: what this person wanted to say, and what the other second reader said meanwhile."""
    with webkit.reading() as session:
        row = _reading(session, reading_id)
        survivor = survivor_of(session, row.paper_id) or row.paper_id
        is_hidden = bool(hidden_from(session, webkit.actor().user_id, {survivor}))
        told: Opinion | None = None
        if row.verdict is not None and row.ended_at is not None and not is_hidden:
            who = session.get(UserAccount, row.second_reader_id) if row.second_reader_id else None
            told = Opinion(who.name if who else "", row.ended_at, row.verdict, row.relation, row.reason)
        return render_template(
            "verify/stale_second.html",
            message=message,
            paper_id=survivor,
            title=title_of(session, survivor),
            code=session.get_one(Project, row.project_id).code,
            form=form,
            told=told,
            was_read=row.verdict is not None,
            verdict_words=VERDICT_WORDS,
            relation_names={r.key: r.name for r in webkit.runtime().profile.relations},
        )


def _to_second(**_: int) -> ResponseReturnValue:
    return redirect(url_for("verify.second"))


@webkit.action("desk.settle")
@webkit.refusals_told(_to_second)
def call_off(reading_id: int) -> ResponseReturnValue:
    """End a second reading that nobody is going to do."""
    with webkit.writing() as session:
        row = sharing.call_off(session, webkit.actor(), reading_id, now())
    webkit.done(
        "Called off: the first decision stands, and everybody sees it again.",
        undo_url=url_for("verify.resume", reading_id=row.id),
    )
    return _to_second()


@webkit.action("desk.settle")
@webkit.refusals_told(_to_second)
def resume(reading_id: int) -> ResponseReturnValue:
    """Open again a second reading that was called off."""
    with webkit.writing() as session:
        sharing.resume(session, webkit.actor(), reading_id, now())
    webkit.done("It waits for a second reader again.")
    return _to_second()
