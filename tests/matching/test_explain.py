"""What a verdict hangs on: exactly the pieces that are named, no other, and how far the next candidate is."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.evidence import Evidence, log_odds
from matching.explain import explain, movable, odds_without, times_words
from matching.propose import Candidate, PaperFacts, Proposer
from matching.trees import Model
from tests.matching.test_propose import GRAMMAR, KEYWORDS, PROJECTS, RING, RING_PAPER, RULES, mentions
from tests.matching.test_ranking import MODEL

ACKNOWLEDGED = "\\acknowledgements This paper makes use of the following ALMA data: ADS/JAO.ALMA\\#2016.1.00202.S."
KINDS = ("pi", "co_is", "team", "targets", "title", "abstract", "observatory", "dates", "rivals", "stranger")


@dataclass(frozen=True)
class Case:
    """A candidate made up for a test."""

    project_code: str
    band: str
    evidence: tuple[Evidence, ...]


def piece(kind: str, contribution: float, value: float = 1.0) -> Evidence:
    """A piece of evidence that stands in the acknowledgements, where it is a code."""
    where = "acknowledgement" if kind == "code" else None
    return Evidence(kind, value, contribution, f"{kind}.", where=where)


def band_of(evidence: list[Evidence] | tuple[Evidence, ...]) -> str:
    """The band by the rules' own words: the sum against the thresholds, certain only with a code."""
    odds = math.fsum(one.contribution for one in evidence)
    has_code = any(one.kind == "code" for one in evidence)
    is_older = any(one.kind == "dates" and float(one.value) <= -1 for one in evidence)
    if is_older and not has_code:
        odds = min(odds, RULES.weight("dates.before_most") - 1e-9)
    return RULES.band(1 / (1 + math.exp(-odds)), proven=has_code)


@st.composite
def cases(draw: st.DrawFn, code: str = "2016.1.00001.S") -> Case:
    """Candidates of every band below the limit, those from before the observations among them."""
    kinds = draw(st.lists(st.sampled_from(KINDS), unique=True, max_size=6))
    size = st.floats(-5.0, 5.0).map(lambda x: round(x, 3))
    years = st.sampled_from([-3.0, -1.0, 0.0, 2.0])
    found = [piece("prior", draw(st.floats(-8.0, -2.0)))]
    found += [piece(kind, draw(size), draw(years) if kind == "dates" else 1.0) for kind in kinds]
    if draw(st.booleans()):
        found.append(piece("code", draw(st.floats(3.5, 6.9)) - found[0].contribution))
    held = RULES.weight("dates.before_most") - 0.01
    total = math.fsum(one.contribution for one in found)
    if total > held and band_of(found) == "unlikely":  # the matcher lowers the date's contribution so
        found = [
            replace(one, contribution=one.contribution + held - total) if one.kind == "dates" else one for one in found
        ]
    return Case(code, band_of(found), tuple(found))


def without(case: Case, places: tuple[int, ...]) -> list[Evidence]:
    """The evidence that is left."""
    return [one for i, one in enumerate(case.evidence) if i not in places]


@given(cases())
def test_what_is_named_crosses_and_nothing_else_does(case: Case) -> None:
    """A piece is named exactly when the rest, summed and held against the thresholds, is of another band."""
    (told,) = explain([case], RULES)
    named = {change.places[0]: change.band for change in told.alone}
    for place in movable(case.evidence):
        left = band_of(without(case, (place,)))
        assert named.get(place, case.band) == left
    for change in told.alone:
        assert change.log_odds == pytest.approx(odds_without(case.evidence, change.places, RULES), abs=1e-9)
    assert set(named) <= set(movable(case.evidence))


@given(cases())
def test_together_are_the_fewest_that_cross(case: Case) -> None:
    """Where no single piece decides, the pieces named do together, and no smaller set does in that direction."""
    (told,) = explain([case], RULES)
    if told.alone:
        assert told.together is None
        return
    sign = -1 if case.band == "unlikely" else 1
    moving = [i for i in movable(case.evidence) if sign * case.evidence[i].contribution > 0]
    enough = [
        places
        for count in range(1, len(moving) + 1)
        for places in itertools.combinations(moving, count)
        if band_of(without(case, places)) != case.band
    ]
    if told.together is None:
        assert not enough
    else:
        assert band_of(without(case, told.together.places)) == told.together.band != case.band
        assert len(told.together.places) == len(enough[0])


