"""``biblio projects``: loading the observatory's projects, and handing the list over."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import click
from sqlmodel import Session, select

from biblio.catalogue.references import KnownLink, Reckoning, known_links, reckon
from biblio.ingest import queries
from biblio.ingest.asked import Asked
from biblio.ingest.console import import_files, run_and_tell
from biblio.ingest.importing import FileSource, project_file
from biblio.ingest.jobs import HARVEST
from biblio.ingest.sources import plan
from biblio.ingest.trial import MOST_SHOWN, Trial, try_projects
from biblio.runtime import Runtime
from biblio.store.models import ArchiveReference
from biblio.store.words import Band, Verdict
from biblio.tables import safe_cell
from harvesters.errors import HarvestError
from harvesters.projects import HEADER
from harvesters.protocol import ParsedPage

_FILE = click.Path(path_type=Path)
_JSON = click.Path(dir_okay=False, path_type=Path)
_CSV_COLUMNS = ("code", "title", "pi", "co_is", "category", "keywords", "targets", "partner", "state", "unit",
                "unit_delivered_on", "unit_released_on", "unit_observed_on", "unit_exposure_s")  # fmt: skip
_MISSING_COLUMNS = ("code", "bibcode", "source", "learned_at")
_COLUMNS_HELP = "\n      ".join(f"{name:<18} {meaning}" for name, meaning in HEADER.items())


@click.group()
def projects() -> None:
    """Load the observatory's projects, or hand the list over."""


