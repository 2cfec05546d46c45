"""What pictures promise: every kind drawn, what grows marked, words for those who do not see, the same bytes twice."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from reports.definitions.bibliography import PROJECTS_WAITING
from reports.definitions.projects import PUBLISHED
from reports.document import Chart, Figure, Row
from reports.files import charts, marks
from reports.files.drawn_values import PALETTE, Drawing, at_risk, colours_of, segments, series_of, values_of
from tests.reports.files.made import BARS, counts, curves, share, shares

CYCLES = ("Cycle 0", "Cycle 1", "Cycle 2")
TWO_CURVES = curves(old=((0, 0.0), (1, 0.3), (2, 0.6)), young=((0, 0.0), (1, 0.1)))


def _words(picture: str) -> str:
    return " ".join(ET.fromstring(picture).itertext())


@pytest.mark.parametrize("kind", ["bars", "stacked", "lines", "points"])
def test_every_kind_of_chart_is_drawn_for_light_and_dark_pages(kind: str) -> None:
    """Each kind is an SVG with its own title and description, and differs between the themes."""
    table = counts(("2019", "2020"), (3, 1), (4, 2), kind=kind, growing=1)
    light, dark = (charts.svg(table, table.charts[0], theme) for theme in ("light", "dark"))
    assert light != dark
    root = ET.fromstring(light)
    assert [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]
    assert root[0].text == "Counts"
    assert root.get("role") == "img"


def test_blue_is_lighter_on_a_dark_page() -> None:
    """Thin dark blue lines cannot be seen on black; it stays the same blue to the eye."""
    table = shares(CYCLES, share(3, 4), share(1, 2), share(1, 9, is_incomplete=True))
    dark = charts.svg(table, BARS, "dark")
    assert '"#0072B2"' not in dark
    assert '"#0072B2"' in charts.svg(table, BARS)


def test_curves_are_steps_with_their_names_and_the_numbers_at_risk() -> None:
    """Each series of rows is one curve; below it stands how many were still watched at whole years."""
    chart = TWO_CURVES.charts[0]
    drawing = Drawing(TWO_CURVES, chart)
    assert {name: [p["x"] for p in line] for name, line in series_of(drawing).items()} == {
        "Old": [0, 1, 2],
        "Young": [0, 1],
    }
    assert next((p["series"], p["x"], p["at_risk"]) for p in at_risk(drawing)) == ("Old", 0, "40")
    words = _words(charts.svg(TWO_CURVES, chart))
    assert "At risk" in words
    assert "Old" in words


def test_a_step_holds_its_value_until_the_next_point() -> None:
    """A survival curve is no slope: its lines run level and then jump."""
    spec = charts.spec(TWO_CURVES, TWO_CURVES.charts[0])
    marks_used = [layer["mark"] for layer in spec["vconcat"][0]["layer"]]
    assert {mark["interpolate"] for mark in marks_used if mark["type"] in ("line", "area")} == {"step-after"}


@pytest.mark.parametrize("kind", ["bars", "stacked", "lines", "points"])
@pytest.mark.parametrize("names", [tuple(map(str, range(2014, 2027))), ("A name of some length that wraps", "B", "C")])
def test_on_a_phone_a_picture_is_narrow(kind: str, names: tuple[str, ...]) -> None:
    """It fits a phone with letters of nearly their own size, and holds the same; also with much said below it."""
    rows = tuple((n + 3, n + 1) for n, _ in enumerate(names))
    table = counts(names, *rows, kind=kind, growing=2)
    table = replace(table, rows=tuple(replace(row, backlog="Many wait.") for row in table.rows))
    wide, narrow = (charts.svg(table, table.charts[0], is_narrow=is_narrow) for is_narrow in (False, True))
    assert float(ET.fromstring(narrow).get("width", "")) <= 375
    assert float(ET.fromstring(narrow).get("width", "")) < float(ET.fromstring(wide).get("width", ""))
    for name in names:
        assert all(word in _words(narrow) for word in name.split())
    curve = charts.svg(TWO_CURVES, TWO_CURVES.charts[0], is_narrow=True)
    assert float(ET.fromstring(curve).get("width", "")) <= 400


def test_curves_beyond_the_colours_have_a_dash_of_their_own() -> None:
    """No two look the same, none is like what still grows, and all have colours that are seen on both pages."""
    many = curves(**{f"c{n}": ((0, 0.0), (1, n / 20)) for n in range(12)})
    picture = ET.fromstring(charts.svg(many, many.charts[0]))
    looks = {
        (line.get("stroke"), line.get("stroke-dasharray"))
        for line in picture.iter("{http://www.w3.org/2000/svg}path")
        if line.get("aria-roledescription") == "line mark"
    }
    assert len(looks) == 12
    assert {colour for colour, _ in looks} <= set(PALETTE)
    assert not any(dash == "4,4" for _, dash in looks)


def test_what_is_said_of_bars_stands_above_them_only_with_room() -> None:
    """Shares with their counts do not run into one another."""
    five, nine = (shares(tuple(f"C{n}" for n in range(count)), *[share(39, 60)] * count) for count in (5, 9))
    assert "39 of 60" in _words(charts.svg(five, BARS))
    assert "39 of 60" not in _words(charts.svg(nine, BARS))


def test_what_still_grows_is_hatched_and_said() -> None:
    """A bar that is not complete is drawn with a pattern, and the picture says what the pattern means."""
    table = shares(CYCLES, share(3, 4), share(1, 2), share(1, 9, is_incomplete=True))
    picture = charts.svg(table, BARS)
    assert picture.count("url(#hatch-") == 1
    assert "hatched: still growing" in _words(picture)
    assert "Hatched: still growing." in charts.described(table, BARS)


def test_what_waits_for_a_decision_is_not_called_growing() -> None:
    """What waits is drawn as it is, with a half-filled circle at its foot; the key names each look."""
    young = shares(("Cycle 0", "Cycle 1"), share(3, 4), share(1, 9, is_incomplete=True))
    old = shares(("Cycle 0", "Cycle 1"), share(3, 4), share(1, 9))
    first, *others = old.rows
    waits = replace(old, rows=(replace(first, backlog="2 more projects wait."), *others))
    both = replace(young, rows=(replace(young.rows[0], backlog="2 more projects wait."), *young.rows[1:]))
    picture = charts.svg(waits, waits.charts[0])
    assert "half-filled circle: much of it waits for a decision" in _words(picture)
    assert "hatch" not in picture
    picture = charts.svg(both, both.charts[0])
    assert picture.count("url(#hatch-") == 1
    assert "hatched: still growing" in _words(picture)
    assert "half-filled circle: much of it waits for a decision" in _words(picture)


def test_a_picture_of_what_waits_has_no_mark_that_it_does() -> None:
    """All of it waits, whether much or little."""
    table = counts(("2019",), (3, 1))
    columns = tuple(replace(column, indicator=PROJECTS_WAITING.key) for column in table.columns)
    figures = tuple(replace(f, indicator=PROJECTS_WAITING.key) for f in table.rows[0].figures if f)
    row = replace(table.rows[0], figures=figures, backlog="2 more wait.")
    assert "half-filled" not in _words(charts.svg(replace(table, columns=columns, rows=(row,)), table.charts[0]))


@pytest.mark.parametrize("kind", ["bars", "stacked", "lines", "points"])
def test_each_row_that_waits_has_one_half_filled_circle(kind: str) -> None:
    """However many columns are drawn; and none where no decision can change what is drawn."""
    table = counts(("2019", "2020"), (3, 1), (4, 2), kind=kind)
    columns = tuple(replace(column, indicator=PUBLISHED.key) for column in table.columns)
    waiting = [replace(row, backlog="2 more wait.") for row in table.rows]
    moved = [
        replace(row, figures=tuple(replace(f, indicator=PUBLISHED.key) for f in row.figures if f)) for row in waiting
    ]
    drawn = charts.spec(replace(table, columns=columns, rows=tuple(moved)), table.charts[0])
    halves = [layer for layer in drawn["layer"] if str(layer["mark"].get("shape", "")).startswith("M0")]
    assert [len(layer["data"]["values"]) for layer in halves] == [2]
    assert "half-filled" not in json.dumps(charts.spec(replace(table, rows=tuple(waiting)), table.charts[0]))


def test_lines_are_told_apart_by_their_points_as_well() -> None:
    """On a printer without colours each line's points have a shape of their own."""
    table = counts(("2019", "2020"), (3, 1), (4, 2), kind="lines")
    layers = charts.spec(table, table.charts[0])["layer"]
    shapes = [layer["encoding"]["shape"]["scale"]["range"] for layer in layers if "shape" in layer["encoding"]]
    assert shapes == [["circle", "square"]]


