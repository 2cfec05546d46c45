"""Campaigns: made, opened in batches, paused, and what people put in by hand. Closing is in ``survey.box.closing``.

Every function takes the session (and the person) first and never commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session as PlainSession
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused
from biblio.mail import usable_address
from biblio.runtime import Runtime
from biblio.store.locks import Turn, take_turn
from biblio.store.models import (
    AuditEntry,
    Campaign,
    CampaignStratum,
    Invitation,
    Project,
    SurveyExclusion,
    WrongPerson,
)
from survey.asking.due import Standing, asked_about, due
from survey.box.ballots import destroy_key, key_path
from survey.box.keymaking import KeyAhead, key_ahead, make_key
from survey.box.persons import distinct_persons
from survey.box.strata import StratifyBy, in_order, strata_of
from survey.campaign.letters import load_texts
from survey.campaigns import State, locked, state_of
from survey.questionnaire import frozen
from survey.tokens import new_nonce, token_hash, token_maker

NAME_MAX = 100

SMALLEST_CAMPAIGN = 20
"""Persons that a campaign must ask: among fewer, figures say too much about each of them."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new campaign: its number and how many projects and persons it will ask; ``unreachable`` codes are left out."""

    campaign_id: int
    projects: int
    persons: int
    unreachable: tuple[str, ...] = ()


@dataclass(slots=True)
class Plan:
    """Who would be asked: projects with their address as it goes on the wire, and those no letter can reach."""

    asked: list[tuple[Standing, str]] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)

    @property
    def persons(self) -> int:
        """How many persons get a letter: one per address."""
        return len({address.casefold() for _standing, address in self.asked})


def plan(standings: Iterable[Standing]) -> Plan:
    """Return who would be asked of these projects: those that are eligible and whose address works.

    However a project list spells an address, a person is one: the first spelling stands for all.
    """
    found = Plan()
    spelt: dict[str, str] = {}
    for standing in standings:
        if not standing.is_eligible:
            continue
        try:
            address = usable_address(standing.email or "")
        except RequestRefused:
            found.unreachable.append(standing.code)
        else:
            found.asked.append((standing, spelt.setdefault(address.casefold(), address)))
    return found


@dataclass(frozen=True, slots=True)
class Prepared:
    """What takes long of making a draft: who is due on a day, in which stratum each project is, the key of its box."""

    day: date
    stratify_by: str | None
    plan: Plan
    strata: Mapping[int, str]
    key: KeyAhead | None = None


def prepare(
    session: Session, runtime: Runtime, *, as_of: date | None = None, stratify_by: str | None = None
) -> Prepared:
    """Return what a draft needs that nobody has to wait for. Raises ``RequestRefused`` as ``create_campaign`` does."""
    day = as_of or runtime.clock.today()
    if day > runtime.clock.today():
        raise RequestRefused(f"{day} is still to come: who will be silent then is not known. Nothing was made.")
    if stratify_by is not None and stratify_by not in set(StratifyBy):
        raise RequestRefused(f"Answers can be counted by {', '.join(StratifyBy)}, not by {stratify_by!r}.")
    found = plan(due(session, runtime, day))
    _check_persons(found)
    projects = [standing.project_id for standing, _address in found.asked]
    strata = strata_of(session, runtime.profile, stratify_by, projects) if stratify_by else {}
    return Prepared(day, stratify_by, found, strata)


def _check_persons(found: Plan) -> None:
    """Raise ``RequestRefused`` unless enough persons would be asked."""
    if not found.asked:
        raise RequestRefused("No project is due to be asked: no campaign was made. `biblio survey due` says why.")
    if distinct_persons((address, standing.pi or "") for standing, address in found.asked) < SMALLEST_CAMPAIGN:
        raise RequestRefused(
            f"Only {found.persons} persons would be asked; a campaign needs {SMALLEST_CAMPAIGN}, because among fewer an "
            "answer could be guessed. Nothing was made: wait until more projects are due, and ask them together."
        )


def make_draft(
    runtime: Runtime, actor: Actor, *, name: str, as_of: date | None = None, stratify_by: str | None = None
) -> Made:
    """Make a draft as ``create_campaign`` does, in units of its own: whoever else writes waits only for the rows.

    Who is due is judged before, in a unit that reads; the one that writes leaves out whom another draft has listed since.
    """
    with runtime.store.reading() as session:
        _check_name(session, name)
        prepared = prepare(session, runtime, as_of=as_of, stratify_by=stratify_by)
    with key_ahead(runtime.settings.survey_keys) as key, runtime.store.writing() as session:
        return create_campaign(session, runtime, actor, name=name, prepared=replace(prepared, key=key))


