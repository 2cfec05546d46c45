"""Projects and their observation units: the only writer of what the registry says of them.

A project's facets (cycle, call, kind) follow from its code by the profile's grammar. Everything else is one stream of
revisions: a new one only where something changed, and what a source leaves out never erases what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks, new_ids
from biblio.catalogue.identity import normal_bibcode
from biblio.store.models import ArchiveReference, ObservationUnit, Project, ProjectRevision, UnitRevision
from harvesters.records import HarvestedProject, HarvestedUnit
from matching.codes import Grammar

_FACTS = ("title", "abstract", "pi", "category", "partner", "state")
_LISTS = ("co_is", "keywords", "targets")
_UNIT_FACTS = ("delivered_on", "released_on", "observed_on", "exposure_s")
_LENGTHS = {"partner": 32, "state": 64, "pi_email": 254, "pi": 300}
"""Longest values: PostgreSQL cannot index a name of any length, and no person has one of 300 characters."""


class Recorded(StrEnum):
    """What a harvested project did to the catalogue."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class FactChange:
    """One fact that changed, of a project or of one of its units: None is "not known". Addresses are never told."""

    code: str
    fact: str
    before: Any
    after: Any
    unit: str | None = None

    @property
    def is_moved_release(self) -> bool:
        """Whether a release date that was known is another one now."""
        return self.fact == "released_on" and self.before is not None


@dataclass(frozen=True, slots=True)
class ProjectOutcome:
    """What became of one harvested project. ``moved`` counts units whose release date changed; ``reason`` if refused.

    ``changes`` names every fact that changed of a project that was known; a new one has none.
    """

    code: str
    what: Recorded
    reason: str | None = None
    new_units: int = 0
    moved: int = 0
    changes: tuple[FactChange, ...] = ()


@dataclass(slots=True)
class _Known:
    """A project as stored: its row, revision in force, units by uid with their revisions, references."""

    project_id: int
    revision: ProjectRevision | None
    units: dict[str, tuple[int, UnitRevision | None]]
    references: set[str]


@dataclass(slots=True)
class _Changes:
    """Rows to write for a page of projects."""

    revisions: dict[int, dict[str, Any]] = field(default_factory=dict)
    units: list[dict[str, Any]] = field(default_factory=list)
    unit_revisions: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    references: list[dict[str, Any]] = field(default_factory=list)
    ended_revisions: list[int] = field(default_factory=list)
    ended_unit_revisions: list[int] = field(default_factory=list)
    told: list[FactChange] = field(default_factory=list)
    """What changed of the project at hand."""


def record_projects(
    session: Session,
    harvested: Sequence[HarvestedProject],
    *,
    grammar: Grammar,
    now: datetime,
    take_emails: bool = False,
) -> list[ProjectOutcome]:
    """Store what a registry says of many projects; one outcome each, in order. A code that is none is refused.

    ``take_emails``: only files of contacts that the observatory hands over may set a PI's address; what a registry on
    the net says of addresses is not used.
    """
    codes = [grammar.canonical(h.code) for h in harvested]
    well_formed = list(dict.fromkeys(c for c in codes if c is not None))
    known = _load(session, well_formed)
    is_new = _make_missing(session, well_formed, known, grammar, now)
    changes = _Changes()
    outcomes: list[ProjectOutcome] = []
    for code, one in zip(codes, harvested, strict=True):
        if code is None:
            reason = f"{one.code[:60]!r} is no well-formed project code of this observatory"
            outcomes.append(ProjectOutcome(one.code, Recorded.REFUSED, reason))
            continue
        outcomes.append(_record_one(changes, known[code], replace(one, code=code), now, take_emails, code in is_new))
        is_new.discard(code)
    _write(session, changes, now)
    return outcomes


def _record_one(
    changes: _Changes, known: _Known, one: HarvestedProject, now: datetime, take_emails: bool, is_new: bool
) -> ProjectOutcome:
    changes.told = []
    changed = _revise(changes, known, one, now, take_emails)
    new_units, dated = _revise_units(changes, known, one, now)
    changed = _refer(changes, known, one, now) or dated or changed
    moved = sum(change.is_moved_release for change in changes.told)
    if is_new:
        return ProjectOutcome(one.code, Recorded.NEW, None, new_units, moved)
    what = Recorded.CHANGED if changed else Recorded.UNCHANGED
    return ProjectOutcome(one.code, what, None, new_units, moved, tuple(changes.told))


