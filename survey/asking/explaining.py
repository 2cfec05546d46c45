"""Where one project stands with the survey and why: every fact the rule looked at, in its order, for a page and a command.

Nothing here knows of an answer, or of whether a link was used: of a letter only the first one is told, because reminders
go to those alone who have not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.errors import NotFound
from biblio.observatory import Asking
from biblio.runtime import Runtime
from biblio.store.current import in_force, papers_under_second_reading, survivor_id
from biblio.store.models import (
    AskedBefore,
    AskingAgain,
    Campaign,
    Candidate,
    CandidateRevision,
    Invitation,
    InvitationLetter,
    ObservationUnit,
    OutboxMail,
    Paper,
    PaperRelation,
    PaperRevision,
    Project,
    SurveyExclusion,
    UnitRevision,
    UserAccount,
)
from biblio.store.words import Band, MailState, Verdict
from survey.asking.asked_for import Question, question
from survey.asking.due import Standing, due
from survey.asking.facts import unreached
from survey.asking.paper_facts import Links, links_of
from survey.asking.rule import CHECKS, Ground, ProjectFacts
from survey.campaign.sending import INVITATION


@dataclass(frozen=True, slots=True)
class Step:
    """One ground of the rule: the fact it looked at, what it says against asking (None: nothing), what would change that.

    ``decides`` is true of the first that stands against asking.
    """

    ground: Ground
    fact: str
    against: str | None
    decides: bool
    change: str


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A paper that has to do with the project: what it is to it. ``paper_id`` is the survivor's."""

    paper_id: int
    title: str
    what: str


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One observation unit with its dates as known on the day."""

    uid: str
    delivered_on: date | None
    released_on: date | None
    is_usable: bool


@dataclass(frozen=True, slots=True)
class AskingLine:
    """One time the project was (or was to be) asked about. ``campaign_id`` None: before biblio kept the list."""

    on: date
    where: str
    what: str
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True)
class ActLine:
    """What a person did about asking: leave to ask again, or taken off the list."""

    made_at: datetime
    who: str
    what: str
    reason: str
    ended_at: datetime | None
    ended: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say of one project. ``has_leave``: leave to ask about it again is open."""

    standing: Standing
    as_of: date
    steps: Sequence[Step]
    papers: Sequence[PaperLine] = ()
    units: Sequence[UnitLine] = ()
    askings: Sequence[AskingLine] = ()
    acts: Sequence[ActLine] = ()
    has_leave: bool = field(default=False)

    @property
    def decider(self) -> Step | None:
        """The step that decided, None when the project is due."""
        return next((step for step in self.steps if step.decides), None)


def project_of_code(session: Session, runtime: Runtime, code: str) -> tuple[int, str]:
    """Return id and code of the project with this code, in any spelling that the grammar reads. Raises ``NotFound``."""
    code = code.strip()[:100]
    for spelt in dict.fromkeys((code, runtime.grammar.canonical(code) or code)):
        found = session.exec(select(Project.id, Project.code).where(col(Project.code) == spelt)).first()
        if found is not None and found[0] is not None:
            return found[0], found[1]
    raise NotFound(f"There is no project {code[:64]!r} in the project list.")


def explain(session: Session, runtime: Runtime, code: str, as_of: date | None = None) -> Explanation | None:
    """Say where a project stands on a day (None: today) and every fact the rule looked at; None: not known on that day.

    Raises ``NotFound`` for a code that no project has.
    """
    number, _code = project_of_code(session, runtime, code)
    asked = question(runtime, as_of, projects=(number,))
    standings = due(session, runtime, as_of, projects=(number,))
    if not standings:
        return None
    standing = standings[0]
    return Explanation(
        standing=standing,
        as_of=asked.as_of,
        steps=steps(standing.facts, runtime.profile.asking, asked.as_of),
        papers=_papers(session, asked, number),
        units=_units(session, asked, number, runtime.profile.asking),
        askings=_askings(session, asked, number),
        acts=_acts(session, asked, number),
        has_leave=standing.facts.may_ask_again,
    )


