"""``biblio report``: the report on the command line, live and frozen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from sqlmodel import Session

from biblio.catalogue.actor import MACHINE, person_called
from biblio.errors import RequestRefused
from biblio.observatory import Recipe
from biblio.progress import Bars
from biblio.runtime import Runtime
from biblio.store.words import Role
from reports.document import Report
from reports.files.paper import as_html, as_pdf
from reports.files.plain import as_csv, as_json, as_table
from reports.files.workbook import as_xlsx
from reports.job import make, of_recipe, why_not
from reports.letters import page_of
from reports.recipes import Turn, newest_turn, next_turn
from reports.service import (
    Snapshot,
    build_report,
    build_to_freeze,
    difference,
    document_of,
    freeze,
    hidden_now,
    load_snapshot,
    snapshot_before,
    snapshot_called,
    snapshots,
)
from reports.snapshots import told
from reports.snapshots.canonical import to_json
from reports.snapshots.hiding import Hidden, difference_without_hidden, without_hidden
from reports.snapshots.rebuilding import Rebuilt, rebuild

FORMATS = ("table", "json", "csv", "xlsx", "html", "pdf")
"""As what a report is given."""

BINARY = ("xlsx", "pdf")
"""Those that are not printed on a terminal."""

FREEZERS = (Role.HEAD_LIBRARIAN, Role.MANAGER, Role.ADMIN)
"""The roles of the action ``reports.freeze``; commands check it here, pages by the table of permissions."""

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(dir_okay=False, path_type=Path)
_FORMAT = click.option("--format", "kind", type=click.Choice(FORMATS), default="table", show_default=True)
_OUTPUT = click.option("-o", "--output", type=_FILE, help="File to write. Needed for xlsx and pdf.")
_QUIET = click.option("--quiet", is_flag=True, help="No progress bars.")
_AS = click.option("--as", "username", metavar="USER", help="Who freezes it. Default: nobody, the machine.")


@click.group(invoke_without_command=True, short_help="Say what became of the telescope time; freeze it, compare it.")
@click.option("--as-of", type=_DAY, metavar="YYYY-MM-DD", help="As known at the end of this day (UTC). Default: today.")
@_FORMAT
@_OUTPUT
@_QUIET
@click.pass_context
def report(ctx: click.Context, as_of: datetime | None, kind: str, output: Path | None, quiet: bool) -> None:
    """Say what became of the telescope time: which share of it was published, how fast, by whom, and what is silent.

    Without a command the report of a day is printed or written as it is counted now. The commands freeze it, so that
    it can be read, checked and compared later, whatever is decided or harvested meanwhile.

    \b
    Examples:
      biblio report
      biblio report --as-of 2026-06-30 --format csv -o half-year.csv
      biblio report --format pdf -o report.pdf      (extra `pdf`)
      biblio report build --as-of 2026-06-30
      biblio report show latest --format xlsx -o frozen.xlsx
      biblio report diff 3 latest
    """
    if ctx.invoked_subcommand is not None:
        if as_of is not None or kind != "table" or output is not None:
            raise click.UsageError(f"Give options after the command: biblio report {ctx.invoked_subcommand} …")
        return
    _needs_file(kind, output)
    runtime: Runtime = ctx.obj()
    day = as_of.date() if as_of else runtime.clock.today()
    with runtime.store.reading() as session, Bars(quiet=quiet) as bars:
        made = build_report(runtime, session, day, progress=bars)
        hidden = hidden_now(session)
    base = f"{runtime.settings.base_url}/reports?as_of={day}"  # the day's pages, whatever is decided later
    _give(base, without_hidden(made, hidden), kind, output)


def _needs_file(kind: str, output: Path | None) -> None:
    if kind in BINARY and output is None:
        raise click.UsageError(f"A {kind} file is not printed: say where to write it with --output FILE.{kind}.")


def _give(base: str, shown: Report, kind: str, output: Path | None) -> None:
    """Write a report to a file or print it; ``base`` is the address of its pages."""
    writers: dict[str, Callable[[], str | bytes]] = {
        "table": lambda: as_table(shown),
        "json": lambda: as_json(shown),
        "csv": lambda: as_csv(shown),
        "html": lambda: as_html(shown, base),
        "xlsx": lambda: as_xlsx(shown, base),
        "pdf": lambda: as_pdf(shown, base),
    }
    content = writers[kind]()
    if output is None:
        assert isinstance(content, str)
        click.echo(content)
    else:
        _write(output, content.encode() + b"\n" if isinstance(content, str) and kind != "json" else content)


def _write(path: Path, content: str | bytes) -> None:
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written ({error.strerror}): name another file.") from error
    click.echo(f"Wrote {path}.", err=True)


@report.command(short_help="Build the whole report of a day and freeze it.")
@click.option(
    "--as-of",
    type=_DAY,
    metavar="YYYY-MM-DD",
    help="As known at the end of this day (UTC). Default: today, as known now.",
)
@click.option("--dry-run", is_flag=True, help="Build it and say what moved since the last one, but keep nothing.")
@click.option("-o", "--output", type=_FILE, help="Also write the document that is frozen, all rows named, as JSON.")
@click.option("--force", is_flag=True, help="Freeze it even where the day's newest snapshot holds the very same.")
@_AS
@_QUIET
@click.pass_context
def build(
    ctx: click.Context,
    as_of: datetime | None,
    dry_run: bool,
    output: Path | None,
    force: bool,
    username: str | None,
    quiet: bool,
) -> None:
    """Build the whole report of a day and freeze it as a snapshot, which nothing changes any more.

    The same day with the same content is frozen once: given again, the command says that nothing is new.

    \b
    Examples:
      biblio report build                              today, as known now
      biblio report build --as-of 2025-12-31           what was known when the year ended
      biblio report build --as-of 2025-12-31 --dry-run
    """
    runtime: Runtime = ctx.obj()
    actor = MACHINE
    if username:
        with runtime.store.reading() as session:
            actor = person_called(session, username, FREEZERS, "neither head librarian, manager nor admin.")
    with Bars(quiet=quiet) as bars:
        built = build_to_freeze(runtime, as_of.date() if as_of else None, progress=bars)
    made, day = built.report, built.report.as_of
    with runtime.store.reading() as session:
        last = snapshot_before(session, day)
        before = load_snapshot(session, last.id) if dry_run and last else None
        hidden = hidden_now(session)
    if output is not None:
        _write(output, to_json(made))
    if dry_run:
        click.echo(as_table(without_hidden(made, hidden)))
        if last is not None and before is not None:
            click.echo(f"\nSince snapshot {last.id}, as of {last.as_of}:")
            _echo_difference(before, made, hidden)
        click.echo("\nNothing was frozen. Without --dry-run it is.")
        return
    with runtime.store.writing() as session:
        frozen = freeze(session, actor, made, now=built.known_by, force=force)
    number = frozen.snapshot.id
    if frozen.is_new:
        click.echo(f"Froze the report of {day} as snapshot {number} (SHA-256 {frozen.snapshot.sha256}).")
        click.echo(f"Read it: biblio report show {number}   Check it: biblio report check {number}")
    else:
        click.echo(f"Nothing is new: snapshot {number} holds this very report of {day}. --force freezes it once more.")


@report.command("list")
@click.pass_context
def list_snapshots(ctx: click.Context) -> None:
    """List the frozen reports, the newest first.

    \b
    Example:
      biblio report list
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        found = snapshots(session)
    if not found:
        click.echo("No report is frozen yet: `biblio report build` freezes one.")
        return
    click.echo(f"{'number':>6}  {'as of':<10}  {'made (UTC)':<16}  {'by':<20}  {'version':<10}  SHA-256")
    for one in found:
        click.echo(
            f"{one.id:>6}  {one.as_of}  {one.made_at:%Y-%m-%d %H:%M}  {_maker(one):<20.20}  {one.version or '':<10.10}  "
            f"{(one.sha256 or 'its first numbers alone')[:23]}"
        )


