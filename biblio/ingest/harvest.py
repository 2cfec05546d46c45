"""The job ``harvest``: ask each source for what is new, page by page, and say at the end what came and what did not.

A page is fetched and parsed with no transaction open, then stored whole (``absorb.store_page``). A page that cannot be
read, or that is not plausible (``limits``), stops its source, whose place stays before it; the other sources go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.exc import OperationalError

from biblio.errors import BiblioError
from biblio.ingest import absorb, limits, vanished
from biblio.ingest.asked import Asked
from biblio.ingest.places import HarvestPlace, Tally, forget_place, move_place, read_place, stamp
from biblio.ingest.sources import Planned, plan
from biblio.jobs import JobContext, require_running
from biblio.logs import get_logger
from harvesters.errors import HarvestError, PageRefused, QuotaSpent, SourceStopped
from harvesters.protocol import Page, ParsedPage
from harvesters.records import Refusal

log = get_logger(__name__)

COUNTED = ("seen", "records", "refused", "ignored", "new", "changed", "unchanged", "merged", "conflicts", "moved")
_PARSE_ATTEMPTS = 2
"""How often a page that cannot be read is asked for: a page may be broken on its way, hardly twice."""
_MOST_NOTES = 20


class HarvestIncomplete(BiblioError):
    """Some sources could not be read to their end; what was stored is safe and the next run goes on from there."""


@dataclass(slots=True)
class Run:
    """How far one source has come in this run. ``new_keys``: the records that were not known before it, ``codes``: of projects.

    ``tally`` is what its reading has given so far, in earlier runs as well.
    """

    planned: Planned
    from_beginning: bool = True
    records: int = 0
    tally: Tally = field(default_factory=Tally)
    unread: set[str] = field(default_factory=set)
    new_keys: list[str] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    changed: int = 0


def harvest(context: JobContext) -> None:
    """Run the harvest. Raises ``HarvestIncomplete`` at the end, naming each source that stopped and where."""
    asked = Asked.of(context.arguments, context.runtime.clock.today())
    with context.runtime.store.writing() as session:
        stamp(session, context.runtime.profile.harvest)
    planned, left_out = plan(context.runtime, asked)
    for sentence in left_out:
        leave_out(context, sentence)
    ask(context, planned, accepted=asked.accepted, anew=asked.anew)


def leave_out(context: JobContext, sentence: str) -> None:
    """Note that a source is not asked, and why."""
    context.note(sentence)
    context.count("sources_left_out")


def ask(
    context: JobContext,
    planned: Sequence[Planned],
    *,
    accepted: frozenset[str] = frozenset(),
    anew: frozenset[str] = frozenset(),
) -> list[Run]:
    """Ask each source to its end; return how each went. Raises ``HarvestIncomplete`` when one could not be read to it.

    Sources of ``accepted`` are taken though they are not plausible; those of ``anew`` begin at the very beginning.
    """
    runs = [Run(one) for one in planned]
    stopped = []
    for run in runs:
        name = run.planned.name
        try:
            _run_source(context, run, is_accepted=name in accepted, is_anew=name in anew)
        except QuotaSpent as spent:
            context.count("sources_paused")
            context.note(str(spent))
        except limits.HeldBack as reason:
            context.count("sources_held_back")
            stopped.append(f"{name}: {reason}")
            log.warning("source held back", source=name)
        except HarvestError as error:
            context.count("sources_stopped")
            stopped.append(f"{name}: {error}")
            log.warning("source stopped", source=name, kind=type(error).__name__)
        except (BiblioError, OperationalError):  # the database could not go on: no other source could either
            raise
        except Exception as problem:  # whatever one service's answer breaks must not keep the others from being asked
            context.count("sources_stopped")
            stopped.append(f"{name}: broke ({type(problem).__name__}); what was stored is safe")
            log.exception("source broke", source=name)
        keep_asked(context, run.planned)
    if stopped:
        raise HarvestIncomplete(" · ".join(stopped))
    return runs


def _begin(context: JobContext, run: Run, *, is_anew: bool) -> Mapping[str, object]:
    """Return where the source goes on; the very beginning where its place is not for what is asked today."""
    planned = run.planned
    with context.runtime.store.writing() as session:
        place = read_place(session, planned.cursor)
        if not place.is_good_for(planned.asked_for):
            context.note(f"{planned.name} is asked for more than before, so it is asked anew: {planned.words}.")
            is_anew = True
        if is_anew and place.cursor:  # so that whatever ends this run, the next one goes on with it
            require_running(session, context.run_id)
            place = HarvestPlace({}, planned.asked_for, Tally(whole=place.tally.whole))
            move_place(session, planned.cursor, place, context.runtime.clock.now())
    cursor = place.cursor
    run.from_beginning = not cursor
    run.tally = place.tally
    if not cursor:
        run.tally = Tally(from_beginning=not planned.is_once, whole=place.tally.whole)
    return cursor


def _run_source(context: JobContext, run: Run, *, is_accepted: bool, is_anew: bool) -> None:
    """Read one source from its stored place to its end."""
    planned = run.planned
    cursor = _begin(context, run, is_anew=is_anew)
    context.progress(f"{planned.name} (waiting for an answer)", 0, None)
    garbled = 0
    while True:
        bad: Page | None = None
        try:
            for page in planned.source.pages(cursor):
                bad = page
                parsed = planned.source.parse(page)
                if not is_accepted:
                    _hold_back(run, page, parsed)
                bad = None
                _take(context, run, page, parsed, is_accepted=is_accepted)
                cursor, garbled = page.next_cursor, 0
            break
        except limits.HeldBack as reason:
            _refuse(context, planned, str(reason), bad)
            raise
        except PageRefused as refused:
            if bad is None:  # the source has asked for it several times already
                _refuse(context, planned, str(refused), None)
                raise
            garbled += 1
            if garbled >= _PARSE_ATTEMPTS:
                _refuse(context, planned, str(refused), bad)
                raise
        except SourceStopped as stopped:
            if not isinstance(stopped, QuotaSpent):
                _refuse(context, planned, str(stopped), None)
            raise
    _finish(context, run, is_accepted=is_accepted)


def _hold_back(run: Run, page: Page, parsed: ParsedPage) -> None:
    """Raise ``HeldBack`` for a page that is not plausible."""
    planned = run.planned
    known = None if planned.known is None else run.tally.whole or planned.known
    if reason := limits.objection(planned.plausible, page, parsed, run.tally, known):
        raise limits.HeldBack(
            f"{page.place}{limits.HELD_BACK}{reason}. Nothing of this page was taken. Look at the source; if it is "
            f"right, run `{planned.accepting}`."
        )


def _take(context: JobContext, run: Run, page: Page, parsed: ParsedPage, *, is_accepted: bool) -> None:
    """Store a page with the place after it, and count it."""
    planned = run.planned
    # What a person took though it is odd must not hold back the pages after it.
    tally = run.tally.with_page(parsed, () if is_accepted else planned.plausible.fill)
    destination = absorb.Destination(
        context.run_id,
        planned.cursor,
        asked_for=planned.asked_for,
        tally=_after(page, tally),
        is_once=planned.is_once,
    )
    counts = absorb.store_page(context.runtime, page, parsed, destination, planned.session)
    run.tally = tally
    run.codes.update(project.code for project in parsed.projects)
    _tell(context, run, page, counts, parsed.unread_fields)


def _after(page: Page, tally: Tally) -> Tally:
    """Return the tally to keep after a page: of a source that begins anew each time, what it gave in all."""
    if not (page.is_last or page.ends_reading):
        return tally
    return Tally() if page.next_cursor else Tally(whole=tally.records)


def _tell(context: JobContext, run: Run, page: Page, counts: absorb.PageCounts, unread: tuple[str, ...]) -> None:
    """Add a page to the run's counts and move the progress bar."""
    name, planned = run.planned.name, run.planned
    context.count("pages")
    for what in COUNTED:
        if value := getattr(counts, what):
            context.count(what, value)
    context.count(f"{name.replace('-', '_')}_records", counts.records)
    run.records += counts.records
    run.changed += counts.changed
    run.new_keys += counts.new_keys
    run.unread.update(unread)
    for sentence in counts.conflict_reasons:
        if len(context.notes) < _MOST_NOTES:
            context.note(f"Kept apart: {sentence}.")
    if planned.days is not None and page.window is not None:
        first, last = planned.days
        done = (date.fromisoformat(page.window[1]) - first).days + 1
        context.progress(f"{name} (days)", done, (last - first).days + 1)
    else:
        context.progress(name, run.records, page.promised)


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
        require_running(session, context.run_id)
        refusal = Refusal(planned.source.name, place if told else planned.source.name, reason)
        absorb.add_refusals(session, [refusal], context.run_id, now)


def keep_asked(context: JobContext, planned: Planned) -> None:
    """Store what the session knows of requests and quotas, where no page did."""
    runtime = context.runtime
    with runtime.store.writing() as session:
        absorb.note_asked(session, planned.session, runtime.clock.now())


def _finish(context: JobContext, run: Run, *, is_accepted: bool) -> None:
    """Say what a source's run leaves to be said, and forget the place of what was asked for once."""
    planned = run.planned
    if run.codes and run.from_beginning:  # a resumed run has not met the codes before its place
        vanished.note(context, planned.source.name, run.codes)
    if run.unread:
        context.note(f"{planned.name} gives fields that nobody reads: {', '.join(sorted(run.unread))}.")
    if planned.is_once:  # where a source has no page that says it is the last
        with context.runtime.store.writing() as session:
            require_running(session, context.run_id)
            forget_place(session, planned.cursor)
    if not is_accepted and (reason := limits.too_few(planned.plausible, run.tally)):
        context.count("sources_too_small")
        raise SourceStopped(f"{planned.name} {reason}; they are stored, but look at the source before you trust them")
