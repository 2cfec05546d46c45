"""Rows of few projects stand together: no row tells of a few, nor does what is left when others are taken from the whole."""

from __future__ import annotations

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from reports.document import Column, Figure, Row, Table
from reports.themes.few import FEWEST, TOGETHER, put_together
from reports.themes.groups import ALL


def table(*sizes: int, hits: int = 0) -> Table:
    """A table of groups with so many projects each, of which each has so many hits, and the row of all."""
    first, rows = 1, []
    for place, size in enumerate(sizes):
        ids = tuple(range(first, first + size))
        rows.append(_row(f"g{place}", f"Group {place}", ids, min(hits, size)))
        first += size
    everything = tuple(range(1, first))
    whole = _row(ALL, "All", everything, sum(min(hits, size) for size in sizes))
    columns = (Column("observed", "Observed", "observed"), Column("share", "Share", "fraction"))
    return Table("t", "Groups", "Group", columns, (*rows, whole))


def _row(key: str, name: str, ids: tuple[int, ...], hits: int) -> Row:
    share = Figure("fraction", hits / len(ids) if ids else None, ids[:hits], ids[hits:], hits, len(ids))
    return Row(key, name, (Figure("observed", len(ids), ids), share))


def counted(found: Table) -> dict[str, int]:
    """How many projects each row has."""
    return {row.key: len(found.figure(row.key, "observed").ids) for row in found.rows}


def test_small_rows_stand_together_and_the_smallest_other_joins_them() -> None:
    """Enough of them stand alone; one alone takes the smallest of the others along; rows of nobody stay."""
    assert counted(put_together(table(12, 6, 0, 7), "observed") or table()) == {
        "g0": 12,
        "g2": 0,
        TOGETHER: 13,
        ALL: 25,
    }
    found = put_together(table(30, 12, 3, hits=2), "observed")
    assert found is not None
    assert counted(found) == {"g0": 30, TOGETHER: 15, ALL: 45}
    share = found.figure(TOGETHER, "share")
    assert (share.numerator, share.denominator, share.value) == (4, 15, 4 / 15)
    assert found.notes == (
        "Small groups together: Group 2. Fewer than 10 projects do not stand alone, so Group 1 stands with them.",
    )


def test_a_table_without_small_rows_stays_and_one_of_few_goes() -> None:
    """Nothing is put together without need; nothing is said of fewer projects than stand alone."""
    whole = table(10, 40)
    assert put_together(whole, "observed") is whole
    assert put_together(table(4, 5), "observed") is None
    assert put_together(table(), "observed") is None


@given(st.lists(st.integers(0, 40), max_size=7))
def test_no_sum_and_no_difference_of_rows_is_about_few(sizes: list[int]) -> None:
    """Whichever rows are added, and taken from all: what is told is of nobody or of enough; the parts sum to the whole."""
    found = put_together(table(*sizes), "observed")
    if found is None:
        assert sum(sizes) < FEWEST
        return
    rows = counted(found)
    whole = rows.pop(ALL)
    assert sum(rows.values()) == whole == sum(sizes)
    parts = list(rows.values())
    for some in chain.from_iterable(combinations(parts, n) for n in range(len(parts) + 1)):
        for told in (sum(some), whole - sum(some)):
            assert told == 0 or told >= FEWEST
