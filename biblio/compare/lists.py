"""The lists that ours can be compared with: imported ones, the archive's own references, and lists harvested as papers.

The last two need no import and are always as new as the last harvest: the archive's ``bib_reference`` comes with its
projects, and a library or bibgroup of ADS that was brought in with ``biblio papers import`` is a source of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.readable import readable
from biblio.catalogue.references import papers_of_bibcodes
from biblio.errors import NotFound
from biblio.store.current import survivor_id
from biblio.store.models import (
    ArchiveReference,
    ComparisonList,
    ComparisonRow,
    Paper,
    PaperIdentifier,
    Project,
    SourceRecord,
    UserAccount,
)
from biblio.store.words import Scheme

ARCHIVE = "archive"
"""The list that the archive itself keeps."""

REGISTRY = "registry"
"""As which source its references are stored."""

HARVESTED = frozenset({"ads", "arxiv", "arxiv-oai", "arxiv-rss", "by-hand"})
"""Sources of records that are no list of anybody's papers."""

_AT_ONCE = 2_000


class Kind(StrEnum):
    """Where a list lies."""

    IMPORTED = "imported"
    ARCHIVE = "archive"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class OtherList:
    """A list to compare with. ``list_id`` of an imported one; ``papers`` is how many it names."""

    name: str
    kind: Kind
    origin: str
    papers: int
    names_projects: bool
    as_of: datetime | None = None
    imported_by: str | None = None
    list_id: int | None = None


@dataclass(frozen=True, slots=True)
class Theirs:
    """One paper of a list as the comparison needs it: where it lies, our paper if we have it, and the codes it is given.

    ``ref`` is the number of the row in the list's table; ``codes`` has blanks between.
    """

    ref: int
    paper_id: int | None
    codes: str
    key: str


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One paper of a list as it is shown."""

    ref: int
    key: str
    codes: tuple[str, ...]
    title: str | None
    year: int | None
    place: str
    paper_id: int | None = None


def all_lists(session: Session) -> list[OtherList]:
    """Return every list that there is to compare with: the archive's first, then by name."""
    found = [*_archive_lists(session), *_record_lists(session)]
    rows = session.execute(
        sa.select(ComparisonList, col(UserAccount.name))
        .outerjoin(UserAccount, col(UserAccount.id) == col(ComparisonList.imported_by_id))
        .where(col(ComparisonList.superseded_at).is_(None), col(ComparisonList.is_whole))
        .order_by(col(ComparisonList.name))
    )
    imported = [
        OtherList(
            name=row.name,
            kind=Kind.IMPORTED,
            origin=readable(row.origin),
            papers=int(row.counts.get("kept", 0)),
            names_projects=row.names_projects,
            as_of=row.imported_at,
            imported_by=person,
            list_id=row.id,
        )
        for row, person in rows
    ]
    taken = {one.name for one in imported}
    return [*(one for one in found if one.name not in taken), *imported]


def find_list(session: Session, name: str) -> OtherList:
    """Return the list of this name. Raises ``NotFound`` naming those that there are."""
    there = all_lists(session)
    for one in there:
        if one.name == name.strip().lower():
            return one
    names = ", ".join(one.name for one in there) or "none yet"
    raise NotFound(f"There is no list {name[:64]!r} to compare with. There are: {names}.")


def _archive_lists(session: Session) -> list[OtherList]:
    rows = session.execute(
        sa.select(
            col(ArchiveReference.source),
            sa.func.count(sa.distinct(col(ArchiveReference.bibcode))),
            sa.func.max(col(ArchiveReference.learned_at)),
        )
        .group_by(col(ArchiveReference.source))
        .order_by(col(ArchiveReference.source))
    )
    return [
        OtherList(ARCHIVE, Kind.ARCHIVE, "the archive’s own references", papers, names_projects=True, as_of=at)
        for source, papers, at in rows
        if source == REGISTRY
    ]


