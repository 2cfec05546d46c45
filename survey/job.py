"""The job ``survey``: opens boxes of what is over, queues reminders, erases old addresses, sends what waits."""

from __future__ import annotations

from datetime import date

from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.jobs import JobContext
from biblio.store.models import Campaign
from survey.box.closing import close_overdue, open_waves
from survey.box.purging import purge
from survey.box.release import Release
from survey.campaign.sending import queue_reminders, send
from survey.campaigns import State, state_of


def run(context: JobContext) -> None:
    """Open boxes that may be opened, queue due reminders, erase old addresses, and send all waiting letters."""
    runtime = context.runtime
    if context.is_beside_pages:
        context.note(
            "Ballot boxes were left alone: a process that serves pages never reads their keys. The scheduler, or "
            "`biblio job run survey`, opens those whose campaign is over."
        )
    for name, outcome in [] if context.is_beside_pages else [*open_waves(runtime), *close_overdue(runtime)]:
        context.note(f"{name}: {outcome.sentence if isinstance(outcome, Release) else outcome}")
        context.count("boxes_opened", int(isinstance(outcome, Release)))
    with runtime.store.reading() as session:
        today = runtime.clock.today()
        running = [c.id for c in session.exec(select(Campaign).order_by(col(Campaign.id))) if _sends(c, today)]
    for place, campaign_id in enumerate(running):
        context.progress("reminders", place, len(running))
        assert campaign_id is not None
        with runtime.store.writing() as session:
            context.count("reminders_queued", queue_reminders(session, runtime, campaign_id))
    for erased in purge(runtime, MACHINE):
        context.note(f"{erased.name}: {erased.addresses} addresses and {erased.letters} letters were erased.")
        context.count("campaigns_purged")
    counts = send(runtime)
    for name, value in counts.plain().items():
        context.count(f"letters_{name}", value)
    for sentence in counts.notes:
        context.note(sentence)


def _sends(campaign: Campaign, today: date) -> bool:
    return state_of(campaign, today) is State.OPEN
