"""``biblio harvest`` and ``biblio reparse``: fetching what is new, and reading what was fetched once more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from biblio.errors import BiblioError
from biblio.ingest.asked import KNOWN, Asked
from biblio.ingest.console import run_and_tell
from biblio.ingest.jobs import HARVEST, REPARSE
from biblio.ingest.places import read_place
from biblio.ingest.sources import plan
from biblio.runtime import Runtime

_DAY = click.DateTime(["%Y-%m-%d"])
_SOURCES = click.Choice(KNOWN)


@click.command()
@click.option("--source", "-s", "sources", multiple=True, type=_SOURCES, help="Ask this source only. May be repeated.")
@click.option("--since", type=_DAY, help="Ask once more for the days from this one on (arxiv, ads; arxiv-oai).")
@click.option("--until", type=_DAY, help="Last of those days. Default: today.")
@click.option(
    "--accept", multiple=True, type=_SOURCES, help="Take this source though it breaks what the profile finds plausible."
)
@click.option(
    "--begin-anew",
    "begin_anew",
    multiple=True,
    type=_SOURCES,
    help="Forget where this source stopped and ask for everything again. Needed after nothing but a lost place.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be asked and from where it would go on; ask nobody.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def harvest(
    ctx: click.Context,
    sources: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    accept: tuple[str, ...],
    begin_anew: tuple[str, ...],
    dry_run: bool,
    quiet: bool,
) -> None:
    """Fetch what is new: projects from the archive, papers from arXiv and ADS.

    Each source goes on where it stopped. It may be interrupted at any moment: nothing is lost and nothing doubled.

    \b
    Examples:
      biblio harvest
      biblio harvest --dry-run
      biblio harvest --source arxiv-rss
      biblio harvest --source arxiv --since 2026-11-01 --until 2026-11-07
      biblio harvest --source ads --accept ads
      biblio harvest --begin-anew arxiv
    """
    arguments: dict[str, Any] = {}
    if sources:
        arguments["sources"] = ",".join(sources)
    if since is not None:
        arguments["since"] = since.date().isoformat()
    if until is not None:
        arguments["until"] = until.date().isoformat()
    if accept:
        arguments["accept"] = ",".join(accept)
    if begin_anew:
        arguments["begin_anew"] = ",".join(begin_anew)
    if dry_run:
        _say_plan(ctx.obj(), arguments)
        return
    run_and_tell(ctx, HARVEST, arguments, quiet)


def _say_plan(runtime: Runtime, arguments: dict[str, Any]) -> None:
    try:
        planned, left_out = plan(runtime, Asked.of(arguments, runtime.clock.today()))
    except BiblioError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    for one in planned:
        with runtime.store.reading() as session:
            cursor = read_place(session, one.cursor).cursor
        click.echo(f"{one.name:<10} {one.words}")
        at = ", ".join(f"{name} {value}" for name, value in cursor.items() if value is not None)
        click.echo(f"{'':<10} {f'goes on from {at[:100]}' if at else 'from the beginning'}")
    for sentence in left_out:
        click.echo(sentence)
    click.echo("Nobody was asked (dry run).")


@click.command()
@click.option("--source", "-s", help="Read stored answers of this source only (registry, arxiv, ads, a list's name …).")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def reparse(ctx: click.Context, source: str | None, dry_run: bool, quiet: bool) -> None:
    """Read every stored answer again and rebuild the records from them. Nobody is asked.

    For after an update that reads more fields, or reads what was refused before. What changes is superseded, not lost.

    \b
    Examples:
      biblio reparse --dry-run
      biblio reparse --source ads
    """
    arguments = {"source": source} if source else {}
    run_and_tell(ctx, REPARSE, arguments | ({"dry": "yes"} if dry_run else {}), quiet)
