"""Trying a model, or changed rules, over all papers before anything changes: the job ``rematch``.

A trial proposes for every paper as the desk would if the model were in force, and keeps what would be proposed beside
the paper's hash, in two tables of its own. Each piece is one transaction, so a killed trial goes on where it stopped;
run again later, it tries only papers that are new or changed. Applying puts the model in force and has all papers
matched by the ordinary job, so verdicts, links and relations are left alone as ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.bulk import Lost, crew
from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused, StartRefused
from biblio.jobs import Job, JobContext, require_running
from biblio.runtime import Runtime, biblio_version, checked_profile
from biblio.store.locks import Turn, take_turn
from biblio.store.models import (
    AuditEntry,
    JobRun,
    Paper,
    RankingModel,
    RematchTrial,
    TrialPaper,
)
from biblio.store.words import TrialState
from biblio.verify.learning.fitting import COUNTED
from biblio.verify.proposing.facts import load_papers
from biblio.verify.proposing.kept import Kept, Piece, propose_piece
from biblio.verify.proposing.match import World, digests, survivors_of, world_of_today
from biblio.verify.proposing.ranking_models import PROFILE, adopt, better_model, named, read
from matching.ranking import feature_version, usable, weights_version
from matching.trees import Model, ModelError

SHARD = 200
"""Papers per piece and transaction: a kill costs at most so many per worker."""

APPLIED = "rematch.applied"
"""The action under which the audit log keeps who applied which trial."""

DROPPED = "rematch.dropped"
"""The action under which it keeps who dropped which."""

LARGEST_FILE = 64 * 2**20
"""Bytes of a model file at most: a fitted model has half a megabyte."""

_PARTS = {
    "projects": "the project list has changed",
    "rules": "the profile's rules, keywords or code grammar have changed",
    "version": "biblio was upgraded",
    "model": "another model was named",
}
"""What a trial rests on, besides each paper's own facts, and what is said when it is not as it was."""


# ---- what is tried


@dataclass(frozen=True, slots=True)
class Tried:
    """What a trial tries. ``text``: a model from a file, stored only when it is put in force."""

    world: World
    text: str | None = None

    @property
    def name(self) -> str:
        """The model as people call it."""
        return name_of(self.world.model_version)


def name_of(version: str | None) -> str:
    """A model as people call it."""
    return f"model {version}" if version else PROFILE


def tried(runtime: Runtime, model: str | None) -> Tried:
    """Return what to try: a stored model's version, a file, "profile" (its weights), or "now" (what is in force).

    Without a word: the newest model that was found better than what is in force, else what is in force under today's
    rules. Raises ``RequestRefused`` for a model there is none of, or one that cannot be used.
    """
    world = world_of_today(runtime)
    with runtime.store.reading() as session:
        if model is None:
            model = better_model(session) or "now"
        if model == "now":
            return Tried(world)
        if model == "profile":
            return Tried(replace(world, model=None, model_id=None, problem=None))
        try:
            if Path(model).is_file():
                return _from_file(world, Path(model))
            row = named(session, model)
            return Tried(replace(world, model=read(row, runtime.rules), model_id=row.id, problem=None))
        except (ModelError, OSError, UnicodeError) as wrong:
            raise RequestRefused(f"The model {model} cannot be used: {wrong}.") from wrong


def under(runtime: Runtime, folder: str) -> Runtime:
    """The same house under the rules of another folder. Raises ``RequestRefused`` for one that cannot be used."""
    try:
        profile = checked_profile(folder)
    except StartRefused as wrong:
        raise RequestRefused(f"{folder}: {wrong}") from wrong
    ours = runtime.profile.observatory.key
    if profile.observatory.key != ours:
        raise RequestRefused(
            f"The profile in {folder} is of {profile.observatory.key!r}; this database is of {ours!r}."
        )
    return replace(runtime, profile=profile)


def _from_file(world: World, file: Path) -> Tried:
    """A model that somebody has as a file: `biblio learn --model FILE` writes such. Raises ``ModelError``."""
    if (size := file.stat().st_size) > LARGEST_FILE:
        raise ModelError(f"it has {size} bytes, which is too large for a model")
    text = file.read_text("utf-8")
    model = usable(Model.from_text(text))
    for name, ours in _versions(world.runtime).items():
        if model.about.get(name, ours) != ours:
            raise ModelError(f"it was fitted under another version of the {name.replace('_', ' ')}")
    with world.runtime.store.reading() as session:
        row = session.exec(select(RankingModel).where(col(RankingModel.version) == model.version)).first()
    stored = row.id if row else None
    return Tried(replace(world, model=model, model_id=stored, problem=None), None if stored else text)


def _versions(runtime: Runtime) -> dict[str, str]:
    return {"features_read": feature_version(), "weights": weights_version(runtime.rules)}


