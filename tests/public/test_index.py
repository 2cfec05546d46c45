"""The index in memory always says what the database would, and finds words however they are accented."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from biblio.catalogue.links import Ruling, decide, relate, undo
from biblio.catalogue.merges import merge, undo_merge
from biblio.clock import FixedClock
from biblio.public.keeping import IndexKeeper
from biblio.public.searching import search
from biblio.public.wanted import Wanted, read_query
from biblio.runtime import Runtime
from biblio.store.models import Decision, PaperRevision
from biblio.store.words import RelationKind, Verdict
from tests.conftest import NOW
from tests.factories import accept, add_paper, add_project
from tests.public.conftest import Shelf
from tests.public.contents import contents


@pytest.fixture
def keeper() -> IndexKeeper:
    """An index that has seen nothing yet."""
    return IndexKeeper()


def _public(runtime: Runtime, keeper: IndexKeeper) -> set[int]:
    """The public papers as the kept index says; a fresh one must say the same."""
    with runtime.store.reading() as session:
        kept = keeper.current(session)
        assert contents(kept) == contents(IndexKeeper().current(session))
    return set(kept.revisions())


def _found(runtime: Runtime, keeper: IndexKeeper, words: str) -> list[int]:
    with runtime.store.reading() as session:
        index = keeper.current(session)
        return search(session, index, Wanted(words=words), read_query(words, runtime.grammar)).take(100, 0)


def test_every_decision_is_seen_at_once(runtime: Runtime, shelf: Shelf, keeper: IndexKeeper, clock: FixedClock) -> None:
    """Accepting, undoing, rejecting and taking a relation back all change what is public with the next request."""
    assert _public(runtime, keeper) == {shelf.rings, shelf.torus}
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, shelf.unjudged, shelf.silent, now=clock.now())
    assert _public(runtime, keeper) == {shelf.rings, shelf.torus, shelf.unjudged}
    clock.move(timedelta(minutes=1))
    with runtime.store.writing() as session:
        latest = session.exec(select(Decision.id).order_by(col(Decision.id).desc())).first()
        assert latest is not None
        undo(session, shelf.librarian, latest, now=clock.now())
    assert _public(runtime, keeper) == {shelf.rings, shelf.torus}
    with runtime.store.writing() as session:
        ruling = Ruling(shelf.torus, shelf.project, Verdict.REJECT, version_seen=1)
        decide(session, shelf.librarian, ruling, now=clock.now())
    assert _public(runtime, keeper) == {shelf.rings}
    with runtime.store.writing() as session:
        relate(session, shelf.librarian, paper_id=shelf.rings, relation=None, now=clock.now())
    assert _public(runtime, keeper) == set()
    with runtime.store.writing() as session:
        relate(session, shelf.librarian, paper_id=shelf.rings, relation=RelationKind.SCIENCE, now=clock.now())
    assert _public(runtime, keeper) == {shelf.rings}


def test_a_merge_is_seen_at_once(runtime: Runtime, shelf: Shelf, keeper: IndexKeeper) -> None:
    """Two papers that became one are listed once, with the projects of both."""
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, shelf.unjudged, shelf.silent)
    assert shelf.unjudged in _public(runtime, keeper)
    with runtime.store.writing() as session:
        joined = merge(session, shelf.librarian, kept_id=shelf.rings, merged_id=shelf.unjudged, reason="x", now=NOW)
    assert _public(runtime, keeper) == {shelf.rings, shelf.torus}
    with runtime.store.reading() as session:
        assert keeper.current(session).codes_of(shelf.rings) == ("2013.1.00020.S", "2015.1.00300.S")
    with runtime.store.writing() as session:
        undo_merge(session, shelf.librarian, joined.id or 0, now=NOW)
    assert _public(runtime, keeper) == {shelf.rings, shelf.torus, shelf.unjudged}
    with runtime.store.reading() as session:
        assert keeper.current(session).codes_of(shelf.rings) == ("2013.1.00020.S",)


def test_a_new_title_is_found_at_once(runtime: Runtime, shelf: Shelf, keeper: IndexKeeper, clock: FixedClock) -> None:
    """A harvest or a correction that changes what is shown changes what is found."""
    assert _found(runtime, keeper, "torus") == [shelf.torus]
    with runtime.store.writing() as session:
        before = session.exec(select(PaperRevision).where(col(PaperRevision.paper_id) == shelf.torus)).one()
        before.superseded_at = clock.now()
        session.add(before)
        session.flush()
        session.add(PaperRevision(paper_id=shelf.torus, learned_at=clock.now(), title="A dusty ring", year=2021))
    assert _found(runtime, keeper, "torus") == []
    assert _found(runtime, keeper, "dusty ring") == [shelf.torus]


def test_accents_do_not_matter(runtime: Runtime, shelf: Shelf, keeper: IndexKeeper) -> None:
    """A reader without the right keyboard finds the author, and so does one with it."""
    for words in ("celik", "ÇELIK", "muller", "Müller", "diaz, e."):
        assert _found(runtime, keeper, words) == [shelf.rings], words


def test_papers_without_a_year_come_last(runtime: Runtime, shelf: Shelf, keeper: IndexKeeper) -> None:
    """What is not known is not the newest."""
    with runtime.store.writing() as session:
        paper = add_paper(session, "Undated", year=None)  # type: ignore[arg-type]
        accept(session, shelf.librarian, paper, add_project(session, "2016.1.00001.S"))
    with runtime.store.reading() as session:
        index = keeper.current(session)
        assert search(session, index, Wanted(), ()).take(9, 0) == index.newest(9) == [shelf.torus, shelf.rings, paper]
        assert search(session, index, Wanted(sort="oldest"), ()).take(9, 0) == [shelf.rings, shelf.torus, paper]
    assert index.by_year() == [(2019, 1), (2020, 0), (2021, 1)]
