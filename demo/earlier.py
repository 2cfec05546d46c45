"""How a project's row stood on an earlier day: which units were known, and whether it was still open."""

from __future__ import annotations

from datetime import date
from typing import Any

Row = dict[str, Any]


def units_known(project: Row, day: date) -> list[Row]:
    """Return the units delivered by ``day`` and, from the year of the code on, those that never were."""
    then = day.isoformat()
    has_begun = project["code"][:4] <= then[:4]
    return [u for u in project["units"] if (u["delivered_on"] <= then if u["delivered_on"] else has_begun)]


def state_then(project: Row, day: date) -> str:
    """Return the project's state on ``day``: open while a delivery was still to come."""
    then = day.isoformat()
    to_come = any(unit["delivered_on"] and unit["delivered_on"] > then for unit in project["units"])
    return "InProgress" if to_come else str(project["state"])