def test_complete_bars_are_not_hatched() -> None:
    """Nothing is marked, and nothing said of marks, where everything is complete."""
    picture = charts.svg(shares(CYCLES, share(3, 4), share(1, 2), share(1, 9)), BARS)
    assert "hatch" not in picture


def test_the_way_to_a_growing_value_is_dashed() -> None:
    """A line between two values is complete only where both its ends are; a row without a value breaks it."""
    table = counts(("a", "b", "c"), (1,), (2,), (3,), kind="lines", growing=1)
    states = [piece["state"] for piece in segments(values_of(Drawing(table, table.charts[0])))]
    assert states == ["complete", "complete", "growing", "growing"]
    broken = replace(table, rows=(table.rows[0], Row("x", "x", (None,)), *table.rows[1:]))
    assert len(list(segments(values_of(Drawing(broken, table.charts[0]))))) == 2


@pytest.mark.parametrize(
    "figures",
    [(), (None,), (Figure("publication_fraction", None, note="none"),)],
    ids=["no row", "no figure", "no value"],
)
def test_a_table_without_a_value_is_drawn_as_nothing_yet(figures: tuple[Figure | None, ...]) -> None:
    """An empty table gives a picture that says so, not an empty frame and not an error."""
    table = shares(["one"] * len(figures), *figures)
    assert "Nothing yet" in _words(charts.svg(table, BARS))
    assert charts.png(table, BARS).startswith(b"\x89PNG")


