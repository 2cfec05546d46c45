"""How good proposals are, measured on pairs that people judged: ranking, honesty, and which evidence misleads.

A pair is a paper and a project with the probability that was proposed and what a person found. Right projects that were
never proposed count as missed everywhere, so that a matcher gains nothing by keeping silent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.propose import Candidate
from matching.trees import Floats

__all__ = [
    "Bin",
    "Confusion",
    "Evaluation",
    "Figures",
    "JudgedPaper",
    "Ranked",
    "calibration",
    "calibration_error",
    "evaluate",
    "figures",
    "ranked",
    "share_of_gains",
]

_BINS = 10
_PRECISE = 0.99


@dataclass(frozen=True, slots=True)
class Figures:
    """How good probabilities are on labelled pairs, all shares 0–1.

    ``average_precision`` and ``recall_at_99`` (the most recall at which precision is still 0.99) count right projects
    that were never proposed as missed; ``calibration_error`` is the mean distance between probability and truth over
    ten bins, weighted by how many pairs are in each.
    """

    papers: int
    pairs: int
    right: int
    average_precision: float
    recall_at_99: float
    calibration_error: float

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def figures(papers: int, labels: NDArray[np.bool_], probabilities: Floats, missed: int = 0) -> Figures:
    """How good these probabilities are; ``missed`` right pairs were not proposed."""
    right = int(labels.sum()) + missed
    ranked = labels[np.argsort(-probabilities, kind="stable")]
    found = np.cumsum(ranked)
    precision, recall = found / np.arange(1, len(labels) + 1), found / max(right, 1)
    return Figures(
        papers=papers,
        pairs=len(labels),
        right=right,
        average_precision=float((precision * ranked).sum() / right) if right else 0.0,
        recall_at_99=float(recall[precision >= _PRECISE].max(initial=0.0)),
        calibration_error=calibration_error(labels, probabilities),
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs whose probability lies from ``low`` on, a tenth wide: how many, what was said on average, what was true."""

    low: float
    pairs: int
    said: float
    true: float


def calibration(labels: NDArray[np.bool_], p: Floats) -> list[Bin]:
    """The bins that hold pairs, lowest first."""
    place = np.minimum((p * _BINS).astype(int), _BINS - 1)
    inside = [(number, place == number) for number in range(_BINS)]
    return [
        Bin(number / _BINS, int(mask.sum()), float(p[mask].mean()), float(labels[mask].mean()))
        for number, mask in inside
        if mask.any()
    ]


def calibration_error(labels: NDArray[np.bool_], p: Floats) -> float:
    """The mean distance between what was said and what was true, over ten bins of equal width."""
    return sum(abs(b.said - b.true) * b.pairs for b in calibration(labels, p)) / len(p) if len(p) else 0.0


@dataclass(frozen=True, slots=True)
class JudgedPaper:
    """A paper with its candidates, and what people found: the projects that are right, and those that are wrong.

    With ``is_settled`` every project that is not right is wrong (none of these; or a cited list is complete); else
    candidates that nobody judged are left out.
    """

    paper: str
    candidates: Sequence[Candidate]
    right: frozenset[str]
    wrong: frozenset[str] = frozenset()
    is_settled: bool = False

    def label(self, code: str) -> bool | None:
        """Whether the project is right; None where nobody said."""
        if code in self.right:
            return True
        return False if self.is_settled or code in self.wrong else None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Of pairs that were called right (a band above "unlikely") or not: how many were."""

    called_right: int = 0
    called_wrong: int = 0
    passed_right: int = 0
    passed_wrong: int = 0

    @property
    def precision(self) -> float | None:
        """The share of what was called right that was; None where nothing was called."""
        called = self.called_right + self.called_wrong
        return self.called_right / called if called else None

    @property
    def recall(self) -> float | None:
        """The share of what was right that was called so; None where nothing was."""
        right = self.called_right + self.passed_right
        return self.called_right / right if right else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures. ``by_kind``: pairs by the kind of evidence that spoke most for them; ``by_band``: pairs by band."""

    figures: Figures
    bins: list[Bin]
    by_kind: dict[str, Confusion]
    by_band: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Band → right pairs, all pairs."""
    missed: int = 0
    """Right pairs that were not proposed."""


def evaluate(papers: Iterable[JudgedPaper]) -> Evaluation:
    """Measure proposals against what people found; of each pair only its numbers are kept."""
    count = missed = 0
    labels: list[bool] = []
    p: list[float] = []
    kinds: dict[str, Counter[str]] = {}
    bands: dict[str, list[int]] = {}
    for paper in papers:
        count += 1
        missed += len(paper.right - {candidate.project_code for candidate in paper.candidates})
        for candidate in paper.candidates:
            label = paper.label(candidate.project_code)
            if label is None:
                continue
            labels.append(label)
            p.append(candidate.score)
            called = "called" if candidate.band != "unlikely" else "passed"
            kinds.setdefault(leading(candidate), Counter())[f"{called}_{'right' if label else 'wrong'}"] += 1
            band = bands.setdefault(candidate.band, [0, 0])
            band[0] += label
            band[1] += 1
    found, said = np.array(labels, dtype=bool), np.array(p, dtype=np.float64)
    return Evaluation(
        figures(count, found, said, missed),
        calibration(found, said),
        {kind: Confusion(**kinds[kind]) for kind in sorted(kinds)},
        {band: (right, of) for band, (right, of) in sorted(bands.items())},
        missed,
    )


@dataclass(frozen=True, slots=True)
class Ranked:
    """One paper's judged candidates as numbers: which are right, their probabilities, and right ones not proposed."""

    labels: NDArray[np.bool_]
    p: Floats
    missed: int


def ranked(paper: JudgedPaper) -> Ranked:
    """Keep of a paper what its ranking is measured by."""
    known = [(label, one.score) for one in paper.candidates if (label := paper.label(one.project_code)) is not None]
    return Ranked(
        np.array([label for label, _ in known], dtype=bool),
        np.array([score for _, score in known], dtype=np.float64),
        len(paper.right - {one.project_code for one in paper.candidates}),
    )


def share_of_gains(before: Sequence[Ranked], after: Sequence[Ranked], draws: int = 200) -> float:
    """In which share of drawings of these papers, each as many with repeats, average precision is higher after.

    Both sides are of the same papers in the same order. Near 1 the gain is none of chance; about a half where one ranks
    as well as the other. The same papers give the same share.
    """
    chance = np.random.default_rng(0)
    gains = 0.0
    for _ in range(draws if before else 0):
        drawn = chance.integers(0, len(before), len(before))
        gain = _average_precision(after, drawn) - _average_precision(before, drawn)
        gains += 0.5 if gain == 0 else gain > 0
    return gains / draws


def _average_precision(papers: Sequence[Ranked], drawn: NDArray[np.int64]) -> float:
    labels = np.concatenate([papers[i].labels for i in drawn])
    p = np.concatenate([papers[i].p for i in drawn])
    return figures(len(drawn), labels, p, sum(papers[i].missed for i in drawn)).average_precision


def leading(candidate: Candidate) -> str:
    """The kind of evidence that speaks most for a candidate; "nothing" where none does."""
    speaking = [
        piece for piece in candidate.evidence if piece.contribution > 0 and piece.kind not in ("prior", "archival")
    ]
    return max(speaking, key=lambda piece: (piece.contribution, piece.kind)).kind if speaking else "nothing"
