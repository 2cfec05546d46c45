"""Setting up: ``biblio init`` and ``biblio db``."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from biblio.clock import Clock
from biblio.errors import StartRefused
from biblio.runtime import checked_profile, choose_observatory
from biblio.settings import SIGNING_KEY_FILE, Settings, load_settings
from biblio.store import Store, downgrade, make_engine, upgrade
from biblio.store.schema import current_revision, head_revision


@click.command(short_help="Make the database, the server secret and the folders.")
@click.option(
    "--observatory", metavar="NAME", help="Profile: a shipped name or a folder. Default: the shipped default."
)
@click.option("--new-secret", is_flag=True, help="Make a new server secret; survey links sent before stop working.")
def init(observatory: str | None, new_secret: bool) -> None:
    """Make the database, the server secret and the folders; run again at any time, nothing is lost.

    \b
    Examples:
      biblio init
      biblio init --observatory alma
      BIBLIO_DATABASE_URL=postgresql+psycopg://biblio@db/biblio biblio init
    """
    settings = load_settings()
    profile = checked_profile(observatory or settings.observatory)
    made = _make_home(settings, new_secret=new_secret)
    engine = make_engine(settings.database)
    upgrade(engine)
    with Store(engine).writing() as session:
        choose_observatory(session, profile, Clock())
    click.echo(f"{profile.observatory.name}: database ready at {engine.url.render_as_string(hide_password=True)}")
    click.echo(f"Server secret: {'new, in' if made else 'kept, in'} {settings.home / SIGNING_KEY_FILE}")
    if settings.ads_token is None:
        click.echo("No ADS token (BIBLIO_ADS_TOKEN): papers will come from arXiv and files alone.")
    click.echo(
        "Next: `biblio users add YOU --role admin`, then `biblio projects fetch` or `biblio projects import FILE`."
    )


def _make_home(settings: Settings, *, new_secret: bool) -> bool:
    """Make the site's folders and its secret; return whether the secret is new."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (settings.survey_keys, settings.outgoing_mail):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _write_secret(settings.home / SIGNING_KEY_FILE, again=new_secret)
    except OSError as error:
        raise StartRefused(
            f"The folder {settings.home} cannot be written ({error.strerror}). Give this user the right to write there, "
            "or name another one with BIBLIO_HOME."
        ) from error


def _write_secret(path: Path, *, again: bool) -> bool:
    """Write a new server secret unless there is one; return whether one was made."""
    if path.exists() and not again:
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".new")
    partial.touch(mode=0o600)
    partial.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
    partial.replace(path)
    return True


@click.group()
def db() -> None:
    """Look after the database's schema."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version's schema; every row is kept.

    \b
    Example:
      biblio db upgrade
    """
    engine = make_engine(load_settings().database)
    before = current_revision(engine)
    upgrade(engine)
    after = current_revision(engine)
    click.echo(f"Schema {after}: nothing to do." if before == after else f"Schema upgraded from {before} to {after}.")


@db.command("downgrade")
@click.argument("revision")
@click.confirmation_option(prompt="Going back may drop tables with what they hold. Is there a backup?")
def db_downgrade(revision: str) -> None:
    """Take the schema back to REVISION."""
    engine = make_engine(load_settings().database)
    downgrade(engine, revision)
    click.echo(f"Schema is now {current_revision(engine)}.")


@db.command("check")
def db_check() -> None:
    """Say whether the database is at this version's schema; exit code 1 when it is not."""
    engine = make_engine(load_settings().database)
    current, head = current_revision(engine), head_revision(engine)
    if current != head:
        raise StartRefused(f"The database is at schema {current}, this version needs {head}: run `biblio db upgrade`.")
    click.echo(f"Schema {current}: in order.")
