"""The marks of each kind of chart, as parts of a Vega-Lite specification: bars, stacked bars, lines, curves, points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from textwrap import wrap
from typing import Any

from biblio.charts import UNFINISHED
from reports.definitions.model import Form
from reports.files.drawn_values import (
    PALETTE,
    SHAPES,
    Drawing,
    Values,
    at_risk,
    colours_of,
    columns_of,
    form_of,
    row_names,
    segments,
    series_of,
    values_of,
)

Part = dict[str, Any]

GROWING = {
    "bars": ("hatched", "still growing"),
    "stacked": ("hatched", "still growing"),
    "lines": ("dashed and hollow", "still growing"),
    "points": ("hollow", "still growing"),
    "steps": ("dashed", "not all could be watched for so long"),
}
"""How each kind of chart marks what is not complete, and why it mostly is not; said below it."""

WAITING = "half-filled circle: much of it waits for a decision"
"""How every kind of chart marks rows of which much waits: what is counted is sure, so it is drawn as it is."""

WIDTH, NARROW = 420, 245
"""Of what is drawn between the axes, on a page and on a phone."""
LEVEL_WIDTH, LEVEL_NARROW = 270, 130
"""Of level bars, beside which their names stand."""
HEIGHT = 230
LETTERS = 13
"""Size of letters."""

_UPRIGHT = 9
"""Rows that stand beside each other with level names, where the names are short."""
_SHORT = 7
_ON_ONE_LINE = 34
"""Letters of what is said below a picture on a phone."""
_LETTER = 7
"""Width of a letter that is said of a bar."""
_YEARS_OF_ALL = 0.8
"""Share of names that are years from which on the rows are an axis of time, whatever the others are called."""
_MANY_SERIES = len(PALETTE)
_GROWING_DASH = [4, 4]
_DASHES = ([1, 0], [14, 3], [14, 3, 3, 3])
"""Of curves beyond the colours: none is like that of what still grows."""
_WITH_BANDS = 3
_MOST_AT_RISK = 7
_YEARS_EACH = 9
_FOOT = 10
"""How far from the axis a half-filled circle stands."""
_PAPER, _INK, _EDGE = "#FFFFFF", "#212529", "#707070"
"""Its two halves and its edge: one half is seen on a light page, the other on a dark one, both on a bar."""
_LEFT_HALF = "M0,-1A1,1,0,0,0,0,1Z"
_LINES = "split(datum.label, '\\n')"
_IS_GROWING = "datum.state == 'growing'"


def empty(words: str = "Nothing yet") -> Part:
    """Return a picture that says that there is nothing to draw."""
    text = {"mark": {"type": "text", "fontSize": 18}, "encoding": {"text": {"value": words}}}
    return {"data": {"values": [{}]}, **text, "width": NARROW, "height": 80}


def bars(drawing: Drawing) -> Part:
    """Return bars with their intervals: level ones where names are long or rows are many. Growing ones are hatched."""
    values = values_of(drawing)
    level = is_level(drawing)
    rows, amounts = _rows(drawing, level=level), _amounts(drawing, values)
    several = len(drawing.chart.columns) > 1
    shift: Part = {"yOffset" if level else "xOffset": {"field": "column", "sort": None}} if several else {}
    colour = _colour(drawing) if several else {"value": colours_of(drawing)["range"][0]}
    here, there = ("y", "x") if level else ("x", "y")
    width = {"height" if level else "width": {"band": 0.9 if several else _share_of_room(drawing)}}
    base = {here: rows, **shift}
    bar = {
        "mark": {"type": "bar", **width},
        "encoding": {**base, there: amounts, "color": colour, "stroke": colour, "fillOpacity": _hatching()},
    }
    if several:
        bar["encoding"]["stroke"] = {**colour, "legend": None}
    layers = [bar, *_whiskers(base, there)]
    if level or (not several and _have_room(drawing, values)):
        layers.append(_labels(base, there))
    return {
        "data": {"values": values},
        "layer": [*layers, *_half_discs(values, {here: rows}, there)],
        **_size(drawing, level=level, columns=len(drawing.chart.columns)),
    }


def _have_room(drawing: Drawing, values: Values) -> bool:
    """Whether what is said of each bar can stand above it, with a letter between it and the next."""
    widest = max((len(value["said"]) for value in values), default=0) + 1
    return len(drawing.rows) * widest * _LETTER <= _width(drawing)


def _half_discs(values: Values, base: Part, there: str, *, is_above: bool = False) -> list[Part]:
    """Return a half-filled circle for each row of which much waits; drawn, as not every font has it.

    It stands at the row's foot, or above the picture where nothing is drawn (``is_above``).
    """
    waiting = dict.fromkeys(value["row"] for value in values if value["waits"])
    if not waiting:
        return []
    away = {"xOffset": _FOOT} if there == "x" else {"yOffset": -_FOOT}
    place = {**base, there: {"value": 0} if is_above else {"datum": 0, "type": "quantitative"}}
    disc = {"type": "point", "size": 130, "opacity": 1, **away}
    looks: tuple[Part, ...] = (
        {**disc, "shape": "circle", "fill": _PAPER, "stroke": _EDGE, "strokeWidth": 1.5},
        {**disc, "shape": _LEFT_HALF, "fill": _INK, "stroke": None},
    )
    data = {"values": [{"row": row} for row in waiting]}
    return [{"data": data, "mark": look, "encoding": place} for look in looks]


def _share_of_room(drawing: Drawing) -> float:
    """Return how much of its room a bar fills: less where there are few, so that one bar is no wall."""
    return round(0.7 * min(1.0, max(len(drawing.rows), 1) / 4), 3)


def _whiskers(base: Part, there: str) -> list[Part]:
    ends = {there: {"field": "low", "type": "quantitative"}, f"{there}2": {"field": "high"}}
    known = [{"filter": "isValid(datum.low) && isValid(datum.high)"}]
    return [{"transform": known, "mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**base, **ends}}]


def _labels(base: Part, there: str) -> Part:
    shift = {"dx": 5, "align": "left"} if there == "x" else {"dy": -7}
    end = {there: {"field": "top", "type": "quantitative"}, "text": {"field": "said"}}
    return {"mark": {"type": "text", "fontSize": LETTERS - 1, **shift}, "encoding": {**base, **end}}


def stacked(drawing: Drawing) -> Part:
    """Return the columns of each row upon one another, the first at the axis. Growing rows are hatched."""
    values = values_of(drawing)
    level = is_level(drawing)
    colour = _colour(drawing)
    here, there = ("y", "x") if level else ("x", "y")
    rows = _rows(drawing, level=level)
    bar = {
        "mark": {"type": "bar", "height" if level else "width": {"band": _share_of_room(drawing)}},
        "encoding": {
            here: rows,
            there: _amounts(drawing, values, stacks=True),
            "color": colour,
            "stroke": {**colour, "legend": None},
            "order": {"field": "order"},
            "fillOpacity": _hatching(),
        },
    }
    return {
        "data": {"values": values},
        "layer": [bar, *_half_discs(values, {here: rows}, there)],
        **_size(drawing, level=level),
    }


def lines(drawing: Drawing) -> Part:
    """Return a line for each column over the rows; the way to a growing value is dashed, and its point hollow."""
    values = values_of(drawing)
    x = _rows(drawing, level=False)
    y = {**_amounts(drawing, values), "stack": None}
    several = len(drawing.chart.columns) > 1
    colour: Part = _colour(drawing) if several else {"value": colours_of(drawing)["range"][0]}
    shape: Part = {"shape": _shapes(colour)} if several else {}
    dash = {"condition": {"test": _IS_GROWING, "value": _GROWING_DASH}, "value": [1, 0]}
    line = {
        "data": {"values": list(segments(values))},
        "mark": {"type": "line", "strokeWidth": 2.5},
        "encoding": {
            "x": x,
            "y": y,
            "color": colour,
            "strokeDash": dash,
            "detail": [{"field": "piece"}, {"field": "state"}],
        },
    }
    band = {
        "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
        "mark": {"type": "rule", "strokeWidth": 1.5, "opacity": 0.6},
        "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}, "color": colour},
    }
    layers = [
        line,
        band,
        _points({"x": x, "y": y, "color": colour, **shape}),
        *_half_discs(values, {"x": x}, "y", is_above=True),
    ]
    return {"data": {"values": values}, "layer": layers, **_size(drawing, level=False)}


def _shapes(colour: Part) -> Part:
    """Return the shape of each line's points, beside its colour."""
    names = colour["scale"]["domain"]
    return {**colour, "scale": {"domain": names, "range": [SHAPES[n % len(SHAPES)] for n in range(len(names))]}}


