"""The rows behind a number: what it is, its interval and definition, and the projects or papers that were counted, or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask import request
from flask.typing import ResponseReturnValue

from biblio.errors import NotFound
from biblio.webkit import paginate_list, table_response, wants_table
from reports.building import name_of
from reports.document import Figure, RowKind
from reports.facts.counted import BANDS, Counted
from reports.pages.shown import Shown, page, shown_of
from reports.themes.groups import ALL

ROWS_PER_PAGE = 200
"""So that those of one cycle which did not publish stand on one page."""

Which = str
"""Which rows are listed: "counted", "others", or "" for both."""


class Source(Protocol):
    """What is known of projects, or of papers, by number; nothing is looked up before it is asked for."""

    def name(self, number: int) -> str:
        """Return the code or the name in the literature."""
        ...

    def title(self, number: int) -> str:
        """Return the title; nothing where it is not known."""
        ...

    def people(self, number: int) -> str:
        """Return the PI, or the first author and how many more there are."""
        ...

    def get(self, number: int, key: str) -> Any:
        """Return one of the further columns of the kind; None where nothing is known."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One project or paper behind a figure. ``id`` 0: it is counted and must not be named now.

    ``is_counted``: it is among the rows that were counted, not among the denominator's others.
    """

    id: int
    is_counted: bool
    source: Source

    @property
    def name(self) -> str:
        """Its code, or its name in the literature."""
        return self.source.name(self.id) if self.id else ""

    @property
    def title(self) -> str:
        """Its title."""
        return self.source.title(self.id) if self.id else UNNAMED

    @property
    def people(self) -> str:
        """Its PI, or its first author."""
        return self.source.people(self.id) if self.id else ""

    def get(self, key: str) -> Any:
        """Return one of the further columns; None where nothing is known, or may be told."""
        return self.source.get(self.id, key) if self.id else None


@dataclass(frozen=True, slots=True)
class Kind:
    """How rows of one kind are listed: further columns with their names; ``only_in_files`` have no room on a page."""

    name: str
    people: str
    more: Mapping[str, str]
    only_in_files: frozenset[str] = frozenset()


KINDS = {
    "projects": Kind(
        "Project",
        "PI",
        {
            "cycle": "Cycle",
            "category": "Category",
            "partner": "Partner",
            "papers": "Papers",
            "first": "First paper",
            "waits": "Waits for a decision",
        },
        frozenset({"category"}),
    ),
    "papers": Kind("Paper", "Authors", {"year": "Year", "journal": "Journal", "projects": "Projects"}),
}
"""What a list of projects and one of papers have; a frozen report has names alone."""

UNNAMED = "under second reading"


def rows(theme: str, table: str, row: str, column: str, snapshot: int | None = None) -> ResponseReturnValue:
    """Show the projects or papers behind one number, those that were not counted first."""
    shown = shown_of(snapshot)
    found, of, figure = shown.figure(theme, table, row, column)
    indicator = shown.define(figure.indicator)
    lines: list[Line] = []
    if shown.leads_to_rows(figure):
        lines = lines_of(shown, figure, indicator.rows)
    which = request.args.get("which", "")
    listed = [line for line in lines if which not in _WHICH or line.is_counted is _WHICH[which]]
    kind = KINDS.get(indicator.rows, KINDS["projects"])
    further = _further(kind, lines, is_live=shown.live is not None)
    if wants_table():
        return _file(
            f"{theme}-{table}-{row}-{column}-{shown.report.as_of}", kind, listed, further, shown.live is not None
        )
    listing = paginate_list(listed, sorts=_sorts(kind), default_sort="standing", size=ROWS_PER_PAGE)
    return page(
        "reports/rows.html",
        shown,
        subject=shown.theme(theme),
        table=found,
        row=of,
        column=next(one for one in found.columns if one.key == column),
        figure=figure,
        indicator=indicator,
        kind=kind,
        further={key: name for key, name in further.items() if key not in kind.only_in_files},
        page=listing,
        which=which if which in _WHICH else "",
        counts={"counted": len(figure.ids), "others": len(figure.rest)},
        called={"counted": _first_up(indicator.numerator), "others": f"The other {indicator.denominator}"},
    )


_WHICH = {"counted": True, "others": False}


def _first_up(words: str) -> str:
    return words[:1].upper() + words[1:]


def lines_of(shown: Shown, figure: Figure, kind: RowKind) -> list[Line]:
    """Return a line for every row of a figure; those that must not be named now are lines without a name."""
    source: Source
    hidden = shown.hidden.of(kind)
    if shown.live is not None:
        source = Projects(shown.live.counted) if kind == "projects" else Papers(shown.live.counted)
    else:
        source = Names(shown.names(kind), _waited(shown) if kind == "projects" else {})
    return [
        Line(0 if i in hidden else i, is_counted, source)
        for ids, is_counted in ((figure.rest, False), (figure.ids, True))
        for i in ids
    ]


def _waited(shown: Shown) -> Mapping[int, str]:
    """Return the projects of a frozen report that waited for a decision, with the band of the best candidate.

    Those that would be published; of silent ones that a preprint would keep off the list the certain ones.
    """
    try:
        table = shown.table("bibliography", "projects-waiting")
        of_band = [(band, table.figure(ALL, band).ids) for band in BANDS]
        of_band.append((BANDS[0], table.figure(ALL, "silent").ids))
    except (KeyError, NotFound):  # frozen before it was counted
        return {}
    found: dict[int, str] = {}
    for band, ids in of_band:
        for number in ids:
            found[number] = min(band, found.get(number, band), key=BANDS.index)
    return found


@dataclass(frozen=True, slots=True)
class Names:
    """What a frozen report knows of its rows: their names, and which of the projects waited for a decision."""

    names: Mapping[int, str]
    waits: Mapping[int, str]

    def name(self, number: int) -> str:
        """Return the name."""
        return self.names.get(number, f"#{number}")

    def title(self, _number: int) -> str:
        """Return nothing."""
        return ""

    def people(self, _number: int) -> str:
        """Return nothing."""
        return ""

    def get(self, number: int, key: str) -> Any:
        """Return on what a project waited."""
        return self.waits.get(number) if key == "waits" else None


@dataclass(frozen=True, slots=True)
class Projects:
    """Projects as they were counted."""

    counted: Counted

    def name(self, number: int) -> str:
        """Return the code."""
        return self.counted.facts.projects[number].code

    def title(self, number: int) -> str:
        """Return the title."""
        return self.counted.facts.projects[number].title

    def people(self, number: int) -> str:
        """Return the PI."""
        return self.counted.facts.projects[number].pi

    def get(self, number: int, key: str) -> Any:
        """Return a field of the project, how many refereed papers it has, the day of the first, or what waits on it."""
        if key == "waits":
            return self.counted.undecided.best.get(number, "")
        if key == "papers":
            return len(self.counted.refereed_of.get(number, ()))
        if key == "first":
            return self.counted.first_paper_on.get(number)
        return getattr(self.counted.facts.projects[number], key) or ""


@dataclass(frozen=True, slots=True)
class Papers:
    """Papers as they were counted; of those that wait for a decision the name is known."""

    counted: Counted

    def name(self, number: int) -> str:
        """Return the name in the literature."""
        paper = self.counted.facts.papers.get(number)
        return name_of(paper) if paper else self.counted.facts.bibliography.names.get(number, f"#{number}")

    def title(self, number: int) -> str:
        """Return the title."""
        paper = self.counted.facts.papers.get(number)
        return paper.title if paper else ""

    def people(self, number: int) -> str:
        """Return the first author, and how many more there are."""
        paper = self.counted.facts.papers.get(number)
        if paper is None or not paper.authors:
            return ""
        return paper.authors[0] + (f" +{len(paper.authors) - 1}" if len(paper.authors) > 1 else "")

    def get(self, number: int, key: str) -> Any:
        """Return a field of the paper, or the codes of the projects whose data it used."""
        if key == "projects":
            projects = self.counted.facts.projects
            return [projects[i].code for i in self.counted.projects_of.get(number, ())]
        facts = self.counted.facts
        paper = facts.papers.get(number) or facts.bibliography.undecided_facts.get(number)
        return getattr(paper, key) if paper else None


def _further(kind: Kind, lines: Collection[Line], *, is_live: bool) -> Mapping[str, str]:
    """Return the further columns of a list; a frozen report knows of its rows which of them waited, where any did."""
    if is_live:
        return kind.more
    return {key: name for key, name in kind.more.items() if key == "waits" and any(line.get(key) for line in lines)}


def _sorts(kind: Kind) -> dict[str, Callable[[Line], Any]]:
    """Return what lists are sorted by: first of all those that were not counted, by name."""

    def further(key: str) -> Callable[[Line], Any]:
        return lambda line: line.get(key) or None

    return {
        "standing": lambda line: (line.is_counted, line.id == 0, line.name),
        "name": lambda line: line.name or None,
        "title": lambda line: line.title.casefold() or None,
        "people": lambda line: line.people.casefold() or None,
        **{key: further(key) for key in kind.more if key != "projects"},
    }


def _file(
    name: str, kind: Kind, lines: Collection[Line], further: Mapping[str, str], is_live: bool
) -> ResponseReturnValue:
    header = [kind.name.lower(), "counted", *(["title", kind.people] if is_live else [])]
    header += [name.lower() for name in further.values()]
    return table_response(name, header, [_cells(line, further, is_live) for line in lines])


def _cells(line: Line, further: Mapping[str, str], is_live: bool) -> list[object]:
    cells: list[object] = [line.name or f"({UNNAMED})", "yes" if line.is_counted else "no"]
    if is_live:
        cells += [line.title, line.people]
    more = [line.get(key) for key in further]
    return [*cells, *(" ".join(each) if isinstance(each, list) else each for each in more)]
