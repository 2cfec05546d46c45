"""A model of trees: it scores what it says, explains what it scores, and survives its file."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.trees import Model, ModelError, Tree

FEATURES = ("alike", "years", "named")


def leaf(value: float) -> dict[str, Any]:
    """A tree of nothing but a value."""
    return {"feature": -1, "threshold": 0.0, "lost_left": False, "value": value}


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Any tree of up to three levels, inner values as they may be."""
    nodes: list[dict[str, Any]] = []

    def grow(depth: int) -> int:
        place = len(nodes)
        value = draw(st.floats(-3, 3))
        nodes.append({**leaf(value), "left": 0, "right": 0})
        if depth < 3 and draw(st.booleans()):
            nodes[place] |= {
                "feature": draw(st.integers(0, len(FEATURES) - 1)),
                "threshold": draw(st.floats(-2, 2)),
                "lost_left": draw(st.booleans()),
            }
            nodes[place]["left"] = grow(depth + 1)
            nodes[place]["right"] = grow(depth + 1)
        return place

    grow(0)
    return Tree(**{name: tuple(node[name] for node in nodes) for name in nodes[0]})


models = st.builds(
    lambda grown, baseline, slope, intercept, carry: Model(
        FEATURES, grown, baseline=baseline, slope=slope, intercept=intercept, about={"made": "by a test"},
        carried={FEATURES[0]: carry} if carry else None,
    ),
    st.lists(trees(), max_size=6), st.floats(-2, 2), st.floats(0.1, 3), st.floats(-2, 2), st.floats(0, 2),
)  # fmt: skip
rows = st.lists(
    st.lists(st.one_of(st.floats(-3, 3), st.just(math.nan)), min_size=3, max_size=3), min_size=1, max_size=5
).map(lambda listed: np.array(listed, dtype=np.float64))


def by_hand(model: Model, row: Any) -> float:
    """The log-odds of one row, one tree after the other."""
    total = model.baseline
    for tree in model.trees:
        node = 0
        while tree.feature[node] >= 0:
            value = row[tree.feature[node]]
            left = tree.lost_left[node] if math.isnan(value) else value <= tree.threshold[node]
            node = tree.left[node] if left else tree.right[node]
        total += tree.value[node]
    carried = sum(weight * row[FEATURES.index(name)] for name, weight in model.carried.items())
    return model.slope * total + (0.0 if math.isnan(carried) else carried) + model.intercept


@given(models, rows)
def test_a_row_is_worth_its_leaves(model: Model, rows: Any) -> None:
    """The scores are those of walking each tree by hand; probabilities are their logistic."""
    expected = [by_hand(model, row) for row in rows]
    assert model.log_odds(rows) == pytest.approx(expected, abs=1e-9)
    assert model.probability(rows) == pytest.approx([1 / (1 + math.exp(-odds)) for odds in expected], abs=1e-12)


@given(models, rows)
def test_contributions_sum_to_the_log_odds(model: Model, rows: Any) -> None:
    """The start and what each feature adds are the whole score; a feature that no tree asks and that is not carried adds nothing."""
    start, added = model.explain(rows)
    assert start + added.sum(axis=1) == pytest.approx(model.log_odds(rows), abs=1e-9)
    asked = {feature for tree in model.trees for feature in tree.feature}
    asked |= {FEATURES.index(name) for name in model.carried}
    for place in set(range(len(FEATURES))) - asked:
        assert not added[:, place].any()


@given(models, rows)
def test_a_file_gives_the_same_model(model: Model, rows: Any) -> None:
    """Written and read, a model has the same version and the same scores, to the last bit."""
    read = Model.from_text(model.text())
    assert (read.version, read.text(), read.about) == (model.version, model.text(), model.about)
    assert (read.log_odds(rows) == model.log_odds(rows)).all()


def test_what_is_told_of_a_model_is_no_part_of_its_version() -> None:
    """Another note is the same model; another number is another."""
    grown = [Tree((-1,), (0.0,), (0,), (0,), (False,), (1.0,))]
    one = Model(FEATURES, grown, about={"by": "A"})
    assert one.version == Model(FEATURES, grown, about={"by": "B"}).version
    assert one.version != Model(FEATURES, grown, baseline=0.5).version


