"""Brings another library's list into the store, to be compared with ours: in batches, and in force only when whole.

An import that breaks off anywhere leaves the list that was in force before. Of each name the list in force and the one
before it are kept row by row, so that an import can be taken back; of older ones what they counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.identity import arxiv_of_bibcode, normal_arxiv, normal_bibcode, normal_doi
from biblio.catalogue.listed import codes_in
from biblio.compare.reading import Entry, OpenList
from biblio.errors import RequestRefused, Stale
from biblio.jobs import Progress, no_progress
from biblio.runtime import Runtime
from biblio.store.found import found
from biblio.store.models import AuditEntry, ComparisonList, ComparisonRow
from biblio.store.words import Verdict
from matching.codes import Grammar

AT_ONCE = 5_000
"""Rows per transaction."""

REFUSALS_KEPT = 200
"""Refused rows that are kept with the list, with their reasons; all are handed to the caller, and all are counted."""

NAME_MAX = 64
_LONGEST_TITLE = 500
_COLUMNS = {**dict.fromkeys(("key", "bibcode", "doi", "arxiv", "codes", "title", "place"), sa.Text), "year": sa.Integer}
_LEFT_BEHIND = timedelta(days=1)
"""A list whose import is not over after so long was broken off."""


@dataclass(slots=True)
class ListCounts:
    """What became of the rows of a list: ``read`` = ``kept`` + ``repeated`` + ``left_out`` + ``refused``.

    ``repeated``: another row of a paper that was there already, whose codes were added to it. ``left_out``: a row that
    says itself that the project was not used. ``with_codes``: kept papers with a project; ``wrong_codes``: words where a project code should stand and none does.
    """

    read: int = 0
    kept: int = 0
    repeated: int = 0
    left_out: int = 0
    refused: int = 0
    with_codes: int = 0
    wrong_codes: int = 0
    promised: int | None = None
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return the counts as they are kept with the list."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to import: under which name, from where, by whom; ``told`` is called with every refused row."""

    name: str
    origin: str
    actor: Actor
    told: Callable[[str, str], None] = lambda _place, _reason: None
    progress: Progress = no_progress


def check_name(name: str) -> str:
    """Return the name of a list in its one spelling. Raises ``RequestRefused`` for one that cannot be used."""
    plain = name.strip().lower()
    if (
        plain == "import"
        or not plain
        or len(plain) > NAME_MAX
        or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in plain)
    ):
        raise RequestRefused(
            "A list’s name has letters, figures, dots and dashes, at most 64, and is not “import”: --name telbib"
        )
    return plain


def import_list(runtime: Runtime, opened: OpenList, wanted: Wanted) -> tuple[int, ListCounts]:
    """Store a list and put it in force in place of the one of this name; return its number and what became of rows.

    Raises ``RequestRefused`` where no row could be kept: the list in force stays. What reading raises leaves it too.
    """
    now, counts = runtime.clock.now(), ListCounts()
    person = wanted.actor.user_id
    with runtime.store.writing() as session:
        row = ComparisonList(name=wanted.name, origin=wanted.origin[:300], imported_at=now, imported_by_id=person)
        session.add(row)
        session.flush()
        assert row.id is not None
        list_id = row.id
    for batch in _batches(_checked(opened, runtime.grammar, counts, wanted)):
        with runtime.store.writing() as session:
            _store(session, list_id, batch)
        wanted.progress("list", opened.done(), opened.size)
    counts.promised = opened.promised
    with runtime.store.writing() as session:
        _put_in_force(session, list_id, counts, now, wanted)
    return list_id, counts


def try_list(runtime: Runtime, opened: OpenList, wanted: Wanted) -> ListCounts:
    """Say what importing a list would do, and store nothing."""
    counts = ListCounts()
    keys: set[int] = set()
    with_codes: set[int] = set()
    for row in _checked(opened, runtime.grammar, counts, wanted):
        keys.add(hash(row["key"]))
        if row["codes"]:
            with_codes.add(hash(row["key"]))
        if counts.read % AT_ONCE == 0:
            wanted.progress("list", opened.done(), opened.size)
    counts.promised = opened.promised
    counts.kept, counts.with_codes = len(keys), len(with_codes)
    counts.repeated = counts.read - counts.kept - counts.left_out - counts.refused
    return counts


