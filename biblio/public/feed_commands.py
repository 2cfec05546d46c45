"""``biblio feed``: the feeds as files, for archives that fetch nothing themselves."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from biblio.errors import RequestRefused
from biblio.public.archive_feed import as_csv, as_votable, feed_rows
from biblio.public.feeds import provider, since
from biblio.public.relations import DATACITE, SCHOLIX, Form, written
from biblio.runtime import Runtime

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
    _write_form(ctx.obj(), SCHOLIX, moment, out)


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
    _write_form(ctx.obj(), DATACITE, moment, out)


def _write_form(runtime: Runtime, form: Form, moment: datetime | None, out: Path | None) -> None:
    """Write a JSON list of all that a form gives."""
    with runtime.store.reading() as session, _writing(out) as file:
        file.write("[")
        for number, record in enumerate(written(session, form, provider(runtime), moment)):
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
