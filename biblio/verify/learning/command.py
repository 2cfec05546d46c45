"""``biblio learn``: fits a model to the verdicts, says whether it is better, and puts models in force and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor, person_called
from biblio.errors import RequestRefused
from biblio.progress import Bars
from biblio.runtime import Runtime
from biblio.store.models import RankingModel
from biblio.store.words import LIBRARIANS, ModelFinding, Role
from biblio.verify.learning.fitting import Learned, keep, last_measure, learned
from biblio.verify.proposing.ranking_models import PROFILE, adopt, history, in_force
from matching.evaluation import Figures
from matching.ranking import weights_version

AT_THE_KEYBOARD = Actor(user_id=None, name="command line")
"""Who acts where nobody is named."""

_MAY_CHOOSE = LIBRARIANS | {Role.ADMIN}


@click.command("learn", short_help="Fit a ranking model to the verdicts, and measure it.")
@click.option("--dry-run", is_flag=True, help="Fit and measure, and store nothing.")
@click.option("--adopt", "adopts", is_flag=True, help="Put the model in force where it is better.")
@click.option("--anyway", is_flag=True, help="With --adopt: also where it is not better, or that cannot be told.")
@click.option("--as", "username", metavar="USER", help="Who has it fitted or put in force, for the audit log.")
@click.option(
    "--model",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="Write the model there, to read and compare.",
)
@click.option("--back", is_flag=True, help="Put in force again what ranked before; nothing is fitted.")
@click.option("--list", "lists", is_flag=True, help="List the models, how they did, and what was in force when.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def learn(ctx: click.Context, /, file: Path | None, username: str | None, quiet: bool, **flags: bool) -> None:
    """Fit a model that ranks candidates to what people decided, and measure it on papers held back from it.

    It learns from verdicts in force (accept, reject, papers found none of ours) and from papers that print the codes
    whose data they used; never from what the machine proposed. A fifth of the papers is held back: on these the model
    is held against what ranks now. It is stored, and put in force by `biblio rematch`, which first shows what would
    change, or at once with --adopt. No verdict is ever changed.

    \b
    Examples:
      biblio learn --dry-run
      biblio learn --as vera
      biblio learn --adopt --as vera && biblio run match
      biblio learn --list
      biblio learn --back --as vera
    """
    _refuse_contradictions(flags, file)
    runtime: Runtime = ctx.obj()
    try:
        actor = who_chooses(runtime, username)
        if flags["lists"]:
            _list(runtime, as_json=flags["as_json"])
        elif flags["back"]:
            _go_back(runtime, actor, as_json=flags["as_json"])
        else:
            _learn(ctx, runtime, actor, file, {**flags, "quiet": quiet})
    except (RequestRefused, OSError) as reason:
        raise click.ClickException(str(reason)) from reason


def _refuse_contradictions(flags: Mapping[str, bool], file: Path | None) -> None:
    fits = [f"--{name.replace('_', '-')}" for name in ("dry_run", "anyway") if flags[name]]
    fits += ["--adopt"] * flags["adopts"] + ["--model"] * (file is not None)
    for name, given in (("--back", flags["back"]), ("--list", flags["lists"])):
        if given and (fits or (flags["back"] and flags["lists"])):
            raise click.UsageError(f"{name} fits no model; give it alone.")
    if flags["anyway"] and not flags["adopts"]:
        raise click.UsageError("--anyway says when --adopt puts a model in force; give both.")
    if flags["dry_run"] and flags["adopts"]:
        raise click.UsageError("--dry-run stores nothing, so nothing can be adopted.")


def who_chooses(runtime: Runtime, username: str | None) -> Actor:
    """Return the librarian or admin of this name; None: whoever is at the keyboard. Raises ``NotAllowed``, ``NotFound``."""
    if username is None:
        return AT_THE_KEYBOARD
    with runtime.store.reading() as session:
        rule = "no active librarian or admin: only they choose what ranks candidates."
        return person_called(session, username, _MAY_CHOOSE, rule)


def _learn(ctx: click.Context, runtime: Runtime, actor: Actor, file: Path | None, flags: Mapping[str, bool]) -> None:
    if file is not None and not file.parent.is_dir():
        raise RequestRefused(f"{file} cannot be written: there is no folder {file.parent}.")
    with Bars(quiet=flags["quiet"] or flags["as_json"]) as bars:
        one = learned(runtime, bars)
    if file is not None:
        file.write_text(one.model.text(), encoding="utf-8")
    adopted = False
    if not flags["dry_run"]:
        takes = flags["adopts"] and (flags["anyway"] or one.finding is ModelFinding.BETTER)
        adopted = _keep(runtime, actor, one, takes=takes, anyway=flags["anyway"])
    if flags["as_json"]:
        click.echo(json.dumps({**_plain(one), "stored": not flags["dry_run"], "adopted": adopted}))
    else:
        for line in _lines(one):
            click.echo(line)
        click.echo(_what_now(one, adopted=adopted, dry_run=flags["dry_run"]))
    if flags["adopts"] and not adopted and one.version != one.against:
        ctx.exit(1)


def _keep(runtime: Runtime, actor: Actor, one: Learned, *, takes: bool, anyway: bool) -> bool:
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        row = keep(session, actor, one, rules_version=weights_version(runtime.rules), now=now)
        if not takes:
            return False
        reason = one.why if one.finding is ModelFinding.BETTER or not anyway else f"Adopted anyway. {one.why}"
        adopt(session, actor, row.id, reason=reason, now=now)
        return True


def _plain(one: Learned) -> dict[str, Any]:
    return {
        "model": one.version,
        "against": one.against,
        "finding": one.finding.value,
        "why": one.why,
        "learned_from": dict(one.learned_from),
        "before": one.before.plain(),
        "after": one.after.plain(),
        "notes": list(one.notes),
    }


def _lines(one: Learned) -> Iterator[str]:
    """What was learned from, and how the model does beside what ranks now."""
    told = one.learned_from
    yield (
        f"Learned from {told['papers']} papers: {told['verdicts']} with verdicts, {told['cited']} that only print their "
        f"codes; {told['none']} of them used none of the projects."
    )
    yield f"{told['pairs']} candidates, {told['right']} right and {told['wrong']} wrong. Held back: {told['held_back']} papers."
    yield ""
    yield "on papers held back         papers  pairs  right  average    recall at       calibration"
    yield "                                                  precision  precision 0.99  error"
    yield _row(f"now: {one.against or 'profile'}", one.before)
    yield _row(f"new: {one.version}", one.after)
    yield ""
    yield one.why
    yield from one.notes


def _row(name: str, told: Figures) -> str:
    return (
        f"{name:<26}{told.papers:8d}{told.pairs:7d}{told.right:7d}  {told.average_precision:9.3f}  "
        f"{told.recall_at_99:14.3f}  {told.calibration_error:11.4f}"
    )


def _what_now(one: Learned, *, adopted: bool, dry_run: bool) -> str:
    version = one.version
    if dry_run:
        return "Nothing was stored."
    if version == one.against:
        return f"Model {version} stays in force."
    if adopted:
        return (
            f"Model {version} is in force: `biblio run match` ranks all papers by it, `biblio learn --back` goes back to "
            "what ranked before."
        )
    if one.finding is ModelFinding.BETTER:
        return (
            f"Model {version} is ready; nothing is ranked by it yet. `biblio rematch --model {version}` shows what it "
            "would change, `biblio learn --adopt` puts it in force at once."
        )
    return f"Model {version} is stored and not put in force. To use it all the same: `biblio learn --adopt --anyway`."


def _go_back(runtime: Runtime, actor: Actor, *, as_json: bool) -> None:
    with runtime.store.writing() as session:
        choices = history(session)
        if not choices:
            raise RequestRefused(
                "No model was ever put in force: the profile's weights rank, and there is no way back."
            )
        before = choices[1].model_id if len(choices) > 1 else None
        adopt(session, actor, before, reason="Back to what ranked before.", now=runtime.clock.now())
        name = _name(session, before)
    if as_json:
        click.echo(json.dumps({"in_force": None if before is None else name}))
    else:
        click.echo(f"In force again: {name}. `biblio run match` ranks all papers by it.")


def _name(session: Session, model_id: int | None) -> str:
    return PROFILE if model_id is None else f"model {session.get_one(RankingModel, model_id).version}"


def _list(runtime: Runtime, *, as_json: bool) -> None:
    with runtime.store.reading() as session:
        models = [_listed(session, row) for row in session.exec(select(RankingModel).order_by(col(RankingModel.id)))]
        choices = [
            {
                "in_force": _name(session, choice.model_id),
                "from": choice.chosen_at.isoformat(timespec="seconds"),
                "until": choice.ended_at.isoformat(timespec="seconds") if choice.ended_at else None,
                "reason": choice.reason,
            }
            for choice in history(session)
        ]
        problem = in_force(session, runtime.rules).problem
    if as_json:
        click.echo(json.dumps({"models": models, "choices": choices, "problem": problem}))
        return
    for model in models:
        click.echo(
            f"{model['model']}  {model['fitted_at'][:10]}  {model['papers']:6d} papers  {model['finding']:<10}  {model['why']}"
        )
    for choice in choices:
        when = f"{str(choice['from'])[:16]} – {str(choice['until'] or 'now')[:16]}".replace("T", " ")
        click.echo(f"in force {when:<36} {choice['in_force']}  {choice['reason']}")
    if not choices:
        click.echo(f"in force: {PROFILE}; no model was ever chosen")
    if problem is not None:
        click.echo(problem, err=True)


def _listed(session: Session, row: RankingModel) -> dict[str, Any]:
    assert row.id is not None
    measure = last_measure(session, row.id)
    papers = row.learned_from.get("papers")
    return {
        "model": row.version,
        "fitted_at": row.fitted_at.isoformat(timespec="seconds"),
        "papers": papers if isinstance(papers, int) else 0,
        "finding": measure.finding.value if measure else "",
        "why": measure.why if measure else "",
        "before": measure.before if measure else {},
        "after": measure.after if measure else {},
    }
