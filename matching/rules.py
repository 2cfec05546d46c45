"""The weights, curves and bands by which candidates are judged, read from a profile's ``rules.toml`` and checked.

The file says for each number why it is what it is. All weights are log-odds (natural logarithm) unless the name ends in
``share`` (a probability among true pairs) or the table below says otherwise.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Rules", "RulesError"]

_SHARE = (0.01, 1.0)
_PLUS = (0.0, 15.0)
_MINUS = (-15.0, 0.0)
_ANY = (-15.0, 15.0)

WEIGHTS: dict[str, tuple[float, float]] = {
    "prior.projects_per_paper": (0.001, 10.0),
    "prior.growth": (0.0, 1.0),
    "prior.smallest_registry": (1.0, 1e6),
    "people.pi_share": _SHARE,
    "people.pi_absent": _MINUS,
    "people.pi_first": _PLUS,
    "people.co_i_share": _SHARE,
    "people.co_i_alone": _PLUS,
    "people.co_i_absent": _MINUS,
    "people.co_is_absent_most": _MINUS,
    "people.next_person": (0.0, 1.0),
    "people.cap": _PLUS,
    "targets.share": _SHARE,
    "targets.next": (0.0, 1.0),
    "targets.cap": _PLUS,
    "targets.in_title": _PLUS,
    "targets.other": _MINUS,
    "title.with_abstract": (0.0, 1.0),
    "observatory.linked": _PLUS,
    "observatory.named": _PLUS,
    "observatory.unnamed": _MINUS,
    "dates.before_most": _MINUS,
    "dates.release_lag": (0.0, 5.0),
    "code.title": _ANY,
    "code.abstract": _ANY,
    "code.acknowledgement": _ANY,
    "code.data_statement": _ANY,
    "code.footnote": _ANY,
    "code.body": _ANY,
    "code.unknown": _ANY,
    "code.references": _ANY,
    "code.comment": _ANY,
    "code.mention": _ANY,
    "code.unsaid": _MINUS,
    "code.repaired": _ANY,
    "code.neighbour": _ANY,
    "code.again": _PLUS,
    "code.stranger": _MINUS,
    "code.doubt_most": _MINUS,
    "rivals.factor": (0.0, 1.0),
    "rivals.most": _MINUS,
    "limit.begins": (5.0, 20.0),
    "limit.room": (1.0, 6.0),
}
"""Every weight there must be, ``table.key``, with the range it may lie in."""

CURVES = ("title.similarity", "abstract.similarity", "dates.years_after", "people.inside_share")
"""Every curve there must be: points ``[x, log-odds]`` with growing x, straight lines between, flat outside."""

_OPTIONAL = (
    "targets.generic",
    "targets.aliases",
    "dates.period_zero",
    "dates.periods_per_year",
    "observatory.archives",
)
_TOP = frozenset(
    {"version", "bands", "same_words", *(w.partition(".")[0] for w in WEIGHTS), *(c.partition(".")[0] for c in CURVES)}
)


class RulesError(ValueError):
    """Rules that cannot be used; the message names the key and what it should be."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Checked rules. ``certain`` and ``likely`` are the lowest scores of these bands."""

    version: str
    certain: float
    likely: float
    certain_needs: frozenset[str]
    """Kinds of evidence of which one must be there, standing for use, before a candidate may be called certain."""
    weights: Mapping[str, float]
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    same_words: Mapping[str, str]
    """Phrase → the word put in its place before titles and abstracts are compared (both sides)."""
    generic_targets: tuple[re.Pattern[str], ...]
    """Target names that say nothing by themselves, as patterns over the folded key."""
    target_aliases: Mapping[str, str]
    """Target name as written → the name it stands for."""

    archives: frozenset[str] = frozenset()
    """What bibliographic services call our archive where they list the data of a paper."""

    period: tuple[float, float] | None = None
    """For codes that tell a numbered period and no year: the year in which period 0 would begin, and periods a year."""

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Rules":
        """Check plain data. Raises ``RulesError`` for a missing, unknown or impossible value."""
        unknown = sorted(set(data) - _TOP)
        if unknown:
            raise RulesError(f"rules: unknown table {unknown[0]!r}; there are {', '.join(sorted(_TOP))}.")
        certain, likely, needs = _bands(data.get("bands"))
        weights = {key: _weight(data, key, *limits) for key, limits in WEIGHTS.items()}
        curves = {key: _curve(data, key) for key in CURVES}
        _refuse_unknown(data)
        targets = data["targets"]
        return cls(
            version=_text(data.get("version"), "version"),
            certain=certain,
            likely=likely,
            certain_needs=needs,
            weights=weights,
            curves=curves,
            same_words=_same_words(data.get("same_words", [])),
            generic_targets=tuple(_pattern(p) for p in _strings(targets.get("generic", []), "targets.generic")),
            target_aliases=_groups(targets.get("aliases", []), "targets.aliases"),
            archives=frozenset(_strings(data["observatory"].get("archives", []), "observatory.archives")),
            period=_period(data["dates"]),
        )

    def weight(self, key: str) -> float:
        """The weight called ``table.key``."""
        return self.weights[key]

    def year_of(self, facets: Mapping[str, str]) -> int | None:
        """The year of a project from what its code tells: its year, or its numbered period."""
        year, period = facets.get("year", ""), facets.get("period", "")
        if len(year) == 4 and year.isdecimal():
            return int(year)
        if self.period is not None and period.isdecimal():
            zero, per_year = self.period
            return int(zero + int(period) / per_year)
        return None

    def curve(self, key: str, x: float) -> float:
        """The log-odds of ``x`` on a curve."""
        points = self.curves[key]
        if x <= points[0][0]:
            return points[0][1]
        if x >= points[-1][0]:
            return points[-1][1]
        i = bisect_right(points, (x, float("inf")))
        (x0, y0), (x1, y1) = points[i - 1], points[i]
        return y0 + (y1 - y0) * (x - x0) / (x1 - x0)

    def band(self, score: float, *, proven: bool) -> str:
        """The band of a score; only a ``proven`` candidate (evidence that alone can make certain) may be certain."""
        if proven and score >= self.certain:
            return "certain"
        return "likely" if score >= self.likely else "unlikely"


