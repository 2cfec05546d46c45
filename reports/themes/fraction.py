"""Theme: publication fraction, now and at fixed age: by cycle, and by every other thing projects are divided by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reports.definitions.projects import (
    FRACTION,
    OBSERVED,
    OBSERVED_HOURS,
    PAST_END,
    PUBLISHED,
    PUBLISHED_WITHIN,
    PUBLISHED_WITHIN_TIME,
    SILENT,
    TIME_FRACTION,
    UNPUBLISHED,
    UNPUBLISHED_TIME,
    WITHIN_TIME,
)
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import BANDS, Counted
from reports.themes import backlog
from reports.themes.ages import Ages, Cell, horizon
from reports.themes.figures import Figures
from reports.themes.groups import ALL, Divided, Group, by_cycle, by_facet, everything, facets_of
from reports.themes.helping import compare
from reports.themes.helping import table as helping
from reports.themes.places import UNKNOWN, Pool, Vector

KEY = "fraction"
NAME = "Publication fraction"
QUESTION = "Which share of the observed projects was published, and what helps a project publish?"

AGES = (1, 2, 3, 4, 5, 7, 10)
"""Years after the first delivery at which cycles are compared."""

FIXED_AGE = 4
"""The age at which everything else is compared: old enough for most papers, young enough for most cycles."""

AFTER_END = 2
"""Years after the proprietary period at which a project without a paper counts as unpublished."""

COLOURS = {"published": "#0072B2", "within_time": "#DB7916", "silent": "#707070"}

_NOW = (
    Column("observed", "Observed", OBSERVED.key),
    Column("published", "Published", PUBLISHED.key),
    Column("silent", "Silent", SILENT.key),
    Column("within_time", "Within their time", WITHIN_TIME.key),
    Column("fraction", "Fraction", FRACTION.key),
    Column("hours", "Hours observed", OBSERVED_HOURS.key),
    Column("fraction_of_time", "Fraction of time", TIME_FRACTION.key),
)
_BY = (
    Column("observed", "Observed", OBSERVED.key),
    Column("published", "Published", PUBLISHED.key),
    Column("fraction", "Fraction now", FRACTION.key),
    Column("fraction_of_time", "Fraction of time now", TIME_FRACTION.key),
    Column(f"y{FIXED_AGE}", f"Within {FIXED_AGE} years", PUBLISHED_WITHIN.key),
    Column(f"y{FIXED_AGE}_time", f"Time within {FIXED_AGE} years", PUBLISHED_WITHIN_TIME.key),
)
_UNPUBLISHED = (
    Column("ended", f"{AFTER_END} years past the end", PAST_END.key),
    Column("unpublished", "Unpublished by then", UNPUBLISHED.key),
    Column("unpublished_time", "Time unpublished by then", UNPUBLISHED_TIME.key),
)


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme."""
    about = _About.of(counted)
    facets = about.facets()
    return (
        _now(about),
        _fixed_age(about),
        _fixed_age_of_time(about),
        _helps(about, facets),
        *(_by_facet(about, divided) for divided in facets),
        _unpublished(about),
    )


