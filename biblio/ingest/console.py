"""What the commands of ingest share: running a job with a progress bar, importing files, and printing what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from tqdm import tqdm

from biblio.ingest import absorb
from biblio.ingest.importing import FileSource, import_job, try_import
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.store.models import JobRun
from biblio.store.words import Outcome
from harvesters.errors import HarvestError


def run_and_tell(ctx: click.Context, job: Job, arguments: dict[str, Any], quiet: bool) -> None:
    """Run a job with a progress bar, print what it did, and end with exit code 1 unless it succeeded."""
    runtime: Runtime = ctx.obj()
    with tqdm(unit="", dynamic_ncols=True, mininterval=0.2, disable=quiet or None) as bar:

        def progress(what: str, done: int, total: int | None) -> None:
            bar.set_description(f"  {what}", refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        row = run_job(runtime, job, arguments=arguments, progress=progress)
    tell_run(row)
    if row.outcome is not Outcome.SUCCEEDED:
        ctx.exit(1)


def tell_run(row: JobRun) -> None:
    """Print a run's outcome, counts, notes and error."""
    click.echo(f"{row.job}: {row.outcome.value}")
    for name, value in row.counts.items():
        if name != "notes":
            click.echo(f"  {name.replace('_', ' '):<28} {value:>8}")
    for note in row.counts.get("notes", []):
        click.echo(f"  note: {note}")
    if row.error:
        click.echo(f"  {row.error}", err=True)


def import_files(ctx: click.Context, files: Sequence[FileSource], dry_run: bool, quiet: bool) -> None:
    """Import files, or say what that would do. A file that cannot be read costs the others nothing; the exit code is 1."""
    runtime: Runtime = ctx.obj()
    if not dry_run:
        run_and_tell(ctx, import_job(files), {"files": [file.label for file in files]}, quiet)
        return
    told: list[absorb.PageCounts] = []
    broken = False
    for file in files:
        try:
            told += try_import(runtime, [file])
        except HarvestError as error:
            click.echo(str(error), err=True)
            broken = True
    print_dry_run(told)
    if broken:
        ctx.exit(1)


def print_dry_run(told: Sequence[absorb.PageCounts]) -> None:
    """Print what a dry run's pages would do, and the first refusals."""
    for what in ("seen", "new", "changed", "unchanged", "refused", "ignored", "merged", "conflicts"):
        click.echo(f"  {what:<28} {sum(getattr(counts, what) for counts in told):>8}")
    for refusal in [r for counts in told for r in counts.refusals][:20]:
        click.echo(f"  {refusal.place}: {refusal.reason}", err=True)
    click.echo("Nothing was changed (dry run).")