def _points(encoding: Part) -> Part:
    """Return points: full ones, and hollow ones that are still growing."""
    full = {"condition": {"test": _IS_GROWING, "value": 0}, "value": 1}
    stroke = encoding["color"]
    if "field" in stroke:
        stroke = {**stroke, "legend": None}
    mark = {"type": "point", "filled": True, "size": 60, "strokeWidth": 1.5, "opacity": 1}
    return {"mark": mark, "encoding": {**encoding, "stroke": stroke, "fillOpacity": full}}


def points(drawing: Drawing) -> Part:
    """Return a point with its interval for each row, columns side by side; those that grow are hollow."""
    values = values_of(drawing)
    level = is_level(drawing)
    here, there = ("y", "x") if level else ("x", "y")
    several = len(drawing.chart.columns) > 1
    colour = _colour(drawing) if several else {"value": colours_of(drawing)["range"][0]}
    shift: Part = {f"{here}Offset": {"field": "column", "sort": None}} if several else {}
    amounts = _amounts(drawing, values)
    base = {here: _rows(drawing, level=level), **shift}
    layers = [*_whiskers({**base, "color": colour}, there), _points({**base, there: amounts, "color": colour})]
    if level:
        layers.append(_labels(base, there))
    return {
        "data": {"values": values},
        "layer": [*layers, *_half_discs(values, {here: base[here]}, there, is_above=not level)],
        **_size(drawing, level=level, columns=len(drawing.chart.columns)),
    }


