"""What a page shows: the live report of a day and of the projects asked for, or a frozen one; and where its parts stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import abort, make_response, render_template, request, url_for
from sqlmodel import Session

from biblio.errors import NotFound, RequestRefused
from biblio.webkit import asked, reading, runtime, visitor
from reports import words
from reports.definitions import INDICATORS
from reports.definitions.comparison import THEIRS
from reports.definitions.model import Indicator
from reports.document import Figure, Report, Row, Table, Theme
from reports.facts.model import ReadAgain
from reports.filters import Chosen, UnknownValue, Value, chosen, divisions, value_name, values_to_choose
from reports.pages.latest import Live, live_report
from reports.service import Snapshot, hidden_now, load_snapshot, snapshot_called
from reports.snapshots.hiding import Hidden, is_told, may_read_second, secret_since, without_hidden_rows

SHORT = 16
"""Characters of a note ("not reached") that stands in the place of a number; a sentence stands behind a dash."""

PRINTED = 24
"""Characters of what another observatory printed that stand in the place of its number."""
_PUBLISHED = frozenset(indicator.key for indicator in THEIRS.values())


@dataclass(frozen=True)
class Shown:
    """A report on a page. ``query`` is what the address asks for beside the place: the day and the filters.

    ``frozen`` is what is known of the snapshot, None of a live report. ``hidden`` must not be named to the reader now:
    themes, tables and figures that are got here, by whatever page or file, have no row for such a paper.
    """

    report: Live | Report
    frozen: Snapshot | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    hidden: Hidden = field(default_factory=Hidden)

    @property
    def live(self) -> Live | None:
        """The live report, or None when this one is frozen."""
        return self.report if isinstance(self.report, Live) else None

    @cached_property
    def contents(self) -> tuple[tuple[str, str, str], ...]:
        """Key, name and question of every theme."""
        if isinstance(self.report, Live):
            return self.report.contents
        return tuple((theme.key, theme.name, theme.question) for theme in self.report.themes)

    @property
    def left_out(self) -> int:
        """How many papers are not counted, because the reader may have to judge one of them unseen."""
        return self.report.left_out if isinstance(self.report, Live) else 0

    @property
    def read_again(self) -> ReadAgain:
        """The papers that a second reader has yet to judge, of a live report; a frozen one does not know."""
        return self.report.facts.bibliography.read_again if isinstance(self.report, Live) else ReadAgain()

    @property
    def chosen(self) -> Chosen:
        """Which projects it is about; nothing chosen: all."""
        return self.report.asked if isinstance(self.report, Live) else Chosen()

    def names(self, kind: str) -> Mapping[int, str]:
        """Return what a frozen report calls its projects or papers, by number; a live one looks them up."""
        if isinstance(self.report, Live):
            return {}
        return self.report.papers if kind == "papers" else self.report.projects

    def define(self, key: str) -> Indicator:
        """Return what figures of this kind mean, as the report says it. Raises ``KeyError``."""
        return self.report.definitions.get(key) or INDICATORS[key]

    def theme(self, key: str) -> Theme:
        """Return a theme. Raises ``NotFound``."""
        try:
            return without_hidden_rows(self.report.theme(key), self.hidden)
        except KeyError as error:
            known = ", ".join(key for key, _, _ in self.contents)
            raise NotFound(f"The report has no theme “{key[:60]}”. It has: {known}.") from error

    def table(self, theme: str, key: str) -> Table:
        """Return a table. Raises ``NotFound``."""
        found = self.theme(theme)
        try:
            return found.table(key)
        except KeyError as error:
            raise NotFound(
                f"“{found.name}” has no table “{key[:60]}” in this report. Tables without a row are left out: "
                "look at the theme's page for those there are."
            ) from error

    def figure(self, theme: str, table: str, row: str, column: str) -> tuple[Table, Row, Figure]:
        """Return a figure with its table and row. Raises ``NotFound``."""
        found = self.table(theme, table)
        try:
            return found, found.row(row), found.figure(row, column)
        except KeyError as error:
            raise NotFound(
                f"“{found.title}” has no number at “{row[:60]}”, “{column[:60]}” in this report: look at the table for "
                "those there are."
            ) from error

    def address(self, endpoint: str, **place: Any) -> str:
        """Return the address of a page of this very report."""
        if self.frozen is not None:
            return url_for(f"reports.{endpoint}", snapshot=self.frozen.id, **place)
        # A filter may be called like a part of the path ("kind"), so the two are put together here.
        path = url_for(f"reports.{endpoint}", **place)
        return f"{path}{'&' if '?' in path else '?'}{urlencode(self.query, doseq=True)}" if self.query else path

    def value(self, figure: Figure) -> str:
        """Return a figure as people read it; of one without a value the words that say why, where they are few."""
        note = figure.note
        if figure.indicator in _PUBLISHED:  # as it was printed ("about 70 %"), where the note begins with that
            printed, is_printed, _ = note.partition("; ")
            if is_printed and len(printed) <= PRINTED:
                return printed
        if figure.value is None and note and len(note) <= SHORT and not note.endswith("."):
            return note
        return words.shown(figure, self.report.definitions)

    def counts(self, figure: Figure) -> str:
        """Return how many of how many a figure is, e.g. "38 of 52"; nothing where it is no share."""
        return words.counts(figure, self.report.definitions)

    def interval(self, figure: Figure) -> str:
        """Return a figure's 95 % interval as people read it, or nothing."""
        return words.interval(figure, self.report.definitions)

    def leads_to_rows(self, figure: Figure) -> bool:
        """Whether a figure has rows that may be shown."""
        indicator = self.define(figure.indicator)
        return bool(indicator.rows and not indicator.of_answers and (figure.ids or figure.rest))