def last_exclusion(session: Session, code: str) -> str:
    """Return the reason for which a project was last taken off the list; empty when it never was."""
    found = session.exec(
        select(SurveyExclusion.reason)
        .join(Project, col(Project.id) == col(SurveyExclusion.project_id))
        .where(col(Project.code) == code)
        .order_by(col(SurveyExclusion.id).desc())
    ).first()
    return found or ""


# -- the rule, step by step -------------------------------------------------------------------------------------------


def steps(facts: ProjectFacts, asking: Asking, as_of: date) -> list[Step]:
    """Return every ground in the order of the rule with its fact; exactly the first that holds decides."""
    found: list[Step] = []
    decided = False
    for ground, check in CHECKS:
        against = check(facts, asking, as_of)
        told = (
            "Shown when the second reader has judged." if _is_hidden(facts, ground) else _FACTS[ground](facts, asking)
        )
        found.append(
            Step(
                ground,
                told,
                None if _is_hidden(facts, ground) else against,
                against is not None and not decided,
                _DISCARD if ground is Ground.ASKED_BEFORE and facts.is_drafted else _CHANGES[ground],
            )
        )
        decided = decided or against is not None
    return found


def _is_hidden(facts: ProjectFacts, ground: Ground) -> bool:
    """Whether a fact would tell what a second reader must not learn, behind the step that says one is reading."""
    return facts.is_read_again and ground in (Ground.UNDECIDED_CERTAIN, Ground.ARCHIVE_REFERENCE)


def _open_fact(facts: ProjectFacts, asking: Asking) -> str:
    state = f"The registry says {facts.state}" if facts.state else "The registry does not say"
    if facts.state in asking.open_states or facts.state in asking.closed_states:
        return f"{state}."
    if facts.cycle_ends_on is None:
        return f"{state}, and its cycle has no end in the profile."
    return f"{state}; its cycle ended on {facts.cycle_ends_on}, carry-over {asking.carry_over_months} months."


def _papers_fact(facts: ProjectFacts, asking: Asking) -> str:
    refereed = "A refereed science paper is accepted" if facts.has_refereed else "No refereed science paper is accepted"
    if facts.preprint_on is None:
        return f"{refereed}; no science preprint."
    until = asking.preprint_counts_until(facts.preprint_on)
    return f"{refereed}; the youngest science preprint is of {facts.preprint_on} and counts until {until}."


def _asked_fact(facts: ProjectFacts, asking: Asking) -> str:
    if facts.asked_on is None:
        return "Never asked about."
    told = f"On the list of a draft since {facts.asked_on}" if facts.is_drafted else f"Last asked on {facts.asked_on}"
    return f"{told}; leave to ask once more was given since." if facts.may_ask_again else f"{told}."


def _grace_fact(facts: ProjectFacts, asking: Asking) -> str:
    if facts.last_release_on is None:
        return "Not known without a release date."
    return f"{asking.grace_years} calendar years after {facts.last_release_on}: due from {asking.due_from(facts.last_release_on)} (UTC)."


_FACTS: dict[Ground, Callable[[ProjectFacts, Asking], str]] = {
    Ground.NOT_PI_PROJECT: lambda f, a: (
        f"{'A PI project' if f.is_pi_project else 'A project of the observatory'} (kind {f.kind or 'unknown'})."
    ),
    Ground.NOTHING_DELIVERED: lambda f, a: (
        f"{f.delivered_units} delivered observation unit{'' if f.delivered_units == 1 else 's'}."
    ),
    Ground.STILL_OPEN: _open_fact,
    Ground.NO_RELEASE_DATE: lambda f, a: (
        f"Last usable release date: {f.last_release_on}." if f.last_release_on else "No usable release date."
    ),
    Ground.STILL_PROPRIETARY: lambda f, a: (
        f"The last unit's release: {f.last_release_on} (UTC)."
        if f.last_release_on
        else "Not known without a release date."
    ),
    Ground.WITHIN_GRACE: _grace_fact,
    Ground.NOT_SILENT: _papers_fact,
    Ground.READ_AGAIN: lambda f, a: (
        "A second reader has yet to judge one of its papers." if f.is_read_again else "No second reading is open."
    ),
    Ground.UNDECIDED_CERTAIN: lambda f, a: (
        f"{f.undecided_certain or 'No'} certain candidate{'' if f.undecided_certain == 1 else 's'} undecided."
    ),
    Ground.ARCHIVE_REFERENCE: lambda f, a: (
        f"The archive names, unjudged here: {', '.join(f.unverified_references)}."
        if f.unverified_references
        else "The archive names no paper that nobody has judged here."
    ),
    Ground.ASKED_BEFORE: _asked_fact,
    Ground.OPTED_OUT: lambda f, a: (
        "The PI's address opted out." if f.has_opted_out else "The PI's address did not opt out."
    ),
    Ground.NO_ADDRESS: lambda f, a: (
        "No usable address is known."
        if not f.has_address
        else "Letters to the address came back for good."
        if f.is_dead_address
        else "An address is known."
    ),
    Ground.EXCLUDED: lambda f, a: "Nobody took it off the list." if f.excluded is None else f"Taken off: {f.excluded}",
}

