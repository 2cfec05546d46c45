"""Papers: finding which one a record is about, what is shown of it, and what people correct.

``absorb_records`` is the only way in for what sources say. It keeps every source's record, joins papers whose
identifiers meet (a recorded merge that can be undone), and never joins two that are clearly different.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue import compose
from biblio.catalogue.actor import Actor
from biblio.catalogue.groups import Group, Record, Shelf, chunks, kept_apart, new_ids, one_at_a_time, records_of_keys
from biblio.catalogue.identity import Identifier, Likeness, identifiers, objection
from biblio.errors import NotFound, RequestRefused
from biblio.store.current import survivor_of
from biblio.store.models import (
    MergeProposal,
    Paper,
    PaperAuthor,
    PaperCorrection,
    PaperIdentifier,
    PaperMerge,
    PaperRevision,
    SourceRecord,
)
from harvesters.records import PAPER_KINDS, HarvestedRecord

_SHOWN_DEFAULTS: Mapping[str, Any] = {
    "title": None, "abstract": None, "kind": None, "is_refereed": False, "journal": None, "volume": None, "page": None,
    "year": None, "published_on": None, "published_precision": None, "preprint_on": None, "updated_on": None,
    "arxiv_version": None, "citation_count": None, "is_withdrawn": False, "keywords": [],
}  # fmt: skip
_MOST_SNIPPETS = 60
_LENGTHS = {"kind": 32, "volume": 64, "page": 64}
_RECORD_FIELDS = tuple(f.name for f in fields(HarvestedRecord) if f.name not in ("source", "key", "authors", "extra"))


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
    for name in _RECORD_FIELDS:
        value = getattr(record, name)
        if value is None or value == () or (value is False and name == "is_withdrawn"):
            continue
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, tuple):
            value = [list(v) if isinstance(v, tuple) else v for v in value]
        plain[name] = value
    if record.authors:
        plain["authors"] = [
            {k: v for k, v in (("name", a.name), ("affiliation", a.affiliation), ("orcid", a.orcid)) if v}
            for a in record.authors
        ]
    if record.extra:
        plain["extra"] = dict(record.extra)
    return plain


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(slots=True)
class _Incoming:
    source: str
    key: str
    plain: dict[str, Any]
    digest: str
    identifiers: tuple[Identifier, ...]


@dataclass(slots=True)
class _Page:
    """What a page changes, gathered until it is written."""

    shelf: Shelf
    payload_sha256: str | None
    superseded: list[int] = field(default_factory=list)
    new_identifiers: list[tuple[Identifier, Paper, str]] = field(default_factory=list)
    merges: list[tuple[Paper, Paper, str]] = field(default_factory=list)
    proposals: list[tuple[Group, Group, str]] = field(default_factory=list)


def absorb_record(
    session: Session, record: HarvestedRecord, *, payload_sha256: str | None, now: datetime
) -> AbsorbOutcome:
    """Absorb one record; see ``absorb_records``, which is many times quicker for many."""
    return absorb_records(session, [record], payload_sha256=payload_sha256, now=now)[0]


def absorb_records(
    session: Session, records: Sequence[HarvestedRecord], *, payload_sha256: str | None, now: datetime
) -> list[AbsorbOutcome]:
    """Absorb a page of records in their order; return one outcome each, in the same order.

    A paper is found by its source's own key, then DOI, bibcode, arXiv id. Where identifiers meet on two papers they
    become one, unless titles and authors say that an identifier is wrong: then the papers stay apart, the record goes
    without that identifier, and a person is asked (``MergeProposal``).
    """
    incoming = [_incoming(record) for record in records]
    one_at_a_time(session)
    known = records_of_keys(session, {(i.source, i.key) for i in incoming})
    for item in incoming:
        if (row := known.get((item.source, item.key))) is not None:
            _keep_snippets(item, row.record)
    fresh = {(i.source, i.key) for i in incoming if _differs(known.get((i.source, i.key)), i)}
    page = _Page(Shelf(session, now), payload_sha256)
    page.shelf.load(fresh, [x for i in incoming if (i.source, i.key) in fresh for x in i.identifiers])
    placed: list[tuple[Group | int, Absorbed, int, tuple[str, ...]]] = []
    for item in incoming:
        if (item.source, item.key) in fresh:
            placed.append(_place(page, item))
        else:
            placed.append((known[item.source, item.key].paper_id, Absorbed.UNCHANGED, 0, ()))
    _write(page)
    return _outcomes(session, placed)


def _incoming(record: HarvestedRecord) -> _Incoming:
    plain = plain_record(record)
    return _Incoming(record.source, record.key[:255], plain, _digest(plain), identifiers(plain))


def _keep_snippets(item: _Incoming, before: Mapping[str, Any]) -> None:
    """Add the passages known already to those of a record given anew.

    ADS gives the passages that one search found; the next search finds the same paper with others, and neither is news.
    """
    known = before.get("snippets", [])
    if known:
        item.plain["snippets"] = [*known, *(s for s in item.plain.get("snippets", []) if s not in known)][
            :_MOST_SNIPPETS
        ]
        item.digest = _digest(item.plain)


def _differs(row: SourceRecord | None, item: _Incoming) -> bool:
    return row is None or row.digest != item.digest


def _outcomes(
    session: Session, placed: list[tuple[Group | int, Absorbed, int, tuple[str, ...]]]
) -> list[AbsorbOutcome]:
    outcomes = []
    for where, what, merged, conflicts in placed:
        if isinstance(where, Group):
            paper_id = where.current().root.id
        else:
            paper_id = where
        assert paper_id is not None
        outcomes.append(AbsorbOutcome(paper_id, what, merged, conflicts))
    return outcomes


def _place(page: _Page, item: _Incoming) -> tuple[Group, Absorbed, int, tuple[str, ...]]:
    """Find the record's paper (or make it), join what its identifiers join, and put the record there."""
    shelf = page.shelf
    key = (item.source, item.key)
    home = shelf.find_record(key)
    before = home.records[key] if home is not None else None
    if before is not None:
        _keep_snippets(item, before.told.record)
    if home is not None and before is not None and before.digest == item.digest:
        return home, Absorbed.UNCHANGED, 0, ()
    paper = before.paper if before is not None else None
    likeness = Likeness.of([item.plain])
    conflicts: list[tuple[Group, str]] = []
    merged = 0
    mine: list[Identifier] = []
    for identifier in item.identifiers:
        owner = shelf.find(identifier)
        if owner is None or owner is home:
            mine.append(identifier)
            continue
        why = objection(likeness, owner.likeness())
        if why is None and home is not None:
            why = _why_not_one(page, home, owner)
        if why is not None:
            conflicts.append((owner, f"{identifier} of {item.source} {item.key} belongs to another paper: {why}"))
            continue
        if home is not None:
            home = _join(page, home, owner, f"their identifiers met: {identifier} in {item.source} {item.key}")
            merged += 1
        else:
            home, paper = owner, owner.root
        mine.append(identifier)
    what = Absorbed.CHANGED
    if home is None:
        home, what = shelf.new_group(), Absorbed.NEW
    page.proposals += [(home, owner, why) for owner, why in conflicts]
    _file(page, home, paper or home.root, item, mine)
    return home, what, merged, tuple(why for _, why in conflicts)


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