@dataclass(frozen=True, slots=True)
class _About:
    """What the tables share: the observed projects, whether each is published, in cycles, and their ages."""

    counted: Counted
    pool: Pool
    make: Figures
    cycles: tuple[Group, ...]
    ages: Ages
    published: Vector
    silent: Vector
    certain: Vector
    """Not published, with a candidate that would publish them and that the machine is certain of."""

    @classmethod
    def of(cls, counted: Counted) -> _About:
        pool = Pool.of(counted, counted.observed)
        return cls(
            counted,
            pool,
            Figures(pool),
            by_cycle(counted, pool),
            Ages.from_first_data(counted, pool),
            pool.are_in(counted.published),
            pool.are_in(counted.silent),
            pool.are_in(counted.undecided.unpublished[BANDS[0]]),
        )

    def facets(self) -> tuple[Divided, ...]:
        """Return the groups of each facet of which any observed project has a value."""
        found = (by_facet(self.counted, facet, self.pool) for facet in facets_of(self.counted.profile))
        return tuple(divided for divided in found if divided is not None)

    def rows(
        self, groups: Iterable[Group], figures: Callable[[Group], tuple[Figure, ...]], *, way: str = ""
    ) -> tuple[Row, ...]:
        """Return a row for each group and one for all projects; what is young in it, its figures say.

        Of many projects that wait for a decision the row says what would follow: the fraction as of today, or, of
        figures at a fixed age, which ``way`` they may go ("rise", "fall").
        """
        whole = (*groups, everything(self.pool))
        return tuple(Row(group.key, group.name, figures(group), backlog=self.backlog(group, way)) for group in whole)

    def backlog(self, group: Group, way: str) -> str:
        """Return what a group's row says of its many projects that wait for a decision; nothing where they are few."""
        places = group.places
        certain, observed = int(self.certain[places].sum()), len(places)
        if way:
            return backlog.of_shares(certain, observed, way)
        return backlog.of_projects(certain, int(self.published[places].sum()), observed)

    def standing(self, group: Group) -> tuple[Figure, ...]:
        """Return how a group stands as of today: the figures of the first table."""
        make, places = self.make, group.places
        published, silent = self.published[places], self.silent[places]
        fraction, of_time = self.now(group)
        young = fraction.is_incomplete
        return (
            make.count(OBSERVED, places),
            make.count(PUBLISHED, places[published], is_incomplete=young),
            make.count(SILENT, places[silent & ~published], is_incomplete=young),
            make.count(WITHIN_TIME, places[~silent & ~published]),
            fraction,
            make.hours(OBSERVED_HOURS, places),
            of_time,
        )

    def now(self, group: Group) -> tuple[Figure, Figure]:
        """Return the fraction of projects and of time as of today; young while a project is within its time."""
        is_hit = self.published[group.places]
        hits, rest = group.places[is_hit], group.places[~is_hit]
        young = not self.silent[rest].all()
        return (
            self.make.share(FRACTION, hits, rest, is_incomplete=young),
            self.make.share_of_time(TIME_FRACTION, hits, rest, is_incomplete=young),
        )

    def within(self, group: Group, years: int) -> Figure:
        """Return the fraction of projects published within so many years."""
        cell = self.ages.at(group.places, years).counted()
        return self.make.share(
            PUBLISHED_WITHIN, cell.within, cell.later, is_incomplete=len(cell.younger) > 0, note=_age_note(cell)
        )

    def time_within(self, group: Group, years: int) -> Figure:
        """Return the fraction of observing time published within so many years."""
        cell = self.ages.at(group.places, years).counted()
        return self.make.share_of_time(
            PUBLISHED_WITHIN_TIME, cell.within, cell.later, is_incomplete=len(cell.younger) > 0, note=_age_note(cell)
        )


def _now(about: _About) -> Table:
    return Table(
        key="now",
        title="Projects published as of the report's day, by cycle",
        rows_are="Cycle",
        columns=_NOW,
        rows=about.rows(about.cycles, about.standing),
        says="Observed projects are published, silent, or still within their time; young cycles are marked, for papers "
        "take years.",
        charts=(
            Chart(
                "bars",
                "Publication fraction by cycle as of the report's day, with 95 % intervals",
                ("fraction",),
                x="Cycle",
                y="Fraction of observed projects",
                without=(ALL,),
            ),
            Chart(
                "stacked",
                "Observed projects by cycle: published, within their time, silent",
                ("published", "within_time", "silent"),
                x="Cycle",
                y="Projects",
                colours=COLOURS,
                without=(ALL,),
            ),
        ),
        notes=(*backlog.projects_notes(about.counted), *_time_notes(about)),
    )


def _fixed_age(about: _About) -> Table:
    return Table(
        key="fixed-age",
        title=f"Projects published within {AGES[0]} to {AGES[-1]} years after their first delivery, by cycle",
        rows_are="Cycle",
        columns=tuple(Column(f"y{age}", _within(age), PUBLISHED_WITHIN.key) for age in AGES),
        rows=about.rows(about.cycles, lambda group: tuple(about.within(group, age) for age in AGES), way="rise"),
        says="Every cycle at the same age, so that young and old ones compare; each figure leads to the projects that "
        "published in time and to those that did not.",
        charts=(
            Chart(
                "points",
                f"Fraction of projects published within {FIXED_AGE} years after the first delivery, with 95 % intervals",
                (f"y{FIXED_AGE}",),
                x="Cycle",
                y="Fraction of projects old enough",
                without=(ALL,),
            ),
            Chart(
                "lines",
                "Fraction of projects published within 1, 2, 4 and 7 years after the first delivery, by cycle",
                ("y1", "y2", "y4", "y7"),
                x="Cycle",
                y="Fraction of projects old enough",
                without=(ALL,),
            ),
        ),
        notes=(*_age_notes(about), *backlog.projects_notes(about.counted)),
    )


def _fixed_age_of_time(about: _About) -> Table:
    return Table(
        key="fixed-age-of-time",
        title=f"Observing time of projects published within {AGES[0]} to {AGES[-1]} years after their first delivery, by cycle",
        rows_are="Cycle",
        columns=tuple(Column(f"y{age}", _within(age), PUBLISHED_WITHIN_TIME.key) for age in AGES),
        rows=about.rows(about.cycles, lambda group: tuple(about.time_within(group, age) for age in AGES), way="rise"),
        says="As above, by hours instead of projects: long projects weigh more.",
        charts=(
            Chart(
                "points",
                f"Fraction of observing time published within {FIXED_AGE} years after the first delivery, "
                "with 95 % intervals",
                (f"y{FIXED_AGE}",),
                x="Cycle",
                y="Fraction of hours of projects old enough",
                without=(ALL,),
            ),
        ),
        notes=(*_age_notes(about), *backlog.projects_notes(about.counted), *_time_notes(about)),
    )


