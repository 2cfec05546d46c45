"""Keys of rows that stand for a value of the project list: safe in an address, and one for each value."""

from __future__ import annotations

import re
import unicodedata
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.themes.groups import ALL, NOT_KNOWN, OTHER, cycle_key, value_key

_SIGNS = st.text(st.sampled_from("aAbé1２ ,.-+−/()½\x07\u200b_'&:;α"), max_size=6)


def same(one: str, other: str) -> bool:
    """Whether two spellings are one value: they differ in case, blanks, commas or width alone."""
    plain = [" ".join(re.split(r"[\s,]+", unicodedata.normalize("NFKC", v).casefold())).strip() for v in (one, other)]
    return plain[0] == plain[1]


@given(_SIGNS, _SIGNS)
def test_two_values_never_share_a_key(one: str, other: str) -> None:
    """Signs make another value, case and blanks do not; the key can stand in an address and is never a row of ours."""
    assert (value_key(one) == value_key(other)) is same(one, other)
    assert re.fullmatch(r"[a-z0-9_-]+", value_key(one))
    assert value_key(one) not in (ALL, NOT_KNOWN, OTHER)


@pytest.mark.parametrize("make", [value_key, cycle_key])
def test_signs_are_no_ornament(make: object) -> None:
    """What observatories call their grades, bands and cycles: each has a row of its own."""
    called = ["1", "+1", "-1", "\u22121", "(1)", "1/2", "1.2", "1-2", "1 2", "½", "A", "A+", "A-", "A*"]
    for one, other in combinations(called, 2):
        assert callable(make)
        assert make(one) != make(other)


def test_keys_stay_what_they_are() -> None:
    """An address that was written down leads to the same row for ever."""
    assert value_key("Disks and planet formation") == "disks_and_planet_formation"
    assert value_key("ISM,  star formation") == value_key("ism star formation") == "ism_star_formation"
    assert value_key("+1") == "1-c59dc4e4"
    assert value_key("all") == "all-5ef5ef03"
