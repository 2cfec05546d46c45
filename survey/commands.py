"""``biblio survey …`` and ``biblio mail …``: the same services as the pages, with dry runs."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlmodel import Session, col, select

from biblio import mail as outbox
from biblio.catalogue.actor import MACHINE
from biblio.errors import NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail, Project
from biblio.store.words import MailState
from survey import queries, service
from survey.campaigns import State, find_campaign, state_of
from survey.closing import close_campaign
from survey.due import Standing, due
from survey.history import import_history, read_history
from survey.letters import Addressee, Line, load_texts, render, text_of
from survey.rule import Ground
from survey.sending import BATCH, queue_batch, send

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def survey() -> None:
    """Ask the PIs of silent projects why, anonymously.

    \b
    The way of a campaign:
      biblio survey due                         who is due, and why the others are not
      biblio survey campaign preview            what a campaign would do: numbers, warnings, the letter
      biblio survey campaign create NAME        make a draft; nothing is sent
      biblio survey campaign send NAME          send a batch of letters
      biblio survey campaign close NAME         open the ballot box, shuffle, destroy the key
    """


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


# -- due --------------------------------------------------------------------------------------------------------------


@survey.command("due")
@click.option("--as-of", type=DAY, help="As known at the end of this day (UTC). Default: today.")
@click.option("--explain", metavar="CODE", help="Say where one project stands, and every fact the rule looked at.")
@click.option("--all", "everything", is_flag=True, help="List all projects, not only those that are due.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per project.")
@click.pass_context
def due_command(
    ctx: click.Context, as_of: datetime | None, explain: str | None, everything: bool, as_json: bool
) -> None:
    """List the projects that are due to be asked; nothing is changed and nobody is written to.

    \b
    Examples:
      biblio survey due
      biblio survey due --as-of 2025-12-31 --json
      biblio survey due --explain 2013.1.00001.S
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        projects = [_project_id(session, explain)] if explain else None
        standings = due(session, runtime, _day(as_of), projects=projects)
    if explain:
        _explain(standings[0], as_json=as_json) if standings else click.echo(f"{explain} was not known on that day.")
        return
    shown = [s for s in standings if everything or s.is_eligible]
    if as_json:
        for standing in shown:
            click.echo(json.dumps(_plain(standing), ensure_ascii=False))
        return
    for standing in shown:
        click.echo(f"{standing.code:<18} {_word(standing):<24} {standing.judgement.because}")
    counts = Counter(s.judgement.ground for s in standings)
    click.echo(f"{counts.get(None, 0)} of {len(standings)} projects are due.", err=True)
    for ground in Ground:
        if counts.get(ground):
            click.echo(f"  {counts[ground]:>6}  {ground.label}", err=True)


def _project_id(session: Session, code: str) -> int:
    found = session.exec(select(Project.id).where(col(Project.code) == code)).first()
    if found is None:
        raise NotFound(f"There is no project {code!r} in the project list.")
    return found


def _word(standing: Standing) -> str:
    return standing.judgement.ground.label if standing.judgement.ground else "due"


def _plain(standing: Standing) -> dict[str, Any]:
    return {
        "code": standing.code,
        "cycle": standing.cycle,
        "eligible": standing.is_eligible,
        "ground": standing.judgement.ground,
        "because": standing.judgement.because,
        "due_from": standing.judgement.due_from.isoformat() if standing.judgement.due_from else None,
    }


def _explain(standing: Standing, *, as_json: bool) -> None:
    facts = standing.facts
    looked_at = {
        "PI project": "yes" if facts.is_pi_project else f"no (kind {facts.kind})",
        "units delivered": facts.delivered_units,
        "state in the registry": facts.state or "not told",
        "its cycle ends on": facts.cycle_ends_on or "not known",
        "last usable release": facts.last_release_on or "none",
        "due from": standing.judgement.due_from or "not known",
        "refereed science paper": "accepted" if facts.has_refereed else "none",
        "youngest science preprint": facts.preprint_on or "none",
        "certain candidates undecided": facts.undecided_certain,
        "archive names unjudged": ", ".join(facts.unverified_references) or "none",
        "asked before": facts.asked_on or "never",
        "opted out": "yes" if facts.has_opted_out else "no",
        "address": "known" if facts.has_address else "none",
        "excluded by hand": facts.excluded if facts.excluded is not None else "no",
    }
    if as_json:
        click.echo(json.dumps({**_plain(standing), "facts": looked_at}, ensure_ascii=False, default=str))
        return
    click.echo(f"{standing.code}: {_word(standing)}. {standing.judgement.because}")
    for name, value in looked_at.items():
        click.echo(f"  {name:<30} {value}")