# ---- the trial


def run_rematch(context: JobContext) -> None:
    """Try a model on every paper that the trial does not hold as it is now.

    Arguments: ``model``, ``profile``, ``executor``, ``workers``. Raises ``RequestRefused`` when there is no such model or
    profile, or no project list.
    """
    runtime, profile = context.runtime, context.arguments.get("profile")
    one = tried(runtime if profile is None else under(runtime, profile), context.arguments.get("model"))
    if one.world.problem is not None:
        context.note(one.world.problem)
    trial_id = _begin(context, one)
    with runtime.store.reading() as session:
        total = session.exec(
            select(sa.func.count()).select_from(Paper).where(col(Paper.merged_into_id).is_(None))
        ).one()
    kind, workers = context.arguments.get("executor") or "local", int(context.arguments.get("workers") or 1)
    done = 0

    def pieces() -> Iterator[Piece]:
        nonlocal done
        for survivors in survivors_of(runtime):
            due = _due(one.world, trial_id, survivors)
            done += len(survivors) - len(due)
            context.progress("try", done, total)
            yield from _pieces(one.world, due)

    with crew(kind, workers, one.world.proposer) as hands:
        for piece, result in hands.as_done(propose_piece, pieces()):
            _keep(context, trial_id, one.world, piece, result)
            done += len(piece.digests)
            context.progress("try", done, total)
    _end(context, trial_id)


def _begin(context: JobContext, one: Tried) -> int:
    """Take up the trial of just this, or begin one; any other is dropped, for it is of no use beside this one."""
    runtime, world = context.runtime, one.world
    with runtime.store.writing() as session:
        trial = open_trial(session, locked=True)
        if trial is not None and trial.basis == world.digest:
            trial.state = TrialState.RUNNING
        else:
            if trial is not None:
                context.note(f"The trial of {trial.counts.get('name')} was dropped for this one.")
                drop(session, trial, now=runtime.clock.now())
            started = session.get_one(JobRun, context.run_id).actor_id
            trial = RematchTrial(
                model_id=world.model_id,
                basis=world.digest,
                state=TrialState.RUNNING,
                begun_at=runtime.clock.now(),
                begun_by_id=started,
                counts={
                    "name": one.name
                    + (f" under {context.arguments['profile']}" if "profile" in context.arguments else ""),
                    "version": world.model_version,
                    "text": one.text,
                    "parts": _parts(world),
                    "profile": context.arguments.get("profile"),
                },
            )
        session.add(trial)
        session.flush()
        assert trial.id is not None
        return trial.id


def _parts(world: World) -> dict[str, str]:
    """A hash of each thing a trial rests on, to tell later which of them changed."""
    profile = world.runtime.profile
    plain: dict[str, Any] = {
        "projects": [asdict(facts) for facts in world.projects.facts],
        "rules": [dict(profile.rules), dict(profile.keywords), dict(profile.codes)],
        "version": [biblio_version(), feature_version()],
        "model": world.model_version,
    }
    return {
        name: hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:16]
        for name, what in plain.items()
    }


def _due(world: World, trial_id: int, survivors: Sequence[int]) -> dict[int, str]:
    """Return those papers that the trial does not hold as they are now, each with its hash."""
    now = digests(world, survivors)
    with world.runtime.store.reading() as session:
        held = _held(session, trial_id, survivors)
    return {paper_id: digest for paper_id, digest in now.items() if held.get(paper_id) != digest}


def _held(session: Session, trial_id: int, papers: Sequence[int]) -> dict[int, str]:
    rows = session.execute(
        sa.select(col(TrialPaper.paper_id), col(TrialPaper.digest)).where(
            col(TrialPaper.trial_id) == trial_id, col(TrialPaper.paper_id).in_(papers)
        )
    )
    return dict(rows.all())


def _pieces(world: World, due: Mapping[int, str]) -> Iterator[Piece]:
    ids = list(due)
    for start in range(0, len(ids), SHARD):
        some = ids[start : start + SHARD]
        with world.runtime.store.reading() as session:
            papers = load_papers(session, some, world.registry)
        yield Piece([(paper.facts, paper.mentions) for paper in papers], {number: due[number] for number in some})


def _keep(
    context: JobContext, trial_id: int, world: World, piece: Piece, result: dict[str, Kept] | Lost[Piece]
) -> None:
    """Write down what a piece gave, in one transaction; a paper that has no facts yet gives nothing."""
    if isinstance(result, Lost):
        numbers = sorted(piece.digests)
        context.count("given up", len(numbers))
        context.note(
            f"Papers {numbers[0]} to {numbers[-1]} stopped the process that compared them, {result.tries} times (too little "
            "memory, or a fault in a library); they are not in the trial. Run it again to try them."
        )
        return
    found = {
        paper: [[world.projects.ids[code], band, score] for code, band, score in kept] for paper, kept in result.items()
    }
    with context.runtime.store.writing() as session:
        require_running(session, context.run_id)
        _still_running(session, trial_id)
        for number, digest in piece.digests.items():
            after = found.get(str(number), [])
            session.merge(TrialPaper(trial_id=trial_id, paper_id=number, digest=digest, changes={"after": after}))
    context.count("tried", len(piece.digests))


