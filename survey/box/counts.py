"""What became of a campaign's invitations, as counts: frozen when its box is opened, so that erasing loses no figure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.store.answers import was_asked
from biblio.store.models import Campaign, CampaignStratum, Invitation
from survey.asking.asked_for import Question
from survey.asking.facts import unreached


@dataclass(frozen=True, slots=True)
class Counts:
    """Questionnaires count links, persons count addresses.

    ``bounced``: persons whom no letter reached, because all of theirs came back for good, and who did not answer;
    ``completed``: links used.
    """

    projects: int
    persons: int
    bounced: int
    completed: int
    persons_answered: int


def counts_of(session: Session, campaign_id: int, *, is_open: bool = False) -> dict[str | None, Counts]:
    """Return the counts of a campaign per reported stratum, and of the whole campaign under None.

    Strata that are reported together are counted together: a person with projects in two of them is one person. While
    it ``is_open``, links that no letter told of yet are left out; closing takes them back.
    """
    missed = unreached(Question(as_of=date.max, known_by=None))
    reported = sa.func.coalesce(col(CampaignStratum.reported_as), col(CampaignStratum.name))
    rows = session.execute(
        sa.select(
            reported,
            sa.func.lower(col(Invitation.email)),
            col(Invitation.is_used),
            col(Invitation.id).in_(missed),
        )
        .outerjoin(
            CampaignStratum,
            sa.and_(
                col(CampaignStratum.campaign_id) == col(Invitation.campaign_id),
                col(CampaignStratum.name) == col(Invitation.stratum),
            ),
        )
        .where(
            col(Invitation.campaign_id) == campaign_id,
            col(Invitation.withdrawn_at).is_(None),
            was_asked() if is_open else sa.true(),
        )
    ).all()
    groups: dict[str | None, list[tuple[str, bool, bool]]] = {None: []}
    for stratum, person, is_used, bounced in rows:
        groups[None].append((person, is_used, bounced))
        if stratum is not None:
            groups.setdefault(stratum, []).append((person, is_used, bounced))
    return {stratum: _counted(group) for stratum, group in groups.items()}


def _counted(rows: list[tuple[str, bool, bool]]) -> Counts:
    answered = {person for person, is_used, _ in rows if is_used}
    reached = answered | {person for person, _, bounced in rows if not bounced}
    return Counts(
        projects=len(rows),
        persons=len({person for person, _, _ in rows}),
        bounced=len({person for person, _, _ in rows} - reached),
        completed=sum(is_used for _, is_used, _ in rows),
        persons_answered=len(answered),
    )


def freeze_counts(session: Session, campaign: Campaign) -> None:
    """Write the counts of a campaign and of its reported strata down; each stratum gets those of its whole group."""
    assert campaign.id is not None
    session.flush()
    counted = counts_of(session, campaign.id, is_open=campaign.closed_at is None)
    campaign.counts = asdict(counted[None])
    session.add(campaign)
    for row in session.exec(select(CampaignStratum).where(col(CampaignStratum.campaign_id) == campaign.id)):
        row.counts = asdict(counted[row.reported_as]) if row.reported_as in counted and row.reported_as else None
        session.add(row)
    session.flush()
