"""Bringing the database to this version's schema, and refusing to run on another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from biblio.errors import StartRefused
from biblio.paths import migrations_dir


def alembic_config(engine: sa.Engine) -> Config:
    """Return Alembic's configuration for ``engine``; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the schema up to ``revision``. Each migration is one transaction; rows are kept."""
    command.upgrade(alembic_config(engine), revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema down to ``revision`` ("base": nothing left)."""
    command.downgrade(alembic_config(engine), revision)


def current_revision(engine: sa.Engine) -> str | None:
    """Return the revision the database is at, or None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision(engine: sa.Engine) -> str | None:
    """Return the revision this version of biblio needs."""
    return ScriptDirectory.from_config(alembic_config(engine)).get_current_head()


def check_schema(engine: sa.Engine) -> None:
    """Raise ``StartRefused`` unless the database is at this version's schema."""
    try:
        current, head = current_revision(engine), head_revision(engine)
    except sa.exc.DBAPIError as error:
        raise StartRefused(f"The database cannot be used: {error.orig}. Check BIBLIO_DATABASE_URL.") from error
    if current == head:
        return
    if current is None:
        raise StartRefused(
            f"The database {engine.url.render_as_string(hide_password=True)} is empty: run `biblio init` (or "
            "`biblio db upgrade`) first. If yours lies elsewhere, say so with BIBLIO_HOME or BIBLIO_DATABASE_URL."
        )
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config(engine)).walk_revisions()}
    if current not in known:
        raise StartRefused(
            f"The database (schema {current}) is newer than this biblio: install the newer version again."
        )
    raise StartRefused(f"The database has an older schema ({current}, needed {head}): run `biblio db upgrade`.")
