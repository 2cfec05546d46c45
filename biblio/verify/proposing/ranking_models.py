"""Which model ranks candidates: the one that was put in force, or the profile's weights (day 0) where none was.

Choosing a model changes no verdict and no candidate by itself: papers are matched anew with it by the next ``match``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound
from biblio.runtime import Runtime
from biblio.store.locks import Turn, take_turn
from biblio.store.models import AuditEntry, RankingChoice, RankingMeasure, RankingModel
from biblio.store.words import ModelFinding
from matching.ranking import feature_version, usable, weights_version
from matching.rules import Rules
from matching.trees import Model, ModelError

CHOSEN = "ranking.chosen"
"""The action under which the audit log keeps who put which model in force."""

PROFILE = "the profile's weights"
"""What ranks where no model is in force, in words."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What ranks candidates now. ``model`` None: the profile's weights.

    ``problem`` says why a model that was put in force is not used; then the profile's weights rank.
    """

    model: Model | None = None
    model_id: int | None = None
    problem: str | None = None


def in_force(session: Session, rules: Rules) -> Ranking:
    """Return what ranks candidates under these rules. A model that cannot be used is told of and never stops matching."""
    choice = _live(session)
    if choice is None or choice.model_id is None:
        return Ranking()
    row = session.get_one(RankingModel, choice.model_id)
    try:
        return Ranking(read(row, rules), row.id)
    except ModelError as wrong:
        return Ranking(
            problem=f"The model {row.version} is in force and cannot be used: {wrong}. Candidates are ranked by the "
            "profile's weights until `biblio learn` fits a model anew."
        )


def read(row: RankingModel, rules: Rules) -> Model:
    """Return a stored model ready to score. Raises ``ModelError`` for one of other features, weights or numbers."""
    model = usable(Model.from_text(row.text))
    if row.feature_version != feature_version():
        raise ModelError("it reads features as another version of biblio measured them")
    if row.rules_digest != weights_version(rules):
        raise ModelError("it was fitted with other weights than the profile's rules have now")
    if row.version != model.version:
        raise ModelError(f"its numbers are those of {model.version}")
    return model


def named(session: Session, version: str) -> RankingModel:
    """Return the stored model whose version begins with ``version``. Raises ``NotFound`` for none, or several."""
    rows = session.exec(
        select(RankingModel)
        .where(col(RankingModel.version).startswith(version, autoescape=True))
        .order_by(col(RankingModel.id))
        .limit(2)
    ).all()
    if not version or not rows:
        raise NotFound(f"There is no model {version!r}; `biblio learn --list` names those there are.")
    if len(rows) > 1:
        raise NotFound(f"Several models begin with {version!r}; write more of its name.")
    return rows[0]


def adopt(session: Session, actor: Actor, model_id: int | None, *, reason: str, now: datetime) -> bool:
    """Put a model in force (None: the profile's weights) for whoever acts; return whether that changed anything.

    Raises ``NotFound`` for a model there is none of.
    """
    take_turn(session, Turn.RANKINGS)
    row = None if model_id is None else session.get(RankingModel, model_id)
    if model_id is not None and row is None:
        raise NotFound(f"There is no model number {model_id}.")
    live = _live(session)
    if (live.model_id if live else None) == model_id:
        return False
    if live is not None:
        live.ended_at = now
        session.add(live)
        session.flush()
    session.add(RankingChoice(model_id=model_id, chosen_at=now, chosen_by_id=actor.user_id, reason=reason.strip()))
    session.add(
        AuditEntry(
            made_at=now,
            actor_id=actor.user_id,
            action=CHOSEN,
            subject=row.version if row else PROFILE,
            details={"reason": reason.strip(), **({"by": actor.name} if actor.user_id is None else {})},
        )
    )
    session.flush()
    return True


def history(session: Session) -> Sequence[RankingChoice]:
    """Return every choice, the one in force first."""
    return session.exec(select(RankingChoice).order_by(col(RankingChoice.id).desc())).all()


def in_order(runtime: Runtime) -> Iterable[str]:
    """Say where a model that was put in force cannot be used."""
    with runtime.store.reading() as session:
        problem = in_force(session, runtime.rules).problem
    return [] if problem is None else [problem]


def status(runtime: Runtime) -> Iterable[str]:
    """Say what ranks candidates, since when, and whether a better model is ready."""
    with runtime.store.reading() as session:
        choice = _live(session)
        chosen = session.get(RankingModel, choice.model_id) if choice and choice.model_id is not None else None
        ready = better_model(session)
        since = f" since {choice.chosen_at:%Y-%m-%d %H:%M} UTC" if choice else ""
    yield f"ranked by          {f'model {chosen.version}' if chosen else PROFILE}{since}"
    if ready is not None:
        yield f"better model       {ready} is ready: `biblio rematch --model {ready}` shows what it would change"


def better_model(session: Session) -> str | None:
    """Return the version of the newest model, where it was found better than what is in force now."""
    choice = _live(session)
    found = session.exec(
        select(RankingModel.version, RankingMeasure)
        .join(RankingMeasure, col(RankingMeasure.model_id) == col(RankingModel.id))
        .order_by(col(RankingMeasure.id).desc())
    ).first()
    if found is None:
        return None
    version, measure = found
    chosen = choice.model_id if choice else None
    # Beside a model that cannot be used, what ranks is the profile's weights, and the measure says so.
    is_news = measure.against_id == chosen or (choice is not None and measure.measured_at > choice.chosen_at)
    return version if is_news and measure.finding is ModelFinding.BETTER and measure.model_id != chosen else None


def _live(session: Session) -> RankingChoice | None:
    return session.exec(select(RankingChoice).where(col(RankingChoice.ended_at).is_(None))).first()
