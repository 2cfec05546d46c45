"""``biblio survey purge``: erase addresses and letters of campaigns that closed long ago."""

from __future__ import annotations

import click

from biblio.catalogue.actor import MACHINE
from biblio.runtime import Runtime
from survey.box.purging import due_for_purging
from survey.box.purging import purge as erase


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be erased; erase nothing.")
@click.pass_context
def purge(ctx: click.Context, dry_run: bool) -> None:
    """Erase addresses, names and letters of campaigns that closed BIBLIO_SURVEY_KEEP_MONTHS ago or earlier.

    The job `survey` does the same by itself. Figures and answers stay; which links were used goes too. What is erased
    from the database stays in its older backups: delete those as well.

    \b
    Examples:
      biblio survey purge --dry-run
      biblio survey purge
    """
    runtime: Runtime = ctx.obj()
    if dry_run:
        with runtime.store.reading() as session:
            found = due_for_purging(session, runtime)
    else:
        found = erase(runtime, MACHINE)
    for each in found:
        click.echo(
            f"{each.name}: {each.addresses} addresses, {each.letters} letters (due since {each.since})"
            + ("" if dry_run else ": erased")
        )
    if not found:
        months = runtime.settings.survey_keep_months
        click.echo(f"Nothing is due: addresses are kept for {months} months after a campaign has closed.")
    elif dry_run:
        click.echo("Nothing was erased.")