def _record_lists(session: Session) -> list[OtherList]:
    rows = session.execute(
        sa.select(
            col(SourceRecord.source),
            sa.func.count(sa.distinct(col(SourceRecord.paper_id))),
            sa.func.max(col(SourceRecord.learned_at)),
        )
        .where(col(SourceRecord.superseded_at).is_(None), col(SourceRecord.source).not_in(HARVESTED))
        .group_by(col(SourceRecord.source))
        .order_by(col(SourceRecord.source))
    ).all()
    with_codes = set(session.exec(select(ArchiveReference.source).distinct()))
    return [
        OtherList(
            source.lower(), Kind.RECORDS, "papers imported under this name", papers, source in with_codes, as_of=at
        )
        for source, papers, at in rows
    ]


# -- all of a list ----------------------------------------------------------------------------------------------------


def theirs(session: Session, one: OtherList) -> Iterator[Theirs]:
    """Give every paper of a list, with ours where we have it under any of its identifiers; merges are followed."""
    if one.kind is Kind.IMPORTED:
        return _imported(session, one)
    return _archive(session) if one.kind is Kind.ARCHIVE else _records(session, one)


def _imported(session: Session, one: OtherList, refs: list[int] | None = None) -> Iterator[Theirs]:
    doi, bibcode, arxiv = (aliased(PaperIdentifier) for _ in range(3))
    query = (
        sa.select(col(ComparisonRow.id), survivor_id(), col(ComparisonRow.codes), col(ComparisonRow.key))
        .outerjoin(doi, _named(doi, Scheme.DOI, col(ComparisonRow.doi)))
        .outerjoin(bibcode, _named(bibcode, Scheme.BIBCODE, col(ComparisonRow.bibcode)))
        .outerjoin(arxiv, _named(arxiv, Scheme.ARXIV, col(ComparisonRow.arxiv)))
        .outerjoin(Paper, col(Paper.id) == sa.func.coalesce(doi.paper_id, bibcode.paper_id, arxiv.paper_id))
        .where(col(ComparisonRow.list_id) == one.list_id)
        .order_by(col(ComparisonRow.id))
    )
    if refs is not None:
        query = query.where(col(ComparisonRow.id).in_(refs))
    elif session.get_bind().dialect.name == "postgresql":
        # All rows are read: plans that give the first ones soon, as cursors get, take twice as long.
        session.execute(sa.text("SET LOCAL cursor_tuple_fraction = 1"))
    for row in session.execute(query.execution_options(yield_per=_AT_ONCE, stream_results=True)):
        yield Theirs(*row)


def _named(identifier: type[PaperIdentifier], scheme: Scheme, column: Any) -> sa.ColumnElement[bool]:
    return sa.and_(col(identifier.scheme) == scheme, col(identifier.value) == column)


def _archive(session: Session) -> Iterator[Theirs]:
    rows = session.execute(
        sa.select(col(ArchiveReference.id), col(ArchiveReference.bibcode), col(Project.code))
        .join(Project, col(Project.id) == col(ArchiveReference.project_id))
        .where(col(ArchiveReference.source) == REGISTRY)
        .order_by(col(ArchiveReference.bibcode), col(ArchiveReference.id))
    ).all()
    papers = papers_of_bibcodes(session, {row.bibcode for row in rows})
    listed: dict[str, tuple[int, list[str]]] = {}
    for ref, bibcode, code in rows:
        listed.setdefault(bibcode, (ref, []))[1].append(code)
    for bibcode, (ref, codes) in listed.items():
        yield Theirs(ref, papers.get(bibcode), " ".join(codes), bibcode)


def _records(session: Session, one: OtherList) -> Iterator[Theirs]:
    source = sa.func.lower(col(SourceRecord.source)) == one.name
    rows = session.execute(
        sa.select(sa.func.min(col(SourceRecord.id)), survivor_id(), sa.func.min(col(SourceRecord.key)))
        .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
        .where(source, col(SourceRecord.superseded_at).is_(None))
        .group_by(survivor_id())
    ).all()
    codes: dict[int, list[str]] = {}
    if one.names_projects:
        listed = session.execute(
            sa.select(col(ArchiveReference.bibcode), col(Project.code))
            .join(Project, col(Project.id) == col(ArchiveReference.project_id))
            .where(sa.func.lower(col(ArchiveReference.source)) == one.name)
        ).all()
        papers = papers_of_bibcodes(session, {bibcode for bibcode, _ in listed})
        for bibcode, code in listed:
            if bibcode in papers:
                codes.setdefault(papers[bibcode], []).append(code)
    for ref, paper_id, key in rows:
        yield Theirs(ref, paper_id, " ".join(codes.get(paper_id, ())), key)


