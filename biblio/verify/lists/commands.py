"""``biblio decisions``: a library's existing bibliography comes in, and all verdicts go out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import click
from sqlmodel import Session
from tqdm import tqdm

from biblio.catalogue.actor import Actor, person_called
from biblio.catalogue.references import KnownLink, known_links
from biblio.errors import BiblioError
from biblio.runtime import Runtime
from biblio.store.current import under_second_reading
from biblio.store.words import LIBRARIANS, Verdict
from biblio.tables import safe_cell
from biblio.verify.lists.known import COLUMNS, ImportCounts, Known, export_known, import_known, known_pairs, list_rows
from biblio.verify.lists.references import ConfirmCounts, confirm_known
from biblio.verify.paper.history import VERDICT_WORDS
from biblio.verify.service import Today
from harvesters.errors import HarvestError

AT_ONCE = 200
"""Rows per transaction: a kill costs at most so many, and a second run takes up what is missing."""

MOST_SENTENCES = 50
"""Rows that were not taken are named up to so many; the rest are counted."""

T = TypeVar("T")


class _Undone(Exception):
    """Raised at the end of a dry run, so that nothing of it is stored."""


@click.group()
def decisions() -> None:
    """Bring in verified links that a library has, or hand ours over."""


@decisions.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "username", required=True, metavar="USER", help="Librarian under whose name they are recorded.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.pass_context
def import_file(ctx: click.Context, file: Path, username: str, dry_run: bool) -> None:
    """Record the verified links in FILE (.csv or .jsonl) as decisions.

    Columns: code, and bibcode, doi or arxiv; optional verdict (accept, reject), relation, reason. Without a relation a
    paper counts as science with our data. A verdict that is in force is never changed; a second run adds nothing.

    \b
    Examples:
      biblio decisions import telbib.csv --as vera --dry-run
      biblio decisions import telbib.csv --as vera
    """
    runtime: Runtime = ctx.obj()
    counts = ImportCounts()
    try:
        actor = _librarian(runtime, username)
        pairs = known_pairs(list_rows(file), runtime.grammar, counts)
        for batch in _batches(pairs, AT_ONCE):
            _import_batch(runtime, actor, batch, counts, file.name, dry_run=dry_run)
    except (BiblioError, HarvestError) as problem:
        raise click.ClickException(f"{file}: {problem}") from problem
    _print_counts(counts, dry_run=dry_run)
    if counts.read and counts.refused == counts.read:
        ctx.exit(1)


@decisions.command("import-known")
@click.option(
    "--by", "--as", "username", required=True, metavar="USER", help="Librarian under whose name they are recorded."
)
@click.option("--source", help="Only what this list says (projects: the archive; projects-file). Default: all.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def import_known_links(ctx: click.Context, username: str, source: str | None, dry_run: bool, quiet: bool) -> None:
    """Take over the papers that the archive itself lists for its projects, as confirmed links.

    Each is accepted as science with our data, with the archive's list as its reason, and can be undone at the desk.
    Where a person has decided, or has taken a decision back, nothing changes; a second run adds nothing. `biblio
    projects references` says beforehand how the list compares with our own work.

    \b
    Examples:
      biblio decisions import-known --by vera --dry-run
      biblio decisions import-known --by vera --source projects
    """
    runtime: Runtime = ctx.obj()
    counts = ConfirmCounts()
    source = "registry" if source == "projects" else source  # as it is called where it is asked
    try:
        actor = _librarian(runtime, username)
        with runtime.store.reading() as session:
            links = known_links(session, source)
        with tqdm(total=len(links), desc="  known links", unit="", dynamic_ncols=True, disable=quiet or None) as bar:
            for batch in _batches(links, AT_ONCE):
                _in_one(runtime, dry_run, partial(_confirm_batch, actor=actor, batch=batch, counts=counts))
                bar.update(len(batch))
    except BiblioError as problem:
        raise click.ClickException(str(problem)) from problem
    _print_confirmed(counts, dry_run=dry_run)
    if not links:
        click.echo("No registry has listed papers" + (f" as {source}." if source else "."), err=True)


def _confirm_batch(
    session: Session, today: Today, *, actor: Actor, batch: list[KnownLink], counts: ConfirmCounts
) -> None:
    confirm_known(session, actor, batch, counts, today)


def _print_confirmed(counts: ConfirmCounts, *, dry_run: bool) -> None:
    _print_sentences(counts.sentences)
    click.echo("would be" if dry_run else "imported")
    rows = [("known links", counts.read), ("confirmed", counts.confirmed), ("paper not here", counts.paper_missing)]
    rows += [(f"already {VERDICT_WORDS[verdict]}", counts.decided[verdict]) for verdict in Verdict]
    rows += [("decided, taken back", counts.taken_back), ("same pair again", counts.repeated)]
    for name, number in [*rows, ("refused", counts.refused)]:
        click.echo(f"  {name:<20} {number:>8}")


def _librarian(runtime: Runtime, username: str) -> Actor:
    with runtime.store.reading() as session:
        return person_called(session, username, LIBRARIANS, "no active librarian: only librarians decide.")


def _batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


def _import_batch(
    runtime: Runtime, actor: Actor, batch: list[Known], counts: ImportCounts, source: str, *, dry_run: bool
) -> None:
    def record(session: Session, today: Today) -> None:
        import_known(session, actor, batch, counts, today, source=source)

    _in_one(runtime, dry_run, record)


def _in_one(runtime: Runtime, dry_run: bool, record: Callable[[Session, Today], None]) -> None:
    """Do something in one transaction; a dry run gives it up at the end."""
    try:
        with runtime.store.writing() as session:
            record(session, Today(runtime.profile, runtime.clock.now()))
            if dry_run:
                raise _Undone
    except _Undone:
        return


def _print_counts(counts: ImportCounts, *, dry_run: bool) -> None:
    _print_sentences(counts.sentences)
    click.echo("would be" if dry_run else "imported")
    for name in ("read", "accepted", "rejected", "unchanged", "contradicted", "refused"):
        click.echo(f"  {name:<14} {getattr(counts, name):>8}")


def _print_sentences(sentences: Sequence[str]) -> None:
    for sentence in sentences[:MOST_SENTENCES]:
        click.echo(sentence, err=True)
    if len(sentences) > MOST_SENTENCES:
        click.echo(f"… and {len(sentences) - MOST_SENTENCES} rows more.", err=True)


@decisions.command("export")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; without it, stdout.")
@click.pass_context
def export_file(ctx: click.Context, kind: str, output: Path | None) -> None:
    """Write every verdict in force: code, identifiers, verdict, relation, reason, who and when.

    Papers that a second reader is to judge blind are left out until both have judged.

    \b
    Examples:
      biblio decisions export --output decisions.csv
      biblio decisions export --format jsonl | gzip > decisions.jsonl.gz
    """
    runtime: Runtime = ctx.obj()
    out = output.open("w", encoding="utf-8", newline="") if output else sys.stdout
    number = 0
    try:
        writer = csv.writer(out)
        if kind == "csv":
            writer.writerow(COLUMNS)
        with runtime.store.reading() as session:
            hidden = len(under_second_reading(session))
            for row in export_known(session):
                number += 1
                if kind == "csv":
                    writer.writerow([safe_cell(value) for value in row.plain().values()])
                else:
                    out.write(json.dumps(row.plain(), ensure_ascii=False) + "\n")
    finally:
        if output:
            out.close()
    click.echo(f"{number} verdicts", err=True)
    if hidden:
        click.echo(
            f"Left out: {hidden} papers that a second reader is to judge without seeing the first view.", err=True
        )
