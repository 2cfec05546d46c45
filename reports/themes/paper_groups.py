"""Papers in groups, by year first of all, and the figures that every table of papers is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from matching.authorship import DataUse
from reports.definitions.model import Indicator
from reports.definitions.papers import ARCHIVE_DATA, ARCHIVE_SHARE, BOTH_DATA, PI_DATA, UNDETERMINED
from reports.document import Column, Figure, Row
from reports.facts.counted import BANDS, Counted
from reports.facts.model import Facts, Paper
from reports.themes import backlog
from reports.themes.groups import ALL, NOT_KNOWN

UNDATED = "undated"
"""Key of the row of papers of no year."""

FIRST_YEAR = 1900
"""Papers of an earlier year, or of one to come, count under no year."""

MOST_EMPTY_YEARS = 60
"""Between the first year and the last those without a paper have rows too, unless they are so many that a date is wrong."""

MOST_DRAWN = 20
"""Rows of a long table that a chart shows."""

MOST_OPEN = 40
"""Rows of a table that stands open on a page; a longer one is folded."""

COLOURS: Mapping[str, str] = {
    "pi": "#00548A",
    "pi_and_archive": "#007557",
    "archive": "#C06300",
    "undetermined": "#939393",
}
"""One colour for the origin of data everywhere; each lighter than the one before, so that they differ in grey as well."""

USE_COLUMNS = (
    Column("pi", "PI data", PI_DATA.key),
    Column("pi_and_archive", "PI and archive data", BOTH_DATA.key),
    Column("archive", "Archive data", ARCHIVE_DATA.key),
    Column("undetermined", "Origin unknown", UNDETERMINED.key),
    Column("archive_share", "Using archive data", ARCHIVE_SHARE.key),
)


@dataclass(frozen=True, slots=True)
class PaperGroup:
    """Some papers, sorted, under a key and a name. ``is_incomplete``: more can still come without being found late.

    ``backlog`` says how many more wait for a decision, where they are many.
    """

    key: str
    name: str
    ids: tuple[int, ...]
    is_incomplete: bool = False
    backlog: str = ""


Making = Callable[[PaperGroup], tuple[Figure, ...]]


def year_of(paper: Paper, as_of: date) -> int | None:
    """Return the year under which a paper counts; None where none is known, or one that cannot be."""
    return paper.year if paper.year is not None and FIRST_YEAR <= paper.year <= as_of.year else None


def by_year(
    counted: Counted, papers: Iterable[int], years: Mapping[int, int | None] | None = None
) -> tuple[PaperGroup, ...]:
    """Return papers by year, years without one between two that have some among them, then those of no year.

    ``years``: the year of each, where they are not all papers that are counted.
    """
    facts = counted.facts
    found: dict[int | None, list[int]] = {}
    for i in papers:
        year = year_of(facts.papers[i], facts.as_of) if years is None else years[i]
        found.setdefault(year, []).append(i)
    undated = found.pop(None, [])
    known = sorted(year for year in found if year is not None)
    if known and known[-1] - known[0] <= len(known) + MOST_EMPTY_YEARS:
        known = list(range(known[0], known[-1] + 1))
    groups = [
        PaperGroup(str(year), str(year), tuple(sorted(found.get(year, ()))), is_running(year, facts)) for year in known
    ]
    return (*groups, *([PaperGroup(UNDATED, "No year", tuple(sorted(undated)))] if undated else []))


def is_running(year: int, facts: Facts) -> bool:
    """Whether a year was not over on the day up to which the bibliography is complete (not known: the report's day)."""
    return date(year, 12, 31) > (facts.complete_through or facts.as_of)


def running_notes(facts: Facts, groups: Iterable[PaperGroup]) -> tuple[str, ...]:
    """Return what a table by year says of its marked years."""
    if not any(group.is_incomplete for group in groups):
        return ()
    if facts.complete_through is None:
        return (
            "No day is known up to which the bibliography is complete; years not over on the report's day are marked.",
        )
    return (f"The bibliography is complete through {facts.complete_through}: years not over by then are marked.",)


def with_backlog(counted: Counted, groups: Iterable[PaperGroup]) -> tuple[PaperGroup, ...]:
    """Return groups by year (``ALL``: of all years) with what they say of the many that wait for a decision."""
    waits, as_of = counted.undecided, counted.facts.as_of
    certain = waits.uncounted[BANDS[0]]
    years = Counter(year_of(waits.paper(i), as_of) for i in certain)
    more = {ALL: len(certain), **{str(year or UNDATED): number for year, number in years.items()}}
    return tuple(replace(g, backlog=backlog.of_papers(more.get(g.key, 0), len(g.ids))) for g in groups)


def everything(papers: Iterable[int]) -> PaperGroup:
    """Return all of the papers as one group."""
    return PaperGroup(ALL, "All", tuple(sorted(papers)))


def rows_of(groups: Iterable[PaperGroup], figures: Making) -> tuple[Row, ...]:
    """Return a row for each group."""
    return tuple(Row(group.key, group.name, figures(group), group.is_incomplete, group.backlog) for group in groups)


def most(groups: Sequence[PaperGroup], title: str) -> tuple[str, tuple[str, ...]]:
    """Return a chart's title and the keys of the rows it leaves out, of groups with most papers first."""
    left_out = tuple(group.key for group in groups[MOST_DRAWN:] if group.key != NOT_KNOWN)
    return (f"{title}: the {MOST_DRAWN} with most", left_out) if left_out else (title, ())


def count(indicator: Indicator, ids: Sequence[int], group: PaperGroup) -> Figure:
    """Return how many of a group's papers there are."""
    return Figure(indicator.key, len(ids), tuple(ids), is_incomplete=group.is_incomplete)


def share(indicator: Indicator, hits: Sequence[int], rest: Sequence[int], group: PaperGroup) -> Figure:
    """Return the share of papers that are hits; None where there is none of either."""
    total = len(hits) + len(rest)
    value, note = (len(hits) / total, "") if total else (None, "No paper.")
    return Figure(
        indicator.key,
        value,
        tuple(hits),
        tuple(rest),
        len(hits),
        total,
        is_incomplete=group.is_incomplete,
        note=note,
    )


def share_of_all(indicator: Indicator, ids: Sequence[int], total: int, group: PaperGroup) -> Figure:
    """Return the share of all papers that a group's are. The others are those of the row of all, and not repeated."""
    value, note = (len(ids) / total, "") if total else (None, "No paper.")
    return Figure(
        indicator.key,
        value,
        tuple(ids),
        numerator=len(ids),
        denominator=total,
        is_incomplete=group.is_incomplete,
        note=note,
    )


def uses(counted: Counted, group: PaperGroup) -> tuple[Figure, ...]:
    """Return the figures of ``USE_COLUMNS``: the group's papers by whose data they used, and the share with archive data."""
    found: dict[DataUse, list[int]] = {use: [] for use in DataUse}
    use_of = counted.data_use
    for i in group.ids:
        found[use_of[i]].append(i)
    own, both, archive = found[DataUse.PI], found[DataUse.BOTH], found[DataUse.ARCHIVE]
    return (
        count(PI_DATA, own, group),
        count(BOTH_DATA, both, group),
        count(ARCHIVE_DATA, archive, group),
        count(UNDETERMINED, found[DataUse.UNDETERMINED], group),
        share(ARCHIVE_SHARE, sorted((*both, *archive)), own, group),
    )
