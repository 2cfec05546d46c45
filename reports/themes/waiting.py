"""Tables of the time to a first paper: the curve, its points, what it was counted from, and by cycle and year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from reports.definitions.speed import (
    COUNTED_AS_ZERO,
    FROM_RELEASE,
    NOT_BEGUN,
    SHARE_AFTER,
    STILL_WAITING,
    TIMED,
    TIMED_PUBLISHED,
    TIMED_WAITING,
    UNDATED,
    YEARS_ALL,
    YEARS_PUBLISHED,
)
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import Counted, From
from reports.themes.ages import horizon
from reports.themes.curves import (
    MOST_STEPS,
    MOST_YEARS,
    POINTS,
    Waiting,
    at_risk_after,
    counting,
    points,
    share_after,
    steps,
    whole_years,
    years_until,
)
from reports.themes.durations import WATCHED, Cohort, Timed, by_cycle, days, together
from reports.themes.keys import key_of
from reports.words import shown, written

SHARES = (0.50, 0.80, 0.95)
"""The shares whose points in time are given."""

YEARS = (2, 4)
"""The whole years after which the share published is given by cycle."""

MOST_CURVES = 6
"""Of more cycles than these the profile's groups of cycles are drawn instead, and if these are too many or there are none
so many bunches of neighbouring cycles: more curves cannot be told apart."""

LONG_AGO = 366
"""Days before the report's day from which the last day watched needs a word."""

ORIGINS: Mapping[From, tuple[str, str]] = {
    From.DELIVERY: ("delivery", "First delivery (first release where unknown)"),
    From.LAST_DELIVERY: ("last-delivery", "Last delivery so far (last release where unknown)"),
    From.PROPRIETARY_END: ("proprietary-end", "End of the proprietary period (last release so far)"),
}
"""Where the time runs from: key and name of its row. The first one is the main one."""

KNOWN = ("delivery-known", "First delivery, projects of which it is known")


def tables(counted: Counted, times: Mapping[From, Timed]) -> tuple[Table, ...]:
    """Return the tables of the curve and its points, of what they were counted from, by cycle and by year."""
    main = times[From.DELIVERY]
    origins = {ORIGINS[origin]: Waiting.of(one) for origin, one in times.items()}
    whole = origins[ORIGINS[From.DELIVERY]]
    starts = {**origins, KNOWN: Waiting.of(main.only(~main.from_release))}
    rows = {key: starts[key] for key in (ORIGINS[From.DELIVERY], KNOWN, *list(origins)[1:])}
    said = _watched(counted)
    cycles = by_cycle(counted, main)
    return (
        _curve(whole, said),
        _curve_points(whole, said),
        _points_all(rows, said),
        _points_published(rows),
        _basis(times, said),
        _cohorts("by-cycle", "Time to a first paper by cycle", "cycle", cycles),
        _cycle_points(counted, main, cycles),
        _cohorts("by-year", "Time to a first paper by year of the first delivery", "year", _by_year(main)),
    )


def _watched(counted: Counted) -> str:
    if counted.facts.complete_through is None:
        return (
            "There is no day through which all sources of papers were harvested, so projects are watched until the "
            "report's day: papers not harvested yet make publication look slower than it is."
        )
    last = horizon(counted)
    said = f"Projects are watched until {last}, the day through which all sources of papers were harvested."
    if (counted.facts.as_of - last).days <= LONG_AGO:
        return said
    return (
        f"{said} That is long before the report's day: a hole in the harvest hides what appeared since. The state of the "
        "bibliography names it, and once it is filled these numbers reach further."
    )


def _left_out(main: Timed) -> tuple[str, ...]:
    """Return how many projects are counted otherwise than one would think, one sentence each."""
    said = (
        (int(main.from_release.sum()), "No delivery is known, so the time runs from the first release date"),
        (int(main.as_zero.sum()), "Published before the start, so the time counts as 0"),
        (len(main.undated), "Left out, because they published but no paper of theirs has a date"),
        (
            int((main.times.durations > days(MOST_YEARS)).sum()),
            f"Watched for more than {MOST_YEARS} years, which the curve does not show: a date may be wrong",
        ),
        (len(main.not_begun), "Left out, because their time had not begun by the last day watched"),
    )
    return tuple(f"{sentence}: {written(count, 'count')}." for count, sentence in said if count)