def asked_day(text: str | None = None) -> date | None:
    """Return the day that the address (or a form) asks for. Raises ``RequestRefused`` when it is none or to come."""
    text = (request.args.get("as_of", "") if text is None else text).strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(f"“{text[:40]}” is no day; write it like 2026-01-31.") from error
    if day > runtime().clock.today():
        raise RequestRefused("A report of a day to come cannot be made; leave the day empty for today.")
    return day


def asked_part() -> Chosen:
    """Return which projects the address asks for."""
    known = divisions(runtime().profile)
    return chosen((key, value) for key, values in asked().items() if key in known for value in values)


def shown_of(snapshot: int | None = None) -> Shown:
    """Return the report of a page: the snapshot with this number, or the live one that the address asks for.

    Raises ``NotFound`` for a snapshot there is not, ``RequestRefused`` for what cannot be made or read. A snapshot that
    the reader must not see yet answers with a page of its own.
    """
    with reading() as session:
        if snapshot is None:
            return live(session)
        whole, frozen = load_snapshot(session, snapshot), opened(session, snapshot)
        return Shown(whole, frozen, hidden=hidden_here(session))


def live(session: Session) -> Shown:
    """Return the live report that the address asks for. Raises ``RequestRefused`` for what cannot be made.

    A filter that no project passes answers with a page that offers those there are.
    """
    day, part = asked_day(), asked_part()
    query = {**({"as_of": day.isoformat()} if day else {}), **part.address()}
    try:
        report = live_report(runtime(), session, day, part, is_blind=is_blind())
        return Shown(report, query=query, hidden=hidden_here(session))
    except UnknownValue as unknown:
        abort(make_response(_offered(unknown, part, query), 404))


def _offered(unknown: UnknownValue, part: Chosen, query: Mapping[str, Any]) -> str:
    """Return a page that says which value no project has, with a link for each that some have."""
    key, rest = unknown.facet.key, part.without(unknown.facet.key, unknown.given)
    day = {name: value for name, value in query.items() if name == "as_of"}

    def address(*more: tuple[str, str]) -> str:
        asked = urlencode({**day, **chosen((*rest.pairs(), *more)).address()}, doseq=True)
        return f"{request.path}?{asked}" if asked else request.path

    links = [(value.name, address((key, value.key)), value.projects) for value in unknown.values]
    return page("reports/unknown.html", unknown=unknown, links=links, without=address())


# -- who sees what ----------------------------------------------------------------------------------------------------


def is_blind() -> bool:
    """Whether the reader of this page may be drawn as second reader, and so sees nothing of what one must not know."""
    person = visitor()
    return may_read_second(person.role if person else None)


def hidden_here(session: Session) -> Hidden:
    """Return what is counted on the reader's pages and must not be named; a second reader's count nothing of it."""
    return Hidden() if is_blind() else hidden_now(session)


def told_here(session: Session, found: Iterable[Snapshot]) -> list[Snapshot]:
    """Return those of the snapshots that the reader may see now, in the same order."""
    secret = secret_since(session) if is_blind() else None
    return [one for one in found if is_told(one.as_of, one.made_at, secret)]


def opened(session: Session, number: int) -> Snapshot:
    """Return a snapshot that the reader may see. Raises ``NotFound``; one that is closed answers with a page that says why."""
    found = snapshot_called(session, number)
    if not told_here(session, [found]):
        abort(make_response(page("reports/closed.html", snapshot=found), 403))
    return found


# -- filters ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """One thing to filter by: its key in the address, its name, and the values there are."""

    key: str
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on, in words, and the address without it."""

    words: str
    address: str


def filters(shown: Shown) -> list[Filter]:
    """Return what the report can be filtered by, where there is a choice; of a filtered one what is left to choose."""
    report = shown.live
    return [] if report is None else report.kept("filters", lambda: _filters(report))


def _filters(report: Live) -> list[Filter]:
    profile = report.counted.profile
    found = []
    for key, facet in divisions(profile).items():
        values = values_to_choose(report.facts, profile, facet)
        if len(values) > 1:
            found.append(Filter(key, facet.name[:1].upper() + facet.name[1:], tuple(values)))
    return found


def chips(shown: Shown) -> list[Chip]:
    """Return the filters that are on."""
    if shown.live is None:
        return []
    profile = shown.live.counted.profile
    facets = divisions(profile)
    day = {name: value for name, value in shown.query.items() if name == "as_of"}
    found = []
    for key, value in shown.live.asked.pairs():
        rest: dict[str, Any] = {**(request.view_args or {}), **day, **shown.live.asked.without(key, value).address()}
        name = value_name(profile, facets[key], value)
        found.append(Chip(f"{facets[key].name}: {name}", url_for(request.endpoint or "", **rest)))
    return found


def page(template: str, shown: Shown | None = None, **values: Any) -> str:
    """Return a page of the report, with what all of them show: the report, its filters and those that are on."""
    return render_template(
        template,
        shown=shown,
        filters=filters(shown) if shown else [],
        chips=chips(shown) if shown else [],
        **values,
    )