def steps(drawing: Drawing) -> Part:
    """Return a step curve for each series, with its interval as a band where there are few of them.

    Their names stand at the ends of the curves where these lie apart and there is room, else above the picture.
    """
    series = series_of(drawing)
    values = [point for line in series.values() for point in line]
    scale = _series_colours(list(series))
    apart = not drawing.is_narrow and _are_apart(
        [line[-1]["value"] for line in series.values()], max(p["top"] for p in values)
    )
    legend = (
        None
        if apart
        else {
            "orient": "top",
            "columns": 2 if drawing.is_narrow else 3,
            "labelFontSize": LETTERS,
            "symbolType": "stroke",
            "symbolOpacity": 1,
        }
    )
    colour = {"field": "series", "type": "nominal", "sort": None, "title": None, "scale": scale, "legend": legend}
    x = _time(drawing)
    y = {**_amounts(drawing, values), "stack": None}
    mark: Part = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5}
    encoding = {"x": x, "y": y, "color": colour}
    told = {**encoding, "strokeDash": _dashes(colour)} if len(series) > _MANY_SERIES else encoding
    layers: list[Part] = [{"transform": [{"filter": f"!({_IS_GROWING})"}], "mark": mark, "encoding": told}]
    # A line has one dash for all of it, so what can still grow is a line of its own.
    if growing := [point for line in series.values() for point in _growing_end(line)]:
        dashed = {**mark, "strokeDash": _GROWING_DASH}
        layers.append({"data": {"values": growing}, "mark": dashed, "encoding": encoding})
    if 1 < len(series) <= _MANY_SERIES:
        layers.append(_at_years(encoding))
    if len(series) <= _WITH_BANDS:
        layers.insert(0, _band(x, colour))
    if apart:
        layers.append(_ends(series, x, colour))
    curves = {"data": {"values": values}, "layer": layers, "width": _width(drawing), "height": HEIGHT + 30}
    numbers = at_risk(drawing)
    if not numbers or len(series) > _MOST_AT_RISK:
        return curves
    longest = max(point["x"] for point in (*values, *numbers))
    x["scale"]["domain"] = [0, longest]
    return {"vconcat": [curves, _at_risk(drawing, numbers, list(series), longest)], "spacing": 4}


