"""Draws pictures of finished numbers: Vega-Lite specifications to SVG, for light and dark pages and for paper.

Unfinished bars are hatched: Vega-Lite has no patterns, so such bars are drawn with an opacity that nothing else has
(``UNFINISHED``) and get their hatching in the finished SVG.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import vl_convert
from markupsafe import escape

from biblio.tables import fit

UNFINISHED = 0.35
"""The opacity that marks an unfinished bar until it is hatched."""

_UNFINISHED_FILL = re.compile(rf'fill="#([0-9A-Fa-f]{{6}})" fill-opacity="{UNFINISHED}"')


@dataclass(frozen=True, slots=True)
class Theme:
    """The two colours that differ between light and dark pages."""

    ink: str
    grid: str


THEMES = {"light": Theme("#212529", "#dee2e6"), "dark": Theme("#dee2e6", "#495057")}


def drawn(spec: Mapping[str, Any], theme: str = "light", *, title: str = "", description: str = "") -> str:
    """Draw a specification for a light or dark page. Raises ``KeyError`` for a theme there is not.

    ``title`` and ``description`` become the SVG's own, for those who do not see it.
    """
    picture = _svg(written(spec, theme))
    return _named(picture, fit(title), fit(description)) if title else picture


def written(spec: Mapping[str, Any], theme: str = "light") -> str:
    """Return a specification with the colours of a page, as a text from which ``drawn_as`` draws it anywhere."""
    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", **spec, "config": _config(THEMES[theme])}
    return json.dumps(_fit(whole), sort_keys=True)


def _fit(value: Any) -> Any:
    """Return a specification whose texts an SVG may hold: of one that it may not, the drawer ends the whole process."""
    if isinstance(value, str):
        return fit(value)
    if isinstance(value, Mapping):
        return {_fit(key): _fit(part) for key, part in value.items()}
    return [_fit(part) for part in value] if isinstance(value, list | tuple) else value


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
        "title": {"color": colours.ink},
        "legend": {**text, "columnPadding": 24, "labelLimit": 0},
        "text": {"color": colours.ink},
        "rule": {"color": colours.ink},
    }


@lru_cache(maxsize=64)
def _svg(spec: str) -> str:
    """Draw a specification; the same one is drawn once per process."""
    return drawn_as(spec)


def drawn_as(spec: str) -> str:
    """Draw what ``written`` wrote: all that another process needs to be told."""
    return _hatched(vl_convert.vegalite_to_svg(spec))


def _named(picture: str, title: str, description: str) -> str:
    start = picture.index(">") + 1
    head = picture[: start - 1] + ' role="img">'
    return f"{head}<title>{escape(title)}</title><desc>{escape(description)}</desc>{picture[start:]}"


def _hatched(picture: str) -> str:
    """Hatch the unfinished bars of a drawn picture."""
    colours = sorted(set(_UNFINISHED_FILL.findall(picture)))
    if not colours:
        return picture
    patterns = "".join(
        f'<pattern id="hatch-{c}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="#{c}" fill-opacity="0.12"/><rect width="2" height="6" fill="#{c}"/></pattern>'
        for c in colours
    )
    start = picture.index(">") + 1
    filled = _UNFINISHED_FILL.sub(r'fill="url(#hatch-\1)"', picture[start:])
    return f"{picture[:start]}<defs>{patterns}</defs>{filled}"
