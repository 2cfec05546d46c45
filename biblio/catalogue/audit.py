"""The audit log: one reading over every history, the latest act first; nothing is copied and nothing can be changed.

A page is found by keys: of every stream (``audit_streams``) the newest acts before a place, joined by UNION ALL, so that
page 10,000 costs what the first one does. What is under an open blind second reading is told without verdict, reason,
relation and score to everyone but its first reader, and no word of it can be searched for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.audit_streams import Kind, Stream, Told, streams
from biblio.errors import RequestRefused
from biblio.store.current import papers_under_second_reading, survivor_id
from biblio.store.models import (
    CandidateRevision,
    Decision,
    Paper,
    PaperRevision,
    Project,
    SecondReading,
    UserAccount,
)
from biblio.store.search import holds

AT_ONCE = 500
"""Acts read at a time where all are exported."""

_PLACE = re.compile(r"(\d{8}T\d{12})\.([a-z-]{1,20})\.(\d{1,18})")
_STAMP = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for. ``who``: a user's number, 0 the machine; days are both included; ``papers``: one's group."""

    who: int | None = None
    kind: Kind | None = None
    first: date | None = None
    last: date | None = None
    papers: tuple[int, ...] | None = None
    project: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log an act stands: its moment, its stream and its row. Written in addresses as ``str(place)``."""

    at: datetime
    stream: str
    row: int

    def __str__(self) -> str:
        """The place as it stands in an address."""
        return f"{self.at.astimezone(UTC):{_STAMP}}.{self.stream}.{self.row}"

    @classmethod
    def read(cls, written: str) -> Place:
        """Return the place that an address names. Raises ``RequestRefused`` for none."""
        found = _PLACE.fullmatch(written)
        if found is None or found[2] not in _numbers():
            raise RequestRefused("This is no place in the audit log: begin at its first page.")
        try:
            at = datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
        except ValueError as error:
            raise RequestRefused("This is no place in the audit log: begin at its first page.") from error
        return cls(at, found[2], int(found[3]))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the machine thought of a candidate when somebody decided: the revision that was on their screen."""

    revision_id: int
    score: float
    band: str
    rules_digest: str
    model_version: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """One entry of the log. ``who`` is "biblio" for the machine; ``is_hidden``: a second reader has yet to judge."""

    place: Place
    kind: Kind
    who: str
    what: str
    reason: str = ""
    details: tuple[tuple[str, str], ...] = ()
    paper_id: int | None = None
    title: str | None = None
    project: str | None = None
    seen: Seen | None = None
    decision_id: int | None = None
    is_hidden: bool = False

    @property
    def at(self) -> datetime:
        """When it was done."""
        return self.place.at

    def plain(self) -> dict[str, Any]:
        """Return the act as the export writes it."""
        seen = self.seen
        return {
            "place": str(self.place),
            "when": self.at.astimezone(UTC).isoformat(),
            "who": self.who,
            "kind": self.kind.value,
            "what": self.what,
            "reason": self.reason,
            "paper": self.paper_id,
            "project": self.project,
            "details": dict(self.details),
            "score": seen.score if seen else None,
            "band": seen.band if seen else None,
            "rules": seen.rules_digest if seen else None,
            "model": seen.model_version if seen else None,
            "evidence_revision": seen.revision_id if seen else None,
            "hidden": self.is_hidden,
        }


def _numbers() -> dict[str, int]:
    return {stream.name: number for number, stream in enumerate(streams())}


def hidden_papers(viewer: int | None) -> sa.Select[Any]:
    """Select the ids of all papers whose judgements ``viewer`` (None: nobody in person) must not see now.

    A paper is open to the first reader of *every* open second reading of it, and to nobody else.
    """
    held = papers_under_second_reading()
    if viewer is not None:
        held = held.where(col(SecondReading.first_reader_id) != viewer)
    return sa.select(col(Paper.id)).where(survivor_id().in_(held))


def page(
    session: Session, wanted: Wanted, *, viewer: int | None, before: Place | None = None, size: int = 50
) -> list[Act]:
    """Return the newest ``size`` acts that are ``wanted`` (before a place, without that one), the latest first."""
    found = _places(session, wanted, viewer, before, size)
    rows: dict[str, dict[int, Any]] = {}
    by_stream: dict[str, list[int]] = defaultdict(list)
    for place in found:
        by_stream[place.stream].append(place.row)
    for stream in streams():
        if ids := by_stream.get(stream.name):
            rows[stream.name] = _rows(session, stream, ids)
    return _told(session, found, rows, viewer)


