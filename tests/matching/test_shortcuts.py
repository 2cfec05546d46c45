"""What makes the code finder fast changes nothing it finds, and no pattern or input makes it slow."""

from __future__ import annotations

import importlib
import random
import re
import re._constants as sre  # the parser of the standard library is the only one that reads patterns as Python does
import re._parser as parser
import tomllib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from biblio.observatory import available
from matching import codes as codes_module
from matching import text as text_module
from matching.anchors import anchor_patterns, crumbled_pattern
from matching.codes import CodeFinder, Grammar, Mention, Registry
from matching.damage import ShapeReader
from matching.elided import NumberReader, has_items, item_pattern
from matching.forms import skeleton
from matching.sections import Places
from tests.counting import calls_of


def grammar_of(observatory: str) -> Grammar:
    """The grammar of a shipped profile."""
    with (available()[observatory] / "profile.toml").open("rb") as file:
        return Grammar.from_plain(tomllib.load(file)["codes"])


ALMA, ESO = grammar_of("alma"), grammar_of("eso")
CHANCE = random.Random(20261122)
KNOWN = sorted(
    {
        f"{CHANCE.choice(['2011.0', '2013.1', '2016.1', '2016.2', '2017.A'])}.{CHANCE.randint(1, 900):05d}.{CHANCE.choice('SSSSTLV')}"
        for _ in range(400)
    }
)
REGISTRY = Registry(ALMA, KNOWN)
PIECES = [
    "\n", "-\n", " ", ".", ",", "#", "O", "l", "5", "x", "\u200b", "<i>", "&#46;", "\\", "{", "%", "(", "0", " and ",
    ", #", "project ", "ALMA ", "ALMA#", "ADS/JAO.ALMA\\#", "12:34:05.123 ", "2015.07.12 ", " 345.796 GHz ", "$", "~",
    "\n\nReferences\n", "\nAcknowledgements\n", "We thank ", "was proposed in ", "makes use of ", " data ", "2014.1.045 ",
    "doi:10.1051/0004-6361/201527613 ", "201X.1.XXXXX.S ", "\r\n", "  ", "\t", "é", "２", " & ", "…", "word ",
]  # fmt: skip


@st.composite
def damaged_codes(draw: st.DrawFn) -> str:
    """A listed code with at most three slips."""
    signs = list(draw(st.sampled_from(KNOWN)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(signs) - 1))
        slip = draw(st.sampled_from(["replace", "drop", "put", "double"]))
        if slip == "replace":
            signs[place] = draw(st.sampled_from("0123456789ASTVLODQlI|BGZ.,-·–_ x"))
        elif slip == "drop":
            signs[place] = ""
        else:
            signs[place] += signs[place] if slip == "double" else draw(st.sampled_from(PIECES))
    return "".join(signs)


TEXTS = st.lists(st.one_of(damaged_codes(), st.sampled_from(PIECES), st.just("some words of prose ")), max_size=16).map(
    "".join
)


def the_slow_way(text: str, registry: Registry | None) -> list[Mention]:
    """The mentions when nothing is passed over because it looks plain or hopeless, by a finder that remembers nothing."""
    fresh = None if registry is None else Registry(ALMA, KNOWN)
    with (
        mock.patch.object(text_module, "is_plain", return_value=False),
        mock.patch.object(Registry, "may_hold", return_value=True),
        mock.patch.object(codes_module, "_ITEM_LENGTH", 1_000_000),
    ):
        return CodeFinder(ALMA, fresh).find(text)


@pytest.mark.parametrize("registry", [REGISTRY, None])
def test_shortcuts_find_the_same(registry: Registry | None) -> None:
    """Over random damaged texts, passing over what is plain or hopeless gives the same mentions as reading all."""
    finder = CodeFinder(ALMA, registry)

    @settings(max_examples=150, deadline=None)
    @given(TEXTS)
    def same(text: str) -> None:
        assert finder.find(text) == the_slow_way(text, registry)

    same()


@given(st.one_of(damaged_codes(), st.text(alphabet="0123456789ASTVL.", max_size=16)))
def test_codes_one_edit_away_are_those_of_a_full_comparison(written: str) -> None:
    """Comparing only what shares a beginning or an end misses no code one edit away."""
    near = set(REGISTRY.neighbours(written).near)
    assert near == {code for code in KNOWN if OSA.distance(skeleton(code), skeleton(written)) == 1}


