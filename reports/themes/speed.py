"""Theme: time to publication."""

from __future__ import annotations

from dataclasses import replace

from reports.document import Table
from reports.facts.counted import Counted, From
from reports.themes.backlog import projects_notes
from reports.words import written

KEY = "speed"
NAME = "Time to publication"
QUESTION = "How long does it take from the data to a first paper?"

_OF_ALL = ("curve", "points-all", "cohorts")
"""Tables of all projects, in whose times those that wait for a decision count as unpublished."""


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme."""
    # They need NumPy, which takes longer to load than most commands take.
    from reports.themes import cohorts, null_results, waiting
    from reports.themes.durations import timed

    times = timed(counted)
    main = times[From.DELIVERY]
    found = (*waiting.tables(counted, times), cohorts.table(counted, main), *null_results.tables(counted, main))
    waits, wrong = projects_notes(counted, says_share=False), _impossible_days(counted)
    return tuple(replace(one, notes=(*one.notes, *(waits if one.key in _OF_ALL else ()), *wrong)) for one in found)


def _impossible_days(counted: Counted) -> tuple[str, ...]:
    """Return what every table says of days in the project list on which there can have been no data; else nothing."""
    told = [one.impossible_days for one in counted.facts.projects.values() if one.is_pi_project and one.impossible_days]
    if not told:
        return ()
    days, projects, (first, last) = sum(told), len(told), counted.profile.days_of_data
    are = f"{written(days, 'count')} {'day' if days == 1 else 'days'} on which units were delivered or released"
    of = f"of {written(projects, 'count')} {'project' if projects == 1 else 'projects'}"
    return (f"Taken as not known: {are}, {of}, as no data can be from before {first} or after {last}.",)