def _curve(whole: Waiting, said: str) -> Table:
    rows = tuple(
        Row(str(year), f"{year} yr", (share_after(whole, year, marks=False), at_risk_after(whole, year)))
        for year in whole_years(whole.timed.times.durations)
    )
    return Table(
        key="curve",
        title="Share of all observed projects published, by time since their data",
        rows_are="Time since the data",
        columns=(
            Column("share", "Share published", SHARE_AFTER.key),
            Column("at_risk", "At risk", STILL_WAITING.key),
        ),
        rows=rows,
        says="Kaplan–Meier estimate over all observed projects, each for as long as it was watched, with pointwise 95 % log-log intervals.",
        notes=(said, *_left_out(whole.timed)),
    )


def _curve_points(whole: Waiting, said: str) -> Table:
    return Table(
        key="curve-points",
        title="Curve of all observed projects",
        rows_are="Time since the data",
        columns=POINTS,
        rows=points("all", "All projects", whole, marks=False),
        says="Each step of the curve, each whole year, and the longest time watched.",
        charts=(_chart(_headline(whole)),),
        is_long=True,
        notes=(said, *_thinned(whole)),
    )


def _chart(title: str) -> Chart:
    return Chart("steps", title, ("share",), x="Years since the first delivery", y="Share published")


def _thinned(*curves: Waiting) -> tuple[str, ...]:
    if all(steps(one) <= MOST_STEPS for one in curves):
        return ()
    return (f"Curves of more than {MOST_STEPS} steps are given at every half month, where their values are exact.",)


def _headline(whole: Waiting) -> str:
    """Return one sentence with what the curve shows."""
    half = years_until(whole, 0.5)
    if half.value is not None:
        return f"Half of the observed projects had a first refereed paper {shown(half)} after their data"
    if not len(whole.timed):
        return "No project was observed yet"
    return f"Fewer than half of the observed projects had a first refereed paper {whole_years(whole.timed.times.durations)[-1]} years after their data"


def _percents() -> Iterable[tuple[float, str, str]]:
    return ((share, f"p{share * 100:.0f}", f"{share * 100:.0f} %") for share in SHARES)


def _points_all(rows: Mapping[tuple[str, str], Waiting], said: str) -> Table:
    return Table(
        key="points-all",
        title="Time until 50, 80 and 95 % of all projects had published",
        rows_are="Time runs from",
        columns=(
            Column("projects", "Projects", TIMED.key),
            *(Column(key, name, YEARS_ALL.key) for _, key, name in _percents()),
            Column("as-zero", "Counted as 0", COUNTED_AS_ZERO.key),
            Column("from-release", "From a release date", FROM_RELEASE.key),
        ),
        rows=tuple(Row(*row, _pointed(one)) for row, one in rows.items()),
        says="Over all observed projects, published or not: what to expect of a project. A share that was never reached has no time.",
        notes=(
            said,
            "Intervals end where the curve's pointwise band crosses the share; a dash is an end that was not reached.",
        ),
    )


def _pointed(one: Waiting) -> tuple[Figure, ...]:
    return (
        counting(TIMED, _all(one)),
        *(years_until(one, share) for share in SHARES),
        counting(COUNTED_AS_ZERO, one.timed.those(one.timed.as_zero)),
        counting(FROM_RELEASE, one.timed.those(one.timed.from_release)),
    )


def _points_published(rows: Mapping[tuple[str, str], Waiting]) -> Table:
    published = {row: Waiting.of(one.timed.only(one.timed.times.is_event)) for row, one in rows.items()}
    columns = (
        Column("projects", "Projects", TIMED_PUBLISHED.key),
        *(Column(key, name, YEARS_PUBLISHED.key) for _, key, name in _percents()),
    )
    return Table(
        key="points-published",
        title="Time until 50, 80 and 95 % of those that published had published",
        rows_are="Time runs from",
        columns=columns,
        rows=tuple(
            Row(
                key,
                name,
                (counting(TIMED_PUBLISHED, _all(one)), *(years_until(one, share, YEARS_PUBLISHED) for share in SHARES)),
            )
            for (key, name), one in published.items()
        ),
        says="Only over projects that published while they were watched, as some observatories give it: shorter than over all projects, because those that never publish, or have not yet, are left out.",
        notes=(
            "To be compared with published figures that are defined over publishing projects; for what to expect of a project see the table over all projects.",
        ),
    )


def _all(one: Waiting) -> tuple[int, ...]:
    return tuple(one.timed.ids.tolist())


def _basis(times: Mapping[From, Timed], said: str) -> Table:
    indicators = (TIMED, TIMED_PUBLISHED, TIMED_WAITING, FROM_RELEASE, COUNTED_AS_ZERO, UNDATED, NOT_BEGUN)
    return Table(
        key="basis",
        title="What the times were counted from",
        rows_are="Time runs from",
        columns=tuple(Column(one.key.replace("_", "-"), one.name, one.key) for one in indicators),
        rows=tuple(Row(*ORIGINS[origin], _based(one)) for origin, one in times.items()),
        says="Published and without a paper add up to the projects timed; with those left out, to the projects observed.",
        notes=(said,),
    )


