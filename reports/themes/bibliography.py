"""Theme: the state of the bibliography itself, so that a reader can judge how far the other numbers can be trusted.

Nobody is named, and nothing is told of a paper that a second reader has yet to judge: it is counted and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import quantiles

from reports.definitions.bibliography import (
    AGREEMENT,
    DAYS_MEDIAN,
    DAYS_QUARTER,
    DAYS_THREE,
    DECIDED,
    GAPS,
    GAPS_SHARE,
    HOLE_DAYS,
    HOLES,
    PROJECT_GAPS,
    SECOND_READINGS,
    UNDER_WAY,
)
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import Counted, first_on
from reports.facts.model import Hole, Paper, Project
from reports.themes import undecided
from reports.themes.intervals import wilson
from reports.themes.keys import key_of

KEY = "bibliography"
NAME = "State of the bibliography"
QUESTION = "How complete and how reliable are these numbers?"


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return what waits, how long decisions take, how readers agree, what facts lack, and what was not harvested."""
    listed = _each_hole(counted)
    return (
        *undecided.tables(counted),
        _speed(counted),
        _agreement(counted),
        _paper_gaps(counted),
        _project_gaps(counted),
        _holes(counted),
        *((listed,) if listed.rows else ()),
    )


def _speed(counted: Counted) -> Table:
    last = counted.facts.as_of.year
    decided_on = counted.facts.bibliography.decided_on
    by_year: dict[int, list[int]] = {}
    for i, day in decided_on.items():
        by_year.setdefault(day.year, []).append(i)
    years = range(min(by_year), max(by_year) + 1) if by_year else ()
    rows = [_speed_row(counted, str(y), by_year.get(y, ()), is_incomplete=y >= last) for y in years]
    return Table(
        key="decisions",
        title="Days from a paper to the decision about it",
        rows_are="Year of the decision",
        columns=(
            Column("papers", "Papers decided", DECIDED.key),
            Column("quarter", "Lower quartile", DAYS_QUARTER.key),
            Column("median", "Median", DAYS_MEDIAN.key),
            Column("three-quarters", "Upper quartile", DAYS_THREE.key),
        ),
        rows=(*rows, replace(_speed_row(counted, "all", decided_on), name="All years")),
        says="Half of a year's papers were decided between the two quartiles.",
        charts=(
            Chart(
                "lines",
                "Days from a paper's first appearance to the decision about it",
                ("quarter", "median", "three-quarters"),
                "Year of the decision",
                "Days",
                without=("all",),
            ),
        ),
    )


def _speed_row(counted: Counted, key: str, papers: Iterable[int], *, is_incomplete: bool = False) -> Row:
    days = counted.facts.bibliography.paper_to_decision_days
    decided = tuple(sorted(papers))
    timed = tuple(i for i in decided if i in days)
    spans = sorted(max(0, days[i]) for i in timed)
    values: Sequence[float | None] = (None, None, None)
    if spans:
        values = quantiles(spans, n=4, method="inclusive") if len(spans) > 1 else [float(spans[0])] * 3
    said = (
        "" if spans else "No paper was decided." if not decided else "No paper decided has a day of first appearance."
    )
    quartiles = zip((DAYS_QUARTER, DAYS_MEDIAN, DAYS_THREE), values, strict=True)
    figures = (
        Figure(DECIDED.key, len(decided), decided),
        *(Figure(one.key, value, timed, denominator=len(timed), note=said) for one, value in quartiles),
    )
    return Row(key, key, tuple(replace(f, is_incomplete=is_incomplete) for f in figures), is_incomplete)


def _agreement(counted: Counted) -> Table:
    state = counted.facts.bibliography
    interval = wilson(state.agreed, state.second_readings)
    if interval is None:
        share = Figure(AGREEMENT.key, None, numerator=0, denominator=0, note="There was no second reading.")
    else:
        value = state.agreed / state.second_readings
        share = Figure(AGREEMENT.key, value, (), (), state.agreed, state.second_readings, *interval)
    readings = Figure(SECOND_READINGS.key, state.second_readings)
    under_way = Figure(UNDER_WAY.key, len(state.under_second_reading))
    return Table(
        key="agreement",
        title="How far readers agree",
        rows_are="Readers",
        columns=(
            Column("readings", "Second readings", SECOND_READINGS.key),
            Column("share", "Agreement", AGREEMENT.key),
            Column("under-way", "Under way", UNDER_WAY.key),
        ),
        rows=(Row("all", "All", (readings, share, under_way)),),
        says="A second reader judges without seeing the first one's verdict.",
    )


