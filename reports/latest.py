"""The report of a day, built once per state of the database and process.

Every change that a report could see adds a row to one of the history tables, so their newest row numbers (and what
was ended or undone) are a fingerprint of its facts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.runtime import Runtime
from biblio.store.models import Decision, Link, PaperMerge, PaperRelation, PaperRevision, ProjectRevision, UnitRevision
from reports.build import Report, build
from reports.queries import read_facts

KEEP = 8
"""How many reports a process keeps; a report of a large observatory is a few megabytes."""

_lock = threading.Lock()
_kept: OrderedDict[tuple[object, ...], Report] = OrderedDict()


def report_of(runtime: Runtime, session: Session, as_of: date | None = None) -> Report:
    """Return the report as known at the end of ``as_of`` (UTC; None: today)."""
    today = runtime.clock.today()
    day = min(as_of or today, today)
    key = (str(runtime.store.engine.url), day, _fingerprint(session))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    report = build(read_facts(session, day, today=today), runtime.profile)
    with _lock:
        _kept[key] = report
        while len(_kept) > KEEP:
            _kept.popitem(last=False)
    return report


def _fingerprint(session: Session) -> tuple[object, ...]:
    newest = [
        sa.select(sa.func.max(col(table.id))).scalar_subquery()
        for table in (Decision, Link, PaperRelation, PaperRevision, ProjectRevision, UnitRevision, PaperMerge)
    ]
    ended = [
        sa.select(sa.func.count()).select_from(table).where(column.is_not(None)).scalar_subquery()
        for table, column in (
            (Link, col(Link.ended_at)),
            (PaperRelation, col(PaperRelation.ended_at)),
            (PaperMerge, col(PaperMerge.undone_at)),
        )
    ]
    return tuple(session.execute(sa.select(*newest, *ended)).one())
