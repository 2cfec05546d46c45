"""Projects out of the rows of a file or a registry: what may stand in a row, and how rows become projects.

A row describes a project (``code``) and perhaps one of its observation units, so a project may have several rows;
a JSON row may hold all ``units`` at once. Lists in CSV have ";" between their items. ``HEADER`` says what each column
means; ``biblio projects import --help`` prints it. Only ``code`` is required.

A release date such as 3000-01-01, by which a registry says "not yet", is kept as it is: which dates mean that, the
observatory's profile knows and the due rule asks.

Beside these columns a list may have others that the observatory's reports divide projects by (grade, band, who reduced
the data). Which, and what we call them, is handed in as *facets*; they are kept as they are in ``extra``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harvesters.errors import RecordRefused
from harvesters.records import HarvestedProject, HarvestedUnit, Refusal
from harvesters.rows import Row, day_of, number_of, text_of, texts_of

HEADER: Mapping[str, str] = {
    "code": "the project's code (required)",
    "title": "title of the proposal",
    "abstract": "abstract of the proposal",
    "pi": "principal investigator, best as Last, First",
    "pi_email": "the PI's address; taken from files only, never exported",
    "co_is": "co-investigators, ; between",
    "proposal_authors": "PI and co-investigators in one, ; between, the PI first (instead of the two)",
    "category": "scientific category",
    "keywords": "keywords, ; between",
    "targets": "names of the targets, ; between",
    "partner": "partner or executive whose time it used",
    "state": "state in the registry's own word",
    "bib_references": "bibcodes of known papers; blanks, commas or ; between",
    "release_date": "of the whole project, where no unit is known: 2026-11-22",
    "unit": "name of one observation unit: one row each, or",
    "units": "JSON: [{uid, delivered_on, released_on, observed_on, exposure_s}]",
    "unit_delivered_on": "day the unit's data were delivered",
    "unit_released_on": "day the unit's data become everyone's (3000-01-01: not known)",
    "unit_observed_on": "day of the observation",
    "unit_exposure_s": "exposure in seconds",
    "year": "kept as it is",
    "cycle": "kept as it is (the cycle shown follows from the code)",
    "call": "kept as it is",
    "kind": "kept as it is",
}
"""Column → what it holds, one line each: the documented header of project lists, CSV and JSON lines alike."""

COLUMNS = frozenset(HEADER)
IGNORED_COLUMNS = frozenset(["pi_variants", "sources"])
"""Seen in collected project lists; they say where a row is from."""

_BETWEEN_BIBCODES = re.compile(r"[\s;,|]+")
_UNIT_KEYS = frozenset(["uid", "delivered_on", "released_on", "observed_on", "exposure_s"])
_COMPARED = ("title", "abstract", "pi", "pi_email", "category", "partner", "state")
_EXTRA = ("year", "cycle", "call", "kind")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Signs that are no text; line breaks and tabs stand in abstracts."""
_LONGEST_VALUE = 200
_MOST_VALUES = 40


@dataclass(slots=True)
class Gathered:
    """Projects gathered from rows, in the order of their first row; their units are put in at the end (``done``)."""

    source: str
    name: str
    facets: Mapping[str, str] = field(default_factory=dict)
    projects: dict[str, HarvestedProject] = field(default_factory=dict)
    units: dict[str, dict[str, HarvestedUnit]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)

    def refuse(self, line: int, reason: str, key: str | None = None) -> None:
        """Note that one row cannot be used."""
        self.refusals.append(Refusal(self.source, f"{self.name} row {line}", reason, key))

    def add(self, line: int, project: HarvestedProject) -> None:
        """Join one row's project with what earlier rows said of it."""
        units = self.units.setdefault(project.code, {})
        for unit in project.units:
            units.setdefault(unit.uid, unit)
        project = replace(project, units=())
        known = self.projects.get(project.code)
        if known is None:
            self.projects[project.code] = replace(project, place=f"{self.name} row {line}")
            return
        for difference in _differences(known, project):
            self.refuse(line, f"{difference} differs from an earlier row; the first is kept", project.code)
        self.projects[project.code] = _joined(known, project, frozenset(self.facets.values()))

    def done(self) -> tuple[HarvestedProject, ...]:
        """The projects, each with all its units."""
        return tuple(
            replace(project, units=_without_stand_in(code, self.units[code])) for code, project in self.projects.items()
        )


def gather(source: str, name: str, rows: Iterable[Row], facets: Mapping[str, str] | None = None) -> Gathered:
    """Make projects of rows; the units of one project's rows come together, by their names.

    ``facets`` names further columns that are read: column → what it is kept as. One that is a documented column is not
    read a second time. Where two rows of a project disagree the first is kept and the later one reported; of facets
    all values are kept, since each row may tell of another unit.
    """
    own = {column.lower(): key for column, key in (facets or {}).items() if column.lower() not in COLUMNS}
    gathered = Gathered(source, name, own)
    for row in rows:
        if row.reason is not None:
            gathered.refuse(row.line, row.reason)
            continue
        gathered.unread.update(set(map(str, row.values)) - COLUMNS - IGNORED_COLUMNS - own.keys())
        try:
            project = project_of(source, row.values, own)
        except RecordRefused as refused:
            gathered.refuse(row.line, str(refused), _key(row.values))
            continue
        gathered.add(row.line, project)
    return gathered


