"""``biblio compare``: imports others' lists, and says how they differ from ours."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click
from sqlmodel import Session

from biblio.catalogue.actor import Actor, person_called
from biblio.compare.importing import ListCounts, Wanted, check_name, import_list, try_list
from biblio.compare.lines import COLUMNS, Line, every_line
from biblio.compare.lists import OtherList, all_lists, find_list
from biblio.compare.reading import FORMAT_NAMES, open_lists
from biblio.compare.reckon import Comparison, Difference
from biblio.compare.reckon import compare as compare_with
from biblio.errors import BiblioError, NotFound
from biblio.progress import Bars
from biblio.runtime import Runtime
from biblio.store.words import LIBRARIANS
from biblio.tables import safe_cell
from harvesters.errors import HarvestError

MOST_SENTENCES = 50
"""Refused rows that are printed; all of them go into the file of --refused."""

_WORDS = {
    Difference.MISSING_HERE: "missing here",
    Difference.MISSING_THERE: "missing there",
    Difference.DIFFERING: "other projects",
}


class _ListsAndCommands(click.Group):
    """A group in which the name of a list is a command as well: ``biblio compare telbib``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, or the one that shows a list with that name as its argument."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "show", show, args
        return super().resolve_command(ctx, args)


@click.group(cls=_ListsAndCommands, invoke_without_command=True)
@click.pass_context
def compare(ctx: click.Context) -> None:
    """Compare our list of papers and projects with others'; without more: say which there are.

    "archive" is the archive's own bib_reference; lists that were brought in as papers are there too. Neither needs an
    import. `biblio compare NAME --help` says what can be shown.

    \b
    Examples:
      biblio compare
      biblio compare import telbib.csv --name telbib
      biblio compare telbib
      biblio compare archive --missing-here --csv > missing.csv
    """
    if ctx.invoked_subcommand is not None:
        return
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        there = all_lists(session)
    for one in there:
        at = f"{one.as_of:%Y-%m-%d}" if one.as_of else "–"
        codes = "with projects" if one.names_projects else "papers only"
        click.echo(f"{one.name:<20} {one.papers:>9} papers  {codes:<13}  {at}  {one.origin}")
    if not there:
        click.echo("There is no list yet: `biblio compare import FILE --name NAME`, or harvest the archive’s projects.")


@compare.command("import")
@click.argument(
    "files", metavar="FILE…", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--name", required=True, metavar="NAME", help="What to call the list; one of this name is replaced.")
@click.option(
    "--format", "kind", type=click.Choice(FORMAT_NAMES), help="What the file is, if it does not say so itself."
)
@click.option("--as", "username", metavar="USER", help="Librarian in whose name it is imported.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row, and store nothing.")
@click.option("--refused", type=click.Path(dir_okay=False, path_type=Path), help="CSV file for all refused rows.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def import_file(ctx: click.Context, /, files: tuple[Path, ...], name: str, **options: Any) -> None:
    """Bring in another library's list, to be compared with ours; no paper and no link of ours changes.

    FILE: one or several that are one list (telbib gives its XML in pages): CSV with a header as telbib exports it (bibcode, doi or arxiv; programid, title, year …), telbib's XML, our
    own `decisions export`, BibTeX, JSON lines, or an identifier a line; packed with gzip or not. A row that names no
    paper is refused and named; the others are kept. A list whose import breaks off never replaces the one before.

    \b
    Examples:
      biblio compare import telbib.csv --name telbib --dry-run
      biblio compare import telbib.csv --name telbib --as vera --refused refused.csv
      biblio compare import telbib-page-*.xml --name telbib
    """  # fmt: skip
    runtime: Runtime = ctx.obj()
    told: list[str] = []
    origin = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
    try:
        with _refusals(options["refused"]) as keep, Bars(quiet=options["quiet"] or not sys.stderr.isatty()) as bars:

            def tell(place: str, reason: str) -> None:
                keep(place, reason)
                if len(told) < MOST_SENTENCES:
                    told.append(f"{origin} {place}: {reason}" if len(files) == 1 else f"{place}: {reason}")

            wanted = Wanted(check_name(name), origin, _actor(runtime, options["username"]), tell, bars)
            with open_lists(files, kind=options["kind"]) as opened:
                tries = options["dry_run"]
                counts = try_list(runtime, opened, wanted) if tries else import_list(runtime, opened, wanted)[1]
    except (BiblioError, HarvestError) as problem:
        raise click.ClickException(_named(origin, files, problem)) from problem
    _print_import(counts, told, dry_run=options["dry_run"])
    if counts.read and counts.refused == counts.read:
        ctx.exit(1)


def _named(origin: str, files: Sequence[Path], problem: Exception) -> str:
    """What is wrong, with the file's name where reading it went wrong and nothing names it yet."""
    said = str(problem)
    is_named = isinstance(problem, BiblioError) or any(file.name in said for file in files)
    return said if is_named else f"{origin}: {said}"


@contextmanager
def _refusals(path: Path | None) -> Iterator[Callable[[str, str], object]]:
    """Give a function that keeps a refused row, in ``path`` if there is one."""
    if path is None:
        yield lambda _place, _reason: None
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "reason"))
        yield lambda place, reason: writer.writerow((safe_cell(place), safe_cell(reason)))


