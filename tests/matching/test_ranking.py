"""Ranking by a learned model: the same reasons with other weights, and exactly the sum that is shown."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.evidence import Evidence
from matching.propose import PaperFacts, Proposer
from matching.ranking import DIRECTIONS, FEATURES, judged, leads, row_of, usable
from matching.trees import Model, ModelError, Tree
from tests.matching.test_propose import GRAMMAR, KEYWORDS, PROJECTS, RING_PAPER, RULES, mentions


def split(feature: str, at: float, low: float, high: float) -> Tree:
    """A tree of one question; rows without an answer go with the low ones."""
    return Tree(
        (FEATURES.index(feature), -1, -1),
        (at, 0.0, 0.0),
        (1, 0, 0),
        (2, 0, 0),
        (True, False, False),
        ((low + high) / 2, low, high),
    )


MODEL = Model(
    FEATURES,
    [
        split("pi", 1.0, -1.0, 2.0),
        split("pi.rarity", 3.0, -0.5, 0.5),
        split("title.alike", 0.3, -1.0, 1.5),
        split("abstract", 0.0, -0.7, 0.3),
    ],
    baseline=-2.0,
    slope=1.2,
    intercept=0.1,
)


def test_every_score_is_the_sum_of_what_is_shown() -> None:
    """With a model as without one, contributions sum to the log-odds of the score."""
    with_model = Proposer(PROJECTS, RULES, GRAMMAR, KEYWORDS, MODEL)
    for found in with_model.propose(RING_PAPER):
        odds = math.fsum(piece.contribution for piece in found.evidence)
        assert found.score == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-9)
        assert all(piece.sentence for piece in found.evidence)


def test_what_cannot_be_said_has_its_own_line() -> None:
    """What a model gives to an abstract that is not there stands under "unknown", in words."""
    found = Proposer(PROJECTS, RULES, GRAMMAR, KEYWORDS, MODEL).propose(replace(RING_PAPER, abstract=None))[0]
    (piece,) = [piece for piece in found.evidence if piece.kind == "unknown"]
    assert "the abstracts" in piece.sentence
    assert "abstract" not in {piece.kind for piece in found.evidence}


def test_rows_are_what_the_model_reads() -> None:
    """The rows given out to learn from, scored, are the scores of candidates that no code and no limit touches."""
    plain = Proposer(PROJECTS, RULES, GRAMMAR, KEYWORDS)
    learned = Proposer(PROJECTS, RULES, GRAMMAR, KEYWORDS, MODEL)
    ((_, rows),) = plain.rows([RING_PAPER])
    odds = dict(
        zip((code for code, _ in rows), MODEL.log_odds(np.array([row for _, row in rows])).tolist(), strict=True)
    )
    for found in learned.propose(RING_PAPER):
        if {"limit"} & {piece.kind for piece in found.evidence} or found.project_code not in odds:
            continue
        shown = math.fsum(piece.contribution for piece in found.evidence)
        dates = next((piece for piece in found.evidence if piece.kind == "dates"), None)
        if dates is None or float(dates.value) >= 0:
            assert shown == pytest.approx(odds[found.project_code], abs=1e-9)


def test_a_printed_code_outweighs_a_model_as_it_outweighs_the_rules() -> None:
    """A code makes up for where candidates start, whoever says where that is."""
    code = PROJECTS[0].code
    text = f"This paper makes use of the following data: ADS/JAO.ALMA#{code}."
    together = []
    for proposer in (Proposer(PROJECTS, RULES, GRAMMAR), Proposer(PROJECTS, RULES, GRAMMAR, model=MODEL)):
        best = proposer.propose(PaperFacts("x", title="Nothing alike"), mentions(text))[0]
        assert best.project_code == code
        together.append(math.fsum(e.contribution for e in best.evidence if e.kind in ("prior", "code")))
    assert together[0] == pytest.approx(together[1], abs=1e-9)


@given(st.lists(st.floats(-30, 30), max_size=6))
def test_a_lead_is_over_the_best_other(odds: list[float]) -> None:
    """Of several only one can be ahead; alone, one is as far ahead as can be."""
    found = leads(odds)
    assert len(found) == len(odds)
    assert sum(lead > 0 for lead in found) <= 1
    for place, lead in enumerate(found):
        others = [o for i, o in enumerate(odds) if i != place]
        expected = 20.0 if not others else odds[place] - max(others)
        assert lead == pytest.approx(max(-20.0, min(20.0, expected)))


def test_a_model_of_other_features_is_refused() -> None:
    """Its scores would mean nothing; the message says which features it has."""
    assert usable(MODEL) is MODEL
    with pytest.raises(ModelError, match="colour"):
        Proposer(PROJECTS, RULES, GRAMMAR, model=Model(("colour",), []))
    assert set(DIRECTIONS) <= set(FEATURES)


def test_nothing_to_judge_is_nothing() -> None:
    """No candidates, no evidence; a pair of which nothing is known has a row of nothing but its lead."""
    assert judged(MODEL, [], []) == []
    row = row_of([Evidence("prior", 5, -3.0, "One of 5.")], {}, 20.0)
    assert [value for value in row if not math.isnan(value)] == [20.0]
