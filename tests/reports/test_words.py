"""How figures are written: the same everywhere, and of a frozen report as it says itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports.definitions import INDICATORS
from reports.document import Figure, Row
from reports.words import NOTHING, completeness, counts, form_of, interval, shown, written


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (12345, "count", "12\u202f345"),
        (0.4137, "share", "41.4\u202f%"),
        (0.285, "share", "28.5\u202f%"),
        (2.345, "years", "2.35\u202fyr"),
        (1234.56, "decimal", "1\u202f234.6"),
        (0.0004, "probability", "< 0.001"),
        (0.04321, "probability", "0.043"),
        (17.4, "days", "17\u202fd"),
    ],
)
def test_a_value_is_written_in_the_form_of_its_indicator(value: float, form: str, expected: str) -> None:
    """Counts whole, shares as percent, durations in years, with thin blanks that do not break."""
    assert written(value, form) == expected  # type: ignore[arg-type]


def test_no_value_is_a_dash_and_an_interval_may_be_open() -> None:
    """What is not there is not 0; a bound that was not reached is a dash."""
    figure = Figure("publication_fraction", None)
    assert shown(figure) == NOTHING
    assert interval(figure) == ""
    assert interval(replace(figure, value=0.5, low=0.25)) == "25.0 to –\u202f%"


def test_what_can_still_grow_is_told_from_what_waits_for_a_decision() -> None:
    """Files say "no" of a young number, "waits" of an old one whose row has a backlog, else "yes"."""
    old, young = Figure("papers", 3), Figure("papers", 3, is_incomplete=True)
    row = Row("2019", "2019", (old, young))
    assert [completeness(row, figure) for figure in row.figures if figure] == ["yes", "no"]
    waiting = replace(row, backlog="2 more wait.")
    assert [completeness(waiting, figure) for figure in row.figures if figure] == ["waits", "no"]
    assert completeness(replace(waiting, is_incomplete=True), old) == "no"
    assert completeness(waiting, replace(old, indicator="observed")) == "yes"  # no decision changes what was observed


def test_a_frozen_report_is_written_by_its_own_definitions() -> None:
    """A definition that has changed since, or gone, does not change an old report."""
    old = replace(INDICATORS["publication_fraction"], key="gone", form="decimal")
    assert shown(Figure("gone", 0.5), {"gone": old}) == "0.5"
    changed = {"publication_fraction": replace(old, key="publication_fraction")}
    assert shown(Figure("publication_fraction", 0.5), changed) == "0.5"


def test_an_indicator_that_nobody_defines_is_an_error() -> None:
    """A number without a meaning is not written."""
    with pytest.raises(KeyError):
        form_of("nobody.knows", {})


@pytest.mark.parametrize(
    ("indicator", "numerator", "denominator", "said"),
    [
        ("publication_fraction", 38, 52, "38 of 52"),
        ("publication_fraction", 83.7, 1264, "83.7 of 1\u202f264"),
        ("publication_fraction", 12.0, 30.5, "12 of 30.5"),
        ("authors_per_paper_mean", 90, 20, "90 / 20"),
        ("publication_fraction", 0, 0, ""),
        ("publication_fraction", None, 4, ""),
    ],
)
def test_a_share_says_of_how_many(indicator: str, numerator: float | None, denominator: float, said: str) -> None:
    """Whole numbers whole, parts of them with a decimal; a ratio is divided and not part of; of none nothing is said."""
    assert counts(Figure(indicator, 0.5, numerator=numerator, denominator=denominator)) == said
