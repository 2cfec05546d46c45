"""What a person corrects stands above every source, until the person takes it back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

import pytest
from sqlmodel import Session

from biblio.catalogue import corrections, revisions
from biblio.catalogue.actor import Actor
from biblio.errors import NotAllowed, RequestRefused
from biblio.store import Store
from tests.catalogue.records import article
from tests.catalogue.test_papers import LATER, NOW, absorb, librarian, shown


def test_a_correction_stays_above_every_later_harvest(store: Store) -> None:
    """What a person corrected is shown until the person withdraws it, whatever sources say meanwhile."""
    person = librarian(store)
    (outcome,) = absorb(store, article())
    with store.writing() as session:
        corrections.correct(session, person, outcome.paper_id, "title", "The title as printed", now=NOW)
    absorb(store, article(title="Yet another title", citation_count=5), now=LATER)
    with store.reading() as session:
        (revision,) = shown(session)
        assert (revision.title, revision.provenance["title"]) == ("The title as printed", "person")
        assert revision.citation_count == 5
    with store.writing() as session:
        corrections.withdraw_correction(session, person, outcome.paper_id, "title", now=LATER)
    with store.reading() as session:
        assert [r.title for r in shown(session)] == ["Yet another title"]


def test_a_harvest_and_two_people_may_write_on_one_paper_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other: nobody fails, both corrections are in force, and what the harvest brought is there."""
    person = librarian(store)
    (outcome,) = absorb(store, article())
    compose_again = revisions.recompose
    failed: list[Exception] = []

    def slowly(session: Session, papers: Iterable[int], *, now: datetime) -> int:
        time.sleep(0.2)
        return compose_again(session, papers, now=now)

    def work(write: Callable[[], object]) -> None:
        try:
            write()
        except Exception as error:
            failed.append(error)

    def correct(name: str, value: object) -> None:
        with store.writing() as session:
            corrections.correct(session, person, outcome.paper_id, name, value, now=LATER)

    monkeypatch.setattr(corrections, "recompose", slowly)
    acts: list[Callable[[], object]] = [
        lambda: correct("title", "The title as printed"),
        lambda: correct("year", 1999),
        lambda: correct("year", 1998),
        lambda: absorb(store, article(citation_count=5), now=LATER),
    ]
    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with store.reading() as session:
        (revision,) = shown(session)
        assert (revision.title, revision.citation_count) == ("The title as printed", 5)
        assert revision.year in (1998, 1999)


@pytest.mark.parametrize(
    ("name", "value"), [("authors", []), ("year", "MMXX"), ("published_on", "soon"), ("kind", "x")]
)
def test_a_correction_of_the_wrong_kind_is_refused(store: Store, name: str, value: object) -> None:
    """A field that cannot be corrected, or a value it cannot take, is refused with what would be possible."""
    person = librarian(store)
    (outcome,) = absorb(store, article())
    with store.writing() as session, pytest.raises(RequestRefused):
        corrections.correct(session, person, outcome.paper_id, name, value, now=NOW)


def test_the_machine_corrects_nothing(store: Store) -> None:
    """Only a person may correct a paper."""
    (outcome,) = absorb(store, article())
    with store.writing() as session, pytest.raises(NotAllowed):
        corrections.correct(session, Actor(None, "command line"), outcome.paper_id, "title", "x", now=NOW)
