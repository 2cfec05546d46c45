"""All commands by name: each is there, and one is called without importing all others."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from biblio.cli import main
from biblio.loading import FEATURES, load


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_every_command_is_where_it_is_said_to_be(name: str) -> None:
    """It has the name under which it is listed, and says in a line what it does."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200)


def test_no_two_features_name_one_command() -> None:
    """The second would never be called."""
    named = [name for feature in FEATURES for name in load(f"{feature}:__dict__").get("COMMANDS", {})]
    assert len(named) == len(set(named))


def test_a_command_imports_no_other_features() -> None:
    """A report is listed without the desk, the questionnaire and their pages: that would take twice as long."""
    code = (
        "import sys; from click.testing import CliRunner; from biblio.cli import main; "
        "assert CliRunner().invoke(main, ['report', '--help']).exit_code == 0; "
        "print([n for n in sys.modules if n.endswith('.feature') or n.startswith('survey.')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]", told.stdout