@given(st.lists(cases(), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_candidates_and_evidence_changes_nothing(found: list[Case], shuffle: object) -> None:
    """Shuffled, each candidate is told the same, but which of two equal ones is next."""
    named = [replace(case, project_code=f"P{i}") for i, case in enumerate(found)]
    order = list(range(len(named)))
    shuffle.shuffle(order)  # type: ignore[attr-defined]
    told = explain(named, RULES)
    again = explain([replace(named[i], evidence=tuple(reversed(named[i].evidence))) for i in order], RULES)
    for place, i in enumerate(order):
        assert again[place].log_odds == told[i].log_odds == pytest.approx(log_odds(named[i].evidence), abs=1e-9)
        assert again[place].runner_up.apart == told[i].runner_up.apart
        names = {named[i].evidence[c.places[0]].kind for c in told[i].alone}
        kinds = tuple(reversed(named[i].evidence))
        assert names == {kinds[c.places[0]].kind for c in again[place].alone}


@given(cases("A"), cases("B"))
def test_two_candidates_are_as_far_apart_from_both_sides(first: Case, second: Case) -> None:
    """Each is the other's runner-up; what one is ahead, the other is behind."""
    one, other = explain([first, second], RULES)
    assert (one.runner_up.project_code, other.runner_up.project_code) == ("B", "A")
    assert one.runner_up.apart is not None
    assert other.runner_up.apart is not None
    assert one.runner_up.apart == pytest.approx(-other.runner_up.apart, abs=1e-9)
    assert one.runner_up.apart == pytest.approx(log_odds(first.evidence) - log_odds(second.evidence), abs=1e-9)


def test_the_runner_up_is_said_in_plain_words() -> None:
    """How many times lower or higher the odds are; as likely where they hardly differ; alone when alone."""
    best = Case("A", "likely", (piece("prior", -8.0), piece("pi", 8.0 + math.log(40))))
    next_best = Case("B", "likely", (piece("prior", -8.0), piece("pi", 8.0)))
    told = explain([best, next_best], RULES)
    assert told[0].runner_up.sentence == "Next is B (likely); its odds are 40 times lower."
    assert told[1].runner_up.sentence == "A (likely) is ahead; its odds are 40 times higher."
    assert explain([best, replace(best, project_code="C")], RULES)[0].runner_up.sentence == (
        "C (likely) is about as likely."
    )
    alone = explain([best], RULES)[0].runner_up
    assert (alone.project_code, alone.apart, alone.sentence) == (None, None, "No other project came near.")
    assert explain([], RULES) == []


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(1.2, "1.2"), (2.0, "2"), (9.96, "10"), (40.4, "40"), (12345.0, "12,000"), (2e6, "more than a million")],
)
def test_ratios_are_said_to_two_digits(ratio: float, words: str) -> None:
    """No ratio pretends to be exact."""
    assert times_words(ratio) == words


# -- on real candidates -----------------------------------------------------------------------------------------------


def proposed(paper: PaperFacts, text: str = "", model: Model | None = None) -> list[Candidate]:
    """What the real matcher proposes, by the rules or by a learned model."""
    return Proposer(PROJECTS, RULES, GRAMMAR, KEYWORDS, model).propose(paper, mentions(text) if text else ())


@pytest.mark.parametrize("model", [None, MODEL], ids=["rules", "model"])
@pytest.mark.parametrize("text", ["", ACKNOWLEDGED], ids=["record", "code"])
@pytest.mark.parametrize("year", [2018, 2012])
def test_with_nothing_taken_away_the_odds_are_those_shown(text: str, year: int, model: Model | None) -> None:
    """The limit and the hold on early papers, worked out anew, are what the matcher made of them."""
    found = proposed(replace(RING_PAPER, year=year), text, model)
    assert found
    for candidate, told in zip(found, explain(found, RULES), strict=True):
        assert odds_without(candidate.evidence, (), RULES) == pytest.approx(told.log_odds, abs=1e-9)
        assert candidate.score == pytest.approx(1 / (1 + math.exp(-told.log_odds)), abs=1e-12)


