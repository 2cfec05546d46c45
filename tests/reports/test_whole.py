"""The whole report on random facts: what must hold for every figure of every theme, whatever the data are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from biblio.store.answers import CampaignAnswers, Part, Standing
from reports.building import build
from reports.definitions import INDICATORS
from reports.document import Address, Figure, Report, Table
from reports.facts.counted import BANDS
from reports.facts.model import Bibliography, Facts, Hole, Link, Paper, Project
from reports.snapshots.canonical import from_json, to_json
from reports.themes import THEMES
from tests.reports.facts_made import AS_OF, facts, paper, profile, project, undecided, unit

KEY = re.compile(r"[a-z0-9_.|-]+")

PARTITIONS: Mapping[str, tuple[str, ...]] = {
    "fraction/now": ("observed", "published", "silent", "within_time"),
    "papers/by-year": ("papers", "pi", "pi_and_archive", "archive", "undetermined"),
    "papers/by-archival": ("papers", "none", "part", "all_archival", "undetermined"),
    "papers/refereed": ("refereed", "not_refereed", "papers", "errata"),
    "papers/papers-per-project": ("projects",),
    "papers/reuse": ("observed", "published"),
    "papers/journals": ("papers",),
    "people/by-region": ("papers", "pi", "pi_and_archive", "archive", "undetermined"),
    "people/region-by-year": ("eu", "na", "ea", "cl", "other", "not-known", "papers"),
    "people/countries": ("papers",),
    "data/reach": ("units", "hours"),
    "data/release": ("released",),
    "citations/by-year": ("papers", "not-known", "total"),
    "citations/by-origin": ("papers", "not-known", "total"),
    "silence/backlog": ("projects",),
    "silence/by-cycle": ("observed", "silent", "under-1", "from-1", "from-2", "from-5", "from-10"),
    "silence/by-partner": ("observed", "silent", "under-1", "from-1", "from-2", "from-5", "from-10"),
    "bibliography/undecided": ("papers",),
    "bibliography/projects-waiting": ("certain", "likely", "unlikely", "fraction", "if-certain", "if-likely", "silent"),
    "bibliography/papers-waiting": ("papers", "certain", "likely", "unlikely", "if-certain", "if-likely"),
    "bibliography/decisions": ("papers",),
    "bibliography/coverage": ("holes", "days"),
}
"""Tables whose rows divide the row ``all``: each row behind it is in exactly one of the others."""

SUMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "fraction/now": ("observed", ("published", "silent", "within_time")),
    "papers/by-year": ("papers", ("pi", "pi_and_archive", "archive", "undetermined")),
    "papers/by-archival": ("papers", ("none", "part", "all_archival", "undetermined")),
    "papers/refereed": ("papers", ("refereed", "not_refereed")),
    "people/by-region": ("papers", ("pi", "pi_and_archive", "archive", "undetermined")),
    "people/region-by-year": ("papers", ("eu", "na", "ea", "cl", "other", "not-known")),
    "silence/by-cycle": ("silent", ("under-1", "from-1", "from-2", "from-5", "from-10")),
    "silence/by-partner": ("silent", ("under-1", "from-1", "from-2", "from-5", "from-10")),
}
"""Tables with a column that others divide."""

days = st.one_of(st.none(), st.dates(date(2011, 9, 1), date(2027, 6, 1)))
units = st.builds(
    unit, st.integers(1, 99), days, st.one_of(days, st.just(date(3000, 1, 1))), st.sampled_from([None, 0.5, 2.0, 40.0])
)
projects = st.builds(
    project,
    st.integers(1, 12),
    cycle=st.sampled_from(["2011.0", "2013.1", "2016.1", "2019.1", "1999.9", None]),
    call=st.sampled_from(["regular", "supplemental", "ddt", ""]),
    kind=st.sampled_from(["S", "T", "L", ""]),
    category=st.sampled_from(["", "Disks", "disks ", "Galaxies; Disks", "銀河"]),
    partner=st.sampled_from(["EU", "NA", "", "Elsewhere"]),
    state=st.sampled_from(["", "Completed", "Running"]),
    is_pi_project=st.sampled_from([True, True, True, False]),
    team=st.sampled_from([("Ahn, Bora", "Berg, Lotte"), ("Cole, Dana",), ()]),
    units=st.lists(units, max_size=3).map(tuple),
)
papers = st.builds(
    paper,
    st.integers(1, 14),
    authors=st.sampled_from([("Ahn, Bora",), ("Dorn, Emil", "Berg, Lotte"), ()]),
    orcids=st.just(()),
    first_affiliation=st.sampled_from(["", "Institute of Rings, Tokyo, Japan", "Nowhere"]),
    is_refereed=st.sampled_from([True, True, False]),
    kind=st.sampled_from(["article", "proceedings", "", "erratum"]),
    journal=st.sampled_from(["ApJ", "A&A", ""]),
    year=st.one_of(st.none(), st.integers(1899, 2031)),
    published_on=days,
    published_precision=st.sampled_from(["day", "month", "year", ""]),
    preprint_on=days,
    citations=st.one_of(st.none(), st.integers(0, 900)),
    facilities=st.sampled_from([(), ("Hubble",), ("Hubble", "Keck")]),
).map(lambda one: one._replace(orcids=("",) * len(one.authors)))


def campaign(number: int, answers: int) -> CampaignAnswers:
    """Return a released campaign with so many answers; from fewer than five persons its reasons are withheld."""
    asked = profile().questionnaire
    chosen = {asked.status.key: {1: answers - 2, 9: 2}} if answers >= 5 else {}
    whole = Part(f"Campaign {number}", 20, 18, None, answers, answers, chosen)
    standing = Standing.WHOLE if chosen else Standing.FEW
    days = date(2024, 5, 1), date(2024, 6, number)
    return CampaignAnswers(number, whole.name, standing, *days, asked, whole)


@st.composite
def bibliographies(draw: st.DrawFn) -> Bibliography:
    """Draw a state of the bibliography: what waits, what was decided, holes."""
    numbers = st.sets(st.integers(1, 40), max_size=6)
    decided = sorted(draw(numbers))
    waiting = sorted(draw(numbers))
    spans = [
        (date(2026, 1, 1) + timedelta(n), date(2026, 1, 3) + timedelta(n)) for n in range(0, draw(st.integers(0, 9)), 5)
    ]
    agreed = draw(st.integers(0, 5))
    alike = draw(papers)
    return undecided(
        {(paper, draw(st.integers(1, 12))): draw(st.sampled_from(BANDS)) for paper in waiting},
        [alike._replace(id=i) for i in waiting],
        paper_to_decision_days={i: 3 * i for i in decided if i % 4},
        decided_on={i: date(2015 + i % 12, 5, 1) for i in decided},
        second_readings=agreed + draw(st.integers(0, 3)),
        agreed=agreed,
        under_second_reading=frozenset(draw(st.sets(st.integers(1, 14), max_size=2))),
        names={i: f"paper {i}" for i in {*decided, *waiting}},
        holes=tuple(Hole("arXiv", first, last) for first, last in spans),
    )


@st.composite
def whole(draw: st.DrawFn) -> Facts:
    """Draw all that a report counts; links are of papers and projects that there are."""
    known = {one.id: one for one in draw(st.lists(projects, max_size=8))}
    written = {one.id: one for one in draw(st.lists(papers, max_size=8))}
    pairs = [(i, j) for i in sorted(written) for j in sorted(known)]
    links = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=12)) if pairs else []
    through = draw(st.one_of(st.none(), st.dates(date(2020, 1, 1), AS_OF)))
    return facts(known.values(), written.values(), links, complete_through=through, bibliography=draw(bibliographies()))


def tables(report: Report) -> dict[str, Table]:
    """Return the tables of a report by "theme/table"."""
    return {f"{theme.key}/{table.key}": table for theme in report.themes for table in theme.tables}


FEW = settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
"""A report is a thousand figures: explaining a failure by tracing every line would take minutes."""


@FEW
@given(whole())
def test_every_figure_is_whole(known: Facts) -> None:
    """Its definition exists, its rows are sorted, of the kind its definition says, and named; its numbers agree."""
    report = build(known, profile())
    for at, figure in report.figures():
        _check_figure(report, known, at, figure)


def _check_figure(report: Report, known: Facts, at: Address, figure: Figure) -> None:
    indicator = INDICATORS[figure.indicator]
    for ids in (figure.ids, figure.rest):
        assert list(ids) == sorted(set(ids)), at
    assert not set(figure.ids) & set(figure.rest), at
    if indicator.rows:
        names = report.projects if indicator.rows == "projects" else report.papers
        there = set(known.projects if indicator.rows == "projects" else {**known.papers, **known.bibliography.names})
        assert names.keys() >= {*figure.ids, *figure.rest}, at
        assert there >= {*figure.ids, *figure.rest}, at
    else:
        assert figure.ids == figure.rest == (), at
    if figure.value is None:
        assert figure.note or not (figure.ids or figure.rest), f"{at} has no value and does not say why"
        return
    assert math.isfinite(figure.value), at
    if indicator.form == "share" and indicator.unit.startswith("fraction"):
        assert 0 <= figure.value <= 1, at
        assert figure.low is None or figure.low <= figure.value + 1e-9, at
        assert figure.high is None or figure.high >= figure.value - 1e-9, at
        if isinstance(figure.denominator, int) and figure.denominator and figure.numerator is not None:
            assert figure.value == pytest.approx(figure.numerator / figure.denominator), at
            if indicator.unit == f"fraction of {indicator.rows}" and isinstance(figure.numerator, int):
                assert figure.numerator == len(figure.ids), at
                assert not figure.rest or figure.denominator == len(figure.ids) + len(figure.rest), at


@FEW
@given(whole())
def test_every_table_can_be_addressed(known: Facts) -> None:
    """Keys are unique where they must be and can stand in an address; columns have definitions and rows a figure each."""
    report = build(known, profile())
    assert [theme.key for theme in report.themes] == list(THEMES)
    for name, table in tables(report).items():
        for keys in ([row.key for row in table.rows], [column.key for column in table.columns]):
            assert len(keys) == len(set(keys)), name
            assert all(KEY.fullmatch(key) for key in keys), (name, keys)
        assert all(column.indicator in INDICATORS for column in table.columns), name
        assert all(len(row.figures) == len(table.columns) for row in table.rows), name
        drawn = {key for chart in table.charts for key in chart.columns}
        assert drawn <= {column.key for column in table.columns}, name
    for at in report.headline:
        report.figure(at)


@FEW
@given(whole())
def test_parts_sum_to_the_whole(known: Facts) -> None:
    """What divides a table's row of all adds up to it, in numbers and in rows; so do columns that divide another."""
    found = tables(build(known, profile()))
    for name, columns in PARTITIONS.items():
        table = found.get(name)
        if table is None:  # there are no partners without projects
            assert name == "silence/by-partner"
            continue
        for column in columns:
            parts = [table.figure(row.key, column) for row in table.rows if row.key != "all"]
            everything = table.figure("all", column)
            if INDICATORS[everything.indicator].form != "share":  # of shares the numerators add up
                assert sum(part.value or 0 for part in parts) == pytest.approx(everything.value or 0), (name, column)
            assert sorted(i for part in parts for i in part.ids) == list(everything.ids), (name, column)
    for name, (column, divided) in SUMS.items():
        for row in found[name].rows if name in found else ():
            parts = [found[name].figure(row.key, part) for part in divided]
            assert sorted(i for part in parts for i in part.ids) == list(found[name].figure(row.key, column).ids)


