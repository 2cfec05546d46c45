"""Papers: finding which one a record is about, and keeping what every source says of it.

``absorb_records`` is the only way in for what sources say. It keeps every source's record, joins papers whose
identifiers meet (a recorded merge that can be undone), and never joins two that are clearly different.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue import compose
from biblio.catalogue.groups import (
    Group,
    Key,
    Record,
    Shelf,
    ShelfPaper,
    chunks,
    kept_apart,
    known_records,
    new_ids,
    papers_of,
)
from biblio.catalogue.identity import Identifier, Likeness, bibcodes, identifiers, objection
from biblio.catalogue.revisions import reveal
from biblio.catalogue.rows import encoded, insert_rows
from biblio.store.locks import Turn, take_turn
from biblio.store.models import (
    MergeProposal,
    Paper,
    PaperIdentifier,
    PaperMerge,
    SourceRecord,
)
from harvesters.records import HarvestedAuthor, HarvestedRecord

_MOST_SNIPPETS = 60
_ONE_HARVEST = timedelta(days=1)
"""Further passages that come within this time are added to a record without a new row in its history."""
_RECORD_FIELDS = tuple(f.name for f in fields(HarvestedRecord) if f.name not in ("source", "key", "authors", "extra"))
_record_values = attrgetter(*_RECORD_FIELDS)


class Absorbed(StrEnum):
    """What a record did to the catalogue."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class AbsorbOutcome:
    """What became of one record. ``merged`` counts papers found to be this one; ``conflicts`` are sentences."""

    paper_id: int
    what: Absorbed
    merged: int = 0
    conflicts: tuple[str, ...] = ()


def plain_record(record: HarvestedRecord) -> dict[str, Any]:
    """Return a record as plain JSON values; what the source did not give is left out."""
    plain: dict[str, Any] = {}
    for name, value in zip(_RECORD_FIELDS, _record_values(record), strict=True):
        if not value and (value is None or value == () or name == "is_withdrawn"):
            continue
        if isinstance(value, tuple):
            plain[name] = [list(v) if isinstance(v, tuple) else v for v in value]
        else:
            plain[name] = value.isoformat() if isinstance(value, date) else value
    if record.authors:
        plain["authors"] = [_plain_author(author) for author in record.authors]
    if record.extra:
        plain["extra"] = dict(record.extra)
    return plain


def _plain_author(author: HarvestedAuthor) -> dict[str, str]:
    plain = {"name": author.name} if author.name else {}
    if author.affiliation:
        plain["affiliation"] = author.affiliation
    if author.orcid:
        plain["orcid"] = author.orcid
    return plain


class _Incoming:
    """One record on its way in, with the text and digest under which it will be kept."""

    __slots__ = ("digest", "key", "plain", "source", "text")

    def __init__(self, source: str, key: str, plain: dict[str, Any]) -> None:
        self.source, self.key, self.plain = source, key, plain
        self.text = encoded(plain)
        self.digest = hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def id(self) -> Key:
        """(source, key)."""
        return self.source, self.key


