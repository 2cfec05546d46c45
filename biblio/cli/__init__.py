"""The command line door. Commands are found by name and imported when they are called.

So ``biblio scan`` and ``biblio propose`` need no database, settings or web framework, and all start quickly. Features
name theirs in ``COMMANDS`` of their package (name → where it is); a command that needs the runtime gets it by ``ctx.obj()``.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from biblio.loading import FEATURES, load

_OWN = {
    "scan": "biblio.cli.scan:scan",
    "propose": "biblio.cli.propose:propose",
    "same": "biblio.cli.same:same",
    "relation": "biblio.cli.relation:relation",
    "init": "biblio.cli.setup:init",
    "db": "biblio.cli.setup:db",
    "run": "biblio.cli.run:run",
    "status": "biblio.cli.run:status",
    "serve": "biblio.cli.serve:serve",
    "scheduler": "biblio.cli.serve:scheduler",
    "users": "biblio.cli.users:users",
    "audit": "biblio.cli.audit:audit",
}
"""The door's own commands: name → where it is; features add theirs."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all command names, the door's own first in the order of a first day's work."""
        return [*_OWN, *sorted(_of_features())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called ``cmd_name``, or None."""
        place = _OWN.get(cmd_name) or _of_features().get(cmd_name)
        found: click.Command | None = load(place) if place else None
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what biblio refuses on purpose becomes one sentence and exit code 1."""
        from biblio.errors import BiblioError, database_sentence

        try:
            return super().invoke(ctx)
        except BiblioError as error:
            raise click.ClickException(str(error)) from error
        except Exception as error:
            if not type(error).__module__.startswith("sqlalchemy.exc"):
                raise
            raise click.ClickException(database_sentence(error)) from error


def _of_features() -> dict[str, str]:
    packages = map(importlib.import_module, FEATURES)
    return {name: place for package in packages for name, place in getattr(package, "COMMANDS", {}).items()}


def _runtime() -> Any:
    build_runtime = load("biblio.runtime:build_runtime")
    from biblio.logs import configure
    from biblio.settings import load_settings

    settings = load_settings()
    configure(as_json=settings.log_json, level=settings.log_level if settings.log_json else "WARNING")
    return build_runtime(settings)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="observatory-biblio", prog_name="biblio")
@click.pass_context
def main(ctx: click.Context) -> None:
    """What became of an observatory's telescope time.

    \b
    A first day:
      biblio init --observatory NAME     make the database, the secrets and the folders
      biblio users add YOU --role admin  your login for the web pages
      biblio projects fetch              load the observatory's projects from its archive
      biblio run harvest                 get papers from arXiv and ADS
      biblio run read                    read their texts
      biblio run match                   propose which paper used which project
      biblio serve                       the web pages: desk, survey, reports

    \b
    Without any of that:
      biblio scan FOLDER                 find project codes in texts
      biblio propose …                   propose projects for papers, from files to JSON lines
      biblio same PAIRS.jsonl            tell whether two records are one paper
      biblio relation PATH...            propose whether papers used the data or only mention them
      biblio evaluate --file LIST …      hold what was proposed against a list of yours
    """
    ctx.obj = _runtime


def run_main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line with ``arguments``, and end the process: ``biblio`` and ``python -m biblio``."""
    try:
        main(args=list(arguments) if arguments is not None else sys.argv[1:], prog_name="biblio")
    finally:
        gc.freeze()  # the system takes the memory back: what is still there need not be looked through, half a second long
