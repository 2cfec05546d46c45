"""What a profile may divide projects by."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from biblio.observatory import Facet, Profile, load


def profile_with(*facets: dict[str, object]) -> Profile:
    """The default profile with these facets, checked as when it is loaded."""
    return Profile.model_validate({**load().model_dump(), "facets": facets})


def test_columns_fill_facets_and_facts_of_their_own_stay_where_they_are() -> None:
    """A facet is filled by its column, else by the one of its name; kind and category have columns of their own."""
    profile = profile_with(
        {"key": "grade", "name": "grade"},
        {"key": "node", "name": "node", "column": "ARC"},
        {"key": "kind", "name": "kind of project", "names": {"S": "Small"}},
    )
    assert profile.facet_columns == {"grade": "grade", "ARC": "node"}
    assert profile.facet_keys == {"grade", "node"}


@pytest.mark.parametrize(
    ("facets", "reason"),
    [
        pytest.param([{"key": "a", "name": "x"}, {"key": "a", "name": "y"}], "same key: a", id="key twice"),
        pytest.param(
            [{"key": "a", "name": "x", "column": "g"}, {"key": "g", "name": "y"}], "same column: g", id="column twice"
        ),
        pytest.param([{"key": "kind", "name": "x", "column": "type"}], "stands in its own column", id="moved"),
        pytest.param([{"key": "Grade/1", "name": "x"}], "pattern", id="no address"),
        pytest.param([{"key": "grade", "name": ""}], "at least 1", id="no name"),
    ],
)
def test_facets_that_cannot_be_told_apart_are_refused(facets: list[dict[str, object]], reason: str) -> None:
    """The start names what is wrong with them."""
    with pytest.raises(ValidationError, match=reason):
        profile_with(*facets)


def test_facets_of_shipped_profiles_have_addresses_and_names() -> None:
    """What is shipped can be loaded, and says in words what it divides by."""
    for name in ("alma", "eso"):
        assert all(isinstance(facet, Facet) and facet.name for facet in load(name).facets)


@pytest.mark.parametrize("key", ["all", "All", "no-cycle"])
def test_a_cycle_called_like_a_sum_is_refused(key: str) -> None:
    """Reports call the sum of all rows "all" and what has no cycle "no-cycle": a cycle's row would hide them."""
    plain = load().model_dump()
    plain["cycles"][0]["key"] = key
    with pytest.raises(ValidationError, match=f"no cycle can have the key {key}"):
        Profile.model_validate(plain)