def everything(session: Session, wanted: Wanted, *, viewer: int | None, most: int | None = None) -> Iterator[Act]:
    """Give all acts that are ``wanted``, at most ``most``, the latest first, some at a time."""
    before: Place | None = None
    left = most
    while left is None or left > 0:
        size = AT_ONCE if left is None else min(AT_ONCE, left)
        acts = page(session, wanted, viewer=viewer, before=before, size=size)
        yield from acts
        if len(acts) < size:
            return
        before = acts[-1].place
        left = None if left is None else left - len(acts)


def count(session: Session, wanted: Wanted, *, viewer: int | None) -> int:
    """Return how many acts are ``wanted``, in one statement."""
    selects = [
        sa.select(sa.func.count().label("acts")).select_from(select.order_by(None).subquery())
        for _, select in _selects(wanted, viewer, None)
    ]
    if not selects:
        return 0
    counted = sa.union_all(*selects).subquery()
    return int(session.execute(sa.select(sa.func.sum(counted.c.acts))).scalar_one() or 0)


def _selects(wanted: Wanted, viewer: int | None, before: Place | None) -> Iterator[tuple[Stream, sa.Select[Any]]]:
    """Give for each stream that can hold what is wanted a select of its acts' moments and rows, the latest first."""
    for number, stream in enumerate(streams()):
        conditions = _conditions(stream, wanted, viewer)
        if conditions is None:
            continue
        key = col(stream.model.id)  # type: ignore[attr-defined]
        if before is not None:
            conditions.append(_earlier(stream, number, key, before))
        columns: tuple[Any, ...] = (sa.literal(number).label("stream"), stream.at.label("at"), key.label("row"))
        select: sa.Select[Any] = sa.select(*columns).where(*conditions)
        if stream.join is not None:
            select = select.join(*stream.join)
        yield stream, select.order_by(stream.at.desc(), key.desc())


def _earlier(stream: Stream, number: int, key: Any, before: Place) -> Any:
    """The condition that an act stands before a place: earlier, or at its moment in a later stream or row."""
    own = _numbers()[before.stream]
    if number < own:
        return stream.at <= before.at
    if number > own:
        return stream.at < before.at
    return sa.or_(stream.at < before.at, sa.and_(stream.at == before.at, key < before.row))


def _conditions(stream: Stream, wanted: Wanted, viewer: int | None) -> list[Any] | None:
    """Return which rows of a stream are wanted; None where it can hold none."""
    found: list[Any] = [stream.at.is_not(None), *stream.where]
    if wanted.kind is not None:
        kinds = dict(stream.kinds) or {stream.kind: sa.true()}
        if wanted.kind not in kinds:
            return None
        found.append(kinds[wanted.kind])
    if wanted.who is not None:
        if stream.actor is None and wanted.who:
            return None
        if stream.actor is not None:
            found.append(stream.actor == wanted.who if wanted.who else stream.actor.is_(None))
    if wanted.papers is not None:
        if stream.paper is None:
            return None
        found.append(_of_papers(stream, wanted.papers))
    if wanted.project is not None:
        if stream.project is None:
            return None
        found.append(stream.project == wanted.project)
    if wanted.first is not None:
        found.append(stream.at >= datetime.combine(wanted.first, time(), UTC))
    if wanted.last is not None and wanted.last < date.max:
        found.append(stream.at < datetime.combine(wanted.last + timedelta(days=1), time(), UTC))
    if wanted.words.strip():
        if not stream.words:
            return None
        found += _holding(stream, wanted.words.split(), viewer)
    return found


def _holding(stream: Stream, words: Sequence[str], viewer: int | None) -> Iterator[Any]:
    """Give the conditions that a stream's texts hold all words; of what must not be seen, none is searched."""
    for word in words:
        yield sa.or_(*(holds(column, word) for column in stream.words))
    if stream.judges:
        yield stream.paper.not_in(hidden_papers(viewer))


def _of_papers(stream: Stream, papers: Sequence[int]) -> Any:
    """An act is about a paper of the group; a merge is about both papers."""
    own = stream.paper.in_(papers)
    others = [column for name in ("merged_id", "twin_id") if (column := getattr(stream.model, name, None)) is not None]
    return sa.or_(own, *(col(column).in_(papers) for column in others))


def _places(session: Session, wanted: Wanted, viewer: int | None, before: Place | None, size: int) -> list[Place]:
    """Return where the newest acts stand, in one statement: of each stream no more than could be shown."""
    parts = [select.limit(size).subquery() for _, select in _selects(wanted, viewer, before)]
    if not parts:
        return []
    joined = sa.union_all(*(sa.select(part.c.stream, part.c.at, part.c.row) for part in parts)).subquery()
    ordered = sa.select(joined).order_by(joined.c.at.desc(), joined.c.stream.desc(), joined.c.row.desc()).limit(size)
    named = streams()
    return [Place(at, named[number].name, row) for number, at, row in session.execute(ordered)]


