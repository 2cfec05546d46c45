"""``biblio survey due``, ``exclude``, ``include`` and ``ask-again``: where projects stand, and what people say of them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from typing import Any

import click

from biblio.catalogue.actor import person_called
from biblio.runtime import Runtime
from biblio.store.words import Role
from survey.asking import asking_again
from survey.asking.asking_again import MAY_GIVE_LEAVE
from survey.asking.due import Standing, due
from survey.asking.explaining import Explanation, explain
from survey.asking.rule import Ground
from survey.campaign import service

DAY = click.DateTime(["%Y-%m-%d"])


def day_of(value: datetime | None) -> date | None:
    """Return the day of an option that takes one."""
    return value.date() if value else None


@click.command("due")
@click.option("--as-of", type=DAY, help="As known at the end of this day (UTC). Default: today.")
@click.option(
    "--explain", "code", metavar="CODE", help="Say where one project stands, and every fact the rule looked at."
)
@click.option("--all", "everything", is_flag=True, help="List all projects, not only those that are due.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per project.")
@click.pass_context
def due_command(ctx: click.Context, as_of: datetime | None, code: str | None, everything: bool, as_json: bool) -> None:
    """List the projects that are due to be asked; nothing is changed and nobody is written to.

    \b
    Examples:
      biblio survey due
      biblio survey due --as-of 2025-12-31 --json
      biblio survey due --explain 2013.1.00001.S
    """
    runtime: Runtime = ctx.obj()
    if code:
        with runtime.store.reading() as session:
            told = explain(session, runtime, code, day_of(as_of))
        if told is None:
            click.echo(f"{code} was not known on that day.")
        elif as_json:
            click.echo(json.dumps(_plain_explanation(told), ensure_ascii=False, default=str))
        else:
            _print(told)
        return
    with runtime.store.reading() as session:
        standings = due(session, runtime, day_of(as_of))
    shown = [s for s in standings if everything or s.is_eligible]
    for standing in shown:
        if as_json:
            click.echo(json.dumps(_plain(standing), ensure_ascii=False))
        else:
            click.echo(f"{standing.code:<18} {_word(standing):<24} {standing.judgement.because}")
    if not as_json:
        _count(standings)


def _count(standings: list[Standing]) -> None:
    counts = Counter(s.judgement.ground for s in standings)
    click.echo(f"{counts.get(None, 0)} of {len(standings)} projects are due.", err=True)
    for ground in Ground:
        if counts.get(ground):
            click.echo(f"  {counts[ground]:>6}  {ground.label}", err=True)


def _word(standing: Standing) -> str:
    return standing.judgement.ground.label if standing.judgement.ground else "due"


def _plain(standing: Standing) -> dict[str, Any]:
    return {
        "code": standing.code,
        "cycle": standing.cycle,
        "eligible": standing.is_eligible,
        "ground": standing.judgement.ground,
        "because": standing.judgement.because,
        "due_from": standing.judgement.due_from.isoformat() if standing.judgement.due_from else None,
    }


def _plain_explanation(told: Explanation) -> dict[str, Any]:
    return {
        **_plain(told.standing),
        "as_of": told.as_of,
        "steps": [
            {
                "ground": step.ground,
                "fact": step.fact,
                "against": step.against,
                "decides": step.decides,
                "change": step.change,
            }
            for step in told.steps
        ],
        "papers": [{"id": paper.paper_id, "title": paper.title, "what": paper.what} for paper in told.papers],
        "askings": [{"on": line.on, "where": line.where, "what": line.what} for line in told.askings],
        "acts": [
            {
                "on": act.made_at.date(),
                "who": act.who,
                "what": act.what,
                "reason": act.reason,
                "ended": act.ended or None,
            }
            for act in told.acts
        ],
    }


def _print(told: Explanation) -> None:
    standing = told.standing
    click.echo(f"{standing.code} on {told.as_of} (UTC): {_word(standing)}. {standing.judgement.because}")
    if standing.judgement.due_from:
        click.echo(f"Due from {standing.judgement.due_from} by its release dates.")
    if told.decider is not None:
        click.echo(f"What would change it: {told.decider.change}")
    click.echo("The rule, in its order:")
    for step in told.steps:
        mark = "->" if step.decides else " !" if step.against else "  "
        click.echo(f" {mark} {step.ground.label:<24} {step.fact}")
    for paper in told.papers:
        click.echo(f"paper {paper.paper_id}: {paper.title} ({paper.what})")
    for line in told.askings:
        click.echo(f"{line.on} {line.where}: {line.what}")
    for act in told.acts:
        ended = f"; {act.ended} on {act.ended_at.date()}" if act.ended_at else ""
        click.echo(f"{act.made_at.date()} {act.what} by {act.who}: {act.reason}{ended}")


_AS = click.option("--as", "username", required=True, metavar="USER", help="The user name in whose name it is done.")
HEADS = frozenset({Role.HEAD_LIBRARIAN})
"""The roles of the action ``campaigns.write``; commands check it here, pages by the table of permissions."""


@click.command()
@click.argument("code")
@click.option("--reason", required=True, help="Why; kept in the project's history.")
@_AS
@click.pass_context
def exclude(ctx: click.Context, code: str, reason: str, username: str) -> None:
    """Take the project CODE off the list of those to ask."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        actor = person_called(session, username, HEADS, "no head librarian and cannot take projects off the list.")
        service.exclude(session, runtime, actor, code, reason)
    click.echo(f"{code} will not be asked about. Undo: biblio survey include {code} --as {username}")


@click.command()
@click.argument("code")
@_AS
@click.pass_context
def include(ctx: click.Context, code: str, username: str) -> None:
    """Put the project CODE back on the list."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        actor = person_called(session, username, HEADS, "no head librarian and cannot put projects back on the list.")
        service.include(session, runtime, actor, code)
    click.echo(f"{code} is back on the list.")


@click.command("ask-again")
@click.argument("code")
@click.option("--reason", default="", help="Why it is asked about again; kept in the project's history.")
@click.option("--take-back", is_flag=True, help="Take the leave back that was given.")
@_AS
@click.pass_context
def ask_again(ctx: click.Context, code: str, reason: str, take_back: bool, username: str) -> None:
    """Let the project CODE be asked about once more, by leave of a named manager or head librarian.

    \b
    Examples:
      biblio survey ask-again 2013.1.00001.S --as anna --reason "The data were processed anew in 2025."
      biblio survey ask-again 2013.1.00001.S --as anna --take-back
    """
    runtime: Runtime = ctx.obj()
    rule = "neither manager nor head librarian and cannot give leave to ask again."
    with runtime.store.writing() as session:
        actor = person_called(session, username, MAY_GIVE_LEAVE, rule)
        if take_back:
            asking_again.take_leave_back(session, runtime, actor, code)
        else:
            asking_again.give_leave(session, runtime, actor, code, reason)
    click.echo(
        f"The leave for {code} is taken back."
        if take_back
        else f"{code} may be asked about once more, if it is silent."
    )
