"""What is counted of the facts, once for all themes: observed, published, silent projects, and each one's first paper.

The words are those of the glossary: *observed*, *published*, *silent*, *origin* of a duration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, date
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from biblio.bulk import outcome
from biblio.observatory import Profile
from biblio.store.words import NEVER_PREPRINTS, Band
from matching.authorship import Archival, DataUse, Overlap, archival, data_use
from matching.overlaps import Staff, overlaps
from reports.document import Theme
from reports.facts.authors import overlaps_of_kept, persons_of_kept
from reports.facts.model import Bibliography, Facts, Paper, Project, Unit
from reports.facts.persons import Persons

DAYS_PER_YEAR = 365.25
"""Durations are shown in Julian years."""

LONGEST_S = 366 * 24 * 3600
"""No unit is observed for more than a year."""

BANDS = tuple(band.value for band in Band)
"""How sure the machine is of what waits, the surest first."""

ERRATUM = "erratum"
"""The kind of paper that is counted as none: what it corrects is."""


class From(StrEnum):
    """From when the time to a publication runs: "delivery" is the main origin."""

    DELIVERY = "delivery"
    LAST_DELIVERY = "last_delivery"
    PROPRIETARY_END = "proprietary_end"


@dataclass(frozen=True, slots=True)
class Start:
    """The day from which a project's time runs; ``is_release``: the delivery is unknown, it is the first release."""

    on: date
    is_release: bool = False


