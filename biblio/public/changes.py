"""What has changed since somebody last looked: the papers and projects of which the index must read the facts anew.

Everything the public list rests on is appended: a decision, a relation (or an audit entry that takes one back), a
revision of a paper or project, a merge, an identifier. What ends is ended by an act that appends: only open second
readings are read in full, for there are few. So what changed are the rows whose numbers are greater than those seen.

PostgreSQL gives numbers when rows are written and shows rows when they are committed, so a row may appear below the
greatest number seen. Numbers count as *settled* only when every transaction that was running when they were read has
ended; until then all rows above the last settled number are looked through again. SQLite has one writer at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.catalogue.links import RELATION_WITHDRAWN
from biblio.store.current import papers_under_second_reading, survivor_id
from biblio.store.models import (
    AuditEntry,
    Decision,
    Paper,
    PaperIdentifier,
    PaperMerge,
    PaperRelation,
    PaperRevision,
    ProjectRevision,
)

PAPER, PROJECT = "paper", "project"

_TAIL = 100
"""Numbers below the settled ones that PostgreSQL looks through again with every change: between taking a number and
being counted as a writer a transaction has some microseconds in which a snapshot misses it."""


@dataclass(frozen=True)
class _Kind:
    """Rows that tell of a change: where the numbers of papers (or projects) that they are about stand."""

    table: Any
    of: str
    columns: tuple[Any, ...]
    condition: Any = None


_KINDS: dict[str, _Kind] = {
    "decision": _Kind(Decision, PAPER, (col(Decision.paper_id),)),
    "relation": _Kind(PaperRelation, PAPER, (col(PaperRelation.paper_id),)),
    "withdrawn": _Kind(AuditEntry, PAPER, (col(AuditEntry.details),), col(AuditEntry.action) == RELATION_WITHDRAWN),
    "revision": _Kind(PaperRevision, PAPER, (col(PaperRevision.paper_id),)),
    "merge": _Kind(PaperMerge, PAPER, (col(PaperMerge.kept_id), col(PaperMerge.merged_id))),
    "identifier": _Kind(PaperIdentifier, PAPER, (col(PaperIdentifier.paper_id),)),
    "project": _Kind(ProjectRevision, PROJECT, (col(ProjectRevision.project_id),)),
}


@dataclass(slots=True)
class Changes:
    """Papers (survivors, and those that were) and projects that must be read anew."""

    papers: set[int] = field(default_factory=set)
    projects: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.papers or self.projects)


@dataclass(frozen=True)
class _Marks:
    """The greatest numbers, and who was writing: transactions below ``oldest`` have ended, those from ``next`` on had not begun."""

    numbers: dict[str, int]
    oldest: int
    next: int


class ChangeLog:
    """Remembers how far one index has read."""

    def __init__(self) -> None:
        self._settled: dict[str, int] = {}
        self._top: dict[str, int] = {}
        self._waiting: list[_Marks] = []
        self._seen: set[tuple[str, int]] = set()
        self._hidden: frozenset[int] = frozenset()

    def begin(self, session: Session) -> bool:
        """Start from now: what is read after this is up to date. Returns whether nobody was writing meanwhile.

        Where somebody was, rows of theirs may lie below the numbers noted: begin once more when they have ended.
        """
        marks = _read_marks(session)
        self._settled = self._top = marks.numbers
        is_quiet = marks.oldest >= marks.next
        self._waiting, self._seen = [] if is_quiet else [marks], set()
        self._hidden = _hidden(session)
        return is_quiet

    @property
    def is_waiting(self) -> bool:
        """Whether somebody who was writing at an earlier look may not have ended yet."""
        return bool(self._waiting)

    def since(self, session: Session) -> Changes:
        """Return what has changed since the last call."""
        changes = Changes()
        hidden = _hidden(session)
        changes.papers |= hidden ^ self._hidden
        self._hidden = hidden
        marks = _read_marks(session)
        for name, number in marks.numbers.items():
            if number > self._top[name] or self._waiting:
                self._look_through(session, name, changes)
        self._top = marks.numbers
        self._settle(marks)
        if changes.papers:
            changes.papers |= _of_one_group(session, changes.papers)
        return changes

    def _look_through(self, session: Session, name: str, changes: Changes) -> None:
        kind = _KINDS[name]
        rows = sa.select(col(kind.table.id), *kind.columns).where(col(kind.table.id) > self._settled[name])
        if kind.condition is not None:
            rows = rows.where(kind.condition)
        told = changes.papers if kind.of == PAPER else changes.projects
        for number, *about in session.execute(rows):
            if (name, number) not in self._seen:
                self._seen.add((name, number))
                told.update(one["paper"] if isinstance(one, dict) else one for one in about)

    def _settle(self, marks: _Marks) -> None:
        """Move on to the numbers whose writers have all ended."""
        if marks.numbers == self._settled and not self._waiting:
            return
        self._waiting.append(marks)
        ended = [one for one in self._waiting if one.next <= marks.oldest]
        if ended:
            tail = _TAIL if marks.next else 0
            self._settled = {name: max(number - tail, 0) for name, number in ended[-1].numbers.items()}
            self._waiting = self._waiting[len(ended) :]
            self._seen = {(name, number) for name, number in self._seen if number > self._settled[name]}
        del self._waiting[1:-1]  # the first will settle soonest, the last furthest


def _read_marks(session: Session) -> _Marks:
    """Read the greatest number of each kind, in one statement."""
    columns: list[Any] = [
        sa.select(sa.func.coalesce(sa.func.max(kind.table.id), 0)).scalar_subquery().label(name)
        for name, kind in _KINDS.items()
    ]
    if session.get_bind().dialect.name == "postgresql":
        snapshot = sa.func.pg_current_snapshot()
        for name, of in (("oldest", sa.func.pg_snapshot_xmin), ("next", sa.func.pg_snapshot_xmax)):
            columns.append(sa.cast(sa.cast(of(snapshot), sa.Text), sa.BigInteger).label(name))
    row = session.execute(sa.select(*columns)).one()._asdict()
    return _Marks({name: row[name] for name in _KINDS}, row.get("oldest", 0), row.get("next", 0))


def _hidden(session: Session) -> frozenset[int]:
    return frozenset(session.execute(papers_under_second_reading()).scalars())


def _of_one_group(session: Session, papers: set[int]) -> set[int]:
    """Return the papers that were ever merged with one of ``papers``, and those that stand for them now.

    A merge that is taken back leaves its row; so the paper that stood for both is found from the one that left it.
    """
    found, fresh = set(papers), set(papers)
    while fresh:
        met: set[int] = set()
        for some in chunks(sorted(fresh)):
            merges = sa.select(col(PaperMerge.kept_id), col(PaperMerge.merged_id)).where(
                sa.or_(col(PaperMerge.kept_id).in_(some), col(PaperMerge.merged_id).in_(some))
            )
            for pair in session.execute(merges):
                met.update(pair)
            met.update(session.execute(sa.select(survivor_id()).where(col(Paper.id).in_(some))).scalars())
        fresh = met - found
        found |= fresh
    return found
