"""Theme: people and partners: authors by year, and papers by the project's executive and by the first author's country."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from statistics import median

from biblio.observatory import Profile, Region
from matching.places import country, country_name
from reports.definitions.papers import PAPERS
from reports.definitions.people import (
    AUTHORS_LEAST,
    AUTHORS_MEAN,
    AUTHORS_MEDIAN,
    AUTHORS_MOST,
    EXECUTIVE_PAPERS,
    EXECUTIVE_PAPERS_PARTS,
    EXECUTIVE_SHARE,
    FIRST_AUTHOR_PAPERS,
    FIRST_AUTHOR_SHARE,
    NEW_FIRST_AUTHORS,
)
from reports.definitions.projects import OBSERVED, PUBLISHED
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import Counted
from reports.facts.persons import Persons, in_order
from reports.themes.groups import ALL, NOT_KNOWN, by_facet, facets_of
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
    share_of_all,
    uses,
    with_backlog,
)
from reports.themes.places import Pool

KEY = "people"
NAME = "People and partners"
QUESTION = "Who publishes, and where?"

ELSEWHERE = "elsewhere"
"""Row of the countries of no region, where the profile has no region for them."""

_REGION_COLOURS = ("#0072B2", "#DB7916", "#289E9E", "#A818F0", "#C73214", "#9684F0", "#8F6A4A")
_FIRST_AUTHOR = (
    Column("papers", "Papers", FIRST_AUTHOR_PAPERS.key),
    Column("share", "Share", FIRST_AUTHOR_SHARE.key),
    *USE_COLUMNS,
)
_EXECUTIVE = (
    Column("observed", "Projects observed", OBSERVED.key),
    Column("published", "Projects published", PUBLISHED.key),
    Column("papers", "Papers", EXECUTIVE_PAPERS.key),
    Column("parts", "Papers, divided", EXECUTIVE_PAPERS_PARTS.key),
    Column("share", "Share", EXECUTIVE_SHARE.key),
)
_AUTHORS = (
    Column("papers", "Papers", PAPERS.key),
    Column("new_first_authors", "New first authors", NEW_FIRST_AUTHORS.key),
    Column("authors_least", "Authors, at least", AUTHORS_LEAST.key),
    Column("authors_most", "Authors, at most", AUTHORS_MOST.key),
    Column("mean", "Authors per paper, mean", AUTHORS_MEAN.key),
    Column("median", "Median", AUTHORS_MEDIAN.key),
)


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme; those of regions only where the profile has regions."""
    written = Written.of(counted)
    regional = (_regions(written), _region_by_year(written), _region_years(written)) if written.regions else ()
    return (_authors(written), _executives(written), *regional, _countries(written))


@dataclass(frozen=True, slots=True)
class Written:
    """The refereed papers, all and by year, by the first author's country and by region, each part sorted."""

    counted: Counted
    papers: PaperGroup
    years: tuple[PaperGroup, ...]
    countries: Mapping[str | None, tuple[int, ...]]
    regions: tuple[PaperGroup, ...]

    @classmethod
    def of(cls, counted: Counted) -> Written:
        """Read the country of every paper."""
        papers = everything(counted.refereed)
        found: dict[str | None, list[int]] = {}
        for i in papers.ids:
            found.setdefault(country(counted.facts.papers[i].first_affiliation), []).append(i)
        countries = {code: tuple(ids) for code, ids in found.items()}
        return cls(counted, papers, by_year(counted, papers.ids), countries, _by_region(counted.profile, countries))

    def figures(self, group: PaperGroup) -> tuple[Figure, ...]:
        """Return the figures of ``_FIRST_AUTHOR``."""
        return (
            count(FIRST_AUTHOR_PAPERS, group.ids, group),
            share_of_all(FIRST_AUTHOR_SHARE, group.ids, len(self.papers.ids), group),
            *uses(self.counted, group),
        )


def _by_region(profile: Profile, countries: Mapping[str | None, tuple[int, ...]]) -> tuple[PaperGroup, ...]:
    """Return papers by region in the profile's order; then those of no region, and those of unknown country."""
    if not profile.regions:
        return ()
    own = {code for region in profile.regions for code in region.countries}
    others = [code for code in countries if code is not None and code not in own]
    groups = [_region(region, region.countries or others, countries) for region in profile.regions]
    if others and all(region.countries for region in profile.regions):
        rest = Region(key=ELSEWHERE, name="Countries of no region")
        groups.append(_region(rest, others, countries))
    return (*groups, PaperGroup(NOT_KNOWN, "Country not known", countries.get(None, ())))


