"""The public page: what may be told to anybody of what became of the telescope time.

Numbers alone, of the whole observatory, by cycle and by year. Projects that did not publish are neither named nor so few
in a row that they can be told apart, nothing is said of the questionnaire's answers or of silence, and papers that a
second reader is to judge unseen are left out before anything is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
from reports.facts.counted import Counted
from reports.files import charts
from reports.filters import Chosen, without_papers
from reports.pages.dashboard import KeyNumber, key_numbers
from reports.pages.latest import Live, Standing, live_report
from reports.pages.shown import Shown
from reports.service import hidden_now

KEPT_FOR = timedelta(hours=1)
"""How long the page stays as it was made: a verdict at the desk is no reason to count everything for a stranger."""

FEWEST = 10
"""A cycle with fewer observed projects than these is left out: its projects could be told apart."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the report of which some columns are public. ``fewest``: the column that must reach ``FEWEST``."""

    theme: str
    table: str
    columns: tuple[str, ...]
    says: str
    fewest: str = ""


PARTS: Mapping[str, Part] = {
    "fraction": Part(
        "fraction",
        "now",
        ("observed", "published", "fraction"),
        "Young cycles are low because papers take years.",
        fewest="observed",
    ),
    "papers": Part(
        "papers",
        "by-year",
        ("papers", "pi", "pi_and_archive", "archive", "undetermined", "archive_share"),
        "PI data: an author of the paper is in the team of every project it used; archive data: of none.",
    ),
}
"""What is public beside the first page's numbers, by its place in the address of its picture."""


@dataclass(frozen=True)
class Told:
    """What the page tells, when it was made, and its pictures."""

    made_at: datetime
    report: Live
    numbers: tuple[KeyNumber, ...]
    tables: Mapping[str, Table]
    pictures: Mapping[tuple[str, str], str]
    meanings: tuple[Indicator, ...]

    @property
    def says(self) -> Mapping[str, str]:
        """How to read each table."""
        return {key: part.says for key, part in PARTS.items()}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell yet."""
        return not self.report.counted.observed and not self.report.counted.refereed


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
    whole = live_report(wired, session)
    facts = replace(without_papers(whole.facts, hidden_now(session).papers), answers=())
    report = Live(Counted(facts, wired.profile), Chosen(), Standing(now))
    numbers = tuple(_numbers(report))
    tables = {key: table for key, part in PARTS.items() if (table := _table(report, part)) is not None}
    columns = [column for table in tables.values() for column in table.columns]
    used = dict.fromkeys([number.meaning.key for number in numbers] + [column.indicator for column in columns])
    pictures = {
        (key, look): charts.svg(table, table.charts[0], look)
        for key, table in tables.items()
        if table.charts
        for look in ("light", "dark")
    }
    return Told(now, report, numbers, tables, pictures, tuple(INDICATORS[key] for key in used))


def _numbers(report: Live) -> list[KeyNumber]:
    """Return the first page's numbers that may be public."""
    return [
        number
        for number in key_numbers(Shown(report))
        if number.figure.value is not None
        and not number.meaning.of_answers
        and number.meaning.key not in (SILENT.key, WITHIN_TIME.key)
    ]


def _table(report: Live, part: Part) -> Table | None:
    """Return what is public of a table: its rows without those of few projects, its public columns and pictures of them."""
    try:
        whole = report.theme(part.theme).table(part.table)
    except KeyError:
        return None
    places = [i for i, column in enumerate(whole.columns) if column.key in part.columns]
    columns = tuple(whole.columns[i] for i in places)
    keys = {column.key for column in columns}
    rows = tuple(
        replace(row, figures=tuple(_unnamed(row.figures[i]) for i in places))
        for row in whole.rows
        if not part.fewest or (whole.figure(row.key, part.fewest).value or 0) >= FEWEST
    )
    drawn = [replace(chart, columns=tuple(key for key in chart.columns if key in keys)) for chart in whole.charts]
    shown = tuple(chart for chart in drawn if chart.columns)[:1]
    return replace(whole, columns=columns, rows=rows, charts=shown, notes=()) if rows else None


def _unnamed(figure: Figure | None) -> Figure | None:
    return figure and replace(figure, ids=(), rest=())
