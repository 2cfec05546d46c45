"""``biblio ads``: what goes to ADS from here."""

from __future__ import annotations

import click

from biblio.ingest.console import run_and_tell, try_and_tell
from biblio.ingest.jobs import PUSH


@click.group()
def ads() -> None:
    """Keep libraries of ADS equal to our list."""


@ads.command("push", short_help="Push our papers into a library of ADS.")
@click.option("--library", help="Id of the library, or its address at ADS. Default: the one that is set.")
@click.option(
    "--dry-run", is_flag=True, help="Read the library, say what would be added and taken out, change nothing."
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def push(ctx: click.Context, library: str | None, dry_run: bool, quiet: bool) -> None:
    """Add what the library lacks of our papers, and take out what was pushed earlier and is no longer ours.

    What others put into the library is never touched. It may be interrupted at any moment: nothing is lost and nothing
    doubled. The token (BIBLIO_ADS_TOKEN) must have the right to write the library.

    \b
    Examples:
      biblio ads push --dry-run
      biblio ads push --library kZ3YourLibrarysOwnId_1
    """
    arguments = {"library": library} if library else {}
    if dry_run:
        try_and_tell(ctx, PUSH, {**arguments, "dry_run": "yes"}, quiet)
        return
    if not library and not ctx.obj().settings.ads_library:
        raise click.UsageError("Say which library: --library ID, or set BIBLIO_ADS_LIBRARY.")
    run_and_tell(ctx, PUSH, arguments, quiet)
