"""What moved between two reports: each figure then and now, with the papers and projects that came and went.

Pure. Figures are matched by their address. What was counted of the questionnaire's answers is left out: nothing may be
told of answers by subtracting one report from another. Curves are too long to be told point by point: how many of their
points moved is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from reports.definitions.model import Indicator
from reports.document import Address, Column, Figure, Report, Row, RowKind, Table, Theme
from reports.snapshots.canonical import rounded
from reports.snapshots.curve_moves import CENSORED, POINTS, Timed, curve_moves


@dataclass(frozen=True, slots=True)
class Moved:
    """One figure that is not what it was; ``old`` or ``new`` is None where only one report has it.

    ``came`` are rows that are counted now and were not, ``went`` those that were and are not; ``base_came`` and
    ``base_went`` the same of the denominator's other rows (a project that was observed meanwhile and has no paper).
    A row with the same name under another number (two papers made one) did not move. ``name`` is what the figure is
    called where it stands alone, on the first page.

    Of a point of a curve (``is_point``) the rows behind it change with the point itself, so ``came`` are projects that
    published since, ``went`` those that no longer did, ``base_came`` and ``base_went`` those that were newly timed or no
    longer, and ``shifted`` those whose time to a first paper is another one than was known.
    """

    at: Address
    indicator: Indicator
    table: str
    row: str
    column: str
    old: Figure | None
    new: Figure | None
    came: tuple[int, ...] = ()
    went: tuple[int, ...] = ()
    base_came: tuple[int, ...] = ()
    base_went: tuple[int, ...] = ()
    name: str = ""
    shifted: tuple[int, ...] = ()

    @property
    def is_point(self) -> bool:
        """Whether it is a point in time of a curve."""
        return self.indicator.key in POINTS

    @property
    def parts(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the rows that moved it, by what became of them in words; parts without a row are left out."""
        parts = self._parts_of_point() if self.is_point else self._parts_of_count()
        return ((said, rows) for said, rows in parts if rows)

    def _parts_of_point(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield "Published since", self.came
        yield "No longer published", self.went
        yield "Newly timed", self.base_came
        yield "No longer timed", self.base_went
        yield "Time to a first paper is another one than was known", self.shifted

    def _parts_of_count(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Of a fraction, who changed sides is told from who is new or gone altogether, but of rows without a name (< 0)."""
        was, is_now = (frozenset(figure.rest) if figure else frozenset() for figure in (self.old, self.new))
        yield "Counted now, in the denominator before", tuple(i for i in self.came if i >= 0 and i in was)
        yield "Counted now", tuple(i for i in self.came if i < 0 or i not in was)
        yield "No longer counted, still in the denominator", tuple(i for i in self.went if i >= 0 and i in is_now)
        yield "No longer counted", tuple(i for i in self.went if i < 0 or i not in is_now)
        yield "New in the denominator", self.base_came
        yield "No longer in the denominator", self.base_went

    @property
    def rows_are(self) -> RowKind:
        """What came and went: projects, papers, or nothing that may be named."""
        return self.indicator.rows

    @property
    def change(self) -> float | int | None:
        """The difference, in the unit of the values; None where one of them has none."""
        if self.old is None or self.new is None or self.old.value is None or self.new.value is None:
            return None
        by = self.new.value - self.old.value
        return by if isinstance(by, int) else rounded(by)

    @property
    def rows_moved(self) -> int:
        """How many rows came or went."""
        return sum(map(len, (self.came, self.went, self.base_came, self.base_went, self.shifted)))

    @property
    def weight(self) -> float:
        """How much it moved, in rows: a count by its change, a share by so much of its denominator, citations by their rows.

        Citations of 200 papers that grew by a tenth weigh 20. Medians and statistics weigh no more than the rows that came
        or went, p-values and ratios nothing. -1 where there is no change to speak of: a value that is new, or gone, did not
        move.
        """
        if self.change is None or self.old is None or self.new is None:
            return -1.0
        if self.indicator.form == "count":
            return float(abs(self.change))
        if self.indicator.form == "share":
            return abs(self.change) * max(len(_all(self.old)), len(_all(self.new)))
        if self.indicator.form in ("probability", "ratio"):
            return 0.0
        largest = max(abs(f.value) for f in (self.old, self.new) if f.value is not None)
        rows = max(len(self.old.ids), len(self.new.ids), 1)
        weight = abs(self.change) / largest * rows if largest else 0.0
        return weight if self.indicator.form == "citations" else min(weight, self.rows_moved)


@dataclass(frozen=True, slots=True)
class ThemeMoves:
    """What moved in one theme, the largest first (``Moved.weight``, then the rows that came or went).

    ``points`` has each long table (a curve) of which points moved, by its title, with how many.
    """

    key: str
    name: str
    moved: tuple[Moved, ...]
    points: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two reports compared. ``headline``: the first page's numbers that both have, moved or not.

    ``tables_gone`` and ``tables_new`` name tables of one report alone ("theme: table"), ``redefined`` the indicators
    whose definition was changed: their numbers may have moved for that alone. ``projects`` and ``papers`` name rows.
    """

    old_as_of: date
    new_as_of: date
    old_through: date | None
    new_through: date | None
    old_version: str
    new_version: str
    headline: tuple[Moved, ...]
    themes: tuple[ThemeMoves, ...]
    tables_gone: tuple[str, ...]
    tables_new: tuple[str, ...]
    redefined: tuple[str, ...]
    is_other_version: bool
    is_other_profile: bool
    projects: Mapping[int, str]
    papers: Mapping[int, str]

    @property
    def is_empty(self) -> bool:
        """Whether no figure moved."""
        return not any(theme.moved or theme.points for theme in self.themes)

    @property
    def counted_otherwise(self) -> str:
        """What counted otherwise, as one names it in a sentence; "" where version, profile and definitions are the same."""
        version = f"another version of biblio ({self.old_version} before, {self.new_version} now)"
        return " and ".join(
            said
            for said, is_so in (
                (version, self.is_other_version),
                ("another profile of the observatory", self.is_other_profile),
                ("other definitions", bool(self.redefined) and not self.is_other_version),
            )
            if is_so
        )

    @property
    def is_of_software_alone(self) -> bool:
        """Whether numbers moved, nobody came or went, and both are of one day: software or profile alone moved them."""
        moved = [*self.headline, *(one for theme in self.themes for one in theme.moved)]
        return (
            bool(self.counted_otherwise)
            and not self.is_empty
            and (self.old_as_of, self.old_through) == (self.new_as_of, self.new_through)
            and not any(one.rows_moved for one in moved)
        )

    def why(self, moved: Moved) -> str:
        """Say what else than rows that came or went moved a figure, or why none did; "" where the rows say all."""
        watched = ""
        if moved.indicator.key in CENSORED and self.old_through != self.new_through:
            watched = f"Those without a paper were watched until {self._through(self.new_through)}, before until {self._through(self.old_through)}."
        if moved.rows_moved or watched or moved.change in (None, 0):
            return watched
        if not moved.indicator.rows:
            return ""
        if (self.old_as_of, self.old_through) == (self.new_as_of, self.new_through) and self.counted_otherwise:
            return f"The same rows of the same day: {self.counted_otherwise} counted."
        more = f", or {self.counted_otherwise} counted" if self.counted_otherwise else ""
        return f"The same rows: what is known of them changed{more}."

    @staticmethod
    def _through(day: date | None) -> str:
        return str(day) if day else "the report’s day"

    def names(self, moved: Moved, ids: Iterable[int]) -> list[str]:
        """Return what these rows of a figure are called, sorted."""
        called = {"projects": self.projects, "papers": self.papers, "": {}}[moved.rows_are]
        return sorted(called.get(number, f"#{number}") for number in ids)


def difference(old: Report, new: Report) -> Difference:
    """Return what moved from ``old`` to ``new``."""
    names = _Names(old, new)
    before = {theme.key: theme for theme in old.themes}
    after = {theme.key: theme for theme in new.themes}
    themes = [_theme_moves(before.get(key), after.get(key), names) for key in dict.fromkeys((*after, *before))]
    tables_before, tables_after = _tables(old), _tables(new)
    return Difference(
        old_as_of=old.as_of,
        new_as_of=new.as_of,
        old_through=old.complete_through,
        new_through=new.complete_through,
        old_version=old.version,
        new_version=new.version,
        headline=tuple(_headline(old, new, names)),
        themes=tuple(moves for moves in themes if moves.moved or moves.points),
        tables_gone=tuple(words for at, words in tables_before.items() if at not in tables_after),
        tables_new=tuple(words for at, words in tables_after.items() if at not in tables_before),
        redefined=tuple(one.name for key, one in new.definitions.items() if old.definitions.get(key, one) != one),
        is_other_version=old.version != new.version,
        is_other_profile=old.profile_hash != new.profile_hash,
        projects={**old.projects, **new.projects},
        papers={**old.papers, **new.papers},
    )


def _tables(report: Report) -> dict[tuple[str, str], str]:
    return {(theme.key, table.key): f"{theme.name}: {table.title}" for theme in report.themes for table in theme.tables}


def _headline(old: Report, new: Report, names: _Names) -> Iterator[Moved]:
    for at in new.headline:
        try:
            theme = new.theme(at.theme)
            table = theme.table(at.table)
            then, now = old.figure(at), new.figure(at)
        except KeyError:
            continue
        if names.is_of_answers(now):
            continue
        column = next(column for column in table.columns if column.key == at.column)
        moved = names.moved(_Place(at, table.title, table.row(at.row).name, column.name), then, now)
        yield replace(moved, name=new.called(at))


def _theme_moves(old: Theme | None, new: Theme | None, names: _Names) -> ThemeMoves:
    theme = new or old
    assert theme is not None
    moved: list[Moved] = []
    points: dict[str, int] = {}
    if old is not None and new is not None:
        before = {table.key: table for table in old.tables}
        for table in new.tables:
            if table.key in before:
                found = list(_table_moves(theme.key, before[table.key], table, names))
                if not table.is_long:
                    moved += found
                elif found:
                    points[table.title] = len(found)
    moved.sort(key=lambda one: (-one.weight, -one.rows_moved))
    return ThemeMoves(theme.key, theme.name, tuple(moved), points)


def _table_moves(theme: str, old: Table, new: Table, names: _Names) -> Iterator[Moved]:
    before, after = _figures(old), _figures(new)
    for key in dict.fromkeys((*after, *before)):
        _, then = before.get(key, (None, None))
        _, now = after.get(key, (None, None))
        if _same(then, now) or names.is_of_answers(now or then) or _value(then) is _value(now) is None:
            continue
        row, column = (after.get(key) or before[key])[0]
        place = _Place(Address(theme, new.key, *key), new.title, row.name, column.name)
        moved = names.moved(place, then, now)
        if moved.rows_moved or _value(then) != _value(now):
            yield moved


def _figures(table: Table) -> dict[tuple[str, str], tuple[tuple[Row, Column], Figure]]:
    return {
        (row.key, column.key): ((row, column), figure)
        for row in table.rows
        for column, figure in zip(table.columns, row.figures, strict=True)
        if figure is not None
    }


def _same(old: Figure | None, new: Figure | None) -> bool:
    """Whether both count the same rows and come to the same; intervals alone are no news."""
    if old is None or new is None:
        return old is new
    return _value(old) == _value(new) and old.ids == new.ids and old.rest == new.rest


def _value(figure: Figure | None) -> float | int | None:
    if figure is None or figure.value is None:
        return None
    return rounded(figure.value) if isinstance(figure.value, float) else figure.value


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a figure stands, and what its table, row and column are called."""

    at: Address
    table: str
    row: str
    column: str


class _Names:
    """The names and definitions of both reports, to tell rows that moved from rows with another number."""

    def __init__(self, old: Report, new: Report) -> None:
        self._old = {"projects": old.projects, "papers": old.papers}
        self._new = {"projects": new.projects, "papers": new.papers}
        self._definitions = {**old.definitions, **new.definitions}
        self._timed = (Timed(old), Timed(new))

    def is_of_answers(self, figure: Figure | None) -> bool:
        return figure is None or self._definitions[figure.indicator].of_answers

    def moved(self, place: _Place, old: Figure | None, new: Figure | None) -> Moved:
        figure = new or old
        assert figure is not None
        indicator = self._definitions[figure.indicator]
        if indicator.key in POINTS and old is not None and new is not None:
            return self._point(place, indicator, old, new)
        came, went = self._exchanged(indicator, old.ids if old else (), new.ids if new else ())
        base_came, base_went = self._exchanged(indicator, _all(old), _all(new))
        return Moved(
            place.at,
            indicator,
            place.table,
            place.row,
            place.column,
            old,
            new,
            came=came,
            went=went,
            base_came=tuple(i for i in base_came if i not in set(came)),
            base_went=tuple(i for i in base_went if i not in set(went)),
        )

    def _point(self, place: _Place, indicator: Indicator, old: Figure, new: Figure) -> Moved:
        """Return a point of a curve that moved, with those that moved it."""
        found = curve_moves(place.at.row, old, new, *self._timed)
        parts = (found.published, found.not_published, found.came, found.went, found.shifted)
        came, went, base_came, base_went, shifted = (tuple(sorted(part)) for part in parts)
        return Moved(
            place.at,
            indicator,
            place.table,
            place.row,
            place.column,
            old,
            new,
            came=came,
            went=went,
            base_came=base_came,
            base_went=base_went,
            shifted=shifted,
        )

    def _exchanged(
        self, indicator: Indicator, old: tuple[int, ...], new: tuple[int, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return who came and who went; nobody where nothing may be named."""
        if not indicator.rows or old == new:
            return (), ()
        before, after = set(old), set(new)
        came, went = after - before, before - after
        named_then, named_now = self._old[indicator.rows], self._new[indicator.rows]
        same = {named_now.get(i) for i in came} & {named_then.get(i) for i in went} - {None}
        return (
            tuple(sorted(i for i in came if named_now.get(i) not in same)),
            tuple(sorted(i for i in went if named_then.get(i) not in same)),
        )


def _all(figure: Figure | None) -> tuple[int, ...]:
    return (*figure.ids, *figure.rest) if figure is not None else ()
