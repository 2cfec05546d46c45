"""Projects in groups: by cycle, and by each categorical column of the project list that the profile divides by."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from biblio.observatory import OWN_FACTS, Facet, Profile
from reports.facts.counted import Counted
from reports.themes.keys import key_of
from reports.themes.places import Places, Pool

ALL = "all"
"""Key of the row that holds everything."""

NOT_KNOWN = "not-known"
OTHER = "other-values"

MOST_VALUES = 40
"""A column with more values than these shows those with most projects; the others share a row."""

ALWAYS = (
    Facet(key="call", name="call for proposals"),
    Facet(key="kind", name="kind of project"),
    Facet(key="category", name="science category"),
    Facet(key="partner", name="partner"),
)
"""What projects are divided by even where the profile does not say so, as far as any of them has a value."""

_ADDRESS = re.compile(r"[a-z0-9_.|-]+")
_BLANK = re.compile(r"[\s,]+")
_WORDS = re.compile(r"[a-z0-9]+( [a-z0-9]+)*")
"""What a key holds whole: of any other value it has a part, so the value's hash stands behind it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some projects of a pool under a key and a name."""

    key: str
    name: str
    places: Places


@dataclass(frozen=True, slots=True)
class Divided:
    """The groups of a facet in the order of their rows. ``shared`` counts projects that stand in several groups."""

    facet: Facet
    groups: tuple[Group, ...]
    shared: int


def cycle_key(key: str) -> str:
    """Return a cycle's key as the key of a row: its own where an address can hold it."""
    return key if _ADDRESS.fullmatch(key) else value_key(key)


def by_cycle(counted: Counted, pool: Pool) -> tuple[Group, ...]:
    """Return the pool by cycle in the profile's order, from the first with projects to the last, then those of none."""
    found: dict[str | None, list[int]] = {cycle.key: [] for cycle in counted.profile.cycles}
    found[None] = []
    projects = counted.facts.projects
    for place, i in enumerate(pool.ids.tolist()):
        found.get(projects[i].cycle, found[None]).append(place)
    filled = [number for number, cycle in enumerate(counted.profile.cycles) if found[cycle.key]]
    cycles = counted.profile.cycles[filled[0] : filled[-1] + 1] if filled else ()
    groups = [group_of(cycle_key(cycle.key), cycle.name, found[cycle.key]) for cycle in cycles]
    return (*groups, *([group_of("no-cycle", "No cycle", found[None])] if found[None] else []))


def everything(pool: Pool) -> Group:
    """Return the whole pool as one group."""
    return Group(ALL, "All", pool.everything)


def facets_of(profile: Profile) -> tuple[Facet, ...]:
    """Return what projects are divided by beside the cycle: what is always, as the profile words it, then its own."""
    own = {facet.key: facet for facet in profile.facets if facet.key != "cycle"}
    first = [own.pop(facet.key, facet) for facet in ALWAYS]
    return (*first, *own.values())


def by_facet(counted: Counted, facet: Facet, pool: Pool) -> Divided | None:
    """Return the pool by the values of a facet, those without a value last; None where no project has one.

    A project with several values stands in the group of each. Spellings that differ in case, blanks or commas only are
    one value, shown as most projects spell it.
    """
    cells: dict[str, list[int]] = defaultdict(list)
    for place, written in enumerate(_column(counted, facet, pool)):
        cells[written].append(place)
    found: dict[str, list[int]] = {}
    spelt: dict[str, Counter[str]] = {}
    shared = 0
    unknown: list[int] = []
    for written in sorted(cells):
        places = cells[written]
        values = {value_key(value): value for value in values_of(written, facet)}
        shared += len(places) * (len(values) > 1)
        if not values:
            unknown += places
        for key, value in values.items():
            found.setdefault(key, []).extend(places)
            spelt.setdefault(key, Counter())[value] += len(places)
    if not found:
        return None
    named = _names(counted.profile, facet)
    groups = [group_of(key, name, found.pop(key, ())) for key, name in named.items()]
    groups += _others(found, {key: _usual(spellings) for key, spellings in spelt.items()})
    if unknown:
        groups.append(group_of(NOT_KNOWN, "Not known", unknown))
    return Divided(facet, tuple(groups), shared)


def values_of(written: str, facet: Facet) -> tuple[str, ...]:
    """Return the values that a cell holds, without blanks around them, each once."""
    parts: Iterable[str] = written.split(";")
    if facet.between is not None:
        parts = (piece for part in parts for piece in part.split(facet.between))
    return tuple(dict.fromkeys(value for part in parts if (value := " ".join(part.split()))))


def value_key(value: str) -> str:
    """Return a value as the key of a row, the same whatever other values there are.

    "Galaxy evolution" and "galaxy,  Evolution" are one; any other sign makes another value: "1", "+1", "-1" and "(1)" are
    four, "1/2" and "1.2" two.
    """
    plain = _BLANK.sub(" ", unicodedata.normalize("NFKC", value).casefold()).strip()
    if _WORDS.fullmatch(plain) and plain != ALL:
        return plain.replace(" ", "_")
    return f"{key_of(plain)}-{hashlib.sha256(plain.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _column(counted: Counted, facet: Facet, pool: Pool) -> list[str]:
    """Return what the project list says of each project of the pool; "" where it says nothing."""
    projects, key = counted.facts.projects, facet.key
    found = [projects[i] for i in pool.ids.tolist()]
    if key in OWN_FACTS:
        own = attrgetter(key)
        return [own(project) or "" for project in found]
    return [project.facets.get(key, "") for project in found]


def _names(profile: Profile, facet: Facet) -> Mapping[str, str]:
    """Return the rows that the profile names, in its order."""
    named = {partner.key: partner.name for partner in profile.partners} if facet.key == "partner" else {}
    return {value_key(value): name for value, name in {**named, **facet.names}.items()}


def _usual(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda spelling: (-spellings[spelling], spelling))


def _others(found: Mapping[str, Sequence[int]], names: Mapping[str, str]) -> list[Group]:
    """Return the groups that the profile does not name, sorted by name, numbers as numbers."""
    most = sorted(found, key=lambda key: (-len(found[key]), key))
    shown = sorted(most[:MOST_VALUES], key=lambda key: (_natural(names[key]), key))
    groups = [group_of(key, names[key], found[key]) for key in shown]
    if rest := most[MOST_VALUES:]:
        together = {place for key in rest for place in found[key]}
        groups.append(group_of(OTHER, f"{len(rest)} other values", together))
    return groups


def group_of(key: str, name: str, places: Collection[int]) -> Group:
    """Return a group of these places, in whatever order they come."""
    return Group(key, name, np.sort(np.fromiter(places, dtype=np.intp, count=len(places))))


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.findall(r"[0-9]{1,12}|[^0-9]+", name.casefold())
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts)
