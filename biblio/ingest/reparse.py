"""The job ``reparse``: read every stored answer again and rebuild the records from them, with no network.

Raw bodies are kept by their hash, so a parser that learned to read a field, or to read what it refused, is run over all
that ever came. All answers are read twice: first to find out which of them has the last word on what (``last_words``),
then, in the order in which they came, to take it. Nothing is lost: a record that changes is superseded, not edited.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.errors import RequestRefused
from biblio.ingest import absorb, limits
from biblio.ingest.harvest import COUNTED
from biblio.ingest.last_words import CONTACTS, Answer, LastWords, takeable
from biblio.ingest.pace import pauses
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from biblio.store.models import HarvestPage, HarvestRefusal, Payload
from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage, Source

SERVICES = ("registry", "arxiv", "arxiv-oai", "arxiv-rss", "ads")


@dataclass(slots=True)
class _Answers:
    """The stored answers that are read again, and what reads each of them."""

    runtime: Runtime
    page_ids: list[int]
    parsers: dict[tuple[str, str], Source] = field(default_factory=dict)

    def read(self, page_id: int) -> Answer:
        """Return an answer with what it gives. Raises ``PageRefused``."""
        with self.runtime.store.reading() as session:
            row = session.get_one(HarvestPage, page_id)
            body = zlib.decompress(session.get_one(Payload, row.payload_sha256).body)
        key = (row.source, row.content_type)
        if key not in self.parsers:
            self.parsers[key] = parser_of(self.runtime, *key)
        page = _page(row, body)
        parsed = self.parsers[key].parse(page)
        return Answer(page, row.payload_sha256, parsed, bool(row.records) and not row.refused + row.ignored)


def reparse(context: JobContext) -> bool:
    """Read stored answers again; return whether anything may have changed.

    Arguments: ``source`` (one source only), ``dry`` (change nothing).
    """
    runtime = context.runtime
    source, dry = _arguments(context.arguments)
    if source is not None:
        source = _known_source(runtime, source)
    began = runtime.clock.now()
    with runtime.store.reading() as session:
        answers = _Answers(runtime, _page_ids(session, source))
    if not answers.page_ids:
        named = f" --source {_called(source)}" if source else ""
        of = f" of {_called(source)}" if source else ""
        context.note(f"There are no stored answers{of} yet: run `biblio harvest{named}`.")
    words = LastWords(runtime.grammar)
    readable = list(_heard(context, answers, words))
    for done, page_id in enumerate(readable, start=1):
        context.progress("taking from answers", done, len(readable))
        answer = answers.read(page_id)
        with runtime.store.trying() if dry else runtime.store.writing() as session:
            kept = takeable(session, runtime.grammar, answer, words.of(page_id, answer.parsed), began)
            destination = absorb.Destination(context.run_id, None)
            counts = absorb.absorb_parsed(session, runtime, answer.page, kept, destination, answer.sha256)
        _tell(context, answer.parsed, kept, counts)
    if dry:
        context.note("Nothing was changed (dry run).")
    return not dry


def _heard(context: JobContext, answers: _Answers, words: LastWords) -> Iterator[int]:
    """Find out which answer has the last word on what; yield those that can be read, and tell of the others."""
    for done, page_id in enumerate(answers.page_ids, start=1):
        context.count("pages")
        context.progress("stored answers", done, len(answers.page_ids))
        try:
            words.hear(page_id, answers.read(page_id).parsed)
        except PageRefused as refused:
            context.count("pages_refused")
            if len(context.notes) < _MOST_NOTES:
                context.note(f"Still cannot be read: {refused}.")
        else:
            yield page_id


def _tell(context: JobContext, parsed: ParsedPage, kept: ParsedPage, counts: absorb.PageCounts) -> None:
    """Add an answer to the run's counts."""
    if older := len(parsed.records) + len(parsed.projects) - len(kept.records) - len(kept.projects):
        context.count("given_anew_since", older)
    for what in COUNTED:
        if value := getattr(counts, what):
            context.count(what, value)


_MOST_NOTES = 20


