"""Makes the survey's rows for tests: silent projects, campaigns, links. Everybody here is fictional."""

from __future__ import annotations

from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.runtime import Runtime
from biblio.store.models import Campaign, Invitation
from survey.answering import submit
from survey.questionnaire import Filled
from survey.sending import queue_batch, send
from survey.service import create_campaign
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


def make_campaign(runtime: Runtime, *, projects: int = 6, per_person: int = 1, name: str = "autumn") -> int:
    """Make a draft about new silent projects; return its number."""
    with runtime.store.writing() as session:
        add_silent_projects(session, projects, per_person=per_person)
        return create_campaign(session, runtime, MACHINE, name=name).campaign_id


def open_and_send(runtime: Runtime, campaign_id: int, *, batch: int = 500) -> int:
    """Send the campaign's letters to the folder; return how many were sent."""
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign_id, batch=batch)
    return send(runtime).sent


def tokens_of(runtime: Runtime, campaign_id: int) -> list[str]:
    """Return the links' tokens of a campaign in the order of its projects."""
    with runtime.store.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        projects = session.exec(
            select(Invitation.project_id).where(col(Invitation.campaign_id) == campaign_id).order_by(col(Invitation.id))
        ).all()
        return [make_token(runtime.settings.secret(), campaign.public_key, project) for project in projects]


def answer_all(runtime: Runtime, tokens: Sequence[str], answers: Sequence[Filled]) -> None:
    """Answer with each token in turn."""
    for token, filled in zip(tokens, answers, strict=False):
        with runtime.store.writing() as session:
            submit(session, runtime, token, filled)


def letters_in(folder: Path) -> list[EmailMessage]:
    """Return the letters of a mail folder, by file name."""
    read = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return [message for message in read if isinstance(message, EmailMessage)]
