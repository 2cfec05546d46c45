"""Pages about the work as a whole: libraries with their rules, share and backlog; and how well two readers agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from biblio import webkit
from biblio.errors import JobRunning, RequestRefused
from biblio.jobs import run_at_work, run_in_background
from biblio.store.found import found
from biblio.store.models import JobRun, LibraryRule
from biblio.store.words import Outcome
from biblio.verify.queue.libraries import Condition
from biblio.verify.queue.views import now
from biblio.verify.sharing import library_rules, quality
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.forms import RuleForm
from biblio.verify.sharing.library_rules import commonest, condition_in_words, library_names
from biblio.verify.sharing.quality import Judged


def add_rules(blueprint: Blueprint) -> None:
    """Add these addresses to the desk's URL map."""
    for rule, view, name, method in (
        ("/desk/libraries", libraries, "libraries", "GET"),
        ("/desk/libraries/rules", add_rule, "add_rule", "POST"),
        ("/desk/libraries/rules/<int:rule_id>/end", end_rule, "end_rule", "POST"),
        ("/desk/libraries/rules/<int:rule_id>/again", rule_again, "rule_again", "POST"),
        ("/desk/quality", show_quality, "quality", "GET"),
    ):
        blueprint.add_url_rule(rule, name, view, methods=[method])


# -- libraries ------------------------------------------------------------------------------------------------------------


@webkit.action("quality.read")
def libraries() -> ResponseReturnValue:
    """Show each library's share and backlog, and the rules that give papers to libraries."""
    if webkit.wants_table():
        return _libraries_csv()
    form = RuleForm(formdata=request.args if "library" in request.args else None)
    with webkit.reading() as session:
        return _libraries_page(session, form)


def _libraries_page(session: Session, form: RuleForm) -> str:
    wired = webkit.runtime()
    names = library_names(wired.profile)
    sources = commonest(session, "source", 50)
    form.library.choices = [(name, name) for name in names]
    form.source.choices = [("", "any"), *((s, s) for s in sources)]
    condition = ((form.journal.data or "").strip(), form.source.data or "")
    asked = form.library.data in names and condition != ("", "")
    running = run_at_work(session, library_rules.libraries.name, wired.clock.now())
    return render_template(
        "verify/libraries.html",
        rows=quality.library_rows(session, wired.profile, wired.clock.now()),
        rules=library_rules.rule_rows(session),
        form=form,
        journals=commonest(session, "journal", 200),
        condition=condition_in_words(condition),
        move=library_rules.preview(session, condition, form.library.data) if asked else None,
        running=running,
        broken_off=None if running else _broken_off(session),
        names=names,
        days=quality.RECENT.days,
    )


def _broken_off(session: Session) -> JobRun | None:
    """Return the last run of the job that moves papers if it did not come to its end."""
    job = library_rules.libraries.name
    last = session.exec(select(JobRun).where(col(JobRun.job) == job).order_by(col(JobRun.id).desc()).limit(1)).first()
    return None if last is None or last.outcome is Outcome.SUCCEEDED else last


def _libraries_csv() -> ResponseReturnValue:
    wired = webkit.runtime()
    with webkit.reading() as session:
        rows = quality.library_rows(session, wired.profile, wired.clock.now())
    header = ("library", "decided in 30 days", "share", "waiting", "oldest waits since", "median seconds")
    cells = [(r.library or "none", r.decided, r.share, r.waiting, r.oldest, r.median_s) for r in rows]
    return webkit.table_response("libraries", header, cells)


@webkit.action("desk.settle")
def add_rule() -> ResponseReturnValue:
    """Put a rule in force."""
    form = RuleForm()
    profile = webkit.runtime().profile
    form.library.choices = [(name, name) for name in library_names(profile)]
    with webkit.reading() as session:
        form.source.choices = [("", "any"), *((s, s) for s in commonest(session, "source", 50))]
    try:
        form.check()
        condition = ((form.journal.data or "").strip(), form.source.data or "")
        row = _changed(condition, lambda s: sharing.add_rule(s, webkit.actor(), condition, form.library.data, now()))
    except (RequestRefused, JobRunning) as refusal:
        if not form.errors:
            form.journal.errors = [*form.journal.errors, str(refusal)]
        with webkit.reading() as session:
            return _libraries_page(session, form), 422
    webkit.done(
        f"Papers of {condition_in_words(condition)} are {row.library}’s from now on.",
        undo_url=url_for("verify.end_rule", rule_id=row.id),
    )
    return redirect(url_for("verify.libraries"))


