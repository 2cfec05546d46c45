"""The job ``harvest``: ask each source for what is new, page by page, and say at the end what came and what did not.

A page is fetched and parsed with no transaction open, then stored whole (``absorb.store_page``). A page that cannot be
read stops its source, whose place stays before it; the other sources go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from biblio.errors import BiblioError
from biblio.ingest import absorb
from biblio.ingest.sources import Asked, Planned, plan
from biblio.jobs import JobContext
from biblio.logs import get_logger
from biblio.store.models import HarvestCursor
from harvesters.errors import HarvestError, PageRefused, SourceStopped
from harvesters.protocol import Page
from harvesters.records import Refusal

log = get_logger(__name__)

COUNTED = ("seen", "records", "refused", "ignored", "new", "changed", "unchanged", "merged", "conflicts")
_PARSE_ATTEMPTS = 2
"""How often a page that cannot be read is asked for: a page may be broken on its way, hardly twice."""
_MOST_NOTES = 20


class HarvestIncomplete(BiblioError):
    """Some sources could not be read to their end; what was stored is safe and the next run goes on from there."""


@dataclass(slots=True)
class _Progress:
    """How far one source has come in this run."""

    planned: Planned
    from_beginning: bool
    records: int = 0
    unread: set[str] = field(default_factory=set)


def harvest(context: JobContext) -> None:
    """Run the harvest. Raises ``HarvestIncomplete`` at the end, naming each source that stopped and where."""
    runtime = context.runtime
    planned, left_out = plan(runtime, Asked.of(context.arguments, runtime.clock.today()))
    for sentence in left_out:
        context.note(sentence)
        context.count("sources_left_out")
    stopped = []
    for one in planned:
        name = one.source.name
        try:
            _run_source(context, one)
        except HarvestError as error:
            context.count("sources_stopped")
            stopped.append(f"{name}: {error}")
            log.warning("source stopped", source=name, kind=type(error).__name__)
    if stopped:
        raise HarvestIncomplete(" · ".join(stopped))


def _run_source(context: JobContext, planned: Planned) -> None:
    """Read one source from its stored place to its end."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        cursor: Mapping[str, object] = absorb.read_cursor(session, planned.cursor)
    progress = _Progress(planned, from_beginning=not cursor)
    destination = absorb.Destination(context.run_id, planned.cursor)
    garbled = 0
    while True:
        bad: Page | None = None
        try:
            for page in planned.source.pages(cursor):
                bad = page
                parsed = planned.source.parse(page)
                bad = None
                counts = absorb.store_page(runtime, page, parsed, destination, planned.session.quotas.values())
                cursor, garbled = page.next_cursor, 0
                _tell(context, progress, page, counts, parsed.unread_fields)
            break
        except PageRefused as refused:
            if bad is None:  # the source has asked for it several times already
                _refuse(context, planned, str(refused), None)
                raise
            garbled += 1
            if garbled >= _PARSE_ATTEMPTS:
                _refuse(context, planned, str(refused), bad)
                raise
        except SourceStopped as stopped:
            _keep_quotas(context, planned)
            _refuse(context, planned, str(stopped), None)
            raise
    _finish(context, progress)


def _tell(
    context: JobContext, progress: _Progress, page: Page, counts: absorb.PageCounts, unread: tuple[str, ...]
) -> None:
    """Add a page to the run's counts and move the progress bar."""
    name = progress.planned.source.name
    context.count("pages")
    for what in COUNTED:
        if value := getattr(counts, what):
            context.count(what, value)
    context.count(f"{name}_records", counts.records)
    progress.records += counts.records
    progress.unread.update(unread)
    for sentence in counts.conflict_reasons:
        if len(context.notes) < _MOST_NOTES:
            context.note(f"Kept apart: {sentence}.")
    days = progress.planned.days
    if days is not None and page.window is not None:
        done = (date.fromisoformat(page.window[1]) - days[0]).days + 1
        context.progress(f"{name} (days)", done, (days[1] - days[0]).days + 1)
    else:
        context.progress(name, progress.records, page.promised)


def _refuse(context: JobContext, planned: Planned, reason: str, page: Page | None) -> None:
    """Write down a page or source that could not be read, with its place and reason."""
    runtime = context.runtime
    context.count("pages_refused")
    if page is not None:
        absorb.store_refused_page(runtime, page, reason, context.run_id)
        return
    now = runtime.clock.now()
    place, _, told = reason.partition(": ")
    with runtime.store.writing() as session:
        refusal = Refusal(planned.source.name, place if told else planned.source.name, reason)
        absorb.add_refusals(session, [refusal], context.run_id, now)


def _keep_quotas(context: JobContext, planned: Planned) -> None:
    runtime = context.runtime
    with runtime.store.writing() as session:
        absorb.note_quotas(session, planned.source.name, planned.session.quotas.values(), runtime.clock.now())


def _finish(context: JobContext, progress: _Progress) -> None:
    """Say what a source's run leaves to be said, and forget the place of days that were asked for once."""
    planned = progress.planned
    name = planned.source.name
    if progress.unread:
        context.note(f"{name} gives fields that nobody reads: {', '.join(sorted(progress.unread))}.")
    if planned.is_once:
        with context.runtime.store.writing() as session:
            row = session.get(HarvestCursor, planned.cursor)
            if row is not None:
                session.delete(row)
    if progress.from_beginning and planned.fewest is not None and progress.records < planned.fewest:
        context.count("sources_too_small")
        raise SourceStopped(
            f"{name} gave {progress.records} records where the profile expects {planned.fewest} at least; "
            "they are stored, but look at the source before you trust them"
        )
