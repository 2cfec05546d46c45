"""What helps a project publish: which facets' values differ in the fraction at fixed age, compared within cycles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reports.definitions.projects import DIFFERENCE, DIFFERENCE_ADJUSTED, PUBLISHED_WITHIN, VALUES_COMPARED
from reports.document import Column, Figure, Row, Table
from reports.themes.ages import Ages
from reports.themes.differences import Difference, stratified
from reports.themes.groups import NOT_KNOWN, OTHER, Divided, Group
from reports.themes.places import Places, Pool, Vector
from reports.themes.survival import holm

FEWEST = 10
"""Projects old enough that a value needs to be compared."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The values of a facet that were compared, the projects of these, and whether they differ by more than chance."""

    divided: Divided
    groups: tuple[Group, ...]
    places: Places
    difference: Difference | None


def compare(divided: Divided, pool: Pool, ages: Ages, years: int, cycles: Sequence[Group]) -> Compared:
    """Compare the values of a facet at an age, within cycles.

    Left out are projects without a value, those with several (they would be compared with themselves), and values
    with fewer than ``FEWEST`` projects old enough.
    """
    known = [group for group in divided.groups if group.key not in (NOT_KNOWN, OTHER)]
    times = np.bincount(_joined([group.places for group in known]), minlength=len(pool.ids))
    single = [ages.at(group.places[times[group.places] == 1], years).counted().old for group in known]
    kept = [(group, places) for group, places in zip(known, single, strict=True) if len(places) >= FEWEST]
    stratum = np.zeros(len(pool.ids), dtype=np.intp)
    for number, cycle in enumerate(cycles):
        stratum[cycle.places] = number
    counts = np.zeros((len(cycles), len(kept), 2), dtype=np.int64)
    cell = 2 * stratum + (ages.took <= years)
    for number, (_, places) in enumerate(kept):
        counts[:, number] = np.bincount(cell[places], minlength=2 * len(cycles)).reshape(-1, 2)
    places = np.sort(_joined([places for _, places in kept]))
    return Compared(divided, tuple(group for group, _ in kept), places, stratified(counts))


def table(compared: Sequence[Compared], pool: Pool, years: int, within: Callable[[Group], Figure]) -> Table:
    """Return one row for each facet: its lowest and highest value, and how likely chance makes values differ so much.

    ``within`` gives the fraction of a group at that age, as the facet's own table has it.
    """
    tested = [one for one in compared if one.difference is not None]
    p_values = [one.difference.p for one in tested if one.difference is not None]
    adjusted = dict(zip((one.divided.facet.key for one in tested), holm(p_values), strict=True))
    return Table(
        key="helps",
        title=f"What differs in the fraction published within {years} years",
        rows_are="Divided by",
        columns=(
            Column("values", "Values compared", VALUES_COMPARED.key),
            Column("lowest", "Lowest", PUBLISHED_WITHIN.key),
            Column("highest", "Highest", PUBLISHED_WITHIN.key),
            Column("p", "p", DIFFERENCE.key),
            Column("p-adjusted", "p, adjusted", DIFFERENCE_ADJUSTED.key),
        ),
        rows=tuple(_row(one, pool, within, adjusted.get(one.divided.facet.key)) for one in compared),
        says="Where the adjusted p is below 0.05 the values differ by more than chance, cycle by cycle. What goes together "
        "need not help: values may differ in other things too.",
        notes=(
            f"Values need {FEWEST} projects that are old enough; those with several values, or none, are left out.",
        ),
    )


def _row(one: Compared, pool: Pool, within: Callable[[Group], Figure], adjusted: float | None) -> Row:
    facet = one.divided.facet
    name = facet.name[:1].upper() + facet.name[1:]
    ids = pool.rows(one.places)
    told = ((within(group), group) for group in one.groups)
    shares = sorted(
        (each for each in told if each[0].value is not None), key=lambda each: (each[0].value or 0.0, each[1].key)
    )
    note = "" if one.difference is not None else _TOO_FEW
    if len(shares) < 2:
        return Row(
            facet.key,
            name,
            (
                Figure(VALUES_COMPARED.key, len(one.groups), ids),
                *(None, None),
                *(Figure(key, None, note=note) for key in (DIFFERENCE.key, DIFFERENCE_ADJUSTED.key)),
            ),
        )
    (low, lowest), (high, highest) = shares[0], shares[-1]
    p = one.difference.p if one.difference is not None else None
    return Row(
        facet.key,
        f"{name}: lowest {lowest.name}, highest {highest.name}",
        (
            Figure(VALUES_COMPARED.key, len(one.groups), ids),
            replace(low, note=" ".join(filter(None, (f"{lowest.name}.", low.note)))),
            replace(high, note=" ".join(filter(None, (f"{highest.name}.", high.note)))),
            Figure(DIFFERENCE.key, p, ids, note=note),
            Figure(DIFFERENCE_ADJUSTED.key, adjusted, ids, note=note),
        ),
    )


_TOO_FEW = "Too few projects, or nothing that differs within a cycle."


def _joined(places: Sequence[Vector]) -> Places:
    return np.concatenate([np.zeros(0, dtype=np.intp), *places])
