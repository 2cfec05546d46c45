"""Merging papers, taking merges back, and asking about twins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from biblio.catalogue import merges
from biblio.catalogue.actor import MACHINE, Actor
from biblio.catalogue.links import Ruling, decide
from biblio.catalogue.papers import absorb_records
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.store import Store
from biblio.store.current import live_links
from biblio.store.models import MergeProposal, Paper, PaperRevision, Project, UserAccount
from biblio.store.words import RelationKind, Role, Verdict
from tests.catalogue.records import preprint

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def person(store: Store) -> Actor:
    """A librarian with a login."""
    with store.writing() as session:
        user = UserAccount(username="lib", name="A Librarian", role=Role.LIBRARIAN, created_at=NOW)
        session.add(user)
        session.flush()
        return Actor(user_id=user.id, name=user.name, role=user.role)


@pytest.fixture
def three(store: Store) -> list[int]:
    """Three papers; returns their ids."""
    records = [
        preprint(key=f"2101.0000{n}", arxiv_id=f"2101.0000{n}", title=title)
        for n, title in ((1, "Cold dust"), (2, "Warm gas"), (3, "Hot stars"))
    ]
    with store.writing() as session:
        return [o.paper_id for o in absorb_records(session, records, payload_sha256=None, now=NOW)]


def roots(store: Store) -> dict[int | None, int | None]:
    """Which paper each merged paper points at."""
    with store.reading() as session:
        return {p.id: p.merged_into_id for p in session.exec(select(Paper))}


def titles(store: Store) -> list[str | None]:
    """The titles shown now, one per paper that stands."""
    with store.reading() as session:
        query = select(PaperRevision).where(PaperRevision.superseded_at == None)  # noqa: E711
        return sorted(r.title or "" for r in session.exec(query))


def test_merged_papers_point_at_the_root(store: Store, person: Actor, three: list[int]) -> None:
    """A chain of merges has one root, which every member names; each shows once."""
    a, b, c = three
    with store.writing() as session:
        merges.merge(session, person, kept_id=b, merged_id=c, reason="same", now=NOW)
        merges.merge(session, person, kept_id=a, merged_id=c, reason="same", now=NOW)
    assert roots(store) == {a: None, b: a, c: a}
    assert len(titles(store)) == 1


def test_a_merge_can_be_taken_back_in_any_order(store: Store, person: Actor, three: list[int]) -> None:
    """Undoing the first of two merges parts just its two sides; both show again as before."""
    a, b, c = three
    with store.writing() as session:
        first = merges.merge(session, person, kept_id=b, merged_id=c, reason="same", now=NOW)
        second = merges.merge(session, person, kept_id=a, merged_id=b, reason="same", now=NOW)
        first_id, second_id = first.id, second.id
    assert first_id is not None
    assert second_id is not None
    with store.writing() as session:
        merges.undo_merge(session, person, first_id, now=LATER)
    assert roots(store) == {a: None, b: a, c: None}
    with store.writing() as session:
        merges.undo_merge(session, person, second_id, now=LATER)
    assert roots(store) == {a: None, b: None, c: None}
    assert titles(store) == ["Cold dust", "Hot stars", "Warm gas"]
    with store.writing() as session, pytest.raises(Stale):
        merges.undo_merge(session, person, first_id, now=LATER)


def test_decisions_survive_a_merge_and_its_undoing(store: Store, person: Actor, three: list[int]) -> None:
    """A link decided for a paper that is merged away is seen at its survivor, and back at the paper afterwards."""
    a, b, _ = three
    with store.writing() as session:
        project = Project(code="2013.1.00001.S", first_seen_at=NOW)
        session.add(project)
        session.flush()
        assert project.id is not None
        decide(session, person, Ruling(b, project.id, Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=NOW)
        merge_id = merges.merge(session, person, kept_id=a, merged_id=b, reason="same", now=NOW).id
    assert merge_id is not None
    with store.writing() as session:
        assert session.exec(select(live_links().c.paper_id)).all() == [a]
        merges.undo_merge(session, person, merge_id, now=LATER)
        assert session.exec(select(live_links().c.paper_id)).all() == [b]


def test_wrong_merges_are_refused(store: Store, person: Actor, three: list[int]) -> None:
    """A paper is not merged with itself or with none, and the machine undoes nothing."""
    a, b, _ = three
    with store.writing() as session:
        row = merges.merge(session, person, kept_id=a, merged_id=b, reason="same", now=NOW)
        with pytest.raises(RequestRefused):
            merges.merge(session, person, kept_id=b, merged_id=a, reason="same", now=NOW)
        with pytest.raises(NotFound):
            merges.merge(session, person, kept_id=a, merged_id=9_999, reason="same", now=NOW)
        assert row.id is not None
        with pytest.raises(NotAllowed):
            merges.undo_merge(session, MACHINE, row.id, now=NOW)


def test_twins_become_a_question_and_no_merge(store: Store, person: Actor) -> None:
    """Alike titles of one first author a year apart are asked about once; a refusal stands for ever."""
    twins = [
        preprint(key="2101.00001", arxiv_id="2101.00001", title="Cold dust in a made-up galaxy", year=2021),
        preprint(source="list", key="x", arxiv_id=None, title="Cold Dust in a Made-Up Galaxy.", year=2022),
        preprint(source="list", key="y", arxiv_id=None, title="Cold dust in a made-up galaxy", year=2025),
        preprint(key="2102.00001", arxiv_id="2102.00001", title="Warm gas in a made-up nebula", year=2021),
    ]
    with store.writing() as session:
        outcomes = absorb_records(session, twins, payload_sha256=None, now=NOW)
        assert merges.propose_twins(session, merges.find_twins(session), now=NOW) == 1
        proposal = session.exec(select(MergeProposal)).one()
        assert (proposal.paper_id, proposal.twin_id) == (outcomes[0].paper_id, outcomes[1].paper_id)
        assert proposal.id is not None
        merges.decide_proposal(session, person, proposal.id, Verdict.REJECT, now=LATER)
        assert merges.propose_twins(session, merges.find_twins(session), now=LATER) == 0
    assert set(roots(store).values()) == {None}


def test_a_confirmed_question_merges(store: Store, person: Actor, three: list[int]) -> None:
    """Yes to "are these one?" merges them; a second answer is refused."""
    a, b, _ = three
    with store.writing() as session:
        proposal = MergeProposal(paper_id=a, twin_id=b, probability=0.9, reasons=["alike"], proposed_at=NOW)
        session.add(proposal)
        session.flush()
        assert proposal.id is not None
        merges.decide_proposal(session, person, proposal.id, Verdict.ACCEPT, now=LATER)
        with pytest.raises(Stale):
            merges.decide_proposal(session, person, proposal.id, Verdict.REJECT, now=LATER)
    assert roots(store)[b] == a