def _region(region: Region, codes: Iterable[str], countries: Mapping[str | None, tuple[int, ...]]) -> PaperGroup:
    ids = sorted(i for code in codes for i in countries.get(code, ()))
    return PaperGroup(region.key.lower(), region.name, tuple(ids))


# -- authors ----------------------------------------------------------------------------------------------------------


def _authors(written: Written) -> Table:
    facts = written.counted.facts
    people = written.counted.persons
    order = in_order(written.counted.appeared_on, [group.ids for group in written.years])
    new = people.new_first_authors(order)
    return Table(
        key="authors",
        title="Authors by year",
        rows_are="Year",
        columns=_AUTHORS,
        rows=rows_of(
            with_backlog(written.counted, (*written.years, written.papers)),
            lambda group: _of_authors(group, people, new),
        ),
        says="How many people wrote papers lies between the two numbers of authors: names do not tell people apart for sure.",
        charts=(
            Chart("bars", "New first authors by year", ("new_first_authors",), "Year", "People", without=(ALL,)),
            Chart(
                "lines", "Authors per paper by year", ("mean", "median"), "Year", "Authors per paper", without=(ALL,)
            ),
        ),
        notes=running_notes(facts, written.years),
    )


def _of_authors(group: PaperGroup, people: Persons, new: frozenset[int]) -> tuple[Figure, ...]:
    places = people.places(group.ids)
    printed = people.numbers[places].tolist()
    numbers = [number for number in printed if number]
    known = tuple(i for i, number in zip(group.ids, printed, strict=True) if number)
    least, most = people.distinct(places)
    mean, middle, note = (sum(numbers) / len(numbers), median(numbers), "") if numbers else (None, None, "No paper.")
    young = group.is_incomplete
    return (
        count(PAPERS, group.ids, group),
        count(NEW_FIRST_AUTHORS, [i for i in group.ids if i in new], group),
        Figure(AUTHORS_LEAST.key, least, known, is_incomplete=young),
        Figure(AUTHORS_MOST.key, most, known, is_incomplete=young),
        Figure(AUTHORS_MEAN.key, mean, known, (), sum(numbers), len(numbers), is_incomplete=young, note=note),
        Figure(AUTHORS_MEDIAN.key, middle, known, denominator=len(numbers), is_incomplete=young, note=note),
    )


# -- by executive -----------------------------------------------------------------------------------------------------


def _executives(written: Written) -> Table:
    """A paper is divided equally among its projects, and a project equally among the partners it stands under."""
    counted = written.counted
    pool = Pool.of(counted, counted.observed | counted.refereed_of.keys())
    facet = next(one for one in facets_of(counted.profile) if one.key == "partner")
    divided = by_facet(counted, facet, pool)
    groups = [(one.key, one.name, pool.rows(one.places)) for one in divided.groups] if divided else []
    if not groups and len(pool.ids):
        groups = [(NOT_KNOWN, "Not known", pool.rows(pool.everything))]
    parts: dict[int, int] = {}
    for _, _, projects in groups:
        for project in projects:
            parts[project] = parts.get(project, 0) + 1
    rows = [_executive_row(written, parts, *group) for group in groups]
    return Table(
        key="by-executive",
        title="Papers by the project's executive",
        rows_are="Executive",
        columns=_EXECUTIVE,
        rows=(*rows, _executive_row(written, dict.fromkeys(parts, 1), ALL, "All", pool.rows(pool.everything))),
        says="Whose telescope time led to papers, whoever wrote them. The next table says who wrote them.",
        charts=(Chart("bars", "Share of papers by executive", ("share",), "Executive", "Share", without=(ALL,)),),
    )


def _executive_row(
    written: Written, parts: Mapping[int, int], key: str, name: str, projects: tuple[int, ...]
) -> Row:  # fmt: skip
    counted = written.counted
    used = [(project, counted.refereed_of[project]) for project in projects if project in counted.refereed_of]
    group = PaperGroup(key, name, tuple(sorted(set(chain.from_iterable(papers for _, papers in used)))))
    among = Counter(parts[project] * len(counted.projects_of[paper]) for project, papers in used for paper in papers)
    weight = float(sum(Fraction(number, whole) for whole, number in among.items()))
    total = len(written.papers.ids)
    note = "" if total else "No paper."
    observed = [i for i in projects if i in counted.observed]
    figures = (
        count(OBSERVED, observed, group),
        count(PUBLISHED, [i for i in observed if i in counted.refereed_of], group),
        count(EXECUTIVE_PAPERS, group.ids, group),
        Figure(EXECUTIVE_PAPERS_PARTS.key, weight, group.ids, numerator=weight),
        Figure(EXECUTIVE_SHARE.key, weight / total if total else None, group.ids, (), weight, total, note=note),
    )
    return Row(key, name, figures)


