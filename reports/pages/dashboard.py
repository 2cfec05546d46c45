"""The report's first page: five numbers, three pictures, what changed, and the themes."""

from __future__ import annotations

from dataclasses import dataclass

from biblio.webkit import runtime
from reports.document import Chart, Table
from reports.pages import public
from reports.pages.files import kinds
from reports.pages.key_numbers import key_numbers
from reports.pages.latest import PICTURES
from reports.pages.shown import Shown, is_blind, page, shown_of
from reports.pages.snapshots import since_last


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its theme, table and number among the table's pictures."""

    theme: str
    theme_name: str
    table: Table
    chart: Chart
    number: int


def index(snapshot: int | None = None) -> str:
    """Show what became of the telescope time."""
    shown = shown_of(snapshot)
    numbers = key_numbers(shown)
    return page(
        "reports/index.html",
        shown,
        numbers=numbers,
        pictures=pictures(shown),
        since=since_last(shown, [(number.at, number.figure) for number in numbers]),
        exports=kinds(),
        is_blind=is_blind(),
        public=None if shown.frozen or shown.query else public.told_of(runtime()),
        is_empty=not any(number.figure.value for number in numbers) and _is_empty(shown),
    )


def pictures(shown: Shown) -> list[Picture]:
    """Return the first picture of each theme that has one on the first page."""
    found = []
    for key, name, _ in shown.contents:
        if key not in PICTURES:
            continue
        drawn = next((table for table in shown.theme(key).tables if table.charts and table.rows), None)
        if drawn is not None:
            found.append(Picture(key, name, drawn, drawn.charts[0], 1))
    return found


def _is_empty(shown: Shown) -> bool:
    """Whether there is nothing to count at all: no project was observed by the day."""
    if shown.live is not None:
        return not shown.live.counted.observed
    return not any(table.rows for key, _, _ in shown.contents for table in shown.theme(key).tables)
