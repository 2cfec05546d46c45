"""``biblio papers``: loading papers that a library has lists of."""

from __future__ import annotations

from pathlib import Path

import click

from biblio.ingest.console import import_files
from biblio.ingest.importing import paper_file

_FILE = click.Path(path_type=Path)


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
    import_files(ctx, [paper_file(path, name=name[:32] if name else None) for path in files], dry_run, quiet)