# -- by the first author's country ------------------------------------------------------------------------------------


def _regions(written: Written) -> Table:
    return Table(
        key="by-region",
        title="Papers by the first author's region and origin of the data",
        rows_are="Region",
        columns=_FIRST_AUTHOR,
        rows=rows_of((*written.regions, written.papers), written.figures),
        says="Where the first author worked, by the affiliation printed first, whoever's telescope time it was.",
        charts=(
            Chart("stacked", "Papers by region and origin of the data", tuple(COLOURS), "Region", "Papers", COLOURS, (ALL,)),
            Chart("bars", "Share of papers by region", ("share",), "Region", "Share", without=(ALL,)),
        ),
        notes=_unknown(written),
    )  # fmt: skip


def _region_by_year(written: Written) -> Table:
    inside = {i: place for place, region in enumerate(written.regions) for i in region.ids}

    def figures(group: PaperGroup) -> tuple[Figure, ...]:
        found: list[list[int]] = [[] for _ in written.regions]
        for i in group.ids:
            found[inside[i]].append(i)
        return (*(count(FIRST_AUTHOR_PAPERS, ids, group) for ids in found), count(PAPERS, group.ids, group))

    keys = tuple(region.key for region in written.regions)
    return Table(
        key="region-by-year",
        title="Papers by year and the first author's region",
        rows_are="Year",
        columns=(
            *(Column(region.key, region.name, FIRST_AUTHOR_PAPERS.key) for region in written.regions),
            Column("papers", "All", PAPERS.key),
        ),
        rows=rows_of((*written.years, written.papers), figures),
        charts=(
            Chart(
                "stacked",
                "Papers by year and the first author's region",
                keys,
                "Year",
                "Papers",
                {**dict(zip(keys, _REGION_COLOURS, strict=False)), NOT_KNOWN: "#707070"},
                (ALL,),
            ),
        ),
        notes=(*_unknown(written), *running_notes(written.counted.facts, written.years)),
    )


def _region_years(written: Written) -> Table:
    """One row a region and year, and one a region: the published tables have this form."""
    groups = []
    for region in written.regions:
        own = set(region.ids)
        for year in written.years:
            ids = tuple(i for i in year.ids if i in own)
            groups.append(
                PaperGroup(f"{region.key}.{year.key}", f"{region.name}, {year.name}", ids, year.is_incomplete)
            )
        groups.append(PaperGroup(f"{region.key}.{ALL}", f"{region.name}, all years", region.ids))
    return Table(
        key="region-years",
        title="Papers by the first author's region, year and origin of the data",
        rows_are="Region and year",
        columns=(Column("papers", "Papers", FIRST_AUTHOR_PAPERS.key), *USE_COLUMNS),
        rows=rows_of(
            groups,
            lambda group: (count(FIRST_AUTHOR_PAPERS, group.ids, group), *uses(written.counted, group)),
        ),
        is_long=True,
        notes=(*_unknown(written), *running_notes(written.counted.facts, written.years)),
    )


def _countries(written: Written) -> Table:
    known = [(country_name(code), code, ids) for code, ids in written.countries.items() if code is not None]
    known.sort(key=lambda one: (-len(one[2]), one[0]))
    groups = [PaperGroup(code.lower(), name, ids) for name, code, ids in known]
    if unknown := written.countries.get(None, ()):
        groups.append(PaperGroup(NOT_KNOWN, "Country not known", unknown))
    title, left_out = most(groups, "Papers by the first author's country")
    return Table(
        key="countries",
        title="Papers by the first author's country",
        rows_are="Country",
        columns=_FIRST_AUTHOR,
        rows=rows_of((*groups, written.papers), written.figures),
        says="As the affiliation printed first says it.",
        charts=(Chart("bars", title, ("papers",), "Country", "Papers", without=(*left_out, ALL)),),
        is_long=len(groups) > MOST_OPEN,
        notes=_unknown(written),
    )  # fmt: skip


def _unknown(written: Written) -> tuple[str, ...]:
    """Return how many papers have no affiliation, and how many one that does not tell its country."""
    unknown = written.countries.get(None, ())
    if not unknown:
        return ()
    silent = sum(not written.counted.facts.papers[i].first_affiliation.strip() for i in unknown)
    total = len(written.papers.ids)
    said = f"{silent} without an affiliation, {len(unknown) - silent} whose affiliation does not tell it"
    return (f"Of {len(unknown)} of {total} papers the country is not known: {said}.",)
