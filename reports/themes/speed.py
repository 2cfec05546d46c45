"""Theme: time to publication."""

from __future__ import annotations

from dataclasses import replace

from reports.document import Table
from reports.facts.counted import Counted, From
from reports.themes.backlog import projects_notes

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
    waits = projects_notes(counted, says_share=False)
    return tuple(replace(one, notes=(*one.notes, *waits)) if one.key in _OF_ALL else one for one in found)
