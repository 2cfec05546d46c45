"""Projects out of the rows of an archive's table: one row per observed field, many rows per unit and project."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from harvesters.errors import PageRefused
from harvesters.projects import several
from harvesters.records import HarvestedProject, HarvestedUnit
from harvesters.votable import NO_TEXT

_BETWEEN_BIBCODES = re.compile(r"[\s;,|]+")
_MJD_ZERO = date(1858, 11, 17)
_LAST_MJD = 2_973_483
"""31 December 9999, the last day a date can hold."""

_ENOUGH_ROWS = 20
"""So many unreadable cells and not one readable: the column is not what the profile takes it for."""


def code_of(row: Mapping[str, str]) -> str:
    """The code of a row; "" where there is none."""
    return row.get("code", "")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that cannot be read: the fact and a sentence."""

    fact: str
    reason: str


def check_columns(rows: Sequence[Mapping[str, str]], unreadable: Sequence[Unreadable], place: str) -> None:
    """Refuse a page where a whole column is unreadable: then it is the wrong column, not the rows that are wrong."""
    for fact in dict.fromkeys(one.fact for one in unreadable):
        bad = sum(one.fact == fact for one in unreadable)
        filled = sum(bool(row.get("code")) and (fact in row or fact == "unit") for row in rows)
        if bad >= _ENOUGH_ROWS and bad >= filled:
            example = next(one.reason for one in unreadable if one.fact == fact)
            raise PageRefused(
                f"{place}: not one of {bad} rows has a readable {fact} ({example}); is it the right column?"
            )


@dataclass(slots=True)
class _Unit:
    """One unit gathered from its rows: the latest release, and each field's exposure counted once."""

    released_on: date | None = None
    delivered_on: date | None = None
    observed_on: date | None = None
    exposures: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, row: Mapping[str, str]) -> list[Unreadable]:
        reasons: list[Unreadable] = []
        self.released_on = _latest(self.released_on, _day(row, "released_on", reasons))
        self.delivered_on = _latest(self.delivered_on, _day(row, "delivered_on", reasons))
        self.observed_on = _latest(self.observed_on, _mjd(row, reasons))
        exposure_s = _number(row, "exposure_s", reasons)
        if exposure_s is not None:
            # A field has a row per frequency setting, all with the same exposure: the longest counts, once.
            key = (row.get("target", ""), row.get("observed_mjd", ""))
            self.exposures[key] = max(exposure_s, self.exposures.get(key, 0.0))
        return reasons

    def done(self, uid: str) -> HarvestedUnit:
        total_s = sum(self.exposures.values())
        exposure_s = total_s if self.exposures and math.isfinite(total_s) else None
        return HarvestedUnit(uid, self.delivered_on, self.released_on, self.observed_on, exposure_s)


@dataclass(slots=True)
class ProjectRows:
    """One project gathered from its rows; what its first row says of it stands."""

    code: str
    row: Mapping[str, str]
    facets: frozenset[str] = frozenset()
    """Facts of which all values are kept as they are."""
    values: dict[str, set[str]] = field(default_factory=dict)
    units: dict[str, _Unit] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    keywords: dict[str, None] = field(default_factory=dict)
    bib_references: dict[str, None] = field(default_factory=dict)

    def add(self, row: Mapping[str, str]) -> list[Unreadable]:
        """Take one row in; return what of it cannot be read."""
        if "target" in row:
            self.targets[row["target"]] = None
        self.keywords.update(dict.fromkeys(word.strip() for word in _split(row.get("keywords", "")) if word.strip()))
        unreadable = []
        for name in sorted(self.facets & row.keys()):
            if NO_TEXT in row[name]:
                unreadable.append(Unreadable(name, f"{name} holds signs that are no text: {row[name][:40]!r}"))
            else:
                self.values.setdefault(name, set()).add(row[name])
        written = _BETWEEN_BIBCODES.split(row.get("bib_references", ""))
        self.bib_references.update(dict.fromkeys(bibcode for bibcode in written if bibcode))
        if "unit" not in row:
            return [*unreadable, Unreadable("unit", "there is no unit")]
        return unreadable + self.units.setdefault(row["unit"], _Unit()).add(row)

    def done(self, source: str, observatory_as_pi: tuple[str, ...]) -> HarvestedProject:
        """The project with the proposers told apart: the PI from its column, else the first of the list."""
        proposers = [name for part in self.row.get("proposal_authors", "").split(";") if (name := part.strip())]
        pi = self.row.get("pi")
        if pi is None or pi in observatory_as_pi:
            pi = proposers[0] if proposers else None
        return HarvestedProject(
            source=source,
            code=self.code,
            title=self.row.get("title"),
            abstract=self.row.get("abstract"),
            pi=pi,
            co_is=tuple(dict.fromkeys(name for name in proposers if name != pi)),
            category=self.row.get("category"),
            keywords=tuple(self.keywords),
            targets=tuple(self.targets),
            partner=self.row.get("partner"),
            state=self.row.get("state"),
            units=tuple(unit.done(uid) for uid, unit in self.units.items()),
            bib_references=tuple(self.bib_references),
            extra={name: several(values) for name, values in sorted(self.values.items())},
        )


def _split(keywords: str) -> list[str]:
    """Keywords between semicolons, else between commas that stand outside brackets ("… (AGN), …")."""
    return keywords.split(";") if ";" in keywords else re.split(r",(?![^(]*\))", keywords)


def _latest(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day is not None), default=None)


def _day(row: Mapping[str, str], name: str, reasons: list[Unreadable]) -> date | None:
    if name not in row:
        return None
    try:
        return datetime.fromisoformat(row[name]).date()
    except ValueError:
        reasons.append(Unreadable(name, f"{name} is no date: {row[name][:40]!r}"))
        return None


def _number(row: Mapping[str, str], name: str, reasons: list[Unreadable]) -> float | None:
    if name not in row:
        return None
    try:
        number = float(row[name])
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        reasons.append(Unreadable(name, f"{name} is no number: {row[name][:40]!r}"))
        return None
    return number


def _mjd(row: Mapping[str, str], reasons: list[Unreadable]) -> date | None:
    """The day of a Modified Julian Date (day 0 is 1858-11-17)."""
    number = _number(row, "observed_mjd", reasons)
    if number is None:
        return None
    if not 0 <= number <= _LAST_MJD:
        reasons.append(Unreadable("observed_mjd", f"observed_mjd is no day: {row['observed_mjd'][:40]!r}"))
        return None
    return _MJD_ZERO + timedelta(days=int(number))
