"""The people of a project list, searchable by a name as any paper prints it.

A printed author is looked up by surname and initial, part of a compound, or a surname one slip away, and compared only
with the people filed there; so initials, accents and compound surnames find their person without comparing everyone.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matching.people import MAX_NAME, Name, compare, index_keys, parse

__all__ = ["Found", "NameRegister"]

MIN_NAME = 0.5
"""Least similarity at which a printed name may be a registered person."""

_KEPT = 300_000
"""Printed names whose people are remembered; then the memory is emptied and fills anew, so that it stays bounded."""


class Found(NamedTuple):
    """The people whom a printed name may mean."""

    numbers: tuple[int, ...]
    """Their numbers in the register."""
    alike: tuple[float, ...]
    """For each the similarity of the names, 0.5–1."""
    chance: float
    """The share of all registered names that would agree as well: how often an agreement is an accident."""
    worth: tuple[float, ...]
    """For each the similarity times the surprise of an agreement (minus the logarithm of the chance)."""
    is_person: bool
    """False for a collaboration, and for what holds no name."""


class NameRegister:
    """The people of a project list, each spelling once, searchable by a name as any paper prints it."""

    def __init__(self, smallest: float) -> None:
        """``smallest``: names counted at least; a short list says little about how common a name is."""
        self._smallest = smallest
        self._forms: list[Name] = []
        self._numbers: dict[Name, int] = {}
        self._counts: list[int] = []
        self._slots = 0
        self._filed: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._surnames: dict[str, list[int]] = defaultdict(list)
        self._slips: dict[str, set[str]] | None = None
        self._found: dict[str, Found] = {}
        self._added: dict[str, int | None] = {}

    def __len__(self) -> int:
        return len(self._forms)

    def add(self, printed: str) -> int | None:
        """File a name and return its number; ``None`` for what is no person."""
        printed = printed[:MAX_NAME]
        number = self._added.get(printed)
        if number is None:
            if printed in self._added:
                return None
            number = self._added[printed] = self._file(parse(printed))
            if number is None:
                return None
        self._counts[number] += 1
        self._slots += 1
        return number

    def _file(self, name: Name) -> int | None:
        """The number of a name, filed under its surnames and initials if it is new."""
        if name.group or not name.surname:
            return None
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._forms)
            self._forms.append(name)
            self._counts.append(0)
            for key in index_keys(name):
                self._surnames[key].append(number)
                for initial in {g[0] for g in name.given} or {""}:
                    self._filed[key, initial].append(number)
        return number

    def find(self, printed: str) -> Found:
        """People who may be meant. Time is bounded: only ``MAX_NAME`` characters are read."""
        known = self._found.get(printed)
        if known is None:
            printed = printed[:MAX_NAME]
            known = self._search(parse(printed))
            if len(self._found) >= _KEPT:
                self._found.clear()
            self._found[printed] = known
        return known

    def _search(self, name: Name) -> Found:
        if name.group:
            return Found((), (), 1.0, (), False)
        keys = index_keys(name)
        if not name.ordered and len(name.given) == 1 and len(name.given[0]) > 2:
            keys.append(name.given[0])  # the surname may stand first
        if name.surname and not any(k in self._surnames for k in keys):
            keys = sorted(self._near(name.surname))
        numbers: list[int] = []
        similar: list[float] = []
        agreeing = 0
        for number in self._filed_under(keys, name):
            alike = compare(name, self._forms[number])
            if alike >= MIN_NAME:
                numbers.append(number)
                similar.append(alike)
                agreeing += self._counts[number]
        chance = (agreeing + 0.5) / max(self._slots, self._smallest)
        if not numbers:
            return Found((), (), chance, (), True)
        surprise = -math.log(chance) if chance < 1.0 else 0.0
        return Found(tuple(numbers), tuple(similar), chance, tuple([a * surprise for a in similar]), True)

    def _filed_under(self, keys: Sequence[str], name: Name) -> Iterable[int]:
        """Numbers of the people filed under any of the keys with one of the name's initials, each once."""
        initials = {g[0] for g in name.given}
        if len(keys) == len(initials) == 1 and keys[0] not in name.given:
            alone = self._filed.get((keys[0], name.given[0][0]), ())
            bare = self._filed.get((keys[0], ""))
            return alone if bare is None else [*alone, *bare]
        numbers: dict[int, None] = {}
        for key in keys:
            if not initials or key in name.given:
                numbers |= dict.fromkeys(self._surnames.get(key, ()))
            else:
                for initial in (*sorted(initials), ""):
                    numbers |= dict.fromkeys(self._filed.get((key, initial), ()))
        return numbers

    def _near(self, surname: str) -> set[str]:
        """Registered surnames one typing slip away, by looking up every form with one letter left out."""
        if len(surname) < 5:
            return set()
        if self._slips is None:
            self._slips = defaultdict(set)
            for known in self._surnames:
                if len(known) >= 5:
                    for form in _one_left_out(known):
                        self._slips[form].add(known)
        return {known for form in _one_left_out(surname) for known in self._slips.get(form, ())}


def _one_left_out(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}
