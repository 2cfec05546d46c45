"""What the commands of ingest share: running a job with a progress bar, importing files, and printing what was done."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource
from sqlmodel import col, select
from tqdm import tqdm

from biblio.errors import BiblioError, RequestRefused
from biblio.ingest.by_hand import advised_once
from biblio.ingest.import_report import WORDS, ImportReport
from biblio.ingest.importing import FileSource, import_job, try_import
from biblio.jobs import Job, JobContext, Progress, run_job
from biblio.logs import be_quiet
from biblio.runtime import Runtime
from biblio.store.models import JobRun
from biblio.store.words import Outcome
from harvesters.errors import HarvestError
from harvesters.records import Refusal

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


class Day(click.ParamType[date]):
    """A day written 2026-11-22."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day. Fails with a sentence for what is none."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{str(value)[:40]!r} is no day; write it as year-month-day: 2026-11-22.", param, ctx)


def run_and_tell(ctx: click.Context, job: Job, arguments: dict[str, Any], quiet: bool) -> None:
    """Run a job with a progress bar, print what it did, and end with exit code 1 unless it succeeded.

    Ctrl-C ends it with what is stored, how to go on, and exit code 130; arguments that cannot be used are no run.
    """
    runtime: Runtime = ctx.obj()
    if quiet and not runtime.settings.log_json:
        be_quiet()
    try:
        with progress_bar(quiet) as progress:
            row = run_job(runtime, job, arguments=arguments, progress=progress)
    except RequestRefused as reason:
        raise click.ClickException(str(reason)) from reason
    except KeyboardInterrupt:
        _tell_interrupted(ctx, runtime, job)
    tell_run(row)
    if row.outcome is not Outcome.SUCCEEDED:
        ctx.exit(1)


def try_and_tell(ctx: click.Context, job: Job, arguments: dict[str, Any], quiet: bool) -> None:
    """Do on trial what a job would do, and print it. A trial is no run: it has no row in the list of runs."""
    runtime: Runtime = ctx.obj()
    try:
        if job.check is not None:
            job.check(runtime, arguments)
        with progress_bar(quiet) as progress:
            context = JobContext(runtime, run_id=0, arguments=arguments, progress=progress)
            job.run(context)
    except BiblioError as reason:
        raise click.ClickException(str(reason)) from reason
    _tell_counts(context.counts, context.notes)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """Show how far a job is while the block runs."""
    with tqdm(unit="", dynamic_ncols=True, mininterval=0.2, disable=quiet or None) as bar:

        def progress(what: str, done: int, total: int | None) -> None:
            bar.set_description(f"  {what}", refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def _tell_interrupted(ctx: click.Context, runtime: Runtime, job: Job) -> NoReturn:
    """Say what an interrupted run has stored and how to go on, and end with ``INTERRUPTED``."""
    with runtime.store.reading() as session:
        row = session.exec(select(JobRun).where(col(JobRun.job) == job.name).order_by(col(JobRun.id).desc())).first()
    if row is not None:
        _tell_counts(row.counts, row.counts.get("notes", []))
    click.echo(
        f"{job.name}: interrupted. What is counted above is stored and safe; the same command goes on where it stopped: "
        f"`{typed_command(ctx)}`.",
        err=True,
    )
    ctx.exit(INTERRUPTED)


def typed_command(ctx: click.Context) -> str:
    """Return the command as a person can type it once more, with the options that were given."""
    words = ctx.command_path.split()
    for param in ctx.command.params:
        if param.name is None or ctx.get_parameter_source(param.name) is not ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[param.name]
        flag = [max(param.opts, key=len)] if isinstance(param, click.Option) else []
        if value is True:
            words += flag
            continue
        for one in value if isinstance(value, tuple) else (value,):
            words += [*flag, str(one)]
    return shlex.join(words)


def tell_run(row: JobRun) -> None:
    """Print a run's outcome, counts, notes and error."""
    click.echo(f"{row.job}: {row.outcome.value}")
    _tell_counts(row.counts, row.counts.get("notes", []))
    if row.error:
        click.echo(f"  {advised_once(row.error)}", err=True)


def _tell_counts(counts: Mapping[str, Any], notes: Sequence[str]) -> None:
    for name, value in counts.items():
        if name != "notes":
            click.echo(f"  {name.replace('_', ' '):<28} {value:>8}")
    for note in notes:
        click.echo(f"  note: {note}")


def import_files(
    ctx: click.Context, files: Sequence[FileSource], dry_run: bool, quiet: bool, rows: Path | None = None
) -> None:
    """Import files, or say what that would do. A file that cannot be read costs the others nothing; the exit code is 1.

    ``rows`` is the CSV file that names every row and what became of it. Names of which no file exists are no run.
    """
    if files and all(file.is_missing for file in files):
        named = ", ".join(file.label for file in files)
        raise click.ClickException(f"There is no file {named}. Nothing was read or changed.")
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
