"""The report's arithmetic: facts in, figures out; each figure carries the rows it was counted from.

Pure: no database, no clock, no rendering. Renderers do no arithmetic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

from biblio.observatory import Profile
from biblio.store.words import NEVER_PREPRINTS
from matching.people import loose, parse, similarity
from reports.definitions import FRACTION, OBSERVED, PAPERS, PAPERS_BY_YEAR, PUBLISHED, SILENT, WITHIN_TIME, Indicator
from reports.queries import Facts, PaperFacts, ProjectFacts

FIRST_YEAR = 1900
"""Earlier years, and those beyond the next, are mistakes: such papers count, but in no year."""

SAME_PERSON = 0.75
"""Likeness of two names from which an author counts as a member of a team (``matching.people.similarity``)."""


class Origin(StrEnum):
    """Whose data a paper used."""

    PI = "PI"
    BOTH = "PI and archive"
    ARCHIVE = "archive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: what it is of, its value, its interval where it has one, and the ids of the rows behind it."""

    indicator: Indicator
    label: str
    value: float
    row_ids: tuple[int, ...] = ()
    numerator: int | None = None
    denominator: int | None = None
    low: float | None = None
    high: float | None = None
    is_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class CycleRow:
    """One cycle's line: observed = published + silent + within their time, and the publication fraction."""

    cycle: str
    name: str
    observed: Figure
    published: Figure
    silent: Figure
    within_time: Figure
    fraction: Figure


@dataclass(frozen=True, slots=True)
class YearRow:
    """One year's papers by origin of the data."""

    year: int
    by_origin: dict[Origin, Figure]
    total: Figure
    is_incomplete: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything management reads, as known at the end of ``as_of``."""

    as_of: date
    observatory: str
    headline: tuple[Figure, ...]
    cycles: tuple[CycleRow, ...]
    years: tuple[YearRow, ...]
    undated_papers: int
    facts: Facts = field(repr=False)


def build(facts: Facts, profile: Profile) -> Report:
    """Count everything once. Raises nothing on odd data: what has no date or cycle is counted and named so."""
    observed = {p.id for p in facts.projects.values() if is_observed(p, facts.as_of)}
    papers_of: dict[int, set[int]] = defaultdict(set)
    for paper_id, project_id in facts.links:
        if paper_id in facts.papers:
            papers_of[project_id].add(paper_id)
    counted = {i for i, p in facts.papers.items() if p.is_refereed}
    published = {p for p in observed if papers_of[p] & counted}
    silent = {p for p in observed if is_silent(facts.projects[p], papers_of[p], facts, profile)}
    headline = (
        _count(OBSERVED, "all cycles", observed),
        _count(PUBLISHED, "all cycles", published),
        _count(SILENT, "all cycles", silent),
        _fraction("all cycles", published, observed),
        _count(PAPERS, "all years", counted),
    )
    cycles = tuple(
        _cycle_row(key, name, ids & observed, ids & published, ids & silent)
        for key, name, ids in _cycles(facts, profile)
        if ids & observed
    )
    years, undated = _years(facts, counted)
    return Report(
        as_of=facts.as_of,
        observatory=profile.observatory.name,
        headline=headline,
        cycles=cycles,
        years=years,
        undated_papers=undated,
        facts=facts,
    )


def _cycle_row(key: str, name: str, observed: set[int], published: set[int], silent: set[int]) -> CycleRow:
    """One cycle's line; its fraction is unfinished while any of its projects is within its time."""
    within_time = observed - published - silent
    return CycleRow(
        cycle=key,
        name=name,
        observed=_count(OBSERVED, name, observed),
        published=_count(PUBLISHED, name, published),
        silent=_count(SILENT, name, silent),
        within_time=_count(WITHIN_TIME, name, within_time),
        fraction=_fraction(name, published, observed, incomplete=bool(within_time)),
    )


def is_observed(project: ProjectFacts, as_of: date) -> bool:
    """Whether a project counts as observed: a PI project with a unit delivered (else released) by ``as_of``."""
    if not project.is_pi_project:
        return False
    moments = (u.delivered_on or u.released_on for u in project.units)
    return any(moment is not None and moment <= as_of for moment in moments)


def silent_from(project: ProjectFacts, profile: Profile, as_of: date) -> date | None:
    """Return the day from which a project without a paper is silent; None while more is to come or nothing is released.

    The same clock as the due rule's: the last usable release date, once observing has ended.
    """
    asking = profile.asking
    cycle = profile.cycle(project.cycle) if project.cycle else None
    open_until = asking.open_until(project.state or None, cycle.ends_on if cycle else None)
    releases = [u.released_on for u in project.units if u.released_on is not None and asking.is_usable(u.released_on)]
    if not releases or (open_until is not None and open_until >= as_of):
        return None
    return asking.due_from(max(releases))


