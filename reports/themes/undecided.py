"""Tables of what waits for a decision: by band, by cycle, by year, and what would follow if it were accepted.

These figures alone change with a candidate that nobody has decided about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from biblio.store.words import Band
from reports.definitions.bibliography import (
    FRACTION_IF,
    PAPERS_IF,
    PAPERS_UNCOUNTED,
    PROJECTS_WAITING,
    SILENT_WAITING,
    UNDECIDED,
    WAITING,
    WITHIN_IF,
)
from reports.definitions.papers import PAPERS
from reports.definitions.projects import FRACTION, PUBLISHED_WITHIN
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import BANDS, Counted
from reports.themes import backlog
from reports.themes.ages import Ages
from reports.themes.figures import Figures
from reports.themes.groups import ALL, Group, by_cycle, everything
from reports.themes.keys import key_of
from reports.themes.paper_groups import PaperGroup, by_year, count, running_notes, year_of
from reports.themes.places import Pool

FIXED_AGE = 4
"""The age at which cycles are compared, as in the theme of the fraction."""

COLOURS = {"certain": "#0072B2", "likely": "#DB7916", "unlikely": "#707070"}

_CERTAIN, _LIKELY = Band.CERTAIN.value, Band.LIKELY.value
_IF_CERTAIN = "If the certain are accepted"
_IF_LIKELY = "If the likely are too"


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return what waits: by band, by cycle of the projects, by year of the papers."""
    return (_by_band(counted), _by_cycle(counted), _by_year(counted))


# -- by band ----------------------------------------------------------------------------------------------------------


def _by_band(counted: Counted) -> Table:
    state = counted.facts.bibliography
    others = sorted({*state.undecided, *state.undecided_papers}.difference(BANDS))
    rows = [
        _band(key_of(b), b.capitalize(), state.undecided.get(b, 0), _papers(state.undecided_pairs, b), state.undecided_papers.get(b, ()))
        for b in (*BANDS, *others)
    ]  # fmt: skip
    everything = {i for papers in state.undecided_papers.values() for i in papers}
    paired = {i for b in state.undecided_pairs for i in _papers(state.undecided_pairs, b)}
    return Table(
        key="undecided",
        title="What waits for a decision",
        rows_are="The machine calls it",
        columns=(Column("candidates", "Candidates", UNDECIDED.key), Column("papers", "Papers", WAITING.key)),
        rows=(*rows, _band(ALL, "All", sum(state.undecided.values()), paired, everything)),
        says="Nothing of this is counted anywhere else in the report; the two tables below say what it could change.",
        charts=(
            Chart(
                "bars", "Papers that wait for a decision", ("papers",), "The machine calls it", "Papers", without=(ALL,)
            ),
        ),
    )


def _papers(pairs: Mapping[str, tuple[tuple[int, int], ...]], band: str) -> set[int]:
    return {paper for paper, _ in pairs.get(band, ())}


def _band(key: str, name: str, candidates: int, paired: Iterable[int], papers: Iterable[int]) -> Row:
    ids = tuple(sorted(papers))
    return Row(
        key, name, (Figure(UNDECIDED.key, candidates, tuple(sorted(paired))), Figure(WAITING.key, len(ids), ids))
    )


# -- by cycle of the projects -------------------------------------------------------------------------------------------


