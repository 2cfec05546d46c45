"""``biblio survey import-history``: who was asked, and what came back, before biblio kept the list."""

from __future__ import annotations

from pathlib import Path

import click

from biblio.runtime import Runtime
from survey.earlier.history import import_asked, read_asked
from survey.earlier.past import import_past, read_past
from survey.earlier.tables import Table, read_table


@click.command("import-history")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read and check the file; store nothing.")
@click.pass_context
def import_history_command(ctx: click.Context, file: Path, dry_run: bool) -> None:
    """Take over who was asked before biblio kept the list, or what came back then; the file's columns tell which.

    Who was asked when: CSV with the columns code and asked_on (2015-03-01). Such projects count as asked. Rows that
    cannot be used are named; the others are stored.

    What came back: one row for each campaign and choice, with the columns campaign, closed_on, question (empty: the
    status question), choice (its number) and answers, and of the whole campaign questionnaires_sent,
    questionnaires_completed, persons_asked, persons_answered, incomplete (in any of its rows; all that are given must
    agree). A campaign with a row that cannot be used is left out as a whole.

    A second run adds nothing twice; totals that differ from those stored are refused. Where anything was refused the
    exit code is 1, in a dry run as well; the rest is stored.

    \b
    Examples:
      biblio survey import-history asked.csv --dry-run
      biblio survey import-history totals.csv
    """
    runtime: Runtime = ctx.obj()
    table = read_table(file)
    stored = _totals(runtime, table, dry_run) if "campaign" in table.columns else _asked(runtime, table, dry_run)
    if not stored:
        ctx.exit(1)


def _asked(runtime: Runtime, table: Table, dry_run: bool) -> bool:
    rows, refused = read_asked(table)
    with runtime.store.reading() if dry_run else runtime.store.writing() as session:
        counts, unknown = import_asked(session, rows, source=table.name, now=runtime.clock.now())
    refused = [*refused, *unknown]
    _say(
        refused, f"{_count(counts['new'], 'row')} new, {counts['known']} known before, {len(refused)} refused", dry_run
    )
    return bool(rows) and not refused


def _totals(runtime: Runtime, table: Table, dry_run: bool) -> bool:
    campaigns, refused = read_past(table, runtime.profile)
    with runtime.store.reading() if dry_run else runtime.store.writing() as session:
        counts, differing = import_past(session, runtime, campaigns, source=table.name, dry_run=dry_run)
    refused = [*refused, *differing]
    named = {" ".join(row["campaign"].split()) for row in table.rows} - {""}
    left_out = len(named) - counts["new"] - counts["known"]
    told = f"{_count(counts['new'], 'campaign')} new, {counts['known']} known before, {left_out} left out"
    _say(refused, f"{_count(len(table.rows), 'row')} read: {told}", dry_run)
    return bool(campaigns) and not refused


def _count(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else f'{one}s'}"


def _say(refused: list[str], counted: str, dry_run: bool) -> None:
    for sentence in refused:
        click.echo(f"! {sentence}", err=True)
    click.echo(f"{counted}.{' Nothing was stored.' if dry_run else ''}")
