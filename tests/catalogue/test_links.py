"""Suggesting and deciding: a machine never changes what a person decided, and of two people one is told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.catalogue.audit_check import check_everything
from biblio.catalogue.links import (
    EvidenceFacts,
    Ruling,
    SuggestCounts,
    Suggestion,
    decide,
    live_link,
    live_relation,
    relate,
    suggest,
    undo,
)
from biblio.catalogue.merges import merge
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.store import Store
from biblio.store.models import Candidate, CandidateRevision, Decision, EvidenceItem, Link, Paper, PaperRelation
from biblio.store.words import Band, RelationKind, Verdict
from tests.verify.factories import add_paper, add_project, add_user

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SCIENCE = RelationKind.SCIENCE


def _suggestion(
    project: int, *, score: float = 0.8, band: Band = Band.LIKELY, kinds: Sequence[str] = ("pi",)
) -> Suggestion:
    evidence = tuple(EvidenceFacts(kind=k, value="1", contribution=2.0, sentence=f"Because of {k}.") for k in kinds)
    return Suggestion(project_id=project, score=score, band=band, evidence=evidence)


def _suggest(session: Session, paper: int, *suggestions: Suggestion, at: datetime = NOW) -> SuggestCounts:
    return suggest(session, paper_id=paper, suggestions=suggestions, rules_digest="rules", now=at)


def _accept(paper: int, project: int, version: int = 0, relation: RelationKind | None = SCIENCE) -> Ruling:
    return Ruling(paper_id=paper, project_id=project, verdict=Verdict.ACCEPT, version_seen=version, relation=relation)


def _reject(paper: int, project: int, version: int = 0, relation: RelationKind | None = None) -> Ruling:
    return Ruling(paper_id=paper, project_id=project, verdict=Verdict.REJECT, version_seen=version, relation=relation)


# -- suggest ------------------------------------------------------------------------------------------------------------


def test_an_unchanged_suggestion_adds_no_history(store: Store) -> None:
    """Suggesting the same twice is counted as unchanged and adds no revision and no evidence."""
    with store.writing() as session:
        paper, project = add_paper(session), add_project(session)
        assert _suggest(session, paper, _suggestion(project)).new == 1
        assert _suggest(session, paper, _suggestion(project), at=NOW + timedelta(days=1)).unchanged == 1
        assert len(session.exec(select(CandidateRevision)).all()) == 1
        assert len(session.exec(select(EvidenceItem)).all()) == 1


def test_a_changed_suggestion_supersedes_and_keeps_the_one_before(store: Store) -> None:
    """The revision before stays in the history with the time it ended; one is current."""
    with store.writing() as session:
        paper, project = add_paper(session), add_project(session)
        _suggest(session, paper, _suggestion(project))
        counts = _suggest(session, paper, _suggestion(project, score=0.9), at=NOW + timedelta(days=1))
        assert counts.changed == 1
        revisions = session.exec(select(CandidateRevision).order_by(col(CandidateRevision.id))).all()
        assert [(r.score, r.superseded_at) for r in revisions] == [(0.8, NOW + timedelta(days=1)), (0.9, None)]


def test_what_is_no_longer_proposed_is_withdrawn_not_deleted(store: Store) -> None:
    """A candidate that falls out keeps its rows; nothing of it is current; it may come back."""
    with store.writing() as session:
        paper, project = add_paper(session), add_project(session)
        _suggest(session, paper, _suggestion(project))
        assert _suggest(session, paper).withdrawn == 1
        assert session.exec(select(Candidate)).one().project_id == project
        assert session.exec(select(CandidateRevision).where(col(CandidateRevision.superseded_at).is_(None))).all() == []
        assert _suggest(session, paper, _suggestion(project)).new == 1
        assert len(session.exec(select(Candidate)).all()) == 1


# -- decide -------------------------------------------------------------------------------------------------------------


def test_accepting_stores_the_decision_the_link_and_the_relation(store: Store) -> None:
    """One act gives one decision row, one live link and the paper's relation."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        decision = decide(session, vera, _accept(paper, project), now=NOW)
        link = live_link(session, paper, project)
        assert link is not None
        assert (link.verdict, link.version, link.decision_id) == (Verdict.ACCEPT, 1, decision.id)
        assert live_relation(session, paper) is SCIENCE
        assert decision.actor_id == vera.user_id


