"""What stands beside the first page's numbers of what waits for a decision: how far it could move them, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from reports.definitions.model import Indicator
from reports.document import Address, Figure
from reports.words import THIN, shown

BESIDE: Mapping[Address, tuple[Address, Address]] = {
    Address("fraction", "now", "all", "fraction"): (
        Address("bibliography", "projects-waiting", "all", "if-certain"),
        Address("bibliography", "projects-waiting", "all", "certain"),
    ),
    Address("papers", "by-year", "all", "papers"): (
        Address("bibliography", "papers-waiting", "all", "if-certain"),
        Address("bibliography", "papers-waiting", "all", "certain"),
    ),
}
"""Where the figures stand that say what a number of the first page could be, and by how many that wait."""

SILENT = Address("fraction", "now", "all", "silent")
MEDIAN = Address("speed", "points-all", "delivery", "p50")
PROJECTS_WAITING = Address("bibliography", "projects-waiting", "all", "certain")
SILENT_WAITING = Address("bibliography", "projects-waiting", "all", "silent")


class Numbers(Protocol):
    """A report, live or frozen."""

    @property
    def definitions(self) -> Mapping[str, Indicator]:
        """What the figures mean."""
        ...

    def figure(self, at: Address) -> Figure:
        """Return the figure at an address. Raises ``KeyError``."""
        ...


def words_beside(report: Numbers, at: Address) -> str:
    """Return how far what waits could move a number of the first page, e.g. "54.2 to 64.5 % once …".

    Nothing where it could not, and in a report that was frozen before such figures were counted.
    """
    try:
        if at == SILENT:
            waiting = report.figure(SILENT_WAITING)
            return (
                f"{_text(report, waiting)} of them {_wait(waiting)} with a certain candidate" if waiting.value else ""
            )
        if at == MEDIAN:
            waiting = report.figure(PROJECTS_WAITING)
            count = "counts" if waiting.value == 1 else "count"
            said = f"that {_wait(waiting)} with a certain candidate {count} as unpublished"
            return f"{_text(report, waiting)} {said}" if waiting.value else ""
        now, (then, many) = report.figure(at), (report.figure(one) for one in BESIDE[at])
    except KeyError:
        return ""
    if now.value is None or then.value is None or not many.value:
        return ""
    low = _text(report, now).removesuffix("%").rstrip(THIN)
    what = (
        "the certain one that waits is" if many.value == 1 else f"the {_text(report, many)} certain ones that wait are"
    )
    return f"{low} to {_text(report, then)} once {what} decided"


def _text(report: Numbers, figure: Figure) -> str:
    return shown(figure, report.definitions)


def _wait(figure: Figure) -> str:
    return "waits" if figure.value == 1 else "wait"
