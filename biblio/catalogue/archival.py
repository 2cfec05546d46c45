"""PI data or archive data, paper by paper: who among the authors is in the teams of the projects whose data it used.

The rules and what settles a name are in ``matching.authorship``; here they meet the store. A paper's projects are those
that a person accepted for it; the team is the one the registry knows today (or knew at ``as_of``), not the one at the
time of the observations, which no registry keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.catalogue.readable import harmless
from biblio.store.current import in_force
from biblio.store.models import Link, Paper, PaperAuthor, PaperRevision, Project, ProjectRevision
from biblio.store.words import Verdict
from matching.authorship import (
    Archival,
    AuthorList,
    DataUse,
    Doubt,
    Meeting,
    Member,
    Overlap,
    Team,
    TeamOverlap,
    archival,
    data_use,
    overlap,
    team_overlap,
)

CHUNK = 500
"""Papers per round of queries (SQLite's oldest limit is 999 parameters)."""

DATA_USE_NAMES = {
    DataUse.PI: "PI data",
    DataUse.BOTH: "archive and PI",
    DataUse.ARCHIVE: "archive only",
    DataUse.UNDETERMINED: "undetermined",
}
"""How pages write the tags."""


@dataclass(frozen=True, slots=True)
class ProjectUse:
    """What a paper's authors have to do with the team of one project whose data it used."""

    project_id: int
    code: str
    overlap: Overlap
    doubt: Doubt | None
    meetings: tuple[Meeting, ...]
    sentence: str
    """Why, for a person to read; names in it are strangers', without signs that would turn the line around."""


@dataclass(frozen=True, slots=True)
class ArchivalClass:
    """One paper by both published rules, with what they rest on per project, in the order of codes.

    ``data_use`` is the tag of the one rule, ``archival`` the class of the other (``matching.authorship``). They follow from the same overlaps.
    """

    paper_id: int
    data_use: DataUse
    archival: Archival
    projects: tuple[ProjectUse, ...]

    @property
    def name(self) -> str:
        """The tag as pages write it."""
        return DATA_USE_NAMES[self.data_use]


@dataclass(frozen=True, slots=True)
class _Team:
    """One project with the people whom its registry names."""

    code: str
    members: tuple[Member, ...]
    is_proposed: bool

    @classmethod
    def of(cls, code: str, pi: str | None, co_is: Iterable[str], *, is_proposed: bool) -> _Team:
        """Return the team of a project, each person once."""
        members = [Member(pi, is_pi=True)] if pi else []
        members += [Member(name) for name in dict.fromkeys(co_is) if name and name != pi]
        return cls(code, tuple(members), is_proposed)


@dataclass(frozen=True, slots=True)
class UsedProject:
    """A project that was accepted for a paper, as the registry knows it."""

    project_id: int
    code: str
    pi: str | None
    co_is: tuple[str, ...]
    is_proposed: bool


class Teams:
    """The teams of projects as the registry knows them now, each read from the store once."""

    def __init__(self) -> None:
        self._known: dict[int, _Team] = {}
        self._filed: dict[int, Team] = {}

    def learn(self, session: Session, project_ids: Iterable[int]) -> None:
        """Read the teams of those projects that were not met before; one query per 900."""
        _load_teams(session, set(project_ids) - self._known.keys(), None, self._known)

    def data_use(self, printed: Sequence[str], project_ids: Iterable[int]) -> DataUse:
        """Return the tag of a paper by its printed authors and the projects it used, whose teams must have been read.

        It is the ``data_use`` of its ``ArchivalClass``, without what a person reads beside it.
        """
        authors = AuthorList(printed)
        return data_use(
            overlap(authors, self._team(project), is_proposed=self._known[project].is_proposed)
            for project in project_ids
        )

    def _team(self, project: int) -> Team:
        if project not in self._filed:
            self._filed[project] = Team(self._known[project].members)
        return self._filed[project]


def archival_class(paper_id: int, printed: Sequence[str], used: Sequence[UsedProject]) -> ArchivalClass | None:
    """Return the class of a paper whose printed authors and accepted projects are known; None where it used none."""
    teams = {one.project_id: _Team.of(one.code, one.pi, one.co_is, is_proposed=one.is_proposed) for one in used}
    return _classified(paper_id, printed, teams, teams) if teams else None


def archival_classes(
    session: Session, paper_ids: Iterable[int], *, as_of: datetime | None = None
) -> dict[int, ArchivalClass]:
    """Return the class of each paper that has an accepted project, by the paper that stands for it.

    Ids of papers that were merged are answered under their survivor. ``as_of`` None means now; a moment means the links,
    authors and teams known then (merges as they are today). Four queries per ``CHUNK`` papers, however many projects.
    """
    wanted = sorted(set(paper_ids))
    teams: dict[int, _Team] = {}
    found: dict[int, ArchivalClass] = {}
    for start in range(0, len(wanted), CHUNK):
        groups = _groups(session, wanted[start : start + CHUNK])
        used = _accepted(session, groups, as_of)
        _load_teams(session, {p for projects in used.values() for p in projects} - teams.keys(), as_of, teams)
        authors = _authors(session, list(used), as_of)
        for paper_id, projects in used.items():
            found[paper_id] = _classified(paper_id, authors.get(paper_id, []), projects, teams)
    return found


def _classified(
    paper_id: int, printed: Sequence[str], projects: Iterable[int], teams: dict[int, _Team]
) -> ArchivalClass:
    authors = AuthorList(printed)
    uses = sorted((_use(project, teams[project], authors) for project in projects), key=lambda use: use.code)
    overlaps = [use.overlap for use in uses]
    return ArchivalClass(paper_id, data_use(overlaps), archival(overlaps), tuple(uses))


def _use(project_id: int, team: _Team, authors: AuthorList) -> ProjectUse:
    found = team_overlap(authors, team.members, is_proposed=team.is_proposed)
    sentence = _sentence(found, team, len(authors.printed))
    return ProjectUse(project_id, team.code, found.overlap, found.doubt, found.meetings, sentence)


def _sentence(found: TeamOverlap, team: _Team, count: int) -> str:
    """Say why, with the first author who settles it (the PI before co-Is) or leaves it open."""
    code = team.code
    if not team.is_proposed:
        return f"{code} was proposed by nobody, so that its data are everybody's."
    if found.meetings:
        one = min(found.meetings, key=lambda m: (not m.is_pi, m.position))
        role = "PI" if one.is_pi else "co-I"
        who = f"Author {one.position} of {count}, {harmless(one.author[:80])},"
        if found.overlap is Overlap.YES:
            others = len(found.meetings) - 1
            more = (
                f", and {others} more of the team {'is an author' if others == 1 else 'are authors'}" if others else ""
            )
            return f"{who} is {role} of {code}{more}."
        return f"{who} may be {harmless(one.member[:80])}, {role} of {code}: the name alone does not tell."
    people = len(team.members)
    if found.overlap is Overlap.NO:
        who = "The author is not" if count == 1 else f"None of the {count} authors is"
        return f"{who} among the {people} people of {code}."
    return {
        Doubt.NO_TEAM_KNOWN: f"The project list names no people of {code}.",
        Doubt.NO_AUTHORS: "No source gives the paper's authors.",
        Doubt.LIST_CUT: f"Nobody of {code} is among the authors named, but the list of authors is not whole.",
        Doubt.ONLY_PI_KNOWN: f"Of {code} only the PI is known, who is not among the authors.",
    }[found.doubt or Doubt.NO_TEAM_KNOWN]


# -- what is read -----------------------------------------------------------------------------------------------------


def _groups(session: Session, paper_ids: Sequence[int]) -> dict[int, int]:
    """Return the survivor of every paper that belongs to a group of which ``paper_ids`` name one."""
    one = sa.select(sa.func.coalesce(col(Paper.merged_into_id), col(Paper.id))).where(col(Paper.id).in_(paper_ids))
    rows = session.execute(
        sa.select(col(Paper.id), sa.func.coalesce(col(Paper.merged_into_id), col(Paper.id))).where(
            sa.or_(col(Paper.id).in_(one), col(Paper.merged_into_id).in_(one))
        )
    )
    return dict(rows.all())


def _accepted(session: Session, groups: dict[int, int], as_of: datetime | None) -> dict[int, list[int]]:
    """Return the accepted projects by survivor; where papers that became one were judged apart, the later decision counts."""
    verdicts: dict[int, dict[int, Verdict]] = {}
    for part in chunks(groups):
        rows = session.execute(
            sa.select(col(Link.paper_id), col(Link.project_id), col(Link.verdict))
            .where(col(Link.paper_id).in_(part), in_force(col(Link.decided_at), col(Link.ended_at), as_of))
            .order_by(col(Link.id))
        )
        for paper, project, verdict in rows:
            verdicts.setdefault(groups[paper], {})[project] = verdict
    accepted = {
        paper: [project for project, verdict in judged.items() if verdict is Verdict.ACCEPT]
        for paper, judged in sorted(verdicts.items())
    }
    return {paper: projects for paper, projects in accepted.items() if projects}


def _load_teams(session: Session, missing: set[int], as_of: datetime | None, teams: dict[int, _Team]) -> None:
    """Add the teams of projects that were not met before."""
    facts = ProjectRevision
    for part in chunks(sorted(missing)):
        rows = session.execute(
            sa.select(col(Project.id), col(Project.code), col(Project.is_pi_project), col(facts.pi), col(facts.co_is))
            .outerjoin(
                facts,
                sa.and_(
                    col(facts.project_id) == col(Project.id),
                    in_force(col(facts.learned_at), col(facts.superseded_at), as_of),
                ),
            )
            .where(col(Project.id).in_(part))
        )
        for project, code, is_proposed, pi, co_is in rows:
            teams[project] = _Team.of(code, pi, co_is or (), is_proposed=is_proposed)


def _authors(session: Session, paper_ids: Sequence[int], as_of: datetime | None) -> dict[int, list[str]]:
    """Return the printed authors of each paper, in order."""
    found: dict[int, list[str]] = {}
    for part in chunks(paper_ids):
        rows: Any = session.execute(
            sa.select(col(PaperRevision.paper_id), col(PaperAuthor.name))
            .join(PaperAuthor, col(PaperAuthor.revision_id) == col(PaperRevision.id))
            .where(
                col(PaperRevision.paper_id).in_(part),
                in_force(col(PaperRevision.learned_at), col(PaperRevision.superseded_at), as_of),
            )
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        )
        for paper, name in rows:
            found.setdefault(paper, []).append(name)
    return found