def known_from(session: Session, source: str, cycles: Sequence[str] | None = None) -> set[str]:
    """Return the codes of the projects of which ``source`` ever said something new; only of ``cycles`` if given."""
    told: list[Any] = [
        sa.select(col(ProjectRevision.project_id)).where(col(ProjectRevision.source) == source[:32]),
        sa.select(col(ArchiveReference.project_id)).where(col(ArchiveReference.source) == source[:32]),
        sa.select(col(ObservationUnit.project_id))
        .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
        .where(col(UnitRevision.source) == source[:32]),
    ]
    codes = sa.select(col(Project.code), col(Project.cycle)).where(col(Project.id).in_(sa.union(*told)))
    return {code for code, cycle in session.execute(codes) if cycles is None or cycle in cycles}


def _load(session: Session, codes: Sequence[str]) -> dict[str, _Known]:
    known: dict[str, _Known] = {}
    by_id: dict[int, _Known] = {}
    for chunk in chunks(codes):
        for project in session.exec(select(Project).where(col(Project.code).in_(chunk))):
            assert project.id is not None
            known[project.code] = by_id[project.id] = _Known(project.id, None, {}, set())
    for ids in chunks(by_id):
        current = select(ProjectRevision).where(
            col(ProjectRevision.project_id).in_(ids), col(ProjectRevision.superseded_at).is_(None)
        )
        for revision in session.exec(current):
            by_id[revision.project_id].revision = revision
        dated = (
            select(ObservationUnit, UnitRevision)
            .join(
                UnitRevision,
                sa.and_(
                    col(UnitRevision.unit_id) == col(ObservationUnit.id), col(UnitRevision.superseded_at).is_(None)
                ),
                isouter=True,
            )
            .where(col(ObservationUnit.project_id).in_(ids))
        )
        for unit, unit_revision in session.exec(dated):
            assert unit.id is not None
            by_id[unit.project_id].units[unit.uid] = (unit.id, unit_revision)
        for reference in session.exec(select(ArchiveReference).where(col(ArchiveReference.project_id).in_(ids))):
            by_id[reference.project_id].references.add(reference.bibcode)
    return known


def _make_missing(
    session: Session, codes: Sequence[str], known: dict[str, _Known], grammar: Grammar, now: datetime
) -> set[str]:
    missing = [code for code in codes if code not in known]
    rows = []
    for code, project_id in zip(missing, new_ids(session, Project, len(missing)), strict=True):
        facets = grammar.facets(code)
        known[code] = _Known(project_id, None, {}, set())
        rows.append(
            {
                "id": project_id,
                "code": code,
                "cycle": facets.get("cycle"),
                "call": facets.get("call"),
                "kind": facets.get("kind"),
                "is_pi_project": facets.get("is_pi_project", "yes") == "yes",
                "first_seen_at": now,
            }
        )
    if rows:
        session.execute(sa.insert(Project), rows)
    return set(missing)


def _revise(changes: _Changes, known: _Known, one: HarvestedProject, now: datetime, take_emails: bool) -> bool:
    """Add a revision where the registry says something new; what it leaves out stays as it was."""
    before = known.revision
    values: dict[str, Any] = {
        name: getattr(one, name) or (getattr(before, name) if before else None) for name in _FACTS
    }
    values |= {name: list(getattr(one, name)) or (getattr(before, name) if before else []) for name in _LISTS}
    values["extra"] = {**(before.extra if before else {}), **one.extra}
    values["pi_email"] = (one.pi_email if take_emails else None) or (before.pi_email if before else None)
    values |= {name: values[name][:size] for name, size in _LENGTHS.items() if values[name]}
    if before is not None and all(getattr(before, name) == value for name, value in values.items()):
        return False
    _tell(changes, one.code, before, values)
    if before is not None and before.id is not None:
        changes.ended_revisions.append(before.id)
    row = {"project_id": known.project_id, "source": one.source[:32], "learned_at": now, **values}
    changes.revisions[known.project_id] = row
    known.revision = ProjectRevision(**row)
    return True


