"""Learning to rank from what people decided: a model is fitted, held against what ranks now, and kept.

Nothing ranks by a new model until it is put in force (``ranking_models.adopt``), and no verdict is ever changed. Both
are measured on papers that were never learned from, with the codes in their texts left aside: what a printed code says
needs no model. The same store gives the same model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.errors import RequestRefused
from biblio.jobs import Job, JobContext, Progress
from biblio.runtime import Runtime
from biblio.store.locks import Turn, take_turn
from biblio.store.models import JobRun, RankingMeasure, RankingModel, UserAccount
from biblio.store.words import ModelFinding
from biblio.verify.learning.learned_from import Lesson, lessons
from biblio.verify.proposing.match import World, world_of_today
from biblio.verify.proposing.ranking_models import history
from matching.evaluation import Figures, Ranked, ranked, share_of_gains
from matching.evaluation import evaluate as measured
from matching.fitting import FittingError
from matching.learning import Labelled, is_better, is_held_back
from matching.learning import learn as fitted
from matching.propose import Proposer
from matching.ranking import FEATURES, feature_version, weights_version
from matching.trees import Model

LEAST_PAPERS = 50
"""Papers to learn from at least: below, trees with twenty rows a leaf cannot tell two features apart."""

LEAST_HELD_BACK = 20
"""Held-back papers without which nothing can be told: among fewer, one paper more or less decides."""

SURE = 0.9
"""The share of drawings of the held-back papers that must show a gain; without it, every second model that is no better
would be called so by chance."""

AT_ONCE = 200
"""Papers compared together."""


COUNTED = ("papers", "verdicts", "cited", "none", "pairs", "right", "wrong", "held_back")
"""What is counted of that which a model is learned from; models keep these numbers."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A new model beside what ranks now (``against_id`` None: the profile's weights), on the same held-back papers.

    ``learned_from`` counts papers and pairs; ``notes`` are sentences about what is not as it should be.
    """

    model: Model
    against: str | None
    against_id: int | None
    finding: ModelFinding
    why: str
    before: Figures
    after: Figures
    learned_from: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """What tells the model from others."""
        return self.model.version


def learned(runtime: Runtime, progress: Progress) -> Learned:
    """Fit a model to all that is known and measure it; nothing is written.

    Raises ``RequestRefused`` without projects, without the extra ``learn``, or where too little is known.
    """
    _require_fitting()
    world = world_of_today(runtime)
    known = list(lessons(world, lambda done, total: progress("read", done, total)))
    taught = [one for one in known if not is_held_back(one.facts.id)]
    held = [one for one in known if is_held_back(one.facts.id)]
    labelled = _labelled(world.proposer, taught, progress)
    counts = _counts(labelled, taught, held)
    _require_enough(counts)
    progress("fit", 0, 1)
    try:
        model = fitted(labelled, about={**counts, **_versions(runtime)})
    except FittingError as wrong:
        raise RequestRefused(f"No model can be fitted: {wrong}. {_known(counts)}") from wrong
    progress("fit", 1, 1)
    before = _measured(world.proposer, held, progress, "measure what ranks now")
    after = _measured(world.proposer.with_model(model), held, progress, "measure the model")
    return _told(world, model, before, after, counts)


def _require_fitting() -> None:
    try:
        import sklearn  # noqa: F401  only to see that it is there, before the long work
    except ImportError as error:
        raise RequestRefused(
            "Learning needs the extra `learn`: pip install --require-hashes -r requirements/learn.txt"
        ) from error


def _versions(runtime: Runtime) -> dict[str, str]:
    return {"features_read": feature_version(), "weights": weights_version(runtime.rules)}


def _labelled(proposer: Proposer, taught: Sequence[Lesson], progress: Progress) -> list[Labelled]:
    """The candidates of each paper of which something is known, with their features."""
    found = []
    for start in range(0, len(taught), AT_ONCE):
        progress("compare", start, len(taught))
        chunk = taught[start : start + AT_ONCE]
        rows = proposer.rows(one.facts for one in chunk)
        for lesson, (paper, candidates) in zip(chunk, rows, strict=True):
            known = [(row, label) for code, row in candidates if (label := lesson.label(code)) is not None]
            if known:
                features = np.array([row for row, _ in known], dtype=np.float64).reshape(-1, len(FEATURES))
                found.append(Labelled(paper, features, [label for _, label in known], lesson.source))
    progress("compare", len(taught), len(taught))
    return found


def _counts(labelled: Sequence[Labelled], taught: Sequence[Lesson], held: Sequence[Lesson]) -> dict[str, int]:
    """What is learned from, in papers and pairs. ``none``: papers known to have used none; ``held_back``: papers."""
    sources = Counter(one.source for one in labelled)
    right = sum(sum(one.labels) for one in labelled)
    pairs = sum(len(one.labels) for one in labelled)
    return {
        "papers": len(labelled),
        "verdicts": sources["verdict"],
        "cited": sources["cited"],
        "none": sum(one.is_settled and not one.right for one in taught),
        "pairs": pairs,
        "right": right,
        "wrong": pairs - right,
        "held_back": len(held),
    }


def _require_enough(counts: Mapping[str, int]) -> None:
    if counts["papers"] < LEAST_PAPERS:
        raise RequestRefused(
            f"There is too little to learn from: {_known(counts)} At least {LEAST_PAPERS} are needed besides those held "
            "back. Decide about more papers at the desk, also about some that used none of the projects."
        )
    for kind, remedy in (("right", "accept some projects"), ("wrong", "reject some, or find a paper none of ours")):
        if not counts[kind]:
            raise RequestRefused(f"No candidate is known to be {kind}: {_known(counts)} At the desk, {remedy}.")


def _known(counts: Mapping[str, int]) -> str:
    return (
        f"{counts['papers']} papers ({counts['verdicts']} with verdicts, {counts['cited']} that only print their codes) "
        f"with {counts['right']} right and {counts['wrong']} wrong candidates, and {counts['held_back']} papers held back."
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """How well the held-back papers are ranked, and each of them as it is ranked."""

    figures: Figures
    papers: list[Ranked]


def _measured(proposer: Proposer, held: Sequence[Lesson], progress: Progress, step: str) -> _Measured:
    """How well candidates of the held-back papers are ranked without the codes in their texts."""
    papers: list[Ranked] = []

    def judged() -> Iterable[Any]:
        for start in range(0, len(held), AT_ONCE):
            progress(step, start, len(held))
            chunk = held[start : start + AT_ONCE]
            proposed = proposer.propose_many(one.facts for one in chunk)
            for lesson, (_, candidates) in zip(chunk, proposed, strict=True):
                paper = lesson.judged(candidates)
                papers.append(ranked(paper))
                yield paper
        progress(step, len(held), len(held))

    return _Measured(measured(judged()).figures, papers)


def _told(world: World, model: Model, then: _Measured, now: _Measured, counts: Mapping[str, int]) -> Learned:
    before, after = then.figures, now.figures
    finding, why = _finding(world, model, before, after)
    if finding is ModelFinding.BETTER and after.average_precision > before.average_precision:
        gains = share_of_gains(then.papers, now.papers)
        if gains < SURE:
            finding, why = (
                ModelFinding.UNTOLD,
                (
                    f"It ranks the held-back papers better, but so little that it may be chance: of drawings of these papers "
                    f"{gains:.0%} say so, and {SURE:.0%} are needed. Decide about more papers."
                ),
            )
    notes = [] if world.problem is None else [world.problem]
    if not counts["none"]:
        notes.append(
            "No paper learned from is known to have used none of the projects, so the scores of such papers will be too "
            "high: decide about some of them."
        )
    return Learned(model, world.model_version, world.model_id, finding, why, before, after, counts, tuple(notes))


def _finding(world: World, model: Model, before: Figures, after: Figures) -> tuple[ModelFinding, str]:
    """Whether the model is better than what ranks now, and why."""
    if model.version == world.model_version:
        return ModelFinding.NOT_BETTER, "It is the model in force: nothing it learns from has changed."
    if after.papers < LEAST_HELD_BACK or not after.right or after.right >= after.pairs:
        return ModelFinding.UNTOLD, (
            f"Whether it is better cannot be told: of the papers held back, {after.papers} are known, with {after.right} "
            f"right projects among {after.pairs} candidates; at least {LEAST_HELD_BACK} papers with right and wrong ones "
            "are needed."
        )
    if is_better(before, after):
        if after.average_precision == before.average_precision and after.recall_at_99 == before.recall_at_99:
            return ModelFinding.BETTER, "It ranks the held-back papers alike, and its probabilities are more honest."
        return ModelFinding.BETTER, "It ranks the held-back papers better, and its probabilities are as honest."
    if after.calibration_error > before.calibration_error + 0.005:
        return ModelFinding.NOT_BETTER, "Its probabilities are less honest than those of what ranks now."
    return ModelFinding.NOT_BETTER, "It ranks the held-back papers no better than what ranks now."


def keep(session: Session, actor: Actor, one: Learned, *, rules_version: str, now: datetime) -> RankingModel:
    """Store the model and how it did; what is stored already is not stored twice. Nothing ranks by it yet.

    A model that is in force already is not measured against itself. Where other weights or features gave the very same
    numbers, the model now stands for those of today.
    """
    take_turn(session, Turn.RANKINGS)
    row = session.exec(select(RankingModel).where(col(RankingModel.version) == one.version)).first()
    if row is None:
        row = RankingModel(
            version=one.version,
            text=one.model.text(),
            feature_version=feature_version(),
            rules_digest=rules_version,
            learned_from=dict(one.learned_from),
            fitted_at=now,
            fitted_by_id=actor.user_id,
        )
    row.feature_version, row.rules_digest = feature_version(), rules_version
    session.add(row)
    session.flush()
    assert row.id is not None
    measure = RankingMeasure(
        model_id=row.id,
        against_id=one.against_id,
        finding=one.finding,
        why=one.why,
        before=one.before.plain(),
        after=one.after.plain(),
        measured_at=now,
        measured_by_id=actor.user_id,
    )
    if row.id != one.against_id and not _is_told(session, measure):
        session.add(measure)
        session.flush()
    return row


def last_measure(session: Session, model_id: int) -> RankingMeasure | None:
    """Return how a model did when it was last measured."""
    return session.exec(
        select(RankingMeasure).where(col(RankingMeasure.model_id) == model_id).order_by(col(RankingMeasure.id).desc())
    ).first()


def _is_told(session: Session, now: RankingMeasure) -> bool:
    """Whether the last measure of the model says the same, and nothing was put in force since."""
    before = last_measure(session, now.model_id)
    names = ("against_id", "finding", "before", "after")
    if before is None or any(getattr(before, name) != getattr(now, name) for name in names):
        return False
    choices = history(session)
    return not choices or choices[0].chosen_at <= before.measured_at


def run_learn(context: JobContext) -> None:
    """Fit a model, measure it and keep it; whether to use it is for a person to say."""
    runtime = context.runtime
    one = learned(runtime, context.progress)
    with runtime.store.writing() as session:
        actor = _who_started(session, context.run_id)
        keep(session, actor, one, rules_version=weights_version(runtime.rules), now=runtime.clock.now())
    for name, number in one.learned_from.items():
        context.count(name, number)
    for sentence in (*one.notes, f"Model {one.version}: {one.why}"):
        context.note(sentence)
    if one.finding is ModelFinding.BETTER:
        context.note(f"`biblio rematch --model {one.version}` shows what it would change, and puts it in force.")


def _who_started(session: Session, run_id: int) -> Actor:
    started = session.get_one(JobRun, run_id).actor_id
    person = session.get(UserAccount, started) if started is not None else None
    return MACHINE if person is None else Actor(user_id=person.id, name=person.name, role=person.role)


def _no_arguments(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    if arguments:
        raise RequestRefused("The job learn takes no arguments; `biblio learn --help` tells what the command can do.")


learn = Job(name="learn", title="Learn to rank from verdicts", run=run_learn, check=_no_arguments)
"""By hand only: a model is worth fitting after some hundred verdicts, and a person decides whether it is used."""
