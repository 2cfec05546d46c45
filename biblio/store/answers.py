"""The figures of campaigns: what the survey's and the report's pages show. It knows no single answer and no person.

The rule of small numbers stands here (``shown``), so that every page, file and command takes its figures from behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import Session, col, select

from biblio.observatory import Questionnaire
from biblio.rounding import percents
from biblio.store.models import Answer, Campaign, CampaignStratum, Invitation, InvitationLetter, OutboxMail, PastTotal
from biblio.store.words import MailState

GROUPS: Mapping[str, str] = {
    "published": "Published or coming",
    "data": "The data",
    "science": "The science",
    "resources": "Resources",
    "other": "Other",
}
"""The five groups of reasons in the order of the chain, with their names."""

Chosen = Mapping[str, Mapping[int, int]]
"""How often each choice was made: question → number of the choice → answers."""


class Standing(StrEnum):
    """What a campaign has to show by reason.

    Sealed: its box is not open yet. Waves: it is open, and some of its answers were released. Few: too few persons
    answered, so there is nothing by reason and never will be. Whole: everything is there.
    """

    SEALED = "sealed"
    WAVES = "waves"
    FEW = "few"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many; None stands for a number that nobody knows."""

    completed: int | None
    asked: int | None

    @property
    def contradicts(self) -> bool:
        """Whether more answered than were asked, as totals taken over from elsewhere may say."""
        return self.completed is not None and self.asked is not None and self.completed > self.asked

    @property
    def share(self) -> float | None:
        """The rate, 0–1. None where a number is not known, nobody was asked, or the two contradict each other.

        A published user survey of 2018: 185 answers of which 32 were incomplete, 616 asked: (185 - 32) / 616 = 24.8 %.
        """
        if self.completed is None or not self.asked or self.contradicts:
            return None
        return self.completed / self.asked

    @property
    def words(self) -> str:
        """The rate as people read it: "153 of 616 (24.8 %)"; what is not known is called so, and never 0 %."""
        if self.completed is None and self.asked is None:
            return "not known"
        if self.asked == 0 and not self.completed:
            return "nobody was asked"
        said = f"{_plain(self.completed)} of {_plain(self.asked)}"
        if self.contradicts:
            return f"{said}: the two numbers contradict each other"
        return said if self.share is None else f"{said} ({percents(self.share, 1)}\u202f%)"


def _plain(number: int | None) -> str:
    return "a number not known" if number is None else f"{number:,}".replace(",", "\u202f")


@dataclass(frozen=True, slots=True)
class Part:
    """A campaign as a whole, or what it reports as one stratum: who was asked, who answered, what was chosen.

    ``projects`` are questionnaires sent (one link each), ``persons`` those asked, once each; ``bounced`` are persons
    whom no letter reached. Unknown numbers are None. ``chosen`` is empty where it must not be shown.
    """

    name: str
    projects: int | None = None
    persons: int | None = None
    bounced: int | None = None
    completed: int | None = None
    persons_answered: int | None = None
    chosen: Chosen = field(default_factory=dict)

    @property
    def questionnaires(self) -> Rate:
        """Questionnaires completed of questionnaires sent."""
        return Rate(self.completed, self.projects)

    @property
    def people(self) -> Rate:
        """Persons with at least one completed questionnaire of persons asked."""
        return Rate(self.persons_answered, self.persons)

    def answers(self, question: str) -> int:
        """How many choices of a question were made."""
        return sum(self.chosen.get(question, {}).values())


def shown(whole: Part, strata: Sequence[Part], *, question: str, minimum: int) -> tuple[Part, tuple[Part, ...]]:
    """Return what may be shown of a campaign: the rule of small numbers.

    What was chosen is shown of the whole only if it comes from ``minimum`` distinct persons, and of the strata only if
    each of them does and together they are the whole. So all that is ever published of a campaign are sums over its
    strata, each of at least ``minimum`` persons, and no difference of two figures is about fewer. A stratum is left out
    with all the others, because the whole less the others would be that stratum.

    ``question`` is the key of the status question, which everybody answers. Where the number of persons is not known
    (totals from earlier times) the number of answers stands for it.
    """
    if _behind(whole, question) < minimum:
        return replace(whole, chosen={}), ()
    enough = all(_behind(part, question) >= minimum for part in strata)
    if len(strata) < 2 or not enough or _added(part.chosen for part in strata) != _added([whole.chosen]):
        return whole, ()
    return whole, tuple(strata)


def _behind(part: Part, question: str) -> int:
    """The fewest persons that the answers of a part may come from, as far as is known."""
    answers = part.answers(question)
    return answers if part.persons_answered is None else min(part.persons_answered, answers)


def _added(parts: Iterable[Chosen]) -> Counter[tuple[str, int]]:
    """Add up what was chosen; choices that nobody made are left out."""
    total: Counter[tuple[str, int]] = Counter()
    for chosen in parts:
        for question, counts in chosen.items():
            total.update({(question, number): count for number, count in counts.items() if count})
    return total


