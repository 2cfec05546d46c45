"""The one table that the demo prints: what came in, what was proposed and decided, who was asked, what is known now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.runtime import Runtime
from biblio.store.answers import answers_of_closed_campaigns
from biblio.store.current import live_links, live_relations, survivor_id
from biblio.store.models import (
    Campaign,
    CandidateRevision,
    DeskItem,
    ExpectedCount,
    HarvestPage,
    HarvestRefusal,
    Invitation,
    MergeProposal,
    ObservationUnit,
    OutboxMail,
    Paper,
    Project,
    SourceRecord,
    TextReading,
)
from biblio.store.words import MailState
from reports.service import build_report
from reports.words import interval, shown

Row = tuple[str, str, str]


def table(runtime: Runtime) -> str:
    """Return the table as text: what, how many, and a remark."""
    with runtime.store.reading() as session:
        rows = [*_harvest(session), *_papers(session), *_desk(session), *_asking(session), *_report(runtime, session)]
    width = max(len(what) for what, _, _ in rows) + 2
    lines = ["", f"{'WHAT':<{width}}{'HOW MANY':>10}   REMARK"]
    for what, count, remark in rows:
        lines.append(f"{what:<{width}}{count:>10}   {remark}".rstrip())
    return "\n".join(lines)


def _number(session: Session, statement: Any) -> int:
    return int(session.execute(statement).scalar_one() or 0)


def _count(session: Session, model: Any, *conditions: Any) -> int:
    return _number(session, sa.select(sa.func.count()).select_from(model).where(*conditions))


def _by(session: Session, column: Any, *conditions: Any) -> dict[str, int]:
    rows = session.execute(sa.select(column, sa.func.count()).where(*conditions).group_by(column).order_by(column))
    return {str(key): count for key, count in rows}


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {count}" for key, count in counts.items())


def _harvest(session: Session) -> Iterator[Row]:
    yield ("pages", str(_count(session, HarvestPage)), f"{_words(_by(session, col(HarvestPage.source)))}, in all runs")
    kept = _by(session, col(SourceRecord.source), col(SourceRecord.superseded_at).is_(None))
    yield ("records", str(sum(kept.values())), f"{_words(kept)}")
    told = (
        sa.select(col(HarvestRefusal.source), col(HarvestRefusal.key), col(HarvestRefusal.reason)).distinct().subquery()
    )
    yield ("refused", str(_count(session, told)), _words(_by(session, told.c.source)))
    expected = _number(session, sa.select(sa.func.sum(col(ExpectedCount.expected))))
    journals = _number(session, sa.select(sa.func.count(sa.distinct(col(ExpectedCount.part)))))
    yield ("expected from ADS", str(expected), f"papers of {journals} journals, by its own count")
    yield ("projects", str(_count(session, Project)), f"{_count(session, ObservationUnit)} observation units")


def _papers(session: Session) -> Iterator[Row]:
    joined = (
        sa.select(survivor_id().label("paper"))
        .join(SourceRecord, col(SourceRecord.paper_id) == col(Paper.id))
        .where(col(SourceRecord.superseded_at).is_(None))
        .group_by(survivor_id())
        .having(sa.func.count(sa.distinct(col(SourceRecord.source))) > 1)
        .subquery()
    )
    twins = _count(session, MergeProposal, col(MergeProposal.verdict).is_(None))
    remark = f"{_count(session, joined)} known to several sources; {twins} pairs look alike and wait for a person"
    yield ("papers", str(_count(session, Paper, col(Paper.merged_into_id).is_(None))), remark)
    read = (col(TextReading.superseded_at).is_(None), col(TextReading.refusal).is_(None))
    yield ("texts read", str(_count(session, TextReading, *read)), _words(_by(session, col(TextReading.origin), *read)))


def _desk(session: Session) -> Iterator[Row]:
    bands = _by(session, col(CandidateRevision.band), col(CandidateRevision.superseded_at).is_(None))
    yield ("candidates", str(sum(bands.values())), _words(bands))
    links, relations = live_links(), live_relations()
    yield ("verdicts", str(_count(session, links)), _words(_by(session, links.c.verdict)))
    yield ("papers judged", str(_count(session, relations)), _words(_by(session, relations.c.relation)))
    yield ("papers waiting", str(_count(session, DeskItem, col(DeskItem.is_shown))), "on the desk")


def _asking(session: Session) -> Iterator[Row]:
    for campaign in session.execute(sa.select(Campaign).order_by(col(Campaign.id))).scalars():
        invited = _count(session, Invitation, col(Invitation.campaign_id) == campaign.id)
        yield ("invitations", str(invited), f"campaign {campaign.name}, {'closed' if campaign.closed_at else 'open'}")
    yield (
        "letters",
        str(_count(session, OutboxMail, col(OutboxMail.state) == MailState.SENT)),
        "as .eml files; nothing left this machine",
    )
    for figures in answers_of_closed_campaigns(session):
        reasons = sum(1 for _, _, count in figures.by_reason if count)
        yield (
            "answers",
            str(figures.answers),
            f"campaign {figures.name}, {reasons} different reasons, {figures.asked} persons asked",
        )


def _report(runtime: Runtime, session: Session) -> Iterator[Row]:
    report = build_report(runtime, session, runtime.clock.today())
    for at in report.headline:
        figure = report.figure(at)
        yield (report.definitions[figure.indicator].name.lower(), shown(figure), interval(figure))
