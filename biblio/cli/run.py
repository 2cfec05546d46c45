"""``biblio run JOB`` and ``biblio status``: the jobs by hand, and how things stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from sqlmodel import col, select

from biblio.feature import all_jobs, load_features
from biblio.jobs import find_job, is_at_work, run_job
from biblio.progress import Bars
from biblio.store.models import JobRun
from biblio.store.words import Outcome

if TYPE_CHECKING:
    from biblio.runtime import Runtime


@click.command()
@click.argument("job", required=False)
@click.option(
    "-a", "--argument", "arguments", multiple=True, metavar="KEY=VALUE", help="Argument of the job; repeatable."
)
@click.option("--quiet", is_flag=True, help="No progress bars.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's row as JSON.")
@click.pass_context
def run(ctx: click.Context, job: str | None, arguments: tuple[str, ...], quiet: bool, as_json: bool) -> None:
    """Run JOB now; without a name, list the jobs. One run of a job at a time; a killed one goes on next time.

    \b
    Examples:
      biblio run
      biblio run harvest
      biblio run harvest -a sources=arxiv -a since=2026-11-01
      biblio run match -a all=true
    """
    jobs = all_jobs()
    if job is None:
        for each in jobs.values():
            click.echo(f"{each.name:<12} {each.title}{f'  [{each.schedule} UTC]' if each.schedule else ''}")
        return
    chosen = find_job(jobs, job)
    runtime: Runtime = ctx.obj()
    with Bars(quiet=quiet or as_json) as bars:
        row = run_job(runtime, chosen, arguments=_parsed(arguments), progress=bars)
    if as_json:
        click.echo(json.dumps({"job": row.job, "outcome": row.outcome, "counts": row.counts, "error": row.error}))
    else:
        _print_run(row)
    if row.outcome is not Outcome.SUCCEEDED:
        ctx.exit(1)


def _parsed(arguments: tuple[str, ...]) -> dict[str, str]:
    parsed = {}
    for argument in arguments:
        key, sign, value = argument.partition("=")
        if not sign or not key:
            raise click.UsageError(f"An argument is written KEY=VALUE; {argument!r} is not.")
        parsed[key] = value
    return parsed


def _print_run(row: JobRun) -> None:
    click.echo(f"{row.job}: {row.outcome.value}")
    for name, value in row.counts.items():
        if name != "notes":
            click.echo(f"  {name.replace('_', ' '):<28} {value:>8}")
    for note in row.counts.get("notes", []):
        click.echo(f"  note: {note}")
    if row.error:
        click.echo(f"  {row.error}", err=True)


@click.command(short_help="Say how things stand: jobs, sources, what ranks.")
@click.pass_context
def status(ctx: click.Context) -> None:
    """Say how things stand: the last run of every job, what each source gave, and what is not in order.

    \b
    Example:
      biblio status
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        for job in all_jobs().values():
            last = session.exec(
                select(JobRun).where(col(JobRun.job) == job.name).order_by(col(JobRun.id).desc())
            ).first()
            if last is None:
                click.echo(f"{job.name:<12} never run")
                continue
            has_died = last.outcome is Outcome.RUNNING and not is_at_work(last, runtime.clock.now())
            outcome = (Outcome.ABANDONED if has_died else last.outcome).value
            click.echo(f"{job.name:<12} {last.started_at:%Y-%m-%d %H:%M} UTC  {outcome}  {last.error or ''}".rstrip())
    for line in (line for feature in load_features() for lines in feature.status for line in lines(runtime)):
        click.echo(line)
    problems = [sentence for feature in load_features() for check in feature.checks for sentence in check(runtime)]
    for sentence in problems:
        click.echo(f"! {sentence}")
    if not problems:
        click.echo("Nothing to put in order.")
