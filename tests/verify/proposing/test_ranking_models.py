"""Which model ranks candidates: choosing one, going back, and models that cannot be used."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.catalogue.links import Ruling, decide
from biblio.errors import NotFound
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import (
    AuditEntry,
    CandidateRevision,
    Decision,
    EvidenceItem,
    JobRun,
    Link,
    RankingChoice,
    RankingModel,
)
from biblio.store.words import Outcome, RelationKind, Verdict
from biblio.verify.proposing.match import match, world_of_today
from biblio.verify.proposing.ranking_models import adopt, history, in_force, named
from matching.ranking import FEATURES, feature_version, weights_version
from matching.rules import Rules
from matching.trees import Model, Tree
from tests.verify.factories import SEEN, add_paper, add_project, add_user


def stump(low: float = -3.0, high: float = 4.0) -> Model:
    """A model of one tree: candidates whose PI is an author get ``high``, others ``low``."""
    tree = Tree(
        feature=(FEATURES.index("pi"), -1, -1),
        threshold=(0.0, 0.0, 0.0),
        left=(1, 0, 0),
        right=(2, 0, 0),
        lost_left=(True, True, True),
        value=((low + high) / 2, low, high),
    )
    return Model(FEATURES, [tree])


def store_model(session: Session, rules: Rules, model: Model | None = None) -> RankingModel:
    """Keep a model as `biblio learn` does."""
    model = model or stump()
    row = RankingModel(
        version=model.version,
        text=model.text(),
        feature_version=feature_version(),
        rules_digest=weights_version(rules),
        fitted_at=SEEN,
    )
    session.add(row)
    session.flush()
    return row


def test_without_a_choice_the_profiles_weights_rank(runtime: Runtime) -> None:
    """Day 0: no row, no model, nothing to complain of."""
    with runtime.store.reading() as session:
        told = in_force(session, runtime.rules)
    assert (told.model, told.model_id, told.problem) == (None, None, None)


def test_a_chosen_model_is_in_force_until_another_is(runtime: Runtime) -> None:
    """One is in force at a time, every choice stays in the history and in the audit log with who took it."""
    with runtime.store.writing() as session:
        head = add_user(session)
        first, second = (store_model(session, runtime.rules, stump(high=high)).id for high in (4.0, 5.0))
        now = runtime.clock.now()
        assert adopt(session, head, first, reason="better", now=now)
        assert not adopt(session, head, first, reason="again", now=now)
        assert adopt(session, MACHINE, second, reason="", now=now + timedelta(hours=1))
        assert adopt(session, head, None, reason="back to day 0", now=now + timedelta(hours=2))
    with runtime.store.reading() as session:
        rows = history(session)
        assert [row.model_id for row in rows] == [None, second, first]
        assert [row.ended_at for row in rows] == [None, now + timedelta(hours=2), now + timedelta(hours=1)]
        assert in_force(session, runtime.rules).model is None
        audit = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        assert [entry.actor_id for entry in audit] == [head.user_id, None, head.user_id]
        assert audit[0].subject == stump(high=4.0).version
        with pytest.raises(NotFound):
            adopt(session, head, 999, reason="", now=now)


def test_models_are_named_by_the_beginning_of_their_version(runtime: Runtime) -> None:
    """An unknown beginning, an empty one, and one that several share are refused."""
    with runtime.store.writing() as session:
        row = store_model(session, runtime.rules)
        assert named(session, row.version[:5]).id == row.id
        session.add(
            RankingModel(version=row.version + "0", text="", feature_version="", rules_digest="", fitted_at=SEEN)
        )
        with pytest.raises(NotFound, match="Several"):
            named(session, row.version[:5])
        for unknown in ("zzz", "", "%"):
            with pytest.raises(NotFound, match="no model"):
                named(session, unknown)


@pytest.mark.parametrize("harm", ["features", "weights", "text", "numbers", "other features"])
def test_a_model_that_cannot_be_used_stops_nothing(runtime: Runtime, harm: str) -> None:
    """Matching goes on with the profile's weights, and the run says why and what to do."""
    with runtime.store.writing() as session:
        add_project(session)
        add_paper(session)
        row = store_model(session, runtime.rules, Model(("a", "b"), []) if harm == "other features" else None)
        if harm == "features":
            row.feature_version = "older"
        elif harm == "weights":
            row.rules_digest = "older"
        elif harm == "text":
            row.text = row.text[:40]
        elif harm == "numbers":
            row.text = stump(high=9.0).text()
        adopt(session, MACHINE, row.id, reason="", now=runtime.clock.now())
    world = world_of_today(runtime)
    assert world.model is None
    assert "cannot be used" in (world.problem or "")
    assert "biblio learn" in (world.problem or "")
    run = run_job(runtime, match)
    assert run.outcome is Outcome.SUCCEEDED
    assert _notes(runtime, run) == [world.problem]
    with runtime.store.reading() as session:
        assert {row.model_version for row in session.exec(select(CandidateRevision))} == {None}


def _notes(runtime: Runtime, run: JobRun) -> list[str]:
    with runtime.store.reading() as session:
        found: list[str] = session.get_one(JobRun, run.id).counts.get("notes", [])
        return found


def test_a_model_in_force_ranks_and_is_noted_with_each_score(runtime: Runtime) -> None:
    """Matching begins anew with the model; its log-odds are the sum of the stored contributions, verdicts stay."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project = add_project(session)
        paper = add_paper(session)
        decide(session, actor, Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=runtime.clock.now())
    assert run_job(runtime, match).counts["matched"] == 1
    with runtime.store.writing() as session:
        before = [link.model_dump() for link in session.exec(select(Link))]
        decisions = len(session.exec(select(Decision)).all())
        row = store_model(session, runtime.rules)
        adopt(session, actor, row.id, reason="", now=runtime.clock.now())
        version = row.version
    run = run_job(runtime, match)
    assert (run.counts["matched"], run.counts["changed"]) == (1, 1)
    with runtime.store.reading() as session:
        current = session.exec(select(CandidateRevision).where(col(CandidateRevision.superseded_at).is_(None))).one()
        assert (current.model_version, current.feature_version) == (version, feature_version())
        pieces = session.exec(select(EvidenceItem).where(col(EvidenceItem.revision_id) == current.id)).all()
        assert sum(piece.contribution for piece in pieces) == pytest.approx(4.0, abs=1e-9)
        assert [link.model_dump() for link in session.exec(select(Link))] == before
        assert len(session.exec(select(Decision)).all()) == decisions
        assert len(session.exec(select(RankingChoice)).all()) == 1
    assert "matched" not in run_job(runtime, match).counts
