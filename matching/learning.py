"""Learning to rank from what people decided: labels, a model, and whether it is better than what is in force.

Labels are of two sorts. A *verdict* says of each candidate a librarian saw whether it is right (none of them may be); a
*cited* paper prints its codes where it says whose data it used, so these projects are right and the other candidates are
not. What the machine accepted by itself is no label: a model fed with its own output grows surer of its own mistakes.

Whether a paper is learned from or held back follows from its id alone, so the same papers are held back each time and no
pair of a paper that was learned from is ever measured. A model is better when it ranks the held-back papers better and
its probabilities are no less honest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from matching.fitting import Fitting, FittingError, fit
from matching.ranking import DIRECTIONS, FEATURES
from matching.trees import Floats, Model

__all__ = ["HOW", "Figures", "Labelled", "figures", "is_better", "is_held_back", "learn", "worth_asking"]

HOW = Fitting(trees=150, leaves=12, rate=0.08, least_rows=20, directions=DIRECTIONS)
"""How a ranking is fitted. Chosen on synthetic sets (``bench/propose.py --learn``): more or deeper trees gained nothing."""

HELD_BACK = 0.2
"""The share of papers that is never learned from."""

AUDIT = 0.05
"""The share of papers asked about at random, so that figures stay honest where nobody is uncertain."""

_BINS = 10
_PRECISE = 0.99


@dataclass(frozen=True, slots=True)
class Labelled:
    """One paper's candidates, each with its features (``matching.ranking.FEATURES``) and whether it is right.

    ``missed`` counts right projects that were not among the candidates.
    """

    paper: str
    rows: Sequence[Sequence[float]]
    labels: Sequence[bool]
    source: Literal["verdict", "cited"] = "verdict"
    missed: int = 0


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


def is_held_back(paper: str) -> bool:
    """Whether a paper is measured on and never learned from; follows from its id alone."""
    return int.from_bytes(hashlib.sha256(paper.encode()).digest()[:8], "big") / 2**64 < HELD_BACK


def learn(labelled: Iterable[Labelled], how: Fitting = HOW, about: Mapping[str, Any] | None = None) -> Model:
    """Fit a model to the papers that are not held back. Raises ``FittingError`` when there are too few."""
    papers = [one for one in labelled if not is_held_back(one.paper) and one.rows]
    if not papers:
        raise FittingError("there is no paper to learn from yet: decide about some candidates first")
    told = {
        "verdicts": sum(one.source == "verdict" for one in papers),
        "cited": sum(one.source == "cited" for one in papers),
        "pairs": sum(len(one.rows) for one in papers),
    }
    groups = [one.paper for one in papers for _ in one.rows]
    return fit(FEATURES, _rows(papers), _labels(papers), groups, how, about={**told, **(about or {})})


def figures(labelled: Sequence[Labelled], probabilities: Floats) -> Figures:
    """How good these probabilities are, one for each row in their order."""
    labels = _labels(labelled)
    right = int(labels.sum()) + sum(one.missed for one in labelled)
    precision, recall = _precision_and_recall(labels, probabilities, right)
    ranked = labels[np.argsort(-probabilities, kind="stable")]
    return Figures(
        papers=len(labelled),
        pairs=len(labels),
        right=right,
        average_precision=float((precision * ranked).sum() / right) if right else 0.0,
        recall_at_99=float(recall[precision >= _PRECISE].max(initial=0.0)),
        calibration_error=calibration_error(labels, probabilities),
    )


def _precision_and_recall(labels: NDArray[np.bool_], p: Floats, right: int) -> tuple[Floats, Floats]:
    """Precision and recall after each pair, best first."""
    found = np.cumsum(labels[np.argsort(-p, kind="stable")])
    return found / np.arange(1, len(labels) + 1), found / max(right, 1)


def calibration_error(labels: NDArray[np.bool_], p: Floats) -> float:
    """The mean distance between what was said and what was true, over ten bins of equal width."""
    if not len(p):
        return 0.0
    place = np.minimum((p * _BINS).astype(int), _BINS - 1)
    said = np.bincount(place, weights=p, minlength=_BINS)
    true = np.bincount(place, weights=labels, minlength=_BINS)
    return float(np.abs(said - true).sum() / len(p))


def is_better(before: Figures, after: Figures) -> bool:
    """Whether a new model should take the place of what is in force: it ranks better, and is honest enough.

    Its calibration error may be worse by 0.005 at most, which is what a few hundred verdicts can tell.
    """
    ranks_better = (after.average_precision, after.recall_at_99) > (before.average_precision, before.recall_at_99)
    return ranks_better and after.calibration_error <= before.calibration_error + 0.005


def worth_asking(best: Mapping[str, float], count: int) -> list[str]:
    """Return papers whose verdict teaches most: half with the best candidates, half the most uncertain, in turn.

    ``best`` is each undecided paper's best probability. A twentieth is taken at random (by the hash of the id), as an
    audit. Below some hundred verdicts uncertainty alone misleads, so the halves are kept.
    """
    audit = sorted(best, key=lambda paper: hashlib.sha256(b"audit" + paper.encode()).digest())[: round(count * AUDIT)]
    top = sorted(best, key=lambda paper: (-best[paper], paper))
    uncertain = sorted(best, key=lambda paper: (abs(best[paper] - 0.5), paper))
    mixed = [paper for pair in zip(top, uncertain, strict=True) for paper in pair]
    return list(dict.fromkeys([*audit, *mixed]))[:count]


def _rows(labelled: Iterable[Labelled]) -> Floats:
    return np.array([row for one in labelled for row in one.rows], dtype=np.float64).reshape(-1, len(FEATURES))


def _labels(labelled: Iterable[Labelled]) -> NDArray[np.bool_]:
    return np.array([label for one in labelled for label in one.labels], dtype=bool)
