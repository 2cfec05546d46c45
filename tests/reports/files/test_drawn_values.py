"""What the colours of pictures promise: they are seen on light and dark pages, and the colour-blind tell lines apart."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

import biblio
from reports.files.charts import ON_DARK
from reports.files.drawn_values import PALETTE, SHAPES
from reports.themes import undecided
from reports.themes.people import _REGION_COLOURS
from tests.reports.files.made import small

Vector = npt.NDArray[np.float64]

SEEN = 3.0
"""Contrast that WCAG 2.2 asks of what must be seen to understand a picture (1.4.11)."""

APART = 0.05
"""Distance in OKLab beyond which two colours are told apart beside each other."""

SEEN_AS = {
    "all": np.eye(3),
    "without green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
    "without red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
}  # fmt: skip
"""G. M. Machado, M. M. Oliveira, L. A. F. Fernandes 2009, severity 1."""


def _linear(colour: str) -> Vector:
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    low, high = sorted(float(_linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _oklab(linear: Vector) -> Vector:
    """B. Ottosson 2020."""
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    mixed = np.array(
        [
            [0.2104542553, 0.793617785, -0.0040720468],
            [1.9779984951, -2.428592205, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.808675766],
        ]
    )
    found: Vector = mixed @ np.cbrt(cones @ np.clip(linear, 0, 1))
    return found  # fmt: skip


def _apart(one: str, other: str) -> float:
    return min(
        float(np.linalg.norm(_oklab(eye @ _linear(one)) - _oklab(eye @ _linear(other)))) for eye in SEEN_AS.values()
    )


def _pages() -> tuple[str, str]:
    """Return the colours of a light and a dark page, as the style sheet has them."""
    css = (Path(biblio.__file__).parent / "static" / "app.css").read_text("utf-8")
    light, dark = re.findall(r"--paper: (#[0-9a-f]{3,6});", css)[:2]
    return light if len(light) == 7 else "#" + "".join(2 * part for part in light[1:]), dark


def test_every_colour_is_seen_on_a_light_page_and_on_a_dark_one() -> None:
    """All that pictures of a report are drawn in, as each page has it, contrasts with the page."""
    light, dark = _pages()
    tables = [table for theme in small().themes for table in theme.tables]
    given = {colour for table in tables for chart in table.charts for colour in chart.colours.values()}
    drawn = {*PALETTE, *_REGION_COLOURS, *undecided.COLOURS.values(), *given}
    assert {colour: round(_contrast(colour, light), 2) for colour in drawn if _contrast(colour, light) < SEEN} == {}
    lighter = {colour: ON_DARK.get(colour, colour) for colour in drawn}
    assert {
        c: round(_contrast(as_drawn, dark), 2) for c, as_drawn in lighter.items() if _contrast(as_drawn, dark) < SEEN
    } == {}


def test_the_colour_blind_tell_colours_apart() -> None:
    """No two of those that stand beside each other are nearly the same without red or green."""
    for colours in (PALETTE, _REGION_COLOURS, tuple(undecided.COLOURS.values())):
        near = [(a, b) for a, b in combinations(colours, 2) if _apart(a, b) < APART]
        assert near == []


def test_each_line_has_its_own_shape() -> None:
    """As many shapes as colours, no two alike."""
    assert len(set(SHAPES)) == len(SHAPES) == len(PALETTE)