def _maker(one: Snapshot) -> str:
    if one.made is not None:
        return f"{one.made.recipe} {one.made.period}"
    return one.made_by or ("a command" if one.is_whole else "")


@report.command()
@click.argument("name", metavar="NUMBER|latest")
@_FORMAT
@_OUTPUT
@click.pass_context
def show(ctx: click.Context, name: str, kind: str, output: Path | None) -> None:
    """Give a frozen report as it was: print it, or write it as a file.

    The same snapshot gives the same file at any time, but that papers under second reading are not named.

    \b
    Examples:
      biblio report show latest
      biblio report show 3 --format pdf -o board.pdf      (extra `pdf`)
      biblio report show 3 --format json -o 3.json
    """
    _needs_file(kind, output)
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        one = snapshot_called(session, name)
        if not one.is_whole and kind == "table":
            _echo_figures(one)
            return
        made, hidden = load_snapshot(session, one.id), hidden_now(session)
    _give(page_of(runtime, one), without_hidden(made, hidden), kind, output)


def _echo_figures(one: Snapshot) -> None:
    """Print what a snapshot of before holds: its first numbers."""
    click.echo(f"As of {one.as_of}, frozen {one.made_at:%Y-%m-%d %H:%M} (UTC), before whole reports were kept:\n")
    for key, value in one.figures.items():
        click.echo(f"  {key:<24} {value:>12}")


