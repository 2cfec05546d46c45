"""Learning from verdicts: what is fitted, measured, kept, and what never changes."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, SQLModel, select

from biblio.catalogue.actor import MACHINE
from biblio.errors import RequestRefused
from biblio.jobs import Progress, no_progress, run_job
from biblio.runtime import Runtime
from biblio.store.models import CandidateRevision, Decision, Link, RankingChoice, RankingMeasure, RankingModel
from biblio.store.words import ModelFinding, Outcome
from biblio.verify.learning import fitting as learning
from biblio.verify.learning.fitting import Learned, keep, last_measure, learned
from biblio.verify.learning.fitting import learn as learn_job
from biblio.verify.proposing.match import match
from biblio.verify.proposing.ranking_models import adopt, in_force, status
from matching.learning import is_held_back
from matching.ranking import weights_version
from tests.verify.lessons import fill

pytestmark = pytest.mark.usefixtures("small_models")


def rows(session: Session) -> dict[str, int]:
    """How many rows each table holds that learning may touch."""
    tables: tuple[type[SQLModel], ...] = (RankingModel, RankingMeasure, RankingChoice)
    return {str(table.__tablename__): len(session.exec(select(table)).all()) for table in tables}


def kept(runtime: Runtime, one: Learned) -> int:
    """Store what was learned; return the model's row."""
    with runtime.store.writing() as session:
        version = weights_version(runtime.rules)
        row = keep(session, MACHINE, one, rules_version=version, now=runtime.clock.now())
        assert row.id is not None
        return row.id


def test_a_model_that_knows_the_desk_is_better_and_ranks_by_nothing_yet(runtime: Runtime) -> None:
    """Both are measured on the same held-back papers; the model is stored, and what ranks stays what it was."""
    fill(runtime, 130, cited=10)
    one = learned(runtime, no_progress)
    assert one.finding is ModelFinding.BETTER, one.why
    assert one.after.average_precision > one.before.average_precision
    held = sum(is_held_back(str(n)) for n in range(1, 141))
    assert one.before.papers == one.after.papers == one.learned_from["held_back"] == held
    assert one.learned_from["papers"] + held == 140
    assert one.learned_from["cited"] == sum(not is_held_back(str(n)) for n in range(131, 141))
    assert one.learned_from["pairs"] == one.learned_from["right"] + one.learned_from["wrong"]
    with runtime.store.reading() as session:
        assert set(rows(session).values()) == {0}
    kept(runtime, one)
    with runtime.store.reading() as session:
        assert rows(session) == {"ranking_model": 1, "ranking_measure": 1, "ranking_choice": 0}
        assert in_force(session, runtime.rules).model is None
        stored = session.exec(select(RankingModel)).one()
        assert stored.text == one.model.text()
    assert f"better model       {one.version} is ready" in "\n".join(status(runtime))


def test_learning_again_gives_the_same_model_and_no_new_row(sqlite_runtime: Runtime) -> None:
    """The same store gives the same text; once it is in force, it is not held against itself."""
    fill(sqlite_runtime)
    first = learned(sqlite_runtime, no_progress)
    model_id = kept(sqlite_runtime, first)
    second = learned(sqlite_runtime, no_progress)
    assert second.model.text() == first.model.text()
    assert kept(sqlite_runtime, second) == model_id
    with sqlite_runtime.store.writing() as session:
        assert rows(session) == {"ranking_model": 1, "ranking_measure": 1, "ranking_choice": 0}
        adopt(session, MACHINE, model_id, reason="", now=sqlite_runtime.clock.now())
    third = learned(sqlite_runtime, no_progress)
    assert (third.against, third.finding) == (first.version, ModelFinding.NOT_BETTER)
    assert "in force" in third.why
    kept(sqlite_runtime, third)
    with sqlite_runtime.store.reading() as session:
        measure = last_measure(session, model_id)
        assert measure is not None
        assert (measure.finding, measure.against_id) == (ModelFinding.BETTER, None)


def test_two_people_who_learn_at_the_same_moment_keep_one_model(runtime: Runtime) -> None:
    """Who comes second waits for the first and finds the model there, and in force."""
    fill(runtime)
    one, now = learned(runtime, no_progress), runtime.clock.now()

    def second() -> int | None:
        with runtime.store.writing() as session:
            row = keep(session, MACHINE, one, rules_version=weights_version(runtime.rules), now=now)
            assert not adopt(session, MACHINE, row.id, reason="", now=now)
            return row.id

    with ThreadPoolExecutor(1) as elsewhere:
        with runtime.store.writing() as session:
            row = keep(session, MACHINE, one, rules_version=weights_version(runtime.rules), now=now)
            assert adopt(session, MACHINE, row.id, reason="", now=now)
            waiting = elsewhere.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        assert waiting.result(timeout=30) == row.id
    with runtime.store.reading() as session:
        assert rows(session) == {"ranking_model": 1, "ranking_measure": 1, "ranking_choice": 1}


