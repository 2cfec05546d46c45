"""The job ``contacts``: who lacks what before press, letters that may leave, and what became of those that did."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from biblio.catalogue.press import count_medians, keep_medians
from biblio.contacts.cases import BATCH, possible_ids, refresh_cases
from biblio.contacts.tracking import follow_outbox, follow_papers, follow_returned, send
from biblio.jobs import JobContext
from biblio.store.models import PressMedian

COUNTED_EVERY = timedelta(hours=20)
"""The days that papers take to print change slowly: they are counted once a day."""


def run(context: JobContext) -> None:
    """Count press delays, put the list in step, send what a person has put into the outbox, and follow it up."""
    _count_medians(context)
    _refresh(context)
    counts = send(context.runtime)
    for name, value in counts.plain().items():
        context.count(f"letters_{name}", value)
    for sentence in counts.notes:
        context.note(sentence)
    with context.runtime.store.writing() as session:
        context.count("letters_followed", follow_outbox(session, context.runtime))
        context.count("letters_returned", follow_returned(session, context.runtime))
    follow_papers(context)


def _count_medians(context: JobContext) -> None:
    runtime = context.runtime
    now = runtime.clock.now()
    with runtime.store.reading() as session:
        counted = session.exec(select(sa.func.max(col(PressMedian.counted_at)))).one()
    if counted is None or now - counted >= COUNTED_EVERY:
        with runtime.store.reading() as session:
            medians = count_medians(session, today=now.date())
        with runtime.store.writing() as session:
            keep_medians(session, medians, now=now)
        context.count("press_medians", len(medians))


def _refresh(context: JobContext) -> None:
    runtime = context.runtime
    with runtime.store.reading() as session:
        papers = possible_ids(session, runtime)
    for start in range(0, len(papers), BATCH):
        context.progress("preprints", start, len(papers))
        with runtime.store.writing() as session:
            context.count("preprints_changed", refresh_cases(session, runtime, papers[start : start + BATCH]))
    context.count("preprints", len(papers))