# -- some of a list ---------------------------------------------------------------------------------------------------


def listed_rows(session: Session, one: OtherList, refs: Iterable[int]) -> dict[int, ListedRow]:
    """Return some papers of a list as they are shown, by their ``ref``."""
    found: dict[int, ListedRow] = {}
    for ids in chunks(refs):
        if one.kind is Kind.IMPORTED:
            rows = session.exec(select(ComparisonRow).where(col(ComparisonRow.id).in_(ids)))
            found |= {
                row.id: ListedRow(
                    row.id, row.key, tuple(sorted(set(row.codes.split()))), _shown(row.title), row.year, row.place
                )
                for row in rows
                if row.id is not None
            }
        elif one.kind is Kind.ARCHIVE:
            found |= _archive_rows(session, ids)
        else:
            records = session.exec(select(SourceRecord).where(col(SourceRecord.id).in_(ids)))
            for record in records:
                assert record.id is not None
                told = record.record
                found[record.id] = ListedRow(
                    record.id, record.key, (), _shown(told.get("title")), told.get("year"), f"record {record.key}"
                )
    return found


def _shown(title: str | None) -> str | None:
    return readable(title) if title else None


def _archive_rows(session: Session, ids: list[int]) -> dict[int, ListedRow]:
    bibcodes = dict(
        session.execute(
            sa.select(col(ArchiveReference.bibcode), col(ArchiveReference.id)).where(col(ArchiveReference.id).in_(ids))
        ).all()
    )
    codes: dict[str, set[str]] = {}
    rows = session.execute(
        sa.select(col(ArchiveReference.bibcode), col(Project.code))
        .join(Project, col(Project.id) == col(ArchiveReference.project_id))
        .where(col(ArchiveReference.bibcode).in_(bibcodes), col(ArchiveReference.source) == REGISTRY)
    )
    for bibcode, code in rows:
        codes.setdefault(bibcode, set()).add(code)
    return {
        ref: ListedRow(
            ref, bibcode, tuple(sorted(codes.get(bibcode, ()))), None, _year(bibcode), f"reference {bibcode}"
        )
        for bibcode, ref in bibcodes.items()
    }


def _year(bibcode: str) -> int | None:
    return int(bibcode[:4]) if bibcode[:4].isdecimal() else None


def papers_of_rows(session: Session, one: OtherList, refs: Iterable[int]) -> dict[int, int | None]:
    """Return ``ref`` → our paper (None: we do not have it) of those rows that are still in the list."""
    found: dict[int, int | None] = {}
    for ids in chunks(refs):
        if one.kind is Kind.IMPORTED:
            found |= {row.ref: row.paper_id for row in _imported(session, one, ids)}
        elif one.kind is Kind.ARCHIVE:
            bibcodes = {row.ref: row.key for row in _archive_rows(session, ids).values()}
            papers = papers_of_bibcodes(session, bibcodes.values())
            found |= {ref: papers.get(bibcode) for ref, bibcode in bibcodes.items()}
        else:
            rows = session.execute(
                sa.select(col(SourceRecord.id), survivor_id())
                .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
                .where(col(SourceRecord.id).in_(ids))
            )
            found |= dict(rows.all())
    return found


def paper_of_row(session: Session, one: OtherList, ref: int) -> int | None:
    """Return our paper of one row of a list, or None. Raises ``NotFound`` where the row is no longer there."""
    found = papers_of_rows(session, one, [ref])
    if ref not in found:
        raise NotFound("This row is no longer in the list: it was imported anew. Look at the comparison again.")
    return found[ref]