def _based(one: Timed) -> tuple[Figure, ...]:
    published = one.times.is_event
    return (
        counting(TIMED, tuple(one.ids.tolist())),
        counting(TIMED_PUBLISHED, one.those(published)),
        counting(TIMED_WAITING, one.those(~published)),
        counting(FROM_RELEASE, one.those(one.from_release)),
        counting(COUNTED_AS_ZERO, one.those(one.as_zero)),
        counting(UNDATED, one.undated),
        counting(NOT_BEGUN, one.not_begun),
    )


def _cohorts(key: str, title: str, rows_are: str, cohorts: Iterable[Cohort]) -> Table:
    rows = []
    for cohort in cohorts:
        one = Waiting.of(cohort.timed)
        half = years_until(one, 0.5)
        settles = YEARS[-1] if half.value is None else half.value
        figures = (
            counting(TIMED, _all(one)),
            replace(half, is_incomplete=not cohort.timed.is_watched(settles)),
            *(share_after(one, years) for years in YEARS),
        )
        rows.append(Row(cohort.key, cohort.name, figures))
    return Table(
        key=key,
        title=title,
        rows_are=rows_are.capitalize(),
        columns=(
            Column("projects", "Projects", TIMED.key),
            Column("p50", "50 % published", YEARS_ALL.key),
            *(Column(f"after-{years}", f"Published after {years} yr", SHARE_AFTER.key) for years in YEARS),
        ),
        rows=tuple(rows),
        says=f"Kaplan–Meier estimates of each {rows_are}. Incomplete: fewer than {WATCHED * 100:.0f} % of its projects could be watched for so long, so that the value rests on the earliest ones.",
        charts=(
            Chart(
                "points",
                f"Share published {YEARS[0]} years after the data, by {rows_are}",
                (f"after-{YEARS[0]}",),
                x=rows_are.capitalize(),
                y="Share published",
            ),
        ),
    )


def _cycle_points(counted: Counted, main: Timed, cycles: tuple[Cohort, ...]) -> Table:
    drawn, notes = cycles, list[str]()
    if len(drawn) > MOST_CURVES:
        drawn = _grouped(counted, main, cycles)
        notes.append(f"More than {MOST_CURVES} cycles are drawn in the groups that the observatory's profile names.")
    if len(drawn) > MOST_CURVES:
        drawn = _bunched(main, drawn)
        notes = [f"More than {MOST_CURVES} cycles are drawn in {MOST_CURVES} bunches of neighbours."]
    curves = [(cohort, Waiting.of(cohort.timed)) for cohort in drawn]
    return Table(
        key="cycle-points",
        title="Curves of cycles",
        rows_are="Cycles and time since the data",
        columns=POINTS,
        rows=tuple(row for cohort, one in curves for row in points(cohort.key, cohort.name, one, marks=True)),
        says=f"A point is incomplete beyond the time for which {WATCHED * 100:.0f} % of the projects of its curve could be watched.",
        charts=(_chart("How soon the projects of earlier and later cycles published"),),
        is_long=True,
        notes=(*notes, *_thinned(*(one for _, one in curves))),
    )


def _grouped(counted: Counted, main: Timed, cycles: tuple[Cohort, ...]) -> tuple[Cohort, ...]:
    """Return the cycles put together as the profile groups them, in the order of their first cycles."""
    groups = {cycle.name: cycle.group for cycle in counted.profile.cycles if cycle.group}
    found: dict[str, list[Cohort]] = {}
    for cycle in cycles:
        found.setdefault(groups.get(cycle.name, cycle.name), []).append(cycle)
    return tuple(Cohort(key_of(name.replace("–", "-")), name, together(main, some)) for name, some in found.items())


def _bunched(main: Timed, cycles: tuple[Cohort, ...]) -> tuple[Cohort, ...]:
    """Return neighbouring cycles put together, about equally many in each bunch."""
    cuts = [round(place * len(cycles) / MOST_CURVES) for place in range(MOST_CURVES + 1)]
    bunches = [cycles[a:b] for a, b in pairwise(cuts)]
    return tuple(some[0] if len(some) == 1 else _bunch(main, some) for some in bunches)


def _bunch(main: Timed, some: tuple[Cohort, ...]) -> Cohort:
    first, last = some[0], some[-1]
    return Cohort(f"{first.key}_to_{last.key}", f"{first.name} to {last.name}", together(main, some))


def _by_year(main: Timed) -> Iterable[Cohort]:
    for year in np.unique(main.start_years).tolist():
        yield Cohort(str(year), str(year), main.only(main.start_years == year))