def test_the_machine_cannot_decide(store: Store) -> None:
    """Only a person with a login gives a verdict, takes one back or judges a relation."""
    with store.writing() as session:
        paper, project = add_paper(session), add_project(session)
        with pytest.raises(NotAllowed):
            decide(session, MACHINE, _accept(paper, project), now=NOW)
        with pytest.raises(NotAllowed):
            relate(session, MACHINE, paper_id=paper, relation=SCIENCE, now=NOW)
        with pytest.raises(NotAllowed):
            undo(session, MACHINE, 1, now=NOW)


def test_accepting_needs_a_relation_that_can_have_a_project(store: Store) -> None:
    """Without a relation, or as "not ours", a project cannot be accepted; a relation judged before is enough."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        for relation in (None, RelationKind.NOT_OURS):
            with pytest.raises(RequestRefused):
                decide(session, vera, _accept(paper, project, relation=relation), now=NOW)
        relate(session, vera, paper_id=paper, relation=SCIENCE, now=NOW)
        assert decide(session, vera, _accept(paper, project, relation=None), now=NOW).verdict is Verdict.ACCEPT


def test_unknown_papers_and_projects_are_refused(store: Store) -> None:
    """A paper or project that does not exist is said to be missing, and nothing is stored."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        with pytest.raises(NotFound, match="paper"):
            decide(session, vera, _accept(paper + 99, project), now=NOW)
        with pytest.raises(NotFound, match="project"):
            decide(session, vera, _accept(paper, project + 99), now=NOW)
        with pytest.raises(NotFound):
            undo(session, vera, 99, now=NOW)
        assert session.exec(select(Decision)).all() == []


def test_a_stale_form_is_refused_and_shown_what_is_in_force(store: Store) -> None:
    """Who saw an older version is told what is in force meanwhile; their verdict is not stored."""
    with store.writing() as session:
        paper, project = add_paper(session), add_project(session)
        vera, hanna = add_user(session), add_user(session, "hanna")
        decide(session, vera, _accept(paper, project), now=NOW)
        with pytest.raises(Stale) as refusal:
            decide(session, hanna, _reject(paper, project), now=NOW)
        assert isinstance(refusal.value.current, Link)
        assert refusal.value.current.verdict is Verdict.ACCEPT
        assert len(session.exec(select(Decision)).all()) == 1


