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
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from matching import evaluation
from matching.evaluation import Figures
from matching.fitting import Fitting, FittingError, fit
from matching.ranking import CARRIED, DIRECTIONS, FEATURES, UNASKED
from matching.trees import Floats, Model

__all__ = ["HOW", "Figures", "Labelled", "figures", "is_better", "is_held_back", "learn", "worth_asking"]

HOW = Fitting(
    trees=150, leaves=12, rate=0.08, least_rows=40, tried=0.5, carried=CARRIED, unasked=UNASKED, directions=DIRECTIONS
)
"""How a ranking is fitted. Chosen on synthetic sets (``bench/learn.py``): more or deeper trees gained nothing."""

HELD_BACK = 0.2
"""The share of papers that is never learned from."""

AUDIT = 0.05
"""The share of papers asked about at random, so that figures stay honest where nobody is uncertain."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One paper's candidates, each with its features (``matching.ranking.FEATURES``) and whether it is right.

    ``missed`` counts right projects that were not among the candidates.
    """

    paper: str
    rows: Sequence[Sequence[float]] | Floats
    labels: Sequence[bool]
    source: Literal["verdict", "cited"] = "verdict"
    missed: int = 0


def is_held_back(paper: str) -> bool:
    """Whether a paper is measured on and never learned from; follows from its id alone."""
    return int.from_bytes(hashlib.sha256(paper.encode()).digest()[:8], "big") / 2**64 < HELD_BACK


def learn(labelled: Iterable[Labelled], how: Fitting = HOW, about: Mapping[str, Any] | None = None) -> Model:
    """Fit a model to the papers that are not held back. Raises ``FittingError`` when there are too few.

    The same papers give the same model, in whatever order they and their candidates come.
    """
    papers = sorted(
        (_in_order(one) for one in labelled if not is_held_back(one.paper) and len(one.rows)), key=attrgetter("paper")
    )
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
    return evaluation.figures(len(labelled), _labels(labelled), probabilities, sum(one.missed for one in labelled))


def is_better(before: Figures, after: Figures) -> bool:
    """Whether a new model should take the place of what is in force: it ranks better, and is honest enough.

    Its calibration error may be worse by 0.005 at most, which is what a few hundred verdicts can tell. Where both rank
    alike it is better when its calibration error is smaller by more than that.
    """
    ranked_before = before.average_precision, before.recall_at_99
    ranked_after = after.average_precision, after.recall_at_99
    gain = before.calibration_error - after.calibration_error
    return gain >= -0.005 if ranked_after > ranked_before else ranked_after == ranked_before and gain > 0.005


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


def _in_order(one: Labelled) -> Labelled:
    """The same paper, its candidates in the order of their features."""
    rows = np.asarray(one.rows, dtype=np.float64)
    place = np.lexsort((np.asarray(one.labels), *np.nan_to_num(rows, nan=-np.inf).T))
    return replace(one, rows=rows[place], labels=[one.labels[i] for i in place])


def _rows(labelled: Iterable[Labelled]) -> Floats:
    found = [np.asarray(one.rows, dtype=np.float64).reshape(-1, len(FEATURES)) for one in labelled]
    return np.concatenate([np.empty((0, len(FEATURES))), *found])


def _labels(labelled: Iterable[Labelled]) -> NDArray[np.bool_]:
    return np.array([label for one in labelled for label in one.labels], dtype=bool)