def _at_years(encoding: Part) -> Part:
    """Return the points of curves at whole years, each curve's of its own shape; a growing one is hollow."""
    points = _points({**encoding, "shape": _shapes(encoding["color"])})
    return {"transform": [{"filter": "datum.x > 0 && datum.x == floor(datum.x)"}], **points}


def _growing_end(line: Values) -> Values:
    """Return the points of a curve that can still grow, from the last complete one on."""
    first = next((place for place, point in enumerate(line) if point["state"] == "growing"), len(line))
    return line[max(first - 1, 0) :] if first < len(line) else []


def _time(drawing: Drawing) -> Part:
    """Return the axis of years since the start."""
    return {
        "field": "x",
        "type": "quantitative",
        "title": _below(drawing.chart.x, drawing),
        "scale": {"nice": False},
        "axis": {"grid": False, "labelFontSize": LETTERS, "titleFontSize": LETTERS, "tickCount": 8},
    }


def _at_risk(drawing: Drawing, numbers: Values, names: list[str], longest: float) -> Part:
    """Return the numbers at risk below a curve: at each whole year, of long curves at every second or fifth."""
    years = _YEARS_EACH * _width(drawing) / WIDTH
    step = 1 if longest <= years else 2 if longest <= 2 * years else 5
    shown = [each for each in numbers if each["x"] % step == 0]
    axis = {"ticks": False, "domain": False, "grid": False, "labelFontSize": LETTERS - 2, "labelLimit": 110}
    axis["offset"] = 20  # the numbers at 0 are as wide
    return {
        "data": {"values": shown},
        "title": {"text": "At risk", "anchor": "start", "fontSize": LETTERS - 1, "fontWeight": "normal", "offset": 2},
        "mark": {"type": "text", "fontSize": LETTERS - 2},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "scale": {"domain": [0, longest], "nice": False}, "axis": None},
            "y": {
                "field": "series",
                "type": "nominal",
                "sort": None,
                "title": None,
                "scale": {"domain": names},
                "axis": axis,
            },
            "text": {"field": "at_risk"},
        },
        "width": _width(drawing),
        "height": {"step": 17},
    }


def _band(x: Part, colour: Part) -> Part:
    return {
        "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
        "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.18},
        "encoding": {
            "x": x,
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
            "color": colour,
        },
    }


def _ends(series: Mapping[str, Values], x: Part, colour: Part) -> Part:
    return {
        "data": {"values": [line[-1] for line in series.values()]},
        "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": LETTERS, "fontWeight": "bold"},
        "encoding": {
            "x": x,
            "y": {"field": "value", "type": "quantitative"},
            "text": {"field": "series"},
            "color": colour,
        },
    }


def _are_apart(ends: list[float], most: float) -> bool:
    ordered = sorted(ends)
    return all(b - a > 0.08 * (most or 1) for a, b in pairwise(ordered))


def _series_colours(names: list[str]) -> Part:
    """Return the colours of curves; of more than there are colours they begin again, with another dash."""
    return {"domain": names, "range": [PALETTE[n % len(PALETTE)] for n in range(len(names))]}