def project_of(source: str, values: Mapping[str, object], facets: Mapping[str, str] | None = None) -> HarvestedProject:
    """One project from one row; ``facets`` as for ``gather``. Raises ``RecordRefused`` naming the field that cannot be used."""
    code = text_of(values, "code")
    if code is None:
        raise RecordRefused('there is no "code"')
    for column in COLUMNS | (facets or {}).keys():
        if (sign := _control_in(values.get(column))) is not None:
            raise RecordRefused(f'"{column}" holds a control character (U+{ord(sign):04X}): take it out of the list')
    pi, co_is = text_of(values, "pi"), texts_of(values, "co_is")
    proposers = texts_of(values, "proposal_authors")
    if proposers:
        pi, co_is = pi or proposers[0], co_is or tuple(name for name in proposers[1:] if name != pi)
    return HarvestedProject(
        source=source,
        code=code,
        title=text_of(values, "title"),
        abstract=text_of(values, "abstract"),
        pi=pi,
        pi_email=text_of(values, "pi_email"),
        co_is=co_is,
        category="; ".join(texts_of(values, "category")) or None,
        keywords=texts_of(values, "keywords"),
        targets=texts_of(values, "targets"),
        partner=text_of(values, "partner"),
        state=text_of(values, "state"),
        units=_units(code, values),
        bib_references=tuple(
            part for text in texts_of(values, "bib_references") for part in _BETWEEN_BIBCODES.split(text) if part
        ),
        extra={name: text for name in _EXTRA if (text := text_of(values, name)) is not None}
        | {key: several(told) for column, key in (facets or {}).items() if (told := texts_of(values, column))},
    )


def _control_in(value: object) -> str | None:
    """Return the first control character of a text, or of the texts of a list or unit."""
    if isinstance(value, str):
        found = _CONTROL.search(value)
        return found and found[0]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next((sign for one in inner if (sign := _control_in(one)) is not None), None)


def _units(code: str, values: Mapping[str, object]) -> tuple[HarvestedUnit, ...]:
    listed = values.get("units")
    if isinstance(listed, str):
        try:
            listed = json.loads(listed)
        except (ValueError, RecursionError) as wrong:
            raise RecordRefused('"units" is no JSON list') from wrong
    if listed is not None:
        if not isinstance(listed, list) or not all(isinstance(unit, dict) for unit in listed):
            raise RecordRefused('"units" is no list of units')
        return tuple(_unit(unit) for unit in listed)
    name = text_of(values, "unit")
    if name is not None:
        return (_unit({key: values.get("unit" if key == "uid" else f"unit_{key}") for key in _UNIT_KEYS}),)
    released_on = day_of(values, "release_date")
    return (HarvestedUnit(code, released_on=released_on),) if released_on else ()


def _unit(values: Mapping[str, object]) -> HarvestedUnit:
    uid = text_of(values, "uid")
    if uid is None:
        raise RecordRefused('a unit has no "uid"')
    if unknown := set(values) - _UNIT_KEYS:
        raise RecordRefused(f"a unit has fields nobody reads: {', '.join(sorted(map(str, unknown)))}")
    return HarvestedUnit(
        uid=uid,
        delivered_on=day_of(values, "delivered_on"),
        released_on=day_of(values, "released_on"),
        observed_on=day_of(values, "observed_on"),
        exposure_s=number_of(values, "exposure_s"),
    )


def _differences(known: HarvestedProject, project: HarvestedProject) -> list[str]:
    return [
        name
        for name in _COMPARED
        if getattr(known, name) and getattr(project, name) and getattr(known, name) != getattr(project, name)
    ]


def several(values: Iterable[str]) -> str:
    """Return the values of a facet as one text with ";" between, each once and in order, none longer than a cell."""
    pieces = {piece[:_LONGEST_VALUE] for value in values for part in value.split(";") if (piece := part.strip())}
    return "; ".join(sorted(pieces)[:_MOST_VALUES])


def _joined(known: HarvestedProject, project: HarvestedProject, facets: frozenset[str]) -> HarvestedProject:
    changes: dict[str, Any] = {name: getattr(known, name) or getattr(project, name) for name in (*_COMPARED, "co_is")}
    for name in ("keywords", "targets", "bib_references"):
        changes[name] = tuple(dict.fromkeys((*getattr(known, name), *getattr(project, name))))
    told = {key: several((known.extra.get(key, ""), value)) for key, value in project.extra.items() if key in facets}
    return replace(known, extra={**project.extra, **known.extra, **told}, **changes)


def _without_stand_in(code: str, units: Mapping[str, HarvestedUnit]) -> tuple[HarvestedUnit, ...]:
    """Where units are known by name, the one that only held the project's release date goes."""
    return tuple(unit for uid, unit in units.items() if uid != code or len(units) == 1)


def _key(values: Mapping[str, object]) -> str | None:
    code = values.get("code")
    return code[:80] if isinstance(code, str) else None
