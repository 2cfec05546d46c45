"""Which projects are due to be asked: their facts as known on a day (``survey.asking.facts``), judged by ``survey.asking.rule``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from sqlmodel import Session

from biblio.garbage import collecting_later
from biblio.runtime import Runtime
from survey.asking.asked_for import Question, question
from survey.asking.facts import (
    NO_PAPERS,
    NO_UNITS,
    asked_without_leave,
    projects_of,
    read_facts,
    read_persons,
    units_of,
)
from survey.asking.paper_facts import links_of, papers_of
from survey.asking.rule import OF_THE_DATA, Ground, Judge, Judgement, ProjectFacts, is_silent, judge


@dataclass(slots=True)  # frozen, a hundred thousand take half a second longer
class Standing:
    """Where one project stands with the survey. ``email`` is for the sender only and never printed.

    ``facts`` are complete where single projects were asked for; of all projects, what stands last in the rule (the
    address) is looked at only where nothing else stands against asking.
    """

    project_id: int
    code: str
    cycle: str | None
    title: str | None
    pi: str | None
    email: str | None = field(repr=False)
    facts: ProjectFacts = field(repr=False)
    judgement: Judgement = field(default_factory=lambda: Judgement(None, ""))
    category: str | None = None
    partner: str | None = None

    @property
    def is_eligible(self) -> bool:
        """Whether the PI should be asked."""
        return self.judgement.is_eligible


_PERSON_MATTERS = frozenset({None, Ground.EXCLUDED})
"""What the rule says while it knows nothing against the address, where the address could yet change it."""


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
    asked = question(runtime, as_of, projects=projects, ignoring=ignoring)
    with collecting_later():
        return _judged(session, runtime, asked)


def _judged(session: Session, runtime: Runtime, asked: Question) -> list[Standing]:
    judged, completed = Judge(runtime.profile.asking, asked.as_of), read_persons(session, runtime, asked)
    is_few, found = asked.projects is not None, []
    for (number, code, cycle, _, _, _, title, pi, email, category, partner), facts in read_facts(
        session, runtime, asked
    ):
        judgement, complete = judged(facts), facts
        if is_few or judgement.ground in _PERSON_MATTERS:
            complete = completed(facts, email)
            if complete is not facts:
                judgement = judged(complete)
        found.append(Standing(number, code, cycle, title, pi, email, complete, judgement, category, partner))
    return found


def asked_about(session: Session, runtime: Runtime) -> set[int]:
    """Return the projects that stand on a list by now, or were asked about, without leave to ask about them again."""
    return asked_without_leave(session, question(runtime, None))


def still_silent(session: Session, runtime: Runtime, project_id: int) -> bool:
    """Whether a project is silent at this moment: asked by the questionnaire's page in its own unit of work.

    Papers count by what is in force, also while a second reader has yet to judge: their authors know them anyway.
    """
    asked = question(runtime, None, projects=(project_id,), is_blind=False)
    known = any(True for _row in projects_of(session, asked))
    return known and is_silent(_of_papers(session, asked, project_id), runtime.profile.asking, asked.as_of)


def _of_papers(session: Session, asked: Question, project_id: int) -> ProjectFacts:
    """The facts of one project that its papers alone decide."""
    refereed, preprint = papers_of(session, asked, links_of(session, asked)).get(project_id, NO_PAPERS)
    return ProjectFacts(has_refereed=refereed, preprint_on=preprint)


def what_ended_asking(session: Session, runtime: Runtime, project_id: int) -> Ground | None:
    """Return why a project that was asked about must not be asked any more at this moment, or None.

    NOT_SILENT when a publication was found (it comes first); else a ground of the project list, such as WITHIN_GRACE
    after its release date moved. For the questionnaire's page, in its own unit of work; papers count as in
    ``still_silent``, and what has to do with the person (asked before, opted out) does not.
    """
    asked = question(runtime, None, projects=(project_id,), is_blind=False)
    asking = runtime.profile.asking
    facts = _of_papers(session, asked, project_id)
    if not is_silent(facts, asking, asked.as_of):
        return Ground.NOT_SILENT
    for _number, _code, cycle, kind, is_pi_project, state, *_rest in projects_of(session, asked):
        facts.is_pi_project, facts.kind, facts.state = is_pi_project, kind, state
        known = runtime.profile.cycle(cycle or "")
        facts.cycle_ends_on = known.ends_on if known else None
    units = units_of(session, asked, asking.no_release_date)
    facts.delivered_units, facts.last_release_on = units.get(project_id, NO_UNITS)
    ground = judge(facts, asking, asked.as_of).ground
    return ground if ground in OF_THE_DATA else None