def _tell(changes: _Changes, code: str, before: ProjectRevision | None, values: Mapping[str, Any]) -> None:
    """Note which facts of a project differ."""
    was = {name: getattr(before, name) if before else None for name in values} | {"extra": None}
    now = dict(values) | {"extra": None}
    was |= dict(before.extra) if before else {}
    now |= values["extra"]
    for name, value in now.items():
        old = was.get(name)
        if name == "pi_email":
            old, value = old and "an address", value and ("another address" if old else "an address")  # noqa: PLW2901
            if was[name] == values[name]:
                continue
        if (old or None) != (value or None):
            changes.told.append(FactChange(code, name, old or None, value or None))


def _revise_units(changes: _Changes, known: _Known, one: HarvestedProject, now: datetime) -> tuple[int, bool]:
    """Add units and revisions of their dates; return how many are new, and whether any changed."""
    new = 0
    dated = False
    for unit in one.units:
        uid = unit.uid[:64]
        unit_id, before = known.units.get(uid, (None, None))
        if unit_id is None and uid not in known.units:
            changes.units.append({"project_id": known.project_id, "uid": uid, "first_seen_at": now})
            changes.told.append(FactChange(one.code, "unit", None, unit.released_on, uid))
            new += 1
        row = _unit_row(unit, before)
        if before is not None and all(getattr(before, name) == row[name] for name in _UNIT_FACTS):
            continue
        dated = True
        if before is not None:
            changes.told += [
                FactChange(one.code, name, getattr(before, name), row[name], uid)
                for name in _UNIT_FACTS
                if getattr(before, name) != row[name]
            ]
            if before.id is not None:
                changes.ended_unit_revisions.append(before.id)
        row |= {"source": one.source[:32], "learned_at": now}
        changes.unit_revisions[(known.project_id, uid)] = row
        known.units[uid] = (unit_id or 0, UnitRevision(unit_id=unit_id or 0, **row))
    return new, dated


def _unit_row(unit: HarvestedUnit, before: UnitRevision | None) -> dict[str, Any]:
    row = {}
    for name in _UNIT_FACTS:
        value = getattr(unit, name)
        row[name] = getattr(before, name) if value is None and before is not None else value
    return row


def _refer(changes: _Changes, known: _Known, one: HarvestedProject, now: datetime) -> bool:
    added = False
    for written in one.bib_references:
        bibcode = normal_bibcode(written)
        if bibcode is None or bibcode in known.references:
            continue
        known.references.add(bibcode)
        changes.told.append(FactChange(one.code, "bib_references", None, bibcode))
        added = True
        changes.references.append(
            {"project_id": known.project_id, "bibcode": bibcode, "source": one.source[:32], "learned_at": now}
        )
    return added


def _write(session: Session, changes: _Changes, now: datetime) -> None:
    for model, ended in ((ProjectRevision, changes.ended_revisions), (UnitRevision, changes.ended_unit_revisions)):
        for chunk in chunks(sorted(set(ended))):
            session.execute(sa.update(model).where(model.id.in_(chunk)).values(superseded_at=now))  # type: ignore[union-attr]
    if changes.revisions:
        session.execute(sa.insert(ProjectRevision), list(changes.revisions.values()))
    if changes.references:
        session.execute(sa.insert(ArchiveReference), changes.references)
    for row, unit_id in zip(changes.units, new_ids(session, ObservationUnit, len(changes.units)), strict=True):
        row["id"] = unit_id
    if changes.units:
        session.execute(sa.insert(ObservationUnit), changes.units)
    if changes.unit_revisions:
        ids = _unit_ids(session, {project_id for project_id, _ in changes.unit_revisions})
        rows = [{"unit_id": ids[place], **row} for place, row in changes.unit_revisions.items()]
        session.execute(sa.insert(UnitRevision), rows)


def _unit_ids(session: Session, project_ids: Iterable[int]) -> Mapping[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    for chunk in chunks(sorted(project_ids)):
        rows = session.exec(select(ObservationUnit).where(col(ObservationUnit.project_id).in_(chunk)))
        found |= {(row.project_id, row.uid): row.id for row in rows if row.id is not None}
    return found
