"""Damage that earlier corpora lacked: cell borders, page feet, escapes of escapes, numbers that lost all their zeros."""

from __future__ import annotations

import pytest

from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Registry

ALMA = Grammar.from_plain(load("alma").codes)
KNOWN = ["2013.1.00123.S", "2013.A.00017.S", "2016.1.00340.S", "2016.2.00123.S", "2019.1.00431.T"]
FINDER = CodeFinder(ALMA, Registry(ALMA, KNOWN))
PREFIX = "This paper makes use of the following ALMA data: ADS/JAO.ALMA#"


@pytest.mark.parametrize(
    "written",
    [
        "2013.1. & 00123.S",
        "2013.1 & 00123.S",
        "<td>2013.1.</td><td>00123.S</td>",
        "2013.1.00123\tS",
        "2013.1.\n14\n\fSomeone et al.\n00123.S",
        "2013.1.00\n\n\fA&A 589, A12 (2016)\n\n123.S",
        "2013&amp;#46;1&amp;#46;00123&amp;#46;S",
        "2013\\u002e1\\u002e00123\\u002eS",
        "20\u00ad13.1.00\u00ad123.S",
        "2013.1.00\x00123.S",
        "2OI3.l.OOl23.S",
        "2 0 1 3 . 1 . 0 0 1 2 3 . S",
        "<span class='x'>2013</span>.<span>1</span>.<span>00123</span>.<span>S</span>",
        "2013%252E1%252E00123%252ES",
        "&lt;i&gt;2013&lt;/i&gt;.1.&lt;b&gt;00123&lt;/b&gt;.S",
        "2013&amp;amp;#46;1&amp;amp;#46;00123.S",
        "2\x000\x001\x003\x00.\x001\x00.\x000\x000\x001\x002\x003\x00.\x00S",
        "2Ø13.1.ØØ123.S",
        "2013?1?00123?S",
        "2013\u25a01\u25a000123\u25a0S",
        "20\\hskip0pt 13.1.\\penalty0 00123.S",
        "2013.1.\\linebreak[0]00123.S",
        "2013.1.00123.S\\tablefootmark{a}",
        "2013.1\n\fSomeone et al.\n.00123.S",
    ],
)
def test_one_listed_code_is_meant(written: str) -> None:
    """What stands between the parts, or in place of a character, is undone, and the listed code is certain."""
    (mention,) = FINDER.find(f"{PREFIX}{written}. We thank the referee.")
    assert (mention.code, mention.certain) == ("2013.1.00123.S", True)


def test_a_call_at_the_edge_of_a_cell() -> None:
    """A letter may end the first cell."""
    (mention,) = FINDER.find(f"{PREFIX}2013.A & 00017.S \\\\")
    assert (mention.code, mention.certain) == ("2013.A.00017.S", True)


@pytest.mark.parametrize("text", [f"{PREFIX}2013.1.123", "the ALMA project code 2013.1.123 was"])
def test_a_number_that_lost_its_zeros_and_kind(text: str) -> None:
    """Directly after our prefix, or after our name and "project", the listed code is offered and not certain."""
    (mention,) = FINDER.find(text)
    assert (mention.code, mention.certain) == ("2013.1.00123.S", False)


@pytest.mark.parametrize("text", ["the ALMA epochs 2013.1.123 and 2016.1.340", "A&A 589 (2016)\n00123.S of ALMA"])
def test_what_is_two_things_makes_no_code(text: str) -> None:
    """An epoch, and a year in brackets before a number, are never called certain."""
    assert not any(mention.certain for mention in FINDER.find(text))


def test_items_after_an_ampersand_stay_items() -> None:
    """Between two codes an ampersand is no border of a cell within one."""
    assert [mention.code for mention in FINDER.find(f"{PREFIX}2016.1.00340.S & 00123.S")] == [
        "2016.1.00340.S",
        "2016.1.00123.S",
    ]


def test_codes_glued_to_one_another() -> None:
    """Two codes with nothing between are two."""
    found = FINDER.find(f"{PREFIX}2013.1.00123.S2016.1.00340.S")
    assert [mention.code for mention in found] == ["2013.1.00123.S", "2016.1.00340.S"]