def test_a_certain_one_hangs_on_its_code() -> None:
    """Without the printed code it would not be certain, and the sentence says so."""
    text = ACKNOWLEDGED.replace("2016.1.00202.S", RING.code)
    (found,) = [c for c in proposed(RING_PAPER, text) if c.band == "certain"]
    (told,) = explain([found], RULES)
    assert "code" in {found.evidence[change.places[0]].kind for change in told.alone}
    assert any("the printed code" in sentence for sentence in told.would_change)


def test_a_likely_one_needs_a_printed_code_to_be_certain() -> None:
    """What would make it certain is a code where data are acknowledged; printed there, it is certain indeed."""
    found = next(c for c in proposed(RING_PAPER) if c.project_code == RING.code)
    assert found.band == "likely"
    (told,) = explain([found], RULES)
    assert "Its code in the acknowledgements would make it certain." in told.would_change
    text = ACKNOWLEDGED.replace("2016.1.00202.S", RING.code)
    assert next(c for c in proposed(RING_PAPER, text) if c.project_code == RING.code).band == "certain"


@pytest.mark.parametrize("year", [2012, 2018])
@pytest.mark.parametrize("number", range(len(PROJECTS)))
def test_what_a_code_would_do_is_never_promised_too_high(year: int, number: int) -> None:
    """For every project the band that a printed code is said to give is at most the band it gives."""
    paper, code = replace(RING_PAPER, year=year), PROJECTS[number].code
    with_code = next(c for c in proposed(paper, ACKNOWLEDGED.replace("2016.1.00202.S", code)) if c.project_code == code)
    order = ("unlikely", "likely", "certain")
    for found in proposed(paper):
        if found.project_code == code:
            (told,) = explain([found], RULES)
            promised = [s for s in told.would_change if s.startswith("Its code in")]
            for sentence in promised:
                assert order.index(sentence.split()[-1].rstrip(".")) <= order.index(with_code.band)


def test_an_early_paper_hangs_on_its_date_alone() -> None:
    """Published before the data were taken, only the date and no other reason is named."""
    found = next(c for c in proposed(replace(RING_PAPER, year=2012)) if c.project_code == RING.code)
    (told,) = explain([found], RULES)
    assert {found.evidence[change.places[0]].kind for change in told.alone} == {"dates"}
    assert told.would_change[0] == "Were it not for the paper being older than the data, it would be likely."


def test_what_is_missing_most_is_named_for_an_unlikely_one() -> None:
    """A project that shares only people lacks a target in common first of all."""
    case = Case("A", "unlikely", (piece("prior", -8.0), piece("pi", 4.0), piece("co_is", 2.0), piece("title", -0.7)))
    (told,) = explain([case], RULES)
    assert told.would_change[0] == "Even without all that speaks against it, it would be unlikely."
    assert "Missing most: the shared target, which alone could make it likely." in (told.would_change)


def test_very_strong_candidates_are_still_told_apart() -> None:
    """Two candidates far beyond the limit have other log-odds, and the runner-up says how far apart they are."""
    weak = Case(
        "A", "likely", (piece("prior", -8.0), piece("pi", 33.0), piece("limit", 24.0 - 4 * math.exp(-1.25) - 25))
    )
    strong = Case(
        "B", "likely", (piece("prior", -8.0), piece("pi", 35.0), piece("limit", 24 - 4 * math.exp(-1.75) - 27))
    )
    told = explain([strong, weak], RULES)
    assert told[0].log_odds > told[1].log_odds + 0.1
    assert told[0].runner_up.sentence == "Next is A (likely); its odds are 1.6 times lower."


def test_where_nothing_speaks_against_it_too_little_speaks_for_it() -> None:
    """An unlikely candidate without a reason against it is told as such, with what is missing."""
    (told,) = explain([Case("A", "unlikely", (piece("prior", -8.0), piece("co_is", 2.0)))], RULES)
    assert told.would_change[0] == "Nothing speaks against it, but too little for it."
    assert told.alone == ()
    assert told.together is None


def test_a_mere_mention_proves_nothing() -> None:
    """A code printed as a mention does not make certain, whatever is taken away; a code for use would."""
    mention = replace(piece("code", 8.0 + RULES.weight("code.mention")), value="A")
    case = Case("A", "likely", (piece("prior", -8.0), mention, piece("pi", 3.0), piece("dates", -0.6)))
    (told,) = explain([case], RULES)
    assert {change.band for change in told.alone} == {"unlikely"}
    assert "Its code in the acknowledgements would make it certain." in told.would_change
