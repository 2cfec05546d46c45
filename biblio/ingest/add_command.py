"""``biblio papers add``: asks for papers by number, fetches them, and says what became of each."""

from __future__ import annotations

from collections.abc import Sequence

import click

from biblio.catalogue.actor import MACHINE
from biblio.catalogue.pasted import read_identifier
from biblio.errors import RequestRefused
from biblio.ingest.by_identifier import ADD, ask, wanted
from biblio.jobs import run_job
from biblio.progress import Bars
from biblio.runtime import Runtime
from biblio.store.words import WantedState


def add_all(runtime: Runtime, written: Sequence[str], *, quiet: bool) -> bool:
    """Add papers by their numbers and print what became of each; return whether all are there now."""
    rows: dict[str, int] = {}
    is_well = True
    for text in written:
        try:
            identifier = read_identifier(text)
            with runtime.store.writing() as session:
                asked = ask(session, runtime, MACHINE, identifier, now=runtime.clock.now())
        except RequestRefused as refusal:
            click.echo(f"{text[:80]}: {refusal}", err=True)
            is_well = False
            continue
        if asked.wanted_id is None:
            click.echo(f"{identifier}: paper {asked.paper_id}, known already")
        else:
            rows[str(identifier)] = asked.wanted_id
    if rows:
        with Bars(quiet=quiet) as bars:
            run_job(runtime, ADD, arguments={"fresh": "yes"}, progress=bars)
    added = [_said(runtime, name, wanted_id) for name, wanted_id in rows.items()]
    return all(added) and is_well


def _said(runtime: Runtime, name: str, wanted_id: int) -> bool:
    """Print what became of one; return whether it is there."""
    with runtime.store.reading() as session:
        row = wanted(session, wanted_id)
    is_there = row.state is WantedState.ADDED
    words = f"paper {row.paper_id}, added{f'. {row.words}' if row.words else ''}" if is_there else row.words
    click.echo(f"{name}: {words}", err=not is_there)
    return is_there