# -- campaigns --------------------------------------------------------------------------------------------------------


@survey.group()
def campaign() -> None:
    """Make, preview, send, pause and close campaigns."""


@campaign.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per campaign.")
@click.pass_context
def campaign_list(ctx: click.Context, as_json: bool) -> None:
    """List the campaigns with their progress."""
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        rows = queries.campaigns(session, runtime)
    for row in rows:
        p = row.progress
        if as_json:
            counts = {name: getattr(p, name) for name in p.__slots__}
            click.echo(json.dumps({"id": row.id, "name": row.name, "state": row.state, **counts}))
        else:
            click.echo(
                f"{row.id:>3}  {row.name:<28} {row.state:<9} {p.persons} persons, {p.projects} projects, "
                f"{p.delivered} letters delivered, {p.answered} answered"
            )
    if not rows and not as_json:
        click.echo("There is no campaign yet. `biblio survey campaign preview` says what one would do.")


@campaign.command()
@click.argument("name", required=False)
@click.option("--as-of", type=DAY, help="Who is silent on this day. Default: today.")
@click.pass_context
def preview(ctx: click.Context, name: str | None, as_of: datetime | None) -> None:
    """Say what a new campaign would do: how many are asked, why others are not, warnings, and the letter.

    With NAME: the state of that campaign and who is on its list.
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        if name is not None:
            _print_campaign(session, runtime, name)
            return
        ahead = queries.preview(session, runtime, _day(as_of))
    click.echo(f"On {ahead.as_of}: {ahead.persons} persons would be asked about {len(ahead.asked)} projects.")
    for ground, count in ahead.by_ground:
        if ground is not None and count:
            click.echo(f"  {count:>6}  {ground.label}")
    for code in ahead.unreachable:
        click.echo(f"! {code}: its address cannot be written to")
    for sentence in ahead.warnings:
        click.echo(f"! {sentence}")
    base = runtime.settings.base_url
    lines = [Line(s.code, s.title, f"{base}/survey/…") for s in ahead.asked[:2]]
    to = Addressee("(name)", lines, f"{base}/survey/…/stop", None, base)
    subject, body = render(runtime.profile, text_of(load_texts(runtime.profile), "survey_invitation"), to)
    click.echo(f"\nSubject: {subject}\n\n{body}")


def _print_campaign(session: Session, runtime: Runtime, name: str) -> None:
    found = find_campaign(session, name)
    click.echo(f"{found.name}: {state_of(found, runtime.clock.today())}")
    for row in queries.invited(session, found.id or 0):
        click.echo(f"  {row.code:<18} {row.recipient:<30} {row.letter:<11} {row.note}".rstrip())


@campaign.command()
@click.argument("name")
@click.option("--as-of", type=DAY, help="Ask those who are silent on this day. Default: today.")
@click.option("--yes", is_flag=True, help="Go on in spite of warnings.")
@click.option("--dry-run", is_flag=True, help="Say what would be made; make nothing.")
@click.pass_context
def create(ctx: click.Context, name: str, as_of: datetime | None, yes: bool, dry_run: bool) -> None:
    """Make the draft of a campaign called NAME: one invitation per due project. Nothing is sent.

    \b
    Examples:
      biblio survey campaign create "2026 autumn" --dry-run
      biblio survey campaign create "2026 autumn"
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        ahead = queries.preview(session, runtime, _day(as_of))
    for sentence in ahead.warnings:
        click.echo(f"! {sentence}", err=True)
    if dry_run:
        click.echo(f"Would ask {ahead.persons} persons about {len(ahead.asked)} projects. Nothing was made.")
        return
    if ahead.warnings and not yes:
        raise click.ClickException("Nothing was made because of the warnings above; add --yes to go on all the same.")
    with runtime.store.writing() as session:
        made = service.create_campaign(session, runtime, MACHINE, name=name, as_of=_day(as_of))
    click.echo(f"Campaign {made.campaign_id}, a draft: {made.persons} persons, {made.projects} projects.")
    for code in made.unreachable:
        click.echo(f"! {code} is left out: its address cannot be written to", err=True)
    click.echo(f"Next: biblio survey campaign send {made.campaign_id} --dry-run")


