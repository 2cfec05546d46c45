"""``biblio report``: the report on the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from biblio.runtime import Runtime
from biblio.store.answers import answers_of_closed_campaigns
from biblio.store.current import projects_under_second_reading, under_second_reading
from reports import render
from reports.latest import report_of
from reports.service import freeze


@click.command(short_help="Say what became of the telescope time.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="As known at the end of this day (UTC). Default: today."
)
@click.option("--format", "kind", type=click.Choice(render.FORMATS), default="table", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. Needed for xlsx and pdf."
)
@click.option("--freeze", "keep", is_flag=True, help="Keep today's numbers as a snapshot to compare later ones with.")
@click.pass_context
def report(ctx: click.Context, as_of: datetime | None, kind: str, output: Path | None, keep: bool) -> None:
    """Say what became of the telescope time: observed, published, silent, by cycle, papers by year, answers.

    \b
    Examples:
      biblio report
      biblio report --as-of 2026-06-30 --format csv -o half-year.csv
      biblio report --format xlsx -o report.xlsx
      biblio report --format pdf -o report.pdf      (extra `pdf`)
    """
    if kind in ("xlsx", "pdf") and output is None:
        raise click.UsageError(f"A {kind} file is not printed: say where to write it with --output FILE.{kind}.")
    if keep and as_of:
        raise click.UsageError("Only today's numbers can be frozen: leave --as-of away.")
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() if keep else runtime.store.reading() as session:
        built = report_of(runtime, session, as_of.date() if as_of else None)
        answers = answers_of_closed_campaigns(session)
        hidden = render.Hidden(under_second_reading(session), projects_under_second_reading(session))
        if keep:
            freeze(session, built, now=runtime.clock.now())
    if kind in ("xlsx", "pdf"):
        assert output is not None
        output.write_bytes({"xlsx": render.as_xlsx, "pdf": render.as_pdf}[kind](built, answers))
    else:
        writers: dict[str, Callable[..., str]] = {
            "table": render.as_table,
            "json": partial(render.as_json, hidden=hidden),
            "csv": render.as_csv,
            "html": render.as_html,
        }
        text = writers[kind](built, answers)
        if output is None:
            click.echo(text)
        else:
            output.write_text(text + "\n", encoding="utf-8")
    if output is not None:
        click.echo(f"Wrote {output}.", err=True)
