"""A report on paper: a page of HTML with its pictures inside, and the PDF that WeasyPrint makes of it.

The same report gives the same bytes: its dates are those of the report, its identifier is made of its numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import count

from markupsafe import Markup

from biblio.bulk import beside
from biblio.paths import template_dir
from biblio.printing import html_page, pdf_file, picture_address
from reports.definitions.comparison import THEIRS
from reports.definitions.model import Indicator
from reports.document import Address, Chart, Column, Figure, Report, Row, Table, Theme
from reports.files import charts
from reports.files.addresses import (
    below,
    definition_of,
    definitions_in_order,
    headline,
    headline_name,
    leads_to_rows,
    page_of,
)
from reports.files.lighter import lighter
from reports.files.summary import summary
from reports.if_accepted import words_beside
from reports.words import interval, shown

PICTURES = (("fraction", "now"), ("speed", "curve-points"))
"""Themes and tables whose first picture stands on the summary's page."""

MOST_ROWS = 30
"""Rows of a table that are printed; the rest stands on the web and in the workbook."""

MANY = 16
"""From so many pictures on they are drawn in a process of their own: fewer would not pay for starting it."""

WHOLE = 30
"""Rows up to which a table may stand beside its picture."""
_PAGE = 245
"""Millimetres of a page up to which a table is not parted from its heading and pictures by the end of a page."""

_WIDE = 10
_DENSE = 5
_NARROW = 3
"""Columns of a table that stands beside its picture."""
_SIDE_BY_SIDE = 3
_FONTS = '"Liberation Sans", Arial, Helvetica, "DejaVu Sans", sans-serif'
"""Those that pictures are laid out with, and that have the same widths; then what there is."""
_THEIRS = frozenset(one.key for one in THEIRS.values())
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_COUNT = re.compile(r"\d[\d\u202f]*(?:\.\d+)?(?:[\u202f\u00a0 ]%)?")
_PLURAL = re.compile(r"s\b")
Marks = tuple[dict[str, int], dict[str, list[tuple[str, str]]]]
"""Kinds of notes of a table: the number of each, and what it says of which rows."""
_SHORT = 24
"""Letters of a note (up to its first semicolon) that stands in the place of a number."""
_SHORTEST = 12
"""Letters of such words that stay on one line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as it is printed. ``page`` is where its rows are listed, "" where none are; ``footnote`` is its raised number."""

    text: str
    interval: str = ""
    page: str = ""
    note: str = ""
    footnote: str = ""
    is_growing: bool = False

    @property
    def alone(self) -> Cell:
        """The number without its interval and footnote."""
        return replace(self, interval="", footnote="")


