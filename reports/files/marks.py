"""The marks of each kind of chart, as parts of a Vega-Lite specification: bars, stacked bars, lines, curves, points."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from biblio.charts import UNFINISHED
from reports.definitions.model import Form
from reports.files.drawn_values import (
    PALETTE,
    WAITS,
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

WIDTH = 420
HEIGHT = 230
LETTERS = 13
"""Size of letters: read on a phone, where the picture is about three quarters of its size."""

_UPRIGHT = 9
"""Rows that stand beside each other with level names, where the names are short."""
_SHORT = 7
_YEARS_OF_ALL = 0.8
"""Share of names that are years from which on the rows are an axis of time, whatever the others are called."""
_MANY_SERIES = 8
_WITH_BANDS = 3
_MOST_AT_RISK = 7
_YEARS_EACH = 9
_LINES = "split(datum.label, '\\n')"
_IS_GROWING = "datum.state == 'growing'"


def empty(words: str = "Nothing yet") -> Part:
    """Return a picture that says that there is nothing to draw."""
    text = {"mark": {"type": "text", "fontSize": 18}, "encoding": {"text": {"value": words}}}
    return {"data": {"values": [{}]}, **text, "width": WIDTH, "height": 80}


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
    if level or (len(drawing.rows) <= _UPRIGHT and not several):
        layers.append(_labels(base, there))
    return {
        "data": {"values": values},
        "layer": layers,
        **_size(drawing, level=level, columns=len(drawing.chart.columns)),
    }


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
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "height" if level else "width": {"band": _share_of_room(drawing)}},
        "encoding": {
            here: _rows(drawing, level=level),
            there: _amounts(drawing, values, stacks=True),
            "color": colour,
            "stroke": {**colour, "legend": None},
            "order": {"field": "order"},
            "fillOpacity": _hatching(),
        },
        **_size(drawing, level=level),
    }


def lines(drawing: Drawing) -> Part:
    """Return a line for each column over the rows; the way to a growing value is dashed, and its point hollow."""
    values = values_of(drawing)
    x = _rows(drawing, level=False)
    y = {**_amounts(drawing, values), "stack": None}
    colour: Part = _colour(drawing) if len(drawing.chart.columns) > 1 else {"value": colours_of(drawing)["range"][0]}
    dash = {"condition": {"test": _IS_GROWING, "value": [4, 4]}, "value": [1, 0]}
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
    layers = [line, band, _points({"x": x, "y": y, "color": colour})]
    return {"data": {"values": values}, "layer": layers, **_size(drawing, level=False)}


def _points(encoding: Part) -> Part:
    """Return points: full ones, and hollow ones that are still growing."""
    full = {"condition": {"test": _IS_GROWING, "value": 0}, "value": 1}
    stroke = encoding["color"]
    if "field" in stroke:
        stroke = {**stroke, "legend": None}
    mark = {"type": "point", "filled": True, "size": 60, "strokeWidth": 1.5}
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
        "layer": layers,
        **_size(drawing, level=level, columns=len(drawing.chart.columns)),
    }


def steps(drawing: Drawing) -> Part:
    """Return a step curve for each series, with its interval as a band where there are few of them.

    Their names stand at the ends of the curves where these lie apart, else above the picture.
    """
    series = series_of(drawing)
    values = [point for line in series.values() for point in line]
    scale = _series_colours(list(series))
    apart = _are_apart([line[-1]["value"] for line in series.values()], max(p["top"] for p in values))
    legend = (
        None
        if apart
        else {"orient": "top", "columns": 3, "labelFontSize": LETTERS, "symbolType": "stroke", "symbolOpacity": 1}
    )
    colour = {"field": "series", "type": "nominal", "sort": None, "title": None, "scale": scale, "legend": legend}
    x = _time(drawing)
    y = {**_amounts(drawing, values), "stack": None}
    mark: Part = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5}
    encoding = {"x": x, "y": y, "color": colour}
    layers: list[Part] = [{"transform": [{"filter": f"!({_IS_GROWING})"}], "mark": mark, "encoding": encoding}]
    # A line has one dash for all of it, so what can still grow is a line of its own.
    if growing := [point for line in series.values() for point in _growing_end(line)]:
        dashed = {**mark, "strokeDash": [4, 4]}
        layers.append({"data": {"values": growing}, "mark": dashed, "encoding": encoding})
    if len(series) <= _WITH_BANDS:
        layers.insert(0, _band(x, colour))
    if apart:
        layers.append(_ends(series, x, colour))
    curves = {"data": {"values": values}, "layer": layers, "width": WIDTH, "height": HEIGHT + 30}
    numbers = at_risk(drawing)
    if not numbers or len(series) > _MOST_AT_RISK:
        return curves
    longest = max(point["x"] for point in (*values, *numbers))
    x["scale"]["domain"] = [0, longest]
    return {"vconcat": [curves, _at_risk(numbers, list(series), longest)], "spacing": 4}


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


def _at_risk(numbers: Values, names: list[str], longest: float) -> Part:
    """Return the numbers at risk below a curve: at each whole year, of long curves at every second or fifth."""
    step = 1 if longest <= _YEARS_EACH else 2 if longest <= 2 * _YEARS_EACH else 5
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
        "width": WIDTH,
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
    """Return the colours of curves: told apart where they are few, a sequence where they are many (cycles)."""
    if len(names) <= _MANY_SERIES:
        return {"domain": names, "range": list(PALETTE[: len(names)])}
    return {"domain": names, "scheme": {"name": "viridis", "extent": [0.2, 0.92], "count": len(names)}}


def is_level(drawing: Drawing) -> bool:
    """Whether bars lie level: names that do not fit under upright ones, or more of them than there is room for."""
    names = row_names(drawing)
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
        fits = len(names) * max(longest, 2) * 8 <= WIDTH
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
    """Return what stands below a picture: the title of its axis, and how it marks what is not complete."""
    words = key_of(drawing)
    if words is None:
        return title or None
    return [title, words] if title else words


def key_of(drawing: Drawing) -> str | None:
    """Return what the marks of values that are not complete mean; None where nothing drawn has one."""
    if not has_growing(drawing) or drawing.chart.kind not in GROWING:
        return None
    look, why = GROWING[drawing.chart.kind]
    reasons = {value["why"] for value in _drawn(drawing) if value["state"] == "growing"}
    if reasons == {WAITS}:
        return f"{look}: {WAITS}"
    return f"{look}: {why}, or {WAITS}" if WAITS in reasons else f"{look}: {why}"


def has_growing(drawing: Drawing) -> bool:
    """Whether anything drawn is still growing, or much of it waits for a decision."""
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
    legend = {"orient": "top", "columns": 4 if _is_short(drawing) else 2, "labelFontSize": LETTERS}
    scale = colours_of(drawing)
    return {"field": "column", "type": "nominal", "sort": None, "title": None, "scale": scale, "legend": legend}


def _is_short(drawing: Drawing) -> bool:
    return sum(len(column.name) for _, column in columns_of(drawing)[:4]) <= 36


def _hatching() -> Part:
    return {"condition": {"test": _IS_GROWING, "value": UNFINISHED}, "value": 0.9}


def _size(drawing: Drawing, *, level: bool, columns: int = 1) -> Part:
    if not level:
        return {"width": WIDTH, "height": HEIGHT}
    lines = max((name.count("\n") + 1 for name in row_names(drawing)), default=1)
    step = max(26, 15 * lines + 6, 16 * columns + 6)
    return {"width": 270, "height": {"step": step, "for": "position"}}