def _file(page: _Page, home: Group, paper: Paper, item: _Incoming, mine: list[Identifier]) -> None:
    """Put a record and its new identifiers with ``paper``, the one of the group it came to first.

    Not with the survivor: a merge that is undone must leave each record where it was.
    """
    key = (item.source, item.key)
    before = home.records.get(key)
    if before is not None and before.row_id is not None:
        page.superseded.append(before.row_id)
    told = compose.Told(item.source, item.key, item.plain, page.shelf.now)
    home.put(Record(told, item.digest, paper, payload_sha256=page.payload_sha256))
    page.shelf.by_record[key] = home
    for identifier in mine:
        if identifier not in page.shelf.by_identifier:
            page.shelf.by_identifier[identifier] = home
            page.new_identifiers.append((identifier, paper, item.source))


def _write(page: _Page) -> None:
    """Write everything a page changed, in an order that no constraint minds."""
    session, now = page.shelf.session, page.shelf.now
    fresh = [p for g in page.shelf.groups if g.became is None for p in g.papers if p.id is None]
    for paper, paper_id in zip(fresh, new_ids(session, Paper, len(fresh)), strict=True):
        paper.id = paper_id
    if fresh:
        session.execute(sa.insert(Paper), [{"id": p.id, "first_seen_at": p.first_seen_at} for p in fresh])
    for chunk in chunks(page.superseded):
        session.execute(sa.update(SourceRecord).where(col(SourceRecord.id).in_(chunk)).values(superseded_at=now))
    rows = [
        {
            "paper_id": record.paper.id, "source": key[0], "key": key[1], "record": dict(record.told.record),
            "digest": record.digest, "payload_sha256": record.payload_sha256, "learned_at": now,
        }
        for group in page.shelf.groups if group.became is None
        for key, record in group.records.items() if record.row_id is None
    ]  # fmt: skip
    if rows:
        session.execute(sa.insert(SourceRecord), rows)
    named = [
        {"paper_id": p.id, "scheme": i.scheme, "value": i.value, "source": source, "learned_at": now}
        for i, p, source in page.new_identifiers
    ]
    if named:
        session.execute(sa.insert(PaperIdentifier), named)
    _write_merges(page)
    _write_proposals(page)
    reveal(session, [g for g in page.shelf.groups if g.is_touched], now=now)


