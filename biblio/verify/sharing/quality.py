"""How well second readers agree, how long decisions take, and how each library stands: reads for the quality pages.

Nothing here is by person: seconds of a library are told where at least two people decided there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory import Profile
from biblio.store.models import Decision, DeskItem, SecondReading, UserAccount
from biblio.store.words import RelationKind, Verdict
from biblio.verify.sharing.agreement import Agreement, Table, agreement, confusion
from biblio.verify.sharing.library_rules import library_names

RECENT = timedelta(days=30)
"""How far back a library's share is counted."""

LEAST_TIMED = 5
"""Timed decisions from which a median is told."""

LEAST_PEOPLE = 2
"""People from whom seconds are told for a library: of one person they would be by name."""

MONTHS = 12
"""Months of which the median seconds are told, with the one that runs."""


# -- two readers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """One decision that two readers judged: when the second did, and what each said."""

    at: datetime
    paper_id: int
    verdicts: tuple[str, str]
    relations: tuple[str, str] | None
    """None where one of the two did not say how the paper relates."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The comparison of one subject (verdicts, or classes) in one period."""

    period: str
    table: Table
    agreement: Agreement


def compared(session: Session) -> list[Compared]:
    """Return all that two readers judged, by the day of the second one."""
    rows = session.execute(
        sa.select(
            col(SecondReading.ended_at),
            col(SecondReading.paper_id),
            col(Decision.verdict),
            col(SecondReading.verdict),
            col(SecondReading.first_relation),
            col(SecondReading.relation),
        )
        .join(Decision, col(Decision.id) == col(SecondReading.decision_id))
        .where(
            col(SecondReading.ended_at).is_not(None),
            col(SecondReading.verdict).is_not(None),
            col(Decision.verdict).is_not(None),
        )
        .order_by(col(SecondReading.ended_at), col(SecondReading.id))
    )
    return [
        Compared(at, paper, (one.value, two.value), (first.value, second.value) if first and second else None)
        for at, paper, one, two, first, second in rows
    ]


def quarter(at: datetime) -> str:
    """Return the quarter a moment lies in, as 2026-Q4."""
    utc = at.astimezone(UTC)
    return f"{utc.year}-Q{(utc.month + 2) // 3}"


def of_verdicts(rows: Iterable[Compared], period: str) -> Judged:
    """Return how the verdicts of these pairs agree."""
    table = confusion((row.verdicts for row in rows), [v.value for v in Verdict])
    return Judged(period, table, agreement(table))


def of_relations(rows: Iterable[Compared], period: str) -> Judged:
    """Return how the classes agree. A paper of which one reader judged several projects counts once."""
    once: dict[tuple[int, tuple[str, str]], tuple[str, str]] = {}
    for row in rows:
        if row.relations is not None:
            once[row.paper_id, row.relations] = row.relations
    table = confusion(once.values(), [r.value for r in RelationKind])
    return Judged(period, table, agreement(table))


def by_quarter(rows: Sequence[Compared]) -> list[tuple[Judged, Judged]]:
    """Return (verdicts, classes) for each quarter that has pairs, latest first."""
    quarters: dict[str, list[Compared]] = {}
    for row in rows:
        quarters.setdefault(quarter(row.at), []).append(row)
    return [(of_verdicts(quarters[q], q), of_relations(quarters[q], q)) for q in sorted(quarters, reverse=True)]


# -- how long decisions take ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Month:
    """Timed decisions of a month; the median is None where there are too few to tell."""

    name: str
    count: int
    median_s: float | None


def months(session: Session, now: datetime) -> list[Month]:
    """Return the median seconds from opening a paper to deciding, of everybody together, for the last months."""
    begins = _month_begins(now)
    number = sa.case(*((col(Decision.made_at) < begin, place) for place, begin in enumerate(begins)), else_=MONTHS)
    found = _medians(session, number, since=begins[0])
    rows = []
    for place, begin in enumerate(begins, start=1):
        count, seconds = found.get(place, (0, None))
        rows.append(Month(f"{begin:%Y-%m}", count, seconds if count >= LEAST_TIMED else None))
    return rows[::-1]


