"""Which few projects of thousands a paper should be compared with: inverted indexes over people, targets and words.

People and targets find the projects; words of titles only rank them. A printed author is first read against the register
of names, so initials, accents and compound surnames find their person; the sparse product then does the counting.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn

from matching.people import MAX_NAME, Name, compare, index_keys, parse, repair

__all__ = ["NameRegister", "SparseIndex", "WordIndex", "printed_words", "words"]

MIN_NAME = 0.5
"""Least similarity at which a printed name may be a registered person."""

PAPERS_AT_ONCE = 2000
"""Rows multiplied in one call: bounds memory, changes nothing else."""

Vector = dict[int, float]

_TEX_COMMAND = re.compile(r"\\[A-Za-z]+\b|\\.")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,40}>")
_GLUE = re.compile(r"[{}$^_~]")
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


def printed_words(text: str) -> dict[str, str]:
    """Each telling word of a text as it is compared → as it is printed first."""
    found: dict[str, str] = {}
    for word in _plain_words(text):
        found.setdefault(_stem(word), word)
    return found


def _plain_words(text: str) -> list[str]:
    plain = _CUT_OFF.sub("", text)
    plain = _TAG.sub("", repair(plain) if "&" in plain or not plain.isascii() else plain)
    return _WORD.findall(_GLUE.sub("", _TEX_COMMAND.sub("", plain)).lower().replace("-", " "))


def words(text: str, same_words: Mapping[str, str]) -> list[str]:
    """Telling words of a title or abstract: mark-up gone, endings cut, phrases that mean the same made one word."""
    found = _plain_words(text)
    if same_words:
        found = _one_word(found, same_words)
    return [_stem(w) for w in found if w not in _STOP and (len(w) > 1 or w.isdigit())]


def _one_word(found: list[str], same_words: Mapping[str, str]) -> list[str]:
    """Phrases of one to three words replaced by the word that stands for them, the longest first."""
    openings = _openings(tuple(same_words))
    result: list[str] = []
    i = 0
    while i < len(found):
        word = found[i]
        sizes = (3, 2, 1) if word in openings or word[:-1] in openings else ()
        for size in sizes:
            phrase = " ".join(found[i : i + size])
            meant = same_words.get(phrase) or (same_words.get(phrase[:-1]) if phrase[-1] == "s" else None)
            if meant is not None:
                result.extend(meant.split())
                i += size
                break
        else:
            result.append(word)
            i += 1
    return result


@lru_cache(maxsize=16)
def _openings(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(phrase.split()[0] for phrase in phrases)


class NameRegister:
    """The people of a project list, each spelling once, searchable by a name as any paper prints it."""

    def __init__(self, smallest: float) -> None:
        self._smallest = smallest
        self._forms: list[Name] = []
        self._numbers: dict[Name, int] = {}
        self._counts: list[int] = []
        self._slots = 0
        self._filed: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._surnames: dict[str, list[int]] = defaultdict(list)
        self._slips: dict[str, set[str]] | None = None
        self._found: dict[str, tuple[dict[int, float], float]] = {}
        self._added: dict[str, int | None] = {}

    def __len__(self) -> int:
        return len(self._forms)

    def add(self, printed: str) -> int | None:
        """File a name and return its number; ``None`` for what is no person."""
        if printed not in self._added:
            self._added[printed] = self._file(parse(printed))
        number = self._added[printed]
        if number is not None:
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

    def find(self, printed: str) -> tuple[dict[int, float], float]:
        """People who may be meant, with similarity; and the share of all registered names that would agree as well."""
        printed = printed[:MAX_NAME]
        known = self._found.get(printed)
        if known is None:
            known = self._search(parse(printed))
            if len(self._found) < 500_000:
                self._found[printed] = known
        return known

    def _search(self, name: Name) -> tuple[dict[int, float], float]:
        keys = index_keys(name)
        if not name.ordered and len(name.given) == 1 and len(name.given[0]) > 2:
            keys.append(name.given[0])  # the surname may stand first
        if name.surname and not any(k in self._surnames for k in keys):
            keys = sorted(self._near(name.surname))
        found: dict[int, float] = {}
        for number in self._filed_under(keys, name):
            alike = compare(name, self._forms[number])
            if alike >= MIN_NAME:
                found[number] = alike
        agreeing = sum(self._counts[n] for n in found)
        return found, (agreeing + 0.5) / max(self._slots, self._smallest)

    def _filed_under(self, keys: Iterable[str], name: Name) -> set[int]:
        initials = {g[0] for g in name.given}
        numbers: set[int] = set()
        for key in keys:
            if not initials or key in name.given:
                numbers.update(self._surnames.get(key, ()))
            else:
                for initial in (*initials, ""):
                    numbers.update(self._filed.get((key, initial), ()))
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


class WordIndex:
    """Rarity-weighted words of the projects' texts; says how alike a paper's text is to any of them (cosine, 0–1)."""

    def __init__(self, texts: Sequence[list[str]]) -> None:
        self._vocabulary: dict[str, int] = {}
        self._total = max(len(texts), 1)
        frequency: Counter[str] = Counter()
        for text in texts:
            frequency.update(set(text))
        self._vocabulary = {word: i for i, word in enumerate(sorted(frequency))}
        counts = np.array([frequency[w] for w in sorted(frequency)], dtype=np.float64)
        self._rarity = np.log((self._total + 1.0) / (counts + 0.5)) if len(counts) else np.zeros(0)
        self._unseen = math.log((self._total + 1.0) / 0.5)
        self._rows = self._matrix([self.vector(text)[0] for text in texts])
        self._paper = np.zeros(len(self._vocabulary))

    def _matrix(self, vectors: Sequence[Vector]) -> sparse.csr_matrix:
        return matrix(vectors, len(self._vocabulary))

    def rarity(self, word: str) -> float:
        """Natural logarithm of one over the share of projects whose text has the word; highest for unseen words."""
        at = self._vocabulary.get(word)
        return self._unseen if at is None else float(self._rarity[at])

    def vector(self, text: Iterable[str]) -> tuple[Vector, float]:
        """Unit vector of the known words of a text, and the length it had (unknown words weigh in half)."""
        squares = 0.0
        vector: Vector = {}
        for word, times in Counter(text).items():
            at = self._vocabulary.get(word)
            weight = (1.0 + math.log(times)) * (self._unseen * 0.5 if at is None else float(self._rarity[at]))
            squares += weight * weight
            if at is not None:
                vector[at] = weight
        length = math.sqrt(squares) or 1.0
        return {at: weight / length for at, weight in vector.items()}, length

    def alike(self, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosine of a paper's vector with the projects in ``rows``."""
        at = np.fromiter(vector.keys(), dtype=np.int64, count=len(vector))
        self._paper[at] = np.fromiter(vector.values(), dtype=np.float64, count=len(vector))
        result: NDArray[np.float64] = np.asarray(self._rows[rows] @ self._paper)
        self._paper[at] = 0.0
        return np.minimum(result, 1.0)


