"""Which projects are due to be asked: the facts of all projects as known on a day, judged by ``survey.rule``.

Every kind of fact is read by one statement over all projects, so the number of statements does not grow with the
registry. The past is honoured: with an earlier ``as_of`` only what was known by the end of that day (UTC) counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.references import papers_of_bibcodes
from biblio.runtime import Runtime
from biblio.store.current import (
    accepted_science,
    in_force,
    live_links,
    papers_under_second_reading,
    projects_under_second_reading,
    survivor_id,
)
from biblio.store.models import (
    ArchiveReference,
    AskedBefore,
    Candidate,
    CandidateRevision,
    Invitation,
    ObservationUnit,
    OptOut,
    Paper,
    PaperIdentifier,
    PaperRevision,
    Project,
    ProjectRevision,
    SurveyExclusion,
    UnitRevision,
)
from biblio.store.words import NEVER_PREPRINTS, Band, Scheme, Verdict
from survey.rule import Judgement, ProjectFacts, is_silent, judge
from survey.tokens import address_hash

_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one project stands with the survey. ``email`` is for the sender only and never printed."""

    project_id: int
    code: str
    cycle: str | None
    title: str | None
    pi: str | None
    email: str | None = field(repr=False)
    facts: ProjectFacts = field(repr=False)
    judgement: Judgement = field(default_factory=lambda: Judgement(None, ""))

    @property
    def is_eligible(self) -> bool:
        """Whether the PI should be asked."""
        return self.judgement.is_eligible


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of the database: which day, which projects (None: all), and which campaign to look away from.

    ``is_blind``: the answer is seen by people who must not learn what a second reader has yet to judge.
    """

    as_of: date
    known_by: datetime | None
    projects: tuple[int, ...] | None
    ignoring: int | None
    is_blind: bool = True

    def among(self, column: Any) -> Any:
        return sa.true() if self.projects is None else column.in_(self.projects)

    def learned(self, column: Any) -> Any:
        return sa.true() if self.known_by is None else column <= self.known_by


def due(
    session: Session,
    runtime: Runtime,
    as_of: date | None = None,
    *,
    projects: Collection[int] | None = None,
    ignoring: int | None = None,
) -> list[Standing]:
    """Return where every project stands on ``as_of`` (None: today), one row per project, by code.

    ``projects`` limits it to these ids; ``ignoring`` is a campaign whose own invitations do not count as asked (for
    its sender and its pages).
    """
    today = runtime.clock.today()
    day = as_of or today
    known_by = None if day >= today else datetime.combine(day, time.max, UTC)
    question = _Question(day, known_by, None if projects is None else tuple(projects), ignoring)
    asking = runtime.profile.asking
    return [
        Standing(
            project_id=row.id,
            code=row.code,
            cycle=row.cycle,
            title=row.title,
            pi=row.pi,
            email=row.pi_email,
            facts=facts,
            judgement=judge(facts, asking, day),
        )
        for row, facts in _all_facts(session, runtime, question)
    ]


def still_silent(session: Session, runtime: Runtime, project_id: int) -> bool:
    """Whether a project is silent at this moment: asked by the questionnaire's page in its own unit of work.

    Papers count by what is in force, also while a second reader has yet to judge: their authors know them anyway.
    """
    question = _Question(runtime.clock.today(), None, (project_id,), None, is_blind=False)
    for _row, facts in _all_facts(session, runtime, question):
        return is_silent(facts, runtime.profile.asking, question.as_of)
    return False


def _all_facts(session: Session, runtime: Runtime, question: _Question) -> Iterable[tuple[Any, ProjectFacts]]:
    units = _units(session, question, runtime.profile.asking.no_release_date)
    papers = _papers(session, question)
    read_again = projects_under_second_reading(session, question.known_by) if question.is_blind else set()
    certain = _undecided_certain(session, question)
    references = _unverified_references(session, question)
    asked = _asked(session, question)
    excluded = _excluded(session, question)
    opted_out = _opted_out(session, question)
    secret = runtime.settings.secret() if opted_out else ""
    ends = {cycle.key: cycle.ends_on for cycle in runtime.profile.cycles}
    for row in _projects(session, question):
        delivered, released = units.get(row.id, (0, None))
        refereed, preprint = papers.get(row.id, (False, None))
        yield (
            row,
            ProjectFacts(
                is_pi_project=row.is_pi_project,
                kind=row.kind,
                delivered_units=delivered,
                state=row.state,
                cycle_ends_on=ends.get(row.cycle or ""),
                last_release_on=released,
                has_refereed=refereed,
                preprint_on=preprint,
                is_read_again=row.id in read_again,
                undecided_certain=certain.get(row.id, 0),
                unverified_references=references.get(row.id, ()),
                asked_on=asked.get(row.id),
                has_opted_out=bool(opted_out and row.pi_email and address_hash(secret, row.pi_email) in opted_out),
                has_address=bool(row.pi_email and _ADDRESS.fullmatch(row.pi_email.strip())),
                excluded=excluded.get(row.id),
            ),
        )


def _projects(session: Session, question: _Question) -> Any:
    revision = ProjectRevision
    return session.execute(
        sa.select(
            col(Project.id),
            col(Project.code),
            col(Project.cycle),
            col(Project.kind),
            col(Project.is_pi_project),
            col(revision.title),
            col(revision.pi),
            col(revision.pi_email),
            col(revision.state),
        )
        .outerjoin(
            revision,
            sa.and_(
                col(revision.project_id) == col(Project.id),
                in_force(col(revision.learned_at), col(revision.superseded_at), question.known_by),
            ),
        )
        .where(question.among(col(Project.id)), question.learned(col(Project.first_seen_at)))
        .order_by(col(Project.code))
    ).all()


def _units(session: Session, question: _Question, unusable: tuple[date, ...]) -> dict[int, tuple[int, date | None]]:
    """Per project: how many units are delivered, and the last usable release date.

    Where the registry tells no delivery date, a unit with any release date counts as delivered: archives date what
    they hold, and give even undated data a far-off date.
    """
    delivered_on, released_on = col(UnitRevision.delivered_on), col(UnitRevision.released_on)
    delivered = sa.or_(delivered_on <= question.as_of, sa.and_(delivered_on.is_(None), released_on.is_not(None)))
    rows = session.execute(
        sa.select(
            col(ObservationUnit.project_id),
            sa.func.sum(sa.case((delivered, 1), else_=0)),
            sa.func.max(sa.case((released_on.not_in(unusable), released_on), else_=None)),
        )
        .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
        .where(
            in_force(col(UnitRevision.learned_at), col(UnitRevision.superseded_at), question.known_by),
            question.among(col(ObservationUnit.project_id)),
        )
        .group_by(col(ObservationUnit.project_id))
    )
    return {project: (count, last) for project, count, last in rows}


def _papers(session: Session, question: _Question) -> dict[int, tuple[bool, date | None]]:
    """Per project: whether an accepted science paper is refereed, and the day of the youngest such preprint."""
    science = accepted_science(question.known_by)
    revision = PaperRevision
    counts = sa.or_(col(revision.kind).is_(None), col(revision.kind).not_in(NEVER_PREPRINTS))
    rows = session.execute(
        sa.select(
            science.c.project_id,
            sa.func.max(sa.case((col(revision.is_refereed), 1), else_=0)),
            sa.func.max(sa.case((counts, col(revision.preprint_on)), else_=None)),
        )
        .join(revision, col(revision.paper_id) == science.c.paper_id)
        .where(
            in_force(col(revision.learned_at), col(revision.superseded_at), question.known_by),
            question.among(science.c.project_id),
            science.c.paper_id.not_in(papers_under_second_reading(question.known_by))
            if question.is_blind
            else sa.true(),
        )
        .group_by(science.c.project_id)
    )
    return {project: (bool(refereed), preprint) for project, refereed, preprint in rows}


def _undecided_certain(session: Session, question: _Question) -> dict[int, int]:
    """Per project: how many papers are certain candidates that nobody has accepted or rejected."""
    links = live_links(question.known_by)
    paper = survivor_id()
    rows = session.execute(
        sa.select(col(Candidate.project_id), sa.func.count(sa.distinct(paper)))
        .join(Paper, col(Paper.id) == col(Candidate.paper_id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .outerjoin(links, sa.and_(links.c.paper_id == paper, links.c.project_id == col(Candidate.project_id)))
        .where(
            in_force(col(CandidateRevision.suggested_at), col(CandidateRevision.superseded_at), question.known_by),
            col(CandidateRevision.band) == Band.CERTAIN,
            sa.or_(links.c.verdict.is_(None), links.c.verdict == Verdict.UNSURE),
            question.among(col(Candidate.project_id)),
        )
        .group_by(col(Candidate.project_id))
    )
    return {row[0]: row[1] for row in rows}


def _unverified_references(session: Session, question: _Question) -> dict[int, tuple[str, ...]]:
    """Per project: the bibcodes the archive lists that nobody has accepted or rejected here."""
    links = live_links(question.known_by)
    judged = (
        sa.select(links.c.project_id, col(PaperIdentifier.value).label("bibcode"))
        .join(Paper, survivor_id() == links.c.paper_id)
        .join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
        .where(col(PaperIdentifier.scheme) == Scheme.BIBCODE, links.c.verdict != Verdict.UNSURE)
        .distinct()
        .subquery("judged")
    )
    rows = session.execute(
        sa.select(col(ArchiveReference.project_id), col(ArchiveReference.bibcode))
        .outerjoin(
            judged,
            sa.and_(
                judged.c.project_id == col(ArchiveReference.project_id),
                judged.c.bibcode == col(ArchiveReference.bibcode),
            ),
        )
        .where(
            judged.c.bibcode.is_(None),
            question.learned(col(ArchiveReference.learned_at)),
            question.among(col(ArchiveReference.project_id)),
        )
        .order_by(col(ArchiveReference.bibcode))
    )
    open_references = [(project, bibcode) for project, bibcode in rows]
    # A preprint's bibcode may name a paper that is known here by its article's: the arXiv number in it tells.
    papers = papers_of_bibcodes(session, {bibcode for _, bibcode in open_references})
    verdicts = session.execute(
        sa.select(links.c.project_id, survivor_id())
        .join(Paper, col(Paper.id) == links.c.paper_id)
        .where(links.c.verdict != Verdict.UNSURE, survivor_id().in_(set(papers.values())))
    )
    decided = {(project, paper) for project, paper in verdicts}
    found: dict[int, list[str]] = defaultdict(list)
    for project, bibcode in open_references:
        if (project, papers.get(bibcode)) not in decided:
            found[project].append(bibcode)
    return {project: tuple(bibcodes) for project, bibcodes in found.items()}


def _asked(session: Session, question: _Question) -> dict[int, date]:
    """Per project: the day it was last asked, here or before biblio kept the list."""
    invited = session.execute(
        sa.select(col(Invitation.project_id), sa.func.max(col(Invitation.created_at)))
        .where(
            question.learned(col(Invitation.created_at)),
            sa.or_(col(Invitation.withdrawn_at).is_(None), sa.not_(question.learned(col(Invitation.withdrawn_at)))),
            sa.true() if question.ignoring is None else col(Invitation.campaign_id) != question.ignoring,
            question.among(col(Invitation.project_id)),
        )
        .group_by(col(Invitation.project_id))
    )
    asked = {project: moment.date() for project, moment in invited}
    before = session.execute(
        sa.select(col(AskedBefore.project_id), sa.func.max(col(AskedBefore.asked_on)))
        .where(
            col(AskedBefore.asked_on) <= question.as_of,
            question.learned(col(AskedBefore.learned_at)),
            question.among(col(AskedBefore.project_id)),
        )
        .group_by(col(AskedBefore.project_id))
    )
    for project, day in before:
        asked[project] = max(day, asked.get(project, day))
    return asked


def _excluded(session: Session, question: _Question) -> dict[int, str]:
    rows = session.execute(
        sa.select(col(SurveyExclusion.project_id), col(SurveyExclusion.reason)).where(
            in_force(col(SurveyExclusion.made_at), col(SurveyExclusion.ended_at), question.known_by),
            question.among(col(SurveyExclusion.project_id)),
        )
    )
    return {row[0]: row[1] for row in rows}


def _opted_out(session: Session, question: _Question) -> set[str]:
    return set(
        session.execute(sa.select(col(OptOut.address_hash)).where(question.learned(col(OptOut.made_at)))).scalars()
    )
