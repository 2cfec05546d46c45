"""Table of the competing end: projects that the registry closed as null results will not publish."""

from __future__ import annotations

import numpy as np

from reports.definitions.model import Indicator
from reports.definitions.speed import CLOSED_BY, PUBLISHED_BESIDE_CLOSED, PUBLISHED_IF_NONE_CLOSED, STILL_WAITING
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import Counted
from reports.themes.ages import horizon
from reports.themes.curves import NOBODY, counting, rounded, whole_years
from reports.themes.durations import Timed, days
from reports.themes.survival import Bools, Curve, Estimate, Incidence, Times, curve, incidence

_SHARES = (
    Column("published", "Published", PUBLISHED_BESIDE_CLOSED.key),
    Column("closed", "Closed as a null result", CLOSED_BY.key),
    Column("if-none-closed", "Published if none were closed", PUBLISHED_IF_NONE_CLOSED.key),
)


def tables(counted: Counted, main: Timed) -> tuple[Table, ...]:
    """Return the table in which closing competes with publishing; none where the profile knows no null results."""
    states = counted.profile.asking.null_states
    if not states:
        return ()
    times, is_closed = _with_closing(counted, main)
    both, alone = incidence(times, is_closed), curve(times)
    table = Table(
        key="closed",
        title="Published, or closed as a null result",
        rows_are="Time since the data",
        columns=(*_SHARES, Column("at_risk", "At risk", STILL_WAITING.key)),
        rows=tuple(_row(main, times, is_closed, (both, alone), year) for year in whole_years(times.durations)),
        says="A project that the registry closed as a null result will not publish: closing competes with publishing "
        "(Aalen–Johansen). What the questionnaire says closes nothing.",
        charts=(
            Chart(
                "lines",
                "Share of projects published, and closed as null results, by time since their data",
                tuple(column.key for column in _SHARES),
                x="Time since the data",
                y="Share of projects",
            ),
        ),
        notes=(f"States of the registry that mean so: {', '.join(states)}.",),
    )
    return (table,)


def _row(main: Timed, times: Times, is_closed: Bools, curves: tuple[Incidence, Curve], year: int) -> Row:
    both, alone = curves
    by_then = times.durations <= days(year)
    published, closed = times.is_event & by_then, is_closed & by_then
    figures = (
        _share(PUBLISHED_BESIDE_CLOSED, both.at(days(year)), main, published),
        _share(CLOSED_BY, Estimate(both.other_at(days(year))), main, closed),
        _share(PUBLISHED_IF_NONE_CLOSED, alone.published(days(year)), main, published),
        counting(STILL_WAITING, main.those(times.durations >= days(year))),
    )
    return Row(str(year), f"{year} yr", figures)


def _share(indicator: Indicator, estimate: Estimate, main: Timed, hits: Bools) -> Figure:
    return Figure(
        indicator.key,
        rounded(estimate.value),
        main.those(hits),
        main.those(~hits),
        low=rounded(estimate.low),
        high=rounded(estimate.high),
        note="" if len(main) else NOBODY,
    )


def _with_closing(counted: Counted, main: Timed) -> tuple[Times, Bools]:
    """Return the times in which a project closed as a null result, before it published, is watched no longer."""
    last = horizon(counted)
    nulls = frozenset(counted.profile.asking.null_states)
    durations = main.times.durations.copy()
    is_event = main.times.is_event.copy()
    is_closed = np.zeros(len(main), dtype=np.bool_)
    for at, project in enumerate(main.ids.tolist()):
        facts = counted.facts.projects[project]
        if facts.state not in nulls or facts.state_on is None or facts.state_on > last:
            continue
        closed_after = max(0.0, main.watchable[at] - (last - facts.state_on).days)
        if closed_after < durations[at] or (not is_event[at] and closed_after == durations[at]):
            durations[at], is_event[at], is_closed[at] = closed_after, False, True
    return Times(durations, is_event), is_closed
