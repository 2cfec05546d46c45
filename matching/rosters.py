"""Names filed so that those which may be one person's are found without comparing all with all.

A paper of ten authors and a team of ten are a hundred pairs, of which nearly all are strangers. ``Roster.near`` leaves
out those of which ``matching.authorship.sameness`` is certain to be ``NO``, by what it asks of a pair at least. Surnames
that differ must be one or two slips apart (so that their letters differ in four at most), read alike when scanned, or
be one without the other's particle; where both are of one part, the first given names must agree as well: they begin
alike, are short forms of each other, or differ in their first two letters only. Else a surname stands among the other's
given names. Names with lost letters, without a given name, and groups are compared with all of their kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from matching.name_text import LOST
from matching.people import NICKNAMES, Name, as_scanned, index_keys, is_group, parse

__all__ = ["CUT", "Kind", "Roster", "Sketch", "forget_sketches", "sketch"]

MOST_DIFFERENT = 4
"""In so many letters two surnames may differ that are two slips apart, or one of which has a particle before it."""

SLIP_FROM, TWO_SLIPS_FROM = 5, 7
"""From so many letters on (of the longer one) surnames may differ by a slip or a particle, and by two slips."""

CUT = re.compile(r"\bet\.?\s*al\b|\bothers\b|\b\d+\s+more\b|\u2026|\.\.\.", re.I)
"""Words and signs by which a list of authors says that it goes on."""

_TAIL = 3
_WRITTEN_OUT = 5
"""Given names of so many letters agree with one slip in them; where the first letter slipped, the last ones stand."""

_OTHER_INITIALS: dict[str, frozenset[str]] = {}
for _short, _full in NICKNAMES.items():
    _OTHER_INITIALS[_short] = _OTHER_INITIALS.get(_short, frozenset()) | {_full[0]}
    _OTHER_INITIALS[_full] = _OTHER_INITIALS.get(_full, frozenset()) | {_short[0]}


class Kind(IntEnum):
    """What a name must be compared with. ``NOBODY`` has no surname and is like no one."""

    PLAIN = 0
    COMPOUND = 1
    ODD = 2
    GROUP = 3
    NOBODY = 4


class Sketch(NamedTuple):
    """A printed name, read once, with what is asked of it before it is compared.

    ``keys`` are its surname and the parts of it, ``letters`` has a bit for each letter of the surname, ``initials`` are
    those that a first given name may begin with to agree, ``tails`` holds the end of a first given name that is long
    enough to have a slip in it. ``is_cut``: it says that a list goes on.
    """

    name: Name
    kind: Kind
    keys: tuple[str, ...]
    given: tuple[str, ...]
    tails: tuple[str, ...]
    letters: int
    scanned: str
    initials: tuple[str, ...]
    is_group: bool
    is_cut: bool


_KIND, _KEYS, _GIVEN, _TAILS = (itemgetter(Sketch._fields.index(name)) for name in ("kind", "keys", "given", "tails"))


@lru_cache(maxsize=400_000)
def sketch(text: str) -> Sketch:
    """Read a printed name; never raises."""
    name = parse(text)
    letters = 0
    for letter in name.surname:
        letters |= 1 << (ord(letter) & 63)
    first = name.given[0] if name.given else ""
    return Sketch(
        name,
        _kind(name),
        tuple(index_keys(name)),
        name.given,
        (first[-_TAIL:],) if len(first) >= _WRITTEN_OUT else (),
        letters,
        as_scanned(name.surname),
        (first[:1], *sorted(_OTHER_INITIALS.get(first, frozenset()) - {first[:1]})),
        is_group(text),
        CUT.search(text) is not None,
    )


def forget_sketches() -> None:
    """Give back the memory that names read so far are kept in."""
    sketch.cache_clear()


def _kind(name: Name) -> Kind:
    if not name.surname:
        return Kind.NOBODY
    if name.group:
        return Kind.GROUP
    if LOST in name.surname or not name.given:
        return Kind.ODD
    return Kind.PLAIN if len(name.parts) == 1 else Kind.COMPOUND


class Roster:
    """The names of a list of people, to be met with other lists. Places count from 0 in the list as given.

    What is asked of it is worked out when it is first needed: most lists that meet share no name at all.
    """

    __slots__ = ("_by_initial", "_given", "_is_plain", "_keys", "_tails", "sketches")

    def __init__(self, printed: Iterable[str]) -> None:
        self.sketches = list(map(sketch, printed))
        self._keys: frozenset[str] | None = None
        self._given: frozenset[str] | None = None
        self._tails: frozenset[str] | None = None
        self._is_plain: bool | None = None
        self._by_initial: dict[str, list[tuple[int, int, str]]] | None = None

    @property
    def keys(self) -> frozenset[str]:
        """The surnames, and the parts of compound ones."""
        if self._keys is None:
            self._keys = frozenset(chain.from_iterable(map(_KEYS, self.sketches)))
        return self._keys

    def of_one_surname(self, others: Roster) -> list[tuple[int, int]]:
        """Return (place here, place there) of the pairs that share a surname or a part of one, in order."""
        if self.keys.isdisjoint(others.keys):
            return []
        return _sharing(self, _KEYS, others, _KEYS, self.keys & others.keys)

    def near(self, others: Roster) -> list[tuple[int, int]]:
        """Return all pairs that may be one person, those of ``of_one_surname`` among them, and some that are not."""
        found = set(self.of_one_surname(others))
        by_initial = self._filed()
        for there, (_, kind, _, _, _, letters, scanned, initials, _, _) in enumerate(others.sketches):
            if not kind:
                for initial in initials:
                    if initial in by_initial:
                        for here, theirs, as_read in by_initial[initial]:
                            may_be = (letters ^ theirs).bit_count() <= MOST_DIFFERENT or scanned == as_read
                            if may_be and _are_close(self.sketches[here], others.sketches[there]):
                                found.add((here, there))
        if not (self._plain() and others._plain()):
            found.update(self._of_other_kinds(others))
        self._misread(others, found)
        return sorted(found)

    def _plain(self) -> bool:
        """Whether all names are plain."""
        if self._is_plain is None:
            self._is_plain = not any(map(_KIND, self.sketches))
        return self._is_plain

    def _filed(self) -> dict[str, list[tuple[int, int, str]]]:
        """Return the plain names by the letter that they begin with: whoever is looked for brings other initials along."""
        if self._by_initial is None:
            self._by_initial = {}
            for place, one in enumerate(self.sketches):
                if one.kind is Kind.PLAIN:
                    self._by_initial.setdefault(one.initials[0], []).append((place, one.letters, one.scanned))
        return self._by_initial

    def _of_other_kinds(self, others: Roster) -> Iterator[tuple[int, int]]:
        """Yield the pairs that may be one person and of which one at least is no plain name."""
        for there, other in enumerate(others.sketches):
            for here, one in enumerate(self.sketches):
                if (one.kind or other.kind) and _may_be(one, other):
                    yield here, there

    def _misread(self, others: Roster, found: set[tuple[int, int]]) -> None:
        """Add those whose surname stands among the other's given names, or whose first given name slipped at its start."""
        if not others.given.isdisjoint(self.keys):
            found.update(_sharing(self, _KEYS, others, _GIVEN, self.keys & others.given))
        if not self.given.isdisjoint(others.keys):
            found.update(_sharing(self, _GIVEN, others, _KEYS, self.given & others.keys))
        if not self.tails.isdisjoint(others.tails):
            alike = _sharing(self, _TAILS, others, _TAILS, self.tails & others.tails)
            found.update(pair for pair in alike if _are_close(self.sketches[pair[0]], others.sketches[pair[1]]))

    @property
    def given(self) -> frozenset[str]:
        """The given names."""
        if self._given is None:
            self._given = frozenset(chain.from_iterable(map(_GIVEN, self.sketches)))
        return self._given

    @property
    def tails(self) -> frozenset[str]:
        """The ends of first given names that may have a slip in them."""
        if self._tails is None:
            self._tails = frozenset(chain.from_iterable(map(_TAILS, self.sketches)))
        return self._tails


