"""Opening a ballot box: sealed ballots become answers and comments that belong to nobody, in one transaction.

Ballots are shuffled with randomness of the operating system; choices and comments are shuffled apart from one another,
get new random keys, and hold no time. Strata of too few persons are merged before anything is written, and where too
few persons answered at all the ballots are destroyed unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import SystemRandom
from typing import Any

import sqlalchemy as sa
from nacl.public import PrivateKey
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.logs import get_logger
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot, Campaign, CampaignStratum, Comment, Invitation
from survey.box.ballots import BallotUnreadable, Opened, random_id, unseal
from survey.box.counts import freeze_counts
from survey.box.journals import suggest_journals
from survey.box.persons import distinct_persons
from survey.box.strata import Group, StratifyBy, merged, reported_as
from survey.campaign import service
from survey.campaign.service import note
from survey.questionnaire import Chosen, Filled, cleaned, fits, thaw

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Release:
    """What became of a campaign's ballots. ``used`` is the number of links used; the others should add up to it."""

    used: int
    read: int
    unreadable: int
    destroyed: int
    minimum_persons: int

    @property
    def sentence(self) -> str:
        """What a person should know, with any disagreement said plainly."""
        said = []
        since = " since the box was opened last" if self.read else ""
        if self.destroyed and self.unreadable and not self.read:
            said.append(
                f"Fewer than {self.minimum_persons} ballots could be read: these {self.destroyed} were destroyed, and "
                "nobody has seen them."
            )
        elif self.destroyed:
            said.append(
                f"Fewer than {self.minimum_persons} persons answered{since}, or fewer than "
                f"{service.SMALLEST_CAMPAIGN} were asked: {self.destroyed} ballots were destroyed unread."
            )
        if self.read or not self.destroyed:
            said.append(f"{self.read} ballots were opened, shuffled and stored as answers.")
        if self.unreadable:
            said.append(f"{self.unreadable} could not be read and are lost.")
        if self.read + self.unreadable + self.destroyed != self.used:
            said.append(f"But {self.used} links were used: the numbers do not agree, and somebody should find out why.")
        return " ".join(said)


def release_of(session: Session, campaign: Campaign) -> Release:
    """Return what became of a closed campaign's ballots."""
    used = (campaign.counts or {}).get("completed")
    if used is None:
        counted = sa.select(sa.func.count()).where(col(Invitation.campaign_id) == campaign.id, col(Invitation.is_used))
        used = session.execute(counted).scalar_one()
    return Release(
        used=int(used),
        read=campaign.ballots_read or 0,
        unreadable=campaign.ballots_unreadable or 0,
        destroyed=campaign.ballots_destroyed or 0,
        minimum_persons=campaign.minimum_persons,
    )


Person = tuple[str, str]
"""An address in small letters, and the name beside it."""


def people_in_the_box(session: Session, campaign_id: int) -> dict[Person, set[str | None]]:
    """Return the persons whose ballots lie in the box, by address and name, each with the strata of their ballots.

    Whoever had answered about another project before the box was opened last is counted again: they are persons of
    this batch as well.
    """
    rows = session.execute(
        sa.select(sa.func.lower(col(Invitation.email)), col(Invitation.recipient), col(Invitation.stratum)).where(
            col(Invitation.campaign_id) == campaign_id,
            col(Invitation.is_used),
            col(Invitation.is_released).is_(False),
        )
    )
    found: dict[Person, set[str | None]] = {}
    for address, name, stratum in rows:
        found.setdefault((address, name), set()).add(stratum)
    return found


def open_box(session: Session, runtime: Runtime, actor: Actor, campaign: Campaign, private: PrivateKey) -> Release:
    """Turn the ballots in the box into answers, or destroy them unread if too few persons answered.

    The caller holds the campaign's row for change, so that no ballot falls in meanwhile.
    """
    assert campaign.id is not None
    sealed = session.execute(sa.select(col(Ballot.sealed)).where(col(Ballot.campaign_id) == campaign.id))
    ballots = list(sealed.scalars())
    people = people_in_the_box(session, campaign.id)
    read = unreadable = destroyed = 0
    asked = _asked(session, campaign.id)
    if asked < service.SMALLEST_CAMPAIGN or min(distinct_persons(people), len(ballots)) < campaign.minimum_persons:
        destroyed = len(ballots)
    else:
        opened = _opened(campaign, private, ballots)
        unreadable = len(ballots) - len(opened)
        if len(opened) < campaign.minimum_persons:
            destroyed = len(opened)
        else:
            read = len(opened)
            _write(session, runtime, campaign, opened, _names(session, campaign, people, opened))
    session.execute(sa.delete(Ballot).where(col(Ballot.campaign_id) == campaign.id))
    session.execute(
        sa.update(Invitation)
        .where(col(Invitation.campaign_id) == campaign.id, col(Invitation.is_used))
        .values(is_released=True)
        .execution_options(synchronize_session=False)
    )
    campaign.ballots_read = (campaign.ballots_read or 0) + read
    campaign.ballots_unreadable = (campaign.ballots_unreadable or 0) + unreadable
    campaign.ballots_destroyed = (campaign.ballots_destroyed or 0) + destroyed
    campaign.released_at = runtime.clock.now()
    session.add(campaign)
    freeze_counts(session, campaign)
    note(
        session,
        runtime,
        actor,
        campaign,
        "ballots released",
        {"read": read, "unreadable": unreadable, "destroyed": destroyed},
    )
    log.info("ballots released", campaign=campaign.id, read=read, lost=unreadable)
    return Release(len(ballots), read, unreadable, destroyed, campaign.minimum_persons)