def matrix(vectors: Sequence[Vector], width: int) -> sparse.csr_matrix:
    """Sparse rows from dictionaries column → value."""
    lengths = np.fromiter((len(v) for v in vectors), dtype=np.int64, count=len(vectors))
    pointer = np.concatenate(([0], np.cumsum(lengths)))
    columns = np.fromiter((c for v in vectors for c in v), dtype=np.int32, count=int(pointer[-1]))
    values = np.fromiter((x for v in vectors for x in v.values()), dtype=np.float64, count=int(pointer[-1]))
    return sparse.csr_matrix((values, columns, pointer), shape=(len(vectors), width))


class SparseIndex:
    """Projects by weighted features; returns for each paper the best ``top`` projects."""

    def __init__(self, projects: Sequence[Vector], width: int) -> None:
        self._features = matrix(projects, width).T.tocsr()
        self._count = len(projects)

    def best(self, papers: Sequence[Vector], top: int) -> list[list[int]]:
        """Numbers of the projects that share most with each paper, best first; only those that share something."""
        if not self._count or not papers:
            return [[] for _ in papers]
        found: list[list[int]] = []
        for start, end in pairwise([*range(0, len(papers), PAPERS_AT_ONCE), len(papers)]):
            rows = matrix(papers[start:end], self._features.shape[0])
            product = sp_matmul_topn(rows, self._features, top_n=min(top, self._count), threshold=1e-9, sort=True)
            found.extend(_row(product, i) for i in range(end - start))
        return found


def _row(product: sparse.csr_matrix, i: int) -> list[int]:
    """One paper's projects, the highest product first, equal ones in the order of the project list."""
    start, end = product.indptr[i], product.indptr[i + 1]
    pairs = zip(product.data[start:end].tolist(), product.indices[start:end].tolist(), strict=True)
    return [project for _, project in sorted(pairs, key=lambda p: (-p[0], p[1]))]
