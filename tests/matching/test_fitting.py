"""Fitting: the model scores as the fitter does, keeps its directions, and says honest probabilities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matching.fitting import Fitting, FittingError, fit
from matching.trees import Model

FEATURES = ("alike", "noise", "late")


def labelled(rows: int, seed: int) -> tuple[Any, Any, list[int]]:
    """Rows whose label follows the first feature and not the third; a tenth of the noise is missing."""
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(rows, 3))
    labels = chance.random(rows) < 1 / (1 + np.exp(-(2 * values[:, 0] - values[:, 2])))
    values[chance.random(rows) < 0.1, 1] = np.nan
    return values, labels, [number // 4 for number in range(rows)]


HOW = Fitting(trees=40, directions={"alike": 1, "late": -1})


def test_more_of_what_speaks_for_never_lowers_a_score() -> None:
    """Along a feature with a direction the log-odds go one way only, whatever the others are."""
    values, labels, groups = labelled(2000, 1)
    model = fit(FEATURES, values, labels, groups, HOW)
    for place, sign in ((0, 1), (2, -1)):
        rows = np.repeat(values[:50], 40, axis=0)
        rows[:, place] = np.tile(np.linspace(-3, 3, 40), 50)
        steps = np.diff(model.log_odds(rows).reshape(50, 40), axis=1) * sign
        assert (steps >= -1e-12).all()


def test_probabilities_are_honest_on_rows_it_has_not_seen() -> None:
    """Of new rows to which it gives about p, about p are true."""
    model = fit(FEATURES, *labelled(4000, 1), HOW)
    values, labels, _ = labelled(20000, 2)
    p = model.probability(values)
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        assert abs(p[inside].mean() - labels[inside].mean()) < 0.06


def test_the_same_rows_give_the_same_model() -> None:
    """Nothing depends on chance that is not seeded; weights of one change nothing."""
    values, labels, groups = labelled(400, 3)
    one = fit(FEATURES, values, labels, groups, HOW, about={"rows": 400})
    assert one.text() == fit(FEATURES, values, labels, groups, HOW, about={"rows": 400}).text()
    assert one.about == {"rows": 400}


def test_a_rule_that_knows_steadies_few_rows() -> None:
    """Carried log-odds that are right make a model of few rows better; against their word they are not used."""
    values, labels, groups = labelled(300, 6)
    new, true, _ = labelled(5000, 7)
    values[:, 1], new[:, 1] = 2 * values[:, 0] - values[:, 2], 2 * new[:, 0] - new[:, 2]

    def loss(model: Model) -> float:
        odds = model.log_odds(new)
        return float((np.logaddexp(0, odds) - true * odds).mean())

    carrying = replace(HOW, carried=FEATURES[1:2])
    steadied = fit(FEATURES, values, labels, groups, carrying)
    assert steadied.carried["noise"] > 0
    assert loss(steadied) < loss(fit(FEATURES, values, labels, groups, HOW))
    assert not fit(FEATURES, values, ~labels, groups, replace(carrying, directions={})).carried.get("noise")


def test_an_additive_model_has_one_feature_a_tree() -> None:
    """So that each feature has a curve that can be drawn."""
    values, labels, groups = labelled(400, 4)
    model = fit(FEATURES, values, labels, groups, Fitting(trees=20, is_additive=True))
    assert all(len({f for f in tree.feature if f >= 0}) <= 1 for tree in model.trees)


def test_an_inner_node_is_worth_what_lies_below() -> None:
    """The start of an explanation is the mean score of the rows it was fitted on, so contributions speak for themselves."""
    values, labels, groups = labelled(1000, 5)
    model = fit(FEATURES, values, labels, groups, HOW)
    start, added = model.explain(values)
    assert start == pytest.approx(float(model.log_odds(values).mean()), abs=1e-6)
    assert np.abs(added.mean(axis=0)).max() < 1e-6


@pytest.mark.parametrize("labels", [[True] * 40, [False] * 40, [True] * 2 + [False] * 38])
def test_too_few_of_a_kind_are_refused(labels: list[bool]) -> None:
    """One paper's pairs prove nothing; a sentence says what is missing."""
    values, _, _ = labelled(40, 6)
    with pytest.raises(FittingError, match="too few"):
        fit(FEATURES, values, np.array(labels), [0] * 20 + list(range(20)), HOW)


def test_a_feature_that_nobody_knows_is_never_asked() -> None:
    """A column without a single value is no obstacle and no reason."""
    values, labels, groups = labelled(400, 7)
    values[:, 1] = np.nan
    model = fit(FEATURES, values, labels, groups, HOW)
    assert all(1 not in tree.feature for tree in model.trees)
