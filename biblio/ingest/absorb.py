"""Storing one harvested page: its body, what it held, what was refused, and where to go on; all of it or nothing.

A run killed at any instant leaves whole pages only, and the next run asks for the page after the last stored one.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from biblio.catalogue.papers import Absorbed, AbsorbOutcome, absorb_records, without_unknown_deletions
from biblio.catalogue.projects import Recorded, record_projects
from biblio.ingest.days import with_possible_days
from biblio.ingest.places import HarvestPlace, Tally, forget_place, move_place
from biblio.jobs import require_running
from biblio.runtime import Runtime
from biblio.store.asked_for import AskedFor
from biblio.store.models import HarvestPage, HarvestRefusal, Payload, Quota, RequestCount
from harvesters import http, quota
from harvesters.protocol import Page, ParsedPage
from harvesters.records import Refusal

_PACKED = 1
"""How hard bodies are packed (1–9). Pages of arXiv shrink to 40 % at 1 and to 33 % at 6, which takes five times as long:
a third of all the time it takes to store a page."""


@dataclass(slots=True)
class PageCounts:
    """What one page held and did; ``seen`` = ``records`` + ``refused`` + ``ignored``."""

    seen: int = 0
    records: int = 0
    refused: int = 0
    ignored: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    merged: int = 0
    conflicts: int = 0
    moved: int = 0
    """Units whose release date moved."""
    refusals: list[Refusal] = field(default_factory=list)
    conflict_reasons: list[str] = field(default_factory=list)
    new_keys: list[str] = field(default_factory=list)
    outcomes: list[AbsorbOutcome] = field(default_factory=list)
    """What became of each record of a paper that was not ignored, in their order."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a page goes: the run it belongs to, the place it moves (None: none), and who may set PIs' addresses.

    ``asked_for`` is what the place belongs to, ``tally`` what its reading has given with this page; ``is_once``: the
    place is forgotten with the last page.
    """

    run_id: int | None
    cursor: str | None
    take_emails: bool = False
    asked_for: AskedFor | None = None
    tally: Tally = field(default_factory=Tally)
    is_once: bool = False


def store_page(
    runtime: Runtime,
    page: Page,
    parsed: ParsedPage,
    destination: Destination,
    asked: http.PoliteSession | None = None,
) -> PageCounts:
    """Store a page and everything in it in one transaction; return what it did. Nothing is open before or after.

    What the session ``asked`` knows of requests and quotas is stored with it. Raises ``RunSuperseded`` when a later run
    took the place of the one the page belongs to.
    """
    sha256, packed = hashlib.sha256(page.body).hexdigest(), zlib.compress(page.body, _PACKED)
    with runtime.store.writing() as session:
        now = runtime.clock.now()
        require_running(session, destination.run_id)  # a machine that slept must not move back where another has been
        keep_payload(session, sha256, packed, len(page.body), now)
        counts = absorb_parsed(session, runtime, page, parsed, destination, sha256)
        session.add(_page_row(page, sha256, counts, destination, now))
        add_refusals(session, counts.refusals, destination.run_id, now)
        if asked is not None:
            note_asked(session, asked, now)
        if destination.cursor is not None and destination.is_once and page.is_last:
            forget_place(session, destination.cursor)
        elif destination.cursor is not None:
            place = HarvestPlace(page.next_cursor, destination.asked_for, destination.tally)
            move_place(session, destination.cursor, place, now)
    return counts


def absorb_parsed(
    session: Session, runtime: Runtime, page: Page, parsed: ParsedPage, destination: Destination, sha256: str | None
) -> PageCounts:
    """Absorb the records and projects of a page and count what they did."""
    now = runtime.clock.now()
    parsed = with_possible_days(parsed, runtime.profile, page.place)
    records = without_unknown_deletions(session, parsed.records)
    ignored = parsed.ignored + len(parsed.records) - len(records)
    counts = PageCounts(seen=parsed.seen, ignored=ignored, refusals=list(parsed.refusals))
    counts.outcomes = absorb_records(session, records, payload_sha256=sha256, now=now)
    for record, outcome in zip(records, counts.outcomes, strict=True):
        counts.records += 1
        setattr(counts, outcome.what.value, getattr(counts, outcome.what.value) + 1)
        counts.merged += outcome.merged
        counts.conflicts += len(outcome.conflicts)
        counts.conflict_reasons += outcome.conflicts
        if outcome.what is Absorbed.NEW:
            counts.new_keys.append(record.key)
    told = record_projects(
        session, parsed.projects, grammar=runtime.grammar, now=now, take_emails=destination.take_emails
    )
    for project, recorded in zip(parsed.projects, told, strict=True):
        if recorded.what is Recorded.REFUSED:
            place = project.place or page.place
            counts.refusals.append(Refusal(project.source, place, recorded.reason or "refused", project.code[:80]))
            continue
        counts.records += 1
        setattr(counts, recorded.what.value, getattr(counts, recorded.what.value) + 1)
        counts.moved += recorded.moved
    counts.refused = len(counts.refusals)
    return counts


def _page_row(page: Page, sha256: str, counts: PageCounts, destination: Destination, now: datetime) -> HarvestPage:
    first, last = page.window or (None, None)
    return HarvestPage(
        job_run_id=destination.run_id,
        source=page.source[:32],
        place=page.place,
        payload_sha256=sha256,
        content_type="".join(sign for sign in page.content_type[:128] if sign.isprintable()),
        fetched_at=now,
        promised=page.promised,
        records=counts.records,
        refused=counts.refused,
        ignored=counts.ignored,
        new=counts.new,
        changed=counts.changed,
        window_from=date.fromisoformat(first) if first else None,
        window_to=date.fromisoformat(last) if last else None,
        is_last=page.is_last,
        next_cursor=dict(page.next_cursor),
        asked_for=destination.asked_for.plain() if destination.asked_for else None,
    )


def store_refused_page(runtime: Runtime, page: Page, reason: str, run_id: int | None) -> None:
    """Keep the body of a page that could not be read, with its place and reason; the cursor stays before it.

    Its row covers no days, so that the days it should have covered stay a hole.
    """
    page = replace(page, window=None, promised=None, is_last=False)
    sha256, packed = hashlib.sha256(page.body).hexdigest(), zlib.compress(page.body, _PACKED)
    with runtime.store.writing() as session:
        now = runtime.clock.now()
        require_running(session, run_id)
        keep_payload(session, sha256, packed, len(page.body), now)
        session.add(_page_row(page, sha256, PageCounts(refused=1), Destination(run_id, None), now))
        add_refusals(session, [Refusal(page.source, page.place, reason)], run_id, now)


def keep_payload(session: Session, sha256: str, packed: bytes, size: int, now: datetime) -> None:
    """Keep a raw body once by its hash."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"sha256": sha256, "body": packed, "size": size, "first_seen_at": now}
    session.execute(insert(Payload).values(values).on_conflict_do_nothing())


