"""As of which day today's campaign asks, so that some persons are left for whoever tries the demo."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from biblio.runtime import Runtime
from survey.asking.due import due
from survey.box.persons import distinct_persons
from survey.campaign.service import plan

FIRST_YEAR = 2013
"""The demo observatory's first cycle: earlier nothing was due."""


def day_that_leaves(session: Session, runtime: Runtime, persons: int) -> tuple[date, int]:
    """Return the latest first day of a quarter that leaves so many persons of those due today, and how many it leaves.

    Raises ``ValueError`` when fewer are due today in all.
    """
    today = runtime.clock.today()
    now = plan(due(session, runtime, today)).asked
    day = today.replace(day=1, month=(today.month - 1) // 3 * 3 + 1)
    while day.year >= FIRST_YEAR:
        asked = {standing.project_id for standing, _address in plan(due(session, runtime, day)).asked}
        left = distinct_persons((to, each.pi or "") for each, to in now if each.project_id not in asked)
        if left >= persons:
            return day, left
        day = day.replace(month=day.month - 3) if day.month > 3 else day.replace(year=day.year - 1, month=10)
    raise ValueError(f"fewer than {persons} persons are due today")