class Counted:
    """Facts and a profile, and what follows from them. Everything is worked out once, when it is first asked for.

    What is asked of authors takes longest: ``aside``, which keeps those of the facts (``reports.facts.authors``), works it
    out from now on, and whoever asks for it waits.
    """

    def __init__(self, facts: Facts, profile: Profile, aside: Executor | None = None) -> None:
        self.facts = facts
        self.profile = profile
        self.themes: dict[str, Theme] = {}
        """Those worked out so far, by key (``reports.themes.theme_of``)."""
        self._starts: dict[tuple[int, From], Start | None] = {}
        self._begun: dict[Callable[..., Any], Future[Any]] = {}
        if aside is not None:
            ids = sorted(self.refereed)
            self._begun[overlaps] = aside.submit(overlaps_of_kept, ids, *self._teams())
            self._begun[Persons] = aside.submit(persons_of_kept, ids)

    def learn(self, bibliography: Bibliography) -> None:
        """Take the state of the bibliography, where it was read after the other facts, before anything is asked of it."""
        self.facts = replace(self.facts, bibliography=bibliography)

    @property
    def watched_until(self) -> date:
        """The last day up to which a missing paper means that there is none: complete-through, else the report's day."""
        facts = self.facts
        return facts.as_of if facts.complete_through is None else min(facts.as_of, facts.complete_through)

    @cached_property
    def observed(self) -> frozenset[int]:
        """PI projects with a unit delivered by the report's day."""
        return frozenset(i for i, p in self.facts.projects.items() if is_observed(p, self.profile, self.facts.as_of))

    @cached_property
    def errata(self) -> frozenset[int]:
        """Errata that are science with our data and have an accepted project: they are counted as no paper."""
        facts = self.facts
        there = {i for i, paper in facts.papers.items() if is_erratum(paper)}
        return frozenset(
            one.paper_id for one in facts.links if one.paper_id in there and one.project_id in facts.projects
        )

    @cached_property
    def papers_of(self) -> Mapping[int, tuple[int, ...]]:
        """Project → its papers that are science with our data, refereed or not, sorted; errata are none."""
        found: dict[int, set[int]] = {}
        papers = {i for i, paper in self.facts.papers.items() if not is_erratum(paper)}
        for link in self.facts.links:
            if link.paper_id in papers and link.project_id in self.facts.projects:
                found.setdefault(link.project_id, set()).add(link.paper_id)
        return {project: tuple(sorted(papers)) for project, papers in found.items()}

    @cached_property
    def projects_of(self) -> Mapping[int, tuple[int, ...]]:
        """Paper → the projects whose data it used, sorted."""
        found: dict[int, list[int]] = {}
        for project in sorted(self.papers_of):
            for paper in self.papers_of[project]:
                found.setdefault(paper, []).append(project)
        return {paper: tuple(projects) for paper, projects in found.items()}

    @cached_property
    def refereed(self) -> frozenset[int]:
        """Refereed papers that are science with our data and have an accepted project."""
        return frozenset(i for i in self.projects_of if self.facts.papers[i].is_refereed)

    @cached_property
    def refereed_of(self) -> Mapping[int, tuple[int, ...]]:
        """Project → its refereed papers, sorted; only projects that have one."""
        refereed = self.refereed
        found = {j: tuple([i for i in papers if i in refereed]) for j, papers in self.papers_of.items()}
        return {project: papers for project, papers in found.items() if papers}

    @cached_property
    def published(self) -> frozenset[int]:
        """Observed projects with a refereed paper."""
        return self.observed & self.refereed_of.keys()

    @cached_property
    def appeared_on(self) -> Mapping[int, date | None]:
        """Paper → the day on which it first appeared; None where none is known."""
        return {i: first_on(paper) for i, paper in self.facts.papers.items()}

    @cached_property
    def observed_s(self) -> Mapping[int, int | None]:
        """Project → for how many whole seconds its delivered units were observed; None where that is not known."""
        return {i: seconds_of(project, self.facts.as_of) for i, project in self.facts.projects.items()}

    @cached_property
    def first_paper_on(self) -> Mapping[int, date]:
        """Published project → the day of its first refereed paper; without those of which no paper has a date."""
        found, appeared_on = {}, self.appeared_on
        for project in self.published:
            days = [day for i in self.refereed_of[project] if (day := appeared_on[i]) is not None]
            if days:
                found[project] = min(days)
        return found

    @cached_property
    def silent(self) -> frozenset[int]:
        """Observed projects whose grace had ended by the last day watched, and which no paper keeps off the list."""
        return frozenset(i for i in self.observed if self._is_silent(i))

    @cached_property
    def within_time(self) -> frozenset[int]:
        """Observed projects that are neither published nor silent."""
        return self.observed - self.published - self.silent

    @cached_property
    def data_use(self) -> Mapping[int, DataUse]:
        """Refereed paper → its class by the rule of programmes: PI data, archive, both, or undetermined."""
        return {paper: classes[0] for paper, classes in self._classes.items()}

    @cached_property
    def archival(self) -> Mapping[int, Archival]:
        """Refereed paper → how much of it is archival by the other published rule: none, part, all, undetermined."""
        return {paper: classes[1] for paper, classes in self._classes.items()}

    @cached_property
    def reused(self) -> frozenset[int]:
        """Projects whose data a refereed paper used of whose authors none is known to be, or may be, of their team."""
        return frozenset(
            project
            for paper, overlaps in self._overlaps.items()
            for project, overlap in zip(self.projects_of[paper], overlaps, strict=True)
            if overlap is Overlap.NO
        )

    @cached_property
    def persons(self) -> Persons:
        """Who wrote the refereed papers."""
        told, papers, ids = self._told_aside(Persons), self.facts.papers, sorted(self.refereed)
        return told or Persons(ids, [papers[i].authors for i in ids], [papers[i].orcids for i in ids])

    @cached_property
    def undecided(self) -> Undecided:
        """What waits for a decision, and what would follow from it. No other number knows of it."""
        return Undecided(self)

    def start(self, project: int, origin: From = From.DELIVERY) -> Start | None:
        """Return from when a project's time runs; None where no unit has a usable day."""
        key = project, origin
        if key not in self._starts:
            self._starts[key] = start(self.facts.projects[project], origin, self.profile, self.facts.as_of)
        return self._starts[key]

    def _is_silent(self, project: int) -> bool:
        if project in self.published:
            return False  # as the last question would have it, after all others
        begins = silent_from(self.facts.projects[project], self.profile, self.facts.as_of)
        until = self.watched_until  # the paper may have appeared on a day that was not harvested
        if begins is None or begins > until:
            return False
        return not any(keeps_off(self.facts.papers[i], self.profile, until) for i in self.papers_of.get(project, ()))

    @cached_property
    def _classes(self) -> Mapping[int, tuple[DataUse, Archival]]:
        return {paper: (data_use(found), archival(found)) for paper, found in self._overlaps.items()}

    @cached_property
    def _overlaps(self) -> Mapping[int, tuple[Overlap, ...]]:
        """Refereed paper → whether an author is of the team of each of its projects, in step with ``projects_of``."""
        ids, papers = sorted(self.refereed), self.facts.papers
        told = self._told_aside(overlaps) or overlaps([papers[i].authors for i in ids], *self._teams())
        rest = iter(told)
        return {i: tuple(islice(rest, len(self.projects_of[i]))) for i in ids}

    def _told_aside(self, work: Callable[..., Any]) -> Any:
        """Return what was worked out aside; None where it was not."""
        begun = self._begun.pop(work, None)
        return None if begun is None else outcome(begun)

    def _teams(self) -> tuple[list[Staff], list[tuple[int, int]]]:
        """Return what ``overlaps`` is asked beside the refereed papers' authors: the people of their projects, the pairs."""
        papers, projects = sorted(self.refereed), sorted(self.refereed_of)
        places = {project: place for place, project in enumerate(projects)}
        return (
            [staff_of(self.facts.projects[i]) for i in projects],
            [(place, places[project]) for place, i in enumerate(papers) for project in self.projects_of[i]],
        )


