"""What ingest reads of papers and projects: texts that are due, papers by file name, the project list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.identity import Identifier
from biblio.catalogue.terms import ARXIV
from biblio.store.current import group_ids, survivor_id
from biblio.store.models import (
    Contact,
    ObservationUnit,
    Paper,
    PaperIdentifier,
    PaperRevision,
    Project,
    ProjectRevision,
    SourceRecord,
    TextReading,
    UnitRevision,
)
from biblio.store.words import Scheme


def count_papers(session: Session) -> int:
    """Return how many papers there are, each counted once."""
    return session.exec(select(sa.func.count()).where(col(Paper.merged_into_id).is_(None))).one()


@dataclass(slots=True)
class ShortText:
    """The short texts of one paper, and for each origin (hash, rules) of the reading in force."""

    paper_id: int
    title: str
    abstract: str
    snippets: list[tuple[str, str]] = field(default_factory=list)
    known: dict[str, tuple[str | None, str]] = field(default_factory=dict)


def short_texts(session: Session, *, after: int, limit: int) -> list[ShortText]:
    """Return titles, abstracts and snippets of the next papers by number."""
    rows = session.execute(
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.title), col(PaperRevision.abstract))
        .where(col(PaperRevision.superseded_at).is_(None), col(PaperRevision.paper_id) > after)
        .order_by(col(PaperRevision.paper_id))
        .limit(limit)
    )
    found = {paper_id: ShortText(paper_id, title or "", abstract or "") for paper_id, title, abstract in rows}
    survivor = survivor_id()
    for ids in chunks(found):
        records = session.execute(
            sa.select(survivor, col(SourceRecord.key), col(SourceRecord.record))
            .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
            .where(survivor.in_(ids), col(SourceRecord.superseded_at).is_(None), col(SourceRecord.source) == "ads")
            .order_by(col(SourceRecord.key))
        )
        for paper_id, _key, record in records:
            found[paper_id].snippets += [(str(name), str(text)) for name, text in record.get("snippets", ())]
        readings = session.exec(
            select(TextReading).where(
                col(TextReading.paper_id).in_(ids),
                col(TextReading.superseded_at).is_(None),
                col(TextReading.origin).in_(("abstract", "snippet")),
            )
        )
        for reading in readings:
            found[reading.paper_id].known[reading.origin] = (reading.sha256, reading.rules_digest)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class EprintDue:
    """A paper whose e-print was not read in its newest version; ``is_again``: it was, but not for use and mention."""

    paper_id: int
    arxiv_id: str
    version: int | None
    names_us: bool
    preprint_on: date | None
    is_again: bool = False
    is_awaited: bool = False
    """Its authors were asked to mend it before press: whether they did is to be known soon."""

    @property
    def version_name(self) -> str:
        """The version as readings name it."""
        return f"{self.arxiv_id}v{self.version}" if self.version else self.arxiv_id


@dataclass(frozen=True, slots=True)
class EprintCounts:
    """How the e-prints of all papers with an arXiv number stand; each paper is in one of the first five.

    ``newer``: read, and arXiv has a newer version since. ``again``: read before phrases of use and mention were kept,
    so that it is fetched again when nothing else waits. ``waiting``: never fetched; ``ours`` of these (and of
    ``newer``) are papers that a source found by our names, which are fetched first.
    """

    read: int = 0
    again: int = 0
    newer: int = 0
    refused: int = 0
    waiting: int = 0
    ours: int = 0

    @property
    def total(self) -> int:
        """How many papers have an e-print."""
        return self.read + self.again + self.newer + self.refused + self.waiting

    @property
    def due(self) -> int:
        """How many e-prints the reading will ask for."""
        return self.newer + self.waiting + self.again


def eprint_counts(session: Session) -> EprintCounts:
    """Return how many e-prints were read, could not be read, and wait."""
    read, refused, again = _read_versions(session), _refused_eprints(session), _read_for_codes_only(session)
    counts = {"read": 0, "again": 0, "newer": 0, "refused": 0, "waiting": 0, "ours": 0}
    for one in _eprints(session):
        versions = read.get(one.paper_id)
        if versions is None or one.version_name not in versions:
            counts["waiting" if versions is None else "newer"] += 1
            counts["ours"] += one.names_us
        else:
            counts["refused" if one.paper_id in refused else "again" if one.paper_id in again else "read"] += 1
    return EprintCounts(**counts)


def _read_for_codes_only(session: Session) -> set[int]:
    """Papers whose e-print was read before phrases of use and mention were kept; the text itself is gone."""
    return _eprints_read(session, col(TextReading.refusal).is_(None), col(TextReading.phrases_digest).is_(None))


def _refused_eprints(session: Session) -> set[int]:
    """Papers whose e-print, in the version fetched last, holds nothing that can be read."""
    return _eprints_read(session, col(TextReading.refusal).is_not(None))


def _eprints_read(session: Session, *conditions: sa.ColumnElement[bool]) -> set[int]:
    """Papers whose reading of the e-print in force is so."""
    rows = session.execute(
        sa.select(survivor_id())
        .join(TextReading, col(TextReading.paper_id) == col(Paper.id))
        .where(col(TextReading.origin) == "eprint", col(TextReading.superseded_at).is_(None), *conditions)
    )
    return set(rows.scalars())


def eprints_due(session: Session) -> list[EprintDue]:
    """Return the papers whose e-print is to be read: those whose authors were asked to mend something, those that
    sources found by our names, then the newest.

    Last come those that were read in this version already, but before phrases of use and mention were kept.
    """
    read, again = _read_versions(session), _read_for_codes_only(session)
    due = []
    for one in _eprints(session):
        is_read = one.version_name in read.get(one.paper_id, ())
        if not is_read or one.paper_id in again:
            due.append(replace(one, is_again=is_read))
    return sorted(due, key=_urgency)


def eprint_of(session: Session, paper_id: int) -> EprintDue | None:
    """Return the e-print of one paper (the one that stands for its group) where it was not read in its newest version."""
    group = group_ids(session, paper_id)
    row = session.execute(
        sa.select(col(PaperIdentifier.value), col(PaperRevision.arxiv_version), col(PaperRevision.preprint_on))
        .join(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == paper_id, col(PaperRevision.superseded_at).is_(None)),
        )
        .where(col(PaperIdentifier.scheme) == Scheme.ARXIV, col(PaperIdentifier.paper_id).in_(group))
        .order_by(col(PaperIdentifier.id))
    ).first()
    if row is None:
        return None
    due = EprintDue(paper_id, row[0], row[1], True, row[2])
    read = session.exec(
        select(TextReading.id).where(
            col(TextReading.paper_id).in_(group),
            col(TextReading.origin) == "eprint",
            col(TextReading.version) == due.version_name,
            col(TextReading.superseded_at).is_(None),
        )
    ).first()
    return due if read is None else None


def _urgency(due: EprintDue) -> tuple[bool, bool, bool, int, int]:
    newest_first = -(due.preprint_on or date.min).toordinal()
    return due.is_again, not due.is_awaited, not due.names_us, newest_first, due.paper_id


def _eprints(session: Session) -> list[EprintDue]:
    """Return every paper with an arXiv number, in the version that arXiv gave last."""
    survivor = survivor_id()
    rows = session.execute(
        sa.select(
            survivor, col(PaperIdentifier.value), col(PaperRevision.arxiv_version), col(PaperRevision.preprint_on)
        )
        .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
        .join(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == survivor, col(PaperRevision.superseded_at).is_(None)),
        )
        .where(col(PaperIdentifier.scheme) == Scheme.ARXIV)
        .order_by(col(PaperIdentifier.id))
    )
    first: dict[int, tuple[str, int | None, date | None]] = {}
    for paper_id, value, version, preprint_on in rows:
        first.setdefault(paper_id, (value, version, preprint_on))
    ours, awaited = _papers_naming_us(session), _papers_awaited(session)
    return [
        EprintDue(paper_id, value, version, paper_id in ours, preprint_on, is_awaited=paper_id in awaited)
        for paper_id, (value, version, preprint_on) in first.items()
    ]


def _papers_awaited(session: Session) -> set[int]:
    """Papers with an open letter to an author."""
    rows = session.execute(
        sa.select(survivor_id())
        .join(Contact, col(Contact.paper_id) == col(Paper.id))
        .where(col(Contact.ended_at).is_(None))
    )
    return set(rows.scalars())


def _read_versions(session: Session) -> dict[int, set[str | None]]:
    survivor = survivor_id()
    rows = session.execute(
        sa.select(survivor, col(TextReading.version))
        .join(Paper, col(Paper.id) == col(TextReading.paper_id))
        .where(col(TextReading.origin) == "eprint", col(TextReading.superseded_at).is_(None))
    )
    found: dict[int, set[str | None]] = {}
    for paper_id, version in rows:
        found.setdefault(paper_id, set()).add(version)
    return found


def _papers_naming_us(session: Session) -> set[int]:
    """Papers that ADS found by our phrases, or that a library's own list holds: all records but arXiv's listings."""
    survivor = survivor_id()
    rows = session.execute(
        sa.select(survivor)
        .join(SourceRecord, col(SourceRecord.paper_id) == col(Paper.id))
        .where(col(SourceRecord.superseded_at).is_(None), ~col(SourceRecord.source).startswith(ARXIV))
        .distinct()
    )
    return set(rows.scalars())


def papers_of_files(session: Session, files: Mapping[Path, Sequence[str | Identifier]]) -> dict[Path, int]:
    """Return the paper each file is named by, the first of its possible meanings that is known."""
    known: dict[str | Identifier, int] = {}
    survivor = survivor_id()
    wanted = {meaning for meanings in files.values() for meaning in meanings}
    for chunk in chunks(sorted({m.value for m in wanted if isinstance(m, Identifier)})):
        rows = session.execute(
            sa.select(col(PaperIdentifier.scheme), col(PaperIdentifier.value), survivor)
            .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
            .where(col(PaperIdentifier.value).in_(chunk))
        )
        known |= {Identifier(scheme, value): paper_id for scheme, value, paper_id in rows}
    for chunk in chunks(sorted({m for m in wanted if isinstance(m, str)})):
        rows = session.execute(
            sa.select(col(SourceRecord.key), survivor)
            .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
            .where(col(SourceRecord.key).in_(chunk), col(SourceRecord.superseded_at).is_(None))
            .order_by(col(SourceRecord.id).desc())
        )
        known |= dict(rows.all())
    found = {}
    for path, meanings in files.items():
        paper_id = next((known[m] for m in meanings if m in known), None)
        if paper_id is not None:
            found[path] = paper_id
    return found


def folder_hashes(session: Session) -> dict[int, tuple[str | None, str, str | None]]:
    """Return (hash, rules, phrases) of the text from a folder that each paper was last read in."""
    rows = session.exec(
        select(TextReading).where(col(TextReading.origin) == "folder", col(TextReading.superseded_at).is_(None))
    )
    return {row.paper_id: (row.sha256, row.rules_digest, row.phrases_digest) for row in rows}


# -- projects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project as known now, with its units: (uid, delivered, released, observed, exposure in s)."""

    code: str
    revision: ProjectRevision | None
    units: tuple[tuple[str, UnitRevision | None], ...]

    def as_row(self, facets: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the row that the import reads; what is not known is left out, and so are addresses.

        ``facets``: the columns that the profile divides by, and what they are kept as.
        """
        row: dict[str, Any] = {"code": self.code}
        if self.revision is not None:
            for name in ("title", "abstract", "pi", "co_is", "category", "keywords", "targets", "partner", "state"):
                if value := getattr(self.revision, name):
                    row[name] = value
            told = self.revision.extra
            row |= {column: told[key] for column, key in (facets or {}).items() if told.get(key)}
        row["units"] = [{"uid": uid} | _dates(revision) for uid, revision in self.units]
        return row


def _dates(revision: UnitRevision | None) -> dict[str, Any]:
    if revision is None:
        return {}
    found: dict[str, Any] = {}
    for name in ("delivered_on", "released_on", "observed_on", "exposure_s"):
        value = getattr(revision, name)
        if value is not None:
            found[name] = value.isoformat() if isinstance(value, date) else value
    return found


def all_projects(session: Session) -> list[ProjectFacts]:
    """Return every project as known now, by code."""
    current = {
        row.project_id: row
        for row in session.exec(select(ProjectRevision).where(col(ProjectRevision.superseded_at).is_(None)))
    }
    units: dict[int, list[tuple[str, UnitRevision | None]]] = {}
    dated = (
        select(ObservationUnit, UnitRevision)
        .join(
            UnitRevision,
            sa.and_(col(UnitRevision.unit_id) == col(ObservationUnit.id), col(UnitRevision.superseded_at).is_(None)),
            isouter=True,
        )
        .order_by(col(ObservationUnit.uid))
    )
    for unit, revision in session.exec(dated):
        units.setdefault(unit.project_id, []).append((unit.uid, revision))
    return [
        ProjectFacts(project.code, current.get(project.id or 0), tuple(units.get(project.id or 0, ())))
        for project in session.exec(select(Project).order_by(col(Project.code)))
    ]
