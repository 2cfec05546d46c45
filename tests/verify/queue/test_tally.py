"""The counts of the queue, kept by noting what changes: they are those of the queue, whatever was done in what order."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.runtime import Runtime
from biblio.store.models import DeskItem, DeskTally
from biblio.store.words import Band
from biblio.verify.queue import tally
from biblio.verify.queue.items import RANKS, lot
from matching.learning import AUDIT
from tests.verify.factories import SEEN, add_paper


def made(paper_id: int, chance: Random) -> DeskItem:
    """A row of the queue with any values."""
    why = chance.choice(list(RANKS))
    return DeskItem(
        paper_id=paper_id,
        band=chance.choice([None, *Band]),
        why=why,
        rank=RANKS[why],
        waiting_since=SEEN,
        is_shown=chance.random() < 0.8,
        is_at_press=chance.random() < 0.3,
        is_escalated=chance.random() < 0.2,
        source=chance.choice([None, "ads", "arxiv"]),
        journal=chance.choice([None, "ApJ", "A&A", "Ærø's Journal"]),
        year=chance.choice([None, 2019, 2024]),
        cycle=chance.choice([None, "2016.1"]),
        library=chance.choice([None, "ESO", "NRAO"]),
        language=chance.choice([None, "en", "ja"]),
        lot=lot(paper_id),
    )


def by_hand(session: Session) -> dict[str, Counter[str]]:
    """The counts from the queue itself."""
    found: dict[str, Counter[str]] = {facet: Counter() for facet in (*tally.FACETS, tally.SAMPLE)}
    for row in session.exec(select(DeskItem)):
        if not row.is_shown:
            if row.lot < AUDIT and row.why != "unsure":
                found[tally.SAMPLE][""] += 1
            continue
        found["all"][""] += 1
        for facet in ("band", "why", "source", "journal", "cycle", "year", "library", "language"):
            if getattr(row, facet) is not None:
                found[facet][str(getattr(row, facet))] += 1
        found["press"]["yes"] += row.is_at_press
        found["escalated"]["yes"] += row.is_escalated
    return {facet: Counter({v: n for v, n in counts.items() if n}) for facet, counts in found.items()}


@pytest.mark.parametrize("fold_at", [3_000, 20])
def test_the_sums_are_those_of_the_queue(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, fold_at: int) -> None:
    """Rows that come, change and go, folded in between or not: every facet has the count that counting gives."""
    monkeypatch.setattr(tally, "FOLD_AT", fold_at)
    chance = Random(7)
    with runtime.store.writing() as session:
        papers = [add_paper(session, title=f"Paper {n}") for n in range(30)]
    for _ in range(60):
        paper = chance.choice(papers)
        with runtime.store.writing() as session:
            old = session.get(DeskItem, paper)
            was = DeskItem.model_validate(old.model_dump()) if old is not None else None
            new = made(paper, chance) if chance.random() < 0.8 else None
            if old is not None:
                session.delete(old)
                session.flush()
            if new is not None:
                session.add(new)
                session.flush()
            tally.note(session, [was], [new])
    with runtime.store.writing() as session:
        assert tally.sums(session) == by_hand(session)
        rows = session.execute(sa.select(sa.func.count()).select_from(DeskTally)).scalar_one()
        assert rows <= fold_at + 40
        assert tally.true_up(session) == 0


def test_what_was_edited_past_it_is_mended(runtime: Runtime) -> None:
    """Rows put in, changed or deleted by hand are found by the nightly comparison, each wrong count once."""
    chance = Random(3)
    with runtime.store.writing() as session:
        session.add_all([made(add_paper(session, title=f"Paper {n}"), chance) for n in range(25)])
        session.flush()
        assert tally.true_up(session) > 0
        assert tally.sums(session) == by_hand(session)
        session.execute(sa.update(DeskItem).where(col(DeskItem.journal) == "ApJ").values(journal="A&A"))
        session.execute(sa.insert(DeskTally).values(facet="band", value="certain", papers=5))
        assert tally.true_up(session) == 3
        assert tally.sums(session) == by_hand(session)
        assert tally.true_up(session) == 0
