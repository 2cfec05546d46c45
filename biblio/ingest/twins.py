"""The job ``twins``: papers that look like one though no identifier says so become questions on the desk."""

from __future__ import annotations

from biblio.catalogue.merges import find_twins, propose_twins
from biblio.jobs import JobContext


def ask_about_twins(context: JobContext) -> None:
    """Compare the papers there are; write only the questions that are new. Nothing is merged."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        twins = find_twins(session)
    context.count("pairs_alike", len(twins))
    if not twins:
        return
    with runtime.store.writing() as session:
        context.count("new_questions", propose_twins(session, twins, now=runtime.clock.now()))
