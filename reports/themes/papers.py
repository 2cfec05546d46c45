"""Theme: papers by year and by whose data, by journal, category and other observatory; and papers per project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from statistics import median
from typing import TypeVar

from biblio.catalogue.journals import full_name, journal_key
from matching.authorship import Archival
from reports.definitions.model import Indicator
from reports.definitions.papers import (
    ALL_PAPERS,
    ARCHIVAL_ALL,
    ARCHIVAL_NONE,
    ARCHIVAL_PART,
    ARCHIVAL_SHARE,
    ARCHIVAL_UNDETERMINED,
    ARCHIVE_SHARE,
    ERRATA,
    MEDIAN_PER_PROJECT,
    MULTI_FACILITY,
    NOT_REFEREED,
    PAPERS,
    PAPERS_PER_PROJECT,
    PROJECTS_BY_PAPERS,
    PUBLISHED_TWICE,
    REUSE,
    SHARE_BY_PAPERS,
    SHARE_OF_PAPERS,
    USED_BY_OTHERS,
    USES,
)
from reports.definitions.projects import OBSERVED, PUBLISHED
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import Counted
from reports.themes.backlog import papers_notes, projects_notes
from reports.themes.groups import ALL, NOT_KNOWN, by_cycle, by_facet, facets_of
from reports.themes.keys import key_of
from reports.themes.paper_groups import (
    COLOURS,
    MOST_OPEN,
    USE_COLUMNS,
    PaperGroup,
    by_year,
    count,
    everything,
    most,
    rows_of,
    running_notes,
    share,
    share_of_all,
    uses,
    with_backlog,
)
from reports.themes.places import Pool
from reports.themes.unknown_origin import unknown_origin

KEY = "papers"
NAME = "Papers"
QUESTION = "How many papers, of whose data, in which journals?"

STEPS = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 9), (10, None))
"""Numbers of papers that a project can have, as the rows of the distribution: from, to (None: and more)."""

_Value = TypeVar("_Value", bound=Hashable)

_PAPERS = Column("papers", "Papers", PAPERS.key)
_SHARE = Column("share", "Share", SHARE_OF_PAPERS.key)
_BY_ARCHIVAL = (
    _PAPERS,
    Column("none", "None archival", ARCHIVAL_NONE.key),
    Column("part", "Part archival", ARCHIVAL_PART.key),
    Column("all_archival", "All archival", ARCHIVAL_ALL.key),
    Column("undetermined", "Unknown", ARCHIVAL_UNDETERMINED.key),
    Column("archival_share", "All archival, share", ARCHIVAL_SHARE.key),
    Column("archive_share", "Part or all, share", ARCHIVE_SHARE.key),
)
_PER_PROJECT = (
    Column("observed", "Observed", OBSERVED.key),
    Column("published", "Published", PUBLISHED.key),
    Column("uses", "Uses by papers", USES.key),
    Column("per_project", "Papers per publishing project", PAPERS_PER_PROJECT.key),
    Column("median", "Median", MEDIAN_PER_PROJECT.key),
    Column("reuse", "Re-use factor", REUSE.key),
    Column("twice", "Published more than once", PUBLISHED_TWICE.key),
    Column("by_others", "Used by others", USED_BY_OTHERS.key),
)


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme."""
    (papers,) = with_backlog(counted, [everything(counted.refereed)])
    years = with_backlog(counted, by_year(counted, papers.ids))
    return (
        _by_year(counted, papers, years),
        _by_archival(counted, papers, years),
        *unknown_origin(counted),
        _refereed(counted),
        _distribution(counted),
        _reuse(counted),
        _by_category(counted, papers),
        _journals(counted, papers),
        _facilities(counted, papers),
    )


# -- by year ----------------------------------------------------------------------------------------------------------


def _by_year(counted: Counted, papers: PaperGroup, years: tuple[PaperGroup, ...]) -> Table:
    return Table(
        key="by-year",
        title="Papers by year and origin of the data",
        rows_are="Year",
        columns=(_PAPERS, *USE_COLUMNS),
        rows=rows_of((*years, papers), lambda group: (count(PAPERS, group.ids, group), *uses(counted, group))),
        says="PI data: every project a paper used has one of its authors in its team; archive data: none has.",
        charts=(
            Chart(
                "stacked", "Papers by year and origin of the data", tuple(COLOURS), "Year", "Papers", COLOURS, (ALL,)
            ),
            Chart("lines", "Share of papers using archive data", ("archive_share",), "Year", "Share", without=(ALL,)),
        ),
        notes=(*running_notes(counted.facts, years), *papers_notes(counted)),
    )


