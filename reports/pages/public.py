"""The public page: what may be told to anybody of what became of the telescope time.

Numbers alone, of the whole observatory, by cycle and by year. Projects that did not publish are neither named nor so few
in a row that they can be told apart, nor can they by subtracting one number from another; nothing is said of the
questionnaire's answers or of silence. Papers that a second reader is to judge unseen are left out before anything is
counted, as on the pages of whoever may be that reader: the two show the same numbers, and the page says how many it lacks.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from flask import Response, make_response, render_template
from sqlmodel import Session

from biblio.errors import NotFound
from biblio.runtime import Runtime
from biblio.webkit import reading, runtime
from reports import words
from reports.definitions import INDICATORS, SILENT, WITHIN_TIME
from reports.definitions.model import Indicator
from reports.document import Figure, Table
from reports.facts.model import ReadAgain
from reports.files import charts
from reports.pages.charts import LOOKS
from reports.pages.key_numbers import KeyNumber, key_numbers
from reports.pages.latest import Live, live_report
from reports.pages.shown import Shown
from reports.themes.few import FEWEST, put_together

KEPT_FOR = timedelta(hours=1)
"""How long the page stays as it was made: a verdict at the desk is no reason to count everything for a stranger."""


BACKLOG = "Many of its papers wait to be judged."
"""What is told of a row with a large backlog: its numbers could tell of single projects."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the report of which some columns are public. ``fewest``: the column that must reach ``FEWEST`` in each row."""

    theme: str
    table: str
    title: str
    columns: tuple[str, ...]
    says: str
    fewest: str = ""


PARTS: Mapping[str, Part] = {
    "fraction": Part(
        "fraction",
        "now",
        "Projects published, by cycle",
        ("observed", "published", "fraction"),
        "Of the projects of a cycle of which data were delivered, those with a refereed paper. Papers take years, so young "
        "cycles are low.",
        fewest="observed",
    ),
    "papers": Part(
        "papers",
        "by-year",
        "Papers by year and origin of the data",
        ("papers", "pi", "pi_and_archive", "archive", "undetermined", "archive_share"),
        "Refereed papers by the year of their journal. PI data: an author of the paper is in the team of every project "
        "it used; archive data: in the team of none; PI and archive data: of some, and not of others; origin unknown: "
        "names alone do not settle it.",
    ),
}
"""What is public beside the first page's numbers, by its place in the address of its picture."""


@dataclass(frozen=True)
class Told:
    """What the page tells, when it was made, and its pictures. It keeps no report: that would hold all facts for an hour.

    ``observed`` projects were counted; ``read_again`` are the papers that were not, as a second reader has yet to judge.
    """

    made_at: datetime
    as_of: date
    complete_through: date | None
    observed: int
    read_again: ReadAgain
    numbers: tuple[KeyNumber, ...]
    tables: Mapping[str, Table]
    pictures: Mapping[tuple[str, str], str]
    meanings: tuple[Indicator, ...]
    fewest: int = FEWEST

    @property
    def says(self) -> Mapping[str, str]:
        """How to read each table."""
        return {key: part.says for key, part in PARTS.items()}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell yet."""
        return not self.observed and not self.has_papers

    @property
    def has_papers(self) -> bool:
        """Whether a paper was counted."""
        return any(number.meaning.rows == "papers" and number.figure.value for number in self.numbers)

    @property
    def is_small(self) -> bool:
        """Whether there are projects, but too few to say anything of them."""
        return 0 < self.observed < FEWEST

    def counts(self, figure: Figure) -> str:
        """Return of how many a share is one, e.g. "38 of 52"; nothing where it is no share."""
        return words.counts(figure)

    def figure(self, number: KeyNumber) -> Figure | None:
        """Return this very number as the page has it; None where it has none."""
        return next((mine.figure for mine in self.numbers if mine.at == number.at), None)


_lock = threading.Lock()
_kept: WeakKeyDictionary[sa.Engine, Told] = WeakKeyDictionary()


def success() -> Response:
    """Show anybody what became of the telescope time."""
    told = told_of(runtime())
    return _public(render_template("reports/success.html", told=told, value=words.shown, interval=words.interval))


def success_chart(part: str, look: str) -> Response:
    """Draw one of the public pictures, for a light or dark page."""
    picture = told_of(runtime()).pictures.get((part, look))
    if picture is None:
        raise NotFound("There is no such picture.")
    response = _public(picture)
    response.mimetype = "image/svg+xml"
    return response


def _public(content: str) -> Response:
    response = make_response(content)
    response.headers["Cache-Control"] = "public, max-age=600"
    return response


def told_of(wired: Runtime) -> Told:
    """Return what may be public, as it was at most an hour ago."""
    key, now = wired.store.engine, wired.clock.now()
    kept = _kept.get(key)
    if kept is not None and now - KEPT_FOR < kept.made_at <= now:
        return kept
    with _lock:
        again = _kept.get(key)
        if again is None or again is kept:
            with reading() as session:
                again = _kept[key] = _told(wired, session, now)
        return again


def _told(wired: Runtime, session: Session, now: datetime) -> Told:
    report = live_report(wired, session, is_blind=True)
    numbers = tuple(_numbers(report))
    tables = {key: table for key, part in PARTS.items() if (table := _table(report, part)) is not None}
    columns = [column for table in tables.values() for column in table.columns]
    used = dict.fromkeys([number.meaning.key for number in numbers] + [column.indicator for column in columns])
    pictures = {
        (key, look): charts.svg(table, table.charts[0], look.partition("-")[0], is_narrow="-" in look)
        for key, table in tables.items()
        if table.charts
        for look in LOOKS
    }
    return Told(
        made_at=now,
        as_of=report.as_of,
        complete_through=report.complete_through,
        observed=len(report.counted.observed),
        read_again=report.facts.bibliography.read_again,
        numbers=numbers,
        tables=tables,
        pictures=pictures,
        meanings=tuple(INDICATORS[key] for key in used),
    )


def _numbers(report: Live) -> list[KeyNumber]:
    """Return the first page's numbers that may be public; those of projects only where there are enough of them."""
    few = len(report.counted.observed) < FEWEST
    return [
        number
        for number in key_numbers(Shown(report))
        if number.figure.value is not None
        and not number.meaning.of_answers
        and number.meaning.key not in (SILENT.key, WITHIN_TIME.key)
        and not (few and number.meaning.rows == "projects")
    ]


def _table(report: Live, part: Part) -> Table | None:
    """Return what is public of a table: its public columns, few projects in no row, the first picture of them, no names."""
    try:
        whole = report.theme(part.theme).table(part.table)
    except KeyError:
        return None
    places = [i for i, column in enumerate(whole.columns) if column.key in part.columns]
    rows = tuple(
        replace(row, figures=tuple(row.figures[i] for i in places), backlog=BACKLOG if row.backlog else "")
        for row in whole.rows
    )
    table: Table | None = replace(whole, columns=tuple(whole.columns[i] for i in places), rows=rows, notes=())
    if table is not None and part.fewest:
        table = put_together(table, part.fewest)
    if table is None or not table.rows:
        return None
    keys = {column.key for column in table.columns}
    drawn = [replace(chart, columns=tuple(key for key in chart.columns if key in keys)) for chart in whole.charts]
    shown = tuple(chart for chart in drawn if chart.columns)[:1]
    unnamed = tuple(replace(row, figures=tuple(_unnamed(figure) for figure in row.figures)) for row in table.rows)
    return replace(table, title=part.title, rows=unnamed, charts=shown)


def _unnamed(figure: Figure | None) -> Figure | None:
    return figure and replace(figure, ids=(), rest=())
