"""The job ``survey``: closes what is over, queues reminders, sends what waits."""

from __future__ import annotations

from datetime import date

from sqlmodel import col, select

from biblio.jobs import JobContext
from biblio.store.models import Campaign
from survey.campaigns import State, state_of
from survey.closing import Release, close_overdue
from survey.sending import queue_reminders, send


def run(context: JobContext) -> None:
    """Close campaigns whose last day is over, queue the reminders that are due, and send all waiting letters."""
    runtime = context.runtime
    for name, outcome in close_overdue(runtime):
        context.note(f"{name}: {outcome.sentence if isinstance(outcome, Release) else outcome}")
        context.count("campaigns_closed", int(isinstance(outcome, Release)))
    with runtime.store.reading() as session:
        today = runtime.clock.today()
        running = [c.id for c in session.exec(select(Campaign).order_by(col(Campaign.id))) if _sends(c, today)]
    for place, campaign_id in enumerate(running):
        context.progress("reminders", place, len(running))
        assert campaign_id is not None
        with runtime.store.writing() as session:
            context.count("reminders_queued", queue_reminders(session, runtime, campaign_id))
    counts = send(runtime)
    for name, value in counts.plain().items():
        context.count(f"letters_{name}", value)
    for sentence in counts.notes:
        context.note(sentence)


def _sends(campaign: Campaign, today: date) -> bool:
    return state_of(campaign, today) is State.OPEN
