"""``biblio projects`` and ``biblio papers``: loading and handing over the lists."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import click
from tqdm import tqdm

from biblio.ingest import absorb, queries
from biblio.ingest.importing import FileSource, import_job, paper_file, project_file, try_import
from biblio.ingest.jobs import HARVEST
from biblio.ingest.sources import Asked, plan
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.store.models import JobRun
from biblio.store.words import Outcome
from harvesters.errors import HarvestError

_FILE = click.Path(path_type=Path)
_CSV_COLUMNS = ("code", "title", "pi", "co_is", "category", "keywords", "targets", "partner", "state", "unit",
                "unit_delivered_on", "unit_released_on", "unit_observed_on", "unit_exposure_s")  # fmt: skip


@click.group()
def projects() -> None:
    """Load the observatory's projects, or hand the list over."""


@projects.command("fetch")
@click.option("--dry-run", is_flag=True, help="Ask the archive, say what would change, and change nothing.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def fetch(ctx: click.Context, dry_run: bool, quiet: bool) -> None:
    """Read all projects and their release dates from the archive's TAP service.

    Release dates move, so every run reads all of them; what was known before stays in the history.

    \b
    Examples:
      biblio projects fetch
      biblio projects fetch --dry-run
    """
    runtime: Runtime = ctx.obj()
    if dry_run:
        _finish_dry_run(ctx, _try_fetch(runtime))
        return
    _run(ctx, HARVEST, {"sources": "projects"}, quiet)


@projects.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--dry-run", is_flag=True, help="Read the files, say what would change, and change nothing.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def import_projects(ctx: click.Context, files: tuple[Path, ...], dry_run: bool, quiet: bool) -> None:
    """Load projects from FILES (CSV or JSON lines with the column "code"), or contacts of PIs (code, name, email).

    A row that cannot be read costs itself only. Addresses of PIs come from such files and from nowhere else.

    \b
    Examples:
      biblio projects import projects.jsonl
      biblio projects import cycle-11.csv cycle-12.csv --dry-run
      biblio projects import contacts.csv
    """
    _import(ctx, [project_file(path) for path in files], dry_run, quiet)


@projects.command("export")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="jsonl", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. Default: print.")
@click.pass_context
def export(ctx: click.Context, kind: str, output: Path | None) -> None:
    """Write the projects as they are known now, in the columns that the import reads. Addresses are left out.

    \b
    Examples:
      biblio projects export > projects.jsonl
      biblio projects export --format csv -o projects.csv
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        listed = queries.all_projects(session)
    write = _write_csv if kind == "csv" else _write_jsonl
    if output is None:
        write(listed, sys.stdout)
    else:
        with output.open("w", encoding="utf-8", newline="") as out:
            write(listed, out)
        click.echo(f"{len(listed)} projects are in {output}.", err=True)


@click.group()
def papers() -> None:
    """Load papers that a library has lists of."""


@papers.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--name", help="Name of the list, kept with every paper. Default: bibtex, or papers-file.")
@click.option("--dry-run", is_flag=True, help="Read the files, say what would change, and change nothing.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def import_papers(ctx: click.Context, files: tuple[Path, ...], name: str | None, dry_run: bool, quiet: bool) -> None:
    """Load papers from FILES: BibTeX (.bib) or JSON lines (an "id" in each row).

    Papers that are known by DOI, bibcode or arXiv number are joined; an identifier that clearly belongs to another
    paper is left out and becomes a question on the desk.

    \b
    Examples:
      biblio papers import library.bib
      biblio papers import telescope-papers.jsonl --name kpub --dry-run
    """
    if name is not None and name in ("ads", "arxiv"):
        raise click.UsageError("The names ads and arxiv belong to the services.")
    _import(ctx, [paper_file(path, name=name[:32] if name else None) for path in files], dry_run, quiet)


def _import(ctx: click.Context, files: Sequence[FileSource], dry_run: bool, quiet: bool) -> None:
    runtime: Runtime = ctx.obj()
    if not dry_run:
        _run(ctx, import_job(files), {"files": [file.label for file in files]}, quiet)
        return
    told: list[absorb.PageCounts] = []
    broken = False
    for file in files:
        try:
            told += try_import(runtime, [file])
        except HarvestError as error:
            click.echo(str(error), err=True)
            broken = True
    _finish_dry_run(ctx, told)
    if broken:
        ctx.exit(1)


def _try_fetch(runtime: Runtime) -> list[absorb.PageCounts]:
    planned, left_out = plan(runtime, Asked(sources=("projects",)))
    for sentence in left_out:
        click.echo(sentence, err=True)
    told = []
    for one in planned:
        try:
            for page in one.source.pages({}):
                parsed = one.source.parse(page)
                with runtime.store.reading() as session:
                    destination = absorb.Destination(None, None)
                    told.append(absorb.absorb_parsed(session, runtime, page, parsed, destination, None))
        except HarvestError as error:
            raise click.ClickException(str(error)) from error
    return told


def _finish_dry_run(_ctx: click.Context, told: Sequence[absorb.PageCounts]) -> None:
    for what in ("seen", "new", "changed", "unchanged", "refused", "ignored", "merged", "conflicts"):
        click.echo(f"  {what:<28} {sum(getattr(counts, what) for counts in told):>8}")
    for refusal in [r for counts in told for r in counts.refusals][:20]:
        click.echo(f"  {refusal.place}: {refusal.reason}", err=True)
    click.echo("Nothing was changed (dry run).")


def _run(ctx: click.Context, job: Job, arguments: dict[str, Any], quiet: bool) -> None:
    """Run a job with a progress bar, print what it did, and end with exit code 1 unless it succeeded."""
    runtime: Runtime = ctx.obj()
    with tqdm(unit="", dynamic_ncols=True, mininterval=0.2, disable=quiet or None) as bar:

        def progress(what: str, done: int, total: int | None) -> None:
            bar.set_description(f"  {what}", refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        row = run_job(runtime, job, arguments=arguments, progress=progress)
    _tell(row)
    if row.outcome is not Outcome.SUCCEEDED:
        ctx.exit(1)


def _tell(row: JobRun) -> None:
    click.echo(f"{row.job}: {row.outcome.value}")
    for name, value in row.counts.items():
        if name != "notes":
            click.echo(f"  {name.replace('_', ' '):<28} {value:>8}")
    for note in row.counts.get("notes", []):
        click.echo(f"  note: {note}")
    if row.error:
        click.echo(f"  {row.error}", err=True)


def _write_jsonl(listed: Sequence[queries.ProjectFacts], out: TextIO) -> None:
    for project in listed:
        out.write(json.dumps(project.as_row(), ensure_ascii=False) + "\n")


def _write_csv(listed: Sequence[queries.ProjectFacts], out: TextIO) -> None:
    """One row per unit, at least one per project; lists have ";" between their items."""
    writer = csv.DictWriter(out, _CSV_COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for project in listed:
        row = project.as_row()
        flat = {k: "; ".join(v) if isinstance(v, list) and k != "units" else v for k, v in row.items()}
        for unit in row["units"] or [{}]:
            dates = {f"unit_{k}" if k != "uid" else "unit": v for k, v in unit.items()}
            writer.writerow({**flat, **dates})