def _rows(session: Session, stream: Stream, ids: Sequence[int]) -> dict[int, Any]:
    """Return the rows of a stream with the columns the log reads of them: row, actor, paper, project."""
    columns = [column if column is not None else sa.null() for column in (stream.actor, stream.paper, stream.project)]
    key = col(stream.model.id)  # type: ignore[attr-defined]
    select = sa.select(stream.model, *columns).where(key.in_(ids))
    if stream.join is not None:
        select = select.join(*stream.join)
    return {row[0].id: row for row in session.execute(select)}


def _told(session: Session, places: Sequence[Place], rows: dict[str, dict[int, Any]], viewer: int | None) -> list[Act]:
    """Return the acts at these places in words, with the names of people, papers and projects."""
    streams_by_name = {stream.name: stream for stream in streams()}
    used = [rows[place.stream][place.row] for place in places]
    people = _people(session, {row[1] for row in used if row[1] is not None})
    papers = _titles(session, {row[2] for row in used if row[2] is not None})
    projects = _codes(session, {row[3] for row in used if row[3] is not None})
    hidden = _hidden_among(session, set(papers), viewer)
    decisions = [row[0] for row in used if isinstance(row[0], Decision)]
    seen = _seen(session, {d.candidate_revision_id for d in decisions if d.candidate_revision_id is not None})
    acts = []
    for place in places:
        stream = streams_by_name[place.stream]
        row, actor, paper, project = rows[place.stream][place.row]
        is_hidden = stream.judges and paper in hidden
        told = Told(stream.masked) if is_hidden else stream.tell(row)
        decided = row if isinstance(row, Decision) else None
        survivor, title = papers.get(paper, (None, None))
        acts.append(
            Act(
                place=place,
                kind=stream.kind_of(row) if stream.kind_of is not None else stream.kind,
                who=people.get(actor, "biblio") if actor is not None else _nobody(stream, row),
                what=told.what,
                reason=told.reason,
                details=told.details,
                paper_id=survivor,
                title=title,
                project=projects.get(project),
                seen=seen.get(decided.candidate_revision_id or 0) if decided and not is_hidden else None,
                decision_id=decided.id if decided and not is_hidden else None,
                is_hidden=is_hidden,
            )
        )
    return acts


def _nobody(stream: Stream, row: Any) -> str:
    """Who acted where no account did: as the entry says, else a reader or the machine."""
    details = getattr(row, "details", None)
    return str(details.get("by", stream.nobody)) if isinstance(details, dict) else stream.nobody


def _people(session: Session, ids: set[int]) -> dict[int, str]:
    rows = session.execute(sa.select(col(UserAccount.id), col(UserAccount.name)).where(col(UserAccount.id).in_(ids)))
    return {row[0]: row[1] for row in rows}


def _titles(session: Session, ids: set[int]) -> dict[int, tuple[int, str | None]]:
    """Return the survivor and the title shown of papers, by id."""
    rows = session.execute(
        sa.select(col(Paper.id), survivor_id(), col(PaperRevision.title))
        .outerjoin(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == survivor_id(), col(PaperRevision.superseded_at).is_(None)),
        )
        .where(col(Paper.id).in_(ids))
    )
    return {paper: (survivor, title) for paper, survivor, title in rows}


def _codes(session: Session, ids: set[int]) -> dict[int, str]:
    rows = session.execute(sa.select(col(Project.id), col(Project.code)).where(col(Project.id).in_(ids)))
    return {row[0]: row[1] for row in rows}


def _hidden_among(session: Session, ids: set[int], viewer: int | None) -> set[int]:
    return set(session.execute(hidden_papers(viewer).where(col(Paper.id).in_(ids))).scalars()) if ids else set()


def _seen(session: Session, ids: set[int]) -> dict[int, Seen]:
    """Return what was on the screen, by the revision's number."""
    columns = (
        col(CandidateRevision.id),
        col(CandidateRevision.score),
        col(CandidateRevision.band),
        col(CandidateRevision.rules_digest),
        col(CandidateRevision.model_version),
    )
    rows = session.execute(sa.select(*columns).where(col(CandidateRevision.id).in_(ids))) if ids else ()
    return {row[0]: Seen(row[0], row[1], row[2].value, row[3], row[4]) for row in rows}
