"""The job ``reparse``: read every stored answer again and rebuild the records from them, with no network.

Raw bodies are kept by their hash, so a parser that learned to read a field, or to read what it refused, is run over all
that ever came. A record is taken from the answer it was last taken from, and from an answer it was refused in; older
answers of the same record are history and stay it. Nothing is lost: a record that changes is superseded, not edited.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.errors import RequestRefused
from biblio.ingest import absorb, limits
from biblio.ingest.harvest import COUNTED
from biblio.ingest.pace import pauses
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from biblio.store.models import HarvestPage, HarvestRefusal, Payload, Project, ProjectRevision, SourceRecord
from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedProject

CONTACTS = "contacts"
"""Lists of whom to write to make no records: addresses are taken from a file that a person hands over, never again."""

SERVICES = ("registry", "arxiv", "arxiv-oai", "arxiv-rss", "ads")


@dataclass(frozen=True, slots=True)
class _Stored:
    """One stored answer: the page it came as, the hash of its body, and whether no later answer came from its place."""

    page: Page
    sha256: str
    is_latest: bool


def reparse(context: JobContext) -> bool:
    """Read stored answers again; return whether anything may have changed.

    Arguments: ``source`` (one source only), ``dry`` (change nothing).
    """
    runtime = context.runtime
    source, dry = _arguments(context.arguments)
    with runtime.store.reading() as session:
        page_ids = _page_ids(session, source)
    if not page_ids:
        context.note("There are no stored answers" + (f" of {source}." if source else "; harvest first."))
    parsers: dict[tuple[str, str], Source] = {}
    for done, page_id in enumerate(page_ids, start=1):
        with runtime.store.reading() as session:
            stored = _stored(session, page_id)
        context.count("pages")
        context.progress("stored answers", done, len(page_ids))
        key = (stored.page.source, stored.page.content_type)
        if key not in parsers:
            parsers[key] = parser_of(runtime, *key)
        try:
            parsed = parsers[key].parse(stored.page)
        except PageRefused as refused:
            context.count("pages_refused")
            if len(context.notes) < _MOST_NOTES:
                context.note(f"Still cannot be read: {refused}.")
            continue
        _take(context, stored, parsed, dry=dry)
    if dry:
        context.note("Nothing was changed (dry run).")
    return not dry


_MOST_NOTES = 20


def _arguments(arguments: Mapping[str, Any]) -> tuple[str | None, bool]:
    if unknown := set(arguments) - {"source", "dry"}:
        raise RequestRefused(f"Parsing again does not know {', '.join(sorted(unknown))}; it takes source and dry.")
    source = str(arguments["source"]).strip() if arguments.get("source") else None
    return source, str(arguments.get("dry", "no")).lower() in ("yes", "true", "1")


def _page_ids(session: Session, source: str | None) -> list[int]:
    """Return one page of each stored body, in the order in which they came; of the registry its last whole reading."""
    rows = session.execute(
        sa.select(sa.func.max(col(HarvestPage.id)))
        .where(
            col(HarvestPage.source).not_in(("registry", CONTACTS)),
            *([col(HarvestPage.source) == source] if source else []),
        )
        .where(~_was_held_back().exists())
        .group_by(col(HarvestPage.source), col(HarvestPage.payload_sha256))
    )
    found = sorted(page_id for (page_id,) in rows)
    if source in (None, "registry"):
        found = [*_last_registry_reading(session), *found]
    return found


def _was_held_back() -> Any:
    """Select the refusal of a page that was not taken because it was not plausible; a person has to accept it first."""
    return sa.select(col(HarvestRefusal.id)).where(
        col(HarvestRefusal.source) == col(HarvestPage.source),
        col(HarvestRefusal.place) == col(HarvestPage.place),
        col(HarvestRefusal.job_run_id) == col(HarvestPage.job_run_id),
        col(HarvestRefusal.reason).contains(limits.HELD_BACK),
    )


def _last_registry_reading(session: Session) -> list[int]:
    """Return the pages of the registry's last reading that came to its end: older ones tell of dates that moved."""
    last = session.exec(
        select(HarvestPage.job_run_id)
        .where(col(HarvestPage.source) == "registry", col(HarvestPage.is_last))
        .order_by(col(HarvestPage.id).desc())
    ).first()
    if last is None:
        return []
    pages = select(HarvestPage.id).where(
        col(HarvestPage.source) == "registry", col(HarvestPage.job_run_id) == last, ~_was_held_back().exists()
    )
    return sorted(page_id for page_id in session.exec(pages) if page_id is not None)


