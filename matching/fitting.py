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

from matching.trees import Floats, Model, Tree

__all__ = ["Fitting", "FittingError", "fit"]


class FittingError(ValueError):
    """Rows that no model can be fitted to; the message says what is missing."""


_LEAST_SLOPE = 0.01
"""Trees beside carried log-odds keep at least so much of their say, so that a model stays a model."""

_PRECISELY = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 5000}


@dataclass(frozen=True, slots=True)
class Fitting:
    """How to fit. ``directions`` says of a feature that more of it may only speak for (1) or only against (-1).

    ``tried`` is the share of the features, drawn anew, among which each split chooses; below 1 related features share the work.
    ``carried`` are features that are log-odds already, by rules: their sum keeps a weight of its own beside the trees.
    ``unasked`` are features that no tree may ask.
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
    carried: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
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
    sums = np.nansum(rows[:, [name in how.carried for name in features]], axis=1)
    slope, carry, intercept = _platt(unseen, sums if how.carried else None, labels, weights)
    trees, baseline = _trees(features, rows, labels, how, weights)
    return Model(
        features,
        trees,
        baseline=baseline,
        slope=slope,
        intercept=intercept,
        carried=dict.fromkeys(how.carried, carry) if carry else None,
        about=about,
    )


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
    unasked = np.isnan(rows).all(axis=0) | np.isin(np.asarray(features), how.unasked)
    rows = np.where(unasked, 0.0, rows)
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


def _platt(
    raw: Floats, sums: Floats | None, labels: NDArray[np.bool_], weights: Floats | None
) -> tuple[float, float, float]:
    """Slope, weight of the carried sum and intercept that make log-odds honest.

    With Platt's targets, which keep a clean split from running off. A carried sum never counts against what it speaks for.
    """
    weight = np.ones(len(raw)) if weights is None else weights
    true, false = float(weight[labels].sum()), float(weight[~labels].sum())
    target = np.where(labels, (true + 1.0) / (true + 2.0), 1.0 / (false + 2.0))
    columns = np.column_stack([raw, np.ones(len(raw))] if sums is None else [raw, np.ones(len(raw)), sums])

    from scipy import optimize  # takes long to load, and only fitting needs it

    def loss(at: Floats) -> float:
        odds = columns @ at
        return float((weight * (np.logaddexp(0.0, odds) - target * odds)).sum() / weight.sum())

    start = np.array([1.0, 0.0, 0.0][: columns.shape[1]])
    limits = None if sums is None else [(_LEAST_SLOPE, None), (None, None), (0.0, None)]
    found = optimize.minimize(loss, start, method="Nelder-Mead", bounds=limits, options=_PRECISELY)
    slope, intercept, carry = (*found.x.tolist(), 0.0)[:3]
    if not all(map(math.isfinite, (slope, intercept, carry))) or slope <= 0:
        raise FittingError("the features do not tell the labels apart")
    return slope, carry, intercept
