"""The papers that a page of records touches, loaded at once, changed in memory, and written at the end.

A *group* is a paper with all that were merged into it. Looking each record up in the database would cost several
queries per record; here a page of any length costs a dozen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.compose import Told
from biblio.catalogue.identity import Identifier, Likeness
from biblio.store.models import (
    MergeProposal,
    Paper,
    PaperCorrection,
    PaperIdentifier,
    PaperMerge,
    PaperRevision,
    SourceRecord,
)
from biblio.store.words import Verdict

CHUNK = 900
"""Values in one IN list: SQLite builds of old allow 999 parameters."""

Key = tuple[str, str]
"""(source, key) of a source record."""


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """Cut values into lists that fit into one statement."""
    listed = list(values)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


def new_ids(session: Session, model: Any, count: int) -> list[int]:
    """Return ``count`` ids for new rows of a table, ascending, so that rows can be written many at a time.

    PostgreSQL's sequence gives them; SQLite has one writer, whose next rowid is the greatest plus one.
    """
    if not count:
        return []
    table = model.__table__.name
    if session.get_bind().dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table, "id")
        query = sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, count))
        return sorted(session.execute(query).scalars())
    start = session.execute(sa.select(sa.func.coalesce(sa.func.max(model.id), 0))).scalar_one()
    return list(range(start + 1, start + 1 + count))


@dataclass(slots=True, eq=False)
class ShelfPaper:
    """One paper as its row has it; ``id`` is None until it is written."""

    id: int | None = None
    merged_into_id: int | None = None


@dataclass(slots=True)
class Record:
    """One current source record; ``row_id`` is None until it is written. ``paper`` is the one it came to.

    ``text`` is the record as it will be written; None where it is written already.
    """

    told: Told
    digest: str
    paper: ShelfPaper
    row_id: int | None = None
    payload_sha256: str | None = None
    text: str | None = None


@dataclass(slots=True)
class Revision:
    """What is shown of a paper now: the row's number, its values by field, and where each is from."""

    row_id: int
    values: dict[str, Any]
    provenance: dict[str, str]


@dataclass(slots=True, eq=False)
class Group:
    """A paper (first of ``papers``) with all that were merged into it."""

    papers: list[ShelfPaper]
    records: dict[Key, Record] = field(default_factory=dict)
    revision: Revision | None = None
    corrections: dict[str, Any] = field(default_factory=dict)
    is_touched: bool = False
    became: Group | None = None
    _likeness: Likeness | None = None

    @property
    def root(self) -> ShelfPaper:
        """The paper that stands for the group."""
        return self.papers[0]

    @property
    def ids(self) -> list[int]:
        """Ids of the papers that are stored already."""
        return [p.id for p in self.papers if p.id is not None]

    def likeness(self) -> Likeness:
        """What is known of the paper for judging whether another description can be of it."""
        if self._likeness is None:
            self._likeness = Likeness.of(r.told.record for r in self.records.values())
        return self._likeness

    def put(self, record: Record) -> None:
        """Take a record in, in place of the one with the same key."""
        self.records[record.told.source, record.told.key] = record
        self._likeness = None
        self.is_touched = True

    def current(self) -> Group:
        """This group, or the one it became part of."""
        group = self
        while group.became is not None:
            group = group.became
        return group


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """The digest of a current source record and the paper it came to."""

    paper_id: int
    digest: str