def _stored(session: Session, page_id: int) -> _Stored:
    row = session.get_one(HarvestPage, page_id)
    body = zlib.decompress(session.get_one(Payload, row.payload_sha256).body)
    window = (
        (row.window_from.isoformat(), row.window_to.isoformat())
        if isinstance(row.window_from, date) and isinstance(row.window_to, date)
        else None
    )
    later = select(HarvestPage.id).where(
        col(HarvestPage.source) == row.source, col(HarvestPage.place) == row.place, col(HarvestPage.id) > page_id
    )
    page = Page(
        source=row.source,
        place=row.place,
        body=body,
        content_type=row.content_type,
        next_cursor=row.next_cursor or {},
        is_last=row.is_last,
        promised=row.promised,
        window=window,
    )
    return _Stored(page, row.payload_sha256, session.exec(later).first() is None)


def _take(context: JobContext, stored: _Stored, parsed: ParsedPage, *, dry: bool) -> None:
    """Absorb what this answer is the last word on."""
    runtime = context.runtime
    unit = runtime.store.trying() if dry else runtime.store.writing()
    with unit as session:
        mine = set(_last_words(session, stored, parsed))
        kept = replace(
            parsed,
            records=tuple(r for n, r in enumerate(parsed.records) if n in mine),
            projects=tuple(_own_projects(session, runtime, stored, parsed)),
        )
        counts = absorb.absorb_parsed(
            session, runtime, stored.page, kept, absorb.Destination(context.run_id, None), stored.sha256
        )
    older = len(parsed.records) + len(parsed.projects) - len(kept.records) - len(kept.projects)
    if older:
        context.count("given_anew_since", older)
    for what in COUNTED:
        if value := getattr(counts, what):
            context.count(what, value)


def _last_words(session: Session, stored: _Stored, parsed: ParsedPage) -> Iterator[int]:
    """Yield the numbers of the records that this answer gave last, or that no answer has given yet."""
    known: dict[str, list[tuple[str | None, bool]]] = {}
    for keys in chunks(sorted({record.key for record in parsed.records})):
        rows = session.execute(
            sa.select(col(SourceRecord.key), col(SourceRecord.payload_sha256), col(SourceRecord.superseded_at)).where(
                col(SourceRecord.source) == stored.page.source, col(SourceRecord.key).in_(keys)
            )
        )
        for key, sha256, superseded_at in rows:
            known.setdefault(key, []).append((sha256, superseded_at is None))
    for number, record in enumerate(parsed.records):
        given = known.get(record.key)
        if given is None or (stored.sha256, True) in given:
            yield number


def _own_projects(
    session: Session, runtime: Runtime, stored: _Stored, parsed: ParsedPage
) -> Iterator[HarvestedProject]:
    """Yield the projects of which this source had the last word, and those that nothing is known of yet."""
    if not parsed.projects or not stored.is_latest:
        return
    codes = {one.code: runtime.grammar.canonical(one.code) for one in parsed.projects}
    sources: dict[str, str] = {}
    for chunk in chunks(sorted({code for code in codes.values() if code is not None})):
        rows = session.execute(
            sa.select(col(Project.code), col(ProjectRevision.source))
            .join(Project, col(Project.id) == col(ProjectRevision.project_id))
            .where(col(Project.code).in_(chunk), col(ProjectRevision.superseded_at).is_(None))
        )
        sources |= {row[0]: row[1] for row in rows}
    for one in parsed.projects:
        code = codes[one.code]
        if code is None or sources.get(code, stored.page.source) == stored.page.source:
            yield one


def parser_of(runtime: Runtime, source: str, content_type: str) -> Source:
    """Return what reads stored answers of ``source``; it asks nobody."""
    if source not in SERVICES:
        from biblio.ingest.importing import parser_of_file

        return parser_of_file(source, content_type)
    session = PoliteSession(source, LocalPace(pauses(runtime.settings)), contact=runtime.settings.contact_email)
    today = runtime.clock.today()
    if source == "registry":
        return _registry_parser(runtime, session)
    if source == "ads":
        from harvesters.ads import AdsQuery, AdsSource

        return AdsSource(session, AdsQuery({"stored": "*"}, today), token=None)
    if source == "arxiv-oai":
        from harvesters.arxiv_oai import OaiQuery, OaiSource

        return OaiSource(session, OaiQuery(today))
    if source == "arxiv-rss":
        from harvesters.arxiv_rss import RssQuery, RssSource

        return RssSource(session, RssQuery())
    from harvesters.arxiv import ArxivQuery, ArxivSource

    return ArxivSource(session, ArxivQuery(runtime.profile.harvest.arxiv_categories, today, today))


def _registry_parser(runtime: Runtime, session: PoliteSession) -> Source:
    from harvesters.tap import TapSource, TapTable

    tap = runtime.profile.tap
    if tap is None:
        raise RequestRefused("The profile names no TAP service any more: its stored answers cannot be read again.")
    table = TapTable(url=tap.url, table=tap.table, columns=tap.columns, observatory_as_pi=tap.observatory_as_pi)
    return TapSource(session, table)
