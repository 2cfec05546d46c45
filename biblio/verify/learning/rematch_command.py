"""``biblio rematch``: shows what a model or changed rules would change, and puts them in force when told to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from biblio.bulk import bulk_options
from biblio.catalogue.actor import Actor
from biblio.errors import BiblioError, JobRunning, NotFound, RequestRefused
from biblio.jobs import run_job
from biblio.progress import Bars
from biblio.runtime import Runtime
from biblio.store.models import JobRun, RematchTrial
from biblio.store.words import Outcome, TrialState
from biblio.verify.learning.command import who_chooses
from biblio.verify.learning.rematch import apply, drop_open, open_trial
from biblio.verify.learning.rematch import rematch as job
from biblio.verify.learning.rematch_report import BANDS, NONE, Change, Report, Sides, figures_of, report
from biblio.verify.proposing.match import match


@click.command("rematch", short_help="Try a model or changed rules on all papers before they are used.")
@click.option(
    "--model",
    metavar="MODEL",
    help="What to try: a model's version or file, `profile` (its weights), `now` (what is in force, under today's rules). "
    "Default: the newest model that was found better, else `now`.",
)
@click.option(
    "--profile",
    metavar="FOLDER",
    help="Try the rules, keywords and grammar of this profile folder instead of those in force.",
)
@bulk_options
@click.option("--show", "shows", is_flag=True, help="Show the trial there is; try nothing.")
@click.option("--apply", "applies", is_flag=True, help="Put in force what was tried, and match all papers with it.")
@click.option("--drop", "drops", is_flag=True, help="Forget the trial.")
@click.option("--as", "username", metavar="USER", help="Who tries, applies or drops it, for the audit log.")
@click.option("--most", default=20, show_default=True, type=click.IntRange(0, 1000), help="Largest changes to show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def rematch(ctx: click.Context, /, username: str | None, **given: Any) -> None:
    """Try a model, or changed rules, on all papers, and show what would change; nothing does until --apply.

    A trial can be killed and run again: it goes on where it stopped, and tries only papers that are new or changed. It
    shows candidates that would be new, gone or in another band, papers that would wait or no longer wait for a verdict,
    and precision and recall on what people decided, before and after. --apply puts it in force and runs the job match;
    verdicts are never changed. It refuses a trial that the desk has moved on from.

    \b
    Examples:
      biblio rematch
      biblio rematch --model 3f0c9a --workers 8
      biblio rematch --model profile --executor tcp://dask.example:8786
      biblio rematch --profile ~/profiles/stricter --model now
      biblio rematch --show --json > trial.json
      biblio rematch --apply --as vera
    """
    if given["shows"] + given["applies"] + given["drops"] > 1:
        raise click.UsageError("Give one of --show, --apply and --drop.")
    if (given["model"] or given["profile"]) and (given["shows"] or given["applies"] or given["drops"]):
        raise click.UsageError("A model or profile is tried first; then --show, --apply or --drop speak of that trial.")
    runtime: Runtime = ctx.obj()
    try:
        actor = who_chooses(runtime, username)
        if given["drops"]:
            _drop(runtime, actor, as_json=given["as_json"])
        elif given["applies"]:
            _apply(ctx, runtime, actor, given)
        else:
            if not given["shows"]:
                _try(ctx, runtime, actor, given)
            _show(runtime, given)
    except RequestRefused as reason:
        raise click.ClickException(str(reason)) from reason


def _run(ctx: click.Context, runtime: Runtime, actor: Actor, given: Mapping[str, Any], which: str) -> JobRun:
    """Run one of the two jobs with its progress; end the command where it failed."""
    wanted = {
        "model": given["model"],
        "profile": given["profile"],
        "executor": given["kind"],
        "workers": given["workers"],
    }
    arguments = {name: value for name, value in wanted.items() if value is not None} if which == "rematch" else {}
    with Bars(quiet=given["quiet"] or given["as_json"]) as bars:
        row = run_job(
            runtime, job if which == "rematch" else match, arguments=arguments, actor_id=actor.user_id, progress=bars
        )
    for sentence in row.counts.get("notes", []):
        click.echo(sentence, err=True)
    if row.outcome is not Outcome.SUCCEEDED:
        click.echo(row.error or "It did not end well.", err=True)
        ctx.exit(1)
    return row


def _try(ctx: click.Context, runtime: Runtime, actor: Actor, given: Mapping[str, Any]) -> None:
    try:
        _run(ctx, runtime, actor, given, "rematch")
    except JobRunning as reason:
        raise click.ClickException(str(reason)) from reason


def _show(runtime: Runtime, given: Mapping[str, Any]) -> None:
    with runtime.store.reading() as session:
        trial = open_trial(session)
    if trial is None:
        raise NotFound("There is no trial: `biblio rematch` makes one.")
    found = report(runtime, trial, given["most"])
    if given["as_json"]:
        click.echo(json.dumps({**_told(trial), **found.plain()}, ensure_ascii=False))
        return
    for line in lines(trial, found):
        click.echo(line)


def _told(trial: RematchTrial) -> dict[str, Any]:
    return {
        "trial": trial.id,
        "state": trial.state.value,
        "model": trial.counts.get("version"),
        "begun_at": trial.begun_at.isoformat(timespec="seconds"),
    }


def _drop(runtime: Runtime, actor: Actor, *, as_json: bool) -> None:
    with runtime.store.writing() as session:
        told = _told(drop_open(session, actor, now=runtime.clock.now()))
    click.echo(json.dumps(told) if as_json else "The trial was dropped. Nothing on the desk was changed.")


def _apply(ctx: click.Context, runtime: Runtime, actor: Actor, given: Mapping[str, Any]) -> None:
    trial = apply(runtime, actor)
    name = str(trial.counts.get("name"))
    try:
        row = _run(ctx, runtime, actor, given, "match")
    except BiblioError as reason:
        raise click.ClickException(
            f"In force: {name}. Papers are not matched yet: {reason} Run `biblio run match` then; it goes on by itself."
        ) from reason
    if given["as_json"]:
        counts = {name: count for name, count in row.counts.items() if name != "notes"}
        click.echo(json.dumps({**_told(trial), "match": counts}))
        return
    counts = row.counts
    click.echo(
        f"In force: {name}. {counts.get('matched', 0)} papers matched: {counts.get('new', 0)} candidates new, "
        f"{counts.get('changed', 0)} changed, {counts.get('withdrawn', 0)} gone, {counts.get('look_again', 0)} to look at "
        "again. No verdict was changed; `biblio learn --back` and `biblio run match` go back."
    )


# ---- what a person reads


def lines(trial: RematchTrial, found: Report) -> Iterator[str]:
    """The report as tables."""
    yield f"Trial {trial.id} of {trial.counts.get('name')}: {found.papers} papers."
    if trial.state is not TrialState.READY:
        yield "It has not come to its end: `biblio rematch` goes on where it stopped."
    yield (
        f"Candidates: {found.new()} new ({found.new(serious=True)} of them above unlikely), {found.gone()} gone "
        f"({found.gone(serious=True)}), {found.moved()} in another band."
    )
    yield f"{found.papers_changed} papers have a candidate above unlikely that comes, goes or changes its band."
    yield ""
    yield "candidates now    then: " + "".join(f"{band:>10}" for band in BANDS)
    for before in BANDS:
        numbers = ("" if before == after == NONE else found.count(before, after) for after in BANDS)
        yield f"{before:<24}" + "".join(f"{number:>10}" for number in numbers)
    yield ""
    after = found.waiting + found.newly_waiting - found.no_longer_waiting
    yield (
        f"Papers that wait for a verdict: {found.waiting} now, {after} then; {found.newly_waiting} would newly wait, "
        f"{found.no_longer_waiting} no longer."
    )
    yield from _figures(found)
    if found.largest:
        yield ""
        yield "The largest changes:"
        for change in found.largest:
            yield _change(change)
    yield ""
    if trial.state is TrialState.READY:
        yield "Nothing was changed. `biblio rematch --apply` puts it in force, `biblio rematch --drop` forgets it."


def _figures(found: Report) -> Iterator[str]:
    if found.decided is None:
        yield "Nobody has decided about any of these papers, so precision and recall cannot be told."
        return
    yield ""
    yield "what people decided     papers   pairs   right  precision  recall  average precision  calibration error"
    yield from _side("all: now", "all: then", found.decided)
    if found.held_back is not None:
        yield from _side("held back: now", "held back: then", found.held_back)
        yield "(A model flatters itself on papers it learned from; on those held back it does not.)"


def _side(before: str, after: str, sides: Sides) -> Iterator[str]:
    for name, evaluation in ((before, sides.before), (after, sides.after)):
        told = figures_of(evaluation)
        yield (
            f"{name:<20}{told['papers']:10d}{told['pairs']:8d}{told['right']:8d}  {_share(told['precision']):>9}  "
            f"{_share(told['recall']):>6}  {told['average_precision']:17.3f}  {told['calibration_error']:17.4f}"
        )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _change(change: Change) -> str:
    def side(which: tuple[str, float]) -> str:
        return which[0] if which[0] == NONE else f"{which[0]} {which[1]:.3f}"

    title = "".join(sign if sign.isprintable() else "\ufffd" for sign in change.title)[:60]
    return f"  {change.paper:<20} {change.project:<16} {side(change.before)} → {side(change.after)}  {title}"
