"""Text repair: what is undone, and that every repaired character leads back to where it stood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.text import repair, tex_macros

PIECES = st.sampled_from(
    [
        "plain words ",
        "2013.1.00001.S",
        "\\#",
        "\\texttt{x}",
        "<i>",
        "</i>",
        "&amp;",
        "& #246 ;",
        "&nbsp;",
        "-\n",
        "\u00ad\n",
        "\u200b",
        "Â·",
        "â€“",
        "ﬁ",
        "\r\n",
        "~",
        "{",
        "}",
        "$",
        "\\",
        "%",
        "%\n",
        "\x00",
        "😀",
        "\\cdot",
        "\\-",
        "<!-- note -->",
        "１",
        "²",
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join))


@pytest.mark.parametrize(
    ("damaged", "readable"),
    [
        ("ADS/JAO.ALMA\\#2013.1.00123.S", "ADS/JAO.ALMA#2013.1.00123.S"),
        ("2013.1.00-\n   123.S", "2013.1.00123.S"),
        ("2013.1.00\u00ad\r\n123.S", "2013.1.00123.S"),
        ("2013.1.00\x02\r\n123.S", "2013.1.00123.S"),
        ("2013.1.\n00123.S", "2013.1. 00123.S"),
        ("2013\u200b.1.\ufeff00123.S", "2013.1.00123.S"),
        ("2013.\u00a01.\u202f00123.S", "2013. 1. 00123.S"),
        ("\\texttt{2013.1.\\-00123.S}", "2013.1.00123.S"),
        ("2013$\\cdot$1", "2013·1"),
        ("2013.1.%\n    00123.S", "2013.1.00123.S"),
        ("\\symbol{35}2013", "#2013"),
        ("<b>2013</b>.1.<ext-link xlink:href='http://x.org/a?b=1'>00123</ext-link>.S", "2013.1.00123.S"),
        ("2013&#46;1&#x2E;00123&period;S", "2013.1.00123.S"),
        ("B & #246 ; hm", "B ö hm"),
        ("2013Â·1Â·00123Â·S", "2013·1·00123·S"),
        ("2013â€“1", "2013–1"),
        ("eﬃcient ﬁts", "efficient fits"),
        ("２０１３.１", "2013.1"),
        ("2013.1.00123.S²", "2013.1.00123.S²"),
        ("2013.1.00123.Ѕ", "2013.1.00123.S"),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_what_is_repaired(damaged: str, readable: str) -> None:
    """Breaks, mark-up, escapes, entities, ligatures, look-alikes and mojibake are undone; footnote marks stay."""
    assert repair(damaged).text == readable


def test_the_kind_of_markup_decides() -> None:
    """In a plain text neither braces nor angle brackets are mark-up."""
    assert repair("{a} <b>c</b>", markup="text").text == "{a} <b>c</b>"
    assert repair("{a} <b>c</b>", markup="tex").text == "a <b>c</b>"
    assert repair("{a} <b>c</b>", markup="xml").text == "{a} c"


def test_macros_are_expanded() -> None:
    """A macro that hides a code stands for its body, and maps back onto the macro."""
    text = "\\newcommand{\\proj}{2013.1.00123.S}\n Data: \\proj, and \\def\\other{no digits}"
    macros = tex_macros(text)
    assert macros == {"proj": "2013.1.00123.S"}
    repaired = repair("Data: \\proj, and", macros=macros)
    assert repaired.text == "Data: 2013.1.00123.S, and"
    start, end = repaired.span(6, 20)
    assert "Data: \\proj, and"[start:end] == "\\proj"


def test_a_macro_that_calls_itself_ends() -> None:
    """Macros that expand to themselves are left out."""
    assert tex_macros("\\newcommand{\\a}{1\\a}") == {}


@given(TEXTS)
def test_every_character_leads_back(text: str) -> None:
    """Spans are in the original, in order, and cover it from the first kept character to the last."""
    repaired = repair(text)
    last = 0
    for place in range(len(repaired.text)):
        start, end = repaired.span(place, place + 1)
        assert 0 <= start <= end <= len(text)
        assert start >= last or (start, end) == repaired.span(place - 1, place)
        last = start


@given(TEXTS)
def test_what_is_copied_is_the_same(text: str) -> None:
    """A stretch that was copied is what the span says character by character, a line break as a blank."""
    repaired = repair(text)
    for out, begin, end, copied in zip(repaired.out, repaired.begin, repaired.end, repaired.copied, strict=True):
        if copied:
            assert repaired.text[out : out + end - begin] == text[begin:end].replace("\n", " ")


@given(st.text(alphabet="abc XYZ019.,", max_size=100))
def test_clean_text_is_left_alone(text: str) -> None:
    """Text without anything to repair comes out as it went in, but for runs of blanks."""
    assert repair(text).text.split() == text.split()


def test_offsets_count_from_the_given_start() -> None:
    """A window knows where it stood in the whole."""
    assert repair("a&amp;b", offset=100).span(1, 2) == (101, 106)


def test_an_empty_span_is_refused() -> None:
    """There is no original of nothing."""
    with pytest.raises(ValueError, match="no such stretch"):
        repair("abc").span(2, 2)


@pytest.mark.parametrize(
    "piece", ["<", "&#", "&a", "\\", "{", "-\n", "%", "\u200b", "Â", "<a ", "\\newcommand{\\a}{", "\\href{"]
)
def test_hostile_repetition_ends(piece: str) -> None:
    """A million characters made to trip a backtracking pattern are read; a quadratic one would take hours."""
    text = piece * (1_000_000 // len(piece))
    repaired = repair(text)
    assert len(repaired.text) <= len(text)
    assert tex_macros(text) == {}