def _month_begins(now: datetime) -> list[datetime]:
    """The first moments of the last months, oldest first."""
    count = now.year * 12 + now.month - 1
    return [datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in range(count - MONTHS + 1, count + 1)]


def _medians(session: Session, group: Any, *, since: datetime) -> Mapping[Any, tuple[int, float]]:
    """Return group → (timed decisions, their median seconds): one statement, whatever the database."""
    seconds = col(Decision.shown_for_s)
    timed = (
        sa.select(
            group.label("group"),
            seconds.label("seconds"),
            sa.func.row_number().over(partition_by=group, order_by=seconds).label("place"),
            sa.func.count().over(partition_by=group).label("count"),
        )
        .select_from(Decision)
        .join(UserAccount, col(UserAccount.id) == col(Decision.actor_id))
        .where(col(Decision.made_at) >= since, seconds.is_not(None), col(Decision.verdict).is_not(None))
        .subquery()
    )
    twice = 2 * timed.c.place - timed.c.count  # 1 in the middle of an odd number, 0 and 2 around that of an even one
    rows = session.execute(
        sa.select(timed.c.group, timed.c.count, sa.func.avg(timed.c.seconds))
        .where(twice.in_((0, 1, 2)))
        .group_by(timed.c.group, timed.c.count)
    )
    return {name: (count, float(median)) for name, count, median in rows}


# -- libraries ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """How one library stands (None: papers of no library, people without one)."""

    library: str | None
    decided: int
    share: float | None
    """Its part (0–1) of all that was decided lately; None where nothing was."""
    waiting: int
    oldest: datetime | None
    median_s: float | None


def library_rows(session: Session, profile: Profile, now: datetime) -> list[LibraryRow]:
    """Return each library's share and backlog, in the profile's order: three statements.

    A decision that was taken back is no part of a share.
    """
    since = now - RECENT
    taken_back = sa.select(col(Decision.undoes_id)).where(
        col(Decision.made_at) >= since, col(Decision.undoes_id).is_not(None)
    )
    decided = {
        library: (count, people)
        for library, count, people in session.execute(
            sa.select(col(UserAccount.library), sa.func.count(), sa.func.count(sa.distinct(col(Decision.actor_id))))
            .select_from(Decision)
            .join(UserAccount, col(UserAccount.id) == col(Decision.actor_id))
            .where(
                col(Decision.made_at) >= since,
                col(Decision.verdict).is_not(None),
                col(Decision.undoes_id).is_(None),
                col(Decision.id).not_in(taken_back),
            )
            .group_by(col(UserAccount.library))
        )
    }
    waiting = {
        library: (count, oldest)
        for library, count, oldest in session.execute(
            sa.select(col(DeskItem.library), sa.func.count(), sa.func.min(col(DeskItem.waiting_since)))
            .where(col(DeskItem.is_shown).is_(True))
            .group_by(col(DeskItem.library))
        )
    }
    medians = _medians(session, col(UserAccount.library), since=since)
    all_decided = sum(count for count, _ in decided.values())
    names: list[str | None] = [*library_names(profile)]
    names += sorted({n for n in [*decided, *waiting] if n is not None and n not in names})
    rows = []
    for name in [*names, *([None] if None in decided or None in waiting else [])]:
        count, people = decided.get(name, (0, 0))
        timed, seconds = medians.get(name, (0, None))
        is_told = timed >= LEAST_TIMED and people >= LEAST_PEOPLE
        backlog, oldest = waiting.get(name, (0, None))
        share = count / all_decided if all_decided else None
        rows.append(LibraryRow(name, count, share, backlog, oldest, seconds if is_told else None))
    return rows