def create_campaign(
    session: Session,
    runtime: Runtime,
    actor: Actor,
    *,
    name: str,
    as_of: date | None = None,
    stratify_by: str | None = None,
    prepared: Prepared | None = None,
) -> Made:
    """Make a draft campaign with one invitation per project that is due; nothing is sent yet.

    ``stratify_by`` (category, cycle or partner) fixes what its answers are also counted by. The private key of its
    ballot box is written to the folder of survey keys, never to the database. ``prepared`` is what was made
    ahead (``make_draft``), in place of the other two. Raises ``RequestRefused`` when the name is taken or missing, or
    fewer than ``SMALLEST_CAMPAIGN`` persons are due.
    """
    take_turn(session, Turn.ASKING)
    name = _check_name(session, name)
    if prepared is None:
        prepared = prepare(session, runtime, as_of=as_of, stratify_by=stratify_by)
    found = _not_asked_since(session, runtime, prepared.plan)
    campaign = _new_campaign(session, runtime, actor, name, prepared)
    assert campaign.id is not None
    _invite(session, runtime, campaign, found, prepared.strata)
    details: dict[str, object] = {"projects": len(found.asked), "stratify_by": campaign.stratify_by}
    note(session, runtime, actor, campaign, "campaign created", details)
    return Made(campaign.id, len(found.asked), found.persons, tuple(found.unreachable))


def _check_name(session: Session, name: str) -> str:
    """Return a name as it is stored. Raises ``RequestRefused`` when it is missing, too long or taken."""
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX:
        raise RequestRefused(f"Give the campaign a name of at most {NAME_MAX} characters, such as the month it starts.")
    if session.exec(select(Campaign.id).where(col(Campaign.name) == name)).first() is not None:
        raise RequestRefused(f"There is a campaign called {name!r} already. Nothing was made; choose another name.")
    return name


def _not_asked_since(session: Session, runtime: Runtime, planned: Plan) -> Plan:
    """Return a plan without what stands on another list by now: another draft was faster, or is younger than the day."""
    listed = asked_about(session, runtime)
    left = [(standing, address) for standing, address in planned.asked if standing.project_id not in listed]
    if len(left) == len(planned.asked):
        return planned
    found = Plan(left, planned.unreachable)
    _check_persons(found)
    return found


def _invite(session: Session, runtime: Runtime, campaign: Campaign, found: Plan, strata: Mapping[int, str]) -> None:
    """Add the invitations, and name the strata that they make up."""
    assert campaign.id is not None
    make_link = token_maker(runtime.settings.secret())
    rows = [
        {
            "id": number,
            "campaign_id": campaign.id,
            "project_id": standing.project_id,
            "recipient": standing.pi or "",
            "email": address,
            "nonce": (nonce := new_nonce()),
            "token_hash": token_hash(make_link(number, nonce)),
            "stratum": strata.get(standing.project_id),
            "is_used": False,
            "is_released": False,
            "created_at": campaign.created_at,
        }
        for number, (standing, address) in zip(_numbers(session, len(found.asked)), found.asked, strict=True)
    ]
    session.connection().execute(sa.insert(Invitation), rows)
    if campaign.stratify_by:
        asked = {strata[standing.project_id] for standing, _ in found.asked if standing.project_id in strata}
        names = in_order(runtime.profile, campaign.stratify_by, asked)
        session.add_all(CampaignStratum(campaign_id=campaign.id, name=name) for name in names)
    session.flush()


