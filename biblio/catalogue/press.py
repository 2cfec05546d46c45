"""When preprints are expected in print: what the store knows of them, put before the rule in ``press_words``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.press_words import Delay, Expected, Stage, Version, expect, journal_key, median_days, read_comment
from biblio.catalogue.terms import ARXIV
from biblio.store.current import survivor_id
from biblio.store.models import Paper, PaperIdentifier, PaperRevision, PressMedian, SourceRecord
from biblio.store.words import Scheme

RECENT_YEARS = 6
"""Papers printed longer ago say little about how long journals take now."""

_BATCH = 2_000


def has_journal_record(revision: PaperRevision) -> bool:
    """Whether a journal has the paper: some sources name the preprint server itself as the journal of a preprint."""
    return bool(revision.journal) and revision.kind != "eprint"


def press_dates(session: Session, paper_ids: Iterable[int], today: date) -> dict[int, date]:
    """Return the day on which each of these papers (survivors' ids) is expected in print.

    Left out is what no article will follow or has followed already: see ``expectations``.
    """
    return {paper_id: one.day for paper_id, one in expectations(session, paper_ids, today).items()}


def expectations(session: Session, paper_ids: Iterable[int], today: date) -> dict[int, Expected]:
    """Return when these papers (survivors' ids) are expected in print, and why, for those that are on arXiv only.

    Left out are papers with a journal's record, withdrawn ones, those not on arXiv, and those of which no day of
    submission up to ``today`` is known. The number of statements does not depend on that of the papers, up to 400.
    """
    ids = sorted(set(paper_ids))
    found: dict[int, Expected] = {}
    medians = known_medians(session)
    for chunk in chunks(ids):
        waiting = _waiting(session, chunk, today)
        versions = _versions(session, list(waiting))
        for paper_id, submitted_on in waiting.items():
            found[paper_id] = expect(versions.get(paper_id, ()), submitted_on, medians)
    return found


def known_medians(session: Session) -> dict[tuple[str, str], Delay]:
    """Return the medians that were counted last, by (where they begin, key of the journal or "" for all)."""
    rows = session.exec(select(PressMedian))
    return {(row.begins, row.journal): Delay(row.days, row.papers) for row in rows}


def _waiting(session: Session, ids: Sequence[int], today: date) -> dict[int, date]:
    """Return the day of submission of those papers that are preprints without an article."""
    revisions = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id).in_(ids), col(PaperRevision.superseded_at).is_(None))
    )
    # The scheme is looked at here: asked for in the statement, its index led to every arXiv number there is.
    identifiers = session.execute(
        sa.select(survivor_id(), col(PaperIdentifier.scheme))
        .join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
        .where(sa.or_(col(Paper.id).in_(ids), col(Paper.merged_into_id).in_(ids)))
    )
    on_arxiv = {paper_id for paper_id, scheme in identifiers if scheme is Scheme.ARXIV}
    return {
        row.paper_id: row.preprint_on
        for row in revisions
        if row.preprint_on is not None
        and row.preprint_on <= today
        and row.paper_id in on_arxiv
        and not (row.is_withdrawn or row.is_refereed or has_journal_record(row))
    }


def _versions(session: Session, ids: Sequence[int]) -> dict[int, list[Version]]:
    """Return the versions that arXiv's records (also superseded ones) tell of, with their comments, oldest first."""
    found: dict[int, dict[tuple[int, str], Version]] = defaultdict(dict)
    survivor = survivor_id()
    rows = session.execute(
        sa.select(survivor, col(SourceRecord.learned_at), *(_told(name) for name in _TOLD))
        .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
        .where(
            sa.or_(col(Paper.id).in_(ids), col(Paper.merged_into_id).in_(ids)),
            col(SourceRecord.source).startswith(ARXIV),
        )
        .order_by(col(SourceRecord.learned_at), col(SourceRecord.id))
    )
    for paper_id, learned_at, *told in rows:
        record = dict(zip(_TOLD, told, strict=True))
        comment = str(record["comment"] or "")
        number = int(record["arxiv_version"]) if record["arxiv_version"] else None
        version = Version(number, _day_of(record, number, learned_at), comment)
        found[paper_id].setdefault((version.number or 0, comment), version)
    return {
        paper_id: sorted(versions.values(), key=lambda v: (v.number or 0, v.day, v.comment != ""))
        for paper_id, versions in found.items()
    }


_TOLD = ("comment", "arxiv_version", "updated_on", "submitted_on")


def _told(name: str) -> Any:
    """One field of a record, so that the database need not hand out the rest of it."""
    return col(SourceRecord.record)[name].as_string()


def _day_of(record: Mapping[str, Any], version: int | None, learned_at: datetime) -> date:
    """The day of the version that a record describes."""
    told = record["updated_on"] or (record["submitted_on"] if version in (None, 1) else None)
    return date.fromisoformat(str(told)) if told else learned_at.date()


# -- counting -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Printed:
    """One paper that went to print after it was posted."""

    paper_id: int
    journal: str
    preprint_on: date
    published_on: date


def count_medians(session: Session, *, today: date) -> dict[tuple[str, str], Delay]:
    """Return how long papers take to print, by (where it begins, key of the journal or "" for all).

    Over papers of the last years whose preprint and printed article (to the month at least) are both known. It only
    reads, for minutes in a large store: ``keep_medians`` writes.
    """
    days: dict[tuple[str, str], list[int]] = defaultdict(list)
    after = 0
    while batch := _printed(session, after, today.year - RECENT_YEARS):
        after = batch[-1].paper_id
        versions = _versions(session, [one.paper_id for one in batch])
        for one in batch:
            submitted = (one.published_on - one.preprint_on).days
            accepted = _accepted_on(versions.get(one.paper_id, ()))
            for journal in ("", one.journal):
                days["submitted", journal].append(submitted)
                if accepted is not None:
                    days["accepted", journal].append((one.published_on - accepted).days)
    return {key: delay for key, told in days.items() if (delay := median_days(told)) is not None}


def keep_medians(session: Session, medians: Mapping[tuple[str, str], Delay], *, now: datetime) -> None:
    """Keep these medians in place of those that were counted before."""
    session.execute(sa.delete(PressMedian))
    for (begins, journal), delay in sorted(medians.items()):
        session.add(
            PressMedian(begins=begins, journal=journal[:255], days=delay.days, papers=delay.papers, counted_at=now)
        )
    session.flush()


def _printed(session: Session, after: int, since_year: int) -> list[_Printed]:
    rows = session.exec(
        select(PaperRevision)
        .where(
            col(PaperRevision.superseded_at).is_(None),
            col(PaperRevision.paper_id) > after,
            col(PaperRevision.is_refereed).is_(True),
            col(PaperRevision.year) >= since_year,
            col(PaperRevision.preprint_on).is_not(None),
            col(PaperRevision.published_on).is_not(None),
            col(PaperRevision.published_precision) != "year",
        )
        .order_by(col(PaperRevision.paper_id))
        .limit(_BATCH)
    )
    return [
        _Printed(row.paper_id, journal_key(row.journal or ""), row.preprint_on, row.published_on)
        for row in rows
        if row.preprint_on is not None and row.published_on is not None
    ]


def _accepted_on(versions: Sequence[Version]) -> date | None:
    """The day of the first version whose comment says that the paper is accepted."""
    return next((v.day for v in versions if read_comment(v.comment).stage is Stage.ACCEPTED), None)