@campaign.command("send")
@click.argument("name")
@click.option(
    "--batch", default=BATCH, show_default=True, type=click.IntRange(1, 10_000), help="Persons to write to now."
)
@click.option("--dry-run", is_flag=True, help="Say how many letters would go; send nothing.")
@click.pass_context
def send_command(ctx: click.Context, name: str, batch: int, dry_run: bool) -> None:
    """Open the campaign NAME if it is a draft, and send its next batch of letters.

    Every letter is looked at once more as it goes: a project whose paper was verified meanwhile is left out.

    \b
    Examples:
      biblio survey campaign send "2026 autumn" --dry-run
      biblio survey campaign send "2026 autumn" --batch 20
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        found = find_campaign(session, name)
        progress = queries.campaign_row(session, runtime, found.id or 0).progress
        told = progress.delivered + progress.waiting + progress.uncertain + progress.failed
    if dry_run:
        click.echo(f"Would write to {min(batch, max(0, progress.persons - told))} persons. Nothing was sent.")
        return
    with runtime.store.writing() as session:
        queued = queue_batch(session, runtime, MACHINE, found.id or 0, batch=batch)
    counts = send(runtime)
    click.echo(
        f"{queued} letters queued; " + ", ".join(f"{value} {word}" for word, value in counts.plain().items()) + "."
    )
    for sentence in counts.notes:
        click.echo(f"! {sentence}", err=True)
    if counts.uncertain:
        click.echo("! Uncertain letters wait for a person: biblio mail list --state uncertain", err=True)


@campaign.command()
@click.argument("name")
@click.pass_context
def pause(ctx: click.Context, name: str) -> None:
    """Stop the letters of campaign NAME; its links go on working."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        service.pause(session, runtime, MACHINE, find_campaign(session, name).id or 0)
    click.echo("Paused: no letters go out until `biblio survey campaign resume`.")


