"""Which days were fetched, and which are missing."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from biblio.ingest.coverage import Span, holes, joined

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
days = st.dates(FIRST, LAST)
spans = st.lists(st.tuples(days, days).map(lambda p: (min(p), max(p))), max_size=8)


def covered(listed: list[Span]) -> set[int]:
    """The days of some spans, as numbers."""
    return {day for first, last in listed for day in range(first.toordinal(), last.toordinal() + 1)}


@given(spans)
def test_spans_and_holes_share_no_day_and_leave_none(listed: list[Span]) -> None:
    """Every day is either fetched or in a hole, never both, whatever was fetched in whatever order."""
    found = joined(listed)
    missing = holes(found, FIRST, LAST)
    assert covered(found) == covered(listed)
    assert covered(missing) | covered(found) == set(range(FIRST.toordinal(), LAST.toordinal() + 1))
    assert not covered(missing) & covered(found)


def test_spans_that_touch_are_one() -> None:
    """Days that follow one another make one span, so that a hole is what it says."""
    assert joined([(date(2024, 2, 1), date(2024, 2, 29)), (FIRST, date(2024, 1, 31))]) == [(FIRST, date(2024, 2, 29))]
    assert holes([], FIRST, LAST) == [(FIRST, LAST)]