def _by_archival(counted: Counted, papers: PaperGroup, years: tuple[PaperGroup, ...]) -> Table:
    def figures(group: PaperGroup) -> tuple[Figure, ...]:
        found: dict[Archival, list[int]] = {one: [] for one in Archival}
        for i in group.ids:
            found[counted.archival[i]].append(i)
        none, part, whole = found[Archival.NONE], found[Archival.PART], found[Archival.ALL]
        return (
            count(PAPERS, group.ids, group),
            count(ARCHIVAL_NONE, none, group),
            count(ARCHIVAL_PART, part, group),
            count(ARCHIVAL_ALL, whole, group),
            count(ARCHIVAL_UNDETERMINED, found[Archival.UNDETERMINED], group),
            share(ARCHIVAL_SHARE, whole, sorted((*none, *part)), group),
            share(ARCHIVE_SHARE, sorted((*part, *whole)), none, group),
        )

    return Table(
        key="by-archival",
        title="Papers by year and archival share",
        rows_are="Year",
        columns=_BY_ARCHIVAL,
        rows=rows_of((*years, papers), figures),
        says="The rule of the space telescopes' archive: how much of what a paper used is archival for its authors. "
        "The two shares are of papers that are archival as a whole, and of those that are in part or as a whole.",
        charts=(
            Chart("lines", "Archival papers by either rule", ("archival_share", "archive_share"), "Year", "Share", without=(ALL,)),
        ),
        notes=(*running_notes(counted.facts, years), *papers_notes(counted)),
    )  # fmt: skip


def _refereed(counted: Counted) -> Table:
    every = everything({*counted.projects_of, *counted.errata})
    years = by_year(counted, every.ids)

    def figures(group: PaperGroup) -> tuple[Figure, ...]:
        papers = [i for i in group.ids if i not in counted.errata]
        refereed = [i for i in papers if i in counted.refereed]
        others = [i for i in papers if i not in counted.refereed]
        errata = [i for i in group.ids if i in counted.errata]
        return (
            count(PAPERS, refereed, group),
            count(NOT_REFEREED, others, group),
            count(ALL_PAPERS, papers, group),
            count(ERRATA, errata, group),
        )

    return Table(
        key="refereed",
        title="Papers, refereed and not",
        rows_are="Year",
        columns=(
            Column("refereed", "Refereed", PAPERS.key),
            Column("not_refereed", "Not refereed", NOT_REFEREED.key),
            Column("papers", "All", ALL_PAPERS.key),
            Column("errata", "Errata", ERRATA.key),
        ),
        rows=rows_of((*years, every), figures),
        says="Preprints whose article has not appeared, proceedings and theses are not refereed; no other table counts them. "
        "Errata are no papers, here and everywhere.",
        charts=(
            Chart(
                "stacked",
                "Papers by year, refereed and not",
                ("refereed", "not_refereed"),
                "Year",
                "Papers",
                {"refereed": "#0072B2", "not_refereed": "#DB7916"},
                (ALL,),
            ),
        ),
        notes=running_notes(counted.facts, years),
    )


# -- per project ------------------------------------------------------------------------------------------------------


def _distribution(counted: Counted) -> Table:
    observed = sorted(counted.observed)
    numbers = {i: len(counted.refereed_of.get(i, ())) for i in observed}
    young = counted.within_time
    rows = []
    for low, high in STEPS:
        ids = tuple(i for i in observed if low <= numbers[i] and (high is None or numbers[i] <= high))
        name = f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"
        rows.append(_step(f"{low}" if low == high else f"from_{low}", name, ids, observed, young=bool(young)))
    return Table(
        key="papers-per-project",
        title="Projects by number of papers",
        rows_are="Refereed papers",
        columns=(
            Column("projects", "Projects", PROJECTS_BY_PAPERS.key),
            Column("share", "Share", SHARE_BY_PAPERS.key),
        ),
        rows=(*rows, _step(ALL, "All", tuple(observed), observed, young=bool(young))),
        says="Observed projects by how many refereed papers used their data.",
        charts=(
            Chart("bars", "Observed projects by number of papers", ("projects",), "Refereed papers", "Projects", without=(ALL,)),
        ),
    )  # fmt: skip