def _numbers(session: Session, many: int) -> list[int]:
    """Return numbers of new invitations, which their links are made from: known beforehand, each row is written once."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        sequence = sa.func.nextval(sa.func.pg_get_serial_sequence("invitation", "id"))
        series = sa.func.generate_series(1, many).table_valued("n")
        return list(connection.execute(sa.select(sequence).select_from(series)).scalars())
    last = connection.execute(sa.select(sa.func.max(col(Invitation.id)))).scalar_one() or 0
    return list(range(last + 1, last + 1 + many))  # nobody else writes to SQLite meanwhile


def _new_campaign(session: Session, runtime: Runtime, actor: Actor, name: str, prepared: Prepared) -> Campaign:
    campaign = Campaign(
        name=name,
        created_at=runtime.clock.now(),
        created_by_id=actor.user_id,
        as_of=prepared.day,
        stratify_by=prepared.stratify_by,
        minimum_persons=runtime.settings.survey_minimum_persons,
        wave_persons=runtime.settings.survey_wave_persons,
        public_key="",
        questionnaire=frozen(runtime.profile),
        letters=load_texts(runtime.profile),
    )
    session.add(campaign)
    session.flush()
    assert campaign.id is not None
    path = key_path(runtime.settings.survey_keys, campaign.id)
    campaign.public_key = make_key(path) if prepared.key is None else prepared.key.give(path)
    _keep_only_if_committed(session, path)
    session.add(campaign)
    session.flush()
    return campaign


def _keep_only_if_committed(session: Session, path: Path) -> None:
    """Destroy the key again if its campaign is rolled back, so that it does not block the next one of its number."""
    kept = []

    def committed(ended: PlainSession) -> None:
        if not ended.in_nested_transaction():
            kept.append(True)

    def rolled_back(ended: PlainSession) -> None:
        if not kept and not ended.in_nested_transaction():
            destroy_key(path)

    sa.event.listen(session, "after_commit", committed)
    sa.event.listen(session, "after_rollback", rolled_back)


def _destroy_once_committed(session: Session, path: Path) -> None:
    def committed(ended: PlainSession) -> None:
        if not ended.in_nested_transaction():
            destroy_key(path)

    sa.event.listen(session, "after_commit", committed)


def note(
    session: Session, runtime: Runtime, actor: Actor, campaign: Campaign, action: str, details: dict[str, object]
) -> None:
    """Write what was done with a campaign into the audit log: numbers only, no person and no address."""
    session.add(
        AuditEntry(
            made_at=runtime.clock.now(),
            actor_id=actor.user_id,
            action=action,
            subject=campaign.name,
            details=details,
        )
    )
    session.flush()


def open_campaign(session: Session, runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Let a draft's letters go out from now on; it closes after the profile's weeks. An open one stays as it is.

    Raises ``RequestRefused`` for a closed or discarded campaign.
    """
    campaign = locked(session, campaign_id)
    today = runtime.clock.today()
    state = state_of(campaign, today)
    if state in (State.CLOSED, State.DISCARDED):
        raise RequestRefused(f"The campaign {campaign.name} is {state}: nothing can be sent any more.")
    if state is State.DRAFT:
        persons = _persons_left(session, campaign_id)
        if persons < SMALLEST_CAMPAIGN:
            raise RequestRefused(
                f"Only {persons} persons are left to be asked; a campaign needs {SMALLEST_CAMPAIGN}. Nothing was sent: "
                "discard the draft, and make a larger one later."
            )
        campaign.opened_at = runtime.clock.now()
        campaign.closes_on = today + timedelta(weeks=runtime.profile.asking.open_weeks)
        session.add(campaign)
        note(session, runtime, actor, campaign, "campaign opened", {"closes_on": campaign.closes_on.isoformat()})
    return campaign


def _persons_left(session: Session, campaign_id: int) -> int:
    rows = session.execute(
        sa.select(col(Invitation.email), col(Invitation.recipient)).where(
            col(Invitation.campaign_id) == campaign_id, col(Invitation.withdrawn_at).is_(None)
        )
    )
    return distinct_persons((row[0], row[1]) for row in rows)