@dataclass(slots=True)
class Shelf:
    """The groups a page touches, by record and by identifier; what is not on it does not exist yet."""

    session: Session
    now: datetime
    groups: list[Group] = field(default_factory=list)
    by_record: dict[Key, Group] = field(default_factory=dict)
    by_identifier: dict[Identifier, Group] = field(default_factory=dict)

    def load(self, paper_ids: Iterable[int], identifiers: Iterable[Identifier]) -> None:
        """Fetch every group that one of these papers or identifiers belongs to."""
        self.load_papers({*paper_ids, *papers_of(self.session, identifiers)})

    def load_papers(self, paper_ids: Iterable[int]) -> None:
        """Fetch the groups of these papers with their current records, identifiers, revisions and corrections."""
        by_paper = self._load_groups(paper_ids)
        papers = {p.id: p for group in self.groups for p in group.papers}
        for chunk in chunks(by_paper):
            self._fill_records(by_paper, papers, chunk)
            self._fill_shown(by_paper, chunk)

    def _load_groups(self, paper_ids: Iterable[int]) -> dict[int, Group]:
        columns = sa.select(col(Paper.id), col(Paper.merged_into_id))
        roots: set[int] = set()
        for chunk in chunks(paper_ids):
            rows = self.session.execute(columns.where(col(Paper.id).in_(chunk)))
            roots |= {merged_into or paper_id for paper_id, merged_into in rows}
        members: dict[int, list[ShelfPaper]] = {}
        for chunk in chunks(sorted(roots)):
            where = sa.or_(col(Paper.id).in_(chunk), col(Paper.merged_into_id).in_(chunk))
            for paper_id, merged_into in self.session.execute(columns.where(where).order_by(col(Paper.id))):
                members.setdefault(merged_into or paper_id, []).append(ShelfPaper(paper_id, merged_into))
        by_paper: dict[int, Group] = {}
        for root, papers in members.items():
            papers.sort(key=lambda p: (p.id != root, p.id))
            group = Group(papers)
            self.groups.append(group)
            by_paper |= dict.fromkeys(group.ids, group)
        return by_paper

    def _fill_records(self, by_paper: dict[int, Group], papers: dict[int | None, ShelfPaper], ids: list[int]) -> None:
        names = ("id", "paper_id", "source", "key", "record", "digest", "payload_sha256", "learned_at")
        current = sa.select(*(getattr(SourceRecord, name) for name in names)).where(
            col(SourceRecord.paper_id).in_(ids), col(SourceRecord.superseded_at).is_(None)
        )
        for row_id, paper_id, source, key, record, digest, payload, learned_at in self.session.execute(current):
            told = Told(source, key, record, learned_at)
            group = by_paper[paper_id]
            group.records[source, key] = Record(told, digest, papers[paper_id], row_id, payload)
            self.by_record[source, key] = group
        known = sa.select(col(PaperIdentifier.scheme), col(PaperIdentifier.value), col(PaperIdentifier.paper_id))
        for scheme, value, paper_id in self.session.execute(known.where(col(PaperIdentifier.paper_id).in_(ids))):
            self.by_identifier[Identifier(scheme, value)] = by_paper[paper_id]

    def _fill_shown(self, by_paper: dict[int, Group], ids: list[int]) -> None:
        shown = sa.select(PaperRevision.__table__).where(  # type: ignore[attr-defined]
            col(PaperRevision.paper_id).in_(ids), col(PaperRevision.superseded_at).is_(None)
        )
        for row in self.session.execute(shown).mappings():
            group = by_paper[row["paper_id"]]
            if group.root.id == row["paper_id"]:
                group.revision = Revision(row["id"], dict(row), row["provenance"])
        corrected = (
            sa.select(col(PaperCorrection.paper_id), col(PaperCorrection.field), col(PaperCorrection.value))
            .where(col(PaperCorrection.paper_id).in_(ids), col(PaperCorrection.withdrawn_at).is_(None))
            .order_by(col(PaperCorrection.id))
        )
        for paper_id, name, value in self.session.execute(corrected):
            by_paper[paper_id].corrections[name] = value

    def new_group(self) -> Group:
        """Put a paper that nobody knew yet on the shelf."""
        group = Group([ShelfPaper()])
        self.groups.append(group)
        return group

    def join(self, kept: Group, merged: Group) -> None:
        """Make two groups one in memory; the caller writes the merge down."""
        kept.papers += merged.papers
        kept.records |= merged.records
        kept.corrections = {**merged.corrections, **kept.corrections}
        kept._likeness = None
        kept.is_touched = True
        merged.became = kept
        merged.is_touched = True

    def find(self, identifier: Identifier) -> Group | None:
        """Return the group an identifier belongs to."""
        group = self.by_identifier.get(identifier)
        return group.current() if group is not None else None

    def find_record(self, key: Key) -> Group | None:
        """Return the group a source record is filed under."""
        group = self.by_record.get(key)
        return group.current() if group is not None else None


def known_records(session: Session, keys: Iterable[Key]) -> dict[Key, KnownRecord]:
    """Return what is current under these (source, key), without the records themselves."""
    by_source: dict[str, set[str]] = {}
    for source, key in keys:
        by_source.setdefault(source, set()).add(key)
    found: dict[Key, KnownRecord] = {}
    for source, wanted in by_source.items():
        for chunk in chunks(sorted(wanted)):
            query = sa.select(col(SourceRecord.key), col(SourceRecord.paper_id), col(SourceRecord.digest)).where(
                col(SourceRecord.source) == source,
                col(SourceRecord.key).in_(chunk),
                col(SourceRecord.superseded_at).is_(None),
            )
            found |= {(source, key): KnownRecord(paper_id, digest) for key, paper_id, digest in session.execute(query)}
    return found


def papers_of(session: Session, identifiers: Iterable[Identifier]) -> set[int]:
    """Return the papers that are known under any of these identifiers."""
    by_scheme: dict[Any, set[str]] = {}
    for identifier in identifiers:
        by_scheme.setdefault(identifier.scheme, set()).add(identifier.value)
    found: set[int] = set()
    for scheme, values in by_scheme.items():
        for chunk in chunks(sorted(values)):
            query = sa.select(col(PaperIdentifier.paper_id)).where(
                col(PaperIdentifier.scheme) == scheme, col(PaperIdentifier.value).in_(chunk)
            )
            found |= set(session.execute(query).scalars())
    return found


def kept_apart(session: Session, one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether a person said that two groups of papers are not one: undid their merge, or refused the proposal."""
    if not one or not other:
        return False
    both = [*one, *other]
    merges = session.exec(
        select(PaperMerge).where(
            col(PaperMerge.undone_by_id).is_not(None),
            col(PaperMerge.kept_id).in_(both),
            col(PaperMerge.merged_id).in_(both),
        )
    )
    refused = session.exec(
        select(MergeProposal).where(
            col(MergeProposal.verdict) == Verdict.REJECT,
            col(MergeProposal.paper_id).in_(both),
            col(MergeProposal.twin_id).in_(both),
        )
    )
    pairs = [(m.kept_id, m.merged_id) for m in merges] + [(p.paper_id, p.twin_id) for p in refused]
    return any((a in one) != (b in one) for a, b in pairs)
