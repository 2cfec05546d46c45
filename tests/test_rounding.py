"""Shares in words: halves go up, on every page alike."""

from __future__ import annotations

import pytest

from biblio.rounding import percents


@pytest.mark.parametrize(
    ("share", "digits", "said"),
    [
        (0.125, 0, "13"),
        (0.175, 0, "18"),
        (0.285, 0, "29"),
        (1 / 3, 0, "33"),
        (1.0, 0, "100"),
        (0.0, 0, "0"),
        (1 / 16, 1, "6.3"),
        (1e-9, 0, "0"),
        (0.2484, 1, "24.8"),
    ],
)
def test_halves_go_up(share: float, digits: int, said: str) -> None:
    """12.5 is 13 and 6.25 is 6.3, whatever the digit before them; thirds are as always."""
    assert percents(share, digits) == said


def test_every_half_of_a_whole_count_goes_up() -> None:
    """Of 200 persons an odd number is a half percent: each is rounded to the next whole one."""
    assert all(percents(count / 200) == str((count + 1) // 2) for count in range(201))
