"""Makes released campaigns for tests without playing them: answers, words, comments. Everybody here is fictional."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session

from biblio.observatory import load
from biblio.runtime import Runtime
from biblio.store.models import Answer, Campaign, CampaignStratum, Comment, PastTotal
from survey.box.ballots import random_id

OPENED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOSED = datetime(2026, 4, 6, 1, 20, tzinfo=UTC)

COMMENTS = (
    "The pipeline products were hard to weigh.",
    "Calibration notes came late; Müller's recipe helped.",
    "=HYPERLINK(1) is no formula of ours",
    "More examples, please.",
    "Thank you for asking <b>us</b>.",
    "Calibration again: the flux scale.",
)


def counts(projects: int, persons: int, completed: int, persons_answered: int, bounced: int = 0) -> dict[str, int]:
    """Counts as they are frozen when a box is opened."""
    return {
        "projects": projects,
        "persons": persons,
        "bounced": bounced,
        "completed": completed,
        "persons_answered": persons_answered,
    }


def add_campaign(session: Session, name: str, **given: Any) -> Campaign:
    """Add a campaign with the shipped wording, closed and released unless told otherwise."""
    values: dict[str, Any] = {
        "created_at": OPENED,
        "as_of": OPENED.date(),
        "public_key": "",
        "questionnaire": load().questionnaire.model_dump(mode="json"),
        "opened_at": OPENED,
        "closes_on": date(2026, 4, 5),
        "closed_at": CLOSED,
        "released_at": CLOSED,
        "key_destroyed_at": CLOSED,
    }
    values |= given
    values.setdefault("is_released", values["closed_at"] is not None and values["released_at"] == CLOSED)
    campaign = Campaign(name=name, **values)
    session.add(campaign)
    session.flush()
    return campaign


def add_answers(
    session: Session, campaign: Campaign, reasons: dict[int, int], stratum: str | None = None, words: Sequence[str] = ()
) -> None:
    """Add so many answers for each reason; the first ones of the first reason carry ``words``."""
    left = list(words)
    for reason, count in reasons.items():
        for _number in range(count):
            word = left.pop(0) if left else ""
            session.add(
                Answer(
                    id=random_id(),
                    campaign_id=campaign.id,
                    stratum=stratum,
                    question="status",
                    choice=reason,
                    word=word,
                )
            )
    session.flush()


def released(runtime: Runtime, name: str = "spring", *, comments: Sequence[str] = COMMENTS) -> int:
    """Add a campaign of 12 answers in two strata with words and comments; return its number."""
    with runtime.store.writing() as session:
        campaign = add_campaign(
            session, name, counts=counts(40, 30, 12, 11, 2), ballots_read=12, stratify_by="cycle"
        )  # fmt: skip
        for stratum, reasons, words in (
            ("Cycle 4", {1: 3, 9: 3}, ("Journal of Invented Results", "Letters of Nowhere")),
            ("Cycle 5", {10: 2, 4: 4}, ("A dish in the sky",)),
        ):
            session.add(
                CampaignStratum(
                    campaign_id=campaign.id, name=stratum, reported_as=stratum, counts=counts(20, 16, 6, 6, 1)
                )
            )
            add_answers(session, campaign, reasons, stratum, words)
        session.add_all(
            Comment(id=random_id(), campaign_id=campaign.id, question="comment", words=words) for words in comments
        )
        assert campaign.id is not None
        return campaign.id


def taken_over(runtime: Runtime, name: str = "2017", **past: Any) -> int:
    """Add a campaign of earlier times: 965 of 1,278 questionnaires unless told otherwise; return its number."""
    told = past or {
        "questionnaires_sent": 1278,
        "questionnaires_completed": 965,
        "source": "totals-2017.csv",
    }
    with runtime.store.writing() as session:
        campaign = add_campaign(
            session, name, past=told, opened_at=None, closes_on=None, as_of=date(2017, 5, 1), counts=None
        )
        session.add(PastTotal(campaign_id=campaign.id, question="status", choice=3, answers=600))
        session.add(PastTotal(campaign_id=campaign.id, question="status", choice=9, answers=365))
        assert campaign.id is not None
        return campaign.id
