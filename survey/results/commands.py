"""``biblio survey campaign results`` and ``biblio survey compare``: the figures of the pages, printed or as files.

No command prints what people wrote: that is read on the page, by survey readers.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.answers import answers_of_closed_campaigns
from biblio.tables import csv_file, xlsx_file
from survey.campaigns import find_campaign
from survey.results import files
from survey.results.figures import compared, results_of

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("name")
@click.option("--csv", "as_csv", type=FILE, metavar="FILE", help="Write one row per figure to FILE.")
@click.option("--xlsx", "as_xlsx", type=FILE, metavar="FILE", help="Write the same as a workbook.")
@click.option("--pdf", "as_pdf", type=FILE, metavar="FILE", help="Write them on paper (extra `pdf`).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def results(
    ctx: click.Context, name: str, as_csv: Path | None, as_xlsx: Path | None, as_pdf: Path | None, as_json: bool
) -> None:
    """Print the figures of campaign NAME: both rates, reasons in the order of the chain, groups, strata.

    \b
    Examples:
      biblio survey campaign results "2026 autumn"
      biblio survey campaign results "2026 autumn" --xlsx autumn.xlsx --pdf autumn.pdf
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        one = results_of(session, find_campaign(session, name), runtime.clock.today())
    rows = list(files.rows([one]))
    paper = files.as_pdf(one, _made(runtime)) if as_pdf else b""  # first: where it cannot be made, no file is written
    _write(as_csv, csv_file(files.HEADER, rows) if as_csv else b"")
    _write(as_xlsx, xlsx_file("results", files.HEADER, rows) if as_xlsx else b"")
    _write(as_pdf, paper)
    if as_json:
        click.echo(json.dumps(files.plain(one), ensure_ascii=False))
    elif not (as_csv or as_xlsx or as_pdf):
        click.echo(files.text(one))


@click.command()
@click.option("--csv", "as_csv", type=FILE, metavar="FILE", help="Write one row per figure and campaign to FILE.")
@click.option("--xlsx", "as_xlsx", type=FILE, metavar="FILE", help="Write the same as a workbook.")
@click.option("--pdf", "as_pdf", type=FILE, metavar="FILE", help="Write them on paper (extra `pdf`).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per campaign.")
@click.pass_context
def compare(ctx: click.Context, as_csv: Path | None, as_xlsx: Path | None, as_pdf: Path | None, as_json: bool) -> None:
    """Print closed campaigns side by side, oldest first; those with different wordings are kept apart.

    \b
    Examples:
      biblio survey compare
      biblio survey compare --csv campaigns.csv
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        comparison = compared(answers_of_closed_campaigns(session))
    if not comparison.results:
        raise RequestRefused("No campaign has been closed yet, and none of earlier times was taken over.")
    rows = list(files.rows(comparison.results))
    paper = files.compared_pdf(comparison, _made(runtime)) if as_pdf else b""
    _write(as_csv, csv_file(files.HEADER, rows) if as_csv else b"")
    _write(as_xlsx, xlsx_file("campaigns", files.HEADER, rows) if as_xlsx else b"")
    _write(as_pdf, paper)
    if as_json:
        for each in comparison.results:
            click.echo(json.dumps(files.plain(each), ensure_ascii=False))
    elif not (as_csv or as_xlsx or as_pdf):
        click.echo(files.compared_text(comparison))


def _made(runtime: Runtime) -> files.Made:
    return files.Made(runtime.profile.observatory.name, runtime.clock.today())


def _write(path: Path | None, content: bytes) -> None:
    """Write a file that was asked for, and say so beside what is printed."""
    if path is not None:
        path.write_bytes(content)
        click.echo(f"Wrote {path}.", err=True)
