"""Whether authors are of teams, for many papers and projects at once: what ``matching.authorship.overlap`` says, in vectors.

A bibliography of fifty thousand papers has ten million pairs of an author and a team member, and nearly all of them are
strangers. The pairs are laid out as numbers, and those that cannot be one person are left out by the rules of
``matching.rosters``. Of the few that are left ``sameness`` is asked, once for each two names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.authorship import MOST_COMPARED, AuthorList, Member, Overlap, Sameness, Team, overlap, sameness
from matching.people import MAX_NAME
from matching.rosters import MOST_DIFFERENT, SLIP_FROM, TWO_SLIPS_FROM, Kind, Sketch, sketch

__all__ = ["Staff", "overlaps"]

_AT_ONCE = 500_000
"""Pairs of names that are laid out at once: some thirty megabytes."""

_Vector = NDArray[Any]


class Staff(NamedTuple):
    """A project's people as its registry prints them; ``pi`` is the name of one of them ("": not known).

    ``is_proposed``: see ``matching.authorship.team_overlap``.
    """

    names: Sequence[str]
    pi: str = ""
    is_proposed: bool = True

    @property
    def team(self) -> Team:
        """The people, filed to be met with the authors of one paper."""
        return Team(Member(name, is_pi=name == self.pi) for name in self.names)


def overlaps(
    authors: Sequence[Sequence[str]], staffs: Sequence[Staff], pairs: Sequence[tuple[int, int]]
) -> list[Overlap]:
    """Return for each pair (place of a paper's printed authors, place of a staff) what ``overlap`` says of the two."""
    names = _Names(chain(*authors, *(staff.names for staff in staffs), (staff.pi for staff in staffs)))
    listed, people = _Lists(names, authors), _Lists(names, [staff.names for staff in staffs])
    is_whole = [
        is_usual or AuthorList(printed).is_complete
        for printed, is_usual in zip(authors, listed.are_all(names.is_usual), strict=True)
    ]
    pis = names.numbers(staff.pi for staff in staffs)
    is_known = people.have_any(people.numbers != np.repeat(pis, people.sizes))
    same = _samest(names, listed, people, np.array(pairs, dtype=np.intp).reshape(-1, 2))
    found = []
    for (paper, place), most in zip(pairs, same, strict=True):
        if not staffs[place].is_proposed:
            found.append(Overlap.NO)
        elif most is None:
            found.append(overlap(AuthorList(authors[paper]), staffs[place].team))
        elif most == Sameness.NO and is_whole[paper] and is_known[place]:
            found.append(Overlap.NO)
        else:
            found.append(Overlap.YES if most == Sameness.YES else Overlap.UNKNOWN)
    return found


class _Names:
    """Distinct printed names, and what is asked of them before they are compared: vectors of one value a name."""

    def __init__(self, printed: Iterable[str]) -> None:
        self._number = {name: number for number, name in enumerate(dict.fromkeys(printed))}
        self.sketches = seen = list(map(sketch, self._number))
        self.kind = _vector([one.kind for one in seen], np.int8)
        self.is_ordered = _vector([one.name.ordered for one in seen], np.bool_)
        usual = [one.kind < Kind.GROUP and not (one.is_group or one.is_cut) for one in seen]
        self.is_usual = _vector(usual, np.bool_) & _vector([len(name) <= MAX_NAME for name in self._number], np.bool_)
        """Those that say nothing of whether a list of authors is complete."""
        self.letters = _vector([one.letters for one in seen], np.uint64)
        self.size = _vector([len(one.name.surname) for one in seen], np.int32)
        self.surname = _numbered(one.name.surname for one in seen)
        self.scanned = _numbered(one.scanned for one in seen)
        self.tail = _numbered(one.tails for one in seen)
        self.has_tail = _vector([len(one.tails) for one in seen], np.bool_)
        self.initial = _vector([_bit(one.initials[0]) for one in seen], np.uint64)
        self.initials = _vector([_bits(map(_bit, one.initials)) for one in seen], np.uint64)
        bit_of = _shared_words(seen)
        self.keys = _vector([_bits(bit_of.get(word, 0) for word in one.keys) for one in seen], np.uint64)
        self.given = _vector([_bits(bit_of.get(word, 0) for word in one.given) for one in seen], np.uint64)
        self._words, self._is_odd = self.keys | self.given, self.kind > Kind.PLAIN

    def numbers(self, printed: Iterable[str]) -> _Vector:
        """Return the numbers of names that are among these."""
        return np.fromiter(map(self._number.__getitem__, printed), dtype=np.intp)

    def might_meet(self, authors: _Vector, people: _Vector) -> _Vector:
        """Return where it is worth while to ask ``may_be``: nearly nowhere."""
        differs = np.bitwise_count(self.letters[authors] ^ self.letters[people])
        found: _Vector = differs <= MOST_DIFFERENT
        found |= self.scanned[authors] == self.scanned[people]
        found |= self._is_odd[authors] | self._is_odd[people]
        found |= (self._words[authors] & self._words[people]) > 0
        return found

    def may_be(self, a: _Vector, b: _Vector) -> _Vector:
        """Return where two names may be one person's: at least wherever ``Roster.near`` has the pair, none is a nobody."""
        surname, longest = self.surname[a] == self.surname[b], np.maximum(self.size[a], self.size[b])
        most = np.where(longest >= TWO_SLIPS_FROM, MOST_DIFFERENT, MOST_DIFFERENT // 2)
        differs = np.bitwise_count(self.letters[a] ^ self.letters[b])
        is_close = surname | ((longest >= SLIP_FROM) & ((differs <= most) | (self.scanned[a] == self.scanned[b])))
        begins = (self.initials[a] & self.initial[b]) > 0
        begins |= self.has_tail[a] & (self.tail[a] == self.tail[b])
        crossed = ((self.keys[a] & self.given[b]) | (self.given[a] & self.keys[b])) > 0
        kinds = self.kind[a], self.kind[b]
        highest = np.maximum(*kinds)
        plainly = surname | (is_close & begins) | crossed
        oddly = (highest == Kind.ODD) | ~(self.is_ordered[a] | self.is_ordered[b]) | is_close
        oddly |= crossed | ((self.keys[a] & self.keys[b]) > 0)
        found: _Vector = np.where(highest == Kind.PLAIN, plainly, oddly)
        return np.where(highest == Kind.GROUP, kinds[0] == kinds[1], found)


def _shared_words(seen: Iterable[Sketch]) -> dict[str, int]:
    """Return a bit for each word by which names meet that have not one surname: parts of compounds, and given names.

    Two words with one bit cost a comparison of names, and no more.
    """
    keys, others = set[str](), set[str]()
    for one in seen:
        keys.update(one.keys)
        others.update(one.given)
        if one.kind is not Kind.PLAIN:
            others.update(one.keys)
    return {word: 1 << number % 64 for number, word in enumerate(sorted(keys & others))}


class _Lists:
    """Lists of names laid out one after another, without those that nobody can read; one size and start a list."""

    def __init__(self, names: _Names, lists: Sequence[Sequence[str]]) -> None:
        self._count = len(lists)
        self.printed = _vector([len(one) for one in lists], np.int64)
        """How many names there are, those included that nobody can read."""
        numbers = names.numbers(chain.from_iterable(lists))
        rows = np.repeat(np.arange(self._count), self.printed)
        is_read = names.kind[numbers] != Kind.NOBODY
        self.numbers, self._rows = numbers[is_read], rows[is_read]
        self.sizes = np.bincount(self._rows, minlength=self._count)
        self.starts = np.cumsum(self.sizes) - self.sizes

    def have_any(self, which: _Vector) -> list[bool]:
        """Return for each list whether one of its names is such a one; ``which`` is in step with ``numbers``."""
        found: list[bool] = (np.bincount(self._rows[which], minlength=self._count) > 0).tolist()
        return found

    def are_all(self, which: _Vector) -> list[bool]:
        """Return for each list whether it has names and all of them are such ones; ``which`` has one value a name."""
        like = np.bincount(self._rows[which[self.numbers]], minlength=self._count)
        found: list[bool] = ((like == self.printed) & (like > 0)).tolist()
        return found


def _samest(names: _Names, authors: _Lists, people: _Lists, pairs: _Vector) -> list[int | None]:
    """Return the highest ``Sameness`` of an author and a person for each pair of lists; None where both are very long."""
    is_long = authors.printed[pairs[:, 0]] * people.sizes[pairs[:, 1]] > MOST_COMPARED
    which = np.flatnonzero(~is_long)
    sizes = authors.sizes[pairs[which, 0]] * people.sizes[pairs[which, 1]]
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes) // _AT_ONCE)) + 1
    near = [_near(names, authors, people, pairs, some) for some in np.split(which, cuts)]
    rows, codes = (np.concatenate(one) for one in zip(*near, strict=True))
    unique, places = np.unique(codes, return_inverse=True)
    seen = [one.name for one in names.sketches]
    same = [sameness(seen[code // len(seen)], seen[code % len(seen)]) for code in unique.tolist()]
    found = np.full(len(pairs), Sameness.NO, dtype=np.int8)
    np.maximum.at(found, rows, np.array(same, dtype=np.int8)[places])
    return [None if left else most for most, left in zip(found.tolist(), is_long.tolist(), strict=True)]


def _near(names: _Names, authors: _Lists, people: _Lists, pairs: _Vector, some: _Vector) -> tuple[_Vector, _Vector]:
    """Return of some pairs of lists those pairs of names that may be one person: whose they are, and both as one number."""
    listed, place = _laid_out(some, authors, pairs[some, 0])
    author = authors.numbers[place]
    row, place = _laid_out(np.arange(len(listed)), people, pairs[listed, 1])
    person = people.numbers[place]
    worth = np.flatnonzero(names.might_meet(author[row], person))
    row, person = row[worth], person[worth]
    kept = names.may_be(author[row], person)
    row, person = row[kept], person[kept]
    return listed[row], author[row] * len(names.sketches) + person


def _laid_out(rows: _Vector, lists: _Lists, which: _Vector) -> tuple[_Vector, _Vector]:
    """Return the places of all names of the lists ``which`` (in step with ``rows``), and the row of each."""
    sizes = lists.sizes[which]
    ends = np.cumsum(sizes)
    shifts = np.repeat(lists.starts[which] - ends + sizes, sizes)
    return np.repeat(rows, sizes), np.arange(len(shifts)) + shifts


def _vector(values: Sequence[Any], kind: Any) -> _Vector:
    return np.array(values, dtype=kind)


def _numbered(values: Iterable[Any]) -> _Vector:
    """Return equal numbers for equal values."""
    number: dict[Any, int] = {}
    return np.array([number.setdefault(value, len(number)) for value in values], dtype=np.int32)


def _bit(letter: str) -> int:
    return 1 << (ord(letter) & 63) if letter else 1


def _bits(several: Iterable[int]) -> int:
    found = 0
    for one in several:
        found |= one
    return found
