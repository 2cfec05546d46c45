"""Theme: citations of the refereed papers, by year, by category and by whose data they used.

A paper without a count is not known: it is counted as such, and is in no other number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from matching.authorship import DataUse
from reports.definitions.citations import (
    CITED,
    H_INDEX,
    MEAN,
    MEDIAN,
    NOT_KNOWN,
    OF_PAPER,
    PER_YEAR,
    TOTAL,
    YOUNGEST,
)
from reports.document import Chart, Column, Figure, Row, Table, paper_key
from reports.facts.counted import DAYS_PER_YEAR, Counted
from reports.themes.backlog import papers_notes
from reports.themes.groups import ALL, by_facet, facets_of
from reports.themes.paper_groups import UNDATED, PaperGroup, is_running, running_notes, with_backlog
from reports.themes.places import Places, Pool

KEY = "citations"
NAME = "Citations"
QUESTION = "How much are the papers cited?"

FIRST_YEAR = 1900
"""Papers of an earlier year, or of one to come, count under no year."""

MOST_CITED = 25
"""Papers in the list of those cited most."""

_COLUMNS = (
    Column("papers", "Papers with a count", CITED.key),
    Column("not-known", "Without a count", NOT_KNOWN.key),
    Column("total", "Citations", TOTAL.key),
    Column("mean", "Mean", MEAN.key),
    Column("median", "Median", MEDIAN.key),
    Column("h-index", "h-index", H_INDEX.key),
    Column("per-year", "Per paper and year", PER_YEAR.key),
)

_USES = {
    DataUse.PI: "PI data",
    DataUse.BOTH: "PI and archive data",
    DataUse.ARCHIVE: "Archive data",
    DataUse.UNDETERMINED: "Origin unknown",
}


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return citations by year of publication, by category, by origin of the data, and the papers cited most."""
    cited = _Cited(counted)
    found = (_by_year(cited), _by_category(cited), _by_use(cited), _most_cited(cited))
    return tuple(table for table in found if table is not None)


class _Cited:
    """Counts and ages of the refereed papers as columns of numbers, in the order of their ids."""

    def __init__(self, counted: Counted) -> None:
        self.counted = counted
        self.ids = np.array(sorted(counted.refereed), dtype=np.int64)
        papers = [counted.facts.papers[i] for i in self.ids.tolist()]
        self.counts = np.array([_UNKNOWN if p.citations is None else p.citations for p in papers], dtype=np.int64)
        as_of = counted.facts.as_of
        days = (counted.appeared_on[i] for i in self.ids.tolist())
        self.ages = np.array([0 if day is None else (as_of - day).days for day in days]) / DAYS_PER_YEAR

    @property
    def everything(self) -> Places:
        """All places."""
        return np.arange(len(self.ids))

    def places(self, papers: Iterable[int]) -> Places:
        """Return where some of the papers stand, in ascending order."""
        wanted = np.fromiter(papers, dtype=np.int64)
        wanted.sort()
        return np.searchsorted(self.ids, wanted)

    def figures(self, places: Places) -> tuple[Figure, ...]:
        """Return the figures of ``_COLUMNS`` for some of the papers."""
        is_known = self.counts[places] != _UNKNOWN
        known, unknown = places[is_known], places[~is_known]
        counts = self.counts[known]
        total, count, ids = int(counts.sum()), len(known), self.rows(known)
        first = (Figure(CITED.key, count, ids), Figure(NOT_KNOWN.key, len(unknown), self.rows(unknown)))
        if not count:
            nothing = (TOTAL, MEAN, MEDIAN, H_INDEX, PER_YEAR)
            return (*first, *(Figure(one.key, None, note="No count is known.") for one in nothing))
        return (
            *first,
            Figure(TOTAL.key, total, ids, numerator=total),
            Figure(MEAN.key, total / count, ids, numerator=total, denominator=count),
            Figure(MEDIAN.key, float(np.median(counts)), ids, denominator=count),
            self._h_index(known),
            self.per_year(known),
        )

    def per_year(self, known: Places) -> Figure:
        """Return what papers with a count collect in a year, of those that have been out for one."""
        is_old = self.ages[known] >= YOUNGEST
        old, rest = known[is_old], self.rows(known[~is_old])
        if not len(old):
            said = "No paper has been out for a year."
            return Figure(PER_YEAR.key, None, rest=rest, numerator=0, denominator=0.0, note=said)
        citations, years = int(self.counts[old].sum()), math.fsum(self.ages[old].tolist())
        said = f"{len(rest)} left out: out for less than a year, or of unknown day." if rest else ""
        return Figure(PER_YEAR.key, citations / years, self.rows(old), rest, citations, years, note=said)

    def ranked(self, places: Places) -> Places:
        """Return the places by citations, most first; of equals the earlier paper."""
        order = np.lexsort((places, -self.counts[places]))
        found: Places = places[order]
        return found

    def _h_index(self, known: Places) -> Figure:
        ranked = self.ranked(known)
        h = int((self.counts[ranked] >= np.arange(1, len(ranked) + 1)).sum())
        return Figure(H_INDEX.key, h, self.rows(np.sort(ranked[:h])), self.rows(np.sort(ranked[h:])))

    def rows(self, places: Places) -> tuple[int, ...]:
        """Return the ids of the papers at these places."""
        return tuple(self.ids[places].tolist())


_UNKNOWN = -1
"""Stands for a count that is not known."""