_CHANGES: dict[Ground, str] = {
    Ground.NOT_PI_PROJECT: "Nothing: it has no PI to ask.",
    Ground.NOTHING_DELIVERED: "A delivery of one of its units, told by the project list.",
    Ground.STILL_OPEN: "The registry says that observing has ended, complete or not; without a word of it, time.",
    Ground.NO_RELEASE_DATE: "A release date in the project list.",
    Ground.STILL_PROPRIETARY: "Time, or another release date in the project list.",
    Ground.WITHIN_GRACE: "Time, or another release date in the project list.",
    Ground.NOT_SILENT: "The accepted paper is rejected or is no science with our data; a preprint grows too old.",
    Ground.READ_AGAIN: "The second reader judges.",
    Ground.UNDECIDED_CERTAIN: "A librarian accepts or rejects the candidate.",
    Ground.ARCHIVE_REFERENCE: "A librarian accepts or rejects the paper that the archive names.",
    Ground.ASKED_BEFORE: "A manager or head librarian gives leave to ask once more, with a reason.",
    Ground.OPTED_OUT: "Nothing: an opt-out is honoured for ever.",
    Ground.NO_ADDRESS: "An address in the project list that works; a librarian's word that one works again.",
    Ground.EXCLUDED: "A head librarian puts it back on the list.",
}

_DISCARD = "A head librarian discards the draft."


# -- what stands behind the facts -------------------------------------------------------------------------------------


def _papers(session: Session, asked: Question, project: int) -> list[PaperLine]:
    links = links_of(session, asked)
    hidden = set(session.execute(papers_under_second_reading(asked.known_by)).scalars())
    found = {paper: f"judged: {_JUDGED[verdict]}" for (paper, _), verdict in links.items()}
    for paper in _certain(session, asked, project, links):
        found[paper] = "a certain candidate that nobody has decided"
    shown = sorted(set(found) - hidden)
    facts = _paper_facts(session, asked, shown)
    return [PaperLine(paper, facts[paper][0], f"{found[paper]}{facts[paper][1]}") for paper in shown if paper in facts]


_JUDGED: dict[str, str] = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNSURE: "unsure"}