def _still_running(session: Session, trial_id: int) -> RematchTrial:
    """The trial, which nobody else changes until the transaction ends. Raises ``RequestRefused`` if it was dropped."""
    trial = session.get_one(RematchTrial, trial_id, with_for_update=True)
    if trial.state is not TrialState.RUNNING:
        raise RequestRefused("The trial was dropped while it ran.")
    return trial


def _end(context: JobContext, trial_id: int) -> None:
    """Papers that were merged meanwhile leave the trial; it is ready, unless some of it was given up."""
    now = context.runtime.clock.now()
    merged = sa.select(col(Paper.id)).where(col(Paper.merged_into_id).is_not(None))
    with context.runtime.store.writing() as session:
        require_running(session, context.run_id)
        trial = _still_running(session, trial_id)
        session.execute(
            sa.delete(TrialPaper).where(col(TrialPaper.trial_id) == trial_id, col(TrialPaper.paper_id).in_(merged))
        )
        if not context.counts.get("given up"):
            trial.state, trial.ended_at = TrialState.READY, now
        session.add(trial)


def open_trial(session: Session, *, locked: bool = False) -> RematchTrial | None:
    """Return the trial that is running or waits to be applied, if any; there is one at most.

    ``locked``: nobody else changes it until the transaction ends.
    """
    statement = (
        select(RematchTrial)
        .where(col(RematchTrial.state).in_((TrialState.RUNNING, TrialState.READY)))
        .order_by(col(RematchTrial.id).desc())
    )
    return session.exec(statement.with_for_update() if locked else statement).first()


def drop(session: Session, trial: RematchTrial, *, now: datetime) -> None:
    """Forget what a trial found; that there was one stays."""
    session.execute(sa.delete(TrialPaper).where(col(TrialPaper.trial_id) == trial.id))
    trial.state, trial.ended_at = TrialState.DROPPED, now
    trial.counts = {**trial.counts, "text": None}
    session.add(trial)
    session.flush()


def drop_open(session: Session, actor: Actor, *, now: datetime) -> RematchTrial:
    """Drop the trial there is, for whoever acts, and return it. Raises ``NotFound`` without one."""
    trial = open_trial(session, locked=True)
    if trial is None:
        raise NotFound("There is no trial to drop.")
    _note(session, actor, DROPPED, trial, now=now)
    drop(session, trial, now=now)
    return trial


# ---- applying


def apply(runtime: Runtime, actor: Actor) -> RematchTrial:
    """Put in force what the trial tried, and return the trial; the job ``match`` then ranks all papers by it.

    Raises ``NotFound`` without a trial, and ``RequestRefused`` where it is not whole, or what it rests on has changed
    since: the message says what, and what to do.
    """
    with runtime.store.reading() as session:
        trial = open_trial(session)
        last = session.exec(select(RematchTrial).order_by(col(RematchTrial.id).desc())).first()
    if trial is None:
        was_applied = last is not None and last.state is TrialState.APPLIED
        if last is not None and was_applied and last.basis == world_of_today(runtime).digest:
            return last  # a run that was killed behind this: what is left to do is the job match
        raise NotFound("There is no trial to apply: run `biblio rematch` first.")
    if trial.state is not TrialState.READY:
        raise RequestRefused(
            "The trial has not come to its end: run `biblio rematch` again, it goes on where it stopped."
        )
    assert trial.id is not None
    _refuse_newer_papers(_world_as_tried(runtime, trial), trial.id)
    with runtime.store.writing() as session:
        return _put_in_force(session, runtime, trial.id, actor)


def _put_in_force(session: Session, runtime: Runtime, trial_id: int, actor: Actor) -> RematchTrial:
    """Choose the model of a trial, close the trial, and say so in the audit log."""
    now = runtime.clock.now()
    trial = session.get_one(RematchTrial, trial_id, with_for_update=True)
    if trial.state is not TrialState.READY:
        raise RequestRefused("Somebody else applied or dropped the trial at the same moment.")
    if trial.counts.get("text"):
        trial.model_id = _stored(session, runtime, trial, actor)
    adopt(session, actor, trial.model_id, reason=f"Applied after trial {trial.id}.", now=now)
    its_papers = col(TrialPaper.trial_id) == trial.id
    papers = session.exec(select(sa.func.count()).select_from(TrialPaper).where(its_papers)).one()
    _note(session, actor, APPLIED, trial, now=now, papers=papers)
    session.execute(sa.delete(TrialPaper).where(its_papers))
    trial.state, trial.ended_at = TrialState.APPLIED, now
    trial.counts = {**trial.counts, "text": None, "papers": papers}
    session.add(trial)
    session.flush()
    return trial