@given(st.data())
def test_a_quick_look_passes_over_no_code_one_edit_away(data: st.DataObject) -> None:
    """What stretch may hold a listed code is never denied, however short the codes of an observatory are."""
    registry = Registry(ESO, ["108.22GP.001", "108.22GP", "60.A-9022(A)", "0102.B-0553(A)", "097.C-0498"])
    signs = list(data.draw(st.sampled_from(sorted(registry))))
    place = data.draw(st.integers(0, len(signs) - 1))
    slip = data.draw(st.sampled_from(["drop", "double", "replace", "swap"]))
    if slip == "swap":
        signs[place : place + 2] = signs[place : place + 2][::-1]
    else:
        signs[place] = {"drop": "", "double": signs[place] * 2, "replace": data.draw(st.sampled_from("0379XKM"))}[slip]
    written = "".join(signs)
    plain = skeleton(written)  # free zeros may be printed or not
    near = {
        code
        for code in registry
        if min(OSA.distance(spelled, plain) for spelled in (skeleton(code), registry.key(code))) == 1
    }
    assert near == set(registry.neighbours(written).near)
    assert not near or registry.may_hold(f"programme {written} of")


@given(st.lists(TEXTS, min_size=2, max_size=4))
def test_what_was_read_before_changes_nothing(texts: list[str]) -> None:
    """A finder gives the same for a text whatever it has read before."""
    warm = CodeFinder(ALMA, REGISTRY)
    for text in texts:
        warm.find(text)
    assert [warm.find(text) for text in texts] == [CodeFinder(ALMA, Registry(ALMA, KNOWN)).find(text) for text in texts]


@given(
    st.lists(st.sampled_from([*PIECES, "Results\n", "\n2. Observations\n", "words " * 400]), max_size=40).map("".join)
)
def test_sections_asked_in_order_are_those_asked_alone(text: str) -> None:
    """What is remembered of a paper from one passage to the next changes no section."""
    positions = range(0, len(text), 97)
    places = Places(text, "text")
    assert [places.where(position) for position in positions] == [
        Places(text, "text").where(position) for position in positions
    ]


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every pattern that reads a stranger's text, by name."""
    for module in ("text", "sections", "windows", "breaks", "elided", "damage", "forms", "grammar", "codes"):
        for name, value in vars(importlib.import_module(f"matching.{module}")).items():
            for pattern in value if isinstance(value, tuple | list) else [value]:
                if isinstance(pattern, re.Pattern):
                    yield f"{module}.{name}", pattern
    for markup in ("tex", "xml", "text", "auto"):
        yield f"text._pattern({markup})", text_module._pattern(markup)
    for name, grammar in (("alma", ALMA), ("eso", ESO)):
        for named in (False, True):
            yield from ((f"{name} anchor", pattern) for pattern in anchor_patterns(grammar, named=named))
        if (crumbled := crumbled_pattern(grammar)) is not None:
            yield f"{name} crumbled", crumbled
        for form in grammar.forms:
            yield f"{name} {form.name}", form.whole
            yield f"{name} {form.name}", form.canonical_anywhere
            if has_items(form):
                yield f"{name} {form.name} item", item_pattern(form)
        for word in ("before_code", "just_before_code", "marked_prefix", "project_word", "number_word"):
            yield f"{name} {word}", getattr(grammar, word)
        yield from ((f"{name} reject", pattern) for pattern in grammar.rejects)
        yield from ((f"{name} shape", pattern) for _, pattern in ShapeReader(grammar)._forms)
        yield from ((f"{name} number", pattern) for _, pattern in NumberReader(grammar)._forms)


def unbounded(parsed: Any, *, goes_on: bool = False) -> Iterator[str]:
    """Repeats without an upper bound after which something may fail, so that they are tried over and over."""
    items = list(parsed)
    for place, (operation, value) in enumerate(items):
        more = goes_on or place + 1 < len(items)
        if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _, most, inner = value
            if most == sre.MAXREPEAT and more and operation is not sre.POSSESSIVE_REPEAT:
                yield str(inner)
            yield from unbounded(inner, goes_on=more or (most > 1 and operation is not sre.POSSESSIVE_REPEAT))
        elif operation is sre.SUBPATTERN:
            yield from unbounded(value[3], goes_on=more)
        elif operation is sre.BRANCH:
            for branch in value[1]:
                yield from unbounded(branch, goes_on=more)
        elif operation in (sre.ASSERT, sre.ASSERT_NOT):
            yield from unbounded(value[1])


PATTERNS = [*patterns()]


@pytest.mark.parametrize(("name", "pattern"), PATTERNS, ids=[f"{n} {name}" for n, (name, _) in enumerate(PATTERNS)])
def test_every_pattern_is_bounded(name: str, pattern: re.Pattern[str]) -> None:
    """No pattern can be made to look at more than a bounded stretch again and again: time is linear in the text."""
    assert list(unbounded(parser.parse(pattern.pattern, pattern.flags))) == [], name


