"""Strata: the groups by which a campaign's answers are also counted, and how those that are too small are merged.

A campaign is counted by one thing at most, fixed when it is made and printed on the page. Strata are merged by how many
persons answered, never by what they said, and before any answer is written: no table ever holds a stratum of fewer
persons than the minimum.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory import Profile
from biblio.store.models import Project, ProjectRevision
from survey.box.persons import distinct_persons
from survey.questionnaire import STRATUM_MAX

_JOINED_MAX = 2000


class StratifyBy(StrEnum):
    """What a campaign's answers may also be counted by."""

    CATEGORY = "category"
    CYCLE = "cycle"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Group:
    """Strata that are reported together, and the persons of them who answered.

    ``ballots`` is how many of theirs can be read, where it is known: somebody may have taken some out of the box.
    """

    strata: tuple[str, ...]
    persons: frozenset[tuple[str, str]]
    ballots: int | None = None

    @property
    def size(self) -> int:
        """How many persons stand behind the answers of this group, at most."""
        persons = distinct_persons(self.persons)
        return persons if self.ballots is None else min(persons, self.ballots)

    @property
    def name(self) -> str:
        """The name under which the answers stand."""
        joined = " + ".join(self.strata)
        return joined if len(joined) <= _JOINED_MAX else f"{len(self.strata)} strata together"


def stratum_of(profile: Profile, by: str, *, cycle: str | None, category: str | None, partner: str | None) -> str:
    """Return the stratum of a project: its category, the group of its cycle, or its partner; unknown has a name too."""
    match StratifyBy(by):
        case StratifyBy.CATEGORY:
            name = category
        case StratifyBy.PARTNER:
            name = partner
        case StratifyBy.CYCLE:
            name = next((c.group or c.name for c in profile.cycles if c.key == cycle), cycle)
    return " ".join((name or f"{by} not known").split())[:STRATUM_MAX]


def strata_of(session: Session, profile: Profile, by: str, projects: Collection[int]) -> dict[int, str]:
    """Return the stratum of each of these projects as known now."""
    rows = session.execute(
        sa.select(
            col(Project.id), col(Project.cycle), col(ProjectRevision.category), col(ProjectRevision.partner)
        ).outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
    )
    wanted = set(projects)
    return {
        number: stratum_of(profile, by, cycle=cycle, category=category, partner=partner)
        for number, cycle, category, partner in rows
        if number in wanted
    }


def in_order(profile: Profile, by: str, names: Collection[str]) -> list[str]:
    """Return the names of strata in their order: cycles as the profile has them, else by name."""
    if by != StratifyBy.CYCLE:
        return sorted(names)
    order = list(dict.fromkeys(c.group or c.name for c in profile.cycles))
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def merged(groups: Sequence[Group], minimum: int, *, is_ordered: bool) -> list[Group]:
    """Merge groups until each comes from ``minimum`` persons; one that is left alone means: no strata.

    The smallest is merged with its smaller neighbour where the order means something (cycles), else with the next
    smallest. Ties go by the order given. Nobody's answer is looked at.
    """
    found = list(groups)
    while len(found) > 1:
        smallest = min(range(len(found)), key=lambda place: found[place].size)
        if found[smallest].size >= minimum:
            break
        others = [place for place in range(len(found)) if place != smallest]
        if is_ordered:
            others = [place for place in others if abs(place - smallest) == 1]
        other = min(others, key=lambda place: found[place].size)
        first, second = sorted((smallest, other))
        both = Group(
            found[first].strata + found[second].strata,
            found[first].persons | found[second].persons,
            None if found[first].ballots is None else (found[first].ballots or 0) + (found[second].ballots or 0),
        )
        found[first] = both
        del found[second]
    return found


def reported_as(groups: Sequence[Group]) -> Mapping[str, str | None]:
    """Return for each stratum the name its answers stand under; None where a single group is left."""
    if len(groups) < 2:
        return {name: None for group in groups for name in group.strata}
    return {name: group.name for group in groups for name in group.strata}