def add_refusals(session: Session, refusals: Iterable[Refusal], run_id: int | None, now: datetime) -> None:
    """Note what could not be read: which, where and why."""
    session.add_all(
        HarvestRefusal(
            job_run_id=run_id, source=r.source[:32], place=r.place, key=r.key, reason=r.reason, refused_at=now
        )
        for r in refusals
    )


def note_asked(session: Session, asked: http.PoliteSession, now: datetime) -> None:
    """Keep what a session was told is left of today's requests, and add what it spent to the ledger."""
    for left in asked.quotas.values():
        resets_at = datetime.fromtimestamp(left.resets_at, UTC) if left.resets_at else None
        session.merge(
            Quota(
                service=asked.service[:32],
                endpoint=left.endpoint[:64],
                allowed=left.limit,
                remaining=left.remaining,
                resets_at=resets_at,
                read_at=now,
            )
        )
    note_spent(session, asked.service, asked.take_spent(), now.date())


def known_quotas(session: Session, service: str) -> list[quota.Quota]:
    """Return what a service last said is left, per endpoint, for a session that has not asked it yet."""
    rows = session.exec(select(Quota).where(col(Quota.service) == service))
    return [
        quota.Quota(q.endpoint, q.allowed, q.remaining, int(q.resets_at.timestamp()) if q.resets_at else None)
        for q in rows
    ]


def note_spent(session: Session, service: str, spent: Mapping[str, quota.Spent], day: date) -> None:
    """Add requests to the ledger of ``day`` (UTC)."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for endpoint, count in spent.items():
        new = {"requests": count.requests, "refused": count.refused, "failed": count.failed}
        statement = insert(RequestCount).values(service=service[:32], endpoint=endpoint[:64], day=day, **new)
        more = {name: getattr(RequestCount, name) + statement.excluded[name] for name in new}
        session.execute(statement.on_conflict_do_update(index_elements=["service", "endpoint", "day"], set_=more))
