"""Theme: time to publication."""

from __future__ import annotations

from reports.document import Table
from reports.facts.counted import Counted, From

KEY = "speed"
NAME = "Time to publication"
QUESTION = "How long does it take from the data to a first paper?"


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the tables of the theme."""
    # They need NumPy, which takes longer to load than most commands take.
    from reports.themes import cohorts, null_results, waiting
    from reports.themes.durations import timed

    times = timed(counted)
    main = times[From.DELIVERY]
    return (*waiting.tables(counted, times), cohorts.table(counted, main), *null_results.tables(counted, main))