def _bands(table: Any) -> tuple[float, float, frozenset[str]]:
    if not isinstance(table, Mapping) or set(table) != {"certain", "likely", "certain_needs"}:
        raise RulesError("rules: bands must hold exactly certain, likely and certain_needs.")
    certain, likely = table["certain"], table["likely"]
    if not (_number(certain) and _number(likely) and 0 < likely < certain < 1):
        raise RulesError("rules: bands must be numbers with 0 < likely < certain < 1.")
    return float(certain), float(likely), frozenset(_strings(table["certain_needs"], "bands.certain_needs"))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = data.get(key)
    if not isinstance(table, Mapping):
        raise RulesError(f"rules: the table [{key}] is missing.")
    return table


def _weight(data: Mapping[str, Any], key: str, low: float, high: float) -> float:
    table, _, name = key.partition(".")
    value: Any = _table(data, table).get(name)
    if not _number(value) or not low <= value <= high:
        raise RulesError(f"rules: {key} must be a number from {low} to {high}, not {value!r}.")
    return float(value)


def _curve(data: Mapping[str, Any], key: str) -> tuple[tuple[float, float], ...]:
    table, _, name = key.partition(".")
    raw: Any = _table(data, table).get(name)
    good = isinstance(raw, list) and len(raw) >= 2
    good = good and all(isinstance(p, list) and len(p) == 2 and all(_number(v) for v in p) for p in raw)
    if not good or any(a[0] >= b[0] for a, b in pairwise(raw)):
        raise RulesError(f"rules: {key} must be a list of points [x, log-odds] with growing x.")
    return tuple((float(x), float(y)) for x, y in raw)


def _period(table: Mapping[str, Any]) -> tuple[float, float] | None:
    given: list[Any] = [table.get("period_zero"), table.get("periods_per_year")]
    if given == [None, None]:
        return None
    if not all(_number(v) for v in given) or not 1900 <= given[0] <= 2100 or not 0 < given[1] <= 12:
        raise RulesError("rules: dates.period_zero must be a year and dates.periods_per_year a number up to 12.")
    return float(given[0]), float(given[1])


def _refuse_unknown(data: Mapping[str, Any]) -> None:
    known = {*WEIGHTS, *CURVES, *_OPTIONAL}
    for table, content in data.items():
        if table in ("version", "bands", "same_words"):
            continue
        for name in _table(data, table) if isinstance(content, Mapping) else ():
            if f"{table}.{name}" not in known:
                raise RulesError(f"rules: unknown key {table}.{name}.")


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise RulesError(f"rules: {key} must be a text.")
    return value


def _strings(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
        raise RulesError(f"rules: {key} must be a list of texts.")
    return value


def _groups(value: Any, key: str) -> dict[str, str]:
    """Lists of equal names; each later one stands for the first."""
    if not isinstance(value, list):
        raise RulesError(f"rules: {key} must be a list of lists of texts.")
    return {name: group[0] for group in value for name in _strings(group, key)[1:]}


def _same_words(value: Any) -> dict[str, str]:
    return {phrase.lower(): word.lower() for phrase, word in _groups(value, "same_words").items()}


def _pattern(source: str) -> re.Pattern[str]:
    try:
        return re.compile(source)
    except re.error as error:
        raise RulesError(f"rules: targets.generic holds {source!r}, which is no pattern: {error}.") from error