def _step(key: str, name: str, ids: tuple[int, ...], observed: Sequence[int], *, young: bool) -> Row:
    hits = set(ids)
    rest = tuple(i for i in observed if i not in hits)
    group = PaperGroup(key, name, ids, young and key != ALL)
    return Row(key, name, (count(PROJECTS_BY_PAPERS, ids, group), share(SHARE_BY_PAPERS, ids, rest, group)), group.is_incomplete)  # fmt: skip


def _reuse(counted: Counted) -> Table:
    pool = Pool.of(counted, counted.observed)
    cycles = [(group.key, group.name, pool.rows(group.places)) for group in by_cycle(counted, pool)]
    rows = [_reuse_row(counted, *cycle) for cycle in (*cycles, (ALL, "All", pool.rows(pool.everything)))]
    return Table(
        key="reuse",
        title="Papers per project and re-use of data",
        rows_are="Cycle",
        columns=_PER_PROJECT,
        rows=tuple(rows),
        says="A use is one refereed paper with one project. Per publishing project it says how much a success gives, per "
        "observed project how often data were used at all.",
        charts=(
            Chart("bars", "Papers per publishing project, by cycle", ("per_project",), "Cycle", "Papers per project", without=(ALL,)),
            Chart("bars", "Re-use factor by cycle", ("reuse",), "Cycle", "Uses per observed project", without=(ALL,)),
        ),
        notes=projects_notes(counted),
    )  # fmt: skip


def _reuse_row(counted: Counted, key: str, name: str, observed: tuple[int, ...]) -> Row:
    numbers = {i: len(counted.refereed_of[i]) for i in observed if i in counted.refereed_of}
    published, used = tuple(numbers), sum(numbers.values())
    twice = [i for i, papers in numbers.items() if papers > 1]
    others = [i for i in observed if i in counted.reused]
    group = PaperGroup(key, name, observed, any(i in counted.within_time for i in observed))
    figures = (
        count(OBSERVED, observed, group),
        count(PUBLISHED, published, group),
        Figure(USES.key, used, published, is_incomplete=group.is_incomplete),
        _ratio(PAPERS_PER_PROJECT, used, published, (), group),
        _median(list(numbers.values()), published, group),
        _ratio(REUSE, used, published, tuple(i for i in observed if i not in numbers), group),
        share(PUBLISHED_TWICE, twice, _without(observed, twice), group),
        share(USED_BY_OTHERS, others, _without(observed, others), group),
    )
    return Row(key, name, figures, group.is_incomplete)


def _ratio(
    indicator: Indicator, used: int, published: tuple[int, ...], silent: tuple[int, ...], group: PaperGroup
) -> Figure:
    """Return uses over projects: those with a paper, and those without where they count."""
    total = len(published) + len(silent)
    value, note = (used / total, "") if total else (None, "No project.")
    return Figure(
        indicator.key, value, published, silent, used, total, is_incomplete=group.is_incomplete, note=note
    )  # fmt: skip


def _median(numbers: Sequence[int], published: tuple[int, ...], group: PaperGroup) -> Figure:
    value, note = (median(numbers), "") if numbers else (None, "No project.")
    return Figure(
        MEDIAN_PER_PROJECT.key,
        value,
        published,
        denominator=len(published),
        is_incomplete=group.is_incomplete,
        note=note,
    )


def _without(ids: Sequence[int], hits: Iterable[int]) -> tuple[int, ...]:
    left_out = set(hits)
    return tuple(i for i in ids if i not in left_out)


# -- by category, journal, other observatory --------------------------------------------------------------------------


def _by_category(counted: Counted, papers: PaperGroup) -> Table:
    pool = Pool.of(counted, counted.refereed_of)
    facet = next(one for one in facets_of(counted.profile) if one.key == "category")
    divided = by_facet(counted, facet, pool)
    groups = []
    for one in divided.groups if divided else ():
        used = {i for project in pool.rows(one.places) for i in counted.refereed_of[project]}
        groups.append(PaperGroup(one.key, one.name, tuple(sorted(used))))
    return Table(
        key="by-category",
        title="Papers by category of the projects",
        rows_are="Category",
        columns=(_PAPERS, _SHARE, *USE_COLUMNS),
        rows=rows_of((*groups, papers), lambda group: _with_share(counted, papers, group)),
        says="A paper with projects of two categories counts in both, so the rows can add up to more than all papers.",
        charts=(
            Chart("stacked", "Papers by category and origin of the data", tuple(COLOURS), "Category", "Papers", COLOURS, (ALL,)),
        ),
    )  # fmt: skip