def _to_libraries(**_: int) -> ResponseReturnValue:
    return redirect(url_for("verify.libraries"))


@webkit.action("desk.settle")
@webkit.refusals_told(_to_libraries)
def end_rule(rule_id: int) -> ResponseReturnValue:
    """End a rule."""
    condition = _condition(rule_id)
    row = _changed(condition, lambda s: sharing.end_rule(s, webkit.actor(), rule_id, now()))
    words = f"The rule for {condition_in_words(condition)} has ended."
    webkit.done(words, undo_url=url_for("verify.rule_again", rule_id=row.id))
    return _to_libraries()


@webkit.action("desk.settle")
@webkit.refusals_told(_to_libraries)
def rule_again(rule_id: int) -> ResponseReturnValue:
    """Put a rule in force again that was ended, as a new one."""
    condition = _condition(rule_id)
    with webkit.reading() as session:
        library = session.get_one(LibraryRule, rule_id).library
    row = _changed(condition, lambda s: sharing.add_rule(s, webkit.actor(), condition, library, now()))
    words = f"The rule for {condition_in_words(condition)} is in force again."
    webkit.done(words, undo_url=url_for("verify.end_rule", rule_id=row.id))
    return _to_libraries()


def _condition(rule_id: int) -> Condition:
    with webkit.reading() as session:
        row = found(session, LibraryRule, rule_id, "rule")
        return row.journal, row.source


def _changed(condition: Condition, change: Any) -> LibraryRule:
    """Change the rules and leave to the job what a page cannot wait for. Raises ``JobRunning`` while the job is at work."""
    wired = webkit.runtime()
    job = library_rules.libraries
    with webkit.writing() as session:
        if run_at_work(session, job.name, wired.clock.now()) is not None:
            raise JobRunning("The papers of another rule are still being moved: wait a moment, then press again.")
        row, is_more = change(session)
    if is_more:
        arguments = {"journal": condition[0], "source": condition[1]}
        run_in_background(wired, job, arguments=arguments, actor_id=webkit.actor().user_id)
    rule: LibraryRule = row
    return rule


# -- quality --------------------------------------------------------------------------------------------------------------


@webkit.action("quality.read")
def show_quality() -> ResponseReturnValue:
    """Show how well second readers agree with first ones, and how long decisions take; never by name."""
    asked = request.args.get("period", "")[:10]
    wired = webkit.runtime()
    with webkit.reading() as session:
        rows = quality.compared(session)
        times = quality.months(session, wired.clock.now())
    periods = quality.by_quarter(rows)
    known = [verdicts.period for verdicts, _ in periods]
    period = asked if asked in known else ""
    chosen = [row for row in rows if quality.quarter(row.at) == period] if period else rows
    if webkit.wants_table():
        return _quality_csv([(quality.of_verdicts(rows, "all"), quality.of_relations(rows, "all")), *periods])
    return render_template(
        "verify/quality.html",
        verdicts=quality.of_verdicts(chosen, period),
        relations=quality.of_relations(chosen, period),
        periods=periods,
        period=period,
        months=times,
        share=wired.settings.second_reading_share,
        relation_names={r.key: r.name for r in wired.profile.relations},
    )


def _quality_csv(periods: Sequence[tuple[Judged, Judged]]) -> ResponseReturnValue:
    header = (
        *("subject", "period", "pairs", "agreed", "raw agreement", "raw low", "raw high", "chance agreement"),
        *("kappa", "kappa low", "kappa high", "first reader", "second reader", "number"),
    )
    return webkit.table_response("quality", header, _cells(periods))


def _cells(periods: Sequence[tuple[Judged, Judged]]) -> Iterator[tuple[object, ...]]:
    """One row for each period and subject, then one for each cell of its table that holds something."""
    for verdicts, relations in periods:
        for subject, one in (("verdict", verdicts), ("class", relations)):
            a = one.agreement
            figures = (a.n, a.agreed, a.raw, a.raw_low, a.raw_high, a.chance, a.kappa, a.low, a.high)
            yield (subject, one.period, *figures, "", "", "")
            for first, counts in zip(one.table.labels, one.table.counts, strict=True):
                for second, number in zip(one.table.labels, counts, strict=True):
                    if number:
                        yield (subject, one.period, *([""] * len(figures)), first, second, number)