def _certain(session: Session, asked: Question, project: int, links: Links) -> set[int]:
    rows = session.execute(
        sa.select(survivor_id())
        .select_from(Candidate)
        .join(Paper, col(Paper.id) == col(Candidate.paper_id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(
            in_force(col(CandidateRevision.suggested_at), col(CandidateRevision.superseded_at), asked.known_by),
            col(CandidateRevision.band) == Band.CERTAIN,
            col(Candidate.project_id) == project,
        )
    ).scalars()
    return {paper for paper in rows if links.get((paper, project)) in (None, Verdict.UNSURE)}


def _paper_facts(session: Session, asked: Question, papers: Sequence[int]) -> dict[int, tuple[str, str]]:
    relations = dict(
        session.execute(
            sa.select(survivor_id(), col(PaperRelation.relation))
            .select_from(PaperRelation)
            .join(Paper, col(Paper.id) == col(PaperRelation.paper_id))
            .where(
                in_force(col(PaperRelation.decided_at), col(PaperRelation.ended_at), asked.known_by),
                survivor_id().in_(papers),
            )
            .order_by(col(PaperRelation.id))
        )
        .all()
    )  # fmt: skip
    revision = PaperRevision
    rows = session.execute(
        sa.select(
            col(revision.paper_id), col(revision.title), col(revision.is_refereed), col(revision.preprint_on)
        ).where(
            in_force(col(revision.learned_at), col(revision.superseded_at), asked.known_by),
            col(revision.paper_id).in_(papers),
        )
    )
    found = {}
    for paper, title, is_refereed, preprint_on in rows:
        kind = "refereed" if is_refereed else f"not refereed{f', preprint of {preprint_on}' if preprint_on else ''}"
        relation = relations.get(paper)
        words = f"; {kind}; {relation.value.replace('_', ' ')}" if relation else f"; {kind}"
        found[paper] = (title or "(no title)", words)
    return found


def _units(session: Session, asked: Question, project: int, asking: Asking) -> list[UnitLine]:
    rows = session.execute(
        sa.select(col(ObservationUnit.uid), col(UnitRevision.delivered_on), col(UnitRevision.released_on))
        .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
        .where(
            col(ObservationUnit.project_id) == project,
            in_force(col(UnitRevision.learned_at), col(UnitRevision.superseded_at), asked.known_by),
        )
        .order_by(col(UnitRevision.released_on).desc(), col(ObservationUnit.uid))
    )
    return [UnitLine(uid, delivered, released, asking.is_usable(released)) for uid, delivered, released in rows]


def _askings(session: Session, asked: Question, project: int) -> list[AskingLine]:
    sent = (
        sa.select(sa.func.min(col(OutboxMail.sent_at)))
        .join(InvitationLetter, col(InvitationLetter.outbox_mail_id) == col(OutboxMail.id))
        .where(
            col(InvitationLetter.invitation_id) == col(Invitation.id),
            col(OutboxMail.kind) == INVITATION,
            col(OutboxMail.state) == MailState.SENT,
        )
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(Invitation, Campaign, sent, col(Invitation.id).in_(unreached(asked)))
        .join(Campaign, col(Campaign.id) == col(Invitation.campaign_id))
        .where(col(Invitation.project_id) == project, asked.learned(col(Invitation.created_at)))
        .order_by(col(Invitation.id))
    )
    found = [
        AskingLine(row.created_at.date(), campaign.name, _what_became(row, campaign, sent_at, came_back), campaign.id)
        for row, campaign, sent_at, came_back in rows
    ]
    before = session.exec(
        select(AskedBefore).where(
            col(AskedBefore.project_id) == project,
            col(AskedBefore.asked_on) <= asked.as_of,
            asked.learned(col(AskedBefore.learned_at)),
        )
    )
    found += [AskingLine(row.asked_on, f"earlier list {row.source}", "asked") for row in before]
    return sorted(found, key=lambda line: line.on, reverse=True)


def _what_became(row: Invitation, campaign: Campaign, sent_at: datetime | None, came_back: bool) -> str:
    if row.withdrawn_at is not None:
        return f"taken back, so it does not count: {row.withdrawn_reason or 'no reason given'}"
    if came_back:
        return "all letters came back, so it does not count"
    if sent_at is not None:
        return f"letter sent on {sent_at.date()}"
    return "on the list of the draft" if campaign.opened_at is None else "no letter was sent yet"


def _acts(session: Session, asked: Question, project: int) -> list[ActLine]:
    found = []
    kinds: tuple[tuple[Any, str, str, str], ...] = (
        (AskingAgain, "leave to ask once more", "used by a letter", "taken back"),
        (SurveyExclusion, "taken off the list", "put back", "put back"),
    )
    for model, what, ended, ended_by_hand in kinds:
        rows = session.execute(
            sa.select(model, col(UserAccount.name))
            .join(UserAccount, col(UserAccount.id) == col(model.actor_id))
            .where(col(model.project_id) == project, asked.learned(col(model.made_at)))
        )
        for row, who in rows:
            how = "" if row.ended_at is None else ended_by_hand if row.ended_by_id is not None else ended
            found.append(ActLine(row.made_at, who, what, row.reason, row.ended_at, how))
    return sorted(found, key=lambda act: act.made_at, reverse=True)
