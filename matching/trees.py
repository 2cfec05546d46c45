"""A model of boosted trees as plain data: scored with numpy, explained exactly, read and written as JSON.

The log-odds of a row is ``slope * (baseline + sum of one leaf per tree) + sum of (weight * carried feature) +
intercept``; slope, weights and intercept are Platt's calibration, which is affine, so it keeps sums. Carried features
are log-odds themselves, of rules that were there before the trees; without any (most models) the middle term is 0. A tree's way to its leaf is a chain of nodes, each of which is worth the
mean of the leaves below it; a feature's contribution is what the steps at its splits changed (path attribution), and all
contributions with the starting value sum to the log-odds.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Model", "ModelError", "Tree"]

FORMAT = 1
_ROWS_AT_ONCE = 20_000
_CELLS_AT_ONCE = 6_000_000
"""Rows, and rows times trees, scored together: bounds memory, changes nothing else."""
_MOST_NODES = 1_000_000
_MOST_TREES = 10_000
_MOST_STEPS = 100
"""A model that is fitted has some hundred trees of a dozen steps; far more of them would stop whoever ranks by it."""
_MOST_VALUE = 1e9
"""Larger numbers than any log-odds, small enough that a million of them still have a sum."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class ModelError(ValueError):
    """A model that cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree, node by node, its root first. A row goes left where its value is at most the threshold.

    ``feature`` is -1 at a leaf. ``left`` and ``right`` are the places of a node's children, each behind its own.
    ``lost_left`` says where a missing value (NaN) goes. ``value`` is what a leaf adds; of another node, the mean of the
    leaves below it over the rows it was fitted on.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    lost_left: tuple[bool, ...]
    value: tuple[float, ...]

    def plain(self) -> dict[str, list[Any]]:
        """Return it as JSON can hold it."""
        return {name: list(getattr(self, name)) for name in _COLUMNS}


_COLUMNS = ("feature", "threshold", "left", "right", "lost_left", "value")


class Model:
    """Boosted trees over named features; scores rows of floats in the order of ``features``, NaN where unknown.

    ``about`` is what a person should know of it (what it was fitted on, when, how well it did); it is part of the file
    and of no score.
    """

    def __init__(
        self,
        features: Sequence[str],
        trees: Sequence[Tree],
        *,
        baseline: float = 0.0,
        slope: float = 1.0,
        intercept: float = 0.0,
        carried: Mapping[str, float] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises ``ModelError`` for trees that do not end, point outside, or hold what is no number."""
        self.features = tuple(features)
        self.trees = tuple(trees)
        self.baseline, self.slope, self.intercept = float(baseline), float(slope), float(intercept)
        self.carried = {name: float(weight) for name, weight in (carried or {}).items()}
        self.about = dict(about or {})
        self._check()
        self._carry: Floats = np.array([self.carried.get(name, 0.0) for name in self.features], dtype=np.float64)
        sizes = [len(tree.feature) for tree in self.trees]
        self._roots: Integers = np.cumsum([0, *sizes[:-1]], dtype=np.int64) if sizes else np.zeros(0, np.int64)
        shift = np.repeat(self._roots, sizes) if sizes else np.zeros(0, np.int64)
        self._feature = np.array([f for tree in self.trees for f in tree.feature], dtype=np.int64)
        self._threshold = np.array([t for tree in self.trees for t in tree.threshold], dtype=np.float64)
        self._left = np.array([n for tree in self.trees for n in tree.left], dtype=np.int64) + shift
        self._right = np.array([n for tree in self.trees for n in tree.right], dtype=np.int64) + shift
        self._lost_left = np.array([n for tree in self.trees for n in tree.lost_left], dtype=bool)
        self._value = np.array([v for tree in self.trees for v in tree.value], dtype=np.float64)
        self._depth = max((_depth(tree) for tree in self.trees), default=0)

    def _check(self) -> None:
        if len(set(self.features)) != len(self.features):
            raise ModelError("two features of the model have one name")
        if not all(map(_is_sound, (self.baseline, self.slope, self.intercept))) or self.slope <= 0:
            raise ModelError("baseline, slope and intercept are numbers, and the slope is positive")
        if not set(self.carried) <= set(self.features) or not all(0 <= w < _MOST_VALUE for w in self.carried.values()):
            raise ModelError("what is carried are features of the model, each with a weight of at least 0")
        if len(self.trees) > _MOST_TREES:
            raise ModelError(f"the model has more than {_MOST_TREES} trees")
        if sum(len(tree.feature) for tree in self.trees) > _MOST_NODES:
            raise ModelError(f"the model has more than {_MOST_NODES} nodes")
        for number, tree in enumerate(self.trees):
            size = len(tree.feature)
            if not size or any(len(getattr(tree, column)) != size for column in _COLUMNS):
                raise ModelError(f"tree {number}: its columns are empty or of several lengths")
            for node, feature in enumerate(tree.feature):
                if not _is_sound(tree.value[node]) or math.isnan(tree.threshold[node]):
                    raise ModelError(f"tree {number}, node {node}: its value or threshold is no number")
                if feature < 0:
                    continue
                if feature >= len(self.features):
                    raise ModelError(f"tree {number}, node {node}: there is no feature {feature}")
                if not (node < tree.left[node] < size and node < tree.right[node] < size):
                    raise ModelError(f"tree {number}, node {node}: its children do not stand behind it")
            if _depth(tree) > _MOST_STEPS:
                raise ModelError(f"tree {number} has more than {_MOST_STEPS} steps from its root to a leaf")

    # ---- scoring

    def log_odds(self, rows: Floats) -> Floats:
        """The log-odds of each row; ``rows`` has one column for each feature."""
        found = np.empty(len(rows))
        many = max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // max(1, len(self.trees))))
        for begin in range(0, len(rows), many):
            part = self._rows(rows[begin : begin + many])
            at = np.broadcast_to(self._roots, (len(part), len(self.trees)))
            for _ in range(self._depth):
                at = self._step(part, at)
            raw = self.baseline + self._value[at].sum(axis=1)
            found[begin : begin + len(part)] = self.slope * raw + self._carried(part).sum(axis=1) + self.intercept
        return found

    def probability(self, rows: Floats) -> Floats:
        """The probability of each row, 0–1."""
        return 1.0 / (1.0 + np.exp(-np.clip(self.log_odds(rows), -700.0, 700.0)))

    def explain(self, rows: Floats) -> tuple[float, Floats]:
        """What the log-odds of each row is made of: where every row starts, and for each row what each feature adds.

        ``start + contributions[i].sum()`` is ``log_odds(rows)[i]`` up to rounding (1e-9).
        """
        part = self._rows(rows)
        width = len(self.features)
        added = np.zeros(len(part) * width)
        at = np.broadcast_to(self._roots, (len(part), len(self.trees)))
        begins = np.broadcast_to(np.arange(len(part))[:, None] * width, at.shape)
        for _ in range(self._depth):
            following = self._step(part, at)
            moved = following != at
            places = begins[moved] + self._feature[at[moved]]
            steps = self._value[following[moved]] - self._value[at[moved]]
            added += np.bincount(places, weights=steps, minlength=len(added))
            at = following
        start = self.slope * (self.baseline + float(self._value[self._roots].sum())) + self.intercept
        return start, self.slope * added.reshape(len(part), width) + self._carried(part)

    def _carried(self, rows: Floats) -> Floats:
        """What the carried features add; one that is unknown adds nothing."""
        return np.asarray(self._carry * np.nan_to_num(rows, nan=0.0), dtype=np.float64)

    def _rows(self, rows: Floats) -> Floats:
        part = np.asarray(rows, dtype=np.float64)
        if part.ndim != 2 or part.shape[1] != len(self.features):
            raise ModelError(f"a row has {len(self.features)} features, not {part.shape[-1] if part.ndim else 0}")
        return part

    def _step(self, rows: Floats, at: Integers) -> Integers:
        """The next node of each row in each tree; a leaf stays where it is."""
        feature = self._feature[at]
        value = np.take_along_axis(rows, np.maximum(feature, 0), axis=1) if rows.shape[1] else np.zeros(at.shape)
        goes_left = np.where(np.isnan(value), self._lost_left[at], value <= self._threshold[at])
        return np.where(feature < 0, at, np.where(goes_left, self._left[at], self._right[at]))

    # ---- as a file

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "format": FORMAT,
            "about": self.about,
            "features": list(self.features),
            "baseline": self.baseline,
            "slope": self.slope,
            "intercept": self.intercept,
            **({"carried": self.carried} if self.carried else {}),
            "trees": [tree.plain() for tree in self.trees],
        }

    @classmethod
    def from_plain(cls, data: Any) -> "Model":
        """Read what ``plain`` wrote. Raises ``ModelError``."""
        try:
            if data["format"] != FORMAT:
                raise ModelError(f"the model has format {str(data['format'])[:20]!r}; this version reads {FORMAT}")
            trees = [Tree(**{name: _column(name, tree[name]) for name in _COLUMNS}) for tree in data["trees"]]
            return cls(
                [str(name) for name in data["features"]],
                trees,
                baseline=float(data["baseline"]),
                slope=float(data["slope"]),
                intercept=float(data["intercept"]),
                carried=dict(data.get("carried", {})),
                about=data.get("about", {}),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as wrong:
            if isinstance(wrong, ModelError):
                raise
            raise ModelError(f"this is no model: {type(wrong).__name__} at {str(wrong)[:80]}") from wrong

    def text(self) -> str:
        """The file: one tree a line, so that two versions can be compared; always the same for the same model."""
        plain = self.plain()
        trees = plain.pop("trees")
        head = json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False)
        lines = ",\n".join("  " + json.dumps(tree, sort_keys=True) for tree in trees)
        return f'{head[:-2]},\n "trees": [\n{lines}\n ]\n}}\n'

    @classmethod
    def from_text(cls, text: str) -> "Model":
        """Read a file. Raises ``ModelError``."""
        try:
            return cls.from_plain(json.loads(text))
        except ModelError:
            raise
        except (ValueError, RecursionError) as wrong:  # ValueError: also a number of thousands of digits
            raise ModelError(f"this is no model: {str(wrong)[:80]}") from wrong

    @property
    def version(self) -> str:
        """What tells this model from every other that scores otherwise: a hash of its numbers."""
        plain = {name: value for name, value in self.plain().items() if name != "about"}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def _column(name: str, values: Any) -> tuple[Any, ...]:
    """A column of a tree with values of its kind. Raises ``TypeError`` or ``ValueError``."""
    if not isinstance(values, list):
        raise TypeError(f"{name} is no list")
    if name == "lost_left" and not all(isinstance(value, bool) for value in values):
        raise TypeError(f"{name} holds what is neither true nor false")
    kind = {"threshold": float, "value": float, "lost_left": bool}.get(name, int)
    return tuple(kind(value) for value in values)


def _is_sound(value: float) -> bool:
    """Whether it is a number of a size that sums can bear."""
    return math.isfinite(value) and abs(value) <= _MOST_VALUE


def _depth(tree: Tree) -> int:
    """The number of steps from the root to the farthest leaf."""
    depth = [0] * len(tree.feature)
    for node, feature in enumerate(tree.feature):
        if feature >= 0:
            for child in (tree.left[node], tree.right[node]):
                depth[child] = max(depth[child], depth[node] + 1)
    return max(depth)