def _helps(about: _About, facets: Iterable[Divided]) -> Table:
    compared = [compare(divided, about.pool, about.ages, FIXED_AGE, about.cycles) for divided in facets]
    return helping(compared, about.pool, FIXED_AGE, lambda group: about.within(group, FIXED_AGE))


def _by_facet(about: _About, divided: Divided) -> Table:
    def figures(group: Group) -> tuple[Figure, ...]:
        fraction, of_time = about.now(group)
        return (
            about.make.count(OBSERVED, group.places),
            about.make.count(
                PUBLISHED, group.places[about.published[group.places]], is_incomplete=fraction.is_incomplete
            ),
            fraction,
            of_time,
            about.within(group, FIXED_AGE),
            about.time_within(group, FIXED_AGE),
        )

    name = divided.facet.name
    shared = (f"{divided.shared} projects have several values and count in the row of each.",) if divided.shared else ()
    return Table(
        key=f"by-{divided.facet.key}",
        title=f"Projects published, by {name}",
        rows_are=name[:1].upper() + name[1:],
        columns=_BY,
        rows=about.rows(divided.groups, figures),
        says=f"Compare the fraction within {FIXED_AGE} years, at which all rows have the same age. Rows whose intervals "
        "overlap widely do not differ for certain, and rows may differ in other things than this one.",
        charts=(
            Chart(
                "points",
                f"Fraction of projects published within {FIXED_AGE} years after the first delivery, by {name}, "
                "with 95 % intervals",
                (f"y{FIXED_AGE}",),
                x=name[:1].upper() + name[1:],
                y="Fraction of projects old enough",
            ),
        ),
        notes=(*shared, *_age_notes(about), *backlog.projects_notes(about.counted), *_time_notes(about)),
    )


def _unpublished(about: _About) -> Table:
    make, ages = about.make, Ages.from_proprietary_end(about.counted, about.pool)

    def figures(group: Group) -> tuple[Figure, ...]:
        cell = ages.at(group.places, AFTER_END).counted()
        note, young = _age_note(cell), len(cell.younger) > 0
        return (
            make.count(PAST_END, cell.old, is_incomplete=young, note=note),
            make.share(UNPUBLISHED, cell.later, cell.within, is_incomplete=young, note=note),
            make.share_of_time(UNPUBLISHED_TIME, cell.later, cell.within, is_incomplete=young, note=note),
        )

    unknown = ages.without_start()
    notes = (f"{_projects(unknown)} without a usable release date are not counted.",) if unknown else ()
    return Table(
        key="unpublished",
        title=f"Projects unpublished {AFTER_END} years after the end of their proprietary period, by cycle",
        rows_are="Cycle",
        columns=_UNPUBLISHED,
        rows=about.rows(about.cycles, figures, way="fall"),
        says="Measured at a fixed age, not today: a paper that appeared later does not change it.",
        charts=(
            Chart(
                "points",
                f"Fraction of projects unpublished {AFTER_END} years after the end of the proprietary period, "
                "with 95 % intervals",
                ("unpublished",),
                x="Cycle",
                y="Fraction of projects old enough",
                without=(ALL,),
            ),
        ),
        notes=(
            *notes,
            *_horizon_note(about.counted),
            *backlog.projects_notes(about.counted, says_share=False),
        ),
    )


def _within(age: int) -> str:
    return "Within 1 year" if age == 1 else f"Within {age} years"


def _projects(number: int) -> str:
    return "1 project" if number == 1 else f"{number} projects"


def _age_note(cell: Cell) -> str:
    if not len(cell.younger):
        return ""
    if not len(cell.old):
        return "Most of its projects are not that old yet."
    return f"{_projects(len(cell.younger))} not that old yet, not counted."


def _age_notes(about: _About) -> tuple[str, ...]:
    counted, ages = about.counted, about.ages
    notes = list(_horizon_note(counted))
    if without := ages.without_start():
        notes.append(f"{_projects(without)} without a usable date of delivery or release: in no cell.")
    if ages.by_release:
        notes.append(
            f"{_projects(ages.by_release)} without a date of delivery: their years run from the first release."
        )
    if undated := len(counted.published) - len(counted.first_paper_on):
        notes.append(f"{_projects(undated)} with papers of no known date: counted as not within.")
    return tuple(notes)


def _horizon_note(counted: Counted) -> tuple[str, ...]:
    day = horizon(counted).isoformat()
    if counted.facts.complete_through is not None:
        return (f"Ages are counted up to {day}, to which all sources were harvested without a hole.",)
    note = (
        f"No source of papers was ever harvested without a hole, so ages are counted up to {day}, the report's day; "
        "papers may be missing."
    )
    return (note,)


def _time_notes(about: _About) -> tuple[str, ...]:
    unknown = int((about.pool.seconds == UNKNOWN).sum())
    return (f"{_projects(unknown)} whose observing time is not known: not in any figure of time.",) if unknown else ()
