"""Records refuse numbers that no paper has."""

from __future__ import annotations

import pytest

from harvesters.errors import RecordRefused
from harvesters.records import HarvestedRecord


@pytest.mark.parametrize(
    "wrong",
    [
        {"year": 3_000_000_000},
        {"year": 0},
        {"citation_count": -1},
        {"citation_count": 2**31},
        {"arxiv_version": 10**20},
    ],
)
def test_an_absurd_number_is_refused(wrong: dict[str, int]) -> None:
    """One row with a number that cannot be is one refusal, and never reaches a table of years."""
    with pytest.raises(RecordRefused):
        HarvestedRecord(source="test", key="x", **wrong)  # type: ignore[arg-type]


def test_ordinary_numbers_are_taken() -> None:
    """A year, a count and a version as papers have them."""
    record = HarvestedRecord(source="test", key="x", year=1998, citation_count=41, arxiv_version=3)
    assert record.year == 1998
