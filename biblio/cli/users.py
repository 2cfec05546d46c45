"""``biblio users``: people with logins, for the operator at the keyboard. Passwords are never arguments."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from biblio.errors import RequestRefused
from biblio.store.words import Role

if TYPE_CHECKING:
    from biblio.runtime import Runtime

_ROLE = click.Choice([role.value for role in Role])


@click.group()
def users() -> None:
    """Add, list and deactivate people with logins.

    Passwords are asked for at the prompt, or read from standard input when that is a pipe.
    """


@users.command("add")
@click.argument("username")
@click.option("--role", type=_ROLE, required=True, help="What this person may do.")
@click.option("--name", help="The person's name as pages show it. Default: the user name.")
@click.option("--email", help="E-mail address, optional.")
@click.option("--library", help="Whose papers this person reads, optional.")
@click.pass_context
def add_user(
    ctx: click.Context, username: str, role: str, name: str | None, email: str | None, library: str | None
) -> None:
    """Give USERNAME a login.

    \b
    Examples:
      biblio users add ines --role librarian --name "Ines Example" --library Lisbon
      pass biblio/ines | biblio users add ines --role admin
    """
    from biblio.web.accounts import service

    runtime: Runtime = ctx.obj()
    hashed = service.hash_password(_new_password(), username=username)
    new = service.NewAccount(
        username=username, name=name or username, role=Role(role), password_hash=hashed, email=email, library=library
    )
    with runtime.store.writing() as session:
        account = service.add(session, service.COMMAND_LINE, new, now=runtime.clock.now())
    click.echo(f"{account.username} can log in as {account.role.label}.")


@users.command("list")
@click.pass_context
def list_users(ctx: click.Context) -> None:
    """List everybody with a login."""
    from sqlmodel import col, select

    from biblio.store.models import UserAccount

    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        accounts = session.exec(select(UserAccount).order_by(col(UserAccount.username))).all()
    if not accounts:
        click.echo("Nobody has a login yet: `biblio users add NAME --role admin`.", err=True)
        return
    width = max(len(account.username) for account in accounts)
    for account in accounts:
        state = "active" if account.is_active else "deactivated"
        library = account.library or "-"
        click.echo(f"{account.username:<{width}}  {account.role.label:<14}  {state:<11}  {library:<8}  {account.name}")


@users.command("role")
@click.argument("username")
@click.argument("role", type=_ROLE)
@click.pass_context
def change_role(ctx: click.Context, username: str, role: str) -> None:
    """Give USERNAME another ROLE; open sessions of theirs end."""
    from biblio.web.accounts import service

    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        account = service.named(session, username)
        service.set_role(session, service.COMMAND_LINE, account, Role(role), now=runtime.clock.now())
    click.echo(f"{account.username} is now {account.role.label}.")


@users.command("email")
@click.argument("username")
@click.argument("address", required=False)
@click.pass_context
def change_address(ctx: click.Context, username: str, address: str | None) -> None:
    """Set the e-mail ADDRESS of USERNAME; without one it is taken away.

    The daily mail goes there, and logging in with one's institution goes by it.

    \b
    Example:
      biblio users email ines ines@example.org
    """
    from biblio.web.accounts import service

    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        account = service.named(session, username)
        service.set_address(session, service.COMMAND_LINE, account, address, now=runtime.clock.now())
    click.echo(f"{account.username} {'has this address now' if account.email else 'has no address now'}.")


@users.command("deactivate")
@click.argument("username")
@click.option("--back", is_flag=True, help="Let the person in again instead.")
@click.pass_context
def deactivate(ctx: click.Context, username: str, back: bool) -> None:
    """Take USERNAME's login away, at once; what they decided stays."""
    from biblio.web.accounts import service

    runtime: Runtime = ctx.obj()
    with runtime.store.writing() as session:
        account = service.named(session, username)
        service.set_active(session, service.COMMAND_LINE, account, active=back, now=runtime.clock.now())
    click.echo(f"{account.username} {'can log in again' if back else 'can no longer log in'}.")


@users.command("password")
@click.argument("username")
@click.pass_context
def password(ctx: click.Context, username: str) -> None:
    """Set a new password for USERNAME; open sessions of theirs end.

    \b
    Example:
      biblio users password ines
    """
    from biblio.web.accounts import service

    runtime: Runtime = ctx.obj()
    with runtime.store.reading() as session:
        service.named(session, username)
    hashed = service.hash_password(_new_password(), username=username)
    with runtime.store.writing() as session:
        account = service.named(session, username)
        service.set_password(session, service.COMMAND_LINE, account, hashed, now=runtime.clock.now())
    click.echo(f"{account.username} has a new password.")


def _new_password() -> str:
    """Ask for a password twice, or read one line from a pipe. Raises ``RequestRefused`` when there is none."""
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again")
        return asked
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise RequestRefused("There is no password on standard input: pipe one in, or run this in a terminal.")
    return line
