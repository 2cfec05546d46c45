"""Takes a part of the facts: the projects of a cycle, call, kind, category, partner or facet, with their links and papers.

Pure. A report of the part is built from it as of the whole, so every number of it means the same. Projects are divided
as the themes divide them: a value in an address is the key of its row. The one exception is the row of the other
values: which they are depends on the projects that a table counts, so it is no value to ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from biblio.errors import NotFound
from biblio.observatory import Facet, Profile
from reports.facts.counted import BANDS
from reports.facts.model import Bibliography, Facts, Project
from reports.themes.groups import MOST_VALUES, NOT_KNOWN, OTHER, cycle_key, facets_of, value_key, values_of

T = TypeVar("T")
Pairs = Mapping[str, tuple[tuple[int, int], ...]]

CYCLE = Facet(key="cycle", name="cycle")
NO_CYCLE = "no-cycle"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which projects a report is about: key → values, any of which will do. Nothing chosen: all projects."""

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values)

    def pairs(self) -> list[tuple[str, str]]:
        """Return each key with each of its values, as they stand in an address."""
        return [(key, value) for key, values in self.values for value in values]

    def without(self, key: str, value: str) -> Chosen:
        """Return what is left when one value is no longer asked for."""
        return chosen(pair for pair in self.pairs() if pair != (key, value))

    def address(self) -> dict[str, list[str]]:
        """Return the parameters of an address that asks for this."""
        return {key: list(values) for key, values in self.values}


class UnknownValue(NotFound):
    """No project has a value that was asked for; ``values`` are those of ``facet`` that there are, ``said`` is why in short."""

    def __init__(self, on: date, facet: Facet, given: str, values: Sequence[Value]) -> None:
        self.facet, self.given, self.values = facet, given, values
        known = ", ".join(value.key for value in values) or "none yet"
        if given == OTHER:
            self.said = f"The row of other values is not one {facet.name}, but many with few projects each"
            told = f"{self.said}: no report can be of it."
        else:
            self.said = f"No project has the {facet.name} “{given[:60]}”"
            told = f"On {on} no project has the {facet.name} “{given[:60]}”."
        super().__init__(f"{told} There are: {known}. Take the filter out of the address, or choose one of these.")


@dataclass(frozen=True, slots=True)
class Value:
    """One value to filter by: its key in an address, its name, and how many PI projects have it."""

    key: str
    name: str
    projects: int


def chosen(pairs: Iterable[tuple[str, str]]) -> Chosen:
    """Return what pairs of key and value ask for, in one order whatever theirs was; empty values ask for nothing."""
    asked: dict[str, set[str]] = {}
    for key, value in pairs:
        if value.strip():
            asked.setdefault(key, set()).add(" ".join(value.split()))
    return Chosen(tuple((key, tuple(sorted(asked[key]))) for key in sorted(asked)))


def divisions(profile: Profile) -> dict[str, Facet]:
    """Return what a report can be filtered by, by its key in the address: the cycle, then the facets of the themes."""
    return {facet.key: facet for facet in (CYCLE, *facets_of(profile))}


def values_to_choose(facts: Facts, profile: Profile, facet: Facet) -> list[Value]:
    """Return the values that PI projects have, by name; of very many those that most have, and what is not known last."""
    written = Counter(_written(one, facet) for one in facts.projects.values() if one.is_pi_project)
    found: Counter[str] = Counter()
    spelt: dict[str, Counter[str]] = {}
    for cell, projects in written.items():
        for key, value in _keys(cell, facet).items():
            found[key] += projects
            spelt.setdefault(key, Counter())[value] += projects
    most = sorted(found, key=lambda key: (-found[key], key))[:MOST_VALUES]
    named = [Value(key, _name(profile, facet, key, spelt[key]), found[key]) for key in most]
    if facet.key == CYCLE.key:
        places = {cycle_key(cycle.key): place for place, cycle in enumerate(profile.cycles)}
        return sorted(named, key=lambda value: (places.get(value.key, len(places)), value.key))
    return sorted(named, key=lambda value: (value.key == NOT_KNOWN, value.name.casefold(), value.key))


def filtered(facts: Facts, profile: Profile, asked: Chosen) -> Facts:
    """Return the facts of the projects that are asked for; all of them when nothing is.

    Papers stay that have one of these projects, with their links to these alone: whose data a paper used is then judged
    by these projects; what waits is what waits for them. Answers belong to no project, so a part of the projects has none. Raises ``UnknownValue``, with
    the values there are, for one that no project has.
    """
    if not asked:
        return facts
    facets = divisions(profile)
    projects = dict(facts.projects)
    for key, values in asked.values:
        projects = _of(projects, facets[key], _known(facts, profile, facets[key], values))
    links = tuple(link for link in facts.links if link.project_id in projects)
    linked = {link.paper_id for link in links}
    papers = {i: paper for i, paper in facts.papers.items() if i in linked}
    waiting = _waiting_for(facts.bibliography, projects)
    return replace(facts, projects=projects, papers=papers, links=links, answers=(), bibliography=waiting)


