"""The job ``push``: keep a library of ADS equal to our list of papers, and touch nothing that others put into it.

The library is read first; what it lacks is added, and what we put there and no longer hold is taken out. What we put is
remembered (``LibraryPush``), written down before ADS is asked: a run that is killed between two requests has told at
most one request more than it knows of, and the next run sees in the library whether that one arrived.

A paper under blind second reading is neither added nor taken out: the library would tell the first verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.identifiers import bibcodes_of
from biblio.errors import RequestRefused
from biblio.ingest import absorb
from biblio.ingest.harvest import HarvestIncomplete
from biblio.ingest.sources import ADS_LEFT_OUT, polite_session
from biblio.jobs import JobContext, require_running
from biblio.runtime import Runtime
from biblio.store.current import accepted_science, survivor_id, under_second_reading
from biblio.store.models import LibraryPush, Paper, PaperIdentifier, PaperRevision
from harvesters.ads_documents import change_library
from harvesters.ads_lists import LibraryList, is_bibcode, library_bibcodes, library_identifier
from harvesters.errors import HarvestError, QuotaSpent
from harvesters.http import PoliteSession

BATCH = 500
"""Bibcodes sent at once: a killed run leaves at most this many of which it is not known whether they arrived."""

_MOST_NAMED = 20
"""Papers named in a run's notes; the others are counted."""

_YES = ("yes", "true", "1")
UNSET = "No library of ADS is set (BIBLIO_ADS_LIBRARY), so nothing was pushed."


@dataclass(frozen=True, slots=True)
class Ours:
    """Our papers as a library can hold them: by paper the bibcodes it is known by, the one to push first."""

    bibcodes: Mapping[int, tuple[str, ...]]
    unnamed: tuple[str, ...] = ()
    """Papers without a bibcode, by another identifier or their title."""
    hidden: frozenset[int] = frozenset()
    """Papers under second reading."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: (bibcode, paper) to add, in order of bibcodes, and the pushed rows whose bibcode goes."""

    add: tuple[tuple[str, int], ...]
    remove: tuple[LibraryPush, ...]
    held: int = 0
    """Papers of ours that the library holds already."""


@dataclass(slots=True)
class _Push:
    """One run: its context, the library, and the session that asks ADS."""

    context: JobContext
    library: str
    session: PoliteSession
    refused: list[str] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.context.runtime.clock.now()

    @property
    def asking(self) -> dict[str, Any]:
        settings = self.context.runtime.settings
        token = settings.ads_token.get_secret_value() if settings.ads_token else None
        return {"token": token, "base_url": settings.ads_url}


