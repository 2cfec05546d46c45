"""``biblio mail …``: the letters, what came back, and what a person decides about them."""

from __future__ import annotations

import json
from pathlib import Path

import click
from sqlmodel import col, select

from biblio import mail
from biblio.catalogue.actor import MACHINE
from biblio.errors import RequestRefused
from biblio.mail.bounces import ReadCounts, take_in
from biblio.mail.mailboxes import FolderMailbox, Mailbox, mailboxes_of
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail
from biblio.store.words import MailState


@click.group("mail")
def mail_group() -> None:
    """The letters that wait, left, or may have left, and what came back."""


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
        counts = mail.counts_by_state(session)
        rows = session.exec(query).all()
    for row in rows:
        if as_json:
            plain = {"id": row.id, "state": row.state, "kind": row.kind, "subject": row.subject}
            click.echo(json.dumps({**plain, "message_id": row.message_id, "reason": row.reason}, ensure_ascii=False))
        else:
            shown = (
                f"{row.id:>6}",
                f"{row.state:<10}",
                f"{row.kind:<18}",
                row.subject,
                row.message_id,
                row.reason or "",
            )
            click.echo("  ".join(shown).rstrip())
    click.echo(", ".join(f"{count} {word}" for word, count in counts.items()), err=True)


@mail_group.command()
@click.argument("number", type=int)
@click.pass_context
def resend(ctx: click.Context, number: int) -> None:
    """Let letter NUMBER wait again, with the same Message-ID. Look into the mail server's log first: it may have left."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        mail.resend(session, MACHINE, number, now=runtime.clock.now())
    click.echo(f"Letter {number} waits; the next run of its job sends it.")


@mail_group.command()
@click.argument("number", type=int)
@click.pass_context
def arrived(ctx: click.Context, number: int) -> None:
    """Mark the uncertain letter NUMBER as sent: the mail server's log has its Message-ID."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        mail.arrived(session, MACHINE, number, now=runtime.clock.now())
    click.echo(f"Letter {number} counts as sent.")


@mail_group.command("give-up")
@click.argument("number", type=int)
@click.option("--reason", default="", help="Why; kept with the letter.")
@click.pass_context
def give_up(ctx: click.Context, number: int, reason: str) -> None:
    """Cancel letter NUMBER, which waits or is uncertain."""
    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        mail.give_up(session, MACHINE, number, now=runtime.clock.now(), reason=reason)
    click.echo(f"Letter {number} is given up.")


@mail_group.command()
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A Maildir, or a folder of .eml files. Default: what is set (BIBLIO_BOUNCE_FOLDER, BIBLIO_BOUNCE_IMAP_HOST).",
)
@click.option("--dry-run", is_flag=True, help="Say what there is; keep and mark nothing.")
@click.pass_context
def bounces(ctx: click.Context, folder: Path | None, dry_run: bool) -> None:
    """Read what came back of our letters, and mark the addresses that do not work.

    A message is matched to its letter by our Message-ID. What was read is marked as seen, or put into the folder "read"
    beside it; nothing is deleted, and reading twice adds nothing.

    \b
    Examples:
      biblio mail bounces --dry-run
      biblio mail bounces --folder returned/
    """
    runtime: Runtime = ctx.obj()
    mailboxes: list[Mailbox] = [FolderMailbox(folder)] if folder else mailboxes_of(runtime.settings)
    if not mailboxes:
        raise RequestRefused(
            "There is nothing to read: give --folder, or set BIBLIO_BOUNCE_FOLDER or BIBLIO_BOUNCE_IMAP_HOST."
        )
    for mailbox in mailboxes:
        counts = take_in(runtime, mailbox, dry_run=dry_run)
        click.echo(_told(counts) + (" Nothing was kept or marked." if dry_run else ""))
        for sentence in counts.notes:
            click.echo(f"! {sentence}", err=True)


def _told(counts: ReadCounts) -> str:
    words = {
        "hard": "for good",
        "soft": "late or full",
        "known": "known before",
        "arrived": "that it arrived",
        "unmatched": "of no letter of ours",
        "replies": "answers",
        "other": "other mail",
        "refused": "not readable",
    }
    plain = counts.plain()
    return f"{counts.messages} messages: " + ", ".join(f"{plain[name]} {said}" for name, said in words.items()) + "."
