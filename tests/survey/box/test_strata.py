"""Strata: how they are named, and that merging never leaves one of too few persons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.observatory import Profile, load
from survey.box.strata import Group, in_order, merged, reported_as, stratum_of


@pytest.fixture(scope="module")
def profile() -> Profile:
    """The shipped profile."""
    return load("alma")


def group(name: str, persons: int, first: int = 0) -> Group:
    """Return a stratum whose persons are numbered from ``first``."""
    return Group((name,), frozenset((f"p{n}", "") for n in range(first, first + persons)))


GROUPS = st.lists(st.sets(st.integers(0, 40).map(lambda n: (f"p{n}", "")), max_size=12), min_size=1, max_size=9).map(
    lambda persons: [Group((f"s{n}",), frozenset(each)) for n, each in enumerate(persons)]
)


@given(GROUPS, st.integers(3, 20), st.booleans())
def test_no_stratum_is_left_with_too_few_persons(groups: list[Group], minimum: int, is_ordered: bool) -> None:
    """After merging each group has the minimum of distinct persons, or a single one is left and has no name."""
    found = merged(groups, minimum, is_ordered=is_ordered)
    assert len(found) == 1 or all(each.size >= minimum for each in found)
    assert sorted(s for each in found for s in each.strata) == sorted(s for each in groups for s in each.strata)
    names = reported_as(found)
    assert set(names) == {s for each in groups for s in each.strata}
    assert len({name for name in names.values() if name is not None}) == (len(found) if len(found) > 1 else 0)


def test_ballots_taken_out_of_a_stratum_make_it_small() -> None:
    """Nine persons of a stratum with one ballot left in the box are one person: the stratum is merged."""
    few = Group(("a",), frozenset((letter, "") for letter in "abcdefghi"), 1)
    found = merged([few, Group(("b",), frozenset((letter, "") for letter in "klmnop"), 6)], 5, is_ordered=False)
    assert [(each.strata, each.ballots) for each in found] == [(("a", "b"), 7)]


@given(GROUPS, st.integers(3, 20))
def test_ordered_strata_are_merged_with_neighbours_only(groups: list[Group], minimum: int) -> None:
    """Cycles that are reported together follow one another."""
    places = {name: place for place, each in enumerate(groups) for name in each.strata}
    for each in merged(groups, minimum, is_ordered=True):
        found = [places[name] for name in each.strata]
        assert found == list(range(found[0], found[0] + len(found)))


def test_a_person_of_two_strata_counts_once_where_they_are_merged() -> None:
    """Four persons of one and the same four of another are four, not eight."""
    found = merged([group("a", 4), group("b", 4), group("c", 9, first=20)], 5, is_ordered=False)
    assert [each.strata for each in found] == [("a", "b", "c")]


@pytest.mark.parametrize(
    ("by", "expected"), [("category", "Galaxies"), ("partner", "partner not known"), ("cycle", "Cycles 3–5")]
)
def test_a_project_has_one_stratum(profile: Profile, by: str, expected: str) -> None:
    """Category and partner by name, a cycle by its group; what is not known has a name of its own."""
    assert stratum_of(profile, by, cycle="2016.1", category=" Galaxies ", partner=None) == expected


def test_cycles_keep_their_order(profile: Profile) -> None:
    """Groups of cycles stand as the profile has them, unknown ones last; other strata by name."""
    names = {"Cycles 3–5", "cycle not known", "Cycles 0–2"}
    assert in_order(profile, "cycle", names) == ["Cycles 0–2", "Cycles 3–5", "cycle not known"]
    assert in_order(profile, "partner", {"NA", "EU"}) == ["EU", "NA"]
