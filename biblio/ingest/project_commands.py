"""``biblio projects``: loading the observatory's projects, and handing the list over."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click

from biblio.ingest import absorb, queries
from biblio.ingest.console import import_files, print_dry_run, run_and_tell
from biblio.ingest.importing import project_file
from biblio.ingest.jobs import HARVEST
from biblio.ingest.sources import Asked, plan
from biblio.runtime import Runtime
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
        print_dry_run(_try_fetch(runtime))
        return
    run_and_tell(ctx, HARVEST, {"sources": "projects"}, quiet)


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
    import_files(ctx, [project_file(path) for path in files], dry_run, quiet)


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
