"""What a database holds, apart from row numbers and times: equal for two databases that tell the same story."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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

SUBJECTS = (
    *("projects", "project revisions", "units", "unit revisions", "references"),
    *("papers", "identifiers", "records", "revisions", "authors", "merges", "questions"),
    *("readings", "mentions", "cursors", "refusals"),
)


def _plain(row: SQLModel, *leave: str) -> str:
    """A row as text: its values without numbers and times; of ``superseded_at`` only whether it is set."""
    values = row.model_dump(exclude={"id", *_TIMES, *leave})
    if "superseded_at" in values:
        values["superseded_at"] = values["superseded_at"] is not None
    return repr(sorted(values.items()))


def _rows(session: Session, model: type[SQLModel]) -> Iterable[Any]:
    return session.exec(select(model).execution_options(yield_per=1_000))


def fingerprint(store: Store) -> dict[str, Counter[str]]:
    """Return, by subject, every row of the catalogue and the cursors."""
    found: dict[str, Counter[str]] = {subject: Counter() for subject in SUBJECTS}
    for subject, text in facts(store):
        found[subject][text] += 1
    return found


def digest(store: Store) -> dict[str, tuple[int, str]]:
    """Return, by subject, how many rows there are and one number for all of them: for what is too large to compare."""
    counts, sums = dict.fromkeys(SUBJECTS, 0), dict.fromkeys(SUBJECTS, 0)
    for subject, text in facts(store):
        counts[subject] += 1
        sums[subject] += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")
    return {subject: (counts[subject], f"{sums[subject] % 2**128:032x}") for subject in SUBJECTS}


def facts(store: Store) -> Iterator[tuple[str, str]]:
    """Yield (subject, row as text) for all that is held, in any order.

    Raw bodies are left out: a service echoes how it was asked, so the same answer need not be the same bytes.
    """
    with store.reading() as session:
        names = _paper_names(session)
        yield from _project_facts(session)
        yield from _paper_facts(session, names)
        yield from _text_facts(session, names)
        yield from (("cursors", _plain(c)) for c in _rows(session, HarvestCursor))
        # A page that is read again is refused again: what counts is that nothing refused is missing.
        yield from (("refusals", text) for text in {_plain(r, "job_run_id") for r in _rows(session, HarvestRefusal)})


def _project_facts(session: Session) -> Iterator[tuple[str, str]]:
    codes = {p.id: p.code for p in _rows(session, Project)}
    units = {u.id: f"{codes[u.project_id]} {u.uid}" for u in _rows(session, ObservationUnit)}
    yield from (("projects", _plain(r)) for r in _rows(session, Project))
    for r in _rows(session, ProjectRevision):
        yield "project revisions", codes[r.project_id] + _plain(r, "project_id")
    yield from (("units", unit) for unit in units.values())
    for r in _rows(session, UnitRevision):
        yield "unit revisions", units[r.unit_id] + _plain(r, "unit_id")
    for r in _rows(session, ArchiveReference):
        yield "references", codes[r.project_id] + r.bibcode


def _paper_facts(session: Session, names: Mapping[int | None, str]) -> Iterator[tuple[str, str]]:
    yield from (("papers", names[p.merged_into_id or p.id]) for p in _rows(session, Paper))
    for r in _rows(session, PaperIdentifier):
        yield "identifiers", f"{names[r.paper_id]} {r.scheme} {r.value}"
    for r in _rows(session, SourceRecord):
        yield "records", names[r.paper_id] + _plain(r, "paper_id", "payload_sha256")
    revisions: dict[int, str] = {}
    for r in _rows(session, PaperRevision):
        text = names[r.paper_id] + _plain(r, "paper_id")
        revisions[r.id] = f"{names[r.paper_id]} {_short(text)}"
        yield "revisions", text
    for a in _rows(session, PaperAuthor):
        yield "authors", revisions[a.revision_id] + _plain(a, "revision_id")
    for r in _rows(session, PaperMerge):
        yield "merges", names[r.kept_id] + names[r.merged_id] + r.reason
    for r in _rows(session, MergeProposal):
        yield "questions", names[r.paper_id] + names[r.twin_id]


def _text_facts(session: Session, names: Mapping[int | None, str]) -> Iterator[tuple[str, str]]:
    readings: dict[int, str] = {}
    for r in _rows(session, TextReading):
        text = names[r.paper_id] + _plain(r, "paper_id")
        readings[r.id] = f"{names[r.paper_id]} {_short(text)}"
        yield "readings", text
    for m in _rows(session, TextMention):
        yield "mentions", readings[m.reading_id] + _plain(m, "reading_id")


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _paper_names(session: Session) -> dict[int | None, str]:
    """Call each paper by the records that came to it."""
    keys: dict[int | None, set[str]] = {}
    for paper_id, source, key in session.exec(select(SourceRecord.paper_id, SourceRecord.source, SourceRecord.key)):
        keys.setdefault(paper_id, set()).add(f"{source} {key}")
    return {paper_id: " + ".join(sorted(names)) for paper_id, names in keys.items()}
