"""Ranking by a learned model: the same reasons with other weights, and exactly the sum that is shown."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.evidence import Evidence, PaperFacts, PaperView, PersonSeen, ProjectFacts, ProjectView, TextView
from matching.propose import Candidate, Proposer
from matching.ranking import CARRIED, DIRECTIONS, FEATURES, judged, leads, rows_of, usable
from matching.targets import TargetSpot
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


BESIDE = Model(FEATURES, [split("rivals.lead", 1.0, -1.0, 3.0), split("team.share_of_authors", 0.2, -1.0, 1.0)])
"""A model that asks how far ahead a candidate is, and how many authors are of its team."""


def said(found: Candidate) -> dict[str, tuple[str, float]]:
    """What is said of each kind of evidence, and what it counts."""
    return {piece.kind: (piece.sentence, piece.contribution) for piece in found.evidence}


def test_being_ahead_of_all_others_is_a_reason_in_words() -> None:
    """What a model gives for the lead over all other projects, and for the team, does not stand under "unknown"."""
    best = said(Proposer(PROJECTS, RULES, GRAMMAR, KEYWORDS, BESIDE).propose(RING_PAPER)[0])
    assert best["rivals"][0] == "No other project comes near."
    assert best["rivals"][1] == pytest.approx(2.0)
    assert best["team"][0].endswith("authors are in the project's team.")
    assert best["team"][1] > 0
    assert "unknown" not in best


def test_a_close_second_does_not_sound_like_a_reason_against() -> None:
    """Where a model gives something for being the first of two alike, the sentence says so; the second hears the other."""
    twin = replace(PROJECTS[0], code="2013.1.00999.S")
    model = Model(FEATURES, [split("rivals.lead", -0.5, -1.0, 3.0)])
    first, second = Proposer([*PROJECTS, twin], RULES, GRAMMAR, KEYWORDS, model).propose(RING_PAPER)[:2]
    assert "unknown" not in {**said(first), **said(second)}
    sentence = said(first)["rivals"][0]
    assert sentence == f"Another project, {second.project_code}, fits nearly as well; none fits better."
    farther = Model(FEATURES, [split("rivals.lead", 19.0, -1.0, 3.0)])
    again = Proposer([*PROJECTS, twin], RULES, GRAMMAR, KEYWORDS, farther).propose(RING_PAPER)
    against = said(next(one for one in again if one.project_code == first.project_code))["rivals"]
    assert against[0] == f"Another project, {second.project_code}, fits nearly as well."
    assert against[1] == pytest.approx(-2.0)


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
    assert rows_of(paper_view({}), [], []) == []
    ((*row,),) = rows_of(
        paper_view({}), [([Evidence("prior", 5, -3.0, "One of 5.")], project_view(None), TEXT)], [-3.0]
    )
    told = dict(zip(FEATURES, row, strict=True))
    assert {name: value for name, value in told.items() if value and not math.isnan(value)} == {"rivals.lead": 20.0}


TEXT = TextView(target_worth={"ngc1": 7.0, "ngc2": 5.0})


def paper_view(people: dict[int, int], *targets: str) -> PaperView:
    """A paper with these people of the registry at these places, and targets."""
    seen = {person: PersonSeen(1.0, math.exp(-3.0), place, f"Author {place}") for person, place in people.items()}
    spots = {name: TargetSpot("title", name.upper()) for name in targets}
    return PaperView(PaperFacts("x"), seen, 9 if people else 0, True, spots, bool(targets))


def project_view(pi: int | None, *co_is: int, targets: tuple[str, ...] = ()) -> ProjectView:
    """A project of these people on these targets."""
    return ProjectView(ProjectFacts("C"), pi, co_is, tuple(frozenset([name]) for name in targets), None)


def test_a_second_project_is_measured_by_what_the_first_leaves_open() -> None:
    """Who brings the other team and target accounts for much; a project of the same team and target for nothing."""
    paper = paper_view({1: 1, 2: 2, 7: 3}, "ngc1", "ngc2")
    first = project_view(1, 2, targets=("ngc1",))
    second = project_view(7, targets=("ngc2",))
    again = project_view(2, 1, targets=("ngc1",))
    rows = rows_of(paper, [([], view, TEXT) for view in (again, second, first)], [1.0, -4.0, 6.0])
    told = [dict(zip(FEATURES, row, strict=True)) for row in rows]
    names = ("team.left_by_rivals", "targets.left_by_rivals", "rivals.authors_shared", "rivals.targets_shared")
    assert [[round(one[name], 9) for name in names] for one in told] == [
        [0.0, 0.0, 2.0, 7.0],
        [3.0, 5.0, 0.0, 0.0],
        [0.0, 0.0, 2.0, 7.0],
    ]


def test_the_log_odds_of_the_rules_are_carried() -> None:
    """A model keeps the sum of what the rules say beside its trees, and explains it piece by piece."""
    model = Model(FEATURES, [], slope=1.0, intercept=-2.0, carried=dict.fromkeys(CARRIED, 0.5))
    evidence = [Evidence("pi", 1, 4.0, "The PI."), Evidence("title", 1, -1.0, "The title.")]
    rows = rows_of(paper_view({}), [(evidence, project_view(None), TEXT)], [3.0])
    assert model.log_odds(np.array(rows)).tolist() == [-2.0 + 0.5 * 3.0]
    (found,) = judged(model, [evidence], rows)
    assert [piece.contribution for piece in found] == [2.0, -0.5]