@FEW
@given(whole(), st.sets(st.tuples(st.sampled_from([77, 78, 79]), st.integers(1, 12)), min_size=1), papers)
def test_an_undecided_candidate_changes_no_number_but_the_undecided(
    known: Facts, more: set[tuple[int, int]], alike: Paper
) -> None:
    """Not even its paper's, however certain the machine is. What it could change says so itself, and only rises."""
    pairs = {pair: band for band, found in known.bibliography.undecided_pairs.items() for pair in found}

    def waiting(bands: Mapping[tuple[int, int], str]) -> Facts:
        made = undecided(bands, [alike._replace(id=i) for i, _ in bands])
        fields = {
            name: getattr(made, name)
            for name in ("undecided", "undecided_papers", "undecided_pairs", "undecided_facts")
        }
        names = {**known.bibliography.names, **made.names}
        return replace(known, bibliography=replace(known.bibliography, **fields, names=names))

    before = build(waiting(pairs), profile())
    after = build(waiting({**pairs, **dict.fromkeys(more, "certain")}), profile())
    then = dict(before.figures())
    moved = {at: figure for at, figure in after.figures() if figure != then.pop(at, None)}
    assert not then
    assert {(at.theme, at.table) for at in moved} <= {("bibliography", table) for table in OF_THE_UNDECIDED}
    assert {at.row for at in moved if at.table == "undecided"} == {"certain", "all"}
    for at, figure in moved.items():
        if figure.indicator.endswith("_if_accepted") and at.row == "all":
            assert (figure.value or 0) >= (before.figure(at).value or 0)


