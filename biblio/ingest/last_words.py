"""Which stored answer has the last word on a paper's record, a project or a unit, and which of that may be taken anew.

Two rules keep a second reading of old answers from changing what nobody reads differently. Of all answers that gave a
record, a project or a unit, only the newest is heard, whether it changed anything when it came or not. And what stands
is only spoken over by the source it is from: sources may disagree for years, and the order in which they came is not
the order in which they are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.store.models import ObservationUnit, Project, ProjectRevision, SourceRecord, UnitRevision
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedProject, HarvestedRecord, HarvestedUnit
from matching.codes import Grammar

CONTACTS = "contacts"
"""Lists of whom to write to: addresses are taken from a file that a person hands over, never again from what is kept."""


@dataclass(slots=True)
class LastWords:
    """The number of the page that gave each thing last, by source: keys alone, some 200 MB for a million records."""

    grammar: Grammar
    _pages: dict[str, dict[str, int]] = field(default_factory=dict)

    def hear(self, page_id: int, parsed: ParsedPage) -> None:
        """Note what a page gives; pages are told in the order in which they came."""
        for source, key in self._keys(parsed):
            self._pages.setdefault(source, {})[key] = page_id

    def of(self, page_id: int, parsed: ParsedPage) -> ParsedPage:
        """Return a page with only what no later page gives; of what it gives twice itself the second stands."""
        met: set[tuple[str, str]] = set()

        def is_last(source: str, key: str) -> bool:
            if (source, key) in met:
                return False
            met.add((source, key))
            return self._pages.get(source, {}).get(key) == page_id

        records = [record for record in reversed(parsed.records) if is_last(record.source, _record(record))]
        projects: list[HarvestedProject] = []
        for one in reversed(parsed.projects):
            code = self.grammar.canonical(one.code)
            if code is None:  # it will be refused, and told of
                projects.append(one)
                continue
            units = tuple(unit for unit in one.units if is_last(one.source, _unit(code, unit)))
            if is_last(one.source, _project(code)):
                projects.append(replace(one, units=units))
            elif units:
                projects.append(HarvestedProject(one.source, one.code, units=units, place=one.place))
        return replace(parsed, records=tuple(reversed(records)), projects=tuple(reversed(projects)))

    def _keys(self, parsed: ParsedPage) -> Iterator[tuple[str, str]]:
        for record in parsed.records:
            yield record.source, _record(record)
        for one in parsed.projects:
            if (code := self.grammar.canonical(one.code)) is not None:
                yield one.source, _project(code)
                yield from ((one.source, _unit(code, unit)) for unit in one.units)


def _record(record: HarvestedRecord) -> str:
    return f"record {record.key[:255]}"


def _project(code: str) -> str:
    return f"project {code}"


def _unit(code: str, unit: HarvestedUnit) -> str:
    return f"unit {code} {unit.uid[:64]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: the page as it came, the hash of its body, what it gives, and whether all of it was taken then."""

    page: Page
    sha256: str
    parsed: ParsedPage
    was_taken_whole: bool


def takeable(session: Session, grammar: Grammar, answer: Answer, parsed: ParsedPage, began: datetime) -> ParsedPage:
    """Return what ``parsed`` holds of an answer and may be taken anew; what was learned after ``began`` stays."""
    return replace(
        parsed,
        records=tuple(_takeable_records(session, answer, parsed.records, began)),
        projects=tuple(_takeable_projects(session, grammar, parsed.projects, began)),
    )


def _takeable_records(
    session: Session, answer: Answer, records: Sequence[HarvestedRecord], began: datetime
) -> Iterator[HarvestedRecord]:
    """Yield the records of which one is in force, and those that could not be read before.

    What took the place of another is not undone. A record that left no trace though its answer was taken whole was
    given up for another before it came.
    """
    is_new_good = not answer.was_taken_whole
    known: dict[tuple[str, str], bool] = {}
    for source in {record.source for record in records}:
        for keys in chunks(sorted({record.key[:255] for record in records if record.source == source})):
            rows = session.execute(
                sa.select(col(SourceRecord.key), col(SourceRecord.superseded_at), col(SourceRecord.learned_at)).where(
                    col(SourceRecord.source) == source, col(SourceRecord.key).in_(keys)
                )
            )
            for key, superseded_at, learned_at in rows:
                stands = superseded_at is None and learned_at <= began
                known[source, key] = known.get((source, key), False) or stands
    yield from (record for record in records if known.get((record.source, record.key[:255]), is_new_good))


@dataclass(frozen=True, slots=True)
class _Owner:
    """Which source the facts in force are from, and when they were learned."""

    source: str
    learned_at: datetime

    def lets(self, source: str, began: datetime) -> bool:
        """Whether that source may say it anew."""
        return self.source == source[:32] and self.learned_at <= began


def _takeable_projects(
    session: Session, grammar: Grammar, projects: Sequence[HarvestedProject], began: datetime
) -> Iterator[HarvestedProject]:
    """Yield what each project's source had the last word on, its facts and its units apart, and what nobody knows yet."""
    if not projects:
        return
    canonical = {one.code: grammar.canonical(one.code) for one in projects}
    codes = sorted({code for code in canonical.values() if code is not None})
    facts, units = _owners_of_facts(session, codes), _owners_of_units(session, codes)
    for one in projects:
        code = canonical[one.code]
        if code is None:
            yield one
            continue
        mine = tuple(u for u in one.units if _may(units.get((code, u.uid[:64])), one.source, began))
        if _may(facts.get(code), one.source, began):
            yield replace(one, units=mine)
        elif mine or one.bib_references:  # of papers that an archive lists none is ever taken back
            yield HarvestedProject(one.source, one.code, units=mine, bib_references=one.bib_references, place=one.place)


def _may(owner: _Owner | None, source: str, began: datetime) -> bool:
    return owner is None or owner.lets(source, began)


def _owners_of_facts(session: Session, codes: Iterable[str]) -> dict[str, _Owner]:
    """Return whose word on each project stands. Contacts add an address to it and no word of their own."""
    owners: dict[str, _Owner] = {}
    for chunk in chunks(codes):
        rows: Any = session.execute(
            sa.select(col(Project.code), col(ProjectRevision.source), col(ProjectRevision.learned_at))
            .join(Project, col(Project.id) == col(ProjectRevision.project_id))
            .where(col(Project.code).in_(chunk), col(ProjectRevision.source) != CONTACTS)
            .order_by(col(ProjectRevision.id))
        )
        owners |= {code: _Owner(source, learned_at) for code, source, learned_at in rows}
    return owners


def _owners_of_units(session: Session, codes: Iterable[str]) -> dict[tuple[str, str], _Owner]:
    owners: dict[tuple[str, str], _Owner] = {}
    for chunk in chunks(codes):
        rows: Any = session.execute(
            sa.select(
                col(Project.code), col(ObservationUnit.uid), col(UnitRevision.source), col(UnitRevision.learned_at)
            )
            .join(ObservationUnit, col(ObservationUnit.project_id) == col(Project.id))
            .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
            .where(col(Project.code).in_(chunk), col(UnitRevision.superseded_at).is_(None))
        )
        owners |= {(code, uid): _Owner(source, learned_at) for code, uid, source, learned_at in rows}
    return owners