def _write_merges(page: _Page) -> None:
    session = page.shelf.session
    rows = [
        {"kept_id": kept.id, "merged_id": merged.id, "reason": reason, "made_at": page.shelf.now}
        for kept, merged, reason in page.merges
    ]
    if not rows:
        return
    session.execute(sa.insert(PaperMerge), rows)
    for group in page.shelf.groups:
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
    propose_pairs(page.shelf.session, {pair: (0.5, reasons) for pair, reasons in wanted.items()}, now=page.shelf.now)


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


def reveal(session: Session, groups: Iterable[Group], *, now: datetime) -> int:
    """Work out anew what is shown for these groups; a revision is added only where it changed. Returns how many.

    The revision of a paper that was merged away ends: its survivor's stands for both.
    """
    groups = list(groups)
    standing = [g for g in groups if g.became is None]
    authors = _authors(
        session, [g.revision.id for g in standing if g.revision is not None and g.revision.id is not None]
    )
    ended = [p.id for g in standing for p in g.papers[1:]]
    fresh: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    for group in standing:
        shown = compose.compose([r.told for r in group.records.values()], group.corrections)
        values = {**_SHOWN_DEFAULTS, **shown.values}
        values |= {name: values[name][:size] for name, size in _LENGTHS.items() if values[name]}
        before = group.revision
        if before is not None and _is_same(before, values, shown, authors.get(before.id or 0, [])):
            continue
        if before is not None and before.id is not None:
            ended.append(group.root.id)
        assert group.root.id is not None
        row = {"paper_id": group.root.id, "learned_at": now, "provenance": shown.provenance, **values}
        fresh.append((row, shown.authors))
    for chunk in chunks(ended):
        session.execute(
            sa.update(PaperRevision)
            .where(col(PaperRevision.paper_id).in_(chunk), col(PaperRevision.superseded_at).is_(None))
            .values(superseded_at=now)
        )
    _add_revisions(session, fresh)
    return len(fresh)


def _add_revisions(session: Session, fresh: list[tuple[dict[str, Any], list[dict[str, Any]]]]) -> None:
    if not fresh:
        return
    for (row, _), revision_id in zip(fresh, new_ids(session, PaperRevision, len(fresh)), strict=True):
        row["id"] = revision_id
    session.execute(sa.insert(PaperRevision), [row for row, _ in fresh])
    rows = [
        {"revision_id": revision["id"], "position": place, "name": a["name"], "affiliation": a.get("affiliation"),
         "orcid": a.get("orcid", "")[-19:] or None}
        for revision, listed in fresh for place, a in enumerate(listed, 1)
    ]  # fmt: skip
    if rows:
        session.execute(sa.insert(PaperAuthor), rows)


def _authors(session: Session, revision_ids: list[int]) -> dict[int, list[tuple[str, str | None, str | None]]]:
    found: dict[int, list[tuple[str, str | None, str | None]]] = {}
    for chunk in chunks(revision_ids):
        query = (
            select(PaperAuthor.revision_id, PaperAuthor.name, PaperAuthor.affiliation, PaperAuthor.orcid)
            .where(col(PaperAuthor.revision_id).in_(chunk))
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        )
        for revision_id, name, affiliation, orcid in session.exec(query):
            found.setdefault(revision_id, []).append((name, affiliation, orcid))
    return found


