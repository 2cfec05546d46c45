"""Building a frozen report again, from the histories as they stand now: the same bytes, or what differs and why.

A snapshot of a day that was over is built again as known at the day's end; one that was frozen before its day had ended
as known at the moment when it was frozen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.jobs import Progress, no_progress
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry
from reports.document import Report
from reports.service import FROZEN, Snapshot, build_report, document_of, subject_of
from reports.snapshots.canonical import from_json, to_json
from reports.snapshots.difference import Difference, difference


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A snapshot built again. ``is_same``: bit for bit. Else ``reasons`` are sentences, and ``found`` what moved.

    ``same_figures``: every number, interval, note and row is the same, and only what stands around them is not.
    """

    snapshot: Snapshot
    sha256: str
    is_same: bool
    same_figures: bool
    reasons: tuple[str, ...]
    found: Difference


def rebuild(runtime: Runtime, session: Session, snapshot: Snapshot, *, progress: Progress = no_progress) -> Rebuilt:
    """Build a snapshot's report again and compare. Raises ``SnapshotUnreadable`` for one that is damaged or not whole."""
    kept = document_of(session, snapshot.id)
    data = to_json(build_report(runtime, session, snapshot.as_of, known_by=snapshot.made_at, progress=progress))
    old, new = from_json(kept), from_json(data)
    return Rebuilt(
        snapshot=snapshot,
        sha256=hashlib.sha256(data).hexdigest(),
        is_same=data == kept,
        same_figures=dict(old.figures()) == dict(new.figures()) and _names(old) == _names(new),
        reasons=() if data == kept else (*_reasons(old, new), *_set_back(session, snapshot)),
        found=difference(old, new),
    )


def _set_back(session: Session, snapshot: Snapshot) -> list[str]:
    """Say if the clock was set back after the freeze: then later acts bear earlier moments, and count as known by it."""
    act = AuditEntry
    frozen = sa.select(sa.func.min(col(act.id))).where(
        col(act.action) == FROZEN, col(act.subject) == subject_of(snapshot.id)
    )
    later = sa.select(sa.func.count(), sa.func.min(col(act.made_at))).where(
        col(act.id) > frozen.scalar_subquery(),
        col(act.made_at) < snapshot.made_at,
        col(act.action) != "second_reading.called_off",  # was noted when it was resumed, before there were pauses
    )
    acts, first = session.execute(later).one()
    if not acts:
        return []
    log = f"the audit log has {acts} later {'act' if acts == 1 else 'acts'} of earlier moments (from {first:%Y-%m-%d %H:%M}"
    why = f"The clock was set back after it was frozen: {log}, UTC, on)."
    return [f"{why} What was stored then counts as known before the freeze."]


def _names(report: Report) -> tuple[dict[int, str], dict[int, str]]:
    return dict(report.projects), dict(report.papers)


def _reasons(old: Report, new: Report) -> list[str]:
    """Say what is not the same, from what explains most to what explains least."""
    found = []
    if old.version != new.version:
        found.append(f"It was built by version {old.version}; this is version {new.version}.")
    if old.profile_hash != new.profile_hash:
        found.append(
            f"The observatory's profile was changed since: {old.profile_hash[:12]} then, {new.profile_hash[:12]} now."
        )
    then, now = dict(old.figures()), dict(new.figures())
    moved = sum(figure != now[at] for at, figure in then.items() if at in now)
    if moved:
        found.append(f"{moved} of {len(then)} figures are not the same.")
    for words, count in (("are gone", len(then.keys() - now.keys())), ("are new", len(now.keys() - then.keys()))):
        if count:
            found.append(f"{count} figures {words}.")
    if old.definitions != new.definitions:
        changed = sorted(
            (old.definitions.get(key) or new.definitions[key]).name
            for key in {*old.definitions, *new.definitions}
            if old.definitions.get(key) != new.definitions.get(key)
        )
        found.append(f"Definitions are not the same: {', '.join(changed)}.")
    if _names(old) != _names(new):
        found.append("Papers or projects behind the figures are not the same, or are called otherwise.")
    if old.undecided != new.undecided:
        found.append("What waited for a decision was not the same.")
    if old.complete_through != new.complete_through:
        found.append(f"Complete through {old.complete_through} then, {new.complete_through} now.")
    if not found:
        found.append("Titles, notes or pictures of tables are not the same.")
    return found