def check_push(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for arguments that the push cannot use."""
    if unknown := set(arguments) - {"library", "dry_run"}:
        raise RequestRefused(
            f"The push does not know {', '.join(sorted(unknown))}; it takes library=ID and dry_run=yes."
        )
    if str(arguments.get("dry_run") or "no").lower() not in (*_YES, "no", "false", "0"):
        raise RequestRefused("dry_run is yes or no.")
    _identifier(str(arguments.get("library") or ""))


def push(context: JobContext) -> None:
    """Add what the library lacks, take out what we put there and no longer hold, and say what was left out and why."""
    settings = context.runtime.settings
    library = _identifier(str(context.arguments.get("library") or settings.ads_library or ""))
    if not library:
        context.note(UNSET)
        return
    if settings.ads_token is None:
        raise HarvestIncomplete(f"Nothing was pushed. {ADS_LEFT_OUT}")
    dry = str(context.arguments.get("dry_run") or "no").lower() in _YES
    run = _Push(context, library, polite_session(context.runtime, "ads"))
    try:
        _push(run, dry=dry)
    except QuotaSpent as spent:
        raise HarvestIncomplete(
            f"{_told_so_far(context)} {spent} What was pushed is remembered, and the next run goes on with the rest."
        ) from spent
    except HarvestError as wrong:
        raise HarvestIncomplete(
            f"{_told_so_far(context)} {wrong} Nothing that others put there was touched; the next run begins by "
            "reading the library."
        ) from wrong
    finally:
        if not dry:
            with context.runtime.store.writing() as unit:
                absorb.note_asked(unit, run.session, run.now)


def _told_so_far(context: JobContext) -> str:
    added, removed = context.counts.get("added", 0), context.counts.get("removed", 0)
    return (
        f"{added} papers were added and {removed} taken out before this:" if added or removed else "Nothing was pushed:"
    )


def _identifier(written: str) -> str:
    """Return the id in what a person gave as library, "" for nothing. Raises ``RequestRefused``."""
    if not written.strip():
        return ""
    try:
        return library_identifier(written)
    except HarvestError as wrong:
        raise RequestRefused(f"{wrong}.") from wrong


def _push(run: _Push, *, dry: bool) -> None:
    store = run.context.runtime.store
    with store.reading() as session:
        ours = our_papers(session)
    run.context.progress("reading the library", 0, None)
    listed = library_bibcodes(run.session, run.library, **run.asking)
    if dry:
        with store.trying() as session:
            settle(session, run.library, listed, ours, now=run.now)
            plan = plan_push(session, run.library, listed, ours)
            session.expunge_all()
    else:
        with store.writing() as session:
            require_running(session, run.context.run_id)
            settle(session, run.library, listed, ours, now=run.now)
            plan = plan_push(session, run.library, listed, ours)
    _tell_plan(run.context, listed, ours, plan, dry=dry)
    if dry:
        return
    total = len(plan.add) + len(plan.remove)
    for start in range(0, len(plan.add), BATCH):
        run.context.progress("pushing papers", start, total)
        _add(run, plan.add[start : start + BATCH])
    for start in range(0, len(plan.remove), BATCH):
        run.context.progress("taking papers out", len(plan.add) + start, total)
        _remove(run, plan.remove[start : start + BATCH])
    if run.refused:
        run.context.note(f"ADS has no record of {_named(run.refused)}, so that they could not be added.")


def _add(run: _Push, wanted: Sequence[tuple[str, int]]) -> None:
    """Put one batch: noted, sent, noted that it arrived; each in a unit of its own."""
    context, store = run.context, run.context.runtime.store
    with store.writing() as session:
        require_running(session, context.run_id)
        rows = [
            LibraryPush(library=run.library, bibcode=code, paper_id=paper, job_run_id=context.run_id, asked_at=run.now)
            for code, paper in wanted
        ]
        session.add_all(rows)
        session.flush()
        ids = {row.bibcode: row.id for row in rows}
    done = change_library(run.session, run.library, "add", [code for code, _ in wanted], **run.asking)
    refused = set(done.refused)
    run.refused += sorted(refused)
    now = run.now
    with store.writing() as session:
        _end(session, [ids[code] for code in refused], "refused", now)
        arrived = [number for code, number in ids.items() if code not in refused]
        for part in _parts(arrived):
            session.execute(sa.update(LibraryPush).where(col(LibraryPush.id).in_(part)).values(pushed_at=now))
    context.count("added", len(wanted) - len(refused))
    if refused:
        context.count("refused", len(refused))


def _remove(run: _Push, rows: Sequence[LibraryPush]) -> None:
    """Take one batch out, then note it; a kill in between is seen by the next run, which finds them gone."""
    with run.context.runtime.store.reading() as session:
        require_running(session, run.context.run_id)
    change_library(run.session, run.library, "remove", [row.bibcode for row in rows], **run.asking)
    with run.context.runtime.store.writing() as session:
        _end(session, [row.id for row in rows], "removed", run.now)
    run.context.count("removed", len(rows))


def _parts(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Cut ids into lists that fit into one statement."""
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _end(session: Session, ids: Sequence[int | None], ending: str, now: datetime) -> None:
    for part in _parts(ids):
        session.execute(sa.update(LibraryPush).where(col(LibraryPush.id).in_(part)).values(ended_at=now, ending=ending))


# -- what is ours, and what is to be done -----------------------------------------------------------------------------


def our_papers(session: Session) -> Ours:
    """Return the papers of the public list (science with our data, a project accepted) by their bibcodes."""
    science = accepted_science()
    papers = set(session.execute(sa.select(science.c.paper_id).distinct()).scalars())
    hidden = under_second_reading(session)
    wanted = papers - hidden
    held = bibcodes_of(session, sorted(wanted))
    known = {paper: codes for paper, all_codes in held.items() if (codes := tuple(filter(is_bibcode, all_codes)))}
    unnamed = sorted(wanted - known.keys())
    return Ours(known, tuple(_names(session, unnamed)), frozenset(hidden))


def _names(session: Session, papers: Sequence[int]) -> list[str]:
    """What to call papers without a bibcode; beyond ``_MOST_NAMED`` the number alone, as they are only counted."""
    shown = papers[:_MOST_NAMED]
    paper = survivor_id()
    names: dict[int, str] = {}
    for paper_id, title in session.execute(
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.title)).where(
            col(PaperRevision.paper_id).in_(shown), col(PaperRevision.superseded_at).is_(None)
        )
    ):
        names[paper_id] = f"“{(title or 'untitled')[:60]}”"
    identifiers = session.execute(
        sa.select(paper, col(PaperIdentifier.value))
        .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
        .where(paper.in_(shown))
        .order_by(col(PaperIdentifier.id).desc())
    )
    names |= dict(identifiers.all())
    return [names.get(paper_id, f"paper {paper_id}") for paper_id in papers]


