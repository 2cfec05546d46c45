"""``biblio coverage``: what was asked, what came, what did not, and what fills it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import click
from tqdm import tqdm

from biblio.errors import JobRunning
from biblio.feature import all_jobs
from biblio.ingest import coverage as covered
from biblio.ingest import journals
from biblio.ingest.asked import KNOWN
from biblio.ingest.by_hand import command_of
from biblio.ingest.console import tell_run
from biblio.ingest.coverage import SourceCalendar, SourceLine
from biblio.ingest.holes import OLD_DAYS, Hole, Scope, fillings, find_holes
from biblio.ingest.journals import JournalLine
from biblio.ingest.ledger import ASKED_AS
from biblio.ingest.queries import EprintCounts, eprint_counts
from biblio.jobs import find_job, run_job
from biblio.logs import be_quiet
from biblio.runtime import Runtime
from biblio.store.words import Outcome

_MOST_JOURNALS = 15
_MOST_HOLES = 200
_NAMES = {name: source for source, name in ASKED_AS.items()}


@dataclass(frozen=True, slots=True)
class _Found:
    """All that the command prints."""

    lines: list[SourceLine]
    calendars: list[SourceCalendar]
    journals: list[JournalLine]
    holes: list[Hole]
    eprints: EprintCounts


@click.command(short_help="Say what was asked of each source, what came, what is missing.")
@click.option("--source", "-s", type=click.Choice(KNOWN), help="This source only.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Days from this one on. Default: the profile's first year."
)
@click.option("--fill", is_flag=True, help="Run what fills the holes, one job after the other.")
@click.option(
    "--check", is_flag=True, help=f"End with exit code 1 when a hole is older than {OLD_DAYS} days (for cron)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar; with --check print old holes only.")
@click.pass_context
def coverage(
    ctx: click.Context, source: str | None, since: datetime | None, fill: bool, check: bool, as_json: bool, quiet: bool
) -> None:
    """Say what was asked of each source, what came, and what was never harvested; fill it if asked to.

    In every line expected = fetched + refused + missing. The same stands on the page /harvest/coverage.

    \b
    Examples:
      biblio coverage
      biblio coverage --source arxiv --since 2026-01-01
      biblio coverage --fill
      biblio coverage --check --quiet || mail -s "biblio misses papers" library@example.org
    """
    runtime: Runtime = ctx.obj()
    if quiet and not runtime.settings.log_json:
        be_quiet()
    scope = _scope(runtime, since)
    found = _find(runtime, scope, source)
    has_failed = fill and not _fill(runtime, found.holes, quiet=quiet or as_json, is_told=not as_json)
    if fill:
        found = _find(runtime, scope, source)
    old = [hole for hole in found.holes if hole.is_old(scope.today)]
    if as_json:
        click.echo(json.dumps(_as_json(found, scope), indent=1))
    elif check and quiet:
        _print_holes(old, younger=len(found.holes) - len(old))
    else:
        _print(found, scope)
    if has_failed or (check and old):
        ctx.exit(1)


def _scope(runtime: Runtime, since: datetime | None) -> Scope:
    whole = Scope.of(runtime)
    if since is None:
        return whole
    if since.date() > whole.today:
        raise click.UsageError(f"--since {since.date()} lies ahead of today, {whole.today}.")
    return Scope(since.date(), whole.today, whole.has_token, whole.has_registry)


def _find(runtime: Runtime, scope: Scope, source: str | None) -> _Found:
    with runtime.store.reading() as session:
        listed = covered.askings(session, wanted=scope.wanted)
        calendars = [covered.source_calendar(listed, name, scope.since, scope.today) for name in covered.CALENDARS]
        counted = journals.journal_lines(session, scope.years)
        holes = find_holes(session, scope, listed, counted)
        found = _Found(covered.source_lines(listed), calendars, counted, holes, eprint_counts(session))
    return found if source is None else _of_source(found, _NAMES.get(source, source))


def _of_source(found: _Found, source: str) -> _Found:
    """Leave only what belongs to one source; arXiv's doors share their calendar."""
    calendars = [c for c in found.calendars if source in covered.CALENDARS[c.source]]
    names = {source, *(c.source for c in calendars)}
    return _Found(
        [line for line in found.lines if line.source == source],
        calendars,
        found.journals if source == journals.SOURCE else [],
        [hole for hole in found.holes if hole.source in names],
        found.eprints if source == "arxiv" else EprintCounts(),
    )


# -- filling ------------------------------------------------------------------------------------------------------------


def _fill(runtime: Runtime, holes: Sequence[Hole], *, quiet: bool, is_told: bool) -> bool:
    """Run what fills the holes; return whether every job succeeded. A job that runs already is left to end."""
    jobs = all_jobs()
    good = True
    wanted = fillings(holes)
    if is_told and not wanted:
        click.echo("Nothing here can be filled by asking again.")
    for name, arguments in wanted:
        if is_told:
            click.echo(f"→ {command_of(name, arguments)}")
        with tqdm(unit="", dynamic_ncols=True, mininterval=0.2, disable=quiet or None) as bar:

            def progress(what: str, done: int, total: int | None, bar: Any = bar) -> None:
                bar.set_description(f"  {what}", refresh=False)
                bar.total = total
                bar.update(done - bar.n)

            try:
                row = run_job(runtime, find_job(jobs, name), arguments=arguments, progress=progress)
            except JobRunning as reason:
                click.echo(str(reason), err=True)
                good = False
                continue
        if is_told:
            tell_run(row)
        good = good and row.outcome is Outcome.SUCCEEDED
    return good


