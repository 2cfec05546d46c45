"""Damaged codes: every kind hurts as it says, and TeX prints what the plain text prints."""

from __future__ import annotations

import random

import pytest

from demo.damage import DAMAGES, LOSSLESS, PREFIX, print_codes, print_codes_tex

CODE = "2015.1.00123.S"


@pytest.mark.parametrize("kind", sorted(set(DAMAGES) - LOSSLESS))
def test_a_damaged_code_is_not_the_code(kind: str) -> None:
    """The whole code is gone, its number's last digits are still to be seen."""
    printed = DAMAGES[kind](CODE, random.Random(3))
    assert CODE not in printed
    assert printed


@pytest.mark.parametrize("kind", sorted(LOSSLESS))
def test_lossless_kinds_keep_the_code(kind: str) -> None:
    """Only what stands around the code is hurt."""
    assert CODE in print_codes([CODE], kind, random.Random(3))


def test_lists_elide_what_the_codes_share() -> None:
    """Codes of one call follow as their numbers, others in full."""
    printed = print_codes([CODE, "2015.1.00456.S", "2016.1.00001.S"], "elided", random.Random(3))
    assert printed == f"{PREFIX}{CODE}, #00456.S, 2016.1.00001.S"


def test_macros_hide_the_code_in_the_preamble() -> None:
    """The text holds the macro's name, the preamble its meaning."""
    preamble, text = print_codes_tex([CODE], "macro", "")
    assert CODE in preamble
    assert CODE not in text
    assert "\\projcode" in text


def test_tex_escapes_what_tex_reserves() -> None:
    """Hash and underscore are escaped, dashes and blanks become TeX's own."""
    assert print_codes_tex([CODE], None, f"{PREFIX}{CODE}")[1] == f"ADS/JAO.ALMA\\#{CODE}"
    assert print_codes_tex([CODE], "underscores", "2015_1_00123_S")[1] == "2015\\_1\\_00123\\_S"
    assert print_codes_tex([CODE], "en_dash", "2015.1.00123–S")[1] == "2015.1.00123--S"
