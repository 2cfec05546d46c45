"""Makes the survey's rows for tests: silent projects, campaigns, links. Everybody here is fictional."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import Campaign, Invitation
from survey.box.closing import close_campaign
from survey.box.release import Release
from survey.campaign.sending import queue_batch, send
from survey.campaign.service import create_campaign
from survey.page.answering import submit
from survey.questionnaire import Chosen, Filled
from survey.tokens import make_token
from tests.factories import add_project


def add_silent_projects(session: Session, count: int, *, per_person: int = 1, start: int = 0) -> list[int]:
    """Add projects that are due; ``per_person`` of them share a PI."""
    made = []
    for number in range(start, start + count):
        person = number // per_person
        made.append(
            add_project(
                session,
                f"2016.1.{number:05d}.S",
                pi=f"Person{person}, Ines",
                pi_email=f"person{person}@example.org",
                title=f"Fictional discs {number}",
            )
        )
    return made


def make_campaign(
    runtime: Runtime, *, projects: int = 6, per_person: int = 1, name: str = "autumn", start: int = 0
) -> int:
    """Make a draft about new silent projects, numbered from ``start``; return its number."""
    with runtime.store.writing() as session:
        add_silent_projects(session, projects, per_person=per_person, start=start)
        return create_campaign(session, runtime, MACHINE, name=name).campaign_id


def open_and_send(runtime: Runtime, campaign_id: int, *, batch: int = 500) -> int:
    """Send the campaign's letters to the folder; return how many were sent."""
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign_id, batch=batch)
    return send(runtime).sent


def tokens_of(runtime: Runtime, campaign_id: int) -> list[str]:
    """Return the links' tokens of a campaign in the order of its projects."""
    with runtime.store.reading() as session:
        made = session.exec(
            select(Invitation.id, Invitation.nonce)
            .where(col(Invitation.campaign_id) == campaign_id)
            .order_by(col(Invitation.id))
        ).all()
        return [make_token(runtime.settings.secret(), number or 0, nonce) for number, nonce in made]


def said(reason: int, word: str = "", comment: str = "") -> Filled:
    """Return a filled-in questionnaire: one reason, its word, a comment."""
    return Filled((Chosen("status", reason, word),), {"comment": comment} if comment else {})


def let_it_end(runtime: Runtime, campaign_id: int) -> Release:
    """Move the clock to the day after the campaign's last one, and close it as the job does."""
    with runtime.store.reading() as session:
        last = session.get_one(Campaign, campaign_id).closes_on
    assert last is not None
    assert isinstance(runtime.clock, FixedClock)
    after = datetime.combine(last + timedelta(days=1), time(1), UTC)
    runtime.clock.move(max(timedelta(0), after - runtime.clock.now()))
    return close_campaign(runtime, MACHINE, campaign_id)


def answer_all(runtime: Runtime, tokens: Sequence[str], answers: Sequence[Filled]) -> None:
    """Answer with each token in turn."""
    for token, filled in zip(tokens, answers, strict=False):
        with runtime.store.writing() as session:
            submit(session, runtime, token, filled)


def letters_in(folder: Path) -> list[EmailMessage]:
    """Return the letters of a mail folder, by file name."""
    read = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return [message for message in read if isinstance(message, EmailMessage)]
