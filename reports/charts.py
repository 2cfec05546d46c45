"""The report's pictures: Vega-Lite specifications drawn to SVG. They are handed finished numbers and do no arithmetic.

One colour for one thing everywhere; colours from the Okabe–Ito set, which the colour-blind tell apart. Unfinished years
and cycles are hatched: Vega-Lite has no patterns, so such bars are drawn with an opacity that nothing else has and get
their hatching in the finished SVG.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import vl_convert

from reports.build import Origin, Report

ORIGIN_COLOURS = {
    Origin.PI: "#0072B2",
    Origin.BOTH: "#009E73",
    Origin.ARCHIVE: "#E69F00",
    Origin.UNKNOWN: "#999999",
}
"""PI, PI and archive, archive, unknown: the same in every picture."""

UNFINISHED = 0.35
"""The opacity that marks an unfinished bar until it is hatched."""

_UNFINISHED_FILL = re.compile(rf'fill="#([0-9A-Fa-f]{{6}})" fill-opacity="{UNFINISHED}"')

WIDTH = 640
HEIGHT = 260


@dataclass(frozen=True, slots=True)
class Theme:
    """The two colours that differ between light and dark pages."""

    ink: str
    grid: str


THEMES = {"light": Theme("#212529", "#dee2e6"), "dark": Theme("#dee2e6", "#495057")}


def cycle_spec(report: Report) -> dict[str, Any]:
    """Return the publication fraction by cycle with its interval; paler where grace periods are still running."""
    rows = [
        {
            "cycle": row.name,
            "fraction": row.fraction.value,
            "low": row.fraction.low,
            "high": row.fraction.high,
            "state": "still growing" if row.fraction.is_incomplete else "complete",
            "of": f"{row.fraction.numerator} of {row.fraction.denominator}",
        }
        for row in report.cycles
    ]
    x = {
        "field": "cycle",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelAngle": 0 if len(rows) < 9 else -40},
    }
    y = {
        "field": "fraction",
        "type": "quantitative",
        "title": "published / observed projects",
        "scale": {"domain": [0, 1]},
        "axis": {"format": ".0%", "tickCount": 5},
    }
    bar = {
        "mark": {"type": "bar", "stroke": "#0072B2", "width": {"band": 0.7}},
        "encoding": {
            "x": x,
            "y": y,
            "color": {"value": "#0072B2"},
            "fillOpacity": {"condition": {"test": "datum.state == 'complete'", "value": 0.9}, "value": UNFINISHED},
        },
    }
    interval = {
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
    }
    label = {
        "mark": {"type": "text", "dy": -6, "fontSize": 11},
        "encoding": {"x": x, "y": {"field": "high", "type": "quantitative"}, "text": {"field": "of"}},
    }
    return {"data": {"values": rows}, "layer": [bar, interval, label], "width": WIDTH, "height": HEIGHT}


def year_spec(report: Report) -> dict[str, Any]:
    """Return papers per year stacked by origin of the data; the running year is pale."""
    used = [o for o in Origin if any(row.by_origin[o].value for row in report.years)]
    rows = [
        {
            "year": str(row.year),
            "origin": o.value,
            "papers": row.by_origin[o].value,
            "state": "running" if row.is_incomplete else "complete",
        }
        for row in report.years
        for o in used
    ]
    scale = {"domain": [o.value for o in used], "range": [ORIGIN_COLOURS[o] for o in used]}
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "width": {"band": 0.7}},
        "encoding": {
            "x": {
                "field": "year",
                "type": "nominal",
                "title": None,
                "axis": {"labelAngle": 0 if len(report.years) < 12 else -40},
            },
            "y": {"field": "papers", "type": "quantitative", "title": "refereed papers", "axis": {"tickMinStep": 1}},
            "color": {
                "field": "origin",
                "type": "nominal",
                "scale": scale,
                "title": "data from",
                "legend": {"orient": "top"},
            },
            "order": {"field": "origin", "sort": "descending"},
            "fillOpacity": {"condition": {"test": "datum.state == 'complete'", "value": 0.9}, "value": UNFINISHED},
            "stroke": {"field": "origin", "type": "nominal", "scale": scale, "legend": None},
        },
        "width": WIDTH,
        "height": HEIGHT,
    }


def state_spec(report: Report) -> dict[str, Any]:
    """Return observed projects by cycle: published, silent, and those still within their time."""
    names = ("published", "within their time", "silent")
    rows = [
        {"cycle": row.name, "state": name, "projects": value, "order": order}
        for row in report.cycles
        for order, (name, value) in enumerate(
            zip(names, (row.published.value, row.within_time.value, row.silent.value), strict=True)
        )
    ]
    scale = {"domain": list(names), "range": ["#0072B2", "#CCCCCC", "#D55E00"]}
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "width": {"band": 0.7}},
        "encoding": {
            "x": {
                "field": "cycle",
                "type": "nominal",
                "sort": None,
                "title": None,
                "axis": {"labelAngle": 0 if len(report.cycles) < 9 else -40},
            },
            "y": {"field": "projects", "type": "quantitative", "title": "observed projects"},
            "color": {"field": "state", "type": "nominal", "scale": scale, "title": None, "legend": {"orient": "top"}},
            "order": {"field": "order"},
        },
        "width": WIDTH,
        "height": HEIGHT,
    }


CHARTS = {"cycles": cycle_spec, "years": year_spec, "states": state_spec}
"""The pictures by name, as in their addresses."""


def svg(report: Report, name: str, theme: str = "light") -> str:
    """Draw the picture ``name`` for a light or dark page. Raises ``KeyError`` for a name or theme there is not."""
    colours = THEMES[theme]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        **CHARTS[name](report),
        "config": _config(colours),
    }
    return _drawn(json.dumps(spec, sort_keys=True))


def _config(colours: Theme) -> dict[str, Any]:
    text = {"labelColor": colours.ink, "titleColor": colours.ink}
    return {
        "background": None,
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {
            **text,
            "gridColor": colours.grid,
            "domainColor": colours.ink,
            "tickColor": colours.grid,
            "titleFontWeight": "normal",
            "labelFontSize": 11,
        },
        "legend": {**text, "columnPadding": 24, "labelLimit": 0},
        "text": {"color": colours.ink},
        "rule": {"color": colours.ink},
    }


@lru_cache(maxsize=64)
def _drawn(spec: str) -> str:
    """Draw a specification; the same one is drawn once per process."""
    return _hatched(vl_convert.vegalite_to_svg(spec))


def _hatched(drawn: str) -> str:
    """Hatch the unfinished bars of a drawn picture."""
    colours = sorted(set(_UNFINISHED_FILL.findall(drawn)))
    if not colours:
        return drawn
    patterns = "".join(
        f'<pattern id="hatch-{c}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="#{c}" fill-opacity="0.12"/><rect width="2" height="6" fill="#{c}"/></pattern>'
        for c in colours
    )
    start = drawn.index(">") + 1
    filled = _UNFINISHED_FILL.sub(r'fill="url(#hatch-\1)"', drawn[start:])
    return f"{drawn[:start]}<defs>{patterns}</defs>{filled}"
