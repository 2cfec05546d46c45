"""Sentences that name the observatory: what they are taken to say, with offsets that lead to the words."""

from __future__ import annotations

import importlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biblio.observatory import load
from matching.keywords import Keywords
from matching.phrases import MOST_PER_KIND, Phrase, PhraseTable, RelationError, most_telling, pattern_of
from matching.relation import RelationRules
from tests.counting import calls_of
from tests.matching.test_shortcuts import unbounded

PARSER: Any = importlib.import_module("re._parser")  # it alone reads patterns as Python does


def rules_of(name: str) -> RelationRules:
    """The shipped rules of an observatory."""
    profile = load(name)
    return RelationRules.from_plain(profile.relation, Keywords.from_plain(profile.keywords))


ALMA, ESO = rules_of("alma"), rules_of("eso")


def kinds(text: str, rules: RelationRules = ALMA, **more: Any) -> set[str]:
    """The kinds of what a text says."""
    return {phrase.kind for phrase in rules.find(text, **more).phrases}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("This paper makes use of the following ALMA data: ADS/JAO.ALMA#2013.1.00092.S.", "statement"),
        ("Facilities: HST, ALMA, VLA.", "facility"),
        ("\\documentclass{aa}\nWords of prose.\n\\facilities{VLA, ALMA (Band 6)}\n", "facility"),
        ("We observed the disc with ALMA in Band 6 at 1.3 mm.", "own_data"),
        ("We present new high-resolution ALMA observations of the ring at 230 GHz.", "own_data"),
        ("We use archival ALMA data at 345 GHz.", "archival"),
        ("We retrieved the visibilities from the ALMA Science Archive.", "archival"),
        ("The disc was observed with ALMA at 1.3 mm.", "passive"),
        ("The ring was observed with ALMA at 1.3 mm (Fictional et al. 2015).", "others"),
        ("The ring was observed with ALMA at 1.3 mm \\citep{fictional15}.", "others"),
        ("The ring was previously observed with ALMA at 1.3 mm.", "others"),
        ("Rings as seen by Fictional et al. (2015) with ALMA at 1.3 mm are common.", "others"),
        ("Future observations with ALMA at 1.3 mm will settle this.", "future"),
        ("The lines will be observed with ALMA at 1.3 mm.", "future"),
        ("We propose ALMA observations at 345 GHz.", "future"),
        ("ALMA Band 6 receivers were designed and built for ALMA at 230 GHz.", "instrument"),
        ("Joint ALMA Observatory, Alonso de Córdova 3107, Vitacura, Santiago", "address"),
        ("ALMA is a partnership of ESO, NSF and NINS; the telescope stands high.", "boilerplate"),
        ("Support came from the ALMA-CONICYT fund 31130005.", "excluded"),
        ("Support came from ANID – ALMA grants.", "excluded"),
        ("He left his alma mater for Alma-Ata.", "excluded"),
    ],
)
def test_what_sentences_say(text: str, kind: str) -> None:
    """Use, others' use, announcements, addresses and namesakes are told apart."""
    assert kind in kinds(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Based on observations made with ESO telescopes at the La Silla Paranal Observatory.", "statement"),
        ("We observed the star with UVES at the VLT telescope.", "own_data"),
        ("ALMA is a partnership of ESO (representing its member states), with an archive.", "partner"),
        ("European Southern Observatory, Karl-Schwarzschild-Straße 2, Garching", "address"),
        ("The planet will be observed with the Very Large Telescope.", "future"),
    ],
)
def test_another_observatory_by_its_own_tables(text: str, kind: str) -> None:
    """The second profile says the same in its own names; another observatory's thanks are no use of its data."""
    found = kinds(text, ESO)
    assert kind in found
    if kind == "partner":
        assert not found & {"statement", "own_data"}


def test_a_mention_is_not_also_a_use() -> None:
    """Words belong to one phrase: "previously observed with" is not counted as "observed with" too."""
    found = [p for p in ALMA.find("It was previously observed with ALMA at 1.3 mm.").phrases if p.kind != "named"]
    assert [phrase.kind for phrase in found] == ["others"]


def test_sentences_are_read_apart() -> None:
    """What is announced in one sentence does not colour the next; "et al." ends none."""
    text = "Fictional et al. (2015) used ALMA at 1 mm. We observed it with ALMA at 3 mm. Future ALMA data will tell."
    assert [p.kind for p in ALMA.find(text).phrases] == ["others", "own_data", "future"]


def test_the_reference_list_counts_for_little() -> None:
    """A name in the list of references is listed, is no phrase, and is not counted as a place that names us."""
    text = "\n\nReferences\n\nFictional A., 2015, ApJ, 1, 2: We observed rings with ALMA at 1.3 mm\n"
    found = ALMA.find("Some words. " * 20 + text)
    assert {p.kind for p in found.phrases} == {"listed"}
    assert found.named == 0


def test_what_is_struck_out_says_nothing() -> None:
    """A TeX comment is no part of the paper."""
    text = "\\documentclass{aa}\\begin{document}\nWords.\n% We observed it with ALMA at 1.3 mm\n\\end{document}"
    assert ALMA.find(text, markup="tex").phrases == ()


def test_a_macro_that_prints_our_name() -> None:
    """Authors call us by a macro of their own; where it stands, we are named, and the quote is what they wrote."""
    text = "\\documentclass{aa}\\newcommand{\\us}{ALMA\\xspace}\\begin{document}We observed the ring with \\us{} in Band 6.\n"
    (phrase,) = [p for p in ALMA.find(text, markup="tex").phrases if p.kind == "own_data"]
    assert phrase.printed.startswith("observed the ring with \\us")
    assert text[phrase.start : phrase.end] == phrase.printed