def _note(session: Session, actor: Actor, action: str, trial: RematchTrial, *, now: datetime, **details: int) -> None:
    """Put into the audit log who did what with a trial."""
    by = {"by": actor.name} if actor.user_id is None else {}
    subject = f"trial {trial.id}: {trial.counts.get('name')}"
    session.add(
        AuditEntry(made_at=now, actor_id=actor.user_id, action=action, subject=subject, details={**details, **by})
    )


def _world_as_tried(runtime: Runtime, trial: RematchTrial) -> World:
    """Today's world with the model that was tried. Raises ``RequestRefused`` when it is not the one that was tried."""
    world = world_of_today(runtime)
    try:
        if trial.counts.get("text"):
            world = replace(world, model=usable(Model.from_text(trial.counts["text"])), model_id=None)
        elif trial.model_id is None:
            world = replace(world, model=None, model_id=None)
        else:
            with runtime.store.reading() as session:
                row = session.get_one(RankingModel, trial.model_id)
            world = replace(world, model=read(row, runtime.rules), model_id=row.id)
    except ModelError as wrong:
        raise RequestRefused(
            f"The model that was tried cannot be used any more: {wrong}. Run `biblio rematch` again."
        ) from wrong
    if world.digest != trial.basis:
        before, now = trial.counts.get("parts", {}), _parts(world)
        changed = [what for part, what in _PARTS.items() if before.get(part) != now[part]]
        if (folder := trial.counts.get("profile")) and before.get("rules") != now["rules"]:
            raise RequestRefused(
                f"The trial was of the rules in {folder}, and those in force are others. Nothing was changed: put that "
                "folder's files in the place of those in force, then apply."
            )
        raise RequestRefused(
            f"Since the trial, {' and '.join(changed) or 'what it rests on has changed'}; what it showed is not what would "
            "happen. Nothing was changed: run `biblio rematch` again, then apply."
        )
    return world


def _refuse_newer_papers(world: World, trial_id: int) -> None:
    newer = sum(len(_due(world, trial_id, survivors)) for survivors in survivors_of(world.runtime))
    if newer:
        raise RequestRefused(
            f"{newer} papers are new or have changed since the trial. Nothing was changed: run `biblio rematch` again, it "
            "tries only these, then apply."
        )


def _stored(session: Session, runtime: Runtime, trial: RematchTrial, actor: Actor) -> int:
    """Store the model that was tried from a file, unless `biblio learn` has made the same meanwhile."""
    text = trial.counts["text"]
    model = Model.from_text(text)
    take_turn(session, Turn.RANKINGS)
    row = session.exec(select(RankingModel).where(col(RankingModel.version) == model.version)).first()
    if row is None:
        row = RankingModel(
            version=model.version,
            text=text,
            feature_version=feature_version(),
            rules_digest=weights_version(runtime.rules),
            learned_from={
                name: n for name, n in model.about.items() if name in COUNTED and type(n) is int and 0 <= n < 2**31
            },
            fitted_at=runtime.clock.now(),
            fitted_by_id=actor.user_id,
        )
        session.add(row)
        session.flush()
    assert row.id is not None
    return row.id


# ---- the house


def _check(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    unknown = sorted(set(arguments) - {"model", "profile", "executor", "workers"})
    if unknown:
        raise RequestRefused(f"The job rematch takes model, profile, executor and workers, not {', '.join(unknown)}.")
    workers = str(arguments.get("workers") or 1)
    if not workers.isdecimal() or not 1 <= int(workers) <= 256:
        raise RequestRefused(f"workers is a number from 1 to 256, not {workers!r}.")


def status(runtime: Runtime) -> Iterable[str]:
    """Say where a trial stands that nobody has applied or dropped."""
    with runtime.store.reading() as session:
        trial = open_trial(session)
    if trial is None:
        return
    what = f"{trial.counts.get('name')}, of {trial.begun_at:%Y-%m-%d %H:%M} UTC"
    if trial.state is TrialState.READY:
        yield f"trial              {what}: `biblio rematch --show`, then --apply or --drop"
    else:
        yield f"trial              {what}, has not come to its end: `biblio rematch` goes on"


rematch = Job(name="rematch", title="Try a model or rules on all papers", run=run_rematch, check=_check)
"""By hand: nothing on the desk changes until a person applies the trial with ``biblio rematch --apply``."""