def test_an_unbounded_pattern_would_be_seen() -> None:
    """The check itself finds the classical traps, and passes what is harmless."""
    for trap in (r"(a+)+b", r"\s*x", r"(?:a|b)*?c", r"(?:\w+\s){2}"):
        assert list(unbounded(parser.parse(trap))), trap
    for harmless in (r"a{1,9}b", r"[a-z]+", r"\s++x"):
        assert not list(unbounded(parser.parse(harmless))), harmless


def work(text: str, grammar: Grammar = ALMA, known: tuple[str, ...] = tuple(KNOWN)) -> int:
    """How many functions are called to read the text."""
    finder = CodeFinder(grammar, Registry(grammar, known))
    return calls_of(lambda: finder.find(text))


@pytest.mark.parametrize(
    "piece",
    [
        "2013.1.00123.S ",
        "2013.1.0x123.S ",
        "ALMA#2013.1.0012",
        "2013.1.\n",
        "2013.1. & ",
        "ADS/JAO.ALMA#",
        "ALMA 1 2 3 ",
        "project 12 ALMA ",
        "2013.1.00123.S, #00124.S",
        "20\n",
        "&amp;#46;",
        "\\u002e",
        "\\footnote{2013.1.00123.S",
        "<sec>2013.1.00123.S",
        "\nReferences\n2013.1.00123.S ",
        ".S 1.S",
        "2013)\n00123.S\n",
    ],
)
def test_work_grows_no_faster_than_the_text(piece: str) -> None:
    """Twice and four times a hostile text cost at most about twice and four times the work."""
    once, twice, four = (work(piece * (size // len(piece))) for size in (5_000, 10_000, 20_000))
    assert twice <= 2.6 * once + 500
    assert four <= 2.6 * twice + 500


@pytest.mark.parametrize(
    "piece",
    ["ESO ", "ESO 108.2", "ESO 0<0", "programme 0A ", "0102.B-0553(A)", "0102.B-\n", "108.22GP.", "60&A%2D", "(("],
)
def test_work_for_codes_with_nothing_fixed_grows_no_faster_than_the_text(piece: str) -> None:
    """The same for an observatory whose codes are looked for after its names."""
    known = ("0102.B-0553(A)", "60.A-9022(A)", "108.22GP.001", "097.C-0498")
    once, twice, four = (work(piece * (size // len(piece)), ESO, known) for size in (5_000, 10_000, 20_000))
    assert twice <= 2.6 * once + 500
    assert four <= 2.6 * twice + 500


@pytest.mark.parametrize(
    "text", ["", " ", "2", "\n", "\x00", "\ud800", "\ufffe", "%", "&", "<", "\\", "ALMA", "#", "2013"]
)
def test_next_to_nothing_holds_no_code(text: str) -> None:
    """The empty text and single characters, a lone surrogate among them, give nothing and raise nothing."""
    for grammar in (ALMA, ESO):
        assert CodeFinder(grammar, Registry(grammar, [])).find(text) == []
        assert CodeFinder(grammar, None).find(text * 50) == []


def test_surrogates_around_a_code_do_no_harm() -> None:
    """A text decoded with errors kept as surrogates is read as any other, offsets and all."""
    text = "\udcff\ud800 ALMA \udce9 data: ADS/JAO.ALMA#" + KNOWN[0] + "\udfff."
    (mention,) = CodeFinder(ALMA, REGISTRY).find(text)
    assert (mention.code, text[mention.start : mention.end]) == (KNOWN[0], KNOWN[0])


@pytest.mark.parametrize("size", [0, 1, 200_000])
def test_registries_of_any_size(size: int) -> None:
    """With no code, one, and two hundred thousand, duplicates among them, whole and damaged codes are read alike."""
    listed = [f"{2011 + place % 12}.1.{place // 12 + 1:05d}.S" for place in range(size)]
    registry = Registry(ALMA, listed + listed[:50] + [f" {code} " for code in listed[:50]])
    assert len(registry) == size
    finder = CodeFinder(ALMA, registry)
    (mention,) = finder.find("This paper makes use of the following ALMA data: ADS/JAO.ALMA#2011.1.00001.S.")
    assert (mention.code, mention.certain) == ("2011.1.00001.S", size > 0)
    (mention,) = finder.find("This paper makes use of the following ALMA data: ADS/JAO.ALMA#2011.1.OOOO1.S.")
    assert (mention.code, mention.certain) == ("2011.1.00001.S", size > 0)
    (mention,) = finder.find("This paper makes use of the following ALMA data: ADS/JAO.ALMA#2011.1.99999.S.")
    assert (mention.code, mention.certain, mention.in_registry) == ("2011.1.99999.S", False, False)