@projects.command("fetch")
@click.option("--dry-run", is_flag=True, help="Ask the archive, say what would change, and change nothing.")
@click.option("--all", "is_all", is_flag=True, help=f"With --dry-run: print every row, not the first {MOST_SHOWN}.")
@click.option("--json", "json_file", type=_JSON, help="With --dry-run: write everything to this file.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def fetch(ctx: click.Context, dry_run: bool, is_all: bool, json_file: Path | None, quiet: bool) -> None:
    """Read all projects and their release dates from the archive's TAP service.

    Release dates move, so every run reads all of them; what was known before stays in the history. A project that the
    archive gave before and gives no longer is named in the run's notes and never deleted.

    \b
    Examples:
      biblio projects fetch
      biblio projects fetch --dry-run
      biblio projects fetch --dry-run --json changes.json
    """
    runtime: Runtime = ctx.obj()
    _check_dry(dry_run, is_all, json_file)
    if not dry_run:
        run_and_tell(ctx, HARVEST, {"sources": "projects"}, quiet)
        return
    try:
        trial = try_projects(runtime, _fetched(runtime), is_whole=True)
    except HarvestError as error:
        raise click.ClickException(f"{error}. Nothing was changed (dry run).") from error
    _print_trial(trial, is_all, json_file)


@projects.command(
    "import",
    help=f"""Load projects from FILES (CSV or JSON lines), or contacts of PIs (code, name, email).

    A row that cannot be read costs itself only. A project may have several rows, one for each of its units. CSV may
    have commas, semicolons, tabs or bars between its columns, in UTF-8 or UTF-16, as spreadsheets write it. Addresses
    of PIs come from such files and from nowhere else. With --dry-run a project counts as vanished when an earlier
    list had it, and this one has others of its cycle.

    \b
    The columns, in any order:
      {_COLUMNS_HELP}

    Beside these, the columns that the profile names as facets (grade, band, support node …) are kept, and reports
    divide projects by them.

    \b
    A list in CSV, and the same project as a JSON line:
      code,title,pi,co_is,unit,unit_released_on
      2016.1.00001.S,Cold dust,"Doe, Jane","Roe, Richard; Muster, Eva",uid://A1/X1,2018-05-01
      2016.1.00001.S,,,,uid://A1/X2,2018-07-01
    \b
      {{"code": "2016.1.00001.S", "title": "Cold dust", "pi": "Doe, Jane",
       "units": [{{"uid": "uid://A1/X1", "released_on": "2018-05-01"}}]}}

    \b
    Examples:
      biblio projects import projects.jsonl
      biblio projects import cycle-11.csv cycle-12.csv --dry-run
      biblio projects import contacts.csv
    """,
)
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--dry-run", is_flag=True, help="Read the files, say what would change, and change nothing.")
@click.option("--all", "is_all", is_flag=True, help=f"With --dry-run: print every row, not the first {MOST_SHOWN}.")
@click.option("--json", "json_file", type=_JSON, help="With --dry-run: write everything to this file.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def import_projects(  # noqa: D103 - its help is the command's, with the columns in it
    ctx: click.Context, files: tuple[Path, ...], dry_run: bool, is_all: bool, json_file: Path | None, quiet: bool
) -> None:
    runtime: Runtime = ctx.obj()
    _check_dry(dry_run, is_all, json_file)
    sources = [project_file(path, facets=runtime.profile.facet_columns) for path in files]
    if not dry_run:
        import_files(ctx, sources, dry_run=False, quiet=quiet)
        return
    parsed, broken = _read_files(runtime, sources)
    _print_trial(try_projects(runtime, parsed, is_whole=False, take_emails=True), is_all, json_file)
    if broken:
        ctx.exit(1)


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
    write, facets = _write_csv if kind == "csv" else _write_jsonl, runtime.profile.facet_columns
    if output is None:
        write(listed, sys.stdout, facets)
    else:
        with _opened(output) as out:
            write(listed, out, facets)
        click.echo(f"{len(listed)} projects are in {output}.", err=True)


@projects.command("references")
@click.option("--source", help="Only what this source lists: projects (the archive), or a list's name. Default: all.")
@click.option("--missing", is_flag=True, help="Write the known links whose paper is not here, instead of the numbers.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.pass_context
def references(ctx: click.Context, source: str | None, missing: bool, kind: str) -> None:
    """Compare the papers that archives list for their projects with our own work.

    Such known links measure the harvest (is the paper here?) and the matching (is it a candidate, in which band?).
    `biblio decisions import-known` takes them over as confirmed.

    \b
    Examples:
      biblio projects references
      biblio projects references --missing --format jsonl > missing.jsonl
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        told = reckon(session, known_links(session, _listing_source(session, source)))
    if missing:
        _write_missing(told.missing, kind, sys.stdout)
        click.echo(f"{len(told.missing)} of {told.links} known links name a paper that is not here.", err=True)
        return
    for name, value in _reckoned(told):
        click.echo(f"  {name:<38} {value:>8}")


def _listing_source(session: Session, source: str | None) -> str | None:
    """Return the name under which a source's known links are kept. Raises ``ClickException`` naming those there are."""
    if source is None:
        return None
    listing = {"registry", *session.exec(select(ArchiveReference.source).distinct())}
    name = "registry" if source == "projects" else source
    if name not in listing:
        names = sorted("projects" if one == "registry" else one for one in listing)
        raise click.ClickException(
            f"No source {source[:60]!r} lists papers of projects; there are: {', '.join(names)}."
        )
    return name


def _reckoned(told: Reckoning) -> Iterable[tuple[str, str]]:
    def share(count: int, of: int) -> str:
        return f"{count:>8}" + (f"  {count / of:6.1%}" if of else "")

    yield "known links (project and bibcode)", str(told.links)
    yield "  whose paper is here", share(told.held, told.links)
    yield "  whose paper is not here", share(len(told.missing), told.links)
    yield "different projects and papers here", str(told.pairs)
    for band in (*Band, None):
        yield f"  {band.value if band else 'no'} candidate of ours", share(told.bands[band], told.pairs)
    words = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNSURE: "left unsure", None: "not decided"}
    for verdict, word in words.items():
        yield f"  {word}" + (" by a person" if verdict else ""), share(told.verdicts[verdict], told.pairs)


def _write_missing(missing: Sequence[KnownLink], kind: str, out: TextIO) -> None:
    writer = csv.DictWriter(out, _MISSING_COLUMNS)
    if kind == "csv":
        writer.writeheader()
    for link in missing:
        row: Mapping[str, Any] = {
            "code": link.code,
            "bibcode": link.bibcode,
            "source": link.source,
            "learned_at": link.learned_at.isoformat(timespec="seconds"),
        }
        if kind == "csv":
            writer.writerow({name: safe_cell(value) for name, value in row.items()})
        else:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _check_dry(dry_run: bool, is_all: bool, json_file: Path | None) -> None:
    if not dry_run and (is_all or json_file is not None):
        raise click.UsageError("--all and --json say what would change: use them with --dry-run.")


def _fetched(runtime: Runtime) -> list[ParsedPage]:
    """Ask the archive for everything. Raises ``HarvestError`` naming the page that cannot be read."""
    planned, left_out = plan(runtime, Asked(sources=("projects",)))
    for sentence in left_out:
        click.echo(sentence, err=True)
    return [one.source.parse(page) for one in planned for page in one.source.pages({})]


def _read_files(runtime: Runtime, sources: Sequence[FileSource]) -> tuple[list[ParsedPage], bool]:
    """Read the files; one that cannot be read is named and costs the others nothing."""
    parsed: list[ParsedPage] = []
    broken = False
    for file in sources:
        try:
            for page in file.source.pages({}):
                read = file.source.parse(page)
                if file.prepare is not None:
                    with runtime.store.reading() as session:
                        read = file.prepare(session, runtime, read, file.label)
                parsed.append(read)
        except HarvestError as error:
            click.echo(str(error), err=True)
            broken = True
    return parsed, broken


def _opened(path: Path) -> TextIO:
    """Open a file to write. Ends the command in a sentence where that is not possible."""
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as problem:
        raise click.ClickException(f"{path} cannot be written: {problem.strerror}.") from problem


def _print_trial(trial: Trial, is_all: bool, json_file: Path | None) -> None:
    for name, count in trial.counts().items():
        click.echo(f"  {name.replace('_', ' '):<28} {count:>8}")
    for line in trial.lines(None if is_all else MOST_SHOWN):
        click.echo(line)
    click.echo("Nothing would change." if trial.is_empty else "")
    if json_file is not None:
        with _opened(json_file) as out:
            out.write(json.dumps(trial.plain(), ensure_ascii=False, indent=1) + "\n")
        click.echo(f"Everything is in {json_file}.")
    click.echo("Nothing was changed (dry run).")


def _write_jsonl(listed: Sequence[queries.ProjectFacts], out: TextIO, facets: Mapping[str, str]) -> None:
    for project in listed:
        out.write(json.dumps(project.as_row(facets), ensure_ascii=False) + "\n")


def _write_csv(listed: Sequence[queries.ProjectFacts], out: TextIO, facets: Mapping[str, str]) -> None:
    """One row per unit, at least one per project; lists have ";" between their items."""
    writer = csv.DictWriter(out, [*_CSV_COLUMNS, *facets], extrasaction="ignore")
    writer.writeheader()
    for project in listed:
        row = project.as_row(facets)
        flat = {k: "; ".join(v) if isinstance(v, list) and k != "units" else v for k, v in row.items()}
        for unit in row["units"] or [{}]:
            dates = {f"unit_{k}" if k != "uid" else "unit": v for k, v in unit.items()}
            writer.writerow({**flat, **dates})
