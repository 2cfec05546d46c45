"""What the picture of a comparison promises: nothing is just missing, and nothing is drawn as if it were alike that is not."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from reports.definitions.comparison import OURS, THEIRS
from reports.document import Chart, Column, Figure, Row, Table
from reports.files import charts, compared

COLUMNS = (Column("ours", "Ours", OURS["years"].key), Column("theirs", "Published", THEIRS["years"].key))
LONG = "An observatory with a long name, 1999 to 2024: time until 50 % of all programmes had a first refereed paper"
DIFFERS = "Defined differently. Theirs counts papers, ours projects, and from when theirs runs our source does not say at all."


def _ours(value: float | None, **changes: Any) -> Figure:
    return Figure(OURS["years"].key, value, **changes)


def _theirs(value: float | None, **changes: Any) -> Figure:
    return Figure(THEIRS["years"].key, value, **changes)


def _table(*rows: Row) -> Table:
    chart = Chart("compared", "Times", ("ours", "theirs"), y="years", otherwise=("range", "open"))
    return Table("times", "Times", "Published by", COLUMNS, rows, charts=(chart,))


ALIKE = Row("alike", "Alike", (_ours(2.0, low=1.5, high=2.5), _theirs(3.0)), says="Defined alike. The days differ.")
RANGE = Row("range", LONG, (None, _theirs(None, low=1.0, high=2.0, note="1 to 2 years; A paper")), says=DIFFERS)
OPEN = Row(
    "open", "Open", (_ours(None, low=4.0, beyond=9.1, note="not reached"), _theirs(1.5, note="about 1; A paper"))
)
ALL = _table(ALIKE, RANGE, OPEN)


def _layers(table: Table, kind: str) -> list[dict[str, Any]]:
    return [layer for layer in charts.spec(table, table.charts[0])["layer"] if layer["mark"]["type"] == kind]


def _drawn(table: Table) -> str:
    picture = ET.fromstring(charts.svg(table, table.charts[0]))
    return " ".join("".join(element.itertext()) for element in picture.iter() if element.tag.endswith("}text"))


def test_what_differs_and_whole_names_stand_in_the_picture() -> None:
    """Whoever takes the picture alone takes the warning along; no name is cut."""
    words = _drawn(ALL)
    assert LONG in words
    assert DIFFERS in words
    assert "…" not in words
    places = {
        value["text"]: value["y"]
        for layer in _layers(ALL, "text")
        for value in layer["data"]["values"]
        if "text" in value
    }
    assert places[ALIKE.name] < places[compared.OTHERWISE] < places[OPEN.name]


def test_a_range_is_drawn_from_end_to_end() -> None:
    """A thick line from 1 to 2 years, called as it was printed; no point in its middle."""
    (thick,) = [layer for layer in _layers(ALL, "rule") if layer["mark"].get("strokeWidth") == 9]
    assert [(value["low"], value["high"]) for value in thick["data"]["values"]] == [(1.0, 2.0)]
    assert "1 to 2 years" in _drawn(ALL)
    points = [value for layer in _layers(ALL, "point") for value in layer["data"]["values"] if not value.get("beyond")]
    assert sorted(value["value"] for value in points) == [1.5, 2.0, 3.0]


def test_what_was_not_reached_has_an_open_end_and_says_in_how_long() -> None:
    """From the lower limit to what was watched a line, beyond it an arrow to the edge."""
    (dashed,) = [layer for layer in _layers(ALL, "rule") if "strokeDash" in layer["mark"]]
    assert [(value["low"], value["beyond"]) for value in dashed["data"]["values"]] == [(4.0, 9.1)]
    assert dashed["data"]["values"][0]["edge"] > 9.1
    assert "not reached in 9.10" in _drawn(ALL)


def test_what_is_defined_differently_is_hollow() -> None:
    """Published figures are full where they are defined alike, hollow where they are not."""
    hollow = [layer for layer in _layers(ALL, "point") if not layer["mark"]["filled"]]
    assert [value["value"] for layer in hollow for value in layer["data"]["values"]] == [1.5]


def test_what_a_report_does_not_have_is_named() -> None:
    """No gap that looks like a zero, and none that nobody sees; a comparison of nothing of ours is still drawn."""
    assert "none in this report" in _drawn(ALL)
    alone = _table(Row("alike", "Alike", (_ours(None, note="no projects"), _theirs(3.0))))
    assert "no projects" in _drawn(alone)


def test_the_interval_of_ours_is_drawn_and_written() -> None:
    """The own number is not surer than it is."""
    assert "2.00 yr (1.50 to 2.50 yr)" in _drawn(ALL).replace("\u202f", " ")


def test_the_description_says_every_row() -> None:
    """Who cannot see the picture hears both numbers and what differs."""
    said = charts.described(ALL, ALL.charts[0])
    assert DIFFERS in said
    assert "published 1 to 2 years" in said
    assert "ours not reached in 9.10" in said
