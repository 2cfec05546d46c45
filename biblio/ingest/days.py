"""Days of observation units that cannot be: left out at the door, each told as a refusal; all else of the project is taken.

A registry that knows no day often writes 0001-01-01, 1900-01-01 or 1970-01-01. Taken at its word it would make a
project's first paper come 2,000 years after the data, and its PI due at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from biblio.observatory import Profile
from harvesters.protocol import ParsedPage
from harvesters.records import Refusal

_DAYS = ("observed_on", "delivered_on", "released_on")


def with_possible_days(parsed: ParsedPage, profile: Profile, place: str = "") -> ParsedPage:
    """Return a page without days of units on which the observatory can have had no data: they are not known.

    The profile's own word for "no release date" stays, as the due rule asks for it. A project has one refusal for each
    field and day, however many of its units say so. ``place`` is the page's, for projects that
    know none of their own; without it their source stands there.
    """
    first, last = profile.days_of_data
    never = profile.asking.no_release_date
    kept, refusals = [], list(parsed.refusals)
    for project in parsed.projects:
        units, told = [], dict[tuple[str, date], list[str]]()
        for unit in project.units:
            days = [(name, getattr(unit, name)) for name in _DAYS]
            wrong = [
                (name, day)
                for name, day in days
                if day is not None and not first <= day <= last and not (name == "released_on" and day in never)
            ]
            for one in wrong:
                told.setdefault(one, []).append(unit.uid)
            nothing: dict[str, Any] = {name: None for name, _ in wrong}
            units.append(replace(unit, **nothing) if wrong else unit)
        kept.append(replace(project, units=tuple(units)) if told else project)
        for (name, day), uids in told.items():
            of = f"unit {uids[0]}" + (f" and {len(uids) - 1} more" if len(uids) > 1 else "")
            why = f"is no day from {first} to {last}, when there can be data: taken as not known"
            where = project.place or place or project.source
            refusals.append(Refusal(project.source, where, f"{name} {day} of {of} {why}", project.code[:80]))
    if len(refusals) == len(parsed.refusals):
        return parsed
    return replace(parsed, projects=tuple(kept), refusals=tuple(refusals))
