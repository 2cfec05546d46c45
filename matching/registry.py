"""The known codes of an observatory, ready for the question "which of them can this damaged one be?".

The index maps a code's skeleton (letters and digits only) to the code, and its folded skeleton (confusable characters
made equal) to all codes that fold alike. Codes one edit away share their beginning or their end with what is written:
only those are compared, so a look-up among 200,000 codes costs little more than among one, and misses nothing.
"""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import OSA

from matching.forms import FOLD as _FOLD
from matching.forms import Form, skeleton
from matching.grammar import Grammar

_FEW = 20_000  # codes that are all compared in search of two edits: a millisecond
_MOST_REMEMBERED = 20_000
_MOST_EDITED = (
    2_000  # codes of one text whose one-edit neighbours are looked for: a quarter of a second; no paper has so many
)
_MOST_COMPARED = 6_000_000  # comparisons in search of two edits for one text: half a second


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Registry codes near a damaged one: by separators and case alone, by folding, by one edit; each sorted.

    A code may be in more than one of them.
    """

    same: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, nearest first, none twice."""
        return tuple(dict.fromkeys((*self.same, *self.alike, *self.near)))


@dataclass(frozen=True, slots=True)
class _Ends:
    """How codes begin and end, as many characters of each as one edit leaves alone at one end or the other."""

    sizes: tuple[int, ...]
    heads: frozenset[str]
    folded_heads: frozenset[str]
    tails: frozenset[str]
    firsts: tuple[str, ...]
    lasts: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> _Ends:
        """The ends of these skeletons: of one with n characters (n - 1) / 2, for a swap touches two; five are enough."""
        kept = [(name, min(5, max(1, (len(name) - 1) // 2))) for name in names]
        folds = [(name.translate(_FOLD), size) for name, size in kept]
        return cls(
            tuple(sorted({size for _, size in kept})),
            frozenset(name[:size] for name, size in kept),
            frozenset(name[:size] for name, size in folds),
            frozenset(name[-size:] for name, size in kept),
            tuple(sorted({name[:1] for name, _ in folds})),
            tuple(sorted({name[-1:] for name, _ in kept})),
        )

    def may_be(self, plain: str) -> bool:
        """Whether one edit may lead from this skeleton to a code."""
        return any(plain[:size] in self.heads or plain[-size:] in self.tails for size in self.sizes)

    def may_hold(self, plain: str) -> bool:
        """Whether a code within one edit or a folding may stand in this longer skeleton."""
        alike = plain.translate(_FOLD)
        for size in self.sizes:
            if any(alike[place : place + size] in self.folded_heads for place in _places_of(self.firsts, alike)):
                return True
            if any(
                plain[max(0, place + 1 - size) : place + 1] in self.tails for place in _places_of(self.lasts, plain)
            ):
                return True
        return False


def _places_of(signs: Sequence[str], text: str) -> Iterator[int]:
    """Where one of these characters stands in a text: the fewer of them do, the sooner."""
    for sign in signs:
        place = text.find(sign) if sign else -1
        while place >= 0:
            yield place
            place = text.find(sign, place + 1)


def _differ_at(one: str, other: str, place: int) -> bool:
    """Whether two skeletons differ in the character at this place alone."""
    return len(one) == len(other) and one[:place] == other[:place] and one[place + 1 :] == other[place + 1 :]


@dataclass
class Registry:
    """An immutable set of known codes with indexes for nearest-code search; ``code in registry``."""

    grammar: Grammar
    codes: Iterable[str]
    _known: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Hundreds of thousands of small lists are made here and none is garbage: looking for some takes half the time.
        collects = gc.isenabled()
        gc.disable()
        try:
            self._build()
        finally:
            if collects:
                gc.enable()

    def _build(self) -> None:
        """Make the indexes."""
        self._known = frozenset(self._spelled(code.strip()) for code in self.codes if code.strip())
        self.codes = self._known
        self._by_skeleton: dict[str, list[str]] = defaultdict(list)
        self._by_fold: dict[str, list[str]] = defaultdict(list)
        self._by_front: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._by_number: dict[str, list[str]] = defaultdict(list)
        self._by_ending: dict[tuple[str, ...], list[str]] = defaultdict(list)
        # What may be printed with an edit: the codes with their free zeros and without.
        has_free_zeros = any(part.free_zeros for form in self.grammar.forms for part in form.fields)
        self._by_plain: dict[str, list[str]] = defaultdict(list) if has_free_zeros else self._by_skeleton
        for code in sorted(self._known):
            parsed = self.grammar.parse(code)
            key, plain = self._key(code, parsed), skeleton(code)
            self._by_skeleton[key].append(code)
            if has_free_zeros:
                for name in {key, plain}:
                    self._by_plain[name].append(code)
            self._by_fold[plain.translate(_FOLD)].append(code)
            if parsed is not None:
                values = tuple(parsed[1].values())
                self._by_front[values[:-1]].append(code)
                self._by_number[values[-2:][0]].append(code)
                self._by_ending[values[-2:]].append(code)
        self.heads = frozenset(head for form in self.grammar.forms for head in form.heads)
        self._nearest: dict[tuple[str, int, bool], tuple[str, ...]] = {}
        self._near: dict[str, tuple[str, ...]] = {}
        self._asked: dict[str, int] | None = None
        self._index_ends()

    def _index_ends(self) -> None:
        """Make the indexes of the beginnings and ends by which codes near a damaged one are found."""
        self._sorted = sorted(self._by_plain)
        # Two characters of short codes, four of long ones: enough that few codes share them.
        self._tail_size = 4 if all(len(name) > 8 for name in self._sorted) else 2
        self._by_tail: dict[str, list[str]] = defaultdict(list)
        for name in self._sorted:
            self._by_tail[name[-self._tail_size :]].append(name)
        self._folds = list(self._by_fold)
        self._folds_by_tail: dict[str, list[str]] = defaultdict(list)
        if len(self._folds) > _FEW:
            self._folds.sort()
            for name in self._folds:
                self._folds_by_tail[name[-5:]].append(name)
        self._ends = _Ends.of(self._sorted)

    def for_one_text(self) -> Registry:
        """The same registry, which searches far for a bounded number of different codes only: no text takes for ever."""
        bounded = object.__new__(Registry)  # copy.copy is thirty times slower
        bounded.__dict__.update(self.__dict__)
        bounded._asked = {}
        return bounded

    def _place_of(self, written: str) -> int:
        """How many other codes of this text were asked about before this one; 0 where there is no bound."""
        return 0 if self._asked is None else self._asked.setdefault(written, len(self._asked))

    def _spelled(self, code: str) -> str:
        """The canonical form of a listed code; one that is not well-formed stays as it is."""
        return code if self.grammar.is_well_formed(code) else self.grammar.canonical(code) or code

    def key(self, code: str) -> str:
        """The skeleton, leading zeros of fields where they are free left out: equal for all lossless spellings."""
        return self._key(code, self.grammar.parse(code))

    @staticmethod
    def _key(code: str, parsed: tuple[Form, dict[str, str]] | None) -> str:
        """The key of a code that is parsed already."""
        if parsed is None or not any(part.free_zeros for part in parsed[0].fields):
            return skeleton(code)
        form, fields = parsed
        free = {part.name for part in form.fields if part.free_zeros}
        return skeleton("".join(value.lstrip("0") if name in free else value for name, value in fields.items()))

    def __contains__(self, code: object) -> bool:
        return code in self._known

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._known))

    def same(self, code: str) -> str | None:
        """The registry's own spelling of this code if it holds it (free zeros and optional parts apart), else None."""
        if code in self._known:
            return code
        spelled = self._by_skeleton.get(self.key(code), [])
        if len(spelled) == 1:
            return spelled[0]
        parsed = self.grammar.parse(code)
        if parsed is None:
            return None
        form, fields = parsed
        bare = form.render({part.name: None if part.optional else fields.get(part.name) for part in form.fields})
        spelled = self._by_skeleton.get(self.key(bare), []) if bare != code else []
        return spelled[0] if len(spelled) == 1 else None

    def same_front(self, code: str) -> str | None:
        """The one registry code that differs from a well-formed one in its last field alone, else None."""
        found = self.all_with_front(code)
        return found[0] if len(found) == 1 else None

    def all_with_front(self, code: str) -> tuple[str, ...]:
        """Every registry code that is a well-formed one but for its last field."""
        parsed = self.grammar.parse(code)
        return () if parsed is None else tuple(self._by_front.get(tuple(parsed[1].values())[:-1], ()))

    def ending(self, number: str, kind: str | None) -> list[str]:
        """Codes with this number (and kind, unless None), oldest first."""
        if kind is not None:
            return list(self._by_ending.get((number, kind), ()))
        return list(self._by_number.get(number, ()))

    def may_hold(self, text: str) -> bool:
        """Whether a code within one edit or a folding may stand in this short text; False is sure, True is not.

        One edit leaves the first characters of a code alone or the last ones. A quick look before a long one.
        """
        return self._ends.may_hold(skeleton(text))

    def neighbours(self, written: str, *, edits: bool = True) -> Neighbours:
        """Codes equal to ``written`` but for separators and case, but for confusable characters, or but for one edit.

        Without ``edits`` the third is not looked for. An edit is one character put in, left out, replaced, or two neighbours swapped, among letters and digits.
        """
        plain = skeleton(written)
        alike = tuple(self._by_fold.get(plain.translate(_FOLD), ()))
        if not edits or not self._ends.may_be(plain):
            return Neighbours(tuple(self._by_plain.get(plain, ())), alike)
        same = tuple(self._by_plain.get(plain, ()))
        if self._place_of(plain) > _MOST_EDITED:
            return Neighbours(same, alike)
        if plain not in self._near:
            if len(self._near) >= _MOST_REMEMBERED:
                self._near.clear()
            self._near[plain] = tuple(self._one_edit(plain))
        return Neighbours(same, alike, self._near[plain])

    def _one_edit(self, plain: str) -> list[str]:
        """The codes one edit away from ``plain``; none for over-long input.

        One edit leaves the last characters alone, or all but the last ones and one more: only such codes are compared.
        """
        size = self._tail_size
        if not size + 2 <= len(plain) <= 40:
            return []
        head = plain[: len(plain) - size - 1]
        first = bisect_left(self._sorted, head)
        last = bisect_left(self._sorted, head + "\U0010ffff", first)
        likely = list({*self._sorted[first:last], *self._by_tail.get(plain[-size:], ())})
        near = process.extract(plain, likely, scorer=OSA.distance, processor=None, score_cutoff=1, limit=None)
        found = {code for name, distance, _ in near if distance for code in self._by_plain[name]}
        return sorted(found.difference(self._by_plain.get(plain, ())))

    def rivals(self, written: str, code: str) -> tuple[str, ...]:
        """Other codes that ``written``, which reads as ``code``, may mean if a character read as its look-alike is a slip.

        "2017.1.0O340.S" reads as the code with 00340; with a registry that holds 01340 too it may be that one.
        """
        plain = skeleton(written)
        meant = skeleton(code)
        if plain.endswith(meant) or len(plain) != len(meant):
            return ()
        unsure = [place for place, (sign, other) in enumerate(zip(plain, meant, strict=True)) if sign != other]
        if len(unsure) > 1:  # one slip gives one strange character: more of them are a way of reading
            return ()
        near = self.neighbours(written).near
        return tuple(other for other in near if other != code and _differ_at(skeleton(other), meant, unsure[0]))

    def nearest(self, written: str, limit: int = 50, *, far: bool = True) -> list[str]:
        """At most ``limit`` registry codes that ``written`` may mean, best first, two edits away at most.

        Without ``far`` one edit away at most: enough where the registry holds what is written.

        Order: equal but for separators, then confusable characters, then one edit (lost or extra zeros before other
        edits), then the same number and kind in another year or call, codes that go on where it ends, then two edits.
        """
        far = far and self._place_of(skeleton(written)) * min(len(self._folds), _FEW) <= _MOST_COMPARED
        key = (written, limit, far)
        if key not in self._nearest:
            if len(self._nearest) >= _MOST_REMEMBERED:
                self._nearest.clear()
            self._nearest[key] = tuple(self._search(written, limit, far=far))
        return list(self._nearest[key])

    def _begun_by(self, plain: str, limit: int) -> list[str]:
        """Codes that go on where a shorter one ends, as the runs of a programme do."""
        first = bisect_left(self._sorted, plain)
        last = min(bisect_left(self._sorted, plain + "\U0010ffff", first), first + limit)
        return [code for name in self._sorted[first:last] for code in self._by_plain[name]]

    def _folds_to_compare(self, alike: str) -> Sequence[str]:
        """What may be two edits away: all of a small registry, of a large one what begins or ends alike."""
        if len(self._folds) <= _FEW:
            return self._folds
        head = alike[: max(3, len(alike) - 5)]
        first = bisect_left(self._folds, head)
        last = bisect_left(self._folds, head + "\U0010ffff", first)
        return sorted({*self._folds[first:last], *self._folds_by_tail.get(alike[-5:], ())})

    def _search(self, written: str, limit: int, *, far: bool) -> list[str]:
        """The search behind ``nearest``, whose answers are remembered: papers repeat their codes."""
        near = self.neighbours(written)
        plain = skeleton(written)
        zeros = [code for code in near.near if skeleton(code).replace("0", "") == plain.replace("0", "")]
        found = dict.fromkeys((*near.same, *near.alike, *zeros, *near.near))
        parsed = self.grammar.parse(written)
        if parsed is not None:
            values = list(parsed[1].values())
            if len(values) > 2:
                found |= dict.fromkeys(self.ending(values[-2], values[-1]))
            found |= dict.fromkeys(self._begun_by(plain, limit))
        if far and len(found) < limit and 3 <= len(plain) <= 40:
            others = process.extract(
                plain.translate(_FOLD),
                self._folds_to_compare(plain.translate(_FOLD)),
                scorer=OSA.distance,
                processor=None,
                score_cutoff=2,
                limit=limit + 1,
            )
            found |= dict.fromkeys(code for name, _, _ in others for code in self._by_fold[name])
        found.pop(written, None)
        return list(found)[:limit]
