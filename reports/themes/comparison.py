"""Theme: comparison. What other observatories published of themselves beside our figures that mean most nearly the same.

Our figures are taken from their own themes as they stand there; nothing is counted here. What is defined alike comes first,
and every row says how the two differ.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.definitions.comparison import OURS, THEIRS
from reports.definitions.model import Form
from reports.document import Address, Chart, Column, Figure, Row, Table
from reports.facts.counted import Counted
from reports.other_observatories import FORMS, Published, published_figures

KEY = "comparison"
NAME = "Comparison"
QUESTION = "How do we stand beside other observatories?"

COLOURS = {"ours": "#0072B2", "theirs": "#CC79A7"}
"""Ours and theirs; no other thing in the report has the second colour."""

_KEYS: dict[Form, str] = {"share": "shares", "years": "times", "decimal": "numbers"}
_TITLES: dict[Form, str] = {
    "share": "Shares that others published, and ours",
    "years": "Times that others published, and ours",
    "decimal": "Other numbers that others published, and ours",
}
_AXES: dict[Form, str] = {"share": "share", "years": "years"}
"""Those that can be drawn on one axis, and what it says."""


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme: what stands beside a figure of ours, by form, and what stands alone."""
    figures = published_figures()
    ours = {one.key: _ours(counted, one.ours) for one in figures if one.ours is not None}
    beside = {form: [one for one in figures if one.ours and one.form == form] for form in FORMS}
    return tuple(
        table
        for table in (
            *(_beside(form, sorted(beside[form], key=lambda one: not one.agrees), ours) for form in FORMS),
            _alone([one for one in figures if not one.ours]),
        )
        if table.rows
    )


def _ours(counted: Counted, at: Address | None) -> Figure | None:
    """Return our figure at an address, None where this report has none there (no such year or column)."""
    from reports.themes import theme_of  # this theme is one of them

    if at is None:
        return None
    try:
        return theme_of(counted, at.theme).table(at.table).figure(at.row, at.column)
    except KeyError:
        return None


def _beside(form: Form, figures: Sequence[Published], ours: dict[str, Figure | None]) -> Table:
    otherwise = tuple(one.key for one in figures if not one.agrees)
    chart = Chart(
        "compared", _TITLES[form], ("ours", "theirs"), y=_AXES.get(form, ""), colours=COLOURS, otherwise=otherwise
    )
    return Table(
        key=_KEYS[form],
        title=_TITLES[form],
        rows_are="Published by",
        columns=(Column("ours", "Ours", OURS[form].key), Column("theirs", "Published", THEIRS[form].key)),
        rows=tuple(Row(one.key, _name(one), (ours[one.key], _theirs(one)), says=_says(one)) for one in figures),
        says="Each row says how the two are defined. Where they are defined differently their distance is no measure of success. "
        "Figures of this observatory’s own earlier publications are a check.",
        charts=(chart,) if form in _AXES else (),
        notes=_notes(figures),
    )


def _alone(figures: Sequence[Published]) -> Table:
    return Table(
        key="alone",
        title="Published figures with nothing of ours beside them",
        rows_are="Published by",
        columns=(Column("theirs", "Published", THEIRS["share"].key),),
        rows=tuple(Row(one.key, _name(one), (_theirs(one),), says=one.difference) for one in figures),
        notes=_notes(figures),
    )


def _theirs(one: Published) -> Figure:
    said = f"{one.printed}; {one.reference}" if one.printed else one.reference
    return Figure(
        THEIRS[one.form].key, one.value, low=one.low, high=one.high, beyond=one.beyond, note=f"{said}, {one.source}"
    )


def _name(one: Published) -> str:
    return f"{one.facility}: {one.name}"


def _says(one: Published) -> str:
    return f"{'Defined alike' if one.agrees else 'Defined differently'}. {one.difference}"


def _notes(figures: Sequence[Published]) -> tuple[str, ...]:
    """Return what was published, in words, and where."""
    return tuple(f"{_name(one)}. {_printed(one)}{one.definition} {one.reference}, {one.source}" for one in figures)


def _printed(one: Published) -> str:
    return f"Printed: {one.printed}. " if one.printed else ""
