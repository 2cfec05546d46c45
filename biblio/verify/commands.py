"""``biblio decisions``: a library's existing bibliography comes in, and all verdicts go out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import click
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.errors import BiblioError, NotAllowed, NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import UserAccount
from biblio.store.words import Role
from biblio.verify.known import COLUMNS, ImportCounts, Known, export_known, import_known, known_pairs
from biblio.verify.service import Today
from biblio.webkit import safe_cell
from harvesters.errors import HarvestError
from harvesters.rows import Row, csv_rows, jsonl_rows

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
        pairs = known_pairs(_rows(file), runtime.grammar, counts)
        for batch in _batches(pairs, AT_ONCE):
            _import_batch(runtime, actor, batch, counts, file.name, dry_run=dry_run)
    except (BiblioError, HarvestError) as problem:
        raise click.ClickException(f"{file}: {problem}") from problem
    _print_counts(counts, dry_run=dry_run)
    if counts.read and counts.refused == counts.read:
        ctx.exit(1)


def _librarian(runtime: Runtime, username: str) -> Actor:
    with runtime.store.reading() as session:
        row = session.exec(select(UserAccount).where(col(UserAccount.username) == username)).first()
        if row is None:
            raise NotFound(f"There is no user {username!r}; add one with `biblio users add`.")
        if not row.is_active or row.role not in (Role.LIBRARIAN, Role.HEAD_LIBRARIAN):
            raise NotAllowed(f"{username} is no active librarian: only librarians decide.")
        return Actor(user_id=row.id, name=row.name, role=row.role, library=row.library)


def _rows(file: Path) -> Iterator[Row]:
    body = file.read_bytes()
    if file.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return jsonl_rows(body)
    if file.suffix.lower() in (".csv", ".tsv", ".txt"):
        return csv_rows(body, "code")
    raise RequestRefused("give a .csv or a .jsonl file.")


def _batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


def _import_batch(
    runtime: Runtime, actor: Actor, batch: list[Known], counts: ImportCounts, source: str, *, dry_run: bool
) -> None:
    try:
        with runtime.store.writing() as session:
            today = Today(runtime.profile, runtime.clock.now())
            import_known(session, actor, batch, counts, today, source=source)
            if dry_run:
                raise _Undone
    except _Undone:
        return


def _print_counts(counts: ImportCounts, *, dry_run: bool) -> None:
    for sentence in counts.sentences[:MOST_SENTENCES]:
        click.echo(sentence, err=True)
    if len(counts.sentences) > MOST_SENTENCES:
        click.echo(f"… and {len(counts.sentences) - MOST_SENTENCES} rows more.", err=True)
    click.echo("would be" if dry_run else "imported")
    for name in ("read", "accepted", "rejected", "unchanged", "contradicted", "refused"):
        click.echo(f"  {name:<14} {getattr(counts, name):>8}")


@decisions.command("export")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; without it, stdout.")
@click.pass_context
def export_file(ctx: click.Context, kind: str, output: Path | None) -> None:
    """Write every verdict in force: code, identifiers, verdict, relation, reason, who and when.

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