def test_a_heading_on_an_earlier_page_holds() -> None:
    """The last page of a list of references begins without a heading of its own."""
    before = "Words. " * 400 + "\n\nReferences\n\n" + "Fictional A., 2015, ApJ, 1, 2\n" * 30
    assert kinds("We observed rings with ALMA at 1.3 mm\n", before=before) == {"listed"}


def test_a_title_may_be_about_the_telescope_without_its_name() -> None:
    """Words of engineering count in a title that does not name the observatory, and only there."""
    assert kinds("Phase correction with water vapour radiometers", field="title") == {"instrument_title"}
    assert kinds("Phase correction with water vapour radiometers", field="abstract") == set()


def test_a_lonely_short_name_is_doubtful() -> None:
    """A text that names us only by a word that may mean something else is not said to name us."""
    found = ALMA.find("The moods follow the ALMA model of affect.")
    assert ({p.kind for p in found.phrases}, found.named) == ({"doubtful"}, 0)


PIECES = [
    "We observed ", "with ALMA ", "ALMA data ", "at 1.3 mm ", "(Fictional et al. 2015) ", ". ", "\n\n", "\\citep{a,b} ", "future ",
    "<p>", "</p>", "<ref>", "&amp;", "\\footnote{", "}", "%", "\n% ", "\0", "\x02", "é", "alma mater ", "ALMA-CONICYT ", "\nReferences\n",
    "\\alma ", "Acknowledgements\n", "makes use of the following ", "our ", "the ", "~", "--", "\u200b", "Atacama Large Millimeter ",
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from(["auto", "tex", "xml", "text"]))
def test_offsets_point_at_the_quote(text: str, markup: str) -> None:
    """Whatever is found is printed at its offsets, in any text of any format."""
    for phrase in ALMA.find(text, markup=markup).phrases:
        assert 0 <= phrase.start < phrase.end <= len(text)
        assert text[phrase.start : phrase.end] == phrase.printed


def test_few_of_a_kind_are_kept_whatever_their_order() -> None:
    """Of each kind the most telling are kept: those that stand where they count most."""
    phrases = [Phrase("own_data", n, n + 1, "x", "body") for n in range(50)]
    phrases += [Phrase("own_data", 900 + n, 901 + n, "x", "acknowledgement") for n in range(2)]
    phrases += [Phrase("named", n, n + 1, "x", "body") for n in range(3)]
    kept = most_telling(phrases, ALMA.places)
    assert [p.start for p in kept if p.kind == "own_data"] == [0, 1, 900, 901]
    assert len([p for p in kept if p.kind == "own_data"]) == MOST_PER_KIND
    random.Random(1).shuffle(phrases)
    assert most_telling(phrases, ALMA.places) == kept


# -- no text and no table makes it slow -------------------------------------------------------------------------------


def patterns() -> list[tuple[str, str, int]]:
    """Every pattern by which phrases and names are looked for, as text and flags."""
    found = []
    for name, rules in (("alma", ALMA), ("eso", ESO)):
        finder = rules.finder
        some = [(t.key, t.pattern) for t in rules.tables.values()]
        some += [("names", finder._names), ("own", finder._own), ("cite", finder._cite)]
        words = finder.keywords
        some += [("phrases", words.phrases), ("exclusions", words.exclusions)]
        some += [(f"word {n}", one) for n, a in enumerate(words.ambiguous) for one in (a.word, a.company)]
        found += [(f"{name} {key}", p.pattern, p.flags) for key, p in some if p is not None]
    return found


@pytest.mark.parametrize(("name", "pattern", "flags"), patterns(), ids=[name for name, _, _ in patterns()])
def test_every_pattern_is_bounded(name: str, pattern: str, flags: int) -> None:
    """No phrase of a profile can be made to look at more than a bounded stretch: time is linear in the text."""
    assert list(unbounded(PARSER.parse(pattern, flags))) == []


def work(text: str) -> int:
    """How many functions are called to read the text."""
    return calls_of(lambda: ALMA.find(text))


@pytest.mark.parametrize(
    "piece", ["ALMA data we ", "ALMA. We ", "<p>ALMA data", "\\cite{ALMA data", "future ALMA mm ", "alma mater "]
)
def test_work_grows_no_faster_than_the_text(piece: str) -> None:
    """Twice and four times a hostile text cost at most about twice and four times the work."""
    once, twice, four = (work(piece * (size // len(piece))) for size in (2_000, 4_000, 8_000))
    assert twice <= 2.6 * once + 500
    assert four <= 2.6 * twice + 500


# -- tables that cannot be used ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["{few} {us}", "observed {few}", "{we} saw {us}", "{us"])
def test_a_phrase_that_cannot_be_read_is_refused(words: str) -> None:
    """A phrase begins and ends with a word, and knows four signs."""
    with pytest.raises(RelationError, match="must begin and end"):
        pattern_of(words, "use")


@pytest.mark.parametrize(
    "change", [{"weight": -1}, {"weight": True}, {"words": "x"}, {"speaks_for": ""}, {"colour": "red"}, {"key": 1}]
)
def test_a_bad_table_is_refused(change: dict[str, Any]) -> None:
    """A wrong value is named."""
    plain = {"key": "use", "speaks_for": "science", "weight": 1.0, "sentence": "Used.", "words": ["saw {us}"]}
    assert PhraseTable.from_plain(plain).pattern is not None
    with pytest.raises(RelationError, match="relation"):
        PhraseTable.from_plain({**plain, **change})
