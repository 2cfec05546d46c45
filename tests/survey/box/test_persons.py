"""How many persons stand behind addresses: never more than there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.box.persons import distinct_persons


@pytest.mark.parametrize(
    ("people", "count"),
    [
        ([], 0),
        ([("a@x.org", "Wander, Ines"), ("b@y.org", "Inés Wander"), ("c@z.org", "WANDER Ines")], 1),
        ([("a@x.org", "Wander, Ines"), ("A@X.org", "Office of Ines")], 1),
        ([("a@x.org", ""), ("b@x.org", "")], 2),
        ([("a@x.org", "Wander, Ines"), ("b@y.org", "Wander, Ida")], 2),
        ([("a@x.org", "Wander, Ines"), ("b@y.org", "Ahn, Bora"), ("a@x.org", "Ahn, Bora")], 1),
    ],
)
def test_names_and_addresses_make_persons(people: list[tuple[str, str]], count: int) -> None:
    """One name under several addresses, and one address under several names, are one person."""
    assert distinct_persons(people) == count


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "ax", "bx", "cx"])), max_size=12))
def test_there_are_never_more_persons_than_addresses_or_names(people: list[tuple[str, str]]) -> None:
    """The count is bounded by both, grows with what is added, and does not depend on the order."""
    count = distinct_persons(people)
    assert count <= len({address for address, _ in people})
    assert count == distinct_persons(reversed(people))
    if all(name for _, name in people):
        assert count <= len({name for _, name in people})