@pytest.mark.parametrize("starting", ["undecided", "decided"])
def test_of_people_who_decide_at_once_one_wins_and_the_others_are_told(store: Store, starting: str) -> None:
    """Six people judge one pair at the same moment: one decision is stored, five get ``Stale``, none is lost."""
    with store.writing() as session:
        paper, project = add_paper(session), add_project(session)
        people = [add_user(session, f"person{n}") for n in range(6)]
        version = 0
        if starting == "decided":
            decide(session, people[0], _accept(paper, project), now=NOW)
            version = 1
    gate = threading.Barrier(len(people))
    outcomes: list[str] = []

    def judge(person: Actor) -> None:
        gate.wait()
        try:
            with store.writing() as session:
                decide(session, person, _reject(paper, project, version=version), now=NOW + timedelta(minutes=1))
            outcomes.append("stored")
        except Stale:
            outcomes.append("stale")

    threads = [threading.Thread(target=judge, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["stale"] * 5 + ["stored"]
    with store.reading() as session:
        assert len(session.exec(select(Decision)).all()) == version + 1
        link = session.exec(select(Link).where(col(Link.ended_at).is_(None))).one()
        assert (link.verdict, link.version) == (Verdict.REJECT, version + 1)


# -- undo ---------------------------------------------------------------------------------------------------------------


def test_undo_brings_back_the_verdict_and_relation_before(store: Store) -> None:
    """Taking back a change of mind restores the earlier verdict and relation; the history keeps all three acts."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        decide(session, vera, _accept(paper, project), now=NOW)
        later = NOW + timedelta(hours=1)
        second = decide(session, vera, _reject(paper, project, version=1, relation=RelationKind.MENTION), now=later)
        assert live_relation(session, paper) is RelationKind.MENTION
        undo(session, vera, second.id or 0, now=later + timedelta(hours=1))
        link = live_link(session, paper, project)
        assert link is not None
        assert (link.verdict, link.version) == (Verdict.ACCEPT, 3)
        assert live_relation(session, paper) is SCIENCE
        assert len(session.exec(select(Decision)).all()) == 3
        assert len(session.exec(select(PaperRelation)).all()) == 3


def test_undoing_the_only_decision_leaves_nothing_in_force(store: Store) -> None:
    """The pair is undecided again, and the paper has no relation."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        first = decide(session, vera, _accept(paper, project), now=NOW)
        undo(session, vera, first.id or 0, now=NOW + timedelta(minutes=1))
        assert live_link(session, paper, project) is None
        assert live_relation(session, paper) is None


def test_undo_leaves_a_relation_that_somebody_judged_since(store: Store) -> None:
    """A relation judged after the decision is not the decision's to take back."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        first = decide(session, vera, _accept(paper, project), now=NOW)
        relate(session, vera, paper_id=paper, relation=RelationKind.ENGINEERING, now=NOW + timedelta(minutes=1))
        undo(session, vera, first.id or 0, now=NOW + timedelta(minutes=2))
        assert live_relation(session, paper) is RelationKind.ENGINEERING


def test_only_the_latest_decision_can_be_undone_and_only_once(store: Store) -> None:
    """An earlier decision, and an undo itself, are refused with what to do."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        first = decide(session, vera, _accept(paper, project), now=NOW)
        second = decide(session, vera, _reject(paper, project, version=1), now=NOW + timedelta(minutes=1))
        with pytest.raises(Stale):
            undo(session, vera, first.id or 0, now=NOW + timedelta(minutes=2))
        taken_back = undo(session, vera, second.id or 0, now=NOW + timedelta(minutes=3))
        with pytest.raises(Stale):
            undo(session, vera, second.id or 0, now=NOW + timedelta(minutes=4))
        with pytest.raises(RequestRefused):
            undo(session, vera, taken_back.id or 0, now=NOW + timedelta(minutes=5))


def test_taking_back_one_of_two_verdicts_of_merged_papers_leaves_the_other(store: Store) -> None:
    """Two papers were judged apart and became one: undoing the later verdict brings back the other, with its class."""
    with store.writing() as session:
        preprint, article, project = add_paper(session), add_paper(session), add_project(session)
        vera = add_user(session)
        decide(session, vera, _accept(preprint, project), now=NOW)
        later = decide(
            session, vera, _reject(article, project, relation=RelationKind.MENTION), now=NOW + timedelta(minutes=1)
        )
        merge(session, vera, kept_id=preprint, merged_id=article, reason="one", now=NOW + timedelta(minutes=2))
        undo(session, vera, later.id or 0, now=NOW + timedelta(minutes=3))
        link = live_link(session, preprint, project)
        assert link is not None
        assert link.verdict is Verdict.ACCEPT
        assert live_relation(session, preprint) is SCIENCE
        assert not [d for checked in check_everything(session) for d in checked.differences if d.paper is not None]


def test_a_relation_stays_while_another_accepted_project_rests_on_it(store: Store) -> None:
    """Of two accepted projects the first is taken back: the paper is still science; with the second it falls."""
    with store.writing() as session:
        paper, vera = add_paper(session), add_user(session)
        one, other = add_project(session), add_project(session, "2016.1.00002.S")
        first = decide(session, vera, _accept(paper, one), now=NOW)
        second = decide(session, vera, _accept(paper, other), now=NOW + timedelta(minutes=1))
        undo(session, vera, first.id or 0, now=NOW + timedelta(minutes=2))
        assert live_relation(session, paper) is SCIENCE
        undo(session, vera, second.id or 0, now=NOW + timedelta(minutes=3))
        assert live_relation(session, paper) is None
        assert not [d for checked in check_everything(session) for d in checked.differences if d.paper is not None]


def test_decisions_hold_for_the_paper_others_were_merged_into(store: Store) -> None:
    """A verdict on a preprint is in force for the article it became, and cannot be given twice."""
    with store.writing() as session:
        preprint, article, project = add_paper(session), add_paper(session), add_project(session)
        vera = add_user(session)
        decide(session, vera, _accept(preprint, project), now=NOW)
        row = session.get_one(Paper, preprint)
        row.merged_into_id = article
        session.add(row)
        session.flush()
        link = live_link(session, article, project)
        assert link is not None
        assert link.verdict is Verdict.ACCEPT
        assert live_relation(session, article) is SCIENCE
        with pytest.raises(Stale):
            decide(session, vera, _reject(article, project), now=NOW + timedelta(minutes=1))
        decide(session, vera, _reject(preprint, project, version=1), now=NOW + timedelta(minutes=2))
        live = session.exec(select(Link).where(col(Link.ended_at).is_(None))).one()
        assert (live.paper_id, live.verdict, live.version) == (article, Verdict.REJECT, 2)


# -- properties -----------------------------------------------------------------------------------------------------------

SUGGESTIONS = st.builds(
    lambda band, score, kinds: (band, score, tuple(sorted(kinds))),
    st.sampled_from(list(Band)),
    st.sampled_from([0.05, 0.5, 0.8, 0.99]),
    st.sets(st.sampled_from(["pi", "code", "targets", "title"]), min_size=1),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("suggest"), SUGGESTIONS),
        st.tuples(st.just("withdraw"), st.none()),
        st.tuples(st.just("decide"), st.sampled_from(list(Verdict))),
        st.tuples(st.just("undo"), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_machine_never_changes_what_a_person_decided(store: Store, steps: list[tuple[str, object]]) -> None:
    """Whatever order suggestions, verdicts and undos come in, the link in force is what people said last."""
    with store.writing() as session:
        number = len(session.exec(select(Paper)).all()) + 1
        paper, project = add_paper(session), add_project(session, f"2016.1.{number:05}.S")
        vera = add_user(session, f"vera{number}")
        said: list[Verdict | None] = [None]  # what was in force after each act that can still be undone
        last: int | None = None
        for minute, (kind, value) in enumerate(steps):
            at = NOW + timedelta(minutes=minute)
            before = live_link(session, paper, project)
            if kind == "suggest":
                band, score, kinds = value  # type: ignore[misc]
                _suggest(session, paper, _suggestion(project, band=band, score=score, kinds=kinds), at=at)
            elif kind == "withdraw":
                _suggest(session, paper, at=at)
            elif kind == "decide":
                version = before.version if before else 0
                ruling = Ruling(paper, project, value, version, relation=SCIENCE)  # type: ignore[arg-type]
                last = decide(session, vera, ruling, now=at).id
                said.append(value)  # type: ignore[arg-type]
            elif last is not None:
                undo(session, vera, last, now=at)
                last = None  # an undo is not undone
                said.append(said[-2])
            after = live_link(session, paper, project)
            assert (after.verdict if after else None) == said[-1]
            if kind in ("suggest", "withdraw"):
                assert (after.id if after else None) == (before.id if before else None)
        assert (
            len(session.exec(select(Link).where(col(Link.paper_id) == paper, col(Link.ended_at).is_(None))).all()) <= 1
        )


@pytest.mark.parametrize("relation", [RelationKind.MENTION, RelationKind.DATA_INFLUENCED, RelationKind.NOT_OURS])
def test_a_paper_that_uses_no_data_cannot_be_accepted(store: Store, relation: RelationKind) -> None:
    """Accepting says that the data come from the project, so it is refused where the paper uses none."""
    with store.writing() as session:
        vera, paper, project = add_user(session), add_paper(session), add_project(session, "2016.1.00077.S")
        with pytest.raises(RequestRefused, match="uses none of the data"):
            decide(session, vera, Ruling(paper, project, Verdict.ACCEPT, 0, relation), now=NOW)


def test_the_evidence_of_another_paper_is_refused(store: Store) -> None:
    """A decision that names evidence of another pair is not stored: the history would tell of what nobody was shown."""
    with store.writing() as session:
        vera, paper, other = add_user(session), add_paper(session), add_paper(session)
        project = add_project(session, "2016.1.00078.S")
        suggest(session, paper_id=other, suggestions=[_suggestion(project)], rules_digest="r", now=NOW)
        foreign = session.exec(select(CandidateRevision.id)).one()
        with pytest.raises(Stale, match="not that of this paper"):
            decide(session, vera, Ruling(paper, project, Verdict.REJECT, 0, None, "", foreign), now=NOW)
        assert session.exec(select(Decision)).all() == []
