"""What other observatories published of themselves, with its source: data (``other_observatories.toml``), read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reports.definitions.model import Form
from reports.document import Address

_FILE = Path(__file__).with_name("other_observatories.toml")
FORMS: tuple[Form, ...] = ("share", "years", "decimal")
"""What published figures are: shares between 0 and 1, times in years, other numbers."""


@dataclass(frozen=True, slots=True)
class Published:
    """One published figure.

    ``value`` None: what was printed is no single number but a range (``low`` to ``high``), more than ``beyond``, or
    something else; ``printed`` says it in words, "" where the numbers say all. ``ours`` is the address of our nearest figure
    (None: there is none); ``agrees``: both are defined alike as far as the source says, and only the day and the age of what
    is counted differ. ``difference`` says how they differ.
    """

    key: str
    facility: str
    name: str
    form: Form
    value: float | None
    low: float | None
    high: float | None
    beyond: float | None
    printed: str
    definition: str
    ours: Address | None
    agrees: bool
    difference: str
    reference: str
    source: str


@cache
def published_figures() -> tuple[Published, ...]:
    """Return all published figures in the order of the file. Raises ``ValueError`` naming a figure that is not complete."""
    return read_figures(_FILE.read_text(encoding="utf-8"))


def read_figures(text: str) -> tuple[Published, ...]:
    """Read published figures from TOML. Raises ``ValueError`` naming what is wrong, and with which figure."""
    figures = tuple(_read(one) for one in tomllib.loads(text).get("figure", []))
    keys = [figure.key for figure in figures]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"Published figures must have keys of their own; twice: {', '.join(twice)}.")
    return figures


def _check_numbers(one: dict[str, Any], called: str) -> None:
    """Raise ``ValueError`` for a figure of which nothing could be drawn beside ours, or that contradicts itself."""
    value, low, high, beyond = (one.get(name) for name in ("value", "low", "high", "beyond"))
    if (low is None) is not (high is None) or (low is not None and low >= high):
        raise ValueError(f"{called} must have both ends of a range, the lower one first.")
    given = [number for number in (value, low, beyond) if number is not None]
    if len(given) > 1:
        raise ValueError(f"{called} must have a value, or a range, or what it is beyond: one of them.")
    if not given and not one.get("printed"):
        raise ValueError(f"{called} has neither a value nor what was printed.")
    if not given and one.get("ours"):
        raise ValueError(f"{called} stands beside ours, so it must have a value, a range, or what it is beyond.")


def _read(one: dict[str, Any]) -> Published:
    called = f"The published figure {one.get('key', 'without a key')!r}"
    missing = [name for name in ("key", "facility", "name", "definition", "reference", "source") if not one.get(name)]
    if missing:
        raise ValueError(f"{called} lacks {', '.join(missing)}.")
    if one.get("form") not in FORMS:
        raise ValueError(f"{called} must have a form: {', '.join(FORMS)}.")
    if not str(one["source"]).startswith("https://"):
        raise ValueError(f"{called} must name the address of its source.")
    _check_numbers(one, called)
    place = str(one.get("ours", "")).split("/") if one.get("ours") else []
    if place and len(place) != 4:
        raise ValueError(f"{called}: ours must be theme/table/row/column.")
    if place and not one.get("difference"):
        raise ValueError(f"{called} must say how its definition differs from ours.")
    return Published(
        key=one["key"],
        facility=one["facility"],
        name=one["name"],
        form=one["form"],
        value=one.get("value"),
        low=one.get("low"),
        high=one.get("high"),
        beyond=one.get("beyond"),
        printed=one.get("printed", ""),
        definition=one["definition"],
        ours=Address(*place) if place else None,
        agrees=bool(one.get("agrees")),
        difference=one.get("difference", ""),
        reference=one["reference"],
        source=one["source"],
    )