def _with_share(counted: Counted, papers: PaperGroup, group: PaperGroup) -> tuple[Figure, ...]:
    return (
        count(PAPERS, group.ids, group),
        share_of_all(SHARE_OF_PAPERS, group.ids, len(papers.ids), group),
        *uses(counted, group),
    )


def _journals(counted: Counted, papers: PaperGroup) -> Table:
    """Spellings of one journal are one row, under its full name."""
    found: dict[str, list[int]] = {}
    named: dict[str, Counter[str]] = {}
    for written, ids in _by_value(papers.ids, lambda i: counted.facts.papers[i].journal).items():
        key = journal_key(written)
        found.setdefault(key, []).extend(ids)
        named.setdefault(key, Counter())[full_name(written)] += len(ids)
    unknown = found.pop("", [])
    names = {key: _usual(named[key]) for key in found}
    order = sorted(found, key=lambda key: (-len(found[key]), names[key], key))
    groups = [PaperGroup(f"j.{key}", names[key], tuple(sorted(found[key]))) for key in order]
    if unknown:
        groups.append(PaperGroup(NOT_KNOWN, "Journal not known", tuple(sorted(unknown))))
    title, left_out = most(groups, "Papers by journal")
    return Table(
        key="journals",
        title="Papers by journal",
        rows_are="Journal",
        columns=(_PAPERS, _SHARE),
        is_long=len(groups) > MOST_OPEN,
        rows=rows_of(
            (*groups, papers),
            lambda group: (
                count(PAPERS, group.ids, group),
                share_of_all(SHARE_OF_PAPERS, group.ids, len(papers.ids), group),
            ),
        ),
        says="Journals are known by any of their names and abbreviations; letters are a journal of their own.",
        charts=(Chart("bars", title, ("papers",), "Journal", "Papers", without=(*left_out, ALL)),),
    )


def _by_value(ids: Iterable[int], value: Callable[[int], _Value]) -> dict[_Value, list[int]]:
    """Return the papers by a value that many of them share, so that it is read once."""
    found: dict[_Value, list[int]] = {}
    for i in ids:
        found.setdefault(value(i), []).append(i)
    return found


def _usual(names: Counter[str]) -> str:
    return min(names, key=lambda name: (-names[name], name))


def _facilities(counted: Counted, papers: PaperGroup) -> Table:
    found: dict[str, list[int]] = {}
    told = _by_value(papers.ids, lambda i: counted.facts.papers[i].facilities)
    alone = told.pop((), [])
    for names, ids in told.items():
        for name in sorted(set(names)):
            found.setdefault(name, []).extend(ids)
    with_others = PaperGroup("with-another", "With another observatory", _without(papers.ids, alone))
    order = sorted(found, key=lambda name: (-len(found[name]), name))
    groups = [PaperGroup(f"o.{key_of(name)}", name, tuple(sorted(found[name]))) for name in order]
    title, left_out = most(groups, "Papers by other observatory")
    chart = Chart("bars", title, ("papers",), "Other observatory", "Papers", without=(*left_out, "with-another"))

    def figures(group: PaperGroup) -> tuple[Figure, ...]:
        return (
            count(MULTI_FACILITY, group.ids, group),
            share_of_all(SHARE_OF_PAPERS, group.ids, len(papers.ids), group),
        )

    return Table(
        key="facilities",
        title="Papers that used another observatory too",
        rows_are="Other observatory",
        columns=(Column("papers", "Papers", MULTI_FACILITY.key), _SHARE),
        rows=rows_of((*groups, with_others), figures),
        says="As other observatories' bibliographies tell; a paper can be in several rows.",
        charts=(chart,) if groups else (),
        notes=(f"Of {len(alone)} of {len(papers.ids)} papers no other bibliography tells.",) if alone else (),
    )  # fmt: skip