@campaign.command()
@click.argument("name")
@click.pass_context
def resume(ctx: click.Context, name: str) -> None:
    """Let the letters of campaign NAME go out again."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        service.resume(session, runtime, MACHINE, find_campaign(session, name).id or 0)
    click.echo("Resumed.")


@campaign.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what closing would do; close nothing.")
@click.pass_context
def close(ctx: click.Context, name: str, dry_run: bool) -> None:
    """Close campaign NAME for good: open the ballot box, shuffle the answers, delete the ballots, destroy the key."""
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        found = find_campaign(session, name)
        row = queries.campaign_row(session, runtime, found.id or 0)
    if dry_run:
        if row.state is State.DRAFT:
            raise RequestRefused("A draft has nothing to close.")
        click.echo(
            f"Would end {row.name} ({row.state}) with {row.progress.answered} ballots in the box. Nothing was closed."
        )
        return
    click.echo(close_campaign(runtime, MACHINE, row.id).sentence)


@campaign.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def results(ctx: click.Context, name: str, as_json: bool) -> None:
    """Print the figures of the closed campaign NAME: both rates, reasons in the order of the chain, groups."""
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        found = queries.results(session, find_campaign(session, name))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "name": found.name,
                    "closed_on": found.closed_on.isoformat(),
                    "answers": found.answers,
                    "questionnaires_sent": found.questionnaires_sent,
                    "persons_asked": found.persons_asked,
                    "persons_answered": found.persons_answered,
                    "by_reason": {str(reason.number): count for reason, count in found.by_reason},
                    "by_group": dict(found.by_group) if found.by_reason else {},
                }
            )
        )
        return
    click.echo(f"{found.name}, closed on {found.closed_on}. {found.sentence}")
    for words, share in (
        (f"{found.answers} of {found.questionnaires_sent} questionnaires completed", found.questionnaire_rate),
        (f"{found.persons_answered} of {found.persons_asked} persons answered", found.person_rate),
    ):
        click.echo(f"  {words}{f' ({100 * share:.1f} %)' if share is not None else ''}")
    for reason, count in found.by_reason:
        click.echo(f"  {reason.number:>3}  {count:>5}  {reason.short}")
    for group, count in found.by_group if found.by_reason else []:
        click.echo(f"       {count:>5}  {group}")


@survey.command("import-history")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read and check the file; store nothing.")
@click.pass_context
def import_history_command(ctx: click.Context, file: Path, dry_run: bool) -> None:
    """Take over who was asked before biblio kept the list; such projects count as asked and are not asked again.

    FILE is CSV with the columns code and asked_on (2015-03-01). Rows that cannot be used are named and counted;
    the others are stored. A second run adds nothing twice.

    \b
    Example:
      biblio survey import-history asked.csv --dry-run
    """
    runtime: Runtime = ctx.obj()
    rows, refused = read_history(file)
    with runtime.store.reading() if dry_run else runtime.store.writing() as session:
        counts, unknown = import_history(session, rows, source=file.name, now=runtime.clock.now())
    for sentence in (*refused, *unknown):
        click.echo(f"! {sentence}", err=True)
    click.echo(
        f"{counts['new']} new, {counts['known']} known before, {len(refused) + len(unknown)} refused."
        + (" Nothing was stored." if dry_run else "")
    )
    if not rows:
        ctx.exit(1)


# -- mail -------------------------------------------------------------------------------------------------------------


@click.group("mail")
def mail_group() -> None:
    """The letters that wait, left, or may have left."""


@mail_group.command("list")
@click.option("--state", type=click.Choice([s.value for s in MailState]), help="Only letters in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="One JSON line per letter.")
@click.pass_context
def mail_list(ctx: click.Context, state: str | None, limit: int, as_json: bool) -> None:
    """List letters, newest first: number, state, kind, subject, Message-ID (to search the mail server's log)."""
    runtime: Runtime = ctx.obj()
    query = select(OutboxMail).order_by(col(OutboxMail.id).desc()).limit(limit)
    if state:
        query = query.where(col(OutboxMail.state) == MailState(state))
    with runtime.store.reading() as session:
        counts = outbox.counts_by_state(session)
        rows = session.exec(query).all()
    for row in rows:
        if as_json:
            plain = {"id": row.id, "state": row.state, "kind": row.kind, "subject": row.subject}
            click.echo(json.dumps({**plain, "message_id": row.message_id, "reason": row.reason}, ensure_ascii=False))
        else:
            click.echo(
                f"{row.id:>6}  {row.state:<10} {row.kind:<18} {row.subject}  {row.message_id}  {row.reason or ''}".rstrip()
            )
    click.echo(", ".join(f"{count} {word}" for word, count in counts.items()), err=True)


@mail_group.command()
@click.argument("number", type=int)
@click.pass_context
def resend(ctx: click.Context, number: int) -> None:
    """Let letter NUMBER wait again, with the same Message-ID. Look into the mail server's log first: it may have left."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        outbox.resend(session, MACHINE, number, now=runtime.clock.now())
    click.echo(f"Letter {number} waits; the next run of its job sends it.")


@mail_group.command("give-up")
@click.argument("number", type=int)
@click.option("--reason", default="", help="Why; kept with the letter.")
@click.pass_context
def give_up(ctx: click.Context, number: int, reason: str) -> None:
    """Cancel letter NUMBER, which waits or is uncertain."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        outbox.give_up(session, MACHINE, number, now=runtime.clock.now(), reason=reason)
    click.echo(f"Letter {number} is given up.")