class Undecided:
    """What waits at the desk, beside what is counted: nobody has accepted or rejected it, so it is in no number.

    A paper can count if it is refereed, no erratum, and nobody has called it engineering.
    """

    def __init__(self, counted: Counted) -> None:
        # What it needs of what is counted, not all of it: a ring would keep the facts in memory until garbage is searched.
        self._observed, self._published, self._refereed = counted.observed, counted.published, counted.refereed
        self._first_paper_on = counted.first_paper_on
        state, projects = counted.facts.bibliography, counted.facts.projects
        self._papers = state.undecided_facts
        self._pairs = _by_band(state.undecided_pairs, projects)
        relinked = _by_band(state.relinked_pairs, projects)
        self._would_count = {band: (*self._pairs[band], *relinked[band]) for band in BANDS}
        self._can_count = {i for i, paper in self._papers.items() if paper.is_refereed and not is_erratum(paper)}

    @cached_property
    def best(self) -> Mapping[int, str]:
        """Project → the best band of what waits on it, be the paper refereed or not."""
        found: dict[int, str] = {}
        for band in BANDS:
            for _, project in self._pairs[band]:
                found.setdefault(project, band)
        return found

    @cached_property
    def unpublished(self) -> Mapping[str, frozenset[int]]:
        """Band → observed projects without a refereed paper that could get one, each under its best such candidate."""
        left = set(self._observed - self._published)
        found = {}
        for band in BANDS:
            found[band] = frozenset(j for i, j in self._would_count[band] if j in left and i in self._can_count)
            left -= found[band]
        return found

    @cached_property
    def uncounted(self) -> Mapping[str, frozenset[int]]:
        """Band → papers that can count and are not counted yet, each under its best candidate."""
        left = self._can_count - self._refereed
        found = {}
        for band in BANDS:
            found[band] = frozenset(i for i, _ in self._would_count[band] if i in left)
            left -= found[band]
        return found

    @cached_property
    def first_paper_on(self) -> Mapping[int, date]:
        """Observed project → the day of its first refereed paper if all that is certain were accepted."""
        found = dict(self._first_paper_on)
        for i, j in self._would_count[Band.CERTAIN.value]:
            day = first_on(self._papers[i]) if i in self._can_count and j in self._observed else None
            if day is not None and (j not in found or day < found[j]):
                found[j] = day
        return found

    def paper(self, number: int) -> Paper:
        """Return what is known of a paper that waits and can count."""
        return self._papers[number]


def _by_band(
    pairs: Mapping[str, tuple[tuple[int, int], ...]], projects: Container[int]
) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the pairs of each band whose projects are known."""
    return {band: tuple(pair for pair in pairs.get(band, ()) if pair[1] in projects) for band in BANDS}


def is_observed(project: Project, profile: Profile, as_of: date) -> bool:
    """Whether a project counts as observed: a PI project with a unit delivered (else released) by ``as_of``.

    A release date that means "not known" releases nothing, whichever day the registry writes for it.
    """
    if not project.is_pi_project:
        return False
    never = profile.asking.no_release_date
    for unit in project.units:
        moment = unit.delivered_on or (unit.released_on if unit.released_on not in never else None)
        if moment is not None and moment <= as_of:
            return True
    return False


def start(project: Project, origin: From, profile: Profile, as_of: date) -> Start | None:
    """Return the day from which the time to a publication runs, of what was delivered or released by ``as_of``.

    The first delivery; where none is known the first usable release date, counted as such and never moved back by a
    proprietary period. ``LAST_DELIVERY`` likewise with the last; ``PROPRIETARY_END`` is the last usable release date.
    """
    return start_of(span(project, profile, as_of), origin)


class Span(NamedTuple):
    """The first and last days on which a project's units were delivered, and on which they were released."""

    first_delivery: date | None
    last_delivery: date | None
    first_release: date | None
    last_release: date | None