def _dashes(colour: Part) -> Part:
    """Return the dash of each curve, beside its colour: another one for each turn of the colours."""
    names = colour["scale"]["domain"]
    dashes = [_DASHES[n // len(PALETTE) % len(_DASHES)] for n in range(len(names))]
    return {**colour, "scale": {"domain": names, "range": dashes}}


def is_level(drawing: Drawing) -> bool:
    """Whether bars lie level: names that do not fit under upright ones, or more of them than there is room for."""
    names = row_names(replace(drawing, is_narrow=False))  # the same on a phone as on a page
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    years = sum(name.isdigit() for name in names) > _YEARS_OF_ALL * len(names)
    return not years and (longest > 12 or (longest > _SHORT and len(names) > _UPRIGHT) or len(names) > 2 * _UPRIGHT)


def _rows(drawing: Drawing, *, level: bool) -> Part:
    names = row_names(drawing)
    longest = max((len(name) for name in names), default=0)
    axis: Part = {
        "labelFontSize": LETTERS,
        "titleFontSize": LETTERS,
        "labelExpr": _LINES,
        "labelLimit": 220,
        "ticks": False,
    }
    if level:
        axis["labelPadding"] = 6
    else:
        fits = len(names) * max(longest, 2) * 8 <= _width(drawing)
        axis["labelAngle"] = 0 if fits else -45
        axis["labelOverlap"] = len(names) > 2 * _UPRIGHT
    title = None if level else _below(drawing.chart.x, drawing)
    return {"field": "row", "type": "nominal", "sort": None, "title": title, "scale": {"domain": names}, "axis": axis}


def _amounts(drawing: Drawing, values: Values, *, stacks: bool = False) -> Part:
    """Return the axis of values: from zero, shares as percents."""
    form = form_of(drawing)
    axis: Part = {"tickCount": 5, "labelFontSize": LETTERS, "titleFontSize": LETTERS, "labelOverlap": True}
    scale: Part = {"zero": True}
    most = max((value["top"] for value in values), default=0)
    if not most:
        scale = {"domain": [0, 1]}
    if form == "share":
        axis["format"] = ".0%"
        if stacks or most > 0.5:
            scale = {"domain": [0, max(1, most)]}
            axis["values"] = [0, 0.25, 0.5, 0.75, 1]
    elif form in ("count", "citations", "days"):
        axis |= {"tickMinStep": 1, "format": ",d"}
    said = drawing.chart.y or _unit(drawing, form)
    title = _below(said, drawing) if drawing.chart.kind not in ("steps", "lines") and is_level(drawing) else said
    return {"field": "value", "type": "quantitative", "title": title or None, "axis": axis, "scale": scale}


def _below(title: str, drawing: Drawing) -> list[str] | str | None:
    """Return what stands below a picture: the title of its axis, and what its marks mean."""
    said = [*([title] if title else []), *keys_of(drawing)]
    if drawing.is_narrow:
        said = [line for words in said for line in wrap(words, _ON_ONE_LINE)]
    return (said if len(said) > 1 else said[0]) if said else None


def keys_of(drawing: Drawing) -> list[str]:
    """Return what the marks mean of values that are not complete, and of those that wait; nothing where there is none."""
    if drawing.chart.kind not in GROWING:
        return []
    look, why = GROWING[drawing.chart.kind]
    waits = any(value["waits"] for value in _drawn(drawing))
    return [*([f"{look}: {why}"] if has_growing(drawing) else []), *([WAITING] if waits else [])]


def has_growing(drawing: Drawing) -> bool:
    """Whether anything drawn is still growing."""
    return any(value["state"] == "growing" for value in _drawn(drawing))


def _drawn(drawing: Drawing) -> Values:
    if drawing.chart.kind == "steps":
        return [point for line in series_of(drawing).values() for point in line]
    return values_of(drawing)


def _unit(drawing: Drawing, form: Form) -> str:
    columns = [column.name for _, column in columns_of(drawing)]
    unit = {"years": "years", "days": "days"}.get(form, "")
    if len(columns) > 1:
        return unit
    return f"{columns[0]} ({unit})" if unit else columns[0]


def _colour(drawing: Drawing) -> Part:
    columns = (4 if _is_short(drawing) else 2) // (2 if drawing.is_narrow else 1)
    legend = {"orient": "top", "columns": columns, "labelFontSize": LETTERS, "symbolOpacity": 1}
    scale = colours_of(drawing)
    return {"field": "column", "type": "nominal", "sort": None, "title": None, "scale": scale, "legend": legend}


def _is_short(drawing: Drawing) -> bool:
    return sum(len(column.name) for _, column in columns_of(drawing)[:4]) <= 36


def _hatching() -> Part:
    return {"condition": {"test": _IS_GROWING, "value": UNFINISHED}, "value": 0.9}


def _width(drawing: Drawing) -> int:
    return NARROW if drawing.is_narrow else WIDTH


def _size(drawing: Drawing, *, level: bool, columns: int = 1) -> Part:
    if not level:
        return {"width": _width(drawing), "height": HEIGHT}
    lines = max((name.count("\n") + 1 for name in row_names(drawing)), default=1)
    step = max(26, 15 * lines + 6, 16 * columns + 6)
    width = LEVEL_NARROW if drawing.is_narrow else LEVEL_WIDTH
    return {"width": width, "height": {"step": step, "for": "position"}}
