"""Telling words of titles and abstracts: mark-up gone, endings cut, weighed by how rare they are in a project list."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matching.people import repair

__all__ = ["Vector", "WordIndex", "Wording", "matrix", "printed_words"]

LONGEST_TEXT = 100_000
"""Characters read of a title or an abstract; none that a person wrote is longer."""

Vector = dict[int, float]

_TEX_COMMAND = re.compile(r"\\[A-Za-z]+\b|\\.")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,40}>")
_GLUE = str.maketrans({**dict.fromkeys("{}$^_~", ""), "-": " "})
_CUT_OFF = re.compile(r"[^\s]{0,40}(?:\.\.\.|\u2026)\s*$")
_WORD = re.compile(r"[a-z0-9]+(?:[.+][0-9]+)*")
_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "by",
        "can",
        "do",
        "for",
        "from",
        "has",
        "have",
        "how",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "our",
        "that",
        "the",
        "their",
        "these",
        "this",
        "to",
        "toward",
        "towards",
        "using",
        "via",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "why",
        "will",
        "with",
        "within",
        "without",
        "between",
        "during",
        "new",
        "first",
        "study",
        "observations",
        "observation",
        "observed",
        "observing",
        "view",
        "evidence",
        "survey",
        "case",
        "role",
        "nature",
        "origin",
        "detection",
        "large",
        "small",
        "high",
        "low",
        "paper",
        "propose",
        "proposed",
        "proposal",
        "data",
        "result",
        "show",
    ]
)
_ENDINGS = (
    "ization",
    "isation",
    "ations",
    "ation",
    "ings",
    "ing",
    "ities",
    "ity",
    "ies",
    "ical",
    "ics",
    "ed",
    "es",
    "al",
    "ic",
    "s",
    "y",
    "e",
)


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    """A word without its ending, so that forming, formation and formed meet; never shorter than three letters."""
    if len(word) == 4 and word.isalpha() and word[-1] == "s" != word[-2]:
        return word[:-1]
    if len(word) < 5 or not word.isalpha():
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


class Wording:
    """How texts are cut into words that are compared; ``same_words`` maps phrases to the word that stands for them."""

    def __init__(self, same_words: Mapping[str, str]) -> None:
        self._same_words = same_words
        self._openings = frozenset(phrase.split()[0] for phrase in same_words)

    def words(self, text: str) -> list[str]:
        """Telling words of a title or abstract: mark-up gone, endings cut, phrases that mean the same made one word."""
        found = _plain_words(text)
        if self._same_words:
            found = self._one_word(found)
        return [_stem(w) for w in found if w not in _STOP and (len(w) > 1 or w.isdigit())]

    def _one_word(self, found: list[str]) -> list[str]:
        """Phrases of one to three words replaced by the word that stands for them, the longest first."""
        openings = self._openings
        at = [i for i, word in enumerate(found) if word in openings or word[:-1] in openings]
        if not at:
            return found
        result: list[str] = []
        done = 0
        for i in at:
            if i < done:
                continue
            result.extend(found[done:i])
            meant, done = self._phrase(found, i)
            result.extend(meant)
        result.extend(found[done:])
        return result

    def _phrase(self, found: list[str], i: int) -> tuple[list[str], int]:
        """What the longest phrase at a place means, and where the text goes on; the word itself where there is none."""
        for size in (3, 2, 1):
            phrase = " ".join(found[i : i + size])
            meant = self._same_words.get(phrase) or (self._same_words.get(phrase[:-1]) if phrase[-1] == "s" else None)
            if meant is not None:
                return meant.split(), min(i + size, len(found))
        return [found[i]], i + 1


def printed_words(text: str) -> dict[str, str]:
    """Each telling word of a text as it is compared → as it is printed first."""
    found: dict[str, str] = {}
    for word in _plain_words(text):
        found.setdefault(_stem(word), word)
    return found


def _plain_words(text: str) -> list[str]:
    """Lower-case words and numbers, mark-up and an end that was cut off left out."""
    plain = text[:LONGEST_TEXT].rstrip()
    if plain.endswith(("...", "\u2026")):
        plain = _CUT_OFF.sub("", plain)
    if "&" in plain or not plain.isascii():
        plain = repair(plain)
    if "<" in plain:
        plain = _TAG.sub("", plain)
    if "\\" in plain:
        plain = _TEX_COMMAND.sub("", plain)
    return _WORD.findall(plain.translate(_GLUE).lower())


class WordIndex:
    """Rarity-weighted words of the projects' texts; says how alike a paper's text is to any of them (cosine, 0–1)."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        known = sorted({word for text in texts for word in text})
        self._vocabulary = {word: i for i, word in enumerate(known)}
        self._total = max(len(texts), 1)
        self._unseen = math.log((self._total + 1.0) / 0.5)
        times = self._times(texts)
        counts = np.bincount(times.indices, minlength=len(known))
        rarity = np.log((self._total + 1.0) / (counts + 0.5))
        self._rarity: list[float] = rarity.tolist()
        self._rarities = rarity
        times.data = (1.0 + np.log(times.data)) * rarity[times.indices]
        lengths = np.sqrt(np.asarray(times.multiply(times).sum(axis=1)).ravel())
        times.data /= np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(times.indptr))
        self.rows: sparse.csr_matrix = times
        """The texts as unit vectors over the vocabulary, one row each."""
        self._paper = np.zeros(len(known))

    def __len__(self) -> int:
        return len(self._vocabulary)

    def _times(self, texts: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """How often each text has each word."""
        lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
        pointer = np.concatenate(([0], np.cumsum(lengths)))
        vocabulary = self._vocabulary
        columns = np.fromiter((vocabulary[w] for text in texts for w in text), dtype=np.int32, count=int(pointer[-1]))
        counted = sparse.csr_matrix((np.ones(len(columns)), columns, pointer), shape=(len(texts), len(vocabulary)))
        counted.sum_duplicates()
        return counted

    def rarity(self, word: str) -> float:
        """Natural logarithm of one over the share of projects whose text has the word; highest for unseen words."""
        at = self._vocabulary.get(word)
        return self._unseen if at is None else self._rarity[at]

    def vector(self, text: Iterable[str]) -> Vector:
        """Unit vector of a text; words that no project has make it shorter by half of the weight of the rarest."""
        squares = 0.0
        vector: Vector = {}
        for word, times in Counter(text).items():
            at = self._vocabulary.get(word)
            weight = self._unseen * 0.5 if at is None else self._rarity[at]
            if times > 1:
                weight *= 1.0 + math.log(times)
            squares += weight * weight
            if at is not None:
                vector[at] = weight
        length = math.sqrt(squares) or 1.0
        return {at: weight / length for at, weight in vector.items()}

    def vectors(
        self, texts: Sequence[Sequence[str]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """``vector`` of many texts at once, as (number of the text, place of the word, weight), in growing order.

        A word that no project has and that comes twice counts twice, not less.
        """
        lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
        owner = np.repeat(np.arange(len(texts)), lengths)
        find = self._vocabulary.get
        columns = np.array([find(word, -1) for text in texts for word in text], dtype=np.int64)
        is_known = columns >= 0
        unknown = np.bincount(owner[~is_known], minlength=len(texts))
        width = len(self._vocabulary) or 1
        places, times = np.unique(owner[is_known] * width + columns[is_known], return_counts=True)
        owner, columns = places // width, places % width
        weights = (1.0 + np.log(times)) * self._rarities[columns]
        squares = unknown * (self._unseen * 0.5) ** 2 + np.bincount(owner, weights * weights, minlength=len(texts))
        return owner, columns, weights / np.sqrt(squares)[owner]

    def alike(self, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosine of a paper's vector with the projects in ``rows``."""
        at = np.fromiter(vector.keys(), dtype=np.int64, count=len(vector))
        self._paper[at] = np.fromiter(vector.values(), dtype=np.float64, count=len(vector))
        result: NDArray[np.float64] = np.asarray(self.rows[rows] @ self._paper)
        self._paper[at] = 0.0
        return np.minimum(result, 1.0)


def matrix(vectors: Sequence[Vector], width: int) -> sparse.csr_matrix:
    """Sparse rows from dictionaries column → value."""
    lengths = np.fromiter((len(v) for v in vectors), dtype=np.int64, count=len(vectors))
    pointer = np.concatenate(([0], np.cumsum(lengths)))
    columns = np.fromiter((c for v in vectors for c in v), dtype=np.int32, count=int(pointer[-1]))
    values = np.fromiter((x for v in vectors for x in v.values()), dtype=np.float64, count=int(pointer[-1]))
    return sparse.csr_matrix((values, columns, pointer), shape=(len(vectors), width))
