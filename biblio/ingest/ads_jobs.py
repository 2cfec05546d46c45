"""The jobs that ask ADS beside the daily harvest: the quarterly re-sweep, the weekly refresh, and the weekly count.

The daily harvest asks ADS for what entered or changed. The *re-sweep* asks for everything of the last years without
looking at dates of change, and says what the daily runs had missed: a publisher's text is indexed months after the
record entered, and not every change moves a date. The *refresh* asks for the papers we hold by number: citation counts
move, and a preprint's bibcode becomes its article's. The *count* asks how many papers each journal has for our searches,
so that the coverage page can say what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.identity import normal_bibcode
from biblio.catalogue.journals import note_coverage
from biblio.errors import RequestRefused
from biblio.ingest import absorb, journals
from biblio.ingest.harvest import HarvestIncomplete, ask, leave_out
from biblio.ingest.places import read_place
from biblio.ingest.sources import ADS_LEFT_OUT, plan_refresh, plan_resweep, polite_session
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from biblio.store.asked_for import ads_searches
from biblio.store.models import (
    ArchiveReference,
    ExpectedCount,
    HarvestPage,
    JobRun,
    Paper,
    PaperIdentifier,
    SourceRecord,
)
from biblio.store.words import Outcome, Scheme
from harvesters.errors import HarvestError
from harvesters.records import LAST_YEAR

_MOST_NAMED = 20
"""Missed papers named in a run's notes; the others are counted."""