def _asked(session: Session, campaign_id: int) -> int:
    """Return how many persons were asked: those whose invitations were not taken back."""
    rows = session.execute(
        sa.select(col(Invitation.email), col(Invitation.recipient)).where(
            col(Invitation.campaign_id) == campaign_id, col(Invitation.withdrawn_at).is_(None)
        )
    )
    return distinct_persons((row[0], row[1]) for row in rows)


def _opened(campaign: Campaign, private: PrivateKey, sealed: Sequence[bytes]) -> list[Opened]:
    """Return what the readable ballots hold; one that is not for this questionnaire counts as unreadable."""
    questionnaire = thaw(campaign.questionnaire)
    found = []
    for each in sealed:
        try:
            opened = unseal(private, each)
        except BallotUnreadable:
            continue
        if fits(questionnaire, opened.filled):
            found.append(opened)
    SystemRandom().shuffle(found)
    return found


def _names(
    session: Session, campaign: Campaign, people: dict[Person, set[str | None]], opened: Sequence[Opened]
) -> dict[str, str | None]:
    """Return under which name each stratum's answers stand, merged so that none has too few persons; note it.

    Strata that an earlier release merged stay merged, and answers of strata that are merged only now are renamed.
    """
    rows = session.exec(
        select(CampaignStratum).where(col(CampaignStratum.campaign_id) == campaign.id).order_by(col(CampaignStratum.id))
    ).all()
    if not rows:
        return {}
    together: dict[str, list[str]] = {}
    for row in rows:
        together.setdefault(row.reported_as or row.name, []).append(row.name)
    released_before = campaign.released_at is not None
    if released_before and all(row.reported_as is None for row in rows):
        together = {"": [row.name for row in rows]}  # an earlier release left nothing apart
    groups = [
        Group(
            tuple(names),
            frozenset(p for p, strata in people.items() if strata & set(names)),
            sum(each.stratum in names for each in opened),
        )
        for names in together.values()
    ]
    is_ordered = campaign.stratify_by == StratifyBy.CYCLE
    names = dict(reported_as(merged(groups, campaign.minimum_persons, is_ordered=is_ordered)))
    for row in rows:
        if row.reported_as is not None and row.reported_as != names[row.name]:
            session.execute(
                sa.update(Answer)
                .where(col(Answer.campaign_id) == campaign.id, col(Answer.stratum) == row.reported_as)
                .values(stratum=names[row.name])
            )
        row.reported_as = names[row.name]
        session.add(row)
    return names


def _write(
    session: Session, runtime: Runtime, campaign: Campaign, opened: Sequence[Opened], names: dict[str, str | None]
) -> None:
    """Write choices and comments, each shuffled on its own, so that neither order nor key ties them together."""
    choices: list[dict[str, Any]] = []
    comments: list[dict[str, Any]] = []
    for each in opened:
        stratum = names.get(each.stratum) if each.stratum is not None else None
        choices += [{"stratum": stratum, **_plain(chosen)} for chosen in each.filled.chosen]
        comments += [{"question": key, "words": cleaned(text)} for key, text in each.filled.texts.items() if text]
    for table, rows in ((Answer, choices), (Comment, comments)):
        SystemRandom().shuffle(rows)
        for row in rows:
            row |= {"id": random_id(), "campaign_id": campaign.id}
        if rows:
            session.execute(sa.insert(table), rows)
    filled: list[Filled] = [each.filled for each in opened]
    suggest_journals(session, runtime, thaw(campaign.questionnaire), filled)


def _plain(chosen: Chosen) -> dict[str, Any]:
    return {"question": chosen.question, "choice": chosen.choice, "word": cleaned(chosen.word)}


@contextmanager
def without_traces(runtime: Runtime) -> Iterator[Session]:
    """Give a unit of work after which nothing that it deleted is left in the file or its journal (SQLite).

    On PostgreSQL dead rows hold sealed ballots, for which there is no key any more once a campaign is closed.
    """
    with runtime.store.writing() as session:
        if runtime.store.is_sqlite:
            session.connection().exec_driver_sql("PRAGMA secure_delete = ON")
        yield session
    empty_journal(runtime)


def empty_journal(runtime: Runtime) -> None:
    """On SQLite, move the write-ahead journal into the file and empty it, so that no old page stays there."""
    if runtime.store.is_sqlite:
        with runtime.store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
