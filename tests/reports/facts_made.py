"""Makes small facts for tests of the report: fictional projects, papers and links with sensible values until told otherwise.

A theme is tested as ``tables(counted([project(1), project(2)], [paper(1)], [(1, 1)]))``: project 1 published, 2 silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from biblio.observatory import Profile, load
from reports.document import Figure, Table
from reports.facts.counted import BANDS, Counted
from reports.facts.model import Bibliography, Facts, Link, Paper, Project, Unit

AS_OF = date(2026, 11, 22)
"""The day of the reports that tests build."""


@cache
def profile() -> Profile:
    """Return the default observatory's profile; loaded once."""
    return load()


def unit(
    number: int = 1,
    delivered: date | None = date(2017, 5, 1),
    released: date | None = date(2018, 5, 1),
    hours: float | None = 2.0,
) -> Unit:
    """Return a unit delivered in 2017 and released a year later, observed for two hours."""
    return Unit(number, delivered, released, None if hours is None else hours * 3600)


def project(number: int, **changes: Any) -> Project:
    """Return observed project ``number`` of 2016 by Ahn, long released, one unit of two hours."""
    facts = Project(
        id=number,
        code=f"2016.1.{number:05d}.S",
        cycle="2016.1",
        call="regular",
        kind="S",
        title="A disc",
        pi="Ahn, Bora",
        team=("Ahn, Bora", "Berg, Lotte"),
        partner="EU",
        units=(unit(number),),
    )
    return facts._replace(**changes)


def paper(number: int, **changes: Any) -> Paper:
    """Return refereed paper ``number`` of March 2019 by Ahn, whose preprint appeared on 2019-01-05."""
    facts = Paper(
        id=number,
        title="Rings",
        authors=("Ahn, B.",),
        orcids=("",),
        kind="article",
        journal="ApJ",
        year=2019,
        published_on=date(2019, 3, 1),
        published_precision="month",
        preprint_on=date(2019, 1, 5),
    )
    return facts._replace(**changes)


def appeared(number: int, on: date, **changes: Any) -> Paper:
    """Return refereed paper ``number`` that first appeared on this very day, in its journal, without a preprint."""
    return paper(
        number, **{"year": on.year, "published_on": on, "published_precision": "day", "preprint_on": None} | changes
    )


def facts(
    projects: Iterable[Project] = (),
    papers: Iterable[Paper] = (),
    links: Iterable[tuple[int, int]] = (),
    **changes: Any,
) -> Facts:
    """Return facts as known on ``AS_OF``, covered up to that day; ``links`` are pairs (paper, project)."""
    known = Facts(
        as_of=AS_OF,
        complete_through=AS_OF,
        projects={one.id: one for one in projects},
        papers={one.id: one for one in papers},
        links=tuple(Link(paper_id, project_id) for paper_id, project_id in links),
    )
    return replace(known, **changes)


def counted(
    projects: Iterable[Project] = (),
    papers: Iterable[Paper] = (),
    links: Iterable[tuple[int, int]] = (),
    **changes: Any,
) -> Counted:
    """Return ``facts(...)`` ready to be counted, with the default profile."""
    return Counted(facts(projects, papers, links, **changes), profile())


def undecided(pairs: Mapping[tuple[int, int], str], papers: Iterable[Paper] = (), **changes: Any) -> Bibliography:
    """Return a bibliography in which these pairs (paper, project) wait under their bands, as the reading gives it.

    ``papers`` are those that wait, and could count.
    """
    of_band = {band: tuple(sorted(pair for pair, at in pairs.items() if at == band)) for band in BANDS}
    best: dict[int, str] = {}
    for band, found in of_band.items():
        for number, _ in found:
            best.setdefault(number, band)
    by_best = {band: tuple(sorted(i for i, at in best.items() if at == band)) for band in BANDS}
    facts = {
        "undecided": {band: len(found) for band, found in of_band.items() if found},
        "undecided_papers": {band: found for band, found in by_best.items() if found},
        "undecided_pairs": {band: found for band, found in of_band.items() if found},
        "undecided_facts": {one.id: one for one in papers if one.id in best},
        "names": {i: f"paper {i}" for i in sorted(best)},
    }
    return Bibliography(**{**facts, **changes})


def figures_of(tables: Iterable[Table]) -> dict[tuple[str, str, str], Figure]:
    """Every figure of these tables, by table, row and column."""
    return {
        (one.key, row.key, column.key): figure
        for one in tables
        for row in one.rows
        for column, figure in zip(one.columns, row.figures, strict=True)
        if figure is not None
    }