def test_curves_without_a_point_are_drawn_as_nothing_yet() -> None:
    """Rows that are no points of a curve are no curve."""
    table = replace(TWO_CURVES, rows=())
    assert "Nothing yet" in _words(charts.svg(table, table.charts[0]))


@pytest.mark.parametrize("count", [1, 30])
def test_one_row_and_thirty_are_both_legible(count: int) -> None:
    """Every row has its name in the picture, whole or wrapped, however many and however long."""
    names = [f"Interstellar medium and star formation {n}" for n in range(count)]
    table = shares(names, *[share(1, 2)] * count)
    words = _words(charts.svg(table, BARS)).replace(charts.described(table, BARS), "")
    assert words.count("Interstellar medium") == count
    assert marks.is_level(Drawing(table, BARS))


def test_years_stand_upright_and_long_names_lie_level() -> None:
    """The order of time runs from left to right."""
    years = shares([str(year) for year in range(1990, 2026)], *[share(1, 2)] * 36)
    assert not marks.is_level(Drawing(years, BARS))
    assert not marks.is_level(Drawing(shares(CYCLES, share(1, 2), share(1, 2), share(1, 2)), BARS))


def test_bars_of_nothing_stand_on_the_axis() -> None:
    """Counts that are all 0 are drawn from 0 on, not in the middle of the picture."""
    table = counts(("2019", "2020"), (0,), (0,), kind="bars")
    assert charts.spec(table, table.charts[0])["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 1]


def test_rows_of_one_name_are_told_apart() -> None:
    """Two rows that are called the same are two bars."""
    table = shares(("Same", "Same"), share(1, 2), share(1, 4))
    assert [value["row"] for value in values_of(Drawing(table, BARS))] == ["Same (r0)", "Same (r1)"]


def test_a_whole_is_left_out_of_the_chart_of_its_parts() -> None:
    """Rows that the chart names are not drawn; the table keeps them."""
    table = shares(CYCLES, share(3, 4), share(1, 2), share(4, 6))
    chart = replace(BARS, without=("r2",))
    assert "Cycle 2" not in _words(charts.svg(table, chart))


def test_one_thing_has_the_colour_it_was_given_and_no_other_has_it() -> None:
    """Given colours are kept; a column without one gets a colour that no other has."""
    chart = Chart("stacked", "Counts", ("c0", "c1"), colours={"c1": "#0072B2"})
    colours = colours_of(Drawing(counts(("2019",), (1, 2)), chart))["range"]
    assert colours[1] == "#0072B2"
    assert colours[0] != "#0072B2"


def test_the_description_tells_the_highest_and_the_lowest_complete_value() -> None:
    """Who cannot see the picture learns what it shows; a value that still grows is no lowest."""
    table = shares(CYCLES, share(3, 4), share(1, 2), share(0, 9, is_incomplete=True))
    said = charts.described(table, BARS)
    assert "highest Cycle 0 (75.0" in said
    assert "lowest Cycle 1 (50.0" in said
    assert "of what no longer grows" in said


def test_a_picture_to_take_along_is_the_same_bytes_twice() -> None:
    """PNG and Vega-Lite are made of the table alone."""
    table = shares(CYCLES, share(3, 4), share(1, 2), share(1, 9, is_incomplete=True))
    assert charts.png(table, BARS) == charts.png(table, BARS)
    assert charts.spec(table, BARS)["title"]["text"] == [BARS.title]


def test_words_of_strangers_are_no_markup_in_a_picture() -> None:
    """A category called like a tag is text."""
    table = shares(("<script>alert(1)</script>",), share(1, 2))
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(charts.svg(table, BARS)).iter()}
    assert "script" not in tags


def test_a_chart_of_a_column_that_is_not_there_is_refused() -> None:
    """A wrong column is an error of ours and is not drawn as something else."""
    with pytest.raises(KeyError):
        charts.svg(shares(CYCLES[:1], share(1, 2)), replace(BARS, columns=("nothing",)))


def test_the_csv_of_a_table_has_one_line_per_figure_and_runs_nothing() -> None:
    """Numbers as counted, whether complete, and no formula."""
    table = shares(("=1+1", "young"), share(1, 2), share(1, 4, is_incomplete=True))
    lines = list(csv.reader(io.StringIO(charts.as_csv(table))))
    assert tuple(lines[0]) == charts.CSV_HEADER
    assert lines[1][:5] == ["'=1+1", "Fraction", "0.5", "1", "2"]
    assert [line[7] for line in lines[1:]] == ["yes", "no"]
