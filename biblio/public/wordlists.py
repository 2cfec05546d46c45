"""Where every word stands in a growing pile of texts: words, phrases and beginnings of words are found by their places.

Texts are numbered as they are added. Every word of every text has one place; between two texts a place stays empty, so
that no phrase runs from one into the next. A text is never taken out: who looks leaves out the numbers that are no more.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.uint32]

_AT_ONCE = 4096
"""Numbers that wait before they are put into an array."""


class Grown:
    """Numbers in one array that grows at its end. What is added waits in a list: arrays take many at once, or slowly."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._room: npt.NDArray[np.generic] = np.zeros(1024, dtype=kind)
        self._filled = 0
        self._fresh: list[int] = []

    @classmethod
    def of(cls, numbers: npt.NDArray[Any]) -> Grown:
        """Return what grows on from ``numbers``, which it keeps."""
        grown = cls(numbers.dtype.type)
        grown._room, grown._filled = numbers, len(numbers)
        return grown

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self._filled + len(self._fresh)

    def extend(self, numbers: Iterable[int]) -> None:
        """Add numbers at the end."""
        self._fresh += numbers
        if len(self._fresh) > _AT_ONCE:
            self._take_in()

    @property
    def view(self) -> npt.NDArray[Any]:
        """The numbers, not copied: good until the next ``extend``."""
        if self._fresh:
            self._take_in()
        return self._room[: self._filled]

    def _take_in(self) -> None:
        wanted = self.size
        if wanted > len(self._room):
            room = np.zeros(max(wanted, len(self._room) * 3 // 2), dtype=self._room.dtype)
            room[: self._filled] = self._room[: self._filled]
            self._room = room
        self._room[self._filled : wanted] = self._fresh
        self._filled = wanted
        self._fresh = []


class PackedWords(NamedTuple):
    """A list of words as it is kept on disk: the words, how many places each has, and all places one after the other."""

    vocabulary: list[str]
    counts: npt.NDArray[Any]
    places: npt.NDArray[Any]
    starts: npt.NDArray[Any]
    size: int


class WordList:
    """The places of the words of all texts."""

    def __init__(self) -> None:
        self._places: dict[str, array[int]] = {}
        self._starts = Grown(np.uint32)
        self._size = 1
        self._sorted: list[str] = []
        self._fresh: list[str] = []

    def add(self, words: Iterable[str]) -> None:
        """Add the next text. An empty word takes a place and is never found: no phrase runs across it."""
        self._starts.extend((self._size,))
        places, at = self._places, self._size
        for word in words:
            known = places.get(word)
            if not word:
                pass
            elif known is None:
                places[word] = array("I", (at,))
                self._fresh.append(word)
            else:
                known.append(at)
            at += 1
        self._size = at + 1

    def packed(self) -> PackedWords:
        """Return what ``of`` makes this list of again; it does not change when the list does."""
        vocabulary = list(self._places)
        lists = self._places.values()
        counts = np.fromiter(map(len, lists), dtype=np.uint32, count=len(vocabulary))
        places = np.frombuffer(b"".join(map(memoryview, lists)), dtype=np.uint32)
        return PackedWords(vocabulary, counts, places, self._starts.view.copy(), self._size)

    @classmethod
    def of(cls, packed: PackedWords) -> WordList:
        """Return the list that was packed. Raises ``ValueError`` where its parts do not fit together."""
        ends = np.cumsum(packed.counts, dtype=np.int64)
        if len(packed.vocabulary) != len(ends) or len(packed.places) != (ends[-1] if len(ends) else 0):
            raise ValueError("words without places")
        listed = cls()
        content, start = np.ascontiguousarray(packed.places).data.cast("B"), 0
        for word, end in zip(packed.vocabulary, (ends * 4).tolist(), strict=True):
            places = array("I")
            places.frombytes(content[start:end])
            listed._places[word] = places
            start = end
        listed._starts, listed._size, listed._fresh = Grown.of(packed.starts), packed.size, list(packed.vocabulary)
        return listed

    def find(self, phrase: Sequence[str], *, is_begun: bool = False) -> Mask:
        """Return, for every text, whether the words of ``phrase`` stand in it in a row.

        ``is_begun``: the last word may be the beginning of a longer one.
        """
        found = np.zeros(self._starts.size, dtype=np.bool_)
        if not phrase:
            return found
        last = len(phrase) - 1
        # From the rarest word on, so that common ones cost little.
        lists = [(self._of(word, is_begun and place == last), place) for place, word in enumerate(phrase)]
        lists.sort(key=lambda pair: len(pair[0]))
        (places, offset), others = lists[0], lists[1:]
        for theirs, other in others:
            places = places[_is_among(places + np.uint32(other) - np.uint32(offset), theirs)]
        if len(places):
            found[np.searchsorted(self._starts.view, places, side="right") - 1] = True
        return found

    def like(self, word: str) -> list[str]:
        """Return the words that stand near ``word`` in the alphabet, for "did you mean": those with its first letter."""
        begin = bisect_left(self._vocabulary(), word[:1])
        end = bisect_left(self._vocabulary(), word[:1] + "\uffff")
        return self._sorted[begin:end]

    def __contains__(self, word: str) -> bool:
        """Whether any text has the word."""
        return word in self._places

    def _of(self, word: str, is_begun: bool) -> Places:
        if not is_begun:
            return np.array(self._places.get(word, ()), dtype=np.uint32)
        vocabulary = self._vocabulary()
        longer = vocabulary[bisect_left(vocabulary, word) : bisect_left(vocabulary, word + "\uffff")]
        if not longer:
            return np.array((), dtype=np.uint32)
        together = np.concatenate([np.array(self._places[one], dtype=np.uint32) for one in longer])
        together.sort()
        return together

    def _vocabulary(self) -> list[str]:
        if self._fresh:
            self._sorted += self._fresh
            self._sorted.sort()
            self._fresh = []
        return self._sorted


def _is_among(wanted: Places, known: Places) -> Mask:
    """Return which of ``wanted`` are in ``known``; both ascend."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.bool_)
    at = np.searchsorted(known, wanted)
    at[at == len(known)] = 0
    return np.asarray(known[at] == wanted)
