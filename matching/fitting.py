"""Fitting a model of boosted trees (``matching.trees``) to labelled rows, calibrated on rows it has not seen.

scikit-learn fits and is needed for nothing else (extra ``learn``). Rows that belong together (the pairs of one paper) are
never split between fitting and calibrating; the calibration is Platt's, over the out-of-fold log-odds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from matching.trees import Floats, Model, Tree

__all__ = ["Fitting", "FittingError", "fit"]


class FittingError(ValueError):
    """Rows that no model can be fitted to; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """How to fit. ``directions`` says of a feature that more of it may only speak for (1) or only against (-1).

    ``tried`` is the share of the features, drawn anew, among which each split chooses; below 1 related features share the work.
    ``is_additive`` forbids a tree to join two features, so that each has a curve of its own.
    """

    trees: int = 150
    leaves: int = 12
    least_rows: int = 20
    rate: float = 0.08
    shrinkage: float = 1.0
    folds: int = 5
    seed: int = 0
    tried: float = 1.0
    is_additive: bool = False
    directions: Mapping[str, int] = field(default_factory=dict)


def fit(
    features: Sequence[str],
    rows: Floats,
    labels: NDArray[np.bool_],
    groups: Sequence[Any],
    how: Fitting,
    *,
    weights: Floats | None = None,
    about: Mapping[str, Any] | None = None,
) -> Model:
    """Return a calibrated model. ``groups`` names for each row what it belongs to (a paper).

    Raises ``FittingError`` where both kinds of label do not occur in at least two groups each.
    """
    labels = np.asarray(labels, dtype=bool)
    _, group = np.unique(np.asarray([str(g) for g in groups]), return_inverse=True)
    for kind, name in ((True, "true"), (False, "false")):
        if len(set(group[labels == kind].tolist())) < 2:
            raise FittingError(f"there are too few {name} rows: at least two papers with one are needed")
    unseen = _out_of_fold(features, rows, labels, group, how, weights)
    slope, intercept = _platt(unseen, labels, weights)
    trees, baseline = _trees(features, rows, labels, how, weights)
    return Model(features, trees, baseline=baseline, slope=slope, intercept=intercept, about=about)


def _out_of_fold(
    features: Sequence[str],
    rows: Floats,
    labels: NDArray[np.bool_],
    group: NDArray[np.intp],
    how: Fitting,
    weights: Floats | None,
) -> Floats:
    """The raw log-odds of each row by a model that saw nothing of its group."""
    chance = np.random.default_rng(how.seed)
    fold_of = chance.permutation(int(group.max()) + 1) % how.folds
    found = np.zeros(len(rows))
    for fold in range(how.folds):
        held = fold_of[group] == fold
        if not held.any():
            continue
        if labels[~held].all() or not labels[~held].any():
            raise FittingError("there are too few groups for so many folds")
        trees, baseline = _trees(features, rows[~held], labels[~held], how, None if weights is None else weights[~held])
        found[held] = Model(features, trees, baseline=baseline).log_odds(rows[held])
    return found


def _trees(
    features: Sequence[str], rows: Floats, labels: NDArray[np.bool_], how: Fitting, weights: Floats | None
) -> tuple[list[Tree], float]:
    from sklearn.ensemble import HistGradientBoostingClassifier  # the extra "learn"; scoring does without
    from threadpoolctl import threadpool_limits  # comes with it

    # A column that nothing is known of stops scikit-learn; as a constant it is never asked.
    rows = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    booster = HistGradientBoostingClassifier(
        max_iter=how.trees,
        learning_rate=how.rate,
        max_leaf_nodes=how.leaves,
        min_samples_leaf=min(how.least_rows, max(1, len(rows) // 10)),
        l2_regularization=how.shrinkage,
        max_features=how.tried,
        monotonic_cst=[how.directions.get(name, 0) for name in features],
        interaction_cst="no_interactions" if how.is_additive else None,
        early_stopping=False,
        random_state=how.seed,
    )
    with threadpool_limits(limits=1, user_api="openmp"):  # threads that wait for each other cost more than they bring
        fitted = booster.fit(rows, labels, sample_weight=weights)
    return [_tree(predictors[0].nodes) for predictors in fitted._predictors], float(
        fitted._baseline_prediction.ravel()[0]
    )


def _tree(nodes: NDArray[Any]) -> Tree:
    """A tree as scikit-learn keeps it, with the mean of the leaves below at each inner node (it keeps another number there)."""
    is_leaf = nodes["is_leaf"].astype(bool)
    value = np.where(is_leaf, nodes["value"], 0.0).astype(float)
    count = nodes["count"].astype(float)
    for node in range(len(nodes) - 1, -1, -1):  # children stand behind their parents
        if not is_leaf[node]:
            left, right = int(nodes["left"][node]), int(nodes["right"][node])
            value[node] = (value[left] * count[left] + value[right] * count[right]) / (count[left] + count[right])
    return Tree(
        feature=tuple(int(f) if not leaf else -1 for f, leaf in zip(nodes["feature_idx"], is_leaf, strict=True)),
        threshold=tuple(float(t) if not leaf else 0.0 for t, leaf in zip(nodes["num_threshold"], is_leaf, strict=True)),
        left=tuple(int(n) for n in nodes["left"]),
        right=tuple(int(n) for n in nodes["right"]),
        lost_left=tuple(bool(n) for n in nodes["missing_go_to_left"]),
        value=tuple(float(v) for v in value),
    )


def _platt(raw: Floats, labels: NDArray[np.bool_], weights: Floats | None) -> tuple[float, float]:
    """Slope and intercept that make log-odds honest, with Platt's targets, which keep a clean split from running off."""
    weight = np.ones(len(raw)) if weights is None else weights
    true, false = float(weight[labels].sum()), float(weight[~labels].sum())
    target = np.where(labels, (true + 1.0) / (true + 2.0), 1.0 / (false + 2.0))

    def loss(at: Floats) -> float:
        odds = at[0] * raw + at[1]
        return float((weight * (np.logaddexp(0.0, odds) - target * odds)).sum() / weight.sum())

    found = optimize.minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12})
    slope, intercept = float(found.x[0]), float(found.x[1])
    if not (math.isfinite(slope) and math.isfinite(intercept)) or slope <= 0:
        raise FittingError("the features do not tell the labels apart")
    return slope, intercept
