"""One figure of a benchmark, beside its peer and its goal; printed as a line, kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["HEADER", "Figure", "keep", "kept", "number", "shown"]

HEADER = f"{'what':44} {'biblio':>14}   {'peer in the same run':37} {'ratio':>8}   goal"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``value`` is ours, ``peer_value`` that of the peer in the same run.

    ``unit`` follows the value as printed ("/s", " MB", "" for shares). ``met`` is None where there is no goal.
    """

    what: str
    value: float
    unit: str = ""
    peer: str = ""
    peer_value: float | None = None
    goal: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return self.value / self.peer_value if self.peer_value else None


def number(value: float, unit: str = "") -> str:
    """A figure with as many digits as it can be trusted for; what was counted is a whole number."""
    if isinstance(value, int):
        return f"{value:,}{unit}"
    size = abs(value)
    if size >= 100 or (size >= 10 and float(value).is_integer()):
        return f"{value:,.0f}{unit}"
    if size >= 1 and unit:
        return f"{value:.1f}{unit}"
    return f"{value:.4f}{unit}"


def shown(figure: Figure) -> str:
    """One line: what, ours, the peer's, the ratio, the goal and whether it is met."""
    peer = "" if figure.peer_value is None else number(figure.peer_value, figure.unit)
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} x"
    verdict = "" if figure.met is None else "  met" if figure.met else "  MISSED"
    return (
        f"{figure.what:44} {number(figure.value, figure.unit):>14}   {figure.peer:24} {peer:>12} {ratio:>8}   "
        f"{figure.goal}{verdict}"
    ).rstrip()


def keep(file: Path, figures: Iterable[Figure]) -> None:
    """Write the figures as JSON, ratios with them."""
    rows = [asdict(figure) | {"ratio": figure.ratio} for figure in figures]
    file.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def kept(file: Path) -> list[Figure]:
    """Read what ``keep`` wrote."""
    rows = json.loads(file.read_text("utf-8"))
    return [Figure(**{name: value for name, value in row.items() if name != "ratio"}) for row in rows]
