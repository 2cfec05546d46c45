"""How a paper relates to the observatory: golden pairs, exact sums, and nothing claimed where little was read."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Mention
from matching.keywords import Keywords
from matching.phrases import Phrase
from matching.relation import Proposal, RelationError, RelationRules, TextRead, judge

PROFILE = load("alma")
KEYWORDS = Keywords.from_plain(PROFILE.keywords)
RULES = RelationRules.from_plain(PROFILE.relation, KEYWORDS)
FINDER = CodeFinder(Grammar.from_plain(PROFILE.codes), None)
FILLER = "The gas of the galaxy rotates, and its mass follows from the curve we fit to it. " * 150
"""Prose as long as a short paper, which names no telescope."""


def full(text: str, *, title: str = "", record: tuple[str, ...] = ()) -> Proposal:
    """The proposal for a paper whose full text is prose and then these words."""
    whole = FILLER + "\n\n" + text
    found = RULES.find(whole)
    phrases = (*found.phrases, *RULES.find(title, field="title").phrases)
    codes = tuple((mention, "", None) for mention in FINDER.find(whole))
    return judge(TextRead(phrases, len(whole), found.named, codes, record), RULES)


def short(title: str, abstract: str, record: tuple[str, ...] = ()) -> Proposal:
    """The proposal from a record alone."""
    phrases = (*RULES.find(title, field="title").phrases, *RULES.find(abstract, field="abstract").phrases)
    return judge(TextRead(phrases, record=record), RULES)


STATEMENT = (
    "Acknowledgements\n\nThis paper makes use of the following ALMA data: ADS/JAO.ALMA#2013.1.00092.S. ALMA is a partnership of "
    "ESO, NSF and NINS. The Joint ALMA Observatory is operated by ESO, AUI/NRAO and NAOJ."
)


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        (STATEMENT, "science"),
        ("We observed the ring with ALMA at 1.3 mm. Our ALMA data show gas. " * 3 + STATEMENT, "science"),
        ("The rings of Fictional et al. (2015), observed with ALMA at 1.3 mm, are like ours.", "mention"),
        ("Future observations with ALMA at 345 GHz will settle this question.", "mention"),
        ("These lines will be observed with ALMA in our accepted project at 230 GHz.", "mention"),
        ("References\n\nFictional A., 2015, ApJ, 1: ALMA observations of a ring at 230 GHz\n", "mention"),
        ("The first author thanks his alma mater.", "not_ours"),
        ("The conference in Alma-Ata was a pleasure.", "not_ours"),
        ("Acknowledgements\n\nA.B. acknowledges support from ALMA-CONICYT grant 31130005.", "not_ours"),
        ("Acknowledgements\n\nC.D. was supported by the ANID-ALMA fund 31200004.", "not_ours"),
        ("", "not_ours"),
    ],
)
def test_full_texts(text: str, relation: str) -> None:
    """Golden pairs: statements of use, others' data, plans, references, namesakes, grants, and no name at all."""
    assert full(text).relation == relation


def test_a_statement_of_use_is_certain_and_a_plan_never_is() -> None:
    """Certain is only what is said in so many words in a text that was read."""
    assert full(STATEMENT).band == "certain"
    assert full("Future observations with ALMA at 345 GHz will settle this question.").band == "likely"


def test_an_address_alone_proposes_no_science() -> None:
    """An author at the observatory's office has not used its data by that."""
    found = full("E. Fictional, Joint ALMA Observatory, Alonso de Córdova 3107, Vitacura, Santiago, Chile")
    assert found.relation in (None, "not_ours", "mention")
    assert found.scores["science"] < found.scores["not_ours"]


def test_papers_on_the_instrument() -> None:
    """A title on receivers and a journal of engineering speak for a paper on the telescope itself."""
    text = "The receivers were designed for ALMA and tested with the antennas. ALMA commissioning began."
    found = full(text, title="A Band 5 receiver for ALMA", record=("Proc. SPIE",))
    assert found.relation == "engineering"
    assert short("Design of a correlator", "It was built for ALMA, the array.", ("SPIE",)).relation == "engineering"


