"""Theme: comparison. What other observatories published of themselves beside our figures that mean most nearly the same.

Our figures are taken from their own themes as they stand there; nothing is counted here.
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

_TITLES: dict[Form, str] = {
    "share": "Shares that mean the same",
    "years": "Times that mean the same",
    "decimal": "Other numbers that mean the same",
}


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme: what means the same by form, what is defined differently, what stands alone."""
    figures = published_figures()
    ours = {one.key: _ours(counted, one.ours) for one in figures if one.ours is not None}
    same = {form: [one for one in figures if one.ours and one.agrees and one.form == form] for form in FORMS}
    return tuple(
        table
        for table in (
            *(_same(form, same[form], ours) for form in FORMS),
            _different([one for one in figures if one.ours and not one.agrees], ours),
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


def _same(form: Form, figures: Sequence[Published], ours: dict[str, Figure | None]) -> Table:
    columns = (Column("ours", "Ours", OURS[form].key), Column("theirs", "As published", THEIRS[form].key))
    chart = Chart(
        "bars",
        f"{_TITLES[form]}: ours beside those that others published",
        ("ours", "theirs"),
        colours=COLOURS,
        y="share" if form == "share" else "years",
    )
    return Table(
        key={"share": "shares", "years": "times", "decimal": "numbers"}[form],
        title=_TITLES[form],
        rows_are="Published by",
        columns=columns,
        rows=_rows(figures, ours),
        says="Both mean the same but for what the notes say. Figures of this observatory’s own earlier publications are a check.",
        charts=() if form == "decimal" else (chart,),
        notes=_notes(figures),
    )


def _different(figures: Sequence[Published], ours: dict[str, Figure | None]) -> Table:
    return Table(
        key="different",
        title="Published figures that are defined differently",
        rows_are="Published by",
        columns=(Column("ours", "Ours", OURS["share"].key), Column("theirs", "As published", THEIRS["share"].key)),
        rows=_rows(figures, ours),
        says="Ours is the nearest there is. Do not read the difference of two numbers here as one of success; the notes say what differs.",
        notes=_notes(figures),
    )


def _alone(figures: Sequence[Published]) -> Table:
    return Table(
        key="alone",
        title="Published figures with nothing of ours beside them",
        rows_are="Published by",
        columns=(Column("theirs", "As published", THEIRS["share"].key),),
        rows=tuple(Row(one.key, _name(one), (_theirs(one),)) for one in figures),
        notes=_notes(figures),
    )


def _rows(figures: Sequence[Published], ours: dict[str, Figure | None]) -> tuple[Row, ...]:
    return tuple(Row(one.key, _name(one), (ours[one.key], _theirs(one))) for one in figures)


def _theirs(one: Published) -> Figure:
    said = f"{one.printed}; {one.reference}" if one.printed else one.reference
    return Figure(THEIRS[one.form].key, one.value, note=f"{said}, {one.source}")


def _name(one: Published) -> str:
    return f"{one.facility}: {one.name}"


def _notes(figures: Sequence[Published]) -> tuple[str, ...]:
    return tuple(f"{_name(one)}. As published: {one.definition} {one.difference}".rstrip() for one in figures)