_Words = Callable[[Any], tuple[str, ...]]


def _sharing(
    ours: Roster, mine: _Words, others: Roster, theirs: _Words, shared: frozenset[str]
) -> list[tuple[int, int]]:
    """Return the pairs that have one of the ``shared`` words in common, in order."""
    have: dict[str, list[int]] = {}
    for there, other in enumerate(others.sketches):
        for word in theirs(other):
            if word in shared:
                have.setdefault(word, []).append(there)
    found = {
        (here, there)
        for here, one in enumerate(ours.sketches)
        for word in mine(one)
        if word in shared
        for there in have[word]
    }
    return sorted(found)


def _may_be(one: Sketch, other: Sketch) -> bool:
    """Whether two names of which one is no plain name may be one person's."""
    if one.kind >= Kind.GROUP or other.kind >= Kind.GROUP:
        return one.kind is other.kind is Kind.GROUP
    if one.kind is Kind.ODD or other.kind is Kind.ODD:
        return True
    # Two names without a comma may each be read in many ways.
    return not (one.name.ordered or other.name.ordered) or _are_close(one, other)


def _are_close(one: Sketch, other: Sketch) -> bool:
    """Whether two surnames may be the same but for slips, a particle, or what scanners confuse."""
    x, y = one.name.surname, other.name.surname
    longest = max(len(x), len(y))
    if x == y or longest < SLIP_FROM:
        return x == y
    most = MOST_DIFFERENT if longest >= TWO_SLIPS_FROM else MOST_DIFFERENT // 2
    return (one.letters ^ other.letters).bit_count() <= most or one.scanned == other.scanned
