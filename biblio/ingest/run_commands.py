"""``biblio harvest`` and ``biblio reparse``: fetching what is new, and reading what was fetched once more."""

from __future__ import annotations

from typing import Any

import click

from biblio.errors import BiblioError
from biblio.ingest.asked import KNOWN, Asked
from biblio.ingest.console import Day, run_and_tell, try_and_tell
from biblio.ingest.jobs import HARVEST, REPARSE
from biblio.ingest.ledger import cursor_in_words
from biblio.ingest.places import read_place
from biblio.ingest.sources import Planned, plan
from biblio.runtime import Runtime

_DAY = Day()
_SOURCES = click.Choice(KNOWN)


@click.command(short_help="Fetch what is new from the archive, arXiv and ADS.")
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
def harvest(ctx: click.Context, /, sources: tuple[str, ...], dry_run: bool, quiet: bool, **asked: Any) -> None:
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
    lists = {"sources": sources, "accept": asked["accept"], "begin_anew": asked["begin_anew"]}
    arguments = {name: ",".join(named) for name, named in lists.items() if named}
    arguments |= {name: asked[name].isoformat() for name in ("since", "until") if asked[name] is not None}
    if asked["until"] is not None and asked["since"] is None:
        raise click.UsageError("Say with --since from which day on as well: --since 2026-11-01 --until 2026-11-07.")
    if dry_run:
        _say_plan(ctx.obj(), arguments)
        return
    _say_ignored(ctx.obj(), arguments)
    run_and_tell(ctx, HARVEST, arguments, quiet)


def _say_ignored(runtime: Runtime, arguments: dict[str, Any]) -> None:
    """Say of each source that knows no days that those asked for are ignored; what is wrong is said by the run."""
    if "since" not in arguments:
        return
    try:
        asked = Asked.of(arguments, runtime.clock.today())
        planned, _ = plan(runtime, asked)
    except BiblioError:
        return
    for one in planned:
        if not one.is_once:
            click.echo(f"{one.name}: {_days_in_words(one, asked)}.", err=True)


def _say_plan(runtime: Runtime, arguments: dict[str, Any]) -> None:
    try:
        asked = Asked.of(arguments, runtime.clock.today())
        planned, left_out = plan(runtime, asked)
    except BiblioError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    for one in planned:
        click.echo(f"{one.name:<10} {one.words}")
        for line in filter(None, (_days_in_words(one, asked), _place_in_words(runtime, one, asked))):
            click.echo(f"{'':<10} {line}")
    for sentence in left_out:
        click.echo(sentence)
    click.echo("Nobody was asked (dry run).")


def _days_in_words(one: Planned, asked: Asked) -> str:
    """Say which days a source is asked for, where days were named."""
    if asked.since is None:
        return ""
    if not one.is_once:
        return "knows no days: --since and --until are ignored, and it is asked as every day"
    if one.name == "arxiv-oai":
        ignored = "; --until is ignored, as it gives all that changed since" if asked.until else ""
        return f"days asked: from {asked.since} on{ignored}"
    return f"days asked: {asked.since} to {asked.until or 'today'}"


def _place_in_words(runtime: Runtime, one: Planned, asked: Asked) -> str:
    """Say from where a source goes on."""
    with runtime.store.reading() as session:
        place = read_place(session, one.cursor)
    if not place.cursor or one.name in asked.anew:
        return "from the beginning"
    if not place.is_good_for(one.asked_for):
        return "from the beginning: the profile asks for more than before"
    return f"goes on: {cursor_in_words(one.cursor, place.cursor)}"


@click.command(short_help="Read every stored answer again.")
@click.option("--source", "-s", help="Read stored answers of this source only (projects, arxiv, ads, a list's name …).")
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
    if dry_run:
        try_and_tell(ctx, REPARSE, {**arguments, "dry": "yes"}, quiet)
        return
    run_and_tell(ctx, REPARSE, arguments, quiet)
