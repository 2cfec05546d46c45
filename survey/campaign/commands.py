"""``biblio survey campaign …``: campaigns made, looked at, sent in batches, paused and ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from sqlmodel import Session

from biblio.catalogue.actor import MACHINE, Actor, person_called
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import Campaign
from survey.asking.commands import DAY, HEADS, day_of
from survey.box.closing import close_campaign, end_asking
from survey.box.strata import StratifyBy
from survey.campaign import queries, service
from survey.campaign.previewing import (
    Preview,
    name_refused,
    next_letters,
    reminder_days,
    sample_letter,
    wording_of,
)
from survey.campaign.previewing import preview as look_ahead
from survey.campaign.sending import BATCH, queue_in_turns, send
from survey.campaigns import State, find_campaign, is_over

STRATIFY = click.option(
    "--stratify-by",
    type=click.Choice([by.value for by in StratifyBy]),
    help="Count the answers by this as well. Default: by nothing.",
)
AS = click.option(
    "--as", "username", metavar="USER", help="The user name in whose name it is done. Default: nobody's, the machine's."
)


def _actor(session: Session, username: str | None) -> Actor:
    """Return the head librarian with this user name, the machine for None. Raises ``NotFound`` or ``NotAllowed``."""
    if username is None:
        return MACHINE
    return person_called(session, username, HEADS, "no head librarian and cannot run campaigns.")


@click.group()
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
            last = row.closes_on.isoformat() if row.closes_on else None
            plain = {"id": row.id, "name": row.name, "state": row.standing, "last_day": last}
            click.echo(json.dumps({**plain, **counts}))
        else:
            click.echo(
                f"{row.id:>3}  {row.name:<28} {row.standing:<9} last day {row.closes_on or '-'!s:<10}  "
                f"{_known(p.persons)} persons, {_known(p.projects)} projects, {_known(p.delivered)} letters delivered, "
                f"{_known(p.came_back)} came back, {_known(p.answered)} answered"
            )
    if not rows and not as_json:
        click.echo("There is no campaign yet. `biblio survey campaign preview` says what one would do.")


def _known(count: int | None) -> str:
    return "-" if count is None else str(count)


@campaign.command()
@click.argument("name", required=False)
@click.option("--as-of", type=DAY, help="Who is silent on this day. Default: today.")
@STRATIFY
@click.pass_context
def preview(ctx: click.Context, name: str | None, as_of: datetime | None, stratify_by: str | None) -> None:
    """Say what a new campaign would do: how many are asked, why others are not, warnings, strata, and the letter.

    With NAME: the state of that campaign, its wording, and who is on its list.
    """
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        if name is not None:
            _print_campaign(session, runtime, find_campaign(session, name))
            return
        ahead = look_ahead(session, runtime, day_of(as_of), stratify_by)
    _print_ahead(ahead)
    letter = sample_letter(runtime, ahead)
    if letter is not None:
        click.echo(f"\nThe letter to the first of them:\n\nSubject: {letter[0]}\n\n{letter[1]}")


def _print_ahead(ahead: Preview) -> None:
    click.echo(f"On {ahead.as_of}: {ahead.persons} persons would be asked about {len(ahead.asked)} projects.")
    for ground, count in ahead.by_ground:
        if ground is not None and count:
            click.echo(f"  {count:>6}  {ground.label}")
    if ahead.cycles:
        click.echo("Projects past their grace with a verified paper, by cycle:")
    for cycle in ahead.cycles:
        bar = "#" * round(20 * cycle.share)
        click.echo(f"  {cycle.cycle:<10} {bar:<20} {cycle.verified} of {cycle.old} ({100 * cycle.share:.0f} %)")
    if ahead.strata:
        click.echo(f"Strata, by {ahead.stratify_by}:")
    for stratum in ahead.strata:
        merged = f"  below {ahead.minimum} persons: will be merged" if stratum.is_small else ""
        click.echo(f"  {stratum.name}: {stratum.persons} persons, {stratum.projects} projects{merged}")
    for code in ahead.unreachable:
        click.echo(f"! {code}: its address cannot be written to")
    for sentence in (*ahead.warnings, *([ahead.refusal] if ahead.refusal else [])):
        click.echo(f"! {sentence}")


def _print_campaign(session: Session, runtime: Runtime, found: Campaign) -> None:
    row = queries.campaign_row(session, runtime, found.id or 0)
    click.echo(f"{row.name}: {_standing(row)}")
    wording = wording_of(runtime, found)
    if not row.is_past:
        frozen = ", frozen since the first letter" if wording.is_frozen else ""
        click.echo(f"Wording: version {wording.version}{frozen}")
        click.echo(f"Answers counted also by: {row.stratify_by or 'nothing'}")
    for stratum in queries.strata(session, row):
        click.echo(f"  {stratum.name}: {stratum.persons} persons{_merged(stratum, row)}")
    if wording.differs and not found.past:
        offered = (
            "it is frozen since the first letter"
            if wording.is_frozen
            else f"take it over with `biblio survey campaign wording {found.id}`"
        )
        click.echo(f"! Its wording (version {wording.version}) is not the profile's ({wording.now}): {offered}.")
    days = reminder_days(runtime, found)
    if days:
        click.echo(f"Reminders for letters of the first day: {', '.join(map(str, days))}")
    for each in queries.invited(session, runtime, row.id):
        click.echo(f"  {each.code:<18} {each.recipient:<30} {each.letter:<11} {each.note}".rstrip())


def _standing(row: queries.CampaignRow) -> str:
    """Say where a campaign stands, with its day."""
    match row.standing:
        case "draft":
            return "draft; its last day is fixed by the first letter"
        case "ended":
            return f"ended; nobody can answer any more, and the box is sealed until {row.closes_on} is over"
        case "closed":
            return f"closed; its last day was {row.closes_on}, and its box was opened"
        case "earlier":
            return f"taken over as totals; closed on {row.closes_on or 'a day not known'}"
        case "discarded":
            return "discarded; nobody was asked"
        case other:
            return f"{other}; its last day is {row.closes_on}"


def _merged(stratum: queries.StratumRow, row: queries.CampaignRow) -> str:
    if stratum.reported_as and stratum.reported_as != stratum.name:
        return f"  reported as {stratum.reported_as}"
    return f"  below {row.minimum_persons} persons: will be merged" if stratum.is_small else ""


@campaign.command()
@click.argument("name")
@click.option("--as-of", type=DAY, help="Ask those who are silent on this day. Default: today.")
@STRATIFY
@click.option("--yes", is_flag=True, help="Go on in spite of warnings.")
@click.option("--dry-run", is_flag=True, help="Say what would be made; make nothing.")
@AS
@click.pass_context
def create(ctx: click.Context, /, name: str, as_of: datetime | None, stratify_by: str | None, **how: Any) -> None:
    """Make the draft of a campaign called NAME: one invitation per due project. Nothing is sent.

    Fewer than 20 persons are refused: wait, and ask them together with the next.

    \b
    Examples:
      biblio survey campaign create "2026 autumn" --dry-run
      biblio survey campaign create "2026 autumn" --stratify-by category --as anna
    """
    runtime: Runtime = ctx.obj()
    refused = name_refused(name)
    if refused:
        raise click.ClickException(f"{refused} Nothing was made.")
    with runtime.store.reading() as session:
        actor = _actor(session, how["username"])
        ahead = look_ahead(session, runtime, day_of(as_of), stratify_by)
    for sentence in ahead.warnings:
        click.echo(f"! {sentence}", err=True)
    if ahead.refusal:
        raise click.ClickException(f"{ahead.refusal} Nothing was made.")
    if how["dry_run"]:
        click.echo(f"Would ask {ahead.persons} persons about {len(ahead.asked)} projects. Nothing was made.")
        return
    if ahead.warnings and not how["yes"]:
        raise click.ClickException("Nothing was made because of the warnings above; add --yes to go on all the same.")
    made = service.make_draft(runtime, actor, name=name, as_of=day_of(as_of), stratify_by=stratify_by)
    click.echo(f"Campaign {made.campaign_id}, a draft: {made.persons} persons, {made.projects} projects.")
    for code in made.unreachable:
        click.echo(f"! {code} is left out: its address cannot be written to", err=True)
    click.echo(f"Next: biblio survey campaign send {made.campaign_id} --dry-run")


@campaign.command("send")
@click.argument("name")
@click.option(
    "--batch", default=BATCH, show_default=True, type=click.IntRange(1, 10_000), help="Persons to write to now."
)
@click.option("--dry-run", is_flag=True, help="Show the letters that would go, without their links; send nothing.")
@AS
@click.pass_context
def send_command(ctx: click.Context, name: str, batch: int, dry_run: bool, username: str | None) -> None:
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
        ahead = next_letters(session, runtime, found.id or 0, batch) if dry_run else []
    if dry_run:
        for letter in ahead:
            click.echo(f"{letter.recipient or '(no name)'}: {', '.join(letter.codes) or 'nothing left to ask'}")
            for code, because in letter.left_out:
                click.echo(f"  left out: {code}: {because}")
        if ahead and ahead[0].body:
            click.echo(f"\nThe first of them:\n\nSubject: {ahead[0].subject}\n\n{ahead[0].body}")
        click.echo(f"Would write to {sum(bool(one.body) for one in ahead)} persons. Nothing was sent.")
        return
    with runtime.store.reading() as session:
        actor = _actor(session, username)
    queued = queue_in_turns(runtime, actor, found.id or 0, batch=batch)
    counts = send(runtime)
    click.echo(
        f"{queued} letters queued; " + ", ".join(f"{value} {word}" for word, value in counts.plain().items()) + "."
    )
    for sentence in counts.notes:
        click.echo(f"! {sentence}", err=True)
    if counts.uncertain:
        click.echo("! Uncertain letters wait for a person: biblio mail list --state uncertain", err=True)


Act = Callable[[Session, Runtime, Actor, int], Campaign]


def _act(ctx: click.Context, name: str, username: str | None, act: Act, said: str) -> None:
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        act(session, runtime, _actor(session, username), find_campaign(session, name).id or 0)
    click.echo(said)


@campaign.command()
@click.argument("name")
@AS
@click.pass_context
def pause(ctx: click.Context, name: str, username: str | None) -> None:
    """Stop the letters of campaign NAME; its links go on working."""
    _act(ctx, name, username, service.pause, "Paused: no letters go out until `biblio survey campaign resume`.")


@campaign.command()
@click.argument("name")
@AS
@click.pass_context
def resume(ctx: click.Context, name: str, username: str | None) -> None:
    """Let the letters of campaign NAME go out again."""
    _act(ctx, name, username, service.resume, "Resumed.")


@campaign.command()
@click.argument("name")
@AS
@click.pass_context
def discard(ctx: click.Context, name: str, username: str | None) -> None:
    """Give up the draft NAME: nobody was asked, and its projects may be asked in another campaign."""
    _act(ctx, name, username, service.discard, "The draft was discarded; nobody was asked.")


@campaign.command()
@click.argument("name")
@AS
@click.pass_context
def wording(ctx: click.Context, name: str, username: str | None) -> None:
    """Let the draft NAME take over the profile's questionnaire and letters as they are now."""
    _act(ctx, name, username, service.refresh_wording, "The draft has the present wording.")


@campaign.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what closing would do; close nothing.")
@AS
@click.pass_context
def close(ctx: click.Context, name: str, dry_run: bool, username: str | None) -> None:
    """End the asking of campaign NAME now, for good. The ballot box is opened after the campaign's last day, not before."""
    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        found = find_campaign(session, name)
        row = queries.campaign_row(session, runtime, found.id or 0)
    if dry_run:
        if row.state is State.DRAFT:
            raise RequestRefused("A draft has nothing to close.")
        click.echo(
            f"Would end {row.name} ({row.standing}) with {row.progress.answered} ballots in the box, which is opened after "
            f"{row.closes_on}. Nothing was closed."
        )
        return
    with runtime.store.writing() as session:
        actor = _actor(session, username)
        ended = end_asking(session, runtime, actor, row.id)
        is_due = is_over(ended, runtime.clock.today())
    if is_due:
        click.echo(close_campaign(runtime, actor, row.id).sentence)
    else:
        click.echo(f"Nobody can answer any more. The box is opened after {row.closes_on}, as was promised.")
