"""What stands beside the first page's numbers of what waits for a decision: how far it could move them, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from reports.definitions.model import Indicator
from reports.document import Address, Figure
from reports.words import shown

BESIDE: Mapping[Address, Address] = {
    Address("fraction", "now", "all", "fraction"): Address("bibliography", "projects-waiting", "all", "if-certain"),
    Address("fraction", "now", "all", "silent"): Address("bibliography", "projects-waiting", "all", "silent"),
    Address("papers", "by-year", "all", "papers"): Address("bibliography", "papers-waiting", "all", "if-certain"),
}
"""Where the figure stands that says what a number of the first page could be."""


class Numbers(Protocol):
    """A report, live or frozen."""

    @property
    def definitions(self) -> Mapping[str, Indicator]:
        """What the figures mean."""
        ...

    def figure(self, at: Address) -> Figure:
        """Return the figure at an address. Raises ``KeyError``."""
        ...


def figure_beside(report: Numbers, at: Address) -> Figure | None:
    """Return the figure of what waits that belongs to one of the first page's numbers.

    None where nothing waits that could move it, and in a report that was frozen before such figures were counted.
    """
    try:
        now, then = report.figure(at), report.figure(BESIDE[at])
    except KeyError:
        return None
    if now.value is None or not then.value:
        return None
    is_same = then.indicator.endswith("_if_accepted") and then.value == now.value
    return None if is_same else then


def words_beside(report: Numbers, at: Address) -> str:
    """Return how far what waits could move a number, e.g. "54.2 % to 64.5 % when …"; nothing where it could not."""
    then = figure_beside(report, at)
    if then is None:
        return ""
    words = shown(then, report.definitions)
    if at.column == "silent":
        return f"{words} of them with a certain candidate at the desk"
    return f"{shown(report.figure(at), report.definitions)} to {words} when what is certain at the desk is decided"
