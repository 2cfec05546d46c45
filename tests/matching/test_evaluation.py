"""Measuring proposals: the figures are those of a pencil, and silence is no way to look good."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.evaluation import (
    Confusion,
    JudgedPaper,
    Ranked,
    calibration,
    calibration_error,
    evaluate,
    figures,
    leading,
    ranked,
    share_of_gains,
)
from matching.evidence import Evidence
from matching.propose import Candidate


def candidate(project: str, score: float, band: str = "likely", /, **contributions: float) -> Candidate:
    """A candidate with these contributions by kind."""
    pieces = tuple(Evidence(kind, 0.0, weight, f"{kind}.") for kind, weight in contributions.items())
    return Candidate(project, score, band, (Evidence("prior", 9, 5.0, "One of 9."), *pieces))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=30))
def test_calibration_is_a_share(pairs: list[tuple[bool, float]]) -> None:
    """Between 0 and 1 whatever comes, and 0 for what is exactly true; every pair stands in one bin."""
    labels, p = np.array([label for label, _ in pairs], dtype=bool), np.array([value for _, value in pairs])
    assert 0 <= calibration_error(labels, p) <= 1
    assert calibration_error(labels, labels.astype(float)) == 0
    assert sum(one.pairs for one in calibration(labels, p)) == len(pairs)
    assert all(one.low <= one.said <= one.low + 0.1 + 1e-9 for one in calibration(labels, p))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30), st.integers(0, 5))
def test_a_right_pair_that_was_not_proposed_lowers_every_figure(pairs: list[tuple[bool, float]], missed: int) -> None:
    """Keeping silent never helps."""
    labels, p = np.array([label for label, _ in pairs], dtype=bool), np.array([value for _, value in pairs])
    whole, silent = figures(1, labels, p), figures(1, labels, p, missed)
    assert silent.right == whole.right + missed
    assert silent.average_precision <= whole.average_precision
    assert silent.recall_at_99 <= whole.recall_at_99


def test_what_nobody_judged_is_left_out_unless_the_paper_is_settled() -> None:
    """An open candidate says nothing; after "none of these" every candidate is wrong."""
    listed = [candidate("A", 0.9, "likely", pi=3.0), candidate("B", 0.2, "unlikely", title=1.0)]
    told = evaluate([JudgedPaper("x", listed, frozenset({"A"}))])
    assert (told.figures.pairs, told.figures.right, told.missed) == (1, 1, 0)
    settled = evaluate([JudgedPaper("x", listed, frozenset(), is_settled=True)])
    assert (settled.figures.pairs, settled.figures.right) == (2, 0)
    assert settled.by_kind == {"pi": Confusion(called_wrong=1), "title": Confusion(passed_wrong=1)}


def test_confusion_is_told_by_the_evidence_that_spoke_most() -> None:
    """Who reads which kind of evidence misleads, reads it here; shares have no value where there is nothing."""
    papers = [
        JudgedPaper("x", [candidate("A", 0.9, "certain", code=6.0, pi=2.0)], frozenset({"A"})),
        JudgedPaper("y", [candidate("B", 0.7, "likely", title=2.0, pi=-1.0)], frozenset(), frozenset({"B"})),
        JudgedPaper("z", [candidate("C", 0.1, "unlikely", dates=-3.0)], frozenset({"C", "D"})),
    ]
    told = evaluate(papers)
    assert told.by_kind == {
        "code": Confusion(called_right=1),
        "title": Confusion(called_wrong=1),
        "nothing": Confusion(passed_right=1),
    }
    assert (told.by_kind["code"].precision, told.by_kind["title"].precision, told.by_kind["nothing"].recall) == (
        1,
        0,
        0,
    )
    assert told.by_kind["nothing"].precision is None
    assert told.by_kind["title"].recall is None
    assert told.by_band == {"certain": (1, 1), "likely": (0, 1), "unlikely": (1, 1)}
    assert (told.missed, told.figures.right) == (1, 3)


def test_the_prior_leads_nothing() -> None:
    """Where nothing but the start speaks for a candidate, nothing does."""
    assert leading(candidate("A", 0.5)) == "nothing"


def test_no_papers_are_no_figures() -> None:
    """An empty desk is measured as nothing, without an error."""
    told = evaluate([])
    assert (told.figures.pairs, told.bins, told.by_kind) == (0, [], {})
    assert told.figures.average_precision == pytest.approx(0.0)


def some(papers: int, right: float, wrong: float, blur: float, seed: int) -> list[Ranked]:
    """Papers with one right and three wrong candidates, whose probabilities are blurred by chance."""
    chance = np.random.default_rng(seed)
    labels, said = np.array([True, False, False, False]), np.array([right, wrong, wrong, wrong])
    return [Ranked(labels, np.clip(said + chance.normal(0, blur, 4), 0, 1), 0) for _ in range(papers)]


def test_a_gain_is_told_from_chance() -> None:
    """Ranking much better shows in nearly every drawing, much worse in none, and the same in half of them."""
    usual, better = some(60, 0.6, 0.4, 0.3, 1), some(60, 0.8, 0.2, 0.2, 2)
    assert share_of_gains(usual, better) > 0.95
    assert share_of_gains(better, usual) < 0.05
    assert share_of_gains(usual, usual) == 0.5
    assert share_of_gains([], []) == 0.0
    assert share_of_gains(usual, better) == share_of_gains(usual, better)


def test_models_that_are_no_better_seldom_seem_so() -> None:
    """Of pairs that differ by chance alone, far fewer than half pass nine tenths."""
    passed = sum(
        share_of_gains(some(25, 0.6, 0.4, 0.3, seed), some(25, 0.6, 0.4, 0.3, seed + 1000)) >= 0.9 for seed in range(40)
    )
    assert passed <= 10


def test_a_paper_is_kept_as_numbers() -> None:
    """Labels and probabilities of what somebody judged, and right ones that were not proposed."""
    paper = JudgedPaper(
        "p",
        [Candidate(code, score, "likely", ()) for code, score in (("A", 0.9), ("B", 0.3), ("C", 0.2))],
        frozenset({"A", "Z"}),
        frozenset({"B"}),
    )
    kept = ranked(paper)
    assert (kept.labels.tolist(), kept.p.tolist(), kept.missed) == ([True, False], [0.9, 0.3], 1)