ESO = Grammar.from_plain(load("eso").codes)
ESO_KNOWN = ["0103.A-0421(B)", "60.A-9022(A)", "097.C-0498", "108.22GP.001", "113.265R.004", "198.C-2744(C)"]
ESO_FINDER = CodeFinder(ESO, Registry(ESO, ESO_KNOWN))


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("$0103{\\cdot}A-0421(B)$", "0103.A-0421(B)"),
        ("0103.A- & 0421(B)", "0103.A-0421(B)"),
        ("0103:A-0421(B)", "0103.A-0421(B)"),
        ("0103%2EA-0421%28B%29", "0103.A-0421(B)"),
        ("0103.A-\n> 0421(B)", "0103.A-0421(B)"),
        ("0103.A-0421(-\nB)", "0103.A-0421(B)"),
        ("60Â·A-9022(A)", "60.A-9022(A)"),
        ("1&#57;8.C-2744(C)", "198.C-2744(C)"),
        ("１９８．Ｃ－２７４４（Ｃ）", "198.C-2744(C)"),
        ("097。C-0498", "097.C-0498"),
        ("097{\\cdot}C-0498", "097.C-0498"),
        ("108&period;22GP&period;001", "108.22GP.001"),
        ("108.&thinsp;22GP.&thinsp;001", "108.22GP.001"),
        ("<i>108</i>.<i>22GP</i>.<i>001</i>", "108.22GP.001"),
        ("113.265R.\\discretionary{}{}{}004", "113.265R.004"),
    ],
)
def test_codes_that_begin_with_nothing_fixed_are_read_after_a_name(written: str, code: str) -> None:
    """Of an observatory whose codes begin with any digits, damaged ones are read as well, near its name."""
    (mention,) = ESO_FINDER.find(f"Based on observations under ESO programme {written} at Paranal.")
    assert mention.code == code


def test_names_that_crowd_hide_no_code() -> None:
    """Where the name is repeated, what stands behind and between the names is read."""
    found = ESO_FINDER.find("ESO ESO ESO 0103:A-0421(B) ESO ESO ESO ESO 60&#46;A-9022(A).")
    assert [mention.code for mention in found] == ["0103.A-0421(B)", "60.A-9022(A)"]


def test_a_code_that_others_go_on_from_has_them_as_candidates() -> None:
    """A programme printed without its run may be any of its runs."""
    (mention,) = ESO_FINDER.find("ESO programme 108.22GP was used.")
    assert (mention.code, mention.certain, mention.candidates) == ("108.22GP", False, ("108.22GP.001",))


@pytest.mark.parametrize("written", ["2013.1.001.23.S", "20,13.1.00123.S", "2013.1.00,23.S", "2013.1.0-0123.S"])
def test_a_sign_typed_amid_a_number_leaves_the_code_a_candidate(written: str) -> None:
    """A dot or comma too many, in place of a digit or between two, hides no listed code."""
    mentions = FINDER.find(f"{PREFIX}{written}. We thank the referee.")
    assert any("2013.1.00123.S" in (mention.code, *mention.candidates) for mention in mentions)
    assert all(mention.code == "2013.1.00123.S" for mention in mentions if mention.certain)


def test_a_bracket_that_closes_ends_a_code() -> None:
    """Two codes with nothing between them are two where the first ends in a bracket."""
    found = ESO_FINDER.find("ESO programmes 0103.A-0421(B)60.A-9022(A) were run.")
    assert [mention.code for mention in found] == ["0103.A-0421(B)", "60.A-9022(A)"]


@pytest.mark.parametrize(
    ("written", "code"),
    [("2 0 1 5 . 1 . 0 1 0 9 9 . S V", "2015.1.01099.SV"), ("2 0 1 3 . 1 . 0 0 1 2 3 . S", "2013.1.00123.S")],
)
def test_letter_spacing_takes_the_whole_last_field(written: str, code: str) -> None:
    """Where a blank stands between all characters, the letters of the last field are one word."""
    finder = CodeFinder(ALMA, Registry(ALMA, [*KNOWN, "2015.1.01099.S", "2015.1.01099.SV"]))
    (mention,) = finder.find(f"{PREFIX}{written}. We thank V. Doe.")
    assert mention.code == code
