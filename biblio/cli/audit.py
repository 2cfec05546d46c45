"""``biblio audit``: take the audit log away, and check that it explains every state in the store."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from biblio.catalogue.audit import Wanted, everything
from biblio.catalogue.audit_check import check_everything
from biblio.catalogue.audit_streams import Kind

if TYPE_CHECKING:
    from biblio.runtime import Runtime

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_NAMED = 50
"""Differences of one check that are printed; of more it is said how many."""


@click.group()
def audit() -> None:
    """Take the audit log away, or check that it explains every state in the store."""


@audit.command()
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="Acts of one kind alone.")
@click.option("--since", type=_DAY, help="First day, e.g. 2026-11-01.")
@click.option("--until", type=_DAY, help="Last day.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: print.")
@click.pass_context
def export(
    ctx: click.Context, kind: str | None, since: datetime | None, until: datetime | None, out: Path | None
) -> None:
    """Write every act as one line of JSON, the latest first.

    Each says who, when, what, and of a decision the score, rules and model that were on the screen. What a second reader
    has yet to judge is marked as hidden and told without its verdict. There are no addresses, answers or links in it.

    \b
    Examples:
      biblio audit export --out audit.jsonl
      biblio audit export --kind decision --since 2026-11-01
    """
    runtime: Runtime = ctx.obj()
    wanted = Wanted(
        kind=Kind(kind) if kind else None, first=since.date() if since else None, last=until.date() if until else None
    )
    written = 0
    with runtime.store.reading() as session, click.open_file(str(out) if out else "-", "w", "utf-8") as file:
        for act in everything(session, wanted, viewer=None):
            file.write(json.dumps(act.plain(), ensure_ascii=False) + "\n")
            written += 1
    if out is not None:
        click.echo(f"{written} acts are in {out}.")


@audit.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Replay the histories and name every state that no act explains; exit code 1 where there is one.

    Nothing is changed. Links, relations, merges, corrections, notes, tags, claims, letters, journals, rules and accounts
    are each held against the acts that made and ended them.
    """
    runtime: Runtime = ctx.obj()
    states = differences = 0
    with runtime.store.reading() as session:
        for checked in check_everything(session):
            wrong = len(checked.differences)
            states, differences = states + checked.states, differences + wrong
            click.echo(
                f"{checked.name:<34} {checked.states:>9}  {'explained' if not wrong else f'{wrong} not explained'}"
            )
            for remark in checked.remarks:
                click.echo(f"  {remark}")
            for difference in checked.differences[:_NAMED]:
                click.echo(f"  {difference}", err=True)
            if wrong > _NAMED:
                click.echo(f"  … and {wrong - _NAMED} more", err=True)
    if differences:
        click.echo(f"{differences} of {states} states are not explained by the log. Nothing was changed.", err=True)
        ctx.exit(1)
    click.echo(f"The log explains all {states} states.")