_PAPER_FACTS: tuple[tuple[str, str, Callable[[Paper], bool]], ...] = (
    ("day", "No day of first appearance", lambda p: p.preprint_on is None and first_on(p) is None),
    ("year", "No year", lambda p: p.year is None),
    ("authors", "No authors", lambda p: not p.authors),
    ("affiliation", "No affiliation of the first author", lambda p: not p.first_affiliation.strip()),
    ("journal", "No journal", lambda p: not p.journal.strip()),
    ("citations", "No citation count", lambda p: p.citations is None),
)
"""Key, name and test of what other numbers rest on."""


def _paper_gaps(counted: Counted) -> Table:
    papers = counted.facts.papers
    ids = tuple(sorted(counted.refereed))
    rows = []
    for key, name, lacks in _PAPER_FACTS:
        lacking = tuple(i for i in ids if lacks(papers[i]))
        rest = tuple(sorted(counted.refereed.difference(lacking)))
        rows.append(Row(key, name, (Figure(GAPS.key, len(lacking), lacking), _gap_share(lacking, rest))))
    return Table(
        key="papers-lacking",
        title="What is not known of papers",
        rows_are="Papers with",
        columns=(Column("papers", "Papers", GAPS.key), Column("share", "Share", GAPS_SHARE.key)),
        rows=tuple(rows),
        says=f"Refereed papers that are counted: {len(ids)}. A paper can lack several facts.",
    )


def _gap_share(lacking: tuple[int, ...], rest: tuple[int, ...]) -> Figure:
    total = len(lacking) + len(rest)
    value = len(lacking) / total if total else None
    said = "" if total else "There are no papers."
    return Figure(GAPS_SHARE.key, value, lacking, rest, len(lacking), total, note=said)


def _project_gaps(counted: Counted) -> Table:
    projects = counted.facts.projects
    ids = tuple(sorted(counted.observed))
    asking = counted.profile.asking
    no_day = {None, *asking.no_release_date}
    cycles = {p.cycle: counted.profile.cycle(p.cycle or "") for p in projects.values()}
    tests: tuple[tuple[str, str, Callable[[Project], bool]], ...] = (
        ("delivery", "No delivery date", lambda p: {u.delivered_on for u in p.units} <= {None}),
        ("release", "No usable release date", lambda p: {u.released_on for u in p.units} <= no_day),
        ("exposure", "No observing time of some unit", lambda p: None in [u.exposure_s for u in p.units]),
        ("cycle", "No cycle", lambda p: cycles[p.cycle] is None),
        ("team", "No PI and no co-Is", lambda p: not any(p.team)),
        ("category", "No category", lambda p: not p.category.strip()),
        ("partner", "No partner", lambda p: not p.partner.strip()),
    )
    rows = []
    for key, name, lacks in tests:
        lacking = tuple(i for i in ids if lacks(projects[i]))
        rows.append(Row(key, name, (Figure(PROJECT_GAPS.key, len(lacking), lacking),)))
    return Table(
        key="projects-lacking",
        title="What is not known of projects",
        rows_are="Projects with",
        columns=(Column("projects", "Projects", PROJECT_GAPS.key),),
        rows=tuple(rows),
        says=f"Observed projects: {len(ids)}. A project can lack several facts.",
    )


def _holes(counted: Counted) -> Table:
    found: dict[str, list[Hole]] = {}
    for hole in counted.facts.bibliography.holes:
        found.setdefault(hole.source, []).append(hole)
    everything = counted.facts.bibliography.holes
    rows = [_hole_row(f"s.{key_of(source)}", source, found[source]) for source in sorted(found)]
    through = counted.facts.complete_through
    said = (
        f"All sources were harvested without a hole up to {through}."
        if through
        else "There is no day up to which all sources were harvested without a hole."
    )
    return Table(
        key="coverage",
        title="Days that were not harvested",
        rows_are="Source",
        columns=(Column("holes", "Holes", HOLES.key), Column("days", "Days", HOLE_DAYS.key)),
        rows=(*rows, _hole_row("all", "All sources", everything)),
        says=said,
    )


def _hole_row(key: str, name: str, holes: Sequence[Hole]) -> Row:
    return Row(key, name, (Figure(HOLES.key, len(holes)), Figure(HOLE_DAYS.key, sum(map(_days, holes)))))


def _days(hole: Hole) -> int:
    return (hole.last - hole.first).days + 1


def _each_hole(counted: Counted) -> Table:
    holes = sorted(counted.facts.bibliography.holes, key=lambda h: (h.source, h.first, h.last))
    return Table(
        key="coverage-holes",
        title="Each hole in the coverage",
        rows_are="Source and days",
        columns=(Column("days", "Days", HOLE_DAYS.key),),
        rows=tuple(
            Row(
                f"{key_of(h.source)}.{h.first}.{h.last}",
                f"{h.source}: {h.first}" + (f" to {h.last}" if h.last != h.first else ""),
                (Figure(HOLE_DAYS.key, _days(h)),),
            )
            for h in holes
        ),
        says="The page of the harvest can fill them.",
        is_long=True,
    )
