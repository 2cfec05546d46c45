"""Projects and their observation units as a registry had told of them by the end of a day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date
from itertools import repeat
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory import Profile
from biblio.store.models import ObservationUnit, ProjectRevision, UnitRevision
from biblio.store.models import Project as StoredProject
from reports.facts.model import Project, Unit
from reports.facts.reading_links import End
from reports.facts.reading_rows import as_json, of_json

OWN_FIELDS = frozenset({"cycle", "call", "kind", "category", "partner", "state"})
"""Facets that stand in fields of their own."""


def read_projects(session: Session, end: End, profile: Profile) -> dict[int, Project]:
    """Return every project that was known, by id."""
    units, impossible = _units(session, end, profile)
    keys = tuple(facet.key for facet in profile.facets if facet.key not in OWN_FIELDS)
    project, revision = StoredProject, ProjectRevision
    told = [*([as_json(revision.extra)] if keys else []), as_json(revision.co_is)]
    rows: Any = session.connection().execute(
        sa.select(
            col(project.id), col(project.code), col(project.cycle), col(project.call), col(project.kind),
            col(project.is_pi_project), col(revision.title), col(revision.pi), col(revision.category),
            col(revision.partner), col(revision.state), *told,
        )
        .join(revision, col(revision.project_id) == col(project.id))
        .where(end.holds(col(revision.learned_at), col(revision.superseded_at)))
        .order_by(col(project.code))
    ).all()  # fmt: skip
    since = _closed_since(session, end, profile.asking.null_states)
    teams = of_json([row[-1] for row in rows])
    facets = [_facets(keys, one) for one in of_json([row[-2] for row in rows])] if keys else repeat({}, len(rows))
    found = {}
    for row, co_is, known in zip(rows, teams, facets, strict=True):
        id_, code, cycle, call, kind, is_pi_project, title, pi, category, partner, state, *_ = row
        found[id_] = Project(
            id_, code, cycle, call or "", kind or "", is_pi_project, title or "", pi or "",
            tuple(name for name in (pi, *(co_is or ())) if name), category or "", partner or "", state or "",
            tuple(units.get(id_, ())), known, since.get(id_), impossible.get(id_, 0),
        )  # fmt: skip
    return found


def _closed_since(session: Session, end: End, states: tuple[str, ...]) -> dict[int, date]:
    """Return since which day each project was known to be in one of ``states`` without a break, by the end.

    A project that left them and came back has been in them since it came back.
    """
    if not states:
        return {}
    told = ProjectRevision
    rows: Any = session.connection().execute(
        sa.select(col(told.project_id), col(told.state), col(told.learned_at))
        .where(
            col(told.learned_at) <= end.moment,
            col(told.project_id).in_(sa.select(col(told.project_id)).where(col(told.state).in_(states))),
        )
        .order_by(col(told.project_id), col(told.learned_at), col(told.id))
    )
    since: dict[int, date] = {}
    for project, state, learned_at in rows:
        if state not in states:
            since.pop(project, None)
        elif project not in since:
            since[project] = learned_at.astimezone(UTC).date()
    return since


def _facets(keys: tuple[str, ...], extra: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what the project list says in the columns that the profile divides by; what is empty is left out."""
    told = extra or {}
    return {key: str(value) for key in keys if (value := told.get(key)) not in (None, "")}


def _units(session: Session, end: End, profile: Profile) -> tuple[dict[int, list[Unit]], Counter[int]]:
    """Return the units of each project, and how many of their days are left out because there can have been no data.

    Such days are refused on their way in; stores have them from before.
    """
    unit, revision = ObservationUnit, UnitRevision
    rows: Any = session.connection().execute(
        sa.select(
            col(unit.project_id), col(unit.id), col(revision.delivered_on), col(revision.released_on),
            col(revision.exposure_s),
        )
        .join(revision, col(revision.unit_id) == col(unit.id))
        .where(end.holds(col(revision.learned_at), col(revision.superseded_at)))
        .order_by(col(unit.id))
    )  # fmt: skip
    (first, last), never = profile.days_of_data, profile.asking.no_release_date
    found: dict[int, list[Unit]] = defaultdict(list)
    impossible: Counter[int] = Counter()
    for project, id_, delivered_on, released_on, exposure_s in rows.all():
        delivered = delivered_on if delivered_on and first <= delivered_on <= last else None
        released = released_on if released_on and (first <= released_on <= last or released_on in never) else None
        if left_out := (delivered != delivered_on) + (released != released_on):
            impossible[project] += left_out
        found[project].append(Unit(id_, delivered, released, exposure_s))
    return found, impossible
