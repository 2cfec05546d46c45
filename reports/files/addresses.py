"""Where the rows behind a figure are listed: the page of its address, as files print and link it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from reports.definitions import INDICATORS
from reports.definitions.model import Indicator
from reports.document import Address, Figure, Report


def definition_of(report: Report, indicator: str) -> Indicator:
    """Return what a figure of the report means, as the report says it. Raises ``KeyError`` where nothing does."""
    return report.definitions.get(indicator) or INDICATORS[indicator]


def definitions_in_order(report: Report) -> list[Indicator]:
    """Return the report's definitions in the order of the pages; those that this version has not stand last."""
    places = {key: place for place, key in enumerate(INDICATORS)}
    return sorted(report.definitions.values(), key=lambda one: (places.get(one.key, len(places)), one.key))


def headline(report: Report) -> Iterator[tuple[Address, Figure]]:
    """Yield the first page's numbers with their addresses, those that the report has."""
    for at in report.headline:
        try:
            yield at, report.figure(at)
        except KeyError:
            continue


def headline_name(report: Report, at: Address) -> str:
    """Return what one of the first page's numbers is called: as its definition, and which one where there are several.

    Raises ``KeyError`` for an address there is not.
    """
    name = definition_of(report, report.figure(at).indicator).name
    columns = report.theme(at.theme).table(at.table).columns
    mine = next(column for column in columns if column.key == at.column)
    return name if [column.indicator for column in columns].count(mine.indicator) == 1 else f"{name}: {mine.name}"


def leads_to_rows(report: Report, figure: Figure) -> bool:
    """Whether a page lists rows behind a figure."""
    indicator = definition_of(report, figure.indicator)
    return bool(indicator.rows and not indicator.of_answers and (figure.ids or figure.rest))


def page_of(base: str, at: Address) -> str:
    """Return the page of a figure of the report whose pages lie at ``base``."""
    return below(base, at.theme, at.table, at.row, at.column)


def below(base: str, *parts: str) -> str:
    """Return a page below ``base``, of the same day and filters: what ``base`` asks for stays at the end."""
    address, _, asked = base.partition("?")
    page = "/".join((address.rstrip("/"), *(quote(part, safe="") for part in parts)))
    return f"{page}?{asked}" if asked else page