def test_little_text_claims_little() -> None:
    """An abstract that names us without saying whose data, or does not name us, proposes nothing and says why."""
    silent = short("The gas of a galaxy", "We model a rotating disc.")
    assert (silent.relation, silent.band) == (None, "open")
    assert "abstract alone" in silent.sentence
    named = short("The gas of a galaxy", "Telescopes and arrays (ALMA, NOEMA) have changed the field of discs.")
    assert (named.relation, named.band) == (None, "open")
    grant = short("The gas of a galaxy", "Paid by an ALMA-CONICYT grant.")
    assert (grant.relation, grant.leading) == (None, "not_ours")


def test_an_abstract_may_propose_but_is_never_certain() -> None:
    """Authors who say "we present ALMA observations" are believed, as likely."""
    found = short(
        "ALMA observations of a ring", "We present ALMA Band 6 observations. Our ALMA data at 1.3 mm show gas."
    )
    assert (found.relation, found.band) == ("science", "likely")


def test_a_passage_is_no_full_text() -> None:
    """From an acknowledgement by itself it does not follow that the paper names us nowhere else."""
    text = "We thank the ALMA-CONICYT fund."
    found = RULES.find(text)
    judged = judge(TextRead(found.phrases, len(text), found.named), RULES)
    assert judged.relation is None


def test_sums_are_exact() -> None:
    """Start and contributions of a relation sum to its score, the scores give the probability; every relation is there."""
    found = full(STATEMENT + " Future observations with ALMA at 345 GHz will tell.", title="ALMA sees a ring")
    for relation, score in found.scores.items():
        told = [r.contribution for r in found.reasons_for(relation)]
        assert math.fsum([found.start[relation], *told]) == pytest.approx(score, abs=1e-12)
    odds = sum(math.exp(s - found.scores[found.leading]) for s in found.scores.values())
    assert found.probability == pytest.approx(1 / odds, abs=1e-12)
    assert found.log_odds == pytest.approx(math.log(found.probability / (1 - found.probability)), abs=1e-9)
    assert set(found.scores) == {relation.key for relation in PROFILE.relations}


def test_reasons_quote_the_text() -> None:
    """Every reason of a sentence has its quote and its place, and words a librarian understands."""
    text = FILLER + STATEMENT
    found = RULES.find(text)
    judged = judge(TextRead(found.phrases, len(text), found.named), RULES)
    quoted = [r for r in judged.reasons if r.quote is not None]
    assert quoted
    for reason in quoted:
        assert reason.quote is not None
        assert text[reason.quote.start : reason.quote.end] == reason.quote.printed
        assert "{observatory}" in reason.sentence or reason.sentence.endswith(".")


# -- properties -------------------------------------------------------------------------------------------------------

WHERE = ["title", "abstract", "acknowledgement", "data_statement", "footnote", "body", "unknown"]
PHRASES = st.builds(
    lambda kind, start, where: Phrase(kind, start, start + 4, "ALMA", where),
    st.sampled_from(sorted(RULES.tables)),
    st.integers(0, 5_000),
    st.sampled_from(WHERE),
)
CODES = st.builds(
    lambda start, where, use: Mention(
        start, start + 14, "2013.1.00092.S", "2013.1.00092.S", True, True, (), where, use
    ),
    st.integers(0, 5_000),
    st.sampled_from([*WHERE, "references", "comment"]),
    st.sampled_from([True, False, None]),
)
READ = st.builds(
    lambda phrases, characters, named, codes: TextRead(
        tuple(phrases), characters, named, tuple((code, "main.tex", None) for code in codes)
    ),
    st.lists(PHRASES, max_size=30),
    st.sampled_from([0, 2_000, 60_000]),
    st.integers(0, 40),
    st.lists(CODES, max_size=5),
)
USE = sorted(key for key, table in RULES.tables.items() if table.speaks_for == "science")


