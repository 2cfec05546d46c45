"""Learning from verdicts: what is learned from, what is held back, and when a model is better."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.evaluation import Figures
from matching.fitting import Fitting, FittingError
from matching.learning import Labelled, figures, is_better, is_held_back, learn, worth_asking
from matching.ranking import FEATURES

SMALL = Fitting(trees=15, leaves=4, least_rows=5)


def row(pi: float) -> list[float]:
    """Features of which only the PI's is known."""
    return [pi if name == "pi" else math.nan for name in FEATURES]


def papers(count: int, seed: int = 0) -> list[Labelled]:
    """Papers with five candidates each, the first of every second paper right."""
    chance = np.random.default_rng(seed)
    return [
        Labelled(
            f"paper {n}",
            [row(float(chance.normal(4.0 if n % 2 and not place else 0.0))) for place in range(5)],
            [bool(n % 2) and not place for place in range(5)],
        )
        for n in range(count)
    ]


def test_a_fifth_of_the_papers_is_never_learned_from() -> None:
    """The held-back papers change nothing: a model fitted without them is the same."""
    listed = papers(400)
    held = [one for one in listed if is_held_back(one.paper)]
    assert 0.14 < len(held) / len(listed) < 0.26
    wrong = [
        replace(one, labels=[not label for label in one.labels]) if is_held_back(one.paper) else one for one in listed
    ]
    assert learn(listed, SMALL).version == learn(wrong, SMALL).version


@given(st.randoms(use_true_random=False))
@settings(max_examples=5)
def test_the_order_of_papers_and_candidates_changes_nothing(chance: random.Random) -> None:
    """Learning is reproducible: the same labelled candidates give the same model, shuffled or not."""
    listed = papers(120)
    shuffled = []
    for one in chance.sample(listed, len(listed)):
        order = chance.sample(range(len(one.rows)), len(one.rows))
        shuffled.append(replace(one, rows=[one.rows[i] for i in order], labels=[one.labels[i] for i in order]))
    assert learn(shuffled, SMALL).text() == learn(listed, SMALL).text()


def test_a_model_tells_what_it_learned_from() -> None:
    """Its file says how many papers of each sort there were, and whatever else it is given."""
    listed = [replace(one, source="cited") if n % 4 == 0 else one for n, one in enumerate(papers(200))]
    used = [one for one in listed if not is_held_back(one.paper)]
    about = learn(listed, SMALL, {"rules": "7"}).about
    assert about == {
        "verdicts": sum(one.source == "verdict" for one in used),
        "cited": sum(one.source == "cited" for one in used),
        "pairs": 5 * len(used),
        "rules": "7",
    }


def test_what_it_learned_holds_on_papers_it_has_not_seen() -> None:
    """On the held-back papers a PI's weight ranks as it should."""
    listed = papers(600)
    held = [one for one in listed if is_held_back(one.paper)]
    model = learn(listed, SMALL)
    told = figures(held, model.probability(np.array([r for one in held for r in one.rows])))
    assert told.average_precision > 0.9
    assert told.calibration_error < 0.05


@pytest.mark.parametrize("listed", [[], papers(3), [Labelled("x", [], [])]])
def test_too_few_papers_are_refused(listed: list[Labelled]) -> None:
    """A sentence says what is missing."""
    with pytest.raises(FittingError, match=r"no paper|too few"):
        learn(listed, SMALL)


def test_figures_by_hand() -> None:
    """Two right of four proposed and one never proposed: the sums are those of a pencil."""
    listed = [Labelled("a", [row(0)] * 2, [True, False]), Labelled("b", [row(0)] * 2, [True, False], missed=1)]
    told = figures(listed, np.array([0.9, 0.8, 0.7, 0.1]))
    assert (told.papers, told.pairs, told.right) == (2, 4, 3)
    assert told.average_precision == pytest.approx((1 + 2 / 3) / 3)
    assert told.recall_at_99 == pytest.approx(1 / 3)
    assert told.calibration_error == pytest.approx((0.1 + 0.8 + 0.3 + 0.1) / 4)


def test_better_is_ranked_better_and_honest() -> None:
    """A model that ranks a little better and lies is not better; nor is one that is the same."""
    before = Figures(100, 500, 60, 0.95, 0.8, 0.002)
    assert is_better(before, replace(before, average_precision=0.96))
    assert not is_better(before, before)
    assert not is_better(before, replace(before, average_precision=0.99, calibration_error=0.02))
    assert not is_better(before, replace(before, average_precision=0.94, recall_at_99=0.9))
    dishonest = replace(before, calibration_error=0.2)
    assert is_better(dishonest, before)
    assert not is_better(dishonest, replace(before, average_precision=0.94))


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.floats(0, 1), max_size=60), st.integers(0, 80))
def test_what_is_asked_about_is_asked_once(best: dict[str, float], count: int) -> None:
    """Never more than wanted, nothing twice, everything when there is less; the order in which papers come is none."""
    asked = worth_asking(best, count)
    assert len(asked) == len(set(asked)) == min(count, len(best))
    assert asked == worth_asking(dict(reversed(list(best.items()))), count)


def test_half_of_the_questions_are_certain_and_half_are_open() -> None:
    """Of a hundred questions some five are an audit; of the others half have the best candidates, half are nearest 0.5."""
    best = {f"p{n:04d}": n / 1000 for n in range(1000)}
    asked = worth_asking(best, 100)
    assert sum(best[paper] > 0.94 for paper in asked) >= 45
    assert sum(abs(best[paper] - 0.5) < 0.03 for paper in asked) >= 45