OF_THE_UNDECIDED = ("undecided", "projects-waiting", "papers-waiting")
"""The tables whose figures are about what waits."""


@FEW
@given(whole())
def test_what_could_be_is_what_comes_when_all_that_is_certain_is_accepted(known: Facts) -> None:
    """The fractions and numbers "at most" are those of the report in which the candidates were accepted."""
    state = known.bibliography
    certain = state.undecided_pairs.get("certain", ())
    could = {i: paper for i, paper in state.undecided_facts.items() if i not in known.papers}
    pairs = [(i, j) for i, j in certain if i in could and j in known.projects]
    # Of each such paper one more link was accepted before, and counts again with any of its candidates.
    again = [(i, max(known.projects)) for i in sorted({i for i, _ in pairs})]
    known = replace(
        known,
        bibliography=replace(
            state,
            undecided_facts=could,
            undecided_pairs={"certain": tuple(pairs)},
            relinked_pairs={"certain": tuple(again)},
        ),
    )
    accepted = replace(
        known,
        papers={**known.papers, **{i: could[i] for i, _ in pairs}},
        links=(*known.links, *(Link(i, j) for i, j in {*pairs, *again})),
    )
    before, after = tables(build(known, profile())), tables(build(accepted, profile()))
    could_be = before["bibliography/projects-waiting"]
    for row in could_be.rows:
        now = after["fraction/now"].figure(row.key, "fraction")
        assert could_be.figure(row.key, "if-certain").value == now.value
        assert could_be.figure(row.key, "if-certain").ids == now.ids
        within = after["fraction/fixed-age"].figure(row.key, "y4")
        assert could_be.figure(row.key, "y4-if-certain").value == within.value
    years = before["bibliography/papers-waiting"]
    assert years.figure("all", "if-certain").ids == after["papers/by-year"].figure("all", "papers").ids


