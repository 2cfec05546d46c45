"""Rules: what the profile says is checked to the last key, and read as written."""

import copy
from typing import Any

import pytest

from biblio.observatory import load
from matching.rules import WEIGHTS, Rules, RulesError


def plain() -> dict[str, Any]:
    """The shipped rules as plain data, to change."""
    return copy.deepcopy(dict(load("alma").rules))


@pytest.mark.parametrize("name", ["alma", "eso"])
def test_the_shipped_rules_are_sound(name: str) -> None:
    """Every shipped profile's rules pass the check."""
    rules = Rules.from_plain(load(name).rules)
    assert rules.certain > rules.likely


@pytest.mark.parametrize("key", sorted(WEIGHTS))
def test_every_weight_is_needed_and_bounded(key: str) -> None:
    """A missing weight, a text for a number and an impossible number are refused by name."""
    table, _, name = key.partition(".")
    for wrong in (None, "much", True, 1e9, float("nan")):
        data = plain()
        data[table] = {**data[table], name: wrong}
        with pytest.raises(RulesError, match=key.replace(".", r"\.")):
            Rules.from_plain(data)


def test_unknown_keys_are_refused() -> None:
    """A misspelt key is an error, not a rule that silently does nothing."""
    with pytest.raises(RulesError, match="titel"):
        Rules.from_plain({**plain(), "titel": {}})
    data = plain()
    data["people"] = {**data["people"], "pi_presence": 1}
    with pytest.raises(RulesError, match=r"people\.pi_presence"):
        Rules.from_plain(data)


@pytest.mark.parametrize("curve", [[], [[0, 1]], [[0, 1], [0, 2]], [[1, 1], [0, 2]], [[0, "x"], [1, 2]], "flat"])
def test_curves_must_grow(curve: object) -> None:
    """A curve without two points in growing order is refused."""
    data = plain()
    data["title"] = {**data["title"], "similarity": curve}
    with pytest.raises(RulesError, match=r"title\.similarity"):
        Rules.from_plain(data)


def test_curves_are_straight_between_points_and_flat_outside() -> None:
    """A value between two points is interpolated; beyond the ends the end holds."""
    data = plain()
    data["title"] = {**data["title"], "similarity": [[0, -1], [0.5, 1], [1, 4]]}
    rules = Rules.from_plain(data)
    assert [rules.curve("title.similarity", x) for x in (-1, 0, 0.25, 0.5, 0.75, 1, 2)] == [-1, -1, 0, 1, 2.5, 4, 4]


def test_only_proof_makes_certain() -> None:
    """However high the score, without a code that stands for use the band ends at likely."""
    rules = Rules.from_plain(plain())
    assert rules.band(0.9999, proven=False) == "likely"
    assert rules.band(0.9999, proven=True) == "certain"
    assert rules.band(rules.certain - 0.001, proven=True) == "likely"
    assert rules.band(rules.likely - 0.001, proven=True) == "unlikely"


@pytest.mark.parametrize(
    "bands", [None, {}, {"certain": 0.5, "likely": 0.9, "certain_needs": []}, {"certain": 2, "likely": 1}]
)
def test_bands_must_make_sense(bands: object) -> None:
    """Likely lies below certain, both between 0 and 1."""
    with pytest.raises(RulesError, match="bands"):
        Rules.from_plain({**plain(), "bands": bands})


def test_the_year_comes_from_the_code() -> None:
    """A code tells its year, or a numbered period that the rules turn into one."""
    assert Rules.from_plain(plain()).year_of({"year": "2015"}) == 2015
    assert Rules.from_plain(plain()).year_of({"period": "100"}) is None
    periods = Rules.from_plain(load("eso").rules)
    assert [periods.year_of({"period": p}) for p in ("100", "101", "60")] == [2017, 2018, 1997]