def span(project: Project, profile: Profile, as_of: date) -> Span:
    """Return the deliveries and usable releases of a project by ``as_of``."""
    no_date = profile.asking.no_release_date
    first_delivery = last_delivery = first_release = last_release = None
    for unit in project.units:
        day = unit.delivered_on
        if day is not None and day <= as_of:
            first_delivery = day if first_delivery is None or day < first_delivery else first_delivery
            last_delivery = day if last_delivery is None or day > last_delivery else last_delivery
        day = unit.released_on
        if day is not None and day <= as_of and day not in no_date:
            first_release = day if first_release is None or day < first_release else first_release
            last_release = day if last_release is None or day > last_release else last_release
    return Span(first_delivery, last_delivery, first_release, last_release)


def start_of(days: Span, origin: From) -> Start | None:
    """Return from when the time runs, of the days on which units were delivered and released (see ``start``)."""
    if origin is From.PROPRIETARY_END:
        return None if days.last_release is None else Start(days.last_release)
    is_first = origin is From.DELIVERY
    delivery = days.first_delivery if is_first else days.last_delivery
    release = days.first_release if is_first else days.last_release
    if delivery is not None:
        return Start(delivery)
    return None if release is None else Start(release, is_release=True)


def seconds_of(project: Project, as_of: date) -> int | None:
    """Return for how long a project's delivered units were observed; None where that is known of none of them."""
    known = [unit.exposure_s or 0.0 for unit in project.units if has_exposure(unit) and is_delivered(unit, as_of)]
    return round(math.fsum(known)) if known else None


def is_delivered(unit: Unit, as_of: date) -> bool:
    """Whether a unit's data had been delivered (where that is not known: released) by a day."""
    on = unit.delivered_on or unit.released_on
    return on is not None and on <= as_of


def has_exposure(unit: Unit) -> bool:
    """Whether the registry says how long a unit was observed, and not what no observation can last."""
    return unit.exposure_s is not None and 0 <= unit.exposure_s <= LONGEST_S


def is_erratum(paper: Paper) -> bool:
    """Whether a paper corrects another one and is no work of its own, as its record (or a librarian) says."""
    return paper.kind == ERRATUM


def first_on(paper: Paper) -> date | None:
    """Return when a paper first appeared: the earlier of its first preprint and its journal's issue.

    An issue of which only the month is known appeared in its middle (the 15th). One of which only the year is known
    appeared in the year's middle (1 July), but a preprint of that year or before says better when the paper did.
    """
    preprint_on, issued_on = paper.preprint_on, _issued_on(paper)
    if preprint_on is None or issued_on is None:
        return preprint_on or issued_on
    return min(preprint_on, issued_on)


def _issued_on(paper: Paper) -> date | None:
    if paper.published_on is not None and paper.published_precision != "year":
        return paper.published_on.replace(day=15) if paper.published_precision == "month" else paper.published_on
    year = paper.year if paper.published_on is None else paper.published_on.year
    if year is None or not MINYEAR <= year <= MAXYEAR:
        return None
    if paper.preprint_on is not None and paper.preprint_on.year <= year:
        return None
    return date(year, 7, 1)


def silent_from(project: Project, profile: Profile, as_of: date) -> date | None:
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


def keeps_off(paper: Paper, profile: Profile, as_of: date) -> bool:
    """Whether a paper keeps its projects off the silent list: refereed, or a young preprint."""
    if paper.is_refereed:
        return True
    if paper.preprint_on is None or paper.kind in NEVER_PREPRINTS:
        return False
    return profile.asking.preprint_counts_until(paper.preprint_on) >= as_of


def staff_of(project: Project) -> Staff:
    """Return the people of a project, each once, and whether anybody proposed it."""
    return Staff(tuple(dict.fromkeys(filter(None, project.team))), project.pi, project.is_pi_project)
