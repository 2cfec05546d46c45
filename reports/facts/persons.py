"""Who the authors of papers are: one person an ORCID, or where none is known a name, by two readings of names.

Nobody knows how many people stand behind printed names. Taking one surname and first initial as one person gives too few,
every way of writing a name as another too many (M. E. J. Newman, PNAS 98, 404, 2001, counts both); an ORCID settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import chain, compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.rosters import sketch

Vector = NDArray[Any]


class Person(NamedTuple):
    """What one printed author counts as: ``least`` where few people are assumed, ``most`` where many are."""

    least: str
    most: str


class Persons:
    """The people among the authors of papers, as numbers: each name is read once, and papers are counted in vectors.

    A name printed without an ORCID is the person of the one ORCID that stands beside this very name elsewhere. Where the
    name is written in another way, that is assumed for ``least`` only. So there are never fewer of ``most``.
    """

    def __init__(self, ids: Sequence[int], authors: Sequence[Sequence[str]], orcids: Sequence[Sequence[str]]) -> None:
        """Read the authors of the papers ``ids``, which are sorted; a paper's *place* is its position among them.

        All plain data, so that another process can do it. ``orcids`` are in step with ``authors``, "" where none is known.
        """
        self._places = {i: place for place, i in enumerate(ids)}
        people = _People(list(chain.from_iterable(authors)), list(chain.from_iterable(map(_beside, authors, orcids))))
        where = np.repeat(np.arange(len(ids)), [len(one) for one in authors])
        is_person = people.least >= 0
        self._paper: Vector = where[is_person]
        self._least, self._most = people.least[is_person], people.most[is_person]
        self.numbers: Vector = np.bincount(self._paper, minlength=len(ids))
        """How many people are printed on the paper at each place."""

    def places(self, ids: Sequence[int]) -> Vector:
        """Return the places of some of the papers."""
        return np.fromiter((self._places[i] for i in ids), dtype=np.intp, count=len(ids))

    def distinct(self, places: Vector) -> tuple[int, int]:
        """Return how many people wrote the papers at these places: at least, and at most."""
        is_in = np.zeros(len(self._places), dtype=np.bool_)
        is_in[places] = True
        authors = is_in[self._paper]
        return _different(self._least[authors]), _different(self._most[authors])

    def new_first_authors(self, order: Sequence[int]) -> frozenset[int]:
        """Return those of the papers in ``order`` with which a person is first author for the first time."""
        written, starts = np.unique(self._paper, return_index=True)
        first = dict(zip(written.tolist(), self._least[starts].tolist(), strict=True))
        met: set[int] = set()
        new = []
        for i in order:
            person = first.get(self._places[i])
            if person is not None and person not in met:
                met.add(person)
                new.append(i)
        return frozenset(new)


class _People:
    """One number a person for each printed author, by either reading; -1 for what is no person."""

    def __init__(self, names: Sequence[str], orcids: Sequence[str]) -> None:
        number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
        read = {name: person_of(name) for name in number_of}
        by_name: dict[str, set[str]] = {}
        by_initial: dict[str, set[str]] = {}
        for name, orcid in set(compress(zip(names, orcids, strict=True), orcids)):
            if (person := read[name]) is not None:
                by_name.setdefault(person.most, set()).add(orcid)
                by_initial.setdefault(person.least, set()).add(orcid)
        settled = [_settled(person, by_name, by_initial) for person in read.values()]
        least: dict[str, int] = {}
        most: dict[str, int] = {}
        fewest = [_number(least, person.least if person else None) for person in settled]
        highest = [_number(most, person.most if person else None) for person in settled]
        printed = np.fromiter(map(number_of.__getitem__, names), dtype=np.intp, count=len(names))
        self.least: Vector = np.array(fewest, dtype=np.int64)[printed]
        self.most: Vector = np.array(highest, dtype=np.int64)[printed]
        if by_name:
            self._tell_by(orcids, least, most)

    def _tell_by(self, orcids: Sequence[str], least: dict[str, int], most: dict[str, int]) -> None:
        """Put the person of an ORCID in the place of each author beside whom one is printed."""
        number_of = {orcid: number for number, orcid in enumerate(dict.fromkeys(orcids))}
        printed = np.fromiter(map(number_of.__getitem__, orcids), dtype=np.intp, count=len(orcids))
        fewest = np.array([_number(least, orcid or None) for orcid in number_of], dtype=np.int64)[printed]
        highest = np.array([_number(most, orcid or None) for orcid in number_of], dtype=np.int64)[printed]
        is_told = (self.least >= 0) & (fewest >= 0)
        self.least, self.most = np.where(is_told, fewest, self.least), np.where(is_told, highest, self.most)


def _number(numbers: dict[str, int], person: str | None) -> int:
    """Return a person's number, a new one where it has none; -1 for nobody."""
    return -1 if person is None else numbers.setdefault(person, len(numbers))


def _beside(authors: Sequence[str], orcids: Sequence[str]) -> Sequence[str]:
    """Return one ORCID for each printed author, "" where none is known."""
    missing = len(authors) - len(orcids)
    return orcids[: len(authors)] if missing <= 0 else (*orcids, *("",) * missing)


def _settled(
    person: Person | None, by_name: Mapping[str, set[str]], by_initial: Mapping[str, set[str]]
) -> Person | None:
    """Return whom a name stands for where no ORCID is printed beside it."""
    if person is None:
        return None
    same, alike = by_name.get(person.most, ()), by_initial.get(person.least, ())
    if len(same) == 1:
        return Person(min(same), min(same))
    return Person(min(alike), person.most) if alike else person


def _different(numbers: Vector) -> int:
    return int(np.count_nonzero(np.bincount(numbers))) if len(numbers) else 0


def person_of(name: str) -> Person | None:
    """Return a name's surname with the first initial, and the whole of it; None for a group, "et al.", and no name."""
    seen = sketch(name)
    read = seen.name
    if seen.is_cut or read.group or not read.surname:
        return None
    if not read.given:
        return Person(read.surname, read.surname)
    return Person(f"{read.surname} {read.given[0][:1]}", f"{read.surname} {' '.join(read.given)}")


def in_order(appeared_on: Mapping[int, date | None], groups: Iterable[Iterable[int]]) -> list[int]:
    """Return the papers group by group, within each those that appeared first before, those of unknown day last."""

    def appeared(paper: int) -> tuple[date, int]:
        return appeared_on[paper] or date.max, paper

    return [i for group in groups for i in sorted(group, key=appeared)]