@report.command(short_help="Build a frozen report again and compare it bit for bit.")
@click.argument("name", metavar="NUMBER|latest|all")
@click.option("-o", "--output", type=_FILE, help="Write the frozen document, byte for byte, all rows named.")
@_QUIET
@click.pass_context
def check(ctx: click.Context, name: str, output: Path | None, quiet: bool) -> None:
    """Build a frozen report again and compare it bit for bit; say what differs.

    Exit code 0: the same bytes, or only another version or profile around the same figures. 1: figures differ, or a
    document is not the one that was frozen.

    \b
    Examples:
      biblio report check latest
      biblio report check all                              after restoring a backup
      biblio report check 3 -o 3.json && sha256sum 3.json
    """
    if name == "all" and output is not None:
        raise click.UsageError("Give the number of one snapshot: its document is written to --output.")
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        if name == "all":
            asked = [one for one in snapshots(session) if one.is_whole]
        else:
            asked = [snapshot_called(session, name)]
        if output is not None:
            _write(output, document_of(session, asked[0].id))
        hidden = hidden_now(session)
    if not asked:
        click.echo("No report is frozen yet: `biblio report build` freezes one.")
    are_in_order = [_check(runtime, one, hidden, quiet=quiet) for one in asked]
    if not all(are_in_order):
        ctx.exit(1)


def _check(runtime: Runtime, one: Snapshot, hidden: Hidden, *, quiet: bool) -> bool:
    """Check one snapshot, and say how it stands; whether its figures are the same."""
    try:
        with runtime.store.reading() as session, Bars(quiet=quiet) as bars:
            rebuilt = rebuild(runtime, session, one, progress=bars)
    except RequestRefused as error:  # it is damaged, or its day is to come by a clock that was set back
        click.echo(f"Snapshot {one.id} (as of {one.as_of}): {error}")
        return False
    _echo_rebuilt(rebuilt, hidden)
    return rebuilt.same_figures


def _echo_rebuilt(rebuilt: Rebuilt, hidden: Hidden) -> None:
    one = rebuilt.snapshot
    if rebuilt.is_same:
        click.echo(f"Snapshot {one.id} (as of {one.as_of}) was built again bit for bit: SHA-256 {one.sha256}.")
        return
    click.echo(f"Snapshot {one.id} (as of {one.as_of}), built again, is not the same:")
    for reason in rebuilt.reasons:
        click.echo(f"  {reason}")
    if rebuilt.same_figures:
        click.echo("Every figure and every row behind it is the same.")
        return
    click.echo("\nFrom what was frozen to what is counted now:")
    for line in told.lines(difference_without_hidden(rebuilt.found, hidden)):
        click.echo(line)
    if not rebuilt.found.is_empty:
        click.echo("\nThe frozen report stays as it is. `biblio audit check` names states that no act explains.")