def _actor(runtime: Runtime, username: str | None) -> Actor:
    if username is None:
        return Actor(user_id=None, name="command line")
    with runtime.store.reading() as session:
        return person_called(session, username, LIBRARIANS, "no active librarian: only librarians import lists.")


def _print_import(counts: ListCounts, told: Sequence[str], *, dry_run: bool) -> None:
    for sentence in told:
        click.echo(sentence, err=True)
    if (rest := counts.refused - len(told)) > 0:
        click.echo(f"… and {rest} rows more; --refused FILE writes all of them.", err=True)
    if counts.promised is not None and counts.promised > counts.read:
        click.echo(
            f"The file says that there are {counts.promised} papers, and holds {counts.read}: fetch the other pages.",
            err=True,
        )
    click.echo("would be" if dry_run else "imported")
    rows = (
        ("rows read", counts.read),
        ("papers kept", counts.kept),
        ("same paper again", counts.repeated),
        ("rejected there", counts.left_out),
        ("refused", counts.refused),
        ("with projects", counts.with_codes),
        ("wrong codes", counts.wrong_codes),
    )
    for name, number in rows:
        click.echo(f"  {name:<18} {number:>9}")


@click.command()
@click.argument("name")
@click.option("--missing-here", "kinds", flag_value=Difference.MISSING_HERE.value, help="Only papers that we lack.")
@click.option("--missing-there", "kinds", flag_value=Difference.MISSING_THERE.value, help="Only papers that they lack.")
@click.option("--differing", "kinds", flag_value=Difference.DIFFERING.value, help="Only papers with other projects.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV; no cell of it runs in a spreadsheet.")
@click.pass_context
def show(ctx: click.Context, name: str, kinds: str | None, as_json: bool, as_csv: bool) -> None:
    """Say how the list NAME differs from ours: papers missing here, missing there, and papers with other projects.

    Papers are matched by DOI, bibcode and arXiv number; preprint and article are one, and merges are followed. What was
    set aside on the page is left out, and so are papers that are being read a second time.

    \b
    Examples:
      biblio compare telbib
      biblio compare telbib --differing
      biblio compare archive --missing-here --csv > missing.csv
    """
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both.")
    runtime: Runtime = ctx.obj()
    wanted = [Difference(kinds)] if kinds else list(Difference)
    with runtime.store.reading() as session:
        try:
            one = find_list(session, name)
        except NotFound as problem:
            raise click.ClickException(str(problem)) from problem
        found = compare_with(session, one)
        if as_json or as_csv:
            _write(sys.stdout, every_line(session, one, found, wanted), as_json=as_json)
            return
        _print_summary(one, found)
        if kinds:
            _print_lines(session, one, found, wanted[0])


def _write(out: TextIO, lines: Iterator[Line], *, as_json: bool) -> None:
    writer = csv.writer(out)
    if not as_json:
        writer.writerow(COLUMNS)
    for line in lines:
        if as_json:
            out.write(json.dumps(line.plain(), ensure_ascii=False) + "\n")
        else:
            writer.writerow([safe_cell(value) for value in line.plain().values()])


def _print_summary(one: OtherList, found: Comparison) -> None:
    click.echo(f"{one.name}: {found.there} papers there, {found.here} here")
    for kind in Difference:
        aside = len(found.aside[kind])
        click.echo(f"  {_WORDS[kind]:<18} {found.count(kind):>9}" + (f"  ({aside} set aside)" if aside else ""))
    click.echo(f"  {'the same':<18} {found.same:>9}")
    if found.repeated:
        click.echo(f"  {'listed twice':<18} {found.repeated:>9}")
    if found.left_out:
        click.echo(f"  {'second reading':<18} {found.left_out:>9}")


def _print_lines(session: Session, one: OtherList, found: Comparison, kind: Difference) -> None:
    for line in every_line(session, one, found, [kind]):
        where = f"paper {line.paper_id}" if line.paper_id else line.here
        codes = " ".join([*(f"-{code}" for code in line.only_here), *(f"+{code}" for code in line.only_there)])
        click.echo(f"{line.key:<24} {where:<22} {codes}  {(line.title or '')[:60]}".rstrip())