@dataclass(frozen=True, slots=True)
class Line:
    """One printed row; ``says`` stands below its name."""

    name: str
    cells: tuple[Cell | None, ...]
    says: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One printed picture with its number (0: it has none). ``is_tall``: it stands above its table."""

    number: int
    title: str
    described: str
    picture: str
    is_tall: bool = False


@dataclass(frozen=True, slots=True)
class Printed:
    """One table as it is printed; ``rows`` is empty where it is too long to stand on paper."""

    key: str
    title: str
    says: str
    rows_are: str
    columns: tuple[Column, ...]
    rows: tuple[Line, ...]
    figures: tuple[Picture, ...]
    footnotes: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    left_out: str
    page: str

    @property
    def is_wide(self) -> bool:
        """Whether it needs a page across."""
        return len(self.columns) > _WIDE

    @property
    def is_dense(self) -> bool:
        """Whether its numbers stand small, each above its interval."""
        with_intervals = {place for row in self.rows for place, cell in enumerate(row.cells) if cell and cell.interval}
        return len(self.columns) > _DENSE or len(with_intervals) > _SIDE_BY_SIDE

    @property
    def is_beside(self) -> bool:
        """Whether table and picture stand side by side: there is one picture, and the table is narrow."""
        return (
            len(self.figures) == 1
            and not self.figures[0].is_tall
            and 0 < len(self.rows) <= WHOLE
            and len(self.columns) <= _NARROW
        )

    @property
    def is_led(self) -> bool:
        """Whether its words stand beside its picture: there is one."""
        return len(self.figures) == 1 and not self.is_beside and not self.figures[0].is_tall

    @property
    def is_large(self) -> bool:
        """Whether the picture is drawn large: there are no numbers below it."""
        return self.is_led and not self.rows

    @property
    def _height(self) -> float:
        """About how much of a page it takes, in millimetres."""
        words = sum(len(words) // 115 + 1 for words in (*self.notes, *(note for _, note in self.footnotes)))
        row = 7.8 if self.is_dense and any(cell and cell.interval for row in self.rows for cell in row.cells) else 4.9
        figures = 78 * ((len(self.figures) + 1) // 2)
        return (
            20
            + (max(figures, row * len(self.rows)) if self.is_beside else figures + row * len(self.rows))
            + 3.6 * words
        )

    @property
    def is_whole(self) -> bool:
        """Whether all of it stands on one page."""
        return not self.has_words and self._height < _PAGE and not any(figure.is_tall for figure in self.figures)

    @property
    def is_short(self) -> bool:
        """Whether its rows stand on one page: there are no sentences among them, and they are not more than one takes."""
        return not self.has_words

    @property
    def is_roomy(self) -> bool:
        """Whether names of rows may be long: few columns, and nothing beside them."""
        return len(self.columns) <= _NARROW and not self.is_beside

    @property
    def has_words(self) -> bool:
        """Whether sentences stand below the names of its rows."""
        return any(row.says for row in self.rows)

    @property
    def has_growing(self) -> bool:
        """Whether a number is marked as still growing."""
        return any(cell is not None and cell.is_growing for row in self.rows for cell in row.cells)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One theme as it is printed."""

    key: str
    name: str
    question: str
    tables: tuple[Printed, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """One of the numbers of the summary."""

    name: str
    unit: str
    cell: Cell
    waits: str


@dataclass(frozen=True, slots=True)
class Paper:
    """All that the template prints beside the report's own facts."""

    title: str
    undecided: str
    waiting: str
    headline: tuple[Head, ...]
    summary: tuple[str, ...]
    pictures: tuple[Picture, ...]
    themes: tuple[Chapter, ...]
    definitions: tuple[Indicator, ...]


def as_html(report: Report, base: str = "") -> str:
    """Return the report as one page with its pictures inside.

    ``base`` is the address of the report's pages with the day and filters it asks for, to which numbers lead ("": to
    none). Raises ``KeyError`` for a report
    whose figures nobody defines.
    """
    return _page_of(report, base, _Gallery(is_inside=True))


def _page_of(report: Report, base: str, gallery: _Gallery) -> str:
    style = Markup((template_dir() / "reports" / "paper.css").read_text(encoding="utf-8"))  # noqa: S704  our own file
    return html_page("reports/paper.html", report=report, paper=_paper(report, base, gallery), base=base, style=style)


def as_pdf(report: Report, base: str = "") -> bytes:
    """Return the report as PDF. Raises ``RequestRefused`` where the extra ``pdf`` is not installed."""
    if sum(len(table.charts) for theme in report.themes for table in theme.tables) < MANY:
        return _pdf(report, base, None)
    with beside() as process:
        return _pdf(report, base, process)


def _pdf(report: Report, base: str, process: Executor | None) -> bytes:
    gallery = _Gallery(process)
    page = _page_of(report, base, gallery)
    identifier = hashlib.sha256("\n".join((page, *gallery.told)).encode()).digest()[:16]
    return pdf_file(page, identifier=identifier, pictures=gallery.pictures)


class _Gallery:
    """The pictures of a page, numbered: inside it, or drawn (by a process beside) while it is put together."""

    def __init__(self, process: Executor | None = None, *, is_inside: bool = False) -> None:
        self._process, self._is_inside = process, is_inside
        self._numbers = count(1)
        self.pictures: dict[str, Callable[[], str]] = {}
        """What gives those that are not inside, by address."""
        self.told: list[str] = []
        """All that they show: their addresses do not say it."""

    def number(self) -> int:
        """Return the number of the next picture."""
        return next(self._numbers)

    def address(self, definitions: Mapping[str, Indicator], table: Table, chart: Chart) -> str:
        """Return the address of a picture for paper."""
        if self._is_inside:
            return picture_address(lighter(charts.svg(table, chart, "light", definitions), _FONTS))
        told, wait = charts.begin_svg(table, chart, definitions, self._process)
        address = f"picture:{len(self.told)}"
        self.told.append(told)
        self.pictures[address] = lambda: lighter(wait(), _FONTS)
        return address


def _paper(report: Report, base: str, gallery: _Gallery) -> Paper:
    bands = [f"{count} {band}" for band, count in report.undecided.items() if count]
    total = sum(report.undecided.values())
    waiting = f"{total} candidate{'' if total == 1 else 's'} that waited for a decision" if total else ""
    return Paper(
        title=f"{report.observatory}: what became of the telescope time",
        undecided=f"{total} candidates ({', '.join(bands)})" if bands else "nothing",
        waiting=waiting,
        headline=tuple(_head(report, at, figure, base) for at, figure in headline(report)),
        summary=tuple(summary(report)),
        pictures=tuple(_first_pictures(report, gallery)),
        themes=tuple(
            Chapter(theme.key, theme.name, theme.question, tuple(_tables(report, theme, base, gallery)))
            for theme in report.themes
        ),
        definitions=tuple(definitions_in_order(report)),
    )


def _head(report: Report, at: Address, figure: Figure, base: str) -> Head:
    definition = definition_of(report, figure.indicator)
    cell = _cell(report, figure, _page(report, figure, at, base))
    return Head(headline_name(report, at), definition.unit, cell, words_beside(report, at))


def _first_pictures(report: Report, gallery: _Gallery) -> Iterator[Picture]:
    """Yield the pictures of the summary, those that have something to show; they stand again in their chapters."""
    for key, place in PICTURES:
        tables = (table for theme in report.themes if theme.key == key for table in theme.tables)
        table = next((table for table in tables if table.key == place and table.rows and table.charts), None)
        if table is not None and charts.shows_something(table, table.charts[0], report.definitions):
            yield _picture(report.definitions, table, table.charts[0], 0, gallery)


def _page(report: Report, figure: Figure, at: Address, base: str) -> str:
    return page_of(base, at) if base and leads_to_rows(report, figure) else ""


def _cell(report: Report, figure: Figure, page: str, *, row_grows: bool = False) -> Cell:
    text, note = shown(figure, report.definitions), figure.note
    instead, is_printed, more = note.partition("; ")
    if figure.indicator in _THEIRS:
        # As it was printed; where it was printed stands in the table's notes.
        return Cell(instead if is_printed and len(instead) <= _SHORT else text)
    if figure.value is None and instead and len(instead) <= _SHORT:
        text, note = instead, more
    if len(text) <= _SHORTEST:
        text = text.replace(" ", "\u00a0")
    return Cell(text, interval(figure, report.definitions), page, note, "", figure.is_incomplete or row_grows)


def _tables(report: Report, theme: Theme, base: str, gallery: _Gallery) -> Iterator[Printed]:
    for table in theme.tables:
        if not table.rows:
            continue
        footnotes: dict[str, int] = {}
        said: dict[str, list[tuple[str, str]]] = {}
        kept = () if table.is_long else table.rows[:MOST_ROWS]
        figures = tuple(_pictures(report.definitions, table, gallery))
        if not kept and not figures:  # a heading with nothing below it says nothing
            continue
        yield Printed(
            key=table.key,
            title=table.title,
            says=table.says,
            rows_are=table.rows_are,
            columns=table.columns,
            rows=tuple(_line(report, (theme, table), row, base, (footnotes, said)) for row in kept),
            figures=figures,
            footnotes=tuple((_raised(number), _merged(kind, said[kind])) for kind, number in footnotes.items()),
            notes=table.notes,
            left_out=_left_out(table, len(kept), is_on_web=bool(base)),
            page=below(base, theme.key, table.key) if base else "",
        )


def _line(report: Report, at: tuple[Theme, Table], row: Row, base: str, marks: Marks) -> Line:
    theme, table = at
    cells: list[Cell | None] = []
    for column, figure in zip(table.columns, row.figures, strict=True):
        if figure is None:
            cells.append(None)
            continue
        page = _page(report, figure, Address(theme.key, table.key, row.key, column.key), base)
        cell = _cell(report, figure, page, row_grows=row.is_incomplete)
        if cell.note:
            cell = replace(cell, footnote=_mark(marks, "", cell.note, row.name))
        cells.append(cell)
    waits = _mark(marks, row.name, row.backlog, row.name) if row.backlog else ""
    return Line(f"{row.name}{waits}", tuple(cells), row.says)


def _mark(marks: Marks, of: str, note: str, row: str) -> str:
    """Return the raised number of a note: notes that say the same of other numbers share one. ``of``: the row it is of."""
    numbers, said = marks
    about, _, rest = note.partition(". ")
    if about.rstrip(".") in row:  # the name of the row says what the number is of
        note = rest
    if not note:
        return ""
    alike = of or len(_COUNT.findall(note)) == 1
    kind = f"{'row' if of else 'cell'}|{_PLURAL.sub('', _COUNT.sub('0', note)) if alike else note}"
    said.setdefault(kind, []).append((of, note))
    return _raised(numbers.setdefault(kind, len(numbers) + 1))


def _merged(kind: str, said: list[tuple[str, str]]) -> str:
    """Return one note for many that differ in numbers only: of rows the numbers of each, of cells their least and most."""
    of, note = said[0]
    if kind.startswith("row|"):
        first = f"{of}: {note}"
        more = "; ".join(f"{name}: {', '.join(_COUNT.findall(one))}" for name, one in said[1:])
        return f"{first} Likewise {more}." if more else first
    alike = sorted({one for _, one in said}, key=_first_count)
    if len(alike) == 1:
        return note
    least, most = (_COUNT.search(one) for one in (alike[0], alike[-1]))
    if least is None or most is None:
        return " ".join(alike)
    return f"{alike[-1][: most.start()]}{least[0]} to {alike[-1][most.start() :]}"


def _first_count(note: str) -> int:
    found = _COUNT.search(note)
    return int(re.sub(r"\D", "", found[0])) if found else 0


def _pictures(definitions: Mapping[str, Indicator], table: Table, gallery: _Gallery) -> Iterator[Picture]:
    """Yield the pictures of a table that have something to show, numbered."""
    for chart in table.charts:
        if charts.shows_something(table, chart, definitions):
            yield _picture(definitions, table, chart, gallery.number(), gallery)


def _raised(number: int) -> str:
    return str(number).translate(_RAISED)


def _picture(
    definitions: Mapping[str, Indicator], table: Table, chart: Chart, number: int, gallery: _Gallery
) -> Picture:
    described = charts.described(table, chart, definitions)
    if chart.kind == "compared":  # what its rows say stands in the table below; WeasyPrint draws letter by letter
        table = replace(table, rows=tuple(replace(row, says="") for row in table.rows))
    address = gallery.address(definitions, table, chart)
    return Picture(number, chart.title, described, address, chart.kind == "compared")


def _left_out(table: Table, printed: int, *, is_on_web: bool) -> str:
    more = len(table.rows) - printed
    if not more:
        return ""
    where = "on the web page to which its title leads, and in the workbook" if is_on_web else "in the workbook"
    what = f"{more} more rows" if printed else f"The {more} points of this table"
    return f"{what} stand {where}."
