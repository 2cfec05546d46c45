"""What a database holds, apart from row numbers and times: equal for two databases that tell the same story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlmodel import Session, SQLModel, select

from biblio.store import Store
from biblio.store.models import (
    ArchiveReference,
    HarvestCursor,
    HarvestRefusal,
    MergeProposal,
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperMerge,
    PaperRevision,
    Project,
    ProjectRevision,
    SourceRecord,
    TextMention,
    TextReading,
    UnitRevision,
)

_TIMES = {"learned_at", "first_seen_at", "made_at", "read_at", "proposed_at", "updated_at", "refused_at", "fetched_at"}


def _plain(row: SQLModel, *leave: str) -> str:
    """A row as text: its values without numbers and times; of ``superseded_at`` only whether it is set."""
    values = row.model_dump(exclude={"id", *_TIMES, *leave})
    if "superseded_at" in values:
        values["superseded_at"] = values["superseded_at"] is not None
    return repr(sorted(values.items()))


def _rows(session: Session, model: type[SQLModel]) -> Iterable[Any]:
    return session.exec(select(model))


def fingerprint(store: Store) -> dict[str, Counter[str]]:
    """Return, by subject, every row of the catalogue and the cursors.

    Raw bodies are left out: a service echoes how it was asked, so the same answer need not be the same bytes.
    """
    with store.reading() as session:
        names = _paper_names(session)
        codes = {p.id: p.code for p in _rows(session, Project)}
        units = {u.id: f"{codes[u.project_id]} {u.uid}" for u in _rows(session, ObservationUnit)}
        revisions = {r.id: names[r.paper_id] + _plain(r, "paper_id") for r in _rows(session, PaperRevision)}
        readings = {r.id: names[r.paper_id] + _plain(r, "paper_id") for r in _rows(session, TextReading)}
        return {
            "projects": Counter(_plain(r) for r in _rows(session, Project)),
            "project revisions": Counter(
                codes[r.project_id] + _plain(r, "project_id") for r in _rows(session, ProjectRevision)
            ),
            "units": Counter(units.values()),
            "unit revisions": Counter(units[r.unit_id] + _plain(r, "unit_id") for r in _rows(session, UnitRevision)),
            "references": Counter(codes[r.project_id] + r.bibcode for r in _rows(session, ArchiveReference)),
            "papers": Counter(names[p.merged_into_id or p.id] for p in _rows(session, Paper)),
            "identifiers": Counter(
                f"{names[r.paper_id]} {r.scheme} {r.value}" for r in _rows(session, PaperIdentifier)
            ),
            "records": Counter(
                names[r.paper_id] + _plain(r, "paper_id", "payload_sha256") for r in _rows(session, SourceRecord)
            ),
            "revisions": Counter(revisions.values()),
            "authors": Counter(
                revisions[a.revision_id] + _plain(a, "revision_id") for a in _rows(session, PaperAuthor)
            ),
            "merges": Counter(names[m.kept_id] + names[m.merged_id] + m.reason for m in _rows(session, PaperMerge)),
            "questions": Counter(names[p.paper_id] + names[p.twin_id] for p in _rows(session, MergeProposal)),
            "readings": Counter(readings.values()),
            "mentions": Counter(readings[m.reading_id] + _plain(m, "reading_id") for m in _rows(session, TextMention)),
            "cursors": Counter(_plain(c) for c in _rows(session, HarvestCursor)),
            # A page that is read again is refused again: what counts is that nothing refused is missing.
            "refusals": Counter({_plain(r, "job_run_id") for r in _rows(session, HarvestRefusal)}),
        }


def _paper_names(session: Session) -> dict[int | None, str]:
    """Call each paper by the records that came to it."""
    keys: dict[int, set[str]] = {}
    for record in _rows(session, SourceRecord):
        keys.setdefault(record.paper_id, set()).add(f"{record.source} {record.key}")
    return {paper_id: " + ".join(sorted(names)) for paper_id, names in keys.items()}