def _by_year(cited: _Cited) -> Table:
    facts = cited.counted.facts
    last, papers = facts.as_of.year, facts.papers
    years = np.array([papers[i].year or 0 for i in cited.ids.tolist()], dtype=np.int64)
    years[(years < FIRST_YEAR) | (years > last)] = 0
    found = [(y, np.flatnonzero(years == y)) for y in np.unique(years).tolist() if y]
    if len(undated := np.flatnonzero(years == 0)):
        found.append((0, undated))
    years_of = [
        PaperGroup(
            str(y or UNDATED),
            str(y or "No year, or one to come"),
            cited.rows(places),
            is_incomplete=y > 0 and is_running(y, facts),
        )
        for y, places in found
    ]
    whole = PaperGroup(ALL, "All papers", cited.rows(cited.everything))
    groups = with_backlog(cited.counted, (*years_of, whole))
    rows = [
        replace(_row(cited, group.key, group.name, places, is_incomplete=group.is_incomplete), backlog=group.backlog)
        for group, places in zip(groups, (*(places for _, places in found), cited.everything), strict=True)
    ]
    return Table(
        key="by-year",
        title="Citations by year of publication",
        rows_are="Year",
        columns=_COLUMNS,
        rows=tuple(rows),
        says="Compare years by citations per paper and year: the other columns favour papers that have been out longer.",
        charts=(
            Chart(
                "bars", "Citations per paper and year, by year of publication", _DRAWN, "Year", _RATE, without=_WHOLE
            ),
            Chart(
                "bars",
                "Mean citations per paper, by year of publication",
                ("mean",),
                "Year",
                "Citations per paper",
                without=_WHOLE,
            ),
        ),
        notes=(*_notes(cited), *running_notes(facts, groups)),
    )


_RATE = "Citations per paper and year"
_DRAWN = ("per-year",)
_WHOLE = ("all",)


def _by_category(cited: _Cited) -> Table | None:
    """A paper is in every category that one of its projects has; None where no project has any."""
    counted = cited.counted
    facet = next(facet for facet in facets_of(counted.profile) if facet.key == "category")
    pool = Pool.of(counted, counted.refereed_of)
    divided = by_facet(counted, facet, pool)
    if divided is None:
        return None
    rows = []
    for group in divided.groups:
        papers = {i for j in pool.rows(group.places) for i in counted.refereed_of[j]}
        rows.append(_row(cited, group.key, group.name, cited.places(papers)))
    return Table(
        key="by-category",
        title=f"Citations by {facet.name}",
        rows_are="Category",
        columns=_COLUMNS,
        rows=(*rows, _row(cited, "all", "All papers", cited.everything)),
        says="A paper with projects of two categories counts in both, so the rows can add up to more than all papers.",
        charts=(
            Chart("bars", f"Citations per paper and year, by {facet.name}", _DRAWN, "Category", _RATE, without=_WHOLE),
        ),
    )


def _by_use(cited: _Cited) -> Table:
    found: dict[DataUse, list[int]] = {use: [] for use in _USES}
    for place, i in enumerate(cited.ids.tolist()):
        found[cited.counted.data_use[i]].append(place)
    rows = [_row(cited, use.value, name, np.array(found[use], dtype=np.intp)) for use, name in _USES.items()]
    return Table(
        key="by-origin",
        title="Citations by origin of the data",
        rows_are="Data",
        columns=_COLUMNS,
        rows=(*rows, _row(cited, "all", "All papers", cited.everything)),
        says="PI data: the paper's authors and the project's team share a person; archive data: they do not.",
        charts=(
            Chart("bars", "Citations per paper and year, by origin of the data", _DRAWN, "Data", _RATE, without=_WHOLE),
        ),
    )


def _row(cited: _Cited, key: str, name: str, places: Places, *, is_incomplete: bool = False) -> Row:
    figures = cited.figures(places)
    return Row(key, name, _marked(figures) if is_incomplete else figures, is_incomplete)


def _marked(figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    return tuple(replace(figure, is_incomplete=True) for figure in figures)


def _most_cited(cited: _Cited) -> Table:
    """The papers are named, so those under second reading are not listed: it would tell a verdict."""
    waiting = cited.counted.facts.bibliography.under_second_reading
    is_listed = np.array([i not in waiting for i in cited.ids.tolist()], dtype=np.bool_)
    ranked = cited.ranked(np.flatnonzero((cited.counts != _UNKNOWN) & is_listed))[:MOST_CITED]
    return Table(
        key="most-cited",
        title="The papers cited most",
        rows_are="Paper",
        columns=(Column("citations", "Citations", OF_PAPER.key), Column("per-year", "Per year", PER_YEAR.key)),
        rows=tuple(
            Row(
                paper_key(i),
                _named(cited.counted, i),
                (Figure(OF_PAPER.key, int(cited.counts[place]), (i,)), cited.per_year(np.array([place]))),
            )
            for place, i in zip(ranked.tolist(), cited.ids[ranked].tolist(), strict=True)
        ),
        says=f"The {MOST_CITED} papers with the most citations, whatever their age. A paper that a second reader has yet "
        "to judge is counted in the other tables and not listed here.",
    )


def _named(counted: Counted, paper: int) -> str:
    facts = counted.facts.papers[paper]
    first = facts.authors[0].partition(",")[0].strip() if facts.authors else ""
    others = " et al." if len(facts.authors) > 1 else ""
    head = " ".join(part for part in (first + others if first else "", str(facts.year or "")) if part)
    title = facts.title or "without a title"
    return f"{head}: {title}" if head else title


def _notes(cited: _Cited) -> tuple[str, ...]:
    unknown = int((cited.counts == _UNKNOWN).sum())
    waits = papers_notes(cited.counted)
    if not unknown:
        return waits
    of = f"{unknown} of {len(cited.ids)} papers"
    return (f"Of {of} no citation count is known; they are in no other number here.", *waits)
