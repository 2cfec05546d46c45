"""``biblio papers``: loading papers that a library has lists of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from biblio.catalogue.terms import is_reserved
from biblio.errors import RequestRefused
from biblio.ingest.console import import_files
from biblio.ingest.importing import FileSource, paper_file
from biblio.runtime import Runtime
from harvesters.formats import FORMATS

_FILE = click.Path(path_type=Path)
_NAME_LENGTH = 32
_FORMATS = "\n".join(f"  {one.name:<8}{one.about}\n          {one.example}" for one in FORMATS.values())


@click.group()
def papers() -> None:
    """Load papers that a library has lists of."""


def _checked_name(_ctx: click.Context, _param: click.Parameter, name: str | None) -> str | None:
    """Refuse a list's name by which its values would pass for a service's, or that does not fit."""
    if name is None:
        return None
    if is_reserved(name):
        raise click.BadParameter("names that begin with arxiv or ads, person and registry belong to those sources.")
    if not name.strip() or len(name) > _NAME_LENGTH:
        raise click.BadParameter(f"a name has 1 to {_NAME_LENGTH} characters.")
    return name.strip()


@papers.command(
    "import",
    help=f"""Load papers from FILES that libraries keep, whatever their format; packed with gzip or not.

    Papers that are known by DOI, bibcode or arXiv number are joined; an identifier that clearly belongs to another
    paper is left out and becomes a question on the desk. A table or plain list names its papers by such a number; jsonl
    and bibtex take a title alone as well. Rows that cannot be used are refused one by one. Codes in a
    column programid (or projects) become known links of the projects. A text that a row names (path, below the folder
    of its list) is read for codes at the end. A paper without a title is filled by the next harvest.

    \b
    Formats, found by content:
    {_FORMATS.replace(chr(10), chr(10) + "    ")}

    \b
    Examples:
      biblio papers import library.bib telbib.csv
      biblio papers import our-dois.txt --dry-run --report rows.csv
      biblio papers import telescope-papers.jsonl.gz --name kpub
      biblio papers import --ads-library hHGU1Ef-TpacAhicI3J8kQ --name our-library
      biblio papers import --ads-bibgroup Hubble --dry-run
    """,
)
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--ads-library", "libraries", multiple=True, metavar="ID", help="A library of ADS, by its id or address.")
@click.option("--ads-bibgroup", "bibgroups", multiple=True, metavar="NAME", help="A bibgroup of ADS, by its name.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="What the files are, where that cannot be found by itself.",
)
@click.option(
    "--name", callback=_checked_name,
    help="Name of the list, kept with every paper. Default: bibtex, papers-table, papers-file or papers-list.",
)  # fmt: skip
@click.option(
    "--report", "rows", type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file to write that names every row and what became of it: new, known, changed or refused, and why.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Read the files, say what would change, and change nothing.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def import_papers(ctx: click.Context, /, files: tuple[Path, ...], **options: Any) -> None:
    """Load papers from files and lists of ADS; the help above is made of the formats there are."""
    name = options["name"]
    listed = [paper_file(path, name=name, kind=options["kind"]) for path in files]
    if options["libraries"] or options["bibgroups"]:
        listed += _lists_of_ads(ctx, options["libraries"], options["bibgroups"], name)
    if not listed:
        raise click.UsageError("Name at least one file, or --ads-library or --ads-bibgroup.")
    import_files(ctx, listed, options["dry_run"], options["quiet"], options["rows"])


def _lists_of_ads(
    ctx: click.Context, libraries: Sequence[str], bibgroups: Sequence[str], name: str | None
) -> list[FileSource]:
    from biblio.ingest.ads_imports import bibgroup_file, library_file  # only who asks ADS waits for its package

    runtime: Runtime = ctx.obj()
    try:
        listed = [library_file(runtime, library, name) for library in libraries]
        return [*listed, *(bibgroup_file(runtime, bibgroup) for bibgroup in bibgroups)]
    except RequestRefused as reason:
        raise click.ClickException(str(reason)) from reason


@papers.command("add")
@click.argument("identifiers", nargs=-1, required=True, metavar="IDENTIFIER…")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def add_papers(ctx: click.Context, identifiers: tuple[str, ...], quiet: bool) -> None:
    """Fetch single papers now, by DOI, bibcode or arXiv number (or an address of one), read and match them.

    A paper that is known is left as it is. What a service cannot give now waits, and is tried again every night; exit
    code 1 where a paper was not added.

    \b
    Examples:
      biblio papers add 2401.00001
      biblio papers add 10.3847/1538-4357/ab0001 2015ApJ...808L...3A
    """
    from biblio.ingest.add_command import add_all

    if not add_all(ctx.obj(), identifiers, quiet=quiet):
        ctx.exit(1)
