"""The figures of closed campaigns: a read that the survey's and the report's pages share. It knows no single answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.store.models import Answer, Campaign, Invitation

SMALLEST_SHOWN = 5
"""Answers a campaign needs before they are shown by reason: with fewer, a person could be guessed."""


@dataclass(frozen=True, slots=True)
class CampaignAnswers:
    """One closed campaign. ``by_reason``: (number, short name, answers) in the order of the chain; empty when too few."""

    campaign_id: int
    name: str
    closed_on: date
    asked: int
    answers: int
    by_reason: tuple[tuple[int, str, int], ...]


def answers_of_closed_campaigns(session: Session) -> list[CampaignAnswers]:
    """Return the figures of every closed campaign, newest first. ``asked`` counts persons (addresses), once each.

    Discarded drafts, and campaigns whose ballot box is still to be opened, are none of them.
    """
    campaigns = session.exec(
        select(Campaign)
        .where(col(Campaign.closed_at).is_not(None), col(Campaign.released_at).is_not(None))
        .order_by(col(Campaign.closed_at).desc(), col(Campaign.id).desc())
    ).all()
    return [_figures(session, campaign) for campaign in campaigns]


def _figures(session: Session, campaign: Campaign) -> CampaignAnswers:
    assert campaign.id is not None
    assert campaign.closed_at is not None
    asked = campaign.persons_asked_before
    if asked is None:
        asked = session.execute(
            sa.select(sa.func.count(sa.distinct(col(Invitation.email)))).where(
                col(Invitation.campaign_id) == campaign.id, col(Invitation.withdrawn_at).is_(None)
            )
        ).scalar_one()
    rows = session.execute(
        sa.select(col(Answer.reason), sa.func.count())
        .where(col(Answer.campaign_id) == campaign.id)
        .group_by(col(Answer.reason))
    )
    counts = Counter({row[0]: row[1] for row in rows})
    total = sum(counts.values())
    reasons = campaign.questionnaire.get("reasons", [])
    by_reason = (
        tuple((r["number"], r["short"], counts[r["number"]]) for r in reasons) if total >= SMALLEST_SHOWN else ()
    )
    return CampaignAnswers(campaign.id, campaign.name, campaign.closed_at.date(), asked, total, by_reason)