def is_silent(project: ProjectFacts, papers: Iterable[int], facts: Facts, profile: Profile) -> bool:
    """Whether a project's grace period has ended and no paper keeps it off the list."""
    begins = silent_from(project, profile, facts.as_of)
    if begins is None or begins > facts.as_of:
        return False
    return not any(keeps_off(facts.papers[p], facts.as_of, profile) for p in papers)


def keeps_off(paper: PaperFacts, as_of: date, profile: Profile) -> bool:
    """Whether a paper that is science with our data keeps its projects off the silent list: refereed, or a young preprint."""
    if paper.is_refereed:
        return True
    if paper.preprint_on is None or paper.kind in NEVER_PREPRINTS:
        return False
    return profile.asking.preprint_counts_until(paper.preprint_on) >= as_of


def origin(paper: PaperFacts, projects: Iterable[ProjectFacts]) -> Origin:
    """Return whose data a paper used: its authors against the teams of its projects (one match makes it PI data)."""
    verdicts = [_is_by_team(paper, project) for project in projects]
    if not verdicts or any(v is None for v in verdicts):
        return Origin.UNKNOWN
    if all(verdicts):
        return Origin.PI
    return Origin.BOTH if any(verdicts) else Origin.ARCHIVE


def _is_by_team(paper: PaperFacts, project: ProjectFacts) -> bool | None:
    """Whether an author is of the project's team; None where either side lists nobody."""
    if not project.team or not paper.authors:
        return None
    team = [(member, _words(member)) for member in project.team]
    return any(
        similarity(author, member) >= SAME_PERSON
        for author in paper.authors
        for member, words in team
        if words & _words(author)
    )


@lru_cache(maxsize=100_000)
def _words(name: str) -> frozenset[str]:
    """The words of a name, folded: two names without a common word are not compared, which saves most of the work."""
    read = parse(name)
    given = (word for word in read.given if len(word) > 1)
    return frozenset(loose(word) for word in (read.surname, *read.parts, *given))


def _count(indicator: Indicator, label: str, ids: set[int]) -> Figure:
    return Figure(indicator=indicator, label=label, value=len(ids), row_ids=tuple(sorted(ids)))


def _fraction(label: str, published: set[int], observed: set[int], *, incomplete: bool = False) -> Figure:
    if not observed:
        return Figure(FRACTION, label, float("nan"), (), 0, 0)
    from scipy.stats import binomtest  # takes longer to load than most commands take

    interval = binomtest(len(published), len(observed)).proportion_ci(confidence_level=0.95, method="wilson")
    return Figure(
        indicator=FRACTION,
        label=label,
        value=len(published) / len(observed),
        row_ids=tuple(sorted(published)),
        numerator=len(published),
        denominator=len(observed),
        low=float(interval.low),
        high=float(interval.high),
        is_incomplete=incomplete,
    )


def _cycles(facts: Facts, profile: Profile) -> list[tuple[str, str, set[int]]]:
    """Return (key, name, project ids) of each cycle in the profile's order, then of what belongs to none."""
    by_cycle: dict[str | None, set[int]] = defaultdict(set)
    for project in facts.projects.values():
        by_cycle[project.cycle].add(project.id)
    known = [(c.key, c.name, by_cycle.pop(c.key, set())) for c in profile.cycles]
    rest = set().union(*by_cycle.values()) if by_cycle else set()
    return [*known, ("other", "No cycle", rest)]


def _years(facts: Facts, counted: set[int]) -> tuple[tuple[YearRow, ...], int]:
    projects_of: dict[int, list[ProjectFacts]] = defaultdict(list)
    for paper_id, project_id in facts.links:
        if project_id in facts.projects:
            projects_of[paper_id].append(facts.projects[project_id])
    grouped: dict[int, dict[Origin, set[int]]] = defaultdict(lambda: {o: set() for o in Origin})
    undated = 0
    for paper_id in counted:
        paper = facts.papers[paper_id]
        if paper.year is None or not FIRST_YEAR <= paper.year <= facts.as_of.year + 1:
            undated += 1
            continue
        grouped[paper.year][origin(paper, projects_of[paper_id])].add(paper_id)
    rows = []
    for year in range(min(grouped), max(grouped) + 1) if grouped else ():
        by_origin: Mapping[Origin, set[int]] = grouped[year]
        rows.append(
            YearRow(
                year=year,
                by_origin={o: _count(PAPERS_BY_YEAR, f"{year}, {o.value}", ids) for o, ids in by_origin.items()},
                total=_count(PAPERS_BY_YEAR, str(year), set().union(*by_origin.values())),
                is_incomplete=year >= facts.as_of.year,
            )
        )
    return tuple(rows), undated


__all__ = ["CycleRow", "Figure", "Origin", "Report", "YearRow", "build", "keeps_off", "origin", "silent_from"]
