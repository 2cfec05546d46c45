"""How figures are written: one place for pages, files, paper and terminal, so that one number reads the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping

from biblio.rounding import percents
from reports.definitions import INDICATORS
from reports.definitions.model import Form, Indicator
from reports.definitions.projects import OBSERVED, OBSERVED_HOURS, PAST_END
from reports.document import Figure, Row

THIN = "\u202f"
"""Stands between thousands and before a percent sign, and does not break."""

NOTHING = "–"
"""Stands where there is no value."""


def shown(figure: Figure, definitions: Mapping[str, Indicator] = INDICATORS) -> str:
    """Return a figure's value as people read it: counts whole, shares as percent, durations in years."""
    form = form_of(figure.indicator, definitions)
    if figure.value is not None:
        return written(figure.value, form)
    if is_range(figure):
        return f"{_number(figure.low or 0.0, form)} to {written(figure.high or 0.0, form)}"
    return NOTHING if figure.beyond is None else f"> {written(figure.beyond, form)}"


def is_range(figure: Figure) -> bool:
    """Whether it has no value of its own and lies between two: what another observatory printed as a range."""
    return figure.value is None and figure.low is not None and figure.high is not None


def interval(figure: Figure, definitions: Mapping[str, Indicator] = INDICATORS) -> str:
    """Return a figure's 95 % interval as people read it, or nothing. A bound that was not reached is a dash."""
    if (figure.low is None and figure.high is None) or is_range(figure):
        return ""
    form = form_of(figure.indicator, definitions)
    low, high = (NOTHING if bound is None else _number(bound, form) for bound in (figure.low, figure.high))
    return f"{low} to {high}{_UNITS.get(form, '')}"


def counts(figure: Figure, definitions: Mapping[str, Indicator] = INDICATORS) -> str:
    """Return what a figure was divided from, e.g. "38 of 52" of a share, "90 / 52" of a ratio; nothing where it is neither."""
    if figure.numerator is None or not figure.denominator:
        return ""
    between = "of" if form_of(figure.indicator, definitions) == "share" else "/"
    part, whole = (
        written(number, "count" if float(number).is_integer() else "decimal")
        for number in (figure.numerator, figure.denominator)
    )
    return f"{part} {between} {whole}"


MOVED_BY_NO_DECISION = frozenset({OBSERVED.key, OBSERVED_HOURS.key, PAST_END.key})
"""Indicators that no paper changes: what was observed is the same whoever is found to have published of it."""


def waits(row: Row, figure: Figure) -> bool:
    """Whether much of a figure waits for a decision: of its row, and a decision can change such a figure."""
    return bool(row.backlog) and figure.indicator not in MOVED_BY_NO_DECISION


def completeness(row: Row, figure: Figure) -> str:
    """Return what files say of a figure: "no", it can still grow; "waits", much of it waits for a decision; or "yes"."""
    if figure.is_incomplete or row.is_incomplete:
        return "no"
    return "waits" if waits(row, figure) else "yes"


def cells(row: Row, figure: Figure) -> tuple[object, ...]:
    """Return a figure for a line of a file: value, numerator, denominator, interval, completeness, what is said of it."""
    said = " ".join(filter(None, (figure.note, row.says, row.backlog if waits(row, figure) else "")))
    return (
        figure.value,
        figure.numerator,
        figure.denominator,
        figure.low,
        figure.high,
        completeness(row, figure),
        said,
    )


def form_of(indicator: str, definitions: Mapping[str, Indicator] = INDICATORS) -> Form:
    """Return how values of an indicator are written: as a frozen report says, else as today's definition does.

    Raises ``KeyError`` where neither knows it.
    """
    return (definitions.get(indicator) or INDICATORS[indicator]).form


def written(value: float, form: Form) -> str:
    """Return a value in the form of its indicator."""
    return _number(value, form) + _UNITS.get(form, "")


_UNITS: dict[Form, str] = {"share": f"{THIN}%", "years": f"{THIN}yr", "days": f"{THIN}d"}


def _number(value: float, form: Form) -> str:
    if form == "share":
        return percents(value, 1)
    if form == "probability":
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    if form in ("decimal", "ratio", "years"):
        return f"{value:,.{1 if form == 'decimal' else 2}f}".replace(",", THIN)
    return f"{value:,.0f}".replace(",", THIN)