@report.command(short_help="Say what moved between two frozen reports.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@_QUIET
@click.pass_context
def diff(ctx: click.Context, old: str, new: str, quiet: bool) -> None:
    """Say what moved from one frozen report to another, with the papers and projects that came and went.

    Each is the number of a snapshot, "latest", or "now" for the report as it is counted now.

    \b
    Examples:
      biblio report diff 3 latest
      biblio report diff latest now
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session, Bars(quiet=quiet) as bars:
        then, now = (_report_called(runtime, session, name, bars) for name in (old, new))
        hidden = hidden_now(session)
    click.echo(f"From {then.as_of} to {now.as_of}:")
    _echo_difference(then, now, hidden)


def _report_called(runtime: Runtime, session: Session, name: str, bars: Bars) -> Report:
    if name == "now":
        return build_report(runtime, session, runtime.clock.today(), progress=bars)
    return load_snapshot(session, snapshot_called(session, name).id)


def _echo_difference(old: Report, new: Report, hidden: Hidden) -> None:
    for note in dict.fromkeys(old.notes + new.notes):
        click.echo(f"! {note}")
    for line in told.lines(difference_without_hidden(difference(old, new), hidden)):
        click.echo(line)


@report.command(short_help="Make a recipe's report of its newest period, and mail it.")
@click.argument("key", metavar="RECIPE", required=False)
@click.option("--dry-run", is_flag=True, help="Say what would be made and to how many it would be mailed.")
@_QUIET
@click.pass_context
def run(ctx: click.Context, key: str | None, dry_run: bool, quiet: bool) -> None:
    """Make a recipe's report of its newest period, unless it is there, and queue it for its readers.

    The job `report` does the same each day for all recipes of the profile. Without RECIPE the recipes are listed.

    \b
    Examples:
      biblio report run
      biblio report run yearly --dry-run
      biblio report run yearly
    """
    runtime: Runtime = ctx.obj()
    if key is None:
        _echo_recipes(runtime)
        return
    recipe = of_recipe(runtime, key)
    turn = newest_turn(recipe, runtime.clock.today())
    if turn is None:
        raise RequestRefused(f"The recipe {key} has no period that is over.")
    if dry_run:
        click.echo(_planned(runtime, recipe, turn))
        return
    with Bars(quiet=quiet) as bars:
        outcome = make(runtime, recipe, turn, progress=bars)
    click.echo(outcome.sentence)
    if outcome.letters:
        click.echo("The job sends the letters: `biblio run report`, or the scheduler each morning.")


def _echo_recipes(runtime: Runtime) -> None:
    if not runtime.profile.reports.recipes:
        click.echo("The observatory's profile has no recipes ([[reports.recipes]]).")
    today = runtime.clock.today()
    for recipe in runtime.profile.reports.recipes:
        turn, coming = newest_turn(recipe, today), next_turn(recipe, today)
        click.echo(f"{recipe.key}: {recipe.name}. {coming.period} is due on {coming.due_on}.")
        if turn is not None:
            click.echo(f"  {_planned(runtime, recipe, turn)}")


def _planned(runtime: Runtime, recipe: Recipe, turn: Turn) -> str:
    with runtime.store.reading() as session:
        needless = why_not(session, recipe, turn)
    if needless is not None:
        return needless.sentence
    readers = len(runtime.settings.report_readers)
    whom = f"{readers} {'reader' if readers == 1 else 'readers'}"
    return f"{recipe.name} {turn.period} would be made, as of {turn.as_of}, and mailed to {whom} (BIBLIO_REPORT_RECIPIENTS)."