@settings(max_examples=80, deadline=None)
@given(READ, st.randoms(use_true_random=False))
def test_order_changes_nothing(read: TextRead, chance: random.Random) -> None:
    """Phrases and codes in any order, or given twice, make the same proposal."""
    phrases, codes = [*read.phrases, *read.phrases[:3]], [*read.codes]
    chance.shuffle(phrases)
    chance.shuffle(codes)
    assert judge(TextRead(tuple(phrases), read.characters, read.named, tuple(codes)), RULES) == judge(read, RULES)


@settings(max_examples=80, deadline=None)
@given(READ, st.sampled_from(USE), st.sampled_from(WHERE))
def test_more_use_never_lowers_science(read: TextRead, kind: str, where: str) -> None:
    """A further phrase of use, in a place of its own, leaves the share of science as it is or raises it."""
    more = TextRead(
        (*read.phrases, Phrase(kind, 9_000, 9_004, "ALMA", where)), read.characters, read.named + 1, read.codes
    )
    before, after = judge(read, RULES), judge(more, RULES)
    assert after.scores["science"] >= before.scores["science"] - 1e-12

    def share(found: Proposal) -> float:
        most = max(found.scores.values())
        return math.exp(found.scores["science"] - most) / sum(math.exp(s - most) for s in found.scores.values())

    assert share(after) >= share(before) - 1e-12


@settings(max_examples=40, deadline=None)
@given(READ)
def test_what_is_kept_is_enough(read: TextRead) -> None:
    """The judgement on the few phrases kept of a text is the judgement on all of them."""
    kept = TextRead(RULES.kept(read.phrases), read.characters, read.named, read.codes)
    assert judge(kept, RULES) == judge(read, RULES)


# -- rules that cannot be used ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"names": []},
        {"more": 1},
        {"start": {"science": "x", "mention": 0}},
        {"start": {"mention": 0, "not_ours": 0}},
        {"often": [[0, 1.0], [3, 0.5]]},
        {"often": [[0]]},
        {"limits": {"next": 2.0, "likely": 0.7, "certain": 0.97, "whole_text": 1}},
        {"limits": {"next": 0.4, "likely": 0.9, "certain": 0.8, "whole_text": 1}},
        {"words": {"likely": "x"}},
        {"phrases": []},
        {"examples": [{"text": "x"}]},
        {"examples": [{"text": "x", "says": "wonder"}]},
    ],
)
def test_bad_rules_are_refused(change: dict[str, Any]) -> None:
    """A missing, unknown or impossible value is named instead of being left aside."""
    with pytest.raises(RelationError, match="relation"):
        RelationRules.from_plain({**PROFILE.relation, **change}, KEYWORDS)


def test_examples_are_held_to() -> None:
    """A profile whose examples are read otherwise than it says is refused, with what they say."""
    wrong = [{"text": "We observed it with ALMA at 1.3 mm.", "says": "future"}]
    with pytest.raises(RelationError, match="should say 'future'; it says own_data"):
        RelationRules.from_plain({**PROFILE.relation, "examples": wrong}, KEYWORDS).self_test()


def test_a_table_must_speak_for_a_relation_and_name_tables() -> None:
    """Phrases for a relation that is none, or that turn into a kind that is none, are refused."""
    for change in ({"speaks_for": "wonder"}, {"cited": "nowhere"}):
        tables = [{**table, **(change if table["key"] == "own_data" else {})} for table in PROFILE.relation["phrases"]]
        with pytest.raises(RelationError, match="own_data"):
            RelationRules.from_plain({**PROFILE.relation, "phrases": tables}, KEYWORDS)


@pytest.mark.parametrize("name", ["alma", "eso"])
def test_the_shipped_rules_are_sound(name: str) -> None:
    """Every shipped profile's tables can be used and speak for relations that a person can choose."""
    profile = load(name)
    rules = RelationRules.from_plain(profile.relation, Keywords.from_plain(profile.keywords))
    assert set(rules.start) == {relation.key for relation in profile.relations}
    assert rules.examples
    rules.self_test()