def test_a_model_that_was_set_aside_is_usable_once_fitted_anew(sqlite_runtime: Runtime) -> None:
    """After the rules changed, a model measured against the profile's weights is ready, the very same one as well."""
    fill(sqlite_runtime)
    one = learned(sqlite_runtime, no_progress)
    with sqlite_runtime.store.writing() as session:
        now = sqlite_runtime.clock.now() - timedelta(days=1)
        same = keep(session, MACHINE, one, rules_version="of older rules", now=now)
        other = RankingModel(version="0" * 12, text="{}", feature_version="", rules_digest="", fitted_at=now)
        session.add(other)
        session.flush()
        adopt(session, MACHINE, other.id, reason="", now=now + timedelta(hours=1))
        assert "cannot be used" in (in_force(session, sqlite_runtime.rules).problem or "")
    again = learned(sqlite_runtime, no_progress)
    assert "cannot be used" in " ".join(again.notes)
    assert kept(sqlite_runtime, again) == same.id
    assert any(f"{one.version} is ready" in line for line in status(sqlite_runtime))
    with sqlite_runtime.store.writing() as session:
        adopt(session, MACHINE, same.id, reason="", now=sqlite_runtime.clock.now())
        assert in_force(session, sqlite_runtime.rules).problem is None
    assert not any("ready" in line for line in status(sqlite_runtime))


def test_no_verdict_changes(runtime: Runtime) -> None:
    """Learning, adopting and matching by the model leave every link and decision as people left them."""
    fill(runtime)
    with runtime.store.reading() as session:
        before = [[row.model_dump() for row in session.exec(select(table))] for table in (Link, Decision)]
    one = learned(runtime, no_progress)
    model_id = kept(runtime, one)
    with runtime.store.writing() as session:
        adopt(session, MACHINE, model_id, reason="", now=runtime.clock.now())
    assert run_job(runtime, match).outcome is Outcome.SUCCEEDED
    with runtime.store.reading() as session:
        assert [[row.model_dump() for row in session.exec(select(table))] for table in (Link, Decision)] == before
        assert {row.model_version for row in session.exec(select(CandidateRevision))} == {one.version}


def test_what_the_machine_proposed_teaches_nothing(sqlite_runtime: Runtime) -> None:
    """Candidates that nobody judged change neither the model nor its measure."""
    fill(sqlite_runtime)
    before = learned(sqlite_runtime, no_progress)
    assert run_job(sqlite_runtime, match).counts["new"] > 0
    after = learned(sqlite_runtime, no_progress)
    assert (after.version, after.before, after.learned_from) == (before.version, before.before, before.learned_from)


def test_a_model_that_is_no_better_is_not_ready(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tree of two leaves cannot beat the profile's weights, and the reason is said."""
    monkeypatch.setattr("biblio.verify.learning.fitting.is_better", lambda _before, _after: False)
    fill(sqlite_runtime)
    one = learned(sqlite_runtime, no_progress)
    assert one.finding is ModelFinding.NOT_BETTER
    assert "no better" in one.why
    kept(sqlite_runtime, one)
    assert not any("ready" in line for line in status(sqlite_runtime))


def test_a_gain_that_may_be_chance_is_left_to_a_person(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Better figures alone are not enough: so would be those of every second model that is no better."""
    monkeypatch.setattr("biblio.verify.learning.fitting.share_of_gains", lambda _before, _after: 0.72)
    fill(sqlite_runtime)
    one = learned(sqlite_runtime, no_progress)
    assert one.after.average_precision > one.before.average_precision
    assert one.finding is ModelFinding.UNTOLD
    assert "may be chance" in one.why
    assert "72%" in one.why
    kept(sqlite_runtime, one)
    assert not any("ready" in line for line in status(sqlite_runtime))


def test_among_few_held_back_papers_nothing_can_be_told(sqlite_runtime: Runtime) -> None:
    """However well it does on a dozen papers, a person must say that it is used."""
    fill(sqlite_runtime, 80)
    one = learned(sqlite_runtime, no_progress)
    assert one.after.papers < learning.LEAST_HELD_BACK
    assert one.finding is ModelFinding.UNTOLD
    assert "cannot be told" in one.why


def test_too_little_to_learn_from_is_a_sentence_with_numbers(sqlite_runtime: Runtime) -> None:
    """It says how many papers there are, how many are needed, and what to do."""
    fill(sqlite_runtime, 30)
    taught = sum(not is_held_back(str(n)) for n in range(1, 31))
    with pytest.raises(RequestRefused, match=rf"{taught} papers .* At least 50 are needed .* at the desk"):
        learned(sqlite_runtime, no_progress)


def test_a_missing_extra_is_said_before_any_work(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names what to install; nothing was read."""
    monkeypatch.setitem(sys.modules, "sklearn", None)

    def stopped(_what: str, _done: int, _total: int | None) -> None:
        raise AssertionError

    progress: Progress = stopped
    with pytest.raises(RequestRefused, match=r"requirements/learn\.txt"):
        learned(sqlite_runtime, progress)


def test_the_job_keeps_the_model_and_leaves_the_choice_to_a_person(sqlite_runtime: Runtime) -> None:
    """Its row says what was learned from and what to do next; nothing is in force."""
    actor = fill(sqlite_runtime)
    run = run_job(sqlite_runtime, learn_job, actor_id=actor.user_id)
    assert run.outcome is Outcome.SUCCEEDED, run.error
    assert run.counts["papers"] > learning.LEAST_PAPERS
    assert any("biblio rematch" in note for note in run.counts["notes"])
    with sqlite_runtime.store.reading() as session:
        assert session.exec(select(RankingModel)).one().fitted_by_id == actor.user_id
        assert rows(session)["ranking_choice"] == 0
    with pytest.raises(RequestRefused, match="no arguments"):
        run_job(sqlite_runtime, learn_job, arguments={"adopt": "true"})
