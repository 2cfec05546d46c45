"""The authors of a paper with the people of the candidate projects marked among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from matching.people import Name, compare, index_keys, is_group, parse

ALIKE = 0.8
"""From here on two printed names count as one person's for the mark: initials for given names, accents lost."""

READ = 500
"""Authors compared; in a longer list a name says next to nothing."""

SHOWN_FIRST = 8
"""Authors shown in any case; of the others only those that are marked, and the rest on demand."""


@dataclass(frozen=True, slots=True)
class Team:
    """The people of one candidate project."""

    code: str
    pi: str | None
    co_is: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Author:
    """One author as printed; ``pi_of`` and ``co_i_of`` are the codes of the projects they seem to belong to."""

    position: int
    name: str
    affiliation: str | None = None
    pi_of: tuple[str, ...] = ()
    co_i_of: tuple[str, ...] = ()

    @property
    def mark(self) -> str | None:
        """ "PI", "co-I" or None."""
        return "PI" if self.pi_of else "co-I" if self.co_i_of else None


def marked(authors: Sequence[tuple[int, str, str | None]], teams: Sequence[Team]) -> list[Author]:
    """Return the authors (position, name, affiliation) with the marks of ``teams``."""
    register: dict[str, list[tuple[Name, str, bool]]] = defaultdict(list)
    for team in teams:
        for printed, is_pi in [(team.pi, True), *((name, False) for name in team.co_is)]:
            if printed:
                name = parse(printed)
                for key in index_keys(name):
                    register[key].append((name, team.code, is_pi))
    return [_marked(*author, register) for author in authors]


def _marked(
    position: int, printed: str, affiliation: str | None, register: dict[str, list[tuple[Name, str, bool]]]
) -> Author:
    if position > READ or is_group(printed):
        return Author(position, printed, affiliation)
    name = parse(printed)
    pi_of: dict[str, None] = {}
    co_i_of: dict[str, None] = {}
    for key in index_keys(name):
        for other, code, is_pi in register.get(key, ()):
            if compare(name, other) >= ALIKE:
                (pi_of if is_pi else co_i_of)[code] = None
    return Author(position, printed, affiliation, tuple(pi_of), tuple(c for c in co_i_of if c not in pi_of))


def split(authors: Sequence[Author]) -> tuple[list[Author], list[Author]]:
    """Return the authors to show at once, and those to show on demand."""
    shown = [a for a in authors if a.position <= SHOWN_FIRST or a.mark]
    hidden = [a for a in authors if not (a.position <= SHOWN_FIRST or a.mark)]
    return (list(authors), []) if len(hidden) <= 2 else (shown, hidden)