# -- printing -----------------------------------------------------------------------------------------------------------


def _print(found: _Found, scope: Scope) -> None:
    click.echo(f"{'source':<18} {'last asked':<17} {'expected':>10} {'fetched':>10} {'refused':>8} {'missing':>8}")
    for line in found.lines:
        t = line.tally
        click.echo(
            f"{line.label[:18]:<18} {line.asked_at:%Y-%m-%d %H:%M}  {t.expected:>10,} {t.fetched:>10,} {t.refused:>8,} "
            f"{t.missing:>8,}"
        )
    if not found.lines:
        click.echo("nothing was asked yet")
    for c in found.calendars:
        _print_calendar(c, scope.since)
    if found.journals:
        _print_journals(found.journals)
    if (e := found.eprints).total:
        click.echo(
            f"\ne-prints: {e.read:,} read, {e.newer:,} with a newer version, {e.waiting:,} not fetched yet, "
            f"{f'{e.again:,} to be read again for use and mention, ' if e.again else ''}{e.refused:,} could not be read{'  → biblio run read' if e.due else ''}"
        )
    click.echo("")
    _print_holes(found.holes)


def _print_calendar(found: SourceCalendar, since: date) -> None:
    """One line a year, one cell a month: # all days, + some, . none."""
    click.echo(
        f"\n{found.label}: {found.missing_days:,} days missing since {since}  (# all days of a month, + some, . none)"
    )
    signs = {"full": "#", "part": "+", "none": ".", "out": " "}
    for year, months in found.years:
        click.echo(f"  {year}  {''.join(signs[month.state] for month in months)}")


def _print_journals(lines: Sequence[JournalLine]) -> None:
    click.echo(
        f"\n{'journal':<9} {'year':>4} {'expected':>9} {'fetched':>9} {'text read':>9} {'refused':>8} {'missing':>8}"
    )
    for line in lines[:_MOST_JOURNALS]:
        expected = f"{line.tally.expected:,}" if line.is_counted else "–"
        missing = f"{line.missing:,}" if line.missing is not None else "not counted yet"
        click.echo(
            f"{line.bibstem or 'none':<9} {line.year:>4} {expected:>9} {line.tally.fetched:>9,} {line.read:>9,} "
            f"{line.tally.refused:>8,} {missing:>8}"
        )
    if len(lines) > _MOST_JOURNALS:
        click.echo(f"… and {len(lines) - _MOST_JOURNALS:,} more lines (--json gives all)")


def _print_holes(holes: Sequence[Hole], younger: int = 0) -> None:
    """Print holes; ``younger`` says how many there are beside these old ones."""
    if not holes:
        click.echo(f"No hole older than {OLD_DAYS} days ({younger:,} younger)." if younger else "No hole.")
        return
    click.echo(f"{len(holes):,} {'hole' if len(holes) == 1 else 'holes'}:")
    kind = None
    for hole in holes[:_MOST_HOLES]:
        if hole.kind is not kind:
            kind = hole.kind
            click.echo(f"  {kind.value}")
        filled = command_of(hole.job, hole.arguments) if hole.job else hole.remedy
        count = f" ({hole.count:,} {hole.unit}{'' if hole.count == 1 else 's'})" if hole.count else ""
        click.echo(f"    {hole.label}: {hole.words}{count}, open since {hole.open_since}  → {filled}")
    if len(holes) > _MOST_HOLES:
        click.echo(f"    … and {len(holes) - _MOST_HOLES:,} more (--json gives all)")


def _as_json(found: _Found, scope: Scope) -> dict[str, Any]:
    return {
        "since": scope.since.isoformat(),
        "today": scope.today.isoformat(),
        "sources": [
            {"source": ASKED_AS.get(line.source, line.source), "asked": line.asked, "asked_at": line.asked_at.isoformat(), **_tally(line.tally)}
            for line in found.lines
        ],
        "days": [
            {"calendar": c.source, "missing_days": c.missing_days, "fetched": _spans(c.spans), "missing": _spans(c.holes)}
            for c in found.calendars
        ],
        "journals": [
            {"journal": line.bibstem, "year": line.year, "is_counted": line.is_counted, "text_read": line.read,
             **_tally(line.tally)}
            for line in found.journals
        ],
        "eprints": {
            "read": found.eprints.read, "again": found.eprints.again, "newer": found.eprints.newer, "waiting": found.eprints.waiting,
            "refused": found.eprints.refused,
        },
        "holes": [
            {"kind": hole.kind.name.lower(), "source": ASKED_AS.get(hole.source, hole.source), "words": hole.words, "count": hole.count,
             "unit": hole.unit, "open_since": hole.open_since.isoformat(), "is_old": hole.is_old(scope.today),
             "job": hole.job, "arguments": dict(hole.arguments), "remedy": hole.remedy}
            for hole in found.holes
        ],
    }  # fmt: skip


def _tally(tally: covered.Tally) -> dict[str, int]:
    return {
        "expected": tally.expected,
        "fetched": tally.fetched,
        "refused": tally.refused,
        "missing": tally.missing,
    }


def _spans(spans: Sequence[covered.Span]) -> list[list[str]]:
    return [[first.isoformat(), last.isoformat()] for first, last in spans]
