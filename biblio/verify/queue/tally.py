"""How many papers of the queue have a value, without counting them: 200,000 rows take 20 ms for each column.

Whoever changes rows of ``desk_item`` adds the differences in the same transaction (``note``). The differences are rows
of their own and adding commutes, so nobody waits for anybody and the sums are right whoever commits first; what a row
was before is read under its lock (``biblio.verify.queue.items``). The sums are folded into one row each now and then, and
compared with the queue itself every night (``true_up``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.models import DeskItem, DeskTally
from matching.learning import AUDIT

__all__ = ["FACETS", "SAMPLE", "note", "sums", "true_up"]

_ITEM: Any = DeskItem.__table__.c  # type: ignore[attr-defined]

FACETS: Mapping[str, Any] = {
    "all": sa.literal_column("''"),
    "band": _ITEM.band,
    "why": _ITEM.why,
    "source": _ITEM.source,
    "journal": _ITEM.journal,
    "cycle": _ITEM.cycle,
    "year": _ITEM.year,
    "library": _ITEM.library,
    "language": _ITEM.language,
    "press": _ITEM.is_at_press,
    "escalated": _ITEM.is_escalated,
}
"""What is counted, by the name of the filter in the address; of the last two only the papers for which it holds."""

SAMPLE = "sample"
"""Beside them: papers of the random sample that the queue does not show otherwise."""

FOLD_AT = 3_000
"""Rows of differences from which they are folded: summing so many takes a millisecond."""

Key = tuple[str, str]


def sums(session: Session) -> dict[str, Counter[str]]:
    """Return facet → value → papers in the queue, of all papers there."""
    found: dict[str, Counter[str]] = {facet: Counter() for facet in (*FACETS, SAMPLE)}
    for facet, value, papers in session.execute(_sums()):
        if facet in found and papers:
            found[facet][value] = papers
    return found


def _sums() -> Any:
    return sa.select(col(DeskTally.facet), col(DeskTally.value), sa.func.sum(col(DeskTally.papers))).group_by(
        col(DeskTally.facet), col(DeskTally.value)
    )


def note(session: Session, before: Iterable[DeskItem | None], after: Iterable[DeskItem | None]) -> None:
    """Add what changed in the queue: rows as they were and as they are, None where there is none."""
    difference: Counter[Key] = Counter()
    for item in after:
        difference.update(_keys(item))
    for item in before:
        difference.subtract(_keys(item))
    _add(session, difference)


def _keys(item: DeskItem | None) -> list[Key]:
    if item is None:
        return []
    if not item.is_shown:
        return [(SAMPLE, "")] if item.lot < AUDIT and item.why != "unsure" else []
    values: dict[str, object] = {
        "all": "",
        "band": item.band.value if item.band else None,
        "why": item.why,
        "source": item.source,
        "journal": item.journal,
        "cycle": item.cycle,
        "year": item.year,
        "library": item.library,
        "language": item.language,
        "press": "yes" if item.is_at_press else None,
        "escalated": "yes" if item.is_escalated else None,
    }
    return [(facet, str(value)) for facet, value in values.items() if value is not None]


def _add(session: Session, difference: Mapping[Key, int]) -> None:
    rows = [{"facet": f, "value": v, "papers": number} for (f, v), number in difference.items() if number]
    if not rows:
        return
    session.execute(sa.insert(DeskTally), rows)
    if session.execute(sa.select(sa.func.count()).select_from(DeskTally)).scalar_one() > FOLD_AT:
        _fold(session)


def _fold(session: Session) -> None:
    """Sum the rows into one for each value. Rows that another transaction is folding are left to it."""
    free = sa.select(col(DeskTally.id)).with_for_update(skip_locked=True)
    gone = session.execute(
        sa.delete(DeskTally)
        .where(col(DeskTally.id).in_(free))
        .returning(col(DeskTally.facet), col(DeskTally.value), col(DeskTally.papers))
        .execution_options(synchronize_session=False)
    )
    summed: Counter[Key] = Counter()
    for facet, value, papers in gone:
        summed[facet, value] += papers
    rows = [{"facet": f, "value": v, "papers": number} for (f, v), number in summed.items() if number]
    if rows:
        session.execute(sa.insert(DeskTally), rows)


def true_up(session: Session) -> int:
    """Compare the sums with the queue itself and mend them; return how many were wrong (none, unless rows were edited).

    One statement reads both, so what others store meanwhile is in both or in neither.
    """
    counted: list[Any] = [_counted(facet, column) for facet, column in FACETS.items()]
    sample: Any = sa.select(sa.literal_column(f"'{SAMPLE}'"), sa.literal_column("''"), sa.func.count())
    counted.append(sample.where(_ITEM.is_shown.is_(False), _ITEM.lot < AUDIT, _ITEM.why != "unsure"))
    told: Any = sa.select(col(DeskTally.facet), col(DeskTally.value), -sa.func.sum(col(DeskTally.papers))).group_by(
        col(DeskTally.facet), col(DeskTally.value)
    )
    difference: Counter[Key] = Counter()
    for facet, value, papers in session.execute(sa.union_all(*counted, told)):
        difference[facet, value] += papers
    wrong = {key: number for key, number in difference.items() if number}
    _add(session, wrong)
    return len(wrong)


def _counted(facet: str, column: Any) -> Any:
    """Select (facet, value, papers) from the queue itself."""
    is_flag = isinstance(column.type, sa.Boolean)
    value = sa.literal_column("'yes'") if is_flag else sa.cast(column, sa.String)
    counted: Any = sa.select(
        sa.literal_column(f"'{facet}'").label("facet"), value.label("value"), sa.func.count().label("papers")
    )
    counted = counted.where(_ITEM.is_shown.is_(True), column.is_(True) if is_flag else column.is_not(None))
    return counted if is_flag or facet == "all" else counted.group_by(value)