def refresh_wording(session: Session, runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Let a draft take over the profile's questionnaire and letters as they are now.

    Raises ``RequestRefused`` once it was opened: what people were asked does not change any more.
    """
    campaign = locked(session, campaign_id)
    if state_of(campaign, runtime.clock.today()) is not State.DRAFT:
        raise RequestRefused(
            "The wording is frozen once the first letter may be out; a new campaign takes the new one."
        )
    campaign.questionnaire, campaign.letters = frozen(runtime.profile), load_texts(runtime.profile)
    session.add(campaign)
    note(session, runtime, actor, campaign, "campaign wording renewed", {"version": campaign.questionnaire["version"]})
    return campaign


def pause(session: Session, runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Stop letters and reminders until ``resume``; links go on working. Raises ``RequestRefused`` unless open."""
    campaign = locked(session, campaign_id)
    if state_of(campaign, runtime.clock.today()) is not State.OPEN:
        raise RequestRefused("Only an open campaign can be paused.")
    campaign.paused_at = runtime.clock.now()
    session.add(campaign)
    note(session, runtime, actor, campaign, "campaign paused", {})
    return campaign


def resume(session: Session, runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Let letters go out again. Raises ``RequestRefused`` unless paused."""
    campaign = locked(session, campaign_id)
    if state_of(campaign, runtime.clock.today()) is not State.PAUSED:
        raise RequestRefused("Only a paused campaign can be resumed.")
    campaign.paused_at = None
    session.add(campaign)
    note(session, runtime, actor, campaign, "campaign resumed", {})
    return campaign


def discard(session: Session, runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Give up a draft: nobody was asked, so its projects may be asked in another campaign. Its key has no use any more.

    Raises ``RequestRefused`` for a campaign whose letters have begun to go out.
    """
    campaign = locked(session, campaign_id)
    if state_of(campaign, runtime.clock.today()) is not State.DRAFT:
        raise RequestRefused("Only a draft can be discarded; a campaign that was opened is closed instead.")
    now = runtime.clock.now()
    campaign.closed_at, campaign.key_destroyed_at = now, now
    session.add(campaign)
    withdraw_all(session, campaign_id, "The draft was discarded.", runtime)
    note(session, runtime, actor, campaign, "campaign discarded", {})
    _destroy_once_committed(session, key_path(runtime.settings.survey_keys, campaign_id))
    return campaign


def withdraw_all(
    session: Session, campaign_id: int, reason: str, runtime: Runtime, *, only: Sequence[int] | None = None
) -> int:
    """Take back invitations that no letter told of (``only`` these ids); they then do not count as asked."""
    result = session.execute(
        sa.update(Invitation)
        .where(
            col(Invitation.campaign_id) == campaign_id,
            col(Invitation.withdrawn_at).is_(None),
            col(Invitation.is_used).is_(False),  # an uncertain letter may have been answered
            sa.true() if only is None else col(Invitation.id).in_(only),
        )
        .values(withdrawn_at=runtime.clock.now(), withdrawn_reason=reason)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def exclude(session: Session, runtime: Runtime, actor: Actor, code: str, reason: str) -> SurveyExclusion:
    """Take a project off the list of those to ask, with a reason. Raises ``NotFound`` or ``RequestRefused``."""
    person = actor.person_id()
    if not reason.strip():
        raise RequestRefused("Say why this project should not be asked; the reason stays in its history.")
    project = _project(session, code)
    assert project.id is not None
    if _live_exclusion(session, project.id) is not None:
        raise RequestRefused(f"{code} is off the list already.")
    row = SurveyExclusion(project_id=project.id, reason=reason.strip(), actor_id=person, made_at=runtime.clock.now())
    session.add(row)
    session.flush()
    return row


def include(session: Session, runtime: Runtime, actor: Actor, code: str) -> None:
    """Put an excluded project back on the list. Raises ``NotFound`` or ``RequestRefused``."""
    person = actor.person_id()
    project = _project(session, code)
    assert project.id is not None
    row = _live_exclusion(session, project.id)
    if row is None:
        raise RequestRefused(f"{code} is not off the list.")
    row.ended_at, row.ended_by_id = runtime.clock.now(), person
    session.add(row)
    session.flush()


def _project(session: Session, code: str) -> Project:
    project = session.exec(select(Project).where(col(Project.code) == code)).first()
    if project is None:
        raise NotFound(f"There is no project {code!r} in the project list.")
    return project


def _live_exclusion(session: Session, project_id: int) -> SurveyExclusion | None:
    return session.exec(
        select(SurveyExclusion).where(
            col(SurveyExclusion.project_id) == project_id, col(SurveyExclusion.ended_at).is_(None)
        )
    ).first()


def handle_wrong_person(session: Session, runtime: Runtime, actor: Actor, told_id: int) -> WrongPerson:
    """Mark "I am not the right person" as seen to. Raises ``NotFound``."""
    row = session.get(WrongPerson, told_id)
    if row is None:
        raise NotFound(f"There is no such message (number {told_id}).")
    row.handled_at, row.handled_by_id = runtime.clock.now(), actor.person_id()
    session.add(row)
    session.flush()
    return row
