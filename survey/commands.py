"""``biblio survey …``: the same services as the pages, with dry runs."""

from __future__ import annotations

import click

from survey.asking.commands import ask_again, due_command, exclude, include
from survey.box.commands import purge
from survey.campaign.commands import campaign
from survey.earlier.commands import import_history_command
from survey.results.commands import compare, results


@click.group()
def survey() -> None:
    """Ask the PIs of silent projects why, anonymously.

    \b
    The way of a campaign:
      biblio survey due                         who is due, and why the others are not
      biblio survey campaign preview            what a campaign would do: numbers, warnings, the letter
      biblio survey campaign create NAME        make a draft; nothing is sent
      biblio survey campaign send NAME          send a batch of letters
      biblio survey campaign close NAME         end the asking early; the box waits for its day
    """


campaign.add_command(results)
for command in (due_command, exclude, include, ask_again, campaign, compare, import_history_command, purge):
    survey.add_command(command)
