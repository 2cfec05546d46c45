"""Projects that a registry gave before and gives no longer. They are named, never deleted: history stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from biblio.catalogue.projects import known_from
from biblio.ingest.ledger import label_of
from biblio.jobs import JobContext
from matching.codes import Grammar

MOST_NAMED = 20
"""Codes named in a run's note; all of them stand in ``biblio projects fetch --dry-run --json``."""


def vanished(
    session: Session, grammar: Grammar, source: str, given: Iterable[str], cycles: Sequence[str] | None = None
) -> list[str]:
    """Return the codes that ``source`` gave before and that are not among ``given``, sorted.

    Known is what a source said something new of; a project it only repeated after another source is not missed.
    """
    now = {code for written in given if (code := grammar.canonical(written)) is not None}
    return sorted(known_from(session, source, cycles) - now)


def note(context: JobContext, source: str, given: Iterable[str]) -> None:
    """Count and name the vanished projects in a run that has read all a source gives."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        missed = vanished(session, runtime.grammar, source, given)
    if not missed:
        return
    context.count("vanished", len(missed))
    more = f" and {len(missed) - MOST_NAMED} more" if len(missed) > MOST_NAMED else ""
    one, label = len(missed) == 1, label_of(source)
    name = label if label.startswith("List ") else f"The {label[0].lower()}{label[1:]}"
    context.note(
        f"{name} gave {len(missed)} project{'' if one else 's'} before and gives {'it' if one else 'them'} no longer: "
        f"{', '.join(missed[:MOST_NAMED])}{more}. Nothing was deleted; ask the archive why."
    )