@dataclass(frozen=True, slots=True)
class CampaignAnswers:
    """The figures of one campaign, after the rule of small numbers.

    ``began_on`` is its first day; ``closed_on`` the day on which it was closed (of one still open: its last day).
    ``whole`` has what was chosen where ``standing`` is waves or whole; ``strata`` are empty where they cannot be shown.
    ``lost`` ballots could not be read, ``destroyed`` ones were destroyed unread. Of a campaign taken over from earlier
    times (``is_past``) ``source`` says where its totals are from, and ``incomplete`` how many answers were left unfinished.
    """

    campaign_id: int
    name: str
    standing: Standing
    began_on: date | None
    closed_on: date | None
    questionnaire: Questionnaire | None
    whole: Part
    strata: tuple[Part, ...] = ()
    stratify_by: str | None = None
    minimum: int = 5
    lost: int = 0
    destroyed: int = 0
    is_past: bool = False
    source: str = ""
    incomplete: int | None = None

    @property
    def answers(self) -> int | None:
        """Completed questionnaires; None where that is not known."""
        return self.whole.completed

    @property
    def asked(self) -> int | None:
        """Persons asked, once each; None where that is not known."""
        return self.whole.persons

    @property
    def version(self) -> str:
        """The version of the wording that was asked."""
        return self.questionnaire.version if self.questionnaire else "not known"

    @property
    def status(self) -> str:
        """The key of the status question."""
        return self.questionnaire.status.key if self.questionnaire else ""

    @property
    def by_reason(self) -> tuple[tuple[int, str, int], ...]:
        """(number, short name, answers) in the order of the chain; empty where too few answered, or nothing is known yet."""
        return reasons_of(self, self.whole)

    @property
    def by_group(self) -> tuple[tuple[str, int], ...]:
        """(key of the group, answers) of the five groups in the order of the chain; empty like ``by_reason``."""
        return groups_of(self, self.whole)


def reasons_of(campaign: CampaignAnswers, part: Part) -> tuple[tuple[int, str, int], ...]:
    """Return (number, short name, answers) of every reason for a campaign or one of its strata; empty if withheld."""
    if campaign.questionnaire is None or not part.answers(campaign.status):
        return ()
    counts = part.chosen[campaign.status]
    return tuple((c.number, c.short, counts.get(c.number, 0)) for c in campaign.questionnaire.reasons)


def groups_of(campaign: CampaignAnswers, part: Part) -> tuple[tuple[str, int], ...]:
    """Return (key, answers) of the five groups for a campaign or one of its strata; empty if withheld."""
    if campaign.questionnaire is None or not part.answers(campaign.status):
        return ()
    counts = part.chosen[campaign.status]
    totals: Counter[str] = Counter()
    for choice in campaign.questionnaire.reasons:
        totals[choice.group or "other"] += counts.get(choice.number, 0)
    return tuple((group, totals[group]) for group in GROUPS)


def answers_of_closed_campaigns(session: Session, known_by: date | datetime | None = None) -> list[CampaignAnswers]:
    """Return the figures of every closed campaign whose box was opened, and of those taken over, newest first.

    ``known_by``: only those known by this moment, or by the end of this day (UTC): whose box was open then, or that were
    taken over by then.
    """
    campaigns = session.exec(select(Campaign).where(_is_over())).all()
    figures = [figures_of(session, campaign) for campaign in campaigns if _was_known(campaign, known_by)]
    return sorted(figures, key=lambda f: (f.closed_on or date.min, f.campaign_id), reverse=True)


def _is_over() -> sa.ColumnElement[bool]:
    """The box was opened for good (and not only for a wave of answers while the campaign went on), or elsewhere."""
    return sa.or_(col(Campaign.is_released), col(Campaign.past).is_not(None))


def _was_known(campaign: Campaign, by: date | datetime | None) -> bool:
    learned = campaign.created_at if campaign.past is not None else campaign.released_at
    assert learned is not None
    if isinstance(by, datetime):
        return learned <= by
    return by is None or learned.date() <= by


def figures_of(session: Session, campaign: Campaign) -> CampaignAnswers:
    """Return the figures of any campaign; of one whose box is closed yet only who was asked and how many answered."""
    questionnaire = _questionnaire(campaign)
    key = questionnaire.status.key if questionnaire else ""
    if campaign.past is not None:
        return _past(session, campaign, questionnaire, key)
    chosen = _chosen(session, campaign)
    whole = replace(_counted(session, campaign), chosen=_merged(chosen.values()))
    strata = _strata(session, campaign, chosen)
    whole, strata_shown = shown(whole, strata, question=key, minimum=campaign.minimum_persons)
    closed = campaign.closed_at.date() if campaign.closed_at else campaign.closes_on
    return CampaignAnswers(
        campaign_id=campaign.id or 0,
        name=campaign.name,
        standing=_standing(campaign, whole),
        began_on=campaign.opened_at.date() if campaign.opened_at else None,
        closed_on=closed,
        questionnaire=questionnaire,
        whole=whole,
        strata=strata_shown,
        stratify_by=campaign.stratify_by,
        minimum=campaign.minimum_persons,
        lost=campaign.ballots_unreadable or 0,
        destroyed=campaign.ballots_destroyed or 0,
    )