def _is_same(
    before: PaperRevision,
    values: Mapping[str, Any],
    shown: compose.Shown,
    authors: list[tuple[str, str | None, str | None]],
) -> bool:
    listed = [(a["name"], a.get("affiliation"), a.get("orcid", "")[-19:] or None) for a in shown.authors]
    return (
        authors == listed
        and before.provenance == shown.provenance
        and all(getattr(before, name) == value for name, value in values.items())
    )


def recompose(session: Session, paper_ids: Iterable[int], *, now: datetime) -> int:
    """Work out anew what is shown for these papers (or those that stand for them); returns how many changed."""
    shelf = Shelf(session, now)
    shelf.load_papers(paper_ids)
    return reveal(session, shelf.groups, now=now)


def correct(session: Session, actor: Actor, paper_id: int, name: str, value: Any, *, now: datetime) -> PaperCorrection:
    """Put a person's value for one field above what every source says, now and later.

    Raises ``RequestRefused`` for a field that cannot be corrected or a value of the wrong kind, ``NotFound`` for an
    unknown paper. ``value`` is plain: dates as "2026-11-22"; None says that the field has no value.
    """
    person = actor.person_id()
    survivor = survivor_of(session, paper_id)
    if survivor is None:
        raise NotFound(f"There is no paper number {paper_id}.")
    checked = _checked(name, value)
    _end_correction(session, survivor, name, now)
    row = PaperCorrection(paper_id=survivor, field=name, value=checked, actor_id=person, made_at=now)
    session.add(row)
    session.flush()
    recompose(session, [survivor], now=now)
    return row


def withdraw_correction(session: Session, actor: Actor, paper_id: int, name: str, *, now: datetime) -> None:
    """Take a correction back: what the sources say is shown again. Raises ``NotFound`` where there is none."""
    actor.person_id()
    survivor = survivor_of(session, paper_id)
    if survivor is None or not _end_correction(session, survivor, name, now):
        raise NotFound(f"Nobody has corrected the {name.replace('_', ' ')} of paper number {paper_id}.")
    recompose(session, [survivor], now=now)


def _end_correction(session: Session, survivor: int, name: str, now: datetime) -> bool:
    shelf = Shelf(session, now)
    shelf.load_papers([survivor])
    rows = session.exec(
        select(PaperCorrection).where(
            col(PaperCorrection.paper_id).in_(shelf.groups[0].ids),
            col(PaperCorrection.field) == name,
            col(PaperCorrection.withdrawn_at).is_(None),
        )
    ).all()
    for row in rows:
        row.withdrawn_at = now
        session.add(row)
    session.flush()
    return bool(rows)


def _checked(name: str, value: Any) -> Any:
    """Return a correction's plain value. Raises ``RequestRefused`` saying what the field takes."""
    label = name.replace("_", " ")
    if name not in compose.CORRECTABLE:
        listed = ", ".join(n.replace("_", " ") for n in compose.CORRECTABLE)
        raise RequestRefused(f"The {label} of a paper cannot be corrected; these can: {listed}.")
    if name in ("is_refereed", "is_withdrawn"):
        if not isinstance(value, bool):
            raise RequestRefused(f"The field {label} is yes or no.")
    elif name == "year":
        if value is not None and not (isinstance(value, int) and 1500 <= value <= 2200):
            raise RequestRefused("The year is a number such as 2026.")
    elif name in ("published_on", "preprint_on"):
        try:
            value = None if value is None else date.fromisoformat(str(value)).isoformat()
        except ValueError as error:
            raise RequestRefused(f"The date {str(value)[:20]!r} is no day such as 2026-11-22.") from error
    elif name == "keywords":
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise RequestRefused("The keywords are a list of words.")
    elif name == "kind" and value not in PAPER_KINDS:
        raise RequestRefused(f"The kind is one of: {', '.join(PAPER_KINDS)}.")
    elif value is not None and not isinstance(value, str):
        raise RequestRefused(f"The {label} is a text.")
    return value
