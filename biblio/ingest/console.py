"""What the commands of ingest share: running a job with a progress bar, importing files, and printing what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from biblio.ingest.import_report import WORDS, ImportReport
from biblio.ingest.importing import FileSource, import_job, try_import
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.store.models import JobRun
from biblio.store.words import Outcome
from harvesters.errors import HarvestError
from harvesters.records import Refusal


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


def import_files(
    ctx: click.Context, files: Sequence[FileSource], dry_run: bool, quiet: bool, rows: Path | None = None
) -> None:
    """Import files, or say what that would do. A file that cannot be read costs the others nothing; the exit code is 1.

    ``rows`` is the CSV file that names every row and what became of it.
    """
    with _report(rows, dry_run) as report:
        if dry_run:
            _try_files(ctx, files, report, rows)
            return
        try:
            run_and_tell(ctx, import_job(files, report), {"files": [file.label for file in files]}, quiet)
        finally:
            _tell_files(report, rows)


def _try_files(ctx: click.Context, files: Sequence[FileSource], report: ImportReport, rows: Path | None) -> None:
    runtime: Runtime = ctx.obj()
    told: Counter[str] = Counter()
    refusals: list[Refusal] = []
    broken = False
    for file in files:
        try:
            counts, refused = try_import(runtime, [file], report)
            told += counts
            refusals += refused
        except HarvestError as error:
            click.echo(str(error), err=True)
            report.broken(file.label, str(error))
            broken = True
    _tell_files(report, rows)
    print_dry_run(told, refusals)
    if broken:
        ctx.exit(1)


@contextmanager
def _report(rows: Path | None, dry: bool) -> Iterator[ImportReport]:
    if rows is None:
        yield ImportReport(dry=dry)
        return
    try:
        out = rows.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise click.ClickException(
            f"The report {rows} cannot be written ({error.strerror}); nothing was read."
        ) from error
    with out:
        yield ImportReport(out, dry=dry)


def _tell_files(report: ImportReport, rows: Path | None) -> None:
    """Print what became of each file's rows, and where every row is named."""
    for line in report.lines():
        click.echo(f"  {line}")
    if rows is not None:
        click.echo(f"What became of every row is in {rows}.")


def print_dry_run(told: Mapping[str, int], refusals: Sequence[Refusal]) -> None:
    """Print what a dry run would do, in the words of the report, and the first refusals."""
    for what in ("seen", *WORDS, "ignored", "merged", "conflicts"):
        click.echo(f"  {what:<28} {told.get(what, 0):>8}")
    for refusal in refusals[:20]:
        click.echo(f"  {refusal.place}: {refusal.reason}", err=True)
    click.echo("Nothing was changed (dry run).")
