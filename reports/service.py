"""Writes and reads of frozen reports: a snapshot holds the whole report, is never changed, and can be built again.

``freeze`` keeps one, ``snapshots`` lists them, ``load_snapshot`` reads one back, ``hidden_now`` says what of it must
not be named at present.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.bulk import beside
from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused
from biblio.garbage import collecting_later
from biblio.jobs import Progress, no_progress
from biblio.runtime import Runtime
from biblio.store.current import members_under_second_reading, projects_under_second_reading
from biblio.store.locks import Turn, see_one_moment, take_turn
from biblio.store.models import AuditEntry, Paper, ReportSnapshot, UserAccount
from reports.building import report_of
from reports.document import Address, Report
from reports.facts.authors import make_ready
from reports.facts.counted import Counted
from reports.facts.reading import begin_reading
from reports.room import ROOM
from reports.snapshots.canonical import SnapshotUnreadable, from_json, packed, rounded, to_json, unpacked
from reports.snapshots.difference import Difference, difference
from reports.snapshots.hiding import Hidden
from reports.snapshots.settling import settled_moment
from reports.themes import OF_AUTHORS, THEMES, theme_of

__all__ = [
    "Difference",
    "Frozen",
    "Made",
    "Snapshot",
    "build_report",
    "build_to_freeze",
    "difference",
    "document_of",
    "freeze",
    "hidden_now",
    "load_snapshot",
    "place_of",
    "snapshot_before",
    "snapshot_called",
    "snapshots",
]

KEEP = 8
"""How many frozen reports a process keeps read, as far as there is room; a large one takes some tens of megabytes."""

MANY = 20_000
"""From so many papers on, authors are read in a process of their own: less would not pay for starting it."""

_READ = 10
"""Bytes in memory, about, for each byte of the document."""

_KEEPER = ROOM.keeper()
_lock = threading.Lock()
_kept: OrderedDict[str, Report] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Made:
    """By which recipe of the profile, and for which of its periods, a report is frozen."""

    recipe: str
    period: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is said of a snapshot without reading its document.

    ``figures`` are the numbers of the first page by address (``theme/table/row/column``); of a snapshot that holds
    nothing else (``is_whole`` false: frozen before whole reports were) by indicator.
    """

    id: int
    as_of: date
    made_at: datetime
    made_by: str | None
    made: Made | None
    version: str | None
    profile_hash: str | None
    sha256: str | None
    undecided: Mapping[str, int]
    figures: Mapping[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether the whole report was frozen, not its first numbers alone."""
        return self.sha256 is not None


@dataclass(frozen=True, slots=True)
class Frozen:
    """What ``freeze`` did: the snapshot that holds the report, and whether it is a new one."""

    snapshot: Snapshot
    is_new: bool


def build_report(
    runtime: Runtime,
    session: Session,
    as_of: date,
    *,
    known_by: datetime | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Count everything as known at the end of ``as_of`` (UTC), or at ``known_by`` where that is earlier.

    Raises ``RequestRefused`` for a day to come.
    """
    today = _refuse_day_to_come(runtime, as_of)
    progress("reading the facts", 0, 1)

    def made(aside: Executor | None) -> Report:
        facts, bibliography = begin_reading(
            session, runtime.profile, as_of, today=today, known_by=known_by, aside=aside
        )
        counted = Counted(facts, runtime.profile, aside)
        counted.learn(bibliography())
        progress("reading the facts", 1, 1)
        for done, key in enumerate(sorted(THEMES, key=OF_AUTHORS.__contains__), start=1):
            theme_of(counted, key)
            progress("counting", done, len(THEMES))
        return report_of(counted, tuple(theme_of(counted, key) for key in THEMES))

    # The facts are let go within it: the search for garbage need not look at them once more.
    with collecting_later(), _aside(session) as aside:
        return made(aside)


@contextmanager
def _aside(session: Session) -> Iterator[Executor | None]:
    """Give a process that compares names beside this one where there are many; it makes itself ready meanwhile."""
    if (session.execute(sa.select(sa.func.max(col(Paper.id)))).scalar() or 0) < MANY:
        yield None
        return
    with beside() as process:
        if process is not None:
            process.submit(make_ready)
        yield process


def _refuse_day_to_come(runtime: Runtime, as_of: date) -> date:
    """Return today."""
    today = runtime.clock.today()
    if as_of > today:
        raise RequestRefused(f"A report of {as_of} cannot be made before that day; today is {today} (UTC).")
    return today


@dataclass(frozen=True, slots=True)
class Built:
    """A report to be frozen, and the moment by which its facts were known."""

    report: Report
    known_by: datetime


def build_to_freeze(runtime: Runtime, as_of: date | None = None, *, progress: Progress = no_progress) -> Built:
    """Count everything as known at the end of ``as_of`` (None: today), so that it can be built again bit for bit.

    All is read as of one moment by which everything written down before it was stored: who writes is waited for.
    Raises ``RequestRefused`` for a day to come, or where somebody writes for very long.
    """
    if as_of is not None:
        _refuse_day_to_come(runtime, as_of)
    moment = settled_moment(runtime)
    with runtime.store.reading() as session:
        see_one_moment(session)
        return Built(build_report(runtime, session, as_of or moment.date(), known_by=moment, progress=progress), moment)


def freeze(
    session: Session,
    actor: Actor,
    report: Report,
    *,
    now: datetime,
    made: Made | None = None,
    force: bool = False,
) -> Frozen:
    """Keep a report as it is. ``now`` is the moment by which its facts were known (``build_to_freeze``).

    Where the newest snapshot of the same day holds the same bytes there is nothing new and that one is returned, unless
    ``force``. A recipe's report is kept once for each of its periods, whatever it says. Of several who freeze at once each
    waits for the one before it, and finds what that one kept.
    """
    data = to_json(report)
    digest = hashlib.sha256(data).hexdigest()
    take_turn(session, Turn.REPORTS)
    there = None if force and made is None else _same(session, report.as_of, digest, made)
    if there is not None:
        return Frozen(snapshot_called(session, there), is_new=False)
    row = ReportSnapshot(
        as_of=report.as_of,
        made_at=now,
        figures=headline_of(report),
        made_by_id=actor.user_id,
        recipe=made.recipe if made else None,
        period=made.period if made else None,
        version=report.version,
        profile_hash=report.profile_hash,
        sha256=digest,
        document=packed(data),
        undecided=dict(report.undecided),
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    session.add(_noted(row))
    session.flush()
    session.expunge(row)
    return Frozen(snapshot_called(session, row.id), is_new=True)


FROZEN = "report.frozen"
"""The act of the audit log; migration 0020 reads it too."""


def subject_of(snapshot: int | None) -> str:
    """Return what the audit log calls a snapshot."""
    return f"snapshot {snapshot}"


def _noted(row: ReportSnapshot) -> AuditEntry:
    """Return the entry of the audit log that says who froze it."""
    made = {"recipe": row.recipe, "period": row.period} if row.recipe else {}
    return AuditEntry(
        made_at=row.made_at,
        actor_id=row.made_by_id,
        action=FROZEN,
        subject=subject_of(row.id),
        details={"as_of": row.as_of.isoformat(), "sha256": row.sha256, **made},
    )


def _same(session: Session, as_of: date, digest: str, made: Made | None) -> int | None:
    """Return the snapshot that makes another one needless: a recipe's of this period, else the day's newest if the same."""
    row = ReportSnapshot
    if made is not None:
        return session.exec(
            select(row.id).where(col(row.recipe) == made.recipe, col(row.period) == made.period)
        ).first()
    newest = session.execute(
        sa.select(col(row.id), col(row.sha256)).where(col(row.as_of) == as_of).order_by(*_NEWEST_FIRST).limit(1)
    ).first()
    return newest.id if newest is not None and newest.sha256 == digest else None


def headline_of(report: Report) -> dict[str, float | int]:
    """Return the numbers of the first page by address, without those that have no value."""
    found = {}
    for at in report.headline:
        value = report.figure(at).value
        if value is not None:
            found[place_of(at)] = rounded(value) if isinstance(value, float) else value
    return found


def place_of(at: Address) -> str:
    """Return an address as one word, as ``figures`` of a snapshot have it."""
    return f"{at.theme}/{at.table}/{at.row}/{at.column}"


_NEWEST_FIRST = (col(ReportSnapshot.as_of).desc(), col(ReportSnapshot.made_at).desc(), col(ReportSnapshot.id).desc())
"""A report of a day of long ago that is frozen today is no newer than one of last month."""

_COLUMNS = ("id", "as_of", "made_at", "recipe", "period", "version", "profile_hash", "sha256")


def snapshots(session: Session) -> list[Snapshot]:
    """Return all snapshots without their documents, the newest first: by their day, then by when they were made."""
    return [_told(row) for row in session.execute(_selected().order_by(*_NEWEST_FIRST))]


def snapshot_before(session: Session, day: date) -> Snapshot | None:
    """Return the newest whole snapshot of an earlier day than this one, if there is any."""
    earlier = col(ReportSnapshot.sha256).is_not(None), col(ReportSnapshot.as_of) < day
    row = session.execute(_selected().where(*earlier).order_by(*_NEWEST_FIRST).limit(1)).first()
    return None if row is None else _told(row)


def snapshot_called(session: Session, name: int | str) -> Snapshot:
    """Return the snapshot with this number, or for "latest" the whole one of the latest day. Raises ``NotFound``."""
    query = _selected().order_by(*_NEWEST_FIRST).limit(1)
    if name == "latest":
        row = session.execute(query.where(col(ReportSnapshot.sha256).is_not(None))).first()
        if row is None:
            raise NotFound("No report is frozen yet: `biblio report build` freezes one.")
        return _told(row)
    number = int(name) if str(name).isascii() and str(name).isdigit() and len(str(name)) < 10 else 0
    row = session.execute(query.where(col(ReportSnapshot.id) == number)).first()
    if row is None:
        raise NotFound(f"There is no snapshot {name!s:.40}; `biblio report list` shows those there are.")
    return _told(row)


def _selected() -> Any:
    columns = [getattr(ReportSnapshot, name) for name in _COLUMNS]
    # As text: one damaged row must not take all others out of every list.
    plain = [sa.cast(getattr(ReportSnapshot, name), sa.Text).label(name) for name in ("undecided", "figures")]
    return sa.select(*columns, *plain, col(UserAccount.name).label("made_by")).outerjoin(
        UserAccount, col(UserAccount.id) == col(ReportSnapshot.made_by_id)
    )


def _told(row: Any) -> Snapshot:
    return Snapshot(
        id=row.id,
        as_of=row.as_of,
        made_at=row.made_at,
        made_by=row.made_by,
        made=Made(row.recipe, row.period) if row.recipe is not None else None,
        version=row.version,
        profile_hash=row.profile_hash,
        sha256=row.sha256,
        undecided=_numbers(row.undecided),
        figures=_numbers(row.figures),
    )


def _numbers(told: str | None) -> dict[str, Any]:
    """Return the numbers by name that a JSON text holds; what is damaged holds none."""
    try:
        plain = json.loads(told or "{}")
    except (ValueError, RecursionError):
        return {}
    numbers = plain.items() if isinstance(plain, dict) else ()
    return {name: value for name, value in numbers if isinstance(value, int | float) and math.isfinite(value)}


def document_of(session: Session, number: int) -> bytes:
    """Return the canonical JSON of a snapshot, checked against its SHA-256.

    Raises ``NotFound``, or ``SnapshotUnreadable`` where it has none or was damaged.
    """
    row = session.execute(
        sa.select(col(ReportSnapshot.document), col(ReportSnapshot.sha256)).where(col(ReportSnapshot.id) == number)
    ).first()
    if row is None:
        raise NotFound(f"There is no snapshot {number}; `biblio report list` shows those there are.")
    if row.document is None:
        raise SnapshotUnreadable(
            f"Snapshot {number} was frozen before whole reports were kept: only its first numbers are there. "
            "`biblio report build --as-of` with its day freezes the whole report of that day."
        )
    data = unpacked(row.document)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise SnapshotUnreadable(
            f"The document of snapshot {number} is not the one that was frozen: its SHA-256 differs. Restore it from a "
            "backup of the database."
        )
    return data


def load_snapshot(session: Session, number: int) -> Report:
    """Return the report that a snapshot holds; read once per process. Raises as ``document_of``."""
    digest = session.execute(sa.select(col(ReportSnapshot.sha256)).where(col(ReportSnapshot.id) == number)).scalar()
    with _lock:
        if digest is not None and digest in _kept:
            _kept.move_to_end(digest)
            ROOM.look(_KEEPER, digest)
            return _kept[digest]
    document = document_of(session, number)
    report = from_json(document)
    with _lock:
        _kept[str(digest)] = report
        while len(_kept) > KEEP:
            _kept.popitem(last=False)
    ROOM.use(_KEEPER, digest, _READ * len(document), lambda: _let_go(str(digest)))
    return report


def _let_go(digest: str) -> None:
    with _lock:
        _kept.pop(digest, None)


def hidden_now(session: Session) -> Hidden:
    """Return what must not be named at this moment: a second reader has yet to judge it."""
    papers = session.execute(members_under_second_reading()).scalars()
    return Hidden(frozenset(papers), frozenset(projects_under_second_reading(session)))