def _by_cycle(counted: Counted) -> Table:
    waits, pool = counted.undecided, Pool.of(counted, counted.observed)
    make, published = Figures(pool), pool.are_in(counted.published)
    of_band = {band: pool.are_in(waits.unpublished[band]) for band in BANDS}
    certain = of_band[_CERTAIN]
    silent = pool.are_in({i for i in counted.silent if waits.best.get(i) == _CERTAIN})
    now = Ages.from_first_data(counted, pool)
    then = now.if_first_came(counted, pool, waits.first_paper_on)
    young = ~(published | pool.are_in(counted.silent))

    def row(group: Group) -> Row:
        places = group.places
        is_young = bool(young[places].any())
        hits = [published[places], published[places] | certain[places]]
        hits.append(hits[-1] | of_band[_LIKELY][places])
        shares = [
            make.share(indicator, places[hit], places[~hit], is_incomplete=is_young)
            for indicator, hit in zip((FRACTION, FRACTION_IF, FRACTION_IF), hits, strict=True)
        ]
        within = [
            make.share(indicator, cell.within, cell.later, is_incomplete=len(cell.younger) > 0)
            for indicator, ages in ((PUBLISHED_WITHIN, now), (WITHIN_IF, then))
            for cell in (ages.at(places, FIXED_AGE).counted(),)
        ]
        figures = (
            *(make.count(PROJECTS_WAITING, places[of_band[band][places]]) for band in BANDS),
            *shares,
            *within,
            make.count(SILENT_WAITING, places[silent[places]]),
        )
        wait = backlog.of_projects(int(certain[places].sum()), int(np.sum(hits[0])), len(places))
        return Row(group.key, group.name, figures, backlog=wait)

    return Table(
        key="projects-waiting",
        title="What the publication fraction could be, by cycle",
        rows_are="Cycle",
        columns=(
            *(Column(band, band.capitalize(), PROJECTS_WAITING.key) for band in BANDS),
            Column("fraction", "Fraction now", FRACTION.key),
            Column("if-certain", _IF_CERTAIN, FRACTION_IF.key),
            Column("if-likely", _IF_LIKELY, FRACTION_IF.key),
            Column(f"y{FIXED_AGE}", f"Within {FIXED_AGE} years", PUBLISHED_WITHIN.key),
            Column(f"y{FIXED_AGE}-if-certain", _IF_CERTAIN, WITHIN_IF.key),
            Column("silent", "Silent, certain", SILENT_WAITING.key),
        ),
        rows=tuple(row(group) for group in (*by_cycle(counted, pool), everything(pool))),
        says="Unpublished projects with a candidate that nobody has decided about, and the fraction if it were accepted: "
        "the difference is work at the desk, not silence of the teams.",
        charts=(
            Chart("stacked", "Unpublished projects that wait for a decision, by cycle and what the machine calls the best candidate", BANDS, "Cycle", "Projects", COLOURS, (ALL,)),
        ),
    )  # fmt: skip


# -- by year of the papers ----------------------------------------------------------------------------------------------


def _by_year(counted: Counted) -> Table:
    """Years of what is counted and of what waits; ``PaperGroup.ids`` holds both, so that each has its row."""
    waits, as_of = counted.undecided, counted.facts.as_of
    known = counted.facts.papers
    of_band = waits.uncounted
    waiting = frozenset[int]().union(*of_band.values())
    years: dict[int, int | None] = {i: year_of(known[i], as_of) for i in counted.refereed}
    years |= {i: year_of(waits.paper(i), as_of) for i in waiting}
    groups = by_year(counted, years, years)

    def row(group: PaperGroup) -> Row:
        counts = [i for i in group.ids if i in counted.refereed]
        wait = {band: [i for i in group.ids if i in of_band[band]] for band in BANDS}
        if_certain = sorted((*counts, *wait[_CERTAIN]))
        figures = (
            count(PAPERS, counts, group),
            *(count(PAPERS_UNCOUNTED, wait[band], group) for band in BANDS),
            count(PAPERS_IF, if_certain, group),
            count(PAPERS_IF, sorted((*if_certain, *wait[_LIKELY])), group),
        )
        said = backlog.of_papers(len(wait[_CERTAIN]), len(counts))
        return Row(group.key, group.name, figures, group.is_incomplete, said)

    return Table(
        key="papers-waiting",
        title="What the number of papers could be, by year",
        rows_are="Year",
        columns=(
            Column("papers", "Papers now", PAPERS.key),
            *(Column(band, band.capitalize(), PAPERS_UNCOUNTED.key) for band in BANDS),
            Column("if-certain", _IF_CERTAIN, PAPERS_IF.key),
            Column("if-likely", _IF_LIKELY, PAPERS_IF.key),
        ),
        rows=tuple(row(group) for group in (*groups, PaperGroup(ALL, "All", tuple(sorted(years))))),
        says="Refereed papers that are counted, those that wait for a decision and are in no number yet, and their sum.",
        charts=(
            Chart("stacked", "Refereed papers that wait for a decision, by year and what the machine calls the best candidate", BANDS, "Year", "Papers", COLOURS, (ALL,)),
        ),
        notes=running_notes(counted.facts, groups),
    )  # fmt: skip