def _arguments(arguments: Mapping[str, Any]) -> tuple[str | None, bool]:
    if unknown := set(arguments) - {"source", "dry"}:
        raise RequestRefused(f"Parsing again does not know {', '.join(sorted(unknown))}; it takes source and dry.")
    source = str(arguments["source"]).strip() if arguments.get("source") else None
    return source, str(arguments.get("dry", "no")).lower() in ("yes", "true", "1")


def check_reparse(runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for arguments that cannot be used, and for a source that never gave anything."""
    source, _ = _arguments(arguments)
    if source is not None:
        _known_source(runtime, source)


def _called(source: str) -> str:
    """Return what a person calls a source, as the harvest does."""
    return "projects" if source == "registry" else source


def _known_source(runtime: Runtime, source: str) -> str:
    """Return the name under which answers of a source are kept. Raises ``RequestRefused`` naming those there are."""
    if source == "projects":  # what a person calls the registry
        return "registry"
    with runtime.store.reading() as session:
        kept = set(session.exec(select(HarvestPage.source).distinct())) - {CONTACTS}
    if source not in kept.union(SERVICES):
        names = [_called(name) for name in (*SERVICES, *sorted(kept - set(SERVICES)))]
        raise RequestRefused(f"There is no source {source[:60]!r}; there are: {', '.join(names)}.")
    return source


def _page_ids(session: Session, source: str | None) -> list[int]:
    """Return one page of each stored body, in the order in which they came; of the registry from its last whole reading on."""
    rows = session.execute(
        sa.select(sa.func.max(col(HarvestPage.id)))
        .where(
            col(HarvestPage.source).not_in(("registry", CONTACTS)),
            *([col(HarvestPage.source) == source] if source else []),
        )
        .where(~_was_held_back().exists())
        .group_by(col(HarvestPage.source), col(HarvestPage.payload_sha256))
    )
    found = [page_id for (page_id,) in rows]
    if source in (None, "registry"):
        found += _registry_readings(session)
    return sorted(found)


def _was_held_back() -> Any:
    """Select the refusal of a page that was not taken because it was not plausible; a person has to accept it first."""
    return sa.select(col(HarvestRefusal.id)).where(
        col(HarvestRefusal.source) == col(HarvestPage.source),
        col(HarvestRefusal.place) == col(HarvestPage.place),
        col(HarvestRefusal.job_run_id) == col(HarvestPage.job_run_id),
        col(HarvestRefusal.reason).contains(limits.HELD_BACK),
    )


def _registry_readings(session: Session) -> list[int]:
    """Return the pages of the registry's last reading that came to its end and of what came after; the rest is history.

    A reading that was interrupted goes on in another run, so it is told by where the one before it ended.
    """
    registry = col(HarvestPage.source) == "registry"
    ends = select(HarvestPage.id).where(registry, col(HarvestPage.is_last)).order_by(col(HarvestPage.id).desc())
    before = session.exec(ends.offset(1).limit(1)).first() or 0
    pages = select(HarvestPage.id).where(registry, col(HarvestPage.id) > before, ~_was_held_back().exists())
    return [page_id for page_id in session.exec(pages) if page_id is not None]


def _page(row: HarvestPage, body: bytes) -> Page:
    """Return a stored answer as the page it came as."""
    window = (
        (row.window_from.isoformat(), row.window_to.isoformat())
        if isinstance(row.window_from, date) and isinstance(row.window_to, date)
        else None
    )
    return Page(
        source=row.source,
        place=row.place,
        body=body,
        content_type=row.content_type,
        next_cursor=row.next_cursor or {},
        is_last=row.is_last,
        promised=row.promised,
        window=window,
    )


def parser_of(runtime: Runtime, source: str, content_type: str) -> Source:
    """Return what reads stored answers of ``source``; it asks nobody."""
    if source not in SERVICES:
        from biblio.ingest.importing import parser_of_file

        return parser_of_file(source, content_type, facets=runtime.profile.facet_columns)
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
    table = TapTable(
        url=tap.url,
        table=tap.table,
        columns=tap.columns,
        facets=runtime.profile.facet_keys,
        observatory_as_pi=tap.observatory_as_pi,
    )
    return TapSource(session, table)