def test_many_rows_are_scored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows are taken at once, each has its score."""
    tree = Tree((0, -1, -1), (0.0, 0.0, 0.0), (1, 0, 0), (2, 0, 0), (False,) * 3, (0.0, -1.0, 1.0))
    model = Model(("x",), [tree])
    monkeypatch.setattr("matching.trees._ROWS_AT_ONCE", 3)
    values = np.linspace(-1, 1, 10)[:, None]
    assert model.log_odds(values).tolist() == [-1.0] * 5 + [1.0] * 5


def broken(**changes: Any) -> dict[str, Any]:
    """A model as plain data with something wrong."""
    tree = {"feature": [0, -1, -1], "threshold": [0.0, 0.0, 0.0], "left": [1, 0, 0], "right": [2, 0, 0],
            "lost_left": [True, False, False], "value": [0.0, 1.0, -1.0]}  # fmt: skip
    tree |= {name: value for name, value in changes.items() if name in tree}
    top = {"format": 1, "features": ["x"], "baseline": 0.0, "slope": 1.0, "intercept": 0.0, "trees": [tree]}
    return top | {name: value for name, value in changes.items() if name not in tree}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 9}, "format"),
        ({"features": ["x", "x"]}, "one name"),
        ({"feature": [3, -1, -1]}, "no feature 3"),
        ({"left": [0, 0, 0]}, "do not stand behind"),
        ({"right": [7, 0, 0]}, "do not stand behind"),
        ({"value": [0.0, math.nan, 0.0]}, "no number"),
        ({"threshold": [math.nan, 0.0, 0.0]}, "no number"),
        ({"value": [0.0]}, "lengths"),
        ({"value": "x"}, "no model"),
        ({"value": [0.0, None, 0.0]}, "no model"),
        ({"slope": 0.0}, "slope"),
        ({"slope": math.inf}, "slope"),
        ({"trees": None}, "no model"),
        ({"carried": {"y": 1.0}}, "carried"),
        ({"carried": {"x": -1.0}}, "carried"),
        ({"carried": {"x": math.nan}}, "carried"),
        ({"carried": {"x": None}}, "no model"),
        ({"carried": 7}, "no model"),
        ({"value": [0.0, 1e308, 0.0]}, "no number"),
        ({"baseline": 1e308}, "numbers"),
        ({"slope": 1e308}, "slope"),
        ({"intercept": -1e308}, "numbers"),
        ({"carried": {"x": 1e308}}, "carried"),
        ({"baseline": 10**400}, "no model"),
        ({"lost_left": ["false", False, False]}, "no model"),
    ],
)
def test_what_is_no_model_is_refused(changes: dict[str, Any], words: str) -> None:
    """A file that was damaged or made up ends in a sentence, not in a loop or a wrong score."""
    with pytest.raises(ModelError, match=words):
        Model.from_text(json.dumps(broken(**changes)))
    assert Model.from_plain(broken()).log_odds(np.array([[math.nan], [1.0]])).tolist() == [1.0, -1.0]


def test_a_model_that_would_take_all_memory_or_time_is_refused() -> None:
    """A hundred thousand trees, and a tree that is one long chain, would stop whoever ranks by them."""
    stump = {"feature": [-1], "threshold": [0.0], "left": [0], "right": [0], "lost_left": [False], "value": [0.5]}
    with pytest.raises(ModelError, match="more than 10000 trees"):
        Model.from_plain({**broken(), "trees": [stump] * 100_000})
    steps = 200
    chain = {
        "feature": [0] * steps + [-1] * 2,
        "threshold": [0.0] * (steps + 2),
        "left": [*range(1, steps + 1), 0, 0],
        "right": [steps + 1] * steps + [0, 0],
        "lost_left": [True] * (steps + 2),
        "value": [0.0] * (steps + 2),
    }
    with pytest.raises(ModelError, match="more than 100 steps"):
        Model.from_plain({**broken(), "trees": [chain]})


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000, '{"format": 1}', '{"format": ' + "1" * 5000])
def test_what_is_no_file_is_refused(text: str) -> None:
    """So does anything else."""
    with pytest.raises(ModelError):
        Model.from_text(text)


def test_a_row_of_another_width_is_refused() -> None:
    """Rows of another feature set are not scored by accident."""
    with pytest.raises(ModelError, match="3 features"):
        Model(FEATURES, []).log_odds(np.zeros((2, 4)))