def resweep(context: JobContext) -> None:
    """Ask ADS everything of the last years anew and report what the daily runs had missed."""
    years, accepted = _years(context.arguments), _accepted(context.arguments)
    planned = plan_resweep(context.runtime, years)
    if isinstance(planned, str):
        leave_out(context, planned)
        return
    with context.runtime.store.reading() as session:
        before = _earlier_runs(session, context, planned[0].cursor)
        missed, changed = _found_by(session, before)
    for run in ask(context, planned, accepted=accepted):
        missed |= dict.fromkeys(run.new_keys)
        changed += run.changed
    context.count("missed", len(missed))
    is_paused = bool(context.counts.get("sources_paused"))
    sofar = " so far" if is_paused else ""
    if missed:
        more = len(missed) - _MOST_NAMED
        named = ", ".join(list(missed)[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        context.note(f"The daily harvests had missed {len(missed)} papers{sofar}: {named}.")
    else:
        context.note(f"The daily harvests had missed no paper{sofar}.")
    if changed:
        context.note(f"{changed} times a known paper had changed without being given by a daily harvest.")
    if is_paused:
        # Not a success: the scheduler tries again tomorrow, and the re-sweep goes on where it stopped.
        raise HarvestIncomplete(
            "ADS cannot be asked any further today (the notes say why); the re-sweep goes on tomorrow."
        )


def check_resweep(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for arguments that the re-sweep cannot use."""
    _years(arguments)
    _accepted(arguments)


def check_refresh(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for arguments that the refresh cannot use."""
    if set(arguments) - {"accept"}:
        raise RequestRefused("The refresh takes no arguments but accept=ads.")
    _accepted(arguments)


def check_count(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for any argument: the count takes none."""
    if arguments:
        raise RequestRefused("The count takes no arguments.")


def _earlier_runs(session: Session, context: JobContext, cursor: str) -> list[int]:
    """Return the runs that this one goes on from: they stopped, were paused or killed after the last that came to its end."""
    if not read_place(session, cursor).cursor:
        return []
    this = session.get_one(JobRun, context.run_id)
    rows = session.execute(
        sa.select(col(JobRun.id), col(JobRun.outcome), col(JobRun.arguments))
        .where(col(JobRun.job) == this.job, col(JobRun.id) < context.run_id)
        .order_by(col(JobRun.id).desc())
    )
    years = _written_years(context.arguments)
    same = ((run_id, outcome) for run_id, outcome, arguments in rows if _written_years(arguments) == years)
    return [run_id for run_id, _ in takewhile(lambda run: run[1] is not Outcome.SUCCEEDED, same)]


def _written_years(arguments: Mapping[str, Any]) -> set[str]:
    return {part.strip() for part in str(arguments.get("year") or "").split(",")}


def _found_by(session: Session, run_ids: Sequence[int]) -> tuple[dict[str, None], int]:
    """Return the keys of the papers that nobody knew before these runs, and how many records of known ones changed."""
    if not run_ids:
        return {}, 0
    keys = session.execute(
        sa.select(col(SourceRecord.key))
        .join(HarvestPage, col(HarvestPage.payload_sha256) == col(SourceRecord.payload_sha256))
        .join(JobRun, col(JobRun.id) == col(HarvestPage.job_run_id))
        .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
        .where(
            col(JobRun.id).in_(run_ids),
            col(SourceRecord.source) == "ads",
            col(SourceRecord.learned_at) == col(Paper.first_seen_at),
            col(SourceRecord.learned_at) >= col(JobRun.started_at),
        )
        .order_by(col(SourceRecord.id))
    )
    changed = sa.select(sa.func.sum(col(HarvestPage.changed))).where(col(HarvestPage.job_run_id).in_(run_ids))
    return dict.fromkeys(keys.scalars()), session.execute(changed).scalar() or 0


def _years(arguments: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the years of publication a re-sweep is limited to. Raises ``RequestRefused``."""
    if unknown := set(arguments) - {"year", "accept"}:
        raise RequestRefused(
            f"The re-sweep does not know {', '.join(sorted(unknown))}; it takes year=2024 and accept=ads."
        )
    written = str(arguments.get("year") or "")
    years = [part.strip() for part in written.split(",") if part.strip()]
    if wrong := [year for year in years if not (year.isascii() and year.isdigit() and 1900 <= int(year) <= LAST_YEAR)]:
        raise RequestRefused(f"A year is a number such as 2024, not {wrong[0][:20]!r}.")
    return tuple(sorted({int(year) for year in years}))


def _accepted(arguments: Mapping[str, Any]) -> frozenset[str]:
    """Return the sources that are taken though they are not plausible: ADS or none. Raises ``RequestRefused``."""
    written = str(arguments.get("accept") or "")
    if written not in ("", "ads"):
        raise RequestRefused(f"Only accept=ads can be said here, not {written[:20]!r}.")
    return frozenset({written} if written else ())


def refresh(context: JobContext) -> None:
    """Ask ADS for the papers we hold, and for those that an archive lists and we miss, by their bibcodes."""
    runtime = context.runtime
    accepted = _accepted(context.arguments)
    with runtime.store.reading() as session:
        held, missing = held_bibcodes(session), missing_references(session)
    bibcodes = sorted({*held, *missing})
    if not bibcodes:
        context.note("There are no papers with a bibcode yet: run `biblio harvest --source ads`.")
        return
    planned = plan_refresh(runtime, bibcodes)
    if isinstance(planned, str):
        leave_out(context, planned)
        return
    ask(context, planned, accepted=accepted)
    with runtime.store.reading() as session:
        found = len(missing) - len(set(missing) & set(missing_references(session)))
    if missing:
        context.note(f"Of {len(missing)} papers that an archive or a list names and we did not hold, {found} came.")


def held_bibcodes(session: Session) -> list[str]:
    """Return one bibcode of each paper: the key of its newest ADS record, else the one it is known by."""
    newest = session.execute(
        sa.select(col(SourceRecord.paper_id), col(SourceRecord.key))
        .where(col(SourceRecord.source) == "ads", col(SourceRecord.superseded_at).is_(None))
        .order_by(col(SourceRecord.id))
    )
    by_paper: dict[int, str] = {row[0]: row[1] for row in newest}
    known = session.execute(
        sa.select(col(PaperIdentifier.paper_id), col(PaperIdentifier.value))
        .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
        .where(col(PaperIdentifier.scheme) == Scheme.BIBCODE)
        .order_by(col(PaperIdentifier.id))
    )
    for paper_id, bibcode in known:
        by_paper.setdefault(paper_id, bibcode)
    return sorted(set(by_paper.values()))


def missing_references(session: Session) -> list[str]:
    """Return the bibcodes of known links whose paper is not in the bibliography under any of its bibcodes."""
    known = select(PaperIdentifier.id).where(
        col(PaperIdentifier.scheme) == Scheme.BIBCODE, col(PaperIdentifier.value) == col(ArchiveReference.bibcode)
    )
    rows = session.exec(select(ArchiveReference.bibcode).where(~known.exists()).distinct())
    return sorted(bibcode for bibcode in rows if normal_bibcode(bibcode))


def count(context: JobContext) -> None:
    """Ask ADS how many papers of each journal and year our searches have, and keep the numbers beside what we hold."""
    from harvesters.ads_lists import expected_counts

    runtime = context.runtime
    settings, first_year = runtime.settings, runtime.profile.harvest.first_year
    if settings.ads_token is None:
        leave_out(context, ADS_LEFT_OUT)
        return
    session = polite_session(runtime, "ads")
    now = runtime.clock.now()
    try:
        counts = expected_counts(
            session,
            ads_searches(runtime.profile.harvest),
            first_year,
            now.year,
            token=settings.ads_token.get_secret_value(),
            base_url=settings.ads_url,
        )
    except HarvestError as wrong:
        raise HarvestIncomplete(f"The journals could not be counted; the old counts stay. {wrong}") from wrong
    finally:
        with runtime.store.writing() as unit:
            absorb.note_asked(unit, session, now)
    rows = [
        {"source": "ads", "part": part[:64], "year": year, "expected": expected, "counted_at": now}
        for year, parts in counts.items()
        for part, expected in parts.items()
    ]
    with runtime.store.writing() as unit:
        unit.execute(sa.delete(ExpectedCount).where(col(ExpectedCount.source) == "ads"))
        if rows:
            unit.execute(sa.insert(ExpectedCount), rows)
    context.count("journals", len({row["part"] for row in rows}))
    context.count("papers_expected", sum(sum(parts.values()) for parts in counts.values()))
    years = range(first_year, now.year + 1)
    _note_missing(context, years)
    with runtime.store.reading() as unit:
        found = journals.completeness(unit, years, now.date())
    with runtime.store.writing() as unit:
        note_coverage(unit, found, now)


def _note_missing(context: JobContext, years: Sequence[int]) -> None:
    """Keep in the run's counts what each year lacks: so that it is known since when (``journals.missing_since``)."""
    with context.runtime.store.reading() as session:
        missing = journals.missing_by_year(session, years)
    for name, papers in missing.items():
        context.count(name, papers)