def _waiting_for(state: Bibliography, projects: Collection[int]) -> Bibliography:
    """Return the state of the bibliography with what waits for these projects alone; all else in it is of papers."""
    pairs = _only(state.undecided_pairs, lambda pair: pair[1] in projects)
    best: dict[int, str] = {}
    for band in BANDS:
        for paper, _ in pairs.get(band, ()):
            best.setdefault(paper, band)
    papers = {band: tuple(sorted(i for i, at in best.items() if at == band)) for band in BANDS}
    return replace(
        state,
        undecided={band: len(found) for band, found in pairs.items()},
        undecided_papers={band: found for band, found in papers.items() if found},
        undecided_pairs=pairs,
        relinked_pairs=_only(state.relinked_pairs, lambda pair: pair[1] in projects),
    )


def _only(pairs: Pairs, of: Callable[[tuple[int, int]], bool]) -> Pairs:
    """Return such of the pairs by band."""
    kept = {band: tuple(filter(of, found)) for band, found in pairs.items()}
    return {band: found for band, found in kept.items() if found}


def _of(projects: Mapping[int, Project], facet: Facet, wanted: frozenset[str]) -> dict[int, Project]:
    cells = {cell for cell in _cells(projects.values(), facet) if not wanted.isdisjoint(_keys(cell, facet))}
    return {i: one for i, one in projects.items() if _written(one, facet) in cells}


def without_second_readings(facts: Facts) -> Facts:
    """Return the facts as if nobody had proposed, judged or linked the papers that a second reader has yet to judge.

    They are the same facts whatever the first reader decided: all that strangers and second readers may see is counted
    of them. How many such papers there are stays known, as chance drew them from accepted and rejected ones alike.
    """
    state = facts.bibliography
    hidden = state.read_again.papers
    if not hidden:
        return facts
    waiting = {band: tuple(i for i in papers if i not in hidden) for band, papers in state.undecided_papers.items()}
    pairs = _only(state.undecided_pairs, lambda pair: pair[0] not in hidden)
    gone = {band: len(found) - len(pairs.get(band, ())) for band, found in state.undecided_pairs.items()}
    undecided = {band: count - gone.get(band, 0) for band, count in state.undecided.items()}
    return replace(
        facts,
        links=tuple(link for link in facts.links if link.paper_id not in hidden),
        papers=_without(facts.papers, hidden),
        bibliography=replace(
            state,
            undecided={band: count for band, count in undecided.items() if count},
            undecided_papers={band: papers for band, papers in waiting.items() if papers},
            undecided_pairs=pairs,
            relinked_pairs=_only(state.relinked_pairs, lambda pair: pair[0] not in hidden),
            undecided_facts=_without(state.undecided_facts, hidden),
            paper_to_decision_days=_without(state.paper_to_decision_days, hidden),
            decided_on=_without(state.decided_on, hidden),
            names=_without(state.names, hidden),
        ),
    )


def _without(of: Mapping[int, T], hidden: Collection[int]) -> dict[int, T]:
    return {number: value for number, value in of.items() if number not in hidden}


def value_name(profile: Profile, facet: Facet, value: str) -> str:
    """Return the name of a value in an address: the profile's, else the value as it stands there."""
    return _name(profile, facet, value, Counter({value: 1}))


def _known(facts: Facts, profile: Profile, facet: Facet, values: Collection[str]) -> frozenset[str]:
    """Return these values as keys; one may also be asked for as the project list writes it. Raises ``NotFound``."""
    there = {key for cell in _cells(facts.projects.values(), facet) for key in _keys(cell, facet)}
    found = {value if value in there else value_key(value): value for value in values}
    unknown = [value for key, value in found.items() if key not in there]
    if unknown:
        raise UnknownValue(facts.as_of, facet, unknown[0], values_to_choose(facts, profile, facet))
    return frozenset(found)


def _cells(projects: Iterable[Project], facet: Facet) -> set[str]:
    """Return what the project list says of a facet, each once: there are far fewer such cells than projects."""
    return {_written(one, facet) for one in projects}


def _written(project: Project, facet: Facet) -> str:
    if facet.key == CYCLE.key or facet.key in _FIELDS:
        return getattr(project, facet.key) or ""
    return project.facets.get(facet.key, "")


def _keys(cell: str, facet: Facet) -> dict[str, str]:
    """Return the values in a cell by key: several where it holds several, one for none."""
    if facet.key == CYCLE.key:
        return {cycle_key(cell): cell} if cell else {NO_CYCLE: ""}
    return {value_key(value): value for value in values_of(cell, facet)} or {NOT_KNOWN: ""}


_FIELDS = frozenset({"call", "kind", "category", "partner", "state"})


def _name(profile: Profile, facet: Facet, key: str, spelt: Counter[str]) -> str:
    if key in (NOT_KNOWN, NO_CYCLE):
        return "not known"
    named = {value_key(value): name for value, name in facet.names.items()}
    if facet.key == CYCLE.key:
        named = {cycle_key(cycle.key): cycle.name for cycle in profile.cycles}
    elif facet.key == "partner":
        named = {**{value_key(partner.key): partner.name for partner in profile.partners}, **named}
    return named.get(key) or min(spelt, key=lambda value: (-spelt[value], value))