@FEW
@given(whole(), st.randoms(use_true_random=False))
def test_shuffling_changes_nothing(known: Facts, random: Random) -> None:
    """Whatever order the database gives things in, the report is the same to the last bit."""
    mixed = replace(
        known,
        projects=_shuffled(known.projects, random),
        papers=_shuffled(known.papers, random),
        links=tuple(random.sample(known.links, len(known.links))),
        bibliography=replace(
            known.bibliography,
            decided_on=_shuffled(known.bibliography.decided_on, random),
            paper_to_decision_days=_shuffled(known.bibliography.paper_to_decision_days, random),
            holes=tuple(random.sample(known.bibliography.holes, len(known.bibliography.holes))),
        ),
    )
    assert to_json(build(mixed, profile())) == to_json(build(known, profile()))


def _shuffled(things: Mapping[int, Any], random: Random) -> dict[int, Any]:
    keys = random.sample(list(things), len(things))
    return {key: things[key] for key in keys}


@FEW
@given(whole())
def test_a_report_is_read_back_as_it_was_written(known: Facts) -> None:
    """The canonical form loses nothing that matters: written again it has the same bytes."""
    written = to_json(build(known, profile()))
    assert to_json(from_json(written)) == written


NEVER_FALL = ("publication_fraction", "published_time", "published", "published_within", "published_within_time")
"""Indicators of projects that published: what is found later can only add to them."""


@FEW
@given(whole(), st.data())
def test_a_later_paper_never_lowers_a_publication_fraction(known: Facts, data: st.DataObject) -> None:
    """Neither now nor at fixed age, of no group, by projects or by time."""
    if not known.projects:
        return
    one = data.draw(papers)
    extra = one._replace(id=50, is_refereed=True, kind="article")
    on = data.draw(st.sampled_from(sorted(known.projects)))
    more = replace(known, papers={**known.papers, 50: extra}, links=(*known.links, Link(50, on)))
    before, after = build(known, profile()), build(more, profile())
    for at, figure in before.figures():
        if at.theme == "fraction" and figure.indicator in NEVER_FALL and figure.value is not None:
            now = after.figure(at).value
            assert now is not None, at
            assert now >= figure.value, at


@FEW
@given(st.lists(projects, max_size=5), st.dates(date(1990, 1, 1), date(2011, 8, 30)))
def test_a_day_before_everything_is_all_zero(listed: list[Project], on: date) -> None:
    """Projects that are only planned, no paper and no link: zero or no value everywhere, and no row behind anything."""
    planned = facts(listed, as_of=on, complete_through=None)
    for at, figure in build(planned, profile()).figures():
        assert not figure.value or _is_theirs(figure), at
        assert figure.ids == (), at


def test_nothing_at_all_is_a_report() -> None:
    """An empty bibliography gives every theme, zeros and dashes."""
    report = build(Facts(as_of=AS_OF), profile())
    assert [theme.key for theme in report.themes] == list(THEMES)
    assert all(not figure.value or _is_theirs(figure) for _, figure in report.figures())


def _is_theirs(figure: Figure) -> bool:
    """Whether it is what another observatory published, which stands beside ours whatever we have."""
    return figure.indicator.startswith("published_elsewhere_")
