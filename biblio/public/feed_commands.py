"""``biblio feed``: the feeds as files, for archives that fetch nothing themselves."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click
from sqlmodel import Session

from biblio.errors import RequestRefused
from biblio.public.archive_feed import as_csv, as_votable, feed_rows
from biblio.public.feeds import provider, since
from biblio.public.published import SLICE, PublicLink
from biblio.public.relations import Json, Provider, datacite, in_slices, read_links, scholix
from biblio.runtime import Runtime

Maker = Callable[[Session, Sequence[PublicLink], Provider], list[Json]]

_OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, whole or not at all."
)


class Moment(click.ParamType[datetime | None]):
    """A day or a moment."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime | None:
        """Read it as the address does."""
        try:
            return since(str(value))
        except RequestRefused as wrong:
            self.fail(str(wrong), param, ctx)


_SINCE = click.option("--since", "moment", type=Moment(), help="Links that became known on this day or later.")


@click.group()
def feed() -> None:
    """Write what other services take: publications per observation unit, links between papers and data."""


@feed.command("archive", short_help="The science archive's feed: each unit with its papers.")
@click.option("--format", "kind", type=click.Choice(["csv", "votable"]), default="csv", show_default=True)
@click.option("--preprints", is_flag=True, help="Papers that are not refereed as well.")
@_OUT
@click.pass_context
def archive(ctx: click.Context, kind: str, preprints: bool, out: Path | None) -> None:
    """Write for each observation unit the published papers that used its project's data.

    \b
    Examples:
      biblio feed archive --out publications.csv
      biblio feed archive --format votable --out publications.vot
    """
    runtime: Runtime = ctx.obj()
    write = as_csv if kind == "csv" else as_votable
    with runtime.store.reading() as session, _writing(out) as file:
        for piece in write(feed_rows(session, preprints=preprints), runtime.profile):
            file.write(piece)


@feed.command("scholix", short_help="Links between papers and data as Scholix packages.")
@_SINCE
@_OUT
@click.pass_context
def write_scholix(ctx: click.Context, moment: datetime | None, out: Path | None) -> None:
    """Write a JSON list of Scholix link packages, in the order in which the links became known.

    \b
    Examples:
      biblio feed scholix --out links.json
      biblio feed scholix --since 2026-11-01
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        links = read_links(session)
        chosen = links.at(links.where(since=moment))
        packages = _each(session, in_slices(chosen, SLICE // 4), runtime, scholix)
        _write_list(packages, out)


@feed.command("datacite", short_help="Papers of each project as DataCite related identifiers.")
@_SINCE
@_OUT
@click.pass_context
def write_datacite(ctx: click.Context, moment: datetime | None, out: Path | None) -> None:
    """Write a JSON list of projects, each with all papers that used its data; with --since those that have a new one.

    \b
    Example:
      biblio feed datacite --out related.json
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        links = read_links(session)
        codes = {links.codes[int(project)] for project in links.projects[links.where(since=moment)]}
        chosen = sorted(links.at(links.of_projects(codes)), key=lambda link: (link.code, link.learned_at))
        records = _each(session, in_slices(chosen, SLICE // 4, whole_projects=True), runtime, datacite)
        _write_list(records, out)


def _each(session: Session, slices: Iterable[list[PublicLink]], runtime: Runtime, make: Maker) -> Iterator[Json]:
    for some in slices:
        yield from make(session, some, provider(runtime))


def _write_list(records: Iterable[Json], out: Path | None) -> None:
    with _writing(out) as file:
        file.write("[")
        for number, record in enumerate(records):
            file.write(",\n" if number else "\n")
            file.write(json.dumps(record, ensure_ascii=False, sort_keys=True))
        file.write("\n]\n")


@contextmanager
def _writing(out: Path | None) -> Iterator[TextIO]:
    """Open what is written to: a file that appears under its name when it is whole, or the standard output."""
    if out is None:
        yield sys.stdout
        return
    try:
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written ({error.strerror}); nothing was changed.") from error
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        unfinished.chmod(0o644)
        unfinished.replace(out)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written ({error.strerror}); nothing was changed.") from error
    finally:
        unfinished.unlink(missing_ok=True)
