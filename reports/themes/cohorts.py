"""Table that compares the times to a first paper of each cycle with those of all earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reports.definitions.model import Indicator
from reports.definitions.speed import (
    LOG_RANK,
    P_ADJUSTED,
    P_VALUE,
    PACE,
    SHARE_DIFFERENCE,
    TIMED,
)
from reports.document import Column, Figure, Row, Table
from reports.facts.counted import Counted
from reports.themes.curves import NOT_WATCHED, counting, rounded
from reports.themes.durations import Cohort, Timed, by_cycle, days, together
from reports.themes.survival import Compared, Difference, compare, difference, holm
from reports.themes.waiting import YEARS

FEWEST_PROJECTS = 10
FEWEST_PAPERS = 5
"""A cycle is compared when it, and all earlier ones together, have so many projects and first papers."""

SIGNIFICANT = 0.05

FASTER, SLOWER, ALIKE, TOO_FEW = "faster", "slower", "no difference shown", "too few to compare"
MORE, FEWER = "more than before", "fewer than before"


@dataclass(frozen=True, slots=True)
class _Tested:
    """A cycle, how it compares with all earlier ones, and the p adjusted for all comparisons (None: too few).

    ``more``: how much more of it was published after the first of ``YEARS``, with its own adjusted p.
    """

    cycle: Cohort
    earlier: Timed
    result: Compared | None
    adjusted: float | None = None
    more: Difference | None = None
    more_adjusted: float | None = None

    @property
    def verdict(self) -> str:
        if self.result is None or self.adjusted is None:
            return TOO_FEW
        if self.adjusted >= SIGNIFICANT:
            return ALIKE
        return FASTER if self.result.observed > self.result.expected else SLOWER

    @property
    def can_tell_early(self) -> bool:
        """Whether the cycle is large enough and was watched long enough to compare its share after two years."""
        return self.result is not None and self.cycle.timed.is_watched(YEARS[0])

    @property
    def early(self) -> str:
        """Whether more or fewer of it than of the earlier ones were published by then, for all the comparisons."""
        if self.more is None or self.more_adjusted is None or self.more_adjusted >= SIGNIFICANT:
            return ""
        return MORE if self.more.value > 0 else FEWER


def table(counted: Counted, main: Timed) -> Table:
    """Return each cycle against all earlier ones."""
    cohorts = _adjusted(list(_cohorts(counted, main)))
    return Table(
        key="cohorts",
        title="Each cycle against all earlier ones",
        rows_are="Cycle",
        columns=(
            Column("projects", "Projects", TIMED.key),
            Column("earlier", "Projects of earlier cycles", TIMED.key),
            Column("difference", f"Published after {YEARS[0]} yr, less earlier", SHARE_DIFFERENCE.key),
            Column("pace", "First papers, observed over expected", PACE.key),
            Column("chi-square", "Log-rank χ²", LOG_RANK.key),
            Column("p", "p", P_VALUE.key),
            Column("p-adjusted", "p, adjusted (Holm)", P_ADJUSTED.key),
        ),
        rows=tuple(_row(one) for one in cohorts),
        says=f"Two-sided log-rank tests of the times to a first paper; below {SIGNIFICANT} after Holm's adjustment a cycle is called faster or slower. The shares published after {YEARS[0]} years are compared likewise.",
        notes=(
            *_said(cohorts),
            f"A cycle that was late and caught up can differ after {YEARS[0]} years and show no difference over the whole curve.",
        ),
    )


def _cohorts(counted: Counted, main: Timed) -> Iterator[_Tested]:
    """Yield every cycle of the profile but the first one that has projects, each with all projects of earlier ones."""
    cycles = [cycle for cycle in by_cycle(counted, main) if cycle.is_known]
    for place, cycle in enumerate(cycles[1:], start=1):
        earlier = together(main, cycles[:place])
        is_enough = all(
            len(one) >= FEWEST_PROJECTS and int(one.times.is_event.sum()) >= FEWEST_PAPERS
            for one in (cycle.timed, earlier)
        )
        groups = cycle.timed.times, earlier.times
        more = difference(*groups, days(YEARS[0]))
        yield _Tested(cycle, earlier, compare(*groups) if is_enough else None, more=more)


def _adjusted(compared: list[_Tested]) -> tuple[_Tested, ...]:
    whole = [one.result.p if one.result else None for one in compared]
    early = [one.more.p if one.more and one.can_tell_early else None for one in compared]
    adjusted = zip(compared, _of_all(whole), _of_all(early), strict=True)
    return tuple(replace(one, adjusted=curve, more_adjusted=share) for one, curve, share in adjusted)


def _of_all(p_values: list[float | None]) -> list[float | None]:
    """Return the p-values that there are adjusted for how many they are, in their places."""
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]


def _row(one: _Tested) -> Row:
    mine = tuple(one.cycle.timed.ids.tolist())
    young = not one.cycle.timed.is_watched(YEARS[-1])
    result = one.result
    few = "" if result else TOO_FEW
    values: tuple[tuple[Indicator, float | None, str], ...] = (
        (PACE, None if result is None else result.observed / result.expected, few),
        (LOG_RANK, None if result is None else result.chi_square, few),
        (P_VALUE, None if result is None else result.p, few),
        (P_ADJUSTED, one.adjusted, one.verdict),
    )
    figures = (
        Figure(indicator.key, rounded(value), mine, is_incomplete=young, note=note) for indicator, value, note in values
    )
    earlier = counting(TIMED, tuple(one.earlier.ids.tolist()))
    return Row(one.cycle.key, one.cycle.name, (counting(TIMED, mine), earlier, _more(one, mine), *figures))


def _more(one: _Tested, mine: tuple[int, ...]) -> Figure:
    """Return how much more of a cycle than of the earlier ones had been published after the first of ``YEARS``."""
    young = not one.cycle.timed.is_watched(YEARS[0])
    if one.more is None:
        return Figure(SHARE_DIFFERENCE.key, None, mine, is_incomplete=young, note=NOT_WATCHED)
    return Figure(
        SHARE_DIFFERENCE.key,
        rounded(one.more.value),
        mine,
        low=rounded(one.more.low),
        high=rounded(one.more.high),
        is_incomplete=young,
        note=one.early,
    )


def _said(cohorts: tuple[_Tested, ...]) -> tuple[str, ...]:
    """Return the verdicts in words, one sentence for each that was reached."""
    words = {
        FASTER: "Published faster than all earlier cycles",
        SLOWER: "Published more slowly than all earlier cycles",
        ALIKE: "No difference from all earlier cycles shown over the whole curve",
        TOO_FEW: f"Too few to compare (under {FEWEST_PROJECTS} projects or {FEWEST_PAPERS} first papers)",
    }
    early = {
        MORE: f"More published after {YEARS[0]} years than of all earlier cycles",
        FEWER: f"Fewer published after {YEARS[0]} years than of all earlier cycles",
    }
    named = [(said, [one.cycle.name for one in cohorts if one.verdict == verdict]) for verdict, said in words.items()]
    named += [(said, [one.cycle.name for one in cohorts if one.early == verdict]) for verdict, said in early.items()]
    return tuple(f"{said}: {', '.join(names)}." for said, names in named if names)