def _checked(opened: OpenList, grammar: Grammar, counts: ListCounts, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The usable rows of a list; the others are counted and told."""
    for entry in opened.entries:
        counts.read += 1
        if entry.paper is not None and entry.paper.verdict in (Verdict.REJECT, Verdict.UNSURE):
            counts.left_out += 1
            continue
        row = _row(entry, grammar, counts, wanted)
        if isinstance(row, str):
            counts.refused += 1
            _tell(entry.place, row, counts, wanted)
        else:
            yield row


def _row(entry: Entry, grammar: Grammar, counts: ListCounts, wanted: Wanted) -> dict[str, Any] | str:
    """One row as it is stored, or why it cannot be."""
    paper = entry.paper
    if paper is None:
        return entry.reason or "cannot be read"
    bibcode, doi = normal_bibcode(paper.bibcode), normal_doi(paper.doi)
    arxiv = normal_arxiv(paper.arxiv_id) or (arxiv_of_bibcode(bibcode) if bibcode else None)
    key = bibcode or (f"doi:{doi}" if doi else None) or (f"arXiv:{arxiv}" if arxiv else None)
    if key is None or len(key) > 255:
        return f"{paper.key[:60]!r} is no bibcode, DOI or arXiv number"
    codes, wrong = codes_in(paper.projects, grammar) if paper.projects else ([], [])
    if wrong:
        counts.wrong_codes += len(wrong)
        _tell(entry.place, f"no project code: {', '.join(map(repr, wrong[:5]))}; the paper is kept", counts, wanted)
    return {
        "key": key,
        "bibcode": bibcode,
        "doi": doi,
        "arxiv": arxiv,
        "codes": " ".join(codes),
        "title": paper.title[:_LONGEST_TITLE] if paper.title else None,
        "year": paper.year,
        "place": entry.place,
    }


def _tell(place: str, reason: str, counts: ListCounts, wanted: Wanted) -> None:
    if len(counts.refusals) < REFUSALS_KEPT:
        counts.refusals.append((place, reason))
    wanted.told(place, reason)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows some at a time; those of one paper in a batch are one, as a statement may touch a row once."""
    batch: dict[str, dict[str, Any]] = {}
    codes: dict[str, dict[str, None]] = {}
    taken = 0
    for row in rows:
        key = row["key"]
        batch[key] = row if key not in batch else _filled(batch[key], row)
        codes.setdefault(key, {}).update(dict.fromkeys(row["codes"].split()))
        taken += 1
        if taken == AT_ONCE:
            yield [{**one, "codes": " ".join(codes[key])} for key, one in batch.items()]
            batch, codes, taken = {}, {}, 0
    if batch:
        yield [{**one, "codes": " ".join(codes[key])} for key, one in batch.items()]


def _filled(first: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: first[name] if first[name] is not None else other[name] for name in first}


def _store(session: Session, list_id: int, batch: list[dict[str, Any]]) -> None:
    """Write rows; one of a paper that is there already adds its codes, and identifiers that were not known."""
    if session.get_bind().dialect.name == "postgresql":
        # One statement with an array per column: a statement per row took five times as long.
        arrays: list[Any] = [sa.literal([row[name] for row in batch], ARRAY(kind)) for name, kind in _COLUMNS.items()]
        rows = sa.func.unnest(*arrays).table_valued(*_COLUMNS).render_derived()
        chosen = sa.select(sa.literal(list_id), *(rows.c[name] for name in _COLUMNS))
        values = postgresql.insert(ComparisonRow).from_select(["list_id", *_COLUMNS], chosen)
        session.execute(values.on_conflict_do_update(index_elements=["list_id", "key"], set_=_joined_values(values)))
        return
    statement = sqlite.insert(ComparisonRow)
    session.execute(
        statement.on_conflict_do_update(index_elements=["list_id", "key"], set_=_joined_values(statement)),
        [{**row, "list_id": list_id} for row in batch],
    )


def _joined_values(statement: Any) -> dict[str, Any]:
    there, new = ComparisonRow.__table__.c, statement.excluded  # type: ignore[attr-defined]
    kept = {name: sa.func.coalesce(there[name], new[name]) for name in ("bibcode", "doi", "arxiv", "title", "year")}
    return kept | {"codes": sa.func.trim(there.codes + " " + new.codes)}


def _put_in_force(session: Session, list_id: int, counts: ListCounts, now: datetime, wanted: Wanted) -> None:
    # Of two imports of one name that end at once the later waits here, and then sees the other's list in force.
    same_name = select(ComparisonList.id).where(col(ComparisonList.name) == wanted.name)
    session.exec(same_name.order_by(col(ComparisonList.id)).with_for_update()).all()
    row = session.get_one(ComparisonList, list_id)
    ours = col(ComparisonRow.list_id) == list_id
    counts.kept = session.execute(sa.select(sa.func.count()).select_from(ComparisonRow).where(ours)).scalar_one()
    counts.repeated = counts.read - counts.kept - counts.left_out - counts.refused
    if not counts.kept:
        first = "; ".join(f"{place}: {reason}" for place, reason in counts.refusals[:3])
        raise RequestRefused(
            f"No row of {wanted.origin} could be kept, so nothing was changed. {first}" if counts.read else
            f"{wanted.origin} holds no row, so nothing was changed."
        )  # fmt: skip
    with_codes = sa.and_(ours, col(ComparisonRow.codes) != "")
    counts.with_codes = session.execute(
        sa.select(sa.func.count()).select_from(ComparisonRow).where(with_codes)
    ).scalar_one()
    before = in_force(session, wanted.name)
    if before is not None:
        before.superseded_at = now
        session.add(before)
        session.flush()
    row.names_projects, row.counts, row.is_whole = counts.with_codes > 0, counts.plain(), True
    session.add(row)
    session.flush()
    _forget_older(session, wanted.name, {list_id, before.id if before else None}, now)
    details = {k: v for k, v in counts.plain().items() if k != "refusals"}
    _note(session, wanted.actor, "compare.import", wanted.name, now, {"origin": row.origin, **details})


def _forget_older(session: Session, name: str, kept: set[int | None], now: datetime) -> None:
    """Drop the rows, not the counts, of lists that nobody can go back to, and of imports that broke off long ago."""
    old = session.exec(
        select(ComparisonList.id).where(
            col(ComparisonList.name) == name,
            col(ComparisonList.id).not_in([i for i in kept if i is not None]),
            sa.or_(col(ComparisonList.is_whole), col(ComparisonList.imported_at) < now - _LEFT_BEHIND),
        )
    ).all()
    if old:
        session.execute(sa.delete(ComparisonRow).where(col(ComparisonRow.list_id).in_(old)))


def in_force(session: Session, name: str) -> ComparisonList | None:
    """Return the list of this name that ours is compared with now."""
    return session.exec(
        select(ComparisonList).where(
            col(ComparisonList.name) == name,
            col(ComparisonList.superseded_at).is_(None),
            col(ComparisonList.is_whole),
        )
    ).first()


def take_import_back(session: Session, actor: Actor, list_id: int, *, now: datetime) -> ComparisonList | None:
    """Take an import back: the list before it is in force again, or none. Return that list.

    Raises ``NotFound``, or ``Stale`` where the list is no longer in force.
    """
    actor.person_id()
    row = found(session, ComparisonList, list_id, "list", to_change=True)
    if row.superseded_at is not None or not row.is_whole:
        raise Stale(f"Another list is in force as {row.name} meanwhile.")
    row.superseded_at = now
    session.add(row)
    session.flush()
    has_rows = select(ComparisonRow.id).where(col(ComparisonRow.list_id) == col(ComparisonList.id)).exists()
    before = session.exec(
        select(ComparisonList)
        .where(
            col(ComparisonList.name) == row.name,
            col(ComparisonList.is_whole),
            col(ComparisonList.id) < list_id,
            has_rows,
        )
        .order_by(col(ComparisonList.id).desc())
    ).first()
    if before is not None:
        before.superseded_at = None
        session.add(before)
        session.flush()
    _note(session, actor, "compare.import_undone", row.name, now, {"origin": row.origin})
    return before


def _note(session: Session, actor: Actor, action: str, name: str, now: datetime, details: dict[str, Any]) -> None:
    session.add(AuditEntry(made_at=now, actor_id=actor.user_id, action=action, subject=f"list {name}", details=details))
