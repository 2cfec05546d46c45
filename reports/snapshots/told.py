"""A difference of two reports in words: for the terminal, and for the letter that brings a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from reports import words
from reports.definitions.model import Form
from reports.document import Figure
from reports.snapshots.difference import Difference, Moved
from reports.snapshots.hiding import UNNAMED

NAMED = 8
"""Rows that came or went which are named at one figure; the others are counted."""

MOST = 12
"""Figures of one theme that are told; the others are counted."""


def change_in_words(by: float | int | None, form: Form) -> str:
    """Return a change with its sign ("+12", "−1.4 points"), "unchanged" where it cannot be seen; "" for None."""
    if by is None:
        return ""
    said = words.written(abs(by), form)
    if said == words.written(0, form):
        return "unchanged"
    if form == "share":
        said = f"{said.removesuffix('%').rstrip(words.THIN)} points"
    return f"{'+' if by > 0 else '−'}{said}"


def lines(found: Difference, *, most: int = MOST, named: int = NAMED) -> Iterator[str]:
    """Yield the difference line by line: the first page's numbers, what is only in one, the themes, the largest first."""
    for moved in found.headline:
        yield f"  {moved.name}: {_then_and_now(moved)}"
    yield from _notes(found)
    if found.is_empty:
        yield "No number moved."
    for theme in found.themes:
        yield ""
        yield theme.name
        told: set[tuple[str, ...]] = set()
        for moved in theme.moved[:most]:
            yield f"  {moved.table}, {moved.row}, {moved.column}: {_then_and_now(moved)}"
            rows = tuple(_rows(found, moved, named))
            yield from ("    the same rows as above",) if rows in told else rows
            told.update([rows] if rows else [])
        if len(theme.moved) > most:
            yield f"  and {len(theme.moved) - most} more numbers"
        for title, count in theme.points.items():
            yield f"  {title}: {count} {'point' if count == 1 else 'points'} of the curves moved"


def _notes(found: Difference) -> Iterator[str]:
    if found.is_of_software_alone:
        yield f"No project or paper came or went: {found.counted_otherwise} counted, and that alone moved the numbers."
    elif found.is_other_version:
        yield f"They were built by different versions of biblio ({found.old_version} before, {found.new_version} now)."
    if found.is_other_profile:
        yield "The observatory's profile was changed in between."
    if found.redefined:
        yield f"Defined otherwise since: {', '.join(found.redefined)}."
    if found.tables_new:
        yield f"Tables that are new: {'; '.join(found.tables_new)}."
    if found.tables_gone:
        yield f"Tables that are gone: {'; '.join(found.tables_gone)}."


def _rows(found: Difference, moved: Moved, named: int) -> Iterator[str]:
    """Yield who came and who went."""
    parts = (
        ("came", moved.came),
        ("went", moved.went),
        ("new in the denominator", moved.base_came),
        ("no longer in the denominator", moved.base_went),
    )
    told = ((f"{what[0].lower()}{what[1:]}", ids) for what, ids in moved.parts) if moved.is_point else parts
    for what, ids in told:
        if ids:
            yield f"    {what}: {listed(found.names(moved, ids), named)}"
    if why := found.why(moved):
        yield f"    {why}"


def _then_and_now(moved: Moved) -> str:
    form = moved.indicator.form
    by = change_in_words(moved.change, form)
    return f"{_value(moved.old, form)} -> {_value(moved.new, form)}{f' ({by})' if by else ''}"


def _value(figure: Figure | None, form: Form) -> str:
    if figure is None:
        return "not there"
    return words.NOTHING if figure.value is None else words.written(figure.value, form)


def listed(names: Iterable[str], most: int) -> str:
    """Return names in one line, at most so many; the others are counted. Those that must not be named come last, as one."""
    counts = Counter(names)
    ordered = sorted(counts, key=lambda name: (name in UNNAMED, name))
    rest = sum(counts[name] for name in ordered[most:])
    shown = (name if counts[name] == 1 else f"{counts[name]} × {name}" for name in ordered[:most])
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