def _live_rows(session: Session, library: str) -> list[tuple[LibraryPush, int]]:
    """What we believe to be in the library through us, with the papers that stand for it, in order of bibcodes."""
    rows = session.execute(
        sa.select(LibraryPush, survivor_id())
        .join(Paper, col(Paper.id) == col(LibraryPush.paper_id))
        .where(col(LibraryPush.library) == library, col(LibraryPush.ended_at).is_(None))
        .order_by(col(LibraryPush.bibcode))
    )
    return [(row, paper) for row, paper in rows]


def settle(session: Session, library: str, listed: LibraryList, ours: Ours, *, now: datetime) -> None:
    """Bring what we remember up to what the library holds.

    What was about to be put and is there has arrived. What is not there is gone, unless ADS has it under another
    bibcode of the same paper (an article that was put as a preprint): then that one is ours.
    """
    held = set(listed.bibcodes)
    rows = _live_rows(session, library)
    live = {row.bibcode for row, _ in rows}
    for row, paper in rows:
        if row.bibcode in held:
            row.pushed_at = row.pushed_at or now
            continue
        others = (listed.updates.get(row.bibcode), *ours.bibcodes.get(paper, ()))
        renamed = next((code for code in others if code and code in held and code not in live), None)
        row.ended_at, row.ending = now, "renamed" if renamed else "gone"
        if renamed:
            live.add(renamed)
            session.add(
                LibraryPush(
                    library=library,
                    bibcode=renamed,
                    paper_id=row.paper_id,
                    job_run_id=row.job_run_id,
                    asked_at=row.asked_at,
                    pushed_at=row.pushed_at or now,
                )
            )
    session.flush()


def plan_push(session: Session, library: str, listed: LibraryList, ours: Ours) -> Plan:
    """Return what is to be added and taken out, after ``settle``."""
    held = set(listed.bibcodes)
    rows = _live_rows(session, library)
    placed = {paper for _, paper in rows}  # also under a bibcode that the paper is not known by yet
    missing = {p: codes[0] for p, codes in ours.bibcodes.items() if p not in placed and held.isdisjoint(codes)}
    # Two papers of ours may share a bibcode for a while (twins nobody has merged yet); it goes over once.
    add = {code: paper for paper, code in sorted(missing.items(), reverse=True)}
    wanted = {code for codes in ours.bibcodes.values() for code in codes}
    remove = [
        row
        for row, paper in rows
        if row.bibcode not in wanted and paper not in ours.bibcodes and paper not in ours.hidden
    ]
    return Plan(tuple(sorted(add.items())), tuple(remove), len(ours.bibcodes) - len(missing))


def _tell_plan(context: JobContext, listed: LibraryList, ours: Ours, plan: Plan, *, dry: bool) -> None:
    for name, number in (
        ("in_the_library", len(listed.bibcodes)),
        ("ours_there_already", plan.held),
        ("without_bibcode", len(ours.unnamed)),
        ("under_second_reading", len(ours.hidden)),
    ):
        context.count(name, number)
    if ours.unnamed:
        context.note(f"Not pushed, as ADS has given them no bibcode: {_named(ours.unnamed)}.")
    if not dry:
        return
    context.count("to_add", len(plan.add))
    context.count("to_remove", len(plan.remove))
    if plan.add:
        context.note(f"Would be added to {listed.name}: {_named([code for code, _ in plan.add])}.")
    if plan.remove:
        context.note(f"Would be taken out of {listed.name}: {_named([row.bibcode for row in plan.remove])}.")
    context.note("Nothing was changed (dry run).")


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
