"""Which stretches of a raw text are worth repairing and reading: those around anchors, names and foreign digits.

Most of any text holds nothing that could be a code; this is the part whose speed counts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from matching.anchors import anchor_patterns, crumbled_pattern
from matching.elided import NumberReader
from matching.forms import DIGIT_LIKE, SEPARATOR_CHARACTERS
from matching.grammar import Grammar
from matching.text import foreign_digits

BEFORE, AFTER, _LONGEST_WINDOW = 100, 120, 4_000
_SHORT = 20_000  # a whole paper that prints our codes also names us; an excerpt need not

# Digit-like characters with nothing but separators between, one or two letters allowed after the first two: where a
# damaged code may stand.
_SIGN = rf"[{SEPARATOR_CHARACTERS.replace(':', '')}{{}}$\[\]()\x00-\x08\u034f\u200b-\u200f\u202a-\u202e\u00ad\u2060-\u2069\ufeff\n\r\t\u00a0\u2009\u202f]{{0,4}}"
_ONE = rf"[{DIGIT_LIKE}]{_SIGN}"
# It begins with a class of characters, not with a look around: only then is it searched fast. A small letter amid a
# word begins nothing.
DIGIT_RUN = re.compile(
    rf"[&{DIGIT_LIKE}](?<![a-z][a-z|])(?:(?<!&){_SIGN}(?:(?:{_ONE}){{5}}|{_ONE}(?:[A-Za-z]{_SIGN}){{1,2}}(?:{_ONE}){{3}}"
    rf"|(?:{_ONE}){{2}}[A-Za-z]{_SIGN}(?:{_ONE}){{1,3}}[A-Za-z]{_SIGN}(?:{_ONE}){{2}})|(?<=&)#x?[0-9A-Fa-f]{{2,4}};)"
)


_CROWDED = 16  # characters between names that crowd together
_NEAR = 2_500  # characters from our name within which a code is looked for whose beginning is damaged


class Windows:
    """Finds the windows of the texts of one observatory; ``numbers`` where numbers alone are looked for."""

    def __init__(self, grammar: Grammar, numbers: NumberReader | None) -> None:
        # A pattern of plain letters is searched faster than str.find does it.
        self._names = tuple(re.compile(re.escape(name)) for name in grammar.names)
        self._numbers = numbers
        self._anchors = anchor_patterns(grammar, named=False)
        self._anchors_when_named = anchor_patterns(grammar, named=True)
        crumbled = crumbled_pattern(grammar)
        self.runs = (DIGIT_RUN,) if crumbled is None else (DIGIT_RUN, crumbled)  # what may be a damaged code

    def of(self, text: str) -> list[tuple[int, int]]:
        """Stretches of the raw text worth reading, in order; neighbours are joined."""
        spots = [found.span() for anchor in self._anchors for found in anchor.finditer(text)]
        if not text.isascii() and (digit := foreign_digits(text)):
            spots += [found.span() for found in re.finditer(rf"{digit}(?:[^\n]{{0,3}}?{digit}){{5}}", text)]
        named = sorted(found.span() for name in self._names for found in name.finditer(text))
        near = [(0, len(text))] if len(text) < _SHORT else _around(named, _NEAR, len(text))
        spots += [
            found.span()
            for anchor in self._anchors_when_named
            for low, high in near
            for found in anchor.finditer(text, low, high)
        ]
        if named and self._numbers is not None:
            spots += self._numbers.spots(text, named)
        return joined(
            [
                (max(0, start - BEFORE), min(len(text), end + AFTER))
                for start, end in (*spots, *self._before_digits(text, named, sorted(start for start, _ in spots)))
            ]
        )

    def has_anchor(self, text: str) -> bool:
        """Whether something in this short text says that a code may stand in it."""
        return any(anchor.search(text) for anchor in (*self._anchors, *self._anchors_when_named))

    def _before_digits(self, text: str, named: list[tuple[int, int]], starts: list[int]) -> Iterator[tuple[int, int]]:
        """Names (in order) close before what may be a damaged code; not those with an anchor close behind (``starts``).

        Of names that crowd together what stands behind them is given, so that each stretch is searched once.
        """
        clear = 0  # up to here no run of digits begins
        for crowd in _crowds(named, starts):
            start, end = crowd[0]
            if len(crowd) > 1:
                last = crowd[-1][1] + AFTER
                yield from (found.span() for run in self.runs for found in run.finditer(text, end, last))
            elif end + AFTER > clear:
                if any(run.search(text, max(end, clear), end + AFTER) for run in self.runs):
                    yield start, end
                else:
                    clear = end + AFTER - 60  # a longer run may be cut off at the end


def _crowds(named: list[tuple[int, int]], starts: list[int]) -> Iterator[list[tuple[int, int]]]:
    """The names by themselves or, where they crowd, together; not those in the window of an anchor behind them."""
    crowd: list[tuple[int, int]] = []
    for start, end in named:
        place = bisect_left(starts, end)
        if place < len(starts) and starts[place] < end + BEFORE // 2:
            continue
        if crowd and start > crowd[-1][1] + _CROWDED:
            yield crowd
            crowd = []
        crowd.append((start, end))
    if crowd:
        yield crowd


def _around(spots: list[tuple[int, int]], reach: int, end: int) -> list[tuple[int, int]]:
    """The stretches of a text no farther than ``reach`` from one of the spots, which are in order."""
    stretches: list[tuple[int, int]] = []
    for start, stop in spots:
        low, high = max(0, start - reach), min(end, stop + reach)
        if stretches and low <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], high)
        else:
            stretches.append((low, high))
    return stretches


def joined(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The windows in order, neighbours made one as long as they stay short."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if joined and start <= joined[-1][1] and end - joined[-1][0] < _LONGEST_WINDOW:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