@dataclass(slots=True)
class _Page:
    """What a page changes, gathered until it is written."""

    shelf: Shelf
    payload_sha256: str | None
    superseded: list[int] = field(default_factory=list)
    amended: dict[int, Record] = field(default_factory=dict)
    new_identifiers: list[tuple[Identifier, ShelfPaper, str]] = field(default_factory=list)
    merges: list[tuple[ShelfPaper, ShelfPaper, str]] = field(default_factory=list)
    proposals: list[tuple[Group, Group, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Met:
    """Where a record's identifiers lead: to ``home`` (None: a paper that nobody knew), and which of them are its own."""

    home: Group | None
    mine: list[Identifier] = field(default_factory=list)
    merged: int = 0
    conflicts: list[tuple[Group, str]] = field(default_factory=list)


_Placed = tuple[Group | int, Absorbed, int, tuple[str, ...]]


def absorb_records(
    session: Session, records: Sequence[HarvestedRecord], *, payload_sha256: str | None, now: datetime
) -> list[AbsorbOutcome]:
    """Absorb a page of records in their order; return one outcome each, in the same order.

    A paper is found by its source's own key, then DOI, bibcode, arXiv id. Where identifiers meet on two papers they
    become one, unless titles and authors say that an identifier is wrong: then the papers stay apart, the record goes
    without that identifier, and a person is asked (``MergeProposal``). A record under a source's new number for the
    same paper (a preprint that became an article) takes the place of the one under the old number.
    """
    with _uncollected():
        return _outcomes(_absorbed(session, records, payload_sha256, now))


def without_unknown_deletions(session: Session, records: Sequence[HarvestedRecord]) -> list[HarvestedRecord]:
    """Return the records but for those that only say that a source deleted a paper we never heard of."""
    deleted = [record for record in records if record.is_deletion]
    if not deleted:
        return list(records)
    known = known_records(session, {(record.source, record.key[:255]) for record in deleted})
    unknown = {
        id(record)
        for record in deleted
        if (record.source, record.key[:255]) not in known and not papers_of(session, identifiers(plain_record(record)))
    }
    return [record for record in records if id(record) not in unknown]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for circles of dead objects meanwhile: a page makes none, and all of it dies at once.

    Each look goes through every object of the application; they took a sixth of the time of a page.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _absorbed(
    session: Session, records: Sequence[HarvestedRecord], payload_sha256: str | None, now: datetime
) -> list[_Placed]:
    """Place each record of a page, and write what that changed."""
    incoming = [_Incoming(record.source, record.key[:255], plain_record(record)) for record in records]
    take_turn(session, Turn.PAPERS)
    known = known_records(session, {item.id for item in incoming})
    fresh = {item.id for item in incoming if item.id not in known or known[item.id].digest != item.digest}
    named = {place: identifiers(item.plain) for place, item in enumerate(incoming) if item.id in fresh}
    page = _Page(Shelf(session, now), payload_sha256)
    page.shelf.load(
        {known[key].paper_id for key in fresh if key in known}, {x for some in named.values() for x in some}
    )
    placed: list[_Placed] = [
        _place(page, item, named[place]) if place in named else (known[item.id].paper_id, Absorbed.UNCHANGED, 0, ())
        for place, item in enumerate(incoming)
    ]
    _write(page)
    return placed


def _outcomes(placed: list[_Placed]) -> list[AbsorbOutcome]:
    outcomes = []
    for where, what, merged, conflicts in placed:
        paper_id = where.current().root.id if isinstance(where, Group) else where
        assert paper_id is not None
        outcomes.append(AbsorbOutcome(paper_id, what, merged, conflicts))
    return outcomes


def _with_what_was_told(item: _Incoming, before: Mapping[str, Any]) -> _Incoming:
    """Return a record given anew with what its source told before and does not say again.

    ADS gives the passages that one search found; the next search finds the same paper with others, and neither is
    news. arXiv says of a deleted paper nothing but that it is deleted.
    """
    plain = item.plain
    if plain.get("is_withdrawn") and not plain.get("title"):
        plain = {**before, **plain, "extra": {**before.get("extra", {}), **plain.get("extra", {})}}
    if told := before.get("snippets"):
        more = [passage for passage in item.plain.get("snippets", ()) if passage not in told]
        plain = {**plain, "snippets": [*told, *more][:_MOST_SNIPPETS]}
    return item if plain is item.plain else _Incoming(item.source, item.key, plain)


def _place(page: _Page, item: _Incoming, named: Sequence[Identifier]) -> _Placed:
    """Find the record's paper (or make it), join what its identifiers join, and put the record there."""
    home = page.shelf.find_record(item.id)
    if home is not None:
        before = home.records[item.id]
        item = _with_what_was_told(item, before.told.record)
        if before.digest == item.digest:
            return home, Absorbed.UNCHANGED, 0, ()
    met = _follow(page, item, named, home)
    what = Absorbed.CHANGED if met.home is not None else Absorbed.NEW
    group = met.home or page.shelf.new_group()
    page.proposals += [(group, owner, why) for owner, why in met.conflicts]
    newer = _newer(group, item)
    if newer is not None:
        item = _as_passages(item, newer)
    paper = _paper_for(group, item)
    for identifier in met.mine:
        if identifier not in page.shelf.by_identifier:
            page.shelf.by_identifier[identifier] = group
            page.new_identifiers.append((identifier, paper, item.source))
    if newer is None or newer.digest != item.digest:
        _file(page, group, paper, item)
    elif not met.merged:
        what = Absorbed.UNCHANGED
    return group, what, met.merged, tuple(why for _, why in met.conflicts)


def _follow(page: _Page, item: _Incoming, named: Sequence[Identifier], home: Group | None) -> _Met:
    """Follow a record's identifiers to the papers they belong to, and join those, unless something objects."""
    met = _Met(home)
    likeness: Likeness | None = None
    for identifier in named:
        owner = page.shelf.find(identifier)
        if owner is None or owner is met.home:
            met.mine.append(identifier)
            continue
        likeness = likeness or Likeness.of([item.plain])
        why = objection(likeness, owner.likeness())
        if why is None and met.home is not None:
            why = _why_not_one(page, met.home, owner)
        if why is not None:
            why = f"{identifier} of {item.source} {item.key} belongs to another paper: {why}"
            met.conflicts.append((owner, why))
            continue
        if met.home is not None:
            reason = f"their identifiers met: {identifier} in {item.source} {item.key}"
            met.home = _join(page, met.home, owner, reason)
            met.merged += 1
        else:
            met.home = owner
        met.mine.append(identifier)
    return met


def _why_not_one(page: _Page, home: Group, owner: Group) -> str | None:
    if why := objection(home.likeness(), owner.likeness()):
        return why
    if kept_apart(page.shelf.session, home.ids, owner.ids):
        return "a person has said that they are two"
    return None


def _join(page: _Page, one: Group, other: Group, reason: str) -> Group:
    """Make two groups one: the older paper stands for both."""

    def age(group: Group) -> tuple[bool, int]:
        return group.root.id is None, group.root.id or page.shelf.groups.index(group)

    kept, merged = sorted((one, other), key=age)
    page.merges.append((kept.root, merged.root, reason))
    page.shelf.join(kept, merged)
    return kept


def _renames(newer: Mapping[str, Any], key: str) -> bool:
    """Whether a record says that ``key`` is an old bibcode of its own."""
    return newer.get("bibcode") != key and key in bibcodes(newer)


def _older(group: Group, item: _Incoming) -> list[Record]:
    """Return what the same source told of the group under numbers that it has given up for this record's."""
    return [
        r for r in group.records.values()
        if r.told.source == item.source and r.told.key != item.key
        and _renames(item.plain, r.told.key) and not _renames(r.told.record, item.key)
    ]  # fmt: skip


def _newer(group: Group, item: _Incoming) -> Record | None:
    """Return the record under the number for which its source has given up this record's, if it came first."""
    for record in group.records.values():
        told = record.told
        if (
            told.source == item.source
            and told.key != item.key
            and _renames(told.record, item.key)
            and not _renames(item.plain, told.key)
        ):
            return record
    return None


def _as_passages(item: _Incoming, newer: Record) -> _Incoming:
    """Return the newer record with the passages of one that came too late; of that one nothing else is news."""
    plain = dict(newer.told.record)
    if passages := item.plain.get("snippets"):
        plain["snippets"] = passages
    return _with_what_was_told(_Incoming(item.source, newer.told.key, plain), newer.told.record)


def _paper_for(group: Group, item: _Incoming) -> ShelfPaper:
    """Return the paper of the group that a record belongs to: where it was, or what it takes the place of.

    Not the survivor: a merge that is undone must leave each record where it was.
    """
    before = group.records.get(item.id)
    if before is None:
        before = next(iter(_older(group, item)), None)
    return before.paper if before is not None else group.root


def _file(page: _Page, group: Group, paper: ShelfPaper, item: _Incoming) -> None:
    """Put a record with its paper, in place of what its source told before."""
    before = group.records.get(item.id)
    for old in _older(group, item):
        item = _with_what_was_told(item, old.told.record)
        if old.paper is not paper:  # else a merge that is undone would leave that paper with nothing told of it
            continue
        page.shelf.by_record.pop((old.told.source, old.told.key), None)
        del group.records[old.told.source, old.told.key]
        if old.row_id is not None:
            page.superseded.append(old.row_id)
    told = compose.Told(item.source, item.key, item.plain, page.shelf.now)
    record = Record(told, item.digest, paper, payload_sha256=page.payload_sha256, text=item.text)
    if before is not None and before.row_id is not None:
        if _only_adds_passages(before.told, told):
            record.row_id = before.row_id
            record.told = replace(told, learned_at=before.told.learned_at)
            page.amended[before.row_id] = record
        else:
            page.superseded.append(before.row_id)
    group.put(record)
    page.shelf.by_record[item.id] = group


def _only_adds_passages(before: compose.Told, told: compose.Told) -> bool:
    """Whether a record says the same as the one before but for further passages, within one harvest.

    Each of a dozen searches may find the same paper; a row in its history for each of them would tell nothing.
    """
    if told.learned_at - before.learned_at >= _ONE_HARVEST:
        return False
    one, other = ({k: v for k, v in t.record.items() if k != "snippets"} for t in (before, told))
    return one == other


def _write(page: _Page) -> None:
    """Write everything a page changed, in an order that no constraint minds."""
    session, now = page.shelf.session, page.shelf.now
    standing = [group for group in page.shelf.groups if group.became is None]
    fresh = [paper for group in standing for paper in group.papers if paper.id is None]
    for paper, paper_id in zip(fresh, new_ids(session, Paper, len(fresh)), strict=True):
        paper.id = paper_id
    insert_rows(session, Paper, ("id", "first_seen_at"), [(paper.id, now) for paper in fresh])
    for chunk in chunks(page.superseded):
        session.execute(sa.update(SourceRecord).where(col(SourceRecord.id).in_(chunk)).values(superseded_at=now))
    _write_records(page, [r for group in standing for r in group.records.values() if r.text is not None])
    named = [(p.id, i.scheme, i.value, source, now) for i, p, source in page.new_identifiers]
    insert_rows(session, PaperIdentifier, ("paper_id", "scheme", "value", "source", "learned_at"), named)
    _write_merges(page)
    _write_proposals(page)
    reveal(session, [group for group in page.shelf.groups if group.is_touched], now=now)


def _write_records(page: _Page, records: list[Record]) -> None:
    session, now = page.shelf.session, page.shelf.now
    names = ("paper_id", "source", "key", "record", "digest", "payload_sha256", "learned_at", "bibgroups")
    rows = [
        (r.paper.id, r.told.source, r.told.key, r.text, r.digest, r.payload_sha256, now, _bibgroups(r.told.record))
        for r in records
        if r.row_id is None
    ]
    insert_rows(session, SourceRecord, names, rows)
    if page.amended:
        table = SourceRecord.__table__  # type: ignore[attr-defined]
        amend = sa.update(table).where(table.c.id == sa.bindparam("row_id"))
        changes = [
            {"row_id": row_id, "record": r.told.record, "digest": r.digest, "payload_sha256": r.payload_sha256}
            for row_id, r in page.amended.items()
        ]
        session.connection().execute(amend, changes)


def _bibgroups(record: Mapping[str, Any]) -> str | None:
    """Return the bibliographies in ADS that a record names, as far as their column holds them."""
    return str(record.get("extra", {}).get("bibgroups") or "")[:_LONGEST_BIBGROUPS] or None


_LONGEST_BIBGROUPS = 600
"""Characters; ADS knows some fifty bibliographies, of which a paper is in a handful."""


def _write_merges(page: _Page) -> None:
    session = page.shelf.session
    rows = [(kept.id, merged.id, reason, page.shelf.now) for kept, merged, reason in page.merges]
    insert_rows(session, PaperMerge, ("kept_id", "merged_id", "reason", "made_at"), rows)
    for group in page.shelf.groups if rows else ():
        moved = [p.id for p in group.papers[1:] if p.merged_into_id != group.root.id]
        if group.became is None and moved:
            session.execute(sa.update(Paper).where(col(Paper.id).in_(moved)).values(merged_into_id=group.root.id))


def _write_proposals(page: _Page) -> None:
    wanted: dict[tuple[int, int], list[str]] = {}
    for group, other, reason in page.proposals:
        one, two = group.current().root.id, other.current().root.id
        assert one is not None
        assert two is not None
        if one != two:
            wanted.setdefault((min(one, two), max(one, two)), []).append(reason)
    if wanted:
        propose_pairs(
            page.shelf.session, {pair: (0.5, reasons) for pair, reasons in wanted.items()}, now=page.shelf.now
        )


def propose_pairs(session: Session, pairs: Mapping[tuple[int, int], tuple[float, list[str]]], *, now: datetime) -> int:
    """Ask a person whether pairs of papers (lower id first) are one; pairs asked before are left. Returns the new ones."""
    known: set[tuple[int, int]] = set()
    for chunk in chunks(sorted({one for one, _ in pairs})):
        rows = session.exec(select(MergeProposal).where(col(MergeProposal.paper_id).in_(chunk)))
        known |= {(row.paper_id, row.twin_id) for row in rows}
    fresh = {pair: what for pair, what in pairs.items() if pair not in known}
    for (one, two), (probability, reasons) in sorted(fresh.items()):
        session.add(MergeProposal(paper_id=one, twin_id=two, probability=probability, reasons=reasons, proposed_at=now))
    session.flush()
    return len(fresh)
