"""Makes reports for tests of snapshots: small ones by hand, and random ones that hold everything a report may hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st

from reports.definitions.model import Indicator
from reports.document import Address, Chart, Column, Figure, Report, Row, Table, Theme
from reports.snapshots.canonical import rounded

PUBLISHED = Indicator("published", "Published", "Said.", "projects", "n", "", "d", "c", "e", rows="projects")
FRACTION = Indicator("fraction", "Fraction", "Said.", "", "n", "m", "d", "c", "e", rows="projects", form="share")
PAPERS = Indicator("papers", "Papers", "Said.", "papers", "n", "", "d", "c", "e", rows="papers")
ANSWERS = Indicator("answers", "Answers", "Said.", "answers", "n", "", "d", "c", "e", rows="", of_answers=True)
INDICATORS = {one.key: one for one in (PUBLISHED, FRACTION, PAPERS, ANSWERS)}

HEADLINE = (Address("first", "cycles", "2016.1", "published"), Address("first", "years", "2019", "papers"))


def table(key: str, indicator: str, cells: Mapping[str, Figure | None], **changes: Any) -> Table:
    """Return a table of one column, which is called like its indicator."""
    rows = tuple(Row(name, f"Row {name}", (figure,)) for name, figure in cells.items())
    return Table(key, f"Table {key}", "row", (Column(indicator, f"Column {indicator}", indicator),), rows, **changes)


def counted(indicator: str, *ids: int, **changes: Any) -> Figure:
    """Return a count with its rows."""
    return Figure(indicator, len(ids), ids, **changes)


def share(ids: tuple[int, ...], rest: tuple[int, ...]) -> Figure:
    """Return the fraction of ``ids`` in ``ids`` and ``rest``."""
    whole = len(ids) + len(rest)
    return Figure("fraction", len(ids) / whole, ids, rest, numerator=len(ids), denominator=whole)


def report(*themes: Theme, **changes: Any) -> Report:
    """Return a report of these themes, in which rows are called p1, p2 … (projects) and P1, P2 … (papers)."""
    values: dict[str, Any] = {
        "as_of": date(2026, 6, 30),
        "complete_through": date(2026, 6, 1),
        "observatory": "Observatory",
        "version": "1",
        "profile_hash": "0" * 64,
        "undecided": {"likely": 3},
        "headline": HEADLINE,
        "themes": themes,
        "projects": {number: f"p{number}" for number in range(1, 10)},
        "papers": {number: f"P{number}" for number in range(1, 10)},
        "definitions": INDICATORS,
    }
    return Report(**{**values, **changes})


def theme(*tables: Table, key: str = "first") -> Theme:
    """Return a theme of these tables."""
    return Theme(key, f"Theme {key}", "What?", tables)


def small(published: tuple[int, ...] = (1, 2), papers: tuple[int, ...] = (1, 2, 3), **changes: Any) -> Report:
    """Return a report of one theme: projects published in a cycle, and papers of a year."""
    cycles = table("cycles", "published", {"2016.1": counted("published", *published)})
    years = table("years", "papers", {"2019": counted("papers", *papers)})
    return report(theme(cycles, years), **changes)


# -- random ones ------------------------------------------------------------------------------------------------------

_text = st.text(max_size=8)
_key = st.text("abcz019_.|-", min_size=1, max_size=6)
_ids = st.frozensets(st.integers(1, 300), max_size=6).map(lambda ids: tuple(sorted(ids)))
_float = st.floats(-1e300, 1e300).map(rounded)
_number = st.none() | st.integers(-(10**12), 10**12) | _float
_names = st.dictionaries(st.integers(1, 300), _text, max_size=6)
_days = st.dates()
_figures = st.builds(
    Figure,
    st.sampled_from(sorted(INDICATORS)),
    _number,
    ids=_ids,
    rest=_ids,
    numerator=_number,
    denominator=_number,
    low=st.none() | _float,
    high=st.none() | _float,
    is_incomplete=st.booleans(),
    note=_text,
)
_charts = st.builds(
    Chart,
    st.sampled_from(["bars", "stacked", "lines", "steps", "points"]),
    _text,
    st.lists(_key, max_size=2).map(tuple),
    x=_text,
    y=_text,
    colours=st.dictionaries(_key, _text, max_size=2),
)


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    columns = tuple(
        Column(key, draw(_text), draw(st.sampled_from(sorted(INDICATORS))))
        for key in draw(st.lists(_key, max_size=3, unique=True))
    )
    rows = tuple(
        Row(key, draw(_text), tuple(draw(st.none() | _figures) for _ in columns), draw(st.booleans()))
        for key in draw(st.lists(_key, max_size=3, unique=True))
    )
    charts = tuple(draw(st.lists(_charts, max_size=1)))
    notes = tuple(draw(st.lists(_text, max_size=2)))
    return Table(draw(_key), draw(_text), draw(_text), columns, rows, draw(_text), charts, draw(st.booleans()), notes)


def _with_keys(name: str) -> Any:
    return lambda values: tuple({getattr(one, name): one for one in values}.values())


_themes = st.builds(Theme, _key, _text, _text, st.lists(_tables(), max_size=2).map(_with_keys("key")))

REPORTS: st.SearchStrategy[Report] = st.builds(
    Report,
    as_of=_days,
    complete_through=st.none() | _days,
    observatory=_text,
    version=_text,
    profile_hash=_text,
    undecided=st.dictionaries(_key, st.integers(0, 10**6), max_size=3),
    headline=st.lists(st.builds(Address, _key, _key, _key, _key), max_size=2).map(tuple),
    themes=st.lists(_themes, max_size=3).map(_with_keys("key")),
    projects=_names,
    papers=_names,
    definitions=st.just(INDICATORS),
)
"""Reports with anything in them that a report may hold, and no sense."""
