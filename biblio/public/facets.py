"""Facets: which papers have which values of year, journal, project …, counted for any selection of papers at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from biblio.public.wordlists import Grown, Mask

NOBODY = 0
"""The row that is no paper's: pairs that are taken out are given to it."""

LINK_FACETS = ("cycle", "project", "category", "data")
"""Facets whose values follow from the projects a paper used."""
FACETS = ("year", "data", "cycle", "category", "journal", "author", "project", "refereed")
"""All facets, in the order in which pages show them."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet with how many of the papers found have it. ``is_chosen``: the query asks for it."""

    value: str
    count: int
    is_chosen: bool = False


class PackedFacet(NamedTuple):
    """A facet as it is kept on disk: its values, and pairs of a row and the number of a value."""

    values: list[str]
    rows: np.ndarray[Any, Any]
    numbers: np.ndarray[Any, Any]


class Facet:
    """Pairs of a paper's row and a value: a paper can have several values, or none."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows = Grown(np.uint32)
        self._pairs = Grown(np.uint32)

    def put(self, row: int, values: Iterable[str]) -> None:
        """Give a row these values besides those it has."""
        known = self._numbers
        numbers = [known[value] if value in known else self._new(value) for value in dict.fromkeys(values)]
        self._rows.extend([row] * len(numbers))
        self._pairs.extend(numbers)

    def packed(self) -> PackedFacet:
        """Return what ``of_packed`` makes this facet of again; it does not change when the facet does."""
        return PackedFacet(list(self.values), self._rows.view.copy(), self._pairs.view.copy())

    @classmethod
    def of_packed(cls, packed: PackedFacet) -> Facet:
        """Return the facet that was packed. Raises ``ValueError`` where its parts do not fit together."""
        if len(packed.rows) != len(packed.numbers) or packed.numbers.max(initial=0) >= max(len(packed.values), 1):
            raise ValueError("pairs without values")
        facet = cls()
        facet.values = packed.values
        facet._numbers = {value: number for number, value in enumerate(packed.values)}
        facet._rows, facet._pairs = Grown.of(packed.rows), Grown.of(packed.numbers)
        return facet

    def clear(self, row: int) -> int:
        """Take all values from a row; returns how many there were."""
        rows: Any = self._rows.view
        mine = np.flatnonzero(rows == row)
        rows[mine] = NOBODY
        return len(mine)

    def of(self, row: int) -> list[str]:
        """Return the values of a row, in the order given."""
        return [self.values[number] for number in self._pairs.view[self._rows.view == row]]

    def mask(self, rows: int, wanted: Iterable[str]) -> Mask:
        """Return which of ``rows`` rows have any of the values ``wanted``."""
        chosen = np.zeros(len(self.values), dtype=np.bool_)
        chosen[[self._numbers[value] for value in wanted if value in self._numbers]] = True
        return self._of_chosen(rows, chosen)

    def holding(self, rows: int, part: str) -> Mask:
        """Return which rows have a value that holds ``part``, whatever the case."""
        chosen = np.fromiter((part in value.lower() for value in self.values), dtype=np.bool_, count=len(self.values))
        return self._of_chosen(rows, chosen)

    def counts(self, mask: Mask) -> np.ndarray[Any, Any]:
        """Return, for each value, how many of the masked rows have it."""
        pairs: Any = self._pairs.view
        return np.bincount(pairs[mask[self._rows.view]], minlength=len(self.values))

    def greatest(self, mask: Mask, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return, for each value, the greatest of the ``numbers`` of the masked rows that have it; 0 without any."""
        found = np.zeros(len(self.values), dtype=numbers.dtype)
        mine = mask[self._rows.view]
        np.maximum.at(found, self._pairs.view[mine], numbers[self._rows.view[mine]])
        return found

    def top(self, mask: Mask, most: int, chosen: Sequence[str] = ()) -> tuple[list[Value], int]:
        """Return the values with most of the masked rows, and how many values have any.

        Most papers first, then by value; values that are ``chosen`` are among them however few they have.
        """
        counts = self.counts(mask)
        there = np.flatnonzero(counts)
        some = there
        if len(there) > most:
            least = np.partition(counts[there], len(there) - most)[len(there) - most]
            some = there[counts[there] >= least]
        ranked = sorted((-int(counts[n]), self.values[n]) for n in some)[:most]
        listed = [Value(value, -count, value in chosen) for count, value in ranked]
        shown = {one.value for one in listed}
        more = [value for value in chosen if value not in shown]
        listed += [Value(v, int(counts[self._numbers[v]]) if v in self._numbers else 0, True) for v in more]
        return listed, len(there)

    def _new(self, value: str) -> int:
        number = self._numbers[value] = len(self.values)
        self.values.append(value)
        return number

    def _of_chosen(self, rows: int, chosen: Mask) -> Mask:
        found = np.zeros(rows, dtype=np.bool_)
        found[self._rows.view[chosen[self._pairs.view]]] = True
        found[NOBODY] = False
        return found