def _questionnaire(campaign: Campaign) -> Questionnaire | None:
    try:
        return Questionnaire.model_validate(dict(campaign.questionnaire))
    except (ValidationError, StopIteration):
        return None


def _standing(campaign: Campaign, whole: Part) -> Standing:
    if whole.chosen:
        return Standing.WHOLE if campaign.is_released else Standing.WAVES
    return Standing.FEW if campaign.is_released else Standing.SEALED


def _past(session: Session, campaign: Campaign, questionnaire: Questionnaire | None, key: str) -> CampaignAnswers:
    totals: dict[str, dict[int, int]] = {}
    for row in session.exec(select(PastTotal).where(col(PastTotal.campaign_id) == campaign.id)):
        totals.setdefault(row.question, {})[row.choice] = row.answers
    told = dict(campaign.past or {})
    whole = Part(
        name=campaign.name,
        projects=_number(told, "questionnaires_sent"),
        persons=_number(told, "persons_asked"),
        completed=_number(told, "questionnaires_completed"),
        persons_answered=_number(told, "persons_answered"),
        chosen=totals,
    )
    whole, _none = shown(whole, (), question=key, minimum=campaign.minimum_persons)
    return CampaignAnswers(
        campaign_id=campaign.id or 0,
        name=campaign.name,
        standing=Standing.WHOLE if whole.chosen else Standing.FEW,
        began_on=campaign.as_of,
        closed_on=campaign.closed_at.date() if campaign.closed_at else campaign.as_of,
        questionnaire=questionnaire,
        whole=whole,
        minimum=campaign.minimum_persons,
        is_past=True,
        source=str(told.get("source") or ""),
        incomplete=_number(told, "incomplete"),
    )


def _number(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _chosen(session: Session, campaign: Campaign) -> dict[str | None, dict[str, dict[int, int]]]:
    """Return what was chosen by the name under which it stands (None: under no stratum)."""
    rows = session.execute(
        sa.select(col(Answer.stratum), col(Answer.question), col(Answer.choice), sa.func.count())
        .where(col(Answer.campaign_id) == campaign.id)
        .group_by(col(Answer.stratum), col(Answer.question), col(Answer.choice))
    )
    found: dict[str | None, dict[str, dict[int, int]]] = {}
    for stratum, question, choice, count in rows:
        found.setdefault(stratum, {}).setdefault(question, {})[choice] = count
    return found


def _merged(parts: Iterable[Chosen]) -> dict[str, dict[int, int]]:
    merged: dict[str, dict[int, int]] = {}
    for (question, number), count in sorted(_added(parts).items()):
        merged.setdefault(question, {})[number] = count
    return merged


def _counted(session: Session, campaign: Campaign) -> Part:
    """Return who was asked and who answered: as frozen when the box was opened last, else as the invitations say now."""
    if campaign.counts is not None:
        return _frozen(campaign.name, campaign.counts)
    used = sa.case((col(Invitation.is_used), sa.func.lower(col(Invitation.email))), else_=None)
    asked = was_asked() if campaign.closed_at is None else sa.true()
    projects, persons, completed, answered = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(sa.distinct(sa.func.lower(col(Invitation.email)))),
            sa.func.count(used),
            sa.func.count(sa.distinct(used)),
        ).where(col(Invitation.campaign_id) == campaign.id, col(Invitation.withdrawn_at).is_(None), asked)
    ).one()
    return Part(campaign.name, projects, persons, None, completed, answered)


def was_asked() -> sa.ColumnElement[bool]:
    """The condition that a letter which tells of an invitation has left, or may have; closing takes the others back."""
    left = (
        sa.select(col(InvitationLetter.invitation_id))
        .join(OutboxMail, col(OutboxMail.id) == col(InvitationLetter.outbox_mail_id))
        .where(col(OutboxMail.state).in_([MailState.SENT, MailState.SENDING, MailState.UNCERTAIN]))
    )
    return sa.or_(col(Invitation.is_used), col(Invitation.id).in_(left))


def _frozen(name: str, counts: Mapping[str, Any]) -> Part:
    return Part(
        name,
        projects=_number(counts, "projects"),
        persons=_number(counts, "persons"),
        bounced=_number(counts, "bounced"),
        completed=_number(counts, "completed"),
        persons_answered=_number(counts, "persons_answered"),
    )


def _strata(session: Session, campaign: Campaign, chosen: Mapping[str | None, dict[str, dict[int, int]]]) -> list[Part]:
    """Return what the campaign reports as its strata, in their order; of merged ones each row has the counts of all."""
    rows = session.exec(
        select(CampaignStratum)
        .where(col(CampaignStratum.campaign_id) == campaign.id, col(CampaignStratum.reported_as).is_not(None))
        .order_by(col(CampaignStratum.id))
    )
    members: dict[str, CampaignStratum] = {}
    for row in rows:
        members.setdefault(row.reported_as or "", row)
    return [replace(_frozen(name, row.counts or {}), chosen=chosen.get(name, {})) for name, row in members.items()]
